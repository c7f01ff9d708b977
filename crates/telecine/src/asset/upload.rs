//! Uploads in chunks. Each chunk is on disk before it is answered, and may be sent again until it is reported: in its place
//! in the asset's file where this process has the media store alone, else as a file of its own, which the asset's file is
//! put together of at the end, for two servers may be sent chunks at once. What is known of an upload is in its rows and
//! those files alone, so a restart loses nothing that was answered. When every chunk is reported, the asset is worked on.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, StreamExt};
use serde::{Deserialize, Serialize};
use tokio::io::AsyncWriteExt as _;
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

use super::create::{asset, check_room};
use super::fetch::blocking;
use super::limits::{Kind, check_size};
use super::work::Stop;
use super::{Asset, NewAsset, Origin};
use crate::app::App;
use crate::fault::{Code, Fault, Result};
use crate::ids::{AssetId, UploadId, WorkspaceId};
use crate::media_store::{MediaFolder, MediaKey};
use crate::time::Timestamp;

/// Links that are handed out at once.
pub const MAX_LINKS: u64 = 50;
/// Chunks that one report may name.
pub const MAX_REPORTED: usize = 1_000;
/// Chunks of the largest files; their size follows from it.
const MOST_CHUNKS: u64 = 640;
const MIB: u64 = 1 << 20;
/// Bytes of a body that are held before they are written.
const HELD_BYTES: usize = 1 << 20;
/// Digits of an ETag.
const ETAG_DIGITS: usize = 32;

/// Where an upload stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UploadStatus {
    /// Chunks are taken.
    Active,
    /// All chunks were reported.
    Completed,
    /// The asset could not be made.
    Failed,
    /// It was not complete in time.
    Expired,
}

impl UploadStatus {
    /// The name in the store and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Expired => "expired",
        }
    }

    /// The status of this name.
    pub fn parse(name: &str) -> Option<Self> {
        let all = [Self::Active, Self::Completed, Self::Failed, Self::Expired];
        all.into_iter().find(|status| status.as_str() == name)
    }
}

/// An upload in chunks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// Its id.
    pub id: UploadId,
    /// Whose it is.
    pub workspace: WorkspaceId,
    /// What becomes of it.
    pub asset: AssetId,
    /// Where it stands.
    pub status: UploadStatus,
    /// Bytes of the file.
    pub total_bytes: u64,
    /// Bytes of each chunk but the last.
    pub chunk_bytes: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When it is given up.
    pub expires_at: Timestamp,
}

impl Upload {
    /// How many chunks there are; they are numbered from 1.
    pub fn total_chunks(&self) -> u64 {
        self.total_bytes.div_ceil(self.chunk_bytes)
    }

    /// Where a chunk begins, and how many bytes it has; none when there is no such chunk.
    pub fn chunk(&self, number: u64) -> Option<(u64, u64)> {
        if !(1..=self.total_chunks()).contains(&number) {
            return None;
        }
        let begin = (number - 1) * self.chunk_bytes;
        Some((begin, self.chunk_bytes.min(self.total_bytes - begin)))
    }

    /// The chunk, or the fault that there is none of this number.
    fn existing_chunk(&self, number: u64) -> Result<(u64, u64), Fault> {
        self.chunk(number).ok_or_else(|| {
            let rule = format!("chunks of this upload are numbered from 1 to {}", self.total_chunks());
            Fault::parameter("There is no chunk of this number.").value(number.to_string()).rule(rule)
        })
    }
}

/// A chunk that is on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// From 1.
    pub number: u64,
    /// Bytes.
    pub size_bytes: u64,
    /// BLAKE3, in hex.
    pub hash: String,
    /// When it was on disk.
    pub stored_at: Timestamp,
    /// When the client said that it is done with it.
    pub reported_at: Option<Timestamp>,
}

impl Chunk {
    /// What the answer to the chunk's bytes carries, and a report must tell.
    pub fn etag(&self) -> &str {
        &self.hash[..ETAG_DIGITS.min(self.hash.len())]
    }
}

/// What is asked of an upload.
#[derive(Debug, Clone, PartialEq)]
pub struct NewUpload {
    /// The name to show.
    pub filename: String,
    /// What the file is said to be.
    pub kind: Kind,
    /// Bytes of the file.
    pub total_bytes: u64,
    /// The rest.
    pub asset: NewAsset,
}

/// What a client says about a chunk that it has sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reported {
    /// From 1.
    pub number: u64,
    /// The ETag, as it was answered.
    pub proof: String,
    /// Bytes, if told.
    pub size_bytes: Option<u64>,
}

/// What became of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportTaken {
    /// Chunks that were not reported before.
    pub processed: u64,
    /// Chunks that were.
    pub duplicates: u64,
    /// Chunks that are reported by now.
    pub completed: u64,
    /// Whether these are all.
    pub is_complete: bool,
}

