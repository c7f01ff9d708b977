//! Bicubic resizing into the planes that image networks take. Antialiased like Pillow's `BICUBIC` (the filter widens
//! with the scale), which the models were measured with. Knows no network.

use std::ops::Range;

use crate::Image;

/// How an image becomes a square.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fit {
    /// All of it, squashed.
    Squash,
    /// The middle, as large as fits.
    CenterCrop,
}

/// How pixel values become what the network takes: (value - mean) × scale for red, green and blue, 0–255.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Normalisation {
    pub(crate) mean: [f32; 3],
    pub(crate) scale: [f32; 3],
}

/// Appends the red, green and blue plane of `side` × `side` values to `planes`.
pub(crate) fn append_planes(
    image: Image<'_>,
    side: usize,
    fit: Fit,
    normalisation: Normalisation,
    planes: &mut Vec<f32>,
) {
    let (columns, rows) = spans(image, fit);
    let (columns, rows) = (taps(columns, side), taps(rows, side));
    let start = planes.len();
    planes.resize(start + 3 * side * side, 0.0);
    let planes = &mut planes[start..];
    let stride = image.width() as usize * 3;
    // Rows first: whole rows add up in straight loops, and far fewer are left for the other direction.
    let mut row = vec![0.0f32; stride];
    for (y, tap) in rows.iter().enumerate() {
        row.fill(0.0);
        for (source, &weight) in image.rgb()[tap.first * stride..].chunks_exact(stride).zip(&tap.weights) {
            row.iter_mut().zip(source).for_each(|(sum, &value)| *sum += f32::from(value) * weight);
        }
        let (pixels, _) = row.as_chunks::<3>();
        for (x, tap) in columns.iter().enumerate() {
            let mut sum = [0.0f32; 3];
            for (pixel, weight) in pixels[tap.first..].iter().zip(&tap.weights) {
                sum = [sum[0] + pixel[0] * weight, sum[1] + pixel[1] * weight, sum[2] + pixel[2] * weight];
            }
            for (channel, value) in sum.into_iter().enumerate() {
                let value = value.round().clamp(0.0, 255.0);
                planes[(channel * side + y) * side + x] =
                    (value - normalisation.mean[channel]) * normalisation.scale[channel];
            }
        }
    }
}

/// The part of each side that is looked at, in pixels.
struct Span {
    start: f64,
    length: f64,
    /// Pixels that there are.
    pixels: usize,
}

fn spans(image: Image<'_>, fit: Fit) -> (Span, Span) {
    let (width, height) = (image.width() as usize, image.height() as usize);
    let span = |pixels: usize| {
        let length = match fit {
            Fit::Squash => pixels,
            Fit::CenterCrop => width.min(height),
        };
        Span { start: (pixels - length) as f64 / 2.0, length: length as f64, pixels }
    };
    (span(width), span(height))
}

/// Neighbouring source pixels and how much each counts; the weights' sum is 1.
struct Tap {
    first: usize,
    weights: Vec<f32>,
}

fn taps(from: Span, to: usize) -> Vec<Tap> {
    let scale = from.length / to as f64;
    let widening = scale.max(1.0);
    let reach = 2.0 * widening;
    let tap = |i: usize| {
        let center = from.start + (i as f64 + 0.5) * scale;
        let first = (center - reach + 0.5).max(0.0) as usize;
        let end = ((center + reach + 0.5) as usize).min(from.pixels);
        let pixels: Range<usize> = first..end;
        let weights: Vec<f64> = pixels.map(|pixel| cubic((pixel as f64 + 0.5 - center) / widening)).collect();
        let sum: f64 = weights.iter().sum();
        Tap { first, weights: weights.iter().map(|weight| (weight / sum) as f32).collect() }
    };
    (0..to).map(tap).collect()
}

/// Keys' cubic with a = -0.5.
fn cubic(x: f64) -> f64 {
    let x = x.abs();
    if x < 1.0 {
        (1.5 * x - 2.5) * x * x + 1.0
    } else if x < 2.0 {
        ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PLAIN: Normalisation = Normalisation { mean: [0.0; 3], scale: [1.0; 3] };

    fn resized(width: u32, height: u32, rgb: &[u8], side: usize, fit: Fit) -> Vec<f32> {
        let mut planes = Vec::new();
        append_planes(Image::new(width, height, rgb).unwrap(), side, fit, PLAIN, &mut planes);
        planes
    }

    #[test]
    fn the_same_size_changes_nothing() {
        let rgb: Vec<u8> = (0..4 * 4 * 3).map(|i| (i * 5) as u8).collect();
        let planes = resized(4, 4, &rgb, 4, Fit::Squash);
        let expected = |channel: usize, pixel: usize| f32::from(rgb[pixel * 3 + channel]);
        for (i, &value) in planes.iter().enumerate() {
            assert_eq!(value, expected(i / 16, i % 16));
        }
    }

    /// 8 × 8 grey values with steps and edges.
    fn pattern() -> Vec<u8> {
        let value = |x: usize, y: usize| ([0, 10, 20, 200, 250, 30, 40, 50][x] * (y + 3) + y * y * 7) as u8;
        (0..64).flat_map(|i| [value(i % 8, i / 8); 3]).collect()
    }

    /// Pillow rounds between its two passes as well, so a value may be one off.
    #[track_caller]
    fn assert_like_pillow(values: &[f32], pillow: &[u8]) {
        assert_eq!(values.len(), pillow.len());
        let is_close = |(value, expected): (&f32, &u8)| (value - f32::from(*expected)).abs() <= 1.0;
        assert!(values.iter().zip(pillow).all(is_close), "{values:?} is not {pillow:?}");
    }

    #[test]
    fn shrinking_and_enlarging_agree_with_pillow() {
        // What `Image.resize((4, 4), BICUBIC)` gave, and the sixth row of `resize((11, 11), BICUBIC)`.
        let shrunk = [23, 78, 170, 152, 80, 140, 162, 123, 177, 195, 119, 147, 159, 76, 99, 144];
        assert_like_pillow(&resized(8, 8, &pattern(), 4, Fit::Squash)[..16], &shrunk);
        let enlarged = [82, 118, 177, 234, 255, 134, 39, 151, 93, 109, 176];
        assert_like_pillow(&resized(8, 8, &pattern(), 11, Fit::Squash)[55..66], &enlarged);
    }

    #[test]
    fn the_middle_is_cut_out_and_the_sides_are_dropped() {
        // Black, white, black: a crop of the middle third is white all over, up to the filter's reach.
        let row: Vec<u8> = (0..12).flat_map(|x| [if (4..8).contains(&x) { 255 } else { 0 }; 3]).collect();
        let planes = resized(12, 4, &row.repeat(4), 4, Fit::CenterCrop);
        assert!(planes.iter().all(|&value| value == 255.0), "{planes:?}");
        let squashed = resized(12, 4, &row.repeat(4), 4, Fit::Squash);
        assert!(squashed.iter().any(|&value| value < 50.0));
    }

    proptest! {
        #[test]
        fn one_colour_stays_that_colour(
            width in 1u32..90, height in 1u32..90, side in 1usize..70, colour: [u8; 3], is_crop: bool,
        ) {
            let rgb = colour.repeat((width * height) as usize);
            let fit = if is_crop { Fit::CenterCrop } else { Fit::Squash };
            let planes = resized(width, height, &rgb, side, fit);
            for (plane, &value) in planes.chunks_exact(side * side).zip(&colour) {
                prop_assert!(plane.iter().all(|&v| v == f32::from(value)));
            }
        }
    }
}
