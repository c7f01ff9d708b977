//! The ledger of what lies in a connected bucket, kept by listings that carry numbers, and what of it is indexed.

use std::collections::HashMap;

use super::filters::Sql;
use super::rows::{moment_if_any, signed, to_json, unsigned};
use super::{ROWS_PER_STATEMENT, SqliteStore};
use crate::fault::Result;
use crate::ids::{IndexId, IntegrationId};
use crate::integration::{InventoryItem, Statistics, SyncReport};
use crate::time::Timestamp;

const COLUMNS: &str = "i.key, i.size_bytes, i.etag, i.modified_at, i.storage_class, i.is_video";

/// A task `t` whose video is there and holds the version of the object that the row `i` of the inventory tells.
const INDEXED: &str = "SELECT 1 FROM task t JOIN video v ON v.id = t.video_id \
    WHERE t.integration_id = i.integration_id AND t.locator = i.key AND t.video_id IS NOT NULL \
    AND t.source = 'object' AND i.etag <> '' AND t.etag = i.etag AND t.object_bytes = i.size_bytes";

#[derive(sqlx::FromRow)]
struct ItemRow {
    key: String,
    size_bytes: i64,
    etag: String,
    modified_at: Option<i64>,
    storage_class: String,
    is_video: bool,
}

impl ItemRow {
    fn into_item(self) -> Result<InventoryItem> {
        Ok(InventoryItem {
            key: self.key,
            size_bytes: unsigned(self.size_bytes)?,
            etag: self.etag,
            modified_at: moment_if_any(self.modified_at),
            storage_class: self.storage_class,
            is_video: self.is_video,
        })
    }
}

pub(super) async fn begin_sync(store: &SqliteStore, integration: IntegrationId) -> Result<i64> {
    let sql = "UPDATE integration SET begun_sync = begun_sync + 1 WHERE id = ? RETURNING begun_sync";
    Ok(sqlx::query_scalar(sql).bind(integration.to_string()).fetch_one(&store.writer).await?)
}

pub(super) async fn add(
    store: &SqliteStore,
    integration: IntegrationId,
    sync: i64,
    items: &[InventoryItem],
) -> Result<(u64, u64)> {
    let mut write = store.write().await?;
    let keys: Vec<&str> = items.iter().map(|item| item.key.as_str()).collect();
    let known: Vec<(String, String, i64)> = sqlx::query_as(
        "SELECT key, etag, size_bytes FROM inventory \
         WHERE integration_id = ? AND key IN (SELECT value FROM json_each(?))",
    )
    .bind(integration.to_string())
    .bind(to_json(&keys)?)
    .fetch_all(&mut *write)
    .await?;
    let mut known: HashMap<String, (String, u64)> = known
        .into_iter()
        .map(|(key, etag, size)| Ok((key, (etag, unsigned(size)?))))
        .collect::<Result<_>>()?;
    let (mut added, mut changed) = (0, 0);
    for item in items {
        match known.insert(item.key.clone(), (item.etag.clone(), item.size_bytes)) {
            None => added += 1,
            Some((etag, size)) => changed += u64::from((&etag, size) != (&item.etag, item.size_bytes)),
        }
    }
    for some in items.chunks(ROWS_PER_STATEMENT) {
        upsert(integration, sync, some)?.build().persistent(false).execute(&mut *write).await?;
    }
    write.commit().await?;
    Ok((added, changed))
}

fn upsert(integration: IntegrationId, sync: i64, items: &[InventoryItem]) -> Result<Sql> {
    let mut sql = Sql::new(
        "INSERT INTO inventory (integration_id, key, size_bytes, etag, modified_at, storage_class, is_video, \
         added_in, changed_in, seen_in) ",
    );
    let sizes = items.iter().map(|item| signed(item.size_bytes)).collect::<Result<Vec<_>>>()?;
    sql.push_values(items.iter().zip(sizes), |mut row, (item, size)| {
        row.push_bind(integration.to_string()).push_bind(&item.key).push_bind(size).push_bind(&item.etag);
        row.push_bind(item.modified_at.map(Timestamp::as_millis)).push_bind(&item.storage_class);
        row.push_bind(item.is_video).push_bind(sync).push_bind(sync).push_bind(sync);
    });
    sql.push(
        " ON CONFLICT (integration_id, key) DO UPDATE SET changed_in = CASE WHEN etag <> excluded.etag \
         OR size_bytes <> excluded.size_bytes THEN excluded.changed_in ELSE changed_in END, \
         size_bytes = excluded.size_bytes, etag = excluded.etag, modified_at = excluded.modified_at, \
         storage_class = excluded.storage_class, is_video = excluded.is_video, \
         seen_in = max(seen_in, excluded.seen_in)",
    );
    Ok(sql)
}

