//! What PostgreSQL says in its own words: macros for pieces of SQL, and what is bound to them. `store/sqlite/dialect.rs` has
//! the same names.
//!
//! SQLite has one writer at a time, and what is read in a transaction that writes stays true until its end. Here the same
//! holds by advisory locks: [`SqlStore::write`] is alone with the whole database, [`SqlStore::write_in`] with a part of it,
//! and [`SqlStore::write_beside`] locks the rows that it relies on. Reads wait for nobody.

use std::borrow::Cow;

use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool, Postgres, Transaction};

use super::Kept;
use super::sql::SqlStore;
use super::sql::filters::{Sql, like};
use super::words::vector_of;
use crate::fault::Result;

pub(super) use sqlx::PgExecutor as DbExecutor;

pub(super) use super::vector::HalfVector;

pub(super) type Db = Postgres;
pub(super) type Pool = PgPool;
pub(super) type Connection = PgConnection;
pub(super) type Row = PgRow;
pub(super) type QueryScalar<'q, T> = sqlx::query::QueryScalar<'q, Postgres, T, sqlx::postgres::PgArguments>;
/// A transaction; dropped without a commit, it leaves nothing.
pub(super) type Write = Transaction<'static, Postgres>;
/// What the store keeps beside its connections.
pub(super) type Aside = std::sync::Arc<Kept>;

/// Begins a transaction that sees one state of the database.
pub(super) const SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
/// Rows of a statement that inserts many; a statement may bind 65,535 values, and no row has more than 20.
pub(super) const ROWS_PER_STATEMENT: usize = 1_000;
/// What follows from tasks that were inserted: triggers do it, once for each statement.
pub(super) const AFTER_INSERT: &[&str] = &[];

/// The advisory lock of the whole database, and the first half of those of its parts.
const DATABASE: i64 = 0x7465_6c65_6369_6e65;
const PARTS: i32 = 0x7465_6c65;

/// A column of booleans that is true, as partial indexes are made by it.
macro_rules! is {
    ($column:literal) => {
        $column
    };
}
/// Rows of a JSON list, with `key` (the place) and `value` (a text).
macro_rules! each {
    ($list:literal, $alias:literal) => {
        concat!("json_array_elements_text(", $list, "::json) WITH ORDINALITY AS ", $alias, "(value, key)")
    };
}
/// The texts of a JSON list, after `IN`.
macro_rules! among {
    ($list:literal) => {
        concat!("(SELECT value FROM json_array_elements_text(", $list, "::json))")
    };
}
/// The whole numbers of a JSON list, after `IN`.
macro_rules! among_numbers {
    ($list:literal) => {
        concat!("(SELECT value::bigint FROM json_array_elements_text(", $list, "::json))")
    };
}
/// A text in a JSON object.
macro_rules! field {
    ($object:literal, $name:literal) => {
        concat!("(", $object, "::json ->> '", $name, "')")
    };
}
/// A number in a JSON object.
macro_rules! number_field {
    ($object:literal, $name:literal) => {
        concat!("(", $object, "::json ->> '", $name, "')::double precision")
    };
}
/// A JSON object of names and values, as a text.
macro_rules! object {
    ($($members:expr),+ $(,)?) => {
        concat!("json_build_object(", $($members),+, ")::text")
    };
}
/// A text that is JSON, as a value in [`object!`].
macro_rules! as_json {
    ($text:literal) => {
        concat!($text, "::json")
    };
}
/// The numbers of a column as one JSON list: a row for each costs more than to find it.
macro_rules! list_of {
    ($column:literal) => {
        concat!("CAST(json_agg(", $column, ") AS TEXT)")
    };
}
/// A new id of 24 hex digits.
macro_rules! new_id {
    () => {
        "left(replace(gen_random_uuid()::text, '-', ''), 24)"
    };
}
/// Joins in this order: the second table by what the first one says. The planner finds it.
macro_rules! in_turn {
    () => {
        " JOIN "
    };
}
/// A column that no index is to be used for.
macro_rules! by_no_index {
    ($column:literal) => {
        concat!("(", $column, " || '')")
    };
}
/// Like a pattern, small letters and large being equal.
macro_rules! like {
    () => {
        "ILIKE"
    };
}
/// Fits a regular expression.
macro_rules! regexp {
    () => {
        "~"
    };
}
/// What a secret is overwritten with before it is removed: old rows stay until they are vacuumed, whatever is written.
macro_rules! overwritten {
    ($column:literal) => {
        concat!("CASE WHEN ", $column, " IS NOT NULL THEN ''::bytea END")
    };
}
/// Keeps the rows from other writers.
macro_rules! locked {
    () => {
        " FOR UPDATE"
    };
}
/// Passes over rows that other writers keep.
macro_rules! if_unlocked {
    () => {
        " FOR UPDATE SKIP LOCKED"
    };
}
/// Lanes that a claim looks into, for those who claim at the same moment may have all tasks of the first ones.
macro_rules! lanes_tried {
    () => {
        "16"
    };
}
/// Joins the tasks `t` of the lane `l` that wait, up to a limit. In their order, so that they are read by the index even where
/// another lane has nearly all tasks of the table, which the planner does not know.
macro_rules! waiting_in_lane {
    ($limit:literal) => {
        concat!(
            " CROSS JOIN LATERAL (SELECT status FROM task WHERE lane = l.id AND due_at IS NOT NULL ORDER BY due_at LIMIT ",
            $limit,
            ") t"
        )
    };
}
/// The column of a segment's words, after the others.
macro_rules! words_column {
    () => {
        ", words"
    };
}

