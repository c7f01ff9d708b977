//! How many tasks a second the queues lend, and how long a worker waits for one, while very many wait: the table's and the
//! stream's, over SQLite and PostgreSQL, side by side. Prints a Markdown table.
//!
//! `cargo bench -p telecine --bench queue [-- TASKS]`: TASKS is how many tasks wait (1,000,000 if not given). Starts the
//! servers by `scripts/testservers.py` (PostgreSQL and NATS, both with everything on disk before they answer).
//! Wall-clock time: a busy machine or a slow disk shows.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use telecine::fault::{Code, Fault};
use telecine::ids::{IndexId, IntegrationId, TaskId, TransferId, WorkspaceId};
use telecine::index::{EngineSpec, Index, IndexModels, ModelOption, ModelRef};
use telecine::queue::{JetStreamOptions, JetStreamQueue, Queue, TableQueue};
use telecine::store::Store;
use telecine::store::postgres::PostgresStore;
use telecine::store::sqlite::SqliteStore;
use telecine::time::{Clock as _, SystemClock};
use telecine::transfer::{Event, NewTask, ObjectRef, Scheme, TaskSource};

#[expect(dead_code, reason = "tests need more of it than the bench")]
#[path = "../tests/it/support/servers.rs"]
mod servers;

const BATCH: usize = 10_000;
const LEASE: Duration = Duration::from_secs(600);
/// Claims of one measurement: fewer with one worker, which takes longer.
const CLAIMS: [(usize, u32); 2] = [(1, 1_000), (16, 4_000)];

#[tokio::main]
async fn main() {
    let number = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(1_000_000);
    let folder = tempfile::tempdir().expect("a folder");
    let servers = servers::Servers::start(&["postgres", "nats"]);
    let fact = |server: &str| servers.fact(server, "endpoint");
    println!("| queue | store | workers | claims/s | claim p50 | claim p99 | claims and ends/s |");
    println!("| --- | --- | ---: | ---: | ---: | ---: | ---: |");
    let sqlite = SqliteStore::open(folder.path().join("telecine.db")).await.expect("a database");
    let postgres = PostgresStore::open(&fact("postgres")).await.expect("a database");
    let stores: [(&str, Arc<dyn Store>); 2] =
        [("SQLite", Arc::new(sqlite)), ("PostgreSQL", Arc::new(postgres))];
    for (name, store) in stores {
        fill(&*store, number).await;
        for (workers, claims) in CLAIMS {
            let queue = Arc::new(TableQueue::new(Arc::clone(&store)));
            measure("table", name, &store, queue, workers, claims).await;
            let options = JetStreamOptions {
                stream: format!("BENCH_{}", name.to_uppercase()),
                ..JetStreamOptions::new(vec![fact("nats")])
            };
            // One stream at a time has the subjects.
            let queue = JetStreamQueue::open(options, Arc::clone(&store), Arc::new(SystemClock)).await;
            let queue = Arc::new(queue.expect("a queue"));
            measure("stream", name, &store, queue, workers, claims).await;
        }
        remove_stream(&fact("nats"), &format!("BENCH_{}", name.to_uppercase())).await;
    }
}

async fn remove_stream(endpoint: &str, name: &str) {
    let client = async_nats::connect(endpoint).await.expect("NATS answers");
    async_nats::jetstream::new(client).delete_stream(name).await.expect("it was made");
}

/// One transfer of very many tasks.
async fn fill(store: &dyn Store, number: usize) {
    let now = SystemClock.now();
    let workspace = store.default_workspace(now).await.expect("a workspace");
    let index = index(workspace);
    store.insert_index(&index).await.expect("an index");
    let transfer = TransferId::generate(now);
    store.begin_transfer(workspace, transfer, now).await.expect("a transfer");
    let integration = IntegrationId::generate(now);
    for first in (0..number).step_by(BATCH) {
        let last = (first + BATCH).min(number);
        let tasks: Vec<NewTask> = (first..last).map(|key| task(index.id, integration, key)).collect();
        store.add_tasks(transfer, &tasks, now).await.expect("tasks");
    }
    store.accept_transfer(transfer, now).await.expect("it is whole");
}

fn task(index: IndexId, integration: IntegrationId, key: usize) -> NewTask {
    let object = ObjectRef {
        scheme: Scheme::S3,
        integration,
        bucket: "archive".to_owned(),
        key: format!("{:03}/{key:07}.mp4", key % 1_000),
    };
    NewTask {
        id: TaskId::generate(SystemClock.now()),
        index,
        source: TaskSource::Object(object),
        transcription: None,
        language: "en".to_owned(),
        user_metadata: None,
        allows_duplicate: false,
        without_stream: false,
    }
}

fn index(workspace: WorkspaceId) -> Index {
    let model = |dim| ModelRef { id: "model".to_owned(), dim };
    let engine = EngineSpec { name: "marengo2.6".to_owned(), options: ModelOption::ALL.into() };
    Index {
        id: IndexId::generate(SystemClock.now()),
        workspace,
        name: "bench".to_owned(),
        engines: vec![engine],
        addons: Vec::new(),
        models: IndexModels { see: model(4), hear: model(0), read: model(0), words: model(3) },
        created_at: SystemClock.now(),
        updated_at: SystemClock.now(),
    }
}

async fn measure(
    kind: &str,
    name: &str,
    store: &Arc<dyn Store>,
    queue: Arc<dyn Queue>,
    workers: usize,
    claims: u32,
) {
    // Claims alone, each left to its lease.
    let (seconds, mut waits) = run(store, &queue, workers, claims, false).await;
    waits.sort();
    let at = |share: f64| waits[((waits.len() - 1) as f64 * share) as usize].as_secs_f64() * 1_000.0;
    // And with what a worker writes in the end.
    let (both, _) = run(store, &queue, workers, claims, true).await;
    println!(
        "| {kind} | {name} | {workers} | {:.0} | {:.2} ms | {:.2} ms | {:.0} |",
        f64::from(claims) / seconds,
        at(0.5),
        at(0.99),
        f64::from(claims) / both
    );
}

/// How long all of it took, and each claim.
async fn run(
    store: &Arc<dyn Store>,
    queue: &Arc<dyn Queue>,
    workers: usize,
    claims: u32,
    ends: bool,
) -> (f64, Vec<Duration>) {
    let left = Arc::new(AtomicU32::new(claims));
    let began = Instant::now();
    let hands: Vec<_> = (0..workers)
        .map(|_| {
            let (store, queue, left) = (Arc::clone(store), Arc::clone(queue), Arc::clone(&left));
            tokio::spawn(async move {
                let mut waits = Vec::new();
                while left
                    .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1))
                    .is_ok()
                {
                    let began = Instant::now();
                    let claim = loop {
                        match queue.claim(SystemClock.now(), LEASE).await.expect("the queue answers") {
                            Some(claim) => break claim,
                            None => {
                                let _ = tokio::time::timeout(Duration::from_millis(20), queue.wait()).await;
                            }
                        }
                    };
                    waits.push(began.elapsed());
                    if ends {
                        let end = Event::Failed(Box::new(Fault::new(Code::VideoFileBroken))).into();
                        let told = store.change_task(&claim, &end, SystemClock.now()).await;
                        assert_eq!(told.expect("the store answers"), Ok(()));
                    }
                    queue.done(&claim).await;
                }
                waits
            })
        })
        .collect();
    let mut waits = Vec::new();
    for hand in hands {
        waits.extend(hand.await.expect("no worker failed"));
    }
    (began.elapsed().as_secs_f64(), waits)
}
