//! Uploads in chunks, as the SDKs do them.

use std::fs;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use telecine::asset::work_on_due;

use super::lab::{Answer, Lab};
use crate::pipeline::media::silent;

const CHUNK: usize = 10_000;

async fn lab() -> Lab {
    Lab::with(|config| config.assets.chunk_bytes = CHUNK as u64).await
}

fn film(lab: &Lab) -> Vec<u8> {
    let path = lab.folder.path().join("film.mp4");
    silent(&path, "640x360", 3);
    fs::read(path).unwrap()
}

async fn begin(lab: &Lab, total: usize) -> Value {
    let body = json!({ "filename": "pier.mp4", "type": "video", "total_size": total });
    let begun = lab.post("/v1.3/assets/multipart-uploads", body).await;
    assert_eq!(begun.status, 201, "{}", begun.text);
    begun.json()
}

/// Sends a chunk as SDKs do: without a key.
async fn put(lab: &Lab, url: &str, bytes: &[u8]) -> Answer {
    let request = lab.client.put(url).header("content-type", "application/octet-stream");
    Answer::of(request.body(bytes.to_vec()).send().await.unwrap()).await
}

fn link(begun: &Value, number: usize) -> String {
    let all = begun["upload_urls"].as_array().unwrap();
    assert_eq!(all[number - 1]["chunk_index"], number);
    all[number - 1]["url"].as_str().unwrap().to_owned()
}

async fn sent(lab: &Lab, begun: &Value, number: usize, bytes: &[u8]) -> Value {
    let answer = put(lab, &link(begun, number), bytes).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let proof = answer.headers["etag"].to_str().unwrap().trim_matches('"').to_owned();
    json!({ "chunk_index": number, "proof": proof, "proof_type": "etag", "chunk_size": bytes.len() })
}

#[tokio::test]
async fn a_file_arrives_in_chunks_in_any_order_and_becomes_an_asset() {
    let lab = lab().await;
    let bytes = film(&lab);
    let begun = begin(&lab, bytes.len()).await;
    let chunks: Vec<&[u8]> = bytes.chunks(CHUNK).collect();
    assert_eq!((&begun["chunk_size"], &begun["total_chunks"]), (&json!(CHUNK), &json!(chunks.len())));
    assert!(chunks.len() > 2, "a test of several chunks");
    let upload = format!("/v1.3/assets/multipart-uploads/{}", begun["upload_id"].as_str().unwrap());
    let asset = format!("/v1.3/assets/{}", begun["asset_id"].as_str().unwrap());
    assert_eq!(lab.get(&asset).await.json()["status"], "processing");
    assert_eq!(lab.get("/assets/multipart-uploads").await.json()["page_info"]["total_results"], 1);

    let mut reported = Vec::new();
    for (at, chunk) in chunks.iter().enumerate().rev() {
        reported.push(sent(&lab, &begun, at + 1, chunk).await);
    }
    let last = reported.pop().unwrap();
    let report = async |chunks: Value| lab.post(&upload, json!({ "completed_chunks": chunks })).await;
    let first = report(json!(reported)).await.json();
    assert_eq!((&first["processed_chunks"], first.get("url")), (&json!(reported.len()), None), "{first}");
    work_on_due(&lab.app).await.unwrap();
    assert_eq!(lab.get(&asset).await.json()["status"], "processing", "one chunk is not reported");
    let told = lab.get(&format!("{upload}?page_limit=2")).await.json();
    assert_eq!((&told["status"], &told["chunks_pending"]), (&json!("active"), &json!(1)));
    assert_eq!(told["uploaded_chunks"][0]["status"], "pending", "{told}");
    assert_eq!(told["uploaded_chunks"][1]["status"], "completed");
    assert_eq!(told["uploaded_size"], json!(bytes.len() - CHUNK));
    let past = lab.get(&format!("{upload}?page=50")).await;
    assert_eq!((past.status, &past.json()["uploaded_chunks"]), (200, &json!([])));

    let whole = report(json!([last, reported[0]])).await.json();
    assert_eq!((&whole["processed_chunks"], &whole["duplicate_chunks"]), (&json!(1), &json!(1)));
    assert_eq!(whole["total_completed"], json!(chunks.len()));
    assert!(whole["url"].as_str().unwrap().ends_with(&asset), "{whole}");
    assert_eq!(lab.get(&upload).await.json()["status"], "completed");
    assert_eq!(report(json!([last])).await.json()["duplicate_chunks"], 1, "told again, nothing happens");
    work_on_due(&lab.app).await.unwrap();
    let ready = lab.get(&asset).await.json();
    assert_eq!((&ready["status"], &ready["size"]), (&json!("ready"), &json!(bytes.len())), "{ready}");
    assert_eq!(ready["method"], "multipart");
    assert_eq!(
        fs::read(lab.app.files.asset_file(ready["_id"].as_str().unwrap().parse().unwrap())).unwrap(),
        bytes
    );
    assert_eq!(lab.get("/assets/multipart-uploads").await.json()["data"], json!([]));
}

