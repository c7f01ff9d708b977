//! The credentials of one assumed role: taken once for all who read, renewed before they end. Knows no bucket.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use aws_config::sts::AssumeRoleProvider;
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, future};

use crate::time::{Clock, Timestamp};

/// Credentials are renewed this long before they end, or at half of their life if that is later.
const RENEW_BEFORE: Duration = Duration::from_secs(300);
/// From then on a request waits for new ones, or at three quarters of their life if that is later.
const LAST_MOMENT: Duration = Duration::from_secs(60);
/// Younger credentials are not to blame when a store says that they ended.
const TOO_YOUNG_TO_BLAME: Duration = Duration::from_secs(5);

/// A role's session. One renewal serves all who wait for it.
#[derive(Debug)]
pub(super) struct Session(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    role: AssumeRoleProvider,
    clock: Arc<dyn Clock>,
    held: Mutex<Option<Held>>,
    had_one: AtomicBool,
    renewal: tokio::sync::Mutex<()>,
}

#[derive(Debug, Clone)]
struct Held {
    credentials: Credentials,
    taken_at: Timestamp,
    ends_at: Option<Timestamp>,
    /// Whether there was a session before this one, with which requests may still be on their way.
    is_successor: bool,
}

impl Held {
    fn renew_at(&self) -> Option<Timestamp> {
        let ends_at = self.ends_at?;
        let life = ends_at.since(self.taken_at);
        Some(self.taken_at.after(life.saturating_sub(RENEW_BEFORE).max(life / 2)))
    }

    /// Shortly before they end they are no longer begun with: a request takes a while on its way.
    fn is_over(&self, now: Timestamp) -> bool {
        let last = self.ends_at.map(|end| {
            let life = end.since(self.taken_at);
            self.taken_at.after(life.saturating_sub(LAST_MOMENT).max(life * 3 / 4))
        });
        last.is_some_and(|last| now >= last)
    }
}

impl Session {
    pub(super) fn new(role: AssumeRoleProvider, clock: Arc<dyn Clock>) -> Self {
        let (held, had_one) = (Mutex::new(None), AtomicBool::new(false));
        let inner = Inner { role, clock, held, had_one, renewal: tokio::sync::Mutex::new(()) };
        Self(Arc::new(inner))
    }

    /// Tells that a store refused the credentials. `surely` when it said that they ended; else they are blamed only
    /// when half of their life is over, for some stores do not say. Whether it is worth to try with new ones: also when
    /// others have just got some, for what was refused may have been sent with those before.
    pub(super) fn blame(&self, surely: bool) -> bool {
        let now = self.0.clock.now();
        let mut held = self.0.held.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(session) = &*held else { return true };
        let age = now.since(session.taken_at);
        let half = session.ends_at.map(|end| end.since(session.taken_at) / 2);
        let is_old = if surely { age >= TOO_YOUNG_TO_BLAME } else { half.is_some_and(|half| age >= half) };
        let may_be_of_the_last = session.is_successor && age < TOO_YOUNG_TO_BLAME;
        if is_old {
            self.0.had_one.store(true, Ordering::Relaxed);
            *held = None;
        }
        is_old || may_be_of_the_last
    }

    /// Credentials that are still good for a request. Who comes when it is time to renew them begins that in the
    /// background and goes on with those that are there: nobody waits, but the first.
    async fn credentials(&self) -> aws_credential_types::provider::Result {
        let now = self.0.clock.now();
        let Some(held) = self.0.held().filter(|held| !held.is_over(now)) else {
            let _renewing = self.0.renewal.lock().await;
            return self.0.renewed().await;
        };
        if held.renew_at().is_some_and(|at| now >= at) {
            let inner = Arc::clone(&self.0);
            tokio::spawn(async move {
                // Somebody else may be at it.
                if let Ok(_renewing) = inner.renewal.try_lock()
                    && let Err(error) = inner.renewed().await
                {
                    tracing::warn!(%error, "the session of a role could not be renewed yet");
                }
            });
        }
        Ok(held.credentials)
    }
}

impl Inner {
    fn held(&self) -> Option<Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// New credentials, unless somebody has just got some; for who has the lock.
    async fn renewed(&self) -> aws_credential_types::provider::Result {
        let taken_at = self.clock.now();
        let held = self.held();
        if let Some(held) = &held
            && held.renew_at().is_none_or(|at| taken_at < at)
        {
            return Ok(held.credentials.clone());
        }
        match self.role.provide_credentials().await {
            Ok(credentials) => {
                let ends_at = credentials.expiry().map(|end| {
                    let since = end.duration_since(UNIX_EPOCH).unwrap_or_default();
                    Timestamp::from_millis(0).after(since)
                });
                let is_successor = held.is_some() || self.had_one.load(Ordering::Relaxed);
                let held = Held { credentials: credentials.clone(), taken_at, ends_at, is_successor };
                *self.held.lock().unwrap_or_else(PoisonError::into_inner) = Some(held);
                Ok(credentials)
            }
            Err(error) => match held {
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
