//! API keys: made once, shown once, stored as SHA-256. Knows neither HTTP nor SQL.

use serde::{Deserialize, Serialize};

use crate::ids::{KeyId, WorkspaceId};
use crate::time::Timestamp;

/// What a key is known by once its secret is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// Its id.
    pub id: KeyId,
    /// The workspace that it opens.
    #[serde(skip)]
    pub workspace: Option<WorkspaceId>,
    /// What people call it.
    pub name: String,
    /// Its first characters, to tell keys apart.
    pub prefix: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stopped working.
    pub revoked_at: Option<Timestamp>,
}

/// Who makes a request: what `http` finds out and hands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    /// The workspace that the key opens.
    pub workspace: WorkspaceId,
    /// The key.
    pub key: KeyId,
}
