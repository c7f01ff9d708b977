//! What operators and clients in trouble rely on: probes, metrics, request ids, answers to bodies that nobody wants.

use reqwest::Method;
use serde_json::json;

use super::lab::{Answer, Lab};

#[tokio::test]
async fn probes_and_metrics_need_no_key() {
    let lab = Lab::start().await;
    lab.get("/v1.2/indexes").await;
    lab.get("/v1.2/indexes/000000000000000000000000").await;
    let ask = async |path: &str| {
        Answer::of(lab.client.get(format!("{}{path}", lab.url)).send().await.unwrap()).await
    };
    let alive = ask("/healthz").await;
    assert_eq!((alive.status, alive.text.as_str()), (200, "ok"));
    let ready = ask("/readyz").await;
    assert_eq!((ready.status, ready.json()["ready"].clone()), (200, json!(true)));
    assert_eq!(ready.json()["media_sandbox"], json!(lab.app.media.sandbox_status().to_string()));
    let metrics = ask("/metrics").await.text;
    for line in [
        "telecine_http_requests_total{route=\"/indexes\",method=\"GET\",status=\"200\"} 1",
        "telecine_http_requests_total{route=\"/indexes/{index_id}\",method=\"GET\",status=\"404\"} 1",
        "telecine_http_request_duration_seconds_count{route=\"/indexes\",method=\"GET\"} 1",
    ] {
        assert!(metrics.contains(line), "{line} in\n{metrics}");
    }
    lab.app.stopping.cancel();
    let stopping = ask("/readyz").await;
    assert_eq!((stopping.status, stopping.json()["stopping"].clone()), (503, json!(true)));
    assert_eq!(ask("/healthz").await.status, 200);
}

#[tokio::test]
async fn every_answer_has_a_request_id_and_a_version() {
    let lab = Lab::start().await;
    for (path, version) in [("/v1.1/indexes", "1.1"), ("/v1.2/nowhere", "1.2"), ("/indexes", "1.3")] {
        let answer = lab.get(path).await;
        assert_eq!(answer.headers["x-api-version"], version);
        assert_eq!(answer.headers["x-request-id"].len(), 36);
    }
    for (given, is_kept) in [("trace-1/2", true), ("a b", false), ("", false), (&"x".repeat(200), false)] {
        let request = lab.request(Method::GET, "/indexes").header("x-request-id", given);
        let answer = Answer::of(request.send().await.unwrap()).await;
        assert_eq!(answer.headers["x-request-id"] == given, is_kept, "{given}");
    }
}

#[tokio::test]
async fn a_client_that_sends_before_it_listens_hears_why_it_was_refused() {
    let lab = Lab::start().await;
    let host = lab.url.trim_start_matches("http://");
    let body = vec![b'x'; 16 << 20];
    for (key, status) in
        [("wrong", "HTTP/1.1 401 Unauthorized"), (lab.key.as_str(), "HTTP/1.1 404 Not Found")]
    {
        let head = format!(
            "POST /v1.2/nowhere{} HTTP/1.1\r\nHost: {host}\r\nx-api-key: {key}\r\nContent-Length: {}\r\nConnection: \
             close\r\n\r\n",
            if key == "wrong" { "/../tasks" } else { "" },
            body.len()
        );
        let head = head.replace("/nowhere/../tasks", "/tasks");
        let (line, answer) = lab.raw(&[head.as_bytes(), &body].concat()).await;
        assert_eq!(line, status, "{answer}");
        assert!(answer.contains("request_id"), "{answer}");
    }
}
