//! Tasks, as each version shows them.

use serde_json::{Map, Value, json};

use crate::http::version::ApiVersion;
use crate::ids::{IndexId, VideoId};
use crate::pipeline::TaskProgress;
use crate::time::Timestamp;
use crate::transfer::{Counts, Stage, Status, Task};

/// A task; `progress` is of a task in hand.
pub(in crate::http) fn task(
    task: &Task,
    progress: Option<&TaskProgress>,
    now: Timestamp,
    version: ApiVersion,
) -> Value {
    let mut shown = json!({
        "_id": task.id,
        "index_id": task.index,
        "created_at": task.created_at,
        "updated_at": task.updated_at,
        "status": status(task.status),
        "object": task.source.address(),
    });
    shown[metadata_key(version)] = metadata(task);
    if let Some(video) = video(task, version) {
        shown["video_id"] = json!(video);
    }
    if let Some(fault) = &task.fault {
        shown["error"] = json!(fault);
        shown["error_message"] = fault.sentence().into();
    }
    if let Some(duplicate) = &task.duplicate {
        shown["skipped"] = json!({ "video_id": duplicate.video, "by": duplicate.by });
    }
    if let Some(transfer) = task.transfer {
        shown["transfer_id"] = json!(transfer);
    }
    if let Some(reason) = &task.waiting_for {
        shown["waiting_for"] = reason.as_str().into();
    }
    if let Some(progress) = progress.filter(|_| !task.status.is_final()) {
        add_progress(&mut shown, task, progress, now);
    }
    shown
}

/// The key of what was measured.
pub(in crate::http) fn metadata_key(version: ApiVersion) -> &'static str {
    match version {
        ApiVersion::V1_3 => "system_metadata",
        ApiVersion::V1_1 | ApiVersion::V1_2 => "metadata",
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
fn video(task: &Task, version: ApiVersion) -> Option<VideoId> {
    match &task.duplicate {
        Some(duplicate) => Some(duplicate.video),
        None if task.status == Status::Ready || version == ApiVersion::V1_3 => Some(task.id.into()),
        None => None,
    }
}

fn metadata(task: &Task) -> Value {
    let mut metadata = Map::new();
    match &task.meta {
        Some(meta) => {
            metadata.insert("filename".into(), meta.filename.as_str().into());
            metadata.insert("duration".into(), meta.duration_s.into());
            metadata.insert("width".into(), meta.width.into());
            metadata.insert("height".into(), meta.height.into());
        }
        None => {
            metadata.insert("filename".into(), task.source.filename().into());
        }
    }
    Value::Object(metadata)
}

fn add_progress(shown: &mut Value, task: &Task, progress: &TaskProgress, now: Timestamp) {
    let fraction = fraction(progress);
    let mut process = json!({
        "percentage": (fraction * 100.0).round(),
        "stage": progress.stage,
    });
    // The task last changed when it went into its present status.
    let seconds_so_far = now.since(task.updated_at).as_secs_f64();
    if task.status == Status::Indexing && fraction > 0.01 {
        let remain_s = seconds_so_far * (1.0 - fraction) / fraction;
        process["remain_seconds"] = remain_s.round().into();
        shown["estimated_time"] = json!(now.after(std::time::Duration::from_secs_f64(remain_s.min(1e6))));
    }
    shown["process"] = process;
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

/// Tasks of an index by status.
pub(in crate::http) fn counts(index: IndexId, counts: &Counts) -> Value {
    let Counts { validating, pending, queued, indexing, ready, failed, skipped } = *counts;
    json!({
        "index_id": index,
        "validating": validating,
        "pending": pending,
        "queued": queued,
        "indexing": indexing,
        "ready": ready + skipped,
        "failed": failed,
        "skipped": skipped,
        "total_result": counts.total(),
    })
}
