//! What two and four workers do of what one does, over PostgreSQL and both queues. The engine that sees is simulated: each picture
//! takes a fixed time of an accelerator that a worker has for itself, so that this machine's cores are not what is shared.
//! All else is real: processes, database, NATS, the bucket (a folder), ffmpeg. Prints a Markdown table.
//!
//! `cargo bench -p telecine --bench workers [-- TASKS PICTURE_MS]` (200 and 500 if not given). Efficiency is the throughput of
//! n workers by n times that of one; CPU is what everything together took of the machine's cores.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use telecine::app::{App, Role};
use telecine::config::Config;
use telecine::ids::{IndexId, IntegrationId, TaskId, TransferId, WorkspaceId};
use telecine::index::{EngineSpec, Index, IndexModels, ModelOption};
use telecine::integration::{Integration, IntegrationStatus, Provider};
use telecine::pipeline;
use telecine::store::postgres::PostgresStore;
use telecine::store::{Paging, SortBy, Store, TaskFilter};
use telecine::time::{Clock as _, SystemClock};
use telecine::transfer::{NewTask, ObjectRef, Scheme, Status, TaskSource};
use telecine_engines::see::{Seer, TextTokens};
use telecine_engines::{EngineError, Image};

#[expect(dead_code, reason = "tests need more of it than the bench")]
#[path = "../tests/it/support/servers.rs"]
mod servers;

/// The word by which this program is a worker.
const WORKER: &str = "as-worker";
const BUCKET: &str = "films";
const DIM: usize = 16;
const WORKERS: [usize; 3] = [1, 2, 4];

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    if let Some(at) = arguments.iter().position(|argument| argument == WORKER) {
        let config = std::fs::read_to_string(&arguments[at + 1]).expect("the settings");
        let picture = Duration::from_millis(arguments[at + 2].parse().expect("milliseconds"));
        return runtime.block_on(work(toml::from_str(&config).expect("settings"), picture));
    }
    let numbers: Vec<u32> = arguments.iter().filter_map(|argument| argument.parse().ok()).collect();
    let tasks = numbers.first().copied().unwrap_or(200);
    let picture_ms = numbers.get(1).copied().unwrap_or(500);
    runtime.block_on(measure(tasks as usize, picture_ms));
}

/// Sees nothing, and takes its time for it.
struct Simulated(Duration);

impl Seer for Simulated {
    fn model_id(&self) -> &'static str {
        "simulated"
    }

    fn dim(&self) -> usize {
        DIM
    }

    fn embed_images(&self, images: &[Image<'_>]) -> Result<Vec<Vec<f32>>, EngineError> {
        std::thread::sleep(self.0 * u32::try_from(images.len()).unwrap_or(u32::MAX));
        let vector = || (0..DIM).map(|at| f32::from(u8::from(at == 0))).collect();
        Ok(images.iter().map(|_| vector()).collect())
    }

    fn embed_text(&self, _: &str) -> Result<Vec<f32>, EngineError> {
        Ok(vec![0.0; DIM])
    }

    fn text_tokens(&self, _: &str) -> Result<TextTokens, EngineError> {
        Ok(TextTokens::default())
    }
}

/// A worker as `telecine worker` is one, but for what sees; until its standard input ends.
async fn work(config: Config, picture: Duration) {
    let app = App::open(config, Role::Worker).await.expect("a worker");
    let mut app = Arc::into_inner(app).expect("nothing has begun");
    app.engines.see = Arc::new(Simulated(picture));
    let stopping = app.stopping.clone();
    // What an index is to be made with.
    println!("{}", serde_json::to_string(&app.engines.models()).expect("JSON"));
    std::thread::spawn(move || {
        let _ = std::io::stdin().read(&mut [0]);
        stopping.cancel();
    });
    pipeline::run(Arc::new(app)).await;
}

/// A process of this program that is a worker.
struct Worker {
    process: Child,
    /// What it stops by.
    input: Option<ChildStdin>,
    models: IndexModels,
}

