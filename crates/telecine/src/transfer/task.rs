//! A task, one video on its way into an index, and the pure function that says how its status may change.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::fault::Fault;
use crate::ids::{IndexId, IntegrationId, TaskId, TransferId, VideoId, WorkspaceId};
use crate::time::Timestamp;

/// Where a task stands, for users.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Waiting to be fetched and checked, or being so.
    Validating,
    /// Put back for a reason that the task tells: a store that is busy, an equal video that is still indexed.
    Pending,
    /// Checked; waiting for a decoder and engines.
    Queued,
    /// Being seen, heard and read.
    Indexing,
    /// Searchable. Final.
    Ready,
    /// Refused, broken, or cancelled; the fault says why. Final, but can be retried.
    Failed,
    /// The index has the same content already. Final. Clients of the contract see it as `ready` with the video that
    /// it equals.
    Skipped,
}

impl Status {
    /// All, in the order of life.
    pub const ALL: [Self; 7] = [
        Self::Validating,
        Self::Pending,
        Self::Queued,
        Self::Indexing,
        Self::Ready,
        Self::Failed,
        Self::Skipped,
    ];

    /// Whether it stays as it is unless a person asks for more.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Ready | Self::Failed | Self::Skipped)
    }

    /// The name in the store, the API and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Validating => "validating",
            Self::Pending => "pending",
            Self::Queued => "queued",
            Self::Indexing => "indexing",
            Self::Ready => "ready",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }

    /// The status of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }
}

/// What happens to a task.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A worker took it, to begin or to go on after a restart; the stages repeat what is not kept.
    Claimed,
    /// Fetched and admitted; it waits for a decoder.
    Admitted,
    /// A decoder and engines are at work.
    IndexingStarted,
    /// Its segments are visible.
    Published,
    /// It cannot enter.
    Failed(Box<Fault>),
    /// The index has it already.
    Duplicate(Duplicate),
    /// It is put back until then, for this reason.
    Postponed {
        /// When to try again.
        until: Timestamp,
        /// Why, as a sentence for users.
        reason: String,
    },
    /// A worker that stops gives it back; nothing is wrong.
    Released,
    /// A person asks for another try.
    Retried,
    /// A person gives it up.
    Cancelled,
}

/// An event that does not fit the status.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a task that is {} cannot be {event}", status.as_str())]
pub struct IllegalTransition {
    /// The status.
    pub status: Status,
    /// The event, in words.
    pub event: &'static str,
}

/// The status after an event: the only place that knows.
///
/// # Errors
/// When the event does not fit, such as a retry of a task that is ready.
pub fn next_status(status: Status, event: &Event) -> Result<Status, IllegalTransition> {
    let refuse = |event| Err(IllegalTransition { status, event });
    match event {
        Event::Retried if matches!(status, Status::Failed) => Ok(Status::Validating),
        Event::Retried => refuse("retried"),
        _ if status.is_final() => refuse(match event {
            Event::Cancelled => "cancelled",
            _ => "worked on",
        }),
        // A claim repeats the checks, for a restart may lie between them and now.
        Event::Claimed | Event::Released => Ok(Status::Validating),
        Event::Admitted => Ok(Status::Queued),
        Event::IndexingStarted => Ok(Status::Indexing),
        Event::Published => Ok(Status::Ready),
        Event::Failed(_) | Event::Cancelled => Ok(Status::Failed),
        Event::Duplicate(_) => Ok(Status::Skipped),
        Event::Postponed { .. } => Ok(Status::Pending),
    }
}

/// What a task works on now; finer than [`Status`], for progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Bytes are moved.
    Fetch,
    /// The file is probed and checked.
    Validate,
    /// Frames and sound are decoded, seen, heard and read.
    Index,
    /// Segments are written.
    Publish,
}

/// How an object's address begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scheme {
    /// `s3://bucket/key`.
    #[default]
    S3,
    /// `gs://bucket/key`.
    #[serde(rename = "gs")]
    Gcs,
    /// `az://container/key`.
    #[serde(rename = "az")]
    Azure,
    /// `folder://name/path`.
    Folder,
    /// `urls://name/https://…`.
    Urls,
}

impl Scheme {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::S3, Self::Gcs, Self::Azure, Self::Folder, Self::Urls];

    /// The word before `://`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Gcs => "gs",
            Self::Azure => "az",
            Self::Folder => "folder",
            Self::Urls => "urls",
        }
    }

    /// The scheme of this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scheme| scheme.as_str() == word)
    }
}

/// An object in a connected bucket.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ObjectRef {
    /// How its address begins.
    #[serde(default)]
    pub scheme: Scheme,
    /// The integration that may read it.
    pub integration: IntegrationId,
    /// The bucket.
    pub bucket: String,
    /// The key, exactly.
    pub key: String,
}

impl ObjectRef {
    /// Such as `s3://bucket/key`.
    pub fn address(&self) -> String {
        format!("{}://{}/{}", self.scheme.as_str(), self.bucket, self.key)
    }
}

/// Which version of an object was seen: what tells, without a download, that nothing changed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ObjectStamp {
    /// As the store gives it, without quotes.
    pub etag: String,
    /// Bytes.
    pub size_bytes: u64,
}

/// Where the video comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum TaskSource {
    /// An object of a connected bucket.
    Object(ObjectRef),
    /// A file that was uploaded and lies in the data folder under the task's id.
    Upload {
        /// Its name at the client.
        filename: String,
    },
    /// A direct link.
    Url {
        /// `http` or `https`.
        url: String,
    },
}

