//! Parting from integrations: told before, done with an import under way, and taken back.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use telecine::integration::{Integration, IntegrationStatus, Provider, S3Access, S3Credentials, keeper};
use telecine::time::Clock as _;
use telecine::vault::Sealed;

use super::front::Front;
use super::lab::Lab;
use crate::pipeline::media;

const NOBODY: &str = "65f0c1d2e3a4b5c6d7e8f9aa";

#[tokio::test(flavor = "multi_thread")]
async fn an_import_under_way_ends_what_is_here_goes_on_and_all_can_be_taken_back() {
    let mut front = Front::with(|config| {
        // One after the other, so that there is a middle.
        config.pipeline.fetches = 1;
        config.pipeline.decodes = Some(1);
    })
    .await;
    let videos = 6;
    for number in 0..videos {
        media::silent(&front.house.path(&format!("{number}.mp4")), "640x360", 5 + number);
    }
    front.house.bucket.slow_down(Duration::from_millis(40));
    let (integration, index) = (front.house.integration().to_string(), front.index("films").await);
    let import = format!("/v1.2/tasks/transfers/import/{integration}");
    let begun = front.post(&import, json!({ "index_id": index })).await;
    assert_eq!(begun.json()["videos"].as_array().unwrap().len() as u32, videos, "{}", begun.text);
    front.house.start();
    let some_here = |told: &Value| {
        let of = |name: &str| told["data"][0]["video_status"][name].as_u64().unwrap();
        of("indexing") + of("ready") > 0
    };
    front.until(&format!("{import}/logs"), some_here).await;

    let path = format!("/integrations/{integration}");
    let planned = front.send(Method::DELETE, &format!("{path}?dry_run=true"), None).await.json();
    assert_eq!((&planned["dry_run"], &planned["ends"]["imports"]), (&json!(true), &json!(1)));
    assert_eq!(front.get(&path).await["status"], "active", "nothing is deleted");
    let deleted = front.send(Method::DELETE, &path, None).await.json();
    let ended = deleted["ends"]["tasks"].as_u64().unwrap();
    assert!(ended > 0 && ended < u64::from(videos), "in the middle: {deleted:#}");
    assert_eq!(front.send(Method::GET, &path, None).await.status, 404);
    let again = front.post(&import, json!({ "index_id": index })).await;
    assert_eq!(again.refusal(), (404, "resource_not_exists".to_owned()));

    // The log can be read, and adds up.
    let is_over = |told: &Value| !told["data"][0]["ended_at"].is_null();
    let log = front.until(&format!("{import}/logs"), is_over).await["data"][0].clone();
    let of = |name: &str| log["video_status"][name].as_u64().unwrap();
    assert_eq!((of("failed"), of("ready")), (ended, u64::from(videos) - ended), "{log:#}");
    for file in log["failed_files"].as_array().unwrap() {
        assert_eq!(file["error"]["code"], "integration_deleted", "{file}");
        assert!(file["error_message"].as_str().unwrap().contains("Restore the integration"), "{file}");
    }
    let listed = front.get(&format!("/v1.3/indexes/{index}/videos")).await;
    assert_eq!(listed["page_info"]["total_results"], of("ready"), "videos stay");

    // Taken back, it is verified, and what ended can be tried again.
    front.house.bucket.slow_down(Duration::ZERO);
    let restorable = front.get("/integrations?deleted=true").await;
    assert_eq!(restorable["data"][0]["_id"], json!(integration));
    let restored = front.post(&format!("{path}/restore"), json!({})).await;
    assert_eq!(restored.json()["status"], "active", "{}", restored.text);
    assert_eq!(front.get("/integrations?deleted=true").await, json!({ "data": [] }));
    let retried = front.post(&import, json!({ "index_id": index, "retry_failed": true })).await;
    assert_eq!(retried.json()["videos"].as_array().unwrap().len() as u64, ended);
    let is_over = |told: &Value| !told["data"][1]["ended_at"].is_null();
    let log = front.until(&format!("{import}/logs"), is_over).await["data"][1].clone();
    assert_eq!(log["video_status"]["ready"], ended, "{log:#}");
}

/// A connected folder with a file.
async fn connected(lab: &Lab, name: &str) -> String {
    let folder = lab.folder.path().join(name);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("a.mp4"), "a").unwrap();
    let made =
        lab.post("/integrations", json!({ "provider": "folder", "bucket": name, "path": folder })).await;
    let id = made.json()["_id"].as_str().unwrap().to_owned();
    let verified = lab.post(&format!("/integrations/{id}/verify"), json!({})).await;
    assert_eq!(verified.json()["status"], "active", "{}", verified.text);
    id
}

