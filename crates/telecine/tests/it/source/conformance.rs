//! What every source must keep to. A store is given as a [`Bed`]: how to put things in, and the source to be tested.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use futures::{StreamExt, TryStreamExt};
use telecine::source::listing::ListOptions;
use telecine::source::{ObjectInfo, Source, SourceError, SourceErrorKind};

/// Keys that a careless client changes on their way.
pub(crate) const ODD_KEYS: [&str; 26] = [
    DOUBLE_SLASH,
    DOT,
    DOTS,
    BACKSLASH,
    MARKER,
    "odd/100%.mp4",
    "odd/per%20cent.mp4",
    "odd/%2e%2e%2fcoded.mp4",
    "odd/a+b.mp4",
    "odd/a b.mp4",
    "odd/ begins.mp4",
    "odd/ends ",
    "odd/tab\t.mp4",
    "odd/line\n.mp4",
    CONTROL,
    "odd/ví deo.mp4",
    "odd/日本語/映画.mp4",
    "odd/composed \u{e9}.mp4",
    "odd/decomposed e\u{301}.mp4",
    "odd/😀.mp4",
    "odd/\"quote's\".mp4",
    "odd/<tag>&amp;.mp4",
    "odd/?query=1#fragment.mp4",
    "odd/~!*'().mp4",
    "odd/a=b&c;d:e@f,g$.mp4",
    "odd/.hidden",
];
pub(crate) const DOUBLE_SLASH: &str = "odd//double.mp4";
pub(crate) const DOT: &str = "odd/./dot.mp4";
pub(crate) const DOTS: &str = "odd/../dots.mp4";
pub(crate) const BACKSLASH: &str = "odd/back\\slash.mp4";
pub(crate) const CONTROL: &str = "odd/control\u{1}.mp4";
/// What consoles make for an empty folder.
pub(crate) const MARKER: &str = "odd/marker/";

/// A store to be tested.
#[async_trait]
pub(crate) trait Bed: Sync {
    /// The key by which the source knows what the suite calls so, where the store gives keys of its own. Prefixes of
    /// names become prefixes of keys.
    fn key(&self, name: &str) -> String {
        name.to_owned()
    }
    /// Writes an object.
    async fn put(&self, key: &str, bytes: Vec<u8>);
    /// Removes an object.
    async fn delete(&self, key: &str);
    /// The source to be tested, and the key by which it knows the object.
    async fn source(&self, key: &str) -> Result<(Arc<dyn Source>, String), SourceError>;
    /// A source of the same objects for someone who may not read them, where the store knows such.
    async fn stranger(&self) -> Option<Arc<dyn Source>>;
    /// Odd keys that the store itself does not keep.
    fn unkept_keys(&self) -> &'static [&'static str] {
        &[]
    }
}

/// The whole of an object.
pub(crate) async fn read(source: &dyn Source, key: &str, info: &ObjectInfo) -> Result<Vec<u8>, SourceError> {
    read_range(source, key, Some(&info.etag), 0..info.size_bytes).await
}

async fn read_range(
    source: &dyn Source,
    key: &str,
    etag: Option<&str>,
    range: std::ops::Range<u64>,
) -> Result<Vec<u8>, SourceError> {
    let body = source.read(key, etag, range).await?;
    body.map_ok(|bytes| bytes.to_vec()).try_concat().await
}

/// All objects below a prefix, page by page.
pub(crate) async fn list_all(source: &dyn Source, prefix: &str, limit: u32) -> Vec<ObjectInfo> {
    let (mut objects, mut from) = (Vec::new(), None::<String>);
    loop {
        let page = source.list(prefix, from.as_deref(), limit).await.expect("a page");
        assert!(page.objects.len() <= limit as usize, "a page of {} for {limit}", page.objects.len());
        objects.extend(page.objects);
        match page.next {
            Some(next) => from = Some(next),
            None => return objects,
        }
    }
}

/// Keys are told and taken exactly.
pub(crate) async fn keeps_odd_keys(bed: &dyn Bed) {
    let kept: Vec<&str> = ODD_KEYS.into_iter().filter(|key| !bed.unkept_keys().contains(key)).collect();
    for key in &kept {
        let bytes = if key.ends_with('/') { Vec::new() } else { format!("bytes of {key:?}").into_bytes() };
        bed.put(key, bytes).await;
    }
    let (source, _) = bed.source("").await.expect("the source");
    let listed = list_all(&*source, &bed.key("odd/"), 3).await;
    let names: BTreeMap<String, &str> = kept.iter().map(|name| (bed.key(name), *name)).collect();
    let found: BTreeSet<&String> = listed.iter().map(|object| &object.key).collect();
    assert_eq!(found, names.keys().collect(), "keys of the listing");
    assert_eq!(found.len(), listed.len(), "each is told once");
    for object in &listed {
        let head = source.head(&object.key).await.expect("a key of the listing is there");
        assert_eq!(
            (&head.key, head.size_bytes, &head.etag),
            (&object.key, object.size_bytes, &object.etag),
            "listing and head agree"
        );
        let bytes = read(&*source, &object.key, object).await.expect("a key of the listing can be read");
        if !object.key.ends_with('/') {
            assert_eq!(String::from_utf8_lossy(&bytes), format!("bytes of {:?}", names[&object.key]));
        }
    }
}

