//! A folder becomes an integration, its list a manifest, the manifest a transfer; and manifests as clients send them.

use std::fs;

use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use super::lab::{Answer, Lab};

/// A connected folder with these files, an index, and its manifest.
async fn connected(lab: &Lab, files: &[&str]) -> (String, String) {
    let films = lab.folder.path().join("films");
    fs::create_dir_all(&films).unwrap();
    for name in files {
        fs::write(films.join(name), name.repeat(100)).unwrap();
    }
    let body = json!({ "provider": "folder", "bucket": "films", "path": films });
    let made = lab.post("/v1.2/integrations", body).await;
    assert_eq!(made.status, 201, "{}", made.text);
    assert_eq!(made.json()["status"], "pending");
    let integration = made.json()["_id"].as_str().unwrap().to_owned();
    let verified = lab.post(&format!("/integrations/{integration}/verify"), json!({})).await;
    assert_eq!(verified.json()["status"], "active", "{}", verified.text);
    (integration, lab.index("harbour").await.to_string())
}

fn form(manifest: impl Into<Vec<u8>>) -> Form {
    Form::new().part("file", Part::bytes(manifest.into()).file_name("manifest.json"))
}

#[tokio::test]
async fn a_folder_becomes_a_transfer_that_can_be_watched_reported_cancelled_and_retried() {
    let lab = Lab::start().await;
    let (integration, index) = connected(&lab, &["a.mp4", "b.mov", "notes.txt"]).await;
    let report = lab.post(&format!("/integrations/{integration}/synchronize"), json!({})).await.json();
    assert_eq!((&report["items"], &report["videos"]), (&json!(3), &json!(2)));
    let statistics = lab.get(&format!("/integrations/{integration}/statistics")).await.json();
    assert_eq!(statistics["not_indexed"], 2);
    let manifest = lab.get(&format!("/integrations/{integration}/manifest?index_id={index}")).await;
    assert_eq!(
        manifest.headers["content-disposition"],
        "attachment; filename=\"manifest-films-en-2024-03-01.json\""
    );
    assert_eq!(
        manifest.json(),
        json!([
            { "index_id": index, "language": "en", "object": "folder://films/a.mp4" },
            { "index_id": index, "language": "en", "object": "folder://films/b.mov" },
        ])
    );

    let plan = lab.form("/v1.2/tasks/transfers?dry_run=true", form(manifest.text.clone())).await;
    assert_eq!(plan.status, 200, "{}", plan.text);
    let expected = json!({
        "entries": 2, "taken": 2, "skipped": 0, "refused": 0, "bytes": 1000, "duration_s": 0.0, "with_duration": 0,
    });
    assert_eq!(plan.json()["summary"], expected);
    assert_eq!(plan.json()["entries"][1]["object"], "folder://films/b.mov");
    assert_eq!(lab.get("/tasks").await.json()["page_info"]["total_results"], 0, "a dry run makes nothing");

    let accepted = lab.form("/v1.2/tasks/transfers", form(manifest.text.clone())).await;
    assert_eq!(accepted.status, 200, "{}", accepted.text);
    let body = accepted.json();
    assert_eq!(body["type"], "index_task_create");
    assert!(body["message"].is_string());
    assert_eq!(body["summary"], json!({ "entries": 2, "accepted": 2, "repeated": 0 }));
    assert_eq!(body["tasks"][0]["object"], "folder://films/a.mp4");
    let id = body["transfer_id"].as_str().unwrap().to_owned();
    let task = body["tasks"][0]["_id"].as_str().unwrap();
    let shown = lab.get(&format!("/v1.2/tasks/{task}")).await.json();
    assert_eq!((&shown["status"], &shown["transfer_id"]), (&json!("validating"), &json!(id)));

    let status = lab.get(&format!("/transfers/{id}")).await.json();
    assert_eq!((&status["state"], &status["total"]), (&json!("accepted"), &json!(2)));
    assert_eq!(lab.get("/transfers").await.json()["data"][0]["_id"], *id);
    let cancelled = lab.post(&format!("/transfers/{id}/cancel"), json!({})).await;
    assert_eq!(cancelled.json(), json!({ "cancelled": 2 }));
    for (format, kind) in [("json", "application/json"), ("jsonl", "application/jsonl"), ("csv", "text/csv")]
    {
        let report = lab.get(&format!("/transfers/{id}/report?format={format}")).await;
        let told = report.headers["content-type"].to_str().unwrap();
        assert!(report.status == 200 && (told.starts_with(kind) || format == "jsonl"), "{told}");
        assert_eq!(report.text.matches("task_cancelled").count(), 2, "{}", report.text);
    }
    let none = lab.post(&format!("/transfers/{id}/retry"), json!({ "code": "video_file_broken" })).await;
    assert_eq!(none.json(), json!({ "retried": 0 }));
    let all =
        Answer::of(lab.request(Method::POST, &format!("/transfers/{id}/retry")).send().await.unwrap()).await;
    assert_eq!(all.json(), json!({ "retried": 2 }), "a retry without a body is for all");
    let deleted = lab.send(Method::DELETE, &format!("/integrations/{integration}"), None).await;
    assert_eq!((deleted.status, &deleted.json()["ends"]["tasks"]), (200, &json!(2)));
    assert_eq!(lab.get("/integrations").await.json(), json!({ "data": [] }));
}

