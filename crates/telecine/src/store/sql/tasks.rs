//! Tasks one by one and in lists. [`TaskStore`] is told here; claims, content and transfers have files of their own.

use std::borrow::Cow;
use std::time::Duration;

use async_trait::async_trait;

use super::counters::Recount;
use super::filters::{Sql, equals, in_index, is_called, is_index, within, within_moments, within_whole};
use super::lists::{List, column_of};
use super::rows::{SourceColumns, TASK_COLUMNS, TaskRow, parsed_if_any, source_columns, status, to_json};
use super::{
    AFTER_INSERT, ROWS_PER_STATEMENT, SqlStore, Write, claims, content, kinds, sought, storable, to_its_end,
    transfers,
};
use crate::fault::{Code, Fault, Result};
use crate::ids::{IndexId, TaskId, TransferId, VideoId, WorkspaceId};
use crate::queue::{Claim, Stale};
use crate::store::{ContentHolder, Listed, Paging, SortBy, TaskChange, TaskFilter, TaskStore};
use crate::time::Timestamp;
use crate::transfer::{Counts, NewTask, ObjectRef, ObjectStamp, Status, Task, Transfer};
use crate::video::Publication;

/// Tasks of a transfer that is still received are not there yet.
pub(super) const ACKNOWLEDGED: &str = " AND t.lane NOT IN (SELECT l.id FROM transfer r JOIN lane l ON l.transfer_id = r.id WHERE r.state = 'receiving')";

#[async_trait]
impl TaskStore for SqlStore {
    async fn insert_task(&self, workspace: WorkspaceId, task: &NewTask, now: Timestamp) -> Result<()> {
        let mut write = self.write_beside().await?;
        let lane = transfers::lane_of_single_tasks(&mut write, workspace).await?;
        let home = Home { workspace, transfer: None, lane };
        insert(&mut write, &home, std::slice::from_ref(task), now).await?;
        write.commit().await?;
        Ok(())
    }

    async fn begin_transfer(&self, workspace: WorkspaceId, id: TransferId, now: Timestamp) -> Result<()> {
        transfers::begin(self, workspace, id, now).await
    }

    async fn add_tasks(&self, transfer: TransferId, tasks: &[NewTask], now: Timestamp) -> Result<()> {
        transfers::add_tasks(self, transfer, tasks, now).await
    }

    async fn accept_transfer(&self, transfer: TransferId, now: Timestamp) -> Result<Transfer> {
        transfers::accept(self, transfer, now).await
    }

    async fn discard_transfer(&self, transfer: TransferId) -> Result<()> {
        transfers::discard(self, transfer).await
    }

    async fn discard_unfinished_transfers(&self) -> Result<u64> {
        transfers::discard_unfinished(self).await
    }

    async fn transfer(&self, workspace: WorkspaceId, id: TransferId) -> Result<Option<Transfer>> {
        transfers::one(self, workspace, id).await
    }

    async fn transfers(&self, workspace: WorkspaceId, paging: Paging) -> Result<Listed<Transfer>> {
        transfers::list(self, workspace, paging).await
    }

    async fn pause_transfer(
        &self,
        workspace: WorkspaceId,
        id: TransferId,
        now: Timestamp,
    ) -> Result<Option<Transfer>> {
        transfers::pause(self, workspace, id, now).await
    }

    async fn resume_transfer(
        &self,
        workspace: WorkspaceId,
        id: TransferId,
        now: Timestamp,
    ) -> Result<Option<Transfer>> {
        transfers::resume(self, workspace, id, now).await
    }

    async fn cancel_transfer(
        &self,
        workspace: WorkspaceId,
        id: TransferId,
        now: Timestamp,
    ) -> Result<Option<u64>> {
        let store = self.clone();
        to_its_end(async move { transfers::cancel(&store, workspace, id, now).await }).await
    }

