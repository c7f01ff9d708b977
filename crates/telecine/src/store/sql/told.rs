//! Changes that a bucket's queue tells are taken over into the ledger, unless more is known already.

use sqlx::FromRow as _;

use super::filters::Sql;
use super::inventory::{ITEM_COLUMNS, ItemRow};
use super::rows::{moment_if_any, signed, to_json};
use super::{SqlStore, Write, stored_key};
use crate::fault::{Fault, Result};
use crate::ids::IntegrationId;
use crate::integration::{InventoryItem, KeyTold, QueueNote, is_newer};
use crate::time::Timestamp;

/// A row, as far as it decides whether a change is news.
struct Known {
    item: InventoryItem,
    is_removed: bool,
    sequencer: Option<String>,
}

impl Known {
    /// Whether more is known than is told.
    fn is_beyond(&self, told: &KeyTold) -> bool {
        let is_old = |(sequencer, known): (&String, &String)| !is_newer(sequencer, known);
        let is_older = |(at, modified): (Timestamp, Timestamp)| at < modified;
        told.sequencer.as_ref().zip(self.sequencer.as_ref()).is_some_and(is_old)
            || told.at.zip(self.item.modified_at).filter(|_| !self.is_removed).is_some_and(is_older)
    }

    fn is_as(&self, told: &KeyTold) -> bool {
        match &told.item {
            Some(item) => !self.is_removed && self.item == *item,
            None => self.is_removed,
        }
    }
}

pub(super) async fn tell(
    store: &SqlStore,
    integration: IntegrationId,
    told: &[KeyTold],
    note: &QueueNote,
    now: Timestamp,
) -> Result<u64> {
    let mut write = store.write_in(&integration.to_string()).await?;
    let (mut applied, mut late) = (0_u64, 0_u64);
    for told in told {
        let known = known(&mut write, integration, &told.key).await?;
        if known.as_ref().is_some_and(|known| known.is_beyond(told)) {
            late += 1;
            continue;
        }
        match known.as_ref().is_some_and(|known| known.is_as(told)) {
            true => late += 1,
            false => applied += 1,
        }
        set(&mut write, integration, told, now).await?;
    }
    sqlx::query(
        "INSERT INTO queue_log (integration_id, applied, late, ignored, malformed, told_at, read_at) \
         VALUES ($1, $2, $3, $4, $5, CASE WHEN $2 > 0 THEN $6 END, $6) ON CONFLICT (integration_id) DO UPDATE SET \
         applied = queue_log.applied + excluded.applied, late = queue_log.late + excluded.late, \
         ignored = queue_log.ignored + excluded.ignored, malformed = queue_log.malformed + excluded.malformed, \
         told_at = coalesce(excluded.told_at, queue_log.told_at), \
         read_at = excluded.read_at, failures = 0, failed_at = NULL, fault = NULL",
    )
    .bind(integration.to_string())
    .bind(signed(applied)?)
    .bind(signed(late)?)
    .bind(signed(note.ignored)?)
    .bind(signed(note.malformed)?)
    .bind(now.as_millis())
    .execute(&mut *write)
    .await?;
    write.commit().await?;
    Ok(applied)
}

async fn known(write: &mut Write, integration: IntegrationId, key: &str) -> Result<Option<Known>> {
    #[derive(sqlx::FromRow)]
    struct Rest {
        removed_at: Option<i64>,
        sequencer: Option<String>,
    }
    let mut sql = Sql::new(format!("SELECT {ITEM_COLUMNS}, i.removed_at, i.sequencer FROM inventory i"));
    sql.push(" WHERE i.integration_id = ").push_bind(integration.to_string());
    sql.push(" AND i.key = ").push_bind(stored_key(key));
    let Some(row) = sql.build().fetch_optional(&mut **write).await? else { return Ok(None) };
    let Rest { removed_at, sequencer } = Rest::from_row(&row)?;
    let item = ItemRow::from_row(&row)?.into_item()?;
    Ok(Some(Known { item, is_removed: moment_if_any(removed_at).is_some(), sequencer }))
}

/// Rows that listings which go on now may have older pages about carry their number.
const NUMBER: &str = "(SELECT begun_sync FROM integration WHERE id = $1)";

async fn set(write: &mut Write, integration: IntegrationId, told: &KeyTold, now: Timestamp) -> Result<()> {
    let removed_at = told.item.is_none().then(|| now.as_millis());
    // Also what was never seen and is gone is kept: or an older event, when it comes, would bring it back.
    let sql = format!(
        "INSERT INTO inventory (integration_id, key, size_bytes, etag, modified_at, storage_class, is_archived, is_video, \
         decision, first_seen_at, removed_at, sequencer, added_in, changed_in, seen_in, told_in) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, {NUMBER}, {NUMBER}, {NUMBER}, {NUMBER}) \
         ON CONFLICT (integration_id, key) DO UPDATE SET sequencer = coalesce(excluded.sequencer, inventory.sequencer), \
         changed_in = excluded.changed_in, seen_in = excluded.seen_in, told_in = excluded.told_in, "
    );
    let change = match &told.item {
        Some(_) => {
            "size_bytes = excluded.size_bytes, etag = excluded.etag, modified_at = excluded.modified_at, \
             storage_class = excluded.storage_class, is_archived = excluded.is_archived, is_video = excluded.is_video, \
             decision = excluded.decision, first_seen_at = coalesce(inventory.first_seen_at, excluded.first_seen_at), \
             removed_at = NULL"
        }
        None => "removed_at = coalesce(inventory.removed_at, excluded.removed_at)",
    };
    let item = told.item.as_ref();
    sqlx::query(sqlx::AssertSqlSafe(format!("{sql}{change}")))
        .bind(integration.to_string())
        .bind(stored_key(&told.key))
        .bind(signed(item.map_or(0, |item| item.size_bytes))?)
        .bind(item.map_or("", |item| item.etag.as_str()))
        .bind(item.and_then(|item| item.modified_at).map(Timestamp::as_millis))
        .bind(item.map_or("", |item| item.storage_class.as_str()))
        .bind(item.is_some_and(|item| item.is_archived))
        .bind(item.is_some_and(|item| item.is_video))
        .bind(item.map_or("not_a_video", |item| item.decision.as_str()))
        .bind(item.map(|_| now.as_millis()))
        .bind(removed_at)
        .bind(&told.sequencer)
        .execute(&mut **write)
        .await?;
    Ok(())
}

pub(super) async fn note_failure(
    store: &SqlStore,
    integration: IntegrationId,
    fault: &Fault,
    now: Timestamp,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO queue_log (integration_id, failures, failed_at, fault) VALUES ($1, 1, $2, $3) \
         ON CONFLICT (integration_id) DO UPDATE SET failures = queue_log.failures + 1, failed_at = excluded.failed_at, \
         fault = excluded.fault",
    )
    .bind(integration.to_string())
    .bind(now.as_millis())
    .bind(to_json(fault)?)
    .execute(&store.writer)
    .await?;
    Ok(())
}
