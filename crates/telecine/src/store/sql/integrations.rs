//! Integrations. What lies in their buckets is in `inventory`.

use anyhow::Context as _;
use async_trait::async_trait;

use super::SqlStore;
use super::filters::Sql;
use super::rows::{from_json, moment_if_any, parsed, to_json};
use crate::fault::{Code, Error, Fault, Result};
use crate::ids::{IntegrationId, WorkspaceId};
use crate::integration::{Integration, IntegrationStatus};
use crate::store::IntegrationStore;
use crate::time::Timestamp;
use crate::vault::Sealed;

const SELECT: &str = "SELECT id, workspace_id, provider, secret, bucket, prefix, region, status, checks, checked_at, \
    well_at, drift, filters, schedule, created_at, updated_at, synchronized_at, deleted_at FROM integration WHERE true";

#[derive(sqlx::FromRow)]
pub(super) struct IntegrationRow {
    id: String,
    workspace_id: String,
    provider: String,
    secret: Option<Vec<u8>>,
    bucket: String,
    prefix: String,
    region: Option<String>,
    status: String,
    checks: String,
    checked_at: Option<i64>,
    well_at: Option<i64>,
    drift: Option<String>,
    filters: String,
    schedule: String,
    created_at: i64,
    updated_at: i64,
    synchronized_at: Option<i64>,
    deleted_at: Option<i64>,
}

impl IntegrationRow {
    fn into_integration(self) -> Result<Integration> {
        Ok(Integration {
            id: parsed(&self.id)?,
            workspace: parsed(&self.workspace_id)?,
            provider: from_json(&self.provider)?,
            secret: self.secret.map(Sealed::from_bytes),
            bucket: self.bucket,
            prefix: self.prefix,
            region: self.region,
            status: IntegrationStatus::parse(&self.status).context("a status of a later version")?,
            checks: from_json(&self.checks)?,
            checked_at: moment_if_any(self.checked_at),
            well_at: moment_if_any(self.well_at),
            drift: self.drift,
            filters: from_json(&self.filters)?,
            schedule: from_json(&self.schedule)?,
            created_at: Timestamp::from_millis(self.created_at),
            updated_at: Timestamp::from_millis(self.updated_at),
            synchronized_at: moment_if_any(self.synchronized_at),
            deleted_at: moment_if_any(self.deleted_at),
        })
    }
}

/// All integrations; conditions follow.
pub(super) fn select() -> Sql {
    Sql::new(SELECT)
}

pub(super) fn of_rows(rows: Vec<IntegrationRow>) -> Result<Vec<Integration>> {
    rows.into_iter().map(IntegrationRow::into_integration).collect()
}

#[async_trait]
impl IntegrationStore for SqlStore {
    async fn insert_integration(&self, integration: &Integration) -> Result<()> {
        let done = sqlx::query(
            "INSERT INTO integration (id, workspace_id, scheme, bucket, prefix, provider, external_id, secret, region, \
             status, checks, checked_at, well_at, drift, filters, schedule, created_at, updated_at, synchronized_at, \
             deleted_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)",
        )
        .bind(integration.id.to_string())
        .bind(integration.workspace.to_string())
        .bind(integration.provider.scheme().as_str())
        .bind(&integration.bucket)
        .bind(&integration.prefix)
        .bind(to_json(&integration.provider)?)
        .bind(integration.provider.role().map(|role| role.external_id.as_str()))
        .bind(integration.secret.as_ref().map(Sealed::as_bytes))
        .bind(&integration.region)
        .bind(integration.status.as_str())
        .bind(to_json(&integration.checks)?)
        .bind(integration.checked_at.map(Timestamp::as_millis))
        .bind(integration.well_at.map(Timestamp::as_millis))
        .bind(&integration.drift)
        .bind(to_json(&integration.filters)?)
        .bind(to_json(&integration.schedule)?)
        .bind(integration.created_at.as_millis())
        .bind(integration.updated_at.as_millis())
        .bind(integration.synchronized_at.map(Timestamp::as_millis))
        .bind(integration.deleted_at.map(Timestamp::as_millis))
        .execute(&self.writer)
        .await;
        done.map(|_| ()).map_err(|error| bucket_taken(error, &integration.bucket))
    }

    async fn integration(&self, workspace: WorkspaceId, id: IntegrationId) -> Result<Option<Integration>> {
        let found = self.integration_by_id(id).await?;
        Ok(found.filter(|found| found.workspace == workspace))
    }

    async fn known_integration(
        &self,
        workspace: WorkspaceId,
        id: IntegrationId,
    ) -> Result<Option<Integration>> {
        let mut sql = Sql::new(SELECT);
        sql.push(" AND id = ").push_bind(id.to_string());
        sql.push(" AND workspace_id = ").push_bind(workspace.to_string());
        let row: Option<IntegrationRow> = sql.build_query_as().fetch_optional(&self.readers).await?;
        row.map(IntegrationRow::into_integration).transpose()
    }

