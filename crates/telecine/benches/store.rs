//! What the store costs on SQLite, in a file on this machine. Prints a Markdown table.
//!
//! `cargo bench -p telecine --bench store [-- TASKS]`: TASKS is how many tasks wait (1,000,000 if not given).
//! Wall-clock time, durable (WAL, FULL): a busy machine or a slow disk shows.

use std::future::Future;
use std::time::{Duration, Instant};

use telecine::ids::{IndexId, IntegrationId, TaskId, TransferId, WorkspaceId};
use telecine::index::{EngineSpec, Index, IndexModels, ModelOption, ModelRef};
use telecine::queue::Claim;
use telecine::store::sqlite::SqliteStore;
use telecine::store::{
    IndexStore as _, KeyStore as _, Paging, SearchStore as _, SortBy, TaskFilter, TaskStore as _, WordQuery,
};
use telecine::time::{Clock as _, MediaTime, SystemClock, TimeRange, Timestamp};
use telecine::transfer::{Event, NewTask, ObjectRef, Scheme, Status, TaskSource, VideoMeta};
use telecine::video::{NewSegment, NewThumbnail, NewVector, Publication, SegmentKind};

const BATCH: usize = 10_000;
const CLAIMS: u32 = 2_000;
const LEASE: Duration = Duration::from_secs(60);
/// A film of two hours, seen once a second.
const FRAMES: i64 = 7_200;
const DIMENSIONS: usize = 1_000;
const FRAMES_PER_SHOT: usize = 4;
const FIRST_PAGE: Paging = Paging { page: 1, limit: 10, sort_by: SortBy::CreatedAt, descending: true };

struct Bench {
    store: SqliteStore,
    workspace: WorkspaceId,
    index: IndexId,
}

#[tokio::main]
async fn main() {
    let number = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(1_000_000);
    let folder = tempfile::tempdir().expect("a folder");
    let bench = Bench::open(folder.path().join("telecine.db")).await;
    println!("| what | how much | cost |\n| --- | --- | --- |");
    let transfer = bench.insert(number).await;
    bench.list(transfer).await;
    bench.claim().await;
    bench.publish().await;
    bench.end(transfer).await;
    bench.store.close().await;
    let size = std::fs::metadata(folder.path().join("telecine.db")).expect("the database").len();
    row("database", "at the end", &format!("{} MB", size / 1_000_000));
}

fn row(what: &str, how_much: &str, cost: &str) {
    println!("| {what} | {how_much} | {cost} |");
}

async fn timed<T>(work: impl Future<Output = T>) -> (T, f64) {
    let start = Instant::now();
    let result = work.await;
    (result, start.elapsed().as_secs_f64())
}

fn now() -> Timestamp {
    SystemClock.now()
}

/// The most memory that this process has had, in megabytes.
fn peak_memory_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or_default() / 1_000
}

impl Bench {
    async fn open(path: std::path::PathBuf) -> Self {
        let store = SqliteStore::open(path).await.expect("a database");
        let workspace = store.default_workspace(now()).await.expect("a workspace");
        let model = |dim| ModelRef { id: "model".to_owned(), dim };
        let engine = EngineSpec { name: "marengo2.6".to_owned(), options: ModelOption::ALL.into() };
        let index = Index {
            id: IndexId::generate(now()),
            workspace,
            name: "bench".to_owned(),
            engines: vec![engine],
            addons: Vec::new(),
            models: IndexModels { see: model(DIMENSIONS), hear: model(0), read: model(0), words: model(384) },
            created_at: now(),
            updated_at: now(),
        };
        store.insert_index(&index).await.expect("an index");
        Self { store, workspace, index: index.id }
    }

    fn task(&self, number: usize) -> NewTask {
        let integration: IntegrationId = "65e0f0f0f0f0f0f0f0f0f0f0".parse().expect("an id");
        let (month, camera) = (number % 12, number % 97);
        let object = ObjectRef {
            scheme: Scheme::S3,
            integration,
            bucket: "customer-video-archive".to_owned(),
            key: format!("2023/{month:02}/camera-{camera}/recording-{number:08}.mp4"),
        };
        NewTask {
            id: TaskId::generate(now()),
            index: self.index,
            source: TaskSource::Object(object),
            transcription: None,
            language: "en".to_owned(),
            user_metadata: None,
            allows_duplicate: false,
            without_stream: false,
        }
    }

