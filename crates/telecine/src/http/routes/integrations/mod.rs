//! `/integrations`: connected buckets. One file per thing that is done with them.

pub(in crate::http) mod connect;
mod form;
pub(in crate::http) mod inventory;
pub(in crate::http) mod manifest;
pub(in crate::http) mod part;
pub(in crate::http) mod setup;
mod shapes;
pub(in crate::http) mod synchronizations;
pub(in crate::http) mod verify;

use std::sync::Arc;

use serde_json::Value;

use super::absent;
use crate::app::App;
use crate::fault::{Error, Fault, Result};
use crate::http::path::PathIds;
use crate::http::views;
use crate::ids::IntegrationId;
use crate::integration::{self, Integration};
use crate::keys::Caller;

async fn shown(app: &Arc<App>, integration: &Integration) -> Result<Value> {
    let trust = trust(app, integration).await?;
    let template_url = app.config.integrations.template_url.as_deref();
    Ok(views::integration::integration(integration, &trust, template_url))
}

/// The trust document, or why this server cannot write one.
async fn trust(app: &Arc<App>, integration: &Integration) -> Result<Result<Value, Fault>> {
    match integration::trust_document(app, integration).await {
        Ok(document) => Ok(Ok(document)),
        Err(Error::Fault(fault)) => Ok(Err(*fault)),
        Err(internal) => Err(internal),
    }
}

/// The integration that a path names.
async fn named(app: &App, caller: Caller, path: &PathIds) -> Result<Integration> {
    let id: IntegrationId = path.id("integration_id")?;
    let found = app.store.integration(caller.workspace, id).await?;
    Ok(found.ok_or_else(|| absent("integration", id))?)
}
