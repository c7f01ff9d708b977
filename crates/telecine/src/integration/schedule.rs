//! Synchronizations that nobody waits for: those that a server left when it ended, and those that are due.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::keeper::Duty;
use super::service::go_on_with;
use super::{Integration, Schedule, SyncRun, SyncState, SyncTrigger};
use crate::app::App;
use crate::config::IntegrationsConfig;
use crate::fault::{Fault, Result};
use crate::source::policy::queue_arn;
use crate::store::{Paging, SortBy};
use crate::time::Timestamp;

/// The least time between two listings by schedule.
const LEAST_S: u64 = 60;
/// First and longest pause after a listing that failed.
const FIRST_PAUSE: Duration = Duration::from_secs(60);
const LONGEST_PAUSE: Duration = Duration::from_secs(6 * 3600);
/// Synchronizations that are begun at once; the others have their turn the next time.
const AT_ONCE: usize = 8;

/// Goes on with synchronizations on which nobody works.
pub(super) const GO_ON: Duty =
    Duty { name: "go on with synchronizations", limit: Duration::from_secs(60), run: go_on };
/// Begins those that are due.
pub(super) const SYNCHRONIZE_DUE: Duty =
    Duty { name: "synchronize what is due", limit: Duration::from_secs(60), run: synchronize_due };

impl Schedule {
    /// Whether it can be kept.
    ///
    /// # Errors
    /// `parameter_invalid`, naming the part.
    pub fn check(&self) -> Result<(), Fault> {
        if let Some(every_s) = self.every_s.filter(|every_s| *every_s < LEAST_S) {
            return Err(Fault::parameter("The schedule's `every_s` is too short.")
                .value(every_s.to_string())
                .rule(format!("at least {LEAST_S} seconds")));
        }
        match self.queue_url.as_deref().filter(|url| queue_arn("aws", url).is_none()) {
            None => Ok(()),
            Some(url) => {
                Err(Fault::parameter("The schedule's `queue_url` is not the URL of a queue of SQS.")
                    .value(url)
                    .rule("such as https://sqs.us-west-2.amazonaws.com/123456789012/films"))
            }
        }
    }
}

fn go_on(app: &Arc<App>, now: Timestamp) -> BoxFuture<'_, Result<()>> {
    async move {
        for run in app.store.idle_syncs(now).await? {
            go_on_with(app, run.id);
        }
        Ok(())
    }
    .boxed()
}

fn synchronize_due(app: &Arc<App>, now: Timestamp) -> BoxFuture<'_, Result<()>> {
    async move {
        let mut begun = 0;
        for integration in app.store.scheduled_integrations().await? {
            let Some(trigger) = due(&integration, &app.config.integrations, now) else { continue };
            let last = Paging { page: 1, limit: 10, sort_by: SortBy::CreatedAt, descending: true };
            let runs = app.store.sync_runs(integration.id, last).await?.rows;
            if begun == AT_ONCE || rests(&runs, now) {
                continue;
            }
            let (run, is_new) = app.store.begin_sync(integration.id, trigger, now).await?;
            if is_new {
                begun += 1;
                go_on_with(app, run.id);
            }
        }
        Ok(())
    }
    .boxed()
}

/// Whether a listing is due, and why.
fn due(integration: &Integration, config: &IntegrationsConfig, now: Timestamp) -> Option<SyncTrigger> {
    if !integration.status.is_usable() {
        return None;
    }
    let Schedule { every_s, queue_url } = &integration.schedule;
    let reconcile_s = Some(config.reconcile_every_s).filter(|every_s| queue_url.is_some() && *every_s > 0);
    let (every_s, trigger) = match (*every_s, reconcile_s) {
        (Some(every_s), reconcile_s) if reconcile_s.is_none_or(|other| every_s <= other) => {
            (every_s, SyncTrigger::Schedule)
        }
        (_, Some(reconcile_s)) => (reconcile_s, SyncTrigger::Events),
        (Some(every_s), None) => (every_s, SyncTrigger::Schedule),
        (None, None) => return None,
    };
    let Some(last) = integration.synchronized_at else { return Some(trigger) };
    let every = Duration::from_secs(every_s.max(LEAST_S));
    (now >= last.after(every + jitter(integration, every))).then_some(trigger)
}

