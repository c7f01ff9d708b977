//! Assets: brought here whole or from a link, measured, indexed, deleted.

use std::fs;
use std::path::Path;
use std::time::Duration;

use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use telecine::asset::work_on_due;
use telecine::ids::{AssetId, TaskId};
use telecine::store::ContentHolder;
use telecine::transfer::{Duplicate, DuplicateBy, Event};

use super::lab::{Answer, Lab, id_of};
use crate::pipeline::media::{ffmpeg, silent};
use crate::support::stub::{Reply, Stub};

/// Two seconds of moving pictures.
fn film(lab: &Lab) -> Vec<u8> {
    let path = lab.folder.path().join("film.mp4");
    silent(&path, "640x360", 2);
    fs::read(path).unwrap()
}

fn direct(filename: &str, bytes: Vec<u8>) -> Form {
    Form::new().text("method", "direct").part("file", Part::bytes(bytes).file_name(filename.to_owned()))
}

/// An asset that was sent and looked at.
async fn brought(lab: &Lab, filename: &str, bytes: Vec<u8>) -> (String, Value) {
    let made = lab.form("/v1.3/assets", direct(filename, bytes)).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let id = made.json()["_id"].as_str().unwrap().to_owned();
    work_on_due(&lab.app).await.unwrap();
    let asset = lab.get(&format!("/v1.3/assets/{id}")).await.json();
    (id, asset)
}

fn file_of(lab: &Lab, id: &str) -> std::path::PathBuf {
    lab.app.files.asset_file(id.parse().unwrap())
}

#[tokio::test]
async fn a_file_is_on_disk_when_the_answer_comes_and_measured_afterwards() {
    let lab = Lab::start().await;
    let bytes = film(&lab);
    let form = direct("C:\\films\\pier.mp4", bytes.clone()).text("user_metadata", "{\"place\": \"harbour\"}");
    let made = lab.form("/v1.3/assets", form).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let made = made.json();
    let id = made["_id"].as_str().unwrap();
    assert_eq!((&made["status"], &made["method"]), (&json!("processing"), &json!("direct")));
    assert_eq!((&made["filename"], &made["file_type"]), (&json!("pier.mp4"), &json!("video/mp4")));
    assert_eq!(made.get("technical_metadata"), None);
    assert_eq!(fs::read(file_of(&lab, id)).unwrap(), bytes);
    assert_eq!(fs::read_dir(lab.app.files.incoming()).unwrap().count(), 0);

    work_on_due(&lab.app).await.unwrap();
    let asset = lab.get(&format!("/v1.3/assets/{id}")).await.json();
    assert_eq!(asset["status"], "ready", "{asset}");
    assert_eq!((&asset["size"], &asset["duration"]), (&json!(bytes.len()), &json!(2.0)));
    assert_eq!(asset["user_metadata"], json!({ "place": "harbour" }));
    let technical = &asset["technical_metadata"];
    assert_eq!((&technical["video_width"], &technical["video_height"]), (&json!(640), &json!(360)));
    assert_eq!((&technical["video_codec"], &technical["video_fps"]), (&json!("h264"), &json!(10.0)));
}

