//! PostgreSQL crashes, is stopped, cut off, silent, slow and full while a server and a worker work, with NATS between them: whoever
//! asks meanwhile is told to come again, work goes on by itself, nothing is lost, doubled or stuck.
//!
//! Moments come from a seed that is printed; `TELECINE_FAULT_SEED` plays them again (as far as the machine's own timing allows).

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};
use telecine::fault::Code;
use telecine::store::postgres::PostgresStore;
use telecine::store::{IdempotencyStore as _, KeyStore as _, KeyedRequest, Store as _};
use telecine::time::{Clock as _, SystemClock};

use super::bucket::{Bucket, TASKS, manifest_of_nothing, said_in, spoken};
use super::crowd_outcome::CrowdOutcome;
use super::database_probe::{ENTRIES, Probes, ask};
use super::installation::{Installation, Server};
use super::seed::{random_faults, within};
use crate::search::synthetic::Random;
use crate::support::nats::Nats;
use crate::support::own_postgres::OwnPostgres;
use crate::support::postgres::PostgresDatabase;
use crate::support::proxy::Proxy;

/// So soon everybody has an answer, whatever is broken (4 s until a silence is noticed, and what a busy machine takes); on a slow
/// way, so late.
const ANSWER: Duration = Duration::from_secs(7);
const SLOW_ANSWER: Duration = Duration::from_secs(30);
/// So soon an absence is known.
const NOTICED: Duration = Duration::from_secs(5);
/// So soon all is well again by itself when nothing is broken any more.
const WELL: Duration = Duration::from_secs(15);
/// How long all that is left may take in the end.
const PATIENCE: Duration = Duration::from_secs(180);

/// An installation over a database of this server.
fn installation(home: &Path, bucket: &Bucket) -> Installation {
    let installation = Installation::new(home, &bucket.path(""));
    let quoted = |path: &str| toml::Value::from(home.join(path).to_str().unwrap());
    installation.set("media_store", "url", quoted("media"));
    installation.set("secrets", "key_file", quoted("secrets.key"));
    installation.set("streaming", "enabled", false);
    // What a worker had in hand when it could not be told how it ended is taken up after so long.
    installation.set_in("pipeline", "lease_s", 5);
    installation
}

const SERVE: [&str; 4] = ["serve", "--admin-key-file", "admin.key", "--database"];

