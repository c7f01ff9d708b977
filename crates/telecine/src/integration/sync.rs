//! Synchronizes: lists a bucket into its inventory, in constant memory. A synchronization is a row, worked on under a
//! lease by one at a time; whoever asked for it may go away, and a server that is killed goes on with it later.

use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::filters::Rules;
use super::service::Integrations;
use super::{
    Integration, InventoryItem, KeyRange, SyncClaim, SyncEnd, SyncFound, SyncRun, SyncState, SyncTrigger,
};
use crate::fault::{Code, Error, Fault, Result};
use crate::ids::{IntegrationId, SyncId};
use crate::queue::Stale;
use crate::source::listing::{self, Batch, ListOptions};
use crate::source::{SourceError, SourceErrorKind};
use crate::store::Merge;

/// How long a synchronization belongs to who works on it, unless it is extended.
const LEASE: Duration = Duration::from_secs(60);
/// How often it is, and how soon it is known that it was cancelled.
const EXTEND_EVERY: Duration = Duration::from_secs(2);
/// Batches of a listing that wait to be written, and that are written at once.
const BATCHES: usize = 16;
/// First and longest wait of who waits for a synchronization of others.
const FIRST_WAIT: Duration = Duration::from_millis(5);
const LONGEST_WAIT: Duration = Duration::from_millis(500);

/// Begins a synchronization and works on it, or waits for the one that goes on.
pub(super) async fn synchronize(
    with: &Integrations<'_>,
    integration: &Integration,
    trigger: SyncTrigger,
) -> Result<SyncRun> {
    let (run, _) = with.store.begin_sync(integration.id, trigger, with.clock.now()).await?;
    work(with, run.id).await?;
    ended(with, integration.id, run.id).await
}

