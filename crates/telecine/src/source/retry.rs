//! A wrapper that tries again what may succeed by itself, and resumes a broken body where it broke. The only place that
//! repeats requests to a store.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use tokio::time::Instant;

use super::{ByteStream, ObjectInfo, Page, Source, SourceError, SourceErrorKind};

/// How often, how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Requests for one thing, the first one included, while nothing comes of them (default 5).
    pub attempts: u32,
    /// Requests for one range, however much each brings (default 20).
    pub attempts_of_range: u32,
    /// Wait before the second request; doubles with each (default 200 ms; four times that when the store asks to go
    /// slower).
    pub base: Duration,
    /// The longest wait (default 10 s).
    pub longest: Duration,
    /// No further request is begun this long after the first (for bodies: after the last that were quick enough) (default
    /// 60 s).
    pub total: Duration,
    /// Bodies are timed over this long, what the reader takes not counted (default 30 s).
    pub window: Duration,
    /// A body that brings less in a window is given up, as if it had broken: a byte now and then keeps a connection, a
    /// place and a task for days (default 30 KiB).
    pub least_bytes: u64,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 5,
            attempts_of_range: 20,
            base: Duration::from_millis(200),
            longest: Duration::from_secs(10),
            total: Duration::from_secs(60),
            window: Duration::from_secs(30),
            least_bytes: 30 << 10,
        }
    }
}

impl RetryPolicy {
    /// The wait after this many failures in a row (from 1): half of it is chance (0 to 255), so that many who failed
    /// together do not come back together.
    fn wait(&self, failures: u32, kind: SourceErrorKind, chance: u8) -> Duration {
        let base = if kind == SourceErrorKind::Throttled { self.base * 4 } else { self.base };
        let doubled = base.saturating_mul(1 << failures.saturating_sub(1).min(20)).min(self.longest);
        doubled / 2 + doubled.mul_f64(f64::from(chance) / 510.0)
    }
}

/// How it stands with one thing that is asked for.
#[derive(Debug)]
pub(super) struct Attempts {
    policy: RetryPolicy,
    failures: u32,
    failures_of_range: u32,
    since: Instant,
}

impl Attempts {
    pub(super) fn new(policy: RetryPolicy) -> Self {
        Self { policy, failures: 0, failures_of_range: 0, since: Instant::now() }
    }

    fn progressed(&mut self) {
        self.failures = 0;
        self.since = Instant::now();
    }

    /// Waits, if it is worth another try; else gives the failure back.
    pub(super) async fn again(&mut self, error: SourceError) -> Result<(), SourceError> {
        self.failures += 1;
        self.failures_of_range += 1;
        let wait = self.policy.wait(self.failures, error.kind, chance());
        let is_over = self.failures >= self.policy.attempts
            || self.failures_of_range >= self.policy.attempts_of_range
            || self.since.elapsed() + wait >= self.policy.total;
        if !error.kind.is_transient() || is_over {
            return Err(error);
        }
        tracing::debug!(%error, wait_ms = wait.as_millis(), "a store failed; trying again");
        tokio::time::sleep(wait).await;
        Ok(())
    }
}

fn chance() -> u8 {
    let mut byte = [128];
    // Without random numbers everybody waits equally long, which is no reason to fail.
    let _ = getrandom::fill(&mut byte);
    byte[0]
}

/// Tries again.
#[derive(Debug)]
pub struct Retry<S> {
    inner: Arc<S>,
    policy: RetryPolicy,
}

impl<S> Retry<S> {
    /// Around a source.
    pub fn new(inner: S, policy: RetryPolicy) -> Self {
        Self { inner: Arc::new(inner), policy }
    }
}

