//! Measures what a pass costs: CPU seconds of the child and of this process, per minute of video.
//!
//! `cargo run --release -p telecine-media --example bench_decode -- FILE…` prints one row per file and profile.

use std::path::Path;
use std::time::Instant;

use telecine_media::{
    AudioPlan, DecodePlan, FramePlan, MediaConfig, MediaError, MediaTools, Profile, frame_channel,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), MediaError> {
    let tools = MediaTools::discover(MediaConfig::default()).await?;
    println!("ffmpeg {}, {}", tools.version(), tools.sandbox_status());
    println!("| file | profile | frames | child CPU s/min | own CPU s/min | wall s/min |");
    println!("|---|---|---:|---:|---:|---:|");
    for file in std::env::args_os().skip(1) {
        for profile in [Profile::Exact, Profile::Fast, Profile::Keyframes] {
            row(&tools, Path::new(&file), profile).await?;
        }
    }
    Ok(())
}

async fn row(tools: &MediaTools, file: &Path, profile: Profile) -> Result<(), MediaError> {
    let probe = tools.probe(file).await?;
    let minutes = probe.duration.as_secs_f64() / 60.0;
    let out = std::env::temp_dir().join(format!("bench-{}.s16", std::process::id()));
    let plan = DecodePlan {
        frames: probe.video.as_ref().map(|_| FramePlan { fps: 1.0, max_side: 736, profile }),
        audio: Some(AudioPlan { out: out.clone(), max_bytes: 1 << 30 }),
    };
    let (sender, mut frames) = frame_channel(64 << 20);
    let before = (cpu_s(libc::RUSAGE_CHILDREN), cpu_s(libc::RUSAGE_SELF), Instant::now());
    let drain = async {
        let mut bytes = 0;
        while let Some(frame) = frames.recv().await {
            bytes += std::hint::black_box(frame.rgb.len());
        }
        bytes
    };
    let (summary, _bytes) = tokio::join!(tools.decode(file, &probe, plan, sender), drain);
    let summary = summary?;
    println!(
        "| {} | {profile:?} | {} | {:.2} | {:.3} | {:.2} |",
        file.file_name().unwrap_or_default().display(),
        summary.frames,
        (cpu_s(libc::RUSAGE_CHILDREN) - before.0) / minutes,
        (cpu_s(libc::RUSAGE_SELF) - before.1) / minutes,
        before.2.elapsed().as_secs_f64() / minutes,
    );
    std::fs::remove_file(&out).map_err(|source| MediaError::Io { what: "removing the audio".into(), source })
}

/// User and system CPU seconds so far.
#[expect(unsafe_code, reason = "the standard library does not tell CPU time")]
fn cpu_s(who: libc::c_int) -> f64 {
    // SAFETY: all zeros is a valid rusage, and the call only writes into it.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(who, &raw mut usage);
        usage
    };
    let seconds = |t: libc::timeval| t.tv_sec as f64 + t.tv_usec as f64 / 1e6;
    seconds(usage.ru_utime) + seconds(usage.ru_stime)
}
