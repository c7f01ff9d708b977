//! Media in a bucket: S3 and what speaks like it, Google Cloud Storage, Azure. Large files go in parts and come in pieces,
//! a few of which are in memory at once. A put is visible as a whole or not at all; what a crash leaves of parts is the
//! bucket's to expire.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::stream::{self, BoxStream};
use futures::{StreamExt as _, TryStreamExt as _};
use object_store::path::Path as ObjectPath;
use object_store::{
    Attribute, Attributes, MultipartUpload, ObjectStore, ObjectStoreExt as _, PutMultipartOptions,
    PutOptions, PutPayload,
};
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};

use super::{Listed, MediaFolder, MediaKey, MediaKind, MediaStore, MediaStream, away};
use crate::fault::Result;
use crate::time::Timestamp;

/// Bytes of a part, unless the settings say otherwise.
const PART_BYTES: u64 = 16 << 20;
/// Parts of a file: S3 takes 10,000.
const MOST_PARTS: u64 = 9_000;
/// Parts that are sent at once.
const PARTS_AT_ONCE: usize = 3;
/// Bytes that a store copies in one request; S3 takes 5 GiB.
const COPY_BYTES: u64 = 5 << 30;
/// Pieces in which a file comes: small ones first, so that players begin soon.
const FIRST_PIECE: u64 = 256 << 10;
const LARGEST_PIECE: u64 = 4 << 20;
/// Pieces that are asked for at once.
const PIECES_AT_ONCE: usize = 2;
/// Objects that are removed at once.
const REMOVED_AT_ONCE: usize = 8;

/// Media in a bucket.
pub struct ObjectMedia {
    store: Arc<dyn ObjectStore>,
    /// What all keys begin with: empty, or with a slash at its end.
    prefix: String,
    place: String,
    part_bytes: u64,
    copy_bytes: u64,
}

/// Where the parts of a file come from.
enum Parts<'a> {
    File(&'a mut File),
    Object(&'a ObjectPath),
}

impl fmt::Debug for ObjectMedia {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ObjectMedia").field(&self.place).finish()
    }
}

impl ObjectMedia {
    /// In this store below a prefix; the place is what operators are told, with a slash at its end.
    pub fn new(store: Arc<dyn ObjectStore>, prefix: &str, place: impl Into<String>) -> Self {
        let (prefix, place) = (prefix.to_owned(), place.into());
        Self { store, prefix, place, part_bytes: PART_BYTES, copy_bytes: COPY_BYTES }
    }

    /// With parts of another size.
    #[must_use]
    pub fn part_bytes(self, part_bytes: u64) -> Self {
        Self { part_bytes: part_bytes.max(1), ..self }
    }

    /// With files above another size copied in parts.
    #[must_use]
    pub fn copy_bytes(self, copy_bytes: u64) -> Self {
        Self { copy_bytes, ..self }
    }

    fn path(&self, path: &str) -> ObjectPath {
        ObjectPath::from(format!("{}{path}", self.prefix))
    }

    fn failed(&self, path: &ObjectPath, error: &object_store::Error) -> crate::fault::Error {
        away(&format!("{}{path}", self.place), error)
    }

    fn attributes(key: &MediaKey) -> Attributes {
        Attributes::from_iter([(Attribute::ContentType, key.content_type())])
    }

    fn part_of(&self, size: u64) -> u64 {
        self.part_bytes.max(size.div_ceil(MOST_PARTS))
    }

    /// Sends a file in parts, one read after the other.
    async fn put_parts(&self, key: &MediaKey, size: u64, mut from: Parts<'_>) -> Result<()> {
        let path = self.path(&key.path());
        let options = PutMultipartOptions { attributes: Self::attributes(key), ..Default::default() };
        let mut upload = self
            .store
            .put_multipart_opts(&path, options)
            .await
            .map_err(|error| self.failed(&path, &error))?;
        let sent = async {
            let mut in_flight = stream::FuturesUnordered::new();
            let step = self.part_of(size);
            let mut begin = 0;
            while begin < size {
                let end = size.min(begin + step);
                let bytes = self.part(&mut from, begin..end).await?;
                in_flight.push(upload.put_part(PutPayload::from_bytes(bytes)));
                if in_flight.len() >= PARTS_AT_ONCE {
                    in_flight.try_next().await.map_err(|error| self.failed(&path, &error))?;
                }
                begin = end;
            }
            in_flight.try_collect::<Vec<()>>().await.map_err(|error| self.failed(&path, &error))?;
            upload.complete().await.map_err(|error| self.failed(&path, &error))
        };
        match sent.await {
            Ok(_) => Ok(()),
            Err(error) => {
                give_up(upload, &path).await;
                Err(error)
            }
        }
    }

    async fn part(&self, from: &mut Parts<'_>, range: Range<u64>) -> Result<Bytes> {
        match from {
            Parts::File(file) => exactly(file, range).await,
            Parts::Object(path) => {
                self.store.get_range(path, range).await.map_err(|error| self.failed(path, &error))
            }
        }
    }

    /// What lies there now must be what was sent.
    async fn check(&self, key: &MediaKey, size: u64) -> Result<()> {
        match self.size(key).await? {
            Some(found) if found == size => Ok(()),
            found => {
                let what = format!("{found:?} bytes lie there, {size} were sent");
                Err(away(&format!("{}{}", self.place, key.path()), &what))
            }
        }
    }
}

