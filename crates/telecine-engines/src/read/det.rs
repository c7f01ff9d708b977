//! Finds where text is in an image: PP-OCRv6 detection. Knows nothing of characters.

use ort::value::TensorRef;

use super::{
    pixels::resize_to_planes,
    quad::TurnedRect,
    regions::{ProbabilityMap, RegionRules, find_regions},
};
use crate::{EngineError, Image, runtime::SessionPool};

/// The network halves its input five times.
const SIDE_MULTIPLE: u32 = 32;

/// Where text is; one network, any number of threads.
#[derive(Debug)]
pub(crate) struct Detector {
    sessions: SessionPool,
    longest_side_px: u32,
    rules: RegionRules,
}

impl Detector {
    pub(crate) fn new(sessions: SessionPool, longest_side_px: u32) -> Self {
        Self { sessions, longest_side_px, rules: RegionRules::default() }
    }

    /// Rectangles around text in the image's own pixels, top to bottom.
    pub(crate) fn find(&self, image: Image<'_>) -> Result<Vec<TurnedRect>, EngineError> {
        let (width, height) = network_size(image.width(), image.height(), self.longest_side_px);
        let planes = resize_to_planes(image, width, height);
        let shape = [1, 3, height as usize, width as usize];
        let input = TensorRef::from_array_view((shape, planes.as_slice()))?;
        let mut session = self.sessions.lease()?;
        let outputs = session.run(ort::inputs![input])?;
        let (_, values) = outputs[0].try_extract_tensor::<f32>()?;
        let map = ProbabilityMap { width: width as usize, height: height as usize, values };
        if values.len() != map.width * map.height {
            return Err(EngineError::unexpected_output(
                "text detection",
                values.len(),
                map.width * map.height,
            ));
        }
        let x_scale = image.width() as f32 / width as f32;
        let y_scale = image.height() as f32 / height as f32;
        let regions = find_regions(map, &self.rules);
        Ok(regions.iter().map(|region| region.scaled(x_scale, y_scale)).collect())
    }
}

/// Shrinks so that the longer side fits the limit, then rounds both sides to what the network takes. Never enlarges:
/// text that is too small to read at the source's own size gains nothing.
fn network_size(width: u32, height: u32, longest_side_px: u32) -> (u32, u32) {
    let longest = width.max(height).max(1);
    let ratio = (f64::from(longest_side_px) / f64::from(longest)).min(1.0);
    let side = |px: u32| {
        let multiples = (f64::from(px) * ratio / f64::from(SIDE_MULTIPLE)).round() as u32;
        multiples.max(1) * SIDE_MULTIPLE
    };
    (side(width), side(height))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_720p_frame_is_shrunk_to_736_by_416() {
        assert_eq!(network_size(1280, 720, 736), (736, 416));
        assert_eq!(network_size(720, 1280, 736), (416, 736));
    }

    #[test]
    fn a_small_frame_is_not_enlarged() {
        assert_eq!(network_size(320, 240, 736), (320, 256));
    }

    proptest! {
        #[test]
        fn both_sides_are_multiples_within_the_limit(width in 1u32..8192, height in 1u32..8192) {
            let (w, h) = network_size(width, height, 736);
            prop_assert!(w % 32 == 0 && h % 32 == 0 && w >= 32 && h >= 32);
            prop_assert!(w <= 736 && h <= 736);
        }
    }
}
