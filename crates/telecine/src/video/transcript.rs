//! What is said in a video, as people correct it: which lines are taken, how they become segments that are searched, and
//! the way back to what was heard. Knows neither HTTP nor SQL.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::Context;
use telecine_engines::words::Words;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::{NewSegment, NewVector, SegmentKind, Video};
use crate::app::App;
use crate::fault::{Code, Fault, Result};
use crate::index::{Index, ModelOption};
use crate::pipeline::speech_segments;
use crate::time::{MediaTime, TimeRange, Timestamp};

/// Lines of a transcript, at most: a day's of fast speech.
pub const MAX_LINES: usize = 20_000;
/// Characters of a line, at most.
pub const MAX_LINE_CHARS: usize = 2_000;
/// Seconds that a line may go on after the video's end; it is cut there.
const OVERHANG_S: f64 = 1.0;
/// Texts in one inference.
const BATCH: usize = 32;
/// Transcripts whose words are understood at the same time; the others wait for their turn.
static EDITS: Semaphore = Semaphore::const_new(2);

/// A line as it was given.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Seconds.
    pub start_s: f64,
    /// Seconds.
    pub end_s: f64,
    /// What is said.
    pub text: String,
}

/// What was heard before a person changed it.
#[derive(Debug, Clone, PartialEq)]
pub struct Heard {
    /// When it was last changed.
    pub edited_at: Timestamp,
    /// In order of start.
    pub segments: Vec<HeardSegment>,
}

/// A segment of what was heard.
#[derive(Debug, Clone, PartialEq)]
pub struct HeardSegment {
    /// When.
    pub range: TimeRange,
    /// What is said.
    pub text: String,
    /// How sure the engine was.
    pub score: f32,
}

/// Replaces what is said in the video. It can be searched when this returns. When it was changed; nothing when the video is
/// gone.
///
/// # Errors
/// What is wrong with a line, an index that is not asked for what is said, one made with other models.
pub async fn edit(app: &App, index: &Index, video: &Video, lines: &[Line]) -> Result<Option<Timestamp>> {
    let said = checked(lines, video.meta.duration_s)?;
    check_index(app, index)?;
    let end = MediaTime::from_secs_f64(video.meta.duration_s);
    let mut segments = speech_segments(said.iter().map(|(range, text)| (*range, text.as_str())), end);
    understand(app, video, &mut segments).await?;
    let now = app.clock.now();
    let is_there = app.store.edit_speech(video, &segments, now).await?;
    Ok(is_there.then_some(now))
}

/// Takes back what people changed: what was heard is searched again. Whether the video is there.
///
/// # Errors
/// An index made with other models.
pub async fn restore(app: &App, index: &Index, video: &Video) -> Result<bool> {
    let Some(heard) = app.store.heard(video.id).await? else { return Ok(true) };
    check_index(app, index)?;
    let segment = |heard: HeardSegment| NewSegment {
        kind: SegmentKind::Speech,
        range: heard.range,
        text: heard.text,
        score: heard.score,
        vectors: Vec::new(),
    };
    let mut segments: Vec<NewSegment> = heard.segments.into_iter().map(segment).collect();
    understand(app, video, &mut segments).await?;
    app.store.restore_speech(video, &segments, app.clock.now()).await
}

/// In an index that is not searched by what is said, nobody would find what was written.
fn check_index(app: &App, index: &Index) -> Result<(), Fault> {
    if !index.search_options().contains(&ModelOption::Conversation) {
        return Err(Fault::because(Code::ApiNotAllowed, "This index is not searched by what is said.")
            .rule("transcripts are kept of videos in indexes with the option conversation (audio)")
            .remedy("Take the video into an index with that option."));
    }
    let (made_with, runs) = (&index.models.words, &app.engines.models().words);
    if made_with != runs {
        let value = format!("index: {}, server: {}", made_with.id, runs.id);
        return Err(Fault::new(Code::IndexModelMismatch).value(value));
    }
    Ok(())
}

/// The lines in order of their start, on one line each.
fn checked(lines: &[Line], duration_s: f64) -> Result<Vec<(TimeRange, String)>, Fault> {
    if lines.len() > MAX_LINES {
        return Err(Fault::parameter("There are too many lines.")
            .value(format!("{} lines", lines.len()))
            .rule(format!("at most {MAX_LINES} lines")));
    }
    let mut said = lines
        .iter()
        .enumerate()
        .map(|(place, line)| one(line, duration_s).map_err(|wrong| wrong.fault(place + 1, duration_s)))
        .collect::<Result<Vec<_>, Fault>>()?;
    said.sort_by_key(|(range, _)| range.start());
    Ok(said)
}

fn one(line: &Line, duration_s: f64) -> Result<(TimeRange, String), Wrong> {
    let Line { start_s, end_s, text } = line;
    let is_time = |seconds: f64| seconds.is_finite() && seconds >= 0.0;
    if !is_time(*start_s) || !is_time(*end_s) || start_s >= end_s {
        return Err(Wrong::Order(*start_s, *end_s));
    }
    if *start_s >= duration_s || *end_s > duration_s + OVERHANG_S {
        return Err(Wrong::Outside(*start_s, *end_s));
    }
    let text = text.split(|letter: char| letter.is_whitespace() || letter.is_control());
    let text = text.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    let chars = text.chars().count();
    if chars == 0 {
        return Err(Wrong::Empty);
    }
    if chars > MAX_LINE_CHARS {
        return Err(Wrong::Long(chars));
    }
    let [start, end] = [*start_s, end_s.min(duration_s)].map(MediaTime::from_secs_f64);
    Ok((TimeRange::new(start, end).map_err(|_| Wrong::Order(*start_s, *end_s))?, text))
}

