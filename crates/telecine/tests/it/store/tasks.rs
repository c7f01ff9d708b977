//! Tasks: told back as they were made, listed, counted, deleted.

use serde_json::json;
use telecine::fault::Code;
use telecine::ids::TaskId;
use telecine::store::{Paging, TaskChange, TaskFilter, Within};
use telecine::transfer::{
    Counts, Event, NewTask, ObjectRef, Scheme, Status, Task, TaskSource, Transcription,
};

use super::lab::{FIRST_PAGE, Lab, failed, meta, object, stamp};

super::conformance!(
    a_task_is_told_back_as_it_was_made,
    what_is_learnt_stays,
    tasks_are_filtered,
    tasks_of_a_transfer_are_paged_both_ways,
    a_failed_task_is_tried_again_alone,
    tasks_of_an_index_are_counted,
    only_final_tasks_without_a_video_are_deleted,
    an_index_that_is_not_there_takes_no_task,
);

fn sources() -> [TaskSource; 4] {
    [
        TaskSource::Object(object("folder/päth with spaces/\"q'uoted\"?#%41 \u{1F3AC}.mp4")),
        TaskSource::Object(ObjectRef { scheme: Scheme::Folder, ..object("a.mp4") }),
        TaskSource::Upload { filename: "holiday; DROP TABLE task;--.mov".to_owned() },
        TaskSource::Url { url: "https://example.org/v/film.mp4?token=1".to_owned() },
    ]
}

async fn a_task_is_told_back_as_it_was_made(lab: &Lab) {
    let index = lab.index("films").await;
    let transcriptions = [
        Some(Transcription::Object(object("captions/a.srt"))),
        Some(Transcription::Upload),
        Some(Transcription::Url { url: "https://example.org/a.vtt".to_owned() }),
        None,
    ];
    for (source, transcription) in sources().into_iter().zip(transcriptions) {
        let user_metadata = json!({ "a \"b\"": [1, null], "n": 1.5 }).as_object().cloned();
        let language = "pt-BR".to_owned();
        let new = NewTask { source, transcription, user_metadata, language, ..lab.new_task(index, "") };
        lab.store.insert_task(lab.workspace, &new, lab.now()).await.unwrap();
        let expected = Task {
            id: new.id,
            workspace: lab.workspace,
            index,
            transfer: None,
            source: new.source,
            transcription: new.transcription,
            language: new.language,
            user_metadata: new.user_metadata,
            allows_duplicate: false,
            without_stream: false,
            status: Status::Validating,
            waiting_for: None,
            attempts: 0,
            stamp: None,
            content_hash: None,
            meta: None,
            fault: None,
            duplicate: None,
            created_at: lab.now(),
            updated_at: lab.now(),
        };
        assert_eq!(lab.task_now(new.id).await, expected);
    }
}

async fn what_is_learnt_stays(lab: &Lab) {
    let index = lab.index("films").await;
    let task = lab.task(index, "a.mp4").await;
    let claim = lab.claim_of(task).await;
    lab.tick();
    let learnt = TaskChange {
        event: Event::Admitted,
        stamp: Some(stamp("v1")),
        content_hash: Some("hash".to_owned()),
        meta: Some(meta("a.mp4")),
    };
    lab.changes(&claim, learnt).await;
    lab.happens(&claim, Event::IndexingStarted).await;
    let told = lab.task_now(task).await;
    assert_eq!(lab.store.claimed_task(&claim).await.unwrap(), Ok(told.clone()));
    assert_eq!(told.stamp, Some(stamp("v1")));
    assert_eq!(told.content_hash.as_deref(), Some("hash"));
    assert_eq!(told.meta, Some(meta("a.mp4")));
    assert_eq!((told.status, told.attempts, told.updated_at), (Status::Indexing, 1, lab.now()));
}

