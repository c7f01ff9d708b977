//! The stream that is kept of a video, for players in browsers: how far it is and why there is none. Knows no files.

use serde::Serialize;
use utoipa::ToSchema;

use crate::fault::Fault;
use crate::time::Timestamp;

/// How far a stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum StreamStatus {
    /// It is being made, or will be.
    Processing,
    /// It can be played.
    Complete,
    /// It was not made, because the settings said so.
    Canceled,
    /// It could not be made.
    Error,
}

impl StreamStatus {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Processing, Self::Complete, Self::Canceled, Self::Error];

    /// The name in the store and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Processing => "PROCESSING",
            Self::Complete => "COMPLETE",
            Self::Canceled => "CANCELED",
            Self::Error => "ERROR",
        }
    }

    /// The status of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }
}

/// The stream of a video.
#[derive(Debug, Clone, PartialEq)]
pub struct VideoStream {
    /// How far it is.
    pub status: StreamStatus,
    /// Why there is none.
    pub fault: Option<Fault>,
    /// Bytes on disk.
    pub bytes: u64,
    /// When it last changed.
    pub updated_at: Timestamp,
}
