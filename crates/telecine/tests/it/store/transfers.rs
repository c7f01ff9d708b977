//! Transfers: all or nothing, counted right at every moment.

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use telecine::fault::{Code, Error};
use telecine::ids::{TaskId, TransferId};
use telecine::store::{Paging, SortBy, TaskFilter};
use telecine::transfer::{
    Counts, Duplicate, DuplicateBy, Event, NewTask, Status, Transcription, TransferState,
};

use super::lab::{FIRST_PAGE, Lab, failed, object, publication};

super::conformance!(
    an_accepted_transfer_is_there_with_all_its_tasks,
    repeated_entries_make_no_task,
    a_transfer_that_is_received_is_not_there,
    a_discarded_transfer_leaves_nothing,
    an_empty_transfer_is_over_at_once,
    what_is_not_received_takes_no_tasks,
    a_report_walks_all_tasks_in_order,
    transfers_are_listed,
    cancelling_fails_what_is_not_final_and_makes_claims_stale,
    cancelling_what_is_over_changes_nothing,
    a_cancelled_transfer_can_be_retried,
    a_paused_transfer_lends_no_task_until_it_is_resumed,
    a_pause_ends_with_the_transfer,
    a_paused_transfer_can_be_cancelled,
    retrying_takes_failed_tasks_up_again,
    a_transfer_ends_with_its_last_task,
    a_large_transfer_is_cancelled_and_retried_whole,
    the_counters_are_right_whatever_happens,
);

async fn an_accepted_transfer_is_there_with_all_its_tasks(lab: &Lab) {
    let index = lab.index("films").await;
    let (id, tasks) = lab.transfer(index, &["a.mp4", "b.mp4"]).await;
    let transfer = lab.transfer_now(id).await;
    assert_eq!(transfer.state, TransferState::Accepted);
    assert_eq!(transfer.counts, Counts { validating: 2, ..Counts::default() });
    assert_eq!((transfer.repeated, transfer.ended_at), (0, None));
    assert_eq!(lab.store.transfer(lab.stranger(), id).await.unwrap(), None);
    let task = lab.task_now(tasks[0]).await;
    assert_eq!(task.transfer, Some(id));
    assert_eq!(lab.claim_all().await, tasks);
}

async fn repeated_entries_make_no_task(lab: &Lab) {
    let (films, other) = (lab.index("films").await, lab.index("other").await);
    let id = lab.receiving().await;
    let captioned = |captions: &str| NewTask {
        transcription: Some(Transcription::Object(object(captions))),
        ..lab.new_task(films, "a.mp4")
    };
    let batches = [
        vec![lab.new_task(films, "a.mp4"), lab.new_task(films, "a.mp4"), lab.new_task(other, "a.mp4")],
        vec![captioned("a.srt"), captioned("b.srt"), captioned("a.srt"), lab.new_task(films, "a.mp4")],
    ];
    for batch in &batches {
        lab.store.add_tasks(id, batch, lab.now()).await.unwrap();
    }
    let transfer = lab.store.accept_transfer(id, lab.now()).await.unwrap();
    assert_eq!((transfer.counts.total(), transfer.repeated), (4, 3));
    assert_eq!(transfer, lab.transfer_now(id).await);
    let kept = [batches[0][0].id, batches[0][2].id, batches[1][0].id, batches[1][1].id];
    assert_eq!(lab.claim_all().await, kept, "the first of each stays");
    // Another transfer may ask for the same.
    let (again, _) = lab.transfer(films, &["a.mp4"]).await;
    assert_eq!(lab.transfer_now(again).await.counts.total(), 1);
}

async fn a_transfer_that_is_received_is_not_there(lab: &Lab) {
    let index = lab.index("films").await;
    let id = lab.receiving().await;
    let task = lab.new_task(index, "a.mp4");
    lab.store.add_tasks(id, std::slice::from_ref(&task), lab.now()).await.unwrap();
    assert_eq!(lab.store.transfer(lab.workspace, id).await.unwrap(), None);
    assert_eq!(lab.store.transfers(lab.workspace, FIRST_PAGE).await.unwrap().total, 0);
    assert_eq!(lab.store.task(lab.workspace, task.id).await.unwrap(), None);
    for filter in [TaskFilter::default(), TaskFilter { index: Some(index), ..TaskFilter::default() }] {
        assert_eq!(lab.store.tasks(lab.workspace, &filter, FIRST_PAGE).await.unwrap().total, 0);
    }
    assert_eq!(lab.store.task_counts(lab.workspace, index).await.unwrap(), Counts::default());
    assert_eq!(lab.store.cancel_transfer(lab.workspace, id, lab.now()).await.unwrap(), None);
    assert_eq!(lab.claim().await, None);
    assert_eq!(lab.store.next_due().await.unwrap(), None);
}

