//! Lists of links: the suite against a web server, and what a list takes and asks for.

use std::sync::Arc;

use async_trait::async_trait;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use telecine::source::{MAX_URL_BYTES, MAX_URLS, Source, SourceError, SourceErrorKind, UrlListSource};

use super::conformance::{self, Bed, DOT, DOTS};
use super::http::{Web, links};
use crate::support::stub::{Reply, Stub};

/// What need not be encoded in a path.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~');

struct Listed(Web);

#[async_trait]
impl Bed for Listed {
    fn key(&self, name: &str) -> String {
        format!("{}/{}", self.0.url, utf8_percent_encode(name, PATH))
    }

    async fn put(&self, name: &str, bytes: Vec<u8>) {
        self.0.put(name, bytes).await;
    }

    async fn delete(&self, name: &str) {
        self.0.delete(name).await;
    }

    async fn source(&self, name: &str) -> Result<(Arc<dyn Source>, String), SourceError> {
        let urls =
            self.0.files.lock().expect("no panic holds it").keys().map(|name| self.key(name)).collect();
        let source = UrlListSource::new("films", links(&[&self.0.url]), urls)?;
        Ok((Arc::new(source), self.key(name)))
    }

    async fn stranger(&self) -> Option<Arc<dyn Source>> {
        None
    }

    fn unkept_keys(&self) -> &'static [&'static str] {
        // URLs take dots for steps, also where they are encoded.
        &[DOT, DOTS]
    }
}

#[tokio::test]
async fn a_list_of_links_conforms() {
    conformance::conforms(&Listed(Web::start().await)).await;
}

#[tokio::test]
async fn keys_are_the_links_as_listed_in_order_and_once() {
    let web = Web::start().await;
    for name in ["b c.mp4", "a.mp4", "ü.mp4"] {
        web.put(name, b"film".to_vec()).await;
    }
    let upper = web.url.replace("http://", "HTTP://");
    let given = [
        format!("{}/ü.mp4", web.url),
        format!("{}/b c.mp4", web.url),
        format!("{}/a.mp4?token=1", web.url),
        format!("{}/a.mp4", web.url),
        format!("{}/a.mp4", web.url),
        format!("{upper}/a.mp4"),
    ];
    let source = UrlListSource::new("films", links(&[&web.url]), given.to_vec()).expect("a list");
    let listed = conformance::list_all(&source, "", 2).await;
    let mut wanted: Vec<String> = given.to_vec();
    wanted.sort();
    wanted.dedup();
    assert_eq!(listed.iter().map(|object| object.key.clone()).collect::<Vec<_>>(), wanted);
    for object in &listed {
        assert_eq!(conformance::read(&source, &object.key, object).await.expect("the film"), b"film");
        assert_eq!(source.address(&object.key), format!("urls://films/{}", object.key));
    }
}

#[tokio::test]
async fn a_link_that_fails_does_not_hide_the_others() {
    let web = Web::start().await;
    web.put("film.mp4", b"film".to_vec()).await;
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        format!("http://{}", listener.local_addr().expect("an address"))
    };
    let broken = Stub::start(|_, _| Reply::raw("nonsense")).await;
    let film = format!("{}/film.mp4", web.url);
    let urls = vec![
        film.clone(),
        format!("{}/gone.mp4", web.url),
        format!("{closed}/film.mp4"),
        format!("{}/film.mp4", broken.url()),
    ];
    let links = links(&[&web.url, &closed, &broken.url()]);
    let source = UrlListSource::new("films", links, urls.clone()).expect("a list");
    let listed = conformance::list_all(&source, "", 1000).await;
    assert_eq!(listed.len(), urls.len());
    for object in listed {
        let is_known = object.key == film;
        assert_eq!((object.size_bytes, object.etag.is_empty()), (if is_known { 4 } else { 0 }, !is_known));
    }
    let gone = source.head(&urls[1]).await.expect_err("it is gone");
    assert_eq!((gone.kind, gone.address), (SourceErrorKind::NotFound, format!("urls://films/{}", urls[1])));
}

#[tokio::test]
async fn only_what_is_listed_is_asked_for() {
    let stub = Stub::start(|_, _| Reply::new("200 OK", &[("etag", "\"1\"")], "film")).await;
    let listed = format!("{}/listed.mp4", stub.url());
    let source = UrlListSource::new("films", links(&[&stub.url()]), vec![listed.clone()]).expect("a list");
    for key in [
        format!("{}/other.mp4", stub.url()),
        format!("{listed}?x"),
        format!("{listed} "),
        format!("{}/./listed.mp4", stub.url()),
        stub.url(),
        String::new(),
        "listed.mp4".to_owned(),
    ] {
        let head = source.head(&key).await.map_err(|error| error.kind);
        assert_eq!(head, Err(SourceErrorKind::NotFound), "{key:?}");
        let read = source.read(&key, None, 0..1).await.map(drop).map_err(|error| error.kind);
        assert_eq!(read, Err(SourceErrorKind::NotFound), "{key:?}");
    }
    assert!(stub.asked().is_empty(), "nobody asked");
    source.head(&listed).await.expect("what is listed is there");
}

#[tokio::test]
async fn a_list_is_checked_before_anything_is_asked() {
    use SourceErrorKind::{Denied, Unsupported};
    let links = links(&["127.0.0.1:8080"]);
    let open = |urls: Vec<String>| UrlListSource::new("films", links.clone(), urls).map(drop);
    let one = |url: &str| open(vec!["https://example.com/a.mp4".to_owned(), url.to_owned()]);
    for (url, kind) in [
        ("http://example.com/film.mp4", Unsupported),
        ("ftp://example.com/film.mp4", Unsupported),
        ("https://user:password@example.com/film.mp4", Unsupported),
        ("film.mp4", Unsupported),
        ("", Unsupported),
        ("https://127.0.0.1/film.mp4", Denied),
        ("https://[::1]/film.mp4", Denied),
        ("https://169.254.169.254/latest/meta-data", Denied),
        ("http://127.0.0.1:8081/film.mp4", Denied),
        ("https://example.com:22/film.mp4", Denied),
    ] {
        assert_eq!(one(url).map_err(|error| error.kind), Err(kind), "{url}");
    }
    one("http://127.0.0.1:8080/film.mp4").expect("the operator allows it");
    let sized = |bytes: usize| format!("https://example.com/{}", "a".repeat(bytes - 20));
    open(vec![sized(MAX_URL_BYTES)]).expect("not too long");
    let long = open(vec![sized(MAX_URL_BYTES + 1)]).expect_err("too long");
    assert_eq!(long.kind, Unsupported);
    assert!(long.detail.contains("1025"), "{long}");
    let many = |count: usize| (0..count).map(|n| format!("https://example.com/{n}.mp4")).collect();
    open(many(MAX_URLS)).expect("not too many");
    assert_eq!(open(many(MAX_URLS + 1)).map_err(|error| error.kind), Err(Unsupported));
}
