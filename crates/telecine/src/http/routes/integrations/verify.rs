//! The checklist.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::Value;

use super::shown;
use crate::app::App;
use crate::http::error::Failure;
use crate::http::path::PathIds;
use crate::http::routes::absent;
use crate::integration;
use crate::keys::Caller;

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