    async fn retry_transfer(
        &self,
        workspace: WorkspaceId,
        id: TransferId,
        code: Option<&str>,
        now: Timestamp,
    ) -> Result<Option<u64>> {
        let (store, code) = (self.clone(), code.map(str::to_owned));
        to_its_end(async move { transfers::retry(&store, workspace, id, code.as_deref(), now).await }).await
    }

    async fn retry_task(&self, workspace: WorkspaceId, id: TaskId, now: Timestamp) -> Result<bool> {
        transfers::retry_one(self, workspace, id, now).await
    }

    async fn tasks_after(
        &self,
        transfer: TransferId,
        after: Option<TaskId>,
        limit: u32,
    ) -> Result<Vec<Task>> {
        transfers::tasks_after(self, transfer, after, limit).await
    }

    async fn fault_counts(&self, transfer: TransferId) -> Result<Vec<(String, u64)>> {
        kinds::by_code(self, transfer).await
    }

    async fn last_ends(&self, transfer: TransferId, limit: u32) -> Result<Vec<Timestamp>> {
        transfers::last_ends(self, transfer, limit).await
    }

    async fn task(&self, workspace: WorkspaceId, id: TaskId) -> Result<Option<Task>> {
        let filter = TaskFilter { id: Some(id), ..TaskFilter::default() };
        let mut sql = Sql::new(format!("SELECT {TASK_COLUMNS} FROM task t"));
        conditions(&mut sql, workspace, &filter);
        let row: Option<TaskRow> = sql.build_query_as().fetch_optional(&self.readers).await?;
        row.map(TaskRow::into_task).transpose()
    }

    async fn tasks(
        &self,
        workspace: WorkspaceId,
        filter: &TaskFilter,
        paging: Paging,
    ) -> Result<Listed<Task>> {
        if kinds::are_counted(filter)
            && let Some(listed) = kinds::page(self, workspace, filter, paging).await?
        {
            return Ok(listed);
        }
        // Tasks of a transfer were made in the order of their rows.
        let is_in_order = filter.transfer.is_some() && paging.sort_by == SortBy::CreatedAt;
        let column = if is_in_order { "seq" } else { column_of(paging) };
        let conditions = |sql: &mut Sql| {
            conditions(sql, workspace, filter);
            if column == "updated_at" {
                within_moments(sql, "t.updated_at", filter.updated_at);
            }
        };
        let list =
            List { columns: TASK_COLUMNS, from: "task t", alias: "t", tie: "seq", conditions: &conditions };
        match sought::page(self, &list, workspace, filter, column, paging).await? {
            Some(listed) => Ok(listed),
            None => list.page_by(column, self, paging, TaskRow::into_task).await,
        }
    }

    async fn task_counts(&self, workspace: WorkspaceId, index: IndexId) -> Result<Counts> {
        kinds::by_status(self, workspace, index).await
    }

    async fn delete_task(&self, workspace: WorkspaceId, id: TaskId) -> Result<bool> {
        delete(self, workspace, id).await
    }

    async fn claimed_task(&self, claim: &Claim) -> Result<Result<Task, Stale>> {
        claims::task(self, claim).await
    }

    async fn change_task(
        &self,
        claim: &Claim,
        change: &TaskChange,
        now: Timestamp,
    ) -> Result<Result<(), Stale>> {
        claims::change(self, claim, change, now).await
    }

    async fn video_of_object(
        &self,
        index: IndexId,
        object: &ObjectRef,
        stamp: &ObjectStamp,
    ) -> Result<Option<VideoId>> {
        content::video_of_object(self, index, object, stamp).await
    }

    async fn hold_content(&self, claim: &Claim, content_hash: &str) -> Result<Result<ContentHolder, Stale>> {
        content::hold(self, claim, content_hash).await
    }

    async fn publish(
        &self,
        claim: &Claim,
        publication: &Publication,
        now: Timestamp,
    ) -> Result<Result<(), Stale>> {
        content::publish(self, claim, publication, now).await
    }

    async fn claim_next(&self, now: Timestamp, lease: Duration) -> Result<Option<Claim>> {
        claims::next(self, now, lease).await
    }

