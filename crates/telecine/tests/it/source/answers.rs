//! Answers of S3 that no test server gives on demand, as AWS documents them: what they are taken for, and how many
//! requests are made of one.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::config::Credentials;
use futures::TryStreamExt;
use telecine::config::Config;
use telecine::ids::WorkspaceId;
use telecine::integration::{Integration, IntegrationStatus, Provider, Role};
use telecine::source::{
    Count, Counts, ExternalId, Opener, Retry, RetryPolicy, S3Source, Source, SourceError, SourceErrorKind,
    Sources,
};
use telecine::time::{Clock, ManualClock, SystemClock, Timestamp};

use crate::support::servers::client;
use crate::support::stub::{Asked, Reply, Stub};
use crate::support::vaults::vault;

const HASTY: RetryPolicy = RetryPolicy {
    attempts: 3,
    attempts_of_range: 8,
    base: Duration::from_millis(2),
    longest: Duration::from_millis(10),
    total: Duration::from_secs(20),
    window: Duration::from_secs(10),
    least_bytes: 1,
};

fn s3(stub: &Stub) -> S3Source {
    let client = client(&stub.url(), Credentials::new("key", "secret", None, None, "test"));
    S3Source::new(client, "films").owned_by("123456789012").idle_limit(Duration::from_millis(300))
}

fn patient(stub: &Stub) -> (Retry<Count<S3Source>>, Arc<Counts>) {
    let counted = Count::new(s3(stub), "s3");
    let counts = counted.counts();
    (Retry::new(counted, HASTY), counts)
}

async fn read(
    source: &dyn Source,
    etag: Option<&str>,
    range: std::ops::Range<u64>,
) -> Result<Vec<u8>, SourceError> {
    source.read("film.mp4", etag, range).await?.map_ok(|bytes| bytes.to_vec()).try_concat().await
}

#[tokio::test]
async fn refusals_are_taken_for_what_they_are_and_asked_again_only_where_that_may_help() {
    use SourceErrorKind::*;
    let elsewhere = "<Endpoint>films.s3.eu-west-1.amazonaws.com</Endpoint>";
    let table = [
        (Reply::s3_error("301 Moved Permanently", "PermanentRedirect", elsewhere), Unsupported, 1),
        (Reply::s3_error("307 Temporary Redirect", "TemporaryRedirect", elsewhere), Unsupported, 1),
        (Reply::s3_error("400 Bad Request", "ExpiredToken", ""), Credentials, 1),
        (Reply::s3_error("400 Bad Request", "AuthorizationHeaderMalformed", ""), Unsupported, 1),
        (Reply::s3_error("400 Bad Request", "RequestTimeout", ""), Unavailable, 3),
        (Reply::s3_error("403 Forbidden", "AccessDenied", ""), Denied, 1),
        (Reply::s3_error("403 Forbidden", "InvalidAccessKeyId", ""), Credentials, 1),
        (Reply::s3_error("403 Forbidden", "InvalidObjectState", ""), Archived, 1),
        (Reply::s3_error("403 Forbidden", "RequestTimeTooSkewed", ""), Unavailable, 3),
        (Reply::s3_error("404 Not Found", "NoSuchKey", ""), NotFound, 1),
        (Reply::s3_error("404 Not Found", "NoSuchBucket", ""), NotFound, 1),
        (Reply::s3_error("412 Precondition Failed", "PreconditionFailed", ""), Changed, 1),
        (Reply::s3_error("416 Range Not Satisfiable", "InvalidRange", ""), Changed, 1),
        (Reply::s3_error("500 Internal Server Error", "InternalError", ""), Unavailable, 3),
        (Reply::s3_error("503 Service Unavailable", "SlowDown", ""), Throttled, 3),
        (Reply::s3_error("503 Service Unavailable", "ServiceUnavailable", ""), Unavailable, 3),
        (
            Reply::new("502 Bad Gateway", &[("content-type", "text/html")], "<html>bad gateway"),
            Unavailable,
            3,
        ),
        (Reply::new("403 Forbidden", &[], "not XML"), Denied, 1),
        (Reply::new("429 Too Many Requests", &[], ""), Throttled, 3),
        (Reply::raw(""), Unavailable, 3),
        (Reply::raw("nonsense\r\n\r\n"), Unavailable, 3),
    ];
    for (number, (reply, kind, requests)) in table.into_iter().enumerate() {
        let answer = reply.clone();
        let stub = Stub::start(sts_and(3600, move |_| answer.clone())).await;
        let source = opener(&stub).open(&integration()).await.expect("a source");
        for operation in ["GET", "LIST"] {
            let before = stub.asked().len();
            let outcome = match operation {
                "GET" => read(&*source, Some("etag"), 0..4).await.map(drop),
                _ => source.list("", None, 10).await.map(drop),
            };
            let error = outcome.expect_err("it is refused");
            let asked = stub.asked().split_off(before);
            let sent = asked.iter().filter(|asked| !asked.body.contains("AssumeRole")).count();
            assert_eq!((error.kind, sent), (kind, requests), "{number}. {operation}: {error}");
            assert_eq!(error.operation, operation);
        }
    }
}

