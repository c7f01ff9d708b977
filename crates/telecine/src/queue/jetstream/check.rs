//! What is to be said of a NATS before anybody relies on it. Changes nothing.

use async_nats::jetstream::stream::{Info, StorageType};
use async_nats::jetstream::{self, Context};

use super::JetStreamOptions;
use super::connection;
use super::link::REQUEST_LIMIT;

/// The oldest version that this was tried with.
const OLDEST: (i64, i64) = (2, 10);
/// What the stream may take: 100,000 messages of at most a kilobyte, with room to spare.
const ROOM_BYTES: i64 = 128 << 20;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Well.
    Ok,
    /// It works, and may not some day.
    Warning,
    /// It does not work.
    Failed,
}

/// Something that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub name: &'static str,
    /// How it is.
    pub level: Level,
    /// What was found.
    pub found: String,
    /// What to change, where something is to be.
    pub remedy: Option<String>,
}

fn ok(name: &'static str, found: impl Into<String>) -> Finding {
    Finding { name, level: Level::Ok, found: found.into(), remedy: None }
}

fn not_ok(name: &'static str, level: Level, found: impl Into<String>, remedy: impl Into<String>) -> Finding {
    Finding { name, level, found: found.into(), remedy: Some(remedy.into()) }
}

/// Looks at the server, its JetStream and the stream. Stops where nothing further can be told.
pub async fn check(options: &JetStreamOptions) -> Vec<Finding> {
    let mut findings = Vec::new();
    let client = match connection::once(options).await {
        Ok(client) => client,
        Err(why) => {
            findings.push(not_ok("nats", Level::Failed, why.found, why.remedy));
            return findings;
        }
    };
    let server = client.server_info();
    let about = format!("{} {}", server.server_name, server.version);
    if client.is_server_compatible(OLDEST.0, OLDEST.1, 0) {
        findings.push(ok("nats", about));
    } else {
        let remedy = format!("Use NATS {}.{} or later.", OLDEST.0, OLDEST.1);
        findings.push(not_ok("nats", Level::Warning, about, remedy));
    }
    let context = jetstream::ContextBuilder::new().timeout(REQUEST_LIMIT).build(client);
    findings.extend(jetstream(&context, options).await);
    findings
}

async fn jetstream(context: &Context, options: &JetStreamOptions) -> Vec<Finding> {
    let account = match context.query_account().await {
        Ok(account) => account,
        Err(error) => {
            let remedy = "Switch JetStream on (`jetstream { store_dir: … }` in nats.conf) and allow it to this account.";
            return vec![not_ok("jetstream", Level::Failed, format!("it is off: {error}"), remedy)];
        }
    };
    let most = account.limits.max_storage.unwrap_or(-1);
    let mut findings = vec![if (0..ROOM_BYTES).contains(&most) {
        let remedy = format!("Allow it {ROOM_BYTES} bytes (`max_file`, or the account's limit).");
        not_ok("jetstream", Level::Warning, format!("it may store {most} bytes"), remedy)
    } else {
        ok("jetstream", "it is on")
    }];
    match context.get_stream(&options.stream).await {
        Ok(stream) => findings.extend(of_stream(stream.cached_info(), options)),
        Err(_) => findings.push(ok("stream", format!("{} will be made", options.stream))),
    }
    findings
}

fn of_stream(info: &Info, options: &JetStreamOptions) -> Vec<Finding> {
    let mut findings = Vec::new();
    let replicas = info.config.num_replicas.max(1);
    let found = format!("{} has {replicas} replicas and {} messages", info.config.name, info.state.messages);
    findings.push(if replicas == options.replicas {
        ok("stream", found)
    } else {
        let remedy = format!("The next start makes it {}, as `queue.replicas` says.", options.replicas);
        not_ok("stream", Level::Warning, found, remedy)
    });
    if info.config.storage != StorageType::File {
        let remedy =
            format!("Remove it (`nats stream rm {}`); the next start makes it anew.", info.config.name);
        findings.push(not_ok("stream", Level::Warning, "it is kept in memory", remedy));
    }
    if let Some(cluster) = &info.cluster {
        let away: Vec<&str> = cluster
            .replicas
            .iter()
            .filter(|peer| peer.offline || !peer.current)
            .map(|peer| peer.name.as_str())
            .collect();
        if !away.is_empty() {
            let remedy = "Start these servers, or wait until they have caught up.";
            findings.push(not_ok("stream", Level::Warning, format!("without {}", away.join(", ")), remedy));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn that_nobody_answers_is_said_in_time() {
        let options = JetStreamOptions::new(vec!["nats://127.0.0.1:1".to_owned()]);
        let began = std::time::Instant::now();
        let findings = check(&options).await;
        assert!(began.elapsed() < REQUEST_LIMIT + Duration::from_secs(2));
        assert_eq!(findings.len(), 1);
        assert_eq!((findings[0].name, findings[0].level), ("nats", Level::Failed));
    }
}
