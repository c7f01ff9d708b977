//! Text generation: the `Writer` seam, a local model in a process of its own, and any OpenAI-compatible endpoint.
//! Knows how text is asked for and how it comes back; not what it is about.

mod grammar;
mod local;
mod openai;
mod schema;

use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::mpsc;

pub use self::{
    local::{Confine, LocalConfig, LocalWriter},
    openai::{OpenAiConfig, OpenAiWriter},
    schema::{Schema, SchemaError},
};

/// What a writer is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct WriteRequest {
    /// Who it is and what it must do: ours, never a user's.
    pub system: String,
    /// What the user asks, and the data: markers of a model's chat format in it are plain text.
    pub user: String,
    /// The shape that the text must have; none for plain text.
    pub schema: Option<Schema>,
    /// At most so much text comes back.
    pub max_tokens: u32,
    /// 0 for the likeliest words, 1 for bolder ones.
    pub temperature: f32,
    /// The same request with the same seed gives the same text, where the engine can.
    pub seed: u32,
}

/// How a text ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// By itself.
    Stop,
    /// Cut at the limit of tokens.
    Length,
}

/// What a text took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// How it ended.
    pub finish: Finish,
    /// Tokens read; none where the engine does not tell.
    pub input_tokens: Option<u64>,
    /// Tokens written. An endpoint that does not tell them is counted by its pieces.
    pub output_tokens: u64,
}

/// Why there is no text, or only a part of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// The engine cannot be reached, crashed or refuses; the text says which and why.
    #[error("{0}")]
    Unavailable(String),
    /// It took longer than allowed.
    #[error("the text was not written within {} seconds", .0.as_secs())]
    TimedOut(Duration),
    /// Instructions, data and answer do not fit into what the model takes in.
    #[error("the model takes in {} tokens, and {} were given", or_unknown(*limit), or_unknown(*given))]
    TooLong {
        /// With the room for the answer, where it is known.
        given: Option<u64>,
        /// Where it is known.
        limit: Option<u64>,
    },
    /// Too many others wait.
    #[error("too many texts are being waited for")]
    Busy,
    /// Nobody listens any more.
    #[error("nobody listens to the text any more")]
    Cancelled,
}

fn or_unknown(count: Option<u64>) -> String {
    count.map_or_else(|| "an unknown number of".to_owned(), |count| count.to_string())
}

/// Writes text. Implementations bound their own memory and time; how many write at once is theirs, too.
#[async_trait]
pub trait Writer: Send + Sync {
    /// Names the model.
    fn model_id(&self) -> &str;

    /// What the model takes in: instructions, data and answer together.
    fn context_tokens(&self) -> u32;

    /// Writes one text and sends it piece by piece; pieces end anywhere, but never inside a letter. Dropping the future
    /// or closing the channel ends the work at once.
    async fn write(&self, request: &WriteRequest, to: &mpsc::Sender<String>) -> Result<Written, WriteError>;
}

/// An estimate of a text's tokens that needs no model: four bytes each, as English has them on average.
pub fn estimated_tokens(text: &str) -> u64 {
    text.len().div_ceil(4) as u64
}
