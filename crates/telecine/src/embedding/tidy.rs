//! What a crash may have left of embedding tasks: claims of a worker that is gone, and folders of tasks that are final or
//! were never stored. Only before requests are taken.

use std::collections::HashSet;

use anyhow::Context as _;

use crate::fault::Result;
use crate::files::DataDir;
use crate::ids::EmbedTaskId;
use crate::store::Store;

/// Ends all claims and removes folders that nobody needs.
///
/// # Errors
/// When the store cannot be asked or a folder cannot be removed.
pub async fn tidy_up(files: &DataDir, store: &dyn Store) -> Result<()> {
    let needed: HashSet<EmbedTaskId> = store.break_embed_claims().await?.into_iter().collect();
    let mut folders = match tokio::fs::read_dir(files.embeddings()).await {
        Ok(folders) => folders,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(anyhow::Error::from(error).into()),
    };
    while let Some(folder) = folders.next_entry().await.map_err(anyhow::Error::from)? {
        // What is not ours by name is left alone.
        let task = folder.file_name().to_str().and_then(|name| name.parse::<EmbedTaskId>().ok());
        if task.is_some_and(|task| !needed.contains(&task)) {
            tokio::fs::remove_dir_all(folder.path()).await.context("remove a folder of no task")?;
        }
    }
    Ok(())
}
