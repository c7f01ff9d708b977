//! Free questions about a video: a prompt, and the text that answers it, whole or piece by piece.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use telecine_engines::write::{Finish, Schema, estimated_tokens};
use tokio::sync::mpsc;
use uuid::Uuid;

use super::writing::{Desk, Task, Usage};
use crate::app::App;
use crate::fault::{Code, Error, Fault, Result};
use crate::ids::{VideoId, WorkspaceId};

/// What is said of a video of which nothing is known.
const NOTHING_KNOWN: &str =
    "Nothing is said or shown as text in this video, and nothing was recognised in its pictures.";
/// An answer that must have a shape is asked for again once.
const TRIES: u32 = 2;
/// Pieces on their way.
const PIECES: usize = 16;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AnswerRequest {
    /// About which video.
    pub video: VideoId,
    /// The user's words.
    pub prompt: String,
    /// Only this part, in seconds.
    #[serde(default)]
    pub start_s: Option<f64>,
    /// Only this part, in seconds.
    #[serde(default)]
    pub end_s: Option<f64>,
    /// 0 to 1.
    pub temperature: f32,
    /// Longest answer.
    #[serde(default)]
    pub max_tokens: Option<u32>,
    /// A JSON schema that the answer must fulfil.
    #[serde(default)]
    pub schema: Option<Value>,
}

/// The shape of an answer, read.
pub type ResponseFormat = Option<Schema>;

/// The whole answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// Of this answer.
    pub id: Uuid,
    /// The text.
    pub text: String,
    /// How it ended.
    pub finish: Finish,
    /// What it took.
    pub usage: Usage,
}

/// What is told while an answer is written.
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    /// A piece of it; the first one comes with the answer's id.
    Text(Uuid, String),
    /// It is whole.
    End(Uuid, Finish, Usage),
}

/// How long a prompt may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PromptLimit {
    /// Characters.
    Chars(usize),
    /// Tokens, estimated at four bytes each: an endpoint's own count cannot be had.
    Tokens(u64),
}

impl AnswerRequest {
    /// Refuses what cannot be answered, before anything is looked up.
    ///
    /// # Errors
    /// `token_limit_exceeded`, `parameter_invalid`.
    pub fn check(&self, limit: PromptLimit) -> Result<(), Fault> {
        let (count, is_long, rule) = match limit {
            PromptLimit::Chars(most) => {
                let count = self.prompt.chars().count();
                (format!("{count} characters"), count > most, format!("at most {most} characters"))
            }
            PromptLimit::Tokens(most) => {
                let count = estimated_tokens(&self.prompt);
                let rule = format!("at most {most} tokens, counted as 4 bytes each");
                (format!("about {count} tokens"), count > most, rule)
            }
        };
        if is_long {
            return Err(Fault::because(Code::TokenLimitExceeded, "The prompt is too long.")
                .value(count)
                .rule(rule)
                .remedy("Shorten the prompt."));
        }
        self.response_format().map(drop)
    }

    /// The schema, read.
    ///
    /// # Errors
    /// `parameter_invalid` for a schema that answers cannot be held to.
    pub fn response_format(&self) -> Result<ResponseFormat, Fault> {
        let parsed = self.schema.as_ref().map(Schema::parse).transpose();
        parsed.map_err(|error| {
            Fault::parameter("The response_format parameter is not a schema that can be held to.")
                .value(error.to_string())
                .rule(
                    "type, properties, required, items, minItems, maxItems, enum, const, anyOf, oneOf, minLength, \
                     maxLength, minimum, maximum and $ref into $defs",
                )
        })
    }

    async fn open(&self, app: &App, workspace: WorkspaceId) -> Result<Desk> {
        Desk::open(app, workspace, self.video, (self.start_s, self.end_s), self.temperature).await
    }
}

