//! Hears speech: the `Hearer` seam and the listener behind it (voice activity → segments → a recogniser per
//! language). Audio goes in as a stream of chunks, so that hours of it need the memory of one segment. Captions that
//! come with a video are not looked at here.

mod moonshine;
mod segment;
mod vad;
mod whisper;

use std::io::{self, Read};

pub use self::{
    moonshine::Moonshine,
    segment::{SAMPLE_RATE, Segment, SegmentRules, Segmenter, WINDOW_SAMPLES, segments},
    vad::{Vad, VadStream},
    whisper::{Whisper, convert_whisper},
};
use crate::EngineError;

/// Chunks of mono audio at 16 kHz, samples in -1..=1; any chunk length.
pub type PcmChunks<'a> = dyn Iterator<Item = io::Result<Vec<f32>>> + 'a;

/// Turns speech into text with times. Implementations may be called from many threads.
pub trait Hearer: Send + Sync {
    /// Names the models; stored with what they heard.
    fn model_id(&self) -> &str;

    /// Languages (primary subtags of BCP 47, such as `en`) that [`Hearer::hear`] takes.
    fn languages(&self) -> Vec<String>;

    /// Everything that is said, in order. `language` is a BCP 47 tag; only its primary subtag counts. `cancel` is
    /// asked often (at least every 32 ms of audio and every word); when it says yes, the answer is
    /// [`EngineError::Cancelled`].
    fn hear(
        &self,
        audio: &mut PcmChunks<'_>,
        language: &str,
        cancel: &dyn Fn() -> bool,
    ) -> Result<Vec<Utterance>, EngineError>;

    /// [`Hearer::hear`] for audio that is in memory.
    fn transcribe(
        &self,
        pcm_16k: &[f32],
        language: &str,
        cancel: &dyn Fn() -> bool,
    ) -> Result<Vec<Utterance>, EngineError> {
        let mut chunks = pcm_16k.chunks(SAMPLE_RATE as usize).map(|chunk| Ok(chunk.to_vec()));
        self.hear(&mut chunks, language, cancel)
    }
}

/// Something said without a longer pause, at most [`SegmentRules::max_segment_ms`] long.
#[derive(Debug, Clone, PartialEq)]
pub struct Utterance {
    /// Where it starts, in seconds from the start of the audio; found by voice activity, within about 0.1 s.
    pub start_s: f64,
    /// Where it ends, likewise.
    pub end_s: f64,
    /// What is said, with punctuation; never empty.
    pub text: String,
    /// The text's words. Their times are **estimated**: the models give none, so each word takes a share of the
    /// utterance in proportion to its letters.
    pub words: Vec<Word>,
}

/// One word of an utterance.
#[derive(Debug, Clone, PartialEq)]
pub struct Word {
    /// Estimated start in seconds from the start of the audio.
    pub start_s: f64,
    /// Estimated end.
    pub end_s: f64,
    /// The word with the punctuation that touches it.
    pub text: String,
}

/// One segment of speech to text; what [`SpeechHearer`] chooses among by language.
pub trait Recognizer: Send + Sync {
    /// Primary subtags of the languages that it knows.
    fn languages(&self) -> &[String];

    /// What is said in the segment; empty when nothing is understood. `language` is one of its own.
    fn recognise(
        &self,
        pcm_16k: &[f32],
        language: &str,
        cancel: &dyn Fn() -> bool,
    ) -> Result<String, EngineError>;
}

/// Finds speech with Silero VAD and gives each segment to the first recogniser that knows the language.
pub struct SpeechHearer {
    model_id: String,
    vad: Vad,
    rules: SegmentRules,
    recognizers: Vec<Box<dyn Recognizer>>,
}

impl SpeechHearer {
    /// The order of `recognizers` is the order of preference.
    pub fn new(
        model_id: impl Into<String>,
        vad: Vad,
        rules: SegmentRules,
        recognizers: Vec<Box<dyn Recognizer>>,
    ) -> Self {
        Self { model_id: model_id.into(), vad, rules, recognizers }
    }

    fn recognizer_for(&self, language: &str) -> Result<&dyn Recognizer, EngineError> {
        let known = self.recognizers.iter().find(|r| r.languages().iter().any(|known| known == language));
        known.map(Box::as_ref).ok_or_else(|| EngineError::LanguageNotSupported {
            language: language.to_owned(),
            supported: self.languages(),
        })
    }
}

