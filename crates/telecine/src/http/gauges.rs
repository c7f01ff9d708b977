//! What is measured when somebody looks: the state of queue, database, disk and process. Looks at most every few seconds,
//! whoever asks how often, for the page needs no key.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use metrics::gauge;
use tokio::sync::Mutex;

use crate::app::App;
use crate::fault::Result;

/// How long a look is good.
const FRESH: Duration = Duration::from_secs(5);
/// A database that takes longer counts as one that does not answer: whoever watches must not be kept waiting.
const PATIENCE: Duration = Duration::from_secs(2);

/// Looks, unless somebody has just done so.
pub(super) async fn look(app: &App) {
    static LOOKED: OnceLock<Mutex<Option<Instant>>> = OnceLock::new();
    let mut looked = LOOKED.get_or_init(Mutex::default).lock().await;
    if looked.is_some_and(|at| at.elapsed() < FRESH) {
        return;
    }
    let asked = tokio::time::timeout(PATIENCE, database(app)).await;
    let is_up = match &asked {
        Ok(Ok(())) => true,
        Ok(Err(error)) => {
            tracing::warn!(error = format!("{error:#}"), "metrics of the database cannot be told");
            false
        }
        Err(_) => false,
    };
    gauge!("telecine_database_up").set(f64::from(u8::from(is_up)));
    work(app);
    process();
    *looked = Some(Instant::now());
}

async fn database(app: &App) -> Result<()> {
    let now = app.clock.now();
    let queue = app.store.queue_state(now).await?;
    for (status, count) in [
        ("validating", queue.validating),
        ("pending", queue.pending),
        ("queued", queue.queued),
        ("indexing", queue.indexing),
    ] {
        gauge!("telecine_queue_tasks", "status" => status).set(count as f64);
    }
    gauge!("telecine_queue_in_hand").set(queue.in_hand as f64);
    gauge!("telecine_queue_paused").set(queue.paused as f64);
    let oldest = queue.waits_since.map_or(0.0, |since| now.since(since).as_secs_f64());
    gauge!("telecine_queue_oldest_seconds").set(oldest);
    gauge!("telecine_open_transfers").set(queue.open_transfers as f64);
    gauge!("telecine_database_bytes").set(app.store.database().await?.size_bytes as f64);
    Ok(())
}

fn work(app: &App) {
    for connections in app.store.connections() {
        let (pool, idle) = (connections.pool, connections.idle);
        gauge!("telecine_database_connection_limit", "pool" => pool).set(f64::from(connections.limit));
        gauge!("telecine_database_connections", "pool" => pool, "state" => "idle").set(f64::from(idle));
        let in_use = connections.open.saturating_sub(idle);
        gauge!("telecine_database_connections", "pool" => pool, "state" => "in_use").set(f64::from(in_use));
    }
    for class in app.progress.classes() {
        gauge!("telecine_work_in_use", "class" => class.name).set(class.in_use as f64);
        gauge!("telecine_work_limit", "class" => class.name).set(class.limit as f64);
    }
    let shelf = app.search.vectors().stats();
    gauge!("telecine_vectors").set(shelf.rows as f64);
    gauge!("telecine_vector_bytes").set(shelf.bytes as f64);
    if let Ok(disk) = rustix::fs::statvfs(app.files.path()) {
        gauge!("telecine_disk_free_bytes").set(disk.f_bavail.saturating_mul(disk.f_frsize) as f64);
        gauge!("telecine_disk_total_bytes").set(disk.f_blocks.saturating_mul(disk.f_frsize) as f64);
    }
}

/// What the kernel tells of this process, under the names that all exporters use.
fn process() {
    gauge!("telecine_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    let read = |name: &str| std::fs::read_to_string(format!("/proc/self/{name}")).unwrap_or_default();
    if let Some(pages) = read("statm").split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()) {
        gauge!("process_resident_memory_bytes").set((pages * rustix::param::page_size() as u64) as f64);
    }
    if let Ok(files) = std::fs::read_dir("/proc/self/fd") {
        gauge!("process_open_fds").set(files.count() as f64);
    }
}
