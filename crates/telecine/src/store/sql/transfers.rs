//! Transfers: receiving, acceptance, cancelling, retrying, reports. Their counters are in `counters`.

use anyhow::{Context as _, anyhow};

use super::counters::{Recount, settle};
use super::filters::Sql;
use super::lists::List;
use super::rows::{
    TASK_COLUMNS, TaskRow, moment_if_any, parsed, parsed_if_any, signed, status, to_json, unsigned,
};
use super::tasks::{self, Home};
use super::{DbExecutor, SqlStore, TASKS_PER_CHANGE, Write, removal, webhooks};
use crate::fault::{Code, Error, Fault, Result};
use crate::ids::{TaskId, TransferId, WorkspaceId};
use crate::store::{Listed, Paging};
use crate::time::Timestamp;
use crate::transfer::{Counts, Event, NewTask, Status, Task, Transfer, TransferState, next_status};

const COLUMNS: &str = "tr.id, tr.workspace_id, tr.state, tr.created_at, tr.ended_at, tr.paused_at, tr.resumed_at, tr.repeated, tr.validating, \
    tr.pending, tr.queued, tr.indexing, tr.ready, tr.failed, tr.skipped";

#[derive(sqlx::FromRow)]
struct TransferRow {
    id: String,
    workspace_id: String,
    state: String,
    created_at: i64,
    ended_at: Option<i64>,
    paused_at: Option<i64>,
    resumed_at: Option<i64>,
    repeated: i64,
    validating: i64,
    pending: i64,
    queued: i64,
    indexing: i64,
    ready: i64,
    failed: i64,
    skipped: i64,
}

impl TransferRow {
    fn into_transfer(self) -> Result<Transfer> {
        let state = match self.state.as_str() {
            "receiving" => TransferState::Receiving,
            "cancelled" => TransferState::Cancelled,
            _ => TransferState::Accepted,
        };
        Ok(Transfer {
            id: parsed(&self.id)?,
            workspace: parsed(&self.workspace_id)?,
            state,
            created_at: Timestamp::from_millis(self.created_at),
            ended_at: moment_if_any(self.ended_at),
            paused_at: moment_if_any(self.paused_at),
            resumed_at: moment_if_any(self.resumed_at),
            counts: Counts {
                validating: unsigned(self.validating)?,
                pending: unsigned(self.pending)?,
                queued: unsigned(self.queued)?,
                indexing: unsigned(self.indexing)?,
                ready: unsigned(self.ready)?,
                failed: unsigned(self.failed)?,
                skipped: unsigned(self.skipped)?,
            },
            repeated: unsigned(self.repeated)?,
        })
    }
}

/// Adds ` WHERE` a task `t` is of this transfer, which must be the workspace's and acknowledged: asked once, and not of each
/// row.
pub(super) fn is_of(sql: &mut Sql, workspace: WorkspaceId, transfer: TransferId) {
    sql.push(" WHERE t.transfer_id = (SELECT r.id FROM transfer r WHERE r.id = ")
        .push_bind(transfer.to_string());
    sql.push(" AND r.workspace_id = ").push_bind(workspace.to_string());
    sql.push(" AND r.state <> 'receiving')");
}

/// Adds the condition that a task `t` is of this transfer, for walks in order of ids.
pub(super) fn of_transfer(sql: &mut Sql, transfer: TransferId) {
    let id = transfer.to_string();
    sql.push(" AND t.transfer_id = ").push_bind(id.clone());
    sql.push(" AND t.id BETWEEN (SELECT first_task FROM transfer WHERE id = ").push_bind(id.clone());
    sql.push(") AND (SELECT last_task FROM transfer WHERE id = ").push_bind(id).push(")");
}

pub(super) async fn lane_of_single_tasks(write: &mut Write, workspace: WorkspaceId) -> Result<i64> {
    sqlx::query("INSERT INTO lane (workspace_id, is_open) VALUES ($1, TRUE) ON CONFLICT DO NOTHING")
        .bind(workspace.to_string())
        .execute(&mut **write)
        .await?;
    let lane = sqlx::query_scalar("SELECT id FROM lane WHERE workspace_id = $1 AND transfer_id IS NULL");
    Ok(lane.bind(workspace.to_string()).fetch_one(&mut **write).await?)
}

