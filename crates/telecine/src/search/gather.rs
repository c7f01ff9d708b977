//! From one option of a query to its hits: asks the vector indexes and the store's words, and scores what they find.
//! Knows how lists are read, not how they are fused into clips.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use super::calibration::{self, Likeness, Seen, fuse};
use super::rank::Hit;
use super::vectors::{Distribution, Nearest, Vectors};
use super::words::Terms;
use crate::fault::Result;
use crate::ids::{IndexId, VideoId};
use crate::index::{IndexModels, ModelOption, ModelRef};
use crate::store::{Found, Store};
use crate::video::{Segment, SegmentKind};

/// Vectors of shots that are looked at: several belong to one shot.
const SHOT_VECTORS: usize = 600;
/// Vectors of words that are looked at.
const WORD_VECTORS: usize = 300;
/// Segments with the words that are looked at.
const WORD_SEGMENTS: u32 = 300;
/// As many with all of the words make it needless to look for any of them.
const ENOUGH_SEGMENTS: usize = 50;
/// With a filter, so many segments of the whole index are looked through for those that pass.
const MAX_WORD_SEGMENTS: u32 = 20_000;
/// Tries to get a full list when rows turn out to be gone.
const MAX_TRIES: usize = 4;

/// The videos that a filter lets through.
#[derive(Debug, Clone)]
pub(super) struct Passing {
    /// In any order, each once.
    pub(super) ids: Vec<VideoId>,
    /// The same.
    pub(super) set: HashSet<VideoId>,
}

/// What one query looks for in one index.
#[derive(Debug)]
pub(super) struct Gatherer<'a> {
    pub(super) store: &'a dyn Store,
    pub(super) vectors: &'a Vectors,
    pub(super) index: IndexId,
    pub(super) models: &'a IndexModels,
    pub(super) passing: Option<&'a Passing>,
    /// What is looked for in shots; where `visual` was asked for.
    pub(super) seen: Option<(Arc<[f32]>, Likeness)>,
    /// What is looked for in words by their meaning; where that was asked for.
    pub(super) meant: Option<Arc<[f32]>>,
    /// The words themselves, unless there are none.
    pub(super) terms: Option<Terms>,
    /// What is said must be this phrase.
    pub(super) exact_speech: Option<Terms>,
}

