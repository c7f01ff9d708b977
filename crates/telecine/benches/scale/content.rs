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

pub(crate) async fn measure(side: &Side, rows: u64) {
    let index = side.index(&format!("{rows} contents")).await;
    let holder = claim(side, index).await;
    let other = claim(side, index).await;
    // Hashes are as random as hashes are, and the same again when they are asked for.
    for first in (0..rows).step_by(ROWS_AT_ONCE as usize) {
        let last = rows.min(first + ROWS_AT_ONCE) - 1;
        let (numbers, hex) = match &side.url {
            Some(_) => {
                (format!("generate_series({first}, {last}) AS n(n)"), "lpad(to_hex(n), 8, '0')".to_owned())
            }
            None => (
                format!(
                    "(WITH RECURSIVE n(n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM n WHERE n < {last}) SELECT n FROM n) n"
                ),
                "printf('%08x', n)".to_owned(),
            ),
        };
        // Each number's digits backwards: neighbours lie far apart.
        let mixed = hex
            .replace("(n)", "(n * 2654435761 % 4294967296)")
            .replace(", n)", ", n * 2654435761 % 4294967296)");
        side.raw(&format!(
            "INSERT INTO content (index_id, hash, task_id) SELECT '{index}', {mixed} || {mixed} || {hex} || '0123456789abcdef0123456789abcdef01234567', \
             '{}' FROM {numbers}",
            holder.task
        ))
        .await;
    }
    side.settle().await;
    let known = timed(RUNS, |run| hold(side, &other, known(run as u64 * (rows / RUNS as u64)), true)).await;
    let taken =
        timed(RUNS, |run| hold(side, &other, format!("{}new", known_start(run as u64 * 7_919)), false)).await;
    println!("| {} | {rows} | {} | {} |", side.name, shown(&known), shown(&taken));
}

fn known_start(number: u64) -> String {
    format!("{:08x}", number.wrapping_mul(2_654_435_761) % 4_294_967_296)
}

fn known(number: u64) -> String {
    let start = known_start(number);
    format!("{start}{start}{number:08x}0123456789abcdef0123456789abcdef01234567")
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
