//! Whisper: its ONNX graphs are built by our own code, so English is measured here too, and two other languages are
//! heard (spoken by espeak-ng: no package has real speech in them).

use std::{fs, process::Command};

use telecine_engines::hear::{Recognizer, Whisper, convert_whisper};

use crate::{
    fixtures::{media, model, pcm_16k, runtime},
    hear::{TWO_CITIES, edits, words},
};

fn whisper() -> Whisper {
    Whisper::open(&runtime(), &model("whisper-base"), 1).unwrap()
}

fn spoken(voice: &str, text: &str) -> Vec<f32> {
    let wav = tempfile::NamedTempFile::with_suffix(".wav").unwrap();
    let mut command = Command::new("espeak-ng");
    command.args(["-v", voice, "-s", "140", "-w"]).arg(wav.path()).arg(text);
    let done =
        command.status().expect("espeak-ng is installed; run `scripts/setup.sh` (Debian package espeak-ng)");
    assert!(done.success());
    pcm_16k(wav.path())
}

#[test]
fn a_clear_english_reading_is_nearly_perfect() {
    let pcm = pcm_16k(&media("two_cities.wav"));
    // Whisper takes 30 s; this is where the reader takes breath.
    let pcm = &pcm[..(28.7 * 16_000.0) as usize];
    let heard = words(&whisper().recognise(pcm, "en", &|| false).unwrap());
    let said = words(TWO_CITIES.split(" – in short").next().unwrap());
    let wrong = edits(&said, &heard);
    assert!(wrong * 100 <= said.len() * 3, "{wrong} of {} words are wrong: {heard:?}", said.len());
}

#[test]
fn spanish_is_known_and_written_down() {
    let text = "Buenos días. Hoy hace mucho sol y vamos a caminar por el parque con los niños.";
    let pcm = spoken("es", text);
    let whisper = whisper();
    let (language, probability) = whisper.language_of(&pcm).unwrap();
    assert_eq!(language, "es");
    assert!(probability > 0.5, "{probability}");
    let heard = words(&whisper.recognise(&pcm, "es", &|| false).unwrap());
    let wrong = edits(&words(text), &heard);
    assert!(wrong <= 3, "{wrong} words are wrong: {heard:?}");
}

#[test]
fn german_is_known_and_written_in_german() {
    // No measure of accuracy: the synthetic voice is often misheard, above all at the end of a sentence.
    let pcm = spoken("de", "Guten Morgen. Heute scheint die Sonne, und wir gehen im Park spazieren.");
    let whisper = whisper();
    assert_eq!(whisper.language_of(&pcm).unwrap().0, "de");
    let heard = words(&whisper.recognise(&pcm, "de", &|| false).unwrap());
    assert!(heard.starts_with(&words("Guten Morgen. Heute scheint die Sonne")), "{heard:?}");
}

#[test]
fn weights_of_another_model_are_refused_and_leave_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let weights = folder.path().join("model.bin");
    fs::write(&weights, b"\x06\0\0\0\x05\0Spec\0\x03\0\0\0\0\0\0\0").unwrap();
    let error = convert_whisper(&weights, folder.path()).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidData);
    assert!(error.to_string().contains("encoder/conv1/weight"), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}
