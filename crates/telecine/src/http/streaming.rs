//! Answers that are made while they are sent: the first bytes, or the fault that came instead of them, decide what the
//! status is; a fault after that cuts the connection, so that nobody takes a part for the whole.

use axum::body::Body;
use bytes::Bytes;
use futures::stream::{self, StreamExt};
use tokio::sync::mpsc;
use tracing::Instrument;

use crate::fault::Result;

/// Parts that wait to be sent.
const PARTS: usize = 8;

/// What came of the work, as far as it is known when the answer begins.
pub(super) enum Begun<T> {
    /// The body has begun.
    Streaming(Body),
    /// The work has ended without a byte.
    Ended(T),
}

/// Starts work that sends its answer in parts, and waits for the first.
///
/// # Errors
/// What the work fails with before its first part.
pub(super) async fn begin<T, F, W>(work: F) -> Result<Begun<T>>
where
    T: Send + 'static,
    F: FnOnce(mpsc::Sender<Bytes>) -> W,
    W: Future<Output = Result<T>> + Send + 'static,
{
    let (to, mut parts) = mpsc::channel(PARTS);
    let working = tokio::spawn(work(to).in_current_span());
    let Some(first) = parts.recv().await else {
        return Ok(Begun::Ended(working.await.map_err(anyhow::Error::from)??));
    };
    let span = tracing::Span::current();
    let rest = stream::unfold(Some((parts, working)), move |state| {
        let span = span.clone();
        async move {
            let (mut parts, working) = state?;
            if let Some(part) = parts.recv().await {
                return Some((Ok(part), Some((parts, working))));
            }
            let ended = working.await.map_err(anyhow::Error::from);
            let error = match ended {
                Ok(Ok(_)) => return None,
                Ok(Err(error)) => anyhow::Error::from(error),
                Err(error) => error,
            };
            span.in_scope(|| tracing::error!(error = format!("{error:#}"), "an answer was cut off"));
            Some((Err(std::io::Error::other("the answer could not be finished")), None))
        }
    });
    Ok(Begun::Streaming(Body::from_stream(stream::iter([Ok(first)]).chain(rest))))
}
