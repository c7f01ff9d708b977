//! An import, from the call to the accepted transfer: list the bucket, choose, store in batches, accept. Nothing of it
//! can be seen before all of it is accepted, and nothing stays when anything goes wrong; it goes on to its end even if
//! the client goes away.

use std::sync::Arc;

use anyhow::anyhow;
use futures::StreamExt as _;
use tokio::sync::OnceCell;

use super::take::{Choice, choose};
use super::{BucketFile, Import, ImportRequest, Refusal};
use crate::app::App;
use crate::cluster::Hold;
use crate::fault::{Code, Error, Fault, Result};
use crate::ids::{ImportId, IntegrationId, TaskId, TransferId, WorkspaceId};
use crate::index::Index;
use crate::integration::manifest::sidecars::Sidecars;
use crate::integration::service::{not_there, require_active};
use crate::integration::{Integration, SyncTrigger, synchronize};
use crate::source::Source;
use crate::transfer::{NewTask, TaskSource, Transcription, admit_object, object_fault};
use crate::video::check_user_metadata;

/// Files that are looked at, and tasks that are stored, at once.
const BATCH: u32 = 10_000;
/// What is spoken, for imports do not tell.
const LANGUAGE: &str = "en";
/// Questions to the store at once.
const HEADS: usize = 16;

/// Imports the videos of an integration into an index. When it returns, the import is on disk.
///
/// # Errors
/// `resource_not_exists` (integration or index), `integration_not_active`, `parameter_invalid` (user metadata),
/// `import_in_progress`, and what the bucket says when it is listed; then nothing is stored.
pub async fn import(
    app: &Arc<App>,
    workspace: WorkspaceId,
    integration: IntegrationId,
    request: ImportRequest,
) -> Result<Import> {
    request.user_metadata.as_ref().map_or(Ok(()), check_user_metadata)?;
    let found = app.store.integration(workspace, integration).await?;
    let integration = found.ok_or_else(|| not_there("integration", &integration.to_string()))?;
    let index = app.store.index(workspace, request.index).await?;
    let index = index.ok_or_else(|| not_there("index", &request.index.to_string()))?.index;
    require_active(&integration)?;
    let now = app.clock.now();
    let import = Import {
        id: ImportId::generate(now),
        workspace,
        integration: integration.id,
        address: integration.object(integration.prefix.clone()).address(),
        request,
        index_name: index.name.clone(),
        transfer: TransferId::generate(now),
        created_at: now,
    };
    // Others discard it when this process is gone before it is accepted.
    let hold = Hold::import(import.id, import.transfer);
    hold.take(app).await?;
    match app.store.begin_import(&import).await {
        Ok(None) => {}
        Ok(Some(running)) => {
            hold.let_go(app).await;
            return Err(in_progress(&running).into());
        }
        Err(error) => {
            hold.leave_when_possible(app);
            return Err(error);
        }
    }
    let begun = Begun { app: Arc::clone(app), integration, index, import };
    let finishing = async move {
        let app = Arc::clone(&begun.app);
        let finished = begun.finish().await;
        match &finished {
            // The database may have gone away in the middle of it; what is accepted stays, whoever ends it.
            Err(_) => hold.leave_when_possible(&app),
            Ok(_) => hold.let_go(&app).await,
        }
        finished
    };
    tokio::spawn(finishing).await.map_err(|error| anyhow!("an import ended early: {error}"))?
}

fn in_progress(running: &Import) -> Fault {
    let Import { id, index_name, created_at, transfer, .. } = running;
    Fault::new(Code::ImportInProgress)
        .value(format!("import {id} into the index {index_name}, since {created_at}"))
        .remedy(format!("Wait until it has ended, or cancel its transfer {transfer}."))
}

/// An import that only we know of so far.
struct Begun {
    app: Arc<App>,
    integration: Integration,
    index: Index,
    import: Import,
}

