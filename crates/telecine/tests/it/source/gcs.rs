//! Google Cloud Storage: the suite against fake-gcs-server, and what it does not do, against prepared answers.

use std::sync::Arc;

use async_trait::async_trait;
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use telecine::integration::{GcsAccess, GcsCredentials};
use telecine::source::{GcsSource, Retry, RetryPolicy, Source, SourceError, SourceErrorKind, Web};
use telecine::vault::Secret;

use super::conformance::{self, Bed};
use super::http::guard;
use crate::support::servers::Servers;
use crate::support::stub::{Reply, Stub};

fn access(endpoint: &str, credentials: GcsCredentials) -> GcsAccess {
    GcsAccess { credentials, endpoint: Some(endpoint.to_owned()), user_project: None }
}

fn web(endpoint: &str) -> Web {
    Web::new(guard(&[endpoint])).expect("TLS is there")
}

fn anonymous(endpoint: &str) -> GcsSource {
    let access = access(endpoint, GcsCredentials::Anonymous);
    GcsSource::new("films", &access, None, web(endpoint)).expect("a source")
}

pub(super) struct Bucket {
    pub(super) endpoint: String,
    web: reqwest::Client,
}

impl Bucket {
    pub(super) async fn create(servers: &Servers) -> Self {
        let bucket = Self { endpoint: servers.fact("fake-gcs", "endpoint"), web: reqwest::Client::new() };
        let made = bucket.web.post(format!("{}/storage/v1/b?project=test", bucket.endpoint));
        let made = made.json(&json!({"name": "films"})).send().await.expect("an answer");
        assert!(made.status().is_success(), "{}", made.status());
        bucket
    }
}

fn encoded(key: &str) -> String {
    utf8_percent_encode(key, NON_ALPHANUMERIC).to_string()
}

#[async_trait]
impl Bed for Bucket {
    async fn put(&self, key: &str, bytes: Vec<u8>) {
        let url =
            format!("{}/upload/storage/v1/b/films/o?uploadType=media&name={}", self.endpoint, encoded(key));
        let put = self.web.post(url).body(bytes).send().await.expect("an answer");
        assert!(put.status().is_success(), "put {key:?}: {}", put.status());
    }

    async fn delete(&self, key: &str) {
        let url = format!("{}/storage/v1/b/films/o/{}", self.endpoint, encoded(key));
        let gone = self.web.delete(url).send().await.expect("an answer");
        assert!(gone.status().is_success(), "delete {key:?}: {}", gone.status());
    }

    async fn source(&self, key: &str) -> Result<(Arc<dyn Source>, String), SourceError> {
        let source = anonymous(&self.endpoint);
        Ok((Arc::new(Retry::new(source, RetryPolicy::default())), key.to_owned()))
    }

    async fn stranger(&self) -> Option<Arc<dyn Source>> {
        // It lets everybody in.
        None
    }
}

#[tokio::test]
async fn fake_gcs_server_conforms() {
    let servers = Servers::start(&["fake-gcs"]);
    let bucket = Bucket::create(&servers).await;
    conformance::conforms(&bucket).await;
    let (source, _) = bucket.source("").await.expect("the source");
    let gone = source.list("", None, 1).await.expect("a page");
    assert!(gone.objects[0].etag.parse::<u64>().is_ok(), "generations tell versions apart");

    let web = web(&bucket.endpoint);
    let access = access(&bucket.endpoint, GcsCredentials::Anonymous);
    let nowhere = GcsSource::new("no-such-bucket", &access, None, web).expect("a source");
    let error = nowhere.list("", None, 1).await.expect_err("there is none");
    assert_eq!(error.kind, SourceErrorKind::NotFound, "{error}");
}

/// A key file of a service account that nobody has.
fn key_file() -> String {
    let pair = KeyPair::generate(KeySize::Rsa2048).expect("a key");
    let der: Pkcs8V1Der<'_> = pair.as_der().expect("its encoding");
    let text = aws_smithy_types::base64::encode(der.as_ref());
    let lines: Vec<String> =
        text.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line).into_owned()).collect();
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"));
    let email = "reader@project.iam.gserviceaccount.com";
    let file =
        json!({"type": "service_account", "private_key": pem, "private_key_id": "1", "client_email": email});
    file.to_string()
}

fn service_account() -> GcsCredentials {
    GcsCredentials::ServiceAccount { client_email: "reader@project.iam.gserviceaccount.com".to_owned() }
}

