//! Fetch: the video's bytes onto this machine's disk, whole and hashed. Head first, so that what cannot enter costs no
//! byte; then ranges side by side, in memory until their turn comes, appended and hashed in order. A cut connection
//! goes on inside a range, a restart after the last prefix that is on disk for sure. Knows nothing of media.

mod place;
pub(crate) mod prefix;
pub(crate) mod range;
pub(crate) mod state;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::task::AbortOnDropHandle;

pub(super) use place::{Bearer, Place};
use prefix::{Prefix, hash_file};
use range::Wanted;
use state::FetchState;

use super::job::Job;
use super::stop::Stop;
use crate::fault::{Code, Fault};
use crate::index;
use crate::media_store::{self, MediaKey};
use crate::source::{SourceError, SourceErrorKind};
use crate::store::ContentHolder;
use crate::transfer::{Duplicate, DuplicateBy, ObjectStamp, TaskSource, admit_object};

/// A file on this machine's disk.
#[derive(Debug)]
pub(super) struct Fetched {
    pub(super) file: PathBuf,
    pub(super) size_bytes: u64,
    /// BLAKE3 in hex.
    pub(super) content_hash: String,
    /// The version of the object.
    pub(super) stamp: Option<ObjectStamp>,
    /// Its room on the disk, kept until the work is over.
    _room: Option<OwnedSemaphorePermit>,
}

/// Brings the video here and takes its content for this task.
pub(super) async fn fetch(job: &Job) -> Result<Fetched, Stop> {
    let _permit = job.workshop.may_fetch(&job.cancel).await?;
    match &job.task.source {
        TaskSource::Upload { .. } => take_upload(job).await,
        TaskSource::Object(_) | TaskSource::Url { .. } => {
            let place = Place::of_video(job).await?;
            take_object(job, &place).await
        }
    }
}

async fn take_upload(job: &Job) -> Result<Fetched, Stop> {
    let app = job.app();
    let (media, key) = (&*app.media_store, MediaKey::Upload(job.task.id));
    let absent = || {
        let fault = Fault::because(Code::ObjectNotExists, "The uploaded file is no longer here.");
        fault.remedy("Upload it again.")
    };
    let size_bytes = job.unless_cancelled(media.size(&key)).await??.ok_or_else(absent)?;
    index::check_size(size_bytes)?;
    job.progress(|progress| progress.size_bytes = size_bytes);
    let mut room = None;
    if media.local(&key).is_none() {
        tokio::fs::create_dir_all(app.files.task(job.task.id)).await.context("making a task's folder")?;
        room = Some(job.workshop.room_for(size_bytes, &job.cancel).await?);
    }
    let aside = app.files.fetched(job.task.id);
    let brought = media_store::bring(media, &key, &aside);
    let file = job.unless_cancelled(brought).await??.ok_or_else(absent)?;
    let (path, cancel) = (file.clone(), job.cancel.clone());
    let content_hash = blocking(job, move || {
        let mut hasher = blake3::Hasher::new();
        hash_file(&mut std::fs::File::open(path)?, &mut hasher, &cancel)?;
        Ok(hasher.finalize().to_hex().to_string())
    })
    .await?;
    job.progress(|progress| progress.fetched_bytes = size_bytes);
    hold(job, &content_hash, None).await?;
    Ok(Fetched { file, size_bytes, content_hash, stamp: None, _room: room })
}

/// An object that is written to while it is read is read once more; then it is the user's turn.
async fn take_object(job: &Job, place: &Place) -> Result<Fetched, Stop> {
    match take_version(job, place).await {
        Err(Trouble::Source(error)) if error.kind == SourceErrorKind::Changed => {
            take_version(job, place).await.map_err(|trouble| trouble.into_stop(place))
        }
        taken => taken.map_err(|trouble| trouble.into_stop(place)),
    }
}