impl Hearer for SpeechHearer {
    fn model_id(&self) -> &str {
        &self.model_id
    }

    fn languages(&self) -> Vec<String> {
        let all = self.recognizers.iter().flat_map(|r| r.languages());
        let mut languages: Vec<String> = all.cloned().collect();
        languages.sort_unstable();
        languages.dedup();
        languages
    }

    fn hear(
        &self,
        audio: &mut PcmChunks<'_>,
        language: &str,
        cancel: &dyn Fn() -> bool,
    ) -> Result<Vec<Utterance>, EngineError> {
        let language = primary_subtag(language);
        let recognizer = self.recognizer_for(&language)?;
        let mut utterances = Vec::new();
        for_each_segment(&self.vad, &self.rules, audio, cancel, &mut |segment, pcm| {
            let text = recognizer.recognise(pcm, &language, cancel)?;
            utterances.extend(utterance(segment, &text));
            Ok(())
        })?;
        Ok(utterances)
    }
}

/// Takes a segment and its samples; an error ends the search.
pub type OnSegment<'a> = dyn FnMut(Segment, &[f32]) -> Result<(), EngineError> + 'a;

/// Finds speech in the stream and hands each segment over with its samples, as soon as its end is known.
///
/// Memory stays bounded by the longest segment and one chunk.
pub fn for_each_segment(
    vad: &Vad,
    rules: &SegmentRules,
    audio: &mut PcmChunks<'_>,
    cancel: &dyn Fn() -> bool,
    on_segment: &mut OnSegment<'_>,
) -> Result<(), EngineError> {
    let mut stream = VadStream::default();
    let mut listener = Listener::new(rules);
    let mut probability = |window: &[f32; WINDOW_SAMPLES]| {
        if cancel() { Err(EngineError::Cancelled) } else { vad.probability(&mut stream, window) }
    };
    for chunk in audio {
        listener.take(&chunk.map_err(EngineError::Audio)?, &mut probability, on_segment)?;
    }
    listener.finish(&mut probability, on_segment)
}

/// Audio in, segments with their samples out; independent of the model that gives the probabilities.
struct Listener {
    segmenter: Segmenter,
    tape: Tape,
}

/// How probable speech is in the next window.
type Probability<'a> = dyn FnMut(&[f32; WINDOW_SAMPLES]) -> Result<f32, EngineError> + 'a;

impl Listener {
    fn new(rules: &SegmentRules) -> Self {
        Self { segmenter: Segmenter::new(rules), tape: Tape::default() }
    }

    fn take(
        &mut self,
        chunk: &[f32],
        probability: &mut Probability<'_>,
        on_segment: &mut OnSegment<'_>,
    ) -> Result<(), EngineError> {
        self.tape.samples.extend_from_slice(chunk);
        while let Some(window) = self.tape.next_window() {
            if let Some(segment) = self.segmenter.push(probability(&window)?) {
                on_segment(segment, self.tape.slice(segment))?;
            }
        }
        self.tape.forget_before(self.segmenter.needs_from());
        Ok(())
    }

    fn finish(
        mut self,
        probability: &mut Probability<'_>,
        on_segment: &mut OnSegment<'_>,
    ) -> Result<(), EngineError> {
        if let Some(window) = self.tape.last_window()
            && let Some(segment) = self.segmenter.push(probability(&window)?)
        {
            on_segment(segment, self.tape.slice(segment))?;
        }
        if let Some(segment) = self.segmenter.finish(self.tape.end()) {
            on_segment(segment, self.tape.slice(segment))?;
        }
        Ok(())
    }
}

/// The part of the audio that may still be needed.
#[derive(Debug, Default)]
struct Tape {
    samples: Vec<f32>,
    /// Position of `samples[0]` in the audio.
    start: u64,
    /// Position of the next window.
    read: u64,
}

impl Tape {
    fn end(&self) -> u64 {
        self.start + self.samples.len() as u64
    }

