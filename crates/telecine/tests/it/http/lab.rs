//! A server on a loopback port with its own data folder, and short words for asking it things.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use telecine::app::App;
use telecine::config::{Config, FolderConfig};
use telecine::files::DataDir;
use telecine::ids::{IndexId, TaskId, WorkspaceId};
use telecine::integration::keeper::Keeper;
use telecine::keys;
use telecine::pipeline::ProgressBoard;
use telecine::queue::TableQueue;
use telecine::search::Searcher;
use telecine::source::Opener;
use telecine::store::sqlite::SqliteStore;
use telecine::store::{ContentHolder, Store};
use telecine::time::{Clock, ManualClock, MediaTime};
use telecine::transfer::{NewTask, TaskSource};
use telecine::video::{NewSegment, NewThumbnail, NewVector, Publication, SegmentKind};
use telecine_engines::write::Writer;
use telecine_media::{MediaConfig, MediaTools};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::contract::check;
use crate::store::lab::{meta, range};
use crate::support::engines::{CAR, NO_CAR, quick_engines};
use crate::support::vaults::vault;

/// A server that answers requests and works on nothing.
pub(crate) struct Lab {
    pub(crate) app: Arc<App>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) workspace: WorkspaceId,
    /// Without a slash at the end.
    pub(crate) url: String,
    pub(crate) key: String,
    pub(crate) client: reqwest::Client,
    pub(crate) folder: tempfile::TempDir,
}

/// What a server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// Status and code: what a refusal is told by.
    #[track_caller]
    pub(crate) fn refusal(&self) -> (u16, String) {
        let body = self.json();
        // The newest routes tell it inside of `error`.
        let told = body.get("error").filter(|error| error.is_object()).unwrap_or(&body);
        (self.status, told["code"].as_str().unwrap_or_default().to_owned())
    }

    pub(crate) async fn of(response: reqwest::Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self { status, headers, text: response.text().await.unwrap() }
    }
}

impl Lab {
    pub(crate) async fn start() -> Self {
        Self::with(|_| ()).await
    }

    pub(crate) async fn with(set: impl FnOnce(&mut Config)) -> Self {
        Self::furnished(set, None).await
    }

    /// A server with this writer.
    pub(crate) async fn writing(writer: Arc<dyn Writer>) -> Self {
        Self::furnished(|_| (), Some(writer)).await
    }

    pub(crate) async fn furnished(set: impl FnOnce(&mut Config), writer: Option<Arc<dyn Writer>>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config =
            Config { folders: FolderConfig { roots: vec![folder.path().to_owned()] }, ..Config::default() };
        config.server.data_dir = folder.path().join("data");
        set(&mut config);
        std::fs::create_dir_all(config.server.data_dir.join("incoming")).unwrap();
        let (app, clock) = open(config, writer).await;
        let workspace = app.store.default_workspace(clock.now()).await.unwrap();
        let (_, key) = keys::create(&*app.store, &*clock, workspace, "test").await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = telecine::http::router(Arc::clone(&app));
        tokio::spawn(telecine::http::serve(listener, router, CancellationToken::new()));
        Self { app, clock, workspace, url, key, client: reqwest::Client::new(), folder }
    }

    /// Seconds since 1970.
    pub(crate) fn clock_s(&self) -> i64 {
        self.clock.now().as_millis() / 1_000
    }

