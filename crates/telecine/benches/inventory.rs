//! What the ledger of a large bucket costs on SQLite, in a file on this machine. Prints a Markdown table.
//!
//! `cargo bench -p telecine --bench inventory [-- OBJECTS]` (1,000,000 if not given). Wall-clock time, durable (WAL,
//! FULL): a busy machine or a slow disk shows. SQLite is optimised in the profile `dev`, too.

use std::future::Future;
use std::time::{Duration, Instant};

use telecine::ids::{IndexId, IntegrationId, TaskId};
use telecine::index::{EngineSpec, Index, IndexModels, ModelOption, ModelRef};
use telecine::integration::{
    Filters, Integration, IntegrationStatus, InventoryItem, KeyRange, ObjectFilter, ObjectState, Provider,
    Rules, SyncClaim, SyncEnd, SyncFound, SyncTrigger,
};
use telecine::source::ObjectInfo;
use telecine::store::sqlite::SqliteStore;
use telecine::store::{
    IndexStore as _, IntegrationStore as _, InventoryStore as _, KeyStore as _, Merge, ObjectPage,
    TaskStore as _,
};
use telecine::time::{Clock as _, SystemClock, Timestamp};
use telecine::transfer::{NewTask, ObjectRef, Scheme, TaskSource};

/// Objects that are written at once, as a listing of 16 pages brings them.
const BATCH: usize = 16_000;

fn now() -> Timestamp {
    SystemClock.now()
}

fn row(what: &str, how_much: &str, cost: &str) {
    println!("| {what} | {how_much} | {cost} |");
}

async fn timed<T>(work: impl Future<Output = T>) -> (T, f64) {
    let start = Instant::now();
    let result = work.await;
    (result, start.elapsed().as_secs_f64())
}

struct Bench {
    store: SqliteStore,
    id: IntegrationId,
    number: usize,
    rules: Rules,
}

fn key(number: usize) -> String {
    let extension = if number.is_multiple_of(10) { "srt" } else { "mp4" };
    format!("2023/{:03}/recording-{number:08}.{extension}", number / 10_000)
}

#[tokio::main]
async fn main() {
    let number = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(1_000_000);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("telecine.db");
    let store = SqliteStore::open(&path).await.expect("a database");
    let workspace = store.default_workspace(now()).await.expect("a workspace");
    let integration = Integration {
        status: IntegrationStatus::Active,
        ..Integration::new(workspace, Provider::Folder { path: "films".into() }, "films", now())
    };
    store.insert_integration(&integration).await.expect("it is made");
    let rules = Filters::default().rules().expect("rules");
    let bench = Bench { store, id: integration.id, number, rules };
    println!("| what | how much | cost |\n| --- | --- | --- |");
    bench.synchronize("first synchronization").await;
    bench.synchronize("synchronization without a change").await;
    let index = bench.tasks(workspace).await;
    bench.ask(index).await;
    bench.store.close().await;
    let size = std::fs::metadata(&path).expect("the database").len();
    row("database", "at the end", &format!("{} MB", size / 1_000_000));
}

impl Bench {
    fn item(&self, number: usize) -> InventoryItem {
        let object = ObjectInfo {
            key: key(number),
            size_bytes: 50_000_000,
            etag: format!("{number:032x}"),
            modified_at: Some(Timestamp::from_millis(1_700_000_000_000)),
            storage_class: "STANDARD".to_owned(),
            is_archived: false,
        };
        InventoryItem::of(object, &self.rules)
    }

    async fn claim(&self) -> SyncClaim {
        let (run, _) = self.store.begin_sync(self.id, SyncTrigger::Manual, now()).await.expect("begun");
        let until = now().after(Duration::from_secs(3600));
        self.store.claim_sync(run.id, now(), until).await.expect("claimed").expect("nobody has it").0
    }

