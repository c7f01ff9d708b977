//! How far the tasks in hand have come: in memory only, for progress bars. What must survive is in the store.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

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

/// All tasks in hand.
#[derive(Debug, Default)]
pub struct ProgressBoard(Mutex<HashMap<TaskId, TaskProgress>>);

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

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<TaskId, TaskProgress>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
