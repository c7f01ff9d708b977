//! The counters of transfers, which every change of a task keeps right in its own transaction, and what follows from
//! them: whether a transfer has ended, and whether its tasks may be claimed.

use super::{Write, webhooks};
use crate::fault::Result;
use crate::ids::TransferId;
use crate::time::Timestamp;
use crate::transfer::Status;

/// What a change of tasks does to the counters of their transfer; applied in the same transaction.
#[derive(Debug, Default)]
pub(super) struct Recount {
    by_status: [i64; Status::ALL.len()],
}

impl Recount {
    pub(super) fn made(&mut self, status: Status, number: i64) {
        self.by_status[status as usize] += number;
    }

    pub(super) fn gone(&mut self, status: Status, number: i64) {
        self.made(status, -number);
    }

    pub(super) fn moved(&mut self, from: Status, to: Status, number: i64) {
        self.gone(from, number);
        self.made(to, number);
    }

    /// Counts, ends the transfer when no task is left that is not final, and opens it again when one is.
    pub(super) async fn apply(&self, write: &mut Write, transfer: TransferId, now: Timestamp) -> Result<()> {
        if self.by_status.iter().all(|change| *change == 0) {
            return Ok(());
        }
        let mut query = sqlx::query_as(
            "UPDATE transfer SET validating = validating + $1, pending = pending + $2, queued = queued + $3, \
             indexing = indexing + $4, ready = ready + $5, failed = failed + $6, skipped = skipped + $7, \
             updated_at = CASE WHEN updated_at > $8 THEN updated_at ELSE $8 END WHERE id = $9 \
             RETURNING validating + pending + queued + indexing > 0, ended_at IS NOT NULL",
        );
        for change in self.by_status {
            query = query.bind(change);
        }
        let query = query.bind(now.as_millis()).bind(transfer.to_string());
        let state: Option<(bool, bool)> = query.fetch_optional(&mut **write).await?;
        // All who change tasks of this transfer wait for this row: mostly, nothing follows.
        match state {
            Some((is_open, has_ended)) if is_open == has_ended => settle(write, transfer, now).await,
            _ => Ok(()),
        }
    }
}

/// Sets what follows from state and counters: whether the transfer has ended, and whether its tasks may be claimed.
pub(super) async fn settle(write: &mut Write, transfer: TransferId, now: Timestamp) -> Result<()> {
    let had_ended: Option<Option<i64>> = sqlx::query_scalar("SELECT ended_at FROM transfer WHERE id = $1")
        .bind(transfer.to_string())
        .fetch_optional(&mut **write)
        .await?;
    let ended: Option<Option<i64>> = sqlx::query_scalar(
        "UPDATE transfer SET ended_at = CASE WHEN validating + pending + queued + indexing = 0 \
         THEN coalesce(ended_at, $1) END, \
         paused_at = CASE WHEN validating + pending + queued + indexing > 0 THEN paused_at END WHERE id = $2 AND state <> 'receiving' RETURNING ended_at",
    )
    .bind(now.as_millis())
    .bind(transfer.to_string())
    .fetch_optional(&mut **write)
    .await?;
    if ended.flatten().is_some() && had_ended.flatten().is_none() {
        webhooks::tell_transfer(write, transfer, now).await?;
    }
    sqlx::query(
        "UPDATE lane SET is_open = (SELECT tr.state = 'accepted' AND tr.ended_at IS NULL AND tr.paused_at IS NULL \
         FROM transfer tr WHERE tr.id = lane.transfer_id) WHERE transfer_id = $1",
    )
    .bind(transfer.to_string())
    .execute(&mut **write)
    .await?;
    Ok(())
}