#[async_trait]
impl<S: Source + 'static> Source for Retry<S> {
    fn address(&self, key: &str) -> String {
        self.inner.address(key)
    }

    fn has_ranges(&self) -> bool {
        self.inner.has_ranges()
    }

    async fn list(&self, prefix: &str, from: Option<&str>, limit: u32) -> Result<Page, SourceError> {
        let mut attempts = Attempts::new(self.policy);
        loop {
            match self.inner.list(prefix, from, limit).await {
                Ok(page) => return Ok(page),
                Err(error) => attempts.again(error).await?,
            }
        }
    }

    fn lists_from_any_key(&self) -> bool {
        self.inner.lists_from_any_key()
    }

    async fn list_after(&self, prefix: &str, after: &str, limit: u32) -> Result<Page, SourceError> {
        let mut attempts = Attempts::new(self.policy);
        loop {
            match self.inner.list_after(prefix, after, limit).await {
                Ok(page) => return Ok(page),
                Err(error) => attempts.again(error).await?,
            }
        }
    }

    async fn head(&self, key: &str) -> Result<ObjectInfo, SourceError> {
        let mut attempts = Attempts::new(self.policy);
        loop {
            match self.inner.head(key).await {
                Ok(info) => return Ok(info),
                Err(error) => attempts.again(error).await?,
            }
        }
    }

    async fn read(
        &self,
        key: &str,
        etag: Option<&str>,
        range: Range<u64>,
    ) -> Result<ByteStream, SourceError> {
        let mut attempts = Attempts::new(self.policy);
        let body = loop {
            match self.inner.read(key, etag, range.clone()).await {
                Ok(body) => break body,
                Err(error) => attempts.again(error).await?,
            }
        };
        let resuming = Resuming {
            source: self.inner.clone(),
            key: key.to_owned(),
            etag: etag.filter(|etag| !etag.is_empty()).map(str::to_owned),
            range,
            body: Some(body),
            pace: Pace::default(),
            attempts,
        };
        Ok(futures::stream::try_unfold(resuming, Resuming::step).boxed())
    }
}

/// A body that is opened anew where it broke.
struct Resuming<S> {
    source: Arc<S>,
    key: String,
    etag: Option<String>,
    /// What is still to come.
    range: Range<u64>,
    body: Option<ByteStream>,
    pace: Pace,
    attempts: Attempts,
}

/// How quickly a body comes.
#[derive(Debug, Default)]
struct Pace {
    waited: Duration,
    bytes: u64,
    has_brought: bool,
}

impl Pace {
    /// Counts what came after a wait. When a window is full: whether it was quick enough.
    fn came(&mut self, waited: Duration, bytes: u64, policy: &RetryPolicy) -> Option<bool> {
        self.waited += waited;
        self.bytes += bytes;
        self.has_brought |= bytes > 0;
        if self.waited < policy.window {
            return None;
        }
        let is_quick = self.bytes >= policy.least_bytes;
        *self = Self { has_brought: self.has_brought, ..Self::default() };
        Some(is_quick)
    }
}

impl<S: Source + 'static> Resuming<S> {
    async fn step(mut self) -> Result<Option<(Bytes, Self)>, SourceError> {
        loop {
            if self.body.is_none() {
                let opened = self.source.read(&self.key, self.etag.as_deref(), self.range.clone()).await;
                match opened {
                    Ok(body) => (self.body, self.pace) = (Some(body), Pace::default()),
                    Err(error) => {
                        self.attempts.again(error).await?;
                        continue;
                    }
                }
            }
            let Some(body) = &mut self.body else { continue };
            let asked_at = Instant::now();
            match body.next().await {
                None => return Ok(None),
                Some(Ok(bytes)) => {
                    self.range.start += bytes.len() as u64;
                    let policy = self.attempts.policy;
                    match self.pace.came(asked_at.elapsed(), bytes.len() as u64, &policy) {
                        Some(false) if !self.range.is_empty() => {
                            let error = self.too_slow();
                            self.begin_anew(error).await?;
                        }
                        Some(true) => self.attempts.progressed(),
                        _ => {}
                    }
                    return Ok(Some((bytes, self)));
                }
                Some(Err(error)) => {
                    if self.pace.has_brought {
                        self.attempts.progressed();
                    }
                    self.begin_anew(error).await?;
                }
            }
        }
    }

    /// Gives the body up; the rest is asked for again, if that may help.
    async fn begin_anew(&mut self, error: SourceError) -> Result<(), SourceError> {
        // Without an ETag nobody could tell whether what is there now is the rest of the same thing.
        if self.etag.is_none() || !self.source.has_ranges() {
            return Err(error);
        }
        self.body = None;
        self.attempts.again(error).await
    }

    fn too_slow(&self) -> SourceError {
        let RetryPolicy { window, least_bytes, .. } = self.attempts.policy;
        SourceError {
            kind: SourceErrorKind::Unavailable,
            operation: "GET",
            address: self.source.address(&self.key),
            detail: format!("the body is too slow: less than {least_bytes} bytes in {window:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn waits_grow_within_their_bounds(failures in 1_u32..100, chance: u8) {
            let policy = RetryPolicy::default();
            let wait = policy.wait(failures, SourceErrorKind::Unavailable, chance);
            prop_assert!(wait <= policy.longest);
            prop_assert!(wait >= policy.base / 2);
            prop_assert!(policy.wait(failures, SourceErrorKind::Throttled, chance) >= wait);
            let later = policy.wait(failures + 1, SourceErrorKind::Unavailable, chance);
            prop_assert!(later >= wait);
        }
    }
}
