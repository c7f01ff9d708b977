//! Lists of tasks by kind: into which index, of which transfer, in which status, with which fault, made when. How many there
//! are is told by `task_count`, which triggers keep; where a page lies in the order is told by it, too, so that nothing is
//! walked that nobody asked for. For other filters see [`super::sought`].

use super::filters::{Sql, equals, in_index, is_index, within_moments};
use super::lists::column_of;
use super::places::{Part, Stretch, stretch};
use super::rows::{TASK_COLUMNS, TaskRow, signed, status, to_json, unsigned};
use super::tasks::conditions;
use super::{Connection, SqlStore, by_indexes, in_order, push_among_numbers};
use crate::fault::Result;
use crate::ids::{IndexId, TransferId, WorkspaceId};
use crate::store::{Listed, Paging, SortBy, TaskFilter, Within};
use crate::transfer::{Counts, Status, Task};

/// Numbers of tasks in a part; the migrations say so, too.
pub(super) const PART: i64 = 16_384;
/// How many entries of an index are walked for what it costs to gather one task and sort it in.
const GATHERED: u64 = 4;
/// Parts that are counted one by one, because a filter by time cuts through them.
const CUT_PARTS: usize = 16;

/// Whether counters know how many tasks there are.
pub(super) fn are_counted(filter: &TaskFilter) -> bool {
    let TaskFilter {
        id,
        index: _,
        transfer: _,
        statuses: _,
        code: _,
        filename,
        name,
        duration_s,
        width,
        height,
        created_at: _,
        updated_at,
    } = filter;
    let is_free = |range: &Within<f64>| *range == Within::default();
    let all = [duration_s, width, height].into_iter().all(is_free);
    id.is_none() && filename.is_none() && name.is_none() && all && *updated_at == Within::default()
}

/// A list that counters know.
struct Kinds<'a> {
    workspace: WorkspaceId,
    filter: &'a TaskFilter,
}

/// A page of it, and how many there are on all; none when counters cannot tell.
pub(super) async fn page(
    store: &SqlStore,
    workspace: WorkspaceId,
    filter: &TaskFilter,
    paging: Paging,
) -> Result<Option<Listed<Task>>> {
    let kinds = Kinds { workspace, filter };
    let mut snapshot = store.snapshot().await?;
    by_indexes(&mut snapshot).await?;
    let Some(parts) = kinds.parts(&mut snapshot).await? else { return Ok(None) };
    let total: u64 = parts.iter().map(|part| part.number).sum();
    // Tasks of a transfer were made in the order of their rows.
    let is_in_order = filter.transfer.is_some() && paging.sort_by == SortBy::CreatedAt;
    let column = if is_in_order { "seq" } else { column_of(paging) };
    let Some(wanted) = stretch(&parts, paging, column) else {
        snapshot.commit().await?;
        return Ok(Some(Listed { rows: Vec::new(), total, is_at_least: false }));
    };
    let is_part = !filter.statuses.is_empty() || filter.code.is_some();
    let among = if is_part { kinds.number_of_all(&mut snapshot).await? } else { total };
    let walked = wanted.skip.saturating_add(wanted.number).saturating_mul(among) / total.max(1);
    // The orders of a transfer do not tell indexes; mostly all of its tasks go into one.
    let of_all_indexes = TaskFilter { index: None, ..filter.clone() };
    let is_of_one = filter.transfer.is_some()
        && filter.index.is_some()
        && Kinds { workspace, filter: &of_all_indexes }.number_of_kind(&mut snapshot).await? == total;
    let is_gathered = total.saturating_mul(GATHERED) < walked;
    let mut sql = if is_gathered {
        kinds.gathered(&wanted, column)
    } else if is_of_one {
        Kinds { workspace, filter: &of_all_indexes }.walked(&wanted, column)
    } else {
        kinds.walked(&wanted, column)
    };
    if !is_gathered {
        in_order(&mut snapshot).await?;
    }
    wanted.push_order(&mut sql, column)?;
    let numbers: Vec<i64> = sql.build_query_scalar().persistent(false).fetch_all(&mut *snapshot).await?;
    let mut sql = Sql::new(format!("SELECT {TASK_COLUMNS} FROM task t WHERE t.seq IN "));
    push_among_numbers(&mut sql, to_json(&numbers)?);
    let direction = if paging.descending { "DESC" } else { "ASC" };
    sql.push(format_args!(" ORDER BY +t.{column} {direction}, t.seq {direction}"));
    let rows: Vec<TaskRow> = sql.build_query_as().persistent(false).fetch_all(&mut *snapshot).await?;
    snapshot.commit().await?;
    let rows = rows.into_iter().map(TaskRow::into_task).collect::<Result<_>>()?;
    Ok(Some(Listed { rows, total, is_at_least: false }))
}

