//! A transfer as server-sent events: what is told, when it ends, how many may listen.

use std::time::Duration;

use futures::StreamExt;
use reqwest::Method;
use serde_json::{Value, json};
use telecine::ids::{TaskId, TransferId};
use telecine::transfer::{NewTask, TaskSource};

use super::lab::{Answer, Lab};

/// A stream of events that is being read.
struct Stream {
    parts: futures::stream::BoxStream<'static, reqwest::Result<bytes::Bytes>>,
    read: String,
}

/// An event: its name, id, and data.
#[derive(Debug, PartialEq)]
struct Event {
    name: String,
    id: u64,
    data: Value,
    retry: Option<u64>,
}

impl Stream {
    async fn open(lab: &Lab, transfer: TransferId, last_id: Option<&str>) -> Self {
        let mut request = lab.request(Method::GET, &format!("/transfers/{transfer}/events"));
        if let Some(id) = last_id {
            request = request.header("last-event-id", id);
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        assert_eq!(answer.headers()["cache-control"], "no-cache");
        Self { parts: answer.bytes_stream().boxed(), read: String::new() }
    }

    /// The next event; none when the stream ends.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some((event, rest)) = self.read.split_once("\n\n") {
                let event = event.to_owned();
                self.read = rest.to_owned();
                if event.starts_with(':') {
                    continue;
                }
                let field =
                    |name: &str| event.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
                return Some(Event {
                    name: field("event").unwrap().to_owned(),
                    id: field("id").unwrap().parse().unwrap(),
                    data: serde_json::from_str(field("data").unwrap()).unwrap(),
                    retry: field("retry").map(|retry| retry.parse().unwrap()),
                });
            }
            let part = tokio::time::timeout(Duration::from_secs(20), self.parts.next()).await;
            let part = part.expect("something happens")?.expect("the stream is not cut");
            self.read.push_str(std::str::from_utf8(&part).unwrap());
        }
    }
}

/// A transfer of two tasks on which nobody works.
async fn transfer(lab: &Lab) -> TransferId {
    let index = lab.index("harbour").await;
    let (store, now) = (&lab.app.store, lab.app.clock.now());
    let id = TransferId::generate(now);
    store.begin_transfer(lab.workspace, id, now).await.unwrap();
    let task = |name: &str| NewTask {
        id: TaskId::generate(now),
        index,
        source: TaskSource::Url { url: format!("https://films.test/{name}") },
        transcription: None,
        language: "en".to_owned(),
        user_metadata: None,
        allows_duplicate: false,
        without_stream: false,
    };
    store.add_tasks(id, &[task("a.mp4"), task("b.mp4")], now).await.unwrap();
    store.accept_transfer(id, now).await.unwrap();
    id
}

#[tokio::test]
async fn a_transfer_is_told_at_once_and_when_it_changes_until_it_is_over() {
    let lab = Lab::start().await;
    let id = transfer(&lab).await;
    let path = format!("/transfers/{id}");
    let mut stream = Stream::open(&lab, id, None).await;
    let first = stream.next().await.unwrap();
    assert_eq!((first.name.as_str(), &first.data), ("transfer", &lab.get(&path).await.json()));
    assert_eq!(first.retry, Some(2_000));
    lab.tick();
    let paused = lab.post(&format!("{path}/pause"), json!({})).await.json();
    let second = stream.next().await.unwrap();
    assert_eq!((&second.data, second.retry), (&paused, None), "what is the same is not told again");
    assert!(second.id > first.id);
    lab.post(&format!("{path}/cancel"), json!({})).await;
    let third = stream.next().await.unwrap();
    assert_eq!((&third.data["is_finished"], &third.data["counts"]["failed"]), (&json!(true), &json!(2)));
    let end = stream.next().await.unwrap();
    assert_eq!(end.name, "end");
    assert!(third.id > second.id && end.id > third.id);
    assert_eq!(stream.next().await, None);

    // Who comes back is told the present state, under a greater id.
    let mut again = Stream::open(&lab, id, Some(&end.id.to_string())).await;
    let told = again.next().await.unwrap();
    assert_eq!(told.data, third.data);
    assert!(told.id > end.id);
    assert_eq!(again.next().await.unwrap().name, "end");
    let documented = lab.get(&format!("{path}/events")).await;
    assert!(documented.text.contains("event: end"), "{}", documented.text);
    let unknown = lab.get("/transfers/65f0c1d2e3a4b5c6d7e8f901/events").await;
    assert_eq!(unknown.refusal(), (404, "resource_not_exists".into()));
    let stranger = lab.stranger().await;
    let request = lab.client.get(format!("{}{path}/events", lab.url)).header("x-api-key", stranger);
    assert_eq!(
        Answer::of(request.send().await.unwrap()).await.refusal(),
        (404, "resource_not_exists".into())
    );
}

#[tokio::test]
async fn a_key_may_listen_to_so_many_and_a_stop_of_the_server_ends_them() {
    let lab = Lab::start().await;
    let id = transfer(&lab).await;
    let mut streams = Vec::new();
    for _ in 0..20 {
        let mut stream = Stream::open(&lab, id, None).await;
        stream.next().await.unwrap();
        streams.push(stream);
    }
    let refused = lab.get(&format!("/transfers/{id}/events")).await;
    assert_eq!(refused.refusal(), (429, "too_many_requests".into()));
    assert_eq!(refused.json()["rule"], "at most 20 streams of events at once and key");
    // A client that goes away makes room, though nothing is told to it.
    drop(streams.pop());
    let mut is_free = false;
    for _ in 0..100 {
        let request = lab.request(Method::GET, &format!("/transfers/{id}/events"));
        is_free = request.send().await.unwrap().status() == 200;
        if is_free {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(is_free, "the stream that was closed counts no more");
    lab.app.stopping.cancel();
    for mut stream in streams {
        assert_eq!(stream.next().await, None, "it ends without `end`: clients come back");
    }
}
