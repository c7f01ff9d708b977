//! How probable speech is, 32 ms by 32 ms: Silero VAD v6. Decides nothing; `segment` does.

use std::path::Path;

use ort::value::TensorRef;

use super::segment::{SAMPLE_RATE, WINDOW_SAMPLES};
use crate::{
    EngineError,
    runtime::{Runtime, SessionPool},
};

/// Samples of the previous window that the network sees again before the new ones.
const CONTEXT_SAMPLES: usize = 64;
/// The network's memory: 2 × 1 × 128 values.
const STATE_LEN: usize = 2 * 128;

/// The network; any number of audio streams can be heard by it, each with its own [`VadStream`].
#[derive(Debug)]
pub struct Vad {
    sessions: SessionPool,
}

/// What the network remembers of one audio stream.
#[derive(Debug, Clone)]
pub struct VadStream {
    state: [f32; STATE_LEN],
    /// The context of the next window, followed by room for it.
    input: [f32; CONTEXT_SAMPLES + WINDOW_SAMPLES],
}

impl Default for VadStream {
    fn default() -> Self {
        Self { state: [0.0; STATE_LEN], input: [0.0; CONTEXT_SAMPLES + WINDOW_SAMPLES] }
    }
}

impl Vad {
    /// From the file `silero_vad.onnx`.
    pub fn open(runtime: &Runtime, model: &Path, max_sessions: usize) -> Result<Self, EngineError> {
        Ok(Self { sessions: runtime.pool(model, max_sessions)? })
    }

    /// Probability (0–1) that the stream's next window holds speech.
    pub fn probability(
        &self,
        stream: &mut VadStream,
        window: &[f32; WINDOW_SAMPLES],
    ) -> Result<f32, EngineError> {
        stream.input[CONTEXT_SAMPLES..].copy_from_slice(window);
        let rate = [i64::from(SAMPLE_RATE)];
        let inputs = ort::inputs![
            "input" => TensorRef::from_array_view(([1, stream.input.len()], stream.input.as_slice()))?,
            "state" => TensorRef::from_array_view(([2, 1, STATE_LEN / 2], stream.state.as_slice()))?,
            "sr" => TensorRef::from_array_view(([0usize; 0], rate.as_slice()))?,
        ];
        let mut session = self.sessions.lease()?;
        let outputs = session.run(inputs)?;
        let probability = outputs["output"].try_extract_tensor::<f32>()?.1.first().copied();
        let (_, state) = outputs["stateN"].try_extract_tensor::<f32>()?;
        if state.len() != STATE_LEN {
            return Err(EngineError::unexpected_output("voice activity", state.len(), STATE_LEN));
        }
        let probability =
            probability.ok_or_else(|| EngineError::unexpected_output("voice activity", 0, 1))?;
        stream.state.copy_from_slice(state);
        stream.input.copy_within(WINDOW_SAMPLES.., 0);
        Ok(probability)
    }
}