/// Adds [`each!`] of a list that is bound.
pub(super) fn push_each(sql: &mut Sql, list: String, alias: &'static str) {
    sql.push("json_array_elements_text(").push_bind(list);
    sql.push("::json) WITH ORDINALITY AS ").push(alias).push("(value, key)");
}

/// Adds [`among!`] of a list that is bound.
pub(super) fn push_among(sql: &mut Sql, list: String) {
    sql.push("(SELECT value FROM json_array_elements_text(").push_bind(list).push("::json))");
}

/// Adds [`among_numbers!`] of a list that is bound.
pub(super) fn push_among_numbers(sql: &mut Sql, list: String) {
    sql.push("(SELECT value::bigint FROM json_array_elements_text(").push_bind(list).push("::json))");
}

/// A table of the members of a JSON object: `key`, `type` (`number`, `text`, `true`, `false`, `null`, other), `text` and
/// `number`.
pub(super) fn fields_of(column: &str) -> String {
    format!(
        "(SELECT key, CASE json_typeof(value) WHEN 'string' THEN 'text' WHEN 'boolean' THEN value::text \
         ELSE json_typeof(value) END AS type, value #>> '{{}}' AS text, CASE json_typeof(value) \
         WHEN 'number' THEN (value #>> '{{}}')::double precision END AS number FROM json_each({column}::json))"
    )
}

/// Asks for the numbers of tasks that hold all of these texts, of three letters and more, in address or name.
pub(super) fn push_named(sql: &mut Sql, parts: &[&str]) {
    sql.push("SELECT seq FROM task_name WHERE TRUE");
    for part in parts {
        sql.push(" AND name ILIKE ").push_bind(like(part)).push(" ESCAPE '\\'");
    }
}

/// A regular expression of ours, as it is bound: a newline is a character like others anyway, and the end has another name.
pub(super) fn regular_expression(pattern: &str) -> String {
    let pattern = pattern.strip_prefix("(?s)").unwrap_or(pattern);
    pattern.strip_suffix(r"\z").map_or_else(|| pattern.to_owned(), |begun| format!(r"{begun}\Z"))
}

/// A text as it can be stored: PostgreSQL knows no NUL.
pub(super) fn storable(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', " ")) } else { Cow::Borrowed(text) }
}

/// A key as it is stored: NUL is written as \x01\x01 and \x01 as \x01\x02, which keeps the order of keys.
pub(super) fn stored_key(key: &str) -> String {
    if key.contains(['\0', '\x01']) {
        key.replace('\x01', "\x01\x02").replace('\0', "\x01\x01")
    } else {
        key.to_owned()
    }
}

/// What was stored by [`stored_key`].
pub(super) fn told_key(stored: String) -> String {
    if stored.contains('\x01') {
        stored.replace("\x01\x01", "\0").replace("\x01\x02", "\x01")
    } else {
        stored
    }
}

