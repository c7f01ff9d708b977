//! Webhooks and deliveries. Events are written by the store itself, in the transactions that make them true.

use std::time::Duration;

use async_trait::async_trait;

use super::{Listed, Paging};
use crate::fault::Result;
use crate::ids::{DeliveryId, WebhookId, WorkspaceId};
use crate::time::Timestamp;
use crate::webhook::{Attempt, Delivery, DeliveryClaim, DeliveryState, Webhook};

/// Webhooks.
#[async_trait]
pub trait WebhookStore: Send + Sync {
    /// Stores a new one.
    async fn insert_webhook(&self, webhook: &Webhook) -> Result<()>;
    /// None when it is not there, or another workspace's.
    async fn webhook(&self, workspace: WorkspaceId, id: WebhookId) -> Result<Option<Webhook>>;
    /// All of a workspace, oldest first.
    async fn webhooks(&self, workspace: WorkspaceId) -> Result<Vec<Webhook>>;
    /// Stores everything of it but when it was made. Whether there was such a one.
    async fn update_webhook(&self, webhook: &Webhook) -> Result<bool>;
    /// Removes it with its deliveries. Whether there was such a one.
    async fn delete_webhook(&self, workspace: WorkspaceId, id: WebhookId) -> Result<bool>;

    /// Stores a delivery that was not written by what happened.
    async fn insert_delivery(&self, delivery: &Delivery) -> Result<()>;
    /// A page of the deliveries of a webhook, in one of these states (any, when none is named).
    async fn deliveries(
        &self,
        webhook: WebhookId,
        states: &[DeliveryState],
        paging: Paging,
    ) -> Result<Listed<Delivery>>;
    /// Has a delivery sent again, from the first attempt on; none when there is no such one.
    async fn replay_delivery(
        &self,
        webhook: WebhookId,
        id: DeliveryId,
        now: Timestamp,
    ) -> Result<Option<Delivery>>;
    /// A delivery that is due, to an enabled webhook with fewer than `at_once` in hand, lent for this long. The attempt that
    /// is to be made counts already.
    async fn claim_delivery(
        &self,
        now: Timestamp,
        lease: Duration,
        at_once: u32,
    ) -> Result<Option<(DeliveryClaim, Webhook, Delivery)>>;
    /// Ends the claim with how the attempt went; false, and nothing done, when it is stale.
    async fn end_delivery(&self, claim: &DeliveryClaim, attempt: &Attempt, now: Timestamp) -> Result<bool>;
    /// Ends all claims: for a start after a crash. What was being sent is sent again.
    async fn break_delivery_claims(&self, now: Timestamp) -> Result<u64>;
    /// Removes deliveries that ended before this moment, and of each webhook all that ended but the last `keep`; at most so
    /// many. How many there were.
    async fn forget_deliveries(&self, before: Timestamp, keep: u64, limit: u32) -> Result<u64>;
}
