//! Headers that say what is not so, or what would cost much to believe.

use super::super::Zoo;
use super::super::boxes::{added, body, boxed, patched, replaced, words};
use super::Make;

const TABLES: &str = "moov/trak/mdia/minf/stbl";

pub(super) const ALL: &[(&str, Make)] = &[
    ("endless-duration.mp4", |zoo, name| {
        let mut bytes = zoo.bytes("base.mp4");
        for (path, at) in [("moov/mvhd", 16), ("moov/trak/tkhd", 20), ("moov/trak/mdia/mdhd", 16)] {
            bytes = patched(&bytes, path, at, &words(&[0xffff_fffe]));
        }
        zoo.write(name, &bytes);
    }),
    ("no-duration.mp4", |zoo, name| {
        let mut bytes = zoo.bytes("base.mp4");
        for trak in ["moov/trak", "moov/trak+1"] {
            bytes = patched(&bytes, &format!("{trak}/tkhd"), 20, &words(&[0]));
            bytes = patched(&bytes, &format!("{trak}/mdia/mdhd"), 16, &words(&[0]));
        }
        zoo.write(name, &patched(&bytes, "moov/mvhd", 16, &words(&[0])));
    }),
    ("no-time-scale.mp4", |zoo, name| {
        zoo.write(name, &patched(&zoo.bytes("base.mp4"), "moov/trak/mdia/mdhd", 12, &words(&[0])));
    }),
    ("vast-track.mp4", |zoo, name| {
        zoo.write(name, &patched(&zoo.bytes("base.mp4"), "moov/trak/tkhd", 76, &words(&[0xffff_0000; 2])));
    }),
    ("vast-entry.mp4", |zoo, name| {
        let path = format!("{TABLES}/stsd/avc1");
        zoo.write(name, &patched(&zoo.bytes("base.mp4"), &path, 24, &[0xff; 4]));
    }),
    ("vast-mjpeg.avi", |zoo, name| {
        zoo.make("small-mjpeg.avi", "-i base.mp4 -an -c:v mjpeg -q:v 3");
        // Height and width stand 5 bytes behind the marker of each frame's header.
        let mut bytes = zoo.bytes("small-mjpeg.avi");
        for at in 0..bytes.len() - 9 {
            if bytes[at..].starts_with(&[0xff, 0xc0, 0, 17, 8]) {
                bytes[at + 5..at + 9].copy_from_slice(&[0xff, 0xdc, 0xff, 0xdc]);
            }
        }
        zoo.write(name, &bytes);
    }),
    ("vast-vp8.webm", |zoo, name| {
        zoo.coded("small-vp8.webm", "", "-c:v libvpx -deadline realtime -b:v 2M -an");
        let mut bytes = zoo.bytes("small-vp8.webm");
        for at in 0..bytes.len() - 7 {
            if bytes[at..].starts_with(&[0x9d, 0x01, 0x2a, 160, 0, 48, 0]) {
                bytes[at + 3..at + 7].copy_from_slice(&[0xff, 0x3f, 0xff, 0x3f]);
            }
        }
        zoo.write(name, &bytes);
    }),
    ("vast-png.mov", |zoo, name| {
        zoo.coded("small-png.mov", "", "-c:v png -bf 0 -an");
        let mut bytes = zoo.bytes("small-png.mov");
        for at in 0..bytes.len() - 12 {
            if bytes[at..].starts_with(b"IHDR\0\0\0\xa0") {
                bytes[at + 4..at + 12].copy_from_slice(&words(&[0x7fff_ffff, 0x7fff_ffff]));
            }
        }
        zoo.write(name, &bytes);
    }),
    ("a-hundred-million-samples.mp4", |zoo, name| {
        // Samples of one byte, all in one chunk: an index of gigabytes for a file of kilobytes.
        let sizes = boxed(b"stsz", &words(&[0, 1, 100_000_000]));
        let times = boxed(b"stts", &words(&[0, 1, 100_000_000, 1]));
        let chunks = boxed(b"stsc", &words(&[0, 1, 1, 100_000_000, 1]));
        let bytes = replaced(&sound_free(zoo, name), &format!("{TABLES}/stsz"), &sizes);
        let bytes = replaced(&bytes, &format!("{TABLES}/stts"), &times);
        let bytes = replaced(&bytes, &format!("{TABLES}/stsc"), &chunks);
        let bytes = replaced(&bytes, &format!("{TABLES}/stss"), &[]);
        zoo.write(name, &replaced(&bytes, &format!("{TABLES}/ctts"), &[]));
    }),
    ("table-longer-than-the-file.mp4", |zoo, name| {
        let path = format!("{TABLES}/stsz");
        zoo.write(name, &patched(&sound_free(zoo, name), &path, 8, &words(&[0x7fff_ffff])));
    }),
    ("times-without-end.mp4", |zoo, name| {
        let path = format!("{TABLES}/stts");
        let times = boxed(b"stts", &words(&[0, 2, 0xffff_ffff, 512, 0xffff_ffff, 0x7fff_ffff]));
        zoo.write(name, &replaced(&sound_free(zoo, name), &path, &times));
    }),
    ("times-jump-by-days.mp4", |zoo, name| {
        let path = format!("{TABLES}/stts");
        let times = boxed(b"stts", &words(&[0, 2, 45, 512, 45, 0x7fff_0000]));
        zoo.write(name, &replaced(&sound_free(zoo, name), &path, &times));
    }),
    ("presented-far-away.mp4", |zoo, name| {
        let path = format!("{TABLES}/ctts");
        let shifts = boxed(b"ctts", &words(&[0, 2, 45, 1_024, 45, 0x7fff_ffff]));
        zoo.write(name, &replaced(&sound_free(zoo, name), &path, &shifts));
    }),
    ("chunks-outside-the-file.mp4", |zoo, name| {
        let mut bytes = sound_free(zoo, name);
        let table = body(&bytes, &format!("{TABLES}/stco"));
        for offset in bytes[table.start + 8..table.end].chunks_exact_mut(4) {
            offset.copy_from_slice(&words(&[0x7fff_0000]));
        }
        zoo.write(name, &bytes);
    }),
    ("edits-without-end.mp4", |zoo, name| {
        let edits = boxed(b"edts", &boxed(b"elst", &words(&[0, 0x0fff_ffff, 1_000, 0, 1 << 16])));
        let bytes = replaced(&sound_free(zoo, name), "moov/trak/edts", &edits);
        zoo.write(name, &bytes);
    }),
    ("many-edits.mp4", |zoo, name| {
        let edits = (0..2_000).flat_map(|_| [100, 1_024, 1 << 16]);
        let list = words(&[0, 2_000].into_iter().chain(edits).collect::<Vec<_>>());
        let edits = boxed(b"edts", &boxed(b"elst", &list));
        zoo.write(name, &replaced(&sound_free(zoo, name), "moov/trak/edts", &edits));
    }),
    ("box-of-all-the-bytes-there-are.mp4", |zoo, name| {
        let vast = [&words(&[1])[..], b"mdat", &[0xff; 8]].concat();
        zoo.write(name, &[vast, zoo.bytes("base.mp4")].concat());
    }),
    ("vast-box-behind.mp4", |zoo, name| {
        let vast = [&words(&[1])[..], b"free", &[0xff; 8]].concat();
        zoo.write(name, &[zoo.bytes("base.mp4"), vast].concat());
    }),
    ("box-to-the-end.mp4", |zoo, name| {
        zoo.write(name, &[zoo.bytes("base.mp4"), words(&[0]), b"free".to_vec(), vec![1; 5_000]].concat());
    }),
    ("box-shorter-than-its-head.mp4", |zoo, name| {
        let broken = [&words(&[3])[..], b"udta"].concat();
        zoo.write(name, &added(&zoo.bytes("base.mp4"), "moov", &broken));
    }),
    ("ten-thousand-boxes-deep.mp4", |zoo, name| {
        let mut nest = Vec::new();
        for _ in 0..10_000 {
            nest = [&words(&[u32::try_from(nest.len() + 8).unwrap()])[..], b"udta", &nest].concat();
        }
        zoo.write(name, &added(&zoo.bytes("base.mp4"), "moov", &nest));
    }),
    ("a-million-boxes.mp4", |zoo, name| {
        let boxes = boxed(b"free", b"").repeat(1_000_000);
        zoo.write(name, &added(&zoo.bytes("base.mp4"), "moov", &boxes));
    }),
    ("packed-header-bomb.mov", |zoo, name| {
        // A header that says that it is packed, and that it has two gigabytes when unpacked.
        let packed = boxed(b"cmvd", &[&words(&[0x7fff_fff0])[..], &[0x78, 0x9c, 3, 0, 0, 0, 0, 1]].concat());
        let packed = boxed(b"cmov", &[boxed(b"dcom", b"zlib"), packed].concat());
        let base = zoo.bytes("base.mp4");
        zoo.write(name, &replaced(&base, "moov", &boxed(b"moov", &packed)));
    }),
    ("long-title.mp4", |zoo, name| {
        let title = "x".repeat(100_000);
        zoo.make(name, &format!("-i base.mp4 -c copy -metadata title={title}"));
    }),
    ("long-language.mkv", |zoo, name| {
        let language = "x".repeat(100_000);
        zoo.make(name, &format!("-i base.mp4 -c copy -metadata:s:a language={language}"));
    }),
    ("endless-element.mkv", |zoo, name| {
        zoo.make("plain.mkv", "-i base.mp4 -c copy");
        let mut bytes = zoo.bytes("plain.mkv");
        // The length of the segment, eight bytes behind its id, becomes the largest that there is.
        let at = bytes.windows(4).position(|id| id == [0x18, 0x53, 0x80, 0x67]).unwrap();
        bytes[at + 4..at + 12].copy_from_slice(&[1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe]);
        zoo.write(name, &bytes);
    }),
    ("absurd-clock.mkv", |zoo, name| {
        // The timestamp scale is three bytes, a million nanoseconds; now it is 16.
        zoo.make("clock.mkv", "-i base.mp4 -c copy");
        let mut bytes = zoo.bytes("clock.mkv");
        let at = bytes.windows(4).position(|id| id == [0x2a, 0xd7, 0xb1, 0x83]).unwrap();
        bytes[at + 4..at + 7].copy_from_slice(&[0, 0, 16]);
        zoo.write(name, &bytes);
    }),
    ("no-clock.avi", |zoo, name| {
        zoo.make("clock.avi", "-i base.mp4 -c:v mpeg4 -q:v 2 -bf 0 -an");
        let mut bytes = zoo.bytes("clock.avi");
        // Scale and rate of the stream stand 20 bytes behind its kind.
        let at = bytes.windows(8).position(|kind| kind == b"vidsFMP4").unwrap();
        bytes[at + 20..at + 28].fill(0);
        zoo.write(name, &bytes);
    }),
    ("a-billion-frames-per-second.avi", |zoo, name| {
        zoo.make("quick.avi", "-i base.mp4 -c:v mpeg4 -q:v 2 -bf 0 -an");
        let mut bytes = zoo.bytes("quick.avi");
        let at = bytes.windows(8).position(|kind| kind == b"vidsFMP4").unwrap();
        bytes[at + 20..at + 28].copy_from_slice(&[1, 0, 0, 0, 0, 0xca, 0x9a, 0x3b]);
        zoo.write(name, &bytes);
    }),
    ("duration-is-no-number.flv", |zoo, name| {
        zoo.make("number.flv", "-i base.mp4 -c copy");
        let mut bytes = zoo.bytes("number.flv");
        let at = bytes.windows(9).position(|word| word == b"duration\0").unwrap();
        bytes[at + 9..at + 17].copy_from_slice(&f64::NAN.to_be_bytes());
        zoo.write(name, &bytes);
    }),
    ("duration-of-ages.flv", |zoo, name| {
        zoo.make("ages.flv", "-i base.mp4 -c copy");
        let mut bytes = zoo.bytes("ages.flv");
        let at = bytes.windows(9).position(|word| word == b"duration\0").unwrap();
        bytes[at + 9..at + 17].copy_from_slice(&1e308_f64.to_be_bytes());
        zoo.write(name, &bytes);
    }),
];

/// The base with the picture alone, as one may replace its tables.
fn sound_free(zoo: &Zoo, name: &str) -> Vec<u8> {
    let plain = format!("plain-{name}");
    zoo.make(&plain, "-i base.mp4 -c copy -an -video_track_timescale 15360");
    zoo.bytes(&plain)
}
