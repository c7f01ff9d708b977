//! A kill while an event is sent: it is sent again, under the same id.

use std::time::{Duration, Instant};

use serde_json::json;

use super::installation::Installation;
use crate::support::stub::{Reply, Stub};

#[tokio::test]
async fn an_event_that_was_being_sent_is_sent_again_after_a_kill_under_the_same_id() {
    // The first time it never answers.
    let stub = Stub::start(|before, _| match before {
        0 => Reply::raw("").then(Duration::from_secs(120), b""),
        _ => Reply::new("204 No Content", &[], ""),
    })
    .await;
    let home = tempfile::tempdir().unwrap();
    let installation = Installation::new(home.path(), home.path());
    installation.set("urls", "allow_private_hosts", format!("[\"{}\"]", stub.url().replace("http://", "")));
    let asked = async |number: usize| {
        let begun = Instant::now();
        while stub.asked().len() < number {
            assert!(begun.elapsed() < Duration::from_secs(60), "{:?} {}", stub.asked(), installation.log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };

    let server = installation.start().await;
    let webhook = server.post("/webhooks", json!({ "url": stub.url() })).await;
    let engine = json!({ "engine_name": "marengo2.6", "engine_options": ["visual"] });
    let index = server.post("/v1.2/indexes", json!({ "index_name": "seen", "engines": [engine] })).await;
    let task = json!({ "index_id": index["_id"], "video_url": "http://10.0.0.1/a.mp4" });
    let task = server.post("/tasks", task).await;
    asked(1).await;
    server.kill().await;

    let server = installation.start().await;
    asked(2).await;
    let told: Vec<serde_json::Value> =
        stub.asked().iter().map(|asked| serde_json::from_str(&asked.body).unwrap()).collect();
    assert_eq!(told[0], told[1], "the very same event");
    assert_eq!((&told[1]["type"], &told[1]["data"]["id"]), (&json!("index.task.failed"), &task["_id"]));
    assert_eq!(stub.asked()[0].header("webhook-id"), stub.asked()[1].header("webhook-id"));
    let path = format!("/webhooks/{}/deliveries", webhook["_id"].as_str().unwrap());
    let begun = Instant::now();
    loop {
        let log = server.get(&path).await;
        assert_eq!(log["page_info"]["total_results"], 1, "{log}");
        if log["data"][0]["state"] == "delivered" {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{log}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
