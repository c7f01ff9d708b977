//! The way to NATS: the connection, the stream with its consumers, sending and pulling. Everything here may fail for a while,
//! and nothing waits for long.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use async_nats::Client;
use async_nats::connection::State;
use async_nats::jetstream::consumer::{AckPolicy, PullConsumer, pull};
use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, StorageType};
use async_nats::jetstream::{AckKind, Context, ContextBuilder, Message};
use futures::StreamExt as _;
use futures::future::try_join_all;

use super::JetStreamOptions;
use super::connection::{self, connect};
use super::health::Health;
use super::message::{Lane, Note, TASKS};

/// How long a request may take.
pub(super) const REQUEST_LIMIT: Duration = Duration::from_secs(3);
/// How long a message may take to leave, where nobody waits for an answer.
const SEND_LIMIT: Duration = Duration::from_millis(200);
/// How long a lane in which nothing was found is left alone, unless there is news of it.
const LEFT_ALONE: Duration = Duration::from_secs(1);
/// Messages that the stream holds at most, those in hand among them.
const MAX_MESSAGES: i64 = 100_000;
/// For how long the server looks for repeated messages, at least.
const SHORTEST_WINDOW: Duration = Duration::from_millis(100);

/// The stream as it was found or made.
#[derive(Debug)]
struct Laid {
    created: i128,
    /// Whether nothing was ever put into it.
    is_unused: bool,
    /// By [`Lane::place`].
    consumers: Vec<PullConsumer>,
}

/// The way to NATS.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) options: JetStreamOptions,
    client: Client,
    context: Context,
    laid: tokio::sync::RwLock<Option<Arc<Laid>>>,
    /// When the stream was made that was seen last: another one has lost what was offered.
    known: Mutex<Option<i128>>,
    /// By [`Lane::place`]: how often there was news of it, and what that was when nothing was found there.
    news: Vec<AtomicU64>,
    empty_since: Vec<AtomicU64>,
    looked_at: Mutex<Instant>,
    turn: AtomicUsize,
    /// The lane of each class at which the next begins to look.
    next_lane: [AtomicUsize; 2],
    pub(super) pulls: Health,
    pub(super) sends: Health,
    /// Whether it was told why there is no connection, since there was one.
    has_told_why: AtomicBool,
}

impl Link {
    /// Begins to connect; that nobody answers is no error.
    pub(super) async fn open(options: JetStreamOptions) -> anyhow::Result<Self> {
        let client = connect(&options).await?;
        let context = ContextBuilder::new().timeout(REQUEST_LIMIT).build(client.clone());
        let places = usize::from(options.lanes) * 2;
        Ok(Self {
            client,
            context,
            laid: tokio::sync::RwLock::new(None),
            known: Mutex::new(None),
            news: (0..places).map(|_| AtomicU64::new(1)).collect(),
            empty_since: (0..places).map(|_| AtomicU64::new(0)).collect(),
            looked_at: Mutex::new(Instant::now()),
            turn: AtomicUsize::new(0),
            next_lane: [AtomicUsize::new(0), AtomicUsize::new(0)],
            pulls: Health::new("tasks come through the stream", options.patience),
            sends: Health::new("tasks are offered through the stream", options.patience),
            has_told_why: AtomicBool::new(false),
            options,
        })
    }

    /// Sees to it that stream and consumers are there. Whether the stream is another one than before: then whatever was
    /// offered through it is lost.
    pub(super) async fn lay(&self) -> anyhow::Result<bool> {
        let laid =
            tokio::time::timeout(REQUEST_LIMIT * 3, self.try_lay()).await.context("no answer in time")??;
        let (created, is_unused) = (laid.created, laid.is_unused);
        *self.laid.write().await = Some(Arc::new(laid));
        self.has_told_why.store(false, Ordering::Relaxed);
        let before = self.known.lock().unwrap_or_else(PoisonError::into_inner).replace(created);
        // Who comes first to a stream that was made anew says so; who only begins finds it in use.
        Ok(before.map_or(is_unused, |before| before != created))
    }

