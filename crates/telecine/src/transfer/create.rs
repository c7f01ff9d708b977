//! Single tasks: an uploaded file or a direct link. An upload is moved under the task's name and on disk before the task
//! is stored; a crash between the two leaves a folder without a task, which the runner removes.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value};
use url::Url;

use super::check::check_language;
use super::manifest::cut;
use super::{NewTask, TaskSource, Transcription};
use crate::app::App;
use crate::fault::{Code, Fault, Result};
use crate::files::DataDir;
use crate::ids::{AssetId, IndexId, TaskId, WorkspaceId};
use crate::index::check_size;
use crate::queue::Queue;
use crate::store::Store;
use crate::time::Clock;

/// What a single task is made of.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskRequest {
    /// The index to enter.
    pub index: IndexId,
    /// The video.
    pub video: VideoInput,
    /// Its captions.
    pub transcription: Option<TranscriptionInput>,
    /// BCP 47 tag of what is spoken.
    pub language: String,
    /// The user's own fields.
    pub user_metadata: Option<Map<String, Value>>,
    /// Whether no stream is kept of the video.
    pub without_stream: bool,
}

/// Where the video of a single task is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VideoInput {
    /// Uploaded.
    File {
        /// In [`DataDir::incoming`].
        path: PathBuf,
        /// Its name at the client.
        filename: String,
    },
    /// At a direct link.
    Url(String),
    /// An asset, whose file stays.
    Asset {
        /// The asset.
        id: AssetId,
        /// Its file.
        path: PathBuf,
        /// Its name.
        filename: String,
    },
}

/// Where the captions of a single task are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TranscriptionInput {
    /// Uploaded, in [`DataDir::incoming`].
    File(PathBuf),
    /// At a direct link.
    Url(String),
}

/// Makes a task. When it returns, task and upload are on disk. Uploads that were not taken stay where they are; the
/// caller removes them.
///
/// # Errors
/// `resource_not_exists`, `parameter_invalid`, `video_filesize_too_large`.
pub async fn create_task(app: &Arc<App>, workspace: WorkspaceId, request: TaskRequest) -> Result<TaskId> {
    let desk = TaskDesk {
        store: app.store.clone(),
        queue: app.queue.clone(),
        clock: app.clock.clone(),
        files: app.files.clone(),
        languages: app.engines.hear.languages(),
    };
    desk.create(workspace, request).await
}

/// What making a single task needs.
#[derive(Clone)]
pub struct TaskDesk {
    /// Where the task is stored.
    pub store: Arc<dyn Store>,
    /// Who is told of new work.
    pub queue: Arc<dyn Queue>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where uploads lie.
    pub files: DataDir,
    /// What can be heard.
    pub languages: Vec<String>,
}

impl std::fmt::Debug for TaskDesk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TaskDesk").field("files", &self.files).finish_non_exhaustive()
    }
}

