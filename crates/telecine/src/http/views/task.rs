//! Tasks, as each version shows them.

use std::collections::HashMap;
use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;

use super::hls::HlsView;
use crate::fault::Fault;
use crate::http::version::ApiVersion;
use crate::ids::{IndexId, TaskId, TransferId, VideoId};
use crate::pipeline::TaskProgress;
use crate::time::Timestamp;
use crate::transfer::{Counts, DuplicateBy, Stage, Status, Task};

/// A task. A skipped one is told as `ready`, with the video that it equals.
#[derive(Serialize, ToSchema)]
#[schema(as = Task)]
pub(in crate::http) struct TaskView {
    #[serde(rename = "_id")]
    id: TaskId,
    index_id: IndexId,
    created_at: Timestamp,
    updated_at: Timestamp,
    /// `validating`, `pending`, `queued`, `indexing`, `ready` or `failed`.
    #[schema(value_type = String)]
    status: &'static str,
    /// Where the video comes from.
    object: String,
    /// v1.3.
    #[serde(skip_serializing_if = "Option::is_none")]
    system_metadata: Option<TaskMetadata>,
    /// Up to v1.2.
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<TaskMetadata>,
    /// The video; up to v1.2 only once it is ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    video_id: Option<VideoId>,
    /// The stream that is kept of the video, where streams are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    hls: Option<HlsView>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Fault>,
    /// The same as a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<String>,
    /// The video that it equals.
    #[serde(skip_serializing_if = "Option::is_none")]
    skipped: Option<Skipped>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transfer_id: Option<TransferId>,
    /// Why a pending task waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting_for: Option<String>,
    /// Of a task that a worker has in hand.
    #[serde(skip_serializing_if = "Option::is_none")]
    process: Option<Process>,
    /// When it will probably be ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    estimated_time: Option<Timestamp>,
}

impl TaskView {
    /// With the stream of its video, of these.
    pub(in crate::http) fn with_hls(mut self, streams: &HashMap<VideoId, HlsView>) -> Self {
        // Before it is ready, its stream may never come to be.
        let video = self.video_id.filter(|_| self.status == Status::Ready.as_str());
        self.hls = video.and_then(|video| streams.get(&video).cloned());
        self
    }
}

/// What is known of the file; measures once it was read.
#[derive(Serialize, ToSchema)]
pub(super) struct TaskMetadata {
    filename: String,
    /// Seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    width: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    height: Option<u32>,
}

/// The video that a skipped task equals, and how that was found.
#[derive(Serialize, ToSchema)]
struct Skipped {
    video_id: VideoId,
    by: DuplicateBy,
}

/// How far a task in hand has come.
#[derive(Serialize, ToSchema)]
struct Process {
    /// Of the stage, 0 to 100.
    percentage: f64,
    stage: Stage,
    #[serde(skip_serializing_if = "Option::is_none")]
    remain_seconds: Option<f64>,
}

/// A task; `progress` is of a task in hand.
pub(in crate::http) fn task(
    task: &Task,
    progress: Option<&TaskProgress>,
    now: Timestamp,
    version: ApiVersion,
) -> TaskView {
    let is_v1_3 = version == ApiVersion::V1_3;
    let progress = progress.filter(|_| !task.status.is_final());
    let remain_s = progress.and_then(|progress| remain_s(task, progress, now));
    TaskView {
        id: task.id,
        index_id: task.index,
        created_at: task.created_at,
        updated_at: task.updated_at,
        status: status(task.status),
        object: task.source.address(),
        system_metadata: is_v1_3.then(|| metadata(task)),
        metadata: (!is_v1_3).then(|| metadata(task)),
        video_id: video(task, version),
        hls: None,
        error: task.fault.clone(),
        error_message: task.fault.as_ref().map(Fault::sentence),
        skipped: task.duplicate.as_ref().map(|of| Skipped { video_id: of.video, by: of.by }),
        transfer_id: task.transfer,
        waiting_for: task.waiting_for.as_ref().map(|reason| reason.as_str().to_owned()),
        process: progress.map(|progress| Process {
            percentage: (fraction(progress) * 100.0).round(),
            stage: progress.stage,
            remain_seconds: remain_s.map(f64::round),
        }),
        estimated_time: remain_s.map(|s| now.after(Duration::from_secs_f64(s.min(1e6)))),
    }
}

/// What clients of the contract know: a skipped task is one whose video is ready.
pub(in crate::http) fn status(status: Status) -> &'static str {
    match status {
        Status::Skipped => Status::Ready.as_str(),
        other => other.as_str(),
    }
}

/// The statuses that a client means by a name.
pub(in crate::http) fn statuses(name: &str) -> Option<Vec<Status>> {
    match Status::parse(name)? {
        Status::Ready => Some(vec![Status::Ready, Status::Skipped]),
        other => Some(vec![other]),
    }
}

/// The video: the one that a skipped task equals, else the task's own, which older versions tell once it is there.
pub(in crate::http) fn video(task: &Task, version: ApiVersion) -> Option<VideoId> {
    match &task.duplicate {
        Some(duplicate) => Some(duplicate.video),
        None if task.status == Status::Ready || version == ApiVersion::V1_3 => Some(task.id.into()),
        None => None,
    }
}

pub(super) fn metadata(task: &Task) -> TaskMetadata {
    let meta = task.meta.as_ref();
    TaskMetadata {
        filename: meta.map_or_else(|| task.source.filename().into(), |meta| meta.filename.clone()),
        duration: meta.map(|meta| meta.duration_s),
        width: meta.map(|meta| meta.width),
        height: meta.map(|meta| meta.height),
    }
}

/// Seconds that indexing will still take, as fast as it went so far.
fn remain_s(task: &Task, progress: &TaskProgress, now: Timestamp) -> Option<f64> {
    let fraction = fraction(progress);
    // The task last changed when it went into its present status.
    let so_far_s = now.since(task.updated_at).as_secs_f64();
    let tells = task.status == Status::Indexing && fraction > 0.01;
    tells.then(|| so_far_s * (1.0 - fraction) / fraction)
}

/// How far the present stage has come, 0 to 1.
pub(in crate::http) fn fraction(progress: &TaskProgress) -> f64 {
    let part = |done: f64, all: f64| if all > 0.0 { (done / all).clamp(0.0, 1.0) } else { 0.0 };
    match progress.stage {
        Stage::Fetch => part(progress.fetched_bytes as f64, progress.size_bytes as f64),
        Stage::Validate => 0.0,
        Stage::Index => part(progress.indexed_s, progress.duration_s),
        Stage::Publish => 1.0,
    }
}

/// Tasks of an index by status. `ready` counts the skipped ones, too.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct TaskCounts {
    index_id: IndexId,
    validating: u64,
    pending: u64,
    queued: u64,
    indexing: u64,
    ready: u64,
    failed: u64,
    skipped: u64,
    total_result: u64,
}

/// Tasks of an index by status.
pub(in crate::http) fn counts(index: IndexId, counts: &Counts) -> TaskCounts {
    let Counts { validating, pending, queued, indexing, ready, failed, skipped } = *counts;
    let ready = ready + skipped;
    let total_result = counts.total();
    TaskCounts {
        index_id: index,
        validating,
        pending,
        queued,
        indexing,
        ready,
        failed,
        skipped,
        total_result,
    }
}
