//! The queue of many machines: ids of tasks that are due come through a work-queue stream of NATS JetStream. The row is the
//! truth: a message only says where to look, and whoever pulls it takes the row before the work. The backlog stays in the
//! database; the relay (`relay.rs`) keeps a few tasks in the stream. Where NATS is away, tasks are claimed from the table.

mod check;
mod connection;
mod health;
mod link;
mod message;
mod relay;

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_nats::jetstream::{AckKind, Message};
use async_trait::async_trait;
use futures::StreamExt as _;
use tokio::sync::Notify;
use tokio_util::task::AbortOnDropHandle;

pub use self::check::{Finding, Level, check};
use self::link::{Link, answer};
use self::message::{Lane, Note};
use self::relay::Ahead;
use super::{Claim, Queue, Stale};
use crate::fault::Result;
use crate::ids::TaskId;
use crate::store::{OfferClass, Store};
use crate::time::{Clock, Timestamp};

/// Messages without work that one claim passes over; the next goes on.
const PASSED_OVER: usize = 200;

/// How the stream is reached and what it is like.
#[derive(Clone)]
pub struct JetStreamOptions {
    /// Servers of one cluster, such as `nats://nats.example.com:4222`; the first that has a name and a password, or a token
    /// before its `@`, has them for all.
    pub servers: Vec<String>,
    /// A `.creds` file.
    pub credentials_file: Option<PathBuf>,
    /// Certificates of the authority that signed the servers' (PEM), if the machine does not know it. Asks for TLS.
    pub ca_file: Option<PathBuf>,
    /// Our own certificate and its key (PEM).
    pub client_certificate: Option<(PathBuf, PathBuf)>,
    /// Its name.
    pub stream: String,
    /// Lanes of each class; a workspace is in one of them.
    pub lanes: u16,
    /// Servers that hold it.
    pub replicas: usize,
    /// After how long a message comes again whose worker does not say that it is at work.
    pub ack_wait: Duration,
    /// Tasks of a class that wait in it at most.
    pub ahead: u32,
    /// After how long a task is offered anew, whatever the stream says.
    pub lapse: Duration,
    /// For how long NATS may be away before tasks are claimed from the table.
    pub patience: Duration,
}

impl JetStreamOptions {
    /// For these servers, with what fits most clusters.
    pub fn new(servers: Vec<String>) -> Self {
        Self {
            servers,
            credentials_file: None,
            ca_file: None,
            client_certificate: None,
            stream: "TELECINE_TASKS".to_owned(),
            lanes: 4,
            replicas: 1,
            ack_wait: Duration::from_secs(75),
            ahead: 256,
            lapse: Duration::from_secs(300),
            patience: Duration::from_secs(5),
        }
    }
}

/// Without addresses, which may hold passwords.
impl fmt::Debug for JetStreamOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stream, lanes, replicas, ahead, .. } = self;
        write!(f, "JetStreamOptions({stream}, {lanes} lanes, {replicas} replicas, {ahead} ahead)")
    }
}

/// What claimers and the relay share.
struct Shared {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    link: Link,
    ahead: [Ahead; 2],
    /// There may be work.
    news: Notify,
    /// The relay is wanted.
    poke: Notify,
    /// Whether somebody looked for messages and found none, since the relay looked last.
    found_none: AtomicBool,
    /// Messages of tasks in hand, by task and fence.
    in_hand: Mutex<HashMap<(TaskId, i64), Message>>,
}

/// Lends the tasks of a store through a stream.
pub struct JetStreamQueue {
    shared: Arc<Shared>,
    _background: [AbortOnDropHandle<()>; 2],
}

impl JetStreamQueue {
    /// A queue over this store. Begins to connect; that nobody answers is no error: it will be tried again for ever, and
    /// tasks are claimed from the table meanwhile.
    ///
    /// # Errors
    /// Addresses or files that cannot be read.
    pub async fn open(
        options: JetStreamOptions,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
    ) -> anyhow::Result<Self> {
        let shared = Arc::new(Shared {
            store,
            clock,
            link: Link::open(options).await?,
            ahead: OfferClass::ALL.map(Ahead::new),
            news: Notify::new(),
            poke: Notify::new(),
            found_none: AtomicBool::new(false),
            in_hand: Mutex::default(),
        });
        // So that all is there when the first asks, if it can be.
        let _ = relay::lay(&shared).await;
        let background =
            [tokio::spawn(relay::run(Arc::clone(&shared))), tokio::spawn(listen(Arc::clone(&shared)))];
        Ok(Self { shared, _background: background.map(AbortOnDropHandle::new) })
    }

