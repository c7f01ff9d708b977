//! `/assets/multipart-uploads`: large files in chunks.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::assets::new_asset;
use crate::app::App;
use crate::asset::Kind;
use crate::asset::upload::{self, MAX_LINKS, NewUpload, Reported, Upload};
use crate::fault::{Fault, Result};
use crate::http::body::broken;
use crate::http::error::Failure;
use crate::http::links::Links;
use crate::http::openapi::{Page, PageQuery};
use crate::http::params::{Params, missing};
use crate::http::path::PathIds;
use crate::http::query::Query;
use crate::http::views;
use crate::http::views::asset::{
    ChunkLinkView, ChunkLinksView, ReportView, UploadBegunView, UploadDetailView, UploadView,
};
use crate::ids::UploadId;
use crate::keys::Caller;

/// A file to be sent in chunks.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the form of a body, for the document")]
struct NewUploadForm {
    filename: String,
    /// `video`, `audio` or `image`.
    r#type: String,
    /// Bytes of the file.
    total_size: u64,
    enable_hls: Option<bool>,
    enable_thumbnail: Option<bool>,
    #[schema(value_type = Option<Object>)]
    user_metadata: Option<Map<String, Value>>,
}

/// Chunks that were sent.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the form of a body, for the document")]
struct ChunksReport {
    completed_chunks: Vec<CompletedChunk>,
}

/// A chunk that was sent.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the form of a body, for the document")]
struct CompletedChunk {
    /// From 1.
    chunk_index: u64,
    /// The `ETag` that its sending was answered with.
    proof: String,
    /// `etag`.
    proof_type: Option<String>,
    /// Bytes.
    chunk_size: Option<u64>,
}

/// For which chunks links are wanted.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the form of a body, for the document")]
struct LinksWanted {
    #[schema(minimum = 1)]
    start: u64,
    #[schema(minimum = 1, maximum = 50)]
    count: u64,
}

/// Begins an upload in chunks; the answer has the links to send the first ones to.
#[utoipa::path(post, path = "/assets/multipart-uploads", tag = "assets", request_body = NewUploadForm,
    responses((status = 201, body = UploadBegunView)))]
pub(in crate::http) async fn create(
    State(app): State<Arc<App>>,
    State(links): State<Arc<Links>>,
    caller: Caller,
    headers: HeaderMap,
    request: Request,
) -> Result<(StatusCode, Json<UploadBegunView>), Failure> {
    let params = Params::read(request, app.config.server.max_body_bytes).await?;
    let kinds = [("video", Kind::Video), ("audio", Kind::Audio), ("image", Kind::Image)];
    let new = NewUpload {
        filename: params.required_text("filename")?.to_owned(),
        kind: params.word("type", &kinds)?.ok_or_else(|| missing("type"))?,
        total_bytes: whole(&params, "total_size")?.ok_or_else(|| missing("total_size"))?,
        asset: new_asset(&params)?,
    };
    let (upload, _) = upload::begin(&app, caller.workspace, new).await?;
    let first = chunk_links(&app, &links, &upload, (1, MAX_LINKS), &headers).await?;
    Ok((StatusCode::CREATED, Json(views::asset::upload_begun(&upload, first))))
}

/// A whole number from zero.
fn whole(params: &Params, name: &str) -> Result<Option<u64>, Fault> {
    let Some(number) = params.number(name)? else { return Ok(None) };
    // Larger ones are not told exactly by the numbers of JSON.
    let is_whole = number >= 0.0 && number.fract() == 0.0 && number < 9e15;
    if is_whole { Ok(Some(number as u64)) } else { Err(not_whole(name, number)) }
}

fn not_whole(name: &str, number: f64) -> Fault {
    Fault::parameter(format!("The {name} parameter must be a whole number.")).value(number.to_string())
}

/// Links for so many chunks from this one on, as far as there are so many.
async fn chunk_links(
    app: &App,
    links: &Links,
    upload: &Upload,
    (start, count): (u64, u64),
    headers: &HeaderMap,
) -> Result<Vec<ChunkLinkView>> {
    let last = upload.total_chunks().min(start.saturating_add(count) - 1);
    let mut all = Vec::new();
    for chunk_index in start..=last {
        let (url, expires_at) = links.chunk_link(upload.id, chunk_index, headers, app.clock.now()).await?;
        all.push(ChunkLinkView { chunk_index, url, expires_at });
    }
    Ok(all)
}

/// Takes the bytes of a chunk; the link is the right to send them. They are on disk when the answer comes, whose `ETag` is
/// the proof.
#[utoipa::path(put, path = "/assets/multipart-uploads/{upload_id}/chunks/{number}", tag = "links",
    params(
        ("expires" = String, Query, description = "of the link"),
        ("signature" = String, Query, description = "of the link"),
    ),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, description = "it is on disk", headers(("ETag" = String, description = "the proof")))))]
pub(in crate::http) async fn put_chunk(
    State(app): State<Arc<App>>,
    State(links): State<Arc<Links>>,
    path: PathIds,
    query: Query,
    request: Request,
) -> Result<Response, Failure> {
    let id: UploadId = path.id("upload_id")?;
    let number = path.text("number").parse::<u64>().map_err(|_| {
        Fault::parameter("The number of a chunk is malformed.").value(path.text("number").to_owned())
    })?;
    let signed = (query.get("expires").unwrap_or_default(), query.get("signature").unwrap_or_default());
    links.check_chunk(id, number, signed, app.clock.now()).await?;
    let body = request.into_body().into_data_stream();
    let body = body.map(|part| part.map_err(|error| broken(&error)));
    let chunk = upload::take_chunk(&app, id, number, body).await?;
    let etag = HeaderValue::from_str(&format!("\"{}\"", chunk.etag())).map_err(anyhow::Error::from)?;
    Ok((StatusCode::OK, [(header::ETAG, etag)]).into_response())
}

