//! Title, topics and hashtags of a video.

use std::collections::BTreeSet;

use serde_json::Value;
use uuid::Uuid;

use super::writing::{Author, Desk, Usage};
use super::{extract, grounding, prompts};
use crate::app::App;
use crate::fault::Result;
use crate::ids::{VideoId, WorkspaceId};

const MAX_TOKENS: u32 = 220;
/// Titles are not the place for boldness.
const TEMPERATURE: f32 = 0.2;

/// What may be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GistType {
    /// A title.
    Title,
    /// Topics.
    Topic,
    /// Hashtags.
    Hashtag,
}

/// What was asked for, and nothing else.
#[derive(Debug, Clone, PartialEq)]
pub struct Gist {
    /// Of this answer.
    pub id: Uuid,
    /// A title.
    pub title: Option<String>,
    /// Topics.
    pub topics: Option<Vec<String>>,
    /// Hashtags, without the sign.
    pub hashtags: Option<Vec<String>>,
    /// What it took.
    pub usage: Usage,
    /// Who wrote it.
    pub author: Author,
}

/// Writes the gist of a video.
///
/// # Errors
/// When there is no such video, its index generates nothing, or the writer fails.
pub async fn gist(
    app: &App,
    workspace: WorkspaceId,
    video: VideoId,
    types: &BTreeSet<GistType>,
) -> Result<Gist> {
    let mut desk = Desk::open(app, workspace, video, (None, None), TEMPERATURE).await?;
    let wants = |kind| types.contains(&kind);
    let (title, topics, hashtags) =
        (wants(GistType::Title), wants(GistType::Topic), wants(GistType::Hashtag));
    let schema = prompts::gist_schema(title, topics, hashtags);
    let wanted = [
        (title, prompts::title()),
        (topics, "the topics it is about, of one to three words each"),
        (hashtags, "hashtags that fit it"),
    ];
    let wanted: Vec<&str> =
        wanted.into_iter().filter(|(is_wanted, _)| *is_wanted).map(|(_, text)| text).collect();
    let written = if desk.material.is_empty() {
        None
    } else {
        let task = prompts::gist(&wanted);
        desk.write_checked(&task, &schema, MAX_TOKENS, |value, desk| {
            schema.check(&value).map_err(|error| error.to_string())?;
            grounding::check(&value.to_string(), &desk.material).map(|()| value)
        })
        .await?
    };
    let (id, usage) = (Uuid::new_v4(), desk.usage);
    Ok(match written {
        Some(value) => Gist {
            id,
            title: value["title"].as_str().map(|title| title.trim().to_owned()),
            topics: topics.then(|| texts(&value["topics"], str::to_owned)),
            hashtags: hashtags.then(|| texts(&value["hashtags"], hashtag)),
            usage,
            author: Author::Model,
        },
        None => {
            let phrases = extract::phrases(&desk.material, 4);
            Gist {
                id,
                title: title.then(|| extract::title(&desk.material)),
                topics: topics.then(|| phrases.clone()),
                hashtags: hashtags.then(|| phrases.iter().map(|phrase| hashtag(phrase)).collect()),
                usage,
                author: Author::Extract,
            }
        }
    })
}

/// Each once.
fn texts(list: &Value, shape: impl Fn(&str) -> String) -> Vec<String> {
    let mut texts: Vec<String> = Vec::new();
    for text in list.as_array().into_iter().flatten().filter_map(Value::as_str) {
        let text = shape(text.trim());
        if !text.is_empty() && !texts.iter().any(|known| known.eq_ignore_ascii_case(&text)) {
            texts.push(text);
        }
    }
    texts
}

/// `#raised beds!` → `RaisedBeds`.
fn hashtag(text: &str) -> String {
    let words: Vec<&str> = text
        .split(|letter: char| !letter.is_alphanumeric() && letter != '_')
        .filter(|word| !word.is_empty())
        .collect();
    match words.as_slice() {
        [one] => (*one).to_owned(),
        many => many.iter().map(|word| capital(word)).collect(),
    }
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashtags_are_one_word_each() {
        for (text, tag) in
            [("#raised beds!", "RaisedBeds"), ("tomato", "tomato"), ("#Tomato", "Tomato"), ("#", "")]
        {
            assert_eq!(hashtag(text), tag);
        }
        let list = serde_json::json!(["Bees", "bees", "#", "honey bees"]);
        assert_eq!(texts(&list, hashtag), ["Bees", "HoneyBees"]);
    }
}
