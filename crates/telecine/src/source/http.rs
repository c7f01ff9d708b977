//! Direct links. Every address that is connected to was checked before, at every redirect anew: a link that a user gives
//! must not make this server ask its own network. Knows no task.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use reqwest::header::{self, HeaderMap, HeaderValue};
use reqwest::{Method, Request, Response, StatusCode};
use url::Url;

use super::body::{self, ContentRange, text};
use super::guard::Guard;
use super::web::{self, Web};
use super::{ByteStream, Count, ObjectInfo, Page, Retry, RetryPolicy, Source, SourceError, SourceErrorKind};
use crate::config::UrlConfig;

/// Redirects that are followed.
const MAX_REDIRECTS: usize = 5;

/// Opens direct links.
#[derive(Debug, Clone)]
pub struct Links {
    web: Web,
    retry: RetryPolicy,
}

impl Links {
    /// Hosts that may lie at private addresses are the operator's to name.
    ///
    /// # Errors
    /// When there is no TLS to be had.
    pub fn new(config: &UrlConfig) -> anyhow::Result<Self> {
        Self::guarded(Guard::new(config))
    }

    /// Within a rule of one's own about hosts.
    ///
    /// # Errors
    /// When there is no TLS to be had.
    pub fn guarded(guard: Guard) -> anyhow::Result<Self> {
        Ok(Self::over(Web::new(guard)?))
    }

    /// With clients that are there already.
    pub(super) fn over(web: Web) -> Self {
        Self { web, retry: RetryPolicy::default() }
    }

    /// With another policy of retries.
    #[must_use]
    pub fn retry(self, retry: RetryPolicy) -> Self {
        Self { retry, ..self }
    }

    /// The file behind a link, as a source with one object, whose key is empty. Asks how large it is, and whether it
    /// can be had in ranges.
    ///
    /// # Errors
    /// `Unsupported` for what is no direct link, `Denied` for addresses that are not public, and what the server
    /// answers.
    pub async fn open(&self, link: &str) -> Result<Arc<dyn Source>, SourceError> {
        let link = self.check(link)?;
        let file = self.again(|| HttpSource::open(self.clone(), link.clone())).await?;
        Ok(Arc::new(Retry::new(Count::new(file, "http"), self.retry)))
    }

    /// The whole of a small file, such as captions.
    ///
    /// # Errors
    /// As [`Links::open`]; `Unsupported` when it has more bytes than `limit`.
    pub async fn fetch(&self, link: &str, limit: usize) -> Result<Bytes, SourceError> {
        let link = self.check(link)?;
        self.again(|| async {
            let answer = self.get(&link, HeaderMap::new()).await?;
            web::whole(answer, limit).await.map_err(|why| why.at("GET", link.to_string()))
        })
        .await
    }

    /// Tries again what may succeed by itself.
    pub(super) async fn again<T, F: Future<Output = Result<T, SourceError>>>(
        &self,
        request: impl Fn() -> F,
    ) -> Result<T, SourceError> {
        let mut attempts = super::retry::Attempts::new(self.retry);
        loop {
            match request().await {
                Ok(value) => return Ok(value),
                Err(error) => attempts.again(error).await?,
            }
        }
    }

    /// What can be told of a link before it is asked.
    pub(super) fn check(&self, link: &str) -> Result<Url, SourceError> {
        let url = Url::parse(link.trim()).map_err(|error| SourceError {
            kind: SourceErrorKind::Unsupported,
            operation: "GET",
            address: link.chars().take(2000).collect(),
            detail: format!("not a URL: {error}"),
        })?;
        self.check_url(&url)?;
        Ok(url)
    }

    /// Whether the operator allows the host, wherever it lies.
    pub(super) fn is_allowed(&self, link: &Url) -> bool {
        self.web.guard().is_allowed(link)
    }

