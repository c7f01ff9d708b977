//! `/tasks/transfers` takes manifests; `/transfers` tells what became of them.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Serialize;
use serde_json::json;
use tokio::io::AsyncRead;
use tokio::sync::mpsc;
use utoipa::ToSchema;

use super::absent;
use crate::app::App;
use crate::fault::{Code, Fault, Result};
use crate::http::body::{announced_bytes, too_large};
use crate::http::error::Failure;
use crate::http::idempotency::ReservedId;
use crate::http::multipart::FormReader;
use crate::http::openapi::{FormFile, Page, PageQuery};
use crate::http::params::{Params, missing, pick};
use crate::http::path::PathIds;
use crate::http::query::Query;
use crate::http::streaming::{Begun, begin};
use crate::ids::{IndexId, TaskId, TransferId, VideoId, WorkspaceId};
use crate::keys::Caller;
use crate::time::Timestamp;
use crate::transfer::plan::{PlanEntry, PlanSummary, plan};
use crate::transfer::report::ReportRow;
use crate::transfer::report::{ReportFormat, write_report};
use crate::transfer::status::{TransferStatus, status};
use crate::transfer::submit::{Submission, submit};
use crate::transfer::{Counts, Status, Transfer, TransferState};

/// Plans that wait to be sent.
const PLANS: usize = 64;

/// A manifest.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the form of a body, for the document")]
struct ManifestForm {
    /// A JSON array of `{index_id, language, object, transcription?}`.
    file: FormFile,
}

/// What became of a manifest: what was taken, or with `dry_run` what would be.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "plans are streamed: for the document")]
enum TransferAnswer {
    Accepted(AcceptedTransfer),
    Plan(TransferPlan),
}

/// What would be done with a manifest.
#[derive(Serialize, ToSchema)]
struct TransferPlan {
    /// `transfer_plan`.
    #[schema(value_type = String)]
    r#type: &'static str,
    entries: Vec<PlanEntry>,
    summary: PlanSummary,
}

/// A manifest that was taken: its tasks are on disk.
#[derive(Serialize, ToSchema)]
struct AcceptedTransfer {
    #[schema(value_type = String)]
    message: &'static str,
    /// `index_task_create`.
    #[schema(value_type = String)]
    r#type: &'static str,
    transfer_id: TransferId,
    summary: AcceptedSummary,
    /// The first thousand.
    tasks: Vec<AcceptedTask>,
}

#[derive(Serialize, ToSchema)]
struct AcceptedSummary {
    entries: u64,
    accepted: u64,
    /// Entries that name what an earlier one named.
    repeated: u64,
}

#[derive(Serialize, ToSchema)]
struct AcceptedTask {
    #[serde(rename = "_id")]
    id: TaskId,
    video_id: VideoId,
    index_id: IndexId,
    object: String,
    status: Status,
}

/// Takes a manifest: a task for each of its videos, all of them or none. With `dry_run=true`, tells what would be done.
#[utoipa::path(post, path = "/tasks/transfers", tag = "transfers",
    params(("dry_run" = Option<bool>, Query)),
    request_body(content = ManifestForm, content_type = "multipart/form-data"),
    responses((status = 200, body = TransferAnswer)))]
pub(in crate::http) async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    query: Query,
    request: Request,
) -> Result<Response, Failure> {
    let is_dry = query.flag("dry_run")?.unwrap_or(false);
    let id = request.extensions().get::<ReservedId>().map(|reserved| TransferId::from_bytes(reserved.0));
    let manifest = manifest(&app, request).await?;
    if is_dry {
        return dry_run(&app, caller.workspace, manifest).await;
    }
    let submission = submit(&app, caller.workspace, manifest, id).await?;
    Ok(Json(accepted(&submission)).into_response())
}

/// The part `file`, as it comes in.
async fn manifest(app: &App, request: Request) -> Result<impl AsyncRead + Send + Unpin + 'static> {
    let (limit_bytes, around) = (app.config.server.max_manifest_bytes, app.config.server.max_body_bytes);
    if let Some(announced) = announced_bytes(request.headers()).filter(|&bytes| bytes > limit_bytes + around)
    {
        return Err(too_large(limit_bytes).value(format!("{announced} bytes")).into());
    }
    let mut form = FormReader::open(request, &["file"], around)?;
    let file =
        form.next_file().await?.ok_or_else(|| missing("file").rule("one part `file` with the manifest"))?;
    Ok(file.into_reader())
}

