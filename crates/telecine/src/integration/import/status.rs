//! Where every video of a bucket stands with an index: seven groups, each file in exactly one. The bucket is walked once,
//! so that no file is told twice or not at all while things move; groups that grow large wait in files.

use std::path::Path;

use bytes::{Bytes, BytesMut};
use serde_json::{Value, json};
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _};
use tokio::sync::mpsc;

use super::{BucketFile, filename};
use crate::app::App;
use crate::fault::{Fault, Result};
use crate::ids::IndexId;
use crate::integration::Integration;
use crate::time::Timestamp;
use crate::transfer::Status;

/// Files that are read at once.
const ROWS: u32 = 1_000;
/// Bytes of a group that are held in memory.
const IN_MEMORY: usize = 128 << 10;

/// The groups, in the order in which they are told.
const GROUPS: [&str; 7] = ["not_imported", "validating", "pending", "queued", "indexing", "ready", "failed"];

/// Writes the groups.
///
/// # Errors
/// The store's, and the disk's.
pub async fn write_status(
    app: &App,
    integration: &Integration,
    index: IndexId,
    out: mpsc::Sender<Bytes>,
) -> Result<()> {
    let folder = app.files.incoming();
    let mut groups = GROUPS.map(|_| Group::default());
    let mut after = None::<String>;
    loop {
        let files = app.store.files_after(integration.id, index, after.as_deref(), ROWS).await?;
        for file in &files {
            let (group, told) = place(integration, file);
            groups[group].push(&told);
        }
        for group in &mut groups {
            group.spill(&folder).await.map_err(anyhow::Error::from)?;
        }
        after = files.last().map(|file| file.item.key.clone());
        if files.len() < ROWS as usize {
            break;
        }
    }
    for (number, (name, group)) in GROUPS.into_iter().zip(groups).enumerate() {
        let lead = if number == 0 { "{" } else { "," };
        if out.send(format!("{lead}\"{name}\":[").into()).await.is_err()
            || !group.send(&out).await.map_err(anyhow::Error::from)?
            || out.send("]".into()).await.is_err()
        {
            return Ok(());
        }
    }
    // Who reads no more needs no more.
    let _ = out.send("}".into()).await;
    Ok(())
}

/// The number of a file's group, and how it is told there.
fn place(integration: &Integration, file: &BucketFile) -> (usize, Value) {
    let key = &file.item.key;
    let name = filename(key);
    let in_group = |group: &str| GROUPS.iter().position(|known| *known == group).unwrap_or(0);
    let told = |video: Option<String>, at: Timestamp| {
        let object = integration.object(key.clone()).address();
        let mut told = json!({ "filename": name, "created_at": at, "object": object });
        if let Some(video) = video {
            told["video_id"] = video.into();
        }
        told
    };
    let failed = |mut told: Value, fault: Option<&Fault>| {
        told["error_message"] = fault.map(Fault::sentence).unwrap_or_default().into();
        told["error"] = json!(fault);
        (in_group("failed"), told)
    };
    let task = file.latest.as_ref();
    let refusal = file.refusal.as_ref();
    match (task, refusal) {
        (task, Some((fault, at))) if task.is_none_or(|task| task.created_at < *at) && !file.is_indexed => {
            failed(told(None, *at), Some(fault))
        }
        (Some(task), _) => match task.status {
            Status::Ready | Status::Skipped => match task.video {
                Some(video) => (in_group("ready"), told(Some(video.to_string()), task.created_at)),
                // The video was deleted.
                None => (in_group("not_imported"), name.into()),
            },
            Status::Failed => failed(told(Some(task.id.to_string()), task.created_at), task.fault.as_ref()),
            status => (in_group(status.as_str()), told(Some(task.id.to_string()), task.created_at)),
        },
        (None, _) => (in_group("not_imported"), name.into()),
    }
}

/// The elements of a group.
#[derive(Default)]
struct Group {
    text: String,
    has_any: bool,
    file: Option<File>,
}

impl Group {
    fn push(&mut self, told: &Value) {
        if std::mem::replace(&mut self.has_any, true) {
            self.text.push(',');
        }
        self.text.push_str(&told.to_string());
    }

    /// Moves what is too much for the memory into a file that has no name.
    async fn spill(&mut self, folder: &Path) -> std::io::Result<()> {
        if self.text.len() < IN_MEMORY {
            return Ok(());
        }
        if self.file.is_none() {
            let folder = folder.to_owned();
            let made = tokio::task::spawn_blocking(move || tempfile::tempfile_in(folder)).await;
            self.file = Some(File::from_std(made.map_err(std::io::Error::other)??));
        }
        if let Some(file) = &mut self.file {
            file.write_all(self.text.as_bytes()).await?;
            self.text.clear();
        }
        Ok(())
    }

    /// Sends all elements; whether anybody reads on.
    async fn send(mut self, out: &mpsc::Sender<Bytes>) -> std::io::Result<bool> {
        if let Some(mut file) = self.file.take() {
            file.flush().await?;
            file.rewind().await?;
            loop {
                let mut part = BytesMut::with_capacity(IN_MEMORY);
                if file.read_buf(&mut part).await? == 0 {
                    break;
                }
                if out.send(part.freeze()).await.is_err() {
                    return Ok(false);
                }
            }
        }
        Ok(self.text.is_empty() || out.send(self.text.into()).await.is_ok())
    }
}
