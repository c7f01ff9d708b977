//! Synchronizations as rows: one at a time for each integration, worked on under a lease with a fence.

use anyhow::Context as _;

use super::filters::Sql;
use super::lists::List;
use super::rows::{from_json_if_any, moment_if_any, parsed, signed, to_json, unsigned};
use super::{DbExecutor, SqlStore, Write};
use crate::fault::Result;
use crate::ids::{IntegrationId, SyncId};
use crate::integration::{SyncClaim, SyncEnd, SyncRun, SyncState, SyncTrigger};
use crate::queue::Stale;
use crate::store::{Listed, Paging};
use crate::time::Timestamp;

/// Synchronizations of an integration that are kept.
const KEPT: i64 = 1_000;

const COLUMNS: &str = "r.id, r.integration_id, r.trigger, r.state, r.is_ordered, r.listed, r.videos, r.requests, \
    r.added, r.changed, r.removed, r.left_ranges, r.fault, r.created_at, r.updated_at, r.ended_at";

#[derive(sqlx::FromRow)]
struct RunRow {
    id: String,
    integration_id: String,
    trigger: String,
    state: String,
    is_ordered: bool,
    listed: i64,
    videos: i64,
    requests: i64,
    added: i64,
    changed: i64,
    removed: i64,
    left_ranges: Option<String>,
    fault: Option<String>,
    created_at: i64,
    updated_at: i64,
    ended_at: Option<i64>,
}

impl RunRow {
    fn into_run(self) -> Result<SyncRun> {
        Ok(SyncRun {
            id: parsed(&self.id)?,
            integration: parsed(&self.integration_id)?,
            trigger: SyncTrigger::parse(&self.trigger).context("a trigger of a later version")?,
            state: SyncState::parse(&self.state).context("a state of a later version")?,
            is_ordered: self.is_ordered,
            listed: unsigned(self.listed)?,
            videos: unsigned(self.videos)?,
            requests: unsigned(self.requests)?,
            added: unsigned(self.added)?,
            changed: unsigned(self.changed)?,
            removed: unsigned(self.removed)?,
            left: from_json_if_any(self.left_ranges.as_deref())?,
            fault: from_json_if_any(self.fault.as_deref())?,
            created_at: Timestamp::from_millis(self.created_at),
            updated_at: Timestamp::from_millis(self.updated_at),
            ended_at: moment_if_any(self.ended_at),
        })
    }
}

/// Runs that fulfil a condition.
fn select(condition: &str) -> Sql {
    Sql::new(format!("SELECT {COLUMNS} FROM sync_run r WHERE {condition}"))
}

async fn one(mut sql: Sql, on: impl DbExecutor<'_>) -> Result<Option<SyncRun>> {
    let row: Option<RunRow> = sql.build_query_as().fetch_optional(on).await?;
    row.map(RunRow::into_run).transpose()
}

async fn by_id(run: SyncId, on: impl DbExecutor<'_>) -> Result<Option<SyncRun>> {
    let mut sql = select("r.id = ");
    sql.push_bind(run.to_string());
    one(sql, on).await
}

pub(super) async fn begin(
    store: &SqlStore,
    integration: IntegrationId,
    trigger: SyncTrigger,
    now: Timestamp,
) -> Result<(SyncRun, bool)> {
    let mut write = store.write().await?;
    let mut sql = select("r.state = 'running' AND r.integration_id = ");
    sql.push_bind(integration.to_string());
    if let Some(run) = one(sql, &mut *write).await? {
        return Ok((run, false));
    }
    let id = SyncId::generate(now);
    // A store that listed in no order the last time is not asked to again.
    sqlx::query(
        "INSERT INTO sync_run (id, integration_id, trigger, state, number, is_ordered, created_at, updated_at) \
         VALUES ($1, $2, $3, 'running', 0, coalesce((SELECT is_ordered FROM sync_run WHERE integration_id = $2 \
         AND state = 'done' ORDER BY created_at DESC, id DESC LIMIT 1), TRUE), $4, $4)",
    )
    .bind(id.to_string())
    .bind(integration.to_string())
    .bind(trigger.as_str())
    .bind(now.as_millis())
    .execute(&mut *write)
    .await?;
    sqlx::query(
        "DELETE FROM sync_run WHERE integration_id = $1 AND state <> 'running' AND id <= (SELECT id \
         FROM sync_run WHERE integration_id = $1 ORDER BY created_at DESC, id DESC LIMIT 1 OFFSET $2)",
    )
    .bind(integration.to_string())
    .bind(KEPT)
    .execute(&mut *write)
    .await?;
    let run = by_id(id, &mut *write).await?.context("a synchronization was written, and is not there")?;
    write.commit().await?;
    Ok((run, true))
}

