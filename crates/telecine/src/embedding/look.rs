//! A video's pictures into vectors: one decode pass in the sandbox, one picture at a time through the engine.

use std::path::Path;

use anyhow::Context as _;
use telecine_engines::Image;
use telecine_media::{DecodePlan, FramePlan, FrameReceiver, MediaError, Profile, frame_channel};

use super::fetch::Trouble;
use super::{Embedded, Means, Plan, cut};
use crate::app::App;
use crate::fault::{Code, Fault};
use crate::index::{Family, Measured, check_duration, check_resolution};
use crate::pipeline::{check_complete, media_fault};
use crate::time::MediaTime;

/// Pictures a second: the shortest clip has four.
const PICTURES_PER_SECOND: f64 = 2.0;
/// Longest side of the pictures: enough for every engine.
const SIDE_PX: u32 = 480;
/// Decoded pictures that may wait.
const WAITING_BYTES: usize = 8 << 20;

/// Length of the video and what the plan asks for.
pub(super) async fn look(app: &App, file: &Path, plan: &Plan) -> Result<(MediaTime, Vec<Embedded>), Trouble> {
    let probe = app.media.probe(file).await.map_err(trouble)?;
    let video = probe
        .video
        .as_ref()
        .ok_or_else(|| Fault::new(Code::UnsupportedFileType).value("there is no video track in it"))?;
    let measured = Measured {
        width: video.width,
        height: video.height,
        duration_s: probe.duration.as_secs_f64(),
        has_audio: true,
    };
    check_resolution(&measured)?;
    check_duration(Some(Family::Marengo), "embedding", &measured)?;
    let clips = cut(plan, probe.duration);
    if clips.is_empty() {
        return Err(Fault::parameter("Nothing of the video lies between the offsets.")
            .value(format!("from {} on, of {}", plan.start, probe.duration))
            .rule("the start lies within the video")
            .into());
    }
    let frames = FramePlan { fps: PICTURES_PER_SECOND, max_side: SIDE_PX, profile: Profile::Fast };
    let decode = DecodePlan { frames: Some(frames), audio: None };
    let (sender, receiver) = frame_channel(WAITING_BYTES);
    let decoding = async {
        match app.media.decode(file, &probe, decode, sender).await {
            Ok(summary) => Ok(check_complete(&probe, &summary)?),
            // Nothing more was needed.
            Err(MediaError::ReceiverGone) => Ok(()),
            Err(error) => Err(trouble(error)),
        }
    };
    let means = Means::new(clips, app.engines.see.dim());
    let (means, ()) = tokio::try_join!(embed(app, receiver, means), decoding)?;
    let found = means.finish(plan);
    if found.is_empty() {
        return Err(Fault::new(Code::VideoFileBroken).value("it shows nothing between the offsets").into());
    }
    Ok((probe.duration, found))
}

async fn embed(app: &App, mut frames: FrameReceiver, mut means: Means) -> Result<Means, Trouble> {
    while let Some(frame) = frames.recv().await {
        if frame.pts >= means.end() {
            break;
        }
        let see = app.engines.see.clone();
        let at = frame.pts;
        let embedded = tokio::task::spawn_blocking(move || {
            let image =
                Image::new(frame.width, frame.height, &frame.rgb).context("a frame has its pixels")?;
            anyhow::Ok(see.embed_images(&[image])?)
        });
        for vector in embedded.await.context("embed a frame")?.context("embed a frame")? {
            means.push(at, &vector);
        }
    }
    Ok(means)
}

fn trouble(error: MediaError) -> Trouble {
    match media_fault(&error) {
        Some(fault) => Trouble::Fault(fault),
        None => Trouble::Internal(anyhow::Error::new(error)),
    }
}
