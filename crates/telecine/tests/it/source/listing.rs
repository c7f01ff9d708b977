//! The listing of everything, against a store that is simulated: in this order or that, while keys come and go, while
//! it asks to go slower. On real servers: beside the suite of each.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Bound, Range};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use proptest::prelude::*;
use telecine::source::listing::{Batch, KeyRange, ListOptions, ListingSummary, list_all};
use telecine::source::{ByteStream, ObjectInfo, Page, Source, SourceError, SourceErrorKind};
use tokio::sync::mpsc;

/// In which order a store lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Bytes,
    /// As SeaweedFS does: name by name, where a folder's name is one without its slash.
    Names,
    /// In the order of bytes, but for keys with `x`, which come after those with `f`: who lists in ranges may see only
    /// order.
    Moved,
    /// As directory buckets do: by chance, and only from the start.
    Chance,
    /// In the order of bytes, but who begins after the bare name of a folder does not see what is in it. SeaweedFS does
    /// that, too.
    Skips,
    /// In the order of bytes, but where it shall begin it does not listen to.
    Deaf,
}

impl Order {
    fn place(self, key: &str) -> String {
        match self {
            Self::Bytes | Self::Skips | Self::Deaf => key.to_owned(),
            Self::Names => key.replace('\u{1}', "\u{1}\u{2}").replace('\0', "\u{1}\u{1}").replace('/', "\0"),
            Self::Moved if key.starts_with('x') => format!("f\u{10ffff}{key}"),
            Self::Moved => key.to_owned(),
            Self::Chance => blake3::hash(key.as_bytes()).to_hex().to_string(),
        }
    }
}

#[derive(Debug, Clone)]
enum Change {
    Add(String),
    Remove(String),
}

#[derive(Debug)]
struct Simulated {
    order: Order,
    keys: Mutex<BTreeSet<(String, String)>>,
    /// What happens before the request with this number.
    changes: Vec<(usize, Change)>,
    /// Every request with a multiple of this number is refused.
    throttles: Option<usize>,
    /// How long requests take, in turns of the others.
    turns: Vec<u8>,
    requests: AtomicUsize,
}

impl Simulated {
    fn new(order: Order, keys: impl IntoIterator<Item = String>) -> Self {
        let keys = keys.into_iter().map(|key| (order.place(&key), key)).collect();
        let keys = Mutex::new(keys);
        let requests = AtomicUsize::new(0);
        Self { order, keys, changes: Vec::new(), throttles: None, turns: vec![0], requests }
    }

    fn keys(&self) -> BTreeSet<String> {
        self.keys.lock().unwrap().iter().map(|(_, key)| key.clone()).collect()
    }

    fn has_folder(&self, name: &str) -> bool {
        let begin = format!("{name}/");
        let keys = self.keys.lock().unwrap();
        keys.range((begin.clone(), String::new())..)
            .next()
            .is_some_and(|(place, _)| place.starts_with(&begin))
    }

    async fn page(&self, prefix: &str, after: Option<String>, limit: u32) -> Result<Page, SourceError> {
        let number = self.requests.fetch_add(1, Ordering::SeqCst);
        for _ in 0..self.turns[number % self.turns.len()] {
            tokio::task::yield_now().await;
        }
        let mut keys = self.keys.lock().unwrap();
        for (_, change) in self.changes.iter().filter(|(at, _)| *at == number) {
            match change {
                Change::Add(key) => keys.insert((self.order.place(key), key.clone())),
                Change::Remove(key) => keys.remove(&(self.order.place(key), key.clone())),
            };
        }
        if self.throttles.is_some_and(|every| number % every == every - 1) {
            return Err(SourceError {
                kind: SourceErrorKind::Throttled,
                operation: "LIST",
                address: self.address(prefix),
                detail: "SlowDown".to_owned(),
            });
        }
        // No other key has the same place, and no key is above this.
        let begin = after.map_or(Bound::Unbounded, |after| Bound::Excluded((after, "\u{10ffff}".repeat(9))));
        let behind = keys.range((begin, Bound::Unbounded));
        let mut found = behind.filter(|(_, key)| key.starts_with(prefix));
        let here: Vec<_> = found.by_ref().take(limit as usize).cloned().collect();
        let next = found.next().and_then(|_| here.last()).map(|(place, _)| place.clone());
        Ok(Page { objects: here.into_iter().map(|(_, key)| object(key)).collect(), next })
    }
}