pub(super) async fn claim(
    store: &SqlStore,
    run: SyncId,
    now: Timestamp,
    until: Timestamp,
) -> Result<Option<(SyncClaim, SyncRun)>> {
    let mut write = store.write().await?;
    let claimed: Option<(i64, String, bool)> = sqlx::query_as(
        "UPDATE sync_run SET fence = fence + 1, lease_until = $1 WHERE id = $2 AND state = 'running' \
         AND (lease_until IS NULL OR lease_until <= $3) RETURNING fence, integration_id, left_ranges IS NULL",
    )
    .bind(until.as_millis())
    .bind(run.to_string())
    .bind(now.as_millis())
    .fetch_optional(&mut *write)
    .await?;
    let Some((fence, integration, begins)) = claimed else { return Ok(None) };
    if begins {
        begin_listing(&mut write, run, &integration).await?;
    }
    let found = by_id(run, &mut *write).await?.context("a synchronization was claimed, and is not there")?;
    write.commit().await?;
    Ok(Some((SyncClaim { run, integration: found.integration, fence }, found)))
}

/// From its beginning, also the second time.
async fn begin_listing(write: &mut Write, run: SyncId, integration: &str) -> Result<()> {
    sqlx::query("UPDATE integration SET begun_sync = begun_sync + 1 WHERE id = $1")
        .bind(integration)
        .execute(&mut **write)
        .await?;
    sqlx::query(
        "UPDATE sync_run SET listed = 0, videos = 0, number = (SELECT begun_sync FROM integration i \
         WHERE i.id = sync_run.integration_id) WHERE id = $1",
    )
    .bind(run.to_string())
    .execute(&mut **write)
    .await?;
    Ok(())
}

pub(super) async fn extend(
    store: &SqlStore,
    claim: &SyncClaim,
    until: Timestamp,
) -> Result<Result<(), Stale>> {
    let done = sqlx::query(
        "UPDATE sync_run SET lease_until = $1 WHERE id = $2 AND fence = $3 AND state = 'running'",
    )
    .bind(until.as_millis())
    .bind(claim.run.to_string())
    .bind(claim.fence)
    .execute(&store.writer)
    .await?;
    Ok(if done.rows_affected() > 0 { Ok(()) } else { Err(Stale) })
}

pub(super) async fn end(
    store: &SqlStore,
    claim: &SyncClaim,
    end: &SyncEnd,
    now: Timestamp,
) -> Result<Result<SyncRun, Stale>> {
    let mut write = store.write().await?;
    let (state, fault) = match end {
        SyncEnd::Done => (SyncState::Done, None),
        SyncEnd::Failed(fault) => (SyncState::Failed, Some(to_json(fault)?)),
    };
    let ended: Option<(i64, bool)> = sqlx::query_as(
        "UPDATE sync_run SET state = $1, fault = $2, ended_at = $3, updated_at = $4, lease_until = NULL, left_ranges = NULL \
         WHERE id = $5 AND fence = $6 AND state = 'running' RETURNING number, is_ordered",
    )
    .bind(state.as_str())
    .bind(fault)
    .bind(now.as_millis())
    .bind(now.as_millis())
    .bind(claim.run.to_string())
    .bind(claim.fence)
    .fetch_optional(&mut *write)
    .await?;
    let Some((number, is_ordered)) = ended else { return Ok(Err(Stale)) };
    if state == SyncState::Done {
        if !is_ordered {
            mark_unseen(&mut write, claim, number, now).await?;
        }
        sqlx::query(
            "UPDATE integration SET ended_sync = CASE WHEN ended_sync > $1 THEN ended_sync ELSE $1 END, synchronized_at = $2 WHERE id = $3",
        )
        .bind(number)
        .bind(now.as_millis())
        .bind(claim.integration.to_string())
        .execute(&mut *write)
        .await?;
    }
    let run = by_id(claim.run, &mut *write).await?.context("a synchronization ended, and is not there")?;
    write.commit().await?;
    Ok(Ok(run))
}

