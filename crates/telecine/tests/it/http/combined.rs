//! Combined queries over HTTP, and what else a search may say: every spelling, every refusal.

use reqwest::multipart::Form;
use serde_json::{Value, json};

use super::lab::{Answer, Lab};
use telecine::ids::{IndexId, TaskId};

async fn harbour(lab: &Lab) -> (IndexId, TaskId, TaskId) {
    let index = lab.index("harbour").await;
    let pier = lab.video(index, "pier.mp4").await;
    lab.tick();
    let gulls = lab.video(index, "gulls.mp4").await;
    (index, pier, gulls)
}

/// Start and end of each clip of a video.
fn ranges(answer: &Answer, video: TaskId) -> Vec<(f64, f64)> {
    assert_eq!(answer.status, 200, "{}", answer.text);
    let body = answer.json();
    let clips = body["data"].as_array().unwrap().iter().filter(|clip| clip["video_id"] == json!(video));
    clips.map(|clip| (clip["start"].as_f64().unwrap(), clip["end"].as_f64().unwrap())).collect()
}

/// In each video: a car at 0–2, a sentence about a boat at 2–4, EXIT at 4–6, no car at 6–8.
#[tokio::test]
async fn operators_combine_what_is_seen_said_and_written() {
    let lab = Lab::start().await;
    let (index, pier, _) = harbour(&lab).await;
    let car = json!({ "text": "a car", "search_options": ["visual"] });
    let boat = json!({ "text": "a boat leaves the harbour", "search_options": ["conversation"] });
    let exit = json!({ "text": "exit", "search_options": ["text_in_video"] });
    let table = [
        (json!({ "$and": [car, boat] }), vec![(0.0, 4.0)]),
        (json!({ "$and": [car, exit] }), vec![]),
        (json!({ "$and": [car, exit], "proximity": 2 }), vec![(0.0, 6.0)]),
        (json!({ "$then": [car, boat, exit] }), vec![(0.0, 6.0)]),
        (json!({ "$then": [exit, car] }), vec![]),
        (json!({ "$not": { "origin": { "$or": [boat, exit] }, "sub": boat } }), vec![(4.0, 6.0)]),
        (json!({ "$not": { "origin": exit, "sub": boat }, "proximity": 1 }), vec![]),
        (exit.clone(), vec![(4.0, 6.0)]),
    ];
    for (query, expected) in table {
        let body =
            json!({ "index_id": index, "query": query, "search_options": ["visual"], "page_limit": 50 });
        for path in ["/v1.2/search/combined", "/v1.2/search", "/v1.3/search/combined"] {
            let answer = lab.post(path, body.clone()).await;
            assert_eq!(ranges(&answer, pier), expected, "{path} {query}: {}", answer.text);
            for clip in answer.json()["data"].as_array().unwrap() {
                assert!(clip.get("metadata").is_none() && clip.get("modules").is_none(), "{clip}");
                assert!(
                    clip["score"].is_number() && clip["confidence"].is_string() && clip["rank"].is_number()
                );
            }
        }
    }
    // In a form the object is a text, and a proximity beside the query is everybody's.
    let query = json!({ "$and": [car, exit] }).to_string();
    let form = Form::new().text("index_id", index.to_string()).text("query", query);
    let form = form.text("search_options", "visual").text("proximity", "2");
    assert_eq!(ranges(&lab.form("/v1.2/search", form).await, pier), [(0.0, 6.0)]);
}

#[tokio::test]
async fn pages_of_a_combined_query_are_had_by_any_route() {
    let lab = Lab::start().await;
    let (index, ..) = harbour(&lab).await;
    let query = json!({ "$or": [{ "text": "a boat leaves the harbour" }, { "text": "a ship" }] });
    let body =
        json!({ "index_id": index, "query": query, "search_options": ["conversation"], "page_limit": 1 });
    let first = lab.post("/v1.2/search/combined", body).await.json();
    let token = first["page_info"]["next_page_token"].as_str().unwrap_or_else(|| panic!("{first}"));
    for path in ["search", "search-v2", "search/combined"] {
        let second = lab.get(&format!("/v1.2/{path}/{token}")).await.json();
        assert_ne!(second["data"][0]["video_id"], first["data"][0]["video_id"]);
        assert!(second["data"][0].get("modules").is_none(), "{second}");
    }
}

