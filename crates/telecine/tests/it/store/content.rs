//! Content in an index: taken once, visible at once, gone at once.

use telecine::queue::Stale;
use telecine::store::{ContentHolder, WordQuery};
use telecine::time::MediaTime;
use telecine::transfer::{Duplicate, DuplicateBy, Event, Status};
use telecine::video::SegmentKind;

use super::lab::{Lab, publication};

super::conformance!(
    a_published_video_is_there_with_all_that_belongs_to_it,
    a_stale_claim_publishes_nothing,
    content_is_taken_once,
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
