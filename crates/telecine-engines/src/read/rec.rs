//! Reads the characters of text lines that were found: PP-OCRv6 recognition, lines of similar width in one batch.

use ort::value::TensorRef;

use super::{
    ctc::{Alphabet, decode},
    pixels::crop_to_planes,
    quad::TurnedRect,
};
use crate::{EngineError, Image, runtime::SessionPool};

/// Height of a line for the network, in pixels.
const LINE_HEIGHT: usize = 48;
/// Lines are filled up to a multiple of this, so that similar ones share a batch and shapes repeat.
const WIDTH_STEP: usize = 64;
/// The network was trained on lines at least this wide; narrower ones are filled up.
const MIN_WIDTH: usize = 320;
/// Longer lines are squeezed: about 100 characters of ordinary text.
const MAX_WIDTH: usize = 1600;
/// Bounds a batch's memory: lines × width in pixels.
const MAX_BATCH_WIDTH: usize = 3200;

/// What one line says.
#[derive(Debug, Clone, Default)]
pub(crate) struct Recognised {
    pub(crate) text: String,
    pub(crate) score: f32,
}

/// Text lines to characters; one network, any number of threads.
#[derive(Debug)]
pub(crate) struct Recognizer {
    sessions: SessionPool,
    alphabet: Alphabet,
}

impl Recognizer {
    /// The characters are in the model file itself, under the metadata key `character`.
    pub(crate) fn new(sessions: SessionPool) -> Result<Self, EngineError> {
        let lines = sessions.lease()?.metadata()?.custom("character");
        let lines =
            lines.ok_or_else(|| EngineError::bad_model("text recognition", "has no metadata `character`"))?;
        Ok(Self { sessions, alphabet: Alphabet::from_metadata(&lines) })
    }

    /// What each line says, in the order of `lines`.
    pub(crate) fn read(
        &self,
        image: Image<'_>,
        lines: &[TurnedRect],
    ) -> Result<Vec<Recognised>, EngineError> {
        let lines: Vec<TurnedRect> = lines.iter().copied().map(laid_flat).collect();
        let mut read = vec![Recognised::default(); lines.len()];
        for batch in batches(&lines) {
            let texts = self.read_batch(image, &lines, &batch)?;
            for (&line, text) in batch.lines.iter().zip(texts) {
                read[line] = text;
            }
        }
        Ok(read)
    }

    fn read_batch(
        &self,
        image: Image<'_>,
        lines: &[TurnedRect],
        batch: &Batch,
    ) -> Result<Vec<Recognised>, EngineError> {
        let line_len = 3 * LINE_HEIGHT * batch.width;
        let mut planes = vec![0.0; batch.lines.len() * line_len];
        for (&line, planes) in batch.lines.iter().zip(planes.chunks_exact_mut(line_len)) {
            let size = (line_width(&lines[line]).min(batch.width), LINE_HEIGHT);
            crop_to_planes(image, &lines[line], size, batch.width, planes);
        }
        let shape = [batch.lines.len(), 3, LINE_HEIGHT, batch.width];
        let input = TensorRef::from_array_view((shape, planes.as_slice()))?;
        let mut session = self.sessions.lease()?;
        let outputs = session.run(ort::inputs![input])?;
        let (shape, values) = outputs[0].try_extract_tensor::<f32>()?;
        let classes = shape.last().copied().unwrap_or(0) as usize;
        if classes != self.alphabet.len() {
            return Err(EngineError::unexpected_output("text recognition", classes, self.alphabet.len()));
        }
        let per_line = values.len() / batch.lines.len();
        let decoded = values.chunks_exact(per_line.max(1)).map(|steps| {
            let (text, score) = decode(steps, &self.alphabet);
            Recognised { text: text.trim().to_owned(), score }
        });
        Ok(decoded.collect())
    }
}

/// Lines (by index) that go through the network together, all filled up to `width`.
#[derive(Debug, PartialEq)]
struct Batch {
    width: usize,
    lines: Vec<usize>,
}

fn batches(lines: &[TurnedRect]) -> Vec<Batch> {
    let canvas_width = |line: usize| line_width(&lines[line]).max(MIN_WIDTH).next_multiple_of(WIDTH_STEP);
    let mut order: Vec<usize> = (0..lines.len()).collect();
    order.sort_by_key(|&line| canvas_width(line));
    let mut batches: Vec<Batch> = Vec::new();
    for line in order {
        let width = canvas_width(line);
        match batches.last_mut() {
            Some(batch) if batch.width == width && (batch.lines.len() + 1) * width <= MAX_BATCH_WIDTH => {
                batch.lines.push(line);
            }
            _ => batches.push(Batch { width, lines: vec![line] }),
        }
    }
    batches
}

/// The line's width at the network's height.
fn line_width(line: &TurnedRect) -> usize {
    let ratio = line.width / line.height.max(1.0);
    ((LINE_HEIGHT as f32 * ratio).ceil() as usize).clamp(1, MAX_WIDTH)
}

/// A column of text is read lying on its side (a quarter turn to the left), as RapidOCR does from a ratio of 1.5.
fn laid_flat(line: TurnedRect) -> TurnedRect {
    if line.height < 1.5 * line.width {
        return line;
    }
    let [ax, ay] = line.along;
    TurnedRect { along: [-ay, ax], width: line.height, height: line.width, ..line }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line(width: f32, height: f32) -> TurnedRect {
        TurnedRect { center: [0.0; 2], along: [1.0, 0.0], width, height }
    }

    #[test]
    fn lines_of_similar_width_share_a_batch() {
        let lines = [line(100.0, 48.0), line(500.0, 48.0), line(90.0, 48.0)];
        let expected = [Batch { width: 320, lines: vec![0, 2] }, Batch { width: 512, lines: vec![1] }];
        assert_eq!(batches(&lines), expected);
    }

    #[test]
    fn a_column_is_laid_flat() {
        let flat = laid_flat(line(10.0, 100.0));
        assert_eq!((flat.width, flat.height), (100.0, 10.0));
        assert_eq!(laid_flat(line(100.0, 10.0)), line(100.0, 10.0));
    }

    proptest! {
        #[test]
        fn every_line_is_in_exactly_one_bounded_batch(
            sizes in prop::collection::vec((0.0f32..5000.0, 0.0f32..500.0), 0..60),
        ) {
            let lines: Vec<TurnedRect> = sizes.iter().map(|&(w, h)| line(w, h)).collect();
            let mut seen: Vec<usize> = Vec::new();
            for batch in batches(&lines) {
                prop_assert!(batch.width <= MAX_WIDTH && batch.lines.len() * batch.width <= MAX_BATCH_WIDTH);
                prop_assert!(batch.lines.iter().all(|&i| line_width(&lines[i]) <= batch.width));
                seen.extend(batch.lines);
            }
            seen.sort_unstable();
            prop_assert_eq!(seen, (0..lines.len()).collect::<Vec<_>>());
        }
    }
}