#[tokio::test]
async fn what_a_file_is_decides_what_is_in_it_not_its_name() {
    let lab = Lab::start().await;
    let made = |name: &str, args: &[&str]| {
        let path = lab.folder.path().join(name);
        ffmpeg(args, &path);
        fs::read(path).unwrap()
    };
    let sound = made("tone.mp3", &["-f", "lavfi", "-i", "sine=duration=1"]);
    let (_, asset) = brought(&lab, "tone.mp4", sound).await;
    assert_eq!((&asset["status"], &asset["file_type"]), (&json!("ready"), &json!("audio/mpeg")), "{asset}");
    assert_eq!(asset["technical_metadata"]["audio_channels"], 1);

    let picture = made("still.png", &["-f", "lavfi", "-i", "testsrc2=size=320x200", "-frames:v", "1"]);
    let (_, asset) = brought(&lab, "still", picture).await;
    assert_eq!((&asset["status"], &asset["file_type"]), (&json!("ready"), &json!("image/png")), "{asset}");
    assert_eq!(asset["technical_metadata"]["image_width"], 320);
    assert_eq!(asset.get("duration"), None);

    let (id, asset) = brought(&lab, "notes.mp4", b"#EXTM3U\nhttp://10.0.0.1/a.ts\n".to_vec()).await;
    assert_eq!(asset["status"], "failed");
    assert_eq!(asset["error"]["code"], "unsupported_file_type", "{asset}");
    assert!(asset["error"]["message"].as_str().is_some_and(|text| !text.is_empty()));
    assert!(!file_of(&lab, &id).exists(), "of what failed, no bytes are kept");

    let list = |query: &str| {
        let path = format!("/v1.3/assets?{query}");
        let lab = &lab;
        async move { lab.get(&path).await.json()["page_info"]["total_results"].clone() }
    };
    assert_eq!(list("").await, 3);
    assert_eq!(list("asset_types=image&asset_types=audio").await, 2);
    assert_eq!(list("filename=TONE").await, 1);
    assert_eq!(list("filename=%25").await, 0, "a percent sign is no wildcard");
    assert_eq!(list(&format!("asset_ids={id}")).await, 1);
    assert_eq!(lab.get("/v1.3/assets?asset_types=text").await.status, 400);
    assert_eq!(lab.get("/v1.3/assets?page=9").await.json()["data"], json!([]));
}

#[tokio::test]
async fn what_makes_no_asset_is_refused_and_leaves_nothing() {
    let lab = Lab::with(|config| config.assets.direct_bytes = 1_000).await;
    let refused = [
        (direct("a.mp4", vec![0; 2_000]), "media_filesize_too_large"),
        (direct("a.mp4", Vec::new()), "parameter_invalid"),
        (Form::new().text("method", "direct"), "parameter_not_provided"),
        (Form::new().text("method", "url"), "parameter_not_provided"),
        (Form::new().text("method", "fax"), "parameter_invalid"),
        (Form::new().text("method", "url").text("url", "file:///etc/passwd"), "parameter_invalid"),
        (direct("a.mp4", vec![0; 9]).text("user_metadata", "{\"width\": 1}"), "parameter_invalid"),
        (Form::new().text("filename", "a"), "parameter_not_provided"),
    ];
    for (form, code) in refused {
        let answer = lab.form("/v1.3/assets", form).await;
        assert_eq!(answer.refusal(), (400, code.to_owned()), "{}", answer.text);
    }
    assert_eq!(fs::read_dir(lab.app.files.incoming()).unwrap().count(), 0);
    assert_eq!(lab.get("/assets").await.json()["data"], json!([]));
}

#[tokio::test]
async fn a_workspace_has_room_for_so_many_bytes_only() {
    let lab = Lab::with(|config| config.assets.workspace_bytes = 3_000).await;
    assert_eq!(lab.form("/assets", direct("a.mp4", vec![1; 2_000])).await.status, 201);
    let refused = lab.form("/assets", direct("b.mp4", vec![1; 2_000])).await;
    assert_eq!(refused.refusal(), (400, "usage_limit_exceeded".into()));
}

#[tokio::test]
async fn a_link_is_read_in_the_background_and_only_where_it_may_lead() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("film.mp4");
    silent(&path, "640x360", 2);
    let bytes = fs::read(&path).unwrap();
    let whole = bytes.clone();
    let stub = Stub::start(move |_, asked| {
        if asked.head.starts_with("GET /gone") {
            return Reply::new("404 Not Found", &[], "");
        }
        Reply::new("200 OK", &[("etag", "\"one\"")], &whole)
    })
    .await;
    let host = stub.url().replace("http://", "");
    let lab = Lab::with(|config| config.urls.allow_private_hosts = vec![host]).await;
    let url = format!("{}/films/pier.mp4?token=x", stub.url());
    let made = lab.post("/v1.3/assets", json!({ "method": "url", "url": url })).await;
    assert_eq!(made.status, 201, "{}", made.text);
    assert_eq!((&made.json()["filename"], &made.json()["method"]), (&json!("pier.mp4"), &json!("url")));
    let gone =
        lab.post("/v1.3/assets", json!({ "method": "url", "url": format!("{}/gone", stub.url()) })).await;
    let inside =
        lab.post("/v1.3/assets", json!({ "method": "url", "url": "http://127.0.0.1:9/a.mp4" })).await;
    work_on_due(&lab.app).await.unwrap();
    let look = |made: &Answer| {
        lab.request(Method::GET, &format!("/assets/{}", made.json()["_id"].as_str().unwrap()))
    };
    let asset = Answer::of(look(&made).send().await.unwrap()).await.json();
    assert_eq!((&asset["status"], &asset["size"]), (&json!("ready"), &json!(bytes.len())), "{asset}");
    assert_eq!(fs::read(file_of(&lab, asset["_id"].as_str().unwrap())).unwrap(), bytes);
    for refused in [gone, inside] {
        let asset = Answer::of(look(&refused).send().await.unwrap()).await.json();
        assert_eq!(asset["error"]["code"], "video_url_not_accessible", "{asset}");
    }
}