    async fn extend_claim(&self, claim: &Claim, until: Timestamp) -> Result<Result<(), Stale>> {
        claims::extend(self, claim, until).await
    }

    async fn next_due(&self) -> Result<Option<Timestamp>> {
        claims::next_due(self).await
    }

    async fn break_claims(&self, now: Timestamp) -> Result<u64> {
        claims::break_all(self, now).await
    }
}

/// Whose tasks are inserted.
pub(super) struct Home {
    pub(super) workspace: WorkspaceId,
    pub(super) transfer: Option<TransferId>,
    pub(super) lane: i64,
}

/// Inserts tasks that are due from now on, in as few statements as is fast.
pub(super) async fn insert(write: &mut Write, home: &Home, tasks: &[NewTask], now: Timestamp) -> Result<()> {
    let last: i64 = match AFTER_INSERT {
        [] => 0,
        _ => sqlx::query_scalar("SELECT coalesce(max(seq), 0) FROM task").fetch_one(&mut **write).await?,
    };
    for some in tasks.chunks(ROWS_PER_STATEMENT) {
        let rows = some.iter().map(Inserted::of).collect::<Result<Vec<_>>>()?;
        let mut sql = Sql::new(
            "INSERT INTO task (id, index_id, source, integration_id, scheme, bucket, locator, filename, transcription, \
             language, user_metadata, entry_hash, allows_duplicate, without_stream, workspace_id, transfer_id, lane, due_at, created_at, updated_at) \
             SELECT column1, column2, column3, column4, column5, column6, column7, column8, column9, column10, \
             column11, column12, column13, column14, ",
        );
        sql.push_bind(home.workspace.to_string()).push(", ");
        sql.push_bind(home.transfer.map(|id| id.to_string())).push(", ");
        sql.push_bind(home.lane);
        for _ in ["due_at", "created_at", "updated_at"] {
            sql.push(", ").push_bind(now.as_millis());
        }
        sql.push(" FROM (");
        sql.push_values(rows, |mut row, task| {
            row.push_bind(task.id).push_bind(task.index);
            row.push_bind(task.source.kind).push_bind(task.source.integration).push_bind(task.source.scheme);
            row.push_bind(task.source.bucket)
                .push_bind(task.source.locator.into_owned())
                .push_bind(task.filename.into_owned())
                .push_bind(task.transcription);
            row.push_bind(task.language).push_bind(task.user_metadata).push_bind(task.entry_hash);
            row.push_bind(task.allows_duplicate).push_bind(task.without_stream);
        });
        sql.push(") made");
        let is_full = some.len() == ROWS_PER_STATEMENT;
        sql.build().persistent(is_full).execute(&mut **write).await.map_err(index_is_gone)?;
    }
    for statement in AFTER_INSERT {
        sqlx::query(*statement).bind(last).execute(&mut **write).await?;
    }
    Ok(())
}

struct Inserted<'a> {
    id: String,
    index: String,
    source: SourceColumns<'a>,
    filename: Cow<'a, str>,
    transcription: Option<String>,
    language: &'a str,
    user_metadata: Option<String>,
    entry_hash: Vec<u8>,
    allows_duplicate: bool,
    without_stream: bool,
}

impl<'a> Inserted<'a> {
    fn of(task: &'a NewTask) -> Result<Self> {
        let (index, source) = (task.index.to_string(), source_columns(&task.source));
        let transcription = task.transcription.as_ref().map(to_json).transpose()?;
        let entry_hash = entry_hash(&index, &source, transcription.as_deref());
        Ok(Self {
            id: task.id.to_string(),
            index,
            source,
            filename: storable(task.source.filename()),
            transcription,
            language: &task.language,
            user_metadata: task.user_metadata.as_ref().map(to_json).transpose()?,
            entry_hash,
            allows_duplicate: task.allows_duplicate,
            without_stream: task.without_stream,
        })
    }
}

