//! Objects of a bucket as lists show them: which ones, and what became of each in every index. Words that the store and
//! the service share; decides nothing.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::decision::Decision;
use super::filters::Rules;
use super::inventory::InventoryItem;
use crate::fault::Fault;
use crate::ids::{IndexId, TaskId, VideoId};
use crate::time::Timestamp;
use crate::transfer::Status;

/// Which objects, by what became of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ObjectState {
    /// All that were ever seen.
    Any,
    /// Those in the bucket.
    #[default]
    Present,
    /// Those that are no longer in the bucket.
    Removed,
    /// In the bucket, and videos by their names.
    Videos,
    /// Taken for videos to index.
    Taken,
    /// Not taken, for whatever reason.
    Excluded,
    /// Whose present version is in an index.
    Indexed,
    /// Taken, and not in an index (or not in any).
    NotIndexed,
    /// Another version of which is in an index, and the present one is not.
    Changed,
    /// Whose last task failed.
    Failed,
    /// On which a task is at work.
    InProgress,
    /// No longer in the bucket, and in an index.
    IndexedThenDeleted,
}

impl ObjectState {
    /// All of them, by their names in the API.
    pub const ALL: [(&'static str, Self); 12] = [
        ("any", Self::Any),
        ("present", Self::Present),
        ("removed", Self::Removed),
        ("videos", Self::Videos),
        ("taken", Self::Taken),
        ("excluded", Self::Excluded),
        ("indexed", Self::Indexed),
        ("not_indexed", Self::NotIndexed),
        ("changed", Self::Changed),
        ("failed", Self::Failed),
        ("in_progress", Self::InProgress),
        ("indexed_then_deleted", Self::IndexedThenDeleted),
    ];
}

/// Which objects of an integration.
#[derive(Debug, Clone, Default)]
pub struct ObjectFilter {
    /// By what became of them.
    pub state: ObjectState,
    /// In this index; any when there is none.
    pub index: Option<IndexId>,
    /// Whose last task failed with this code.
    pub code: Option<String>,
    /// About which this was decided.
    pub decision: Option<Decision>,
    /// This one only.
    pub key: Option<String>,
    /// Whose keys begin with this.
    pub prefix: Option<String>,
    /// That pass these, whatever the integration's own filters say.
    pub rules: Option<Rules>,
}

/// An object that was seen.
#[derive(Debug, Clone, PartialEq)]
pub struct InventoryObject {
    /// As it was last seen.
    pub item: InventoryItem,
    /// When it was first seen; not known of those that were there before the ledger.
    pub first_seen_at: Option<Timestamp>,
    /// When it was found to be gone.
    pub removed_at: Option<Timestamp>,
    /// What its header says, if it was read and the object has not changed since.
    pub header: Option<Value>,
    /// What became of it in each index that it was sent to.
    pub tasks: Vec<ObjectTask>,
}

/// What became of an object in an index: its last task there.
#[derive(Debug, Clone, PartialEq)]
pub struct ObjectTask {
    /// The index.
    pub index: IndexId,
    /// The task.
    pub task: TaskId,
    /// Where it stands.
    pub status: Status,
    /// Why it failed.
    pub fault: Option<Fault>,
    /// The video that holds the object, if one is there.
    pub video: Option<VideoId>,
    /// Whether that holds the present version.
    pub is_present_version: bool,
}
