//! What must hold for every input of our own parsers, whatever it is: no panic, no endless loop, faults that name the
//! user's mistake, and the invariant of each. Shared by the fuzz targets here and by the tests, which feed it the kept
//! corpora (`crates/telecine/tests/it/corpora.rs`).

use axum::body::Body;
use axum::extract::Request;
use bytes::Bytes;
use serde_json::Value;
use telecine::fault::Error;
use telecine::http::filter::video_filter;
use telecine::http::{Params, Query, Wanted, parse_range};
use telecine::search::Combined;
use telecine::search::pages::PageToken;
use telecine::transfer::parse_manifest;
use telecine_media::captions::{self, ParseLimits};

/// Most texts of a combined query.
const MOST_LEAVES: usize = 32;

/// Panics where what must hold of the input does not.
pub(crate) type Check = fn(&[u8]);

/// All of them, by the names of their targets and corpora.
pub(crate) const CHECKS: [(&str, Check); 8] = [
    ("manifest", manifest),
    ("multipart", multipart),
    ("captions", captions),
    ("filter", filter),
    ("combined", combined),
    ("query", query),
    ("range", range),
    ("page_token", page_token),
];

/// A manifest: entries are counted right, and what is wrong is the user's.
pub(crate) fn manifest(data: &[u8]) {
    let mut seen = 0;
    let read = parse_manifest(data, |entry| {
        seen += 1;
        assert!(!entry.object.to_string().is_empty());
        true
    });
    match read {
        Ok(entries) => assert_eq!(entries, seen),
        Err(Error::Fault(fault)) => assert!(!fault.sentence().is_empty()),
        Err(Error::Internal(error)) => panic!("bytes in memory cannot fail to be read: {error:#}"),
    }
}

/// A form, cut into pieces of the length that its first byte says. The boundary is `x`.
pub(crate) fn multipart(data: &[u8]) {
    let Some((first, body)) = data.split_first() else { return };
    let pieces: Vec<_> = body
        .chunks(usize::from(*first).max(1))
        .map(|piece| Ok::<_, std::io::Error>(Bytes::copy_from_slice(piece)))
        .collect();
    let request = Request::builder()
        .header("content-type", "multipart/form-data; boundary=x")
        .body(Body::from_stream(futures::stream::iter(pieces)))
        .expect("a request");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    match runtime.block_on(Params::read(request, 1 << 16)) {
        Ok(params) => params.names().for_each(|name| {
            let _ = (
                params.text(name),
                params.number(name),
                params.flag(name),
                params.texts(name),
                params.object(name),
            );
        }),
        Err(Error::Fault(fault)) => assert!(!fault.sentence().is_empty()),
        Err(Error::Internal(error)) => panic!("a form in memory cannot fail to be read: {error:#}"),
    }
}

/// SubRip or WebVTT: cues do not end before they begin, and stay within the limits.
pub(crate) fn captions(data: &[u8]) {
    let limits = ParseLimits { max_cues: 100, max_cue_chars: 200, ..ParseLimits::default() };
    if let Ok(cues) = captions::parse(data, &limits) {
        assert!(cues.len() <= limits.max_cues);
        for cue in cues {
            assert!(cue.range.start() <= cue.range.end() && cue.range.end() <= limits.max_time);
            assert!(cue.text.chars().count() <= limits.max_cue_chars + 1, "{cue:?}");
        }
    }
}

/// A filter of a search.
pub(crate) fn filter(data: &[u8]) {
    if let Ok(Value::Object(fields)) = serde_json::from_slice(data)
        && let Err(fault) = video_filter(&fields)
    {
        assert!(!fault.sentence().is_empty());
    }
}

/// A combined query: bounded, and what is wrong is named by its place.
pub(crate) fn combined(data: &[u8]) {
    let Ok(value) = serde_json::from_slice::<Value>(data) else { return };
    match Combined::parse(&value, data.len().is_multiple_of(2), None) {
        Ok(query) => assert!((1..=MOST_LEAVES).contains(&query.leaves().len())),
        Err(fault) => assert!(!fault.sentence().is_empty()),
    }
}

/// A query string, asked for everything that routes ask of one.
pub(crate) fn query(data: &[u8]) {
    let query = Query::parse(&String::from_utf8_lossy(data));
    if let Ok(paging) = query.paging() {
        assert!(paging.page >= 1 && (1..=50).contains(&paging.limit));
    }
    let _ = (
        query.times("created_at"),
        query.numbers("width"),
        query.flag("transcription"),
        query.all(&["status"]),
    );
    let _ = query.metadata(&["page", "page_limit", "created_at", "width"]);
}

/// A header `Range`; the first eight bytes are the length of what it is of.
pub(crate) fn range(data: &[u8]) {
    let Some((length, header)) = data.split_first_chunk::<8>() else { return };
    let length = u64::from_le_bytes(*length);
    if let Wanted::Part { first, last } = parse_range(&String::from_utf8_lossy(header), length) {
        assert!(first <= last && last < length);
    }
}

/// A token of a page: what is read is written alike.
pub(crate) fn page_token(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Some(token) = PageToken::parse(&text) {
        assert_eq!(token.to_string(), text);
    }
}
