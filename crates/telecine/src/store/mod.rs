//! The truth: one trait per noun over the database, and [`Store`] for all of them. All SQL lives below this module, one
//! folder per dialect with its migrations; what a status may become is decided elsewhere (`transfer::next_status`).
//!
//! Every method that returns has its effect on disk (SQLite: WAL, FULL). Everything is scoped by workspace: an id of
//! another workspace is as if it did not exist.

mod assets;
mod away;
mod deletion;
mod embeddings;
mod finding;
mod generation;
mod idempotency;
mod inventory;
mod nearest;
mod offers;
pub mod postgres;
mod presence;
mod processes;
mod sessions;
mod speech;
pub mod sqlite;
mod streams;
mod system;
mod unicode61;
mod webhooks;

pub use assets::{AssetImportStore, AssetStore, IndexedAssetStore, IndexedFilter, UploadStore};
pub use away::{gone, unasked};
pub use deletion::DeletionStore;
pub use embeddings::{EmbedFilter, EmbeddingStore};
pub use finding::Finding;
pub use generation::GenerationStore;
pub use idempotency::{IdempotencyStore, KeptAnswer, KeyedRequest, Repetition};
pub use inventory::{InventoryStore, Merge, ObjectPage};
pub use nearest::{GraphRules, NearestRows, NearestStats, NearestStore, Tended};
pub use offers::{Offer, OfferClass, OfferStore};
pub use presence::Presence;
pub use processes::{InHand, Process, ProcessStore};
pub use sessions::{NewSignIn, SessionStore};
pub use speech::SpeechStore;
pub use streams::StreamStore;
pub use system::{Connections, SystemStore};
pub use webhooks::WebhookStore;

use std::ops::RangeInclusive;
use std::time::Duration;

use async_trait::async_trait;
use half::f16;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::fault::Result;
use crate::ids::{ImportId, IndexId, IntegrationId, KeyId, TaskId, TransferId, VideoId, WorkspaceId};
use crate::index::{Index, IndexSummary};
use crate::integration::Integration;
use crate::integration::import::{BucketFile, Import, ImportLog, Refusal};
use crate::keys::{ApiKey, Caller, RateLimits};
use crate::queue::{Claim, Stale};
use crate::time::{MediaTime, Timestamp};
use crate::transfer::{Counts, Event, NewTask, ObjectRef, ObjectStamp, Status, Task, Transfer, VideoMeta};
use crate::video::{Publication, Segment, SegmentKind, Video};

/// Which page of a list, and in which order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paging {
    /// From 1.
    pub page: u64,
    /// Rows on a page.
    pub limit: u64,
    /// By which time.
    pub sort_by: SortBy,
    /// Newest first.
    pub descending: bool,
}

/// What lists are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SortBy {
    /// When a thing was made.
    CreatedAt,
    /// When it last changed.
    UpdatedAt,
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed<T> {
    /// The rows of the page; none when it lies past the end.
    pub rows: Vec<T>,
    /// Rows on all pages.
    pub total: u64,
    /// Whether there are at least so many: more were not counted.
    pub is_at_least: bool,
}

/// A range that a value must lie in; both ends belong to it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Within<T> {
    /// At least.
    pub min: Option<T>,
    /// At most.
    pub max: Option<T>,
}

impl<T> Default for Within<T> {
    fn default() -> Self {
        Self { min: None, max: None }
    }
}

/// Which indexes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct IndexFilter {
    /// Only this one.
    pub id: Option<IndexId>,
    /// Of exactly this name.
    pub name: Option<String>,
    /// With all of these options.
    pub options: Vec<crate::index::ModelOption>,
    /// With an engine of this family.
    pub family: Option<crate::index::Family>,
    /// Made within.
    pub created_at: Within<Timestamp>,
    /// Changed within.
    pub updated_at: Within<Timestamp>,
}

