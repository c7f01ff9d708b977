//! What is in a bucket, in numbers. Words that the store and the service share.

use super::decision::Decision;
use crate::ids::IndexId;
use crate::time::Timestamp;

/// What is in a bucket, and how much of it is indexed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Statistics {
    /// Objects in the bucket.
    pub items: u64,
    /// Of them videos, by name.
    pub videos: u64,
    /// Bytes of all objects.
    pub bytes: u64,
    /// Objects that are taken for videos to index.
    pub taken: u64,
    /// Bytes of these.
    pub taken_bytes: u64,
    /// Seconds of taken videos, as far as they are known.
    pub known_s: f64,
    /// Of how many.
    pub known_of: u64,
    /// Objects whose present version is in an index.
    pub indexed: u64,
    /// Taken ones of which it is not.
    pub not_indexed: u64,
    /// Another version of which is in an index, and the present one is in none.
    pub changed: u64,
    /// Whose last task in an index failed.
    pub failed: u64,
    /// Indexed objects that are no longer in the bucket.
    pub indexed_then_deleted: u64,
    /// Failed ones by code, most frequent first.
    pub failed_by_code: Vec<(String, u64)>,
    /// What is not taken, by reason, most frequent first.
    pub excluded: Vec<ExcludedCount>,
    /// Each index that an object was sent to, by name.
    pub indexes: Vec<IndexShare>,
    /// What the bucket's queue told, if there is one.
    pub queue: Option<QueueLog>,
}

/// Objects that are not taken, for one reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExcludedCount {
    /// The reason.
    pub decision: Decision,
    /// How many.
    pub items: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// How much of a bucket is in one index.
#[derive(Debug, Clone, PartialEq)]
pub struct IndexShare {
    /// The index.
    pub index: IndexId,
    /// Its name.
    pub name: String,
    /// Objects whose present version is there.
    pub indexed: u64,
    /// Taken ones of which it is not.
    pub not_indexed: u64,
    /// Of which another version is there, and the present one is not.
    pub changed: u64,
    /// Whose last task into it failed.
    pub failed: u64,
    /// That are there, and no longer in the bucket.
    pub indexed_then_deleted: u64,
    /// Seconds of what is there of the present versions.
    pub indexed_s: f64,
}

/// What the queue of a bucket has told so far.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct QueueLog {
    /// Changes that were taken over.
    pub applied: u64,
    /// That were known already, or older than what is known.
    pub late: u64,
    /// Of other buckets and keys, or of no concern.
    pub ignored: u64,
    /// Messages that could not be understood.
    pub malformed: u64,
    /// When the last change was taken over.
    pub told_at: Option<Timestamp>,
    /// When it was last read.
    pub read_at: Option<Timestamp>,
    /// How often it could not be read since.
    pub failures: u64,
    /// When that was last tried.
    pub failed_at: Option<Timestamp>,
    /// Why it cannot be read.
    pub fault: Option<crate::fault::Fault>,
}
