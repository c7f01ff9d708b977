//! A bucket of Google Cloud Storage, by its JSON interface. One request per call, never a second try: `Retry` does that.
//! Keys are kept exactly. Who asks is known to `credentials`.

mod credentials;

use std::fmt;
use std::ops::Range;

use async_trait::async_trait;
use futures::StreamExt;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{self, HeaderMap, HeaderValue};
use reqwest::{Method, Request, Response, StatusCode};
use serde::Deserialize;
use url::Url;

use self::credentials::Credentials;
use super::body::{self, text};
use super::endpoint::{Endpoint, EndpointPath};
use super::web::{Refusal, Web, whole};
use super::{ByteStream, ObjectInfo, Page, Source, SourceError, SourceErrorKind};
use crate::integration::{GcsAccess, GcsCredentials};
use crate::time::Timestamp;
use crate::vault::Secret;

const GOOGLE: &str = "https://storage.googleapis.com";
/// A page of 1000 keys of 1024 bytes, each of them written as an escape.
const PAGE_BYTES: usize = 16 << 20;
const ERROR_BYTES: usize = 64 << 10;
/// What stands for itself in a part of a path and in a query.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// The fields of an object that are asked for.
const FIELDS: &str = "name,size,generation,updated,storageClass";
const GENERATION: &str = "x-goog-generation";

