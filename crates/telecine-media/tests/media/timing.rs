//! Time truth: every picture carries its number, so the time that it was shown at is known, whatever the container
//! did to its timestamps.

use telecine_media::Profile;

use crate::zoo::{Decoded, FPS, Zoo, burst_s, decode, has_encoder, number};

/// Every frame came at the time that `truth` gives for its number, to one frame, and numbers only rise.
#[track_caller]
fn check(decoded: &Decoded, truth: impl Fn(u32) -> f64) {
    assert!(!decoded.frames.is_empty());
    let told: Vec<(u32, f64)> = decoded.frames.iter().map(|f| (number(f), f.pts.as_secs_f64())).collect();
    for &(number, pts) in &told {
        let off = pts - truth(number);
        assert!(off.abs() < 1.0 / FPS, "frame {number} came at {pts}, off by {off}; all: {told:?}");
    }
    assert!(told.is_sorted_by(|a, b| a.0 < b.0 && a.1 < b.1), "{told:?}");
    assert_eq!(decoded.summary.frames, decoded.frames.len() as u64);
}

fn numbers(decoded: &Decoded) -> Vec<u32> {
    decoded.frames.iter().map(number).collect()
}

#[track_caller]
fn check_burst(decoded: &Decoded, truth_s: f64) {
    let heard = burst_s(&decoded.samples);
    assert!((heard - truth_s).abs() < 1.0 / FPS, "heard at {heard}, played at {truth_s}");
}

#[tokio::test]
async fn constant_rate_gives_the_first_frame_of_each_tick_and_the_last() {
    let zoo = Zoo::new();
    let decoded = decode(&zoo.counted("cfr.mp4", 4, "", ""), 1.0, Profile::Exact).await.unwrap();
    assert_eq!(numbers(&decoded), [0, 30, 60, 90, 119]);
    check(&decoded, |n| f64::from(n) / FPS);
    check_burst(&decoded, 2.0);
    let length_s = decoded.samples.len() as f64 / 16_000.0;
    assert!((length_s - 4.0).abs() < 0.1, "{length_s} s of sound");
    assert_eq!(decoded.summary.complaints, "");
}

#[tokio::test]
async fn all_frames_come_when_ticks_are_denser_than_frames() {
    let zoo = Zoo::new();
    let decoded = decode(&zoo.counted("dense.mp4", 1, "", ""), 100.0, Profile::Exact).await.unwrap();
    assert_eq!(numbers(&decoded), (0..30).collect::<Vec<_>>());
}

/// Ten frames at 30 per second, then a pause of 0.7 s, and so on.
fn pausing(n: u32) -> f64 {
    f64::from(n) / FPS + f64::from(n / 10) * 0.7
}

#[tokio::test]
async fn variable_rate_keeps_the_true_times() {
    let zoo = Zoo::new();
    let pauses = ",settb=1/1000,setpts='(N/30+floor(N/10)*0.7)/TB'";
    for name in ["vfr.mp4", "vfr.mkv"] {
        let file = zoo.counted(name, 9, pauses, "-fps_mode passthrough");
        let decoded = decode(&file, 4.0, Profile::Exact).await.unwrap();
        check(&decoded, pausing);
        assert!(decoded.frames.len() >= 18, "{name}: only {:?}", numbers(&decoded));
        let pause_s = decoded.summary.longest_gap.as_secs_f64();
        assert!((0.7..1.0).contains(&pause_s), "{name}: {pause_s}");
    }
}

#[tokio::test]
async fn a_container_that_starts_late_is_shifted_to_zero_for_frames_and_sound() {
    let zoo = Zoo::new();
    for (name, options) in
        [("late.ts", ""), ("late.mkv", "-output_ts_offset 7.5"), ("late.mp4", "-output_ts_offset 7.5")]
    {
        let decoded = decode(&zoo.counted(name, 4, "", options), 1.0, Profile::Exact).await.unwrap();
        assert!(decoded.probe.start.as_secs_f64() > 1.0, "{name} starts at {}", decoded.probe.start);
        check(&decoded, |n| f64::from(n) / FPS);
        check_burst(&decoded, 2.0);
    }
}

#[tokio::test]
async fn sound_that_starts_later_than_the_picture_is_padded_with_silence() {
    let zoo = Zoo::new();
    zoo.counted("both.mp4", 4, "", "");
    for name in ["delayed.mp4", "delayed.mkv"] {
        let file = zoo.make(name, "-i both.mp4 -itsoffset 1.5 -i both.mp4 -map 0:v -map 1:a -c copy");
        let decoded = decode(&file, 1.0, Profile::Exact).await.unwrap();
        check(&decoded, |n| f64::from(n) / FPS);
        check_burst(&decoded, 3.5);
    }
}

#[tokio::test]
async fn a_picture_that_starts_later_than_the_sound_keeps_its_delay() {
    let zoo = Zoo::new();
    zoo.counted("both.mp4", 4, "", "");
    let file = zoo.make("slow.mp4", "-itsoffset 1.5 -i both.mp4 -i both.mp4 -map 0:v -map 1:a -c copy");
    let decoded = decode(&file, 1.0, Profile::Exact).await.unwrap();
    check(&decoded, |n| f64::from(n) / FPS + 1.5);
    check_burst(&decoded, 2.0);
}

