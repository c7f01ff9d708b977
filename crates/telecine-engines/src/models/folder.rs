//! The model folder: the one place that knows the names of files in it. Reads nothing.

use std::path::{Path, PathBuf};

/// Where models lie. The files need not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelFolder(PathBuf);

/// The sizes of the text reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OcrSize {
    /// Reads better.
    Small,
    /// Reads faster.
    Tiny,
}

impl ModelFolder {
    /// The models below this path.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// For `Runtime::load`.
    pub fn onnxruntime(&self) -> PathBuf {
        self.0.join("onnxruntime/libonnxruntime.so")
    }

    /// For `Vad::open`.
    pub fn silero_vad(&self) -> PathBuf {
        self.0.join("silero-vad/silero_vad.onnx")
    }

    /// For `Moonshine::open`.
    pub fn moonshine_tiny_en(&self) -> PathBuf {
        self.0.join("moonshine-tiny-en")
    }

    /// For `Whisper::open`; not fetched by default.
    pub fn whisper_base(&self) -> PathBuf {
        self.0.join("whisper-base")
    }

    /// Detection and recognition, for `PpOcr::open`.
    pub fn pp_ocrv6(&self, size: OcrSize) -> (PathBuf, PathBuf) {
        let folder = self.0.join(match size {
            OcrSize::Small => "pp-ocrv6-small",
            OcrSize::Tiny => "pp-ocrv6-tiny",
        });
        (folder.join("det.onnx"), folder.join("rec.onnx"))
    }

    /// For `Words::open`.
    pub fn minilm(&self) -> PathBuf {
        self.0.join("minilm")
    }

    /// For `Concept::open`.
    pub fn concept(&self) -> PathBuf {
        self.0.join("concept")
    }

    /// The model that writes; not fetched by default.
    pub fn writer(&self) -> PathBuf {
        self.0.join("qwen2.5-coder-0.5b-instruct/qwen2.5-coder-0.5b-instruct-q4_k_m.gguf")
    }

    /// A model that writes, and makes things up: quick to run, for tests of what lies around it.
    pub fn small_writer(&self) -> PathBuf {
        self.0.join("smollm2-135m-instruct/smollm2-135m-instruct-q4_1.gguf")
    }

    /// What our converters made, and out of what.
    pub(super) fn record(&self) -> PathBuf {
        self.0.join("layout.json")
    }

    /// Held while files are fetched into the folder.
    pub(super) fn lock(&self) -> PathBuf {
        self.0.join(".fetch.lock")
    }
}
