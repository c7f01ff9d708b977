//! The answer to an import: every video that will be there, and every file that was refused, streamed.

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::{Import, Refusal, filename};
use crate::fault::Result;
use crate::ids::VideoId;
use crate::store::Store;
use crate::transfer::Task;

/// Rows that are read at once.
const ROWS: u32 = 1_000;

/// A JSON object that is written part by part. Ends quietly when nobody reads any more.
pub(super) struct Writer<'a> {
    out: &'a mpsc::Sender<Bytes>,
    text: String,
}

impl<'a> Writer<'a> {
    pub(super) fn new(out: &'a mpsc::Sender<Bytes>) -> Self {
        Self { out, text: String::new() }
    }

    pub(super) fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// An element of a list.
    pub(super) fn push_element(&mut self, value: &Value, is_first: &mut bool) {
        if !std::mem::replace(is_first, false) {
            self.text.push(',');
        }
        self.text.push_str(&value.to_string());
    }

    /// Sends what was written; whether anybody reads on.
    pub(super) async fn flush(&mut self) -> bool {
        if self.text.is_empty() {
            return !self.out.is_closed();
        }
        self.out.send(std::mem::take(&mut self.text).into()).await.is_ok()
    }
}

/// Writes what an import has begun: `videos`, `failed_files`, and its ids.
///
/// # Errors
/// The store's.
pub async fn write_answer(store: &dyn Store, import: &Import, out: mpsc::Sender<Bytes>) -> Result<()> {
    let mut writer = Writer::new(&out);
    writer.push(&format!("{{\"_id\":\"{}\",\"transfer_id\":\"{}\",\"videos\":[", import.id, import.transfer));
    let (mut after, mut is_first) = (None, true);
    loop {
        let tasks = store.tasks_after(import.transfer, after, ROWS).await?;
        for task in &tasks {
            writer.push_element(&video(task), &mut is_first);
        }
        after = tasks.last().map(|task| task.id);
        if !writer.flush().await {
            return Ok(());
        }
        if tasks.len() < ROWS as usize {
            break;
        }
    }
    writer.push("],\"failed_files\":[");
    write_refusals(store, import, &mut writer, &mut true).await?;
    writer.push("]}");
    writer.flush().await;
    Ok(())
}

fn video(task: &Task) -> Value {
    json!({ "video_id": VideoId::from(task.id), "filename": task.source.filename(), "object": task.source.address() })
}

/// Writes the files that were refused, as elements of a list. Whether anybody reads on.
pub(super) async fn write_refusals(
    store: &dyn Store,
    import: &Import,
    writer: &mut Writer<'_>,
    is_first: &mut bool,
) -> Result<bool> {
    let mut after = None::<String>;
    loop {
        let refusals = store.refusals_after(import.id, after.as_deref(), ROWS).await?;
        for Refusal { key, fault } in &refusals {
            let told = json!({
                "filename": filename(key), "key": key, "error_message": fault.sentence(), "error": fault,
            });
            writer.push_element(&told, is_first);
        }
        after = refusals.last().map(|refusal| refusal.key.clone());
        if !writer.flush().await {
            return Ok(false);
        }
        if refusals.len() < ROWS as usize {
            return Ok(true);
        }
    }
}