    fn next_window(&mut self) -> Option<[f32; WINDOW_SAMPLES]> {
        let from = (self.read - self.start) as usize;
        let window = *self.samples[from..].first_chunk::<WINDOW_SAMPLES>()?;
        self.read += WINDOW_SAMPLES as u64;
        Some(window)
    }

    /// What is left after the last whole window, filled up with silence.
    fn last_window(&mut self) -> Option<[f32; WINDOW_SAMPLES]> {
        let rest = &self.samples[(self.read - self.start) as usize..];
        let mut window = [0.0; WINDOW_SAMPLES];
        window.get_mut(..rest.len())?.copy_from_slice(rest);
        self.read = self.end();
        (!rest.is_empty()).then_some(window)
    }

    /// The segment's samples; what lies beyond the end of the audio is left out.
    fn slice(&self, segment: Segment) -> &[f32] {
        let place = |position: u64| (position.clamp(self.start, self.end()) - self.start) as usize;
        &self.samples[place(segment.start)..place(segment.end)]
    }

    fn forget_before(&mut self, position: u64) {
        let stale = (position.min(self.read).saturating_sub(self.start)) as usize;
        self.samples.drain(..stale);
        self.start += stale as u64;
    }
}

/// Reads raw little-endian 16-bit mono samples (ffmpeg's `s16le`) in chunks of one second.
///
/// An odd byte at the end is dropped: half a sample says nothing.
pub fn read_s16le<R: Read>(mut reader: R) -> impl Iterator<Item = io::Result<Vec<f32>>> {
    std::iter::from_fn(move || {
        let mut bytes = Vec::with_capacity(2 * SAMPLE_RATE as usize);
        let read = reader.by_ref().take(2 * u64::from(SAMPLE_RATE)).read_to_end(&mut bytes);
        let (samples, _) = bytes.as_chunks::<2>();
        match read {
            Err(error) => Some(Err(error)),
            Ok(_) if samples.is_empty() => None,
            Ok(_) => Some(Ok(samples.iter().map(|s| f32::from(i16::from_le_bytes(*s)) / 32768.0).collect())),
        }
    })
}

fn utterance(segment: Segment, text: &str) -> Option<Utterance> {
    let (start_s, end_s) = (segment.start_s(), segment.end_s());
    let words = place_words(text, start_s, end_s);
    let said = Utterance { start_s, end_s, text: text.to_owned(), words };
    (!said.words.is_empty()).then_some(said)
}

/// Spreads the words over the time, each by its number of characters.
fn place_words(text: &str, start_s: f64, end_s: f64) -> Vec<Word> {
    let length = |word: &str| word.chars().count() as f64;
    let total: f64 = text.split_whitespace().map(length).sum();
    let mut before = 0.0;
    let at = |characters: f64| start_s + (end_s - start_s) * characters / total;
    let place = |word: &str| {
        let from = before;
        before += length(word);
        Word { start_s: at(from), end_s: at(before), text: word.to_owned() }
    };
    text.split_whitespace().map(place).collect()
}

/// A decoder that ran into its limit mostly repeats itself: of a tail that is the same few tokens at least three
/// times over, one is kept.
fn without_loop(mut tokens: Vec<u32>) -> Vec<u32> {
    const MIN_REPEATS: usize = 3;
    for period in 1..=tokens.len() / MIN_REPEATS {
        let repeated =
            tokens.iter().rev().zip(tokens.iter().rev().skip(period)).take_while(|(a, b)| a == b).count();
        if repeated >= period * (MIN_REPEATS - 1) {
            tokens.truncate(tokens.len() - repeated);
            return tokens;
        }
    }
    tokens
}

