//! What every queue must do; the table's is the first.

use std::sync::Arc;
use std::time::Duration;

use telecine::queue::{Queue, Stale, TableQueue};
use telecine::time::Timestamp;

use crate::store::lab::{LEASE, Lab};

fn queue(lab: &Lab) -> Arc<dyn Queue> {
    Arc::new(TableQueue::new(lab.store.clone()))
}

/// Whether a wait ends soon.
async fn wakes(queue: &Arc<dyn Queue>) -> bool {
    tokio::time::timeout(Duration::from_millis(100), queue.wait()).await.is_ok()
}

#[tokio::test]
async fn a_task_is_lent_extended_and_lent_anew_when_the_lease_ends() {
    let lab = Lab::sqlite().await;
    let queue = queue(&lab);
    assert_eq!(queue.claim(lab.now(), LEASE).await.unwrap(), None);
    assert_eq!(queue.next_due().await.unwrap(), None);
    let task = lab.task(lab.index("films").await, "a.mp4").await;
    assert_eq!(queue.next_due().await.unwrap(), Some(lab.now()));

    let first = queue.claim(lab.now(), LEASE).await.unwrap().unwrap();
    assert_eq!((first.task, first.lease_until), (task, lab.now().after(LEASE)));
    let until: Timestamp = first.lease_until.after(LEASE);
    assert_eq!(queue.extend(&first, until).await.unwrap(), Ok(()));
    assert_eq!(queue.claim(first.lease_until, LEASE).await.unwrap(), None);
    assert_eq!(queue.next_due().await.unwrap(), Some(until));

    let second = queue.claim(until, LEASE).await.unwrap().unwrap();
    assert!(second.task == task && second.fence > first.fence);
    assert_eq!(queue.extend(&first, until).await.unwrap(), Err(Stale));
}

#[tokio::test]
async fn whoever_waits_is_woken() {
    let queue = queue(&Lab::sqlite().await);
    let sleepers: Vec<_> = (0..3)
        .map(|_| {
            let queue = queue.clone();
            tokio::spawn(async move { queue.wait().await })
        })
        .collect();
    while sleepers.iter().any(|sleeper| !sleeper.is_finished()) {
        tokio::task::yield_now().await;
        queue.wake();
    }
}

#[tokio::test]
async fn news_that_came_before_the_wait_is_not_missed() {
    let queue = queue(&Lab::sqlite().await);
    queue.wake();
    assert!(wakes(&queue).await);
    assert!(!wakes(&queue).await, "it is told once");
}
