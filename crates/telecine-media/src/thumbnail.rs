//! Small JPEG pictures of frames.

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

use crate::{Frame, pixels};

/// The largest side that JPEG can tell, which is also what larger wishes are cut to.
const MAX_SIDE: u32 = u16::MAX as u32;

/// The frame as a JPEG whose longest side is at most `max_side` pixels; `quality` from 1 to 100.
///
/// # Panics
/// When the frame's `rgb` is not `width * height * 3` bytes long. Decoded frames always are.
pub fn jpeg(frame: &Frame, max_side: u32, quality: u8) -> Vec<u8> {
    let (width, height) = pixels::fit(frame.width, frame.height, max_side.clamp(1, MAX_SIDE));
    let small = pixels::downscale(frame, width, height);
    let mut jpeg = Vec::new();
    let mut encoder = Encoder::new(&mut jpeg, quality.clamp(1, 100));
    encoder.set_sampling_factor(SamplingFactor::R_4_2_0);
    encoder
        .encode(&small.rgb, small.width as u16, small.height as u16, ColorType::Rgb)
        .expect("the size fits JPEG, the buffer fits the size, and memory takes all that is written");
    jpeg
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MediaTime;

    #[test]
    fn a_thumbnail_is_a_jpeg_of_the_fitted_size() {
        let frame = Frame { pts: MediaTime::ZERO, width: 64, height: 32, rgb: vec![200; 64 * 32 * 3] };
        let jpeg = jpeg(&frame, 16, 80);
        assert!(jpeg.starts_with(&[0xff, 0xd8]) && jpeg.ends_with(&[0xff, 0xd9]));
        let header = jpeg.windows(2).position(|marker| marker == [0xff, 0xc0]).unwrap();
        assert_eq!(jpeg[header + 5..header + 9], [0, 8, 0, 16], "height and width in the frame header");
    }
}
