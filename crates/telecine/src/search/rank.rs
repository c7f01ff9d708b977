//! From hits to one ranked list of clips. Pure: the same hits in any order give the same list.
//!
//! * Only hits that are as sure as the threshold asks for count, each by itself.
//! * Words that are said or written one right after the other, or at once, are one hit while it is not too long.
//! * `or`: hits that overlap in time become one clip (a shot and what is said in it), if they are of different options
//!   or one mostly covers the other. The clip tells the best match of each option that touches it; its score fuses theirs.
//! * `and`: the same, but hits may also lie a few seconds apart, only clips with a match of every option remain, and
//!   the weakest match is the clip's score (the minimum of fuzzy conjunction: Fagin, "Combining Fuzzy Information from
//!   Multiple Systems", PODS 1996).

use std::collections::{BTreeMap, BTreeSet};

use super::calibration::{Bands, fuse};
use super::{Clip, Confidence, Match, Operator};
use crate::ids::VideoId;
use crate::index::ModelOption;
use crate::time::{MediaTime, TimeRange};

/// Clips in a list.
pub const MAX_CLIPS: usize = 1_000;
/// How far apart the matches of `and` may lie.
pub const NEAR: MediaTime = MediaTime::from_millis(3_000);
/// Words that follow each other this closely are one hit.
const TOUCHING: MediaTime = MediaTime::from_millis(300);
/// No hit of words is merged, and no clip extended, beyond this.
const MAX_MERGED: MediaTime = MediaTime::from_millis(30_000);
const MAX_EXTENDED: MediaTime = MediaTime::from_millis(60_000);

/// A segment that an option found.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// By which option.
    pub option: ModelOption,
    /// The video.
    pub video: VideoId,
    /// When.
    pub range: TimeRange,
    /// 0 to 100.
    pub score: f32,
    /// What is said or written.
    pub text: Option<String>,
}

/// What makes a clip.
#[derive(Debug, Clone, PartialEq)]
pub struct Rules {
    /// How options combine.
    pub operator: Operator,
    /// The options that were asked for.
    pub options: BTreeSet<ModelOption>,
    /// Leave out what is less sure.
    pub threshold: Confidence,
    /// How sure a score is.
    pub bands: Bands,
}

/// The clips, best first, with their ranks; at most [`MAX_CLIPS`].
pub fn clips(hits: Vec<Hit>, rules: &Rules) -> Vec<Clip> {
    let mut by_video: BTreeMap<VideoId, Vec<Hit>> = BTreeMap::new();
    for hit in hits.into_iter().filter(|hit| rules.bands.confidence(hit.score) >= rules.threshold) {
        by_video.entry(hit.video).or_default().push(hit);
    }
    let mut clips: Vec<Clip> =
        by_video.into_values().flat_map(|hits| clips_of_video(merge_touching(hits), rules)).collect();
    clips.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.video.cmp(&b.video)).then(a.range.cmp(&b.range)));
    clips.truncate(MAX_CLIPS);
    for (rank, clip) in (1..).zip(&mut clips) {
        clip.rank = rank;
    }
    clips
}

/// Joins hits of words of one option that touch. Shots stay as they are: a cut is where a clip ends.
fn merge_touching(mut hits: Vec<Hit>) -> Vec<Hit> {
    hits.sort_by(|a, b| (a.option, a.range).cmp(&(b.option, b.range)).then(by_worth(a, b)));
    let mut merged: Vec<Hit> = Vec::with_capacity(hits.len());
    for hit in hits {
        match merged.last_mut().filter(|last| is_continued_by(last, &hit)) {
            Some(last) => join(last, hit),
            None => merged.push(hit),
        }
    }
    merged
}

fn is_continued_by(last: &Hit, next: &Hit) -> bool {
    let is_one_clip = last.range.union(&next.range).duration() <= MAX_MERGED;
    let touches = next.range.start() <= last.range.end() + TOUCHING;
    next.option != ModelOption::Visual && last.option == next.option && touches && is_one_clip
}

