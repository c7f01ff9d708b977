//! Any two-tower model (CLIP, SigLIP and their kin) that exists as two ONNX files and a `tokenizer.json`, described by
//! a `clip.json` beside them. Knows no particular model.
//!
//! OpenAI CLIP ViT-B/32, for example:
//! ```json
//! {
//!   "model_id": "clip-vit-b-32", "dim": 512,
//!   "image_model": "vision_model.onnx", "text_model": "text_model.onnx", "tokenizer": "tokenizer.json",
//!   "image_side_px": 224, "fit": "center-crop",
//!   "mean": [0.48145466, 0.4578275, 0.40821073], "std": [0.26862954, 0.26130258, 0.27577711],
//!   "image_input": "pixel_values", "image_output": "image_embeds", "image_pooling": "none",
//!   "text": {"max_tokens": 77, "pad_to_max": true, "pad_id": 49407, "ids_input": "input_ids",
//!            "mask_input": "attention_mask", "output": "text_embeds", "pooling": "none"}
//! }
//! ```

use std::{
    fs,
    path::{Path, PathBuf},
};

use ort::{
    session::{Session, SessionInputValue},
    value::{Tensor, TensorElementType, TensorRef},
};
use serde::Deserialize;
use tokenizers::Tokenizer;

use super::{
    Fit, Seer, TextTokens, normalise,
    resize::{Normalisation, append_planes},
};
use crate::{
    EngineError, Image,
    runtime::{Runtime, SessionPool},
    words::{tokenizer, tokens},
};

const MODEL: &str = "the two-tower model";
/// Images in one run of the network.
const MAX_BATCH: usize = 8;
const MAX_SIDE_PX: usize = 1024;
const MAX_TOKENS: usize = 4096;

/// What `clip.json` says. File names are relative to its folder.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClipConfig {
    /// Stored with the vectors.
    pub model_id: String,
    /// Numbers in a vector.
    pub dim: usize,
    /// The ONNX file of the image tower.
    pub image_model: PathBuf,
    /// The ONNX file of the text tower.
    pub text_model: PathBuf,
    /// The `tokenizer.json`.
    pub tokenizer: PathBuf,
    /// Side of the square that the image tower takes, in pixels.
    pub image_side_px: usize,
    /// How an image becomes that square.
    pub fit: Fit,
    /// Mean of red, green and blue, 0–1.
    pub mean: [f32; 3],
    /// Standard deviation of red, green and blue, 0–1.
    pub std: [f32; 3],
    /// Name of the image tower's input (f32, batch × 3 × side × side).
    pub image_input: String,
    /// Name of its output.
    pub image_output: String,
    /// How its output becomes one vector.
    pub image_pooling: Pooling,
    /// The text tower's input and output.
    pub text: TextInput,
}

/// The text tower's input and output.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextInput {
    /// Longer texts are cut.
    pub max_tokens: usize,
    /// Whether shorter texts are padded to the full length (towers with a fixed length need it).
    pub pad_to_max: bool,
    /// What they are padded with.
    pub pad_id: i64,
    /// Name of the tokens' input (i64 or i32, 1 × length).
    pub ids_input: String,
    /// Name of the attention mask's input, for towers that have one.
    #[serde(default)]
    pub mask_input: Option<String>,
    /// Name of the output.
    pub output: String,
    /// How the output becomes one vector.
    pub pooling: Pooling,
}

/// How a tower's output becomes one vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pooling {
    /// It is one already: batch × dim.
    None,
    /// Of batch × steps × dim, the first step (a class token).
    First,
    /// The last step that is not padding (an end token).
    Last,
    /// The mean of the steps that are not padding.
    Mean,
}

/// A two-tower model.
pub struct Clip {
    config: ClipConfig,
    normalisation: Normalisation,
    tokenizer: Tokenizer,
    image_tower: SessionPool,
    text_tower: SessionPool,
}

impl Clip {
    /// From a folder with `clip.json` and the files that it names.
    pub fn open(runtime: &Runtime, folder: &Path, max_sessions: usize) -> Result<Self, EngineError> {
        let file = folder.join("clip.json");
        let json = fs::read(&file).map_err(|_| EngineError::ModelMissing { path: file })?;
        let config: ClipConfig = serde_json::from_slice(&json)
            .map_err(|source| EngineError::bad_model("clip.json", source.to_string()))?;
        check(&config)?;
        Ok(Self {
            normalisation: Normalisation {
                mean: config.mean.map(|mean| mean * 255.0),
                scale: config.std.map(|std| 1.0 / (std * 255.0)),
            },
            tokenizer: tokenizer(&folder.join(&config.tokenizer), config.text.max_tokens)?,
            image_tower: runtime.pool(&folder.join(&config.image_model), max_sessions)?,
            text_tower: runtime.pool(&folder.join(&config.text_model), max_sessions)?,
            config,
        })
    }

    fn run(&self, images: &[Image<'_>]) -> Result<Vec<Vec<f32>>, EngineError> {
        let side = self.config.image_side_px;
        let mut planes = Vec::with_capacity(images.len() * 3 * side * side);
        for &image in images {
            append_planes(image, side, self.config.fit, self.normalisation, &mut planes);
        }
        let input = TensorRef::from_array_view(([images.len(), 3, side, side], planes.as_slice()))?;
        let mut session = self.image_tower.lease()?;
        let outputs = session.run(ort::inputs![self.config.image_input.as_str() => input])?;
        let output =
            outputs.get(&self.config.image_output).ok_or_else(|| no_output(&self.config.image_output))?;
        let (shape, values) = output.try_extract_tensor::<f32>()?;
        let per_image = values.len() / images.len();
        if shape.first() != Some(&(images.len() as i64)) || per_image == 0 {
            return Err(EngineError::bad_model(
                MODEL,
                format!("gives {shape:?} for {} images", images.len()),
            ));
        }
        let pooled = |values: &[f32]| pool(values, self.config.dim, None, self.config.image_pooling);
        values.chunks_exact(per_image).map(pooled).collect()
    }
}

impl Seer for Clip {
    fn model_id(&self) -> &str {
        &self.config.model_id
    }

