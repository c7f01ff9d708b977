//! The engines of a server, loaded once at start: which model stands behind which setting. Runs nothing itself.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use telecine_engines::EngineError;
use telecine_engines::hear::{Hearer, Moonshine, Recognizer, SegmentRules, SpeechHearer, Vad, Whisper};
use telecine_engines::models::{ModelFolder, OcrSize};
use telecine_engines::read::{PpOcr, ReadRules, Reader};
use telecine_engines::runtime::Runtime;
use telecine_engines::see::{Clip, Concept, Seer};
use telecine_engines::words::Words;
use telecine_engines::write::Writer;

use crate::config::{EnginesConfig, OcrModel, SeeAdapter};
use crate::index::{IndexModels, ModelRef};

/// What sees, hears, reads and understands words. Cheap to clone.
#[derive(Clone)]
pub struct Engines {
    /// Sees.
    pub see: Arc<dyn Seer>,
    /// Hears.
    pub hear: Arc<dyn Hearer>,
    /// Reads.
    pub read: Arc<dyn Reader>,
    /// Understands words.
    pub words: Arc<Words>,
    /// Writes text about videos, where there is something to do it.
    pub write: Option<Arc<dyn Writer>>,
}

/// Why the engines cannot be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// A model is missing or unusable; the text names the file and the command that fetches it.
    #[error("{0}")]
    Engine(#[from] EngineError),
    /// `see = "clip"` without a model to go with it.
    #[error("engines.see is `clip`, but engines.clip_dir is not set; set it to the folder with `clip.json`")]
    ClipFolderNotSet,
    /// No setting and no home folder.
    #[error("no model folder: set engines.models_dir, or HOME")]
    NoModelFolder,
    /// The writer's endpoint needs it.
    #[error("the setting {0} is missing, and writer.kind is `openai`")]
    WriterSettingMissing(&'static str),
    /// The key of the writer's endpoint cannot be read.
    #[error("the key of the writer's endpoint cannot be read from {from}: {source}")]
    WriterKey {
        /// File or variable.
        from: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The writer cannot be made.
    #[error("{0}")]
    Writer(String),
}

impl Engines {
    /// Opens the models that the settings ask for, but for the writer ([`super::open_writer`]). Takes a second or so of CPU: not for an async thread.
    ///
    /// # Errors
    /// A model that is missing is named with its file and the command that fetches it.
    pub fn load(config: &EnginesConfig) -> Result<Self, LoadError> {
        let folder = config.models_dir.clone().or_else(default_models_dir);
        let folder = ModelFolder::new(folder.ok_or(LoadError::NoModelFolder)?);
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let sessions = config.sessions.unwrap_or(cores).max(1);
        let runtime = Runtime::load(&folder.onnxruntime())?;
        let words = Arc::new(Words::open(&runtime, &folder.minilm(), sessions)?);
        Ok(Self {
            see: open_seer(config, &runtime, &folder, &words, sessions)?,
            hear: open_hearer(config, &runtime, &folder, sessions)?,
            read: open_reader(config, &runtime, &folder, sessions)?,
            words,
            write: None,
        })
    }

    /// What an index that is made now gets.
    pub fn models(&self) -> IndexModels {
        let text_only = |id: &str| ModelRef { id: id.to_owned(), dim: 0 };
        IndexModels {
            see: ModelRef { id: self.see.model_id().to_owned(), dim: self.see.dim() },
            hear: text_only(self.hear.model_id()),
            read: text_only(self.read.model_id()),
            words: ModelRef { id: self.words.model_id().to_owned(), dim: self.words.dim() },
        }
    }
}

impl fmt::Debug for Engines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Engines").field(&self.models()).finish()
    }
}

fn open_seer(
    config: &EnginesConfig,
    runtime: &Runtime,
    folder: &ModelFolder,
    words: &Arc<Words>,
    sessions: usize,
) -> Result<Arc<dyn Seer>, LoadError> {
    Ok(match config.see {
        SeeAdapter::Concept => {
            Arc::new(Concept::open(runtime, &folder.concept(), Arc::clone(words), sessions)?)
        }
        SeeAdapter::Clip => {
            let folder = config.clip_dir.as_deref().ok_or(LoadError::ClipFolderNotSet)?;
            Arc::new(Clip::open(runtime, folder, sessions)?)
        }
    })
}

/// Moonshine for English; Whisper for the rest, if it is asked for, or not asked about and there.
fn open_hearer(
    config: &EnginesConfig,
    runtime: &Runtime,
    folder: &ModelFolder,
    sessions: usize,
) -> Result<Arc<dyn Hearer>, LoadError> {
    let vad = Vad::open(runtime, &folder.silero_vad(), sessions)?;
    let mut model_id = String::from("silero-vad-v6+moonshine-tiny-en");
    let mut recognizers: Vec<Box<dyn Recognizer>> =
        vec![Box::new(Moonshine::open(runtime, &folder.moonshine_tiny_en(), sessions)?)];
    let whisper = folder.whisper_base();
    if config.whisper.unwrap_or_else(|| is_whisper_there(&whisper)) {
        recognizers.push(Box::new(Whisper::open(runtime, &whisper, sessions)?));
        model_id.push_str("+whisper-base");
    }
    Ok(Arc::new(SpeechHearer::new(model_id, vad, SegmentRules::default(), recognizers)))
}

fn is_whisper_there(folder: &Path) -> bool {
    ["encoder.onnx", "decoder.onnx", "config.json"].iter().all(|name| folder.join(name).is_file())
}

fn open_reader(
    config: &EnginesConfig,
    runtime: &Runtime,
    folder: &ModelFolder,
    sessions: usize,
) -> Result<Arc<dyn Reader>, LoadError> {
    let (model_id, size) = match config.ocr {
        OcrModel::Small => ("pp-ocrv6-small", OcrSize::Small),
        OcrModel::Tiny => ("pp-ocrv6-tiny", OcrSize::Tiny),
    };
    let (detection, recognition) = folder.pp_ocrv6(size);
    let rules = ReadRules::default();
    Ok(Arc::new(PpOcr::open(runtime, model_id, &detection, &recognition, sessions, &rules)?))
}

/// Where `telecine models fetch` puts models unless it is told otherwise; loaded settings always say it.
pub(crate) fn default_models_dir() -> Option<PathBuf> {
    let given = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = given("TELECINE_CACHE").or_else(|| Some(given("HOME")?.join(".cache/telecine")))?;
    Some(cache.join("models"))
}
