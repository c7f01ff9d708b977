//! `telecine transfer` from a folder of files to its report; and how it follows a transfer that takes its time.

use std::process::{Child, Stdio};
use std::time::Duration;

use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::program::{Ran, Server, ran, telecine};

/// A server over a folder with these files, the folder connected and verified, an index made.
struct House {
    home: tempfile::TempDir,
    server: Server,
    key: String,
}

impl House {
    #[track_caller]
    fn with(files: &[(&str, &[u8])]) -> Self {
        let home = tempfile::tempdir().unwrap();
        let films = home.path().join("films");
        std::fs::create_dir(&films).unwrap();
        for (name, bytes) in files {
            let file = films.join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, bytes).unwrap();
        }
        let server = Server::start(home.path(), &["--set", &format!("folders.roots={}", films.display())]);
        let key = server.key();
        let house = Self { home, server, key };
        let path = films.display().to_string();
        for args in [
            &["index", "create", "harbour"][..],
            &["integration", "add", "films", "--folder", &path],
            &["integration", "verify", "films"],
            &["integration", "manifest", "films", "--index", "harbour", "--output", "manifest.json"],
        ] {
            let ran = house.run(args);
            assert_eq!(ran.status, 0, "{args:?}: {ran:?}");
        }
        house
    }

    #[track_caller]
    fn run(&self, args: &[&str]) -> Ran {
        let mut command = telecine(self.home.path());
        command.env("TELECINE_URL", &self.server.url).env("TELECINE_API_KEY", &self.key);
        ran(command.args(args).output().unwrap())
    }
}

#[test]
fn filters_and_schedule_of_an_integration_are_changed_and_taken_back() {
    let house = House::with(&[("2023/old.mp4", b"old"), ("2024/new.mp4", b"new"), ("2024/notes.txt", b"-")]);
    let manifest = || house.run(&["integration", "manifest", "films", "--index", "harbour"]).stdout;
    assert!(manifest().contains("2023/old.mp4"));
    let edit = |args: &[&str]| {
        let ran = house.run(&[&["integration", "edit", "films", "--json"], args].concat());
        assert_eq!(ran.status, 0, "{ran:?}");
        serde_json::from_str::<Value>(&ran.stdout).unwrap()
    };
    let edited = edit(&["--include", "2024/*", "--max-bytes", "10", "--every-s", "3600"]);
    assert_eq!(
        (&edited["filters"]["include"], &edited["filters"]["max_bytes"]),
        (&json!(["2024/*"]), &json!(10))
    );
    assert_eq!(edited["schedule"]["every_s"], 3600);
    assert!(!manifest().contains("2023/old.mp4") && manifest().contains("2024/new.mp4"), "{}", manifest());
    let edited = edit(&["--no-filters", "--no-schedule"]);
    assert_eq!((&edited["filters"]["include"], &edited["schedule"]["every_s"]), (&json!([]), &Value::Null));
    assert!(manifest().contains("2023/old.mp4"));
    let hasty = house.run(&["integration", "edit", "films", "--every-s", "1"]);
    assert!(hasty.status != 0 && hasty.stderr.contains("60"), "{hasty:?}");
    let nothing = house.run(&["integration", "edit", "films"]);
    assert!(nothing.status != 0 && nothing.stderr.contains("--help"), "{nothing:?}");
}

