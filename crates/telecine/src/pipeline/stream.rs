//! Stream: what players in browsers take of a video, made while its file is still on disk and after it can be searched.
//! Whatever goes wrong here is told with the stream and never touches the task. A stream that a stop or a crash cut
//! short is made at the next start, for until then the file stays; one that is no video's is removed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use futures::StreamExt as _;
use telecine_media::stream::{StreamPlan, playlist};
use telecine_media::{MediaError, Probe};

use super::validate::media_fault;
use super::workshop::Workshop;
use crate::app::App;
use crate::fault::{Code, Error, Fault, Result};
use crate::files::{PLAYLIST_FILE, STREAM_FILE};
use crate::ids::{TaskId, VideoId};
use crate::media_store::{MediaFolder, MediaKey, MediaKind, MediaStore};
use crate::store::Store;
use crate::video::{StreamStatus, VideoStream};

/// Videos that are asked for at once.
const VIDEOS: usize = 500;
/// Before a store of media that is away is tried again.
const PAUSES: [Duration; 3] = [Duration::from_secs(2), Duration::from_secs(10), Duration::from_secs(30)];
/// A stream that nobody has finished after so long is given up, where the host that has the file may be another.
const GIVEN_UP_AFTER: Duration = Duration::from_secs(86_400);
/// How soon a database that is away is asked again.
const AGAIN: Duration = Duration::from_secs(1);

/// Makes the stream of a video whose file is here, and tells what came of it. A stop leaves it to the next start.
pub(super) async fn keep(workshop: &Workshop, video: VideoId, file: &Path, probe: Option<&Probe>) {
    let app = &workshop.app;
    let made = tokio::select! {
        biased;
        () = app.stopping.cancelled() => return,
        made = make(workshop, video, file, probe) => made,
    };
    if made.as_ref().is_err_and(is_away) {
        tracing::warn!(%video, "a stream waits for the store of media; it is made at the next start");
        return;
    }
    let now = app.clock.now();
    let ended = match made {
        Ok(bytes) => VideoStream { status: StreamStatus::Complete, fault: None, bytes, updated_at: now },
        Err(error) => {
            let fault = fault_of(video, error);
            let is_on_purpose =
                matches!(fault.code, Code::StreamStorageLow | Code::StreamNotPossible | Code::StreamTooLarge);
            let status = if is_on_purpose { StreamStatus::Canceled } else { StreamStatus::Error };
            VideoStream { status, fault: Some(fault), bytes: 0, updated_at: now }
        }
    };
    let is_complete = ended.status == StreamStatus::Complete;
    match end(app, video, &ended).await {
        Ok(true) if is_complete => {}
        // It was deleted meanwhile, or there is nothing to keep.
        Ok(_) => remove_of(&*app.media_store, video).await,
        Err(error) => {
            tracing::warn!(%video, error = format!("{error:#}"), "what came of a stream could not be written down");
        }
    }
}

/// Writes down what came of a stream; a database that is away is waited for.
async fn end(app: &App, video: VideoId, ended: &VideoStream) -> Result<bool> {
    loop {
        match app.store.end_stream(video, ended).await {
            Err(error) if is_away(&error) && !app.stopping.is_cancelled() => {
                tokio::select! { () = app.stopping.cancelled() => {}, () = tokio::time::sleep(AGAIN) => {} }
            }
            done => return done,
        }
    }
}

fn is_away(error: &Error) -> bool {
    error.as_fault().is_some_and(|fault| fault.code == Code::ServiceUnavailable)
}

fn fault_of(video: VideoId, error: Error) -> Fault {
    match error {
        Error::Fault(fault) => *fault,
        Error::Internal(error) => {
            tracing::warn!(%video, error = format!("{error:#}"), "a stream could not be made");
            Fault::because(Code::InternalServerError, "The stream could not be made.")
        }
    }
}

/// The bytes of the stream, once it lies where it belongs.
async fn make(workshop: &Workshop, video: VideoId, file: &Path, probe: Option<&Probe>) -> Result<u64> {
    let app = &workshop.app;
    let _permit = workshop.may_stream().await?;
    let config = &app.config.streaming;
    let size = tokio::fs::metadata(file).await.context("looking at a video")?.len();
    check_room(app.files.path(), size, config.min_free_bytes)?;
    let staged = app.files.staged_stream(video.into());
    let folder = staged.clone();
    blocking(move || {
        remove_folder(&folder)?;
        fs::create_dir_all(&folder)
    })
    .await?;
    let probed;
    let probe = match probe {
        Some(probe) => probe,
        None => {
            probed = app.media.probe(file).await.map_err(stream_error)?;
            &probed
        }
    };
    let plan = StreamPlan {
        out: staged.join(STREAM_FILE),
        max_bytes: config.max_bytes,
        may_encode: config.reencode,
    };
    let stream = app.media.stream(file, probe, &plan).await.map_err(stream_error)?;
    let bytes = tokio::fs::metadata(&plan.out).await.context("a stream")?.len();
    let list = staged.join(PLAYLIST_FILE);
    tokio::fs::write(&list, playlist(&stream.fragments, STREAM_FILE)).await.context("a playlist")?;
    // The playlist last: what it names is there.
    for (key, file) in [(MediaKey::Stream(video), plan.out), (MediaKey::Playlist(video), list)] {
        put(&*app.media_store, &key, &file).await?;
    }
    blocking(move || remove_folder(&staged)).await?;
    Ok(bytes)
}

