//! `/embed-v2`: the newest shape of embeddings, JSON in and out, with faults inside of an object `error`.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use tokio::sync::Semaphore;

use super::embed::tasks::{self, CLIP_S};
use super::embed::{model_name, no_sounds};
use crate::app::App;
use crate::embedding::{self, EmbedRequest, EmbedState, Scope, Truncate};
use crate::fault::{Code, Fault, Result};
use crate::http::error::Failure;
use crate::http::openapi::{Page, PageQuery};
use crate::http::params::{Params, missing, pick};
use crate::http::path::PathIds;
use crate::http::query::Query;
use crate::http::version::ApiVersion;
use crate::http::views;
use crate::http::views::embed::{BegunV2, EmbedInput, EmbedQuery, EmbedTaskV2, EmbedV2Form, EmbeddedV2};
use crate::keys::Caller;
use crate::picture::{self, Picture, PictureInput};
use crate::transfer::create::VideoInput;

/// A picture of 32 MB in base64, and what is around it.
const MAX_BODY_BYTES: u64 = 48 << 20;
/// Such bodies are in memory: as many at once.
static BODIES: Semaphore = Semaphore::const_new(4);
const SCOPES: [(&str, Scope); 2] = [("clip", Scope::Clip), ("asset", Scope::Video)];

/// The object of the input type, and its name.
fn input<'a>(
    params: &'a Params,
    types: &[&'static str],
) -> Result<(&'static str, &'a Map<String, Value>), Fault> {
    let given = params.required_text("input_type")?;
    if given == "audio" {
        return Err(no_sounds("input_type audio"));
    }
    let known = types.iter().copied().find(|known| *known == given).ok_or_else(|| {
        let (message, remedy) = match given {
            "video" => ("A video is embedded by a task.", "Send it to /embed-v2/tasks."),
            "text" | "image" | "text_image" => ("This is embedded at once.", "Send it to /embed-v2."),
            _ => ("No model of this server embeds such inputs.", "Embed text, an image, both, or a video."),
        };
        Fault::because(Code::EmbeddingNotSupported, message)
            .value(format!("input_type {}", given.chars().take(120).collect::<String>()))
            .rule(format!("here: {}", types.join(", ")))
            .remedy(remedy)
    })?;
    let object = params.get(known).ok_or_else(|| missing(known))?;
    let object = object.as_object().ok_or_else(|| Fault::parameter(format!("{known} must be an object.")))?;
    Ok((known, object))
}

fn text<'a>(object: &'a Map<String, Value>, parameter: &str) -> Result<&'a str, Fault> {
    let text = object.get("input_text").filter(|text| !text.is_null()).ok_or_else(|| missing(parameter))?;
    text.as_str().ok_or_else(|| Fault::parameter(format!("The {parameter} parameter must be a text.")))
}

/// Where a medium is.
enum Media {
    Url(String),
    Bytes(Vec<u8>),
}

fn media(object: &Map<String, Value>, kind: &str) -> Result<Media, Fault> {
    let place = format!("{kind}.media_source");
    let source = object.get("media_source").and_then(Value::as_object).ok_or_else(|| missing(&place))?;
    let given = |name: &str| source.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    match (given("url"), given("base64_string"), given("asset_id")) {
        (Some(url), None, None) => Ok(Media::Url(url.to_owned())),
        (None, Some(encoded), None) => {
            // Some clients send a data URL.
            let encoded = encoded.split_once(";base64,").map_or(encoded, |(_, rest)| rest);
            let bytes = STANDARD.decode(encoded.trim()).map_err(|error| {
                Fault::parameter(format!("{place}.base64_string is not base64.")).value(error.to_string())
            })?;
            Ok(Media::Bytes(bytes))
        }
        (None, None, Some(_)) => Err(Fault::because(
            Code::EmbeddingNotSupported,
            format!("{place}.asset_id: assets are not embedded here."),
        )
        .remedy("Send the url, or the base64_string.")),
        _ => Err(Fault::parameter(format!("{place} must name one source."))
            .rule("exactly one of `url` and `base64_string`")),
    }
}

async fn picture(app: &App, object: &Map<String, Value>, kind: &str) -> Result<(Picture, EmbedInput)> {
    let (source, input) = match media(object, kind)? {
        Media::Url(url) => {
            let input = EmbedInput { input_url: Some(url.clone()), input_filename: None };
            (PictureInput::Url(url), input)
        }
        Media::Bytes(bytes) => (PictureInput::Bytes(bytes), EmbedInput::default()),
    };
    let place = format!("{kind}.media_source");
    Ok((picture::read(app, &place, &source, picture::MAX_BYTES_V1_3).await?, input))
}

/// Embeds a text, a picture, or both together. Refusals stand inside of an object `error`.
#[utoipa::path(post, path = "/embed-v2", tag = "embeddings", request_body = EmbedV2Form,
    responses((status = 200, body = EmbeddedV2)))]
pub(in crate::http) async fn create(
    State(app): State<Arc<App>>,
    _: Caller,
    request: Request,
) -> Result<Json<EmbeddedV2>, Failure> {
    let _permit = BODIES.acquire().await.map_err(anyhow::Error::from)?;
    let params = Params::read(request, MAX_BODY_BYTES).await?;
    let name = model_name(&app, &params, ApiVersion::V1_3)?;
    let (kind, object) = input(&params, &["text", "image", "text_image"])?;
    let engines = &app.engines;
    let (values, media) = match kind {
        "text" => {
            let text = text(object, "text.input_text")?;
            (embedding::text(engines, "text.input_text", text, Truncate::End).await?, None)
        }
        "image" => {
            let (picture, input) = picture(&app, object, kind).await?;
            (embedding::picture(engines, picture).await?, Some((kind, input)))
        }
        _ => {
            let words = text(object, "text_image.input_text")?;
            let (picture, input) = picture(&app, object, kind).await?;
            let both = embedding::both(engines, "text_image.input_text", picture, words).await?;
            (both, Some((kind, input)))
        }
    };
    Ok(Json(views::embed::answer_v2(&name, engines.see.model_id(), values, media)))
}