async fn a_discarded_transfer_leaves_nothing(lab: &Lab) {
    let index = lab.index("films").await;
    let (kept, tasks) = lab.transfer(index, &["a.mp4"]).await;
    for left_by_a_crash in [false, true] {
        let id = lab.receiving().await;
        lab.store.add_tasks(id, &[lab.new_task(index, "a.mp4")], lab.now()).await.unwrap();
        if left_by_a_crash {
            assert_eq!(lab.store.discard_unfinished_transfers().await.unwrap(), 1);
        } else {
            lab.store.discard_transfer(id).await.unwrap();
        }
        lab.store.accept_transfer(id, lab.now()).await.expect_err("it is gone");
        assert_eq!(lab.store.tasks_after(id, None, 10).await.unwrap(), []);
    }
    // What is accepted is not discarded.
    lab.store.discard_transfer(kept).await.unwrap();
    assert_eq!(lab.store.discard_unfinished_transfers().await.unwrap(), 0);
    assert_eq!(lab.claim_all().await, tasks);
}

async fn an_empty_transfer_is_over_at_once(lab: &Lab) {
    let id = lab.receiving().await;
    lab.store.add_tasks(id, &[], lab.now()).await.unwrap();
    let transfer = lab.store.accept_transfer(id, lab.tick()).await.unwrap();
    assert!(transfer.is_over());
    assert_eq!(transfer.ended_at, Some(lab.now()));
}

async fn what_is_not_received_takes_no_tasks(lab: &Lab) {
    let index = lab.index("films").await;
    let (accepted, _) = lab.transfer(index, &["a.mp4"]).await;
    let unknown = TransferId::generate(lab.now());
    for id in [accepted, unknown] {
        lab.store.add_tasks(id, &[lab.new_task(index, "b.mp4")], lab.now()).await.unwrap_err();
        lab.store.accept_transfer(id, lab.now()).await.unwrap_err();
    }
    assert_eq!(lab.transfer_now(accepted).await.counts.total(), 1);
}

async fn a_report_walks_all_tasks_in_order(lab: &Lab) {
    let index = lab.index("films").await;
    // Two are received at once, so that their ids alternate.
    let (one, two) = (lab.receiving().await, lab.receiving().await);
    let mut expected = Vec::new();
    for number in 0..25 {
        let (mine, theirs) = (lab.new_task(index, &format!("{number}")), lab.new_task(index, "theirs"));
        expected.push(mine.id);
        lab.store.add_tasks(one, &[mine], lab.now()).await.unwrap();
        lab.store.add_tasks(two, &[theirs], lab.now()).await.unwrap();
    }
    lab.store.accept_transfer(one, lab.now()).await.unwrap();
    expected.sort();
    let mut walked: Vec<TaskId> = Vec::new();
    loop {
        let some = lab.store.tasks_after(one, walked.last().copied(), 7).await.unwrap();
        assert!(some.len() <= 7);
        if some.is_empty() {
            break;
        }
        walked.extend(some.iter().map(|task| task.id));
    }
    assert_eq!(walked, expected);
}

async fn transfers_are_listed(lab: &Lab) {
    let index = lab.index("films").await;
    let (first, _) = lab.transfer(index, &["a.mp4"]).await;
    lab.tick();
    let (second, _) = lab.transfer(index, &["b.mp4"]).await;
    let newest = Paging { page: 1, limit: 1, sort_by: SortBy::CreatedAt, descending: true };
    let listed = lab.store.transfers(lab.workspace, newest).await.unwrap();
    assert_eq!((listed.rows[0].id, listed.total), (second, 2));
    let changed = lab.claim().await.unwrap();
    lab.tick();
    lab.happens(&changed, failed(Code::VideoFileBroken)).await;
    let last_changed = Paging { sort_by: SortBy::UpdatedAt, ..newest };
    let listed = lab.store.transfers(lab.workspace, last_changed).await.unwrap();
    assert_eq!(listed.rows[0].id, first);
    assert_eq!(lab.store.transfers(lab.stranger(), newest).await.unwrap().total, 0);
}

