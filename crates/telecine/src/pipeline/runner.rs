//! The runner: claims tasks, works on several at once, and decides what follows from how each attempt ended. One task's
//! failure, or panic, never touches another's.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tracing::{Instrument as _, Span};

use super::job::Job;
use super::stop::Stop;
use super::workshop::Workshop;
use super::{lease, measures, stream, tidy};
use crate::app::App;
use crate::fault::{Code, Error, Fault};
use crate::queue::{Claim, spread};
use crate::store::TaskChange;
use crate::telemetry::traces;
use crate::transfer::Event;

/// How long the runner rests when the database cannot be asked for work.
const REST: Duration = Duration::from_secs(1);
/// How long it sleeps at most, whatever the queue says.
const LONGEST_SLEEP: Duration = Duration::from_secs(10);
/// The same where other processes make tasks, who cannot wake it.
const BESIDE_OTHERS: Duration = Duration::from_secs(1);
/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// Works on tasks until the server stops; then gives those in hand back and returns.
pub async fn run(app: Arc<App>) {
    let workshop = Arc::new(Workshop::new(app));
    let stopping = &workshop.app.stopping;
    let places = Arc::new(Semaphore::new(workshop.app.config.pipeline.tasks.max(1)));
    workshop.tell_bounds();
    let mut hands = JoinSet::new();
    hands.spawn(stream::go_on(Arc::clone(&workshop)));
    while !stopping.is_cancelled() {
        let place = tokio::select! {
            () = stopping.cancelled() => break,
            place = Arc::clone(&places).acquire_owned() => place,
        };
        while hands.try_join_next().is_some() {}
        let lease = Duration::from_secs(workshop.app.config.pipeline.lease_s.max(1));
        let asked_at = Instant::now();
        let claimed = workshop.app.queue.claim(workshop.app.clock.now(), lease).await;
        measures::claimed(asked_at.elapsed(), &claimed);
        match claimed {
            Ok(Some(claim)) => {
                let workshop = Arc::clone(&workshop);
                let span = tracing::info_span!(
                    "task",
                    task = %claim.task,
                    fence = claim.fence,
                    transfer = tracing::field::Empty
                );
                let work = async move {
                    attempt(&workshop, claim, lease).await;
                    drop(place);
                };
                hands.spawn(work.instrument(span));
            }
            Ok(None) => sleep(&workshop).await,
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "no task could be claimed");
                tokio::select! { () = stopping.cancelled() => {}, () = tokio::time::sleep(REST) => {} }
            }
        }
    }
    while hands.join_next().await.is_some() {}
    workshop.app.queue.close().await;
}

/// Until there may be new work, or a task that waits is due.
async fn sleep(workshop: &Workshop) {
    let app = &workshop.app;
    let due = app.queue.next_due().await.ok().flatten();
    let longest = if app.config.is_shared() { BESIDE_OTHERS } else { LONGEST_SLEEP };
    let nap = due.map_or(longest, |due| due.since(app.clock.now()).min(longest));
    tokio::select! {
        () = app.stopping.cancelled() => {}
        () = app.queue.wait() => {}
        // Not less than a moment, should clock and queue disagree.
        () = tokio::time::sleep(nap.max(Duration::from_millis(20))) => {}
    }
}

/// One attempt at one task, to its end.
async fn attempt(workshop: &Arc<Workshop>, claim: Claim, lease: Duration) {
    let cancel = workshop.app.stopping.child_token();
    let keeper = lease::keep(Arc::clone(workshop), claim, lease, cancel.clone());
    let mut keeper = AbortOnDropHandle::new(tokio::spawn(keeper));
    let _hand = workshop.in_hand.take(claim.task, &cancel).await;
    let work = work(Arc::clone(workshop), claim, cancel.clone()).instrument(Span::current());
    let work = AbortOnDropHandle::new(tokio::spawn(work));
    let ended = match work.await {
        Ok(ended) => ended,
        Err(panic) => Err(Stop::Internal(anyhow!("the work on a task panicked: {panic}"))),
    };
    let is_stale = cancel.is_cancelled() && !workshop.app.stopping.is_cancelled();
    let ended = match ended {
        // Whatever the work stumbled over: without the claim it is not ours to tell.
        Err(_) if is_stale => Err(Stop::Stale),
        ended => ended,
    };
    conclude(workshop, claim, ended, &cancel).await;
    keeper.abort();
    let _ = (&mut keeper).await;
}

async fn work(workshop: Arc<Workshop>, claim: Claim, cancel: CancellationToken) -> Result<(), Stop> {
    Job::begin(workshop, claim, cancel).await?.run().await
}

