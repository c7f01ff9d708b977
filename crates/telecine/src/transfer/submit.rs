//! Takes a manifest: parse → check → store in batches → accept. Nothing of it can be seen before all of it is accepted,
//! and nothing of it stays when anything is wrong or the connection is cut.

use std::sync::Arc;

use tokio::io::AsyncRead;
use tokio_util::sync::CancellationToken;

use super::check::{Checker, Owners};
use super::intake::{self, Outlet};
use super::{Entry, NewTask, TaskSource, Transcription, Transfer};
use crate::app::App;
use crate::fault::{Code, Fault, Result};
use crate::ids::{IndexId, TaskId, TransferId, WorkspaceId};
use crate::queue::Queue;
use crate::store::Store;
use crate::time::{Clock, Timestamp};

/// Tasks that are stored at once.
const BATCH: usize = 10_000;
/// Tasks that the answer names.
const NAMED: u32 = 1_000;

/// A transfer that was accepted.
#[derive(Debug, Clone, PartialEq)]
pub struct Submission {
    /// The transfer.
    pub transfer: Transfer,
    /// Entries of the manifest, repeated ones too.
    pub entries: u64,
    /// Its first tasks, at most 1000: id, index, and the object's address.
    pub first_tasks: Vec<(TaskId, IndexId, String)>,
}

/// Accepts the manifest as a transfer of the workspace, under this id if one is given. When it returns, the transfer is on
/// disk. If there is a transfer of the id already, it is that one: the manifest was accepted before, and is not read.
///
/// # Errors
/// A fault that names the entry; then nothing is stored.
pub async fn submit(
    app: &Arc<App>,
    workspace: WorkspaceId,
    manifest: impl AsyncRead + Send + Unpin + 'static,
    id: Option<TransferId>,
) -> Result<Submission> {
    let reception = Reception { id, ..Reception::of(app) };
    let Some(id) = id else { return reception.receive(workspace, manifest).await };
    // What an earlier try has left that ended in the middle.
    app.store.discard_transfer(id).await?;
    if let Some(known) = app.store.transfer(workspace, id).await? {
        return reception.told_as_it_is(known).await;
    }
    match reception.clone().receive(workspace, manifest).await {
        // It may be accepted although the database went away before it could tell.
        Err(error) => match app.store.transfer(workspace, id).await {
            Ok(Some(known)) => reception.told_as_it_is(known).await,
            _ => Err(error),
        },
        accepted => accepted,
    }
}

/// What taking a manifest needs.
#[derive(Clone)]
pub struct Reception {
    /// Where tasks are stored.
    pub store: Arc<dyn Store>,
    /// Who is told of new work.
    pub queue: Arc<dyn Queue>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What can be heard.
    pub languages: Vec<String>,
    /// Bytes of a manifest.
    pub max_bytes: u64,
    /// The transfer's id, if it is not to be a new one.
    pub id: Option<TransferId>,
}

impl std::fmt::Debug for Reception {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reception").field("languages", &self.languages).finish_non_exhaustive()
    }
}

impl Reception {
    async fn told_as_it_is(&self, transfer: Transfer) -> Result<Submission> {
        let entries = transfer.counts.total() + transfer.repeated;
        self.told(transfer, entries).await
    }

    /// That of a running server.
    pub fn of(app: &App) -> Self {
        Self {
            store: app.store.clone(),
            queue: app.queue.clone(),
            clock: app.clock.clone(),
            languages: app.engines.hear.languages(),
            max_bytes: app.config.server.max_manifest_bytes,
            id: None,
        }
    }

