//! Videos, as each version shows them.

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::embed::EmbeddedSegment;
use super::hls::HlsView;
use crate::embedding::{self, Scope};
use crate::http::version::ApiVersion;
use crate::ids::{IndexId, VideoId};
use crate::index::{Family, Index};
use crate::time::Timestamp;
use crate::video::{Segment, Video};

/// A video. It does not name its index: the Python SDKs 0.x pass the fields on as arguments beside an `index_id` of
/// their own, and would fail.
#[derive(Serialize, ToSchema)]
#[schema(as = Video)]
pub(in crate::http) struct VideoView {
    #[serde(rename = "_id")]
    id: VideoId,
    created_at: Timestamp,
    updated_at: Timestamp,
    indexed_at: Timestamp,
    /// Where it came from.
    object: String,
    /// BLAKE3 of the file.
    content_hash: String,
    /// v1.3.
    #[serde(skip_serializing_if = "Option::is_none")]
    system_metadata: Option<VideoMetadata>,
    /// Up to v1.2: the same, and among it the user's own fields.
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<AllMetadata>,
    /// The user's own fields.
    #[serde(skip_serializing_if = "Map::is_empty")]
    #[schema(required = false)]
    user_metadata: Map<String, Value>,
    /// Vectors, when they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    embedding: Option<VideoEmbedding>,
    /// The stream that is kept of it, where streams are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    hls: Option<HlsView>,
    /// What is said, when it was asked for; null when nothing is.
    #[serde(skip_serializing_if = "Option::is_none")]
    transcription: Option<Option<Vec<TextEntry>>>,
}

/// The vectors of a video, one of each segment.
#[derive(Serialize, ToSchema)]
struct VideoEmbedding {
    /// Up to v1.2: the engine as the index names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    engine_name: Option<String>,
    /// v1.3: the model as the index names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    model_name: Option<String>,
    served_by: Makers,
    video_embedding: VideoVectors,
}

/// The models that really made them. Their vectors are not alike, nor of one length.
#[derive(Serialize, ToSchema)]
struct Makers {
    visual: String,
    transcription: String,
}

#[derive(Serialize, ToSchema)]
struct VideoVectors {
    segments: Vec<EmbeddedSegment>,
}

/// What was measured.
#[derive(Serialize, ToSchema)]
struct VideoMetadata {
    filename: String,
    /// Seconds.
    duration: f64,
    fps: f64,
    width: u32,
    height: u32,
    /// Bytes.
    size: u64,
}

/// What was measured, among the user's own fields.
#[derive(Serialize, ToSchema)]
struct AllMetadata {
    #[serde(flatten)]
    measured: VideoMetadata,
    #[serde(flatten)]
    own: Map<String, Value>,
}

/// Words and when they are there, in seconds.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct TextEntry {
    start: f64,
    end: f64,
    value: String,
}

/// What is said or written in a video.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct Texts {
    id: VideoId,
    index_id: IndexId,
    /// Null when there is nothing.
    data: Option<Vec<TextEntry>>,
    /// When a person last changed what is said; not told where nobody did.
    #[serde(skip_serializing_if = "Option::is_none")]
    edited_at: Option<Timestamp>,
}

impl Texts {
    /// Changed by a person at that time, if it was.
    pub(in crate::http) fn with_edited_at(self, edited_at: Option<Timestamp>) -> Self {
        Self { edited_at, ..self }
    }
}

impl VideoView {
    /// Under another id.
    pub(in crate::http) fn under(mut self, id: VideoId) -> Self {
        self.id = id;
        self
    }

    /// With vectors.
    pub(in crate::http) fn with_embedding(
        mut self,
        index: &Index,
        segments: Vec<EmbeddedSegment>,
        version: ApiVersion,
    ) -> Self {
        let named = index.engines.iter().find(|engine| Family::of(&engine.name) == Some(Family::Marengo));
        let name = named.map_or_else(|| index.models.see.id.clone(), |engine| engine.name.clone());
        let is_new = version == ApiVersion::V1_3;
        self.embedding = Some(VideoEmbedding {
            engine_name: (!is_new).then(|| name.clone()),
            model_name: is_new.then_some(name),
            served_by: Makers {
                visual: index.models.see.id.clone(),
                transcription: index.models.words.id.clone(),
            },
            video_embedding: VideoVectors { segments },
        });
        self
    }

    /// With its stream.
    pub(in crate::http) fn with_hls(mut self, hls: Option<HlsView>) -> Self {
        self.hls = hls;
        self
    }

    /// With what is said.
    pub(in crate::http) fn with_transcription(mut self, segments: &[Segment]) -> Self {
        self.transcription = Some(entries(segments));
        self
    }
}

/// A video.
pub(in crate::http) fn video(video: &Video, version: ApiVersion) -> VideoView {
    let meta = &video.meta;
    let measured = VideoMetadata {
        filename: meta.filename.clone(),
        duration: meta.duration_s,
        fps: meta.fps,
        width: meta.width,
        height: meta.height,
        size: meta.size_bytes,
    };
    let (system_metadata, metadata) = match version {
        ApiVersion::V1_3 => (Some(measured), None),
        // Before v1.3 the user's own fields stand among those that were measured; clients look for them only there.
        ApiVersion::V1_1 | ApiVersion::V1_2 => {
            (None, Some(AllMetadata { measured, own: unmeasured(&video.user_metadata) }))
        }
    };
    VideoView {
        id: video.id,
        created_at: video.created_at,
        updated_at: video.updated_at,
        indexed_at: video.indexed_at,
        object: video.address.clone(),
        content_hash: video.content_hash.clone(),
        system_metadata,
        metadata,
        user_metadata: video.user_metadata.clone(),
        embedding: None,
        hls: None,
        transcription: None,
    }
}

/// The user's own fields but those that are named as what was measured, which wins.
fn unmeasured(fields: &Map<String, Value>) -> Map<String, Value> {
    const MEASURED: [&str; 6] = ["filename", "duration", "fps", "width", "height", "size"];
    let own = fields.iter().filter(|(name, _)| !MEASURED.contains(&name.as_str()));
    own.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// A segment's vector: the mean of its vectors, at unit length.
pub(in crate::http) fn embedded(
    (segment, vectors): (Segment, Vec<Vec<f32>>),
    option: &str,
) -> EmbeddedSegment {
    let times = (segment.range.start(), segment.range.end());
    EmbeddedSegment::new(embedding::mean(&vectors), times, Scope::Clip, option)
}

/// What is said or written in a video.
pub(in crate::http) fn texts(video: VideoId, index: IndexId, segments: &[Segment]) -> Texts {
    Texts { id: video, index_id: index, data: entries(segments), edited_at: None }
}

pub(in crate::http) fn entries(segments: &[Segment]) -> Option<Vec<TextEntry>> {
    let entry = |segment: &Segment| TextEntry {
        start: segment.range.start().as_secs_f64(),
        end: segment.range.end().as_secs_f64(),
        value: segment.text.clone(),
    };
    (!segments.is_empty()).then(|| segments.iter().map(entry).collect())
}