#[test]
fn a_transfer_with_a_file_that_is_no_video_ends_with_the_status_1_and_says_why() {
    let house = House::with(&[("broken.mp4", b"this is no video"), ("notes.txt", b"nor is this")]);

    let planned = house.run(&["transfer", "manifest.json", "--dry-run"]);
    assert_eq!(planned.status, 0, "{planned:?}");
    assert!(planned.stdout.contains("folder://films/broken.mp4") && !planned.stdout.contains("notes.txt"));
    let sum = "1 entry: 1 would be taken (16 B), 0 skipped, 0 refused. Nothing was moved.";
    assert!(planned.stdout.contains(sum), "{}", planned.stdout);

    let transferred = house.run(&["transfer", "manifest.json"]);
    assert_eq!(transferred.status, 1, "{transferred:?}");
    assert!(transferred.stdout.starts_with("1 of 1 done: 1 failed\n"), "{}", transferred.stdout);
    assert!(transferred.stdout.contains("unsupported_file_type"), "{}", transferred.stdout);
    let home = house.home.path().to_str().unwrap();
    assert!(!transferred.stdout.contains(home), "no folder of the server is told: {}", transferred.stdout);

    let listed: Value = serde_json::from_str(&house.run(&["transfer", "list", "--json"]).stdout).unwrap();
    let id = listed["data"][0]["_id"].as_str().unwrap();
    let report = house.run(&["transfer", "report", id, "--format", "csv", "--output", "report.csv"]);
    assert_eq!(report.status, 0, "{report:?}");
    let report = std::fs::read_to_string(house.home.path().join("report.csv")).unwrap();
    assert_eq!(report.lines().count(), 2, "{report}");
    assert!(report.contains("folder://films/broken.mp4") && report.contains("unsupported_file_type"));

    let retried = house.run(&["transfer", "retry", id]);
    assert_eq!(retried.stdout, "Trying 1 video again.\n");
    let followed = house.run(&["transfer", "status", id, "--follow", "--json"]);
    assert_eq!(followed.status, 1);
    let followed: Value = serde_json::from_str(&followed.stdout).unwrap();
    assert_eq!((&followed["is_finished"], &followed["counts"]["failed"]), (&json!(true), &json!(1)));
}

#[test]
fn an_import_is_followed_and_told_by_status_and_log() {
    let house = House::with(&[("broken.mp4", b"this is no video"), ("empty.mp4", b""), ("notes.txt", b"x")]);
    let before = house.run(&["integration", "import-log", "films"]);
    assert!(before.stdout.starts_with("There is no import of this integration yet"), "{before:?}");

    let import = ["integration", "import", "films", "--index", "harbour"];
    let metadata = ["--metadata", "batch=5", "--metadata", "place=pier"];
    let ran = house.run(&[&import[..], &metadata, &["--follow"]].concat());
    assert_eq!(ran.status, 1, "a video failed: {ran:?}");
    assert!(ran.stdout.starts_with("films: 1 video on the way, 1 refused.\n"), "{}", ran.stdout);
    assert!(ran.stdout.contains("The file is empty.") && ran.stdout.contains("unsupported_file_type"));

    let status = house.run(&["integration", "import-status", "films", "--index", "harbour"]);
    let sum = "films: 0 ready, 0 indexing, 0 queued, 0 pending, 0 validating, 2 failed, 0 not imported\n";
    assert!(status.stdout.starts_with(sum), "{}", status.stdout);
    let again = house.run(&import);
    assert_eq!(
        (again.status, again.stdout.lines().next().unwrap()),
        (0, "films: 0 videos on the way, 1 refused.")
    );
    let retried = house.run(&[&import[..], &["--retry-failed", "--json"]].concat());
    let retried: Value = serde_json::from_str(&retried.stdout).unwrap();
    assert_eq!(retried["videos"][0]["filename"], "broken.mp4");
    let log: Value =
        serde_json::from_str(&house.run(&["integration", "import-log", "films", "--json"]).stdout).unwrap();
    assert_eq!(log["data"].as_array().unwrap().len(), 3);
    assert_eq!(log["data"][0]["user_metadata"], json!({ "batch": 5, "place": "pier" }));
}

#[test]
fn an_integration_is_deleted_in_words_and_taken_back() {
    let house = House::with(&[("film.mp4", b"x"), ("notes.txt", b"x")]);
    let planned = house.run(&["integration", "rm", "films", "--dry-run"]);
    assert_eq!(planned.status, 0, "{planned:?}");
    assert!(planned.stdout.starts_with("films: would be deleted\n  stays  0 videos, the history of 0 tasks"));
    assert!(planned.stdout.contains("what is known of 2 files, after "), "{}", planned.stdout);
    assert_eq!(house.run(&["integration", "restore", "films"]).status, 1, "it was not deleted");

    let deleted = house.run(&["integration", "rm", "films"]);
    assert!(deleted.stdout.starts_with("films: deleted\n"), "{deleted:?}");
    assert!(deleted.stdout.ends_with("Until then: telecine integration restore films\n"), "{deleted:?}");
    assert!(house.run(&["integration", "list"]).stdout.starts_with("There is no integration yet"));
    let restorable = house.run(&["integration", "restore"]);
    assert!(restorable.stdout.lines().nth(1).unwrap().starts_with("films "), "{}", restorable.stdout);
    let restored = house.run(&["integration", "restore", "films"]);
    assert_eq!(restored.stdout, "films is back: active\n", "{restored:?}");
}