pub(super) async fn end_sync(
    store: &SqliteStore,
    integration: IntegrationId,
    sync: i64,
    now: Timestamp,
) -> Result<SyncReport> {
    let mut write = store.write().await?;
    let id = integration.to_string();
    // A listing that was cut short may have added or changed rows: all is told since the last one that ended.
    let ended: i64 = sqlx::query_scalar("SELECT ended_sync FROM integration WHERE id = ?")
        .bind(&id)
        .fetch_one(&mut *write)
        .await?;
    let removed: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM inventory WHERE integration_id = ? AND seen_in < ? AND added_in <= ?",
    )
    .bind(&id)
    .bind(sync)
    .bind(ended)
    .fetch_one(&mut *write)
    .await?;
    sqlx::query("DELETE FROM inventory WHERE integration_id = ? AND seen_in < ?")
        .bind(&id)
        .bind(sync)
        .execute(&mut *write)
        .await?;
    let (items, videos, added, changed): (i64, i64, i64, i64) = sqlx::query_as(
        "SELECT count(*), coalesce(sum(is_video), 0), coalesce(sum(added_in > ?1), 0), \
         coalesce(sum(added_in <= ?1 AND changed_in > ?1), 0) FROM inventory WHERE integration_id = ?2",
    )
    .bind(ended)
    .bind(&id)
    .fetch_one(&mut *write)
    .await?;
    sqlx::query(
        "UPDATE integration SET ended_sync = max(ended_sync, ?), synchronized_at = ?, updated_at = ? WHERE id = ?",
    )
    .bind(sync)
    .bind(now.as_millis())
    .bind(now.as_millis())
    .bind(&id)
    .execute(&mut *write)
    .await?;
    write.commit().await?;
    Ok(SyncReport {
        items: unsigned(items)?,
        videos: unsigned(videos)?,
        added: unsigned(added)?,
        changed: unsigned(changed)?,
        removed: unsigned(removed)?,
    })
}

pub(super) async fn after(
    store: &SqliteStore,
    integration: IntegrationId,
    after: Option<&str>,
    not_in: Option<IndexId>,
    limit: u32,
) -> Result<Vec<InventoryItem>> {
    let mut sql = Sql::new(format!("SELECT {COLUMNS} FROM inventory i WHERE i.is_video = 1"));
    sql.push(" AND i.integration_id = ").push_bind(integration.to_string());
    if let Some(after) = after {
        sql.push(" AND i.key > ").push_bind(after.to_owned());
    }
    if let Some(index) = not_in {
        sql.push(" AND NOT EXISTS (").push(INDEXED).push(" AND t.index_id = ");
        sql.push_bind(index.to_string()).push(")");
    }
    sql.push(" ORDER BY i.key LIMIT ").push_bind(limit);
    let rows: Vec<ItemRow> = sql.build_query_as().fetch_all(&store.readers).await?;
    rows.into_iter().map(ItemRow::into_item).collect()
}

pub(super) async fn item(
    store: &SqliteStore,
    integration: IntegrationId,
    key: &str,
) -> Result<Option<InventoryItem>> {
    let mut sql = Sql::new(format!("SELECT {COLUMNS} FROM inventory i WHERE i.integration_id = "));
    sql.push_bind(integration.to_string()).push(" AND i.key = ").push_bind(key.to_owned());
    let row: Option<ItemRow> = sql.build_query_as().fetch_optional(&store.readers).await?;
    row.map(ItemRow::into_item).transpose()
}

pub(super) async fn statistics(store: &SqliteStore, integration: IntegrationId) -> Result<Statistics> {
    let mut sql = Sql::new(
        "SELECT count(*), coalesce(sum(i.is_video), 0), coalesce(sum(i.size_bytes), 0), \
         coalesce(sum(i.is_video AND EXISTS (",
    );
    sql.push(INDEXED).push(")), 0) FROM inventory i WHERE i.integration_id = ");
    sql.push_bind(integration.to_string());
    let (items, videos, bytes, indexed): (i64, i64, i64, i64) =
        sql.build_query_as().fetch_one(&store.readers).await?;
    let gone: i64 = sqlx::query_scalar(
        "SELECT count(DISTINCT t.locator) FROM task t JOIN video v ON v.id = t.video_id \
         WHERE t.integration_id = ?1 AND t.video_id IS NOT NULL AND t.source = 'object' \
         AND NOT EXISTS (SELECT 1 FROM inventory i WHERE i.integration_id = ?1 AND i.key = t.locator)",
    )
    .bind(integration.to_string())
    .fetch_one(&store.readers)
    .await?;
    Ok(Statistics {
        items: unsigned(items)?,
        videos: unsigned(videos)?,
        bytes: unsigned(bytes)?,
        indexed: unsigned(indexed)?,
        not_indexed: unsigned(videos - indexed)?,
        indexed_then_deleted: unsigned(gone)?,
    })
}
