//! Parting from an integration: what stays and what goes, told before and after; and the way back, for a while. Videos
//! stay, and so does everything that happened.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::keeper::Duty;
use super::service::not_there;
use super::{Check, CheckOutcome, Fix, FixBy, Integration, IntegrationStatus, verify};
use crate::app::App;
use crate::fault::{Code, Error, Fault, Result};
use crate::ids::{IndexId, IntegrationId, WorkspaceId};
use crate::time::Timestamp;
use crate::transfer::Stage;

/// Rows that are forgotten at once.
const ROWS: u32 = 5_000;

/// Forgets what can no longer be undone.
pub(super) const FORGET: Duty =
    Duty { name: "forget deleted integrations", limit: Duration::from_secs(600), run: forget };

/// What stays and goes when an integration is deleted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeletionPlan {
    /// Videos that stay, by index.
    pub indexes: Vec<IndexedVideos>,
    /// Imports that stay in the log.
    pub imports: u64,
    /// Of them those that are not over.
    pub imports_running: u64,
    /// Tasks that are over; they stay.
    pub tasks_final: u64,
    /// Tasks whose videos are here already; they go on.
    pub tasks_fetched: u64,
    /// Tasks whose videos are not here yet; they end.
    pub tasks_unfetched: u64,
    /// Files of the inventory.
    pub files: u64,
    /// Whether a synchronization goes on.
    pub is_synchronizing: bool,
    /// Whether there is a secret to erase.
    pub has_secret: bool,
}

/// Videos of an integration in an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexedVideos {
    /// The index.
    pub index: IndexId,
    /// Its name.
    pub name: String,
    /// How many.
    pub videos: u64,
}

/// What deleting an integration would do or has done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deletion {
    /// The integration.
    pub integration: Integration,
    /// What stays and goes.
    pub plan: DeletionPlan,
    /// Until when it can be restored.
    pub restorable_until: Timestamp,
}

/// What deleting these integrations would do.
///
/// # Errors
/// `resource_not_exists`, which names those that are not there.
pub async fn plan_deletion(
    app: &App,
    workspace: WorkspaceId,
    ids: &[IntegrationId],
) -> Result<Vec<Deletion>> {
    let restorable_until = app.clock.now().after(undo(app));
    let (mut plans, mut absent) = (Vec::new(), Vec::new());
    for id in ids {
        match app.store.integration(workspace, *id).await? {
            Some(integration) => {
                let plan = app.store.deletion_plan(*id).await?;
                plans.push(Deletion { integration, plan, restorable_until });
            }
            None => absent.push(id.to_string()),
        }
    }
    if absent.is_empty() { Ok(plans) } else { Err(not_there("integration", &absent.join(", "))) }
}

/// Deletes these integrations, or none of them if one is not there. Videos stay; tasks whose videos are not here yet end,
/// those whose are go on; secrets are erased. For a while, [`restore`] brings the rest back.
///
/// # Errors
/// `resource_not_exists`, which names those that are not there.
pub async fn delete(app: &App, workspace: WorkspaceId, ids: &[IntegrationId]) -> Result<Vec<Deletion>> {
    let mut deletions = plan_deletion(app, workspace, ids).await?;
    for deletion in &mut deletions {
        let id = deletion.integration.id;
        let now = app.clock.now();
        app.store.delete_integration(workspace, id, now).await?;
        app.sources.forget(id);
        let fetched = app.progress.beyond(Stage::Fetch);
        deletion.plan.tasks_unfetched = app.store.fail_unfetched(id, &fetched, now).await?;
        deletion.integration.deleted_at = Some(now);
        tracing::info!(
            integration = %id, bucket = deletion.integration.bucket,
            tasks = deletion.plan.tasks_unfetched, "an integration was deleted"
        );
    }
    Ok(deletions)
}

