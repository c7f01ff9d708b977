//! What lies in a bucket, and the synchronizations that find out.

use serde_json::{Value, json};

use crate::integration::SyncRun;

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
