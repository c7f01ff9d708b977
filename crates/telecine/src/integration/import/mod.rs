//! Imports: the videos of a connected bucket are brought into an index by one call. What is asked, what is taken, and
//! what became of every file. An import is carried out by a transfer, whose tasks are those of the import. Knows neither
//! HTTP nor SQL.

mod answer;
mod log;
mod run;
mod status;
mod take;

pub use answer::write_answer;
pub use log::write_logs;
pub use run::import;
pub use status::write_status;

use serde_json::{Map, Value};

use super::{Integration, InventoryItem, MediaHeader};
use crate::fault::Fault;
use crate::ids::{ImportId, IndexId, IntegrationId, TaskId, TransferId, VideoId, WorkspaceId};
use crate::time::Timestamp;
use crate::transfer::{Counts, ObjectRef, Status};

/// What is asked of an import.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportRequest {
    /// The index to enter.
    pub index: IndexId,
    /// Only what the index does not have yet. If not: every file, even if that makes a second video of it.
    pub is_incremental: bool,
    /// Files that failed to enter the index before are tried again; all files are if the import is not incremental.
    pub retries_failed: bool,
    /// The user's own fields for every video.
    pub user_metadata: Option<Map<String, Value>>,
}

/// An import.
#[derive(Debug, Clone, PartialEq)]
pub struct Import {
    /// Its id.
    pub id: ImportId,
    /// Whose it is.
    pub workspace: WorkspaceId,
    /// The integration, which may be gone.
    pub integration: IntegrationId,
    /// Its bucket, as it was: `s3://bucket/prefix`.
    pub address: String,
    /// What was asked. The index may be gone.
    pub request: ImportRequest,
    /// The index's name, as it was.
    pub index_name: String,
    /// What carries it out.
    pub transfer: TransferId,
    /// When it was asked for.
    pub created_at: Timestamp,
}

/// An import and what became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportLog {
    /// The import.
    pub import: Import,
    /// Its tasks by status.
    pub counts: Counts,
    /// Files that were refused before anything was moved.
    pub refused: u64,
    /// When its last task became final.
    pub ended_at: Option<Timestamp>,
}

/// A file that was refused before anything was moved.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    /// Its key.
    pub key: String,
    /// Why.
    pub fault: Fault,
}

/// A video that lies in a bucket, and what became of it in an index.
#[derive(Debug, Clone, PartialEq)]
pub struct BucketFile {
    /// The file.
    pub item: InventoryItem,
    /// What the header of its present version says, if it was read.
    pub header: Option<MediaHeader>,
    /// Whether the index has its present version.
    pub is_indexed: bool,
    /// The newest task on it.
    pub latest: Option<LatestTask>,
    /// Why the newest import into the index refused it, and when that was; told where no task is newer.
    pub refusal: Option<(Fault, Timestamp)>,
}

/// What matters here of the newest task on a file.
#[derive(Debug, Clone, PartialEq)]
pub struct LatestTask {
    /// Its id.
    pub id: TaskId,
    /// Where it stands.
    pub status: Status,
    /// Why it failed.
    pub fault: Option<Fault>,
    /// The video that holds its content, if there is one.
    pub video: Option<VideoId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Integration {
    /// The object of this key.
    fn object(&self, key: String) -> ObjectRef {
        let scheme = self.provider.scheme();
        ObjectRef { scheme, integration: self.id, bucket: self.bucket.clone(), key }
    }
}

/// What a file is called: the last part of its key, as with tasks.
fn filename(key: &str) -> &str {
    crate::transfer::last_part(key)
}
