//! Makes media in a temporary folder, and reads back the number that each of its pictures carries. The zoo proper is in
//! the folder of this name: how animals are made, what is expected of each, the judge, and a tour of all.

mod boxes;
mod expected;
mod judge;
mod making;
mod tour;
mod verdict;
mod watch;

use std::path::{Path, PathBuf};
use std::process::Command;

use telecine_media::{
    AudioPlan, DecodePlan, DecodeSummary, Frame, FramePlan, Limits, MediaConfig, MediaError, MediaTools,
    Probe, Profile, frame_channel,
};
use tempfile::TempDir;

pub(crate) use watch::Watch;

/// Frames per second of [`Zoo::counted`].
pub(crate) const FPS: f64 = 30.0;

/// Paints the frame's number as eight bars, least significant bit at the left: 160 × 48 pixels.
fn counter(first: u32) -> String {
    format!(
        "color=s=160x48:r=30,format=yuv420p,\
         geq=lum='if(mod(floor((N+{first})/pow(2,floor(X/20))),2),235,16)':cb=128:cr=128"
    )
}

/// How pictures and sound are encoded if nothing else is said.
const USUAL: &str = "-c:v libx264 -preset ultrafast -crf 18 -g 30 -bf 2 -c:a aac";

/// A burst of sound from 2.0 s to 2.2 s, silence around it.
pub(crate) const BURST: &str = "aevalsrc='if(between(t,2,2.2),0.8*sin(2*PI*440*t),0)':s=44100";

/// A folder of media that vanishes with the test.
pub(crate) struct Zoo {
    folder: TempDir,
}

impl Zoo {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs ffmpeg in the folder; arguments are separated by blanks, `name` comes last.
    pub(crate) fn make(&self, name: &str, args: &str) -> PathBuf {
        let args = args.split_whitespace();
        self.run(args.map(str::to_owned).chain([name.to_owned()]).collect());
        self.path(name)
    }

    fn run(&self, args: Vec<String>) {
        let mut ffmpeg = Command::new("ffmpeg");
        ffmpeg.current_dir(self.folder.path()).args(["-nostdin", "-v", "error", "-y"]).args(&args);
        let done = ffmpeg.output().expect("ffmpeg is installed");
        assert!(done.status.success(), "{args:?}: {}", String::from_utf8_lossy(&done.stderr));
    }

    /// A file of numbered frames with a burst of sound at 2 s. `filters` are appended to the picture's graph.
    pub(crate) fn counted(&self, name: &str, seconds: u32, filters: &str, options: &str) -> PathBuf {
        self.counted_from(0, name, seconds, filters, options)
    }

    /// The same, with numbers from `first` on.
    pub(crate) fn counted_from(
        &self,
        first: u32,
        name: &str,
        seconds: u32,
        filters: &str,
        options: &str,
    ) -> PathBuf {
        let picture = format!("{}{filters}", counter(first));
        let length = seconds.to_string();
        let inputs =
            ["-f", "lavfi", "-t", &length, "-i", &picture, "-f", "lavfi", "-t", &length, "-i", BURST];
        let options = USUAL.split_whitespace().chain(options.split_whitespace()).chain([name]);
        self.run(inputs.into_iter().chain(options).map(str::to_owned).collect());
        self.path(name)
    }

    /// Lets other users in, if this one may decide for them; whether it is root, that is.
    pub(crate) fn make_public(&self) -> bool {
        use std::os::unix::fs::{MetadataExt, PermissionsExt};
        let folder = self.folder.path();
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::metadata(folder).unwrap().uid() == 0
    }

    /// What most animals are made of: `source.nut`, three seconds that are not encoded, and `base.mp4`.
    pub(crate) fn stock(&self) {
        self.counted("source.nut", 3, "", "-c:v rawvideo -c:a pcm_s16le");
        self.make("base.mp4", &format!("-i source.nut {USUAL}"));
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        std::fs::write(self.path(name), bytes).unwrap();
        self.path(name)
    }
}

/// Whether this ffmpeg can encode so.
pub(crate) fn has_encoder(name: &str) -> bool {
    let encoders =
        Command::new("ffmpeg").args(["-hide_banner", "-encoders"]).output().expect("ffmpeg is installed");
    String::from_utf8_lossy(&encoders.stdout).contains(name)
}

pub(crate) async fn tools() -> MediaTools {
    tools_with(Limits::default()).await
}

pub(crate) async fn tools_with(limits: Limits) -> MediaTools {
    MediaTools::discover(MediaConfig { limits, ..MediaConfig::default() }).await.unwrap()
}

/// What a pass gave.
pub(crate) struct Decoded {
    pub(crate) probe: Probe,
    pub(crate) frames: Vec<Frame>,
    pub(crate) samples: Vec<i16>,
    pub(crate) summary: DecodeSummary,
}

pub(crate) fn plan(fps: f64, profile: Profile, audio: Option<PathBuf>) -> DecodePlan {
    DecodePlan {
        frames: Some(FramePlan { fps, max_side: 736, profile }),
        audio: audio.map(|out| AudioPlan { out, max_bytes: 64 << 20 }),
    }
}

/// Probes and decodes frames and sound.
pub(crate) async fn decode(file: &Path, fps: f64, profile: Profile) -> Result<Decoded, MediaError> {
    decode_with(&tools().await, file, fps, profile).await
}

pub(crate) async fn decode_with(
    tools: &MediaTools,
    file: &Path,
    fps: f64,
    profile: Profile,
) -> Result<Decoded, MediaError> {
    let probe = tools.probe(file).await?;
    let mut out = file.as_os_str().to_owned();
    out.push(".s16");
    let out = PathBuf::from(out);
    let (sender, mut receiver) = frame_channel(1 << 20);
    let collect = async {
        let mut frames = Vec::new();
        while let Some(frame) = receiver.recv().await {
            frames.push(frame);
        }
        frames
    };
    let plan = plan(fps, profile, Some(out.clone()));
    let (summary, frames) = tokio::join!(tools.decode(file, &probe, plan, sender), collect);
    let bytes = std::fs::read(&out).unwrap_or_default();
    let samples = bytes.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();
    Ok(Decoded { probe, frames, samples, summary: summary? })
}

/// The number that the picture carries.
pub(crate) fn number(frame: &Frame) -> u32 {
    let bar = frame.width / 8;
    (0..8).map(|bit| u32::from(frame.pixel(bar * bit + bar / 2, frame.height / 2)[1] > 128) << bit).sum()
}

/// When the sound starts, in seconds: the first sample that is clearly not silence.
pub(crate) fn burst_s(samples: &[i16]) -> f64 {
    let at =
        samples.iter().position(|sample| sample.unsigned_abs() > 3_000).expect("there is a burst of sound");
    at as f64 / f64::from(telecine_media::AUDIO_HZ)
}
