//! Imports: one row for what was asked; all else is told by the transfer that carries it out, so that the two cannot
//! disagree.

use async_trait::async_trait;

use super::filters::Sql;
use super::inventory::{INDEXED, ITEM_COLUMNS, ItemRow};
use super::rows::{
    TASK_COLUMNS, TaskRow, from_json, from_json_if_any, moment_if_any, parsed, parsed_if_any, signed, status,
    to_json, unsigned,
};
use super::transfers::of_transfer;
use super::{ROWS_PER_STATEMENT, SqlStore, stored_key, told_key};
use crate::fault::{Fault, Result};
use crate::ids::{ImportId, IndexId, IntegrationId, TaskId, TransferId, WorkspaceId};
use crate::integration::import::{BucketFile, Import, ImportLog, ImportRequest, LatestTask, Refusal};
use crate::store::ImportStore;
use crate::time::Timestamp;
use crate::transfer::{Counts, Task};

const COLUMNS: &str = "im.id, im.workspace_id, im.integration_id, im.address, im.index_id, im.index_name, \
    im.transfer_id, im.is_incremental, im.retries_failed, im.user_metadata, im.refused, im.created_at";

#[derive(sqlx::FromRow)]
struct ImportRow {
    id: String,
    workspace_id: String,
    integration_id: String,
    address: String,
    index_id: String,
    index_name: String,
    transfer_id: String,
    is_incremental: bool,
    retries_failed: bool,
    user_metadata: Option<String>,
    refused: i64,
    created_at: i64,
}

impl ImportRow {
    fn into_import(self) -> Result<Import> {
        Ok(Import {
            id: parsed(&self.id)?,
            workspace: parsed(&self.workspace_id)?,
            integration: parsed(&self.integration_id)?,
            address: self.address,
            request: ImportRequest {
                index: parsed(&self.index_id)?,
                is_incremental: self.is_incremental,
                retries_failed: self.retries_failed,
                user_metadata: from_json_if_any(self.user_metadata.as_deref())?,
            },
            index_name: self.index_name,
            transfer: parsed(&self.transfer_id)?,
            created_at: Timestamp::from_millis(self.created_at),
        })
    }
}

#[derive(sqlx::FromRow)]
struct LogRow {
    #[sqlx(flatten)]
    import: ImportRow,
    ended_at: Option<i64>,
    validating: i64,
    pending: i64,
    queued: i64,
    indexing: i64,
    ready: i64,
    failed: i64,
    skipped: i64,
}

impl LogRow {
    fn into_log(self) -> Result<ImportLog> {
        Ok(ImportLog {
            counts: Counts {
                validating: unsigned(self.validating)?,
                pending: unsigned(self.pending)?,
                queued: unsigned(self.queued)?,
                indexing: unsigned(self.indexing)?,
                ready: unsigned(self.ready)?,
                failed: unsigned(self.failed)?,
                skipped: unsigned(self.skipped)?,
            },
            refused: unsigned(self.import.refused)?,
            ended_at: moment_if_any(self.ended_at),
            import: self.import.into_import()?,
        })
    }
}

#[derive(sqlx::FromRow)]
struct FileRow {
    #[sqlx(flatten)]
    item: ItemRow,
    header: Option<String>,
    is_indexed: bool,
    task_id: Option<String>,
    task_status: Option<String>,
    task_fault: Option<String>,
    task_video: Option<String>,
    task_created_at: Option<i64>,
    task_updated_at: Option<i64>,
    refusal: Option<String>,
    refused_at: Option<i64>,
}

impl FileRow {
    fn into_file(self) -> Result<BucketFile> {
        let refusal = from_json_if_any::<Fault>(self.refusal.as_deref())?.zip(moment_if_any(self.refused_at));
        let times = moment_if_any(self.task_created_at).zip(moment_if_any(self.task_updated_at));
        let latest = match (self.task_id, self.task_status, times) {
            (Some(id), Some(name), Some((created_at, updated_at))) => Some(LatestTask {
                id: parsed(&id)?,
                status: status(&name)?,
                fault: from_json_if_any(self.task_fault.as_deref())?,
                video: parsed_if_any(self.task_video.as_deref())?,
                created_at,
                updated_at,
            }),
            _ => None,
        };
        Ok(BucketFile {
            item: self.item.into_item()?,
            // One that says less does not say enough.
            header: self.header.and_then(|header| serde_json::from_str(&header).ok()),
            is_indexed: self.is_indexed,
            latest,
            refusal,
        })
    }
}

