//! Transfers against a real store and a real folder as a source: what a manifest makes of them.

mod create;
mod plan;
mod report;
mod status;
mod submit;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use crate::support::vaults::vault;
use serde_json::{Value, json};
use telecine::config::Config;
use telecine::fault::{Fault, Result};
use telecine::files::DataDir;
use telecine::ids::{IndexId, TransferId, WorkspaceId};
use telecine::index::{EngineSpec, Index, IndexModels, ModelOption, ModelRef};
use telecine::integration::{Integration, IntegrationStatus, Provider};
use telecine::queue::{Queue, TableQueue};
use telecine::source::{Opener, Sources};
use telecine::store::sqlite::SqliteStore;
use telecine::store::{Paging, SortBy, Store};
use telecine::time::{Clock, ManualClock, Timestamp};
use telecine::transfer::submit::{Reception, Submission};
use telecine::transfer::{Task, Transfer};

/// A data folder with a store, two indexes, and the integrations `harbour` (active) and `attic` (never verified).
struct World {
    store: Arc<dyn Store>,
    queue: Arc<dyn Queue>,
    clock: Arc<ManualClock>,
    sources: Arc<dyn Sources>,
    files: DataDir,
    workspace: WorkspaceId,
    index: IndexId,
    other_index: IndexId,
    harbour: Integration,
    /// Where the objects of `harbour` lie.
    bucket: PathBuf,
    /// Removed with everything in it at the end.
    _folder: tempfile::TempDir,
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let files = DataDir::new(folder.path().join("data"));
        for path in [files.incoming(), files.work(), folder.path().join("harbour")] {
            std::fs::create_dir_all(path).unwrap();
        }
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(files.database()).await.unwrap());
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_709_284_502_417)));
        let workspace = store.default_workspace(clock.now()).await.unwrap();
        let mut config = Config::default();
        config.folders.roots = vec![folder.path().to_owned()];
        let bucket = folder.path().join("harbour");
        let harbour =
            integration(workspace, "harbour", IntegrationStatus::Active, bucket.clone(), clock.now());
        let attic =
            integration(workspace, "attic", IntegrationStatus::Pending, folder.path().into(), clock.now());
        store.insert_integration(&harbour).await.unwrap();
        store.insert_integration(&attic).await.unwrap();
        let (index, other_index) =
            (index(workspace, "first", clock.now()), index(workspace, "second", clock.now()));
        store.insert_index(&index).await.unwrap();
        store.insert_index(&other_index).await.unwrap();
        Self {
            queue: Arc::new(TableQueue::new(store.clone())),
            sources: Arc::new(Opener::new(&config, vault(), clock.clone())),
            index: index.id,
            other_index: other_index.id,
            store,
            clock,
            files,
            workspace,
            harbour,
            bucket,
            _folder: folder,
        }
    }

    fn put(&self, key: &str, bytes: &[u8]) {
        let path = self.bucket.join(key);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    fn entry(&self, key: &str) -> Value {
        json!({"index_id": self.index, "object": format!("folder://harbour/{key}")})
    }

    fn reception(&self) -> Reception {
        Reception {
            store: self.store.clone(),
            queue: self.queue.clone(),
            clock: self.clock.clone(),
            languages: vec!["en".to_owned(), "de".to_owned()],
            max_bytes: 64 << 20,
            id: None,
        }
    }

    async fn submit(&self, manifest: &Value) -> Result<Submission> {
        self.submit_text(&manifest.to_string()).await
    }

    async fn submit_text(&self, manifest: &str) -> Result<Submission> {
        self.reception().receive(self.workspace, std::io::Cursor::new(manifest.to_owned())).await
    }

    async fn refusal(&self, manifest: &Value) -> Fault {
        let error = self.submit(manifest).await.expect_err("the manifest is refused");
        self.assert_nothing_is_stored().await;
        error.as_fault().expect("a fault, not an error of ours").clone()
    }

    async fn transfers(&self) -> Vec<Transfer> {
        let paging = Paging { page: 1, limit: 50, sort_by: SortBy::CreatedAt, descending: true };
        self.store.transfers(self.workspace, paging).await.unwrap().rows
    }

    async fn tasks(&self, transfer: TransferId) -> Vec<Task> {
        self.store.tasks_after(transfer, None, 100_000).await.unwrap()
    }

    /// Neither for users nor for workers.
    async fn assert_nothing_is_stored(&self) {
        assert_eq!(self.transfers().await, []);
        let counts = self.store.task_counts(self.workspace, self.index).await.unwrap();
        assert_eq!(counts.total(), 0);
        assert_eq!(self.store.next_due().await.unwrap(), None);
        assert_eq!(self.store.discard_unfinished_transfers().await.unwrap(), 0, "nothing waits to be tidied");
    }
}

fn integration(
    workspace: WorkspaceId,
    name: &str,
    status: IntegrationStatus,
    path: PathBuf,
    now: Timestamp,
) -> Integration {
    Integration { status, ..Integration::new(workspace, Provider::Folder { path }, name, now) }
}

fn index(workspace: WorkspaceId, name: &str, now: Timestamp) -> Index {
    let model = |id: &str, dim| ModelRef { id: id.to_owned(), dim };
    Index {
        id: IndexId::generate(now),
        workspace,
        name: name.to_owned(),
        engines: vec![EngineSpec {
            name: "marengo2.6".to_owned(),
            options: BTreeSet::from([ModelOption::Visual, ModelOption::Conversation]),
        }],
        addons: Vec::new(),
        models: IndexModels {
            see: model("see", 8),
            hear: model("hear", 0),
            read: model("read", 0),
            words: model("words", 8),
        },
        created_at: now,
        updated_at: now,
    }
}
