//! Text in pictures over time: lines that stand together are a block, and a block that stays from one read frame to
//! the next is one segment. Pure: reads nothing itself.

use telecine_engines::read::TextLine;
use telecine_media::{MediaTime, TimeRange};

use crate::video::{NewSegment, SegmentKind};

/// Blocks of a frame, at most.
const MAX_BLOCKS: usize = 40;
/// Letters and digits that a block must have: single ones are mostly texture.
const MIN_LETTERS: usize = 2;
/// Characters of a block, at most.
const MAX_CHARS: usize = 1_000;
/// Likeness (0 to 1) from which two texts are the same one, read differently.
const SAME: f32 = 0.7;
/// Readings of one text that are remembered.
const MAX_READINGS: usize = 8;
/// A text that was missed for no longer than this has been there all the time.
const MISSED: MediaTime = MediaTime::from_millis(1_500);

/// Lines that stand together.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Block {
    pub(super) text: String,
    pub(super) score: f32,
}

/// An upright rectangle.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Bounds {
    left: f32,
    top: f32,
    right: f32,
    bottom: f32,
}

impl Bounds {
    fn of(line: &TextLine) -> Self {
        let fold = |axis: usize, better: fn(f32, f32) -> f32| {
            line.quad.iter().map(|point| point[axis]).reduce(better).unwrap_or(0.0)
        };
        Self {
            left: fold(0, f32::min),
            top: fold(1, f32::min),
            right: fold(0, f32::max),
            bottom: fold(1, f32::max),
        }
    }

    fn height(&self) -> f32 {
        self.bottom - self.top
    }

    /// To the right of this one, as the next word would be.
    fn continues(&self, next: &Self) -> bool {
        let height = self.height().min(next.height());
        let shared = self.bottom.min(next.bottom) - self.top.max(next.top);
        let gap = next.left - self.right;
        shared >= 0.5 * height && gap >= -0.5 * height && gap <= 1.5 * height
    }

    /// Below this row, as the next line would be: close, of like size, and sharing columns.
    fn is_followed_by(&self, next: &Self) -> bool {
        let (small, large) = (self.height().min(next.height()), self.height().max(next.height()));
        let gap = next.top - self.bottom;
        let shared = self.right.min(next.right) - self.left.max(next.left);
        let narrow = (self.right - self.left).min(next.right - next.left);
        large <= 1.6 * small && gap >= -0.4 * small && gap <= 0.9 * small && shared >= 0.3 * narrow
    }

    fn join(&mut self, other: &Self) {
        self.left = self.left.min(other.left);
        self.top = self.top.min(other.top);
        self.right = self.right.max(other.right);
        self.bottom = self.bottom.max(other.bottom);
    }
}

/// A block that grows.
struct Growing {
    row: Bounds,
    texts: Vec<String>,
    scores: Vec<f32>,
}

/// Lines in reading order to blocks.
pub(super) fn blocks(lines: &[TextLine]) -> Vec<Block> {
    let mut growing: Vec<Growing> = Vec::new();
    for line in lines {
        let bounds = Bounds::of(line);
        let same_row = growing.iter().position(|block| block.row.continues(&bounds));
        let next_row = || growing.iter().position(|block| block.row.is_followed_by(&bounds));
        let at = match (same_row, next_row()) {
            (Some(at), _) => {
                growing[at].row.join(&bounds);
                at
            }
            (None, Some(at)) => {
                growing[at].row = bounds;
                at
            }
            (None, None) => {
                growing.push(Growing { row: bounds, texts: Vec::new(), scores: Vec::new() });
                growing.len() - 1
            }
        };
        growing[at].texts.push(line.text.trim().to_owned());
        growing[at].scores.push(line.score);
    }
    let blocks = growing.into_iter().map(|block| Block {
        text: block.texts.join(" ").chars().take(MAX_CHARS).collect(),
        score: block.scores.iter().sum::<f32>() / block.scores.len() as f32,
    });
    blocks.filter(|block| plain(&block.text).len() >= MIN_LETTERS).take(MAX_BLOCKS).collect()
}

/// Follows blocks from one read frame to the next.
#[derive(Debug, Default)]
pub(super) struct TextTrack {
    showing: Vec<Showing>,
}