async fn tasks_are_filtered(lab: &Lab) {
    let (films, other) = (lab.index("films").await, lab.index("other").await);
    let ready = lab.published(films, "ready.mp4").await;
    lab.tick();
    let (transfer, in_transfer) = lab.transfer(other, &["dir/broken.mp4", "wide.mp4"]).await;
    let [broken, wide] = in_transfer[..] else { panic!("two tasks") };
    let claim = lab.claim_of(broken).await;
    lab.happens(&claim, failed(Code::VideoFileBroken)).await;
    let claim = lab.claim_of(wide).await;
    let mut measured = meta("wide.mp4");
    (measured.width, measured.duration_s) = (1920, 60.0);
    lab.changes(&claim, TaskChange { meta: Some(measured), ..Event::Admitted.into() }).await;
    lab.tick();
    let waiting = lab.task(films, "waiting.mp4").await;

    let any = TaskFilter::default;
    let float = |min, max| Within { min, max };
    let made = |of: &Task| Within { min: Some(of.created_at), max: Some(of.created_at) };
    let wide_now = lab.task_now(wide).await;
    for (filter, expected) in [
        (any(), vec![ready, broken, wide, waiting]),
        (TaskFilter { id: Some(broken), ..any() }, vec![broken]),
        (TaskFilter { index: Some(films), ..any() }, vec![ready, waiting]),
        (TaskFilter { id: Some(broken), index: Some(films), ..any() }, vec![]),
        (TaskFilter { transfer: Some(transfer), ..any() }, vec![broken, wide]),
        (TaskFilter { transfer: Some(transfer), index: Some(films), ..any() }, vec![]),
        (TaskFilter { statuses: vec![Status::Ready, Status::Failed], ..any() }, vec![ready, broken]),
        (TaskFilter { code: Some("video_file_broken".to_owned()), ..any() }, vec![broken]),
        (TaskFilter { filename: Some("broken.mp4".to_owned()), ..any() }, vec![broken]),
        (TaskFilter { filename: Some("%".to_owned()), ..any() }, vec![]),
        (TaskFilter { name: Some("BROKEN".to_owned()), ..any() }, vec![broken]),
        (TaskFilter { name: Some("dir/".to_owned()), ..any() }, vec![broken]),
        (TaskFilter { name: Some("a?*.mp4".to_owned()), ..any() }, vec![]),
        (TaskFilter { name: Some("wa*g.mp4".to_owned()), ..any() }, vec![waiting]),
        (TaskFilter { name: Some("%".to_owned()), ..any() }, vec![]),
        (TaskFilter { name: Some("mp4".to_owned()), transfer: Some(transfer), ..any() }, vec![broken, wide]),
        (
            TaskFilter {
                name: Some("dir".to_owned()),
                transfer: Some(transfer),
                index: Some(other),
                statuses: vec![Status::Failed],
                code: Some("video_file_broken".to_owned()),
                created_at: made(&wide_now),
                ..any()
            },
            vec![broken],
        ),
        (TaskFilter { width: float(Some(1000.0), None), ..any() }, vec![wide]),
        (TaskFilter { width: float(Some(1919.5), Some(1920.5)), ..any() }, vec![wide]),
        (TaskFilter { width: float(Some(1919.5), Some(1919.9)), ..any() }, vec![]),
        (TaskFilter { width: float(Some(-1e300), Some(1e300)), ..any() }, vec![ready, wide]),
        (TaskFilter { height: float(None, Some(360.0)), ..any() }, vec![ready, wide]),
        (TaskFilter { duration_s: float(Some(12.5), Some(12.5)), ..any() }, vec![ready]),
        (TaskFilter { created_at: made(&wide_now), ..any() }, vec![broken, wide]),
        (TaskFilter { updated_at: made(&wide_now), ..any() }, vec![broken, wide]),
    ] {
        let listed = lab.store.tasks(lab.workspace, &filter, FIRST_PAGE).await.unwrap();
        let ids: Vec<TaskId> = listed.rows.iter().map(|task| task.id).collect();
        assert_eq!(ids, expected, "{filter:?}");
        assert_eq!(listed.total, expected.len() as u64, "{filter:?}");
    }
}

async fn tasks_of_a_transfer_are_paged_both_ways(lab: &Lab) {
    let index = lab.index("films").await;
    let (transfer, tasks) = lab.transfer(index, &["a", "b", "c", "d", "e"]).await;
    let (_, _) = lab.transfer(index, &["f", "g"]).await;
    let filter = TaskFilter { transfer: Some(transfer), ..TaskFilter::default() };
    let page = async |page, descending| {
        let paging = Paging { page, limit: 2, descending, ..FIRST_PAGE };
        let listed = lab.store.tasks(lab.workspace, &filter, paging).await.unwrap();
        assert_eq!(listed.total, 5);
        listed.rows.iter().map(|task| task.id).collect::<Vec<_>>()
    };
    assert_eq!(page(1, false).await, tasks[..2]);
    assert_eq!(page(3, false).await, tasks[4..]);
    assert_eq!(page(1, true).await, [tasks[4], tasks[3]]);
    assert_eq!(page(4, true).await, []);
    assert_eq!(lab.store.tasks(lab.stranger(), &filter, FIRST_PAGE).await.unwrap().total, 0);
}

