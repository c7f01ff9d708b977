//! Settings of the streams that are kept of videos.

use serde::{Deserialize, Serialize};

/// Streams that are kept of videos, for players in browsers (HLS).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StreamingConfig {
    /// Whether streams are kept (default true). Each takes about as much disk as its video; a request can go without one.
    pub enabled: bool,
    /// Whether pictures are encoded anew where browsers do not know their codec (default true); else such videos have no
    /// stream. It costs much CPU.
    pub reencode: bool,
    /// Bytes that stay free on the disk of the data folder: with fewer, no stream is kept (default 5 GiB).
    pub min_free_bytes: u64,
    /// Most bytes of a stream (default 4 GiB).
    pub max_bytes: u64,
    /// Streams being made at once (default 2).
    pub parallel: usize,
    /// Seconds that a link to a stream works (default 21600: whoever plays for longer asks for the link again).
    pub link_lifetime_s: u64,
}

impl Default for StreamingConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            reencode: true,
            min_free_bytes: 5 << 30,
            max_bytes: 4 << 30,
            parallel: 2,
            link_lifetime_s: 21_600,
        }
    }
}
