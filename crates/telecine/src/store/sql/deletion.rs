//! Deleted integrations. The row stays, for logs and for whoever changes their mind; its secret does not.

use anyhow::Context as _;
use async_trait::async_trait;

use super::counters::Recount;
use super::integrations::{bucket_taken, of_rows, select};
use super::rows::{parsed, parsed_if_any, status, to_json, unsigned};
use super::{SqlStore, TASKS_PER_CHANGE, Write, to_its_end, webhooks};
use crate::fault::{Code, Fault, Result};
use crate::ids::{IntegrationId, TaskId, TransferId, WorkspaceId};
use crate::integration::{DeletionPlan, IndexedVideos, Integration};
use crate::store::DeletionStore;
use crate::time::Timestamp;
use crate::transfer::{Event, Status, next_status};

#[async_trait]
impl DeletionStore for SqlStore {
    async fn deletion_plan(&self, integration: IntegrationId) -> Result<DeletionPlan> {
        plan(self, &integration.to_string()).await
    }

    async fn delete_integration(
        &self,
        workspace: WorkspaceId,
        id: IntegrationId,
        now: Timestamp,
    ) -> Result<bool> {
        let mut write = self.write().await?;
        let deleted: Option<bool> = sqlx::query_scalar(concat!(
            "UPDATE integration SET deleted_at = $1, updated_at = $1, secret = ",
            overwritten!("secret"),
            " WHERE id = $2 AND workspace_id = $3 AND deleted_at IS NULL RETURNING secret IS NOT NULL"
        ))
        .bind(now.as_millis())
        .bind(id.to_string())
        .bind(workspace.to_string())
        .fetch_optional(&mut *write)
        .await?;
        let Some(had_secret) = deleted else { return Ok(false) };
        sqlx::query("UPDATE integration SET secret = NULL WHERE id = $1")
            .bind(id.to_string())
            .execute(&mut *write)
            .await?;
        sqlx::query(
            "UPDATE sync_run SET state = 'cancelled', ended_at = $1, updated_at = $1, lease_until = NULL, \
             left_ranges = NULL WHERE integration_id = $2 AND state = 'running'",
        )
        .bind(now.as_millis())
        .bind(id.to_string())
        .execute(&mut *write)
        .await?;
        write.commit().await?;
        if had_secret {
            self.forget_erased().await?;
        }
        Ok(true)
    }

    async fn fail_unfetched(
        &self,
        integration: IntegrationId,
        fetched: &[TaskId],
        now: Timestamp,
    ) -> Result<u64> {
        let (store, fetched) = (self.clone(), to_json(&fetched)?);
        to_its_end(async move { fail_unfetched(&store, integration, &fetched, now).await }).await
    }

    async fn deleted_integrations(
        &self,
        workspace: WorkspaceId,
        since: Timestamp,
    ) -> Result<Vec<Integration>> {
        let mut sql = select();
        sql.push(" AND deleted_at >= ").push_bind(since.as_millis());
        sql.push(" AND workspace_id = ").push_bind(workspace.to_string()).push(" ORDER BY deleted_at, id");
        of_rows(sql.build_query_as().fetch_all(&self.readers).await?)
    }

    async fn restore_integration(&self, integration: &Integration) -> Result<()> {
        let done = sqlx::query(
            "UPDATE integration SET deleted_at = NULL, status = $1, checks = $2, checked_at = NULL, drift = $3, \
             updated_at = $4 WHERE id = $5",
        )
        .bind(integration.status.as_str())
        .bind(to_json(&integration.checks)?)
        .bind(&integration.drift)
        .bind(integration.updated_at.as_millis())
        .bind(integration.id.to_string())
        .execute(&self.writer)
        .await;
        done.map(|_| ()).map_err(|error| bucket_taken(error, &integration.bucket))
    }

    async fn forget_deleted(&self, before: Timestamp, limit: u32) -> Result<u64> {
        let mut removed = 0;
        for statement in [
            "DELETE FROM inventory WHERE (integration_id, key) IN (SELECT i.integration_id, i.key FROM integration o \
             JOIN inventory i ON i.integration_id = o.id WHERE o.deleted_at < $1 LIMIT $2)",
            "DELETE FROM sync_run WHERE id IN (SELECT r.id FROM integration o \
             JOIN sync_run r ON r.integration_id = o.id WHERE o.deleted_at < $1 LIMIT $2)",
            "DELETE FROM queue_log WHERE integration_id IN (SELECT o.id FROM integration o \
             WHERE o.deleted_at < $1 LIMIT $2)",
        ] {
            let query = sqlx::query(statement).bind(before.as_millis()).bind(i64::from(limit));
            removed += query.execute(&self.writer).await?.rows_affected();
        }
        Ok(removed)
    }
}

