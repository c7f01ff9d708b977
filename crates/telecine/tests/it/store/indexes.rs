//! Indexes: names, lists, what is in them, and what is gone with them.

use telecine::fault::Code;
use telecine::index::{EngineSpec, Family, Index, IndexSummary, ModelOption};
use telecine::store::{IndexFilter, Listed, Paging, SortBy, TaskFilter, Within};
use telecine::transfer::Counts;
use telecine::video::SegmentKind;

use super::lab::{FIRST_PAGE, Lab};

super::conformance!(
    an_index_is_told_back_as_it_was_made,
    names_are_unique_within_a_workspace,
    a_stranger_sees_and_changes_nothing,
    a_summary_counts_videos_and_their_length,
    indexes_are_filtered,
    a_list_is_paged_and_sorted,
    a_deleted_index_is_gone_with_all_that_is_in_it,
    deleting_an_index_ends_the_transfers_into_it,
);

async fn an_index_is_told_back_as_it_was_made(lab: &Lab) {
    let index = lab.index_named("films — \"quoted\" ' and\nmore");
    lab.store.insert_index(&index).await.unwrap();
    let told = lab.store.index(lab.workspace, index.id).await.unwrap();
    assert_eq!(told, Some(IndexSummary { index, video_count: 0, total_duration_s: 0.0 }));
}

async fn names_are_unique_within_a_workspace(lab: &Lab) {
    let films = lab.index("films").await;
    let error = lab.store.insert_index(&lab.index_named("films")).await.unwrap_err();
    assert_eq!(error.as_fault().unwrap().code, Code::IndexNameAlreadyExists);
    let other = lab.index("other").await;
    let error = lab.store.rename_index(lab.workspace, other, "films", lab.now()).await.unwrap_err();
    assert_eq!(error.as_fault().unwrap().code, Code::IndexNameAlreadyExists);

    assert!(lab.store.rename_index(lab.workspace, films, "movies", lab.tick()).await.unwrap());
    let renamed = lab.store.index(lab.workspace, films).await.unwrap().unwrap().index;
    assert_eq!((renamed.name.as_str(), renamed.updated_at), ("movies", lab.now()));
    lab.index("films").await;
    // The name of an index that is gone is free.
    assert!(lab.store.delete_index(lab.workspace, other).await.unwrap());
    lab.index("other").await;
}

async fn a_stranger_sees_and_changes_nothing(lab: &Lab) {
    let index = lab.index("films").await;
    let task = lab.published(index, "a.mp4").await;
    let stranger = lab.stranger();
    assert_eq!(lab.store.index(stranger, index).await.unwrap(), None);
    let listed = lab.store.indexes(stranger, &IndexFilter::default(), FIRST_PAGE).await.unwrap();
    assert_eq!(listed, Listed { rows: Vec::new(), total: 0, is_at_least: false });
    assert!(!lab.store.rename_index(stranger, index, "mine", lab.now()).await.unwrap());
    assert!(!lab.store.delete_index(stranger, index).await.unwrap());
    assert_eq!(lab.store.task(stranger, task).await.unwrap(), None);
    assert_eq!(lab.store.task_counts(stranger, index).await.unwrap(), Counts::default());
    let filter = TaskFilter { index: Some(index), ..TaskFilter::default() };
    assert_eq!(lab.store.tasks(stranger, &filter, FIRST_PAGE).await.unwrap().total, 0);
    assert!(!lab.store.delete_task(stranger, task).await.unwrap());
    assert_eq!(lab.store.video(stranger, index, task.into()).await.unwrap(), None);
    assert!(!lab.store.delete_video(stranger, index, task.into()).await.unwrap());
    assert!(lab.store.video(lab.workspace, index, task.into()).await.unwrap().is_some());
}

async fn a_summary_counts_videos_and_their_length(lab: &Lab) {
    let (films, empty) = (lab.index("films").await, lab.index("empty").await);
    let one = lab.published(films, "a.mp4").await;
    lab.tick();
    lab.published(films, "b.mp4").await;
    let summary = lab.store.index(lab.workspace, films).await.unwrap().unwrap();
    assert_eq!((summary.video_count, summary.total_duration_s), (2, 25.0));
    assert_eq!(summary.index.updated_at, lab.now(), "what is in it changed");
    lab.store.delete_video(lab.workspace, films, one.into()).await.unwrap();
    let listed = lab.store.indexes(lab.workspace, &IndexFilter::default(), FIRST_PAGE).await.unwrap();
    let counts: Vec<_> = listed.rows.iter().map(|row| (row.index.id, row.video_count)).collect();
    assert_eq!(counts, [(films, 1), (empty, 0)]);
}

