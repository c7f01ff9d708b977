//! The store on PostgreSQL, for many machines: full-text search by `tsvector`, vectors by pgvector. The SQL that SQLite
//! understands, too, lies in `store/sql`.

#[macro_use]
mod dialect;
mod examine;
mod moving;
mod nearest;
mod sockets;
#[expect(clippy::duplicate_mod, reason = "the SQL that both databases understand, compiled for this one")]
#[path = "../sql/mod.rs"]
mod sql;
mod vector;
mod watch;
mod words;

use std::str::FromStr as _;
use std::time::Duration;

use anyhow::Context as _;
use sqlx::PgPool;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::fault::Result;
use crate::store::Presence;
use crate::system::Database;
use sql::rows::unsigned;

pub use moving::{Move, Moved};
pub use sql::SqlStore as PostgresStore;

static MIGRATIONS: Migrator = sqlx::migrate!("src/store/postgres/migrations");

/// Connections of one process that write, and that read.
const WRITERS: u32 = 16;
const READERS: u32 = 16;
/// How long a connection is waited for, new or old, before the database is said to be away.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// What every connection asks of the server: no statement waits for locks, and no transaction for us, without end; and that it
/// notices when we are gone, for what a transaction has locked is locked until then.
const SESSION: [(&str, &str); 9] = [
    ("lock_timeout", "15s"),
    ("idle_in_transaction_session_timeout", "20s"),
    ("client_connection_check_interval", "5s"),
    ("tcp_keepalives_idle", "10"),
    ("tcp_keepalives_interval", "5"),
    ("tcp_keepalives_count", "3"),
    ("tcp_user_timeout", "20s"),
    ("default_transaction_isolation", "read committed"),
    // Old plans of statements whose tables grew a thousandfold are worse than planning again.
    ("plan_cache_mode", "auto"),
];

impl PostgresStore {
    /// Opens the database at this URL (`postgres://USER:PASSWORD@HOST:PORT/NAME`, with the options of libpq, such as
    /// `sslmode`), and brings it to the shape of this version; processes that start together take turns.
    ///
    /// # Errors
    /// When it cannot be reached or written, lacks the extension pgvector or pg_trgm, or was made by a later version.
    pub async fn open(url: &str) -> Result<Self> {
        let (writer, readers) = (pool_of(url, WRITERS)?, pool_of(url, READERS)?);
        let host = writer.connect_options().get_host().to_owned();
        migrate(&writer).await.with_context(|| format!("cannot open the database on {host}"))?;
        let store = Self { writer, readers, aside: Default::default() };
        moving::expect_none(&store).await?;
        Ok(store)
    }

    /// The database as it is: nothing of it is made.
    ///
    /// # Errors
    /// When the URL cannot be read.
    pub fn open_as_it_is(url: &str) -> Result<Self> {
        let readers = pool_of(url, 1)?;
        Ok(Self { writer: readers.clone(), readers, aside: Default::default() })
    }

    /// Watches over the database from now on: it counts as away when it says nothing for so long.
    fn watch_over(&self, silent_after: Duration) {
        self.aside.watch.begin((*self.writer.connect_options()).clone(), silent_after);
    }

    fn what_is_seen(&self) -> Presence {
        self.aside.watch.presence()
    }

    /// Version and size.
    async fn about(&self) -> Result<Database> {
        let (version, bytes): (String, i64) =
            sqlx::query_as("SELECT current_setting('server_version'), pg_database_size(current_database())")
                .fetch_one(&self.readers)
                .await?;
        Ok(Database { kind: "postgresql", version, size_bytes: unsigned(bytes)? })
    }

    /// What is removed is in old rows until they are vacuumed, and in the write-ahead log until that is recycled.
    async fn forget_erased(&self) -> Result<()> {
        sqlx::query("VACUUM integration").execute(&self.writer).await?;
        Ok(())
    }
}

/// What the store keeps beside its connections.
#[derive(Debug, Default)]
struct Kept {
    statistics: words::Statistics,
    watch: watch::Watch,
}

/// Connections that are made when they are needed.
fn pool_of(url: &str, connections: u32) -> anyhow::Result<PgPool> {
    let options = PgConnectOptions::from_str(url)
        .context("the URL of the database cannot be read")?
        .application_name("telecine")
        .options(SESSION);
    let pool = PgPoolOptions::new().max_connections(connections).acquire_timeout(CONNECT_TIMEOUT);
    Ok(pool.connect_lazy_with(options))
}

/// sqlx holds an advisory lock over it.
async fn migrate(pool: &PgPool) -> anyhow::Result<()> {
    match MIGRATIONS.run(pool).await {
        Err(MigrateError::VersionMissing(version)) => {
            anyhow::bail!("it has the shape {version} of a later version of Telecine; start that version")
        }
        other => Ok(other?),
    }
}
