//! Settings of the queue: how workers are told of tasks.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::Url;

use super::load::ConfigError;
use super::rules::refuse;
use super::{Config, ServiceUrl};
use crate::queue::JetStreamOptions;

/// How workers are told of tasks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct QueueConfig {
    /// A NATS server with JetStream, such as `nats://nats.example.com:4222`, or `tls://user:password@…`, or a token in their
    /// place; several of one cluster with commas between, the first that has them has them for all (default: tasks are claimed
    /// from the database). Passwords and tokens are never shown.
    pub url: Option<ServiceUrl>,
    /// File with the credentials (`.creds`) by which NATS knows this server.
    pub credentials_file: Option<PathBuf>,
    /// File with the certificates (PEM) of the authority that signed those of the NATS servers, if this machine does not know
    /// it; no other one is believed then, and nothing is sent without TLS.
    pub ca_file: Option<PathBuf>,
    /// File with the certificate (PEM) by which NATS knows this server.
    pub certificate_file: Option<PathBuf>,
    /// File with its key (PEM).
    pub certificate_key_file: Option<PathBuf>,
    /// Name of the stream, which is made when it is missing (default `TELECINE_TASKS`).
    pub stream: String,
    /// NATS servers that hold the stream: 1, or 3 of a cluster, which go on without one of them (default 1).
    pub replicas: usize,
    /// Lanes among which workspaces are spread; all servers and workers should have the same number (default 4).
    pub lanes: u16,
    /// Tasks of a kind that wait in the stream at most; fewer do while they are taken slowly, so that who comes later has a
    /// turn soon (default 256).
    pub ahead: u32,
    /// Seconds after which the stream gives a task to another worker when the first says nothing; a little more than
    /// `pipeline.lease_s` (default 75).
    pub ack_wait_s: u64,
    /// Seconds after which a task is put into the stream anew that nobody took, whatever the stream says (default 300).
    pub offer_s: u64,
    /// Seconds that NATS may be away before tasks are claimed from the database (default 5).
    pub patience_s: u64,
}

impl Default for QueueConfig {
    fn default() -> Self {
        Self {
            url: None,
            credentials_file: None,
            ca_file: None,
            certificate_file: None,
            certificate_key_file: None,
            stream: "TELECINE_TASKS".to_owned(),
            replicas: 1,
            lanes: 4,
            ahead: 256,
            ack_wait_s: 75,
            offer_s: 300,
            patience_s: 5,
        }
    }
}

impl QueueConfig {
    /// How the stream is reached and what it is like; none when tasks are claimed from the database.
    pub fn stream(&self) -> Option<JetStreamOptions> {
        let servers = self.url.as_ref()?.reveal().split(',').map(str::to_owned).collect();
        Some(JetStreamOptions {
            servers,
            credentials_file: self.credentials_file.clone(),
            ca_file: self.ca_file.clone(),
            client_certificate: self.certificate_file.clone().zip(self.certificate_key_file.clone()),
            stream: self.stream.clone(),
            lanes: self.lanes,
            replicas: self.replicas,
            ack_wait: Duration::from_secs(self.ack_wait_s),
            ahead: self.ahead,
            lapse: Duration::from_secs(self.offer_s),
            patience: Duration::from_secs(self.patience_s),
        })
    }
}

/// Refuses settings with which no stream could be used.
pub(super) fn check(config: &Config) -> Result<(), ConfigError> {
    let Config { queue, database, pipeline, .. } = config;
    if !(1..=64).contains(&queue.lanes) {
        return refuse("queue.lanes", &queue.lanes, "it must be 1 to 64");
    }
    if !matches!(queue.replicas, 1 | 3 | 5) {
        return refuse("queue.replicas", &queue.replicas, "it must be 1, 3 or 5");
    }
    if !(8..=10_000).contains(&queue.ahead) {
        return refuse("queue.ahead", &queue.ahead, "it must be 8 to 10000");
    }
    if !(10..=86_400).contains(&queue.offer_s) {
        return refuse("queue.offer_s", &queue.offer_s, "it must be 10 to 86400 seconds");
    }
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
    if queue.stream.is_empty() || queue.stream.len() > 64 || !queue.stream.chars().all(is_name) {
        let rule = "it must be 1 to 64 letters, digits, `_` and `-`";
        return refuse("queue.stream", &queue.stream, rule);
    }
    if queue.certificate_file.is_some() != queue.certificate_key_file.is_some() {
        let given = queue.certificate_file.as_ref().or(queue.certificate_key_file.as_ref());
        let given = given.map(|file| file.display().to_string()).unwrap_or_default();
        let rule = "`queue.certificate_file` and `queue.certificate_key_file` must be set together";
        return refuse("queue.certificate_file", &given, rule);
    }
    let Some(url) = &queue.url else { return Ok(()) };
    // Of a worker that is at work, the stream hears every third of a lease.
    if queue.ack_wait_s <= pipeline.lease_s / 2 {
        let rule = "it must be more than half of `pipeline.lease_s`";
        return refuse("queue.ack_wait_s", &queue.ack_wait_s, rule);
    }
    let is_nats =
        |one: &str| Url::parse(one).is_ok_and(|url| matches!(url.scheme(), "nats" | "tls") && url.has_host());
    if !url.reveal().split(',').all(is_nats) {
        let rule = "it must be the URL of a NATS server, such as nats://nats.example.com:4222; leave it out to claim \
            tasks from the database";
        return refuse("queue.url", url, rule);
    }
    if database.url.is_none() {
        let rule =
            "`database.url` must be set as well: workers that share a queue share a PostgreSQL database";
        return refuse("queue.url", url, rule);
    }
    Ok(())
}
