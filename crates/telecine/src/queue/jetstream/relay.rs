//! The relay: keeps a few of the tasks that are due in the stream, and makes up for what the stream loses. It runs in every
//! process; that others do the same at the same time is harmless.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use super::Shared;
use super::message::{Lane, Note};
use crate::fault::Result;
use crate::store::OfferClass;
use crate::time::Timestamp;

/// How often it looks although nobody asked it to.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Offers that stand although the stream is empty are taken back when they are this old.
const DOUBTFUL_AFTER: Duration = Duration::from_secs(2);
/// So many tasks of a class wait in the stream at least, if they are due: enough for one process to begin with. The fewer,
/// the sooner it is the turn of who comes later.
const FEWEST: u32 = 8;

/// What is offered of one class.
#[derive(Debug)]
pub(super) struct Ahead {
    class: OfferClass,
    /// How many are kept in the stream: grows while all are used up between two rounds, shrinks while they are not.
    wanted: AtomicU32,
    /// Rounds that offered something.
    pub(super) rounds: AtomicU64,
    /// Whether one did since it was looked last.
    has_offered: AtomicBool,
    /// One round at a time in each process.
    round: tokio::sync::Mutex<()>,
}

impl Ahead {
    pub(super) fn new(class: OfferClass) -> Self {
        Self {
            class,
            wanted: AtomicU32::new(FEWEST),
            rounds: AtomicU64::new(0),
            has_offered: AtomicBool::new(false),
            round: tokio::sync::Mutex::new(()),
        }
    }

    fn grow(&self, most: u32) {
        let wanted = self.wanted.load(Ordering::Relaxed);
        self.wanted.store(wanted.saturating_mul(2).min(most.max(FEWEST)), Ordering::Relaxed);
    }

    fn shrink(&self) {
        let wanted = self.wanted.load(Ordering::Relaxed);
        self.wanted.store((wanted / 2).max(FEWEST), Ordering::Relaxed);
    }
}

/// Runs until it is aborted.
pub(super) async fn run(shared: Arc<Shared>) {
    loop {
        let pause = LOOK_EVERY.mul_f64(crate::queue::spread());
        let is_look = tokio::select! {
            () = shared.poke.notified() => false,
            () = tokio::time::sleep(pause) => true,
        };
        if is_look && let Err(error) = look(&shared).await {
            tracing::debug!(error = format!("{error:#}"), "the stream cannot be looked after");
        }
        let seen = rounds(&shared);
        if let Err(error) = top_up(&shared, shared.clock.now(), seen, is_look).await {
            tracing::warn!(error = format!("{error:#}"), "no tasks could be offered; trying again");
        }
    }
}

/// Lays what is missing, notices what was lost, and adapts to how fast tasks are taken.
async fn look(shared: &Shared) -> anyhow::Result<()> {
    let link = &shared.link;
    if !link.is_laid().await || link.pulls.is_failing() {
        // Requests without a connection would be sent when there is one again, long after anybody waits for them.
        link.check_connected().inspect_err(|_| link.tell_why())?;
        lay(shared).await?;
    }
    let now = shared.clock.now();
    let mut standing = 0;
    for ahead in &shared.ahead {
        let stand = shared.store.standing_offers(ahead.class, now).await?;
        standing += stand;
        let is_much = stand.saturating_mul(2) > ahead.wanted.load(Ordering::Relaxed);
        if !ahead.has_offered.swap(false, Ordering::Relaxed) || is_much {
            ahead.shrink();
        }
    }
    // Somebody looked for messages and found none, though there should be some: not once, but for a while.
    let is_doubtful = standing > 0 && shared.found_none.swap(false, Ordering::Relaxed);
    if is_doubtful && link.waiting().await? == 0 {
        let made_before = now.as_millis() - i64::try_from(DOUBTFUL_AFTER.as_millis()).unwrap_or(0);
        let lapse_before = Timestamp::from_millis(made_before).after(link.options.lapse);
        let cleared = shared.store.clear_offers(lapse_before).await?;
        if cleared > 0 {
            metrics::counter!("telecine_queue_offers_lost_total").increment(cleared);
            tracing::warn!(tasks = cleared, "the stream lost tasks; they are offered anew");
        }
    }
    Ok(())
}

/// Makes stream and consumers, if they are not there. A stream that is another one has nothing of what was offered.
pub(super) async fn lay(shared: &Shared) -> anyhow::Result<()> {
    let laid = shared.link.lay().await;
    match laid {
        Ok(is_another) => {
            shared.link.pulls.works();
            if is_another {
                shared.store.clear_offers(Timestamp::from_millis(i64::MAX)).await?;
            }
            Ok(())
        }
        Err(error) => {
            shared.link.pulls.fails(&format!("{error:#}"));
            Err(error)
        }
    }
}

/// How many rounds of each class offered something.
pub(super) fn rounds(shared: &Shared) -> [u64; 2] {
    [0, 1].map(|class: usize| shared.ahead[class].rounds.load(Ordering::Acquire))
}

/// Offers what is due until enough waits in the stream. Whether something was put there since those rounds were `seen`. What
/// cannot be sent is only tried again at a regular look.
pub(super) async fn top_up(shared: &Shared, now: Timestamp, seen: [u64; 2], is_look: bool) -> Result<bool> {
    let mut is_any = false;
    for (ahead, seen) in shared.ahead.iter().zip(seen) {
        if !shared.link.is_laid().await || (shared.link.sends.is_failing() && !is_look) {
            return Ok(is_any);
        }
        let _one = ahead.round.lock().await;
        let is_new = ahead.rounds.load(Ordering::Acquire) != seen;
        is_any |= is_new || round(shared, ahead, now).await?;
    }
    Ok(is_any)
}

async fn round(shared: &Shared, ahead: &Ahead, now: Timestamp) -> Result<bool> {
    let options = &shared.link.options;
    let wanted = ahead.wanted.load(Ordering::Relaxed);
    let until = now.after(options.lapse);
    let offers = shared.store.offer_tasks(ahead.class, wanted, now, until).await?;
    if offers.is_empty() {
        return Ok(false);
    }
    let notes: Vec<(Lane, Note)> = offers
        .iter()
        .map(|offer| (Lane::of(offer.class, offer.workspace, options.lanes), Note::from(offer)))
        .collect();
    let failed = shared.link.send(&notes).await.err().unwrap_or_default();
    let sent = notes.len() - failed.len();
    metrics::counter!("telecine_queue_offers_total", "class" => ahead.class.as_str()).increment(sent as u64);
    if !failed.is_empty() {
        let lost: Vec<_> = failed.iter().map(|note| (note.task, note.offer)).collect();
        shared.store.withdraw_offers(&lost).await?;
    }
    if sent == 0 {
        return Ok(false);
    }
    ahead.has_offered.store(true, Ordering::Relaxed);
    ahead.rounds.fetch_add(1, Ordering::Release);
    if offers.len() >= wanted as usize {
        ahead.grow(options.ahead);
    }
    let lanes: HashSet<Lane> = notes.iter().map(|(lane, _)| *lane).collect();
    shared.link.tell(lanes).await;
    shared.news.notify_waiters();
    shared.news.notify_one();
    Ok(true)
}