    async fn try_lay(&self) -> anyhow::Result<Laid> {
        let JetStreamOptions { stream, lanes, replicas, ack_wait, lapse, .. } = &self.options;
        let info = self
            .context
            .create_or_update_stream(Config {
                name: stream.clone(),
                description: Some("Ids of Telecine's tasks; what they are is in its database".to_owned()),
                subjects: vec![format!("{TASKS}.>")],
                retention: RetentionPolicy::WorkQueue,
                storage: StorageType::File,
                discard: DiscardPolicy::New,
                max_messages: MAX_MESSAGES,
                max_message_size: 1_024,
                // Of lanes that nobody has any more, for one.
                max_age: *lapse * 2,
                num_replicas: *replicas,
                // Nothing is sent twice: what may not have arrived is offered anew, and a row is taken once.
                duplicate_window: SHORTEST_WINDOW,
                ..Config::default()
            })
            .await?;
        let consumers = Lane::all(*lanes).map(|lane| {
            let config = pull::Config {
                durable_name: Some(lane.consumer()),
                filter_subject: lane.subject(),
                ack_policy: AckPolicy::Explicit,
                ack_wait: *ack_wait,
                // The row decides when it is enough, and each task in hand is a message that is not acknowledged.
                max_deliver: -1,
                max_ack_pending: -1,
                ..pull::Config::default()
            };
            self.context.create_consumer_on_stream(config, stream.as_str())
        });
        let consumers = try_join_all(consumers).await?;
        let is_unused = info.state.last_sequence == 0;
        Ok(Laid { created: info.created.unix_timestamp_nanos(), is_unused, consumers })
    }

    /// Lays it anew before it is used the next time.
    async fn forget(&self) {
        *self.laid.write().await = None;
    }

    pub(super) async fn is_laid(&self) -> bool {
        self.laid.read().await.is_some()
    }

    async fn laid(&self) -> anyhow::Result<Arc<Laid>> {
        self.laid.read().await.clone().context("the stream is not known yet")
    }

    /// The next message, of single tasks and of transfers in turn, of lanes in turn; none when there is none.
    pub(super) async fn pull(&self) -> anyhow::Result<Option<Message>> {
        let pulled = self.try_pull().await;
        match &pulled {
            Ok(_) => self.pulls.works(),
            Err(error) => {
                self.pulls.fails(error);
                self.forget().await;
            }
        }
        pulled
    }

    async fn try_pull(&self) -> anyhow::Result<Option<Message>> {
        self.check_connected()?;
        let laid = self.laid().await?;
        self.look_anew_at_times();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let (lanes, places) = (usize::from(self.options.lanes), laid.consumers.len());
        // Whoever comes at the same time looks elsewhere.
        let mut begin = [&self.next_lane[0], &self.next_lane[1]].map(|lane| lane.load(Ordering::Relaxed));
        begin[turn % 2] = self.next_lane[turn % 2].fetch_add(1, Ordering::Relaxed);
        for step in 0..places {
            // Classes first, in turn; then the lanes of each, beginning behind the one in which something was found last.
            let class = (turn + step / lanes) % 2;
            let number = (begin[class] + step) % lanes;
            let place = class * lanes + number;
            // Before it is looked at: news that comes meanwhile counts.
            let news = self.news[place].load(Ordering::Acquire);
            if self.empty_since[place].load(Ordering::Acquire) == news {
                continue;
            }
            match fetch(&laid.consumers[place]).await? {
                Some(message) => {
                    // Lanes without anything between two with much would give one of them more turns.
                    self.next_lane[class].store(number + 1, Ordering::Relaxed);
                    return Ok(Some(message));
                }
                None => self.empty_since[place].store(news, Ordering::Release),
            }
        }
        Ok(None)
    }

    pub(super) fn check_connected(&self) -> anyhow::Result<()> {
        match self.client.connection_state() {
            State::Connected => Ok(()),
            state => Err(anyhow!("there is no connection to NATS ({state})")),
        }
    }

