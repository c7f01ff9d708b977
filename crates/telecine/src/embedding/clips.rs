//! How a video is cut into clips, and the mean of what is seen in each. Pure.
//!
//! A clip's vector is the mean of the unit vectors of its pictures, at unit length; the whole's is that of all pictures. A
//! picture that stays on into a clip without a picture of its own stands for that clip.

use super::{Embedded, Plan, Scope};
use crate::time::{MediaTime, TimeRange};

/// A last clip shorter than this is left out, as the contract's own service does, unless it is the only one.
const MIN_LAST: MediaTime = MediaTime::from_millis(2_000);

/// The clips of a video of this length; none when nothing of it lies within the plan.
pub fn cut(plan: &Plan, duration: MediaTime) -> Vec<TimeRange> {
    let end = plan.end.map_or(duration, |end| end.min(duration));
    let mut clips: Vec<TimeRange> = Vec::new();
    let mut start = plan.start.max(MediaTime::ZERO);
    while start < end && plan.clip_length > MediaTime::ZERO {
        let clip_end = (start + plan.clip_length).min(end);
        let is_short = clip_end - start < plan.clip_length.min(MIN_LAST);
        if is_short && !clips.is_empty() {
            break;
        }
        clips.extend(TimeRange::new(start, clip_end).ok());
        start = clip_end;
    }
    clips
}

/// Sums vectors up as pictures come, in order of time.
#[derive(Debug)]
pub struct Means {
    clips: Vec<(TimeRange, Vec<f32>, u32)>,
    whole: Vec<f32>,
    /// When the first picture is shown: nothing is before.
    first_at: Option<MediaTime>,
    last: Option<Vec<f32>>,
}

impl Means {
    /// Of these clips, in order of time, of a model with so many numbers.
    pub fn new(clips: Vec<TimeRange>, dim: usize) -> Self {
        let clips = clips.into_iter().map(|range| (range, vec![0.0; dim], 0)).collect();
        Self { clips, whole: vec![0.0; dim], first_at: None, last: None }
    }

    /// When the last clip ends: pictures from there on are not needed.
    pub fn end(&self) -> MediaTime {
        self.clips.last().map_or(MediaTime::ZERO, |(range, _, _)| range.end())
    }

    /// The picture that is shown from this moment on.
    pub fn push(&mut self, at: MediaTime, vector: &[f32]) {
        self.fill(at);
        let within = self.clips.iter_mut().find(|(range, _, _)| at >= range.start() && at < range.end());
        if let Some((_, sum, count)) = within {
            add(sum, vector);
            *count += 1;
            add(&mut self.whole, vector);
        }
        self.first_at.get_or_insert(at);
        self.last = Some(vector.to_vec());
    }

    /// Clips that end before this moment and had no picture of their own show the last one.
    fn fill(&mut self, until: MediaTime) {
        let Some((last, first_at)) = self.last.as_ref().zip(self.first_at) else { return };
        let is_filled =
            |range: &TimeRange, count: u32| count == 0 && range.end() <= until && range.end() > first_at;
        for (_, sum, count) in self.clips.iter_mut().filter(|(range, _, count)| is_filled(range, *count)) {
            add(sum, last);
            *count += 1;
            add(&mut self.whole, last);
        }
    }

    /// The vectors of what the plan asks for: clips in order of time, then the whole. Clips that show nothing, for the video
    /// begins later, are left out.
    pub fn finish(mut self, plan: &Plan) -> Vec<Embedded> {
        self.fill(MediaTime::MAX);
        let mut found: Vec<Embedded> = Vec::new();
        let (first, last) = (self.clips.first().map(|clip| clip.0), self.clips.last().map(|clip| clip.0));
        if plan.scopes.contains(&Scope::Clip) {
            for (range, sum, _) in self.clips.into_iter().filter(|(_, _, count)| *count > 0) {
                found.push(Embedded { range, scope: Scope::Clip, values: unit(sum) });
            }
        }
        if let Some((first, last)) = first.zip(last)
            && plan.scopes.contains(&Scope::Video)
            && self.whole.iter().any(|value| *value != 0.0)
        {
            found.push(Embedded { range: first.union(&last), scope: Scope::Video, values: unit(self.whole) });
        }
        found
    }
}

/// The mean of unit vectors, at unit length.
pub fn mean(vectors: &[Vec<f32>]) -> Vec<f32> {
    let mut sum = vec![0.0; vectors.first().map_or(0, Vec::len)];
    vectors.iter().for_each(|vector| add(&mut sum, vector));
    unit(sum)
}

fn add(sum: &mut [f32], vector: &[f32]) {
    sum.iter_mut().zip(vector).for_each(|(sum, value)| *sum += value);
}

