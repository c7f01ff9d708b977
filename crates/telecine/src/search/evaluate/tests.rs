//! What combined queries find, on lists that are made up.

use proptest::prelude::*;

use super::*;
use crate::ids::TaskId;
use crate::index::ModelOption;
use crate::search::combined::Leaf;

fn range(start_s: i64, end_s: i64) -> TimeRange {
    TimeRange::new(MediaTime::from_millis(start_s * 1_000), MediaTime::from_millis(end_s * 1_000)).unwrap()
}

fn clip(video: u8, start_s: i64, end_s: i64, score: f32) -> Clip {
    let video = format!("{video:024x}").parse::<TaskId>().unwrap().into();
    let found = Match { option: ModelOption::Visual, score, confidence: Confidence::Low, text: None };
    let range = range(start_s, end_s);
    Clip { video, range, score, confidence: Confidence::Low, rank: 0, matches: vec![found] }
}

fn leaf() -> Combined {
    Combined::Leaf(Leaf { text: "a".into(), options: None, conversation: None })
}

fn leaves(count: usize) -> Vec<Combined> {
    vec![leaf(); count]
}

fn seconds(seconds: i64) -> Proximity {
    Some(MediaTime::from_millis(seconds * 1_000))
}

fn not(proximity: Proximity) -> Combined {
    Combined::Not(Box::new(leaf()), Box::new(leaf()), proximity)
}

fn run(query: &Combined, lists: &[&[Clip]]) -> Vec<Clip> {
    evaluate(query, lists.iter().map(|list| list.to_vec()).collect(), Bands::new(0.5))
}

/// Start, end, score.
fn told(clips: &[Clip]) -> Vec<(i64, i64, i64)> {
    let tell = |clip: &Clip| {
        (clip.range.start().as_millis() / 1_000, clip.range.end().as_millis() / 1_000, clip.score as i64)
    };
    clips.iter().map(tell).collect()
}

#[test]
fn all_must_overlap_or_lie_within_the_proximity_and_the_weakest_counts() {
    let cars = [clip(1, 0, 10, 90.0), clip(1, 40, 50, 80.0), clip(2, 0, 10, 95.0)];
    let rain = [clip(1, 8, 14, 75.0), clip(1, 53, 60, 85.0), clip(3, 0, 10, 99.0)];
    let and = |proximity| Combined::And(leaves(2), proximity);
    assert_eq!(told(&run(&and(None), &[&cars, &rain])), [(0, 14, 75)]);
    assert_eq!(told(&run(&and(seconds(2)), &[&cars, &rain])), [(0, 14, 75)]);
    assert_eq!(told(&run(&and(seconds(3)), &[&cars, &rain])), [(40, 60, 80), (0, 14, 75)]);
}

#[test]
fn three_are_near_only_if_every_two_are() {
    let lists: [&[Clip]; 3] = [&[clip(1, 0, 10, 90.0)], &[clip(1, 9, 20, 90.0)], &[clip(1, 19, 30, 90.0)]];
    assert_eq!(run(&Combined::And(leaves(3), None), &lists), []);
    assert_eq!(told(&run(&Combined::And(leaves(3), seconds(9)), &lists)), [(0, 30, 90)]);
}

