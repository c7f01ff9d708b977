//! Why an engine could not do its work: what value, whose fault, what now. Knows no status code.

use std::{io, path::PathBuf};

/// What goes wrong in engines.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A model's file is not there.
    #[error("model file {path} is missing; run `telecine models fetch`", path = path.display())]
    ModelMissing {
        /// Where it should be.
        path: PathBuf,
    },
    /// A file is there, but it is not the model that it should be.
    #[error("{model} {problem}; run `telecine models fetch` to replace it")]
    BadModel {
        /// Which model, in words.
        model: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// No speech model knows the language.
    #[error("speech in language `{language}` is not supported (supported: {}); give a transcription instead",
        supported.join(", "))]
    LanguageNotSupported {
        /// The language asked for.
        language: String,
        /// The languages that can be heard.
        supported: Vec<String>,
    },
    /// The caller asked to stop.
    #[error("stopped on request")]
    Cancelled,
    /// The audio could not be read.
    #[error("cannot read the audio: {0}")]
    Audio(#[source] io::Error),
    /// ONNX Runtime's shared library cannot be used.
    #[error("cannot use ONNX Runtime from {path}: {problem}; run `telecine models fetch`", path = path.display())]
    RuntimeUnusable {
        /// The library.
        path: PathBuf,
        /// What the loader said.
        problem: String,
    },
    /// ONNX Runtime refused a model or failed while it ran.
    #[error("inference failed: {0}")]
    Inference(#[from] ort::Error),
}

impl EngineError {
    pub(crate) fn bad_model(model: &'static str, problem: impl Into<String>) -> Self {
        Self::BadModel { model, problem: problem.into() }
    }

    /// The network's answer has another size than this code was written for.
    pub(crate) fn unexpected_output(model: &'static str, got: usize, expected: usize) -> Self {
        Self::bad_model(model, format!("gives {got} values where {expected} are expected"))
    }
}
