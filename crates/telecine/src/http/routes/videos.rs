//! `/indexes/{index_id}/videos`, and the pictures that links lead to.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::streams::hls_of;
use super::{NOTHING, absent};
use crate::app::App;
use crate::fault::{Code, Fault, Result};
use crate::http::bytes_of::{Kind, answer_bytes};
use crate::http::error::Failure;
use crate::http::links::{Links, Picture, Signed};
use crate::http::openapi::{FormFile, Page, PageQuery};
use crate::http::params::{Params, missing};
use crate::http::path::PathIds;
use crate::http::query::Query;
use crate::http::version::ApiVersion;
use crate::http::views;
use crate::http::views::video::{Texts, VideoView};
use crate::ids::{IndexId, VideoId};
use crate::keys::Caller;
use crate::pipeline::remove_stream;
use crate::store::VideoFilter;
use crate::time::MediaTime;
use crate::video::{Segment, SegmentKind, Video, check_user_metadata};

/// Parameters of lists; all others are the user's own fields.
const KNOWN: [&str; 15] = [
    "page",
    "page_limit",
    "sort_by",
    "sort_option",
    "_id",
    "filename",
    "duration",
    "fps",
    "width",
    "height",
    "size",
    "created_at",
    "updated_at",
    "indexed_at",
    "index_id",
];

/// Which videos of an index. Every other parameter is a field of the user's own (`?category=harbour&rating[gte]=3`).
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "the form of `filter`, for the document")]
pub(super) struct VideoQuery {
    _id: Option<VideoId>,
    filename: Option<String>,
    /// Seconds: exactly; or `duration[gte]` and `duration[lte]`, as with all measures.
    duration: Option<f64>,
    fps: Option<f64>,
    width: Option<u32>,
    height: Option<u32>,
    /// Bytes.
    size: Option<u64>,
    /// Made at this moment or later; or `created_at[gte]` and `created_at[lte]`, as with all moments.
    created_at: Option<String>,
    updated_at: Option<String>,
    indexed_at: Option<String>,
    /// The user's own fields that must match, as JSON.
    user_metadata: Option<String>,
}

/// The videos of an index, newest first.
#[utoipa::path(get, path = "/indexes/{index_id}/videos", tag = "videos", params(PageQuery, VideoQuery),
    responses((status = 200, body = Page<VideoView>)))]
pub(in crate::http) async fn list(
    State(app): State<Arc<App>>,
    State(links): State<Arc<Links>>,
    caller: Caller,
    version: ApiVersion,
    path: PathIds,
    query: Query,
    headers: HeaderMap,
) -> Result<Json<Page<VideoView>>, Failure> {
    let index = path.id("index_id")?;
    let paging = query.paging()?;
    let filter = filter(&query)?;
    super::index(&app, caller.workspace, index).await?;
    let listed = app.store.videos(caller.workspace, index, &filter, paging).await?;
    let ids: Vec<VideoId> = listed.rows.iter().map(|video| video.id).collect();
    let mut streams = hls_of(&app, &links, &headers, &ids).await?;
    let shown = |video: &Video| views::video::video(video, version).with_hls(streams.remove(&video.id));
    let rows = listed.rows.iter().map(shown).collect();
    Ok(Json(Page::new(rows, paging, listed.total)))
}

pub(super) fn filter(query: &Query) -> Result<VideoFilter, Fault> {
    Ok(VideoFilter {
        ids: query.id("_id")?.into_iter().collect(),
        filename: query.get("filename").map(str::to_owned),
        duration_s: query.numbers("duration")?,
        fps: query.numbers("fps")?,
        width: query.numbers("width")?,
        height: query.numbers("height")?,
        size_bytes: query.numbers("size")?,
        created_at: query.times("created_at")?,
        updated_at: query.times("updated_at")?,
        indexed_at: query.times("indexed_at")?,
        user_metadata: query.metadata(&KNOWN)?,
    })
}