pub(super) async fn begin(
    store: &SqlStore,
    workspace: WorkspaceId,
    id: TransferId,
    now: Timestamp,
) -> Result<()> {
    let mut write = store.write_beside().await?;
    sqlx::query(
        "INSERT INTO transfer (id, workspace_id, state, created_at, updated_at) VALUES ($1, $2, 'receiving', $3, $4)",
    )
    .bind(id.to_string())
    .bind(workspace.to_string())
    .bind(now.as_millis())
    .bind(now.as_millis())
    .execute(&mut *write)
    .await?;
    sqlx::query("INSERT INTO lane (workspace_id, transfer_id, is_open) VALUES ($1, $2, FALSE)")
        .bind(workspace.to_string())
        .bind(id.to_string())
        .execute(&mut *write)
        .await?;
    write.commit().await?;
    Ok(())
}

fn not_received(transfer: TransferId) -> Error {
    anyhow!("the transfer {transfer} is not being received").into()
}

pub(super) async fn add_tasks(
    store: &SqlStore,
    transfer: TransferId,
    tasks: &[NewTask],
    now: Timestamp,
) -> Result<()> {
    let Some(first) = tasks.iter().map(|task| task.id).min() else { return Ok(()) };
    let last = tasks.iter().map(|task| task.id).max().unwrap_or(first);
    let mut write = store.write_beside().await?;
    let found: Option<(String, i64)> = sqlx::query_as(
        "SELECT tr.workspace_id, l.id FROM transfer tr JOIN lane l ON l.transfer_id = tr.id \
         WHERE tr.id = $1 AND tr.state = 'receiving'",
    )
    .bind(transfer.to_string())
    .fetch_optional(&mut *write)
    .await?;
    let (workspace, lane) = found.ok_or_else(|| not_received(transfer))?;
    let home = Home { workspace: parsed(&workspace)?, transfer: Some(transfer), lane };
    tasks::insert(&mut write, &home, tasks, now).await?;
    sqlx::query(
        "UPDATE transfer SET validating = validating + $1, \
         first_task = CASE WHEN first_task < $2 THEN first_task ELSE $2 END, \
         last_task = CASE WHEN last_task > $3 THEN last_task ELSE $3 END WHERE id = $4",
    )
    .bind(signed(tasks.len() as u64)?)
    .bind(first.to_string())
    .bind(last.to_string())
    .bind(transfer.to_string())
    .execute(&mut *write)
    .await?;
    write.commit().await?;
    Ok(())
}

pub(super) async fn accept(store: &SqlStore, transfer: TransferId, now: Timestamp) -> Result<Transfer> {
    // Found before the writer's lock is taken, for it takes a second for a million tasks. Nobody else changes them.
    let repeats = repeats(store, transfer).await?;
    let mut write = store.write_beside().await?;
    sqlx::query(concat!("DELETE FROM task WHERE seq IN ", among_numbers!("$1")))
        .bind(to_json(&repeats)?)
        .execute(&mut *write)
        .await?;
    let done = sqlx::query(
        "UPDATE transfer SET state = 'accepted', validating = validating - $1, repeated = repeated + $1, \
         updated_at = $2 WHERE id = $3 AND state = 'receiving'",
    )
    .bind(signed(repeats.len() as u64)?)
    .bind(now.as_millis())
    .bind(transfer.to_string())
    .execute(&mut *write)
    .await?;
    if done.rows_affected() == 0 {
        return Err(not_received(transfer));
    }
    settle(&mut write, transfer, now).await?;
    let mut sql = Sql::new(format!("SELECT {COLUMNS} FROM transfer tr WHERE tr.id = "));
    sql.push_bind(transfer.to_string());
    let row: TransferRow = sql.build_query_as().fetch_one(&mut *write).await?;
    write.commit().await?;
    row.into_transfer()
}

/// Tasks that ask for the same as an earlier one of the transfer: found by one sort, for an index that is unique would
/// double the time that a large manifest takes.
async fn repeats(store: &SqlStore, transfer: TransferId) -> Result<Vec<i64>> {
    let mut any = Sql::new("SELECT count(*) FROM (SELECT 1 FROM task t WHERE true");
    of_transfer(&mut any, transfer);
    any.push(" GROUP BY t.entry_hash HAVING count(*) > 1 LIMIT 1) twice");
    if any.build_query_scalar::<i64>().fetch_one(&store.readers).await? == 0 {
        return Ok(Vec::new());
    }
    let mut sql = Sql::new(
        "SELECT seq FROM (SELECT t.seq, row_number() OVER (PARTITION BY t.entry_hash ORDER BY t.seq) AS place \
         FROM task t WHERE true",
    );
    of_transfer(&mut sql, transfer);
    sql.push(") placed WHERE place > 1");
    Ok(sql.build_query_scalar().fetch_all(&store.readers).await?)
}

