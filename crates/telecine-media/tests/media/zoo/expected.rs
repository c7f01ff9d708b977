//! What is to become of each animal of the zoo, by its name.

use super::FPS;
use super::verdict::Kind::{Broken, NoVideo, NotAllowed, NotMedia, OverCpu, OverMemory, OverTime, TooLarge};
use super::verdict::{Kind, Shows, Side, Verdict, shows};

pub(crate) type Expected = Vec<(&'static str, Verdict)>;

fn refused(kinds: &'static [Kind]) -> Verdict {
    Verdict::Refused(kinds)
}

/// The container's clock begins with sound that this encoder puts before what it was given; players start there, too.
fn after_sound() -> Shows {
    shows().truth(|n| f64::from(n) / FPS + 0.046).burst(2.046)
}

/// Nothing in such a file says that the delay by reordered frames is to be taken back; its first picture comes late.
fn late_by_two_frames() -> Shows {
    shows().truth(|n| f64::from(n + 2) / FPS).burst(2.067)
}

pub(crate) fn codecs() -> Expected {
    let all = |name| (name, shows().into());
    let mut expected: Expected = [
        "h264-422.mp4",
        "h264-10bit.mp4",
        "h264-lossless.mkv",
        "h264-interlaced.mp4",
        "h264-one-key-frame.mp4",
        "h264-intra-refresh.mp4",
        "hevc.mp4",
        "hevc-10bit.ts",
        "av1.mp4",
        "av1.webm",
        "vp8.webm",
        "vp9.webm",
        "vp9-10bit.webm",
        "vp9-hidden-frames.webm",
        "prores.mov",
        "prores-4444.mov",
        "mpeg1.mpg",
        "mpeg2-interlaced.mpg",
        "mpeg2.ts",
        "mpeg2-422.mov",
        "mpeg4.mp4",
        "mpeg4.avi",
        "xvid.avi",
        "msmpeg4.avi",
        "sorenson.flv",
        "theora.ogv",
        "mjpeg.avi",
        "mjpeg.mov",
        "jpeg2000.mov",
        "png.mov",
        "animation.mov",
        "huffyuv.avi",
        "ffv1.mkv",
        "utvideo.mkv",
        "uncompressed.mov",
        "uncompressed.avi",
        "gray.mkv",
    ]
    .into_iter()
    .map(all)
    .collect();
    expected.extend([
        ("vp8-alpha.webm", shows().mute().into()),
        ("dnxhr.mxf", shows().size(320, 128).into()),
        (
            "dv.avi",
            shows().truth(|n| f64::from(n) / 25.0).off(1.0 / 25.0).frames(75..=75).size(720, 576).into(),
        ),
        ("cinepak.avi", shows().frames(20..=20).silent().into()),
        ("wmv2.wmv", after_sound().into()),
        ("h263.3gp", shows().size(176, 144).into()),
    ]);
    expected
}

pub(crate) fn containers() -> Expected {
    let mut expected: Expected = [
        "moov-last.mp4",
        "moov-first.mp4",
        "dash.mp4",
        "quicktime.mov",
        "phone.3gp",
        "apple.m4v",
        "matroska.mkv",
        "matroska-live.mkv",
        "matroska-cues-first.mkv",
        "transport.ts",
        "camcorder.m2ts",
        "flash.flv",
        "flash-without-duration.flv",
        "video.avi",
        "opendml.avi",
        "program.mpg",
        "disc.vob",
        "broadcast.mxf",
        "ogg.ogv",
        "matroska-named.mp4",
        "mp4-named.avi",
        "mp4-named.txt",
        "name-without-ending",
    ]
    .into_iter()
    .map(|name| (name, shows().into()))
    .collect();
    expected.extend([
        ("windows.asf", after_sound().into()),
        ("fragmented.mp4", late_by_two_frames().into()),
        ("fragmented-small.mp4", late_by_two_frames().into()),
        ("two-programs.ts", shows().sounds(2).into()),
        ("nut.nut", refused(&[NotAllowed])),
        ("real.rm", refused(&[NotAllowed])),
        ("elementary.h264", refused(&[NotAllowed])),
        ("animation.gif", refused(&[NotAllowed])),
    ]);
    expected
}

/// Ten frames at 30 per second, then a pause of 0.7 s, and so on.
fn pausing(n: u32) -> f64 {
    f64::from(n) / FPS + f64::from(n / 10) * 0.7
}

fn with_a_gap(n: u32) -> f64 {
    f64::from(n) / FPS + if n >= 45 { 5.0 } else { 0.0 }
}

pub(crate) fn timing() -> Expected {
    let mut expected: Expected = [
        "late.mp4",
        "late.mkv",
        "late.flv",
        "late-a-day.ts",
        "wrap.ts",
        "wrap-early.ts",
        "wrap.mpg",
        "negative.nut.mkv",
        "reordered.avi",
    ]
    .into_iter()
    .map(|name| (name, shows().into()))
    .collect();
    for name in
        ["variable.mp4", "variable.mkv", "variable.webm", "variable.flv", "variable.ts", "variable-hevc.mp4"]
    {
        expected.push((name, shows().truth(pausing).into()));
    }
    for name in ["gap.mp4", "gap.mkv", "gap.ts"] {
        expected.push((name, shows().truth(with_a_gap).into()));
    }
    expected.extend([
        ("ntsc.mp4", shows().truth(|n| f64::from(n) * 1_001.0 / 30_000.0).frames(85..=85).into()),
        ("film-24.mkv", shows().truth(|n| f64::from(n) / 24.0).off(1.0 / 24.0).frames(70..=70).into()),
        ("sport-60.mp4", shows().truth(|n| f64::from(n) / 60.0).frames(90..=90).into()),
        ("slow-motion-240.mp4", shows().truth(|n| f64::from(n) / 240.0).frames(36..=39).into()),
        ("slow-2-per-second.mp4", shows().truth(|n| f64::from(n) / 2.0).frames(12..=12).silent().into()),
        ("slideshow.mp4", shows().truth(|n| f64::from(n) * 10.0).frames(4..=4).silent().into()),
        (
            "jitter.mkv",
            shows().truth(|n| f64::from(n) / FPS + f64::from(n * 7 % 5) * 0.004).frames(90..=90).into(),
        ),
        ("negative.mp4", shows().truth(|n| f64::from(n) / FPS - 1.0).frames(59..=61).burst(1.0).into()),
        ("negative.mov", shows().truth(|n| f64::from(n) / FPS - 1.0).frames(59..=61).burst(1.0).into()),
        ("cut.mp4", shows().truth(|n| f64::from(n) / FPS - 1.3).frames(50..=52).burst(0.7).into()),
        (
            "cut-without-edits.mp4",
            shows().truth(|n| f64::from(n + 2) / FPS - 1.0).frames(59..=61).burst(1.067).into(),
        ),
        ("edits-skip-the-middle.mp4", {
            let truth = |n| f64::from(n) / FPS - if n >= 60 { 1.0 } else { 0.0 };
            shows().truth(truth).frames(59..=61).mute().into()
        }),
        ("edits-begin-empty.mp4", shows().mute().into()),
        ("edits-beyond-the-end.mp4", shows().frames(30..=31).mute().into()),
        ("sound-late.mkv", shows().burst(3.5).into()),
        ("picture-late.mp4", shows().truth(|n| f64::from(n) / FPS + 1.5).into()),
        ("joined.ts", shows().frames(178..=180).into()),
        ("joined-hours-apart.ts", shows().frames(178..=180).into()),
        ("one-frame.mp4", shows().frames(1..=1).mute().into()),
        ("one-frame-and-sound.mp4", shows().frames(1..=1).into()),
    ]);
    expected
}

pub(crate) fn tracks() -> Expected {
    let mut expected: Expected = [
        "two-pictures.mp4",
        "second-picture-is-default.mkv",
        "surround.mp4",
        "telephone.mov",
        "studio.mkv",
        "subtitles.mp4",
        "subtitles.mkv",
        "subtitles.webm",
        "chapters.mp4",
        "chapters.mkv",
        "timecode.mov",
        "data.ts",
        "attachment.mkv",
        "cover.mp4",
    ]
    .into_iter()
    .map(|name| (name, shows().into()))
    .collect();
    expected.extend([
        ("mute.mp4", shows().mute().into()),
        ("two-sounds.mp4", shows().sounds(2).into()),
        ("second-sound-is-default.mkv", shows().sounds(2).into()),
        ("cover-and-sound.m4a", refused(&[NoVideo])),
        ("sound.m4a", refused(&[NoVideo])),
        ("sound.mka", refused(&[NoVideo])),
        ("subtitles-alone.mkv", refused(&[NoVideo])),
        // What its sound is stands in its sample description, too.
        ("unknown-sound.mp4", shows().into()),
        ("unknown-picture.mp4", refused(&[Broken])),
        ("encrypted.mp4", refused(&[Broken])),
        ("thirty-sounds.mkv", shows().sounds(30).into()),
        ("a-hundred-sounds.mkv", refused(&[TooLarge])),
    ]);
    expected
}

pub(crate) fn shapes() -> Expected {
    vec![
        ("turned-90.mp4", shows().size(48, 160).bars(Side::Top).into()),
        ("turned-180.mp4", shows().bars(Side::Right).into()),
        ("turned-270.mov", shows().size(48, 160).bars(Side::Bottom).into()),
        ("turned-360.mp4", shows().into()),
        ("turned-a-little.mp4", shows().bars(Side::Nowhere).into()),
        ("mirrored.mp4", shows().bars(Side::Right).into()),
        ("matrix-of-zeros.mp4", shows().into()),
        ("odd.mp4", shows().size(161, 49).into()),
        ("odd-hevc.mp4", shows().size(178, 50).into()),
        ("wide.mp4", shows().size(4_096, 16).frames(20..=20).silent().into()),
        ("tall.mp4", shows().bars(Side::Top).size(32, 4_096).frames(20..=20).silent().into()),
        ("two-by-two.mkv", shows().size(2, 2).frames(20..=20).bars(Side::Nowhere).silent().into()),
        ("one-by-one.mkv", shows().size(1, 1).frames(20..=20).bars(Side::Nowhere).silent().into()),
        ("wide-pixels.mp4", shows().size(320, 48).into()),
        ("narrow-pixels.mkv", shows().size(80, 48).into()),
        ("absurd-pixels.mp4", shows().size(5_242_720, 48).into()),
        ("eight-k.avi", shows().size(7_680, 4_320).frames(2..=2).bars(Side::Nowhere).mute().into()),
        ("larger-than-allowed.avi", refused(&[TooLarge])),
        ("grows.ts", shows().frames(178..=180).into()),
        ("gets-deeper.ts", shows().frames(178..=180).into()),
        ("full-range.mp4", shows().into()),
    ]
}

pub(crate) fn lies() -> Expected {
    let whole = |name| (name, shows().into());
    vec![
        whole("endless-duration.mp4"),
        whole("no-duration.mp4"),
        ("no-time-scale.mp4", Verdict::Bounded),
        whole("vast-track.mp4"),
        whole("vast-entry.mp4"),
        ("vast-mjpeg.avi", refused(&[TooLarge])),
        ("vast-vp8.webm", refused(&[TooLarge])),
        ("vast-png.mov", refused(&[Broken, TooLarge])),
        ("a-hundred-million-samples.mp4", refused(&[Broken, OverMemory, OverCpu, OverTime])),
        ("table-longer-than-the-file.mp4", Verdict::Bounded),
        ("times-without-end.mp4", shows().mute().into()),
        ("times-jump-by-days.mp4", Verdict::Bounded),
        ("presented-far-away.mp4", Verdict::Bounded),
        ("chunks-outside-the-file.mp4", refused(&[Broken])),
        ("edits-without-end.mp4", Verdict::Bounded),
        ("many-edits.mp4", Verdict::Bounded),
        ("box-of-all-the-bytes-there-are.mp4", refused(&[Broken, NotMedia])),
        whole("vast-box-behind.mp4"),
        whole("box-to-the-end.mp4"),
        whole("box-shorter-than-its-head.mp4"),
        ("ten-thousand-boxes-deep.mp4", Verdict::Bounded),
        whole("a-million-boxes.mp4"),
        ("packed-header-bomb.mov", refused(&[Broken, NoVideo, OverMemory])),
        whole("long-title.mp4"),
        whole("long-language.mkv"),
        whole("endless-element.mkv"),
        ("absurd-clock.mkv", Verdict::Bounded),
        ("no-clock.avi", Verdict::Bounded),
        ("a-billion-frames-per-second.avi", Verdict::Bounded),
        whole("duration-is-no-number.flv"),
        whole("duration-of-ages.flv"),
    ]
}

pub(crate) fn damaged() -> Expected {
    let nothing: &'static [Kind] = &[NotMedia, Broken, NotAllowed];
    let part = || shows().frames(10..=89).silent();
    vec![
        ("empty.mp4", refused(&[NotMedia])),
        ("one-byte.mp4", refused(&[NotMedia])),
        ("eight-bytes.mp4", refused(&[NotMedia, Broken])),
        ("zeros.mp4", refused(&[NotMedia])),
        ("ones.mkv", refused(nothing)),
        ("noise.mp4", refused(nothing)),
        ("noise.ts", refused(nothing)),
        ("moov-missing.mp4", refused(&[Broken])),
        ("mdat-missing.mp4", refused(&[Broken])),
        ("mdat-of-zeros.mp4", refused(&[Broken])),
        ("mdat-of-noise.mp4", Verdict::Bounded),
        ("track-missing.mp4", refused(&[NoVideo, Broken])),
        ("ftyp-missing.mp4", shows().into()),
        ("moov-twice.mp4", shows().into()),
        ("two-in-one.mp4", shows().into()),
        ("junk-behind.mp4", shows().into()),
        ("junk-before.mp4", refused(nothing)),
        ("cut-at-a-tenth.mp4", shows().frames(1..=30).silent().into()),
        ("cut-at-half.mp4", part().into()),
        ("cut-near-the-end.mp4", shows().frames(60..=90).into()),
        ("cut-moov-last.mp4", refused(&[Broken])),
        ("cut-inside-moov.mp4", refused(&[Broken])),
        ("cut-fragments.mp4", late_by_two_frames().frames(10..=89).silent().into()),
        ("cut.mkv", part().into()),
        ("cut-head.mkv", refused(&[Broken, NotMedia, NoVideo])),
        ("cut.webm", part().into()),
        ("cut.ts", part().into()),
        ("cut.flv", part().into()),
        ("cut.avi", part().into()),
        ("cut.mpg", part().spoilt(2).into()),
        ("cut.ogv", part().into()),
        ("begins-in-the-middle.ts", shows().shift(1.5).frames(30..=62).into()),
        ("hole.mkv", shows().frames(40..=89).spoilt(40).into()),
        ("hole.ts", shows().frames(40..=89).spoilt(40).into()),
        // It has no clock: what is lost shortens it.
        ("hole.avi", shows().frames(40..=89).off(0.7).spoilt(40).into()),
        ("every-other-packet-lost.ts", Verdict::Bounded),
        ("packets-out-of-order.ts", Verdict::Bounded),
    ]
}

pub(crate) fn polyglots() -> Expected {
    let nothing: &'static [Kind] = &[NotMedia, NotAllowed];
    vec![
        ("playlist.mp4", refused(&[NotAllowed])),
        ("playlist-of-playlists.mp4", refused(&[NotAllowed])),
        ("concat.mp4", refused(&[NotAllowed])),
        ("dash.mp4", refused(&[NotAllowed])),
        ("session.mp4", refused(&[NotAllowed])),
        ("redirect.mp4", refused(nothing)),
        ("metadata.mp4", refused(&[NotAllowed])),
        ("subtitles-named.mp4", refused(&[NotAllowed])),
        ("disc-subtitles.mp4", refused(&[NotAllowed])),
        ("playlist-in-subtitles.avi", shows().into()),
        ("refers-to-another.mov", Verdict::Bounded),
        ("reference-movie.mov", refused(&[NoVideo, Broken])),
        ("drawing.mp4", refused(nothing)),
        ("page.mp4", refused(nothing)),
        ("page-and-video.mp4", refused(nothing)),
        ("video-with-a-page-inside.mp4", shows().into()),
        ("script.mp4", refused(nothing)),
        ("document.mp4", refused(nothing)),
        ("program.mp4", refused(nothing)),
        ("archive.mp4", refused(nothing)),
        ("archive-of-a-video.mp4", refused(nothing)),
        ("video-and-archive.mp4", shows().into()),
        ("photo.mp4", refused(nothing)),
        ("drawing-png.mp4", refused(nothing)),
        ("moving-photo.mp4", refused(nothing)),
        ("song.mp4", refused(nothing)),
        ("wave.mp4", refused(nothing)),
        ("still.avif.mp4", shows().frames(1..=1).mute().into()),
        ("brand-of-another.mp4", shows().into()),
    ]
}
