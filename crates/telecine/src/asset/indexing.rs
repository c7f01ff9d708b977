//! Indexed assets: an asset on its way into an index, or in it. Each is a task, and in the end a video, of the same id.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{Asset, AssetStatus, Kind};
use crate::app::App;
use crate::fault::{Code, Fault, Result};
use crate::ids::{AssetId, IndexId, TaskId, WorkspaceId};
use crate::transfer::Task;
use crate::transfer::create::{TaskRequest, VideoInput, create_task};
use crate::video::{Video, check_user_metadata};

/// A video of an index, or one on its way there.
#[derive(Debug, Clone, PartialEq)]
pub struct IndexedAsset {
    /// What makes the video.
    pub task: Task,
    /// The video, once it is there.
    pub video: Option<Video>,
    /// The asset that it is made of, unless it came another way. It may have been deleted.
    pub asset: Option<AssetId>,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct IndexingRequest {
    /// The index to enter.
    pub index: IndexId,
    /// What is indexed.
    pub asset: AssetId,
    /// The user's own fields; those of the asset where none are given.
    pub user_metadata: Option<Map<String, Value>>,
    /// No stream is kept of the video.
    /// Whether no stream is kept of the video.
    pub without_stream: bool,
}

/// Has an asset indexed. Asked again while the asset is in the index or on its way there, it gives the same id: clients
/// repeat requests. Where the index has the content already, the indexed asset is that video under another id.
///
/// # Errors
/// `resource_not_exists`, `asset_not_ready`, `asset_not_indexable`, `video_filesize_too_large`, `parameter_invalid`.
pub async fn index_asset(app: &Arc<App>, workspace: WorkspaceId, request: IndexingRequest) -> Result<TaskId> {
    let IndexingRequest { index, asset: id, user_metadata, without_stream } = request;
    user_metadata.as_ref().map_or(Ok(()), check_user_metadata)?;
    let absent = || Fault::because(Code::ResourceNotExists, "There is no such asset.").value(id.to_string());
    let asset = app.store.asset(workspace, id).await?.ok_or_else(absent)?;
    check_indexable(&asset)?;
    if let Some(task) = app.store.task_of_asset(workspace, id, index).await? {
        return Ok(task);
    }
    let user_metadata =
        user_metadata.or_else(|| Some(asset.user_metadata).filter(|fields| !fields.is_empty()));
    let video = VideoInput::Asset { id, filename: asset.filename, size_bytes: asset.size_bytes };
    let language = "en".to_owned();
    let transcription = None;
    let request = TaskRequest { index, video, transcription, language, user_metadata, without_stream };
    create_task(app, workspace, request).await
}

fn check_indexable(asset: &Asset) -> Result<(), Fault> {
    let not_ready = |why: String| Fault::new(Code::AssetNotReady).value(why);
    match (asset.status, asset.kind) {
        (AssetStatus::Processing, _) => Err(not_ready("it is processing".to_owned())),
        (AssetStatus::Failed, _) => {
            let why = asset.fault.as_ref().map_or_else(String::new, |fault| fault.message.clone());
            Err(not_ready(format!("it failed: {why}")).remedy("Bring the file here anew."))
        }
        (AssetStatus::Ready, Some(Kind::Video)) => Ok(()),
        (AssetStatus::Ready, kind) => {
            let what = kind.map_or("a file of an unknown kind", Kind::as_str);
            Err(Fault::new(Code::AssetNotIndexable).value(what))
        }
    }
}