/// A listing tells everything once, in pages as asked for.
pub(crate) async fn lists_in_pages(bed: &dyn Bed) {
    let names: Vec<String> =
        (0..25).map(|n| format!("pages/{}/{n}.mp4", ["a", "a-b", "a/c"][n % 3])).collect();
    for name in &names {
        bed.put(name, name.clone().into_bytes()).await;
    }
    let keys: BTreeSet<String> = names.iter().map(|name| bed.key(name)).collect();
    let (all, some, none) = (bed.key("pages/"), bed.key("pages/a-"), bed.key("pages/none"));
    bed.put("pages-not/1.mp4", b"another prefix".to_vec()).await;
    let (source, _) = bed.source("").await.expect("the source");
    for limit in [1, 7, 24, 25, 26, 1000] {
        let listed = list_all(&*source, &all, limit).await;
        assert_eq!(listed.len(), keys.len(), "in pages of {limit}");
        assert_eq!(listed.into_iter().map(|o| o.key).collect::<BTreeSet<_>>(), keys, "in pages of {limit}");
    }
    assert_eq!(list_all(&*source, &some, 1000).await.len(), 8, "a prefix need not be a folder");
    assert!(list_all(&*source, &none, 1000).await.is_empty());
    let everything = list_all(&*source, "", 1000).await;
    assert!(everything.len() > keys.len());
    assert!(everything.iter().all(|object| object.modified_at.is_some() && !object.etag.is_empty()));
    // A page continues where the last one ended, though what it ended with is gone.
    let first = source.list(&all, None, 10).await.expect("a page");
    let last = &first.objects.last().expect("ten objects").key;
    bed.delete(names.iter().find(|name| bed.key(name) == *last).expect("one of them")).await;
    let second = source.list(&all, first.next.as_deref(), 1000).await.expect("a page");
    assert_eq!(second.objects.len(), 15);
    assert_eq!(second.next, None);
}

/// A listing can begin after any key, where the source says so; listed in parallel ranges, it tells the same as page by
/// page.
pub(crate) async fn lists_in_ranges(bed: &dyn Bed) {
    let names: Vec<String> = (0..60).map(|n| format!("ranges/{}/{n:02}.mp4", n % 5)).collect();
    for name in &names {
        bed.put(name, name.clone().into_bytes()).await;
    }
    let keys: BTreeSet<String> = names.iter().map(|name| bed.key(name)).collect();
    let (source, _) = bed.source("").await.expect("the source");
    let all = bed.key("ranges/");
    for name in ["ranges/2/3", "ranges/2/32.mp4", "ranges/1~", "ranges/", "q", "ranges/é", &names[0], "s"] {
        let after = bed.key(name);
        let page = source.list_after(&all, &after, 7).await;
        if !source.lists_from_any_key() {
            let error = page.map(drop).expect_err("it says that it cannot");
            assert_eq!(error.kind, SourceErrorKind::Unsupported, "{error}");
            continue;
        }
        let mut page = page.expect("a page");
        let mut listed = page.objects;
        assert!(listed.len() <= 7, "a page of {} for 7", listed.len());
        while let Some(next) = page.next {
            page = source.list(&all, Some(&next), 7).await.expect("a page");
            listed.extend(page.objects);
        }
        let listed: Vec<&String> = listed.iter().map(|object| &object.key).collect();
        assert_eq!(listed, keys.iter().filter(|key| **key > after).collect::<Vec<_>>(), "after {after:?}");
    }
    let serial = list_all(&*source, "", 1000).await;
    let options = ListOptions { parallel_at_first: 8, page: 5, ..ListOptions::default() };
    let (summary, batches) = super::listing::gather(source, options).await.expect("it is listed");
    assert_eq!(summary.objects, serial.len() as u64);
    let serial = serial.into_iter().map(|object| (object.key.clone(), object)).collect();
    assert_eq!(super::listing::valid(&batches), serial, "in ranges as page by page");
}

