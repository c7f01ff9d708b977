//! Moves all that a SQLite database holds into an empty one on PostgreSQL: table by table, some thousand rows in a
//! transaction that also notes how far it came, so that a move that was cut short goes on where it was. At the end, every
//! row of both is read once more and compared.

mod cells;
mod tables;

use std::path::Path;

use anyhow::{Context as _, bail};
use futures::TryStreamExt as _;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sqlx::{AssertSqlSafe, PgPool, QueryBuilder, Sqlite, SqlitePool};

use super::{PostgresStore, pool_of};
use crate::fault::Result;
use crate::store::sqlite::SqliteStore;
use cells::Cell;
use tables::Table;

/// Rows of a transaction.
const ROWS_AT_ONCE: i64 = 5_000;
/// Bytes that are sent at a time.
const PIECE_BYTES: usize = 1 << 20;

/// A move that is under way.
#[derive(Debug)]
pub struct Move {
    from: SqlitePool,
    to: PgPool,
    tables: Vec<Table>,
}

/// How far a move has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moved<'a> {
    /// The table.
    pub table: &'a str,
    /// Its rows that are there now.
    pub rows: u64,
}

impl Move {
    /// Opens both, and brings both to the shape of this version. Nobody else may work with either; a server that is
    /// started on the new one before the end refuses to.
    ///
    /// # Errors
    /// When one cannot be opened, or there is something in the new one that this move did not bring.
    pub async fn begin(sqlite: &Path, url: &str) -> Result<Self> {
        SqliteStore::open(sqlite).await?.close().await;
        let to = pool_of(url, 2)?;
        super::migrate(&to).await.with_context(|| "cannot make the tables of the new database".to_owned())?;
        let options = SqliteConnectOptions::new().filename(sqlite).read_only(true);
        let from = SqlitePoolOptions::new().max_connections(1).connect_with(options).await?;
        let tables = tables::of_both(&from, &to).await?;
        let this = Self { from, to, tables };
        this.claim_target().await?;
        Ok(this)
    }

    /// Whether a move into the database has begun and not ended.
    pub(super) async fn is_unfinished(pool: &PgPool) -> Result<bool> {
        let found: Option<String> =
            sqlx::query_scalar("SELECT to_regclass('move_progress')::text").fetch_one(pool).await?;
        Ok(found.is_some())
    }

    async fn claim_target(&self) -> Result<()> {
        let of: String =
            sqlx::query_scalar("SELECT coalesce(min(id), '') FROM workspace").fetch_one(&self.from).await?;
        if !Self::is_unfinished(&self.to).await? {
            for table in &self.tables {
                let any = AssertSqlSafe(format!("SELECT EXISTS (SELECT 1 FROM {})", table.name));
                if sqlx::query_scalar::<_, bool>(any).fetch_one(&self.to).await? {
                    return Err(anyhow::anyhow!(
                        "there is something in the new database already (in the table `{}`); name an empty one",
                        table.name
                    )
                    .into());
                }
            }
            let mut begin = self.to.begin().await?;
            for statement in [
                "CREATE TABLE move_source (workspace TEXT NOT NULL)",
                "CREATE TABLE move_progress (name TEXT PRIMARY KEY, after TEXT, number BIGINT NOT NULL)",
            ] {
                sqlx::query(statement).execute(&mut *begin).await?;
            }
            sqlx::query("INSERT INTO move_source VALUES ($1)").bind(&of).execute(&mut *begin).await?;
            begin.commit().await?;
        }
        let begun: String =
            sqlx::query_scalar("SELECT workspace FROM move_source").fetch_one(&self.to).await?;
        if begun != of {
            return Err(anyhow::anyhow!(
                "a move of another database into this one has begun; name an empty one"
            )
            .into());
        }
        Ok(())
    }

