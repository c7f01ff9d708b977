//! Sound to Whisper's picture of it: the logarithm of 80 mel bands, a hundred times a second, up to 30 seconds. Pure.
//!
//! The same numbers as `log_mel_spectrogram` in OpenAI's `whisper/audio.py` (MIT): periodic Hann window of 400
//! samples, hop 160, reflected start, Slaney's mel scale and normalisation.

use std::f64::consts::TAU;

use super::super::segment::SAMPLE_RATE;

/// Bands per frame.
pub(super) const BANDS: usize = 80;
/// Frames per second of audio.
pub(super) const FRAMES_PER_SECOND: usize = SAMPLE_RATE as usize / HOP;
/// The longest picture: 30 s.
pub(super) const MAX_FRAMES: usize = 30 * FRAMES_PER_SECOND;

const WINDOW: usize = 400;
const HALF: usize = WINDOW / 2;
const BINS: usize = HALF + 1;
const HOP: usize = 160;

/// The tables for computing log-mel pictures.
pub(super) struct LogMel {
    hann: Vec<f32>,
    /// cos(2πnk/400) for n in 0..=200 (rows) and k in 0..=200.
    cosines: Vec<f32>,
    sines: Vec<f32>,
    /// Per band: its first bin, and the weights from there on.
    bands: Vec<(usize, Vec<f32>)>,
}

impl LogMel {
    pub(super) fn new() -> Self {
        let angle = |n: usize, k: usize| TAU * ((n * k) % WINDOW) as f64 / WINDOW as f64;
        let table = |f: fn(f64) -> f64| -> Vec<f32> {
            (0..BINS).flat_map(|n| (0..BINS).map(move |k| f(angle(n, k)) as f32)).collect()
        };
        Self {
            hann: (0..WINDOW).map(|n| (0.5 - 0.5 * (TAU * n as f64 / WINDOW as f64).cos()) as f32).collect(),
            cosines: table(f64::cos),
            sines: table(f64::sin),
            bands: mel_bands(),
        }
    }

    /// `BANDS` × `frames` values, band by band. Audio beyond the last frame is left out; shorter audio is followed by
    /// silence.
    pub(super) fn compute(&self, pcm_16k: &[f32], frames: usize) -> Vec<f32> {
        let pcm = &pcm_16k[..pcm_16k.len().min(frames * HOP)];
        let mut picture = vec![-10.0f32; BANDS * frames];
        // Frames that see only silence keep the floor.
        let heard_frames = (pcm.len() + HALF).div_ceil(HOP).min(frames);
        let mut power = [0.0; BINS];
        for frame in 0..heard_frames {
            self.power_spectrum(pcm, frame, &mut power);
            for (band, (first, weights)) in self.bands.iter().enumerate() {
                let energy: f32 = weights.iter().zip(&power[*first..]).map(|(w, p)| w * p).sum();
                picture[band * frames + frame] = energy.max(1e-10).log10();
            }
        }
        let loudest = picture.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        for value in &mut picture {
            *value = (value.max(loudest - 8.0) + 4.0) / 4.0;
        }
        picture
    }

    /// A real transform of 400 samples, folded: the cosine part only sees sums of opposite samples, the sine part
    /// their differences. The inner loops run over the bins, which the compiler vectorises.
    fn power_spectrum(&self, pcm: &[f32], frame: usize, power: &mut [f32; BINS]) {
        let windowed = |n: usize| sample(pcm, (frame * HOP + n) as isize - HALF as isize) * self.hann[n];
        let mut real = [0.0f32; BINS];
        let mut imaginary = [0.0f32; BINS];
        for n in 0..=HALF {
            let (a, b) =
                if n == 0 || n == HALF { (windowed(n), 0.0) } else { (windowed(n), windowed(WINDOW - n)) };
            let (sum, difference) = (a + b, a - b);
            let row = n * BINS..(n + 1) * BINS;
            for (out, cosine) in real.iter_mut().zip(&self.cosines[row.clone()]) {
                *out += sum * cosine;
            }
            for (out, sine) in imaginary.iter_mut().zip(&self.sines[row]) {
                *out += difference * sine;
            }
        }
        for ((power, re), im) in power.iter_mut().zip(real).zip(imaginary) {
            *power = re * re + im * im;
        }
    }
}

/// Frames that begin within so many samples.
pub(super) fn samples_to_frames(samples: usize) -> usize {
    samples.div_ceil(HOP)
}

/// The sample at a position; mirrored before the start, silence after the audio.
fn sample(pcm: &[f32], position: isize) -> f32 {
    pcm.get(position.unsigned_abs()).copied().unwrap_or(0.0)
}

