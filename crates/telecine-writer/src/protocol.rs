//! What is said between the server and this process; `telecine-engines` (`write/local.rs`) has the other end.

use serde::{Deserialize, Serialize};

/// A text that is wanted.
#[derive(Debug, Deserialize)]
pub(crate) struct Order {
    pub(crate) system: String,
    pub(crate) user: String,
    pub(crate) grammar: Option<String>,
    pub(crate) max_tokens: u32,
    pub(crate) temperature: f32,
    pub(crate) seed: u32,
}

/// What comes back.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Line {
    /// The model is loaded.
    Ready,
    /// A piece of the text.
    Text(String),
    /// The text is whole.
    Done { finish: &'static str, input_tokens: u64, output_tokens: u64 },
    /// It does not fit into the context.
    TooLong { given: u64, limit: u64 },
    /// There is no text.
    Failed(String),
}
