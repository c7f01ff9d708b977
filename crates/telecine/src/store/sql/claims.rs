//! Claims: who works on a task, and what a worker may change of it. The fence decides, never the clock.

use std::time::Duration;

use anyhow::Context as _;

use super::counters::Recount;
use super::filters::Sql;
use super::lending::{Due, DueRow, due_task};
use super::rows::{
    TASK_COLUMNS, TaskRow, duplicate_by, moment_if_any, parsed, parsed_if_any, signed, status, to_json,
};
use super::turns::{self, Lane};
use super::{SqlStore, Write, webhooks};
use crate::fault::{Code, Fault, Result};
use crate::ids::{IndexId, TaskId, TransferId};
use crate::queue::{Claim, Stale};
use crate::store::TaskChange;
use crate::time::Timestamp;
use crate::transfer::{Event, Status, Task, after_crash, next_status};

pub(in crate::store) const TASK_DUE: &str = concat!(
    due_task!(),
    " WHERE t.lane = $1 AND t.due_at <= $2 ORDER BY t.due_at, t.seq LIMIT 1",
    if_unlocked!()
);
pub(in crate::store) const NEXT_DUE: &str = concat!(
    "SELECT min((SELECT min(t.due_at) FROM task t WHERE t.lane = l.id AND t.due_at IS NOT NULL)) FROM lane l WHERE ",
    is!("l.is_open")
);

/// What a change must know of a task that is held by a claim.
pub(super) struct Held {
    pub(super) seq: i64,
    pub(super) index: IndexId,
    pub(super) status: Status,
    pub(super) allows_duplicate: bool,
    transfer: Option<TransferId>,
    created_at: i64,
}

/// The task of a claim, unless the claim is stale.
pub(super) async fn held(write: &mut Write, claim: &Claim) -> Result<Result<Held, Stale>> {
    let found: Option<(i64, String, String, bool, Option<String>, i64)> = sqlx::query_as(concat!(
        "SELECT seq, index_id, status, allows_duplicate, transfer_id, created_at FROM task \
         WHERE id = $1 AND fence = $2 AND lease_until IS NOT NULL",
        locked!()
    ))
    .bind(claim.task.to_string())
    .bind(claim.fence)
    .fetch_optional(&mut **write)
    .await?;
    let Some((seq, index, name, allows_duplicate, transfer, created_at)) = found else {
        return Ok(Err(Stale));
    };
    let transfer = parsed_if_any(transfer.as_deref())?;
    let (index, status) = (parsed(&index)?, status(&name)?);
    Ok(Ok(Held { seq, index, status, allows_duplicate, transfer, created_at }))
}

impl Held {
    /// Gives the task the status that follows from the event, and counts it.
    pub(super) async fn happens(
        &self,
        write: &mut Write,
        event: &Event,
        learnt: &TaskChange,
        now: Timestamp,
    ) -> Result<()> {
        let next = next_status(self.status, event).context("a worker told an event that does not fit")?;
        let mut sql = Sql::new("UPDATE task SET status = ");
        sql.push_bind(next.as_str()).push(", updated_at = ").push_bind(now.as_millis());
        self.push_event(&mut sql, event)?;
        push_learnt(&mut sql, learnt)?;
        sql.push(" WHERE seq = ").push_bind(self.seq);
        sql.build().execute(&mut **write).await?;
        self.count(write, next, now).await?;
        if next.is_final() {
            webhooks::tell_tasks(write, &[self.seq], now).await?;
        }
        Ok(())
    }

    async fn count(&self, write: &mut Write, next: Status, now: Timestamp) -> Result<()> {
        let Some(transfer) = self.transfer else { return Ok(()) };
        let mut recount = Recount::default();
        recount.moved(self.status, next, 1);
        recount.apply(write, transfer, now).await
    }

    fn push_event(&self, sql: &mut Sql, event: &Event) -> Result<()> {
        const FINAL: &str = ", waiting_for = NULL, lease_until = NULL, due_at = NULL";
        match event {
            Event::IndexingStarted => {}
            // Fetched for the first time: it has come further than ever before.
            Event::Admitted => {
                sql.push(", crashes = CASE WHEN content_hash IS NULL THEN 0 ELSE crashes END");
            }
            Event::Published => {
                sql.push(FINAL).push(", video_id = id");
            }
            Event::Failed(fault) => push_fault(sql.push(FINAL), fault)?,
            Event::Cancelled => push_fault(sql.push(FINAL), &Fault::new(Code::TaskCancelled))?,
            Event::Duplicate(duplicate) => {
                sql.push(FINAL).push(", video_id = ").push_bind(duplicate.video.to_string());
                sql.push(", duplicate_by = ").push_bind(duplicate_by(duplicate.by));
            }
            Event::Postponed { until, reason } => {
                sql.push(", crashes = 0, lease_until = NULL, due_at = ").push_bind(until.as_millis());
                sql.push(", waiting_for = ").push_bind(reason.clone());
            }
            Event::Released => {
                // Due since it was made: it goes on before those that never began.
                sql.push(", crashes = 0, lease_until = NULL, due_at = ").push_bind(self.created_at);
            }
            Event::Claimed | Event::Retried => return Err(not_by_a_worker(event)),
        }
        Ok(())
    }
}

fn not_by_a_worker(event: &Event) -> crate::fault::Error {
    anyhow::anyhow!("{event:?} cannot be told under a claim").into()
}

