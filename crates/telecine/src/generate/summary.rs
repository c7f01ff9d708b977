//! Summaries, chapters and highlights of a video.

use std::sync::Arc;

use serde_json::Value;
use uuid::Uuid;

use super::chapters::{self, Chapter, Highlight, Part, Pick};
use super::scenes::{Embed, between};
use super::writing::{Author, Desk, Task, Usage};
use super::{extract, grounding, prompts};
use crate::app::App;
use crate::fault::{Error, Result};
use crate::ids::{VideoId, WorkspaceId};
use crate::time::TimeRange;

const SUMMARY_TOKENS: u32 = 256;
/// For each chapter or highlight.
const PICK_TOKENS: u32 = 90;
const MAX_PICK_TOKENS: u32 = 720;
const TRIES: u32 = 2;
/// Sentences of a summary that is taken from the video's own words, and how many parts stand in for chapters.
const SENTENCES: usize = 3;
const PARTS: usize = 5;

/// What may be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SummaryType {
    /// A text.
    Summary,
    /// Parts that cover the video.
    Chapter,
    /// Moments worth seeing.
    Highlight,
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq)]
pub enum Summary {
    /// A text.
    Text(String),
    /// Parts that cover the video.
    Chapters(Vec<Chapter>),
    /// Moments worth seeing.
    Highlights(Vec<Highlight>),
}

/// A summary with what it took.
#[derive(Debug, Clone, PartialEq)]
pub struct Summarized {
    /// Of this answer.
    pub id: Uuid,
    /// What was asked for.
    pub summary: Summary,
    /// What it took.
    pub usage: Usage,
    /// Who wrote it.
    pub author: Author,
}

/// Summarizes a video.
///
/// # Errors
/// When there is no such video, its index generates nothing, or the writer fails.
pub async fn summarize(
    app: &App,
    workspace: WorkspaceId,
    video: VideoId,
    kind: SummaryType,
    wish: Option<&str>,
    temperature: f32,
) -> Result<Summarized> {
    let mut desk = Desk::open(app, workspace, video, (None, None), temperature).await?;
    let written = if desk.material.is_empty() {
        None
    } else {
        match kind {
            SummaryType::Summary => text(&mut desk, wish).await?.map(Summary::Text),
            SummaryType::Chapter => {
                let ask = prompts::chapters(desk.scenes.len(), wish);
                let check =
                    |picks: &[Pick], desk: &Desk| chapters::chapters(picks, &desk.scenes, &desk.material);
                picked(app, &mut desk, &ask, "chapters", "first_scene", check).await?.map(Summary::Chapters)
            }
            SummaryType::Highlight => {
                let ask = prompts::highlights(desk.scenes.len(), wish);
                let check =
                    |picks: &[Pick], desk: &Desk| chapters::highlights(picks, &desk.scenes, &desk.material);
                picked(app, &mut desk, &ask, "highlights", "scene", check).await?.map(Summary::Highlights)
            }
        }
    };
    let (id, usage) = (Uuid::new_v4(), desk.usage);
    match written {
        Some(summary) => Ok(Summarized { id, summary, usage, author: Author::Model }),
        None => {
            let summary = extracted(app, desk, kind).await?;
            Ok(Summarized { id, summary, usage, author: Author::Extract })
        }
    }
}

async fn text(desk: &mut Desk, wish: Option<&str>) -> Result<Option<String>> {
    let ask = prompts::summary(wish);
    let mut asked = ask.clone();
    let max_tokens = desk.answer_tokens(Some(SUMMARY_TOKENS));
    desk.read_in_parts(&Task { text: &ask, schema: None, max_tokens }).await?;
    for _ in 0..TRIES {
        let (text, _) = desk.write(&Task { text: &asked, schema: None, max_tokens }).await?;
        match grounding::check(&text, &desk.material) {
            Ok(()) if !text.is_empty() => return Ok(Some(text)),
            Ok(()) => {}
            Err(problem) => {
                tracing::info!(problem, "the writer's summary cannot be so");
                asked = format!("{ask}\nAn earlier answer was refused: {problem}.");
            }
        }
    }
    Ok(None)
}

async fn picked(
    app: &App,
    desk: &mut Desk,
    ask: &str,
    list: &str,
    scene: &str,
    check: impl Fn(&[Pick], &Desk) -> Result<Vec<Part>, String>,
) -> Result<Option<Vec<Part>>> {
    let schema = prompts::picks_schema(list, scene, desk.scenes.len());
    let wanted = (PICK_TOKENS * desk.scenes.len() as u32).clamp(2 * PICK_TOKENS, MAX_PICK_TOKENS);
    let max_tokens = desk.answer_tokens(Some(wanted));
    let picked = desk
        .write_checked(ask, &schema, max_tokens, |mut value: Value, desk| {
            let picks: Vec<Pick> =
                serde_json::from_value(value[list].take()).map_err(|error| error.to_string())?;
            check(&picks, desk)
        })
        .await?;
    let Some(mut parts) = picked else { return Ok(None) };
    let (words, material) = (Arc::clone(&app.engines.words), desk.material.clone());
    let tying = tokio::task::spawn_blocking(move || {
        let embed =
            &mut |texts: &[&str]| words.embed(texts).map_err(|error| Error::from(anyhow::Error::new(error)));
        chapters::tie(&mut parts, &material, embed).map(|replaced| (parts, replaced))
    });
    let (parts, replaced) = tying.await.map_err(anyhow::Error::from)??;
    tracing::debug!(parts = parts.len(), replaced, "summaries are about their own parts");
    // Where hardly anything is left of it, the model has not written it.
    Ok((replaced * 2 <= parts.len()).then_some(parts))
}

/// From the video's own words.
async fn extracted(app: &App, desk: Desk, kind: SummaryType) -> Result<Summary> {
    let words = Arc::clone(&app.engines.words);
    let extracting = tokio::task::spawn_blocking(move || {
        let embed =
            &mut |texts: &[&str]| words.embed(texts).map_err(|error| Error::from(anyhow::Error::new(error)));
        extract_all(&desk, kind, embed)
    });
    extracting.await.map_err(anyhow::Error::from)?
}

fn extract_all(desk: &Desk, kind: SummaryType, embed: &mut Embed<'_>) -> Result<Summary> {
    let material = &desk.material;
    if kind == SummaryType::Summary {
        return Ok(Summary::Text(extract::summary(material, SENTENCES, embed)?));
    }
    let parts = joined(&desk.scenes, PARTS);
    let mut told = Vec::new();
    for range in parts {
        let (title, summary) = extract::part(material, range, embed)?;
        told.push(Part { range, title, summary });
    }
    Ok(match kind {
        SummaryType::Highlight => Summary::Highlights(told),
        SummaryType::Chapter | SummaryType::Summary => Summary::Chapters(told),
    })
}

/// Neighbouring scenes together, so that few are left.
fn joined(scenes: &[TimeRange], most: usize) -> Vec<TimeRange> {
    let size = scenes.len().div_ceil(most).max(1);
    scenes.chunks(size).map(|group| between(group[0].start(), group[group.len() - 1].end())).collect()
}