#[tokio::test]
async fn a_failure_keeps_the_words_of_the_store() {
    let stub = Stub::start(|_, _| Reply::s3_error("403 Forbidden", "AccessDenied", "")).await;
    let error = read(&s3(&stub), None, 0..4).await.expect_err("it is refused");
    assert_eq!(
        error.to_string(),
        "GET s3://films/film.mp4: 403 AccessDenied: About AccessDenied. (request id REQUEST42)"
    );
    let region = [("x-amz-bucket-region", "eu-west-1")];
    let stub = Stub::start(move |_, _| Reply::new("301 Moved Permanently", &region, "")).await;
    let error = s3(&stub).head("film.mp4").await.expect_err("it is elsewhere");
    assert!(error.detail.contains("the bucket lies in eu-west-1"), "{error}");
    drop(stub);
    let nobody = Stub::start(|_, _| Reply::raw("")).await.url();
    let client = client(&nobody, Credentials::new("key", "secret", None, None, "test"));
    let error = S3Source::new(client, "films").head("film.mp4").await.expect_err("nobody is there");
    assert_eq!(error.kind, SourceErrorKind::Unavailable);
    assert!(error.detail.to_lowercase().contains("connect"), "{error}");
}

#[tokio::test]
async fn answers_to_heads_have_no_body_and_are_understood_all_the_same() {
    use SourceErrorKind::*;
    for (status, kind) in [
        ("400 Bad Request", Unsupported),
        ("403 Forbidden", Denied),
        ("404 Not Found", NotFound),
        ("412 Precondition Failed", Changed),
        ("500 Internal Server Error", Unavailable),
        ("503 Service Unavailable", Unavailable),
    ] {
        let stub =
            Stub::start(move |_, _| Reply::new(status, &[("x-amz-request-id", "REQUEST42")], "")).await;
        let error = s3(&stub).head("film.mp4").await.expect_err("it is refused");
        assert_eq!(error.kind, kind, "{error}");
        assert!(error.detail.contains("REQUEST42"), "{error}");
    }
    let told = [("x-amz-error-code", "InvalidObjectState"), ("x-amz-error-message", "It is cold.")];
    let stub = Stub::start(move |_, _| Reply::new("403 Forbidden", &told, "")).await;
    let error = s3(&stub).head("film.mp4").await.expect_err("it is refused");
    assert_eq!(error.kind, Archived, "some stores tell the code in a header: {error}");
}