/// Answers, telling each piece as it comes. What fails before the first piece is an error; so is what fails after it.
///
/// # Errors
/// When there is no such video, its index generates nothing, or the writer fails.
pub async fn answer(
    app: &App,
    workspace: WorkspaceId,
    request: &AnswerRequest,
    to: &mpsc::Sender<Told>,
) -> Result<()> {
    let mut desk = request.open(app, workspace).await?;
    let schema = request.response_format()?;
    let id = Uuid::new_v4();
    if desk.material.is_empty() {
        nothing_known(schema.as_ref())?;
        tell(to, Told::Text(id, NOTHING_KNOWN.to_owned())).await;
        tell(to, Told::End(id, Finish::Stop, desk.usage)).await;
        return Ok(());
    }
    let task = Task {
        text: &request.prompt,
        schema: schema.as_ref(),
        max_tokens: desk.answer_tokens(request.max_tokens),
    };
    let reading = desk.read_in_parts(&task);
    tokio::select! {
        read = reading => read?,
        () = to.closed() => return Ok(()),
    }
    let (pieces, mut heard) = mpsc::channel(PIECES);
    let writing = async {
        let ended = desk.stream(&task, &pieces).await;
        drop(pieces);
        ended
    };
    let forwarding = async {
        let mut all = String::new();
        while let Some(piece) = heard.recv().await {
            all.push_str(&piece);
            tell(to, Told::Text(id, piece)).await;
        }
        all
    };
    let both = async { tokio::join!(writing, forwarding) };
    let (ended, all) = tokio::select! {
        both = both => both,
        // The writer is ended with this future.
        () = to.closed() => return Ok(()),
    };
    let finish = ended?;
    if let (Some(schema), Finish::Stop) = (&schema, finish) {
        fulfils(schema, &all).map_err(|problem| unfulfilled(&problem))?;
    }
    tell(to, Told::End(id, finish, desk.usage)).await;
    Ok(())
}

/// Answers when all is written.
///
/// # Errors
/// As [`answer`].
pub async fn answer_at_once(app: &App, workspace: WorkspaceId, request: &AnswerRequest) -> Result<Answer> {
    let mut desk = request.open(app, workspace).await?;
    let schema = request.response_format()?;
    let id = Uuid::new_v4();
    if desk.material.is_empty() {
        nothing_known(schema.as_ref())?;
        return Ok(Answer { id, text: NOTHING_KNOWN.to_owned(), finish: Finish::Stop, usage: desk.usage });
    }
    let max_tokens = desk.answer_tokens(request.max_tokens);
    let mut asked = request.prompt.clone();
    desk.read_in_parts(&Task { text: &request.prompt, schema: schema.as_ref(), max_tokens }).await?;
    let mut problem = String::new();
    for _ in 0..TRIES {
        let (text, finish) = desk.write(&Task { text: &asked, schema: schema.as_ref(), max_tokens }).await?;
        let fulfilled = match (&schema, finish) {
            (Some(schema), Finish::Stop) => fulfils(schema, &text),
            // What was cut off cannot be whole; how it ended tells so.
            _ => Ok(()),
        };
        match fulfilled {
            Ok(()) => return Ok(Answer { id, text, finish, usage: desk.usage }),
            Err(refused) => {
                asked = format!("{}\nAn earlier answer was refused: {refused}.", request.prompt);
                problem = refused;
            }
        }
    }
    Err(unfulfilled(&problem).into())
}

fn fulfils(schema: &Schema, text: &str) -> Result<(), String> {
    let value: Value = serde_json::from_str(text).map_err(|_| "it is not JSON".to_owned())?;
    schema.check(&value).map_err(|error| error.to_string())
}

fn unfulfilled(problem: &str) -> Fault {
    Fault::because(Code::ServiceUnavailable, "The model's answer does not fulfil the schema.")
        .value(problem)
        .remedy("Try again, or loosen the schema.")
}

/// Nothing can be filled into a shape.
fn nothing_known(schema: Option<&Schema>) -> Result<(), Error> {
    match schema {
        Some(_) => Err(Fault::new(Code::NothingToGenerateFrom).into()),
        None => Ok(()),
    }
}

async fn tell(to: &mpsc::Sender<Told>, told: Told) {
    // Who no longer listens is noticed by `closed`.
    let _ = to.send(told).await;
}
