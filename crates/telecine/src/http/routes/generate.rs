//! `/gist`, `/summarize`, `/generate` and `/analyze`: text about a video, at once or piece by piece.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::{Map, Value};
use tokio::sync::mpsc;
use utoipa::ToSchema;

use super::absent;
use crate::app::App;
use crate::fault::{Error, Fault, Result};
use crate::generate::{
    AnswerRequest, GistType, PromptLimit, SummaryType, Told, answer, answer_at_once, gist as write_gist,
    summarize as write_summary,
};
use crate::http::error::Failure;
use crate::http::openapi::Lined;
use crate::http::params::{Params, missing, parse_id};
use crate::http::streaming::{Begun, begin};
use crate::http::version::ApiVersion;
use crate::http::views::generate::{AnswerView, GistView, StreamEvent, SummaryView};
use crate::ids::{AssetId, VideoId, WorkspaceId};
use crate::index::Family;
use crate::keys::Caller;
use crate::transfer::Status;

const GIST_TYPES: [(&str, GistType); 3] =
    [("title", GistType::Title), ("topic", GistType::Topic), ("hashtag", GistType::Hashtag)];
const SUMMARY_TYPES: [(&str, SummaryType); 3] = [
    ("summary", SummaryType::Summary),
    ("chapter", SummaryType::Chapter),
    ("highlight", SummaryType::Highlight),
];
/// Pieces that wait to be sent.
const PIECES: usize = 16;
/// Longest answer that may be asked for; less where the model takes in less.
const MAX_TOKENS: u32 = 4096;

/// What is wanted of a video.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the form of a body, for the document")]
struct NewGist {
    video_id: VideoId,
    /// Of `title`, `topic`, `hashtag`; only these come back.
    types: Vec<String>,
}

/// How a video is to be summarized.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the form of a body, for the document")]
struct NewSummary {
    video_id: VideoId,
    /// `summary`, `chapter` or `highlight`.
    r#type: String,
    /// What matters in it.
    prompt: Option<String>,
    /// 0 to 1 (default 0.2; 0.7 up to v1.2).
    temperature: Option<f32>,
}

/// A question about a video.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the form of a body, for the document")]
pub(super) struct NewAnswer {
    /// The video; or `video`.
    video_id: Option<VideoId>,
    #[schema(value_type = Option<Object>)]
    video: Option<Map<String, Value>>,
    /// The question; or `prompt_v2.input_text`.
    prompt: Option<String>,
    #[schema(value_type = Option<Object>)]
    prompt_v2: Option<Map<String, Value>>,
    /// 0 to 1 (default 0.2; 0.7 up to v1.2).
    temperature: Option<f32>,
    /// Piece by piece, as lines of JSON (default true; false for `/generate` up to v1.2).
    stream: Option<bool>,
    /// `{"type": "json_schema", "json_schema": {…}}`: the answer is JSON that fulfils it.
    #[schema(value_type = Option<Object>)]
    response_format: Option<Map<String, Value>>,
    /// Longest answer; a longer one ends with the reason `length`.
    max_tokens: Option<u32>,
    /// Only from here, in seconds.
    start_time: Option<f64>,
    /// Only up to here, in seconds.
    end_time: Option<f64>,
    /// Any pegasus.
    model_name: Option<String>,
}

/// Title, topics and hashtags of a video.
#[utoipa::path(post, path = "/gist", tag = "generate", request_body = NewGist, responses((status = 200, body = GistView)))]
pub(in crate::http) async fn gist(
    State(app): State<Arc<App>>,
    caller: Caller,
    request: Request,
) -> Result<Json<GistView>, Failure> {
    let params = Params::read(request, app.config.server.max_body_bytes).await?;
    let video = params.required_id("video_id")?;
    let names = params.texts("types")?;
    if names.is_empty() {
        return Err(missing("types").into());
    }
    let mut types = BTreeSet::new();
    for name in &names {
        types.insert(crate::http::params::pick("types", name, &GIST_TYPES)?);
    }
    Ok(Json(GistView::of(write_gist(&app, caller.workspace, video, &types).await?)))
}

/// A summary, the chapters or the highlights of a video.
#[utoipa::path(post, path = "/summarize", tag = "generate", request_body = NewSummary,
    responses((status = 200, body = SummaryView)))]
pub(in crate::http) async fn summarize(
    State(app): State<Arc<App>>,
    caller: Caller,
    version: ApiVersion,
    request: Request,
) -> Result<Json<SummaryView>, Failure> {
    let params = Params::read(request, app.config.server.max_body_bytes).await?;
    let video: VideoId = params.required_id("video_id")?;
    let kind = params.word("type", &SUMMARY_TYPES)?.ok_or_else(|| missing("type"))?;
    let temperature = temperature(&params, version)?;
    let wish = params.text("prompt")?.map(str::to_owned);
    if let Some(wish) = &wish {
        // The prompt is checked as those of questions are.
        question(video, wish.clone(), temperature).check(prompt_limit(version))?;
    }
    let made = write_summary(&app, caller.workspace, video, kind, wish.as_deref(), temperature).await?;
    Ok(Json(SummaryView::of(made)))
}