/// Those that were deleted and can be restored, oldest first, and until when.
pub async fn restorable(app: &App, workspace: WorkspaceId) -> Result<Vec<(Integration, Timestamp)>> {
    let since = long_before(app.clock.now(), undo(app));
    let deleted = app.store.deleted_integrations(workspace, since).await?;
    let until = |integration: Integration| {
        let until = integration.deleted_at.unwrap_or_default().after(undo(app));
        (integration, until)
    };
    Ok(deleted.into_iter().map(until).collect())
}

/// Brings a deleted integration back and verifies it, unless its secret was erased and has to be given again first. None
/// when there never was one; one that was not deleted stays as it is.
///
/// # Errors
/// `resource_not_exists` when it is too late, `integration_already_exists` when another one has the bucket by now.
pub async fn restore(
    app: &Arc<App>,
    workspace: WorkspaceId,
    id: IntegrationId,
) -> Result<Option<Integration>> {
    let Some(mut integration) = app.store.known_integration(workspace, id).await? else { return Ok(None) };
    let Some(deleted_at) = integration.deleted_at else { return Ok(Some(integration)) };
    let now = app.clock.now();
    if deleted_at < long_before(now, undo(app)) {
        return Err(too_late(&integration, deleted_at, app.config.integrations.undo_s));
    }
    let lacks_secret = integration.provider.needs_secret();
    integration.status = IntegrationStatus::Pending;
    integration.drift = None;
    integration.checks = if lacks_secret { vec![erased_secret(id)] } else { Vec::new() };
    integration.deleted_at = None;
    integration.updated_at = now;
    app.store.restore_integration(&integration).await.map_err(taken_meanwhile)?;
    tracing::info!(integration = %id, bucket = integration.bucket, "a deleted integration was restored");
    if lacks_secret {
        return app.store.integration(workspace, id).await;
    }
    verify(app, workspace, id).await
}

fn too_late(integration: &Integration, deleted_at: Timestamp, undo_s: u64) -> Error {
    Fault::because(Code::ResourceNotExists, "The integration can no longer be restored.")
        .value(format!("{}, deleted at {deleted_at}", integration.bucket))
        .rule(format!("a deleted integration can be restored for {undo_s} seconds (integrations.undo_s)"))
        .remedy("Connect the bucket anew; videos and history are still there.")
        .into()
}

fn taken_meanwhile(error: Error) -> Error {
    match error {
        Error::Fault(fault) if fault.code == Code::IntegrationAlreadyExists => {
            let bucket = fault.value.unwrap_or_default();
            let message = "The bucket was connected anew while this integration was deleted.";
            let remedy = "Use the integration that is there, or delete it first.";
            Fault::because(Code::IntegrationAlreadyExists, message).value(bucket).remedy(remedy).into()
        }
        other => other,
    }
}

/// The line that says why it is not verified.
fn erased_secret(id: IntegrationId) -> Check {
    let again = format!("telecine integration verify {id}");
    let fault =
        Fault::because(Code::SecretUnreadable, "The secret was erased when the integration was deleted.")
            .rule("secrets of deleted integrations are not kept")
            .remedy("Give the secret again (PATCH /integrations/{integration_id}), then verify.");
    let cause = "The integration was deleted, and its secret was erased then.";
    let fix = Fix::new(FixBy::You, cause, "the secret is not there", &again);
    Check {
        name: "secret".to_owned(),
        title: "Read the secret".to_owned(),
        outcome: CheckOutcome::Failed,
        detail: "erased when the integration was deleted; give it again".to_owned(),
        fault: Some(fault),
        fix: Some(fix),
    }
}

fn undo(app: &App) -> Duration {
    Duration::from_secs(app.config.integrations.undo_s)
}

fn long_before(now: Timestamp, time: Duration) -> Timestamp {
    let millis = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_millis(now.as_millis().saturating_sub(millis))
}

fn forget(app: &Arc<App>, now: Timestamp) -> BoxFuture<'_, Result<()>> {
    async move {
        let before = long_before(now, undo(app));
        while app.store.forget_deleted(before, ROWS).await? > 0 {
            tokio::task::yield_now().await;
        }
        Ok(())
    }
    .boxed()
}