fn object(key: String) -> ObjectInfo {
    ObjectInfo {
        size_bytes: key.len() as u64,
        key,
        etag: "e".to_owned(),
        modified_at: None,
        storage_class: String::new(),
        is_archived: false,
    }
}

#[async_trait]
impl Source for Simulated {
    fn address(&self, key: &str) -> String {
        format!("s3://simulated/{key}")
    }

    async fn list(&self, prefix: &str, from: Option<&str>, limit: u32) -> Result<Page, SourceError> {
        self.page(prefix, from.map(str::to_owned), limit).await
    }

    fn lists_from_any_key(&self) -> bool {
        // A directory bucket is not known from others by its client.
        true
    }

    async fn list_after(&self, prefix: &str, after: &str, limit: u32) -> Result<Page, SourceError> {
        match self.order {
            Order::Chance => Err(SourceError {
                kind: SourceErrorKind::Unsupported,
                operation: "LIST",
                address: self.address(prefix),
                detail: "StartAfter is not supported".to_owned(),
            }),
            Order::Deaf => self.page(prefix, None, limit).await,
            Order::Skips if self.has_folder(after) => {
                self.page(prefix, Some(format!("{after}/\u{10ffff}")), limit).await
            }
            order => self.page(prefix, Some(order.place(after)), limit).await,
        }
    }

    async fn head(&self, _: &str) -> Result<ObjectInfo, SourceError> {
        unreachable!("a listing asks for no heads")
    }

    async fn read(&self, _: &str, _: Option<&str>, _: Range<u64>) -> Result<ByteStream, SourceError> {
        unreachable!("a listing reads no bytes")
    }
}

/// Lists into memory.
pub(crate) async fn gather(
    source: Arc<dyn Source>,
    options: ListOptions,
) -> Result<(ListingSummary, Vec<Batch>), SourceError> {
    let (out, mut batches) = mpsc::channel(1);
    let listing = tokio::spawn(list_all(source, options, out));
    let mut all = Vec::new();
    while let Some(batch) = batches.recv().await {
        all.push(batch);
    }
    Ok((listing.await.expect("no panic")?, all))
}

/// What was told since the listing last started over; no key twice.
#[track_caller]
pub(crate) fn valid(batches: &[Batch]) -> BTreeMap<String, ObjectInfo> {
    let begin = batches.iter().rposition(|batch| batch.starts_over).unwrap_or(0);
    let mut told = BTreeMap::new();
    for object in batches[begin..].iter().flat_map(|batch| &batch.objects) {
        let before = told.insert(object.key.clone(), object.clone());
        assert_eq!(before, None, "it is told twice");
    }
    told
}

#[track_caller]
fn told(batches: &[Batch]) -> BTreeSet<String> {
    valid(batches).into_keys().collect()
}

/// That these ranges together are all keys, each once.
#[track_caller]
fn assert_whole(mut ranges: Vec<KeyRange>) {
    ranges.sort_by(|one, other| one.after.cmp(&other.after));
    let mut end = None;
    for (n, range) in ranges.iter().enumerate() {
        assert_eq!(range.after, end, "range {n} of {ranges:?}");
        assert!(range.until.is_some() || n + 1 == ranges.len(), "{ranges:?}");
        end.clone_from(&range.until);
    }
    assert_eq!(end, None, "{ranges:?}");
}

/// That each batch covers what it says, and that what is covered and what is left are everything, all along.
#[track_caller]
fn assert_accounts(batches: &[Batch]) {
    let mut covered = Vec::new();
    for batch in batches {
        let covers = batch.covers.clone().expect("the order is that of bytes");
        assert!(batch.objects.is_sorted_by(|one, other| one.key < other.key));
        for object in &batch.objects {
            let is_in = covers.after.as_ref().is_none_or(|after| object.key > *after)
                && covers.until.as_ref().is_none_or(|until| object.key <= *until);
            assert!(is_in, "{:?} is not in {covers:?}", object.key);
        }
        covered.push(covers);
        let left = batch.left.clone().expect("it can be resumed");
        assert_whole(covered.iter().cloned().chain(left).collect());
    }
}