#[tokio::test]
async fn the_users_own_fields_are_merged_replaced_and_cleared() {
    let lab = Lab::start().await;
    let (id, _) = brought(&lab, "pier.mp4", film(&lab)).await;
    let path = format!("/v1.3/assets/{id}/user-metadata");
    let fields = async || lab.get(&format!("/assets/{id}")).await.json()["user_metadata"].clone();
    let send = async |method: Method, fields: Value| {
        let answer = lab.send(method, &path, Some(json!({ "user_metadata": fields }))).await;
        assert_eq!(answer.status, 204, "{}", answer.text);
    };
    send(Method::PATCH, json!({ "a": 1, "b": "x" })).await;
    send(Method::PATCH, json!({ "a": null, "c": true })).await;
    assert_eq!(fields().await, json!({ "b": "x", "c": true }));
    send(Method::PUT, json!({ "d": 2 })).await;
    assert_eq!(fields().await, json!({ "d": 2 }));
    assert_eq!(lab.send(Method::DELETE, &path, None).await.status, 204);
    assert_eq!(fields().await, Value::Null);
    assert_eq!(lab.send(Method::PATCH, &path, Some(json!({}))).await.refusal().1, "parameter_not_provided");
}

#[tokio::test]
async fn an_asset_is_indexed_once_and_its_id_is_that_of_task_and_video() {
    let lab = Lab::start().await;
    let index = lab.index("harbour").await;
    let (asset, _) = brought(&lab, "pier.mp4", film(&lab)).await;
    let path = format!("/v1.3/indexes/{index}/indexed-assets");
    let body = json!({ "asset_id": asset, "user_metadata": { "n": 5 }, "enable_video_stream": false });
    let made = lab.post(&path, body.clone()).await;
    assert_eq!(made.status, 202, "{}", made.text);
    let id: TaskId = id_of(&made.json()["_id"]);
    assert_eq!(made.json()["asset_id"], json!(asset));
    assert_eq!(lab.post(&path, body.clone()).await.json()["_id"], json!(id), "asked again, it is the same");
    let listed = lab.get(&path).await.json();
    assert_eq!(listed["page_info"]["total_results"], 1);
    assert_eq!(
        (&listed["data"][0]["status"], &listed["data"][0]["asset_id"]),
        (&json!("validating"), &json!(asset))
    );
    assert_eq!(listed["data"][0]["system_metadata"]["filename"], "pier.mp4");
    assert_eq!(fs::read(lab.app.files.upload(id)).unwrap(), fs::read(file_of(&lab, &asset)).unwrap());
    let patched =
        lab.send(Method::PATCH, &format!("{path}/{id}"), Some(json!({ "user_metadata": { "m": 1 } }))).await;
    assert_eq!(patched.status, 204);
    let transcription = format!("/v1.3/assets/{asset}/transcription");
    assert_eq!(lab.get(&transcription).await.json()["status"], "processing");

    lab.publish(id, "pier.mp4").await;
    let one = lab.get(&format!("{path}/{id}?transcription=true")).await.json();
    assert_eq!((&one["status"], &one["asset_id"]), (&json!("ready"), &json!(asset)), "{one}");
    assert_eq!(one["user_metadata"], json!({ "n": 5, "m": 1 }));
    assert_eq!(one["transcription"][0]["value"], "A boat leaves the harbour in pier.mp4");
    assert_eq!(lab.get(&format!("/v1.3/indexes/{index}/videos/{id}")).await.status, 200);
    assert_eq!(lab.get(&format!("/v1.3/tasks/{id}")).await.json()["status"], "ready");
    let said = lab.get(&format!("{transcription}?include=utterances&include=words")).await.json();
    assert_eq!((&said["status"], said["utterances"].as_array().unwrap().len()), (&json!("ready"), 1));
    assert_eq!(lab.get(&format!("{transcription}?include=songs")).await.status, 400);

    let counts = [
        ("status=ready", 1),
        ("status=failed&status=queued", 0),
        ("user_metadata[m]=1", 1),
        ("user_metadata=%7B%22n%22%3A6%7D", 0),
        ("filename=pier.mp4", 1),
        ("duration[gte]=1000", 0),
        ("page=2", 1),
    ];
    for (query, number) in counts {
        let listed = lab.get(&format!("{path}?{query}")).await.json();
        assert_eq!(listed["page_info"]["total_results"], number, "{query}");
    }
    let references = lab.get(&format!("/v1.3/assets/{asset}/indexed-assets")).await.json();
    assert_eq!(references["data"], json!([{ "_id": id, "index": { "_id": index, "name": "harbour" } }]));

    let refused = lab.send(Method::DELETE, &format!("/assets/{asset}"), None).await;
    assert_eq!(refused.refusal(), (409, "asset_in_use".into()));
    assert_eq!(lab.send(Method::DELETE, &format!("/assets/{asset}?force=true"), None).await.status, 204);
    assert!(!file_of(&lab, &asset).exists());
    assert_eq!(lab.get(&format!("{path}/{id}")).await.json()["asset_id"], json!(asset), "the video stays");
    assert_eq!(lab.send(Method::DELETE, &format!("{path}/{id}"), None).await.status, 204);
    assert_eq!(lab.get(&format!("/tasks/{id}")).await.status, 404);
    assert_eq!(lab.get(&format!("{path}/{id}")).await.status, 404);
}