#[tokio::test]
async fn an_edit_list_cuts_the_beginning_that_players_do_not_show() {
    let zoo = Zoo::new();
    zoo.counted("whole.mp4", 5, "", "");
    let file = zoo.make("cut.mp4", "-ss 1.3 -i whole.mp4 -c copy");
    let decoded = decode(&file, 2.0, Profile::Exact).await.unwrap();
    assert!(number(&decoded.frames[0]) >= 38, "frames before the cut are shown: {:?}", numbers(&decoded));
    check(&decoded, |n| f64::from(n) / FPS - 1.3);
    check_burst(&decoded, 0.7);
}

#[tokio::test]
async fn cheaper_profiles_still_tell_true_times() {
    let zoo = Zoo::new();
    let file = zoo.counted("profiles.mp4", 4, "", "");
    let fast = decode(&file, 2.0, Profile::Fast).await.unwrap();
    check(&fast, |n| f64::from(n) / FPS);
    assert!(fast.frames.len() >= 8, "{:?}", numbers(&fast));
    let keyframes = decode(&file, 2.0, Profile::Keyframes).await.unwrap();
    assert_eq!(numbers(&keyframes), [0, 30, 60, 90]);
    check(&keyframes, |n| f64::from(n) / FPS);
    if has_encoder("libvpx-vp9") {
        let vp9 = "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -g 30";
        let keyframes = decode(&zoo.counted("vp9.mp4", 4, "", vp9), 2.0, Profile::Keyframes).await.unwrap();
        check(&keyframes, |n| f64::from(n) / FPS);
    }
}

#[tokio::test]
async fn other_codecs_and_containers_tell_true_times() {
    let zoo = Zoo::new();
    let kinds = [
        ("libvpx-vp9", "vp9.webm", "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -c:a libopus"),
        (
            "libx265",
            "ten.mp4",
            "-c:v libx265 -preset ultrafast -pix_fmt yuv420p10le -x265-params log-level=none",
        ),
        ("mpeg4", "old.avi", "-c:v mpeg4 -q:v 2 -bf 0 -c:a mp2"),
        ("flv", "flash.flv", "-c:v flv -q:v 2 -bf 0 -c:a aac"),
    ];
    for (encoder, name, options) in kinds {
        if !has_encoder(encoder) {
            eprintln!("skipped: this ffmpeg cannot encode {encoder}");
            continue;
        }
        let decoded = decode(&zoo.counted(name, 3, "", options), 1.0, Profile::Exact).await.unwrap();
        check(&decoded, |n| f64::from(n) / FPS);
        check_burst(&decoded, 2.0);
        assert!(decoded.frames.len() >= 3, "{name}: {:?}", numbers(&decoded));
    }
}

#[tokio::test]
async fn a_recording_without_a_declared_duration_is_read_to_find_it() {
    let zoo = Zoo::new();
    let file = zoo.counted("live.mkv", 3, "", "-live 1");
    let decoded = decode(&file, 1.0, Profile::Exact).await.unwrap();
    let duration_s = decoded.probe.duration.as_secs_f64();
    assert!((duration_s - 3.0).abs() < 0.1, "{duration_s}");
    check(&decoded, |n| f64::from(n) / FPS);
}

#[tokio::test]
async fn a_turned_phone_video_comes_upright() {
    let zoo = Zoo::new();
    // ffmpeg writes this tag as a counter-clockwise matrix.
    zoo.counted("flat.mp4", 1, "", "");
    let file = zoo.make("turned.mp4", "-i flat.mp4 -c copy -metadata:s:v rotate=270");
    let decoded = decode(&file, 1.0, Profile::Exact).await.unwrap();
    let video = decoded.probe.video.unwrap();
    assert_eq!((video.width, video.height), (48, 160));
    assert_eq!((video.coded_width, video.coded_height, video.rotation_deg), (160, 48, 90));
    let last = decoded.frames.last().unwrap();
    assert_eq!((last.width, last.height), (48, 160));
    // Frame 29 is 0b00011101: turned clockwise, the first bar is at the top.
    let bright = |bar: u32| last.pixel(24, bar * 20 + 10)[1] > 128;
    assert_eq!((0..8).map(bright).collect::<Vec<_>>(), [true, false, true, true, true, false, false, false]);
}

#[tokio::test]
async fn embedded_captions_are_on_the_same_timeline() {
    let zoo = Zoo::new();
    zoo.counted("plain.mp4", 4, "", "");
    zoo.write("words.srt", b"1\n00:00:01,000 --> 00:00:02,500\nHello <i>there</i>\n\n");
    for (name, options) in [("titled.mp4", "-c:s mov_text"), ("titled.mkv", "-c:s srt -output_ts_offset 5")] {
        let file = zoo.make(name, &format!("-i plain.mp4 -i words.srt -map 0 -map 1 -c copy {options}"));
        let tools = crate::zoo::tools().await;
        let probe = tools.probe(&file).await.unwrap();
        let track = probe.subtitles.iter().find(|track| track.text).unwrap();
        let cues = tools.extract_captions(&file, &probe, track.index).await.unwrap();
        let cue = &cues[0];
        assert_eq!((cues.len(), cue.text.as_str()), (1, "Hello there"));
        // In Matroska the encoder's priming sound comes before the first picture, and the timeline starts with it.
        let off_ms = (cue.range.start().as_millis() - 1_000, cue.range.end().as_millis() - 2_500);
        assert!((0..33).contains(&off_ms.0) && off_ms.0 == off_ms.1, "{name}: {off_ms:?}");
    }
}
