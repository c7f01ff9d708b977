//! What lies in a bucket.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::named;
use crate::app::App;
use crate::http::error::Failure;
use crate::http::path::PathIds;
use crate::keys::Caller;

/// `GET /integrations/{integration_id}/statistics`: of the last synchronization.
pub(in crate::http) async fn statistics(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
) -> Result<Json<Value>, Failure> {
    let integration = named(&app, caller, &path).await?;
    Ok(Json(json!(app.store.statistics(integration.id).await?)))
}