impl TaskDesk {
    /// See [`create_task`].
    ///
    /// # Errors
    /// `resource_not_exists`, `parameter_invalid`, `video_filesize_too_large`.
    pub async fn create(&self, workspace: WorkspaceId, request: TaskRequest) -> Result<TaskId> {
        let TaskRequest { index, video, transcription, language, user_metadata, without_stream } = request;
        if self.store.index(workspace, index).await?.is_none() {
            return Err(Fault::new(Code::ResourceNotExists).value(format!("index {index}")).into());
        }
        check_language(&language, transcription.is_some(), &self.languages)?;
        let now = self.clock.now();
        let id = TaskId::generate(now);
        let mut uploads = Vec::new();
        let asset = match &video {
            VideoInput::Asset { id, .. } => Some(*id),
            VideoInput::File { .. } | VideoInput::Url(_) => None,
        };
        let source = match video {
            VideoInput::File { path, filename } | VideoInput::Asset { path, filename, .. } => {
                uploads.push((path, self.files.upload(id)));
                TaskSource::Upload { filename: shown_name(&filename) }
            }
            VideoInput::Url(url) => TaskSource::Url { url: direct_link("video_url", &url)? },
        };
        let transcription = match transcription {
            Some(TranscriptionInput::File(path)) => {
                uploads.push((path, self.files.uploaded_transcription(id)));
                Some(Transcription::Upload)
            }
            Some(TranscriptionInput::Url(url)) => {
                Some(Transcription::Url { url: direct_link("transcription_url", &url)? })
            }
            None => None,
        };
        if let TaskSource::Upload { .. } = source {
            let size = tokio::fs::metadata(&uploads[0].0).await.map_err(anyhow::Error::from)?.len();
            check_size(size)?;
        }
        let folder = self.files.task(id);
        let moving = folder.clone();
        let moved = tokio::task::spawn_blocking(move || keep(&uploads, &moving, asset.is_some())).await;
        moved.map_err(anyhow::Error::from)?.map_err(anyhow::Error::from)?;
        let task = NewTask {
            id,
            index,
            source,
            transcription,
            language,
            user_metadata,
            allows_duplicate: false,
            without_stream,
        };
        let stored = match asset {
            None => self.store.insert_task(workspace, &task, now).await.map(|()| id),
            Some(asset) => self.store.insert_asset_task(workspace, &task, asset, now).await,
        };
        if !matches!(stored, Ok(stored) if stored == id) {
            // The folder has no task; were it to stay, the next start would remove it.
            let _ = tokio::fs::remove_dir_all(folder).await;
        }
        self.queue.wake();
        stored
    }
}

/// Moves uploads into the task's folder, or gives what `stays` where it is a second name there, and has all of it on disk.
pub(crate) fn keep(uploads: &[(PathBuf, PathBuf)], folder: &Path, stays: bool) -> io::Result<()> {
    if uploads.is_empty() {
        return Ok(());
    }
    fs::create_dir_all(folder)?;
    for (from, to) in uploads {
        File::open(from)?.sync_all()?;
        if stays {
            // Some file systems know no second names.
            fs::hard_link(from, to)
                .or_else(|_| fs::copy(from, to).and_then(|_| File::open(to)?.sync_all()))?;
        } else {
            fs::rename(from, to)?;
        }
    }
    File::open(folder)?.sync_all()?;
    folder.parent().map_or(Ok(()), |work| File::open(work)?.sync_all())
}

/// The last part of a client's file name, without what cannot be shown.
pub(crate) fn shown_name(filename: &str) -> String {
    let last = filename.rsplit(['/', '\\']).next().unwrap_or_default();
    let shown: String = last.chars().filter(|c| !c.is_control()).take(255).collect();
    if shown.trim().is_empty() { "upload".to_owned() } else { shown }
}

/// A direct link, as far as can be told without asking for it.
pub(crate) fn direct_link(parameter: &str, text: &str) -> Result<String, Fault> {
    let refuse = || {
        Fault::parameter(format!("The parameter {parameter} is not a link."))
            .value(cut(text))
            .rule("a direct link to a file, over http or https")
    };
    let url = Url::parse(text.trim()).map_err(|_| refuse())?;
    let is_link = matches!(url.scheme(), "http" | "https") && url.has_host() && text.len() <= 8_192;
    is_link.then(|| text.trim().to_owned()).ok_or_else(refuse)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_shown_without_its_folders() {
        assert_eq!(shown_name("C:\\videos\\pier.mp4"), "pier.mp4");
        assert_eq!(shown_name("../../etc/pier\n.mp4"), "pier.mp4");
        assert_eq!(shown_name("über uns.mp4"), "über uns.mp4");
        assert_eq!(shown_name("a/"), "upload");
    }

    #[test]
    fn only_links_over_http_are_taken() {
        assert_eq!(
            direct_link("video_url", " https://h.test/a.mp4?x=1 ").unwrap(),
            "https://h.test/a.mp4?x=1"
        );
        for text in ["", "a.mp4", "file:///etc/passwd", "s3://b/k", "ftp://h.test/a.mp4", "http://"] {
            let fault = direct_link("video_url", text).unwrap_err();
            assert_eq!((fault.code, fault.value.as_deref()), (Code::ParameterInvalid, Some(text)));
            assert!(fault.message.contains("video_url"));
        }
    }
}
