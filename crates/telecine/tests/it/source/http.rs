//! Direct links: what applies of the suite, and servers with manners of their own.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Response};
use axum::routing::get;
use telecine::config::UrlConfig;
use telecine::source::http::Links;
use telecine::source::{Guard, RetryPolicy, Source, SourceError, SourceErrorKind};

use super::conformance::{self, Bed};
use crate::support::stub::{Reply, Stub};

pub(super) fn links(allowed: &[&str]) -> Links {
    guarded(guard(allowed))
}

pub(super) fn guard(allowed: &[&str]) -> Guard {
    let allow_private_hosts =
        allowed.iter().map(|url| url.trim_start_matches("http://").to_owned()).collect();
    Guard::new(&UrlConfig { allow_private_hosts })
}

pub(super) fn guarded(guard: Guard) -> Links {
    let hasty = RetryPolicy {
        attempts: 2,
        base: Duration::from_millis(1),
        longest: Duration::from_millis(5),
        ..RetryPolicy::default()
    };
    Links::guarded(guard).expect("TLS is there").retry(hasty)
}

pub(super) type Files = Arc<Mutex<HashMap<String, Vec<u8>>>>;

/// A web server with ranges, ETags and times.
pub(super) struct Web {
    pub(super) files: Files,
    pub(super) url: String,
}

impl Web {
    pub(super) async fn start() -> Self {
        let files = Files::default();
        let router = Router::new().route("/{*key}", get(serve)).with_state(files.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { files, url }
    }
}

async fn serve(State(files): State<Files>, Path(key): Path<String>, headers: HeaderMap) -> Response<Body> {
    let answer = |status: u16| {
        Response::builder().status(status).header("last-modified", "Fri, 01 Mar 2024 09:15:02 GMT")
    };
    let Some(file) = files.lock().expect("no panic holds it").get(&key).cloned() else {
        return answer(404).body(Body::empty()).expect("a response");
    };
    let etag = format!("\"{}\"", blake3::hash(&file).to_hex());
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if header("if-match").is_some_and(|wanted| wanted != etag) {
        return answer(412).body(Body::empty()).expect("a response");
    }
    let range = header("range").and_then(|range| {
        let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
        Some((first.parse::<usize>().ok()?, last.parse::<usize>().ok()?))
    });
    let Some((first, last)) = range else {
        return answer(200).header("etag", etag).body(file.into()).expect("a response");
    };
    if first >= file.len() {
        return answer(416).body(Body::empty()).expect("a response");
    }
    let last = last.min(file.len() - 1);
    let told = format!("bytes {first}-{last}/{}", file.len());
    let part = file[first..=last].to_vec();
    answer(206).header("etag", etag).header("content-range", told).body(part.into()).expect("a response")
}

#[async_trait]
impl Bed for Web {
    async fn put(&self, key: &str, bytes: Vec<u8>) {
        self.files.lock().expect("no panic holds it").insert(key.to_owned(), bytes);
    }

    async fn delete(&self, key: &str) {
        self.files.lock().expect("no panic holds it").remove(key);
    }

    async fn source(&self, key: &str) -> Result<(Arc<dyn Source>, String), SourceError> {
        Ok((links(&[&self.url]).open(&format!("{}/{key}", self.url)).await?, String::new()))
    }

