//! The ledger of contents: asking who has a content that is there, and taking one that is not.

use std::time::Duration;

use telecine::ids::{IndexId, IntegrationId};
use telecine::queue::Claim;
use telecine::store::ContentHolder;
use telecine::time::{Clock as _, SystemClock};

use crate::world::{Side, task};
use crate::{shown, timed};

pub(crate) const HEAD: &str = "| store | contents of the index | asked for one that is there, ms p50 / p99 | one that is not is taken |\n\
     | --- | ---: | ---: | ---: |";
const RUNS: usize = 500;
const LEASE: Duration = Duration::from_secs(3_600);
const ROWS_AT_ONCE: u64 = 500_000;
/// Numbers that the first eight digits of a hash can be.
const SPACE: u64 = 1 << 32;
/// The other digits.
const TAIL: &str = "9b71d224bd62f3785d96d46ad3ea3d73319bfbc2890caadae2dff725";

pub(crate) async fn measure(side: &Side, rows: u64) {
    let index = side.index(&format!("{rows} contents")).await;
    let holder = claim(side, index).await;
    let other = claim(side, index).await;
    // Hashes lie as far apart as hashes do, and come in their order, which is quick.
    let apart = SPACE / rows;
    for first in (0..rows).step_by(ROWS_AT_ONCE as usize) {
        let last = rows.min(first + ROWS_AT_ONCE) - 1;
        let (numbers, start) = match &side.url {
            Some(_) => (
                format!("generate_series({first}::bigint, {last}) n"),
                format!("lpad(to_hex(n * {apart}), 8, '0')"),
            ),
            None => (
                format!(
                    "(WITH RECURSIVE counted(n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM counted WHERE n < {last}) SELECT n FROM counted) numbers"
                ),
                format!("printf('%08x', n * {apart})"),
            ),
        };
        side.raw(&format!(
            "INSERT INTO content (index_id, hash, task_id) SELECT '{index}', {start} || '{TAIL}', '{}' FROM {numbers}",
            holder.task
        ))
        .await;
    }
    side.settle().await;
    let known = timed(RUNS, |run| {
        let number = mixed(run as u64) % rows;
        hold(side, &other, format!("{:08x}{TAIL}", number * apart), true)
    });
    let known = known.await;
    let taken = timed(RUNS, |run| hold(side, &other, format!("{:08x}new", mixed(run as u64)), false)).await;
    println!("| {} | {rows} | {} | {} |", side.name, shown(&known), shown(&taken));
}

/// Anywhere among the first eight digits of hashes.
fn mixed(number: u64) -> u64 {
    (number + 1).wrapping_mul(2_654_435_761) % SPACE
}

async fn hold(side: &Side, claim: &Claim, hash: String, is_there: bool) {
    let holder = side.store.hold_content(claim, &hash).await.expect("the store answers");
    let holder = holder.expect("the claim is fresh");
    assert_eq!(matches!(holder, ContentHolder::InProgress(_)), is_there, "{hash}: {holder:?}");
}

async fn claim(side: &Side, index: IndexId) -> Claim {
    let now = SystemClock.now();
    let task = task(index, IntegrationId::generate(now), "film.mp4".to_owned());
    side.store.insert_task(side.workspace, &task, now).await.expect("a task");
    side.store.claim_next(now, LEASE).await.expect("the store answers").expect("it is due")
}
