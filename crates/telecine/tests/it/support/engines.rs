//! Engines for tests of what lies around them: the real one for words, and stand-ins that see by a table, hear nothing
//! and read nothing. They load in no time.

use std::path::PathBuf;
use std::sync::Arc;

use telecine::pipeline::Engines;
use telecine_engines::hear::{Hearer, PcmChunks, Utterance};
use telecine_engines::models::ModelFolder;
use telecine_engines::read::{Reader, TextLine};
use telecine_engines::runtime::Runtime;
use telecine_engines::see::{Seer, TextTokens};
use telecine_engines::words::Words;
use telecine_engines::{EngineError, Image};

/// What the stand-in sees where there is a car; anything else is at a right angle to it.
pub(crate) const CAR: [f32; 2] = [1.0, 0.0];
pub(crate) const NO_CAR: [f32; 2] = [0.0, 1.0];

/// The engines.
pub(crate) fn quick_engines() -> Engines {
    let cache = std::env::var_os("TELECINE_CACHE").filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache/telecine")));
    let folder = ModelFolder::new(cache.expect("TELECINE_CACHE or HOME is set").join("models"));
    let runtime = Runtime::load(&folder.onnxruntime()).expect("ONNX Runtime, by scripts/setup.sh");
    let words = Words::open(&runtime, &folder.minilm(), 1).expect("MiniLM, by scripts/setup.sh");
    Engines {
        see: Arc::new(ByTable),
        hear: Arc::new(Deaf),
        read: Arc::new(Blind),
        words: Arc::new(words),
        write: None,
    }
}

struct ByTable;

impl Seer for ByTable {
    fn model_id(&self) -> &str {
        "by-table"
    }

    fn dim(&self) -> usize {
        2
    }

    fn embed_images(&self, images: &[Image<'_>]) -> Result<Vec<Vec<f32>>, EngineError> {
        Ok(images.iter().map(|_| NO_CAR.to_vec()).collect())
    }

    fn text_tokens(&self, text: &str) -> Result<TextTokens, EngineError> {
        let start = |word: &str| word.as_ptr() as usize - text.as_ptr() as usize;
        let spans = text.split_whitespace().map(|word| start(word)..start(word) + word.len());
        Ok(TextTokens { spans: spans.collect(), added: 2 })
    }

    fn embed_text(&self, text: &str) -> Result<Vec<f32>, EngineError> {
        Ok(if text.contains("car") { CAR } else { NO_CAR }.to_vec())
    }
}

struct Deaf;

impl Hearer for Deaf {
    fn model_id(&self) -> &str {
        "deaf"
    }

    fn languages(&self) -> Vec<String> {
        vec!["en".to_owned(), "de".to_owned()]
    }

    fn hear(
        &self,
        _: &mut PcmChunks<'_>,
        _: &str,
        _: &dyn Fn() -> bool,
    ) -> Result<Vec<Utterance>, EngineError> {
        Ok(Vec::new())
    }
}

struct Blind;

impl Reader for Blind {
    fn model_id(&self) -> &str {
        "blind"
    }

    fn read(&self, _: Image<'_>) -> Result<Vec<TextLine>, EngineError> {
        Ok(Vec::new())
    }

    fn has_text(&self, _: Image<'_>) -> Result<bool, EngineError> {
        Ok(false)
    }
}
