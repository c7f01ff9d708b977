//! Every queue lends each task to one worker at a time, in a fair order, and loses none, whatever becomes of the workers.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use telecine::fault::Code;
use telecine::ids::TaskId;
use telecine::queue::{Queue, Stale};
use telecine::transfer::{Event, MAX_CRASHES, Status};

use super::house::House;
use crate::store::lab::{LEASE, Lab, failed};

/// Runs the named tests, each an `async fn(&House)`, on every kind of queue over every kind of store.
macro_rules! conformance {
    ($($test:ident),* $(,)?) => {
        conformance!(@ of_the_table, table, sqlite, $($test),*);
        conformance!(@ of_the_stream, stream, sqlite, $($test),*);
        conformance!(@ of_the_table_on_postgres, table, postgres, $($test),*);
        conformance!(@ of_the_stream_on_postgres, stream, postgres, $($test),*);
    };
    (@ $module:ident, $queue:ident, $store:ident, $($test:ident),*) => {
        mod $module {
            $(
                #[tokio::test]
                async fn $test() {
                    super::$test(&super::House::$queue(super::Lab::$store().await).await).await;
                }
            )*
        }
    };
}

conformance!(
    nothing_is_lent_when_nothing_waits,
    tasks_are_lent_in_the_order_in_which_they_came,
    a_task_is_lent_to_one_of_many_workers,
    a_task_is_lent_extended_and_lent_anew_when_the_lease_ends,
    whoever_is_stale_changes_nothing_for_the_next,
    what_is_over_is_not_lent_again,
    a_postponed_task_waits_for_its_time,
    a_released_task_may_be_had_at_once,
    a_paused_transfer_waits_and_goes_on,
    a_cancelled_transfer_is_lent_no_more,
    what_failed_is_lent_again_when_it_is_retried,
    the_tasks_of_a_worker_that_vanished_go_to_another,
    a_task_with_which_workers_vanish_is_given_up_and_can_be_retried,
    a_large_transfer_holds_up_neither_a_small_one_nor_a_single_task,
    single_tasks_do_not_keep_a_transfer_waiting,
    workspaces_take_turns_whatever_the_number_of_their_transfers,
    the_next_due_is_told,
    whoever_waits_is_woken,
    news_that_came_before_the_wait_is_not_missed,
);

async fn nothing_is_lent_when_nothing_waits(house: &House) {
    assert_eq!(house.claim().await, None);
    assert_eq!(house.queue.next_due().await.unwrap(), None);
    house.queue.close().await;
}

async fn tasks_are_lent_in_the_order_in_which_they_came(house: &House) {
    let index = house.lab.index("films").await;
    let keys: Vec<String> = (0..30).map(|number| format!("{number}.mp4")).collect();
    let (_, tasks) = house.lab.transfer(index, &keys.iter().map(String::as_str).collect::<Vec<_>>()).await;
    assert_eq!(house.claim_all().await, tasks);
}