/// Up to a tenth of the time, the same each time: integrations that were made together are not listed together.
fn jitter(integration: &Integration, every: Duration) -> Duration {
    let hash = blake3::hash(integration.id.to_string().as_bytes());
    every.mul_f64(f64::from(hash.as_bytes()[0]) / 2560.0)
}

/// Whether the last listings failed so lately that it is too early for another; newest first.
fn rests(runs: &[SyncRun], now: Timestamp) -> bool {
    let failures = runs.iter().take_while(|run| run.state == SyncState::Failed).count();
    let Some(ended_at) = runs.first().filter(|_| failures > 0).and_then(|run| run.ended_at) else {
        return false;
    };
    let doubled = 1_u32 << (failures - 1).min(9);
    now < ended_at.after((FIRST_PAUSE * doubled).min(LONGEST_PAUSE))
}

#[cfg(test)]
mod tests {
    use super::super::{IntegrationStatus, Provider};
    use super::*;
    use crate::ids::{SyncId, WorkspaceId};

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(0).after(Duration::from_secs(seconds))
    }

    fn integration(every_s: Option<u64>, queue: bool, listed_s: Option<u64>) -> Integration {
        let queue_url = queue.then(|| "https://sqs.us-west-2.amazonaws.com/1/q".to_owned());
        Integration {
            schedule: Schedule { every_s, queue_url },
            status: IntegrationStatus::Active,
            synchronized_at: listed_s.map(at),
            ..Integration::new(
                WorkspaceId::generate(at(0)),
                Provider::Folder { path: "f".into() },
                "f",
                at(0),
            )
        }
    }

    #[test]
    fn what_is_due_is_due_after_its_time_and_a_little() {
        let config = IntegrationsConfig::default();
        let due = |integration: &Integration, seconds| due(integration, &config, at(seconds));
        let hourly = integration(Some(3600), false, Some(0));
        assert_eq!(due(&hourly, 3599), None);
        assert_eq!(due(&hourly, 3600 + 361), Some(SyncTrigger::Schedule));
        assert_eq!(
            due(&integration(Some(3600), false, None), 0),
            Some(SyncTrigger::Schedule),
            "never listed"
        );
        assert_eq!(due(&integration(Some(1), false, Some(0)), 59), None, "not more often than each minute");
        assert_eq!(due(&integration(None, false, None), 1_000_000), None);
        let told = integration(None, true, Some(0));
        assert_eq!((due(&told, 86_399), due(&told, 95_100)), (None, Some(SyncTrigger::Events)));
        assert_eq!(due(&integration(Some(3600), true, Some(0)), 4000), Some(SyncTrigger::Schedule));
        let failed = Integration { status: IntegrationStatus::Failed, ..hourly };
        assert_eq!(due(&failed, 1_000_000), None, "what cannot be read is not listed");
    }

    #[test]
    fn after_failures_it_is_tried_less_and_less() {
        let run = |state| SyncRun {
            id: SyncId::generate(at(0)),
            integration: integration(None, false, None).id,
            trigger: SyncTrigger::Schedule,
            state,
            is_ordered: true,
            listed: 0,
            videos: 0,
            requests: 0,
            added: 0,
            changed: 0,
            removed: 0,
            left: None,
            fault: None,
            created_at: at(0),
            updated_at: at(0),
            ended_at: Some(at(1000)),
        };
        let (failed, done) = (run(SyncState::Failed), run(SyncState::Done));
        assert!(!rests(&[], at(1000)) && !rests(&[done.clone(), failed.clone()], at(1000)));
        assert!(rests(&[failed.clone(), done], at(1059)) && !rests(std::slice::from_ref(&failed), at(1060)));
        let many = vec![failed; 10];
        assert!(rests(&many, at(1000 + 21_599)) && !rests(&many, at(1000 + 21_600)));
    }

    #[test]
    fn a_schedule_is_checked() {
        let schedule =
            |every_s, queue_url: Option<&str>| Schedule { every_s, queue_url: queue_url.map(str::to_owned) };
        assert!(
            schedule(Some(60), Some("https://sqs.us-west-2.amazonaws.com/123456789012/films"))
                .check()
                .is_ok()
        );
        assert!(schedule(Some(59), None).check().unwrap_err().message.contains("every_s"));
        assert!(schedule(None, Some("films")).check().unwrap_err().message.contains("queue_url"));
    }
}
