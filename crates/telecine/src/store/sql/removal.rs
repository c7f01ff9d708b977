//! Removing very many rows: in steps that let other writers in between. What is being removed is hidden first, so that a
//! crash in between is seen by nobody; the next start goes on ([`go_on`]).

use super::counters::Recount;
use super::filters::Sql;
use super::rows::{parsed, parsed_if_any, signed, status, to_json};
use super::transfers::of_transfer;
use super::{SqlStore, TASKS_PER_CHANGE, Write};
use crate::fault::Result;
use crate::ids::{IndexId, TransferId, WorkspaceId};
use crate::time::Timestamp;

/// Videos in a step: each may have thousands of vectors.
const VIDEOS_PER_STEP: i64 = 4;

/// Hides the index, then removes what is in it; whether there was one.
pub(super) async fn delete_index(store: &SqlStore, workspace: WorkspaceId, id: IndexId) -> Result<bool> {
    let hidden = sqlx::query(
        "UPDATE video_index SET deleted_at = updated_at WHERE id = $1 AND workspace_id = $2 AND deleted_at IS NULL",
    )
    .bind(id.to_string())
    .bind(workspace.to_string())
    .execute(&store.writer)
    .await?;
    if hidden.rows_affected() == 0 {
        return Ok(false);
    }
    empty_index(store, id).await?;
    Ok(true)
}

/// Goes on with what a crash cut short.
pub(super) async fn go_on(store: &SqlStore) -> Result<()> {
    let hidden: Vec<String> = sqlx::query_scalar("SELECT id FROM video_index WHERE deleted_at IS NOT NULL")
        .fetch_all(&store.readers)
        .await?;
    for id in hidden {
        empty_index(store, parsed(&id)?).await?;
    }
    Ok(())
}

async fn empty_index(store: &SqlStore, id: IndexId) -> Result<()> {
    loop {
        let mut write = store.write().await?;
        // Tasks first: without them nothing is published any more.
        let removed = remove_tasks(&mut write, id).await? + remove_videos(&mut write, id).await?;
        if removed == 0 {
            sqlx::query("DELETE FROM video_index WHERE id = $1")
                .bind(id.to_string())
                .execute(&mut *write)
                .await?;
            write.commit().await?;
            return Ok(());
        }
        write.commit().await?;
    }
}

async fn remove_tasks(write: &mut Write, index: IndexId) -> Result<u64> {
    let mut rows: Vec<(i64, Option<String>, String, i64)> =
        sqlx::query_as("SELECT seq, transfer_id, status, updated_at FROM task WHERE index_id = $1 LIMIT $2")
            .bind(index.to_string())
            .bind(TASKS_PER_CHANGE)
            .fetch_all(&mut **write)
            .await?;
    let numbers: Vec<i64> = rows.iter().map(|(seq, ..)| *seq).collect();
    sqlx::query(concat!("DELETE FROM task WHERE seq IN ", among_numbers!("$1")))
        .bind(to_json(&numbers)?)
        .execute(&mut **write)
        .await?;
    rows.sort_by(|a, b| a.1.cmp(&b.1));
    for same in rows.chunk_by(|a, b| a.1 == b.1) {
        let Some(transfer) = parsed_if_any::<TransferId>(same[0].1.as_deref())? else { continue };
        let mut recount = Recount::default();
        for (_, _, name, _) in same {
            recount.gone(status(name)?, 1);
        }
        let last_change = same.iter().map(|(.., updated_at)| *updated_at).max().unwrap_or_default();
        recount.apply(write, transfer, Timestamp::from_millis(last_change)).await?;
    }
    Ok(numbers.len() as u64)
}

async fn remove_videos(write: &mut Write, index: IndexId) -> Result<u64> {
    let done =
        sqlx::query("DELETE FROM video WHERE seq IN (SELECT seq FROM video WHERE index_id = $1 LIMIT $2)")
            .bind(index.to_string())
            .bind(VIDEOS_PER_STEP)
            .execute(&mut **write)
            .await?;
    Ok(done.rows_affected())
}

/// Removes the tasks of a transfer that is being received, which nobody sees or claims.
pub(super) async fn tasks_of_received(store: &SqlStore, transfer: TransferId) -> Result<()> {
    loop {
        let mut sql = Sql::new(
            "DELETE FROM task WHERE seq IN (SELECT t.seq FROM task t JOIN transfer tr ON tr.id = t.transfer_id \
             WHERE tr.state = 'receiving'",
        );
        of_transfer(&mut sql, transfer);
        sql.push(" LIMIT ").push_bind(TASKS_PER_CHANGE).push(")");
        let removed = sql.build().execute(&store.writer).await?.rows_affected();
        if signed(removed)? < TASKS_PER_CHANGE {
            return Ok(());
        }
    }
}
