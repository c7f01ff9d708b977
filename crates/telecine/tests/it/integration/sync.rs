//! Synchronizations of a bucket that is simulated: it changes meanwhile, is slow, is left in the middle.

use std::collections::BTreeMap;
use std::ops::{Bound, Range};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use proptest::prelude::*;
use telecine::config::Config;
use telecine::fault::Code;
use telecine::ids::{IntegrationId, WorkspaceId};
use telecine::integration::{
    Integration, IntegrationStatus, Integrations, Provider, SyncReport, SyncRun, SyncState, SyncTrigger,
};
use telecine::source::{
    ByteStream, Count, Counts, ObjectInfo, Page, Source, SourceError, SourceErrorKind, Sources,
};
use telecine::store::sqlite::SqliteStore;
use telecine::store::{IntegrationStore as _, InventoryStore as _, KeyStore as _, Paging, SortBy};
use telecine::time::{Clock, SystemClock};
use telecine::vault::Vault;
use tokio::sync::Semaphore;

use crate::support::vaults::vault;

/// Etags by key.
pub(crate) type Objects = BTreeMap<String, String>;

#[derive(Debug, Clone)]
pub(crate) enum Change {
    Put(String, String),
    Remove(String),
}

/// A bucket that gives small pages.
#[derive(Debug)]
pub(crate) struct Bucket {
    objects: Mutex<Objects>,
    /// Keys of a page, at most.
    page: usize,
    /// Whether it lists in the order of bytes; else backwards.
    is_ordered: bool,
    /// What happens before the request with this number.
    changes: Mutex<Vec<(usize, Change)>>,
    requests: AtomicUsize,
    /// Each request takes one.
    permits: Semaphore,
    denied: Mutex<bool>,
}

impl Bucket {
    pub(crate) fn new(page: usize, is_ordered: bool, objects: Objects) -> Self {
        Self {
            objects: Mutex::new(objects),
            page,
            is_ordered,
            changes: Mutex::default(),
            requests: AtomicUsize::new(0),
            permits: Semaphore::new(Semaphore::MAX_PERMITS),
            denied: Mutex::new(false),
        }
    }

    /// Requests wait until they are let through, one by one.
    pub(crate) fn gated(self) -> Self {
        Self { permits: Semaphore::new(0), ..self }
    }

    pub(crate) fn let_through(&self, requests: usize) {
        self.permits.add_permits(requests);
    }

    fn place(&self, key: &str) -> String {
        match self.is_ordered {
            true => key.to_owned(),
            false => {
                key.chars().map(|c| char::from_u32(0x1_0000 - u32::from(c)).unwrap_or('\u{1}')).collect()
            }
        }
    }

    fn apply(&self, change: &Change) {
        let mut objects = self.objects.lock().unwrap();
        match change {
            Change::Put(key, etag) => objects.insert(key.clone(), etag.clone()),
            Change::Remove(key) => objects.remove(key),
        };
    }

    async fn page(&self, prefix: &str, after: Option<&str>, limit: u32) -> Result<Page, SourceError> {
        self.permits.acquire().await.expect("nobody closes it").forget();
        let number = self.requests.fetch_add(1, Ordering::SeqCst);
        let due: Vec<Change> = {
            let changes = self.changes.lock().unwrap();
            changes.iter().filter(|(at, _)| *at == number).map(|(_, change)| change.clone()).collect()
        };
        due.iter().for_each(|change| self.apply(change));
        if *self.denied.lock().unwrap() {
            return Err(SourceError {
                kind: SourceErrorKind::Denied,
                operation: "LIST",
                address: format!("s3://simulated/{prefix}"),
                detail: "AccessDenied".to_owned(),
            });
        }
        let objects = self.objects.lock().unwrap();
        let placed: BTreeMap<String, (&String, &String)> =
            objects.iter().map(|(key, etag)| (self.place(key), (key, etag))).collect();
        let begin = after.map_or(Bound::Unbounded, |after| Bound::Excluded(after.to_owned()));
        let mut found =
            placed.range((begin, Bound::Unbounded)).filter(|(_, (key, _))| key.starts_with(prefix));
        let here: Vec<_> = found.by_ref().take(self.page.min(limit as usize)).collect();
        let next = found.next().and_then(|_| here.last()).map(|(place, _)| (*place).clone());
        let objects = here.into_iter().map(|(_, (key, etag))| object(key, etag)).collect();
        Ok(Page { objects, next })
    }
}