#[tokio::test]
async fn a_combined_query_that_is_wrong_is_told_with_its_place() {
    let lab = Lab::start().await;
    let index = lab.index("harbour").await;
    let seeing = json!([{ "engine_name": "marengo2.6", "engine_options": ["visual"] }]);
    let seeing = lab.post("/indexes", json!({ "index_name": "seeing", "engines": seeing })).await.json();
    let ask = async |index: Value, query: Value| {
        let body = json!({ "index_id": index, "query": query, "search_options": ["visual"] });
        lab.post("/v1.2/search/combined", body).await
    };
    let text = json!({ "text": "a car" });
    let deep = (0..8).fold(text.clone(), |query, _| json!({ "$or": [query] }));
    let table = [
        (json!({ "$and": [text, { "text": "" }] }), "parameter_invalid", "query.$and[1].text"),
        (json!({ "$not": { "origin": text } }), "parameter_invalid", "query.$not"),
        (deep, "parameter_invalid", "too deep"),
        (json!({ "$or": vec![text.clone(); 33] }), "parameter_invalid", "query.$or[32]"),
        (
            json!({ "text": "a", "search_options": ["logo"] }),
            "search_option_not_supported",
            "query.search_options",
        ),
    ];
    for (query, code, place) in table {
        let answer = ask(json!(index), query).await;
        assert_eq!(answer.refusal(), (400, code.into()), "{}", answer.text);
        assert!(answer.json()["message"].as_str().unwrap().contains(place), "{}", answer.text);
    }
    let leaf = json!({ "$and": [text, { "text": "a", "search_options": ["conversation"] }] });
    let refused = ask(seeing["_id"].clone(), leaf).await;
    assert_eq!(refused.refusal(), (400, "search_option_not_supported".into()), "a leaf's options count, too");
}

#[tokio::test]
async fn version_1_3_compares_speech_by_transcription_options() {
    let lab = Lab::start().await;
    let (index, ..) = harbour(&lab).await;
    let ask = async |text: &str, options: &[&str], how: &[&str]| {
        let mut form = Form::new().text("index_id", index.to_string()).text("query_text", text.to_owned());
        for option in options {
            form = form.text("search_options", (*option).to_owned());
        }
        for word in how {
            form = form.text("transcription_options", (*word).to_owned());
        }
        lab.form("/v1.3/search", form).await
    };
    let count = |answer: Answer| answer.json()["page_info"]["total_results"].as_u64();
    assert_eq!(count(ask("leaves the harbour", &["transcription"], &["lexical"]).await), Some(2));
    assert_eq!(count(ask("a ship sets sail", &["transcription"], &["lexical"]).await), Some(0));
    for how in [&["semantic"][..], &["lexical", "semantic"], &[]] {
        assert_eq!(count(ask("a ship leaves the port", &["transcription"], how).await), Some(2), "{how:?}");
    }
    let refused = ask("boat", &["audio"], &["lexical"]).await;
    assert_eq!(refused.refusal(), (400, "search_parameter_not_allowed".into()), "{}", refused.text);
    let unknown = ask("boat", &["transcription"], &["exact"]).await;
    assert_eq!(unknown.refusal(), (400, "parameter_invalid".into()));
    let both = json!({ "index_id": index, "query_text": "boat", "search_options": ["transcription"],
        "transcription_options": ["lexical"], "conversation_option": "exact_match" });
    assert_eq!(lab.post("/v1.3/search", both).await.refusal(), (400, "search_parameter_not_allowed".into()));
}

