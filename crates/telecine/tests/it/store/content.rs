//! Content in an index: taken once, visible at once, gone at once.

use telecine::fault::Code;
use telecine::queue::Stale;
use telecine::store::{ContentHolder, TaskChange, VideoFilter, WordQuery};
use telecine::time::MediaTime;
use telecine::transfer::{Duplicate, DuplicateBy, Event, NewTask, ObjectRef, ObjectStamp, Scheme, Status};
use telecine::video::{Publication, SegmentKind};

use super::lab::{FIRST_PAGE, Lab, failed, object, publication, stamp};

super::conformance!(
    a_video_of_any_name_is_published,
    a_published_video_is_there_with_all_that_belongs_to_it,
    a_stale_claim_publishes_nothing,
    content_is_taken_once,
    a_holder_that_failed_loses_the_content,
    a_task_that_finds_other_content_lets_go_of_the_first,
    other_indexes_may_have_the_same_content,
    content_that_another_holds_is_not_published,
    content_that_may_be_there_twice_is_in_nobodys_way,
    an_object_is_known_by_its_version,
    an_object_that_was_skipped_is_known_by_the_video_that_it_equals,
    a_deleted_video_leaves_nothing,
);

fn words(text: &str) -> WordQuery {
    WordQuery { phrases: vec![text.split(' ').map(str::to_owned).collect()], all: true }
}

async fn a_published_video_is_there_with_all_that_belongs_to_it(lab: &Lab) {
    let index = lab.index("films").await;
    let task = lab.published(index, "a.mp4").await;
    assert_eq!(lab.status(task).await, Status::Ready);
    let video = lab.store.video(lab.workspace, index, task.into()).await.unwrap().unwrap();
    assert_eq!(video.address, "s3://archive/a.mp4");
    assert_eq!(video.content_hash, "hash of a.mp4");
    assert_eq!(video.meta, publication(task, "a.mp4").meta);

    let said = lab.store.segments(video.id, SegmentKind::Speech).await.unwrap();
    assert_eq!(said.iter().map(|s| s.text.as_str()).collect::<Vec<_>>(), ["A red car drives away"]);
    let found = lab.store.match_words(index, SegmentKind::Speech, &words("red car"), 10).await.unwrap();
    assert_eq!(found.iter().map(|found| &found.segment).collect::<Vec<_>>(), [&said[0]]);
    assert!(found[0].score > 0.0);

    assert_eq!(lab.store.vector_extent(index, SegmentKind::Shot).await.unwrap().0, 2);
    let vectors = lab.store.vectors_after(index, SegmentKind::Shot, 0, 10).await.unwrap();
    let values: Vec<Vec<f32>> =
        vectors.iter().map(|row| row.values.iter().map(|value| value.to_f32()).collect()).collect();
    assert_eq!(values, [[1.0, 0.0], [0.0, 1.0]]);
    let numbers: Vec<i64> = vectors.iter().map(|row| row.id).collect();
    let of_video = lab.store.vectors_of_videos(index, SegmentKind::Shot, &[video.id]).await.unwrap();
    assert_eq!(of_video, numbers);
    let placed = lab.store.segments_of_vectors(&numbers).await.unwrap();
    assert_eq!(placed.iter().map(|(id, ..)| *id).collect::<Vec<_>>(), numbers);
    assert!(placed.iter().all(|(_, at, shot)| *at == MediaTime::ZERO && shot.kind == SegmentKind::Shot));

    let at = |millis| Some(MediaTime::from_millis(millis));
    for (wanted, jpeg) in
        [(None, b"middle".to_vec()), (at(0), b"first".to_vec()), (at(9_000), b"middle".to_vec())]
    {
        assert_eq!(lab.store.thumbnail(video.id, wanted).await.unwrap().unwrap().1, jpeg);
    }
}

