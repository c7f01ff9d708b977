//! A file as a stream that players in browsers take: one fragmented MP4 whose fragments a playlist names by their bytes.
//! What is in the file is copied as it is where MP4 can hold it and players know it; only the rest is encoded anew. It
//! knows neither where streams are kept nor who asks for them.
//!
//! One file, and not one per segment: the sandboxed child may create no files, but it may write to a descriptor that it
//! inherits. Where segments begin is read off the `sidx` boxes of what it wrote.

mod fragments;
mod playlist;

use std::fs::File;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::probe::{AudioStream, Probe, VideoStream};
use crate::tools::{Run, Tool};
use crate::{MediaError, MediaTools};

pub use fragments::{Fragment, Fragments, read_fragments};
pub use playlist::playlist;

/// Video codecs that fragmented MP4 holds and players in browsers know, on one system or another.
const VIDEO_COPIED: [&str; 4] = ["h264", "hevc", "av1", "vp9"];
/// Audio codecs of the same kind.
const AUDIO_COPIED: [&str; 6] = ["aac", "mp3", "ac3", "eac3", "opus", "alac"];

/// The longest side of pictures that are encoded anew.
const ENCODED_SIDE: u32 = 1280;

/// How a stream is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamPlan {
    /// The file, made or overwritten.
    pub out: PathBuf,
    /// Most bytes of it.
    pub max_bytes: u64,
    /// Whether pictures may be encoded anew where players do not know their codec. Sound always is.
    pub may_encode: bool,
}

/// A stream that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stream {
    /// Where its fragments are.
    pub fragments: Fragments,
    /// What became of the pictures.
    pub video: Made,
    /// What became of the sound; none where there is none.
    pub audio: Option<Made>,
}

/// How a track came into a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Made {
    /// Byte by byte.
    Copied,
    /// Decoded and encoded anew.
    Encoded,
}

impl MediaTools {
    /// Makes a stream of a file that was [probed](MediaTools::probe). Dropping the future kills the child. Metadata of
    /// the file (places, names) do not come along.
    ///
    /// # Errors
    /// [`MediaError::NotStreamable`] when pictures had to be encoded anew and may not; [`MediaError::Killed`] when it
    /// would be larger than [`StreamPlan::max_bytes`]; [`MediaError::Broken`] when the file cannot be read to its end.
    pub async fn stream(&self, path: &Path, probe: &Probe, plan: &StreamPlan) -> Result<Stream, MediaError> {
        let wanted = "video".to_owned();
        let video = probe.video.as_ref().ok_or(MediaError::NoSuchStream { wanted })?;
        let is_known = VIDEO_COPIED.contains(&video.codec.as_str());
        if !is_known && !plan.may_encode {
            return Err(MediaError::NotStreamable { codec: video.codec.clone() });
        }
        let made = if is_known { Made::Copied } else { Made::Encoded };
        match self.write_stream(path, probe, video, made, plan).await {
            // MP4 refuses what lacks a codec's own headers or times; decoders are more tolerant.
            Err(MediaError::Broken { .. }) if made == Made::Copied && plan.may_encode => {
                self.write_stream(path, probe, video, Made::Encoded, plan).await
            }
            done => done,
        }
    }

    async fn write_stream(
        &self,
        path: &Path,
        probe: &Probe,
        video: &VideoStream,
        made: Made,
        plan: &StreamPlan,
    ) -> Result<Stream, MediaError> {
        let file = File::create(&plan.out).map_err(MediaError::opening(&plan.out))?;
        let audio = probe.default_audio().filter(|audio| can_be_heard(audio));
        let mut run = Run::whole(self.limits(), probe.duration);
        run.args(["-hide_banner", "-nostdin", "-nostats", "-v", "error", "-fflags", "+genpts"]);
        run.args(self.input_options());
        run.input(path)?;
        run.args(["-map", &format!("0:{}", video.index)]).args(video_options(
            video,
            made,
            self.limits().threads,
        ));
        let sound = audio.map(|audio| {
            run.args(["-map", &format!("0:{}", audio.index)]);
            let made = how(AUDIO_COPIED.contains(&audio.codec.as_str()));
            run.args(audio_options(made));
            made
        });
        run.args(["-map_metadata", "-1", "-map_chapters", "-1", "-sn", "-dn"]).args(container_options());
        run.arg(format!("pipe:{}", file.as_raw_fd()));
        run.file_bytes = plan.max_bytes;
        run.inherit.push(OwnedFd::from(file));
        let ended = self.start(Tool::Ffmpeg, run)?.end().await?;
        ended.within_limits()?;
        if !ended.status.success() {
            return Err(MediaError::Broken { detail: ended.detail() });
        }
        let out = plan.out.clone();
        let read = tokio::task::spawn_blocking(move || read_fragments(&mut File::open(out)?));
        let fragments = read
            .await
            .map_err(|error| MediaError::Io { what: "reading a stream".into(), source: error.into() })?
            .map_err(|error| MediaError::Broken { detail: format!("no stream came of it: {error}") })?;
        Ok(Stream { fragments, video: made, audio: sound })
    }
}

fn how(is_copied: bool) -> Made {
    if is_copied { Made::Copied } else { Made::Encoded }
}

fn can_be_heard(audio: &AudioStream) -> bool {
    audio.is_decodable() && audio.sample_rate > 0
}

fn video_options(video: &VideoStream, made: Made, threads: u32) -> Vec<String> {
    let options: Vec<String> = match made {
        Made::Copied => {
            let tag: &[&str] = if video.codec == "hevc" { &["-tag:v", "hvc1"] } else { &[] };
            ["-c:v", "copy"].iter().chain(tag).map(|&option| option.to_owned()).collect()
        }
        Made::Encoded => {
            let factor = format!("min(1,{ENCODED_SIDE}/max(iw*sar,ih))");
            // Even sides, for the picture's colours have half its size.
            let scale = format!(
                "scale=w='max(2,trunc(iw*sar*{factor}/2)*2)':h='max(2,trunc(ih*{factor}/2)*2)',setsar=1"
            );
            let threads = threads.max(1).to_string();
            [
                "-vf", &scale, "-c:v", "libx264", "-preset", "veryfast", "-crf", "23", "-maxrate", "4M",
                "-bufsize", "8M",
            ]
            .into_iter()
            .chain([
                "-pix_fmt",
                "yuv420p",
                "-force_key_frames",
                "expr:gte(t,n_forced*2)",
                "-threads",
                &threads,
            ])
            .map(str::to_owned)
            .collect()
        }
    };
    options
}

fn audio_options(made: Made) -> &'static [&'static str] {
    match made {
        Made::Copied => &["-c:a", "copy"],
        Made::Encoded => &["-c:a", "aac", "-b:a", "128k", "-ac", "2"],
    }
}

/// Fragments begin at key frames, last a second at least, and at most ten, so that little of them lies in memory. The
/// header waits for the first one: only then are edit lists right, which put the first picture at zero. Times below zero
/// stay: they are sound that is decoded ahead and not heard.
fn container_options() -> [&'static str; 10] {
    [
        "-avoid_negative_ts",
        "disabled",
        "-f",
        "mp4",
        "-min_frag_duration",
        "1000000",
        "-frag_duration",
        "10000000",
        "-movflags",
        "+frag_keyframe+delay_moov+default_base_moof+dash+skip_trailer",
    ]
}