/// Equal for entries that ask for the same: index, source and transcription. Half of a BLAKE3, so that nobody can make
/// two entries of one hash.
fn entry_hash(index: &str, source: &SourceColumns<'_>, transcription: Option<&str>) -> Vec<u8> {
    let mut hasher = blake3::Hasher::new();
    let integration = source.integration.as_deref().unwrap_or_default();
    let scheme = source.scheme.unwrap_or_default();
    let bucket = source.bucket.unwrap_or_default();
    for part in [
        index,
        source.kind,
        integration,
        scheme,
        bucket,
        source.locator.as_ref(),
        transcription.unwrap_or_default(),
    ] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().as_bytes()[..16].to_vec()
}

fn index_is_gone(error: sqlx::Error) -> crate::fault::Error {
    match &error {
        sqlx::Error::Database(cause) if cause.is_foreign_key_violation() => {
            Fault::because(Code::ResourceNotExists, "The index does not exist any more.").into()
        }
        _ => error.into(),
    }
}

pub(in crate::store) fn conditions(sql: &mut Sql, workspace: WorkspaceId, filter: &TaskFilter) {
    let TaskFilter {
        id,
        index,
        transfer,
        statuses,
        code,
        filename,
        name,
        duration_s,
        width,
        height,
        created_at,
        updated_at,
    } = filter;
    match (transfer, index) {
        (Some(transfer), index) => {
            transfers::is_of(sql, workspace, *transfer);
            if let Some(index) = index {
                sql.push(" AND ");
                is_index(sql, "t.index_id", workspace, *index);
            }
        }
        (None, Some(index)) => {
            in_index(sql, "t.index_id", workspace, *index);
            sql.push(ACKNOWLEDGED);
        }
        (None, None) => {
            sql.push(" WHERE t.workspace_id = ").push_bind(workspace.to_string()).push(ACKNOWLEDGED);
        }
    }
    equals(sql, "t.id", id.map(|id| id.to_string()));
    if !statuses.is_empty() {
        sql.push(" AND t.status IN (");
        let mut names = sql.separated(", ");
        for status in statuses {
            names.push_bind(status.as_str());
        }
        sql.push(")");
    }
    equals(sql, "t.fault_code", code.clone());
    if let Some(name) = name {
        is_called(sql, "t.locator", "t.filename", name);
    }
    // By `sought`, where they are few; where they are many, an index by them would have all of them sorted for a page.
    equals(sql, by_no_index!("t.filename"), filename.clone());
    within(sql, "+t.duration_s", *duration_s);
    within_whole(sql, "+t.width", *width);
    within_whole(sql, "+t.height", *height);
    within_moments(sql, "+t.updated_at", *updated_at);
    within_moments(sql, "t.created_at", *created_at);
}

async fn delete(store: &SqlStore, workspace: WorkspaceId, id: TaskId) -> Result<bool> {
    let mut write = store.write().await?;
    let found: Option<(String, Option<String>, i64, bool)> = sqlx::query_as(
        "SELECT t.status, t.transfer_id, t.updated_at, EXISTS (SELECT 1 FROM video v WHERE v.id = t.id) \
         FROM task t WHERE t.id = $1 AND t.workspace_id = $2",
    )
    .bind(id.to_string())
    .bind(workspace.to_string())
    .fetch_optional(&mut *write)
    .await?;
    let Some((name, transfer, updated_at, has_video)) = found else { return Ok(false) };
    let status: Status = status(&name)?;
    if !status.is_final() || has_video {
        let what = if has_video { "a task whose video is there" } else { status.as_str() };
        return Err(Fault::new(Code::TaskCannotBeDeleted).value(what).into());
    }
    for statement in ["DELETE FROM content WHERE task_id = $1", "DELETE FROM task WHERE id = $1"] {
        sqlx::query(statement).bind(id.to_string()).execute(&mut *write).await?;
    }
    if let Some(transfer) = parsed_if_any(transfer.as_deref())? {
        let mut recount = Recount::default();
        recount.gone(status, 1);
        recount.apply(&mut write, transfer, Timestamp::from_millis(updated_at)).await?;
    }
    write.commit().await?;
    Ok(true)
}
