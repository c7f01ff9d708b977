//! The queue of one machine, and the first step beyond it: claims straight from the table of tasks.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Notify;

use super::{Claim, Queue, Stale};
use crate::fault::Result;
use crate::store::Store;
use crate::time::Timestamp;

/// Lends the tasks of a store.
pub struct TableQueue {
    store: Arc<dyn Store>,
    news: Notify,
}

impl TableQueue {
    /// A queue over this store; wakers and waiters must share it.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store, news: Notify::new() }
    }
}

impl fmt::Debug for TableQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TableQueue").field(&self.store).finish()
    }
}

#[async_trait]
impl Queue for TableQueue {
    async fn claim(&self, now: Timestamp, lease: Duration) -> Result<Option<Claim>> {
        self.store.claim_next(now, lease).await
    }

    async fn extend(&self, claim: &Claim, until: Timestamp) -> Result<Result<(), Stale>> {
        self.store.extend_claim(claim, until).await
    }

    async fn done(&self, _: &Claim) {}

    async fn give_back(&self, _: &Claim) {
        self.wake();
    }

    async fn next_due(&self) -> Result<Option<Timestamp>> {
        self.store.next_due().await
    }

    async fn wait(&self) {
        self.news.notified().await;
    }

    fn wake(&self) {
        self.news.notify_waiters();
        // For one who is about to wait.
        self.news.notify_one();
    }

    async fn close(&self) {}
}
