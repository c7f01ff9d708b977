//! A data folder, and the servers that live and die on it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use reqwest::multipart::{Form, Part};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use telecine::files::DataDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::bucket::{BUCKET, Bucket, Indexes};
use crate::cli::program;

/// How long a start may take.
const START: Duration = Duration::from_secs(60);

/// What outlives the servers.
#[derive(Debug)]
pub(super) struct Installation {
    home: PathBuf,
    client: Client,
}

impl Installation {
    /// An empty one that may read folders below `roots`.
    pub(super) fn new(home: &Path, roots: &Path) -> Self {
        fs::create_dir_all(home).unwrap();
        let settings = toml::toml! {
            [engines]
            whisper = false
            ocr = "tiny"
            sessions = 2
            [pipeline]
            tasks = 4
            retry_base_s = 1
            [log]
            filter = "warn"
        };
        let mut settings = settings;
        let roots = toml::Value::try_from(vec![roots]).unwrap();
        settings.insert("folders".into(), toml::Table::from_iter([("roots".into(), roots)]).into());
        fs::write(home.join("telecine.toml"), settings.to_string()).unwrap();
        Self { home: home.to_owned(), client: Client::new() }
    }

    /// Adds a setting, for servers that are started from now on.
    pub(super) fn set(&self, section: &str, name: &str, value: impl std::fmt::Display) {
        let path = self.home.join("telecine.toml");
        let settings = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("{settings}\n[{section}]\n{name} = {value}\n")).unwrap();
    }

    /// Adds a setting to a section that is there.
    pub(super) fn set_in(&self, section: &str, name: &str, value: impl std::fmt::Display) {
        let path = self.home.join("telecine.toml");
        let settings = fs::read_to_string(&path).unwrap();
        let (head, added) = (format!("[{section}]\n"), format!("[{section}]\n{name} = {value}\n"));
        fs::write(&path, settings.replacen(&head, &added, 1)).unwrap();
    }

    pub(super) fn files(&self) -> DataDir {
        DataDir::new(self.home.join("data"))
    }

    /// Starts a server; it need not be ready yet.
    pub(super) fn spawn(&self) -> Starting {
        self.spawn_as(&["serve", "--admin-key-file", "admin.key"], "data")
    }

    /// Starts a process with a data folder of its own.
    pub(super) fn spawn_as(&self, command: &[&str], data: &str) -> Starting {
        let log = File::options().create(true).append(true).open(self.home.join("server.log")).unwrap();
        let mut child_of = Command::from(program::telecine(&self.home));
        let child = child_of
            .env("TELECINE_MODELS", program::models())
            .args(command)
            .args(["--listen", "127.0.0.1:0", "--data-dir", data])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .expect("the program starts");
        Starting { child }
    }

    /// Starts a server and waits until it is ready.
    pub(super) async fn start(&self) -> Server {
        self.ready(self.spawn()).await
    }

    /// Waits until a process is ready.
    pub(super) async fn ready(&self, mut starting: Starting) -> Server {
        let stdout = starting.child.stdout.take().expect("it is piped");
        let mut lines = BufReader::new(stdout).lines();
        let ready = async {
            while let Some(line) = lines.next_line().await.unwrap() {
                if let Some((_, url)) = line.split_once(" is ready at ").or(line.split_once(" health is at "))
                {
                    return url.to_owned();
                }
            }
            panic!("the server ended: {}", self.log())
        };
        let url = timeout(START, ready).await.unwrap_or_else(|_| panic!("no start: {}", self.log()));
        let key = fs::read_to_string(self.home.join("admin.key")).unwrap().trim().to_owned();
        Server { child: starting.child, url, key, client: self.client.clone() }
    }

    /// Processes that work on files of the data folder, such as decoders.
    pub(super) fn processes(&self) -> Vec<String> {
        let home = self.home.to_str().expect("a path in UTF-8");
        let processes = fs::read_dir("/proc").unwrap().filter_map(|entry| {
            let command = fs::read(entry.ok()?.path().join("cmdline")).ok()?;
            Some(String::from_utf8_lossy(&command).replace('\0', " "))
        });
        processes.filter(|command| command.contains(home)).collect()
    }

    pub(super) fn log(&self) -> String {
        fs::read_to_string(self.home.join("server.log")).unwrap_or_default()
    }
}

/// A server that was started.
#[derive(Debug)]
pub(super) struct Starting {
    child: Child,
}

impl Starting {
    /// `kill -9`.
    pub(super) async fn kill(mut self) {
        self.child.kill().await.expect("it is killed");
    }
}

/// A server that is ready.
#[derive(Debug)]
pub(super) struct Server {
    child: Child,
    url: String,
    key: String,
    client: Client,
}

