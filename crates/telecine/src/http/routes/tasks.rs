//! `/tasks`.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::streams::hls_of;
use super::{NOTHING, absent};
use crate::app::App;
use crate::fault::{Code, Fault, Result};
use crate::http::body::announced_bytes;
use crate::http::error::Failure;
use crate::http::links::Links;
use crate::http::multipart::{FileLimit, FormReader, Upload};
use crate::http::openapi::{FormFile, Made, Page, PageQuery};
use crate::http::params::{Params, media_type, missing};
use crate::http::path::PathIds;
use crate::http::query::Query;
use crate::http::version::ApiVersion;
use crate::http::views;
use crate::http::views::task::{TaskCounts, TaskView};
use crate::ids::{IndexId, TaskId, TransferId, VideoId};
use crate::index::{MAX_FILE_BYTES, check_size};
use crate::keys::Caller;
use crate::store::TaskFilter;
use crate::transfer::create::{TaskRequest, TranscriptionInput, VideoInput, create_task};
use crate::transfer::{Status, Task};
use crate::video::check_user_metadata;

const FILES: [&str; 2] = ["video_file", "transcription_file"];
/// Bytes of a caption file; more than the reader of captions takes.
const MAX_TRANSCRIPTION_BYTES: u64 = 16 << 20;

/// A video to be indexed: `video_file`, or `video_url`, which wins.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the form of a body, for the document")]
struct NewTask {
    index_id: IndexId,
    video_file: Option<FormFile>,
    /// A direct link to the file.
    video_url: Option<String>,
    /// Of the speech; `en` unless given.
    language: Option<String>,
    /// Whether captions are given (up to v1.2).
    provide_transcription: Option<bool>,
    /// SRT or WebVTT.
    transcription_file: Option<FormFile>,
    transcription_url: Option<String>,
    /// Whether no stream is kept of the video; false unless given (up to v1.2).
    disable_video_stream: Option<bool>,
    /// Whether a stream is kept of the video; true unless given (v1.3).
    enable_video_stream: Option<bool>,
    /// The user's own fields: an object of texts, numbers and booleans, as JSON in a form.
    #[schema(value_type = Option<Object>)]
    user_metadata: Option<Map<String, Value>>,
}

/// The task that was made.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct MadeTask {
    #[serde(rename = "_id")]
    id: TaskId,
    /// The video that it becomes; v1.3.
    #[serde(skip_serializing_if = "Option::is_none")]
    video_id: Option<VideoId>,
}

/// Takes a video, as a file or a link.
#[utoipa::path(post, path = "/tasks", tag = "tasks",
    request_body(content((NewTask = "multipart/form-data"), (NewTask = "application/json"))),
    responses((status = 200, body = MadeTask)))]
pub(in crate::http) async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    version: ApiVersion,
    request: Request,
) -> Result<Json<MadeTask>, Failure> {
    let (params, mut files) = read_form(&app, caller, request).await?;
    let index = params.required_id("index_id")?;
    let user_metadata = params.object("user_metadata")?;
    user_metadata.as_ref().map_or(Ok(()), check_user_metadata)?;
    let request = TaskRequest {
        index,
        video: video(&params, &files)?,
        transcription: transcription(&params, &files)?,
        language: params.text("language")?.unwrap_or("en").to_owned(),
        user_metadata,
        without_stream: without_stream(&params)?,
    };
    let id = create_task(&app, caller.workspace, request).await?;
    // What was taken has been moved away; what was not goes now.
    files.clear();
    Ok(Json(MadeTask { id, video_id: (version == ApiVersion::V1_3).then(|| id.into()) }))
}

/// A video of another site.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the form of a body, for the document")]
struct ExternalVideo {
    index_id: IndexId,
    /// A direct link to the file; pages of video sites are none.
    url: String,
}

/// Takes a video by a link (up to v1.2). It is taken as `video_url` of `POST /tasks` is: the link must lead to the file.
#[utoipa::path(post, path = "/tasks/external-provider", tag = "tasks", request_body = ExternalVideo,
    responses((status = 201, body = Made<TaskId>)))]
pub(in crate::http) async fn create_external(
    State(app): State<Arc<App>>,
    caller: Caller,
    request: Request,
) -> Result<(StatusCode, Json<Made<TaskId>>), Failure> {
    let params = Params::read(request, app.config.server.max_body_bytes).await?;
    let (index, url) = (params.required_id("index_id")?, params.required_text("url")?);
    refuse_sites(url)?;
    let request = TaskRequest {
        index,
        video: VideoInput::Url(url.to_owned()),
        transcription: None,
        language: "en".to_owned(),
        user_metadata: None,
        without_stream: false,
    };
    let id = create_task(&app, caller.workspace, request).await?;
    Ok((StatusCode::CREATED, Json(Made { id })))
}

