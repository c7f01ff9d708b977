//! Assets, and who works on which.

use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use serde_json::{Map, Value};

use super::filters::Sql;
use super::lists::List;
use super::rows::{from_json, from_json_if_any, parsed, signed, to_json, unsigned};
use super::{SqlStore, Write, push_among, stored_key};
use crate::asset::{Asset, AssetClaim, AssetDeletion, AssetEnd, AssetFilter, AssetStatus, Kind, Origin};
use crate::fault::{Code, Fault, Result};
use crate::ids::{AssetId, WorkspaceId};
use crate::store::{AssetStore, Listed, Paging};
use crate::time::Timestamp;

pub(super) const COLUMNS: &str = "a.id, a.workspace_id, a.origin, a.status, a.kind, a.file_type, a.filename, \
    a.size_bytes, a.duration_s, a.technical, a.content_hash, a.fault, a.user_metadata, a.wants_hls, a.wants_thumbnail, \
    a.attempts, a.created_at, a.updated_at";

#[derive(sqlx::FromRow)]
pub(super) struct AssetRow {
    id: String,
    workspace_id: String,
    origin: String,
    status: String,
    kind: Option<String>,
    file_type: Option<String>,
    filename: String,
    size_bytes: i64,
    duration_s: Option<f64>,
    technical: Option<String>,
    content_hash: Option<String>,
    fault: Option<String>,
    user_metadata: String,
    wants_hls: bool,
    wants_thumbnail: bool,
    #[sqlx(try_from = "i64")]
    attempts: u32,
    created_at: i64,
    updated_at: i64,
}

impl AssetRow {
    pub(super) fn into_asset(self) -> Result<Asset> {
        Ok(Asset {
            id: parsed(&self.id)?,
            workspace: parsed(&self.workspace_id)?,
            origin: from_json(&self.origin)?,
            status: AssetStatus::parse(&self.status).context("a row holds an unknown status of an asset")?,
            kind: self.kind.as_deref().and_then(Kind::parse),
            file_type: self.file_type,
            filename: self.filename,
            size_bytes: unsigned(self.size_bytes)?,
            duration_s: self.duration_s,
            technical: from_json_if_any(self.technical.as_deref())?,
            content_hash: self.content_hash,
            fault: from_json_if_any(self.fault.as_deref())?,
            user_metadata: from_json(&self.user_metadata)?,
            wants_hls: self.wants_hls,
            wants_thumbnail: self.wants_thumbnail,
            attempts: self.attempts,
            created_at: Timestamp::from_millis(self.created_at),
            updated_at: Timestamp::from_millis(self.updated_at),
        })
    }
}

#[async_trait]
impl AssetStore for SqlStore {
    async fn insert_asset(&self, asset: &Asset, due: Option<Timestamp>) -> Result<()> {
        let mut write = self.write_in("asset").await?;
        insert(&mut write, asset, due).await?;
        write.commit().await?;
        Ok(())
    }

    async fn asset(&self, workspace: WorkspaceId, id: AssetId) -> Result<Option<Asset>> {
        let mut sql = Sql::new(format!("SELECT {COLUMNS} FROM asset a WHERE a.workspace_id = "));
        sql.push_bind(workspace.to_string()).push(" AND a.id = ").push_bind(id.to_string());
        let row: Option<AssetRow> = sql.build_query_as().fetch_optional(&self.readers).await?;
        row.map(AssetRow::into_asset).transpose()
    }

    async fn assets(
        &self,
        workspace: WorkspaceId,
        filter: &AssetFilter,
        paging: Paging,
    ) -> Result<Listed<Asset>> {
        let ids = to_json(&filter.ids)?;
        let conditions = |sql: &mut Sql| conditions(sql, workspace, filter, &ids);
        let list =
            List { columns: COLUMNS, from: "asset a", alias: "a", tie: "seq", conditions: &conditions };
        list.page(self, paging, AssetRow::into_asset).await
    }

    async fn keeps_file(&self, id: AssetId) -> Result<bool> {
        let found: Option<i64> =
            sqlx::query_scalar("SELECT seq FROM asset WHERE id = $1 AND status <> 'failed'")
                .bind(id.to_string())
                .fetch_optional(&self.readers)
                .await?;
        Ok(found.is_some())
    }

