//! What lies in a bucket, as objects and as numbers, and the synchronizations that find out.

use serde_json::{Value, json};

use crate::fault::Code;
use crate::integration::{
    Decision, HeaderRead, Integration, InventoryObject, ObjectTask, Statistics, SyncRun,
};
use crate::transfer::ObjectRef;

/// A synchronization.
pub(in crate::http) fn run(run: &SyncRun) -> Value {
    let SyncRun {
        id,
        integration,
        trigger,
        state,
        is_ordered,
        listed,
        videos,
        requests,
        added,
        changed,
        removed,
        left: _,
        fault,
        created_at,
        updated_at,
        ended_at,
    } = run;
    json!({
        "_id": id,
        "integration_id": integration,
        "trigger": trigger,
        "state": state,
        "is_ordered": is_ordered,
        "listed": listed,
        "keys_per_second": (run.keys_per_second() * 10.0).round() / 10.0,
        "requests": requests,
        "items": listed,
        "videos": videos,
        "added": added,
        "changed": changed,
        "removed": removed,
        "fault": fault,
        "started_at": created_at,
        "updated_at": updated_at,
        "ended_at": ended_at,
    })
}

/// An object that was seen, why it is or is not taken, and what became of it in each index.
pub(in crate::http) fn object(integration: &Integration, object: &InventoryObject) -> Value {
    let InventoryObject { item, first_seen_at, removed_at, header, tasks } = object;
    let is_taken = item.decision == Decision::Taken;
    let reason = (!is_taken).then_some(item.decision);
    let address = ObjectRef {
        scheme: integration.provider.scheme(),
        integration: integration.id,
        bucket: integration.bucket.clone(),
        key: item.key.clone(),
    };
    json!({
        "key": item.key,
        "object": address.address(),
        "size_bytes": item.size_bytes,
        "storage_class": item.storage_class,
        "is_archived": item.is_archived,
        "etag": item.etag,
        "modified_at": item.modified_at,
        "first_seen_at": first_seen_at,
        "removed_at": removed_at,
        "is_video": item.is_video,
        "decision": if is_taken { "taken" } else { "excluded" },
        "reason": reason,
        "reason_message": reason.map(Decision::message),
        "header": header,
        "indexes": tasks.iter().map(task).collect::<Vec<_>>(),
    })
}

fn task(task: &ObjectTask) -> Value {
    let ObjectTask { index, task, status, fault, video, is_present_version } = task;
    let state = match (is_present_version, status.as_str(), video) {
        (true, ..) => "indexed",
        (_, "failed", _) => "failed",
        (_, status, _) if !matches!(status, "ready" | "skipped") => "in_progress",
        (_, _, Some(_)) => "changed",
        (_, _, None) => "not_indexed",
    };
    json!({
        "index_id": index,
        "task_id": task,
        "status": status,
        "state": state,
        "video_id": video,
        "is_present_version": is_present_version,
        "error": fault,
    })
}

/// What became of reading a header.
pub(in crate::http) fn header(read: &HeaderRead) -> Value {
    let HeaderRead { key, header, was_known } = read;
    json!({
        "key": key,
        "header": header.as_ref().ok(),
        "error": header.as_ref().err(),
        "was_known": was_known,
    })
}

/// Numbers, each with the list behind it. `narrowing` is the part of a query that all of them share.
pub(in crate::http) fn statistics(integration: &Integration, numbers: &Statistics, narrowing: &str) -> Value {
    let objects = format!("/integrations/{}/objects", integration.id);
    let list = |query: &str| match narrowing {
        "" => format!("{objects}?{query}"),
        narrowing => format!("{objects}?{query}&{narrowing}"),
    };
    let failed = numbers.failed_by_code.iter().map(|(code, count)| {
        let known = Code::parse(code);
        json!({
            "code": code,
            "count": count,
            "message": known.map(Code::message),
            "remedy": known.map(Code::remedy),
            "list": list(&format!("state=failed&code={code}")),
        })
    });
    let excluded = numbers.excluded.iter().map(|excluded| {
        json!({
            "reason": excluded.decision,
            "message": excluded.decision.message(),
            "count": excluded.items,
            "bytes": excluded.bytes,
            "list": list(&format!("state=excluded&reason={}", excluded.decision.as_str())),
        })
    });
    let indexes = numbers.indexes.iter().map(|share| {
        let list = |state: &str| list(&format!("state={state}&index_id={}", share.index));
        json!({
            "index_id": share.index,
            "index_name": share.name,
            "indexed": share.indexed,
            "indexed_hours": hours(share.indexed_s),
            "not_indexed": share.not_indexed,
            "changed_since_indexed": share.changed,
            "failed": share.failed,
            "indexed_then_deleted": share.indexed_then_deleted,
            "lists": {
                "indexed": list("indexed"),
                "not_indexed": list("not_indexed"),
                "changed_since_indexed": list("changed"),
                "failed": list("failed"),
                "indexed_then_deleted": list("indexed_then_deleted"),
            },
        })
    });
    let queue = numbers.queue.as_ref();
    json!({
        "items": numbers.items,
        "videos": numbers.videos,
        "bytes": numbers.bytes,
        "taken": numbers.taken,
        "taken_bytes": numbers.taken_bytes,
        "excluded": numbers.items - numbers.taken,
        "hours": hours(numbers.known_s),
        "hours_known_of": numbers.known_of,
        "indexed": numbers.indexed,
        "not_indexed": numbers.not_indexed,
        "changed_since_indexed": numbers.changed,
        "failed": numbers.failed,
        "indexed_then_deleted": numbers.indexed_then_deleted,
        "failed_by_code": failed.collect::<Vec<_>>(),
        "excluded_by_reason": excluded.collect::<Vec<_>>(),
        "indexes": indexes.collect::<Vec<_>>(),
        "as_of": {
            "listed_at": integration.synchronized_at,
            "told_at": queue.and_then(|queue| queue.told_at),
        },
        "queue": queue.map(|queue| json!({
            "applied": queue.applied,
            "late": queue.late,
            "ignored": queue.ignored,
            "malformed": queue.malformed,
            "read_at": queue.read_at,
            "failures": queue.failures,
            "failed_at": queue.failed_at,
            "fault": queue.fault,
        })),
        "lists": {
            "items": list("state=present"),
            "videos": list("state=videos"),
            "taken": list("state=taken"),
            "excluded": list("state=excluded"),
            "indexed": list("state=indexed"),
            "not_indexed": list("state=not_indexed"),
            "changed_since_indexed": list("state=changed"),
            "failed": list("state=failed"),
            "indexed_then_deleted": list("state=indexed_then_deleted"),
            "removed": list("state=removed"),
        },
    })
}

fn hours(seconds: f64) -> f64 {
    (seconds / 3.6).round() / 1_000.0
}
