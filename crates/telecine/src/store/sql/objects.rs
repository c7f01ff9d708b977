//! Objects of the ledger in lists, in the order of their keys, with what became of each in every index.

use std::collections::HashMap;

use super::filters::Sql;
use super::inventory::{INDEXED, ITEM_COLUMNS, ItemRow};
use super::rows::{from_json_if_any, moment_if_any, parsed, parsed_if_any, signed, status, unsigned};
use super::{Connection, SqlStore, regular_expression, stored_key, told_key};
use crate::fault::Result;
use crate::ids::IntegrationId;
use crate::integration::{
    Decision, Filters, InventoryItem, InventoryObject, ObjectFilter, ObjectState, ObjectTask, Rules,
};
use crate::store::{Listed, ObjectPage};

/// A task `t` of the object in the row `i`.
const TASK: &str = "t.integration_id = i.integration_id AND t.locator = i.key";
/// That it is the last one of the object and index.
pub(super) const LAST: &str = "NOT EXISTS (SELECT 1 FROM task n WHERE n.integration_id = t.integration_id \
    AND n.locator = t.locator AND n.index_id = t.index_id AND n.seq > t.seq)";

#[derive(sqlx::FromRow)]
struct ObjectRow {
    #[sqlx(flatten)]
    item: ItemRow,
    first_seen_at: Option<i64>,
    removed_at: Option<i64>,
    header: Option<String>,
}

#[derive(sqlx::FromRow)]
struct ObjectTaskRow {
    locator: String,
    index_id: String,
    id: String,
    status: String,
    fault: Option<String>,
    video_id: Option<String>,
    is_present_version: bool,
}

pub(super) async fn list(
    store: &SqlStore,
    integration: IntegrationId,
    filter: &ObjectFilter,
    page: &ObjectPage,
) -> Result<Listed<InventoryObject>> {
    let mut snapshot = store.snapshot().await?;
    let mut sql = Sql::new(format!(
        "SELECT {ITEM_COLUMNS}, i.first_seen_at, i.removed_at, \
         CASE WHEN i.header_etag = i.etag THEN i.header END AS header FROM inventory i"
    ));
    conditions(&mut sql, integration, filter)?;
    let mut total = 0;
    match page {
        ObjectPage::Number { page, limit } => {
            let mut count = Sql::new("SELECT count(*) FROM inventory i");
            conditions(&mut count, integration, filter)?;
            let found: i64 = count.build_query_scalar().persistent(false).fetch_one(&mut *snapshot).await?;
            total = unsigned(found)?;
            sql.push(" ORDER BY i.key LIMIT ").push_bind(signed(*limit)?);
            let offset = page.saturating_sub(1).saturating_mul(*limit).min(i64::MAX.unsigned_abs());
            sql.push(" OFFSET ").push_bind(signed(offset)?);
        }
        ObjectPage::After { key, limit } => {
            if let Some(key) = key {
                sql.push(" AND i.key > ").push_bind(stored_key(key));
            }
            sql.push(" ORDER BY i.key LIMIT ").push_bind(signed(*limit)?);
        }
    }
    let rows: Vec<ObjectRow> = sql.build_query_as().persistent(false).fetch_all(&mut *snapshot).await?;
    let mut objects = rows.into_iter().map(ObjectRow::into_object).collect::<Result<Vec<_>>>()?;
    add_tasks(&mut snapshot, integration, &mut objects).await?;
    snapshot.commit().await?;
    Ok(Listed { rows: objects, total, is_at_least: false })
}

/// Without what became of them.
pub(super) async fn items_after(
    store: &SqlStore,
    integration: IntegrationId,
    filter: &ObjectFilter,
    after: Option<&str>,
    limit: u32,
) -> Result<Vec<InventoryItem>> {
    let mut sql = Sql::new(format!("SELECT {ITEM_COLUMNS} FROM inventory i"));
    conditions(&mut sql, integration, filter)?;
    if let Some(after) = after {
        sql.push(" AND i.key > ").push_bind(stored_key(after));
    }
    sql.push(" ORDER BY i.key LIMIT ").push_bind(i64::from(limit));
    let rows: Vec<ItemRow> = sql.build_query_as().persistent(false).fetch_all(&store.readers).await?;
    rows.into_iter().map(ItemRow::into_item).collect()
}