async fn a_stale_claim_publishes_nothing(lab: &Lab) {
    let index = lab.index("films").await;
    let task = lab.task(index, "a.mp4").await;
    let claim = lab.claim_of(task).await;
    lab.store.change_task(&claim, &Event::Released.into(), lab.now()).await.unwrap().unwrap();
    let published = lab.store.publish(&claim, &publication(task, "a.mp4"), lab.now()).await.unwrap();
    assert_eq!(published, Err(Stale));
    assert_eq!(lab.store.vector_extent(index, SegmentKind::Shot).await.unwrap(), (0, 0));
    assert_eq!(lab.status(task).await, Status::Validating);
}

async fn content_is_taken_once(lab: &Lab) {
    let index = lab.index("films").await;
    let (one, other) = (lab.task(index, "a.mp4").await, lab.task(index, "b.mp4").await);
    let (first, second) = (lab.claim_of(one).await, lab.claim_of(other).await);
    let hold = |claim| lab.store.hold_content(claim, "hash of a.mp4");
    assert_eq!(hold(&first).await.unwrap(), Ok(ContentHolder::Mine));
    assert_eq!(hold(&first).await.unwrap(), Ok(ContentHolder::Mine));
    assert_eq!(hold(&second).await.unwrap(), Ok(ContentHolder::InProgress(one)));
    lab.publish(&first, &publication(one, "a.mp4")).await;
    assert_eq!(hold(&second).await.unwrap(), Ok(ContentHolder::Video(one.into())));
    let duplicate = Duplicate { video: one.into(), by: DuplicateBy::Content };
    let change = Event::Duplicate(duplicate.clone()).into();
    lab.store.change_task(&second, &change, lab.now()).await.unwrap().unwrap();
    let task = lab.task_now(other).await;
    assert_eq!((task.status, task.duplicate), (Status::Skipped, Some(duplicate)));
}

async fn a_deleted_video_leaves_nothing(lab: &Lab) {
    let index = lab.index("films").await;
    let task = lab.published(index, "a.mp4").await;
    assert!(lab.store.delete_video(lab.workspace, index, task.into()).await.unwrap());
    assert!(!lab.store.delete_video(lab.workspace, index, task.into()).await.unwrap());
    assert_eq!(lab.store.vector_extent(index, SegmentKind::Shot).await.unwrap(), (0, 0));
    let found = lab.store.match_words(index, SegmentKind::Speech, &words("red car"), 10).await.unwrap();
    assert_eq!(found, []);
    assert_eq!(lab.store.thumbnail(task.into(), None).await.unwrap(), None);
    assert_eq!(lab.status(task).await, Status::Ready, "the task stays");
    // The same content may be taken anew.
    lab.published(index, "a.mp4").await;
}

async fn a_holder_that_failed_loses_the_content(lab: &Lab) {
    let index = lab.index("films").await;
    let (one, other) = (lab.task(index, "a.mp4").await, lab.task(index, "b.mp4").await);
    let (first, second) = (lab.claim_of(one).await, lab.claim_of(other).await);
    assert_eq!(lab.store.hold_content(&first, "same").await.unwrap(), Ok(ContentHolder::Mine));
    lab.happens(&first, failed(Code::EngineFailed)).await;
    assert_eq!(lab.store.hold_content(&second, "same").await.unwrap(), Ok(ContentHolder::Mine));
    // One that is gone loses it too.
    lab.happens(&second, failed(Code::EngineFailed)).await;
    lab.store.delete_task(lab.workspace, other).await.unwrap();
    let third = lab.claim_of(lab.task(index, "c.mp4").await).await;
    assert_eq!(lab.store.hold_content(&third, "same").await.unwrap(), Ok(ContentHolder::Mine));
}

async fn a_task_that_finds_other_content_lets_go_of_the_first(lab: &Lab) {
    let index = lab.index("films").await;
    let (one, other) = (lab.task(index, "a.mp4").await, lab.task(index, "b.mp4").await);
    let (first, second) = (lab.claim_of(one).await, lab.claim_of(other).await);
    for hash in ["before", "after"] {
        assert_eq!(lab.store.hold_content(&first, hash).await.unwrap(), Ok(ContentHolder::Mine));
    }
    assert_eq!(lab.store.hold_content(&second, "before").await.unwrap(), Ok(ContentHolder::Mine));
    assert_eq!(lab.store.hold_content(&second, "after").await.unwrap(), Ok(ContentHolder::InProgress(one)));
}

