//! The trait over the ledgers of connected buckets and over the synchronizations that keep them. Holds no SQL.

use async_trait::async_trait;
use serde_json::Value;

use super::{Listed, Paging};
use crate::fault::{Fault, Result};
use crate::ids::{IndexId, IntegrationId, SyncId};
use crate::integration::{
    InventoryItem, InventoryObject, KeyRange, KeyTold, ObjectFilter, QueueLog, QueueNote, Rules, Statistics,
    SyncClaim, SyncEnd, SyncFound, SyncRun, SyncTrigger,
};
use crate::queue::Stale;
use crate::time::Timestamp;

/// A part of a listing, written at once.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Merge {
    /// What was found, in the order in which it was told.
    pub found: Vec<SyncFound>,
    /// What is to be listed after it; none when the listing can only begin anew.
    pub left: Option<Vec<KeyRange>>,
    /// Requests to the store since the last part.
    pub requests: u64,
}

/// Which of many objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObjectPage {
    /// A page by its number, from 1.
    Number {
        /// Its number.
        page: u64,
        /// Rows on it.
        limit: u64,
    },
    /// Those after a key: as quick at the end of a long list as at its beginning.
    After {
        /// The key; none for the first ones.
        key: Option<String>,
        /// How many at most.
        limit: u64,
    },
}

/// What lies in connected buckets: a row for every key that was ever seen.
#[async_trait]
pub trait InventoryStore: Send + Sync {
    /// Begins a synchronization; or gives the one that goes on already, and false.
    async fn begin_sync(
        &self,
        integration: IntegrationId,
        trigger: SyncTrigger,
        now: Timestamp,
    ) -> Result<(SyncRun, bool)>;
    /// Takes a synchronization that goes on and on which nobody works until the moment `until`. What is left of it is
    /// in the row; when that is none, it begins anew.
    async fn claim_sync(
        &self,
        run: SyncId,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<(SyncClaim, SyncRun)>>;
    /// Holds on to it; stale when it was cancelled, or taken by another.
    async fn extend_sync(&self, claim: &SyncClaim, until: Timestamp) -> Result<Result<(), Stale>>;
    /// Writes a part of its listing. Rows that are as they were are not touched.
    async fn merge(&self, claim: &SyncClaim, merge: &Merge, now: Timestamp) -> Result<Result<(), Stale>>;
    /// Ends it.
    async fn end_sync(
        &self,
        claim: &SyncClaim,
        end: &SyncEnd,
        now: Timestamp,
    ) -> Result<Result<SyncRun, Stale>>;
    /// Gives it up; whether it was going on.
    async fn cancel_sync(&self, integration: IntegrationId, run: SyncId, now: Timestamp) -> Result<bool>;
    /// One synchronization.
    async fn sync_run(&self, integration: IntegrationId, run: SyncId) -> Result<Option<SyncRun>>;
    /// A page of the last thousand.
    async fn sync_runs(&self, integration: IntegrationId, paging: Paging) -> Result<Listed<SyncRun>>;
    /// Those that go on and on which nobody works.
    async fn idle_syncs(&self, now: Timestamp) -> Result<Vec<SyncRun>>;
    /// Ends all claims on synchronizations: for a start after a crash, by whoever holds the data folder's lock.
    async fn break_sync_claims(&self) -> Result<u64>;
    /// Decides about every object anew; for how many it is another decision.
    async fn decide_anew(&self, integration: IntegrationId, rules: &Rules) -> Result<u64>;

    /// Takes over what a bucket's queue tells, and notes what else was in its messages; how many changes were news. What
    /// is told late or twice changes nothing.
    async fn tell(
        &self,
        integration: IntegrationId,
        told: &[KeyTold],
        note: &QueueNote,
        now: Timestamp,
    ) -> Result<u64>;
    /// Notes that a bucket's queue could not be read.
    async fn note_queue_failure(
        &self,
        integration: IntegrationId,
        fault: &Fault,
        now: Timestamp,
    ) -> Result<()>;
    /// What a bucket's queue told so far; none when it was never read.
    async fn queue_log(&self, integration: IntegrationId) -> Result<Option<QueueLog>>;

    /// Objects that are taken for videos, in order of their keys, after this one; only those that this index does not
    /// have yet, if one is given.
    async fn inventory_after(
        &self,
        integration: IntegrationId,
        after: Option<&str>,
        not_in: Option<IndexId>,
        limit: u32,
    ) -> Result<Vec<InventoryItem>>;
    /// An object that is there.
    async fn inventory_item(&self, integration: IntegrationId, key: &str) -> Result<Option<InventoryItem>>;
    /// Objects in the order of their keys, with what became of each. Without a page's number they are not counted.
    async fn objects(
        &self,
        integration: IntegrationId,
        filter: &ObjectFilter,
        page: &ObjectPage,
    ) -> Result<Listed<InventoryObject>>;
    /// Objects that the filter lets pass, in the order of their keys, after this one: what manifests stream.
    async fn items_after(
        &self,
        integration: IntegrationId,
        filter: &ObjectFilter,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<InventoryItem>>;
    /// Keys of captions that can be read, in order, from one key on and below another.
    async fn captions_between(
        &self,
        integration: IntegrationId,
        from: &str,
        below: &str,
        limit: u32,
    ) -> Result<Vec<String>>;
    /// Seconds of video, where the header of this version of the object was read.
    async fn known_duration(&self, integration: IntegrationId, key: &str, etag: &str) -> Result<Option<f64>>;
    /// Keeps what an object's header says; whether it still is the version with this etag.
    async fn set_header(
        &self,
        integration: IntegrationId,
        key: &str,
        etag: &str,
        header: &Value,
    ) -> Result<bool>;
    /// What is there, and how much of it is indexed; of the filter, prefix and rules count.
    async fn statistics(&self, integration: IntegrationId, filter: &ObjectFilter) -> Result<Statistics>;
}