/// Where a page begins.
#[derive(Debug, Clone, Copy)]
enum Begin<'a> {
    Start,
    /// Where another page ended.
    Page(&'a str),
    /// At this key.
    Key(&'a str),
}

/// One bucket. Its objects' versions are their generations.
pub struct GcsSource {
    bucket: String,
    endpoint: String,
    credentials: Credentials,
    user_project: Option<String>,
    web: Web,
}

impl GcsSource {
    /// Asks nothing of any network yet. The secret is the key file of a service account, where there is one.
    ///
    /// # Errors
    /// `Unsupported` or `Denied` for an endpoint that is none, `Credentials` for a key file that is none.
    pub fn new(
        bucket: impl Into<String>,
        access: &GcsAccess,
        secret: Option<&Secret>,
        web: Web,
    ) -> Result<Self, SourceError> {
        let bucket = bucket.into();
        let endpoint = match &access.endpoint {
            Some(endpoint) => {
                let endpoint = Endpoint::parse(endpoint, EndpointPath::Refused, web.guard())?;
                if access.credentials == GcsCredentials::Instance {
                    let detail =
                        "this server's own credentials are sent to Google alone, not to another endpoint";
                    return Err(
                        Refusal::new(SourceErrorKind::Denied, detail).at("OPEN", format!("gs://{bucket}"))
                    );
                }
                endpoint.as_str().to_owned()
            }
            None => GOOGLE.to_owned(),
        };
        let credentials = Credentials::new(&access.credentials, secret);
        let credentials = credentials.map_err(|why| why.at("OPEN", format!("gs://{bucket}")))?;
        Ok(Self { bucket, endpoint, credentials, user_project: access.user_project.clone(), web })
    }

    /// The URL of the bucket's objects, or of one, with these parameters.
    fn url(&self, key: Option<&str>, parameters: &[(&str, &str)]) -> Result<Url, Refusal> {
        let encoded = |text: &str| utf8_percent_encode(text, PLAIN).to_string();
        let mut url = format!("{}/storage/v1/b/{}/o", self.endpoint, encoded(&self.bucket));
        if let Some(key) = key {
            if matches!(key, "" | "." | "..") {
                return Err(Refusal::new(SourceErrorKind::NotFound, "no object can have this name"));
            }
            url.push('/');
            url.push_str(&encoded(key));
        }
        let project = self.user_project.as_deref().map(|project| ("userProject", project));
        for (number, (name, value)) in parameters.iter().copied().chain(project).enumerate() {
            url.push(if number == 0 { '?' } else { '&' });
            url.push_str(&format!("{name}={}", encoded(value)));
        }
        Url::parse(&url).map_err(|error| Refusal::new(SourceErrorKind::Unsupported, error.to_string()))
    }

    async fn get(&self, url: Url, headers: HeaderMap) -> Result<Response, Refusal> {
        let mut request = Request::new(Method::GET, url);
        *request.headers_mut() = headers;
        if let Some(bearer) = self.credentials.bearer().await? {
            request.headers_mut().insert(header::AUTHORIZATION, bearer);
        }
        let answer = self.web.send(request).await?;
        if answer.status().is_success() { Ok(answer) } else { Err(refused(answer).await) }
    }

    async fn get_json<T: for<'a> Deserialize<'a>>(&self, url: Url) -> Result<T, Refusal> {
        let answer = self.get(url, HeaderMap::new()).await?;
        let json = whole(answer, PAGE_BYTES).await?;
        let broken = |error| Refusal::new(SourceErrorKind::Unavailable, format!("a broken answer: {error}"));
        serde_json::from_slice(&json).map_err(broken)
    }

    async fn try_list(&self, prefix: &str, from: Begin<'_>, limit: u32) -> Result<Page, Refusal> {
        let (fields, limit) = (format!("nextPageToken,items({FIELDS})"), limit.clamp(1, 1000).to_string());
        let mut parameters = vec![("prefix", prefix), ("maxResults", &limit), ("fields", &fields)];
        match from {
            Begin::Start => {}
            Begin::Page(token) => parameters.push(("pageToken", token)),
            Begin::Key(key) => parameters.push(("startOffset", key)),
        }
        let page: Listing = self.get_json(self.url(None, &parameters)?).await?;
        let next = page.next_page_token.filter(|token| !token.is_empty());
        if matches!((&next, from), (Some(next), Begin::Page(from)) if next == from) {
            let detail = "the page says that there are more, but not where they begin";
            return Err(Refusal::new(SourceErrorKind::Unavailable, detail));
        }
        Ok(Page { objects: page.items.into_iter().map(Object::into_info).collect(), next })
    }

    /// The store begins with the key itself, if it is there.
    async fn try_list_after(&self, prefix: &str, after: &str, limit: u32) -> Result<Page, Refusal> {
        let mut page = self.try_list(prefix, Begin::Key(after), limit).await?;
        page.objects.retain(|object| object.key != after);
        Ok(page)
    }

    async fn try_head(&self, key: &str) -> Result<ObjectInfo, Refusal> {
        let object: Object = self.get_json(self.url(Some(key), &[("fields", FIELDS)])?).await?;
        Ok(object.into_info())
    }

    async fn try_read(
        &self,
        key: &str,
        etag: Option<&str>,
        range: &Range<u64>,
    ) -> Result<ByteStream, Refusal> {
        let mut parameters = vec![("alt", "media")];
        parameters.extend(etag.map(|generation| ("ifGenerationMatch", generation)));
        let mut headers = HeaderMap::new();
        // Else a file that was put in compressed comes out unpacked, with other bytes than its size says.
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        headers.extend(body::range_header(range).parse().ok().map(|value| (header::RANGE, value)));
        let answer = self.get(self.url(Some(key), &parameters)?, headers).await?;
        // Not every store that speaks so keeps to the condition.
        let found = text(answer.headers(), GENERATION).unwrap_or_default();
        if let Some(wanted) = etag.filter(|wanted| *wanted != found) {
            let detail = format!("asked for generation {wanted}, the store gives `{found}`");
            return Err(Refusal::new(SourceErrorKind::Changed, detail));
        }
        body::ranged(answer, range, &self.address(key))
    }
}

impl fmt::Debug for GcsSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GcsSource")
            .field("bucket", &self.bucket)
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Source for GcsSource {
    fn address(&self, key: &str) -> String {
        format!("gs://{}/{key}", self.bucket)
    }

    async fn list(&self, prefix: &str, from: Option<&str>, limit: u32) -> Result<Page, SourceError> {
        let from = from.map_or(Begin::Start, Begin::Page);
        self.try_list(prefix, from, limit).await.map_err(|why| why.at("LIST", self.address(prefix)))
    }

    fn lists_from_any_key(&self) -> bool {
        true
    }

    async fn list_after(&self, prefix: &str, after: &str, limit: u32) -> Result<Page, SourceError> {
        let page = self.try_list_after(prefix, after, limit).await;
        page.map_err(|why| why.at("LIST", self.address(prefix)))
    }

    async fn head(&self, key: &str) -> Result<ObjectInfo, SourceError> {
        self.try_head(key).await.map_err(|why| why.at("HEAD", self.address(key)))
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
        let etag = etag.filter(|etag| !etag.is_empty());
        self.try_read(key, etag, &range).await.map_err(|why| why.at("GET", self.address(key)))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listing {
    #[serde(default)]
    items: Vec<Object>,
    #[serde(default)]
    next_page_token: Option<String>,
}

/// An object as Google tells it: numbers are texts.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Object {
    name: String,
    #[serde(default)]
    size: String,
    #[serde(default)]
    generation: String,
    updated: Option<Timestamp>,
    #[serde(default)]
    storage_class: String,
}

impl Object {
    fn into_info(self) -> ObjectInfo {
        ObjectInfo {
            key: self.name,
            size_bytes: self.size.parse().unwrap_or(0),
            etag: self.generation,
            modified_at: self.updated,
            storage_class: self.storage_class,
            // The class `ARCHIVE` is read like any other, only dearer.
            is_archived: false,
        }
    }
}

#[derive(Deserialize)]
struct Told {
    error: ToldError,
}

#[derive(Deserialize)]
struct ToldError {
    #[serde(default)]
    message: String,
    #[serde(default)]
    errors: Vec<Reason>,
}

#[derive(Deserialize)]
struct Reason {
    #[serde(default)]
    reason: String,
}

/// What an answer that is no success means, with the store's own words.
async fn refused(answer: Response) -> Refusal {
    let status = answer.status();
    let words = whole(answer, ERROR_BYTES).await.unwrap_or_default();
    let told = serde_json::from_slice(&words).ok().map(|Told { error }| error);
    let reason = told.as_ref().and_then(|told| told.errors.first()).map_or("", |first| &first.reason);
    let message = match &told {
        Some(told) => told.message.clone(),
        // Reads are refused in plain text.
        None => String::from_utf8_lossy(&words).chars().take(300).collect(),
    };
    let mut detail = status.as_u16().to_string();
    if !reason.is_empty() {
        detail.push_str(&format!(" {reason}"));
    }
    if !message.trim().is_empty() {
        detail.push_str(&format!(": {}", message.trim()));
    }
    Refusal::new(kind_of(status, reason, &message), detail)
}

fn kind_of(status: StatusCode, reason: &str, message: &str) -> SourceErrorKind {
    use SourceErrorKind as Kind;
    match (status.as_u16(), reason) {
        (404, _) => Kind::NotFound,
        (401, _) => Kind::Credentials,
        (_, "rateLimitExceeded" | "userRateLimitExceeded") | (429, _) => Kind::Throttled,
        (403, _) => Kind::Denied,
        // A project that pays must be named: a setting that is missing, not a request that nobody understands.
        (400, "required") if message.contains("requester pays") => Kind::Denied,
        (304 | 412 | 416, _) => Kind::Changed,
        (408 | 500..=599, _) => Kind::Unavailable,
        _ => Kind::Unsupported,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_mean_what_google_documents() {
        use SourceErrorKind::*;
        for (status, reason, message, kind) in [
            (400, "required", "Bucket is a requester pays bucket but no user project provided.", Denied),
            (400, "invalid", "", Unsupported),
            (401, "authError", "Invalid Credentials", Credentials),
            (401, "required", "Anonymous caller does not have storage.objects.get access", Credentials),
            (403, "forbidden", "", Denied),
            (403, "userRateLimitExceeded", "", Throttled),
            (404, "notFound", "", NotFound),
            (408, "", "", Unavailable),
            (412, "conditionNotMet", "", Changed),
            (416, "requestedRangeNotSatisfiable", "", Changed),
            (429, "rateLimitExceeded", "", Throttled),
            (500, "backendError", "", Unavailable),
            (503, "", "", Unavailable),
            (302, "", "", Unsupported),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(kind_of(status, reason, message), kind, "{status} {reason}");
        }
    }
}
