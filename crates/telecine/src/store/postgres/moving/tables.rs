//! The tables that both databases have, how their rows are read, and how they are written for `COPY`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Context as _, bail};
use half::f16;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, PgPool, Row as _, SqlitePool};

use super::super::dialect::{storable, stored_key, told_key};
use super::super::vector::HalfVector;
use super::super::words::vector_of;
use super::cells::Cell;
use crate::fault::Result;

/// What is made anew by whoever needs it, for it tells of processes, not of videos; and what triggers write as tasks come.
const LEFT_OUT: [&str; 6] = ["process", "duty", "in_hand", "fact", "task_count", "task_name"];
/// Columns that hold keys of objects, in which every character counts.
const KEYS: [(&str, &str); 4] =
    [("inventory", "key"), ("task", "locator"), ("import_refusal", "key"), ("asset", "object_key")];

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Whole,
    Flag,
    Float,
    Text,
    Key,
    Bytes,
    Vector,
}

#[derive(Debug)]
struct Column {
    name: String,
    kind: Kind,
}

/// A table that both have.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: String,
    columns: Vec<Column>,
    /// Places of the primary key's columns.
    key: Vec<usize>,
    /// The column whose numbers are given by the database, if there is one.
    numbered: Option<String>,
}

/// Those that both have, each after those that it refers to.
pub(super) async fn of_both(from: &SqlitePool, to: &PgPool) -> Result<Vec<Table>> {
    let names: Vec<String> = sqlx::query_scalar(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' \
         AND name NOT LIKE '\\_sqlx%' ESCAPE '\\' AND name <> 'words' AND name NOT LIKE 'words\\_%' ESCAPE '\\' \
         AND name NOT LIKE 'task\\_name\\_%' ESCAPE '\\' ORDER BY name",
    )
    .fetch_all(from)
    .await?;
    let mut left: BTreeMap<String, (Table, Vec<String>)> = BTreeMap::new();
    for name in names.into_iter().filter(|name| !LEFT_OUT.contains(&name.as_str())) {
        let referred =
            AssertSqlSafe(format!("SELECT DISTINCT \"table\" FROM pragma_foreign_key_list('{name}')"));
        let mut referred: Vec<String> = sqlx::query_scalar(referred).fetch_all(from).await?;
        referred.retain(|other| *other != name);
        left.insert(name.clone(), (table(from, to, name).await?, referred));
    }
    let mut ordered: Vec<Table> = Vec::new();
    while !left.is_empty() {
        let is_free = |(_, (_, referred)): &(&String, &(Table, Vec<String>))| {
            referred.iter().all(|other| !left.contains_key(other))
        };
        let Some(name) = left.iter().find(is_free).map(|(name, _)| name.clone()) else {
            return Err(anyhow::anyhow!("tables refer to each other in a circle").into());
        };
        ordered.extend(left.remove(&name).map(|(table, _)| table));
    }
    Ok(ordered)
}

async fn table(from: &SqlitePool, to: &PgPool, name: String) -> Result<Table> {
    let kinds: Vec<(String, String, bool)> = sqlx::query_as(
        "SELECT column_name::text, udt_name::text, is_identity = 'YES' FROM information_schema.columns \
         WHERE table_schema = current_schema() AND table_name = $1",
    )
    .bind(&name)
    .fetch_all(to)
    .await?;
    let numbered = kinds.iter().find(|(.., is_numbered)| *is_numbered).map(|(name, ..)| name.clone());
    let kinds: BTreeMap<String, String> = kinds.into_iter().map(|(name, kind, _)| (name, kind)).collect();
    let found: Vec<(String, i64)> = sqlx::query_as(AssertSqlSafe(format!(
        "SELECT name, pk FROM pragma_table_info('{name}') ORDER BY cid"
    )))
    .fetch_all(from)
    .await?;
    let mut columns = Vec::new();
    for (column, _) in &found {
        let kind =
            kinds.get(column).with_context(|| format!("PostgreSQL has no column `{name}.{column}`"))?;
        columns.push(Column { kind: kind_of(&name, column, kind)?, name: column.clone() });
    }
    let mut key: Vec<(i64, usize)> = found
        .iter()
        .enumerate()
        .filter(|(_, (_, pk))| *pk > 0)
        .map(|(place, (_, pk))| (*pk, place))
        .collect();
    key.sort_unstable();
    Ok(Table { name, columns, key: key.into_iter().map(|(_, place)| place).collect(), numbered })
}

fn kind_of(table: &str, column: &str, kind: &str) -> anyhow::Result<Kind> {
    Ok(match kind {
        "int8" => Kind::Whole,
        "bool" => Kind::Flag,
        "float8" => Kind::Float,
        "text" if KEYS.contains(&(table, column)) => Kind::Key,
        "text" => Kind::Text,
        "bytea" => Kind::Bytes,
        "halfvec" => Kind::Vector,
        other => bail!("the column `{table}.{column}` has the type {other}, which is not known"),
    })
}

