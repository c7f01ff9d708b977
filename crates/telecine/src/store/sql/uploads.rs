//! Uploads in chunks: what is on disk, what is reported, what is given up.

use anyhow::Context as _;
use async_trait::async_trait;

use super::filters::Sql;
use super::lists::List;
use super::rows::{moment_if_any, parsed, signed, to_json, unsigned};
use super::{SqlStore, Write, assets};
use crate::asset::Asset;
use crate::asset::upload::{Chunk, ReportTaken, Reported, Upload, UploadStatus};
use crate::fault::{Code, Fault, Result};
use crate::ids::{AssetId, UploadId, WorkspaceId};
use crate::store::{Listed, Paging, UploadStore};
use crate::time::Timestamp;

const COLUMNS: &str = "u.id, u.workspace_id, u.asset_id, u.status, u.total_bytes, u.chunk_bytes, u.created_at, \
    u.updated_at, u.expires_at";

#[derive(sqlx::FromRow)]
struct UploadRow {
    id: String,
    workspace_id: String,
    asset_id: String,
    status: String,
    total_bytes: i64,
    chunk_bytes: i64,
    created_at: i64,
    updated_at: i64,
    expires_at: i64,
}

impl UploadRow {
    fn into_upload(self) -> Result<Upload> {
        Ok(Upload {
            id: parsed(&self.id)?,
            workspace: parsed(&self.workspace_id)?,
            asset: parsed(&self.asset_id)?,
            status: UploadStatus::parse(&self.status)
                .context("a row holds an unknown status of an upload")?,
            total_bytes: unsigned(self.total_bytes)?,
            chunk_bytes: unsigned(self.chunk_bytes)?,
            created_at: Timestamp::from_millis(self.created_at),
            updated_at: Timestamp::from_millis(self.updated_at),
            expires_at: Timestamp::from_millis(self.expires_at),
        })
    }
}

#[derive(sqlx::FromRow)]
struct ChunkRow {
    number: i64,
    size_bytes: i64,
    hash: String,
    stored_at: i64,
    reported_at: Option<i64>,
}

impl ChunkRow {
    fn into_chunk(self) -> Result<Chunk> {
        Ok(Chunk {
            number: unsigned(self.number)?,
            size_bytes: unsigned(self.size_bytes)?,
            hash: self.hash,
            stored_at: Timestamp::from_millis(self.stored_at),
            reported_at: moment_if_any(self.reported_at),
        })
    }
}

#[async_trait]
impl UploadStore for SqlStore {
    async fn insert_upload(&self, upload: &Upload, asset: &Asset) -> Result<()> {
        let mut write = self.write().await?;
        assets::insert(&mut write, asset, None).await?;
        sqlx::query(
            "INSERT INTO asset_upload (id, workspace_id, asset_id, status, total_bytes, chunk_bytes, created_at, \
             updated_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(upload.id.to_string())
        .bind(upload.workspace.to_string())
        .bind(upload.asset.to_string())
        .bind(upload.status.as_str())
        .bind(signed(upload.total_bytes)?)
        .bind(signed(upload.chunk_bytes)?)
        .bind(upload.created_at.as_millis())
        .bind(upload.updated_at.as_millis())
        .bind(upload.expires_at.as_millis())
        .execute(&mut *write)
        .await?;
        write.commit().await?;
        Ok(())
    }

    async fn upload(&self, id: UploadId) -> Result<Option<Upload>> {
        let mut sql = Sql::new(format!("SELECT {COLUMNS} FROM asset_upload u WHERE u.id = "));
        let row: Option<UploadRow> =
            sql.push_bind(id.to_string()).build_query_as().fetch_optional(&self.readers).await?;
        row.map(UploadRow::into_upload).transpose()
    }

    async fn incomplete_uploads(&self, workspace: WorkspaceId, paging: Paging) -> Result<Listed<Upload>> {
        let conditions = |sql: &mut Sql| {
            sql.push(" WHERE u.workspace_id = ").push_bind(workspace.to_string());
            sql.push(" AND u.status <> 'completed'");
        };
        let list = List {
            columns: COLUMNS,
            from: "asset_upload u",
            alias: "u",
            tie: "seq",
            conditions: &conditions,
        };
        list.page(self, paging, UploadRow::into_upload).await
    }

    async fn open_uploads(&self, workspace: WorkspaceId) -> Result<u64> {
        let number: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM asset_upload WHERE workspace_id = $1 AND status = 'active'",
        )
        .bind(workspace.to_string())
        .fetch_one(&self.readers)
        .await?;
        unsigned(number)
    }

    async fn chunks(&self, upload: UploadId, from: u64, to: u64) -> Result<Vec<Chunk>> {
        let rows: Vec<ChunkRow> = sqlx::query_as(
            "SELECT number, size_bytes, hash, stored_at, reported_at FROM asset_chunk \
             WHERE upload_id = $1 AND number BETWEEN $2 AND $3 ORDER BY number",
        )
        .bind(upload.to_string())
        .bind(signed(from)?)
        .bind(signed(to)?)
        .fetch_all(&self.readers)
        .await?;
        rows.into_iter().map(ChunkRow::into_chunk).collect()
    }

    async fn reported(&self, upload: UploadId) -> Result<(u64, u64)> {
        let (number, bytes): (i64, i64) = sqlx::query_as(
            "SELECT count(*), CAST(coalesce(sum(size_bytes), 0) AS BIGINT) FROM asset_chunk \
             WHERE upload_id = $1 AND reported_at IS NOT NULL",
        )
        .bind(upload.to_string())
        .fetch_one(&self.readers)
        .await?;
        Ok((unsigned(number)?, unsigned(bytes)?))
    }

