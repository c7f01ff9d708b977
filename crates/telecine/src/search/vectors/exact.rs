//! The exact index: every vector is looked at. For few vectors, and the measure that the approximate one is held to.

use half::f16;
use half::slice::HalfFloatSliceExt;
use telecine_engines::vector::dot;

use super::{Neighbour, VectorIndex, best};

/// Vectors in order of their rows, in 16 bits as the store has them.
#[derive(Debug, Clone)]
pub struct Exact {
    dim: usize,
    rows: Vec<i64>,
    values: Vec<f16>,
}

impl Exact {
    /// An empty index for vectors of `dim` numbers.
    pub fn new(dim: usize) -> Self {
        Self { dim, rows: Vec::new(), values: Vec::new() }
    }

    /// Adds a vector; rows must come in their order.
    ///
    /// # Panics
    /// When the vector has another dimension, or the row is not greater than the last.
    pub fn push(&mut self, row: i64, vector: &[f16]) {
        assert_eq!(vector.len(), self.dim, "vectors of different models are never mixed");
        assert!(self.rows.last().is_none_or(|last| *last < row), "rows come in their order");
        self.rows.push(row);
        self.values.extend_from_slice(vector);
    }

    /// Takes the vector of a row out; whether it was there.
    pub fn remove(&mut self, row: i64) -> bool {
        let Ok(place) = self.rows.binary_search(&row) else { return false };
        self.rows.remove(place);
        self.values.drain(place * self.dim..(place + 1) * self.dim);
        true
    }

    /// The rows, in their order.
    pub fn rows(&self) -> &[i64] {
        &self.rows
    }

    /// All rows with their vectors.
    pub fn entries(&self) -> impl Iterator<Item = (i64, &[f16])> {
        self.rows.iter().copied().zip(self.values.chunks_exact(self.dim))
    }

    fn scan(&self, query: &[f32], wanted: impl Fn(i64) -> bool, count: usize) -> Vec<Neighbour> {
        let mut wide = vec![0.0; self.dim];
        let wanted = self.entries().filter(|(row, _)| wanted(*row));
        let neighbours = wanted.map(|(row, vector)| {
            vector.convert_to_f32_slice(&mut wide);
            Neighbour { row, score: dot(query, &wide) }
        });
        best(neighbours.collect(), count)
    }
}

impl VectorIndex for Exact {
    fn len(&self) -> usize {
        self.rows.len()
    }

    fn bytes(&self) -> usize {
        self.rows.capacity() * size_of::<i64>() + self.values.capacity() * size_of::<f16>()
    }

    fn vector(&self, row: i64) -> Option<Vec<f32>> {
        let place = self.rows.binary_search(&row).ok()?;
        Some(self.values[place * self.dim..(place + 1) * self.dim].to_f32_vec())
    }

    fn nearest(&self, query: &[f32], count: usize) -> anyhow::Result<Vec<Neighbour>> {
        Ok(self.scan(query, |_| true, count))
    }

    fn nearest_among(&self, query: &[f32], rows: &[i64], count: usize) -> anyhow::Result<Vec<Neighbour>> {
        Ok(self.scan(query, |row| rows.binary_search(&row).is_ok(), count))
    }
}
