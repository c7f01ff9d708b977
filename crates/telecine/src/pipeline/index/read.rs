//! Read: frames whose text may have changed, into stretches of text. Several frames at once, told in order.

use std::sync::Arc;

use futures::StreamExt;
use telecine_engines::Image;
use telecine_media::{Frame, MediaTime};
use tokio::sync::mpsc;

use super::text::{TextTrack, blocks};
use crate::pipeline::job::Job;
use crate::pipeline::stop::Stop;
use crate::video::NewSegment;

/// Text segments of one video, at most: a scrolling log must not fill the database.
const MAX_SEGMENTS: usize = 20_000;

/// Everything that is written, in order of when it ends.
pub(super) async fn read(
    job: &Job,
    frames: mpsc::Receiver<Frame>,
    end: MediaTime,
) -> Result<Vec<NewSegment>, Stop> {
    let read_frame = |frame: Frame| {
        let reader = Arc::clone(&job.app().engines.read);
        job.workshop.infer("read", &job.cancel, move || {
            let image = Image::new(frame.width, frame.height, &frame.rgb);
            let lines = image.map_or(Ok(Vec::new()), |image| reader.read(image))?;
            Ok((frame.pts, blocks(&lines)))
        })
    };
    let mut reading =
        std::pin::pin!(super::stream(frames).map(read_frame).buffered(job.workshop.inference_limit));
    let mut track = TextTrack::default();
    let mut segments: Vec<NewSegment> = Vec::new();
    while let Some(read) = reading.next().await {
        let (at, blocks) = read?;
        segments.extend(track.push(at, blocks));
    }
    segments.extend(track.finish(end));
    if segments.len() > MAX_SEGMENTS {
        tracing::warn!(task = %job.task.id, found = segments.len(), "too much text; only the first is kept");
        segments.truncate(MAX_SEGMENTS);
    }
    Ok(segments)
}
