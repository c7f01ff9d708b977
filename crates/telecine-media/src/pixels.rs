//! Plain arithmetic on RGB pixels: fitting a size, shrinking, brightness. No codecs, no opinions.

use crate::Frame;

/// The size with its longest side cut to `max_side`, in proportion. Never larger than before, never zero.
pub fn fit(width: u32, height: u32, max_side: u32) -> (u32, u32) {
    let longest = width.max(height).max(1);
    if longest <= max_side {
        return (width.max(1), height.max(1));
    }
    let scaled = |side: u32| {
        let rounded = (u64::from(side) * u64::from(max_side) + u64::from(longest) / 2) / u64::from(longest);
        u32::try_from(rounded).unwrap_or(u32::MAX).max(1)
    };
    (scaled(width), scaled(height))
}

/// Brightness of a pixel (Rec. 601 weights), 0 to 255.
pub fn luma([r, g, b]: [u8; 3]) -> u8 {
    ((u32::from(r) * 77 + u32::from(g) * 150 + u32::from(b) * 29) >> 8) as u8
}

/// The frame at the given size, each new pixel the mean of those it covers (box filter). A side that would grow is
/// left as it is.
pub fn downscale(frame: &Frame, width: u32, height: u32) -> Frame {
    let (width, height) = (width.clamp(1, frame.width), height.clamp(1, frame.height));
    if (width, height) == (frame.width, frame.height) {
        return frame.clone();
    }
    let mut rgb = Vec::with_capacity(width as usize * height as usize * 3);
    for y in 0..height {
        let rows = span(y, height, frame.height);
        for x in 0..width {
            rgb.extend(mean(frame, span(x, width, frame.width), rows.clone()));
        }
    }
    Frame { pts: frame.pts, width, height, rgb }
}

/// Brightness on a grid of `columns * rows` cells, row by row, each the mean of the pixels that it covers.
pub fn luma_grid(frame: &Frame, columns: u32, rows: u32) -> Vec<u8> {
    let small = downscale(frame, columns, rows);
    small.rgb.chunks_exact(3).map(|p| luma([p[0], p[1], p[2]])).collect()
}

/// Which of `from` old pixels the new pixel `n` of `to` covers: at least one.
fn span(n: u32, to: u32, from: u32) -> std::ops::Range<u32> {
    let edge = |n: u32| (u64::from(n) * u64::from(from) / u64::from(to)) as u32;
    let start = edge(n);
    start..edge(n + 1).max(start + 1)
}

fn mean(frame: &Frame, columns: std::ops::Range<u32>, rows: std::ops::Range<u32>) -> [u8; 3] {
    let mut sum = [0u64; 3];
    let row_bytes = frame.width as usize * 3;
    let bytes = columns.start as usize * 3..columns.end as usize * 3;
    for y in rows.clone() {
        let row = &frame.rgb[y as usize * row_bytes..][..row_bytes];
        for pixel in row[bytes.clone()].chunks_exact(3) {
            for (sum, &value) in sum.iter_mut().zip(pixel) {
                *sum += u64::from(value);
            }
        }
    }
    let count = u64::from(columns.end - columns.start) * u64::from(rows.end - rows.start);
    sum.map(|s| ((s + count / 2) / count) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MediaTime;

    fn gradient(width: u32, height: u32) -> Frame {
        let rgb = (0..height).flat_map(|y| (0..width).flat_map(move |x| [x as u8, y as u8, 7])).collect();
        Frame { pts: MediaTime::ZERO, width, height, rgb }
    }

    #[test]
    fn a_size_is_fitted_in_proportion_and_never_grows() {
        assert_eq!(fit(1920, 1080, 736), (736, 414));
        assert_eq!(fit(1080, 1920, 736), (414, 736));
        assert_eq!(fit(320, 240, 736), (320, 240));
        assert_eq!(fit(100_000, 1, 736), (736, 1));
        assert_eq!(fit(0, 0, 736), (1, 1));
    }

    #[test]
    fn a_shrunk_pixel_is_the_mean_of_those_it_covers() {
        let small = downscale(&gradient(4, 4), 2, 2);
        assert_eq!(small.pixel(0, 0), [1, 1, 7]);
        assert_eq!(small.pixel(1, 1), [3, 3, 7]);
    }

    #[test]
    fn sizes_that_do_not_divide_still_cover_every_pixel_once() {
        let spans: Vec<_> = (0..3).map(|n| span(n, 3, 7)).collect();
        assert_eq!(spans, [0..2, 2..4, 4..7]);
        assert_eq!(downscale(&gradient(7, 5), 3, 2).rgb.len(), 18);
    }

    #[test]
    fn white_is_the_brightest_and_green_weighs_most() {
        assert_eq!(luma([255, 255, 255]), 255);
        assert!(luma([0, 255, 0]) > luma([255, 0, 0]) && luma([255, 0, 0]) > luma([0, 0, 255]));
        assert_eq!(luma_grid(&gradient(8, 8), 4, 2).len(), 8);
    }
}