/// What a listing in no order has not seen by its end is gone.
async fn mark_unseen(write: &mut Write, claim: &SyncClaim, number: i64, now: Timestamp) -> Result<()> {
    let integration = claim.integration.to_string();
    let gone = sqlx::query(
        "UPDATE inventory SET removed_at = $1, changed_in = $2 WHERE integration_id = $3 AND seen_in < $4 AND told_in < $5 \
         AND removed_at IS NULL",
    )
    .bind(now.as_millis())
    .bind(number)
    .bind(&integration)
    .bind(number)
    .bind(number)
    .execute(&mut **write)
    .await?;
    // A store without an order may tell a key twice: rows know better.
    sqlx::query(concat!(
        "UPDATE sync_run SET removed = removed + $1, listed = (SELECT count(*) FROM inventory i \
         WHERE i.integration_id = $2 AND i.removed_at IS NULL), videos = (SELECT count(*) FROM inventory i \
         WHERE i.integration_id = $2 AND i.removed_at IS NULL AND ",
        is!("i.is_video"),
        ") WHERE id = $3"
    ))
    .bind(signed(gone.rows_affected())?)
    .bind(&integration)
    .bind(claim.run.to_string())
    .execute(&mut **write)
    .await?;
    Ok(())
}

pub(super) async fn cancel(
    store: &SqlStore,
    integration: IntegrationId,
    run: SyncId,
    now: Timestamp,
) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE sync_run SET state = 'cancelled', ended_at = $1, updated_at = $2, lease_until = NULL, left_ranges = NULL \
         WHERE id = $3 AND integration_id = $4 AND state = 'running'",
    )
    .bind(now.as_millis())
    .bind(now.as_millis())
    .bind(run.to_string())
    .bind(integration.to_string())
    .execute(&store.writer)
    .await?;
    Ok(done.rows_affected() > 0)
}

pub(super) async fn run(
    store: &SqlStore,
    integration: IntegrationId,
    run: SyncId,
) -> Result<Option<SyncRun>> {
    Ok(by_id(run, &store.readers).await?.filter(|found| found.integration == integration))
}

pub(super) async fn runs(
    store: &SqlStore,
    integration: IntegrationId,
    paging: Paging,
) -> Result<Listed<SyncRun>> {
    let conditions = |sql: &mut Sql| {
        sql.push(" WHERE r.integration_id = ").push_bind(integration.to_string());
    };
    let list = List { columns: COLUMNS, from: "sync_run r", alias: "r", tie: "id", conditions: &conditions };
    list.page(store, paging, RunRow::into_run).await
}

pub(super) async fn idle(store: &SqlStore, now: Timestamp) -> Result<Vec<SyncRun>> {
    let mut sql = select("r.state = 'running' AND (r.lease_until IS NULL OR r.lease_until <= ");
    sql.push_bind(now.as_millis()).push(") ORDER BY r.created_at");
    let rows: Vec<RunRow> = sql.build_query_as().fetch_all(&store.readers).await?;
    rows.into_iter().map(RunRow::into_run).collect()
}

pub(super) async fn break_claims(store: &SqlStore) -> Result<u64> {
    let sql = "UPDATE sync_run SET lease_until = NULL WHERE state = 'running' AND lease_until IS NOT NULL";
    Ok(sqlx::query(sql).execute(&store.writer).await?.rows_affected())
}
