//! Parting from integrations: what stays, what goes at once, and what goes when it can no longer be undone.

use async_trait::async_trait;

use crate::fault::Result;
use crate::ids::{IntegrationId, TaskId, WorkspaceId};
use crate::integration::{DeletionPlan, Integration};
use crate::time::Timestamp;

/// Deleted integrations, and what deleting does.
#[async_trait]
pub trait DeletionStore: Send + Sync {
    /// What would stay and go.
    async fn deletion_plan(&self, integration: IntegrationId) -> Result<DeletionPlan>;
    /// Deletes the integration: it is not there any more, its secret is erased from the file, its synchronization ends.
    /// All else of it stays until it is forgotten. Whether there was one.
    async fn delete_integration(
        &self,
        workspace: WorkspaceId,
        id: IntegrationId,
        now: Timestamp,
    ) -> Result<bool>;
    /// Fails every task of a deleted integration whose video is not here yet, which of those at work are not `fetched`.
    /// Their claims become stale. How many.
    async fn fail_unfetched(
        &self,
        integration: IntegrationId,
        fetched: &[TaskId],
        now: Timestamp,
    ) -> Result<u64>;
    /// Those that were deleted at this moment or later, oldest first.
    async fn deleted_integrations(
        &self,
        workspace: WorkspaceId,
        since: Timestamp,
    ) -> Result<Vec<Integration>>;
    /// Has a deleted integration there again, with the status, checks and drift that are given.
    ///
    /// # Errors
    /// `integration_already_exists` when another one has the bucket and prefix by now.
    async fn restore_integration(&self, integration: &Integration) -> Result<()>;
    /// Removes what is known of the buckets of integrations that were deleted before this moment, about so many rows;
    /// how many there were. The integrations' own rows stay, for logs.
    async fn forget_deleted(&self, before: Timestamp, limit: u32) -> Result<u64>;
}
