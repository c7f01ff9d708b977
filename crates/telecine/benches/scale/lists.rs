//! Pages, filters and totals of tasks; the progress of a transfer; the statistics of a bucket.

use std::time::Instant;

use telecine::ids::{IndexId, IntegrationId, TransferId};
use telecine::integration::{
    Filters, Integration, InventoryItem, KeyRange, ObjectFilter, Provider, SyncEnd, SyncFound, SyncTrigger,
};
use telecine::pipeline::ProgressBoard;
use telecine::source::ObjectInfo;
use telecine::store::{Merge, Paging, SortBy, TaskFilter, Within};
use telecine::time::{Clock as _, SystemClock, Timestamp};
use telecine::transfer::Status;
use telecine::transfer::status::status_at;

use crate::world::{Side, task};
use crate::{shown, timed};

const BATCH: u64 = 10_000;
const RUNS: usize = 12;
const LIMIT: u64 = 50;

fn key(number: u64) -> String {
    format!("cameras/{:03}/reel-{number:07}.mp4", number % 1_000)
}

/// One of `tasks`, and fifty of as many together, in twenty indexes.
pub(crate) async fn measure(side: &Side, tasks: u64) {
    let integration = bucket(side, tasks).await;
    let mut indexes = Vec::new();
    for number in 0..21 {
        indexes.push(side.index(&format!("index {number}")).await);
    }
    let began = Instant::now();
    let large = transfer(side, integration, &indexes[..1], tasks).await;
    let seconds = began.elapsed().as_secs_f64();
    let between = SystemClock.now();
    let mut small = large;
    for number in 0..50 {
        let first = 1 + number % 20;
        let second = 1 + (number + 7) % 20;
        small = transfer(side, integration, &[indexes[first], indexes[second]], tasks / 50).await;
    }
    let began = Instant::now();
    age(side).await;
    println!(
        "\n{}: {tasks} tasks in one transfer ({:.0}/s received), as many in fifty; their fate was written in {:.0} s.\n",
        side.name,
        tasks as f64 / seconds,
        began.elapsed().as_secs_f64()
    );
    println!(
        "| tasks | how many | by created_at: first page | middle | last | by updated_at: first page | middle | last |"
    );
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    for (what, filter) in filters(large, small, indexes[0], indexes[1], between) {
        print_row(side, what, &filter).await;
    }
    others(side, large, indexes[0], integration).await;
}