/// Answers a question about a video. The older name of `/analyze`.
#[utoipa::path(post, path = "/generate", tag = "generate", request_body = NewAnswer,
    responses((status = 200, content((AnswerView = "application/json"), (Lined = "application/x-ndjson")))))]
pub(in crate::http) async fn generate(
    State(app): State<Arc<App>>,
    caller: Caller,
    version: ApiVersion,
    request: Request,
) -> Result<Response, Failure> {
    respond(app, caller, version, request, version == ApiVersion::V1_3).await
}

/// Answers a question about a video.
#[utoipa::path(post, path = "/analyze", tag = "generate", request_body = NewAnswer,
    responses((status = 200, content((AnswerView = "application/json"), (Lined = "application/x-ndjson")))))]
pub(in crate::http) async fn analyze(
    State(app): State<Arc<App>>,
    caller: Caller,
    version: ApiVersion,
    request: Request,
) -> Result<Response, Failure> {
    respond(app, caller, version, request, true).await
}

async fn respond(
    app: Arc<App>,
    caller: Caller,
    version: ApiVersion,
    request: Request,
    streams: bool,
) -> Result<Response, Failure> {
    let params = Params::read(request, app.config.server.max_body_bytes).await?;
    model_name(&params)?;
    let request = answer_request(&app, caller.workspace, &params, version).await?;
    if params.flag("stream")?.unwrap_or(streams) {
        let work = async move |to| told(app, caller, request, to).await;
        let body = match begin(work).await? {
            Begun::Streaming(body) => body,
            Begun::Ended(()) => axum::body::Body::empty(),
        };
        return Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], body).into_response());
    }
    let answer = answer_at_once(&app, caller.workspace, &request).await?;
    Ok(Json(AnswerView::of(answer)).into_response())
}

/// Sends an answer as lines. What fails before the first line fails the request; after it, a line tells of it.
async fn told(app: Arc<App>, caller: Caller, request: AnswerRequest, to: mpsc::Sender<Bytes>) -> Result<()> {
    let (tell, mut told) = mpsc::channel(PIECES);
    let answering = async {
        let ended = answer(&app, caller.workspace, &request, &tell).await;
        drop(tell);
        ended
    };
    let sending = async {
        let mut begun = false;
        while let Some(told) = told.recv().await {
            let mut lines = Vec::new();
            match told {
                Told::Text(id, text) => {
                    if !std::mem::replace(&mut begun, true) {
                        lines.push(StreamEvent::start(id));
                    }
                    lines.push(StreamEvent::text(text));
                }
                Told::End(id, finish, usage) => {
                    if !std::mem::replace(&mut begun, true) {
                        lines.push(StreamEvent::start(id));
                    }
                    lines.push(StreamEvent::end(id, finish, usage));
                }
            }
            for line in lines {
                if to.send(line.line()).await.is_err() {
                    break;
                }
            }
        }
        begun
    };
    let both = async { tokio::join!(answering, sending) };
    let (ended, begun) = tokio::select! {
        both = both => both,
        // Whoever asked has hung up: the writer ends with these futures.
        () = to.closed() => return Ok(()),
    };
    match ended {
        Err(error) if begun => {
            let fault = match error {
                Error::Fault(fault) => *fault,
                Error::Internal(error) => {
                    tracing::error!(error = format!("{error:#}"), "an answer broke off");
                    Fault::new(crate::fault::Code::InternalServerError)
                }
            };
            // Nobody may be there to hear it.
            let _ = to.send(StreamEvent::error(&fault).line()).await;
            Ok(())
        }
        ended => ended,
    }
}

/// The question in a body.
pub(super) async fn answer_request(
    app: &App,
    workspace: WorkspaceId,
    params: &Params,
    version: ApiVersion,
) -> Result<AnswerRequest> {
    let prompt = prompt(params)?;
    let request = AnswerRequest {
        start_s: params.number("start_time")?,
        end_s: params.number("end_time")?,
        max_tokens: max_tokens(params)?,
        schema: schema(params)?,
        ..question(video(app, workspace, params).await?, prompt, temperature(params, version)?)
    };
    request.check(prompt_limit(version))?;
    Ok(request)
}

fn question(video: VideoId, prompt: String, temperature: f32) -> AnswerRequest {
    AnswerRequest { video, prompt, start_s: None, end_s: None, temperature, max_tokens: None, schema: None }
}