async fn take_version(job: &Job, place: &Place) -> Result<Fetched, Trouble> {
    let info = job.unless_cancelled(place.head()).await??;
    admit_object(&info)?;
    let stamp = ObjectStamp { etag: info.etag, size_bytes: info.size_bytes };
    job.progress(|progress| progress.size_bytes = stamp.size_bytes);
    skip_if_known(job, &stamp).await?;
    let files = &job.app().files;
    let (file, state_path) = (files.fetched(job.task.id), files.fetch_state(job.task.id));
    tokio::fs::create_dir_all(files.task(job.task.id)).await.context("making a task's folder")?;
    let state = FetchState::load(&state_path, place.address(), stamp.clone());
    // The hash may be known while the file was given up to wait for an equal one.
    if let Some(content_hash) = &state.content_hash {
        hold(job, content_hash, Some(&stamp)).await?;
    }
    let room = job.workshop.room_for(stamp.size_bytes, &job.cancel).await?;
    let content_hash = match &state.content_hash {
        Some(hash) if is_whole(&file, stamp.size_bytes).await => hash.clone(),
        _ => {
            let hash = move_bytes(job, place, file.clone(), state, state_path).await?;
            hold(job, &hash, Some(&stamp)).await?;
            hash
        }
    };
    job.progress(|progress| progress.fetched_bytes = stamp.size_bytes);
    let size_bytes = stamp.size_bytes;
    Ok(Fetched { file, size_bytes, content_hash, stamp: Some(stamp), _room: Some(room) })
}

/// By the ledger: the same version of the same object needs no byte to be told a duplicate.
async fn skip_if_known(job: &Job, stamp: &ObjectStamp) -> Result<(), Stop> {
    let TaskSource::Object(object) = &job.task.source else { return Ok(()) };
    if stamp.etag.is_empty() || job.task.allows_duplicate {
        return Ok(());
    }
    match job.app().store.video_of_object(job.task.index, object, stamp).await? {
        Some(video) => {
            Err(Stop::Duplicate(Duplicate { video, by: DuplicateBy::Object }, Some(stamp.clone())))
        }
        None => Ok(()),
    }
}

async fn is_whole(file: &std::path::Path, size_bytes: u64) -> bool {
    tokio::fs::metadata(file).await.is_ok_and(|metadata| metadata.len() == size_bytes)
}

/// Takes the content for this task. Whoever waits for an equal video gives its file up: a thousand copies of one
/// video must not fill the disk while the first is indexed.
async fn hold(job: &Job, content_hash: &str, stamp: Option<&ObjectStamp>) -> Result<(), Stop> {
    match job.app().store.hold_content(&job.claim, content_hash).await?? {
        ContentHolder::Mine => Ok(()),
        ContentHolder::Video(video) => {
            Err(Stop::Duplicate(Duplicate { video, by: DuplicateBy::Content }, stamp.cloned()))
        }
        ContentHolder::InProgress(other) => {
            let fetched = job.app().files.fetched(job.task.id);
            if let Err(error) = tokio::fs::remove_file(fetched).await
                && error.kind() != std::io::ErrorKind::NotFound
            {
                return Err(anyhow::Error::new(error).context("removing a file that waits").into());
            }
            let reason = format!("waiting for task {other}, which has the same content");
            Err(Stop::Wait { delay: job.patience(), reason })
        }
    }
}

/// Moves what is missing of the file and gives its hash.
async fn move_bytes(
    job: &Job,
    place: &Place,
    file: PathBuf,
    mut state: FetchState,
    state_path: PathBuf,
) -> Result<String, Trouble> {
    let size = state.stamp.size_bytes;
    let wanted = place.version(&state.stamp.etag);
    state.content_hash = None;
    if !wanted.has_parts() {
        state.done_bytes = 0;
    }
    let cancel = job.cancel.clone();
    let prefix = blocking(job, move || Prefix::open(&file, state, state_path, &cancel)).await?;
    let prefix = Shared(Arc::new(Mutex::new(prefix)));
    let moved = if wanted.has_parts() {
        by_ranges(job, &wanted, size, &prefix).await
    } else {
        in_one_go(job, &wanted, size, &prefix).await
    };
    match moved {
        Ok(()) => Ok(blocking(job, move || prefix.lock().finish()).await?),
        Err(trouble) => {
            // What came so far serves the next try.
            blocking(job, move || prefix.lock().note()).await?;
            Err(trouble)
        }
    }
}

