//! Shot boundaries while frames stream by: a cut is where a frame differs from the one before by much more than
//! frames lately did. It sees colour and layout, not content.

use std::collections::VecDeque;

use crate::{Frame, MediaTime, TimeRange, pixels};

/// When a shot ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ShotConfig {
    /// No shot ends by a cut before this age (default 1 s).
    pub min: MediaTime,
    /// Every shot ends at this age (default 10 s).
    pub max: MediaTime,
    /// A difference below this is never a cut (0 to 1, default 0.25).
    pub floor: f32,
    /// How many times the usual deviation above the usual difference makes a cut (default 3).
    pub deviations: f32,
}

impl Default for ShotConfig {
    fn default() -> Self {
        Self {
            min: MediaTime::from_millis(1_000),
            max: MediaTime::from_millis(10_000),
            floor: 0.25,
            deviations: 3.0,
        }
    }
}

/// A stretch of video without a cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shot {
    /// When.
    pub range: TimeRange,
    /// Whether a cut ended it, rather than its age or the end of the video.
    pub ends_in_cut: bool,
}

/// Feed it frames in order; it returns shots as they end. The shots cover the video without gaps.
#[derive(Debug, Clone)]
pub struct ShotDetector {
    config: ShotConfig,
    start: Option<MediaTime>,
    last: Option<Look>,
    recent: VecDeque<f32>,
}

/// Differences that make up "lately".
const MEMORY: usize = 12;
/// No more pieces than this are cut from one gap between frames, whatever times a file declares.
const MAX_PIECES: usize = 10_000;

impl ShotDetector {
    /// A detector at the start of a video.
    pub fn new(config: ShotConfig) -> Self {
        Self { config, start: None, last: None, recent: VecDeque::new() }
    }

    /// The shots that ended with or before this frame: mostly none, one at a cut, several after a long still
    /// picture. The first frame starts the first shot.
    pub fn push(&mut self, frame: &Frame) -> Vec<Shot> {
        let look = Look::of(frame);
        let difference = self.last.as_ref().map_or(0.0, |last| last.difference(&look));
        self.last = Some(look);
        let Some(start) = self.start else {
            self.start = Some(frame.pts);
            return Vec::new();
        };
        let is_cut = frame.pts - start >= self.config.min && difference > self.threshold();
        let mut ended = self.split_by_age(frame.pts);
        if is_cut {
            self.recent.clear();
            ended.extend(self.close(frame.pts, true));
        } else {
            self.recent.push_back(difference);
            self.recent.drain(..self.recent.len().saturating_sub(MEMORY));
        }
        ended
    }

    /// The shots that are left when the video ends at `end`. A video without frames has none.
    pub fn finish(mut self, end: MediaTime) -> Vec<Shot> {
        let mut ended = self.split_by_age(end);
        ended.extend(self.close(end, false));
        ended
    }

    /// Ends shots at the greatest age for as long as that lies before `now`.
    fn split_by_age(&mut self, now: MediaTime) -> Vec<Shot> {
        let mut ended = Vec::new();
        let max = self.config.max.max(MediaTime::from_millis(1));
        while let Some(start) = self.start
            && now - start > max
            && ended.len() < MAX_PIECES
        {
            ended.extend(self.close(start + max, false));
        }
        ended
    }

    fn close(&mut self, end: MediaTime, ends_in_cut: bool) -> Option<Shot> {
        let range = TimeRange::new(self.start?, end).ok()?;
        self.start = Some(end);
        (range.duration() > MediaTime::ZERO).then_some(Shot { range, ends_in_cut })
    }

    /// What a difference must exceed to be a cut, from what differences were lately.
    fn threshold(&self) -> f32 {
        let count = self.recent.len().max(1) as f32;
        let mean = self.recent.iter().sum::<f32>() / count;
        let variance = self.recent.iter().map(|d| (d - mean).powi(2)).sum::<f32>() / count;
        (mean + self.config.deviations * variance.sqrt()).max(self.config.floor).min(0.9)
    }
}

/// Hue, saturation and value in coarse bins.
const BINS: usize = 12 * 4 * 4;
/// The picture is looked at through this many cells.
const GRID: (u32, u32) = (32, 18);

/// What a frame looks like from afar.
#[derive(Debug, Clone)]
struct Look {
    /// Share of cells in each colour bin.
    colours: [f32; BINS],
    /// Brightness of each cell.
    layout: Vec<u8>,
}

impl Look {
    fn of(frame: &Frame) -> Self {
        let small = pixels::downscale(frame, GRID.0, GRID.1);
        let cells = small.rgb.len() / 3;
        let mut look = Self { colours: [0.0; BINS], layout: Vec::with_capacity(cells) };
        for cell in small.rgb.chunks_exact(3) {
            let rgb = [cell[0], cell[1], cell[2]];
            look.colours[bin(rgb)] += 1.0 / cells as f32;
            look.layout.push(pixels::luma(rgb));
        }
        look
    }

