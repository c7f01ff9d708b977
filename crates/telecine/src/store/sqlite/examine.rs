//! What is wrong with a database in a file, if anything is.

use super::{MIGRATIONS, SqliteStore};
use crate::fault::Result;
use crate::store::Finding;

impl SqliteStore {
    /// Looks at it; changes nothing.
    pub(super) async fn findings(&self) -> Result<Vec<Finding>> {
        let database = self.about().await?;
        let mut findings = vec![Finding::well(
            "engine",
            format!("SQLite {}, {} MB", database.version, database.size_bytes / 1_000_000),
        )];
        let has_shape: bool =
            sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = '_sqlx_migrations')")
                .fetch_one(&self.readers)
                .await?;
        let applied: Option<i64> = if has_shape {
            sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations WHERE success")
                .fetch_one(&self.readers)
                .await?
        } else {
            None
        };
        findings
            .push(Finding::shape(applied, MIGRATIONS.iter().map(|known| known.version).max().unwrap_or(0)));
        let sound: String = sqlx::query_scalar("PRAGMA quick_check(1)").fetch_one(&self.readers).await?;
        findings.push(if sound == "ok" {
            Finding::well("soundness", "every page can be read")
        } else {
            Finding::fatal("soundness", sound, "Restore the newest backup; keep the damaged file aside.")
        });
        Ok(findings)
    }
}
