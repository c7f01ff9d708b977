//! A folder of this machine as a source. Names below it are opened one by one without following links, so that nothing
//! outside of it can be reached, whatever is renamed meanwhile.

use std::fs::File;
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use rustix::fs::{Mode, OFlags};

use super::{ByteStream, ObjectInfo, Page, Source, SourceError, SourceErrorKind};
use crate::time::Timestamp;

/// Bytes that are read at once.
const CHUNK_BYTES: usize = 256 << 10;

/// A folder. Keys are the relative paths of its regular files; links and names that are not UTF-8 are left out.
#[derive(Debug, Clone)]
pub struct FolderSource {
    root: Arc<OwnedFd>,
    name: String,
}

impl FolderSource {
    /// Opens a folder that lies below (or is) one of the roots, under a name for addresses.
    ///
    /// # Errors
    /// `Denied` outside of the roots, `NotFound` where there is no folder.
    pub fn open(name: &str, path: &Path, roots: &[PathBuf]) -> Result<Self, SourceError> {
        let fail =
            |kind, detail| SourceError { kind, operation: "OPEN", address: address_of(name, ""), detail };
        let real = path.canonicalize().map_err(|e| fail(kind_of(&e), format!("{}: {e}", path.display())))?;
        let is_allowed =
            roots.iter().filter_map(|root| root.canonicalize().ok()).any(|r| real.starts_with(r));
        if !is_allowed {
            let detail = format!("{} is not below a folder that this server may read", path.display());
            return Err(fail(SourceErrorKind::Denied, detail));
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let root = rustix::fs::open(&real, flags, Mode::empty())
            .map_err(|e| fail(kind_of(&e.into()), format!("{}: {e}", path.display())))?;
        Ok(Self { root: Arc::new(root), name: name.to_owned() })
    }

    fn failure(&self, operation: &'static str, key: &str, error: &std::io::Error) -> SourceError {
        let address = self.address(key);
        SourceError { kind: kind_of(error), operation, address, detail: error.to_string() }
    }

    /// Runs on a thread where waiting for a disk holds up nobody.
    async fn blocking<T: Send + 'static>(
        &self,
        operation: &'static str,
        key: &str,
        work: impl FnOnce(&Self) -> std::io::Result<T> + Send + 'static,
    ) -> Result<T, SourceError> {
        let this = self.clone();
        let done = tokio::task::spawn_blocking(move || work(&this)).await;
        let done = done.unwrap_or_else(|panicked| Err(std::io::Error::other(panicked)));
        done.map_err(|error| self.failure(operation, key, &error))
    }

    fn open_file(&self, key: &str) -> std::io::Result<File> {
        let not_found = || std::io::Error::from(std::io::ErrorKind::NotFound);
        let names: Vec<&str> = key.split('/').collect();
        if names.iter().any(|name| matches!(*name, "" | "." | "..")) || key.contains('\0') {
            return Err(not_found());
        }
        let (last, parents) = names.split_last().ok_or_else(not_found)?;
        let mut folder = None::<OwnedFd>;
        for name in parents {
            folder = Some(open_folder(folder.as_ref().unwrap_or(&self.root), name)?);
        }
        // Without NONBLOCK, opening a pipe would wait for a writer.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let folder = folder.as_ref().unwrap_or(&self.root);
        let file = File::from(rustix::fs::openat(folder, *last, flags, Mode::empty()).map_err(link_is_none)?);
        if !file.metadata()?.is_file() {
            return Err(not_found());
        }
        Ok(file)
    }

    /// The files whose keys begin with `prefix` and come after `after`, in order of their bytes.
    fn walk(&self, prefix: &str, after: Option<&str>, limit: usize) -> std::io::Result<Vec<ObjectInfo>> {
        let mut walk = Walk { prefix, after, limit, found: Vec::new() };
        walk.folder(&rustix::fs::openat(&*self.root, ".", FOLDER, Mode::empty())?, "")?;
        // A folder that was removed looks empty to whoever still holds it open: its files would be told as gone.
        match rustix::fs::fstat(&*self.root)?.st_nlink {
            0 => Err(std::io::ErrorKind::NotFound.into()),
            _ => Ok(walk.found),
        }
    }
}

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

fn open_folder(parent: &OwnedFd, name: &str) -> std::io::Result<OwnedFd> {
    rustix::fs::openat(parent, name, FOLDER, Mode::empty()).map_err(link_is_none)
}

