//! `/integrations`: connected buckets.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::{NOTHING, absent};
use crate::app::App;
use crate::fault::{Error, Result};
use crate::http::error::Failure;
use crate::http::params::{Params, missing};
use crate::http::path::PathIds;
use crate::http::query::Query;
use crate::http::streaming::{Begun, begin};
use crate::http::views;
use crate::ids::IntegrationId;
use crate::integration::{self, Integration, ManifestRequest, NewIntegration};
use crate::keys::Caller;

/// `POST /integrations`.
pub(in crate::http) async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    request: Request,
) -> Result<(StatusCode, Json<Value>), Failure> {
    let params = Params::read(request, app.config.server.max_body_bytes).await?;
    let text = |name| params.text(name).map(|text| text.map(str::to_owned));
    let new = NewIntegration {
        provider: text("provider")?.unwrap_or_default(),
        bucket: params.required_text("bucket")?.to_owned(),
        account_id: text("account_id")?,
        role_name: text("role_name")?,
        path: text("path")?,
    };
    let made = integration::create(&app, caller.workspace, new).await?;
    Ok((StatusCode::CREATED, Json(shown(&app, &made).await?)))
}

async fn shown(app: &Arc<App>, integration: &Integration) -> Result<Value> {
    let trust = match integration::trust_document(app, integration).await {
        Ok(document) => Ok(document),
        Err(Error::Fault(fault)) => Err(*fault),
        Err(internal) => return Err(internal),
    };
    Ok(views::integration::integration(integration, &trust))
}

/// The integration that a path names.
async fn named(app: &App, caller: Caller, path: &PathIds) -> Result<Integration> {
    let id: IntegrationId = path.id("integration_id")?;
    let found = app.store.integration(caller.workspace, id).await?;
    Ok(found.ok_or_else(|| absent("integration", id))?)
}

/// `GET /integrations`: all, oldest first.
pub(in crate::http) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
) -> Result<Json<Value>, Failure> {
    let mut data = Vec::new();
    for integration in app.store.integrations(caller.workspace).await? {
        data.push(shown(&app, &integration).await?);
    }
    Ok(Json(json!({ "data": data })))
}

/// `GET /integrations/{integration_id}`.
pub(in crate::http) async fn get(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
) -> Result<Json<Value>, Failure> {
    let integration = named(&app, caller, &path).await?;
    Ok(Json(shown(&app, &integration).await?))
}

/// `DELETE /integrations/{integration_id}`: videos stay.
pub(in crate::http) async fn delete(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
) -> Result<StatusCode, Failure> {
    let id = path.id("integration_id")?;
    let deleted = app.store.delete_integration(caller.workspace, id).await?;
    if deleted { Ok(NOTHING) } else { Err(absent("integration", id).into()) }
}

/// `POST /integrations/{integration_id}/verify`: the checklist is in the answer; its status tells how it went.
pub(in crate::http) async fn verify(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
) -> Result<Json<Value>, Failure> {
    let id = path.id("integration_id")?;
    let verified = integration::verify(&app, caller.workspace, id).await?;
    let verified = verified.ok_or_else(|| absent("integration", id))?;
    Ok(Json(shown(&app, &verified).await?))
}

/// `POST /integrations/{integration_id}/synchronize`: lists the bucket.
pub(in crate::http) async fn synchronize(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
) -> Result<Json<Value>, Failure> {
    let id = path.id("integration_id")?;
    let report = integration::synchronize(&app, caller.workspace, id).await?;
    Ok(Json(json!(report.ok_or_else(|| absent("integration", id))?)))
}

/// `GET /integrations/{integration_id}/statistics`: of the last synchronization.
pub(in crate::http) async fn statistics(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
) -> Result<Json<Value>, Failure> {
    let integration = named(&app, caller, &path).await?;
    Ok(Json(json!(app.store.statistics(integration.id).await?)))
}

/// `GET /integrations/{integration_id}/manifest`: what `POST /tasks/transfers` takes, for the videos of the bucket.
pub(in crate::http) async fn manifest(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
    query: Query,
) -> Result<Response, Failure> {
    let request = ManifestRequest {
        index: query.id("index_id")?.ok_or_else(|| missing("index_id"))?,
        language: query.get("language").unwrap_or("en").to_owned(),
        only_not_indexed: query.flag("only_not_indexed")?.unwrap_or(false),
    };
    let Integration { id, bucket, .. } = named(&app, caller, &path).await?;
    super::index(&app, caller.workspace, request.index).await?;
    if query.flag("synchronize")?.unwrap_or(true) {
        integration::synchronize(&app, caller.workspace, id).await?;
    }
    let workspace = caller.workspace;
    let begun = begin(async move |to| integration::write_manifest(&app, workspace, id, request, to).await);
    let body = match begun.await? {
        Begun::Streaming(body) => body,
        Begun::Ended(()) => "[]".into(),
    };
    let name: String =
        bucket.chars().filter(|letter| letter.is_ascii_alphanumeric() || *letter == '-').collect();
    let headers = [
        (header::CONTENT_TYPE, "application/json".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"manifest-{name}.json\"")),
    ];
    Ok((headers, body).into_response())
}
