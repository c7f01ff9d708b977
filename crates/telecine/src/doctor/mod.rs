//! `telecine doctor`: looks at everything that a server stands on, and says what is wrong and what to do. Changes nothing.

mod host;
mod shared;

use serde::Serialize;

use crate::config::Config;

/// How it stands with one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// As it should be.
    Ok,
    /// It works, but something may be lost or slow.
    Warning,
    /// A server would not start, or not work.
    Failed,
}

/// What was found of one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was looked at, such as `database: fsync`.
    pub name: String,
    /// How it stands.
    pub state: State,
    /// What was found.
    pub found: String,
    /// What to do, where something is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

impl Check {
    /// As it should be.
    pub fn ok(name: impl Into<String>, found: impl Into<String>) -> Self {
        Self { name: name.into(), state: State::Ok, found: found.into(), remedy: None }
    }

    /// It works, but.
    pub fn warning(name: impl Into<String>, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { name: name.into(), state: State::Warning, found: found.into(), remedy: Some(remedy.into()) }
    }

    /// It does not work.
    pub fn failed(name: impl Into<String>, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { name: name.into(), state: State::Failed, found: found.into(), remedy: Some(remedy.into()) }
    }
}

/// Looks at everything that these settings name.
pub async fn examine(config: &Config) -> Vec<Check> {
    let mut checks = host::examine(config).await;
    checks.extend(shared::examine(config).await);
    checks
}
