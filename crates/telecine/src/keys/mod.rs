//! API keys: made once, shown once, stored as SHA-256. Knows neither HTTP nor SQL.

mod limits;
mod secret;
pub mod session;

use serde::{Deserialize, Serialize};

use crate::fault::{Code, Fault, Result};
use crate::ids::{KeyId, WorkspaceId};
use crate::store::Store;
use crate::time::{Clock, Timestamp};

pub use limits::{RateLimits, RequestClass};
pub use secret::sha256;

/// Most characters of a key's name.
const NAME_LENGTH: usize = 100;

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
    /// How often it may ask, where that differs from the settings.
    pub rate_limits: Option<RateLimits>,
}

/// Who makes a request: what `http` finds out and hands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    /// The workspace that the key opens.
    pub workspace: WorkspaceId,
    /// The key.
    pub key: KeyId,
    /// How often it may ask, where that differs from the settings.
    pub rate_limits: Option<RateLimits>,
}

/// Makes a key and its secret, which cannot be had again.
///
/// # Errors
/// `parameter_invalid` for a name that is empty or too long.
pub async fn create(
    store: &dyn Store,
    clock: &dyn Clock,
    workspace: WorkspaceId,
    name: &str,
) -> Result<(ApiKey, String)> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > NAME_LENGTH || name.contains(char::is_control) {
        return Err(Fault::parameter("The name of a key must be a text that people can read.")
            .value(name.escape_debug().to_string())
            .rule(format!("1 to {NAME_LENGTH} characters, none of them control characters"))
            .into());
    }
    let secret = secret::generate();
    let now = clock.now();
    let key = ApiKey {
        id: KeyId::generate(now),
        workspace: Some(workspace),
        name: name.to_owned(),
        prefix: secret::prefix(&secret),
        created_at: now,
        revoked_at: None,
        rate_limits: None,
    };
    store.insert_key(&key, workspace, sha256(&secret)).await?;
    Ok((key, secret))
}

/// Sets how often a key may ask, from its next request on; nothing stands for what the settings say.
///
/// # Errors
/// `resource_not_exists` when there is no such key that works.
pub async fn limit(
    store: &dyn Store,
    workspace: WorkspaceId,
    key: KeyId,
    limits: Option<RateLimits>,
) -> Result<()> {
    if store.limit_key(workspace, key, limits).await? {
        return Ok(());
    }
    Err(Fault::because(Code::ResourceNotExists, "There is no such key, or it is revoked already.")
        .value(key.to_string())
        .into())
}

/// Makes a key stop working, from the next request on.
///
/// # Errors
/// `resource_not_exists` when there is no such key that works.
pub async fn revoke(store: &dyn Store, clock: &dyn Clock, workspace: WorkspaceId, key: KeyId) -> Result<()> {
    if store.revoke_key(workspace, key, clock.now()).await? {
        return Ok(());
    }
    Err(Fault::because(Code::ResourceNotExists, "There is no such key, or it is revoked already.")
        .value(key.to_string())
        .remedy("See `telecine key list` for the keys that there are.")
        .into())
}