pub(super) async fn discard(store: &SqlStore, transfer: TransferId) -> Result<()> {
    removal::tasks_of_received(store, transfer).await?;
    sqlx::query("DELETE FROM transfer WHERE id = $1 AND state = 'receiving'")
        .bind(transfer.to_string())
        .execute(&store.writer)
        .await?;
    Ok(())
}

/// Goes on with removals and cancellations that were cut short.
pub(super) async fn go_on_with_removals(store: &SqlStore) -> Result<()> {
    removal::go_on(store).await?;
    let cancelled: Vec<(String, i64)> =
        sqlx::query_as("SELECT id, updated_at FROM transfer WHERE state = 'cancelled' AND ended_at IS NULL")
            .fetch_all(&store.readers)
            .await?;
    for (id, updated_at) in cancelled {
        cancel_tasks(store, parsed(&id)?, Timestamp::from_millis(updated_at)).await?;
    }
    Ok(())
}

pub(super) async fn discard_unfinished(store: &SqlStore) -> Result<u64> {
    go_on_with_removals(store).await?;
    let received: Vec<String> = sqlx::query_scalar("SELECT id FROM transfer WHERE state = 'receiving'")
        .fetch_all(&store.readers)
        .await?;
    for id in &received {
        discard(store, parsed(id)?).await?;
    }
    Ok(received.len() as u64)
}

pub(super) async fn one(
    store: &SqlStore,
    workspace: WorkspaceId,
    id: TransferId,
) -> Result<Option<Transfer>> {
    found(&store.readers, workspace, id).await
}

async fn found<'e>(
    executor: impl DbExecutor<'e>,
    workspace: WorkspaceId,
    id: TransferId,
) -> Result<Option<Transfer>> {
    let mut sql = Sql::new(format!("SELECT {COLUMNS} FROM transfer tr WHERE tr.id = "));
    sql.push_bind(id.to_string()).push(" AND tr.workspace_id = ").push_bind(workspace.to_string());
    sql.push(" AND tr.state <> 'receiving'");
    let row: Option<TransferRow> = sql.build_query_as().fetch_optional(executor).await?;
    row.map(TransferRow::into_transfer).transpose()
}

pub(super) async fn list(
    store: &SqlStore,
    workspace: WorkspaceId,
    paging: Paging,
) -> Result<Listed<Transfer>> {
    let conditions = |sql: &mut Sql| {
        sql.push(" WHERE tr.state <> 'receiving' AND tr.workspace_id = ").push_bind(workspace.to_string());
    };
    let list =
        List { columns: COLUMNS, from: "transfer tr", alias: "tr", tie: "id", conditions: &conditions };
    list.page(store, paging, TransferRow::into_transfer).await
}

/// Closes its lane: none of its tasks is claimed until it is resumed. What is claimed already is let be.
pub(super) async fn pause(
    store: &SqlStore,
    workspace: WorkspaceId,
    id: TransferId,
    now: Timestamp,
) -> Result<Option<Transfer>> {
    let change = "UPDATE transfer SET paused_at = $1, updated_at = CASE WHEN updated_at > $1 THEN updated_at ELSE $1 END WHERE id = $2 AND paused_at IS NULL";
    steer(store, workspace, id, now, change).await
}

/// Opens its lane again.
pub(super) async fn resume(
    store: &SqlStore,
    workspace: WorkspaceId,
    id: TransferId,
    now: Timestamp,
) -> Result<Option<Transfer>> {
    let change = "UPDATE transfer SET paused_at = NULL, resumed_at = $1, updated_at = CASE WHEN updated_at > $1 THEN updated_at ELSE $1 END \
        WHERE id = $2 AND paused_at IS NOT NULL";
    steer(store, workspace, id, now, change).await
}

