//! The ledger of what lies in a connected bucket, read: rows, and what of them is indexed. Listings are written by
//! `merge`, synchronizations by `syncs`.

use anyhow::Context as _;
use async_trait::async_trait;
use serde_json::Value;

use super::filters::Sql;
use super::rows::{moment_if_any, unsigned};
use super::{SqlStore, merge, objects, statistics, stored_key, syncs, told, told_key};
use crate::fault::{Fault, Result};
use crate::ids::{IndexId, IntegrationId, SyncId};
use crate::integration::{
    Decision, InventoryItem, InventoryObject, KeyTold, ObjectFilter, QueueLog, QueueNote, Rules, Statistics,
    SyncClaim, SyncEnd, SyncRun, SyncTrigger,
};
use crate::queue::Stale;
use crate::store::{InventoryStore, Listed, Merge, ObjectPage, Paging};
use crate::time::Timestamp;

/// The columns of [`ItemRow`].
pub(super) const ITEM_COLUMNS: &str =
    "i.key, i.size_bytes, i.etag, i.modified_at, i.storage_class, i.is_archived, i.is_video, i.decision";

/// A task `t` whose video is there and holds the version of the object that the row `i` of the inventory tells.
pub(super) const INDEXED: &str = "SELECT 1 FROM task t JOIN video v ON v.id = t.video_id \
    WHERE t.integration_id = i.integration_id AND t.locator = i.key AND t.video_id IS NOT NULL \
    AND i.etag <> '' AND t.etag = i.etag AND t.object_bytes = i.size_bytes";

#[derive(sqlx::FromRow)]
pub(super) struct ItemRow {
    key: String,
    size_bytes: i64,
    etag: String,
    modified_at: Option<i64>,
    storage_class: String,
    is_archived: bool,
    is_video: bool,
    decision: String,
}

impl ItemRow {
    pub(super) fn into_item(self) -> Result<InventoryItem> {
        Ok(InventoryItem {
            key: told_key(self.key),
            size_bytes: unsigned(self.size_bytes)?,
            etag: self.etag,
            modified_at: moment_if_any(self.modified_at),
            storage_class: self.storage_class,
            is_archived: self.is_archived,
            is_video: self.is_video,
            decision: Decision::parse(&self.decision).context("a decision of a later version")?,
        })
    }
}

#[async_trait]
impl InventoryStore for SqlStore {
    async fn begin_sync(
        &self,
        integration: IntegrationId,
        trigger: SyncTrigger,
        now: Timestamp,
    ) -> Result<(SyncRun, bool)> {
        syncs::begin(self, integration, trigger, now).await
    }

