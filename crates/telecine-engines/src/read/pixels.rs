//! Moves pixels from an image into the planes that the networks take: blue, green, red, each (v / 255 - 0.5) / 0.5.
//! Resizing and cropping only; knows no network.

use super::quad::TurnedRect;
use crate::Image;

/// The whole image, resized (bilinear, as the models were measured with) to `width` × `height`; 3 planes of f32.
pub(crate) fn resize_to_planes(image: Image<'_>, width: u32, height: u32) -> Vec<f32> {
    let (width, height) = (width as usize, height as usize);
    let columns = taps(image.width() as usize, width);
    let rows = taps(image.height() as usize, height);
    let plane = width * height;
    let mut planes = vec![0.0; 3 * plane];
    let stride = image.width() as usize * 3;
    for (y, row) in rows.iter().enumerate() {
        let upper = &image.rgb()[row.low * stride..][..stride];
        let lower = &image.rgb()[row.high * stride..][..stride];
        for (x, column) in columns.iter().enumerate() {
            let (left, right) = (column.low * 3, column.high * 3);
            for channel in 0..3 {
                let top = mix(upper[left + channel], upper[right + channel], column.weight);
                let bottom = mix(lower[left + channel], lower[right + channel], column.weight);
                let value = top + (bottom - top) * row.weight;
                planes[(2 - channel) * plane + y * width + x] = normalise(value);
            }
        }
    }
    planes
}

/// The image inside `rect`, turned upright and resized into `width` × `height` of a canvas that is `canvas_width`
/// wide (the rest stays 0, the middle grey). Large text is averaged over up to 4 × 4 samples per pixel, so that it
/// does not break up when it shrinks.
pub(crate) fn crop_to_planes(
    image: Image<'_>,
    rect: &TurnedRect,
    size: (usize, usize),
    canvas_width: usize,
    planes: &mut [f32],
) {
    let (width, height) = size;
    let samples = (rect.height / height as f32).round().clamp(1.0, 4.0) as usize;
    let fraction = |pixel: usize, sample: usize, length: usize| {
        (pixel as f32 + (sample as f32 + 0.5) / samples as f32) / length as f32 - 0.5
    };
    let plane = canvas_width * height;
    for y in 0..height {
        for x in 0..width {
            let mut sum = [0.0; 3];
            for (sy, sx) in (0..samples).flat_map(|sy| (0..samples).map(move |sx| (sy, sx))) {
                let point = rect.at(fraction(x, sx, width), fraction(y, sy, height));
                let rgb = bilinear(image, point);
                sum = [sum[0] + rgb[0], sum[1] + rgb[1], sum[2] + rgb[2]];
            }
            for (channel, value) in sum.into_iter().enumerate() {
                let mean = value / (samples * samples) as f32;
                planes[(2 - channel) * plane + y * canvas_width + x] = normalise(mean);
            }
        }
    }
}

/// Two neighbouring source pixels and how much the second one counts.
struct Tap {
    low: usize,
    high: usize,
    weight: f32,
}

/// Pixel centres lie at half coordinates, as in OpenCV's `INTER_LINEAR`.
fn taps(from: usize, to: usize) -> Vec<Tap> {
    let scale = from as f32 / to as f32;
    let tap = |i: usize| {
        let position = ((i as f32 + 0.5) * scale - 0.5).clamp(0.0, (from - 1) as f32);
        let low = position as usize;
        Tap { low, high: (low + 1).min(from - 1), weight: position - low as f32 }
    };
    (0..to).map(tap).collect()
}

fn bilinear(image: Image<'_>, [x, y]: [f32; 2]) -> [f32; 3] {
    let (width, height) = (image.width() as usize, image.height() as usize);
    let x = x.clamp(0.0, (width - 1) as f32);
    let y = y.clamp(0.0, (height - 1) as f32);
    let (left, top) = (x as usize, y as usize);
    let (right, bottom) = ((left + 1).min(width - 1), (top + 1).min(height - 1));
    let pixel = |x: usize, y: usize| &image.rgb()[(y * width + x) * 3..][..3];
    let (a, b, c, d) = (pixel(left, top), pixel(right, top), pixel(left, bottom), pixel(right, bottom));
    let (wx, wy) = (x - left as f32, y - top as f32);
    std::array::from_fn(|channel| {
        let upper = mix(a[channel], b[channel], wx);
        let lower = mix(c[channel], d[channel], wx);
        upper + (lower - upper) * wy
    })
}

fn mix(a: u8, b: u8, weight: f32) -> f32 {
    let (a, b) = (f32::from(a), f32::from(b));
    a + (b - a) * weight
}

fn normalise(value: f32) -> f32 {
    value / 127.5 - 1.0
}
