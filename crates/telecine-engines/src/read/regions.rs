//! From the detector's probability map to text rectangles (DB post-processing). Pure: no model, no image.
//!
//! After Liao et al., "Real-time Scene Text Detection with Differentiable Binarization" (2020), with the settings
//! that RapidOCR uses for the same models. Holes inside a region are not looked at.

use super::quad::TurnedRect;

/// Thresholds of the post-processing.
#[derive(Debug, Clone)]
pub(crate) struct RegionRules {
    /// A pixel above this probability is text.
    pub(crate) pixel_threshold: f32,
    /// A region whose mean probability is below this is dropped.
    pub(crate) region_threshold: f32,
    /// How far a region grows back: the model is trained on shrunken text.
    pub(crate) unclip_ratio: f32,
    /// At most so many regions are looked at.
    pub(crate) max_regions: usize,
}

impl Default for RegionRules {
    fn default() -> Self {
        Self { pixel_threshold: 0.3, region_threshold: 0.5, unclip_ratio: 1.6, max_regions: 1000 }
    }
}

/// Regions with a shorter side (in map pixels) are noise.
const MIN_SIDE: f32 = 3.0;

/// A probability map: `width` × `height` values of 0–1, row by row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ProbabilityMap<'a> {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) values: &'a [f32],
}

/// Rectangles around text, in the map's pixels, in the order of their topmost pixel.
pub(crate) fn find_regions(map: ProbabilityMap<'_>, rules: &RegionRules) -> Vec<TurnedRect> {
    let mut mask = text_mask(map, rules.pixel_threshold);
    let outlines = outlines(&mut mask, map.width, rules.max_regions);
    outlines.iter().filter_map(|outline| region(map, outline, rules)).collect()
}

fn region(map: ProbabilityMap<'_>, outline: &[(i32, i32)], rules: &RegionRules) -> Option<TurnedRect> {
    let rect = TurnedRect::around(outline)?;
    if rect.short_side() < MIN_SIDE || mean_inside(map, &rect) < rules.region_threshold {
        return None;
    }
    let grown = rect.grown(rect.unclip_distance(rules.unclip_ratio));
    (grown.short_side() >= MIN_SIDE + 2.0).then_some(grown)
}

/// Thresholded and dilated by a 2 × 2 block (each pixel takes the largest of itself, left, above and left above).
fn text_mask(map: ProbabilityMap<'_>, threshold: f32) -> Vec<bool> {
    let is_text: Vec<bool> = map.values.iter().map(|&value| value > threshold).collect();
    let mut mask = is_text.clone();
    for y in 0..map.height {
        for x in 0..map.width {
            let i = y * map.width + x;
            let left = x > 0 && is_text[i - 1];
            let above = y > 0 && (is_text[i - map.width] || (x > 0 && is_text[i - map.width - 1]));
            mask[i] |= left || above;
        }
    }
    mask
}

/// The border pixels of each 8-connected component; clears the mask while it goes.
fn outlines(mask: &mut [bool], width: usize, max: usize) -> Vec<Vec<(i32, i32)>> {
    let mut found = Vec::new();
    for start in 0..mask.len() {
        if mask[start] {
            if found.len() == max {
                break;
            }
            found.push(take_component(mask, width, start));
        }
    }
    found
}

/// Row ends are enough: the convex hull of a component is the hull of the first and last pixel of its rows.
fn take_component(mask: &mut [bool], width: usize, start: usize) -> Vec<(i32, i32)> {
    let height = mask.len() / width;
    let mut rows: Vec<Option<(i32, i32)>> = vec![None; height - start / width];
    let mut open = vec![start];
    mask[start] = false;
    while let Some(i) = open.pop() {
        let (x, y) = (i % width, i / width);
        let row = rows[y - start / width].get_or_insert((x as i32, x as i32));
        *row = (row.0.min(x as i32), row.1.max(x as i32));
        for ny in y.saturating_sub(1)..(y + 2).min(height) {
            for nx in x.saturating_sub(1)..(x + 2).min(width) {
                let neighbour = ny * width + nx;
                if mask[neighbour] {
                    mask[neighbour] = false;
                    open.push(neighbour);
                }
            }
        }
    }
    let top = (start / width) as i32;
    let rows = rows.into_iter().zip(top..);
    rows.filter_map(|(row, y)| row.map(|(a, b)| [(a, y), (b, y)])).flatten().collect()
}

