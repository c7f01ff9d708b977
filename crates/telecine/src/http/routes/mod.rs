//! The routes, one file per noun: each reads a request, asks the domain, and shows what comes back.

pub(super) mod analyses;
pub(super) mod assets;
pub(super) mod connections;
pub(super) mod documents;
pub(super) mod embed;
pub(super) mod embed_v2;
pub(super) mod engines;
pub(super) mod generate;
pub(super) mod health;
pub(super) mod imports;
pub(super) mod indexed_assets;
pub(super) mod indexes;
pub(super) mod integrations;
pub(super) mod keys;
pub(super) mod search;
pub(super) mod session;
pub(super) mod streams;
pub(super) mod system;
pub(super) mod tasks;
pub(super) mod transcripts;
pub(super) mod transfer_events;
pub(super) mod transfers;
pub(super) mod uploads;
pub(super) mod videos;
pub(super) mod webhooks;

use axum::http::StatusCode;

use crate::app::App;
use crate::fault::{Code, Fault, Result};
use crate::ids::{IndexId, WorkspaceId};
use crate::index::IndexSummary;

/// The answer to what leaves nothing to show.
const NOTHING: StatusCode = StatusCode::NO_CONTENT;

/// A resource that is not there, or another workspace's.
fn absent(noun: &str, id: impl std::fmt::Display) -> Fault {
    Fault::because(Code::ResourceNotExists, format!("There is no such {noun}.")).value(id.to_string())
}

/// The index of this id, or the fault that it is not there.
async fn index(app: &App, workspace: WorkspaceId, id: IndexId) -> Result<IndexSummary> {
    Ok(app.store.index(workspace, id).await?.ok_or_else(|| absent("index", id))?)
}