    async fn insert(&self, number: usize) -> TransferId {
        let transfer = TransferId::generate(now());
        let (_, seconds) = timed(async {
            self.store.begin_transfer(self.workspace, transfer, now()).await.expect("begun");
            for start in (0..number).step_by(BATCH) {
                let tasks: Vec<NewTask> =
                    (start..number.min(start + BATCH)).map(|number| self.task(number)).collect();
                self.store.add_tasks(transfer, &tasks, now()).await.expect("added");
            }
        })
        .await;
        let rate = number as f64 / seconds;
        row("insert tasks", &format!("{number}"), &format!("{seconds:.1} s, {rate:.0} tasks/s"));
        let (accepted, seconds) = timed(self.store.accept_transfer(transfer, now())).await;
        assert_eq!(accepted.expect("accepted").counts.total(), number as u64);
        row("accept the transfer", &format!("{number}"), &format!("{seconds:.2} s"));
        row("peak memory so far", "", &format!("{} MB", peak_memory_mb()));
        transfer
    }

    async fn list(&self, transfer: TransferId) {
        let all = TaskFilter::default();
        let in_index = TaskFilter { index: Some(self.index), ..all.clone() };
        let failed = TaskFilter { statuses: vec![Status::Failed], ..in_index.clone() };
        let of_transfer = TaskFilter { transfer: Some(transfer), ..all.clone() };
        let by_name = TaskFilter { filename: Some("recording-00000042.mp4".to_owned()), ..all.clone() };
        for (what, filter) in [
            ("page of all tasks", all),
            ("page of an index's tasks", in_index),
            ("page of an index's failed tasks", failed),
            ("page of a transfer's tasks", of_transfer),
            ("page of tasks by file name", by_name),
        ] {
            let (page, seconds) = timed(self.store.tasks(self.workspace, &filter, FIRST_PAGE)).await;
            let total = page.expect("a page").total;
            row(what, &format!("{total} in all"), &format!("{:.0} ms", seconds * 1e3));
        }
        let (_, seconds) = timed(self.store.task_counts(self.workspace, self.index)).await;
        row("tasks of an index by status", "", &format!("{:.0} ms", seconds * 1e3));
        let (page, seconds) = timed(self.store.tasks_after(transfer, None, 1_000)).await;
        let rows = page.expect("tasks").len();
        row("report of a transfer", &format!("{rows} tasks"), &format!("{:.0} ms", seconds * 1e3));
    }

    async fn claim(&self) {
        let mut claims = Vec::new();
        let (_, seconds) = timed(async {
            for _ in 0..CLAIMS {
                claims.extend(self.store.claim_next(now(), LEASE).await.expect("claimed"));
            }
        })
        .await;
        let rate = claims.len() as f64 / seconds;
        row("claim", &format!("{} tasks", claims.len()), &format!("{rate:.0}/s"));
        let (_, seconds) = timed(async {
            for claim in &claims {
                let extended = self.store.extend_claim(claim, now().after(LEASE)).await;
                extended.expect("extended").expect("fresh");
            }
        })
        .await;
        row("extend a claim", "", &format!("{:.0}/s", claims.len() as f64 / seconds));
        let (_, seconds) = timed(async {
            for claim in &claims {
                let changed = self.store.change_task(claim, &Event::Released.into(), now()).await;
                changed.expect("changed").expect("fresh");
            }
        })
        .await;
        row("give a task back", "", &format!("{:.0}/s", claims.len() as f64 / seconds));
        let (_, seconds) = timed(self.store.next_due()).await;
        row("when is the next due", "", &format!("{:.2} ms", seconds * 1e3));
    }

