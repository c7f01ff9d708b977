//! The API over a house in which the pipeline works.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use telecine::config::Config;
use telecine::keys;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::lab::Answer;
use crate::pipeline::house::House;
use crate::support::engines::quick_engines;

/// How long a test waits for something to become so.
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) struct Front {
    pub(crate) house: House,
    url: String,
    key: String,
    client: reqwest::Client,
}

impl Front {
    /// An empty house with stand-ins for the engines, where nobody works yet.
    pub(crate) async fn idle() -> Self {
        Self::with(|_| ()).await
    }

    /// The same, with other settings.
    pub(crate) async fn with(set: impl FnOnce(&mut Config)) -> Self {
        let engines = tokio::task::spawn_blocking(quick_engines).await.unwrap();
        let mut config = crate::pipeline::house::quick();
        set(&mut config);
        Self::of(House::furnished(config, None, engines).await).await
    }

    async fn of(house: House) -> Self {
        let app = Arc::clone(&house.app);
        std::fs::create_dir_all(app.files.incoming()).unwrap();
        let workspace = app.store.default_workspace(app.clock.now()).await.unwrap();
        let (_, key) = keys::create(&*app.store, &*app.clock, workspace, "test").await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = telecine::http::router(app);
        tokio::spawn(telecine::http::serve(listener, router, CancellationToken::new()));
        Self { house, url, key, client: reqwest::Client::new() }
    }

    pub(crate) async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let request =
            self.client.request(method, format!("{}{path}", self.url)).header("x-api-key", &self.key);
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        Answer::of(request.send().await.unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let answer = self.send(Method::GET, path, None).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        answer.json()
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, Some(body)).await
    }

    /// A new index that videos enter by what is seen.
    pub(crate) async fn index(&self, name: &str) -> String {
        let engines = json!([{ "engine_name": "marengo2.6", "engine_options": ["visual"] }]);
        let made = self.post("/v1.2/indexes", json!({ "index_name": name, "engines": engines })).await;
        assert_eq!(made.status, 201, "{}", made.text);
        made.json()["_id"].as_str().unwrap().to_owned()
    }

    /// Asks again and again until this is true of the answer.
    pub(crate) async fn until(&self, path: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        loop {
            let told = self.get(path).await;
            if is_so(&told) {
                return told;
            }
            assert!(began.elapsed() < PATIENCE, "waited too long: {told:#}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
