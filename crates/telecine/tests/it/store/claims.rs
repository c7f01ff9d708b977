//! Claims: each task is lent to one worker at a time, in a fair order, and never lost.

use std::collections::HashSet;
use std::time::Duration;

use telecine::fault::Code;
use telecine::ids::TaskId;
use telecine::store::TaskChange;
use telecine::transfer::{Counts, Event, MAX_CRASHES, Status};

use super::lab::{LEASE, Lab, failed};

super::conformance!(
    nothing_is_lent_when_nothing_waits,
    tasks_are_lent_in_the_order_in_which_they_came,
    a_task_is_lent_to_one_worker,
    a_lease_that_ends_frees_the_task_and_makes_the_claim_stale,
    an_extended_lease_holds,
    a_final_task_is_not_lent_again,
    a_postponed_task_waits_and_says_why,
    a_released_task_goes_on_before_those_that_never_began,
    transfers_and_single_tasks_take_turns,
    a_postponed_transfer_does_not_hold_up_another,
    broken_claims_are_stale_and_their_tasks_due,
    a_task_that_was_in_hand_in_every_crash_is_given_up,
    the_next_due_is_told,
    an_event_that_does_not_fit_changes_nothing,
    a_claim_on_a_task_that_is_gone_is_stale,
);

async fn nothing_is_lent_when_nothing_waits(lab: &Lab) {
    assert_eq!(lab.claim().await, None);
    assert_eq!(lab.store.next_due().await.unwrap(), None);
    assert_eq!(lab.store.break_claims(lab.now()).await.unwrap(), 0);
}

async fn tasks_are_lent_in_the_order_in_which_they_came(lab: &Lab) {
    let index = lab.index("films").await;
    let mut tasks = Vec::new();
    for key in ["a", "b", "c"] {
        tasks.push(lab.task(index, key).await);
    }
    assert_eq!(lab.claim_all().await, tasks);
}

