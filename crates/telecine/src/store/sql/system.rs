//! What the database knows of itself and of the work that is left, by counters and by indexes over what is left.

use async_trait::async_trait;

use super::rows::{moment_if_any, status, unsigned};
use super::{Pool, SqlStore};
use crate::fault::Result;
use crate::store::{Connections, Finding, SystemStore};
use crate::system::{Database, QueueState, StagesInHand};
use crate::time::Timestamp;
use crate::transfer::Counts;

/// Single tasks that are counted; more are only said to be more.
const MAX_COUNTED: i64 = 10_000;

/// The counters of transfers that are not over.
pub(in crate::store) const OPEN: &str = "SELECT count(*), CAST(coalesce(sum(validating), 0) AS BIGINT), \
    CAST(coalesce(sum(pending), 0) AS BIGINT), CAST(coalesce(sum(queued), 0) AS BIGINT), \
    CAST(coalesce(sum(indexing), 0) AS BIGINT), count(paused_at), CAST(coalesce(sum( \
    CASE WHEN paused_at IS NOT NULL THEN validating + pending + queued + indexing END), 0) AS BIGINT) \
    FROM transfer WHERE ended_at IS NULL AND state <> 'receiving'";
pub(in crate::store) const SINGLE: &str = concat!(
    "SELECT status, count(*) FROM (SELECT t.status FROM lane l",
    waiting_in_lane!("$1"),
    " WHERE l.transfer_id IS NULL LIMIT $1) single GROUP BY status"
);
pub(in crate::store) const IN_HAND: &str = "SELECT count(*) FROM task WHERE lease_until IS NOT NULL";
pub(in crate::store) const WAITS_SINCE: &str = concat!(
    "SELECT min((SELECT min(t.due_at) FROM task t WHERE t.lane = l.id AND t.due_at <= $1)) FROM lane l WHERE ",
    is!("l.is_open")
);

#[async_trait]
impl SystemStore for SqlStore {
    async fn database(&self) -> Result<Database> {
        self.about().await
    }

    async fn queue_state(&self, now: Timestamp) -> Result<QueueState> {
        let mut snapshot = self.snapshot().await?;
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
            "SELECT (SELECT CAST(coalesce(sum(bytes), 0) AS BIGINT) FROM video_stream), \
             (SELECT CAST(coalesce(sum(size_bytes), 0) AS BIGINT) FROM asset)",
        )
        .fetch_one(&self.readers)
        .await?;
        Ok((unsigned(streams)?, unsigned(assets)?))
    }

    async fn examine(&self) -> Result<Vec<Finding>> {
        self.findings().await
    }

    fn connections(&self) -> Vec<Connections> {
        let idle = |pool: &Pool| u32::try_from(pool.num_idle()).unwrap_or(u32::MAX);
        [("writer", &self.writer), ("readers", &self.readers)]
            .map(|(name, pool)| {
                let limit = pool.options().get_max_connections();
                Connections { pool: name, open: pool.size(), idle: idle(pool), limit }
            })
            .to_vec()
    }
}