async fn indexes_are_filtered(lab: &Lab) {
    let engine = |name: &str, options: &[ModelOption]| EngineSpec {
        name: name.to_owned(),
        options: options.iter().copied().collect(),
    };
    let both = Index {
        engines: vec![
            engine("marengo2.6", &[ModelOption::Visual]),
            engine("pegasus1.1", &[ModelOption::Conversation]),
        ],
        ..lab.index_named("both")
    };
    lab.tick();
    let seen =
        Index { engines: vec![engine("marengo2.6", &[ModelOption::Visual])], ..lab.index_named("seen") };
    for index in [&both, &seen] {
        lab.store.insert_index(index).await.unwrap();
    }
    let any = IndexFilter::default;
    let since = Within { min: Some(seen.created_at), max: None };
    let until = Within { min: None, max: Some(both.created_at) };
    for (filter, expected) in [
        (any(), vec!["both", "seen"]),
        (IndexFilter { id: Some(seen.id), ..any() }, vec!["seen"]),
        (IndexFilter { name: Some("both".to_owned()), ..any() }, vec!["both"]),
        (IndexFilter { name: Some("bot".to_owned()), ..any() }, vec![]),
        (IndexFilter { options: vec![ModelOption::Visual], ..any() }, vec!["both", "seen"]),
        (
            IndexFilter { options: vec![ModelOption::Visual, ModelOption::Conversation], ..any() },
            vec!["both"],
        ),
        (IndexFilter { options: vec![ModelOption::TextInVideo], ..any() }, vec![]),
        (IndexFilter { family: Some(Family::Pegasus), ..any() }, vec!["both"]),
        (IndexFilter { family: Some(Family::Marengo), ..any() }, vec!["both", "seen"]),
        (IndexFilter { created_at: since, ..any() }, vec!["seen"]),
        (IndexFilter { updated_at: until, ..any() }, vec!["both"]),
    ] {
        let listed = lab.store.indexes(lab.workspace, &filter, FIRST_PAGE).await.unwrap();
        let names: Vec<&str> = listed.rows.iter().map(|row| row.index.name.as_str()).collect();
        assert_eq!(names, expected, "{filter:?}");
        assert_eq!(listed.total, expected.len() as u64, "{filter:?}");
    }
}

async fn a_list_is_paged_and_sorted(lab: &Lab) {
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.push(lab.index(&format!("index {number}")).await);
        // The last two are of one moment: the order stays that in which they were made.
        if number < 3 {
            lab.tick();
        }
    }
    lab.store.rename_index(lab.workspace, ids[0], "renamed", lab.tick()).await.unwrap();
    let page = async |page, sort_by, descending| {
        let paging = Paging { page, limit: 2, sort_by, descending };
        let listed = lab.store.indexes(lab.workspace, &IndexFilter::default(), paging).await.unwrap();
        assert_eq!(listed.total, 5);
        listed.rows.iter().map(|row| row.index.id).collect::<Vec<_>>()
    };
    assert_eq!(page(1, SortBy::CreatedAt, false).await, ids[..2]);
    assert_eq!(page(2, SortBy::CreatedAt, false).await, ids[2..4]);
    assert_eq!(page(3, SortBy::CreatedAt, false).await, ids[4..]);
    assert_eq!(page(4, SortBy::CreatedAt, false).await, []);
    assert_eq!(page(u64::MAX, SortBy::CreatedAt, false).await, []);
    assert_eq!(page(1, SortBy::CreatedAt, true).await, [ids[4], ids[3]]);
    assert_eq!(page(1, SortBy::UpdatedAt, true).await, [ids[0], ids[4]]);
}

async fn a_deleted_index_is_gone_with_all_that_is_in_it(lab: &Lab) {
    let (films, other) = (lab.index("films").await, lab.index("other").await);
    let videos = [lab.published(films, "a.mp4").await, lab.published(films, "b.mp4").await];
    let kept = lab.published(other, "a.mp4").await;
    let busy = lab.task(films, "c.mp4").await;
    let claim = lab.claim_of(busy).await;
    lab.task(films, "d.mp4").await;

    assert!(lab.store.delete_index(lab.workspace, films).await.unwrap());
    assert!(!lab.store.delete_index(lab.workspace, films).await.unwrap());
    assert_eq!(lab.store.index(lab.workspace, films).await.unwrap(), None);
    assert!(lab.is_stale(&claim).await);
    assert_eq!(lab.claim().await, None, "its tasks are not lent");
    for task in videos {
        assert_eq!(lab.store.task(lab.workspace, task).await.unwrap(), None);
        assert_eq!(lab.store.segments(task.into(), SegmentKind::Speech).await.unwrap(), []);
    }
    for kind in SegmentKind::ALL {
        assert_eq!(lab.store.vector_extent(films, kind).await.unwrap(), (0, 0));
    }
    let tasks = lab.store.tasks(lab.workspace, &TaskFilter::default(), FIRST_PAGE).await.unwrap();
    assert_eq!(tasks.rows.iter().map(|task| task.id).collect::<Vec<_>>(), [kept]);
    assert_eq!(lab.store.vector_extent(other, SegmentKind::Shot).await.unwrap().0, 2);
    lab.store.ping().await.unwrap();
}

async fn deleting_an_index_ends_the_transfers_into_it(lab: &Lab) {
    let (films, other) = (lab.index("films").await, lab.index("other").await);
    let id = lab.receiving().await;
    let tasks = [lab.new_task(films, "a.mp4"), lab.new_task(other, "a.mp4"), lab.new_task(films, "b.mp4")];
    lab.store.add_tasks(id, &tasks, lab.now()).await.unwrap();
    lab.store.accept_transfer(id, lab.now()).await.unwrap();

    lab.store.delete_index(lab.workspace, films).await.unwrap();
    let transfer = lab.transfer_now(id).await;
    assert_eq!(transfer.counts, Counts { validating: 1, ..Counts::default() });
    assert!(!transfer.is_over());
    lab.store.delete_index(lab.workspace, other).await.unwrap();
    let transfer = lab.transfer_now(id).await;
    assert_eq!(transfer.counts, Counts::default());
    assert!(transfer.is_over() && transfer.ended_at.is_some());
}
