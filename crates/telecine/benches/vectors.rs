//! What search costs on both stores, side by side: SQLite with vectors in memory, and PostgreSQL, which searches them itself,
//! first by scans and then by a graph. Prints Markdown tables: p50, p99 and recall@10 against the exact scan, for all videos,
//! a tenth and a hundredth of them; and words.
//!
//! `cargo bench -p telecine --bench vectors -- [SEGMENTS [DIM]] [postgres|scan]` (100,000 and 256 if not given; with `postgres`,
//! that alone; with `scan`, no graph is made in the database, whose scans are the truth then). Starts PostgreSQL by `scripts/testservers.py`. Each segment has one vector and eight words. Queries ask for 300 vectors, as a search does, one
//! at a time, of each engine in turn, so that a busy machine bears on all alike; it still shows.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use telecine::ids::{IndexId, VideoId};
use telecine::index::{IndexModels, ModelOption, ModelRef};
use telecine::search::vectors::{InDatabase, Nearest, Shelf, ShelfConfig, Vectors};
use telecine::store::postgres::PostgresStore;
use telecine::store::{GraphRules, WordQuery};
use telecine::video::{NewSegment, SegmentKind};

#[expect(dead_code, reason = "this bench needs no models")]
#[path = "../tests/it/search/library.rs"]
mod library;
#[expect(dead_code, reason = "tests need more of it than the bench")]
#[path = "../tests/it/support/servers.rs"]
mod servers;
#[path = "../tests/it/search/synthetic.rs"]
mod synthetic;

use library::{Library, range, segment};
use synthetic::{Random, Topics};

const PER_VIDEO: usize = 500;
const QUERIES: usize = 100;
/// As many as a search by words asks for.
const COUNT: usize = 300;
const KIND: SegmentKind = SegmentKind::Speech;
const VOCABULARY: usize = 20_000;

/// A store with what searches it.
struct Engine {
    library: Library,
    index: IndexId,
    vectors: Vectors,
    videos: Vec<VideoId>,
}

impl Engine {
    async fn publish(&mut self, segments: Vec<NewSegment>) {
        let name = format!("{}.mp4", self.videos.len());
        self.videos.push(self.library.publish(self.index, &name, segments).await);
    }

    /// Rows of the nearest vectors, and what it took.
    async fn ask(&self, model: &ModelRef, query: &Arc<[f32]>, step: usize) -> (Vec<i64>, f64) {
        let among: Vec<VideoId> = self.videos.iter().copied().step_by(step).collect();
        let among = (step > 1).then_some(among.as_slice());
        let began = Instant::now();
        let query = Arc::clone(query);
        let wanted = Nearest { index: self.index, kind: KIND, model, query, among, count: COUNT };
        let (found, _) = self.vectors.nearest(wanted).await.expect("a search");
        (found.iter().map(|found| found.row).collect(), ms(began))
    }
}

#[tokio::main]
async fn main() {
    let numbers: Vec<usize> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    let segments = numbers.first().copied().unwrap_or(100_000);
    let dim = numbers.get(1).copied().unwrap_or(256);
    let is_alone = std::env::args().any(|argument| argument == "postgres");
    let servers = servers::Servers::start(&["postgres"]);
    let model = ModelRef { id: "made-up".into(), dim };
    let models =
        IndexModels { see: model.clone(), hear: model.clone(), read: model.clone(), words: model.clone() };
    let library = Library::new().await;
    let index = library.index("marengo2.6", &ModelOption::ALL, models.clone()).await;
    let shelf = Shelf::new(
        Arc::clone(&library.store),
        library.files(),
        ShelfConfig { threads: 2, ..ShelfConfig::default() },
    );
    let mut sqlite = Engine { library, index, vectors: Vectors::Memory(shelf), videos: Vec::new() };
    let store =
        Arc::new(PostgresStore::open(&servers.fact("postgres", "endpoint")).await.expect("PostgreSQL"));
    let library = Library::with(store, tempfile::tempdir().expect("a folder")).await;
    let index = library.index("marengo2.6", &ModelOption::ALL, models).await;
    let database = InDatabase::new(Arc::clone(&library.store)).expect("it searches vectors");
    let mut postgres = Engine { library, index, vectors: Vectors::Database(database), videos: Vec::new() };

    let mut random = Random(9);
    let topics = Topics::new(&mut random, 3_000, dim, 0.7);
    let (mut in_sqlite, mut in_postgres) = (0.0, 0.0);
    for video in 0..segments / PER_VIDEO {
        let made = |random: &mut Random| -> Vec<NewSegment> {
            let one = |at: usize| {
                let vector = topics.vector(random, video * 7 + at / 25);
                segment(KIND, range(at as f64, at as f64 + 1.0), &text(random, 8), vec![vector])
            };
            (0..PER_VIDEO).map(one).collect()
        };
        let segments = made(&mut random);
        if !is_alone {
            let began = Instant::now();
            sqlite.publish(segments.clone()).await;
            in_sqlite += ms(began);
        }
        let began = Instant::now();
        postgres.publish(segments).await;
        in_postgres += ms(began);
    }
    println!("{segments} segments, {dim} numbers in a vector; load {}", load());
    println!("published in {:.0} s (SQLite), {:.0} s (PostgreSQL)", in_sqlite / 1e3, in_postgres / 1e3);

    let queries: Vec<Arc<[f32]>> =
        (0..QUERIES).map(|query| Arc::from(topics.vector(&mut random, query * 13))).collect();
    if !is_alone {
        let began = Instant::now();
        sqlite.ask(&model, &queries[0], 1).await;
        settle(&sqlite.vectors).await;
        println!(
            "memory: all graphs after {:.0} s, {} MB",
            ms(began) / 1e3,
            sqlite.vectors.stats().bytes / 1_000_000
        );
    }
    let began = Instant::now();
    postgres.ask(&model, &queries[0], 1).await;
    println!("database: first query of a process after {:.0} ms", ms(began));

    println!("\n| engine | among | p50 ms | p99 ms | recall@10 |\n|---|---|---:|---:|---:|");
    let mut truths: HashMap<(usize, usize), Vec<i64>> = HashMap::new();
    let beside = if is_alone { None } else { Some(&sqlite) };
    compare("PostgreSQL, scan", beside, &postgres, &model, &queries, &mut truths).await;
    if std::env::args().any(|argument| argument == "scan") {
        return;
    }
    let began = Instant::now();
    let graphs = postgres.library.store.nearest().expect("it searches vectors");
    graphs.tend_graphs(GraphRules { min_rows: 1, max_build_bytes: 2 << 30 }).await.expect("a graph");
    let built_s = ms(began) / 1e3;
    compare("PostgreSQL, graph", beside, &postgres, &model, &queries, &mut truths).await;
    println!("\nthe database's graph was made in {built_s:.0} s; load {}", load());
    if !is_alone {
        words(&[("SQLite", &sqlite), ("PostgreSQL", &postgres)]).await;
    }
}

