//! Indexes: which engines a user asked for, which options they search by, which models really stand behind them, and
//! what a video must be to enter. Knows neither HTTP nor SQL.

mod create;

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::fault::{Code, Fault};
use crate::ids::{IndexId, WorkspaceId};
use crate::time::Timestamp;

pub use create::{EngineRequest, IndexRequest, check_name, create};

/// What a video is indexed by and searched by; the names of v1.2. Version 1.3 says `audio` for `conversation`, and
/// its `visual` takes in the text that is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ModelOption {
    /// What is seen.
    Visual,
    /// What is said.
    Conversation,
    /// What is written in the picture.
    TextInVideo,
}

impl ModelOption {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Visual, Self::Conversation, Self::TextInVideo];

    /// The name in v1.2.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Visual => "visual",
            Self::Conversation => "conversation",
            Self::TextInVideo => "text_in_video",
        }
    }

    /// What a name of any version stands for; none when no engine here serves it (`logo`, or a name nobody knows).
    pub fn parse(name: &str, is_v1_3: bool) -> Option<&'static [Self]> {
        match name {
            "visual" if is_v1_3 => Some(&[Self::Visual, Self::TextInVideo]),
            "visual" => Some(&[Self::Visual]),
            "conversation" | "audio" => Some(&[Self::Conversation]),
            "text_in_video" => Some(&[Self::TextInVideo]),
            _ => None,
        }
    }
}

impl fmt::Display for ModelOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The role of an engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// Searches.
    Marengo,
    /// Generates text.
    Pegasus,
}

impl Family {
    /// The family of an engine's name: `marengo2.6`, `pegasus1.1`, … ; none for another maker's.
    pub fn of(engine_name: &str) -> Option<Self> {
        let versioned = |name: &str| {
            let rest = engine_name.strip_prefix(name)?;
            rest.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.').then_some(())
        };
        if versioned("marengo").is_some() {
            Some(Self::Marengo)
        } else {
            versioned("pegasus").map(|()| Self::Pegasus)
        }
    }

    /// The name's first word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Marengo => "marengo",
            Self::Pegasus => "pegasus",
        }
    }
}

/// An engine as the user named it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineSpec {
    /// Such as `marengo2.6`; told back as it was given.
    pub name: String,
    /// What it indexes by; never empty.
    pub options: BTreeSet<ModelOption>,
}

/// A model that really does the work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ModelRef {
    /// Such as `concept-efficientnet-lite2-minilm`. Vectors of different ids are never mixed.
    pub id: String,
    /// Numbers in a vector; zero for models that give text.
    pub dim: usize,
}

/// The models behind an index, fixed when it is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IndexModels {
    /// Sees.
    pub see: ModelRef,
    /// Hears.
    pub hear: ModelRef,
    /// Reads.
    pub read: ModelRef,
    /// Understands words.
    pub words: ModelRef,
}

/// An index.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Index {
    /// Its id.
    pub id: IndexId,
    /// Whose it is.
    pub workspace: WorkspaceId,
    /// Unique within the workspace.
    pub name: String,
    /// One or two engines; fixed.
    pub engines: Vec<EngineSpec>,
    /// `thumbnail`, or nothing.
    pub addons: Vec<String>,
    /// What stands behind the engines; fixed.
    pub models: IndexModels,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it, or what is in it, last changed.
    pub updated_at: Timestamp,
}

impl Index {
    /// What it is indexed by, over all engines.
    pub fn options(&self) -> BTreeSet<ModelOption> {
        self.engines.iter().flat_map(|engine| engine.options.iter().copied()).collect()
    }

    /// What can be searched by: the options of the searching engines.
    pub fn search_options(&self) -> BTreeSet<ModelOption> {
        let searching =
            self.engines.iter().filter(|engine| Family::of(&engine.name) == Some(Family::Marengo));
        searching.flat_map(|engine| engine.options.iter().copied()).collect()
    }

