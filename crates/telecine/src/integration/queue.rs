//! Reads the queues to which buckets tell their changes, and takes those over into the inventory. A message is deleted
//! when what it tells is on disk; what cannot be understood is left to the queue's own rule for dead letters.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use futures::future::{BoxFuture, join_all};

use super::events::{self, ObjectChange, ObjectEvent};
use super::filters::Rules;
use super::keeper::Duty;
use super::service::Integrations;
use super::{Integration, InventoryItem, QueueLog};
use crate::app::App;
use crate::fault::{Code, Fault, Result};
use crate::source::{ChangeQueue, ObjectInfo, SourceError, SourceErrorKind};
use crate::time::Timestamp;

/// How long a queue is waited for: a change is known so soon, whoever else is waited for meanwhile.
const WAIT: Duration = Duration::from_secs(5);
/// How long the duty goes round before it gives the word back.
const ROUND: Duration = Duration::from_secs(50);
/// Queues that are read at once, and batches of one before the others have their turn.
const AT_ONCE: usize = 16;
const BATCHES: usize = 50;
/// First and longest pause after a failure.
const FIRST_PAUSE: Duration = Duration::from_secs(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(900);

/// Reads all queues for a while.
pub(super) const READ_QUEUES: Duty =
    Duty { name: "read queues", limit: Duration::from_secs(180), run: read_queues };

/// A change of a key, ready to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyTold {
    /// The key.
    pub key: String,
    /// The object as it is now; none when it is gone.
    pub item: Option<InventoryItem>,
    /// Orders the changes of a key.
    pub sequencer: Option<String>,
    /// When it happened.
    pub at: Option<Timestamp>,
}

/// What else was in the messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct QueueNote {
    /// Changes of other buckets and keys, or of no concern.
    pub ignored: u64,
    /// Messages that could not be understood.
    pub malformed: u64,
}

fn read_queues(app: &Arc<App>, _: Timestamp) -> BoxFuture<'_, Result<()>> {
    async move {
        let until = Instant::now() + ROUND;
        let integrations = Integrations::of(app);
        loop {
            let mut due = Vec::new();
            for integration in app.store.scheduled_integrations().await? {
                let has_queue = integration.status.is_usable() && integration.schedule.queue_url.is_some();
                if has_queue && is_due(app.store.queue_log(integration.id).await?, app.clock.now()) {
                    due.push(integration);
                }
            }
            if due.is_empty() {
                return Ok(());
            }
            for some in due.chunks(AT_ONCE) {
                let reads = some.iter().map(|integration| read_queue(&integrations, integration, WAIT));
                for read in join_all(reads).await {
                    read?;
                }
            }
            if Instant::now() >= until {
                // So that nobody waits for the next time of all duties.
                app.keeper.wake();
                return Ok(());
            }
        }
    }
    .boxed()
}

/// After failures, whether it is time for another try.
fn is_due(log: Option<QueueLog>, now: Timestamp) -> bool {
    let Some((log, failed_at)) = log.and_then(|log| log.failed_at.map(|at| (log, at))) else { return true };
    let doubled = 1_u32 << log.failures.saturating_sub(1).min(10);
    now >= failed_at.after((FIRST_PAUSE * doubled).min(LONGEST_PAUSE))
}

/// Reads what a queue has, waiting this long for the first message; how many changes were taken over. A queue that
/// cannot be read is told in its log.
pub(super) async fn read_queue(
    with: &Integrations<'_>,
    integration: &Integration,
    wait: Duration,
) -> Result<u64> {
    let read = Reader { with, integration, rules: integration.filters.rules()?, applied: 0 };
    let queue = match with.sources.queue(integration).await {
        Ok(queue) => queue,
        Err(error) => {
            read.failed(&error).await?;
            return Ok(0);
        }
    };
    read.all(&*queue, wait).await
}

struct Reader<'a> {
    with: &'a Integrations<'a>,
    integration: &'a Integration,
    rules: Rules,
    applied: u64,
}

