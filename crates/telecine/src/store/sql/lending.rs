//! Lending one task that is due: what a claim writes, whoever chose the task. A worker that vanished with the task in hand
//! counts as a crash of it; a task that was in too many of them is given up.

use std::time::Duration;

use anyhow::Context as _;

use super::counters::Recount;
use super::rows::{parsed, parsed_if_any, status};
use super::{Write, claims};
use crate::fault::Result;
use crate::ids::{TaskId, TransferId};
use crate::queue::Claim;
use crate::time::Timestamp;
use crate::transfer::{Event, Status, after_crash, next_status};

/// What [`Due`] is read from, up to the conditions.
macro_rules! due_task {
    () => {
        "SELECT t.seq, t.id, t.fence, t.status, t.transfer_id, t.lease_until, t.crashes FROM task t"
    };
}
pub(super) use due_task;

/// The columns of [`due_task!`].
pub(super) type DueRow = (i64, String, i64, String, Option<String>, Option<i64>, i64);

/// A task that is due.
pub(super) struct Due {
    seq: i64,
    id: TaskId,
    fence: i64,
    status: Status,
    transfer: Option<TransferId>,
    /// Of a worker that vanished.
    lease_until: Option<Timestamp>,
    crashes: u32,
}

impl TryFrom<DueRow> for Due {
    type Error = crate::fault::Error;

    fn try_from((seq, id, fence, name, transfer, lease_until, crashes): DueRow) -> Result<Self> {
        Ok(Self {
            seq,
            id: parsed(&id)?,
            fence,
            status: status(&name)?,
            transfer: parsed_if_any(transfer.as_deref())?,
            lease_until: lease_until.map(Timestamp::from_millis),
            crashes: u32::try_from(crashes).context("a count below zero")?,
        })
    }
}

impl Due {
    /// Lends it. None when somebody else was quicker, or when it was given up instead.
    pub(super) async fn lend(
        mut self,
        write: &mut Write,
        now: Timestamp,
        lease: Duration,
    ) -> Result<Option<Claim>> {
        if let Some(lease_until) = self.lease_until {
            self.crashes += 1;
            if self.gave_up(write, lease_until, now).await? {
                return Ok(None);
            }
        }
        let after = next_status(self.status, &Event::Claimed).context("a task that is due is final")?;
        let claim = Claim { task: self.id, fence: self.fence + 1, lease_until: now.after(lease) };
        let done = sqlx::query(
            "UPDATE task SET status = $1, fence = $2, lease_until = $3, due_at = $3, attempts = attempts + 1, \
             waiting_for = NULL, offered_until = NULL, crashes = $4, updated_at = $5 WHERE seq = $6 AND fence = $7",
        )
        .bind(after.as_str())
        .bind(claim.fence)
        .bind(claim.lease_until.as_millis())
        .bind(i64::from(self.crashes))
        .bind(now.as_millis())
        .bind(self.seq)
        .bind(self.fence)
        .execute(&mut **write)
        .await?;
        if done.rows_affected() == 0 {
            return Ok(None);
        }
        if let Some(transfer) = self.transfer {
            let mut recount = Recount::default();
            recount.moved(self.status, after, 1);
            recount.apply(write, transfer, now).await?;
        }
        Ok(Some(claim))
    }

    async fn gave_up(&self, write: &mut Write, lease_until: Timestamp, now: Timestamp) -> Result<bool> {
        let event = after_crash(self.crashes);
        if !matches!(event, Event::Failed(_)) {
            return Ok(false);
        }
        let lapsed = Claim { task: self.id, fence: self.fence, lease_until };
        if let Ok(held) = claims::held(write, &lapsed).await? {
            held.happens(write, &event, &event.clone().into(), now).await?;
            sqlx::query(
                "UPDATE task SET fence = fence + 1, crashes = $1, offered_until = NULL WHERE seq = $2",
            )
            .bind(i64::from(self.crashes))
            .bind(self.seq)
            .execute(&mut **write)
            .await?;
        }
        Ok(true)
    }
}
