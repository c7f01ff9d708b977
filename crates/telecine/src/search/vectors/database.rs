//! Vectors that stay in the database, which searches them itself. What is kept here are small samples, for what a query scores
//! by chance; nothing else of a vector is in memory, and what another process published is found at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;

use super::sample::Sample;
use super::shelf::sample_of;
use super::{Distribution, Nearest, Neighbour};
use crate::fault::Result;
use crate::ids::IndexId;
use crate::store::{GraphRules, NearestRows, NearestStore, Store};
use crate::video::SegmentKind;

/// Samples that are kept; more are made again when they are needed.
const MAX_SAMPLES: usize = 256;
/// How often it is looked whether a graph is missing.
const TEND_EVERY: Duration = Duration::from_secs(60);
/// Where a scan costs more than a walk through a graph does (docs/BENCHMARKS.md).
pub const GRAPHS: GraphRules = GraphRules { min_rows: 20_000, max_build_bytes: 1 << 30 };

type Samples = HashMap<(IndexId, SegmentKind), Arc<tokio::sync::Mutex<Kept>>>;

/// A database as what searches vectors.
#[derive(Debug)]
pub struct InDatabase {
    store: Arc<dyn Store>,
    samples: Mutex<Samples>,
    tended: Mutex<Option<Instant>>,
}

/// A sample of the vectors up to this one.
#[derive(Debug)]
struct Kept {
    sample: Sample,
    last_row: i64,
}

impl InDatabase {
    /// Searches in this database; none when it cannot.
    pub fn new(store: Arc<dyn Store>) -> Option<Self> {
        store.nearest()?;
        Some(Self { store, samples: Mutex::default(), tended: Mutex::default() })
    }

    fn searching(&self) -> Result<&dyn NearestStore> {
        Ok(self.store.nearest().context("the database does not search vectors")?)
    }

    /// The nearest vectors that the database has now, and what the query scores by chance.
    pub async fn nearest(&self, wanted: &Nearest<'_>) -> Result<(Vec<Neighbour>, Distribution)> {
        let Nearest { index, kind, model: _, query, among, count } = wanted;
        let rows = NearestRows { index: *index, kind: *kind, query, among: *among, count: *count };
        let found = self.searching()?.nearest_vectors(rows);
        let (found, by_chance) = tokio::try_join!(found, self.distribution(*index, *kind, query))?;
        Ok((found.into_iter().map(|(row, score)| Neighbour { row, score }).collect(), by_chance))
    }

    async fn distribution(&self, index: IndexId, kind: SegmentKind, query: &[f32]) -> Result<Distribution> {
        let limit = sample_of(kind);
        if limit == 0 {
            return Ok(Sample::new(0).distribution(query));
        }
        let kept = self.kept(index, kind);
        let mut kept = kept.lock().await;
        let numbers = self.searching()?.vector_numbers(index, kind, kept.last_row).await?;
        if let Some(last) = numbers.last() {
            let wanted = kept.sample.wanted(&numbers);
            let rows = self.searching()?.vectors_of_numbers(&wanted).await?;
            rows.iter().for_each(|row| kept.sample.offer(row.id, &row.values));
            kept.last_row = *last;
        }
        Ok(kept.sample.distribution(query))
    }

    fn kept(&self, index: IndexId, kind: SegmentKind) -> Arc<tokio::sync::Mutex<Kept>> {
        let mut samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        if samples.len() >= MAX_SAMPLES && !samples.contains_key(&(index, kind)) {
            samples.clear();
        }
        let new = || Kept { sample: Sample::new(sample_of(kind)), last_row: 0 };
        Arc::clone(samples.entry((index, kind)).or_insert_with(|| Arc::new(tokio::sync::Mutex::new(new()))))
    }

    /// Makes graphs where there are many vectors, now and then; for a duty that is asked often.
    ///
    /// # Errors
    /// The database's.
    pub async fn tend(&self) -> Result<()> {
        {
            let mut tended = self.tended.lock().unwrap_or_else(PoisonError::into_inner);
            if tended.is_some_and(|at| at.elapsed() < TEND_EVERY) {
                return Ok(());
            }
            *tended = Some(Instant::now());
        }
        let tended = self.searching()?.tend_graphs(GRAPHS).await?;
        if tended != Default::default() {
            tracing::info!(
                made = tended.made,
                dropped = tended.dropped,
                "vector indexes of the database are tended"
            );
        }
        Ok(())
    }
}
