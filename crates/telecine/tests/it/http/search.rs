//! Search in both of its shapes, its pages, and what it refuses.

use reqwest::Method;
use reqwest::multipart::Form;
use serde_json::{Value, json};

use super::lab::{Answer, Lab, tidy};
use telecine::ids::IndexId;

async fn two_videos(lab: &Lab) -> IndexId {
    let index = lab.index("harbour").await;
    lab.video(index, "pier.mp4").await;
    lab.tick();
    lab.video(index, "gulls.mp4").await;
    index
}

#[track_caller]
fn snapshot(lab: &Lab, name: &str, answer: &Answer) {
    assert_eq!(answer.status, 200, "{}", answer.text);
    let mut body = tidy(lab, &answer.json());
    // Scores come from models; that they are scores is tested, their exact value is not.
    blur(&mut body);
    insta::with_settings!({ snapshot_path => "../snapshots", prepend_module_to_snapshot => false }, {
        insta::assert_json_snapshot!(format!("http_{name}"), body);
    });
}

fn blur(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields.iter_mut() {
                match (name.as_str(), value.as_f64()) {
                    ("score", Some(score)) => {
                        assert!((0.0..=100.0).contains(&score), "{score}");
                        *value = "[score]".into();
                    }
                    ("next_page_token" | "prev_page_token", _) => *value = "[token]".into(),
                    _ => blur(value),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(blur),
        _ => {}
    }
}

#[tokio::test]
async fn what_is_seen_said_and_written_is_found_in_the_shape_of_every_version() {
    let lab = Lab::start().await;
    let index = two_videos(&lab).await;
    let body = json!({
        "index_id": index, "query": "a boat leaves the harbour", "search_options": ["conversation"],
        "threshold": null, "filter": null,
    });
    snapshot(&lab, "search_v1_2", &lab.post("/v1.2/search", body).await);
    let form = Form::new()
        .text("index_id", index.to_string())
        .text("query_text", "a boat leaves the harbour")
        .text("search_options", "audio")
        .text("page_limit", "5")
        .text("filter", "{\"filename\": \"pier.mp4\"}");
    snapshot(&lab, "search_v1_3", &lab.form("/v1.3/search", form).await);
    let seen =
        json!({ "index_id": index, "query": "a car", "search_options": ["visual"], "group_by": "video" });
    snapshot(&lab, "search_by_video", &lab.post("/v1.2/search-v2", seen).await);
    let written = json!({ "index_id": index, "query": "exit", "search_options": ["text_in_video"] });
    let found = lab.post("/search", written).await.json();
    assert_eq!(found["data"][0]["metadata"][0], json!({ "type": "text_in_video", "text": "EXIT" }));
    let link = found["data"][0]["thumbnail_url"].as_str().unwrap();
    assert_eq!(lab.client.get(link).send().await.unwrap().status().as_u16(), 200, "{link}");
}

#[tokio::test]
async fn pages_follow_each_other_by_tokens_until_there_is_none() {
    let lab = Lab::start().await;
    let index = two_videos(&lab).await;
    let body = json!({
        "index_id": index, "query": "boat", "search_options": ["conversation"], "threshold": "none", "page_limit": 1,
    });
    let first = lab.post("/v1.2/search-v2", body).await.json();
    assert_eq!(first["page_info"]["total_results"], 2, "{first}");
    assert!(first["page_info"].get("prev_page_token").is_none());
    let token = first["page_info"]["next_page_token"].as_str().unwrap().to_owned();
    for path in ["/v1.2/search/", "/v1.2/search-v2/", "/v1.3/search/", "/search/combined/"] {
        let second = lab.get(&format!("{path}{token}")).await.json();
        assert_ne!(second["data"][0]["video_id"], first["data"][0]["video_id"]);
        assert!(second["page_info"].get("next_page_token").is_none(), "no token on the last page");
        let back = second["page_info"]["prev_page_token"].as_str().unwrap();
        assert_eq!(lab.get(&format!("/v1.2/search/{back}")).await.json()["data"], first["data"]);
    }
    let key = lab.stranger().await;
    let request = lab.client.get(format!("{}/search/{token}", lab.url)).header("x-api-key", key);
    let stranger = Answer::of(request.send().await.unwrap()).await;
    assert_eq!(stranger.refusal(), (400, "search_page_token_expired".into()));
    lab.clock.advance(std::time::Duration::from_secs(3_601));
    assert_eq!(
        lab.get(&format!("/search/{token}")).await.refusal(),
        (400, "search_page_token_expired".into())
    );
    let nonsense = lab.get("/search/nonsense").await;
    assert_eq!(nonsense.refusal(), (400, "search_page_token_expired".into()));
    assert_eq!(nonsense.json()["error_code"], 104, "the contract tells it by a number, too");
}

#[tokio::test]
async fn version_1_3_finds_written_text_by_visual_where_any_option_may_match() {
    let lab = Lab::start().await;
    let index = two_videos(&lab).await;
    let ask = async |version: &str, operator: &str| {
        let body = json!({
            "index_id": index, "query": "exit", "search_options": ["visual"], "operator": operator,
            "threshold": "none", "page_limit": 50,
        });
        let found = lab.post(&format!("/{version}/search"), body).await;
        assert_eq!(found.status, 200, "{}", found.text);
        found.text.matches("text_in_video").count() > 0
    };
    assert!(ask("v1.3", "or").await);
    assert!(!ask("v1.3", "and").await);
    assert!(!ask("v1.2", "or").await);
}

#[tokio::test]
async fn what_cannot_be_searched_is_refused() {
    let lab = Lab::start().await;
    let index = lab.index("harbour").await;
    let seeing = json!([{ "engine_name": "marengo2.6", "engine_options": ["visual"] }]);
    let seeing = lab.post("/indexes", json!({ "index_name": "seeing", "engines": seeing })).await.json();
    let writing = json!([{ "engine_name": "pegasus1.1", "engine_options": ["visual"] }]);
    let writing = lab.post("/indexes", json!({ "index_name": "writing", "engines": writing })).await.json();
    let with = |change: Value| {
        let mut body = json!({ "index_id": index, "query": "boat", "search_options": ["visual"] });
        for (name, value) in change.as_object().unwrap() {
            body[name] = value.clone();
        }
        body
    };
    let table = [
        (json!({ "index_id": null }), (400, "parameter_not_provided")),
        (json!({ "index_id": "000000000000000000000000" }), (404, "resource_not_exists")),
        (json!({ "query": null }), (400, "parameter_not_provided")),
        (json!({ "query": { "$and": [] } }), (400, "parameter_invalid")),
        (json!({ "query_media_type": "image" }), (400, "parameter_not_provided")),
        (json!({ "query_media_url": "https://a.test/a.png" }), (400, "parameter_not_provided")),
        (
            json!({ "query_media_type": "sound", "query_media_url": "https://a.test/a.png" }),
            (400, "parameter_invalid"),
        ),
        (json!({ "search_options": [] }), (400, "parameter_not_provided")),
        (json!({ "search_options": ["logo"] }), (400, "search_option_not_supported")),
        (
            json!({ "index_id": seeing["_id"], "search_options": ["conversation"] }),
            (400, "search_option_not_supported"),
        ),
        (json!({ "index_id": writing["_id"] }), (400, "index_not_supported_for_search")),
        (json!({ "page_limit": 51 }), (400, "parameter_invalid")),
        (json!({ "page_limit": 1.5 }), (400, "parameter_invalid")),
        (json!({ "threshold": "certain" }), (400, "parameter_invalid")),
        (json!({ "operator": "xor" }), (400, "parameter_invalid")),
        (json!({ "adjust_confidence_level": 2 }), (400, "parameter_invalid")),
        (json!({ "sort_option": "clip_count" }), (400, "parameter_invalid")),
        (json!({ "filter": { "width": "wide" } }), (400, "search_filter_invalid")),
        (json!({ "filter": "x" }), (400, "parameter_invalid")),
    ];
    for (change, (status, code)) in table {
        let answer = lab.post("/v1.2/search", with(change.clone())).await;
        assert_eq!(answer.refusal(), (status, code.to_owned()), "{change}: {}", answer.text);
    }
    let empty = lab.send(Method::POST, "/v1.2/search", Some(with(json!({})))).await;
    assert_eq!(empty.json()["data"], json!([]), "an index without videos finds nothing: {}", empty.text);
}
