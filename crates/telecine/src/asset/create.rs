//! Assets that come in one request, as a file or a link. A file lies in the media store under the asset's name
//! before the asset is stored; a crash between the two leaves a file without an asset, which is removed later.

use std::path::PathBuf;

use serde_json::{Map, Value};

use super::limits::{check_size, file_type_of, kind_of_type};
use super::{Asset, AssetStatus, Origin};
use crate::app::App;
use crate::fault::{Code, Fault, Result};
use crate::ids::{AssetId, WorkspaceId};
use crate::media_store::{MediaFolder, MediaKey};
use crate::store::Store;
use crate::time::Timestamp;
use crate::transfer::create::{direct_link, shown_name};
use crate::transfer::last_part;
use crate::video::check_user_metadata;

/// What every new asset is made of.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NewAsset {
    /// The name to show; where it is none, the one that the file has.
    pub filename: Option<String>,
    /// The user's own fields.
    pub user_metadata: Option<Map<String, Value>>,
    /// Whether a stream is asked for.
    pub wants_hls: bool,
    /// Whether a picture is asked for.
    pub wants_thumbnail: bool,
}

/// A file that came with the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectFile {
    /// In [`crate::files::DataDir::incoming`].
    pub path: PathBuf,
    /// Its name at the client.
    pub filename: String,
}

/// Makes an asset of a file that was sent. When it returns, both are on disk. A file that was not taken stays where it is;
/// the caller removes it.
///
/// # Errors
/// `parameter_invalid`, the size's faults, `usage_limit_exceeded`.
pub async fn create_direct(
    app: &App,
    workspace: WorkspaceId,
    new: NewAsset,
    file: DirectFile,
) -> Result<Asset> {
    let size_bytes = tokio::fs::metadata(&file.path).await.map_err(anyhow::Error::from)?.len();
    if size_bytes == 0 {
        let fault = Fault::parameter("The file is empty.").value(shown_name(&file.filename));
        return Err(fault.rule("a file with at least one byte").into());
    }
    let given = new.filename.clone().unwrap_or(file.filename);
    let mut asset = asset(app, workspace, new, &given, Origin::Direct)?;
    asset.size_bytes = size_bytes;
    check_size(&app.config.assets, &asset.origin, asset.kind, size_bytes)?;
    check_room(app, workspace, size_bytes).await?;
    app.media_store.put(&MediaKey::Asset(asset.id), &file.path).await?;
    store(app, &asset, Some(asset.created_at)).await?;
    Ok(asset)
}

/// Makes an asset of a link, which is read in the background.
///
/// # Errors
/// `parameter_invalid`, `usage_limit_exceeded`.
pub async fn create_from_url(app: &App, workspace: WorkspaceId, new: NewAsset, url: &str) -> Result<Asset> {
    let url = direct_link("url", url)?;
    let path = url.split(['?', '#']).next().unwrap_or(&url);
    let given = new.filename.clone().unwrap_or_else(|| last_part(path).to_owned());
    let asset = asset(app, workspace, new, &given, Origin::Url { url })?;
    check_room(app, workspace, 0).await?;
    store(app, &asset, Some(asset.created_at)).await?;
    Ok(asset)
}

/// A new asset, not stored yet, with what its name promises.
pub(super) fn asset(
    app: &App,
    workspace: WorkspaceId,
    new: NewAsset,
    filename: &str,
    origin: Origin,
) -> Result<Asset, Fault> {
    let now = app.clock.now();
    let NewAsset { filename: _, user_metadata, wants_hls, wants_thumbnail } = new;
    let user_metadata = user_metadata.unwrap_or_default();
    check_user_metadata(&user_metadata)?;
    let filename = shown_name(filename);
    let file_type = file_type_of(&filename);
    Ok(Asset {
        id: AssetId::generate(now),
        workspace,
        origin,
        status: AssetStatus::Processing,
        kind: file_type.and_then(kind_of_type),
        file_type: file_type.map(str::to_owned),
        filename,
        size_bytes: 0,
        duration_s: None,
        technical: None,
        content_hash: None,
        fault: None,
        user_metadata,
        wants_hls,
        wants_thumbnail,
        attempts: 0,
        created_at: now,
        updated_at: now,
    })
}

/// Refuses what the workspace has no room for.
///
/// # Errors
/// `usage_limit_exceeded`.
pub(super) async fn check_room(app: &App, workspace: WorkspaceId, more_bytes: u64) -> Result<()> {
    room(&*app.store, workspace, more_bytes, app.config.assets.workspace_bytes).await
}

pub(super) async fn room(store: &dyn Store, workspace: WorkspaceId, more: u64, limit: u64) -> Result<()> {
    let kept = store.asset_bytes(workspace).await?;
    if kept.saturating_add(more) < limit {
        return Ok(());
    }
    Err(Fault::because(Code::UsageLimitExceeded, "There is no room for more assets.")
        .value(format!("{kept} bytes are kept, {more} more are asked for"))
        .rule(format!("at most {limit} bytes in a workspace"))
        .remedy("Delete assets that are needed no more, or let the operator raise assets.workspace_bytes.")
        .into())
}

/// Stores the asset, and has it worked on from this moment.
pub(super) async fn store(app: &App, asset: &Asset, due: Option<Timestamp>) -> Result<()> {
    if let Err(error) = app.store.insert_asset(asset, due).await {
        // The file has no asset; were it to stay, it would be removed later.
        let _ = app.media_store.remove(MediaFolder::Asset(asset.id)).await;
        return Err(error);
    }
    app.keeper.wake();
    Ok(())
}
