//! Cues as SubRip or WebVTT text.

use std::fmt::Write;

use super::Cue;
use crate::MediaTime;

/// SubRip. Its text has no escapes, so an arrow in a caption, which would end it, is written with one dash less.
pub fn to_srt(cues: &[Cue]) -> String {
    let mut srt = String::new();
    for (n, cue) in cues.iter().enumerate() {
        let (start, end) = (clock(cue.range.start(), ','), clock(cue.range.end(), ','));
        let text = solid(&cue.text).replace("-->", "->");
        write!(srt, "{}\n{start} --> {end}\n{text}\n\n", n + 1).expect("a string takes all that is written");
    }
    srt
}

/// WebVTT, with `&`, `<` and `>` escaped.
pub fn to_vtt(cues: &[Cue]) -> String {
    let mut vtt = String::from("WEBVTT\n\n");
    for cue in cues {
        let (start, end) = (clock(cue.range.start(), '.'), clock(cue.range.end(), '.'));
        let text = solid(&cue.text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        // A brace and a backslash would be taken for a SubRip override.
        let text = text.replace("{\\", "{&#92;");
        write!(vtt, "{start} --> {end}\n{text}\n\n").expect("a string takes all that is written");
    }
    vtt
}

/// Without blank lines, which would end the caption.
fn solid(text: &str) -> String {
    text.lines().filter(|line| !line.trim().is_empty()).collect::<Vec<_>>().join("\n")
}

/// `hh:mm:ss,mmm`; a time before zero becomes zero.
fn clock(time: MediaTime, point: char) -> String {
    let ms = time.as_millis().max(0);
    let (h, m, s) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60);
    format!("{h:02}:{m:02}:{s:02}{point}{:03}", ms % 1_000)
}
