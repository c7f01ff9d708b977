//! Speech: voice activity, English transcription, word error rate on pinned recordings.

use std::{cell::Cell, fs, path::Path};

use telecine_engines::{
    EngineError,
    hear::{Hearer, Moonshine, Recognizer, SegmentRules, SpeechHearer, Utterance, Vad, Whisper},
};

use crate::fixtures::{media, model, pcm_16k, runtime};

/// From the Debian package pocketsphinx-testdata: five utterances from LibriVox with their text.
const LIBRIVOX: &str = "/usr/share/pocketsphinx/test/data/librivox";

pub(crate) const TWO_CITIES: &str = "It was the best of times, it was the worst of times, it was the age of wisdom, it was the \
    age of foolishness, it was the epoch of belief, it was the epoch of incredulity, it was the season of Light, it \
    was the season of Darkness, it was the spring of hope, it was the winter of despair, we had everything before us, \
    we had nothing before us, we were all going direct to Heaven, we were all going direct the other way – in short, \
    the period was so far like the present period, that some of its noisiest authorities insisted on its being \
    received, for good or for evil, in the superlative degree of comparison only.";

fn hearer() -> SpeechHearer {
    let runtime = runtime();
    let vad = Vad::open(&runtime, &model("silero-vad/silero_vad.onnx"), 1).unwrap();
    let moonshine = Moonshine::open(&runtime, &model("moonshine-tiny-en"), 1).unwrap();
    SpeechHearer::new("silero-v6+moonshine-tiny-en", vad, SegmentRules::default(), vec![Box::new(moonshine)])
}

fn hear(pcm: &[f32]) -> Vec<Utterance> {
    hearer().transcribe(pcm, "en", &|| false).unwrap()
}

fn text(utterances: &[Utterance]) -> String {
    utterances.iter().map(|u| u.text.as_str()).collect::<Vec<_>>().join(" ")
}

#[test]
fn at_most_6_percent_of_the_librivox_words_are_wrong() {
    let list = fs::read_to_string(Path::new(LIBRIVOX).join("transcription"))
        .expect("LibriVox set is missing; run `scripts/setup.sh` (Debian package pocketsphinx-testdata)");
    let (mut wrong, mut total) = (0, 0);
    for line in list.lines() {
        let (said, id) = line.split_once("</s>").expect("a line is `<s> words </s> (id)`");
        let said = words(said.trim_start_matches("<s>"));
        let id = id.trim().trim_matches(['(', ')']);
        let heard = words(&text(&hear(&pcm_16k(&Path::new(LIBRIVOX).join(format!("{id}.wav"))))));
        wrong += edits(&said, &heard);
        total += said.len();
    }
    assert_eq!(total, 71);
    assert!(wrong * 100 <= total * 6, "{wrong} of {total} words are wrong");
}

#[test]
fn a_clear_reading_is_nearly_perfect_and_has_times() {
    let pcm = pcm_16k(&media("two_cities.wav"));
    let heard = hear(&pcm);
    let said = words(TWO_CITIES);
    let wrong = edits(&said, &words(&text(&heard)));
    assert!(wrong * 100 <= said.len() * 6, "{wrong} of {} words are wrong: {}", said.len(), text(&heard));
    let length_s = pcm.len() as f64 / 16_000.0;
    let mut previous_s = 0.0;
    for utterance in &heard {
        assert!(utterance.start_s >= previous_s && utterance.end_s <= length_s, "{utterance:?}");
        previous_s = utterance.end_s;
    }
    let spring = heard.iter().flat_map(|u| &u.words).find(|w| w.text == "spring").expect("spring is heard");
    assert!((17.0..20.0).contains(&spring.start_s), "{spring:?}");
}

#[test]
fn chunks_of_any_length_are_heard_alike() {
    let pcm = &pcm_16k(&media("two_cities.wav"))[..16_000 * 9];
    let hearer = hearer();
    let mut odd_chunks = pcm.chunks(777).map(|chunk| Ok(chunk.to_vec()));
    let in_pieces = hearer.hear(&mut odd_chunks, "en-GB", &|| false).unwrap();
    assert_eq!(in_pieces, hearer.transcribe(pcm, "en", &|| false).unwrap());
    assert!(!in_pieces.is_empty());
}

#[test]
fn music_and_silence_say_nothing() {
    assert_eq!(hear(&pcm_16k(&media("trailer_bbb.mp4"))), []);
    assert_eq!(hear(&vec![0.0; 16_000 * 5]), []);
    assert_eq!(hear(&[]), []);
}

#[test]
fn each_language_goes_to_the_first_model_that_knows_it() {
    let runtime = runtime();
    let vad = Vad::open(&runtime, &model("silero-vad/silero_vad.onnx"), 1).unwrap();
    let moonshine = Moonshine::open(&runtime, &model("moonshine-tiny-en"), 1).unwrap();
    let whisper = Whisper::open(&runtime, &model("whisper-base"), 1).unwrap();
    let recognizers: Vec<Box<dyn Recognizer>> = vec![Box::new(moonshine), Box::new(whisper)];
    let hearer = SpeechHearer::new("both", vad, SegmentRules::default(), recognizers);
    let pcm = &pcm_16k(&media("two_cities.wav"))[..16_000 * 5];
    let english = hearer.transcribe(pcm, "en", &|| false).unwrap();
    assert_eq!(english, hear(pcm), "English is Moonshine's");
    assert_ne!(hearer.transcribe(pcm, "fr", &|| false).unwrap(), english, "French is Whisper's");
    assert!(hearer.languages().len() > 90);
}

#[test]
fn an_unknown_language_names_the_known_ones() {
    let error = hearer().transcribe(&[0.0; 16_000], "xx-YY", &|| false).unwrap_err();
    let EngineError::LanguageNotSupported { language, supported } = error else { panic!("{error}") };
    assert_eq!(language, "xx");
    assert!(supported.contains(&"en".to_owned()));
}

#[test]
fn a_request_to_stop_is_heard() {
    let pcm = pcm_16k(&media("two_cities.wav"));
    let asked = Cell::new(0);
    let after_a_while = || {
        asked.set(asked.get() + 1);
        asked.get() > 200
    };
    let error = hearer().transcribe(&pcm, "en", &after_a_while).unwrap_err();
    assert!(matches!(error, EngineError::Cancelled), "{error}");
    assert_eq!(asked.get(), 201);
}

#[test]
fn audio_that_breaks_off_is_an_error() {
    let mut chunks = [Ok(vec![0.0; 16_000]), Err(std::io::Error::other("disk is gone"))].into_iter();
    let error = hearer().hear(&mut chunks, "en", &|| false).unwrap_err();
    assert!(error.to_string().contains("disk is gone"), "{error}");
}

pub(crate) fn words(text: &str) -> Vec<String> {
    let parts = text.split(|c: char| c.is_whitespace() || c == '-');
    let bare =
        parts.map(|word| word.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase());
    // The reference spells out what the model abbreviates.
    let spelled = bare.map(|word| if word == "mr" { "mister".to_owned() } else { word });
    spelled.filter(|word| !word.is_empty()).collect()
}

/// Words to insert, delete or replace (Levenshtein).
pub(crate) fn edits(said: &[String], heard: &[String]) -> usize {
    let mut row: Vec<usize> = (0..=heard.len()).collect();
    for (i, word) in said.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, other) in heard.iter().enumerate() {
            let replace = diagonal + usize::from(word != other);
            diagonal = row[j + 1];
            row[j + 1] = replace.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[heard.len()]
}