impl Kinds<'_> {
    /// How many tasks of the list are in each part, in the order of their numbers.
    async fn parts(&self, on: &mut Connection) -> Result<Option<Vec<Part>>> {
        let mut sql = Sql::new(
            "SELECT c.part, CAST(sum(c.number) AS BIGINT), min(c.first_at), max(c.last_at) FROM task_count c",
        );
        self.counted(&mut sql);
        self.of_kind(&mut sql);
        sql.push(" AND c.number > 0 GROUP BY c.part ORDER BY c.part");
        let rows: Vec<(i64, i64, i64, i64)> =
            sql.build_query_as().persistent(false).fetch_all(&mut *on).await?;
        let mut parts = Vec::with_capacity(rows.len());
        for (part, number, first_at, last_at) in rows {
            let first = part * PART;
            parts.push(Part { first, number: unsigned(number)?, first_at, last_at });
        }
        let range = self.filter.created_at;
        let (min, max) = (range.min.map(|at| at.as_millis()), range.max.map(|at| at.as_millis()));
        let is_after = |part: &Part, at: Option<i64>| at.is_some_and(|at| part.first_at < at);
        let is_before = |part: &Part, at: Option<i64>| at.is_some_and(|at| part.last_at > at);
        parts.retain(|part| {
            min.is_none_or(|min| part.last_at >= min) && max.is_none_or(|max| part.first_at <= max)
        });
        let is_cut = |part: &Part| is_after(part, min) || is_before(part, max);
        if parts.iter().filter(|part| is_cut(part)).count() > CUT_PARTS {
            return Ok(None);
        }
        for part in parts.iter_mut().filter(|part| is_cut(part)) {
            part.number = self.number_in(on, part).await?;
        }
        parts.retain(|part| part.number > 0);
        Ok(Some(parts))
    }

    /// How many tasks of a part are of the list, when a filter by time cuts through it.
    async fn number_in(&self, on: &mut Connection, part: &Part) -> Result<u64> {
        let mut sql = Sql::new("SELECT count(*) FROM task t");
        conditions(&mut sql, self.workspace, self.filter);
        sql.push(" AND t.created_at BETWEEN ").push_bind(part.first_at);
        sql.push(" AND ").push_bind(part.last_at);
        sql.push(" AND t.seq BETWEEN ").push_bind(part.first);
        sql.push(" AND ").push_bind(part.first + PART - 1);
        let number: i64 = sql.build_query_scalar().persistent(false).fetch_one(on).await?;
        unsigned(number)
    }

    /// How many there are, made whenever.
    async fn number_of_kind(&self, on: &mut Connection) -> Result<u64> {
        let mut sql = Sql::new("SELECT CAST(coalesce(sum(c.number), 0) AS BIGINT) FROM task_count c");
        self.counted(&mut sql);
        self.of_kind(&mut sql);
        unsigned(sql.build_query_scalar().persistent(false).fetch_one(on).await?)
    }

    /// How many there are of every status.
    async fn number_of_all(&self, on: &mut Connection) -> Result<u64> {
        let mut sql = Sql::new("SELECT CAST(coalesce(sum(c.number), 0) AS BIGINT) FROM task_count c");
        self.counted(&mut sql);
        unsigned(sql.build_query_scalar().persistent(false).fetch_one(on).await?)
    }

    /// Adds ` WHERE` a row `c` counts tasks of the transfer, the index, the workspace.
    fn counted(&self, sql: &mut Sql) {
        let (workspace, TaskFilter { index, transfer, .. }) = (self.workspace, self.filter);
        if let Some(transfer) = transfer {
            is_of(sql, workspace, *transfer);
            if let Some(index) = index {
                sql.push(" AND ");
                is_index(sql, "c.index_id", workspace, *index);
            }
            return;
        }
        match index {
            Some(index) => in_index(sql, "c.index_id", workspace, *index),
            None => {
                sql.push(" WHERE c.workspace_id = ").push_bind(workspace.to_string());
            }
        }
        sql.push(ACKNOWLEDGED);
    }

    fn of_kind(&self, sql: &mut Sql) {
        let TaskFilter { statuses, code, .. } = self.filter;
        if !statuses.is_empty() {
            sql.push(" AND c.status IN (");
            let mut names = sql.separated(", ");
            for status in statuses {
                names.push_bind(status.as_str());
            }
            sql.push(")");
        }
        equals(sql, "c.fault_code", code.clone());
    }

    /// Walks an index in the order of the list.
    fn walked(&self, wanted: &Stretch, column: &'static str) -> Sql {
        let mut sql = Sql::new("SELECT t.seq FROM task t");
        conditions(&mut sql, self.workspace, self.filter);
        wanted.push_start(&mut sql, column);
        sql
    }

    /// Gathers all that are of these kinds, for they are few among very many.
    fn gathered(&self, wanted: &Stretch, column: &'static str) -> Sql {
        let mut sql = Sql::new("SELECT t.seq FROM (");
        for (union, has_code, code) in
            [("", " = ''", "t.fault_code IS NULL"), (" UNION ALL ", " <> ''", "t.fault_code = k.fault_code")]
        {
            sql.push(union).push(
                "SELECT t.seq, t.created_at, t.updated_at FROM (SELECT DISTINCT c.lane, c.status, c.index_id, \
                 c.fault_code FROM task_count c",
            );
            self.counted(&mut sql);
            self.of_kind(&mut sql);
            sql.push(" AND c.number > 0 AND c.fault_code").push(has_code).push(concat!(
                ") k",
                in_turn!(),
                "task t ON t.lane = k.lane AND t.status = k.status AND t.index_id = k.index_id AND "
            ));
            sql.push(code).push(" WHERE TRUE");
            within_moments(&mut sql, "t.created_at", self.filter.created_at);
            wanted.push_start(&mut sql, column);
        }
        sql.push(") t");
        sql
    }
}

