//! What listing everything costs: of a store that is simulated, with as many keys as wanted, and of a real bucket.
//!
//! `cargo bench -p telecine --bench listing [-- KEYS]`: KEYS is how many the simulated store has (100,000,000 if not
//! given). Prints a Markdown table. Keys are made when they are asked for: what memory is used is that of the listing.
//!
//! `… --bench listing -- --bucket NAME --endpoint URL`: writes size and key of everything in a bucket to the standard
//! output, as other programs do, for `scripts/bench_listing.py`. Credentials come from the usual variables.

use std::io::Write as _;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use telecine::source::listing::{Batch, ListOptions, ListingSummary, list_all};
use telecine::source::{
    ByteStream, Count, ObjectInfo, Page, Retry, RetryPolicy, S3Source, Source, SourceError,
};
use tokio::sync::mpsc;

/// An archive of ten years, with thirty cameras.
const FOLDERS: u64 = 10 * 12 * 28 * 30;
const LATENCY: Duration = Duration::from_millis(50);

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| {
        let place = arguments.iter().position(|argument| argument == name)?;
        arguments.get(place + 1).cloned()
    };
    if let (Some(bucket), Some(endpoint)) = (value("--bucket"), value("--endpoint")) {
        print_bucket(&bucket, &endpoint).await;
        return;
    }
    let keys = arguments.iter().find_map(|argument| argument.parse().ok()).unwrap_or(100_000_000);
    println!(
        "| keys | answer after | parallel | seconds | keys/s | pages | probes | widest | peak memory |\n\
         | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    );
    let few = keys / 100;
    for parallel in [1, 16, 100] {
        measure(few, LATENCY, parallel).await;
    }
    for parallel in [16, 100] {
        measure(keys / 10, LATENCY, parallel).await;
    }
    for (latency, parallel) in [(Duration::ZERO, 16), (LATENCY, 100)] {
        measure(keys, latency, parallel).await;
    }
}

async fn measure(keys: u64, latency: Duration, parallel: usize) {
    forget_peak_memory();
    let start = Instant::now();
    let store = Arc::new(Archive { keys, latency });
    let options = ListOptions { parallel, ..ListOptions::default() };
    let (summary, told) = listed(store, options, |batch| batch.objects.len() as u64).await;
    let seconds = start.elapsed().as_secs_f64();
    // Each object has another size: the sum says that each was told once.
    assert_eq!((told, u128::from(summary.bytes)), (keys, u128::from(keys) * u128::from(keys + 1) / 2));
    let ListingSummary { pages, probes, widest, .. } = summary;
    println!(
        "| {keys} | {} ms | {parallel} | {seconds:.1} | {:.0} | {pages} | {probes} | {widest} | {} MB |",
        latency.as_millis(),
        keys as f64 / seconds,
        peak_memory_mb(),
    );
}

/// Lists, and adds up what is made of the batches.
async fn listed(
    source: Arc<dyn Source>,
    options: ListOptions,
    mut each: impl FnMut(Batch) -> u64,
) -> (ListingSummary, u64) {
    let (out, mut batches) = mpsc::channel(4);
    let listing = tokio::spawn(list_all(source, options, out));
    let mut sum = 0;
    while let Some(batch) = batches.recv().await {
        sum += each(batch);
    }
    (listing.await.expect("no panic").expect("it is listed"), sum)
}

async fn print_bucket(bucket: &str, endpoint: &str) {
    let variable = |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"));
    let (id, secret) = (variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY"));
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(endpoint)
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new(id, secret, None, None, "bench"))
        .force_path_style(true)
        .build();
    let source = S3Source::new(aws_sdk_s3::Client::from_conf(config), bucket);
    let source = Retry::new(Count::new(source, "s3"), RetryPolicy::default());
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let write = |batch: Batch| {
        for object in &batch.objects {
            writeln!(out, "{} {}", object.size_bytes, object.key).expect("the output is read");
        }
        batch.objects.len() as u64
    };
    let (summary, _) = listed(Arc::new(source), ListOptions::default(), write).await;
    eprintln!("{summary:?}");
}

/// A bucket whose keys are counted: `recordings/2017/05/09/camera-12/000123.mp4`.
#[derive(Debug)]
struct Archive {
    keys: u64,
    latency: Duration,
}

impl Archive {
    /// The key with this number, in their order.
    fn key(&self, number: u64) -> String {
        let per_folder = self.keys.div_ceil(FOLDERS);
        let (folder, file) = (number / per_folder, number % per_folder);
        let (day, camera) = (folder / 30, folder % 30);
        let (month, day) = (day / 28, day % 28 + 1);
        let (year, month) = (2015 + month / 12, month % 12 + 1);
        format!("recordings/{year}/{month:02}/{day:02}/camera-{camera:02}/{file:06}.mp4")
    }

    /// How many keys are not above this one.
    fn place(&self, key: &str) -> u64 {
        let (mut low, mut high) = (0, self.keys);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.key(middle).as_str() <= key {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    async fn page(&self, begin: u64, limit: u32) -> Page {
        if !self.latency.is_zero() {
            tokio::time::sleep(self.latency).await;
        }
        let end = self.keys.min(begin + u64::from(limit));
        let objects = (begin..end).map(|number| ObjectInfo {
            key: self.key(number),
            size_bytes: number + 1,
            etag: format!("{:032x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
            modified_at: None,
            storage_class: "STANDARD".to_owned(),
            is_archived: false,
        });
        Page { objects: objects.collect(), next: (end < self.keys).then(|| end.to_string()) }
    }
}

#[async_trait]
impl Source for Archive {
    fn address(&self, key: &str) -> String {
        format!("s3://archive/{key}")
    }

    async fn list(&self, _: &str, from: Option<&str>, limit: u32) -> Result<Page, SourceError> {
        let begin = from.map_or(0, |from| from.parse().expect("a token of ours"));
        Ok(self.page(begin, limit).await)
    }

    fn lists_from_any_key(&self) -> bool {
        true
    }

    async fn list_after(&self, _: &str, after: &str, limit: u32) -> Result<Page, SourceError> {
        Ok(self.page(self.place(after), limit).await)
    }

    async fn head(&self, _: &str) -> Result<ObjectInfo, SourceError> {
        unreachable!("a listing asks for no heads")
    }

    async fn read(&self, _: &str, _: Option<&str>, _: Range<u64>) -> Result<ByteStream, SourceError> {
        unreachable!("a listing reads no bytes")
    }
}

/// The most memory that this process has had since it was last forgotten, in megabytes.
fn peak_memory_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or_default() / 1_000
}

/// Where the kernel does not do it, the figure is that of all so far.
fn forget_peak_memory() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}
