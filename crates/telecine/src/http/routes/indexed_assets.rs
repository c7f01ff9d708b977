//! `/indexes/{index_id}/indexed-assets`: videos, and what will be videos, as the contract's later versions see them.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::streams::hls_of;
use super::videos::merged;
use super::{NOTHING, absent};
use crate::app::App;
use crate::asset::{IndexedAsset, IndexingRequest, index_asset};
use crate::fault::Result;
use crate::http::error::Failure;
use crate::http::links::Links;
use crate::http::openapi::{Page, PageQuery};
use crate::http::params::{Params, missing};
use crate::http::path::PathIds;
use crate::http::query::Query;
use crate::http::version::ApiVersion;
use crate::http::views;
use crate::http::views::asset::IndexedAssetView;
use crate::ids::{AssetId, IndexId, TaskId, VideoId};
use crate::keys::Caller;
use crate::pipeline::remove_stream;
use crate::store::IndexedFilter;
use crate::video::{Video, check_user_metadata};

/// An asset to be indexed.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the form of a body, for the document")]
struct NewIndexedAsset {
    asset_id: AssetId,
    /// Whether a stream is kept of the video; false unless given.
    enable_video_stream: Option<bool>,
    /// Those of the asset, unless given.
    #[schema(value_type = Option<Object>)]
    user_metadata: Option<Map<String, Value>>,
}

/// What was asked for.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct MadeIndexedAsset {
    /// Of the task, and of the video that it becomes.
    #[serde(rename = "_id")]
    id: TaskId,
    asset_id: AssetId,
}

/// The user's own fields of an indexed asset. Values are texts, numbers and booleans.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the form of a body, for the document")]
struct IndexedMetadata {
    #[schema(value_type = Object)]
    user_metadata: Map<String, Value>,
}

/// Has an asset indexed. Asked again, it answers the same id, unless that failed or was deleted.
#[utoipa::path(post, path = "/indexes/{index_id}/indexed-assets", tag = "indexed assets", request_body = NewIndexedAsset,
    responses((status = 202, body = MadeIndexedAsset)))]
pub(in crate::http) async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
    request: Request,
) -> Result<(StatusCode, Json<MadeIndexedAsset>), Failure> {
    let index: IndexId = path.id("index_id")?;
    let params = Params::read(request, app.config.server.max_body_bytes).await?;
    let asset_id = params.required_id("asset_id")?;
    let without_stream = !params.flag("enable_video_stream")?.unwrap_or(false);
    let user_metadata = params.object("user_metadata")?;
    let request = IndexingRequest { index, asset: asset_id, user_metadata, without_stream };
    let id = index_asset(&app, caller.workspace, request).await?;
    Ok((StatusCode::ACCEPTED, Json(MadeIndexedAsset { id, asset_id })))
}

/// The videos of an index, and what will be videos, newest first.
#[utoipa::path(get, path = "/indexes/{index_id}/indexed-assets", tag = "indexed assets",
    params(PageQuery, super::videos::VideoQuery, ("status" = Option<Vec<String>>, Query, description = "one of these")),
    responses((status = 200, body = Page<IndexedAssetView>)))]
pub(in crate::http) async fn list(
    State(app): State<Arc<App>>,
    State(links): State<Arc<Links>>,
    caller: Caller,
    version: ApiVersion,
    path: PathIds,
    query: Query,
    headers: HeaderMap,
) -> Result<Json<Page<IndexedAssetView>>, Failure> {
    let index: IndexId = path.id("index_id")?;
    let paging = query.paging()?;
    let mut filter =
        IndexedFilter { statuses: super::tasks::statuses(&query)?, video: super::videos::filter(&query)? };
    // Here it is no field of the user's.
    filter.video.user_metadata.retain(|(name, _)| name != "status");
    super::index(&app, caller.workspace, index).await?;
    let listed = app.store.indexed_assets(caller.workspace, index, &filter, paging).await?;
    let ids: Vec<VideoId> =
        listed.rows.iter().filter_map(|it| it.video.as_ref().map(|video| video.id)).collect();
    let mut streams = hls_of(&app, &links, &headers, &ids).await?;
    let shown = |it: &IndexedAsset| {
        let video = |video: &Video| views::video::video(video, version).with_hls(streams.remove(&video.id));
        views::asset::indexed_asset(it, it.video.as_ref().map(video), version)
    };
    let rows = listed.rows.iter().map(shown).collect();
    Ok(Json(Page::new(rows, paging, listed.total)))
}