async fn plan(store: &SqlStore, integration: &str) -> Result<DeletionPlan> {
    let mut snapshot = store.snapshot().await?;
    let indexes: Vec<(String, String, i64)> = sqlx::query_as(
        "SELECT x.id, x.name, count(*) FROM task t JOIN video v ON v.id = t.id JOIN video_index x ON x.id = t.index_id \
         WHERE t.integration_id = $1 AND t.source = 'object' AND x.deleted_at IS NULL GROUP BY x.id ORDER BY x.name",
    )
    .bind(integration)
    .fetch_all(&mut *snapshot)
    .await?;
    let tasks: Vec<(String, i64)> =
        sqlx::query_as("SELECT status, count(*) FROM task WHERE integration_id = $1 GROUP BY status")
            .bind(integration)
            .fetch_all(&mut *snapshot)
            .await?;
    let (imports, running): (i64, i64) = sqlx::query_as(
        "SELECT count(*), count(*) FILTER (WHERE tr.ended_at IS NULL) FROM import im \
         JOIN transfer tr ON tr.id = im.transfer_id WHERE im.integration_id = $1",
    )
    .bind(integration)
    .fetch_one(&mut *snapshot)
    .await?;
    let (files, is_synchronizing, has_secret): (i64, bool, bool) = sqlx::query_as(
        "SELECT (SELECT count(*) FROM inventory WHERE integration_id = $1 AND removed_at IS NULL), \
         EXISTS (SELECT 1 FROM sync_run WHERE integration_id = $1 AND state = 'running'), \
         (SELECT secret IS NOT NULL FROM integration WHERE id = $1)",
    )
    .bind(integration)
    .fetch_one(&mut *snapshot)
    .await?;
    snapshot.commit().await?;
    let mut plan = DeletionPlan {
        imports: unsigned(imports)?,
        imports_running: unsigned(running)?,
        files: unsigned(files)?,
        is_synchronizing,
        has_secret,
        ..DeletionPlan::default()
    };
    for (index, name, videos) in indexes {
        plan.indexes.push(IndexedVideos { index: parsed(&index)?, name, videos: unsigned(videos)? });
    }
    for (name, number) in tasks {
        let number = unsigned(number)?;
        match status(&name)? {
            Status::Validating | Status::Pending => plan.tasks_unfetched += number,
            Status::Queued | Status::Indexing => plan.tasks_fetched += number,
            Status::Ready | Status::Failed | Status::Skipped => plan.tasks_final += number,
        }
    }
    Ok(plan)
}

/// Walks the tasks in the order of their keys, once, and fails some at a time.
async fn fail_unfetched(
    store: &SqlStore,
    integration: IntegrationId,
    fetched: &str,
    now: Timestamp,
) -> Result<u64> {
    let (mut failed, mut after) = (0, String::new());
    loop {
        let mut write = store.write().await?;
        let keys: Vec<String> = sqlx::query_scalar(
            "SELECT locator FROM task WHERE integration_id = $1 AND locator > $2 ORDER BY locator LIMIT $3",
        )
        .bind(integration.to_string())
        .bind(&after)
        .bind(TASKS_PER_CHANGE)
        .fetch_all(&mut *write)
        .await?;
        let Some(last) = keys.last() else { return Ok(failed) };
        failed += fail_between(&mut write, integration, (&after, last), fetched, now).await?;
        write.commit().await?;
        after.clone_from(last);
    }
}

/// Fails the unfetched tasks on the keys after the first and up to the second.
async fn fail_between(
    write: &mut Write,
    integration: IntegrationId,
    (after, until): (&str, &str),
    fetched: &str,
    now: Timestamp,
) -> Result<u64> {
    let mut tasks: Vec<(i64, String, Option<String>)> = sqlx::query_as(concat!(
        "SELECT seq, status, transfer_id FROM task WHERE integration_id = $1 AND locator > $2 AND locator <= $3 \
         AND source = 'object' AND status IN ('validating', 'pending') AND id NOT IN ",
        among!("$4")
    ))
    .bind(integration.to_string())
    .bind(after)
    .bind(until)
    .bind(fetched)
    .fetch_all(&mut **write)
    .await?;
    let fault = Fault::new(Code::IntegrationDeleted);
    let event = Event::Failed(Box::new(fault.clone()));
    let numbers: Vec<i64> = tasks.iter().map(|(seq, ..)| *seq).collect();
    sqlx::query(concat!(
        "UPDATE task SET status = 'failed', fault_code = $1, fault = $2, waiting_for = NULL, due_at = NULL, \
         lease_until = NULL, fence = fence + 1, updated_at = $3 WHERE seq IN ",
        among_numbers!("$4")
    ))
    .bind(fault.code.as_str())
    .bind(to_json(&fault)?)
    .bind(now.as_millis())
    .bind(to_json(&numbers)?)
    .execute(&mut **write)
    .await?;
    webhooks::tell_tasks(write, &numbers, now).await?;
    tasks.sort_by(|a, b| a.2.cmp(&b.2));
    for same in tasks.chunk_by(|a, b| a.2 == b.2) {
        let Some(transfer) = parsed_if_any::<TransferId>(same[0].2.as_deref())? else { continue };
        let mut recount = Recount::default();
        for (_, name, _) in same {
            let from = status(name)?;
            let to =
                next_status(from, &event).context("the store chose a task that the event does not fit")?;
            recount.moved(from, to, 1);
        }
        recount.apply(write, transfer, now).await?;
    }
    Ok(numbers.len() as u64)
}
