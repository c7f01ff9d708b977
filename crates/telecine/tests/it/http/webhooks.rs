//! Webhooks: who is told, in which shape, how often, and what is kept of it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use telecine::fault::{Code, Fault};
use telecine::ids::TaskId;
use telecine::transfer::Event;
use telecine::vault::Secret;
use telecine::webhook::{TRIES, deliver_due, sign};

use super::lab::{Answer, Lab};
use crate::support::stub::{Asked, Reply, Stub};

/// A receiver that answers with this status, which can be changed.
async fn receiver(status: u16) -> (Stub, Arc<AtomicU16>) {
    let status = Arc::new(AtomicU16::new(status));
    let told = Arc::clone(&status);
    let stub = Stub::start(move |_, _| match told.load(Ordering::Relaxed) {
        200 => Reply::new("200 OK", &[], "thanks"),
        302 => Reply::new("302 Found", &[("location", "http://127.0.0.1:9/")], ""),
        _ => Reply::new("500 Oh No", &[], "x".repeat(5_000)),
    })
    .await;
    (stub, status)
}

async fn lab(stub: &Stub) -> Lab {
    let host = stub.url().replace("http://", "");
    Lab::with(|config| config.urls.allow_private_hosts = vec![host]).await
}

async fn add(lab: &Lab, body: Value) -> Value {
    let made = lab.post("/webhooks", body).await;
    assert_eq!(made.status, 201, "{}", made.text);
    made.json()
}

fn id(made: &Value) -> &str {
    made["_id"].as_str().unwrap()
}

async fn log(lab: &Lab, webhook: &Value) -> Vec<Value> {
    let answer = lab.get(&format!("/webhooks/{}/deliveries", id(webhook))).await;
    answer.json()["data"].as_array().unwrap().clone()
}

/// Fails the one task that waits.
async fn fail(lab: &Lab, task: TaskId) {
    let store = &lab.app.store;
    let claim = store.claim_next(lab.app.clock.now(), Duration::from_secs(60)).await.unwrap().unwrap();
    assert_eq!(claim.task, task);
    let event = Event::Failed(Box::new(Fault::new(Code::VideoFileBroken)));
    assert_eq!(store.change_task(&claim, &event.into(), lab.app.clock.now()).await.unwrap(), Ok(()));
}

fn body(asked: &Asked) -> Value {
    serde_json::from_str(&asked.body).unwrap()
}

#[tokio::test]
async fn a_video_that_is_ready_is_told_once_signed_twice() {
    let (stub, _) = receiver(200).await;
    let lab = lab(&stub).await;
    let index = lab.index("harbour").await;
    let webhook = add(&lab, json!({ "url": format!("{}/hook", stub.url()) })).await;
    assert_eq!(webhook["events"].as_array().unwrap().len(), 4);
    let task = lab.video(index, "pier.mp4").await;
    deliver_due(&lab.app).await.unwrap();
    deliver_due(&lab.app).await.unwrap();
    let [asked] = &stub.asked()[..] else { panic!("once: {:?}", stub.asked()) };
    assert!(asked.head.starts_with("POST /hook HTTP/1.1"));
    let told = body(asked);
    assert_eq!((&told["type"], &told["data"]["id"]), (&json!("index.task.ready"), &json!(task)), "{told}");
    assert_eq!((&told["data"]["status"], &told["data"]["filename"]), (&json!("ready"), &json!("pier.mp4")));
    assert_eq!(told["data"]["models"], json!([{ "name": "marengo2.6", "options": ["visual", "audio"] }]));
    assert!(told["data"]["metadata"]["duration"].as_f64().unwrap() > 0.0);

    let event = told["id"].as_str().unwrap();
    assert_eq!(asked.header("webhook-id"), Some(event));
    let seconds: i64 = asked.header("webhook-timestamp").unwrap().parse().unwrap();
    assert_eq!(seconds, lab.app.clock.now().as_millis() / 1_000);
    let secret = Secret::new(webhook["secret"].as_str().unwrap());
    let signed = sign(&secret, event, seconds, asked.body.as_bytes());
    assert_eq!(asked.header("tl-signature"), Some(signed.contract.as_str()));
    assert_eq!(asked.header("webhook-signature"), Some(signed.standard.as_str()));

    let [delivery] = &log(&lab, &webhook).await[..] else { panic!("one delivery") };
    assert_eq!((&delivery["state"], &delivery["attempts"]), (&json!("delivered"), &json!(1)), "{delivery}");
    assert_eq!((&delivery["response_status"], &delivery["response"]), (&json!(200), &json!("thanks")));
    assert_eq!(delivery["event_id"], event);
    let dump = std::fs::read(lab.app.files.database()).unwrap();
    let bare = webhook["secret"].as_str().unwrap().as_bytes();
    assert!(!dump.windows(bare.len()).any(|part| part == bare), "secrets are not stored in the clear");
}

