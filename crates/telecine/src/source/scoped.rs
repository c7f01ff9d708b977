//! A wrapper that keeps to the keys of a prefix: what lies beside it is neither listed nor read, whatever the credentials
//! would allow.

use std::ops::Range;

use async_trait::async_trait;

use super::{ByteStream, ObjectInfo, Page, Source, SourceError, SourceErrorKind};

/// Keeps to a prefix.
#[derive(Debug)]
pub struct Scoped<S> {
    inner: S,
    prefix: String,
}

impl<S: Source> Scoped<S> {
    /// Around a source.
    pub fn new(inner: S, prefix: impl Into<String>) -> Self {
        Self { inner, prefix: prefix.into() }
    }

    /// The prefix to list below, or none where both exclude each other.
    fn below<'a>(&'a self, prefix: &'a str) -> Option<&'a str> {
        if prefix.starts_with(&self.prefix) {
            Some(prefix)
        } else {
            self.prefix.starts_with(prefix).then_some(self.prefix.as_str())
        }
    }

    fn require(&self, operation: &'static str, key: &str) -> Result<(), SourceError> {
        if key.starts_with(&self.prefix) {
            return Ok(());
        }
        let detail = format!("the integration is for keys that begin with `{}`", self.prefix);
        Err(SourceError { kind: SourceErrorKind::Denied, operation, address: self.address(key), detail })
    }
}

#[async_trait]
impl<S: Source> Source for Scoped<S> {
    fn address(&self, key: &str) -> String {
        self.inner.address(key)
    }

    fn has_ranges(&self) -> bool {
        self.inner.has_ranges()
    }

    async fn list(&self, prefix: &str, from: Option<&str>, limit: u32) -> Result<Page, SourceError> {
        match self.below(prefix) {
            Some(prefix) => self.inner.list(prefix, from, limit).await,
            None => Ok(Page::default()),
        }
    }

    fn lists_from_any_key(&self) -> bool {
        self.inner.lists_from_any_key()
    }

    async fn list_after(&self, prefix: &str, after: &str, limit: u32) -> Result<Page, SourceError> {
        match self.below(prefix) {
            Some(prefix) => self.inner.list_after(prefix, after, limit).await,
            None => Ok(Page::default()),
        }
    }

    async fn head(&self, key: &str) -> Result<ObjectInfo, SourceError> {
        self.require("HEAD", key)?;
        self.inner.head(key).await
    }

    async fn read(
        &self,
        key: &str,
        etag: Option<&str>,
        range: Range<u64>,
    ) -> Result<ByteStream, SourceError> {
        self.require("GET", key)?;
        self.inner.read(key, etag, range).await
    }
}
