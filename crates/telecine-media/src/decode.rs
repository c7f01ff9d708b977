//! One pass of ffmpeg over a file: sampled frames at their true presentation times into a channel, and audio into a
//! file. It neither looks at pictures nor listens.
//!
//! Time: ffmpeg shifts every stream by the container's start, applies edit lists and mends discontinuities, as
//! players do; a frame's own timestamp then leaves the filter graph on a pipe of its own (`metadata=print`, in
//! microseconds by `settb`), one record ahead of each raw frame on stdout. Messages on stderr are never parsed for
//! it: a hostile file could forge them. Audio is padded and cut to start at zero, so that sample `n` plays at
//! `n / 16000` seconds.

mod filters;
mod reader;

use std::fs::File;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use reader::{FrameReader, Tally};

use crate::child::Running;
use crate::frames::FrameSender;
use crate::probe::{AudioStream, Probe, VideoStream, refused_size};
use crate::sandbox::pipe_to_parent;
use crate::tools::{Run, Tool};
use crate::{MediaError, MediaTime, MediaTools, pixels};

/// Samples per second of the decoded audio.
pub const AUDIO_HZ: u32 = 16_000;

/// Bytes of one sample.
const SAMPLE_BYTES: u64 = 2;

/// What to take from a file in one pass.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DecodePlan {
    /// Pictures, if wanted.
    pub frames: Option<FramePlan>,
    /// Sound, if wanted.
    pub audio: Option<AudioPlan>,
}

/// Which pictures.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FramePlan {
    /// Ticks per second, more than zero. The first frame shown at or after each tick is delivered, once: a picture that stays on for
    /// many ticks comes once. The first frame always comes, and so does the last if the headers told where it is.
    pub fps: f64,
    /// Longest side in pixels; larger pictures are scaled down, smaller ones are left as they are.
    pub max_side: u32,
    /// Accuracy against CPU time.
    pub profile: Profile,
}

/// How much of the video is really decoded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Profile {
    /// Every frame.
    #[default]
    Exact,
    /// Without frames that no other frame needs, and without deblocking, for codecs that gain by it (H.264, HEVC).
    /// Frames may come a few frame lengths late and look blocky; their times are still true.
    Fast,
    /// Only frames that can be decoded alone, thinned to the wanted rate. They may be many seconds apart: see
    /// [`DecodeSummary::longest_gap`].
    Keyframes,
}

/// Where the sound goes: signed 16-bit little-endian samples, mono, [`AUDIO_HZ`], without a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AudioPlan {
    /// The file, made or overwritten.
    pub out: PathBuf,
    /// Stop the sound (not the pictures) after this many bytes.
    pub max_bytes: u64,
}

/// What came out of a pass.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DecodeSummary {
    /// Frames delivered.
    pub frames: u64,
    /// Time of the first frame.
    pub first_pts: Option<MediaTime>,
    /// Time of the last frame.
    pub last_pts: Option<MediaTime>,
    /// Longest distance between two delivered frames.
    pub longest_gap: MediaTime,
    /// Samples in the audio file; zero without sound.
    pub audio_samples: u64,
    /// When the first sample plays: always [`MediaTime::ZERO`], for silence fills what comes before.
    pub audio_start: MediaTime,
    /// Whether the sound was cut off at [`AudioPlan::max_bytes`].
    pub audio_truncated: bool,
    /// What ffmpeg complained about while it carried on; empty for a sound file.
    pub complaints: String,
}

impl MediaTools {
    /// Decodes a file that was [probed](MediaTools::probe). Frames go to `frames` in order of presentation; a slow
    /// consumer slows the child down and costs it no wall-clock budget. Dropping the future kills the child. A file
    /// without sound leaves an empty audio file.
    ///
    /// # Errors
    /// [`MediaError::Broken`] when nothing could be decoded or the decoder gave up; [`MediaError::NoSuchStream`]
    /// when frames are wanted and there is no video; [`MediaError::ReceiverGone`] when nobody takes the frames.
    pub async fn decode(
        &self,
        path: &Path,
        probe: &Probe,
        plan: DecodePlan,
        frames: FrameSender,
    ) -> Result<DecodeSummary, MediaError> {
        let mut run = self.decode_run(path, probe, &plan)?;
        let sound = plan.audio.as_ref().map(|audio| Sound::create(probe, audio)).transpose()?;
        let mut reader = None;
        if let Some(pictures) = plan.frames.map(|plan| self.pictures(probe, plan)).transpose()? {
            let (times, writer) = pipe_to_parent().map_err(MediaError::io("making a pipe"))?;
            pictures.write_args(probe, writer.as_raw_fd(), &mut run);
            run.inherit.push(writer);
            reader = Some((pictures, times));
        }
        let hears = sound.as_ref().is_some_and(|sound| sound.stream.is_some());
        if reader.is_none() && !hears {
            return match plan.audio {
                Some(_) => Ok(DecodeSummary::default()),
                None => Err(MediaError::NoSuchStream { wanted: "video or audio".into() }),
            };
        }
        if let (Some(sound), Some(audio)) = (sound, &plan.audio) {
            sound.write_args(audio, &mut run);
        }
        let mut child = self.start(Tool::Ffmpeg, run)?;
        let tally = match reader {
            Some((pictures, times)) => pictures.read(&mut child, times, frames).await?,
            None => Tally::default(),
        };
        conclude(child, tally, &plan, self.limits().max_pixels).await
    }