/// Puts a file where it belongs; a store that is away is waited for a while.
async fn put(media: &dyn MediaStore, key: &MediaKey, file: &Path) -> Result<()> {
    for pause in PAUSES {
        match media.put(key, file).await {
            Err(error) if is_away(&error) => tokio::time::sleep(pause).await,
            done => return done,
        }
    }
    media.put(key, file).await
}

/// A stream is about as large as its video.
fn check_room(folder: &Path, wanted: u64, min_free: u64) -> Result<()> {
    let disk = rustix::fs::statvfs(folder).context("asking how much of the disk is free")?;
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    if free.saturating_sub(wanted) >= min_free {
        return Ok(());
    }
    let value = format!("{free} bytes are free, of which the stream would take about {wanted}");
    Err(Fault::new(Code::StreamStorageLow).value(value).into())
}

fn stream_error(error: MediaError) -> Error {
    match &error {
        MediaError::NotStreamable { .. } => {
            Fault::new(Code::StreamNotPossible).value(error.to_string()).into()
        }
        MediaError::Killed { limit: telecine_media::Limit::Output, .. } => {
            Fault::new(Code::StreamTooLarge).into()
        }
        _ => match media_fault(&error) {
            Some(fault) => fault.into(),
            None => Error::Internal(error.into()),
        },
    }
}

/// Makes the streams that the last run left unfinished, one after the other.
pub(super) async fn go_on(workshop: Arc<Workshop>) {
    let app = &workshop.app;
    let unfinished = match app.store.unfinished_streams().await {
        Ok(unfinished) => unfinished,
        Err(error) => {
            tracing::warn!(
                error = format!("{error:#}"),
                "streams that are unfinished could not be asked for"
            );
            return;
        }
    };
    for video in unfinished {
        if app.stopping.is_cancelled() {
            return;
        }
        let task = TaskId::from(video);
        // Of a task that is still at work, the work on it makes the stream.
        match super::tidy::is_ready(&*app.store, task, app.clock.now()).await {
            Ok(true) => {}
            _ => continue,
        }
        let files = [app.files.fetched(task), app.files.upload(task)];
        match files.into_iter().find(|file| file.exists()) {
            Some(file) => keep(&workshop, video, &file, None).await,
            None if is_anothers(app, video).await => continue,
            None => {
                let fault =
                    Fault::because(Code::InternalServerError, "The server ended before the stream was made.")
                        .remedy("Index the video anew to have a stream of it.");
                let ended = VideoStream {
                    status: StreamStatus::Error,
                    fault: Some(fault),
                    bytes: 0,
                    updated_at: app.clock.now(),
                };
                if let Err(error) = app.store.end_stream(video, &ended).await {
                    tracing::warn!(%video, error = format!("{error:#}"), "what came of a stream could not be written down");
                }
            }
        }
        if let Err(error) =
            super::tidy::clear(&app.files, &*app.store, &*app.media_store, task, app.clock.now()).await
        {
            tracing::warn!(%task, error = format!("{error:#}"), "a task's folder could not be cleared");
        }
    }
}

/// Whether another host may have the file, and make the stream.
async fn is_anothers(app: &App, video: VideoId) -> bool {
    let before = app.clock.now().before(GIVEN_UP_AFTER);
    let known = app.store.streams(&[video]).await.unwrap_or_default();
    app.config.is_shared() && known.get(&video).is_none_or(|stream| stream.updated_at > before)
}

/// Removes the stream of a video that was deleted.
pub async fn remove_stream(app: &App, video: VideoId) {
    remove_of(&*app.media_store, video).await;
}

async fn remove_of(media: &dyn MediaStore, video: VideoId) {
    if let Err(error) = media.remove(MediaFolder::Stream(video)).await {
        tracing::warn!(%video, error = format!("{error:#}"), "a stream could not be removed; it will be later");
    }
}

/// Removes streams whose videos are gone, such as those of an index that was deleted. A stream's row is there before its
/// files, so that one that is being made elsewhere stays.
///
/// # Errors
/// When the store cannot be asked, or what lies there not be listed.
pub async fn remove_stray_streams(media: &dyn MediaStore, store: &dyn Store) -> Result<()> {
    let mut listed = media.list(MediaKind::Streams).chunks(VIDEOS);
    while let Some(some) = listed.next().await {
        let some = some.into_iter().collect::<Result<Vec<_>>>()?;
        // What is not ours by name is left alone.
        let mut videos: Vec<VideoId> = some.iter().filter_map(|file| file.folder.parse().ok()).collect();
        videos.sort_unstable();
        videos.dedup();
        let known = store.streams(&videos).await?;
        let is_kept = |video: &VideoId| {
            known.get(video).is_some_and(|stream| {
                matches!(stream.status, StreamStatus::Complete | StreamStatus::Processing)
            })
        };
        for video in videos.iter().filter(|video| !is_kept(video)) {
            remove_of(media, *video).await;
        }
    }
    Ok(())
}

fn remove_folder(folder: &PathBuf) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await.context("work on files was cut short")?;
    Ok(done.context("keeping a stream")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_that_is_nearly_full_keeps_no_stream() {
        let folder = tempfile::tempdir().unwrap();
        check_room(folder.path(), 1, 0).unwrap();
        let Err(Error::Fault(fault)) = check_room(folder.path(), 1, u64::MAX) else { panic!("refused") };
        assert_eq!(fault.code, Code::StreamStorageLow);
    }
}