impl TaskSource {
    /// The name to show: the last part of key or path.
    pub fn filename(&self) -> &str {
        match self {
            Self::Object(object) => last_part(&object.key),
            Self::Upload { filename } => filename,
            Self::Url { url } => last_part(url.split(['?', '#']).next().unwrap_or(url)),
        }
    }

    /// The whole address: `s3://bucket/key` (or `folder://name/path`), the URL, or the file's name.
    pub fn address(&self) -> String {
        match self {
            Self::Object(object) => object.address(),
            Self::Upload { filename } => filename.clone(),
            Self::Url { url } => url.clone(),
        }
    }
}

/// The last part of a key or path that has a name; empty where none has.
pub fn last_part(path: &str) -> &str {
    path.rsplit('/').find(|part| !part.is_empty()).unwrap_or_default()
}

/// Captions that come with the video, SRT or WebVTT.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Transcription {
    /// An object of a connected bucket.
    Object(ObjectRef),
    /// A file that was uploaded and lies in the data folder under the task's id.
    Upload,
    /// A direct link.
    Url {
        /// `http` or `https`.
        url: String,
    },
}

/// What is known of a video file once it was probed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VideoMeta {
    /// The name to show.
    pub filename: String,
    /// Seconds.
    pub duration_s: f64,
    /// Frames per second; zero when unknown.
    pub fps: f64,
    /// Pixels per row, as shown.
    pub width: u32,
    /// Rows, as shown.
    pub height: u32,
    /// Bytes.
    pub size_bytes: u64,
}

/// What a skipped task equals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Duplicate {
    /// The video.
    pub video: VideoId,
    /// How it was found: the same version of the same object, or the same bytes.
    pub by: DuplicateBy,
}

/// How a duplicate was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DuplicateBy {
    /// The same version of the same object; nothing was moved.
    Object,
    /// The same bytes.
    Content,
}

/// A task that a worker had in hand in so many crashes of the server in a row is given up: it may be what makes it crash.
pub const MAX_CRASHES: u32 = 25;

/// What follows for a task in hand when the server crashed: it goes on, or this was once too often.
pub fn after_crash(crashes: u32) -> Event {
    if crashes < MAX_CRASHES {
        return Event::Released;
    }
    let fault = Fault::new(crate::fault::Code::TaskCrashedServer);
    Event::Failed(Box::new(fault.value(format!("{crashes} times in a row"))))
}

/// What is needed to make a task.
#[derive(Debug, Clone, PartialEq)]
pub struct NewTask {
    /// Its id.
    pub id: TaskId,
    /// The index to enter.
    pub index: IndexId,
    /// Where the video comes from.
    pub source: TaskSource,
    /// Captions that come with it.
    pub transcription: Option<Transcription>,
    /// BCP 47 tag of what is spoken.
    pub language: String,
    /// The user's own fields; an object or nothing.
    pub user_metadata: Option<serde_json::Map<String, serde_json::Value>>,
    /// Whether it becomes a video even if the index has its content already.
    pub allows_duplicate: bool,
    /// Whether no stream is kept of the video.
    pub without_stream: bool,
}

/// One video on its way into an index.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// Its id; the video's too.
    pub id: TaskId,
    /// Whose it is.
    pub workspace: WorkspaceId,
    /// The index to enter.
    pub index: IndexId,
    /// The transfer that it belongs to, if any.
    pub transfer: Option<TransferId>,
    /// Where the video comes from.
    pub source: TaskSource,
    /// Captions that come with it.
    pub transcription: Option<Transcription>,
    /// BCP 47 tag of what is spoken.
    pub language: String,
    /// The user's own fields.
    pub user_metadata: Option<serde_json::Map<String, serde_json::Value>>,
    /// Whether it becomes a video even if the index has its content already.
    pub allows_duplicate: bool,
    /// Whether no stream is kept of the video.
    pub without_stream: bool,
    /// Where it stands.
    pub status: Status,
    /// Why it waits, as a sentence, while it is pending.
    pub waiting_for: Option<String>,
    /// Times that a worker took it.
    pub attempts: u32,
    /// The version of the object that was taken.
    pub stamp: Option<ObjectStamp>,
    /// BLAKE3 of the file's bytes, in hex.
    pub content_hash: Option<String>,
    /// What was measured.
    pub meta: Option<VideoMeta>,
    /// Why it failed.
    pub fault: Option<Fault>,
    /// What it equals, when it was skipped.
    pub duplicate: Option<Duplicate>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Tasks by status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct Counts {
    /// See [`Status::Validating`].
    pub validating: u64,
    /// See [`Status::Pending`].
    pub pending: u64,
    /// See [`Status::Queued`].
    pub queued: u64,
    /// See [`Status::Indexing`].
    pub indexing: u64,
    /// See [`Status::Ready`].
    pub ready: u64,
    /// See [`Status::Failed`].
    pub failed: u64,
    /// See [`Status::Skipped`].
    pub skipped: u64,
}

impl Counts {
    /// The number of this status.
    pub fn of(&mut self, status: Status) -> &mut u64 {
        match status {
            Status::Validating => &mut self.validating,
            Status::Pending => &mut self.pending,
            Status::Queued => &mut self.queued,
            Status::Indexing => &mut self.indexing,
            Status::Ready => &mut self.ready,
            Status::Failed => &mut self.failed,
            Status::Skipped => &mut self.skipped,
        }
    }

    /// All together.
    pub fn total(&self) -> u64 {
        let Self { validating, pending, queued, indexing, ready, failed, skipped } = *self;
        validating + pending + queued + indexing + ready + failed + skipped
    }

    /// Those that are final.
    pub fn finished(&self) -> u64 {
        self.ready + self.failed + self.skipped
    }
}

#[cfg(test)]
mod tests;
