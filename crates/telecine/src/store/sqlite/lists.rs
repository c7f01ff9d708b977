//! Pages of lists: counted and read in one snapshot.

use sqlx::sqlite::SqliteRow;
use sqlx::{Acquire as _, FromRow};

use super::SqliteStore;
use super::filters::Sql;
use super::rows::{signed, unsigned};
use crate::fault::Result;
use crate::store::{Listed, Paging, SortBy};

/// A list over one table, which its conditions know by the alias `alias`.
pub(super) struct List<'a> {
    /// What to read of a row.
    pub(super) columns: &'a str,
    /// Table and alias, such as `video v`.
    pub(super) from: &'static str,
    /// The alias alone.
    pub(super) alias: &'static str,
    /// Adds ` WHERE …`.
    pub(super) conditions: &'a (dyn Fn(&mut Sql) + Sync),
}

impl List<'_> {
    /// The page, and how many rows there are on all of them.
    pub(super) async fn page<R, T>(
        &self,
        store: &SqliteStore,
        paging: Paging,
        read: impl Fn(R) -> Result<T>,
    ) -> Result<Listed<T>>
    where
        R: for<'r> FromRow<'r, SqliteRow> + Send + Unpin,
    {
        let column = match paging.sort_by {
            SortBy::CreatedAt => "created_at",
            SortBy::UpdatedAt => "updated_at",
        };
        self.page_by(column, store, paging, read).await
    }

    /// The same, in the order of this column.
    pub(super) async fn page_by<R, T>(
        &self,
        column: &'static str,
        store: &SqliteStore,
        paging: Paging,
        read: impl Fn(R) -> Result<T>,
    ) -> Result<Listed<T>>
    where
        R: for<'r> FromRow<'r, SqliteRow> + Send + Unpin,
    {
        let mut count = Sql::new(format!("SELECT count(*) FROM {}", self.from));
        (self.conditions)(&mut count);
        let mut rows = Sql::new(format!("SELECT {} FROM {}", self.columns, self.from));
        (self.conditions)(&mut rows);
        self.order(&mut rows, column, paging)?;

        let mut connection = store.readers.acquire().await?;
        let mut snapshot = connection.begin().await?;
        let total: i64 = count.build_query_scalar().persistent(false).fetch_one(&mut *snapshot).await?;
        let found: Vec<R> = rows.build_query_as().persistent(false).fetch_all(&mut *snapshot).await?;
        snapshot.commit().await?;
        let rows = found.into_iter().map(read).collect::<Result<_>>()?;
        Ok(Listed { rows, total: unsigned(total)? })
    }

    fn order(&self, sql: &mut Sql, column: &'static str, paging: Paging) -> Result<()> {
        let Paging { page, limit, sort_by: _, descending } = paging;
        let direction = if descending { "DESC" } else { "ASC" };
        let alias = self.alias;
        sql.push(format_args!(" ORDER BY {alias}.{column} {direction}, {alias}.rowid {direction} LIMIT "));
        sql.push_bind(signed(limit)?).push(" OFFSET ");
        let offset = page.saturating_sub(1).saturating_mul(limit).min(i64::MAX.unsigned_abs());
        sql.push_bind(signed(offset)?);
        Ok(())
    }
}
