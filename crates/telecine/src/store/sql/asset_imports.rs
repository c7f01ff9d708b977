//! Imports of objects as assets, and what became of each object.

use anyhow::Context as _;
use async_trait::async_trait;

use super::filters::Sql;
use super::lists::List;
use super::rows::{from_json_if_any, parsed, signed, to_json, unsigned};
use super::{SqlStore, Write, assets, stored_key};
use crate::asset::import::{Action, AssetImport, ImportItem, Wanted};
use crate::asset::{Asset, AssetStatus, Origin};
use crate::fault::Result;
use crate::ids::{AssetId, AssetImportId, IntegrationId, WorkspaceId};
use crate::store::{AssetImportStore, Listed, Paging};
use crate::time::Timestamp;

const COLUMNS: &str = "m.id, m.workspace_id, m.integration_id, m.provider, m.created_at, \
    (SELECT count(*) FROM asset_import_item i WHERE i.import_id = m.id) AS item_count";

#[derive(sqlx::FromRow)]
struct ImportRow {
    id: String,
    workspace_id: String,
    integration_id: String,
    provider: String,
    created_at: i64,
    item_count: i64,
}

impl ImportRow {
    fn into_import(self) -> Result<AssetImport> {
        Ok(AssetImport {
            id: parsed(&self.id)?,
            workspace: parsed(&self.workspace_id)?,
            integration: parsed(&self.integration_id)?,
            provider: self.provider,
            item_count: unsigned(self.item_count)?,
            created_at: Timestamp::from_millis(self.created_at),
        })
    }
}

#[derive(sqlx::FromRow)]
struct ItemRow {
    source_id: String,
    action: String,
    asset_id: Option<String>,
    status: Option<String>,
    reason: Option<String>,
}

impl ItemRow {
    fn into_item(self) -> Result<ImportItem> {
        let asset = match self.asset_id.as_deref().zip(self.status.as_deref()) {
            None => None,
            Some((id, status)) => {
                let status =
                    AssetStatus::parse(status).context("a row holds an unknown status of an asset")?;
                Some((parsed(id)?, status))
            }
        };
        Ok(ImportItem {
            source_id: self.source_id,
            action: Action::parse(&self.action).context("a row holds an unknown action of an import")?,
            asset,
            fault: from_json_if_any(self.reason.as_deref())?,
        })
    }
}

#[async_trait]
impl AssetImportStore for SqlStore {
    async fn insert_asset_import(&self, import: &AssetImport, wanted: &[Wanted]) -> Result<Vec<ImportItem>> {
        let mut write = self.write().await?;
        sqlx::query(
            "INSERT INTO asset_import (id, workspace_id, integration_id, provider, created_at, updated_at) \
             VALUES ($1, $2, $3, $4, $5, $5)",
        )
        .bind(import.id.to_string())
        .bind(import.workspace.to_string())
        .bind(import.integration.to_string())
        .bind(&import.provider)
        .bind(import.created_at.as_millis())
        .execute(&mut *write)
        .await?;
        let mut items = Vec::with_capacity(wanted.len());
        for (position, wanted) in (0_u64..).zip(wanted) {
            let item = take(&mut write, wanted, import.created_at).await?;
            sqlx::query(
                "INSERT INTO asset_import_item (import_id, position, source_id, action, asset_id, reason) \
                 VALUES ($1, $2, $3, $4, $5, $6)",
            )
            .bind(import.id.to_string())
            .bind(signed(position)?)
            .bind(&item.source_id)
            .bind(item.action.as_str())
            .bind(item.asset.map(|(id, _)| id.to_string()))
            .bind(item.fault.as_ref().map(to_json).transpose()?)
            .execute(&mut *write)
            .await?;
            items.push(item);
        }
        write.commit().await?;
        Ok(items)
    }