fn filters(
    large: TransferId,
    small: TransferId,
    index: IndexId,
    other: IndexId,
    between: Timestamp,
) -> Vec<(&'static str, TaskFilter)> {
    let all = TaskFilter::default();
    let of = TaskFilter { transfer: Some(large), ..all.clone() };
    let into = TaskFilter { index: Some(index), ..all.clone() };
    let exactly = |measure| Within { min: Some(measure), max: Some(measure) };
    let status = |filter: &TaskFilter, statuses: &[Status]| TaskFilter {
        statuses: statuses.to_vec(),
        ..filter.clone()
    };
    let code = |filter: &TaskFilter, code: &str| TaskFilter { code: Some(code.to_owned()), ..filter.clone() };
    let name = |filter: &TaskFilter, name: &str| TaskFilter { name: Some(name.to_owned()), ..filter.clone() };
    let failed = status(&of, &[Status::Failed]);
    vec![
        ("all", all.clone()),
        ("ready", status(&all, &[Status::Ready])),
        ("ready or skipped", status(&all, &[Status::Ready, Status::Skipped])),
        ("failed (5 %)", status(&all, &[Status::Failed])),
        ("pending (0.01 %)", status(&all, &[Status::Pending])),
        ("by reason", code(&all, "object_not_exists")),
        (
            "since a moment",
            TaskFilter { created_at: Within { min: Some(between), max: None }, ..all.clone() },
        ),
        ("of an index", into.clone()),
        ("of an index, ready", status(&into, &[Status::Ready])),
        ("of an index, by reason", code(&into, "video_file_broken")),
        ("of a small index", TaskFilter { index: Some(other), ..all.clone() }),
        ("of the transfer", of.clone()),
        ("of the transfer, ready", status(&of, &[Status::Ready])),
        ("of the transfer, failed", failed.clone()),
        ("of the transfer, failed, by reason", code(&failed, "video_file_broken")),
        (
            "of the transfer and index, validating",
            TaskFilter { index: Some(index), ..status(&of, &[Status::Validating]) },
        ),
        ("of a small transfer", TaskFilter { transfer: Some(small), ..all.clone() }),
        ("name, one task", name(&all, "reel-0400001")),
        ("name, none", name(&all, "real-0400001")),
        ("name, 0.1 % of tasks", name(&all, "cameras/077/")),
        ("name, 1 % of tasks", name(&all, "s/07")),
        ("name, 10 % of tasks", name(&all, "s/0")),
        ("name, all tasks", name(&all, "reel")),
        ("name, failed by a reason", name(&code(&of, "video_file_broken"), "cameras/077/")),
        ("name of most, failed by a reason", name(&code(&of, "video_file_broken"), "reel")),
        ("of this width", TaskFilter { width: exactly(1_920.0), ..all.clone() }),
        ("of this width, failed", TaskFilter { width: exactly(1_920.0), ..failed }),
        ("of this length", TaskFilter { duration_s: exactly(77.25), ..all.clone() }),
        (
            "changed since a moment",
            TaskFilter { updated_at: Within { min: Some(between), max: None }, ..all.clone() },
        ),
        ("filename", TaskFilter { filename: Some("reel-0400001.mp4".to_owned()), ..all }),
    ]
}

async fn print_row(side: &Side, what: &str, filter: &TaskFilter) {
    let page = |page, sort_by| Paging { page, limit: LIMIT, sort_by, descending: true };
    let first = page(1, SortBy::CreatedAt);
    let listed = side.store.tasks(side.workspace, filter, first).await.expect("a list");
    let (total, least) = (listed.total, if listed.is_at_least { "at least " } else { "" });
    let pages = total.div_ceil(LIMIT).max(1);
    let mut cells = Vec::new();
    for sort_by in [SortBy::CreatedAt, SortBy::UpdatedAt] {
        for number in [1, pages.div_ceil(2), pages] {
            let took = timed(RUNS, |run| {
                // Not always the same page, of which all would be at hand.
                let number = if number == 1 { 1 } else { (number - run as u64 % number.min(20)).max(1) };
                side.store.tasks(side.workspace, filter, page(number, sort_by))
            });
            cells.push(shown(&took.await));
        }
    }
    println!("| {what} | {least}{total} | {} |", cells.join(" | "));
}

async fn others(side: &Side, large: TransferId, index: IndexId, integration: IntegrationId) {
    let board = ProgressBoard::default();
    let progress =
        timed(100, |_| status_at(&*side.store, &board, SystemClock.now(), side.workspace, large)).await;
    let counts = timed(100, |_| side.store.task_counts(side.workspace, index)).await;
    let all = ObjectFilter::default();
    let statistics = timed(3, |_| side.store.statistics(integration, &all)).await;
    println!("\n| what else | p50 / p99 ms |\n| --- | ---: |");
    println!("| progress of the large transfer | {} |", shown(&progress));
    println!("| tasks of an index by status | {} |", shown(&counts));
    println!("| statistics of the bucket | {} |", shown(&statistics));
}

