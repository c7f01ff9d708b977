//! What the engines cost: CPU milliseconds per frame, CPU seconds per second of audio. Prints a Markdown table.
//!
//! CPU time of the calling thread (sessions have no other), so a busy machine does not spoil it much.

#[path = "../tests/engines/fixtures.rs"]
mod fixtures;

use std::fs;

use fixtures::{frame, media, model, pcm_16k, runtime};
use telecine_engines::{
    Image,
    hear::{Hearer, Moonshine, Recognizer, SegmentRules, SpeechHearer, Vad, Whisper, for_each_segment},
    read::{PpOcr, ReadRules, Reader},
};

const WIDTH: u32 = 1280;
const HEIGHT: u32 = 720;
const ROUNDS: u32 = 10;

fn main() {
    println!("| engine | input | cost on one core |\n| --- | --- | --- |");
    measure_reading();
    measure_hearing();
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
            reader.read(image).expect("warm up");
            let seconds = cpu_seconds(|| {
                for _ in 0..ROUNDS {
                    reader.read(image).expect("read");
                }
            });
            let ms = seconds * 1000.0 / f64::from(ROUNDS);
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
