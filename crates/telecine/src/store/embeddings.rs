//! What the store keeps of embeddings: tasks of videos with their vectors, and the vectors of videos in indexes.

use async_trait::async_trait;

use super::{Listed, Paging, Within};
use crate::embedding::{EmbedClaim, EmbedEnd, EmbedState, EmbedTask, Embedded};
use crate::fault::Result;
use crate::ids::{EmbedTaskId, VideoId, WorkspaceId};
use crate::queue::Stale;
use crate::time::Timestamp;
use crate::video::{Segment, SegmentKind};

/// Which tasks.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EmbedFilter {
    /// In this state.
    pub state: Option<EmbedState>,
    /// Made within.
    pub created_at: Within<Timestamp>,
}

/// Embeddings.
#[async_trait]
pub trait EmbeddingStore: Send + Sync {
    /// Stores a new task, due at once.
    async fn insert_embed_task(&self, task: &EmbedTask) -> Result<()>;
    /// One task.
    async fn embed_task(&self, workspace: WorkspaceId, id: EmbedTaskId) -> Result<Option<EmbedTask>>;
    /// A page of tasks.
    async fn embed_tasks(
        &self,
        workspace: WorkspaceId,
        filter: &EmbedFilter,
        paging: Paging,
    ) -> Result<Listed<EmbedTask>>;
    /// The vectors of a task that is ready, in order of time, those of the whole last.
    async fn embedded(&self, workspace: WorkspaceId, id: EmbedTaskId) -> Result<Vec<Embedded>>;
    /// Takes the task, whoever's, that has been due the longest and that nobody works on. Counts the attempt.
    async fn claim_embed_task(
        &self,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<(EmbedClaim, EmbedTask)>>;
    /// Makes the claim last longer.
    async fn extend_embed_claim(&self, claim: &EmbedClaim, until: Timestamp) -> Result<Result<(), Stale>>;
    /// Writes down how an attempt ended, and ends the claim: vectors and state in one step.
    async fn end_embed_task(
        &self,
        claim: &EmbedClaim,
        end: &EmbedEnd,
        now: Timestamp,
    ) -> Result<Result<(), Stale>>;
    /// Removes what was kept long enough, whoever's it is; claims become stale.
    async fn forget_embed_tasks(&self, now: Timestamp) -> Result<Vec<EmbedTaskId>>;
    /// Ends all claims: for a start after a crash, by whoever holds the data folder's lock. The tasks that are still to be
    /// worked on.
    async fn break_embed_claims(&self) -> Result<Vec<EmbedTaskId>>;
    /// The segments of a kind of a video in an index, in order of start, each with its vectors.
    async fn segment_vectors(
        &self,
        video: VideoId,
        kind: SegmentKind,
    ) -> Result<Vec<(Segment, Vec<Vec<f32>>)>>;
}