    async fn stranger(&self) -> Option<Arc<dyn Source>> {
        None
    }
}

#[tokio::test]
async fn a_link_conforms_as_far_as_there_are_no_keys() {
    let web = Web::start().await;
    conformance::reads_ranges(&web).await;
    conformance::tells_versions_apart(&web).await;
    conformance::says_what_is_wrong(&web).await;
    let (source, _) = web.source("ranges.mp4").await.expect("a source");
    let listed = conformance::list_all(&*source, "", 10).await;
    assert_eq!(listed.len(), 1, "one link, one object");
    let other = source.head("another key").await.map_err(|error| error.kind);
    assert_eq!(other, Err(SourceErrorKind::NotFound));
}

#[tokio::test]
async fn a_server_without_ranges_gives_its_file_whole() {
    let stub = Stub::start(|_, _| {
        Reply::new("200 OK", &[("last-modified", "Fri, 01 Mar 2024 09:15:02 GMT")], "film")
    })
    .await;
    let source = links(&[&stub.url()]).open(&format!("{}/film.mp4?a=b", stub.url())).await.expect("a source");
    assert!(!source.has_ranges());
    let info = source.head("").await.expect("a head");
    assert_eq!(info.size_bytes, 4);
    assert_eq!(info.modified_at, Some("2024-03-01T09:15:02Z".parse().expect("a time")));
    assert_eq!(conformance::read(&*source, "", &info).await.expect("the file"), b"film");
    let middle = source.read("", Some(&info.etag), 1..2).await.map(drop).map_err(|error| error.kind);
    assert_eq!(middle, Err(SourceErrorKind::Unsupported));
    let asked = stub.asked();
    assert!(asked[0].head.starts_with("GET /film.mp4?a=b HTTP/1.1"), "{}", asked[0].head);
    assert_eq!(asked[0].header("accept-encoding"), Some("identity"));
}

#[tokio::test]
async fn another_version_is_noticed_by_whatever_the_server_tells() {
    for header in ["etag: \"v%\"", "etag: W/\"v%\"", "last-modified: Fri, 0% Mar 2024 09:15:02 GMT"] {
        let (name, value) = header.split_once(": ").expect("a header");
        let stub = Stub::start(move |before, _| {
            // Two answers of the first version (to open, to head), then of the second.
            let version = value.replace('%', if before < 2 { "1" } else { "2" });
            let headers = [(name, version.as_str()), ("content-range", "bytes 0-0/9")];
            Reply::new("206 Partial Content", &headers, "x")
        });
        let stub = stub.await;
        let source = links(&[&stub.url()]).open(&stub.url()).await.expect("a source");
        let info = source.head("").await.expect("a head");
        assert!(!info.etag.is_empty());
        let error = source.read("", Some(&info.etag), 0..1).await.map(drop).expect_err("it changed");
        assert_eq!(error.kind, SourceErrorKind::Changed, "{header}: {error}");
    }
}

#[tokio::test]
async fn what_a_server_answers_is_taken_for_what_it_is() {
    use SourceErrorKind::*;
    let table = [
        (Reply::new("401 Unauthorized", &[], ""), Denied, 1),
        (Reply::new("403 Forbidden", &[], ""), Denied, 1),
        (Reply::new("404 Not Found", &[], ""), NotFound, 1),
        (Reply::new("410 Gone", &[], ""), NotFound, 1),
        (Reply::new("429 Too Many Requests", &[], ""), Throttled, 2),
        (Reply::new("500 Internal Server Error", &[], ""), Unavailable, 2),
        (Reply::new("503 Service Unavailable", &[], ""), Unavailable, 2),
        (Reply::new("418 I'm a teapot", &[], ""), Unsupported, 1),
        (Reply::new("302 Found", &[], ""), Unsupported, 1),
        (Reply::new("304 Not Modified", &[], ""), Unsupported, 1),
        (Reply::raw(""), Unavailable, 2),
        (Reply::raw("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nno length"), Unsupported, 1),
    ];
    for (number, (reply, kind, requests)) in table.into_iter().enumerate() {
        let stub = Stub::start(move |_, _| reply.clone()).await;
        let error = links(&[&stub.url()]).open(&stub.url()).await.expect_err("it is no file");
        assert_eq!((error.kind, stub.asked().len()), (kind, requests), "{number}: {error}");
    }
}

#[tokio::test]
async fn small_files_are_fetched_whole_within_a_limit() {
    let stub = Stub::start(|_, _| Reply::raw("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nWEBVTT")).await;
    let links = links(&[&stub.url()]);
    assert_eq!(links.fetch(&stub.url(), 6).await.expect("captions"), "WEBVTT");
    let error = links.fetch(&stub.url(), 5).await.expect_err("they are too long");
    assert_eq!(error.kind, SourceErrorKind::Unsupported, "{error}");
    let cut = Stub::start(|_, _| Reply::cut("200 OK", &[], b"WEB", 6)).await;
    let error = self::links(&[&cut.url()]).fetch(&cut.url(), 100).await.expect_err("they are cut");
    assert_eq!((error.kind, cut.asked().len()), (SourceErrorKind::Unavailable, 2), "{error}");
}

#[tokio::test]
async fn redirects_are_followed_a_few_times_and_each_is_checked() {
    let file = |n: &str| {
        Reply::new("206 Partial Content", &[("content-range", "bytes 0-0/4"), ("etag", "\"1\"")], n)
    };
    let hops = Stub::start(move |_, asked| {
        let left: u32 = asked
            .head
            .trim_start_matches("GET /")
            .split([' ', '?'])
            .next()
            .and_then(|n| n.parse().ok())
            .unwrap_or(0);
        match left {
            0 => file("x"),
            _ => Reply::new("307 Temporary Redirect", &[("location", &format!("/{}", left - 1))], ""),
        }
    });
    let hops = hops.await;
    let links = links(&[&hops.url()]);
    let source = links.open(&format!("{}/5", hops.url())).await.expect("five are followed");
    assert_eq!(hops.asked().len(), 6);
    assert_eq!(source.address(""), format!("{}/5", hops.url()), "the link stays what the user gave");
    let error = links.open(&format!("{}/6", hops.url())).await.expect_err("six are too many");
    assert_eq!(error.kind, SourceErrorKind::Unsupported, "{error}");
}
