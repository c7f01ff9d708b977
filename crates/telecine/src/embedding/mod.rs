//! Embeddings for their own sake: vectors of texts, pictures and videos, by the model that sees. Texts and pictures at once,
//! videos as tasks in the background, whose results are kept for a week. Knows neither HTTP nor SQL.

mod clips;
mod create;
mod fetch;
mod instant;
mod look;
mod tidy;
mod work;

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::ids::{EmbedTaskId, WorkspaceId};
use crate::time::{MediaTime, TimeRange, Timestamp};

pub use clips::{Means, cut, mean};
pub use create::{EmbedRequest, create};
pub use instant::{MAX_TEXT_TOKENS, Truncate, both, picture, text};
pub use tidy::{needs_files, tidy_up};
pub use work::{duties, run, work};

/// How long results are kept.
pub const KEPT: Duration = Duration::from_secs(7 * 86_400);
/// The models that clients of the contract name.
const MODEL_NAMES: [&str; 3] = ["Marengo-retrieval-2.6", "Marengo-retrieval-2.7", "marengo3.0"];

/// Refuses the name of a model that is neither the contract's nor our own. Whatever the name, vectors are made by the one
/// model that sees, and are told with its id.
///
/// # Errors
/// `parameter_invalid`.
pub fn check_model(parameter: &str, name: &str, own: &str) -> Result<(), Fault> {
    if name == own || MODEL_NAMES.contains(&name) {
        return Ok(());
    }
    let known: Vec<String> = MODEL_NAMES.iter().chain(&[own]).map(|name| format!("`{name}`")).collect();
    Err(Fault::parameter(format!("The {parameter} parameter is not one that is known."))
        .value(name.chars().take(120).collect::<String>())
        .rule(format!("one of {}", known.join(", "))))
}

/// What a vector stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// One clip.
    Clip,
    /// All of it.
    Video,
}

impl Scope {
    /// The name in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Clip => "clip",
            Self::Video => "video",
        }
    }

    /// The scope of this name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Clip, Self::Video].into_iter().find(|scope| scope.as_str() == name)
    }
}

/// How a video is cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Length of a clip.
    pub clip_length: MediaTime,
    /// What vectors are wanted of; never empty.
    pub scopes: BTreeSet<Scope>,
    /// From here.
    pub start: MediaTime,
    /// Until here; the end where it is not said.
    pub end: Option<MediaTime>,
}

/// Where the video of a task is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EmbedSource {
    /// Uploaded, under the name that the client gave.
    Upload {
        /// The file's name at the client.
        filename: String,
    },
    /// Behind a direct link.
    Url {
        /// The link.
        url: String,
    },
}

/// What has become of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmbedState {
    /// Waits, or is worked on.
    Processing,
    /// Its vectors can be had. Final.
    Ready,
    /// The fault says why. Final.
    Failed,
}

impl EmbedState {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Processing, Self::Ready, Self::Failed];

    /// The contract's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Processing => "processing",
            Self::Ready => "ready",
            Self::Failed => "failed",
        }
    }

    /// The state of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

/// A video that is to be embedded, or was.
#[derive(Debug, Clone, PartialEq)]
pub struct EmbedTask {
    /// Its id.
    pub id: EmbedTaskId,
    /// Whose it is.
    pub workspace: WorkspaceId,
    /// The model as the client named it.
    pub model_name: String,
    /// The model that does the work.
    pub served_by: String,
    /// Where the video is.
    pub source: EmbedSource,
    /// How it is cut.
    pub plan: Plan,
    /// What has become of it.
    pub state: EmbedState,
    /// Why it failed.
    pub fault: Option<Fault>,
    /// Length of the video, once it is known.
    pub duration: Option<MediaTime>,
    /// How often work on it began.
    pub attempts: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When it is removed.
    pub expires_at: Timestamp,
}

/// A vector of a video.
#[derive(Debug, Clone, PartialEq)]
pub struct Embedded {
    /// When.
    pub range: TimeRange,
    /// Of what.
    pub scope: Scope,
    /// Unit length.
    pub values: Vec<f32>,
}

/// The right to work on a task; stale once somebody else has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EmbedClaim {
    /// The task.
    pub task: EmbedTaskId,
    /// Grows with each claim.
    pub fence: i64,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq)]
pub enum EmbedEnd {
    /// With vectors, in order of time, those of the whole last.
    Ready(MediaTime, Vec<Embedded>),
    /// For good.
    Failed(Box<Fault>),
    /// To be tried again from this moment on.
    Again(Timestamp),
}