async fn other_indexes_may_have_the_same_content(lab: &Lab) {
    let (films, other) = (lab.index("films").await, lab.index("other").await);
    let (one, two) = (lab.published(films, "a.mp4").await, lab.published(other, "a.mp4").await);
    for (index, task) in [(films, one), (other, two)] {
        let found = lab.store.match_words(index, SegmentKind::Speech, &words("red car"), 10).await.unwrap();
        assert_eq!(found.iter().map(|found| found.segment.video).collect::<Vec<_>>(), [task.into()]);
    }
}

async fn content_that_another_holds_is_not_published(lab: &Lab) {
    let index = lab.index("films").await;
    lab.published(index, "a.mp4").await;
    let task = lab.task(index, "b.mp4").await;
    let claim = lab.claim_of(task).await;
    let same = publication(task, "a.mp4");
    let error = lab.store.publish(&claim, &same, lab.now()).await.unwrap_err();
    assert!(error.as_fault().is_none(), "a mistake of the pipeline");
    let other = publication(lab.task(index, "c.mp4").await, "c.mp4");
    lab.store.publish(&claim, &other, lab.now()).await.expect_err("the claim is on another task");
    let videos = lab.store.videos(lab.workspace, index, &VideoFilter::default(), FIRST_PAGE).await.unwrap();
    assert_eq!(videos.total, 1);
    assert_eq!(lab.store.vector_extent(index, SegmentKind::Shot).await.unwrap().0, 2);
    assert_eq!(lab.status(task).await, Status::Validating);
}

async fn content_that_may_be_there_twice_is_in_nobodys_way(lab: &Lab) {
    let index = lab.index("films").await;
    let again = async |key: &str| {
        let new = NewTask { allows_duplicate: true, ..lab.new_task(index, key) };
        lab.store.insert_task(lab.workspace, &new, lab.now()).await.unwrap();
        new.id
    };
    let (first, second) = (again("first.mp4").await, again("second.mp4").await);
    let claims = [lab.claim_of(first).await, lab.claim_of(second).await];
    for claim in &claims {
        assert_eq!(lab.store.hold_content(claim, "same").await.unwrap(), Ok(ContentHolder::Mine));
    }
    // Who does not allow it waits for any of them.
    let plain = lab.task(index, "plain.mp4").await;
    let waiting = lab.claim_of(plain).await;
    let told = lab.store.hold_content(&waiting, "same").await.unwrap();
    assert!(
        matches!(told, Ok(ContentHolder::InProgress(task)) if task == first || task == second),
        "{told:?}"
    );
    for (claim, task) in claims.iter().zip([first, second]) {
        let same = Publication { content_hash: "same".to_owned(), ..publication(task, "a.mp4") };
        assert_eq!(lab.store.publish(claim, &same, lab.now()).await.unwrap(), Ok(()));
        let video = lab.store.video(lab.workspace, index, task.into()).await.unwrap().unwrap();
        assert_eq!(video.content_hash, "same", "as it is");
        assert_eq!(lab.task_now(task).await.content_hash.as_deref(), Some("same"));
    }
    lab.store.delete_video(lab.workspace, index, first.into()).await.unwrap();
    let told = lab.store.hold_content(&waiting, "same").await.unwrap();
    assert_eq!(told, Ok(ContentHolder::Video(second.into())));
    lab.store.delete_video(lab.workspace, index, second.into()).await.unwrap();
    assert_eq!(lab.store.hold_content(&waiting, "same").await.unwrap(), Ok(ContentHolder::Mine));
    // And it is in nobody's way, whoever was first.
    let third = lab.claim_of(again("third.mp4").await).await;
    assert_eq!(lab.store.hold_content(&third, "same").await.unwrap(), Ok(ContentHolder::Mine));
}

