//! The watch over the database: asks it every second whether it is there, over a connection of its own, so that nobody else has
//! to find out by waiting. Where a network has gone silent, nothing else would end the wait: it cuts all connections then.

use std::sync::OnceLock;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, PgConnection};
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

use super::sockets::Sockets;
use crate::store::Presence;

/// How often it is asked, and how soon again while it is away.
const EVERY: Duration = Duration::from_secs(1);
const AGAIN: Duration = Duration::from_millis(250);
/// A silence is believed when it was looked for an answer so often: a process that had no time to look has heard nothing, either.
const LOOKS: u32 = 6;
/// Of the tries that nobody answers, the first one cuts all connections, and then one in so many: a server that is overwhelmed
/// lets in slowly, and those who got in must be let alone for a while.
const CUT_EVERY: u32 = 4;
/// Questions after which it is looked again where the database's name leads.
const LOOK_UP_EVERY: u32 = 60;

/// Ends with this.
#[derive(Debug, Default)]
pub(super) struct Watch(OnceLock<(watch::Receiver<bool>, AbortOnDropHandle<()>)>);

impl Watch {
    /// Begins to watch over the database, unless somebody has. It counts as silent when it says nothing for so long.
    pub(super) fn begin(&self, options: PgConnectOptions, silent_after: Duration) {
        self.0.get_or_init(|| {
            let (told, presence) = watch::channel(true);
            let sockets = Sockets::to(&options);
            let watcher =
                Watcher { options, silent_after, sockets, told, connection: None, silences: 0, asked: 0 };
            (presence, AbortOnDropHandle::new(tokio::spawn(watcher.run())))
        });
    }

    /// What it sees.
    pub(super) fn presence(&self) -> Presence {
        self.0.get().map_or_else(Presence::default, |(presence, _)| Presence::told(presence.clone()))
    }
}

struct Watcher {
    options: PgConnectOptions,
    silent_after: Duration,
    sockets: Sockets,
    told: watch::Sender<bool>,
    connection: Option<PgConnection>,
    /// Tries one after the other that nobody answered.
    silences: u32,
    asked: u32,
}

/// What came of a question.
#[derive(Debug)]
enum Heard {
    Answer,
    Refusal(sqlx::Error),
    Nothing,
}

impl Watcher {
    async fn run(mut self) {
        loop {
            let heard = self.ask().await;
            let is_there = matches!(heard, Heard::Answer);
            let is_silent = matches!(heard, Heard::Nothing);
            let was_there = self.told.send_replace(is_there);
            match heard {
                Heard::Answer if was_there => {}
                Heard::Answer => tracing::info!("the database is there again"),
                Heard::Refusal(error) if was_there => tracing::warn!(%error, "the database is away"),
                Heard::Refusal(_) => {}
                Heard::Nothing => self.silence(was_there),
            }
            self.silences = if is_silent { self.silences + 1 } else { 0 };
            tokio::time::sleep(if is_there { EVERY } else { AGAIN }).await;
        }
    }

    /// Asks. A connection that was ended says nothing of the database: then it is asked over another.
    async fn ask(&mut self) -> Heard {
        let mut told = None;
        if let Some(mut connection) = self.connection.take() {
            match within(self.silent_after, sqlx::query("SELECT 1").execute(&mut connection)).await {
                None => return Heard::Nothing,
                Some(Ok(_)) => {
                    self.connection = Some(connection);
                    told = Some(Heard::Answer);
                }
                Some(Err(_)) => {}
            }
        }
        self.asked = self.asked.wrapping_add(1);
        if told.is_none() || self.asked.is_multiple_of(LOOK_UP_EVERY) {
            // Where it fails, connecting fails, too, and tells it.
            let _ = within(self.silent_after, self.sockets.look_up()).await;
        }
        match told {
            Some(told) => told,
            None => self.connect().await,
        }
    }

    async fn connect(&mut self) -> Heard {
        match within(self.silent_after, self.options.connect()).await {
            None => Heard::Nothing,
            Some(Ok(connection)) => {
                self.connection = Some(connection);
                Heard::Answer
            }
            Some(Err(error)) if is_an_answer(&error) => Heard::Answer,
            Some(Err(error)) => Heard::Refusal(error),
        }
    }

    fn silence(&self, was_there: bool) {
        let silent_for_s = self.silent_after.as_secs_f64();
        if !self.silences.is_multiple_of(CUT_EVERY) {
            return;
        }
        match self.sockets.cut() {
            Ok(connections) if was_there => {
                tracing::warn!(silent_for_s, connections, "the database is silent; its connections are cut");
            }
            Ok(_) => {}
            Err(error) => {
                tracing::error!(%error, "the database is silent, but its connections could not be cut");
            }
        }
    }
}

/// Whether a server that refuses a connection is there nevertheless: it has no place left, or another password.
fn is_an_answer(error: &sqlx::Error) -> bool {
    let is_going = |code: &str| code.starts_with("08") || code.starts_with("57");
    match error {
        sqlx::Error::Database(error) => error.code().is_some_and(|code| !is_going(&code)),
        _ => false,
    }
}

/// What comes of it within the time.
async fn within<T>(time: Duration, work: impl Future<Output = T>) -> Option<T> {
    let mut work = std::pin::pin!(work);
    for _ in 0..LOOKS {
        if let Ok(done) = tokio::time::timeout(time / LOOKS, &mut work).await {
            return Some(done);
        }
    }
    None
}
