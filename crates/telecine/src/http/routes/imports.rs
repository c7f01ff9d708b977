//! `/tasks/transfers/import`: the videos of an integration by one call, and what became of them.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::{Map, Value};
use tokio::sync::mpsc;
use utoipa::ToSchema;

use super::absent;
use crate::app::App;
use crate::fault::Fault;
use crate::fault::Result;
use crate::http::error::Failure;
use crate::http::params::{Params, missing};
use crate::http::path::PathIds;
use crate::http::query::Query;
use crate::http::streaming::{Begun, begin};
use crate::http::version::ApiVersion;
use crate::ids::{ImportId, IndexId, IntegrationId, TransferId, VideoId};
use crate::integration::import::{ImportRequest, import, write_answer, write_logs, write_status};
use crate::keys::Caller;
use crate::time::Timestamp;

/// Which videos of the integration are taken, and where to.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the form of a body, for the document")]
struct NewImport {
    index_id: IndexId,
    /// Leave out what the index has (the default), or take everything, also twice.
    incremental_import: Option<bool>,
    /// Another try for what failed before.
    retry_failed: Option<bool>,
    /// For every video: texts, numbers and booleans.
    #[schema(value_type = Option<Object>)]
    user_metadata: Option<Map<String, Value>>,
}

/// What an import has begun.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the form of what is streamed, for the document")]
struct ImportAnswer {
    _id: ImportId,
    transfer_id: TransferId,
    videos: Vec<ImportedVideo>,
    failed_files: Vec<FailedFile>,
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "the form of what is streamed, for the document")]
struct ImportedVideo {
    /// The task's id, too.
    video_id: VideoId,
    filename: String,
    object: Option<String>,
    created_at: Option<Timestamp>,
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "the form of what is streamed, for the document")]
struct FailedFile {
    filename: String,
    error_message: String,
    error: Option<Fault>,
    object: Option<String>,
    video_id: Option<VideoId>,
    created_at: Option<Timestamp>,
}

/// Where every video of the bucket stands with an index.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the form of what is streamed, for the document")]
struct ImportStatus {
    not_imported: Vec<String>,
    validating: Vec<ImportedVideo>,
    pending: Vec<ImportedVideo>,
    queued: Vec<ImportedVideo>,
    indexing: Vec<ImportedVideo>,
    ready: Vec<ImportedVideo>,
    failed: Vec<FailedFile>,
}

/// All imports of an integration.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the form of what is streamed, for the document")]
struct ImportLogs {
    data: Vec<ImportLog>,
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "the form of what is streamed, for the document")]
struct ImportLog {
    _id: ImportId,
    integration_id: IntegrationId,
    bucket: String,
    transfer_id: TransferId,
    index_id: IndexId,
    index_name: String,
    incremental_import: bool,
    retry_failed: bool,
    #[schema(value_type = Option<Object>)]
    user_metadata: Option<Map<String, Value>>,
    created_at: Timestamp,
    ended_at: Option<Timestamp>,
    /// Files that were refused before they were fetched.
    refused: u64,
    video_status: ImportCounts,
    failed_files: Vec<FailedFile>,
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "the form of what is streamed, for the document")]
struct ImportCounts {
    ready: u64,
    validating: u64,
    queued: u64,
    pending: u64,
    indexing: u64,
    failed: u64,
}

/// Takes the videos of an integration into an index. One import of an integration at a time.
#[utoipa::path(post, path = "/tasks/transfers/import/{integration_id}", tag = "transfers", request_body = NewImport,
    responses((status = 201, body = ImportAnswer), (status = 200, body = ImportAnswer, description = "up to v1.2")))]
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

/// Where every video of the bucket stands with an index, which is named by the query, or by a body.
#[utoipa::path(get, path = "/tasks/transfers/import/{integration_id}/status", tag = "transfers",
    params(("index_id" = IndexId, Query)),
    responses((status = 200, body = ImportStatus)))]
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

/// All imports of an integration, oldest first.
#[utoipa::path(get, path = "/tasks/transfers/import/{integration_id}/logs", tag = "transfers",
    responses((status = 200, body = ImportLogs)))]
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
