//! Indexed assets: tasks as the contract's later versions see them, with their videos and the assets they are made of.

use std::collections::HashMap;

use async_trait::async_trait;
use serde_json::{Map, Value};

use super::counters::Recount;
use super::filters::{Sql, equals, in_index, user_field, within, within_moments};
use super::lists::List;
use super::rows::{TASK_COLUMNS, TaskRow, VIDEO_COLUMNS, VideoRow, parsed, parsed_if_any, status, to_json};
use super::tasks::{ACKNOWLEDGED, Home};
use super::{QueryScalar, SqlStore, Write, assets, push_among, tasks, transfers};
use crate::asset::{IndexedAsset, Reference};
use crate::fault::{Code, Fault, Result};
use crate::ids::{AssetId, IndexId, TaskId, TransferId, VideoId, WorkspaceId};
use crate::store::{IndexedAssetStore, IndexedFilter, Listed, Paging};
use crate::time::Timestamp;
use crate::transfer::{NewTask, Status, Task};
use crate::video::Video;

/// A task with the video that it made and the asset that it is of, if there are such.
const FROM: &str = "task t LEFT JOIN video v ON v.id = coalesce(t.video_id, t.id) \
    LEFT JOIN indexed_asset r ON r.task_id = t.id";
/// Those that made a video, or may yet, or failed. What was skipped is the video that it equals, if it is of an asset; what
/// is ready and has no video had it deleted.
const INDEXED: &str = " AND (t.status NOT IN ('ready', 'skipped') OR v.id IS NOT NULL) \
    AND (t.status <> 'skipped' OR r.task_id IS NOT NULL)";

#[derive(sqlx::FromRow)]
struct IndexedRow {
    #[sqlx(flatten)]
    task: TaskRow,
    asset_id: Option<String>,
}

impl IndexedRow {
    fn into_parts(self) -> Result<(Task, Option<AssetId>)> {
        Ok((self.task.into_task()?, parsed_if_any(self.asset_id.as_deref())?))
    }
}

#[async_trait]
impl IndexedAssetStore for SqlStore {
    async fn task_of_asset(
        &self,
        workspace: WorkspaceId,
        asset: AssetId,
        index: IndexId,
    ) -> Result<Option<TaskId>> {
        let found: Option<String> = of_asset(asset, index, workspace).fetch_optional(&self.readers).await?;
        parsed_if_any(found.as_deref())
    }

    async fn insert_asset_task(
        &self,
        workspace: WorkspaceId,
        task: &NewTask,
        asset: AssetId,
        now: Timestamp,
    ) -> Result<TaskId> {
        let mut write = self.write().await?;
        let other: Option<String> =
            of_asset(asset, task.index, workspace).fetch_optional(&mut *write).await?;
        if let Some(other) = other {
            return parsed(&other);
        }
        let lane = transfers::lane_of_single_tasks(&mut write, workspace).await?;
        let home = Home { workspace, transfer: None, lane };
        tasks::insert(&mut write, &home, std::slice::from_ref(task), now).await?;
        let done = sqlx::query(
            "INSERT INTO indexed_asset (task_id, asset_id, index_id, workspace_id) \
             SELECT $1, id, $2, workspace_id FROM asset WHERE id = $3 AND workspace_id = $4",
        )
        .bind(task.id.to_string())
        .bind(task.index.to_string())
        .bind(asset.to_string())
        .bind(workspace.to_string())
        .execute(&mut *write)
        .await?;
        if done.rows_affected() == 0 {
            return Err(assets::is_gone(asset).into());
        }
        write.commit().await?;
        Ok(task.id)
    }

    async fn indexed_asset(
        &self,
        workspace: WorkspaceId,
        index: IndexId,
        id: VideoId,
    ) -> Result<Option<IndexedAsset>> {
        let mut sql = Sql::new(format!("SELECT {TASK_COLUMNS}, r.asset_id FROM {FROM}"));
        conditions(&mut sql, workspace, index, &IndexedFilter::default());
        equals(&mut sql, "t.id", Some(id.to_string()));
        let row: Option<IndexedRow> = sql.build_query_as().fetch_optional(&self.readers).await?;
        let Some(row) = row else { return Ok(None) };
        let (task, asset) = row.into_parts()?;
        let video = videos_of(self, std::slice::from_ref(&task)).await?.remove(&video_of(&task));
        Ok(Some(IndexedAsset { task, video, asset }))
    }

