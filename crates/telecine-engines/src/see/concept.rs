//! Free text finds images without CLIP: a space whose axes are ImageNet's 1000 labels.
//!
//! An image's vector is its logits, standardised over the labels; a text's vector is the softmax of its likeness to
//! each label. The norm of standardised logits is always √1000 and a text's norm does not touch the order of its
//! results, so both are divided by their norms: ranking by dot product stays what it was.
//!
//! Strong on objects and places that ImageNet names; blind to people, actions, colours and counting.

use std::{
    collections::VecDeque,
    fs, io,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use ort::value::TensorRef;

use super::{
    Fit, Seer, Tag, TextTokens, dot,
    efficientnet::{LABELS, SIDE_PX},
    normalise,
    resize::{Normalisation, append_planes},
};
use crate::{
    EngineError, Image,
    runtime::{Runtime, SessionPool},
    words::Words,
};

const MODEL: &str = "EfficientNet-Lite2";
/// Measured best; ImageNet's usual mean and deviation cost .10 MRR.
const NORMALISATION: Normalisation = Normalisation { mean: [127.0; 3], scale: [1.0 / 128.0; 3] };
/// How sharply a text picks labels (measured best).
const TEMPERATURE: f32 = 0.1;
/// Both sides are put into the same phrase.
const PHRASE: &str = "a photo of a ";
/// Images in one run of the network: bounds its memory (about 25 MB each).
const MAX_BATCH: usize = 8;
const CACHED_TEXTS: usize = 256;

/// EfficientNet-Lite2 for images, MiniLM over the labels' names for text.
pub struct Concept {
    sessions: SessionPool,
    words: Arc<Words>,
    names: Vec<String>,
    /// One MiniLM vector per label.
    label_vectors: Vec<f32>,
    cache: TextCache,
}

impl Concept {
    /// From a folder with `efficientnet-lite2.onnx`, `labels.json` and `labels.f32`.
    pub fn open(
        runtime: &Runtime,
        folder: &Path,
        words: Arc<Words>,
        max_sessions: usize,
    ) -> Result<Self, EngineError> {
        let names = label_names(&read(&folder.join("labels.json"))?)
            .map_err(|source| EngineError::bad_model("labels.json", source.to_string()))?;
        let label_vectors: Vec<f32> = read(&folder.join("labels.f32"))?
            .as_chunks::<4>()
            .0
            .iter()
            .map(|value| f32::from_le_bytes(*value))
            .collect();
        if label_vectors.len() != LABELS * words.dim() {
            return Err(EngineError::unexpected_output(
                "labels.f32",
                label_vectors.len(),
                LABELS * words.dim(),
            ));
        }
        let sessions = runtime.pool(&folder.join("efficientnet-lite2.onnx"), max_sessions)?;
        Ok(Self { sessions, words, names, label_vectors, cache: TextCache::default() })
    }

    fn run(&self, images: &[Image<'_>]) -> Result<Vec<Vec<f32>>, EngineError> {
        let side = SIDE_PX as usize;
        let mut planes = Vec::with_capacity(images.len() * 3 * side * side);
        for &image in images {
            append_planes(image, side, Fit::Squash, NORMALISATION, &mut planes);
        }
        let input = TensorRef::from_array_view(([images.len(), 3, side, side], planes.as_slice()))?;
        let mut session = self.sessions.lease()?;
        let outputs = session.run(ort::inputs![input])?;
        let (_, logits) = outputs[0].try_extract_tensor::<f32>()?;
        if logits.len() != images.len() * LABELS {
            return Err(EngineError::unexpected_output(MODEL, logits.len(), images.len() * LABELS));
        }
        Ok(logits.chunks_exact(LABELS).map(standardised).collect())
    }
}

impl Seer for Concept {
    fn model_id(&self) -> &str {
        "concept-efficientnet-lite2-minilm"
    }

    fn dim(&self) -> usize {
        LABELS
    }

    fn embed_images(&self, images: &[Image<'_>]) -> Result<Vec<Vec<f32>>, EngineError> {
        let mut vectors = Vec::with_capacity(images.len());
        for batch in images.chunks(MAX_BATCH) {
            vectors.extend(self.run(batch)?);
        }
        Ok(vectors)
    }

    fn embed_text(&self, text: &str) -> Result<Vec<f32>, EngineError> {
        if let Some(vector) = self.cache.get(text) {
            return Ok(vector);
        }
        let phrase = format!("{PHRASE}{text}");
        let embedded = self.words.embed(&[&phrase])?;
        let likeness =
            self.label_vectors.chunks_exact(self.words.dim()).map(|label| dot(label, &embedded[0]));
        let vector = softmax(likeness.collect());
        self.cache.put(text, &vector);
        Ok(vector)
    }

    fn text_tokens(&self, text: &str) -> Result<TextTokens, EngineError> {
        self.words.tokens(text)
    }

    fn tags(&self, vector: &[f32], limit: usize) -> Vec<Tag> {
        let deviations = (LABELS as f32).sqrt();
        let mut order: Vec<(usize, f32)> =
            vector.iter().copied().enumerate().take(self.names.len()).collect();
        order.sort_by(|a, b| b.1.total_cmp(&a.1));
        let tag =
            |&(i, value): &(usize, f32)| Tag { label: self.names[i].clone(), score: value * deviations };
        order.iter().take(limit).map(tag).collect()
    }
}

/// Embeds the labels' names once, at fetch time: reads `labels.json` (a list of 1000 names), writes 1000 × 384
/// little-endian floats.
pub fn convert_labels(labels_json: &Path, words: &Words, labels_f32: &Path) -> Result<(), EngineError> {
    let bad = |source: io::Error| EngineError::bad_model("labels.json", source.to_string());
    let names = label_names(&fs::read(labels_json).map_err(bad)?).map_err(bad)?;
    let phrases: Vec<String> = names.iter().map(|name| format!("{PHRASE}{name}")).collect();
    let phrases: Vec<&str> = phrases.iter().map(String::as_str).collect();
    let vectors = words.embed(&phrases)?;
    let bytes: Vec<u8> = vectors.iter().flatten().flat_map(|value| value.to_le_bytes()).collect();
    let aside = labels_f32.with_added_extension("partial");
    fs::write(&aside, bytes).and_then(|()| fs::rename(&aside, labels_f32)).map_err(bad)
}

fn label_names(json: &[u8]) -> io::Result<Vec<String>> {
    let names: Vec<String> = serde_json::from_slice(json)?;
    if names.len() == LABELS {
        Ok(names)
    } else {
        Err(crate::weights::invalid(format!("{} names instead of {LABELS}", names.len())))
    }
}

fn read(file: &Path) -> Result<Vec<u8>, EngineError> {
    fs::read(file).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => EngineError::ModelMissing { path: file.to_owned() },
        _ => EngineError::bad_model("concept", format!("cannot be read from {}: {source}", file.display())),
    })
}

/// Mean 0, then norm 1 (which makes the deviation the same for all).
fn standardised(logits: &[f32]) -> Vec<f32> {
    let mean = logits.iter().sum::<f32>() / logits.len() as f32;
    let mut vector: Vec<f32> = logits.iter().map(|logit| logit - mean).collect();
    normalise(&mut vector);
    vector
}

fn softmax(mut values: Vec<f32>) -> Vec<f32> {
    let max = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    values.iter_mut().for_each(|value| *value = ((*value - max) / TEMPERATURE).exp());
    normalise(&mut values);
    values
}

/// The vectors of the texts last asked for: people refine and page through one query.
#[derive(Default)]
struct TextCache {
    entries: Mutex<VecDeque<(String, Vec<f32>)>>,
}

impl TextCache {
    fn get(&self, text: &str) -> Option<Vec<f32>> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let found = entries.iter().position(|(cached, _)| cached == text)?;
        let entry = entries.remove(found)?;
        let vector = entry.1.clone();
        entries.push_back(entry);
        Some(vector)
    }

    fn put(&self, text: &str, vector: &[f32]) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() == CACHED_TEXTS {
            entries.pop_front();
        }
        entries.push_back((text.to_owned(), vector.to_vec()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_used_text_is_forgotten_first() {
        let cache = TextCache::default();
        for i in 0..CACHED_TEXTS {
            cache.put(&i.to_string(), &[i as f32]);
        }
        assert_eq!(cache.get("0"), Some(vec![0.0]));
        cache.put("one more", &[1.0]);
        assert_eq!(cache.get("0"), Some(vec![0.0]));
        assert_eq!(cache.get("1"), None);
    }

    #[test]
    fn logits_become_unit_vectors_without_a_mean() {
        let vector = standardised(&[1.0, 2.0, 3.0, 6.0]);
        assert!(vector.iter().sum::<f32>().abs() < 1e-6);
        assert!((dot(&vector, &vector) - 1.0).abs() < 1e-6);
        assert!(standardised(&[2.0; 4]).iter().all(|&value| value == 0.0));
    }
}
