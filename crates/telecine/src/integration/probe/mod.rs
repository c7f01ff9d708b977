//! What a video in a bucket is, without its download: a few ranges of it, in a file that holds nothing else, are shown to
//! the same prober as whole files. Bounded in bytes, requests and time; writes to the work
//! folder only. Keeps no result.

mod window;

use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use telecine_media::{MediaTools, Probe, boxes};
use utoipa::ToSchema;

use self::window::Window;
use crate::fault::{Code, Error, Fault, Result};
use crate::pipeline::media_fault;
use crate::source::{ObjectInfo, Source};
use crate::transfer::object_fault;

/// Most of what a header is told within: boxes of MP4, tracks of others.
const BEGIN_BYTES: u64 = 256 << 10;
/// Of containers that interleave, what must be there for their packets to be told apart.
const PACKETS_BYTES: u64 = 4 << 20;
/// Of these, what the prober may look at: less than what is there, that it does not come to the end.
const PROBED_BYTES: u64 = 3 << 20;
/// The end of such a container: its last timestamps, its index.
const END_BYTES: u64 = 1 << 20;

/// What is read where the next box of an MP4 begins: small ones often come in a row.
const WALK_BYTES: u64 = 4 << 10;

/// How much one header may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeaderLimits {
    /// Bytes read (default 16 MiB; the index of a film of two hours has a few).
    pub bytes: u64,
    /// Requests, without those that are repeated (default 24).
    pub requests: u32,
    /// Everything, the prober too (default 90 s).
    pub time: Duration,
}

impl Default for HeaderLimits {
    fn default() -> Self {
        Self { bytes: 16 << 20, requests: 24, time: Duration::from_secs(90) }
    }
}

/// What the header of a video tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MediaHeader {
    /// Seconds; none where only the whole file tells.
    pub duration_s: Option<f64>,
    /// As shown.
    pub width: u32,
    /// As shown.
    pub height: u32,
    /// Frames per second on average; zero when unknown.
    pub fps: f64,
    /// ffmpeg's name of the container, such as `matroska,webm`.
    pub container: String,
    /// ffmpeg's name of the codec, such as `h264`.
    pub video_codec: String,
    /// That of the sound that is heard by default; none without sound.
    pub audio_codec: Option<String>,
    /// Tracks of captions within the file.
    pub captions: Vec<CaptionTrack>,
    /// Bytes that were read for this.
    pub bytes_read: u64,
    /// Requests that were made for this.
    pub requests: u32,
}

/// A track of captions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CaptionTrack {
    /// ffmpeg's name of the codec, such as `mov_text`.
    pub codec: String,
    /// ISO 639 code, as far as the file tells one.
    pub language: Option<String>,
    /// Text, as opposed to pictures of text.
    pub is_text: bool,
}

/// Reads the header of the object that is described by `info`, by ranges of this very version. The work folder must be
/// there; what is put there is gone afterwards.
///
/// # Errors
/// What is wrong with the object or its store, as a transfer of it would tell; `ProcessingLimitExceeded` where the
/// header cannot be had within the limits.
pub async fn probe_header(
    media: &MediaTools,
    source: &dyn Source,
    info: &ObjectInfo,
    limits: &HeaderLimits,
    folder: &Path,
) -> Result<MediaHeader> {
    if info.is_archived {
        let class = format!("storage class {}", info.storage_class);
        return Err(Fault::new(Code::ObjectArchived).value(class).into());
    }
    let probing = async {
        let mut window = Window::open(source, info, limits, folder).await?;
        fill(&mut window).await?;
        let probe = media.probe_headers(window.path(), PROBED_BYTES).await;
        let probe = probe.map_err(|error| match media_fault(&error) {
            Some(fault) => fault.into(),
            None => Error::Internal(error.into()),
        })?;
        header(probe, &window)
    };
    match tokio::time::timeout(limits.time, probing).await {
        Ok(header) => header,
        Err(_) => Err(too_much(limits, format!("it took more than {:?}", limits.time)).into()),
    }
}

/// Gets what the prober will look at.
async fn fill(window: &mut Window<'_>) -> Result<()> {
    let begin = window.bytes(0..BEGIN_BYTES).await?;
    if boxes::begins(&begin) {
        return find_index(window, begin).await;
    }
    window.copy(BEGIN_BYTES..PACKETS_BYTES).await?;
    let end = window.size().saturating_sub(END_BYTES).max(PACKETS_BYTES)..window.size();
    if !window.has_ranges() {
        Ok(())
    } else if is_resilient(&begin) {
        window.append(end, PACKETS_BYTES).await
    } else {
        window.stretch().await?;
        window.copy(end).await
    }
}

/// Whether it is a container (Matroska, MPEG-TS) whose demuxer looks for the next packet where there is none, byte by
/// byte, and needs no places of the whole file: it is better off without a hole.
fn is_resilient(begin: &[u8]) -> bool {
    begin.starts_with(&[0x1a, 0x45, 0xdf, 0xa3]) || [0, 4].iter().any(|at| begin.get(*at) == Some(&0x47))
}

/// Walks over the boxes of an MP4 or QuickTime file to its index, wherever that lies, and gets it.
async fn find_index(window: &mut Window<'_>, begin: Vec<u8>) -> Result<()> {
    let size = window.size();
    window.stretch().await?;
    // What is at hand, and where it begins.
    let (mut bytes, mut from, mut at) = (begin, 0, 0);
    while at < size {
        let mut here = bytes.get(usize::try_from(at - from).unwrap_or(usize::MAX)..).unwrap_or_default();
        if (here.len() as u64) < boxes::HEADER_BYTES.min(size - at) {
            bytes = window.bytes(at..at + WALK_BYTES).await?;
            from = at;
            here = &bytes;
        }
        let next = boxes::parse(here, size - at).map_err(|what| broken(format!("at byte {at}: {what}")))?;
        if next.is_index() {
            return window.copy(at + here.len() as u64..at + next.bytes).await;
        }
        at += next.bytes;
    }
    Err(broken("it ends before its index (`moov`)".to_owned()))
}

fn broken(what: String) -> Error {
    Fault::new(Code::VideoFileBroken).value(what).into()
}

fn too_much(limits: &HeaderLimits, what: String) -> Fault {
    Fault::because(Code::ProcessingLimitExceeded, "The header of the file could not be read within bounds.")
        .value(what)
        .rule(format!("at most {} bytes in {} requests", limits.bytes, limits.requests))
        .remedy("Convert it so that its index comes first and is small, or transfer it without a look at its header.")
}

fn header(probe: Probe, window: &Window<'_>) -> Result<MediaHeader> {
    let audio_codec = probe.default_audio().map(|audio| audio.codec.clone());
    let Probe { container, duration, video, subtitles, .. } = probe;
    let video =
        video.ok_or_else(|| Fault::new(Code::UnsupportedFileType).value("there is no video track in it"))?;
    let captions = subtitles.into_iter().map(|track| CaptionTrack {
        codec: track.codec,
        language: track.language,
        is_text: track.text,
    });
    Ok(MediaHeader {
        duration_s: Some(duration.as_secs_f64()).filter(|seconds| *seconds > 0.0),
        width: video.width,
        height: video.height,
        fps: video.fps,
        container,
        video_codec: video.codec,
        audio_codec,
        captions: captions.collect(),
        bytes_read: window.bytes_read(),
        requests: window.requests(),
    })
}
