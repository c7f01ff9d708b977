//! `/engines`: which names an index may be made with (up to v1.2).

use axum::Json;
use serde_json::{Value, json};

use super::absent;
use crate::http::error::Failure;
use crate::http::path::PathIds;
use crate::http::views;
use crate::keys::Caller;

/// `GET /engines`.
pub(in crate::http) async fn list(_: Caller) -> Json<Value> {
    Json(json!({ "data": views::index::engines() }))
}

/// `GET /engines/{engine_id}`.
pub(in crate::http) async fn get(_: Caller, path: PathIds) -> Result<Json<Value>, Failure> {
    let name = path.text("engine_id");
    Ok(Json(views::index::named_engine(name).ok_or_else(|| absent("engine", name))?))
}
