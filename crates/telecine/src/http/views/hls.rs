//! The stream of a video, as the contract shows it.

use serde::Serialize;
use utoipa::ToSchema;

use crate::fault::Fault;
use crate::time::Timestamp;
use crate::video::StreamStatus;

/// The stream that is kept of a video, for players. Links work for a while, without a key.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Hls)]
pub(in crate::http) struct HlsView {
    /// The playlist, once it can be played.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::http) video_url: Option<String>,
    /// A picture, of videos in indexes with the addon `thumbnail`.
    pub(in crate::http) thumbnail_urls: Vec<String>,
    /// How far it is.
    pub(in crate::http) status: StreamStatus,
    pub(in crate::http) updated_at: Timestamp,
    /// Why there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::http) error: Option<Fault>,
}
