//! Signing in: a key, or a code that stands for it once, becomes a session that a browser carries in a cookie. Sessions and
//! codes are kept as SHA-256, belong to one key, and are worthless when it is revoked. Knows neither HTTP nor SQL.

use std::time::Duration;

use super::{Caller, secret, sha256};
use crate::fault::{Code, Fault, Result};
use crate::ids::KeyId;
use crate::store::{NewSignIn, Store};
use crate::time::{Clock, Timestamp};

/// How long a session lives without being looked at.
pub const LIFETIME: Duration = Duration::from_hours(30 * 24);
/// How long a code can be used.
pub const CODE_LIFETIME: Duration = Duration::from_mins(10);
/// A session is made to live longer at most this often: so that asking for it seldom writes.
const RENEWED_EVERY: Duration = Duration::from_hours(24);
/// Most sessions of a key, and most codes of a key; the oldest end for newer ones.
const MOST: u32 = 32;

/// A session, for as long as it is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Whose key began it.
    pub caller: Caller,
    /// What people call the key.
    pub key_name: String,
    /// When it ends, unless it is renewed before.
    pub expires_at: Timestamp,
}

/// A session or a code, with the secret that is told once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignIn {
    /// 256 random bits.
    pub secret: String,
    /// Until when it is of use.
    pub expires_at: Timestamp,
}

/// Begins a session of a key.
///
/// # Errors
/// When the database fails.
pub async fn begin(store: &dyn Store, clock: &dyn Clock, key: KeyId) -> Result<SignIn> {
    let (begun, row) = new("tls_", key, clock.now(), LIFETIME);
    store.insert_session(&row, MOST).await?;
    Ok(begun)
}

/// Makes a code that begins one session of this key, soon.
///
/// # Errors
/// When the database fails.
pub async fn make_code(store: &dyn Store, clock: &dyn Clock, key: KeyId) -> Result<SignIn> {
    let (made, row) = new("tlc_", key, clock.now(), CODE_LIFETIME);
    store.insert_sign_in_code(&row, MOST).await?;
    Ok(made)
}

/// The key that a code stands for; the code is used up by this.
///
/// # Errors
/// `api_key_invalid` when the code is unknown, used, too old, or its key was revoked.
pub async fn use_code(store: &dyn Store, clock: &dyn Clock, code: &str) -> Result<KeyId> {
    let key = store.take_sign_in_code(sha256(code.trim()), clock.now()).await?;
    Ok(key.ok_or_else(|| {
        Fault::because(Code::ApiKeyInvalid, "The sign-in code is unknown, was used, or is too old.")
            .rule("a code signs in once, within ten minutes")
            .remedy("Make another with `telecine dashboard`, or sign in with an API key.")
    })?)
}

/// The session of this secret.
///
/// # Errors
/// `api_key_invalid` when it is over, or there never was one.
pub async fn find(store: &dyn Store, clock: &dyn Clock, secret: &str) -> Result<Session> {
    let session = store.session(sha256(secret), clock.now()).await?;
    Ok(session.ok_or_else(|| {
        Fault::because(Code::ApiKeyInvalid, "The session is over.")
            .rule("a session lasts for 30 days after it was last looked at, and no longer than its API key works")
            .remedy("Sign in again, with an API key or a link that `telecine dashboard` makes.")
    })?)
}

/// Makes a session live longer if that is due; its new end, if so.
///
/// # Errors
/// When the database fails.
pub async fn renew(
    store: &dyn Store,
    clock: &dyn Clock,
    secret: &str,
    session: &Session,
) -> Result<Option<Timestamp>> {
    let expires_at = clock.now().after(LIFETIME);
    if expires_at.since(session.expires_at) < RENEWED_EVERY {
        return Ok(None);
    }
    store.renew_session(sha256(secret), expires_at).await?;
    Ok(Some(expires_at))
}

/// Ends a session; nothing happens if there is none.
///
/// # Errors
/// When the database fails.
pub async fn end(store: &dyn Store, secret: &str) -> Result<()> {
    store.end_session(sha256(secret)).await
}

/// Ends a session and all others of its key, and its codes; nothing happens if there is no such session.
///
/// # Errors
/// When the database fails.
pub async fn end_everywhere(store: &dyn Store, clock: &dyn Clock, secret: &str) -> Result<()> {
    store.end_sessions_beside(sha256(secret), clock.now()).await
}

fn new(begins: &str, key: KeyId, now: Timestamp, lifetime: Duration) -> (SignIn, NewSignIn) {
    let secret = secret::random(begins);
    let expires_at = now.after(lifetime);
    let row = NewSignIn { secret_sha256: sha256(&secret), key, created_at: now, expires_at };
    (SignIn { secret, expires_at }, row)
}
