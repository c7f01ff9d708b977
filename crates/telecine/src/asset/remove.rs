//! Assets that go: deleted ones, uploads that were given up, and folders that a crash left without an asset.

use super::{Asset, AssetDeletion, Origin};
use crate::app::App;
use crate::fault::{Code, Fault, Result};
use crate::files::DataDir;
use crate::ids::{AssetId, WorkspaceId};
use crate::media_store::{MediaFolder, MediaKey};
use crate::store::Store;

/// Uploads that are ended in one step.
const AT_ONCE: u32 = 100;

/// Deletes an asset and its file. Videos that were made of it stay; while there are such, only if it `is_forced`.
///
/// # Errors
/// `resource_not_exists`, `asset_in_use`.
pub async fn remove(app: &App, workspace: WorkspaceId, id: AssetId, is_forced: bool) -> Result<()> {
    match app.store.delete_asset(workspace, id, is_forced).await? {
        AssetDeletion::Done => {
            remove_all(app, id).await?;
            Ok(())
        }
        AssetDeletion::Absent => {
            let fault = Fault::because(Code::ResourceNotExists, "There is no such asset.");
            Err(fault.value(id.to_string()).into())
        }
        AssetDeletion::InUse(number) => {
            Err(Fault::new(Code::AssetInUse).value(format!("{number} indexed assets refer to {id}")).into())
        }
    }
}

/// Ends uploads whose time is over: their assets fail, their bytes go.
///
/// # Errors
/// When the store cannot be asked or a folder cannot be removed.
pub async fn tidy_uploads(app: &App) -> Result<()> {
    loop {
        let ended = app.store.expire_uploads(app.clock.now(), AT_ONCE).await?;
        for asset in &ended {
            remove_all(app, *asset).await?;
        }
        if ended.is_empty() {
            return Ok(());
        }
        tracing::info!(
            uploads = ended.len(),
            "uploads in chunks that were not finished in time were given up"
        );
    }
}

/// Removes what an asset needs no more: all of one that is there no more or failed; of one that is ready, what was put
/// aside on the way.
pub(super) async fn clear(app: &App, asset: &Asset, is_ready: bool) {
    let cleared = async {
        if !app.store.keeps_file(asset.id).await? {
            remove_all(app, asset.id).await?;
        } else if is_ready {
            remove_aside(app, asset.id).await?;
            let is_of_chunks = matches!(asset.origin, Origin::Multipart { .. });
            if is_of_chunks && app.media_store.own(&MediaKey::Asset(asset.id)).is_none() {
                app.media_store.remove(MediaFolder::Chunks(asset.id)).await?;
            }
        }
        Ok::<_, crate::fault::Error>(())
    };
    if let Err(error) = cleared.await {
        tracing::warn!(asset = %asset.id, %error, "an asset's folder could not be removed");
    }
}

async fn remove_all(app: &App, id: AssetId) -> Result<()> {
    remove_aside(app, id).await?;
    app.media_store.remove(MediaFolder::Asset(id)).await
}

/// What lies of it on this host, where its file lies elsewhere.
async fn remove_aside(app: &App, id: AssetId) -> Result<()> {
    if app.media_store.local(&MediaKey::Asset(id)).is_some_and(|path| path == app.files.asset_file(id)) {
        return Ok(());
    }
    remove_folder(&app.files, id).await
}

/// Removes folders that have no asset. Only before requests are taken: a file lies in its folder a moment before its
/// asset is stored.
///
/// # Errors
/// When the store cannot be asked or a folder cannot be removed.
pub async fn remove_orphans(files: &DataDir, store: &dyn Store) -> Result<()> {
    let mut folders = match tokio::fs::read_dir(files.assets()).await {
        Ok(folders) => folders,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(anyhow::Error::from(error).into()),
    };
    while let Some(folder) = folders.next_entry().await.map_err(anyhow::Error::from)? {
        // What is not ours by name is left alone.
        let Some(id) = folder.file_name().to_str().and_then(|name| name.parse::<AssetId>().ok()) else {
            continue;
        };
        if !store.keeps_file(id).await? {
            remove_folder(files, id).await?;
        }
    }
    Ok(())
}

async fn remove_folder(files: &DataDir, id: AssetId) -> Result<()> {
    match tokio::fs::remove_dir_all(files.asset(id)).await {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(anyhow::Error::from(error).into()),
        _ => Ok(()),
    }
}