fn join(last: &mut Hit, next: Hit) {
    last.range = last.range.union(&next.range);
    last.score = last.score.max(next.score);
    match (&mut last.text, next.text) {
        (Some(text), Some(more)) if !text.contains(&more) => {
            text.push(' ');
            text.push_str(&more);
        }
        (text @ None, more) => *text = more,
        _ => {}
    }
}

fn clips_of_video(mut hits: Vec<Hit>, rules: &Rules) -> Vec<Clip> {
    hits.sort_by(by_worth);
    let near = match rules.operator {
        Operator::Or => None,
        Operator::And => Some(NEAR),
    };
    let ranges = ranges(&hits, near);
    ranges.into_iter().filter_map(|range| clip(range, &hits, near, rules)).collect()
}

/// Best first; what is equal is put in an order that does not depend on where it came from.
fn by_worth(a: &Hit, b: &Hit) -> std::cmp::Ordering {
    let rest = |hit: &Hit| (hit.range, hit.option);
    b.score.total_cmp(&a.score).then(rest(a).cmp(&rest(b))).then_with(|| a.text.cmp(&b.text))
}

/// The stretches that become clips. Hits come best first: each one extends the only stretch that it touches, if that has
/// no hit of its option yet, or lies mostly in one that is there, or is a stretch of its own.
fn ranges(hits: &[Hit], near: Option<MediaTime>) -> Vec<TimeRange> {
    let mut stretches: Vec<(TimeRange, BTreeSet<ModelOption>)> = Vec::new();
    for hit in hits {
        let mut touched = stretches.iter_mut().filter(|(range, _)| touches(range, &hit.range, near));
        let (only, second) = (touched.next(), touched.next());
        let extended = only.filter(|(range, options)| {
            let is_short = range.union(&hit.range).duration() <= MAX_EXTENDED;
            second.is_none() && !options.contains(&hit.option) && is_short
        });
        if let Some((range, options)) = extended {
            *range = range.union(&hit.range);
            options.insert(hit.option);
        } else if !stretches.iter().any(|(range, _)| covers_mostly(range, &hit.range)) {
            stretches.push((hit.range, BTreeSet::from([hit.option])));
        }
    }
    stretches.into_iter().map(|(range, _)| range).collect()
}

fn clip(range: TimeRange, hits: &[Hit], near: Option<MediaTime>, rules: &Rules) -> Option<Clip> {
    let mut matches: Vec<Match> = Vec::new();
    let touching = hits.iter().filter(|hit| touches(&range, &hit.range, near));
    for hit in touching {
        if matches.iter().all(|found| found.option != hit.option) {
            matches.push(Match {
                option: hit.option,
                score: hit.score,
                confidence: rules.bands.confidence(hit.score),
                text: hit.text.clone(),
            });
        }
    }
    let scores = matches.iter().map(|found| found.score);
    let score = match rules.operator {
        Operator::Or => fuse(scores),
        Operator::And if matches.len() < rules.options.len() => return None,
        Operator::And => scores.fold(100.0, f32::min),
    };
    let video = hits.first()?.video;
    Some(Clip { video, range, score, confidence: rules.bands.confidence(score), rank: 0, matches })
}

/// Whether two stretches share at least a quarter of the shorter one (a moment must lie in or at the edge of the other),
/// or lie at most `near` apart.
fn touches(a: &TimeRange, b: &TimeRange, near: Option<MediaTime>) -> bool {
    let gap = a.start().max(b.start()) - a.end().min(b.end());
    match near {
        Some(near) => gap <= near,
        None => gap <= MediaTime::ZERO && gap.as_micros().saturating_neg() >= shorter(a, b) / 4,
    }
}

fn covers_mostly(range: &TimeRange, hit: &TimeRange) -> bool {
    let shared = range.end().min(hit.end()) - range.start().max(hit.start());
    shared >= MediaTime::ZERO && shared.as_micros() >= hit.duration().as_micros() / 2
}

