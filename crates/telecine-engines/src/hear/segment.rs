//! Turns a row of speech probabilities into speech segments. Pure: no audio, no model, no clock.
//!
//! The rules are those of Silero's `get_speech_timestamps` (hysteresis, minimum lengths, padding), written as a
//! machine that takes one probability at a time, so that two hours of audio need the memory of one segment.

/// Samples per second of all audio in `hear`.
pub const SAMPLE_RATE: u32 = 16_000;

/// Samples behind one speech probability (32 ms).
pub const WINDOW_SAMPLES: usize = 512;

/// When speech begins, when it ends, and how long a piece of it may be.
#[derive(Debug, Clone, PartialEq)]
pub struct SegmentRules {
    /// Speech begins at this probability (0–1).
    pub enter: f32,
    /// Below this probability a silence begins; between the two nothing changes.
    pub leave: f32,
    /// A segment that never reaches this probability is dropped: squeaks and music that sound a little like a voice.
    pub min_peak: f32,
    /// Shorter speech is dropped: a click, a cough.
    pub min_speech_ms: u32,
    /// A silence has to last this long to end a segment.
    pub min_silence_ms: u32,
    /// Audio kept before and after the speech; at most half of `min_silence_ms`, so that pads never meet.
    pub pad_ms: u32,
    /// No segment is longer; longer speech is cut where its probability is lowest.
    pub max_segment_ms: u32,
}

impl Default for SegmentRules {
    fn default() -> Self {
        Self {
            enter: 0.5,
            leave: 0.35,
            // Measured: every segment of real speech tried peaks at 0.99 or more, a squeaking cartoon animal at 0.73.
            min_peak: 0.8,
            min_speech_ms: 250,
            // Measured on "two_cities.wav": with 300 ms and pads of 100 ms Moonshine sees too little context and gets
            // 10 of 119 words wrong, with these 5; longer silences gain little and make the times coarse.
            min_silence_ms: 500,
            pad_ms: 200,
            max_segment_ms: 20_000,
        }
    }
}

/// A piece of audio with speech in it, in samples from the start: `start..end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// First sample.
    pub start: u64,
    /// One past the last sample.
    pub end: u64,
}

impl Segment {
    /// Start in seconds.
    pub fn start_s(&self) -> f64 {
        self.start as f64 / f64::from(SAMPLE_RATE)
    }

    /// End in seconds.
    pub fn end_s(&self) -> f64 {
        self.end as f64 / f64::from(SAMPLE_RATE)
    }
}

/// Takes probabilities window by window and gives each segment as soon as its end is known.
#[derive(Debug)]
pub struct Segmenter {
    enter: f32,
    leave: f32,
    min_peak: f32,
    min_speech_windows: usize,
    min_silence_windows: usize,
    max_windows: usize,
    pad_samples: u64,
    next_window: usize,
    previous_end: u64,
    speech: Option<Speech>,
}

/// Speech that has begun and not yet ended.
#[derive(Debug)]
struct Speech {
    start_window: usize,
    /// This part continues speech that was cut for its length, so it gets no pad in front.
    continues: bool,
    silence_from: Option<usize>,
    /// One probability per window since `start_window`; bounded by `max_windows`.
    probabilities: Vec<f32>,
}

impl Segmenter {
    /// Rules that contradict each other are bent to the nearest that do not (a pad longer than half a silence).
    pub fn new(rules: &SegmentRules) -> Self {
        let pad_samples = ms_to_samples(rules.pad_ms).min(ms_to_samples(rules.min_silence_ms) / 2);
        let longest = ms_to_samples(rules.max_segment_ms).saturating_sub(2 * pad_samples);
        Self {
            enter: rules.enter,
            leave: rules.leave.min(rules.enter),
            min_peak: rules.min_peak,
            min_speech_windows: windows_for(rules.min_speech_ms),
            min_silence_windows: windows_for(rules.min_silence_ms).max(1),
            max_windows: (longest as usize / WINDOW_SAMPLES).max(2),
            pad_samples,
            next_window: 0,
            previous_end: 0,
            speech: None,
        }
    }

    /// Takes the probability of the next window.
    pub fn push(&mut self, probability: f32) -> Option<Segment> {
        let window = self.next_window;
        self.next_window += 1;
        let Some(speech) = &mut self.speech else {
            if probability >= self.enter {
                self.speech = Some(Speech::starting_at(window, probability));
            }
            return None;
        };
        speech.probabilities.push(probability);
        if probability >= self.enter {
            speech.silence_from = None;
        } else if probability < self.leave {
            let from = *speech.silence_from.get_or_insert(window);
            if window + 1 - from >= self.min_silence_windows {
                return self.close(from);
            }
        }
        let is_full = speech.probabilities.len() >= self.max_windows;
        if is_full { self.cut() } else { None }
    }