/// What is wrong with a line.
#[derive(Debug, PartialEq)]
enum Wrong {
    Order(f64, f64),
    Outside(f64, f64),
    Empty,
    Long(usize),
}

impl Wrong {
    fn fault(self, line: usize, duration_s: f64) -> Fault {
        let fault = |what: &str| Fault::parameter(format!("Line {line} {what}."));
        match self {
            Self::Order(start, end) => fault("does not start before it ends")
                .value(format!("{start} to {end} s"))
                .rule("seconds from the video's begin; `start` is less than `end`"),
            Self::Outside(start, end) => fault("lies outside of the video")
                .value(format!("{start} to {end} s"))
                .rule(format!("lines lie within 0 and {duration_s} s")),
            Self::Empty => fault("says nothing")
                .rule("`value` is what is said")
                .remedy("Leave the line out, or write what is said."),
            Self::Long(chars) => fault("is too long")
                .value(format!("{chars} characters"))
                .rule(format!("at most {MAX_LINE_CHARS} characters in a line"))
                .remedy("Cut it into several lines, each with its own times."),
        }
    }
}

/// Gives each segment the vector of its text. Texts that the video has already keep theirs, for most lines of an edit are as
/// they were.
async fn understand(app: &App, video: &Video, segments: &mut [NewSegment]) -> Result<()> {
    let known = app.store.segment_vectors(video.id, SegmentKind::Speech).await?;
    let mut vectors: HashMap<String, Vec<f32>> =
        known.into_iter().filter_map(|(segment, mut vectors)| Some((segment.text, vectors.pop()?))).collect();
    let mut new: Vec<String> = segments.iter().map(|segment| segment.text.clone()).collect();
    new.retain(|text| !vectors.contains_key(text));
    new.sort_unstable();
    new.dedup();
    let _turn = EDITS.acquire().await.context("the semaphore is never closed")?;
    for batch in new.chunks(BATCH) {
        vectors.extend(embedded(Arc::clone(&app.engines.words), batch.to_vec()).await?);
    }
    for segment in segments {
        let values = vectors.get(&segment.text).cloned().context("every text was understood")?;
        segment.vectors = vec![NewVector { at: segment.range.start(), values }];
    }
    Ok(())
}

async fn embedded(words: Arc<Words>, texts: Vec<String>) -> Result<Vec<(String, Vec<f32>)>> {
    let embed = move || -> anyhow::Result<_> {
        let vectors = words.embed(&texts.iter().map(String::as_str).collect::<Vec<_>>())?;
        Ok(texts.into_iter().zip(vectors).collect())
    };
    Ok(spawn_blocking(embed).await.context("embed a transcript")?.context("embed a transcript")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(start_s: f64, end_s: f64, text: &str) -> Line {
        Line { start_s, end_s, text: text.to_owned() }
    }

    #[test]
    fn lines_are_sorted_and_cut_at_the_end() {
        let lines = [line(8.0, 10.5, "the  end"), line(0.0, 2.0, "the\nbegin\0ning")];
        let said = checked(&lines, 10.0).unwrap();
        let told: Vec<_> =
            said.iter().map(|(range, text)| (range.end().as_millis(), text.as_str())).collect();
        assert_eq!(told, [(2_000, "the begin ning"), (10_000, "the end")]);
    }

    #[test]
    fn what_is_wrong_is_told_with_the_number_of_its_line() {
        let long = "a".repeat(MAX_LINE_CHARS + 1);
        let table = [
            (line(2.0, 1.0, "a"), Wrong::Order(2.0, 1.0)),
            (line(-1.0, 1.0, "a"), Wrong::Order(-1.0, 1.0)),
            (line(1.0, 1.0, "a"), Wrong::Order(1.0, 1.0)),
            (line(10.0, 10.5, "a"), Wrong::Outside(10.0, 10.5)),
            (line(1.0, 11.5, "a"), Wrong::Outside(1.0, 11.5)),
            (line(1.0, 2.0, " \t"), Wrong::Empty),
            (line(1.0, 2.0, &long), Wrong::Long(MAX_LINE_CHARS + 1)),
        ];
        for (wrong, why) in table {
            assert_eq!(one(&wrong, 10.0), Err(why));
            let fault = checked(&[line(0.0, 1.0, "fine"), wrong], 10.0).unwrap_err();
            assert!(fault.message.starts_with("Line 2 "), "{fault}");
            assert!(fault.rule.is_some(), "{fault}");
        }
        assert!(
            one(&line(f64::NAN, 1.0, "a"), 10.0).is_err()
                && one(&line(0.0, f64::INFINITY, "a"), 1.0).is_err()
        );
        let many = vec![line(0.0, 1.0, "a"); MAX_LINES + 1];
        assert!(checked(&many, 10.0).unwrap_err().rule.unwrap().contains("20000"));
    }
}
