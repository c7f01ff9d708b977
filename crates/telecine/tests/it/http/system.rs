//! `/system`: who sees it, and that each number is what it says.

use std::time::Duration;

use serde_json::{Value, json};
use telecine::ids::{TaskId, TransferId};
use telecine::keys::RateLimits;
use telecine::transfer::{NewTask, TaskSource};

use super::lab::{Answer, Lab};

async fn system(lab: &Lab) -> Value {
    let answer = lab.get("/v1.2/system").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()
}

#[tokio::test]
async fn the_server_tells_how_it_is() {
    let lab = Lab::with(|config| config.pipeline.tasks = 7).await;
    lab.tick();
    let told = system(&lab).await;
    assert_eq!(told["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(told["started_at"], "2024-03-01T09:00:00.000Z");
    assert_eq!(told["now"], "2024-03-01T09:00:01.000Z");
    assert_eq!(told["database"]["kind"], "sqlite");
    assert!(told["database"]["size_bytes"].as_u64().unwrap() > 100_000, "{told}");
    let disk = &told["disk"];
    let bytes = |name: &str| disk[name].as_u64().unwrap_or_else(|| panic!("{name} in {disk}"));
    assert!(bytes("free_bytes") > 0 && bytes("free_bytes") <= bytes("total_bytes"));
    assert_eq!((bytes("streams_bytes"), bytes("assets_bytes")), (0, 0));
    assert_eq!(disk["data_dir"], lab.folder.path().join("data").to_str().unwrap());
    assert_eq!(told["workers"], json!([]), "nobody works here");
    assert_eq!(told["running"]["words"], "all-minilm-l6-v2");
    assert_eq!(told["running"]["write"], Value::Null);
    assert_eq!(told["media_sandbox"], lab.app.media.sandbox_status().to_string());

    let models = told["models"].as_array().unwrap();
    let of = |name: &str| models.iter().find(|set| set["name"] == name).unwrap();
    assert_eq!(of("onnxruntime")["licence"], "MIT");
    assert!(models.iter().all(|set| set["size_bytes"].as_u64() > Some(0)));
    for set in models {
        let is_lacking = ["missing", "incomplete"].contains(&set["state"].as_str().unwrap());
        assert_eq!(set["remedy"].is_string(), is_lacking, "{set}");
    }

    let settings = told["settings"].as_array().unwrap();
    let of = |key: &str| settings.iter().find(|setting| setting["key"] == key).unwrap();
    let tasks = of("pipeline.tasks");
    assert_eq!((&tasks["value"], &tasks["is_changed"]), (&json!(7), &json!(true)));
    assert_eq!(tasks["variable"], "TELECINE_PIPELINE__TASKS");
    assert_eq!(of("pipeline.lease_s")["is_changed"], false);
    assert!(settings.iter().all(|setting| setting["about"].as_str() > Some("")));
}

#[tokio::test]
async fn the_queue_is_counted_over_transfers_and_single_tasks() {
    let lab = Lab::start().await;
    let index = lab.index("harbour").await;
    let idle = system(&lab).await["queue"].clone();
    assert_eq!((&idle["validating"], &idle["waits_since"]), (&json!(0), &Value::Null));
    let (store, now) = (&lab.app.store, lab.app.clock.now());
    let task = |name: String| NewTask {
        id: TaskId::generate(now),
        index,
        source: TaskSource::Url { url: format!("https://films.test/{name}") },
        transcription: None,
        language: "en".to_owned(),
        user_metadata: None,
        allows_duplicate: false,
        without_stream: false,
    };
    let mut transfers = Vec::new();
    for number in 0..2 {
        let id = TransferId::generate(now);
        store.begin_transfer(lab.workspace, id, now).await.unwrap();
        let tasks: Vec<NewTask> = (0..3).map(|which| task(format!("{number}-{which}.mp4"))).collect();
        store.add_tasks(id, &tasks, now).await.unwrap();
        store.accept_transfer(id, now).await.unwrap();
        transfers.push(id);
    }
    lab.task(index, "single.mp4").await;
    store.pause_transfer(lab.workspace, transfers[0], now).await.unwrap();
    lab.tick();
    let queue = system(&lab).await["queue"].clone();
    assert_eq!(
        queue,
        json!({
            "validating": 7, "pending": 0, "queued": 0, "indexing": 0, "in_hand": 0, "paused": 3, "is_more": false,
            "open_transfers": 2, "paused_transfers": 1, "waits_since": "2024-03-01T09:00:00.000Z",
            "stages": { "fetch": 0, "validate": 0, "index": 0, "publish": 0 },
        })
    );
    for _ in 0..4 {
        store.claim_next(lab.app.clock.now(), Duration::from_secs(60)).await.unwrap().expect("due");
    }
    let queue = system(&lab).await["queue"].clone();
    assert_eq!((&queue["in_hand"], &queue["waits_since"]), (&json!(4), &Value::Null), "the rest is paused");
    store.cancel_transfer(lab.workspace, transfers[0], lab.app.clock.now()).await.unwrap();
    let queue = system(&lab).await["queue"].clone();
    assert_eq!((&queue["validating"], &queue["open_transfers"]), (&json!(4), &json!(1)));
}

#[tokio::test]
async fn only_those_who_run_the_server_see_it() {
    let lab = Lab::start().await;
    let with = async |key: &str| {
        let request = lab.client.get(format!("{}/system", lab.url)).header("x-api-key", key);
        Answer::of(request.send().await.unwrap()).await
    };
    let stranger = lab.stranger().await;
    assert_eq!(with(&stranger).await.refusal(), (403, "unauthorized".into()));
    let (limited, secret) =
        telecine::keys::create(&*lab.app.store, &*lab.clock, lab.workspace, "limited").await.unwrap();
    assert_eq!(with(&secret).await.status, 200);
    let limits = RateLimits { search_per_minute: Some(1), ..RateLimits::default() };
    telecine::keys::limit(&*lab.app.store, lab.workspace, limited.id, Some(limits)).await.unwrap();
    let refused = with(&secret).await;
    assert_eq!(refused.refusal(), (403, "unauthorized".into()));
    assert!(refused.json()["remedy"].is_string());
}
