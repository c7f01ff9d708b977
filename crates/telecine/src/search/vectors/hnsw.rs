//! The approximate index: usearch's HNSW graph. Knows no file format but usearch's own, no store and no locks: a
//! caller may search and add at the same time, but must be alone to reserve.

use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context, ensure};
use half::f16;
use half::slice::HalfFloatSliceExt;
use telecine_engines::vector::dot;
use usearch::{Index, IndexOptions, MetricKind, ScalarKind};

use super::{Neighbour, VectorIndex, best};

/// Neighbours of a vector in the graph.
const CONNECTIVITY: usize = 16;
/// Candidates looked at when a vector is added.
const EXPANSION_ADD: usize = 128;
/// Candidates looked at when neighbours are searched; more, if more are wanted.
const EXPANSION_SEARCH: usize = 128;
/// Memory of an entry besides its numbers: links to neighbours, the table of keys (measured about 256 bytes at 512
/// dimensions and this connectivity).
const ENTRY_BYTES: usize = 256;
/// Threads that may be inside the graph at once; usearch refuses the next one.
pub(super) const MAX_THREADS: usize = 64;
/// Up to so many rows that pass a filter are scanned one by one: that is exact, and quicker than a walk through a graph
/// most of which does not pass.
const SCANNED_ROWS: usize = 100_000;

/// A graph over vectors kept as bf16.
pub struct Hnsw {
    graph: Index,
    removed: AtomicUsize,
}

impl Hnsw {
    /// An empty graph for vectors of `dim` numbers.
    pub fn new(dim: usize) -> anyhow::Result<Self> {
        let graph = Index::new(&options(dim)).context("make a vector index")?;
        let this = Self { graph, removed: AtomicUsize::new(0) };
        this.reserve(1_024)?;
        Ok(this)
    }

    /// A graph that was saved; its file must be whole, for usearch trusts what it reads.
    pub(super) fn load(file: &Path, dim: usize, removed: usize) -> anyhow::Result<Self> {
        let graph = Index::new(&options(dim)).context("make a vector index")?;
        graph.load(utf8(file)?).with_context(|| format!("load {}", file.display()))?;
        ensure!(graph.dimensions() == dim, "{} numbers in a vector, not {dim}", graph.dimensions());
        let this = Self { graph, removed: AtomicUsize::new(removed) };
        this.reserve(this.graph.size().max(1_024))?;
        Ok(this)
    }

    /// Writes the graph; the file is not synchronised.
    pub(super) fn save(&self, file: &Path) -> anyhow::Result<()> {
        self.graph.save(utf8(file)?).with_context(|| format!("write {}", file.display()))
    }

    /// Room for so many vectors. Nobody else may be inside the graph.
    pub fn reserve(&self, capacity: usize) -> anyhow::Result<()> {
        self.graph.reserve_capacity_and_threads(capacity, MAX_THREADS).context("reserve memory for vectors")
    }

    /// Vectors that can be added before more room is needed.
    pub fn room(&self) -> usize {
        self.graph.capacity().saturating_sub(self.graph.size())
    }

    /// Adds vectors with this many threads; there must be room.
    pub fn add(&self, entries: &[(i64, &[f16])], threads: usize) -> anyhow::Result<()> {
        let share = entries.len().div_ceil(threads.max(1)).max(1);
        thread::scope(|scope| {
            let workers = entries.chunks(share).map(|part| scope.spawn(|| self.add_in_turn(part)));
            let workers: Vec<_> = workers.collect();
            workers.into_iter().try_for_each(|worker| worker.join().expect("adding does not panic"))
        })
    }

    fn add_in_turn(&self, entries: &[(i64, &[f16])]) -> anyhow::Result<()> {
        let mut wide = vec![0.0; self.graph.dimensions()];
        entries.iter().try_for_each(|&(row, vector)| {
            vector.convert_to_f32_slice(&mut wide);
            self.graph.add(key(row), &wide).with_context(|| format!("add vector {row}"))?;
            // A new vector takes the place of a removed one.
            let less = |removed: usize| removed.checked_sub(1);
            let _ = self.removed.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
            Ok(())
        })
    }

