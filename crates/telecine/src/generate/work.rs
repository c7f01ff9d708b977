//! The background work on analyses: claims one after the other under a lease, writes it, and notes what came of it. What a
//! crash or a stop leaves is begun again.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::answer::{Answer, answer_at_once};
use super::job::{BATCH_LIFE, Job, JobClaim, JobEnd, JobResult};
use crate::app::App;
use crate::config::WriterKind;
use crate::fault::{Code, Error, Fault, Result};
use crate::integration::keeper::{self, Duty};
use crate::time::Timestamp;

/// How often it is asked whether there is something to do.
const EVERY: Duration = Duration::from_secs(5);
const LEASE: Duration = Duration::from_secs(60);
const EXTEND_EVERY: Duration = Duration::from_secs(5);
/// How often an analysis is begun before it counts as failed.
const MAX_ATTEMPTS: u32 = 4;
/// After the first failure; longer after each.
const RETRY_AFTER: Duration = Duration::from_secs(10);

const WRITE: Duty = Duty { name: "write analyses", limit: Duration::from_secs(24 * 3600), run: work };

/// Works on analyses until the server stops.
pub async fn run(app: Arc<App>) {
    // Where others may be at work, what a crash left waits for its lease to end.
    let broken = if app.config.is_shared() { Ok(0) } else { app.store.break_job_claims().await };
    if let Err(error) = broken {
        tracing::warn!(error = format!("{error:#}"), "analyses that were begun wait for their leases to end");
    }
    keeper::keep(app, vec![WRITE], EVERY).await;
}

fn work(app: &Arc<App>, now: Timestamp) -> BoxFuture<'_, Result<()>> {
    async move {
        app.store.expire_batches(now.before(BATCH_LIFE), now).await?;
        let writer = &app.config.writer;
        let at_once = match writer.kind {
            Some(WriterKind::Openai) => writer.requests,
            _ => writer.processes,
        };
        let all = (0..at_once.max(1)).map(|_| one_after_the_other(app));
        futures::future::try_join_all(all).await.map(drop)
    }
    .boxed()
}

async fn one_after_the_other(app: &App) -> Result<()> {
    loop {
        if app.stopping.is_cancelled() {
            return Ok(());
        }
        let now = app.clock.now();
        let Some((claim, job)) = app.store.claim_job(now, now.after(LEASE)).await? else { return Ok(()) };
        let Some(end) = attempt(app, &claim, &job).await? else { continue };
        // Cancelled or deleted in the meantime: what came of it is not wanted.
        let _ = app.store.end_job(&claim, &end, app.clock.now()).await?;
    }
}

/// How it ended; nothing when the claim is lost.
async fn attempt(app: &App, claim: &JobClaim, job: &Job) -> Result<Option<JobEnd>> {
    let ended = tokio::select! {
        ended = answer_at_once(app, job.workspace, &job.request.answer) => ended,
        lost = hold(app, claim) => return lost.map(|()| None),
        // Another server may go on with it at once.
        () = app.stopping.cancelled() => return Ok(Some(JobEnd::Postponed(app.clock.now()))),
    };
    Ok(Some(match ended {
        Ok(Answer { id, text, finish, usage }) => JobEnd::Ready(JobResult {
            generation_id: id.to_string(),
            data: text,
            finish_reason: finish,
            usage,
        }),
        Err(Error::Fault(fault)) if !is_passing(fault.code) || job.attempts >= MAX_ATTEMPTS => {
            JobEnd::Failed(*fault)
        }
        Err(Error::Internal(error)) if job.attempts >= MAX_ATTEMPTS => {
            tracing::error!(analysis = %job.id, error = format!("{error:#}"), "an analysis failed");
            JobEnd::Failed(Fault::new(Code::InternalServerError))
        }
        Err(_) => JobEnd::Postponed(app.clock.now().after(RETRY_AFTER * job.attempts)),
    }))
}

fn is_passing(code: Code) -> bool {
    matches!(code, Code::ServiceUnavailable | Code::TooManyRequests)
}

/// Extends the lease until it is lost.
async fn hold(app: &App, claim: &JobClaim) -> Result<()> {
    let mut held_until = app.clock.now().after(LEASE);
    loop {
        tokio::time::sleep(EXTEND_EVERY).await;
        let until = app.clock.now().after(LEASE);
        match app.store.extend_job(claim, until).await {
            Ok(Ok(())) => held_until = until,
            Ok(Err(_)) => return Ok(()),
            // The database may be away; it is written on for as long as nobody else can have the analysis.
            Err(error) if app.clock.now() < held_until => tracing::warn!(%error, "a lease waits"),
            Err(error) => return Err(error),
        }
    }
}
