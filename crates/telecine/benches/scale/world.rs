//! A store of each kind, and what is put into it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sqlx::{AssertSqlSafe, Connection as _};
use telecine::ids::{IndexId, IntegrationId, TaskId, WorkspaceId};
use telecine::index::{EngineSpec, Index, IndexModels, ModelOption, ModelRef};
use telecine::store::Store;
use telecine::store::postgres::PostgresStore;
use telecine::store::sqlite::SqliteStore;
use telecine::time::{Clock as _, SystemClock};
use telecine::transfer::{NewTask, ObjectRef, Scheme, TaskSource};

/// A database that a store is open on.
pub(crate) struct Side {
    pub(crate) name: &'static str,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) workspace: WorkspaceId,
    /// Where the data of a server would be.
    pub(crate) folder: PathBuf,
    /// Of the database, if it is on a server.
    pub(crate) url: Option<String>,
}

impl Side {
    /// An empty one of each kind.
    pub(crate) async fn both(folder: &Path, url: &str, what: &str) -> [Self; 2] {
        let (path, other) = (folder.join(format!("{what}-sqlite")), folder.join(format!("{what}-postgres")));
        std::fs::create_dir_all(&path).expect("a folder");
        std::fs::create_dir_all(&other).expect("a folder");
        let mut raw = sqlx::PgConnection::connect(url).await.expect("PostgreSQL answers");
        sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {what}")))
            .execute(&mut raw)
            .await
            .expect("a database");
        let url = url.strip_suffix("/telecine").map(|base| format!("{base}/{what}")).expect("its name");
        let sqlite = SqliteStore::open(path.join("telecine.db")).await.expect("a database");
        let postgres = PostgresStore::open(&url).await.expect("a database");
        [
            Self::of("SQLite", Arc::new(sqlite), path, None).await,
            Self::of("PostgreSQL", Arc::new(postgres), other, Some(url)).await,
        ]
    }

    async fn of(name: &'static str, store: Arc<dyn Store>, folder: PathBuf, url: Option<String>) -> Self {
        let workspace = store.default_workspace(SystemClock.now()).await.expect("a workspace");
        Self { name, store, workspace, folder, url }
    }

    pub(crate) async fn index(&self, name: &str) -> IndexId {
        let model = |dim| ModelRef { id: "model".to_owned(), dim };
        let index = Index {
            id: IndexId::generate(SystemClock.now()),
            workspace: self.workspace,
            name: name.to_owned(),
            engines: vec![EngineSpec { name: "marengo2.6".to_owned(), options: ModelOption::ALL.into() }],
            addons: Vec::new(),
            models: IndexModels { see: model(4), hear: model(0), read: model(0), words: model(3) },
            created_at: SystemClock.now(),
            updated_at: SystemClock.now(),
        };
        self.store.insert_index(&index).await.expect("an index");
        index.id
    }

    /// What no worker would do in a day: statements that both databases understand, behind the store's back.
    pub(crate) async fn raw(&self, statement: &str) {
        let statement = AssertSqlSafe(statement.to_owned());
        let done = match &self.url {
            None => {
                let path = self.folder.join("telecine.db");
                // As much at hand as a server's cache of the disk would have.
                let options = sqlx::sqlite::SqliteConnectOptions::new()
                    .filename(path)
                    .foreign_keys(true)
                    .pragma("cache_size", "-1000000");
                let mut raw = sqlx::SqliteConnection::connect_with(&options).await.expect("the database");
                sqlx::query(statement).execute(&mut raw).await.map(|_| ())
            }
            Some(url) => {
                let mut raw = sqlx::PgConnection::connect(url).await.expect("PostgreSQL answers");
                sqlx::query(statement).execute(&mut raw).await.map(|_| ())
            }
        };
        done.expect("the statement is right");
    }

    /// What the database does by itself in an hour or so.
    pub(crate) async fn settle(&self) {
        self.raw(if self.url.is_some() { "VACUUM ANALYZE" } else { "PRAGMA wal_checkpoint(TRUNCATE)" }).await;
    }
}

pub(crate) fn task(index: IndexId, integration: IntegrationId, key: String) -> NewTask {
    NewTask {
        id: TaskId::generate(SystemClock.now()),
        index,
        source: TaskSource::Object(ObjectRef {
            scheme: Scheme::S3,
            integration,
            bucket: "archive".to_owned(),
            key,
        }),
        transcription: None,
        language: "en".to_owned(),
        user_metadata: None,
        allows_duplicate: false,
        without_stream: false,
    }
}
