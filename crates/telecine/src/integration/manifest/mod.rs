//! Writes the list of a bucket's videos as the contract has it: what is posted to `/tasks/transfers`, perhaps edited. In
//! constant memory, whatever lies in the bucket.

pub(super) mod sidecars;

use std::borrow::Cow;

use bytes::Bytes;
use serde::Serialize;
use tokio::sync::mpsc;
use utoipa::ToSchema;

use self::sidecars::Sidecars;
use super::{Decision, Integration, ObjectFilter, ObjectState};
use crate::fault::{Fault, Result};
use crate::ids::IndexId;
use crate::store::InventoryStore;
use crate::transfer::{ObjectRef, csv_row};

/// Rows of the inventory that are read at once.
const ROWS: u32 = 1000;

/// What a manifest is to say of every video.
#[derive(Debug, Clone)]
pub struct ManifestRequest {
    /// The index to enter.
    pub index: IndexId,
    /// BCP 47 tag of what is spoken.
    pub language: String,
    /// Only videos whose present version is not in the index yet.
    pub only_not_indexed: bool,
    /// Which videos: those that are taken, and of these only what this lets pass.
    pub objects: ObjectFilter,
    /// Whether captions that lie beside a video go with it.
    pub captions: bool,
    /// How it is written.
    pub format: ManifestFormat,
}

impl ManifestRequest {
    /// All that is taken, with captions, as JSON.
    pub fn new(index: IndexId, language: impl Into<String>) -> Self {
        Self {
            index,
            language: language.into(),
            only_not_indexed: false,
            objects: ObjectFilter { state: ObjectState::Taken, ..ObjectFilter::default() },
            captions: true,
            format: ManifestFormat::Json,
        }
    }

    fn filter(&self) -> ObjectFilter {
        let state = if self.only_not_indexed { ObjectState::NotIndexed } else { self.objects.state };
        let decision = Some(Decision::Taken);
        ObjectFilter { state, index: Some(self.index), decision, ..self.objects.clone() }
    }
}

/// How a manifest is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ManifestFormat {
    /// A JSON array, a line for each video: what is posted.
    #[default]
    Json,
    /// A JSON object in each line.
    Jsonl,
    /// For spreadsheets.
    Csv,
}

impl ManifestFormat {
    /// All of them, by their names.
    pub const ALL: [(&'static str, Self); 3] =
        [("json", Self::Json), ("jsonl", Self::Jsonl), ("csv", Self::Csv)];

    /// The ending of a file's name.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Jsonl => "jsonl",
            Self::Csv => "csv",
        }
    }

    /// For HTTP.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Jsonl => "application/x-ndjson",
            Self::Csv => "text/csv; charset=utf-8; header=present",
        }
    }
}

/// What a manifest would hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, ToSchema)]
pub struct ManifestCount {
    /// Videos.
    pub count: u64,
    /// Of them with captions.
    pub with_transcription: u64,
    /// Bytes of the videos.
    pub bytes: u64,
}

#[derive(Serialize)]
struct Entry<'a> {
    index_id: IndexId,
    language: &'a str,
    object: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    transcription: Option<String>,
}

/// Writes all of it, in pieces.
pub(super) async fn write(
    store: &dyn InventoryStore,
    integration: &Integration,
    request: &ManifestRequest,
    out: mpsc::Sender<Bytes>,
) -> Result<()> {
    let mut pages = Pages::of(store, integration, request)?;
    let mut text = Vec::new();
    request.begin(&mut text);
    let mut is_first = true;
    while let Some(entries) = pages.next().await? {
        for (entry, _) in &entries {
            request.write(entry, is_first, &mut text)?;
            is_first = false;
        }
        // Who reads no more needs no more.
        if out.send(std::mem::take(&mut text).into()).await.is_err() {
            return Ok(());
        }
    }
    if request.format == ManifestFormat::Json {
        text.extend_from_slice(if is_first { b"]\n" } else { b"\n]\n" });
    }
    // The same.
    let _ = out.send(text.into()).await;
    Ok(())
}

/// Counts what would be written.
pub(super) async fn count(
    store: &dyn InventoryStore,
    integration: &Integration,
    request: &ManifestRequest,
) -> Result<ManifestCount> {
    let mut pages = Pages::of(store, integration, request)?;
    let mut sum = ManifestCount::default();
    while let Some(entries) = pages.next().await? {
        for (entry, bytes) in &entries {
            sum.count += 1;
            sum.with_transcription += u64::from(entry.transcription.is_some());
            sum.bytes += bytes;
        }
    }
    Ok(sum)
}

impl ManifestRequest {
    fn begin(&self, text: &mut Vec<u8>) {
        match self.format {
            ManifestFormat::Json => text.push(b'['),
            ManifestFormat::Jsonl => {}
            ManifestFormat::Csv => {
                csv_row(&["index_id", "language", "object", "transcription"].map(Cow::Borrowed), text);
            }
        }
    }

    fn write(&self, entry: &Entry<'_>, is_first: bool, text: &mut Vec<u8>) -> Result<()> {
        match self.format {
            ManifestFormat::Json => {
                text.extend_from_slice(if is_first { b"\n  " } else { b",\n  " });
                serde_json::to_writer(text, entry).map_err(anyhow::Error::from)?;
            }
            ManifestFormat::Jsonl => {
                serde_json::to_writer(&mut *text, entry).map_err(anyhow::Error::from)?;
                text.push(b'\n');
            }
            ManifestFormat::Csv => {
                let transcription = entry.transcription.as_deref().unwrap_or_default();
                let index = entry.index_id.to_string();
                csv_row(&[&index, entry.language, &entry.object, transcription].map(Cow::Borrowed), text);
            }
        }
        Ok(())
    }
}

/// The entries of a manifest, some at a time.
struct Pages<'a> {
    store: &'a dyn InventoryStore,
    integration: &'a Integration,
    request: &'a ManifestRequest,
    filter: ObjectFilter,
    after: Option<String>,
    is_over: bool,
}

impl<'a> Pages<'a> {
    fn of(
        store: &'a dyn InventoryStore,
        integration: &'a Integration,
        request: &'a ManifestRequest,
    ) -> Result<Self> {
        check_language(&request.language)?;
        Ok(Self { store, integration, request, filter: request.filter(), after: None, is_over: false })
    }

    /// The next ones, with the size of each.
    async fn next(&mut self) -> Result<Option<Vec<(Entry<'a>, u64)>>> {
        if self.is_over {
            return Ok(None);
        }
        let id = self.integration.id;
        let rows = self.store.items_after(id, &self.filter, self.after.as_deref(), ROWS).await?;
        self.is_over = rows.len() < ROWS as usize;
        self.after = rows.last().map(|row| row.key.clone());
        let mut sidecars = Sidecars::new(&self.request.language);
        if self.request.captions {
            sidecars.find(self.store, id, rows.iter().map(|row| row.key.as_str())).await?;
        }
        let entries = rows.iter().map(|row| {
            let entry = Entry {
                index_id: self.request.index,
                language: &self.request.language,
                object: self.address(&row.key),
                transcription: sidecars.of(&row.key).map(|captions| self.address(captions)),
            };
            (entry, row.size_bytes)
        });
        Ok(Some(entries.collect()))
    }

    fn address(&self, key: &str) -> String {
        let object = ObjectRef {
            scheme: self.integration.provider.scheme(),
            integration: self.integration.id,
            bucket: self.integration.bucket.clone(),
            key: key.to_owned(),
        };
        object.address()
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
