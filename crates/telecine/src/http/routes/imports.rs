//! `/tasks/transfers/import`: the videos of an integration by one call, and what became of them.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use tokio::sync::mpsc;

use super::absent;
use crate::app::App;
use crate::fault::Result;
use crate::http::error::Failure;
use crate::http::params::{Params, missing};
use crate::http::path::PathIds;
use crate::http::query::Query;
use crate::http::streaming::{Begun, begin};
use crate::http::version::ApiVersion;
use crate::ids::IntegrationId;
use crate::integration::import::{ImportRequest, import, write_answer, write_logs, write_status};
use crate::keys::Caller;

/// `POST /tasks/transfers/import/{integration_id}`.
pub(in crate::http) async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    version: ApiVersion,
    path: PathIds,
    request: Request,
) -> Result<Response, Failure> {
    let id: IntegrationId = path.id("integration_id")?;
    let params = Params::read(request, app.config.server.max_body_bytes).await?;
    let request = ImportRequest {
        index: params.required_id("index_id")?,
        is_incremental: params.flag("incremental_import")?.unwrap_or(true),
        retries_failed: params.flag("retry_failed")?.unwrap_or(false),
        user_metadata: params.object("user_metadata")?.filter(|fields| !fields.is_empty()),
    };
    let begun = import(&app, caller.workspace, id, request).await?;
    let body = streamed(async move |to| write_answer(&*app.store, &begun, to).await).await?;
    let status = match version {
        ApiVersion::V1_1 | ApiVersion::V1_2 => StatusCode::OK,
        ApiVersion::V1_3 => StatusCode::CREATED,
    };
    Ok((status, json_body(body)).into_response())
}

/// `GET /tasks/transfers/import/{integration_id}/status`: the index is named by the query, or by a body.
pub(in crate::http) async fn status(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
    query: Query,
    request: Request,
) -> Result<Response, Failure> {
    let id: IntegrationId = path.id("integration_id")?;
    let index = match query.id("index_id")? {
        Some(index) => index,
        None => {
            let params = Params::read(request, app.config.server.max_body_bytes).await?;
            params.id("index_id")?.ok_or_else(|| missing("index_id"))?
        }
    };
    let found = app.store.integration(caller.workspace, id).await?;
    let integration = found.ok_or_else(|| absent("integration", id))?;
    super::index(&app, caller.workspace, index).await?;
    let body = streamed(async move |to| write_status(&app, &integration, index, to).await).await?;
    Ok(json_body(body).into_response())
}

/// `GET /tasks/transfers/import/{integration_id}/logs`: all imports, oldest first.
pub(in crate::http) async fn logs(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
) -> Result<Response, Failure> {
    let id: IntegrationId = path.id("integration_id")?;
    app.store.known_integration(caller.workspace, id).await?.ok_or_else(|| absent("integration", id))?;
    let workspace = caller.workspace;
    let body = streamed(async move |to| write_logs(&*app.store, workspace, id, to).await).await?;
    Ok(json_body(body).into_response())
}

/// The body that some work writes.
async fn streamed<F, W>(work: F) -> Result<Body>
where
    F: FnOnce(mpsc::Sender<Bytes>) -> W,
    W: Future<Output = Result<()>> + Send + 'static,
{
    Ok(match begin(work).await? {
        Begun::Streaming(body) => body,
        Begun::Ended(()) => Body::empty(),
    })
}

fn json_body(body: Body) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], body)
}
