//! What a combined query finds, from the ranked clips of each of its texts. Pure: the same lists give the same clips, and
//! the order of the terms of `$and` and `$or` does not matter.
//!
//! The operators are those of the contract (B.7), whose words leave some questions open; this is how they are answered.
//! Relations between stretches of time are Allen's ("Maintaining Knowledge about Temporal Intervals", CACM 1983); degrees
//! of truth combine as in Fagin's "Combining Fuzzy Information from Multiple Systems" (PODS 1996): a conjunction is as
//! sure as its weakest part.
//!
//! * A **text** finds what a search by it alone finds, at the query's threshold.
//! * **`$and`**: clips of every term in one video, every two of which overlap, touch, or lie at most `proximity` apart.
//!   The clip goes from the first start to the last end, and scores as its weakest part.
//! * **`$or`**: clips of any term. Where one mostly covers another, they are one clip, and its score fuses theirs.
//! * **`$then`**: clips of every term in one video, each of which starts and ends no earlier than the one before, and is
//!   not the same stretch. With a `proximity`, each begins at most that long after the one before has ended; where none is
//!   given, only the order counts. Range and score are as with `$and`.
//! * **`$not`**: clips of `origin` that no clip of `sub` overlaps or comes as near as `proximity`. For `sub` the threshold
//!   is at least `low`: what is hardly found anywhere is found everywhere.
//!
//! Of clips that say the same again (one mostly covers the other, or holds it whole) the surer one stays.

use std::collections::BTreeMap;

use super::calibration::{Bands, fuse};
use super::combined::{Combined, Proximity};
use super::rank::MAX_CLIPS;
use super::{Clip, Confidence, Match};
use crate::ids::VideoId;
use crate::time::{MediaTime, TimeRange};

/// Evaluates a query. `lists` has what each text of it finds, in the order of [`Combined::leaves`].
pub fn evaluate(query: &Combined, lists: Vec<Vec<Clip>>, bands: Bands) -> Vec<Clip> {
    let mut lists = lists.into_iter();
    let mut clips: Vec<Clip> = videos(query, &mut lists)
        .into_iter()
        .flat_map(|(video, spans)| spans.into_iter().map(move |span| span.into_clip(video)))
        .collect();
    clips.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.video.cmp(&b.video)).then(a.range.cmp(&b.range)));
    clips.truncate(MAX_CLIPS);
    for (rank, clip) in (1..).zip(&mut clips) {
        clip.rank = rank;
        clip.confidence = bands.confidence(clip.score);
    }
    clips
}

/// The threshold of each text, in the order of [`Combined::leaves`].
pub fn thresholds(query: &Combined, threshold: Confidence) -> Vec<Confidence> {
    match query {
        Combined::Leaf(_) => vec![threshold],
        Combined::And(terms, _) | Combined::Or(terms) | Combined::Then(terms, _) => {
            terms.iter().flat_map(|term| thresholds(term, threshold)).collect()
        }
        Combined::Not(origin, sub, _) => {
            let of_sub = threshold.max(Confidence::Low);
            [thresholds(origin, threshold), thresholds(sub, of_sub)].concat()
        }
    }
}

/// What was found, by video.
type Found = BTreeMap<VideoId, Vec<Span>>;

/// A stretch that fulfils a part of the query, in one video.
#[derive(Debug, Clone, PartialEq)]
struct Span {
    range: TimeRange,
    score: f32,
    /// The best of each option.
    matches: Vec<Match>,
}

impl Span {
    fn into_clip(self, video: VideoId) -> Clip {
        let Self { range, score, matches } = self;
        Clip { video, range, score, confidence: Confidence::ExtremelyLow, rank: 0, matches }
    }
}

