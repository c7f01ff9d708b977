//! From what lists measure (dot products, words found) to scores of 0 to 100 that can be compared and put into bands of
//! confidence. Pure; the anchors below were measured, and are the only place to change when a model changes.
//!
//! A score says where a measure lies between anchors: 70 is where [`Confidence::Low`] begins, 80 medium, 90 high (the
//! contract's bands of 2022). Between two anchors it grows in proportion.
//!
//! * **Meaning** (MiniLM, cosine). Measured with 20 queries over 43 sentences: unrelated pairs have a median of 0.05 and
//!   a 90th percentile of 0.17; pairs that a person calls related lie at 0.25–0.55, near paraphrases above.
//! * **Seen** (concept space). The dot product times √1000 tells by how many standard deviations the query's labels
//!   stand out among all labels of that image, but broad queries stand out a little everywhere. So half of the measure is
//!   that number over 2.2 (which makes its spread that of the other half), and half is the distance from what the same
//!   query scores on a sample of the index, in standard deviations. The sample's mean and deviation are drawn towards
//!   those of the pinned photos as if 100 of these were among them, so that an index of a few shots has sensible scores.
//!   Measured with the 32 pinned queries over 65 photos and 75 film frames: AUC 0.90; relevant pairs have quartiles of
//!   1.6, 2.8 and 3.9, others a median of 0.1 and a 90th percentile of 1.9.
//! * **Seen** (CLIP and others). Only the distance from the sample counts, with a weak prior of what CLIP models give.
//! * **Pictures** (concept space). The dot product of two pictures is the correlation of what the network says of them over
//!   all labels, a measure by itself. Measured over the pinned photos and films: pairs of different photos have a median of
//!   0.09 and a 90th percentile of 0.47 (many show food), frames of different films 0.05 and 0.33; three quarters of a
//!   photo against the whole 0.69 and more, median 0.90; frames a second apart in one shot 0.65 to 0.97.
//! * **Pictures** (CLIP and others). As with text, only the distance from the sample counts; the weak prior is what is
//!   usual for CLIP's image tower, and was not measured here.
//! * **Pictures with words**. Both vectors are weighed so that what they give by chance has the same spread, and added;
//!   the distance from the sample counts.
//! * **Words**. The share of the query's words that are there, helped by BM25 relative to the best hit's.

use super::vectors::Distribution;
use super::{Confidence, SearchRequest};
use crate::index::ModelRef;

const LOW: f32 = 70.0;
const MEDIUM: f32 = 80.0;
const HIGH: f32 = 90.0;
/// By how much the bands move when the strictness goes from 0.5 to 0 or 1.
const SHIFT: f32 = 8.0;
/// The share by which further evidence closes the gap to 100.
const SUPPORT: f32 = 0.5;

/// Where the bands of confidence begin.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bands {
    shift: f32,
}

impl Bands {
    /// For a strictness of 0 to 1: at 0 every band begins 8 points lower, so that more results are called confident; at
    /// 1 it begins 8 points higher. Scores stay as they are.
    pub fn new(adjust_confidence_level: f32) -> Self {
        Self { shift: (adjust_confidence_level - 0.5) * 2.0 * SHIFT }
    }

    /// For a request.
    pub fn of(request: &SearchRequest) -> Self {
        Self::new(request.adjust_confidence_level)
    }

    /// How sure a score is.
    pub fn confidence(&self, score: f32) -> Confidence {
        let score = score - self.shift;
        match score {
            _ if score >= HIGH => Confidence::High,
            _ if score >= MEDIUM => Confidence::Medium,
            _ if score >= LOW => Confidence::Low,
            _ => Confidence::ExtremelyLow,
        }
    }
}

/// Several scores for one thing, as one: the best, and the others close half of what they promise of the gap to 100.
/// CombMAX with damped support: the maximum of Fox and Shaw ("Combination of Multiple Searches", TREC-2, 1994) for
/// order between lists, their CombMNZ's reward for being in several. Scores rather than ranks are fused, because
/// ours are calibrated; Bruch, Gai and Ingber ("An Analysis of Fusion Functions for Hybrid Retrieval", ACM TOIS 2023)
/// measure that to be better than reciprocal ranks. Does not depend on the order of the scores.
pub fn fuse(scores: impl IntoIterator<Item = f32>) -> f32 {
    let mut scores: Vec<f32> = scores.into_iter().collect();
    scores.sort_by(|a, b| b.total_cmp(a));
    let Some((best, others)) = scores.split_first() else { return 0.0 };
    let gap = others.iter().fold(100.0 - best, |gap, other| gap * (1.0 - SUPPORT * other / 100.0));
    (100.0 - gap).clamp(*best, 100.0)
}

/// Measures that stand for the scores 0, 70, 80, 90 and 100.
#[derive(Debug, Clone, Copy)]
struct Scale([f32; 5]);