    /// The roles of its engines.
    pub fn families(&self) -> BTreeSet<Family> {
        self.engines.iter().filter_map(|engine| Family::of(&engine.name)).collect()
    }
}

/// An index with what is in it, as lists show it.
#[derive(Debug, Clone, PartialEq)]
pub struct IndexSummary {
    /// The index.
    pub index: Index,
    /// Videos that are ready.
    pub video_count: u64,
    /// Their length together, in seconds.
    pub total_duration_s: f64,
}

/// Largest video file: 2 GB, read as 2 × 10⁹ bytes would refuse files that other tools call 2 GB, so 2 GiB.
pub const MAX_FILE_BYTES: u64 = 2 << 30;
const MIN_LINES: u32 = 360;
/// 4K: 3840 × 2160, or the 4096 × 2160 of cinemas, in either orientation.
const MAX_LONG_SIDE: u32 = 4096;
const MAX_LINES: u32 = 2160;

/// What is measured of a video before it may enter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured {
    /// Pixels per row, as shown.
    pub width: u32,
    /// Rows, as shown.
    pub height: u32,
    /// Length in seconds.
    pub duration_s: f64,
    /// Whether there is sound.
    pub has_audio: bool,
}

/// Refuses a file that is too large, by its size alone: before a byte is moved.
///
/// # Errors
/// [`Code::VideoFilesizeTooLarge`].
pub fn check_size(size_bytes: u64) -> Result<(), Fault> {
    if size_bytes <= MAX_FILE_BYTES {
        return Ok(());
    }
    Err(Fault::new(Code::VideoFilesizeTooLarge)
        .value(format!("{size_bytes} bytes ({:.2} GiB)", size_bytes as f64 / (1u64 << 30) as f64)))
}

/// Refuses a picture size that no engine takes.
///
/// # Errors
/// `video_resolution_too_low`, `video_resolution_too_high`.
pub fn check_resolution(measured: &Measured) -> Result<(), Fault> {
    let Measured { width, height, .. } = *measured;
    let (short, long) = (width.min(height), width.max(height));
    let size = || format!("{width}x{height} pixels");
    if short < MIN_LINES {
        return Err(Fault::new(Code::VideoResolutionTooLow).value(size()));
    }
    if short > MAX_LINES || long > MAX_LONG_SIDE {
        return Err(Fault::new(Code::VideoResolutionTooHigh).value(size()));
    }
    Ok(())
}

/// Refuses a length that an engine of the family does not take; `engine` is what the rule names.
///
/// # Errors
/// `video_duration_too_short`, `video_duration_too_long`.
pub fn check_duration(family: Option<Family>, engine: &str, measured: &Measured) -> Result<(), Fault> {
    let duration_s = measured.duration_s;
    let (min_s, max_s) = match family {
        Some(Family::Pegasus) => (30.0, 1_800.0),
        _ => (4.0, 7_200.0),
    };
    let rule = || format!("videos for {engine} must last {min_s} to {max_s} seconds");
    let value = || format!("{duration_s:.2} s");
    if duration_s < min_s {
        return Err(Fault::new(Code::VideoDurationTooShort).value(value()).rule(rule()));
    }
    if duration_s > max_s {
        return Err(Fault::new(Code::VideoDurationTooLong).value(value()).rule(rule()));
    }
    Ok(())
}

impl Index {
    /// Refuses a video that the rules of this index's engines do not admit; the strictest rule counts.
    ///
    /// # Errors
    /// The resolution, duration and audio codes, with what was measured.
    pub fn admit(&self, measured: &Measured) -> Result<(), Fault> {
        check_resolution(measured)?;
        for engine in &self.engines {
            check_duration(Family::of(&engine.name), &engine.name, measured)?;
        }
        if !measured.has_audio && self.options().contains(&ModelOption::Conversation) {
            return Err(Fault::new(Code::VideoAudioTrackNotExists).value("no audio track"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
