//! `/analyze/tasks` and `/analyze/batches`: questions that are answered in the background.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::absent;
use super::generate::{NewAnswer, answer_request, model_name};
use crate::app::App;
use crate::fault::{Error, Fault, Result};
use crate::generate::{
    BatchState, JobFilter, JobRequest, JobState, MAX_BATCH, cancel_batch, cancel_job, create_batch,
    create_job, delete_batch, delete_job,
};
use crate::http::error::Failure;
use crate::http::openapi::{Lined, Page, PageQuery};
use crate::http::params::{Params, missing, pick};
use crate::http::path::PathIds;
use crate::http::query::Query;
use crate::http::streaming::{Begun, begin};
use crate::http::version::ApiVersion;
use crate::http::views::analysis::{
    AnalysisView, BatchView, BegunView, GoneView, MadeBatchView, result_line,
};
use crate::ids::{AnalysisId, BatchId};
use crate::keys::Caller;

/// Results that are read at once.
const ROWS: u32 = 100;
/// Bytes of a batch.
const MAX_BATCH_BYTES: u64 = 16 << 20;

/// Questions that are handed in together.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the form of a body, for the document")]
struct NewBatch {
    /// Any pegasus.
    model_name: String,
    /// `general`.
    analysis_mode: Option<String>,
    /// Up to 1000, each with `video_id` and whatever differs from the defaults.
    #[schema(value_type = Vec<Object>)]
    requests: Vec<Value>,
    /// What goes for all that do not say otherwise.
    #[schema(value_type = Option<Object>)]
    defaults: Option<Map<String, Value>>,
}

/// Takes a question; its answer is written in the background.
#[utoipa::path(post, path = "/analyze/tasks", tag = "generate", request_body = NewAnswer,
    responses((status = 202, body = BegunView)))]
pub(in crate::http) async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    version: ApiVersion,
    request: Request,
) -> Result<(StatusCode, Json<BegunView>), Failure> {
    let params = Params::read(request, app.config.server.max_body_bytes).await?;
    general(&params)?;
    let model_name = model_name(&params)?.to_owned();
    let answer = answer_request(&app, caller.workspace, &params, version).await?;
    let request = JobRequest { model_name, answer };
    let custom_id = params.text("custom_id")?.map(str::to_owned);
    let id = create_job(&app, caller.workspace, custom_id, request).await?;
    Ok((StatusCode::ACCEPTED, Json(BegunView::of(id, JobState::Queued))))
}

/// The analyses, newest first.
#[utoipa::path(get, path = "/analyze/tasks", tag = "generate",
    params(PageQuery, ("status" = Option<String>, Query, description = "One or several."),
        ("video_id" = Option<String>, Query, description = "Of this video.")),
    responses((status = 200, body = Page<AnalysisView>)))]
pub(in crate::http) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    query: Query,
) -> Result<Json<Page<AnalysisView>>, Failure> {
    let mut states = Vec::new();
    for name in query.all(&["status"]) {
        // In the contract, and never so here.
        if name != "pending" {
            states.push(pick("status", name, &JobState::ALL.map(|state| (state.as_str(), state)))?);
        }
    }
    let paging = query.paging()?;
    // What other filters ask for, there is not here: analyses are of videos in indexes, and all of the general mode.
    let asks_for_others = ["video_url", "asset_id"].into_iter().any(|name| query.get(name).is_some())
        || query.all(&["analysis_mode"]).iter().any(|mode| *mode != "general")
        || (states.is_empty() && query.get("status").is_some());
    if asks_for_others {
        return Ok(Json(Page::new(Vec::new(), paging, 0)));
    }
    let filter = JobFilter { states, video: query.id("video_id")? };
    let found = app.store.jobs(caller.workspace, &filter, paging).await?;
    Ok(Json(Page::new(found.rows.into_iter().map(AnalysisView::of).collect(), paging, found.total)))
}

/// An analysis, with its result when it is ready.
#[utoipa::path(get, path = "/analyze/tasks/{task_id}", tag = "generate",
    responses((status = 200, body = AnalysisView)))]
