//! `/engines`: which names an index may be made with (up to v1.2).

use axum::Json;

use super::absent;
use crate::http::error::Failure;
use crate::http::openapi::Listed;
use crate::http::path::PathIds;
use crate::http::views::index::{EngineView, engines, named_engine};
use crate::keys::Caller;

/// The names that an index may be made with.
#[utoipa::path(get, path = "/engines", tag = "engines", responses((status = 200, body = Listed<EngineView>)))]
pub(in crate::http) async fn list(_: Caller) -> Json<Listed<EngineView>> {
    Json(Listed { data: engines() })
}

/// One of the names.
#[utoipa::path(get, path = "/engines/{engine_id}", tag = "engines", responses((status = 200, body = EngineView)))]
pub(in crate::http) async fn get(_: Caller, path: PathIds) -> Result<Json<EngineView>, Failure> {
    let name = path.text("engine_id");
    Ok(Json(named_engine(name).ok_or_else(|| absent("engine", name))?))
}
