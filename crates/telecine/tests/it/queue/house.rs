//! A store with a queue over it, and short words for what tests do with them.

use std::sync::Arc;
use std::time::Duration;

use telecine::ids::TaskId;
use telecine::queue::{Claim, JetStreamOptions, JetStreamQueue, Queue, TableQueue};
use telecine::store::TaskChange;
use telecine::transfer::Event;

use crate::store::lab::{LEASE, Lab};
use crate::support::servers::Servers;

/// How the queues of a house are made.
#[expect(clippy::large_enum_variant, reason = "there are a few of them in a test")]
pub(crate) enum Kind {
    Table,
    Stream(JetStreamOptions),
}

pub(crate) struct House {
    pub(crate) lab: Lab,
    pub(crate) queue: Arc<dyn Queue>,
    kind: Kind,
    _servers: Option<Servers>,
}

/// For tests: what takes a while in earnest takes a moment.
pub(crate) fn options(endpoints: &str) -> JetStreamOptions {
    JetStreamOptions {
        ack_wait: Duration::from_secs(2),
        patience: Duration::from_millis(500),
        ..JetStreamOptions::new(endpoints.split(',').map(str::to_owned).collect())
    }
}

impl House {
    pub(crate) async fn table(lab: Lab) -> Self {
        Self::new(lab, Kind::Table, None).await
    }

    pub(crate) async fn stream(lab: Lab) -> Self {
        let servers = Servers::start(&["nats"]);
        let kind = Kind::Stream(options(&servers.fact("nats", "endpoint")));
        Self::new(lab, kind, Some(servers)).await
    }

    pub(crate) async fn new(lab: Lab, kind: Kind, servers: Option<Servers>) -> Self {
        let queue = queue(&lab, &kind).await;
        Self { lab, queue, kind, _servers: servers }
    }

    /// The queue of another process, over the same store. The table's wakes nobody of another process.
    pub(crate) async fn another_queue(&self) -> Arc<dyn Queue> {
        queue(&self.lab, &self.kind).await
    }

    pub(crate) async fn claim(&self) -> Option<Claim> {
        self.claim_through(&self.queue).await
    }

    /// The next task of this queue, if there is one. What is on its way in a stream is waited for.
    pub(crate) async fn claim_through(&self, queue: &Arc<dyn Queue>) -> Option<Claim> {
        for _ in 0..if matches!(self.kind, Kind::Table) { 1 } else { 4 } {
            let claim = queue.claim(self.lab.now(), LEASE).await.unwrap();
            if claim.is_some() {
                return claim;
            }
            let _ = tokio::time::timeout(Duration::from_millis(50), queue.wait()).await;
        }
        None
    }

    /// The next task, which there must be.
    pub(crate) async fn next(&self) -> Claim {
        self.claim().await.expect("a task is due")
    }

    /// Tells of work, as those do who insert some, and lets it become known.
    pub(crate) async fn told(&self) {
        self.queue.wake();
        if matches!(self.kind, Kind::Stream(_)) {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Claims until nothing is due; the tasks in the order of their claims.
    pub(crate) async fn claim_all(&self) -> Vec<TaskId> {
        let mut tasks = Vec::new();
        while let Some(claim) = self.claim().await {
            tasks.push(claim.task);
        }
        tasks
    }

    /// Tells how the work under a claim ended, as a worker does.
    pub(crate) async fn ends(&self, claim: &Claim, event: Event) {
        let is_released = event == Event::Released;
        self.lab.changes(claim, TaskChange::from(event)).await;
        if is_released {
            self.queue.give_back(claim).await;
        } else {
            self.queue.done(claim).await;
        }
    }
}

async fn queue(lab: &Lab, kind: &Kind) -> Arc<dyn Queue> {
    match kind {
        Kind::Table => Arc::new(TableQueue::new(lab.store.clone())),
        Kind::Stream(options) => {
            let queue = JetStreamQueue::open(options.clone(), lab.store.clone(), lab.clock.clone());
            Arc::new(queue.await.unwrap())
        }
    }
}