#[tokio::test]
async fn restored_and_archived_objects_are_told_apart() {
    let table: [(&[(&str, &str)], bool); 6] = [
        (&[], false),
        (&[("x-amz-storage-class", "GLACIER_IR")], false),
        (&[("x-amz-storage-class", "DEEP_ARCHIVE")], true),
        (&[("x-amz-storage-class", "GLACIER"), ("x-amz-restore", "ongoing-request=\"true\"")], true),
        (
            &[
                ("x-amz-storage-class", "GLACIER"),
                ("x-amz-restore", "ongoing-request=\"false\", expiry-date=\"Fri, 21 Dec 2035 00:00:00 GMT\""),
            ],
            false,
        ),
        (&[("x-amz-storage-class", "INTELLIGENT_TIERING"), ("x-amz-archive-status", "ARCHIVE_ACCESS")], true),
    ];
    for (headers, is_archived) in table {
        let mut all = vec![("etag", "\"v1\""), ("last-modified", "Fri, 01 Mar 2024 09:15:02 GMT")];
        all.extend(headers);
        let reply = Reply::cut("200 OK", &all, b"", 4321);
        let stub = Stub::start(move |_, _| reply.clone()).await;
        let info = s3(&stub).head("film.mp4").await.expect("a head");
        assert_eq!(info.is_archived, is_archived, "{headers:?}");
        assert_eq!((info.size_bytes, info.etag.as_str()), (4321, "v1"));
        assert_eq!(info.modified_at, Some("2024-03-01T09:15:02Z".parse().expect("a time")));
    }
}

/// Gives the range that is asked for, but no more than `most` bytes of it.
fn part_of(film: &[u8], asked: &Asked, most: usize) -> Reply {
    let range = asked.header("range").and_then(|range| range.strip_prefix("bytes=")).expect("a range");
    let (first, last) = range.split_once('-').expect("a range");
    let (first, last): (usize, usize) = (first.parse().expect("a number"), last.parse().expect("a number"));
    let body = &film[first..=last];
    let told = format!("bytes {first}-{last}/{}", film.len());
    let headers = [("content-range", told.as_str()), ("etag", "\"v1\"")];
    Reply::cut("206 Partial Content", &headers, &body[..body.len().min(most)], body.len())
}

#[tokio::test]
async fn a_broken_body_is_resumed_where_it_broke_and_only_of_the_same_version() {
    let film: Vec<u8> = (0..1000_u32).map(|n| (n % 251) as u8).collect();
    let whole = film.clone();
    let stub = Stub::start(move |_, asked| part_of(&whole, asked, 300)).await;
    let (source, counts) = patient(&stub);
    let got = read(&source, Some("v1"), 100..1000).await.expect("all of it, in pieces");
    assert_eq!(got, film[100..1000]);
    assert_eq!((counts.reads(), counts.bytes()), (3, 900));
    let ranges: Vec<_> = stub.asked().iter().map(|asked| asked.header("range").map(str::to_owned)).collect();
    let wanted = ["bytes=100-999", "bytes=400-999", "bytes=700-999"];
    assert_eq!(ranges, wanted.map(|range| Some(range.to_owned())));
    for asked in stub.asked() {
        assert_eq!(asked.header("if-match"), Some("\"v1\""));
    }

    let (source, counts) = patient(&stub);
    let error = read(&source, None, 0..1000).await.expect_err("without a version it is not resumed");
    assert_eq!((error.kind, counts.reads()), (SourceErrorKind::Unavailable, 1), "{error}");
    assert!(error.detail.contains("after 300 of 1000 bytes"), "{error}");

    let whole = film.clone();
    let stub = Stub::start(move |before, asked| match before {
        0 => part_of(&whole, asked, 300),
        _ => Reply::s3_error("412 Precondition Failed", "PreconditionFailed", ""),
    });
    let stub = stub.await;
    let (source, _) = patient(&stub);
    let error = read(&source, Some("v1"), 0..1000).await.expect_err("it was replaced meanwhile");
    assert_eq!(error.kind, SourceErrorKind::Changed, "{error}");
}

