//! The vectors of one index and kind in memory: a graph over the older rows and exact chunks of the newer ones, so that
//! a row can be found as soon as it is read and the graph is built behind the scenes. Does no input or output.

use std::collections::VecDeque;
use std::sync::Arc;

use anyhow::ensure;

use super::file::Label;
use super::sample::Sample;
use super::{Distribution, Exact, Hnsw, Neighbour, VectorIndex, best};
use crate::store::VectorRow;

/// Rows of a chunk: what goes into the graph in one go.
pub(super) const CHUNK_ROWS: usize = 1_024;

#[derive(Debug)]
struct GraphLayer {
    graph: Arc<Hnsw>,
    /// All rows up to this one are in the graph.
    last_row: i64,
    /// Rows in it, those left out that are also in a chunk because that chunk is going in just now.
    len: usize,
}

/// Older rows in a graph, newer ones in chunks; both in order of their rows.
#[derive(Debug)]
pub(super) struct Layers {
    dim: usize,
    graph: Option<GraphLayer>,
    chunks: VecDeque<Arc<Exact>>,
    sample: Sample,
    last_row: i64,
}

impl Layers {
    /// With nothing in them, and a sample of at most this many vectors.
    pub(super) fn new(dim: usize, sample: usize) -> Self {
        Self { dim, graph: None, chunks: VecDeque::new(), sample: Sample::new(sample), last_row: 0 }
    }

    /// Over a graph that was saved.
    pub(super) fn of_graph(dim: usize, sample: usize, graph: Hnsw, label: &Label) -> Self {
        let mut layers = Self::new(dim, sample);
        for &row in &label.sample {
            if let Some(vector) = graph.vector(row) {
                let vector: Vec<_> = vector.into_iter().map(half::f16::from_f32).collect();
                layers.sample.offer(row, &vector);
            }
        }
        layers.last_row = label.last_row;
        let len = graph.len();
        layers.graph = Some(GraphLayer { graph: Arc::new(graph), last_row: label.last_row, len });
        layers
    }

    /// The last row that is in, or was.
    pub(super) fn last_row(&self) -> i64 {
        self.last_row
    }

    pub(super) fn len(&self) -> usize {
        self.graph.as_ref().map_or(0, |layer| layer.len) + self.chunked()
    }

    /// Places in the graph whose vectors were taken out.
    pub(super) fn removed(&self) -> usize {
        self.graph.as_ref().map_or(0, |layer| layer.graph.removed())
    }

    /// Rows that are in no graph yet.
    pub(super) fn chunked(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.len()).sum()
    }

    pub(super) fn bytes(&self) -> usize {
        let graph = self.graph.as_ref().map_or(0, |layer| layer.graph.bytes());
        graph + self.chunks.iter().map(|chunk| chunk.bytes()).sum::<usize>() + self.sample.bytes()
    }

    /// Takes the rows that come next.
    pub(super) fn push(&mut self, rows: &[VectorRow]) -> anyhow::Result<()> {
        for row in rows {
            let (given, dim) = (row.values.len(), self.dim);
            ensure!(given == dim, "vector {} has {given} numbers, its model {dim}", row.id);
            ensure!(row.id > self.last_row, "vector {} comes after {}", row.id, self.last_row);
            self.open_chunk().push(row.id, &row.values);
            self.sample.offer(row.id, &row.values);
            self.last_row = row.id;
        }
        Ok(())
    }

    /// There are no rows up to this one that are not in.
    pub(super) fn pass(&mut self, row: i64) {
        self.last_row = self.last_row.max(row);
    }

    /// The newest chunk while there is room in it and nobody else reads it, else a new one.
    fn open_chunk(&mut self) -> &mut Exact {
        let has_room = self
            .chunks
            .back_mut()
            .is_some_and(|chunk| chunk.len() < CHUNK_ROWS && Arc::get_mut(chunk).is_some());
        if !has_room {
            self.chunks.push_back(Arc::new(Exact::new(self.dim)));
        }
        Arc::make_mut(self.chunks.back_mut().expect("there is a chunk now"))
    }

    /// At most `count` vectors, best first: of all, or among these rows, told in their order.
    pub(super) fn nearest(
        &self,
        query: &[f32],
        among: Option<&[i64]>,
        count: usize,
    ) -> anyhow::Result<Vec<Neighbour>> {
        let graph = self.graph.iter().map(|layer| layer.graph.as_ref() as &dyn VectorIndex);
        let chunks = self.chunks.iter().map(|chunk| chunk.as_ref() as &dyn VectorIndex);
        let mut found = Vec::new();
        for layer in graph.chain(chunks) {
            found.extend(match among {
                Some(rows) => layer.nearest_among(query, rows, count)?,
                None => layer.nearest(query, count)?,
            });
        }
        // A chunk that is going into the graph is in both.
        found.sort_unstable_by_key(|neighbour| neighbour.row);
        found.dedup_by_key(|neighbour| neighbour.row);
        Ok(best(found, count))
    }

    /// What the query scores by chance.
    pub(super) fn distribution(&self, query: &[f32]) -> Distribution {
        self.sample.distribution(query)
    }

    /// The rows of the sample that are in the graph.
    pub(super) fn sample_of_graph(&self) -> Vec<i64> {
        let last_row = self.graph.as_ref().map_or(0, |layer| layer.last_row);
        self.sample.rows().filter(|row| *row <= last_row).collect()
    }

    /// Takes rows out, for they are no longer in the store. No chunk may be going into the graph.
    pub(super) fn forget(&mut self, rows: &[i64]) -> anyhow::Result<()> {
        for chunk in &mut self.chunks {
            if rows.iter().any(|row| chunk.rows().binary_search(row).is_ok()) {
                let chunk = Arc::make_mut(chunk);
                rows.iter().for_each(|row| {
                    chunk.remove(*row);
                });
            }
        }
        let Some(layer) = &mut self.graph else { return Ok(()) };
        rows.iter().try_for_each(|row| layer.graph.remove(*row).map(|_| ()))?;
        layer.len = layer.graph.len();
        Ok(())
    }

    /// The graph and the last row that is in it.
    pub(super) fn graph(&self) -> Option<(Arc<Hnsw>, i64)> {
        self.graph.as_ref().map(|layer| (Arc::clone(&layer.graph), layer.last_row))
    }

    /// Puts an empty graph below the chunks, if there is none.
    pub(super) fn begin_graph(&mut self) -> anyhow::Result<Arc<Hnsw>> {
        if let Some(layer) = &self.graph {
            return Ok(Arc::clone(&layer.graph));
        }
        let graph = Arc::new(Hnsw::new(self.dim)?);
        self.graph = Some(GraphLayer { graph: Arc::clone(&graph), last_row: 0, len: 0 });
        Ok(graph)
    }

    /// The chunk that goes into the graph next.
    pub(super) fn oldest_chunk(&self) -> Option<Arc<Exact>> {
        self.chunks.front().cloned()
    }

    /// This chunk is in the graph now. Nothing happens when the layers were emptied meanwhile.
    pub(super) fn absorbed(&mut self, chunk: &Arc<Exact>) {
        let is_oldest = self.chunks.front().is_some_and(|oldest| Arc::ptr_eq(oldest, chunk));
        let Some(layer) = self.graph.as_mut().filter(|_| is_oldest) else { return };
        layer.last_row = chunk.rows().last().copied().unwrap_or(0).max(layer.last_row);
        layer.len = layer.graph.len();
        self.chunks.pop_front();
    }
}
