//! The checklist, whole or line by line.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::json;
use tokio::sync::mpsc;

use super::{named, shapes, shown};
use crate::app::App;
use crate::fault::Result;
use crate::http::error::Failure;
use crate::http::openapi::Lined;
use crate::http::path::PathIds;
use crate::http::query::Query;
use crate::http::routes::absent;
use crate::http::streaming::{Begun, begin};
use crate::ids::{IntegrationId, WorkspaceId};
use crate::integration::{self, Progress};
use crate::keys::Caller;

const NDJSON: &str = "application/x-ndjson";
/// Lines that wait to be sent.
const LINES: usize = 8;

/// Verifies the access: the checklist is in the answer, whose status tells how it went. With `stream=true`, or where
/// lines of JSON are accepted, each line is told as it begins and ends, and last the integration.
#[utoipa::path(post, path = "/integrations/{integration_id}/verify", tag = "integrations",
    params(("stream" = Option<bool>, Query)),
    responses((status = 200, content((shapes::Integration = "application/json"), (Lined = "application/x-ndjson")))))]
pub(in crate::http) async fn verify(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
    query: Query,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let id = path.id("integration_id")?;
    let accepts = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if query.flag("stream")?.unwrap_or_else(|| accepts.contains(NDJSON)) {
        named(&app, caller, &path).await?;
        let workspace = caller.workspace;
        let body = match begin(move |to| tell(app, workspace, id, to)).await? {
            Begun::Streaming(body) => body,
            Begun::Ended(()) => axum::body::Body::empty(),
        };
        return Ok(([(header::CONTENT_TYPE, NDJSON)], body).into_response());
    }
    let verified = integration::verify(&app, caller.workspace, id).await?;
    let verified = verified.ok_or_else(|| absent("integration", id))?;
    Ok(Json(shown(&app, &verified).await?).into_response())
}

async fn tell(
    app: Arc<App>,
    workspace: WorkspaceId,
    id: IntegrationId,
    to: mpsc::Sender<Bytes>,
) -> Result<()> {
    let (progress, mut lines) = mpsc::channel::<Progress>(LINES);
    let verifying = integration::verify_aloud(&app, workspace, id, progress);
    let telling = async {
        while let Some(line) = lines.recv().await {
            // Who reads no more wants the result all the same: it is stored.
            let _ = to.send(line_of(&json!(line))).await;
        }
    };
    let (verified, ()) = tokio::join!(verifying, telling);
    let Some(verified) = verified? else { return Ok(()) };
    let last = json!({"event": "integration", "integration": shown(&app, &verified).await?});
    let _ = to.send(line_of(&last)).await;
    Ok(())
}

fn line_of(value: &serde_json::Value) -> Bytes {
    format!("{value}\n").into()
}
