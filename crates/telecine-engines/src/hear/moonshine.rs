//! English speech to text: Moonshine tiny-en (an encoder over raw samples, a decoder that writes token by token).
//!
//! The loop is that of `moonshine_onnx/model.py` (MIT): the first step fills the caches, later steps extend the
//! decoder's own part. The model gives no times. It is never fed non-speech: on noise it loops.

use std::{borrow::Cow, path::Path};

use ort::{
    session::{Session, SessionInputValue},
    value::{DynValue, Tensor, TensorRef},
};
use tokenizers::Tokenizer;

use super::{Recognizer, segment::SAMPLE_RATE, without_loop};
use crate::{
    EngineError,
    runtime::{Runtime, SessionPool},
};

const START_TOKEN: i64 = 1;
const END_TOKEN: i64 = 2;
/// Speech has fewer; more means that the model loops.
const MAX_TOKENS_PER_SECOND: f64 = 6.5;
/// Room for the punctuation of a very short "Yes."
const SPARE_TOKENS: usize = 3;
/// The model takes 0.1–64 s.
const MIN_SAMPLES: usize = SAMPLE_RATE as usize / 10;
const LAYERS: usize = 6;
const HEADS: usize = 8;
const HEAD_LEN: usize = 36;

/// Moonshine tiny-en.
pub struct Moonshine {
    encoder: SessionPool,
    decoder: SessionPool,
    tokenizer: Tokenizer,
    languages: [String; 1],
}

impl Moonshine {
    /// From a folder with `encoder_model.ort`, `decoder_model_merged.ort` and `tokenizer.json`.
    pub fn open(runtime: &Runtime, folder: &Path, max_sessions: usize) -> Result<Self, EngineError> {
        let tokenizer_json = folder.join("tokenizer.json");
        if !tokenizer_json.is_file() {
            return Err(EngineError::ModelMissing { path: tokenizer_json });
        }
        let tokenizer = Tokenizer::from_file(&tokenizer_json)
            .map_err(|source| EngineError::bad_model("Moonshine's tokenizer.json", source.to_string()))?;
        Ok(Self {
            encoder: runtime.pool(&folder.join("encoder_model.ort"), max_sessions)?,
            decoder: runtime.pool(&folder.join("decoder_model_merged.ort"), max_sessions)?,
            tokenizer,
            languages: ["en".to_owned()],
        })
    }

    fn encode(&self, pcm: &[f32], mask: &[i64]) -> Result<DynValue, EngineError> {
        let shape = [1, pcm.len()];
        let inputs = ort::inputs![
            "input_values" => TensorRef::from_array_view((shape, pcm))?,
            "attention_mask" => TensorRef::from_array_view((shape, mask))?,
        ];
        let mut session = self.encoder.lease()?;
        let mut outputs = session.run(inputs)?;
        outputs
            .remove("last_hidden_state")
            .ok_or_else(|| EngineError::bad_model("Moonshine's encoder", "has no output `last_hidden_state`"))
    }

    fn decode(
        &self,
        hidden: &DynValue,
        mask: &[i64],
        cancel: &dyn Fn() -> bool,
    ) -> Result<Vec<u32>, EngineError> {
        let seconds = mask.len() as f64 / f64::from(SAMPLE_RATE);
        let max_tokens = (seconds * MAX_TOKENS_PER_SECOND).ceil() as usize + SPARE_TOKENS;
        let mut session = self.decoder.lease()?;
        let mut caches = Caches::empty()?;
        let mut tokens: Vec<u32> = Vec::with_capacity(max_tokens);
        let mut last = START_TOKEN;
        while tokens.len() < max_tokens {
            if cancel() {
                return Err(EngineError::Cancelled);
            }
            last = step(&mut session, hidden, mask, last, &mut caches)?;
            if last == END_TOKEN {
                return Ok(tokens);
            }
            tokens.push(last as u32);
        }
        Ok(without_loop(tokens))
    }
}

impl Recognizer for Moonshine {
    fn languages(&self) -> &[String] {
        &self.languages
    }

    fn recognise(
        &self,
        pcm_16k: &[f32],
        _language: &str,
        cancel: &dyn Fn() -> bool,
    ) -> Result<String, EngineError> {
        if pcm_16k.len() < MIN_SAMPLES {
            return Ok(String::new());
        }
        let mask = vec![1i64; pcm_16k.len()];
        let hidden = self.encode(pcm_16k, &mask)?;
        let tokens = self.decode(&hidden, &mask, cancel)?;
        let text = self.tokenizer.decode(&tokens, true);
        let text =
            text.map_err(|source| EngineError::bad_model("Moonshine's tokenizer.json", source.to_string()))?;
        Ok(text.trim().to_owned())
    }
}

/// Keys and values of one attention, which the next step takes back.
struct Cache {
    past: String,
    present: String,
    /// The encoder's part is filled by the first step and then kept; the decoder's part grows with each.
    is_decoder: bool,
    value: DynValue,
}

struct Caches {
    entries: Vec<Cache>,
    is_filled: bool,
}

impl Caches {
    fn empty() -> Result<Self, EngineError> {
        let mut entries = Vec::with_capacity(LAYERS * 4);
        for layer in 0..LAYERS {
            for (side, part) in
                [("decoder", "key"), ("decoder", "value"), ("encoder", "key"), ("encoder", "value")]
            {
                // A batch of zero: the first step only needs the shape.
                let nothing = Tensor::from_array(([0, HEADS, 1, HEAD_LEN], Vec::<f32>::new()))?;
                entries.push(Cache {
                    past: format!("past_key_values.{layer}.{side}.{part}"),
                    present: format!("present.{layer}.{side}.{part}"),
                    is_decoder: side == "decoder",
                    value: nothing.into_dyn(),
                });
            }
        }
        Ok(Self { entries, is_filled: false })
    }
}

/// Feeds one token and gives the most probable next one.
fn step(
    session: &mut Session,
    hidden: &DynValue,
    mask: &[i64],
    token: i64,
    caches: &mut Caches,
) -> Result<i64, EngineError> {
    let token = [token];
    let use_cache = [caches.is_filled];
    let mut inputs: Vec<(Cow<'_, str>, SessionInputValue<'_>)> = ort::inputs![
        "input_ids" => TensorRef::from_array_view(([1, 1], token.as_slice()))?,
        "encoder_attention_mask" => TensorRef::from_array_view(([1, mask.len()], mask))?,
        "encoder_hidden_states" => hidden,
        "use_cache_branch" => TensorRef::from_array_view(([1], use_cache.as_slice()))?,
    ];
    for cache in &caches.entries {
        inputs.push((Cow::Borrowed(&cache.past), (&cache.value).into()));
    }
    let mut outputs = session.run(inputs)?;
    let (_, logits) = outputs["logits"].try_extract_tensor::<f32>()?;
    let best = logits.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
    let next = best.map_or(END_TOKEN, |(token, _)| token as i64);
    for cache in &mut caches.entries {
        if cache.is_decoder || !caches.is_filled {
            cache.value = outputs.remove(&cache.present).ok_or_else(|| {
                EngineError::bad_model("Moonshine's decoder", format!("has no output `{}`", cache.present))
            })?;
        }
    }
    caches.is_filled = true;
    Ok(next)
}
