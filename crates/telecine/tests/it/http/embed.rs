//! Embeddings over HTTP: shapes per version, what is served by which model, tasks from upload to removal, and refusals.

use std::time::Duration;

use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use telecine::embedding;
use telecine::time::Clock as _;

use super::lab::{Answer, Lab};
use super::pictures::drawn;
use crate::pipeline::media;
use crate::support::stub::{Reply, Stub};

const CAR: [f64; 2] = [1.0, 0.0];
const NO_CAR: [f64; 2] = [0.0, 1.0];

/// A silent video of so many seconds.
fn film(size: &str, seconds: u32) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("film.mp4");
    media::silent(&path, size, seconds);
    std::fs::read(path).unwrap()
}

fn ok(answer: &Answer) -> Value {
    assert!((200..300).contains(&answer.status), "{}: {}", answer.status, answer.text);
    answer.json()
}

async fn begin(lab: &Lab, video: Vec<u8>, fields: &[(&str, &str)]) -> String {
    let mut form = Form::new().text("model_name", "Marengo-retrieval-2.7");
    for (name, value) in fields {
        form = form.text((*name).to_owned(), (*value).to_owned());
    }
    let form = form.part("video_file", Part::bytes(video).file_name("films/pier.mp4"));
    let made = ok(&lab.form("/v1.3/embed/tasks", form).await);
    made["_id"].as_str().expect("an id").to_owned()
}

#[tokio::test]
async fn a_text_is_embedded_in_the_shape_of_every_version() {
    let lab = Lab::start().await;
    let form = Form::new().text("engine_name", "Marengo-retrieval-2.6").text("text", "a car");
    let old = ok(&lab.form("/v1.2/embed", form).await);
    assert_eq!(old["engine_name"], "Marengo-retrieval-2.6", "told back as it was named");
    assert_eq!(old["served_by"], "by-table", "and by whom it was made");
    assert_eq!(
        (&old["text_embedding"]["float"], &old["text_embedding"]["segments"][0]["float"]),
        (&json!(CAR), &json!(CAR))
    );
    let new = ok(&lab.post("/v1.3/embed", json!({ "model_name": "marengo3.0", "text": "a boat" })).await);
    assert_eq!(
        new,
        json!({
            "model_name": "marengo3.0", "served_by": "by-table",
            "text_embedding": { "segments": [{ "float": NO_CAR }] },
        })
    );
    let encoded = lab.request(Method::POST, "/v1.2/embed");
    let encoded = encoded.header("content-type", "application/x-www-form-urlencoded");
    let encoded = encoded.body("engine_name=by-table&text=a+car&text_truncate=none");
    let encoded = ok(&Answer::of(encoded.send().await.unwrap()).await);
    assert_eq!(
        (&encoded["engine_name"], &encoded["text_embedding"]["float"]),
        (&json!("by-table"), &json!(CAR))
    );
    // Some SDKs send a text a second time as if it were a file.
    let part =
        Part::bytes(b"a car".to_vec()).file_name("upload").mime_str("application/octet-stream").unwrap();
    let twice = Form::new().text("model_name", "marengo3.0").text("text", "a car").part("text", part);
    assert_eq!(ok(&lab.form("/embed", twice).await)["text_embedding"]["segments"][0]["float"], json!(CAR));
}

#[tokio::test]
async fn a_text_that_is_too_long_is_cut_where_it_was_said_or_refused() {
    let lab = Lab::start().await;
    // The stand-in takes words for tokens, and adds two.
    let ask = async |text: String, truncate: Value| {
        let body = json!({ "model_name": "marengo3.0", "text": text, "text_truncate": truncate });
        lab.post("/v1.3/embed", body).await
    };
    let words = vec!["boat"; 75].join(" ");
    let vector = |answer: &Answer| ok(answer)["text_embedding"]["segments"][0]["float"].clone();
    assert_eq!(vector(&ask(words.clone(), json!("none")).await), json!(NO_CAR), "77 tokens fit");
    let long = format!("car {words}");
    assert_eq!(
        vector(&ask(long.clone(), Value::Null).await),
        json!(CAR),
        "the end is cut off unless it is said"
    );
    assert_eq!(vector(&ask(long.clone(), json!("start")).await), json!(NO_CAR));
    let refused = ask(long, json!("none")).await;
    assert_eq!(refused.refusal(), (400, "parameter_invalid".into()));
    assert_eq!(
        (&refused.json()["value"], &refused.json()["rule"]),
        (&json!("78 tokens"), &json!("at most 77 tokens"))
    );
}

