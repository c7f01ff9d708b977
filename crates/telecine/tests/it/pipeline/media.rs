//! Small videos for the tests, made by ffmpeg out of pinned media.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Seconds of the trailer with its four captions, 13 s in all.
const CAPTIONED: &str = "between(t,9.8,13)+between(t,16,19)+between(t,32,35)+between(t,47,50)";

/// A pinned recording or film.
pub(crate) fn pinned(name: &str) -> PathBuf {
    let default = || PathBuf::from(env::var_os("HOME").expect("HOME is set")).join(".cache/telecine");
    let file = env::var_os("TELECINE_CACHE").map_or_else(default, PathBuf::from).join("media").join(name);
    assert!(file.exists(), "{} is missing; run `scripts/setup.sh`", file.display());
    file
}

pub(crate) fn ffmpeg(args: &[&str], out: &Path) {
    let mut command = Command::new("ffmpeg");
    let done = command.args(["-v", "error", "-nostdin", "-y"]).args(args).arg(out).output();
    let done = done.expect("ffmpeg is installed (Debian package ffmpeg)");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a readable path")
}

/// The parts of the trailer with captions, 720p, with its music.
pub(crate) fn captioned_trailer(out: &Path) {
    let video = format!("select='{CAPTIONED}',setpts=N/24/TB");
    let audio = format!("aselect='{CAPTIONED}',asetpts=N/SR/TB");
    let input = pinned("trailer_bbb.mp4");
    let coding = ["-c:v", "libx264", "-preset", "ultrafast", "-crf", "20", "-c:a", "aac", "-ac", "2"];
    let args = [&["-i", text(&input), "-vf", &video, "-af", &audio], &coding[..]].concat();
    ffmpeg(&args, out);
}

/// Twelve seconds of "It was the best of times" over a street, 360p.
pub(crate) fn speech(out: &Path) {
    let (street, reading) = (pinned("bikes.mp4"), pinned("two_cities.wav"));
    let args = ["-stream_loop", "-1", "-i", text(&street), "-i", text(&reading), "-t", "12"];
    let coding =
        ["-vf", "scale=852:362", "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac", "-ac", "1"];
    let args = [&args[..], &["-map", "0:v:0", "-map", "1:a:0"], &coding].concat();
    ffmpeg(&args, out);
}

/// The video with a text track of these captions (SRT) in English.
pub(crate) fn with_text_track(video: &Path, srt: &Path, out: &Path) {
    let args = ["-i", text(video), "-i", text(srt), "-map", "0", "-map", "1", "-c", "copy"];
    ffmpeg(&[&args[..], &["-c:s", "mov_text", "-metadata:s:s:0", "language=eng"]].concat(), out);
}

/// Some seconds of moving test pictures, without sound.
pub(crate) fn silent(out: &Path, size: &str, seconds: u32) {
    let source = format!("testsrc2=size={size}:rate=10:duration={seconds}");
    ffmpeg(&["-f", "lavfi", "-i", &source, "-c:v", "libx264", "-preset", "ultrafast"], out);
}

/// The first part of a file only, as a broken download leaves it. Its headers are at the front and promise the whole.
pub(crate) fn cut_off(video: &Path, out: &Path, keep: f64) {
    let whole = out.with_extension("whole.mp4");
    ffmpeg(&["-i", text(video), "-c", "copy", "-movflags", "+faststart"], &whole);
    let bytes = std::fs::read(&whole).expect("the file was made");
    std::fs::write(out, &bytes[..(bytes.len() as f64 * keep) as usize]).expect("written");
}
