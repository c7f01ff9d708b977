//! Writes the list of a bucket's videos as the contract has it: what is posted to `/tasks/transfers`, perhaps edited.

use bytes::Bytes;
use serde::Serialize;
use tokio::sync::mpsc;

use super::Integration;
use super::service::ManifestRequest;
use crate::fault::{Fault, Result};
use crate::ids::IndexId;
use crate::store::InventoryStore;
use crate::transfer::ObjectRef;

/// Rows of the inventory that are read at once.
const ROWS: u32 = 1000;

#[derive(Serialize)]
struct Entry<'a> {
    index_id: IndexId,
    language: &'a str,
    object: String,
}

pub(super) async fn write(
    store: &dyn InventoryStore,
    integration: &Integration,
    request: &ManifestRequest,
    out: mpsc::Sender<Bytes>,
) -> Result<()> {
    check_language(&request.language)?;
    let not_in = request.only_not_indexed.then_some(request.index);
    let mut text = String::from("[");
    let (mut after, mut is_first) = (None::<String>, true);
    loop {
        let rows = store.inventory_after(integration.id, after.as_deref(), not_in, ROWS).await?;
        for row in &rows {
            let object = ObjectRef {
                scheme: integration.provider.scheme(),
                integration: integration.id,
                bucket: integration.bucket.clone(),
                key: row.key.clone(),
            };
            let entry =
                Entry { index_id: request.index, language: &request.language, object: object.address() };
            text.push_str(if is_first { "\n  " } else { ",\n  " });
            text.push_str(&serde_json::to_string(&entry).map_err(anyhow::Error::from)?);
            is_first = false;
        }
        after = rows.last().map(|row| row.key.clone());
        let is_last = rows.len() < ROWS as usize;
        if is_last {
            text.push_str(if is_first { "]\n" } else { "\n]\n" });
        }
        // Who reads no more needs no more.
        if out.send(std::mem::take(&mut text).into()).await.is_err() || is_last {
            return Ok(());
        }
    }
}

fn check_language(language: &str) -> Result<()> {
    let is_tag = (2..=35).contains(&language.len())
        && language.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if is_tag {
        return Ok(());
    }
    Err(Fault::parameter("The parameter `language` is not a language tag, such as `en`.")
        .value(language)
        .into())
}