/// Keys as people make them: in folders, numbered, odd.
fn a_key() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => (0..4_u8, 0..300_u16).prop_map(|(folder, n)| format!("videos/202{folder}/clip-{n:05}.mp4")),
        2 => (0..3_u8, 0..3_u8, "[a-z]{0,2}").prop_map(|(a, b, c)| format!("a/{a}/{b}-{c}")),
        1 => "[a-c/. -]{1,6}",
        1 => "[a-z][a-z0-9]",
        1 => any::<String>(),
        1 => prop::collection::vec(any::<char>(), 0..4).prop_map(String::from_iter),
        1 => "odd[-/][a-c]{1,2}",
        1 => "(\u{10ffff}|\u{e000}|\u{d7ff}|\u{7f}|\u{1}){1,5}",
    ]
}

fn orders() -> impl Strategy<Value = Order> {
    let others = vec![Order::Names, Order::Skips, Order::Moved, Order::Chance, Order::Deaf];
    prop_oneof![Just(Order::Bytes), prop::sample::select(others)]
}

fn changes() -> impl Strategy<Value = Vec<(usize, bool, String)>> {
    prop::collection::vec((0..60_usize, any::<bool>(), a_key()), 0..60)
}

fn options() -> impl Strategy<Value = ListOptions> {
    let prefixes = prop::sample::select(vec!["", "", "videos/", "videos/2021/cl", "a/", "odd", "none"]);
    (prefixes, 1..20_usize, 1..20_usize, 1..12_u32).prop_map(|(prefix, parallel, first, page)| ListOptions {
        parallel,
        parallel_at_first: first,
        pause: Duration::from_millis(1),
        page,
        ..ListOptions::below(prefix)
    })
}

/// Without keys that are folders of others: what skips folders keeps keys as files, where a name is either.
fn as_in_folders(keys: &mut BTreeSet<String>, changes: &mut Vec<(usize, bool, String)>) {
    let all: Vec<String> = keys.iter().chain(changes.iter().map(|(.., key)| key)).cloned().collect();
    let is_file = |key: &String| !all.iter().any(|other| other.starts_with(&format!("{key}/")));
    keys.retain(is_file);
    changes.retain(|(.., key)| is_file(key));
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime").block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig::default())]

    #[test]
    fn every_key_that_stays_is_told_once(
        mut keys in prop::collection::btree_set(a_key(), 0..200),
        mut changes in changes(),
        order in orders(),
        throttles in prop::option::weighted(0.2, 3..20_usize),
        turns in prop::collection::vec(0..5_u8, 1..7),
        options in options(),
    ) {
        if matches!(order, Order::Skips) {
            as_in_folders(&mut keys, &mut changes);
        }
        let mut store = Simulated::new(order, keys.clone());
        store.changes = changes
            .iter()
            .map(|(at, adds, key)| (*at, if *adds { Change::Add(key.clone()) } else { Change::Remove(key.clone()) }))
            .collect();
        (store.throttles, store.turns) = (throttles, turns);
        let (prefix, parallel) = (options.prefix.clone(), options.parallel);
        let (summary, batches) = run(gather(Arc::new(store), options)).expect("it is listed");
        let told = told(&batches);
        let touched: BTreeSet<&String> = changes.iter().map(|(_, _, key)| key).collect();
        for key in keys.iter().filter(|key| key.starts_with(&prefix)) {
            prop_assert!(told.contains(key) || touched.contains(key), "{key:?} is lost");
        }
        for key in &told {
            prop_assert!(keys.contains(key) || touched.contains(key), "{key:?} was never there");
            prop_assert!(key.starts_with(&prefix));
        }
        prop_assert_eq!(summary.objects, told.len() as u64);
        prop_assert_eq!(summary.bytes, told.iter().map(|key| key.len() as u64).sum::<u64>());
        prop_assert!(summary.is_complete && summary.widest <= parallel);
        if summary.was_ordered {
            assert_accounts(&batches);
        } else if changes.is_empty() {
            prop_assert!(!matches!(order, Order::Bytes | Order::Deaf), "{:?} is ordered", order);
        }
    }

    #[test]
    fn what_was_left_is_listed_later(
        keys in prop::collection::btree_set(a_key(), 0..200),
        turns in prop::collection::vec(0..5_u8, 1..7),
        options in options(),
        stops in prop::collection::vec(0..10_usize, 0..5),
    ) {
        let mut store = Simulated::new(Order::Bytes, keys.clone());
        store.turns = turns;
        let store = Arc::new(store);
        let (mut batches, mut left) = (Vec::<Batch>::new(), None);
        for stop in stops.into_iter().map(Some).chain([None]) {
            let options = ListOptions { resume: left.clone(), ..options.clone() };
            let (summary, some) = run(async {
                let (out, mut told) = mpsc::channel(1);
                let listing = tokio::spawn(list_all(store.clone(), options, out));
                let mut some = Vec::new();
                while stop.is_none_or(|stop| some.len() <= stop) {
                    let Some(batch) = told.recv().await else { break };
                    some.push(batch);
                }
                drop(told);
                (listing.await.expect("no panic").expect("it is listed"), some)
            });
            prop_assert!(summary.is_complete || stop.is_some());
            left = some.last().map_or(left, |batch| batch.left.clone());
            batches.extend(some);
        }
        prop_assert_eq!(left, Some(Vec::new()));
        let expected: BTreeSet<String> = keys.into_iter().filter(|key| key.starts_with(&options.prefix)).collect();
        prop_assert_eq!(told(&batches), expected);
        assert_accounts(&batches);
    }
}