/// An integration whose bucket has as many objects as there will be tasks.
async fn bucket(side: &Side, objects: u64) -> IntegrationId {
    let now = SystemClock.now();
    let provider = Provider::Folder { path: "archive".into() };
    let integration = Integration::new(side.workspace, provider, "archive", now);
    side.store.insert_integration(&integration).await.expect("an integration");
    let rules = Filters::default().rules().expect("rules");
    let (run, _) = side.store.begin_sync(integration.id, SyncTrigger::Manual, now).await.expect("begun");
    let until = now.after(std::time::Duration::from_secs(3_600));
    let claim = side.store.claim_sync(run.id, now, until).await.expect("claimed").expect("nobody has it").0;
    let mut keys: Vec<String> = (0..objects).map(key).collect();
    keys.sort_unstable();
    let (mut after, mut left) = (None, keys.len());
    for some in keys.chunks(16_000) {
        left -= some.len();
        let item = |key: &String| {
            let object = ObjectInfo {
                key: key.clone(),
                size_bytes: 50_000_000,
                etag: "0123456789abcdef0123456789abcdef".to_owned(),
                modified_at: Some(Timestamp::from_millis(1_700_000_000_000)),
                storage_class: "STANDARD".to_owned(),
                is_archived: false,
            };
            InventoryItem::of(object, &rules)
        };
        let until = some.last().cloned().filter(|_| left > 0);
        let range = KeyRange { after: after.take(), until: until.clone() };
        after = until;
        let found = vec![SyncFound::Range { range, items: some.iter().map(item).collect() }];
        let part = Merge { found, left: Some(vec![KeyRange::default()]), requests: 16 };
        side.store.merge(&claim, &part, now).await.expect("merged").expect("fresh");
    }
    side.store.end_sync(&claim, &SyncEnd::Done, now).await.expect("ended").expect("fresh");
    integration.id
}

async fn transfer(side: &Side, integration: IntegrationId, indexes: &[IndexId], tasks: u64) -> TransferId {
    let id = TransferId::generate(SystemClock.now());
    side.store.begin_transfer(side.workspace, id, SystemClock.now()).await.expect("begun");
    for first in (0..tasks).step_by(BATCH as usize) {
        let some: Vec<_> = (first..tasks.min(first + BATCH))
            .map(|number| task(indexes[number as usize % indexes.len()], integration, key(number)))
            .collect();
        side.store.add_tasks(id, &some, SystemClock.now()).await.expect("added");
    }
    side.store.accept_transfer(id, SystemClock.now()).await.expect("accepted");
    id
}

/// Half of the tasks become ready, one in twenty fails, at moments of a day that have nothing to do with their order.
async fn age(side: &Side) {
    let mixed = "((seq * 7919) % 1000003)";
    let status = format!(
        "CASE WHEN {mixed} % 100 < 55 THEN 'ready' WHEN {mixed} % 100 < 60 THEN 'skipped' WHEN {mixed} % 100 < 65 THEN 'failed' \
         WHEN {mixed} % 10000 = 77 THEN 'pending' ELSE 'validating' END"
    );
    side.raw(&format!(
        "UPDATE task SET status = {status}, due_at = CASE WHEN {mixed} % 100 >= 65 THEN due_at END, \
         updated_at = created_at + 1 + {mixed} * 86, fault_code = CASE WHEN {mixed} % 100 BETWEEN 60 AND 64 THEN \
         CASE WHEN {mixed} % 3 = 0 THEN 'video_file_broken' ELSE 'object_not_exists' END END, \
         width = CASE WHEN {mixed} % 100 < 65 THEN CASE WHEN seq % 2 = 0 THEN 1920 ELSE 1280 END END, height = 720, \
         duration_s = 4 + {mixed} % 100000 / 4.0, \
         fault = CASE WHEN {mixed} % 100 BETWEEN 60 AND 64 THEN '{{\"code\":\"object_not_exists\",\"message\":\"It is not there.\"}}' END"
    ))
    .await;
    let sums = Status::ALL.map(|status| {
        let name = status.as_str();
        format!(
            "{name} = (SELECT count(*) FROM task t WHERE t.transfer_id = transfer.id AND t.status = '{name}')"
        )
    });
    side.raw(&format!("UPDATE transfer SET {}", sums.join(", "))).await;
    side.settle().await;
}