/// A link is not followed: it is as if it were not there.
fn link_is_none(error: rustix::io::Errno) -> std::io::Error {
    match error {
        rustix::io::Errno::LOOP | rustix::io::Errno::NOTDIR | rustix::io::Errno::NXIO => {
            std::io::ErrorKind::NotFound.into()
        }
        other => other.into(),
    }
}

fn kind_of(error: &std::io::Error) -> SourceErrorKind {
    match error.kind() {
        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => SourceErrorKind::NotFound,
        std::io::ErrorKind::PermissionDenied => SourceErrorKind::Denied,
        _ => SourceErrorKind::Unavailable,
    }
}

fn address_of(name: &str, key: &str) -> String {
    format!("folder://{name}/{key}")
}

/// A walk in the order of keys, which is that of names with a slash behind those of folders.
struct Walk<'a> {
    prefix: &'a str,
    after: Option<&'a str>,
    limit: usize,
    found: Vec<ObjectInfo>,
}

impl Walk<'_> {
    fn folder(&mut self, folder: &OwnedFd, path: &str) -> std::io::Result<()> {
        for key in self.entries(folder, path)? {
            if self.found.len() >= self.limit {
                return Ok(());
            }
            let name = key[path.len()..].trim_end_matches('/');
            if key.ends_with('/') {
                match open_folder(folder, name) {
                    Ok(inner) => self.folder(&inner, &key)?,
                    Err(error) => skip(&key, &error)?,
                }
            } else {
                match describe(folder, name) {
                    Ok(file) => self.found.extend(file.map(|meta| info(key, &meta))),
                    Err(error) => skip(&key, &error)?,
                }
            }
        }
        Ok(())
    }

    /// Keys of the files and folders here that may hold something that is asked for; folders end with a slash.
    fn entries(&self, folder: &OwnedFd, path: &str) -> std::io::Result<Vec<String>> {
        let mut keys = Vec::new();
        for entry in rustix::fs::Dir::read_from(folder)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().to_str() else {
                tracing::warn!(folder = path, name = ?entry.file_name(), "a name that is not UTF-8 is left out");
                continue;
            };
            if matches!(name, "." | "..") {
                continue;
            }
            let kind = match entry.file_type() {
                rustix::fs::FileType::Unknown => file_type(folder, name)?,
                known => known,
            };
            let key = match kind {
                rustix::fs::FileType::Directory => format!("{path}{name}/"),
                rustix::fs::FileType::RegularFile => format!("{path}{name}"),
                _ => continue,
            };
            let may_begin =
                key.starts_with(self.prefix) || (key.ends_with('/') && self.prefix.starts_with(&key));
            let may_follow = self
                .after
                .is_none_or(|after| key.as_str() > after || (key.ends_with('/') && after.starts_with(&key)));
            if may_begin && may_follow {
                keys.push(key);
            }
        }
        keys.sort_unstable();
        Ok(keys)
    }
}

fn file_type(folder: &OwnedFd, name: &str) -> std::io::Result<rustix::fs::FileType> {
    let stat = rustix::fs::statat(folder, name, rustix::fs::AtFlags::SYMLINK_NOFOLLOW)?;
    Ok(rustix::fs::FileType::from_raw_mode(stat.st_mode))
}

/// Goes on where something went away, or may not be seen, while the folder was listed.
fn skip(key: &str, error: &std::io::Error) -> std::io::Result<()> {
    match kind_of(error) {
        SourceErrorKind::NotFound => Ok(()),
        SourceErrorKind::Denied => {
            tracing::warn!(key, "a file or folder that may not be read is left out");
            Ok(())
        }
        _ => Err(std::io::Error::new(error.kind(), format!("{key}: {error}"))),
    }
}

/// What is known of a regular file here; nothing when it is another kind of thing by now.
fn describe(folder: &OwnedFd, name: &str) -> std::io::Result<Option<std::fs::Metadata>> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::openat(folder, name, flags, Mode::empty())?);
    let meta = file.metadata()?;
    Ok(meta.is_file().then_some(meta))
}

fn info(key: String, meta: &std::fs::Metadata) -> ObjectInfo {
    ObjectInfo {
        key,
        size_bytes: meta.len(),
        etag: etag(meta),
        modified_at: Some(Timestamp::from_millis(
            meta.mtime().saturating_mul(1000).saturating_add(meta.mtime_nsec() / 1_000_000),
        )),
        storage_class: String::new(),
        is_archived: false,
    }
}

