//! The same content enters an index once, and another index as well.

use telecine::index::ModelOption::Visual;
use telecine::transfer::{DuplicateBy, Status};

use super::house::House;
use super::media;

#[tokio::test(flavor = "multi_thread")]
async fn equal_content_is_skipped_in_its_index_and_taken_by_another() {
    let house = House::open().await;
    media::silent(&house.path("one.mp4"), "640x360", 5);
    std::fs::copy(house.path("one.mp4"), house.path("copy.mp4")).unwrap();
    let (first, second) = (house.index("first", &[Visual]).await, house.index("second", &[Visual]).await);
    let tasks = [house.submit(first, "one.mp4").await, house.submit(first, "copy.mp4").await];
    let other = house.submit(second, "copy.mp4").await;

    // Whichever came first has it; the other waited for it.
    let done = [house.done(tasks[0]).await, house.done(tasks[1]).await];
    let (ready, skipped) =
        if done[0].status == Status::Ready { (&done[0], &done[1]) } else { (&done[1], &done[0]) };
    assert_eq!((ready.status, skipped.status), (Status::Ready, Status::Skipped), "{done:#?}");
    let duplicate = skipped.duplicate.clone().expect("what it equals");
    assert_eq!((duplicate.video, duplicate.by), (ready.id.into(), DuplicateBy::Content));
    house.ready(other).await;
    assert!(skipped.stamp.is_some(), "the ledger knows which version it was");
    house.let_go(skipped.id).await;
    assert!(!house.app.files.task(skipped.id).exists());

    let key = ready.source.filename();
    let before = house.bucket.bytes_of(key);
    let again = house.done(house.submit(first, key).await).await;
    let duplicate = again.duplicate.expect("what it equals");
    assert_eq!((duplicate.video, duplicate.by), (ready.id.into(), DuplicateBy::Object));
    assert_eq!(house.bucket.bytes_of(key), before, "told by the ledger, without a byte");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_copies_wait_without_keeping_their_files() {
    let mut config = super::house::quick();
    config.pipeline.decodes = Some(1);
    let mut house = House::idle(config).await;
    media::silent(&house.path("one.mp4"), "640x360", 8);
    let index = house.index("index", &[Visual]).await;
    let mut tasks = Vec::new();
    for n in 0..6 {
        let key = format!("copy-{n}.mp4");
        std::fs::copy(house.path("one.mp4"), house.path(&key)).unwrap();
        tasks.push(house.submit(index, &key).await);
    }
    house.start();
    for task in &tasks[1..] {
        let waits = |task: &telecine::transfer::Task| task.waiting_for.is_some() || task.status.is_final();
        let task = house.until(*task, waits).await;
        if let Some(reason) = task.waiting_for {
            assert!(reason.contains("same content"), "{reason}");
            assert!(!house.app.files.fetched(task.id).exists(), "a copy that waits keeps no file");
        }
    }
    let mut ready = 0;
    for task in tasks {
        ready += u32::from(house.done(task).await.status == Status::Ready);
    }
    assert_eq!(ready, 1);
}
