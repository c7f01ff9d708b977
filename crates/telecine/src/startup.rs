//! What is put in order before a process begins. Whoever has the database alone may end all claims and remove whatever
//! nobody owns; where others work on it at the same time, only what belongs to this host is touched: what they left is
//! taken up when its lease ends.

use crate::app::make_private;
use crate::asset;
use crate::config::Config;
use crate::embedding;
use crate::fault::Result;
use crate::files::DataDir;
use crate::pipeline;
use crate::store::Store;
use crate::time::Timestamp;

/// Puts in order what the last run left.
///
/// # Errors
/// When the store cannot be asked, or a folder not be removed or made.
pub(crate) async fn tidy_up(
    config: &Config,
    files: &DataDir,
    store: &dyn Store,
    now: Timestamp,
) -> Result<()> {
    if !config.is_shared() {
        end_what_was_begun(store, now).await?;
    }
    store.forget_sessions(now).await?;
    empty_incoming(files)?;
    make_private(&files.work())?;
    make_private(&files.assets())?;
    if config.is_shared() {
        return Ok(());
    }
    embedding::tidy_up(files, store).await?;
    asset::remove_orphans(files, store).await?;
    pipeline::remove_orphans(files, store, now).await
}

/// What a crash may have left: claims of workers that are gone, manifests and uploads that never became tasks, requests
/// that nobody answers any more. Only for whoever holds the lock on the data folder that the database lies in.
async fn end_what_was_begun(store: &dyn Store, now: Timestamp) -> Result<()> {
    let broken = store.break_claims(now).await?;
    store.break_sync_claims().await?;
    let discarded = store.discard_unfinished_transfers().await?;
    store.discard_unfinished_imports().await?;
    store.lose_requests().await?;
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

fn empty_incoming(files: &DataDir) -> Result<()> {
    let incoming = files.incoming();
    match std::fs::remove_dir_all(&incoming) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(anyhow::Error::new(error)
                .context(format!("cannot empty {}", incoming.display()))
                .into());
        }
        _ => {}
    }
    make_private(&incoming)
}