/// Whether a key can be stored: it must be short enough for an index, whose rows have at most a third of a page.
pub(super) fn is_storable_key(key: &str) -> bool {
    const MAX_KEY_BYTES: usize = 2_500;
    key.len() <= MAX_KEY_BYTES
}

/// Adds the words of a text to the row.
pub(super) fn push_words(sql: &mut Sql, space: i64, text: &str) {
    sql.push(", ").push_bind(vector_of(space, text)).push("::tsvector");
}

/// Lets nobody else into what the names say until the transaction ends.
pub(super) async fn alone(write: &mut Write, names: &[&str]) -> Result<()> {
    sqlx::query("SELECT pg_advisory_xact_lock($1, $2)")
        .bind(PARTS)
        .bind(number_of(names))
        .execute(&mut **write)
        .await?;
    Ok(())
}

/// Until the transaction ends, tables are read by their indexes: an estimate that is off by ten would have all rows of a large
/// one read and sorted for a page.
pub(super) async fn by_indexes(on: &mut PgConnection) -> Result<()> {
    sqlx::query(
        "SELECT set_config('enable_seqscan', 'off', TRUE), set_config('enable_bitmapscan', 'off', TRUE), \
         set_config('enable_hashjoin', 'off', TRUE), set_config('enable_mergejoin', 'off', TRUE), \
         set_config('jit', 'off', TRUE), set_config('max_parallel_workers_per_gather', '0', TRUE)",
    )
    .execute(on)
    .await?;
    Ok(())
}

/// Until the transaction ends, a list is walked in its order, and not gathered and sorted: on the way to a page in its middle the
/// planner would do that, for it does not know how many rows a value stands for that a statement finds itself.
pub(super) async fn in_order(on: &mut PgConnection) -> Result<()> {
    sqlx::query(
        "SELECT set_config('enable_sort', 'off', TRUE), set_config('enable_incremental_sort', 'off', TRUE)",
    )
    .execute(on)
    .await?;
    Ok(())
}

/// A number for the names. Where two have the same, they wait for each other without need.
fn number_of(names: &[&str]) -> i32 {
    let mut hasher = blake3::Hasher::new();
    for name in names {
        hasher.update(&(name.len() as u64).to_le_bytes()).update(name.as_bytes());
    }
    let bytes = hasher.finalize();
    i32::from_le_bytes([bytes.as_bytes()[0], bytes.as_bytes()[1], bytes.as_bytes()[2], bytes.as_bytes()[3]])
}

impl SqlStore {
    /// A transaction that writes, alone.
    pub(super) async fn write(&self) -> Result<Write> {
        self.begin("SELECT pg_advisory_xact_lock($1)").await
    }

    /// A transaction that may write beside others that are so, for it locks the rows that it relies on.
    pub(super) async fn write_beside(&self) -> Result<Write> {
        self.begin("SELECT pg_advisory_xact_lock_shared($1)").await
    }

    /// The same, alone in a part of the database.
    pub(super) async fn write_in(&self, part: &str) -> Result<Write> {
        let mut write = self.write_beside().await?;
        alone(&mut write, &[part]).await?;
        Ok(write)
    }

    async fn begin(&self, lock: &'static str) -> Result<Write> {
        let mut write = self.writer.begin().await?;
        sqlx::query(lock).bind(DATABASE).execute(&mut *write).await?;
        Ok(write)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn patterns_end_where_postgresql_says_so() {
        assert_eq!(regular_expression(r"(?s)\Aa/.*\.mp4\z"), r"\Aa/.*\.mp4\Z");
    }

    proptest! {
        #[test]
        fn keys_are_told_as_they_were_and_keep_their_order(one in "[\\x00-\\x03a]{0,4}", other in "[\\x00-\\x03a]{0,4}") {
            let stored = [stored_key(&one), stored_key(&other)];
            prop_assert_eq!(stored[0].cmp(&stored[1]), one.cmp(&other));
            prop_assert!(!stored[0].contains('\0'));
            prop_assert_eq!(told_key(stored[0].clone()), one);
        }
    }

    #[test]
    fn names_are_told_apart() {
        assert_ne!(number_of(&["ab", "c"]), number_of(&["a", "bc"]));
    }
}
