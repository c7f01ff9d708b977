//! `/keys`: of the caller's workspace.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::ToSchema;

use super::NOTHING;
use crate::app::App;
use crate::fault::{Code, Fault};
use crate::http::error::Failure;
use crate::http::idempotency::TellsSecret;
use crate::http::openapi::Listed;
use crate::http::params::{Params, missing};
use crate::http::path::PathIds;
use crate::ids::KeyId;
use crate::keys::{self, ApiKey, Caller, RateLimits};
use crate::time::Timestamp;

/// A key. Its secret is told once, by the answer that makes it.
#[derive(Serialize, ToSchema)]
#[schema(as = Key)]
pub(in crate::http) struct KeyView {
    #[serde(rename = "_id")]
    id: KeyId,
    name: String,
    /// The first characters of the secret.
    prefix: String,
    created_at: Timestamp,
    /// Null while it works.
    revoked_at: Option<Timestamp>,
    /// How often it may ask, where that differs from the server's settings.
    #[serde(skip_serializing_if = "Option::is_none")]
    rate_limits: Option<RateLimits>,
    /// The secret: only in the answer that makes the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
}

/// A key to be made.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the form of a body, for the document")]
struct NewKey {
    /// What people call it.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// How often it may ask, where that differs from the server's settings.
    rate_limits: Option<RateLimits>,
}

/// What may be changed of a key.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the form of a body, for the document")]
struct KeyChange {
    /// All of its own limits; null for those of the server's settings.
    rate_limits: Option<RateLimits>,
}

/// The keys of the workspace, revoked ones too.
#[utoipa::path(get, path = "/keys", tag = "keys", responses((status = 200, body = Listed<KeyView>)))]
pub(in crate::http) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
) -> Result<Json<Listed<KeyView>>, Failure> {
    let keys = app.store.keys(caller.workspace).await?;
    Ok(Json(Listed { data: keys.into_iter().map(|key| shown(key, None)).collect() }))
}

/// Makes a key; the one answer that tells the secret.
#[utoipa::path(post, path = "/keys", tag = "keys", request_body = NewKey, responses((status = 201, body = KeyView)))]
pub(in crate::http) async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    request: Request,
) -> Result<(StatusCode, Extension<TellsSecret>, Json<KeyView>), Failure> {
    unlimited(caller)?;
    let params = Params::read(request, app.config.server.max_body_bytes).await?;
    let name = params.required_text("name")?;
    let limits = params.get("rate_limits").map(RateLimits::from_json).transpose()?;
    let (mut key, secret) = keys::create(&*app.store, &*app.clock, caller.workspace, name).await?;
    if limits.is_some() {
        keys::limit(&*app.store, caller.workspace, key.id, limits).await?;
        key.rate_limits = limits;
    }
    Ok((StatusCode::CREATED, Extension(TellsSecret), Json(shown(key, Some(secret)))))
}

/// Sets how often a key may ask. A key with limits of its own cannot.
#[utoipa::path(patch, path = "/keys/{key_id}", tag = "keys", request_body = KeyChange, responses((status = 204)))]
pub(in crate::http) async fn update(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
    request: Request,
) -> Result<StatusCode, Failure> {
    unlimited(caller)?;
    let params = Params::read(request, app.config.server.max_body_bytes).await?;
    if !params.names().any(|name| name == "rate_limits") {
        return Err(missing("rate_limits").into());
    }
    let limits = params.get("rate_limits").map(RateLimits::from_json).transpose()?;
    keys::limit(&*app.store, caller.workspace, path.id("key_id")?, limits).await?;
    Ok(NOTHING)
}

/// A key that is limited would otherwise lift its limits, or make one without.
fn unlimited(caller: Caller) -> Result<(), Fault> {
    if caller.rate_limits.is_none() {
        return Ok(());
    }
    Err(Fault::because(Code::Unauthorized, "A key with limits of its own makes and changes no keys.")
        .remedy("Use a key without limits of its own."))
}

/// Makes a key stop working.
#[utoipa::path(delete, path = "/keys/{key_id}", tag = "keys", responses((status = 204)))]
pub(in crate::http) async fn revoke(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
) -> Result<StatusCode, Failure> {
    keys::revoke(&*app.store, &*app.clock, caller.workspace, path.id("key_id")?).await?;
    Ok(NOTHING)
}

fn shown(key: ApiKey, secret: Option<String>) -> KeyView {
    let ApiKey { id, workspace: _, name, prefix, created_at, revoked_at, rate_limits } = key;
    KeyView { id, name, prefix, created_at, revoked_at, rate_limits, key: secret }
}