    async fn indexed_assets(
        &self,
        workspace: WorkspaceId,
        index: IndexId,
        filter: &IndexedFilter,
        paging: Paging,
    ) -> Result<Listed<IndexedAsset>> {
        let conditions = |sql: &mut Sql| conditions(sql, workspace, index, filter);
        let columns = columns();
        let list = List { columns: &columns, from: FROM, alias: "t", tie: "seq", conditions: &conditions };
        let Listed { rows, total, is_at_least } = list.page(self, paging, IndexedRow::into_parts).await?;
        let tasks: Vec<&Task> = rows.iter().map(|(task, _)| task).collect();
        let videos = videos_of(self, tasks).await?;
        let whole = |(task, asset): (Task, Option<AssetId>)| {
            let video = videos.get(&video_of(&task)).cloned();
            IndexedAsset { task, video, asset }
        };
        Ok(Listed { rows: rows.into_iter().map(whole).collect(), total, is_at_least })
    }

    async fn references(
        &self,
        workspace: WorkspaceId,
        asset: AssetId,
        paging: Paging,
    ) -> Result<Listed<Reference>> {
        let conditions = |sql: &mut Sql| {
            sql.push(" WHERE r.asset_id = ").push_bind(asset.to_string());
            sql.push(" AND r.workspace_id = ").push_bind(workspace.to_string());
            sql.push(" AND x.deleted_at IS NULL").push(INDEXED);
        };
        let from = "indexed_asset r JOIN task t ON t.id = r.task_id JOIN video_index x ON x.id = t.index_id \
                    LEFT JOIN video v ON v.id = coalesce(t.video_id, t.id)";
        let list =
            List { columns: "t.id, x.id, x.name", from, alias: "t", tie: "seq", conditions: &conditions };
        list.page(self, paging, |(task, index, index_name): (String, String, String)| {
            Ok(Reference { task: parsed(&task)?, index: parsed(&index)?, index_name })
        })
        .await
    }

    async fn newest_reference(
        &self,
        workspace: WorkspaceId,
        asset: AssetId,
    ) -> Result<Option<(VideoId, Status)>> {
        let found: Option<(String, String)> = sqlx::query_as(
            "SELECT coalesce(t.video_id, t.id), t.status FROM indexed_asset r JOIN task t ON t.id = r.task_id \
             LEFT JOIN video v ON v.id = t.video_id WHERE r.asset_id = $1 AND r.workspace_id = $2 \
             AND (t.status NOT IN ('ready', 'skipped') OR v.id IS NOT NULL) ORDER BY v.id IS NULL, t.status = 'failed', t.seq DESC LIMIT 1",
        )
        .bind(asset.to_string())
        .bind(workspace.to_string())
        .fetch_optional(&self.readers)
        .await?;
        found.map(|(id, name)| Ok((parsed(&id)?, status(&name)?))).transpose()
    }

    async fn set_indexed_metadata(
        &self,
        workspace: WorkspaceId,
        index: IndexId,
        id: VideoId,
        fields: &Map<String, Value>,
        now: Timestamp,
    ) -> Result<bool> {
        let fields = to_json(fields)?;
        let mut write = self.write().await?;
        let mut found = 0;
        // The task's are those that its video will have.
        for statement in [
            "UPDATE task SET user_metadata = $1 WHERE id = $3 AND index_id = $4 AND workspace_id = $5 AND $2 = $2",
            "UPDATE video SET user_metadata = $1, updated_at = $2 WHERE id = $3 AND index_id = $4 AND workspace_id = $5",
        ] {
            let done = sqlx::query(statement)
                .bind(&fields)
                .bind(now.as_millis())
                .bind(id.to_string())
                .bind(index.to_string())
                .bind(workspace.to_string())
                .execute(&mut *write)
                .await?;
            found += done.rows_affected();
        }
        write.commit().await?;
        Ok(found > 0)
    }

