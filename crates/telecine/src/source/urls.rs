//! A list of direct links as a source: the key of an object is its link, exactly as listed. Nothing that is not listed
//! is asked for. How links are asked, and which may be, is known to `http` alone.

use std::ops::Range;
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use url::Url;

use super::http::{HttpSource, Links};
use super::{ByteStream, ObjectInfo, Page, Source, SourceError, SourceErrorKind};

/// Links in a list.
pub const MAX_URLS: usize = 100_000;
/// Bytes of a link.
pub const MAX_URL_BYTES: usize = 1024;
/// A page asks for each of its links, so it is short: it must not take minutes where servers are slow.
const PAGE: usize = 100;
/// Links that are asked at once for a page.
const AT_ONCE: usize = 16;
/// A link that says nothing of itself for this long is listed as one of which nothing is known.
const PATIENCE: Duration = Duration::from_secs(20);

/// Direct links under one name.
#[derive(Debug)]
pub struct UrlListSource {
    name: String,
    links: Links,
    /// Sorted by bytes, each once.
    urls: Vec<String>,
}

impl UrlListSource {
    /// Asks nothing of any server yet. Links are those of the web (`https`); `http` is for hosts that the operator
    /// allows.
    ///
    /// # Errors
    /// `Unsupported` for what is no such link and for more than is allowed, `Denied` for addresses that are not public;
    /// the link is told.
    pub fn new(name: impl Into<String>, links: Links, mut urls: Vec<String>) -> Result<Self, SourceError> {
        let name = name.into();
        let refuse = |detail: String| {
            let kind = SourceErrorKind::Unsupported;
            SourceError { kind, operation: "OPEN", address: format!("urls://{name}"), detail }
        };
        if urls.len() > MAX_URLS {
            return Err(refuse(format!("{} links, of which at most {MAX_URLS} are taken", urls.len())));
        }
        if let Some(long) = urls.iter().find(|url| url.len() > MAX_URL_BYTES) {
            let begin: String = long.chars().take(80).collect();
            let detail = format!("the link `{begin}…` has {} bytes, of {MAX_URL_BYTES} at most", long.len());
            return Err(refuse(detail));
        }
        for url in &urls {
            let link = links.check(url)?;
            if link.scheme() != "https" && !links.is_allowed(&link) {
                return Err(refuse(format!("`{url}` is not encrypted: only https links are listed")));
            }
        }
        urls.sort_unstable();
        urls.dedup();
        Ok(Self { name, links, urls })
    }

    fn link(&self, operation: &'static str, key: &str) -> Result<Url, SourceError> {
        if self.urls.binary_search_by(|url| url.as_str().cmp(key)).is_err() {
            let (kind, detail) = (SourceErrorKind::NotFound, "the list has no such link".to_owned());
            return Err(SourceError { kind, operation, address: self.address(key), detail });
        }
        self.links.check(key).map_err(|error| self.told(key, error))
    }

    /// With the address by which the object is known here.
    fn told(&self, key: &str, error: SourceError) -> SourceError {
        SourceError { address: self.address(key), ..error }
    }

    /// What the link says of itself; a failure must not hide the others, so nothing is known then.
    async fn listed(&self, key: &str) -> ObjectInfo {
        match tokio::time::timeout(PATIENCE, self.head(key)).await {
            Ok(Ok(info)) => return info,
            Ok(Err(error)) => tracing::debug!(%error, "a listed link could not be asked"),
            Err(_) => tracing::debug!(address = self.address(key), "a listed link did not answer in time"),
        }
        ObjectInfo::unknown(key)
    }
}

#[async_trait]
impl Source for UrlListSource {
    fn address(&self, key: &str) -> String {
        format!("urls://{}/{key}", self.name)
    }

    /// A page goes on behind the last link of the one before.
    async fn list(&self, prefix: &str, from: Option<&str>, limit: u32) -> Result<Page, SourceError> {
        let begin = match from {
            Some(last) => self.urls.partition_point(|url| url.as_str() <= last),
            None => self.urls.partition_point(|url| url.as_str() < prefix),
        };
        let mut wanted = self.urls[begin..].iter().take_while(|url| url.starts_with(prefix));
        let page: Vec<&String> = wanted.by_ref().take((limit.max(1) as usize).min(PAGE)).collect();
        let next = wanted.next().and(page.last()).map(|last| (*last).clone());
        let asked: Vec<_> = page.into_iter().map(|url| self.listed(url)).collect();
        Ok(Page { objects: futures::stream::iter(asked).buffered(AT_ONCE).collect().await, next })
    }

    async fn head(&self, key: &str) -> Result<ObjectInfo, SourceError> {
        let link = self.link("HEAD", key)?;
        let opened = self.links.again(|| HttpSource::open(self.links.clone(), link.clone())).await;
        let info = opened.map_err(|error| self.told(key, error))?.into_info();
        Ok(ObjectInfo { key: key.to_owned(), ..info })
    }

    async fn read(
        &self,
        key: &str,
        etag: Option<&str>,
        range: Range<u64>,
    ) -> Result<ByteStream, SourceError> {
        let file = HttpSource::unasked(self.links.clone(), self.link("GET", key)?);
        let body = file.read("", etag, range).await.map_err(|error| self.told(key, error))?;
        let address = self.address(key);
        Ok(body
            .map(move |piece| piece.map_err(|error| SourceError { address: address.clone(), ..error }))
            .boxed())
    }
}
