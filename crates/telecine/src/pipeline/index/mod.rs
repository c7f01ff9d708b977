//! Index: one decode pass, and what is seen, written and said in it. Frames flow through channels bounded by bytes or
//! by few frames: a slow engine slows the decoder down, and memory does not grow with the video. Only what the index
//! asks for is computed. Stores nothing.
//!
//! Defaults and their reasons, in CPU milliseconds of one core: a picture costs about 14 to see and 50 to 100 to read
//! (`telecine-engines/benches/engines.rs`). So pictures are taken once a second, seen where they differ (at most
//! `look::MAX_PICTURES` a shot), and read only where [`ChangeDetector`] finds that text may have come or gone. Asking
//! the reader first whether there is text would gain nothing: finding text is most of the cost, and reading a picture
//! finds it anyway. What the whole costs, by stage, `benches/pipeline.rs` tells.

mod hear;
mod look;
mod read;
mod see;
mod text;
mod words;

pub(crate) use hear::segments as speech_segments;

use std::collections::BTreeSet;

use anyhow::anyhow;
use futures::Stream;
use telecine_media::changed::{ChangeConfig, ChangeDetector};
use telecine_media::{
    AUDIO_HZ, AudioPlan, DecodePlan, DecodeSummary, FramePlan, MediaError, MediaTime, Probe, Profile,
    frame_channel,
};
use tokio::sync::mpsc;

use super::fetch::Fetched;
use super::job::Job;
use super::stop::Stop;
use super::validate::{Admitted, Said, media_stop};
use crate::fault::{Code, Fault};
use crate::index::ModelOption;
use crate::video::{NewSegment, NewThumbnail};

/// Longest side of the pictures that are read. Text is looked for at 736 ([`ReadRules`]'s default) and read with all
/// pixels: with 736 of them, spaces between words get lost.
///
/// [`ReadRules`]: telecine_engines::read::ReadRules
const READ_SIDE_PX: u32 = 1280;
/// Longest side of the pictures that are seen: enough for every seer (up to 384) and for thumbnails.
const SEE_SIDE_PX: u32 = 480;
/// Decoded pictures that may wait for the looker, of one task.
const WAITING_BYTES: usize = 8 << 20;
/// Pictures end this much before the end that the file declares, at most, when the decoder complained as well.
const CUT_OFF_S: f64 = 3.0;

/// What indexing made of a video.
#[derive(Debug)]
pub(super) struct Indexed {
    /// In order of start.
    pub(super) segments: Vec<NewSegment>,
    /// In order of time.
    pub(super) thumbnails: Vec<NewThumbnail>,
}

/// Decodes the file once and sees, reads and hears it.
pub(super) async fn index(job: &Job, fetched: &Fetched, admitted: &Admitted) -> Result<Indexed, Stop> {
    let options = job.index.options();
    let sees = options.contains(&ModelOption::Visual);
    let reads = options.contains(&ModelOption::TextInVideo);
    let end = admitted.probe.duration;
    let (frames_out, frames_in) = frame_channel(WAITING_BYTES);
    let (shots_out, shots_in) = mpsc::channel(1);
    let (reads_out, reads_in) = mpsc::channel(1);
    let changes = reads.then(|| ChangeDetector::new(ChangeConfig::default()));
    let outlets = look::Outlets { shots: shots_out, reads: reads_out };

    let decode_and_hear = async {
        let plan = plan(job, &options, admitted);
        let decoding = job.app().media.decode(&fetched.file, &admitted.probe, plan, frames_out);
        let summary = job.unless_cancelled(decoding).await?.map_err(|error| match error {
            MediaError::ReceiverGone => Stop::Internal(anyhow!("nobody took the frames")),
            error => media_stop(error),
        })?;
        check_complete(&admitted.probe, &summary)?;
        hear::said(job, &admitted.said, end).await
    };
    let (said, (), (mut shots, thumbnails), written) = tokio::try_join!(
        decode_and_hear,
        look::look(job, frames_in, look::Looker::new(changes), end, outlets),
        see::see(job, shots_in, sees),
        read::read(job, reads_in, end),
    )?;
    let mut worded = said;
    worded.extend(written);
    words::embed(job, &mut worded).await?;
    shots.extend(worded);
    shots.sort_by_key(|segment| segment.range);
    job.progress(|progress| progress.indexed_s = progress.duration_s);
    Ok(Indexed { segments: shots, thumbnails })
}

fn plan(job: &Job, options: &BTreeSet<ModelOption>, admitted: &Admitted) -> DecodePlan {
    let reads = options.contains(&ModelOption::TextInVideo);
    let sees = options.contains(&ModelOption::Visual);
    let fps = job.app().config.pipeline.frames_per_second;
    let frames = FramePlan {
        fps: if fps.is_finite() && fps > 0.0 { fps } else { 1.0 },
        max_side: if reads { READ_SIDE_PX } else { SEE_SIDE_PX },
        profile: match (reads, sees) {
            // Blocks at the edges of letters cost words.
            (true, _) => Profile::Exact,
            (false, true) => Profile::Fast,
            // Only for thumbnails.
            (false, false) => Profile::Keyframes,
        },
    };
    let audio = (admitted.said == Said::Sound).then(|| AudioPlan {
        out: job.app().files.sound(job.task.id),
        max_bytes: (admitted.meta.duration_s + 60.0) as u64 * u64::from(AUDIO_HZ) * 2,
    });
    DecodePlan { frames: Some(frames), audio }
}

/// A file that was cut off declares more than it has, and makes the decoder complain.
pub(crate) fn check_complete(probe: &Probe, summary: &DecodeSummary) -> Result<(), Fault> {
    let declared = probe.video.as_ref().and_then(|video| video.end).unwrap_or(probe.duration);
    let last = summary.last_pts.unwrap_or(MediaTime::ZERO);
    let missing_s = (declared - last).as_secs_f64();
    if summary.complaints.is_empty() || missing_s <= CUT_OFF_S + summary.longest_gap.as_secs_f64() {
        return Ok(());
    }
    Err(Fault::new(Code::VideoFileBroken)
        .value(format!("pictures end at {last} of {declared}; {}", summary.complaints)))
}

/// A channel's receiver as a stream.
fn stream<T>(receiver: mpsc::Receiver<T>) -> impl Stream<Item = T> {
    futures::stream::unfold(receiver, |mut receiver| async {
        receiver.recv().await.map(|item| (item, receiver))
    })
}