fn object(key: &str, etag: &str) -> ObjectInfo {
    ObjectInfo {
        key: key.to_owned(),
        size_bytes: 1_000,
        etag: etag.to_owned(),
        modified_at: None,
        storage_class: String::new(),
        is_archived: false,
    }
}

/// The bucket, seen by a client.
#[derive(Debug)]
pub(crate) struct Door(Arc<Bucket>);

#[async_trait]
impl Source for Door {
    fn address(&self, key: &str) -> String {
        format!("s3://simulated/{key}")
    }

    async fn list(&self, prefix: &str, from: Option<&str>, limit: u32) -> Result<Page, SourceError> {
        self.0.page(prefix, from, limit).await
    }

    fn lists_from_any_key(&self) -> bool {
        true
    }

    async fn list_after(&self, prefix: &str, after: &str, limit: u32) -> Result<Page, SourceError> {
        self.0.page(prefix, Some(&self.0.place(after)), limit).await
    }

    async fn head(&self, key: &str) -> Result<ObjectInfo, SourceError> {
        unreachable!("a synchronization asks for no head, also not of {key}")
    }

    async fn read(&self, key: &str, _: Option<&str>, _: Range<u64>) -> Result<ByteStream, SourceError> {
        unreachable!("a synchronization reads nothing, also not {key}")
    }
}

/// Opens the one bucket for whatever integration.
#[derive(Debug, Clone)]
pub(crate) struct Only(pub(crate) Arc<Bucket>, Arc<Count<Door>>);

impl Only {
    pub(crate) fn new(bucket: Bucket) -> Self {
        let bucket = Arc::new(bucket);
        Self(bucket.clone(), Arc::new(Count::new(Door(bucket), "simulated")))
    }

    fn counts(&self) -> Arc<Counts> {
        self.1.counts()
    }
}

#[async_trait]
impl Sources for Only {
    async fn open(&self, _: &Integration) -> Result<Arc<dyn Source>, SourceError> {
        Ok(self.1.clone())
    }
}

pub(crate) struct Desk {
    pub(crate) store: SqliteStore,
    sources: Only,
    clock: SystemClock,
    config: Config,
    pub(crate) workspace: WorkspaceId,
    pub(crate) id: IntegrationId,
    _folder: tempfile::TempDir,
}

impl Desk {
    pub(crate) async fn new(bucket: Bucket) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = SqliteStore::open(folder.path().join("telecine.db")).await.expect("a database");
        let workspace = store.default_workspace(SystemClock.now()).await.expect("a workspace");
        let provider = Provider::Folder { path: "simulated".into() };
        let new = Integration {
            status: IntegrationStatus::Active,
            ..Integration::new(workspace, provider, "simulated", SystemClock.now())
        };
        store.insert_integration(&new).await.expect("it is made");
        let (sources, config) = (Only::new(bucket), Config::default());
        Self { store, sources, clock: SystemClock, config, workspace, id: new.id, _folder: folder }
    }

    fn bucket(&self) -> &Bucket {
        &self.sources.0
    }

    pub(crate) fn integrations<'a>(&'a self, vault: &'a Vault) -> Integrations<'a> {
        Integrations {
            store: &self.store,
            sources: &self.sources,
            vault,
            clock: &self.clock,
            config: &self.config,
        }
    }

    pub(crate) async fn synchronize(&self) -> telecine::fault::Result<SyncReport> {
        let vault = vault();
        let report =
            self.integrations(&vault).synchronize(self.workspace, self.id, SyncTrigger::Manual).await;
        report.map(|report| report.expect("the integration is there"))
    }

    /// Newest first.
    async fn runs(&self) -> Vec<SyncRun> {
        let paging = Paging { page: 1, limit: 50, sort_by: SortBy::CreatedAt, descending: true };
        self.store.sync_runs(self.id, paging).await.expect("runs").rows
    }

    /// What the ledger has of what is there.
    async fn ledger(&self) -> Objects {
        let (mut all, mut after) = (Objects::new(), None::<String>);
        loop {
            let some = self.store.inventory_after(self.id, after.as_deref(), None, 100).await.expect("rows");
            let Some(last) = some.last() else { return all };
            after = Some(last.key.clone());
            all.extend(some.into_iter().map(|item| (item.key, item.etag)));
        }
    }
}

