//! The dry run: what a manifest would do, without moving a byte of video or storing a row. It parses and checks as a
//! submission does, then asks the buckets for the head of every object.

use std::collections::HashMap;
use std::collections::hash_map::{Entry as Slot, RandomState};
use std::fs::File;
use std::hash::BuildHasher;
use std::io::Seek;
use std::path::PathBuf;
use std::sync::Arc;

use futures::StreamExt;
use futures::stream::FuturesOrdered;
use serde::Serialize;
use tokio::io::{AsyncRead, AsyncWriteExt};
use tokio::sync::mpsc;
use utoipa::ToSchema;

use super::check::Checker;
use super::intake::{self, Outlet, copy_all};
use super::{Duplicate, DuplicateBy, Entry, ObjectStamp, admit_object, object_fault, transcription_fault};
use crate::app::App;
use crate::fault::{Code, Fault, Result};
use crate::ids::{IndexId, WorkspaceId};
use crate::integration::Integration;
use crate::source::{ObjectInfo, SourceError, Sources};
use crate::store::Store;

/// Objects that are asked for at once.
const HEADS: usize = 16;

/// What would become of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It would be transferred; only its content can still be refused.
    Taken,
    /// The index has it already, or an earlier entry names it.
    Skipped,
    /// It would fail.
    Refused,
}

/// What would become of an entry, and why.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct PlanEntry {
    /// Its place in the manifest, from 0.
    pub entry: u64,
    /// The video's address.
    pub object: String,
    /// The index to enter.
    pub index_id: IndexId,
    /// What would become of it.
    pub verdict: Verdict,
    /// Bytes, where the object is there.
    pub size_bytes: Option<u64>,
    /// Seconds of video, where the header of this version was read (`POST /integrations/{id}/objects/probe`).
    pub duration_s: Option<f64>,
    /// Why it would be refused or skipped.
    pub fault: Option<Fault>,
    /// The video that it equals.
    pub duplicate: Option<Duplicate>,
}

/// All entries together.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, ToSchema)]
pub struct PlanSummary {
    /// Entries.
    pub entries: u64,
    /// That would be transferred.
    pub taken: u64,
    /// That the index has already.
    pub skipped: u64,
    /// That would fail.
    pub refused: u64,
    /// Bytes that would be transferred.
    pub bytes: u64,
    /// Seconds of video that would be transferred, as far as they are known.
    pub duration_s: f64,
    /// Of those taken, how many they are known of.
    pub with_duration: u64,
}

/// Says of each entry, in the manifest's order, what would become of it. The first is sent when the whole manifest has
/// passed the checks of its form.
///
/// # Errors
/// As [`super::submit::submit`]; then nothing was sent.
pub async fn plan(
    app: &Arc<App>,
    workspace: WorkspaceId,
    manifest: impl AsyncRead + Send + Unpin,
    out: mpsc::Sender<PlanEntry>,
) -> Result<PlanSummary> {
    let planner = Planner {
        store: app.store.clone(),
        sources: app.sources.clone(),
        languages: app.engines.hear.languages(),
        max_bytes: app.config.server.max_manifest_bytes,
        scratch: app.files.incoming(),
    };
    planner.plan(workspace, manifest, out).await
}

/// What a dry run needs.
#[derive(Clone)]
pub struct Planner {
    /// Where indexes, integrations and videos are looked up.
    pub store: Arc<dyn Store>,
    /// Where objects are asked for.
    pub sources: Arc<dyn Sources>,
    /// What can be heard.
    pub languages: Vec<String>,
    /// Bytes of a manifest.
    pub max_bytes: u64,
    /// A folder for the manifest while it is read twice.
    pub scratch: PathBuf,
}

impl std::fmt::Debug for Planner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Planner").field("languages", &self.languages).finish_non_exhaustive()
    }
}

impl Planner {
    /// See [`plan`].
    ///
    /// # Errors
    /// A fault that names the entry; then nothing was sent.
    pub async fn plan(
        &self,
        workspace: WorkspaceId,
        manifest: impl AsyncRead + Send + Unpin,
        out: mpsc::Sender<PlanEntry>,
    ) -> Result<PlanSummary> {
        let kept = self.keep(manifest).await?;
        let mut all = self.entries(workspace, &kept).await?;
        while all.next().await?.is_some() {}
        let mut again = self.entries(workspace, &kept).await?;
        let mut repeats = Repeats::default();
        let mut summary = PlanSummary::default();
        let mut asked = FuturesOrdered::new();
        loop {
            while asked.len() < HEADS
                && let Some(found) = again.next().await?
            {
                let repeated = repeats.earlier(&found.entry);
                asked.push_back(self.judge(found, repeated));
            }
            let Some(judged) = asked.next().await else { return Ok(summary) };
            let judged = judged?;
            summary.add(&judged);
            if out.send(judged).await.is_err() {
                return Ok(summary);
            }
        }
    }

