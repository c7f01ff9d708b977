//! Who comes next: workspaces take turns; within each, its transfers do, and its single tasks have every second turn.

use super::Write;
use crate::fault::Result;
use crate::time::Timestamp;

/// Workspaces one after the other, and in each its lanes.
macro_rules! lanes_by_turn {
    () => {
        concat!(
            "SELECT l.id, l.workspace_id, l.transfer_id IS NULL FROM workspace w",
            in_turn!(),
            "lane l ON l.workspace_id = w.id WHERE ",
            is!("l.is_open")
        )
    };
}
pub(super) use lanes_by_turn;

pub(in crate::store) const LANES_IN_TURN: &str = concat!(
    lanes_by_turn!(),
    " AND EXISTS (SELECT 1 FROM task t WHERE t.lane = l.id AND t.due_at <= $1) ORDER BY w.turn, w.id, l.turn LIMIT ",
    lanes_tried!()
);
/// With one workspace there is nothing to write, and nobody to wait for.
pub(in crate::store) const WORKSPACE_HAD_ITS_TURN: &str = "UPDATE workspace SET turn = \
    (SELECT max(turn) + 1 FROM workspace) WHERE id = $1 AND EXISTS (SELECT 1 FROM workspace o WHERE o.id <> $1)";
/// Turns lie two apart, so that there is one between them.
pub(in crate::store) const TRANSFER_HAD_ITS_TURN: &str = concat!(
    "UPDATE lane SET turn = (SELECT max(l.turn) + 2 FROM lane l WHERE l.workspace_id = $1 AND ",
    is!("l.is_open"),
    ") WHERE id = $2"
);
pub(in crate::store) const TRANSFER_IN_TURN: &str = concat!(
    "SELECT l.turn FROM lane l WHERE l.workspace_id = $1 AND ",
    is!("l.is_open"),
    " AND l.transfer_id IS NOT NULL AND EXISTS (SELECT 1 FROM task t WHERE t.lane = l.id AND t.due_at <= $2) \
     ORDER BY l.turn LIMIT 1"
);

/// The single tasks of a workspace, or a transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lane {
    pub(super) id: i64,
    pub(super) workspace: String,
    pub(super) is_single: bool,
}

impl From<(i64, String, bool)> for Lane {
    fn from((id, workspace, is_single): (i64, String, bool)) -> Self {
        Self { id, workspace, is_single }
    }
}

/// The lanes whose turn it is, of those that have a task that is due: one, unless others may just take its last.
pub(super) async fn in_turn(write: &mut Write, now: Timestamp) -> Result<Vec<Lane>> {
    let found: Vec<(i64, String, bool)> =
        sqlx::query_as(LANES_IN_TURN).bind(now.as_millis()).fetch_all(&mut **write).await?;
    Ok(found.into_iter().map(Lane::from).collect())
}

/// Lets the others of the workspace go before the lane.
pub(super) async fn lane_had_its_turn(write: &mut Write, lane: &Lane, now: Timestamp) -> Result<()> {
    if !lane.is_single {
        sqlx::query(TRANSFER_HAD_ITS_TURN).bind(&lane.workspace).bind(lane.id).execute(&mut **write).await?;
        return Ok(());
    }
    // After one transfer, whichever comes next.
    let next: Option<i64> = sqlx::query_scalar(TRANSFER_IN_TURN)
        .bind(&lane.workspace)
        .bind(now.as_millis())
        .fetch_optional(&mut **write)
        .await?;
    if let Some(turn) = next {
        sqlx::query("UPDATE lane SET turn = $1 WHERE id = $2 AND turn <> $1")
            .bind(turn + 1)
            .bind(lane.id)
            .execute(&mut **write)
            .await?;
    }
    Ok(())
}

/// Lets the other workspaces go before this one.
pub(super) async fn workspace_had_its_turn(write: &mut Write, workspace: &str) -> Result<()> {
    sqlx::query(WORKSPACE_HAD_ITS_TURN).bind(workspace).execute(&mut **write).await?;
    Ok(())
}