    /// Ends the audio after `total_samples` (the last window may have been filled up with silence).
    pub fn finish(mut self, total_samples: u64) -> Option<Segment> {
        let speech = self.speech.as_ref()?;
        let end_window = speech.silence_from.unwrap_or(self.next_window);
        let segment = self.close(end_window)?;
        let end = segment.end.min(total_samples);
        (segment.start < end).then_some(Segment { start: segment.start, end })
    }

    /// First sample that a later segment may still contain; everything before it can be forgotten.
    pub fn needs_from(&self) -> u64 {
        let start_window = self.speech.as_ref().map_or(self.next_window, |s| s.start_window);
        samples_at(start_window).saturating_sub(self.pad_samples).max(self.previous_end)
    }

    fn close(&mut self, end_window: usize) -> Option<Segment> {
        let speech = self.speech.take()?;
        let is_short = end_window - speech.start_window < self.min_speech_windows;
        let end = samples_at(end_window) + self.pad_samples;
        if is_short { None } else { self.emit(&speech, end) }
    }

    /// Splits full speech at its quietest window in the second half; the rest goes on as a new segment.
    fn cut(&mut self) -> Option<Segment> {
        let mut speech = self.speech.take()?;
        let half = speech.probabilities.len() / 2;
        let quietest = quietest_index(&speech.probabilities[half..]) + half;
        let rest = speech.probabilities.split_off(quietest);
        let cut_window = speech.start_window + quietest;
        let segment = self.emit(&speech, samples_at(cut_window));
        self.speech = Some(Speech {
            start_window: cut_window,
            continues: true,
            silence_from: speech.silence_from.map(|from| from.max(cut_window)),
            probabilities: rest,
        });
        segment
    }

    fn emit(&mut self, speech: &Speech, end: u64) -> Option<Segment> {
        if speech.probabilities.iter().all(|&p| p < self.min_peak) {
            return None;
        }
        let pad = if speech.continues { 0 } else { self.pad_samples };
        let start = samples_at(speech.start_window).saturating_sub(pad).max(self.previous_end);
        self.previous_end = end;
        Some(Segment { start, end })
    }
}

impl Speech {
    fn starting_at(window: usize, probability: f32) -> Self {
        Self { start_window: window, continues: false, silence_from: None, probabilities: vec![probability] }
    }
}

/// All segments of a whole row of probabilities over `total_samples` of audio.
pub fn segments(probabilities: &[f32], total_samples: u64, rules: &SegmentRules) -> Vec<Segment> {
    let mut segmenter = Segmenter::new(rules);
    let mut found: Vec<Segment> = probabilities.iter().filter_map(|&p| segmenter.push(p)).collect();
    found.extend(segmenter.finish(total_samples));
    found
}

fn quietest_index(probabilities: &[f32]) -> usize {
    let quietest = probabilities.iter().enumerate().min_by(|a, b| a.1.total_cmp(b.1));
    quietest.map_or(0, |(index, _)| index)
}

fn samples_at(window: usize) -> u64 {
    (window * WINDOW_SAMPLES) as u64
}

fn ms_to_samples(ms: u32) -> u64 {
    u64::from(ms) * u64::from(SAMPLE_RATE) / 1000
}

