//! Fetching over bad connections, over restarts, and of objects that change.

use std::time::Duration;

use telecine::fault::Code;
use telecine::index::ModelOption::Visual;
use telecine::transfer::Status;

use super::house::{House, PIECE, quick};
use super::media;

/// Not a video, but bytes enough to be fetched.
fn noise(bytes: usize) -> Vec<u8> {
    (0..bytes as u64).map(|n| (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_breaks_is_taken_up_where_it_broke() {
    let house = House::open().await;
    media::silent(&house.path("one.mp4"), "1280x720", 6);
    let size = std::fs::metadata(house.path("one.mp4")).unwrap().len();
    assert!(size > 400_000, "worth breaking: {size}");
    house.bucket.break_after(90_000, 4);
    let index = house.index("index", &[Visual]).await;
    house.ready(house.submit(index, "one.mp4").await).await;
    let moved = house.bucket.bytes_of("one.mp4");
    assert_eq!(moved, size, "nothing was read twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_stays_away_is_asked_a_few_times_and_then_told_of() {
    let mut config = quick();
    config.pipeline.max_attempts = 3;
    let house = House::with(config).await;
    std::fs::write(house.path("one.mp4"), noise(200_000)).unwrap();
    house.bucket.break_after(0, u32::MAX);
    let index = house.index("index", &[Visual]).await;
    let task = house.done(house.submit(index, "one.mp4").await).await;
    let fault = task.fault.expect("why it failed");
    assert_eq!((task.status, fault.code, task.attempts), (Status::Failed, Code::SourceUnavailable, 3));
    assert!(fault.value.unwrap().contains("connection reset"));
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_crash_a_fetch_goes_on_from_what_is_on_disk() {
    const SIZE: usize = 80 << 20;
    let mut config = quick();
    config.pipeline.range_bytes = 4 << 20;
    let mut house = House::idle(config).await;
    std::fs::write(house.path("large.mp4"), noise(SIZE)).unwrap();
    let index = house.index("index", &[Visual]).await;
    let task = house.submit(index, "large.mp4").await;
    house.bucket.slow_down(Duration::from_millis(1));
    house.start();
    let state = house.app.files.fetch_state(task);
    while !state.exists() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let mut house = house.after_a_crash().await;
    let before = house.bucket.bytes_of("large.mp4");
    assert!(before < SIZE as u64, "the crash came in the middle");
    house.bucket.slow_down(Duration::ZERO);
    house.start();
    let done = house.done(task).await;
    assert_eq!(done.fault.expect("it is no video").code, Code::UnsupportedFileType);
    let again = house.bucket.bytes_of("large.mp4") - before;
    let kept = 32 << 20;
    assert!(again <= (SIZE - kept) as u64, "{again} bytes were read after the crash");
    assert!(house.bucket.bytes_of("large.mp4") <= (SIZE + (32 << 20) + 5 * (4 << 20)) as u64 + PIECE as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_whole_is_not_fetched_again_after_a_crash() {
    let mut config = quick();
    config.pipeline.lease_s = 1;
    let mut house = House::idle(config).await;
    media::silent(&house.path("one.mp4"), "640x360", 20);
    let index = house.index("index", &[Visual]).await;
    let task = house.submit(index, "one.mp4").await;
    house.start();
    house.until(task, |task| task.status == Status::Indexing || task.status == Status::Ready).await;
    let mut house = house.after_a_crash().await;
    let before = house.bucket.bytes_of("one.mp4");
    house.start();
    house.ready(task).await;
    assert_eq!(house.bucket.bytes_of("one.mp4"), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_changes_is_read_anew_once() {
    let mut config = quick();
    config.pipeline.ranges_in_flight = 1;
    let house = House::with(config).await;
    media::silent(&house.path("new.mp4"), "640x360", 5);
    std::fs::write(house.path("one.mp4"), noise(2 << 20)).unwrap();
    house.bucket.slow_down(Duration::from_millis(5));
    let index = house.index("index", &[Visual]).await;
    let task = house.submit(index, "one.mp4").await;
    while house.bucket.bytes_of("one.mp4") == 0 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    std::fs::rename(house.path("new.mp4"), house.path("one.mp4")).unwrap();
    house.ready(task).await;
    let hash = blake3::hash(&std::fs::read(house.path("one.mp4")).unwrap()).to_hex().to_string();
    assert_eq!(house.task(task).await.content_hash, Some(hash), "all of it is of one version");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_keeps_changing_is_told_of() {
    let mut config = quick();
    config.pipeline.ranges_in_flight = 1;
    let house = House::with(config).await;
    std::fs::write(house.path("one.mp4"), noise(2 << 20)).unwrap();
    house.bucket.slow_down(Duration::from_millis(5));
    let index = house.index("index", &[Visual]).await;
    let task = house.submit(index, "one.mp4").await;
    let mut version = 0_usize;
    while !house.task(task).await.status.is_final() {
        version += 1;
        std::fs::write(house.path("next"), noise((2 << 20) + version)).unwrap();
        std::fs::rename(house.path("next"), house.path("one.mp4")).unwrap();
        tokio::time::sleep(Duration::from_millis(60)).await;
    }
    assert_eq!(house.task(task).await.fault.expect("why").code, Code::ObjectChanged);
}
