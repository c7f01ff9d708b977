//! The verification: a checklist, run in order to its first hard failure. Every line says what was found in the store's
//! own words, and what to do about it. What the findings mean is the diagnosis's to say.

mod bucket;
mod lines;
mod role;

pub use lines::Progress;
pub(super) use lines::Verdict;

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use self::lines::{Line, List, Stop};
use super::apply::RoleSetup;
use super::diagnosis::{Finding, Scene};
use super::documents::trust_document_for;
use super::service::Integrations;
use super::{Integration, IntegrationStatus, Provider};
use crate::source::{SourceError, SourceErrorKind};
use crate::time::Timestamp;

/// First wait between two tries; doubles up to the longest.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(4);
/// So long after a change here, a change there is likely too.
const RECENT: Duration = Duration::from_secs(600);

/// Whether new roles and policies are waited for: they take seconds until they are known everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    /// Where it was never verified, is not well, or was changed a moment ago: then somebody is at work on it.
    WhereLikely,
    /// Never: nobody waits for the result.
    Never,
}

/// Runs the list.
pub(super) async fn run(
    with: &Integrations<'_>,
    integration: &Integration,
    patience: Patience,
    tell: Option<&mpsc::Sender<Progress>>,
) -> Verdict {
    let wait = match patience == Patience::WhereLikely && is_at_work(integration, with.clock.now()) {
        true => Duration::from_secs(with.config.aws.propagation_wait_s),
        false => Duration::ZERO,
    };
    let mut run = Run {
        with,
        integration: integration.clone(),
        list: List { verdict: Verdict::default(), tell },
        deadline: Instant::now() + wait,
        principal: None,
        store_name: None,
    };
    // Where it stopped is seen from the list.
    let _ = run.all().await;
    run.list.verdict
}

fn is_at_work(integration: &Integration, now: Timestamp) -> bool {
    let is_changed = integration.checked_at.is_none_or(|checked_at| checked_at < integration.updated_at);
    integration.status != IntegrationStatus::Active
        || is_changed
        || now.since(integration.created_at) < RECENT
}

struct Run<'a> {
    with: &'a Integrations<'a>,
    integration: Integration,
    list: List<'a>,
    /// Until then, what is refused is tried again.
    deadline: Instant,
    /// Who this server is.
    principal: Option<String>,
    /// What the store calls itself.
    store_name: Option<String>,
}

impl Run<'_> {
    async fn all(&mut self) -> Result<(), Stop> {
        if self.integration.provider.role().is_some() {
            self.identity().await?;
            self.assume_role().await?;
            self.refusals().await?;
        }
        let is_s3 = matches!(self.integration.provider, Provider::S3(_));
        let clock_ahead_s = if is_s3 { self.region().await? } else { None };
        let source = self.open().await?;
        let page = self.list(&*source).await?;
        if is_s3 {
            self.owner().await;
        }
        self.objects(&*source, &page).await?;
        if is_s3 {
            self.requester_pays().await;
            self.clock(clock_ahead_s).await?;
        }
        Ok(())
    }

    /// What the diagnosis has to know around an answer.
    fn scene(&self) -> Scene<'_> {
        let trust =
            self.principal.as_deref().map(|principal| trust_document_for(&self.integration, principal));
        Scene {
            integration: &self.integration,
            config: self.with.config,
            setup: trust.and_then(|trust| RoleSetup::of(&self.integration, &trust)),
            store_name: self.store_name.clone(),
        }
    }

    async fn fail(&mut self, line: Line, error: &SourceError, finding: Finding) -> Stop {
        self.list.verdict.is_passing = error.kind.is_transient();
        self.list.fail(line, error.to_string(), finding).await
    }

    /// Asks again while it is as it was before a change was known everywhere, until the deadline.
    async fn patiently<T, F: Future<Output = Result<T, SourceError>>>(
        &self,
        may_be_old: impl Fn(&Result<T, SourceError>) -> bool,
        ask: impl Fn() -> F,
    ) -> Result<T, SourceError> {
        let mut wait = FIRST_WAIT;
        loop {
            let outcome = ask().await;
            if !may_be_old(&outcome) || Instant::now() + wait > self.deadline {
                return outcome;
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }
}

fn is_denied<T>(outcome: &Result<T, SourceError>) -> bool {
    outcome.as_ref().is_err_and(|error| error.kind == SourceErrorKind::Denied)
}
