//! What a search found. Every version gets both spellings of the expiry and the reasons of every clip: SDKs ignore what
//! they do not know, people do not.

use std::collections::HashMap;

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::index::option_name;
use crate::http::links::Picture;
use crate::http::openapi::FormFile;
use crate::http::version::ApiVersion;
use crate::ids::{IndexId, VideoId};
use crate::index::ModelOption;
use crate::search::{Clip, Confidence, Items, ResultPage};
use crate::time::{MediaTime, Timestamp};

/// A page of a search.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct SearchPage {
    search_pool: SearchPool,
    data: Vec<SearchItem>,
    page_info: SearchPageInfo,
}

/// What was searched.
#[derive(Debug, Serialize, ToSchema)]
struct SearchPool {
    total_count: u64,
    total_duration: f64,
    index_id: IndexId,
}

/// A clip, or a video with its clips.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
enum SearchItem {
    Clip(SearchClip),
    Video(SearchVideo),
}

/// A video with its clips.
#[derive(Debug, Serialize, ToSchema)]
struct SearchVideo {
    id: VideoId,
    clips: Vec<SearchClip>,
}

/// A clip that was found.
#[derive(Debug, Serialize, ToSchema)]
struct SearchClip {
    score: f64,
    start: f64,
    end: f64,
    video_id: VideoId,
    #[schema(value_type = String)]
    confidence: &'static str,
    rank: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Vec<SearchMatch>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    modules: Option<Vec<SearchModule>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transcription: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thumbnail_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_metadata: Option<Map<String, Value>>,
}

/// What is said or written there.
#[derive(Debug, Serialize, ToSchema)]
struct SearchMatch {
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    option: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

/// By which option it was found.
#[derive(Debug, Serialize, ToSchema)]
struct SearchModule {
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    option: &'static str,
    #[schema(value_type = String)]
    confidence: &'static str,
    score: f64,
}

/// Where there is no page there is no token: an empty one sends some SDKs to a page of no name.
#[derive(Debug, Serialize, ToSchema)]
struct SearchPageInfo {
    limit_per_page: u32,
    total_results: u64,
    page_expired_at: Timestamp,
    page_expires_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    total_inner_matches: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prev_page_token: Option<String>,
}

/// What is told along with the clips of a page.
#[derive(Debug, Default)]
pub(in crate::http) struct Along {
    /// Links in the order of [`clips`]; none when the index has no pictures.
    pub(in crate::http) pictures: Vec<String>,
    /// The users' own fields, if they were asked for.
    pub(in crate::http) metadata: Option<HashMap<VideoId, Map<String, Value>>>,
}

/// All clips of a page, in order.
pub(in crate::http) fn clips(items: &Items) -> Vec<&Clip> {
    match items {
        Items::Clips(clips) => clips.iter().collect(),
        Items::Videos(videos) => videos.iter().flat_map(|(_, clips)| clips).collect(),
    }
}

/// The picture of a clip: of its middle.
pub(in crate::http) fn picture(clip: &Clip) -> Picture {
    let (start, end) = (clip.range.start().as_micros(), clip.range.end().as_micros());
    let middle = MediaTime::from_micros(start / 2 + end / 2);
    Picture { video: clip.video, at_ms: middle.as_millis() }
}

/// A page. Clips of combined queries are told without their matches, as the contract has it.
pub(in crate::http) fn page(page: &ResultPage, version: ApiVersion, along: &Along) -> SearchPage {
    let mut pictures = along.pictures.iter();
    let mut show = |shown: &Clip| {
        let mut found = clip(shown, version);
        if page.is_combined {
            (found.metadata, found.modules) = (None, None);
        }
        found.thumbnail_url = pictures.next().cloned();
        found.user_metadata =
            along.metadata.as_ref().map(|all| all.get(&shown.video).cloned().unwrap_or_default());
        found
    };
    let data = match &page.items {
        Items::Clips(clips) => clips.iter().map(|clip| SearchItem::Clip(show(clip))).collect(),
        Items::Videos(videos) => {
            let video = |(id, clips): &(VideoId, Vec<Clip>)| {
                SearchItem::Video(SearchVideo { id: *id, clips: clips.iter().map(&mut show).collect() })
            };
            videos.iter().map(video).collect()
        }
    };
    SearchPage {
        search_pool: SearchPool {
            total_count: page.pool.total_count,
            total_duration: page.pool.total_duration_s,
            index_id: page.pool.index,
        },
        data,
        page_info: SearchPageInfo {
            limit_per_page: page.limit_per_page,
            total_results: page.total_results,
            page_expired_at: page.expires_at,
            page_expires_at: page.expires_at,
            total_inner_matches: page.total_inner_matches,
            next_page_token: page.next_page_token.clone(),
            prev_page_token: page.prev_page_token.clone(),
        },
    }
}

fn clip(clip: &Clip, version: ApiVersion) -> SearchClip {
    let told = clip
        .matches
        .iter()
        .map(|found| SearchMatch { option: option_name(found.option, version), text: found.text.clone() });
    let modules = clip.matches.iter().map(|found| SearchModule {
        option: option_name(found.option, version),
        confidence: confidence(found.confidence),
        score: round(found.score),
    });
    let said = clip.matches.iter().find(|found| found.option == ModelOption::Conversation);
    SearchClip {
        score: round(clip.score),
        start: clip.range.start().as_secs_f64(),
        end: clip.range.end().as_secs_f64(),
        video_id: clip.video,
        confidence: confidence(clip.confidence),
        rank: clip.rank,
        metadata: Some(told.collect()),
        modules: Some(modules.collect()),
        transcription: said.and_then(|found| found.text.clone()),
        thumbnail_url: None,
        user_metadata: None,
    }
}

fn confidence(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::ExtremelyLow => "extremely low",
        Confidence::Low => "low",
        Confidence::Medium => "medium",
        Confidence::High => "high",
    }
}

