//! A container of Azure Blob Storage. One request per call, never a second try: `Retry` does that. Keys are kept exactly.
//! Who asks is known to `credentials`, how pages are read to `listing`.

mod credentials;
mod listing;

use std::fmt;
use std::ops::Range;

use async_trait::async_trait;
use futures::StreamExt;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Request, Response};
use url::Url;

use self::credentials::Credentials;
use super::aws::parse_date;
use super::body::{self, text};
use super::endpoint::{Endpoint, EndpointPath};
use super::web::{Refusal, Web, whole};
use super::{ByteStream, ObjectInfo, Page, Source, SourceError, SourceErrorKind};
use crate::integration::{AzureAccess, AzureCredentials};
use crate::vault::Secret;

/// A page of 1000 names of 1024 letters, with everything that is told of each.
const PAGE_BYTES: usize = 32 << 20;
const ERROR_BYTES: usize = 64 << 10;
/// What stands for itself in a part of a path and in a query.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// The same, and the slashes between parts.
const PATH: &AsciiSet = &PLAIN.remove(b'/');

/// One container.
pub struct AzureSource {
    container: String,
    endpoint: String,
    credentials: Credentials,
    web: Web,
}

impl AzureSource {
    /// Asks nothing of any network yet. The secret is the account's key, a shared access signature or an application's
    /// secret, where there is one.
    ///
    /// # Errors
    /// `Unsupported` or `Denied` for an endpoint or account that is none, `Credentials` for a secret that is none.
    pub fn new(
        container: impl Into<String>,
        access: &AzureAccess,
        secret: Option<&Secret>,
        web: Web,
    ) -> Result<Self, SourceError> {
        let container = container.into();
        let refuse = |kind, detail: &str| Refusal::new(kind, detail).at("OPEN", format!("az://{container}"));
        let account = &access.account;
        // It becomes a part of the host.
        let is_account = (3..=24).contains(&account.len())
            && account.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if !is_account {
            let detail = "the name of a storage account has 3 to 24 small letters and digits";
            return Err(refuse(SourceErrorKind::Unsupported, detail));
        }
        let endpoint = match &access.endpoint {
            Some(_) if access.credentials == AzureCredentials::Instance => {
                let detail = "this server's own credentials are sent to Azure alone, not to another endpoint";
                return Err(refuse(SourceErrorKind::Denied, detail));
            }
            Some(endpoint) => {
                Endpoint::parse(endpoint, EndpointPath::OnePart, web.guard())?.as_str().to_owned()
            }
            None => format!("https://{account}.blob.core.windows.net"),
        };
        let credentials = Credentials::new(access, secret);
        let credentials = credentials.map_err(|why| why.at("OPEN", format!("az://{container}")))?;
        Ok(Self { container, endpoint, credentials, web })
    }

    /// The URL of the container, or of a blob in it, with these parameters.
    fn url(&self, key: Option<&str>, parameters: &[(&str, &str)]) -> Result<Url, Refusal> {
        let encoded = |text: &str, plain| utf8_percent_encode(text, plain).to_string();
        let mut url = format!("{}/{}", self.endpoint, encoded(&self.container, PLAIN));
        if let Some(key) = key {
            if matches!(key, "" | "." | "..") {
                return Err(Refusal::new(SourceErrorKind::NotFound, "no blob can have this name"));
            }
            // Parts of dots would be taken for steps, unless they are no parts.
            let has_steps = key.split('/').any(|part| matches!(part, "." | ".."));
            url.push('/');
            url.push_str(&encoded(key, if has_steps { PLAIN } else { PATH }));
        }
        for (number, (name, value)) in parameters.iter().enumerate() {
            url.push(if number == 0 { '?' } else { '&' });
            url.push_str(&format!("{name}={}", encoded(value, PLAIN)));
        }
        Url::parse(&url).map_err(|error| Refusal::new(SourceErrorKind::Unsupported, error.to_string()))
    }

    async fn send(&self, method: Method, url: Url, headers: HeaderMap) -> Result<Response, Refusal> {
        let mut request = Request::new(method, url);
        *request.headers_mut() = headers;
        let answer = self.web.send(self.credentials.sign(request).await?).await?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let why = refused(answer).await;
        Err(Refusal { detail: self.credentials.without_secrets(why.detail), ..why })
    }

    async fn try_list(&self, prefix: &str, from: Option<&str>, limit: u32) -> Result<Page, Refusal> {
        let limit = limit.clamp(1, 1000).to_string();
        let mut parameters = vec![("restype", "container"), ("comp", "list"), ("maxresults", &limit)];
        parameters.extend((!prefix.is_empty()).then_some(("prefix", prefix)));
        parameters.extend(from.map(|marker| ("marker", marker)));
        let answer = self.send(Method::GET, self.url(None, &parameters)?, HeaderMap::new()).await?;
        let xml = whole(answer, PAGE_BYTES).await?;
        let broken =
            |why: String| Refusal::new(SourceErrorKind::Unavailable, format!("a broken answer: {why}"));
        let page = listing::parse(std::str::from_utf8(&xml).map_err(|error| broken(error.to_string()))?);
        let page = page.map_err(broken)?;
        if page.next.is_some() && page.next.as_deref() == from {
            return Err(broken("there are more, but it is not said where they begin".to_owned()));
        }
        Ok(page)
    }