const SCORES: [f32; 5] = [0.0, LOW, MEDIUM, HIGH, 100.0];
const MEANING: Scale = Scale([0.0, 0.25, 0.38, 0.55, 0.85]);
const SEEN: Scale = Scale([0.0, 1.5, 2.4, 3.5, 6.0]);
const SHARE: Scale = Scale([0.0, 0.5, 0.75, 1.0, 1.1]);

impl Scale {
    fn score(&self, measure: f32) -> f32 {
        let anchors = &self.0;
        let above = anchors.iter().position(|anchor| measure < *anchor).unwrap_or(anchors.len());
        match above {
            0 => 0.0,
            _ if above == anchors.len() => 100.0,
            _ => {
                let (from, to) = (anchors[above - 1], anchors[above]);
                let share = (measure - from) / (to - from);
                SCORES[above - 1] + share * (SCORES[above] - SCORES[above - 1])
            }
        }
    }
}

/// Of pictures, by their correlation.
const ALIKE: Scale = Scale([0.0, 0.45, 0.60, 0.75, 0.95]);

/// What the dot products of a query with shots mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Likeness {
    /// The query's vector is a text's.
    OfText,
    /// A picture's, or the mean of several.
    OfPicture,
    /// Both ([`composed`]).
    OfBoth,
}

/// How far the dot products with arbitrary pictures spread: of a picture's vector, and of a text's.
fn spreads(model_id: &str) -> (f32, f32) {
    if is_concept(model_id) { (0.20, 0.06) } else { (0.12, 0.05) }
}

/// The vector that is like a picture and like a text: each in units of what it gives by chance, so that neither outvotes
/// the other; at unit length.
pub fn composed(model_id: &str, dim: usize, shown: &[f32], said: &[f32]) -> Vec<f32> {
    let (of_picture, of_text) = spreads(model_id);
    let mut sum = vec![0.0; dim];
    for (vector, spread) in [(shown, of_picture), (said, of_text)] {
        sum.iter_mut().zip(vector).for_each(|(sum, value)| *sum += value / spread);
    }
    let norm = sum.iter().map(|value| value * value).sum::<f32>().sqrt();
    if norm > 0.0 {
        sum.iter_mut().for_each(|value| *value /= norm);
    }
    sum
}

fn is_concept(model_id: &str) -> bool {
    model_id.starts_with("concept-")
}

/// The score of a likeness of meaning.
pub fn meaning(cosine: f32) -> f32 {
    MEANING.score(cosine)
}

/// The score of a segment that holds this share (0 to 1) of the query's words, and whose BM25 is that share of the best
/// one's.
pub fn words(coverage: f32, bm25_share: f32) -> f32 {
    SHARE.score(coverage * (1.0 + 0.08 * bm25_share.clamp(0.0, 1.0)))
}

/// Scores what is seen, for one query in one index.
#[derive(Debug, Clone, Copy)]
pub enum Seen {
    /// The dot product is a measure by itself.
    Absolute(&'static Anchors),
    /// What counts is how far it stands out.
    Relative {
        /// Of what there is by chance.
        mean: f32,
        /// Of what there is by chance.
        deviation: f32,
        /// What makes the dot product alone a measure, where it is one: then it counts half.
        unit: Option<f32>,
    },
}

/// The anchors of an absolute measure.
#[derive(Debug)]
pub struct Anchors(Scale);

static PICTURES: Anchors = Anchors(ALIKE);

struct Prior {
    mean: f32,
    deviation: f32,
    /// Vectors that it counts for.
    weight: f32,
}

impl Seen {
    /// For a model's query whose dot products with arbitrary vectors of the index are `by_chance`.
    pub fn new(model: &ModelRef, likeness: Likeness, by_chance: Distribution) -> Self {
        let is_concept = is_concept(&model.id);
        let sigma = (model.dim.max(1) as f32).sqrt().recip();
        let (mean, deviation, weight) = match (likeness, is_concept) {
            (Likeness::OfPicture, true) => return Self::Absolute(&PICTURES),
            (Likeness::OfText, true) => (0.6 * sigma, 1.95 * sigma, 100.0),
            (Likeness::OfBoth, true) => (0.037, 0.081, 100.0),
            (Likeness::OfText, false) => (0.2, 0.05, 20.0),
            (Likeness::OfPicture, false) => (0.55, 0.12, 20.0),
            (Likeness::OfBoth, false) => (0.365, 0.06, 20.0),
        };
        let prior = Prior { mean, deviation, weight };
        let count = by_chance.count as f32;
        let total = count + prior.weight;
        let pooled = |sampled: f32, prior_value: f32| (count * sampled + prior.weight * prior_value) / total;
        let variance = pooled(by_chance.deviation.powi(2), prior.deviation.powi(2));
        let unit = (is_concept && likeness == Likeness::OfText).then_some(2.2 * sigma);
        Self::Relative { mean: pooled(by_chance.mean, prior.mean), deviation: variance.sqrt(), unit }
    }