async fn cancelling_fails_what_is_not_final_and_makes_claims_stale(lab: &Lab) {
    let index = lab.index("films").await;
    let (id, tasks) = lab.transfer(index, &["a.mp4", "b.mp4", "c.mp4"]).await;
    let done = lab.claim_of(tasks[0]).await;
    lab.happens(&done, failed(Code::VideoFileBroken)).await;
    let busy = lab.claim_of(tasks[1]).await;

    assert_eq!(lab.store.cancel_transfer(lab.stranger(), id, lab.now()).await.unwrap(), None);
    assert_eq!(lab.store.cancel_transfer(lab.workspace, id, lab.tick()).await.unwrap(), Some(2));
    let transfer = lab.transfer_now(id).await;
    assert_eq!(transfer.state, TransferState::Cancelled);
    assert_eq!(transfer.counts, Counts { failed: 3, ..Counts::default() });
    assert_eq!(transfer.ended_at, Some(lab.now()));
    assert!(lab.is_stale(&busy).await);
    let published = lab.store.publish(&busy, &publication(tasks[1], "b.mp4"), lab.now()).await.unwrap();
    assert!(published.is_err(), "what was cancelled is not published");
    lab.clock.advance(super::lab::LEASE * 2);
    assert_eq!(lab.claim().await, None);
    assert_eq!(
        lab.store.fault_counts(id).await.unwrap(),
        [("task_cancelled".to_owned(), 2), ("video_file_broken".to_owned(), 1)]
    );
    assert_eq!(lab.task_now(tasks[1]).await.fault.unwrap().code, Code::TaskCancelled);
}

async fn cancelling_what_is_over_changes_nothing(lab: &Lab) {
    let index = lab.index("films").await;
    let (id, tasks) = lab.transfer(index, &["a.mp4"]).await;
    let claim = lab.claim_of(tasks[0]).await;
    lab.happens(&claim, failed(Code::VideoFileBroken)).await;
    let before = lab.transfer_now(id).await;
    assert_eq!(lab.store.cancel_transfer(lab.workspace, id, lab.tick()).await.unwrap(), Some(0));
    assert_eq!(lab.transfer_now(id).await, before);
}

async fn a_cancelled_transfer_can_be_retried(lab: &Lab) {
    let index = lab.index("films").await;
    let (id, tasks) = lab.transfer(index, &["a.mp4"]).await;
    lab.store.cancel_transfer(lab.workspace, id, lab.now()).await.unwrap();
    assert_eq!(lab.store.retry_transfer(lab.workspace, id, None, lab.now()).await.unwrap(), Some(1));
    let transfer = lab.transfer_now(id).await;
    assert_eq!((transfer.state, transfer.ended_at), (TransferState::Accepted, None));
    lab.claim_of(tasks[0]).await;
}

