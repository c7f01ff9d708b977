//! The ledger in numbers. Every number is that of a list in `objects`, by the same conditions.

use anyhow::Context as _;

use super::filters::Sql;
use super::objects::{LAST, narrow};
use super::rows::{from_json_if_any, moment_if_any, parsed, unsigned};
use super::{Connection, SqlStore};
use crate::fault::Result;
use crate::ids::IntegrationId;
use crate::integration::{Decision, ExcludedCount, IndexShare, ObjectFilter, QueueLog, Statistics};

pub(super) async fn statistics(
    store: &SqlStore,
    integration: IntegrationId,
    filter: &ObjectFilter,
) -> Result<Statistics> {
    let mut snapshot = store.snapshot().await?;
    let integration = integration.to_string();
    let mut statistics = Statistics::default();
    let asked = Asked { integration: &integration, filter };
    asked.count_objects(&mut snapshot, &mut statistics).await?;
    asked.count_indexed(&mut snapshot, &mut statistics).await?;
    asked.count_failed(&mut snapshot, &mut statistics).await?;
    statistics.queue = queue(&mut snapshot, &integration).await?;
    snapshot.commit().await?;
    statistics.indexes.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(statistics)
}

/// Which objects are counted.
struct Asked<'a> {
    integration: &'a str,
    filter: &'a ObjectFilter,
}

impl Asked<'_> {
    async fn count_objects(&self, on: &mut Connection, into: &mut Statistics) -> Result<()> {
        const KNOWN_S: &str =
            concat!("CASE WHEN header_etag = etag THEN ", number_field!("header", "duration_s"), " END");
        let mut sql = Sql::new(format!(
            "SELECT decision, is_video, count(*), CAST(sum(size_bytes) AS BIGINT), \
             coalesce(sum({KNOWN_S}), 0.0), count({KNOWN_S}) \
             FROM inventory i WHERE removed_at IS NULL AND integration_id = ",
        ));
        sql.push_bind(self.integration.to_owned());
        narrow(&mut sql, self.filter)?;
        sql.push(" GROUP BY decision, is_video");
        let rows: Vec<(String, bool, i64, i64, f64, i64)> =
            sql.build_query_as().persistent(false).fetch_all(on).await?;
        for (decision, is_video, items, bytes, known_s, known_of) in rows {
            let decision = Decision::parse(&decision).context("a decision of a later version")?;
            let (items, bytes) = (unsigned(items)?, unsigned(bytes)?);
            into.items += items;
            into.bytes += bytes;
            into.videos += if is_video { items } else { 0 };
            if decision == Decision::Taken {
                into.taken += items;
                into.taken_bytes += bytes;
                into.known_s += known_s;
                into.known_of += unsigned(known_of)?;
                continue;
            }
            match into.excluded.iter_mut().find(|known| known.decision == decision) {
                Some(known) => (known.items, known.bytes) = (known.items + items, known.bytes + bytes),
                None => into.excluded.push(ExcludedCount { decision, items, bytes }),
            }
        }
        into.excluded.sort_by_key(|excluded| (std::cmp::Reverse(excluded.items), excluded.decision));
        Ok(())
    }

    async fn count_indexed(&self, on: &mut Connection, into: &mut Statistics) -> Result<()> {
        // One row for each object and index; what is asked of it is the same for one index and for all.
        const SUMS: &str = "count(*) FILTER (WHERE is_present AND is_indexed) AS indexed, \
        count(*) FILTER (WHERE is_present AND is_indexed AND is_taken) AS indexed_taken, \
        count(*) FILTER (WHERE is_present AND NOT is_indexed) AS changed, \
        count(*) FILTER (WHERE NOT is_present) AS gone, \
        coalesce(sum(duration_s) FILTER (WHERE is_present AND is_indexed), 0.0) AS indexed_s, \
        coalesce(sum(duration_s) FILTER (WHERE is_present AND is_indexed AND is_taken AND NOT is_probed), 0.0) AS unknown_s, \
        count(*) FILTER (WHERE is_present AND is_indexed AND is_taken AND NOT is_probed) AS unknown_of";
        let mut sql = Sql::new(concat!(
            "WITH held AS MATERIALIZED (SELECT t.index_id, t.locator, i.removed_at IS NULL AS is_present, \
         i.decision = 'taken' AS is_taken, i.header_etag IS NOT DISTINCT FROM i.etag AND ",
            field!("i.header", "duration_s"),
            " IS NOT NULL AS is_probed, \
         count(*) FILTER (WHERE i.etag <> '' AND t.etag = i.etag AND t.object_bytes = i.size_bytes) > 0 AS is_indexed, \
         max(v.duration_s) AS duration_s \
         FROM task t JOIN video v ON v.id = t.video_id \
         JOIN inventory i ON i.integration_id = t.integration_id AND i.key = t.locator \
         WHERE t.video_id IS NOT NULL AND t.integration_id = "
        ));
        sql.push_bind(self.integration.to_owned());
        narrow(&mut sql, self.filter)?;
        sql.push(format!(
            " GROUP BY t.locator, t.index_id, i.integration_id, i.key) \
         SELECT h.index_id, x.name, {SUMS} FROM held h JOIN video_index x ON x.id = h.index_id \
         WHERE x.deleted_at IS NULL GROUP BY h.index_id, x.name \
         UNION ALL SELECT NULL, NULL, {SUMS} FROM (SELECT is_present, is_taken, is_probed, \
         count(*) FILTER (WHERE is_indexed) > 0 AS is_indexed, max(duration_s) AS duration_s FROM held \
         GROUP BY locator, is_present, is_taken, is_probed) every HAVING count(*) > 0"
        ));
        let rows: Vec<HeldRow> = sql.build_query_as().persistent(false).fetch_all(on).await?;
        into.not_indexed = into.taken;
        for row in rows {
            let indexed = unsigned(row.indexed)?;
            let (not_indexed, changed) =
                (into.taken.saturating_sub(unsigned(row.indexed_taken)?), unsigned(row.changed)?);
            let indexed_then_deleted = unsigned(row.gone)?;
            let Some((index, name)) = row.index_id.zip(row.name) else {
                (into.indexed, into.not_indexed, into.changed) = (indexed, not_indexed, changed);
                into.indexed_then_deleted = indexed_then_deleted;
                into.known_s += row.unknown_s;
                into.known_of += unsigned(row.unknown_of)?;
                continue;
            };
            let indexed_s = row.indexed_s;
            let index = parsed(&index)?;
            into.indexes.push(IndexShare {
                index,
                name,
                indexed,
                not_indexed,
                changed,
                failed: 0,
                indexed_then_deleted,
                indexed_s,
            });
        }
        Ok(())
    }

    async fn count_failed(&self, on: &mut Connection, into: &mut Statistics) -> Result<()> {
        let all: i64 = self
            .failed("SELECT count(DISTINCT t.locator)")?
            .build_query_scalar()
            .persistent(false)
            .fetch_one(&mut *on)
            .await?;
        into.failed = unsigned(all)?;
        if all == 0 {
            return Ok(());
        }
        let mut by_code = self.failed("SELECT t.fault_code, count(DISTINCT t.locator)")?;
        by_code.push(" GROUP BY t.fault_code ORDER BY 2 DESC, 1");
        let by_code: Vec<(String, i64)> =
            by_code.build_query_as().persistent(false).fetch_all(&mut *on).await?;
        for (code, count) in by_code {
            into.failed_by_code.push((code, unsigned(count)?));
        }
        let mut by_index = self.failed(
            "SELECT t.index_id, (SELECT x.name FROM video_index x WHERE x.id = t.index_id), count(DISTINCT t.locator)",
        )?;
        by_index.push(" GROUP BY t.index_id");
        let by_index: Vec<(String, Option<String>, i64)> =
            by_index.build_query_as().persistent(false).fetch_all(&mut *on).await?;
        for (index, name, count) in by_index {
            let (index, failed) = (parsed(&index)?, unsigned(count)?);
            match into.indexes.iter_mut().find(|share| share.index == index) {
                Some(share) => share.failed = failed,
                None => into.indexes.push(IndexShare {
                    index,
                    name: name.unwrap_or_default(),
                    indexed: 0,
                    not_indexed: into.taken,
                    changed: 0,
                    failed,
                    indexed_then_deleted: 0,
                    indexed_s: 0.0,
                }),
            }
        }
        Ok(())
    }

    /// What is selected of objects whose last task failed.
    fn failed(&self, select: &str) -> Result<Sql> {
        let mut sql = Sql::new(format!(
            "{select} FROM task t JOIN inventory i ON i.integration_id = t.integration_id AND i.key = t.locator \
             WHERE t.status = 'failed' AND i.removed_at IS NULL AND {LAST} AND t.integration_id = "
        ));
        sql.push_bind(self.integration.to_owned());
        narrow(&mut sql, self.filter)?;
        Ok(sql)
    }
}

