//! `/system`: what those who run the server want to see of it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use crate::app::App;
use crate::http::error::Failure;
use crate::keys::Caller;
use crate::system::{Desk, System, look, only_for_operators};

/// How the server is: version, database, disk, queue, workers, models, settings. For keys of the server's first workspace.
#[utoipa::path(get, path = "/system", tag = "system", responses((status = 200, body = System)))]
pub(in crate::http) async fn system(
    State(app): State<Arc<App>>,
    State(desk): State<Arc<Desk>>,
    caller: Caller,
) -> Result<Json<System>, Failure> {
    only_for_operators(&app, caller).await?;
    Ok(Json(look(&app, &desk).await?))
}