/// What changes when the content does: device, inode, size, time of the last write.
fn etag(meta: &std::fs::Metadata) -> String {
    format!("{:x}-{:x}-{:x}-{:x}.{:x}", meta.dev(), meta.ino(), meta.len(), meta.mtime(), meta.mtime_nsec())
}

#[async_trait]
impl Source for FolderSource {
    fn address(&self, key: &str) -> String {
        address_of(&self.name, key)
    }

    /// Pages end with their last key.
    async fn list(&self, prefix: &str, from: Option<&str>, limit: u32) -> Result<Page, SourceError> {
        let limit = limit.clamp(1, 1000) as usize;
        let (wanted, after) = (prefix.to_owned(), from.map(str::to_owned));
        // One more than asked for tells whether there are more.
        let work = move |this: &Self| this.walk(&wanted, after.as_deref(), limit + 1);
        let mut objects = self.blocking("LIST", prefix, work).await?;
        let has_more = objects.len() > limit;
        objects.truncate(limit);
        let next = objects.last().filter(|_| has_more).map(|last| last.key.clone());
        Ok(Page { objects, next })
    }

    fn lists_from_any_key(&self) -> bool {
        true
    }

    async fn list_after(&self, prefix: &str, after: &str, limit: u32) -> Result<Page, SourceError> {
        self.list(prefix, Some(after), limit).await
    }

    async fn head(&self, key: &str) -> Result<ObjectInfo, SourceError> {
        let wanted = key.to_owned();
        let work = move |this: &Self| {
            let meta = this.open_file(&wanted)?.metadata()?;
            Ok(info(wanted, &meta))
        };
        self.blocking("HEAD", key, work).await
    }

    async fn read(
        &self,
        key: &str,
        etag: Option<&str>,
        range: Range<u64>,
    ) -> Result<ByteStream, SourceError> {
        if range.is_empty() {
            return Ok(futures::stream::empty().boxed());
        }
        let wanted = key.to_owned();
        let opened = self.blocking("GET", key, move |this| {
            let file = this.open_file(&wanted)?;
            let meta = file.metadata()?;
            Ok((file, self::etag(&meta), meta.len()))
        });
        let (file, version, size) = opened.await?;
        let changed = |detail: &str| SourceError {
            kind: SourceErrorKind::Changed,
            operation: "GET",
            address: self.address(key),
            detail: detail.to_owned(),
        };
        if etag.is_some_and(|etag| !etag.is_empty() && etag != version) {
            return Err(changed("another version than asked for lies there now"));
        }
        if range.end > size {
            return Err(changed(&format!("asked for bytes {range:?}, the file ends at {size}")));
        }
        let reading =
            Reading { source: self.clone(), key: key.to_owned(), file: Arc::new(file), version, range };
        Ok(futures::stream::try_unfold(reading, Reading::step).boxed())
    }
}

/// A file on its way.
struct Reading {
    source: FolderSource,
    key: String,
    file: Arc<File>,
    version: String,
    /// What is still to come.
    range: Range<u64>,
}

impl Reading {
    async fn step(mut self) -> Result<Option<(Bytes, Self)>, SourceError> {
        if self.range.is_empty() {
            return Ok(None);
        }
        let (file, start) = (self.file.clone(), self.range.start);
        let length = usize::try_from(self.range.end - start).unwrap_or(usize::MAX).min(CHUNK_BYTES);
        let work = move |_: &FolderSource| {
            let mut bytes = vec![0; length];
            let read = file.read_exact_at(&mut bytes, start);
            // The version is asked for after the bytes: they are of the version that is there until then.
            Ok((read.map(|()| bytes), etag(&file.metadata()?)))
        };
        let (bytes, version) = self.source.blocking("GET", &self.key, work).await?;
        if version != self.version {
            let (kind, address) = (SourceErrorKind::Changed, self.source.address(&self.key));
            let detail = "the file changed while it was read".to_owned();
            return Err(SourceError { kind, operation: "GET", address, detail });
        }
        let bytes = bytes.map_err(|error| self.source.failure("GET", &self.key, &error))?;
        self.range.start += bytes.len() as u64;
        Ok(Some((bytes.into(), self)))
    }
}