/// Takes a video on, to be embedded in the background.
#[utoipa::path(post, path = "/embed-v2/tasks", tag = "embeddings", request_body = EmbedV2Form,
    responses((status = 202, body = BegunV2)))]
pub(in crate::http) async fn begin(
    State(app): State<Arc<App>>,
    caller: Caller,
    request: Request,
) -> Result<(StatusCode, Json<BegunV2>), Failure> {
    let params = Params::read(request, app.config.server.max_body_bytes).await?;
    let model_name = model_name(&app, &params, ApiVersion::V1_3)?;
    let (kind, object) = input(&params, &["video"])?;
    let Media::Url(url) = media(object, kind)? else {
        return Err(Fault::because(Code::EmbeddingNotSupported, "A video is not taken as base64.")
            .value("video.media_source.base64_string")
            .remedy("Send the url, or the file to /embed/tasks.")
            .into());
    };
    let request = EmbedRequest {
        model_name,
        video: VideoInput::Url(url),
        clip_length_s: clip_length_s(object)?,
        scopes: scopes(object)?,
        start_s: number(object, "start_sec")?.unwrap_or(0.0),
        end_s: number(object, "end_sec")?,
    };
    options(object)?;
    let task = embedding::create(&app, caller.workspace, request).await?;
    Ok((StatusCode::ACCEPTED, Json(BegunV2 { id: task.id, status: task.state.as_str(), data: None })))
}

fn number(object: &Map<String, Value>, name: &str) -> Result<Option<f64>, Fault> {
    match object.get(name).filter(|value| !value.is_null()) {
        None => Ok(None),
        Some(value) => value
            .as_f64()
            .map(Some)
            .ok_or_else(|| Fault::parameter(format!("The video.{name} parameter must be a number."))),
    }
}

/// Clips have a fixed length: where a video would be cut by itself is told by an index's shots.
fn clip_length_s(object: &Map<String, Value>) -> Result<f64, Fault> {
    let Some(cut) = object.get("segmentation").and_then(Value::as_object) else { return Ok(CLIP_S) };
    if cut.get("strategy").and_then(Value::as_str) != Some("fixed") {
        let given = cut.get("strategy").map(Value::to_string).unwrap_or_default();
        return Err(Fault::because(Code::EmbeddingNotSupported, "Videos are cut into clips of one length.")
            .value(given.chars().take(120).collect::<String>())
            .rule("video.segmentation.strategy is `fixed`")
            .remedy("Ask for `fixed`, or index the video: its segments follow its shots."));
    }
    let fixed = cut.get("fixed").and_then(Value::as_object);
    Ok(fixed.map(|fixed| number(fixed, "duration_sec")).transpose()?.flatten().unwrap_or(CLIP_S))
}

fn names<'a>(object: &'a Map<String, Value>, name: &str) -> Result<Vec<&'a str>, Fault> {
    let Some(value) = object.get(name).filter(|value| !value.is_null()) else { return Ok(Vec::new()) };
    let names = value.as_array().and_then(|names| names.iter().map(Value::as_str).collect());
    names.ok_or_else(|| Fault::parameter(format!("The video.{name} parameter must be a list of texts.")))
}

fn scopes(object: &Map<String, Value>) -> Result<Vec<Scope>, Fault> {
    let names = names(object, "embedding_scope")?;
    if names.is_empty() {
        return Ok(vec![Scope::Clip, Scope::Video]);
    }
    names.into_iter().map(|name| pick("video.embedding_scope", name, &SCOPES)).collect()
}

/// What is seen is what there is; a client that wants only other things is told so.
fn options(object: &Map<String, Value>) -> Result<(), Fault> {
    let names = names(object, "embedding_option")?;
    if names.is_empty() || names.contains(&"visual") {
        return Ok(());
    }
    Err(no_sounds(&format!("video.embedding_option {}", names.join(", "))).remedy("Ask for `visual`."))
}

/// Embedding tasks, newest first, without their vectors.
#[utoipa::path(get, path = "/embed-v2/tasks", tag = "embeddings", params(PageQuery, EmbedQuery),
    responses((status = 200, body = Page<EmbedTaskV2>)))]
pub(in crate::http) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    query: Query,
) -> Result<Json<Page<EmbedTaskV2>>, Failure> {
    let paging = query.paging()?;
    let listed = app.store.embed_tasks(caller.workspace, &tasks::filter(&query)?, paging).await?;
    let rows = listed.rows.iter().map(|task| views::embed::task_v2(task, None));
    Ok(Json(Page::new(rows.collect(), paging, listed.total)))
}

/// An embedding task with its vectors, for a week.
#[utoipa::path(get, path = "/embed-v2/tasks/{task_id}", tag = "embeddings",
    responses((status = 200, body = EmbedTaskV2)))]
pub(in crate::http) async fn get(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
) -> Result<Json<EmbedTaskV2>, Failure> {
    let task = tasks::task(&app, caller, &path).await?;
    let embedded = match task.state {
        EmbedState::Ready => Some(app.store.embedded(caller.workspace, task.id).await?),
        EmbedState::Processing | EmbedState::Failed => None,
    };
    Ok(Json(views::embed::task_v2(&task, embedded)))
}
