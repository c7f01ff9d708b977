//! Analyses that are worked on in the background, alone or in batches: what they are, and what may be done with them when.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use telecine_engines::write::Finish;

use super::answer::AnswerRequest;
use super::material::find_video;
use super::writing::Usage;
use crate::app::App;
use crate::fault::{Code, Fault, Result};
use crate::ids::{AnalysisId, BatchId, VideoId, WorkspaceId};
use crate::time::Timestamp;

/// A batch that is not done by then is given up.
pub const BATCH_LIFE: Duration = Duration::from_secs(30 * 24 * 3600);
/// Most analyses of a batch.
pub const MAX_BATCH: usize = 1_000;
const MAX_CUSTOM_ID: usize = 64;

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobRequest {
    /// The question.
    pub answer: AnswerRequest,
    /// As the user named it.
    pub model_name: String,
}

/// An analysis that is handed in.
#[derive(Debug, Clone, PartialEq)]
pub struct NewJob {
    /// Its id.
    pub id: AnalysisId,
    /// The user's own id.
    pub custom_id: Option<String>,
    /// What is to be done.
    pub request: JobRequest,
}

/// Where an analysis stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JobState {
    /// Waits for its turn.
    Queued,
    /// Is being written.
    Processing,
    /// Is written.
    Ready,
    /// Cannot be written.
    Failed,
    /// Is no longer wanted.
    Canceled,
}

impl JobState {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Queued, Self::Processing, Self::Ready, Self::Failed, Self::Canceled];

    /// The name in store and contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Processing => "processing",
            Self::Ready => "ready",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
        }
    }

    /// The state of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

/// What came of an analysis.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobResult {
    /// Of the answer.
    pub generation_id: String,
    /// The text.
    pub data: String,
    /// How it ended.
    pub finish_reason: Finish,
    /// What it took.
    pub usage: Usage,
}

/// An analysis.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Its id.
    pub id: AnalysisId,
    /// Whose it is.
    pub workspace: WorkspaceId,
    /// The batch that it came with.
    pub batch: Option<BatchId>,
    /// The user's own id.
    pub custom_id: Option<String>,
    /// What is to be done.
    pub request: JobRequest,
    /// Where it stands.
    pub state: JobState,
    /// How often it was begun.
    pub attempts: u32,
    /// The text, when it is ready.
    pub result: Option<JobResult>,
    /// Why not, when it failed.
    pub fault: Option<Fault>,
    /// When it was handed in.
    pub created_at: Timestamp,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
}

/// The right to work on an analysis: worth nothing once another one has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobClaim {
    /// The analysis.
    pub job: AnalysisId,
    /// Grows with every claim.
    pub fence: i64,
}

/// How work on an analysis ended.
#[derive(Debug, Clone, PartialEq)]
pub enum JobEnd {
    /// Written.
    Ready(JobResult),
    /// It will not be.
    Failed(Fault),
    /// It is to be tried again from this moment on.
    Postponed(Timestamp),
}

/// Which analyses.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct JobFilter {
    /// In one of these states; empty for any.
    pub states: Vec<JobState>,
    /// Of this video.
    pub video: Option<VideoId>,
}

/// Where a batch stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BatchState {
    /// Nothing of it was begun.
    Pending,
    /// Something of it is open.
    Processing,
    /// Cancelled, and something of it is still being written.
    Canceling,
    /// Cancelled.
    Canceled,
    /// Done, with whatever came of each.
    Completed,
    /// Given up after a long time.
    Expired,
}

impl BatchState {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Pending, Self::Processing, Self::Canceling, Self::Canceled, Self::Completed, Self::Expired];

    /// The name in store and contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Processing => "processing",
            Self::Canceling => "canceling",
            Self::Canceled => "canceled",
            Self::Completed => "completed",
            Self::Expired => "expired",
        }
    }

    /// The state of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

/// How many analyses of a batch stand where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BatchCounts {
    /// Waiting.
    pub queued: u64,
    /// Being written.
    pub processing: u64,
    /// Written.
    pub ready: u64,
    /// Failed.
    pub failed: u64,
    /// No longer wanted.
    pub canceled: u64,
}

impl BatchCounts {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.queued + self.processing + self.ready + self.failed + self.canceled
    }
}

/// A batch.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// Its id.
    pub id: BatchId,
    /// As the user named the model.
    pub model_name: String,
    /// Where it stands.
    pub state: BatchState,
    /// Where its analyses stand.
    pub counts: BatchCounts,
    /// When it was handed in.
    pub created_at: Timestamp,
    /// When its last analysis ended.
    pub completed_at: Option<Timestamp>,
    /// When it was cancelled.
    pub canceled_at: Option<Timestamp>,
    /// When it was given up.
    pub expired_at: Option<Timestamp>,
}

