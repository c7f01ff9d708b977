//! Videos in an index and the segments that they are searched by. Knows neither HTTP nor SQL.

mod stream;
pub mod transcript;
mod user_metadata;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::ids::{IndexId, TaskId, VideoId, WorkspaceId};
use crate::time::{MediaTime, TimeRange, Timestamp};
use crate::transfer::VideoMeta;

pub use stream::{StreamStatus, VideoStream};
pub use user_metadata::check_user_metadata;

/// A video that is ready.
#[derive(Debug, Clone, PartialEq)]
pub struct Video {
    /// Its id; its task's too.
    pub id: VideoId,
    /// Whose it is.
    pub workspace: WorkspaceId,
    /// The index that it is in.
    pub index: IndexId,
    /// BLAKE3 of the file's bytes, in hex; unique within the index.
    pub content_hash: String,
    /// Where it came from, such as `s3://bucket/key`.
    pub address: String,
    /// What was measured.
    pub meta: VideoMeta,
    /// The user's own fields.
    pub user_metadata: Map<String, Value>,
    /// When its task was made.
    pub created_at: Timestamp,
    /// When it, or its metadata, last changed.
    pub updated_at: Timestamp,
    /// When it became searchable.
    pub indexed_at: Timestamp,
}

/// What a segment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SegmentKind {
    /// A shot: what is seen.
    Shot,
    /// A caption or an utterance: what is said.
    Speech,
    /// A line or block of text in the picture, for as long as it stays: what is written.
    Text,
}

impl SegmentKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Shot, Self::Speech, Self::Text];

    /// The name in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Shot => "shot",
            Self::Speech => "speech",
            Self::Text => "text",
        }
    }

    /// The kind of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// A stretch of a video that can be found.
#[derive(Debug, Clone, PartialEq)]
pub struct NewSegment {
    /// What it is. The vectors of a shot are of the index's `see` model, those of speech and text of its `words`
    /// model; kinds are never mixed in one vector index.
    pub kind: SegmentKind,
    /// When.
    pub range: TimeRange,
    /// What is said or written; empty for a shot.
    pub text: String,
    /// How sure the engine is, 0 to 1; one where it does not tell.
    pub score: f32,
    /// Unit vectors, one or several; the best one counts.
    pub vectors: Vec<NewVector>,
}

/// A vector of a segment.
#[derive(Debug, Clone, PartialEq)]
pub struct NewVector {
    /// The moment that it stands for: of the frame, or the start of the words.
    pub at: MediaTime,
    /// Unit length; the dimension of the kind's model.
    pub values: Vec<f32>,
}

/// A picture that is kept of a video.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewThumbnail {
    /// When it is shown.
    pub at: MediaTime,
    /// A small JPEG.
    pub jpeg: Vec<u8>,
}

/// Everything that indexing made of a video; becomes visible in one transaction.
#[derive(Debug, Clone, PartialEq)]
pub struct Publication {
    /// The task, and so the video.
    pub task: TaskId,
    /// BLAKE3 of the file's bytes, in hex.
    pub content_hash: String,
    /// What was measured.
    pub meta: VideoMeta,
    /// In order of start.
    pub segments: Vec<NewSegment>,
    /// In order of time; one per shot.
    pub thumbnails: Vec<NewThumbnail>,
}

/// A segment as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Segment {
    /// Its number in the store.
    pub id: i64,
    /// Its video.
    pub video: VideoId,
    /// What it is.
    pub kind: SegmentKind,
    /// When.
    pub range: TimeRange,
    /// What is said or written.
    pub text: String,
    /// How sure the engine was.
    pub score: f32,
}
