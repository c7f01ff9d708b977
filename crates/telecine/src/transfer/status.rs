//! How far a transfer has come: counts from the store, the tasks in hand from memory, and an estimate of the time left.
//! The numbers are made by a pure function; only [`status`] asks anyone.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;

use super::{Counts, Stage, Transfer, TransferState};
use crate::app::App;
use crate::fault::{Code, Result};
use crate::ids::{TaskId, TransferId, WorkspaceId};
use crate::pipeline::{ProgressBoard, TaskProgress};
use crate::store::Store;
use crate::time::Timestamp;

/// Ends of tasks that the estimate is made of.
const ENDS: u32 = 50;
/// How far back they may lie: a pause longer ago says nothing of now.
const LOOK_BACK: Duration = Duration::from_hours(1);
/// Fewer ends than this tell no rate.
const ENOUGH_ENDS: usize = 3;

/// How far a transfer has come, as the API tells it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct TransferStatus {
    /// The transfer.
    #[serde(rename = "_id")]
    pub id: TransferId,
    /// Where it stands.
    pub state: TransferState,
    /// When it was posted.
    pub created_at: Timestamp,
    /// When its last task became final.
    pub ended_at: Option<Timestamp>,
    /// Since when none of its tasks is begun, because it was paused; what was in hand then goes on to its end.
    pub paused_at: Option<Timestamp>,
    /// Whether all of its tasks are final.
    pub is_finished: bool,
    /// Its tasks.
    pub total: u64,
    /// Entries that repeated an earlier one and made no task.
    pub repeated: u64,
    /// Its tasks by status; they add up to `total`.
    pub counts: Counts,
    /// Its tasks by stage.
    pub stages: Stages,
    /// The tasks that workers have in hand, in order of their ids.
    pub in_hand: Vec<InHand>,
    /// Why tasks failed, most frequent first; the counts add up to `counts.failed`.
    pub faults: Vec<FaultCount>,
    /// Seconds until it is finished; nothing when it is, while it is paused, or when too little is known.
    pub remain_seconds: Option<RemainSeconds>,
}

/// The tasks of a transfer by stage. `tasks` are in the stage now; `done` need it no more, because they passed it or
/// because they are final: a bar of `done` out of the total ends full. No stage has more done than the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, ToSchema)]
pub struct Stages {
    /// Moving bytes.
    pub fetch: FetchStage,
    /// Being probed and checked.
    pub validate: PlainStage,
    /// Being seen, heard and read.
    pub index: IndexStage,
    /// Being written.
    pub publish: PlainStage,
}

/// The first stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, ToSchema)]
pub struct FetchStage {
    /// In it now.
    pub tasks: u64,
    /// That need it no more.
    pub done: u64,
    /// Bytes that the tasks in it have moved.
    pub done_bytes: u64,
    /// Bytes of the files of the tasks in it.
    pub total_bytes: u64,
}

/// A stage without an amount of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, ToSchema)]
pub struct PlainStage {
    /// In it now.
    pub tasks: u64,
    /// That need it no more.
    pub done: u64,
}

/// The stage that takes longest.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, ToSchema)]
pub struct IndexStage {
    /// In it now.
    pub tasks: u64,
    /// That need it no more.
    pub done: u64,
    /// Seconds of video that the tasks in it have indexed.
    pub done_s: f64,
    /// Seconds of video of the tasks in it.
    pub total_s: f64,
}

/// A task that a worker has in hand.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct InHand {
    /// The task.
    #[serde(rename = "_id")]
    pub id: TaskId,
    /// Its file's name.
    pub filename: String,
    /// What it does now.
    pub stage: Stage,
    /// How much of the stage is done, 0 to 1.
    pub fraction: f64,
}

/// A reason why tasks failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FaultCount {
    /// The code.
    pub code: String,
    /// Tasks that failed by it.
    pub count: u64,
    /// What it means.
    pub message: &'static str,
    /// What to do.
    pub remedy: &'static str,
}

/// Between so many seconds and so many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct RemainSeconds {
    /// If it goes well.
    pub low: u64,
    /// If it does not.
    pub high: u64,
}

