//! A backup of a server that is at work, by the command that docs/OPERATING.md tells, put back elsewhere: everything that
//! was there is there, and what was at work goes on.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::bucket::{BUCKET, Bucket};
use super::installation::{Installation, Server};
use crate::pipeline::media::silent;
use crate::support::postgres::PostgresDatabase;
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

/// What a server had when it was backed up.
struct World {
    folder: tempfile::TempDir,
    bucket: Bucket,
    index: String,
    ready: Vec<Value>,
    query: Value,
    found: Value,
    asset: String,
    /// The transfer that was at work.
    at_work: String,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let bucket = Bucket::empty(&folder.path().join("films"));
        for number in 0..BEFORE + MEANWHILE {
            // Each of another length, for content is taken once.
            silent(&bucket.path(&format!("{number}.mp4")), "640x360", 5 + u32::try_from(number).unwrap());
        }
        let (index, asset, at_work) = (String::new(), String::new(), String::new());
        Self {
            folder,
            bucket,
            index,
            ready: Vec::new(),
            query: Value::Null,
            found: Value::Null,
            asset,
            at_work,
        }
    }

    /// Videos that are ready, an asset, and a transfer that is at work when this returns.
    async fn fill(&mut self, server: &Server, installation: &Installation) {
        self.index = server.furnish(&self.bucket).await.seen;
        let first = server.submit(manifest(&self.index, 0..BEFORE)).await.unwrap();
        until_over(server, installation, &first).await;
        self.asset = server.bring("film.mp4", std::fs::read(self.bucket.path("0.mp4")).unwrap()).await;
        self.query = json!({ "index_id": self.index, "query": "a test picture", "search_options": ["visual"], "page_limit": 50 });
        self.found = server.post("/v1.2/search", self.query.clone()).await;
        self.ready = videos(server, &self.index).await;
        assert_eq!(self.ready.len(), BEFORE);
        self.at_work = server.submit(manifest(&self.index, BEFORE..BEFORE + MEANWHILE)).await.unwrap();
    }

    /// Everything is there, and what was at work goes on to its end.
    async fn is_there(&self, server: &Server, restored: &Installation) {
        let there = videos(server, &self.index).await;
        let has = |video: &Value| there.iter().any(|other| other["_id"] == video["_id"]);
        assert!(self.ready.iter().all(has), "{there:?}");
        let over = until_over(server, restored, &self.at_work).await;
        assert_eq!(over["counts"]["ready"], MEANWHILE, "what was at work goes on: {over}");
        assert_eq!(videos(server, &self.index).await.len(), BEFORE + MEANWHILE);
        let again = server.post("/v1.2/search", self.query.clone()).await;
        for clip in self.found["data"].as_array().unwrap() {
            let place =
                |clip: &Value| [&clip["video_id"], &clip["start"], &clip["end"]].map(Value::to_string);
            let is_it = |other: &Value| place(other) == place(clip);
            assert!(again["data"].as_array().unwrap().iter().any(is_it), "{clip} in {again}");
        }
        let told = server.get(&format!("/v1.3/assets/{}", self.asset)).await;
        assert_eq!(told["status"], "ready", "{told}");
    }

    fn copy_key(&self, from: &str, to: &str) {
        let file = |home: &str| self.folder.path().join(home).join("admin.key");
        std::fs::copy(file(from), file(to)).unwrap();
    }
}

#[tokio::test]
async fn a_backup_of_a_server_at_work_is_put_back_elsewhere_with_everything_that_was_there() {
    let mut world = World::new();
    let home = |name: &str| world.folder.path().join(name);
    let installation = Installation::new(&home("old"), &world.bucket.path(""));
    let restored = Installation::new(&home("new"), &world.bucket.path(""));
    for server in [&installation, &restored] {
        // Streams are kept however full this machine's disk is.
        server.set("streaming", "min_free_bytes", 0);
    }
    let copy = home("backup");
    let server = installation.start().await;
    world.fill(&server, &installation).await;
    back_up(installation.files().path(), &copy);
    println!("when the backup was done: {}", server.transfer(&world.at_work).await["counts"]);
    server.kill().await;
    std::fs::remove_dir_all(installation.files().path()).unwrap();

    std::fs::rename(&copy, restored.files().path()).unwrap();
    world.copy_key("old", "new");
    let server = restored.start().await;
    world.is_there(&server, &restored).await;
    let file = restored.files().asset_file(world.asset.parse().unwrap());
    assert_eq!(std::fs::read(file).unwrap(), std::fs::read(world.bucket.path("0.mp4")).unwrap());
    let video = world.ready[0]["_id"].as_str().unwrap();
    let path = format!("/v1.3/indexes/{}/videos/{video}", world.index);
    let began = Instant::now();
    let link = loop {
        let stream = server.get(&path).await["hls"].clone();
        if let Some(link) = stream["video_url"].as_str() {
            break link.to_owned();
        }
        assert!(began.elapsed() < Duration::from_secs(60), "{stream}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    assert!(server.fetch(&link).await.starts_with("#EXTM3U"), "streams come along");
}

#[tokio::test]
async fn a_dump_of_a_postgresql_database_at_work_is_restored_with_everything_that_was_there() {
    let database = PostgresDatabase::create().await;
    let (server_url, _) = database.url().rsplit_once('/').unwrap();
    let name = format!("restored_{}", std::process::id());
    let other = format!("{server_url}/{name}");
    let run = |program: &str, arguments: &[&str]| {
        let done = database.program(program).args(arguments).output().unwrap();
        assert!(done.status.success(), "{program}: {}", String::from_utf8_lossy(&done.stderr));
    };
    let mut world = World::new();
    let media = world.folder.path().join("media");
    let open = |home: &str, url: &str| {
        let installation = Installation::new(&world.folder.path().join(home), &world.bucket.path(""));
        let key = world.folder.path().join("secrets.key");
        installation.set("database", "url", format!("\"{url}\""));
        installation.set("media_store", "url", format!("\"{}\"", media.display()));
        installation.set("secrets", "key_file", format!("\"{}\"", key.display()));
        installation
    };
    let (installation, restored) = (open("old", database.url()), open("new", &other));
    std::fs::create_dir(&media).unwrap();
    let server = installation.start().await;
    world.fill(&server, &installation).await;
    let dump = world.folder.path().join("telecine.dump");
    run("pg_dump", &["--format=custom", &format!("--file={}", dump.display()), database.url()]);
    println!("when the dump was done: {}", server.transfer(&world.at_work).await["counts"]);
    server.kill().await;

    run("createdb", &[&format!("--maintenance-db={}", database.url()), &name]);
    run(
        "pg_restore",
        &["--no-owner", "--exit-on-error", &format!("--dbname={other}"), dump.to_str().unwrap()],
    );
    world.copy_key("old", "new");
    let server = restored.start().await;
    world.is_there(&server, &restored).await;
    let system = server.get("/v1.3/system").await;
    assert_eq!(system["search"]["is_in_database"], true, "{system}");
    server.kill().await;
    run("dropdb", &["--force", &format!("--maintenance-db={}", database.url()), &name]);
}
