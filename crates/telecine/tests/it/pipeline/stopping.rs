//! Work that ends early: cancelled, lost to another worker, or given back by a server that stops.

use std::time::Duration;

use telecine::fault::Code;
use telecine::index::ModelOption::{TextInVideo, Visual};
use telecine::transfer::{Event, Status};

use super::house::{House, quick};
use super::media;

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_task_is_dropped_in_the_middle_and_leaves_nothing() {
    let mut config = quick();
    config.pipeline.lease_s = 3;
    let house = House::with(config).await;
    media::silent(&house.path("one.mp4"), "1280x720", 120);
    let index = house.index("index", &[Visual, TextInVideo]).await;
    let task = house.new_task(index, "one.mp4");
    let transfer = house.transfer(std::slice::from_ref(&task)).await;
    house.until(task.id, |task| task.status == Status::Indexing).await;
    assert_eq!(house.cancel(transfer).await, Some(1));
    house.let_go(task.id).await;
    let left = house.task(task.id).await;
    assert_eq!((left.status, left.fault.expect("why").code), (Status::Failed, Code::TaskCancelled));
    assert!(house.video(index, task.id.into()).await.is_none());
    assert!(!house.app.files.task(task.id).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_whose_claim_is_lost_writes_nothing() {
    let mut house = House::idle(quick()).await;
    media::silent(&house.path("one.mp4"), "640x360", 30);
    let index = house.index("index", &[Visual, TextInVideo]).await;
    let task = house.submit(index, "one.mp4").await;
    house.start();
    house.until(task, |task| task.status == Status::Indexing).await;
    let (store, now) = (&house.app.store, house.app.clock.now());
    assert_eq!(store.break_claims(now).await.unwrap(), 1);
    let other = store.claim_next(now, Duration::from_secs(600)).await.unwrap().expect("it is due");
    assert_eq!(other.task, task);
    house.let_go(task).await;
    assert_eq!(house.task(task).await.status, Status::Validating, "it is the other worker's now");
    assert!(house.video(index, task.into()).await.is_none());
    let given_back = store.change_task(&other, &Event::Released.into(), house.app.clock.now()).await.unwrap();
    assert_eq!(given_back, Ok(()));
    house.app.queue.wake();
    house.ready(task).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_gives_its_tasks_back_and_the_next_one_goes_on() {
    let mut house = House::idle(quick()).await;
    media::silent(&house.path("one.mp4"), "640x360", 20);
    let index = house.index("index", &[Visual, TextInVideo]).await;
    let task = house.submit(index, "one.mp4").await;
    house.start();
    house.until(task, |task| task.status == Status::Indexing).await;
    house.stop().await;
    let left = house.task(task).await;
    assert_eq!((left.status, left.fault), (Status::Validating, None));
    let mut house = house.after_a_crash().await;
    house.start();
    house.ready(task).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_that_no_task_needs_are_removed_at_the_start() {
    let house = House::idle(quick()).await;
    let index = house.index("index", &[Visual]).await;
    let waiting = house.submit(index, "waiting.mp4").await;
    let work = house.app.files.work();
    let [nobodys, unknown, needed] =
        [work.join("6560f00000000000000000aa"), work.join("not-ours"), house.app.files.task(waiting)];
    for folder in [&nobodys, &unknown, &needed] {
        std::fs::create_dir_all(folder).unwrap();
    }
    let _house = house.after_a_crash().await;
    assert!(!nobodys.exists());
    assert!(unknown.exists(), "what is not ours by name is left alone");
    assert!(needed.exists(), "the work on it is not over");
}