fn primary_subtag(language: &str) -> String {
    let subtag = language.split(['-', '_']).next().unwrap_or_default();
    subtag.trim().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_loop_at_the_end_is_kept_once() {
        assert_eq!(without_loop(vec![7, 8, 1, 2, 1, 2, 1, 2]), [7, 8, 1, 2]);
        assert_eq!(without_loop(vec![5, 5, 5, 5]), [5]);
    }

    #[test]
    fn a_word_said_twice_is_not_a_loop() {
        assert_eq!(without_loop(vec![7, 1, 2, 1, 2]), [7, 1, 2, 1, 2]);
        assert_eq!(without_loop(Vec::new()), Vec::<u32>::new());
    }

    #[test]
    fn a_language_tag_counts_by_its_first_part() {
        for tag in ["en", "EN", "en-US", "en_GB"] {
            assert_eq!(primary_subtag(tag), "en");
        }
        assert_eq!(primary_subtag(""), "");
    }

    #[test]
    fn words_share_the_time_by_their_letters() {
        let words = place_words("a bcd", 10.0, 14.0);
        let times: Vec<(f64, f64)> = words.iter().map(|w| (w.start_s, w.end_s)).collect();
        assert_eq!(times, [(10.0, 11.0), (11.0, 14.0)]);
    }

    #[test]
    fn nothing_understood_is_no_utterance() {
        assert_eq!(utterance(Segment { start: 0, end: 16_000 }, " "), None);
    }

    #[test]
    fn raw_samples_are_read_in_chunks_of_a_second() {
        let mut bytes: Vec<u8> = (0..20_000i32).flat_map(|i| ((i % 1000) as i16).to_le_bytes()).collect();
        bytes.push(7);
        let chunks: Vec<Vec<f32>> = read_s16le(bytes.as_slice()).map(Result::unwrap).collect();
        assert_eq!(chunks.iter().map(Vec::len).collect::<Vec<_>>(), [16_000, 4_000]);
        assert_eq!(chunks[1][1], 1.0 / 32768.0);
    }

    #[test]
    fn hours_of_audio_need_the_memory_of_one_segment() {
        let rules = SegmentRules::default();
        let longest = (rules.max_segment_ms as usize / 1000 + 2) * SAMPLE_RATE as usize;
        let mut listener = Listener::new(&rules);
        // Each sample is 1 where somebody speaks: an hour with 50 s of speech in every minute.
        let mut probability = |window: &[f32; WINDOW_SAMPLES]| Ok(window[0]);
        let mut heard_samples = 0;
        let mut on_segment = |segment: Segment, pcm: &[f32]| {
            assert_eq!(pcm.len() as u64, segment.end - segment.start);
            assert!(pcm.iter().filter(|&&sample| sample == 1.0).count() * 10 > pcm.len() * 9);
            heard_samples += pcm.len();
            Ok(())
        };
        for second in 0..3600 {
            let sample = if second % 60 < 50 { 1.0 } else { 0.0 };
            listener.take(&[sample; SAMPLE_RATE as usize], &mut probability, &mut on_segment).unwrap();
            assert!(listener.tape.samples.len() <= longest, "{} at {second} s", listener.tape.samples.len());
        }
        listener.finish(&mut probability, &mut on_segment).unwrap();
        let spoken_s = heard_samples / SAMPLE_RATE as usize;
        assert!((3000..3060).contains(&spoken_s), "{spoken_s}");
    }

    proptest! {
        #[test]
        fn the_tape_gives_every_sample_once_and_remembers_what_is_needed(
            lengths in prop::collection::vec(0usize..2000, 0..20),
        ) {
            let mut tape = Tape::default();
            let mut next = 0.0f32;
            let mut seen = Vec::new();
            for length in lengths {
                tape.samples.extend((0..length).map(|i| next + i as f32));
                next += length as f32;
                while let Some(window) = tape.next_window() {
                    seen.extend(window);
                }
                tape.forget_before(tape.read.saturating_sub(700));
                let kept = Segment { start: tape.read.saturating_sub(700), end: tape.end() + 5 };
                prop_assert_eq!(tape.slice(kept).first().copied().unwrap_or(kept.start as f32), kept.start as f32);
            }
            let rest = next as usize - seen.len();
            seen.extend(tape.last_window().into_iter().flat_map(|window| window.into_iter().take(rest)));
            prop_assert_eq!(seen, (0..next as usize).map(|i| i as f32).collect::<Vec<_>>());
        }

        #[test]
        fn words_are_in_order_inside_the_utterance(text in "[a-z ,.]{0,80}", start in 0.0f64..1e4, length in 0.1f64..20.0) {
            let mut previous = start;
            for word in place_words(&text, start, start + length) {
                prop_assert!(word.start_s >= previous - 1e-9 && word.end_s >= word.start_s);
                prop_assert!(word.end_s <= start + length + 1e-6);
                previous = word.end_s;
            }
        }
    }
}
