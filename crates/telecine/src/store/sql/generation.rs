//! Analyses and batches as rows, worked on under a lease with a fence; what generation reads of videos.

use anyhow::Context as _;
use async_trait::async_trait;
use half::f16;

use super::filters::{Sql, equals};
use super::lists::List;
use super::rows::{
    VIDEO_COLUMNS, VideoRow, from_json, from_json_if_any, moment_if_any, parsed, parsed_if_any, to_json,
    unsigned,
};
use super::{DbExecutor, SqlStore, Write, push_among, webhooks};
use crate::fault::Result;
use crate::generate::{
    Batch, BatchCounts, BatchState, Job, JobClaim, JobEnd, JobFilter, JobState, NewJob, SeenVector,
};
use crate::ids::{AnalysisId, BatchId, VideoId, WorkspaceId};
use crate::queue::Stale;
use crate::store::{GenerationStore, Listed, Paging};
use crate::time::{MediaTime, TimeRange, Timestamp};
use crate::video::Video;

const COLUMNS: &str = "a.id, a.workspace_id, a.batch_id, a.custom_id, a.request, a.state, a.attempts, a.result, a.fault, \
    a.created_at, a.completed_at";
const BATCH_COLUMNS: &str = "b.id, b.model_name, b.state, b.queued, b.processing, b.ready, b.failed, b.canceled, \
    b.created_at, b.ended_at, b.canceled_at, b.expired_at";

#[derive(sqlx::FromRow)]
struct JobRow {
    id: String,
    workspace_id: String,
    batch_id: Option<String>,
    custom_id: Option<String>,
    request: String,
    state: String,
    #[sqlx(try_from = "i64")]
    attempts: u32,
    result: Option<String>,
    fault: Option<String>,
    created_at: i64,
    completed_at: Option<i64>,
}

impl JobRow {
    fn into_job(self) -> Result<Job> {
        Ok(Job {
            id: parsed(&self.id)?,
            workspace: parsed(&self.workspace_id)?,
            batch: parsed_if_any(self.batch_id.as_deref())?,
            custom_id: self.custom_id,
            request: from_json(&self.request)?,
            state: JobState::parse(&self.state).context("a state of a later version")?,
            attempts: self.attempts,
            result: from_json_if_any(self.result.as_deref())?,
            fault: from_json_if_any(self.fault.as_deref())?,
            created_at: Timestamp::from_millis(self.created_at),
            completed_at: moment_if_any(self.completed_at),
        })
    }
}

#[derive(sqlx::FromRow)]
struct BatchRow {
    id: String,
    model_name: String,
    state: String,
    queued: i64,
    processing: i64,
    ready: i64,
    failed: i64,
    canceled: i64,
    created_at: i64,
    ended_at: Option<i64>,
    canceled_at: Option<i64>,
    expired_at: Option<i64>,
}

impl BatchRow {
    fn into_batch(self) -> Result<Batch> {
        let state = BatchState::parse(&self.state).context("a state of a later version")?;
        Ok(Batch {
            id: parsed(&self.id)?,
            model_name: self.model_name,
            state,
            counts: BatchCounts {
                queued: unsigned(self.queued)?,
                processing: unsigned(self.processing)?,
                ready: unsigned(self.ready)?,
                failed: unsigned(self.failed)?,
                canceled: unsigned(self.canceled)?,
            },
            created_at: Timestamp::from_millis(self.created_at),
            completed_at: moment_if_any(self.ended_at.filter(|_| state == BatchState::Completed)),
            canceled_at: moment_if_any(self.canceled_at),
            expired_at: moment_if_any(self.expired_at),
        })
    }
}

#[derive(sqlx::FromRow)]
struct SeenRow {
    start_us: i64,
    end_us: i64,
    value: Vec<u8>,
}

async fn one(mut sql: Sql, on: impl DbExecutor<'_>) -> Result<Option<Job>> {
    let row: Option<JobRow> = sql.build_query_as().fetch_optional(on).await?;
    row.map(JobRow::into_job).transpose()
}

async fn insert(
    write: &mut Write,
    workspace: WorkspaceId,
    batch: Option<BatchId>,
    job: &NewJob,
    now: Timestamp,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO analysis (id, workspace_id, batch_id, custom_id, video_id, request, state, due_at, created_at, \
         updated_at) VALUES ($1, $2, $3, $4, $5, $6, 'queued', $7, $7, $7)",
    )
    .bind(job.id.to_string())
    .bind(workspace.to_string())
    .bind(batch.map(|batch| batch.to_string()))
    .bind(&job.custom_id)
    .bind(job.request.answer.video.to_string())
    .bind(to_json(&job.request)?)
    .bind(now.as_millis())
    .execute(&mut **write)
    .await?;
    Ok(())
}