/// Ranges side by side, as tasks of their own, so that bytes flow while others are hashed.
async fn by_ranges(job: &Job, wanted: &Wanted, size: u64, prefix: &Shared) -> Result<(), Trouble> {
    let config = &job.app().config.pipeline;
    let (at_once, range_bytes) = (config.ranges_in_flight.max(1), config.range_bytes.max(1));
    let mut next = prefix.lock().written();
    job.progress(|progress| progress.fetched_bytes = next);
    let mut in_flight = VecDeque::with_capacity(at_once);
    loop {
        while in_flight.len() < at_once && next < size {
            let range = next..size.min(next.saturating_add(range_bytes));
            next = range.end;
            let wanted = wanted.clone();
            in_flight
                .push_back(AbortOnDropHandle::new(tokio::spawn(async move { wanted.read(range).await })));
        }
        let Some(first) = in_flight.pop_front() else { return Ok(()) };
        let chunks = job.unless_cancelled(first).await?.context("reading a range panicked")??;
        append(job, prefix, chunks).await?;
    }
}

/// For what cannot be had in parts: from the start to the end.
async fn in_one_go(job: &Job, wanted: &Wanted, size: u64, prefix: &Shared) -> Result<(), Trouble> {
    let range_bytes = job.app().config.pipeline.range_bytes.max(1);
    let mut stream = job.unless_cancelled(wanted.open(0..size)).await??;
    let (mut left, mut chunks, mut held) = (size, Vec::new(), 0);
    while left > 0 {
        let chunk = job.unless_cancelled(wanted.next(&mut stream, &mut left)).await??;
        held += chunk.len() as u64;
        chunks.push(chunk);
        if held >= range_bytes || left == 0 {
            append(job, prefix, std::mem::take(&mut chunks)).await?;
            held = 0;
        }
    }
    Ok(())
}

async fn append(job: &Job, prefix: &Shared, chunks: Vec<Bytes>) -> Result<(), Stop> {
    let file = prefix.clone();
    let (before, written) = blocking(job, move || {
        let mut file = file.lock();
        let before = file.written();
        file.append(&chunks)?;
        Ok((before, file.written()))
    })
    .await?;
    metrics::counter!("telecine_fetched_bytes_total").increment(written - before);
    job.progress(|progress| progress.fetched_bytes = written);
    Ok(())
}

/// A prefix that threads which may block take turns at.
#[derive(Clone)]
struct Shared(Arc<Mutex<Prefix>>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Prefix> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// File work on a thread that may block.
async fn blocking<T: Send + 'static>(
    job: &Job,
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T, Stop> {
    let done = tokio::task::spawn_blocking(work).await.context("file work panicked")?;
    done.map_err(|error| {
        if job.cancel.is_cancelled() {
            return Stop::Cancelled;
        }
        Stop::Internal(anyhow::Error::new(error).context("writing a file that is fetched"))
    })
}

/// What ends a fetch: the store's word, which depends on the place, or anything else.
#[derive(Debug)]
enum Trouble {
    Source(SourceError),
    Stop(Stop),
}

impl Trouble {
    fn into_stop(self, place: &Place) -> Stop {
        match self {
            Self::Source(error) => place.stop(error),
            Self::Stop(stop) => stop,
        }
    }
}

impl From<SourceError> for Trouble {
    fn from(error: SourceError) -> Self {
        Self::Source(error)
    }
}

impl<E: Into<Stop>> From<E> for Trouble {
    fn from(error: E) -> Self {
        Self::Stop(error.into())
    }
}
