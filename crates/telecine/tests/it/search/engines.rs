//! Engines that see and understand words, and nothing else: search never hears or reads.

use std::sync::Arc;

use telecine::pipeline::Engines;
use telecine_engines::hear::{Hearer, PcmChunks, Utterance};
use telecine_engines::models::ModelFolder;
use telecine_engines::read::{Reader, TextLine};
use telecine_engines::runtime::Runtime;
use telecine_engines::see::Concept;
use telecine_engines::words::Words;
use telecine_engines::{EngineError, Image};

use super::library::cache;

pub(crate) fn engines() -> Engines {
    let models = ModelFolder::new(cache().join("models"));
    let fetched = "the models are there (scripts/setup.sh fetches them)";
    let runtime = Runtime::load(&models.onnxruntime()).expect(fetched);
    let words = Arc::new(Words::open(&runtime, &models.minilm(), 2).expect(fetched));
    let see = Concept::open(&runtime, &models.concept(), Arc::clone(&words), 2).expect(fetched);
    Engines { see: Arc::new(see), hear: Arc::new(NotAsked), read: Arc::new(NotAsked), words, write: None }
}

struct NotAsked;

impl Hearer for NotAsked {
    fn model_id(&self) -> &str {
        "not-asked"
    }

    fn languages(&self) -> Vec<String> {
        Vec::new()
    }

    fn hear(
        &self,
        _: &mut PcmChunks<'_>,
        _: &str,
        _: &dyn Fn() -> bool,
    ) -> Result<Vec<Utterance>, EngineError> {
        panic!("search does not hear")
    }
}

impl Reader for NotAsked {
    fn model_id(&self) -> &str {
        "not-asked"
    }

    fn read(&self, _: Image<'_>) -> Result<Vec<TextLine>, EngineError> {
        panic!("search does not read")
    }

    fn has_text(&self, _: Image<'_>) -> Result<bool, EngineError> {
        panic!("search does not read")
    }
}
