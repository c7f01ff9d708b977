//! The store on SQLite: one file, one writer, several readers; full-text search by FTS5. The SQL that PostgreSQL
//! understands, too, lies in `store/sql`.

#[macro_use]
mod dialect;
mod examine;
#[expect(clippy::duplicate_mod, reason = "the SQL that both databases understand, compiled for this one")]
#[path = "../sql/mod.rs"]
mod sql;
#[cfg(test)]
mod tests;
mod words;

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _};

use crate::fault::Result;
use crate::store::{NearestStore, Presence};
use crate::system::Database;

use sql::rows::unsigned;

pub use sql::SqlStore as SqliteStore;

static MIGRATIONS: Migrator = sqlx::migrate!("src/store/sqlite/migrations");

/// How long a writer waits for another process, such as `telecine key create` beside a server.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);
/// Connections that read; each may hold a few megabytes of pages.
const READERS: u32 = 4;
/// How often the log is emptied that may still hold a secret, while others read.
const TRIES: u32 = 20;
const BETWEEN_TRIES: Duration = Duration::from_millis(100);

impl SqliteStore {
    /// Vectors are searched in memory.
    #[expect(clippy::unused_self, reason = "others do")]
    fn searching(&self) -> Option<&dyn NearestStore> {
        None
    }

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
        // Pages that change again and again are brought home from the log now and then, and not after every few commits.
        let writing = options
            .clone()
            .journal_mode(SqliteJournalMode::Wal)
            .pragma("wal_autocheckpoint", "16000")
            .pragma("cache_size", "-65536");
        migrate(&writing).await.with_context(|| format!("cannot open the database {}", path.display()))?;
        let writer = SqlitePoolOptions::new().max_connections(1).connect_with(writing).await?;
        let reading = options.with_regexp().pragma("query_only", "ON").pragma("cache_size", "-16384");
        let readers = SqlitePoolOptions::new().max_connections(READERS).connect_with(reading).await?;
        Ok(Self { writer, readers, aside: () })
    }

    /// The database at `path` as it is: nothing of it is made, and nothing can be written.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub async fn open_as_it_is(path: impl AsRef<Path>) -> Result<Self> {
        let options =
            SqliteConnectOptions::new().filename(path).busy_timeout(BUSY_TIMEOUT).pragma("query_only", "ON");
        let readers =
            SqlitePoolOptions::new().max_connections(READERS).connect_with(options.with_regexp()).await?;
        Ok(Self { writer: readers.clone(), readers, aside: () })
    }

    /// Nothing comes between this process and its own file.
    #[expect(clippy::unused_self, reason = "PostgreSQL's store needs it")]
    fn watch_over(&self, _: Duration) {}

    #[expect(clippy::unused_self, reason = "PostgreSQL's store needs it")]
    fn what_is_seen(&self) -> Presence {
        Presence::default()
    }

    /// Version and size.
    async fn about(&self) -> Result<Database> {
        let (version, pages, page_bytes): (String, i64, i64) = sqlx::query_as(
            "SELECT sqlite_version(), (SELECT page_count FROM pragma_page_count), \
             (SELECT page_size FROM pragma_page_size)",
        )
        .fetch_one(&self.readers)
        .await?;
        let size_bytes = unsigned(pages)? * unsigned(page_bytes)?;
        Ok(Database { kind: "sqlite", version, size_bytes })
    }

    /// Moves all of the write-ahead log into the database, whose pages hold zeros where the secret was, and empties it.
    /// Whoever reads an older state keeps it from that for a while.
    pub(super) async fn forget_erased(&self) -> Result<()> {
        for _ in 0..TRIES {
            let (is_busy, ..): (bool, i64, i64) =
                sqlx::query_as("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&self.writer).await?;
            if !is_busy {
                return Ok(());
            }
            tokio::time::sleep(BETWEEN_TRIES).await;
        }
        // The next checkpoints do it.
        tracing::warn!("an erased secret may stay in the database's log until nobody reads an older state");
        Ok(())
    }
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
