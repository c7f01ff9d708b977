//! A local model behind llama.cpp, in a process of its own (`telecine-writer`): a hostile or broken model file can harm
//! that process and nothing else. Speaks JSON lines with it; ends it when it is slow or nobody listens, and starts
//! another one for the next text.

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{Instant, timeout_at};

use super::{Finish, WriteError, WriteRequest, Writer, Written};

/// Longest line that is taken from the process.
const MAX_LINE_BYTES: u64 = 1 << 20;
/// Of what it says on its error output, so much is kept for the log.
const LAST_WORDS_BYTES: usize = 2_000;

/// Puts walls around a command before it is started.
pub type Confine = Arc<dyn Fn(&mut std::process::Command) -> io::Result<()> + Send + Sync>;

/// How the model is run.
#[derive(Debug, Clone)]
pub struct LocalConfig {
    /// The program `telecine-writer`.
    pub program: PathBuf,
    /// A GGUF file.
    pub model: PathBuf,
    /// What the model is to take in.
    pub context_tokens: u32,
    /// Threads of one process.
    pub threads: u32,
    /// Processes at once; each holds the model's working memory, and they share its weights.
    pub processes: usize,
    /// For reading the model file.
    pub load_timeout: Duration,
    /// For one text.
    pub timeout: Duration,
}

/// The local model.
pub struct LocalWriter {
    config: LocalConfig,
    model_id: String,
    confine: Confine,
    permits: Semaphore,
    idle: Mutex<Vec<Process>>,
}

/// What is sent, one object a line.
#[derive(Serialize)]
struct Order<'a> {
    system: &'a str,
    user: &'a str,
    grammar: Option<String>,
    max_tokens: u32,
    temperature: f32,
    seed: u32,
}

/// What comes back, one object a line.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Ready,
    Text(String),
    Done { finish: Finish, input_tokens: u64, output_tokens: u64 },
    TooLong { given: u64, limit: u64 },
    Failed(String),
}

struct Process {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    last_words: Arc<Mutex<VecDeque<u8>>>,
}

impl LocalWriter {
    /// Starts nothing yet: the first text does.
    pub fn new(config: LocalConfig, confine: Confine) -> Self {
        let name = config.model.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let permits = Semaphore::new(config.processes.max(1));
        Self { config, model_id: name, confine, permits, idle: Mutex::new(Vec::new()) }
    }

    fn take_idle(&self) -> Option<Process> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        // One that has ended in the meantime is no use.
        while let Some(mut process) = idle.pop() {
            if matches!(process.child.try_wait(), Ok(None)) {
                return Some(process);
            }
        }
        None
    }

    async fn start(&self) -> Result<Process, WriteError> {
        let LocalConfig { program, model, context_tokens, threads, load_timeout, .. } = &self.config;
        let cannot = |error: io::Error| {
            WriteError::Unavailable(format!("the program {} cannot be started: {error}", program.display()))
        };
        let mut command = std::process::Command::new(program);
        command.arg("--model").arg(model);
        command.args(["--context-tokens", &context_tokens.to_string(), "--threads", &threads.to_string()]);
        command.env_clear().env("LC_ALL", "C").current_dir("/");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        (self.confine)(&mut command).map_err(cannot)?;
        let mut child = Command::from(command).kill_on_drop(true).spawn().map_err(cannot)?;
        let last_words = Arc::default();
        let stderr = child.stderr.take().expect("it was piped");
        tokio::spawn(keep_last_words(stderr, Arc::clone(&last_words)));
        let stdin = child.stdin.take().expect("it was piped");
        let stdout = BufReader::new(child.stdout.take().expect("it was piped"));
        let mut process = Process { child, stdin, stdout, last_words };
        let begun = Instant::now();
        match process.line(begun + *load_timeout, *load_timeout).await? {
            Line::Ready => {
                let load_ms = begun.elapsed().as_millis() as u64;
                tracing::info!(model = self.model_id, load_ms, "the writer's model is loaded");
                Ok(process)
            }
            Line::Failed(why) => {
                Err(WriteError::Unavailable(format!("the model {} cannot be used: {why}", model.display())))
            }
            other => Err(unexpected(&other)),
        }
    }
}

#[async_trait]
impl Writer for LocalWriter {
    fn model_id(&self) -> &str {
        &self.model_id
    }