/// Begins an upload.
///
/// # Errors
/// `parameter_invalid`, the size's faults, `usage_limit_exceeded`.
pub async fn begin(app: &App, workspace: WorkspaceId, new: NewUpload) -> Result<(Upload, Asset)> {
    let NewUpload { filename, kind, total_bytes, asset: fields } = new;
    let now = app.clock.now();
    let id = UploadId::generate(now);
    if total_bytes == 0 {
        let fault =
            Fault::parameter("The total_size parameter must be the size of a file that is not empty.");
        return Err(fault.value("0").into());
    }
    let mut asset = asset(app, workspace, fields, &filename, Origin::Multipart { upload: id })?;
    asset.kind = Some(kind);
    asset.size_bytes = total_bytes;
    let config = &app.config.assets;
    check_size(config, &asset.origin, Some(kind), total_bytes)?;
    let open = app.store.open_uploads(workspace).await?;
    if open >= config.open_uploads {
        return Err(Fault::because(Code::UsageLimitExceeded, "Too many uploads are open.")
            .value(open.to_string())
            .rule(format!("at most {} at once in a workspace", config.open_uploads))
            .remedy("Finish those that are open, or wait until they expire.")
            .into());
    }
    check_room(app, workspace, total_bytes).await?;
    let upload = Upload {
        id,
        workspace,
        asset: asset.id,
        status: super::upload::UploadStatus::Active,
        total_bytes,
        chunk_bytes: chunk_bytes(total_bytes, config.chunk_bytes),
        created_at: now,
        updated_at: now,
        expires_at: now.after(Duration::from_secs(config.upload_expires_s)),
    };
    if let Some(file) = app.media_store.own(&MediaKey::Asset(asset.id)) {
        blocking(move || make_room(&file, total_bytes)).await?;
    }
    if let Err(error) = app.store.insert_upload(&upload, &asset).await {
        // The file has no asset; were it to stay, it would be removed later.
        let _ = app.media_store.remove(MediaFolder::Asset(asset.id)).await;
        return Err(error);
    }
    Ok((upload, asset))
}

/// The file that chunks are written into, of its whole length. Blocks.
fn make_room(file: &Path, bytes: u64) -> std::io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(folder)?;
    let file = File::create(file)?;
    file.set_len(bytes)?;
    file.sync_all()?;
    File::open(folder)?.sync_all()?;
    folder.parent().map_or(Ok(()), |parent| File::open(parent)?.sync_all())
}

fn chunk_bytes(total_bytes: u64, least: u64) -> u64 {
    let wanted = total_bytes.div_ceil(MOST_CHUNKS);
    if wanted <= least { least } else { wanted.div_ceil(MIB) * MIB }
}

/// An upload of the workspace.
///
/// # Errors
/// `resource_not_exists`.
pub async fn find(app: &App, workspace: WorkspaceId, id: UploadId) -> Result<Upload> {
    let found = app.store.upload(id).await?.filter(|upload| upload.workspace == workspace);
    Ok(found.ok_or_else(|| absent(id))?)
}

fn absent(id: UploadId) -> Fault {
    Fault::because(Code::ResourceNotExists, "There is no such upload.").value(id.to_string())
}

/// Refuses an upload that takes no chunks any more.
fn check_active(upload: &Upload, now: Timestamp) -> Result<(), Fault> {
    match upload.status {
        UploadStatus::Active if now < upload.expires_at => Ok(()),
        UploadStatus::Active | UploadStatus::Expired => Err(Fault::new(Code::UploadExpired)),
        UploadStatus::Completed | UploadStatus::Failed => {
            Err(Fault::because(Code::ApiNotAllowed, "The upload is complete: it takes no more chunks."))
        }
    }
}

/// Chunks that are being written by this process.
static IN_HAND: Mutex<Option<HashSet<(UploadId, u64)>>> = Mutex::new(None);

/// Held while a chunk is written: two requests must not write into one place at once.
struct Hand(UploadId, u64);

impl Hand {
    fn take(upload: UploadId, number: u64) -> Result<Self, Fault> {
        let mut all = IN_HAND.lock().unwrap_or_else(PoisonError::into_inner);
        if all.get_or_insert_default().insert((upload, number)) {
            return Ok(Self(upload, number));
        }
        let fault = Fault::because(Code::ServiceUnavailable, "The chunk is being sent by another request.");
        Err(fault.value(number.to_string()))
    }
}

impl Drop for Hand {
    fn drop(&mut self) {
        let mut all = IN_HAND.lock().unwrap_or_else(PoisonError::into_inner);
        all.get_or_insert_default().remove(&(self.0, self.1));
    }
}