#[tokio::test]
async fn an_asset_whose_content_the_index_has_is_that_video_under_another_id() {
    let lab = Lab::start().await;
    let index = lab.index("harbour").await;
    let first = lab.video(index, "pier.mp4").await;
    let (asset, _) = brought(&lab, "copy.mp4", film(&lab)).await;
    let path = format!("/v1.3/indexes/{index}/indexed-assets");
    let id: TaskId = id_of(&lab.post(&path, json!({ "asset_id": asset })).await.json()["_id"]);
    let store = &lab.app.store;
    let claim = store.claim_next(lab.app.clock.now(), Duration::from_secs(60)).await.unwrap().unwrap();
    assert_eq!(claim.task, id);
    let held = store.hold_content(&claim, "hash of pier.mp4").await.unwrap();
    assert_eq!(held, Ok(ContentHolder::Video(first.into())), "it is no second video");
    let event = Event::Duplicate(Duplicate { video: first.into(), by: DuplicateBy::Content });
    assert_eq!(store.change_task(&claim, &event.into(), lab.app.clock.now()).await.unwrap(), Ok(()));

    let one = lab.get(&format!("{path}/{id}?transcription=true")).await.json();
    assert_eq!(
        (&one["_id"], &one["video_id"], &one["status"]),
        (&json!(id), &json!(first), &json!("ready")),
        "{one}"
    );
    assert_eq!(one["transcription"][0]["value"], "A boat leaves the harbour in pier.mp4");
    let said = lab.get(&format!("/assets/{asset}/transcription")).await.json();
    assert_eq!((&said["status"], &said["video_id"]), (&json!("ready"), &json!(first)));
    let listed = lab.get(&format!("{path}?status=ready&duration[gte]=0")).await.json();
    assert_eq!(listed["page_info"]["total_results"], 2, "{listed}");
    assert_eq!(lab.post(&path, json!({ "asset_id": asset })).await.json()["_id"], json!(id));
    assert_eq!(lab.send(Method::DELETE, &format!("/assets/{asset}"), None).await.status, 409);
    assert_eq!(lab.send(Method::DELETE, &format!("{path}/{id}"), None).await.status, 204);
    assert_eq!(lab.get(&format!("{path}/{first}")).await.json()["status"], "ready", "the video itself stays");
    assert_eq!(lab.send(Method::DELETE, &format!("/assets/{asset}"), None).await.status, 204);
}