#[test]
fn what_any_finds_is_told_once_and_surer_if_several_find_it() {
    let cars = [clip(1, 0, 10, 80.0), clip(2, 0, 10, 70.0)];
    let lorries = [clip(1, 1, 10, 70.0), clip(1, 30, 40, 75.0)];
    let found = run(&Combined::Or(leaves(2)), &[&cars, &lorries]);
    assert_eq!(told(&found), [(0, 10, 87), (30, 40, 75), (0, 10, 70)]);
    assert_eq!(found.iter().map(|clip| clip.rank).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(found[0].confidence, Confidence::Medium);
}

#[test]
fn what_comes_in_the_wrong_order_is_not_found() {
    let sits = [clip(1, 0, 10, 90.0), clip(1, 60, 70, 80.0)];
    let drinks = [clip(1, 10, 20, 85.0), clip(1, 100, 110, 99.0)];
    let then = |proximity| Combined::Then(leaves(2), proximity);
    assert_eq!(told(&run(&then(seconds(0)), &[&sits, &drinks])), [(0, 20, 85)]);
    assert_eq!(told(&run(&then(seconds(30)), &[&sits, &drinks])), [(0, 20, 85), (60, 110, 80)]);
    assert_eq!(told(&run(&then(seconds(30)), &[&drinks, &sits])), []);
    // Where no distance is given, the order alone counts; the long way round says nothing new.
    assert_eq!(told(&run(&then(None), &[&drinks, &sits])), [(10, 70, 80)]);
    let same = [clip(1, 0, 10, 90.0)];
    assert_eq!(run(&then(None), &[&same, &same]), [], "a thing does not come after itself");
}

#[test]
fn what_overlaps_the_unwanted_goes() {
    let dogs = [clip(1, 0, 10, 90.0), clip(1, 10, 20, 80.0), clip(1, 40, 50, 70.0), clip(2, 0, 10, 75.0)];
    let snow = [clip(1, 5, 10, 70.0)];
    assert_eq!(told(&run(&not(None), &[&dogs, &snow])), [(10, 20, 80), (0, 10, 75), (40, 50, 70)]);
    assert_eq!(told(&run(&not(seconds(5)), &[&dogs, &snow])), [(0, 10, 75), (40, 50, 70)]);
}

#[test]
fn the_unwanted_must_be_sure_to_some_degree() {
    let query = Combined::Or(vec![leaf(), not(None)]);
    use Confidence::{ExtremelyLow, High, Low};
    assert_eq!(thresholds(&query, ExtremelyLow), [ExtremelyLow, ExtremelyLow, Low]);
    assert_eq!(thresholds(&query, High), [High; 3]);
}

#[test]
fn very_many_clips_take_little_time() {
    let list: Vec<Clip> = (0..MAX_CLIPS as i64).map(|n| clip(1, n, n + 2_000, 70.0)).collect();
    let lists = vec![list; 32];
    let found = evaluate(&Combined::And(leaves(32), None), lists, Bands::new(0.5));
    assert!((1..=MAX_CLIPS).contains(&found.len()));
}

fn any_list() -> impl Strategy<Value = Vec<Clip>> {
    let one = (1..3_u8, 0..40_i64, 0..10_i64, 70..=100_u32);
    let one = one.prop_map(|(video, start, length, score)| clip(video, start, start + length, score as f32));
    prop::collection::vec(one, 0..12)
}

fn of_video<'a>(list: &'a [Clip], clip: &'a Clip) -> impl Iterator<Item = &'a Clip> {
    list.iter().filter(|other| other.video == clip.video)
}

proptest! {
    #[test]
    fn every_clip_of_and_holds_one_of_each_list(a in any_list(), b in any_list(), near in 0..5_i64) {
        let found = run(&Combined::And(leaves(2), seconds(near)), &[&a, &b]);
        for clip in &found {
            let fits = of_video(&a, clip).any(|first| of_video(&b, clip).any(|second| {
                let gap = first.range.start().max(second.range.start()) - first.range.end().min(second.range.end());
                clip.range == first.range.union(&second.range)
                    && clip.score == first.score.min(second.score)
                    && gap <= MediaTime::from_millis(near * 1_000)
            }));
            prop_assert!(fits, "{clip:?} of {a:?} and {b:?}");
        }
    }

    #[test]
    fn the_order_of_terms_does_not_matter_to_and_and_or(a in any_list(), b in any_list(), near in 0..5_i64) {
        for query in [Combined::And(leaves(2), seconds(near)), Combined::Or(leaves(2))] {
            prop_assert_eq!(told(&run(&query, &[&a, &b])), told(&run(&query, &[&b, &a])));
        }
    }

    #[test]
    fn a_sequence_has_its_parts_in_order(a in any_list(), b in any_list()) {
        for clip in run(&Combined::Then(leaves(2), None), &[&a, &b]) {
            let fits = of_video(&a, &clip).any(|first| of_video(&b, &clip).any(|second| {
                first.range.start() <= second.range.start()
                    && first.range.end() <= second.range.end()
                    && clip.range == first.range.union(&second.range)
            }));
            prop_assert!(fits, "{clip:?} of {a:?} then {b:?}");
        }
    }

    #[test]
    fn what_is_excluded_never_overlaps_and_the_rest_stays_as_it_was(a in any_list(), b in any_list()) {
        let found = run(&not(None), &[&a, &b]);
        for clip in &found {
            prop_assert!(a.iter().any(|origin| (origin.video, origin.range) == (clip.video, clip.range)));
            prop_assert!(of_video(&b, clip).all(|sub| clip.range.intersection(&sub.range)
                .is_none_or(|shared| shared.duration() == MediaTime::ZERO)));
        }
        let all = a.iter().filter(|clip| of_video(&b, clip).all(|sub| !meets(&clip.range, &sub.range, MediaTime::ZERO)));
        prop_assert_eq!(found.len(), all.count());
    }

    #[test]
    fn lists_are_ranked_and_more_proximity_never_finds_less_to_tell(a in any_list(), b in any_list()) {
        let near = run(&Combined::And(leaves(2), seconds(0)), &[&a, &b]);
        let far = run(&Combined::And(leaves(2), seconds(20)), &[&a, &b]);
        prop_assert!(far.iter().map(|clip| clip.rank).eq(1..=far.len() as u32));
        prop_assert!(far.is_sorted_by(|a, b| a.score >= b.score));
        let best = |clips: &[Clip]| clips.first().map_or(0.0, |clip| clip.score);
        prop_assert!(best(&far) >= best(&near));
    }
}
