//! Who runs a task next: the `Queue` seam. The task's row is the truth; a claim is a lease on it with a fence, and what
//! is written under a fence that is no longer the row's changes nothing. Knows no SQL.

pub mod jetstream;
mod table;

use std::time::Duration;

use async_trait::async_trait;

pub use jetstream::{JetStreamOptions, JetStreamQueue};
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
    /// `lease`. Workspaces take turns, and within each its transfers do, so that a large one does not hold up a small one.
    async fn claim(&self, now: Timestamp, lease: Duration) -> Result<Option<Claim>>;

    /// Lends it for longer.
    async fn extend(&self, claim: &Claim, until: Timestamp) -> Result<Result<(), Stale>>;

    /// Nothing is to be done under this claim any more: the row says what became of the task, or the claim is stale.
    async fn done(&self, claim: &Claim);

    /// The same for a task that was released: somebody else may have it at once.
    async fn give_back(&self, claim: &Claim);

    /// When the next task is due, if none is now; none when nothing waits.
    async fn next_due(&self) -> Result<Option<Timestamp>>;

    /// Waits until there may be new work: a hint, never a promise.
    async fn wait(&self);

    /// Tells those who wait that there may be new work: called by whoever inserted or retried some. Never waits.
    fn wake(&self);

    /// Sees to it that what was said last is heard, before the process ends.
    async fn close(&self);
}

/// A factor from one half to one, so that those who failed together do not all come back together.
pub(crate) fn spread() -> f64 {
    let mut bytes = [0; 2];
    // Without chance they come together, which is no error.
    let _ = getrandom::fill(&mut bytes);
    0.5 + f64::from(u16::from_le_bytes(bytes)) / f64::from(u16::MAX) / 2.0
}