/// How far the transfer has come; nothing when there is no such transfer.
///
/// # Errors
/// The store's.
pub async fn status(
    app: &Arc<App>,
    workspace: WorkspaceId,
    id: TransferId,
) -> Result<Option<TransferStatus>> {
    status_at(&*app.store, &app.progress, app.clock.now(), workspace, id).await
}

/// [`status`], from its sources.
///
/// # Errors
/// The store's.
pub async fn status_at(
    store: &dyn Store,
    board: &ProgressBoard,
    now: Timestamp,
    workspace: WorkspaceId,
    id: TransferId,
) -> Result<Option<TransferStatus>> {
    let Some(transfer) = store.transfer(workspace, id).await? else { return Ok(None) };
    let mut progress = board.of_transfer(id);
    progress.sort_unstable_by_key(|(task, _)| *task);
    let mut in_hand = Vec::with_capacity(progress.len());
    for (id, progress) in &progress {
        // One that ended in between is no longer in hand.
        if let Some(task) = store.task(workspace, *id).await?
            && !task.status.is_final()
        {
            let filename = task.source.filename().to_owned();
            in_hand.push((
                InHand { id: *id, filename, stage: progress.stage, fraction: fraction(progress) },
                *progress,
            ));
        }
    }
    let faults = store.fault_counts(id).await?.into_iter().map(fault_count).collect();
    let ends = store.last_ends(id, ENDS).await?;
    Ok(Some(tell(&transfer, in_hand, faults, &ends, now)))
}

fn fault_count((code, count): (String, u64)) -> FaultCount {
    let known = Code::parse(&code);
    let (message, remedy) = known.map_or(("", ""), |code| (code.message(), code.remedy()));
    FaultCount { code, count, message, remedy }
}

/// How much of its stage a task has done.
fn fraction(progress: &TaskProgress) -> f64 {
    let share = |done: f64, all: f64| if all > 0.0 { (done / all).clamp(0.0, 1.0) } else { 0.0 };
    match progress.stage {
        Stage::Fetch => share(progress.fetched_bytes as f64, progress.size_bytes as f64),
        Stage::Index => share(progress.indexed_s, progress.duration_s),
        Stage::Validate | Stage::Publish => 0.0,
    }
}

/// The numbers, which add up whatever the moment at which store and board were asked.
fn tell(
    transfer: &Transfer,
    in_hand: Vec<(InHand, TaskProgress)>,
    faults: Vec<FaultCount>,
    ends: &[Timestamp],
    now: Timestamp,
) -> TransferStatus {
    let counts = transfer.counts;
    let is_finished = transfer.is_over();
    // The rate before a pause, and the pause itself, say nothing of now.
    let went_on_at = transfer.resumed_at.unwrap_or(transfer.created_at);
    let ends: Vec<Timestamp> = ends.iter().copied().filter(|end| *end >= went_on_at).collect();
    let left: f64 = (counts.total() - counts.finished()) as f64 - in_hand.iter().map(credit).sum::<f64>();
    TransferStatus {
        id: transfer.id,
        state: transfer.state,
        created_at: transfer.created_at,
        ended_at: transfer.ended_at,
        paused_at: transfer.paused_at,
        is_finished,
        total: counts.total(),
        repeated: transfer.repeated,
        counts,
        stages: stages(counts, &in_hand),
        remain_seconds: if is_finished || transfer.paused_at.is_some() {
            None
        } else {
            remaining(left, went_on_at, &ends, now)
        },
        in_hand: in_hand.into_iter().map(|(task, _)| task).collect(),
        faults,
    }
}

/// How much of a task counts as done. Nearly all of the work lies in indexing.
fn credit((task, _): &(InHand, TaskProgress)) -> f64 {
    match task.stage {
        Stage::Fetch | Stage::Validate => 0.0,
        Stage::Index => task.fraction,
        Stage::Publish => 1.0,
    }
}