async fn an_object_is_known_by_its_version(lab: &Lab) {
    let (films, other) = (lab.index("films").await, lab.index("other").await);
    let task = lab.task(films, "a.mp4").await;
    let claim = lab.claim_of(task).await;
    lab.changes(&claim, TaskChange { stamp: Some(stamp("v1")), ..Event::Admitted.into() }).await;
    let find = async |index, object: ObjectRef, stamp: ObjectStamp| {
        lab.store.video_of_object(index, &object, &stamp).await.unwrap()
    };
    assert_eq!(find(films, object("a.mp4"), stamp("v1")).await, None, "not yet ready");
    lab.publish(&claim, &publication(task, "a.mp4")).await;
    assert_eq!(find(films, object("a.mp4"), stamp("v1")).await, Some(task.into()));
    let larger = ObjectStamp { size_bytes: 1_001, ..stamp("v1") };
    let elsewhere = ObjectRef { bucket: "elsewhere".to_owned(), ..object("a.mp4") };
    let in_folder = ObjectRef { scheme: Scheme::Folder, ..object("a.mp4") };
    for (index, object, stamp) in [
        (other, object("a.mp4"), stamp("v1")),
        (films, object("b.mp4"), stamp("v1")),
        (films, object("a.mp4"), stamp("v2")),
        (films, object("a.mp4"), larger),
        (films, elsewhere, stamp("v1")),
        (films, in_folder, stamp("v1")),
    ] {
        let told = find(index, object.clone(), stamp.clone()).await;
        assert_eq!(told, None, "{index} {object:?} {stamp:?}");
    }
    lab.store.delete_video(lab.workspace, films, task.into()).await.unwrap();
    assert_eq!(find(films, object("a.mp4"), stamp("v1")).await, None, "its video is gone");
}

async fn an_object_that_was_skipped_is_known_by_the_video_that_it_equals(lab: &Lab) {
    let index = lab.index("films").await;
    let video = lab.published(index, "a.mp4").await.into();
    let task = lab.task(index, "copy of a.mp4").await;
    let claim = lab.claim_of(task).await;
    let skipped = Event::Duplicate(Duplicate { video, by: DuplicateBy::Content });
    lab.changes(&claim, TaskChange { stamp: Some(stamp("v1")), ..skipped.into() }).await;
    let find = |etag| {
        let (object, stamp) = (object("copy of a.mp4"), stamp(etag));
        async move { lab.store.video_of_object(index, &object, &stamp).await.unwrap() }
    };
    assert_eq!(find("v1").await, Some(video));
    assert_eq!(find("v2").await, None);
    // A store without etags cannot tell versions.
    let task = lab.task(index, "other").await;
    let claim = lab.claim_of(task).await;
    let skipped = Event::Duplicate(Duplicate { video, by: DuplicateBy::Content });
    lab.changes(&claim, TaskChange { stamp: Some(stamp("")), ..skipped.into() }).await;
    assert_eq!(lab.store.video_of_object(index, &object("other"), &stamp("")).await.unwrap(), None);
}

async fn a_video_of_any_name_is_published(lab: &Lab) {
    let index = lab.index("films").await;
    for (number, name) in
        ["nul\0.mp4", "\u{1}\u{2}.mp4", "'\"\\.mp4", "\u{ffff}\u{1f3ac}.mp4"].into_iter().enumerate()
    {
        let task = lab.task(index, name).await;
        let claim = lab.claim_of(task).await;
        let meta = super::lab::meta(name);
        let learnt = TaskChange { meta: Some(meta.clone()), ..Event::Admitted.into() };
        lab.changes(&claim, learnt).await;
        lab.publish(&claim, &Publication { meta, ..publication(task, &number.to_string()) }).await;
        let video = lab.store.video(lab.workspace, index, task.into()).await.unwrap().expect("it is there");
        let shown = video.meta.filename.replace(' ', "\0");
        assert_eq!(shown, name.replace(' ', "\0"));
    }
}