/// Applies a change to a transfer that goes on; the transfer after it.
async fn steer(
    store: &SqlStore,
    workspace: WorkspaceId,
    id: TransferId,
    now: Timestamp,
    change: &'static str,
) -> Result<Option<Transfer>> {
    let mut write = store.write().await?;
    let Some(transfer) = found(&mut *write, workspace, id).await? else { return Ok(None) };
    if transfer.is_over() || transfer.state != TransferState::Accepted {
        let ended = if transfer.state == TransferState::Cancelled { "cancelled" } else { "finished" };
        return Err(Fault::new(Code::TransferFinished).value(ended).into());
    }
    sqlx::query(change).bind(now.as_millis()).bind(id.to_string()).execute(&mut *write).await?;
    settle(&mut write, id, now).await?;
    let after = found(&mut *write, workspace, id).await?;
    write.commit().await?;
    Ok(after)
}

pub(super) async fn cancel(
    store: &SqlStore,
    workspace: WorkspaceId,
    id: TransferId,
    now: Timestamp,
) -> Result<Option<u64>> {
    let Some(transfer) = one(store, workspace, id).await? else { return Ok(None) };
    if transfer.is_over() {
        return Ok(Some(0));
    }
    // From here on none of its tasks is claimed; what a crash leaves is done at the next start.
    let mut write = store.write().await?;
    sqlx::query("UPDATE transfer SET state = 'cancelled', paused_at = NULL, updated_at = $1 WHERE id = $2")
        .bind(now.as_millis())
        .bind(id.to_string())
        .execute(&mut *write)
        .await?;
    settle(&mut write, id, now).await?;
    write.commit().await?;
    cancel_tasks(store, id, now).await.map(Some)
}

/// Tasks of a transfer that are in hand, however many others wait.
pub(in crate::store) const IN_HAND_OF: &str = "SELECT t.seq, t.status FROM task t WHERE t.lease_until IS NOT NULL AND t.due_at IS NOT NULL \
     AND +t.lane = (SELECT l.id FROM lane l WHERE l.transfer_id = $1) LIMIT $2";
/// Tasks of a transfer that are not over.
const NOT_OVER_OF: &str = "SELECT t.seq, t.status FROM task t JOIN lane l ON l.id = t.lane \
     WHERE l.transfer_id = $1 AND t.due_at IS NOT NULL LIMIT $2";

async fn cancel_tasks(store: &SqlStore, transfer: TransferId, now: Timestamp) -> Result<u64> {
    // What is being worked on first: it takes half a minute to cancel a million.
    Ok(cancel_all(store, transfer, IN_HAND_OF, now).await?
        + cancel_all(store, transfer, NOT_OVER_OF, now).await?)
}

async fn cancel_all(
    store: &SqlStore,
    transfer: TransferId,
    which: &'static str,
    now: Timestamp,
) -> Result<u64> {
    let fault = Fault::new(Code::TaskCancelled);
    let mut cancelled = 0;
    loop {
        let mut write = store.write().await?;
        let some: Vec<(i64, String)> = sqlx::query_as(which)
            .bind(transfer.to_string())
            .bind(TASKS_PER_CHANGE)
            .fetch_all(&mut *write)
            .await?;
        let (numbers, recount) = moves(&some, &Event::Cancelled)?;
        sqlx::query(concat!(
            "UPDATE task SET status = 'failed', fault_code = $1, fault = $2, waiting_for = NULL, due_at = NULL, \
             lease_until = NULL, fence = fence + 1, updated_at = $3 WHERE seq IN ",
            among_numbers!("$4")
        ))
        .bind(fault.code.as_str())
        .bind(to_json(&fault)?)
        .bind(now.as_millis())
        .bind(to_json(&numbers)?)
        .execute(&mut *write)
        .await?;
        webhooks::tell_tasks(&mut write, &numbers, now).await?;
        recount.apply(&mut write, transfer, now).await?;
        write.commit().await?;
        cancelled += numbers.len() as u64;
        if signed(some.len() as u64)? < TASKS_PER_CHANGE {
            return Ok(cancelled);
        }
    }
}

/// The numbers of these tasks, and what an event that befalls them all does to the counters.
fn moves(tasks: &[(i64, String)], event: &Event) -> Result<(Vec<i64>, Recount)> {
    let mut recount = Recount::default();
    for (_, name) in tasks {
        let from = status(name)?;
        let to = next_status(from, event).context("the store chose a task that the event does not fit")?;
        recount.moved(from, to, 1);
    }
    Ok((tasks.iter().map(|(seq, _)| *seq).collect(), recount))
}

