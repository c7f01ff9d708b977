//! Assets: files that users bring here before, and apart from, any index: sent whole, in chunks, fetched from a link or
//! imported from a connected bucket. What is known of them, and what may be done with them. Knows neither HTTP nor SQL.

mod create;
mod fetch;
pub mod import;
mod indexing;
mod limits;
mod measure;
mod picture;
mod remove;
pub mod upload;
mod work;

pub use create::{DirectFile, NewAsset, create_direct, create_from_url};
pub use indexing::{IndexedAsset, IndexingRequest, index_asset};
pub use limits::{Kind, file_type_of, kind_of_type};
pub use remove::{remove, remove_orphans, tidy_uploads};
pub use work::{GO_ON, work_on_due};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::fault::Fault;
use crate::ids::{AssetId, IndexId, TaskId, UploadId, WorkspaceId};
use crate::time::Timestamp;
use crate::transfer::ObjectRef;

/// Where an asset stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AssetStatus {
    /// Its bytes are not all here, or not measured yet.
    Processing,
    /// It can be used.
    Ready,
    /// It cannot be used; the fault says why.
    Failed,
}

impl AssetStatus {
    /// The name in the store and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Processing => "processing",
            Self::Ready => "ready",
            Self::Failed => "failed",
        }
    }

    /// The status of this name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Processing, Self::Ready, Self::Failed].into_iter().find(|status| status.as_str() == name)
    }
}

/// Where the bytes of an asset come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Origin {
    /// Sent in one request.
    Direct,
    /// A direct link.
    Url {
        /// `http` or `https`.
        url: String,
    },
    /// Sent in chunks.
    Multipart {
        /// The upload.
        upload: UploadId,
    },
    /// An object of a connected bucket.
    Connector(ObjectRef),
}

impl Origin {
    /// The name in the store and the API.
    pub fn method(&self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Url { .. } => "url",
            Self::Multipart { .. } => "multipart",
            Self::Connector(_) => "connector",
        }
    }
}

/// What was measured of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// What it is.
    pub kind: Kind,
    /// MIME type, by what is in it.
    pub file_type: String,
    /// Bytes.
    pub size_bytes: u64,
    /// Seconds; none of images.
    pub duration_s: Option<f64>,
    /// BLAKE3 of the bytes, in hex.
    pub content_hash: String,
    /// Container, streams, pixels; in the names of the contract.
    pub technical: Map<String, Value>,
}

/// A file that was brought here.
#[derive(Debug, Clone, PartialEq)]
pub struct Asset {
    /// Its id.
    pub id: AssetId,
    /// Whose it is.
    pub workspace: WorkspaceId,
    /// Where its bytes come from.
    pub origin: Origin,
    /// Where it stands.
    pub status: AssetStatus,
    /// What it is; a guess by its name until it is measured.
    pub kind: Option<Kind>,
    /// MIME type; a guess by its name until it is measured.
    pub file_type: Option<String>,
    /// The name to show.
    pub filename: String,
    /// Bytes; as announced until it is measured, zero when nothing was announced.
    pub size_bytes: u64,
    /// Seconds.
    pub duration_s: Option<f64>,
    /// What was measured.
    pub technical: Option<Map<String, Value>>,
    /// BLAKE3 of the bytes, in hex.
    pub content_hash: Option<String>,
    /// Why it failed.
    pub fault: Option<Fault>,
    /// The user's own fields.
    pub user_metadata: Map<String, Value>,
    /// Whether a stream was asked for.
    pub wants_hls: bool,
    /// Whether a picture was asked for.
    pub wants_thumbnail: bool,
    /// Times that it was tried to bring it here.
    pub attempts: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Which assets.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AssetFilter {
    /// One of these; empty for any.
    pub ids: Vec<AssetId>,
    /// Of one of these kinds; empty for any.
    pub kinds: Vec<Kind>,
    /// Whose name has this in it, whatever the case.
    pub filename: Option<String>,
}

/// An asset lent to a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AssetClaim {
    /// The asset.
    pub asset: AssetId,
    /// Grows with every claim; writes carry it.
    pub fence: i64,
}

/// How work on an asset ended.
#[derive(Debug, Clone, PartialEq)]
pub enum AssetEnd {
    /// It can be used.
    Ready(Box<Measured>),
    /// It cannot.
    Failed(Box<Fault>),
    /// It is tried again then.
    Postponed(Timestamp),
    /// The worker stops; nothing is wrong.
    Released,
}

/// What became of the wish to delete an asset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AssetDeletion {
    /// It is gone.
    Done,
    /// There is no such asset.
    Absent,
    /// So many indexed assets refer to it.
    InUse(u64),
}

/// An indexed asset that refers to an asset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Its task, whose id is the indexed asset's.
    pub task: TaskId,
    /// The index.
    pub index: IndexId,
    /// The index's name.
    pub index_name: String,
}
