//! Embeddings as rows: tasks that are worked on under a lease with a fence, and their vectors.

use anyhow::Context as _;
use async_trait::async_trait;
use half::f16;

use super::filters::{Sql, within_moments};
use super::lists::List;
use super::rows::{SEGMENT_COLUMNS, SegmentRow, from_json, from_json_if_any, parsed, to_json};
use super::{DbExecutor, HalfVector, SqlStore, Write};
use crate::embedding::{EmbedClaim, EmbedEnd, EmbedSource, EmbedState, EmbedTask, Embedded, Plan, Scope};
use crate::fault::Result;
use crate::ids::{EmbedTaskId, VideoId, WorkspaceId};
use crate::queue::Stale;
use crate::store::{EmbedFilter, EmbeddingStore, Listed, Paging};
use crate::time::{MediaTime, TimeRange, Timestamp};
use crate::video::{Segment, SegmentKind};

const COLUMNS: &str = "e.id, e.workspace_id, e.model_name, e.served_by, e.source, e.locator, e.clip_length_us, \
    e.scopes, e.start_us, e.end_us, e.state, e.fault, e.duration_us, e.attempts, e.created_at, e.updated_at, \
    e.expires_at";

#[derive(sqlx::FromRow)]
struct TaskRow {
    id: String,
    workspace_id: String,
    model_name: String,
    served_by: String,
    source: String,
    locator: String,
    clip_length_us: i64,
    scopes: String,
    start_us: i64,
    end_us: Option<i64>,
    state: String,
    fault: Option<String>,
    duration_us: Option<i64>,
    #[sqlx(try_from = "i64")]
    attempts: u32,
    created_at: i64,
    updated_at: i64,
    expires_at: i64,
}

impl TaskRow {
    fn into_task(self) -> Result<EmbedTask> {
        Ok(EmbedTask {
            id: parsed(&self.id)?,
            workspace: parsed(&self.workspace_id)?,
            model_name: self.model_name,
            served_by: self.served_by,
            source: match self.source.as_str() {
                "upload" => EmbedSource::Upload { filename: self.locator },
                _ => EmbedSource::Url { url: self.locator },
            },
            plan: Plan {
                clip_length: MediaTime::from_micros(self.clip_length_us),
                scopes: from_json(&self.scopes)?,
                start: MediaTime::from_micros(self.start_us),
                end: self.end_us.map(MediaTime::from_micros),
            },
            state: EmbedState::parse(&self.state).context("a state of a later version")?,
            fault: from_json_if_any(self.fault.as_deref())?,
            duration: self.duration_us.map(MediaTime::from_micros),
            attempts: self.attempts,
            created_at: Timestamp::from_millis(self.created_at),
            updated_at: Timestamp::from_millis(self.updated_at),
            expires_at: Timestamp::from_millis(self.expires_at),
        })
    }
}

async fn one(mut sql: Sql, on: impl DbExecutor<'_>) -> Result<Option<EmbedTask>> {
    let row: Option<TaskRow> = sql.build_query_as().fetch_optional(on).await?;
    row.map(TaskRow::into_task).transpose()
}

#[derive(sqlx::FromRow)]
struct VectorRow {
    scope: String,
    start_us: i64,
    end_us: i64,
    value: Vec<u8>,
}

impl VectorRow {
    fn into_embedded(self) -> Result<Embedded> {
        let (start, end) = (MediaTime::from_micros(self.start_us), MediaTime::from_micros(self.end_us));
        Ok(Embedded {
            range: TimeRange::new(start, end).context("a row holds a range that ends before it starts")?,
            scope: Scope::parse(&self.scope).context("a scope of a later version")?,
            values: self.value.as_chunks::<4>().0.iter().map(|four| f32::from_le_bytes(*four)).collect(),
        })
    }
}

#[derive(sqlx::FromRow)]
struct SegmentVectorRow {
    #[sqlx(flatten)]
    segment: SegmentRow,
    value: HalfVector,
}

