//! What is said in videos when people change it.

use async_trait::async_trait;

use crate::fault::Result;
use crate::ids::VideoId;
use crate::time::Timestamp;
use crate::video::transcript::Heard;
use crate::video::{NewSegment, Video};

/// Transcripts that people change.
#[async_trait]
pub trait SpeechStore: Send + Sync {
    /// Replaces what is said in the video, with words and vectors, and keeps what was heard if it is not kept already: all or
    /// nothing. Whether the video is there.
    async fn edit_speech(&self, video: &Video, segments: &[NewSegment], now: Timestamp) -> Result<bool>;
    /// Puts what was heard back, as these segments, and forgets the change. Without a change nothing happens. Whether the
    /// video is there.
    async fn restore_speech(&self, video: &Video, segments: &[NewSegment], now: Timestamp) -> Result<bool>;
    /// What was heard before people changed it; none where nobody did.
    async fn heard(&self, video: VideoId) -> Result<Option<Heard>>;
    /// When people last changed it; none where nobody did.
    async fn edited_at(&self, video: VideoId) -> Result<Option<Timestamp>>;
}