impl Table {
    fn names(&self, names: impl Iterator<Item = usize>) -> String {
        names.map(|place| self.columns[place].name.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// The names of all columns that are read.
    fn column_names(&self) -> String {
        self.names(0..self.columns.len())
    }

    pub(super) fn key_names(&self) -> String {
        self.names(self.key.iter().copied())
    }

    pub(super) fn select(&self) -> String {
        format!("SELECT {} FROM {}", self.column_names(), self.name)
    }

    pub(super) fn select_target(&self) -> String {
        self.select()
    }

    /// What is written: segments get their words, which SQLite keeps elsewhere.
    pub(super) fn target_names(&self) -> String {
        match self.name.as_str() {
            "segment" => format!("{}, words", self.column_names()),
            _ => self.column_names(),
        }
    }

    pub(super) fn key_of(&self, row: &[Cell]) -> Vec<Cell> {
        self.key.iter().map(|place| row[*place].clone()).collect()
    }

    pub(super) fn read_sqlite(&self, row: &SqliteRow) -> Result<Vec<Cell>> {
        let cell = |(place, column): (usize, &Column)| -> sqlx::Result<Cell> {
            Ok(match column.kind {
                Kind::Whole | Kind::Flag => {
                    row.try_get::<Option<i64>, _>(place)?.map_or(Cell::Null, Cell::Whole)
                }
                Kind::Float => row
                    .try_get::<Option<f64>, _>(place)?
                    .map_or(Cell::Null, |number| Cell::Float(number.to_bits())),
                Kind::Text => row
                    .try_get::<Option<String>, _>(place)?
                    .map_or(Cell::Null, |text| Cell::Text(storable(&text).into_owned())),
                Kind::Key => row.try_get::<Option<String>, _>(place)?.map_or(Cell::Null, Cell::Text),
                Kind::Bytes | Kind::Vector => {
                    row.try_get::<Option<Vec<u8>>, _>(place)?.map_or(Cell::Null, Cell::Bytes)
                }
            })
        };
        Ok(self.columns.iter().enumerate().map(cell).collect::<sqlx::Result<_>>()?)
    }

    pub(super) fn read_postgres(&self, row: &PgRow) -> Result<Vec<Cell>> {
        let cell = |(place, column): (usize, &Column)| -> sqlx::Result<Cell> {
            Ok(match column.kind {
                Kind::Whole => row.try_get::<Option<i64>, _>(place)?.map_or(Cell::Null, Cell::Whole),
                Kind::Flag => {
                    row.try_get::<Option<bool>, _>(place)?.map_or(Cell::Null, |flag| Cell::Whole(flag.into()))
                }
                Kind::Float => row
                    .try_get::<Option<f64>, _>(place)?
                    .map_or(Cell::Null, |number| Cell::Float(number.to_bits())),
                Kind::Text => row.try_get::<Option<String>, _>(place)?.map_or(Cell::Null, Cell::Text),
                Kind::Key => row
                    .try_get::<Option<String>, _>(place)?
                    .map_or(Cell::Null, |key| Cell::Text(told_key(key))),
                Kind::Bytes => row.try_get::<Option<Vec<u8>>, _>(place)?.map_or(Cell::Null, Cell::Bytes),
                Kind::Vector => row.try_get::<Option<HalfVector>, _>(place)?.map_or(Cell::Null, |vector| {
                    Cell::Bytes(vector.into_values().into_iter().flat_map(f16::to_le_bytes).collect())
                }),
            })
        };
        Ok(self.columns.iter().enumerate().map(cell).collect::<sqlx::Result<_>>()?)
    }

    /// A row in the text format of `COPY`.
    pub(super) fn write_line(&self, row: &[Cell], line: &mut String) {
        for (place, (cell, column)) in row.iter().zip(&self.columns).enumerate() {
            if place > 0 {
                line.push('\t');
            }
            write_cell(cell, column.kind, line);
        }
        if self.name == "segment" {
            line.push('\t');
            write_cell(&self.words(row), Kind::Text, line);
        }
        line.push('\n');
    }

    fn words(&self, row: &[Cell]) -> Cell {
        let of =
            |name: &str| self.columns.iter().position(|column| column.name == name).map(|place| &row[place]);
        let (Some(Cell::Whole(space)), Some(Cell::Text(text))) = (of("space"), of("text")) else {
            return Cell::Null;
        };
        vector_of(*space, text).map_or(Cell::Null, Cell::Text)
    }

    /// New rows get numbers after those that were brought.
    pub(super) async fn continue_numbers(&self, to: &PgPool) -> Result<()> {
        let Some(column) = &self.numbered else { return Ok(()) };
        let table = &self.name;
        let statement = format!(
            "SELECT setval(pg_get_serial_sequence('{table}', '{column}'), greatest((SELECT max({column}) FROM {table}), 1), \
             EXISTS (SELECT 1 FROM {table}))"
        );
        sqlx::query(AssertSqlSafe(statement)).execute(to).await?;
        Ok(())
    }
}

fn write_cell(cell: &Cell, kind: Kind, line: &mut String) {
    match cell {
        Cell::Null => line.push_str("\\N"),
        Cell::Whole(number) if kind == Kind::Flag => line.push(if *number == 0 { 'f' } else { 't' }),
        Cell::Whole(number) => {
            let _ = write!(line, "{number}");
        }
        Cell::Float(bits) => {
            let _ = write!(line, "{:?}", f64::from_bits(*bits));
        }
        Cell::Text(text) if kind == Kind::Key => write_text(&stored_key(text), line),
        Cell::Text(text) => write_text(text, line),
        Cell::Bytes(bytes) if kind == Kind::Vector => {
            let values =
                bytes.as_chunks::<2>().0.iter().map(|pair| f16::from_le_bytes(*pair).to_f32().to_string());
            let _ = write!(line, "[{}]", values.collect::<Vec<_>>().join(","));
        }
        Cell::Bytes(bytes) => {
            line.push_str("\\\\x");
            for byte in bytes {
                let _ = write!(line, "{byte:02x}");
            }
        }
    }
}

fn write_text(text: &str, line: &mut String) {
    for letter in text.chars() {
        match letter {
            '\\' => line.push_str("\\\\"),
            '\t' => line.push_str("\\t"),
            '\n' => line.push_str("\\n"),
            '\r' => line.push_str("\\r"),
            other => line.push(other),
        }
    }
}
