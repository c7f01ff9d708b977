//! The background work on videos that are to be embedded, one after the other, under a lease with a fence; and removing what
//! was kept long enough. Killed anywhere, it goes on from the task's row: an attempt begins anew, and what an attempt wrote
//! without its claim does not count.

use std::sync::Arc;
use std::time::Duration;

use super::fetch::{Trouble, fetch};
use super::look::look;
use super::{EmbedClaim, EmbedEnd, EmbedTask};
use crate::app::App;
use crate::fault::{Code, Fault, Result};
use crate::integration::keeper::{self, Duty};
use crate::media_store::MediaFolder;
use crate::queue::Stale;
use crate::time::Timestamp;

/// How long a claim holds without being extended.
const LEASE: Duration = Duration::from_secs(60);
/// Attempts at a task, whatever ended them.
const MAX_ATTEMPTS: u32 = 4;
/// Before the second attempt; doubles.
const PAUSE: Duration = Duration::from_secs(5);
/// How often the server looks whether there is something to do.
const EVERY: Duration = Duration::from_secs(10);
/// No task takes so long, and what takes longer is begun anew.
const LIMIT: Duration = Duration::from_secs(12 * 3_600);

const WORK: Duty = Duty {
    name: "embed videos",
    limit: LIMIT,
    run: |app, _| Box::pin(async move { work(app).await.map(drop) }),
};

const FORGET: Duty = Duty {
    name: "forget embeddings",
    limit: Duration::from_secs(600),
    run: |app, now| Box::pin(forget(app, now)),
};

/// What a server does in the background.
pub fn duties() -> Vec<Duty> {
    vec![WORK, FORGET]
}

/// Does the duties until the server stops.
pub async fn run(app: Arc<App>) {
    keeper::keep(app, duties(), EVERY).await;
}

/// Works on all tasks that are due, one after the other. How many attempts that were.
///
/// # Errors
/// When the store fails.
pub async fn work(app: &Arc<App>) -> Result<u64> {
    let mut attempts = 0;
    loop {
        if app.stopping.is_cancelled() {
            return Ok(attempts);
        }
        let now = app.clock.now();
        let Some((claim, task)) = app.store.claim_embed_task(now, now.after(LEASE)).await? else {
            return Ok(attempts);
        };
        attempts += 1;
        attempt(app, &claim, &task).await?;
    }
}

async fn attempt(app: &Arc<App>, claim: &EmbedClaim, task: &EmbedTask) -> Result<()> {
    let ended = tokio::select! {
        biased;
        Stale = hold(app, claim) => return Ok(()),
        // Another server may go on with it at once.
        () = app.stopping.cancelled() => Ok(EmbedEnd::Again(app.clock.now())),
        ended = embed(app, task) => ended,
    };
    let end = match ended {
        Ok(end) => end,
        Err(trouble) => follow_up(app, task, trouble),
    };
    let is_over = !matches!(end, EmbedEnd::Again(_));
    let is_ours = app.store.end_embed_task(claim, &end, app.clock.now()).await?.is_ok();
    if is_over && is_ours {
        remove_folder(app, task).await;
    }
    Ok(())
}

async fn embed(app: &App, task: &EmbedTask) -> Result<EmbedEnd, Trouble> {
    let own = app.engines.see.model_id();
    if task.served_by != own {
        let value = format!("task: {}, server: {own}", task.served_by);
        return Err(Fault::new(Code::IndexModelMismatch).value(value).remedy("Make a new task.").into());
    }
    let file = fetch(app, task).await?;
    let (duration, embedded) = look(app, &file, &task.plan).await?;
    Ok(EmbedEnd::Ready(duration, embedded))
}

fn follow_up(app: &App, task: &EmbedTask, trouble: Trouble) -> EmbedEnd {
    let fault = match trouble {
        Trouble::Fault(fault) => return EmbedEnd::Failed(Box::new(fault)),
        Trouble::Passing(fault) => fault,
        Trouble::Internal(error) => {
            tracing::error!(task = %task.id, error = format!("{error:#}"), "embedding a video failed");
            Fault::new(Code::EngineFailed)
        }
    };
    // What is ours and away is waited for.
    if task.attempts >= MAX_ATTEMPTS && fault.code != Code::ServiceUnavailable {
        return EmbedEnd::Failed(Box::new(fault));
    }
    let pause = PAUSE * 2u32.saturating_pow(task.attempts.saturating_sub(1).min(MAX_ATTEMPTS));
    EmbedEnd::Again(app.clock.now().after(pause))
}

/// Extends the claim for as long as it is ours.
async fn hold(app: &App, claim: &EmbedClaim) -> Stale {
    let mut held_until = app.clock.now().after(LEASE);
    loop {
        tokio::time::sleep(LEASE / 4).await;
        let until = app.clock.now().after(LEASE);
        match app.store.extend_embed_claim(claim, until).await {
            Ok(Ok(())) => held_until = until,
            Ok(Err(Stale)) => return Stale,
            // The database may be busy; the work goes on for as long as nobody else can have the task.
            Err(error) if app.clock.now() < held_until => {
                tracing::warn!(task = %claim.task, %error, "a claim could not be looked after; trying again");
            }
            Err(_) => return Stale,
        }
    }
}

async fn forget(app: &Arc<App>, now: Timestamp) -> Result<()> {
    for task in app.store.forget_embed_tasks(now).await? {
        remove_folder_of(app, task).await;
    }
    Ok(())
}

async fn remove_folder(app: &App, task: &EmbedTask) {
    remove_folder_of(app, task.id).await;
}

async fn remove_folder_of(app: &App, task: crate::ids::EmbedTaskId) {
    match tokio::fs::remove_dir_all(app.files.embed_task(task)).await {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            tracing::warn!(%task, %error, "a task's folder could not be removed");
        }
        _ => {}
    }
    // In the data folder, this is the same folder.
    if let Err(error) = app.media_store.remove(MediaFolder::EmbedTask(task)).await {
        tracing::warn!(%task, %error, "an upload could not be removed; it will be later");
    }
}