impl Worker {
    fn start(settings: &Path, picture_ms: u32) -> Self {
        let mut process = Command::new(std::env::current_exe().expect("this program"))
            .args([WORKER, settings.to_str().expect("a readable path"), &picture_ms.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a process");
        let mut line = String::new();
        let output = process.stdout.take().expect("it is piped");
        BufReader::new(output).read_line(&mut line).expect("what it says");
        let models = serde_json::from_str(&line).expect("its models");
        let input = process.stdin.take();
        Self { process, input, models }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.process.wait();
    }
}

async fn measure(tasks: usize, picture_ms: u32) {
    let folder = tempfile::tempdir().expect("a folder");
    let films = folder.path().join(BUCKET);
    fill(&films, tasks);
    println!("{tasks} videos of two shots, {picture_ms} ms for each picture\n");
    println!("| queue | workers | seconds | videos/s | efficiency | CPU, of all cores |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: |");
    for queue in ["table", "stream"] {
        let mut alone = None;
        for workers in WORKERS {
            let home = folder.path().join(format!("{queue}-{workers}"));
            std::fs::create_dir(&home).expect("a folder");
            let (seconds, cpu) = run(&home, &films, queue, workers, tasks, picture_ms).await;
            let rate = tasks as f64 / seconds;
            let alone = *alone.get_or_insert(rate);
            let efficiency = 100.0 * rate / (alone * workers as f64);
            println!(
                "| {queue} | {workers} | {seconds:.1} | {rate:.2} | {efficiency:.1} % | {:.0} % |",
                100.0 * cpu
            );
        }
    }
}

/// Seconds from when all workers were there until the last task was done, and the share of the machine's CPU that was busy.
async fn run(
    home: &Path,
    films: &Path,
    queue: &str,
    workers: usize,
    tasks: usize,
    picture_ms: u32,
) -> (f64, f64) {
    // Each run has servers of its own, which have nothing to clean up from others.
    let servers = servers::Servers::start(&["postgres", "nats"]);
    let database = servers.fact("postgres", "endpoint");
    let stream = match queue {
        "stream" => format!("[queue]\nurl = {:?}\n", servers.fact("nats", "endpoint")),
        _ => String::new(),
    };
    // One accelerator; the next videos are decoded while it is busy, and few, so that the last ones are shared out.
    let shared = format!(
        "[database]\nurl = {database:?}\n{stream}[media_store]\nurl = {:?}\n[secrets]\nkey_file = {:?}\n\
         [folders]\nroots = [{films:?}]\n[streaming]\nenabled = false\n[engines]\nwhisper = false\n\
         [pipeline]\ntasks = 3\ninferences = 1\ndecodes = 2\n",
        home.join("media"),
        home.join("secrets.key"),
    );
    let store: Box<dyn Store> = Box::new(PostgresStore::open(&database).await.expect("a database"));
    let crew: Vec<Worker> = (0..workers)
        .map(|number| {
            let settings = home.join(format!("{number}.toml"));
            let own = format!("[server]\ndata_dir = {:?}\n", home.join(number.to_string()));
            std::fs::write(&settings, own + &shared).expect("written");
            Worker::start(&settings, picture_ms)
        })
        .collect();
    let (began, before) = (Instant::now(), busy());
    let (workspace, transfer) = submit(&*store, films, tasks, &crew[0].models).await;
    loop {
        let transfer =
            store.transfer(workspace, transfer).await.expect("the store answers").expect("it is there");
        let counts = transfer.counts;
        if counts.ready == tasks as u64 {
            break;
        }
        assert_eq!(
            (counts.failed, counts.skipped),
            (0, 0),
            "all of them are good: {:?}",
            failures(&*store, workspace).await
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let (seconds, after) = (began.elapsed().as_secs_f64(), busy());
    drop(crew);
    (seconds, (after.0 - before.0) as f64 / (after.1 - before.1) as f64)
}

/// What some tasks failed with.
async fn failures(store: &dyn Store, workspace: WorkspaceId) -> Vec<String> {
    let paging = Paging { page: 1, limit: 3, sort_by: SortBy::CreatedAt, descending: true };
    let filter = TaskFilter { statuses: vec![Status::Failed], ..TaskFilter::default() };
    let failed = store.tasks(workspace, &filter, paging).await.expect("the store answers");
    failed.rows.iter().map(|task| format!("{:?}", task.fault)).collect()
}

/// One transfer of all films.
async fn submit(
    store: &dyn Store,
    films: &Path,
    tasks: usize,
    models: &IndexModels,
) -> (WorkspaceId, TransferId) {
    let now = SystemClock.now();
    let workspace = store.default_workspace(now).await.expect("a workspace");
    let provider = Provider::Folder { path: films.to_str().expect("a readable path").into() };
    let integration = Integration {
        status: IntegrationStatus::Active,
        ..Integration::new(workspace, provider, BUCKET, now)
    };
    store.insert_integration(&integration).await.expect("an integration");
    let index = index(workspace, models.clone());
    store.insert_index(&index).await.expect("an index");
    let transfer = TransferId::generate(now);
    store.begin_transfer(workspace, transfer, now).await.expect("a transfer");
    let new: Vec<NewTask> = (0..tasks).map(|number| task(index.id, integration.id, number)).collect();
    store.add_tasks(transfer, &new, now).await.expect("tasks");
    store.accept_transfer(transfer, now).await.expect("it is accepted");
    (workspace, transfer)
}

fn task(index: IndexId, integration: IntegrationId, number: usize) -> NewTask {
    let (bucket, key) = (BUCKET.to_owned(), format!("{number}.mp4"));
    NewTask {
        id: TaskId::generate(SystemClock.now()),
        index,
        source: TaskSource::Object(ObjectRef { scheme: Scheme::Folder, integration, bucket, key }),
        transcription: None,
        language: "en".to_owned(),
        user_metadata: None,
        allows_duplicate: false,
        without_stream: true,
    }
}

fn index(workspace: WorkspaceId, models: IndexModels) -> Index {
    let engine = EngineSpec { name: "marengo2.6".to_owned(), options: [ModelOption::Visual].into() };
    Index {
        id: IndexId::generate(SystemClock.now()),
        workspace,
        name: "bench".to_owned(),
        engines: vec![engine],
        addons: Vec::new(),
        models,
        created_at: SystemClock.now(),
        updated_at: SystemClock.now(),
    }
}

/// The same film under many names, each with other bytes: a box that players skip, with a number in it.
fn fill(films: &Path, number: usize) {
    std::fs::create_dir(films).expect("a folder");
    let film: PathBuf = films.join("0.mp4");
    let pictures = "color=c=teal:s=640x360:r=8:d=2[a];testsrc2=s=640x360:r=8:d=3[b];[a][b]concat";
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-f", "lavfi", "-i", pictures])
        .args(["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"])
        .arg(&film)
        .output()
        .expect("ffmpeg is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let film = std::fs::read(film).expect("it was made");
    for number in 1..number as u64 {
        let mut copy = film.clone();
        copy.extend_from_slice(&16_u32.to_be_bytes());
        copy.extend_from_slice(b"free");
        copy.extend_from_slice(&number.to_be_bytes());
        std::fs::write(films.join(format!("{number}.mp4")), copy).expect("written");
    }
}

/// Ticks in which a core of this machine was busy, and all.
fn busy() -> (u64, u64) {
    let stat = std::fs::read_to_string("/proc/stat").expect("Linux");
    let line = stat.lines().next().expect("a line of all cores");
    // user, nice, system, idle, iowait, irq, softirq, steal
    let ticks: Vec<u64> =
        line.split_whitespace().skip(1).take(8).map(|n| n.parse().expect("ticks")).collect();
    let all: u64 = ticks.iter().sum();
    (all - ticks[3] - ticks[4], all)
}
