//! Server-sent events: a stream of what something looks like, told at once and whenever it changed. What it looks like is
//! asked for by a closure; this file knows when to ask, when to stop, and how many streams a key may have open.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::app::App;
use crate::fault::{Code, Fault, Result};
use crate::ids::KeyId;

/// Streams that a key may have open at once: a person with some tabs, not a client that forgets to close.
pub(super) const STREAMS_PER_KEY: usize = 20;
/// How often it is looked whether something changed.
const LOOK: Duration = Duration::from_secs(1);
/// Something is said so often, so that proxies and clients know that the stream lives.
const SIGN_OF_LIFE: Duration = Duration::from_secs(15);
/// A stream ends after this and clients come back by themselves: with a key that was revoked meanwhile, they do not.
const LIFE: Duration = Duration::from_mins(15);
/// After how long clients come back.
const RETRY: Duration = Duration::from_secs(2);

/// Who has how many streams open.
#[derive(Debug, Default)]
pub(super) struct Listeners {
    open: Mutex<HashMap<KeyId, usize>>,
}

/// The right to one stream; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    listeners: Arc<Listeners>,
    key: KeyId,
}

impl Listeners {
    /// Takes a stream for this key.
    ///
    /// # Errors
    /// `too_many_requests`.
    pub(super) fn seat(self: &Arc<Self>, key: KeyId) -> Result<Seat, Fault> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = open.entry(key).or_default();
        if *taken >= STREAMS_PER_KEY {
            return Err(Fault::because(Code::TooManyRequests, "Too many streams of events are open.")
                .value(format!("{taken} open"))
                .rule(format!("at most {STREAMS_PER_KEY} streams of events at once and key"))
                .remedy(
                    "Close a stream that is no longer read, or ask for the state now and then instead.",
                ));
        }
        *taken += 1;
        Ok(Seat { listeners: Arc::clone(self), key })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut open = self.listeners.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(taken) = open.get_mut(&self.key) {
            *taken -= 1;
            if *taken == 0 {
                open.remove(&self.key);
            }
        }
    }
}

/// What something looks like now.
pub(super) struct Look {
    /// JSON.
    pub(super) told: String,
    /// Whether it will not change any more.
    pub(super) is_last: bool,
}

/// Tells `name` events with what `look` finds, at once and whenever it differs, and `end` after the last. `first` was
/// looked at by the caller, who knows by it that there is something to tell. Ends without `end` when the server stops,
/// when there is nothing to look at any more, or after a while.
pub(super) fn watch<L, F>(
    app: Arc<App>,
    seat: Seat,
    name: &'static str,
    after: u64,
    first: Look,
    look: L,
) -> Response
where
    L: Fn(Arc<App>) -> F + Send + 'static,
    F: Future<Output = Result<Option<Look>>> + Send,
{
    let mut ticks = interval(LOOK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let watch =
        Watch { app, _seat: seat, name, id: after, before: None, look, ticks, until: Instant::now() + LIFE };
    let events = stream::unfold((watch, Next::Tell(first)), |(mut watch, next)| async move {
        let (event, next) = match next {
            Next::Tell(look) => watch.tell(look),
            Next::Wait => {
                let look = watch.changed().await?;
                watch.tell(look)
            }
            Next::End => (Event::default().event("end").id(watch.next_id()).data("{}"), Next::Over),
            Next::Over => return None,
        };
        Some((Ok::<_, std::convert::Infallible>(event), (watch, next)))
    });
    let mut response = Sse::new(events).keep_alive(KeepAlive::new().interval(SIGN_OF_LIFE)).into_response();
    // Proxies that gather an answer before they pass it on would hold events back.
    response.headers_mut().insert("x-accel-buffering", axum::http::HeaderValue::from_static("no"));
    response
}

enum Next {
    Tell(Look),
    Wait,
    End,
    Over,
}

struct Watch<L> {
    app: Arc<App>,
    _seat: Seat,
    name: &'static str,
    id: u64,
    before: Option<String>,
    look: L,
    ticks: tokio::time::Interval,
    until: Instant,
}

impl<L, F> Watch<L>
where
    L: Fn(Arc<App>) -> F,
    F: Future<Output = Result<Option<Look>>>,
{
    /// Grows within a stream and over streams that follow each other.
    fn next_id(&mut self) -> String {
        let now = u64::try_from(self.app.clock.now().as_millis()).unwrap_or_default();
        self.id = now.max(self.id + 1);
        self.id.to_string()
    }

    fn tell(&mut self, look: Look) -> (Event, Next) {
        let mut event = Event::default().event(self.name).id(self.next_id()).data(&look.told);
        if self.before.is_none() {
            event = event.retry(RETRY);
        }
        self.before = Some(look.told);
        (event, if look.is_last { Next::End } else { Next::Wait })
    }

    /// The next look that differs from the one before.
    async fn changed(&mut self) -> Option<Look> {
        loop {
            tokio::select! {
                _ = self.ticks.tick() => {}
                () = self.app.stopping.cancelled() => return None,
            }
            if Instant::now() >= self.until {
                return None;
            }
            match (self.look)(Arc::clone(&self.app)).await {
                Ok(Some(look)) if look.is_last || self.before.as_ref() != Some(&look.told) => {
                    return Some(look);
                }
                Ok(Some(_)) => {}
                Ok(None) => return None,
                Err(error) => {
                    tracing::error!(
                        error = format!("{:#}", anyhow::Error::from(error)),
                        "a stream of events was cut off"
                    );
                    return None;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    #[test]
    fn a_key_has_so_many_streams_and_gets_back_what_it_closes() {
        let listeners = Arc::new(Listeners::default());
        let key = |millis| KeyId::generate(Timestamp::from_millis(millis));
        let (one, other) = (key(1), key(2));
        let mut seats: Vec<Seat> = (0..STREAMS_PER_KEY).map(|_| listeners.seat(one).unwrap()).collect();
        let refused = listeners.seat(one).unwrap_err();
        assert_eq!((refused.code, refused.value.as_deref()), (Code::TooManyRequests, Some("20 open")));
        listeners.seat(other).expect("it has streams of its own");
        seats.pop();
        seats.push(listeners.seat(one).expect("one was closed"));
        drop(seats);
        assert_eq!(listeners.open.lock().unwrap().len(), 0, "nobody is remembered");
    }
}
