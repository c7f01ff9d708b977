//! Whether something that may fail for a while works, since when it does not, and when that is too long.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Something that may fail for a while. Says so once, and once that it works again.
#[derive(Debug)]
pub(super) struct Health {
    what: &'static str,
    /// From when on others do without it.
    patience: Duration,
    failing_since: Mutex<Option<Instant>>,
}

impl Health {
    pub(super) fn new(what: &'static str, patience: Duration) -> Self {
        Self { what, patience, failing_since: Mutex::new(None) }
    }

    pub(super) fn works(&self) {
        let was = self.failing_since.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(since) = was {
            tracing::info!(after_ms = since.elapsed().as_millis(), "{} again", self.what);
        }
    }

    pub(super) fn fails(&self, error: &dyn fmt::Display) {
        let mut since = self.failing_since.lock().unwrap_or_else(PoisonError::into_inner);
        if since.is_none() {
            *since = Some(Instant::now());
            tracing::warn!(%error, "no longer so: {}", self.what);
        }
    }

    pub(super) fn is_failing(&self) -> bool {
        self.failing_since.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Whether it has failed for so long that others do without it.
    pub(super) fn is_given_up(&self) -> bool {
        let since = *self.failing_since.lock().unwrap_or_else(PoisonError::into_inner);
        since.is_some_and(|since| since.elapsed() >= self.patience)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_is_given_up_after_a_while_and_taken_up_when_it_works() {
        let health = Health::new("tasks come", Duration::from_millis(30));
        assert!(!health.is_failing() && !health.is_given_up());
        health.fails(&"cut");
        assert!(health.is_failing() && !health.is_given_up());
        std::thread::sleep(Duration::from_millis(31));
        health.fails(&"still cut");
        assert!(health.is_given_up(), "since it began to fail, not since it failed last");
        health.works();
        assert!(!health.is_failing() && !health.is_given_up());
    }
}