/// The synchronization when it has ended.
///
/// # Errors
/// When it did not come to its end, why.
pub(super) async fn ended(
    with: &Integrations<'_>,
    integration: IntegrationId,
    run: SyncId,
) -> Result<SyncRun> {
    let mut wait = FIRST_WAIT;
    loop {
        let now = with.store.sync_run(integration, run).await?;
        let now = now.ok_or_else(|| Fault::because(Code::SyncCancelled, "The integration was deleted."))?;
        match now.state {
            SyncState::Running => {}
            SyncState::Done => return Ok(now),
            SyncState::Cancelled => {
                return Err(Fault::new(Code::SyncCancelled).value(run.to_string()).into());
            }
            SyncState::Failed => {
                return Err(now.fault.unwrap_or_else(|| Fault::new(Code::SourceUnavailable)).into());
            }
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

/// Works on a synchronization, if nobody does, until it ends or is taken away.
pub(super) async fn work(with: &Integrations<'_>, run: SyncId) -> Result<()> {
    let now = with.clock.now();
    let Some((claim, run)) = with.store.claim_sync(run, now, now.after(LEASE)).await? else { return Ok(()) };
    let Some(integration) = with.store.integration_by_id(run.integration).await? else {
        with.store.cancel_sync(run.integration, run.id, now).await?;
        return Ok(());
    };
    let end = match list(with, &integration, &claim, run).await {
        Ok(()) => SyncEnd::Done,
        Err(Stop::Failed(fault)) => SyncEnd::Failed(*fault),
        Err(Stop::Stale) => return Ok(()),
        Err(Stop::Broken(error)) => return Err(error),
    };
    if let Ok(ended) = with.store.end_sync(&claim, &end, with.clock.now()).await? {
        tell(&integration, &ended);
    }
    Ok(())
}

fn tell(integration: &Integration, ended: &SyncRun) {
    let SyncRun { listed, added, changed, removed, requests, .. } = *ended;
    let (bucket, state) = (integration.bucket.as_str(), ended.state.as_str());
    let code = ended.fault.as_ref().map(|fault| fault.code.as_str());
    tracing::info!(bucket, state, listed, added, changed, removed, requests, code, "a synchronization ended");
}

/// Why a listing does not go on.
enum Stop {
    /// The synchronization was cancelled, or another works on it.
    Stale,
    /// It cannot, and that is told.
    Failed(Box<Fault>),
    /// We cannot; it stays as it is, for a later try.
    Broken(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Broken(error)
    }
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Failed(Box::new(fault))
    }
}

impl From<SourceError> for Stop {
    fn from(error: SourceError) -> Self {
        listing_fault(&error).into()
    }
}

async fn list(
    with: &Integrations<'_>,
    integration: &Integration,
    claim: &SyncClaim,
    run: SyncRun,
) -> Result<(), Stop> {
    let rules = integration.filters.rules()?;
    let source = with.sources.open(integration).await?;
    let range = |range: KeyRange| listing::KeyRange { after: range.after, until: range.until };
    let options = ListOptions {
        parallel: with.config.integrations.parallel_lists,
        resume: run.left.map(|left| left.into_iter().map(range).collect()),
        tries_order: run.is_ordered,
        ..ListOptions::below(integration.prefix.as_str())
    };
    let (to, batches) = mpsc::channel(BATCHES);
    let (listed, merged) =
        tokio::join!(listing::list_all(source, options, to), merge_all(with, claim, &rules, batches));
    // A claim that is lost ends the listing too: what that says then is of no interest.
    let told = merged?;
    let summary = listed?;
    let requests = (summary.pages + summary.probes).saturating_sub(told);
    let rest = Merge { left: Some(Vec::new()), requests, ..Merge::default() };
    merge(with, claim, &rest).await
}

/// Writes what is listed as it comes; how many requests that were.
async fn merge_all(
    with: &Integrations<'_>,
    claim: &SyncClaim,
    rules: &Rules,
    mut batches: mpsc::Receiver<Batch>,
) -> Result<u64, Stop> {
    let (mut some, mut requests) = (Vec::with_capacity(BATCHES), 0);
    let mut extended = Instant::now();
    loop {
        let came = tokio::time::timeout(EXTEND_EVERY, batches.recv_many(&mut some, BATCHES)).await;
        if extended.elapsed() >= EXTEND_EVERY {
            extended = Instant::now();
            let until = with.clock.now().after(LEASE);
            with.store.extend_sync(claim, until).await?.map_err(|Stale| Stop::Stale)?;
        }
        match came {
            Err(_) => continue,
            Ok(0) => return Ok(requests),
            Ok(_) => {}
        }
        let mut part = Merge { requests: some.len() as u64, ..Merge::default() };
        requests += part.requests;
        for batch in some.drain(..) {
            take(&mut part, batch, rules);
        }
        merge(with, claim, &part).await?;
    }
}

async fn merge(with: &Integrations<'_>, claim: &SyncClaim, part: &Merge) -> Result<(), Stop> {
    with.store.merge(claim, part, with.clock.now()).await?.map_err(|Stale| Stop::Stale)
}

fn take(part: &mut Merge, batch: Batch, rules: &Rules) {
    let range = |range: listing::KeyRange| KeyRange { after: range.after, until: range.until };
    if batch.starts_over {
        part.found.push(SyncFound::StartsOver);
    }
    let items = batch.objects.into_iter().map(|object| InventoryItem::of(object, rules)).collect();
    part.found.push(match batch.covers {
        Some(covers) => SyncFound::Range { range: range(covers), items },
        None => SyncFound::Some(items),
    });
    part.left = batch.left.map(|left| left.into_iter().map(range).collect());
}

fn listing_fault(error: &SourceError) -> Fault {
    let code = match error.kind {
        SourceErrorKind::Denied => Code::ListDenied,
        SourceErrorKind::NotFound => Code::BucketNotExists,
        SourceErrorKind::Credentials => Code::RoleNotAssumable,
        SourceErrorKind::Archived
        | SourceErrorKind::Changed
        | SourceErrorKind::Throttled
        | SourceErrorKind::Unavailable
        | SourceErrorKind::Unsupported => Code::SourceUnavailable,
    };
    Fault::new(code).value(error.to_string())
}
