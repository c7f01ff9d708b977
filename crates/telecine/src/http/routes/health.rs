//! What operators ask without a key: is it alive, is it ready, how is it doing.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::app::App;
use crate::http::metrics::recorder;
use crate::http::{error, gauges};

/// A database that takes longer counts as one that does not answer: probes give up soon.
const PATIENCE: Duration = Duration::from_secs(2);

/// The process answers.
#[utoipa::path(get, path = "/healthz", tag = "operation", responses((status = 200, body = String, content_type = "text/plain")))]
pub(in crate::http) async fn healthz() -> &'static str {
    "ok"
}

/// Requests can be served and work can be done.
#[utoipa::path(get, path = "/readyz", tag = "operation",
    responses((status = 200, body = Object), (status = 503, body = Object, description = "not now")))]
pub(in crate::http) async fn readyz(State(app): State<Arc<App>>) -> Response {
    let has_database = app.store.presence().is_there() && answers(&app).await;
    let is_stopping = app.stopping.is_cancelled();
    let is_ready = has_database && !is_stopping;
    let body = json!({
        "ready": is_ready,
        "database": if has_database { "ok" } else { "does not answer" },
        "stopping": is_stopping,
        "models": app.engines.models(),
        "media_sandbox": app.media.sandbox_status().to_string(),
    });
    error::readiness(is_ready, body)
}

async fn answers(app: &App) -> bool {
    match tokio::time::timeout(PATIENCE, app.store.ping()).await {
        Ok(Ok(())) => true,
        Ok(Err(error)) => {
            tracing::warn!(%error, "the database does not answer as it should");
            false
        }
        Err(_) => {
            tracing::warn!(after_s = PATIENCE.as_secs(), "the database does not answer");
            false
        }
    }
}

/// For Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "operation", responses((status = 200, body = String, content_type = "text/plain")))]
pub(in crate::http) async fn metrics(State(app): State<Arc<App>>) -> impl IntoResponse {
    gauges::look(&app).await;
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], recorder().render())
}