    async fn asset_bytes(&self, workspace: WorkspaceId) -> Result<u64> {
        let sum: i64 = sqlx::query_scalar(
            "SELECT CAST(coalesce(sum(size_bytes), 0) AS BIGINT) FROM asset WHERE workspace_id = $1 AND status <> 'failed'",
        )
        .bind(workspace.to_string())
        .fetch_one(&self.readers)
        .await?;
        unsigned(sum)
    }

    async fn note_asset_size(&self, id: AssetId, size_bytes: u64) -> Result<()> {
        sqlx::query("UPDATE asset SET size_bytes = $1 WHERE id = $2 AND status = 'processing'")
            .bind(signed(size_bytes)?)
            .bind(id.to_string())
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    async fn set_asset_metadata(
        &self,
        workspace: WorkspaceId,
        id: AssetId,
        fields: &Map<String, Value>,
        now: Timestamp,
    ) -> Result<bool> {
        let done = sqlx::query(
            "UPDATE asset SET user_metadata = $1, updated_at = $2 WHERE id = $3 AND workspace_id = $4",
        )
        .bind(to_json(fields)?)
        .bind(now.as_millis())
        .bind(id.to_string())
        .bind(workspace.to_string())
        .execute(&self.writer)
        .await?;
        Ok(done.rows_affected() > 0)
    }

    async fn delete_asset(
        &self,
        workspace: WorkspaceId,
        id: AssetId,
        is_forced: bool,
    ) -> Result<AssetDeletion> {
        let mut write = self.write().await?;
        let in_use: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM indexed_asset r JOIN task t ON t.id = r.task_id WHERE r.asset_id = $1 \
             AND r.workspace_id = $2 AND (t.due_at IS NOT NULL OR EXISTS (SELECT 1 FROM video v WHERE v.id = t.video_id))",
        )
        .bind(id.to_string())
        .bind(workspace.to_string())
        .fetch_one(&mut *write)
        .await?;
        if in_use > 0 && !is_forced {
            return Ok(AssetDeletion::InUse(unsigned(in_use)?));
        }
        // Its upload goes with it.
        let done = sqlx::query("DELETE FROM asset WHERE id = $1 AND workspace_id = $2")
            .bind(id.to_string())
            .bind(workspace.to_string())
            .execute(&mut *write)
            .await?;
        write.commit().await?;
        Ok(if done.rows_affected() > 0 { AssetDeletion::Done } else { AssetDeletion::Absent })
    }

    async fn claim_asset(&self, now: Timestamp, lease: Duration) -> Result<Option<(AssetClaim, Asset)>> {
        let mut write = self.write_in("asset").await?;
        let due: Option<(i64, i64)> =
            sqlx::query_as("SELECT seq, fence FROM asset WHERE due_at <= $1 ORDER BY due_at, seq LIMIT 1")
                .bind(now.as_millis())
                .fetch_optional(&mut *write)
                .await?;
        let Some((seq, fence)) = due else { return Ok(None) };
        sqlx::query(
            "UPDATE asset SET fence = $1, lease_until = $2, due_at = $2, attempts = attempts + 1 WHERE seq = $3",
        )
        .bind(fence + 1)
        .bind(now.after(lease).as_millis())
        .bind(seq)
        .execute(&mut *write)
        .await?;
        let mut sql = Sql::new(format!("SELECT {COLUMNS} FROM asset a WHERE a.seq = "));
        let row: AssetRow = sql.push_bind(seq).build_query_as().fetch_one(&mut *write).await?;
        write.commit().await?;
        let asset = row.into_asset()?;
        Ok(Some((AssetClaim { asset: asset.id, fence: fence + 1 }, asset)))
    }

    async fn extend_asset_claim(&self, claim: &AssetClaim, until: Timestamp) -> Result<bool> {
        let done = sqlx::query(
            "UPDATE asset SET lease_until = $1, due_at = $1 WHERE id = $2 AND fence = $3 AND lease_until IS NOT NULL",
        )
        .bind(until.as_millis())
        .bind(claim.asset.to_string())
        .bind(claim.fence)
        .execute(&self.writer)
        .await?;
        Ok(done.rows_affected() > 0)
    }