#[tokio::test]
async fn a_store_that_never_gets_further_is_given_up() {
    let film = vec![7; 1000];
    let whole = film.clone();
    let stub = Stub::start(move |_, asked| part_of(&whole, asked, 0)).await;
    let (source, counts) = patient(&stub);
    read(&source, Some("v1"), 0..1000).await.expect_err("nothing comes");
    assert_eq!(counts.reads(), 3, "attempts without a byte");

    let stub = Stub::start(move |_, asked| part_of(&film, asked, 10)).await;
    let (source, counts) = patient(&stub);
    read(&source, Some("v1"), 0..1000).await.expect_err("ten bytes at a time are too few");
    assert_eq!(counts.reads(), 8, "attempts of one range");
}

#[tokio::test]
async fn a_body_that_stalls_is_given_up_and_one_that_is_slow_is_not() {
    let head = "HTTP/1.1 206 Partial Content\r\ncontent-length: 8\r\ncontent-range: bytes 0-7/8\r\n\r\n1234";
    let stalled = Reply::raw(head).then(Duration::from_secs(5), b"5678");
    let stub = Stub::start(move |_, _| stalled.clone()).await;
    let error = read(&s3(&stub), Some("v1"), 0..8).await.expect_err("it stalls");
    assert_eq!(error.kind, SourceErrorKind::Unavailable);
    assert!(error.detail.contains("nothing came"), "{error}");

    let slow = Reply::raw(head).then(Duration::from_millis(100), b"5678");
    let stub = Stub::start(move |_, _| slow.clone()).await;
    assert_eq!(read(&s3(&stub), Some("v1"), 0..8).await.expect("all of it"), b"12345678");
}

#[tokio::test]
async fn bytes_that_are_not_those_asked_for_are_refused() {
    use SourceErrorKind::*;
    let table = [
        ("the store ignores ranges", Reply::new("200 OK", &[], [0; 100]), Unsupported),
        (
            "another range",
            Reply::new("206 Partial Content", &[("content-range", "bytes 0-9/100")], [0; 10]),
            Unavailable,
        ),
        (
            "the object ends before",
            Reply::new("206 Partial Content", &[("content-range", "bytes 10-14/15")], [0; 5]),
            Changed,
        ),
        (
            "no range at all",
            Reply::new("206 Partial Content", &[("content-range", "ten bytes")], [0; 10]),
            Unavailable,
        ),
    ];
    for (name, reply, kind) in table {
        let stub = Stub::start(move |_, _| reply.clone()).await;
        let error = read(&s3(&stub), Some("v1"), 10..20).await.expect_err(name);
        assert_eq!(error.kind, kind, "{name}: {error}");
    }
}

#[tokio::test]
async fn a_listing_that_is_cut_or_makes_no_sense_is_an_error_not_an_end() {
    let page = |rest: &str| {
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><ListBucketResult><Name>films</Name>\
             <EncodingType>url</EncodingType><Contents><Key>a%0Ab+c.mp4</Key><Size>1</Size>\
             <ETag>&quot;v1&quot;</ETag></Contents>{rest}"
        )
    };
    let whole = page("<IsTruncated>false</IsTruncated></ListBucketResult>");
    let body = whole.clone();
    let stub = Stub::start(move |_, _| Reply::new("200 OK", &[], &body)).await;
    let listed = s3(&stub).list("a\n", None, 10).await.expect("a page");
    assert_eq!(listed.objects[0].key, "a\nb c.mp4");
    let head = &stub.asked()[0].head;
    assert!(head.contains("encoding-type=url") && head.contains("prefix=a%0A"), "{head}");

    for body in [
        page("<IsTruncated>true</IsTruncated></ListBucketResult>"),
        page(""),
        page("<IsTruncated>false</IsTruncated><KeyCount>2</KeyCount></ListBucketResult>"),
        whole[..whole.len() / 2].to_owned(),
        "<html>not a listing".to_owned(),
        String::new(),
    ] {
        let text = body.clone();
        let stub = Stub::start(move |_, _| Reply::new("200 OK", &[], &text)).await;
        let error = s3(&stub).list("", None, 10).await.map(drop).expect_err(&body);
        assert_eq!(error.kind, SourceErrorKind::Unavailable, "{body}: {error}");
    }
    let stub = Stub::start(move |_, _| Reply::cut("200 OK", &[], whole.as_bytes(), whole.len() + 100)).await;
    let error = s3(&stub).list("", None, 10).await.map(drop).expect_err("the connection is cut");
    assert_eq!(error.kind, SourceErrorKind::Unavailable, "{error}");
    let again = page(
        "<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken></ListBucketResult>",
    );
    let stub = Stub::start(move |_, _| Reply::new("200 OK", &[], &again)).await;
    let error = s3(&stub).list("", Some("t"), 10).await.map(drop).expect_err("it would go round in circles");
    assert_eq!(error.kind, SourceErrorKind::Unavailable, "{error}");
}

