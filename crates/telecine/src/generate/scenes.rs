//! A video cut into numbered scenes, along its own shots and pauses: the only times that anything written may have. Cut
//! where the words change their subject. Pure but for the vectors, which come from outside.

use super::material::Material;
use crate::time::{MediaTime, TimeRange};

/// Pieces that are looked at one by one; more are joined first.
const MAX_PIECES: i64 = 160;
const MIN_PIECE: MediaTime = MediaTime::from_millis(1_000);

/// Vectors of texts, in their order: of unit length, or empty for an empty text.
pub(super) type Embed<'a> = dyn FnMut(&[&str]) -> crate::fault::Result<Vec<Vec<f32>>> + 'a;

/// Cuts the range of the material into at most `max` scenes that follow each other without a gap, each at least a second
/// long (unless the whole is shorter).
///
/// # Errors
/// When there are no vectors.
pub(super) fn cut(
    material: &Material,
    max: usize,
    embed: &mut Embed<'_>,
) -> crate::fault::Result<Vec<TimeRange>> {
    let pieces = pieces(material);
    if pieces.len() <= 1 || max <= 1 {
        return Ok(vec![material.range]);
    }
    let texts: Vec<String> = pieces.iter().map(|piece| text_of(material, *piece)).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let vectors = embed(&texts)?;
    let total = seconds(material.range);
    let groups = pieces.into_iter().zip(vectors).map(|(range, vector)| Group { range, vector }).collect();
    Ok(join(groups, max, total))
}

struct Group {
    range: TimeRange,
    vector: Vec<f32>,
}

/// Joins neighbours until few enough are left: those that are most alike, and short ones sooner than long ones.
fn join(mut groups: Vec<Group>, max: usize, total_s: f64) -> Vec<TimeRange> {
    let fair_s = total_s / max as f64;
    loop {
        let is_short = |group: &Group| seconds(group.range) < fair_s.min(8.0);
        let too_short = groups.len() > 1 && groups.iter().any(is_short);
        if groups.len() <= max && !too_short {
            return groups.into_iter().map(|group| group.range).collect();
        }
        let must_be_short = groups.len() <= max;
        let best = (0..groups.len() - 1)
            .filter(|&i| !must_be_short || is_short(&groups[i]) || is_short(&groups[i + 1]))
            .map(|i| (i, score(&groups[i], &groups[i + 1], fair_s)))
            .max_by(|a, b| a.1.total_cmp(&b.1));
        let Some((i, _)) = best else {
            return groups.into_iter().map(|group| group.range).collect();
        };
        let next = groups.remove(i + 1);
        let group = &mut groups[i];
        group.vector = mean(group, &next);
        group.range = group.range.union(&next.range);
    }
}

fn score(a: &Group, b: &Group, fair_s: f64) -> f64 {
    let alike: f32 = a.vector.iter().zip(&b.vector).map(|(a, b)| a * b).sum();
    let joined_s = seconds(a.range) + seconds(b.range);
    f64::from(alike) - joined_s / fair_s
}

fn mean(a: &Group, b: &Group) -> Vec<f32> {
    if a.vector.is_empty() || b.vector.is_empty() {
        return if a.vector.is_empty() { b.vector.clone() } else { a.vector.clone() };
    }
    let (x, y) = (seconds(a.range) as f32, seconds(b.range) as f32);
    let mut sum: Vec<f32> = a.vector.iter().zip(&b.vector).map(|(a, b)| a * x + b * y).collect();
    let norm = sum.iter().map(|value| value * value).sum::<f32>().sqrt();
    if norm > 0.0 {
        sum.iter_mut().for_each(|value| *value /= norm);
    }
    sum
}

/// The smallest pieces: from one shot or utterance to the next, never within an utterance.
fn pieces(material: &Material) -> Vec<TimeRange> {
    let whole = material.range;
    let least =
        MediaTime::from_micros((whole.duration().as_micros() / MAX_PIECES).max(MIN_PIECE.as_micros()));
    let shots = material.seen.iter().map(|sight| sight.range.start());
    let speech = material.said.iter().map(|passage| passage.range.start());
    let mut cuts: Vec<MediaTime> =
        shots.chain(speech).filter(|at| *at > whole.start() && *at < whole.end()).collect();
    cuts.sort_unstable();
    cuts.dedup();
    let within_speech = |at: MediaTime| {
        material.said.iter().any(|passage| passage.range.start() < at && at < passage.range.end())
    };
    let mut pieces = Vec::new();
    let mut from = whole.start();
    for at in cuts {
        if at - from >= least && whole.end() - at >= MIN_PIECE && !within_speech(at) {
            pieces.push(between(from, at));
            from = at;
        }
    }
    pieces.push(between(from, whole.end()));
    pieces
}

