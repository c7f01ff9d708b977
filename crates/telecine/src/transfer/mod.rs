//! Transfers and tasks: the manifest, the life of a task as pure transitions, dry run, report. Knows neither HTTP nor
//! SQL.

mod address;
mod check;
pub mod create;
mod intake;
mod manifest;
mod object_fault;
pub mod plan;
pub mod report;
pub mod status;
pub mod submit;
mod task;

pub use address::{Address, MAX_KEY_BYTES, MalformedAddress};
pub use manifest::{Entry, MAX_ENTRY_BYTES, MAX_TEXT_BYTES, parse as parse_manifest};
pub use object_fault::{admit_object, object_fault, transcription_fault};
pub(crate) use report::csv_row;
pub use task::{
    Counts, Duplicate, DuplicateBy, Event, IllegalTransition, MAX_CRASHES, NewTask, ObjectRef, ObjectStamp,
    Scheme, Stage, Status, Task, TaskSource, Transcription, VideoMeta, after_crash, last_part, next_status,
};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::{TransferId, WorkspaceId};
use crate::time::Timestamp;

/// Where a transfer stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TransferState {
    /// Its manifest is being stored; its tasks cannot be claimed yet. Left over after a crash, it is removed.
    Receiving,
    /// Acknowledged; its tasks are worked on. It is finished when no task is left that is not final.
    Accepted,
    /// Cancelled by a person: tasks that were not final failed with `task_cancelled`.
    Cancelled,
}

/// The tasks of one manifest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Transfer {
    /// Its id.
    pub id: TransferId,
    /// Whose it is.
    pub workspace: WorkspaceId,
    /// Where it stands.
    pub state: TransferState,
    /// When it was posted.
    pub created_at: Timestamp,
    /// When its last task became final.
    pub ended_at: Option<Timestamp>,
    /// Since when none of its tasks is begun, because a person paused it.
    pub paused_at: Option<Timestamp>,
    /// When its last pause ended.
    pub resumed_at: Option<Timestamp>,
    /// Its tasks by status; they add up to the manifest's distinct entries.
    pub counts: Counts,
    /// Entries that named the same object, index and transcription as an earlier one, and made no task.
    pub repeated: u64,
}

impl Transfer {
    /// Whether all of its tasks are final.
    pub fn is_over(&self) -> bool {
        self.state != TransferState::Receiving && self.counts.finished() == self.counts.total()
    }
}
