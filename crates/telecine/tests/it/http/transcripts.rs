//! What is said in a video, changed by a person: what is found then, what is refused, the way back.

use reqwest::Method;
use serde_json::{Value, json};
use telecine::ids::IndexId;

use super::lab::{Answer, Lab, id_of};

const SAID: &str = "A boat leaves the harbour in pier.mp4";

/// The texts that are found in what is said, best first.
async fn found(lab: &Lab, index: IndexId, query: &str, how: &str) -> Vec<String> {
    let body = json!({
        "index_id": index, "query": query, "search_options": ["conversation"], "conversation_option": how,
        "threshold": "none",
    });
    let answer = lab.post("/v1.2/search", body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let found = answer.json()["data"].as_array().cloned().unwrap_or_default();
    found.iter().map(|clip| clip["metadata"][0]["text"].as_str().unwrap_or_default().to_owned()).collect()
}

async fn put(lab: &Lab, path: &str, data: Value) -> Answer {
    lab.send(Method::PUT, path, Some(json!({ "data": data }))).await
}

fn line(start: f64, end: f64, value: &str) -> Value {
    json!({ "start": start, "end": end, "value": value })
}

#[tokio::test]
async fn changed_words_are_found_and_the_old_ones_no_longer_until_the_change_is_taken_back() {
    let lab = Lab::start().await;
    let index = lab.index("harbour").await;
    let video = lab.video(index, "pier.mp4").await;
    let other = lab.video(index, "gulls.mp4").await;
    let path = format!("/v1.2/indexes/{index}/videos/{video}/transcription");
    let heard = lab.get(&path).await.json();
    assert_eq!(heard["data"], json!([line(2.0, 4.0, SAID)]));
    assert_eq!(heard.get("edited_at"), None, "nobody changed it");
    // The vectors are in memory when the change comes.
    assert!(found(&lab, index, "a boat leaves", "semantic").await.contains(&SAID.to_owned()));

    lab.tick();
    let (bridge, crew) = ("A red lorry crosses the bridge.", "The crew waves.");
    let changed = put(&lab, &path, json!([line(5.0, 13.0, crew), line(1.5, 4.0, bridge)])).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    let expected = json!({
        "id": video, "index_id": index, "edited_at": "2024-03-01T09:00:01.000Z",
        "data": [line(1.5, 4.0, bridge), line(5.0, 12.5, crew)],
    });
    assert_eq!(changed.json(), expected, "in order, and cut at the end of the video");
    assert_eq!(lab.get(&path).await.json(), expected);
    assert_eq!(found(&lab, index, "lorry", "exact_match").await, [bridge]);
    assert_eq!(found(&lab, index, "a truck drives over a river", "semantic").await[0], bridge);
    let boats = found(&lab, index, "boat", "exact_match").await;
    assert_eq!(boats, ["A boat leaves the harbour in gulls.mp4"], "only the other video's");
    assert!(!found(&lab, index, "a boat leaves", "semantic").await.contains(&SAID.to_owned()));
    let shown = lab.get(&format!("/v1.2/indexes/{index}/videos/{video}?transcription=true")).await.json();
    assert_eq!(shown["transcription"][0]["value"], bridge);
    assert_eq!(shown["updated_at"], "2024-03-01T09:00:01.000Z");

    lab.tick();
    let again = put(&lab, &path, json!([])).await.json();
    assert_eq!((&again["data"], &again["edited_at"]), (&Value::Null, &json!("2024-03-01T09:00:02.000Z")));
    assert_eq!(found(&lab, index, "lorry", "exact_match").await, [""; 0]);
    for _ in 0..2 {
        let restored = lab.send(Method::DELETE, &path, None).await;
        assert_eq!((restored.status, restored.json()), (200, heard.clone()), "what was heard first is back");
    }
    assert_eq!(found(&lab, index, "boat", "exact_match").await.len(), 2);
    assert!(found(&lab, index, "a boat leaves", "semantic").await.contains(&SAID.to_owned()));
    let untouched = lab.get(&format!("/v1.2/indexes/{index}/videos/{other}/transcription")).await.json();
    assert_eq!(untouched.get("edited_at"), None);

    // The change goes with its video.
    put(&lab, &path, json!([line(0.0, 1.0, "once more")])).await;
    lab.send(Method::DELETE, &format!("/v1.2/indexes/{index}/videos/{video}"), None).await;
    assert_eq!(lab.app.store.heard(video.into()).await.unwrap(), None);
    assert_eq!(put(&lab, &path, json!([])).await.refusal(), (404, "resource_not_exists".into()));
}

#[tokio::test]
async fn what_is_wrong_with_a_line_is_told_with_its_number_and_nothing_changes() {
    let lab = Lab::start().await;
    let index = lab.index("harbour").await;
    let video = lab.video(index, "pier.mp4").await;
    let path = format!("/indexes/{index}/videos/{video}/transcription");
    let good = line(0.0, 1.0, "fine");
    let table = [
        (json!([good, line(2.0, 1.0, "a")]), "Line 2 does not start before it ends."),
        (json!([line(12.6, 12.9, "a")]), "Line 1 lies outside of the video."),
        (json!([good, good, line(0.0, 1.0, "  ")]), "Line 3 says nothing."),
        (json!([good, line(0.0, 1.0, &"a".repeat(2_001))]), "Line 2 is too long."),
        (
            json!([good, { "start": "0", "end": 1, "value": "a" }]),
            "Line 2 has no `start` that is a number of seconds.",
        ),
        (json!([good, { "start": 0, "end": 1, "text": "a" }]), "Line 2 has no `value` that is a text."),
        (json!([good, 7]), "Line 2 has no `value` that is a text."),
        (json!("fine"), "The data parameter must be a list of lines."),
        (json!(vec![good.clone(); 20_001]), "There are too many lines."),
    ];
    for (data, message) in table {
        let refused = put(&lab, &path, data).await;
        assert_eq!(refused.refusal(), (400, "parameter_invalid".into()), "{message}");
        let told = refused.json();
        assert_eq!((&told["message"], told["rule"].is_string()), (&json!(message), true), "{told}");
    }
    let missing = lab.send(Method::PUT, &path, Some(json!({}))).await;
    assert_eq!(missing.refusal(), (400, "parameter_not_provided".into()));
    assert_eq!(lab.get(&path).await.json()["data"], json!([line(2.0, 4.0, SAID)]));

    let engines = json!([{ "engine_name": "marengo2.6", "engine_options": ["visual"] }]);
    let made = lab.post("/v1.2/indexes", json!({ "index_name": "silent", "engines": engines })).await;
    let silent: IndexId = id_of(&made.json()["_id"]);
    let video = lab.video(silent, "pier.mp4").await;
    let path = format!("/indexes/{silent}/videos/{video}/transcription");
    assert_eq!(put(&lab, &path, json!([good])).await.refusal(), (400, "api_not_allowed".into()));
}

#[tokio::test]
async fn a_transcript_is_changed_from_many_sides_at_once_and_what_was_heard_stays_the_same() {
    let lab = Lab::start().await;
    let index = lab.index("harbour").await;
    let video = lab.video(index, "pier.mp4").await;
    let path = format!("/indexes/{index}/videos/{video}/transcription");
    let changes = (0..8).map(|number| put(&lab, &path, json!([line(0.0, 1.0, &format!("word{number}"))])));
    for changed in futures::future::join_all(changes.collect::<Vec<_>>()).await {
        assert_eq!(changed.status, 200, "{}", changed.text);
        assert_eq!(changed.json()["data"].as_array().map(Vec::len), Some(1), "no two are mixed");
    }
    let restored = lab.send(Method::DELETE, &path, None).await.json();
    assert_eq!(restored["data"], json!([line(2.0, 4.0, SAID)]));
}
