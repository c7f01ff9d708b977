//! `/embed/tasks`: videos that are embedded in the background.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};

use super::super::absent;
use super::model_name;
use crate::app::App;
use crate::embedding::{self, EmbedRequest, EmbedState, EmbedTask, Scope};
use crate::fault::{Code, Fault, Result};
use crate::http::error::Failure;
use crate::http::form::Form;
use crate::http::multipart::FileLimit;
use crate::http::openapi::{Made, Page, PageQuery};
use crate::http::params::{Params, missing};
use crate::http::path::PathIds;
use crate::http::query::Query;
use crate::http::version::ApiVersion;
use crate::http::views;
use crate::http::views::embed::{EmbedQuery, EmbedTaskView, NewEmbedTask};
use crate::ids::EmbedTaskId;
use crate::index::{MAX_FILE_BYTES, check_size};
use crate::keys::Caller;
use crate::store::{EmbedFilter, Within};
use crate::transfer::create::VideoInput;

const FILES: [&str; 1] = ["video_file"];
/// Seconds of a clip where a client does not say.
pub(in crate::http::routes) const CLIP_S: f64 = 6.0;
/// What clients may call the vectors that there are.
const OPTIONS: [&str; 2] = ["visual-text", "visual"];
const SCOPES: [(&str, Scope); 2] = [("clip", Scope::Clip), ("video", Scope::Video)];

fn video_too_large(at_least: u64) -> Fault {
    check_size(at_least).err().unwrap_or_else(|| Fault::new(Code::VideoFilesizeTooLarge))
}

/// Takes a video on, to be embedded in the background.
#[utoipa::path(post, path = "/embed/tasks", tag = "embeddings",
    request_body(content((NewEmbedTask = "multipart/form-data"), (NewEmbedTask = "application/json"))),
    responses((status = 200, body = Made<EmbedTaskId>)))]
pub(in crate::http) async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    version: ApiVersion,
    request: Request,
) -> Result<Json<Made<EmbedTaskId>>, Failure> {
    let limit = |_: &str| -> FileLimit<'_> { (MAX_FILE_BYTES, &video_too_large) };
    let form = Form::read(&app, request, &FILES, limit).await?;
    let params = &form.params;
    let request = EmbedRequest {
        model_name: model_name(&app, params, version)?,
        video: video(&form)?,
        clip_length_s: params.number("video_clip_length")?.unwrap_or(CLIP_S),
        scopes: scopes(params)?,
        start_s: params.number("video_start_offset_sec")?.unwrap_or(0.0),
        end_s: params.number("video_end_offset_sec")?,
    };
    let task = embedding::create(&app, caller.workspace, request).await?;
    Ok(Json(Made { id: task.id }))
}

/// The video; a link wins over a file.
fn video(form: &Form) -> Result<VideoInput, Fault> {
    if let Some(url) = form.params.text("video_url")? {
        return Ok(VideoInput::Url(url.to_owned()));
    }
    let file = form
        .files("video_file")
        .next()
        .ok_or_else(|| missing("video_file").rule("`video_file` (a file) or `video_url` (a direct link)"))?;
    Ok(VideoInput::File { path: file.path.to_path_buf(), filename: file.filename.clone() })
}

fn scopes(params: &Params) -> Result<Vec<Scope>, Fault> {
    let names = params.texts("video_embedding_scope")?;
    names.iter().map(|name| crate::http::params::pick("video_embedding_scope", name, &SCOPES)).collect()
}

/// The task of a path.
pub(in crate::http::routes) async fn task(app: &App, caller: Caller, path: &PathIds) -> Result<EmbedTask> {
    let id = path.id("task_id")?;
    let found = app.store.embed_task(caller.workspace, id).await?;
    // Until it is swept away, what was kept long enough is gone all the same.
    let found = found.filter(|task| task.expires_at > app.clock.now());
    Ok(found.ok_or_else(|| absent("embedding task", id))?)
}

/// Which tasks a list is of.
pub(in crate::http::routes) fn filter(query: &Query) -> Result<EmbedFilter, Fault> {
    let state = query.get("status").map(|name| {
        EmbedState::parse(name).ok_or_else(|| {
            Fault::parameter("There is no such status.")
                .value(name.chars().take(120).collect::<String>())
                .rule("processing, ready, failed")
        })
    });
    let (from, until) = (query.times("started_at")?, query.times("ended_at")?);
    Ok(EmbedFilter {
        state: state.transpose()?,
        created_at: Within { min: from.min, max: until.max.or(until.min) },
    })
}

/// Embedding tasks, newest first, without their vectors.
#[utoipa::path(get, path = "/embed/tasks", tag = "embeddings", params(PageQuery, EmbedQuery),
    responses((status = 200, body = Page<EmbedTaskView>)))]
pub(in crate::http) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    version: ApiVersion,
    query: Query,
) -> Result<Json<Page<EmbedTaskView>>, Failure> {
    let paging = query.paging()?;
    let listed = app.store.embed_tasks(caller.workspace, &filter(&query)?, paging).await?;
    let rows = listed.rows.iter().map(|task| views::embed::task(task, None, None, version));
    Ok(Json(Page::new(rows.collect(), paging, listed.total)))
}

/// An embedding task without its vectors.
#[utoipa::path(get, path = "/embed/tasks/{task_id}/status", tag = "embeddings",
    responses((status = 200, body = EmbedTaskView)))]
pub(in crate::http) async fn status(
    State(app): State<Arc<App>>,
    caller: Caller,
    version: ApiVersion,
    path: PathIds,
) -> Result<Json<EmbedTaskView>, Failure> {
    let task = task(&app, caller, &path).await?;
    Ok(Json(views::embed::task(&task, None, None, version)))
}

/// An embedding task with its vectors, for a week.
#[utoipa::path(get, path = "/embed/tasks/{task_id}", tag = "embeddings",
    params(("embedding_option" = Option<Vec<String>>, Query, description = "`visual-text`, the only kind there is")),
    responses((status = 200, body = EmbedTaskView)))]
pub(in crate::http) async fn get(
    State(app): State<Arc<App>>,
    caller: Caller,
    version: ApiVersion,
    path: PathIds,
    query: Query,
) -> Result<Json<EmbedTaskView>, Failure> {
    let option = option(&query.all(&["embedding_option"]))?;
    let task = task(&app, caller, &path).await?;
    let embedded = match task.state {
        EmbedState::Ready => Some(app.store.embedded(caller.workspace, task.id).await?),
        EmbedState::Processing | EmbedState::Failed => None,
    };
    Ok(Json(views::embed::task(&task, embedded, option, version)))
}

/// How the client calls the vectors that there are. Others may be asked for beside them, and are not there.
fn option<'a>(asked: &[&'a str]) -> Result<Option<&'a str>, Fault> {
    let known = asked.iter().copied().find(|name| OPTIONS.contains(name));
    if known.is_none() && !asked.is_empty() {
        return Err(Fault::because(Code::EmbeddingNotSupported, "There are no vectors of this kind.")
            .value(asked.join(", ").chars().take(120).collect::<String>())
            .rule("videos are embedded by what is seen: `visual-text`")
            .remedy("Ask for `visual-text`."));
    }
    Ok(known)
}