fn prompt_limit(version: ApiVersion) -> PromptLimit {
    match version {
        ApiVersion::V1_1 | ApiVersion::V1_2 => PromptLimit::Chars(1_500),
        ApiVersion::V1_3 => PromptLimit::Tokens(2_000),
    }
}

fn prompt(params: &Params) -> Result<String, Fault> {
    if let Some(prompt) = params.text("prompt")? {
        return Ok(prompt.to_owned());
    }
    let structured = ["prompt_v2", "prompt_v_2"].into_iter().find_map(|name| params.object(name).transpose());
    let Some(structured) = structured.transpose()? else { return Err(missing("prompt")) };
    if structured
        .get("media_sources")
        .is_some_and(|sources| sources.as_array().is_none_or(|list| !list.is_empty()))
    {
        return Err(Fault::parameter("Pictures in prompts are not understood here.")
            .value("prompt_v2.media_sources")
            .remedy("Ask by words alone."));
    }
    let text = structured.get("input_text").and_then(Value::as_str).filter(|text| !text.trim().is_empty());
    text.map(str::to_owned).ok_or_else(|| missing("prompt_v2.input_text"))
}

/// The video, which must lie in an index: what it says is known only then. An asset stands for the video that was last made
/// of it.
async fn video(app: &App, workspace: WorkspaceId, params: &Params) -> Result<VideoId> {
    if let Some(id) = params.id("video_id")? {
        return Ok(id);
    }
    let Some(video) = params.object("video")? else { return Err(missing("video_id").into()) };
    let text = |name: &str| video.get(name).and_then(Value::as_str).unwrap_or_default();
    let remedy = "Put the video into an index with a pegasus engine (POST /tasks, or POST \
        /indexes/{index-id}/indexed-assets); then give its video_id, or its asset_id.";
    if text("type") != "asset_id" {
        return Err(Fault::parameter("Only a video in an index can be asked about here.")
            .value(format!("video.type = {}", text("type").chars().take(60).collect::<String>()))
            .rule("`video_id`, or a `video` of the type `asset_id`")
            .remedy(remedy)
            .into());
    }
    let id: AssetId = parse_id("video.asset_id", text("asset_id"))?;
    app.store.asset(workspace, id).await?.ok_or_else(|| absent("asset", id))?;
    match app.store.newest_reference(workspace, id).await? {
        Some((task, Status::Ready)) => Ok(task),
        other => {
            let state = other.map_or("in no index", |(_, status)| status.as_str());
            Err(Fault::parameter("The asset is in no index, or not yet.").value(state).remedy(remedy).into())
        }
    }
}

pub(super) fn model_name(params: &Params) -> Result<&str, Fault> {
    let name = params.text("model_name")?.unwrap_or("pegasus1.2");
    if Family::of(name) == Some(Family::Pegasus) {
        return Ok(name);
    }
    Err(Fault::parameter("The model_name parameter names no model that writes.")
        .value(name.chars().take(60).collect::<String>())
        .rule("pegasus with a version, such as pegasus1.2"))
}

fn temperature(params: &Params, version: ApiVersion) -> Result<f32, Fault> {
    let default = if version == ApiVersion::V1_3 { 0.2 } else { 0.7 };
    let temperature = params.number("temperature")?.unwrap_or(default);
    if (0.0..=1.0).contains(&temperature) {
        return Ok(temperature as f32);
    }
    Err(Fault::parameter("The temperature parameter is out of range.")
        .value(temperature.to_string())
        .rule("a number from 0 to 1"))
}

fn max_tokens(params: &Params) -> Result<Option<u32>, Fault> {
    let Some(tokens) = params.number("max_tokens")? else { return Ok(None) };
    if tokens.fract() == 0.0 && (1.0..=f64::from(u32::MAX)).contains(&tokens) {
        return Ok(Some((tokens as u32).min(MAX_TOKENS)));
    }
    Err(Fault::parameter("The max_tokens parameter is out of range.")
        .value(tokens.to_string())
        .rule("a whole number from 1"))
}

/// The schema, which stands in `json_schema` itself, or below it as OpenAI has it.
fn schema(params: &Params) -> Result<Option<Value>, Fault> {
    let Some(format) = params.object("response_format")? else { return Ok(None) };
    let kind = format.get("type").and_then(Value::as_str).unwrap_or("json_schema");
    if kind != "json_schema" {
        return Err(Fault::parameter("The response_format parameter is of a type that is not known.")
            .value(kind.chars().take(60).collect::<String>())
            .rule("`json_schema`"));
    }
    let schema = format.get("json_schema").ok_or_else(|| missing("response_format.json_schema"))?;
    let nested = schema.get("schema").filter(|inner| inner.is_object() && schema.get("type").is_none());
    Ok(Some(nested.unwrap_or(schema).clone()))
}
