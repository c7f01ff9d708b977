//! Offers of tasks to workers through a stream; see [`OfferStore`].

use std::collections::VecDeque;
use std::time::Duration;

use async_trait::async_trait;

use super::filters::Sql;
use super::lending::{Due, DueRow, due_task};
use super::rows::parsed;
use super::turns::{self, Lane, lanes_by_turn};
use super::{ROWS_PER_STATEMENT, SqlStore, Write};
use crate::fault::Result;
use crate::ids::TaskId;
use crate::queue::Claim;
use crate::store::{Offer, OfferClass, OfferStore};
use crate::time::Timestamp;

/// Transfers that one round looks at: the others have their turn in the next.
const LANES: i64 = 1_000;

pub(in crate::store) const LANES_TO_OFFER: &str = concat!(
    lanes_by_turn!(),
    " AND (l.transfer_id IS NULL) = $1 AND EXISTS (SELECT 1 FROM task t WHERE t.lane = l.id AND t.due_at <= $2 \
     AND (t.offered_until IS NULL OR t.offered_until <= $2)) ORDER BY w.turn, w.id, l.turn LIMIT $3"
);
pub(in crate::store) const TASKS_TO_OFFER: &str = concat!(
    "SELECT t.seq, t.id FROM task t WHERE t.lane = $1 AND t.due_at <= $2 \
     AND (t.offered_until IS NULL OR t.offered_until <= $2) ORDER BY t.due_at, t.seq LIMIT $3",
    if_unlocked!()
);
pub(in crate::store) const STANDING: &str = concat!(
    "SELECT count(*) FROM task t",
    in_turn!(),
    "lane l ON l.id = t.lane WHERE t.offered_until > $1 AND (l.transfer_id IS NULL) = $2"
);

const OFFERED_TASK: &str = concat!(
    due_task!(),
    " WHERE t.id = $1 AND t.due_at <= $2 AND EXISTS (SELECT 1 FROM lane l WHERE l.id = t.lane AND ",
    is!("l.is_open"),
    ")",
    locked!()
);

/// A task and its number.
type Numbered = (i64, TaskId);