#[tokio::test]
async fn every_request_names_the_owner_of_the_bucket() {
    let stub = Stub::start(|_, _| Reply::s3_error("403 Forbidden", "AccessDenied", "")).await;
    let source = s3(&stub);
    let _ = source.list("", None, 10).await;
    let _ = source.head("film.mp4").await;
    let _ = read(&source, None, 0..4).await;
    let asked = stub.asked();
    assert_eq!(asked.len(), 3);
    for request in asked {
        let owner = request.header("x-amz-expected-bucket-owner");
        assert_eq!(owner, Some("123456789012"), "{}", request.head);
    }
}

fn integration() -> Integration {
    let now = Timestamp::from_millis(1_700_000_000_000);
    let role = Role {
        account_id: "123456789012".to_owned(),
        arn: "arn:aws:iam::123456789012:role/TelecineIntegrationRole".to_owned(),
        external_id: "the-external-id".to_owned(),
    };
    Integration {
        region: Some("eu-west-1".to_owned()),
        status: IntegrationStatus::Active,
        ..Integration::new(WorkspaceId::generate(now), Provider::aws_role(role), "films", now)
    }
}

fn opener(stub: &Stub) -> Opener {
    opener_at(stub, Arc::new(SystemClock))
}

fn opener_at(stub: &Stub, clock: Arc<dyn Clock>) -> Opener {
    let mut config = Config::default();
    config.aws.endpoint_url = Some(stub.url());
    let opener = Opener::new(&config, vault(), clock);
    opener.credentials("base-key", "secret").retry(HASTY)
}

/// STS gives sessions that last this long; what is not for STS is answered by the function.
fn sts_and(lasts_s: i64, s3: impl Fn(&Asked) -> Reply) -> impl Fn(usize, &Asked) -> Reply {
    move |before, asked| {
        if !asked.body.contains("Action=AssumeRole") {
            return s3(asked);
        }
        let end = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(lasts_s);
        let end = end.strftime("%Y-%m-%dT%H:%M:%SZ");
        Reply::new(
            "200 OK",
            &[("content-type", "text/xml")],
            format!(
                "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>\
                 <AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/R/s</Arn>\
                 <AssumedRoleId>A:s</AssumedRoleId></AssumedRoleUser><Credentials>\
                 <AccessKeyId>session{before}</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>\
                 <SessionToken>token{before}</SessionToken><Expiration>{end}</Expiration></Credentials>\
                 </AssumeRoleResult></AssumeRoleResponse>"
            ),
        )
    }
}

fn assumed(stub: &Stub) -> Vec<Asked> {
    stub.asked().into_iter().filter(|asked| asked.body.contains("Action=AssumeRole")).collect()
}

