//! What lies in a bucket, over HTTP: a folder is connected, synchronized, counted, listed, and its manifest written.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use telecine::ids::IntegrationId;
use telecine::integration::{Schedule, SyncTrigger, keeper};
use telecine::time::Clock as _;

use super::lab::{Lab, id_of};
use crate::pipeline::media::silent;

/// A folder with these files, connected and verified.
async fn connected(lab: &Lab, files: &[&str]) -> IntegrationId {
    let films = lab.folder.path().join("films");
    for file in files {
        let path = films.join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "a film").unwrap();
    }
    let body = json!({"provider": "folder", "bucket": "films", "path": films});
    let made = lab.post("/integrations", body).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let id: IntegrationId = id_of(&made.json()["_id"]);
    let verified = lab.post(&format!("/integrations/{id}/verify"), json!({})).await;
    assert_eq!(verified.json()["status"], "active", "{}", verified.text);
    id
}

async fn ended(lab: &Lab, path: &str) -> Value {
    let waiting = async {
        loop {
            let run = lab.get(path).await.json();
            if run["state"] != "running" {
                return run;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waiting).await.expect("it ends")
}

#[tokio::test]
async fn a_synchronization_is_waited_for_or_left() {
    let lab = Lab::start().await;
    let id = connected(&lab, &["a.mp4", "deep/b.mov", "notes.txt"]).await;
    let path = format!("/integrations/{id}");
    let report = lab.post(&format!("{path}/synchronize"), json!({})).await;
    let expected = json!({"items": 3, "videos": 2, "added": 3, "changed": 0, "removed": 0});
    assert_eq!((report.status, report.json()), (200, expected));

    let begun = lab.post(&format!("{path}/synchronize?wait=false"), json!({})).await;
    assert_eq!(begun.status, 202, "{}", begun.text);
    let run_path = format!("{path}/synchronizations/{}", begun.json()["_id"].as_str().unwrap());
    let run = ended(&lab, &run_path).await;
    assert_eq!((&run["state"], &run["listed"], &run["added"]), (&json!("done"), &json!(3), &json!(0)));
    assert_eq!(run["trigger"], "manual");
    let all = lab.get(&format!("{path}/synchronizations")).await.json();
    assert_eq!(all["page_info"]["total_results"], 2);
    let cancelled = lab.post(&format!("{run_path}/cancel"), json!({})).await.json();
    assert_eq!(cancelled["state"], "done", "what has ended stays as it is");

    let stranger = lab.stranger().await;
    for (method, path) in [(Method::GET, run_path.clone()), (Method::POST, format!("{run_path}/cancel"))] {
        let url = format!("{}{path}", lab.url);
        let answer = lab.client.request(method, url).header("x-api-key", &stranger).send().await.unwrap();
        assert_eq!(answer.status(), 404, "another workspace does not see it");
    }
    let unknown = format!("{path}/synchronizations/65e0f0f0f0f0f0f0f0f0f0f0");
    assert_eq!(lab.get(&unknown).await.refusal(), (404, "resource_not_exists".to_owned()));
}

#[tokio::test]
async fn what_a_server_left_is_gone_on_with_and_what_is_due_is_begun() {
    let lab = Lab::start().await;
    let id = connected(&lab, &["a.mp4", "b.mp4"]).await;
    let path = format!("/integrations/{id}/synchronizations");
    // As a server leaves it that is killed.
    let (left, _) = lab.app.store.begin_sync(id, SyncTrigger::Manual, lab.clock.now()).await.unwrap();
    let keeper = tokio::spawn(keeper::run(Arc::clone(&lab.app)));
    let run = ended(&lab, &format!("{path}/{}", left.id)).await;
    assert_eq!((&run["state"], &run["added"]), (&json!("done"), &json!(2)));

    let mut integration = lab.app.store.integration_by_id(id).await.unwrap().unwrap();
    integration.schedule = Schedule { every_s: Some(60), queue_url: None };
    lab.app.store.update_integration(&integration).await.unwrap();
    lab.clock.advance(Duration::from_secs(67));
    lab.app.keeper.wake();
    let begun = async {
        loop {
            let all = lab.get(&path).await.json();
            if all["page_info"]["total_results"] == 2 {
                return all["data"][0].clone();
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let run = tokio::time::timeout(Duration::from_secs(60), begun).await.expect("it is begun");
    assert_eq!(run["trigger"], "schedule");
    let run = ended(&lab, &format!("{path}/{}", run["_id"].as_str().unwrap())).await;
    assert_eq!((&run["state"], &run["added"]), (&json!("done"), &json!(0)));
    lab.app.stopping.cancel();
    keeper.await.expect("it ends with the server");
}

#[tokio::test]
async fn every_number_opens_the_list_behind_it() {
    let lab = Lab::start().await;
    let id = connected(&lab, &["a.mp4", "a.srt", "b.mp4", "deep/c.mov", "notes.txt"]).await;
    let path = format!("/integrations/{id}");
    lab.post(&format!("{path}/synchronize"), json!({})).await;
    let told = lab.get(&format!("{path}/statistics")).await.json();
    for (name, number) in
        [("items", 5), ("videos", 3), ("taken", 3), ("excluded", 2), ("not_indexed", 3), ("indexed", 0)]
    {
        assert_eq!(told[name], number, "{name}: {told:#}");
        let list = lab.get(told["lists"][name].as_str().unwrap()).await.json();
        assert_eq!(list["page_info"]["total_results"], number, "{name}");
    }
    assert!(told["as_of"]["listed_at"].is_string());
    let reasons: Vec<&Value> = told["excluded_by_reason"].as_array().unwrap().iter().collect();
    assert_eq!(reasons.len(), 2);
    for reason in reasons {
        let list = lab.get(reason["list"].as_str().unwrap()).await.json();
        assert_eq!(list["page_info"]["total_results"], reason["count"]);
        assert_eq!(list["data"][0]["reason"], reason["reason"]);
    }
    let narrow = lab.get(&format!("{path}/statistics?glob=**/*.mp4&prefix=b")).await.json();
    assert_eq!((&narrow["items"], &narrow["taken"]), (&json!(1), &json!(1)));
    let list = lab.get(narrow["lists"]["taken"].as_str().unwrap()).await.json();
    assert_eq!(list["data"][0]["key"], "b.mp4", "what narrows the number narrows its list");

    let one = lab.get(&format!("{path}/objects?key=notes.txt")).await.json();
    let (decision, reason) = (&one["data"][0]["decision"], &one["data"][0]["reason"]);
    assert_eq!((decision, reason), (&json!("excluded"), &json!("not_a_video")));
    assert_eq!(one["data"][0]["object"], "folder://films/notes.txt");
    let never = lab.get(&format!("{path}/objects?key=never.mp4")).await.json();
    assert_eq!(never["data"], json!([]));
    let first = lab.get(&format!("{path}/objects?page_limit=2")).await.json();
    assert_eq!(first["page_info"]["next_after"], "a.srt");
    let rest = lab.get(&format!("{path}/objects?after=a.srt&page_limit=1000")).await.json();
    let keys: Vec<&str> =
        rest["data"].as_array().unwrap().iter().map(|row| row["key"].as_str().unwrap()).collect();
    assert_eq!(keys, ["b.mp4", "deep/c.mov", "notes.txt"]);
    assert_eq!(rest["page_info"]["next_after"], Value::Null);
    for wrong in ["state=lost", "reason=mood", "glob=[a", "min_bytes=x", "modified_after=soon", "index_id=1"]
    {
        let refused = lab.get(&format!("{path}/objects?{wrong}")).await;
        assert_eq!(refused.refusal(), (400, "parameter_invalid".to_owned()), "{wrong}");
    }
}

#[tokio::test]
async fn headers_are_read_once_and_kept() {
    let lab = Lab::start().await;
    let id = connected(&lab, &["broken.mp4", "notes.txt"]).await;
    std::fs::create_dir_all(lab.app.files.work()).unwrap();
    silent(&lab.folder.path().join("films/a.mp4"), "640x360", 5);
    let path = format!("/integrations/{id}");
    lab.post(&format!("{path}/synchronize"), json!({})).await;
    let keys = json!({"keys": ["a.mp4", "broken.mp4", "never, ever.mp4"]});
    let read = lab.post(&format!("{path}/objects/probe"), keys.clone()).await;
    assert_eq!(read.status, 200, "{}", read.text);
    let rows = read.json()["data"].clone();
    let header = &rows[0]["header"];
    assert_eq!((&header["width"], &header["height"]), (&json!(640), &json!(360)), "{header}");
    assert!((4.9..5.2).contains(&header["duration_s"].as_f64().unwrap()), "{header}");
    assert_eq!(rows[0]["was_known"], false);
    assert!(rows[1]["error"]["code"].is_string() && rows[1]["header"].is_null());
    assert_eq!(rows[2]["error"]["code"], "object_not_exists");
    let again = lab.post(&format!("{path}/objects/probe"), keys).await.json();
    assert_eq!((&again["data"][0]["was_known"], &again["data"][0]["header"]), (&json!(true), header));
    let object = lab.get(&format!("{path}/objects?key=a.mp4")).await.json();
    assert_eq!(&object["data"][0]["header"], header);
    let told = lab.get(&format!("{path}/statistics")).await.json();
    assert_eq!((&told["hours_known_of"], &told["hours"]), (&json!(1), &json!(0.001)));

    let many: Vec<String> = (0..51).map(|number| format!("{number}.mp4")).collect();
    for wrong in [json!({"keys": many}), json!({"keys": [1]}), json!({"keys": 1})] {
        let refused = lab.post(&format!("{path}/objects/probe"), wrong).await;
        assert_eq!(refused.refusal(), (400, "parameter_invalid".to_owned()));
    }
}

#[tokio::test]
async fn a_manifest_comes_in_each_format_and_can_be_counted_first() {
    let lab = Lab::start().await;
    let id = connected(&lab, &["a.mp4", "a.en.srt", "b.mov", "notes.txt"]).await;
    let index = lab.index("films").await;
    let path = format!("/integrations/{id}/manifest?index_id={index}");
    let count = lab.get(&format!("{path}&count=true")).await.json();
    assert_eq!(count, json!({"count": 2, "with_transcription": 1, "bytes": 12}), "it was synchronized first");
    for (format, content_type, lines) in
        [("json", "application/json", 4), ("jsonl", "application/x-ndjson", 2), ("csv", "text/csv", 3)]
    {
        let answer = lab.get(&format!("{path}&format={format}&language=en")).await;
        assert_eq!(answer.text.lines().count(), lines, "{}", answer.text);
        let header = |name: &str| answer.headers[name].to_str().unwrap().to_owned();
        assert!(header("content-type").starts_with(content_type));
        let name = format!("attachment; filename=\"manifest-films-en-2024-03-01.{format}\"");
        assert_eq!(header("content-disposition"), name);
    }
    let none = lab.get(&format!("{path}&glob=none/**")).await;
    assert_eq!(none.json(), json!([]));
    let refused = lab.get(&format!("{path}&state=removed")).await;
    assert_eq!(refused.refusal(), (400, "parameter_invalid".to_owned()));
    let refused = lab.get(&format!("/integrations/{id}/manifest")).await;
    assert_eq!(refused.refusal(), (400, "parameter_not_provided".to_owned()));
}