async fn finished(server: &Server, transfer: &str) -> Value {
    let began = Instant::now();
    loop {
        let status = server.get(&format!("/transfers/{transfer}")).await;
        if status["is_finished"] == true {
            return status;
        }
        assert!(began.elapsed() < PATIENCE, "stuck: {status}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// What can happen to the database and the ways to it.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Trouble {
    Cut,
    CutNowAndThen,
    Silent,
    Slow,
    Crash,
    Stopped,
}

impl Trouble {
    /// Lasts for a while, and is over then.
    async fn happen(self, postgres: &mut OwnPostgres, ways: &[Proxy], random: &mut Random) {
        let time = within(random, 4_000, 6_000);
        match self {
            Self::Cut => {
                ways.iter().for_each(Proxy::cut);
                tokio::time::sleep(time).await;
            }
            Self::CutNowAndThen => {
                for _ in 0..8 {
                    let way = &ways[random.next() as usize % ways.len()];
                    way.cut();
                    tokio::time::sleep(within(random, 1, 60)).await;
                    way.mend();
                    tokio::time::sleep(within(random, 50, 700)).await;
                }
            }
            Self::Silent => {
                ways.iter().for_each(Proxy::silence);
                tokio::time::sleep(time + Duration::from_secs(4)).await;
            }
            Self::Slow => {
                ways.iter().for_each(|way| way.delay(Duration::from_millis(100)));
                tokio::time::sleep(time).await;
            }
            Self::Crash => postgres.crash().await,
            Self::Stopped => {
                postgres.stop_at_once();
                tokio::time::sleep(time).await;
                postgres.start_again();
            }
        }
        ways.iter().for_each(Proxy::mend);
    }

    /// Whether nobody can be given what is asked for while it lasts.
    fn is_an_absence(self) -> bool {
        matches!(self, Self::Cut | Self::Silent | Self::Stopped)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn heavy_postgresql_crashes_and_is_cut_off_silent_and_slow_under_a_transfer() {
    let mut random = random_faults();
    let folder = tempfile::tempdir().unwrap();
    let bucket = Bucket::fill(&folder.path().join("films"), TASKS);
    let mut postgres = OwnPostgres::start("postgres");
    let nats = Nats::start("nats");
    let ways = [Proxy::to(postgres.address()).await, Proxy::to(postgres.address()).await];
    let [by_one, by_other] = [&ways[0], &ways[1]].map(|way| postgres.url_by(&way.address()));
    let home = installation(&folder.path().join("home"), &bucket);
    let queue = toml::Value::from(nats.endpoints());
    home.set("queue", "url", format!("{queue}\nack_wait_s = 6\noffer_s = 10"));
    // The server works on videos, too.
    let command = [SERVE.as_slice(), &[&by_one]].concat();
    let server = Arc::new(home.ready(home.spawn_as(&command, "server")).await);
    let worker = home.ready(home.spawn_as(&["worker", "--database", &by_other], "worker")).await;
    let indexes = server.furnish(&bucket).await;
    let transfer = server.submit(bucket.manifest(&indexes)).await.expect("it is acknowledged");
    let probes = Probes::begin(&server, &transfer, &indexes.seen);
    probes.well_again(Instant::now(), WELL).await;

    let troubles = [
        Trouble::Silent,
        Trouble::Crash,
        Trouble::CutNowAndThen,
        Trouble::Slow,
        Trouble::Cut,
        Trouble::Stopped,
        Trouble::Crash,
    ];
    for trouble in troubles {
        let began = Instant::now();
        trouble.happen(&mut postgres, &ways, &mut random).await;
        let mended = Instant::now();
        let [read_after, written_after] = probes.well_again(mended, WELL).await;
        let answers = probes.since(began);
        let refused = |is_write| {
            answers.iter().filter(|answer| answer.is_write == is_write && answer.status == 503).count()
        };
        let longest = answers.iter().map(|answer| answer.took).max().unwrap();
        println!(
            "{trouble:?} for {:.1} s: {} answers, 503 to {} reads and {} writes, longest wait {:.1} s, read {:.1} s and \
             written {:.1} s after",
            (mended - began).as_secs_f64(),
            answers.len(),
            refused(false),
            refused(true),
            longest.as_secs_f64(),
            read_after.as_secs_f64(),
            written_after.as_secs_f64()
        );
        if trouble.is_an_absence() {
            assert!(refused(false) > 0 && refused(true) > 0, "{trouble:?}: {answers:?}");
            // Whoever comes when the absence is known is told so at once.
            let is_known = |asked: Instant| (began + NOTICED..mended).contains(&asked);
            let late = answers.iter().filter(|answer| is_known(answer.asked));
            let longest = late.map(|answer| answer.took).max().unwrap_or_default();
            println!("  longest wait of those who came when it was known: {longest:?}");
            assert!(longest < Duration::from_secs(1), "{trouble:?}: {answers:?}");
        }
        let limit = if trouble == Trouble::Slow { SLOW_ANSWER } else { ANSWER };
        assert!(longest < limit, "{trouble:?}: {longest:?}\n{}", home.log());
    }

    let (answers, transfers) = probes.end().await;
    for answer in &answers {
        let is_good = answer.status == 200 || (answer.status == 503 && answer.tells_when);
        assert!(is_good, "{answer:?}\n{}", home.log());
        if answer.status == 503 && answer.is_write && !answer.text.contains("nothing was begun") {
            assert!(answer.text.contains("Whether a change was made is not known"), "{answer:?}");
        }
    }
    println!("{} manifests were taken after {} answers", transfers.len(), answers.len());
    let status = finished(&server, &transfer).await;
    let report = server.report(&transfer).await;
    let refused = report.iter().filter(|task| task["status"] == "failed");
    let why: Vec<String> = refused.map(|task| format!("{}: {}", task["object"], task["error"])).collect();
    assert_eq!(status["counts"], bucket.counts(), "{why:#?}\n{}", home.log());
    for sent in &transfers {
        let status = finished(&server, sent).await;
        assert_eq!(
            (&status["total"], &status["counts"]["failed"]),
            (&json!(ENTRIES), &json!(ENTRIES)),
            "{status}"
        );
    }
    let all = server.get("/transfers").await["page_info"]["total_results"].clone();
    assert_eq!(all, transfers.len() + 1, "no manifest was taken twice");
    for number in spoken() {
        let query = json!({
            "index_id": indexes.heard, "query": said_in(number), "search_options": ["conversation"],
            "conversation_option": "exact_match",
        });
        let found = server.post("/v1.2/search", query).await;
        assert_eq!(found["page_info"]["total_results"], 1, "said once, found once: {found}");
    }
    CrowdOutcome::of(&report, &bucket, &indexes, postgres.url()).await;
    let attempts: u64 = report.iter().map(|task| task["attempts"].as_u64().unwrap()).sum();
    println!("{attempts} attempts at {TASKS} tasks");
    let alive = Arc::into_inner(server).expect("nobody else asks it");
    alive.stop().await;
    worker.stop().await;
}

/// Takes all room that is left on the disk of the database.
async fn fill(database: &mut PgConnection) {
    sqlx::query("CREATE TABLE ballast (text TEXT STORAGE PLAIN)").execute(&mut *database).await.unwrap();
    for rows in [1_000, 100, 1] {
        loop {
            let more =
                sqlx::query("INSERT INTO ballast SELECT repeat('x', 7000) FROM generate_series(1, $1)");
            let Err(error) = more.bind(rows).execute(&mut *database).await else { continue };
            let code = error.as_database_error().and_then(|error| error.code().map(|code| code.to_string()));
            assert_eq!(code.as_deref(), Some("53100"), "{error}");
            break;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_of_postgresql_refuses_changes_until_there_is_room_again() {
    const MANY: u64 = 400;
    const FEW: u64 = 40;
    let folder = tempfile::tempdir().unwrap();
    let postgres = OwnPostgres::start("postgres-small");
    let bucket = Bucket::empty(&folder.path().join("films"));
    let home = installation(&folder.path().join("home"), &bucket);
    let command = [SERVE.as_slice(), &[postgres.url()]].concat();
    let server = home.ready(home.spawn_as(&command, "server")).await;
    let indexes = server.furnish(&bucket).await;
    let transfer =
        server.submit(manifest_of_nothing(&indexes.seen, 0, MANY)).await.expect("it is acknowledged");
    let mut database = postgres.connect().await;
    fill(&mut database).await;

    let send = |number: u64| {
        let entries = if number == 1 { MANY } else { FEW };
        let form =
            Part::bytes(manifest_of_nothing(&indexes.seen, number, entries)).file_name("manifest.json");
        let request = server.request(Method::POST, "/v1.2/tasks/transfers");
        let request = request.header("idempotency-key", format!("manifest-{number}"));
        ask(request.multipart(Form::new().part("file", form)), true)
    };
    // Until it is taken.
    let taken = async |number: u64, since: Instant| loop {
        let answer = send(number).await;
        if answer.status == 200 {
            println!("changes are taken {:.1} s after there is room", since.elapsed().as_secs_f64());
            let told: Value = serde_json::from_str(&answer.text).unwrap();
            return told["transfer_id"].as_str().unwrap().to_owned();
        }
        assert!(since.elapsed() < WELL, "{answer:?} {} {}", postgres.log(), home.log());
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    for _ in 0..3 {
        let refused = send(1).await;
        assert_eq!((refused.status, refused.tells_when), (503, true), "{refused:?}");
        assert!(refused.text.contains("The disk of the database is full."), "{refused:?}");
        assert!(refused.took < ANSWER, "{refused:?}");
        let read = ask(server.request(Method::GET, "/transfers"), false).await;
        assert_eq!(read.status, 200, "what is there can be read: {read:?}");
        assert!(read.took < ANSWER, "{read:?}");
        fill_again(&mut database).await;
    }

    // Or else it would fill the disk again when it recovers.
    for statement in ["DROP TABLE ballast", "CHECKPOINT"] {
        sqlx::query(statement).execute(&mut database).await.unwrap();
    }
    let second = taken(1, Instant::now()).await;

    // Its log has a disk of its own: where that is full, it ends, recovers, and ends again.
    postgres.fill_wal_disk();
    let full = Instant::now();
    use_log(&mut database).await;
    let mut refused = 0;
    while full.elapsed() < Duration::from_secs(3) || refused < 3 {
        for answer in [send(2).await, ask(server.request(Method::GET, "/transfers"), false).await] {
            assert!(answer.took < ANSWER, "{answer:?}");
            // What is there may be read between two of its ends.
            assert!(
                answer.status == 503 && answer.tells_when || answer.status == 200 && !answer.is_write,
                "{answer:?}"
            );
            refused += usize::from(answer.is_write);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    postgres.clear_wal_disk();
    let mended = Instant::now();
    let third = taken(2, mended).await;

    for (transfer, entries) in [(transfer, MANY), (second, MANY), (third, FEW)] {
        let status = finished(&server, &transfer).await;
        let (total, failed) = (&status["total"], &status["counts"]["failed"]);
        assert_eq!((total, failed), (&json!(entries), &json!(entries)), "{status}");
    }
    assert_eq!(server.get("/transfers").await["page_info"]["total_results"], 3, "each was taken once");
    println!("all of {} tasks are over {:.1} s after", 2 * MANY + FEW, mended.elapsed().as_secs_f64());
    server.stop().await;
}

/// Writes to the log until there is no room for more of it.
async fn use_log(database: &mut PgConnection) {
    let began = Instant::now();
    for statement in ["SELECT pg_create_restore_point('here')", "SELECT pg_switch_wal()"].iter().cycle() {
        if sqlx::query(*statement).execute(&mut *database).await.is_err() {
            return;
        }
        assert!(began.elapsed() < WELL, "the log has room");
    }
}

/// What was given up may have left room.
async fn fill_again(database: &mut PgConnection) {
    sqlx::query("INSERT INTO ballast SELECT repeat('x', 7000) FROM generate_series(1, 1000)")
        .execute(&mut *database)
        .await
        .expect_err("the disk is full");
}

async fn store_by(way: &Proxy, database: &PostgresDatabase) -> PostgresStore {
    let (before, rest) = database.url().rsplit_once('@').unwrap();
    let (_, name) = rest.split_once('/').unwrap();
    PostgresStore::open(&format!("{before}@{}/{name}", way.address())).await.unwrap()
}

fn server_of(database: &PostgresDatabase) -> &str {
    database.url().rsplit_once('@').unwrap().1.split('/').next().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_way_ends_every_wait_and_is_noticed_when_it_is_well_again() {
    let database = PostgresDatabase::create().await;
    let way = Proxy::to(server_of(&database)).await;
    let store = store_by(&way, &database).await;
    store.watch(Duration::from_secs(1));
    let workspace = store.default_workspace(SystemClock.now()).await.unwrap();
    for round in 0..2 {
        assert!(store.presence().is_there());
        // One has its connection and has asked: no limit of the pool ends its wait.
        way.delay(Duration::from_millis(300));
        let asked = tokio::spawn({
            let store = store.clone();
            async move { store.keys(workspace).await }
        });
        tokio::time::sleep(Duration::from_millis(800)).await;
        way.silence();
        let began = Instant::now();
        let ended = tokio::time::timeout(Duration::from_secs(8), asked).await.expect("it is cut").unwrap();
        assert!(ended.is_err(), "nobody answers");
        // More than there are connections.
        let waits = (0..40).map(|_| store.keys(workspace));
        for ended in futures::future::join_all(waits).await {
            let fault = ended.expect_err("nobody answers");
            assert_eq!(fault.as_fault().map(|fault| fault.code), Some(Code::ServiceUnavailable), "{fault:?}");
        }
        let waited = began.elapsed();
        assert!(waited < Duration::from_secs(8), "{waited:?}");
        assert!(!store.presence().is_there());
        way.mend();
        let began = Instant::now();
        while !store.presence().is_there() {
            assert!(began.elapsed() < Duration::from_secs(5), "it is noticed");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let noticed = began.elapsed();
        store.keys(workspace).await.expect("it is there");
        println!("round {round}: the last wait ended after {waited:?}, noticed {noticed:?} after the end");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_client_had_locked_that_vanished_is_free_again_soon() {
    let database = PostgresDatabase::create().await;
    let way = Proxy::to(server_of(&database)).await;
    let vanishing = Arc::new(store_by(&way, &database).await);
    let other = PostgresStore::open(database.url()).await.unwrap();
    let now = SystemClock.now();
    let workspace = other.default_workspace(now).await.unwrap();
    let request = |key: &str| KeyedRequest { workspace, key: key.to_owned(), fingerprint: [0; 32] };

    way.delay(Duration::from_millis(60));
    let waiting = tokio::spawn({
        let (vanishing, request) = (Arc::clone(&vanishing), request("lost"));
        async move { vanishing.take_request_key(&request, now, now).await }
    });
    let mut admin = PgConnection::connect(database.url()).await.unwrap();
    let began = Instant::now();
    loop {
        let question = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 2 \
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
        let locked: i64 = sqlx::query_scalar(question).fetch_one(&mut admin).await.unwrap();
        if locked > 0 {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "it locks the workspace");
    }
    way.silence();
    let vanished = Instant::now();
    let freed = loop {
        match other.take_request_key(&request("other"), now, now).await {
            Ok(_) => break vanished.elapsed(),
            Err(error) => {
                let code = error.as_fault().map(|fault| fault.code);
                assert_eq!(code, Some(Code::ServiceUnavailable), "{error:?}");
            }
        }
        assert!(vanished.elapsed() < Duration::from_secs(60), "still locked");
    };
    println!("free again after {freed:?}");
    assert!(freed < Duration::from_secs(35), "{freed:?}");
    way.mend();
    let ended = tokio::time::timeout(Duration::from_secs(10), waiting).await.expect("it ends").unwrap();
    assert!(ended.is_err(), "its transaction is gone: {ended:?}");
}