#[tokio::test]
async fn the_users_own_fields_are_told_where_they_are_asked_for() {
    let lab = Lab::start().await;
    let (index, pier, gulls) = harbour(&lab).await;
    let mut body = json!({
        "index_id": index, "query_text": "a boat", "search_options": ["audio"], "page_limit": 1,
        "include_user_metadata": true,
    });
    let first = lab.post("/v1.3/search", body.clone()).await.json();
    let category = |clip: &Value| {
        let name = if clip["video_id"] == json!(pier) { "pier.mp4" } else { "gulls.mp4" };
        assert_eq!(clip["user_metadata"], json!({ "category": name }), "{clip}");
    };
    category(&first["data"][0]);
    let token = first["page_info"]["next_page_token"].as_str().unwrap();
    let told = lab.get(&format!("/v1.3/search/{token}?include_user_metadata=true")).await.json();
    category(&told["data"][0]);
    let silent = lab.get(&format!("/v1.3/search/{token}")).await.json();
    assert!(silent["data"][0].get("user_metadata").is_none());
    body["group_by"] = "video".into();
    let grouped = lab.post("/v1.3/search", body).await.json();
    category(&grouped["data"][0]["clips"][0]);
    assert!([json!(pier), json!(gulls)].contains(&grouped["data"][0]["id"]));
}

#[tokio::test]
async fn every_kind_of_filter_narrows_what_is_searched() {
    let lab = Lab::start().await;
    let (index, pier, gulls) = harbour(&lab).await;
    let table = [
        (json!({ "id": pier }), 1),
        (json!({ "id": [pier, gulls] }), 2),
        (json!({ "filename": "pier.mp4" }), 1),
        (json!({ "title": "pier.mp4" }), 1),
        (json!({ "width": { "gte": 1, "lte": 100_000 } }), 2),
        (json!({ "width": 1 }), 0),
        (json!({ "duration": { "gte": 100_000 } }), 0),
        (json!({ "size": { "lte": 0 } }), 0),
        (json!({ "category": "gulls.mp4" }), 1),
        (json!({ "category": true }), 0),
        (json!({ "rating": { "gte": 3 } }), 0),
        (json!({}), 2),
    ];
    for (filter, count) in table {
        let body = json!({ "index_id": index, "query_text": "boat", "search_options": ["audio"],
            "threshold": "none", "filter": filter });
        let found = lab.post("/v1.3/search", body).await.json();
        assert_eq!(found["search_pool"]["total_count"], count, "{filter}: {found}");
        let form = Form::new().text("index_id", index.to_string()).text("query_text", "boat");
        let form = form.text("search_options", "audio").text("filter", filter.to_string());
        let found = lab.form("/v1.3/search", form).await.json();
        assert_eq!(found["search_pool"]["total_count"], count, "stringified {filter}: {found}");
    }
    let other = lab.index("elsewhere").await;
    let body = json!({ "index_id": other, "query_text": "boat", "search_options": ["audio"], "filter": { "id": [pier] } });
    let refused = lab.post("/v1.3/search", body.clone()).await;
    assert_eq!(refused.refusal(), (400, "search_video_not_in_same_index".into()), "{}", refused.text);
    lab.send(reqwest::Method::DELETE, &format!("/indexes/{index}/videos/{pier}"), None).await;
    assert_eq!(lab.post("/v1.3/search", body).await.status, 200, "one that is nowhere is no fault");
}

#[tokio::test]
async fn strictness_and_threshold_change_what_is_called_sure() {
    let lab = Lab::start().await;
    let (index, ..) = harbour(&lab).await;
    let count = async |threshold: &str, level: f64| {
        let body = json!({ "index_id": index, "query": "ships", "search_options": ["conversation"],
            "threshold": threshold, "adjust_confidence_level": level });
        let found = lab.post("/v1.2/search", body).await;
        found.json()["page_info"]["total_results"].as_u64().unwrap_or_else(|| panic!("{}", found.text))
    };
    let all = count("none", 0.5).await;
    assert_eq!(all, 2, "none leaves nothing out");
    assert!(count("high", 1.0).await < all);
    assert!(count("low", 0.0).await >= count("low", 1.0).await);
}
