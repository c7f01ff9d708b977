//! Traces as a collector gets them; and a collector that fails, of which work takes no notice.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use serde_json::json;
use tokio::net::TcpListener;

use super::bucket::{BUCKET, Bucket};
use super::installation::{Installation, Server};
use crate::pipeline::media::silent;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

type Spans = Arc<Mutex<Vec<(String, Span)>>>;

/// A collector: its address, and the spans that it got, each with the name of its service.
async fn collector() -> (String, Spans) {
    let spans = Spans::default();
    let take = async |State(spans): State<Spans>, body: Bytes| {
        let request = ExportTraceServiceRequest::decode(body).expect("OTLP");
        for resource in request.resource_spans {
            let service = attribute(&resource.resource.expect("a resource").attributes, "service.name");
            let all = resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
            spans.lock().unwrap().extend(all.map(|span| (service.clone(), span)));
        }
    };
    let router = axum::Router::new().route("/v1/traces", post(take)).with_state(Arc::clone(&spans));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let never = tokio_util::sync::CancellationToken::new();
        telecine::http::serve(listener, router, never).await.unwrap();
    });
    (url, spans)
}

fn attribute(all: &[opentelemetry_proto::tonic::common::v1::KeyValue], key: &str) -> String {
    let found = all.iter().find(|one| one.key == key).and_then(|one| one.value.as_ref()?.value.as_ref());
    match found {
        Some(Any::StringValue(text)) => text.clone(),
        Some(Any::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A server with one video in its bucket, and its index.
async fn furnished(folder: &std::path::Path, endpoint: &str) -> (Installation, Server, Vec<u8>) {
    let bucket = Bucket::empty(&folder.join("films"));
    silent(&bucket.path("0.mp4"), "640x360", 5);
    let installation = Installation::new(&folder.join("home"), &bucket.path(""));
    installation.set("telemetry", "otlp_endpoint", format!("\"{endpoint}\""));
    let server = installation.start().await;
    let indexes = server.furnish(&bucket).await;
    let entry = json!({ "index_id": indexes.seen, "object": format!("folder://{BUCKET}/0.mp4") });
    (installation, server, serde_json::to_vec(&[entry]).unwrap())
}

async fn until_ready(server: &Server, installation: &Installation, transfer: &str) {
    let began = Instant::now();
    while server.transfer(transfer).await["is_finished"] != true {
        assert!(began.elapsed() < Duration::from_secs(120), "{}", installation.log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(server.transfer(transfer).await["counts"]["ready"], 1);
}

#[tokio::test]
async fn requests_and_tasks_are_traced_and_a_clients_trace_goes_on() {
    let (url, spans) = collector().await;
    let folder = tempfile::tempdir().unwrap();
    let (installation, server, manifest) = furnished(folder.path(), &url).await;
    let transfer = server.submit(manifest).await.unwrap();
    until_ready(&server, &installation, &transfer).await;
    server.traced(&format!("/transfers/{transfer}"), &format!("00-{TRACE}-{PARENT}-01")).await;
    let task = server.report(&transfer).await[0]["_id"].as_str().unwrap().to_owned();
    // The last ones are sent when it stops.
    server.stop().await;

    let spans = spans.lock().unwrap();
    assert!(spans.iter().all(|(service, _)| service == "telecine"));
    let named =
        |name: &str| spans.iter().map(|(_, span)| span).filter(|span| span.name == name).collect::<Vec<_>>();
    let names = || spans.iter().map(|(_, span)| span.name.as_str()).collect::<Vec<_>>();
    let requests = named("GET /transfers/{transfer_id}");
    let of_client =
        requests.iter().find(|span| hex(&span.trace_id) == TRACE).unwrap_or_else(|| panic!("{:?}", names()));
    assert_eq!(hex(&of_client.parent_span_id), PARENT);
    assert_eq!(of_client.kind, 2, "a server's span");
    assert_eq!(attribute(&of_client.attributes, "http.response.status_code"), "200");
    assert_eq!(attribute(&of_client.attributes, "http.route"), "/transfers/{transfer_id}");
    let of_task = named("task").into_iter().find(|span| attribute(&span.attributes, "task") == task);
    let of_task = of_task.unwrap_or_else(|| panic!("{task} in {:?}", names()));
    assert_eq!(attribute(&of_task.attributes, "transfer"), transfer);
    for stage in ["fetch", "validate", "index", "publish"] {
        let stages = named(stage);
        let stage = stages.iter().find(|span| span.parent_span_id == of_task.span_id);
        let stage = stage.unwrap_or_else(|| panic!("{stages:?} of {of_task:?}"));
        assert_eq!(stage.trace_id, of_task.trace_id);
        assert!(stage.start_time_unix_nano >= of_task.start_time_unix_nano);
    }
}

#[tokio::test]
async fn a_collector_that_never_answers_keeps_nobody_waiting() {
    // Connections are taken, and nothing is ever read or said.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let bucket = Bucket::empty(&folder.path().join("films"));
    let installation = Installation::new(&folder.path().join("home"), &bucket.path(""));
    installation.set(
        "telemetry",
        "otlp_endpoint",
        format!("\"{url}\"\nqueue_spans = 16\nexport_timeout_s = 2"),
    );
    let server = installation.start().await;
    let began = Instant::now();
    for _ in 0..300 {
        server.get("/indexes").await;
    }
    println!("300 requests in {:?}", began.elapsed());
    assert!(began.elapsed() < Duration::from_secs(20));
    tokio::time::sleep(Duration::from_secs(5)).await;
    let told = server.fetch("/metrics").await;
    let failed =
        told.lines().find_map(|line| line.strip_prefix("telecine_trace_exports_total{outcome=\"failed\"} "));
    assert!(failed.is_some_and(|count| count.parse::<u64>().unwrap() >= 1), "{told}");
    let began = Instant::now();
    server.stop().await;
    assert!(began.elapsed() < Duration::from_secs(15), "nor when it stops: {:?}", began.elapsed());
}
