//! Assets, uploads and indexed assets, as the contract shows them.

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::task::{TaskMetadata, metadata, status};
use super::video::{TextEntry, VideoView};
use crate::asset::upload::{Chunk, ReportTaken, Upload, UploadStatus};
use crate::asset::{Asset, AssetStatus, IndexedAsset, Origin, Reference};
use crate::fault::Fault;
use crate::http::openapi::PageInfo;
use crate::http::version::ApiVersion;
use crate::ids::{AssetId, IndexId, TaskId, UploadId, VideoId};
use crate::store::Paging;
use crate::time::Timestamp;
use crate::transfer::last_part;

/// An asset. Lists tell less of it than a look at one does.
#[derive(Serialize, ToSchema)]
#[schema(as = Asset)]
pub(in crate::http) struct AssetView {
    #[serde(rename = "_id")]
    id: AssetId,
    /// `direct`, `url`, `multipart` or `connector`.
    #[schema(value_type = String)]
    method: &'static str,
    status: AssetStatus,
    filename: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_type: Option<String>,
    created_at: Timestamp,
    updated_at: Timestamp,
    #[serde(skip_serializing_if = "Map::is_empty")]
    #[schema(required = false)]
    user_metadata: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<AssetSourceView>,
    #[serde(flatten)]
    detail: Option<AssetDetailView>,
}

/// Where an imported asset came from.
#[derive(Serialize, ToSchema)]
#[schema(as = AssetSource)]
struct AssetSourceView {
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    kind: &'static str,
    details: AssetSourceDetailsView,
}

#[derive(Serialize, ToSchema)]
#[schema(as = AssetSourceDetails)]
struct AssetSourceDetailsView {
    provider: String,
    source_id: String,
    original_filename: String,
    source_link: String,
}

#[derive(Serialize, ToSchema)]
#[schema(as = AssetDetail)]
struct AssetDetailView {
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    technical_metadata: Option<Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_hash: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hls: Option<ExtraView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thumbnail: Option<ExtraView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Fault>,
}

/// A stream or picture that was asked for: they are made of indexed assets alone.
#[derive(Serialize, ToSchema)]
#[schema(as = AssetExtra)]
struct ExtraView {
    #[schema(value_type = String)]
    status: &'static str,
    #[schema(value_type = String)]
    message: &'static str,
}

/// An asset in a list.
pub(in crate::http) fn asset(asset: &Asset) -> AssetView {
    AssetView {
        id: asset.id,
        method: asset.origin.method(),
        status: asset.status,
        filename: asset.filename.clone(),
        file_type: asset.file_type.clone(),
        created_at: asset.created_at,
        updated_at: asset.updated_at,
        user_metadata: asset.user_metadata.clone(),
        source: source(asset),
        detail: None,
    }
}

/// An asset that is looked at.
pub(in crate::http) fn asset_detail(it: &Asset) -> AssetView {
    let is_ready = it.status == AssetStatus::Ready;
    let extra = |is_wanted: bool, message| is_wanted.then_some(ExtraView { status: "error", message });
    let detail = AssetDetailView {
        size: (it.size_bytes > 0).then_some(it.size_bytes),
        duration: it.duration_s.filter(|_| is_ready),
        technical_metadata: it.technical.clone(),
        content_hash: it.content_hash.clone(),
        url: match &it.origin {
            Origin::Url { url } => Some(url.clone()),
            _ => None,
        },
        hls: extra(it.wants_hls, "Streams are made of indexed assets (enable_video_stream), not of assets."),
        thumbnail: extra(it.wants_thumbnail, "Pictures are made of indexed assets, not of assets."),
        error: it.fault.clone(),
    };
    AssetView { detail: Some(detail), ..asset(it) }
}

fn source(asset: &Asset) -> Option<AssetSourceView> {
    let Origin::Connector(object) = &asset.origin else { return None };
    let details = AssetSourceDetailsView {
        provider: super::connection::provider(object.scheme).to_owned(),
        source_id: object.key.clone(),
        original_filename: last_part(&object.key).to_owned(),
        source_link: object.address(),
    };
    Some(AssetSourceView { kind: "connector", details })
}

/// Where to send a chunk.
#[derive(Serialize, ToSchema)]
#[schema(as = ChunkLink)]
pub(in crate::http) struct ChunkLinkView {
    pub(in crate::http) chunk_index: u64,
    pub(in crate::http) url: String,
    pub(in crate::http) expires_at: Timestamp,
}