impl Reader<'_> {
    async fn all(mut self, queue: &dyn ChangeQueue, wait: Duration) -> Result<u64> {
        for number in 0..BATCHES {
            let wait = if number == 0 { wait } else { Duration::ZERO };
            let messages = match queue.receive(wait).await {
                Ok(messages) => messages,
                Err(error) => {
                    self.failed(&error).await?;
                    break;
                }
            };
            let (mut note, mut told, mut read) = (QueueNote::default(), Vec::new(), Vec::new());
            let is_empty = messages.is_empty();
            for message in messages {
                match events::parse(&message.body) {
                    Ok(events) => {
                        self.take(events, &mut told, &mut note).await?;
                        read.push(message);
                    }
                    Err(wrong) => {
                        note.malformed += 1;
                        let (bucket, id) = (self.integration.bucket.as_str(), message.id.as_str());
                        tracing::warn!(
                            bucket,
                            id,
                            wrong,
                            "a message of a bucket's queue cannot be understood"
                        );
                    }
                }
            }
            let (id, now) = (self.integration.id, self.with.clock.now());
            self.applied += self.with.store.tell(id, &told, &note, now).await?;
            if is_empty {
                break;
            }
            // From here on it is on disk; if they come again, they are known.
            if let Err(error) = queue.delete(&read).await {
                self.failed(&error).await?;
                break;
            }
        }
        Ok(self.applied)
    }

    async fn take(
        &self,
        events: Vec<ObjectEvent>,
        told: &mut Vec<KeyTold>,
        note: &mut QueueNote,
    ) -> Result<()> {
        for event in events {
            let is_ours = event.bucket == self.integration.bucket && self.integration.has(&event.key);
            match self.told(&event).await? {
                Some(item) if is_ours => {
                    let ObjectEvent { key, sequencer, at, .. } = event;
                    told.push(KeyTold { key, item, sequencer, at });
                }
                _ => note.ignored += 1,
            }
        }
        Ok(())
    }

    /// What the object is after the change; none when the change says nothing about that.
    async fn told(&self, event: &ObjectEvent) -> Result<Option<Option<InventoryItem>>> {
        let (size_bytes, etag) = match &event.what {
            ObjectChange::Created { size_bytes, etag } => (*size_bytes, etag.clone()),
            ObjectChange::Removed => return Ok(Some(None)),
            ObjectChange::Restored => return self.archived(event, false).await,
            ObjectChange::Archived => return self.archived(event, true).await,
            ObjectChange::Other => return Ok(None),
        };
        let known = self.with.store.inventory_item(self.integration.id, &event.key).await?;
        if let Some(known) = known.filter(|known| known.etag == etag && known.size_bytes == size_bytes) {
            return Ok(Some(Some(known)));
        }
        let object = ObjectInfo {
            key: event.key.clone(),
            size_bytes,
            etag,
            modified_at: event.at,
            // It is not told; the next listing knows.
            storage_class: String::new(),
            is_archived: false,
        };
        Ok(Some(Some(InventoryItem::of(object, &self.rules))))
    }

    async fn archived(
        &self,
        event: &ObjectEvent,
        is_archived: bool,
    ) -> Result<Option<Option<InventoryItem>>> {
        let known = self.with.store.inventory_item(self.integration.id, &event.key).await?;
        let Some(known) = known else { return Ok(None) };
        let InventoryItem { key, size_bytes, etag, modified_at, storage_class, .. } = known;
        let object = ObjectInfo { key, size_bytes, etag, modified_at, storage_class, is_archived };
        Ok(Some(Some(InventoryItem::of(object, &self.rules))))
    }

    async fn failed(&self, error: &SourceError) -> Result<()> {
        let fault = queue_fault(error);
        tracing::warn!(
            bucket = self.integration.bucket,
            error = %error,
            "a bucket's queue cannot be read and will be tried again"
        );
        self.with.store.note_queue_failure(self.integration.id, &fault, self.with.clock.now()).await
    }
}

fn queue_fault(error: &SourceError) -> Fault {
    let code = match error.kind {
        SourceErrorKind::Credentials => Code::RoleNotAssumable,
        SourceErrorKind::Throttled | SourceErrorKind::Unavailable => Code::SourceUnavailable,
        _ => Code::QueueUnreadable,
    };
    Fault::new(code).value(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_that_fails_is_left_alone_for_longer_and_longer() {
        let failed_at = Timestamp::from_millis(1_000_000);
        let log = |failures| Some(QueueLog { failures, failed_at: Some(failed_at), ..QueueLog::default() });
        let after = |seconds| failed_at.after(Duration::from_secs(seconds));
        assert!(is_due(None, failed_at) && is_due(Some(QueueLog::default()), failed_at));
        assert!(!is_due(log(1), after(9)) && is_due(log(1), after(10)));
        assert!(!is_due(log(3), after(39)) && is_due(log(3), after(40)));
        assert!(!is_due(log(500), after(899)) && is_due(log(500), after(900)));
    }
}