    async fn synchronize(&self, what: &str) {
        let claim = self.claim().await;
        let mut seconds = 0.0;
        let mut after = None;
        for start in (0..self.number).step_by(BATCH) {
            let end = self.number.min(start + BATCH);
            let items: Vec<InventoryItem> = (start..end).map(|number| self.item(number)).collect();
            let until = items.last().map(|item| item.key.clone()).filter(|_| end < self.number);
            let range = KeyRange { after: after.take(), until: until.clone() };
            after = until;
            let found = vec![SyncFound::Range { range, items }];
            let part = Merge { found, left: Some(vec![KeyRange::default()]), requests: 16 };
            let (merged, took) = timed(self.store.merge(&claim, &part, now())).await;
            merged.expect("merged").expect("fresh");
            seconds += took;
        }
        let (ended, took) = timed(self.store.end_sync(&claim, &SyncEnd::Done, now())).await;
        let report = ended.expect("ended").expect("fresh").report();
        let rate = self.number as f64 / (seconds + took);
        row(what, &format!("{} objects, {} new", report.items, report.added), &format!("{rate:.0}/s"));
    }

    /// Every tenth object was sent to an index.
    async fn tasks(&self, workspace: telecine::ids::WorkspaceId) -> IndexId {
        let model = |dim| ModelRef { id: "model".to_owned(), dim };
        let engine = EngineSpec { name: "marengo2.6".to_owned(), options: ModelOption::ALL.into() };
        let index = Index {
            id: IndexId::generate(now()),
            workspace,
            name: "bench".to_owned(),
            engines: vec![engine],
            addons: Vec::new(),
            models: IndexModels { see: model(8), hear: model(0), read: model(0), words: model(8) },
            created_at: now(),
            updated_at: now(),
        };
        self.store.insert_index(&index).await.expect("an index");
        let transfer = telecine::ids::TransferId::generate(now());
        self.store.begin_transfer(workspace, transfer, now()).await.expect("begun");
        let numbers: Vec<usize> = (1..self.number).step_by(10).collect();
        for some in numbers.chunks(10_000) {
            let task = |number: &usize| NewTask {
                id: TaskId::generate(now()),
                index: index.id,
                source: TaskSource::Object(ObjectRef {
                    scheme: Scheme::Folder,
                    integration: self.id,
                    bucket: "films".to_owned(),
                    key: key(*number),
                }),
                transcription: None,
                language: "en".to_owned(),
                user_metadata: None,
                allows_duplicate: false,
                without_stream: false,
            };
            let tasks: Vec<NewTask> = some.iter().map(task).collect();
            self.store.add_tasks(transfer, &tasks, now()).await.expect("added");
        }
        self.store.accept_transfer(transfer, now()).await.expect("accepted");
        index.id
    }

    async fn ask(&self, index: IndexId) {
        let all = ObjectFilter::default();
        let (told, seconds) = timed(self.store.statistics(self.id, &all)).await;
        let items = told.expect("statistics").items;
        row("statistics", &format!("{items} objects"), &format!("{:.0} ms", seconds * 1e3));
        let not_indexed =
            ObjectFilter { state: ObjectState::NotIndexed, index: Some(index), ..ObjectFilter::default() };
        let globs = Filters { include: vec!["**/*0.mp4".to_owned()], ..Filters::default() };
        let rules = Some(globs.rules().expect("rules"));
        let by_glob = ObjectFilter { rules, ..ObjectFilter::default() };
        let failed = ObjectFilter { state: ObjectState::Failed, ..ObjectFilter::default() };
        let number = |page| ObjectPage::Number { page, limit: 50 };
        let after = || ObjectPage::After { key: Some(key(self.number / 2)), limit: 50 };
        for (what, filter, page) in [
            ("first page of all", &all, number(1)),
            ("page 1000 of all", &all, number(1000)),
            ("50 after a key in the middle", &all, after()),
            ("first page not indexed", &not_indexed, number(1)),
            ("50 not indexed after a key", &not_indexed, after()),
            ("first page by glob", &by_glob, number(1)),
            ("first page failed", &failed, number(1)),
        ] {
            let (page, seconds) = timed(self.store.objects(self.id, filter, &page)).await;
            let total = page.expect("a page").total;
            row(what, &format!("{total} counted"), &format!("{:.0} ms", seconds * 1e3));
        }
    }
}