pub(super) async fn retry(
    store: &SqlStore,
    workspace: WorkspaceId,
    id: TransferId,
    code: Option<&str>,
    now: Timestamp,
) -> Result<Option<u64>> {
    if one(store, workspace, id).await?.is_none() {
        return Ok(None);
    }
    let mut retried = 0;
    loop {
        let mut write = store.write().await?;
        let some: Vec<(i64, String)> = sqlx::query_as(
            "SELECT seq, status FROM task WHERE transfer_id = $1 AND status = 'failed' \
             AND ($2 IS NULL OR fault_code = $2) LIMIT $3",
        )
        .bind(id.to_string())
        .bind(code)
        .bind(TASKS_PER_CHANGE)
        .fetch_all(&mut *write)
        .await?;
        if some.is_empty() {
            return Ok(Some(retried));
        }
        let (numbers, recount) = moves(&some, &Event::Retried)?;
        try_again(&mut write, &numbers, now).await?;
        go_on(&mut write, id, &recount, now).await?;
        write.commit().await?;
        retried += numbers.len() as u64;
    }
}

/// Takes these tasks, which failed, up again.
async fn try_again(write: &mut Write, numbers: &[i64], now: Timestamp) -> Result<()> {
    sqlx::query(concat!(
        "UPDATE task SET status = 'validating', fault_code = NULL, fault = NULL, video_id = NULL, \
         duplicate_by = NULL, waiting_for = NULL, attempts = 0, crashes = 0, due_at = $1, lease_until = NULL, \
         fence = fence + 1, updated_at = $1 WHERE seq IN ",
        among_numbers!("$2")
    ))
    .bind(now.as_millis())
    .bind(to_json(&numbers)?)
    .execute(&mut **write)
    .await?;
    Ok(())
}

/// The transfer, cancelled or over, goes on with the tasks that were taken up again.
async fn go_on(write: &mut Write, id: TransferId, recount: &Recount, now: Timestamp) -> Result<()> {
    sqlx::query("UPDATE transfer SET state = 'accepted' WHERE id = $1")
        .bind(id.to_string())
        .execute(&mut **write)
        .await?;
    recount.apply(write, id, now).await
}

/// Another try of one task; whether there is such a task.
pub(super) async fn retry_one(
    store: &SqlStore,
    workspace: WorkspaceId,
    id: TaskId,
    now: Timestamp,
) -> Result<bool> {
    let mut write = store.write().await?;
    let found: Option<(i64, String, Option<String>)> = sqlx::query_as(
        "SELECT t.seq, t.status, t.transfer_id FROM task t JOIN video_index x ON x.id = t.index_id \
         WHERE t.id = $1 AND t.workspace_id = $2 AND x.deleted_at IS NULL",
    )
    .bind(id.to_string())
    .bind(workspace.to_string())
    .fetch_optional(&mut *write)
    .await?;
    let Some((seq, name, transfer)) = found else { return Ok(false) };
    if status(&name)? != Status::Failed {
        return Err(Fault::new(Code::TaskNotFailed).value(name).into());
    }
    let (numbers, recount) = moves(&[(seq, name)], &Event::Retried)?;
    try_again(&mut write, &numbers, now).await?;
    if let Some(transfer) = parsed_if_any(transfer.as_deref())? {
        go_on(&mut write, transfer, &recount, now).await?;
    }
    write.commit().await?;
    Ok(true)
}

pub(super) async fn tasks_after(
    store: &SqlStore,
    transfer: TransferId,
    after: Option<TaskId>,
    limit: u32,
) -> Result<Vec<Task>> {
    let mut sql = Sql::new(format!("SELECT {TASK_COLUMNS} FROM task t WHERE true"));
    of_transfer(&mut sql, transfer);
    if let Some(after) = after {
        sql.push(" AND t.id > ").push_bind(after.to_string());
    }
    sql.push(" ORDER BY t.id LIMIT ").push_bind(i64::from(limit));
    let rows: Vec<TaskRow> = sql.build_query_as().fetch_all(&store.readers).await?;
    rows.into_iter().map(TaskRow::into_task).collect()
}

pub(super) async fn last_ends(store: &SqlStore, transfer: TransferId, limit: u32) -> Result<Vec<Timestamp>> {
    let ends: Vec<i64> = sqlx::query_scalar(
        "SELECT updated_at FROM task WHERE transfer_id = $1 AND due_at IS NULL ORDER BY updated_at DESC LIMIT $2",
    )
    .bind(transfer.to_string())
    .bind(i64::from(limit))
    .fetch_all(&store.readers)
    .await?;
    Ok(ends.into_iter().map(Timestamp::from_millis).collect())
}
