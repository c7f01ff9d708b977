//! What SQLite says in its own words: macros for pieces of SQL, and what is bound to them. `store/postgres/dialect.rs` has
//! the same names.

use std::borrow::Cow;

use half::f16;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Sqlite, SqliteConnection, SqlitePool, Transaction};

use super::sql::SqlStore;
use super::sql::filters::Sql;
use crate::fault::Result;

pub(super) use sqlx::SqliteExecutor as DbExecutor;

pub(super) type Db = Sqlite;
pub(super) type Pool = SqlitePool;
pub(super) type Connection = SqliteConnection;
pub(super) type Row = SqliteRow;
pub(super) type QueryScalar<'q, T> = sqlx::query::QueryScalar<'q, Sqlite, T, SqliteArguments>;
/// A transaction that holds the writer's lock from its start; dropped without a commit, it leaves nothing.
pub(super) type Write = Transaction<'static, Sqlite>;
/// What the store keeps beside its connections: nothing.
pub(super) type Aside = ();

/// Begins a transaction that sees one state of the database.
pub(super) const SNAPSHOT: &str = "BEGIN";
/// Rows of a statement that inserts many: more is slower (shared/reference measured 100, 1000 and 5000).
pub(super) const ROWS_PER_STATEMENT: usize = 100;
/// What follows from tasks that were inserted now, those after the number `$1`; a trigger would be run for each row.
pub(super) const AFTER_INSERT: &[&str] = &[
    "INSERT INTO task_count SELECT workspace_id, lane, index_id, status, coalesce(fault_code, ''), seq / 16384, count(*), \
     min(created_at), max(created_at) FROM task WHERE seq > $1 GROUP BY 1, 2, 3, 4, 5, 6 \
     ON CONFLICT DO UPDATE SET number = number + excluded.number, first_at = min(first_at, excluded.first_at), \
     last_at = max(last_at, excluded.last_at)",
    "INSERT INTO task_name (rowid, name) SELECT seq, CASE WHEN instr(locator, filename) > 0 THEN locator \
     ELSE locator || char(10) || filename END FROM task WHERE seq > $1",
];

/// A column of booleans that is true, as partial indexes are made by it.
macro_rules! is {
    ($column:literal) => {
        concat!($column, " = 1")
    };
}
/// Rows of a JSON list, with `key` (the place) and `value` (a text).
macro_rules! each {
    ($list:literal, $alias:literal) => {
        concat!("json_each(", $list, ") ", $alias)
    };
}
/// The texts of a JSON list, after `IN`.
macro_rules! among {
    ($list:literal) => {
        concat!("(SELECT value FROM json_each(", $list, "))")
    };
}
/// The whole numbers of a JSON list, after `IN`.
macro_rules! among_numbers {
    ($list:literal) => {
        among!($list)
    };
}
/// A text in a JSON object.
macro_rules! field {
    ($object:literal, $name:literal) => {
        concat!("json_extract(", $object, ", '$.", $name, "')")
    };
}
/// A number in a JSON object.
macro_rules! number_field {
    ($object:literal, $name:literal) => {
        concat!("CAST(json_extract(", $object, ", '$.", $name, "') AS DOUBLE PRECISION)")
    };
}
/// A JSON object of names and values, as a text.
macro_rules! object {
    ($($members:expr),+ $(,)?) => {
        concat!("json_object(", $($members),+, ")")
    };
}
/// A text that is JSON, as a value in [`object!`].
macro_rules! as_json {
    ($text:literal) => {
        concat!("json(", $text, ")")
    };
}
/// The numbers of a column as one JSON list: a row for each costs more than to find it.
macro_rules! list_of {
    ($column:literal) => {
        concat!("json_group_array(", $column, ")")
    };
}
/// A new id of 24 hex digits.
macro_rules! new_id {
    () => {
        "lower(hex(randomblob(12)))"
    };
}
/// Joins in this order: the second table by what the first one says.
macro_rules! in_turn {
    () => {
        " CROSS JOIN "
    };
}
/// A column that no index is to be used for.
macro_rules! by_no_index {
    ($column:literal) => {
        concat!("+", $column)
    };
}
/// Like a pattern, small letters and large being equal.
macro_rules! like {
    () => {
        "LIKE"
    };
}
/// Fits a regular expression.
macro_rules! regexp {
    () => {
        "REGEXP"
    };
}
/// What a secret is overwritten with, so that it is gone from the file, too.
macro_rules! overwritten {
    ($column:literal) => {
        concat!("zeroblob(length(", $column, "))")
    };
}
/// Keeps the rows from other writers: there are none.
macro_rules! locked {
    () => {
        ""
    };
}
/// Passes over rows that other writers keep: there are none.
macro_rules! if_unlocked {
    () => {
        ""
    };
}
/// Joins the tasks `t` of the lane `l` that wait.
macro_rules! waiting_in_lane {
    ($limit:literal) => {
        " JOIN task t ON t.lane = l.id AND t.due_at IS NOT NULL"
    };
}
/// Lanes that a claim looks into: the first has a task.
macro_rules! lanes_tried {
    () => {
        "1"
    };
}
/// The column of a segment's words, if it has one, after the others.
macro_rules! words_column {
    () => {
        ""
    };
}

