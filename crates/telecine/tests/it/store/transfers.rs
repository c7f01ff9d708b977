//! Transfers: all or nothing, counted right at every moment.

use telecine::fault::{Code, Fault};
use telecine::store::TaskFilter;
use telecine::transfer::{Counts, Event, Status, TransferState};

use super::lab::{FIRST_PAGE, Lab};

super::conformance!(
    an_accepted_transfer_is_there_with_all_its_tasks,
    a_transfer_that_is_received_is_not_there,
    cancelling_fails_what_is_not_final_and_makes_claims_stale,
    retrying_takes_failed_tasks_up_again,
);

async fn an_accepted_transfer_is_there_with_all_its_tasks(lab: &Lab) {
    let index = lab.index("films").await;
    let (id, tasks) = lab.transfer(index, &["a.mp4", "b.mp4", "a.mp4"]).await;
    let transfer = lab.transfer_now(id).await;
    assert_eq!(transfer.state, TransferState::Accepted);
    assert_eq!(transfer.counts, Counts { validating: 2, ..Counts::default() });
    assert_eq!(transfer.repeated, 1);
    assert_eq!(transfer.ended_at, None);
    let reported = lab.store.tasks_after(id, None, 10).await.unwrap();
    assert_eq!(reported.iter().map(|task| task.id).collect::<Vec<_>>(), tasks[..2]);
    assert_eq!(reported[0], lab.task_now(tasks[0]).await);
}

async fn a_transfer_that_is_received_is_not_there(lab: &Lab) {
    let index = lab.index("films").await;
    let id = lab.receiving().await;
    let task = lab.new_task(index, "a.mp4");
    lab.store.add_tasks(id, std::slice::from_ref(&task), lab.now()).await.unwrap();
    assert_eq!(lab.store.transfer(lab.workspace, id).await.unwrap(), None);
    assert_eq!(lab.store.transfers(lab.workspace, FIRST_PAGE).await.unwrap().total, 0);
    assert_eq!(lab.store.task(lab.workspace, task.id).await.unwrap(), None);
    let listed = lab.store.tasks(lab.workspace, &TaskFilter::default(), FIRST_PAGE).await.unwrap();
    assert_eq!(listed.total, 0);
    assert_eq!(lab.claim().await, None);
    assert_eq!(lab.store.next_due().await.unwrap(), None);

    assert_eq!(lab.store.discard_unfinished_transfers().await.unwrap(), 1);
    lab.store.accept_transfer(id, lab.now()).await.expect_err("it is gone");
    assert_eq!(lab.claim().await, None);
}

async fn cancelling_fails_what_is_not_final_and_makes_claims_stale(lab: &Lab) {
    let index = lab.index("films").await;
    let (id, tasks) = lab.transfer(index, &["a.mp4", "b.mp4", "c.mp4"]).await;
    let done = lab.claim_of(tasks[0]).await;
    let failed = Event::Failed(Box::new(Fault::new(Code::VideoFileBroken)));
    lab.store.change_task(&done, &failed.into(), lab.now()).await.unwrap().unwrap();
    let busy = lab.claim_of(tasks[1]).await;

    assert_eq!(lab.store.cancel_transfer(lab.workspace, id, lab.tick()).await.unwrap(), Some(2));
    let transfer = lab.transfer_now(id).await;
    assert_eq!(transfer.state, TransferState::Cancelled);
    assert_eq!(transfer.counts, Counts { failed: 3, ..Counts::default() });
    assert_eq!(transfer.ended_at, Some(lab.now()));
    assert!(lab.store.claimed_task(&busy).await.unwrap().is_err(), "the claim is stale");
    assert!(lab.store.extend_claim(&busy, lab.now()).await.unwrap().is_err());
    assert_eq!(lab.claim().await, None);
    assert_eq!(
        lab.store.fault_counts(id).await.unwrap(),
        [("task_cancelled".to_owned(), 2), ("video_file_broken".to_owned(), 1)]
    );
}

async fn retrying_takes_failed_tasks_up_again(lab: &Lab) {
    let index = lab.index("films").await;
    let (id, tasks) = lab.transfer(index, &["a.mp4", "b.mp4"]).await;
    for code in [Code::VideoFileBroken, Code::ObjectNotExists] {
        let claim = lab.claim().await.unwrap();
        let failed = Event::Failed(Box::new(Fault::new(code)));
        lab.store.change_task(&claim, &failed.into(), lab.now()).await.unwrap().unwrap();
    }
    assert_eq!(lab.transfer_now(id).await.ended_at, Some(lab.now()));

    let retry = lab.store.retry_transfer(lab.workspace, id, Some("object_not_exists"), lab.tick());
    assert_eq!(retry.await.unwrap(), Some(1));
    let transfer = lab.transfer_now(id).await;
    assert_eq!(transfer.counts, Counts { validating: 1, failed: 1, ..Counts::default() });
    assert_eq!(transfer.ended_at, None);
    let task = lab.task_now(tasks[1]).await;
    assert_eq!((task.status, task.fault, task.attempts), (Status::Validating, None, 0));
    lab.claim_of(tasks[1]).await;
}
