//! What is wrong with a database on PostgreSQL, if anything is: what a server needs of it, and what would lose what was
//! acknowledged.

use std::time::{Duration, Instant};

use super::{MIGRATIONS, PostgresStore, READERS, WRITERS};
use crate::fault::Result;
use crate::store::Finding;
use crate::time::{Clock as _, SystemClock};

/// The first PostgreSQL that has all that is asked of it (as in `server_version_num`), and the first pgvector.
const MIN_VERSION: i64 = 140_000;
const MIN_PGVECTOR: [u32; 2] = [0, 8];
/// Leases are held against each host's own clock.
const MAX_SKEW: Duration = Duration::from_secs(2);

impl PostgresStore {
    /// Looks at it; changes nothing.
    pub(super) async fn findings(&self) -> Result<Vec<Finding>> {
        Ok(vec![
            self.engine().await?,
            self.shape().await?,
            self.pgvector().await?,
            self.pg_trgm().await?,
            self.encoding().await?,
            self.standby().await?,
            self.setting("fsync", "off", "after a power cut, the database is damaged").await?,
            self.setting("full_page_writes", "off", "after a power cut, pages may be half old and half new")
                .await?,
            self.setting("synchronous_commit", "off", "after a crash, what was acknowledged may be lost")
                .await?,
            self.connections_allowed().await?,
            self.clock().await?,
        ])
    }

    async fn text(&self, statement: &'static str) -> Result<String> {
        Ok(sqlx::query_scalar(statement).fetch_one(&self.readers).await?)
    }

    async fn engine(&self) -> Result<Finding> {
        const WHAT: &str = "engine";
        let number: i64 =
            self.text("SELECT current_setting('server_version_num')").await?.parse().unwrap_or_default();
        let database = self.about().await?;
        let found = format!("PostgreSQL {}, {} MB", database.version, database.size_bytes / 1_000_000);
        Ok(if number < MIN_VERSION {
            Finding::fatal(WHAT, found, "Use PostgreSQL 14 or later.")
        } else {
            Finding::well(WHAT, found)
        })
    }

    async fn shape(&self) -> Result<Finding> {
        let has_shape: bool = sqlx::query_scalar("SELECT to_regclass('_sqlx_migrations') IS NOT NULL")
            .fetch_one(&self.readers)
            .await?;
        let applied: Option<i64> = if has_shape {
            sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations WHERE success")
                .fetch_one(&self.readers)
                .await?
        } else {
            None
        };
        Ok(Finding::shape(applied, MIGRATIONS.iter().map(|known| known.version).max().unwrap_or(0)))
    }

    /// The versions of an extension that is installed, and that can be; none when there is none on the host.
    async fn extension(&self, name: &str) -> Result<Option<(Option<String>, Option<String>)>> {
        let statement =
            "SELECT installed_version, default_version FROM pg_available_extensions WHERE name = $1";
        Ok(sqlx::query_as(statement).bind(name).fetch_optional(&self.readers).await?)
    }

    async fn pgvector(&self) -> Result<Finding> {
        const WHAT: &str = "pgvector";
        let found = self.extension("vector").await?;
        let is_enough = |version: &str| {
            let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
            [parts.next().unwrap_or(0), parts.next().unwrap_or(0)] >= MIN_PGVECTOR
        };
        Ok(match found {
            None => Finding::fatal(
                WHAT,
                "not there",
                "Install the extension on the database's host (Debian: postgresql-NN-pgvector), version 0.8 or later.",
            ),
            Some((Some(installed), _)) if is_enough(&installed) => Finding::well(WHAT, installed),
            Some((Some(installed), _)) => Finding::fatal(
                WHAT,
                installed,
                "Install version 0.8 or later on the host, then run ALTER EXTENSION vector UPDATE.",
            ),
            Some((None, Some(version))) if is_enough(&version) => {
                Finding::well(WHAT, format!("{version} can be installed; the first start does it"))
            }
            Some((None, version)) => Finding::fatal(
                WHAT,
                format!("only {} can be installed", version.unwrap_or_default()),
                "Install version 0.8 or later on the database's host.",
            ),
        })
    }

    async fn pg_trgm(&self) -> Result<Finding> {
        const WHAT: &str = "pg_trgm";
        Ok(match self.extension(WHAT).await? {
            None => Finding::fatal(
                WHAT,
                "not there",
                "Install PostgreSQL's own extensions on the database's host (\"contrib\"; on Debian they come with the server).",
            ),
            Some((Some(installed), _)) => Finding::well(WHAT, installed),
            Some((None, version)) => {
                let version = version.unwrap_or_default();
                Finding::well(WHAT, format!("{version} can be installed; the first start does it"))
            }
        })
    }

    async fn encoding(&self) -> Result<Finding> {
        const WHAT: &str = "encoding";
        let encoding = self.text("SELECT current_setting('server_encoding')").await?;
        Ok(if encoding == "UTF8" {
            Finding::well(WHAT, encoding)
        } else {
            Finding::fatal(
                WHAT,
                encoding,
                "Make a database with ENCODING 'UTF8' (TEMPLATE template0) and name that.",
            )
        })
    }

    async fn standby(&self) -> Result<Finding> {
        const WHAT: &str = "role";
        let is_standby: bool =
            sqlx::query_scalar("SELECT pg_is_in_recovery()").fetch_one(&self.readers).await?;
        Ok(if is_standby {
            Finding::fatal(
                WHAT,
                "a standby, which takes no changes",
                "Name the primary, or all hosts' proxy, in the URL.",
            )
        } else {
            Finding::well(WHAT, "primary")
        })
    }

    /// A setting that must not have this value.
    async fn setting(&self, name: &'static str, bad: &str, what_happens: &str) -> Result<Finding> {
        let value: String =
            sqlx::query_scalar("SELECT current_setting($1)").bind(name).fetch_one(&self.readers).await?;
        Ok(if value == bad {
            Finding::risk(
                name,
                format!("{value}: {what_happens}"),
                format!("Set {name} = on in postgresql.conf and reload, unless all of it may be lost."),
            )
        } else {
            Finding::well(name, value)
        })
    }

    async fn connections_allowed(&self) -> Result<Finding> {
        const WHAT: &str = "connections";
        let allowed: i64 =
            self.text("SELECT current_setting('max_connections')").await?.parse().unwrap_or_default();
        let each = i64::from(WRITERS + READERS);
        let found = format!("{allowed} allowed; each server or worker takes up to {each}");
        Ok(if allowed < 2 * each {
            let remedy = format!(
                "Set max_connections to {each} for each process and some to spare, or put a pooler in between (in session mode)."
            );
            Finding::risk(WHAT, found, remedy)
        } else {
            Finding::well(WHAT, found)
        })
    }

    async fn clock(&self) -> Result<Finding> {
        const WHAT: &str = "clock";
        let (before, began) = (SystemClock.now(), Instant::now());
        let there: f64 =
            sqlx::query_scalar("SELECT CAST(extract(epoch FROM clock_timestamp()) AS DOUBLE PRECISION)")
                .fetch_one(&self.readers)
                .await?;
        let took = began.elapsed();
        let here = before.after(took / 2).as_millis() as f64 / 1_000.0;
        let skew = (here - there).abs();
        let found = format!("{skew:.3} s apart from this host's");
        Ok(if skew > MAX_SKEW.as_secs_f64() + took.as_secs_f64() / 2.0 {
            Finding::risk(
                WHAT,
                found,
                "Keep the clocks of all hosts right (NTP): leases of tasks are told by them.",
            )
        } else {
            Finding::well(WHAT, found)
        })
    }
}
