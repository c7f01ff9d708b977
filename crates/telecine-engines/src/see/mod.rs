//! What images show, as vectors that text finds: the `Seer` seam, the concept-space engine that works from the
//! registries alone, and the adapter for any two-tower CLIP or SigLIP. Images and text in, unit vectors out.

mod clip;
mod concept;
mod efficientnet;
mod resize;

pub use self::{
    clip::{Clip, ClipConfig, Pooling, TextInput},
    concept::{Concept, convert_labels},
    efficientnet::convert_efficientnet_lite2,
    resize::Fit,
};

use std::ops::Range;

use crate::{EngineError, Image, vector::dot};

/// Puts images and text into one space. Implementations may be called from many threads.
pub trait Seer: Send + Sync {
    /// Names the model; stored with its vectors, never mixed with another's.
    fn model_id(&self) -> &str;

    /// Numbers in a vector.
    fn dim(&self) -> usize;

    /// One unit vector per image, in their order. The more images in one call, the more memory it takes.
    fn embed_images(&self, images: &[Image<'_>]) -> Result<Vec<Vec<f32>>, EngineError>;

    /// A unit vector; its dot product with an image's vector ranks the images.
    fn embed_text(&self, text: &str) -> Result<Vec<f32>, EngineError>;

    /// How a text falls into the tokens that [`Seer::embed_text`] looks at, however long it is.
    fn text_tokens(&self, text: &str) -> Result<TextTokens, EngineError>;

    /// What an image's vector says in words, best first; empty for an engine that has no words.
    fn tags(&self, _vector: &[f32], _limit: usize) -> Vec<Tag> {
        Vec::new()
    }
}

/// A text's tokens.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TextTokens {
    /// Where each lies in the text, in bytes.
    pub spans: Vec<Range<usize>>,
    /// How many the model adds at the ends.
    pub added: usize,
}

/// A word for what is seen.
#[derive(Debug, Clone, PartialEq)]
pub struct Tag {
    /// One of the network's labels.
    pub label: String,
    /// How far it stands out: standard deviations above the mean of all labels (clear objects have 6 and more).
    pub score: f32,
}

/// Divides by the Euclidean norm; a vector of zeros stays as it is.
fn normalise(vector: &mut [f32]) {
    let norm = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    if norm > 0.0 {
        vector.iter_mut().for_each(|value| *value /= norm);
    }
}