/// Adds [`each!`] of a list that is bound.
pub(super) fn push_each(sql: &mut Sql, list: String, alias: &'static str) {
    sql.push("json_each(").push_bind(list).push(") ").push(alias);
}

/// Adds [`among!`] of a list that is bound.
pub(super) fn push_among(sql: &mut Sql, list: String) {
    sql.push("(SELECT value FROM json_each(").push_bind(list).push("))");
}

/// Adds [`among_numbers!`] of a list that is bound.
pub(super) fn push_among_numbers(sql: &mut Sql, list: String) {
    push_among(sql, list);
}

/// A table of the members of a JSON object: `key`, `type` (`number`, `text`, `true`, `false`, `null`, other), `text` and
/// `number`.
pub(super) fn fields_of(column: &str) -> String {
    format!(
        "(SELECT key, CASE WHEN type IN ('integer', 'real') THEN 'number' ELSE type END AS type, value AS text, \
         value AS number FROM json_each({column}))"
    )
}

/// Asks for the numbers of tasks that may hold all of these texts, of three letters and more, in address or name.
pub(super) fn push_named(sql: &mut Sql, parts: &[&str]) {
    /// So many of its threes find a text.
    const THREES: usize = 64;
    let letters: Vec<Vec<char>> = parts.iter().map(|part| part.chars().collect()).collect();
    let threes: Vec<String> =
        letters.iter().flat_map(|part| part.windows(3)).map(String::from_iter).collect();
    let mut wanted = String::new();
    for three in threes.iter().step_by(threes.len().div_ceil(THREES).max(1)) {
        wanted.extend(["\"", &three.replace('"', "\"\""), "\" "]);
    }
    sql.push("SELECT rowid FROM task_name WHERE task_name MATCH ").push_bind(wanted);
}

/// A regular expression of ours, as it is bound.
pub(super) fn regular_expression(pattern: &str) -> String {
    pattern.to_owned()
}

/// A text as it can be stored.
pub(super) fn storable(text: &str) -> Cow<'_, str> {
    Cow::Borrowed(text)
}

/// A key as it is stored: as it is.
pub(super) fn stored_key(key: &str) -> String {
    key.to_owned()
}

/// What was stored by [`stored_key`].
pub(super) fn told_key(stored: String) -> String {
    stored
}

/// Whether a key can be stored: every one.
pub(super) fn is_storable_key(_key: &str) -> bool {
    true
}

/// Adds the words of a text to the row; triggers do it.
pub(super) fn push_words(_sql: &mut Sql, _space: i64, _text: &str) {}

/// Lets nobody else into what the names say until the transaction ends: nobody else writes anyway.
pub(super) async fn alone(_write: &mut Write, _names: &[&str]) -> Result<()> {
    Ok(())
}

/// Until the transaction ends, tables are read by their indexes: they are anyway, where there is one.
pub(super) async fn by_indexes(_on: &mut SqliteConnection) -> Result<()> {
    Ok(())
}

/// Until the transaction ends, a list is walked in its order: it is anyway, where an index has it.
pub(super) async fn in_order(_on: &mut SqliteConnection) -> Result<()> {
    Ok(())
}

impl SqlStore {
    /// A transaction that writes, alone.
    pub(super) async fn write(&self) -> Result<Write> {
        Ok(self.writer.begin_with("BEGIN IMMEDIATE").await?)
    }

    /// A transaction that may write beside others that are so, for it locks the rows that it relies on.
    pub(super) async fn write_beside(&self) -> Result<Write> {
        self.write().await
    }

    /// The same, alone in a part of the database.
    pub(super) async fn write_in(&self, _part: &str) -> Result<Write> {
        self.write().await
    }
}

/// A vector as it is stored: f16, little-endian.
#[derive(Debug, sqlx::Type)]
#[sqlx(transparent)]
pub(super) struct HalfVector(Vec<u8>);

impl From<Vec<f16>> for HalfVector {
    fn from(values: Vec<f16>) -> Self {
        Self(values.into_iter().flat_map(f16::to_le_bytes).collect())
    }
}

impl HalfVector {
    pub(super) fn into_values(self) -> Vec<f16> {
        self.0.as_chunks::<2>().0.iter().map(|pair| f16::from_le_bytes(*pair)).collect()
    }
}