impl Gatherer<'_> {
    /// All hits of an option, each segment once.
    pub(super) async fn hits(&self, option: ModelOption) -> Result<Vec<Hit>> {
        let scored = match option {
            ModelOption::Visual => self.shots().await?,
            ModelOption::Conversation => match &self.exact_speech {
                Some(phrase) => self.phrase(SegmentKind::Speech, phrase).await?,
                None => self.words(SegmentKind::Speech).await?,
            },
            ModelOption::TextInVideo => self.words(SegmentKind::Text).await?,
        };
        let hit = |(segment, score): (Segment, f32)| Hit {
            option,
            video: segment.video,
            range: segment.range,
            score,
            text: (!segment.text.is_empty()).then_some(segment.text),
        };
        Ok(scored.into_iter().map(hit).collect())
    }

    async fn shots(&self) -> Result<Vec<(Segment, f32)>> {
        let Some((query, likeness)) = &self.seen else { return Ok(Vec::new()) };
        let model = &self.models.see;
        let (found, by_chance) = self.by_vector(SegmentKind::Shot, model, query, SHOT_VECTORS).await?;
        let seen = Seen::new(model, *likeness, by_chance);
        Ok(found.into_iter().map(|(segment, dot)| (segment, seen.score(dot))).collect())
    }

    /// By meaning and by the words themselves; a segment that is found by both is worth more.
    async fn words(&self, kind: SegmentKind) -> Result<Vec<(Segment, f32)>> {
        let (meant, literal) = tokio::try_join!(self.by_meaning(kind), self.by_words(kind))?;
        let mut scores: BTreeMap<i64, (Segment, Vec<f32>)> = BTreeMap::new();
        for (segment, score) in meant.into_iter().chain(literal) {
            scores.entry(segment.id).or_insert_with(|| (segment, Vec::new())).1.push(score);
        }
        Ok(scores.into_values().map(|(segment, scores)| (segment, fuse(scores))).collect())
    }

    async fn by_meaning(&self, kind: SegmentKind) -> Result<Vec<(Segment, f32)>> {
        let Some(query) = &self.meant else { return Ok(Vec::new()) };
        let (found, _) = self.by_vector(kind, &self.models.words, query, WORD_VECTORS).await?;
        Ok(found.into_iter().map(|(segment, cosine)| (segment, calibration::meaning(cosine))).collect())
    }

    async fn by_words(&self, kind: SegmentKind) -> Result<Vec<(Segment, f32)>> {
        let Some(terms) = &self.terms else { return Ok(Vec::new()) };
        let mut found = self.match_words(kind, terms, true).await?;
        if found.len() < ENOUGH_SEGMENTS && terms.count() > 1 {
            let known: HashSet<i64> = found.iter().map(|found| found.segment.id).collect();
            let any = self.match_words(kind, terms, false).await?;
            found.extend(any.into_iter().filter(|found| !known.contains(&found.segment.id)));
        }
        let best = found.iter().map(|found| found.score).fold(f32::MIN_POSITIVE, f32::max);
        let score = |found: Found| {
            let coverage = terms.coverage(&found.segment.text);
            let score = calibration::words(coverage, found.score / best);
            (found.segment, score)
        };
        Ok(found.into_iter().map(score).collect())
    }

    /// The store has found the phrase, so it is there.
    async fn phrase(&self, kind: SegmentKind, phrase: &Terms) -> Result<Vec<(Segment, f32)>> {
        let found = self.match_words(kind, phrase, true).await?;
        let best = found.iter().map(|found| found.score).fold(f32::MIN_POSITIVE, f32::max);
        let score = |found: Found| (found.segment, calibration::words(1.0, found.score / best));
        Ok(found.into_iter().map(score).collect())
    }

    /// Segments with the words, those of filtered-out videos left out.
    async fn match_words(&self, kind: SegmentKind, terms: &Terms, all: bool) -> Result<Vec<Found>> {
        let query = terms.query(all);
        let mut limit = WORD_SEGMENTS;
        loop {
            let mut found = self.store.match_words(self.index, kind, &query, limit).await?;
            let is_all = found.len() < limit as usize;
            if let Some(passing) = self.passing {
                found.retain(|found| passing.set.contains(&found.segment.video));
            }
            if is_all || found.len() >= WORD_SEGMENTS as usize || limit >= MAX_WORD_SEGMENTS {
                found.truncate(WORD_SEGMENTS as usize);
                return Ok(found);
            }
            limit = (limit * 8).min(MAX_WORD_SEGMENTS);
        }
    }

    /// Segments by their best vector, and what the query scores by chance.
    async fn by_vector(
        &self,
        kind: SegmentKind,
        model: &ModelRef,
        query: &Arc<[f32]>,
        count: usize,
    ) -> Result<(Vec<(Segment, f32)>, Distribution)> {
        let among = self.passing.map(|passing| passing.ids.as_slice());
        let mut tries = 0;
        loop {
            tries += 1;
            let query = Arc::clone(query);
            let wanted = Nearest { index: self.index, kind, model, query, among, count };
            let (neighbours, by_chance) = self.vectors.nearest(wanted).await?;
            let rows: Vec<i64> = neighbours.iter().map(|neighbour| neighbour.row).collect();
            let found = self.store.segments_of_vectors(&rows).await?;
            let is_full = neighbours.len() == count;
            let alive: HashSet<i64> = found.iter().map(|(row, _, _)| *row).collect();
            let gone: Vec<i64> = rows.into_iter().filter(|row| !alive.contains(row)).collect();
            if !gone.is_empty() {
                self.vectors.forget(self.index, kind, gone).await?;
                if is_full && tries < MAX_TRIES {
                    continue;
                }
            }
            let scores: std::collections::HashMap<i64, f32> =
                neighbours.iter().map(|neighbour| (neighbour.row, neighbour.score)).collect();
            return Ok((best_of_segments(found, &scores), by_chance));
        }
    }
}

fn best_of_segments(
    found: Vec<(i64, crate::time::MediaTime, Segment)>,
    scores: &std::collections::HashMap<i64, f32>,
) -> Vec<(Segment, f32)> {
    let mut best: BTreeMap<i64, (Segment, f32)> = BTreeMap::new();
    for (row, _, segment) in found {
        let Some(&score) = scores.get(&row) else { continue };
        let entry = best.entry(segment.id).or_insert_with(|| (segment, score));
        entry.1 = entry.1.max(score);
    }
    best.into_values().collect()
}
