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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Red grows to the right, green grows downwards, blue is 255.
    fn ramp(width: u32, height: u32) -> Vec<u8> {
        let pixel = |x: u32, y: u32| [(x * 255 / (width - 1)) as u8, (y * 255 / (height - 1)) as u8, 255];
        (0..height).flat_map(|y| (0..width).flat_map(move |x| pixel(x, y))).collect()
    }

    #[test]
    fn planes_are_blue_green_red_from_minus_one_to_one() {
        let planes = resize_to_planes(Image::new(1, 1, &[255, 0, 51]).unwrap(), 1, 1);
        let expected = [-0.6, -1.0, 1.0];
        assert!(planes.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{planes:?}");
    }

    #[test]
    fn resizing_keeps_a_ramp_a_ramp() {
        let rgb = ramp(64, 32);
        let planes = resize_to_planes(Image::new(64, 32, &rgb).unwrap(), 16, 8);
        let (blue, rest) = planes.split_at(16 * 8);
        let (green, red) = rest.split_at(16 * 8);
        assert!(blue.iter().all(|&v| v == 1.0));
        assert!(red[..16].is_sorted() && green.iter().step_by(16).is_sorted());
        assert!((red[0] + red[15]).abs() < 0.02, "the ramp stays centred");
    }

    #[test]
    fn a_crop_shows_what_is_inside_the_rectangle_and_leaves_the_rest_grey() {
        let mut rgb = vec![0; 100 * 50 * 3];
        for (x, y) in (20..60).flat_map(|x| (10..20).map(move |y| (x, y))) {
            rgb[(y * 100 + x) * 3..][..3].fill(255);
        }
        let rect = TurnedRect { center: [39.5, 14.5], along: [1.0, 0.0], width: 38.0, height: 8.0 };
        let mut planes = vec![0.0; 3 * 64 * 16];
        crop_to_planes(Image::new(100, 50, &rgb).unwrap(), &rect, (48, 16), 64, &mut planes);
        for row in planes.chunks(64) {
            assert!(row[..48].iter().all(|&v| v == 1.0), "white inside");
            assert!(row[48..].iter().all(|&v| v == 0.0), "grey beyond");
        }
    }

    #[test]
    fn a_turned_crop_reads_upright() {
        // Text runs downwards: "along" is down, so the crop's left end is the image's top.
        let rgb = ramp(50, 50);
        let rect = TurnedRect { center: [25.0, 25.0], along: [0.0, 1.0], width: 40.0, height: 10.0 };
        let mut planes = vec![0.0; 3 * 40 * 10];
        crop_to_planes(Image::new(50, 50, &rgb).unwrap(), &rect, (40, 10), 40, &mut planes);
        let green = &planes[400..440];
        assert!(green.is_sorted() && green[0] < -0.6 && green[39] > 0.6, "{green:?}");
    }

    proptest! {
        #[test]
        fn any_rectangle_can_be_cropped(
            x in -500f32..500.0, y in -500f32..500.0, angle in -3.2f32..3.2,
            width in 0f32..2000.0, height in 0f32..2000.0,
        ) {
            let rgb = ramp(20, 10);
            let rect = TurnedRect { center: [x, y], along: [angle.cos(), angle.sin()], width, height };
            let mut planes = vec![0.0; 3 * 32 * 8];
            crop_to_planes(Image::new(20, 10, &rgb).unwrap(), &rect, (30, 8), 32, &mut planes);
            prop_assert!(planes.iter().all(|v| (-1.0..=1.0).contains(v)));
        }
    }
}
