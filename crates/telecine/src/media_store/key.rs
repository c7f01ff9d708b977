//! The name of everything that a media store holds: the one place that knows them, in a folder and in a bucket alike.

use crate::files::{PLAYLIST_FILE, STREAM_FILE};
use crate::ids::{AssetId, EmbedTaskId, TaskId, VideoId};

/// A file that other processes than the one that made it may need.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum MediaKey {
    /// What players ask for first.
    Playlist(VideoId),
    /// What a playlist names.
    Stream(VideoId),
    /// An asset's file.
    Asset(AssetId),
    /// A chunk of an asset's file, until they are all here: its number, and what tells its bytes from others.
    Chunk(AssetId, u64, String),
    /// A video that a client uploaded to be indexed.
    Upload(TaskId),
    /// The captions that came with it.
    Transcription(TaskId),
    /// A video that a client uploaded to be embedded.
    EmbedUpload(EmbedTaskId),
}

/// All files of one thing; removed together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MediaFolder {
    /// A video's stream.
    Stream(VideoId),
    /// An asset, with its chunks.
    Asset(AssetId),
    /// Only the chunks of an asset.
    Chunks(AssetId),
    /// What was uploaded for a task.
    Task(TaskId),
    /// What was uploaded to be embedded.
    EmbedTask(EmbedTaskId),
}

/// What folders there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MediaKind {
    /// Of videos' streams.
    Streams,
    /// Of assets.
    Assets,
    /// Of tasks' uploads.
    Tasks,
    /// Of uploads to be embedded.
    EmbedTasks,
}

impl MediaKey {
    /// Where it lies, from the root.
    pub fn path(&self) -> String {
        let (folder, name) = match self {
            Self::Playlist(video) => (MediaFolder::Stream(*video), PLAYLIST_FILE),
            Self::Stream(video) => (MediaFolder::Stream(*video), STREAM_FILE),
            Self::Asset(asset) => (MediaFolder::Asset(*asset), "file"),
            Self::Chunk(asset, number, mark) => {
                return format!("{}/{number:05}-{mark}", MediaFolder::Chunks(*asset).path());
            }
            Self::Upload(task) => (MediaFolder::Task(*task), "upload"),
            Self::Transcription(task) => (MediaFolder::Task(*task), "transcription"),
            Self::EmbedUpload(task) => (MediaFolder::EmbedTask(*task), "upload"),
        };
        format!("{}/{name}", folder.path())
    }

    /// What it is, for those who look into the bucket.
    pub fn content_type(&self) -> &'static str {
        match self {
            Self::Playlist(_) => "application/vnd.apple.mpegurl",
            Self::Stream(_) => "video/mp4",
            _ => "application/octet-stream",
        }
    }
}

impl MediaFolder {
    /// Where it lies, from the root.
    pub fn path(&self) -> String {
        match self {
            Self::Stream(video) => format!("{}/{video}", MediaKind::Streams.path()),
            Self::Asset(asset) => format!("{}/{asset}", MediaKind::Assets.path()),
            Self::Chunks(asset) => format!("{}/chunks", Self::Asset(*asset).path()),
            Self::Task(task) => format!("{}/{task}", MediaKind::Tasks.path()),
            Self::EmbedTask(task) => format!("{}/{task}", MediaKind::EmbedTasks.path()),
        }
    }
}

impl MediaKind {
    /// Where its folders lie, from the root.
    pub fn path(self) -> &'static str {
        match self {
            Self::Streams => "media",
            Self::Assets => "assets",
            Self::Tasks => "work",
            Self::EmbedTasks => "embeddings",
        }
    }
}
