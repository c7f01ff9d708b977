//! Where videos come from: the `Source` seam over object stores. Listing, heads, ranged reads; keys are kept exactly.
//! Only this module knows a bucket's protocol; it knows no task, index or integration.

mod aws;
mod azure;
mod body;
mod count;
mod endpoint;
mod folder;
mod gcs;
mod guard;

pub mod http;
pub mod listing;
mod open;
pub(crate) mod policy;
mod public;
mod queue;
mod retry;
mod s3;
mod scoped;
mod session;
mod tokens;
mod urls;
mod web;
mod words;

pub use aws::{ExternalId, Place, Probe, partition};
pub use azure::AzureSource;
pub use count::{Count, Counts};
pub use endpoint::{Endpoint, EndpointPath, guarded_client};
pub use folder::FolderSource;
pub use gcs::GcsSource;
pub use guard::{Guard, Lookup, may_be_told};
pub use open::Opener;
pub use queue::{ChangeQueue, Message};
pub use retry::{Retry, RetryPolicy};
pub(crate) use s3::IGNORES_RANGES;
pub use s3::S3Source;
pub use scoped::Scoped;
pub use urls::{MAX_URL_BYTES, MAX_URLS, UrlListSource};
pub use web::Web;
pub use words::StoreWords;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;

use crate::ids::IntegrationId;
use crate::integration::Integration;
use crate::time::Timestamp;

/// What a store says about an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectInfo {
    /// The key, exactly.
    pub key: String,
    /// Bytes.
    pub size_bytes: u64,
    /// As the store gives it, without quotes; changes when the content does. Empty when the store has none.
    pub etag: String,
    /// When it was last written.
    pub modified_at: Option<Timestamp>,
    /// Such as `STANDARD`; empty when the store tells none.
    pub storage_class: String,
    /// Whether it must be restored before it can be read.
    pub is_archived: bool,
}

impl ObjectInfo {
    /// An object of which nothing but its key is known.
    fn unknown(key: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            size_bytes: 0,
            etag: String::new(),
            modified_at: None,
            storage_class: String::new(),
            is_archived: false,
        }
    }
}

/// One page of a listing.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// In the store's order, which need not be that of the bytes.
    pub objects: Vec<ObjectInfo>,
    /// Give it to [`Source::list`] for the next page; none at the end.
    pub next: Option<String>,
}

/// What went wrong, for those who decide what to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SourceErrorKind {
    /// No such object, or no such bucket.
    NotFound,
    /// Not allowed.
    Denied,
    /// Must be restored first.
    Archived,
    /// Another version than asked for lies there now.
    Changed,
    /// The store asks to go slower. Worth another try.
    Throttled,
    /// No answer, a broken answer, the store's own failure. Worth another try.
    Unavailable,
    /// Credentials could not be had: the role cannot be assumed.
    Credentials,
    /// The store does not do this, or the address is not one.
    Unsupported,
}

impl SourceErrorKind {
    /// Whether the same request may succeed later by itself.
    pub fn is_transient(self) -> bool {
        matches!(self, Self::Throttled | Self::Unavailable)
    }
}

impl SourceErrorKind {
    /// The name in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::Denied => "denied",
            Self::Archived => "archived",
            Self::Changed => "changed",
            Self::Throttled => "throttled",
            Self::Unavailable => "unavailable",
            Self::Credentials => "credentials",
            Self::Unsupported => "unsupported",
        }
    }
}

/// A failure of a store, which alone lets one diagnose it.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{operation} {address}: {detail}")]
pub struct SourceError {
    /// What to do about it.
    pub kind: SourceErrorKind,
    /// Such as `GET`.
    pub operation: &'static str,
    /// Such as `s3://bucket/key`.
    pub address: String,
    /// The store's own words: status, code, message, request id.
    pub detail: String,
}

/// Bytes of an object, in order.
pub type ByteStream = BoxStream<'static, Result<Bytes, SourceError>>;

