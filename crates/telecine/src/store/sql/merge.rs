//! Listings are merged into the ledger: what is as it was is read, not written; what is new, another or gone is, and
//! counted in the same transaction.

use std::collections::HashMap;

use sqlx::FromRow as _;

use super::filters::Sql;
use super::inventory::{ITEM_COLUMNS, ItemRow};
use super::rows::{signed, to_json};
use super::{ROWS_PER_STATEMENT, Row, SqlStore, Write, is_storable_key, stored_key};
use crate::fault::Result;
use crate::ids::IntegrationId;
use crate::integration::{Decision, InventoryItem, KeyRange, Rules, SyncClaim, SyncFound};
use crate::queue::Stale;
use crate::source::ObjectInfo;
use crate::store::Merge;
use crate::time::Timestamp;

/// Rows that are read at once: a range may hold any number of them.
const WINDOW: usize = 2_000;

/// A row of the ledger.
struct Known {
    item: InventoryItem,
    is_removed: bool,
    /// See the migration.
    told_in: i64,
}

impl Known {
    fn from_row(row: &Row) -> Result<Self> {
        #[derive(sqlx::FromRow)]
        struct Rest {
            removed_at: Option<i64>,
            told_in: i64,
        }
        let Rest { removed_at, told_in } = Rest::from_row(row)?;
        Ok(Self { item: ItemRow::from_row(row)?.into_item()?, is_removed: removed_at.is_some(), told_in })
    }
}

/// What a listing does to the ledger, as far as it has come.
#[derive(Debug, Default)]
struct Tally {
    listed: usize,
    videos: usize,
    added: usize,
    changed: usize,
    removed: usize,
}

/// What is to be written.
#[derive(Debug, Default)]
struct Changes<'a> {
    written: Vec<&'a InventoryItem>,
    gone: Vec<&'a str>,
}

impl<'a> Changes<'a> {
    /// An object was seen.
    fn see(&mut self, tally: &mut Tally, item: &'a InventoryItem, known: Option<&Known>, number: i64) {
        if !is_storable_key(&item.key) {
            tracing::warn!(key = %item.key.escape_debug(), "the database cannot hold this key; the object is left out");
            return;
        }
        match known {
            // What an event told meanwhile is newer than the page.
            Some(known) if known.told_in >= number => return,
            Some(known) if !known.is_removed && known.item == *item => return,
            Some(known) if !known.is_removed => {
                tally.changed += usize::from(!item.is_version_of(&known.item));
            }
            _ => tally.added += 1,
        }
        self.written.push(item);
    }

    /// A row was not seen where it should have been.
    fn miss(&mut self, tally: &mut Tally, known: &'a Known, number: i64) {
        if !known.is_removed && known.told_in < number {
            tally.removed += 1;
            self.gone.push(&known.item.key);
        }
    }

    async fn write(&self, write: &mut Write, at: At) -> Result<()> {
        for some in self.written.chunks(ROWS_PER_STATEMENT) {
            upsert(at, some)?.build().persistent(false).execute(&mut **write).await?;
        }
        for some in self.gone.chunks(ROWS_PER_STATEMENT) {
            let mut sql = Sql::new("UPDATE inventory SET removed_at = ");
            sql.push_bind(at.now.as_millis()).push(", changed_in = ").push_bind(at.number);
            sql.push(" WHERE integration_id = ").push_bind(at.integration.to_string());
            keys_among(&mut sql, some.iter().copied());
            sql.build().persistent(false).execute(&mut **write).await?;
        }
        Ok(())
    }
}

/// Where and when rows are written.
#[derive(Debug, Clone, Copy)]
struct At {
    integration: IntegrationId,
    number: i64,
    now: Timestamp,
}

/// Keys are bound one by one: JSON would be cut at a control character.
fn keys_among<'a>(sql: &mut Sql, keys: impl Iterator<Item = &'a str>) {
    sql.push(" AND key IN (");
    let mut list = sql.separated(", ");
    for key in keys {
        list.push_bind(stored_key(key));
    }
    sql.push(")");
}

