//! `/assets`: files that are brought here apart from any index.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::videos::merged;
use super::{NOTHING, absent};
use crate::app::App;
use crate::asset::{Asset, AssetFilter, DirectFile, Kind, NewAsset, create_direct, create_from_url, remove};
use crate::fault::{Code, Fault, Result};
use crate::http::body::announced_bytes;
use crate::http::error::Failure;
use crate::http::multipart::{FileLimit, FormReader, Upload};
use crate::http::openapi::{FormFile, Page, PageQuery};
use crate::http::params::{Params, media_type, missing, parse_id};
use crate::http::path::PathIds;
use crate::http::query::Query;
use crate::http::views;
use crate::http::views::asset::{AssetView, ReferenceView, TranscriptionError, TranscriptionView};
use crate::ids::AssetId;
use crate::keys::Caller;
use crate::transfer::Status;
use crate::video::{SegmentKind, check_user_metadata};

const FILES: [&str; 1] = ["file"];

/// A file to be brought here: `file` with the method `direct`, `url` with the method `url`.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the form of a body, for the document")]
struct NewAssetForm {
    /// `direct` or `url`.
    method: Option<String>,
    file: Option<FormFile>,
    /// A direct link to the file.
    url: Option<String>,
    /// The name to show.
    filename: Option<String>,
    enable_hls: Option<bool>,
    enable_thumbnail: Option<bool>,
    /// The user's own fields: an object of texts, numbers and booleans, as JSON in a form.
    #[schema(value_type = Option<Object>)]
    user_metadata: Option<Map<String, Value>>,
}

/// Which assets.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "the form of `filter`, for the document")]
struct AssetQuery {
    /// One of these.
    asset_ids: Option<Vec<AssetId>>,
    /// `image`, `video` or `audio`.
    asset_types: Option<Vec<String>>,
    /// A part of the name, whatever the case.
    filename: Option<String>,
}

/// The user's own fields of an asset. Values are texts, numbers and booleans.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the form of a body, for the document")]
struct AssetMetadata {
    #[schema(value_type = Object)]
    user_metadata: Map<String, Value>,
}

/// Brings a file here, or has it fetched from a link.
#[utoipa::path(post, path = "/assets", tag = "assets",
    request_body(content((NewAssetForm = "multipart/form-data"), (NewAssetForm = "application/json"))),
    responses((status = 201, body = AssetView)))]
pub(in crate::http) async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    request: Request,
) -> Result<(StatusCode, Json<AssetView>), Failure> {
    let (params, file) = read_form(&app, request).await?;
    let new = NewAsset { filename: params.text("filename")?.map(str::to_owned), ..new_asset(&params)? };
    let methods = [("direct", false), ("url", true)];
    let is_link = match params.word("method", &methods)? {
        Some(is_link) => is_link,
        // Those that know no methods send one or the other.
        None if params.has("url") || file.is_some() => params.has("url"),
        None => return Err(missing("method").rule("`direct` with a `file`, or `url` with a `url`").into()),
    };
    let asset = if is_link {
        create_from_url(&app, caller.workspace, new, params.required_text("url")?).await?
    } else {
        let file = file.as_ref().ok_or_else(|| missing("file").rule("with the method `direct`, a `file`"))?;
        let sent = DirectFile { path: file.path.to_path_buf(), filename: file.filename.clone() };
        create_direct(&app, caller.workspace, new, sent).await?
    };
    // What was taken has been moved away; what was not goes now.
    drop(file);
    Ok((StatusCode::CREATED, Json(views::asset::asset_detail(&asset))))
}

/// What is asked of every new asset.
pub(super) fn new_asset(params: &Params) -> Result<NewAsset, Fault> {
    Ok(NewAsset {
        filename: None,
        user_metadata: params.object("user_metadata")?,
        wants_hls: params.flag("enable_hls")?.unwrap_or(false),
        wants_thumbnail: params.flag("enable_thumbnail")?.unwrap_or(false),
    })
}

