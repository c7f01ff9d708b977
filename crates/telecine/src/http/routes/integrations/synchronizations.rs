//! Synchronizations: begun, watched, given up.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::{named, shapes};
use crate::app::App;
use crate::http::error::Failure;
use crate::http::openapi::{Page, PageQuery};
use crate::http::path::PathIds;
use crate::http::query::Query;
use crate::http::routes::absent;
use crate::http::views;
use crate::ids::{IntegrationId, SyncId};
use crate::integration::{self, SyncReport, SyncTrigger};
use crate::keys::Caller;

/// Lists the bucket and tells what is new; with `wait=false`, only begins to. It goes on when the client goes away.
#[utoipa::path(post, path = "/integrations/{integration_id}/synchronize", tag = "integrations",
    params(("wait" = Option<bool>, Query)),
    responses((status = 200, body = SyncReport), (status = 202, body = shapes::Synchronization)))]
pub(in crate::http) async fn synchronize(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
    query: Query,
) -> Result<Response, Failure> {
    let id: IntegrationId = path.id("integration_id")?;
    if query.flag("wait")?.unwrap_or(true) {
        let report = integration::synchronize(&app, caller.workspace, id, SyncTrigger::Manual).await?;
        return Ok(Json(json!(report.ok_or_else(|| absent("integration", id))?)).into_response());
    }
    let run = integration::begin_synchronization(&app, caller.workspace, id, SyncTrigger::Manual).await?;
    let run = run.ok_or_else(|| absent("integration", id))?;
    Ok((StatusCode::ACCEPTED, Json(views::inventory::run(&run))).into_response())
}

/// The last thousand synchronizations, newest first.
#[utoipa::path(get, path = "/integrations/{integration_id}/synchronizations", tag = "integrations", params(PageQuery),
    responses((status = 200, body = Page<shapes::Synchronization>)))]
pub(in crate::http) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
    query: Query,
) -> Result<Json<Page<Value>>, Failure> {
    let integration = named(&app, caller, &path).await?;
    let paging = query.paging()?;
    let runs = app.store.sync_runs(integration.id, paging).await?;
    let shown = runs.rows.iter().map(views::inventory::run).collect();
    Ok(Json(Page::new(shown, paging, runs.total)))
}

/// How far a synchronization has come.
#[utoipa::path(get, path = "/integrations/{integration_id}/synchronizations/{synchronization_id}", tag = "integrations",
    responses((status = 200, body = shapes::Synchronization)))]
pub(in crate::http) async fn get(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
) -> Result<Json<Value>, Failure> {
    let integration = named(&app, caller, &path).await?;
    let id: SyncId = path.id("synchronization_id")?;
    let run = app.store.sync_run(integration.id, id).await?;
    Ok(Json(views::inventory::run(&run.ok_or_else(|| absent("synchronization", id))?)))
}

/// Gives a synchronization up; what it found stays. One that has ended stays as it is.
#[utoipa::path(post, path = "/integrations/{integration_id}/synchronizations/{synchronization_id}/cancel",
    tag = "integrations", responses((status = 200, body = shapes::Synchronization)))]
pub(in crate::http) async fn cancel(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
) -> Result<Json<Value>, Failure> {
    let integration = named(&app, caller, &path).await?;
    let id: SyncId = path.id("synchronization_id")?;
    app.store.cancel_sync(integration.id, id, app.clock.now()).await?;
    let run = app.store.sync_run(integration.id, id).await?;
    Ok(Json(views::inventory::run(&run.ok_or_else(|| absent("synchronization", id))?)))
}
