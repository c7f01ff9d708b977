//! Files that were cut, overwritten, or never were any. Flipped bits have a seed in their name.

use super::super::Zoo;
use super::super::boxes::{body, replaced};
use super::Make;

pub(super) const ALL: &[(&str, Make)] = &[
    ("empty.mp4", |zoo, name| drop(zoo.write(name, b""))),
    ("one-byte.mp4", |zoo, name| drop(zoo.write(name, b"\0"))),
    ("eight-bytes.mp4", |zoo, name| drop(zoo.write(name, b"\0\0\0\x08ftyp"))),
    ("zeros.mp4", |zoo, name| drop(zoo.write(name, &[0; 50_000]))),
    ("ones.mkv", |zoo, name| drop(zoo.write(name, &[0xff; 50_000]))),
    ("noise.mp4", |zoo, name| drop(zoo.write(name, &noise(7, 65_536)))),
    ("noise.ts", |zoo, name| drop(zoo.write(name, &noise(8, 65_536)))),
    ("moov-missing.mp4", |zoo, name| drop(zoo.write(name, &replaced(&zoo.bytes("base.mp4"), "moov", &[])))),
    ("mdat-missing.mp4", |zoo, name| drop(zoo.write(name, &replaced(&zoo.bytes("base.mp4"), "mdat", &[])))),
    ("mdat-of-zeros.mp4", |zoo, name| {
        let mut bytes = zoo.bytes("base.mp4");
        let pictures = body(&bytes, "mdat");
        bytes[pictures].fill(0);
        zoo.write(name, &bytes);
    }),
    ("mdat-of-noise.mp4", |zoo, name| {
        let mut bytes = zoo.bytes("base.mp4");
        let pictures = body(&bytes, "mdat");
        let noise = noise(9, pictures.len());
        bytes[pictures].copy_from_slice(&noise);
        zoo.write(name, &bytes);
    }),
    ("track-missing.mp4", |zoo, name| {
        let bytes = replaced(&zoo.bytes("base.mp4"), "moov/trak+1", &[]);
        zoo.write(name, &replaced(&bytes, "moov/trak", &[]));
    }),
    ("ftyp-missing.mp4", |zoo, name| drop(zoo.write(name, &replaced(&shifted(zoo), "ftyp", &[])))),
    ("moov-twice.mp4", |zoo, name| {
        let bytes = zoo.bytes("base.mp4");
        let moov = body(&bytes, "moov");
        zoo.write(name, &[&bytes[..], &bytes[moov.start - 8..moov.end]].concat());
    }),
    ("two-in-one.mp4", |zoo, name| drop(zoo.write(name, &zoo.bytes("base.mp4").repeat(2)))),
    ("junk-behind.mp4", |zoo, name| {
        zoo.write(name, &[zoo.bytes("base.mp4"), noise(3, 30_000)].concat());
    }),
    ("junk-before.mp4", |zoo, name| {
        zoo.write(name, &[noise(4, 3_000), zoo.bytes("base.mp4")].concat());
    }),
    ("cut-at-a-tenth.mp4", |zoo, name| cut(zoo, name, "-movflags +faststart", 0.1)),
    ("cut-at-half.mp4", |zoo, name| cut(zoo, name, "-movflags +faststart", 0.5)),
    ("cut-near-the-end.mp4", |zoo, name| cut(zoo, name, "-movflags +faststart", 0.98)),
    ("cut-moov-last.mp4", |zoo, name| cut(zoo, name, "", 0.9)),
    ("cut-inside-moov.mp4", |zoo, name| cut(zoo, name, "", 0.995)),
    ("cut-fragments.mp4", |zoo, name| {
        cut(zoo, name, "-movflags +frag_keyframe+empty_moov+default_base_moof", 0.6);
    }),
    ("cut.mkv", |zoo, name| cut(zoo, name, "", 0.5)),
    ("cut-head.mkv", |zoo, name| cut(zoo, name, "", 0.002)),
    ("cut.webm", |zoo, name| {
        cut(zoo, name, "-c:v libvpx -deadline realtime -b:v 2M -c:a libopus", 0.5);
    }),
    ("cut.ts", |zoo, name| cut(zoo, name, "", 0.503)),
    ("cut.flv", |zoo, name| cut(zoo, name, "", 0.5)),
    ("cut.avi", |zoo, name| cut(zoo, name, "-c:v mpeg4 -q:v 2 -bf 0 -c:a mp2", 0.5)),
    ("cut.mpg", |zoo, name| cut(zoo, name, "-c:v mpeg2video -q:v 2 -c:a mp2", 0.5)),
    ("cut.ogv", |zoo, name| cut(zoo, name, "-c:v libtheora -q:v 9 -c:a libvorbis", 0.5)),
    ("begins-in-the-middle.ts", |zoo, name| {
        zoo.make("whole.ts", "-i base.mp4 -c copy");
        let bytes = zoo.bytes("whole.ts");
        zoo.write(name, &bytes[bytes.len() / 3 + 77..]);
    }),
    ("hole.mkv", |zoo, name| hole(zoo, name, "-i base.mp4 -c copy -cluster_time_limit 100")),
    ("hole.ts", |zoo, name| hole(zoo, name, "-i base.mp4 -c copy")),
    ("hole.avi", |zoo, name| hole(zoo, name, "-i base.mp4 -c:v mpeg4 -q:v 2 -bf 0 -c:a mp2")),
    ("every-other-packet-lost.ts", |zoo, name| {
        zoo.make("all.ts", "-i base.mp4 -c copy");
        let kept = zoo.bytes("all.ts");
        let kept: Vec<&[u8]> =
            kept.chunks(188).enumerate().filter(|(n, _)| n % 7 != 6).map(|(_, p)| p).collect();
        zoo.write(name, &kept.concat());
    }),
    ("packets-out-of-order.ts", |zoo, name| {
        zoo.make("ordered.ts", "-i base.mp4 -c copy");
        let bytes = zoo.bytes("ordered.ts");
        let mut packets: Vec<&[u8]> = bytes.chunks(188).collect();
        packets[20..].chunks_mut(9).for_each(<[&[u8]]>::reverse);
        zoo.write(name, &packets.concat());
    }),
];