    pub(crate) fn tick(&self) {
        self.clock.advance(Duration::from_secs(1));
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url)).header("x-api-key", &self.key)
    }

    pub(crate) async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let mut request = self.request(method.clone(), path);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = Answer::of(request.send().await.unwrap()).await;
        check(method.as_str(), path, &answer);
        answer
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, Some(body)).await
    }

    pub(crate) async fn form(&self, path: &str, form: reqwest::multipart::Form) -> Answer {
        let sent = self.request(Method::POST, path).multipart(form).send().await;
        let answer = Answer::of(sent.unwrap()).await;
        check("POST", path, &answer);
        answer
    }

    /// Sends bytes as they are and reads all that comes back, as status line and body.
    pub(crate) async fn raw(&self, request: &[u8]) -> (String, String) {
        let mut stream = TcpStream::connect(self.url.trim_start_matches("http://")).await.unwrap();
        stream.write_all(request).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        (head.lines().next().unwrap_or_default().to_owned(), body.to_owned())
    }

    /// An index with all options and pictures.
    pub(crate) async fn index(&self, name: &str) -> IndexId {
        let engines = json!([{
            "engine_name": "marengo2.6",
            "engine_options": ["visual", "conversation", "text_in_video"],
        }]);
        let body = json!({ "index_name": name, "engines": engines, "addons": ["thumbnail"] });
        let made = self.post("/v1.2/indexes", body).await;
        assert_eq!(made.status, 201, "{}", made.text);
        id_of(&made.json()["_id"])
    }

    /// A key of another workspace.
    pub(crate) async fn stranger(&self) -> String {
        let workspace = WorkspaceId::generate(self.clock.now());
        second_workspace(&self.app.files, workspace).await;
        keys::create(&*self.app.store, &*self.clock, workspace, "stranger").await.unwrap().1
    }

    /// Two shots, the first of a car; one sentence and one line of text.
    fn publication(&self, task: TaskId, filename: &str) -> Publication {
        let said = format!("A boat leaves the harbour in {filename}");
        let segment = |kind, start_ms: i64, text: &str, values: Vec<f32>| NewSegment {
            kind,
            range: range(start_ms, start_ms + 2_000),
            text: text.to_owned(),
            score: 0.75,
            vectors: vec![NewVector { at: MediaTime::from_millis(start_ms), values }],
        };
        let words = |text: &str| self.app.engines.words.embed(&[text]).unwrap().remove(0);
        Publication {
            task,
            content_hash: format!("hash of {filename}"),
            meta: meta(filename),
            segments: vec![
                segment(SegmentKind::Shot, 0, "", CAR.to_vec()),
                segment(SegmentKind::Speech, 2_000, &said, words(&said)),
                segment(SegmentKind::Text, 4_000, "EXIT", words("EXIT")),
                segment(SegmentKind::Shot, 6_000, "", NO_CAR.to_vec()),
            ],
            thumbnails: vec![
                NewThumbnail { at: MediaTime::from_millis(500), jpeg: b"first".to_vec() },
                NewThumbnail { at: MediaTime::from_millis(6_000), jpeg: b"middle".to_vec() },
            ],
        }
    }

    /// A task of a link, on which nobody works.
    pub(crate) async fn task(&self, index: IndexId, filename: &str) -> TaskId {
        let now = self.clock.now();
        let task = NewTask {
            id: TaskId::generate(now),
            index,
            source: TaskSource::Url { url: format!("https://films.test/{filename}") },
            transcription: None,
            language: "en".to_owned(),
            user_metadata: Some(json!({ "category": filename }).as_object().unwrap().clone()),
            allows_duplicate: false,
            without_stream: false,
        };
        self.app.store.insert_task(self.workspace, &task, now).await.unwrap();
        task.id
    }

    /// A video that went through a whole life without being looked at: one shot, one sentence, one line of text.
    pub(crate) async fn video(&self, index: IndexId, filename: &str) -> TaskId {
        let task = self.task(index, filename).await;
        self.publish(task, filename).await;
        task
    }

    /// Makes a video of the one task that waits.
    pub(crate) async fn publish(&self, task: TaskId, filename: &str) {
        let store = &self.app.store;
        let lease = Duration::from_secs(60);
        let claim = store.claim_next(self.clock.now(), lease).await.unwrap().expect("a task is due");
        assert_eq!(claim.task, task);
        let publication = self.publication(task, filename);
        let held = store.hold_content(&claim, &publication.content_hash).await.unwrap();
        assert_eq!(held, Ok(ContentHolder::Mine));
        assert_eq!(store.publish(&claim, &publication, self.clock.now()).await.unwrap(), Ok(()));
    }
}