/// The fields of a form, and its file on disk. A form without a file may come in any shape.
async fn read_form(app: &App, request: Request) -> Result<(Params, Option<Upload>)> {
    let texts_bytes = app.config.server.max_body_bytes;
    if media_type(request.headers()) != "multipart/form-data" {
        return Ok((Params::read(request, texts_bytes).await?, None));
    }
    let limit_bytes = app.config.assets.direct_bytes;
    let too_large = |at_least: u64| {
        Fault::new(Code::MediaFilesizeTooLarge)
            .value(format!("at least {at_least} bytes"))
            .rule(format!("at most {limit_bytes} bytes in one request"))
            .remedy("Send large files in chunks (POST /assets/multipart-uploads), or give a link.")
    };
    if let Some(announced) = announced_bytes(request.headers())
        && announced > limit_bytes.saturating_add(texts_bytes)
    {
        return Err(too_large(announced - texts_bytes).into());
    }
    let mut form = FormReader::open(request, &FILES, texts_bytes)?;
    let mut file = None;
    while let Some(part) = form.next_file().await? {
        let limit: FileLimit<'_> = (limit_bytes, &too_large);
        file = Some(part.store(&app.files, limit).await?);
    }
    Ok((form.into_params(), file))
}

/// The assets of the workspace, newest first.
#[utoipa::path(get, path = "/assets", tag = "assets", params(PageQuery, AssetQuery),
    responses((status = 200, body = Page<AssetView>)))]
pub(in crate::http) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    query: Query,
) -> Result<Json<Page<AssetView>>, Failure> {
    let paging = query.paging()?;
    let listed = app.store.assets(caller.workspace, &filter(&query)?, paging).await?;
    let rows = listed.rows.iter().map(views::asset::asset).collect();
    Ok(Json(Page::new(rows, paging, listed.total)))
}

fn filter(query: &Query) -> Result<AssetFilter, Fault> {
    let ids = query.all(&["asset_ids"]).into_iter().map(|id| parse_id("asset_ids", id));
    let kind = |name: &str| {
        Kind::parse(name).ok_or_else(|| {
            Fault::parameter("There is no such type of asset.")
                .value(name.chars().take(120).collect::<String>())
                .rule("image, video, audio")
        })
    };
    Ok(AssetFilter {
        ids: ids.collect::<Result<_, _>>()?,
        kinds: query.all(&["asset_types"]).into_iter().map(kind).collect::<Result<_, _>>()?,
        filename: query.get("filename").map(str::to_owned),
    })
}

/// The asset that a path names.
async fn asset(app: &App, caller: Caller, path: &PathIds) -> Result<Asset> {
    let id: AssetId = path.id("asset_id")?;
    Ok(app.store.asset(caller.workspace, id).await?.ok_or_else(|| absent("asset", id))?)
}

/// An asset.
#[utoipa::path(get, path = "/assets/{asset_id}", tag = "assets", responses((status = 200, body = AssetView)))]
pub(in crate::http) async fn get(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
) -> Result<Json<AssetView>, Failure> {
    Ok(Json(views::asset::asset_detail(&asset(&app, caller, &path).await?)))
}

/// Deletes an asset and its file; while indexed assets refer to it, only by force, and they stay.
#[utoipa::path(delete, path = "/assets/{asset_id}", tag = "assets",
    params(("force" = Option<bool>, Query, description = "even if indexed assets refer to it")),
    responses((status = 204)))]
pub(in crate::http) async fn delete(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
    query: Query,
) -> Result<StatusCode, Failure> {
    let is_forced = query.flag("force")?.unwrap_or(false);
    remove(&app, caller.workspace, path.id("asset_id")?, is_forced).await?;
    Ok(NOTHING)
}

/// Sets some of the user's own fields of an asset; null removes one.
#[utoipa::path(patch, path = "/assets/{asset_id}/user-metadata", tag = "assets", request_body = AssetMetadata,
    responses((status = 204)))]
pub(in crate::http) async fn update_metadata(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
    request: Request,
) -> Result<StatusCode, Failure> {
    let given = given_metadata(&app, request).await?;
    let asset = asset(&app, caller, &path).await?;
    set_metadata(&app, caller, asset.id, merged(asset.user_metadata, given)).await
}

