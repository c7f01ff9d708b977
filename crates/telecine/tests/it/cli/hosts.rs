//! Processes that share PostgreSQL and a bucket, as on several hosts: each with a data folder of its own.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use aws_sdk_s3::config::Credentials;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use super::program::{models, signal, telecine};
use crate::pipeline::media;
use crate::support::postgres::PostgresDatabase;
use crate::support::servers::{Servers, client};

const PATIENCE: Duration = Duration::from_secs(180);

/// A process with a data folder of its own; killed when dropped.
struct Process {
    child: Child,
    url: String,
    greeting: String,
}

impl Process {
    fn start(home: &Path, name: &str, command: &[&str], settings: &[(&str, String)]) -> Self {
        let log = File::create(home.join(format!("{name}.log"))).unwrap();
        let mut child = telecine(home)
            .env("TELECINE_MODELS", models())
            .envs(settings.iter().map(|(name, value)| (*name, value)))
            .args(command)
            .args(["--listen", "127.0.0.1:0", "--data-dir", name])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("the program starts");
        let mut greeting = String::new();
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            greeting.push_str(&line);
            greeting.push('\n');
            if let Some((_, url)) = line.split_once(" is ready at ").or(line.split_once("health is at ")) {
                return Self { child, url: url.trim_end_matches("/readyz").to_owned(), greeting };
            }
        }
        let log = std::fs::read_to_string(home.join(format!("{name}.log"))).unwrap();
        panic!("{name} ended with {:?}:\n{greeting}{log}", child.wait());
    }

    fn stop(&mut self) -> Duration {
        let begun = Instant::now();
        signal(self.child.id(), "TERM");
        assert!(self.child.wait().unwrap().success());
        begun.elapsed()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Api<'a> {
    client: reqwest::Client,
    key: &'a str,
}

impl Api<'_> {
    async fn post(&self, url: String, body: &Value) -> Value {
        let request = self.client.post(url).header("x-api-key", self.key).json(body);
        request.send().await.unwrap().json().await.unwrap()
    }

    async fn get(&self, url: String) -> Value {
        self.client.get(url).header("x-api-key", self.key).send().await.unwrap().json().await.unwrap()
    }

    async fn upload(&self, server: &Process, index: &str, film: &Path) -> String {
        let bytes = std::fs::read(film).unwrap();
        let name = film.file_name().unwrap().to_str().unwrap().to_owned();
        let form = Form::new()
            .text("index_id", index.to_owned())
            .text("language", "en")
            .part("video_file", Part::bytes(bytes).file_name(name));
        let request = self.client.post(format!("{}/v1.2/tasks", server.url)).header("x-api-key", self.key);
        let made: Value = request.multipart(form).send().await.unwrap().json().await.unwrap();
        made["_id"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned()
    }

    async fn until(&self, url: String, is_so: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let told = self.get(url.clone()).await;
            if is_so(&told) {
                return told;
            }
            assert!(begun.elapsed() < PATIENCE, "{told:#}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_and_workers_share_a_database_and_a_bucket_and_take_over_from_each_other() {
    let database = PostgresDatabase::create().await;
    let bucket = Servers::start(&["seaweedfs"]);
    let home = tempfile::tempdir().unwrap();
    let fact = |name: &str| bucket.fact("seaweedfs", name);
    let (id, secret) = (fact("access_key_id"), fact("secret_access_key"));
    let owner = Credentials::new(&id, &secret, None, None, "test");
    client(&fact("endpoint"), owner).create_bucket().bucket("films").send().await.unwrap();
    std::fs::write(home.path().join("bucket.secret"), &secret).unwrap();
    let settings = [
        ("TELECINE_DATABASE", database.url().to_owned()),
        ("TELECINE_MEDIA", "s3://films/kept".to_owned()),
        ("TELECINE_MEDIA_STORE__ENDPOINT_URL", fact("endpoint")),
        ("TELECINE_MEDIA_STORE__ACCESS_KEY_ID", id),
        ("TELECINE_MEDIA_STORE__SECRET_KEY_FILE", "bucket.secret".to_owned()),
        ("TELECINE_SECRETS__KEY_FILE", "secrets.key".to_owned()),
        ("TELECINE_STREAMING__MIN_FREE_BYTES", "0".to_owned()),
        ("TELECINE_ENGINES__WHISPER", "false".to_owned()),
    ];
    let start = |name: &str, command: &[&str]| Process::start(home.path(), name, command, &settings);
    let mut api = start("api", &["serve", "--role", "api"]);
    let key = api.greeting.lines().map(str::trim).find(|line| line.starts_with("tlk_")).unwrap().to_owned();
    let mut worker = start("worker", &["worker"]);
    let ask = Api { client: reqwest::Client::builder().no_proxy().build().unwrap(), key: &key };

    let health = ask.get(format!("{}/readyz", worker.url)).await;
    assert_eq!(health["ready"], true, "{health}");
    let refused = ask.client.get(format!("{}/v1.2/indexes", worker.url)).send().await.unwrap();
    assert_eq!(refused.status(), 404, "a worker answers nothing else");

    let engines = json!([{ "engine_name": "marengo2.6", "engine_options": ["visual"] }]);
    let body = json!({ "index_name": "films", "engines": engines });
    let index =
        ask.post(format!("{}/v1.2/indexes", api.url), &body).await["_id"].as_str().unwrap().to_owned();
    media::silent(&home.path().join("pier.mp4"), "640x360", 5);
    let task = ask.upload(&api, &index, &home.path().join("pier.mp4")).await;
    let path = format!("{}/v1.2/tasks/{task}", api.url);
    let is_over = |told: &Value| told["status"] == "ready" && told["hls"]["status"] != "PROCESSING";
    let told = ask.until(path, is_over).await;
    assert_eq!(told["hls"]["status"], "COMPLETE", "{told:#}");

    // Another server, which the first one's key, links and rows work at.
    let other = start("other", &["serve", "--role", "api"]);
    assert!(!other.greeting.contains("tlk_"), "no second admin key: {}", other.greeting);
    let link = told["hls"]["video_url"].as_str().unwrap().replace(&api.url, &other.url);
    let playlist = ask.client.get(link).send().await.unwrap();
    assert_eq!(playlist.status(), 200);
    assert!(playlist.text().await.unwrap().starts_with("#EXTM3U"));

    // A worker that stops gives its task back at once; another one goes on with it, with nothing of the first one's.
    media::silent(&home.path().join("long.mp4"), "1280x720", 90);
    let task = ask.upload(&api, &index, &home.path().join("long.mp4")).await;
    let path = format!("{}/v1.2/tasks/{task}", other.url);
    ask.until(path.clone(), |told| told["status"] == "indexing").await;
    assert!(worker.stop() < Duration::from_secs(15), "it does not finish what it has in hand");
    let given_back = ask.get(path.clone()).await;
    assert_eq!(given_back["status"], "validating", "its lease would last for a minute: {given_back}");
    let _second = start("second", &["worker"]);
    ask.until(path, |told| told["status"] == "ready").await;
    assert!(api.stop() < Duration::from_secs(15));
    let log = std::fs::read_to_string(home.path().join("worker.log")).unwrap();
    assert!(!log.contains("ERROR"), "{log}");
}