/// Asks them in turn. The first scan of PostgreSQL is the truth.
async fn compare(
    title: &str,
    sqlite: Option<&Engine>,
    postgres: &Engine,
    model: &ModelRef,
    queries: &[Arc<[f32]>],
    truths: &mut HashMap<(usize, usize), Vec<i64>>,
) {
    for (among, step) in [("all", 1), ("10 %", 10), ("1 %", 100)] {
        let (mut times, mut hits) = ([Vec::new(), Vec::new()], [0; 2]);
        for (number, query) in queries.iter().enumerate() {
            let (rows, time) = postgres.ask(model, query, step).await;
            times[1].push(time);
            let truth =
                truths.entry((step, number)).or_insert_with(|| rows.iter().copied().take(10).collect());
            hits[1] += common(truth, &rows);
            if let Some(sqlite) = sqlite {
                let (rows, time) = sqlite.ask(model, query, step).await;
                times[0].push(time);
                hits[0] += common(truth, &rows);
            }
        }
        for ((name, times), hits) in ["SQLite, memory", title].into_iter().zip(times).zip(hits) {
            if times.is_empty() {
                continue;
            }
            let (p50, p99) = percentiles(times);
            let recall = f64::from(hits) / (10 * queries.len()) as f64;
            println!("| {name} | {among} | {p50:.1} | {p99:.1} | {recall:.3} |");
        }
    }
}

async fn words(engines: &[(&str, &Engine); 2]) {
    println!("\n| words | store | p50 ms | p99 ms | found, mean |\n|---|---|---:|---:|---:|");
    for (what, count, all) in
        [("one", 1, true), ("two, both", 2, true), ("two, any", 2, false), ("three, any", 3, false)]
    {
        let mut random = Random(count as u64 + 77);
        let mut times: Vec<Vec<f64>> = vec![Vec::new(); 2];
        let mut found = [0; 2];
        for _ in 0..QUERIES {
            let text = text(&mut random, count);
            let phrases: Vec<Vec<String>> = text.split(' ').map(|word| vec![word.to_owned()]).collect();
            let query = WordQuery { phrases, all };
            for (engine, (_, side)) in engines.iter().enumerate() {
                let began = Instant::now();
                let matches = side.library.store.match_words(side.index, KIND, &query, COUNT as u32).await;
                times[engine].push(ms(began));
                found[engine] += matches.expect("a search").len();
            }
        }
        for (engine, (name, _)) in engines.iter().enumerate() {
            let (p50, p99) = percentiles(times[engine].clone());
            println!(
                "| {what} | {name} | {p50:.1} | {p99:.1} | {:.0} |",
                found[engine] as f64 / QUERIES as f64
            );
        }
    }
    println!("\nload at the end {}", load());
}

async fn settle(vectors: &Vectors) {
    loop {
        let stats = vectors.stats();
        if !stats.is_building {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn common(truth: &[i64], found: &[i64]) -> u32 {
    let found: HashSet<&i64> = found.iter().take(10).collect();
    truth.iter().filter(|row| found.contains(row)).count() as u32
}

fn percentiles(mut times: Vec<f64>) -> (f64, f64) {
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times[((times.len() - 1) as f64 * share).round() as usize];
    (at(0.5), at(0.99))
}

fn ms(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}

fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').take(3).collect::<Vec<_>>().join(" ")
}

/// Words as frequent as in a language: the word of rank r comes with a probability of about 1/r.
fn text(random: &mut Random, words: usize) -> String {
    let mut word = || {
        let share = random.next() as f64 / u64::MAX as f64;
        format!("w{}", (VOCABULARY as f64).powf(share) as usize)
    };
    (0..words).map(|_| word()).collect::<Vec<_>>().join(" ")
}
