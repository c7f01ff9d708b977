//! Headers of videos that lie in a bucket, read on demand and kept in the ledger: what a video is, before it is paid for.

use std::sync::Arc;

use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _, stream};
use serde_json::{Value, json};

use super::{HeaderLimits, Integration, InventoryItem, ObjectFilter, ObjectState, probe_header};
use crate::app::App;
use crate::fault::{Code, Error, Fault, Result};
use crate::source::{ObjectInfo, Source};
use crate::store::ObjectPage;

/// Headers that one request may ask for.
pub const MAX_HEADERS: usize = 50;
/// That are read at once.
const AT_ONCE: usize = 4;

/// What became of reading a header.
#[derive(Debug, Clone, PartialEq)]
pub struct HeaderRead {
    /// Of which object.
    pub key: String,
    /// What it says, or why it cannot be read.
    pub header: Result<Value, Fault>,
    /// Whether it was known already: nothing was asked of the store then.
    pub was_known: bool,
}

/// Reads the headers of these objects, as far as they are not known of their present versions, and keeps them.
///
/// # Errors
/// `parameter_invalid` when they are too many; what is wrong with one of them is told of it.
pub async fn read_headers(
    app: &Arc<App>,
    integration: &Integration,
    keys: &[String],
) -> Result<Vec<HeaderRead>> {
    if keys.len() > MAX_HEADERS {
        return Err(Fault::parameter("The parameter `keys` names too many objects.")
            .value(keys.len().to_string())
            .rule(format!("at most {MAX_HEADERS} in a request"))
            .into());
    }
    let source = app.sources.open(integration).await;
    let source = source.map_err(|error| Fault::new(Code::SourceUnavailable).value(error.to_string()))?;
    let reads: Vec<_> = keys.iter().map(|key| read(app, integration, &*source, key).boxed()).collect();
    stream::iter(reads).buffered(AT_ONCE).try_collect().await
}

async fn read(app: &App, integration: &Integration, source: &dyn Source, key: &str) -> Result<HeaderRead> {
    let told = |header, was_known| HeaderRead { key: key.to_owned(), header, was_known };
    let filter =
        ObjectFilter { state: ObjectState::Present, key: Some(key.to_owned()), ..ObjectFilter::default() };
    let page = ObjectPage::After { key: None, limit: 1 };
    let Some(object) = app.store.objects(integration.id, &filter, &page).await?.rows.pop() else {
        return Ok(told(Err(Fault::new(Code::ObjectNotExists).value(key)), false));
    };
    if let Some(header) = object.header {
        return Ok(told(Ok(header), true));
    }
    let InventoryItem { key: _, size_bytes, etag, modified_at, storage_class, is_archived, .. } = object.item;
    let info = ObjectInfo { key: key.to_owned(), size_bytes, etag, modified_at, storage_class, is_archived };
    let limits = HeaderLimits::default();
    match probe_header(&app.media, source, &info, &limits, &app.files.work()).await {
        Ok(header) => {
            let header = json!(header);
            app.store.set_header(integration.id, key, &info.etag, &header).await?;
            Ok(told(Ok(header), false))
        }
        Err(Error::Fault(fault)) => Ok(told(Err(*fault), false)),
        Err(internal) => Err(internal),
    }
}
