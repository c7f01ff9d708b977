//! Who runs a task next: the `Queue` seam. The task's row is the truth; a claim is a lease on it with a fence, and what
//! is written under a fence that is no longer the row's changes nothing. Knows no SQL.

mod table;

use std::time::Duration;

use async_trait::async_trait;

pub use table::TableQueue;

use crate::fault::Result;
use crate::ids::TaskId;
use crate::time::Timestamp;

/// A task lent to a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// The task.
    pub task: TaskId,
    /// Grows with every claim of the task; writes carry it.
    pub fence: i64,
    /// When others may take it, unless it is extended.
    pub lease_until: Timestamp,
}

/// The claim is no longer the row's: somebody else took the task, or it was cancelled. Drop the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the claim on the task is stale")]
pub struct Stale;

/// Lends tasks to workers.
#[async_trait]
pub trait Queue: Send + Sync {
    /// The next task that is due: not final, its time come, and no lease on it that still holds. It is lent for
    /// `lease`. Tasks of transfers take turns, so that a large one does not hold up a small one.
    async fn claim(&self, now: Timestamp, lease: Duration) -> Result<Option<Claim>>;

    /// Lends it for longer.
    async fn extend(&self, claim: &Claim, until: Timestamp) -> Result<Result<(), Stale>>;

    /// When the next task is due, if none is now; none when nothing waits.
    async fn next_due(&self) -> Result<Option<Timestamp>>;

    /// Waits until there may be new work: a hint, never a promise.
    async fn wait(&self);

    /// Tells those who wait that there may be new work: called by whoever inserted or retried some.
    fn wake(&self);
}
