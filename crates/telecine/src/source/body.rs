//! Bodies of HTTP answers as the bytes of a range: exactly those that were asked for, or an error.

use std::ops::Range;

use bytes::Bytes;
use futures::StreamExt;
use reqwest::header::{self, HeaderMap};
use reqwest::{Response, StatusCode};

use super::web::Refusal;
use super::{ByteStream, SourceError, SourceErrorKind};

/// The value of the header that asks for a range, which must not be empty.
pub(super) fn range_header(range: &Range<u64>) -> String {
    format!("bytes={}-{}", range.start, range.end - 1)
}

/// What an answer says of its part of the whole.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ContentRange {
    pub(super) range: Range<u64>,
    /// Of the whole, where it is told.
    pub(super) size: Option<u64>,
}

impl ContentRange {
    /// `bytes 5-9/20`.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let told = text(headers, header::CONTENT_RANGE)?.strip_prefix("bytes ")?;
        let (range, size) = told.split_once('/')?;
        let (first, last) = range.split_once('-')?;
        let range = first.parse().ok()?..last.parse::<u64>().ok()?.checked_add(1)?;
        Some(Self { range, size: size.parse().ok() })
    }
}

/// The value of a header, if it is text.
pub(super) fn text(headers: &HeaderMap, name: impl header::AsHeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// The bytes of a range out of an answer of success. A server that ignores ranges gives the whole, of which the begin
/// will do.
pub(super) fn ranged(answer: Response, asked: &Range<u64>, address: &str) -> Result<ByteStream, Refusal> {
    let given = match answer.status() {
        StatusCode::PARTIAL_CONTENT => ContentRange::of(answer.headers()).map(|told| told.range),
        _ => answer.content_length().map(|size| 0..size),
    };
    let Some(given) = given else {
        let detail = "the server does not say which bytes it gives";
        return Err(Refusal::new(SourceErrorKind::Unsupported, detail));
    };
    if given.start != asked.start {
        let detail = format!("asked for bytes {asked:?}, the server gives {given:?}");
        return Err(Refusal::new(SourceErrorKind::Unsupported, detail));
    }
    if given.end < asked.end {
        let detail = format!("asked for bytes {asked:?}, the file ends at {}", given.end);
        return Err(Refusal::new(SourceErrorKind::Changed, detail));
    }
    let reading = Reading { answer, address: address.to_owned(), asked: asked.end - asked.start, got: 0 };
    Ok(futures::stream::try_unfold(reading, Reading::step).boxed())
}

/// A body on its way.
struct Reading {
    answer: Response,
    address: String,
    asked: u64,
    got: u64,
}

impl Reading {
    async fn step(mut self) -> Result<Option<(Bytes, Self)>, SourceError> {
        let left = self.asked - self.got;
        if left == 0 {
            return Ok(None);
        }
        let chunk = self.answer.chunk().await;
        let chunk = chunk.map_err(|error| Refusal::of_transport(error).at("GET", self.address.clone()))?;
        let Some(mut bytes) = chunk else {
            let detail = format!("the body ended after {} of {} bytes", self.got, self.asked);
            return Err(Refusal::new(SourceErrorKind::Unavailable, detail).at("GET", self.address));
        };
        // A server without ranges goes on to the end of the file.
        bytes.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        self.got += bytes.len() as u64;
        Ok(Some((bytes, self)))
    }
}
