//! The log of an integration's imports, oldest first: what was asked, and what became of it. It can be read when the
//! integration is deleted.

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::ImportLog;
use super::answer::{Writer, write_refusals};
use crate::fault::Result;
use crate::ids::{IntegrationId, WorkspaceId};
use crate::store::Store;
use crate::transfer::{Counts, Task};

/// Imports that are read at once.
const IMPORTS: u32 = 50;
/// Tasks that are read at once.
const ROWS: u32 = 1_000;

/// Writes all imports of an integration.
///
/// # Errors
/// The store's.
pub async fn write_logs(
    store: &dyn Store,
    workspace: WorkspaceId,
    integration: IntegrationId,
    out: mpsc::Sender<Bytes>,
) -> Result<()> {
    let mut writer = Writer::new(&out);
    writer.push("{\"data\":[");
    let (mut after, mut is_first) = (None, true);
    loop {
        let logs = store.imports_after(workspace, integration, after, IMPORTS).await?;
        for log in &logs {
            if !std::mem::replace(&mut is_first, false) {
                writer.push(",");
            }
            if !write_log(store, log, &mut writer).await? {
                return Ok(());
            }
        }
        after = logs.last().map(|log| log.import.id);
        if logs.len() < IMPORTS as usize {
            break;
        }
    }
    writer.push("]}");
    writer.flush().await;
    Ok(())
}

/// Writes one import; whether anybody reads on.
async fn write_log(store: &dyn Store, log: &ImportLog, writer: &mut Writer<'_>) -> Result<bool> {
    let head = head(log).to_string();
    // An object goes on where its last brace stood.
    writer.push(head.strip_suffix('}').unwrap_or(&head));
    writer.push(",\"failed_files\":[");
    let (mut after, mut is_first) = (None, true);
    loop {
        let tasks = store.failed_after(log.import.transfer, after, ROWS).await?;
        for task in &tasks {
            writer.push_element(&failed(task), &mut is_first);
        }
        after = tasks.last().map(|task| task.id);
        if !writer.flush().await {
            return Ok(false);
        }
        if tasks.len() < ROWS as usize {
            break;
        }
    }
    let goes_on = write_refusals(store, &log.import, writer, &mut is_first).await?;
    writer.push("]}");
    Ok(goes_on)
}

fn head(log: &ImportLog) -> Value {
    let ImportLog { import, counts, refused, ended_at } = log;
    let Counts { validating, pending, queued, indexing, ready, failed, skipped } = *counts;
    json!({
        "_id": import.id,
        "integration_id": import.integration,
        "bucket": import.address,
        "transfer_id": import.transfer,
        "index_id": import.request.index,
        "index_name": import.index_name,
        "incremental_import": import.request.is_incremental,
        "retry_failed": import.request.retries_failed,
        "user_metadata": import.request.user_metadata,
        "created_at": import.created_at,
        "ended_at": ended_at,
        "refused": refused,
        "video_status": {
            "ready": ready + skipped,
            "validating": validating,
            "queued": queued,
            "pending": pending,
            "indexing": indexing,
            "failed": failed,
        },
    })
}

fn failed(task: &Task) -> Value {
    let message = task.fault.as_ref().map(|fault| fault.sentence()).unwrap_or_default();
    json!({
        "filename": task.source.filename(),
        "video_id": task.id,
        "object": task.source.address(),
        "error_message": message,
        "error": task.fault,
    })
}