    /// The task that a message names, if it is to be had.
    async fn take(&self, message: Message, now: Timestamp, lease: Duration) -> Result<Option<Claim>> {
        let Some(note) = Note::parse(&message.payload) else {
            tracing::warn!(subject = %message.subject, "a message in the stream is not ours");
            answer(&message, AckKind::Term).await;
            return Ok(None);
        };
        match self.shared.store.claim_offered(note.task, note.offer, now, lease).await {
            Ok(Some(claim)) => {
                let mut in_hand = self.shared.in_hand.lock().unwrap_or_else(PoisonError::into_inner);
                in_hand.insert((claim.task, claim.fence), message);
                Ok(Some(claim))
            }
            // Taken, over, paused or not due: its row has it offered when it is time.
            Ok(None) => {
                metrics::counter!("telecine_queue_stale_messages_total").increment(1);
                answer(&message, AckKind::Ack).await;
                Ok(None)
            }
            Err(error) => {
                answer(&message, AckKind::Nak(None)).await;
                Err(error)
            }
        }
    }

    /// From the table, for NATS is away.
    async fn straight(&self, now: Timestamp, lease: Duration) -> Result<Option<Claim>> {
        let claim = self.shared.store.claim_next(now, lease).await?;
        if claim.is_some() {
            metrics::counter!("telecine_queue_straight_claims_total").increment(1);
        }
        Ok(claim)
    }

    fn let_go(&self, claim: &Claim) -> Option<Message> {
        let mut in_hand = self.shared.in_hand.lock().unwrap_or_else(PoisonError::into_inner);
        in_hand.remove(&(claim.task, claim.fence))
    }
}

impl fmt::Debug for JetStreamQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("JetStreamQueue").field(&self.shared.link.options).finish()
    }
}

#[async_trait]
impl Queue for JetStreamQueue {
    async fn claim(&self, now: Timestamp, lease: Duration) -> Result<Option<Claim>> {
        let link = &self.shared.link;
        let mut has_topped_up = false;
        for _ in 0..PASSED_OVER {
            if link.pulls.is_given_up() {
                return self.straight(now, lease).await;
            }
            if link.pulls.is_failing() {
                return Ok(None);
            }
            let seen = relay::rounds(&self.shared);
            match link.pull().await {
                Ok(Some(message)) => {
                    if let Some(claim) = self.take(message, now, lease).await? {
                        return Ok(Some(claim));
                    }
                }
                Ok(None) if link.sends.is_given_up() => return self.straight(now, lease).await,
                Ok(None) => {
                    self.shared.found_none.store(true, Ordering::Relaxed);
                    if has_topped_up || !relay::top_up(&self.shared, now, seen, false).await? {
                        return Ok(None);
                    }
                    has_topped_up = true;
                }
                Err(_) => self.shared.poke.notify_one(),
            }
        }
        Ok(None)
    }

    async fn extend(&self, claim: &Claim, until: Timestamp) -> Result<Result<(), Stale>> {
        let extended = self.shared.store.extend_claim(claim, until).await?;
        let message = {
            let in_hand = self.shared.in_hand.lock().unwrap_or_else(PoisonError::into_inner);
            in_hand.get(&(claim.task, claim.fence)).cloned()
        };
        if let (Ok(()), Some(message)) = (extended, message) {
            answer(&message, AckKind::Progress).await;
        }
        Ok(extended)
    }

    async fn done(&self, claim: &Claim) {
        // Not waited for: were it lost, the message would come again, and its row would say that there is nothing to do.
        if let Some(message) = self.let_go(claim) {
            answer(&message, AckKind::Ack).await;
        }
    }

    async fn give_back(&self, claim: &Claim) {
        match self.let_go(claim) {
            Some(message) => {
                answer(&message, AckKind::Nak(None)).await;
                let lane = Lane::of_subject(&message.subject, self.shared.link.options.lanes);
                self.shared.link.tell(lane).await;
                self.shared.news.notify_one();
            }
            // Claimed from the table.
            None => self.wake(),
        }
    }

    async fn next_due(&self) -> Result<Option<Timestamp>> {
        self.shared.store.next_due().await
    }

    async fn wait(&self) {
        self.shared.news.notified().await;
    }

    fn wake(&self) {
        self.shared.poke.notify_one();
        self.shared.news.notify_waiters();
        // For one who is about to wait.
        self.shared.news.notify_one();
    }

    async fn close(&self) {
        self.shared.link.flush().await;
    }
}

/// Passes on what other processes tell.
async fn listen(shared: Arc<Shared>) {
    loop {
        match shared.link.listen().await {
            Ok(mut told) => {
                while let Some(message) = told.next().await {
                    if let Some(lane) = Lane::of_subject(&message.subject, shared.link.options.lanes) {
                        shared.link.has_news(lane);
                    }
                    shared.news.notify_waiters();
                    shared.news.notify_one();
                }
            }
            Err(error) => {
                tracing::debug!(error = format!("{error:#}"), "news of other processes is not heard")
            }
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