async fn a_failed_task_is_tried_again_alone(lab: &Lab) {
    let index = lab.index("films").await;
    let single = lab.task(index, "single.mp4").await;
    let claim = lab.claim_of(single).await;
    lab.happens(&claim, failed(Code::VideoFileBroken)).await;
    let (transfer, tasks) = lab.transfer(index, &["a.mp4", "b.mp4"]).await;
    lab.store.cancel_transfer(lab.workspace, transfer, lab.tick()).await.unwrap();
    for task in [single, tasks[1]] {
        assert!(!lab.store.retry_task(lab.stranger(), task, lab.now()).await.unwrap());
        assert!(lab.store.retry_task(lab.workspace, task, lab.now()).await.unwrap());
        let told = lab.task_now(task).await;
        assert_eq!((told.status, told.fault, told.attempts), (Status::Validating, None, 0));
        let error = lab.store.retry_task(lab.workspace, task, lab.now()).await.unwrap_err();
        let fault = error.as_fault().unwrap();
        assert_eq!((fault.code, fault.value.as_deref()), (Code::TaskNotFailed, Some("validating")));
    }
    let counts = Counts { validating: 1, failed: 1, ..Counts::default() };
    let now = lab.transfer_now(transfer).await;
    assert_eq!((now.counts, now.ended_at), (counts, None), "it goes on with that one");
    let mut due = lab.claim_all().await;
    due.sort_unstable();
    assert_eq!(due, [single, tasks[1]]);
    let nobody = TaskId::generate(lab.now());
    assert!(!lab.store.retry_task(lab.workspace, nobody, lab.now()).await.unwrap());
}

async fn tasks_of_an_index_are_counted(lab: &Lab) {
    let (films, other) = (lab.index("films").await, lab.index("other").await);
    lab.published(films, "a.mp4").await;
    lab.task(films, "b.mp4").await;
    lab.task(films, "c.mp4").await;
    lab.task(other, "d.mp4").await;
    let counts = lab.store.task_counts(lab.workspace, films).await.unwrap();
    assert_eq!(counts, Counts { ready: 1, validating: 2, ..Counts::default() });
}

async fn only_final_tasks_without_a_video_are_deleted(lab: &Lab) {
    let index = lab.index("films").await;
    let ready = lab.published(index, "ready.mp4").await;
    let (transfer, tasks) = lab.transfer(index, &["broken.mp4", "waiting.mp4"]).await;
    let claim = lab.claim_of(tasks[0]).await;
    lab.happens(&claim, failed(Code::VideoFileBroken)).await;
    for task in [ready, tasks[1]] {
        let error = lab.store.delete_task(lab.workspace, task).await.unwrap_err();
        assert_eq!(error.as_fault().unwrap().code, Code::TaskCannotBeDeleted);
    }
    assert!(lab.store.delete_task(lab.workspace, tasks[0]).await.unwrap());
    assert!(!lab.store.delete_task(lab.workspace, tasks[0]).await.unwrap());
    assert_eq!(lab.transfer_now(transfer).await.counts, Counts { validating: 1, ..Counts::default() });

    assert!(lab.store.delete_video(lab.workspace, index, ready.into()).await.unwrap());
    assert!(lab.store.delete_task(lab.workspace, ready).await.unwrap());
}

async fn an_index_that_is_not_there_takes_no_task(lab: &Lab) {
    let gone = lab.index("films").await;
    lab.store.delete_index(lab.workspace, gone).await.unwrap();
    let task = lab.new_task(gone, "a.mp4");
    let error = lab.store.insert_task(lab.workspace, &task, lab.now()).await.unwrap_err();
    assert_eq!(error.as_fault().unwrap().code, Code::ResourceNotExists);
}