/// Which tasks.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TaskFilter {
    /// Only this one.
    pub id: Option<TaskId>,
    /// Into this index.
    pub index: Option<IndexId>,
    /// Of this transfer.
    pub transfer: Option<TransferId>,
    /// In one of these statuses; empty for any.
    pub statuses: Vec<Status>,
    /// Whose fault has this code.
    pub code: Option<String>,
    /// Of exactly this file name.
    pub filename: Option<String>,
    /// Whose file name or address holds this text, in small letters or large; with `*` (any text) or `?` (any letter) in it,
    /// whose whole name or address is so.
    pub name: Option<String>,
    /// Seconds.
    pub duration_s: Within<f64>,
    /// Pixels.
    pub width: Within<f64>,
    /// Pixels.
    pub height: Within<f64>,
    /// Made within.
    pub created_at: Within<Timestamp>,
    /// Changed within.
    pub updated_at: Within<Timestamp>,
}

/// Which videos of an index.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct VideoFilter {
    /// One of these; empty for any.
    pub ids: Vec<VideoId>,
    /// Of exactly this file name.
    pub filename: Option<String>,
    /// Seconds.
    pub duration_s: Within<f64>,
    /// Frames per second.
    pub fps: Within<f64>,
    /// Pixels.
    pub width: Within<f64>,
    /// Pixels.
    pub height: Within<f64>,
    /// Bytes.
    pub size_bytes: Within<f64>,
    /// Made within.
    pub created_at: Within<Timestamp>,
    /// Changed within.
    pub updated_at: Within<Timestamp>,
    /// Indexed within.
    pub indexed_at: Within<Timestamp>,
    /// The user's own fields, all of which must match.
    pub user_metadata: Vec<(String, MetaTest)>,
}

/// A test of one of the user's own fields.
#[derive(Debug, Clone, PartialEq)]
pub enum MetaTest {
    /// Equals this text, number or boolean. A text that reads as a number or boolean also equals that number or
    /// boolean, for query strings know no types.
    Equals(Value),
    /// A number within.
    Within(Within<f64>),
}

/// Keys and workspaces.
#[async_trait]
pub trait KeyStore: Send + Sync {
    /// The workspace of this installation, made when it is first asked for.
    async fn default_workspace(&self, now: Timestamp) -> Result<WorkspaceId>;
    /// Stores a key by the SHA-256 of its secret.
    async fn insert_key(&self, key: &ApiKey, workspace: WorkspaceId, secret_sha256: [u8; 32]) -> Result<()>;
    /// Who comes with this secret; nobody when it is unknown or revoked.
    async fn caller(&self, secret_sha256: [u8; 32]) -> Result<Option<Caller>>;
    /// All keys, oldest first, revoked ones too.
    async fn keys(&self, workspace: WorkspaceId) -> Result<Vec<ApiKey>>;
    /// Sets how often it may ask; whether there is such a key that works.
    async fn limit_key(&self, workspace: WorkspaceId, key: KeyId, limits: Option<RateLimits>)
    -> Result<bool>;
    /// Whether there was such a key that worked until now.
    async fn revoke_key(&self, workspace: WorkspaceId, key: KeyId, now: Timestamp) -> Result<bool>;
}

/// Indexes.
#[async_trait]
pub trait IndexStore: Send + Sync {
    /// # Errors
    /// `index_name_already_exists`.
    async fn insert_index(&self, index: &Index) -> Result<()>;
    /// None when it is not there, or another workspace's.
    async fn index(&self, workspace: WorkspaceId, id: IndexId) -> Result<Option<IndexSummary>>;
    /// A page of indexes.
    async fn indexes(
        &self,
        workspace: WorkspaceId,
        filter: &IndexFilter,
        paging: Paging,
    ) -> Result<Listed<IndexSummary>>;
    /// Whether there was such an index.
    ///
    /// # Errors
    /// `index_name_already_exists`.
    async fn rename_index(
        &self,
        workspace: WorkspaceId,
        id: IndexId,
        name: &str,
        now: Timestamp,
    ) -> Result<bool>;
    /// Removes the index with its tasks, videos, segments and vectors; whether there was one. Claims on its tasks
    /// become stale.
    async fn delete_index(&self, workspace: WorkspaceId, id: IndexId) -> Result<bool>;
}