    fn context_tokens(&self) -> u32 {
        self.config.context_tokens
    }

    async fn write(&self, request: &WriteRequest, to: &mpsc::Sender<String>) -> Result<Written, WriteError> {
        let _permit = tokio::select! {
            permit = self.permits.acquire() => permit.expect("the semaphore is never closed"),
            () = to.closed() => return Err(WriteError::Cancelled),
        };
        let mut process = match self.take_idle() {
            Some(process) => process,
            None => self.start().await?,
        };
        // Unless it comes back whole, it is ended: it falls out of here.
        let written = process.write(request, to, self.config.timeout).await;
        if matches!(written, Ok(_) | Err(WriteError::TooLong { .. })) {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(process);
        }
        written
    }
}

impl Process {
    async fn write(
        &mut self,
        request: &WriteRequest,
        to: &mpsc::Sender<String>,
        limit: Duration,
    ) -> Result<Written, WriteError> {
        let deadline = Instant::now() + limit;
        let order = Order {
            system: &request.system,
            user: &request.user,
            grammar: request.schema.as_ref().map(super::Schema::grammar),
            max_tokens: request.max_tokens,
            temperature: request.temperature,
            seed: request.seed,
        };
        let mut order = serde_json::to_vec(&order).map_err(|e| WriteError::Unavailable(e.to_string()))?;
        order.push(b'\n');
        match timeout_at(deadline, self.stdin.write_all(&order)).await {
            Err(_) => return Err(WriteError::TimedOut(limit)),
            Ok(Err(_)) => return Err(self.ended().await),
            Ok(Ok(())) => {}
        }
        loop {
            let line = tokio::select! {
                line = self.line(deadline, limit) => line?,
                () = to.closed() => return Err(WriteError::Cancelled),
            };
            match line {
                Line::Text(text) => {
                    let sent = timeout_at(deadline, to.send(text)).await;
                    sent.map_err(|_| WriteError::TimedOut(limit))?.map_err(|_| WriteError::Cancelled)?;
                }
                Line::Done { finish, input_tokens, output_tokens } => {
                    return Ok(Written { finish, input_tokens: Some(input_tokens), output_tokens });
                }
                Line::TooLong { given, limit } => {
                    return Err(WriteError::TooLong { given: Some(given), limit: Some(limit) });
                }
                Line::Failed(why) => {
                    return Err(WriteError::Unavailable(format!("the writer failed: {why}")));
                }
                Line::Ready => return Err(unexpected(&Line::Ready)),
            }
        }
    }

    async fn line(&mut self, deadline: Instant, limit: Duration) -> Result<Line, WriteError> {
        let mut bytes = Vec::new();
        let mut bounded = (&mut self.stdout).take(MAX_LINE_BYTES);
        let read = timeout_at(deadline, bounded.read_until(b'\n', &mut bytes)).await;
        match read.map_err(|_| WriteError::TimedOut(limit))? {
            Ok(_) if bytes.ends_with(b"\n") => serde_json::from_slice(&bytes).map_err(|error| {
                WriteError::Unavailable(format!("the writer's process made no sense: {error}"))
            }),
            _ => Err(self.ended().await),
        }
    }

    /// Why it can be that nothing comes any more.
    async fn ended(&mut self) -> WriteError {
        let status = tokio::time::timeout(Duration::from_secs(1), self.child.wait()).await;
        let status = match status {
            Ok(Ok(status)) => status.to_string(),
            _ => "no status".to_owned(),
        };
        // What it said last may still be on its way.
        tokio::time::sleep(Duration::from_millis(20)).await;
        let last: Vec<u8> =
            self.last_words.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect();
        tracing::warn!(status, last_words = %String::from_utf8_lossy(&last), "the writer's process ended");
        WriteError::Unavailable(format!("the writer's process ended ({status})"))
    }
}

fn unexpected(line: &Line) -> WriteError {
    WriteError::Unavailable(format!("the writer's process said {line:?} where it may not"))
}

async fn keep_last_words(mut stderr: impl AsyncRead + Unpin, kept: Arc<Mutex<VecDeque<u8>>>) {
    let mut chunk = [0; 1024];
    while let Ok(count @ 1..) = stderr.read(&mut chunk).await {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend(&chunk[..count]);
        let excess = kept.len().saturating_sub(LAST_WORDS_BYTES);
        kept.drain(..excess);
    }
}
