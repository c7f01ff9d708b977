//! Integrations: connected buckets. What is stored of them, the documents that the owner of a bucket applies, the
//! verification as a checklist, the inventory of what lies there. Knows neither HTTP nor SQL.

mod bucket;
mod documents;
mod manifest;
mod service;
mod sync;
mod verify;

pub use documents::policy_document;
pub use service::{
    Integrations, ManifestRequest, NewIntegration, create, synchronize, trust_document, verify,
    write_manifest,
};

use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::ids::{IntegrationId, WorkspaceId};
use crate::time::Timestamp;

/// Name of the policy in the owner's account.
pub const POLICY_NAME: &str = "TelecineIntegrationPolicy";
/// Name of the role in the owner's account.
pub const ROLE_NAME: &str = "TelecineIntegrationRole";

/// Where an integration stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntegrationStatus {
    /// Made, never verified.
    Pending,
    /// The last verification found all well.
    Active,
    /// The last verification found a fault.
    Failed,
}

impl IntegrationStatus {
    /// The name in the store and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Failed => "failed",
        }
    }
}

/// A connected bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Integration {
    /// Its id.
    pub id: IntegrationId,
    /// Whose it is.
    pub workspace: WorkspaceId,
    /// The kind of store.
    pub provider: Provider,
    /// The bucket's name.
    pub bucket: String,
    /// Found by the verification.
    pub region: Option<String>,
    /// Where it stands.
    pub status: IntegrationStatus,
    /// What the last verification found, line by line.
    pub checks: Vec<Check>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When the bucket was last listed to its end.
    pub synchronized_at: Option<Timestamp>,
}

/// How a store is reached. More kinds come with later issues.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "provider", rename_all = "snake_case")]
pub enum Provider {
    /// S3, through a role in the bucket owner's account.
    AwsS3 {
        /// The owner's 12-digit account.
        account_id: String,
        /// The role to assume.
        role_arn: String,
        /// Random, ours, one per integration, never taken from a client.
        external_id: String,
    },
    /// A folder on this machine; for tests and single machines. Only below roots that the operator's configuration
    /// allows.
    Folder {
        /// The folder.
        path: std::path::PathBuf,
    },
}

impl Provider {
    /// How addresses of its objects begin.
    pub fn scheme(&self) -> crate::transfer::Scheme {
        match self {
            Self::AwsS3 { .. } => crate::transfer::Scheme::S3,
            Self::Folder { .. } => crate::transfer::Scheme::Folder,
        }
    }
}

/// One line of a verification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// Machine name, such as `assume_role`.
    pub name: String,
    /// For people, such as "Assume the role".
    pub title: String,
    /// How it went.
    pub outcome: CheckOutcome,
    /// What was found, for people.
    pub detail: String,
    /// What is wrong and what to do, when it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
}

/// How a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckOutcome {
    /// All well.
    Ok,
    /// Not well.
    Failed,
    /// Nothing to check.
    NotNeeded,
    /// The store does not do this.
    NotSupported,
}

/// An object as the last synchronization saw it: a row of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InventoryItem {
    /// The key, exactly.
    pub key: String,
    /// Bytes.
    pub size_bytes: u64,
    /// As the store gives it.
    pub etag: String,
    /// When it was last written.
    pub modified_at: Option<Timestamp>,
    /// Such as `STANDARD`.
    pub storage_class: String,
    /// Whether its name says that it is a video.
    pub is_video: bool,
}

/// What a synchronization found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SyncReport {
    /// Objects in the bucket.
    pub items: u64,
    /// Of them videos, by name.
    pub videos: u64,
    /// New since the last one.
    pub added: u64,
    /// Another version than at the last one.
    pub changed: u64,
    /// Gone since the last one.
    pub removed: u64,
}

/// What is in a bucket, and how much of it is indexed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Statistics {
    /// Objects in the bucket.
    pub items: u64,
    /// Of them videos, by name.
    pub videos: u64,
    /// Bytes of all objects.
    pub bytes: u64,
    /// Videos whose present version is in an index.
    pub indexed: u64,
    /// Videos that are not.
    pub not_indexed: u64,
    /// Indexed objects that are no longer in the bucket.
    pub indexed_then_deleted: u64,
}