/// A read gives exactly the range, or an error.
pub(crate) async fn reads_ranges(bed: &dyn Bed) {
    let bytes: Vec<u8> = (0..700_001_u32).map(|n| (n % 251) as u8).collect();
    bed.put("ranges.mp4", bytes.clone()).await;
    let (source, key) = bed.source("ranges.mp4").await.expect("the source");
    let info = source.head(&key).await.expect("it is there");
    let size = bytes.len();
    assert_eq!((info.size_bytes, info.is_archived), (size as u64, false));
    assert!(source.has_ranges());
    for range in [
        0..size,
        0..1,
        0..100_000,
        1..2,
        262_143..262_145,
        350_000..700_001,
        size - 1..size,
        5..5,
        size..size,
    ] {
        let wanted = range.start as u64..range.end as u64;
        for etag in [None, Some(""), Some(info.etag.as_str())] {
            let got = read_range(&*source, &key, etag, wanted.clone()).await.expect("the range is there");
            assert!(got == bytes[range.clone()], "{range:?} gives {} bytes", got.len());
        }
    }
    let size = size as u64;
    for range in [0..size + 1, size - 1..size + 1, size..size + 1, size + 10..size + 20] {
        let beyond = read_range(&*source, &key, Some(&info.etag), range.clone()).await;
        assert_eq!(beyond.map_err(|error| error.kind).err(), Some(SourceErrorKind::Changed), "{range:?}");
    }
    bed.put("empty.mp4", Vec::new()).await;
    let (source, key) = bed.source("empty.mp4").await.expect("the source");
    let info = source.head(&key).await.expect("it is there");
    assert_eq!((info.size_bytes, read(&*source, &key, &info).await.expect("nothing")), (0, Vec::new()));
}

/// A read with an ETag never gives bytes of another version.
pub(crate) async fn tells_versions_apart(bed: &dyn Bed) {
    let version = |byte: u8| vec![byte; 6_000_000];
    bed.put("versions.mp4", version(b'1')).await;
    let (source, key) = bed.source("versions.mp4").await.expect("the source");
    let old = source.head(&key).await.expect("it is there");
    let mut body = source.read(&key, Some(&old.etag), 0..old.size_bytes).await.expect("the old version");
    let mut begun = body.next().await.expect("a first piece").expect("a first piece").to_vec();
    bed.put("versions.mp4", version(b'2')).await;

    let refused = read_range(&*source, &key, Some(&old.etag), 10..20).await;
    assert_eq!(refused.map_err(|error| error.kind).err(), Some(SourceErrorKind::Changed));
    let new = source.head(&key).await.expect("it is there");
    assert_ne!(new.etag, old.etag, "another version has another ETag");
    let read = read_range(&*source, &key, Some(&new.etag), 10..20).await.expect("the new version");
    assert_eq!(read, b"2222222222");
    // What was begun ends as it began, or not at all.
    while let Some(piece) = body.next().await {
        match piece {
            Ok(bytes) => begun.extend_from_slice(&bytes),
            Err(error) => {
                assert_eq!(error.kind, SourceErrorKind::Changed, "{error}");
                break;
            }
        }
    }
    assert!(begun.iter().all(|byte| *byte == b'1'), "two versions were mixed");
}

/// What is not there is `NotFound`, what is not allowed `Denied`; the address is told.
pub(crate) async fn says_what_is_wrong(bed: &dyn Bed) {
    bed.put("there.mp4", b"there".to_vec()).await;
    for key in ["gone.mp4", "there.mp4/below", "nowhere/gone.mp4"] {
        let missing = match bed.source(key).await {
            Ok((source, key)) => {
                let read = source.read(&key, None, 0..1).await.map(drop).expect_err("it is not there");
                assert_eq!(read.kind, SourceErrorKind::NotFound, "{read}");
                source.head(&key).await.map(drop)
            }
            Err(error) => Err(error),
        };
        let error = missing.expect_err("it is not there");
        assert_eq!(error.kind, SourceErrorKind::NotFound, "{error}");
        assert!(error.address.ends_with(&bed.key(key)), "{error}");
    }
    let Some(stranger) = bed.stranger().await else { return };
    let listed = stranger.list("", None, 10).await.map(drop);
    let head = stranger.head("there.mp4").await.map(drop);
    let read = stranger.read("there.mp4", None, 0..1).await.map(drop);
    for outcome in [listed, head, read] {
        let error = outcome.expect_err("strangers are kept out");
        // A key that is none is one that may not be used.
        let is_refused = matches!(error.kind, SourceErrorKind::Denied | SourceErrorKind::Credentials);
        assert!(is_refused, "{:?}: {error}", error.kind);
    }
}

/// All of it.
pub(crate) async fn conforms(bed: &dyn Bed) {
    keeps_odd_keys(bed).await;
    lists_in_pages(bed).await;
    lists_in_ranges(bed).await;
    reads_ranges(bed).await;
    tells_versions_apart(bed).await;
    says_what_is_wrong(bed).await;
}
