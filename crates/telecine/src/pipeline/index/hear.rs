//! Hear: what is said, from captions or from the sound, as segments that are short enough to be pointed at. Makes no
//! vectors.

use std::fs::File;
use std::io::BufReader;
use std::sync::Arc;

use telecine_engines::EngineError;
use telecine_engines::hear::read_s16le;
use telecine_media::{MediaTime, TimeRange};

use crate::pipeline::job::Job;
use crate::pipeline::stop::Stop;
use crate::pipeline::validate::Said;
use crate::video::{NewSegment, SegmentKind};

/// Characters of a segment, at most: about what the model of meaning looks at, and 25 seconds of speech.
const MAX_CHARS: usize = 400;
/// How long a caption without a length is taken to be shown.
const SHORTEST: MediaTime = MediaTime::from_millis(1_000);

/// Everything that is said, in order.
pub(super) async fn said(job: &Job, said: &Said, end: MediaTime) -> Result<Vec<NewSegment>, Stop> {
    Ok(match said {
        Said::NotAsked => Vec::new(),
        Said::Cues(cues) => segments(cues.iter().map(|cue| (cue.range, cue.text.as_str())), end),
        Said::Sound => {
            let utterances = hear(job).await?;
            segments(utterances.iter().map(|(range, text)| (*range, text.as_str())), end)
        }
    })
}

/// Listens to the decoded sound, which is removed afterwards.
async fn hear(job: &Job) -> Result<Vec<(TimeRange, String)>, Stop> {
    let path = job.app().files.sound(job.task.id);
    let (hearer, language) = (Arc::clone(&job.app().engines.hear), job.task.language.clone());
    // Dropped with this future, so that listening ends when nobody waits for it.
    let cancel = job.cancel.child_token();
    let _guard = cancel.clone().drop_guard();
    let sound = path.clone();
    let heard = job.workshop.infer("hear", &job.cancel, move || {
        let file = File::open(&sound).map_err(EngineError::Audio)?;
        let mut chunks = read_s16le(BufReader::with_capacity(1 << 16, file));
        hearer.hear(&mut chunks, &language, &|| cancel.is_cancelled())
    });
    let heard = heard.await?;
    tokio::fs::remove_file(&path).await.map_err(|error| anyhow::anyhow!("removing the sound: {error}"))?;
    let timed = heard.into_iter().filter_map(|said| {
        let ends = [said.start_s, said.end_s].map(MediaTime::from_secs_f64);
        Some((TimeRange::new(ends[0], ends[1]).ok()?, said.text))
    });
    Ok(timed.collect())
}

/// Long texts are cut; what would begin after the video's end is left out.
pub(crate) fn segments<'a>(
    said: impl Iterator<Item = (TimeRange, &'a str)>,
    end: MediaTime,
) -> Vec<NewSegment> {
    let mut segments = Vec::new();
    for (range, text) in said {
        let stop = range.end().min(end).max(range.start() + MediaTime::from_millis(1));
        let stop =
            if range.duration() == MediaTime::ZERO { (range.start() + SHORTEST).min(end) } else { stop };
        let Ok(range) = TimeRange::new(range.start(), stop) else { continue };
        if range.start() >= end {
            continue;
        }
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let pieces = pieces(&text, MAX_CHARS);
        let total = pieces.iter().map(|piece| piece.chars().count()).sum::<usize>().max(1);
        let mut before = 0;
        let at = |chars: usize| {
            let share = range.duration().as_micros() as i128 * chars as i128 / total as i128;
            range.start() + MediaTime::from_micros(share as i64)
        };
        for piece in pieces {
            let from = before;
            before += piece.chars().count();
            let range = TimeRange::new(at(from), at(before)).expect("shares of a range are in order");
            let (kind, text) = (SegmentKind::Speech, piece.to_owned());
            segments.push(NewSegment { kind, range, text, score: 1.0, vectors: Vec::new() });
        }
    }
    segments
}

/// Cuts a text into pieces of at most so many characters: after a sentence if one ends in the second half of a piece,
/// else between words, else anywhere.
fn pieces(text: &str, max_chars: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text.trim();
    while let Some((limit, _)) = rest.char_indices().nth(max_chars) {
        let head = &rest[..limit];
        let sentence = head.rfind(['.', '!', '?', '。', '！', '？']).filter(|at| *at >= limit / 2);
        let after = |at: usize| at + head[at..].chars().next().map_or(0, char::len_utf8);
        let cut = sentence.map(after).or_else(|| head.rfind(' ')).filter(|at| *at > 0).unwrap_or(limit);
        pieces.push(rest[..cut].trim());
        rest = rest[cut..].trim_start();
    }
    if !rest.is_empty() {
        pieces.push(rest);
    }
    pieces
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn range(start_s: f64, end_s: f64) -> TimeRange {
        TimeRange::new(MediaTime::from_secs_f64(start_s), MediaTime::from_secs_f64(end_s)).unwrap()
    }

    #[test]
    fn short_captions_stay_as_they_are_on_one_line() {
        let made =
            segments([(range(1.0, 2.0), "An unlucky\nbird")].into_iter(), MediaTime::from_millis(9_000));
        assert_eq!(made[0].text, "An unlucky bird");
        assert_eq!(made[0].range, range(1.0, 2.0));
    }

    #[test]
    fn captions_after_the_end_are_left_out_and_those_over_it_cut() {
        let cues = [(range(8.0, 12.0), "on the edge"), (range(10.0, 12.0), "too late")];
        let made = segments(cues.into_iter(), MediaTime::from_millis(10_000));
        assert_eq!(
            made.iter().map(|s| (s.text.as_str(), s.range)).collect::<Vec<_>>(),
            [("on the edge", range(8.0, 10.0))]
        );
    }

    #[test]
    fn a_long_text_is_cut_after_a_sentence_and_shares_the_time() {
        let sentence = "It was the best of times, it was the worst of times. ";
        let text = sentence.repeat(12);
        let made = segments([(range(0.0, 60.0), text.as_str())].into_iter(), MediaTime::from_millis(60_000));
        assert_eq!(made.len(), 2);
        assert!(made.iter().all(|s| s.text.ends_with("worst of times.")), "{made:?}");
        assert_eq!(made[0].range.end(), made[1].range.start());
        assert_eq!(made[1].range.end(), MediaTime::from_millis(60_000));
    }

    proptest! {
        #[test]
        fn cutting_loses_no_letter(text in "[a-zé。 .]{0,300}", most in 1usize..40) {
            let cut = pieces(&text, most);
            prop_assert!(cut.iter().all(|piece| piece.chars().count() <= most && !piece.is_empty()));
            let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            prop_assert_eq!(letters(&cut.concat()), letters(&text));
        }
    }
}
