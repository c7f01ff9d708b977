//! Two hosts that share rows and a bucket, and nothing else: what one takes, the other works on and serves.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::multipart::{Form, Part};
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};
use telecine::app::App;
use telecine::asset::work_on_due;
use telecine::files::DataDir;
use telecine::index::ModelOption::Visual;
use telecine::integration::keeper::Keeper;
use telecine::media_store::{self, MediaFolder, MediaKey, MediaKind, MediaStore};
use telecine::pipeline::{self, ProgressBoard};
use telecine::queue::TableQueue;
use telecine::search::Searcher;
use telecine::transfer::Status;
use telecine_media::MediaTools;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::bucket_on_seaweedfs;
use crate::pipeline::house::{House, quick};
use crate::pipeline::media;
use crate::support::engines::quick_engines;
use crate::support::servers::Servers;

const SRT: &str = "1\n00:00:01,000 --> 00:00:02,000\nA street in the morning\n";
const PATIENCE: Duration = Duration::from_secs(120);
/// Small enough for several chunks, and large enough for all links in one answer.
const CHUNK: usize = 50_000;

/// Another host's process: the same rows and bucket, a data folder of its own.
async fn neighbour(app: &App, folder: &Path) -> Arc<App> {
    let mut config = app.config.clone();
    config.server.data_dir = folder.to_owned();
    let files = DataDir::new(folder);
    for made in [files.incoming(), files.work()] {
        fs::create_dir_all(made).unwrap();
    }
    let searcher =
        Searcher::new(Arc::clone(&app.store), app.engines.clone(), Arc::clone(&app.clock), files.clone());
    Arc::new(App {
        store: Arc::clone(&app.store),
        queue: Arc::new(TableQueue::new(Arc::clone(&app.store))),
        clock: Arc::clone(&app.clock),
        sources: Arc::clone(&app.sources),
        vault: Arc::clone(&app.vault),
        media: MediaTools::discover(config.media.clone()).await.unwrap(),
        engines: app.engines.clone(),
        search: Arc::new(searcher),
        media_store: media_store::open(&config, &files).unwrap(),
        files,
        progress: Arc::new(ProgressBoard::default()),
        keeper: Keeper::default(),
        stopping: CancellationToken::new(),
        lock: None,
        config,
    })
}

/// Two hosts that answer requests, the second of which works on videos.
struct Hosts {
    first: House,
    second: Arc<App>,
    urls: [String; 2],
    key: String,
    client: Client,
    _servers: Servers,
}

impl Hosts {
    async fn open() -> Self {
        let servers = Servers::start(&["seaweedfs"]);
        let mut config = quick();
        bucket_on_seaweedfs(&servers, &mut config).await;
        config.streaming.min_free_bytes = 0;
        config.assets.chunk_bytes = CHUNK as u64;
        // That others work on the rows is all that is taken from it here.
        config.database.url = Some("postgres://nowhere/none".to_owned().into());
        let engines = tokio::task::spawn_blocking(quick_engines).await.unwrap();
        let first = House::furnished(config, None, engines).await;
        fs::create_dir_all(first.app.files.incoming()).unwrap();
        let second = neighbour(&first.app, &servers.folder().join("second")).await;
        let workspace = first.app.store.default_workspace(first.app.clock.now()).await.unwrap();
        let made = telecine::keys::create(&*first.app.store, &*first.app.clock, workspace, "test").await;
        let urls = [serve(&first.app).await, serve(&second).await];
        tokio::spawn(pipeline::run(Arc::clone(&second)));
        Self { first, second, urls, key: made.unwrap().1, client: Client::new(), _servers: servers }
    }

    async fn ask(&self, host: usize, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let mut request = self.client.request(method, format!("{}{path}", self.urls[host]));
        if let Some(body) = body {
            request = request.json(&body);
        }
        answer(request.header("x-api-key", &self.key).send().await.unwrap()).await
    }

