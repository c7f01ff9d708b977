//! `/tasks/transfers` takes manifests; `/transfers` tells what became of them.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::io::AsyncRead;
use tokio::sync::mpsc;

use super::absent;
use crate::app::App;
use crate::fault::{Code, Fault, Result};
use crate::http::body::{announced_bytes, too_large};
use crate::http::error::Failure;
use crate::http::multipart::FormReader;
use crate::http::params::{Params, missing, pick};
use crate::http::path::PathIds;
use crate::http::query::Query;
use crate::http::streaming::{Begun, begin};
use crate::http::views;
use crate::ids::{TransferId, VideoId, WorkspaceId};
use crate::keys::Caller;
use crate::transfer::plan::{PlanEntry, PlanSummary, plan};
use crate::transfer::report::{ReportFormat, write_report};
use crate::transfer::status::status;
use crate::transfer::submit::{Submission, submit};
use crate::transfer::{Status, Transfer};

/// Plans that wait to be sent.
const PLANS: usize = 64;

/// `POST /tasks/transfers`: a manifest; with `?dry_run=true`, what would be done with it.
pub(in crate::http) async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    query: Query,
    request: Request,
) -> Result<Response, Failure> {
    let is_dry = query.flag("dry_run")?.unwrap_or(false);
    let manifest = manifest(&app, request).await?;
    if is_dry {
        return dry_run(&app, caller.workspace, manifest).await;
    }
    let submission = submit(&app, caller.workspace, manifest).await?;
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

fn accepted(submission: &Submission) -> Value {
    let Submission { transfer, entries, first_tasks } = submission;
    let task = |(id, index, object): &(crate::ids::TaskId, crate::ids::IndexId, String)| {
        json!({
            "_id": id,
            "video_id": VideoId::from(*id),
            "index_id": index,
            "object": object,
            "status": Status::Validating,
        })
    };
    json!({
        "message": "Successfully requested indexing tasks.",
        "type": "index_task_create",
        "transfer_id": transfer.id,
        "summary": {
            "entries": entries,
            "accepted": transfer.counts.total(),
            "repeated": transfer.repeated,
        },
        "tasks": first_tasks.iter().map(task).collect::<Vec<_>>(),
    })
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

/// `GET /transfers`.
pub(in crate::http) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    query: Query,
) -> Result<Json<Value>, Failure> {
    let paging = query.paging()?;
    let listed = app.store.transfers(caller.workspace, paging).await?;
    Ok(Json(views::page(listed.rows.iter().map(shown).collect(), paging, listed.total)))
}

fn shown(transfer: &Transfer) -> Value {
    json!({
        "_id": transfer.id,
        "state": transfer.state,
        "created_at": transfer.created_at,
        "ended_at": transfer.ended_at,
        "is_finished": transfer.is_over(),
        "total": transfer.counts.total(),
        "repeated": transfer.repeated,
        "counts": transfer.counts,
    })
}

/// `GET /transfers/{transfer_id}`: with its stages and the time left.
pub(in crate::http) async fn get(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
) -> Result<Json<Value>, Failure> {
    let id = path.id("transfer_id")?;
    let found = status(&app, caller.workspace, id).await?;
    Ok(Json(json!(found.ok_or_else(|| absent("transfer", id))?)))
}

/// `GET /transfers/{transfer_id}/report?format=`: every task.
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

/// `POST /transfers/{transfer_id}/retry`: another try for all failed tasks, or those with one code.
pub(in crate::http) async fn retry(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
    request: Request,
) -> Result<Json<Value>, Failure> {
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
    Ok(Json(json!({ "retried": retried })))
}

/// `POST /transfers/{transfer_id}/cancel`: gives up all tasks that are not final.
pub(in crate::http) async fn cancel(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
) -> Result<Json<Value>, Failure> {
    let id = path.id("transfer_id")?;
    let cancelled = app.store.cancel_transfer(caller.workspace, id, app.clock.now()).await?;
    Ok(Json(json!({ "cancelled": cancelled.ok_or_else(|| absent("transfer", id))? })))
}