fn films(numbers: Range<usize>) -> Objects {
    numbers.map(|number| (format!("films/{:02}/{number:06}.mp4", number % 7), "1".to_owned())).collect()
}

fn key() -> impl Strategy<Value = String> {
    "[abc/é\u{1}]{1,3}".prop_map(|stem| format!("{stem}x.mp4"))
}

fn changes() -> impl Strategy<Value = Vec<(usize, Change)>> {
    let change = prop_oneof![
        (key(), "[12]").prop_map(|(key, etag)| Change::Put(key, etag)),
        key().prop_map(Change::Remove),
    ];
    prop::collection::vec((0_usize..20, change), 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(80))]

    #[test]
    fn nothing_is_lost_or_doubled_while_the_bucket_changes(
        objects in prop::collection::btree_map(key(), "[12]", 0..40),
        known in prop::collection::btree_map(key(), "[12]", 0..40),
        changes in changes(),
        is_ordered: bool,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let desk = Desk::new(Bucket::new(3, is_ordered, known.clone())).await;
            assert_eq!(desk.synchronize().await.unwrap().items, known.len() as u64);
            assert_eq!(desk.ledger().await, known);
            let first = desk.bucket().requests.load(Ordering::SeqCst);
            *desk.bucket().objects.lock().unwrap() = objects.clone();
            let touched: Vec<&String> = changes.iter().map(|(_, change)| match change {
                Change::Put(key, _) | Change::Remove(key) => key,
            }).collect();
            let later = changes.iter().map(|(at, change)| (first + at, change.clone())).collect();
            *desk.bucket().changes.lock().unwrap() = later;
            desk.synchronize().await.unwrap();
            // What was there all the time is known as it is, and what was never there is not.
            let ledger = desk.ledger().await;
            for key in objects.keys().chain(known.keys()).filter(|key| !touched.contains(key)) {
                assert_eq!(ledger.get(key), objects.get(key), "{key:?}");
            }
            // When the bucket is quiet again, the next one sees all that was missed.
            desk.bucket().changes.lock().unwrap().clear();
            let now = desk.bucket().objects.lock().unwrap().clone();
            let report = desk.synchronize().await.unwrap();
            assert_eq!(desk.ledger().await, now);
            let new = now.keys().filter(|key| !ledger.contains_key(*key)).count() as u64;
            let gone = ledger.keys().filter(|key| !now.contains_key(*key)).count() as u64;
            assert_eq!((report.items, report.added, report.removed), (now.len() as u64, new, gone));
            let report = desk.synchronize().await.unwrap();
            assert_eq!((report.added, report.changed, report.removed), (0, 0, 0));
        });
    }
}

/// A listing that changes nothing asks for pages, and for single keys where it splits itself; for nothing else.
#[tokio::test]
async fn a_synchronization_without_a_change_costs_pages_only() {
    for (number, parallel, is_ordered) in [(2_500, 1, true), (2_500, 16, false), (40_500, 16, true)] {
        let mut desk = Desk::new(Bucket::new(1_000, is_ordered, films(0..number))).await;
        desk.config.integrations.parallel_lists = parallel;
        desk.synchronize().await.expect("a listing");
        let counts = desk.sources.counts();
        let before = counts.lists();
        let report = desk.synchronize().await.expect("a listing");
        assert_eq!(
            report,
            SyncReport { items: number as u64, videos: number as u64, ..SyncReport::default() }
        );
        let asked = counts.lists() - before;
        let pages = number.div_ceil(1_000) as u64;
        // A range that is split ends in the middle of a page, and looking for where to split takes some single keys.
        let most = if parallel == 1 || !is_ordered { pages } else { pages + 16 + 16 * 40 };
        assert!((pages..=most).contains(&asked), "{asked} requests for {pages} pages, {parallel} at once");
        assert_eq!(counts.heads() + counts.reads(), 0);
        // Whoever is at the end does not wait for what it had asked for to split.
        let told = desk.runs().await[0].requests;
        assert!((pages..=asked).contains(&told), "and it says how many: {told} of {asked}");
    }
}

