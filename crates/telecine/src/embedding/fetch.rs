//! The video of a task onto this machine's disk: an upload lies in the media store, a link is read through the guarded client.

use std::path::PathBuf;

use anyhow::Context as _;
use futures::StreamExt as _;
use tokio::io::AsyncWriteExt as _;

use super::{EmbedSource, EmbedTask};
use crate::app::App;
use crate::fault::{Code, Error, Fault};
use crate::index::check_size;
use crate::media_store::{self, MediaKey};
use crate::source::SourceError;
use crate::source::http::Links;

/// Why an attempt ended early.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The user can mend it.
    Fault(Fault),
    /// It may pass by itself; the fault is told if it does not.
    Passing(Fault),
    /// Ours.
    Internal(anyhow::Error),
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<anyhow::Error> for Trouble {
    fn from(error: anyhow::Error) -> Self {
        Self::Internal(error)
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        match error {
            Error::Fault(fault) if fault.code == Code::ServiceUnavailable => Self::Passing(*fault),
            Error::Fault(fault) => Self::Fault(*fault),
            Error::Internal(error) => Self::Internal(error),
        }
    }
}

impl From<SourceError> for Trouble {
    fn from(error: SourceError) -> Self {
        let value = format!("{}: {}", error.address, error.detail);
        if error.kind.is_transient() {
            Self::Passing(Fault::new(Code::SourceUnavailable).value(value))
        } else {
            Self::Fault(Fault::new(Code::VideoUrlNotAccessible).value(value))
        }
    }
}

/// Where the file lies, whole.
pub(super) async fn fetch(app: &App, task: &EmbedTask) -> Result<PathBuf, Trouble> {
    let EmbedSource::Url { url } = &task.source else {
        let aside = app.files.embed_fetched(task.id);
        tokio::fs::create_dir_all(app.files.embed_task(task.id)).await.context("make a task's folder")?;
        let upload = MediaKey::EmbedUpload(task.id);
        if let Some(path) = media_store::bring(&*app.media_store, &upload, &aside).await? {
            return Ok(path);
        }
        let fault = Fault::because(Code::ObjectNotExists, "The uploaded file is no longer here.");
        return Err(fault.remedy("Upload it again.").into());
    };
    let source = Links::new(&app.config.urls)?.open(url).await?;
    let info = source.head("").await?;
    check_size(info.size_bytes)?;
    let path = app.files.embed_fetched(task.id);
    tokio::fs::create_dir_all(app.files.embed_task(task.id)).await.context("make a task's folder")?;
    let file = tokio::fs::File::create(&path).await.context("make a file")?;
    let mut file = tokio::io::BufWriter::with_capacity(1 << 20, file);
    let etag = (!info.etag.is_empty()).then_some(info.etag.as_str());
    let mut bytes = source.read("", etag, 0..info.size_bytes).await?;
    let mut written = 0;
    while let Some(chunk) = bytes.next().await {
        let chunk = chunk?;
        written += chunk.len() as u64;
        check_size(written)?;
        file.write_all(&chunk).await.context("write a file")?;
    }
    file.flush().await.context("write a file")?;
    Ok(path)
}
