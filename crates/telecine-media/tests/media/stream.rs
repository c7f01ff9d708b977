//! Streams: what is copied, what is encoded anew, and that players see the same at the same time.

use std::path::{Path, PathBuf};

use telecine_media::stream::{Made, Stream, StreamPlan, playlist};
use telecine_media::{Limit, MediaError, Profile};

use crate::zoo::{FPS, Zoo, decode, has_encoder, number, tools};

fn plan(out: PathBuf, may_encode: bool) -> StreamPlan {
    StreamPlan { out, max_bytes: 64 << 20, may_encode }
}

async fn stream(file: &Path, may_encode: bool) -> Result<Stream, MediaError> {
    let tools = tools().await;
    let probe = tools.probe(file).await?;
    tools.stream(file, &probe, &plan(file.with_extension("stream.mp4"), may_encode)).await
}

#[tokio::test]
async fn what_players_know_is_copied_whatever_container_it_comes_in() {
    let zoo = Zoo::new();
    let cases = [
        ("h264.mp4", "", Made::Copied),
        ("h264.mkv", "-c:a libmp3lame", Made::Copied),
        ("h264.ts", "-c:a ac3", Made::Copied),
        ("h264.mov", "-c:a pcm_s16le", Made::Encoded),
        ("h264.avi", "-bf 0 -c:a libmp3lame", Made::Copied),
        ("hevc.mp4", "-c:v libx265 -x265-params log-level=none", Made::Copied),
        ("vp9.webm", "-c:v libvpx-vp9 -deadline realtime -c:a libopus", Made::Copied),
        ("av1.mp4", "-c:v libaom-av1 -usage realtime -cpu-used 8 -bf 0", Made::Copied),
    ];
    for (name, options, sound) in cases {
        if ["libx265", "libvpx-vp9", "libaom-av1"]
            .iter()
            .any(|codec| options.contains(codec) && !has_encoder(codec))
        {
            continue;
        }
        let file = zoo.counted(name, 5, "", options);
        let made = stream(&file, false).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!((made.video, made.audio), (Made::Copied, Some(sound)), "{name}");
        let (source, streamed) = (
            decode(&file, FPS, Profile::Exact).await.unwrap(),
            decode(&file.with_extension("stream.mp4"), FPS, Profile::Exact).await.unwrap(),
        );
        let codec = |decoded: &crate::zoo::Decoded| decoded.probe.video.clone().unwrap().codec;
        assert_eq!(codec(&streamed), codec(&source), "{name}");
        let shown = |frames: &[telecine_media::Frame]| frames.iter().map(number).collect::<Vec<_>>();
        assert_eq!(shown(&streamed.frames), shown(&source.frames), "{name}");
        for (one, other) in source.frames.iter().zip(&streamed.frames) {
            let apart_s = (one.pts.as_secs_f64() - other.pts.as_secs_f64()).abs();
            // AVI tells no times of presentation: what MP4 makes of its order is two frames late.
            let frames = if name.ends_with(".avi") { 2.1 } else { 1.0 };
            assert!(apart_s <= frames / FPS, "{name}: {} and {}", one.pts, other.pts);
        }
        let total_s: f64 = made.fragments.all.iter().map(|fragment| fragment.duration.as_secs_f64()).sum();
        assert!((total_s - 5.0).abs() <= 1.0 / FPS, "{name}: {total_s}");
        let size = std::fs::metadata(file.with_extension("stream.mp4")).unwrap().len();
        let bytes: u64 = made.fragments.all.iter().map(|fragment| fragment.bytes).sum();
        assert_eq!(made.fragments.header_bytes + bytes, size, "{name}");
    }
}

#[tokio::test]
async fn a_player_of_the_playlist_sees_the_same_pictures_in_segments_that_begin_with_key_frames() {
    let zoo = Zoo::new();
    let file = zoo.counted("film.mp4", 20, "", "");
    let made = stream(&file, false).await.unwrap();
    let text = playlist(&made.fragments, "film.stream.mp4");
    let segments = text.matches("#EXTINF").count();
    assert_eq!(segments, 5, "{text}");
    assert!(text.contains("#EXT-X-INDEPENDENT-SEGMENTS"));
    zoo.write("film.m3u8", text.as_bytes());
    let played = zoo.make("played.mkv", "-i film.m3u8 -c:v libx264 -preset ultrafast -crf 18 -an");
    let played = decode(&played, FPS, Profile::Exact).await.unwrap();
    let source = decode(&file, FPS, Profile::Exact).await.unwrap();
    let shown = |frames: &[telecine_media::Frame]| frames.iter().map(number).collect::<Vec<_>>();
    assert_eq!(shown(&played.frames), shown(&source.frames));
}

#[tokio::test]
async fn a_file_with_one_key_frame_is_still_cut_into_fragments() {
    let zoo = Zoo::new();
    let file = zoo.counted("long.mp4", 25, "", "-g 9999");
    let made = stream(&file, false).await.unwrap();
    let independent: Vec<bool> = made.fragments.all.iter().map(|fragment| fragment.is_independent).collect();
    assert_eq!(independent, [true, false, false]);
    assert_eq!(playlist(&made.fragments, "x").matches("#EXTINF").count(), 1);
}

#[tokio::test]
async fn what_players_do_not_know_is_encoded_anew_if_it_may() {
    let zoo = Zoo::new();
    let file = zoo.counted("old.avi", 3, "", "-c:v mpeg4 -bf 0 -c:a mp2");
    let refused = stream(&file, false).await.unwrap_err();
    assert!(matches!(&refused, MediaError::NotStreamable { codec } if codec == "mpeg4"), "{refused}");
    let made = stream(&file, true).await.unwrap();
    assert_eq!((made.video, made.audio), (Made::Encoded, Some(Made::Encoded)));
    let streamed = decode(&file.with_extension("stream.mp4"), FPS, Profile::Exact).await.unwrap();
    assert_eq!(streamed.probe.video.unwrap().codec, "h264");
    assert_eq!(streamed.frames.iter().map(number).collect::<Vec<_>>(), (0..90).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_stream_that_grows_too_large_is_stopped() {
    let zoo = Zoo::new();
    let file = zoo.counted("film.mp4", 5, "", "");
    let tools = tools().await;
    let probe = tools.probe(&file).await.unwrap();
    let plan = StreamPlan { max_bytes: 8 << 10, ..plan(zoo.path("out.mp4"), false) };
    let error = tools.stream(&file, &probe, &plan).await.unwrap_err();
    assert!(matches!(error, MediaError::Killed { limit: Limit::Output, .. }), "{error}");
    assert!(std::fs::metadata(zoo.path("out.mp4")).unwrap().len() <= 8 << 10);
}

#[tokio::test]
async fn where_a_film_was_shot_does_not_come_along() {
    let zoo = Zoo::new();
    let file = zoo.counted("film.mp4", 2, "", "-metadata title=Secret -metadata location=+48.1+011.5/");
    stream(&file, false).await.unwrap();
    let bytes = std::fs::read(file.with_extension("stream.mp4")).unwrap();
    assert!(!bytes.windows(6).any(|window| window == b"Secret" || window == b"+48.1+"));
}