/// What a path names.
async fn indexed_asset(app: &App, caller: Caller, path: &PathIds) -> Result<IndexedAsset> {
    let (index, id): (IndexId, VideoId) = (path.id("index_id")?, path.id("indexed_asset_id")?);
    let found = app.store.indexed_asset(caller.workspace, index, id).await?;
    Ok(found.ok_or_else(|| absent("indexed asset", id))?)
}

/// A video, or what will be one.
#[utoipa::path(get, path = "/indexes/{index_id}/indexed-assets/{indexed_asset_id}", tag = "indexed assets",
    params(
        ("transcription" = Option<bool>, Query, description = "with what is said"),
        ("embedding_option" = Option<Vec<String>>, Query,
            description = "with vectors: of what is seen (`visual-text` or `visual`) and said (`transcription`)"),
    ),
    responses((status = 200, body = IndexedAssetView)))]
pub(in crate::http) async fn get(
    State(app): State<Arc<App>>,
    State(links): State<Arc<Links>>,
    caller: Caller,
    version: ApiVersion,
    path: PathIds,
    query: Query,
    headers: HeaderMap,
) -> Result<Json<IndexedAssetView>, Failure> {
    let wanted = super::videos::Wanted::of(&query)?;
    let found = indexed_asset(&app, caller, &path).await?;
    let video = match &found.video {
        Some(video) => Some(wanted.shown((&app, &links), caller, video, (version, &headers)).await?),
        None => None,
    };
    Ok(Json(views::asset::indexed_asset(&found, video, version)))
}

/// Sets some of the user's own fields; null removes one.
#[utoipa::path(patch, path = "/indexes/{index_id}/indexed-assets/{indexed_asset_id}", tag = "indexed assets",
    request_body = IndexedMetadata, responses((status = 204)))]
pub(in crate::http) async fn update(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
    request: Request,
) -> Result<StatusCode, Failure> {
    set_metadata(&app, caller, &path, request, false).await
}

/// Sets all of the user's own fields.
#[utoipa::path(put, path = "/indexes/{index_id}/indexed-assets/{indexed_asset_id}", tag = "indexed assets",
    request_body = IndexedMetadata, responses((status = 204)))]
pub(in crate::http) async fn replace(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
    request: Request,
) -> Result<StatusCode, Failure> {
    set_metadata(&app, caller, &path, request, true).await
}

async fn set_metadata(
    app: &App,
    caller: Caller,
    path: &PathIds,
    request: Request,
    is_whole: bool,
) -> Result<StatusCode, Failure> {
    let params = Params::read(request, app.config.server.max_body_bytes).await?;
    let given = params.object("user_metadata")?.ok_or_else(|| missing("user_metadata"))?;
    let IndexedAsset { task, video, .. } = indexed_asset(app, caller, path).await?;
    // Of a duplicate, they are those of the video that it equals.
    let id = video.as_ref().map_or_else(|| task.id.into(), |video| video.id);
    let before = video.map(|video| video.user_metadata).or(task.user_metadata).filter(|_| !is_whole);
    let fields = merged(before.unwrap_or_default(), given);
    check_user_metadata(&fields)?;
    let (store, now) = (&app.store, app.clock.now());
    let is_set = store.set_indexed_metadata(caller.workspace, task.index, id, &fields, now).await?;
    if is_set { Ok(NOTHING) } else { Err(absent("indexed asset", task.id).into()) }
}

/// Removes a video, or ends the work on what would be one.
#[utoipa::path(delete, path = "/indexes/{index_id}/indexed-assets/{indexed_asset_id}", tag = "indexed assets",
    responses((status = 204)))]
pub(in crate::http) async fn delete(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
) -> Result<StatusCode, Failure> {
    let (index, id): (IndexId, VideoId) = (path.id("index_id")?, path.id("indexed_asset_id")?);
    let deleted = app.store.delete_indexed_asset(caller.workspace, index, id).await?;
    if !deleted {
        return Err(absent("indexed asset", id).into());
    }
    remove_stream(&app, id).await;
    Ok(NOTHING)
}
