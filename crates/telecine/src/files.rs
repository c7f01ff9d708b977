//! The data folder: the one place that knows the names of what lies in it. Reads and writes nothing.

use std::path::{Path, PathBuf};

use crate::ids::{AssetId, EmbedTaskId, TaskId, VideoId};
use crate::media_store::{MediaFolder, MediaKey, MediaKind};

/// The playlist of a stream, in its folder.
pub const PLAYLIST_FILE: &str = "index.m3u8";
/// What the playlist names, in the same folder.
pub const STREAM_FILE: &str = "stream.mp4";

/// The data folder of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataDir(PathBuf);

impl DataDir {
    /// The folder at this path.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The database.
    pub fn database(&self) -> PathBuf {
        self.0.join("telecine.db")
    }

    /// Locked by the process that serves from the folder.
    pub fn lock(&self) -> PathBuf {
        self.0.join("telecine.lock")
    }

    /// The key that seals secrets in the database, unless the settings name another. Lost, they must be entered anew.
    pub fn secrets_key(&self) -> PathBuf {
        self.0.join("secrets.key")
    }

    /// The key that signs links to pictures; made when it is first needed. Removed, it ends the links handed out.
    pub fn link_key(&self) -> PathBuf {
        self.0.join("link.key")
    }

    /// Indexes over vectors; derived, may be removed at any time.
    pub fn vectors(&self) -> PathBuf {
        self.0.join("vectors")
    }

    /// Where all tasks have their folders.
    pub fn work(&self) -> PathBuf {
        self.0.join(MediaKind::Tasks.path())
    }

    /// The folder of a task: its download, its upload, its sound. Removed when the task is final (uploads stay while
    /// a failed task can be retried).
    pub fn task(&self, task: TaskId) -> PathBuf {
        self.work().join(task.to_string())
    }

    /// A video that a client uploaded, where media lie in the data folder.
    pub fn upload(&self, task: TaskId) -> PathBuf {
        self.0.join(MediaKey::Upload(task).path())
    }

    /// Captions that a client uploaded, where media lie in the data folder.
    pub fn uploaded_transcription(&self, task: TaskId) -> PathBuf {
        self.0.join(MediaKey::Transcription(task).path())
    }

    /// A video that is being fetched, or was.
    pub fn fetched(&self, task: TaskId) -> PathBuf {
        self.task(task).join("fetched")
    }

    /// How far the fetch has come.
    pub fn fetch_state(&self, task: TaskId) -> PathBuf {
        self.task(task).join("fetch.json")
    }

    /// The decoded sound.
    pub fn sound(&self, task: TaskId) -> PathBuf {
        self.task(task).join("sound.s16le")
    }

    /// Where all assets have their folders. Nothing else holds what lies here: back it up with the database.
    pub fn assets(&self) -> PathBuf {
        self.0.join(MediaKind::Assets.path())
    }

    /// The folder of an asset; removed with it.
    pub fn asset(&self, asset: AssetId) -> PathBuf {
        self.assets().join(asset.to_string())
    }

    /// An asset's file, where media lie in the data folder: of uploads in chunks, each chunk is written into its place in
    /// it. Elsewhere what is fetched or put together of it until it is whole.
    pub fn asset_file(&self, asset: AssetId) -> PathBuf {
        self.0.join(MediaKey::Asset(asset).path())
    }

    /// How far the fetch of an asset has come.
    pub fn asset_fetch_state(&self, asset: AssetId) -> PathBuf {
        self.asset(asset).join("fetch.json")
    }

    /// Where all embedding tasks have their folders.
    pub fn embeddings(&self) -> PathBuf {
        self.0.join(MediaKind::EmbedTasks.path())
    }

    /// The folder of an embedding task. Removed when the task is final.
    pub fn embed_task(&self, task: EmbedTaskId) -> PathBuf {
        self.embeddings().join(task.to_string())
    }

    /// A video that a client uploaded to be embedded.
    pub fn embed_upload(&self, task: EmbedTaskId) -> PathBuf {
        self.0.join(MediaKey::EmbedUpload(task).path())
    }

    /// A video that is fetched to be embedded, or was.
    pub fn embed_fetched(&self, task: EmbedTaskId) -> PathBuf {
        self.embed_task(task).join("fetched")
    }

    /// Where all streams lie. They can be lost without losing a video, but are not made again.
    pub fn media(&self) -> PathBuf {
        self.0.join(MediaKind::Streams.path())
    }

    /// The folder of a video's stream, where media lie in the data folder. Removed with the video.
    pub fn stream(&self, video: VideoId) -> PathBuf {
        self.0.join(MediaFolder::Stream(video).path())
    }

    /// The stream of a task's video while it is made.
    pub fn staged_stream(&self, task: TaskId) -> PathBuf {
        self.task(task).join("stream")
    }

    /// Uploads that belong to no task yet; emptied at start.
    pub fn incoming(&self) -> PathBuf {
        self.0.join("incoming")
    }
}
