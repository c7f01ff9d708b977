//! Bodies on their way in: every wait for the next bytes has a deadline, and what a handler left unread is read to its
//! end, within bounds, so that the client gets to see the answer instead of a reset.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, BodyDataStream, HttpBody};
use axum::http::HeaderMap;
use bytes::Bytes;
use futures::{Stream, StreamExt};
use tokio::time::Sleep;

use crate::fault::{Code, Fault};

/// How long a client may be silent in the middle of a request.
pub(super) const SILENCE: Duration = Duration::from_secs(60);
/// How much of a body that nobody wants is read, and for how long.
const DRAINED_BYTES: usize = 4 << 30;
const DRAINED_FOR: Duration = Duration::from_secs(60);

/// Why reading a body ended early. Travels inside other libraries' errors; [`fault_within`] finds it.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub(super) struct BodyFault(pub(super) Fault);

/// A body that is read elsewhere; the rest of it can be had here.
pub(super) struct Watched {
    source: Arc<Mutex<Source>>,
    waits_for_continue: bool,
}

struct Source {
    data: BodyDataStream,
    silence: Duration,
    deadline: Option<Pin<Box<Sleep>>>,
    begun: bool,
    ended: bool,
}

struct Guarded(Arc<Mutex<Source>>);

/// Puts a guard around a body.
pub(super) fn watch(body: Body, headers: &HeaderMap, silence: Duration) -> (Body, Watched) {
    let ended = body.is_end_stream();
    let data = body.into_data_stream();
    let source = Arc::new(Mutex::new(Source { data, silence, deadline: None, begun: false, ended }));
    let waits_for_continue = headers.contains_key("expect");
    let guarded = if ended { Body::empty() } else { Body::from_stream(Guarded(Arc::clone(&source))) };
    (guarded, Watched { source, waits_for_continue })
}

impl Stream for Guarded {
    type Item = Result<Bytes, BodyFault>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut source = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        source.poll(context)
    }
}

impl Source {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyFault>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        self.begun = true;
        if let Poll::Ready(next) = self.data.poll_next_unpin(context) {
            self.deadline = None;
            self.ended = !matches!(next, Some(Ok(_)));
            return Poll::Ready(next.map(|part| part.map_err(|error| BodyFault(broken(&error)))));
        }
        let silence = self.silence;
        let deadline = self.deadline.get_or_insert_with(|| Box::pin(tokio::time::sleep(silence)));
        match deadline.as_mut().poll(context) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(()) => {
                self.ended = true;
                Poll::Ready(Some(Err(BodyFault(silent(silence)))))
            }
        }
    }
}

impl Watched {
    /// Reads what is left, if nobody else does any more.
    pub(super) async fn drain(self) {
        let Some(source) = Arc::into_inner(self.source) else { return };
        let source = source.into_inner().unwrap_or_else(PoisonError::into_inner);
        let sends_nothing_yet = self.waits_for_continue && !source.begun;
        if source.ended || sends_nothing_yet {
            return;
        }
        let mut rest = Guarded(Arc::new(Mutex::new(source)));
        let drained = async {
            let mut bytes = 0;
            while let Some(Ok(part)) = rest.next().await {
                bytes += part.len();
                if bytes > DRAINED_BYTES {
                    break;
                }
            }
        };
        // However it ends, the answer goes out next.
        let _ = tokio::time::timeout(DRAINED_FOR, drained).await;
    }
}

/// The fault of a body that ended before its end: ours if there is one inside.
pub(super) fn broken(error: &axum::Error) -> Fault {
    fault_within(error).unwrap_or_else(|| {
        Fault::because(Code::ParameterInvalid, "The request's body ended early.").value(error.to_string())
    })
}

fn silent(silence: Duration) -> Fault {
    Fault::new(Code::RequestTimedOut)
        .rule(format!("the next bytes of a request must come within {} seconds", silence.as_secs()))
}

/// The fault of ours that is the cause of another library's error.
pub(super) fn fault_within(error: &(dyn std::error::Error + 'static)) -> Option<Fault> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(BodyFault(fault)) = error.downcast_ref() {
            return Some(fault.clone());
        }
        cause = error.source();
    }
    None
}

/// Too many bytes.
pub(super) fn too_large(limit_bytes: u64) -> Fault {
    Fault::new(Code::RequestTooLarge).rule(format!("at most {limit_bytes} bytes"))
}

/// The length that a request announces.
pub(super) fn announced_bytes(headers: &HeaderMap) -> Option<u64> {
    headers.get("content-length")?.to_str().ok()?.parse().ok()
}

/// A whole body in memory, at most `limit_bytes` of it.
pub(super) async fn read_all(body: Body, headers: &HeaderMap, limit_bytes: u64) -> Result<Bytes, Fault> {
    if let Some(announced) = announced_bytes(headers).filter(|&announced| announced > limit_bytes) {
        return Err(too_large(limit_bytes).value(format!("{announced} bytes")));
    }
    let limit = usize::try_from(limit_bytes).unwrap_or(usize::MAX);
    let mut bytes = Vec::new();
    let mut parts = body.into_data_stream();
    while let Some(part) = parts.next().await {
        let part = part.map_err(|error| broken(&error))?;
        if bytes.len() + part.len() > limit {
            return Err(too_large(limit_bytes));
        }
        bytes.extend_from_slice(&part);
    }
    Ok(bytes.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn silent_after(part: &'static str) -> Body {
        let parts = futures::stream::iter([Ok::<_, std::io::Error>(part)]);
        Body::from_stream(parts.chain(futures::stream::pending()))
    }

    #[tokio::test]
    async fn a_client_that_falls_silent_is_not_waited_for() {
        let headers = HeaderMap::new();
        let (body, _watched) = watch(silent_after("half of it"), &headers, Duration::from_millis(20));
        let fault = read_all(body, &headers, 1_000).await.unwrap_err();
        assert_eq!(fault.code, Code::RequestTimedOut);
    }

    #[tokio::test]
    async fn what_a_handler_left_unread_is_read_to_its_end() {
        let (all, rest) = tokio::sync::mpsc::channel::<Bytes>(1);
        let parts = futures::stream::unfold(rest, |mut rest| async {
            rest.recv().await.map(|part| (Ok::<_, std::io::Error>(part), rest))
        });
        let (body, watched) = watch(Body::from_stream(Box::pin(parts)), &HeaderMap::new(), SILENCE);
        drop(body);
        let draining = tokio::spawn(watched.drain());
        for _ in 0..10 {
            all.send(Bytes::from_static(b"more")).await.expect("somebody reads");
        }
        drop(all);
        draining.await.unwrap();
    }

    #[tokio::test]
    async fn a_client_that_waits_for_a_word_is_not_made_to_send() {
        let mut headers = HeaderMap::new();
        headers.insert("expect", "100-continue".parse().unwrap());
        let (body, watched) = watch(silent_after("never asked for"), &headers, SILENCE);
        drop(body);
        tokio::time::timeout(Duration::from_secs(5), watched.drain()).await.expect("it does not wait");
    }
}
