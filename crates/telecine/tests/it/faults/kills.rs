//! Kills at random moments. `TELECINE_KILL_SEED` replays a run; `make kills` is a long one.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use super::bucket::{Bucket, Indexes, manifest_of_nothing, said_in, spoken};
use super::installation::{Installation, Server};
use super::outcome::Outcome;
use super::seed::{kills_and_tasks, random, share};
use crate::search::synthetic::Random;
use serde_json::{Value, json};

/// How long a server that nobody kills may take for each task, all of which may be left.
const PATIENCE: Duration = Duration::from_secs(3);

/// A moment to kill at.
#[derive(Debug, Clone, Copy)]
enum Moment {
    /// So long after the process was started.
    Starting(Duration),
    /// So long after it was ready.
    Ready(Duration),
}

impl Moment {
    /// Early moments are more likely: much happens at the start, and a life should not finish everything.
    fn any(random: &mut Random) -> Self {
        let share = share(random);
        if random.next().is_multiple_of(5) {
            Self::Starting(Duration::from_secs_f64(1.5 * share))
        } else {
            Self::Ready(Duration::from_secs_f64(0.2 + 2.8 * share * share * share))
        }
    }
}

async fn wait_until_over(server: &Server, installation: &Installation, transfer: &str) -> Value {
    let began = Instant::now();
    loop {
        let status = server.transfer(transfer).await;
        if status["is_finished"] == true {
            return status;
        }
        let patience = PATIENCE * u32::try_from(status["total"].as_u64().unwrap()).unwrap();
        assert!(began.elapsed() < patience, "stuck: {status}\n{}", installation.log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// What a finished transfer tells, held against what was posted; then the server is stopped and its data looked at.
async fn examine(
    server: Server,
    installation: &Installation,
    bucket: &Bucket,
    indexes: &Indexes,
    transfer: &str,
) -> (Outcome, u64) {
    let status = wait_until_over(&server, installation, transfer).await;
    assert_eq!(status["counts"], bucket.counts());
    assert_eq!((&status["total"], &status["repeated"]), (&json!(bucket.tasks()), &json!(1)));
    assert_eq!(server.get("/transfers").await["page_info"]["total_results"], 1);
    let report = server.report(transfer).await;
    assert_eq!(report.len(), bucket.tasks());
    let mut told: BTreeMap<&str, usize> = BTreeMap::new();
    for task in &report {
        *told.entry(task["status"].as_str().unwrap()).or_default() += 1;
    }
    assert_eq!(told, bucket.states());
    let attempts = report.iter().map(|task| task["attempts"].as_u64().unwrap()).sum();
    for number in spoken() {
        let query = json!({
            "index_id": indexes.heard, "query": said_in(number), "search_options": ["conversation"],
            "conversation_option": "exact_match",
        });
        let found = server.post("/v1.2/search", query).await;
        assert_eq!(found["page_info"]["total_results"], 1, "said once, found once: {found}");
    }
    expect_no_work(installation).await;
    server.kill().await;
    (Outcome::of(&report, bucket, indexes, &installation.files()).await, attempts)
}

/// Folders of tasks go by themselves; the last one when the stream of its video is made, after the transfer is over.
async fn expect_no_work(installation: &Installation) {
    let began = Instant::now();
    loop {
        let work = std::fs::read_dir(installation.files().work()).unwrap();
        let left: Vec<_> = work.map(|entry| entry.unwrap().path()).collect();
        if left.is_empty() {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "left over: {left:?}\n{}", installation.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Posts the transfer to a new installation.
async fn begin(home: &Path, bucket: &Bucket) -> (Installation, Server, Indexes, String) {
    let installation = Installation::new(home, &bucket.path(""));
    let server = installation.start().await;
    let indexes = server.furnish(bucket).await;
    let transfer = server.submit(bucket.manifest(&indexes)).await.expect("it is acknowledged");
    (installation, server, indexes, transfer)
}

/// A transfer under kills.
struct Harassed {
    outcome: Outcome,
    kills: usize,
    attempts: u64,
    /// Times that a decoder was at work when the server was killed.
    decoding: usize,
}

/// The decoders of a server that was killed end, too.
async fn expect_no_process(installation: &Installation) {
    let began = Instant::now();
    loop {
        let processes = installation.processes();
        if processes.is_empty() {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(5), "outlives its server: {processes:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// One transfer under kills, until it is over or `limit` kills were done.
async fn harass(home: &Path, bucket: &Bucket, random: &mut Random, limit: usize) -> Harassed {
    let (installation, server, indexes, transfer) = begin(home, bucket).await;
    server.kill().await;
    let (mut kills, mut decoding) = (1, 0);
    while kills < limit {
        match Moment::any(random) {
            Moment::Starting(after) => {
                let starting = installation.spawn();
                tokio::time::sleep(after).await;
                starting.kill().await;
            }
            Moment::Ready(after) => {
                let server = installation.start().await;
                tokio::time::sleep(after).await;
                let is_over = server.transfer(&transfer).await["is_finished"] == true;
                decoding += usize::from(!installation.processes().is_empty());
                server.kill().await;
                if is_over {
                    break;
                }
            }
        }
        kills += 1;
        expect_no_process(&installation).await;
    }
    let server = installation.start().await;
    let (outcome, attempts) = examine(server, &installation, bucket, &indexes, &transfer).await;
    Harassed { outcome, kills, attempts, decoding }
}

#[tokio::test]
async fn long_fifty_kills_lose_nothing_and_double_nothing() {
    let mut random = random();
    let (limit, tasks) = kills_and_tasks(50);
    let folder = tempfile::tempdir().unwrap();
    let bucket = Bucket::fill(&folder.path().join("films"), tasks);

    let began = Instant::now();
    let (installation, server, indexes, transfer) = begin(&folder.path().join("undisturbed"), &bucket).await;
    let (expected, attempts) = examine(server, &installation, &bucket, &indexes, &transfer).await;
    println!("undisturbed: {:.1} s, {attempts} attempts at {tasks} tasks", began.elapsed().as_secs_f64());

    let (mut kills, mut rounds, mut repeated, mut decoding) = (0, 0, 0, 0);
    while kills < limit {
        rounds += 1;
        let home = folder.path().join(format!("round-{rounds}"));
        let began = Instant::now();
        let round = harass(&home, &bucket, &mut random, limit - kills).await;
        println!(
            "round {rounds}: {:.1} s, {} kills, {} while decoding, {} attempts at {tasks} tasks",
            began.elapsed().as_secs_f64(),
            round.kills,
            round.decoding,
            round.attempts
        );
        assert_eq!(round.outcome, expected);
        kills += round.kills;
        repeated += round.attempts;
        decoding += round.decoding;
    }
    assert!(repeated > (rounds * tasks) as u64 && decoding > 0, "kills interrupted work");
}

/// Transfers that the server knows.
async fn transfers(server: &Server) -> BTreeMap<String, u64> {
    let list = server.get("/transfers?page_limit=50").await;
    let list = list["data"].as_array().unwrap().clone();
    list.iter().map(|one| (one["_id"].as_str().unwrap().to_owned(), one["total"].as_u64().unwrap())).collect()
}

#[tokio::test]
async fn long_a_manifest_is_taken_whole_or_not_at_all_and_never_lost_once_acknowledged() {
    const ENTRIES: u64 = 5_000;
    const KILLS: usize = 12;
    let mut random = random();
    let folder = tempfile::tempdir().unwrap();
    let bucket = Bucket::empty(&folder.path().join("films"));
    let installation = Installation::new(&folder.path().join("home"), &bucket.path(""));
    let mut server = installation.start().await;
    let indexes = server.furnish(&bucket).await;
    let (mut known, mut acknowledged, mut died) = (BTreeMap::new(), 0, 0);
    for kill in 0..KILLS {
        let manifest = manifest_of_nothing(&indexes.seen, kill as u64, ENTRIES);
        let moment = tokio::time::sleep(Duration::from_secs_f64(0.6 * share(&mut random)));
        let answer = tokio::select! {
            answer = server.submit(manifest) => Some(answer.expect("it is acknowledged")),
            () = moment => None,
        };
        server.kill().await;
        server = installation.start().await;
        let now = transfers(&server).await;
        assert!(now.values().all(|total| *total == ENTRIES), "whole, or not there: {now:?}");
        assert!(known.keys().all(|id| now.contains_key(id)), "nothing is lost: {known:?} {now:?}");
        match answer {
            Some(id) => {
                acknowledged += 1;
                assert!(now.contains_key(&id) && now.len() == known.len() + 1);
            }
            None => {
                died += 1;
                assert!(now.len() <= known.len() + 1);
            }
        }
        known = now;
    }
    println!("{acknowledged} acknowledged, {died} not, {} there", known.len());
    let mut ids: Vec<String> = Vec::new();
    for id in known.keys() {
        server.post(&format!("/transfers/{id}/cancel"), json!({})).await;
        let report = server.report(id).await;
        assert_eq!(report.len() as u64, ENTRIES);
        ids.extend(report.iter().map(|task| task["_id"].as_str().unwrap().to_owned()));
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len() as u64, ENTRIES * known.len() as u64, "no task twice");
}

/// Imports that the log tells, by their transfers, with the number of their tasks.
async fn imports(server: &Server, path: &str) -> BTreeMap<String, u64> {
    let logs = server.get(&format!("{path}/logs")).await;
    let total =
        |log: &Value| log["video_status"].as_object().unwrap().values().filter_map(Value::as_u64).sum();
    let logs = logs["data"].as_array().unwrap().iter();
    logs.map(|log| (log["transfer_id"].as_str().unwrap().to_owned(), total(log))).collect()
}

#[tokio::test]
async fn long_an_import_is_there_whole_or_not_at_all_and_never_keeps_the_next_one_out() {
    const FILES: u64 = 3_000;
    const KILLS: usize = 12;
    let mut random = random();
    let folder = tempfile::tempdir().unwrap();
    let bucket = Bucket::empty(&folder.path().join("films"));
    for number in 0..FILES {
        std::fs::write(bucket.path(&format!("{number:05}.mp4")), "x").unwrap();
    }
    let installation = Installation::new(&folder.path().join("home"), &bucket.path(""));
    let mut server = installation.start().await;
    let indexes = server.furnish(&bucket).await;
    let integration = server.get("/integrations").await["data"][0]["_id"].as_str().unwrap().to_owned();
    let path = format!("/v1.2/tasks/transfers/import/{integration}");
    let everything = json!({ "index_id": indexes.seen, "incremental_import": false });
    let began = Instant::now();
    server.post(&path, everything.clone()).await;
    let uncut = began.elapsed().as_secs_f64();
    let mut known = imports(&server, &path).await;
    let (mut acknowledged, mut died) = (0, 0);
    for _ in 0..KILLS {
        for id in known.keys() {
            server.post(&format!("/transfers/{id}/cancel"), json!({})).await;
        }
        let moment = tokio::time::sleep(Duration::from_secs_f64(2.5 * uncut * share(&mut random)));
        let answer = tokio::select! {
            answer = server.post(&path, everything.clone()) => Some(answer),
            () = moment => None,
        };
        server.kill().await;
        server = installation.start().await;
        let now = imports(&server, &path).await;
        assert!(now.values().all(|total| *total == FILES), "whole, or not there: {now:?}");
        assert_eq!(now, transfers(&server).await, "and so are their transfers");
        assert!(known.keys().all(|id| now.contains_key(id)), "nothing is lost: {known:?} {now:?}");
        match answer {
            Some(answer) => {
                acknowledged += 1;
                assert_eq!(answer["videos"].as_array().unwrap().len() as u64, FILES);
                assert!(now.contains_key(answer["transfer_id"].as_str().unwrap()));
            }
            None => died += 1,
        }
        assert!(now.len() <= known.len() + 1);
        known = now;
    }
    println!("{uncut:.2} s uncut; {acknowledged} acknowledged, {died} not, {} there", known.len());
    for id in known.keys() {
        server.post(&format!("/transfers/{id}/cancel"), json!({})).await;
    }
    server.post(&path, everything).await;
    assert_eq!(imports(&server, &path).await.len(), known.len() + 1);
}