#[tokio::test]
async fn what_cannot_be_indexed_says_why() {
    let lab = Lab::start().await;
    let index = lab.index("harbour").await;
    let path = format!("/v1.3/indexes/{index}/indexed-assets");
    let made = lab.form("/assets", direct("pier.mp4", film(&lab))).await.json();
    let asked = lab.post(&path, json!({ "asset_id": made["_id"] })).await;
    assert_eq!(asked.refusal(), (400, "asset_not_ready".into()));
    work_on_due(&lab.app).await.unwrap();
    let picture = lab.folder.path().join("still.png");
    ffmpeg(&["-f", "lavfi", "-i", "testsrc2=size=320x200", "-frames:v", "1"], &picture);
    let (still, _) = brought(&lab, "still.png", fs::read(picture).unwrap()).await;
    assert_eq!(
        lab.post(&path, json!({ "asset_id": still })).await.refusal(),
        (400, "asset_not_indexable".into())
    );
    let nobody = AssetId::generate(lab.app.clock.now());
    assert_eq!(
        lab.post(&path, json!({ "asset_id": nobody })).await.refusal(),
        (404, "resource_not_exists".into())
    );
    assert_eq!(lab.post(&path, json!({})).await.refusal(), (400, "parameter_not_provided".into()));
    let elsewhere = format!("/v1.3/indexes/{nobody}/indexed-assets");
    let asked = lab.post(&elsewhere, json!({ "asset_id": made["_id"] })).await;
    assert_eq!(asked.refusal(), (404, "resource_not_exists".into()));
    assert_eq!(lab.get(&elsewhere).await.status, 404);
}

#[tokio::test]
async fn another_workspaces_assets_are_not_there() {
    let lab = Lab::start().await;
    let index = lab.index("harbour").await;
    let (asset, _) = brought(&lab, "pier.mp4", film(&lab)).await;
    let made =
        lab.post(&format!("/indexes/{index}/indexed-assets"), json!({ "asset_id": asset })).await.json();
    let indexed = made["_id"].as_str().unwrap();
    let key = lab.stranger().await;
    let paths = [
        (Method::GET, format!("/assets/{asset}")),
        (Method::DELETE, format!("/assets/{asset}?force=true")),
        (Method::PUT, format!("/assets/{asset}/user-metadata")),
        (Method::GET, format!("/assets/{asset}/indexed-assets")),
        (Method::GET, format!("/assets/{asset}/transcription")),
        (Method::GET, format!("/indexes/{index}/indexed-assets")),
        (Method::GET, format!("/indexes/{index}/indexed-assets/{indexed}")),
        (Method::PATCH, format!("/indexes/{index}/indexed-assets/{indexed}")),
        (Method::DELETE, format!("/indexes/{index}/indexed-assets/{indexed}")),
    ];
    for (method, path) in paths {
        let request =
            lab.client.request(method.clone(), format!("{}{path}", lab.url)).header("x-api-key", &key);
        let request = request.json(&json!({ "user_metadata": { "a": 1 } }));
        let answer = Answer::of(request.send().await.unwrap()).await;
        assert_eq!(answer.refusal(), (404, "resource_not_exists".into()), "{method} {path}");
    }
    assert!(file_of(&lab, &asset).exists());
}

#[tokio::test]
async fn folders_without_an_asset_go_at_the_next_start() {
    let lab = Lab::start().await;
    let (asset, _) = brought(&lab, "pier.mp4", film(&lab)).await;
    let orphan = lab.app.files.asset(AssetId::generate(lab.app.clock.now()));
    fs::create_dir_all(&orphan).unwrap();
    telecine::asset::remove_orphans(&lab.app.files, &*lab.app.store).await.unwrap();
    assert!(!orphan.exists() && Path::new(&file_of(&lab, &asset)).exists());
}
