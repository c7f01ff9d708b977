//! What a search costs over an index of many segments: a real store, real engines for the queries, made-up videos.
//! Prints Markdown tables of latencies by kind of query, of recall against the exact index, and of memory.
//!
//! `cargo bench -p telecine --bench search [-- SEGMENTS]`: SEGMENTS is how many there are (100,000 if not given): a third
//! each shots with two vectors of 1000 numbers, utterances and lines of text with one of 384 and eight words each.
//! Wall-clock time, one query at a time, every query another text: a busy machine shows.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use telecine::ids::IndexId;
use telecine::index::ModelOption::{self, Conversation, TextInVideo, Visual};
use telecine::search::vectors::{Exact, Nearest, Neighbour, VectorIndex};
use telecine::search::{
    Confidence, ConversationOption, GroupBy, Operator, SearchRequest, Searcher, SortOption,
};
use telecine::store::VideoFilter;
use telecine::video::{NewSegment, SegmentKind};

#[path = "../tests/it/search/engines.rs"]
mod engines;
#[path = "../tests/it/search/library.rs"]
mod library;
#[path = "../tests/it/search/synthetic.rs"]
mod synthetic;

use library::{Library, range, segment};
use synthetic::{Random, Topics};

/// Segments of each kind in a video.
const PER_VIDEO: usize = 34;
const QUERIES: usize = 200;
const VOCABULARY: usize = 20_000;
/// One filter lets every tenth video through.
const FILTERED: &str = "tenth.mp4";

struct Bench {
    library: Library,
    index: IndexId,
    random: Random,
    pictures: Topics,
    meanings: Topics,
}