    async fn integration_by_id(&self, id: IntegrationId) -> Result<Option<Integration>> {
        let mut sql = Sql::new(SELECT);
        sql.push(" AND deleted_at IS NULL AND id = ").push_bind(id.to_string());
        let row: Option<IntegrationRow> = sql.build_query_as().fetch_optional(&self.readers).await?;
        row.map(IntegrationRow::into_integration).transpose()
    }

    async fn integrations(&self, workspace: WorkspaceId) -> Result<Vec<Integration>> {
        let mut sql = Sql::new(SELECT);
        sql.push(" AND deleted_at IS NULL AND workspace_id = ").push_bind(workspace.to_string());
        sql.push(" ORDER BY created_at, id");
        let rows: Vec<IntegrationRow> = sql.build_query_as().fetch_all(&self.readers).await?;
        rows.into_iter().map(IntegrationRow::into_integration).collect()
    }

    async fn scheduled_integrations(&self) -> Result<Vec<Integration>> {
        let mut sql = Sql::new(SELECT);
        sql.push(concat!(
            " AND deleted_at IS NULL AND (",
            field!("schedule", "every_s"),
            " IS NOT NULL OR ",
            field!("schedule", "queue_url"),
            " IS NOT NULL) ORDER BY created_at, id"
        ));
        let rows: Vec<IntegrationRow> = sql.build_query_as().fetch_all(&self.readers).await?;
        rows.into_iter().map(IntegrationRow::into_integration).collect()
    }

    async fn update_integration(&self, integration: &Integration) -> Result<()> {
        let done = sqlx::query(
            "UPDATE integration SET scheme = $1, bucket = $2, prefix = $3, provider = $4, external_id = $5, secret = $6, \
             region = $7, filters = $8, schedule = $9, updated_at = $10, \
             synchronized_at = coalesce($11, synchronized_at) WHERE id = $12 AND deleted_at IS NULL",
        )
        .bind(integration.provider.scheme().as_str())
        .bind(&integration.bucket)
        .bind(&integration.prefix)
        .bind(to_json(&integration.provider)?)
        .bind(integration.provider.role().map(|role| role.external_id.as_str()))
        .bind(integration.secret.as_ref().map(Sealed::as_bytes))
        .bind(&integration.region)
        .bind(to_json(&integration.filters)?)
        .bind(to_json(&integration.schedule)?)
        .bind(integration.updated_at.as_millis())
        .bind(integration.synchronized_at.map(Timestamp::as_millis))
        .bind(integration.id.to_string())
        .execute(&self.writer)
        .await;
        done.map(|_| ()).map_err(|error| bucket_taken(error, &integration.bucket))
    }

    async fn record_checks(&self, integration: &Integration) -> Result<()> {
        sqlx::query(
            "UPDATE integration SET region = $1, status = $2, checks = $3, checked_at = $4, well_at = $5, drift = $6, \
             updated_at = $7 WHERE id = $8 AND deleted_at IS NULL",
        )
        .bind(&integration.region)
        .bind(integration.status.as_str())
        .bind(to_json(&integration.checks)?)
        .bind(integration.checked_at.map(Timestamp::as_millis))
        .bind(integration.well_at.map(Timestamp::as_millis))
        .bind(&integration.drift)
        .bind(integration.updated_at.as_millis())
        .bind(integration.id.to_string())
        .execute(&self.writer)
        .await?;
        Ok(())
    }

    async fn integrations_to_check(
        &self,
        active: Timestamp,
        others: Timestamp,
        limit: u32,
    ) -> Result<Vec<Integration>> {
        let mut sql = Sql::new(SELECT);
        sql.push(" AND deleted_at IS NULL AND ((status = 'active' AND checked_at < ");
        sql.push_bind(active.as_millis()).push(") OR (status IN ('degraded', 'failed') AND checked_at < ");
        sql.push_bind(others.as_millis())
            .push(")) ORDER BY checked_at, id LIMIT ")
            .push_bind(i64::from(limit));
        let rows: Vec<IntegrationRow> = sql.build_query_as().fetch_all(&self.readers).await?;
        rows.into_iter().map(IntegrationRow::into_integration).collect()
    }
}

pub(super) fn bucket_taken(error: sqlx::Error, bucket: &str) -> Error {
    match &error {
        sqlx::Error::Database(cause) if cause.is_unique_violation() => {
            Fault::new(Code::IntegrationAlreadyExists).value(bucket).into()
        }
        _ => error.into(),
    }
}
