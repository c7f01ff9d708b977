//! Searching by a picture over HTTP: by file and by link, what is taken, and what is refused.

use std::process::Command;

use reqwest::multipart::{Form, Part};
use serde_json::json;

use super::lab::{Answer, Lab};
use crate::support::stub::{Reply, Stub};
use telecine::ids::IndexId;

/// A picture of this size, made by ffmpeg.
pub(crate) fn drawn(name: &str, size: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    let source = format!("testsrc2=s={size}");
    let mut command = Command::new("ffmpeg");
    let done =
        command.args(["-v", "error", "-nostdin", "-f", "lavfi", "-i", &source, "-frames:v", "1"]).arg(&path);
    assert!(done.status().expect("ffmpeg is installed").success());
    std::fs::read(path).unwrap()
}

fn form(index: IndexId, picture: Vec<u8>) -> Form {
    let part = Part::bytes(picture).file_name("a.png");
    let form = Form::new().text("index_id", index.to_string()).text("query_media_type", "image");
    form.text("search_options", "visual").text("threshold", "none").part("query_media_file", part)
}

fn told(answer: &Answer) -> (u16, String, String) {
    let (status, code) = answer.refusal();
    (status, code, answer.json()["message"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn a_picture_finds_what_looks_like_it_in_every_shape_of_the_route() {
    let lab = Lab::start().await;
    let index = lab.index("harbour").await;
    lab.video(index, "pier.mp4").await;
    // The stand-in for an engine sees no car in any picture, and there is none from the sixth second on.
    for path in ["/v1.2/search-v2", "/v1.2/search", "/v1.3/search", "/search"] {
        for name in ["a.png", "a.jpg"] {
            let answer = lab.form(path, form(index, drawn(name, "320x180"))).await;
            assert_eq!(answer.status, 200, "{path}: {}", answer.text);
            let first = &answer.json()["data"][0];
            assert_eq!(
                (&first["start"], &first["modules"][0]["type"]),
                (&json!(6.0), &json!("visual")),
                "{first}"
            );
            assert!(first["metadata"][0].get("text").is_none());
        }
    }
    let several = form(index, drawn("a.png", "320x180"))
        .part("query_media_file", Part::bytes(drawn("a.jpg", "64x64")).file_name("b.jpg"))
        .text("query_text", "no motor vehicles");
    let both = lab.form("/v1.3/search", several).await;
    assert_eq!(both.json()["data"][0]["start"], 6.0, "{}", both.text);
}

#[tokio::test]
async fn a_link_wins_over_a_file_and_private_hosts_are_refused() {
    let picture = drawn("a.png", "320x180");
    let stub = Stub::start(move |_, asked| {
        if asked.head.starts_with("GET /a.png") {
            Reply::new("200 OK", &[("content-type", "text/plain")], &picture)
        } else {
            Reply::new("404 Not Found", &[], "no")
        }
    })
    .await;
    let host = stub.url().trim_start_matches("http://").to_owned();
    let lab = Lab::with(|config| config.urls.allow_private_hosts = vec![host]).await;
    let index = lab.index("harbour").await;
    lab.video(index, "pier.mp4").await;
    let by_url = |url: String| {
        let part = Part::bytes(b"no picture".to_vec()).file_name("a.png");
        let form = Form::new().text("index_id", index.to_string()).text("query_media_type", "image");
        form.text("search_options", "visual").text("query_media_url", url).part("query_media_file", part)
    };
    let found = lab.form("/v1.3/search", by_url(format!("{}/a.png", stub.url()))).await;
    assert_eq!(found.json()["data"][0]["start"], 6.0, "{}", found.text);
    let gone = lab.form("/v1.3/search", by_url(format!("{}/b.png", stub.url()))).await;
    assert_eq!(gone.refusal(), (400, "image_url_not_accessible".into()), "{}", gone.text);
    for url in
        ["http://127.0.0.1:1/a.png", "http://[::1]/a.png", "http://169.254.169.254/a", "file:///etc/passwd"]
    {
        let refused = lab.form("/v1.3/search", by_url(url.to_owned())).await;
        assert_eq!(refused.refusal(), (400, "image_url_not_accessible".into()), "{url}: {}", refused.text);
    }
    let body = json!({ "index_id": index, "query_media_type": "image", "search_options": ["visual"],
        "query_media_url": format!("{}/a.png", stub.url()) });
    assert_eq!(lab.post("/v1.3/search", body).await.json()["data"][0]["start"], 6.0);
}

#[tokio::test]
async fn pictures_that_are_not_taken_are_refused_with_a_reason() {
    let lab = Lab::start().await;
    let index = lab.index("harbour").await;
    let table = [
        ("/v1.3/search", b"GIF89a, or something".to_vec(), "is none"),
        ("/v1.3/search", drawn("a.png", "63x200"), "too small"),
        ("/v1.2/search", vec![0xff; (5 << 20) + 1], "too large"),
        ("/v1.3/search", vec![0xff; (5 << 20) + 1], "is none"),
        ("/v1.3/search", drawn("a.png", "200x200")[..60].to_vec(), "is broken"),
    ];
    for (path, picture, what) in table {
        let (status, code, message) = told(&lab.form(path, form(index, picture)).await);
        assert_eq!((status, code.as_str()), (400, "parameter_invalid"), "{message}");
        assert!(message.contains(what) && message.contains("query_media_file"), "{message}");
    }
    let picture = drawn("a.png", "320x180");
    let twice = form(index, picture.clone())
        .part("query_media_file", Part::bytes(picture.clone()).file_name("b.png"));
    assert!(told(&lab.form("/v1.2/search", twice).await).2.contains("too many"));
    let spoken = form(index, picture.clone()).text("search_options", "audio");
    let (_, code, _) = told(&lab.form("/v1.3/search", spoken).await);
    assert_eq!(code, "search_option_combination_not_supported");
    let exact = form(index, picture).text("conversation_option", "exact_match");
    assert_eq!(told(&lab.form("/v1.2/search-v2", exact).await).1, "search_parameter_not_allowed");
}