async fn a_task_is_lent_to_one_of_many_workers(house: &House) {
    let index = house.lab.index("films").await;
    let keys: Vec<String> = (0..200).map(|number| format!("{number}.mp4")).collect();
    let (transfer, tasks) =
        house.lab.transfer(index, &keys.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let queues = [house.queue.clone(), house.another_queue().await, house.another_queue().await];
    let now = house.lab.now();
    let workers = (0..12).map(|number| {
        let queue: Arc<dyn Queue> = queues[number % queues.len()].clone();
        let (store, total) = (house.lab.store.clone(), tasks.len() as u64);
        let workspace = house.lab.workspace;
        tokio::spawn(async move {
            let mut mine = Vec::new();
            loop {
                match queue.claim(now, LEASE).await.unwrap() {
                    Some(claim) => {
                        mine.push(claim.task);
                        let change = failed(Code::VideoFileBroken).into();
                        assert_eq!(store.change_task(&claim, &change, now).await.unwrap(), Ok(()));
                        queue.done(&claim).await;
                    }
                    None if store.transfer(workspace, transfer).await.unwrap().unwrap().counts.failed
                        == total =>
                    {
                        return mine;
                    }
                    None => tokio::time::sleep(Duration::from_millis(5)).await,
                }
            }
        })
    });
    let lent: Vec<TaskId> =
        futures::future::join_all(workers).await.into_iter().flat_map(Result::unwrap).collect();
    assert_eq!(lent.len(), tasks.len(), "none twice");
    assert_eq!(lent.into_iter().collect::<HashSet<_>>(), tasks.into_iter().collect());
    assert_eq!(house.claim().await, None);
}

async fn a_task_is_lent_extended_and_lent_anew_when_the_lease_ends(house: &House) {
    let task = house.lab.task(house.lab.index("films").await, "a.mp4").await;
    let first = house.next().await;
    assert_eq!((first.task, first.lease_until), (task, house.lab.now().after(LEASE)));
    let until = first.lease_until.after(LEASE);
    assert_eq!(house.queue.extend(&first, until).await.unwrap(), Ok(()));
    house.lab.clock.advance(LEASE);
    assert_eq!(house.claim().await, None, "it was extended");
    house.lab.clock.advance(LEASE);
    let second = house.next().await;
    assert!(second.task == task && second.fence > first.fence);
    assert_eq!(house.queue.extend(&first, until.after(LEASE)).await.unwrap(), Err(Stale));
    assert_eq!(house.queue.extend(&second, until.after(LEASE)).await.unwrap(), Ok(()));
}

async fn whoever_is_stale_changes_nothing_for_the_next(house: &House) {
    let task = house.lab.task(house.lab.index("films").await, "a.mp4").await;
    let first = house.next().await;
    house.lab.clock.advance(LEASE);
    let second = house.next().await;
    // It comes back and believes that it has done it all.
    assert!(house.lab.is_stale(&first).await);
    house.queue.done(&first).await;
    house.queue.give_back(&first).await;
    assert_eq!(house.claim().await, None, "the second has it");
    assert_eq!(house.lab.status(task).await, Status::Validating);
    // And though the first took the message away, the task goes on when the second vanishes.
    house.lab.clock.advance(LEASE);
    let third = house.next().await;
    assert!(third.task == task && third.fence > second.fence);
    house.ends(&third, failed(Code::VideoFileBroken)).await;
    assert_eq!(house.lab.status(task).await, Status::Failed);
}

async fn what_is_over_is_not_lent_again(house: &House) {
    let task = house.lab.task(house.lab.index("films").await, "a.mp4").await;
    let claim = house.next().await;
    house.ends(&claim, failed(Code::VideoFileBroken)).await;
    assert_eq!(house.claim().await, None);
    house.lab.clock.advance(LEASE * 100);
    assert_eq!(house.claim().await, None);
    assert_eq!(house.lab.status(task).await, Status::Failed);
}

async fn a_postponed_task_waits_for_its_time(house: &House) {
    let index = house.lab.index("films").await;
    let (_, tasks) = house.lab.transfer(index, &["a.mp4", "b.mp4"]).await;
    let first = house.next().await;
    let until = house.lab.now().after(Duration::from_secs(10));
    house.ends(&first, Event::Postponed { until, reason: "busy".to_owned() }).await;
    assert_eq!(house.next().await.task, tasks[1]);
    assert_eq!(house.claim().await, None);
    assert_eq!(house.queue.next_due().await.unwrap(), Some(until));
    house.lab.clock.advance(Duration::from_secs(10));
    assert_eq!(house.next().await.task, tasks[0]);
}

async fn a_released_task_may_be_had_at_once(house: &House) {
    let index = house.lab.index("films").await;
    let first = house.lab.task(index, "a.mp4").await;
    let second = house.lab.task(index, "b.mp4").await;
    let claim = house.next().await;
    assert_eq!(claim.task, first);
    house.ends(&claim, Event::Released).await;
    // By another process, too, and without waiting for a lease.
    let other = house.another_queue().await;
    let mut lent = HashSet::new();
    for _ in 0..2 {
        lent.insert(house.claim_through(&other).await.expect("both are due").task);
    }
    assert_eq!(lent, HashSet::from([first, second]));
    assert_eq!(house.claim().await, None);
}

async fn a_paused_transfer_waits_and_goes_on(house: &House) {
    let index = house.lab.index("films").await;
    let (transfer, tasks) = house.lab.transfer(index, &["a.mp4", "b.mp4", "c.mp4"]).await;
    let claim = house.next().await;
    house.lab.store.pause_transfer(house.lab.workspace, transfer, house.lab.now()).await.unwrap();
    assert_eq!(house.claim().await, None, "what is offered already is not lent");
    let until = claim.lease_until.after(LEASE);
    assert_eq!(house.queue.extend(&claim, until).await.unwrap(), Ok(()), "what is in hand stays so");
    house.lab.store.resume_transfer(house.lab.workspace, transfer, house.lab.now()).await.unwrap();
    assert_eq!(house.claim_all().await, tasks[1..]);
}

async fn a_cancelled_transfer_is_lent_no_more(house: &House) {
    let index = house.lab.index("films").await;
    let (transfer, _) = house.lab.transfer(index, &["a.mp4", "b.mp4", "c.mp4"]).await;
    let claim = house.next().await;
    house.lab.store.cancel_transfer(house.lab.workspace, transfer, house.lab.now()).await.unwrap();
    assert_eq!(house.claim().await, None);
    assert_eq!(house.queue.extend(&claim, house.lab.now().after(LEASE)).await.unwrap(), Err(Stale));
    house.queue.done(&claim).await;
    assert_eq!(house.lab.transfer_now(transfer).await.counts.failed, 3);
}

async fn what_failed_is_lent_again_when_it_is_retried(house: &House) {
    let index = house.lab.index("films").await;
    let (transfer, tasks) = house.lab.transfer(index, &["a.mp4", "b.mp4"]).await;
    let claim = house.next().await;
    house.lab.store.cancel_transfer(house.lab.workspace, transfer, house.lab.now()).await.unwrap();
    house.queue.done(&claim).await;
    assert_eq!(house.claim().await, None);
    house.lab.store.retry_transfer(house.lab.workspace, transfer, None, house.lab.tick()).await.unwrap();
    let lent: HashSet<TaskId> = house.claim_all().await.into_iter().collect();
    assert_eq!(lent, tasks.into_iter().collect(), "also what was offered when it was cancelled");
}

async fn the_tasks_of_a_worker_that_vanished_go_to_another(house: &House) {
    let index = house.lab.index("films").await;
    let (transfer, tasks) = house.lab.transfer(index, &["a.mp4", "b.mp4", "c.mp4"]).await;
    let vanishing = house.another_queue().await;
    for _ in 0..2 {
        house.claim_through(&vanishing).await.unwrap();
    }
    drop(vanishing);
    house.lab.clock.advance(LEASE - Duration::from_millis(1));
    let mut lent = house.claim_all().await;
    assert_eq!(lent, [tasks[2]], "the leases hold");
    house.lab.clock.advance(Duration::from_millis(1));
    lent.extend(house.claim_all().await);
    assert_eq!(lent.len(), 3);
    assert_eq!(lent.into_iter().collect::<HashSet<_>>(), tasks.into_iter().collect());
    assert_eq!(house.lab.transfer_now(transfer).await.counts.total(), 3);
}

async fn a_task_with_which_workers_vanish_is_given_up_and_can_be_retried(house: &House) {
    let index = house.lab.index("films").await;
    let (transfer, tasks) = house.lab.transfer(index, &["poison.mp4"]).await;
    for attempt in 1..=MAX_CRASHES {
        assert_eq!(house.next().await.task, tasks[0], "attempt {attempt}");
        house.lab.clock.advance(LEASE);
    }
    assert_eq!(house.claim().await, None, "that was once too often");
    let task = house.lab.task_now(tasks[0]).await;
    assert_eq!((task.status, task.fault.unwrap().code), (Status::Failed, Code::TaskCrashedServer));
    assert_eq!(house.lab.transfer_now(transfer).await.counts.failed, 1);
    let code = Some(Code::TaskCrashedServer.as_str());
    let retried = house.lab.store.retry_transfer(house.lab.workspace, transfer, code, house.lab.tick()).await;
    assert_eq!(retried.unwrap(), Some(1));
    assert_eq!(house.next().await.task, tasks[0]);
}

async fn a_large_transfer_holds_up_neither_a_small_one_nor_a_single_task(house: &House) {
    let index = house.lab.index("films").await;
    let keys: Vec<String> = (0..200).map(|number| format!("{number}.mp4")).collect();
    house.lab.transfer(index, &keys.iter().map(String::as_str).collect::<Vec<_>>()).await;
    house.next().await;
    house.next().await;
    let (_, mut late) = house.lab.transfer(index, &["small-1.mp4", "small-2.mp4"]).await;
    late.push(house.lab.task(index, "single.mp4").await);
    house.told().await;
    let mut next = Vec::new();
    for _ in 0..24 {
        next.push(house.next().await.task);
    }
    assert!(late.iter().all(|task| next.contains(task)), "none waits for the 200");
    let single = next.iter().position(|task| *task == late[2]).unwrap();
    assert!(single < 3, "somebody waits for it: {single}");
}

async fn single_tasks_do_not_keep_a_transfer_waiting(house: &House) {
    let index = house.lab.index("films").await;
    for number in 0..40 {
        house.lab.task(index, &format!("single-{number}.mp4")).await;
    }
    let (_, tasks) = house.lab.transfer(index, &["a.mp4", "b.mp4", "c.mp4", "d.mp4"]).await;
    house.told().await;
    let mut theirs = Vec::new();
    for turn in 0..40 {
        if tasks.contains(&house.next().await.task) {
            theirs.push(turn);
        }
    }
    // A relay of a stream that looked at the table between the two put single tasks alone into it; from then on they alternate.
    assert!(theirs.len() == 4 && theirs[0] < 24, "they begin soon: {theirs:?}");
    assert!(theirs[3] - theirs[0] <= 8, "single tasks have every second turn at most: {theirs:?}");
}

async fn workspaces_take_turns_whatever_the_number_of_their_transfers(house: &House) {
    let (loud, quiet) = (house.lab.index("films").await, house.lab.index_of_another("theirs").await);
    for transfer in 0..10 {
        let keys: Vec<String> = (0..20).map(|number| format!("{transfer}-{number}.mp4")).collect();
        house.lab.transfer(loud, &keys.iter().map(String::as_str).collect::<Vec<_>>()).await;
    }
    let keys: Vec<String> = (0..20).map(|number| format!("q{number}.mp4")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let (_, theirs) = house.lab.transfer_of(quiet.workspace, quiet.id, &keys).await;
    // A relay of a stream that looked at the table before put some of the loud ones into it; from then on they take turns.
    let mut before = 0;
    while !theirs.contains(&house.next().await.task) {
        before += 1;
        assert!(before < 40, "they begin soon");
    }
    let mut next = Vec::new();
    for _ in 0..28 {
        next.push(house.next().await.task);
    }
    let had = next.iter().filter(|task| theirs.contains(task)).count();
    assert!((10..=18).contains(&had), "one of two turns, not one of eleven: {had} of 28, after {before}");
}

async fn the_next_due_is_told(house: &House) {
    let index = house.lab.index("films").await;
    house.lab.task(index, "a.mp4").await;
    assert_eq!(house.queue.next_due().await.unwrap(), Some(house.lab.now()));
    let claim = house.next().await;
    assert_eq!(house.queue.next_due().await.unwrap(), Some(claim.lease_until));
}

async fn whoever_waits_is_woken(house: &House) {
    let sleepers: Vec<_> = (0..3)
        .map(|_| {
            let queue = house.queue.clone();
            tokio::spawn(async move { queue.wait().await })
        })
        .collect();
    while sleepers.iter().any(|sleeper| !sleeper.is_finished()) {
        tokio::task::yield_now().await;
        house.queue.wake();
    }
}

async fn news_that_came_before_the_wait_is_not_missed(house: &House) {
    let wakes =
        || async { tokio::time::timeout(Duration::from_millis(100), house.queue.wait()).await.is_ok() };
    house.queue.wake();
    assert!(wakes().await);
    assert!(!wakes().await, "it is told once");
}