/// A second workspace's key: workspaces are not made over the API, so it is written into the database.
async fn second_workspace(files: &DataDir, id: WorkspaceId) {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(files.database());
    let mut database = sqlx::ConnectOptions::connect(&options).await.unwrap();
    let insert = sqlx::query("INSERT INTO workspace (id, is_default, created_at) VALUES (?, 0, 0)");
    insert.bind(id.to_string()).execute(&mut database).await.unwrap();
}

async fn open(config: Config, writer: Option<Arc<dyn Writer>>) -> (Arc<App>, Arc<ManualClock>) {
    let files = DataDir::new(&config.server.data_dir);
    let clock = Arc::new(ManualClock::at("2024-03-01T09:00:00Z".parse().unwrap()));
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(files.database()).await.unwrap());
    let mut engines = tokio::task::spawn_blocking(quick_engines).await.unwrap();
    engines.write = writer;
    let now: Arc<dyn Clock> = clock.clone();
    let app = App {
        queue: Arc::new(TableQueue::new(Arc::clone(&store))),
        // With a key of its own, so that nobody looks for one in the network.
        sources: Arc::new(Opener::new(&config, vault(), Arc::clone(&now)).credentials("base-key", "secret")),
        vault: vault(),
        media: MediaTools::discover(MediaConfig::default()).await.unwrap(),
        search: Arc::new(Searcher::new(Arc::clone(&store), engines.clone(), Arc::clone(&now), files.clone())),
        progress: Arc::new(ProgressBoard::default()),
        keeper: Keeper::default(),
        stopping: CancellationToken::new(),
        lock: None,
        media_store: telecine::media_store::open(&config, &files).unwrap(),
        clock: now,
        engines,
        files,
        store,
        config,
    };
    (Arc::new(app), clock)
}

#[track_caller]
pub(crate) fn id_of<T: std::str::FromStr>(value: &Value) -> T {
    let text = value.as_str().unwrap_or_else(|| panic!("an id, not {value}"));
    text.parse().unwrap_or_else(|_| panic!("an id, not {text}"))
}

/// A body with everything that differs between runs replaced: ids by their order, secrets, addresses.
pub(crate) fn tidy(lab: &Lab, body: &Value) -> Value {
    fn walk(value: &Value, url: &str, ids: &mut HashMap<String, usize>) -> Value {
        match value {
            Value::Object(fields) => {
                fields.iter().map(|(name, value)| (name.clone(), walk(value, url, ids))).collect()
            }
            Value::Array(values) => values.iter().map(|value| walk(value, url, ids)).collect(),
            Value::String(text) => text_of(text, url, ids).into(),
            other => other.clone(),
        }
    }
    fn text_of(text: &str, url: &str, ids: &mut HashMap<String, usize>) -> String {
        let hex = |part: &str| part.bytes().all(|byte| byte.is_ascii_hexdigit());
        let text = text.replace(url, "[server]");
        let mut tidied = String::new();
        for part in text.split_inclusive(|letter: char| !letter.is_ascii_alphanumeric()) {
            let word = part.trim_end_matches(|letter: char| !letter.is_ascii_alphanumeric());
            let rest = &part[word.len()..];
            match word.len() {
                24 if hex(word) => {
                    let next = ids.len() + 1;
                    tidied.push_str(&format!("[id {}]", ids.entry(word.to_owned()).or_insert(next)));
                }
                64 if hex(word) => tidied.push_str("[signature]"),
                _ => tidied.push_str(word),
            }
            tidied.push_str(rest);
        }
        tidied
    }
    walk(body, &lab.url, &mut HashMap::new())
}
