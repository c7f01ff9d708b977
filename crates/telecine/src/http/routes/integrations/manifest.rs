//! The list of a bucket's videos, as it is posted to `/tasks/transfers`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::named;
use crate::app::App;
use crate::http::error::Failure;
use crate::http::params::missing;
use crate::http::path::PathIds;
use crate::http::query::Query;
use crate::http::routes::index;
use crate::http::streaming::{Begun, begin};
use crate::integration::{self, Integration, ManifestRequest, SyncTrigger};
use crate::keys::Caller;

/// `GET /integrations/{integration_id}/manifest`: what `POST /tasks/transfers` takes, for the videos of the bucket.
pub(in crate::http) async fn manifest(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
    query: Query,
) -> Result<Response, Failure> {
    let request = ManifestRequest {
        index: query.id("index_id")?.ok_or_else(|| missing("index_id"))?,
        language: query.get("language").unwrap_or("en").to_owned(),
        only_not_indexed: query.flag("only_not_indexed")?.unwrap_or(false),
    };
    let Integration { id, bucket, .. } = named(&app, caller, &path).await?;
    index(&app, caller.workspace, request.index).await?;
    if query.flag("synchronize")?.unwrap_or(true) {
        integration::synchronize(&app, caller.workspace, id, SyncTrigger::Manifest).await?;
    }
    let workspace = caller.workspace;
    let begun = begin(async move |to| integration::write_manifest(&app, workspace, id, request, to).await);
    let body = match begun.await? {
        Begun::Streaming(body) => body,
        Begun::Ended(()) => "[]".into(),
    };
    let name: String =
        bucket.chars().filter(|letter| letter.is_ascii_alphanumeric() || *letter == '-').collect();
    let headers = [
        (header::CONTENT_TYPE, "application/json".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"manifest-{name}.json\"")),
    ];
    Ok((headers, body).into_response())
}