/// A change of a task under a claim: the event, and what was learnt along the way (`None` leaves a field as it is).
#[derive(Debug, Clone, PartialEq)]
pub struct TaskChange {
    /// What happened.
    pub event: Event,
    /// The version of the object that was taken.
    pub stamp: Option<ObjectStamp>,
    /// BLAKE3 of the bytes, in hex.
    pub content_hash: Option<String>,
    /// What was measured.
    pub meta: Option<VideoMeta>,
}

impl From<Event> for TaskChange {
    fn from(event: Event) -> Self {
        Self { event, stamp: None, content_hash: None, meta: None }
    }
}

/// Who holds some content in an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContentHolder {
    /// This task holds it, from now on or already.
    Mine,
    /// The other task made this video of it.
    Video(VideoId),
    /// The other task is still at work on it.
    InProgress(TaskId),
}

/// Tasks and transfers.
#[async_trait]
pub trait TaskStore: Send + Sync {
    /// A single task, due at once.
    async fn insert_task(&self, workspace: WorkspaceId, task: &NewTask, now: Timestamp) -> Result<()>;
    /// Begins a transfer in the state `receiving`: its tasks are not due.
    async fn begin_transfer(&self, workspace: WorkspaceId, id: TransferId, now: Timestamp) -> Result<()>;
    /// Adds tasks to a transfer that is being received, about 10,000 a call. Entries that repeat an earlier one of the
    /// transfer (same index, source and transcription) make no task and are counted.
    async fn add_tasks(&self, transfer: TransferId, tasks: &[NewTask], now: Timestamp) -> Result<()>;
    /// Makes the transfer and all its tasks valid at once: the acknowledgement may be given when this returns.
    async fn accept_transfer(&self, transfer: TransferId, now: Timestamp) -> Result<Transfer>;
    /// Removes a transfer that is being received, with its tasks.
    async fn discard_transfer(&self, transfer: TransferId) -> Result<()>;
    /// [`TaskStore::discard_transfer`] for all that a crash left in `receiving`.
    async fn discard_unfinished_transfers(&self) -> Result<u64>;
    /// One transfer.
    async fn transfer(&self, workspace: WorkspaceId, id: TransferId) -> Result<Option<Transfer>>;
    /// A page of transfers.
    async fn transfers(&self, workspace: WorkspaceId, paging: Paging) -> Result<Listed<Transfer>>;
    /// From here on none of its tasks is claimed, until it is resumed; claims that are held stay. Paused already, it
    /// stays as it is. The transfer after it.
    ///
    /// # Errors
    /// `transfer_finished`.
    async fn pause_transfer(
        &self,
        workspace: WorkspaceId,
        id: TransferId,
        now: Timestamp,
    ) -> Result<Option<Transfer>>;
    /// Ends the pause, if there is one. The transfer after it.
    ///
    /// # Errors
    /// `transfer_finished`.
    async fn resume_transfer(
        &self,
        workspace: WorkspaceId,
        id: TransferId,
        now: Timestamp,
    ) -> Result<Option<Transfer>>;
    /// Cancels every task of the transfer that is not final, and sets its state. Claims become stale. How many tasks.
    async fn cancel_transfer(
        &self,
        workspace: WorkspaceId,
        id: TransferId,
        now: Timestamp,
    ) -> Result<Option<u64>>;
    /// Retries every failed task of the transfer (with this fault code only, if given). How many.
    async fn retry_transfer(
        &self,
        workspace: WorkspaceId,
        id: TransferId,
        code: Option<&str>,
        now: Timestamp,
    ) -> Result<Option<u64>>;
    /// Retries a failed task, of a transfer or not. Whether there is such a task.
    ///
    /// # Errors
    /// `task_not_failed`.
    async fn retry_task(&self, workspace: WorkspaceId, id: TaskId, now: Timestamp) -> Result<bool>;
    /// Tasks of a transfer in order of their ids, after this one: what reports stream.
    async fn tasks_after(&self, transfer: TransferId, after: Option<TaskId>, limit: u32)
    -> Result<Vec<Task>>;
    /// Failed tasks of a transfer by code, most frequent first.
    async fn fault_counts(&self, transfer: TransferId) -> Result<Vec<(String, u64)>>;
    /// When the last tasks of a transfer became final, newest first: what the time left is estimated from.
    async fn last_ends(&self, transfer: TransferId, limit: u32) -> Result<Vec<Timestamp>>;