impl ObjectRow {
    fn into_object(self) -> Result<InventoryObject> {
        Ok(InventoryObject {
            item: self.item.into_item()?,
            first_seen_at: moment_if_any(self.first_seen_at),
            removed_at: moment_if_any(self.removed_at),
            header: from_json_if_any(self.header.as_deref())?,
            tasks: Vec::new(),
        })
    }
}

/// The last task of each object in each index; objects of a page are few.
async fn add_tasks(
    on: &mut Connection,
    integration: IntegrationId,
    objects: &mut [InventoryObject],
) -> Result<()> {
    if objects.is_empty() {
        return Ok(());
    }
    let mut sql = Sql::new(format!(
        "SELECT l.locator, l.index_id, l.id, l.status, l.fault, v.id AS video_id, \
         EXISTS ({INDEXED} AND t.index_id = l.index_id) AS is_present_version FROM inventory i \
         JOIN task l ON l.integration_id = i.integration_id AND l.locator = i.key \
         LEFT JOIN video v ON v.id = l.video_id \
         WHERE NOT EXISTS (SELECT 1 FROM task n WHERE n.integration_id = l.integration_id \
         AND n.locator = l.locator AND n.index_id = l.index_id AND n.seq > l.seq) AND i.integration_id = "
    ));
    sql.push_bind(integration.to_string()).push(" AND i.key IN (");
    let mut keys = sql.separated(", ");
    for object in objects.iter() {
        keys.push_bind(stored_key(&object.item.key));
    }
    sql.push(") ORDER BY l.index_id");
    let rows: Vec<ObjectTaskRow> = sql.build_query_as().persistent(false).fetch_all(&mut *on).await?;
    let mut by_key: HashMap<String, Vec<ObjectTask>> = HashMap::new();
    for row in rows {
        let task = ObjectTask {
            index: parsed(&row.index_id)?,
            task: parsed(&row.id)?,
            status: status(&row.status)?,
            fault: from_json_if_any(row.fault.as_deref())?,
            video: parsed_if_any(row.video_id.as_deref())?,
            is_present_version: row.is_present_version,
        };
        by_key.entry(told_key(row.locator)).or_default().push(task);
    }
    for object in objects {
        object.tasks = by_key.remove(&object.item.key).unwrap_or_default();
    }
    Ok(())
}

/// Adds ` WHERE` and what must hold of the row `i`.
pub(super) fn conditions(sql: &mut Sql, integration: IntegrationId, filter: &ObjectFilter) -> Result<()> {
    sql.push(" WHERE i.integration_id = ").push_bind(integration.to_string());
    in_state(sql, integration, filter);
    if let Some(decision) = filter.decision {
        sql.push(" AND i.decision = ").push_bind(decision.as_str());
    }
    if let Some(key) = &filter.key {
        sql.push(" AND i.key = ").push_bind(stored_key(key));
    }
    narrow(sql, filter)
}

/// Adds what must hold of key, size, time and class.
pub(super) fn narrow(sql: &mut Sql, filter: &ObjectFilter) -> Result<()> {
    if let Some(prefix) = &filter.prefix {
        sql.push(" AND i.key >= ").push_bind(stored_key(prefix));
        if let Some(end) = after_all_with(prefix) {
            sql.push(" AND i.key < ").push_bind(stored_key(&end));
        }
    }
    if let Some(rules) = &filter.rules {
        passes(sql, rules)?;
    }
    Ok(())
}

fn in_state(sql: &mut Sql, integration: IntegrationId, filter: &ObjectFilter) {
    let present = " AND i.removed_at IS NULL";
    let taken = Decision::Taken.as_str();
    match filter.state {
        ObjectState::Any => {}
        ObjectState::Present => {
            sql.push(present);
        }
        ObjectState::Removed => {
            sql.push(" AND i.removed_at IS NOT NULL");
        }
        ObjectState::Videos => {
            sql.push(present).push(concat!(" AND ", is!("i.is_video")));
        }
        ObjectState::Taken => {
            sql.push(present).push(" AND i.decision = ").push_bind(taken);
        }
        ObjectState::Excluded => {
            sql.push(present).push(" AND i.decision <> ").push_bind(taken);
        }
        ObjectState::Indexed => {
            sql.push(present);
            among(sql, integration, filter, "t.video_id IS NOT NULL");
            is_indexed(sql, " AND EXISTS (", filter);
        }
        ObjectState::NotIndexed => {
            sql.push(present).push(" AND i.decision = ").push_bind(taken);
            is_indexed(sql, " AND NOT EXISTS (", filter);
        }
        ObjectState::Changed => {
            sql.push(present);
            among(sql, integration, filter, HAS_VIDEO);
            is_indexed(sql, " AND NOT EXISTS (", filter);
        }
        ObjectState::Failed => {
            sql.push(present);
            among(sql, integration, filter, &format!("t.status = 'failed' AND {LAST}"));
        }
        ObjectState::InProgress => {
            sql.push(" AND EXISTS (SELECT 1 FROM task t WHERE ").push(TASK).push(" AND t.due_at IS NOT NULL");
            in_index(sql, filter);
            sql.push(")");
        }
        ObjectState::IndexedThenDeleted => {
            sql.push(" AND i.removed_at IS NOT NULL");
            among(sql, integration, filter, HAS_VIDEO);
        }
    }
}