#[tokio::main]
async fn main() {
    let segments = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(100_000);
    let engines = engines::engines();
    let models = engines.models();
    let library = Library::new().await;
    let index = library.index("marengo2.6", &ModelOption::ALL, models.clone()).await;
    let mut random = Random(3);
    let pictures = Topics::new(&mut random, 3_000, models.see.dim, 0.7);
    let meanings = Topics::new(&mut random, 3_000, models.words.dim, 0.7);
    let mut bench = Bench { library, index, random, pictures, meanings };
    let began = Instant::now();
    let videos = segments / (3 * PER_VIDEO);
    for video in 0..videos {
        bench.publish(video).await;
    }
    println!("{} segments in {videos} videos published in {:.0} s\n", videos * 3 * PER_VIDEO, seconds(began));

    let library = &bench.library;
    let open =
        || Searcher::new(Arc::clone(&library.store), engines.clone(), library.clock.clone(), library.files());
    println!(
        "| state | seconds | rows in memory | vector indexes | process |\n| --- | ---: | ---: | ---: | ---: |"
    );
    let (searcher, began) = (open(), Instant::now());
    bench.search(&searcher, "the first query", &ModelOption::ALL, |_| {}).await;
    bench.tell_state("first query over rows that no graph has", &searcher, began);
    while searcher.vectors().stats().is_building {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    bench.tell_state("until all graphs were built and saved", &searcher, began);
    searcher.close().await.expect("graphs are saved");
    drop(searcher);
    let (searcher, began) = (open(), Instant::now());
    searcher.warm().await.expect("graphs are loaded");
    bench.tell_state("a restart loads the graphs", &searcher, began);

    println!("\n| query | p50 ms | p95 ms | p99 ms | results, mean |\n| --- | ---: | ---: | ---: | ---: |");
    let (visual, all) = (&[Visual][..], &ModelOption::ALL[..]);
    bench.measure(&searcher, "visual", visual, |_| {}).await;
    bench.measure(&searcher, "conversation, semantic", &[Conversation], |_| {}).await;
    bench.measure(&searcher, "conversation, exact", &[Conversation], exact).await;
    bench.measure(&searcher, "text in video", &[TextInVideo], |_| {}).await;
    bench.measure(&searcher, "combined, or", all, |_| {}).await;
    bench.measure(&searcher, "combined, or, no threshold", all, none).await;
    bench.measure(&searcher, "combined, and, no threshold", all, and).await;
    bench.measure(&searcher, "combined, a tenth of the videos", all, tenth).await;
    bench.recall(&searcher).await;
}

fn exact(request: &mut SearchRequest) {
    request.conversation = ConversationOption::ExactMatch;
}

fn none(request: &mut SearchRequest) {
    request.threshold = Confidence::ExtremelyLow;
}

fn and(request: &mut SearchRequest) {
    none(request);
    request.operator = Operator::And;
}

fn tenth(request: &mut SearchRequest) {
    request.filter.filename = Some(FILTERED.to_owned());
}

impl Bench {
    async fn publish(&mut self, video: usize) {
        let mut segments: Vec<NewSegment> = Vec::with_capacity(3 * PER_VIDEO);
        for place in 0..PER_VIDEO {
            let range = range(place as f64 * 4.0, place as f64 * 4.0 + 4.0);
            let topic = video * 3 + place / 12;
            let mut of = |topics: &Topics, count| {
                (0..count).map(|_| topics.vector(&mut self.random, topic)).collect::<Vec<_>>()
            };
            let (seen, said, written) = (of(&self.pictures, 2), of(&self.meanings, 1), of(&self.meanings, 1));
            segments.push(segment(SegmentKind::Shot, range, "", seen));
            segments.push(segment(SegmentKind::Speech, range, &text(&mut self.random, 8), said));
            segments.push(segment(SegmentKind::Text, range, &text(&mut self.random, 8), written));
        }
        let name = if video.is_multiple_of(10) { FILTERED } else { "other.mp4" };
        self.library.publish(self.index, name, segments).await;
    }

    /// How many results there are.
    async fn search(
        &self,
        searcher: &Searcher,
        text: &str,
        options: &[ModelOption],
        change: impl Fn(&mut SearchRequest),
    ) -> u64 {
        let mut request = SearchRequest {
            index: self.index,
            wanted: text.into(),
            options: options.iter().copied().collect::<BTreeSet<_>>(),
            operator: Operator::Or,
            conversation: ConversationOption::Semantic,
            threshold: Confidence::Low,
            adjust_confidence_level: 0.5,
            group_by: GroupBy::Clip,
            sort: SortOption::Score,
            page_limit: 10,
            filter: VideoFilter::default(),
        };
        change(&mut request);
        searcher.search(self.library.workspace, &request).await.expect("a search").total_results
    }

    async fn measure(
        &self,
        searcher: &Searcher,
        title: &str,
        options: &[ModelOption],
        change: impl Fn(&mut SearchRequest),
    ) {
        let mut random = Random(title.len() as u64);
        let (mut times_ms, mut results) = (Vec::with_capacity(QUERIES), 0);
        for query in 0..QUERIES {
            let text = text(&mut random, 1 + query % 3);
            let began = Instant::now();
            results += self.search(searcher, &text, options, &change).await;
            times_ms.push(seconds(began) * 1e3);
        }
        times_ms.sort_by(f64::total_cmp);
        let at = |share: f64| times_ms[((times_ms.len() - 1) as f64 * share).round() as usize];
        let mean = results as f64 / QUERIES as f64;
        println!("| {title} | {:.1} | {:.1} | {:.1} | {mean:.0} |", at(0.5), at(0.95), at(0.99));
    }

    fn tell_state(&self, title: &str, searcher: &Searcher, began: Instant) {
        let stats = searcher.vectors().stats();
        let (mb, process) = (stats.bytes / 1_000_000, resident_mb());
        println!("| {title} | {:.1} | {} | {mb} MB | {process} MB |", seconds(began), stats.rows);
    }

    /// The share of the true ten nearest that are found, for queries of the same topics as the vectors.
    async fn recall(&mut self, searcher: &Searcher) {
        println!(
            "\n| vectors | rows | recall@10 | exact scan p50 ms | found in p50 ms |\n| --- | ---: | ---: | ---: | ---: |"
        );
        let engines = engines::engines();
        let models = engines.models();
        for (kind, model) in [(SegmentKind::Shot, &models.see), (SegmentKind::Speech, &models.words)] {
            let truth = self.exact(kind, model.dim).await;
            let (mut found, mut scan_ms, mut search_ms) = (0, Vec::new(), Vec::new());
            for _ in 0..QUERIES {
                let topics = if kind == SegmentKind::Shot { &self.pictures } else { &self.meanings };
                let topic = (self.random.next() % 3_000) as usize;
                let query: Arc<[f32]> = topics.vector(&mut self.random, topic).into();
                let began = Instant::now();
                let expected = rows(&truth.nearest(&query, 10).expect("a scan"));
                scan_ms.push(seconds(began) * 1e3);
                let began = Instant::now();
                let wanted = Nearest { index: self.index, kind, model, query, among: None, count: 10 };
                let (neighbours, _) = searcher.vectors().nearest(wanted).await.expect("a search");
                search_ms.push(seconds(began) * 1e3);
                found += rows(&neighbours).intersection(&expected).count();
            }
            let median = |times: &mut Vec<f64>| {
                times.sort_by(f64::total_cmp);
                times[times.len() / 2]
            };
            let recall = found as f64 / (10 * QUERIES) as f64;
            let (scan, search) = (median(&mut scan_ms), median(&mut search_ms));
            println!("| {} | {} | {recall:.3} | {scan:.1} | {search:.1} |", kind.as_str(), truth.len());
        }
    }

    async fn exact(&self, kind: SegmentKind, dim: usize) -> Exact {
        let (mut exact, mut after) = (Exact::new(dim), 0);
        loop {
            let rows =
                self.library.store.vectors_after(self.index, kind, after, 4_096).await.expect("vectors");
            let Some(last) = rows.last() else { return exact };
            after = last.id;
            rows.iter().for_each(|row| exact.push(row.id, &row.values));
        }
    }
}

fn rows(neighbours: &[Neighbour]) -> HashSet<i64> {
    neighbours.iter().map(|neighbour| neighbour.row).collect()
}

/// Words as frequent as in a language: the word of rank r comes with a probability of about 1/r.
fn text(random: &mut Random, words: usize) -> String {
    let mut word = || {
        let share = random.next() as f64 / u64::MAX as f64;
        spelled((VOCABULARY as f64).powf(share) as usize)
    };
    (0..words).map(|_| word()).collect::<Vec<_>>().join(" ")
}

/// A word that can be pronounced, one for each number.
fn spelled(mut number: usize) -> String {
    const SYLLABLES: [&str; 12] = ["ka", "lo", "mi", "nu", "re", "sa", "to", "vi", "be", "du", "fo", "gi"];
    let mut word = String::from("q");
    while number > 0 {
        word.push_str(SYLLABLES[number % SYLLABLES.len()]);
        number /= SYLLABLES.len();
    }
    word
}

fn seconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64()
}

fn resident_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib: u64 = line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0);
    kib * 1_024 / 1_000_000
}