    /// From 0, the same, to 1, nothing in common: the greater of what colours and layout say.
    fn difference(&self, other: &Self) -> f32 {
        if self.layout.len() != other.layout.len() {
            return 1.0;
        }
        let colours = self.colours.iter().zip(&other.colours).map(|(a, b)| (a - b).abs()).sum::<f32>() / 2.0;
        let levels: u32 = self.layout.iter().zip(&other.layout).map(|(a, b)| u32::from(a.abs_diff(*b))).sum();
        // A mean difference of a third of the range is as good as another picture.
        let layout = levels as f32 / self.layout.len().max(1) as f32 / 85.0;
        // Colours at the edge of a bin flip easily; they need the layout's word to count in full.
        (colours * 0.5 + layout.min(1.0) * 0.5).max(layout.min(1.0) * 0.8)
    }
}

fn bin([r, g, b]: [u8; 3]) -> usize {
    let (max, min) = (r.max(g).max(b), r.min(g).min(b));
    let chroma = f32::from(max - min);
    let saturation = if max == 0 { 0.0 } else { chroma / f32::from(max) };
    let (r, g, b, top) = (f32::from(r), f32::from(g), f32::from(b), f32::from(max));
    let hue = match () {
        () if chroma == 0.0 => 0.0,
        () if top == r => ((g - b) / chroma).rem_euclid(6.0),
        () if top == g => (b - r) / chroma + 2.0,
        () => (r - g) / chroma + 4.0,
    };
    // Grey has no hue worth telling.
    let hue_bin = if saturation < 0.15 { 0 } else { ((hue * 2.0) as usize).min(11) };
    hue_bin * 16 + ((saturation * 4.0) as usize).min(3) * 4 + usize::from(max / 64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(s: f64) -> MediaTime {
        MediaTime::from_secs_f64(s)
    }

    /// A scene is a colour ramp in its own direction, moved a little by `shift`.
    fn frame(at_s: f64, scene: u32, shift: u32) -> Frame {
        let (width, height) = (64, 36);
        let paint = |x: u32, y: u32| match scene % 3 {
            0 => [(x * 3 + shift) as u8, 40, 30],
            1 => [30, (250 - y * 6 - shift) as u8, 200],
            _ => [220, 220, ((x + y) * 2 + shift) as u8],
        };
        let rgb = (0..height).flat_map(|y| (0..width).flat_map(move |x| paint(x, y))).collect();
        Frame { pts: seconds(at_s), width, height, rgb }
    }

    fn run(frames: impl IntoIterator<Item = Frame>, end_s: f64) -> Vec<Shot> {
        let mut detector = ShotDetector::new(ShotConfig::default());
        let mut shots: Vec<Shot> = frames.into_iter().flat_map(|frame| detector.push(&frame)).collect();
        shots.extend(detector.finish(seconds(end_s)));
        shots
    }

    fn ends(shots: &[Shot]) -> Vec<f64> {
        shots.iter().map(|shot| shot.range.end().as_secs_f64()).collect()
    }

    #[test]
    fn cuts_are_found_where_scenes_change_and_nowhere_else() {
        let shots = run((0..15).map(|s| frame(f64::from(s), s / 5, s % 5 * 4)), 15.0);
        assert_eq!(ends(&shots), [5.0, 10.0, 15.0]);
        assert_eq!(shots.iter().map(|shot| shot.ends_in_cut).collect::<Vec<_>>(), [true, true, false]);
    }

    #[test]
    fn a_restless_shot_raises_the_threshold() {
        let flicker = |s: u32| frame(f64::from(s), 0, if s.is_multiple_of(2) { 0 } else { 50 });
        assert_eq!(ends(&run((0..8).map(flicker), 8.0)), [8.0]);
    }

    #[test]
    fn a_long_still_picture_is_split_by_age_and_covered_without_gaps() {
        let shots = run([frame(2.0, 0, 0), frame(37.0, 1, 0)], 40.0);
        assert_eq!(ends(&shots), [12.0, 22.0, 32.0, 37.0, 40.0]);
        assert!(shots.windows(2).all(|pair| pair[0].range.end() == pair[1].range.start()));
    }

    #[test]
    fn cuts_closer_than_the_minimum_are_merged() {
        let shots = run((0..8).map(|n| frame(f64::from(n) * 0.25, n, 0)), 2.0);
        assert!(
            shots[..shots.len() - 1].iter().all(|shot| shot.range.duration() >= seconds(1.0)),
            "{shots:?}"
        );
    }

    #[test]
    fn one_frame_is_one_shot_and_none_is_none() {
        assert_eq!(ends(&run([frame(0.0, 0, 0)], 3.0)), [3.0]);
        assert_eq!(run([], 3.0), []);
    }

    #[test]
    fn absurd_times_do_not_fill_the_memory() {
        let far = Frame { pts: MediaTime::MAX, ..frame(0.0, 1, 0) };
        assert!(run([frame(0.0, 0, 0), far], 1e12).len() <= 2 * MAX_PIECES + 2);
    }
}