/// Takes an analysis.
///
/// # Errors
/// What cannot be done is refused at once: no such video, an index that generates nothing, a malformed custom id.
pub async fn create_job(
    app: &App,
    workspace: WorkspaceId,
    custom_id: Option<String>,
    request: JobRequest,
) -> Result<AnalysisId> {
    custom_id.as_deref().map_or(Ok(()), check_custom_id)?;
    find_video(app, workspace, request.answer.video).await?;
    let now = app.clock.now();
    let job = NewJob { id: AnalysisId::generate(now), custom_id, request };
    let id = job.id;
    app.store.insert_jobs(workspace, None, &[job], now).await?;
    app.keeper.wake();
    Ok(id)
}

/// Takes a batch: all of it or nothing.
///
/// # Errors
/// As [`create_job`], and for custom ids that are not unique.
pub async fn create_batch(
    app: &App,
    workspace: WorkspaceId,
    model_name: &str,
    items: Vec<(Option<String>, JobRequest)>,
) -> Result<(Batch, Vec<NewJob>)> {
    if items.is_empty() || items.len() > MAX_BATCH {
        return Err(Fault::parameter("The requests parameter holds too few or too many.")
            .value(items.len().to_string())
            .rule(format!("1 to {MAX_BATCH}"))
            .into());
    }
    let now = app.clock.now();
    let mut seen = std::collections::HashSet::new();
    let mut jobs = Vec::new();
    for (custom_id, request) in items {
        if let Some(custom_id) = &custom_id {
            check_custom_id(custom_id)?;
            if !seen.insert(custom_id.clone()) {
                return Err(Fault::parameter("A custom_id is given twice.").value(custom_id).into());
            }
        }
        find_video(app, workspace, request.answer.video).await?;
        jobs.push(NewJob { id: AnalysisId::generate(now), custom_id, request });
    }
    let id = BatchId::generate(now);
    app.store.insert_jobs(workspace, Some((id, model_name)), &jobs, now).await?;
    app.keeper.wake();
    let batch = app.store.batch(workspace, id).await?;
    Ok((batch.ok_or_else(|| anyhow::anyhow!("a batch was written, and is not there"))?, jobs))
}

fn check_custom_id(id: &str) -> Result<(), Fault> {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if (1..=MAX_CUSTOM_ID).contains(&id.len()) && id.bytes().all(known) {
        return Ok(());
    }
    Err(Fault::parameter("The custom_id parameter is malformed.")
        .value(id.chars().take(MAX_CUSTOM_ID).collect::<String>())
        .rule("1 to 64 letters of ASCII, digits, hyphens and underscores"))
}

/// Removes an analysis that is over; whether there was one.
///
/// # Errors
/// `analysis_not_finished`.
pub async fn delete_job(app: &App, workspace: WorkspaceId, id: AnalysisId) -> Result<bool> {
    match app.store.delete_job(workspace, id).await? {
        None => Ok(false),
        Some(true) => Ok(true),
        Some(false) => Err(Fault::new(Code::AnalysisNotFinished).value(id.to_string()).into()),
    }
}

/// Cancels an analysis that is not over; one that was cancelled stays so. Whether there was one.
///
/// # Errors
/// `analysis_finished`.
pub async fn cancel_job(app: &App, workspace: WorkspaceId, id: AnalysisId) -> Result<bool> {
    match app.store.cancel_job(workspace, id, app.clock.now()).await? {
        None => Ok(false),
        Some(JobState::Canceled) => Ok(true),
        Some(state) => Err(Fault::new(Code::AnalysisFinished).value(state.as_str()).into()),
    }
}

/// Cancels what of a batch is not over. None when there is no such batch.
///
/// # Errors
/// `analysis_finished`.
pub async fn cancel_batch(app: &App, workspace: WorkspaceId, id: BatchId) -> Result<Option<Batch>> {
    let Some(batch) = app.store.batch(workspace, id).await? else { return Ok(None) };
    if matches!(batch.state, BatchState::Completed | BatchState::Expired) {
        return Err(Fault::new(Code::AnalysisFinished).value(batch.state.as_str()).into());
    }
    app.store.cancel_batch(workspace, id, app.clock.now()).await?;
    app.store.batch(workspace, id).await
}

/// Removes a batch that is over, with its analyses; whether there was one.
///
/// # Errors
/// `analysis_not_finished`.
pub async fn delete_batch(app: &App, workspace: WorkspaceId, id: BatchId) -> Result<bool> {
    let Some(batch) = app.store.batch(workspace, id).await? else { return Ok(false) };
    if batch.counts.queued + batch.counts.processing > 0 {
        return Err(Fault::new(Code::AnalysisNotFinished).value(id.to_string()).into());
    }
    app.store.delete_batch(workspace, id).await
}