pub(in crate::http) async fn get(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
) -> Result<Json<AnalysisView>, Failure> {
    let id: AnalysisId = path.id("task_id")?;
    let job = app.store.job(caller.workspace, id).await?;
    Ok(Json(AnalysisView::of(job.ok_or_else(|| absent("analysis", id))?)))
}

/// Deletes an analysis that is over.
#[utoipa::path(delete, path = "/analyze/tasks/{task_id}", tag = "generate",
    responses((status = 200, body = GoneView)))]
pub(in crate::http) async fn delete(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
) -> Result<Json<GoneView>, Failure> {
    let id: AnalysisId = path.id("task_id")?;
    gone(delete_job(&app, caller.workspace, id).await?, "analysis", id)
}

/// Cancels an analysis that is not over.
#[utoipa::path(post, path = "/analyze/tasks/{task_id}/cancel", tag = "generate",
    responses((status = 200, body = BegunView)))]
pub(in crate::http) async fn cancel(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
) -> Result<Json<BegunView>, Failure> {
    let id: AnalysisId = path.id("task_id")?;
    if cancel_job(&app, caller.workspace, id).await? {
        return Ok(Json(BegunView::of(id, JobState::Canceled)));
    }
    Err(absent("analysis", id).into())
}

/// Takes many questions at once.
#[utoipa::path(post, path = "/analyze/batches", tag = "generate", request_body = NewBatch,
    responses((status = 202, body = MadeBatchView)))]
pub(in crate::http) async fn create_many(
    State(app): State<Arc<App>>,
    caller: Caller,
    version: ApiVersion,
    request: Request,
) -> Result<(StatusCode, Json<MadeBatchView>), Failure> {
    let params = Params::read(request, MAX_BATCH_BYTES.max(app.config.server.max_body_bytes)).await?;
    general(&params)?;
    let model = model_name(&params)?.to_owned();
    let defaults = params.object("defaults")?.unwrap_or_default();
    let requests = params.get("requests").ok_or_else(|| missing("requests"))?.as_array();
    let requests = requests.ok_or_else(|| Fault::parameter("The requests parameter must be a list."))?;
    if requests.len() > MAX_BATCH {
        return Err(Fault::parameter("The requests parameter holds too many.")
            .value(requests.len().to_string())
            .rule(format!("at most {MAX_BATCH}"))
            .into());
    }
    let mut items = Vec::new();
    for (number, request) in requests.iter().enumerate() {
        let params = item(request, &defaults).map_err(|fault| placed(number, fault))?;
        let answer = answer_request(&app, caller.workspace, &params, version).await;
        let answer = answer.map_err(|error| match error {
            Error::Fault(fault) => placed(number, *fault).into(),
            other => other,
        })?;
        let custom_id = params.text("custom_id")?.map(str::to_owned);
        items.push((custom_id, JobRequest { model_name: model.clone(), answer }));
    }
    let (batch, jobs) = create_batch(&app, caller.workspace, &model, items).await?;
    Ok((StatusCode::ACCEPTED, Json(MadeBatchView::of(batch, jobs))))
}

/// A request of a batch, with what the defaults say. Its prompt is an object there.
fn item(request: &Value, defaults: &Map<String, Value>) -> Result<Params, Fault> {
    let own = request.as_object().ok_or_else(|| Fault::parameter("A request must be an object."))?;
    let mut all = defaults.clone();
    all.extend(
        own.iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| (name.clone(), value.clone())),
    );
    if all.get("prompt").is_some_and(Value::is_object) {
        let prompt = all.remove("prompt").unwrap_or_default();
        all.insert("prompt_v2".to_owned(), prompt);
    }
    Ok(Params::of(all))
}

fn placed(number: usize, fault: Fault) -> Fault {
    let message = format!("Request {number} of the batch: {}", fault.message);
    Fault { message, ..fault }
}

/// The batches, newest first.
#[utoipa::path(get, path = "/analyze/batches", tag = "generate",
    params(PageQuery, ("status" = Option<String>, Query, description = "One or several.")),
    responses((status = 200, body = Page<BatchView>)))]
