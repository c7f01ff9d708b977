//! What is put in order before a process begins. Whoever has the database alone may end all claims and remove whatever
//! nobody owns; where others work on it at the same time, only what belongs to this host is touched: what they left is
//! taken up when its lease ends.

use std::path::Path;

use crate::app::make_private;
use crate::asset;
use crate::config::Config;
use crate::embedding;
use crate::fault::Result;
use crate::files::DataDir;
use crate::media_store::MediaStore;
use crate::pipeline;
use crate::store::Store;
use crate::time::Timestamp;

/// Puts in order what the last run left. The data folder is this process's alone, whoever shares the database.
///
/// # Errors
/// When the store cannot be asked, or a folder not be removed or made.
pub(crate) async fn tidy_up(
    config: &Config,
    files: &DataDir,
    store: &dyn Store,
    media: &dyn MediaStore,
    now: Timestamp,
) -> Result<()> {
    if !config.is_shared() {
        end_what_was_begun(store, now).await?;
    }
    store.forget_sessions(now).await?;
    empty(&files.incoming())?;
    make_private(&files.work())?;
    let has_media = media.place() == format!("{}/", files.path().display());
    if has_media {
        make_private(&files.assets())?;
        asset::remove_orphans(files, store).await?;
        pipeline::remove_stray_streams(media, store).await?;
    } else {
        // What is put together of assets that lie elsewhere.
        empty(&files.assets())?;
    }
    embedding::tidy_up(files, store, now).await?;
    pipeline::remove_orphans(files, store, media, now).await
}

/// What a crash may have left: claims of workers that are gone, manifests and uploads that never became tasks, requests
/// that nobody answers any more. Only for whoever holds the lock on the data folder that the database lies in.
async fn end_what_was_begun(store: &dyn Store, now: Timestamp) -> Result<()> {
    let broken = store.break_claims(now).await?;
    store.break_sync_claims().await?;
    let discarded = store.discard_unfinished_transfers().await?;
    store.discard_unfinished_imports().await?;
    store.lose_requests().await?;
    store.break_embed_claims().await?;
    store.break_asset_claims(now).await?;
    store.break_delivery_claims(now).await?;
    if broken + discarded > 0 {
        tracing::info!(
            tasks = broken,
            transfers = discarded,
            "tidied up after the last run; its tasks go on"
        );
    }
    Ok(())
}

fn empty(folder: &Path) -> Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(anyhow::Error::new(error)
                .context(format!("cannot empty {}", folder.display()))
                .into());
        }
        _ => {}
    }
    make_private(folder)
}
