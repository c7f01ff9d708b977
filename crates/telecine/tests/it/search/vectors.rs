//! The approximate index is held to the exact one.

use std::collections::HashSet;

use half::f16;
use telecine::search::vectors::{Exact, Hnsw, Neighbour, VectorIndex};

use super::synthetic::{Random, Topics};

const DIM: usize = 96;
const COUNT: usize = 5_000;

struct Both {
    exact: Exact,
    hnsw: Hnsw,
    queries: Vec<Vec<f32>>,
}

fn halves(vector: &[f32]) -> Vec<f16> {
    vector.iter().copied().map(f16::from_f32).collect()
}

fn both() -> Both {
    let mut random = Random(7);
    let topics = Topics::new(&mut random, 200, DIM, 0.7);
    let vectors: Vec<Vec<f16>> = (0..COUNT).map(|i| halves(&topics.vector(&mut random, i / 40))).collect();
    let (mut exact, hnsw) = (Exact::new(DIM), Hnsw::new(DIM).unwrap());
    let entries: Vec<(i64, &[f16])> = (1..).zip(vectors.iter().map(Vec::as_slice)).collect();
    entries.iter().for_each(|(row, vector)| exact.push(*row, vector));
    hnsw.reserve(COUNT).unwrap();
    hnsw.add(&entries, 2).unwrap();
    let queries = (0..100).map(|topic| topics.vector(&mut random, topic)).collect();
    Both { exact, hnsw, queries }
}

fn rows(neighbours: &[Neighbour]) -> HashSet<i64> {
    neighbours.iter().map(|neighbour| neighbour.row).collect()
}

/// The share of the true ten nearest that the graph finds, over all queries.
fn recall(both: &Both, among: Option<&[i64]>) -> f64 {
    let ten = |index: &dyn VectorIndex, query: &[f32]| {
        rows(&match among {
            Some(among) => index.nearest_among(query, among, 10).unwrap(),
            None => index.nearest(query, 10).unwrap(),
        })
    };
    let found: usize = both
        .queries
        .iter()
        .map(|query| ten(&both.exact, query).intersection(&ten(&both.hnsw, query)).count())
        .sum();
    found as f64 / (10 * both.queries.len()) as f64
}

#[test]
fn the_graph_finds_what_is_near() {
    let both = both();
    let recall = recall(&both, None);
    println!("recall@10 {recall:.3}");
    assert!(recall >= 0.95, "recall@10 is {recall}");
}

#[test]
fn a_filter_leaves_the_nearest_of_those_that_pass() {
    let both = both();
    let few: Vec<i64> = (1..=COUNT as i64).filter(|row| row % 97 == 0).collect();
    // All of these are looked at; what differs is that the graph keeps 8 bits of each number.
    assert!(recall(&both, Some(&few)) >= 0.98);
    assert!(both.hnsw.nearest_among(&both.queries[0], &[-5], 10).unwrap().is_empty());
}

#[test]
fn scores_are_dot_products_best_first() {
    let both = both();
    for index in [&both.exact as &dyn VectorIndex, &both.hnsw] {
        let found = index.nearest(&both.queries[3], 50).unwrap();
        assert_eq!(found.len(), 50);
        assert!(found.is_sorted_by(|a, b| a.score >= b.score));
        for neighbour in &found {
            let vector = both.exact.vector(neighbour.row).unwrap();
            let dot: f32 = vector.iter().zip(&both.queries[3]).map(|(a, b)| a * b).sum();
            assert!((dot - neighbour.score).abs() < 0.01, "{} instead of {dot}", neighbour.score);
        }
    }
}

#[test]
fn what_is_removed_is_not_found_again() {
    let Both { mut exact, hnsw, queries } = both();
    let gone = rows(&hnsw.nearest(&queries[0], 20).unwrap());
    for row in &gone {
        assert!(hnsw.remove(*row).unwrap() && exact.remove(*row));
        assert!(!hnsw.remove(*row).unwrap() && !exact.remove(*row));
    }
    assert_eq!((hnsw.len(), exact.len(), hnsw.removed()), (COUNT - 20, COUNT - 20, 20));
    for index in [&hnsw as &dyn VectorIndex, &exact] {
        let found = index.nearest(&queries[0], 20).unwrap();
        assert_eq!(found.len(), 20);
        assert!(rows(&found).is_disjoint(&gone));
    }
}

#[test]
#[should_panic(expected = "never mixed")]
fn a_vector_of_another_model_is_refused() {
    Exact::new(DIM).push(1, &[f16::ONE; 3]);
}
