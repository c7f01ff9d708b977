//! Files whose clocks are unusual: rates, gaps, offsets, edits, wraps.

use super::super::Zoo;
use super::super::boxes::{added, boxed, words};
use super::Make;

pub(super) const ALL: &[(&str, Make)] = &[
    ("ntsc.mp4", |zoo, name| zoo.coded(name, ",settb=1/30000,setpts=N*1001", "-r 30000/1001 -frames:v 85")),
    ("film-24.mkv", |zoo, name| zoo.coded(name, ",setpts=N/24/TB", "-r 24 -frames:v 70")),
    ("sport-60.mp4", |zoo, name| zoo.coded(name, ",settb=1/60,setpts=N", "-r 60 -frames:v 90")),
    ("slow-motion-240.mp4", |zoo, name| zoo.coded(name, ",settb=1/240,setpts=N", "-r 240 -frames:v 90")),
    ("slow-2-per-second.mp4", |zoo, name| zoo.coded(name, ",settb=1/2,setpts=N", "-r 2 -frames:v 12")),
    ("slideshow.mp4", |zoo, name| {
        zoo.coded(
            name,
            ",settb=1,setpts=N*10",
            "-fps_mode passthrough -enc_time_base 1:1000 -frames:v 4 -bf 0",
        )
    }),
    ("variable.mp4", |zoo, name| zoo.coded(name, PAUSES, "-fps_mode passthrough -enc_time_base 1:1000")),
    ("variable.mkv", |zoo, name| zoo.coded(name, PAUSES, "-fps_mode passthrough -enc_time_base 1:1000")),
    ("variable.webm", |zoo, name| {
        zoo.coded(
            name,
            PAUSES,
            "-fps_mode passthrough -enc_time_base 1:1000 -c:v libvpx -deadline realtime -b:v 2M -c:a libopus",
        );
    }),
    ("variable.flv", |zoo, name| zoo.coded(name, PAUSES, "-fps_mode passthrough -enc_time_base 1:1000")),
    ("variable.ts", |zoo, name| {
        zoo.coded(name, PAUSES, "-fps_mode passthrough -enc_time_base 1:1000 -muxdelay 0")
    }),
    ("variable-hevc.mp4", |zoo, name| {
        zoo.coded(
            name,
            PAUSES,
            "-fps_mode passthrough -enc_time_base 1:1000 -c:v libx265 -x265-params log-level=none",
        );
    }),
    ("jitter.mkv", |zoo, name| {
        zoo.coded(
            name,
            ",settb=1/1000,setpts='floor((N/30+mod(N*7,5)*0.004)/TB)'",
            "-fps_mode passthrough -enc_time_base 1:1000",
        );
    }),
    ("gap.mp4", |zoo, name| zoo.coded(name, GAP, "-fps_mode passthrough -enc_time_base 1:1000")),
    ("gap.mkv", |zoo, name| zoo.coded(name, GAP, "-fps_mode passthrough -enc_time_base 1:1000")),
    ("gap.ts", |zoo, name| zoo.coded(name, GAP, "-fps_mode passthrough -enc_time_base 1:1000")),
    ("late.mp4", |zoo, name| drop(zoo.make(name, "-i base.mp4 -c copy -output_ts_offset 7.5"))),
    ("late.mkv", |zoo, name| drop(zoo.make(name, "-i base.mp4 -c copy -output_ts_offset 7.5"))),
    ("late.flv", |zoo, name| drop(zoo.make(name, "-i base.mp4 -c copy -output_ts_offset 7.5"))),
    ("late-a-day.ts", |zoo, name| drop(zoo.make(name, "-i base.mp4 -c copy -output_ts_offset 86400"))),
    // The clock of MPEG-TS has 33 bits: it begins anew after 95,443.7 s.
    ("wrap.ts", |zoo, name| drop(zoo.make(name, "-i base.mp4 -c copy -output_ts_offset 95440.7"))),
    ("wrap-early.ts", |zoo, name| drop(zoo.make(name, "-i base.mp4 -c copy -output_ts_offset 95442.2"))),
    ("wrap.mpg", |zoo, name| {
        zoo.make(name, "-i base.mp4 -c:v mpeg2video -q:v 2 -c:a mp2 -output_ts_offset 95441.7 -f vob");
    }),
    ("negative.mp4", |zoo, name| {
        zoo.make(name, "-itsoffset -1 -i base.mp4 -c copy -avoid_negative_ts disabled");
    }),
    ("negative.mov", |zoo, name| {
        zoo.make(
            name,
            "-itsoffset -1 -i base.mp4 -c copy -avoid_negative_ts disabled -movflags negative_cts_offsets",
        );
    }),
    ("negative.nut.mkv", |zoo, name| {
        zoo.make(name, "-itsoffset -1 -i base.mp4 -c copy -avoid_negative_ts make_zero");
    }),
    ("cut.mp4", |zoo, name| drop(zoo.make(name, "-ss 1.3 -i base.mp4 -c copy"))),
    ("cut-without-edits.mp4", |zoo, name| {
        zoo.make(name, "-ss 1.0 -i base.mp4 -c copy -use_editlist 0");
    }),
    ("edits-skip-the-middle.mp4", |zoo, name| {
        // One second from the start, then the last one; media times in ticks of 1/15360, B-frames delay by 1024.
        let edits = edit_list(&[(1_000, 1_024), (1_000, 1_024 + 2 * 15_360)]);
        zoo.write(name, &with_edits(zoo, name, &edits));
    }),
    ("edits-begin-empty.mp4", |zoo, name| {
        let edits = edit_list(&[(2_000, u32::MAX), (3_000, 1_024)]);
        zoo.write(name, &with_edits(zoo, name, &edits));
    }),
    ("edits-beyond-the-end.mp4", |zoo, name| {
        let edits = edit_list(&[(1_000, 1_024), (4_000_000, 0x7000_0000)]);
        zoo.write(name, &with_edits(zoo, name, &edits));
    }),
    ("sound-late.mkv", |zoo, name| {
        zoo.make(name, "-i base.mp4 -itsoffset 1.5 -i base.mp4 -map 0:v -map 1:a -c copy");
    }),
    ("picture-late.mp4", |zoo, name| {
        zoo.make(name, "-itsoffset 1.5 -i base.mp4 -i base.mp4 -map 0:v -map 1:a -c copy");
    }),
    ("joined.ts", |zoo, name| {
        zoo.coded("joined-1.ts", "", "");
        zoo.sequel("joined-2.ts", "", "");
        zoo.write(name, &[zoo.bytes("joined-1.ts"), zoo.bytes("joined-2.ts")].concat());
    }),
    ("joined-hours-apart.ts", |zoo, name| {
        zoo.coded("apart-1.ts", "", "-output_ts_offset 20000");
        zoo.sequel("apart-2.ts", "", "-output_ts_offset 1000");
        zoo.write(name, &[zoo.bytes("apart-1.ts"), zoo.bytes("apart-2.ts")].concat());
    }),
    ("reordered.avi", |zoo, name| zoo.coded(name, "", "-c:v mpeg4 -q:v 2 -bf 2 -c:a libmp3lame")),
    ("one-frame.mp4", |zoo, name| zoo.coded(name, "", "-frames:v 1 -an")),
    ("one-frame-and-sound.mp4", |zoo, name| {
        zoo.coded("single.mp4", "", "-frames:v 1 -an");
        zoo.make(name, "-i single.mp4 -i base.mp4 -map 0:v -map 1:a -c copy");
    }),
];

/// Ten frames at 30 per second, then a pause of 0.7 s, and so on.
const PAUSES: &str = ",settb=1/1000,setpts='(N/30+floor(N/10)*0.7)/TB'";
/// Five seconds of nothing in the middle.
const GAP: &str = ",settb=1/1000,setpts='(N/30+gte(N,45)*5)/TB'";

/// Edits as milliseconds of the film and ticks of the track.
fn edit_list(edits: &[(u32, u32)]) -> Vec<u8> {
    let count = u32::try_from(edits.len()).unwrap();
    let edits = edits.iter().flat_map(|&(lasts, from)| [lasts, from, 1 << 16]);
    boxed(b"edts", &boxed(b"elst", &words(&[0, count].into_iter().chain(edits).collect::<Vec<_>>())))
}

/// The base without sound and with these edits.
fn with_edits(zoo: &Zoo, name: &str, edits: &[u8]) -> Vec<u8> {
    let plain = format!("plain-{name}");
    zoo.make(&plain, "-i base.mp4 -c copy -an -use_editlist 0 -video_track_timescale 15360");
    added(&zoo.bytes(&plain), "moov/trak", edits)
}
