//! What generation reads of videos, and analyses that are worked on in the background.

use async_trait::async_trait;

use super::{Listed, Paging};
use crate::fault::Result;
use crate::generate::{Batch, BatchState, Job, JobClaim, JobEnd, JobFilter, JobState, NewJob, SeenVector};
use crate::ids::{AnalysisId, BatchId, VideoId, WorkspaceId};
use crate::queue::Stale;
use crate::time::Timestamp;
use crate::video::Video;

/// Generation.
#[async_trait]
pub trait GenerationStore: Send + Sync {
    /// A video of the workspace, in whatever index it is.
    async fn video_anywhere(&self, workspace: WorkspaceId, id: VideoId) -> Result<Option<Video>>;
    /// The vectors of a video's shots, in order of time.
    async fn seen(&self, video: VideoId) -> Result<Vec<SeenVector>>;

    /// Stores analyses, and the batch that they are of (its id and model), all or nothing.
    async fn insert_jobs(
        &self,
        workspace: WorkspaceId,
        batch: Option<(BatchId, &str)>,
        jobs: &[NewJob],
        now: Timestamp,
    ) -> Result<()>;
    /// One analysis.
    async fn job(&self, workspace: WorkspaceId, id: AnalysisId) -> Result<Option<Job>>;
    /// A page of analyses.
    async fn jobs(&self, workspace: WorkspaceId, filter: &JobFilter, paging: Paging) -> Result<Listed<Job>>;
    /// Analyses of a batch in their order, after this one.
    async fn jobs_after(&self, batch: BatchId, after: Option<AnalysisId>, limit: u32) -> Result<Vec<Job>>;
    /// Removes an analysis that is over: whether it was; nothing when there is none.
    async fn delete_job(&self, workspace: WorkspaceId, id: AnalysisId) -> Result<Option<bool>>;
    /// Cancels an analysis unless it is over. Its state now; nothing when there is none. Claims become stale.
    async fn cancel_job(
        &self,
        workspace: WorkspaceId,
        id: AnalysisId,
        now: Timestamp,
    ) -> Result<Option<JobState>>;

    /// One batch.
    async fn batch(&self, workspace: WorkspaceId, id: BatchId) -> Result<Option<Batch>>;
    /// A page of batches, in one of these states; none for any.
    async fn batches(
        &self,
        workspace: WorkspaceId,
        states: &[BatchState],
        paging: Paging,
    ) -> Result<Listed<Batch>>;
    /// Cancels a batch: what waits is cancelled, what is being written goes on. Whether there was one.
    async fn cancel_batch(&self, workspace: WorkspaceId, id: BatchId, now: Timestamp) -> Result<bool>;
    /// Removes a batch with its analyses; whether there was one.
    async fn delete_batch(&self, workspace: WorkspaceId, id: BatchId) -> Result<bool>;
    /// Gives up batches of before this moment that are not over: how many analyses.
    async fn expire_batches(&self, before: Timestamp, now: Timestamp) -> Result<u64>;

    /// Takes the analysis that has waited longest, of those whose time has come or whose lease has ended.
    async fn claim_job(&self, now: Timestamp, until: Timestamp) -> Result<Option<(JobClaim, Job)>>;
    /// Keeps it.
    async fn extend_job(&self, claim: &JobClaim, until: Timestamp) -> Result<Result<(), Stale>>;
    /// Notes how it ended.
    async fn end_job(&self, claim: &JobClaim, end: &JobEnd, now: Timestamp) -> Result<Result<(), Stale>>;
    /// Ends all claims: for a start after a crash, by whoever holds the data folder's lock.
    async fn break_job_claims(&self) -> Result<u64>;
}