/// To hundredths: more would only look exact.
fn round(score: f32) -> f64 {
    (f64::from(score) * 100.0).round() / 100.0
}

/// A search.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the form of a body, for the document")]
pub(in crate::http) struct SearchForm {
    index_id: IndexId,
    /// In forms: what to look for. With a picture: what else it must be like.
    query_text: Option<String>,
    /// In JSON: what to look for, as a text or as a combined query.
    #[schema(value_type = Option<Object>)]
    query: Option<Value>,
    /// `image`, with a picture.
    query_media_type: Option<String>,
    /// A direct link to a JPEG or PNG file; wins over files. Up to ten, up to v1.2 one.
    query_media_url: Option<Vec<String>>,
    /// A JPEG or PNG file of at least 64x64 pixels and at most 32 MB (5 MB up to v1.2).
    query_media_file: Option<Vec<FormFile>>,
    /// Options of the index: `visual`, `audio` and `transcription` (`conversation` up to v1.2), `text_in_video`.
    search_options: Vec<String>,
    /// v1.3: `lexical`, `semantic`, or both.
    transcription_options: Option<Vec<String>>,
    group_by: Option<String>,
    threshold: Option<String>,
    #[schema(minimum = 0, maximum = 1)]
    adjust_confidence_level: Option<f64>,
    sort_option: Option<String>,
    operator: Option<String>,
    conversation_option: Option<String>,
    #[schema(minimum = 1, maximum = 50)]
    page_limit: Option<u32>,
    /// What videos must be like; as JSON in a form.
    #[schema(value_type = Option<Object>)]
    filter: Option<Value>,
    /// Tells the users' own fields with each clip.
    include_user_metadata: Option<bool>,
}

/// A combined search.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the form of a body, for the document")]
pub(in crate::http) struct CombinedForm {
    index_id: IndexId,
    search_options: Vec<String>,
    /// `{"text": …}` with its own `search_options` and `conversation_option`, or one of `$and`, `$or`, `$then` (lists) and
    /// `$not` (`origin` and `sub`), within each other; beside an operator, `proximity`.
    #[schema(value_type = Object)]
    query: Value,
    /// Seconds, for operators that do not say their own.
    #[schema(minimum = 0)]
    proximity: Option<f64>,
    conversation_option: Option<String>,
    #[schema(minimum = 0, maximum = 1)]
    adjust_confidence_level: Option<f64>,
    threshold: Option<String>,
    #[schema(minimum = 1, maximum = 50)]
    page_limit: Option<u32>,
    #[schema(value_type = Option<Object>)]
    filter: Option<Value>,
}