fn numbered(n: usize) -> Vec<String> {
    (0..n).map(|n| format!("videos/2024/{:02}/clip-{n:06}.mp4", n % 12 + 1)).collect()
}

#[tokio::test]
async fn a_long_listing_is_split_evenly_by_few_probes() {
    let store = Arc::new(Simulated { turns: vec![3], ..Simulated::new(Order::Bytes, numbered(20_000)) });
    let options = ListOptions { parallel_at_first: 16, page: 20, ..ListOptions::default() };
    let (summary, batches) = gather(store.clone(), options).await.expect("it is listed");
    assert_eq!(told(&batches), store.keys());
    assert!(summary.was_ordered);
    // How wide it stays depends on how fast this machine is just now.
    assert!((4..=16).contains(&summary.widest), "{summary:?}");
    // 1000 pages are needed; each split costs the rest of one. Far fewer splits would leave one to list the most.
    assert!((1008..1300).contains(&summary.pages), "{summary:?}");
    assert!(summary.probes < 1000, "{summary:?}");
}

#[tokio::test]
async fn a_store_that_lists_by_names_is_found_out_though_the_first_pages_look_well() {
    let mut keys = numbered(500);
    keys.extend((0..500).map(|n| format!("w{}{n:03}", ["/", "-"][n % 2])));
    for parallel in [1, 8] {
        let store = Arc::new(Simulated { turns: vec![1], ..Simulated::new(Order::Names, keys.clone()) });
        let options = ListOptions { parallel, parallel_at_first: 8, page: 20, ..ListOptions::default() };
        let (summary, batches) = gather(store.clone(), options).await.expect("it is listed");
        assert_eq!(told(&batches), store.keys());
        assert!(!summary.was_ordered);
        let anew = batches.iter().position(|batch| batch.starts_over).expect("it starts over");
        assert!(anew > 0);
        assert!(batches[anew..].iter().all(|batch| batch.covers.is_none() && batch.left.is_none()));
        assert_eq!(batches.iter().filter(|batch| batch.starts_over).count(), 1);
        // What is known from before need not be found out again.
        let options = ListOptions { tries_order: false, page: 20, ..ListOptions::default() };
        let (summary, again) = gather(store, options).await.expect("it is listed");
        assert_eq!((summary.pages, summary.probes, summary.objects), (50, 0, 1000));
        assert!(!again[0].starts_over);
    }
}

