//! What operators ask without a key: is it alive, is it ready, how is it doing.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::app::App;
use crate::http::metrics::recorder;
use crate::http::{error, gauges};

/// The process answers.
#[utoipa::path(get, path = "/healthz", tag = "operation", responses((status = 200, body = String, content_type = "text/plain")))]
pub(in crate::http) async fn healthz() -> &'static str {
    "ok"
}

/// Requests can be served and work can be done.
#[utoipa::path(get, path = "/readyz", tag = "operation",
    responses((status = 200, body = Object), (status = 503, body = Object, description = "not now")))]
pub(in crate::http) async fn readyz(State(app): State<Arc<App>>) -> Response {
    let database = app.store.ping().await;
    if let Err(error) = &database {
        tracing::warn!(%error, "the database does not answer");
    }
    let is_stopping = app.stopping.is_cancelled();
    let is_ready = database.is_ok() && !is_stopping;
    let body = json!({
        "ready": is_ready,
        "database": if database.is_ok() { "ok" } else { "does not answer" },
        "stopping": is_stopping,
        "models": app.engines.models(),
        "media_sandbox": app.media.sandbox_status().to_string(),
    });
    error::readiness(is_ready, body)
}

/// For Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "operation", responses((status = 200, body = String, content_type = "text/plain")))]
pub(in crate::http) async fn metrics(State(app): State<Arc<App>>) -> impl IntoResponse {
    gauges::look(&app).await;
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], recorder().render())
}