#[derive(Debug)]
struct Showing {
    start: MediaTime,
    /// Set once a frame was read without it.
    gone: Option<MediaTime>,
    /// What was read, each with how often: most often first.
    readings: Vec<(Block, u32)>,
    letters: Vec<char>,
}

impl TextTrack {
    /// What the next read frame shows. Gives what has ended for sure.
    pub(super) fn push(&mut self, at: MediaTime, blocks: Vec<Block>) -> Vec<NewSegment> {
        let mut ended = self.end(|showing| showing.gone.is_some_and(|gone| at - gone > MISSED));
        let mut is_seen = vec![false; self.showing.len()];
        for block in blocks {
            let letters = plain(&block.text);
            let alike = (0..is_seen.len())
                .filter(|&n| !is_seen[n])
                .map(|n| (n, likeness(&self.showing[n].letters, &letters)))
                .filter(|(_, likeness)| *likeness >= SAME)
                .max_by(|a, b| a.1.total_cmp(&b.1));
            match alike {
                Some((n, _)) => {
                    is_seen[n] = true;
                    self.showing[n].see_again(block, letters);
                }
                None => {
                    self.showing.push(Showing { start: at, gone: None, readings: vec![(block, 1)], letters })
                }
            }
        }
        for (showing, is_seen) in self.showing.iter_mut().zip(is_seen) {
            if !is_seen {
                showing.gone.get_or_insert(at);
            }
        }
        ended.sort_by_key(|segment| segment.range);
        ended
    }

    /// What is left when the video ends.
    pub(super) fn finish(mut self, end: MediaTime) -> Vec<NewSegment> {
        for showing in &mut self.showing {
            showing.gone.get_or_insert(end.max(showing.start + MediaTime::from_millis(1)));
        }
        let mut ended = self.end(|_| true);
        ended.sort_by_key(|segment| segment.range);
        ended
    }

    fn end(&mut self, has_ended: impl Fn(&Showing) -> bool) -> Vec<NewSegment> {
        self.showing.extract_if(.., |showing| has_ended(showing)).filter_map(Showing::into_segment).collect()
    }
}

impl Showing {
    /// The reading that came most often is told, of equals the surer one; but of a text that appears or fades letter
    /// by letter, the whole.
    fn see_again(&mut self, block: Block, letters: Vec<char>) {
        self.gone = None;
        let (old, new) = (self.letters.len(), letters.len());
        if old * 10 > new * 11 {
            return;
        }
        if new * 10 > old * 11 {
            self.readings.clear();
            self.letters = letters;
        }
        match self.readings.iter_mut().find(|(known, _)| known.text == block.text) {
            Some((known, count)) => {
                known.score = known.score.max(block.score);
                *count += 1;
            }
            None => self.readings.push((block, 1)),
        }
        self.readings.sort_by(|(a, often), (b, seldom)| seldom.cmp(often).then(b.score.total_cmp(&a.score)));
        self.readings.truncate(MAX_READINGS);
    }

    fn into_segment(self) -> Option<NewSegment> {
        let range = TimeRange::new(self.start, self.gone?).ok()?;
        let (Block { text, score }, _) = self.readings.into_iter().next()?;
        Some(NewSegment { kind: SegmentKind::Text, range, text, score, vectors: Vec::new() })
    }
}

/// Letters and digits only, in lower case: what readings of one text share.
fn plain(text: &str) -> Vec<char> {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).take(MAX_CHARS).collect()
}

/// From 0, nothing in common, to 1, the same; a text that begins or ends another one is the same, appearing.
fn likeness(a: &[char], b: &[char]) -> f32 {
    /// Longer texts are told apart by their beginnings.
    const LOOKED_AT: usize = 160;
    const PART: usize = 6;
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    if short.len() >= PART && (long.starts_with(short) || long.ends_with(short)) {
        return 1.0;
    }
    if long.is_empty() || (short.len() as f32) < SAME * long.len() as f32 {
        return 0.0;
    }
    let (short, long) = (&short[..short.len().min(LOOKED_AT)], &long[..long.len().min(LOOKED_AT)]);
    1.0 - edits(short, long) as f32 / long.len() as f32
}

