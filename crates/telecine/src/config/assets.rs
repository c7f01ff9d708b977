//! Settings of assets: how large, how many, how long.

use serde::{Deserialize, Serialize};

/// Files that are brought here apart from any index.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AssetsConfig {
    /// Bytes of a file that is sent in one request (default 200 MiB).
    pub direct_bytes: u64,
    /// Bytes of a file that is fetched from a link (default 4 GiB).
    pub url_bytes: u64,
    /// Bytes of a file that is sent in chunks (default 10 GiB).
    pub multipart_bytes: u64,
    /// Bytes of a video that is imported from a bucket (default 10 GiB).
    pub import_video_bytes: u64,
    /// Bytes of a sound file that is imported from a bucket (default 4 GiB).
    pub import_audio_bytes: u64,
    /// Bytes of an image, however it comes (default 32 MiB).
    pub image_bytes: u64,
    /// Bytes of the smallest chunk; large files have larger ones, so that there are at most 640 (default 8 MiB).
    pub chunk_bytes: u64,
    /// Bytes that all assets of a workspace may have together, with those that are still being uploaded (default 1 TiB).
    pub workspace_bytes: u64,
    /// Uploads in chunks that a workspace may have open at once (default 100).
    pub open_uploads: u64,
    /// Seconds after which an upload in chunks that is not complete is given up, with its bytes (default 86400).
    pub upload_expires_s: u64,
    /// Assets that are fetched and measured at once (default 2).
    pub tasks: usize,
}

impl Default for AssetsConfig {
    fn default() -> Self {
        Self {
            direct_bytes: 200 << 20,
            url_bytes: 4 << 30,
            multipart_bytes: 10 << 30,
            import_video_bytes: 10 << 30,
            import_audio_bytes: 4 << 30,
            image_bytes: 32 << 20,
            chunk_bytes: 8 << 20,
            workspace_bytes: 1 << 40,
            open_uploads: 100,
            upload_expires_s: 86_400,
            tasks: 2,
        }
    }
}
