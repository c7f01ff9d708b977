//! Vectors that the database itself searches, where it can: then no process holds any of them in memory.

use async_trait::async_trait;

use super::VectorRow;
use crate::fault::Result;
use crate::ids::{IndexId, VideoId};
use crate::video::SegmentKind;

/// Which vectors to look among, and for how many.
#[derive(Debug, Clone, Copy)]
pub struct NearestRows<'a> {
    /// The index.
    pub index: IndexId,
    /// The kind of segments.
    pub kind: SegmentKind,
    /// Of unit length.
    pub query: &'a [f32],
    /// Only those of these videos.
    pub among: Option<&'a [VideoId]>,
    /// At most this many.
    pub count: usize,
}

/// From how many vectors on, and how, a graph is made over those of one index and kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GraphRules {
    /// Fewer are scanned.
    pub min_rows: u64,
    /// Memory of the database server that making one may take at most.
    pub max_build_bytes: u64,
}

/// What was done to graphs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tended {
    /// Graphs that were made.
    pub made: u32,
    /// Graphs that were dropped: their index is gone, or making them had been cut short.
    pub dropped: u32,
}

/// What a database has to search vectors with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NearestStats {
    /// Vectors, of all indexes; about.
    pub vectors: u64,
    /// Graphs over them.
    pub graphs: u64,
    /// Of these graphs.
    pub bytes: u64,
    /// Whether a graph is being made.
    pub is_building: bool,
}

/// A database that searches vectors.
#[async_trait]
pub trait NearestStore: Send + Sync {
    /// The vectors with the greatest dot products with the query, and these, best first. They are the true ones where few
    /// are looked among, and nearly always elsewhere.
    async fn nearest_vectors(&self, wanted: NearestRows<'_>) -> Result<Vec<(i64, f32)>>;
    /// The numbers of all vectors of a kind in an index after this one, in their order.
    async fn vector_numbers(&self, index: IndexId, kind: SegmentKind, after: i64) -> Result<Vec<i64>>;
    /// These vectors, in the order of their numbers; those that are gone are left out.
    async fn vectors_of_numbers(&self, numbers: &[i64]) -> Result<Vec<VectorRow>>;
    /// Makes graphs where there are many vectors and drops those that nobody needs. Nothing happens while another process
    /// does it.
    async fn tend_graphs(&self, rules: GraphRules) -> Result<Tended>;
    /// What there is now.
    async fn nearest_stats(&self) -> Result<NearestStats>;
}
