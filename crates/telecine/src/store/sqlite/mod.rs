//! The store on SQLite: one file, one writer, several readers; full-text search by FTS5. All SQL of this dialect lives
//! here. It decides nothing about statuses: that is `transfer::next_status`.

mod asset_imports;
mod assets;
mod claims;
mod content;
mod counters;
mod deletion;
mod embeddings;
mod filters;
mod generation;
mod idempotency;
mod imports;
mod indexed;
mod indexes;
mod integrations;
mod inventory;
mod keys;
mod lists;
mod merge;
mod objects;
mod removal;
mod rows;
mod search;
mod sessions;
mod speech;
mod statistics;
mod streams;
mod syncs;
mod system;
mod tasks;
mod told;
mod transfers;
mod uploads;
mod videos;
mod webhooks;
mod words;

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, Sqlite, SqlitePool, Transaction};

use crate::fault::{Error, Result};
use crate::store::Store;

static MIGRATIONS: Migrator = sqlx::migrate!("src/store/sqlite/migrations");

/// How long a writer waits for another process, such as `telecine key create` beside a server.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);
/// Connections that read; each may hold a few megabytes of pages.
const READERS: u32 = 4;
/// Rows of a statement that inserts many: more is slower (shared/reference measured 100, 1000 and 5000).
const ROWS_PER_STATEMENT: usize = 100;
/// Tasks that one transaction changes when a person asks for a change of very many.
const TASKS_PER_CHANGE: i64 = 5_000;

/// A database in a file. Clones share it.
#[derive(Debug, Clone)]
pub struct SqliteStore {
    writer: SqlitePool,
    readers: SqlitePool,
}

/// A transaction that holds the writer's lock from its start; dropped without a commit, it leaves nothing.
type Write = Transaction<'static, Sqlite>;

impl SqliteStore {
    /// Opens the database at `path`, makes it if it is not there, and brings it to the shape of this version.
    ///
    /// # Errors
    /// When the file cannot be opened or written, is not a database, or was made by a later version.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT)
            .synchronous(SqliteSynchronous::Full)
            .pragma("journal_size_limit", "67108864")
            // What is deleted is gone from the file too: erased secrets, and what videos showed.
            .pragma("secure_delete", "ON");
        let writing = options.clone().journal_mode(SqliteJournalMode::Wal).pragma("cache_size", "-65536");
        migrate(&writing).await.with_context(|| format!("cannot open the database {}", path.display()))?;
        let writer = SqlitePoolOptions::new().max_connections(1).connect_with(writing).await?;
        let reading = options.with_regexp().pragma("query_only", "ON").pragma("cache_size", "-16384");
        let readers = SqlitePoolOptions::new().max_connections(READERS).connect_with(reading).await?;
        Ok(Self { writer, readers })
    }

    /// Closes all connections: what was written is in the one file again.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    async fn write(&self) -> Result<Write> {
        Ok(self.writer.begin_with("BEGIN IMMEDIATE").await?)
    }
}

/// Does work of many transactions to its end, even if whoever asked for it goes away in between.
async fn to_its_end<T: Send + 'static>(work: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
    tokio::spawn(work).await.context("work in the database was cut short")?
}

async fn migrate(options: &SqliteConnectOptions) -> anyhow::Result<()> {
    let mut connection = connect_first(options).await?;
    let mut result = MIGRATIONS.run(&mut connection).await;
    // Another process may just have done one of them; each is done whole or not at all.
    for _ in MIGRATIONS.iter() {
        if !matches!(result, Err(MigrateError::ExecuteMigration(..) | MigrateError::Execute(_))) {
            break;
        }
        result = MIGRATIONS.run(&mut connection).await;
    }
    connection.close().await?;
    match result {
        Err(MigrateError::VersionMissing(version)) => {
            anyhow::bail!("it has the shape {version} of a later version of Telecine; start that version")
        }
        other => Ok(other?),
    }
}

/// The first connection switches the file to WAL, for which SQLite does not wait, whatever its busy timeout: when others
/// open the new file at the same moment, try again.
async fn connect_first(options: &SqliteConnectOptions) -> sqlx::Result<sqlx::SqliteConnection> {
    const TRIES: u32 = 50;
    for _ in 1..TRIES {
        match options.connect().await {
            Err(sqlx::Error::Database(error)) if error.message().contains("locked") => {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
            other => return other,
        }
    }
    options.connect().await
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::Internal(anyhow::Error::new(error).context("the database failed"))
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn ping(&self) -> Result<()> {
        sqlx::query("SELECT count(*) FROM workspace").execute(&self.readers).await?;
        self.write().await?.rollback().await?;
        Ok(())
    }
}