pub(super) async fn merge(
    store: &SqlStore,
    claim: &SyncClaim,
    merge: &Merge,
    now: Timestamp,
) -> Result<Result<(), Stale>> {
    let mut write = store.write_in(&claim.integration.to_string()).await?;
    let Some(number) = number(&mut write, claim).await? else { return Ok(Err(Stale)) };
    let mut at = At { integration: claim.integration, number, now };
    let mut tally = Tally::default();
    for found in &merge.found {
        match found {
            SyncFound::Some(items) => {
                // Then the end of the listing has to tell what is gone.
                sqlx::query("UPDATE sync_run SET is_ordered = FALSE WHERE id = $1")
                    .bind(claim.run.to_string())
                    .execute(&mut *write)
                    .await?;
                add(&mut write, items, at, &mut tally).await?;
            }
            SyncFound::StartsOver => {
                tally = Tally { added: tally.added, changed: tally.changed, ..Tally::default() };
                at.number = start_over(&mut write, claim, at.number).await?;
            }
            SyncFound::Range { range, items } => {
                let mut range = range.clone();
                let mut items = items.as_slice();
                while let Some(window) = compare(&mut write, &range, items, at, &mut tally).await? {
                    range.after = Some(window.until);
                    items = &items[window.items..];
                    // Nobody else writes while a transaction goes on: many rows that are gone are marked in several.
                    tally.apply(&mut write, claim, now).await?;
                    write.commit().await?;
                    tally = Tally::default();
                    write = store.write_in(&claim.integration.to_string()).await?;
                    let still = self::number(&mut write, claim).await?;
                    if still != Some(at.number) {
                        return Ok(Err(Stale));
                    }
                }
            }
        }
    }
    tally.apply(&mut write, claim, now).await?;
    sqlx::query("UPDATE sync_run SET left_ranges = $1, requests = requests + $2 WHERE id = $3")
        .bind(merge.left.as_ref().map(to_json).transpose()?)
        .bind(signed(merge.requests)?)
        .bind(claim.run.to_string())
        .execute(&mut *write)
        .await?;
    write.commit().await?;
    Ok(Ok(()))
}

/// The number of a synchronization that is still this claim's.
async fn number(write: &mut Write, claim: &SyncClaim) -> Result<Option<i64>> {
    let sql = "SELECT number FROM sync_run WHERE id = $1 AND fence = $2 AND state = 'running'";
    let number = sqlx::query_scalar(sql).bind(claim.run.to_string()).bind(claim.fence);
    Ok(number.fetch_optional(&mut **write).await?)
}

/// What was found to be gone was so by mistake.
async fn start_over(write: &mut Write, claim: &SyncClaim, before: i64) -> Result<i64> {
    let integration = claim.integration.to_string();
    let number: i64 = sqlx::query_scalar(
        "UPDATE integration SET begun_sync = begun_sync + 1 WHERE id = $1 RETURNING begun_sync",
    )
    .bind(&integration)
    .fetch_one(&mut **write)
    .await?;
    sqlx::query("UPDATE inventory SET removed_at = NULL WHERE integration_id = $1 AND changed_in = $2")
        .bind(&integration)
        .bind(before)
        .execute(&mut **write)
        .await?;
    sqlx::query(
        "UPDATE sync_run SET is_ordered = FALSE, number = $1, listed = 0, videos = 0, removed = 0 WHERE id = $2",
    )
    .bind(number)
    .bind(claim.run.to_string())
    .execute(&mut **write)
    .await?;
    Ok(number)
}

impl Tally {
    async fn apply(&self, write: &mut Write, claim: &SyncClaim, now: Timestamp) -> Result<()> {
        let number = |count: usize| signed(count as u64);
        sqlx::query(
            "UPDATE sync_run SET listed = listed + $1, videos = videos + $2, added = added + $3, changed = changed + $4, \
             removed = removed + $5, updated_at = $6 WHERE id = $7",
        )
        .bind(number(self.listed)?)
        .bind(number(self.videos)?)
        .bind(number(self.added)?)
        .bind(number(self.changed)?)
        .bind(number(self.removed)?)
        .bind(now.as_millis())
        .bind(claim.run.to_string())
        .execute(&mut **write)
        .await?;
        Ok(())
    }

