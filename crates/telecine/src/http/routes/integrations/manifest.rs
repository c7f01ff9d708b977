//! The list of a bucket's videos, as it is posted to `/tasks/transfers`, or for other tools.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::inventory::filter;
use super::{named, shapes};
use crate::app::App;
use crate::fault::{Fault, Result};
use crate::http::error::Failure;
use crate::http::params::{missing, pick};
use crate::http::path::PathIds;
use crate::http::query::Query;
use crate::http::routes::index;
use crate::http::streaming::{Begun, begin};
use crate::ids::IndexId;
use crate::integration::ManifestCount;
use crate::integration::{
    self, Integration, ManifestFormat, ManifestRequest, ObjectFilter, ObjectState, SyncTrigger,
};
use crate::keys::Caller;

/// How the list is made.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "a form, for the document")]
struct ManifestQuery {
    /// `en` unless given.
    language: Option<String>,
    only_not_indexed: Option<bool>,
    /// Whether captions beside the videos are named.
    captions: Option<bool>,
    synchronize: Option<bool>,
    count: Option<bool>,
    /// `json`, `jsonl` or `csv`.
    format: Option<String>,
}

/// The list, or how many are on it.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "a form, for the document")]
enum ManifestAnswer {
    Entries(Vec<ManifestEntry>),
    Count(ManifestCount),
}

/// A video of the list.
#[derive(Serialize, ToSchema)]
struct ManifestEntry {
    index_id: IndexId,
    language: String,
    object: String,
    transcription: Option<String>,
}

/// What `POST /tasks/transfers` takes, for the videos of the bucket, which is synchronized first; with `count=true`, only
/// how many those are.
#[utoipa::path(get, path = "/integrations/{integration_id}/manifest", tag = "integrations",
    params(shapes::ObjectQuery, ManifestQuery),
    responses((status = 200, content(
        (ManifestAnswer = "application/json"),
        (String = "application/x-ndjson"),
        (String = "text/csv"),
    ))))]
pub(in crate::http) async fn manifest(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
    query: Query,
) -> Result<Response, Failure> {
    let request = request(&query)?;
    let integration = named(&app, caller, &path).await?;
    let (workspace, id) = (caller.workspace, integration.id);
    index(&app, workspace, request.index).await?;
    if query.flag("synchronize")?.unwrap_or(true) {
        integration::synchronize(&app, workspace, id, SyncTrigger::Manifest).await?;
    }
    if query.flag("count")?.unwrap_or(false) {
        let count = integration::count_manifest(&app, workspace, id, &request).await?;
        return Ok(Json(count).into_response());
    }
    let format = request.format;
    let name = filename(&integration, &request, &app.clock.now().to_string());
    let begun = begin(async move |to| integration::write_manifest(&app, workspace, id, request, to).await);
    let body = match begun.await? {
        Begun::Streaming(body) => body,
        Begun::Ended(()) => Body::empty(),
    };
    let headers = [
        (header::CONTENT_TYPE, format.content_type().to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    Ok((headers, body).into_response())
}

fn request(query: &Query) -> Result<ManifestRequest, Fault> {
    let objects = filter(query)?;
    let state = match query.get("state") {
        None => ObjectState::Taken,
        // Only what is taken can be transferred, whatever else it is.
        Some(_) => match objects.state {
            ObjectState::Removed | ObjectState::Excluded | ObjectState::IndexedThenDeleted => {
                let message = "The parameter `state` names objects that cannot be transferred.";
                return Err(Fault::parameter(message)
                    .value(query.get("state").unwrap_or_default())
                    .rule("taken, not_indexed, indexed, changed, failed or in_progress"));
            }
            state => state,
        },
    };
    let format = query.get("format").map(|word| pick("format", word, &ManifestFormat::ALL)).transpose()?;
    Ok(ManifestRequest {
        index: objects.index.ok_or_else(|| missing("index_id"))?,
        language: query.get("language").unwrap_or("en").to_owned(),
        only_not_indexed: query.flag("only_not_indexed")?.unwrap_or(false),
        objects: ObjectFilter { state, ..objects },
        captions: query.flag("captions")?.unwrap_or(true),
        format: format.unwrap_or_default(),
    })
}

/// Such as `manifest-films-en-2024-03-01.json`.
fn filename(integration: &Integration, request: &ManifestRequest, now: &str) -> String {
    let plain = |text: &str| -> String {
        text.chars().filter(|letter| letter.is_ascii_alphanumeric() || *letter == '-').collect()
    };
    let (bucket, language) = (plain(&integration.bucket), plain(&request.language));
    let day = now.split('T').next().unwrap_or_default();
    format!("manifest-{bucket}-{language}-{day}.{}", request.format.extension())
}