async fn a_paused_transfer_lends_no_task_until_it_is_resumed(lab: &Lab) {
    let index = lab.index("films").await;
    let (id, tasks) = lab.transfer(index, &["a.mp4", "b.mp4", "c.mp4"]).await;
    let claim = lab.claim().await.unwrap();
    assert_eq!(claim.task, tasks[0]);
    let began = lab.tick();
    let paused = lab.store.pause_transfer(lab.workspace, id, began).await.unwrap().expect("it is there");
    assert_eq!((paused.paused_at, &paused), (Some(began), &lab.transfer_now(id).await));
    assert_eq!((lab.claim().await, lab.store.next_due().await.unwrap()), (None, None));
    // What is in hand goes on; what waits says why.
    assert!(!lab.is_stale(&claim).await);
    assert_eq!(lab.task_now(tasks[0]).await.waiting_for, None);
    assert_eq!(lab.task_now(tasks[1]).await.waiting_for.as_deref(), Some("The transfer is paused."));
    let again = lab.store.pause_transfer(lab.workspace, id, lab.tick()).await.unwrap();
    assert_eq!(again.unwrap().paused_at, Some(began), "it is paused since then");
    assert_eq!(lab.store.pause_transfer(lab.stranger(), id, lab.now()).await.unwrap(), None);
    // Other transfers are not held up, and a start after a crash changes nothing.
    let (_, others) = lab.transfer(index, &["d.mp4"]).await;
    assert_eq!(lab.claim_all().await, others);
    lab.store.discard_unfinished_transfers().await.unwrap();
    lab.store.break_claims(lab.now()).await.unwrap();
    assert_eq!(lab.claim_all().await, others, "the one in hand waits, too, when its claim was broken");
    let counts = lab.transfer_now(id).await.counts;
    assert_eq!(counts, Counts { validating: 3, ..Counts::default() });
    let ended = lab.tick();
    let resumed = lab.store.resume_transfer(lab.workspace, id, ended).await.unwrap().expect("it is there");
    assert_eq!((resumed.paused_at, resumed.resumed_at), (None, Some(ended)));
    let again = lab.store.resume_transfer(lab.workspace, id, lab.tick()).await.unwrap().unwrap();
    assert_eq!(again.resumed_at, Some(ended), "it went on then");
    assert_eq!(lab.claim_all().await, tasks);
    assert_eq!(lab.task_now(tasks[1]).await.waiting_for, None);
}

async fn a_pause_ends_with_the_transfer(lab: &Lab) {
    let index = lab.index("films").await;
    let (id, tasks) = lab.transfer(index, &["a.mp4"]).await;
    let claim = lab.claim_of(tasks[0]).await;
    lab.store.pause_transfer(lab.workspace, id, lab.tick()).await.unwrap();
    lab.happens(&claim, failed(Code::VideoFileBroken)).await;
    let over = lab.transfer_now(id).await;
    assert!(over.is_over() && over.paused_at.is_none() && over.ended_at.is_some());
    let refusals = [
        lab.store.pause_transfer(lab.workspace, id, lab.now()).await,
        lab.store.resume_transfer(lab.workspace, id, lab.now()).await,
    ];
    for refusal in refusals {
        let Err(Error::Fault(fault)) = refusal else { panic!("refused, not {refusal:?}") };
        assert_eq!(fault.code, Code::TransferFinished);
    }
    lab.store.retry_transfer(lab.workspace, id, None, lab.tick()).await.unwrap();
    assert_eq!(lab.claim_all().await, tasks, "a retry goes on at once");
}

async fn a_paused_transfer_can_be_cancelled(lab: &Lab) {
    let index = lab.index("films").await;
    let (id, tasks) = lab.transfer(index, &["a.mp4", "b.mp4"]).await;
    let claim = lab.claim().await.unwrap();
    lab.store.pause_transfer(lab.workspace, id, lab.tick()).await.unwrap();
    assert_eq!(lab.store.cancel_transfer(lab.workspace, id, lab.tick()).await.unwrap(), Some(2));
    assert!(lab.is_stale(&claim).await);
    let cancelled = lab.transfer_now(id).await;
    assert_eq!((cancelled.state, cancelled.paused_at), (TransferState::Cancelled, None));
    assert_eq!(cancelled.counts, Counts { failed: 2, ..Counts::default() });
    lab.store.retry_transfer(lab.workspace, id, None, lab.tick()).await.unwrap();
    assert_eq!(lab.claim_all().await, tasks);
}