    fn count(&mut self, items: &[InventoryItem]) {
        self.listed += items.len();
        self.videos += items.iter().filter(|item| item.is_video).count();
    }
}

/// What was compared, where it is not all.
struct Window {
    until: String,
    items: usize,
}

/// Compares the first rows of a range with what lies there.
async fn compare(
    write: &mut Write,
    range: &KeyRange,
    items: &[InventoryItem],
    at: At,
    tally: &mut Tally,
) -> Result<Option<Window>> {
    let mut sql = Sql::new(format!("SELECT {ITEM_COLUMNS}, i.removed_at, i.told_in FROM inventory i WHERE "));
    sql.push("i.integration_id = ").push_bind(at.integration.to_string());
    for (operator, bound) in [(" AND i.key > ", &range.after), (" AND i.key <= ", &range.until)] {
        if let Some(bound) = bound {
            sql.push(operator).push_bind(stored_key(bound));
        }
    }
    sql.push(" ORDER BY i.key LIMIT ").push_bind(signed(WINDOW as u64)?);
    let rows = sql.build().fetch_all(&mut **write).await?;
    let rows = rows.iter().map(Known::from_row).collect::<Result<Vec<_>>>()?;
    let until = rows.last().filter(|_| rows.len() == WINDOW).map(|last| last.item.key.clone());
    let within = match &until {
        Some(until) => items.partition_point(|item| item.key <= *until),
        None => items.len(),
    };
    let items = &items[..within];
    tally.count(items);
    let mut changes = Changes::default();
    let (mut rows_left, mut items_left) = (rows.iter().peekable(), items.iter().peekable());
    loop {
        let row = match (rows_left.peek(), items_left.peek()) {
            (None, None) => break,
            (Some(row), Some(item)) if row.item.key > item.key => None,
            (Some(row), Some(item)) if row.item.key < item.key => {
                changes.miss(tally, row, at.number);
                rows_left.next();
                continue;
            }
            (Some(_), Some(_)) => rows_left.next(),
            (Some(row), None) => {
                changes.miss(tally, row, at.number);
                rows_left.next();
                continue;
            }
            (None, Some(_)) => None,
        };
        if let Some(item) = items_left.next() {
            changes.see(tally, item, row, at.number);
        }
    }
    changes.write(write, at).await?;
    Ok(until.map(|until| Window { until, items: within }))
}

/// Adds what was found in no order; marks all of it as seen.
async fn add(write: &mut Write, items: &[InventoryItem], at: At, tally: &mut Tally) -> Result<()> {
    tally.count(items);
    for some in items.chunks(ROWS_PER_STATEMENT) {
        let known = known(write, some, at.integration).await?;
        let mut changes = Changes::default();
        for (position, item) in some.iter().enumerate() {
            // Told twice, it counts once.
            let before = some[..position].iter().any(|before| before.key == item.key);
            if !before {
                changes.see(tally, item, known.get(&item.key), at.number);
            }
        }
        changes.write(write, at).await?;
        let mut sql = Sql::new("UPDATE inventory SET seen_in = ");
        sql.push_bind(at.number).push(" WHERE seen_in < ").push_bind(at.number);
        sql.push(" AND integration_id = ").push_bind(at.integration.to_string());
        keys_among(&mut sql, some.iter().map(|item| item.key.as_str()));
        sql.build().persistent(false).execute(&mut **write).await?;
    }
    Ok(())
}

async fn known(
    write: &mut Write,
    items: &[InventoryItem],
    integration: IntegrationId,
) -> Result<HashMap<String, Known>> {
    let mut sql = Sql::new(format!("SELECT {ITEM_COLUMNS}, i.removed_at, i.told_in FROM inventory i WHERE "));
    sql.push("i.integration_id = ").push_bind(integration.to_string());
    keys_among(&mut sql, items.iter().map(|item| item.key.as_str()));
    let rows = sql.build().persistent(false).fetch_all(&mut **write).await?;
    rows.iter().map(|row| Known::from_row(row).map(|known| (known.item.key.clone(), known))).collect()
}

