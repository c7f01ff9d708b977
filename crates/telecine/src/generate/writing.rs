//! A video on the writer's desk: what the model gets to read of it, asking the model, asking again where the answer cannot
//! be so, and what it took.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use telecine_engines::write::{Finish, Schema, WriteError, WriteRequest, Writer, estimated_tokens};
use tokio::sync::mpsc;

use super::digest::{BEGIN, END, clock, digest, plain};
use super::material::{self, Material};
use super::{prompts, scenes};
use crate::app::App;
use crate::fault::{Code, Error, Fault, Result};
use crate::ids::{VideoId, WorkspaceId};
use crate::time::TimeRange;

/// Scenes that a model chooses among.
const MAX_SCENES: usize = 24;
/// Parts of a long video that are read one by one; of longer ones each part is a selection.
const MAX_PARTS: usize = 6;
/// Tokens of the notes on a part.
const NOTE_TOKENS: u32 = 160;
/// Less than this of a video is not worth asking about.
const MIN_DIGEST_TOKENS: u64 = 200;
/// Bytes of a token: fewer than English has, so that other languages fit as well.
const BYTES_PER_TOKEN: u64 = 3;
/// What the marks of a chat format take.
const FORMAT_TOKENS: u64 = 64;
/// Tries, each with less of the video, until the model takes it in.
const FITTINGS: u32 = 4;
/// How often the model is asked for something that can be checked.
const TRIES: u32 = 2;
/// The same question gets the same answer.
const SEED: u32 = 1;
/// Pieces of text on their way.
const PIECES: usize = 16;

/// What a text took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens read; none where the engine does not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_tokens: Option<u64>,
    /// Tokens written.
    pub output_tokens: u64,
}

/// Who wrote something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Author {
    /// The model, checked.
    Model,
    /// Taken word by word from what was said, shown and seen, because the model's answers could not be so.
    Extract,
}

/// A video and who writes about it.
pub(super) struct Desk {
    writer: Arc<dyn Writer>,
    temperature: f32,
    /// What is known.
    pub(super) material: Material,
    /// Numbered from 1 for the model.
    pub(super) scenes: Vec<TimeRange>,
    /// Notes on the parts of a long video, in place of its scenes.
    notes: Option<String>,
    /// What everything took so far.
    pub(super) usage: Usage,
}

/// What the model is asked to do.
pub(super) struct Task<'a> {
    pub(super) text: &'a str,
    pub(super) schema: Option<&'a Schema>,
    pub(super) max_tokens: u32,
}

impl Desk {
    pub(super) async fn open(
        app: &App,
        workspace: WorkspaceId,
        video: VideoId,
        part: (Option<f64>, Option<f64>),
        temperature: f32,
    ) -> Result<Self> {
        let video = material::find_video(app, workspace, video).await?;
        let writer =
            app.engines.write.clone().ok_or_else(|| Fault::new(Code::IndexNotSupportedForGenerate))?;
        let material = material::load(app, &video, part).await?;
        let words = Arc::clone(&app.engines.words);
        let cutting = tokio::task::spawn_blocking(move || {
            let embed = &mut |texts: &[&str]| {
                words.embed(texts).map_err(|error| Error::from(anyhow::Error::new(error)))
            };
            scenes::cut(&material, MAX_SCENES, embed).map(|scenes| (material, scenes))
        });
        let (material, scenes) = cutting.await.map_err(anyhow::Error::from)??;
        Ok(Self { writer, temperature, material, scenes, notes: None, usage: Usage::default() })
    }

    /// Most tokens of an answer that leave room for the video.
    pub(super) fn answer_tokens(&self, wanted: Option<u32>) -> u32 {
        let context = self.writer.context_tokens();
        wanted.unwrap_or(context / 4).clamp(1, context / 2)
    }

    /// Reads a video that is too long for one look part by part, and keeps notes. Nothing happens with a short one.
    pub(super) async fn read_in_parts(&mut self, task: &Task<'_>) -> Result<()> {
        let room = self.room(task)?;
        let (whole, is_whole) = digest(&self.material, &self.scenes, usize::MAX / 2);
        if is_whole && whole.len() <= room {
            return Ok(());
        }
        let parts = whole.len().div_ceil(room.max(1)).clamp(2, MAX_PARTS).min(self.scenes.len());
        let size = self.scenes.len().div_ceil(parts);
        let mut notes = String::new();
        let groups: Vec<Vec<TimeRange>> = self.scenes.chunks(size).map(<[_]>::to_vec).collect();
        for group in groups {
            let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
            let range = scenes::between(first.start(), last.end());
            let part = self.material.within(range);
            let ask = prompts::notes(task.text);
            let ask = Task { text: &ask, schema: None, max_tokens: NOTE_TOKENS };
            let (text, _) = self.collect(&ask, 0, &|room| digest(&part, &group, room).0).await?;
            notes.push_str(&format!(
                "Part from {} to {}: {}\n",
                clock(first.start()),
                clock(last.end()),
                plain(&text)
            ));
        }
        self.notes = Some(notes);
        Ok(())
    }

    /// A text that may be anything.
    pub(super) async fn write(&mut self, task: &Task<'_>) -> Result<(String, Finish)> {
        let (material, scenes, notes) = (self.material.clone(), self.scenes.clone(), self.notes.clone());
        self.collect(task, 0, &|room| data(&material, &scenes, notes.as_deref(), room)).await
    }