    /// Takes the vector of a row out; its place stays in the graph as a bridge. Whether it was there.
    pub fn remove(&self, row: i64) -> anyhow::Result<bool> {
        let removed = self.graph.remove(key(row)).with_context(|| format!("remove vector {row}"))?;
        self.removed.fetch_add(removed, Ordering::Relaxed);
        Ok(removed > 0)
    }

    /// Vectors that were taken out and still are bridges.
    pub fn removed(&self) -> usize {
        self.removed.load(Ordering::Relaxed)
    }

    fn neighbours(matches: usearch::ffi::Matches) -> Vec<Neighbour> {
        let pairs = matches.keys.into_iter().zip(matches.distances);
        let neighbours = pairs.map(|(key, distance)| Neighbour { row: row(key), score: 1.0 - distance });
        let count = neighbours.len();
        best(neighbours.collect(), count)
    }
}

impl VectorIndex for Hnsw {
    fn len(&self) -> usize {
        self.graph.size()
    }

    /// An estimate: usearch's own count walks over the nodes, and crashes while others add to them.
    fn bytes(&self) -> usize {
        let places = self.graph.size() + self.removed();
        places * (self.graph.dimensions() * size_of::<f16>() + ENTRY_BYTES)
    }

    fn vector(&self, row: i64) -> Option<Vec<f32>> {
        let mut vector = vec![0.0; self.graph.dimensions()];
        (self.graph.get(key(row), &mut vector).ok()? == 1).then_some(vector)
    }

    fn nearest(&self, query: &[f32], count: usize) -> anyhow::Result<Vec<Neighbour>> {
        if count == 0 || self.is_empty() {
            return Ok(Vec::new());
        }
        Ok(Self::neighbours(self.graph.search(query, count).context("search vectors")?))
    }

    fn nearest_among(&self, query: &[f32], rows: &[i64], count: usize) -> anyhow::Result<Vec<Neighbour>> {
        if count == 0 || self.is_empty() {
            return Ok(Vec::new());
        }
        if rows.len() > SCANNED_ROWS {
            let passes = |found: u64| rows.binary_search(&row(found)).is_ok();
            let found = self.graph.filtered_search(query, count, passes).context("search vectors")?;
            return Ok(Self::neighbours(found));
        }
        let mut vector = vec![0.0; self.graph.dimensions()];
        let mut neighbours = Vec::with_capacity(rows.len());
        for &row in rows {
            if self.graph.get(key(row), &mut vector).context("read a vector")? == 1 {
                neighbours.push(Neighbour { row, score: dot(query, &vector) });
            }
        }
        Ok(best(neighbours, count))
    }
}

impl fmt::Debug for Hnsw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hnsw").field("len", &self.len()).field("dim", &self.graph.dimensions()).finish()
    }
}

fn options(dim: usize) -> IndexOptions {
    IndexOptions {
        dimensions: dim,
        metric: MetricKind::IP,
        quantization: ScalarKind::BF16,
        connectivity: CONNECTIVITY,
        expansion_add: EXPANSION_ADD,
        expansion_search: EXPANSION_SEARCH,
        multi: false,
    }
}

fn key(row: i64) -> u64 {
    row.cast_unsigned()
}

fn row(key: u64) -> i64 {
    key.cast_signed()
}

fn utf8(file: &Path) -> anyhow::Result<&str> {
    file.to_str().with_context(|| format!("{} is not UTF-8", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_may_be_asked_for_while_vectors_are_added() {
        const ENTRIES: usize = 4_000;
        const DIM: usize = 8;
        let graph = Hnsw::new(DIM).unwrap();
        graph.reserve(ENTRIES).unwrap();
        let values =
            |row: usize| (0..DIM).map(move |i| f16::from_f32(((row * 31 + i * 7) % 97) as f32 - 48.0));
        let vectors: Vec<Vec<f16>> = (0..ENTRIES).map(|row| values(row).collect()).collect();
        let entries: Vec<(i64, &[f16])> = (0..).zip(vectors.iter().map(Vec::as_slice)).collect();
        thread::scope(|scope| {
            let adding = scope.spawn(|| graph.add(&entries, 1).unwrap());
            let mut last = 0;
            while !adding.is_finished() {
                let bytes = graph.bytes();
                assert!(bytes >= last, "it only grows");
                last = bytes;
            }
        });
        assert_eq!(graph.bytes(), ENTRIES * (DIM * 2 + ENTRY_BYTES));
    }
}
