//! See: pictures of shots into vectors, and a thumbnail of each shot. Several shots at once, told in order.

use std::sync::Arc;

use futures::StreamExt;
use telecine_engines::see::Seer;
use telecine_engines::{EngineError, Image};
use telecine_media::thumbnail;
use tokio::sync::mpsc;

use super::look::Pictured;
use crate::pipeline::job::Job;
use crate::pipeline::stop::Stop;
use crate::video::{NewSegment, NewThumbnail, NewVector, SegmentKind};

/// Longest side of a thumbnail.
const THUMBNAIL_SIDE_PX: u32 = 320;
/// Of a JPEG, 1 to 100.
const THUMBNAIL_QUALITY: u8 = 75;

/// Segments with vectors (none if nobody asks for what is seen) and thumbnails.
pub(super) async fn see(
    job: &Job,
    shots: mpsc::Receiver<Pictured>,
    is_asked: bool,
) -> Result<(Vec<NewSegment>, Vec<NewThumbnail>), Stop> {
    let seer = is_asked.then(|| Arc::clone(&job.app().engines.see));
    let see_shot = |shot: Pictured| {
        let seer = seer.clone();
        job.workshop.infer("see", &job.cancel, move || {
            let vectors = seer.map(|seer| vectors(&*seer, &shot)).transpose()?;
            Ok((shot.range, vectors, picture_of(&shot)))
        })
    };
    let mut seen = std::pin::pin!(super::stream(shots).map(see_shot).buffered(job.workshop.inference_limit));
    let (mut segments, mut thumbnails) = (Vec::new(), Vec::new());
    while let Some(shot) = seen.next().await {
        let (range, vectors, thumbnail) = shot?;
        if let Some(vectors) = vectors {
            let (kind, text, score) = (SegmentKind::Shot, String::new(), 1.0);
            segments.push(NewSegment { kind, range, text, score, vectors });
        }
        thumbnails.push(thumbnail);
    }
    Ok((segments, thumbnails))
}

/// One picture at a time: batches cost more per picture (15 against 13 ms of a core), and memory.
fn vectors(seer: &dyn Seer, shot: &Pictured) -> Result<Vec<NewVector>, EngineError> {
    let mut vectors = Vec::with_capacity(shot.pictures.len());
    for (at, frame) in &shot.pictures {
        let Some(image) = Image::new(frame.width, frame.height, &frame.rgb) else { continue };
        vectors.extend(seer.embed_images(&[image])?.into_iter().map(|values| NewVector { at: *at, values }));
    }
    Ok(vectors)
}

/// The middle picture: the first ones may still hold something of the shot before.
fn picture_of(shot: &Pictured) -> NewThumbnail {
    let (at, frame) = &shot.pictures[shot.pictures.len() / 2];
    NewThumbnail { at: *at, jpeg: thumbnail::jpeg(frame, THUMBNAIL_SIDE_PX, THUMBNAIL_QUALITY) }
}