    /// One task.
    async fn task(&self, workspace: WorkspaceId, id: TaskId) -> Result<Option<Task>>;
    /// A page of tasks.
    async fn tasks(
        &self,
        workspace: WorkspaceId,
        filter: &TaskFilter,
        paging: Paging,
    ) -> Result<Listed<Task>>;
    /// Tasks of an index by status.
    async fn task_counts(&self, workspace: WorkspaceId, index: IndexId) -> Result<Counts>;
    /// Removes a final task. Whether there was one.
    ///
    /// # Errors
    /// `task_cannot_be_deleted` while it is not final, or while its video is there.
    async fn delete_task(&self, workspace: WorkspaceId, id: TaskId) -> Result<bool>;

    /// The task of a claim, for the worker; stale when the claim is.
    async fn claimed_task(&self, claim: &Claim) -> Result<Result<Task, Stale>>;
    /// Changes a task under a claim. An event that ends the work (final, postponed, released) ends the claim.
    async fn change_task(
        &self,
        claim: &Claim,
        change: &TaskChange,
        now: Timestamp,
    ) -> Result<Result<(), Stale>>;
    /// A video in this index that holds this very version of the object: it was made of it, or found equal to it.
    async fn video_of_object(
        &self,
        index: IndexId,
        object: &ObjectRef,
        stamp: &ObjectStamp,
    ) -> Result<Option<VideoId>>;
    /// Takes this content for the task of the claim, or tells who has it. A holder that failed loses it.
    async fn hold_content(&self, claim: &Claim, content_hash: &str) -> Result<Result<ContentHolder, Stale>>;
    /// Writes video, segments, vectors, words and thumbnails, and makes the task ready: all or nothing.
    async fn publish(
        &self,
        claim: &Claim,
        publication: &Publication,
        now: Timestamp,
    ) -> Result<Result<(), Stale>>;

    /// See [`crate::queue::Queue::claim`].
    async fn claim_next(&self, now: Timestamp, lease: std::time::Duration) -> Result<Option<Claim>>;
    /// See [`crate::queue::Queue::extend`].
    async fn extend_claim(&self, claim: &Claim, until: Timestamp) -> Result<Result<(), Stale>>;
    /// See [`crate::queue::Queue::next_due`].
    async fn next_due(&self) -> Result<Option<Timestamp>>;
    /// Ends all claims: for a start after a crash, by whoever holds the data folder's lock.
    async fn break_claims(&self, now: Timestamp) -> Result<u64>;
}

/// Videos.
#[async_trait]
pub trait VideoStore: Send + Sync {
    /// One video.
    async fn video(&self, workspace: WorkspaceId, index: IndexId, id: VideoId) -> Result<Option<Video>>;
    /// A page of videos.
    async fn videos(
        &self,
        workspace: WorkspaceId,
        index: IndexId,
        filter: &VideoFilter,
        paging: Paging,
    ) -> Result<Listed<Video>>;
    /// Removes the video with its segments, vectors and pictures; whether there was one. Its content may be taken
    /// anew; its task stays.
    async fn delete_video(&self, workspace: WorkspaceId, index: IndexId, id: VideoId) -> Result<bool>;
    /// Replaces the user's own fields.
    async fn set_user_metadata(
        &self,
        workspace: WorkspaceId,
        index: IndexId,
        id: VideoId,
        metadata: &Map<String, Value>,
        now: Timestamp,
    ) -> Result<bool>;
    /// Segments of a kind in order of start.
    async fn segments(&self, video: VideoId, kind: SegmentKind) -> Result<Vec<Segment>>;
    /// The JPEG nearest to the moment (the middle of the video when none is given), and when it is shown.
    async fn thumbnail(&self, video: VideoId, at: Option<MediaTime>) -> Result<Option<(MediaTime, Vec<u8>)>>;
}