    /// The part of the command line that comes before the outputs.
    fn decode_run(&self, path: &Path, probe: &Probe, plan: &DecodePlan) -> Result<Run, MediaError> {
        let mut run = Run::whole(self.limits(), probe.duration);
        run.args(["-hide_banner", "-nostdin", "-nostats", "-v", "error"]).args(self.input_options());
        if let (Some(frames), Some(video)) = (plan.frames, &probe.video) {
            run.args(filters::decoder_options(frames.profile, &video.codec));
        }
        run.input(path)?;
        Ok(run)
    }

    fn pictures<'a>(&self, probe: &'a Probe, plan: FramePlan) -> Result<Pictures<'a>, MediaError> {
        let wanted = "video".to_owned();
        let stream = probe.video.as_ref().ok_or(MediaError::NoSuchStream { wanted })?;
        let value = u64::from(stream.coded_width) * u64::from(stream.coded_height);
        let limit = self.limits().max_pixels;
        if value > limit {
            return Err(MediaError::TooLarge { what: "the picture (pixels)", value, limit });
        }
        let (width, height) = pixels::fit(stream.width, stream.height, plan.max_side);
        Ok(Pictures { stream, plan, width, height })
    }
}

/// The video half of a pass.
struct Pictures<'a> {
    stream: &'a VideoStream,
    plan: FramePlan,
    width: u32,
    height: u32,
}

impl Pictures<'_> {
    fn write_args(&self, probe: &Probe, times_fd: i32, run: &mut Run) {
        let end = self.stream.end.unwrap_or(probe.duration);
        let chain = filters::video(&self.plan, self.width, self.height, end, times_fd);
        run.args(["-map", &format!("0:{}", self.stream.index), "-vf", &chain]);
        run.args(["-fps_mode", "passthrough", "-pix_fmt", "rgb24", "-f", "rawvideo", "pipe:1"]);
    }

    async fn read(&self, child: &mut Running, times: File, frames: FrameSender) -> Result<Tally, MediaError> {
        let stdout = child.take_stdout();
        let mut reader = FrameReader::new(stdout, times, self.width, self.height, self.plan.fps)
            .map_err(MediaError::io("reading a pipe"))?;
        reader.deliver(child, &frames).await
    }
}

/// The audio half of a pass: the file is opened here, for the child may open none to write.
struct Sound {
    stream: Option<AudioStream>,
    file: OwnedFd,
}

impl Sound {
    fn create(probe: &Probe, plan: &AudioPlan) -> Result<Self, MediaError> {
        let file = File::create(&plan.out).map_err(MediaError::opening(&plan.out))?;
        let stream = probe.default_audio().filter(|stream| stream.is_decodable()).cloned();
        Ok(Self { stream, file: file.into() })
    }

    fn write_args(self, plan: &AudioPlan, run: &mut Run) {
        let Some(stream) = self.stream else { return };
        let filters = filters::audio(plan.max_bytes / SAMPLE_BYTES);
        run.args(["-map", &format!("0:{}", stream.index), "-af", &filters, "-ac", "1", "-f", "s16le"]);
        run.arg(format!("pipe:{}", self.file.as_raw_fd()));
        run.file_bytes = plan.max_bytes;
        run.inherit.push(self.file);
    }
}

/// Waits for the child and judges what it leaves behind.
async fn conclude(
    child: Running,
    tally: Tally,
    plan: &DecodePlan,
    max_pixels: u64,
) -> Result<DecodeSummary, MediaError> {
    let ended = child.end().await?;
    ended.within_limits()?;
    if let (0, Some(value)) = (tally.frames, refused_size(&ended.stderr)) {
        return Err(MediaError::TooLarge { what: "the picture (pixels)", value, limit: max_pixels });
    }
    if !ended.status.success() {
        return Err(MediaError::Broken { detail: ended.detail() });
    }
    if plan.frames.is_some() && tally.frames == 0 {
        let detail = format!("no picture could be decoded: {}", ended.detail());
        return Err(MediaError::Broken { detail });
    }
    let mut summary = DecodeSummary {
        frames: tally.frames,
        first_pts: tally.first,
        last_pts: tally.last,
        longest_gap: tally.longest_gap,
        complaints: if ended.stderr.is_empty() { String::new() } else { ended.detail() },
        ..DecodeSummary::default()
    };
    if let Some(audio) = &plan.audio {
        let bytes = tokio::fs::metadata(&audio.out).await.map_err(MediaError::opening(&audio.out))?.len();
        summary.audio_samples = bytes / SAMPLE_BYTES;
        summary.audio_truncated = summary.audio_samples >= audio.max_bytes / SAMPLE_BYTES;
    }
    Ok(summary)
}