#[tokio::test]
async fn several_are_deleted_together_or_not_at_all() {
    let lab = Lab::start().await;
    let ids = [connected(&lab, "one").await, connected(&lab, "two").await, connected(&lab, "three").await];
    let left = async || lab.get("/integrations").await.json()["data"].as_array().unwrap().len();
    for (query, body) in [
        (format!("?ids={},{NOBODY}", ids[0]), None),
        (String::new(), Some(json!({ "ids": [ids[0], NOBODY] }))),
    ] {
        let refused = lab.send(Method::DELETE, &format!("/integrations{query}"), body).await;
        assert_eq!(refused.refusal(), (404, "resource_not_exists".to_owned()));
        assert!(refused.json()["value"].as_str().unwrap().contains(NOBODY));
    }
    for (query, code) in [("", "parameter_not_provided"), ("?ids=x", "parameter_invalid")] {
        let refused = lab.send(Method::DELETE, &format!("/integrations{query}"), None).await;
        assert_eq!(refused.refusal(), (400, code.to_owned()));
    }
    let both = json!({ "ids": [ids[0], ids[1]] });
    let planned = lab.send(Method::DELETE, "/integrations?dry_run=true", Some(both.clone())).await.json();
    assert_eq!((&planned["dry_run"], planned["data"].as_array().unwrap().len()), (&json!(true), 2));
    assert_eq!(left().await, 3);
    let deleted = lab.send(Method::DELETE, "/integrations", Some(both)).await;
    assert_eq!((deleted.status, left().await), (200, 1), "{}", deleted.text);
    let last = lab.send(Method::DELETE, &format!("/integrations?ids={0},{0}", ids[2]), None).await;
    assert_eq!((last.status, left().await), (200, 0), "{}", last.text);
    let twice = lab.send(Method::DELETE, &format!("/integrations/{}", ids[2]), None).await;
    assert_eq!(twice.refusal().0, 404);

    let stranger = lab.stranger().await;
    let request = lab.client.post(format!("{}/integrations/{}/restore", lab.url, ids[0]));
    let refused = request.header("x-api-key", stranger).send().await.unwrap();
    assert_eq!(refused.status().as_u16(), 404, "another workspace's");
}

#[tokio::test]
async fn a_bucket_that_was_connected_anew_cannot_be_had_twice() {
    let lab = Lab::start().await;
    let first = connected(&lab, "films").await;
    lab.send(Method::DELETE, &format!("/integrations/{first}"), None).await;
    let second = connected(&lab, "films").await;
    let refused = lab.post(&format!("/integrations/{first}/restore"), json!({})).await;
    assert_eq!(refused.refusal(), (409, "integration_already_exists".to_owned()));
    assert!(refused.json()["message"].as_str().unwrap().contains("connected anew"), "{}", refused.text);
    lab.send(Method::DELETE, &format!("/integrations/{second}"), None).await;
    let restored = lab.post(&format!("/integrations/{first}/restore"), json!({})).await;
    assert_eq!(restored.json()["status"], "active", "{}", restored.text);
    let again = lab.post(&format!("/integrations/{first}/restore"), json!({})).await;
    assert_eq!(again.status, 200, "it is there: nothing to do");
}

#[tokio::test]
async fn after_a_while_what_was_known_is_forgotten_and_the_log_stays() {
    let lab = Lab::start().await;
    let id = connected(&lab, "films").await;
    let path = format!("/tasks/transfers/import/{id}");
    let begun = lab.post(&path, json!({ "index_id": lab.index("films").await })).await;
    assert_eq!(begun.status, 201, "{}", begun.text);
    lab.send(Method::DELETE, &format!("/integrations/{id}"), None).await;
    let keeping = tokio::spawn(keeper::run(Arc::clone(&lab.app)));
    let item = async || lab.app.store.inventory_item(id.parse().unwrap(), "a.mp4").await.unwrap();
    lab.clock.advance(Duration::from_secs(604_800));
    lab.app.keeper.wake();
    assert!(item().await.is_some(), "to the last moment");
    lab.clock.advance(Duration::from_secs(1));
    lab.app.keeper.wake();
    let forgotten = async {
        while item().await.is_some() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), forgotten).await.expect("the keeper forgets it");
    let refused = lab.post(&format!("/integrations/{id}/restore"), json!({})).await;
    assert_eq!(refused.refusal(), (404, "resource_not_exists".to_owned()));
    assert!(refused.json()["rule"].as_str().unwrap().contains("undo_s"), "{}", refused.text);
    assert_eq!(lab.get("/integrations?deleted=true").await.json(), json!({ "data": [] }));
    let logs = lab.get(&format!("{path}/logs")).await.json();
    assert_eq!(logs["data"][0]["bucket"], "folder://films/");
    lab.app.stopping.cancel();
    keeping.await.unwrap();
}

#[tokio::test]
async fn a_secret_is_gone_from_the_files_at_once_and_has_to_be_given_again() {
    let lab = Lab::start().await;
    let marker = b"sealed bytes that nothing else looks like".repeat(200);
    let access = S3Access {
        credentials: S3Credentials::Keys { access_key_id: "AKIAEXAMPLE".to_owned() },
        owner: None,
        endpoint: None,
        requester_pays: false,
        kms_key_arn: None,
    };
    let integration = Integration {
        secret: Some(Sealed::from_bytes(marker.clone())),
        status: IntegrationStatus::Active,
        ..Integration::new(lab.workspace, Provider::S3(access), "films", lab.clock.now())
    };
    lab.app.store.insert_integration(&integration).await.unwrap();
    // Rewritten as verifications do, with more and less around it.
    for detail in ["x".repeat(3_000), String::new(), "y".repeat(9_000)] {
        let drift = Some(detail);
        lab.app.store.record_checks(&Integration { drift, ..integration.clone() }).await.unwrap();
    }
    let is_in_files = || {
        let database = lab.app.files.database();
        let log = database.with_extension("db-wal");
        [database, log]
            .iter()
            .filter_map(|path| std::fs::read(path).ok())
            .any(|bytes| bytes.windows(41).any(|part| part == &marker[..41]))
    };
    assert!(is_in_files(), "the test would see it");
    let path = format!("/integrations/{}", integration.id);
    let deleted = lab.send(Method::DELETE, &path, None).await.json();
    assert_eq!(deleted["goes"]["secret"], true);
    assert!(!is_in_files());

    let restored = lab.post(&format!("{path}/restore"), json!({})).await.json();
    assert_eq!((&restored["status"], &restored["checks"][0]["name"]), (&json!("pending"), &json!("secret")));
    let remedy = restored["checks"][0]["fault"]["remedy"].as_str().unwrap();
    assert!(remedy.contains("PATCH"), "{remedy}");
}
