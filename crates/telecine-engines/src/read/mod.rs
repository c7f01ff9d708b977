//! Reads text in images: the `Reader` seam and the PP-OCRv6 reader behind it. Images in, lines of text out; which
//! frames are worth reading, and when two frames say the same, is for the caller to decide.

mod ctc;
mod det;
mod pixels;
mod quad;
mod rec;
mod regions;

use std::path::Path;

pub use self::quad::Point;

use self::{det::Detector, quad::TurnedRect, rec::Recognizer};
use crate::{EngineError, Image, runtime::Runtime};

/// Reads text in images. Implementations may be called from many threads.
pub trait Reader: Send + Sync {
    /// Names the model; stored with what it read.
    fn model_id(&self) -> &str;

    /// All lines of text in reading order: rows from top to bottom, within a row from left to right.
    fn read(&self, image: Image<'_>) -> Result<Vec<TextLine>, EngineError>;

    /// Whether there is text at all: finding is cheaper than reading.
    fn has_text(&self, image: Image<'_>) -> Result<bool, EngineError>;
}

/// One line of text in an image.
#[derive(Debug, Clone, PartialEq)]
pub struct TextLine {
    /// What it says; never empty.
    pub text: String,
    /// Mean probability of its characters, 0–1.
    pub score: f32,
    /// Corners in the image's pixels: top left, top right, bottom right, bottom left of the text as it is read.
    pub quad: [Point; 4],
}

/// What the reader keeps and how large it looks.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadRules {
    /// Text is looked for with the longer side of the image shrunk to this; reading uses all pixels.
    pub longest_side_px: u32,
    /// Lines with a lower score are dropped: below one half most are texture taken for letters.
    pub min_score: f32,
}

impl Default for ReadRules {
    fn default() -> Self {
        Self { longest_side_px: 736, min_score: 0.5 }
    }
}

/// PP-OCRv6 (any size of it): detection, then recognition of what was found.
#[derive(Debug)]
pub struct PpOcr {
    model_id: String,
    min_score: f32,
    detector: Detector,
    recognizer: Recognizer,
}

impl PpOcr {
    /// From the files of the detection and the recognition model.
    pub fn open(
        runtime: &Runtime,
        model_id: impl Into<String>,
        detection: &Path,
        recognition: &Path,
        max_sessions: usize,
        rules: &ReadRules,
    ) -> Result<Self, EngineError> {
        let detection = runtime.pool(detection, max_sessions)?;
        let recognition = runtime.pool(recognition, max_sessions)?;
        Ok(Self {
            model_id: model_id.into(),
            min_score: rules.min_score,
            detector: Detector::new(detection, rules.longest_side_px),
            recognizer: Recognizer::new(recognition)?,
        })
    }
}

impl Reader for PpOcr {
    fn model_id(&self) -> &str {
        &self.model_id
    }

    fn read(&self, image: Image<'_>) -> Result<Vec<TextLine>, EngineError> {
        let found = in_reading_order(self.detector.find(image)?);
        let read = self.recognizer.read(image, &found)?;
        let lines = found.iter().zip(read).map(|(rect, recognised)| TextLine {
            text: recognised.text,
            score: recognised.score,
            quad: clipped(rect.corners(), image),
        });
        Ok(lines.filter(|line| !line.text.is_empty() && line.score >= self.min_score).collect())
    }

    fn has_text(&self, image: Image<'_>) -> Result<bool, EngineError> {
        Ok(!self.detector.find(image)?.is_empty())
    }
}

/// Rows by the middle of their first (topmost) rectangle: what starts within half its height belongs to the row.
fn in_reading_order(mut rects: Vec<TurnedRect>) -> Vec<TurnedRect> {
    rects.sort_by(|a, b| a.center[1].total_cmp(&b.center[1]));
    let mut ordered: Vec<TurnedRect> = Vec::with_capacity(rects.len());
    while let Some(first) = rects.first() {
        let limit = first.center[1] + first.short_side() / 2.0;
        let row_len = rects.iter().take_while(|rect| rect.center[1] <= limit).count().max(1);
        let mut row: Vec<TurnedRect> = rects.drain(..row_len).collect();
        row.sort_by(|a, b| a.center[0].total_cmp(&b.center[0]));
        ordered.append(&mut row);
    }
    ordered
}

fn clipped(quad: [Point; 4], image: Image<'_>) -> [Point; 4] {
    let (right, bottom) = (image.width() as f32, image.height() as f32);
    quad.map(|[x, y]| [x.clamp(0.0, right), y.clamp(0.0, bottom)])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rect(x: f32, y: f32) -> TurnedRect {
        TurnedRect { center: [x, y], along: [1.0, 0.0], width: 50.0, height: 20.0 }
    }

    #[test]
    fn rows_go_from_top_to_bottom_and_words_from_left_to_right() {
        let mixed = vec![rect(200.0, 104.0), rect(50.0, 50.0), rect(60.0, 100.0), rect(10.0, 150.0)];
        let order: Vec<f32> = in_reading_order(mixed).iter().map(|r| r.center[0]).collect();
        assert_eq!(order, [50.0, 60.0, 200.0, 10.0]);
    }

    proptest! {
        #[test]
        fn ordering_loses_nothing(places in prop::collection::vec((0f32..1000.0, 0f32..1000.0), 0..50)) {
            let rects: Vec<TurnedRect> = places.iter().map(|&(x, y)| rect(x, y)).collect();
            let mut ordered = in_reading_order(rects.clone());
            let mut expected = rects;
            for list in [&mut ordered, &mut expected] {
                list.sort_by(|a, b| a.center.partial_cmp(&b.center).unwrap());
            }
            prop_assert_eq!(ordered, expected);
        }
    }
}