/// The words of a piece: what is said, else what is shown, else what is seen.
fn text_of(material: &Material, range: TimeRange) -> String {
    let begins = |at: MediaTime| at >= range.start() && at < range.end();
    let said = material.said.iter().filter(|passage| begins(passage.range.start()));
    let written = material.written.iter().filter(|passage| begins(passage.range.start()));
    let words: Vec<&str> = said.chain(written).map(|passage| passage.text.as_str()).collect();
    if !words.is_empty() {
        return words.join(" ");
    }
    let seen = material.seen.iter().filter(|sight| sight.range.overlaps(&range));
    seen.flat_map(|sight| sight.labels.iter().map(String::as_str)).collect::<Vec<_>>().join(" ")
}

/// The range between two moments; none may lie before the first.
pub(super) fn between(start: MediaTime, end: MediaTime) -> TimeRange {
    TimeRange::new(start, end.max(start)).expect("they are in order")
}

pub(super) fn seconds(range: TimeRange) -> f64 {
    range.duration().as_secs_f64()
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::super::material::{Passage, Sight};
    use super::*;

    pub(in crate::generate) fn range(start_ms: i64, end_ms: i64) -> TimeRange {
        between(MediaTime::from_millis(start_ms), MediaTime::from_millis(end_ms))
    }

    pub(in crate::generate) fn said(start_ms: i64, end_ms: i64, text: &str) -> Passage {
        Passage { range: range(start_ms, end_ms), text: text.to_owned() }
    }

    /// Two letters make the vector: enough to tell subjects apart.
    pub(in crate::generate) fn by_letter(texts: &[&str]) -> crate::fault::Result<Vec<Vec<f32>>> {
        let vector = |text: &&str| match text.chars().next() {
            None => Vec::new(),
            Some('a') => vec![1.0, 0.0],
            Some(_) => vec![0.0, 1.0],
        };
        Ok(texts.iter().map(vector).collect())
    }

    #[test]
    fn a_video_is_cut_where_its_subject_changes() {
        let material = Material {
            range: range(0, 60_000),
            seen: Vec::new(),
            said: (0..12)
                .map(|n| said(n * 5_000, n * 5_000 + 4_000, if n < 5 { "about apples" } else { "of bees" }))
                .collect(),
            written: Vec::new(),
        };
        assert_eq!(cut(&material, 2, &mut by_letter).unwrap(), [range(0, 25_000), range(25_000, 60_000)]);
    }

    #[test]
    fn a_video_without_words_is_cut_along_its_shots() {
        let shot = |start, end| Sight { range: range(start, end), labels: Vec::new() };
        let material = Material {
            range: range(0, 30_000),
            seen: vec![shot(0, 10_000), shot(10_000, 20_000), shot(20_000, 30_000)],
            said: Vec::new(),
            written: Vec::new(),
        };
        assert_eq!(cut(&material, 8, &mut by_letter).unwrap().len(), 3);
    }

    proptest! {
        #[test]
        fn scenes_follow_each_other_and_cover_the_video(
            length in 1_000_i64..400_000,
            starts in prop::collection::vec((0_i64..400_000, 0_i64..9_000, prop::bool::ANY), 0..60),
            max in 1_usize..20,
        ) {
            let mut all: Vec<Passage> = starts
                .iter()
                .filter(|(start, ..)| *start < length)
                .map(|(start, long, kind)| said(*start, (*start + *long).min(length), if *kind { "a" } else { "b" }))
                .collect();
            all.sort_by_key(|passage| passage.range.start());
            let material = Material { range: range(0, length), seen: Vec::new(), said: all, written: Vec::new() };
            let scenes = cut(&material, max, &mut by_letter).unwrap();
            prop_assert!(!scenes.is_empty() && scenes.len() <= max);
            prop_assert_eq!(scenes[0].start(), material.range.start());
            prop_assert_eq!(scenes[scenes.len() - 1].end(), material.range.end());
            prop_assert!(scenes.windows(2).all(|pair| pair[0].end() == pair[1].start()));
            prop_assert!(scenes.iter().all(|scene| scene.end() > scene.start()));
        }
    }
}
