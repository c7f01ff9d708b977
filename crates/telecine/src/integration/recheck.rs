//! What a verification changes of an integration, and the re-checks that nobody asks for: what was well is looked at
//! again from time to time, and what became worse is told with when it was well.

use std::time::Duration;

use super::service::Integrations;
use super::verify::{Patience, Verdict, run};
use super::{Check, CheckOutcome, Integration, IntegrationStatus};
use crate::config::Config;
use crate::fault::Result;
use crate::time::Timestamp;

/// Integrations of one round; the others have their turn in the next.
const AT_ONCE: u32 = 8;
/// So many re-checks in a row may meet a store that cannot be reached before the integration counts as failed.
const PASSING: u32 = 3;
/// What is not well is looked at again sooner: somebody may have mended it.
const SOONER: u64 = 4;

/// Enters what was found.
pub(super) fn conclude(integration: &mut Integration, verdict: Verdict, now: Timestamp, config: &Config) {
    let is_passing = verdict.is_passing;
    let status = match verdict.status() {
        IntegrationStatus::Failed if is_passing && may_pass(integration, now, config) => {
            IntegrationStatus::Degraded
        }
        status => status,
    };
    integration.drift = match (status, integration.well_at) {
        (IntegrationStatus::Active, _) | (_, None) => None,
        (_, Some(well_at)) => {
            drift(&integration.checks, &verdict.checks, well_at).or_else(|| integration.drift.take())
        }
    };
    if status == IntegrationStatus::Active {
        integration.well_at = Some(now);
    }
    if let Some(region) = verdict.region {
        integration.region = Some(region);
    }
    integration.status = status;
    integration.checks = verdict.checks;
    integration.checked_at = Some(now);
    integration.updated_at = now;
}

/// A store that cannot be reached for a while is no reason to end what it was connected for.
fn may_pass(integration: &Integration, now: Timestamp, config: &Config) -> bool {
    let every = Duration::from_secs(config.integrations.recheck_every_s.max(60));
    integration.well_at.is_some_and(|well_at| now.since(well_at) < every * PASSING)
}

/// The first line that is worse than it was, in a sentence.
fn drift(before: &[Check], now: &[Check], well_at: Timestamp) -> Option<String> {
    let is_bad = |check: &&Check| matches!(check.outcome, CheckOutcome::Failed | CheckOutcome::Warning);
    let bad = now.iter().find(is_bad)?;
    let was_bad =
        before.iter().any(|check| check.name == bad.name && is_bad(&check) && code(check) == code(bad));
    if was_bad {
        // Told already; the moment at which it was last well stays.
        return None;
    }
    let why = bad.fault.as_ref().map_or_else(|| bad.detail.clone(), |fault| fault.message.clone());
    Some(format!(
        "{}: well until {well_at}, not since ({}). {why}",
        bad.title,
        code(bad).unwrap_or("unknown")
    ))
}

fn code(check: &Check) -> Option<&'static str> {
    check.fault.as_ref().map(|fault| fault.code.as_str())
}

/// Looks again at integrations whose turn it is; how many they were. Waits for nothing that may come by itself.
pub(super) async fn due(with: &Integrations<'_>, now: Timestamp) -> Result<usize> {
    let every_s = with.config.integrations.recheck_every_s;
    if every_s == 0 {
        return Ok(0);
    }
    let before = |seconds| now.before(Duration::from_secs(seconds));
    let due = with.store.integrations_to_check(before(every_s), before(every_s / SOONER), AT_ONCE).await?;
    for integration in &due {
        let verdict = run(with, integration, Patience::Never, None).await;
        let Some(after) = with.conclude(integration, verdict).await? else { continue };
        if after.status != integration.status {
            tracing::info!(
                integration = %after.id,
                bucket = after.bucket,
                before = integration.status.as_str(),
                after = after.status.as_str(),
                drift = after.drift.as_deref().unwrap_or_default(),
                "an integration changed"
            );
        }
    }
    Ok(due.len())
}