/// Sets all of the user's own fields of an asset.
#[utoipa::path(put, path = "/assets/{asset_id}/user-metadata", tag = "assets", request_body = AssetMetadata,
    responses((status = 204)))]
pub(in crate::http) async fn replace_metadata(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
    request: Request,
) -> Result<StatusCode, Failure> {
    let given = given_metadata(&app, request).await?;
    set_metadata(&app, caller, path.id("asset_id")?, merged(Map::new(), given)).await
}

/// Removes all of the user's own fields of an asset.
#[utoipa::path(delete, path = "/assets/{asset_id}/user-metadata", tag = "assets", responses((status = 204)))]
pub(in crate::http) async fn clear_metadata(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
) -> Result<StatusCode, Failure> {
    set_metadata(&app, caller, path.id("asset_id")?, Map::new()).await
}

async fn given_metadata(app: &App, request: Request) -> Result<Map<String, Value>> {
    let params = Params::read(request, app.config.server.max_body_bytes).await?;
    Ok(params.object("user_metadata")?.ok_or_else(|| missing("user_metadata"))?)
}

async fn set_metadata(
    app: &App,
    caller: Caller,
    id: AssetId,
    fields: Map<String, Value>,
) -> Result<StatusCode, Failure> {
    check_user_metadata(&fields)?;
    let is_set = app.store.set_asset_metadata(caller.workspace, id, &fields, app.clock.now()).await?;
    if is_set { Ok(NOTHING) } else { Err(absent("asset", id).into()) }
}

/// What was indexed of an asset.
#[utoipa::path(get, path = "/assets/{asset_id}/indexed-assets", tag = "assets", params(PageQuery),
    responses((status = 200, body = Page<ReferenceView>)))]
pub(in crate::http) async fn references(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
    query: Query,
) -> Result<Json<Page<ReferenceView>>, Failure> {
    let paging = query.paging()?;
    let asset = asset(&app, caller, &path).await?;
    let listed = app.store.references(caller.workspace, asset.id, paging).await?;
    let rows = listed.rows.iter().map(views::asset::reference).collect();
    Ok(Json(Page::new(rows, paging, listed.total)))
}

/// What is said in the video that was made of an asset. Utterances are what is heard here; words and sentences have no times
/// of their own, so that asking for them adds nothing.
#[utoipa::path(get, path = "/assets/{asset_id}/transcription", tag = "assets",
    params(("include" = Option<Vec<String>>, Query, description = "`words`, `sentences`, `utterances`")),
    responses((status = 200, body = TranscriptionView)))]
pub(in crate::http) async fn transcription(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
    query: Query,
) -> Result<Json<TranscriptionView>, Failure> {
    let wanted = query.all(&["include"]);
    let known = ["words", "sentences", "utterances"];
    if let Some(unknown) = wanted.iter().find(|name| !known.contains(name)) {
        let value = unknown.chars().take(120).collect::<String>();
        return Err(Fault::parameter("There is no such part of a transcription.")
            .value(value)
            .rule("words, sentences, utterances")
            .into());
    }
    let asset = asset(&app, caller, &path).await?;
    let newest = app.store.newest_reference(caller.workspace, asset.id).await?;
    let failed = |status, message: &str| {
        let error = Some(TranscriptionError { message: message.to_owned() });
        TranscriptionView { status, video_id: None, utterances: None, error }
    };
    let told = match newest {
        Some((video, Status::Ready | Status::Skipped)) => {
            let segments = app.store.segments(video, SegmentKind::Speech).await?;
            let is_wanted = wanted.is_empty() || wanted.contains(&"utterances");
            let utterances = is_wanted.then(|| views::video::entries(&segments).unwrap_or_default());
            TranscriptionView { status: "ready", video_id: Some(video), utterances, error: None }
        }
        Some((_, Status::Failed)) => {
            failed("failed", "The asset could not be indexed, so that nothing was heard.")
        }
        Some(_) => TranscriptionView { status: "processing", video_id: None, utterances: None, error: None },
        None => failed(
            "pending",
            "Speech is heard when the asset is indexed (POST /indexes/{id}/indexed-assets).",
        ),
    };
    Ok(Json(told))
}
