//! A wrapper that counts: requests by kind, bytes. For metrics, and for tests that bound what is asked of a store.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use futures::StreamExt;

use super::{ByteStream, ObjectInfo, Page, Source, SourceError};

/// What was asked of a source so far.
#[derive(Debug, Default)]
pub struct Counts {
    lists: AtomicU64,
    heads: AtomicU64,
    reads: AtomicU64,
    bytes: AtomicU64,
}

impl Counts {
    /// Pages of listings.
    pub fn lists(&self) -> u64 {
        self.lists.load(Ordering::Relaxed)
    }

    /// Heads.
    pub fn heads(&self) -> u64 {
        self.heads.load(Ordering::Relaxed)
    }

    /// Ranged reads.
    pub fn reads(&self) -> u64 {
        self.reads.load(Ordering::Relaxed)
    }

    /// Bytes that bodies gave.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Requests of all kinds.
    pub fn requests(&self) -> u64 {
        self.lists() + self.heads() + self.reads()
    }
}

/// Counts what passes. The metrics are `telecine_source_requests_total{operation,kind,outcome}` and
/// `telecine_source_bytes_total{kind}`, with `kind` that of the store.
#[derive(Debug)]
pub struct Count<S> {
    inner: S,
    kind: &'static str,
    counts: Arc<Counts>,
}

impl<S> Count<S> {
    /// Around a source of a kind of store, such as `s3`.
    pub fn new(inner: S, kind: &'static str) -> Self {
        Self { inner, kind, counts: Arc::default() }
    }

    /// What was counted; goes on counting.
    pub fn counts(&self) -> Arc<Counts> {
        self.counts.clone()
    }

    fn note<T>(&self, operation: &'static str, counter: &AtomicU64, outcome: &Result<T, SourceError>) {
        counter.fetch_add(1, Ordering::Relaxed);
        let outcome = outcome.as_ref().err().map_or("ok", |error| error.kind.as_str());
        metrics::counter!(
            "telecine_source_requests_total",
            "operation" => operation, "kind" => self.kind, "outcome" => outcome
        )
        .increment(1);
    }
}

#[async_trait]
impl<S: Source> Source for Count<S> {
    fn address(&self, key: &str) -> String {
        self.inner.address(key)
    }

    fn has_ranges(&self) -> bool {
        self.inner.has_ranges()
    }

    async fn list(&self, prefix: &str, from: Option<&str>, limit: u32) -> Result<Page, SourceError> {
        let outcome = self.inner.list(prefix, from, limit).await;
        self.note("list", &self.counts.lists, &outcome);
        outcome
    }

    fn lists_from_any_key(&self) -> bool {
        self.inner.lists_from_any_key()
    }

    async fn list_after(&self, prefix: &str, after: &str, limit: u32) -> Result<Page, SourceError> {
        let outcome = self.inner.list_after(prefix, after, limit).await;
        self.note("list", &self.counts.lists, &outcome);
        outcome
    }

    async fn head(&self, key: &str) -> Result<ObjectInfo, SourceError> {
        let outcome = self.inner.head(key).await;
        self.note("head", &self.counts.heads, &outcome);
        outcome
    }

    async fn read(
        &self,
        key: &str,
        etag: Option<&str>,
        range: Range<u64>,
    ) -> Result<ByteStream, SourceError> {
        let outcome = self.inner.read(key, etag, range).await;
        self.note("read", &self.counts.reads, &outcome);
        let (counts, counter) =
            (self.counts.clone(), metrics::counter!("telecine_source_bytes_total", "kind" => self.kind));
        Ok(outcome?
            .inspect(move |chunk| {
                let bytes = chunk.as_ref().map_or(0, |chunk| chunk.len() as u64);
                counts.bytes.fetch_add(bytes, Ordering::Relaxed);
                counter.increment(bytes);
            })
            .boxed())
    }
}
