//! Settings: one struct per concern, with units in names. Where they come from (defaults, file, environment, flags) is
//! `load`'s to know; nobody else reads the environment.

mod assets;
mod docs;
mod load;
mod queue;
mod rules;
mod schema;
mod search;
mod shared;
mod streaming;
mod telemetry;
mod webhooks;
mod writer;

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use telecine_media::MediaConfig;

use crate::keys::RateLimits;

pub use assets::AssetsConfig;
pub use docs::{Setting, settings, to_commented_toml, to_markdown};
pub use load::{ConfigError, Environment, Flags, cache_dir, load, load_from};
pub use queue::QueueConfig;
pub use search::{SearchConfig, VectorPlace};
pub use shared::{DatabaseConfig, MediaPlace, MediaStoreConfig, ServiceUrl};
pub use streaming::StreamingConfig;
pub use telemetry::TelemetryConfig;
pub use webhooks::WebhooksConfig;
pub use writer::{WriterConfig, WriterKind};

/// Everything that can be set.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The server.
    pub server: ServerConfig,
    /// A worker's own.
    pub worker: WorkerConfig,
    /// Where the truth is kept.
    pub database: DatabaseConfig,
    /// How workers are told of tasks.
    pub queue: QueueConfig,
    /// Where files lie that other servers must see.
    pub media_store: MediaStoreConfig,
    /// How S3 is reached.
    pub aws: AwsConfig,
    /// Connected buckets, whatever their store.
    pub integrations: IntegrationsConfig,
    /// Secrets at rest.
    pub secrets: SecretsConfig,
    /// Reading direct links.
    pub urls: UrlConfig,
    /// Local folders as sources.
    pub folders: FolderConfig,
    /// Files that are brought here apart from any index.
    pub assets: AssetsConfig,
    /// Telling users' own servers of events.
    pub webhooks: WebhooksConfig,
    /// Decoding.
    pub media: MediaConfig,
    /// Models.
    pub engines: EnginesConfig,
    /// Text about videos.
    pub writer: WriterConfig,
    /// Work on tasks.
    pub pipeline: PipelineConfig,
    /// Search.
    pub search: SearchConfig,
    /// Streams that are kept of videos.
    pub streaming: StreamingConfig,
    /// How often each key may ask.
    pub rate_limits: RateLimits,
    /// Logs.
    pub log: LogConfig,
    /// Traces for an OpenTelemetry collector.
    pub telemetry: TelemetryConfig,
}

impl Config {
    /// Whether other processes may work on the same database.
    pub fn is_shared(&self) -> bool {
        self.database.url.is_some()
    }
}

/// A worker's own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WorkerConfig {
    /// Address at which `telecine worker` tells how it is: `/healthz`, `/readyz`, `/metrics` (default 127.0.0.1:8081).
    pub listen: SocketAddr,
}

impl Default for WorkerConfig {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 8081)) }
    }
}

/// The server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerConfig {
    /// Address to listen on (default 127.0.0.1:8080).
    pub listen: SocketAddr,
    /// Where everything is kept (default `telecine-data`).
    pub data_dir: PathBuf,
    /// Base of the URLs that are handed out, such as those of thumbnails (default: from the request's Host header).
    pub public_url: Option<String>,
    /// Seconds that a stop waits for requests and tasks (default 20).
    pub shutdown_grace_s: u64,
    /// Bytes of a manifest (default 1 GiB).
    pub max_manifest_bytes: u64,
    /// Bytes of any other request without a file (default 1 MiB).
    pub max_body_bytes: u64,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            data_dir: "telecine-data".into(),
            public_url: None,
            shutdown_grace_s: 20,
            max_manifest_bytes: 1 << 30,
            max_body_bytes: 1 << 20,
        }
    }
}

/// How S3 is reached. Credentials come from where AWS tools look for them: environment, profile, instance role.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AwsConfig {
    /// Another endpoint for S3 and STS (default: AWS itself). Implies path-style addresses.
    pub endpoint_url: Option<String>,
    /// Region of STS, and of buckets whose own cannot be found (default: as AWS tools find it, else us-east-1).
    pub region: Option<String>,
    /// Who the trust documents name (default: found by GetCallerIdentity).
    pub principal_arn: Option<String>,
    /// Seconds that a verification tries again what is refused, for AWS takes a while to know new roles and policies
    /// everywhere (default 15).
    pub propagation_wait_s: u64,
}

impl Default for AwsConfig {
    fn default() -> Self {
        Self { endpoint_url: None, region: None, principal_arn: None, propagation_wait_s: 15 }
    }
}