/// The video that a path names.
pub(super) async fn video(app: &App, caller: Caller, path: &PathIds) -> Result<Video> {
    let (index, id): (IndexId, VideoId) = (path.id("index_id")?, path.id("video_id")?);
    let found = app.store.video(caller.workspace, index, id).await?;
    Ok(found.ok_or_else(|| absent("video", id))?)
}

/// A video.
#[utoipa::path(get, path = "/indexes/{index_id}/videos/{video_id}", tag = "videos",
    params(
        ("transcription" = Option<bool>, Query, description = "with what is said"),
        ("embed" = Option<bool>, Query, description = "up to v1.2: with the vectors of what is seen"),
        ("embedding_option" = Option<Vec<String>>, Query,
            description = "with vectors: of what is seen (`visual-text` or `visual`) and said (`transcription`)"),
    ),
    responses((status = 200, body = VideoView)))]
pub(in crate::http) async fn get(
    State(app): State<Arc<App>>,
    State(links): State<Arc<Links>>,
    caller: Caller,
    version: ApiVersion,
    path: PathIds,
    query: Query,
    headers: HeaderMap,
) -> Result<Json<VideoView>, Failure> {
    let wanted = Wanted::of(&query)?;
    let video = video(&app, caller, &path).await?;
    Ok(Json(wanted.shown((&app, &links), caller, &video, (version, &headers)).await?))
}

/// What is asked for beside a video.
pub(super) struct Wanted {
    embedding: Option<Vec<(SegmentKind, &'static str)>>,
    words: bool,
}

impl Wanted {
    /// Reads it off a query.
    pub(super) fn of(query: &Query) -> Result<Self, Fault> {
        let words = query.flag("transcription")?.unwrap_or(false);
        Ok(Self { embedding: wanted_embedding(query)?, words })
    }

    /// The video, with it.
    pub(super) async fn shown(
        self,
        (app, links): (&App, &Links),
        caller: Caller,
        video: &Video,
        (version, headers): (ApiVersion, &HeaderMap),
    ) -> Result<VideoView> {
        let mut streams = hls_of(app, links, headers, &[video.id]).await?;
        let mut shown = views::video::video(video, version).with_hls(streams.remove(&video.id));
        if let Some(options) = self.embedding {
            let index = super::index(app, caller.workspace, video.index).await?.index;
            let mut segments = Vec::new();
            for (kind, option) in options {
                let found = app.store.segment_vectors(video.id, kind).await?;
                segments.extend(found.into_iter().map(|found| views::video::embedded(found, option)));
            }
            shown = shown.with_embedding(&index, segments, version);
        }
        if self.words {
            shown = shown.with_transcription(&app.store.segments(video.id, SegmentKind::Speech).await?);
        }
        Ok(shown)
    }
}

/// The kinds of segments whose vectors are asked for, and how the client calls them: `embed=true`, or v1.3's
/// `embedding_option`. What is heard beside speech has none, and is left out beside others.
fn wanted_embedding(query: &Query) -> Result<Option<Vec<(SegmentKind, &'static str)>>, Fault> {
    let names = query.all(&["embedding_option"]);
    if names.is_empty() {
        let is_wanted = query.flag("embed")? == Some(true);
        return Ok(is_wanted.then(|| vec![(SegmentKind::Shot, "visual-text")]));
    }
    let mut kinds = Vec::new();
    for name in names.iter().copied() {
        match name {
            "visual-text" => kinds.push((SegmentKind::Shot, "visual-text")),
            "visual" => kinds.push((SegmentKind::Shot, "visual")),
            "transcription" => kinds.push((SegmentKind::Speech, "transcription")),
            "audio" => {}
            _ => {
                return Err(Fault::parameter("The embedding_option parameter is not one that is known.")
                    .value(name.chars().take(120).collect::<String>())
                    .rule("one of `visual-text`, `visual`, `transcription`, `audio`"));
            }
        }
    }
    if kinds.is_empty() {
        return Err(
            Fault::because(Code::EmbeddingNotSupported, "Sounds have no vectors.").value(names.join(", "))
        );
    }
    // The same name twice is the same vectors once.
    kinds.sort_unstable();
    kinds.dedup();
    Ok(Some(kinds))
}

/// The user's own fields. Values are texts, numbers and booleans.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the form of a body, for the document")]
struct UserMetadata {
    /// `metadata` up to v1.2.
    #[schema(value_type = Object)]
    user_metadata: Map<String, Value>,
}

/// Sets all of the user's own fields of a video.
#[utoipa::path(put, path = "/indexes/{index_id}/videos/{video_id}", tag = "videos", request_body = UserMetadata,
    responses((status = 204)))]