#[tokio::test]
async fn a_service_account_signs_and_a_paying_project_is_named() {
    let stub = Stub::start(|_, _| Reply::new("200 OK", &[], r#"{"kind":"storage#objects"}"#)).await;
    let access =
        GcsAccess { user_project: Some("pays & all".to_owned()), ..access(&stub.url(), service_account()) };
    let secret = Secret::new(key_file());
    let source = GcsSource::new("films", &access, Some(&secret), web(&stub.url())).expect("a source");
    let page = source.list("a/b c", None, 7).await.expect("an empty page");
    assert!(page.objects.is_empty() && page.next.is_none());
    let asked = stub.asked().remove(0);
    let line = asked.head.lines().next().unwrap_or_default();
    assert!(line.starts_with("GET /storage/v1/b/films/o?prefix=a%2Fb%20c&maxResults=7&"), "{line}");
    assert!(line.contains("&userProject=pays%20%26%20all "), "{line}");
    let token =
        asked.header("authorization").and_then(|value| value.strip_prefix("Bearer ")).expect("a token");
    let parts: Vec<&str> = token.split('.').collect();
    assert_eq!(parts.len(), 3, "a token that is signed");
    let mut payload = parts[1].replace('-', "+").replace('_', "/");
    payload.push_str(&"=".repeat((4 - payload.len() % 4) % 4));
    let claims: Value =
        serde_json::from_slice(&aws_smithy_types::base64::decode(payload).expect("Base64")).expect("claims");
    assert_eq!(claims["iss"], "reader@project.iam.gserviceaccount.com");
    assert!(!format!("{source:?}").contains("PRIVATE"), "nothing of the key is printed");
}

#[tokio::test]
async fn another_generation_is_noticed_though_the_store_ignores_the_condition() {
    let stub = Stub::start(|_, _| {
        let headers = [("content-range", "bytes 0-0/4"), ("x-goog-generation", "2")];
        Reply::new("206 Partial Content", &headers, "f")
    })
    .await;
    let source = anonymous(&stub.url());
    let error = source.read("film.mp4", Some("1"), 0..1).await.map(drop).expect_err("it changed");
    assert_eq!(error.kind, SourceErrorKind::Changed, "{error}");
    let line = stub.asked()[0].head.lines().next().unwrap_or_default().to_owned();
    assert_eq!(line, "GET /storage/v1/b/films/o/film.mp4?alt=media&ifGenerationMatch=1 HTTP/1.1");
    source.read("film.mp4", Some("2"), 0..1).await.map(drop).expect("this one is there");
}

#[tokio::test]
async fn refusals_keep_the_stores_own_words() {
    let denied = r#"{"error":{"code":403,"message":"reader@x does not have storage.objects.list access.",
        "errors":[{"reason":"forbidden","domain":"global"}]}}"#;
    let pays = r#"{"error":{"code":400,"message":"Bucket is a requester pays bucket but no user project provided.",
        "errors":[{"reason":"required"}]}}"#;
    use SourceErrorKind::*;
    for (status, body, kind, words) in [
        (
            "403 Forbidden",
            denied,
            Denied,
            "403 forbidden: reader@x does not have storage.objects.list access.",
        ),
        ("400 Bad Request", pays, Denied, "400 required: Bucket is a requester pays bucket"),
        ("401 Unauthorized", "Invalid Credentials", Credentials, "401: Invalid Credentials"),
        ("503 Service Unavailable", "", Unavailable, "503"),
        ("302 Found", "", Unsupported, "302"),
        ("200 OK", "<html>", Unavailable, "a broken answer"),
        ("200 OK", r#"{"items":[{"name":"a"}"#, Unavailable, "a broken answer"),
    ] {
        let stub = Stub::start(move |_, _| Reply::new(status, &[], body)).await;
        let error = anonymous(&stub.url()).list("", None, 1).await.expect_err(status);
        assert_eq!(error.kind, kind, "{status}: {error}");
        assert!(error.detail.starts_with(words), "{error}");
        assert_eq!(stub.asked().len(), 1, "one request for one call");
    }
}

#[tokio::test]
async fn a_redirect_takes_no_token_anywhere() {
    let elsewhere = Stub::start(|_, _| Reply::new("200 OK", &[], "{}")).await;
    let to = elsewhere.url();
    let stub = Stub::start(move |_, _| Reply::new("307 Elsewhere", &[("location", &to)], "")).await;
    let secret = Secret::new(key_file());
    let web = Web::new(guard(&[&stub.url(), &elsewhere.url()])).expect("TLS is there");
    let source = GcsSource::new("films", &access(&stub.url(), service_account()), Some(&secret), web);
    let error = source.expect("a source").head("film.mp4").await.expect_err("it is not followed");
    assert_eq!(error.kind, SourceErrorKind::Unsupported, "{error}");
    assert!(elsewhere.asked().is_empty());
}

#[test]
fn what_cannot_be_a_bucket_of_google_is_refused_before_anything_is_asked() {
    use SourceErrorKind::{Credentials, Denied, Unsupported};
    let open = |endpoint: Option<&str>, credentials, secret: Option<&str>| {
        let access = GcsAccess { credentials, endpoint: endpoint.map(str::to_owned), user_project: None };
        let web = Web::new(guard(&["127.0.0.1:4443"])).expect("TLS is there");
        let secret = secret.map(Secret::new);
        let error = GcsSource::new("films", &access, secret.as_ref(), web).map(drop).err();
        if let Some(error) = &error {
            assert!(!error.to_string().contains("SECRET"), "{error}");
        }
        error.map(|error| error.kind)
    };
    let anonymous = GcsCredentials::Anonymous;
    assert_eq!(open(None, anonymous.clone(), None), None);
    assert_eq!(open(Some("http://127.0.0.1:4443"), anonymous.clone(), None), None);
    assert_eq!(open(Some("http://127.0.0.1:4444"), anonymous.clone(), None), Some(Unsupported));
    assert_eq!(open(Some("https://127.0.0.1:4444"), anonymous.clone(), None), Some(Denied));
    assert_eq!(open(Some("https://films.example/path"), anonymous, None), Some(Unsupported));
    // A server's own token must not be had by naming an endpoint.
    assert_eq!(open(Some("https://films.example"), GcsCredentials::Instance, None), Some(Denied));
    assert_eq!(open(Some("http://127.0.0.1:4443"), GcsCredentials::Instance, None), Some(Denied));
    assert_eq!(open(None, service_account(), None), Some(Credentials));
    for file in ["SECRET", "\"SECRET\"", "{\"private_key\": \"SECRET\"}", "{}"] {
        assert_eq!(open(None, service_account(), Some(file)), Some(Credentials), "{file}");
    }
    let file = key_file().replace("PRIVATE KEY", "SECRET KEY");
    assert_eq!(open(None, service_account(), Some(&file)), Some(Credentials));
    assert_eq!(open(None, service_account(), Some(&key_file())), None);
}