    fn check_url(&self, url: &Url) -> Result<(), SourceError> {
        let refuse = |kind, detail: &str| Err(failure("GET", url, kind, detail.to_owned()));
        if !matches!(url.scheme(), "http" | "https") {
            return refuse(SourceErrorKind::Unsupported, "only http and https are read");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return refuse(SourceErrorKind::Unsupported, "a link with a user or password is not taken");
        }
        self.web.guard().check(url).or_else(|why| refuse(SourceErrorKind::Denied, why))
    }

    /// Sends a GET and follows redirects, each checked like the first.
    async fn get(&self, link: &Url, headers: HeaderMap) -> Result<Response, SourceError> {
        let mut url = link.clone();
        for _ in 0..=MAX_REDIRECTS {
            self.check_url(&url)?;
            let mut request = Request::new(Method::GET, url.clone());
            *request.headers_mut() = headers.clone();
            // What is measured and hashed is the file, not its compressed form.
            request.headers_mut().insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
            let answer = self.web.send(request).await.map_err(|why| why.at("GET", url.to_string()))?;
            if !matches!(answer.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
                return refused(&url, answer);
            }
            let target = answer.headers().get(header::LOCATION).and_then(|to| to.to_str().ok());
            url = target.and_then(|to| url.join(to).ok()).ok_or_else(|| {
                let detail = format!("{} without a place to go", answer.status());
                failure("GET", &url, SourceErrorKind::Unsupported, detail)
            })?;
        }
        let detail = format!("more than {MAX_REDIRECTS} redirects");
        Err(failure("GET", link, SourceErrorKind::Unsupported, detail))
    }
}

/// An answer that is no success, as a failure.
fn refused(url: &Url, answer: Response) -> Result<Response, SourceError> {
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    let kind = match status {
        StatusCode::NOT_FOUND | StatusCode::GONE => SourceErrorKind::NotFound,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => SourceErrorKind::Denied,
        StatusCode::PRECONDITION_FAILED | StatusCode::RANGE_NOT_SATISFIABLE => SourceErrorKind::Changed,
        StatusCode::TOO_MANY_REQUESTS => SourceErrorKind::Throttled,
        StatusCode::REQUEST_TIMEOUT => SourceErrorKind::Unavailable,
        _ if status.is_server_error() => SourceErrorKind::Unavailable,
        _ => SourceErrorKind::Unsupported,
    };
    Err(failure("GET", url, kind, format!("the server answers {status}")))
}

fn failure(operation: &'static str, url: &Url, kind: SourceErrorKind, detail: String) -> SourceError {
    SourceError { kind, operation, address: url.to_string(), detail }
}

/// The file behind one link. Each read begins at the link itself, for what it leads to may be valid for a short time
/// only.
pub struct HttpSource {
    links: Links,
    link: Url,
    info: ObjectInfo,
    has_ranges: bool,
}

impl fmt::Debug for HttpSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HttpSource").field(&self.link.as_str()).finish()
    }
}

impl HttpSource {
    /// Asks how large it is, which version, and whether it can be had in ranges.
    pub(super) async fn open(links: Links, link: Url) -> Result<Self, SourceError> {
        // Not HEAD: some servers refuse it, and links that are signed for GET are not valid for it.
        let answer = match links.get(&link, range_headers(&(0..1), None)).await {
            // An empty file has no first byte.
            Err(error) if error.kind == SourceErrorKind::Changed => {
                links.get(&link, HeaderMap::new()).await?
            }
            answer => answer?,
        };
        let (has_ranges, size) = match answer.status() {
            StatusCode::PARTIAL_CONTENT => {
                (true, ContentRange::of(answer.headers()).and_then(|told| told.size))
            }
            _ => (false, answer.content_length()),
        };
        let Some(size_bytes) = size else {
            let detail = "the server does not say how large the file is".to_owned();
            return Err(failure("GET", &link, SourceErrorKind::Unsupported, detail));
        };
        let modified_at = text(answer.headers(), header::LAST_MODIFIED).and_then(super::aws::parse_date);
        let etag = version(answer.headers());
        let info = ObjectInfo { size_bytes, etag, modified_at, ..ObjectInfo::unknown("") };
        Ok(Self { links, link, info, has_ranges })
    }