pub(in crate::http) async fn replace(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
    request: Request,
) -> Result<StatusCode, Failure> {
    let given = user_metadata(&app, request).await?;
    let video = video(&app, caller, &path).await?;
    set_metadata(&app, caller, &video, merged(Map::new(), given)).await
}

/// Sets some of the user's own fields of a video; null removes one.
#[utoipa::path(patch, path = "/indexes/{index_id}/videos/{video_id}", tag = "videos", request_body = UserMetadata,
    responses((status = 204)))]
pub(in crate::http) async fn update(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
    request: Request,
) -> Result<StatusCode, Failure> {
    let given = user_metadata(&app, request).await?;
    let video = video(&app, caller, &path).await?;
    let fields = merged(video.user_metadata.clone(), given);
    set_metadata(&app, caller, &video, fields).await
}

async fn user_metadata(app: &App, request: Request) -> Result<Map<String, Value>> {
    let params = Params::read(request, app.config.server.max_body_bytes).await?;
    Ok(match params.object("user_metadata")? {
        Some(given) => given,
        None => params.object("metadata")?.ok_or_else(|| missing("user_metadata"))?,
    })
}

async fn set_metadata(
    app: &App,
    caller: Caller,
    video: &Video,
    fields: Map<String, Value>,
) -> Result<StatusCode, Failure> {
    check_user_metadata(&fields)?;
    let now = app.clock.now();
    let is_set = app.store.set_user_metadata(caller.workspace, video.index, video.id, &fields, now).await?;
    if is_set { Ok(NOTHING) } else { Err(absent("video", video.id).into()) }
}

pub(super) fn merged(mut fields: Map<String, Value>, given: Map<String, Value>) -> Map<String, Value> {
    for (name, value) in given {
        if value.is_null() {
            fields.remove(&name);
        } else {
            fields.insert(name, value);
        }
    }
    fields
}

/// Removes a video. Its content may be taken anew; its task stays.
#[utoipa::path(delete, path = "/indexes/{index_id}/videos/{video_id}", tag = "videos", responses((status = 204)))]
pub(in crate::http) async fn delete(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
) -> Result<StatusCode, Failure> {
    let (index, id) = (path.id("index_id")?, path.id("video_id")?);
    if !app.store.delete_video(caller.workspace, index, id).await? {
        return Err(absent("video", id).into());
    }
    remove_stream(&app, id).await;
    Ok(NOTHING)
}

/// A part of a video, in seconds.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "what is no number counts as not given: for the document")]
struct PartQuery {
    #[param(minimum = 0)]
    start: Option<f64>,
    #[param(minimum = 0)]
    end: Option<f64>,
}

/// What is said in a video.
#[utoipa::path(get, path = "/indexes/{index_id}/videos/{video_id}/transcription", tag = "videos", params(PartQuery),
    responses((status = 200, body = Texts)))]
pub(in crate::http) async fn transcription(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
    query: Query,
) -> Result<Json<Texts>, Failure> {
    let said = texts(&app, caller, &path, &query, SegmentKind::Speech).await?;
    let edited_at = app.store.edited_at(path.id("video_id")?).await?;
    Ok(Json(said.with_edited_at(edited_at)))
}