fn mean_inside(map: ProbabilityMap<'_>, rect: &TurnedRect) -> f32 {
    let corners = rect.corners();
    let bound = |axis: usize, limit: usize| {
        let values = corners.map(|corner| corner[axis]);
        let low = values.iter().copied().fold(f32::INFINITY, f32::min).floor().max(0.0) as usize;
        let high = values.iter().copied().fold(0.0, f32::max).ceil() as usize;
        low..(high + 1).min(limit)
    };
    let mut sum = 0.0;
    let mut count = 0u32;
    for y in bound(1, map.height) {
        for x in bound(0, map.width) {
            if rect.contains([x as f32, y as f32]) {
                sum += map.values[y * map.width + x];
                count += 1;
            }
        }
    }
    if count == 0 { 0.0 } else { sum / count as f32 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WIDTH: usize = 96;
    const HEIGHT: usize = 64;

    fn map_with(blocks: &[(usize, usize, usize, usize, f32)]) -> Vec<f32> {
        let mut values = vec![0.0; WIDTH * HEIGHT];
        for &(left, top, width, height, value) in blocks {
            for y in top..(top + height).min(HEIGHT) {
                for x in left..(left + width).min(WIDTH) {
                    values[y * WIDTH + x] = value;
                }
            }
        }
        values
    }

    fn found(values: &[f32]) -> Vec<TurnedRect> {
        find_regions(ProbabilityMap { width: WIDTH, height: HEIGHT, values }, &RegionRules::default())
    }

    #[test]
    fn an_empty_map_has_no_regions() {
        assert_eq!(found(&map_with(&[])), []);
    }

    #[test]
    fn a_block_is_one_region_grown_by_the_unclip_distance() {
        let regions = found(&map_with(&[(20, 20, 40, 8, 0.9)]));
        assert_eq!(regions.len(), 1);
        // 40 × 8 pixels dilate to 41 × 9, whose centres span 40 × 8.
        let distance = 40.0 * 8.0 * 1.6 / 96.0;
        assert!((regions[0].width - (40.0 + 2.0 * distance)).abs() < 1e-3);
        assert!((regions[0].height - (8.0 + 2.0 * distance)).abs() < 1e-3);
    }

    #[test]
    fn weak_and_tiny_regions_are_dropped() {
        assert_eq!(found(&map_with(&[(20, 20, 40, 8, 0.4)])), []);
        assert_eq!(found(&map_with(&[(20, 20, 2, 2, 0.9)])), []);
    }

    #[test]
    fn separate_lines_are_separate_regions() {
        assert_eq!(found(&map_with(&[(10, 10, 60, 8, 0.9), (10, 30, 60, 8, 0.9)])).len(), 2);
    }

    #[test]
    fn the_number_of_regions_is_bounded() {
        let blocks: Vec<_> = (0..4).map(|i| (10, 2 + i * 15, 40, 8, 0.9)).collect();
        let rules = RegionRules { max_regions: 3, ..RegionRules::default() };
        let values = map_with(&blocks);
        let map = ProbabilityMap { width: WIDTH, height: HEIGHT, values: &values };
        assert_eq!(find_regions(map, &rules).len(), 3);
    }

    proptest! {
        #[test]
        fn any_map_gives_regions_that_are_finite_and_large_enough(
            blocks in prop::collection::vec((0usize..96, 0usize..64, 1usize..50, 1usize..20, 0.0f32..1.0), 0..20),
        ) {
            for region in found(&map_with(&blocks)) {
                prop_assert!(region.short_side() >= MIN_SIDE + 2.0);
                for [x, y] in region.corners() {
                    prop_assert!(x.is_finite() && y.is_finite());
                }
            }
        }
    }
}
