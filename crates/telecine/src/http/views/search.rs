//! What a search found. Every version gets both spellings of the expiry and the reasons of every clip: SDKs ignore what
//! they do not know, people do not.

use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::index::option_name;
use crate::http::links::Picture;
use crate::http::version::ApiVersion;
use crate::ids::{IndexId, VideoId};
use crate::index::ModelOption;
use crate::search::{Clip, Confidence, Items, ResultPage};
use crate::time::MediaTime;
use crate::time::Timestamp;

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

/// A page. `pictures` are links in the order of [`clips`]; none when the index has no pictures.
pub(in crate::http) fn page(page: &ResultPage, version: ApiVersion, pictures: &[String]) -> Value {
    let mut pictures = pictures.iter();
    let mut show = |shown: &Clip| clip(shown, version, pictures.next());
    let data: Vec<Value> = match &page.items {
        Items::Clips(clips) => clips.iter().map(&mut show).collect(),
        Items::Videos(videos) => {
            let video = |(id, clips): &(_, Vec<Clip>)| json!({ "id": id, "clips": clips.iter().map(&mut show).collect::<Vec<_>>() });
            videos.iter().map(video).collect()
        }
    };
    let mut info = json!({
        "limit_per_page": page.limit_per_page,
        "total_results": page.total_results,
        "page_expired_at": page.expires_at,
        "page_expires_at": page.expires_at,
    });
    // Where there is no page there is no token: an empty one sends some SDKs to a page of no name.
    let optional = [
        ("total_inner_matches", page.total_inner_matches.map(Value::from)),
        ("next_page_token", page.next_page_token.as_deref().map(Value::from)),
        ("prev_page_token", page.prev_page_token.as_deref().map(Value::from)),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            info[name] = value;
        }
    }
    json!({
        "search_pool": {
            "total_count": page.pool.total_count,
            "total_duration": page.pool.total_duration_s,
            "index_id": page.pool.index,
        },
        "data": data,
        "page_info": info,
    })
}

fn clip(clip: &Clip, version: ApiVersion, picture: Option<&String>) -> Value {
    let mut metadata = Vec::new();
    let mut modules = Vec::new();
    for found in &clip.matches {
        let name = option_name(found.option, version);
        modules.push(
            json!({ "type": name, "confidence": confidence(found.confidence), "score": round(found.score) }),
        );
        metadata.push(match &found.text {
            Some(text) => json!({ "type": name, "text": text }),
            None => json!({ "type": name }),
        });
    }
    let mut shown = json!({
        "score": round(clip.score),
        "start": clip.range.start().as_secs_f64(),
        "end": clip.range.end().as_secs_f64(),
        "video_id": clip.video,
        "confidence": confidence(clip.confidence),
        "rank": clip.rank,
        "metadata": metadata,
        "modules": modules,
    });
    let said = clip.matches.iter().find(|found| found.option == ModelOption::Conversation);
    if let Some(text) = said.and_then(|found| found.text.as_deref()) {
        shown["transcription"] = text.into();
    }
    if let Some(picture) = picture {
        shown["thumbnail_url"] = picture.as_str().into();
    }
    shown
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
    /// In forms: what to look for.
    query_text: Option<String>,
    /// In JSON: what to look for.
    query: Option<String>,
    /// Options of the index: `visual`, `audio` (`conversation` up to v1.2), `text_in_video`.
    search_options: Vec<String>,
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
}

/// What was found: clips, or videos with their clips.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the form of `page`, for the document")]
pub(in crate::http) struct SearchPage {
    search_pool: SearchPool,
    data: Vec<SearchItem>,
    page_info: SearchPageInfo,
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "the form of `page`, for the document")]
struct SearchPool {
    total_count: u64,
    total_duration: f64,
    index_id: IndexId,
}

#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "the form of `page`, for the document")]
enum SearchItem {
    Clip(SearchClip),
    Video(SearchVideo),
}

#[derive(Serialize, ToSchema)]
struct SearchVideo {
    id: VideoId,
    clips: Vec<SearchClip>,
}

/// A part of a video.
#[derive(Serialize, ToSchema)]
struct SearchClip {
    score: f64,
    /// Seconds.
    start: f64,
    end: f64,
    video_id: VideoId,
    confidence: String,
    rank: u64,
    metadata: Option<Vec<SearchMatch>>,
    modules: Option<Vec<SearchModule>>,
    transcription: Option<String>,
    thumbnail_url: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct SearchMatch {
    r#type: String,
    text: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct SearchModule {
    r#type: String,
    confidence: String,
    score: Option<f64>,
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "the form of `page`, for the document")]
struct SearchPageInfo {
    limit_per_page: u64,
    total_results: u64,
    /// Of clips, where results are grouped by videos.
    total_inner_matches: Option<u64>,
    page_expired_at: Timestamp,
    page_expires_at: Timestamp,
    next_page_token: Option<String>,
    prev_page_token: Option<String>,
}