/// An upload that was begun.
#[derive(Serialize, ToSchema)]
#[schema(as = UploadBegun)]
pub(in crate::http) struct UploadBegunView {
    upload_id: UploadId,
    asset_id: AssetId,
    upload_urls: Vec<ChunkLinkView>,
    upload_headers: Map<String, Value>,
    chunk_size: u64,
    total_chunks: u64,
    expires_at: Timestamp,
}

/// An upload that was begun, with its first links.
pub(in crate::http) fn upload_begun(upload: &Upload, links: Vec<ChunkLinkView>) -> UploadBegunView {
    UploadBegunView {
        upload_id: upload.id,
        asset_id: upload.asset,
        upload_urls: links,
        upload_headers: Map::new(),
        chunk_size: upload.chunk_bytes,
        total_chunks: upload.total_chunks(),
        expires_at: upload.expires_at,
    }
}

/// More links.
#[derive(Serialize, ToSchema)]
#[schema(as = ChunkLinks)]
pub(in crate::http) struct ChunkLinksView {
    pub(in crate::http) upload_id: UploadId,
    pub(in crate::http) start_index: u64,
    pub(in crate::http) count: u64,
    pub(in crate::http) upload_urls: Vec<ChunkLinkView>,
    pub(in crate::http) generated_at: Timestamp,
    pub(in crate::http) expires_at: Timestamp,
}

/// An upload in a list.
#[derive(Serialize, ToSchema)]
#[schema(as = Upload)]
pub(in crate::http) struct UploadView {
    upload_id: UploadId,
    asset_id: AssetId,
    status: UploadStatus,
    total_size: u64,
    chunk_size: u64,
    total_chunks: u64,
    created_at: Timestamp,
    updated_at: Timestamp,
    expires_at: Timestamp,
}

/// An upload in a list.
pub(in crate::http) fn upload(upload: &Upload, now: Timestamp) -> UploadView {
    UploadView {
        upload_id: upload.id,
        asset_id: upload.asset,
        status: shown_status(upload, now),
        total_size: upload.total_bytes,
        chunk_size: upload.chunk_bytes,
        total_chunks: upload.total_chunks(),
        created_at: upload.created_at,
        updated_at: upload.updated_at,
        expires_at: upload.expires_at,
    }
}

/// It may be over before anybody has tidied up.
fn shown_status(upload: &Upload, now: Timestamp) -> UploadStatus {
    match upload.status {
        UploadStatus::Active if upload.expires_at <= now => UploadStatus::Expired,
        status => status,
    }
}

/// A chunk of an upload.
#[derive(Serialize, ToSchema)]
#[schema(as = Chunk)]
struct ChunkView {
    index: u64,
    /// `completed` when it is here and reported, else `pending`.
    #[schema(value_type = String)]
    status: &'static str,
    uploaded_at: Option<Timestamp>,
    updated_at: Option<Timestamp>,
}

/// An upload that is looked at, with a page of its chunks.
#[derive(Serialize, ToSchema)]
#[schema(as = UploadDetail)]
pub(in crate::http) struct UploadDetailView {
    #[serde(flatten)]
    upload: UploadView,
    chunks_completed: u64,
    chunks_failed: u64,
    chunks_pending: u64,
    uploaded_size: u64,
    uploaded_chunks: Vec<ChunkView>,
    page_info: PageInfo,
}

/// An upload that is looked at: its chunks on this page, of which these are `stored`, and how many, of how many bytes, are
/// complete.
pub(in crate::http) fn upload_detail(
    it: &Upload,
    (from, to): (u64, u64),
    stored: &[Chunk],
    (completed, completed_bytes): (u64, u64),
    (paging, now): (Paging, Timestamp),
) -> UploadDetailView {
    let chunk = |index: u64| {
        let found = stored.iter().find(|chunk| chunk.number == index);
        let reported_at = found.and_then(|chunk| chunk.reported_at);
        let status = if reported_at.is_some() { "completed" } else { "pending" };
        let updated_at = reported_at.or(found.map(|chunk| chunk.stored_at));
        ChunkView { index, status, uploaded_at: reported_at, updated_at }
    };
    UploadDetailView {
        upload: upload(it, now),
        chunks_completed: completed,
        chunks_failed: 0,
        chunks_pending: it.total_chunks() - completed,
        uploaded_size: completed_bytes,
        uploaded_chunks: (from..=to.min(it.total_chunks())).map(chunk).collect(),
        page_info: PageInfo::new(paging, it.total_chunks()),
    }
}