#[test]
fn a_manifest_that_is_not_one_is_refused_with_entry_and_field() {
    let house = House::with(&[]);
    std::fs::write(house.home.path().join("bad.json"), r#"[{"index_id": 7}]"#).unwrap();
    let refused = house.run(&["transfer", "bad.json"]);
    assert_eq!(refused.status, 1);
    assert!(
        refused.stderr.contains("index_id") && refused.stderr.contains("parameter_invalid"),
        "{}",
        refused.stderr
    );
    assert_eq!(
        house.run(&["transfer", "list"]).stdout,
        "There is no transfer yet; `telecine transfer MANIFEST` makes one.\n"
    );
}

#[test]
fn a_dry_run_that_would_refuse_something_has_the_status_1() {
    let house = House::with(&[("film.mp4", b"x")]);
    let manifest = std::fs::read_to_string(house.home.path().join("manifest.json")).unwrap();
    std::fs::write(house.home.path().join("gone.json"), manifest.replace("film.mp4", "gone.mp4")).unwrap();
    let planned = house.run(&["transfer", "gone.json", "--dry-run"]);
    assert_eq!(planned.status, 1, "{planned:?}");
    assert!(planned.stdout.contains("object_not_exists"), "{}", planned.stdout);
}

const ID: &str = "65f0c1d2e3a4b5c6d7e8f901";

/// A status as the API tells it.
fn status(is_finished: bool) -> Value {
    let (indexing, ready) = if is_finished { (0, 1) } else { (1, 0) };
    json!({
        "_id": ID, "state": "accepted", "created_at": "2024-03-01T09:15:02.417Z", "ended_at": null,
        "is_finished": is_finished, "total": 1, "repeated": 0, "faults": [], "in_hand": [],
        "counts": {"validating": 0, "pending": 0, "queued": 0, "indexing": indexing, "ready": ready, "failed": 0, "skipped": 0},
        "stages": {"fetch": {"tasks": 0, "done": 1}, "validate": {"tasks": 0, "done": 1}, "publish": {"tasks": 0, "done": 0},
                   "index": {"tasks": 1, "done": 0, "done_s": 0.0, "total_s": 0.0}},
        "remain_seconds": null,
    })
}

/// Something that tells the status (and an empty report) at this address.
async fn telling(address: &str, is_finished: bool) -> (String, tokio::task::JoinHandle<()>) {
    let router = Router::new()
        // Closed connections, so that who asks notices when nobody listens any more.
        .route(
            "/v1.2/transfers/{id}",
            get(move || async move { ([("connection", "close")], Json(status(is_finished))) }),
        )
        .route("/v1.2/transfers/{id}/report", get(|| async { "" }));
    let listener = TcpListener::bind(address).await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (address, tokio::spawn(async move { axum::serve(listener, router).await.unwrap() }))
}

fn following(home: &tempfile::TempDir, address: &str) -> Child {
    telecine(home.path())
        .args(["transfer", "status", ID, "--follow", "--key", "tlk_X", "--url", &format!("http://{address}")])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_leaves_the_transfer_to_the_server_and_says_so() {
    let home = tempfile::tempdir().unwrap();
    let (address, server) = telling("127.0.0.1:0", false).await;
    let child = following(&home, &address);
    tokio::time::sleep(Duration::from_millis(800)).await;
    super::program::signal(child.id(), "INT");
    let left = ran(child.wait_with_output().unwrap());
    assert_eq!(left.status, 130, "{left:?}");
    assert!(left.stderr.contains("The transfer goes on in the server."), "{}", left.stderr);
    assert!(left.stderr.contains(&format!("telecine transfer status {ID} --follow")), "{}", left.stderr);
    server.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_restarted_is_waited_for() {
    let home = tempfile::tempdir().unwrap();
    let (address, server) = telling("127.0.0.1:0", false).await;
    let child = following(&home, &address);
    tokio::time::sleep(Duration::from_millis(800)).await;
    server.abort();
    assert!(server.await.unwrap_err().is_cancelled());
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    let (_, server) = telling(&address, true).await;
    let waited = tokio::task::spawn_blocking(|| ran(child.wait_with_output().unwrap())).await.unwrap();
    assert_eq!((waited.status, waited.stdout.as_str()), (0, "1 of 1 done: 1 ready\n"), "{waited:?}");
    assert!(waited.stderr.contains("The server does not answer; trying again."), "{}", waited.stderr);
    server.abort();
}