async fn write_vectors(write: &mut Write, task: EmbedTaskId, vectors: &[Embedded]) -> Result<()> {
    for Embedded { range, scope, values } in vectors {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        sqlx::query(
            "INSERT INTO embedding (task_id, scope, start_us, end_us, value) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(task.to_string())
        .bind(scope.as_str())
        .bind(range.start().as_micros())
        .bind(range.end().as_micros())
        .bind(bytes)
        .execute(&mut **write)
        .await?;
    }
    Ok(())
}

#[async_trait]
impl EmbeddingStore for SqlStore {
    async fn insert_embed_task(&self, task: &EmbedTask) -> Result<()> {
        let (source, locator) = match &task.source {
            EmbedSource::Upload { filename } => ("upload", filename),
            EmbedSource::Url { url } => ("url", url),
        };
        sqlx::query(
            "INSERT INTO embed_task (id, workspace_id, model_name, served_by, source, locator, clip_length_us, scopes, \
             start_us, end_us, state, due_at, created_at, updated_at, expires_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12, $13, $14)",
        )
        .bind(task.id.to_string())
        .bind(task.workspace.to_string())
        .bind(&task.model_name)
        .bind(&task.served_by)
        .bind(source)
        .bind(locator)
        .bind(task.plan.clip_length.as_micros())
        .bind(to_json(&task.plan.scopes)?)
        .bind(task.plan.start.as_micros())
        .bind(task.plan.end.map(MediaTime::as_micros))
        .bind(task.state.as_str())
        .bind(task.created_at.as_millis())
        .bind(task.updated_at.as_millis())
        .bind(task.expires_at.as_millis())
        .execute(&self.writer)
        .await?;
        Ok(())
    }

    async fn embed_task(&self, workspace: WorkspaceId, id: EmbedTaskId) -> Result<Option<EmbedTask>> {
        let mut sql = Sql::new(format!("SELECT {COLUMNS} FROM embed_task e WHERE e.id = "));
        sql.push_bind(id.to_string()).push(" AND e.workspace_id = ").push_bind(workspace.to_string());
        one(sql, &self.readers).await
    }

    async fn embed_tasks(
        &self,
        workspace: WorkspaceId,
        filter: &EmbedFilter,
        paging: Paging,
    ) -> Result<Listed<EmbedTask>> {
        let conditions = |sql: &mut Sql| {
            sql.push(" WHERE e.workspace_id = ").push_bind(workspace.to_string());
            if let Some(state) = filter.state {
                sql.push(" AND e.state = ").push_bind(state.as_str());
            }
            within_moments(sql, "e.created_at", filter.created_at);
        };
        let list =
            List { columns: COLUMNS, from: "embed_task e", alias: "e", tie: "seq", conditions: &conditions };
        list.page(self, paging, TaskRow::into_task).await
    }

    async fn embedded(&self, workspace: WorkspaceId, id: EmbedTaskId) -> Result<Vec<Embedded>> {
        let rows: Vec<VectorRow> = sqlx::query_as(
            "SELECT x.scope, x.start_us, x.end_us, x.value FROM embedding x JOIN embed_task e ON e.id = x.task_id \
             WHERE x.task_id = $1 AND e.workspace_id = $2 ORDER BY x.seq",
        )
        .bind(id.to_string())
        .bind(workspace.to_string())
        .fetch_all(&self.readers)
        .await?;
        rows.into_iter().map(VectorRow::into_embedded).collect()
    }

    async fn claim_embed_task(
        &self,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<(EmbedClaim, EmbedTask)>> {
        let mut write = self.write_in("embed_task").await?;
        let claimed: Option<(String, i64)> = sqlx::query_as(
            "UPDATE embed_task SET fence = fence + 1, attempts = attempts + 1, lease_until = $1 WHERE seq = \
             (SELECT seq FROM embed_task WHERE state = 'processing' AND due_at <= $2 \
             AND (lease_until IS NULL OR lease_until <= $2) ORDER BY due_at, seq LIMIT 1) RETURNING id, fence",
        )
        .bind(until.as_millis())
        .bind(now.as_millis())
        .fetch_optional(&mut *write)
        .await?;
        let Some((id, fence)) = claimed else { return Ok(None) };
        let mut sql = Sql::new(format!("SELECT {COLUMNS} FROM embed_task e WHERE e.id = "));
        sql.push_bind(id.clone());
        let task = one(sql, &mut *write).await?.context("a task was claimed, and is not there")?;
        write.commit().await?;
        Ok(Some((EmbedClaim { task: parsed(&id)?, fence }, task)))
    }

    async fn extend_embed_claim(&self, claim: &EmbedClaim, until: Timestamp) -> Result<Result<(), Stale>> {
        let sql =
            "UPDATE embed_task SET lease_until = $1 WHERE id = $2 AND fence = $3 AND state = 'processing'";
        let done = sqlx::query(sql)
            .bind(until.as_millis())
            .bind(claim.task.to_string())
            .bind(claim.fence)
            .execute(&self.writer)
            .await?;
        Ok(if done.rows_affected() > 0 { Ok(()) } else { Err(Stale) })
    }

    async fn end_embed_task(
        &self,
        claim: &EmbedClaim,
        end: &EmbedEnd,
        now: Timestamp,
    ) -> Result<Result<(), Stale>> {
        let mut write = self.write_in("embed_task").await?;
        let (state, fault, duration, due) = match end {
            EmbedEnd::Ready(duration, _) => (EmbedState::Ready, None, Some(duration.as_micros()), None),
            EmbedEnd::Failed(fault) => (EmbedState::Failed, Some(to_json(fault)?), None, None),
            EmbedEnd::Again(due) => (EmbedState::Processing, None, None, Some(due.as_millis())),
        };
        let done = sqlx::query(
            "UPDATE embed_task SET state = $1, fault = $2, duration_us = coalesce($3, duration_us), \
             due_at = coalesce($4, due_at), updated_at = $5, lease_until = NULL, fence = fence + 1 \
             WHERE id = $6 AND fence = $7 AND state = 'processing'",
        )
        .bind(state.as_str())
        .bind(fault)
        .bind(duration)
        .bind(due)
        .bind(now.as_millis())
        .bind(claim.task.to_string())
        .bind(claim.fence)
        .execute(&mut *write)
        .await?;
        if done.rows_affected() == 0 {
            return Ok(Err(Stale));
        }
        if let EmbedEnd::Ready(_, vectors) = end {
            write_vectors(&mut write, claim.task, vectors).await?;
        }
        write.commit().await?;
        Ok(Ok(()))
    }

    async fn forget_embed_tasks(&self, now: Timestamp) -> Result<Vec<EmbedTaskId>> {
        let ids: Vec<String> =
            sqlx::query_scalar("DELETE FROM embed_task WHERE expires_at <= $1 RETURNING id")
                .bind(now.as_millis())
                .fetch_all(&self.writer)
                .await?;
        ids.iter().map(|id| parsed(id)).collect()
    }

    async fn break_embed_claims(&self) -> Result<Vec<EmbedTaskId>> {
        sqlx::query(
            "UPDATE embed_task SET lease_until = NULL, fence = fence + 1 WHERE lease_until IS NOT NULL",
        )
        .execute(&self.writer)
        .await?;
        let ids: Vec<String> = sqlx::query_scalar("SELECT id FROM embed_task WHERE state = 'processing'")
            .fetch_all(&self.readers)
            .await?;
        ids.iter().map(|id| parsed(id)).collect()
    }

    async fn segment_vectors(
        &self,
        video: VideoId,
        kind: SegmentKind,
    ) -> Result<Vec<(Segment, Vec<Vec<f32>>)>> {
        let mut sql = Sql::new(format!(
            "SELECT {SEGMENT_COLUMNS}, x.value FROM segment s JOIN segment_vector x ON x.segment_id = s.id WHERE s.video_id = "
        ));
        sql.push_bind(video.to_string()).push(" AND s.kind = ").push_bind(kind.as_str());
        sql.push(" ORDER BY s.start_us, s.id, x.id");
        let rows: Vec<SegmentVectorRow> = sql.build_query_as().fetch_all(&self.readers).await?;
        let mut found: Vec<(Segment, Vec<Vec<f32>>)> = Vec::new();
        for SegmentVectorRow { segment, value } in rows {
            let segment = segment.into_segment()?;
            let values = value.into_values().into_iter().map(f16::to_f32).collect();
            match found.last_mut().filter(|(last, _)| last.id == segment.id) {
                Some((_, vectors)) => vectors.push(values),
                None => found.push((segment, vec![values])),
            }
        }
        Ok(found)
    }
}
