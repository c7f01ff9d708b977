//! What analyses in the background and their batches look like.

use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::generate::{CUT, UsageView, reason};
use crate::fault::Fault;
use crate::generate::{BATCH_LIFE, Batch, Job, JobRequest, JobResult, JobState, NewJob};
use crate::ids::{AnalysisId, BatchId, VideoId};
use crate::time::Timestamp;
use telecine_engines::write::Finish;

/// An analysis that was taken or cancelled.
#[derive(Serialize, ToSchema)]
#[schema(as = AnalysisState)]
pub(in crate::http) struct BegunView {
    task_id: AnalysisId,
    status: &'static str,
}

impl BegunView {
    pub(in crate::http) fn of(task_id: AnalysisId, state: JobState) -> Self {
        Self { task_id, status: state.as_str() }
    }
}

/// Nothing is left to show.
#[derive(Serialize, ToSchema)]
#[schema(as = Gone)]
pub(in crate::http) struct GoneView {}

/// An analysis.
#[derive(Serialize, ToSchema)]
#[schema(as = Analysis)]
pub(in crate::http) struct AnalysisView {
    task_id: AnalysisId,
    /// `queued`, `processing`, `ready`, `failed` or `canceled`.
    status: &'static str,
    created_at: Timestamp,
    custom_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    batch_id: Option<BatchId>,
    model_name: String,
    video_id: VideoId,
    request_params: AnalysisParams,
    #[serde(skip_serializing_if = "Option::is_none")]
    completed_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<ResultView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorView>,
}

/// What was asked.
#[derive(Serialize, ToSchema)]
struct AnalysisParams {
    analysis_mode: &'static str,
    prompt: String,
    temperature: f32,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_time: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_time: Option<f64>,
}

/// The answer.
#[derive(Serialize, ToSchema)]
#[schema(as = AnalysisResult)]
struct ResultView {
    generation_id: String,
    data: String,
    /// `stop`, or `length`: cut at the limit of tokens.
    finish_reason: &'static str,
    usage: UsageView,
}

/// Why there is no answer, or not a whole one.
#[derive(Serialize, ToSchema)]
#[schema(as = AnalysisError)]
struct ErrorView {
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    message: String,
}

impl AnalysisView {
    pub(in crate::http) fn of(job: Job) -> Self {
        let error = error(&job);
        let JobRequest { answer, model_name } = job.request;
        Self {
            task_id: job.id,
            status: job.state.as_str(),
            created_at: job.created_at,
            custom_id: job.custom_id,
            batch_id: job.batch,
            model_name,
            video_id: answer.video,
            request_params: AnalysisParams {
                analysis_mode: "general",
                prompt: answer.prompt,
                temperature: answer.temperature,
                max_tokens: answer.max_tokens,
                start_time: answer.start_s,
                end_time: answer.end_s,
            },
            completed_at: job.completed_at,
            result: job.result.map(result),
            error,
        }
    }
}

fn result(result: JobResult) -> ResultView {
    let JobResult { generation_id, data, finish_reason, usage } = result;
    ResultView { generation_id, data, finish_reason: reason(finish_reason), usage: usage.into() }
}

fn error(job: &Job) -> Option<ErrorView> {
    let told =
        |code: &str, message: &str| ErrorView { code: Some(code.to_owned()), message: message.to_owned() };
    let failed = |fault: &Fault| told(fault.code.as_str(), &fault.sentence());
    match (job.state, &job.fault, &job.result) {
        (JobState::Canceled, ..) => Some(told("user_canceled", "The analysis was cancelled.")),
        (_, Some(fault), _) => Some(failed(fault)),
        (_, None, Some(JobResult { finish_reason: Finish::Length, .. })) => {
            Some(ErrorView { code: None, message: CUT.to_owned() })
        }
        _ => None,
    }
}

/// A line of a batch's results.
pub(in crate::http) fn result_line(job: Job) -> String {
    let error = error(&job).filter(|_| job.state == JobState::Failed);
    let line = json!({
        "task_id": job.id,
        "custom_id": job.custom_id,
        "status": job.state.as_str(),
    });
    let mut line = line;
    if let Some(written) = job.result {
        line["data"] = json!(result(written));
    }
    if let Some(error) = error {
        line["error"] = json!(error);
    }
    format!("{line}\n")
}

/// A batch.
#[derive(Serialize, ToSchema)]
#[schema(as = AnalysisBatch)]
pub(in crate::http) struct BatchView {
    batch_id: BatchId,
    analysis_mode: &'static str,
    model_name: String,
    /// `pending`, `processing`, `canceling`, `canceled`, `completed` or `expired`.
    status: &'static str,
    total_items: u64,
    queued_items: u64,
    processing_items: u64,
    ready_items: u64,
    failed_items: u64,
    canceled_items: u64,
    created_at: Timestamp,
    /// What is not done by then is given up.
    expires_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    completed_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    canceled_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expired_at: Option<Timestamp>,
}

impl BatchView {
    pub(in crate::http) fn of(batch: Batch) -> Self {
        Self {
            batch_id: batch.id,
            analysis_mode: "general",
            model_name: batch.model_name,
            status: batch.state.as_str(),
            total_items: batch.counts.total(),
            queued_items: batch.counts.queued,
            processing_items: batch.counts.processing,
            ready_items: batch.counts.ready,
            failed_items: batch.counts.failed,
            canceled_items: batch.counts.canceled,
            created_at: batch.created_at,
            expires_at: batch.created_at.after(BATCH_LIFE),
            completed_at: batch.completed_at,
            canceled_at: batch.canceled_at,
            expired_at: batch.expired_at,
        }
    }
}

/// A batch that was taken.
#[derive(Serialize, ToSchema)]
#[schema(as = MadeAnalysisBatch)]
pub(in crate::http) struct MadeBatchView {
    batch_id: BatchId,
    status: &'static str,
    total_items: u64,
    created_at: Timestamp,
    expires_at: Timestamp,
    items: Vec<MadeItem>,
}

#[derive(Serialize, ToSchema)]
struct MadeItem {
    task_id: AnalysisId,
    custom_id: Option<String>,
}

impl MadeBatchView {
    pub(in crate::http) fn of(batch: Batch, jobs: Vec<NewJob>) -> Self {
        Self {
            batch_id: batch.id,
            status: batch.state.as_str(),
            total_items: batch.counts.total(),
            created_at: batch.created_at,
            expires_at: batch.created_at.after(BATCH_LIFE),
            items: jobs
                .into_iter()
                .map(|job| MadeItem { task_id: job.id, custom_id: job.custom_id })
                .collect(),
        }
    }
}
