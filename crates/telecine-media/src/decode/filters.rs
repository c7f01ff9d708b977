//! ffmpeg's own languages: decoder options and filter graphs for a pass. Pure text.

use super::{FramePlan, Profile};
use crate::MediaTime;

/// A tick counts as reached this fraction of a tick early, for containers round their timestamps.
pub(super) const TICK_SLACK: f64 = 0.01;

/// Near the declared end every frame is taken, so that the reader can keep the very last.
const TAIL_S: f64 = 0.25;

/// 16 kHz on the timeline: silence before the start and in gaps longer than 30 ms (clocks of healthy files jitter by less),
/// cut where it overlaps, and at most so many samples.
pub(super) fn audio(max_samples: u64) -> String {
    format!("aresample=16000:async=1:min_hard_comp=0.03:first_pts=0,atrim=end_sample={max_samples}")
}

/// Options in front of the input.
pub(super) fn decoder_options(profile: Profile, codec: &str) -> &'static [&'static str] {
    match profile {
        Profile::Exact => &[],
        Profile::Fast if matches!(codec, "h264" | "hevc") => {
            &["-skip_frame:v", "noref", "-skip_loop_filter:v", "all"]
        }
        Profile::Fast => &[],
        // These decoders cannot skip, the demuxer can for them (in MP4). For codecs that reorder frames it must not:
        // it would then tell wrong times, by as much as frames are reordered.
        Profile::Keyframes if matches!(codec, "av1" | "vp9" | "vp8") => &["-discard:v", "nokey"],
        Profile::Keyframes => &["-skip_frame:v", "nokey"],
    }
}

/// The graph that samples, scales, and tells each frame's time in microseconds on descriptor `times_fd`. Metadata
/// that the file brought along is removed first, so that each record has exactly our two lines.
pub(super) fn video(plan: &FramePlan, width: u32, height: u32, end: MediaTime, times_fd: i32) -> String {
    let select = select(plan.fps, end);
    format!(
        "select='{select}',scale={width}:{height}:flags=bicubic,settb=AVTB,\
         metadata=mode=delete,metadata=mode=add:key=t:value=1,\
         metadata=mode=print:key=t:direct=1:file='pipe\\:{times_fd}'"
    )
}

/// The first frame, the first of each tick, and every frame near the end.
fn select(fps: f64, end: MediaTime) -> String {
    let tick = |t: &str| format!("floor({t}*{fps}+{TICK_SLACK})");
    let (now, before) = (tick("t"), tick("prev_selected_t"));
    let end_s = end.as_secs_f64();
    let tail = format!("gte(t,{})*lt(t,{})", end_s - TAIL_S, end_s + TAIL_S);
    format!("isnan(prev_selected_t)+gt({now},{before})+{tail}")
}