/// Letters to insert, delete or replace (Levenshtein).
fn edits(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str, left: f32, top: f32, width: f32) -> TextLine {
        let (right, bottom) = (left + width, top + 20.0);
        let quad = [[left, top], [right, top], [right, bottom], [left, bottom]];
        TextLine { text: text.into(), score: 0.9, quad }
    }

    fn block(text: &str, score: f32) -> Block {
        Block { text: text.into(), score }
    }

    fn seconds(s: f64) -> MediaTime {
        MediaTime::from_secs_f64(s)
    }

    fn told(frames: &[(f64, &[&str])], end_s: f64) -> Vec<(f64, f64, String)> {
        let mut track = TextTrack::default();
        let mut all = Vec::new();
        for (at, texts) in frames {
            all.extend(track.push(seconds(*at), texts.iter().map(|text| block(text, 0.9)).collect()));
        }
        all.extend(track.finish(seconds(end_s)));
        all.sort_by_key(|segment| segment.range);
        all.into_iter()
            .map(|s| (s.range.start().as_secs_f64(), s.range.end().as_secs_f64(), s.text))
            .collect()
    }

    #[test]
    fn lines_that_stand_together_are_one_block_and_others_are_not() {
        let lines = [
            line("CHANNEL 5", 600.0, 10.0, 90.0),
            line("A (slightly", 100.0, 300.0, 120.0),
            line("overweight)", 228.0, 301.0, 120.0),
            line("bunny", 150.0, 326.0, 60.0),
        ];
        let texts: Vec<String> = blocks(&lines).into_iter().map(|block| block.text).collect();
        assert_eq!(texts, ["CHANNEL 5", "A (slightly overweight) bunny"]);
    }

    #[test]
    fn a_single_letter_is_no_text() {
        assert_eq!(blocks(&[line("|l", 0.0, 0.0, 9.0), line(".", 0.0, 90.0, 9.0)]), []);
    }

    #[test]
    fn a_text_that_stays_is_one_segment_until_it_is_gone() {
        let frames: &[(f64, &[&str])] =
            &[(1.0, &["An unlucky bird"]), (2.0, &["An unlucky bird"]), (3.0, &[]), (9.0, &["The end"])];
        assert_eq!(told(frames, 12.0), [(1.0, 3.0, "An unlucky bird".into()), (9.0, 12.0, "The end".into())]);
    }

    #[test]
    fn a_text_that_appears_letter_by_letter_is_told_whole() {
        let frames: &[(f64, &[&str])] =
            &[(1.0, &["An unlu"]), (2.0, &["An unlucky bird"]), (3.0, &["An unlucky"])];
        assert_eq!(told(frames, 4.0), [(1.0, 4.0, "An unlucky bird".into())]);
    }

    #[test]
    fn a_reading_that_was_missed_once_makes_no_second_segment() {
        let frames: &[(f64, &[&str])] =
            &[(1.0, &["Revenge is coming"]), (2.0, &[]), (3.0, &["Revenge is coming"])];
        assert_eq!(told(frames, 5.0), [(1.0, 5.0, "Revenge is coming".into())]);
        let later: &[(f64, &[&str])] =
            &[(1.0, &["Revenge is coming"]), (2.0, &[]), (8.0, &["Revenge is coming"])];
        assert_eq!(told(later, 9.0).len(), 2, "it was gone for long");
    }

    #[test]
    fn the_reading_that_came_most_often_is_kept_and_of_equals_the_surer_one() {
        let mut track = TextTrack::default();
        track.push(seconds(0.0), vec![block("Anunlucky bird", 0.99)]);
        track.push(seconds(1.0), vec![block("An unlucky bird", 0.95)]);
        track.push(seconds(2.0), vec![block("An unlucky blrd", 0.8)]);
        track.push(seconds(3.0), vec![block("An unlucky bird", 0.9)]);
        let made = track.finish(seconds(4.0));
        assert_eq!(
            made.iter().map(|s| (s.text.as_str(), s.score)).collect::<Vec<_>>(),
            [("An unlucky bird", 0.95)]
        );
    }

    #[test]
    fn two_texts_at_once_keep_apart() {
        let frames: &[(f64, &[&str])] =
            &[(0.0, &["Left door", "Right door"]), (1.0, &["Right door"]), (5.0, &["Right door"])];
        assert_eq!(told(frames, 6.0), [(0.0, 1.0, "Left door".into()), (0.0, 6.0, "Right door".into())]);
    }
}