    fn dim(&self) -> usize {
        self.config.dim
    }

    fn embed_images(&self, images: &[Image<'_>]) -> Result<Vec<Vec<f32>>, EngineError> {
        let mut vectors = Vec::with_capacity(images.len());
        for batch in images.chunks(MAX_BATCH) {
            vectors.extend(self.run(batch)?);
        }
        Ok(vectors)
    }

    fn text_tokens(&self, text: &str) -> Result<TextTokens, EngineError> {
        tokens(&self.tokenizer, text)
    }

    fn embed_text(&self, text: &str) -> Result<Vec<f32>, EngineError> {
        let input = &self.config.text;
        let encoding = self
            .tokenizer
            .encode_fast(text, true)
            .map_err(|source| EngineError::bad_model(MODEL, format!("cannot split text: {source}")))?;
        let mut ids: Vec<i64> = encoding.get_ids().iter().map(|&id| id.into()).collect();
        let used = ids.len().max(1);
        let length = if input.pad_to_max { input.max_tokens } else { used };
        ids.resize(length, input.pad_id);
        let mask: Vec<i64> = (0..length).map(|i| i64::from(i < used)).collect();
        let mut session = self.text_tower.lease()?;
        let mut inputs = vec![(input.ids_input.as_str(), whole_numbers(&session, &input.ids_input, ids)?)];
        if let Some(name) = &input.mask_input {
            inputs.push((name, whole_numbers(&session, name, mask)?));
        }
        let outputs = session.run(inputs)?;
        let output = outputs.get(&input.output).ok_or_else(|| no_output(&input.output))?;
        let (_, values) = output.try_extract_tensor::<f32>()?;
        pool(values, self.config.dim, Some(used), input.pooling)
    }
}

/// 1 × length in the element type that the input has.
fn whole_numbers(
    session: &Session,
    input: &str,
    values: Vec<i64>,
) -> Result<SessionInputValue<'static>, EngineError> {
    let outlet = session
        .inputs()
        .iter()
        .find(|outlet| outlet.name() == input)
        .ok_or_else(|| EngineError::bad_model(MODEL, format!("has no input `{input}`")))?;
    let shape = [1, values.len()];
    if outlet.dtype().tensor_type() == Some(TensorElementType::Int32) {
        let values: Vec<i32> = values.into_iter().map(|value| value as i32).collect();
        return Ok(Tensor::from_array((shape, values))?.into());
    }
    Ok(Tensor::from_array((shape, values))?.into())
}

/// One unit vector out of `steps` × `dim` values, of which the first `used` steps count.
fn pool(values: &[f32], dim: usize, used: Option<usize>, pooling: Pooling) -> Result<Vec<f32>, EngineError> {
    let (steps, rest) = (values.len() / dim, values.len() % dim);
    if rest != 0 || steps == 0 || (pooling == Pooling::None && steps != 1) {
        return Err(EngineError::unexpected_output(MODEL, values.len(), dim));
    }
    let used = used.unwrap_or(steps).clamp(1, steps);
    let step = |i: usize| values[i * dim..][..dim].to_vec();
    let mut vector = match pooling {
        Pooling::None | Pooling::First => step(0),
        Pooling::Last => step(used - 1),
        Pooling::Mean => {
            // The divisor would be undone by the norm.
            let mut sum = vec![0.0; dim];
            for step in values.chunks_exact(dim).take(used) {
                sum.iter_mut().zip(step).for_each(|(sum, value)| *sum += value);
            }
            sum
        }
    };
    normalise(&mut vector);
    Ok(vector)
}

fn check(config: &ClipConfig) -> Result<(), EngineError> {
    let problem = if config.dim == 0 {
        "`dim` is 0"
    } else if !(1..=MAX_SIDE_PX).contains(&config.image_side_px) {
        "`image_side_px` is not within 1–1024"
    } else if !(1..=MAX_TOKENS).contains(&config.text.max_tokens) {
        "`text.max_tokens` is not within 1–4096"
    } else if config.std.iter().any(|&std| !(std.is_finite() && std > 0.0)) {
        "`std` has a value that is not above 0"
    } else {
        return Ok(());
    };
    Err(EngineError::bad_model("clip.json", problem))
}

fn no_output(name: &str) -> EngineError {
    EngineError::bad_model(MODEL, format!("has no output `{name}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEPS: [f32; 6] = [3.0, 4.0, 0.0, 2.0, 5.0, 0.0];

    fn pooled(used: usize, pooling: Pooling) -> Vec<f32> {
        pool(&STEPS, 2, Some(used), pooling).unwrap()
    }

    #[test]
    fn padding_counts_neither_as_the_last_step_nor_in_the_mean() {
        assert_eq!(pooled(2, Pooling::First), [0.6, 0.8]);
        assert_eq!(pooled(2, Pooling::Last), [0.0, 1.0]);
        assert_eq!(pooled(3, Pooling::Last), [1.0, 0.0]);
        let mean = pooled(2, Pooling::Mean);
        assert!((mean[0] / mean[1] - 0.5).abs() < 1e-6);
    }

    #[test]
    fn steps_without_a_pooling_are_refused() {
        assert!(pool(&STEPS, 2, None, Pooling::None).is_err());
        assert!(pool(&STEPS, 4, None, Pooling::First).is_err());
        assert!(pool(&[], 4, None, Pooling::First).is_err());
    }
}
