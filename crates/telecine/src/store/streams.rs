//! What the database knows of the streams that are kept of videos.

use std::collections::HashMap;

use async_trait::async_trait;

use crate::fault::Result;
use crate::ids::VideoId;
use crate::time::{MediaTime, Timestamp};
use crate::video::VideoStream;

/// Streams of videos. A stream goes with its video.
#[async_trait]
pub trait StreamStore: Send + Sync {
    /// A stream is to be made of the video, which may not be there yet.
    async fn begin_stream(&self, video: VideoId, now: Timestamp) -> Result<()>;
    /// What came of it. Whether the video is still there.
    async fn end_stream(&self, video: VideoId, stream: &VideoStream) -> Result<bool>;
    /// Forgets a stream whose video never came to be.
    async fn forget_stream(&self, video: VideoId) -> Result<()>;
    /// The streams of these videos.
    async fn streams(&self, videos: &[VideoId]) -> Result<HashMap<VideoId, VideoStream>>;
    /// Streams that were begun and have not ended.
    async fn unfinished_streams(&self) -> Result<Vec<VideoId>>;
    /// Of each of these videos, the moment of the picture nearest to its middle, if it has pictures.
    async fn middle_pictures(&self, videos: &[VideoId]) -> Result<HashMap<VideoId, MediaTime>>;
}