    /// Without asking: for a read whose range and version are known.
    pub(super) fn unasked(links: Links, link: Url) -> Self {
        Self { links, link, info: ObjectInfo::unknown(""), has_ranges: true }
    }

    pub(super) fn into_info(self) -> ObjectInfo {
        self.info
    }

    fn wrong(&self, kind: SourceErrorKind, detail: String) -> SourceError {
        failure("GET", &self.link, kind, detail)
    }

    fn check_key(&self, operation: &'static str, key: &str) -> Result<(), SourceError> {
        if key.is_empty() {
            return Ok(());
        }
        let detail = format!("a link has one object, whose key is empty, not `{key}`");
        Err(failure(operation, &self.link, SourceErrorKind::NotFound, detail))
    }
}

#[async_trait]
impl Source for HttpSource {
    fn address(&self, _: &str) -> String {
        self.link.to_string()
    }

    fn has_ranges(&self) -> bool {
        self.has_ranges
    }

    async fn list(&self, prefix: &str, from: Option<&str>, _: u32) -> Result<Page, SourceError> {
        let is_wanted = prefix.is_empty() && from.is_none();
        Ok(Page { objects: is_wanted.then(|| self.info.clone()).into_iter().collect(), next: None })
    }

    async fn head(&self, key: &str) -> Result<ObjectInfo, SourceError> {
        self.check_key("HEAD", key)?;
        let now = Self::open(self.links.clone(), self.link.clone()).await?;
        Ok(now.info)
    }

    async fn read(
        &self,
        key: &str,
        etag: Option<&str>,
        range: Range<u64>,
    ) -> Result<ByteStream, SourceError> {
        self.check_key("GET", key)?;
        if range.is_empty() {
            return Ok(futures::stream::empty().boxed());
        }
        if range.start > 0 && !self.has_ranges {
            let detail = "the server gives the file only from its start".to_owned();
            return Err(self.wrong(SourceErrorKind::Unsupported, detail));
        }
        let etag = etag.filter(|etag| !etag.is_empty());
        let answer = self.links.get(&self.link, range_headers(&range, etag)).await?;
        let found = version(answer.headers());
        if let Some(wanted) = etag.filter(|wanted| *wanted != found) {
            let detail = format!("asked for version {wanted}, the server gives `{found}`");
            return Err(self.wrong(SourceErrorKind::Changed, detail));
        }
        let body = body::ranged(answer, &range, self.link.as_str());
        body.map_err(|why| why.at("GET", self.link.to_string()))
    }
}

fn range_headers(range: &Range<u64>, etag: Option<&str>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.extend(body::range_header(range).parse().ok().map(|value| (header::RANGE, value)));
    // Weak tags and times do not hold for ranges; for them, what the answer says is compared.
    let strong = etag.filter(|etag| !etag.starts_with("W/") && !etag.starts_with(MODIFIED));
    let quoted = strong.and_then(|etag| format!("\"{etag}\"").parse().ok());
    headers.extend(quoted.map(|value| (header::IF_MATCH, value)));
    headers
}

const MODIFIED: &str = "modified ";

/// What tells versions apart: the ETag (a weak one with its `W/`), else the time of the last change; empty where there is
/// neither.
fn version(headers: &HeaderMap) -> String {
    match (text(headers, header::ETAG), text(headers, header::LAST_MODIFIED)) {
        (Some(weak), _) if weak.starts_with("W/") => weak.to_owned(),
        (Some(strong), _) => strong.trim_matches('"').to_owned(),
        (None, Some(modified)) => format!("{MODIFIED}{modified}"),
        (None, None) => String::new(),
    }
}