impl Server {
    /// `kill -9`.
    pub(super) async fn kill(mut self) {
        self.child.kill().await.expect("it is killed");
    }

    /// Stops as an operator stops it, and waits for its end.
    pub(super) async fn stop(mut self) {
        program::signal(self.child.id().expect("it runs"), "TERM");
        let ended = timeout(Duration::from_secs(40), self.child.wait()).await.expect("it ends").unwrap();
        assert!(ended.success(), "{ended}");
    }

    /// What lies at a path or a link of this server that asks for no key.
    pub(super) async fn fetch(&self, path: &str) -> String {
        let url = if path.starts_with('/') { format!("{}{path}", self.url) } else { path.to_owned() };
        let answer = self.client.get(url).send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{path}: {status} {text}");
        text
    }

    /// Asks as a part of a trace of the client's.
    pub(super) async fn traced(&self, path: &str, traceparent: &str) {
        let request = self.client.get(format!("{}{path}", self.url)).header("x-api-key", &self.key);
        let answer = request.header("traceparent", traceparent).send().await.unwrap();
        assert!(answer.status().is_success(), "{answer:?}");
    }

    /// Sends a file as an asset and waits until it is ready; its id.
    pub(super) async fn bring(&self, filename: &str, bytes: Vec<u8>) -> String {
        let form = Form::new()
            .text("method", "direct")
            .part("file", Part::bytes(bytes).file_name(filename.to_owned()));
        let request = self.client.post(format!("{}/v1.3/assets", self.url)).header("x-api-key", &self.key);
        let answer = request.multipart(form).send().await.unwrap();
        let made: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        let path = format!("/v1.3/assets/{}", id(&made, "_id"));
        for _ in 0..600 {
            if self.get(&path).await["status"] == "ready" {
                return id(&made, "_id");
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{}", self.get(&path).await)
    }

    /// Sends a request; the text of the answer, which must be a good one.
    async fn ask(&self, method: Method, path: &str, body: Body) -> reqwest::Result<String> {
        let request =
            self.client.request(method, format!("{}{path}", self.url)).header("x-api-key", &self.key);
        let request = match body {
            Body::None => request,
            Body::Json(value) => request.json(&value),
            Body::Manifest(bytes) => {
                request.multipart(Form::new().part("file", Part::bytes(bytes).file_name("manifest.json")))
            }
        };
        let answer = request.send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        assert!(status.is_success(), "{path}: {status} {text}");
        Ok(text)
    }

    /// A request with the key, to be sent.
    pub(super) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url)).header("x-api-key", &self.key)
    }

    pub(super) async fn get(&self, path: &str) -> Value {
        let text = self.ask(Method::GET, path, Body::None).await.expect("an answer");
        serde_json::from_str(&text).expect("JSON")
    }

    pub(super) async fn post(&self, path: &str, body: Value) -> Value {
        let text = self.ask(Method::POST, path, Body::Json(body)).await.expect("an answer");
        serde_json::from_str(&text).expect("JSON")
    }

    /// Two indexes and the bucket, connected.
    pub(super) async fn furnish(&self, bucket: &Bucket) -> Indexes {
        let path = bucket.path("");
        let integration =
            self.post("/integrations", json!({ "provider": "folder", "bucket": BUCKET, "path": path })).await;
        let verify = format!("/integrations/{}/verify", id(&integration, "_id"));
        assert_eq!(self.post(&verify, json!({})).await["status"], "active");
        let index = async |name: &str, options: &[&str]| {
            let engine = json!({ "engine_name": "marengo2.6", "engine_options": options });
            let made = self.post("/v1.2/indexes", json!({ "index_name": name, "engines": [engine] })).await;
            id(&made, "_id")
        };
        Indexes {
            seen: index("seen", &["visual"]).await,
            heard: index("heard", &["visual", "conversation"]).await,
        }
    }

    /// The transfer of a manifest, once it is acknowledged; an error when the server dies before that.
    pub(super) async fn submit(&self, manifest: Vec<u8>) -> reqwest::Result<String> {
        let text = self.ask(Method::POST, "/v1.2/tasks/transfers", Body::Manifest(manifest)).await?;
        Ok(id(&serde_json::from_str(&text).expect("JSON"), "transfer_id"))
    }

    pub(super) async fn transfer(&self, id: &str) -> Value {
        self.get(&format!("/transfers/{id}")).await
    }

    /// Every task of a transfer.
    pub(super) async fn report(&self, id: &str) -> Vec<Value> {
        let report = self.get(&format!("/transfers/{id}/report?format=json")).await;
        report.as_array().expect("a list").clone()
    }
}

enum Body {
    None,
    Json(Value),
    Manifest(Vec<u8>),
}

fn id(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_else(|| panic!("{field} in {value}")).to_owned()
}
