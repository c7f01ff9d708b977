//! What a crash may have left of embedding tasks on this host: folders of tasks that are final or were never stored. Only
//! before requests are taken.

use anyhow::Context as _;

use super::EmbedState;
use crate::fault::Result;
use crate::files::DataDir;
use crate::ids::EmbedTaskId;
use crate::store::Store;
use crate::time::Timestamp;

/// Removes folders that nobody needs.
///
/// # Errors
/// When the store cannot be asked or a folder cannot be removed.
pub async fn tidy_up(files: &DataDir, store: &dyn Store, now: Timestamp) -> Result<()> {
    let mut folders = match tokio::fs::read_dir(files.embeddings()).await {
        Ok(folders) => folders,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(anyhow::Error::from(error).into()),
    };
    while let Some(folder) = folders.next_entry().await.map_err(anyhow::Error::from)? {
        // What is not ours by name is left alone.
        let Some(task) = folder.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        if !needs_files(store, task, now).await? {
            tokio::fs::remove_dir_all(folder.path()).await.context("remove a folder of no task")?;
        }
    }
    Ok(())
}

/// Whether the task is still to be worked on.
///
/// # Errors
/// When the store cannot be asked.
pub async fn needs_files(store: &dyn Store, task: EmbedTaskId, now: Timestamp) -> Result<bool> {
    let workspace = store.default_workspace(now).await?;
    let task = store.embed_task(workspace, task).await?;
    Ok(task.is_some_and(|task| task.state == EmbedState::Processing))
}