async fn retrying_takes_failed_tasks_up_again(lab: &Lab) {
    let index = lab.index("films").await;
    let (id, tasks) = lab.transfer(index, &["a.mp4", "b.mp4"]).await;
    for code in [Code::VideoFileBroken, Code::ObjectNotExists] {
        let claim = lab.claim().await.unwrap();
        lab.happens(&claim, failed(code)).await;
    }
    assert_eq!(lab.transfer_now(id).await.ended_at, Some(lab.now()));

    let retry =
        async |workspace, code| lab.store.retry_transfer(workspace, id, code, lab.tick()).await.unwrap();
    assert_eq!(retry(lab.stranger(), None).await, None);
    assert_eq!(retry(lab.workspace, Some("engine_failed")).await, Some(0));
    assert_eq!(retry(lab.workspace, Some("object_not_exists")).await, Some(1));
    let transfer = lab.transfer_now(id).await;
    assert_eq!(transfer.counts, Counts { validating: 1, failed: 1, ..Counts::default() });
    assert_eq!(transfer.ended_at, None);
    let task = lab.task_now(tasks[1]).await;
    assert_eq!((task.status, task.fault, task.attempts), (Status::Validating, None, 0));
    lab.claim_of(tasks[1]).await;
    assert_eq!(retry(lab.workspace, None).await, Some(1), "without a code, all that failed");
}

async fn a_transfer_ends_with_its_last_task(lab: &Lab) {
    let index = lab.index("films").await;
    let (id, tasks) = lab.transfer(index, &["a.mp4", "b.mp4", "c.mp4"]).await;
    let mut ends = Vec::new();
    for (number, task) in tasks.iter().enumerate() {
        let claim = lab.claim_of(*task).await;
        assert_eq!(lab.transfer_now(id).await.ended_at, None);
        ends.insert(0, lab.tick());
        match number {
            0 => lab.publish(&claim, &publication(*task, "a.mp4")).await,
            1 => lab.happens(&claim, failed(Code::VideoFileBroken)).await,
            _ => {
                let video = tasks[0].into();
                lab.happens(&claim, Event::Duplicate(Duplicate { video, by: DuplicateBy::Object })).await;
            }
        }
    }
    let transfer = lab.transfer_now(id).await;
    assert_eq!(transfer.counts, Counts { ready: 1, failed: 1, skipped: 1, ..Counts::default() });
    assert!(transfer.is_over());
    assert_eq!(transfer.ended_at, Some(lab.now()));
    assert_eq!(lab.store.last_ends(id, 10).await.unwrap(), ends);
    assert_eq!(lab.store.last_ends(id, 2).await.unwrap(), ends[..2]);
}

/// More than any step in which stores change many tasks.
async fn a_large_transfer_is_cancelled_and_retried_whole(lab: &Lab) {
    const MANY: usize = 12_345;
    let index = lab.index("films").await;
    let id = lab.receiving().await;
    let tasks: Vec<NewTask> = (0..MANY).map(|number| lab.new_task(index, &number.to_string())).collect();
    for batch in tasks.chunks(10_000) {
        lab.store.add_tasks(id, batch, lab.now()).await.unwrap();
    }
    let accepted = lab.store.accept_transfer(id, lab.now()).await.unwrap();
    let many = MANY as u64;
    assert_eq!(accepted.counts.validating, many);
    assert_eq!(lab.store.cancel_transfer(lab.workspace, id, lab.now()).await.unwrap(), Some(many));
    assert_eq!(lab.transfer_now(id).await.counts, Counts { failed: many, ..Counts::default() });
    assert_eq!(lab.store.retry_transfer(lab.workspace, id, None, lab.now()).await.unwrap(), Some(many));
    assert_eq!(lab.transfer_now(id).await.counts, Counts { validating: many, ..Counts::default() });
    assert!(lab.store.delete_index(lab.workspace, index).await.unwrap());
    assert_eq!(lab.transfer_now(id).await.counts, Counts::default());
}

/// A thing that may happen to one of the tasks in hand, or to all of a transfer.
#[derive(Debug, Clone)]
enum Step {
    Claim,
    Tell(usize, Event),
    Publish(usize),
    Cancel,
    Retry,
    Pause,
    Resume,
    BreakClaims,
    DeleteTask(usize),
    WaitForLeases,
}