/// Divides by the Euclidean norm; zeros stay.
fn unit(mut vector: Vec<f32>) -> Vec<f32> {
    let norm = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    if norm > 0.0 {
        vector.iter_mut().for_each(|value| *value /= norm);
    }
    vector
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn s(seconds: f64) -> MediaTime {
        MediaTime::from_secs_f64(seconds)
    }

    fn plan(length: f64, start: f64, end: Option<f64>) -> Plan {
        let scopes = BTreeSet::from([Scope::Clip, Scope::Video]);
        Plan { clip_length: s(length), scopes, start: s(start), end: end.map(s) }
    }

    fn told(clips: &[TimeRange]) -> Vec<(f64, f64)> {
        clips.iter().map(|clip| (clip.start().as_secs_f64(), clip.end().as_secs_f64())).collect()
    }

    #[test]
    fn a_video_is_cut_into_equal_clips_and_a_rest_of_less_than_two_seconds_is_left_out() {
        assert_eq!(told(&cut(&plan(6.0, 0.0, None), s(13.0))), [(0.0, 6.0), (6.0, 12.0)]);
        assert_eq!(told(&cut(&plan(6.0, 0.0, None), s(14.0))), [(0.0, 6.0), (6.0, 12.0), (12.0, 14.0)]);
        assert_eq!(told(&cut(&plan(6.0, 5.0, Some(12.5)), s(99.0))), [(5.0, 11.0)]);
        assert_eq!(told(&cut(&plan(6.0, 5.0, Some(6.0)), s(99.0))), [(5.0, 6.0)], "the only one stays");
        assert_eq!(told(&cut(&plan(6.0, 50.0, None), s(13.0))), []);
    }

    #[test]
    fn a_clip_is_the_mean_of_its_pictures_and_a_picture_that_stays_stands_for_what_follows() {
        let plan = plan(2.0, 0.0, None);
        let mut means = Means::new(cut(&plan, s(6.0)), 2);
        means.push(s(0.0), &[1.0, 0.0]);
        means.push(s(1.0), &[0.0, 1.0]);
        let found = means.finish(&plan);
        let half = 0.5_f32.sqrt();
        let expected: [&[f32]; 4] =
            [&[half, half], &[0.0, 1.0], &[0.0, 1.0], &[1.0 / 10_f32.sqrt(), 3.0 / 10_f32.sqrt()]];
        for (embedded, expected) in found.iter().zip(expected) {
            let same = embedded.values.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6);
            assert!(same, "{embedded:?} should be {expected:?}");
        }
        assert_eq!(
            found.iter().map(|it| it.scope).collect::<Vec<_>>(),
            [Scope::Clip, Scope::Clip, Scope::Clip, Scope::Video]
        );
        assert_eq!((found[3].range.start(), found[3].range.end()), (s(0.0), s(6.0)));
    }

    #[test]
    fn what_comes_before_the_plan_is_not_in_it_but_may_stay_on() {
        let plan = plan(2.0, 4.0, None);
        let mut means = Means::new(cut(&plan, s(8.0)), 1);
        means.push(s(0.0), &[1.0]);
        means.push(s(7.0), &[1.0]);
        assert_eq!(means.finish(&plan).len(), 3);
        assert!(Means::new(Vec::new(), 1).finish(&plan).is_empty());
    }

    proptest! {
        #[test]
        fn clips_follow_each_other_within_the_plan(
            length in 2.0..10.0_f64, start in 0.0..50.0_f64, end in prop::option::of(0.0..100.0_f64), duration in 0.0..100.0_f64,
        ) {
            let clips = cut(&plan(length, start, end), s(duration));
            let until = end.map_or(s(duration), |end| s(end).min(s(duration)));
            prop_assert!(clips.windows(2).all(|pair| pair[0].end() == pair[1].start()));
            prop_assert!(clips.iter().all(|clip| clip.start() >= s(start) && clip.end() <= until && clip.duration() <= s(length)));
            prop_assert_eq!(clips.is_empty(), s(start) >= until);
        }

        #[test]
        fn every_vector_has_unit_length_and_every_clip_with_something_to_see_has_one(
            times in prop::collection::vec(0.0..20.0_f64, 1..30),
        ) {
            let plan = plan(3.0, 0.0, None);
            let mut times = times;
            times.sort_by(f64::total_cmp);
            let mut means = Means::new(cut(&plan, s(20.0)), 2);
            for (n, at) in times.iter().enumerate() {
                let angle = n as f32 / 10.0;
                means.push(s(*at), &[angle.cos(), angle.sin()]);
            }
            let found = means.finish(&plan);
            let norm = |it: &Embedded| it.values.iter().map(|value| value * value).sum::<f32>();
            prop_assert!(found.iter().all(|it| (norm(it) - 1.0).abs() < 1e-4));
            let shown = cut(&plan, s(20.0)).iter().filter(|clip| clip.end() > s(times[0])).count();
            prop_assert_eq!(found.len(), shown + 1);
        }
    }
}
