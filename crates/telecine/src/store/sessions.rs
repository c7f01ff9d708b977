//! Sessions of browsers, and codes that begin one.

use async_trait::async_trait;

use crate::fault::Result;
use crate::ids::KeyId;
use crate::keys::session::Session;
use crate::time::Timestamp;

/// A session or a code to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSignIn {
    /// SHA-256 of its secret.
    pub secret_sha256: [u8; 32],
    /// The key that it belongs to.
    pub key: KeyId,
    /// When it was made.
    pub created_at: Timestamp,
    /// Until when it is of use.
    pub expires_at: Timestamp,
}

/// Sessions and codes. Those whose key was revoked are as if they did not exist.
#[async_trait]
pub trait SessionStore: Send + Sync {
    /// Stores a session; the oldest ones of its key end where it has more than `most`, and expired ones are forgotten.
    async fn insert_session(&self, session: &NewSignIn, most: u32) -> Result<()>;
    /// Stores a code, likewise.
    async fn insert_sign_in_code(&self, code: &NewSignIn, most: u32) -> Result<()>;
    /// The key of a code that is of use now; the code is gone afterwards, whoever asks at the same moment.
    async fn take_sign_in_code(&self, secret_sha256: [u8; 32], now: Timestamp) -> Result<Option<KeyId>>;
    /// The session of this secret, if it is of use now.
    async fn session(&self, secret_sha256: [u8; 32], now: Timestamp) -> Result<Option<Session>>;
    /// Sets the end of a session.
    async fn renew_session(&self, secret_sha256: [u8; 32], expires_at: Timestamp) -> Result<()>;
    /// Removes a session, if it is there.
    async fn end_session(&self, secret_sha256: [u8; 32]) -> Result<()>;
    /// Removes all sessions and codes of the key whose session of use this is.
    async fn end_sessions_beside(&self, secret_sha256: [u8; 32], now: Timestamp) -> Result<()>;
    /// Removes sessions and codes that are of no use any more: expired ones, and those of revoked keys.
    async fn forget_sessions(&self, now: Timestamp) -> Result<()>;
}