#[tokio::test]
async fn manifests_are_taken_as_every_client_sends_them() {
    let lab = Lab::start().await;
    let (_, index) = connected(&lab, &["a.mp4"]).await;
    let manifest =
        json!([{ "index_id": index, "language": "en", "object": "folder://films/a.mp4" }]).to_string();
    let boundary = "--------------------------870142";
    let clients = [
        ("BytesIO", "filename=\"upload\"", "application/octet-stream", "/v1.2/tasks/transfers"),
        ("file", "filename=\"m.json\"", "application/json", "/v1.1/tasks/transfers"),
        ("requests", "filename=\"m.json\"", "multipart/form-data", "/v1.2/tasks/transfers"),
        ("no name", "x=\"y\"", "text/plain", "/v1.3/tasks/transfers"),
        ("version 1", "filename=\"m.json\"", "application/json", "/indexes/tasks/transfers"),
    ];
    for (client, filename, content_type, path) in clients {
        let body = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; {filename}\r\nContent-Type: \
             {content_type}\r\n\r\n{manifest}\r\n--{boundary}--\r\n"
        );
        for is_chunked in [false, true] {
            let request = lab.request(Method::POST, path);
            let request = request.header("content-type", format!("multipart/form-data; boundary={boundary}"));
            let pieces: Vec<_> =
                body.as_bytes().chunks(11).map(|c| Ok::<_, std::io::Error>(c.to_vec())).collect();
            let request = match is_chunked {
                true => request.body(reqwest::Body::wrap_stream(futures::stream::iter(pieces))),
                false => request.body(body.clone()),
            };
            let answer = Answer::of(request.send().await.unwrap()).await;
            assert_eq!(answer.status, 200, "{client}: {}", answer.text);
            assert_eq!(answer.json()["summary"]["accepted"], 1, "{client}");
        }
    }
}

#[tokio::test]
async fn manifests_that_are_none_are_refused_whole() {
    let lab = Lab::with(|config| config.server.max_manifest_bytes = 10_000).await;
    let (_, index) = connected(&lab, &["a.mp4"]).await;
    let entry = |object: &str| json!({ "index_id": index, "language": "en", "object": object });
    let good = entry("folder://films/a.mp4");
    let nowhere = json!({ "index_id": "000000000000000000000000", "object": "folder://films/a.mp4" });
    let table: Vec<(Value, (u16, &str))> = vec![
        (json!({}), (400, "parameter_invalid")),
        (json!([good, "x"]), (400, "parameter_invalid")),
        (json!([good, { "index_id": index }]), (400, "parameter_invalid")),
        (json!([good, entry("ftp://films/a.mp4")]), (400, "parameter_invalid")),
        (json!([good, entry("s3://elsewhere/a.mp4")]), (400, "integration_not_active")),
        (json!([good, nowhere]), (404, "resource_not_exists")),
        (Value::Array(vec![good.clone(); 200]), (413, "request_too_large")),
    ];
    for (manifest, (status, code)) in table {
        for path in ["/v1.2/tasks/transfers", "/v1.2/tasks/transfers?dry_run=true"] {
            let answer = lab.form(path, form(manifest.to_string())).await;
            let shown = manifest.to_string().chars().take(200).collect::<String>();
            assert_eq!(answer.refusal(), (status, code.to_owned()), "{shown}: {}", answer.text);
        }
    }
    let wrong_part = Form::new().part("manifest", Part::bytes(b"[]".to_vec()).file_name("m.json"));
    let answer = lab.form("/v1.2/tasks/transfers", wrong_part).await;
    assert_eq!(answer.refusal(), (400, "parameter_not_provided".into()));
    assert_eq!(answer.json()["message"], "The file parameter is required.");
    assert_eq!(
        lab.form("/tasks/transfers", form("not json")).await.refusal(),
        (400, "parameter_invalid".into())
    );
    assert_eq!(lab.get("/transfers").await.json()["page_info"]["total_results"], 0, "nothing of them stays");
    assert_eq!(lab.get("/tasks").await.json()["page_info"]["total_results"], 0);
}

