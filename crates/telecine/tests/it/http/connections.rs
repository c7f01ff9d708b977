//! Integrations as data connectors: their objects become assets.

use std::fs;

use reqwest::Method;
use serde_json::{Value, json};
use telecine::asset::work_on_due;

use super::lab::Lab;
use crate::pipeline::media::silent;

/// A lab with a folder that is connected and verified, and the connection's path.
async fn connected() -> (Lab, String) {
    let lab = Lab::start().await;
    let path = lab.folder.path().join("films");
    fs::create_dir_all(path.join("2024")).unwrap();
    silent(&path.join("2024/pier.mp4"), "640x360", 2);
    fs::write(path.join("broken.mp4"), b"no film").unwrap();
    fs::write(path.join("notes.txt"), b"no film").unwrap();
    let body = json!({ "provider": "folder", "bucket": "films", "path": path });
    let made = lab.post("/integrations", body).await.json();
    let id = made["_id"].as_str().unwrap().to_owned();
    assert_eq!(lab.post(&format!("/integrations/{id}/verify"), json!({})).await.json()["status"], "active");
    (lab, format!("/v1.3/connections/{id}"))
}

fn items(source_ids: &[&str]) -> Value {
    let items: Vec<Value> = source_ids.iter().map(|id| json!({ "source_id": id })).collect();
    json!({ "items": items })
}

#[tokio::test]
async fn an_integration_is_a_connection_whose_objects_become_assets() {
    let (lab, path) = connected().await;
    let connection = lab.get(&path).await.json();
    assert_eq!((&connection["provider"], &connection["status"]), (&json!("folder"), &json!("active")));
    assert_eq!(connection["account"]["display_name"], "folder://films/");
    let listed = lab.get("/v1.3/connections").await.json();
    assert_eq!(listed["data"], json!([connection]));
    assert_eq!(lab.get("/v1.3/connections?page=2").await.json()["data"], json!([]));

    let wanted = ["2024/pier.mp4", "folder://films/broken.mp4", "notes.txt", "gone.mp4", "../secret.mp4"];
    let imported = lab.post(&format!("{path}/imports"), items(&wanted)).await;
    assert_eq!(imported.status, 202, "{}", imported.text);
    let imported = imported.json();
    assert_eq!(imported["has_failures"], true);
    let told: Vec<(&str, &str, Option<&str>)> = imported["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| {
            let code = item["error"]["code"].as_str();
            (item["source_id"].as_str().unwrap(), item["action"].as_str().unwrap(), code)
        })
        .collect();
    assert_eq!(
        told[..4],
        [
            ("2024/pier.mp4", "created", None),
            ("folder://films/broken.mp4", "created", None),
            ("notes.txt", "rejected", Some("unsupported_media_type")),
            ("gone.mp4", "rejected", Some("source_unavailable")),
        ]
    );
    assert_eq!(told[4].1, "rejected", "{imported}");

    work_on_due(&lab.app).await.unwrap();
    let asset = imported["items"][0]["asset_id"].as_str().unwrap();
    let asset = lab.get(&format!("/assets/{asset}")).await.json();
    assert_eq!((&asset["status"], &asset["method"]), (&json!("ready"), &json!("connector")), "{asset}");
    assert_eq!(
        asset["source"]["details"],
        json!({
            "provider": "folder", "source_id": "2024/pier.mp4", "original_filename": "pier.mp4",
            "source_link": "folder://films/2024/pier.mp4",
        })
    );
    let one = format!("{path}/imports/{}", imported["_id"].as_str().unwrap());
    let statuses = async || {
        let items = lab.get(&one).await.json()["items"].as_array().unwrap().clone();
        items.iter().map(|item| item["status"].as_str().unwrap_or("-").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(statuses().await, ["ready", "failed", "-", "-", "-"]);

    let again = lab.post(&format!("{path}/imports"), items(&wanted[..2])).await.json();
    assert_eq!(again["items"][0]["action"], "skipped", "{again}");
    assert_eq!(again["items"][0]["asset_id"], imported["items"][0]["asset_id"]);
    assert_eq!(
        (&again["items"][1]["action"], &again["items"][1]["status"]),
        (&json!("retried"), &json!("processing"))
    );
    let imports = lab.get(&format!("{path}/imports")).await.json();
    assert_eq!(imports["page_info"]["total_results"], 2);
    assert_eq!(imports["data"][1]["item_count"], 5, "{imports}");
    let gone = format!("/assets/{}", asset["_id"].as_str().unwrap());
    assert_eq!(lab.send(Method::DELETE, &gone, None).await.status, 204);
    assert_eq!(statuses().await.len(), 4, "a deleted asset is left out");
}

#[tokio::test]
async fn what_a_connection_cannot_do_is_told_with_what_to_do_instead() {
    let (lab, path) = connected().await;
    for (method, path) in [
        (Method::POST, "/v1.3/connections:authorize".to_owned()),
        (Method::POST, "/connections/redirect-uris".to_owned()),
        (Method::POST, format!("{path}/picker-token")),
        (Method::DELETE, path.clone()),
    ] {
        let answer = lab.send(method.clone(), &path, None).await;
        assert_eq!(answer.refusal(), (400, "api_not_allowed".into()), "{method} {path}");
        assert!(answer.json()["remedy"].as_str().unwrap().contains("/integrations"), "{}", answer.text);
    }
    assert_eq!(lab.get("/connections/redirect-uris").await.json()["data"], json!([]));
    for wrong in [
        json!({}),
        items(&[]),
        items(&["a.mp4", "a.mp4"]),
        json!({ "items": "a.mp4" }),
        json!({ "items": [{}] }),
    ] {
        let answer = lab.post(&format!("{path}/imports"), wrong.clone()).await;
        assert_eq!(answer.status, 400, "{wrong}");
    }
    let many: Vec<String> = (0..101).map(|at| format!("{at}.mp4")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(lab.post(&format!("{path}/imports"), items(&many)).await.refusal().1, "parameter_invalid");
    assert_eq!(lab.get(&format!("{path}/imports")).await.json()["data"], json!([]), "nothing was begun");
    let body = json!({ "provider": "folder", "bucket": "new", "path": lab.folder.path().join("films") });
    let pending = lab.post("/integrations", body).await.json();
    let path = format!("/connections/{}/imports", pending["_id"].as_str().unwrap());
    assert_eq!(lab.post(&path, items(&["a.mp4"])).await.refusal(), (409, "connection_not_active".into()));
    let nobody = format!("/connections/{}", "0".repeat(24));
    assert_eq!(lab.get(&nobody).await.refusal(), (404, "resource_not_exists".into()));
}