    /// The manifest in a file without a name, for it is read twice.
    async fn keep(&self, manifest: impl AsyncRead + Send + Unpin) -> Result<File> {
        let scratch = self.scratch.clone();
        let file = tokio::task::spawn_blocking(move || tempfile::tempfile_in(scratch)).await;
        let file = file.map_err(anyhow::Error::from)?.map_err(anyhow::Error::from)?;
        let mut kept = tokio::fs::File::from_std(file);
        copy_all(manifest, &mut kept, self.max_bytes).await?;
        kept.flush().await.map_err(anyhow::Error::from)?;
        Ok(kept.into_std().await)
    }

    async fn entries(&self, workspace: WorkspaceId, kept: &File) -> Result<Checked> {
        let mut file = kept.try_clone().map_err(anyhow::Error::from)?;
        file.rewind().map_err(anyhow::Error::from)?;
        let checker = Checker::open(self.store.clone(), workspace, self.languages.clone()).await?;
        Ok(Checked { checker, outlet: Some(intake::open_file(file)), batch: Vec::new().into_iter() })
    }

    async fn judge(&self, found: Found, repeated: Option<u64>) -> Result<PlanEntry> {
        let Found { entry, owner, captions } = found;
        let mut plan = PlanEntry {
            entry: entry.number,
            object: entry.object.to_string(),
            index_id: entry.index,
            verdict: Verdict::Taken,
            size_bytes: None,
            duration_s: None,
            fault: None,
            duplicate: None,
        };
        if let Some(earlier) = repeated {
            let what = format!("The entry repeats entry {earlier}.");
            plan.verdict = Verdict::Skipped;
            plan.fault = Some(Fault::because(Code::VideoAlreadyIndexed, what));
            return Ok(plan);
        }
        let info = match self.head(&owner, &entry.object.key).await {
            Ok(info) => info,
            Err(error) => return Ok(plan.refused(object_fault(&error))),
        };
        plan.size_bytes = Some(info.size_bytes);
        if let Err(fault) = admit_object(&info) {
            return Ok(plan.refused(fault));
        }
        plan.duration_s = self.store.known_duration(owner.id, &entry.object.key, &info.etag).await?;
        let stamp = ObjectStamp { etag: info.etag, size_bytes: info.size_bytes };
        let object = entry.object.through(owner.id);
        if let Some(video) = self.store.video_of_object(entry.index, &object, &stamp).await? {
            plan.verdict = Verdict::Skipped;
            plan.duplicate = Some(Duplicate { video, by: DuplicateBy::Object });
            return Ok(plan);
        }
        if let Some((address, owner)) = entry.transcription.zip(captions)
            && let Err(error) = self.head(&owner, &address.key).await
        {
            return Ok(plan.refused(transcription_fault(&error)));
        }
        Ok(plan)
    }

    async fn head(&self, owner: &Integration, key: &str) -> Result<ObjectInfo, SourceError> {
        self.sources.open(owner).await?.head(key).await
    }
}

impl PlanEntry {
    fn refused(self, fault: Fault) -> Self {
        Self { verdict: Verdict::Refused, fault: Some(fault), ..self }
    }
}

impl PlanSummary {
    fn add(&mut self, plan: &PlanEntry) {
        self.entries += 1;
        match plan.verdict {
            Verdict::Taken => {
                self.taken += 1;
                self.bytes += plan.size_bytes.unwrap_or(0);
                self.duration_s += plan.duration_s.unwrap_or(0.0);
                self.with_duration += u64::from(plan.duration_s.is_some());
            }
            Verdict::Skipped => self.skipped += 1,
            Verdict::Refused => self.refused += 1,
        }
    }
}

/// An entry that passed the checks, with the integrations of its objects.
struct Found {
    entry: Entry,
    owner: Integration,
    captions: Option<Integration>,
}

/// The entries of a manifest, checked one by one.
struct Checked {
    checker: Checker,
    outlet: Option<Outlet>,
    batch: std::vec::IntoIter<Entry>,
}

impl Checked {
    async fn next(&mut self) -> Result<Option<Found>> {
        loop {
            if let Some(entry) = self.batch.next() {
                self.checker.check(&entry).await?;
                let integration = |address| self.checker.integration(address).cloned();
                let captions = entry.transcription.as_ref().and_then(integration);
                return Ok(integration(&entry.object).map(|owner| Found { entry, owner, captions }));
            }
            let Some(outlet) = &mut self.outlet else { return Ok(None) };
            if let Some(batch) = outlet.next().await {
                self.batch = batch.into_iter();
            } else if let Some(outlet) = self.outlet.take() {
                outlet.end().await?;
            }
        }
    }
}

/// Which entries repeat an earlier one, as the store will find when it adds them. Sixteen bytes an entry.
#[derive(Default)]
struct Repeats {
    keys: RandomState,
    first: HashMap<u64, u64>,
}

impl Repeats {
    fn earlier(&mut self, entry: &Entry) -> Option<u64> {
        let key = self.keys.hash_one((entry.index, &entry.object, &entry.transcription));
        match self.first.entry(key) {
            Slot::Occupied(first) => Some(*first.get()),
            Slot::Vacant(slot) => {
                slot.insert(entry.number);
                None
            }
        }
    }
}
