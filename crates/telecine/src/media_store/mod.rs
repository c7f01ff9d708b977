//! Files that all hosts must see: streams, assets, uploads. A folder (the data folder of a server that is alone, or one that
//! all hosts have mounted) or a bucket. What only one worker touches while it works never comes here. Knows neither rows
//! nor what a file is for.

mod folder;
mod key;
mod moving;
mod object;
mod open;

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use tokio::io::AsyncWriteExt as _;

pub use folder::FolderMedia;
pub use key::{MediaFolder, MediaKey, MediaKind};
pub use moving::{Copied, copy_all};
pub use object::ObjectMedia;
pub use open::open;

use crate::fault::{Code, Error, Fault, Result};
use crate::ids::TaskId;
use crate::time::{Clock as _, SystemClock, Timestamp};

/// The bytes of a file as they come.
pub type MediaStream = BoxStream<'static, std::io::Result<Bytes>>;

/// A file that lies in a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The name of its folder among those of its kind; not all are ids.
    pub folder: String,
    /// When it was last written.
    pub modified: Timestamp,
}

/// Where files lie that all hosts must see. A store that is away, or refuses, is told as `service_unavailable`: it may
/// pass, and is nobody's fault who asks.
#[async_trait]
pub trait MediaStore: Send + Sync + fmt::Debug {
    /// Takes over a file of this host: whole or not at all, in place of what is there. When this returns, it is durable
    /// and the host's file gone; when it fails, that is where it was.
    async fn put(&self, key: &MediaKey, from: &Path) -> Result<()>;
    /// Has what lies at one place lie at another as well; whether there was something. Durable when this returns.
    async fn copy(&self, from: &MediaKey, to: &MediaKey) -> Result<bool>;
    /// Bytes of a file; none when there is none.
    async fn size(&self, key: &MediaKey) -> Result<Option<u64>>;
    /// A range of a file that is there and has it, in memory of a few MiB. An error on the way ends the stream.
    async fn read(&self, key: &MediaKey, range: Range<u64>) -> Result<MediaStream>;
    /// Removes a folder with all that lies in it, if there is one.
    async fn remove(&self, folder: MediaFolder) -> Result<()>;
    /// All files in folders of a kind, in no order; of a folder at least one.
    fn list(&self, kind: MediaKind) -> BoxStream<'static, Result<Listed>>;
    /// The file on this host, when the store is a folder here; it may not be there.
    fn local(&self, key: &MediaKey) -> Option<PathBuf>;
    /// The same, when nobody but this process writes to the store: then it may be written where it lies.
    fn own(&self, key: &MediaKey) -> Option<PathBuf>;
    /// Whether nobody but this process writes to it.
    fn is_alone(&self) -> bool {
        false
    }
    /// Where it is, for operators.
    fn place(&self) -> String;
}

/// The file as one of this host: where it lies, if it lies on this host, else brought to `aside`, whose folder must be
/// there. None when there is none.
///
/// # Errors
/// When the store or this host's disk fails.
pub async fn bring(store: &dyn MediaStore, key: &MediaKey, aside: &Path) -> Result<Option<PathBuf>> {
    let Some(size) = store.size(key).await? else { return Ok(None) };
    if let Some(path) = store.local(key) {
        return Ok(Some(path));
    }
    let mut bytes = store.read(key, 0..size).await?;
    let file = tokio::fs::File::create(aside).await.context("make a file")?;
    let mut file = tokio::io::BufWriter::with_capacity(1 << 20, file);
    let mut written = 0;
    while let Some(chunk) = bytes.next().await {
        let chunk = chunk.map_err(|error| broke_off(store, key, &error))?;
        written += chunk.len() as u64;
        file.write_all(&chunk).await.context("write a file")?;
    }
    file.flush().await.context("write a file")?;
    if written != size {
        return Err(broke_off(store, key, &format!("{written} of {size} bytes came")));
    }
    Ok(Some(aside.to_owned()))
}

/// Writes a small file, reads it and removes it: whether the store lets this host do what servers do. `aside` is a folder
/// in which a file can be made.
///
/// # Errors
/// When the store does not.
pub async fn probe(store: &dyn MediaStore, aside: &Path) -> Result<()> {
    const TEXT: &[u8] = b"Written by telecine doctor; may be removed.";
    let task = TaskId::generate(SystemClock.now());
    let (key, file) = (MediaKey::Upload(task), aside.join(format!(".telecine-probe-{task}")));
    tokio::fs::write(&file, TEXT).await.context("make a file")?;
    let stored = store.put(&key, &file).await;
    let _ = tokio::fs::remove_file(&file).await;
    stored?;
    let read = read_all(store, &key).await;
    store.remove(MediaFolder::Task(task)).await?;
    match read? {
        Some(bytes) if bytes == TEXT => Ok(()),
        other => {
            Err(anyhow::anyhow!("wrote {} bytes and read {:?}", TEXT.len(), other.map(|bytes| bytes.len()))
                .into())
        }
    }
}

/// The whole of a small file; none when there is none.
///
/// # Errors
/// When the store fails.
pub async fn read_all(store: &dyn MediaStore, key: &MediaKey) -> Result<Option<Vec<u8>>> {
    let Some(size) = store.size(key).await? else { return Ok(None) };
    let mut bytes = store.read(key, 0..size).await?;
    let mut whole = Vec::new();
    while let Some(chunk) = bytes.next().await {
        whole.extend_from_slice(&chunk.map_err(|error| broke_off(store, key, &error))?);
    }
    Ok(Some(whole))
}

fn broke_off(store: &dyn MediaStore, key: &MediaKey, error: &dyn fmt::Display) -> Error {
    away(&format!("{}{}", store.place(), key.path()), error)
}

/// What is told when a store fails; operators find more in the log.
fn away(place: &str, error: &dyn fmt::Display) -> Error {
    tracing::warn!(place, error = %error, "the store of media failed");
    Fault::because(Code::ServiceUnavailable, "The store of media does not answer as it should.").into()
}
