//! A bucket in memory that speaks the XML API of Google Cloud Storage as its reference tells, for a client without credentials.
//! fake-gcs-server has the JSON API and of this one links that are signed: it refuses puts and copies (`invalid uploadType`)
//! and knows no uploads in parts.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use percent_encoding::percent_decode_str;
use tokio_util::task::AbortOnDropHandle;

/// Parts but the last one have so many bytes at least.
const SMALLEST_PART: usize = 5 << 20;
/// Keys of a page of a listing; Google's has a thousand.
const PAGE: usize = 2;

#[derive(Default)]
struct Kept {
    objects: BTreeMap<String, Object>,
    /// Uploads in parts, by their ids: the key, and the parts by their numbers.
    uploads: HashMap<String, (String, BTreeMap<usize, Bytes>)>,
    begun: usize,
    /// Credentials that came with requests.
    credentials: usize,
}

#[derive(Clone)]
struct Object {
    bytes: Bytes,
    content_type: String,
}

/// The bucket `films`, until it is dropped.
pub(super) struct Bucket {
    pub(super) url: String,
    kept: Arc<Mutex<Kept>>,
    _serving: AbortOnDropHandle<()>,
}

impl Bucket {
    pub(super) async fn start() -> Self {
        let kept: Arc<Mutex<Kept>> = Arc::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).layer(DefaultBodyLimit::disable());
        let router = router.with_state(Arc::clone(&kept));
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, kept, _serving: AbortOnDropHandle::new(serving) }
    }

    /// Uploads in parts that were begun, and those that were neither completed nor given up.
    pub(super) fn uploads(&self) -> (usize, usize) {
        let kept = self.kept.lock().unwrap();
        (kept.begun, kept.uploads.len())
    }

    /// Requests that came with credentials.
    pub(super) fn credentials(&self) -> usize {
        self.kept.lock().unwrap().credentials
    }

    /// The type of what lies under the key that ends so.
    pub(super) fn content_type(&self, end: &str) -> Option<String> {
        let kept = self.kept.lock().unwrap();
        kept.objects.iter().find(|(key, _)| key.ends_with(end)).map(|(_, object)| object.content_type.clone())
    }
}