/// Sites whose pages lead to no file, and whose terms forbid taking it.
fn refuse_sites(url: &str) -> Result<(), Fault> {
    const SITES: [&str; 3] = ["youtube.com", "youtu.be", "youtube-nocookie.com"];
    let host = url::Url::parse(url.trim()).ok().and_then(|url| url.host_str().map(str::to_ascii_lowercase));
    let host = host.unwrap_or_default();
    let is_of =
        |site: &str| host.strip_suffix(site).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    if SITES.into_iter().any(is_of) {
        return Err(Fault::because(Code::ApiNotAllowed, "Videos of YouTube are not taken here.")
            .value(host)
            .rule("a direct link to a file, over http or https")
            .remedy(
                "Get the file from its owner, and upload it (POST /tasks with video_file) or link to it.",
            ));
    }
    Ok(())
}

/// Whether the client wants no stream: told the one way up to v1.2, the other in v1.3.
pub(super) fn without_stream(params: &Params) -> Result<bool, Fault> {
    let (disable, enable) = (params.flag("disable_video_stream")?, params.flag("enable_video_stream")?);
    Ok(disable.unwrap_or(false) || enable == Some(false))
}

/// The fields of a form, and its files on disk. A form without files may come in any shape.
async fn read_form(app: &App, caller: Caller, request: Request) -> Result<(Params, HashMap<String, Upload>)> {
    let limit_bytes = app.config.server.max_body_bytes;
    if media_type(request.headers()) != "multipart/form-data" {
        return Ok((Params::read(request, limit_bytes).await?, HashMap::new()));
    }
    if let Some(announced) = announced_bytes(request.headers()) {
        let around = MAX_TRANSCRIPTION_BYTES + limit_bytes;
        check_size(announced.saturating_sub(around))?;
    }
    let mut form = FormReader::open(request, &FILES, limit_bytes)?;
    let mut files = HashMap::new();
    while let Some(part) = form.next_file().await? {
        // Before gigabytes are taken in: is there anywhere to put them?
        if let Some(index) = form.params().id("index_id")? {
            super::index(app, caller.workspace, index).await?;
        }
        let name = part.name.clone();
        let limit: FileLimit<'_> = match name.as_str() {
            "video_file" => (MAX_FILE_BYTES, &video_too_large),
            _ => (MAX_TRANSCRIPTION_BYTES, &transcription_too_large),
        };
        files.insert(name, part.store(&app.files, limit).await?);
    }
    Ok((form.into_params(), files))
}

fn video_too_large(at_least: u64) -> Fault {
    check_size(at_least).err().unwrap_or_else(|| Fault::new(Code::VideoFilesizeTooLarge))
}

fn transcription_too_large(_: u64) -> Fault {
    Fault::new(Code::TranscriptionInvalid).rule(format!("at most {MAX_TRANSCRIPTION_BYTES} bytes"))
}

/// The video; a link wins over a file.
fn video(params: &Params, files: &HashMap<String, Upload>) -> Result<VideoInput, Fault> {
    if let Some(url) = params.text("video_url")? {
        return Ok(VideoInput::Url(url.to_owned()));
    }
    let file = files
        .get("video_file")
        .ok_or_else(|| missing("video_file").rule("`video_file` (a file) or `video_url` (a direct link)"))?;
    Ok(VideoInput::File { path: file.path.to_path_buf(), filename: file.filename.clone() })
}

/// The captions, unless the client says that they do not count.
fn transcription(
    params: &Params,
    files: &HashMap<String, Upload>,
) -> Result<Option<TranscriptionInput>, Fault> {
    let counts = params.flag("provide_transcription")?;
    if counts == Some(false) {
        return Ok(None);
    }
    let url = params.text("transcription_url")?.map(|url| TranscriptionInput::Url(url.to_owned()));
    let file = files.get("transcription_file").map(|file| TranscriptionInput::File(file.path.to_path_buf()));
    match url.or(file) {
        None if counts == Some(true) => Err(missing("transcription_file")
            .rule("with `provide_transcription`, a `transcription_file` or a `transcription_url`")),
        given => Ok(given),
    }
}

/// Which tasks.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "the form of `filter`, for the document")]
struct TaskQuery {
    _id: Option<TaskId>,
    index_id: Option<IndexId>,
    transfer_id: Option<TransferId>,
    /// One or several, repeated or separated by commas.
    status: Option<String>,
    /// Whose fault has this code.
    code: Option<String>,
    filename: Option<String>,
    /// Whose file name or address holds this text; with `*` (any text) or `?` (any letter), whose whole name or address is so.
    name: Option<String>,
    /// As `status`, but `ready` without those that are `skipped`, because the index had their content already.
    state: Option<String>,
    /// Seconds: exactly; or `duration[gte]` and `duration[lte]`, as with all measures.
    duration: Option<f64>,
    width: Option<u32>,
    height: Option<u32>,
    /// Made at this moment or later; or `created_at[gte]` and `created_at[lte]`, as with all moments.
    created_at: Option<String>,
    updated_at: Option<String>,
}

/// The tasks of the workspace, newest first.
#[utoipa::path(get, path = "/tasks", tag = "tasks", params(PageQuery, TaskQuery),
    responses((status = 200, body = Page<TaskView>)))]