    async fn asset_imports(
        &self,
        workspace: WorkspaceId,
        integration: IntegrationId,
        paging: Paging,
    ) -> Result<Listed<AssetImport>> {
        let conditions = |sql: &mut Sql| conditions(sql, workspace, integration);
        let list = List {
            columns: COLUMNS,
            from: "asset_import m",
            alias: "m",
            tie: "seq",
            conditions: &conditions,
        };
        list.page(self, paging, ImportRow::into_import).await
    }

    async fn asset_import(
        &self,
        workspace: WorkspaceId,
        integration: IntegrationId,
        id: AssetImportId,
    ) -> Result<Option<(AssetImport, Vec<ImportItem>)>> {
        let mut sql = Sql::new(format!("SELECT {COLUMNS} FROM asset_import m"));
        conditions(&mut sql, workspace, integration);
        sql.push(" AND m.id = ").push_bind(id.to_string());
        let row: Option<ImportRow> = sql.build_query_as().fetch_optional(&self.readers).await?;
        let Some(row) = row else { return Ok(None) };
        let items: Vec<ItemRow> = sqlx::query_as(
            "SELECT i.source_id, i.action, i.asset_id, a.status, i.reason FROM asset_import_item i \
             LEFT JOIN asset a ON a.id = i.asset_id WHERE i.import_id = $1 \
             AND (i.asset_id IS NULL OR a.id IS NOT NULL) ORDER BY i.position",
        )
        .bind(id.to_string())
        .fetch_all(&self.readers)
        .await?;
        let items = items.into_iter().map(ItemRow::into_item).collect::<Result<_>>()?;
        Ok(Some((row.into_import()?, items)))
    }
}

fn conditions(sql: &mut Sql, workspace: WorkspaceId, integration: IntegrationId) {
    sql.push(" WHERE m.workspace_id = ").push_bind(workspace.to_string());
    sql.push(" AND m.integration_id = ").push_bind(integration.to_string());
}

/// Makes an asset of an object, unless there is one.
async fn take(write: &mut Write, wanted: &Wanted, now: Timestamp) -> Result<ImportItem> {
    let source_id = wanted.source_id.clone();
    let asset = match &wanted.asset {
        Ok(asset) => asset,
        Err(fault) => {
            let fault = Some(fault.clone());
            return Ok(ImportItem { source_id, action: Action::Rejected, asset: None, fault });
        }
    };
    let (action, asset) = match existing(write, asset).await? {
        None => {
            assets::insert(write, asset, Some(now)).await?;
            (Action::Created, (asset.id, AssetStatus::Processing))
        }
        Some((id, AssetStatus::Failed)) => {
            sqlx::query(
                "UPDATE asset SET status = 'processing', fault = NULL, fault_code = NULL, attempts = 0, due_at = $1, \
                 updated_at = $1, size_bytes = $2 WHERE id = $3",
            )
            .bind(now.as_millis())
            .bind(signed(asset.size_bytes)?)
            .bind(id.to_string())
            .execute(&mut **write)
            .await?;
            (Action::Retried, (id, AssetStatus::Processing))
        }
        Some(existing) => (Action::Skipped, existing),
    };
    Ok(ImportItem { source_id, action, asset: Some(asset), fault: None })
}

async fn existing(write: &mut Write, asset: &Asset) -> Result<Option<(AssetId, AssetStatus)>> {
    let Origin::Connector(object) = &asset.origin else { return Ok(None) };
    let found: Option<(String, String)> = sqlx::query_as(
        "SELECT id, status FROM asset WHERE workspace_id = $1 AND integration_id = $2 AND object_key = $3",
    )
    .bind(asset.workspace.to_string())
    .bind(object.integration.to_string())
    .bind(stored_key(&object.key))
    .fetch_optional(&mut **write)
    .await?;
    let Some((id, status)) = found else { return Ok(None) };
    let status = AssetStatus::parse(&status).context("a row holds an unknown status of an asset")?;
    Ok(Some((parsed(&id)?, status)))
}