    async fn end_asset_claim(&self, claim: &AssetClaim, end: &AssetEnd, now: Timestamp) -> Result<bool> {
        let mut write = self.write_in("asset").await?;
        let mut sql = Sql::new("UPDATE asset SET lease_until = NULL, updated_at = ");
        sql.push_bind(now.as_millis());
        match end {
            AssetEnd::Ready(measured) => {
                sql.push(", status = 'ready', due_at = NULL, fault = NULL, fault_code = NULL, kind = ");
                sql.push_bind(measured.kind.as_str())
                    .push(", file_type = ")
                    .push_bind(measured.file_type.clone());
                sql.push(", size_bytes = ").push_bind(signed(measured.size_bytes)?);
                sql.push(", duration_s = ").push_bind(measured.duration_s);
                sql.push(", technical = ").push_bind(to_json(&measured.technical)?);
                sql.push(", content_hash = ").push_bind(measured.content_hash.clone());
            }
            AssetEnd::Failed(fault) => {
                sql.push(", status = 'failed', due_at = NULL, fault_code = ").push_bind(fault.code.as_str());
                sql.push(", fault = ").push_bind(to_json(fault)?);
            }
            AssetEnd::Postponed(until) => {
                sql.push(", due_at = ").push_bind(until.as_millis());
            }
            AssetEnd::Released => {
                sql.push(", attempts = attempts - 1, due_at = ").push_bind(now.as_millis());
            }
        }
        sql.push(" WHERE id = ").push_bind(claim.asset.to_string());
        sql.push(" AND lease_until IS NOT NULL AND fence = ").push_bind(claim.fence);
        let done = sql.build().execute(&mut *write).await?;
        if matches!(end, AssetEnd::Failed(_)) && done.rows_affected() > 0 {
            sqlx::query("UPDATE asset_upload SET status = 'failed', updated_at = $1 WHERE asset_id = $2")
                .bind(now.as_millis())
                .bind(claim.asset.to_string())
                .execute(&mut *write)
                .await?;
        }
        write.commit().await?;
        Ok(done.rows_affected() > 0)
    }

    async fn break_asset_claims(&self, now: Timestamp) -> Result<u64> {
        let done = sqlx::query(
            "UPDATE asset SET lease_until = NULL, due_at = $1, fence = fence + 1 WHERE lease_until IS NOT NULL",
        )
        .bind(now.as_millis())
        .execute(&self.writer)
        .await?;
        Ok(done.rows_affected())
    }
}

/// Stores a new asset.
pub(super) async fn insert(write: &mut Write, asset: &Asset, due: Option<Timestamp>) -> Result<()> {
    let (integration, key) = match &asset.origin {
        Origin::Connector(object) => (Some(object.integration.to_string()), Some(object.key.as_str())),
        Origin::Direct | Origin::Url { .. } | Origin::Multipart { .. } => (None, None),
    };
    sqlx::query(
        "INSERT INTO asset (id, workspace_id, method, origin, integration_id, object_key, status, kind, file_type, \
         filename, size_bytes, user_metadata, wants_hls, wants_thumbnail, due_at, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
    )
    .bind(asset.id.to_string())
    .bind(asset.workspace.to_string())
    .bind(asset.origin.method())
    .bind(to_json(&asset.origin)?)
    .bind(integration)
    .bind(key.map(stored_key))
    .bind(asset.status.as_str())
    .bind(asset.kind.map(Kind::as_str))
    .bind(&asset.file_type)
    .bind(&asset.filename)
    .bind(signed(asset.size_bytes)?)
    .bind(to_json(&asset.user_metadata)?)
    .bind(asset.wants_hls)
    .bind(asset.wants_thumbnail)
    .bind(due.map(Timestamp::as_millis))
    .bind(asset.created_at.as_millis())
    .bind(asset.updated_at.as_millis())
    .execute(&mut **write)
    .await?;
    Ok(())
}

/// The asset is there no more.
pub(super) fn is_gone(id: AssetId) -> Fault {
    Fault::because(Code::ResourceNotExists, "There is no such asset any more.").value(id.to_string())
}

/// `ids` are those of the filter as JSON.
fn conditions(sql: &mut Sql, workspace: WorkspaceId, filter: &AssetFilter, ids: &str) {
    let AssetFilter { ids: wanted, kinds, filename } = filter;
    sql.push(" WHERE a.workspace_id = ").push_bind(workspace.to_string());
    if !wanted.is_empty() {
        sql.push(" AND a.id IN ");
        push_among(sql, ids.to_owned());
    }
    if !kinds.is_empty() {
        sql.push(" AND a.kind IN (");
        let mut names = sql.separated(", ");
        for kind in kinds {
            names.push_bind(kind.as_str());
        }
        sql.push(")");
    }
    if let Some(part) = filename {
        let escaped = part.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        sql.push(concat!(" AND a.filename ", like!(), " "))
            .push_bind(format!("%{escaped}%"))
            .push(" ESCAPE '\\'");
    }
}