fn stages(counts: Counts, in_hand: &[(InHand, TaskProgress)]) -> Stages {
    let of = |stage| in_hand.iter().filter(move |(task, _)| task.stage == stage);
    let tasks = |stage| of(stage).count() as u64;
    let checked = counts.total() - counts.validating - counts.pending;
    let fetched = checked + tasks(Stage::Validate).min(counts.validating);
    let indexed = counts.finished() + tasks(Stage::Publish).min(counts.indexing);
    Stages {
        fetch: FetchStage {
            tasks: tasks(Stage::Fetch),
            done: fetched,
            done_bytes: of(Stage::Fetch).map(|(_, p)| p.fetched_bytes.min(p.size_bytes)).sum(),
            total_bytes: of(Stage::Fetch).map(|(_, p)| p.size_bytes).sum(),
        },
        validate: PlainStage { tasks: tasks(Stage::Validate), done: checked },
        index: IndexStage {
            tasks: tasks(Stage::Index),
            done: indexed,
            // The sum of nothing is -0, which is written as such.
            done_s: of(Stage::Index).map(|(_, p)| p.indexed_s.min(p.duration_s)).sum::<f64>() + 0.0,
            total_s: of(Stage::Index).map(|(_, p)| p.duration_s).sum::<f64>() + 0.0,
        },
        publish: PlainStage { tasks: tasks(Stage::Publish), done: counts.finished() },
    }
}

