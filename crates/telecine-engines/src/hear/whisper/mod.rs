//! Speech to text in 99 languages: Whisper base, greedy, one segment at a time, up to 30 s. Also tells which language is
//! spoken. On music and silence it invents words, so it is only given what voice activity found.

mod convert;
mod mel;
mod weights;

use std::{borrow::Cow, fs, path::Path, time::Duration};

use ort::{
    session::{Session, SessionInputValue, SessionOutputs},
    value::{DynValue, Tensor, TensorRef},
};
use serde::Deserialize;
use tokenizers::Tokenizer;

pub use self::convert::convert_whisper;
use self::mel::{BANDS, FRAMES_PER_SECOND, LogMel, MAX_FRAMES, samples_to_frames};
use super::{Recognizer, segment::SAMPLE_RATE, without_loop};
use crate::{
    EngineError,
    runtime::{Runtime, SessionPool},
};

const HEADS: usize = 8;
const HEAD_WIDTH: usize = 64;
/// Half of the decoder's 448 positions, as in OpenAI's own decoder.
const MAX_TOKENS: usize = 224;
/// More than any language has; above it the decoder loops.
const MAX_TOKENS_PER_SECOND: f64 = 15.0;
const SPARE_TOKENS: usize = 10;
const WHAT: &str = "Whisper";

/// Whisper base.
pub struct Whisper {
    encoder: SessionPool,
    decoder: SessionPool,
    tokenizer: Tokenizer,
    log_mel: LogMel,
    layers: usize,
    languages: Vec<String>,
    language_tokens: Vec<u32>,
    special: SpecialTokens,
    never: Vec<u32>,
    never_first: Vec<u32>,
}

/// The part of CTranslate2's `config.json` that is used.
#[derive(Deserialize)]
struct Config {
    suppress_ids: Vec<u32>,
    suppress_ids_begin: Vec<u32>,
    lang_ids: Vec<u32>,
}

struct SpecialTokens {
    end: u32,
    start: u32,
    transcribe: u32,
    no_timestamps: u32,
}

impl Whisper {
    /// From a folder with `encoder.onnx` and `decoder.onnx` (see [`convert_whisper`]), `tokenizer.json` and
    /// `config.json`.
    pub fn open(runtime: &Runtime, folder: &Path, max_sessions: usize) -> Result<Self, EngineError> {
        let bad = |problem: String| EngineError::bad_model(WHAT, problem);
        let config_json = read(&folder.join("config.json"))?;
        let config: Config = serde_json::from_slice(&config_json)
            .map_err(|error| bad(format!("has a bad config.json: {error}")))?;
        let tokenizer_json = read(&folder.join("tokenizer.json"))?;
        let tokenizer = Tokenizer::from_bytes(tokenizer_json)
            .map_err(|error| bad(format!("has a bad tokenizer.json: {error}")))?;
        let token =
            |text: &str| tokenizer.token_to_id(text).ok_or_else(|| bad(format!("has no token {text}")));
        let special = SpecialTokens {
            end: token("<|endoftext|>")?,
            start: token("<|startoftranscript|>")?,
            transcribe: token("<|transcribe|>")?,
            no_timestamps: token("<|notimestamps|>")?,
        };
        let language = |&id: &u32| {
            let text = tokenizer.id_to_token(id).ok_or_else(|| bad(format!("has no token {id}")))?;
            Ok(text.trim_matches(['<', '|', '>']).to_owned())
        };
        let languages = config.lang_ids.iter().map(language).collect::<Result<_, EngineError>>()?;
        let decoder = runtime.pool(&folder.join(convert::DECODER_FILE), max_sessions)?;
        let layers =
            decoder.lease()?.inputs().iter().filter(|input| input.name().starts_with("past_key.")).count();
        Ok(Self {
            encoder: runtime.pool(&folder.join(convert::ENCODER_FILE), max_sessions)?,
            decoder,
            log_mel: LogMel::new(),
            layers,
            languages,
            language_tokens: config.lang_ids,
            special,
            never: config.suppress_ids,
            never_first: config.suppress_ids_begin,
            tokenizer,
        })
    }

    /// The most probable language of the first 30 s and its probability (0–1); below one half it is a guess.
    pub fn language_of(&self, pcm_16k: &[f32]) -> Result<(String, f32), EngineError> {
        let mut text = self.listen(pcm_16k)?;
        let mut session = self.decoder.lease()?;
        let logits = text.step(&mut session, self.special.start)?;
        let of_languages: Vec<f32> = self
            .language_tokens
            .iter()
            .map(|&id| logits.get(id as usize).copied().unwrap_or(f32::MIN))
            .collect();
        let largest = of_languages.iter().copied().fold(f32::MIN, f32::max);
        let sum: f32 = of_languages.iter().map(|value| (value - largest).exp()).sum();
        let best = of_languages.iter().position(|&value| value == largest).unwrap_or(0);
        Ok((self.languages[best].clone(), sum.recip()))
    }

    fn listen(&self, pcm_16k: &[f32]) -> Result<Text, EngineError> {
        let frames = window_frames(pcm_16k.len());
        let mel = self.log_mel.compute(pcm_16k, frames);
        let mel = TensorRef::from_array_view(([1, BANDS, frames], mel.as_slice()))?;
        let mut session = self.encoder.lease()?;
        let mut outputs = session.run(ort::inputs!["mel" => mel])?;
        let mut caches = Vec::with_capacity(self.layers * 4);
        for layer in 0..self.layers {
            for part in ["key", "value"] {
                let name = format!("cross_{part}.{layer}");
                let value = take(&mut outputs, &name)?;
                caches.push(Cache { past: name, present: None, value });
                let shape = if part == "key" { [HEADS, HEAD_WIDTH, 0] } else { [HEADS, 0, HEAD_WIDTH] };
                let nothing = Tensor::from_array((shape, Vec::<f32>::new()))?.into_dyn();
                let present = Some(format!("present_{part}.{layer}"));
                caches.push(Cache { past: format!("past_{part}.{layer}"), present, value: nothing });
            }
        }
        Ok(Text { caches, length: 0 })
    }

