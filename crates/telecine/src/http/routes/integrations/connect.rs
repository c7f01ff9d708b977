//! Connecting buckets, and looking at them.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{form, named, shapes, shown};
use crate::app::App;
use crate::http::error::Failure;
use crate::http::openapi::Listed;
use crate::http::params::Params;
use crate::http::path::PathIds;
use crate::http::query::Query;
use crate::http::routes::absent;
use crate::integration;
use crate::keys::Caller;

/// Connects a bucket.
#[utoipa::path(post, path = "/integrations", tag = "integrations", request_body = shapes::NewIntegration,
    responses((status = 201, body = shapes::Integration)))]
pub(in crate::http) async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    request: Request,
) -> Result<(StatusCode, Json<Value>), Failure> {
    let params = Params::read(request, app.config.server.max_body_bytes).await?;
    let new = form::new_integration(&params)?;
    let made = integration::create(&app, caller.workspace, new).await?;
    Ok((StatusCode::CREATED, Json(shown(&app, &made).await?)))
}

/// All connected buckets, oldest first; with `deleted=true`, those that can be restored.
#[utoipa::path(get, path = "/integrations", tag = "integrations", params(("deleted" = Option<bool>, Query)),
    responses((status = 200, body = Listed<shapes::Integration>)))]
pub(in crate::http) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    query: Query,
) -> Result<Json<Value>, Failure> {
    let mut data = Vec::new();
    if query.flag("deleted")?.unwrap_or(false) {
        for (integration, until) in integration::restorable(&app, caller.workspace).await? {
            let mut told = shown(&app, &integration).await?;
            told["deleted_at"] = json!(integration.deleted_at);
            told["restorable_until"] = json!(until);
            data.push(told);
        }
        return Ok(Json(json!({ "data": data })));
    }
    for integration in app.store.integrations(caller.workspace).await? {
        data.push(shown(&app, &integration).await?);
    }
    Ok(Json(json!({ "data": data })))
}

/// A connected bucket, with the documents to apply.
#[utoipa::path(get, path = "/integrations/{integration_id}", tag = "integrations",
    responses((status = 200, body = shapes::Integration)))]
pub(in crate::http) async fn get(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
) -> Result<Json<Value>, Failure> {
    let integration = named(&app, caller, &path).await?;
    Ok(Json(shown(&app, &integration).await?))
}

/// Changes what is given; a secret is replaced.
#[utoipa::path(patch, path = "/integrations/{integration_id}", tag = "integrations",
    request_body = shapes::IntegrationChanges, responses((status = 200, body = shapes::Integration)))]
pub(in crate::http) async fn update(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
    request: Request,
) -> Result<Json<Value>, Failure> {
    let id = path.id("integration_id")?;
    let params = Params::read(request, app.config.server.max_body_bytes).await?;
    // Whether it is there is told before what is wrong with the request.
    named(&app, caller, &path).await?;
    let changed = integration::change(&app, caller.workspace, id, &form::change(&params)?).await?;
    let changed = changed.ok_or_else(|| absent("integration", id))?;
    Ok(Json(shown(&app, &changed).await?))
}