#[tokio::test]
async fn each_webhook_is_told_what_it_asked_for_in_its_shape() {
    let (stub, _) = receiver(200).await;
    let lab = lab(&stub).await;
    let index = lab.index("harbour").await;
    let url = |name: &str| format!("{}/{name}", stub.url());
    add(&lab, json!({ "url": url("old"), "api_version": "v1.1", "events": ["index.task.failed"] })).await;
    add(&lab, json!({ "url": url("middle"), "api_version": "v1.2" })).await;
    let off = add(&lab, json!({ "url": url("off") })).await;
    let off_path = format!("/webhooks/{}", id(&off));
    let changed = lab.send(Method::PATCH, &off_path, Some(json!({ "enabled": false }))).await.json();
    assert_eq!(changed["enabled"], false);
    lab.video(index, "pier.mp4").await;
    let task = lab.task(index, "broken.mp4").await;
    fail(&lab, task).await;
    deliver_due(&lab.app).await.unwrap();
    let told: BTreeSet<(String, String)> = stub
        .asked()
        .iter()
        .map(|asked| {
            let path = asked.head.split(' ').nth(1).unwrap().to_owned();
            (path, body(asked)["type"].as_str().unwrap().to_owned())
        })
        .collect();
    let expected =
        [("/middle", "index.task.failed"), ("/middle", "index.task.ready"), ("/old", "index.task.failed")];
    assert_eq!(told, expected.map(|(path, kind)| (path.to_owned(), kind.to_owned())).into());
    let old = stub.asked().iter().find(|asked| asked.head.contains("/old")).map(body).unwrap();
    assert_eq!((&old["data"]["engine"], old["data"].get("models")), (&json!("marengo2.6"), None), "{old}");
    assert_eq!(old["data"]["error"]["code"], "video_file_broken");
    let middle = stub.asked().iter().find(|asked| asked.head.contains("/middle")).map(body).unwrap();
    assert_eq!(middle["data"]["engines"][0]["name"], "marengo2.6", "{middle}");
}

#[tokio::test]
async fn what_fails_is_repeated_with_pauses_until_it_is_dead_and_can_be_replayed() {
    let (stub, status) = receiver(500).await;
    let lab = lab(&stub).await;
    let index = lab.index("harbour").await;
    let webhook = add(&lab, json!({ "url": stub.url() })).await;
    lab.video(index, "pier.mp4").await;
    for tries in 1..=TRIES {
        deliver_due(&lab.app).await.unwrap();
        assert_eq!(stub.asked().len(), tries as usize, "once at a time");
        deliver_due(&lab.app).await.unwrap();
        assert_eq!(stub.asked().len(), tries as usize, "not before its time");
        lab.clock.advance(Duration::from_secs(16 * 3_600));
    }
    let [delivery] = &log(&lab, &webhook).await[..] else { panic!("one delivery") };
    assert_eq!((&delivery["state"], &delivery["attempts"]), (&json!("dead"), &json!(TRIES)), "{delivery}");
    assert_eq!(delivery["response_status"], 500);
    assert!(delivery["response"].as_str().unwrap().len() <= 1_024, "of the answer, a part is kept");
    let path = format!("/webhooks/{}/deliveries", id(&webhook));
    assert_eq!(lab.get(&format!("{path}?state=dead")).await.json()["page_info"]["total_results"], 1);
    assert_eq!(lab.get(&format!("{path}?state=pending")).await.json()["data"], json!([]));

    status.store(200, Ordering::Relaxed);
    let replay = lab.post(&format!("{path}/{}/replay", id(delivery)), json!({})).await;
    assert_eq!((replay.status, &replay.json()["state"]), (202, &json!("pending")));
    deliver_due(&lab.app).await.unwrap();
    assert_eq!(log(&lab, &webhook).await[0]["state"], "delivered");
    let ids: BTreeSet<String> =
        stub.asked().iter().map(|asked| asked.header("webhook-id").unwrap().to_owned()).collect();
    let bodies: BTreeSet<String> = stub.asked().into_iter().map(|asked| asked.body).collect();
    assert_eq!((ids.len(), bodies.len()), (1, 1), "the same event under the same id each time");
}