#[tokio::test]
async fn a_chunk_must_be_whole_and_reported_as_it_was_answered() {
    let lab = lab().await;
    let bytes = film(&lab);
    let begun = begin(&lab, bytes.len()).await;
    let upload = format!("/assets/multipart-uploads/{}", begun["upload_id"].as_str().unwrap());
    let report = async |chunks: Value| lab.post(&upload, json!({ "completed_chunks": chunks })).await;
    for wrong in [&bytes[..CHUNK - 1], &bytes[..CHUNK + 1], &[]] {
        assert_eq!(put(&lab, &link(&begun, 1), wrong).await.refusal(), (400, "parameter_invalid".into()));
    }
    let not_here = json!([{ "chunk_index": 1, "proof": "x", "proof_type": "etag", "chunk_size": CHUNK }]);
    assert_eq!(report(not_here).await.refusal(), (400, "chunk_mismatch".into()));
    let good = sent(&lab, &begun, 1, &bytes[..CHUNK]).await;
    let mut wrong = good.clone();
    wrong["proof"] = "0123456789abcdef0123456789abcdef".into();
    assert_eq!(report(json!([wrong])).await.refusal(), (400, "chunk_mismatch".into()));
    let mut wrong = good.clone();
    wrong["chunk_size"] = 5.into();
    assert_eq!(report(json!([good, wrong])).await.refusal(), (400, "chunk_mismatch".into()));
    assert_eq!(lab.get(&upload).await.json()["chunks_completed"], 0, "all of a report or nothing");
    assert_eq!(report(json!([{ "chunk_index": 99, "proof": "x" }])).await.refusal().1, "parameter_invalid");
    assert_eq!(report(json!("x")).await.refusal().1, "parameter_invalid");

    let other = vec![7; CHUNK];
    let again = sent(&lab, &begun, 1, &other).await;
    assert_ne!(again["proof"], good["proof"], "until it is reported, a chunk may be sent anew");
    assert_eq!(report(json!([again])).await.status, 200);
    assert_eq!(put(&lab, &link(&begun, 1), &bytes[..CHUNK]).await.refusal().1, "parameter_invalid");
    assert_eq!(sent(&lab, &begun, 1, &other).await, again, "the same bytes get the same answer");
}