fn windows_for(ms: u32) -> usize {
    (ms_to_samples(ms) as usize).div_ceil(WINDOW_SAMPLES)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WINDOWS_PER_SECOND: f64 = SAMPLE_RATE as f64 / WINDOW_SAMPLES as f64;

    fn found(probabilities: &[f32]) -> Vec<Segment> {
        let total = (probabilities.len() * WINDOW_SAMPLES) as u64;
        segments(probabilities, total, &SegmentRules::default())
    }

    fn row(parts: &[(f32, f64)]) -> Vec<f32> {
        let windows = |seconds: f64| (seconds * WINDOWS_PER_SECOND).round() as usize;
        parts.iter().flat_map(|&(p, seconds)| std::iter::repeat_n(p, windows(seconds))).collect()
    }

    #[test]
    fn silence_has_no_segments() {
        assert_eq!(found(&row(&[(0.1, 60.0)])), []);
        assert_eq!(found(&[]), []);
    }

    #[test]
    fn speech_is_found_with_a_pad_on_both_sides() {
        let segments = found(&row(&[(0.0, 1.024), (0.9, 2.048), (0.0, 1.024)]));
        assert_eq!(segments, [Segment { start: 16384 - 3200, end: 49152 + 3200 }]);
    }

    #[test]
    fn a_short_pause_joins_and_a_long_one_parts() {
        assert_eq!(found(&row(&[(0.9, 1.0), (0.0, 0.4), (0.9, 1.0)])).len(), 1);
        assert_eq!(found(&row(&[(0.9, 1.0), (0.0, 0.7), (0.9, 1.0)])).len(), 2);
    }

    #[test]
    fn a_click_is_not_speech() {
        assert_eq!(found(&row(&[(0.0, 1.0), (0.9, 0.1), (0.0, 1.0)])), []);
    }

    #[test]
    fn what_never_sounds_surely_like_speech_is_dropped() {
        assert_eq!(found(&row(&[(0.0, 1.0), (0.7, 3.0), (0.0, 1.0)])), []);
        assert_eq!(found(&row(&[(0.0, 1.0), (0.7, 3.0), (0.9, 0.1), (0.0, 1.0)])).len(), 1);
        assert_eq!(found(&row(&[(0.7, 60.0)])), [], "not even when it is long enough to be cut");
    }

    #[test]
    fn a_probability_between_the_thresholds_neither_starts_nor_ends_speech() {
        assert_eq!(found(&row(&[(0.4, 5.0)])), []);
        assert_eq!(found(&row(&[(0.9, 1.0), (0.4, 5.0), (0.9, 1.0)])).len(), 1);
    }

    #[test]
    fn long_speech_is_cut_at_its_quietest_place() {
        let mut probabilities = row(&[(0.9, 30.0)]);
        probabilities[500] = 0.6;
        let segments = found(&probabilities);
        assert_eq!(segments.len(), 2);
        assert_eq!(segments[0].end, 500 * 512);
        assert_eq!(segments[1].start, 500 * 512);
    }

    proptest! {
        #[test]
        fn segments_are_sorted_apart_bounded_and_inside_the_audio(
            probabilities in prop::collection::vec(0.0f32..1.0, 0..3000),
            stretch in 1usize..60,
            missing_samples in 0u64..512,
        ) {
            let probabilities: Vec<f32> =
                probabilities.iter().flat_map(|&p| std::iter::repeat_n(p, stretch)).take(4000).collect();
            let total = ((probabilities.len() * WINDOW_SAMPLES) as u64).saturating_sub(missing_samples);
            let segments = segments(&probabilities, total, &SegmentRules::default());
            let mut previous_end = 0;
            for segment in segments {
                prop_assert!(segment.start >= previous_end);
                prop_assert!(segment.start < segment.end);
                prop_assert!(segment.end <= total);
                prop_assert!(segment.end - segment.start <= 20 * u64::from(SAMPLE_RATE));
                previous_end = segment.end;
            }
        }

        #[test]
        fn every_certain_second_of_speech_is_inside_a_segment(
            lengths in prop::collection::vec((0.5f64..3.0, 0.5f64..40.0), 1..6),
        ) {
            let parts: Vec<(f32, f64)> = lengths.iter().flat_map(|&(quiet, loud)| [(0.0, quiet), (1.0, loud)]).collect();
            let probabilities = row(&parts);
            let segments = found(&probabilities);
            for (window, _) in probabilities.iter().enumerate().filter(|(_, p)| **p == 1.0) {
                let first = samples_at(window);
                let covered = segments.iter().any(|s| s.start <= first && first + 512 <= s.end);
                // A tail that is left after a cut and shorter than the shortest speech may be dropped.
                let is_tail = probabilities[window..].iter().take_while(|p| **p == 1.0).count() < 8;
                prop_assert!(covered || is_tail, "window {window} is lost");
            }
        }

        #[test]
        fn the_audio_that_a_segment_needs_is_never_forgotten(
            probabilities in prop::collection::vec(0.0f32..1.0, 0..2000),
            stretch in 1usize..40,
        ) {
            let mut segmenter = Segmenter::new(&SegmentRules::default());
            let mut forgotten = 0;
            for p in probabilities.iter().flat_map(|&p| std::iter::repeat_n(p, stretch)).take(3000) {
                if let Some(segment) = segmenter.push(p) {
                    prop_assert!(segment.start >= forgotten);
                    prop_assert!(segment.end <= samples_at(segmenter.next_window));
                }
                forgotten = segmenter.needs_from();
            }
        }
    }
}