fn push_fault(sql: &mut Sql, fault: &Fault) -> Result<()> {
    sql.push(", fault_code = ").push_bind(fault.code.as_str());
    sql.push(", fault = ").push_bind(to_json(fault)?);
    Ok(())
}

fn push_learnt(sql: &mut Sql, learnt: &TaskChange) -> Result<()> {
    let TaskChange { event: _, stamp, content_hash, meta } = learnt;
    if let Some(stamp) = stamp {
        sql.push(", etag = ").push_bind(stamp.etag.clone());
        sql.push(", object_bytes = ").push_bind(signed(stamp.size_bytes)?);
    }
    if let Some(hash) = content_hash {
        sql.push(", content_hash = ").push_bind(hash.clone());
    }
    if let Some(meta) = meta {
        // Its name stays that of its source, by which `task_name` knows it.
        sql.push(", duration_s = ").push_bind(meta.duration_s);
        sql.push(", fps = ").push_bind(meta.fps);
        sql.push(", width = ").push_bind(i64::from(meta.width));
        sql.push(", height = ").push_bind(i64::from(meta.height));
        sql.push(", size_bytes = ").push_bind(signed(meta.size_bytes)?);
    }
    Ok(())
}

pub(super) async fn task(store: &SqlStore, claim: &Claim) -> Result<Result<Task, Stale>> {
    let mut sql = Sql::new(format!("SELECT {TASK_COLUMNS} FROM task t WHERE t.lease_until IS NOT NULL"));
    sql.push(" AND t.id = ").push_bind(claim.task.to_string());
    sql.push(" AND t.fence = ").push_bind(claim.fence);
    let row: Option<TaskRow> = sql.build_query_as().fetch_optional(&store.readers).await?;
    row.map(TaskRow::into_task).transpose().map(|task| task.ok_or(Stale))
}

pub(super) async fn change(
    store: &SqlStore,
    claim: &Claim,
    change: &TaskChange,
    now: Timestamp,
) -> Result<Result<(), Stale>> {
    if change.event == Event::Published {
        return Err(not_by_a_worker(&change.event));
    }
    let mut write = store.write_beside().await?;
    let held = match held(&mut write, claim).await? {
        Ok(held) => held,
        Err(stale) => return Ok(Err(stale)),
    };
    held.happens(&mut write, &change.event, change, now).await?;
    write.commit().await?;
    Ok(Ok(()))
}

pub(super) async fn next(store: &SqlStore, now: Timestamp, lease: Duration) -> Result<Option<Claim>> {
    let mut write = store.write_beside().await?;
    loop {
        let mut found: Option<(Lane, DueRow)> = None;
        for lane in turns::in_turn(&mut write, now).await? {
            let due = sqlx::query_as(TASK_DUE).bind(lane.id).bind(now.as_millis());
            if let Some(task) = due.fetch_optional(&mut *write).await? {
                found = Some((lane, task));
                break;
            }
        }
        // Where there are others who claim at the same moment, they may have the last ones.
        let Some((lane, due)) = found else {
            write.commit().await?;
            return Ok(None);
        };
        // Given up, there is another.
        if let Some(claim) = Due::try_from(due)?.lend(&mut write, now, lease).await? {
            // Last, for every change of a task comes to the lane by way of the transfer.
            turns::lane_had_its_turn(&mut write, &lane, now).await?;
            turns::workspace_had_its_turn(&mut write, &lane.workspace).await?;
            write.commit().await?;
            return Ok(Some(claim));
        }
    }
}

pub(super) async fn extend(store: &SqlStore, claim: &Claim, until: Timestamp) -> Result<Result<(), Stale>> {
    let done = sqlx::query(
        "UPDATE task SET lease_until = $1, due_at = $1 WHERE id = $2 AND fence = $3 AND lease_until IS NOT NULL",
    )
    .bind(until.as_millis())
    .bind(claim.task.to_string())
    .bind(claim.fence)
    .execute(&store.writer)
    .await?;
    Ok(if done.rows_affected() == 1 { Ok(()) } else { Err(Stale) })
}

pub(super) async fn next_due(store: &SqlStore) -> Result<Option<Timestamp>> {
    let due: Option<i64> = sqlx::query_scalar(NEXT_DUE).fetch_one(&store.readers).await?;
    Ok(moment_if_any(due))
}

pub(super) async fn break_all(store: &SqlStore, now: Timestamp) -> Result<u64> {
    let mut write = store.write().await?;
    let claims: Vec<(String, i64, i64, i64)> =
        sqlx::query_as("SELECT id, fence, lease_until, crashes FROM task WHERE lease_until IS NOT NULL")
            .fetch_all(&mut *write)
            .await?;
    for (id, fence, until, crashes) in &claims {
        let task: TaskId = parsed(id)?;
        let claim = Claim { task, fence: *fence, lease_until: Timestamp::from_millis(*until) };
        if let Ok(held) = held(&mut write, &claim).await? {
            let event = after_crash(u32::try_from(crashes + 1).unwrap_or(u32::MAX));
            held.happens(&mut write, &event, &event.clone().into(), now).await?;
            let grow = sqlx::query("UPDATE task SET fence = fence + 1, crashes = $1 WHERE seq = $2");
            grow.bind(crashes + 1).bind(held.seq).execute(&mut *write).await?;
        }
    }
    write.commit().await?;
    Ok(claims.len() as u64)
}