#[tokio::test]
async fn a_session_is_taken_once_for_all_and_bounded_to_the_bucket() {
    let head = Reply::cut("200 OK", &[("etag", "\"v1\"")], b"", 4);
    let stub = Stub::start(sts_and(3600, move |_| head.clone())).await;
    let opener = opener(&stub);
    let source = opener.open(&integration()).await.expect("a source");
    let heads = (0..16).map(|_| source.head("film.mp4"));
    futures::future::try_join_all(heads).await.expect("heads");
    let taken = assumed(&stub);
    assert_eq!(taken.len(), 1, "one session for all");
    let form: std::collections::HashMap<String, String> =
        url::form_urlencoded::parse(taken[0].body.as_bytes()).into_owned().collect();
    assert_eq!(form["RoleArn"], "arn:aws:iam::123456789012:role/TelecineIntegrationRole");
    assert_eq!(form["ExternalId"], "the-external-id");
    assert_eq!(form["DurationSeconds"], "3600");
    assert!(form["RoleSessionName"].starts_with("telecine-"), "{form:?}");
    let policy: serde_json::Value = serde_json::from_str(&form["Policy"]).expect("JSON");
    assert_eq!(policy["Statement"][0]["Resource"], "arn:aws:s3:::films");
    assert_eq!(policy["Statement"][1]["Resource"], "arn:aws:s3:::films/*");
    let request = stub.asked().pop().expect("a request");
    assert_eq!(request.header("x-amz-security-token"), Some("token0"));
    assert!(request.head.contains("/eu-west-1/s3/aws4_request"), "signed for the region: {}", request.head);
}

#[tokio::test]
async fn a_session_is_renewed_before_it_ends() {
    let head = Reply::cut("200 OK", &[("etag", "\"v1\"")], b"", 4);
    let stub = Stub::start(sts_and(2, move |_| head.clone())).await;
    let opener = opener(&stub);
    let source = opener.open(&integration()).await.expect("a source");
    for _ in 0..6 {
        source.head("film.mp4").await.expect("a head");
        tokio::time::sleep(Duration::from_millis(400)).await;
    }
    let taken = assumed(&stub).len();
    assert!((2..=4).contains(&taken), "{taken} sessions of two seconds in two and a half");
}

#[tokio::test]
async fn a_session_is_blamed_for_a_refusal_only_when_it_may_be_to_blame() {
    let table = [
        ("the store says that it ended", "400 Bad Request", "ExpiredToken", 60, true),
        ("another store says it so", "403 Forbidden", "InvalidAccessKeyId", 60, true),
        ("it only just began", "400 Bad Request", "ExpiredToken", 0, false),
        (
            "a store that does not say why, and half of its life is over",
            "403 Forbidden",
            "AccessDenied",
            1900,
            true,
        ),
        ("a store that does not say why, and it is young", "403 Forbidden", "AccessDenied", 1700, false),
    ];
    for (name, status, code, age_s, is_renewed) in table {
        let refused = Reply::s3_error(status, code, "");
        let page = "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>";
        let head = Reply::cut("200 OK", &[("etag", "\"v1\"")], b"", 4);
        let stub = Stub::start(sts_and(3600, move |asked| match asked.header("x-amz-security-token") {
            _ if asked.head.starts_with("HEAD") => head.clone(),
            Some("token0") => refused.clone(),
            _ => Reply::new("200 OK", &[], page),
        }));
        let stub = stub.await;
        let clock = Arc::new(ManualClock::at(SystemClock.now()));
        let opener = opener_at(&stub, clock.clone());
        let source = opener.open(&integration()).await.expect("a source");
        source.head("film.mp4").await.expect("the session is good");
        clock.advance(Duration::from_secs(age_s));
        let listed = source.list("", None, 10).await;
        assert_eq!(listed.is_ok(), is_renewed, "{name}: {listed:?}");
        assert_eq!(assumed(&stub).len(), 1 + usize::from(is_renewed), "{name}");
    }
}