/// Writes down what follows from how the attempt ended.
async fn conclude(workshop: &Workshop, claim: Claim, ended: Result<(), Stop>, cancel: &CancellationToken) {
    let outcome = outcome_of(&ended);
    let is_released = matches!(ended, Err(Stop::Cancelled));
    metrics::counter!("telecine_tasks_total", "outcome" => outcome).increment(1);
    if ended.is_err() {
        traces::failed(&Span::current(), outcome);
    }
    let change = match ended {
        Ok(()) => None,
        Err(stop) => follow_up(workshop, claim, stop),
    };
    if let Some(change) = change {
        measures::follows(&change.event);
        match change_if_possible(&workshop.app, &claim, &change, cancel).await {
            // It may be due before the runner would look again.
            Ok(()) => workshop.app.queue.wake(),
            // The lease runs out, and the task is claimed anew.
            Err(error) => {
                let error = format!("{error:#}");
                tracing::error!(task = %claim.task, error, "how an attempt ended could not be written down");
            }
        }
    }
    if is_released {
        workshop.app.queue.give_back(&claim).await;
    } else {
        workshop.app.queue.done(&claim).await;
    }
    // It may have been cancelled or deleted meanwhile: what it has become decides.
    let app = &workshop.app;
    match tidy::clear(&app.files, &*app.store, &*app.media_store, claim.task, app.clock.now()).await {
        Ok(true) => workshop.forget_failures(claim.task),
        Ok(false) => {}
        Err(error) => {
            tracing::warn!(task = %claim.task, error = format!("{error:#}"), "a task's folder could not be cleared");
        }
    }
    workshop.app.progress.clear(claim.task);
}

/// Writes a change down; a database that is away is waited for as long as the claim is ours.
async fn change_if_possible(
    app: &App,
    claim: &Claim,
    change: &TaskChange,
    cancel: &CancellationToken,
) -> crate::fault::Result<()> {
    loop {
        match app.store.change_task(claim, change, app.clock.now()).await {
            Ok(_) => return Ok(()),
            Err(error) if is_away(&error) && !cancel.is_cancelled() => {
                tokio::select! { () = cancel.cancelled() => {}, () = tokio::time::sleep(REST) => {} }
            }
            Err(error) => return Err(error),
        }
    }
}

fn is_away(error: &Error) -> bool {
    error.as_fault().is_some_and(|fault| fault.code == Code::ServiceUnavailable)
}

fn outcome_of(ended: &Result<(), Stop>) -> &'static str {
    match ended {
        Ok(()) => "ready",
        Err(Stop::Stale) => "stale",
        Err(Stop::Cancelled) => "released",
        Err(Stop::Fault(_)) => "refused",
        Err(Stop::Duplicate(..)) => "skipped",
        Err(Stop::Wait { .. }) => "waiting",
        Err(Stop::Unavailable(_) | Stop::Engine(_) | Stop::Internal(_)) => "failed",
    }
}

/// What becomes of the task; none when it is not ours any more.
fn follow_up(workshop: &Workshop, claim: Claim, stop: Stop) -> Option<TaskChange> {
    let now = workshop.app.clock.now();
    let event = match stop {
        Stop::Stale => return None,
        Stop::Duplicate(duplicate, stamp) => {
            return Some(TaskChange { stamp, ..Event::Duplicate(duplicate).into() });
        }
        Stop::Cancelled => Event::Released,
        Stop::Fault(fault) => Event::Failed(fault),
        Stop::Wait { delay, reason } => Event::Postponed { until: now.after(delay), reason },
        Stop::Unavailable(error) => {
            let fault = Fault::new(Code::SourceUnavailable).value(error.to_string());
            try_again(workshop, claim, "store", fault, format!("the store did not answer: {error}"))
        }
        Stop::Engine(error) => {
            tracing::error!(task = %claim.task, error = format!("{error:#}"), "an engine failed");
            try_again(workshop, claim, "engine", Fault::new(Code::EngineFailed), "an engine failed".into())
        }
        Stop::Internal(error) => {
            tracing::error!(task = %claim.task, error = format!("{error:#}"), "the work on a task failed");
            let fault = Fault::new(Code::InternalServerError)
                .remedy("Retry it; if it stays, look for the task id in the server's log.");
            try_again(workshop, claim, "server", fault, "something went wrong in the server".into())
        }
    };
    Some(event.into())
}

/// Another try after a pause that doubles (of which a part is left to chance, so that what failed together is not tried
/// together), or the fault when there were enough.
fn try_again(workshop: &Workshop, claim: Claim, cause: &'static str, fault: Fault, reason: String) -> Event {
    let config = &workshop.app.config.pipeline;
    let failures = workshop.count_failure(claim.task);
    let is_last = failures >= config.max_attempts;
    measures::failed(cause, is_last);
    if is_last {
        return Event::Failed(Box::new(fault));
    }
    let pause = pause(Duration::from_secs(config.retry_base_s), failures).mul_f64(spread());
    let until = workshop.app.clock.now().after(pause);
    Event::Postponed { until, reason: format!("{reason} (try {failures} of {})", config.max_attempts) }
}

fn pause(base: Duration, failures: u32) -> Duration {
    let doubled = 2u32.checked_pow(failures.saturating_sub(1)).and_then(|times| base.checked_mul(times));
    doubled.unwrap_or(LONGEST_PAUSE).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_and_have_an_end() {
        let base = Duration::from_secs(2);
        let pauses: Vec<u64> = [1, 2, 3, 8, 9, 40].map(|failures| pause(base, failures).as_secs()).to_vec();
        assert_eq!(pauses, [2, 4, 8, 256, 300, 300]);
    }
}