async fn a_task_is_lent_to_one_worker(lab: &Lab) {
    let index = lab.index("films").await;
    let keys: Vec<String> = (0..40).map(|number| format!("{number}.mp4")).collect();
    let (_, tasks) = lab.transfer(index, &keys.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let worker = || async {
        let mut mine = Vec::new();
        while let Some(claim) = lab.claim().await {
            mine.push(claim.task);
        }
        mine
    };
    let lent = tokio::join!(worker(), worker(), worker(), worker());
    let lent: Vec<TaskId> = [lent.0, lent.1, lent.2, lent.3].concat();
    assert_eq!(lent.len(), tasks.len(), "none twice");
    assert_eq!(lent.into_iter().collect::<HashSet<_>>(), tasks.into_iter().collect());
}

async fn a_lease_that_ends_frees_the_task_and_makes_the_claim_stale(lab: &Lab) {
    let index = lab.index("films").await;
    let (transfer, tasks) = lab.transfer(index, &["a.mp4"]).await;
    let first = lab.claim_of(tasks[0]).await;
    assert_eq!(first.lease_until, lab.now().after(LEASE));
    lab.happens(&first, Event::Admitted).await;
    lab.clock.advance(LEASE - Duration::from_millis(1));
    assert_eq!(lab.claim().await, None);
    lab.clock.advance(Duration::from_millis(1));
    assert!(!lab.is_stale(&first).await, "nobody has taken it yet");
    lab.store.extend_claim(&first, lab.now()).await.unwrap().unwrap();

    let second = lab.claim_of(tasks[0]).await;
    assert!(second.fence > first.fence);
    assert!(lab.is_stale(&first).await);
    assert!(!lab.is_stale(&second).await);
    let task = lab.task_now(tasks[0]).await;
    assert_eq!(task.attempts, 2);
    let counts = lab.transfer_now(transfer).await.counts;
    assert_eq!((counts.total(), counts.finished()), (1, 0));
}

async fn an_extended_lease_holds(lab: &Lab) {
    let index = lab.index("films").await;
    let task = lab.task(index, "a.mp4").await;
    let claim = lab.claim_of(task).await;
    let until = claim.lease_until.after(LEASE);
    assert_eq!(lab.store.extend_claim(&claim, until).await.unwrap(), Ok(()));
    lab.clock.advance(LEASE);
    assert_eq!(lab.claim().await, None);
    assert_eq!(lab.store.next_due().await.unwrap(), Some(until));
}

async fn a_final_task_is_not_lent_again(lab: &Lab) {
    let index = lab.index("films").await;
    let task = lab.task(index, "a.mp4").await;
    let claim = lab.claim_of(task).await;
    lab.happens(&claim, failed(Code::VideoFileBroken)).await;
    assert!(lab.is_stale(&claim).await, "the work has ended");
    lab.clock.advance(LEASE * 2);
    assert_eq!(lab.claim().await, None);
    let task = lab.task_now(task).await;
    assert_eq!(task.status, Status::Failed);
    assert_eq!(task.fault.unwrap().code, Code::VideoFileBroken);
}

async fn a_postponed_task_waits_and_says_why(lab: &Lab) {
    let index = lab.index("films").await;
    let task = lab.task(index, "a.mp4").await;
    let claim = lab.claim_of(task).await;
    let until = lab.now().after(Duration::from_secs(10));
    let reason = "The store asks to go slower.".to_owned();
    lab.happens(&claim, Event::Postponed { until, reason: reason.clone() }).await;
    let told = lab.task_now(task).await;
    assert_eq!((told.status, told.waiting_for), (Status::Pending, Some(reason)));
    assert!(lab.is_stale(&claim).await);
    assert_eq!(lab.claim().await, None);
    assert_eq!(lab.store.next_due().await.unwrap(), Some(until));
    lab.clock.advance(Duration::from_secs(10));
    lab.claim_of(task).await;
    let told = lab.task_now(task).await;
    assert_eq!((told.status, told.waiting_for, told.attempts), (Status::Validating, None, 2));
}

async fn a_released_task_goes_on_before_those_that_never_began(lab: &Lab) {
    let index = lab.index("films").await;
    let first = lab.task(index, "a.mp4").await;
    lab.tick();
    lab.task(index, "b.mp4").await;
    let claim = lab.claim_of(first).await;
    lab.happens(&claim, Event::IndexingStarted).await;
    lab.tick();
    lab.happens(&claim, Event::Released).await;
    assert!(lab.is_stale(&claim).await);
    assert_eq!(lab.status(first).await, Status::Validating);
    let again = lab.claim_of(first).await;
    assert!(again.fence > claim.fence);
}

async fn transfers_and_single_tasks_take_turns(lab: &Lab) {
    let index = lab.index("films").await;
    let (_, large) = lab.transfer(index, &["1", "2", "3", "4", "5"]).await;
    let before = [lab.claim().await.unwrap().task, lab.claim().await.unwrap().task];
    assert_eq!(before, large[..2]);
    let (_, small) = lab.transfer(index, &["6", "7"]).await;
    let single = lab.task(index, "8").await;
    let order = lab.claim_all().await;
    assert_eq!(order.len(), 6);
    let mut first: Vec<TaskId> = order[..3].to_vec();
    first.sort();
    assert_eq!(first, [large[2], small[0], single], "each in its turn, whatever came first");
    assert!(order[3..5].contains(&small[1]), "{order:?}");
}

async fn a_postponed_transfer_does_not_hold_up_another(lab: &Lab) {
    let index = lab.index("films").await;
    let (_, waiting) = lab.transfer(index, &["1"]).await;
    let claim = lab.claim_of(waiting[0]).await;
    let until = lab.now().after(Duration::from_secs(3_600));
    lab.happens(&claim, Event::Postponed { until, reason: String::new() }).await;
    let (_, others) = lab.transfer(index, &["2", "3"]).await;
    assert_eq!(lab.claim_all().await, others);
}

async fn broken_claims_are_stale_and_their_tasks_due(lab: &Lab) {
    let index = lab.index("films").await;
    let (transfer, tasks) = lab.transfer(index, &["1", "2", "3"]).await;
    let (one, two) = (lab.claim_of(tasks[0]).await, lab.claim_of(tasks[1]).await);
    lab.happens(&one, Event::Admitted).await;
    lab.happens(&two, Event::Admitted).await;
    lab.happens(&two, Event::IndexingStarted).await;
    assert_eq!(lab.store.break_claims(lab.tick()).await.unwrap(), 2);
    assert!(lab.is_stale(&one).await && lab.is_stale(&two).await);
    let counts = lab.transfer_now(transfer).await.counts;
    assert_eq!(counts, Counts { validating: 3, ..Counts::default() });
    assert_eq!(lab.claim_all().await, tasks);
}

async fn a_task_that_was_in_hand_in_every_crash_is_given_up(lab: &Lab) {
    let index = lab.index("films").await;
    let (transfer, tasks) = lab.transfer(index, &["culprit.mp4", "bystander.mp4"]).await;
    for crash in 1..=MAX_CRASHES {
        assert_eq!(lab.task_now(tasks[0]).await.status, Status::Validating, "before crash {crash}");
        let (culprit, bystander) = (lab.claim_of(tasks[0]).await, lab.claim_of(tasks[1]).await);
        let fetched = TaskChange { content_hash: Some("b3".into()), ..Event::Admitted.into() };
        lab.changes(&culprit, fetched).await;
        lab.happens(&culprit, Event::IndexingStarted).await;
        if crash == 3 {
            // It was given back in good order once: then it begins to be counted anew.
            lab.happens(&bystander, Event::Released).await;
        }
        assert_eq!(lab.store.break_claims(lab.tick()).await.unwrap(), if crash == 3 { 1 } else { 2 });
    }
    let culprit = lab.task_now(tasks[0]).await;
    assert_eq!(culprit.status, Status::Failed);
    assert_eq!(culprit.fault.unwrap().code, Code::TaskCrashedServer);
    assert_eq!(lab.task_now(tasks[1]).await.status, Status::Validating);
    let counts = lab.transfer_now(transfer).await.counts;
    assert_eq!(counts, Counts { validating: 1, failed: 1, ..Counts::default() });

    // Whoever retries it gives it as many tries again.
    lab.store.retry_transfer(lab.workspace, transfer, None, lab.tick()).await.unwrap();
    lab.claim_all().await;
    lab.store.break_claims(lab.tick()).await.unwrap();
    assert_eq!(lab.task_now(tasks[0]).await.status, Status::Validating);
}

async fn the_next_due_is_told(lab: &Lab) {
    let index = lab.index("films").await;
    let task = lab.task(index, "a.mp4").await;
    assert_eq!(lab.store.next_due().await.unwrap(), Some(lab.now()));
    let claim = lab.claim_of(task).await;
    assert_eq!(lab.store.next_due().await.unwrap(), Some(claim.lease_until));
    lab.tick();
    lab.transfer(index, &["b.mp4"]).await;
    assert_eq!(lab.store.next_due().await.unwrap(), Some(lab.now()));
    lab.claim().await.unwrap();
    lab.happens(&claim, failed(Code::VideoFileBroken)).await;
    assert_eq!(lab.store.next_due().await.unwrap(), Some(lab.now().after(LEASE)));
}

async fn an_event_that_does_not_fit_changes_nothing(lab: &Lab) {
    let index = lab.index("films").await;
    let task = lab.task(index, "a.mp4").await;
    let claim = lab.claim_of(task).await;
    let before = lab.task_now(task).await;
    for event in [Event::Claimed, Event::Retried, Event::Published] {
        let error = lab.store.change_task(&claim, &event.into(), lab.tick()).await.unwrap_err();
        assert!(error.as_fault().is_none(), "ours, not the user's");
    }
    assert_eq!(lab.task_now(task).await, before);
    assert!(!lab.is_stale(&claim).await);
}

async fn a_claim_on_a_task_that_is_gone_is_stale(lab: &Lab) {
    let index = lab.index("films").await;
    let task = lab.task(index, "a.mp4").await;
    let claim = lab.claim_of(task).await;
    lab.happens(&claim, failed(Code::VideoFileBroken)).await;
    lab.store.delete_task(lab.workspace, task).await.unwrap();
    assert!(lab.is_stale(&claim).await);
}