#[async_trait]
impl OfferStore for SqlStore {
    async fn offer_tasks(
        &self,
        class: OfferClass,
        ahead: u32,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<Offer>> {
        // Asked of readers first: relays ask all the time, and mostly there is nothing to do.
        let is_any = sqlx::query_as::<_, (i64, String, bool)>(LANES_TO_OFFER)
            .bind(class == OfferClass::Single)
            .bind(now.as_millis())
            .bind(1_i64)
            .fetch_optional(&self.readers)
            .await?
            .is_some();
        if !is_any || self.standing_offers(class, now).await? >= ahead {
            return Ok(Vec::new());
        }
        // Relays one after the other, or each would offer as much as is missing.
        let mut write = self.write_in("offers").await?;
        let standing: i64 = sqlx::query_scalar(STANDING)
            .bind(now.as_millis())
            .bind(class == OfferClass::Single)
            .fetch_one(&mut *write)
            .await?;
        let room = usize::try_from(i64::from(ahead) - standing).unwrap_or(0);
        let (order, served) = take_turns(due_by_lane(&mut write, class, room, now).await?, room);
        mark(&mut write, &order, until).await?;
        for lane in &served {
            turns::lane_had_its_turn(&mut write, lane, now).await?;
        }
        // Last, as in claims: whoever waits for a lane holds no workspace.
        let mut workspaces: Vec<&str> = Vec::new();
        for lane in &served {
            workspaces.retain(|other| *other != lane.workspace);
            workspaces.push(&lane.workspace);
        }
        for workspace in workspaces {
            turns::workspace_had_its_turn(&mut write, workspace).await?;
        }
        write.commit().await?;
        let offer = |(workspace, (_, task)): (String, Numbered)| {
            Ok(Offer { task, workspace: parsed(&workspace)?, class, until })
        };
        order.into_iter().map(offer).collect()
    }

    async fn standing_offers(&self, class: OfferClass, now: Timestamp) -> Result<u32> {
        let standing: i64 = sqlx::query_scalar(STANDING)
            .bind(now.as_millis())
            .bind(class == OfferClass::Single)
            .fetch_one(&self.readers)
            .await?;
        Ok(u32::try_from(standing).unwrap_or(u32::MAX))
    }

    async fn withdraw_offers(&self, offers: &[(TaskId, Timestamp)]) -> Result<()> {
        let mut write = self.write_beside().await?;
        for (task, until) in offers {
            withdraw(&mut write, *task, *until).await?;
        }
        write.commit().await?;
        Ok(())
    }

    async fn clear_offers(&self, until: Timestamp) -> Result<u64> {
        let done = sqlx::query("UPDATE task SET offered_until = NULL WHERE offered_until <= $1")
            .bind(until.as_millis())
            .execute(&self.writer)
            .await?;
        Ok(done.rows_affected())
    }

    async fn claim_offered(
        &self,
        task: TaskId,
        offer: Timestamp,
        now: Timestamp,
        lease: Duration,
    ) -> Result<Option<Claim>> {
        let mut write = self.write_beside().await?;
        let due: Option<DueRow> = sqlx::query_as(OFFERED_TASK)
            .bind(task.to_string())
            .bind(now.as_millis())
            .fetch_optional(&mut *write)
            .await?;
        let claim = match due {
            Some(row) => Due::try_from(row)?.lend(&mut write, now, lease).await?,
            None => {
                withdraw(&mut write, task, offer).await?;
                None
            }
        };
        write.commit().await?;
        Ok(claim)
    }
}

async fn withdraw(write: &mut Write, task: TaskId, until: Timestamp) -> Result<()> {
    sqlx::query("UPDATE task SET offered_until = NULL WHERE id = $1 AND offered_until = $2")
        .bind(task.to_string())
        .bind(until.as_millis())
        .execute(&mut **write)
        .await?;
    Ok(())
}

/// Lanes of one workspace after the other, each in its turn, with as many of their tasks as there may be room for.
async fn due_by_lane(
    write: &mut Write,
    class: OfferClass,
    room: usize,
    now: Timestamp,
) -> Result<Vec<(Lane, VecDeque<Numbered>)>> {
    let found: Vec<(i64, String, bool)> = sqlx::query_as(LANES_TO_OFFER)
        .bind(class == OfferClass::Single)
        .bind(now.as_millis())
        .bind(LANES)
        .fetch_all(&mut **write)
        .await?;
    let lanes: Vec<Lane> = found.into_iter().map(Lane::from).collect();
    let workspaces: std::collections::HashSet<&str> =
        lanes.iter().map(|lane| lane.workspace.as_str()).collect();
    let mut due = Vec::new();
    for lane in &lanes {
        let siblings = lanes.iter().filter(|other| other.workspace == lane.workspace).count();
        // More than its share only where others have less: then the next round makes up for it.
        let share = room.div_ceil(workspaces.len()).div_ceil(siblings);
        let tasks: Vec<(i64, String)> = sqlx::query_as(TASKS_TO_OFFER)
            .bind(lane.id)
            .bind(now.as_millis())
            .bind(i64::try_from(share).unwrap_or(i64::MAX))
            .fetch_all(&mut **write)
            .await?;
        let tasks: Result<VecDeque<Numbered>> =
            tasks.into_iter().map(|(seq, id)| Ok((seq, parsed(&id)?))).collect();
        due.push((lane.clone(), tasks?));
    }
    Ok(due)
}

/// One task of each workspace in turn, within each of one lane after the other, until the room is filled. Which lanes had
/// turns, in the order of their last one.
fn take_turns(lanes: Vec<(Lane, VecDeque<Numbered>)>, room: usize) -> (Vec<(String, Numbered)>, Vec<Lane>) {
    let mut workspaces: VecDeque<VecDeque<(Lane, VecDeque<Numbered>)>> = VecDeque::new();
    for lane in lanes {
        let known = workspaces.iter_mut().find(|lanes| lanes[0].0.workspace == lane.0.workspace);
        match known {
            Some(lanes) => lanes.push_back(lane),
            None => workspaces.push_back(VecDeque::from([lane])),
        }
    }
    let (mut order, mut served) = (Vec::new(), Vec::<Lane>::new());
    while order.len() < room
        && let Some(mut lanes) = workspaces.pop_front()
    {
        let Some((lane, mut tasks)) = lanes.pop_front() else { continue };
        if let Some(task) = tasks.pop_front() {
            order.push((lane.workspace.clone(), task));
            served.retain(|other| *other != lane);
            served.push(lane.clone());
        }
        if !tasks.is_empty() {
            lanes.push_back((lane, tasks));
        }
        if !lanes.is_empty() {
            workspaces.push_back(lanes);
        }
    }
    (order, served)
}

async fn mark(write: &mut Write, order: &[(String, Numbered)], until: Timestamp) -> Result<()> {
    for some in order.chunks(ROWS_PER_STATEMENT) {
        let mut sql = Sql::new("UPDATE task SET offered_until = ");
        sql.push_bind(until.as_millis()).push(" WHERE seq IN (");
        let mut numbers = sql.separated(", ");
        for (_, (seq, _)) in some {
            numbers.push_bind(*seq);
        }
        sql.push(")");
        sql.build().execute(&mut **write).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{Clock as _, SystemClock};

    fn lane(id: i64, workspace: &str, tasks: std::ops::Range<i64>) -> (Lane, VecDeque<Numbered>) {
        let task = |seq| (seq, TaskId::generate(SystemClock.now()));
        (Lane { id, workspace: workspace.to_owned(), is_single: false }, tasks.map(task).collect())
    }

    fn numbers(order: &[(String, Numbered)]) -> Vec<i64> {
        order.iter().map(|(_, (seq, _))| *seq).collect()
    }

    #[test]
    fn workspaces_take_turns_whatever_the_number_of_their_transfers() {
        let lanes = vec![lane(1, "a", 10..13), lane(2, "a", 20..22), lane(3, "b", 30..34)];
        let (order, served) = take_turns(lanes, 100);
        assert_eq!(numbers(&order), [10, 30, 20, 31, 11, 32, 21, 33, 12]);
        assert_eq!(served.iter().map(|lane| lane.id).collect::<Vec<_>>(), [2, 3, 1]);
    }

    #[test]
    fn no_more_than_there_is_room_for() {
        let lanes = vec![lane(1, "a", 10..13), lane(2, "b", 20..22)];
        let (order, served) = take_turns(lanes, 1);
        assert_eq!(numbers(&order), [10]);
        assert_eq!(served.len(), 1);
        assert_eq!(take_turns(Vec::new(), 5), (Vec::new(), Vec::new()));
    }
}