#[tokio::test]
async fn a_connection_that_is_cut_in_the_middle_of_a_manifest_leaves_nothing() {
    let lab = Lab::start().await;
    let (_, index) = connected(&lab, &["a.mp4"]).await;
    let entry = json!({ "index_id": index, "language": "en", "object": "folder://films/a.mp4" }).to_string();
    let host = lab.url.trim_start_matches("http://");
    let part = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"m\"\r\n\r\n[";
    let request = format!(
        "POST /tasks/transfers HTTP/1.1\r\nHost: {host}\r\nx-api-key: {}\r\nContent-Type: multipart/form-data; \
         boundary=b\r\nContent-Length: 100000\r\n\r\n{part}{entry},",
        lab.key
    );
    let mut stream = tokio::net::TcpStream::connect(host).await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut stream, request.as_bytes()).await.unwrap();
    drop(stream);
    // An answer to another request after it: the server is well, and has nothing of the first.
    for _ in 0..50 {
        assert_eq!(lab.get("/transfers").await.json()["page_info"]["total_results"], 0);
        assert_eq!(lab.get("/tasks").await.json()["page_info"]["total_results"], 0);
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

/// An accepted transfer of these files of a connected folder, and the ids of its tasks.
async fn transferred(lab: &Lab, files: &[&str]) -> (String, Vec<String>) {
    let (_, index) = connected(lab, files).await;
    let entry = |name: &&str| json!({ "index_id": index, "language": "en", "object": format!("folder://films/{name}") });
    let manifest = Value::Array(files.iter().map(entry).collect()).to_string();
    let accepted = lab.form("/tasks/transfers", form(manifest)).await.json();
    let tasks = accepted["tasks"].as_array().unwrap().iter();
    let tasks = tasks.map(|task| task["_id"].as_str().unwrap().to_owned()).collect();
    (accepted["transfer_id"].as_str().unwrap().to_owned(), tasks)
}

#[tokio::test]
async fn a_transfer_is_paused_and_resumed_and_what_waits_says_so() {
    let lab = Lab::start().await;
    let (id, tasks) = transferred(&lab, &["a.mp4", "b.mp4"]).await;
    let path = format!("/transfers/{id}");
    lab.tick();
    for again in [false, true] {
        let paused = lab.post(&format!("{path}/pause"), json!({})).await;
        assert_eq!(paused.status, 200, "{}", paused.text);
        assert_eq!(paused.json()["paused_at"], "2024-03-01T09:00:01.000Z", "{again}");
        assert_eq!(paused.json(), lab.get(&path).await.json(), "the answer is the transfer");
        lab.tick();
    }
    assert_eq!(lab.get("/transfers").await.json()["data"][0]["paused_at"], "2024-03-01T09:00:01.000Z");
    let task = lab.get(&format!("/tasks/{}", tasks[0])).await.json();
    assert_eq!(
        (&task["status"], &task["waiting_for"]),
        (&json!("validating"), &json!("The transfer is paused."))
    );
    let lease = std::time::Duration::from_secs(60);
    assert_eq!(lab.app.store.claim_next(lab.app.clock.now(), lease).await.unwrap(), None);
    for _ in 0..2 {
        let resumed = lab.post(&format!("{path}/resume"), json!({})).await;
        assert_eq!((resumed.status, &resumed.json()["paused_at"]), (200, &Value::Null), "{}", resumed.text);
    }
    assert!(lab.app.store.claim_next(lab.app.clock.now(), lease).await.unwrap().is_some());

    lab.post(&format!("{path}/pause"), json!({})).await;
    assert_eq!(lab.post(&format!("{path}/cancel"), json!({})).await.json(), json!({ "cancelled": 2 }));
    for what in ["pause", "resume"] {
        let refused = lab.post(&format!("{path}/{what}"), json!({})).await;
        assert_eq!(refused.refusal(), (409, "transfer_finished".into()));
        let told = refused.json();
        assert!(told["remedy"].as_str().unwrap().contains("/retry"), "{told}");
        assert_eq!(told["value"], "cancelled");
        let unknown = lab.post(&format!("/transfers/65f0c1d2e3a4b5c6d7e8f901/{what}"), json!({})).await;
        assert_eq!(unknown.refusal(), (404, "resource_not_exists".into()));
    }
    assert_eq!(lab.get(&path).await.json()["counts"]["failed"], 2);
}