pub(in crate::http) async fn list_batches(
    State(app): State<Arc<App>>,
    caller: Caller,
    query: Query,
) -> Result<Json<Page<BatchView>>, Failure> {
    let mut states = Vec::new();
    for name in query.all(&["status"]) {
        states.push(pick("status", name, &BatchState::ALL.map(|state| (state.as_str(), state)))?);
    }
    let paging = query.paging()?;
    let modes = query.all(&["analysis_mode"]);
    if !modes.is_empty() && !modes.contains(&"general") {
        return Ok(Json(Page::new(Vec::new(), paging, 0)));
    }
    let found = app.store.batches(caller.workspace, &states, paging).await?;
    Ok(Json(Page::new(found.rows.into_iter().map(BatchView::of).collect(), paging, found.total)))
}

/// A batch, and where its analyses stand.
#[utoipa::path(get, path = "/analyze/batches/{batch_id}", tag = "generate", responses((status = 200, body = BatchView)))]
pub(in crate::http) async fn get_batch(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
) -> Result<Json<BatchView>, Failure> {
    let id: BatchId = path.id("batch_id")?;
    let batch = app.store.batch(caller.workspace, id).await?;
    Ok(Json(BatchView::of(batch.ok_or_else(|| absent("batch", id))?)))
}

/// Deletes a batch that is over, with its analyses.
#[utoipa::path(delete, path = "/analyze/batches/{batch_id}", tag = "generate",
    responses((status = 200, body = GoneView)))]
pub(in crate::http) async fn remove_batch(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
) -> Result<Json<GoneView>, Failure> {
    let id: BatchId = path.id("batch_id")?;
    gone(delete_batch(&app, caller.workspace, id).await?, "batch", id)
}

/// Cancels what of a batch was not begun.
#[utoipa::path(post, path = "/analyze/batches/{batch_id}/cancel", tag = "generate",
    responses((status = 200, body = BatchView)))]
pub(in crate::http) async fn stop_batch(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
) -> Result<Json<BatchView>, Failure> {
    let id: BatchId = path.id("batch_id")?;
    let batch = cancel_batch(&app, caller.workspace, id).await?;
    Ok(Json(BatchView::of(batch.ok_or_else(|| absent("batch", id))?)))
}

/// What came of each analysis of a batch so far, a line each.
#[utoipa::path(get, path = "/analyze/batches/{batch_id}/results", tag = "generate",
    responses((status = 200, body = Lined, content_type = "application/x-ndjson")))]
pub(in crate::http) async fn results(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
) -> Result<Response, Failure> {
    let id: BatchId = path.id("batch_id")?;
    app.store.batch(caller.workspace, id).await?.ok_or_else(|| absent("batch", id))?;
    let begun = begin(async move |to| {
        let mut after = None;
        loop {
            let jobs = app.store.jobs_after(id, after, ROWS).await?;
            let Some(last) = jobs.last() else { return Ok(()) };
            after = Some(last.id);
            for job in jobs {
                if to.send(Bytes::from(result_line(job))).await.is_err() {
                    return Ok(());
                }
            }
        }
    });
    let body = match begun.await? {
        Begun::Streaming(body) => body,
        Begun::Ended(()) => Body::empty(),
    };
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], body).into_response())
}

fn gone(was_there: bool, noun: &str, id: impl std::fmt::Display) -> Result<Json<GoneView>, Failure> {
    if was_there { Ok(Json(GoneView {})) } else { Err(absent(noun, id).into()) }
}

/// Only this mode is known here.
fn general(params: &Params) -> Result<(), Fault> {
    match params.text("analysis_mode")? {
        None | Some("general") => Ok(()),
        Some(other) => {
            Err(Fault::parameter("The analysis_mode parameter names a mode that is not known here.")
                .value(other.chars().take(60).collect::<String>())
                .rule("`general`")
                .remedy("For parts with times, use POST /summarize with the type `chapter`."))
        }
    }
}