#[async_trait]
impl GenerationStore for SqlStore {
    async fn video_anywhere(&self, workspace: WorkspaceId, id: VideoId) -> Result<Option<Video>> {
        let mut sql = Sql::new(format!(
            "SELECT {VIDEO_COLUMNS} FROM video v JOIN video_index i ON i.id = v.index_id AND i.deleted_at IS NULL WHERE v.id = "
        ));
        sql.push_bind(id.to_string()).push(" AND v.workspace_id = ").push_bind(workspace.to_string());
        let row: Option<VideoRow> = sql.build_query_as().fetch_optional(&self.readers).await?;
        row.map(VideoRow::into_video).transpose()
    }

    async fn seen(&self, video: VideoId) -> Result<Vec<SeenVector>> {
        let rows: Vec<SeenRow> = sqlx::query_as(
            "SELECT s.start_us, s.end_us, x.value FROM segment s JOIN segment_vector x ON x.segment_id = s.id \
             WHERE s.video_id = $1 AND s.kind = 'shot' ORDER BY s.start_us, s.id, x.at_us",
        )
        .bind(video.to_string())
        .fetch_all(&self.readers)
        .await?;
        let seen = |row: SeenRow| {
            let (start, end) = (MediaTime::from_micros(row.start_us), MediaTime::from_micros(row.end_us));
            let range =
                TimeRange::new(start, end).context("a row holds a range that ends before it starts")?;
            let halves = row.value.as_chunks::<2>().0.iter();
            Ok(SeenVector { range, values: halves.map(|pair| f16::from_le_bytes(*pair).to_f32()).collect() })
        };
        rows.into_iter().map(seen).collect()
    }

    async fn insert_jobs(
        &self,
        workspace: WorkspaceId,
        batch: Option<(BatchId, &str)>,
        jobs: &[NewJob],
        now: Timestamp,
    ) -> Result<()> {
        let mut write = self.write_in("analysis").await?;
        if let Some((id, model_name)) = batch {
            sqlx::query(
                "INSERT INTO analysis_batch (id, workspace_id, model_name, created_at) VALUES ($1, $2, $3, $4)",
            )
            .bind(id.to_string())
            .bind(workspace.to_string())
            .bind(model_name)
            .bind(now.as_millis())
            .execute(&mut *write)
            .await?;
        }
        for job in jobs {
            insert(&mut write, workspace, batch.map(|(id, _)| id), job, now).await?;
        }
        write.commit().await?;
        Ok(())
    }

    async fn job(&self, workspace: WorkspaceId, id: AnalysisId) -> Result<Option<Job>> {
        let mut sql = Sql::new(format!("SELECT {COLUMNS} FROM analysis a WHERE a.workspace_id = "));
        sql.push_bind(workspace.to_string());
        equals(&mut sql, "a.id", Some(id.to_string()));
        one(sql, &self.readers).await
    }

    async fn jobs(&self, workspace: WorkspaceId, filter: &JobFilter, paging: Paging) -> Result<Listed<Job>> {
        let states: Vec<&str> = filter.states.iter().map(|state| state.as_str()).collect();
        let states = to_json(&states)?;
        let conditions = |sql: &mut Sql| {
            sql.push(" WHERE a.workspace_id = ").push_bind(workspace.to_string());
            equals(sql, "a.video_id", filter.video.map(|video| video.to_string()));
            if !filter.states.is_empty() {
                sql.push(" AND a.state IN ");
                push_among(sql, states.clone());
            }
        };
        let list =
            List { columns: COLUMNS, from: "analysis a", alias: "a", tie: "seq", conditions: &conditions };
        list.page(self, paging, JobRow::into_job).await
    }

    async fn jobs_after(&self, batch: BatchId, after: Option<AnalysisId>, limit: u32) -> Result<Vec<Job>> {
        let mut sql = Sql::new(format!("SELECT {COLUMNS} FROM analysis a WHERE a.batch_id = "));
        sql.push_bind(batch.to_string()).push(" AND a.seq > coalesce((SELECT seq FROM analysis WHERE id = ");
        sql.push_bind(after.map(|after| after.to_string()))
            .push("), 0) ORDER BY a.seq LIMIT ")
            .push_bind(i64::from(limit));
        let rows: Vec<JobRow> = sql.build_query_as().fetch_all(&self.readers).await?;
        rows.into_iter().map(JobRow::into_job).collect()
    }

    async fn delete_job(&self, workspace: WorkspaceId, id: AnalysisId) -> Result<Option<bool>> {
        let mut write = self.write_in("analysis").await?;
        let sql =
            "SELECT state NOT IN ('queued', 'processing') FROM analysis WHERE id = $1 AND workspace_id = $2";
        let found = sqlx::query_scalar(sql).bind(id.to_string()).bind(workspace.to_string());
        let is_over: Option<bool> = found.fetch_optional(&mut *write).await?;
        if is_over == Some(true) {
            let gone = sqlx::query("DELETE FROM analysis WHERE id = $1").bind(id.to_string());
            gone.execute(&mut *write).await?;
            write.commit().await?;
        }
        Ok(is_over)
    }

