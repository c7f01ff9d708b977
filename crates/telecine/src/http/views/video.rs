//! Videos, as each version shows them.

use serde_json::{Value, json};

use super::task::metadata_key;
use crate::http::version::ApiVersion;
use crate::ids::{IndexId, VideoId};
use crate::video::{Segment, Video};

/// A video.
pub(in crate::http) fn video(video: &Video, version: ApiVersion) -> Value {
    let meta = &video.meta;
    let mut shown = json!({
        "_id": video.id,
        "index_id": video.index,
        "created_at": video.created_at,
        "updated_at": video.updated_at,
        "indexed_at": video.indexed_at,
        "object": video.address,
        "content_hash": video.content_hash,
    });
    shown[metadata_key(version)] = json!({
        "filename": meta.filename,
        "duration": meta.duration_s,
        "fps": meta.fps,
        "width": meta.width,
        "height": meta.height,
        "size": meta.size_bytes,
    });
    if !video.user_metadata.is_empty() {
        shown["user_metadata"] = Value::Object(video.user_metadata.clone());
    }
    shown
}

/// What is said or written in a video.
pub(in crate::http) fn texts(video: VideoId, index: IndexId, segments: &[Segment]) -> Value {
    json!({ "id": video, "index_id": index, "data": entries(segments) })
}

/// Segments with their words; null when there are none.
pub(in crate::http) fn entries(segments: &[Segment]) -> Value {
    if segments.is_empty() {
        return Value::Null;
    }
    let entry = |segment: &Segment| {
        json!({
            "start": segment.range.start().as_secs_f64(),
            "end": segment.range.end().as_secs_f64(),
            "value": segment.text,
        })
    };
    segments.iter().map(entry).collect()
}