/// Takes the bytes of a chunk. When this returns they are on disk; the text is the chunk's ETag.
///
/// # Errors
/// `resource_not_exists`, `upload_expired`, `parameter_invalid` for too few or too many bytes, and for other bytes than
/// those that were reported already.
pub async fn take_chunk(
    app: &App,
    id: UploadId,
    number: u64,
    body: impl Stream<Item = Result<Bytes, Fault>> + Unpin + Send,
) -> Result<Chunk> {
    let upload = app.store.upload(id).await?.ok_or_else(|| absent(id))?;
    check_active(&upload, app.clock.now())?;
    let (begin, size_bytes) = upload.existing_chunk(number)?;
    let hand = Hand::take(id, number)?;
    // While it is written it is not there: what is cut in between must be sent again.
    let reported = app.store.forget_chunk(id, number).await?;
    let own = app.media_store.own(&MediaKey::Asset(upload.asset));
    let (mut aside, mut begin) = (None, begin);
    let file = match (&reported, own) {
        (Some(_), _) => None,
        (None, Some(path)) => Some(Arc::new(blocking(move || File::options().write(true).open(path)).await?)),
        (None, None) => {
            let folder = app.files.incoming();
            let (file, path) = blocking(move || tempfile::NamedTempFile::new_in(folder)).await?.into_parts();
            (aside, begin) = (Some(path), 0);
            Some(Arc::new(file))
        }
    };
    let hash = receive(body, file.clone(), begin, size_bytes).await?;
    if let Some(chunk) = reported {
        if chunk.hash == hash {
            return Ok(chunk);
        }
        let fault = Fault::parameter("The chunk was reported already, with other bytes.");
        return Err(fault.value(format!("chunk {number}")).into());
    }
    if let Some(aside) = aside {
        app.media_store.put(&chunk_key(&upload, number, &hash), &aside).await?;
    } else if let Some(file) = file {
        blocking(move || file.sync_data()).await?;
    }
    let chunk = Chunk { number, size_bytes, hash, stored_at: app.clock.now(), reported_at: None };
    if !app.store.record_chunk(id, &chunk).await? {
        return Err(Fault::new(Code::UploadExpired).into());
    }
    drop(hand);
    Ok(chunk)
}

/// Where a chunk lies that is a file of its own. Other bytes lie elsewhere: whichever is recorded last is there.
fn chunk_key(upload: &Upload, number: u64, hash: &str) -> MediaKey {
    MediaKey::Chunk(upload.asset, number, hash[..ETAG_DIGITS.min(hash.len())].to_owned())
}

/// Reads exactly so many bytes, writes them to their place, if there is one, and gives their hash.
async fn receive(
    mut body: impl Stream<Item = Result<Bytes, Fault>> + Unpin + Send,
    file: Option<Arc<File>>,
    begin: u64,
    size_bytes: u64,
) -> Result<String> {
    let wrong = |came: u64| {
        Fault::parameter("The chunk has not the size that it must have.")
            .value(format!("{came} bytes"))
            .rule(format!("exactly {size_bytes} bytes"))
    };
    let (mut hasher, mut came, mut held) = (blake3::Hasher::new(), 0, Vec::with_capacity(HELD_BYTES));
    loop {
        let next = body.next().await.transpose()?;
        let is_end = next.is_none();
        if let Some(bytes) = next {
            came += bytes.len() as u64;
            if came > size_bytes {
                return Err(wrong(came).into());
            }
            held.extend_from_slice(&bytes);
        }
        if held.len() >= HELD_BYTES || is_end {
            let at = begin + came - held.len() as u64;
            let (writing, piece) = (file.clone(), std::mem::take(&mut held));
            hasher = blocking(move || {
                hasher.update(&piece);
                writing.map_or(Ok(()), |file| file.write_all_at(&piece, at))?;
                Ok(hasher)
            })
            .await?;
        }
        if is_end {
            break;
        }
    }
    if came < size_bytes {
        return Err(wrong(came).into());
    }
    Ok(hasher.finalize().to_hex().to_string())
}

/// Takes note of chunks that a client says it has sent; all of them or none. When they are all, the asset is worked on.
///
/// # Errors
/// `resource_not_exists`, `upload_expired`, `chunk_mismatch` naming the first chunk that is not here or differs.
pub async fn report(
    app: &App,
    workspace: WorkspaceId,
    id: UploadId,
    reported: &[Reported],
) -> Result<(Upload, ReportTaken)> {
    let upload = find(app, workspace, id).await?;
    if upload.status != UploadStatus::Completed {
        check_active(&upload, app.clock.now())?;
    }
    if reported.len() > MAX_REPORTED {
        let fault = Fault::parameter("The parameter completed_chunks names too many chunks.");
        return Err(fault.value(reported.len().to_string()).rule(format!("at most {MAX_REPORTED}")).into());
    }
    for chunk in reported {
        upload.existing_chunk(chunk.number)?;
    }
    let taken = app.store.report_chunks(&upload, reported, app.clock.now()).await?;
    if taken.is_complete {
        app.keeper.wake();
    }
    Ok((upload, taken))
}

