//! Two clients that never stop asking while the database fails: one reads, the other sends manifests, each again under its key
//! until it is taken. What they were answered, when, and how soon.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::bucket::manifest_of_nothing;
use super::installation::Server;

/// Entries of each manifest.
pub(super) const ENTRIES: u64 = 3;
const PAUSE: Duration = Duration::from_millis(100);

/// One answer.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) is_write: bool,
    pub(super) asked: Instant,
    pub(super) took: Duration,
    pub(super) status: u16,
    /// Of a 503, whether it tells when to come again.
    pub(super) tells_when: bool,
    pub(super) text: String,
}

/// The clients.
pub(super) struct Probes {
    stopping: CancellationToken,
    answers: Arc<Mutex<Vec<Answer>>>,
    _reader: AbortOnDropHandle<()>,
    writer: AbortOnDropHandle<Vec<String>>,
}

impl Probes {
    /// They begin to ask for this transfer, and to send manifests for this index.
    pub(super) fn begin(server: &Arc<Server>, transfer: &str, index: &str) -> Self {
        let (stopping, answers) = (CancellationToken::new(), Arc::<Mutex<Vec<Answer>>>::default());
        let reader = {
            let (server, path, told) =
                (Arc::clone(server), format!("/transfers/{transfer}"), Arc::clone(&answers));
            tokio::spawn(async move {
                loop {
                    let answer = ask(server.request(Method::GET, &path), false).await;
                    told.lock().unwrap().push(answer);
                    tokio::time::sleep(PAUSE).await;
                }
            })
        };
        let writer = Writer {
            server: Arc::clone(server),
            index: index.to_owned(),
            stopping: stopping.clone(),
            told: Arc::clone(&answers),
        };
        Self {
            stopping,
            answers,
            _reader: AbortOnDropHandle::new(reader),
            writer: AbortOnDropHandle::new(tokio::spawn(writer.run())),
        }
    }

    /// Answers to questions that were asked since then.
    pub(super) fn since(&self, moment: Instant) -> Vec<Answer> {
        let answers = self.answers.lock().unwrap();
        answers.iter().filter(|answer| answer.asked >= moment).cloned().collect()
    }

    /// Until something asked since then was read, and something written. How long after it each was.
    pub(super) async fn well_again(&self, moment: Instant, limit: Duration) -> [Duration; 2] {
        loop {
            let answers = self.since(moment);
            let first = |is_write: bool| {
                let mut good =
                    answers.iter().filter(|answer| answer.is_write == is_write && answer.status == 200);
                good.next().map(|answer| answer.asked + answer.took - moment)
            };
            if let (Some(read), Some(written)) = (first(false), first(true)) {
                return [read, written];
            }
            assert!(moment.elapsed() < limit, "not well after {limit:?}: {:?}", answers.last());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Ends them, when the last manifest is taken: all answers, and the transfers that were told.
    pub(super) async fn end(self) -> (Vec<Answer>, Vec<String>) {
        self.stopping.cancel();
        let transfers = self.writer.await.expect("the writer ends well");
        (self.answers.lock().unwrap().clone(), transfers)
    }
}

struct Writer {
    server: Arc<Server>,
    index: String,
    stopping: CancellationToken,
    told: Arc<Mutex<Vec<Answer>>>,
}

impl Writer {
    async fn run(self) -> Vec<String> {
        let mut transfers = Vec::new();
        for number in 0.. {
            if self.stopping.is_cancelled() {
                break;
            }
            transfers.push(self.send(number).await);
            tokio::time::sleep(PAUSE).await;
        }
        transfers
    }

    /// Sends a manifest until it is taken. The transfer that was made of it.
    async fn send(&self, number: u64) -> String {
        loop {
            let manifest = manifest_of_nothing(&self.index, number, ENTRIES);
            let form = Form::new().part("file", Part::bytes(manifest).file_name("manifest.json"));
            let request = self.server.request(Method::POST, "/v1.2/tasks/transfers").multipart(form);
            let answer = ask(request.header("idempotency-key", format!("probe-{number}")), true).await;
            self.told.lock().unwrap().push(answer.clone());
            if answer.status == 200 {
                let told: Value = serde_json::from_str(&answer.text).expect("JSON");
                return told["transfer_id"].as_str().expect("an id").to_owned();
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

pub(super) async fn ask(request: RequestBuilder, is_write: bool) -> Answer {
    let asked = Instant::now();
    let answer = request.send().await.expect("the server answers");
    let (status, tells_when) = (answer.status().as_u16(), answer.headers().contains_key("retry-after"));
    let text = answer.text().await.expect("a whole answer");
    Answer { is_write, asked, took: asked.elapsed(), status, tells_when, text }
}