/// Connected buckets, whatever their store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IntegrationsConfig {
    /// Addresses (`s3://bucket`, `gs://bucket`, `az://container`) and URLs of queues that may be read with this server's
    /// own credentials: whoever may connect a bucket here sees what the server sees (default: none).
    pub own_credentials_for: Vec<String>,
    /// Roles (ARNs) that are used although they can be taken without the right external id, for stores that know none
    /// (default: none). Whoever has an API key of this server can read what such a role reads.
    pub insecure_roles: Vec<String>,
    /// Whether buckets may be connected whose requests this server's account pays for (default false).
    pub allow_requester_pays: bool,
    /// Where a copy of the general CloudFormation template (`telecine integration template`) lies in S3: then quick-create
    /// links are told, for CloudFormation takes templates from S3 only (default: none).
    pub template_url: Option<String>,
    /// Seconds between two verifications of an active integration (default 3600; 0 for never).
    pub recheck_every_s: u64,
    /// Seconds between full listings where a queue tells the changes (default 86400).
    pub reconcile_every_s: u64,
    /// Seconds in which a deleted integration can be restored (default 604800).
    pub undo_s: u64,
    /// Requests for pages of one bucket at once (default 16).
    pub parallel_lists: usize,
}

impl Default for IntegrationsConfig {
    fn default() -> Self {
        Self {
            own_credentials_for: Vec::new(),
            insecure_roles: Vec::new(),
            allow_requester_pays: false,
            template_url: None,
            recheck_every_s: 3600,
            reconcile_every_s: 86_400,
            undo_s: 604_800,
            parallel_lists: 16,
        }
    }
}

/// Secrets at rest.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SecretsConfig {
    /// File with the 32 bytes that seal the secrets in the database; made when it is missing (default: `secrets.key` in
    /// the data folder). Back it up apart from the database.
    pub key_file: Option<PathBuf>,
}

/// Reading direct links.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UrlConfig {
    /// Hosts (`host` or `host:port`) of links and of stores' endpoints that may lie at private addresses and be asked
    /// without TLS; for tests and closed networks.
    pub allow_private_hosts: Vec<String>,
}

/// Local folders as sources.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FolderConfig {
    /// Folders below which integrations may lie (default: none).
    pub roots: Vec<PathBuf>,
}

/// Models.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EnginesConfig {
    /// Where `telecine models fetch` puts them (default: `models` in `TELECINE_CACHE`, else in `~/.cache/telecine`).
    pub models_dir: Option<PathBuf>,
    /// What sees (default `concept`).
    pub see: SeeAdapter,
    /// Folder of a CLIP model with its `clip.toml`, for `see = "clip"`.
    pub clip_dir: Option<PathBuf>,
    /// Size of the text reader (default `small`).
    pub ocr: OcrModel,
    /// Whether Whisper base is loaded for languages other than English (default: if it is in the model folder).
    pub whisper: Option<bool>,
    /// Sessions of each model, so many threads can use it at once (default: the machine's cores).
    pub sessions: Option<usize>,
}

impl Default for EnginesConfig {
    fn default() -> Self {
        Self {
            models_dir: None,
            see: SeeAdapter::Concept,
            clip_dir: None,
            ocr: OcrModel::Small,
            whisper: None,
            sessions: None,
        }
    }
}

/// What sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SeeAdapter {
    /// The concept space that works from the registries alone.
    Concept,
    /// Any two-tower CLIP or SigLIP.
    Clip,
}

/// Sizes of the text reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OcrModel {
    /// Reads better.
    Small,
    /// Reads faster.
    Tiny,
}

/// Work on tasks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PipelineConfig {
    /// Tasks in hand at once, in whatever stage (default 8).
    pub tasks: usize,
    /// Of them being fetched (default 4).
    pub fetches: usize,
    /// Of them being decoded and indexed (default: cores).
    pub decodes: Option<usize>,
    /// Inferences at once over all tasks (default: cores).
    pub inferences: Option<usize>,
    /// Ranges of one object in flight (default 4).
    pub ranges_in_flight: usize,
    /// Bytes of a range (default 8 MiB).
    pub range_bytes: u64,
    /// Bytes that all files being worked on may have together (default 16 GiB); one task may always go on.
    pub work_bytes: u64,
    /// Frames per second that are looked at (default 1).
    pub frames_per_second: f64,
    /// Seconds of a lease; it is extended in time (default 60).
    pub lease_s: u64,
    /// Tries of a task before a failure of store or machine counts as final (default 6).
    pub max_attempts: u32,
    /// Seconds until the second try; doubles with each (default 2, at most 300).
    pub retry_base_s: u64,
}

impl Default for PipelineConfig {
    fn default() -> Self {
        Self {
            tasks: 8,
            fetches: 4,
            decodes: None,
            inferences: None,
            ranges_in_flight: 4,
            range_bytes: 8 << 20,
            work_bytes: 16 << 30,
            frames_per_second: 1.0,
            lease_s: 60,
            max_attempts: 6,
            retry_base_s: 2,
        }
    }
}

/// Logs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    /// `text` for people, `json` for machines (default `text`).
    pub format: LogFormat,
    /// Directives of `tracing`, such as `info,telecine=debug` (default `info`).
    pub filter: String,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { format: LogFormat::Text, filter: "info".into() }
    }
}

/// Form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}