fn mel_bands() -> Vec<(usize, Vec<f32>)> {
    let top = hz_to_mel(f64::from(SAMPLE_RATE) / 2.0);
    let edge = |i: usize| mel_to_hz(top * i as f64 / (BANDS + 1) as f64);
    let bin_hz = |bin: usize| bin as f64 * f64::from(SAMPLE_RATE) / WINDOW as f64;
    let band = |i: usize| {
        let (low, middle, high) = (edge(i), edge(i + 1), edge(i + 2));
        let weight = |bin: usize| {
            let rising = (bin_hz(bin) - low) / (middle - low);
            let falling = (high - bin_hz(bin)) / (high - middle);
            (rising.min(falling).max(0.0) * 2.0 / (high - low)) as f32
        };
        let first = (0..BINS).find(|&bin| weight(bin) > 0.0).unwrap_or(0);
        (first, (first..BINS).map(weight).take_while(|&w| w > 0.0).collect())
    };
    (0..BANDS).map(band).collect()
}

/// Slaney's scale: linear up to 1000 Hz, logarithmic above.
const LINEAR_HZ_PER_MEL: f64 = 200.0 / 3.0;
const BREAK_HZ: f64 = 1000.0;
const BREAK_MEL: f64 = BREAK_HZ / LINEAR_HZ_PER_MEL;

fn log_step() -> f64 {
    6.4f64.ln() / 27.0
}

fn hz_to_mel(hz: f64) -> f64 {
    if hz < BREAK_HZ { hz / LINEAR_HZ_PER_MEL } else { BREAK_MEL + (hz / BREAK_HZ).ln() / log_step() }
}

fn mel_to_hz(mel: f64) -> f64 {
    if mel < BREAK_MEL { mel * LINEAR_HZ_PER_MEL } else { BREAK_HZ * ((mel - BREAK_MEL) * log_step()).exp() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(hz: f64, seconds: f64) -> Vec<f32> {
        let samples = (seconds * f64::from(SAMPLE_RATE)) as usize;
        (0..samples).map(|n| (TAU * hz * n as f64 / f64::from(SAMPLE_RATE)).sin() as f32).collect()
    }

    #[test]
    fn silence_is_even_and_dark() {
        let picture = LogMel::new().compute(&[], MAX_FRAMES);
        assert_eq!(picture.len(), BANDS * MAX_FRAMES);
        assert!(picture.iter().all(|&value| value == -1.5));
    }

    #[test]
    fn a_tone_is_brightest_in_its_band_while_it_sounds() {
        let picture = LogMel::new().compute(&tone(1000.0, 2.0), MAX_FRAMES);
        let at = |frame: usize| -> Vec<f32> {
            (0..BANDS).map(|band| picture[band * MAX_FRAMES + frame]).collect()
        };
        let sounding = at(100);
        let brightest = (0..BANDS).max_by(|&a, &b| sounding[a].total_cmp(&sounding[b])).unwrap();
        let (first, weights) = &LogMel::new().bands[brightest];
        assert!((*first..first + weights.len()).contains(&25), "1000 Hz is bin 25");
        assert!(at(1000).iter().all(|&value| value < sounding[brightest] - 1.9));
    }

    #[test]
    fn the_folded_transform_equals_the_plain_one() {
        let pcm: Vec<f32> = (0..2000).map(|n| ((n * 7919 % 1000) as f32 / 500.0) - 1.0).collect();
        let tables = LogMel::new();
        let mut power = [0.0; BINS];
        tables.power_spectrum(&pcm, 5, &mut power);
        for k in [0, 1, 57, 200] {
            let (mut re, mut im) = (0.0f64, 0.0f64);
            for n in 0..WINDOW {
                let value = f64::from(pcm[5 * HOP + n - HALF] * tables.hann[n]);
                let angle = TAU * (n * k) as f64 / WINDOW as f64;
                re += value * angle.cos();
                im += value * angle.sin();
            }
            let expected = re * re + im * im;
            assert!((f64::from(power[k]) - expected).abs() < 1e-3 * expected.max(1.0), "bin {k}");
        }
    }

    #[test]
    fn the_bands_are_those_of_librosa() {
        let bands = mel_bands();
        // librosa.filters.mel(sr=16000, n_fft=400, n_mels=80): mel[0, 1] and mel[79, 196].
        assert_eq!(bands[0].0, 1);
        assert!((bands[0].1[0] - 0.024_862_5).abs() < 1e-5, "{}", bands[0].1[0]);
    }
}