#[async_trait]
impl ImportStore for SqlStore {
    async fn begin_import(&self, import: &Import) -> Result<Option<Import>> {
        let mut write = self.write().await?;
        // One that has no transfer yet is being prepared.
        let mut sql = Sql::new(format!(
            "SELECT {COLUMNS} FROM import im LEFT JOIN transfer tr ON tr.id = im.transfer_id \
             WHERE (tr.id IS NULL OR tr.ended_at IS NULL) AND im.integration_id = "
        ));
        sql.push_bind(import.integration.to_string()).push(" ORDER BY im.seq DESC LIMIT 1");
        let running: Option<ImportRow> = sql.build_query_as().fetch_optional(&mut *write).await?;
        if let Some(running) = running {
            return running.into_import().map(Some);
        }
        let ImportRequest { index, is_incremental, retries_failed, user_metadata } = &import.request;
        sqlx::query(
            "INSERT INTO import (id, workspace_id, integration_id, address, index_id, index_name, transfer_id, \
             is_incremental, retries_failed, user_metadata, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        )
        .bind(import.id.to_string())
        .bind(import.workspace.to_string())
        .bind(import.integration.to_string())
        .bind(&import.address)
        .bind(index.to_string())
        .bind(&import.index_name)
        .bind(import.transfer.to_string())
        .bind(is_incremental)
        .bind(retries_failed)
        .bind(user_metadata.as_ref().map(to_json).transpose()?)
        .bind(import.created_at.as_millis())
        .execute(&mut *write)
        .await?;
        write.commit().await?;
        Ok(None)
    }

    async fn add_refusals(&self, import: ImportId, refusals: &[Refusal]) -> Result<()> {
        if refusals.is_empty() {
            return Ok(());
        }
        let mut write = self.write().await?;
        for some in refusals.chunks(ROWS_PER_STATEMENT) {
            let faults = some.iter().map(|refusal| to_json(&refusal.fault)).collect::<Result<Vec<_>>>()?;
            let mut sql = Sql::new("INSERT INTO import_refusal (import_id, key, reason) ");
            sql.push_values(some.iter().zip(faults), |mut row, (refusal, fault)| {
                row.push_bind(import.to_string()).push_bind(stored_key(&refusal.key)).push_bind(fault);
            });
            sql.build().persistent(false).execute(&mut *write).await?;
        }
        sqlx::query("UPDATE import SET refused = refused + $1 WHERE id = $2")
            .bind(signed(refusals.len() as u64)?)
            .bind(import.to_string())
            .execute(&mut *write)
            .await?;
        write.commit().await?;
        Ok(())
    }

    async fn discard_import(&self, import: ImportId) -> Result<()> {
        discard(self, Some(import)).await?;
        Ok(())
    }

    async fn discard_unfinished_imports(&self) -> Result<u64> {
        discard(self, None).await
    }

    async fn imports_after(
        &self,
        workspace: WorkspaceId,
        integration: IntegrationId,
        after: Option<ImportId>,
        limit: u32,
    ) -> Result<Vec<ImportLog>> {
        let mut sql = Sql::new(format!(
            "SELECT {COLUMNS}, tr.ended_at, tr.validating, tr.pending, tr.queued, tr.indexing, tr.ready, tr.failed, \
             tr.skipped FROM import im JOIN transfer tr ON tr.id = im.transfer_id AND tr.state <> 'receiving' WHERE true"
        ));
        sql.push(" AND im.integration_id = ").push_bind(integration.to_string());
        sql.push(" AND im.workspace_id = ").push_bind(workspace.to_string());
        if let Some(after) = after {
            sql.push(" AND im.seq > (SELECT seq FROM import WHERE id = ")
                .push_bind(after.to_string())
                .push(")");
        }
        sql.push(" ORDER BY im.seq LIMIT ").push_bind(i64::from(limit));
        let rows: Vec<LogRow> = sql.build_query_as().fetch_all(&self.readers).await?;
        rows.into_iter().map(LogRow::into_log).collect()
    }

    async fn refusals_after(
        &self,
        import: ImportId,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Refusal>> {
        let mut sql = Sql::new("SELECT key, reason FROM import_refusal WHERE import_id = ");
        sql.push_bind(import.to_string());
        if let Some(after) = after {
            sql.push(" AND key > ").push_bind(stored_key(after));
        }
        sql.push(" ORDER BY key LIMIT ").push_bind(i64::from(limit));
        let rows: Vec<(String, String)> = sql.build_query_as().fetch_all(&self.readers).await?;
        rows.into_iter()
            .map(|(key, fault)| Ok(Refusal { key: told_key(key), fault: from_json(&fault)? }))
            .collect()
    }

    async fn failed_after(
        &self,
        transfer: TransferId,
        after: Option<TaskId>,
        limit: u32,
    ) -> Result<Vec<Task>> {
        // The `+` has it walk the ids, page by page, instead of sorting all that failed for each page.
        let mut sql = Sql::new(format!(
            "SELECT {TASK_COLUMNS} FROM task t WHERE {} = 'failed'",
            by_no_index!("t.status")
        ));
        of_transfer(&mut sql, transfer);
        if let Some(after) = after {
            sql.push(" AND t.id > ").push_bind(after.to_string());
        }
        sql.push(" ORDER BY t.id LIMIT ").push_bind(i64::from(limit));
        let rows: Vec<TaskRow> = sql.build_query_as().fetch_all(&self.readers).await?;
        rows.into_iter().map(TaskRow::into_task).collect()
    }

    async fn files_after(
        &self,
        integration: IntegrationId,
        index: IndexId,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<BucketFile>> {
        let mut sql = Sql::new(format!(
            "SELECT {ITEM_COLUMNS}, CASE WHEN i.header_etag = i.etag THEN i.header END AS header, EXISTS ("
        ));
        sql.push(INDEXED).push(" AND t.index_id = ").push_bind(index.to_string());
        sql.push(
            ") AS is_indexed, l.id AS task_id, l.status AS task_status, l.fault AS task_fault, \
             (SELECT v.id FROM video v WHERE v.id = l.video_id) AS task_video, l.created_at AS task_created_at, \
             l.updated_at AS task_updated_at, r.reason AS refusal, im.created_at AS refused_at FROM inventory i \
             LEFT JOIN task l ON l.seq = (SELECT max(n.seq) FROM task n WHERE n.integration_id = i.integration_id \
             AND n.locator = i.key AND n.source = 'object' AND (n.transfer_id IS NULL OR n.transfer_id NOT IN \
             (SELECT id FROM transfer WHERE state = 'receiving')) AND n.index_id = ",
        );
        sql.push_bind(index.to_string());
        sql.push(
            ") LEFT JOIN import im ON im.seq = (SELECT max(m.seq) FROM import m JOIN transfer tr \
             ON tr.id = m.transfer_id AND tr.state <> 'receiving' WHERE m.integration_id = i.integration_id \
             AND m.index_id = ",
        );
        sql.push_bind(index.to_string());
        sql.push(concat!(
            ") LEFT JOIN import_refusal r ON r.import_id = im.id AND r.key = i.key WHERE ",
            is!("i.is_video"),
            " AND i.removed_at IS NULL AND i.integration_id = "
        ));
        sql.push_bind(integration.to_string());
        if let Some(after) = after {
            sql.push(" AND i.key > ").push_bind(stored_key(after));
        }
        sql.push(" ORDER BY i.key LIMIT ").push_bind(i64::from(limit));
        let rows: Vec<FileRow> = sql.build_query_as().fetch_all(&self.readers).await?;
        rows.into_iter().map(FileRow::into_file).collect()
    }
}

/// Removes the import, or all, as long as there is no transfer: from its acceptance on it stays.
async fn discard(store: &SqlStore, import: Option<ImportId>) -> Result<u64> {
    let done = sqlx::query(
        "DELETE FROM import WHERE ($1 IS NULL OR id = $1) \
         AND NOT EXISTS (SELECT 1 FROM transfer tr WHERE tr.id = import.transfer_id)",
    )
    .bind(import.map(|import| import.to_string()))
    .execute(&store.writer)
    .await?;
    Ok(done.rows_affected())
}
