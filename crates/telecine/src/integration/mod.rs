//! Integrations: connected buckets. What is stored of them, the documents that the owner of a bucket applies, the
//! verification as a checklist, the inventory of what lies there. Knows neither HTTP nor SQL.

mod apply;
mod bucket;
mod change;
mod create;
mod decision;
mod deletion;
mod diagnosis;
mod documents;
mod events;
mod filters;
mod fix;
mod given;
mod glob;
mod headers;
pub mod import;
mod inventory;
pub mod keeper;
mod manifest;
mod objects;
mod probe;
mod provider;
mod queue;
mod recheck;
mod schedule;
mod service;
mod statistics;
mod sync;
mod verify;

pub use apply::{RoleSetup, SetupFormat, general_template, grant_text, setup, setup_text};
pub use change::{CHANGES, IntegrationChange};
pub use create::NewIntegration;
pub use decision::Decision;
pub use deletion::{Deletion, DeletionPlan, IndexedVideos, delete, plan_deletion, restorable, restore};
pub use documents::{policy_document, queue_notification, queue_policy};
pub use events::{ObjectChange, ObjectEvent, is_newer};
pub use filters::{Filters, Rules};
pub use fix::{Fix, FixBy, Paste, PasteKind};
pub use given::{PARAMETERS, unknown_parameter};
pub use glob::Glob;
pub use headers::{HeaderRead, MAX_HEADERS, read_headers};
pub use inventory::{
    InventoryItem, KeyRange, SyncClaim, SyncEnd, SyncFound, SyncReport, SyncRun, SyncState, SyncTrigger,
};
pub use manifest::{ManifestCount, ManifestFormat, ManifestRequest};
pub use objects::{InventoryObject, ObjectFilter, ObjectState, ObjectTask};
pub use probe::{CaptionTrack, HeaderLimits, MediaHeader, probe_header};
pub use provider::{
    AzureAccess, AzureCredentials, GcsAccess, GcsCredentials, Provider, Role, S3Access, S3Credentials,
    S3Endpoint,
};
pub use queue::{KeyTold, QueueNote};
pub use service::{
    Integrations, begin_synchronization, change, count_manifest, create, recheck, synchronize,
    trust_document, verify, verify_aloud, write_manifest,
};
pub use statistics::{ExcludedCount, IndexShare, QueueLog, Statistics};
pub use verify::Progress;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::fault::Fault;
use crate::ids::{IntegrationId, WorkspaceId};
use crate::time::Timestamp;
use crate::vault::Sealed;

/// Name of the policy in the owner's account.
pub const POLICY_NAME: &str = "TelecineIntegrationPolicy";
/// Name of the role in the owner's account.
pub const ROLE_NAME: &str = "TelecineIntegrationRole";

/// Where an integration stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum IntegrationStatus {
    /// Made, never verified.
    Pending,
    /// The last verification found all well.
    Active,
    /// The bucket can be read, but something is not as it should be, or was better before.
    Degraded,
    /// The bucket cannot be read, or not safely.
    Failed,
}

impl IntegrationStatus {
    /// The name in the store and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Degraded => "degraded",
            Self::Failed => "failed",
        }
    }

    /// The status of this name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Pending, Self::Active, Self::Degraded, Self::Failed]
            .into_iter()
            .find(|status| status.as_str() == name)
    }

    /// Whether objects may be read through it.
    pub fn is_usable(self) -> bool {
        matches!(self, Self::Active | Self::Degraded)
    }
}

/// A connected bucket, or the part of one below a prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Integration {
    /// Its id.
    pub id: IntegrationId,
    /// Whose it is.
    pub workspace: WorkspaceId,
    /// How the store is reached.
    pub provider: Provider,
    /// What it cannot be reached without, sealed; see [`Provider::needs_secret`].
    pub secret: Option<Sealed>,
    /// The bucket's name.
    pub bucket: String,
    /// Only keys that begin with this belong to it; empty for the whole bucket.
    pub prefix: String,
    /// Found by the verification.
    pub region: Option<String>,
    /// Where it stands.
    pub status: IntegrationStatus,
    /// What the last verification found, line by line.
    pub checks: Vec<Check>,
    /// When that was.
    pub checked_at: Option<Timestamp>,
    /// When a verification last found all well.
    pub well_at: Option<Timestamp>,
    /// What changed for the worse since all was well; told by re-checks.
    pub drift: Option<String>,
    /// Which of its objects are taken for videos to index.
    pub filters: Filters,
    /// When it is synchronized by itself.
    pub schedule: Schedule,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When the bucket was last listed to its end.
    pub synchronized_at: Option<Timestamp>,
    /// When it was deleted; for a while that can be undone.
    pub deleted_at: Option<Timestamp>,
}

impl Integration {
    /// A new one: pending, never verified, with the whole bucket.
    pub fn new(
        workspace: WorkspaceId,
        provider: Provider,
        bucket: impl Into<String>,
        now: Timestamp,
    ) -> Self {
        Self {
            id: IntegrationId::generate(now),
            workspace,
            provider,
            secret: None,
            bucket: bucket.into(),
            prefix: String::new(),
            region: None,
            status: IntegrationStatus::Pending,
            checks: Vec::new(),
            checked_at: None,
            well_at: None,
            drift: None,
            filters: Filters::default(),
            schedule: Schedule::default(),
            created_at: now,
            updated_at: now,
            synchronized_at: None,
            deleted_at: None,
        }
    }

    /// Whether a key belongs to it.
    pub fn has(&self, key: &str) -> bool {
        key.starts_with(&self.prefix)
    }
}

/// When a bucket is synchronized by itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Schedule {
    /// Seconds between two listings; none for listings by hand only.
    pub every_s: Option<u64>,
    /// A queue of SQS to which the bucket tells its changes.
    pub queue_url: Option<String>,
}

/// One line of a verification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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
    /// How to mend it, with everything to paste and to run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<Fix>,
}

/// How a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CheckOutcome {
    /// All well.
    Ok,
    /// Not as it should be, but not fatal.
    Warning,
    /// Not well.
    Failed,
    /// Nothing to check.
    NotNeeded,
    /// The store does not do this.
    NotSupported,
}
