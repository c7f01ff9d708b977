//! Settings of the writer: what makes text of videos.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What makes text of videos.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WriterConfig {
    /// What writes: `none`, `local` (a model on this machine) or `openai` (an endpoint of that kind) (default: `local`
    /// where a model and the program are there, else `none`).
    pub kind: Option<WriterKind>,
    /// The local model, a GGUF file (default: the one of `telecine models fetch --set qwen2.5-coder-0.5b`).
    pub model_file: Option<PathBuf>,
    /// The program that runs it (default: `telecine-writer` beside the server's own).
    pub program: Option<PathBuf>,
    /// What the model takes in, instructions, data and answer together (default 4096).
    pub context_tokens: u32,
    /// Threads of the local model (default: cores).
    pub threads: Option<u32>,
    /// Processes of the local model, each of which writes one text at a time (default 1).
    pub processes: usize,
    /// Address space of such a process (default 4 GiB).
    pub memory_bytes: u64,
    /// Seconds for loading the local model (default 60).
    pub load_timeout_s: u64,
    /// Seconds for writing one text (default 300).
    pub timeout_s: u64,
    /// Texts that are written or waited for at once; more are refused (default 16).
    pub max_waiting: usize,
    /// Base URL of the endpoint, such as `https://api.openai.com/v1`. What is said, read and seen in videos is sent there.
    pub endpoint_url: Option<String>,
    /// The model, as the endpoint names it.
    pub model: Option<String>,
    /// File with the endpoint's key.
    pub api_key_file: Option<PathBuf>,
    /// Environment variable with the endpoint's key.
    pub api_key_variable: Option<String>,
    /// Requests to the endpoint at once (default 4).
    pub requests: usize,
}

impl Default for WriterConfig {
    fn default() -> Self {
        Self {
            kind: None,
            model_file: None,
            program: None,
            context_tokens: 4096,
            threads: None,
            processes: 1,
            memory_bytes: 4 << 30,
            load_timeout_s: 60,
            timeout_s: 300,
            max_waiting: 16,
            endpoint_url: None,
            model: None,
            api_key_file: None,
            api_key_variable: None,
            requests: 4,
        }
    }
}

/// What writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WriterKind {
    /// Nothing: text cannot be asked for.
    None,
    /// A model on this machine.
    Local,
    /// An OpenAI-compatible endpoint.
    Openai,
}