/// What became of a report.
#[derive(Serialize, ToSchema)]
#[schema(as = ChunkReport)]
pub(in crate::http) struct ReportView {
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    asset_id: AssetId,
    processed_chunks: u64,
    duplicate_chunks: u64,
    total_completed: u64,
}

/// What became of a report; `base` is where we are reached.
pub(in crate::http) fn report(upload: &Upload, taken: ReportTaken, base: &str) -> ReportView {
    ReportView {
        url: taken.is_complete.then(|| format!("{base}/v1.3/assets/{}", upload.asset)),
        asset_id: upload.asset,
        processed_chunks: taken.processed,
        duplicate_chunks: taken.duplicates,
        total_completed: taken.completed,
    }
}

/// What refers to an asset.
#[derive(Serialize, ToSchema)]
#[schema(as = AssetReference)]
pub(in crate::http) struct ReferenceView {
    #[serde(rename = "_id")]
    id: TaskId,
    index: ReferenceIndexView,
}

#[derive(Serialize, ToSchema)]
#[schema(as = ReferenceIndex)]
struct ReferenceIndexView {
    #[serde(rename = "_id")]
    id: IndexId,
    name: String,
}

/// What refers to an asset.
pub(in crate::http) fn reference(reference: &Reference) -> ReferenceView {
    let index = ReferenceIndexView { id: reference.index, name: reference.index_name.clone() };
    ReferenceView { id: reference.task, index }
}

/// A video, or what will be one, with its status and the asset that it is made of.
#[derive(Serialize, ToSchema)]
#[schema(as = IndexedAsset)]
pub(in crate::http) struct IndexedAssetView {
    #[serde(flatten)]
    body: IndexedBody,
    /// `validating`, `pending`, `queued`, `indexing`, `ready` or `failed`.
    #[schema(value_type = String)]
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    asset_id: Option<AssetId>,
    /// The video that it equals: the index had the content already.
    #[serde(skip_serializing_if = "Option::is_none")]
    video_id: Option<VideoId>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Fault>,
    /// The same as a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum IndexedBody {
    Video(Box<VideoView>),
    Waiting(Box<WaitingView>),
}

/// What will be a video.
#[derive(Serialize, ToSchema)]
#[schema(as = WaitingVideo)]
struct WaitingView {
    #[serde(rename = "_id")]
    id: TaskId,
    created_at: Timestamp,
    updated_at: Timestamp,
    /// Null until it is a video.
    indexed_at: Option<Timestamp>,
    /// Where it comes from.
    object: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    system_metadata: Option<TaskMetadata>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<TaskMetadata>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    #[schema(required = false)]
    user_metadata: Map<String, Value>,
}

/// A video, as it is to be shown, or what will be one.
pub(in crate::http) fn indexed_asset(
    it: &IndexedAsset,
    video: Option<VideoView>,
    version: ApiVersion,
) -> IndexedAssetView {
    let task = &it.task;
    let is_v1_3 = version == ApiVersion::V1_3;
    let body = match video {
        Some(video) => IndexedBody::Video(Box::new(video.under(task.id.into()))),
        None => IndexedBody::Waiting(Box::new(WaitingView {
            id: task.id,
            created_at: task.created_at,
            updated_at: task.updated_at,
            indexed_at: None,
            object: task.source.address(),
            system_metadata: is_v1_3.then(|| metadata(task)),
            metadata: (!is_v1_3).then(|| metadata(task)),
            user_metadata: task.user_metadata.clone().unwrap_or_default(),
        })),
    };
    IndexedAssetView {
        body,
        status: status(task.status),
        asset_id: it.asset,
        video_id: task.duplicate.as_ref().map(|duplicate| duplicate.video),
        error: task.fault.clone(),
        error_message: task.fault.as_ref().map(Fault::sentence),
    }
}

/// What is said in the video that was made of an asset.
#[derive(Serialize, ToSchema)]
#[schema(as = AssetTranscription)]
pub(in crate::http) struct TranscriptionView {
    /// `pending` until the asset is indexed, `processing`, `ready` or `failed`.
    #[schema(value_type = String)]
    pub(in crate::http) status: &'static str,
    /// The video.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::http) video_id: Option<VideoId>,
    /// What is said, as it was heard; words and sentences have no times of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::http) utterances: Option<Vec<TextEntry>>,
    /// Why there is nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::http) error: Option<TranscriptionError>,
}

/// Why nothing was heard.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct TranscriptionError {
    pub(in crate::http) message: String,
}
