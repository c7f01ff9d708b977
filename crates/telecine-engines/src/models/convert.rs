//! Runs the converters on a model folder. Knows which files each one reads and writes, not what is in them.

use super::{folder::ModelFolder, manifest::Conversion};
use crate::{
    EngineError,
    hear::convert_whisper,
    runtime::Runtime,
    see::{convert_efficientnet_lite2, convert_labels},
    words::{Words, convert_minilm},
};

/// Makes the files of one conversion; each is written aside and renamed.
pub(super) fn run(folder: &ModelFolder, conversion: Conversion) -> Result<(), EngineError> {
    let failed = |model| move |error: std::io::Error| EngineError::bad_model(model, error.to_string());
    let (minilm, concept, whisper) = (folder.minilm(), folder.concept(), folder.whisper_base());
    match conversion {
        Conversion::Minilm => convert_minilm(&minilm.join("model.safetensors"), &minilm.join("minilm.onnx"))
            .map_err(failed("MiniLM")),
        Conversion::EfficientNetLite2 => convert_efficientnet_lite2(
            &concept.join("efficientnet-lite2.pth"),
            &concept.join("efficientnet-lite2.onnx"),
        )
        .map_err(failed("EfficientNet-Lite2")),
        Conversion::ConceptLabels => {
            let runtime = Runtime::load(&folder.onnxruntime())?;
            let words = Words::open(&runtime, &minilm, 1)?;
            convert_labels(&concept.join("labels.json"), &words, &concept.join("labels.f32"))
        }
        Conversion::WhisperBase => {
            convert_whisper(&whisper.join("model.bin"), &whisper).map_err(failed("Whisper base"))
        }
    }
}
