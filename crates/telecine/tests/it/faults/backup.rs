//! A backup of a server that is at work, by the command that docs/OPERATING.md tells, put back elsewhere: everything that
//! was there is there, and what was at work goes on.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::bucket::{BUCKET, Bucket};
use super::installation::{Installation, Server};
use crate::pipeline::media::silent;
use crate::support::servers::repository;

/// Videos that are ready before, and those that are at work meanwhile.
const BEFORE: usize = 3;
const MEANWHILE: usize = 9;

async fn until_over(server: &Server, installation: &Installation, transfer: &str) -> Value {
    let began = Instant::now();
    loop {
        let status = server.transfer(transfer).await;
        if status["is_finished"] == true {
            return status;
        }
        assert!(began.elapsed() < Duration::from_secs(180), "{status} {}", installation.log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn manifest(index: &str, numbers: std::ops::Range<usize>) -> Vec<u8> {
    let entry = |number| json!({ "index_id": index, "object": format!("folder://{BUCKET}/{number}.mp4"), "language": "en" });
    serde_json::to_vec(&numbers.map(entry).collect::<Vec<_>>()).unwrap()
}

/// As an operator does it.
fn back_up(data: &Path, target: &Path) {
    let command = repository().join("deploy/backup.sh");
    let documented = std::fs::read_to_string(repository().join("docs/OPERATING.md")).unwrap();
    assert!(
        documented.contains("deploy/backup.sh /var/lib/telecine /backup/"),
        "it is the documented command"
    );
    let done = Command::new(command).args([data, target]).arg("--with-media").output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

async fn videos(server: &Server, index: &str) -> Vec<Value> {
    let page = server.get(&format!("/v1.3/indexes/{index}/videos?page_limit=50&sort_by=created_at")).await;
    page["data"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_backup_of_a_server_at_work_is_put_back_elsewhere_with_everything_that_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let bucket = Bucket::empty(&folder.path().join("films"));
    for number in 0..BEFORE + MEANWHILE {
        // Each of another length, for content is taken once.
        silent(&bucket.path(&format!("{number}.mp4")), "640x360", 5 + u32::try_from(number).unwrap());
    }
    let installation = Installation::new(&folder.path().join("old"), &bucket.path(""));
    let server = installation.start().await;
    let indexes = server.furnish(&bucket).await;
    let first = server.submit(manifest(&indexes.seen, 0..BEFORE)).await.unwrap();
    until_over(&server, &installation, &first).await;
    let asset = server.bring("film.mp4", std::fs::read(bucket.path("0.mp4")).unwrap()).await;
    let query = json!({ "index_id": indexes.seen, "query": "a test picture", "search_options": ["visual"] });
    let found = server.post("/v1.2/search", query.clone()).await;
    let ready = videos(&server, &indexes.seen).await;
    assert_eq!(ready.len(), BEFORE);

    let second = server.submit(manifest(&indexes.seen, BEFORE..BEFORE + MEANWHILE)).await.unwrap();
    let copy = folder.path().join("backup");
    back_up(installation.files().path(), &copy);
    let at_backup = server.transfer(&second).await;
    println!("when the backup was done: {}", at_backup["counts"]);
    server.kill().await;
    std::fs::remove_dir_all(installation.files().path()).unwrap();

    let restored = Installation::new(&folder.path().join("new"), &bucket.path(""));
    std::fs::rename(&copy, restored.files().path()).unwrap();
    std::fs::copy(folder.path().join("old/admin.key"), folder.path().join("new/admin.key")).unwrap();
    let server = restored.start().await;
    let there = videos(&server, &indexes.seen).await;
    assert!(ready.iter().all(|video| there.iter().any(|other| other["_id"] == video["_id"])), "{there:?}");
    let over = until_over(&server, &restored, &second).await;
    assert_eq!(over["counts"]["ready"], MEANWHILE, "what was at work goes on: {over}");
    assert_eq!(videos(&server, &indexes.seen).await.len(), BEFORE + MEANWHILE);
    let again = server.post("/v1.2/search", query).await;
    for clip in found["data"].as_array().unwrap() {
        let is_it = |other: &Value| {
            (&other["video_id"], &other["start"], &other["end"])
                == (&clip["video_id"], &clip["start"], &clip["end"])
        };
        assert!(again["data"].as_array().unwrap().iter().any(is_it), "{clip} in {again}");
    }
    let told = server.get(&format!("/v1.3/assets/{asset}")).await;
    assert_eq!(told["status"], "ready", "{told}");
    let file = restored.files().asset_file(asset.parse().unwrap());
    assert_eq!(std::fs::read(file).unwrap(), std::fs::read(bucket.path("0.mp4")).unwrap());
    let video = ready[0]["_id"].as_str().unwrap();
    let stream = server.get(&format!("/v1.3/indexes/{}/videos/{video}", indexes.seen)).await["hls"].clone();
    let playlist = server.fetch(stream["video_url"].as_str().unwrap()).await;
    assert!(playlist.starts_with("#EXTM3U"), "streams come along: {stream}");
}