    /// A text that is sent on while it is written.
    pub(super) async fn stream(&mut self, task: &Task<'_>, to: &mpsc::Sender<String>) -> Result<Finish> {
        let (material, scenes, notes) = (self.material.clone(), self.scenes.clone(), self.notes.clone());
        self.ask(task, 0, &|room| data(&material, &scenes, notes.as_deref(), room), to).await
    }

    /// An answer of a certain shape that is checked: asked for twice at most; none when no answer can be so.
    pub(super) async fn write_checked<T>(
        &mut self,
        text: &str,
        schema: &Schema,
        max_tokens: u32,
        check: impl Fn(Value, &Self) -> Result<T, String>,
    ) -> Result<Option<T>> {
        let mut asked = text.to_owned();
        for attempt in 0..TRIES {
            let task = Task { text: &asked, schema: Some(schema), max_tokens };
            let (material, scenes, notes) = (self.material.clone(), self.scenes.clone(), self.notes.clone());
            let (answer, _) = self
                .collect(&task, attempt, &|room| data(&material, &scenes, notes.as_deref(), room))
                .await?;
            let checked = serde_json::from_str(&answer).map_err(|_| "it is not whole".to_owned());
            match checked.and_then(|value| check(value, self)) {
                Ok(good) => return Ok(Some(good)),
                Err(problem) => {
                    tracing::info!(attempt, problem, "the writer's answer cannot be so");
                    asked = format!("{text}\nAn earlier answer was refused: {problem}.");
                }
            }
        }
        Ok(None)
    }

    async fn collect(
        &mut self,
        task: &Task<'_>,
        seed: u32,
        data: &(dyn Fn(usize) -> String + Sync),
    ) -> Result<(String, Finish)> {
        let (to, mut pieces) = mpsc::channel(PIECES);
        let asking = async {
            let ended = self.ask(task, seed, data, &to).await;
            drop(to);
            ended
        };
        let collecting = async {
            let mut text = String::new();
            while let Some(piece) = pieces.recv().await {
                text.push_str(&piece);
            }
            text
        };
        let (ended, text) = tokio::join!(asking, collecting);
        Ok((text.trim().to_owned(), ended?))
    }

    /// Asks the model, with as much of the data as it takes in.
    async fn ask(
        &mut self,
        task: &Task<'_>,
        seed: u32,
        data: &(dyn Fn(usize) -> String + Sync),
        to: &mpsc::Sender<String>,
    ) -> Result<Finish> {
        let mut room = self.room(task)?;
        for _ in 0..FITTINGS {
            let request = WriteRequest {
                system: prompts::SYSTEM.to_owned(),
                user: format!("{BEGIN}\n{}{END}\n\n{}", data(room), task.text),
                schema: task.schema.cloned(),
                max_tokens: task.max_tokens,
                temperature: self.temperature,
                seed: SEED + seed,
            };
            match self.writer.write(&request, to).await {
                Ok(written) => {
                    self.usage.output_tokens += written.output_tokens;
                    if let Some(input) = written.input_tokens {
                        *self.usage.input_tokens.get_or_insert(0) += input;
                    }
                    return Ok(written.finish);
                }
                Err(WriteError::TooLong { .. }) => room = room * 6 / 10,
                Err(error) => return Err(fault_of(&error).into()),
            }
        }
        Err(Fault::new(Code::TokenLimitExceeded).into())
    }

    /// Bytes of the video that the model takes in beside the rest.
    fn room(&self, task: &Task<'_>) -> Result<usize, Fault> {
        let taken = u64::from(task.max_tokens)
            + estimated_tokens(task.text)
            + estimated_tokens(prompts::SYSTEM)
            + FORMAT_TOKENS;
        let context = u64::from(self.writer.context_tokens());
        let left = context.saturating_sub(taken);
        if left < MIN_DIGEST_TOKENS {
            return Err(Fault::new(Code::TokenLimitExceeded)
                .value(format!("about {taken} tokens for the prompt and the answer"))
                .rule(format!(
                    "the model takes in {context} tokens, and the video needs {MIN_DIGEST_TOKENS} of them"
                )));
        }
        Ok(usize::try_from(left * BYTES_PER_TOKEN).unwrap_or(usize::MAX))
    }
}

fn data(material: &Material, scenes: &[TimeRange], notes: Option<&str>, room: usize) -> String {
    match notes {
        Some(notes) => notes
            .chars()
            .scan(0, |length, letter| {
                *length += letter.len_utf8();
                (*length <= room).then_some(letter)
            })
            .collect(),
        None => digest(material, scenes, room).0,
    }
}

/// What is told of an engine that failed.
pub(super) fn fault_of(error: &WriteError) -> Fault {
    match error {
        WriteError::TooLong { .. } => Fault::new(Code::TokenLimitExceeded).value(error.to_string()),
        WriteError::Busy => Fault::because(Code::TooManyRequests, "Too many texts are being written.")
            .rule("the setting writer.max_waiting"),
        WriteError::Unavailable(_) | WriteError::TimedOut(_) | WriteError::Cancelled => {
            tracing::warn!(%error, "the writer failed");
            Fault::because(Code::ServiceUnavailable, "The text could not be written.")
                .remedy("Try again; if it stays, look for `the writer failed` in the server's log.")
        }
    }
}