impl Begun {
    /// Accepts it, or leaves nothing of it.
    async fn finish(self) -> Result<Import> {
        let begun = Arc::new(self);
        let work = tokio::spawn({
            let begun = Arc::clone(&begun);
            async move {
                tokio::select! {
                    () = begun.app.stopping.cancelled() => Err(the_server_stops()),
                    prepared = begun.prepare() => prepared,
                }
            }
        });
        let prepared = work.await.unwrap_or_else(|panic| Err(anyhow!("an import panicked: {panic}").into()));
        let Begun { app, import, .. } = &*begun;
        if let Err(error) = prepared {
            app.store.discard_transfer(import.transfer).await?;
            app.store.discard_import(import.id).await?;
            return Err(error);
        }
        app.queue.wake();
        tracing::info!(
            import = %import.id, transfer = %import.transfer, integration = %import.integration,
            index = %import.request.index, "an import begins"
        );
        Ok(import.clone())
    }

    async fn prepare(&self) -> Result<()> {
        let Self { app, import, integration, .. } = self;
        let listed = synchronize(app, import.workspace, integration.id, SyncTrigger::Import).await?;
        listed.ok_or_else(deleted)?;
        app.store.begin_transfer(import.workspace, import.transfer, app.clock.now()).await?;
        let (source, mut after) = (OnceCell::new(), None::<String>);
        loop {
            let files =
                app.store.files_after(integration.id, import.request.index, after.as_deref(), BATCH).await?;
            after = files.last().map(|file| file.item.key.clone());
            let is_last = files.len() < BATCH as usize;
            self.add(files, &source).await?;
            if is_last {
                break;
            }
        }
        // Deleted from here on, its tasks will say so.
        app.store.integration(import.workspace, integration.id).await?.ok_or_else(deleted)?;
        app.store.accept_transfer(import.transfer, app.clock.now()).await?;
        Ok(())
    }

    /// Adds the tasks and refusals of some files.
    async fn add(&self, files: Vec<BucketFile>, source: &OnceCell<Arc<dyn Source>>) -> Result<()> {
        let (mut taken, mut refusals, mut asked) = (Vec::new(), Vec::new(), Vec::new());
        for file in files {
            let key = file.item.key.clone();
            match choose(&self.import.request, &self.index, &file) {
                Choice::Take => taken.push(key),
                Choice::Leave => {}
                Choice::Refuse(fault) => refusals.push(Refusal { key, fault }),
                Choice::AskStore => asked.push(key),
            }
        }
        let mut answers = futures::stream::iter(asked)
            .map(async |key| (self.ask(&key, source).await, key))
            .buffer_unordered(HEADS);
        while let Some((answer, key)) = answers.next().await {
            match answer? {
                None => taken.push(key),
                Some(fault) => refusals.push(Refusal { key, fault }),
            }
        }
        // As lists of videos pair them.
        let mut captions = Sidecars::new(LANGUAGE);
        captions.find(&*self.app.store, self.integration.id, taken.iter().map(String::as_str)).await?;
        let tasks: Vec<NewTask> = taken.into_iter().map(|key| self.task(key, &captions)).collect();
        let now = self.app.clock.now();
        self.app.store.add_tasks(self.import.transfer, &tasks, now).await?;
        self.app.store.add_refusals(self.import.id, &refusals).await
    }

    /// What the store says against an object now. What it cannot say for the moment, it is asked again by the task.
    async fn ask(&self, key: &str, source: &OnceCell<Arc<dyn Source>>) -> Result<Option<Fault>> {
        let open = async || self.app.sources.open(&self.integration).await;
        let source = source.get_or_try_init(open).await.map_err(|error| Error::from(object_fault(&error)))?;
        Ok(match source.head(key).await {
            Ok(info) => admit_object(&info).err(),
            Err(error) if error.kind.is_transient() => None,
            Err(error) => Some(object_fault(&error)),
        })
    }

    fn task(&self, key: String, captions: &Sidecars<'_>) -> NewTask {
        let captions = captions.of(&key).map(|captions| self.integration.object(captions.to_owned()));
        let ImportRequest { user_metadata, is_incremental, .. } = &self.import.request;
        NewTask {
            id: TaskId::generate(self.app.clock.now()),
            index: self.index.id,
            source: TaskSource::Object(self.integration.object(key)),
            transcription: captions.map(Transcription::Object),
            language: LANGUAGE.to_owned(),
            user_metadata: user_metadata.clone(),
            allows_duplicate: !is_incremental,
            without_stream: false,
        }
    }
}

fn deleted() -> Error {
    Fault::because(Code::IntegrationDeleted, "The integration was deleted before the import began.").into()
}

fn the_server_stops() -> Error {
    Fault::because(Code::ServiceUnavailable, "The server stops; the import was not begun.").into()
}
