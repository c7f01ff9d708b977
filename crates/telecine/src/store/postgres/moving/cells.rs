//! Values of rows, whatever database they come from.

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use sqlx::Sqlite;
use sqlx::query_builder::Separated;

/// A value. Booleans are whole numbers, floats are told by their bits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Cell {
    Null,
    Whole(i64),
    Float(u64),
    Text(String),
    Bytes(Vec<u8>),
}

impl Cell {
    pub(super) fn bind_to(&self, list: &mut Separated<'_, Sqlite, &'static str>) {
        match self {
            Self::Null => list.push_bind(None::<String>),
            Self::Whole(number) => list.push_bind(*number),
            Self::Float(bits) => list.push_bind(f64::from_bits(*bits)),
            Self::Text(text) => list.push_bind(text.clone()),
            Self::Bytes(bytes) => list.push_bind(bytes.clone()),
        };
    }
}

pub(super) fn key_to_text(key: &[Cell]) -> anyhow::Result<String> {
    // As JSON, in which no text has a NUL.
    serde_json::to_string(key).context("a key cannot be noted")
}

pub(super) fn key_from_text(text: &str) -> anyhow::Result<Vec<Cell>> {
    serde_json::from_str(text).context("the note of how far the move came cannot be read")
}