    /// The score of a dot product; grows with it.
    pub fn score(&self, dot: f32) -> f32 {
        match *self {
            Self::Absolute(Anchors(scale)) => scale.score(dot),
            Self::Relative { mean, deviation, unit } => {
                let relative = (dot - mean) / deviation;
                SEEN.score(unit.map_or(relative, |unit| 0.5 * dot / unit + 0.5 * relative))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn concept() -> ModelRef {
        ModelRef { id: "concept-efficientnet-lite2-minilm".into(), dim: 1000 }
    }

    proptest! {
        #[test]
        fn scores_stay_in_range_and_grow_with_their_measure(
            a in -2.0..2.0_f32, b in -2.0..2.0_f32, mean in -0.3..0.3_f32, deviation in 0.0..0.3_f32, count in 0..600_usize,
        ) {
            let (less, more) = (a.min(b), a.max(b));
            let by_chance = Distribution { count, mean, deviation };
            let clip = ModelRef { id: "clip-vit-b-32".into(), dim: 512 };
            let likenesses = [Likeness::OfText, Likeness::OfPicture, Likeness::OfBoth];
            let seen = likenesses.map(|likeness| {
                [Seen::new(&concept(), likeness, by_chance), Seen::new(&clip, likeness, by_chance)]
            });
            for (less, more) in [
                (meaning(less), meaning(more)),
                (words(less, 0.5), words(more, 0.5)),
            ].into_iter().chain(seen.concat().iter().map(|seen| (seen.score(less), seen.score(more)))) {
                prop_assert!(less <= more && (0.0..=100.0).contains(&less) && (0.0..=100.0).contains(&more));
            }
        }

        #[test]
        fn fusion_does_not_depend_on_order_and_never_takes_away(
            scores in prop::collection::vec(0.0..=100.0_f32, 1..6), more in 0.0..=100.0_f32,
        ) {
            let fused = fuse(scores.iter().copied());
            let reversed = fuse(scores.iter().rev().copied());
            prop_assert_eq!(fused.to_bits(), reversed.to_bits());
            let best = scores.iter().copied().fold(0.0, f32::max);
            prop_assert!(fused >= best && fused <= 100.0);
            prop_assert!(fuse(scores.into_iter().chain([more])) >= fused - 1e-3);
        }

        #[test]
        fn a_stricter_level_never_makes_surer(score in 0.0..=100.0_f32, a in 0.0..=1.0_f32, b in 0.0..=1.0_f32) {
            let (loose, strict) = (Bands::new(a.min(b)), Bands::new(a.max(b)));
            prop_assert!(strict.confidence(score) <= loose.confidence(score));
        }
    }

    #[test]
    fn the_middle_level_has_the_bands_of_the_contract() {
        let bands = Bands::new(0.5);
        let told = [69.9, 70.0, 80.0, 90.0].map(|score| bands.confidence(score));
        let expected = [Confidence::ExtremelyLow, Confidence::Low, Confidence::Medium, Confidence::High];
        assert_eq!(told, expected);
    }

    #[test]
    fn two_weak_signs_are_worth_a_fair_one_and_nothing_is_worth_nothing() {
        assert!((fuse([70.0, 70.0]) - 80.5).abs() < 1e-3);
        assert_eq!(fuse([]), 0.0);
    }

    #[test]
    fn what_stands_out_is_seen_in_an_index_of_one_shot_and_in_one_that_is_full_of_it() {
        let sigma = 1000_f32.sqrt().recip();
        let lonely = Distribution { count: 1, mean: 9.0 * sigma, deviation: 0.0 };
        assert!(Seen::new(&concept(), Likeness::OfText, lonely).score(9.0 * sigma) >= HIGH);
        let full = Distribution { count: 512, mean: 9.0 * sigma, deviation: 1.0 * sigma };
        assert!(Seen::new(&concept(), Likeness::OfText, full).score(9.0 * sigma) >= LOW);
        let broad = Distribution { count: 512, mean: 2.5 * sigma, deviation: 2.0 * sigma };
        assert!(Seen::new(&concept(), Likeness::OfText, broad).score(2.5 * sigma) < LOW);
    }

    #[test]
    fn pictures_are_alike_by_their_correlation_alone() {
        let full = Distribution { count: 512, mean: 0.6, deviation: 0.1 };
        let seen = Seen::new(&concept(), Likeness::OfPicture, full);
        assert!(seen.score(0.9) >= HIGH && seen.score(0.09) < LOW);
    }

    #[test]
    fn neither_picture_nor_words_outvote_the_other() {
        let both = composed("concept-x", 3, &[1.0, 0.0, 0.0], &[0.0, 1.0, 0.0]);
        let (of_picture, of_text) = spreads("concept-x");
        assert!((both[0] * of_picture - both[1] * of_text).abs() < 1e-6);
        assert!((both.iter().map(|value| value * value).sum::<f32>() - 1.0).abs() < 1e-6);
    }
}