    async fn cancel_job(
        &self,
        workspace: WorkspaceId,
        id: AnalysisId,
        now: Timestamp,
    ) -> Result<Option<JobState>> {
        let mut write = self.write_in("analysis").await?;
        sqlx::query(
            "UPDATE analysis SET state = 'canceled', completed_at = $1, updated_at = $1, lease_until = NULL, \
             fence = fence + 1 WHERE id = $2 AND workspace_id = $3 AND state IN ('queued', 'processing')",
        )
        .bind(now.as_millis())
        .bind(id.to_string())
        .bind(workspace.to_string())
        .execute(&mut *write)
        .await?;
        let sql = "SELECT state FROM analysis WHERE id = $1 AND workspace_id = $2";
        let state = sqlx::query_scalar(sql).bind(id.to_string()).bind(workspace.to_string());
        let state: Option<String> = state.fetch_optional(&mut *write).await?;
        write.commit().await?;
        Ok(state.and_then(|state| JobState::parse(&state)))
    }

    async fn batch(&self, workspace: WorkspaceId, id: BatchId) -> Result<Option<Batch>> {
        let mut sql =
            Sql::new(format!("SELECT {BATCH_COLUMNS} FROM analysis_batch_state b WHERE b.workspace_id = "));
        sql.push_bind(workspace.to_string());
        equals(&mut sql, "b.id", Some(id.to_string()));
        let row: Option<BatchRow> = sql.build_query_as().fetch_optional(&self.readers).await?;
        row.map(BatchRow::into_batch).transpose()
    }

    async fn batches(
        &self,
        workspace: WorkspaceId,
        states: &[BatchState],
        paging: Paging,
    ) -> Result<Listed<Batch>> {
        let names: Vec<&str> = states.iter().map(|state| state.as_str()).collect();
        let names = to_json(&names)?;
        let conditions = |sql: &mut Sql| {
            sql.push(" WHERE b.workspace_id = ").push_bind(workspace.to_string());
            if !states.is_empty() {
                sql.push(" AND b.state IN ");
                push_among(sql, names.clone());
            }
        };
        let list = List {
            columns: BATCH_COLUMNS,
            from: "analysis_batch_state b",
            alias: "b",
            tie: "seq",
            conditions: &conditions,
        };
        list.page(self, paging, BatchRow::into_batch).await
    }

    async fn cancel_batch(&self, workspace: WorkspaceId, id: BatchId, now: Timestamp) -> Result<bool> {
        let mut write = self.write_in("analysis").await?;
        let done = sqlx::query(
            "UPDATE analysis_batch SET canceled_at = coalesce(canceled_at, $1) WHERE id = $2 AND workspace_id = $3",
        );
        let done = done.bind(now.as_millis()).bind(id.to_string()).bind(workspace.to_string());
        let found = done.execute(&mut *write).await?.rows_affected() > 0;
        sqlx::query(
            "UPDATE analysis SET state = 'canceled', completed_at = $1, updated_at = $1 WHERE batch_id = $2 \
             AND workspace_id = $3 AND state = 'queued'",
        )
        .bind(now.as_millis())
        .bind(id.to_string())
        .bind(workspace.to_string())
        .execute(&mut *write)
        .await?;
        write.commit().await?;
        Ok(found)
    }

    async fn delete_batch(&self, workspace: WorkspaceId, id: BatchId) -> Result<bool> {
        let gone = sqlx::query("DELETE FROM analysis_batch WHERE id = $1 AND workspace_id = $2");
        let gone = gone.bind(id.to_string()).bind(workspace.to_string());
        Ok(gone.execute(&self.writer).await?.rows_affected() > 0)
    }

    async fn expire_batches(&self, before: Timestamp, now: Timestamp) -> Result<u64> {
        // Most of the time there are none; only then the writer is not needed.
        let old = "SELECT b.id FROM analysis_batch b WHERE b.created_at < $1 AND b.expired_at IS NULL AND EXISTS \
             (SELECT 1 FROM analysis a WHERE a.batch_id = b.id AND a.state IN ('queued', 'processing'))";
        let ids: Vec<String> =
            sqlx::query_scalar(old).bind(before.as_millis()).fetch_all(&self.readers).await?;
        if ids.is_empty() {
            return Ok(0);
        }
        let ids = to_json(&ids)?;
        let mut write = self.write_in("analysis").await?;
        sqlx::query(concat!("UPDATE analysis_batch SET expired_at = $1 WHERE id IN ", among!("$2")))
            .bind(now.as_millis())
            .bind(&ids)
            .execute(&mut *write)
            .await?;
        let canceled = sqlx::query(concat!(
            "UPDATE analysis SET state = 'canceled', completed_at = $1, updated_at = $1, lease_until = NULL, \
             fence = fence + 1 WHERE batch_id IN ",
            among!("$2"),
            " AND state IN ('queued', 'processing')"
        ));
        let canceled = canceled.bind(now.as_millis()).bind(&ids).execute(&mut *write).await?;
        write.commit().await?;
        Ok(canceled.rows_affected())
    }