fn videos(query: &Combined, lists: &mut impl Iterator<Item = Vec<Clip>>) -> Found {
    let mut all =
        |terms: &[Combined]| -> Vec<Found> { terms.iter().map(|term| videos(term, &mut *lists)).collect() };
    match query {
        Combined::Leaf(_) => by_video(lists.next().unwrap_or_default()),
        Combined::Or(terms) => {
            let mut merged = Found::new();
            for (video, spans) in all(terms).into_iter().flatten() {
                merged.entry(video).or_default().extend(spans);
            }
            merged.values_mut().for_each(|spans| *spans = any(std::mem::take(spans)));
            merged
        }
        Combined::And(terms, proximity) => {
            let near = proximity.unwrap_or(MediaTime::ZERO);
            in_all(all(terms), |lists| groups(lists, |group, next| group.is_near(next, near)))
        }
        Combined::Then(terms, proximity) => {
            in_all(all(terms), |lists| groups(lists, |group, next| group.is_before(next, *proximity)))
        }
        Combined::Not(origin, sub, proximity) => {
            let mut found = videos(origin, &mut *lists);
            let excluded = videos(sub, &mut *lists);
            let near = proximity.unwrap_or(MediaTime::ZERO);
            for (video, spans) in &mut found {
                if let Some(others) = excluded.get(video) {
                    spans.retain(|span| !others.iter().any(|other| meets(&span.range, &other.range, near)));
                }
            }
            found.retain(|_, spans| !spans.is_empty());
            found
        }
    }
}

fn by_video(clips: Vec<Clip>) -> Found {
    let mut found = Found::new();
    for Clip { video, range, score, matches, .. } in clips {
        found.entry(video).or_default().push(Span { range, score, matches });
    }
    found
}

/// The videos that are in every list.
fn in_all(mut lists: Vec<Found>, combine: impl Fn(Vec<Vec<Span>>) -> Vec<Span>) -> Found {
    let Some(first) = lists.first() else { return Found::new() };
    let videos: Vec<VideoId> =
        first.keys().copied().filter(|video| lists.iter().all(|list| list.contains_key(video))).collect();
    let spans = videos
        .into_iter()
        .map(|video| (video, combine(lists.iter_mut().filter_map(|list| list.remove(&video)).collect())));
    spans.filter(|(_, spans)| !spans.is_empty()).collect()
}

/// Whether two stretches overlap or, where a moment or a distance is allowed for, touch or lie so near. Stretches that end
/// where the other begins do not overlap, but have the distance zero: they meet unless both have a length and nothing but
/// an overlap is asked for.
fn meets(a: &TimeRange, b: &TimeRange, near: MediaTime) -> bool {
    let gap = a.start().max(b.start()) - a.end().min(b.end());
    let is_moment = a.duration() == MediaTime::ZERO || b.duration() == MediaTime::ZERO;
    if near == MediaTime::ZERO && !is_moment { gap < MediaTime::ZERO } else { gap <= near }
}

/// Spans that were taken together so far: one of each list.
#[derive(Debug, Clone)]
struct Group {
    span: Span,
    latest_start: MediaTime,
    earliest_end: MediaTime,
    last: TimeRange,
}

impl Group {
    fn new(span: Span) -> Self {
        let last = span.range;
        Self { span, latest_start: last.start(), earliest_end: last.end(), last }
    }

    /// Near every one of the group: of stretches on a line, the two farthest apart decide.
    fn is_near(&self, next: &TimeRange, near: MediaTime) -> bool {
        let gap = self.latest_start.max(next.start()) - self.earliest_end.min(next.end());
        gap <= near
    }

    fn is_before(&self, next: &TimeRange, proximity: Proximity) -> bool {
        let last = &self.last;
        let is_later = next.start() >= last.start() && next.end() >= last.end() && next != last;
        is_later && proximity.is_none_or(|near| next.start() - last.end() <= near)
    }

    fn with(&self, next: &Span) -> Self {
        Self {
            span: Span {
                range: self.span.range.union(&next.range),
                score: self.span.score.min(next.score),
                matches: best(self.span.matches.iter().chain(&next.matches)),
            },
            latest_start: self.latest_start.max(next.range.start()),
            earliest_end: self.earliest_end.min(next.range.end()),
            last: next.range,
        }
    }
}

