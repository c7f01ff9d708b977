//! Whether text in a frame may have come or gone, so that it is worth reading. It compares small blocks, not whole pictures, so that one line of
//! captions on a still background counts; it does not read.

use crate::{Frame, pixels};

/// How much must change before a frame is read again.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChangeConfig {
    /// Blocks along the longest side (default 92: blocks of 8 pixels in a frame of 736).
    pub blocks: u32,
    /// Change of a block's mean brightness, or of its contrast, that counts (0 to 255, default 12).
    pub block_difference: u8,
    /// Contrast that a block must have, or have had, to be suspected of text (0 to 255, default 10).
    pub text_contrast: u8,
    /// Blocks that must have changed (default 4: a word or two).
    pub min_blocks: usize,
}

impl Default for ChangeConfig {
    fn default() -> Self {
        Self { blocks: 92, block_difference: 12, text_contrast: 10, min_blocks: 4 }
    }
}

/// Remembers the last frame that was worth reading and compares new ones with it.
#[derive(Debug, Clone, Default)]
pub struct ChangeDetector {
    config: ChangeConfig,
    last: Option<Blocks>,
}

/// Brightness and contrast of each block.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Blocks {
    columns: u32,
    mean: Vec<u8>,
    contrast: Vec<u8>,
}

impl ChangeDetector {
    /// A detector that has seen nothing yet.
    pub fn new(config: ChangeConfig) -> Self {
        Self { config, last: None }
    }

    /// Whether the frame should be read. The first always should; so should one of another size. When the answer
    /// is yes, later frames are compared with this one. Slow changes add up, for frames that are not read are
    /// forgotten.
    pub fn changed(&mut self, frame: &Frame) -> bool {
        let now = Blocks::of(frame, self.config.blocks);
        let changed = self.last.as_ref().is_none_or(|last| self.differ(last, &now));
        if changed {
            self.last = Some(now);
        }
        changed
    }

    fn differ(&self, last: &Blocks, now: &Blocks) -> bool {
        let ChangeConfig { block_difference, text_contrast, min_blocks, .. } = self.config;
        if (last.columns, last.mean.len()) != (now.columns, now.mean.len()) {
            return true;
        }
        let is_new_text = |&n: &usize| {
            let moved = now.mean[n].abs_diff(last.mean[n]).max(now.contrast[n].abs_diff(last.contrast[n]));
            // Text that goes counts like text that comes: what was read is no longer there.
            moved >= block_difference && now.contrast[n].max(last.contrast[n]) >= text_contrast
        };
        (0..now.mean.len()).filter(is_new_text).take(min_blocks).count() >= min_blocks
    }
}

impl Blocks {
    /// Each block is looked at through a grid of 4 × 4 cells: letters are finer than blocks.
    fn of(frame: &Frame, blocks: u32) -> Self {
        const CELLS: u32 = 4;
        let (columns, rows) = pixels::fit(frame.width, frame.height, blocks.max(1));
        let (wide, high) = ((columns * CELLS).min(frame.width), (rows * CELLS).min(frame.height));
        let cells = pixels::luma_grid(frame, wide, high);
        let (columns, rows) = (columns.min(wide), rows.min(high));
        let mut found = Self { columns, mean: Vec::new(), contrast: Vec::new() };
        for row in 0..rows {
            for column in 0..columns {
                let (mean, contrast) = block(
                    &cells,
                    wide,
                    column * wide / columns..(column + 1) * wide / columns,
                    row * high / rows..(row + 1) * high / rows,
                );
                found.mean.push(mean);
                found.contrast.push(contrast);
            }
        }
        found
    }
}

/// Mean of the block's cells and their mean distance from it.
fn block(cells: &[u8], wide: u32, columns: std::ops::Range<u32>, rows: std::ops::Range<u32>) -> (u8, u8) {
    let values = || {
        rows.clone().flat_map(|y| {
            cells[(y * wide + columns.start) as usize..(y * wide + columns.end) as usize].iter()
        })
    };
    let count = values().count().max(1) as u32;
    let mean = values().map(|&v| u32::from(v)).sum::<u32>() / count;
    let spread = values().map(|&v| u32::from(v).abs_diff(mean)).sum::<u32>() / count;
    (mean as u8, spread as u8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MediaTime;

    fn picture(paint: impl Fn(u32, u32) -> u8) -> Frame {
        let (width, height) = (736, 414);
        let rgb = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        let rgb = rgb.flat_map(|(x, y)| [paint(x, y); 3]).collect();
        Frame { pts: MediaTime::ZERO, width, height, rgb }
    }

    /// Strokes of two pixels, as a line of small letters makes, 100 × 14 pixels at the bottom.
    fn caption(x: u32, y: u32) -> bool {
        (300..400).contains(&x) && (380..394).contains(&y) && x % 5 < 2
    }

    fn background(x: u32, y: u32) -> u8 {
        (x / 5 + y / 8) as u8
    }

    #[test]
    fn one_small_caption_line_on_a_still_picture_is_noticed() {
        let mut detector = ChangeDetector::default();
        assert!(detector.changed(&picture(background)), "the first frame");
        assert!(!detector.changed(&picture(background)), "the same again");
        let with_text = picture(|x, y| if caption(x, y) { 255 } else { background(x, y) });
        assert!(detector.changed(&with_text), "a caption appeared");
        assert!(!detector.changed(&with_text), "the caption stays");
        assert!(detector.changed(&picture(background)), "the caption goes");
    }

    #[test]
    fn a_global_fade_of_a_smooth_picture_and_noise_are_not_text() {
        let mut detector = ChangeDetector::default();
        detector.changed(&picture(background));
        assert!(!detector.changed(&picture(|x, y| background(x, y).saturating_add(40))), "a fade");
        let noise = |x: u32, y: u32| background(x, y).wrapping_add((x * 7 + y * 13) as u8 % 5);
        assert!(!detector.changed(&picture(noise)), "noise");
    }

    #[test]
    fn another_size_is_always_read() {
        let mut detector = ChangeDetector::default();
        detector.changed(&picture(background));
        let tiny = Frame { pts: MediaTime::ZERO, width: 3, height: 1, rgb: vec![0; 9] };
        assert!(detector.changed(&tiny));
    }
}
