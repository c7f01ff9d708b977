//! Search: a query by what is seen, said and written → lists of segments → one list of clips with start, end, score
//! and why. Knows neither HTTP nor SQL.

pub mod calibration;
mod check;
pub mod combined;
pub mod evaluate;
mod gather;
pub mod pages;
pub mod rank;
mod searcher;
pub(crate) mod tend;
mod understand;
pub mod vectors;
pub mod words;

use std::collections::BTreeSet;

pub use combined::Combined;
pub use searcher::Searcher;
pub(crate) use understand::mean_of_pictures;

use serde::{Deserialize, Serialize};

use crate::ids::{IndexId, VideoId};
use crate::index::ModelOption;
use crate::picture::Picture;
use crate::store::VideoFilter;
use crate::time::{TimeRange, Timestamp};

/// Characters of a query; far more than the models look at.
pub const MAX_QUERY_CHARS: usize = 2_000;
/// Pictures of a query.
pub const MAX_PICTURES: usize = 10;

/// How the options of a query combine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operator {
    /// A clip may match by any option.
    #[default]
    Or,
    /// A clip must match by every option.
    And,
}

/// How what is said is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConversationOption {
    /// By meaning, helped by words.
    #[default]
    Semantic,
    /// The words themselves, in this order.
    ExactMatch,
}

impl ConversationOption {
    /// The option of this name.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "semantic" => Some(Self::Semantic),
            "exact_match" => Some(Self::ExactMatch),
            _ => None,
        }
    }
}

/// How sure a match must be; also the confidence that is told of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// Everything.
    #[serde(rename = "none", alias = "extremely low")]
    ExtremelyLow,
    /// Not too far off.
    #[default]
    Low,
    /// Fair.
    Medium,
    /// Good.
    High,
}

/// What a page holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupBy {
    /// Clips.
    #[default]
    Clip,
    /// Videos with their clips.
    Video,
}

/// What the list is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SortOption {
    /// Best first.
    #[default]
    Score,
    /// Videos with most clips first; only with [`GroupBy::Video`].
    ClipCount,
}

/// What is looked for.
#[derive(Debug, Clone, PartialEq)]
pub enum Wanted {
    /// What these words say.
    Text(String),
    /// What looks like these pictures, one to [`MAX_PICTURES`]; with words, what is like both.
    Pictures(Vec<Picture>, Option<String>),
    /// Several texts, and how they belong together.
    Combined(Combined),
}

impl From<&str> for Wanted {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// A query.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchRequest {
    /// Where.
    pub index: IndexId,
    /// What.
    pub wanted: Wanted,
    /// By what; a non-empty subset of the index's options.
    pub options: BTreeSet<ModelOption>,
    /// How options combine.
    pub operator: Operator,
    /// How what is said is compared.
    pub conversation: ConversationOption,
    /// Leave out what is less sure.
    pub threshold: Confidence,
    /// Strictness of confidence levels, 0 to 1 (default 0.5).
    pub adjust_confidence_level: f32,
    /// What a page holds.
    pub group_by: GroupBy,
    /// How it is sorted.
    pub sort: SortOption,
    /// Items on a page, 1 to 50.
    pub page_limit: u32,
    /// Which videos.
    pub filter: VideoFilter,
}

/// Why a clip was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Match {
    /// By which option.
    pub option: ModelOption,
    /// 0 to 100.
    pub score: f32,
    /// How sure.
    pub confidence: Confidence,
    /// What is said or written there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// A stretch of a video that was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Clip {
    /// The video.
    pub video: VideoId,
    /// When.
    pub range: TimeRange,
    /// 0 to 100.
    pub score: f32,
    /// How sure.
    pub confidence: Confidence,
    /// Place in the whole list, from 1.
    pub rank: u32,
    /// Why; never empty, best first.
    pub matches: Vec<Match>,
}

/// What a page holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Items {
    /// Clips.
    Clips(Vec<Clip>),
    /// Videos with their clips, best first.
    Videos(Vec<(VideoId, Vec<Clip>)>),
}

/// What was searched.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SearchPool {
    /// Videos.
    pub total_count: u64,
    /// Their seconds.
    pub total_duration_s: f64,
    /// The index.
    pub index: IndexId,
}

/// A page of results.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResultPage {
    /// What was searched.
    pub pool: SearchPool,
    /// What was found.
    pub items: Items,
    /// Items on a page.
    pub limit_per_page: u32,
    /// Items on all pages.
    pub total_results: u64,
    /// Clips on all pages, when grouped by video.
    pub total_inner_matches: Option<u64>,
    /// Whether it is of a combined query: then clips are told without their matches.
    pub is_combined: bool,
    /// Until when the tokens live.
    pub expires_at: Timestamp,
    /// For the page after.
    pub next_page_token: Option<String>,
    /// For the page before.
    pub prev_page_token: Option<String>,
}