/// One span of each list, wherever they fit. Of very many groups the best ones are kept.
fn groups(lists: Vec<Vec<Span>>, fits: impl Fn(&Group, &TimeRange) -> bool) -> Vec<Span> {
    let mut lists = lists.into_iter();
    let mut groups: Vec<Group> = lists.next().unwrap_or_default().into_iter().map(Group::new).collect();
    for list in lists {
        let mut pairs: Vec<(f32, MediaTime, usize, usize)> = Vec::new();
        for (at, group) in groups.iter().enumerate() {
            for (place, next) in list.iter().enumerate().filter(|(_, next)| fits(group, &next.range)) {
                let length = group.span.range.union(&next.range).duration();
                pairs.push((group.span.score.min(next.score), length, at, place));
            }
            // A list has at most MAX_CLIPS, so that this never holds more than a few of them.
            if pairs.len() > 16 * MAX_CLIPS {
                keep_best(&mut pairs);
            }
        }
        keep_best(&mut pairs);
        groups = pairs.into_iter().map(|(_, _, at, place)| groups[at].with(&list[place])).collect();
    }
    distinct(groups.into_iter().map(|group| group.span).collect())
}

fn keep_best(pairs: &mut Vec<(f32, MediaTime, usize, usize)>) {
    pairs.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)).then((a.2, a.3).cmp(&(b.2, b.3))));
    pairs.truncate(MAX_CLIPS);
}

/// Surer ones first, shorter ones first among equals.
fn by_worth(a: &Span, b: &Span) -> std::cmp::Ordering {
    let length = |span: &Span| span.range.duration();
    b.score.total_cmp(&a.score).then(length(a).cmp(&length(b))).then(a.range.cmp(&b.range))
}

/// Without those that say again what a surer one says.
fn distinct(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_by(by_worth);
    let mut kept: Vec<Span> = Vec::new();
    for span in spans {
        let says_again = |other: &Span| {
            let (a, b) = (&other.range, &span.range);
            covers_mostly(a, b) || (b.start() <= a.start() && b.end() >= a.end())
        };
        if !kept.iter().any(says_again) {
            kept.push(span);
        }
    }
    kept
}

/// What any term finds; what mostly covers each other is one.
fn any(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_by(by_worth);
    let mut kept: Vec<(Span, Vec<f32>)> = Vec::new();
    for span in spans {
        let same = kept.iter_mut().find(|(other, _)| {
            covers_mostly(&other.range, &span.range) && covers_mostly(&span.range, &other.range)
        });
        match same {
            Some((other, scores)) => {
                scores.push(span.score);
                other.matches = best(other.matches.iter().chain(&span.matches));
            }
            None => kept.push((span.clone(), vec![span.score])),
        }
    }
    kept.into_iter().map(|(span, scores)| Span { score: fuse(scores), ..span }).collect()
}

/// The best match of each option, best first.
fn best<'a>(matches: impl Iterator<Item = &'a Match>) -> Vec<Match> {
    let mut all: Vec<&Match> = matches.collect();
    all.sort_by(|a, b| {
        b.score.total_cmp(&a.score).then(a.option.cmp(&b.option)).then_with(|| a.text.cmp(&b.text))
    });
    let mut best: Vec<Match> = Vec::new();
    for found in all {
        if best.iter().all(|taken| taken.option != found.option) {
            best.push(found.clone());
        }
    }
    best
}

fn covers_mostly(range: &TimeRange, other: &TimeRange) -> bool {
    let shared = range.end().min(other.end()) - range.start().max(other.start());
    shared >= MediaTime::ZERO && shared.as_micros() >= other.duration().as_micros().div_euclid(2)
}

#[cfg(test)]
mod tests;