    /// Moves what is not there yet.
    ///
    /// # Errors
    /// When one of the databases fails; the next try goes on.
    pub async fn run(&self, mut tell: impl FnMut(Moved<'_>) + Send) -> Result<()> {
        for table in &self.tables {
            let known: Option<(Option<String>, i64)> =
                sqlx::query_as("SELECT after, number FROM move_progress WHERE name = $1")
                    .bind(&table.name)
                    .fetch_optional(&self.to)
                    .await?;
            let (mut after, mut rows) = match known {
                Some((after, number)) => (after.map(|text| cells::key_from_text(&text)).transpose()?, number),
                None => (None, 0),
            };
            loop {
                let (number, last) = self.move_some(table, after.as_deref(), rows).await?;
                rows += number;
                tell(Moved { table: &table.name, rows: rows.unsigned_abs() });
                if number < ROWS_AT_ONCE {
                    break;
                }
                after = last;
            }
        }
        for table in &self.tables {
            table.continue_numbers(&self.to).await?;
        }
        Ok(())
    }

    /// Moves some rows after a key; how many, and the key of the last one.
    async fn move_some(
        &self,
        table: &Table,
        after: Option<&[Cell]>,
        before: i64,
    ) -> Result<(i64, Option<Vec<Cell>>)> {
        let mut select: QueryBuilder<Sqlite> = QueryBuilder::new(table.select());
        if let Some(after) = after {
            select.push(format!(" WHERE ({}) > (", table.key_names()));
            let mut bound = select.separated(", ");
            for cell in after {
                cell.bind_to(&mut bound);
            }
            select.push(")");
        }
        select.push(format!(" ORDER BY {} LIMIT ", table.key_names())).push_bind(ROWS_AT_ONCE);
        let mut rows = select.build().fetch(&self.from);
        let mut write = self.to.begin().await?;
        let copy = format!("COPY {} ({}) FROM STDIN", table.name, table.target_names());
        let mut sink = sqlx::postgres::PgConnection::copy_in_raw(&mut write, &copy).await?;
        let (mut number, mut last, mut piece) = (0, None, String::new());
        while let Some(row) = rows.try_next().await? {
            let row = table.read_sqlite(&row)?;
            table.write_line(&row, &mut piece);
            last = Some(table.key_of(&row));
            number += 1;
            if piece.len() >= PIECE_BYTES {
                sink.send(piece.as_bytes()).await?;
                piece.clear();
            }
        }
        sink.send(piece.as_bytes()).await?;
        sink.finish().await?;
        let kept = last.as_deref().map(cells::key_to_text).transpose()?;
        sqlx::query(
            "INSERT INTO move_progress (name, after, number) VALUES ($1, $2, $3) ON CONFLICT (name) DO UPDATE \
             SET after = coalesce(excluded.after, move_progress.after), number = excluded.number",
        )
        .bind(&table.name)
        .bind(kept)
        .bind(before + number)
        .execute(&mut *write)
        .await?;
        write.commit().await?;
        Ok((number, last))
    }

    /// Reads every row of both and compares them; then the move is over. How many rows there are.
    ///
    /// # Errors
    /// Says which table differs from which key on.
    pub async fn verify(&self, mut tell: impl FnMut(Moved<'_>) + Send) -> Result<u64> {
        let mut all = 0;
        for table in &self.tables {
            let ordered = format!("{} ORDER BY {}", table.select(), table.key_names());
            let mut old = sqlx::query(AssertSqlSafe(ordered)).fetch(&self.from);
            let ordered = format!("{} ORDER BY {}", table.select_target(), table.key_names());
            let mut new = sqlx::query(AssertSqlSafe(ordered)).fetch(&self.to);
            let mut rows = 0;
            loop {
                let one = old.try_next().await?.map(|row| table.read_sqlite(&row)).transpose()?;
                let other = new.try_next().await?.map(|row| table.read_postgres(&row)).transpose()?;
                match (one, other) {
                    (None, None) => break,
                    (Some(one), Some(other)) if one == other => rows += 1,
                    (Some(row), _) | (None, Some(row)) => return Err(differs(table, &row).into()),
                }
            }
            tell(Moved { table: &table.name, rows });
            all += rows;
        }
        let mut end = self.to.begin().await?;
        for statement in ["DROP TABLE move_progress", "DROP TABLE move_source"] {
            sqlx::query(statement).execute(&mut *end).await?;
        }
        end.commit().await?;
        sqlx::query("ANALYZE").execute(&self.to).await?;
        Ok(all)
    }
}

fn differs(table: &Table, row: &[Cell]) -> anyhow::Error {
    anyhow::anyhow!(
        "the table `{}` is not the same in both, from the row {:?} on; empty the new database and move again",
        table.name,
        table.key_of(row)
    )
}

/// What servers say that are started too early.
pub(super) async fn expect_none(store: &PostgresStore) -> anyhow::Result<()> {
    if Move::is_unfinished(&store.readers).await? {
        bail!("a move into this database has not ended; finish it with `telecine migrate --from`");
    }
    Ok(())
}