    async fn try_head(&self, key: &str) -> Result<ObjectInfo, Refusal> {
        let answer = self.send(Method::HEAD, self.url(Some(key), &[])?, HeaderMap::new()).await?;
        let told = |name: HeaderName| text(answer.headers(), name).unwrap_or_default();
        let tier = told(HeaderName::from_static("x-ms-access-tier"));
        Ok(ObjectInfo {
            key: key.to_owned(),
            size_bytes: told(header::CONTENT_LENGTH).parse().unwrap_or(0),
            etag: told(header::ETAG).trim_matches('"').to_owned(),
            modified_at: parse_date(told(header::LAST_MODIFIED)),
            storage_class: tier.to_owned(),
            is_archived: is_archive(tier),
        })
    }

    async fn try_read(
        &self,
        key: &str,
        etag: Option<&str>,
        range: &Range<u64>,
    ) -> Result<ByteStream, Refusal> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        headers.extend(body::range_header(range).parse().ok().map(|value| (header::RANGE, value)));
        let wanted = etag.and_then(|etag| format!("\"{etag}\"").parse().ok());
        headers.extend(wanted.map(|value| (header::IF_MATCH, value)));
        let answer = self.send(Method::GET, self.url(Some(key), &[])?, headers).await?;
        body::ranged(answer, range, &self.address(key))
    }
}

/// Blobs of this tier must be brought back before they can be read.
fn is_archive(tier: &str) -> bool {
    tier == "Archive"
}

impl fmt::Debug for AzureSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AzureSource")
            .field("container", &self.container)
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Source for AzureSource {
    fn address(&self, key: &str) -> String {
        format!("az://{}/{key}", self.container)
    }

    async fn list(&self, prefix: &str, from: Option<&str>, limit: u32) -> Result<Page, SourceError> {
        self.try_list(prefix, from, limit).await.map_err(|why| why.at("LIST", self.address(prefix)))
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

/// What an answer that is no success means, with the store's own words.
async fn refused(answer: Response) -> Refusal {
    let status = answer.status().as_u16();
    let code = text(answer.headers(), "x-ms-error-code").map(str::to_owned);
    let id = text(answer.headers(), "x-ms-request-id").map(str::to_owned);
    let words = whole(answer, ERROR_BYTES).await.unwrap_or_default();
    let words = String::from_utf8_lossy(&words);
    let code = code.or_else(|| element(&words, "Code").map(str::to_owned)).unwrap_or_default();
    let mut detail = status.to_string();
    if !code.is_empty() {
        detail.push_str(&format!(" {code}"));
    }
    // Its later lines tell the request again, and the time.
    if let Some(message) = element(&words, "Message").and_then(|message| message.lines().next()) {
        detail.push_str(&format!(": {}", message.trim()));
    }
    if let Some(id) = id {
        detail.push_str(&format!(" (request id {id})"));
    }
    Refusal::new(kind_of(status, &code), detail)
}

/// The text of the first such element.
fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, behind) = xml.split_once(&format!("<{name}>"))?;
    behind.split_once(&format!("</{name}>")).map(|(text, _)| text)
}

fn kind_of(status: u16, code: &str) -> SourceErrorKind {
    use SourceErrorKind as Kind;
    match (status, code) {
        (_, "BlobArchived" | "BlobBeingRehydrated") => Kind::Archived,
        (_, "ContainerBeingDeleted" | "ContainerNotFound" | "BlobNotFound") | (404, _) => Kind::NotFound,
        (_, "AuthenticationFailed" | "InvalidAuthenticationInfo" | "ExpiredAuthenticationToken") => {
            Kind::Credentials
        }
        (_, "PublicAccessNotPermitted") | (401 | 403, _) => Kind::Denied,
        (_, "ServerBusy") | (429, _) => Kind::Throttled,
        (304 | 412 | 416, _) => Kind::Changed,
        (408 | 500..=599, _) => Kind::Unavailable,
        _ => Kind::Unsupported,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_mean_what_azure_documents() {
        use SourceErrorKind::*;
        for (status, code, kind) in [
            (400, "InvalidQueryParameterValue", Unsupported),
            (401, "NoAuthenticationInformation", Denied),
            (401, "InvalidAuthenticationInfo", Credentials),
            (403, "AuthenticationFailed", Credentials),
            (403, "AuthorizationFailure", Denied),
            (403, "AuthorizationPermissionMismatch", Denied),
            (403, "", Denied),
            (404, "BlobNotFound", NotFound),
            (404, "ContainerNotFound", NotFound),
            (404, "ResourceNotFound", NotFound),
            (409, "BlobArchived", Archived),
            (409, "BlobBeingRehydrated", Archived),
            (409, "ContainerBeingDeleted", NotFound),
            (409, "PublicAccessNotPermitted", Denied),
            (412, "ConditionNotMet", Changed),
            (416, "InvalidRange", Changed),
            (429, "", Throttled),
            (500, "InternalError", Unavailable),
            (503, "ServerBusy", Throttled),
            (503, "", Unavailable),
        ] {
            assert_eq!(kind_of(status, code), kind, "{status} {code}");
        }
    }
}