/// Formats whose bits are flipped, by the ending of their names, and how they are made.
pub(crate) const FLIPPED: [(&str, &str); 6] = [
    ("mp4", "-c copy"),
    ("mkv", "-c copy"),
    ("ts", "-c copy"),
    ("avi", "-c:v mpeg4 -q:v 2 -bf 0 -c:a mp2"),
    ("flv", "-c copy"),
    ("webm", "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -c:a libopus"),
];

/// A file in which about one bit of `distance` bytes is flipped, more densely in its first kilobyte and its last.
pub(crate) fn flipped(whole: &[u8], seed: u64, distance: u64) -> Vec<u8> {
    let mut bytes = whole.to_vec();
    let mut random = Random(seed);
    let flips = bytes.len() as u64 / distance + 8;
    for flip in 0..flips {
        let length = bytes.len() as u64;
        let at = match flip % 4 {
            0 => random.next() % length.min(1_024),
            1 => length - 1 - random.next() % length.min(4_096),
            _ => random.next() % length,
        };
        bytes[usize::try_from(at).unwrap()] ^= 1 << (random.next() % 8);
    }
    bytes
}

/// SplitMix64.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

fn noise(seed: u64, bytes: usize) -> Vec<u8> {
    let mut random = Random(seed);
    std::iter::repeat_with(|| random.next().to_le_bytes()).flatten().take(bytes).collect()
}

/// The base, encoded or copied so, up to this share of its bytes. Noise makes bytes follow time.
fn cut(zoo: &Zoo, name: &str, options: &str, share: f64) {
    let whole = format!("whole-{name}");
    zoo.coded(&whole, ",noise=alls=20", options);
    let bytes = zoo.bytes(&whole);
    let end = (bytes.len() as f64 * share) as usize;
    zoo.write(name, &bytes[..end]);
}

/// A fifth of the file is zeros.
fn hole(zoo: &Zoo, name: &str, args: &str) {
    zoo.make(&format!("whole-{name}"), args);
    let mut bytes = zoo.bytes(&format!("whole-{name}"));
    let fifth = bytes.len() / 5;
    bytes[fifth..2 * fifth].fill(0);
    zoo.write(name, &bytes);
}

/// The base with a `moov` that still fits when `ftyp` is gone: its chunks lie so much further forward.
fn shifted(zoo: &Zoo) -> Vec<u8> {
    let mut bytes = zoo.bytes("base.mp4");
    let by = u32::try_from(body(&bytes, "ftyp").len() + 8).unwrap();
    for trak in ["moov/trak", "moov/trak+1"] {
        let table = body(&bytes, &format!("{trak}/mdia/minf/stbl/stco"));
        for offset in bytes[table.start + 8..table.end].chunks_exact_mut(4) {
            let moved = u32::from_be_bytes(offset.try_into().unwrap()) - by;
            offset.copy_from_slice(&moved.to_be_bytes());
        }
    }
    bytes
}