fn shorter(a: &TimeRange, b: &TimeRange) -> i64 {
    a.duration().min(b.duration()).as_micros()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ids::TaskId;

    fn range(start_ms: i64, end_ms: i64) -> TimeRange {
        TimeRange::new(MediaTime::from_millis(start_ms), MediaTime::from_millis(end_ms)).unwrap()
    }

    fn hit(option: ModelOption, start_ms: i64, end_ms: i64, score: f32) -> Hit {
        video_hit(1, option, start_ms, end_ms, score)
    }

    fn video_hit(video: u8, option: ModelOption, start_ms: i64, end_ms: i64, score: f32) -> Hit {
        let video = format!("{video:024x}").parse::<TaskId>().unwrap().into();
        let text = (option != ModelOption::Visual).then(|| format!("words at {start_ms}"));
        Hit { option, video, range: range(start_ms, end_ms), score, text }
    }

    fn rules(operator: Operator, threshold: Confidence) -> Rules {
        let options = BTreeSet::from([ModelOption::Visual, ModelOption::Conversation]);
        Rules { operator, options, threshold, bands: Bands::new(0.5) }
    }

    const ANY: Confidence = Confidence::ExtremelyLow;
    use ModelOption::{Conversation, TextInVideo, Visual};

    fn told(clips: &[Clip]) -> Vec<(i64, i64, usize)> {
        let ms = |time: MediaTime| time.as_millis();
        clips.iter().map(|clip| (ms(clip.range.start()), ms(clip.range.end()), clip.matches.len())).collect()
    }

    #[test]
    fn a_shot_and_what_is_said_in_it_are_one_clip_with_two_matches() {
        let hits = vec![
            hit(Visual, 0, 10_000, 80.0),
            hit(Conversation, 8_000, 12_000, 90.0),
            hit(Conversation, 40_000, 42_000, 75.0),
        ];
        let clips = clips(hits, &rules(Operator::Or, ANY));
        assert_eq!(told(&clips), [(0, 12_000, 2), (40_000, 42_000, 1)]);
        assert_eq!(clips[0].matches[0].option, Conversation, "best first");
        assert!(clips[0].score > 90.0 && clips[0].confidence == Confidence::High);
        assert_eq!(clips[0].matches[0].text.as_deref(), Some("words at 8000"));
    }

    #[test]
    fn cues_that_touch_are_one_hit_and_shots_that_touch_are_two() {
        let cues = [(0, 2_000), (2_100, 4_000), (5_000, 6_000)];
        let hits = |option| cues.iter().map(|&(start, end)| hit(option, start, end, 80.0)).collect();
        let said = clips(hits(Conversation), &rules(Operator::Or, ANY));
        assert_eq!(told(&said), [(0, 4_000, 1), (5_000, 6_000, 1)]);
        assert_eq!(said[0].matches[0].text.as_deref(), Some("words at 0 words at 2100"));
        assert_eq!(clips(hits(Visual), &rules(Operator::Or, ANY)).len(), 3);
    }

    #[test]
    fn a_long_talk_is_not_one_hit() {
        let hits = (0..60).map(|i| hit(TextInVideo, i * 2_000, i * 2_000 + 2_000, 80.0)).collect();
        let clips = clips(hits, &rules(Operator::Or, ANY));
        assert_eq!(clips.len(), 4);
        assert!(clips.iter().all(|clip| clip.range.duration() <= MAX_MERGED));
    }

    #[test]
    fn both_must_match_and_may_lie_a_few_seconds_apart() {
        let hits = vec![
            hit(Visual, 0, 10_000, 95.0),
            hit(Conversation, 12_000, 14_000, 75.0),
            hit(Visual, 60_000, 70_000, 99.0),
            hit(Conversation, 80_000, 82_000, 99.0),
            video_hit(2, Visual, 0, 10_000, 99.0),
        ];
        let both = clips(hits.clone(), &rules(Operator::And, ANY));
        assert_eq!(told(&both), [(0, 14_000, 2)]);
        assert_eq!(both[0].score, 75.0, "as sure as the weakest");
        assert_eq!(clips(hits, &rules(Operator::And, Confidence::Medium)), []);
    }

    #[test]
    fn a_picture_of_no_length_is_a_clip_with_what_is_written_on_it() {
        let hits = vec![hit(Visual, 0, 0, 80.0), hit(TextInVideo, 0, 0, 80.0)];
        assert_eq!(told(&clips(hits, &rules(Operator::Or, ANY))), [(0, 0, 2)]);
    }

    fn any_hits() -> impl Strategy<Value = Vec<Hit>> {
        let option = prop::sample::select(vec![Visual, Conversation]);
        let one = (1..3_u8, option, 0..60_i64, 0..20_i64, 0..=100_u32);
        let hit = |(video, option, start, length, score): (u8, _, i64, i64, u32)| {
            video_hit(video, option, start * 500, (start + length) * 500, score as f32)
        };
        prop::collection::vec(one.prop_map(hit), 0..40)
    }

    fn outdone_by(clip: &Clip, others: &[Clip], score: f32) -> bool {
        others.iter().any(|other| other.video == clip.video && other.score >= score)
    }

    proptest! {
        #[test]
        fn the_order_of_hits_does_not_matter((hits, shuffled) in any_hits().prop_flat_map(|hits| {
            (Just(hits.clone()), Just(hits).prop_shuffle())
        })) {
            for operator in [Operator::Or, Operator::And] {
                let rules = rules(operator, ANY);
                prop_assert_eq!(clips(hits.clone(), &rules), clips(shuffled.clone(), &rules));
            }
        }

        #[test]
        fn lists_are_ranked_in_range_and_told_with_their_reasons(hits in any_hits(), and: bool) {
            let operator = if and { Operator::And } else { Operator::Or };
            let clips = clips(hits, &rules(operator, Confidence::Low));
            for (rank, clip) in (1..).zip(&clips) {
                prop_assert_eq!(clip.rank, rank);
                prop_assert!((0.0..=100.0).contains(&clip.score) && clip.confidence >= Confidence::Low);
                prop_assert!(!clip.matches.is_empty());
                prop_assert!(clip.matches.iter().all(|found| found.confidence >= Confidence::Low));
                prop_assert!(clip.matches.is_sorted_by(|a, b| a.score >= b.score));
                let options: BTreeSet<_> = clip.matches.iter().map(|found| found.option).collect();
                prop_assert_eq!(options.len(), clip.matches.len());
                prop_assert!(!and || options.len() == 2);
            }
            prop_assert!(clips.is_sorted_by(|a, b| a.score >= b.score));
        }

        #[test]
        fn what_matches_by_all_matches_by_any(hits in any_hits()) {
            let any = clips(hits.clone(), &rules(Operator::Or, ANY));
            for clip in clips(hits, &rules(Operator::And, ANY)) {
                prop_assert!(outdone_by(&clip, &any, clip.score), "{clip:?} in {any:?}");
            }
        }

        #[test]
        fn a_higher_threshold_only_takes_away(hits in any_hits()) {
            let levels = [ANY, Confidence::Low, Confidence::Medium, Confidence::High];
            let lists = levels.map(|level| clips(hits.clone(), &rules(Operator::Or, level)));
            for pair in lists.windows(2) {
                for clip in &pair[1] {
                    prop_assert!(outdone_by(clip, &pair[0], clip.matches[0].score));
                }
            }
        }

        #[test]
        fn every_hit_that_is_sure_enough_is_in_a_clip_that_scores_no_less(hits in any_hits()) {
            let rules = rules(Operator::Or, Confidence::Low);
            let list = clips(hits.clone(), &rules);
            let is_sure = |hit: &&Hit| rules.bands.confidence(hit.score) >= Confidence::Low;
            let (one, two): (Vec<Hit>, Vec<Hit>) =
                hits.iter().filter(is_sure).cloned().partition(|hit| hit.video == hits[0].video);
            for hit in merge_touching(one).into_iter().chain(merge_touching(two)) {
                let is_in = list.iter().any(|clip| {
                    let touches = touches(&clip.range, &hit.range, None);
                    clip.video == hit.video && clip.score >= hit.score && touches
                });
                prop_assert!(is_in, "{hit:?} in {list:?}");
            }
        }
    }
}