/// Frees the parts; where that fails, the bucket's own rule does it.
async fn give_up(mut upload: Box<dyn MultipartUpload>, path: &ObjectPath) {
    if let Err(error) = upload.abort().await {
        tracing::info!(%path, %error, "parts of a file that was not sent are left to the bucket's lifecycle rule");
    }
}

#[async_trait]
impl MediaStore for ObjectMedia {
    async fn put(&self, key: &MediaKey, from: &Path) -> Result<()> {
        let mut file = File::open(from).await.context("opening a file")?;
        let size = file.metadata().await.context("looking at a file")?.len();
        if size <= self.part_bytes {
            let path = self.path(&key.path());
            let payload = PutPayload::from_bytes(exactly(&mut file, 0..size).await?);
            let options = PutOptions { attributes: Self::attributes(key), ..Default::default() };
            let put = self.store.put_opts(&path, payload, options).await;
            put.map_err(|error| self.failed(&path, &error))?;
        } else {
            self.put_parts(key, size, Parts::File(&mut file)).await?;
        }
        self.check(key, size).await?;
        tokio::fs::remove_file(from).await.context("removing a file that was sent")?;
        Ok(())
    }

    async fn copy(&self, from: &MediaKey, to: &MediaKey) -> Result<bool> {
        let Some(size) = self.size(from).await? else { return Ok(false) };
        let (source, target) = (self.path(&from.path()), self.path(&to.path()));
        if size <= self.copy_bytes {
            let copied = self.store.copy(&source, &target).await;
            copied.map_err(|error| self.failed(&source, &error))?;
        } else {
            self.put_parts(to, size, Parts::Object(&source)).await?;
        }
        self.check(to, size).await?;
        Ok(true)
    }

    async fn size(&self, key: &MediaKey) -> Result<Option<u64>> {
        let path = self.path(&key.path());
        match self.store.head(&path).await {
            Ok(found) => Ok(Some(found.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.failed(&path, &error)),
        }
    }

    async fn read(&self, key: &MediaKey, range: Range<u64>) -> Result<MediaStream> {
        let (store, path) = (Arc::clone(&self.store), self.path(&key.path()));
        let pieces = stream::iter(pieces(range)).map(move |piece| {
            let (store, path) = (Arc::clone(&store), path.clone());
            async move {
                let wanted = piece.end - piece.start;
                let bytes = store.get_range(&path, piece).await.map_err(std::io::Error::other)?;
                if bytes.len() as u64 == wanted {
                    return Ok(bytes);
                }
                let what = format!("{} of {wanted} bytes came", bytes.len());
                Err(std::io::Error::new(std::io::ErrorKind::UnexpectedEof, what))
            }
        });
        Ok(pieces.buffered(PIECES_AT_ONCE).boxed())
    }

    async fn remove(&self, folder: MediaFolder) -> Result<()> {
        let path = self.path(&folder.path());
        let removed = self.store.list(Some(&path)).map_ok(|found| found.location);
        let removed = removed.try_for_each_concurrent(REMOVED_AT_ONCE, |object| async move {
            match self.store.delete(&object).await {
                Err(object_store::Error::NotFound { .. }) => Ok(()),
                done => done,
            }
        });
        removed.await.map_err(|error| self.failed(&path, &error))
    }

    fn list(&self, kind: MediaKind) -> BoxStream<'static, Result<Listed>> {
        let (path, place) = (self.path(kind.path()), self.place.clone());
        let skipped = path.parts().count();
        let listed = self.store.list(Some(&path)).map(move |found| {
            let found = found.map_err(|error| away(&place, &error))?;
            let folder = found.location.parts().nth(skipped).map(|part| part.as_ref().to_owned());
            let modified = Timestamp::from_millis(found.last_modified.timestamp_millis());
            Ok(Listed { folder: folder.unwrap_or_default(), modified })
        });
        listed.boxed()
    }

    fn local(&self, _: &MediaKey) -> Option<PathBuf> {
        None
    }

    fn own(&self, _: &MediaKey) -> Option<PathBuf> {
        None
    }

    fn place(&self) -> String {
        self.place.clone()
    }
}

async fn exactly(file: &mut File, range: Range<u64>) -> Result<Bytes> {
    file.seek(std::io::SeekFrom::Start(range.start)).await.context("reading a file")?;
    let wanted = usize::try_from(range.end - range.start).context("a part that memory cannot hold")?;
    let mut bytes = BytesMut::zeroed(wanted);
    file.read_exact(&mut bytes).await.context("reading a file")?;
    Ok(bytes.freeze())
}

/// A range cut into pieces that grow.
fn pieces(range: Range<u64>) -> impl Iterator<Item = Range<u64>> + Send {
    let (mut begin, mut length) = (range.start, FIRST_PIECE);
    std::iter::from_fn(move || {
        if begin >= range.end {
            return None;
        }
        let piece = begin..range.end.min(begin + length);
        begin = piece.end;
        length = (length * 2).min(LARGEST_PIECE);
        Some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_grow_and_cover_the_range() {
        let all: Vec<_> = pieces(10..10 + (20 << 20)).collect();
        assert_eq!((all[0].clone(), all[1].start), (10..10 + FIRST_PIECE, 10 + FIRST_PIECE));
        assert!(all.windows(2).all(|pair| pair[0].end == pair[1].start));
        assert_eq!(all.last().unwrap().end, 10 + (20 << 20));
        assert!(all.iter().all(|piece| piece.end - piece.start <= LARGEST_PIECE));
        assert_eq!(pieces(5..5).count(), 0);
    }
}
