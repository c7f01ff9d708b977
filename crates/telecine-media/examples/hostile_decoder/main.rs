//! A decoder that was taken over by the file it reads: it stands in for `ffmpeg` and `ffprobe` in tests, and does what the
//! file orders. `tests/media/sandbox.rs` puts it where they would be, behind the same walls.
//!
//! The first word of the file names the order; each is for one of the two tools, the other one behaves.

mod attempts;
mod orders;

use std::path::PathBuf;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let has = |wanted: &str| args.iter().any(|arg| arg == wanted);
    if has("-version") {
        return println!("ffmpeg version 5.1.9-hostile Copyright (c) nobody");
    }
    let input = args.iter().skip_while(|arg| *arg != "-i").nth(1).expect("an input");
    let input = PathBuf::from(input.trim_start_matches("file:"));
    let text = std::fs::read_to_string(&input).expect("the input can be read");
    let text = text.trim_end_matches('\0');
    let (order, rest) = text.split_once(' ').unwrap_or((text, ""));
    if has("-show_entries") {
        orders::probe(order, rest, &input);
    } else {
        orders::decode(order, &args);
    }
}

/// What `ffprobe` says of a small film; its format is a line of our own, which the tests read.
fn describe(format: &str) {
    let stream = r#"{"index":0,"codec_type":"video","codec_name":"h264","width":16,"height":8}"#;
    let sound = r#"{"index":1,"codec_type":"audio","codec_name":"aac","channels":1,"sample_rate":"16000"}"#;
    println!(r#"{{"format":{{"format_name":"{format}","duration":"1.0"}},"streams":[{stream},{sound}]}}"#);
}