fn upsert(at: At, items: &[&InventoryItem]) -> Result<Sql> {
    let mut sql = Sql::new(
        "INSERT INTO inventory (integration_id, key, size_bytes, etag, modified_at, storage_class, is_archived, \
         is_video, decision, first_seen_at, added_in, changed_in, seen_in) ",
    );
    let sizes = items.iter().map(|item| signed(item.size_bytes)).collect::<Result<Vec<_>>>()?;
    sql.push_values(items.iter().zip(sizes), |mut row, (item, size)| {
        row.push_bind(at.integration.to_string()).push_bind(stored_key(&item.key)).push_bind(size);
        row.push_bind(&item.etag).push_bind(item.modified_at.map(Timestamp::as_millis));
        row.push_bind(&item.storage_class).push_bind(item.is_archived).push_bind(item.is_video);
        row.push_bind(item.decision.as_str()).push_bind(at.now.as_millis());
        row.push_bind(at.number).push_bind(at.number).push_bind(at.number);
    });
    sql.push(
        " ON CONFLICT (integration_id, key) DO UPDATE SET changed_in = CASE WHEN inventory.etag <> excluded.etag \
         OR inventory.size_bytes <> excluded.size_bytes OR inventory.removed_at IS NOT NULL \
         THEN excluded.changed_in ELSE inventory.changed_in END, \
         size_bytes = excluded.size_bytes, etag = excluded.etag, modified_at = excluded.modified_at, \
         storage_class = excluded.storage_class, is_archived = excluded.is_archived, is_video = excluded.is_video, \
         decision = excluded.decision, first_seen_at = coalesce(inventory.first_seen_at, excluded.first_seen_at), \
         removed_at = NULL, seen_in = CASE WHEN inventory.seen_in > excluded.seen_in \
         THEN inventory.seen_in ELSE excluded.seen_in END",
    );
    Ok(sql)
}

/// Decides about every row anew, some thousands in a transaction: other rules, other decisions.
pub(super) async fn decide_anew(store: &SqlStore, integration: IntegrationId, rules: &Rules) -> Result<u64> {
    let (mut after, mut changed) = (None::<String>, 0);
    loop {
        let mut write = store.write_in(&integration.to_string()).await?;
        let mut sql = Sql::new(format!("SELECT {ITEM_COLUMNS} FROM inventory i WHERE i.integration_id = "));
        sql.push_bind(integration.to_string());
        if let Some(after) = &after {
            sql.push(" AND i.key > ").push_bind(stored_key(after));
        }
        sql.push(" ORDER BY i.key LIMIT ").push_bind(signed(WINDOW as u64)?);
        let rows: Vec<ItemRow> = sql.build_query_as().fetch_all(&mut *write).await?;
        let is_last = rows.len() < WINDOW;
        let mut others: HashMap<Decision, Vec<String>> = HashMap::new();
        for row in rows {
            let item = row.into_item()?;
            after = Some(item.key.clone());
            let (before, object) = (item.decision, object(item));
            let decision = rules.decide(&object);
            if decision != before {
                others.entry(decision).or_default().push(object.key);
            }
        }
        for (decision, keys) in others {
            for some in keys.chunks(ROWS_PER_STATEMENT) {
                let mut sql = Sql::new("UPDATE inventory SET decision = ");
                sql.push_bind(decision.as_str()).push(" WHERE integration_id = ");
                sql.push_bind(integration.to_string());
                keys_among(&mut sql, some.iter().map(String::as_str));
                let done = sql.build().persistent(false).execute(&mut *write).await?;
                changed += done.rows_affected();
            }
        }
        write.commit().await?;
        if is_last {
            return Ok(changed);
        }
    }
}

fn object(item: InventoryItem) -> ObjectInfo {
    let InventoryItem { key, size_bytes, etag, modified_at, storage_class, is_archived, .. } = item;
    ObjectInfo { key, size_bytes, etag, modified_at, storage_class, is_archived }
}