#[tokio::test]
async fn a_store_that_skips_folders_is_listed_whole_and_in_ranges() {
    // Three years of twelve months: all splits fall on folders.
    let keys = (0..36).flat_map(|month| {
        (0..200)
            .map(move |n| format!("recordings/{}/{:02}/clip-{n:06}.mp4", 2022 + month / 12, month % 12 + 1))
    });
    for parallel_at_first in [2, 8] {
        let store = Arc::new(Simulated { turns: vec![1, 2], ..Simulated::new(Order::Skips, keys.clone()) });
        let options = ListOptions { parallel_at_first, page: 50, ..ListOptions::default() };
        let (summary, batches) = gather(store.clone(), options).await.expect("it is listed");
        assert_eq!(told(&batches), store.keys());
        assert!(summary.was_ordered && summary.widest > 1, "{summary:?}");
        assert_accounts(&batches);
    }
}

#[tokio::test]
async fn ranges_that_do_not_fit_together_are_found_out() {
    let keys: Vec<String> = ('a'..='z').flat_map(|c| (0..40).map(move |n| format!("{c}{n:02}"))).collect();
    let store = Arc::new(Simulated { turns: vec![1], ..Simulated::new(Order::Moved, keys) });
    let options = ListOptions { parallel_at_first: 2, page: 10, ..ListOptions::default() };
    let (summary, batches) = gather(store.clone(), options).await.expect("it is listed");
    assert_eq!(told(&batches), store.keys());
    assert!(!summary.was_ordered && summary.widest > 1);
}

#[tokio::test]
async fn a_listing_ends_when_nobody_listens() {
    let store = Arc::new(Simulated::new(Order::Bytes, numbered(5_000)));
    let (out, mut batches) = mpsc::channel(1);
    let options = ListOptions { page: 10, parallel_at_first: 4, ..ListOptions::default() };
    let listing = tokio::spawn(list_all(store.clone(), options, out));
    batches.recv().await.expect("a batch");
    drop(batches);
    let summary = listing.await.expect("no panic").expect("no failure");
    assert!(!summary.is_complete);
    assert!(store.requests.load(Ordering::SeqCst) < 100);
}

#[tokio::test]
async fn a_store_that_never_stops_complaining_is_given_up() {
    let store = Simulated { throttles: Some(1), ..Simulated::new(Order::Bytes, numbered(10)) };
    let store = Arc::new(store);
    let options = ListOptions { pause: Duration::from_micros(10), ..ListOptions::default() };
    let error = gather(store.clone(), options.clone()).await.expect_err("it is throttled");
    assert_eq!(error.kind, SourceErrorKind::Throttled);
    assert_eq!(store.requests.load(Ordering::SeqCst), 9);
    let options = ListOptions { tries_order: false, ..options };
    let error = gather(store, options).await.expect_err("it is throttled");
    assert_eq!(error.kind, SourceErrorKind::Throttled);
}

/// A source of another kind of failure or none.
#[derive(Debug)]
struct Endless;

#[async_trait]
impl Source for Endless {
    fn address(&self, key: &str) -> String {
        format!("s3://endless/{key}")
    }

    async fn list(&self, _: &str, from: Option<&str>, _: u32) -> Result<Page, SourceError> {
        let next = from.map_or(0, |from| from.parse::<u32>().expect("a number")) + 1;
        Ok(Page { objects: Vec::new(), next: Some(next.to_string()) })
    }

    async fn head(&self, _: &str) -> Result<ObjectInfo, SourceError> {
        unreachable!("a listing asks for no heads")
    }

    async fn read(&self, _: &str, _: Option<&str>, _: Range<u64>) -> Result<ByteStream, SourceError> {
        unreachable!("a listing reads no bytes")
    }
}

#[tokio::test]
async fn pages_without_keys_do_not_go_on_for_ever() {
    for tries_order in [true, false] {
        let options = ListOptions { tries_order, ..ListOptions::default() };
        let error = gather(Arc::new(Endless), options).await.expect_err("there is no end");
        assert_eq!(error.kind, SourceErrorKind::Unavailable, "{error}");
    }
}