/// One bucket (or what is like one), read-only. Implementations may be called from many tasks.
///
/// Guarantees, checked by the conformance suite: keys are told and taken exactly; a listing tells every object that was
/// there all the time exactly once; a read gives exactly the bytes of the range, or an error; a read with `etag` never
/// gives bytes of another version.
#[async_trait]
pub trait Source: Send + Sync + fmt::Debug {
    /// The address of a key, such as `s3://bucket/key`; for people.
    fn address(&self, key: &str) -> String;

    /// Whether a read may begin elsewhere than at the start. Some servers of direct links give files only whole.
    fn has_ranges(&self) -> bool {
        true
    }

    /// A page of at most `limit` (1 to 1000) objects whose keys begin with `prefix`, from the start or from where
    /// another page ended.
    async fn list(&self, prefix: &str, from: Option<&str>, limit: u32) -> Result<Page, SourceError>;

    /// Whether [`Source::list_after`] is answered, by a store that says it lists keys in the order of their bytes. It may
    /// be wrong in that: [`listing`] checks it.
    fn lists_from_any_key(&self) -> bool {
        false
    }

    /// As [`Source::list`] from the start, but only keys after this one, which need not be there nor begin with the
    /// prefix. Further pages are had from [`Source::list`].
    async fn list_after(&self, prefix: &str, after: &str, limit: u32) -> Result<Page, SourceError> {
        let _ = (after, limit);
        Err(SourceError {
            kind: SourceErrorKind::Unsupported,
            operation: "LIST",
            address: self.address(prefix),
            detail: "this store lists from the start only".to_owned(),
        })
    }

    /// What the store says about an object.
    async fn head(&self, key: &str) -> Result<ObjectInfo, SourceError>;

    /// The bytes `range` of an object, provided that it still has this `etag` (an empty one is as none); a range
    /// beyond the end is an error, an empty one gives nothing. Bytes that come before an error are good.
    async fn read(&self, key: &str, etag: Option<&str>, range: Range<u64>)
    -> Result<ByteStream, SourceError>;
}

/// Opens the source behind an integration: what the pipeline and transfers ask for. The other questions are those of a
/// verification; a `Sources` that knows no roles need not answer them.
#[async_trait]
pub trait Sources: Send + Sync {
    /// The source of this integration. Cheap when called again: clients and credentials are kept and refreshed.
    async fn open(&self, integration: &Integration) -> Result<Arc<dyn Source>, SourceError>;

    /// As [`Sources::open`], but with a new session of the role: what was kept is dropped.
    async fn open_anew(&self, integration: &Integration) -> Result<Arc<dyn Source>, SourceError> {
        self.open(integration).await
    }

    /// The queue to which the integration's bucket tells its changes.
    async fn queue(&self, integration: &Integration) -> Result<Arc<dyn ChangeQueue>, SourceError> {
        let _ = integration;
        Err(SourceError { detail: "these sources know no queues".to_owned(), ..no_roles("RECEIVE") })
    }

    /// Drops what is kept of an integration, its session too.
    fn forget(&self, integration: IntegrationId) {
        let _ = integration;
    }

    /// The ARN of whom this server is to the store's owner: what a trust document names.
    async fn principal(&self) -> Result<String, SourceError> {
        Err(no_roles("GetCallerIdentity"))
    }

    /// Tries to take the integration's role, and drops the session. Refused: [`SourceErrorKind::Credentials`].
    async fn assume_role(&self, integration: &Integration, with: ExternalId) -> Result<(), SourceError> {
        let _ = (integration, with);
        Err(no_roles("AssumeRole"))
    }

    /// What the store of roles calls itself in its answers, if it says.
    async fn store_name(&self) -> Option<String> {
        None
    }

    /// A request that costs nothing, whose success or refusal tells causes apart.
    async fn probe(&self, integration: &Integration, probe: Probe) -> Result<(), SourceError> {
        let _ = (integration, probe);
        Err(no_roles("probe"))
    }

    /// Where the bucket lies, and how far our clock is from its.
    async fn locate(&self, integration: &Integration) -> Result<Place, SourceError> {
        let _ = integration;
        Err(no_roles("HeadBucket"))
    }
}

fn no_roles(operation: &'static str) -> SourceError {
    SourceError {
        kind: SourceErrorKind::Unsupported,
        operation,
        address: String::new(),
        detail: "these sources know no roles".to_owned(),
    }
}
