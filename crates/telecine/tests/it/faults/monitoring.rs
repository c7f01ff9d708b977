//! What dashboard and alerts of deploy/monitoring look at is what a server that works really tells.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::json;

use super::bucket::{BUCKET, Bucket};
use super::installation::Installation;
use crate::pipeline::media::silent;
use crate::support::servers::repository;

/// Names of metrics in a file.
fn named_in(file: &str) -> BTreeSet<String> {
    let text = std::fs::read_to_string(repository().join("deploy/monitoring").join(file)).unwrap();
    let names = regex::Regex::new(r"\b(?:telecine|process)_[a-z_]+").unwrap();
    // Names of alerts and of jobs are none.
    names.find_iter(&text).map(|found| found.as_str().to_owned()).collect()
}

#[tokio::test]
async fn every_metric_of_the_dashboard_and_of_the_alerts_is_told_by_a_server_that_works() {
    let folder = tempfile::tempdir().unwrap();
    let bucket = Bucket::empty(&folder.path().join("films"));
    silent(&bucket.path("0.mp4"), "640x360", 5);
    std::fs::write(bucket.path("1.mp4"), "This is no video. ".repeat(200)).unwrap();
    let installation = Installation::new(&folder.path().join("home"), &bucket.path(""));
    let server = installation.start().await;
    let indexes = server.furnish(&bucket).await;
    let entry =
        |number| json!({ "index_id": indexes.seen, "object": format!("folder://{BUCKET}/{number}.mp4") });
    let manifest = serde_json::to_vec(&[entry(0), entry(1)]).unwrap();
    let transfer = server.submit(manifest).await.unwrap();
    let began = Instant::now();
    while server.transfer(&transfer).await["is_finished"] != true {
        assert!(began.elapsed() < Duration::from_secs(120), "{}", installation.log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let query = json!({ "index_id": indexes.seen, "query": "a picture", "search_options": ["visual"] });
    server.post("/v1.2/search", query).await;
    let mut told = server.fetch("/metrics").await;
    // Attempts are counted when they end, a moment after their task did.
    while !told.contains("telecine_tasks_total{outcome=\"ready\"} 1") {
        assert!(began.elapsed() < Duration::from_secs(120), "{told}");
        tokio::time::sleep(Duration::from_millis(200)).await;
        told = server.fetch("/metrics").await;
    }
    let names: BTreeSet<String> = ["dashboard.json", "alerts.yaml"].into_iter().flat_map(named_in).collect();
    assert!(names.len() > 30, "{names:?}");
    let is_told = |name: &str| {
        told.lines().any(|line| {
            line.strip_prefix(name).is_some_and(|rest| rest.starts_with('{') || rest.starts_with(' '))
        })
    };
    let missing: Vec<_> = names.iter().filter(|name| !is_told(name)).collect();
    assert!(missing.is_empty(), "{missing:?} of\n{told}");
    for line in [
        "telecine_task_faults_total{code=\"unsupported_file_type\"} 1",
        "telecine_tasks_total{outcome=\"ready\"} 1",
        "telecine_dead_letters_total{cause=\"store\"} 0",
        "telecine_database_up 1",
        "telecine_queue_in_hand 0",
    ] {
        assert!(told.contains(line), "{line} in\n{told}");
    }
    for line in told.lines().filter(|line| line.starts_with("# TYPE")) {
        assert!(!line.ends_with("summary"), "quantiles cannot be added up over servers: {line}");
    }
}
