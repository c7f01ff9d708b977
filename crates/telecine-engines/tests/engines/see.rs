//! The concept space finds real photos by free text: a guard against regressions, not a benchmark.

use std::{fs, path::PathBuf, sync::Arc, thread};

use serde::Deserialize;
use telecine_engines::{
    Image,
    models::Manifest,
    see::{Concept, Seer},
    words::Words,
};

use crate::fixtures::{frame, media, models, photo, runtime};

#[derive(Deserialize)]
struct Queries {
    queries: Vec<Query>,
}

#[derive(Deserialize)]
struct Query {
    text: String,
    photos: Vec<String>,
}

fn concept() -> Concept {
    let words = Words::open(&runtime(), &models().minilm(), 1).expect("run `telecine models fetch`");
    Concept::open(&runtime(), &models().concept(), Arc::new(words), 2).expect("run `telecine models fetch`")
}

fn vector(concept: &Concept, file: PathBuf) -> Vec<f32> {
    let (width, height, rgb) = photo(&file);
    let image = Image::new(width, height, &rgb).unwrap();
    concept.embed_images(&[image]).unwrap().remove(0)
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The names of what lies closest to the text, best first.
fn ranked<'a, T>(concept: &Concept, text: &str, images: &'a [(T, Vec<f32>)]) -> Vec<&'a T> {
    let query = concept.embed_text(text).unwrap();
    let mut order: Vec<(f32, &T)> = images.iter().map(|(name, v)| (dot(&query, v), name)).collect();
    order.sort_by(|a, b| b.0.total_cmp(&a.0));
    order.into_iter().map(|(_, name)| name).collect()
}

#[test]
fn free_text_finds_photos() {
    let concept = concept();
    let names = Manifest::photos().sets.remove(0).files.into_iter().map(|file| file.path);
    let images: Vec<(String, Vec<f32>)> = names
        .map(|path| {
            let vector = vector(&concept, media(&path));
            (path.trim_start_matches("photos/").to_owned(), vector)
        })
        .collect();
    let Queries { queries } = toml::from_str(include_str!("../data/queries.toml")).unwrap();
    let mut ranks = Vec::new();
    for query in &queries {
        assert!(query.photos.iter().all(|name| images.iter().any(|(known, _)| known == name)));
        let order = ranked(&concept, &query.text, &images);
        let rank = order.iter().position(|name| query.photos.contains(name)).unwrap() + 1;
        println!("{rank:3} {}", query.text);
        ranks.push(rank);
    }
    let share =
        |limit: usize| ranks.iter().filter(|&&rank| rank <= limit).count() as f64 / ranks.len() as f64;
    let mrr = ranks.iter().map(|&rank| 1.0 / rank as f64).sum::<f64>() / ranks.len() as f64;
    println!("P@1 {:.2}, hit@5 {:.2}, MRR {mrr:.2} ({} queries)", share(1), share(5), ranks.len());
    // Measured on this set: .62, .88 and .73. The margins are one or two queries wide.
    assert!(share(1) >= 0.59 && share(5) >= 0.84 && mrr >= 0.70, "{ranks:?}");
}

#[test]
fn a_moment_of_a_film_is_found() {
    let concept = concept();
    let film = media("trailer_bbb.mp4");
    let seconds: Vec<(u32, Vec<f32>)> = (8..40)
        .map(|second| {
            let rgb = frame(&film, f64::from(second), 640, 360);
            (second, concept.embed_images(&[Image::new(640, 360, &rgb).unwrap()]).unwrap().remove(0))
        })
        .collect();
    let bird = ranked(&concept, "a bird on a branch", &seconds);
    assert!(bird[..3].iter().all(|second| (10..=13).contains(*second)), "{bird:?}");
}

#[test]
fn an_espresso_is_called_espresso() {
    let concept = concept();
    let coffee = vector(&concept, media("photos/coffee.png"));
    let tags = concept.tags(&coffee, 3);
    assert_eq!(tags.len(), 3);
    assert_eq!(tags[0].label, "espresso");
    assert!(tags[0].score > 6.0 && tags[0].score >= tags[1].score, "{tags:?}");
}

#[test]
fn vectors_are_unit_vectors_and_do_not_depend_on_their_batch() {
    let concept = concept();
    let (width, height, rgb) = photo(&media("photos/chelsea.png"));
    let grey = vec![128; 32 * 20 * 3];
    let (cat, blank) = (Image::new(width, height, &rgb).unwrap(), Image::new(32, 20, &grey).unwrap());
    let images = [cat, blank, cat, blank, cat, blank, cat, blank, blank, cat];
    let together = concept.embed_images(&images).unwrap();
    let alone = concept.embed_images(&[cat]).unwrap();
    assert_eq!(together.len(), images.len());
    for i in [0, 9] {
        assert_eq!(together[i].len(), concept.dim());
        assert!((dot(&together[i], &together[i]) - 1.0).abs() < 1e-5);
        assert!((dot(&together[i], &alone[0]) - 1.0).abs() < 1e-4);
    }
    assert!(dot(&together[0], &together[1]) < 0.9);
}

#[test]
fn many_threads_share_one_engine_and_its_cache_of_texts() {
    let concept = concept();
    let first = concept.embed_text("a red bicycle").unwrap();
    assert!((dot(&first, &first) - 1.0).abs() < 1e-5);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                assert_eq!(concept.embed_text("a red bicycle").unwrap(), first);
                assert_ne!(concept.embed_text("a bowl of soup").unwrap(), first);
            });
        }
    });
}

#[test]
fn labels_that_do_not_fit_the_network_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let words = Arc::new(Words::open(&runtime(), &models().minilm(), 1).unwrap());
    let open = || Concept::open(&runtime(), folder.path(), Arc::clone(&words), 1).err().unwrap().to_string();
    assert!(open().contains("labels.json is missing; run `telecine models fetch`"));
    fs::write(folder.path().join("labels.json"), r#"["cat"]"#).unwrap();
    assert!(open().contains("1 names instead of 1000"));
}