pub(in crate::http) async fn list(
    State(app): State<Arc<App>>,
    State(links): State<Arc<Links>>,
    caller: Caller,
    version: ApiVersion,
    query: Query,
    headers: HeaderMap,
) -> Result<Json<Page<TaskView>>, Failure> {
    let paging = query.paging()?;
    let listed = app.store.tasks(caller.workspace, &filter(&query)?, paging).await?;
    let ids: Vec<VideoId> = listed.rows.iter().filter_map(|task| views::task::video(task, version)).collect();
    let streams = hls_of(&app, &links, &headers, &ids).await?;
    let rows = listed.rows.iter().map(|task| shown(&app, task, version).with_hls(&streams)).collect();
    Ok(Json(Page::new(rows, paging, listed.total).at_least(listed.is_at_least)))
}

/// The statuses that a query names, once or several times.
pub(super) fn statuses(query: &Query) -> Result<Vec<Status>, Fault> {
    let mut statuses = Vec::new();
    for name in query.all(&["status"]) {
        statuses.extend(views::task::statuses(name).ok_or_else(|| {
            Fault::parameter("There is no such status.")
                .value(name.chars().take(120).collect::<String>())
                .rule("validating, pending, queued, indexing, ready, failed")
        })?);
    }
    Ok(statuses)
}

/// By `status`, as the contract has them, or by `state`, as we do.
fn wanted(query: &Query) -> Result<Vec<Status>, Fault> {
    let states = query.all(&["state"]);
    if states.is_empty() {
        return statuses(query);
    }
    let state = |name: &str| {
        Status::parse(name).ok_or_else(|| {
            Fault::parameter("There is no such state.")
                .value(name.chars().take(120).collect::<String>())
                .rule(Status::ALL.map(Status::as_str).join(", "))
        })
    };
    states.into_iter().map(state).collect()
}

fn filter(query: &Query) -> Result<TaskFilter, Fault> {
    Ok(TaskFilter {
        id: query.id("_id")?,
        index: query.id("index_id")?,
        transfer: query.id("transfer_id")?,
        statuses: wanted(query)?,
        code: query.get("code").map(str::to_owned),
        filename: query.get("filename").map(str::to_owned),
        name: query.get("name").map(str::to_owned),
        duration_s: query.numbers("duration")?,
        width: query.numbers("width")?,
        height: query.numbers("height")?,
        created_at: query.times("created_at")?,
        updated_at: query.times("updated_at")?,
    })
}

fn shown(app: &App, task: &Task, version: ApiVersion) -> TaskView {
    let progress = app.progress.get(task.id);
    views::task::task(task, progress.as_ref(), app.clock.now(), version)
}

/// A task.
#[utoipa::path(get, path = "/tasks/{task_id}", tag = "tasks", responses((status = 200, body = TaskView)))]
pub(in crate::http) async fn get(
    State(app): State<Arc<App>>,
    State(links): State<Arc<Links>>,
    caller: Caller,
    version: ApiVersion,
    path: PathIds,
    headers: HeaderMap,
) -> Result<Json<TaskView>, Failure> {
    let id = path.id("task_id")?;
    let task = app.store.task(caller.workspace, id).await?.ok_or_else(|| absent("task", id))?;
    let ids: Vec<VideoId> = views::task::video(&task, version).into_iter().collect();
    let streams = hls_of(&app, &links, &headers, &ids).await?;
    Ok(Json(shown(&app, &task, version).with_hls(&streams)))
}

/// Another try for a task that failed.
#[utoipa::path(post, path = "/tasks/{task_id}/retry", tag = "tasks", responses((status = 200, body = TaskView)))]
pub(in crate::http) async fn retry(
    State(app): State<Arc<App>>,
    caller: Caller,
    version: ApiVersion,
    path: PathIds,
) -> Result<Json<TaskView>, Failure> {
    let id = path.id("task_id")?;
    if !app.store.retry_task(caller.workspace, id, app.clock.now()).await? {
        return Err(absent("task", id).into());
    }
    app.queue.wake();
    let task = app.store.task(caller.workspace, id).await?.ok_or_else(|| absent("task", id))?;
    Ok(Json(shown(&app, &task, version)))
}

/// Removes a task that is final and whose video is gone.
#[utoipa::path(delete, path = "/tasks/{task_id}", tag = "tasks", responses((status = 204)))]
pub(in crate::http) async fn delete(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
) -> Result<StatusCode, Failure> {
    let id = path.id("task_id")?;
    let deleted = app.store.delete_task(caller.workspace, id).await?;
    if deleted { Ok(NOTHING) } else { Err(absent("task", id).into()) }
}

/// How many tasks of an index are where.
#[utoipa::path(get, path = "/tasks/status", tag = "tasks", params(("index_id" = IndexId, Query)),
    responses((status = 200, body = TaskCounts)))]
pub(in crate::http) async fn counts(
    State(app): State<Arc<App>>,
    caller: Caller,
    query: Query,
) -> Result<Json<TaskCounts>, Failure> {
    let id = query.id("index_id")?.ok_or_else(|| missing("index_id"))?;
    super::index(&app, caller.workspace, id).await?;
    let counts = app.store.task_counts(caller.workspace, id).await?;
    Ok(Json(views::task::counts(id, &counts)))
}