#[tokio::test]
async fn links_are_for_one_chunk_and_for_an_hour() {
    let lab = lab().await;
    let begun = begin(&lab, 3 * CHUNK).await;
    let upload = format!("/assets/multipart-uploads/{}", begun["upload_id"].as_str().unwrap());
    let first = link(&begun, 1);
    for forged in [
        first.replace("/chunks/1?", "/chunks/2?"),
        first.replace("expires=", "expires=9"),
        first.split('?').next().unwrap().to_owned(),
    ] {
        assert_eq!(put(&lab, &forged, &[1; CHUNK]).await.refusal(), (403, "unauthorized".into()), "{forged}");
    }
    lab.clock.advance(Duration::from_secs(3_601));
    assert_eq!(put(&lab, &first, &[1; CHUNK]).await.refusal(), (403, "unauthorized".into()));
    let more = lab.post(&format!("{upload}/presigned-urls"), json!({ "start": 2, "count": 50 })).await.json();
    assert_eq!((&more["start_index"], &more["count"]), (&json!(2), &json!(2)), "{more}");
    let url = more["upload_urls"][0]["url"].as_str().unwrap();
    assert_eq!(put(&lab, url, &[1; CHUNK]).await.status, 200);
    for wrong in [
        json!({ "start": 0, "count": 1 }),
        json!({ "start": 4, "count": 1 }),
        json!({ "start": 1, "count": 51 }),
    ] {
        assert_eq!(
            lab.post(&format!("{upload}/presigned-urls"), wrong).await.refusal().1,
            "parameter_invalid"
        );
    }
}

#[tokio::test]
async fn an_upload_that_is_not_finished_within_a_day_is_given_up() {
    let lab = lab().await;
    let begun = begin(&lab, 3 * CHUNK).await;
    let upload = format!("/assets/multipart-uploads/{}", begun["upload_id"].as_str().unwrap());
    let asset = begun["asset_id"].as_str().unwrap();
    let chunk = sent(&lab, &begun, 1, &[1; CHUNK]).await;
    lab.clock.advance(Duration::from_secs(86_400));
    assert_eq!(lab.get(&upload).await.json()["status"], "expired");
    let late = lab.post(&upload, json!({ "completed_chunks": [chunk] })).await;
    assert_eq!(late.refusal(), (400, "upload_expired".into()));
    work_on_due(&lab.app).await.unwrap();
    let failed = lab.get(&format!("/assets/{asset}")).await.json();
    assert_eq!((&failed["status"], &failed["error"]["code"]), (&json!("failed"), &json!("upload_expired")));
    assert!(!lab.app.files.asset(asset.parse().unwrap()).exists(), "its bytes are gone");
    assert_eq!(lab.send(Method::DELETE, &format!("/assets/{asset}"), None).await.status, 204);
    assert_eq!(lab.get(&upload).await.status, 404);
}

#[tokio::test]
async fn uploads_are_bounded_in_number_and_size() {
    let lab = Lab::with(|config| {
        config.assets.open_uploads = 2;
        config.assets.multipart_bytes = 1 << 20;
        config.assets.image_bytes = 1_000;
    })
    .await;
    let ask = async |body: Value| lab.post("/assets/multipart-uploads", body).await.refusal();
    let body = |kind: &str, total: u64| json!({ "filename": "a", "type": kind, "total_size": total });
    assert_eq!(ask(body("video", (1 << 20) + 1)).await, (400, "video_filesize_too_large".into()));
    assert_eq!(ask(body("image", 1_001)).await, (400, "media_filesize_too_large".into()));
    assert_eq!(ask(body("video", 0)).await, (400, "parameter_invalid".into()));
    assert_eq!(ask(body("document", 5)).await, (400, "parameter_invalid".into()));
    assert_eq!(
        ask(json!({ "type": "video", "total_size": 5 })).await,
        (400, "parameter_not_provided".into())
    );
    begin(&lab, 5).await;
    begin(&lab, 5).await;
    assert_eq!(ask(body("video", 5)).await, (400, "usage_limit_exceeded".into()));
    let key = lab.stranger().await;
    let begun = begin_as(&lab, &key).await;
    let upload = format!("/assets/multipart-uploads/{}", begun["upload_id"].as_str().unwrap());
    assert_eq!(lab.get(&upload).await.status, 404, "another workspace's");
}

async fn begin_as(lab: &Lab, key: &str) -> Value {
    let body = json!({ "filename": "a", "type": "video", "total_size": 5 });
    let request = lab.client.post(format!("{}/assets/multipart-uploads", lab.url)).header("x-api-key", key);
    Answer::of(request.json(&body).send().await.unwrap()).await.json()
}
