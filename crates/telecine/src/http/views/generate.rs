//! What generated text looks like.

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Value, json};
use telecine_engines::write::Finish;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::fault::Fault;
use crate::generate::{Answer, Author, Chapter, Gist, Highlight, Summarized, Summary, Usage};
use crate::time::TimeRange;

/// What a text took.
#[derive(Serialize, ToSchema)]
#[schema(as = TokenUsage)]
pub(in crate::http) struct UsageView {
    output_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    input_tokens: Option<u64>,
}

impl From<Usage> for UsageView {
    fn from(usage: Usage) -> Self {
        Self { output_tokens: usage.output_tokens, input_tokens: usage.input_tokens }
    }
}

/// Title, topics and hashtags: what was asked for.
#[derive(Serialize, ToSchema)]
#[schema(as = Gist)]
pub(in crate::http) struct GistView {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    topics: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hashtags: Option<Vec<String>>,
    usage: UsageView,
    /// `model`; or `extract`: taken word by word from the video, because the model's answers could not be so.
    written_by: &'static str,
}

impl GistView {
    pub(in crate::http) fn of(gist: Gist) -> Self {
        let Gist { id, title, topics, hashtags, usage, author } = gist;
        Self { id: id.to_string(), title, topics, hashtags, usage: usage.into(), written_by: by(author) }
    }
}

fn by(author: Author) -> &'static str {
    match author {
        Author::Model => "model",
        Author::Extract => "extract",
    }
}

/// A summary, chapters or highlights: what was asked for.
#[derive(Serialize, ToSchema)]
#[schema(as = Summary)]
pub(in crate::http) struct SummaryView {
    id: String,
    /// What was asked for.
    summarize_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    chapters: Option<Vec<ChapterView>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    highlights: Option<Vec<HighlightView>>,
    usage: UsageView,
    /// `model`; or `extract`: taken word by word from the video, because the model's answers could not be so.
    written_by: &'static str,
}

/// A part of a video. They cover it one after the other.
#[derive(Serialize, ToSchema)]
#[schema(as = Chapter)]
struct ChapterView {
    /// From 0.
    chapter_number: usize,
    /// Whole seconds.
    start: u64,
    /// Whole seconds.
    end: u64,
    start_sec: f64,
    end_sec: f64,
    chapter_title: String,
    chapter_summary: String,
}

/// A moment worth seeing.
#[derive(Serialize, ToSchema)]
#[schema(as = Highlight)]
struct HighlightView {
    /// Whole seconds.
    start: u64,
    /// Whole seconds.
    end: u64,
    start_sec: f64,
    end_sec: f64,
    highlight: String,
    highlight_summary: String,
}

impl SummaryView {
    pub(in crate::http) fn of(made: Summarized) -> Self {
        let mut view = Self {
            id: made.id.to_string(),
            summarize_type: "summary",
            summary: None,
            chapters: None,
            highlights: None,
            usage: made.usage.into(),
            written_by: by(made.author),
        };
        match made.summary {
            Summary::Text(text) => view.summary = Some(text),
            Summary::Chapters(chapters) => {
                view.summarize_type = "chapter";
                view.chapters = Some(chapters.into_iter().enumerate().map(chapter).collect());
            }
            Summary::Highlights(highlights) => {
                view.summarize_type = "highlight";
                view.highlights = Some(highlights.into_iter().map(highlight).collect());
            }
        }
        view
    }
}

fn chapter((number, chapter): (usize, Chapter)) -> ChapterView {
    let ((start, end), (start_sec, end_sec)) = (whole(chapter.range), exact(chapter.range));
    ChapterView {
        chapter_number: number,
        start,
        end,
        start_sec,
        end_sec,
        chapter_title: chapter.title,
        chapter_summary: chapter.summary,
    }
}

fn highlight(highlight: Highlight) -> HighlightView {
    let ((start, end), (start_sec, end_sec)) = (whole(highlight.range), exact(highlight.range));
    HighlightView {
        start,
        end,
        start_sec,
        end_sec,
        highlight: highlight.title,
        highlight_summary: highlight.summary,
    }
}

/// Rounded down, so that what follows each other still does and nothing lies past the end; at least a second long.
fn whole(range: TimeRange) -> (u64, u64) {
    let second = |at: crate::time::MediaTime| at.as_secs_f64().max(0.0) as u64;
    let start = second(range.start());
    (start, second(range.end()).max(start + 1))
}

fn exact(range: TimeRange) -> (f64, f64) {
    let round = |seconds: f64| (seconds * 1e3).round() / 1e3;
    (round(range.start().as_secs_f64()), round(range.end().as_secs_f64()))
}

/// The answer to a question.
#[derive(Serialize, ToSchema)]
#[schema(as = Answer)]
pub(in crate::http) struct AnswerView {
    id: String,
    data: String,
    /// `stop`, or `length`: cut at the limit of tokens.
    finish_reason: &'static str,
    usage: UsageView,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Warning>,
}

/// Why an answer is not whole.
#[derive(Serialize, ToSchema)]
struct Warning {
    message: &'static str,
}

impl AnswerView {
    pub(in crate::http) fn of(answer: Answer) -> Self {
        let Answer { id, text, finish, usage } = answer;
        Self {
            id: id.to_string(),
            data: text,
            finish_reason: reason(finish),
            usage: usage.into(),
            error: (finish == Finish::Length).then_some(Warning { message: CUT }),
        }
    }
}

/// What is told of an answer that was cut.
pub(in crate::http) const CUT: &str =
    "The answer was cut: it reached max_tokens, or what the model takes in.";

pub(in crate::http) fn reason(finish: Finish) -> &'static str {
    match finish {
        Finish::Stop => "stop",
        Finish::Length => "length",
    }
}

/// A line of a stream.
pub(in crate::http) struct StreamEvent(Value);

impl StreamEvent {
    pub(in crate::http) fn start(id: Uuid) -> Self {
        Self(json!({ "event_type": "stream_start", "metadata": { "generation_id": id.to_string() } }))
    }

    pub(in crate::http) fn text(text: String) -> Self {
        Self(json!({ "event_type": "text_generation", "text": text }))
    }

    pub(in crate::http) fn end(id: Uuid, finish: Finish, usage: Usage) -> Self {
        Self(json!({
            "event_type": "stream_end",
            "finish_reason": reason(finish),
            "metadata": { "generation_id": id.to_string(), "usage": UsageView::from(usage) },
        }))
    }

    pub(in crate::http) fn error(fault: &Fault) -> Self {
        Self(json!({ "event_type": "stream_error", "error": fault }))
    }

    /// With the newline that ends it.
    pub(in crate::http) fn line(&self) -> Bytes {
        format!("{}\n", self.0).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::MediaTime;

    #[test]
    fn whole_seconds_stay_in_the_video_and_follow_each_other() {
        let range = |a, b| TimeRange::new(MediaTime::from_millis(a), MediaTime::from_millis(b)).unwrap();
        assert_eq!(whole(range(0, 4_900)), (0, 4));
        assert_eq!(whole(range(4_900, 9_990)), (4, 9));
        assert_eq!(whole(range(4_100, 4_900)), (4, 5));
        assert_eq!(exact(range(4_900, 9_990)), (4.9, 9.99));
    }
}
