//! What the engines cost: CPU milliseconds per frame, CPU seconds per second of audio. Prints a Markdown table.
//!
//! Names on the command line choose what is measured: `see`, `words`, `read`, `hear`.
//!
//! CPU time of the calling thread (sessions have no other), so a busy machine does not spoil it much.

#[path = "../tests/engines/fixtures.rs"]
mod fixtures;

use std::{env, fs, sync::Arc};

use fixtures::{frame, media, model, models, pcm_16k, photo, runtime};
use telecine_engines::{
    Image,
    hear::{Hearer, Moonshine, Recognizer, SegmentRules, SpeechHearer, Vad, Whisper, for_each_segment},
    read::{PpOcr, ReadRules, Reader},
    see::{Concept, Seer},
    words::Words,
};

const WIDTH: u32 = 1280;
const HEIGHT: u32 = 720;
const ROUNDS: u32 = 10;

fn main() {
    println!("| engine | input | cost on one core |\n| --- | --- | --- |");
    let measures: [(&str, fn()); 4] = [
        ("see", measure_seeing),
        ("words", measure_words),
        ("read", measure_reading),
        ("hear", measure_hearing),
    ];
    let chosen: Vec<String> = env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    for (name, measure) in measures {
        if chosen.is_empty() || chosen.iter().any(|chosen| chosen == name) {
            measure();
        }
    }
}

fn measure_seeing() {
    let words = Words::open(&runtime(), &models().minilm(), 1).expect("words");
    let concept = Concept::open(&runtime(), &models().concept(), Arc::new(words), 1).expect("concept");
    let film = frame(&media("trailer_bbb.mp4"), 12.0, WIDTH, HEIGHT);
    let (width, height, coffee) = photo(&media("photos/coffee.png"));
    for (width, height, rgb) in [(WIDTH, HEIGHT, film), (width, height, coffee)] {
        let image = Image::new(width, height, &rgb).expect("a frame");
        for batch in [1, 8] {
            let images = vec![image; batch];
            let ms = ms_per_round(|| drop(concept.embed_images(&images).expect("seen"))) / batch as f64;
            println!("| Concept | {width}×{height}, {batch} at a time | {ms:.1} ms per frame |");
        }
    }
}

fn measure_words() {
    let words = Words::open(&runtime(), &models().minilm(), 1).expect("words");
    let passage = "the quick brown fox jumps over the lazy dog again ".repeat(12);
    for (what, texts) in [
        ("a query of 8 words", vec!["a person riding a bicycle in the street"]),
        ("a passage of 120 words", vec![passage.as_str()]),
        ("32 such passages", vec![passage.as_str(); 32]),
    ] {
        let ms = ms_per_round(|| drop(words.embed(&texts).expect("embedded")));
        println!("| MiniLM | {what} | {ms:.1} ms |");
    }
}

fn ms_per_round(mut work: impl FnMut()) -> f64 {
    work();
    let seconds = cpu_seconds(|| (0..ROUNDS).for_each(|_| work()));
    seconds * 1000.0 / f64::from(ROUNDS)
}

fn measure_reading() {
    for size in ["small", "tiny"] {
        let folder = model(&format!("pp-ocrv6-{size}"));
        let (detection, recognition) = (folder.join("det.onnx"), folder.join("rec.onnx"));
        let reader = PpOcr::open(&runtime(), size, &detection, &recognition, 1, &ReadRules::default())
            .expect("reader");
        for (what, at_s) in [("no text", 40.0), ("one line", 18.0), ("two lines", 6.0)] {
            let rgb = frame(&media("trailer_bbb.mp4"), at_s, WIDTH, HEIGHT);
            let image = Image::new(WIDTH, HEIGHT, &rgb).expect("a frame");
            let ms = ms_per_round(|| drop(reader.read(image).expect("read")));
            println!("| PP-OCRv6 {size} | 1280×720, {what} | {ms:.0} ms per frame |");
        }
    }
}

fn measure_hearing() {
    let pcm = pcm_16k(&media("two_cities.wav"));
    let audio_s = pcm.len() as f64 / 16_000.0;
    let vad = || Vad::open(&runtime(), &model("silero-vad/silero_vad.onnx"), 1).expect("VAD");
    let rules = SegmentRules::default();
    let report = |engine: &str, seconds: f64| {
        println!("| {engine} | {audio_s:.0} s of speech | {:.4} s per second |", seconds / audio_s);
    };

    let detector = vad();
    let mut chunks = pcm.chunks(16_000).map(|chunk| Ok(chunk.to_vec()));
    let seconds = cpu_seconds(|| {
        for_each_segment(&detector, &rules, &mut chunks, &|| false, &mut |_, _| Ok(())).expect("heard");
    });
    report("Silero VAD v6", seconds);

    let moonshine = Moonshine::open(&runtime(), &model("moonshine-tiny-en"), 1).expect("Moonshine");
    let whisper = Whisper::open(&runtime(), &model("whisper-base"), 1).expect("Whisper");
    let recognizers: [(&str, Box<dyn Recognizer>); 2] =
        [("VAD + Moonshine tiny-en", Box::new(moonshine)), ("VAD + Whisper base", Box::new(whisper))];
    for (name, recognizer) in recognizers {
        let hearer = SpeechHearer::new(name, vad(), rules.clone(), vec![recognizer]);
        let seconds = cpu_seconds(|| {
            hearer.transcribe(&pcm, "en", &|| false).expect("heard");
        });
        report(name, seconds);
    }
}

fn cpu_seconds(work: impl FnOnce()) -> f64 {
    let before = thread_cpu_ns();
    work();
    (thread_cpu_ns() - before) as f64 / 1e9
}

/// Nanoseconds that this thread has run (Linux).
fn thread_cpu_ns() -> u64 {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").expect("Linux keeps schedstat");
    stat.split(' ').next().and_then(|ns| ns.parse().ok()).expect("schedstat starts with nanoseconds")
}
