//! Endpoints that a user gives: what is taken for one, and where requests with credentials may go.

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use telecine::source::{Endpoint, EndpointPath, Guard, S3Source, Source, SourceErrorKind, guarded_client};

use super::http::guard;
use super::private::told;
use crate::support::stub::{Reply, Stub};

#[test]
fn endpoints_are_https_hosts_and_nothing_beside() {
    use EndpointPath::{OnePart, Refused};
    use SourceErrorKind::{Denied, Unsupported};
    let guard = guard(&["127.0.0.1:9000", "minio.internal"]);
    let parse = |text: &str, path| Endpoint::parse(text, path, &guard);
    for (given, path, taken) in [
        ("https://s3.films.example", Refused, "https://s3.films.example"),
        ("https://s3.films.example/", Refused, "https://s3.films.example"),
        (" https://S3.Films.Example:9000/ ", Refused, "https://s3.films.example:9000"),
        ("https://films.example/account", OnePart, "https://films.example/account"),
        ("https://films.example/account/", OnePart, "https://films.example/account"),
        ("https://films.example", OnePart, "https://films.example"),
        ("http://127.0.0.1:9000", Refused, "http://127.0.0.1:9000"),
        ("http://minio.internal", Refused, "http://minio.internal"),
        ("https://minio.internal:8443", Refused, "https://minio.internal:8443"),
        ("https://1.1.1.1", Refused, "https://1.1.1.1"),
    ] {
        let endpoint = parse(given, path).unwrap_or_else(|error| panic!("{given}: {error}"));
        assert_eq!(endpoint.as_str(), taken, "{given}");
    }
    for (given, kind) in [
        ("http://s3.films.example", Unsupported),
        ("ftp://s3.films.example", Unsupported),
        ("file:///etc", Unsupported),
        ("s3.films.example", Unsupported),
        ("s3.films.example:9000", Unsupported),
        ("", Unsupported),
        ("https://", Unsupported),
        ("https://key:secret@s3.films.example", Unsupported),
        ("https://key@s3.films.example", Unsupported),
        ("https://s3.films.example/?x=1", Unsupported),
        ("https://s3.films.example?", Unsupported),
        ("https://s3.films.example#x", Unsupported),
        ("https://s3.films.example/bucket", Unsupported),
        ("https://s3.films.example/..//x", Unsupported),
        ("http://127.0.0.1:9001", Unsupported),
        ("http://127.0.0.1", Unsupported),
        ("https://127.0.0.1:9001", Denied),
        ("https://127.1", Denied),
        ("https://2130706433", Denied),
        ("https://0x7f.1:9443", Denied),
        ("https://[::1]:9443", Denied),
        ("https://[::ffff:10.0.0.1]", Denied),
        ("https://10.0.0.1", Denied),
        ("https://169.254.169.254", Denied),
        ("https://[fd00:ec2::254]", Denied),
        ("https://s3.films.example:22", Denied),
        ("https://s3.films.example:0", Denied),
    ] {
        let refused = parse(given, Refused).map_err(|error| error.kind);
        assert_eq!(refused.err(), Some(kind), "{given}");
    }
    let two = parse("https://films.example/account/container", OnePart).map_err(|error| error.kind);
    assert_eq!(two.err(), Some(Unsupported));
    let long = format!("https://{}.example", "a".repeat(250));
    assert_eq!(parse(&long, Refused).map_err(|error| error.kind).err(), Some(Unsupported));
}

fn bucket(endpoint: &str, guard: &Guard) -> S3Source {
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(guarded_client(guard))
        .endpoint_url(endpoint)
        .region(Region::new("auto"))
        .credentials_provider(Credentials::new("key", "secret", None, None, "test"))
        .force_path_style(true)
        .retry_config(aws_sdk_s3::config::retry::RetryConfig::disabled())
        .build();
    S3Source::new(Client::from_conf(config), "films")
}

#[tokio::test]
async fn credentials_are_sent_nowhere_but_to_public_and_to_allowed_hosts() {
    let stub = Stub::start(|_, _| Reply::s3_error("404 Not Found", "NoSuchKey", "")).await;
    let port = stub.url().rsplit(':').next().expect("a port").to_owned();
    let names = || told(&[("private.example", &["127.0.0.1", "::1"]), ("allowed.example", &["127.0.0.1"])]);
    let closed = guard(&[]).lookup(names());
    // Whatever was checked before: as if somebody had slipped it in.
    for endpoint in [
        stub.url(),
        format!("http://127.1:{port}"),
        format!("http://2130706433:{port}"),
        format!("http://0.0.0.0:{port}"),
        format!("http://[::1]:{port}"),
        format!("http://[::ffff:127.0.0.1]:{port}"),
        format!("http://private.example:{port}"),
        format!("https://private.example:{port}"),
        "http://169.254.169.254".to_owned(),
        "http://10.0.0.1:9000".to_owned(),
    ] {
        let source = bucket(&endpoint, &closed);
        for outcome in [
            source.head("film.mp4").await.map(drop),
            source.list("", None, 1).await.map(drop),
            source.read("film.mp4", None, 0..1).await.map(drop),
        ] {
            assert_eq!(outcome.map_err(|error| error.kind), Err(SourceErrorKind::Denied), "{endpoint}");
        }
    }
    assert!(stub.asked().is_empty(), "nobody came where nobody may come");

    let opened = guard(&[&stub.url(), "allowed.example"]).lookup(names());
    for endpoint in [stub.url(), format!("http://allowed.example:{port}")] {
        let error = bucket(&endpoint, &opened).read("film.mp4", None, 0..1).await.map(drop);
        let error = error.expect_err("the store has no such key");
        assert_eq!(error.kind, SourceErrorKind::NotFound, "{endpoint}: {error}");
    }
    assert_eq!(stub.asked().len(), 2);
    let other = bucket(&format!("http://private.example:{port}"), &opened).head("film.mp4").await;
    assert_eq!(other.map_err(|error| error.kind), Err(SourceErrorKind::Denied), "the others stay closed");
}
