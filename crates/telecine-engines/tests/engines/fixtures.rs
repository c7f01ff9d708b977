//! Where the tests find models and media, and how media become what engines take. Nothing is downloaded here.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use telecine_engines::{hear::read_s16le, runtime::Runtime};

/// A file in the model folder (`TELECINE_MODELS`, else `models` in the cache folder).
pub(crate) fn model(path: &str) -> PathBuf {
    let folder = env::var_os("TELECINE_MODELS").map_or_else(|| cache().join("models"), PathBuf::from);
    let file = folder.join(path);
    assert!(file.exists(), "{} is missing; run `telecine models fetch`", file.display());
    file
}

/// A sample video or recording from a pinned package.
pub(crate) fn media(name: &str) -> PathBuf {
    let file = cache().join("media").join(name);
    assert!(file.exists(), "{} is missing; run `scripts/setup.sh`", file.display());
    file
}

pub(crate) fn runtime() -> Runtime {
    Runtime::load(&model("onnxruntime/libonnxruntime.so")).expect("ONNX Runtime loads")
}

/// The file's audio as mono samples at 16 kHz.
pub(crate) fn pcm_16k(file: &Path) -> Vec<f32> {
    let bytes = ffmpeg(file, &["-f", "s16le", "-ac", "1", "-ar", "16000"]);
    read_s16le(bytes.as_slice()).flat_map(|chunk| chunk.expect("memory can be read")).collect()
}

/// The frame shown at `at_s` seconds, in RGB, `width` × `height`.
pub(crate) fn frame(file: &Path, at_s: f64, width: u32, height: u32) -> Vec<u8> {
    let filter = format!("trim=start={at_s},scale={width}:{height}");
    let rgb = ffmpeg(file, &["-vf", &filter, "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgb24"]);
    assert_eq!(rgb.len(), (width * height * 3) as usize, "{} has a frame at {at_s} s", file.display());
    rgb
}

fn ffmpeg(input: &Path, output: &[&str]) -> Vec<u8> {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-nostdin", "-i"]).arg(input).args(output).arg("-");
    let done = command.output().expect("ffmpeg is installed (Debian package ffmpeg)");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    done.stdout
}

fn cache() -> PathBuf {
    let default = || PathBuf::from(env::var_os("HOME").expect("HOME is set")).join(".cache/telecine");
    env::var_os("TELECINE_CACHE").map_or_else(default, PathBuf::from)
}
