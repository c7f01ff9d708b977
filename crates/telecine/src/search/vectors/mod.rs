//! Nearest vectors: the `VectorIndex` seam with an exact and an approximate implementation, and the [`Shelf`] that
//! keeps one index per (index, kind of segment), derived from the store's rows; or the database searches them itself
//! ([`InDatabase`]). Everything here can be dropped and made again; nothing here knows a segment's time or text.

mod database;
mod exact;
mod file;
mod hnsw;
mod layers;
mod owners;
mod place;
mod sample;
mod shelf;

pub use database::{GRAPHS, InDatabase};
pub use exact::Exact;
pub use hnsw::Hnsw;
pub use place::Vectors;
pub use sample::Distribution;
pub use shelf::{Nearest, Shelf, ShelfConfig, ShelfStats};

/// A vector that lies close to a query.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Neighbour {
    /// The vector's number in the store.
    pub row: i64,
    /// Dot product with the query.
    pub score: f32,
}

/// Finds the vectors with the greatest dot products. Vectors are of unit length, so these are the closest ones.
pub trait VectorIndex: Send + Sync + std::fmt::Debug {
    /// Vectors that can be found.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Memory that it takes.
    fn bytes(&self) -> usize;

    /// The vector of a row, as precisely as it is kept.
    fn vector(&self, row: i64) -> Option<Vec<f32>>;

    /// At most `count` vectors, best first.
    fn nearest(&self, query: &[f32], count: usize) -> anyhow::Result<Vec<Neighbour>>;

    /// [`VectorIndex::nearest`] among these rows only, which are told in their order; rows that are not there are left out.
    fn nearest_among(&self, query: &[f32], rows: &[i64], count: usize) -> anyhow::Result<Vec<Neighbour>>;
}

/// The `count` best, best first; equal ones in order of their rows.
fn best(mut neighbours: Vec<Neighbour>, count: usize) -> Vec<Neighbour> {
    let order = |a: &Neighbour, b: &Neighbour| b.score.total_cmp(&a.score).then(a.row.cmp(&b.row));
    if count < neighbours.len() {
        neighbours.select_nth_unstable_by(count, order);
        neighbours.truncate(count);
    }
    neighbours.sort_unstable_by(order);
    neighbours
}
