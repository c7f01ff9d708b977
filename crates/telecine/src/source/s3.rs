//! A bucket of S3, or of what speaks like it. One request per call, never a second try: `Retry` does that. Keys are kept
//! exactly.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::operation::list_objects_v2::builders::ListObjectsV2FluentBuilder;
use aws_sdk_s3::primitives::{ByteStream as Body, DateTime};
use aws_sdk_s3::types::{EncodingType, Object, RequestPayer};
use bytes::Bytes;
use futures::StreamExt;

use super::aws::{chain, failure};
use super::session::Session;
use super::{ByteStream, ObjectInfo, Page, Source, SourceError, SourceErrorKind};
use crate::time::Timestamp;

/// A body that gives nothing for this long while it is waited for is given up.
const IDLE_LIMIT: Duration = Duration::from_secs(30);

/// How it is told that a store gives the whole to who asks for a part.
pub(crate) const IGNORES_RANGES: &str = "it ignores ranges";

/// One bucket, seen with one role's eyes.
pub struct S3Source {
    client: Client,
    bucket: String,
    owner: Option<String>,
    payer: Option<RequestPayer>,
    session: Option<Arc<Session>>,
    idle_limit: Duration,
}

impl S3Source {
    /// A bucket by a client that is set up already.
    pub fn new(client: Client, bucket: impl Into<String>) -> Self {
        Self {
            client,
            bucket: bucket.into(),
            owner: None,
            payer: None,
            session: None,
            idle_limit: IDLE_LIMIT,
        }
    }

    /// Only if the bucket belongs to this account: a name that was given up and taken by another is refused.
    #[must_use]
    pub fn owned_by(self, account_id: impl Into<String>) -> Self {
        Self { owner: Some(account_id.into()), ..self }
    }

    /// Whether our account pays for requests and bytes, where the bucket asks for it.
    #[must_use]
    pub fn requester_pays(self, pays: bool) -> Self {
        Self { payer: pays.then_some(RequestPayer::Requester), ..self }
    }

    /// Gives up bodies that stall for this long (default 30 s).
    #[must_use]
    pub fn idle_limit(self, idle_limit: Duration) -> Self {
        Self { idle_limit, ..self }
    }

    /// With the session whose credentials the client uses, to blame it when a store refuses them.
    pub(super) fn with_session(self, session: Arc<Session>) -> Self {
        Self { session: Some(session), ..self }
    }

    /// What a failure means; credentials that may only be old make it worth another try.
    fn failure<E>(&self, operation: &'static str, key: &str, error: &SdkError<E, HttpResponse>) -> SourceError
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let told = failure(operation, self.address(key), error);
        let Some(session) = &self.session else { return told };
        // An answer to HEAD has no body: `400` is all that it says of a session that ended.
        let is_bare_400 =
            operation == "HEAD" && error.raw_response().is_some_and(|r| r.status().as_u16() == 400);
        let is_renewed = match told.kind {
            SourceErrorKind::Credentials if error.raw_response().is_some() => session.blame(true),
            SourceErrorKind::Denied => session.blame(false),
            _ => is_bare_400 && session.blame(true),
        };
        if is_renewed { SourceError { kind: SourceErrorKind::Unavailable, ..told } } else { told }
    }

    /// A page that begins where `begin` says; a token that comes back as the next one would go on for ever.
    async fn page(
        &self,
        prefix: &str,
        limit: u32,
        begin: impl FnOnce(ListObjectsV2FluentBuilder) -> ListObjectsV2FluentBuilder,
        token: Option<&str>,
    ) -> Result<Page, SourceError> {
        let request = self
            .client
            .list_objects_v2()
            .bucket(&self.bucket)
            .set_expected_bucket_owner(self.owner.clone())
            .set_request_payer(self.payer.clone())
            // Or a control character in one key would make the whole page unreadable.
            .encoding_type(EncodingType::Url)
            .max_keys(i32::try_from(limit.clamp(1, 1000)).unwrap_or(1000))
            .set_prefix((!prefix.is_empty()).then(|| prefix.to_owned()));
        let page = begin(request).send().await.map_err(|error| self.failure("LIST", prefix, &error))?;
        let is_encoded = page.encoding_type() == Some(&EncodingType::Url);
        let objects: Vec<ObjectInfo> =
            page.contents().iter().map(|object| describe(object, is_encoded)).collect();
        // The client takes a page that was cut for a whole one.
        let told = page.key_count().and_then(|count| usize::try_from(count).ok());
        let is_whole = told.is_none_or(|count| count == objects.len());
        let Some(is_truncated) = page.is_truncated().filter(|_| is_whole) else {
            return Err(self.broken("LIST", prefix, "the page is not whole".to_owned()));
        };
        let next = page.next_continuation_token().filter(|_| is_truncated);
        if is_truncated && (next.is_none() || next == token) {
            let detail = "the page says that there are more, but not where they begin".to_owned();
            return Err(self.broken("LIST", prefix, detail));
        }
        Ok(Page { objects, next: next.map(str::to_owned) })
    }