fn accepted(submission: &Submission) -> AcceptedTransfer {
    let Submission { transfer, entries, first_tasks } = submission;
    let task = |(id, index, object): &(TaskId, IndexId, String)| AcceptedTask {
        id: *id,
        video_id: VideoId::from(*id),
        index_id: *index,
        object: object.clone(),
        status: Status::Validating,
    };
    let accepted = transfer.counts.total();
    AcceptedTransfer {
        message: "Successfully requested indexing tasks.",
        r#type: "index_task_create",
        transfer_id: transfer.id,
        summary: AcceptedSummary { entries: *entries, accepted, repeated: transfer.repeated },
        tasks: first_tasks.iter().map(task).collect(),
    }
}

async fn dry_run(
    app: &Arc<App>,
    workspace: WorkspaceId,
    manifest: impl AsyncRead + Send + Unpin + 'static,
) -> Result<Response, Failure> {
    let app = Arc::clone(app);
    let begun = begin(move |to| tell_plan(app, workspace, manifest, to));
    match begun.await? {
        Begun::Streaming(body) => Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response()),
        Begun::Ended(summary) => {
            Ok(Json(json!({ "type": "transfer_plan", "entries": [], "summary": summary })).into_response())
        }
    }
}

/// Writes the plan as JSON while it is made.
async fn tell_plan(
    app: Arc<App>,
    workspace: WorkspaceId,
    manifest: impl AsyncRead + Send + Unpin + 'static,
    to: mpsc::Sender<Bytes>,
) -> Result<PlanSummary> {
    let (plans, planned) = mpsc::channel(PLANS);
    let (summary, ()) = tokio::join!(plan(&app, workspace, manifest, plans), tell_entries(planned, &to));
    let summary = summary?;
    // Whoever does not listen any more does not miss it.
    let _ = to.send(format!("],\"summary\":{}}}", json!(summary)).into()).await;
    Ok(summary)
}

async fn tell_entries(mut planned: mpsc::Receiver<PlanEntry>, to: &mpsc::Sender<Bytes>) {
    let mut before = "{\"type\":\"transfer_plan\",\"entries\":[".to_owned();
    while let Some(entry) = planned.recv().await {
        let part = format!("{before}{}", json!(entry));
        before = ",".to_owned();
        // When nobody listens any more, the planner's next entry finds no taker, and it stops.
        if to.send(part.into()).await.is_err() {
            break;
        }
    }
}

/// A transfer, in short.
#[derive(Serialize, ToSchema)]
#[schema(as = Transfer)]
pub(in crate::http) struct TransferView {
    #[serde(rename = "_id")]
    id: TransferId,
    state: TransferState,
    created_at: Timestamp,
    ended_at: Option<Timestamp>,
    paused_at: Option<Timestamp>,
    is_finished: bool,
    total: u64,
    repeated: u64,
    counts: Counts,
}

/// The transfers of the workspace, newest first.
#[utoipa::path(get, path = "/transfers", tag = "transfers", params(PageQuery),
    responses((status = 200, body = Page<TransferView>)))]
pub(in crate::http) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    query: Query,
) -> Result<Json<Page<TransferView>>, Failure> {
    let paging = query.paging()?;
    let listed = app.store.transfers(caller.workspace, paging).await?;
    Ok(Json(Page::new(listed.rows.iter().map(shown).collect(), paging, listed.total)))
}

fn shown(transfer: &Transfer) -> TransferView {
    TransferView {
        id: transfer.id,
        state: transfer.state,
        created_at: transfer.created_at,
        ended_at: transfer.ended_at,
        paused_at: transfer.paused_at,
        is_finished: transfer.is_over(),
        total: transfer.counts.total(),
        repeated: transfer.repeated,
        counts: transfer.counts,
    }
}

/// A transfer, with its stages and the time left.
#[utoipa::path(get, path = "/transfers/{transfer_id}", tag = "transfers",
    responses((status = 200, body = TransferStatus)))]
pub(in crate::http) async fn get(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
) -> Result<Json<TransferStatus>, Failure> {
    let id = path.id("transfer_id")?;
    let found = status(&app, caller.workspace, id).await?;
    Ok(Json(found.ok_or_else(|| absent("transfer", id))?))
}

