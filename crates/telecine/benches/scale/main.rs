//! What very many tasks, contents and manifest entries cost, on SQLite and on PostgreSQL side by side. Prints Markdown tables.
//!
//! `cargo bench -p telecine --bench scale -- PART…`, with one or several of `lists[=TASKS]` (1,000,000 in one transfer and as
//! many in fifty), `content[=ROWS]` (10,000,000, beside 10,000), `manifest[=ENTRIES]` (1,000,000, beside 10,000, sent to a
//! server of its own process). `sqlite` or `postgres` among them: that one alone. Starts PostgreSQL by `scripts/testservers.py` (`postgres-fast`: reads are what is measured).
//! Wall-clock time: a busy machine or a slow disk shows.

mod content;
mod lists;
mod manifest;
#[expect(dead_code, reason = "tests need more of it than the bench")]
#[path = "../../tests/it/support/servers.rs"]
mod servers;
mod world;

use std::future::Future;
use std::time::Instant;

use world::Side;

#[tokio::main]
async fn main() {
    let (only, wanted): (Vec<String>, Vec<String>) = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with("--"))
        .partition(|word| ["sqlite", "postgres"].contains(&word.as_str()));
    let is_wanted = |side: &Side| only.first().is_none_or(|name| side.name.to_lowercase().starts_with(name));
    let number = |name: &str, usual: u64| {
        let given = wanted.iter().find_map(|word| match word.split_once('=') {
            Some((part, number)) if part == name => Some(number.parse().expect("a number")),
            None if word == name => Some(usual),
            _ => None,
        });
        given.or_else(|| wanted.is_empty().then_some(usual))
    };
    let folder = tempfile::tempdir().expect("a folder");
    let servers = servers::Servers::start(&["postgres-fast"]);
    let url = servers.fact("postgres-fast", "endpoint");
    if let Some(tasks) = number("lists", 1_000_000) {
        for side in Side::both(folder.path(), &url, "lists").await.into_iter().filter(is_wanted) {
            lists::measure(&side, tasks).await;
        }
    }
    if let Some(rows) = number("content", 10_000_000) {
        println!("\n{}", content::HEAD);
        for side in Side::both(folder.path(), &url, "content").await.into_iter().filter(is_wanted) {
            for rows in [10_000, rows] {
                content::measure(&side, rows).await;
            }
        }
    }
    if let Some(entries) = number("manifest", 1_000_000) {
        println!("\n{}", manifest::HEAD);
        for side in Side::both(folder.path(), &url, "manifest").await.into_iter().filter(is_wanted) {
            for entries in [10_000, entries] {
                manifest::measure(&side, entries).await;
            }
        }
    }
}

/// Milliseconds of each of so many runs, least first.
async fn timed<F: Future>(runs: usize, mut work: impl FnMut(usize) -> F) -> Vec<f64> {
    let mut took = Vec::with_capacity(runs);
    for run in 0..runs {
        let began = Instant::now();
        work(run).await;
        took.push(began.elapsed().as_secs_f64() * 1e3);
    }
    took.sort_by(f64::total_cmp);
    took
}

/// p50 and p99.
fn shown(took: &[f64]) -> String {
    let at = |share: f64| took[((took.len() - 1) as f64 * share).ceil() as usize];
    format!("{:.1} / {:.1}", at(0.5), at(0.99))
}