#[tokio::test]
async fn a_webhook_that_is_silent_holds_up_no_other() {
    let silent = Stub::start(|_, _| Reply::raw("").then(Duration::from_secs(60), b"")).await;
    let (stub, _) = receiver(200).await;
    let hosts = [&silent, &stub].map(|stub| stub.url().replace("http://", "")).to_vec();
    let lab = Lab::with(|config| config.urls.allow_private_hosts = hosts).await;
    let index = lab.index("harbour").await;
    add(&lab, json!({ "url": silent.url() })).await;
    add(&lab, json!({ "url": stub.url() })).await;
    for number in 0..6 {
        lab.video(index, &format!("{number}.mp4")).await;
    }
    let app = Arc::clone(&lab.app);
    let delivering = tokio::spawn(async move { deliver_due(&app).await });
    let begun = Instant::now();
    while stub.asked().len() < 6 {
        assert!(begun.elapsed() < Duration::from_secs(10), "{} told", stub.asked().len());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(silent.asked().len() <= 2, "few at once to one that does not answer");
    delivering.abort();
}

#[tokio::test]
async fn redirects_are_not_followed_and_private_hosts_not_told() {
    let (stub, _) = receiver(302).await;
    let lab = lab(&stub).await;
    let webhook = add(&lab, json!({ "url": stub.url() })).await;
    let test = lab.post(&format!("/webhooks/{}/test", id(&webhook)), json!({})).await;
    assert_eq!((test.status, &test.json()["state"]), (200, &json!("dead")), "{}", test.text);
    assert_eq!(test.json()["response_status"], 302);
    for url in [
        "http://example.com/hook",
        "https://127.0.0.1/hook",
        "https://169.254.169.254/latest",
        "https://user:word@example.com/",
        "ftp://example.com/",
        "no url",
    ] {
        let refused = lab.post("/webhooks", json!({ "url": url })).await;
        assert_eq!(refused.refusal(), (400, "parameter_invalid".into()), "{url}");
    }
    let other = json!({ "url": stub.url(), "events": ["index.task.deleted"] });
    assert_eq!(lab.post("/webhooks", other).await.refusal(), (400, "parameter_invalid".into()));
    assert_eq!(lab.post("/webhooks", json!({})).await.refusal(), (400, "parameter_not_provided".into()));
}

#[tokio::test]
async fn a_secret_is_told_once_and_replaced_by_another() {
    let (stub, _) = receiver(200).await;
    let lab = lab(&stub).await;
    let webhook = add(&lab, json!({ "url": stub.url(), "description": "the museum" })).await;
    let path = format!("/webhooks/{}", id(&webhook));
    assert_eq!(lab.get(&path).await.json().get("secret"), None);
    assert_eq!(lab.get("/webhooks").await.json()["data"][0].get("secret"), None);
    let rotated = lab.post(&format!("{path}/rotate"), json!({})).await.json();
    assert_ne!(rotated["secret"], webhook["secret"]);
    assert_eq!(lab.post(&format!("{path}/test"), json!({})).await.json()["state"], "delivered");
    let asked = stub.asked().remove(0);
    let seconds = asked.header("webhook-timestamp").unwrap().parse().unwrap();
    let secret = Secret::new(rotated["secret"].as_str().unwrap());
    let signed = sign(&secret, asked.header("webhook-id").unwrap(), seconds, asked.body.as_bytes());
    assert_eq!(asked.header("webhook-signature"), Some(signed.standard.as_str()));
    assert_eq!(body(&asked)["type"], "webhook.test");

    let key = lab.stranger().await;
    for (method, path) in [
        (Method::GET, path.clone()),
        (Method::PATCH, path.clone()),
        (Method::DELETE, path.clone()),
        (Method::POST, format!("{path}/rotate")),
        (Method::POST, format!("{path}/test")),
        (Method::GET, format!("{path}/deliveries")),
    ] {
        let request =
            lab.client.request(method.clone(), format!("{}{path}", lab.url)).header("x-api-key", &key);
        let answer = Answer::of(request.send().await.unwrap()).await;
        assert_eq!(answer.refusal(), (404, "resource_not_exists".into()), "{method} {path}");
    }
    assert_eq!(lab.send(Method::DELETE, &path, None).await.status, 204);
    assert_eq!(lab.get(&path).await.status, 404);
}

#[tokio::test]
async fn a_transfer_that_is_over_is_told_and_so_are_its_cancelled_tasks() {
    let (stub, _) = receiver(200).await;
    let lab = lab(&stub).await;
    let index = lab.index("harbour").await;
    add(&lab, json!({ "url": stub.url(), "events": ["transfer.completed", "index.task.failed"] })).await;
    let store = &lab.app.store;
    let transfer = telecine::ids::TransferId::generate(lab.app.clock.now());
    store.begin_transfer(lab.workspace, transfer, lab.app.clock.now()).await.unwrap();
    let tasks: Vec<telecine::transfer::NewTask> = ["a.mp4", "b.mp4"]
        .iter()
        .map(|name| telecine::transfer::NewTask {
            id: TaskId::generate(lab.app.clock.now()),
            index,
            source: telecine::transfer::TaskSource::Url { url: format!("https://films.test/{name}") },
            transcription: None,
            language: "en".to_owned(),
            user_metadata: None,
            allows_duplicate: false,
            without_stream: false,
        })
        .collect();
    store.add_tasks(transfer, &tasks, lab.app.clock.now()).await.unwrap();
    store.accept_transfer(transfer, lab.app.clock.now()).await.unwrap();
    deliver_due(&lab.app).await.unwrap();
    assert_eq!(stub.asked().len(), 0);
    store.cancel_transfer(lab.workspace, transfer, lab.app.clock.now()).await.unwrap();
    deliver_due(&lab.app).await.unwrap();
    let mut kinds: Vec<String> =
        stub.asked().iter().map(|it| body(it)["type"].as_str().unwrap().to_owned()).collect();
    kinds.sort();
    assert_eq!(kinds, ["index.task.failed", "index.task.failed", "transfer.completed"]);
    let over = stub.asked().iter().map(body).find(|told| told["type"] == "transfer.completed").unwrap();
    assert_eq!(
        (&over["data"]["id"], &over["data"]["counts"]["failed"]),
        (&json!(transfer), &json!(2)),
        "{over}"
    );
}