    fn most_probable(&self, logits: &[f32], is_first: bool) -> u32 {
        let is_text = |id: u32| id <= self.special.end;
        let is_wanted = |id: &u32| {
            is_text(*id) && !self.never.contains(id) && !(is_first && self.never_first.contains(id))
        };
        let mut best = (self.special.end, f32::MIN);
        for (id, &logit) in (0u32..).zip(logits) {
            if logit > best.1 && is_wanted(&id) {
                best = (id, logit);
            }
        }
        best.0
    }
}

impl Recognizer for Whisper {
    fn languages(&self) -> &[String] {
        &self.languages
    }

    fn recognise(
        &self,
        pcm_16k: &[f32],
        language: &str,
        cancel: &dyn Fn() -> bool,
    ) -> Result<String, EngineError> {
        let place = self.languages.iter().position(|known| known == language);
        let language_token = place.map(|place| self.language_tokens[place]).ok_or_else(|| {
            EngineError::LanguageNotSupported {
                language: language.to_owned(),
                supported: self.languages.clone(),
            }
        })?;
        let mut text = self.listen(pcm_16k)?;
        let mut session = self.decoder.lease()?;
        let prompt =
            [self.special.start, language_token, self.special.transcribe, self.special.no_timestamps];
        let mut logits = Vec::new();
        for token in prompt {
            logits = text.step(&mut session, token)?;
        }
        let max_tokens = max_tokens(Duration::from_secs_f64(pcm_16k.len() as f64 / f64::from(SAMPLE_RATE)));
        let mut tokens = Vec::new();
        loop {
            if cancel() {
                return Err(EngineError::Cancelled);
            }
            let next = self.most_probable(&logits, tokens.is_empty());
            if next == self.special.end {
                break;
            }
            tokens.push(next);
            if tokens.len() == max_tokens {
                tokens = without_loop(tokens);
                break;
            }
            logits = text.step(&mut session, next)?;
        }
        let said = self.tokenizer.decode(&tokens, true);
        let said =
            said.map_err(|error| EngineError::bad_model(WHAT, format!("has a bad tokenizer.json: {error}")))?;
        Ok(said.trim().to_owned())
    }
}

/// The text so far, as the decoder remembers it, and the sound that it belongs to.
struct Text {
    caches: Vec<Cache>,
    length: i64,
}

/// Keys or values of one attention: given as `past`; taken back from `present` when the text makes it grow.
struct Cache {
    past: String,
    present: Option<String>,
    value: DynValue,
}

impl Text {
    /// Adds a token and gives the logits of the next one.
    fn step(&mut self, session: &mut Session, token: u32) -> Result<Vec<f32>, EngineError> {
        let (token, position) = ([i64::from(token)], [self.length]);
        let mut inputs: Vec<(Cow<'_, str>, SessionInputValue<'_>)> = ort::inputs![
            "token" => TensorRef::from_array_view(([1], token.as_slice()))?,
            "position" => TensorRef::from_array_view(([1], position.as_slice()))?,
        ];
        for cache in &self.caches {
            inputs.push((Cow::Borrowed(&cache.past), (&cache.value).into()));
        }
        let mut outputs = session.run(inputs)?;
        for cache in &mut self.caches {
            if let Some(present) = &cache.present {
                cache.value = take(&mut outputs, present)?;
            }
        }
        self.length += 1;
        Ok(outputs["logits"].try_extract_tensor::<f32>()?.1.to_vec())
    }
}

fn take(outputs: &mut SessionOutputs<'_>, name: &str) -> Result<DynValue, EngineError> {
    outputs.remove(name).ok_or_else(|| EngineError::bad_model(WHAT, format!("has no output `{name}`")))
}

/// How much the encoder looks at: the audio and two seconds of silence, in whole seconds, at most 30.
///
/// The network was trained on windows of 30 s, but a shorter one takes a third of the time. What that costs: on 190
/// words of real English two are wrong instead of one; on 35 words of synthetic German three more are wrong; real
/// speech in other languages has not been measured.
fn window_frames(samples: usize) -> usize {
    const SILENCE_FRAMES: usize = 2 * FRAMES_PER_SECOND;
    let frames = samples_to_frames(samples) + SILENCE_FRAMES;
    frames.next_multiple_of(FRAMES_PER_SECOND).min(MAX_FRAMES)
}

fn max_tokens(audio: Duration) -> usize {
    let by_length = (audio.as_secs_f64() * MAX_TOKENS_PER_SECOND).ceil() as usize + SPARE_TOKENS;
    by_length.min(MAX_TOKENS)
}

fn read(path: &Path) -> Result<Vec<u8>, EngineError> {
    fs::read(path).map_err(|_| EngineError::ModelMissing { path: path.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_follows_the_audio_up_to_30_seconds() {
        assert_eq!(window_frames(0), 200);
        assert_eq!(window_frames(16_000 * 5), 700);
        assert_eq!(window_frames(16_000 * 5 + 1), 800);
        assert_eq!(window_frames(16_000 * 100), 3000);
    }

    #[test]
    fn the_number_of_tokens_is_bounded_by_length_and_by_the_decoder() {
        assert_eq!(max_tokens(Duration::from_secs(2)), 40);
        assert_eq!(max_tokens(Duration::from_secs(30)), MAX_TOKENS);
    }
}