/// The time left at the rate at which tasks ended lately. Ends come like events of chance, so the rate that `n` of them
/// tell is off by about one part in √n, and the range is that wide.
fn remaining(left: f64, began: Timestamp, ends: &[Timestamp], now: Timestamp) -> Option<RemainSeconds> {
    let recent: Vec<Timestamp> = ends.iter().copied().filter(|end| now.since(*end) <= LOOK_BACK).collect();
    if recent.len() < ENOUGH_ENDS {
        return None;
    }
    // The oldest end only opens the window, unless the window opens with the transfer.
    let is_whole = recent.len() < ENDS as usize && now.since(began) <= LOOK_BACK;
    let oldest = recent.iter().min()?;
    let (count, opens) = if is_whole { (recent.len(), began) } else { (recent.len() - 1, *oldest) };
    let window_s = now.since(opens).as_secs_f64().max(0.001);
    let rate = count as f64 / window_s;
    let spread = 1.0 / (count as f64).sqrt();
    let seconds = |rate: f64| (left.max(0.0) / rate).ceil().min(1e9) as u64;
    let high = if spread < 1.0 { seconds(rate * (1.0 - spread)) } else { seconds(rate / 2.0) };
    Some(RemainSeconds { low: seconds(rate * (1.0 + spread)), high })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BEGAN: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn transfer(counts: Counts) -> Transfer {
        Transfer {
            id: TransferId::generate(BEGAN),
            workspace: WorkspaceId::generate(BEGAN),
            state: TransferState::Accepted,
            created_at: BEGAN,
            ended_at: None,
            paused_at: None,
            resumed_at: None,
            counts,
            repeated: 0,
        }
    }

    fn task(stage: Stage, done: f64) -> (InHand, TaskProgress) {
        let progress = TaskProgress {
            stage,
            fetched_bytes: (done * 1_000.0) as u64,
            size_bytes: 1_000,
            indexed_s: done * 60.0,
            duration_s: 60.0,
            transfer: None,
        };
        let id = TaskId::generate(BEGAN);
        (InHand { id, filename: "a.mp4".into(), stage, fraction: fraction(&progress) }, progress)
    }

    fn seconds(seconds: u64) -> Timestamp {
        BEGAN.after(Duration::from_secs(seconds))
    }

    #[test]
    fn stages_say_what_is_in_them_and_what_needs_them_no_more() {
        let counts =
            Counts { validating: 3, pending: 1, queued: 1, indexing: 2, ready: 4, failed: 1, skipped: 1 };
        let in_hand = vec![
            task(Stage::Fetch, 0.5),
            task(Stage::Validate, 1.0),
            task(Stage::Index, 0.25),
            task(Stage::Publish, 1.0),
        ];
        let told = tell(&transfer(counts), in_hand, Vec::new(), &[], BEGAN);
        assert_eq!(told.total, 13);
        assert_eq!(told.stages.fetch, FetchStage { tasks: 1, done: 10, done_bytes: 500, total_bytes: 1_000 });
        assert_eq!(told.stages.validate, PlainStage { tasks: 1, done: 9 });
        assert_eq!(told.stages.index, IndexStage { tasks: 1, done: 7, done_s: 15.0, total_s: 60.0 });
        assert_eq!(told.stages.publish, PlainStage { tasks: 1, done: 6 });
        let idle = tell(&transfer(counts), Vec::new(), Vec::new(), &[], BEGAN).stages.index;
        assert!(idle.done_s.is_sign_positive() && idle.total_s.is_sign_positive(), "not -0: {idle:?}");
        assert_eq!(told.remain_seconds, None);
    }

    #[test]
    fn the_time_left_follows_the_rate_and_is_a_range() {
        let counts = Counts { queued: 75, ready: 25, ..Counts::default() };
        let ends: Vec<Timestamp> = (1..=25).rev().map(|n| seconds(n * 4)).collect();
        let told = tell(&transfer(counts), Vec::new(), Vec::new(), &ends, seconds(100));
        // 25 in 100 s, give or take a fifth: 75 more take 300 s at that rate.
        assert_eq!(told.remain_seconds, Some(RemainSeconds { low: 250, high: 375 }));
    }

    #[test]
    fn too_few_ends_or_old_ones_tell_no_time() {
        let counts = Counts { queued: 75, ready: 25, ..Counts::default() };
        let told = |ends: &[Timestamp], now| {
            tell(&transfer(counts), Vec::new(), Vec::new(), ends, now).remain_seconds
        };
        assert_eq!(told(&[seconds(4), seconds(2)], seconds(5)), None);
        assert_eq!(told(&[seconds(6), seconds(4), seconds(2)], seconds(7_200)), None);
        let finished = Counts { ready: 3, ..Counts::default() };
        let ends = [seconds(6), seconds(4), seconds(2)];
        assert_eq!(tell(&transfer(finished), Vec::new(), Vec::new(), &ends, seconds(7)).remain_seconds, None);
    }

    #[test]
    fn no_time_is_told_while_paused_and_after_it_only_what_ended_since_counts() {
        let counts = Counts { queued: 75, ready: 25, ..Counts::default() };
        let ends: Vec<Timestamp> = (1..=25).rev().map(|n| seconds(n * 4)).collect();
        let paused = Transfer { paused_at: Some(seconds(90)), ..transfer(counts) };
        assert_eq!(tell(&paused, Vec::new(), Vec::new(), &ends, seconds(100)).remain_seconds, None);
        // Four ends in the 16 s since it went on, not 25 in 100 s.
        let resumed = Transfer { resumed_at: Some(seconds(84)), ..transfer(counts) };
        let ends = [seconds(100), seconds(96), seconds(92), seconds(88), seconds(80), seconds(76)];
        let told = tell(&resumed, Vec::new(), Vec::new(), &ends, seconds(100)).remain_seconds;
        assert_eq!(told, Some(RemainSeconds { low: 200, high: 600 }));
    }

    fn any_stage() -> impl Strategy<Value = Stage> {
        prop_oneof![Just(Stage::Fetch), Just(Stage::Validate), Just(Stage::Index), Just(Stage::Publish)]
    }

    proptest! {
        #[test]
        fn numbers_add_up_even_when_store_and_board_disagree(
            counts in prop::array::uniform7(0u64..1_000_000),
            in_hand in prop::collection::vec((any_stage(), 0.0..1.0f64), 0..12),
            ends in prop::collection::vec(0u64..5_000, 0..60),
            now in 0u64..5_000,
        ) {
            let [validating, pending, queued, indexing, ready, failed, skipped] = counts;
            let counts = Counts { validating, pending, queued, indexing, ready, failed, skipped };
            let in_hand = in_hand.into_iter().map(|(stage, done)| task(stage, done)).collect();
            let ends: Vec<Timestamp> = ends.into_iter().map(seconds).collect();
            let told = tell(&transfer(counts), in_hand, Vec::new(), &ends, seconds(now));
            let Stages { fetch, validate, index, publish } = told.stages;
            prop_assert_eq!(told.total, counts.total());
            prop_assert!(fetch.done <= told.total && validate.done <= fetch.done);
            prop_assert!(index.done <= validate.done && publish.done <= index.done);
            prop_assert_eq!(told.is_finished, publish.done == told.total);
            if let Some(RemainSeconds { low, high }) = told.remain_seconds {
                prop_assert!(low <= high && !told.is_finished);
            }
        }
    }
}
