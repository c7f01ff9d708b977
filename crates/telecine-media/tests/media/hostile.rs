//! Files that are broken, odd, or lie: each gets the right verdict, and none makes the child open anything else.

use std::path::Path;

use telecine_media::{Limits, MediaError, Probe, Profile, frame_channel};

use crate::zoo::{Watch, Zoo, decode, number, plan, tools};

async fn probe(file: &Path) -> Result<Probe, MediaError> {
    tools().await.probe(file).await
}

#[tokio::test]
async fn files_that_are_no_media_are_told_so() {
    let zoo = Zoo::new();
    for (name, bytes) in [
        ("empty.mp4", b"".as_slice()),
        ("text.mp4", b"Dear all, this is a letter.\n"),
        ("zeros.mp4", &[0; 5_000]),
    ] {
        let error = probe(&zoo.write(name, bytes)).await.unwrap_err();
        assert!(matches!(error, MediaError::NotMedia { .. }), "{name}: {error:?}");
    }
}

#[tokio::test]
async fn a_missing_file_is_not_the_files_fault() {
    let error = probe(Path::new("nowhere.mp4")).await.unwrap_err();
    assert!(matches!(error, MediaError::Io { .. }), "{error:?}");
}

#[tokio::test]
async fn a_file_without_its_index_is_broken() {
    let zoo = Zoo::new();
    let whole = std::fs::read(zoo.counted("whole.mp4", 2, "", "")).unwrap();
    let error = probe(&zoo.write("cut.mp4", &whole[..whole.len() / 2])).await.unwrap_err();
    let MediaError::Broken { detail } = error else { panic!("{error:?}") };
    assert!(detail.contains("the box `mdat` has"), "{detail}");
}

#[tokio::test]
async fn a_file_that_breaks_off_is_decoded_as_far_as_it_goes() {
    let zoo = Zoo::new();
    let whole = std::fs::read(zoo.counted("fast.mp4", 4, ",noise=alls=60", "-movflags +faststart")).unwrap();
    let decoded =
        decode(&zoo.write("half.mp4", &whole[..whole.len() / 2]), 1.0, Profile::Exact).await.unwrap();
    let last = decoded.summary.last_pts.unwrap().as_secs_f64();
    assert!((0.9..3.5).contains(&last), "last frame at {last}");
    assert_ne!(decoded.summary.complaints, "");
}

#[tokio::test]
async fn a_name_that_looks_like_an_option_or_a_protocol_is_only_a_name() {
    let zoo = Zoo::new();
    let good = std::fs::read(zoo.counted("good.mp4", 1, "", "")).unwrap();
    for name in ["-i", "concat:good.mp4", "-filter_complex", "a b'c\"d%d.mp4", "http:x"] {
        let probe = probe(&zoo.write(name, &good)).await;
        assert!(probe.is_ok_and(|probe| probe.video.is_some()), "{name}");
    }
}

#[tokio::test]
async fn a_playlist_named_mp4_is_refused_and_what_it_points_to_is_never_opened() {
    let zoo = Zoo::new();
    let secret = zoo.counted("secret.ts", 1, "", "");
    let watch = Watch::on(&secret);
    let playlist =
        format!("#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{}\n#EXT-X-ENDLIST\n", secret.display());
    let concat = format!("ffconcat version 1.0\nfile '{}'\n", secret.display());
    // Text is refused at sight; with a NUL, the prober is asked.
    for end in ["", "\0"] {
        for (wanted, text) in [("hls", &playlist), ("concat", &concat)] {
            let error = probe(&zoo.write("list.mp4", format!("{text}{end}").as_bytes())).await.unwrap_err();
            let is_told = matches!(&error, MediaError::FormatNotAllowed { format } if format == wanted);
            assert!(is_told, "{error:?}");
        }
    }
    assert!(!watch.was_opened());
    std::fs::read(&secret).unwrap();
    assert!(watch.was_opened(), "the watch itself works");
}