    async fn claim_sync(
        &self,
        run: SyncId,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<(SyncClaim, SyncRun)>> {
        syncs::claim(self, run, now, until).await
    }

    async fn extend_sync(&self, claim: &SyncClaim, until: Timestamp) -> Result<Result<(), Stale>> {
        syncs::extend(self, claim, until).await
    }

    async fn merge(&self, claim: &SyncClaim, merge: &Merge, now: Timestamp) -> Result<Result<(), Stale>> {
        merge::merge(self, claim, merge, now).await
    }

    async fn end_sync(
        &self,
        claim: &SyncClaim,
        end: &SyncEnd,
        now: Timestamp,
    ) -> Result<Result<SyncRun, Stale>> {
        syncs::end(self, claim, end, now).await
    }

    async fn cancel_sync(&self, integration: IntegrationId, run: SyncId, now: Timestamp) -> Result<bool> {
        syncs::cancel(self, integration, run, now).await
    }

    async fn sync_run(&self, integration: IntegrationId, run: SyncId) -> Result<Option<SyncRun>> {
        syncs::run(self, integration, run).await
    }

    async fn sync_runs(&self, integration: IntegrationId, paging: Paging) -> Result<Listed<SyncRun>> {
        syncs::runs(self, integration, paging).await
    }

    async fn idle_syncs(&self, now: Timestamp) -> Result<Vec<SyncRun>> {
        syncs::idle(self, now).await
    }

    async fn break_sync_claims(&self) -> Result<u64> {
        syncs::break_claims(self).await
    }

    async fn decide_anew(&self, integration: IntegrationId, rules: &Rules) -> Result<u64> {
        merge::decide_anew(self, integration, rules).await
    }

    async fn tell(
        &self,
        integration: IntegrationId,
        told: &[KeyTold],
        note: &QueueNote,
        now: Timestamp,
    ) -> Result<u64> {
        told::tell(self, integration, told, note, now).await
    }

    async fn note_queue_failure(
        &self,
        integration: IntegrationId,
        fault: &Fault,
        now: Timestamp,
    ) -> Result<()> {
        told::note_failure(self, integration, fault, now).await
    }

    async fn queue_log(&self, integration: IntegrationId) -> Result<Option<QueueLog>> {
        let mut connection = self.readers.acquire().await?;
        statistics::queue(&mut connection, &integration.to_string()).await
    }

    async fn inventory_after(
        &self,
        integration: IntegrationId,
        after: Option<&str>,
        not_in: Option<IndexId>,
        limit: u32,
    ) -> Result<Vec<InventoryItem>> {
        let mut sql = Sql::new(format!("SELECT {ITEM_COLUMNS} FROM inventory i WHERE i.decision = 'taken'"));
        sql.push(" AND i.removed_at IS NULL AND i.integration_id = ").push_bind(integration.to_string());
        if let Some(after) = after {
            sql.push(" AND i.key > ").push_bind(stored_key(after));
        }
        if let Some(index) = not_in {
            sql.push(" AND NOT EXISTS (").push(INDEXED).push(" AND t.index_id = ");
            sql.push_bind(index.to_string()).push(")");
        }
        sql.push(" ORDER BY i.key LIMIT ").push_bind(i64::from(limit));
        let rows: Vec<ItemRow> = sql.build_query_as().fetch_all(&self.readers).await?;
        rows.into_iter().map(ItemRow::into_item).collect()
    }

    async fn inventory_item(&self, integration: IntegrationId, key: &str) -> Result<Option<InventoryItem>> {
        let mut sql = Sql::new(format!("SELECT {ITEM_COLUMNS} FROM inventory i WHERE i.removed_at IS NULL"));
        sql.push(" AND i.integration_id = ").push_bind(integration.to_string());
        sql.push(" AND i.key = ").push_bind(stored_key(key));
        let row: Option<ItemRow> = sql.build_query_as().fetch_optional(&self.readers).await?;
        row.map(ItemRow::into_item).transpose()
    }

    async fn objects(
        &self,
        integration: IntegrationId,
        filter: &ObjectFilter,
        page: &ObjectPage,
    ) -> Result<Listed<InventoryObject>> {
        objects::list(self, integration, filter, page).await
    }

    async fn items_after(
        &self,
        integration: IntegrationId,
        filter: &ObjectFilter,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<InventoryItem>> {
        objects::items_after(self, integration, filter, after, limit).await
    }

    async fn captions_between(
        &self,
        integration: IntegrationId,
        from: &str,
        below: &str,
        limit: u32,
    ) -> Result<Vec<String>> {
        let keys = sqlx::query_scalar(
            "SELECT key FROM inventory WHERE integration_id = $1 AND key >= $2 AND key < $3 AND removed_at IS NULL \
             AND decision = 'sidecar_captions' AND NOT is_archived AND size_bytes > 0 ORDER BY key LIMIT $4",
        )
        .bind(integration.to_string())
        .bind(stored_key(from))
        .bind(stored_key(below))
        .bind(i64::from(limit));
        let keys: Vec<String> = keys.fetch_all(&self.readers).await?;
        Ok(keys.into_iter().map(told_key).collect())
    }

    async fn known_duration(&self, integration: IntegrationId, key: &str, etag: &str) -> Result<Option<f64>> {
        let known: Option<Option<f64>> = sqlx::query_scalar(concat!(
            "SELECT ",
            number_field!("header", "duration_s"),
            " FROM inventory WHERE integration_id = $1 AND key = $2 AND header_etag = $3"
        ))
        .bind(integration.to_string())
        .bind(stored_key(key))
        .bind(etag)
        .fetch_optional(&self.readers)
        .await?;
        Ok(known.flatten())
    }

    async fn set_header(
        &self,
        integration: IntegrationId,
        key: &str,
        etag: &str,
        header: &Value,
    ) -> Result<bool> {
        let done = sqlx::query(
            "UPDATE inventory SET header = $1, header_etag = etag WHERE integration_id = $2 AND key = $3 AND etag = $4",
        )
        .bind(header.to_string())
        .bind(integration.to_string())
        .bind(stored_key(key))
        .bind(etag)
        .execute(&self.writer)
        .await?;
        Ok(done.rows_affected() > 0)
    }

    async fn statistics(&self, integration: IntegrationId, filter: &ObjectFilter) -> Result<Statistics> {
        statistics::statistics(self, integration, filter).await
    }
}
