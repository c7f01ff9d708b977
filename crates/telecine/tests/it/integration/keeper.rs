//! The keeper's frame: duties that fail, panic or hang are alone with it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures::FutureExt;
use telecine::integration::keeper::{Duty, keep};

use crate::http::lab::Lab;

const PATIENCE: Duration = Duration::from_secs(30);
const LONG: Duration = Duration::from_secs(3600);

static FAILED: AtomicU32 = AtomicU32::new(0);
static PANICKED: AtomicU32 = AtomicU32::new(0);
static HUNG: AtomicU32 = AtomicU32::new(0);
static CUT_SHORT: AtomicU32 = AtomicU32::new(0);
static DONE: AtomicU32 = AtomicU32::new(0);

fn count(counter: &AtomicU32) {
    counter.fetch_add(1, Ordering::SeqCst);
}

struct Cut;

impl Drop for Cut {
    fn drop(&mut self) {
        count(&CUT_SHORT);
    }
}

fn duties() -> Vec<Duty> {
    vec![
        Duty {
            name: "fail",
            limit: LONG,
            run: |_, _| {
                async {
                    count(&FAILED);
                    Err(anyhow::anyhow!("the disk is full").into())
                }
                .boxed()
            },
        },
        Duty {
            name: "panic",
            limit: LONG,
            run: |_, _| {
                async {
                    count(&PANICKED);
                    panic!("a duty that panics, as it should in this test")
                }
                .boxed()
            },
        },
        Duty {
            name: "hang",
            limit: Duration::from_millis(20),
            run: |_, _| {
                async {
                    let _cut = Cut;
                    count(&HUNG);
                    std::future::pending().await
                }
                .boxed()
            },
        },
        Duty {
            name: "do well",
            limit: LONG,
            run: |_, _| {
                async {
                    count(&DONE);
                    Ok(())
                }
                .boxed()
            },
        },
    ]
}

async fn until(what: &str, counter: &AtomicU32, at_least: u32) {
    let reached = async {
        while counter.load(Ordering::SeqCst) < at_least {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(PATIENCE, reached).await.unwrap_or_else(|_| panic!("not {what} {at_least} times"));
}

#[tokio::test]
async fn a_duty_that_fails_panics_or_hangs_stops_no_other_and_all_end_with_the_server() {
    let lab = Lab::start().await;
    // Only woken: an hour passes in no test.
    let keeping = tokio::spawn(keep(Arc::clone(&lab.app), duties(), LONG));
    for times in 1..=3 {
        until("cut short", &CUT_SHORT, times).await;
        let asked = [("failed", &FAILED), ("panicked", &PANICKED), ("hung", &HUNG), ("done", &DONE)];
        for (what, counter) in asked {
            until(what, counter, times).await;
        }
        lab.app.keeper.wake();
    }
    lab.app.stopping.cancel();
    tokio::time::timeout(PATIENCE, keeping).await.expect("it ends with the server").unwrap();
}

#[tokio::test]
async fn duties_are_asked_again_after_a_while_without_being_woken() {
    static ASKED: AtomicU32 = AtomicU32::new(0);
    let lab = Lab::start().await;
    let run: for<'a> fn(&'a _, _) -> _ = |_, _| {
        async {
            count(&ASKED);
            Ok(())
        }
        .boxed()
    };
    let duty = Duty { name: "count", limit: LONG, run };
    let keeping = tokio::spawn(keep(Arc::clone(&lab.app), vec![duty], Duration::from_millis(5)));
    until("asked", &ASKED, 3).await;
    lab.app.stopping.cancel();
    keeping.await.unwrap();
}