/// Integrations.
#[async_trait]
pub trait IntegrationStore: Send + Sync {
    /// # Errors
    /// `integration_already_exists` for the same kind of address, bucket and prefix in the workspace.
    async fn insert_integration(&self, integration: &Integration) -> Result<()>;
    /// One integration; deleted ones are not there.
    async fn integration(&self, workspace: WorkspaceId, id: IntegrationId) -> Result<Option<Integration>>;
    /// The same, but deleted ones are there too: for what outlives them.
    async fn known_integration(
        &self,
        workspace: WorkspaceId,
        id: IntegrationId,
    ) -> Result<Option<Integration>>;
    /// For the pipeline: whoever's it is.
    async fn integration_by_id(&self, id: IntegrationId) -> Result<Option<Integration>>;
    /// All, oldest first.
    async fn integrations(&self, workspace: WorkspaceId) -> Result<Vec<Integration>>;
    /// Those of all workspaces that are synchronized by themselves.
    async fn scheduled_integrations(&self) -> Result<Vec<Integration>>;
    /// Stores what its owner may change of it; what verifications found is left to [`IntegrationStore::record_checks`],
    /// which may happen at the same time. A deleted one stays as it is.
    ///
    /// # Errors
    /// `integration_already_exists` when another one has the bucket and prefix.
    async fn update_integration(&self, integration: &Integration) -> Result<()>;
    /// Stores what a verification found, and nothing else of it: status, checks, when it was checked and well, drift,
    /// region.
    async fn record_checks(&self, integration: &Integration) -> Result<()>;
    /// Integrations, whoever's, whose turn to be verified again has come, longest waiting first: those that were active
    /// and last checked before `active`, and degraded or failed ones before `others`. Those never verified wait for
    /// their owners.
    async fn integrations_to_check(
        &self,
        active: Timestamp,
        others: Timestamp,
        limit: u32,
    ) -> Result<Vec<Integration>>;
}

/// Imports. They outlive their integrations and indexes.
#[async_trait]
pub trait ImportStore: Send + Sync {
    /// Begins an import, in one step with making sure that no other one of its integration is under way: if one is, that
    /// is returned, and nothing is begun. What is begun cannot be seen until its transfer is accepted.
    async fn begin_import(&self, import: &Import) -> Result<Option<Import>>;
    /// Adds files that are refused before anything is moved.
    async fn add_refusals(&self, import: ImportId, refusals: &[Refusal]) -> Result<()>;
    /// Removes an import whose transfer was never accepted.
    async fn discard_import(&self, import: ImportId) -> Result<()>;
    /// [`ImportStore::discard_import`] for all that a crash left so; after
    /// [`TaskStore::discard_unfinished_transfers`].
    async fn discard_unfinished_imports(&self) -> Result<u64>;
    /// Imports of an integration, also of a deleted one, oldest first, after this one.
    async fn imports_after(
        &self,
        workspace: WorkspaceId,
        integration: IntegrationId,
        after: Option<ImportId>,
        limit: u32,
    ) -> Result<Vec<ImportLog>>;
    /// Files that an import refused, in order of their keys, after this one.
    async fn refusals_after(&self, import: ImportId, after: Option<&str>, limit: u32)
    -> Result<Vec<Refusal>>;
    /// Failed tasks of a transfer in order of their ids, after this one.
    async fn failed_after(
        &self,
        transfer: TransferId,
        after: Option<TaskId>,
        limit: u32,
    ) -> Result<Vec<Task>>;
    /// The videos that lie in a bucket, in order of their keys, after this one, with what became of each in an index.
    async fn files_after(
        &self,
        integration: IntegrationId,
        index: IndexId,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<BucketFile>>;
}

/// A vector for the index over vectors.
#[derive(Debug, Clone, PartialEq)]
pub struct VectorRow {
    /// Its number in the store; grows.
    pub id: i64,
    /// Unit length.
    pub values: Vec<f16>,
}

/// The words of a query, for exact search: every inner list is a phrase whose words must follow each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WordQuery {
    /// Phrases or single words; never empty.
    pub phrases: Vec<Vec<String>>,
    /// All of them in one segment, or any.
    pub all: bool,
}

