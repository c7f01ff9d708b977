//! The meaning of text as vectors: all-MiniLM-L6-v2. Text in, unit vectors out; knows no search and stores nothing.

mod convert;

use std::path::Path;

use ort::value::TensorRef;
use tokenizers::{Encoding, Tokenizer, TruncationParams};

pub use self::convert::convert_minilm;

use crate::{
    EngineError,
    runtime::{Runtime, SessionPool},
    see::TextTokens,
};

const MODEL: &str = "MiniLM";
const DIM: usize = 384;
/// What the model was trained with; the rest of a longer text is not looked at.
const MAX_TOKENS: usize = 256;
/// Padded tokens in one run of the network: bounds its memory (about 60 MB at this size).
const MAX_BATCH_TOKENS: usize = 4096;

/// Sentences and passages (English) to vectors whose dot product is their likeness.
pub struct Words {
    sessions: SessionPool,
    tokenizer: Tokenizer,
}

impl Words {
    /// From a folder with `minilm.onnx` and `tokenizer.json`.
    pub fn open(runtime: &Runtime, folder: &Path, max_sessions: usize) -> Result<Self, EngineError> {
        let tokenizer = tokenizer(&folder.join("tokenizer.json"), MAX_TOKENS)?;
        Ok(Self { sessions: runtime.pool(&folder.join("minilm.onnx"), max_sessions)?, tokenizer })
    }

    /// Names the model; stored with its vectors, never mixed with another's.
    pub fn model_id(&self) -> &str {
        "all-minilm-l6-v2"
    }

    /// Numbers in a vector.
    pub fn dim(&self) -> usize {
        DIM
    }

    /// How a text falls into tokens, however long it is.
    pub fn tokens(&self, text: &str) -> Result<TextTokens, EngineError> {
        tokens(&self.tokenizer, text)
    }

    /// One unit vector per text, in their order. What lies beyond 256 tokens of a text is not looked at.
    pub fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, EngineError> {
        let encodings = texts
            .iter()
            .map(|text| self.tokenizer.encode_fast(*text, true))
            .collect::<Result<Vec<Encoding>, _>>()
            .map_err(|source| EngineError::bad_model(MODEL, format!("cannot split text: {source}")))?;
        let mut order: Vec<usize> = (0..encodings.len()).collect();
        order.sort_by_key(|&i| encodings[i].len());
        let mut vectors = vec![Vec::new(); texts.len()];
        for batch in batches(&order, |i| encodings[i].len()) {
            let batch_encodings: Vec<&Encoding> = batch.iter().map(|&i| &encodings[i]).collect();
            for (&i, vector) in batch.iter().zip(self.run(&batch_encodings)?) {
                vectors[i] = vector;
            }
        }
        Ok(vectors)
    }

    fn run(&self, batch: &[&Encoding]) -> Result<Vec<Vec<f32>>, EngineError> {
        let length = batch.iter().map(|encoding| encoding.len()).max().unwrap_or(0);
        let mut ids = vec![0i64; batch.len() * length];
        let mut mask = vec![0i64; batch.len() * length];
        for (row, encoding) in batch.iter().enumerate() {
            for (column, &id) in encoding.get_ids().iter().enumerate() {
                ids[row * length + column] = id.into();
                mask[row * length + column] = 1;
            }
        }
        let shape = [batch.len(), length];
        let inputs = ort::inputs![
            "ids" => TensorRef::from_array_view((shape, ids.as_slice()))?,
            "mask" => TensorRef::from_array_view((shape, mask.as_slice()))?,
        ];
        let mut session = self.sessions.lease()?;
        let outputs = session.run(inputs)?;
        let (_, values) = outputs[0].try_extract_tensor::<f32>()?;
        if values.len() != batch.len() * DIM {
            return Err(EngineError::unexpected_output(MODEL, values.len(), batch.len() * DIM));
        }
        Ok(values.chunks_exact(DIM).map(<[f32]>::to_vec).collect())
    }
}

/// Cuts a list sorted by length (tokens) into runs that stay within the limit when padded to their longest.
fn batches(sorted: &[usize], length: impl Fn(usize) -> usize) -> Vec<&[usize]> {
    let mut batches = Vec::new();
    let mut start = 0;
    for end in 1..=sorted.len() {
        let is_last = end == sorted.len();
        if is_last || (end + 1 - start) * length(sorted[end]) > MAX_BATCH_TOKENS {
            batches.push(&sorted[start..end]);
            start = end;
        }
    }
    batches
}

/// All tokens of a text. What a tokenizer cuts off is in what it says has overflowed.
pub(crate) fn tokens(tokenizer: &Tokenizer, text: &str) -> Result<TextTokens, EngineError> {
    let whole = tokenizer
        .encode(text, true)
        .map_err(|source| EngineError::bad_model(MODEL, format!("cannot split text: {source}")))?;
    let mut tokens = TextTokens::default();
    for (place, part) in std::iter::once(&whole).chain(whole.get_overflowing()).enumerate() {
        for (&(start, end), &is_added) in part.get_offsets().iter().zip(part.get_special_tokens_mask()) {
            match (is_added, place) {
                (0, _) => tokens.spans.push(start..end),
                (_, 0) => tokens.added += 1,
                _ => {}
            }
        }
    }
    Ok(tokens)
}

/// A tokenizer that cuts at `max_tokens` and does not pad, whatever its file says.
pub(crate) fn tokenizer(file: &Path, max_tokens: usize) -> Result<Tokenizer, EngineError> {
    if !file.is_file() {
        return Err(EngineError::ModelMissing { path: file.to_owned() });
    }
    let bad = |source: tokenizers::Error| EngineError::bad_model("tokenizer.json", source.to_string());
    let mut tokenizer = Tokenizer::from_file(file).map_err(bad)?;
    tokenizer.with_padding(None);
    let truncation = TruncationParams { max_length: max_tokens, ..TruncationParams::default() };
    tokenizer.with_truncation(Some(truncation)).map_err(bad)?;
    Ok(tokenizer)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn batches_lose_nothing_and_stay_within_the_limit(
            mut lengths in prop::collection::vec(2..=MAX_TOKENS, 0..300),
        ) {
            lengths.sort_unstable();
            let order: Vec<usize> = (0..lengths.len()).collect();
            let batches = batches(&order, |i| lengths[i]);
            prop_assert_eq!(batches.concat(), order.as_slice());
            for batch in batches {
                let longest = batch.iter().map(|&i| lengths[i]).max().unwrap();
                prop_assert!(batch.len() * longest <= MAX_BATCH_TOKENS);
            }
        }
    }
}
