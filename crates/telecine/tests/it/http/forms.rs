//! Forms byte by byte as SDKs send them, and broken ones.

use std::fs;

use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::json;

use super::lab::{Answer, Lab, id_of};
use telecine::ids::{IndexId, TaskId};
use telecine::transfer::{Task, TaskSource, Transcription};

const BOUNDARY: &str = "d41d8cd98f00b204e9800998ecf8427e";

/// A part: its headers after `form-data; `, then its content type, then its bytes.
type RawPart<'a> = (&'a str, Option<&'a str>, &'a [u8]);

fn body(parts: &[RawPart<'_>]) -> Vec<u8> {
    let mut body = Vec::new();
    for (disposition, content_type, bytes) in parts {
        body.extend_from_slice(
            format!("--{BOUNDARY}\r\nContent-Disposition: form-data; {disposition}\r\n").as_bytes(),
        );
        if let Some(content_type) = content_type {
            body.extend_from_slice(format!("Content-Type: {content_type}\r\n").as_bytes());
        }
        body.extend_from_slice(b"\r\n");
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    body
}

async fn post(lab: &Lab, path: &str, parts: &[RawPart<'_>]) -> Answer {
    let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
    let request = lab.request(Method::POST, path).header("content-type", content_type).body(body(parts));
    Answer::of(request.send().await.unwrap()).await
}

/// The task that an answer names, as it is stored.
async fn made(lab: &Lab, answer: &Answer) -> Task {
    assert_eq!(answer.status, 200, "{}", answer.text);
    let id: TaskId = id_of(&answer.json()["_id"]);
    lab.app.store.task(lab.workspace, id).await.unwrap().expect("a task of this id")
}

fn left_in_incoming(lab: &Lab) -> usize {
    fs::read_dir(lab.app.files.incoming()).unwrap().count()
}

#[tokio::test]
async fn a_link_that_is_sent_twice_once_as_if_it_were_a_file_is_a_link() {
    let lab = Lab::start().await;
    let index = lab.index("harbour").await.to_string();
    let url: &[u8] = b"https://films.test/pier.mp4?x=1";
    let octets = Some("application/octet-stream");
    let parts: [RawPart<'_>; 6] = [
        ("name=\"index_id\"", None, index.as_bytes()),
        ("name=\"language\"", None, b"en"),
        ("name=\"video_url\"", None, url),
        ("name=\"disable_video_stream\"", None, b"false"),
        ("name=\"video_url\"; filename=\"upload\"", octets, url),
        ("name=\"_\"; filename=\"upload\"", octets, b""),
    ];
    for version in ["v1.1", "v1.2", "v1.3"] {
        let answer = post(&lab, &format!("/{version}/tasks"), &parts).await;
        let task = made(&lab, &answer).await;
        assert_eq!(task.source, TaskSource::Url { url: String::from_utf8(url.to_vec()).unwrap() });
        assert_eq!(task.transcription, None);
        assert_eq!(answer.json().get("video_id").is_some(), version == "v1.3");
    }
    assert_eq!(left_in_incoming(&lab), 0);
}

#[tokio::test]
async fn a_file_is_on_disk_with_its_captions_when_the_answer_comes() {
    let lab = Lab::start().await;
    let index = lab.index("harbour").await.to_string();
    let film: Vec<u8> = (0..3_000_000_u32).map(|at| (at % 251) as u8).collect();
    let captions = b"1\n00:00:01,000 --> 00:00:02,000\nHello\n";
    let parts: [RawPart<'_>; 6] = [
        ("name=\"video_file\"; filename=\"C:\\films\\p\u{ef}er.mp4\"", Some("video/mp4"), &film),
        ("name=\"index_id\"", None, index.as_bytes()),
        ("name=\"dummy\"", None, b""),
        ("name=\"provide_transcription\"", None, b"true"),
        ("name=\"transcription_file\"; filename=\"file\"", Some("multipart/form-data"), captions),
        ("name=\"user_metadata\"", None, b"{\"category\": \"harbour\", \"n\": 5}"),
    ];
    let answer = post(&lab, "/v1.3/tasks", &parts).await;
    let task = made(&lab, &answer).await;
    assert_eq!(task.source.filename(), "p\u{ef}er.mp4");
    assert_eq!(task.transcription, Some(Transcription::Upload));
    assert_eq!(task.user_metadata, json!({ "category": "harbour", "n": 5 }).as_object().cloned());
    assert_eq!(fs::read(lab.app.files.upload(task.id)).unwrap(), film);
    assert_eq!(fs::read(lab.app.files.uploaded_transcription(task.id)).unwrap(), captions);
    assert_eq!(left_in_incoming(&lab), 0);
}

#[tokio::test]
async fn a_file_in_a_chunked_body_is_taken_at_whatever_places_it_is_cut() {
    let lab = Lab::start().await;
    let index = lab.index("harbour").await.to_string();
    let host = lab.url.trim_start_matches("http://");
    // Looks like the boundary again and again.
    let film = format!("\r\n--{}\r\n-", &BOUNDARY[..31]).repeat(40);
    let form = body(&[
        ("name=\"index_id\"", None, index.as_bytes()),
        ("name=\"video_file\"; filename=\"pier.mp4\"", Some("video/mp4"), film.as_bytes()),
    ]);
    for cut in [1, 7, 64, 1_000] {
        let head = format!(
            "POST /v1.2/tasks HTTP/1.1\r\nHost: {host}\r\nx-api-key: {}\r\nContent-Type: multipart/form-data; \
             boundary={BOUNDARY}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
            lab.key
        );
        let mut request = head.into_bytes();
        for chunk in form.chunks(cut) {
            request.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            request.extend_from_slice(chunk);
            request.extend_from_slice(b"\r\n");
        }
        request.extend_from_slice(b"0\r\n\r\n");
        let (status, answer) = lab.raw(&request).await;
        assert_eq!(status, "HTTP/1.1 200 OK", "{answer}");
        let id: TaskId = id_of(&serde_json::from_str::<serde_json::Value>(&answer).unwrap()["_id"]);
        assert_eq!(fs::read_to_string(lab.app.files.upload(id)).unwrap(), film, "cut into {cut} bytes");
    }
}

#[tokio::test]
async fn names_in_extended_form_and_forms_without_files_are_understood() {
    let lab = Lab::start().await;
    let index = lab.index("harbour").await;
    let id = index.to_string();
    let disposition = "name=\"video_file\"; filename*=utf-8''m%C3%BCller.mp4";
    let parts: [RawPart<'_>; 2] = [("name=\"index_id\"", None, id.as_bytes()), (disposition, None, b"film")];
    let task = made(&lab, &post(&lab, "/tasks", &parts).await).await;
    assert_eq!(task.source.filename(), "m\u{fc}ller.mp4");

    let fields = [("index_id", id.as_str()), ("video_url", "https://films.test/a.mp4")];
    let mut encoded = url::form_urlencoded::Serializer::new(String::new());
    let encoded = encoded.extend_pairs(fields).finish();
    let request = lab.request(Method::POST, "/tasks").body(encoded);
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let task = made(&lab, &Answer::of(request.send().await.unwrap()).await).await;
    assert_eq!(task.index, index);

    let body = json!({ "index_id": id, "video_url": "https://films.test/a.mp4", "transcription_url": null });
    made(&lab, &lab.post("/tasks", body).await).await;
}

#[tokio::test]
async fn what_makes_no_task_is_refused_and_leaves_nothing_behind() {
    let lab = Lab::start().await;
    let index = lab.index("harbour").await.to_string();
    let nowhere = IndexId::generate(telecine::time::Timestamp::from_millis(0)).to_string();
    let index_part: RawPart<'_> = ("name=\"index_id\"", None, index.as_bytes());
    let file: RawPart<'_> = ("name=\"video_file\"; filename=\"a.mp4\"", None, b"film");
    let url: RawPart<'_> = ("name=\"video_url\"", None, b"https://films.test/a.mp4");
    let table: [(&[RawPart<'_>], (u16, &str)); 10] = [
        (&[index_part], (400, "parameter_not_provided")),
        (&[file], (400, "parameter_not_provided")),
        (&[index_part, ("name=\"video_file\"", None, b"")], (400, "parameter_not_provided")),
        (&[("name=\"index_id\"", None, nowhere.as_bytes()), file], (404, "resource_not_exists")),
        (&[("name=\"index_id\"", None, b"harbour"), file], (400, "parameter_invalid")),
        (&[index_part, ("name=\"video_url\"", None, b"ftp://films.test/a.mp4")], (400, "parameter_invalid")),
        (&[index_part, url, ("name=\"video_url\"", None, b"https://b.test")], (400, "parameter_invalid")),
        (&[index_part, url, ("name=\"language\"", None, b"tlh")], (400, "parameter_invalid")),
        (&[index_part, url, ("name=\"user_metadata\"", None, b"{\"width\": 1}")], (400, "parameter_invalid")),
        (
            &[index_part, file, ("name=\"provide_transcription\"", None, b"true")],
            (400, "parameter_not_provided"),
        ),
    ];
    for (parts, expected) in table {
        let answer = post(&lab, "/v1.2/tasks", parts).await;
        assert_eq!(answer.refusal(), (expected.0, expected.1.to_owned()), "{}", answer.text);
    }
    let captions = vec![b'x'; (16 << 20) + 1];
    let large: RawPart<'_> = ("name=\"transcription_file\"; filename=\"a.srt\"", None, &captions);
    assert_eq!(
        post(&lab, "/tasks", &[index_part, file, large]).await.refusal(),
        (400, "transcription_invalid".into())
    );
    assert_eq!(lab.get("/tasks").await.json()["page_info"]["total_results"], 0);
    assert_eq!(left_in_incoming(&lab), 0);
}

#[tokio::test]
async fn a_form_that_breaks_off_or_never_begins_is_refused() {
    let lab = Lab::start().await;
    let index = lab.index("harbour").await.to_string();
    let whole = body(&[
        ("name=\"index_id\"", None, index.as_bytes()),
        ("name=\"video_file\"; filename=\"a.mp4\"", None, &[7; 5_000]),
    ]);
    let half = whole[..whole.len() - 1_000].to_vec();
    let no_part = vec![b'x'; 3 << 20];
    let endless_head =
        [format!("--{BOUNDARY}\r\nContent-Disposition: ").into_bytes(), vec![b'y'; 3 << 20]].concat();
    for (bytes, message) in [
        (half, "The multipart form is broken."),
        (Vec::new(), "The multipart form is broken."),
        (no_part, "The multipart form has no part where one should begin."),
        (endless_head, "The multipart form has no part where one should begin."),
    ] {
        let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
        let request = lab.request(Method::POST, "/tasks").header("content-type", content_type).body(bytes);
        let answer = Answer::of(request.send().await.unwrap()).await;
        assert_eq!(answer.refusal(), (400, "parameter_invalid".into()));
        assert_eq!(answer.json()["message"], message);
    }
    let no_boundary =
        lab.request(Method::POST, "/tasks").header("content-type", "multipart/form-data").body("x");
    let answer = Answer::of(no_boundary.send().await.unwrap()).await;
    assert_eq!(answer.json()["message"], "The header content-type names no boundary.");
    assert_eq!(left_in_incoming(&lab), 0);
}

#[tokio::test]
async fn a_file_that_is_announced_as_too_large_is_refused_before_it_is_sent() {
    let lab = Lab::start().await;
    let host = lab.url.trim_start_matches("http://");
    let head = format!(
        "POST /v1.2/tasks HTTP/1.1\r\nHost: {host}\r\nx-api-key: {}\r\nContent-Type: multipart/form-data; \
         boundary={BOUNDARY}\r\nContent-Length: 3221225472\r\nExpect: 100-continue\r\n\r\n",
        lab.key
    );
    let (status, answer) = lab.raw(head.as_bytes()).await;
    assert_eq!(status, "HTTP/1.1 400 Bad Request");
    assert!(answer.contains("video_filesize_too_large"), "{answer}");
}

#[tokio::test]
async fn an_upload_by_the_ordinary_client_streams_too() {
    let lab = Lab::start().await;
    let index = lab.index("harbour").await;
    let chunks = futures::stream::iter((0..64_u8).map(|at| Ok::<_, std::io::Error>(vec![at; 65_536])));
    let part = Part::stream(reqwest::Body::wrap_stream(chunks)).file_name("long.mp4");
    let form = Form::new().text("index_id", index.to_string()).part("video_file", part);
    let task = made(&lab, &lab.form("/v1.2/tasks", form).await).await;
    assert_eq!(fs::metadata(lab.app.files.upload(task.id)).unwrap().len(), 64 * 65_536);
}
