//! Settings of search.

use serde::{Deserialize, Serialize};

use super::Config;
use super::load::ConfigError;
use super::rules::refuse;

/// Search.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SearchConfig {
    /// Where vectors are searched: in the `memory` of each server, or in the `database`, which must be PostgreSQL; `auto` is there
    /// where the database can do it, and in memory with SQLite (default `auto`).
    pub vectors: VectorPlace,
}

/// Where vectors are searched.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VectorPlace {
    /// In the database if it is PostgreSQL, else in memory.
    #[default]
    Auto,
    /// In the memory of each server.
    Memory,
    /// In the database.
    Database,
}

/// Refuses what no database of these settings does.
pub(super) fn check(config: &Config) -> Result<(), ConfigError> {
    if config.search.vectors == VectorPlace::Database && !config.is_shared() {
        let rule = "`database.url` must name a PostgreSQL database; SQLite does not search vectors";
        return refuse("search.vectors", &"database", rule);
    }
    Ok(())
}