/// A segment found by words or by a vector.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The segment.
    pub segment: Segment,
    /// BM25 (greater is better) for words.
    pub score: f32,
}

/// What search reads.
#[async_trait]
pub trait SearchStore: Send + Sync {
    /// Vectors of a kind in an index, by number, after this one.
    async fn vectors_after(
        &self,
        index: IndexId,
        kind: SegmentKind,
        after: i64,
        limit: u32,
    ) -> Result<Vec<VectorRow>>;
    /// How many there are, and the greatest number (0 when none). Counts them.
    async fn vector_extent(&self, index: IndexId, kind: SegmentKind) -> Result<(u64, i64)>;
    /// The greatest number (0 when none).
    async fn last_vector(&self, index: IndexId, kind: SegmentKind) -> Result<i64>;
    /// The first vectors of these numbers, at most `limit`, by the videos that they belong to.
    async fn vectors_by_video(
        &self,
        index: IndexId,
        kind: SegmentKind,
        numbers: RangeInclusive<i64>,
        limit: u32,
    ) -> Result<Vec<(VideoId, Vec<i64>)>>;
    /// The numbers of the vectors that belong to these videos.
    async fn vectors_of_videos(
        &self,
        index: IndexId,
        kind: SegmentKind,
        videos: &[VideoId],
    ) -> Result<Vec<i64>>;
    /// The segments of these vectors; deleted ones are left out.
    async fn segments_of_vectors(&self, vectors: &[i64]) -> Result<Vec<(i64, MediaTime, Segment)>>;
    /// Segments of a kind that hold the words, best first.
    async fn match_words(
        &self,
        index: IndexId,
        kind: SegmentKind,
        query: &WordQuery,
        limit: u32,
    ) -> Result<Vec<Found>>;
    /// One of these videos that the workspace has in another index, if there is any.
    async fn video_elsewhere(
        &self,
        workspace: WorkspaceId,
        index: IndexId,
        videos: &[VideoId],
    ) -> Result<Option<VideoId>>;
    /// Keeps the pages of a search until the moment, under a token. What was kept until `now` goes.
    async fn keep_results(
        &self,
        workspace: WorkspaceId,
        token: &str,
        results: &[u8],
        until: Timestamp,
        now: Timestamp,
    ) -> Result<()>;
    /// What was kept, unless the moment has passed.
    async fn kept_results(
        &self,
        workspace: WorkspaceId,
        token: &str,
        now: Timestamp,
    ) -> Result<Option<Vec<u8>>>;
}

/// All of them.
#[async_trait]
pub trait Store:
    KeyStore
    + IndexStore
    + TaskStore
    + VideoStore
    + IntegrationStore
    + InventoryStore
    + ImportStore
    + DeletionStore
    + IdempotencyStore
    + AssetStore
    + AssetImportStore
    + UploadStore
    + IndexedAssetStore
    + WebhookStore
    + GenerationStore
    + SearchStore
    + EmbeddingStore
    + StreamStore
    + SessionStore
    + SpeechStore
    + SystemStore
    + ProcessStore
    + OfferStore
    + std::fmt::Debug
{
    /// Whether the database answers and can write; for readiness.
    async fn ping(&self) -> Result<()>;
    /// Itself, if it searches vectors.
    fn nearest(&self) -> Option<&dyn NearestStore>;
    /// Has a database of another host watched over from now on: it counts as away when it says nothing for so long, and who
    /// waits for it then is told so.
    fn watch(&self, silent_after: Duration);
    /// Whether the database answers, as far as it is known without asking it.
    fn presence(&self) -> Presence;
}
