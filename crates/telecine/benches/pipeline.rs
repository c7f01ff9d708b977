//! What the pipeline costs: fetching and hashing from a local S3 server, and whole videos from bucket to index, lean
//! (captions given) and full (speech, text in pictures, vectors). Prints Markdown with CPU seconds per stage, so that it
//! says what bounds it.
//!
//! Names on the command line choose what is measured: `fetch`, `lean`, `full`.

#[expect(dead_code, reason = "tests need more of it than the bench")]
#[path = "../tests/it/pipeline/house.rs"]
mod house;
#[expect(dead_code, reason = "tests need more of it than the bench")]
#[path = "../tests/it/pipeline/media.rs"]
mod media;
#[expect(dead_code, reason = "tests need more of it than the bench")]
#[path = "../tests/it/support/servers.rs"]
mod servers;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_sdk_s3::config::Credentials;
use aws_sdk_s3::primitives::ByteStream;
use house::House;
use media::{ffmpeg, pinned};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use telecine::config::Config;
use telecine::index::ModelOption;
use telecine::source::{Retry, RetryPolicy, S3Source, Source};
use telecine::transfer::Status;

/// Bytes of the object that is fetched.
const OBJECT_BYTES: usize = 1 << 30;
/// Seconds of each video.
const VIDEO_S: u32 = 110;
/// Videos at once: as many as keep two cores busy.
const VIDEOS: usize = 4;

fn main() {
    let chosen: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let is_chosen = |name: &str| chosen.is_empty() || chosen.iter().any(|chosen| chosen == name);
    let metrics = PrometheusBuilder::new().install_recorder().expect("the first recorder");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    println!("{cores} cores\n");
    if is_chosen("fetch") {
        runtime.block_on(fetch());
    }
    let all = [ModelOption::Visual, ModelOption::Conversation, ModelOption::TextInVideo];
    if is_chosen("lean") {
        runtime.block_on(index("lean", &all[..2], &metrics));
    }
    if is_chosen("full") {
        runtime.block_on(index("full", &all, &metrics));
    }
}

/// One large object from SeaweedFS: read, hashed, on disk.
async fn fetch() {
    let servers = servers::Servers::start(&["seaweedfs"]);
    let fact = |name: &str| servers.fact("seaweedfs", name);
    let credentials = Credentials::new(fact("access_key_id"), fact("secret_access_key"), None, None, "bench");
    let client = servers::client(&fact("endpoint"), credentials);
    client.create_bucket().bucket("bench").send().await.expect("a bucket");
    let noise: Vec<u8> = (0..OBJECT_BYTES as u64 / 8)
        .flat_map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(31).to_le_bytes())
        .collect();
    let put = client.put_object().bucket("bench").key("large.mp4").body(ByteStream::from(noise));
    put.send().await.expect("an object");
    let source: Arc<dyn Source> =
        Arc::new(Retry::new(S3Source::new(client, "bench"), RetryPolicy::default()));
    let mut house = House::over(Config::default(), Some(source)).await;
    let index = house.index("bench", &[ModelOption::Visual]).await;
    let task = house.submit(index, "large.mp4").await;
    let (wall, before) = (Instant::now(), Cpu::now());
    house.start();
    // It is no video: the task ends when it is fetched, hashed and probed.
    house.done(task).await;
    let (wall, spent) = (wall.elapsed(), Cpu::now().since(&before));
    let gigabytes = OBJECT_BYTES as f64 / 1e9;
    println!("| fetch + hash of {gigabytes:.2} GB from SeaweedFS | |\n| --- | --- |");
    println!("| wall | {:.2} GB/s |", gigabytes / wall.as_secs_f64());
    println!("| per core (our process) | {:.2} GB/s |\n", gigabytes / spent.own.as_secs_f64());
}

