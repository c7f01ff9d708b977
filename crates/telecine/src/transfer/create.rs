//! Single tasks: an uploaded file or a direct link. An upload lies in the media store under the task's name
//! before the task is stored; a crash between the two leaves files without a task, which are removed later.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Map, Value};
use url::Url;

use super::check::check_language;
use super::manifest::cut;
use super::{NewTask, TaskSource, Transcription};
use crate::app::App;
use crate::fault::{Code, Fault, Result};
use crate::ids::{AssetId, IndexId, TaskId, WorkspaceId};
use crate::index::check_size;
use crate::media_store::{MediaFolder, MediaKey, MediaStore};
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
        /// In [`crate::files::DataDir::incoming`].
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
        /// Its name.
        filename: String,
        /// Bytes.
        size_bytes: u64,
    },
}

/// Where the captions of a single task are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TranscriptionInput {
    /// Uploaded, in [`crate::files::DataDir::incoming`].
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
        media: app.media_store.clone(),
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
    pub media: Arc<dyn MediaStore>,
    /// What can be heard.
    pub languages: Vec<String>,
}

impl std::fmt::Debug for TaskDesk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TaskDesk").field("media", &self.media).finish_non_exhaustive()
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
        let mut asset = None;
        let (mut files, mut copied) = (Vec::new(), None);
        let source = match video {
            VideoInput::File { path, filename } => {
                check_size(tokio::fs::metadata(&path).await.map_err(anyhow::Error::from)?.len())?;
                files.push((path, MediaKey::Upload(id)));
                TaskSource::Upload { filename: shown_name(&filename) }
            }
            VideoInput::Asset { id, filename, size_bytes } => {
                check_size(size_bytes)?;
                copied = Some(MediaKey::Asset(id));
                asset = Some(id);
                TaskSource::Upload { filename: shown_name(&filename) }
            }
            VideoInput::Url(url) => TaskSource::Url { url: direct_link("video_url", &url)? },
        };
        let transcription = match transcription {
            Some(TranscriptionInput::File(path)) => {
                files.push((path, MediaKey::Transcription(id)));
                Some(Transcription::Upload)
            }
            Some(TranscriptionInput::Url(url)) => {
                Some(Transcription::Url { url: direct_link("transcription_url", &url)? })
            }
            None => None,
        };
        let has_files = copied.is_some() || !files.is_empty();
        if let Err(error) = take_over(&*self.media, copied, MediaKey::Upload(id), &files).await {
            let _ = self.media.remove(MediaFolder::Task(id)).await;
            return Err(error);
        }
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
        if has_files && !matches!(stored, Ok(stored) if stored == id) {
            // The files have no task; were they to stay, they would be removed later.
            let _ = self.media.remove(MediaFolder::Task(id)).await;
        }
        self.queue.wake();
        stored
    }
}

/// Takes over what was uploaded, and gives what stays where it is, an asset's file, another name as well.
///
/// # Errors
/// `resource_not_exists` where the asset's file is gone.
pub(crate) async fn take_over(
    media: &dyn MediaStore,
    copied: Option<MediaKey>,
    copy: MediaKey,
    files: &[(PathBuf, MediaKey)],
) -> Result<()> {
    if let Some(from) = copied
        && !media.copy(&from, &copy).await?
    {
        let fault = Fault::because(Code::ResourceNotExists, "The asset's file is no longer there.");
        return Err(fault.remedy("Bring the file here anew.").into());
    }
    for (path, key) in files {
        media.put(key, path).await?;
    }
    Ok(())
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