async fn answer(
    State(kept): State<Arc<Mutex<Kept>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut kept = kept.lock().unwrap();
    let query: HashMap<String, String> =
        url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let header = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    kept.credentials += usize::from(header("authorization").is_some_and(|who| who.trim() != "Bearer"));
    let path = percent_decode_str(uri.path()).decode_utf8().unwrap().into_owned();
    let Some(key) = path.strip_prefix("/films").map(|rest| rest.trim_start_matches('/').to_owned()) else {
        return refused(StatusCode::NOT_FOUND, "NoSuchBucket");
    };
    if let Some(upload) = query.get("uploadId") {
        return part(&mut kept, &method, &key, upload, &query, body);
    }
    let content_type = header("content-type").unwrap_or_else(|| "application/octet-stream".to_owned());
    match method {
        Method::GET if key.is_empty() => list(&kept, &query),
        Method::POST if query.contains_key("uploads") => {
            kept.begun += 1;
            let id = format!("upload+{}/{content_type}", kept.begun);
            kept.uploads.insert(id.clone(), (key, BTreeMap::new()));
            xml(&format!(
                "<InitiateMultipartUploadResult><UploadId>{id}</UploadId></InitiateMultipartUploadResult>"
            ))
        }
        Method::PUT => {
            let object = match header("x-goog-copy-source") {
                None => Object { bytes: body, content_type },
                Some(source) => {
                    let source = percent_decode_str(&source).decode_utf8().unwrap().into_owned();
                    let Some(object) = source
                        .trim_start_matches('/')
                        .strip_prefix("films/")
                        .and_then(|key| kept.objects.get(key))
                    else {
                        return refused(StatusCode::NOT_FOUND, "NoSuchKey");
                    };
                    object.clone()
                }
            };
            let tag = tag(&object.bytes);
            kept.objects.insert(key, object);
            [("etag", tag.as_str()), ("x-goog-generation", "1")].into_response()
        }
        Method::GET | Method::HEAD => match kept.objects.get(&key) {
            Some(object) => read(object, header("range").as_deref()),
            None => refused(StatusCode::NOT_FOUND, "NoSuchKey"),
        },
        Method::DELETE => match kept.objects.remove(&key) {
            Some(_) => StatusCode::NO_CONTENT.into_response(),
            None => refused(StatusCode::NOT_FOUND, "NoSuchKey"),
        },
        _ => refused(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed"),
    }
}

/// A request of an upload in parts.
fn part(
    kept: &mut Kept,
    method: &Method,
    key: &str,
    id: &str,
    query: &HashMap<String, String>,
    body: Bytes,
) -> Response {
    let Some((_, parts)) = kept.uploads.get_mut(id).filter(|(of, _)| of == key) else {
        return refused(StatusCode::NOT_FOUND, "NoSuchUpload");
    };
    match *method {
        Method::PUT => {
            let tag = tag(&body);
            parts.insert(query["partNumber"].parse().unwrap(), body);
            [("etag", tag)].into_response()
        }
        Method::POST => {
            let asked = String::from_utf8(body.to_vec()).unwrap();
            let told: Vec<String> = asked.split("<Part>").skip(1).map(str::to_owned).collect();
            let are_those = told.len() == parts.len()
                && told.iter().zip(parts.iter()).all(|(told, (number, bytes))| {
                    told.contains(&format!("<PartNumber>{number}</PartNumber>"))
                        && told.contains(tag(bytes).as_str())
                });
            if !are_those {
                return refused(StatusCode::BAD_REQUEST, "InvalidPart");
            }
            if parts.values().rev().skip(1).any(|bytes| bytes.len() < SMALLEST_PART) {
                return refused(StatusCode::BAD_REQUEST, "EntityTooSmall");
            }
            let bytes: Bytes =
                parts.values().flat_map(|bytes| bytes.iter().copied()).collect::<Vec<u8>>().into();
            kept.uploads.remove(id);
            let (_, content_type) = id.split_once('/').unwrap();
            let done = format!(
                "<CompleteMultipartUploadResult><Bucket>films</Bucket><Key>{key}</Key><ETag>{}</ETag></CompleteMultipartUploadResult>",
                tag(&bytes)
            );
            kept.objects.insert(key.to_owned(), Object { bytes, content_type: content_type.to_owned() });
            xml(&done)
        }
        Method::DELETE => {
            kept.uploads.remove(id);
            StatusCode::NO_CONTENT.into_response()
        }
        _ => refused(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed"),
    }
}

fn read(object: &Object, range: Option<&str>) -> Response {
    let length = object.bytes.len();
    let response = Response::builder()
        .header("etag", tag(&object.bytes))
        .header("content-type", &object.content_type)
        .header("last-modified", httpdate());
    let Some((from, to)) = range.and_then(|range| range.strip_prefix("bytes=")?.split_once('-')) else {
        return response.header("content-length", length).body(Body::from(object.bytes.clone())).unwrap();
    };
    let (from, to): (usize, usize) = (from.parse().unwrap(), to.parse().unwrap());
    let told = format!("bytes {from}-{to}/{length}");
    let part = object.bytes.slice(from..=to);
    response.status(206).header("content-range", told).body(Body::from(part)).unwrap()
}

fn list(kept: &Kept, query: &HashMap<String, String>) -> Response {
    assert_eq!(query["list-type"], "2");
    let (prefix, after) = (query.get("prefix").cloned().unwrap_or_default(), query.get("continuation-token"));
    let mut found = kept.objects.iter().filter(|(key, _)| key.starts_with(&prefix));
    let page: Vec<_> =
        found.by_ref().filter(|(key, _)| after.is_none_or(|after| *key > after)).take(PAGE).collect();
    let next = if found.next().is_some() { page.last().map(|(key, _)| key.as_str()) } else { None };
    let contents: String = page
        .iter()
        .map(|(key, object)| {
            format!(
                "<Contents><Key>{key}</Key><LastModified>{}</LastModified><ETag>{}</ETag><Size>{}</Size></Contents>",
                telecine::time::Clock::now(&telecine::time::SystemClock),
                tag(&object.bytes),
                object.bytes.len()
            )
        })
        .collect();
    let next =
        next.map_or(String::new(), |next| format!("<NextContinuationToken>{next}</NextContinuationToken>"));
    xml(&format!(
        "<ListBucketResult><Name>films</Name><Prefix>{prefix}</Prefix>{contents}{next}</ListBucketResult>"
    ))
}

fn tag(bytes: &[u8]) -> String {
    format!("\"{}\"", blake3::hash(bytes).to_hex())
}

/// Now, as headers tell it.
fn httpdate() -> String {
    jiff::fmt::rfc2822::DateTimePrinter::new()
        .timestamp_to_rfc9110_string(&jiff::Timestamp::now())
        .expect("this century")
}

fn xml(body: &str) -> Response {
    ([("content-type", "application/xml")], format!("<?xml version='1.0' encoding='UTF-8'?>{body}"))
        .into_response()
}

fn refused(status: StatusCode, code: &str) -> Response {
    (status, xml(&format!("<Error><Code>{code}</Code></Error>"))).into_response()
}