    async fn publish(&self) {
        let task = self.task(usize::MAX);
        self.store.insert_task(self.workspace, &task, now()).await.expect("a task");
        let claim = self.claim_of(task.id).await;
        let publication = film(task.id);
        let held = self.store.hold_content(&claim, &publication.content_hash).await;
        held.expect("asked").expect("fresh");
        let (published, seconds) = timed(self.store.publish(&claim, &publication, now())).await;
        published.expect("published").expect("fresh");
        let size = format!("{FRAMES} vectors of {DIMENSIONS}, {} segments", publication.segments.len());
        row("publish a film of 2 hours", &size, &format!("{seconds:.2} s"));
        let (vectors, seconds) =
            timed(self.store.vectors_after(self.index, SegmentKind::Shot, 0, u32::MAX)).await;
        let rate = vectors.expect("vectors").len() as f64 / seconds;
        row("read its vectors", "", &format!("{rate:.0} vectors/s"));
        let query = WordQuery { phrases: vec![vec!["sentence".to_owned(), "42".to_owned()]], all: true };
        let (found, seconds) =
            timed(self.store.match_words(self.index, SegmentKind::Speech, &query, 100)).await;
        let how_much = format!("{} found", found.expect("searched").len());
        row("search by words", &how_much, &format!("{:.2} ms", seconds * 1e3));
    }

    /// The lane of single tasks takes turns with the transfer's.
    async fn claim_of(&self, task: TaskId) -> Claim {
        loop {
            let claim = self.store.claim_next(now(), LEASE).await.expect("claimed").expect("due");
            if claim.task == task {
                return claim;
            }
        }
    }

    async fn end(&self, transfer: TransferId) {
        let (cancelled, seconds) = timed(self.store.cancel_transfer(self.workspace, transfer, now())).await;
        let how_much = format!("{} tasks", cancelled.expect("cancelled").unwrap_or_default());
        row("cancel the transfer", &how_much, &format!("{seconds:.1} s"));
        let (_, seconds) = timed(self.store.fault_counts(transfer)).await;
        row("its faults by code", "", &format!("{:.0} ms", seconds * 1e3));
        let (_, seconds) = timed(self.store.delete_index(self.workspace, self.index)).await;
        row("delete the index", "with all of it", &format!("{seconds:.1} s"));
        row("peak memory", "", &format!("{} MB", peak_memory_mb()));
    }
}

/// A film with a vector a second, a sentence each three seconds, and a line of text each minute.
fn film(task: TaskId) -> Publication {
    let at = |second: i64| MediaTime::from_millis(second * 1_000);
    let range = |start, end| TimeRange::new(at(start), at(end)).expect("in order");
    let vector = |second: i64, dimensions: usize| NewVector {
        at: at(second),
        values: (0..dimensions).map(|place| ((second as usize + place) % 7) as f32 / 100.0).collect(),
    };
    let seconds: Vec<i64> = (0..FRAMES).collect();
    let shots = seconds.chunks(FRAMES_PER_SHOT).map(|frames| NewSegment {
        kind: SegmentKind::Shot,
        range: range(frames[0], frames[0] + frames.len() as i64),
        text: String::new(),
        score: 1.0,
        vectors: frames.iter().map(|second| vector(*second, DIMENSIONS)).collect(),
    });
    let spoken = |kind, step: usize| {
        seconds.iter().step_by(step).map(move |second| NewSegment {
            kind,
            range: range(*second, second + 2),
            text: format!("This is sentence {second} of a long film about nothing in particular"),
            score: 0.9,
            vectors: vec![vector(*second, 384)],
        })
    };
    let segments = shots.chain(spoken(SegmentKind::Speech, 3)).chain(spoken(SegmentKind::Text, 60)).collect();
    let picture = |second: &i64| NewThumbnail { at: at(*second), jpeg: vec![0; 8_000] };
    Publication {
        task,
        content_hash: "hash of a film".to_owned(),
        meta: VideoMeta {
            filename: "film.mp4".to_owned(),
            duration_s: FRAMES as f64,
            fps: 25.0,
            width: 1280,
            height: 720,
            size_bytes: 1_500_000_000,
        },
        segments,
        thumbnails: seconds.iter().step_by(FRAMES_PER_SHOT).map(picture).collect(),
    }
}
