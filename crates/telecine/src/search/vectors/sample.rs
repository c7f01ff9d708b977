//! A small fair sample of an index's vectors, kept as it grows, which tells what score a query has by chance. Knows no
//! graph and no store.

use std::collections::BTreeMap;

use half::f16;
use half::slice::HalfFloatSliceExt;
use telecine_engines::vector::dot;

/// How the dot products of a query with arbitrary vectors are distributed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Distribution {
    /// Vectors that were looked at.
    pub count: usize,
    /// Their mean.
    pub mean: f32,
    /// Their standard deviation.
    pub deviation: f32,
}

/// The vectors whose rows have the smallest hashes: fair, whatever the order in which they come.
#[derive(Debug)]
pub(super) struct Sample {
    limit: usize,
    kept: BTreeMap<u64, (i64, Vec<f16>)>,
}

impl Sample {
    /// Of at most this many vectors.
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, kept: BTreeMap::new() }
    }

    pub(super) fn offer(&mut self, row: i64, vector: &[f16]) {
        let hash = mix(row);
        let is_small = self.kept.last_key_value().is_none_or(|(greatest, _)| hash < *greatest);
        if self.limit == 0 || (self.kept.len() == self.limit && !is_small) {
            return;
        }
        self.kept.insert(hash, (row, vector.to_vec()));
        if self.kept.len() > self.limit {
            self.kept.pop_last();
        }
    }

    /// Those of these rows that are in the sample once all were offered.
    pub(super) fn wanted(&self, rows: &[i64]) -> Vec<i64> {
        let known = self.kept.keys().map(|hash| (*hash, None));
        let mut all: Vec<_> = known.chain(rows.iter().map(|row| (mix(*row), Some(*row)))).collect();
        if self.limit < all.len() {
            all.select_nth_unstable_by_key(self.limit, |(hash, _)| *hash);
            all.truncate(self.limit);
        }
        all.into_iter().filter_map(|(_, row)| row).collect()
    }

    /// The rows of the vectors in it.
    pub(super) fn rows(&self) -> impl Iterator<Item = i64> {
        self.kept.values().map(|(row, _)| *row)
    }

    pub(super) fn bytes(&self) -> usize {
        self.kept.values().map(|(_, vector)| vector.len() * size_of::<f16>()).sum()
    }

    pub(super) fn distribution(&self, query: &[f32]) -> Distribution {
        let scores: Vec<f32> =
            self.kept.values().map(|(_, vector)| dot(query, &vector.to_f32_vec())).collect();
        let count = scores.len();
        let mean = scores.iter().sum::<f32>() / count.max(1) as f32;
        let variance = scores.iter().map(|score| (score - mean).powi(2)).sum::<f32>() / count.max(1) as f32;
        Distribution { count, mean, deviation: variance.sqrt() }
    }
}

/// SplitMix64's finaliser (Steele, Lea, Flood 2014): neighbouring rows get unrelated hashes, different ones different
/// hashes.
fn mix(row: i64) -> u64 {
    let mut z = row.cast_unsigned().wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vector(value: f32) -> Vec<f16> {
        vec![f16::from_f32(value)]
    }

    #[test]
    fn a_sample_does_not_depend_on_the_order_and_is_spread_over_the_rows() {
        let (mut up, mut down) = (Sample::new(100), Sample::new(100));
        (1..=10_000).for_each(|row| up.offer(row, &vector(row as f32)));
        (1..=10_000).rev().for_each(|row| down.offer(row, &vector(row as f32)));
        assert!(up.rows().eq(down.rows()));
        assert_eq!(up.rows().count(), 100);
        let rows: Vec<i64> = (1..=10_000).collect();
        let (first, then) = rows.split_at(3_000);
        let mut in_parts = Sample::new(100);
        for part in [first, then] {
            in_parts.wanted(part).into_iter().for_each(|row| in_parts.offer(row, &vector(row as f32)));
        }
        assert!(up.rows().eq(in_parts.rows()), "only those that stay are offered");
        let early = up.rows().filter(|row| *row <= 5_000).count();
        assert!((30..=70).contains(&early), "{early} of 100 from the first half");
    }

    #[test]
    fn the_distribution_is_that_of_the_scores() {
        let mut sample = Sample::new(10);
        [1.0, 3.0].iter().zip(1..).for_each(|(value, row)| sample.offer(row, &vector(*value)));
        let found = sample.distribution(&[2.0]);
        assert_eq!(found, Distribution { count: 2, mean: 4.0, deviation: 2.0 });
        assert_eq!(Sample::new(0).distribution(&[2.0]).count, 0);
    }
}
