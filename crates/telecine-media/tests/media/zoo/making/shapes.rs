//! Pictures turned, stretched, odd, tiny, vast, and of changing size.

use super::super::boxes::{patched, words};
use super::Make;

pub(super) const ALL: &[(&str, Make)] = &[
    ("turned-90.mp4", |zoo, name| drop(zoo.make(name, "-i base.mp4 -c copy -metadata:s:v rotate=270"))),
    ("turned-180.mp4", |zoo, name| drop(zoo.make(name, "-i base.mp4 -c copy -metadata:s:v rotate=180"))),
    ("turned-270.mov", |zoo, name| drop(zoo.make(name, "-i base.mp4 -c copy -metadata:s:v rotate=90"))),
    ("turned-360.mp4", |zoo, name| drop(zoo.make(name, "-i base.mp4 -c copy -metadata:s:v rotate=360"))),
    ("turned-a-little.mp4", |zoo, name| {
        // cos and sin of 30 degrees, as fixed point.
        let (cos, sin) = (56_756_u32, 32_768_u32);
        let matrix = words(&[cos, sin, 0, sin.wrapping_neg(), cos, 0, 0, 0, 1 << 30]);
        zoo.write(name, &patched(&zoo.bytes("base.mp4"), "moov/trak/tkhd", 40, &matrix));
    }),
    ("mirrored.mp4", |zoo, name| {
        let matrix = words(&[0xffff_0000, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30]);
        zoo.write(name, &patched(&zoo.bytes("base.mp4"), "moov/trak/tkhd", 40, &matrix));
    }),
    ("matrix-of-zeros.mp4", |zoo, name| {
        zoo.write(name, &patched(&zoo.bytes("base.mp4"), "moov/trak/tkhd", 40, &[0; 36]));
    }),
    ("odd.mp4", |zoo, name| zoo.coded(name, ",scale=161:49:flags=neighbor,setsar=1", "-pix_fmt yuv444p")),
    ("odd-hevc.mp4", |zoo, name| {
        let options = "-c:v libx265 -x265-params log-level=none";
        zoo.coded(name, ",scale=178:50:flags=neighbor,setsar=1", options);
    }),
    ("wide.mp4", |zoo, name| zoo.coded(name, ",scale=4096:16:flags=neighbor,setsar=1", "-frames:v 20")),
    ("tall.mp4", |zoo, name| {
        zoo.coded(name, ",transpose=clock,scale=32:4096:flags=neighbor,setsar=1", "-frames:v 20")
    }),
    ("two-by-two.mkv", |zoo, name| zoo.coded(name, ",scale=2:2,setsar=1", "-c:v ffv1 -bf 0 -frames:v 20")),
    ("one-by-one.mkv", |zoo, name| {
        zoo.coded(name, ",scale=1:1,setsar=1", "-c:v ffv1 -bf 0 -pix_fmt gray -frames:v 20");
    }),
    ("wide-pixels.mp4", |zoo, name| zoo.coded(name, ",setsar=2/1", "")),
    ("narrow-pixels.mkv", |zoo, name| zoo.coded(name, ",setsar=1/2", "")),
    ("absurd-pixels.mp4", |zoo, name| {
        zoo.coded("absurd.mp4", ",setsar=2/1", "-c:v mpeg4 -q:v 2");
        let pasp = "moov/trak/mdia/minf/stbl/stsd/mp4v";
        let bytes = zoo.bytes("absurd.mp4");
        let at = bytes.windows(4).rposition(|window| window == b"pasp").unwrap();
        let before = super::super::boxes::body(&bytes, pasp).start;
        zoo.write(name, &patched(&bytes, pasp, at + 4 - before, &words(&[1 << 30, 1])));
    }),
    ("eight-k.avi", |zoo, name| {
        zoo.make(name, "-f lavfi -i color=c=gray:s=7680x4320:r=1 -frames:v 2 -c:v mjpeg -q:v 20");
    }),
    ("larger-than-allowed.avi", |zoo, name| {
        zoo.make(name, "-f lavfi -i color=c=gray:s=8192x5120:r=1 -frames:v 1 -c:v mjpeg -q:v 20");
    }),
    ("grows.ts", |zoo, name| {
        zoo.coded("grows-1.ts", "", "");
        zoo.sequel("grows-2.ts", ",scale=640:192:flags=neighbor,setsar=1", "-output_ts_offset 3.067");
        zoo.write(name, &[zoo.bytes("grows-1.ts"), zoo.bytes("grows-2.ts")].concat());
    }),
    ("gets-deeper.ts", |zoo, name| {
        zoo.coded("deeper-1.ts", "", "");
        zoo.sequel("deeper-2.ts", "", "-pix_fmt yuv422p10le -output_ts_offset 3.067");
        zoo.write(name, &[zoo.bytes("deeper-1.ts"), zoo.bytes("deeper-2.ts")].concat());
    }),
    ("full-range.mp4", |zoo, name| {
        zoo.coded(name, "", "-color_range pc -colorspace bt2020nc -color_trc smpte2084")
    }),
];
