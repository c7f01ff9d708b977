//! What the database knows of itself and of the work that is left, by counters and by indexes over what is left.

use async_trait::async_trait;
use sqlx::Acquire as _;

use super::SqliteStore;
use super::rows::{moment_if_any, status, unsigned};
use crate::fault::Result;
use crate::store::SystemStore;
use crate::system::{Database, QueueState, StagesInHand};
use crate::time::Timestamp;
use crate::transfer::Counts;

/// Single tasks that are counted; more are only said to be more.
const MAX_COUNTED: i64 = 10_000;

/// The counters of transfers that are not over.
const OPEN: &str = "SELECT count(*), coalesce(sum(validating), 0), coalesce(sum(pending), 0), \
    coalesce(sum(queued), 0), coalesce(sum(indexing), 0), count(paused_at), \
    coalesce(sum(CASE WHEN paused_at IS NOT NULL THEN validating + pending + queued + indexing END), 0) \
    FROM transfer WHERE ended_at IS NULL AND state <> 'receiving'";
const SINGLE: &str = "SELECT status, count(*) FROM (SELECT t.status FROM lane l JOIN task t ON t.lane = l.id \
    WHERE l.transfer_id IS NULL AND t.due_at IS NOT NULL LIMIT ?) GROUP BY status";
const IN_HAND: &str = "SELECT count(*) FROM task WHERE lease_until IS NOT NULL";
const WAITS_SINCE: &str = "SELECT min((SELECT min(t.due_at) FROM task t WHERE t.lane = l.id AND t.due_at <= ?)) \
    FROM lane l WHERE l.is_open = 1";

#[async_trait]
impl SystemStore for SqliteStore {
    async fn database(&self) -> Result<Database> {
        let (version, pages, page_bytes): (String, i64, i64) = sqlx::query_as(
            "SELECT sqlite_version(), (SELECT page_count FROM pragma_page_count), \
             (SELECT page_size FROM pragma_page_size)",
        )
        .fetch_one(&self.readers)
        .await?;
        let size_bytes = unsigned(pages)? * unsigned(page_bytes)?;
        Ok(Database { kind: "sqlite", version, size_bytes })
    }

    async fn queue_state(&self, now: Timestamp) -> Result<QueueState> {
        let mut connection = self.readers.acquire().await?;
        let mut snapshot = connection.begin().await?;
        let open: (i64, i64, i64, i64, i64, i64, i64) =
            sqlx::query_as(OPEN).fetch_one(&mut *snapshot).await?;
        let single: Vec<(String, i64)> =
            sqlx::query_as(SINGLE).bind(MAX_COUNTED + 1).fetch_all(&mut *snapshot).await?;
        let in_hand: i64 = sqlx::query_scalar(IN_HAND).fetch_one(&mut *snapshot).await?;
        let waits_since: Option<i64> =
            sqlx::query_scalar(WAITS_SINCE).bind(now.as_millis()).fetch_one(&mut *snapshot).await?;
        snapshot.commit().await?;
        let (transfers, validating, pending, queued, indexing, paused_transfers, paused) = open;
        let mut counts = Counts {
            validating: unsigned(validating)?,
            pending: unsigned(pending)?,
            queued: unsigned(queued)?,
            indexing: unsigned(indexing)?,
            ..Counts::default()
        };
        for (name, number) in &single {
            *counts.of(status(name)?) += unsigned(*number)?;
        }
        Ok(QueueState {
            validating: counts.validating,
            pending: counts.pending,
            queued: counts.queued,
            indexing: counts.indexing,
            in_hand: unsigned(in_hand)?,
            paused: unsigned(paused)?,
            is_more: single.iter().map(|(_, number)| number).sum::<i64>() > MAX_COUNTED,
            open_transfers: unsigned(transfers)?,
            paused_transfers: unsigned(paused_transfers)?,
            waits_since: moment_if_any(waits_since),
            stages: StagesInHand::default(),
        })
    }

    async fn media_bytes(&self) -> Result<(u64, u64)> {
        let (streams, assets): (i64, i64) = sqlx::query_as(
            "SELECT (SELECT coalesce(sum(bytes), 0) FROM video_stream), (SELECT coalesce(sum(size_bytes), 0) FROM asset)",
        )
        .fetch_one(&self.readers)
        .await?;
        Ok((unsigned(streams)?, unsigned(assets)?))
    }
}

#[cfg(test)]
mod tests {
    use sqlx::AssertSqlSafe;

    use super::*;

    /// With a million tasks waiting, or as many transfers that are over, nothing of it is walked.
    #[tokio::test]
    async fn what_is_left_is_counted_by_indexes() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path().join("telecine.db")).await.unwrap();
        for (statement, index) in [
            (OPEN, "INDEX transfer_open"),
            (SINGLE, "INDEX task_due"),
            (IN_HAND, "INDEX task_claimed"),
            (WAITS_SINCE, "INDEX task_due"),
        ] {
            let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"));
            let steps: Vec<(i64, i64, i64, String)> =
                sqlx::query_as(explain).fetch_all(&store.readers).await.unwrap();
            let plan: Vec<&str> = steps.iter().map(|(.., step)| step.as_str()).collect();
            assert!(plan.iter().any(|step| step.contains(index)), "{statement}: {plan:?}");
            let walks = |step: &str| step.contains("SCAN task") || step.contains("SCAN t ");
            assert!(index == "INDEX task_claimed" || !plan.iter().any(|step| walks(step)), "{plan:?}");
        }
    }
}