/// [`super::tasks::ACKNOWLEDGED`], of rows that count.
const ACKNOWLEDGED: &str = " AND c.lane NOT IN (SELECT l.id FROM transfer r JOIN lane l ON l.transfer_id = r.id WHERE r.state = 'receiving')";

/// Adds ` WHERE` a row `c` counts tasks of this transfer, which must be the workspace's and acknowledged.
fn is_of(sql: &mut Sql, workspace: WorkspaceId, transfer: TransferId) {
    sql.push(" WHERE c.workspace_id = ").push_bind(workspace.to_string());
    sql.push(
        " AND c.lane = (SELECT l.id FROM transfer r JOIN lane l ON l.transfer_id = r.id \
         WHERE r.state <> 'receiving' AND r.id = ",
    );
    sql.push_bind(transfer.to_string()).push(" AND r.workspace_id = ").push_bind(workspace.to_string());
    sql.push(")");
}

/// Tasks of an index by status.
pub(super) async fn by_status(store: &SqlStore, workspace: WorkspaceId, index: IndexId) -> Result<Counts> {
    let filter = TaskFilter { index: Some(index), ..TaskFilter::default() };
    let mut sql = Sql::new("SELECT c.status, CAST(sum(c.number) AS BIGINT) FROM task_count c");
    Kinds { workspace, filter: &filter }.counted(&mut sql);
    sql.push(" GROUP BY c.status");
    let rows: Vec<(String, i64)> = sql.build_query_as().fetch_all(&store.readers).await?;
    let mut counts = Counts::default();
    for (name, number) in rows {
        *counts.of(status(&name)?) = unsigned(number)?;
    }
    Ok(counts)
}

/// Failed tasks of a transfer by code, most frequent first.
pub(super) async fn by_code(store: &SqlStore, transfer: TransferId) -> Result<Vec<(String, u64)>> {
    let rows: Vec<(String, i64)> = sqlx::query_as(
        "SELECT c.fault_code, CAST(sum(c.number) AS BIGINT) AS number FROM lane l \
         JOIN task_count c ON c.workspace_id = l.workspace_id AND c.lane = l.id \
         WHERE l.transfer_id = $1 AND c.status = $2 AND c.fault_code <> '' AND c.number > 0 \
         GROUP BY c.fault_code ORDER BY number DESC, c.fault_code",
    )
    .bind(transfer.to_string())
    .bind(Status::Failed.as_str())
    .fetch_all(&store.readers)
    .await?;
    rows.into_iter().map(|(code, number)| Ok((code, unsigned(number)?))).collect()
}

/// The limit and the offset, as they are bound.
pub(super) fn push_limit(sql: &mut Sql, limit: u64, offset: u64) -> Result<()> {
    sql.push(" LIMIT ").push_bind(signed(limit)?).push(" OFFSET ").push_bind(signed(offset)?);
    Ok(())
}
