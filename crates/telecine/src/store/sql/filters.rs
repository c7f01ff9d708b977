//! The conditions of lists, built with binds only.

use serde_json::Value;
use sqlx::QueryBuilder;

use super::{Db, fields_of, storable};
use crate::ids::{IndexId, WorkspaceId};
use crate::store::{MetaTest, Within};
use crate::time::Timestamp;

/// A statement in the making.
pub(in crate::store) type Sql = QueryBuilder<Db>;

/// Adds ` WHERE` the column tells this index, which must be the workspace's: asked once, and not of each row.
pub(super) fn in_index(sql: &mut Sql, column: &'static str, workspace: WorkspaceId, index: IndexId) {
    sql.push(" WHERE ");
    is_index(sql, column, workspace, index);
}

/// The same, without the word before it.
pub(super) fn is_index(sql: &mut Sql, column: &'static str, workspace: WorkspaceId, index: IndexId) {
    sql.push(column).push(" = (SELECT i.id FROM video_index i WHERE i.deleted_at IS NULL AND i.id = ");
    sql.push_bind(index.to_string());
    sql.push(" AND i.workspace_id = ").push_bind(workspace.to_string()).push(")");
}

/// Adds ` AND column = value`, if there is a value.
pub(super) fn equals(sql: &mut Sql, column: &'static str, value: Option<String>) {
    if let Some(value) = value {
        sql.push(" AND ").push(column).push(" = ").push_bind(storable(&value).into_owned());
    }
}

/// Adds that the address holds the text or, where that has `*` or `?` in it, that the address or the name, which is the end of
/// it, is so as a whole. ASCII letters count as equal, small or large.
pub(super) fn is_called(sql: &mut Sql, address: &'static str, name: &'static str, text: &str) {
    let pattern = like(text);
    sql.push(" AND (")
        .push(address)
        .push(concat!(" ", like!(), " "))
        .push_bind(pattern.clone())
        .push(" ESCAPE '\\'");
    if is_whole(text) {
        sql.push(" OR ").push(name).push(concat!(" ", like!(), " ")).push_bind(pattern).push(" ESCAPE '\\'");
    }
    sql.push(")");
}

/// Whether it is the whole address or name that the text tells.
fn is_whole(text: &str) -> bool {
    text.contains(['*', '?'])
}

/// The pattern that a text of a filter stands for.
pub(in crate::store) fn like(text: &str) -> String {
    let (is_whole, text) = (is_whole(text), storable(text));
    let mut pattern = String::from(if is_whole { "" } else { "%" });
    for letter in text.chars() {
        match letter {
            '*' => pattern.push('%'),
            '?' => pattern.push('_'),
            '%' | '_' | '\\' => pattern.extend(['\\', letter]),
            other => pattern.push(other),
        }
    }
    if !is_whole {
        pattern.push('%');
    }
    pattern
}

/// Adds the bounds that there are.
pub(super) fn within(sql: &mut Sql, column: &'static str, range: Within<f64>) {
    for (operator, bound) in [(" >= ", range.min), (" <= ", range.max)] {
        if let Some(bound) = bound {
            sql.push(" AND ").push(column).push(operator).push_bind(bound);
        }
    }
}

/// The same, of a column of whole numbers, which an index knows by no others.
pub(super) fn within_whole(sql: &mut Sql, column: &'static str, range: Within<f64>) {
    for (operator, bound) in [(" >= ", range.min.map(f64::ceil)), (" <= ", range.max.map(f64::floor))] {
        if let Some(bound) = bound {
            sql.push(" AND ").push(column).push(operator).push_bind(bound as i64);
        }
    }
}

/// Adds the bounds that there are.
pub(super) fn within_moments(sql: &mut Sql, column: &'static str, range: Within<Timestamp>) {
    for (operator, bound) in [(" >= ", range.min), (" <= ", range.max)] {
        if let Some(bound) = bound {
            sql.push(" AND ").push(column).push(operator).push_bind(bound.as_millis());
        }
    }
}

/// Adds a test of a user's own field. Names of fields are hostile: they are compared, never made part of a JSON path.
pub(super) fn user_field(sql: &mut Sql, column: &'static str, name: &str, test: &MetaTest) {
    sql.push(" AND EXISTS (SELECT 1 FROM ").push(fields_of(column)).push(" f WHERE f.key = ");
    sql.push_bind(storable(name).into_owned()).push(" AND (");
    match test {
        MetaTest::Equals(value) => field_equals(sql, value),
        MetaTest::Within(range) => {
            sql.push("f.type = 'number'");
            within(sql, "f.number", *range);
        }
    }
    sql.push("))");
}

fn field_equals(sql: &mut Sql, value: &Value) {
    match value {
        Value::Null => {
            sql.push("f.type = 'null'");
        }
        Value::Bool(flag) => {
            sql.push("f.type = ").push_bind(flag.to_string());
        }
        Value::Number(number) => field_equals_number(sql, number),
        Value::String(text) => {
            sql.push("f.type = 'text' AND f.text = ").push_bind(storable(text).into_owned());
            if let Ok(typed @ (Value::Bool(_) | Value::Number(_))) = serde_json::from_str(text) {
                sql.push(" OR ");
                field_equals(sql, &typed);
            }
        }
        // Lists and objects are not told apart by filters.
        Value::Array(_) | Value::Object(_) => {
            sql.push("FALSE");
        }
    }
}

fn field_equals_number(sql: &mut Sql, number: &serde_json::Number) {
    sql.push("f.type = 'number' AND f.number = ");
    match number.as_i64() {
        Some(whole) => sql.push_bind(whole),
        None => sql.push_bind(number.as_f64()),
    };
}

#[cfg(test)]
mod tests {
    use super::like;

    #[test]
    fn texts_are_held_and_patterns_are_whole() {
        let table = [
            ("pier", "%pier%"),
            ("100%_\\", "%100\\%\\_\\\\%"),
            ("*.mov", "%.mov"),
            ("take?.mp4", "take_.mp4"),
            ("a_*", "a\\_%"),
        ];
        for (text, pattern) in table {
            assert_eq!(like(text), pattern);
        }
    }
}