    fn broken(&self, operation: &'static str, key: &str, detail: String) -> SourceError {
        let kind = SourceErrorKind::Unavailable;
        SourceError { kind, operation, address: self.address(key), detail }
    }
}

impl fmt::Debug for S3Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("S3Source").field(&self.bucket).finish()
    }
}

#[async_trait]
impl Source for S3Source {
    fn address(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.bucket)
    }

    async fn list(&self, prefix: &str, from: Option<&str>, limit: u32) -> Result<Page, SourceError> {
        self.page(prefix, limit, |request| request.set_continuation_token(from.map(str::to_owned)), from)
            .await
    }

    fn lists_from_any_key(&self) -> bool {
        true
    }

    async fn list_after(&self, prefix: &str, after: &str, limit: u32) -> Result<Page, SourceError> {
        self.page(prefix, limit, |request| request.start_after(after), None).await
    }

    async fn head(&self, key: &str) -> Result<ObjectInfo, SourceError> {
        let request = self
            .client
            .head_object()
            .bucket(&self.bucket)
            .set_expected_bucket_owner(self.owner.clone())
            .set_request_payer(self.payer.clone())
            .key(key);
        let head = request.send().await.map_err(|error| self.failure("HEAD", key, &error))?;
        let class = head.storage_class().map_or("STANDARD", |class| class.as_str());
        // No size is not an empty object: proxies in between lose the header.
        let size_bytes = head.content_length().and_then(|size| u64::try_from(size).ok());
        let size_bytes = size_bytes.ok_or_else(|| {
            self.broken("HEAD", key, "the answer does not tell the object's size".to_owned())
        })?;
        Ok(ObjectInfo {
            key: key.to_owned(),
            size_bytes,
            etag: unquoted(head.e_tag()),
            modified_at: timestamp(head.last_modified()),
            storage_class: class.to_owned(),
            is_archived: must_be_restored(class, &head),
        })
    }

    async fn read(
        &self,
        key: &str,
        etag: Option<&str>,
        range: Range<u64>,
    ) -> Result<ByteStream, SourceError> {
        if range.is_empty() {
            return Ok(futures::stream::empty().boxed());
        }
        let request = self
            .client
            .get_object()
            .bucket(&self.bucket)
            .set_expected_bucket_owner(self.owner.clone())
            .set_request_payer(self.payer.clone())
            .key(key)
            .range(format!("bytes={}-{}", range.start, range.end - 1))
            .set_if_match(etag.filter(|etag| !etag.is_empty()).map(|etag| format!("\"{etag}\"")));
        let object = request.send().await.map_err(|error| self.failure("GET", key, &error))?;
        let wrong = |kind, detail| SourceError { kind, operation: "GET", address: self.address(key), detail };
        // Not every store heeds If-Match.
        if let (Some(wanted), Some(_)) = (etag.filter(|etag| !etag.is_empty()), object.e_tag())
            && unquoted(object.e_tag()) != wanted
        {
            let detail =
                format!("asked for the version {wanted}, the store gives {}", unquoted(object.e_tag()));
            return Err(wrong(SourceErrorKind::Changed, detail));
        }
        let is_part = object.content_range().is_some();
        let given = match object.content_range() {
            Some(header) => parse_content_range(header).ok_or_else(|| {
                wrong(SourceErrorKind::Unavailable, format!("a content range that is none: `{header}`"))
            })?,
            None => 0..size(object.content_length()),
        };
        if given.start != range.start || given.end > range.end {
            let detail = format!("asked for bytes {range:?}, the store gives {given:?}");
            // A store without ranges stays one; another part than was asked for is a broken answer.
            return Err(match is_part {
                true => wrong(SourceErrorKind::Unavailable, detail),
                false => wrong(SourceErrorKind::Unsupported, format!("{detail}: {IGNORES_RANGES}")),
            });
        }
        if given.end < range.end {
            let detail = format!("asked for bytes {range:?}, the object ends at {}", given.end);
            return Err(wrong(SourceErrorKind::Changed, detail));
        }
        let body = Reading {
            body: object.body,
            left: range.end - range.start,
            asked: range.end - range.start,
            idle_limit: self.idle_limit,
            address: self.address(key),
        };
        Ok(futures::stream::try_unfold(Some(body), Reading::step).boxed())
    }
}

