//! Work folders that are needed no more: of a task whose work is over, and, before a server begins, those that a crash
//! left behind.

use crate::fault::Result;
use crate::files::DataDir;
use crate::ids::TaskId;
use crate::media_store::{MediaFolder, MediaStore};
use crate::store::Store;
use crate::time::Timestamp;
use crate::transfer::{Status, Task, TaskSource, Transcription};
use crate::video::StreamStatus;

/// Removes the folders of tasks that need none. Only before requests are taken: an upload lies in its folder a moment
/// before its task is stored.
///
/// # Errors
/// When the store cannot be asked or a folder cannot be removed.
pub async fn remove_orphans(
    files: &DataDir,
    store: &dyn Store,
    media: &dyn MediaStore,
    now: Timestamp,
) -> Result<()> {
    for task in tasks_with_folders(files).await? {
        clear(files, store, media, task, now).await?;
    }
    let workspace = store.default_workspace(now).await?;
    for video in store.unfinished_streams().await? {
        // Begun a moment before its video, which never came to be.
        let task = store.task(workspace, video.into()).await?;
        if task.is_none_or(|task| task.status.is_final() && task.status != Status::Ready) {
            store.forget_stream(video).await?;
        }
    }
    Ok(())
}

/// Whether what was uploaded for the task may still be needed.
///
/// # Errors
/// When the store cannot be asked.
pub async fn needs_uploads(store: &dyn Store, task: TaskId, now: Timestamp) -> Result<bool> {
    Ok(!matches!(needs(store, task, now).await?, Needs::Nothing { .. }))
}

async fn tasks_with_folders(files: &DataDir) -> Result<Vec<TaskId>> {
    let mut tasks = Vec::new();
    let mut folders = match tokio::fs::read_dir(files.work()).await {
        Ok(folders) => folders,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(tasks),
        Err(error) => return Err(anyhow::Error::from(error).into()),
    };
    while let Some(folder) = folders.next_entry().await.map_err(anyhow::Error::from)? {
        // What is not ours by name is left alone.
        tasks.extend(folder.file_name().to_str().and_then(|name| name.parse::<TaskId>().ok()));
    }
    Ok(tasks)
}

/// What a task needs of its folder.
enum Needs {
    /// Everything: the work is not over.
    Everything,
    /// What a client uploaded: the task can be retried.
    Upload,
    /// Nothing; whether something was uploaded for it.
    Nothing { has_uploads: bool },
}

/// By what the task has become.
async fn needs(store: &dyn Store, task: TaskId, now: Timestamp) -> Result<Needs> {
    let workspace = store.default_workspace(now).await?;
    Ok(match store.task(workspace, task).await? {
        Some(task) if !task.status.is_final() => Needs::Everything,
        Some(task) if task.status == Status::Ready && has_unfinished_stream(store, task.id).await? => {
            Needs::Everything
        }
        Some(task) if task.status == Status::Failed && matches!(task.source, TaskSource::Upload { .. }) => {
            Needs::Upload
        }
        Some(task) => Needs::Nothing { has_uploads: has_uploads(&task) },
        // Nothing is known of it.
        None => Needs::Nothing { has_uploads: true },
    })
}

fn has_uploads(task: &Task) -> bool {
    matches!(task.source, TaskSource::Upload { .. }) || task.transcription == Some(Transcription::Upload)
}

async fn has_unfinished_stream(store: &dyn Store, task: TaskId) -> Result<bool> {
    let streams = store.streams(&[task.into()]).await?;
    Ok(streams.values().any(|stream| stream.status == StreamStatus::Processing))
}

/// Whether the task has become a video.
pub(super) async fn is_ready(store: &dyn Store, task: TaskId, now: Timestamp) -> Result<bool> {
    let workspace = store.default_workspace(now).await?;
    Ok(store.task(workspace, task).await?.is_some_and(|task| task.status == Status::Ready))
}

/// Removes what the task needs no more. Whether the work on it is over.
pub(super) async fn clear(
    files: &DataDir,
    store: &dyn Store,
    media: &dyn MediaStore,
    task: TaskId,
    now: Timestamp,
) -> Result<bool> {
    let cleared = async {
        match needs(store, task, now).await? {
            Needs::Everything => return Ok(false),
            Needs::Nothing { has_uploads } => {
                ignore_missing(tokio::fs::remove_dir_all(files.task(task)).await)?;
                if has_uploads {
                    media.remove(MediaFolder::Task(task)).await?;
                }
            }
            Needs::Upload => {
                for path in [files.fetched(task), files.fetch_state(task), files.sound(task)] {
                    ignore_missing(tokio::fs::remove_file(path).await)?;
                }
            }
        }
        anyhow::Ok(true)
    };
    Ok(cleared.await?)
}

fn ignore_missing(done: std::io::Result<()>) -> std::io::Result<()> {
    match done {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}
