//! Connecting buckets, and parting from them.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{form, named, shown};
use crate::app::App;
use crate::http::error::Failure;
use crate::http::params::Params;
use crate::http::path::PathIds;
use crate::http::routes::{NOTHING, absent};
use crate::integration;
use crate::keys::Caller;

/// `POST /integrations`.
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

/// `PATCH /integrations/{integration_id}`: what is given changes, a secret is replaced.
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