/// Reports chunks that were sent, all or none; the last one completes the upload.
#[utoipa::path(post, path = "/assets/multipart-uploads/{upload_id}", tag = "assets", request_body = ChunksReport,
    responses((status = 200, body = ReportView)))]
pub(in crate::http) async fn report(
    State(app): State<Arc<App>>,
    State(links): State<Arc<Links>>,
    caller: Caller,
    path: PathIds,
    headers: HeaderMap,
    request: Request,
) -> Result<Json<ReportView>, Failure> {
    let params = Params::read(request, app.config.server.max_body_bytes).await?;
    let chunks = params.get("completed_chunks").ok_or_else(|| missing("completed_chunks"))?;
    let reported = reported(chunks)?;
    let (upload, taken) = upload::report(&app, caller.workspace, path.id("upload_id")?, &reported).await?;
    Ok(Json(views::asset::report(&upload, taken, &links.base(&headers))))
}

fn reported(chunks: &Value) -> Result<Vec<Reported>, Fault> {
    let malformed = |at: usize| {
        Fault::parameter("The parameter completed_chunks cannot be understood.")
            .value(format!("entry {at}"))
            .rule("a list of {chunk_index, proof, proof_type: \"etag\", chunk_size}")
    };
    let one = |(at, chunk): (usize, &Value)| {
        let number = chunk["chunk_index"].as_u64().ok_or_else(|| malformed(at))?;
        let proof = chunk["proof"].as_str().ok_or_else(|| malformed(at))?.to_owned();
        let size_bytes = match &chunk["chunk_size"] {
            Value::Null => None,
            size => Some(size.as_u64().ok_or_else(|| malformed(at))?),
        };
        match &chunk["proof_type"] {
            Value::Null => {}
            kind if kind == "etag" => {}
            _ => return Err(malformed(at)),
        }
        Ok(Reported { number, proof, size_bytes })
    };
    chunks.as_array().ok_or_else(|| malformed(0))?.iter().enumerate().map(one).collect()
}

/// Links for further chunks.
#[utoipa::path(post, path = "/assets/multipart-uploads/{upload_id}/presigned-urls", tag = "assets",
    request_body = LinksWanted, responses((status = 200, body = ChunkLinksView)))]
pub(in crate::http) async fn more_links(
    State(app): State<Arc<App>>,
    State(links): State<Arc<Links>>,
    caller: Caller,
    path: PathIds,
    headers: HeaderMap,
    request: Request,
) -> Result<Json<ChunkLinksView>, Failure> {
    let params = Params::read(request, app.config.server.max_body_bytes).await?;
    let start = whole(&params, "start")?.ok_or_else(|| missing("start"))?;
    let count = whole(&params, "count")?.ok_or_else(|| missing("count"))?;
    let upload = upload::find(&app, caller.workspace, path.id("upload_id")?).await?;
    let total = upload.total_chunks();
    if !(1..=total).contains(&start) || !(1..=MAX_LINKS).contains(&count) {
        return Err(Fault::parameter("There are no links for these chunks.")
            .value(format!("start {start}, count {count}"))
            .rule(format!("start from 1 to {total}, count from 1 to {MAX_LINKS}"))
            .into());
    }
    let all = chunk_links(&app, &links, &upload, (start, count), &headers).await?;
    let generated_at = app.clock.now();
    let expires_at = all.first().map_or(generated_at, |link| link.expires_at);
    let count = all.len() as u64;
    let upload_id = upload.id;
    Ok(Json(ChunkLinksView {
        upload_id,
        start_index: start,
        count,
        upload_urls: all,
        generated_at,
        expires_at,
    }))
}

/// An upload, with a page of its chunks.
#[utoipa::path(get, path = "/assets/multipart-uploads/{upload_id}", tag = "assets", params(PageQuery),
    responses((status = 200, body = UploadDetailView)))]
pub(in crate::http) async fn get(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
    query: Query,
) -> Result<Json<UploadDetailView>, Failure> {
    let paging = query.paging()?;
    let upload = upload::find(&app, caller.workspace, path.id("upload_id")?).await?;
    let from = (paging.page - 1).saturating_mul(paging.limit).saturating_add(1);
    let to = from.saturating_add(paging.limit - 1);
    let stored = app.store.chunks(upload.id, from, to).await?;
    let completed = app.store.reported(upload.id).await?;
    let at = (paging, app.clock.now());
    Ok(Json(views::asset::upload_detail(&upload, (from, to), &stored, completed, at)))
}

/// The uploads that are not complete, newest first.
#[utoipa::path(get, path = "/assets/multipart-uploads", tag = "assets", params(PageQuery),
    responses((status = 200, body = Page<UploadView>)))]
pub(in crate::http) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    query: Query,
) -> Result<Json<Page<UploadView>>, Failure> {
    let paging = query.paging()?;
    let listed = app.store.incomplete_uploads(caller.workspace, paging).await?;
    let now = app.clock.now();
    let rows = listed.rows.iter().map(|it| views::asset::upload(it, now)).collect();
    Ok(Json(Page::new(rows, paging, listed.total)))
}
