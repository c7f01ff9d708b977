//! Captions in SubRip (SRT) and WebVTT: a tolerant, bounded reader, two writers, and tracks embedded in a file. Looks
//! are dropped: tags, positions, colours, speakers' names.

mod embedded;
mod text;
mod timing;
mod write;

pub use write::{to_srt, to_vtt};

use crate::{MediaTime, TimeRange};

/// One caption and when it is shown.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Cue {
    /// When it is shown.
    pub range: TimeRange,
    /// What it says: plain text, one or more lines, never empty.
    pub text: String,
}

/// Bounds on what is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParseLimits {
    /// Bytes of the file (default 16 MiB).
    pub max_bytes: usize,
    /// Cues in the file (default 100,000).
    pub max_cues: usize,
    /// Characters of a cue; what is longer is cut (default 2,000).
    pub max_cue_chars: usize,
    /// Cues that end later are skipped (default 48 hours).
    pub max_time: MediaTime,
}

impl Default for ParseLimits {
    fn default() -> Self {
        Self {
            max_bytes: 16 << 20,
            max_cues: 100_000,
            max_cue_chars: 2_000,
            max_time: MediaTime::from_millis(48 * 3_600_000),
        }
    }
}

/// Why a caption file is of no use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CaptionError {
    /// Nothing in it.
    #[error("the caption file is empty")]
    Empty,
    /// Text, but no line with a time range.
    #[error("no captions found in {lines} lines; expected SubRip (.srt) or WebVTT (.vtt)")]
    NoCues {
        /// Lines that were read.
        lines: usize,
    },
    /// Every time range was unreadable; the first is told.
    #[error("line {line}: `{text}` is not a time range such as `00:01:02,500 --> 00:01:04,000`")]
    BadTiming {
        /// Line number, from 1.
        line: usize,
        /// The line, cut to a readable length.
        text: String,
    },
    /// More than the limits allow.
    #[error("line {line}: the caption file has more than {limit} {what}")]
    TooLarge {
        /// Line number, from 1; 0 when the file was not read at all.
        line: usize,
        /// `bytes` or `captions`.
        what: &'static str,
        /// What is allowed.
        limit: usize,
    },
}

impl CaptionError {
    /// The line that the error is about, from 1, if it is about one.
    pub fn line(&self) -> Option<usize> {
        match self {
            Self::BadTiming { line, .. } => Some(*line),
            Self::TooLarge { line, .. } => Some(*line).filter(|&line| line > 0),
            Self::Empty | Self::NoCues { .. } => None,
        }
    }
}

/// Reads SRT or WebVTT, whichever it is: both are blocks under a line with `-->`, and real files mix their habits.
/// UTF-8 and UTF-16 are understood, anything else is taken for Windows-1252. Blocks with an unreadable or inverted
/// time range are skipped. Cues come sorted by start; they may overlap.
///
/// # Errors
/// When there is nothing to return, or more than `limits` allow.
pub fn parse(bytes: &[u8], limits: &ParseLimits) -> Result<Vec<Cue>, CaptionError> {
    if bytes.len() > limits.max_bytes {
        return Err(CaptionError::TooLarge { line: 0, what: "bytes", limit: limits.max_bytes });
    }
    let decoded = text::decode(bytes);
    let lines: Vec<&str> = text::lines(&decoded).collect();
    if lines.iter().all(|line| line.trim().is_empty()) {
        return Err(CaptionError::Empty);
    }
    let mut cues = Vec::new();
    let mut first_bad = None;
    let headers = lines.iter().enumerate().filter(|(_, line)| timing::looks_like_one(line));
    for (at, line) in headers {
        let Some(range) = timing::parse(line, limits.max_time) else {
            first_bad.get_or_insert((at + 1, *line));
            continue;
        };
        let text = text::plain(body(&lines, at), limits.max_cue_chars);
        if text.is_empty() {
            continue;
        }
        if cues.len() == limits.max_cues {
            return Err(CaptionError::TooLarge { line: at + 1, what: "captions", limit: limits.max_cues });
        }
        cues.push(Cue { range, text });
    }
    match (cues.is_empty(), first_bad) {
        (true, Some((line, text))) => {
            Err(CaptionError::BadTiming { line, text: text.trim().chars().take(80).collect() })
        }
        (true, None) => Err(CaptionError::NoCues { lines: lines.len() }),
        (false, _) => {
            cues.sort_by_key(|cue| cue.range);
            Ok(cues)
        }
    }
}

/// The lines under the time range at `header`: up to a blank line, or to the next time range (without its number),
/// for some files forget the blank line.
fn body<'a>(lines: &'a [&'a str], header: usize) -> &'a [&'a str] {
    let rest = &lines[header + 1..];
    let is_end = |line: &&str| line.trim().is_empty() || timing::looks_like_one(line);
    let end = rest.iter().position(is_end).unwrap_or(rest.len());
    let block = &rest[..end];
    let stopped_by_timing = rest.get(end).is_some_and(|line| timing::looks_like_one(line));
    match block.split_last() {
        Some((number, text)) if stopped_by_timing && is_number(number) => text,
        _ => block,
    }
}

fn is_number(line: &str) -> bool {
    let line = line.trim();
    !line.is_empty() && line.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests;