    async fn delete_indexed_asset(
        &self,
        workspace: WorkspaceId,
        index: IndexId,
        id: VideoId,
    ) -> Result<bool> {
        let mut write = self.write().await?;
        let mut sql =
            Sql::new(format!("SELECT t.status, t.transfer_id, t.updated_at, v.id IS NOT NULL FROM {FROM}"));
        conditions(&mut sql, workspace, index, &IndexedFilter::default());
        equals(&mut sql, "t.id", Some(id.to_string()));
        let found: Option<(String, Option<String>, i64, bool)> =
            sql.build_query_as().fetch_optional(&mut *write).await?;
        let Some((name, transfer, updated_at, has_video)) = found else { return Ok(false) };
        let (status, transfer): (Status, Option<TransferId>) =
            (status(&name)?, parsed_if_any(transfer.as_deref())?);
        // Of a transfer's task the report still tells, as when a video is deleted.
        let goes = transfer.is_none() || !has_video;
        if transfer.is_some() && !status.is_final() {
            let remedy = "Cancel its transfer, or wait until it is ready or failed.";
            return Err(Fault::new(Code::TaskCannotBeDeleted).value(name).remedy(remedy).into());
        }
        remove(&mut write, id, goes).await?;
        if let Some(transfer) = transfer.filter(|_| goes) {
            let mut recount = Recount::default();
            recount.gone(status, 1);
            recount.apply(&mut write, transfer, Timestamp::from_millis(updated_at)).await?;
        }
        write.commit().await?;
        Ok(true)
    }
}

/// `rows::TASK_COLUMNS` and the asset.
fn columns() -> String {
    format!("{TASK_COLUMNS}, r.asset_id")
}

type Scalar<'q> = QueryScalar<'q, String>;

/// The task that indexes an asset in an index, as long as that has come, or may come, to a video.
fn of_asset(asset: AssetId, index: IndexId, workspace: WorkspaceId) -> Scalar<'static> {
    sqlx::query_scalar(
        "SELECT t.id FROM indexed_asset r JOIN task t ON t.id = r.task_id WHERE r.asset_id = $1 AND r.index_id = $2 \
         AND r.workspace_id = $3 AND (t.due_at IS NOT NULL OR EXISTS (SELECT 1 FROM video v WHERE v.id = t.video_id)) LIMIT 1",
    )
    .bind(asset.to_string())
    .bind(index.to_string())
    .bind(workspace.to_string())
}

async fn remove(write: &mut Write, id: VideoId, task_too: bool) -> Result<()> {
    sqlx::query("DELETE FROM video WHERE id = $1").bind(id.to_string()).execute(&mut **write).await?;
    sqlx::query("DELETE FROM content WHERE task_id = $1").bind(id.to_string()).execute(&mut **write).await?;
    if task_too {
        // A worker's claim is stale by it; its link to the asset goes with it.
        sqlx::query("DELETE FROM task WHERE id = $1").bind(id.to_string()).execute(&mut **write).await?;
    }
    Ok(())
}

/// The video of a task: its own, or the one that it equals.
fn video_of(task: &Task) -> VideoId {
    task.duplicate.as_ref().map_or_else(|| task.id.into(), |duplicate| duplicate.video)
}

async fn videos_of<'a>(
    store: &SqlStore,
    tasks: impl IntoIterator<Item = &'a Task>,
) -> Result<HashMap<VideoId, Video>> {
    let ids: Vec<VideoId> = tasks.into_iter().map(video_of).collect();
    let mut sql = Sql::new(format!("SELECT {VIDEO_COLUMNS} FROM video v WHERE v.id IN "));
    push_among(&mut sql, to_json(&ids)?);
    let rows: Vec<VideoRow> = sql.build_query_as().fetch_all(&store.readers).await?;
    let videos = rows.into_iter().map(|row| row.into_video().map(|video| (video.id, video)));
    videos.collect()
}

fn conditions(sql: &mut Sql, workspace: WorkspaceId, index: IndexId, filter: &IndexedFilter) {
    let IndexedFilter { statuses, video } = filter;
    in_index(sql, "t.index_id", workspace, index);
    sql.push(ACKNOWLEDGED).push(INDEXED);
    if !statuses.is_empty() {
        sql.push(" AND t.status IN (");
        let mut names = sql.separated(", ");
        for status in statuses {
            names.push_bind(status.as_str());
        }
        sql.push(")");
    }
    equals(sql, "t.filename", video.filename.clone());
    within(sql, "coalesce(v.duration_s, t.duration_s)", video.duration_s);
    within(sql, "coalesce(v.fps, t.fps)", video.fps);
    within(sql, "coalesce(v.width, t.width)", video.width);
    within(sql, "coalesce(v.height, t.height)", video.height);
    within(sql, "coalesce(v.size_bytes, t.size_bytes)", video.size_bytes);
    within_moments(sql, "t.created_at", video.created_at);
    within_moments(sql, "coalesce(v.updated_at, t.updated_at)", video.updated_at);
    for (name, test) in &video.user_metadata {
        user_field(sql, "coalesce(v.user_metadata, t.user_metadata, '{}')", name, test);
    }
}