/// What is written in the picture.
#[utoipa::path(get, path = "/indexes/{index_id}/videos/{video_id}/text-in-video", tag = "videos", params(PartQuery),
    responses((status = 200, body = Texts)))]
pub(in crate::http) async fn text_in_video(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
    query: Query,
) -> Result<Json<Texts>, Failure> {
    Ok(Json(texts(&app, caller, &path, &query, SegmentKind::Text).await?))
}

async fn texts(
    app: &App,
    caller: Caller,
    path: &PathIds,
    query: &Query,
    kind: SegmentKind,
) -> Result<Texts, Failure> {
    let video = video(app, caller, path).await?;
    let from = query.tolerant_seconds("start").map_or(MediaTime::ZERO, MediaTime::from_secs_f64);
    let to = query.tolerant_seconds("end").map_or(MediaTime::MAX, MediaTime::from_secs_f64);
    let mut segments = app.store.segments(video.id, kind).await?;
    segments.retain(|Segment { range, .. }| range.end() > from && range.start() < to);
    Ok(views::video::texts(video.id, video.index, &segments))
}

/// A link to a picture, which works for an hour.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct ThumbnailLink {
    thumbnail: String,
}

/// The link to a picture of a moment, else of the middle.
#[utoipa::path(get, path = "/indexes/{index_id}/videos/{video_id}/thumbnail", tag = "videos",
    params(("time" = Option<f64>, Query, description = "seconds")),
    responses((status = 200, body = ThumbnailLink)))]
pub(in crate::http) async fn thumbnail(
    State(app): State<Arc<App>>,
    State(links): State<Arc<Links>>,
    caller: Caller,
    path: PathIds,
    query: Query,
    headers: HeaderMap,
) -> Result<Json<ThumbnailLink>, Failure> {
    let video = video(&app, caller, &path).await?;
    let at = query.tolerant_seconds("time").map(MediaTime::from_secs_f64);
    let found = app.store.thumbnail(video.id, at).await?;
    let (at, _) = found.ok_or_else(|| {
        Fault::because(Code::ApiNotAllowed, "The video has no thumbnails.")
            .rule("pictures are kept of videos in indexes with the addon thumbnail")
    })?;
    let picture = Picture { video: video.id, at_ms: at.as_millis() };
    Ok(Json(ThumbnailLink { thumbnail: links.link(picture, &headers, app.clock.now()).await? }))
}

/// The picture that a link leads to.
#[utoipa::path(get, path = "/pictures/{video_id}/{name}", tag = "links",
    params(("expires" = String, Query), ("signature" = String, Query)),
    responses((status = 200, body = FormFile, content_type = "image/jpeg")))]
pub(in crate::http) async fn picture(
    State(app): State<Arc<App>>,
    State(links): State<Arc<Links>>,
    path: PathIds,
    query: Query,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let name = path.text("name");
    let at_ms = name.strip_suffix(".jpg").and_then(|at_ms| at_ms.parse().ok());
    let at_ms = at_ms.ok_or_else(|| absent("picture", name))?;
    let picture = Picture { video: path.id("video_id")?, at_ms };
    let (expires, signature) = (query.get("expires"), query.get("signature"));
    let (expires, signature) = (expires.unwrap_or_default(), signature.unwrap_or_default());
    let max_age = links.check(Signed::Picture(picture), expires, signature, app.clock.now()).await?;
    let found = app.store.thumbnail(picture.video, Some(MediaTime::from_millis(at_ms))).await?;
    let (_, jpeg) = found.ok_or_else(|| absent("picture", name))?;
    let etag = format!("\"{}-{at_ms}\"", picture.video);
    answer_bytes(jpeg.into(), &Kind { content_type: "image/jpeg", etag, max_age }, &headers)
}
