//! `/search`, in all of its shapes: JSON with `query`, forms with `query_text` and pictures, combined queries; and its pages.

mod read;

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::HeaderMap;

use crate::app::App;
use crate::fault::{Fault, Result};
use crate::http::error::Failure;
use crate::http::form::Form;
use crate::http::links::Links;
use crate::http::multipart::FileLimit;
use crate::http::path::PathIds;
use crate::http::query::Query;
use crate::http::version::ApiVersion;
use crate::http::views;
use crate::http::views::search::{CombinedForm, SearchForm, SearchPage};
use crate::keys::Caller;
use crate::picture;
use crate::search::ResultPage;
use crate::store::{Paging, SortBy, VideoFilter};

/// The part of a form that is a picture.
const PICTURE: &str = "query_media_file";

/// Searches an index: as a form (`query_text`, pictures), or as JSON (`query`).
#[utoipa::path(post, path = "/search", tag = "search",
    request_body(content((SearchForm = "multipart/form-data"), (SearchForm = "application/json"))),
    responses((status = 200, body = SearchPage)))]
pub(in crate::http) async fn search(
    State(app): State<Arc<App>>,
    State(links): State<Arc<Links>>,
    caller: Caller,
    version: ApiVersion,
    headers: HeaderMap,
    request: Request,
) -> Result<Json<SearchPage>, Failure> {
    Ok(Json(found(&app, &links, caller, version, &headers, request).await?))
}

/// Searches an index by several texts and how they belong together.
#[utoipa::path(post, path = "/search/combined", tag = "search",
    request_body(content((CombinedForm = "application/json"), (CombinedForm = "multipart/form-data"))),
    responses((status = 200, body = SearchPage)))]
pub(in crate::http) async fn combined(
    State(app): State<Arc<App>>,
    State(links): State<Arc<Links>>,
    caller: Caller,
    version: ApiVersion,
    headers: HeaderMap,
    request: Request,
) -> Result<Json<SearchPage>, Failure> {
    Ok(Json(found(&app, &links, caller, version, &headers, request).await?))
}

/// Both take whatever the other does, for clients mix them up.
async fn found(
    app: &App,
    links: &Links,
    caller: Caller,
    version: ApiVersion,
    headers: &HeaderMap,
    request: Request,
) -> Result<SearchPage> {
    let max_bytes = picture_bytes(version);
    let too_large = move |at_least: u64| -> Fault {
        picture::check_size(PICTURE, at_least, max_bytes)
            .err()
            .unwrap_or_else(|| Fault::parameter("The picture is too large."))
    };
    let limit = |_: &str| -> FileLimit<'_> { (max_bytes, &too_large) };
    let form = Form::read(app, request, &[PICTURE], limit).await?;
    let params = &form.params;
    let index = super::index(app, caller.workspace, params.required_id("index_id")?).await?.index;
    let request = read::request(app, &form, &index, version).await?;
    let page = app.search.search(caller.workspace, &request).await?;
    let with_metadata = params.flag("include_user_metadata")?.unwrap_or(false);
    shown(app, links, caller, version, headers, &page, with_metadata).await
}

/// Older versions take less.
fn picture_bytes(version: ApiVersion) -> u64 {
    match version {
        ApiVersion::V1_1 | ApiVersion::V1_2 => picture::MAX_BYTES,
        ApiVersion::V1_3 => picture::MAX_BYTES_V1_3,
    }
}

/// Another page of a search, for an hour. Every route of pages takes the tokens of all searches.
#[utoipa::path(get, path = "/search/{token}", tag = "search",
    params(("include_user_metadata" = Option<bool>, Query, description = "with the users' own fields")),
    responses((status = 200, body = SearchPage)))]
pub(in crate::http) async fn page(
    State(app): State<Arc<App>>,
    State(links): State<Arc<Links>>,
    caller: Caller,
    version: ApiVersion,
    headers: HeaderMap,
    path: PathIds,
    query: Query,
) -> Result<Json<SearchPage>, Failure> {
    let with_metadata = query.flag("include_user_metadata")?.unwrap_or(false);
    let page = app.search.page(caller.workspace, path.text("token")).await?;
    Ok(Json(shown(&app, &links, caller, version, &headers, &page, with_metadata).await?))
}

async fn shown(
    app: &App,
    links: &Links,
    caller: Caller,
    version: ApiVersion,
    headers: &HeaderMap,
    page: &ResultPage,
    with_metadata: bool,
) -> Result<SearchPage> {
    let clips = views::search::clips(&page.items);
    let index = app.store.index(caller.workspace, page.pool.index).await?;
    let has_pictures = index.is_some_and(|found| found.index.addons.iter().any(|addon| addon == "thumbnail"));
    let mut along = views::search::Along::default();
    if has_pictures {
        let now = app.clock.now();
        for clip in &clips {
            along.pictures.push(links.link(views::search::picture(clip), headers, now).await?);
        }
    }
    if with_metadata && !clips.is_empty() {
        let mut ids: Vec<_> = clips.iter().map(|clip| clip.video).collect();
        ids.sort_unstable();
        ids.dedup();
        // A page has at most 50 items, and so at most as many videos.
        let paging =
            Paging { page: 1, limit: ids.len() as u64, sort_by: SortBy::CreatedAt, descending: false };
        let filter = VideoFilter { ids, ..VideoFilter::default() };
        let listed = app.store.videos(caller.workspace, page.pool.index, &filter, paging).await?;
        along.metadata = Some(listed.rows.into_iter().map(|video| (video.id, video.user_metadata)).collect());
    }
    Ok(views::search::page(page, version, &along))
}
