//! Videos, as each version shows them.

use serde_json::{Map, Value, json};

use super::task::metadata_key;
use crate::http::version::ApiVersion;
use crate::ids::{IndexId, VideoId};
use crate::video::{Segment, Video};

/// A video. It does not name its index: the Python SDKs 0.x pass the fields on as arguments beside an `index_id` of
/// their own, and would fail.
pub(in crate::http) fn video(video: &Video, version: ApiVersion) -> Value {
    let meta = &video.meta;
    let mut shown = json!({
        "_id": video.id,
        "created_at": video.created_at,
        "updated_at": video.updated_at,
        "indexed_at": video.indexed_at,
        "object": video.address,
        "content_hash": video.content_hash,
    });
    let measured = json!({
        "filename": meta.filename,
        "duration": meta.duration_s,
        "fps": meta.fps,
        "width": meta.width,
        "height": meta.height,
        "size": meta.size_bytes,
    });
    shown[metadata_key(version)] = match version {
        ApiVersion::V1_3 => measured,
        // Before v1.3 the user's own fields stand among those that were measured; clients look for them only there.
        ApiVersion::V1_1 | ApiVersion::V1_2 => among(video.user_metadata.clone(), measured),
    };
    if !video.user_metadata.is_empty() {
        shown["user_metadata"] = Value::Object(video.user_metadata.clone());
    }
    shown
}

/// The user's own fields with the measured ones, which win.
fn among(mut fields: Map<String, Value>, measured: Value) -> Value {
    if let Value::Object(measured) = measured {
        fields.extend(measured);
    }
    Value::Object(fields)
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
