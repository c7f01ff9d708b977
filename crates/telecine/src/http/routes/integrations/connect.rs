//! Connecting buckets, and parting from them.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{named, shown};
use crate::app::App;
use crate::http::error::Failure;
use crate::http::params::Params;
use crate::http::path::PathIds;
use crate::http::routes::{NOTHING, absent};
use crate::integration::{self, NewIntegration};
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