#[tokio::test]
async fn a_session_that_cannot_be_renewed_yet_is_used_to_its_end() {
    let head = Reply::cut("200 OK", &[("etag", "\"v1\"")], b"", 4);
    let give = sts_and(3600, move |_| head.clone());
    let stub = Stub::start(move |before, asked| match before {
        0 => give(before, asked),
        _ if asked.body.contains("AssumeRole") => Reply::new("403 Forbidden", &[], ""),
        _ => give(before, asked),
    });
    let stub = stub.await;
    let clock = Arc::new(ManualClock::at(SystemClock.now()));
    let opener = opener_at(&stub, clock.clone());
    let source = opener.open(&integration()).await.expect("a source");
    source.head("film.mp4").await.expect("the session is good");
    clock.advance(Duration::from_secs(3400));
    source.head("film.mp4").await.expect("it has not ended yet");
    assert_eq!(assumed(&stub).len(), 2, "a renewal was tried");
    clock.advance(Duration::from_secs(300));
    let error = source.head("film.mp4").await.expect_err("it has ended");
    assert_eq!(error.kind, SourceErrorKind::Credentials, "{error}");
}

#[tokio::test]
async fn a_session_is_renewed_behind_the_back_of_those_who_read() {
    let head = Reply::cut("200 OK", &[("etag", "\"v1\"")], b"", 4);
    let give = sts_and(3600, move |_| head.clone());
    let stub = Stub::start(move |before, asked| match before {
        // The second time STS takes a minute.
        1.. if asked.body.contains("AssumeRole") => Reply::raw("").then(Duration::from_secs(60), b""),
        _ => give(before, asked),
    });
    let stub = stub.await;
    let clock = Arc::new(ManualClock::at(SystemClock.now()));
    let opener = opener_at(&stub, clock.clone());
    let source = opener.open(&integration()).await.expect("a source");
    source.head("film.mp4").await.expect("the session is good");
    clock.advance(Duration::from_secs(3600 - 250));
    for _ in 0..3 {
        let head = tokio::time::timeout(Duration::from_secs(20), source.head("film.mp4")).await;
        head.expect("nobody waits for STS").expect("the session is still good");
        tokio::task::yield_now().await;
    }
    for _ in 0..100 {
        if assumed(&stub).len() == 2 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("one renewal, not three and not none: {}", assumed(&stub).len());
}

#[tokio::test]
async fn a_role_that_is_refused_and_an_sts_that_is_down_are_told_apart() {
    let refused = "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>\
                   <Code>AccessDenied</Code><Message>User: arn:x is not authorized to perform: sts:AssumeRole</Message>\
                   </Error><RequestId>STS7</RequestId></ErrorResponse>";
    let stub =
        Stub::start(move |_, _| Reply::new("403 Forbidden", &[("x-amzn-requestid", "STS7")], refused)).await;
    let opener_of_refused = opener(&stub);
    for id in [ExternalId::Right, ExternalId::Missing, ExternalId::Wrong] {
        let error = opener_of_refused.assume_role(&integration(), id).await.expect_err("it is refused");
        assert_eq!(error.kind, SourceErrorKind::Credentials, "{error}");
        assert!(error.detail.contains("not authorized") && error.detail.contains("STS7"), "{error}");
    }
    let ids: Vec<_> = assumed(&stub).iter().map(|asked| external_id(&asked.body)).collect();
    assert_eq!(ids[..2], [Some("the-external-id".to_owned()), None]);
    assert!(ids[2].as_ref().is_some_and(|id| id.len() == 36), "{ids:?}");
    let source = opener_of_refused.open(&integration()).await.expect("nothing is asked yet");
    let error = source.head("film.mp4").await.expect_err("no session");
    assert_eq!((error.kind, error.operation), (SourceErrorKind::Credentials, "HEAD"), "{error}");
    assert!(error.detail.contains("not authorized"), "{error}");

    let stub = Stub::start(|_, _| Reply::new("503 Service Unavailable", &[], "")).await;
    let error = opener(&stub).assume_role(&integration(), ExternalId::Right).await.expect_err("it is down");
    assert!(error.kind.is_transient(), "{error}");
}

fn external_id(body: &str) -> Option<String> {
    url::form_urlencoded::parse(body.as_bytes())
        .find(|(name, _)| name == "ExternalId")
        .map(|(_, id)| id.into_owned())
}
