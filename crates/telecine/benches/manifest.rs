//! What a large manifest costs: one million entries through the real submission into SQLite, in the order in which stores
//! list their objects, and in one that has nothing to do with it; and with a bad entry at the end. Prints a Markdown table of wall seconds, entries per second and the process's peak memory.
//!
//! `cargo bench -p telecine --bench manifest [-- ENTRIES [FOLDER]]`; the database lies in FOLDER (default: the
//! temporary one), whose disk the figures depend on.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use futures::{Stream, stream};
use telecine::fault::Result;
use telecine::ids::{IndexId, WorkspaceId};
use telecine::index::{EngineSpec, Index, IndexModels, ModelOption, ModelRef};
use telecine::integration::{Integration, IntegrationStatus, Provider, Role};
use telecine::queue::{Queue, TableQueue};
use telecine::store::Store;
use telecine::store::sqlite::SqliteStore;
use telecine::time::{Clock, SystemClock};
use telecine::transfer::submit::{Reception, Submission};
use tokio_util::io::StreamReader;

/// Entries of a part of the body.
const PART: u64 = 100;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Cargo passes `--bench`.
    let mut words = std::env::args().skip(1).filter(|word| !word.starts_with("--"));
    let entries = words.next().map_or(Ok(1_000_000), |count| count.parse())?;
    let folder = match words.next() {
        Some(folder) => tempfile::tempdir_in(folder)?,
        None => tempfile::tempdir()?,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    println!(
        "| manifest | bytes | outcome | seconds | entries/s | peak memory |\n| --- | ---: | --- | ---: | ---: | ---: |"
    );
    runtime.block_on(async {
        for kind in [Kind::Listed, Kind::Scattered, Kind::Bad] {
            let world = World::new(&folder.path().join(format!("{kind:?}"))).await?;
            let title = kind.title();
            reset_peak()?;
            let (bytes, began) = (world.length(entries, kind), Instant::now());
            let outcome = match world.submit(entries, kind).await {
                Ok(submission) => format!("{} tasks on disk", submission.transfer.counts.total()),
                Err(error) => {
                    error.as_fault().map_or_else(|| error.to_string(), |fault| fault.message.clone())
                }
            };
            let seconds = began.elapsed().as_secs_f64();
            let rate = entries as f64 / seconds;
            println!(
                "| {entries} entries, {title} | {bytes} | {outcome} | {seconds:.1} | {rate:.0} | {} |",
                peak()?
            );
        }
        Ok(())
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Listed,
    Scattered,
    Bad,
}

impl Kind {
    fn title(self) -> &'static str {
        match self {
            Self::Listed => "as listed",
            Self::Scattered => "scattered",
            Self::Bad => "bad entry at the end",
        }
    }

    /// Where an object lies.
    fn folder(self, entry: u64) -> (u64, u64) {
        match self {
            Self::Scattered => (2000 + entry % 25, entry % 365),
            _ => (2000 + entry / 40_000, entry / 110 % 365),
        }
    }
}

struct World {
    store: Arc<dyn Store>,
    queue: Arc<dyn Queue>,
    workspace: WorkspaceId,
    index: IndexId,
}

impl World {
    async fn new(folder: &std::path::Path) -> Result<Self> {
        std::fs::create_dir_all(folder).map_err(anyhow::Error::from)?;
        let now = SystemClock.now();
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(folder.join("telecine.db")).await?);
        let workspace = store.default_workspace(now).await?;
        let model = || ModelRef { id: "none".to_owned(), dim: 0 };
        let index = Index {
            id: IndexId::generate(now),
            workspace,
            name: "bench".to_owned(),
            engines: vec![EngineSpec {
                name: "marengo2.6".to_owned(),
                options: BTreeSet::from([ModelOption::Visual]),
            }],
            addons: Vec::new(),
            models: IndexModels { see: model(), hear: model(), read: model(), words: model() },
            created_at: now,
            updated_at: now,
        };
        store.insert_index(&index).await?;
        let role = Role {
            account_id: "123456789012".to_owned(),
            arn: "arn:aws:iam::123456789012:role/TelecineIntegrationRole".to_owned(),
            external_id: "bench".to_owned(),
        };
        let integration = Integration {
            status: IntegrationStatus::Active,
            ..Integration::new(workspace, Provider::aws_role(role), "harbour-archive", now)
        };
        store.insert_integration(&integration).await?;
        let queue = Arc::new(TableQueue::new(store.clone()));
        Ok(Self { store, queue, workspace, index: index.id })
    }

    async fn submit(&self, entries: u64, kind: Kind) -> Result<Submission> {
        let reception = Reception {
            store: self.store.clone(),
            queue: self.queue.clone(),
            clock: Arc::new(SystemClock),
            languages: vec!["en".to_owned()],
            max_bytes: u64::MAX,
            id: None,
        };
        let parts = stream::iter(self.parts(entries, kind).map(std::io::Result::Ok));
        reception
            .receive(
                self.workspace,
                StreamReader::new(Box::pin(parts) as std::pin::Pin<Box<dyn Stream<Item = _> + Send>>),
            )
            .await
    }

    /// The manifest, made while it is read: it is never in memory as a whole.
    fn parts(&self, entries: u64, kind: Kind) -> impl Iterator<Item = Bytes> + Send + use<> {
        let index = self.index;
        let body = (0..entries.div_ceil(PART)).map(move |part| {
            let mut text = String::with_capacity(32 << 10);
            for entry in part * PART..entries.min((part + 1) * PART) {
                let scheme = if kind == Kind::Bad && entry + 1 == entries { "gs" } else { "s3" };
                let (year, day) = kind.folder(entry);
                text.push_str(if entry == 0 { "[\n" } else { ",\n" });
                let _ = write!(
                    text,
                    r#"{{"index_id": "{index}", "language": "en", "object": "{scheme}://harbour-archive/cameras/{year}/{day:03}/pier-{entry:07}.mp4", "transcription": "s3://harbour-archive/cameras/{year}/{day:03}/pier-{entry:07}.srt"}}"#
                );
            }
            Bytes::from(text)
        });
        body.chain(std::iter::once(Bytes::from_static(b"\n]\n")))
    }

    fn length(&self, entries: u64, kind: Kind) -> usize {
        self.parts(entries, kind).map(|part| part.len()).sum()
    }
}

/// Begins the measurement of peak memory anew.
fn reset_peak() -> std::io::Result<()> {
    std::fs::write("/proc/self/clear_refs", "5")
}

/// The process's peak of resident memory since then.
fn peak() -> std::io::Result<String> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib: u64 = line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0);
    Ok(format!("{} MiB", kib / 1024))
}
