//! The HTTP clients of sources other than AWS: they connect where the guard lets them, and follow nothing by themselves.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Client;
use url::Url;

use super::guard::Guard;

/// An answer's head, and each piece of a body, must come within this.
pub(super) const IDLE_LIMIT: Duration = Duration::from_secs(30);
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// Clients with one rule about hosts. Cheap to clone: connections are shared.
#[derive(Debug, Clone)]
pub struct Web {
    /// Connects to public addresses only.
    public: Client,
    /// For hosts that the operator allows.
    trusted: Client,
    guard: Guard,
}

impl Web {
    /// Connects to nothing yet.
    ///
    /// # Errors
    /// When there is no TLS to be had.
    pub fn new(guard: Guard) -> anyhow::Result<Self> {
        let builder = || {
            Client::builder()
                .user_agent(concat!("telecine/", env!("CARGO_PKG_VERSION")))
                // Where redirects are followed, it is by hand, for each must be checked.
                .redirect(reqwest::redirect::Policy::none())
                // A proxy would connect where we cannot check.
                .no_proxy()
                .referer(false)
                .connect_timeout(CONNECT_LIMIT)
                .read_timeout(IDLE_LIMIT)
        };
        Ok(Self {
            public: builder().dns_resolver(Arc::new(guard.public_names())).build()?,
            trusted: builder().dns_resolver(Arc::new(guard.all_names())).build()?,
            guard,
        })
    }

    /// The rule.
    pub(super) fn guard(&self) -> &Guard {
        &self.guard
    }

    /// The client for this URL, or why there is none.
    pub(super) fn client(&self, url: &Url) -> Result<&Client, &'static str> {
        self.guard.check(url)?;
        Ok(if self.guard.is_allowed(url) { &self.trusted } else { &self.public })
    }
}
