//! Questions that are answered in the background, alone and in batches, over the API and through a restart.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use telecine::generate;
use telecine::time::Clock as _;
use telecine_engines::write::WriteError;

use super::generate::video;
use super::lab::Lab;
use crate::support::writer::{Said, Scripted};

fn work(lab: &Lab) {
    tokio::spawn(generate::run(Arc::clone(&lab.app)));
}

/// Asks until it is so; each time a while later.
async fn until(lab: &Lab, path: &str, field: &str, wanted: &str) -> Value {
    for _ in 0..400 {
        let found = lab.get(path).await.json();
        if found[field] == wanted {
            return found;
        }
        lab.clock.advance(Duration::from_secs(5));
        lab.app.keeper.wake();
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("{path} never became {wanted}: {}", lab.get(path).await.text);
}

#[tokio::test]
async fn an_analysis_is_taken_at_once_and_answered_later() {
    let lab = Lab::writing(Scripted::new(|_, _| Said::Text(vec!["A boat ", "leaves."]))).await;
    let video = video(&lab).await;
    let webhook = lab.post("/webhooks", json!({ "url": "https://example.com/hook" })).await.json();
    let ask = json!({ "video_id": video, "prompt": "What happens?", "custom_id": "one-1" });
    let taken = lab.post("/v1.3/analyze/tasks", ask).await;
    assert_eq!(taken.status, 202);
    assert_eq!(taken.json()["status"], "queued");
    let path = format!("/v1.3/analyze/tasks/{}", taken.json()["task_id"].as_str().unwrap());
    let refused = lab.send(Method::DELETE, &path, None).await;
    assert_eq!((refused.status, &refused.json()["error"]["code"]), (409, &json!("analysis_not_finished")));
    work(&lab);
    let ready = until(&lab, &path, "status", "ready").await;
    assert_eq!(ready["result"]["data"], "A boat leaves.");
    assert_eq!(ready["result"]["finish_reason"], "stop");
    assert_eq!(ready["result"]["usage"]["output_tokens"], 2);
    assert_eq!((&ready["custom_id"], ready.get("error")), (&json!("one-1"), None));
    assert!(ready["completed_at"].is_string());
    let log = format!("/webhooks/{}/deliveries", webhook["_id"].as_str().unwrap());
    let told = lab.get(&log).await.json()["data"][0]["payload"].clone();
    assert_eq!(
        (&told["type"], &told["data"]["id"]),
        (&json!("analyze.task.ready"), &ready["task_id"]),
        "{told}"
    );
    assert_eq!((&told["data"]["custom_id"], &told["data"]["status"]), (&json!("one-1"), &json!("ready")));
    let listed = lab.get(&format!("/v1.3/analyze/tasks?status=ready&video_id={video}")).await.json();
    assert_eq!(listed["data"][0], ready);
    assert_eq!(lab.get("/v1.3/analyze/tasks?status=failed").await.json()["page_info"]["total_results"], 0);
    assert_eq!(lab.get("/v1.3/analyze/tasks?page=2").await.json()["data"], json!([]));
    assert_eq!(lab.send(Method::DELETE, &path, None).await.status, 200);
    assert_eq!(lab.get(&path).await.status, 404);
    assert_eq!(lab.get(&path).await.json()["error"]["code"], "resource_not_exists");
}

#[tokio::test]
async fn a_writer_that_fails_for_a_while_is_asked_again_and_in_the_end_it_is_told() {
    let writer = Scripted::new(|before, _| match before {
        0 => Said::Broken(vec!["A"], WriteError::TimedOut(Duration::from_secs(9))),
        1 => Said::Text(vec!["A boat."]),
        _ => Said::Broken(vec![], WriteError::Unavailable("gone".to_owned())),
    });
    let lab = Lab::writing(writer).await;
    let video = video(&lab).await;
    work(&lab);
    let ask = json!({ "video_id": video, "prompt": "What happens?" });
    let take = async || {
        let taken = lab.post("/v1.3/analyze/tasks", ask.clone()).await.json();
        format!("/v1.3/analyze/tasks/{}", taken["task_id"].as_str().unwrap())
    };
    assert_eq!(until(&lab, &take().await, "status", "ready").await["result"]["data"], "A boat.");
    let failed = until(&lab, &take().await, "status", "failed").await;
    assert_eq!(failed["error"]["code"], "service_unavailable");
    assert!(failed.get("result").is_none());
}

#[tokio::test]
async fn a_cancelled_analysis_is_no_longer_written() {
    let writer = Scripted::new(|_, _| Said::Hanging(vec!["A"]));
    let lab = Lab::writing(writer.clone()).await;
    let video = video(&lab).await;
    work(&lab);
    let ask = json!({ "video_id": video, "prompt": "What happens?" });
    let taken = lab.post("/v1.3/analyze/tasks", ask).await.json();
    let path = format!("/v1.3/analyze/tasks/{}", taken["task_id"].as_str().unwrap());
    until(&lab, &path, "status", "processing").await;
    let cancelled = lab.post(&format!("{path}/cancel"), json!({})).await;
    assert_eq!((cancelled.status, &cancelled.json()["status"]), (200, &json!("canceled")));
    assert_eq!(lab.post(&format!("{path}/cancel"), json!({})).await.status, 200, "twice does no harm");
    for _ in 0..400 {
        if *writer.abandoned.lock().unwrap() == 1 {
            assert_eq!(lab.get(&path).await.json()["error"]["code"], "user_canceled");
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("it is still written");
}

#[tokio::test]
async fn a_batch_answers_each_request_by_its_defaults() {
    let writer = Scripted::new(|_, request| {
        if request.user.contains("Is it night?") {
            Said::Text(vec!["No."])
        } else {
            Said::Text(vec!["A boat."])
        }
    });
    let lab = Lab::writing(writer).await;
    let video = video(&lab).await;
    let body = json!({
        "model_name": "pegasus1.5", "analysis_mode": "general",
        "defaults": { "prompt": { "input_text": "What happens?" }, "temperature": 0.1 },
        "requests": [
            { "video_id": video, "custom_id": "a" },
            { "video_id": video, "custom_id": "b", "prompt": { "input_text": "Is it night?" } },
        ],
    });
    let mut twice = body.clone();
    twice["requests"][1]["custom_id"] = json!("a");
    assert_eq!(lab.post("/v1.3/analyze/batches", twice).await.status, 400);
    let made = lab.post("/v1.3/analyze/batches", body).await;
    assert_eq!(made.status, 202, "{}", made.text);
    let made = made.json();
    assert_eq!((&made["status"], &made["total_items"]), (&json!("pending"), &json!(2)));
    let path = format!("/v1.3/analyze/batches/{}", made["batch_id"].as_str().unwrap());
    assert_eq!(lab.send(Method::DELETE, &path, None).await.status, 409);
    work(&lab);
    let done = until(&lab, &path, "status", "completed").await;
    assert_eq!((&done["ready_items"], &done["queued_items"]), (&json!(2), &json!(0)));
    let results = lab.get(&format!("{path}/results")).await;
    assert_eq!(results.headers["content-type"], "application/x-ndjson");
    let lines: Vec<Value> = results.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told: Vec<_> = lines.iter().map(|line| (&line["custom_id"], &line["data"]["data"])).collect();
    assert_eq!(told, [(&json!("a"), &json!("A boat.")), (&json!("b"), &json!("No."))]);
    assert_eq!(lines[0]["task_id"], made["items"][0]["task_id"]);
    assert_eq!(lab.get("/v1.3/analyze/batches?status=completed").await.json()["data"][0], done);
    assert_eq!(lab.post(&format!("{path}/cancel"), json!({})).await.status, 409, "it is over");
    assert_eq!(lab.send(Method::DELETE, &path, None).await.status, 200);
    assert_eq!(lab.get(&path).await.status, 404);
}

#[tokio::test]
async fn a_cancelled_batch_leaves_what_was_not_begun() {
    let lab = Lab::writing(Scripted::new(|_, _| Said::Text(vec!["A boat."]))).await;
    let video = video(&lab).await;
    let requests: Vec<Value> = (0..3).map(|_| json!({ "video_id": video, "prompt": "What?" })).collect();
    let body = json!({ "model_name": "pegasus1.2", "requests": requests });
    let made = lab.post("/v1.3/analyze/batches", body).await.json();
    let path = format!("/v1.3/analyze/batches/{}", made["batch_id"].as_str().unwrap());
    let cancelled = lab.post(&format!("{path}/cancel"), json!({})).await.json();
    assert_eq!((&cancelled["status"], &cancelled["canceled_items"]), (&json!("canceled"), &json!(3)));
    work(&lab);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(lab.get(&path).await.json()["canceled_items"], 3);
}

#[tokio::test]
async fn what_a_crash_left_is_begun_again() {
    let lab = Lab::writing(Scripted::new(|_, _| Said::Text(vec!["A boat."]))).await;
    let video = video(&lab).await;
    let taken = lab.post("/v1.3/analyze/tasks", json!({ "video_id": video, "prompt": "What?" })).await.json();
    let path = format!("/v1.3/analyze/tasks/{}", taken["task_id"].as_str().unwrap());
    let now = lab.clock.now();
    // A worker took it, and was never heard of again.
    let claimed = lab.app.store.claim_job(now, now.after(Duration::from_secs(3_600))).await.unwrap();
    assert!(claimed.is_some());
    assert!(lab.app.store.claim_job(now, now.after(Duration::from_secs(60))).await.unwrap().is_none());
    assert_eq!(lab.get(&path).await.json()["status"], "processing");
    work(&lab);
    assert_eq!(until(&lab, &path, "status", "ready").await["result"]["data"], "A boat.");
    let stale =
        lab.app.store.extend_job(&claimed.unwrap().0, now.after(Duration::from_secs(60))).await.unwrap();
    assert!(stale.is_err(), "who comes back late changes nothing");
}
