//! How far the tasks in hand have come: in memory only, for progress bars. What must survive is in the store.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use serde::Serialize;
use tokio::sync::Semaphore;
use utoipa::ToSchema;

use crate::ids::{TaskId, TransferId};
use crate::transfer::Stage;

/// How far a task has come.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct TaskProgress {
    /// What it does now.
    pub stage: Stage,
    /// Bytes fetched so far.
    pub fetched_bytes: u64,
    /// Bytes of the file; zero until known.
    pub size_bytes: u64,
    /// Seconds of media indexed so far.
    pub indexed_s: f64,
    /// Seconds of media; zero until known.
    pub duration_s: f64,
    /// The transfer that the task belongs to, if any.
    pub transfer: Option<TransferId>,
}

/// A class of work with a bound on how much of it goes on at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct WorkClass {
    /// `tasks` in hand, of which some `fetch`, `decode` and are indexed by `inferences`; `streams`; `room` for files.
    #[schema(value_type = String)]
    pub name: &'static str,
    /// What is counted: `places`, or `bytes` of the work folder.
    #[schema(value_type = String)]
    pub unit: &'static str,
    /// Taken now.
    pub in_use: u64,
    /// At most.
    pub limit: u64,
}

/// The permits behind a class of work.
#[derive(Debug)]
pub(super) struct Permits {
    pub(super) name: &'static str,
    pub(super) unit: &'static str,
    /// What one permit stands for.
    pub(super) worth: u64,
    pub(super) limit: usize,
    /// None for the tasks in hand, which the board knows: a runner that waits for one has a place already.
    pub(super) free: Option<Arc<Semaphore>>,
}

/// All tasks in hand, and the bounds on them.
#[derive(Debug, Default)]
pub struct ProgressBoard {
    tasks: Mutex<HashMap<TaskId, TaskProgress>>,
    permits: OnceLock<Vec<Permits>>,
}

impl ProgressBoard {
    /// Notes how far a task has come.
    pub fn set(&self, task: TaskId, progress: TaskProgress) {
        self.lock().insert(task, progress);
    }

    /// Changes what is noted of a task, if anything is.
    pub fn update(&self, task: TaskId, change: impl FnOnce(&mut TaskProgress)) {
        if let Some(progress) = self.lock().get_mut(&task) {
            change(progress);
        }
    }

    /// The task is no longer in hand.
    pub fn clear(&self, task: TaskId) {
        self.lock().remove(&task);
    }

    /// What is noted of a task.
    pub fn get(&self, task: TaskId) -> Option<TaskProgress> {
        self.lock().get(&task).copied()
    }

    /// The tasks in hand of a transfer.
    pub fn of_transfer(&self, transfer: TransferId) -> Vec<(TaskId, TaskProgress)> {
        let board = self.lock();
        board.iter().filter(|(_, p)| p.transfer == Some(transfer)).map(|(id, p)| (*id, *p)).collect()
    }

    /// The tasks in hand that have come further than this stage.
    pub fn beyond(&self, stage: Stage) -> Vec<TaskId> {
        let board = self.lock();
        board.iter().filter(|(_, progress)| progress.stage > stage).map(|(id, _)| *id).collect()
    }

    /// The stage of each task in hand.
    pub fn stages(&self) -> Vec<Stage> {
        self.lock().values().map(|progress| progress.stage).collect()
    }

    /// What bounds the work of this process; told once, by whoever works.
    pub(super) fn bounded_by(&self, permits: Vec<Permits>) {
        // A second runner in one process, as in tests, shares nothing with the first.
        let _ = self.permits.set(permits);
    }

    /// How much of each class of work goes on; empty where nobody works.
    pub fn classes(&self) -> Vec<WorkClass> {
        let class = |permits: &Permits| {
            let in_use = match &permits.free {
                Some(free) => permits.limit.saturating_sub(free.available_permits()),
                None => self.lock().len(),
            };
            let Permits { name, unit, worth, limit, .. } = permits;
            WorkClass { name, unit, in_use: in_use as u64 * worth, limit: *limit as u64 * worth }
        };
        self.permits.get().map(|all| all.iter().map(class).collect()).unwrap_or_default()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<TaskId, TaskProgress>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
