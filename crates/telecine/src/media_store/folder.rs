//! Media in a folder: files lie where they are used, so nothing is copied. Names are on disk when a call returns.

use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use async_trait::async_trait;
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio_util::io::ReaderStream;

use super::{Listed, MediaFolder, MediaKey, MediaKind, MediaStore, MediaStream};
use crate::fault::Result;
use crate::time::Timestamp;

/// Bytes that are read at once.
const PIECE: usize = 64 << 10;

/// Media below a folder of this host.
#[derive(Debug, Clone)]
pub struct FolderMedia {
    root: PathBuf,
    is_alone: bool,
}

impl FolderMedia {
    /// In a folder that nobody but this process writes to.
    pub fn alone(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), is_alone: true }
    }

    /// In a folder that other processes may write to as well.
    pub fn shared(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), is_alone: false }
    }

    fn path(&self, key: &MediaKey) -> PathBuf {
        self.root.join(key.path())
    }
}

#[async_trait]
impl MediaStore for FolderMedia {
    async fn put(&self, key: &MediaKey, from: &Path) -> Result<()> {
        let (from, to) = (from.to_owned(), self.path(key));
        blocking(move || put(&from, &to)).await
    }

    async fn copy(&self, from: &MediaKey, to: &MediaKey) -> Result<bool> {
        let (from, to) = (self.path(from), self.path(to));
        blocking(move || match copy(&from, &to) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            done => done.map(|()| true),
        })
        .await
    }

    async fn size(&self, key: &MediaKey) -> Result<Option<u64>> {
        match tokio::fs::metadata(self.path(key)).await {
            Ok(found) => Ok(Some(found.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(anyhow::Error::new(error).context("looking at a file").into()),
        }
    }

    async fn read(&self, key: &MediaKey, range: Range<u64>) -> Result<MediaStream> {
        let mut file = tokio::fs::File::open(self.path(key)).await.context("opening a file")?;
        file.seek(io::SeekFrom::Start(range.start)).await.context("reading a file")?;
        let part = file.take(range.end - range.start);
        Ok(ReaderStream::with_capacity(part, PIECE).boxed())
    }

    async fn remove(&self, folder: MediaFolder) -> Result<()> {
        let folder = self.root.join(folder.path());
        blocking(move || match fs::remove_dir_all(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            done => done,
        })
        .await
    }

    fn list(&self, kind: MediaKind) -> BoxStream<'static, Result<Listed>> {
        let folder = self.root.join(kind.path());
        let listed = async move {
            match blocking(move || list(&folder)).await {
                Ok(all) => stream::iter(all).map(Ok).left_stream(),
                Err(error) => stream::iter([Err(error)]).right_stream(),
            }
        };
        stream::once(listed).flatten().boxed()
    }

    fn local(&self, key: &MediaKey) -> Option<PathBuf> {
        Some(self.path(key))
    }

    fn own(&self, key: &MediaKey) -> Option<PathBuf> {
        self.is_alone.then(|| self.path(key))
    }

    fn is_alone(&self) -> bool {
        self.is_alone
    }

    fn place(&self) -> String {
        format!("{}/", self.root.display())
    }
}

fn put(from: &Path, to: &Path) -> io::Result<()> {
    File::open(from)?.sync_all()?;
    if from != to {
        make_folder_of(to)?;
        match fs::rename(from, to) {
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
                copy_aside(from, to)?;
                fs::remove_file(from)?;
            }
            done => done?,
        }
    }
    sync_names(to)
}

/// A second name where the file system has such, else a second file.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    File::open(from)?.sync_all()?;
    make_folder_of(to)?;
    match fs::hard_link(from, to) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(error),
        Err(_) => copy_aside(from, to)?,
    }
    sync_names(to)
}

fn copy_aside(from: &Path, to: &Path) -> io::Result<()> {
    let folder = to.parent().unwrap_or(Path::new("/"));
    let aside = tempfile::Builder::new().prefix(".new-").tempfile_in(folder)?;
    let (mut source, mut sink) = (File::open(from)?, aside.as_file());
    io::copy(&mut source, &mut sink)?;
    aside.as_file().sync_all()?;
    aside.persist(to).map_err(|error| error.error)?;
    Ok(())
}

fn make_folder_of(file: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    let Some(folder) = file.parent() else { return Ok(()) };
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// The file's name in its folder, and the folder's in its own.
fn sync_names(file: &Path) -> io::Result<()> {
    for folder in file.ancestors().skip(1).take(2) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

fn list(folder: &Path) -> io::Result<Vec<Listed>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        // It may have been removed since.
        let Ok(modified) = entry.metadata().and_then(|meta| meta.modified()) else { continue };
        let millis = modified.duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_millis();
        let modified = Timestamp::from_millis(i64::try_from(millis).unwrap_or(i64::MAX));
        found.extend(entry.file_name().into_string().ok().map(|folder| Listed { folder, modified }));
    }
    Ok(found)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await.context("work on files was cut short")?;
    Ok(done.context("keeping a file")?)
}