#[tokio::test]
async fn a_picture_is_embedded_by_file_and_by_link() {
    let picture = drawn("a.png", "320x180");
    let served = picture.clone();
    let stub = Stub::start(move |_, _| Reply::new("200 OK", &[], &served)).await;
    let host = stub.url().trim_start_matches("http://").to_owned();
    let lab = Lab::with(|config| config.urls.allow_private_hosts = vec![host]).await;
    let form = Form::new().text("model_name", "marengo3.0");
    let form = form.part("image_file", Part::bytes(picture.clone()).file_name("a.png"));
    let by_file = ok(&lab.form("/v1.3/embed", form).await)["image_embedding"].clone();
    assert_eq!(
        by_file,
        json!({ "segments": [{ "float": NO_CAR }], "metadata": { "input_filename": "a.png" } })
    );
    let url = format!("{}/a.png", stub.url());
    let body = json!({ "model_name": "marengo3.0", "image_url": url, "text": "a car" });
    let both = ok(&lab.post("/v1.3/embed", body).await);
    assert_eq!(both["image_embedding"]["metadata"], json!({ "input_url": url }));
    assert_eq!(both["text_embedding"]["segments"][0]["float"], json!(CAR), "each for itself");
}

#[tokio::test]
async fn sounds_and_unknown_models_are_refused_and_nothing_is_made_up() {
    let lab = Lab::start().await;
    let table = [
        (json!({ "text": "a car" }), "parameter_not_provided"),
        (json!({ "model_name": "marengo3.0" }), "parameter_not_provided"),
        (json!({ "model_name": "gpt-4", "text": "a car" }), "parameter_invalid"),
        (json!({ "model_name": "marengo3.0", "text": " " }), "parameter_invalid"),
        (json!({ "model_name": "marengo3.0", "text": "a", "text_truncate": "middle" }), "parameter_invalid"),
        (
            json!({ "model_name": "marengo3.0", "text": "a", "audio_url": "https://a.test/a.mp3" }),
            "embedding_not_supported",
        ),
        (
            json!({ "model_name": "marengo3.0", "image_url": "http://10.0.0.1/a.png" }),
            "image_url_not_accessible",
        ),
    ];
    for (body, code) in table {
        let answer = lab.post("/v1.3/embed", body.clone()).await;
        assert_eq!(answer.refusal(), (400, code.into()), "{body}: {}", answer.text);
    }
    let form = Form::new().text("model_name", "marengo3.0");
    let form = form.part("audio_file", Part::bytes(b"RIFF".to_vec()).file_name("a.wav"));
    let sound = lab.form("/v1.3/embed", form).await;
    assert_eq!(sound.refusal(), (400, "embedding_not_supported".into()));
    assert!(sound.json()["remedy"].as_str().is_some_and(|remedy| !remedy.is_empty()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_video_goes_from_upload_to_vectors_and_is_removed_after_a_week() {
    let lab = Lab::start().await;
    let scopes = [("video_embedding_scope", "clip"), ("video_embedding_scope", "video")];
    let id = begin(&lab, film("640x360", 13), &scopes).await;
    let path = format!("/v1.3/embed/tasks/{id}");
    let waiting = ok(&lab.get(&path).await);
    assert_eq!(
        (&waiting["status"], waiting["video_embedding"].get("segments")),
        (&json!("processing"), None)
    );
    assert_eq!(embedding::work(&lab.app).await.unwrap(), 1);
    let status = ok(&lab.get(&format!("{path}/status")).await);
    assert_eq!(
        (&status["status"], &status["model_name"], &status["served_by"]),
        (&json!("ready"), &json!("Marengo-retrieval-2.7"), &json!("by-table"))
    );
    let metadata = &status["video_embedding"]["metadata"];
    assert_eq!(metadata["input_filename"], "pier.mp4");
    assert_eq!(metadata["video_embedding_scope"], json!(["clip", "video"]));
    assert_eq!(
        (metadata["video_clip_length"].as_f64(), metadata["duration"].as_f64()),
        (Some(6.0), Some(13.0))
    );
    assert!(status["video_embedding"].get("segments").is_none(), "the status has no vectors");
    let ready = ok(&lab.get(&format!("{path}?embedding_option=visual-text&embedding_option=audio")).await);
    let segment = |start: f64, end: f64, scope: &str| {
        json!({ "float": NO_CAR, "start_offset_sec": start, "end_offset_sec": end, "embedding_scope": scope,
            "embedding_option": "visual-text" })
    };
    let segments =
        json!([segment(0.0, 6.0, "clip"), segment(6.0, 12.0, "clip"), segment(0.0, 12.0, "video")]);
    assert_eq!(ready["video_embedding"]["segments"], segments, "a rest of a second is left out");
    assert!(ready.get("video_embeddings").is_none() && ready["created_at"].is_string());
    let old = ok(&lab.get(&format!("/v1.2/embed/tasks/{id}")).await);
    let mut early = segments.clone();
    for segment in early.as_array_mut().unwrap() {
        segment["embedding"] = json!({ "float": NO_CAR });
    }
    assert_eq!((&old["video_embeddings"], &old["engine_name"]), (&early, &json!("Marengo-retrieval-2.7")));
    let sounds = lab.get(&format!("{path}?embedding_option=audio")).await;
    assert_eq!(sounds.refusal(), (400, "embedding_not_supported".into()));
    assert!(!lab.app.files.embeddings().join(&id).exists(), "the upload is gone when it is done");

    lab.clock.advance(embedding::KEPT);
    assert_eq!(lab.get(&path).await.refusal(), (404, "resource_not_exists".into()));
    lab.app.store.forget_embed_tasks(lab.clock.now()).await.unwrap();
    assert_eq!(ok(&lab.get("/v1.3/embed/tasks").await)["page_info"]["total_results"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn clips_have_the_length_and_lie_between_the_offsets_that_were_asked_for() {
    let lab = Lab::start().await;
    let fields = [("video_clip_length", "2"), ("video_start_offset_sec", "3"), ("video_end_offset_sec", "8")];
    let id = begin(&lab, film("640x360", 10), &fields).await;
    embedding::work(&lab.app).await.unwrap();
    let ready = ok(&lab.get(&format!("/v1.3/embed/tasks/{id}")).await);
    let starts: Vec<f64> = ready["video_embedding"]["segments"]
        .as_array()
        .unwrap_or_else(|| panic!("{ready}"))
        .iter()
        .map(|segment| segment["start_offset_sec"].as_f64().unwrap())
        .collect();
    assert_eq!(starts, [3.0, 5.0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_video_fails_its_task_with_a_reason_and_no_other() {
    let lab = Lab::start().await;
    let bad = begin(&lab, b"no video at all".to_vec(), &[]).await;
    let small = begin(&lab, film("320x240", 5), &[]).await;
    let short = begin(&lab, film("640x360", 2), &[]).await;
    let late = begin(&lab, film("640x360", 5), &[("video_start_offset_sec", "50")]).await;
    let link = json!({ "model_name": "marengo3.0", "video_url": "http://127.0.0.1:9/a.mp4" });
    let private = ok(&lab.post("/v1.3/embed/tasks", link).await)["_id"].as_str().unwrap().to_owned();
    let good = begin(&lab, film("640x360", 5), &[]).await;
    embedding::work(&lab.app).await.unwrap();
    let table = [
        (&bad, "unsupported_file_type"),
        (&small, "video_resolution_too_low"),
        (&short, "video_duration_too_short"),
        (&late, "parameter_invalid"),
        (&private, "video_url_not_accessible"),
    ];
    for (id, code) in table {
        let task = ok(&lab.get(&format!("/v1.3/embed/tasks/{id}")).await);
        assert_eq!((&task["status"], &task["error"]["code"]), (&json!("failed"), &json!(code)), "{task}");
        assert!(task["error_message"].as_str().is_some_and(|text| text.len() > 20), "{task}");
    }
    assert_eq!(ok(&lab.get(&format!("/embed/tasks/{good}/status")).await)["status"], "ready");
    let failed = ok(&lab.get("/v1.3/embed/tasks?status=failed&page_limit=2").await);
    assert_eq!(
        (&failed["page_info"]["total_results"], failed["data"].as_array().unwrap().len()),
        (&json!(5), 2)
    );
    let now = lab.clock.now();
    let none =
        ok(&lab.get(&format!("/v1.3/embed/tasks?started_at={}", now.after(Duration::from_secs(1)))).await);
    assert_eq!(none["data"], json!([]));
    let past = ok(&lab.get(&format!("/v1.3/embed/tasks?ended_at={now}&page=9")).await);
    assert_eq!(
        (&past["data"], &past["page_info"]["total_results"]),
        (&json!([]), &json!(6)),
        "past the end is empty"
    );
    assert_eq!(lab.get("/embed/tasks?status=done").await.refusal(), (400, "parameter_invalid".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_is_down_for_a_while_is_tried_again() {
    let video = film("640x360", 5);
    let stub = Stub::start(move |before, asked| {
        let all = asked.header("range").is_none_or(|range| range != "bytes=0-0");
        match before {
            0..=9 => Reply::new("503 Service Unavailable", &[], "later"),
            _ if all => Reply::new("200 OK", &[("etag", "\"v1\"")], &video),
            _ => Reply::new("200 OK", &[("etag", "\"v1\"")], &video),
        }
    })
    .await;
    let host = stub.url().trim_start_matches("http://").to_owned();
    let lab = Lab::with(|config| config.urls.allow_private_hosts = vec![host]).await;
    let body =
        json!({ "engine_name": "Marengo-retrieval-2.6", "video_url": format!("{}/a.mp4", stub.url()) });
    let id = ok(&lab.post("/v1.2/embed/tasks", body).await)["_id"].as_str().unwrap().to_owned();
    for _ in 0..4 {
        embedding::work(&lab.app).await.unwrap();
        lab.clock.advance(Duration::from_secs(120));
    }
    let task = ok(&lab.get(&format!("/v1.2/embed/tasks/{id}")).await);
    assert_eq!(task["status"], "ready", "{task} after {} requests", stub.asked().len());
}

#[tokio::test(flavor = "multi_thread")]
async fn work_that_was_cut_off_is_begun_anew_after_a_restart() {
    let lab = Lab::start().await;
    let id = begin(&lab, film("640x360", 5), &[]).await;
    let orphan = lab.app.files.embeddings().join("65f0c1d2e3a4b5c6d7e8f901");
    std::fs::create_dir_all(&orphan).unwrap();
    let now = lab.clock.now();
    let claimed = lab.app.store.claim_embed_task(now, now.after(Duration::from_secs(60))).await.unwrap();
    assert!(claimed.is_some(), "a worker that dies now");
    assert_eq!(embedding::work(&lab.app).await.unwrap(), 0, "nobody else has it while the lease lasts");
    lab.app.store.break_embed_claims().await.unwrap();
    embedding::tidy_up(&lab.app.files, &*lab.app.store, lab.app.clock.now()).await.unwrap();
    assert!(!orphan.exists(), "a folder of no task goes");
    assert_eq!(embedding::work(&lab.app).await.unwrap(), 1);
    assert_eq!(ok(&lab.get(&format!("/embed/tasks/{id}/status")).await)["status"], "ready");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_shape_embeds_texts_pictures_and_both_and_wraps_its_refusals() {
    let lab = Lab::start().await;
    let picture = base64(&drawn("a.png", "320x180"));
    let ask = async |body: Value| lab.post("/v1.3/embed-v2", body).await;
    let text = json!({ "input_type": "text", "model_name": "marengo3.0", "text": { "input_text": "a car" } });
    let text = ok(&ask(text).await);
    let data = json!([{ "embedding": CAR, "embedding_option": null, "embedding_scope": null, "start_sec": null, "end_sec": null }]);
    assert_eq!((&text["data"], &text["served_by"], text.get("metadata")), (&data, &json!("by-table"), None));
    let source = json!({ "base64_string": picture });
    let image =
        json!({ "input_type": "image", "model_name": "marengo3.0", "image": { "media_source": source } });
    let image = ok(&ask(image).await);
    assert_eq!(
        (&image["data"][0]["embedding"], &image["metadata"]["input_type"]),
        (&json!(NO_CAR), &json!("image"))
    );
    let both = json!({ "input_type": "text_image", "model_name": "marengo3.0",
        "text_image": { "media_source": source, "input_text": "a car" } });
    let both = ok(&ask(both).await)["data"][0]["embedding"].clone();
    let both: Vec<f64> = serde_json::from_value(both).unwrap();
    assert!(both.iter().all(|value| *value > 0.1) && (both[0].hypot(both[1]) - 1.0).abs() < 1e-5, "{both:?}");
    let model = |body: Value| {
        let mut body = body;
        body["model_name"] = "marengo3.0".into();
        body
    };
    let table = [
        (json!({ "input_type": "text" }), "parameter_not_provided"),
        (json!({ "input_type": "audio", "audio": {} }), "embedding_not_supported"),
        (json!({ "input_type": "video", "video": {} }), "embedding_not_supported"),
        (json!({ "input_type": "multi_input" }), "embedding_not_supported"),
        (
            json!({ "input_type": "image", "image": { "media_source": { "base64_string": "?" } } }),
            "parameter_invalid",
        ),
        (json!({ "input_type": "image", "image": { "media_source": {} } }), "parameter_invalid"),
        (
            json!({ "input_type": "image", "image": { "media_source": { "asset_id": "a" } } }),
            "embedding_not_supported",
        ),
        (json!({ "input_type": "text", "text": { "input_text": 7 } }), "parameter_invalid"),
    ];
    for (body, code) in table {
        let refused = ask(model(body.clone())).await;
        let told = refused.json();
        assert_eq!((refused.status, &told["error"]["code"]), (400, &json!(code)), "{body}: {told}");
        assert!(told["error"]["message"].is_string() && told.get("code").is_none(), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_of_the_newest_shape_are_the_same_tasks() {
    let video = film("640x360", 13);
    let stub = Stub::start(move |_, _| Reply::new("200 OK", &[("etag", "\"v1\"")], &video)).await;
    let host = stub.url().trim_start_matches("http://").to_owned();
    let lab = Lab::with(|config| config.urls.allow_private_hosts = vec![host]).await;
    let url = format!("{}/a.mp4", stub.url());
    let body = |change: Value| {
        let mut video = json!({ "media_source": { "url": url } });
        video.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        json!({ "input_type": "video", "model_name": "marengo3.0", "video": video })
    };
    let fixed = json!({ "segmentation": { "strategy": "fixed", "fixed": { "duration_sec": 4 } }, "end_sec": 8,
        "embedding_option": ["visual", "audio", "transcription"] });
    let begun = lab.post("/v1.3/embed-v2/tasks", body(fixed)).await;
    assert_eq!(begun.status, 202);
    let begun = begun.json();
    assert_eq!((&begun["status"], &begun["data"]), (&json!("processing"), &Value::Null));
    let path = format!("/v1.3/embed-v2/tasks/{}", begun["_id"].as_str().unwrap());
    assert_eq!(ok(&lab.get(&path).await)["data"], Value::Null);
    embedding::work(&lab.app).await.unwrap();
    let ready = ok(&lab.get(&path).await);
    let told: Vec<(&Value, f64, f64)> = ready["data"]
        .as_array()
        .unwrap_or_else(|| panic!("{ready}"))
        .iter()
        .map(|it| {
            (&it["embedding_scope"], it["start_sec"].as_f64().unwrap(), it["end_sec"].as_f64().unwrap())
        })
        .collect();
    let (clip, asset) = (json!("clip"), json!("asset"));
    assert_eq!(told, [(&clip, 0.0, 4.0), (&clip, 4.0, 8.0), (&asset, 0.0, 8.0)]);
    assert_eq!(ready["data"][0]["embedding_option"], "visual");
    // What the newest Python SDK cannot do without.
    let metadata = &ready["metadata"];
    assert_eq!(
        (&metadata["input_type"], &metadata["embedding_scopes"], &metadata["embedding_options"]),
        (&json!("video"), &json!(["clip", "asset"]), &json!(["visual"]))
    );
    assert_eq!((metadata["duration"].as_f64(), &metadata["input_url"]), (Some(13.0), &json!(url)));
    assert_eq!(ok(&lab.get("/v1.3/embed-v2/tasks").await)["data"][0]["_id"], begun["_id"]);
    assert_eq!(ok(&lab.get("/v1.3/embed/tasks").await)["data"][0]["_id"], begun["_id"]);
    let dynamic = json!({ "segmentation": { "strategy": "dynamic", "dynamic": { "min_duration_sec": 4 } } });
    for (change, code) in [
        (dynamic, "embedding_not_supported"),
        (json!({ "embedding_option": ["audio"] }), "embedding_not_supported"),
        (json!({ "embedding_scope": ["page"] }), "parameter_invalid"),
        (json!({ "start_sec": 5, "end_sec": 5 }), "parameter_invalid"),
        (
            json!({ "segmentation": { "strategy": "fixed", "fixed": { "duration_sec": 11 } } }),
            "parameter_invalid",
        ),
    ] {
        let refused = lab.post("/v1.3/embed-v2/tasks", body(change.clone())).await;
        assert_eq!((refused.status, &refused.json()["error"]["code"]), (400, &json!(code)), "{change}");
    }
    let missing = lab.get("/v1.3/embed-v2/tasks/65f0c1d2e3a4b5c6d7e8f901").await;
    assert_eq!((missing.status, &missing.json()["error"]["code"]), (404, &json!("resource_not_exists")));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_workspace_sees_no_task() {
    let lab = Lab::start().await;
    let id = begin(&lab, film("640x360", 5), &[]).await;
    let key = lab.stranger().await;
    for path in
        [format!("embed/tasks/{id}"), format!("embed/tasks/{id}/status"), format!("embed-v2/tasks/{id}")]
    {
        let request = lab.client.get(format!("{}/v1.3/{path}", lab.url)).header("x-api-key", &key);
        assert_eq!(request.send().await.unwrap().status(), 404, "{path}");
    }
    let request = lab.client.get(format!("{}/v1.3/embed/tasks", lab.url)).header("x-api-key", &key);
    assert_eq!(ok(&Answer::of(request.send().await.unwrap()).await)["data"], json!([]));
}

#[tokio::test]
async fn a_video_in_an_index_tells_the_vectors_that_it_is_found_by() {
    let lab = Lab::start().await;
    let index = lab.index("harbour").await;
    let video = lab.video(index, "pier.mp4").await;
    let get = async |version: &str, query: &str| {
        lab.get(&format!("/{version}/indexes/{index}/videos/{video}{query}")).await
    };
    assert!(ok(&get("v1.2", "").await).get("embedding").is_none());
    let old = ok(&get("v1.2", "?embed=true").await)["embedding"].clone();
    let shot = |values: [f64; 2], start: f64| {
        json!({ "float": values, "start_offset_sec": start, "end_offset_sec": start + 2.0, "embedding_scope": "clip",
            "embedding_option": "visual-text" })
    };
    assert_eq!(old["engine_name"], "marengo2.6");
    assert_eq!(old["video_embedding"]["segments"], json!([shot(CAR, 0.0), shot(NO_CAR, 6.0)]));
    assert_eq!(old["served_by"]["visual"], "by-table");
    let new =
        get("v1.3", "?embedding_option=visual&embedding_option=transcription&embedding_option=audio").await;
    let new = ok(&new)["embedding"].clone();
    let options: Vec<&str> = new["video_embedding"]["segments"]
        .as_array()
        .unwrap()
        .iter()
        .map(|segment| segment["embedding_option"].as_str().unwrap())
        .collect();
    assert_eq!(options, ["visual", "visual", "transcription"]);
    assert_eq!(new["video_embedding"]["segments"][2]["float"].as_array().unwrap().len(), 384);
    assert_eq!(new["model_name"], "marengo2.6");
    assert_eq!(
        get("v1.3", "?embedding_option=audio").await.refusal(),
        (400, "embedding_not_supported".into())
    );
    assert_eq!(get("v1.3", "?embedding_option=smell").await.refusal(), (400, "parameter_invalid".into()));
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let number = three.iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte))
            << (8 * (3 - three.len()));
        for place in 0..4 {
            let digit = DIGITS[(number >> (18 - 6 * place) & 63) as usize];
            text.push(if place > three.len() { '=' } else { char::from(digit) });
        }
    }
    text
}
