//! The credentials of one assumed role: taken once for all who read, renewed before they end. Knows no bucket.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use aws_config::sts::AssumeRoleProvider;
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, future};

use crate::time::{Clock, Timestamp};

/// Credentials are renewed this long before they end, or at half of their life if that is later.
const RENEW_BEFORE: Duration = Duration::from_secs(300);
/// Younger credentials are not to blame when a store says that they ended.
const TOO_YOUNG_TO_BLAME: Duration = Duration::from_secs(5);

/// A role's session. One renewal serves all who wait for it.
#[derive(Debug)]
pub(super) struct Session {
    role: AssumeRoleProvider,
    clock: std::sync::Arc<dyn Clock>,
    held: Mutex<Option<Held>>,
    renewal: tokio::sync::Mutex<()>,
}

#[derive(Debug, Clone)]
struct Held {
    credentials: Credentials,
    taken_at: Timestamp,
    ends_at: Option<Timestamp>,
}

impl Held {
    fn renew_at(&self) -> Option<Timestamp> {
        let ends_at = self.ends_at?;
        let life = ends_at.since(self.taken_at);
        Some(self.taken_at.after(life.saturating_sub(RENEW_BEFORE).max(life / 2)))
    }
}

impl Session {
    pub(super) fn new(role: AssumeRoleProvider, clock: std::sync::Arc<dyn Clock>) -> Self {
        Self { role, clock, held: Mutex::new(None), renewal: tokio::sync::Mutex::new(()) }
    }

    /// Tells that a store refused the credentials. `surely` when it said that they ended; else they are blamed only
    /// when half of their life is over, for some stores do not say. Whether it is worth to try with new ones.
    pub(super) fn blame(&self, surely: bool) -> bool {
        let now = self.clock.now();
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(session) = &*held else { return true };
        let age = now.since(session.taken_at);
        let half = session.ends_at.map(|end| end.since(session.taken_at) / 2);
        let is_old = if surely { age >= TOO_YOUNG_TO_BLAME } else { half.is_some_and(|half| age >= half) };
        if is_old {
            *held = None;
        }
        is_old
    }

    fn held(&self) -> Option<Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn good(&self) -> Option<Credentials> {
        let held = self.held()?;
        let is_good = held.renew_at().is_none_or(|at| self.clock.now() < at);
        is_good.then_some(held.credentials)
    }

    async fn credentials(&self) -> aws_credential_types::provider::Result {
        if let Some(credentials) = self.good() {
            return Ok(credentials);
        }
        let _renewing = self.renewal.lock().await;
        if let Some(credentials) = self.good() {
            return Ok(credentials);
        }
        let taken_at = self.clock.now();
        match self.role.provide_credentials().await {
            Ok(credentials) => {
                let ends_at = credentials.expiry().map(|end| {
                    let since = end.duration_since(UNIX_EPOCH).unwrap_or_default();
                    Timestamp::from_millis(0).after(since)
                });
                let held = Held { credentials: credentials.clone(), taken_at, ends_at };
                *self.held.lock().unwrap_or_else(PoisonError::into_inner) = Some(held);
                Ok(credentials)
            }
            Err(error) => match self.held() {
                Some(held) if held.ends_at.is_some_and(|end| taken_at < end) => {
                    tracing::warn!(%error, "the session of a role could not be renewed yet");
                    Ok(held.credentials)
                }
                _ => Err(error),
            },
        }
    }
}

impl ProvideCredentials for Session {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.credentials())
    }
}