#[tokio::test]
async fn a_header_with_absurd_dimensions_is_reported_and_not_decoded() {
    let zoo = Zoo::new();
    let mut bytes = std::fs::read(zoo.counted("small.mp4", 1, "", "-c:v mpeg4")).unwrap();
    // Width and height stand 28 bytes behind the sample entry's name.
    let entry = bytes.windows(4).rposition(|name| name == b"mp4v").unwrap();
    bytes[entry + 28..entry + 32].copy_from_slice(&[0xff; 4]);
    let file = zoo.write("huge.mp4", &bytes);
    match decode(&file, 1.0, Profile::Exact).await {
        Err(MediaError::TooLarge { value, .. }) => assert_eq!(value, 65_535 * 65_535),
        // ffprobe may believe the stream rather than the header.
        Ok(decoded) => assert_eq!(decoded.probe.video.unwrap().coded_width, 160),
        Err(error) => panic!("{error:?}"),
    }
}

#[tokio::test]
async fn pictures_beyond_the_limit_are_refused() {
    let zoo = Zoo::new();
    let file = zoo.counted("plain.mp4", 1, "", "");
    let strict = Limits { max_pixels: 160 * 48 - 1, ..Limits::default() };
    let strict = crate::zoo::tools_with(strict).await;
    let is_told =
        |error: &MediaError| matches!(error, MediaError::TooLarge { value: 7_680, limit: 7_679, .. });
    let error = strict.probe(&file).await.unwrap_err();
    assert!(is_told(&error), "{error:?}");
    let probe = probe(&file).await.unwrap();
    let (sender, _frames) = frame_channel(1 << 20);
    let error = strict.decode(&file, &probe, plan(1.0, Profile::Exact, None), sender).await.unwrap_err();
    assert!(is_told(&error), "{error:?}");
}

#[tokio::test]
async fn one_frame_is_a_video() {
    let zoo = Zoo::new();
    let decoded =
        decode(&zoo.counted("one.mp4", 1, "", "-frames:v 1 -an"), 1.0, Profile::Exact).await.unwrap();
    assert_eq!(decoded.frames.iter().map(number).collect::<Vec<_>>(), [0]);
    assert_eq!((decoded.probe.audio.len(), decoded.summary.audio_samples), (0, 0));
}

#[tokio::test]
async fn sound_alone_has_no_video_and_cover_art_is_none() {
    let zoo = Zoo::new();
    zoo.counted("both.mp4", 1, "", "");
    let sound = zoo.make("sound.m4a", "-i both.mp4 -map 0:a -c copy");
    zoo.make("cover.png", "-i both.mp4 -frames:v 1");
    let covered = zoo
        .make("covered.m4a", "-i sound.m4a -i cover.png -map 0 -map 1 -c copy -disposition:v attached_pic");
    for file in [sound, covered] {
        let probe = probe(&file).await.unwrap();
        assert_eq!((probe.video.as_ref(), probe.audio.len()), (None, 1), "{}", file.display());
        let error = decode(&file, 1.0, Profile::Exact).await.err().unwrap();
        assert!(matches!(&error, MediaError::NoSuchStream { wanted } if wanted == "video"), "{error:?}");
    }
}

#[tokio::test]
async fn of_two_audio_tracks_the_default_one_is_heard() {
    let zoo = Zoo::new();
    zoo.counted("both.mp4", 4, "", "");
    zoo.make("silent.m4a", "-f lavfi -t 4 -i anullsrc=r=44100:cl=mono");
    let file = zoo.make(
        "two.mp4",
        "-i both.mp4 -i silent.m4a -map 0:v -map 1:a -map 0:a -c copy -disposition:a:0 0 -disposition:a:1 default",
    );
    let decoded = decode(&file, 1.0, Profile::Exact).await.unwrap();
    assert_eq!(decoded.probe.audio.len(), 2);
    assert!((crate::zoo::burst_s(&decoded.samples) - 2.0).abs() < 0.04);
}
