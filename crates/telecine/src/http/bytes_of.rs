//! Answers of bytes for players: whole or a range of them (206, 416), unchanged (304), with a type, a tag and how long
//! they may be kept; and the headers by which pages of other origins may read what signed links lead to.

use std::io::{self, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::TryFutureExt as _;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;

use super::error::Failure;
use super::range::{Wanted, parse_range};
use crate::fault::{Code, Fault, Result};
use crate::media_store::{MediaKey, MediaStore};

/// Where signed links lead.
const SIGNED: [&str; 2] = ["/pictures/", "/streams/"];
/// Bytes that are read from a file at once.
const PIECE: usize = 64 << 10;

/// What is answered, but for the bytes.
#[derive(Debug, Clone)]
pub(super) struct Kind {
    pub(super) content_type: &'static str,
    /// Tells these bytes from all others at the same address.
    pub(super) etag: String,
    /// How long they may be kept.
    pub(super) max_age: Duration,
}

/// Bytes in memory.
pub(super) fn answer_bytes(bytes: Bytes, kind: &Kind, request: &HeaderMap) -> Result<Response, Failure> {
    let length = bytes.len() as u64;
    let take = |first: u64, last: u64| Ok(Body::from(bytes.slice(first as usize..=last as usize)));
    answer(length, kind, request, take)
}

/// A file of the store of media; none when it is not there.
pub(super) async fn answer_media(
    media: &Arc<dyn MediaStore>,
    key: MediaKey,
    kind: &Kind,
    request: &HeaderMap,
) -> Result<Option<Response>, Failure> {
    if let Some(path) = media.local(&key) {
        return answer_file(&path, kind, request).await;
    }
    let Some(length) = media.size(&key).await? else { return Ok(None) };
    let media = Arc::clone(media);
    let take = |first: u64, last: u64| {
        let bytes = async move {
            media.read(&key, first..last + 1).await.map_err(|error| io::Error::other(error.to_string()))
        };
        Ok(Body::from_stream(bytes.try_flatten_stream()))
    };
    answer(length, kind, request, take).map(Some)
}

/// A file; none when it is not there.
async fn answer_file(path: &Path, kind: &Kind, request: &HeaderMap) -> Result<Option<Response>, Failure> {
    let mut file = match File::open(path).await {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(anyhow::Error::new(error).context("opening a stream").into()),
    };
    let length = file.metadata().await.context("looking at a stream")?.len();
    let wanted = wanted(length, kind, request);
    let first = if let Wanted::Part { first, .. } = wanted { first } else { 0 };
    file.seek(SeekFrom::Start(first)).await.context("reading a stream")?;
    let take = |first: u64, last: u64| {
        let part = file.take(last - first + 1);
        Ok(Body::from_stream(ReaderStream::with_capacity(part, PIECE)))
    };
    answer(length, kind, request, take).map(Some)
}

fn answer(
    length: u64,
    kind: &Kind,
    request: &HeaderMap,
    take: impl FnOnce(u64, u64) -> Result<Body>,
) -> Result<Response, Failure> {
    let mut response = if is_known(kind, request) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        match wanted(length, kind, request) {
            Wanted::Nothing => {
                let mut refused = Failure::from(Fault::new(Code::RangeNotSatisfiable)).into_response();
                put(&mut refused, header::CONTENT_RANGE, format!("bytes */{length}"))?;
                return Ok(refused);
            }
            Wanted::Whole if length == 0 => Response::new(Body::empty()),
            Wanted::Whole => {
                let mut whole = Response::new(take(0, length - 1)?);
                put(&mut whole, header::CONTENT_LENGTH, length.to_string())?;
                whole
            }
            Wanted::Part { first, last } => {
                let mut part = Response::new(take(first, last)?);
                *part.status_mut() = StatusCode::PARTIAL_CONTENT;
                put(&mut part, header::CONTENT_LENGTH, (last - first + 1).to_string())?;
                put(&mut part, header::CONTENT_RANGE, format!("bytes {first}-{last}/{length}"))?;
                part
            }
        }
    };
    put(&mut response, header::CONTENT_TYPE, kind.content_type.to_owned())?;
    put(&mut response, header::ETAG, kind.etag.clone())?;
    put(&mut response, header::ACCEPT_RANGES, "bytes".to_owned())?;
    put(&mut response, header::CACHE_CONTROL, format!("private, max-age={}", kind.max_age.as_secs()))?;
    Ok(response)
}

fn put(response: &mut Response, name: HeaderName, value: String) -> Result<()> {
    response.headers_mut().insert(name, HeaderValue::from_str(&value).context("a header")?);
    Ok(())
}

fn text<'a>(request: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    request.get(name).and_then(|value| value.to_str().ok())
}

/// Whether the client has these very bytes.
fn is_known(kind: &Kind, request: &HeaderMap) -> bool {
    let Some(tags) = text(request, &header::IF_NONE_MATCH) else { return false };
    tags.split(',').map(str::trim).any(|tag| tag == "*" || tag.trim_start_matches("W/") == kind.etag)
}

/// A range counts only of the bytes that the client knows a part of already.
fn wanted(length: u64, kind: &Kind, request: &HeaderMap) -> Wanted {
    let is_meant = text(request, &header::IF_RANGE).is_none_or(|tag| tag.trim() == kind.etag);
    match text(request, &header::RANGE) {
        Some(range) if is_meant => parse_range(range, length),
        _ => Wanted::Whole,
    }
}

/// Lets pages of any origin read what signed links lead to. The link is the permission; no cookie or key comes along.
pub(super) async fn for_any_origin(request: Request, next: Next) -> Response {
    if !SIGNED.iter().any(|path| request.uri().path().starts_with(path)) {
        return next.run(request).await;
    }
    let is_asking = request.method() == Method::OPTIONS;
    let mut response =
        if is_asking { StatusCode::NO_CONTENT.into_response() } else { next.run(request).await };
    let headers = response.headers_mut();
    let mut put = |name, value| headers.insert(name, HeaderValue::from_static(value));
    put(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    put(
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        "accept-ranges, content-length, content-range, etag, x-request-id",
    );
    put(HeaderName::from_static("cross-origin-resource-policy"), "cross-origin");
    if is_asking {
        put(header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD, OPTIONS");
        put(header::ACCESS_CONTROL_ALLOW_HEADERS, "range, if-range, if-none-match");
        put(header::ACCESS_CONTROL_MAX_AGE, "86400");
    }
    response
}