    /// See [`submit`].
    ///
    /// # Errors
    /// A fault that names the entry; then nothing is stored.
    pub async fn receive(
        self,
        workspace: WorkspaceId,
        manifest: impl AsyncRead + Send + Unpin,
    ) -> Result<Submission> {
        let (inlet, outlet) = intake::open();
        // Dropped with this future when the client goes away; storing runs on to tidy up.
        let client_is_gone = CancellationToken::new();
        let present = client_is_gone.clone().drop_guard();
        let max_bytes = self.max_bytes;
        let storing = tokio::spawn(self.store_all(workspace, outlet, client_is_gone));
        let filled = inlet.fill(manifest, max_bytes).await;
        let stored = storing.await.map_err(|error| anyhow::anyhow!("storing a transfer ended: {error}"))?;
        present.disarm();
        filled?;
        stored
    }

    async fn store_all(
        self,
        workspace: WorkspaceId,
        outlet: Outlet,
        client_is_gone: CancellationToken,
    ) -> Result<Submission> {
        let mut begun = None;
        let received = self.store_tasks(workspace, outlet, &mut begun).await;
        let Some(transfer) = begun else {
            // The parser refused it before there was anything to store.
            return Err(received
                .err()
                .unwrap_or_else(|| anyhow::anyhow!("a manifest without entries").into()));
        };
        let accepted = match received {
            Ok(_) if client_is_gone.is_cancelled() => {
                Err(Fault::because(Code::RequestTimedOut, "The client went away.").into())
            }
            Ok(entries) => self
                .store
                .accept_transfer(transfer, self.clock.now())
                .await
                .map(|transfer| (transfer, entries)),
            Err(error) => Err(error),
        };
        match accepted {
            Ok((transfer, entries)) => {
                self.queue.wake();
                self.told(transfer, entries).await
            }
            Err(error) => {
                self.store.discard_transfer(transfer).await?;
                Err(error)
            }
        }
    }

    async fn told(&self, transfer: Transfer, entries: u64) -> Result<Submission> {
        let first = self.store.tasks_after(transfer.id, None, NAMED).await?;
        let named = |task: super::Task| (task.id, task.index, task.source.address());
        Ok(Submission { transfer, entries, first_tasks: first.into_iter().map(named).collect() })
    }

    /// Stores the tasks under a transfer that is begun with the first entries. The number of entries.
    async fn store_tasks(
        &self,
        workspace: WorkspaceId,
        mut outlet: Outlet,
        begun: &mut Option<TransferId>,
    ) -> Result<u64> {
        let mut checker = Checker::open(self.store.clone(), workspace, self.languages.clone()).await?;
        let mut tasks = Vec::with_capacity(BATCH);
        while let Some(entries) = outlet.next().await {
            let now = self.clock.now();
            for entry in entries {
                let owners = checker.check(&entry).await?;
                tasks.push(new_task(entry, owners, now));
            }
            if tasks.len() >= BATCH {
                self.store_batch(workspace, begun, &mut tasks).await?;
            }
        }
        let entries = outlet.end().await?;
        self.store_batch(workspace, begun, &mut tasks).await?;
        Ok(entries)
    }

    async fn store_batch(
        &self,
        workspace: WorkspaceId,
        begun: &mut Option<TransferId>,
        tasks: &mut Vec<NewTask>,
    ) -> Result<()> {
        let now = self.clock.now();
        let transfer = match *begun {
            Some(transfer) => transfer,
            None => {
                let transfer = self.id.unwrap_or_else(|| TransferId::generate(now));
                self.store.begin_transfer(workspace, transfer, now).await?;
                *begun.insert(transfer)
            }
        };
        self.store.add_tasks(transfer, tasks, now).await?;
        tasks.clear();
        Ok(())
    }
}

fn new_task(entry: Entry, owners: Owners, now: Timestamp) -> NewTask {
    let captions = entry.transcription.zip(owners.transcription);
    NewTask {
        id: TaskId::generate(now),
        index: entry.index,
        source: TaskSource::Object(entry.object.through(owners.object)),
        transcription: captions.map(|(address, owner)| Transcription::Object(address.through(owner))),
        language: entry.language,
        user_metadata: None,
        allows_duplicate: false,
        without_stream: false,
    }
}