fn step() -> impl Strategy<Value = Step> {
    let event = prop_oneof![
        Just(Event::Admitted),
        Just(Event::IndexingStarted),
        Just(failed(Code::VideoFileBroken)),
        Just(Event::Released),
        Just(Event::Cancelled),
        Just(Event::Postponed { until: "2024-03-01T09:00:00Z".parse().unwrap(), reason: String::new() }),
        Just(Event::Duplicate(Duplicate {
            video: TaskId::generate("2024-03-01T09:00:00Z".parse().unwrap()).into(),
            by: DuplicateBy::Content,
        })),
    ];
    prop_oneof![
        6 => Just(Step::Claim),
        6 => (0..4_usize, event).prop_map(|(which, event)| Step::Tell(which, event)),
        2 => (0..4_usize).prop_map(Step::Publish),
        1 => Just(Step::Cancel),
        1 => Just(Step::Retry),
        1 => Just(Step::Pause),
        1 => Just(Step::Resume),
        1 => Just(Step::BreakClaims),
        1 => (0..4_usize).prop_map(Step::DeleteTask),
        1 => Just(Step::WaitForLeases),
    ]
}

/// Whatever is done, in whatever order, by fresh claims and stale ones: the counters equal the rows.
async fn the_counters_are_right_whatever_happens(lab: &Lab) {
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(1));
    for round in 0..8 {
        let steps = prop::collection::vec(step(), 40).new_tree(&mut runner).unwrap().current();
        let index = lab.index(&format!("films {round}")).await;
        let (id, tasks) = lab.transfer(index, &["a", "b", "c", "d"]).await;
        let mut claims = Vec::new();
        for step in &steps {
            take(lab, step, id, &tasks, &mut claims).await;
            check_counters(lab, id, &steps).await;
        }
        assert_eq!(lab.misnamed().await, 0, "{steps:?}");
        lab.store.delete_index(lab.workspace, index).await.unwrap();
    }
}

async fn take(
    lab: &Lab,
    step: &Step,
    id: TransferId,
    tasks: &[TaskId],
    claims: &mut Vec<telecine::queue::Claim>,
) {
    lab.tick();
    let held = |which: &usize| claims.get(claims.len().wrapping_sub(which + 1));
    match step {
        Step::Claim => {
            let is_paused = lab.transfer_now(id).await.paused_at.is_some();
            let claimed = lab.claim().await;
            assert!(claimed.is_none() || !is_paused, "no other transfer has tasks");
            claims.extend(claimed);
        }
        Step::Tell(which, event) => {
            let Some(claim) = held(which) else { return };
            let _stale_or_not = lab.store.change_task(claim, &event.clone().into(), lab.now()).await.unwrap();
        }
        Step::Publish(which) => {
            let Some(claim) = held(which) else { return };
            let mut publication = publication(claim.task, "film");
            publication.content_hash = format!("content of {}", claim.task);
            let _stale_or_not = lab.store.publish(claim, &publication, lab.now()).await.unwrap();
        }
        Step::Cancel => drop(lab.store.cancel_transfer(lab.workspace, id, lab.now()).await.unwrap()),
        // Refused when it is over.
        Step::Pause => drop(lab.store.pause_transfer(lab.workspace, id, lab.now()).await),
        Step::Resume => drop(lab.store.resume_transfer(lab.workspace, id, lab.now()).await),
        Step::Retry => drop(lab.store.retry_transfer(lab.workspace, id, None, lab.now()).await.unwrap()),
        Step::BreakClaims => drop(lab.store.break_claims(lab.now()).await.unwrap()),
        Step::DeleteTask(which) => {
            // Refused while it is not final.
            let _deleted_or_refused = lab.store.delete_task(lab.workspace, tasks[*which]).await;
        }
        Step::WaitForLeases => lab.clock.advance(super::lab::LEASE),
    }
}

async fn check_counters(lab: &Lab, id: TransferId, steps: &[Step]) {
    let transfer = lab.transfer_now(id).await;
    let mut counted = Counts::default();
    for task in lab.store.tasks_after(id, None, 100).await.unwrap() {
        *counted.of(task.status) += 1;
        assert_eq!(task.fault.is_some(), task.status == Status::Failed, "{steps:?}");
        assert_eq!(task.duplicate.is_some(), task.status == Status::Skipped, "{steps:?}");
        if transfer.paused_at.is_none() {
            assert_eq!(task.waiting_for.is_some(), task.status == Status::Pending, "{steps:?}");
        }
    }
    assert_eq!(transfer.counts, counted, "{steps:?}");
    assert_eq!(transfer.ended_at.is_some(), transfer.is_over(), "{steps:?}");
    assert!(transfer.paused_at.is_none() || !transfer.is_over(), "{steps:?}");
}
