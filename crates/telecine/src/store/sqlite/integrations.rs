//! Integrations. What lies in their buckets is in `inventory`.

use anyhow::Context as _;
use async_trait::async_trait;

use super::filters::Sql;
use super::rows::{from_json, moment_if_any, parsed, to_json};
use super::{SqliteStore, inventory};
use crate::fault::{Code, Error, Fault, Result};
use crate::ids::{IndexId, IntegrationId, WorkspaceId};
use crate::integration::{Integration, IntegrationStatus, InventoryItem, Provider, Statistics, SyncReport};
use crate::store::IntegrationStore;
use crate::time::Timestamp;

const SELECT: &str = "SELECT id, workspace_id, provider, bucket, account_id, role_arn, external_id, path, region, \
    status, checks, created_at, updated_at, synchronized_at FROM integration WHERE true";

#[derive(sqlx::FromRow)]
struct IntegrationRow {
    id: String,
    workspace_id: String,
    provider: String,
    bucket: String,
    account_id: Option<String>,
    role_arn: Option<String>,
    external_id: Option<String>,
    path: Option<String>,
    region: Option<String>,
    status: String,
    checks: String,
    created_at: i64,
    updated_at: i64,
    synchronized_at: Option<i64>,
}

impl IntegrationRow {
    fn into_integration(self) -> Result<Integration> {
        let status = match self.status.as_str() {
            "active" => IntegrationStatus::Active,
            "failed" => IntegrationStatus::Failed,
            _ => IntegrationStatus::Pending,
        };
        let provider = match self.provider.as_str() {
            "folder" => Provider::Folder { path: self.path.context("a folder without a path")?.into() },
            _ => Provider::AwsS3 {
                account_id: self.account_id.context("an integration without an account")?,
                role_arn: self.role_arn.context("an integration without a role")?,
                external_id: self.external_id.context("an integration without an external id")?,
            },
        };
        Ok(Integration {
            id: parsed(&self.id)?,
            workspace: parsed(&self.workspace_id)?,
            provider,
            bucket: self.bucket,
            region: self.region,
            status,
            checks: from_json(&self.checks)?,
            created_at: Timestamp::from_millis(self.created_at),
            updated_at: Timestamp::from_millis(self.updated_at),
            synchronized_at: moment_if_any(self.synchronized_at),
        })
    }
}

/// The columns that depend on the provider: its name, account, role, external id, path.
type ProviderColumns<'a> = (&'static str, [Option<&'a str>; 4]);

fn provider_columns(provider: &Provider) -> Result<ProviderColumns<'_>> {
    Ok(match provider {
        Provider::AwsS3 { account_id, role_arn, external_id } => {
            ("aws_s3", [Some(account_id), Some(role_arn), Some(external_id), None])
        }
        Provider::Folder { path } => {
            let path = path.to_str().context("a folder whose path is not UTF-8")?;
            ("folder", [None, None, None, Some(path)])
        }
    })
}

#[async_trait]
impl IntegrationStore for SqliteStore {
    async fn insert_integration(&self, integration: &Integration) -> Result<()> {
        let (provider, particulars) = provider_columns(&integration.provider)?;
        let mut query = sqlx::query(
            "INSERT INTO integration (provider, account_id, role_arn, external_id, path, id, workspace_id, bucket, \
             region, status, checks, created_at, updated_at, synchronized_at) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(provider);
        for particular in particulars {
            query = query.bind(particular);
        }
        let done = query
            .bind(integration.id.to_string())
            .bind(integration.workspace.to_string())
            .bind(&integration.bucket)
            .bind(&integration.region)
            .bind(integration.status.as_str())
            .bind(to_json(&integration.checks)?)
            .bind(integration.created_at.as_millis())
            .bind(integration.updated_at.as_millis())
            .bind(integration.synchronized_at.map(Timestamp::as_millis))
            .execute(&self.writer)
            .await;
        done.map(|_| ()).map_err(|error| bucket_taken(error, &integration.bucket))
    }

    async fn integration(&self, workspace: WorkspaceId, id: IntegrationId) -> Result<Option<Integration>> {
        let found = self.integration_by_id(id).await?;
        Ok(found.filter(|integration| integration.workspace == workspace))
    }

    async fn integration_by_id(&self, id: IntegrationId) -> Result<Option<Integration>> {
        let mut sql = Sql::new(SELECT);
        sql.push(" AND id = ").push_bind(id.to_string());
        let row: Option<IntegrationRow> = sql.build_query_as().fetch_optional(&self.readers).await?;
        row.map(IntegrationRow::into_integration).transpose()
    }

    async fn integrations(&self, workspace: WorkspaceId) -> Result<Vec<Integration>> {
        let mut sql = Sql::new(SELECT);
        sql.push(" AND workspace_id = ").push_bind(workspace.to_string()).push(" ORDER BY created_at, id");
        let rows: Vec<IntegrationRow> = sql.build_query_as().fetch_all(&self.readers).await?;
        rows.into_iter().map(IntegrationRow::into_integration).collect()
    }

    async fn update_integration(&self, integration: &Integration) -> Result<()> {
        sqlx::query(
            "UPDATE integration SET status = ?, checks = ?, region = ?, updated_at = ?, \
             synchronized_at = coalesce(?, synchronized_at) WHERE id = ?",
        )
        .bind(integration.status.as_str())
        .bind(to_json(&integration.checks)?)
        .bind(&integration.region)
        .bind(integration.updated_at.as_millis())
        .bind(integration.synchronized_at.map(Timestamp::as_millis))
        .bind(integration.id.to_string())
        .execute(&self.writer)
        .await?;
        Ok(())
    }

    async fn delete_integration(&self, workspace: WorkspaceId, id: IntegrationId) -> Result<bool> {
        let done = sqlx::query("DELETE FROM integration WHERE id = ? AND workspace_id = ?")
            .bind(id.to_string())
            .bind(workspace.to_string())
            .execute(&self.writer)
            .await?;
        Ok(done.rows_affected() > 0)
    }

    async fn begin_sync(&self, integration: IntegrationId, _now: Timestamp) -> Result<i64> {
        inventory::begin_sync(self, integration).await
    }

    async fn add_inventory(
        &self,
        integration: IntegrationId,
        sync: i64,
        items: &[InventoryItem],
    ) -> Result<(u64, u64)> {
        inventory::add(self, integration, sync, items).await
    }

    async fn end_sync(&self, integration: IntegrationId, sync: i64, now: Timestamp) -> Result<SyncReport> {
        inventory::end_sync(self, integration, sync, now).await
    }

    async fn inventory_after(
        &self,
        integration: IntegrationId,
        after: Option<&str>,
        not_in: Option<IndexId>,
        limit: u32,
    ) -> Result<Vec<InventoryItem>> {
        inventory::after(self, integration, after, not_in, limit).await
    }

    async fn inventory_item(&self, integration: IntegrationId, key: &str) -> Result<Option<InventoryItem>> {
        inventory::item(self, integration, key).await
    }

    async fn statistics(&self, integration: IntegrationId) -> Result<Statistics> {
        inventory::statistics(self, integration).await
    }
}

fn bucket_taken(error: sqlx::Error, bucket: &str) -> Error {
    match &error {
        sqlx::Error::Database(cause) if cause.is_unique_violation() => {
            Fault::new(Code::IntegrationAlreadyExists).value(bucket).into()
        }
        _ => error.into(),
    }
}
