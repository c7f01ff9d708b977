//! Offers: which tasks wait in a stream for a worker. The row stays the truth: an offer is a hint that lapses, and whoever
//! comes with one takes the task only if it is due.

use std::time::Duration;

use async_trait::async_trait;

use crate::fault::Result;
use crate::ids::{TaskId, WorkspaceId};
use crate::queue::Claim;
use crate::time::Timestamp;

/// What kinds of work come past each other in a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OfferClass {
    /// Single tasks: somebody waits for each.
    Single,
    /// The tasks of transfers.
    Bulk,
}

impl OfferClass {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Single, Self::Bulk];

    /// As it is stored, and as subjects name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::Bulk => "bulk",
        }
    }
}

/// A task that waits in a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offer {
    /// The task.
    pub task: TaskId,
    /// Whose it is.
    pub workspace: WorkspaceId,
    /// In which class.
    pub class: OfferClass,
    /// When it lapses; no two offers of a task lapse at the same moment.
    pub until: Timestamp,
}

/// Between the rows and a stream.
#[async_trait]
pub trait OfferStore: Send + Sync {
    /// Offers tasks of the class that are due and not offered, until `ahead` of them are: workspaces take turns, within each
    /// its transfers do, and each gives its tasks in order. In the order in which workers should have them. Harmless
    /// when several do it at once.
    async fn offer_tasks(
        &self,
        class: OfferClass,
        ahead: u32,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<Offer>>;
    /// How many offers of the class stand: neither lapsed nor claimed.
    async fn standing_offers(&self, class: OfferClass, now: Timestamp) -> Result<u32>;
    /// Takes back offers that did not reach the stream; newer ones of the same tasks stay.
    async fn withdraw_offers(&self, offers: &[(TaskId, Timestamp)]) -> Result<()>;
    /// Takes back all offers that lapse until this moment, for the stream lost them. How many.
    async fn clear_offers(&self, until: Timestamp) -> Result<u64>;
    /// Lends this task, if it is due and its transfer goes on. If not, the offer with which it was asked for (named by the
    /// moment of its lapse) is over.
    async fn claim_offered(
        &self,
        task: TaskId,
        offer: Timestamp,
        now: Timestamp,
        lease: Duration,
    ) -> Result<Option<Claim>>;
}
