//! What is known of a bucket's objects, and of the synchronizations that keep it: the words that the store and the
//! service share. Decides nothing.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::decision::{Decision, is_video};
use super::filters::Rules;
use crate::fault::Fault;
use crate::ids::{IntegrationId, SyncId};
use crate::source::ObjectInfo;
use crate::time::Timestamp;

/// An object as it was last seen: what a listing tells of it, and what is decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InventoryItem {
    /// The key, exactly.
    pub key: String,
    /// Bytes.
    pub size_bytes: u64,
    /// As the store gives it.
    pub etag: String,
    /// When it was last written.
    pub modified_at: Option<Timestamp>,
    /// Such as `STANDARD`.
    pub storage_class: String,
    /// Whether it must be restored before it can be read.
    pub is_archived: bool,
    /// Whether its name says that it is a video.
    pub is_video: bool,
    /// Whether it is taken for a video to index, or why not.
    pub decision: Decision,
}

impl InventoryItem {
    /// An object, with what these rules say of it.
    pub fn of(object: ObjectInfo, rules: &Rules) -> Self {
        Self {
            decision: rules.decide(&object),
            is_video: is_video(&object.key),
            key: object.key,
            size_bytes: object.size_bytes,
            etag: object.etag,
            modified_at: object.modified_at,
            storage_class: object.storage_class,
            is_archived: object.is_archived,
        }
    }

    /// Whether it is the same version of the object. Where a store tells no etag, the time has to do.
    pub fn is_version_of(&self, other: &Self) -> bool {
        let is_same_time = !self.etag.is_empty() || self.modified_at == other.modified_at;
        self.etag == other.etag && self.size_bytes == other.size_bytes && is_same_time
    }
}

/// Keys in the order of their bytes, after `after` and up to `until`, which is one of them. None: to that side without
/// an end.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRange {
    /// The range begins behind this key.
    pub after: Option<String>,
    /// The range ends with this key.
    pub until: Option<String>,
}

/// Who or what asked for a synchronization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SyncTrigger {
    /// A person.
    Manual,
    /// The integration's schedule.
    Schedule,
    /// The time between full listings where a queue tells the changes.
    Events,
    /// A manifest.
    Manifest,
    /// An import.
    Import,
}

impl SyncTrigger {
    /// The name in the store and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::Schedule => "schedule",
            Self::Events => "events",
            Self::Manifest => "manifest",
            Self::Import => "import",
        }
    }

    /// The trigger of this name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Manual, Self::Schedule, Self::Events, Self::Manifest, Self::Import]
            .into_iter()
            .find(|trigger| trigger.as_str() == name)
    }
}

/// Where a synchronization stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SyncState {
    /// Goes on, also after a restart.
    Running,
    /// Came to the end of the bucket.
    Done,
    /// Was given up by a person.
    Cancelled,
    /// Could not go on.
    Failed,
}

impl SyncState {
    /// The name in the store and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
        }
    }

    /// The state of this name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Running, Self::Done, Self::Cancelled, Self::Failed]
            .into_iter()
            .find(|state| state.as_str() == name)
    }
}

/// A synchronization: one listing of a bucket into its inventory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncRun {
    /// Its id.
    pub id: SyncId,
    /// Of which integration.
    pub integration: IntegrationId,
    /// Who asked for it first.
    pub trigger: SyncTrigger,
    /// Where it stands.
    pub state: SyncState,
    /// Whether the store lists in the order of bytes.
    pub is_ordered: bool,
    /// Objects that were listed so far.
    pub listed: u64,
    /// Of them videos, by name.
    pub videos: u64,
    /// Requests to the store.
    pub requests: u64,
    /// Objects that it found to be new.
    pub added: u64,
    /// That it found to be another version.
    pub changed: u64,
    /// That it found to be gone.
    pub removed: u64,
    /// What is still to be listed; none when it can only begin anew.
    pub left: Option<Vec<KeyRange>>,
    /// Why it failed.
    pub fault: Option<Fault>,
    /// When it began.
    pub created_at: Timestamp,
    /// When it last came on.
    pub updated_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

impl SyncRun {
    /// What it found.
    pub fn report(&self) -> SyncReport {
        let Self { listed, videos, added, changed, removed, .. } = *self;
        SyncReport { items: listed, videos, added, changed, removed }
    }

    /// Keys that were listed in a second.
    pub fn keys_per_second(&self) -> f64 {
        let seconds = self.ended_at.unwrap_or(self.updated_at).since(self.created_at).as_secs_f64();
        self.listed as f64 / seconds.max(0.001)
    }
}

/// What a synchronization found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct SyncReport {
    /// Objects in the bucket.
    pub items: u64,
    /// Of them videos, by name.
    pub videos: u64,
    /// New since the last one.
    pub added: u64,
    /// Another version than at the last one.
    pub changed: u64,
    /// Gone since the last one.
    pub removed: u64,
}

/// The right to work on a synchronization; what is written under an older one than the row's is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyncClaim {
    /// Which one.
    pub run: SyncId,
    /// Of which integration.
    pub integration: IntegrationId,
    /// Grows with each claim.
    pub fence: i64,
}

/// A piece of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SyncFound {
    /// All that lies in a range, in the order of bytes: what the inventory has beyond it is gone.
    Range {
        /// The range.
        range: KeyRange,
        /// What lies there.
        items: Vec<InventoryItem>,
    },
    /// Some objects, in whatever order: what is gone is known at the end of the listing.
    Some(Vec<InventoryItem>),
    /// What came before does not count: the listing begins anew, without an order.
    StartsOver,
}

/// How a synchronization ends.
#[derive(Debug, Clone, PartialEq)]
pub enum SyncEnd {
    /// All was listed.
    Done,
    /// It could not go on.
    Failed(Fault),
}