#[tokio::test]
async fn one_that_is_left_in_the_middle_goes_on_where_it_was() {
    let desk = Desk::new(Bucket::new(10, true, films(0..200)).gated()).await;
    desk.bucket().let_through(5);
    // Whoever works on it goes away, as in a crash: its last words are those in the database.
    let killed = tokio::time::timeout(std::time::Duration::from_secs(1), desk.synchronize()).await;
    killed.expect_err("it waits for pages");
    let run = desk.runs().await.remove(0);
    assert_eq!(run.state, SyncState::Running);
    assert!(run.left.is_some() && (10..=50).contains(&run.listed), "{run:?}");
    assert_eq!(desk.store.break_sync_claims().await.expect("a new start"), 1);
    let before = desk.sources.counts().lists();
    desk.bucket().let_through(1_000);
    let report = desk.synchronize().await.expect("it goes on");
    assert_eq!(report, SyncReport { items: 200, videos: 200, added: 200, changed: 0, removed: 0 });
    let ended = desk.runs().await.remove(0);
    assert_eq!((ended.id, ended.state), (run.id, SyncState::Done), "the same one");
    assert!(desk.sources.counts().lists() - before < 200 / 10 + 100, "what was listed is not listed again");
    assert_eq!(desk.ledger().await, films(0..200));
}

#[tokio::test]
async fn who_asks_meanwhile_waits_for_the_one_that_goes_on() {
    let desk = Desk::new(Bucket::new(10, true, films(0..100)).gated()).await;
    let both = async { tokio::join!(desk.synchronize(), desk.synchronize()) };
    let later = async {
        tokio::task::yield_now().await;
        desk.bucket().let_through(1_000);
    };
    let ((one, other), ()) = tokio::join!(both, later);
    assert_eq!(one.expect("a listing"), other.expect("the same listing"));
    assert_eq!(desk.runs().await.len(), 1);
}

#[tokio::test]
async fn one_that_is_cancelled_ends_and_leaves_what_it_found() {
    let desk = Desk::new(Bucket::new(10, true, films(0..100)).gated()).await;
    desk.bucket().let_through(3);
    let cancelling = async {
        loop {
            let runs = desk.runs().await;
            if let Some(run) = runs.first().filter(|run| run.listed > 0) {
                break assert!(
                    desk.store.cancel_sync(desk.id, run.id, SystemClock.now()).await.expect("done")
                );
            }
            tokio::task::yield_now().await;
        }
    };
    let (synchronized, ()) = tokio::join!(desk.synchronize(), cancelling);
    let error = synchronized.expect_err("it was cancelled");
    assert_eq!(error.as_fault().map(|fault| fault.code), Some(Code::SyncCancelled));
    assert!(!desk.ledger().await.is_empty(), "what was found stays");
    assert_eq!(desk.runs().await[0].state, SyncState::Cancelled);
}

#[tokio::test]
async fn one_that_fails_says_why_and_takes_nothing_for_gone() {
    let desk = Desk::new(Bucket::new(10, true, films(0..100))).await;
    desk.synchronize().await.expect("a listing");
    *desk.bucket().denied.lock().unwrap() = true;
    let error = desk.synchronize().await.expect_err("it may not be listed");
    assert_eq!(error.as_fault().map(|fault| fault.code), Some(Code::ListDenied));
    let run = desk.runs().await.remove(0);
    assert_eq!((run.state, run.fault.map(|fault| fault.code)), (SyncState::Failed, Some(Code::ListDenied)));
    assert_eq!(desk.ledger().await, films(0..100));
    *desk.bucket().denied.lock().unwrap() = false;
    let report = desk.synchronize().await.expect("a listing");
    assert_eq!(report, SyncReport { items: 100, videos: 100, ..SyncReport::default() });
}
