//! `/keys`: of the caller's workspace.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::NOTHING;
use crate::app::App;
use crate::http::error::Failure;
use crate::http::params::Params;
use crate::http::path::PathIds;
use crate::keys::{self, ApiKey, Caller};

/// `GET /keys`: revoked ones too.
pub(in crate::http) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
) -> Result<Json<Value>, Failure> {
    let keys = app.store.keys(caller.workspace).await?;
    Ok(Json(json!({ "data": keys.iter().map(shown).collect::<Vec<_>>() })))
}

/// `POST /keys`: the one answer that tells the secret.
pub(in crate::http) async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    request: Request,
) -> Result<(StatusCode, Json<Value>), Failure> {
    let params = Params::read(request, app.config.server.max_body_bytes).await?;
    let name = params.required_text("name")?;
    let (key, secret) = keys::create(&*app.store, &*app.clock, caller.workspace, name).await?;
    let mut body = shown(&key);
    body["key"] = secret.into();
    Ok((StatusCode::CREATED, Json(body)))
}

/// `DELETE /keys/{key_id}`.
pub(in crate::http) async fn revoke(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
) -> Result<StatusCode, Failure> {
    keys::revoke(&*app.store, &*app.clock, caller.workspace, path.id("key_id")?).await?;
    Ok(NOTHING)
}

fn shown(key: &ApiKey) -> Value {
    json!({
        "_id": key.id,
        "name": key.name,
        "prefix": key.prefix,
        "created_at": key.created_at,
        "revoked_at": key.revoked_at,
    })
}