/// A body on its way.
struct Reading {
    body: Body,
    left: u64,
    asked: u64,
    idle_limit: Duration,
    address: String,
}

impl Reading {
    async fn step(reading: Option<Self>) -> Result<Option<(Bytes, Option<Self>)>, SourceError> {
        let Some(mut reading) = reading.filter(|reading| reading.left > 0) else { return Ok(None) };
        let broken = |reading: &Self, why: &str| {
            let got = reading.asked - reading.left;
            let detail = format!("the body broke after {got} of {} bytes: {why}", reading.asked);
            let address = reading.address.clone();
            SourceError { kind: SourceErrorKind::Unavailable, operation: "GET", address, detail }
        };
        match tokio::time::timeout(reading.idle_limit, reading.body.next()).await {
            Err(_) => Err(broken(&reading, &format!("nothing came for {:?}", reading.idle_limit))),
            Ok(None) => Err(broken(&reading, "it ended")),
            Ok(Some(Err(error))) => Err(broken(&reading, &chain(&error))),
            Ok(Some(Ok(bytes))) => {
                reading.left = reading
                    .left
                    .checked_sub(bytes.len() as u64)
                    .ok_or_else(|| broken(&reading, "it is longer than that"))?;
                Ok(Some((bytes, Some(reading))))
            }
        }
    }
}

/// `bytes 5-9/20` → 5..10.
fn parse_content_range(header: &str) -> Option<Range<u64>> {
    let (range, _) = header.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    Some(first.parse().ok()?..last.parse::<u64>().ok()?.checked_add(1)?)
}

/// Undoes `encoding-type=url`, where `+` is a space. Stores take no keys that are not UTF-8; should one come, it is
/// shown with replacement characters rather than hidden.
fn decode_key(encoded: &str) -> String {
    let spaced = encoded.replace('+', " ");
    percent_encoding::percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}

/// An object of a listing.
fn describe(object: &Object, is_encoded: bool) -> ObjectInfo {
    let key = object.key().unwrap_or_default();
    let class = object.storage_class().map_or("", |class| class.as_str());
    ObjectInfo {
        key: if is_encoded { decode_key(key) } else { key.to_owned() },
        size_bytes: size(object.size()),
        etag: unquoted(object.e_tag()),
        modified_at: timestamp(object.last_modified()),
        storage_class: class.to_owned(),
        is_archived: is_archive(class),
    }
}

fn size(given: Option<i64>) -> u64 {
    given.and_then(|size| u64::try_from(size).ok()).unwrap_or(0)
}

fn unquoted(etag: Option<&str>) -> String {
    etag.unwrap_or_default().trim_matches('"').to_owned()
}

fn timestamp(given: Option<&DateTime>) -> Option<Timestamp> {
    given?.to_millis().ok().map(Timestamp::from_millis)
}

fn is_archive(class: &str) -> bool {
    matches!(class, "GLACIER" | "DEEP_ARCHIVE")
}

fn must_be_restored(class: &str, head: &HeadObjectOutput) -> bool {
    let is_restored = head.restore().is_some_and(|told| told.contains("ongoing-request=\"false\""));
    (is_archive(class) || head.archive_status().is_some()) && !is_restored
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_listings_are_decoded() {
        for (encoded, key) in [
            ("plain.mp4", "plain.mp4"),
            ("a+b%2Bc.mp4", "a b+c.mp4"),
            ("100%25.mp4", "100%.mp4"),
            ("v%C3%AD%20deo.mp4", "ví deo.mp4"),
            ("a%2F%2Fb/c", "a//b/c"),
            ("tab%09.mp4", "tab\t.mp4"),
        ] {
            assert_eq!(decode_key(encoded), key);
        }
    }

    #[test]
    fn content_ranges_are_understood() {
        assert_eq!(parse_content_range("bytes 5-9/20"), Some(5..10));
        assert_eq!(parse_content_range("bytes 0-0/*"), Some(0..1));
        assert_eq!(parse_content_range("bytes */20"), None);
        assert_eq!(parse_content_range("5-9/20"), None);
    }
}
