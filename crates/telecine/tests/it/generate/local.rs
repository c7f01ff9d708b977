//! From settings to text with a real model on this machine, behind its walls: one video, everything that can be asked.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use telecine::config::{Config, WriterKind};
use telecine::pipeline::open_writer;
use telecine_engines::models::ModelFolder;

use crate::http::lab::{Lab, id_of};

fn config() -> Config {
    let cache = std::env::var_os("TELECINE_CACHE").filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache/telecine")));
    let models = ModelFolder::new(cache.expect("TELECINE_CACHE or HOME is set").join("models"));
    let mut config = Config::default();
    config.writer.kind = Some(WriterKind::Local);
    // The larger model is not always to be had; what is asserted here holds for the small one, too.
    let better = models.writer();
    config.writer.model_file = Some(if better.exists() { better } else { models.small_writer() });
    config.writer.program = Some(Path::new(env!("CARGO_BIN_EXE_telecine")).with_file_name("telecine-writer"));
    // On a busy machine threads that wait for each other are slow, and so is one.
    config.writer.threads = Some(1);
    config.writer.timeout_s = 1_800;
    config
}

/// Times lie in the video, in order, and are those of scenes.
fn check_times(list: &Value) {
    let mut before = 0.0;
    for part in list.as_array().expect("a list") {
        let (start, end) = (part["start_sec"].as_f64().unwrap(), part["end_sec"].as_f64().unwrap());
        assert!(before <= start && start < end && end <= 12.5, "{list}");
        before = end;
    }
}

#[tokio::test]
async fn long_a_real_model_writes_about_a_video_and_its_times_are_the_videos() {
    let writer = open_writer(&config()).expect("scripts/setup.sh builds and fetches it").expect("a writer");
    let lab = Lab::writing(writer).await;
    let engines = json!([
        { "model_name": "marengo2.7", "model_options": ["visual", "audio"] },
        { "model_name": "pegasus1.2", "model_options": ["visual", "audio"] },
    ]);
    let made = lab.post("/v1.3/indexes", json!({ "index_name": "films", "models": engines })).await.json();
    let video = lab.video(id_of(&made["_id"]), "harbour.mp4").await;

    let gist = lab.post("/v1.3/gist", json!({ "video_id": video, "types": ["title", "topic"] })).await.json();
    assert!(gist["title"].as_str().is_some_and(|title| title.len() >= 3), "{gist}");
    assert!(gist["topics"].as_array().is_some_and(|topics| !topics.is_empty()), "{gist}");

    let made = lab.post("/v1.3/summarize", json!({ "video_id": video, "type": "chapter" })).await.json();
    let chapters = made["chapters"].as_array().unwrap_or_else(|| panic!("{made}"));
    check_times(&made["chapters"]);
    assert_eq!(chapters[0]["start_sec"], 0.0);
    assert_eq!(chapters[chapters.len() - 1]["end_sec"], 12.5);

    let schema =
        json!({ "type": "object", "required": ["boat"], "properties": { "boat": { "type": "boolean" } } });
    let ask = json!({
        "video_id": video, "prompt": "Is there talk of a boat?", "temperature": 0, "stream": false,
        "response_format": { "type": "json_schema", "json_schema": schema },
    });
    let answer = lab.post("/v1.3/analyze", ask).await.json();
    let data: Value = serde_json::from_str(answer["data"].as_str().unwrap()).unwrap();
    assert!(data["boat"].is_boolean(), "{answer}");

    let short = json!({ "video_id": video, "prompt": "Tell the whole story at length.", "max_tokens": 5 });
    let streamed = lab.post("/v1.3/analyze", short).await;
    let last: Value = serde_json::from_str(streamed.text.lines().last().unwrap()).unwrap();
    assert_eq!((&last["event_type"], &last["finish_reason"]), (&json!("stream_end"), &json!("length")));
    assert_eq!(last["metadata"]["usage"]["output_tokens"], 5);
}