const HAS_VIDEO: &str = "t.video_id IS NOT NULL AND EXISTS (SELECT 1 FROM video v WHERE v.id = t.video_id)";

/// By way of the tasks, of which there may be few where there are very many objects.
fn among(sql: &mut Sql, integration: IntegrationId, filter: &ObjectFilter, condition: &str) {
    sql.push(" AND i.key IN (SELECT t.locator FROM task t WHERE t.integration_id = ");
    sql.push_bind(integration.to_string()).push(" AND ").push(condition);
    in_index(sql, filter);
    if let Some(code) = &filter.code {
        sql.push(" AND t.fault_code = ").push_bind(code.clone());
    }
    sql.push(")");
}

fn is_indexed(sql: &mut Sql, begin: &str, filter: &ObjectFilter) {
    sql.push(begin).push(INDEXED);
    in_index(sql, filter);
    sql.push(")");
}

fn in_index(sql: &mut Sql, filter: &ObjectFilter) {
    if let Some(index) = filter.index {
        sql.push(" AND t.index_id = ").push_bind(index.to_string());
    }
}

/// The same as [`Rules`] decide in memory; a test compares them.
fn passes(sql: &mut Sql, rules: &Rules) -> Result<()> {
    let mut include = rules.include_patterns().peekable();
    if include.peek().is_some() {
        sql.push(" AND (");
        let mut any = sql.separated(" OR ");
        for pattern in include {
            any.push(concat!("i.key ", regexp!(), " ")).push_bind_unseparated(regular_expression(pattern));
        }
        sql.push(")");
    }
    for pattern in rules.exclude_patterns() {
        sql.push(concat!(" AND NOT (i.key ", regexp!(), " "));
        sql.push_bind(regular_expression(pattern)).push(")");
    }
    let Filters { min_bytes, max_bytes, modified_after, modified_before, storage_classes, .. } =
        rules.bounds();
    for (operator, bound) in [(" >= ", min_bytes), (" <= ", max_bytes)] {
        if let Some(bytes) = bound {
            sql.push(" AND i.size_bytes").push(operator).push_bind(signed((*bytes).min(i64::MAX as u64))?);
        }
    }
    for (operator, bound) in [(" >= ", modified_after), (" < ", modified_before)] {
        if let Some(moment) = bound {
            sql.push(" AND (i.modified_at IS NULL OR i.modified_at").push(operator);
            sql.push_bind(moment.as_millis()).push(")");
        }
    }
    if !storage_classes.is_empty() {
        sql.push(" AND coalesce(nullif(i.storage_class, ''), 'STANDARD') IN (");
        let mut classes = sql.separated(", ");
        for class in storage_classes {
            classes.push_bind(class.clone());
        }
        sql.push(")");
    }
    Ok(())
}

/// The least text above all that begin with the prefix; none when there is none.
fn after_all_with(prefix: &str) -> Option<String> {
    let mut chars: Vec<char> = prefix.chars().collect();
    while let Some(last) = chars.pop() {
        let next = match last {
            // What comes next are no characters.
            '\u{d7ff}' => Some('\u{e000}'),
            _ => char::from_u32(u32::from(last) + 1),
        };
        if let Some(next) = next {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_begins_with_a_prefix_lies_between_it_and_its_end(prefix in any::<String>(), key in any::<String>()) {
            let begun = format!("{prefix}{key}");
            let is_below = |key: &str| after_all_with(&prefix).is_none_or(|end| *key < *end);
            prop_assert!(begun >= prefix && is_below(&begun));
            prop_assert_eq!(key >= prefix && is_below(&key), key.starts_with(&prefix));
        }
    }
}
