//! The contract's codes: every one is raised by a test, or it is said here why it cannot be. And refusals that no other
//! test asks for.

use std::path::Path;

use reqwest::Method;
use serde_json::json;
use telecine::fault::Code;

use super::lab::Lab;

/// The codes of B.13 of the contract that nothing here raises, with the reason.
const NEVER: [(&str, &str); 13] = [
    ("tags_not_allowed", "there are no tags"),
    ("api_upgrade_required", "all versions are answered"),
    ("api_allowed_for_paid_plan", "there are no plans"),
    ("region_not_allowed", "there are no regions"),
    ("not_found", "told as resource_not_exists or endpoint_not_exists, with the status 404"),
    ("video_resolution_invalid_aspect_ratio", "any aspect ratio is taken"),
    ("transcription_not_supported", "told as transcription_invalid"),
    ("video_duration_out_of_range", "told as video_duration_too_short or video_duration_too_long"),
    ("video_resolution_out_of_range", "told as video_resolution_too_low or video_resolution_too_high"),
    ("audio_file_broken", "files of sound alone are told as unsupported_file_type"),
    ("external_video_unavailable", "told as video_url_not_accessible"),
    ("search_video_duration_too_long", "videos are no queries"),
    ("resource_not_exist", "the docs' spelling of resource_not_exists, which clients compare by prefix"),
];

/// The others.
const RAISED: [&str; 33] = [
    "parameter_invalid",
    "parameter_not_provided",
    "parameter_unknown",
    "resource_not_exists",
    "endpoint_not_exists",
    "api_key_invalid",
    "unauthorized",
    "api_not_allowed",
    "request_canceled_or_timed_out",
    "too_many_requests",
    "index_option_cannot_be_changed",
    "index_engine_cannot_be_changed",
    "index_name_already_exists",
    "video_resolution_too_low",
    "video_resolution_too_high",
    "video_duration_too_short",
    "video_duration_too_long",
    "video_file_broken",
    "video_filesize_too_large",
    "task_cannot_be_deleted",
    "video_audio_track_not_exists",
    "transcription_url_not_accessible",
    "transcription_url_not_exists",
    "unsupported_file_type",
    "search_option_not_supported",
    "search_filter_invalid",
    "search_page_token_expired",
    "usage_limit_exceeded",
    "search_video_not_in_same_index",
    "search_parameter_not_allowed",
    "token_limit_exceeded",
    "index_not_supported_for_generate",
    "search_option_combination_not_supported",
];

fn sources(folder: &Path, text: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, text);
        } else if path.extension().is_some_and(|extension| extension == "rs")
            && !path.ends_with("http/codes.rs")
        {
            text.push_str(&std::fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn every_code_of_the_contract_is_raised_by_a_test_or_it_is_said_why_not() {
    let mut tests = String::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it"), &mut tests);
    tests.push_str(OWN);
    for name in RAISED {
        let code = Code::parse(name).unwrap_or_else(|| panic!("{name} is not in the catalogue"));
        let is_raised = tests.contains(&format!("Code::{code:?}")) || tests.contains(&format!("\"{name}\""));
        assert!(is_raised, "no test names {name}");
    }
    for (name, reason) in NEVER {
        assert!(Code::parse(name).is_none(), "{name} is in the catalogue: then it can be raised");
        assert!(!reason.is_empty(), "{name}");
    }
}

/// Codes that are raised below.
const OWN: &str = "\"index_option_cannot_be_changed\" \"api_not_allowed\"";

#[tokio::test]
async fn what_is_fixed_in_an_index_is_refused_to_be_changed() {
    let lab = Lab::start().await;
    let index = lab.index("films").await;
    for (name, code) in [
        ("engine_options", "index_option_cannot_be_changed"),
        ("addons", "index_option_cannot_be_changed"),
        ("engines", "index_engine_cannot_be_changed"),
    ] {
        let body = json!({ "index_name": "other", name: ["visual"] });
        let refused = lab.send(Method::PUT, &format!("/v1.2/indexes/{index}"), Some(body)).await;
        assert_eq!(refused.refusal(), (400, code.into()), "{name}: {}", refused.text);
    }
}

#[tokio::test]
async fn a_link_is_taken_as_a_video_and_pages_of_youtube_are_not() {
    let lab = Lab::start().await;
    let index = lab.index("films").await;
    let external = async |url: &str| {
        lab.post("/v1.1/tasks/external-provider", json!({ "index_id": index, "url": url })).await
    };
    let made = external("https://films.test/pier.mp4").await;
    assert_eq!(made.status, 201, "{}", made.text);
    let id = made.json()["_id"].as_str().unwrap().to_owned();
    let task = lab.get(&format!("/v1.1/tasks/{id}")).await.json();
    assert_eq!(task["object"], "https://films.test/pier.mp4");
    for page in ["https://www.youtube.com/watch?v=x", "http://youtu.be/x", "https://m.YouTube.com/shorts/x"] {
        let refused = external(page).await;
        assert_eq!(refused.refusal(), (400, "api_not_allowed".into()), "{page}");
        assert!(refused.json()["remedy"].as_str().unwrap().contains("upload"));
    }
    assert_eq!(external("https://notyoutube.com/a.mp4").await.status, 201);
    assert_eq!(external("pier.mp4").await.refusal(), (400, "parameter_invalid".into()));
}

#[tokio::test]
async fn what_the_contract_has_and_this_server_has_not_is_named_with_what_to_use() {
    let lab = Lab::start().await;
    for path in [
        "/v1.2/classify",
        "/v1.2/classify/bulk",
        "/v1.3/entity-collections",
        "/knowledge-stores/x",
        "/responses",
    ] {
        let answer = lab.post(path, json!({})).await;
        assert_eq!(answer.refusal(), (404, "endpoint_not_exists".into()), "{path}");
        let body = answer.json();
        assert!(body["message"].as_str().unwrap().ends_with("here."), "{path}: {body}");
        assert!(body["remedy"].as_str().unwrap().contains("POST /search"), "{path}: {body}");
    }
    let other = lab.post("/v1.2/classifyx", json!({})).await.json();
    assert_eq!(other["message"], Code::EndpointNotExists.message());
}