    async fn form(&self, host: usize, path: &str, form: Form) -> Value {
        let request = self.client.post(format!("{}{path}", self.urls[host])).header("x-api-key", &self.key);
        let (status, told) = answer(request.multipart(form).send().await.unwrap()).await;
        assert!((200..300).contains(&status), "{told}");
        told
    }

    /// Asks the first host again and again until this is true of the answer.
    async fn until(&self, path: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let (_, told) = self.ask(0, Method::GET, path, None).await;
            if is_so(&told) {
                return told;
            }
            assert!(begun.elapsed() < PATIENCE, "{told:#}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

async fn answer(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

async fn serve(app: &Arc<App>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = telecine::http::router(Arc::clone(app));
    tokio::spawn(telecine::http::serve(listener, router, CancellationToken::new()));
    url
}

async fn count(media: &dyn MediaStore, kind: MediaKind) -> usize {
    futures::StreamExt::count(media.list(kind)).await
}

fn is_empty(folder: std::path::PathBuf) -> bool {
    fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_none())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_to_one_host_is_indexed_by_another_and_its_stream_served_by_both() {
    let hosts = Hosts::open().await;
    let house = &hosts.first;
    let index = house.index("films", &[Visual]).await;
    media::silent(&house.path("pier.mp4"), "640x360", 4);
    let film = fs::read(house.path("pier.mp4")).unwrap();
    let form = Form::new()
        .text("index_id", index.to_string())
        .text("language", "en")
        .text("provide_transcription", "true")
        .part("video_file", Part::bytes(film).file_name("pier.mp4"))
        .part("transcription_file", Part::text(SRT).file_name("pier.srt"));
    let made = hosts.form(0, "/v1.2/tasks", form).await;
    let id = made["_id"].as_str().unwrap().to_owned();
    assert!(is_empty(house.app.files.work()), "the first host keeps nothing of it");

    let path = format!("/v1.2/tasks/{id}");
    let is_over = |told: &Value| told["status"] == "ready" && told["hls"]["status"] != "PROCESSING";
    let task = hosts.until(&path, is_over).await;
    assert_eq!(task["hls"]["status"], "COMPLETE", "{task:#}");
    let link = task["hls"]["video_url"].as_str().unwrap().replace("index.m3u8", "stream.mp4");
    let whole = hosts.client.get(&link).send().await.unwrap().bytes().await.unwrap();
    let video = id.parse().unwrap();
    let lies = hosts.second.media_store.size(&MediaKey::Stream(video)).await.unwrap();
    assert_eq!(lies, Some(whole.len() as u64));
    for url in &hosts.urls {
        // The link of one host works at the other.
        let there = link.replace(&hosts.urls[0], url);
        let request = hosts.client.get(&there).header("range", "bytes=1000-300000");
        let part = request.send().await.unwrap();
        assert_eq!(part.status(), 206, "{there}");
        let end = whole.len().min(300_001);
        assert_eq!(part.bytes().await.unwrap(), whole[1000..end]);
    }
    let media = &*house.app.media_store;
    let begun = Instant::now();
    while count(media, MediaKind::Tasks).await > 0 {
        assert!(begun.elapsed() < PATIENCE, "the upload is removed when the work is over");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(
        is_empty(hosts.second.files.media()) && is_empty(house.app.files.media()),
        "all lies in the bucket"
    );
    let gone = hosts.ask(1, Method::DELETE, &format!("/v1.2/indexes/{index}/videos/{id}"), None).await;
    assert_eq!((gone.0, count(media, MediaKind::Streams).await), (204, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn chunks_that_are_sent_to_two_hosts_become_one_asset_that_either_indexes() {
    let hosts = Hosts::open().await;
    let house = &hosts.first;
    let index = house.index("films", &[Visual]).await;
    media::silent(&house.path("pier.mp4"), "640x360", 5);
    let film = fs::read(house.path("pier.mp4")).unwrap();
    let uploads = "/v1.3/assets/multipart-uploads";
    let body = json!({ "filename": "pier.mp4", "type": "video", "total_size": film.len() });
    let (status, begun) = hosts.ask(0, Method::POST, uploads, Some(body)).await;
    assert_eq!(status, 201, "{begun}");
    let links = begun["upload_urls"].as_array().unwrap();
    assert!(links.len() > 2, "a test of several chunks");
    let mut reported = Vec::new();
    for (at, chunk) in film.chunks(CHUNK).enumerate().rev() {
        let link = links[at]["url"].as_str().unwrap();
        let link = link.replace(&hosts.urls[0], &hosts.urls[at % 2]);
        if at == 1 {
            // Other bytes first, to the other host: the last ones count.
            let other = link.replace(&hosts.urls[1], &hosts.urls[0]);
            let sent = hosts.client.put(&other).body(vec![9; chunk.len()]).send().await.unwrap();
            assert_eq!(sent.status(), 200);
        }
        let sent = hosts.client.put(&link).body(chunk.to_vec()).send().await.unwrap();
        assert_eq!(sent.status(), 200);
        let proof = sent.headers()["etag"].to_str().unwrap().trim_matches('"').to_owned();
        reported.push(json!({ "chunk_index": at + 1, "proof": proof, "proof_type": "etag" }));
    }
    let upload = format!("{uploads}/{}", begun["upload_id"].as_str().unwrap());
    let body = json!({ "completed_chunks": reported });
    assert_eq!(hosts.ask(1, Method::POST, &upload, Some(body)).await.0, 200);
    work_on_due(&hosts.second).await.unwrap();
    let id = begun["asset_id"].as_str().unwrap();
    let (_, asset) = hosts.ask(0, Method::GET, &format!("/v1.3/assets/{id}"), None).await;
    assert_eq!((&asset["status"], &asset["size"]), (&json!("ready"), &json!(film.len())), "{asset}");
    let key = MediaKey::Asset(id.parse().unwrap());
    let media = &*house.app.media_store;
    assert_eq!(media_store::read_all(media, &key).await.unwrap().unwrap(), film);
    assert_eq!(count(media, MediaKind::Assets).await, 1, "the chunks are gone");
    assert!(is_empty(hosts.second.files.assets()), "what was put together is gone from the host");

    let body = json!({ "asset_id": id });
    let (status, made) =
        hosts.ask(0, Method::POST, &format!("/v1.3/indexes/{index}/indexed-assets"), Some(body)).await;
    assert!((200..300).contains(&status), "{made}");
    let task = made["_id"].as_str().unwrap().to_owned();
    media.remove(MediaFolder::Asset(id.parse().unwrap())).await.unwrap();
    let is_over = |told: &Value| matches!(told["status"].as_str(), Some("ready" | "failed"));
    let task = hosts.until(&format!("/v1.2/tasks/{task}"), is_over).await;
    assert_eq!(task["status"], "ready", "the task has its own copy of the file: {task:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_stops_gives_its_task_to_the_other_which_fetches_the_upload_anew() {
    let hosts = Hosts::open().await;
    let house = &hosts.first;
    let index = house.index("films", &[Visual]).await;
    media::silent(&house.path("long.mp4"), "1280x720", 60);
    let film = fs::read(house.path("long.mp4")).unwrap();
    let form = Form::new()
        .text("index_id", index.to_string())
        .text("language", "en")
        .part("video_file", Part::bytes(film).file_name("long.mp4"));
    let made = hosts.form(0, "/v1.2/tasks", form).await;
    let id = made["_id"].as_str().unwrap().parse().unwrap();
    house.until(id, |task| task.status == Status::Indexing).await;
    hosts.second.stopping.cancel();
    let stopped = Instant::now();
    house.until(id, |task| task.status != Status::Indexing).await;
    assert!(stopped.elapsed() < Duration::from_secs(10), "given back at once, not when the lease ends");
    tokio::spawn(pipeline::run(Arc::clone(&house.app)));
    house.until(id, |task| task.status == Status::Ready).await;
}