/// Several videos at once.
async fn index(name: &str, options: &[ModelOption], metrics: &PrometheusHandle) {
    let mut house = House::over(Config::default(), None).await;
    for n in 0..VIDEOS {
        video(&house.path(&format!("{n}.mp4")), n);
    }
    std::fs::write(house.path("captions.srt"), captions()).expect("written");
    let index = house.index(name, options).await;
    let mut tasks = Vec::new();
    for n in 0..VIDEOS {
        let key = format!("{n}.mp4");
        tasks.push(match name {
            "lean" => house.submit_with(index, &key, "captions.srt").await,
            _ => house.submit(index, &key).await,
        });
    }
    let told_before = told(metrics);
    let (wall, before) = (Instant::now(), Cpu::now());
    house.start();
    let mut media_s = 0.0;
    for task in tasks {
        let task = house.done(task).await;
        assert_eq!(task.status, Status::Ready, "{:?}", task.fault);
        media_s += task.meta.expect("measured").duration_s;
    }
    let (wall, spent) = (wall.elapsed(), Cpu::now().since(&before));
    let wall_s = wall.as_secs_f64();
    println!(
        "| {name}: {VIDEOS} videos of 360p, {media_s:.0} s | CPU s | CPU ms per s of video |\n| --- | --- | --- |"
    );
    let row = |stage: &str, seconds: f64| {
        println!("| {stage} | {seconds:.2} | {:.1} |", seconds * 1000.0 / media_s);
    };
    for (stage, seconds) in told(metrics) {
        let earlier = told_before.iter().find(|(known, _)| *known == stage).map_or(0.0, |(_, s)| *s);
        row(&stage, seconds - earlier);
    }
    row("ffmpeg (decode, probe)", spent.children.as_secs_f64());
    row("all of our process", spent.own.as_secs_f64());
    println!("\n{name}: {wall_s:.1} s, **{:.1}x real time**\n", media_s / wall_s);
}

/// CPU seconds by stage, as the metrics tell them.
fn told(metrics: &PrometheusHandle) -> Vec<(String, f64)> {
    let page = metrics.render();
    let told = page.lines().filter_map(|line| {
        let (stage, seconds) = line.strip_prefix("telecine_cpu_seconds_sum{stage=\"")?.split_once("\"} ")?;
        Some((stage.to_owned(), seconds.parse().ok()?))
    });
    told.collect()
}

/// The captioned trailer twice over at 360p, with somebody reading; each `n` has other bytes.
fn video(out: &Path, n: usize) {
    let (trailer, reading) = (pinned("trailer_bbb.mp4"), pinned("two_cities.wav"));
    let text = |path: &Path| path.to_str().expect("a readable path").to_owned();
    let (trailer, reading, seconds, crf) =
        (text(&trailer), text(&reading), VIDEO_S.to_string(), (23 + n).to_string());
    let inputs = ["-stream_loop", "1", "-i", &trailer, "-stream_loop", "2", "-i", &reading, "-t", &seconds];
    let video = ["-map", "0:v:0", "-map", "1:a:0", "-vf", "scale=640:360", "-c:v", "libx264", "-crf", &crf];
    let rest = ["-preset", "medium", "-c:a", "aac", "-ac", "1"];
    ffmpeg(&[&inputs[..], &video, &rest].concat(), out);
}

/// A caption every four seconds.
fn captions() -> String {
    let stamp = |s: u32| format!("00:{:02}:{:02},000", s / 60, s % 60);
    let caption = |n: u32| {
        let (from, to) = (stamp(n * 4), stamp(n * 4 + 3));
        format!("{}\n{from} --> {to}\nCaption number {n} says what happens in the picture\n\n", n + 1)
    };
    (0..VIDEO_S / 4).map(caption).collect()
}

/// CPU time of this process and of children that it has waited for.
struct Cpu {
    own: Duration,
    children: Duration,
}

impl Cpu {
    /// The fields of `/proc/self/stat` behind the name: 14 to 17 are utime, stime, cutime, cstime, in ticks of 10 ms.
    fn now() -> Self {
        let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
        let behind = stat.rsplit(')').next().expect("a name in brackets");
        let ticks: Vec<u64> =
            behind.split_whitespace().skip(11).take(4).map(|t| t.parse().expect("ticks")).collect();
        let span = |a: u64, b: u64| Duration::from_millis((a + b) * 10);
        Self { own: span(ticks[0], ticks[1]), children: span(ticks[2], ticks[3]) }
    }

    fn since(&self, before: &Self) -> Self {
        Self { own: self.own - before.own, children: self.children - before.children }
    }
}