    async fn forget_chunk(&self, upload: UploadId, number: u64) -> Result<Option<Chunk>> {
        let mut write = self.write().await?;
        sqlx::query("DELETE FROM asset_chunk WHERE upload_id = $1 AND number = $2 AND reported_at IS NULL")
            .bind(upload.to_string())
            .bind(signed(number)?)
            .execute(&mut *write)
            .await?;
        let reported = chunk(&mut write, upload, number).await?;
        write.commit().await?;
        Ok(reported)
    }

    async fn record_chunk(&self, upload: UploadId, chunk: &Chunk) -> Result<bool> {
        let done = sqlx::query(
            "INSERT INTO asset_chunk (upload_id, number, size_bytes, hash, stored_at) \
             SELECT id, $1, $2, $3, $4 FROM asset_upload WHERE id = $5 AND status = 'active' \
             ON CONFLICT (upload_id, number) DO UPDATE SET size_bytes = excluded.size_bytes, hash = excluded.hash, \
             stored_at = excluded.stored_at, reported_at = NULL",
        )
        .bind(signed(chunk.number)?)
        .bind(signed(chunk.size_bytes)?)
        .bind(&chunk.hash)
        .bind(chunk.stored_at.as_millis())
        .bind(upload.to_string())
        .execute(&self.writer)
        .await?;
        Ok(done.rows_affected() > 0)
    }

    async fn report_chunks(
        &self,
        upload: &Upload,
        reported: &[Reported],
        now: Timestamp,
    ) -> Result<ReportTaken> {
        let mut write = self.write().await?;
        let (mut processed, mut duplicates) = (0, 0);
        for told in reported {
            let here = chunk(&mut write, upload.id, told.number).await?;
            let here = here.ok_or_else(|| mismatch(told, "it is not here; send it (again)"))?;
            check(told, &here)?;
            if here.reported_at.is_some() {
                duplicates += 1;
                continue;
            }
            processed += 1;
            sqlx::query("UPDATE asset_chunk SET reported_at = $1 WHERE upload_id = $2 AND number = $3")
                .bind(now.as_millis())
                .bind(upload.id.to_string())
                .bind(signed(told.number)?)
                .execute(&mut *write)
                .await?;
        }
        let completed: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM asset_chunk WHERE upload_id = $1 AND reported_at IS NOT NULL",
        )
        .bind(upload.id.to_string())
        .fetch_one(&mut *write)
        .await?;
        let completed = unsigned(completed)?;
        let is_complete = completed == upload.total_chunks();
        if processed > 0 {
            touch(&mut write, upload, is_complete, now).await?;
        }
        write.commit().await?;
        Ok(ReportTaken { processed, duplicates, completed, is_complete })
    }

    async fn expire_uploads(&self, now: Timestamp, limit: u32) -> Result<Vec<AssetId>> {
        let mut write = self.write().await?;
        let ended: Vec<String> = sqlx::query_scalar(
            "UPDATE asset_upload SET status = 'expired', updated_at = $1 WHERE seq IN (SELECT seq FROM asset_upload \
             WHERE status = 'active' AND expires_at <= $1 LIMIT $2) RETURNING asset_id",
        )
        .bind(now.as_millis())
        .bind(i64::from(limit))
        .fetch_all(&mut *write)
        .await?;
        let fault = Fault::new(Code::UploadExpired);
        sqlx::query(concat!(
            "UPDATE asset SET status = 'failed', fault_code = $1, fault = $2, updated_at = $3, due_at = NULL \
             WHERE id IN ",
            among!("$4")
        ))
        .bind(fault.code.as_str())
        .bind(to_json(&fault)?)
        .bind(now.as_millis())
        .bind(to_json(&ended)?)
        .execute(&mut *write)
        .await?;
        write.commit().await?;
        ended.iter().map(|id| parsed(id)).collect()
    }
}

async fn chunk(write: &mut Write, upload: UploadId, number: u64) -> Result<Option<Chunk>> {
    let row: Option<ChunkRow> = sqlx::query_as(
        "SELECT number, size_bytes, hash, stored_at, reported_at FROM asset_chunk WHERE upload_id = $1 AND number = $2",
    )
    .bind(upload.to_string())
    .bind(signed(number)?)
    .fetch_optional(&mut **write)
    .await?;
    row.map(ChunkRow::into_chunk).transpose()
}

/// The upload changed; when it is complete, its asset is due.
async fn touch(write: &mut Write, upload: &Upload, is_complete: bool, now: Timestamp) -> Result<()> {
    sqlx::query("UPDATE asset_upload SET status = CASE WHEN $1 THEN 'completed' ELSE status END, updated_at = $2 WHERE id = $3")
        .bind(is_complete)
        .bind(now.as_millis())
        .bind(upload.id.to_string())
        .execute(&mut **write)
        .await?;
    if is_complete {
        sqlx::query("UPDATE asset SET due_at = $1, updated_at = $1 WHERE id = $2 AND status = 'processing'")
            .bind(now.as_millis())
            .bind(upload.asset.to_string())
            .execute(&mut **write)
            .await?;
    }
    Ok(())
}

/// What the client says must be what is here.
fn check(told: &Reported, here: &Chunk) -> Result<(), Fault> {
    if told.proof.trim().trim_matches('"') != here.etag() {
        return Err(mismatch(told, "its proof is not the ETag that was answered"));
    }
    match told.size_bytes {
        Some(size) if size != here.size_bytes => {
            Err(mismatch(told, &format!("it has {} bytes, not {size}", here.size_bytes)))
        }
        _ => Ok(()),
    }
}

fn mismatch(told: &Reported, why: &str) -> Fault {
    Fault::new(Code::ChunkMismatch).value(format!("chunk {}: {why}", told.number))
}
