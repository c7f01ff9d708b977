//! `/integrations`: connected buckets. One file per thing that is done with them.

mod connect;
mod inventory;
mod manifest;
pub(in crate::http) mod synchronizations;
mod verify;

use std::sync::Arc;

use serde_json::Value;

use super::absent;
use crate::app::App;
use crate::fault::{Error, Result};
use crate::http::path::PathIds;
use crate::http::views;
use crate::ids::IntegrationId;
use crate::integration::{self, Integration};
use crate::keys::Caller;

pub(in crate::http) use connect::{create, delete, get, list};
pub(in crate::http) use inventory::{objects, statistics};
pub(in crate::http) use manifest::manifest;
pub(in crate::http) use verify::verify;

async fn shown(app: &Arc<App>, integration: &Integration) -> Result<Value> {
    let trust = match integration::trust_document(app, integration).await {
        Ok(document) => Ok(document),
        Err(Error::Fault(fault)) => Err(*fault),
        Err(internal) => return Err(internal),
    };
    Ok(views::integration::integration(integration, &trust))
}

/// The integration that a path names.
async fn named(app: &App, caller: Caller, path: &PathIds) -> Result<Integration> {
    let id: IntegrationId = path.id("integration_id")?;
    let found = app.store.integration(caller.workspace, id).await?;
    Ok(found.ok_or_else(|| absent("integration", id))?)
}
