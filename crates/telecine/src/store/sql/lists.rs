//! Pages of lists: counted and read in one snapshot.

use sqlx::FromRow;

use super::filters::Sql;
use super::rows::{signed, to_json, unsigned};
use super::{Connection, Row, SqlStore, push_among_numbers};
use crate::fault::Result;
use crate::store::{Listed, Paging, SortBy};

/// A list over one table, which its conditions know by the alias `alias`.
pub(in crate::store) struct List<'a> {
    /// What to read of a row.
    pub(in crate::store) columns: &'a str,
    /// Table and alias, such as `video v`.
    pub(in crate::store) from: &'static str,
    /// The alias alone.
    pub(in crate::store) alias: &'static str,
    /// The column that decides between rows of one moment: it grows as they are made, and no two have the same.
    pub(in crate::store) tie: &'static str,
    /// Adds ` WHERE …`.
    pub(in crate::store) conditions: &'a (dyn Fn(&mut Sql) + Sync),
}

impl List<'_> {
    /// The page, and how many rows there are on all of them.
    pub(super) async fn page<R, T>(
        &self,
        store: &SqlStore,
        paging: Paging,
        read: impl Fn(R) -> Result<T>,
    ) -> Result<Listed<T>>
    where
        R: for<'r> FromRow<'r, Row> + Send + Unpin,
    {
        self.page_by(column_of(paging), store, paging, read).await
    }

    /// The same, in the order of this column.
    pub(super) async fn page_by<R, T>(
        &self,
        column: &'static str,
        store: &SqlStore,
        paging: Paging,
        read: impl Fn(R) -> Result<T>,
    ) -> Result<Listed<T>>
    where
        R: for<'r> FromRow<'r, Row> + Send + Unpin,
    {
        let mut snapshot = store.snapshot().await?;
        let listed = self.page_up_to(None, column, &mut snapshot, paging, read).await?;
        snapshot.commit().await?;
        Ok(listed)
    }

    /// The same, of which no more are counted than `most`: the first ones in the order of the list, as the page is walked to.
    pub(super) async fn page_up_to<R, T>(
        &self,
        most: Option<u64>,
        column: &'static str,
        on: &mut Connection,
        paging: Paging,
        read: impl Fn(R) -> Result<T>,
    ) -> Result<Listed<T>>
    where
        R: for<'r> FromRow<'r, Row> + Send + Unpin,
    {
        let mut count = Sql::new(match most {
            None => format!("SELECT count(*) FROM {}", self.from),
            Some(_) => format!("SELECT count(*) FROM (SELECT 1 AS one FROM {}", self.from),
        });
        (self.conditions)(&mut count);
        if let Some(most) = most {
            self.order(&mut count, column, Paging { page: 1, limit: most, ..paging })?;
            count.push(") counted");
        }
        let mut rows = Sql::new(format!("SELECT {} FROM {}", self.columns, self.from));
        (self.conditions)(&mut rows);
        self.order(&mut rows, column, paging)?;

        let total: i64 = count.build_query_scalar().persistent(false).fetch_one(&mut *on).await?;
        let found: Vec<R> = rows.build_query_as().persistent(false).fetch_all(&mut *on).await?;
        let rows = found.into_iter().map(read).collect::<Result<_>>()?;
        let total = unsigned(total)?;
        Ok(Listed { rows, total, is_at_least: most.is_some_and(|most| total >= most) })
    }

    /// The same, of the rows whose numbers are the answer to a question, which tells them in the order of the column.
    pub(super) async fn page_among<R, T>(
        &self,
        mut numbers: Sql,
        column: &'static str,
        on: &mut Connection,
        paging: Paging,
        read: impl Fn(R) -> Result<T>,
    ) -> Result<Listed<T>>
    where
        R: for<'r> FromRow<'r, Row> + Send + Unpin,
    {
        let found: Vec<i64> = numbers.build_query_scalar().persistent(false).fetch_all(&mut *on).await?;
        let (limit, page) = (paging.limit, paging.page.saturating_sub(1));
        let skipped = usize::try_from(page.saturating_mul(limit)).unwrap_or(usize::MAX);
        let wanted = found.iter().skip(skipped).take(usize::try_from(limit).unwrap_or(usize::MAX));
        let wanted: Vec<i64> = wanted.copied().collect();
        let mut rows = Sql::new(format!("SELECT {} FROM {}", self.columns, self.from));
        rows.push(format_args!(" WHERE {}.seq IN ", self.alias));
        push_among_numbers(&mut rows, to_json(&wanted)?);
        self.order(&mut rows, column, Paging { page: 1, limit: i64::MAX.unsigned_abs(), ..paging })?;
        let rows: Vec<R> = rows.build_query_as().persistent(false).fetch_all(&mut *on).await?;
        let rows = rows.into_iter().map(read).collect::<Result<_>>()?;
        Ok(Listed { rows, total: found.len() as u64, is_at_least: false })
    }

    /// Adds the conditions, and the order of a column by no index.
    pub(super) fn push_sorted(&self, sql: &mut Sql, column: &'static str, descending: bool) {
        let Self { alias, tie, .. } = *self;
        (self.conditions)(sql);
        let direction = if descending { "DESC" } else { "ASC" };
        sql.push(format_args!(" ORDER BY +{alias}.{column} {direction}, {alias}.{tie} {direction}"));
    }

    fn order(&self, sql: &mut Sql, column: &'static str, paging: Paging) -> Result<()> {
        let Paging { page, limit, sort_by: _, descending } = paging;
        let direction = if descending { "DESC" } else { "ASC" };
        let (alias, tie) = (self.alias, self.tie);
        sql.push(format_args!(" ORDER BY {alias}.{column} {direction}, {alias}.{tie} {direction} LIMIT "));
        sql.push_bind(signed(limit)?).push(" OFFSET ");
        let offset = page.saturating_sub(1).saturating_mul(limit).min(i64::MAX.unsigned_abs());
        sql.push_bind(signed(offset)?);
        Ok(())
    }
}

/// What a list is sorted by.
pub(super) fn column_of(paging: Paging) -> &'static str {
    match paging.sort_by {
        SortBy::CreatedAt => "created_at",
        SortBy::UpdatedAt => "updated_at",
    }
}