/// Holds what is on disk against what was answered, chunk by chunk; the hash of the whole.
pub(super) async fn assemble(
    app: &App,
    id: UploadId,
    file: &Path,
    cancel: &CancellationToken,
) -> Result<String, Stop> {
    let upload = app.store.upload(id).await?.ok_or_else(|| Stop::of("an upload without its row"))?;
    let chunks = app.store.chunks(id, 1, upload.total_chunks()).await?;
    if chunks.len() as u64 != upload.total_chunks() {
        return Err(Stop::of("an upload is worked on that is not complete"));
    }
    if app.media_store.own(&MediaKey::Asset(upload.asset)).is_none() {
        return put_together(app, &upload, &chunks, file, cancel).await;
    }
    let (file, cancel) = (file.to_owned(), cancel.clone());
    let hashed = blocking(move || {
        let (mut file, mut whole, mut buffer) = (File::open(file)?, blake3::Hasher::new(), vec![0; 1 << 20]);
        for chunk in &chunks {
            let (mut part, mut left) = (blake3::Hasher::new(), chunk.size_bytes);
            while left > 0 {
                if cancel.is_cancelled() {
                    return Err(std::io::ErrorKind::Interrupted.into());
                }
                let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
                file.read_exact(&mut buffer[..wanted])?;
                part.update(&buffer[..wanted]);
                whole.update(&buffer[..wanted]);
                left -= wanted as u64;
            }
            if part.finalize().to_hex().as_str() != chunk.hash {
                let what = format!("chunk {} is not on disk as it was sent", chunk.number);
                return Err(std::io::Error::other(what));
            }
        }
        Ok(whole.finalize().to_hex().to_string())
    });
    Ok(hashed.await?)
}

/// The file, of chunks that are files of their own; the hash of the whole.
async fn put_together(
    app: &App,
    upload: &Upload,
    chunks: &[Chunk],
    file: &Path,
    cancel: &CancellationToken,
) -> Result<String, Stop> {
    let file = tokio::fs::File::create(file).await.map_err(anyhow::Error::from)?;
    let mut file = tokio::io::BufWriter::with_capacity(HELD_BYTES, file);
    let mut whole = blake3::Hasher::new();
    for chunk in chunks {
        let key = chunk_key(upload, chunk.number, &chunk.hash);
        if app.media_store.size(&key).await? != Some(chunk.size_bytes) {
            return Err(Stop::of("a chunk does not lie in the store of media"));
        }
        let mut bytes = app.media_store.read(&key, 0..chunk.size_bytes).await?;
        let mut part = blake3::Hasher::new();
        while let Some(piece) = bytes.next().await {
            if cancel.is_cancelled() {
                return Err(Stop::of("the work on an asset was cut short"));
            }
            let piece = piece.map_err(|error| Stop::later(&key, &error))?;
            part.update(&piece);
            whole.update(&piece);
            file.write_all(&piece).await.map_err(anyhow::Error::from)?;
        }
        if part.finalize().to_hex().as_str() != chunk.hash {
            return Err(Stop::of("a chunk does not lie in the store of media as it was sent"));
        }
    }
    file.flush().await.map_err(anyhow::Error::from)?;
    Ok(whole.finalize().to_hex().to_string())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn upload(total_bytes: u64, least: u64) -> Upload {
        let now = Timestamp::from_millis(0);
        Upload {
            id: UploadId::generate(now),
            workspace: WorkspaceId::generate(now),
            asset: AssetId::generate(now),
            status: UploadStatus::Active,
            total_bytes,
            chunk_bytes: chunk_bytes(total_bytes, least),
            created_at: now,
            updated_at: now,
            expires_at: now,
        }
    }

    proptest! {
        #[test]
        fn chunks_cover_the_file_without_gaps_and_are_not_too_many(total in 1..20u64 << 30) {
            let upload = upload(total, 8 << 20);
            prop_assert!(upload.total_chunks() <= MOST_CHUNKS);
            prop_assert!(upload.chunk_bytes >= 8 << 20);
            let mut next = 0;
            for number in 1..=upload.total_chunks() {
                let (begin, size) = upload.chunk(number).unwrap();
                prop_assert_eq!(begin, next);
                prop_assert!(size > 0 && size <= upload.chunk_bytes);
                next += size;
            }
            prop_assert_eq!(next, total);
            prop_assert_eq!(upload.chunk(0), None);
            prop_assert_eq!(upload.chunk(upload.total_chunks() + 1), None);
        }
    }
}