    async fn claim_job(&self, now: Timestamp, until: Timestamp) -> Result<Option<(JobClaim, Job)>> {
        const DUE: &str = "state IN ('queued', 'processing') AND due_at <= $1 AND (lease_until IS NULL OR lease_until <= $1)";
        let any = format!("SELECT EXISTS (SELECT 1 FROM analysis WHERE {DUE})");
        let any: bool = sqlx::query_scalar(sqlx::AssertSqlSafe(any))
            .bind(now.as_millis())
            .fetch_one(&self.readers)
            .await?;
        if !any {
            return Ok(None);
        }
        let mut write = self.write_in("analysis").await?;
        let claim = format!(
            "UPDATE analysis SET state = 'processing', fence = fence + 1, attempts = attempts + 1, lease_until = $2, \
             updated_at = $1 WHERE seq = (SELECT seq FROM analysis WHERE {DUE} ORDER BY due_at, seq LIMIT 1) \
             RETURNING id, fence"
        );
        let claimed: Option<(String, i64)> = sqlx::query_as(sqlx::AssertSqlSafe(claim))
            .bind(now.as_millis())
            .bind(until.as_millis())
            .fetch_optional(&mut *write)
            .await?;
        let Some((id, fence)) = claimed else { return Ok(None) };
        let mut sql = Sql::new(format!("SELECT {COLUMNS} FROM analysis a WHERE a.id = "));
        sql.push_bind(id);
        let job = one(sql, &mut *write).await?.context("an analysis was claimed, and is not there")?;
        write.commit().await?;
        Ok(Some((JobClaim { job: job.id, fence }, job)))
    }

    async fn extend_job(&self, claim: &JobClaim, until: Timestamp) -> Result<Result<(), Stale>> {
        let done = sqlx::query(
            "UPDATE analysis SET lease_until = $1 WHERE id = $2 AND fence = $3 AND state = 'processing'",
        );
        let done = done.bind(until.as_millis()).bind(claim.job.to_string()).bind(claim.fence);
        let done = done.execute(&self.writer).await?;
        Ok(if done.rows_affected() > 0 { Ok(()) } else { Err(Stale) })
    }

    async fn end_job(&self, claim: &JobClaim, end: &JobEnd, now: Timestamp) -> Result<Result<(), Stale>> {
        let (state, result, fault, due_at) = match end {
            JobEnd::Ready(result) => (JobState::Ready, Some(to_json(result)?), None, now),
            JobEnd::Failed(fault) => (JobState::Failed, None, Some(to_json(fault)?), now),
            JobEnd::Postponed(until) => (JobState::Queued, None, None, *until),
        };
        let completed_at = (state != JobState::Queued).then(|| now.as_millis());
        let mut write = self.write_in("analysis").await?;
        // What a cancelled batch was still writing is not tried again.
        let done = sqlx::query(
            "UPDATE analysis SET state = CASE WHEN $1 = 'queued' AND EXISTS (SELECT 1 FROM analysis_batch b \
             WHERE b.id = batch_id AND b.canceled_at IS NOT NULL) THEN 'canceled' ELSE $1 END, result = $2, fault = $3, \
             due_at = $4, completed_at = $5, updated_at = $6, lease_until = NULL \
             WHERE id = $7 AND fence = $8 AND state = 'processing'",
        )
        .bind(state.as_str())
        .bind(result)
        .bind(fault)
        .bind(due_at.as_millis())
        .bind(completed_at)
        .bind(now.as_millis())
        .bind(claim.job.to_string())
        .bind(claim.fence)
        .execute(&mut *write)
        .await?;
        if done.rows_affected() == 0 {
            return Ok(Err(Stale));
        }
        if matches!(state, JobState::Ready | JobState::Failed) {
            webhooks::tell_analysis(&mut write, &claim.job.to_string(), now).await?;
        }
        write.commit().await?;
        Ok(Ok(()))
    }

    async fn break_job_claims(&self) -> Result<u64> {
        let sql = "UPDATE analysis SET lease_until = NULL, state = 'queued' WHERE state = 'processing'";
        Ok(sqlx::query(sql).execute(&self.writer).await?.rows_affected())
    }
}
