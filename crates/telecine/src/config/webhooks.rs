//! Settings of webhooks.

use serde::{Deserialize, Serialize};

/// Telling users' own servers of events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WebhooksConfig {
    /// Seconds that a delivery which was answered, or given up, stays in the log (default 604800).
    pub keep_s: u64,
    /// Deliveries of one webhook that stay in the log, of those that were answered or given up (default 10000).
    pub keep_deliveries: u64,
}

impl Default for WebhooksConfig {
    fn default() -> Self {
        Self { keep_s: 604_800, keep_deliveries: 10_000 }
    }
}