/// A row for each index, and one for all of them, of which the id is none.
#[derive(sqlx::FromRow)]
struct HeldRow {
    index_id: Option<String>,
    name: Option<String>,
    indexed: i64,
    indexed_taken: i64,
    changed: i64,
    gone: i64,
    indexed_s: f64,
    unknown_s: f64,
    unknown_of: i64,
}

#[derive(sqlx::FromRow)]
struct QueueRow {
    applied: i64,
    late: i64,
    ignored: i64,
    malformed: i64,
    told_at: Option<i64>,
    read_at: Option<i64>,
    failures: i64,
    failed_at: Option<i64>,
    fault: Option<String>,
}

pub(super) async fn queue(on: &mut Connection, integration: &str) -> Result<Option<QueueLog>> {
    let row: Option<QueueRow> = sqlx::query_as(
        "SELECT applied, late, ignored, malformed, told_at, read_at, failures, failed_at, fault FROM queue_log \
         WHERE integration_id = $1",
    )
    .bind(integration)
    .fetch_optional(on)
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(QueueLog {
        applied: unsigned(row.applied)?,
        late: unsigned(row.late)?,
        ignored: unsigned(row.ignored)?,
        malformed: unsigned(row.malformed)?,
        told_at: moment_if_any(row.told_at),
        read_at: moment_if_any(row.read_at),
        failures: unsigned(row.failures)?,
        failed_at: moment_if_any(row.failed_at),
        fault: from_json_if_any(row.fault.as_deref())?,
    }))
}