/// Every task of a transfer, streamed.
#[utoipa::path(get, path = "/transfers/{transfer_id}/report", tag = "transfers",
    params(("format" = Option<String>, Query, description = "`json`, `jsonl` or `csv`")),
    responses((status = 200, content(
        (Vec<ReportRow> = "application/json"),
        (String = "application/x-ndjson"),
        (String = "text/csv"),
    ))))]
pub(in crate::http) async fn report(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
    query: Query,
) -> Result<Response, Failure> {
    let id: TransferId = path.id("transfer_id")?;
    let formats = [("json", ReportFormat::Json), ("jsonl", ReportFormat::Jsonl), ("csv", ReportFormat::Csv)];
    let format = query.get("format").map(|name| pick("format", name, &formats)).transpose()?;
    let format = format.unwrap_or(ReportFormat::Json);
    let workspace = caller.workspace;
    let begun = begin(async move |to| write_report(&app, workspace, id, format, to).await).await?;
    let content_type = [(header::CONTENT_TYPE, format.content_type())];
    match begun {
        Begun::Streaming(body) => Ok((content_type, body).into_response()),
        Begun::Ended(true) => Ok(content_type.into_response()),
        Begun::Ended(false) => Err(absent("transfer", id).into()),
    }
}

/// Which failed tasks get another try.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the form of a body, for the document")]
struct Retry {
    /// Those that failed with this code; all unless given.
    code: Option<String>,
}

/// How many tasks get another try.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct Retried {
    retried: u64,
}

/// How many tasks were given up.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct Cancelled {
    cancelled: u64,
}

/// Another try for all failed tasks, or those with one code.
#[utoipa::path(post, path = "/transfers/{transfer_id}/retry", tag = "transfers", request_body = Option<Retry>,
    responses((status = 200, body = Retried)))]
pub(in crate::http) async fn retry(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
    request: Request,
) -> Result<Json<Retried>, Failure> {
    let id = path.id("transfer_id")?;
    let params = Params::read(request, app.config.server.max_body_bytes).await?;
    let code = params.text("code")?;
    if let Some(unknown) = code.filter(|code| Code::parse(code).is_none()) {
        let fault = Fault::parameter("The code parameter is not a code that tasks fail with.");
        return Err(fault.value(unknown.chars().take(120).collect::<String>()).into());
    }
    let now = app.clock.now();
    let retried = app.store.retry_transfer(caller.workspace, id, code, now).await?;
    let retried = retried.ok_or_else(|| absent("transfer", id))?;
    app.queue.wake();
    Ok(Json(Retried { retried }))
}

/// Begins none of its tasks any more, until it is resumed; what is in hand goes on to its end. Paused already, it stays so.
#[utoipa::path(post, path = "/transfers/{transfer_id}/pause", tag = "transfers",
    responses((status = 200, body = TransferStatus)))]
pub(in crate::http) async fn pause(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
) -> Result<Json<TransferStatus>, Failure> {
    let id = path.id("transfer_id")?;
    app.store.pause_transfer(caller.workspace, id, app.clock.now()).await?;
    let told = status(&app, caller.workspace, id).await?;
    Ok(Json(told.ok_or_else(|| absent("transfer", id))?))
}

/// Goes on with a transfer that is paused.
#[utoipa::path(post, path = "/transfers/{transfer_id}/resume", tag = "transfers",
    responses((status = 200, body = TransferStatus)))]
pub(in crate::http) async fn resume(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
) -> Result<Json<TransferStatus>, Failure> {
    let id = path.id("transfer_id")?;
    app.store.resume_transfer(caller.workspace, id, app.clock.now()).await?;
    app.queue.wake();
    let told = status(&app, caller.workspace, id).await?;
    Ok(Json(told.ok_or_else(|| absent("transfer", id))?))
}

/// Gives up all tasks that are not final.
#[utoipa::path(post, path = "/transfers/{transfer_id}/cancel", tag = "transfers",
    responses((status = 200, body = Cancelled)))]
pub(in crate::http) async fn cancel(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
) -> Result<Json<Cancelled>, Failure> {
    let id = path.id("transfer_id")?;
    let cancelled = app.store.cancel_transfer(caller.workspace, id, app.clock.now()).await?;
    Ok(Json(Cancelled { cancelled: cancelled.ok_or_else(|| absent("transfer", id))? }))
}