    /// Has it told in the log, once, why there is no connection: the client that tries again and again does not say. Does not
    /// wait for it.
    pub(super) fn tell_why(&self) {
        if self.has_told_why.swap(true, Ordering::Relaxed) {
            return;
        }
        let options = self.options.clone();
        tokio::spawn(async move {
            if let Err(why) = connection::once(&options).await {
                tracing::warn!(error = %why.found, remedy = why.remedy, "nats cannot be reached; it is tried again and again");
            }
        });
    }

    /// Messages that come back are no news: so every lane is looked at now and then.
    fn look_anew_at_times(&self) {
        let mut looked_at = self.looked_at.lock().unwrap_or_else(PoisonError::into_inner);
        if looked_at.elapsed() >= LEFT_ALONE {
            *looked_at = Instant::now();
            for news in &self.news {
                news.fetch_add(1, Ordering::Release);
            }
        }
    }

    /// There is something in the lane.
    pub(super) fn has_news(&self, lane: Lane) {
        self.news[lane.place(self.options.lanes)].fetch_add(1, Ordering::Release);
    }

    /// Sends messages in this order. Those that may not have arrived.
    pub(super) async fn send(&self, notes: &[(Lane, Note)]) -> Result<(), Vec<Note>> {
        if notes.is_empty() {
            return Ok(());
        }
        let mut failed = Vec::new();
        let mut problem = self.check_connected().err();
        let mut sent = Vec::with_capacity(notes.len());
        for (lane, note) in notes {
            if problem.is_none() {
                match self.context.publish(lane.subject(), note.text().into()).await {
                    Ok(answer) => {
                        sent.push((*note, answer));
                        continue;
                    }
                    Err(error) => problem = Some(error.into()),
                }
            }
            failed.push(*note);
        }
        let answers = sent.into_iter().map(|(note, answer)| async move { (note, answer.await) });
        for (note, answer) in futures::future::join_all(answers).await {
            if let Err(error) = answer {
                failed.push(note);
                problem = Some(error.into());
            }
        }
        match problem {
            None => {
                self.sends.works();
                Ok(())
            }
            Some(error) => {
                self.sends.fails(&error);
                self.forget().await;
                Err(failed)
            }
        }
    }

    /// Tells all processes that there is something in these lanes. They would find it without.
    pub(super) async fn tell(&self, lanes: impl IntoIterator<Item = Lane>) {
        for lane in lanes {
            self.has_news(lane);
            let told = self.client.publish(lane.news(), bytes::Bytes::new());
            if !matches!(tokio::time::timeout(SEND_LIMIT, told).await, Ok(Ok(()))) {
                return;
            }
        }
    }

    /// What others tell.
    pub(super) async fn listen(&self) -> anyhow::Result<async_nats::Subscriber> {
        Ok(self.client.subscribe(format!("{}.>", super::message::NEWS)).await?)
    }

    /// Messages that wait for a worker.
    pub(super) async fn waiting(&self) -> anyhow::Result<u64> {
        let laid = self.laid().await?;
        let infos = try_join_all(laid.consumers.iter().map(PullConsumer::get_info)).await?;
        Ok(infos.iter().map(|info| info.num_pending).sum())
    }

    /// Waits until what was sent without an answer has left.
    pub(super) async fn flush(&self) {
        if self.check_connected().is_ok() {
            let _ = tokio::time::timeout(REQUEST_LIMIT, self.client.flush()).await;
        }
    }
}

/// Acknowledges a message, or what else is said of it. Unheard, the message comes again: the row knows better.
pub(super) async fn answer(message: &Message, kind: AckKind) {
    if !matches!(tokio::time::timeout(SEND_LIMIT, message.ack_with(kind)).await, Ok(Ok(()))) {
        tracing::debug!(subject = %message.subject, "an acknowledgement was not sent");
    }
}

async fn fetch(consumer: &PullConsumer) -> anyhow::Result<Option<Message>> {
    let fetched = async {
        let mut batch = consumer.fetch().max_messages(1).messages().await?;
        batch.next().await.transpose().map_err(|error| anyhow!(error))
    };
    tokio::time::timeout(REQUEST_LIMIT, fetched).await.context("the stream did not answer in time")?
}
