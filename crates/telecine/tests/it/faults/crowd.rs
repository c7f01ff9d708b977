//! A server and two workers share PostgreSQL, NATS JetStream and a folder for media. One or the other is killed with `kill -9`
//! at random moments, again and again: nothing is lost, doubled or stuck.
//!
//! `TELECINE_KILL_SEED` replays a run; `make kills` is a long one.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use super::bucket::{Bucket, Indexes, said_in, spoken};
use super::crowd_outcome::CrowdOutcome;
use super::installation::{Installation, Server};
use super::seed::{kills_and_tasks, random, share};
use crate::search::synthetic::Random;
use crate::support::nats::Nats;
use crate::support::postgres::PostgresDatabase;
use serde_json::{Value, json};

/// How long processes that nobody kills may take for each task, all of which may be left.
const PATIENCE: Duration = Duration::from_secs(6);

/// The processes: how each is started, and its data folder.
const CROWD: [(&[&str], &str); 3] = [
    (&["serve", "--role", "api", "--admin-key-file", "admin.key"], "api"),
    (&["worker"], "first"),
    (&["worker"], "second"),
];

/// What outlives the processes.
struct Ground {
    installation: Installation,
    database: PostgresDatabase,
}

impl Ground {
    async fn new(home: &Path, bucket: &Bucket, nats: &Nats, stream: &str) -> Self {
        let database = PostgresDatabase::create().await;
        let installation = Installation::new(home, &bucket.path(""));
        let quoted = |text: &str| toml::Value::from(text);
        let media = home.join("media");
        installation.set("database", "url", quoted(database.url()));
        installation.set("media_store", "url", quoted(media.to_str().unwrap()));
        installation.set("secrets", "key_file", quoted(home.join("secrets.key").to_str().unwrap()));
        installation.set("streaming", "enabled", false);
        let queue = format!(
            "{}\nstream = {}\nack_wait_s = 6\noffer_s = 10",
            quoted(&nats.endpoints()),
            quoted(stream)
        );
        installation.set("queue", "url", queue);
        // A worker that is killed is replaced after so long.
        installation.set_in("pipeline", "lease_s", 5);
        Self { installation, database }
    }

    async fn start(&self, number: usize) -> Server {
        let (command, data) = CROWD[number];
        self.installation.ready(self.installation.spawn_as(command, data)).await
    }

    async fn start_all(&self) -> Vec<Server> {
        let mut all = Vec::new();
        for number in 0..CROWD.len() {
            all.push(self.start(number).await);
        }
        all
    }
}

async fn wait_until_over(server: &Server, ground: &Ground, transfer: &str) -> Value {
    let began = Instant::now();
    loop {
        let status = server.transfer(transfer).await;
        if status["is_finished"] == true {
            return status;
        }
        let patience = PATIENCE * u32::try_from(status["total"].as_u64().unwrap()).unwrap();
        assert!(began.elapsed() < patience, "stuck: {status}\n{}", ground.installation.log());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// What a finished transfer tells, held against what was posted and what lies in the database.
async fn examine(
    server: &Server,
    ground: &Ground,
    bucket: &Bucket,
    indexes: &Indexes,
    transfer: &str,
) -> (CrowdOutcome, u64) {
    let status = wait_until_over(server, ground, transfer).await;
    assert_eq!(status["counts"], bucket.counts());
    assert_eq!((&status["total"], &status["repeated"]), (&json!(bucket.tasks()), &json!(1)));
    assert_eq!(server.get("/transfers").await["page_info"]["total_results"], 1);
    let report = server.report(transfer).await;
    let mut told: BTreeMap<&str, usize> = BTreeMap::new();
    for task in &report {
        *told.entry(task["status"].as_str().unwrap()).or_default() += 1;
    }
    assert_eq!(told, bucket.states());
    for number in spoken() {
        let query = json!({
            "index_id": indexes.heard, "query": said_in(number), "search_options": ["conversation"],
            "conversation_option": "exact_match",
        });
        let found = server.post("/v1.2/search", query).await;
        assert_eq!(found["page_info"]["total_results"], 1, "said once, found once: {found}");
    }
    let attempts = report.iter().map(|task| task["attempts"].as_u64().unwrap()).sum();
    (CrowdOutcome::of(&report, bucket, indexes, ground.database.url()).await, attempts)
}

/// One transfer, under at most so many kills; what came of it, kills, and attempts.
async fn round(
    ground: &Ground,
    bucket: &Bucket,
    random: &mut Random,
    limit: usize,
) -> (CrowdOutcome, usize, u64) {
    let mut crowd = ground.start_all().await;
    let indexes = crowd[0].furnish(bucket).await;
    let transfer = crowd[0].submit(bucket.manifest(&indexes)).await.expect("it is acknowledged");
    let mut kills = 0;
    while kills < limit {
        tokio::time::sleep(Duration::from_secs_f64(0.1 + 2.0 * share(random))).await;
        // Workers more often: the work is theirs.
        let number = [0, 1, 1, 2, 2][(random.next() % 5) as usize];
        crowd.remove(number).kill().await;
        kills += 1;
        if random.next().is_multiple_of(4) {
            // While it starts.
            let (command, data) = CROWD[number];
            let starting = ground.installation.spawn_as(command, data);
            tokio::time::sleep(Duration::from_secs_f64(1.5 * share(random))).await;
            starting.kill().await;
            kills += 1;
        }
        crowd.insert(number, ground.start(number).await);
        if crowd[0].transfer(&transfer).await["is_finished"] == true {
            break;
        }
    }
    let (outcome, attempts) = examine(&crowd[0], ground, bucket, &indexes, &transfer).await;
    for process in crowd {
        process.kill().await;
    }
    (outcome, kills, attempts)
}

#[tokio::test]
async fn long_kills_of_servers_and_workers_lose_nothing_and_double_nothing() {
    let mut random = random();
    let (limit, tasks) = kills_and_tasks(30);
    let folder = tempfile::tempdir().unwrap();
    let bucket = Bucket::fill(&folder.path().join("films"), tasks);
    let nats = Nats::start("nats");

    let began = Instant::now();
    let ground = Ground::new(&folder.path().join("undisturbed"), &bucket, &nats, "UNDISTURBED").await;
    let (expected, _, attempts) = round(&ground, &bucket, &mut random, 0).await;
    println!("undisturbed: {:.1} s, {attempts} attempts at {tasks} tasks", began.elapsed().as_secs_f64());

    let (mut kills, mut rounds, mut repeated) = (0, 0, 0);
    while kills < limit {
        rounds += 1;
        let (home, stream) = (folder.path().join(format!("round-{rounds}")), format!("ROUND_{rounds}"));
        let ground = Ground::new(&home, &bucket, &nats, &stream).await;
        let began = Instant::now();
        let (outcome, done, attempts) = round(&ground, &bucket, &mut random, limit - kills).await;
        println!(
            "round {rounds}: {:.1} s, {done} kills, {attempts} attempts at {tasks} tasks",
            began.elapsed().as_secs_f64()
        );
        assert_eq!(outcome, expected);
        kills += done;
        repeated += attempts;
    }
    assert!(repeated > (rounds * tasks) as u64, "kills interrupted work");
}
