//! A manifest sent to a server of its own process: how long it takes, and what memory the process has at its most.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::stream;
use reqwest::multipart::{Form, Part};
use telecine::ids::IndexId;
use telecine::integration::{Integration, IntegrationStatus, Provider};
use telecine::time::{Clock as _, SystemClock};

use crate::world::Side;

pub(crate) const HEAD: &str = "| store | entries | bytes | seconds | entries/s | allocated before | at its most |\n\
     | --- | ---: | ---: | ---: | ---: | ---: | ---: |";
/// Entries of a part of the body.
const PART: u64 = 100;

pub(crate) async fn measure(side: &Side, entries: u64) {
    let index = side.index(&format!("{entries} entries")).await;
    let bucket = format!("archive-{entries}");
    let films = side.folder.join(&bucket);
    std::fs::create_dir_all(&films).expect("a folder");
    let provider = Provider::Folder { path: films };
    let integration = Integration {
        status: IntegrationStatus::Active,
        ..Integration::new(side.workspace, provider, &bucket, SystemClock.now())
    };
    side.store.insert_integration(&integration).await.expect("an integration");
    let server = Server::start(side, entries);
    // Connections, caches and threads are there after a first one.
    server.send(index, &bucket, 100).await;
    let before = allocated_mib(server.child.id());
    let (pid, is_sent) = (server.child.id(), Arc::new(AtomicBool::new(false)));
    let stop = Arc::clone(&is_sent);
    let watch = std::thread::spawn(move || {
        let mut most = before;
        while !stop.load(Ordering::Relaxed) {
            most = most.max(allocated_mib(pid));
            std::thread::sleep(Duration::from_millis(20));
        }
        most
    });
    let began = Instant::now();
    let bytes = server.send(index, &bucket, entries).await;
    let seconds = began.elapsed().as_secs_f64();
    is_sent.store(true, Ordering::Relaxed);
    let most = watch.join().expect("it only looks");
    println!(
        "| {} | {entries} | {bytes} | {seconds:.1} | {:.0} | {before} MiB | {most} MiB |",
        side.name,
        entries as f64 / seconds,
    );
}

struct Server {
    child: Child,
    url: String,
    key: String,
}

impl Server {
    /// One that answers, and has few tasks in hand meanwhile.
    fn start(side: &Side, entries: u64) -> Self {
        let home = side.folder.join(format!("server-{entries}"));
        std::fs::create_dir_all(&home).expect("a folder");
        let roots = toml::Value::try_from(vec![&side.folder]).expect("a path");
        std::fs::write(
            home.join("telecine.toml"),
            format!("[folders]\nroots = {roots}\n[pipeline]\ntasks = 1\n[log]\nfilter = \"error\"\n"),
        )
        .expect("settings");
        // Made by the first server on the database, as are the keys of its data folder.
        let key = side.folder.join("bench.key");
        let mut command = Command::new(env!("CARGO_BIN_EXE_telecine"));
        command.current_dir(&home).args(["serve", "--listen", "127.0.0.1:0", "--admin-key-file"]).arg(&key);
        match &side.url {
            Some(url) => {
                command.args(["--role", "api", "--database", url, "--data-dir"]).arg(side.folder.join("data"))
            }
            None => command.arg("--data-dir").arg(&side.folder),
        };
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("the program starts");
        let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let ready = lines
            .map_while(Result::ok)
            .find_map(|line| line.split_once(" is ready at ").map(|(_, url)| url.trim().to_owned()));
        let url = ready.expect("the server starts");
        let key = std::fs::read_to_string(key).expect("a key").trim().to_owned();
        Self { child, url, key }
    }

    /// Sends a manifest that is made while it is sent; how long it was.
    async fn send(&self, index: IndexId, bucket: &str, entries: u64) -> u64 {
        let length = parts(index, bucket, entries).map(|part| part.len() as u64).sum();
        let body = reqwest::Body::wrap_stream(stream::iter(
            parts(index, bucket, entries).map(Ok::<_, std::io::Error>),
        ));
        let form =
            Form::new().part("file", Part::stream_with_length(body, length).file_name("manifest.json"));
        let answer = reqwest::Client::new()
            .post(format!("{}/v1.2/tasks/transfers", self.url))
            .header("x-api-key", &self.key)
            .multipart(form)
            .send()
            .await
            .expect("the server answers");
        let status = answer.status();
        let told = answer.text().await.expect("an answer");
        assert!(status.is_success(), "{status}: {told}");
        length
    }
}

/// `RssAnon`: without what is mapped of files, such as the database's index of its log.
fn allocated_mib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let kib: u64 = line.and_then(|line| line.split_whitespace().next()?.parse().ok()).expect("a number");
    kib / 1024
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn parts(index: IndexId, bucket: &str, entries: u64) -> impl Iterator<Item = Bytes> + Send + 'static {
    let bucket = bucket.to_owned();
    let body = (0..entries.div_ceil(PART)).map(move |part| {
        let mut text = String::new();
        for entry in part * PART..entries.min((part + 1) * PART) {
            text.push_str(if entry == 0 { "[\n" } else { ",\n" });
            text.push_str(&format!(
                r#"{{"index_id": "{index}", "language": "en", "object": "folder://{bucket}/cameras/{:05}/pier-{entry:07}.mp4"}}"#,
                entry / 110
            ));
        }
        Bytes::from(text)
    });
    body.chain(std::iter::once(Bytes::from_static(b"\n]\n")))
}
