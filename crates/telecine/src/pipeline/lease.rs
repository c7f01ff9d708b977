//! Keeps the claim on a task while it is worked on, and cancels the work when the claim is lost.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::stop::Stop;
use super::workshop::Workshop;
use crate::fault::Result;
use crate::queue::{Claim, Stale};
use crate::time::Timestamp;

/// How soon work on a task that was cancelled ends.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Extends the claim every third of the lease and looks in between whether it still holds. Ends, having cancelled the
/// work, when it does not. Runs as a task of its own, so that slow work never costs the lease.
pub(super) async fn keep(
    workshop: Arc<Workshop>,
    mut claim: Claim,
    lease: Duration,
    cancel: CancellationToken,
) -> Stop {
    let clock = &workshop.app.clock;
    let mut extended_at = clock.now();
    loop {
        tokio::time::sleep(LOOK_EVERY.min(lease / 3)).await;
        let now = clock.now();
        let holds = if now.since(extended_at) >= lease / 3 {
            extend(&workshop, &mut claim, now.after(lease)).await
        } else {
            workshop.app.store.claimed_task(&claim).await.map(|task| task.map(|_| ()))
        };
        match holds {
            Ok(Ok(())) if now.since(extended_at) >= lease / 3 => extended_at = now,
            Ok(Ok(())) => {}
            Ok(Err(Stale)) => break,
            // The database may be busy; the work goes on for as long as nobody else can have the task.
            Err(error) if now < claim.lease_until => {
                tracing::warn!(task = %claim.task, %error, "the claim could not be looked after; trying again");
            }
            Err(_) => break,
        }
    }
    metrics::counter!("telecine_lease_losses_total").increment(1);
    cancel.cancel();
    Stop::Stale
}

async fn extend(workshop: &Workshop, claim: &mut Claim, until: Timestamp) -> Result<Result<(), Stale>> {
    let extended = workshop.app.queue.extend(claim, until).await?;
    if extended.is_ok() {
        claim.lease_until = until;
    }
    Ok(extended)
}
