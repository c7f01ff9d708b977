//! A writer that says what a test tells it to, for the logic around writers; real models are tested elsewhere.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use telecine_engines::write::{Finish, WriteError, WriteRequest, Writer, Written};
use tokio::sync::mpsc;

/// What is said to one request.
#[derive(Debug, Clone)]
pub(crate) enum Said {
    /// The whole text, in pieces.
    Text(Vec<&'static str>),
    /// As much as there is room for.
    Cut(&'static str),
    /// Some of it, then a failure.
    Broken(Vec<&'static str>, WriteError),
    /// Some of it, then nothing more.
    Hanging(Vec<&'static str>),
}

/// What is said to the n-th request.
type Script = Box<dyn Fn(usize, &WriteRequest) -> Said + Send + Sync>;

/// Says by a function of how often it was asked before, and remembers what it was asked.
pub(crate) struct Scripted {
    say: Script,
    context_tokens: u32,
    asked: Mutex<Vec<WriteRequest>>,
    /// How many texts nobody waited for.
    pub(crate) abandoned: Arc<Mutex<usize>>,
}

impl Scripted {
    pub(crate) fn new(say: impl Fn(usize, &WriteRequest) -> Said + Send + Sync + 'static) -> Arc<Self> {
        Self::taking_in(4_096, say)
    }

    pub(crate) fn taking_in(
        context_tokens: u32,
        say: impl Fn(usize, &WriteRequest) -> Said + Send + Sync + 'static,
    ) -> Arc<Self> {
        let asked = Mutex::default();
        Arc::new(Self { say: Box::new(say), context_tokens, asked, abandoned: Arc::default() })
    }

    pub(crate) fn asked(&self) -> Vec<WriteRequest> {
        self.asked.lock().unwrap().clone()
    }
}

/// Counts a text that is dropped before its end.
struct Watch(Arc<Mutex<usize>>, bool);

impl Drop for Watch {
    fn drop(&mut self) {
        if !self.1 {
            *self.0.lock().unwrap() += 1;
        }
    }
}

#[async_trait]
impl Writer for Scripted {
    fn model_id(&self) -> &str {
        "scripted"
    }

    fn context_tokens(&self) -> u32 {
        self.context_tokens
    }

    async fn write(&self, request: &WriteRequest, to: &mpsc::Sender<String>) -> Result<Written, WriteError> {
        let before = {
            let mut asked = self.asked.lock().unwrap();
            asked.push(request.clone());
            asked.len() - 1
        };
        let given = (request.user.len() + request.system.len()) as u64 / 4 + u64::from(request.max_tokens);
        if given > u64::from(self.context_tokens) {
            return Err(WriteError::TooLong { given: Some(given), limit: Some(self.context_tokens.into()) });
        }
        let said = (self.say)(before, request);
        let mut watch = Watch(Arc::clone(&self.abandoned), false);
        let (pieces, end) = match said {
            Said::Text(pieces) => (pieces, Ok(Finish::Stop)),
            Said::Cut(text) => (vec![text], Ok(Finish::Length)),
            Said::Broken(pieces, error) => (pieces, Err(error)),
            Said::Hanging(pieces) => {
                for piece in pieces {
                    to.send(piece.to_owned()).await.map_err(|_| WriteError::Cancelled)?;
                }
                tokio::time::sleep(Duration::from_secs(3_600)).await;
                (Vec::new(), Ok(Finish::Stop))
            }
        };
        let output_tokens = pieces.len() as u64;
        for piece in pieces {
            to.send(piece.to_owned()).await.map_err(|_| WriteError::Cancelled)?;
        }
        watch.1 = true;
        end.map(|finish| Written { finish, input_tokens: Some(100), output_tokens })
    }
}
