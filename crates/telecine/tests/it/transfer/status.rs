//! The status of a transfer, told from store and board.

use std::time::Duration;

use serde_json::{Value, json};
use telecine::fault::{Code, Fault};
use telecine::pipeline::{ProgressBoard, TaskProgress};
use telecine::time::Clock;
use telecine::transfer::status::status_at;
use telecine::transfer::{Event, Stage};

use super::World;

#[tokio::test]
async fn a_transfer_in_the_middle_tells_stages_faults_and_time_left() {
    let world = World::new().await;
    let manifest = Value::Array((0..20).map(|n| world.entry(&format!("{n}.mp4"))).collect());
    let submission = world.submit(&manifest).await.unwrap();
    let id = submission.transfer.id;
    let board = ProgressBoard::default();
    for n in 0..5 {
        world.clock.advance(Duration::from_secs(10));
        let code = if n == 0 { Code::ObjectNotExists } else { Code::VideoFileBroken };
        world.work(Event::Failed(Box::new(Fault::new(code))).into()).await;
    }
    let (now, lease) = (world.clock.now(), Duration::from_secs(60));
    let claim = world.store.claim_next(now, lease).await.unwrap().unwrap();
    for event in [Event::Admitted, Event::IndexingStarted] {
        world.store.change_task(&claim, &event.into(), now).await.unwrap().unwrap();
    }
    let progress = TaskProgress {
        stage: Stage::Index,
        fetched_bytes: 50,
        size_bytes: 50,
        indexed_s: 15.0,
        duration_s: 60.0,
        transfer: Some(id),
    };
    board.set(claim.task, progress);

    let told = status_at(&*world.store, &board, now, world.workspace, id).await.unwrap().unwrap();
    let told = serde_json::to_value(told).unwrap();
    assert_eq!(
        told["counts"],
        json!({"validating": 14, "pending": 0, "queued": 0, "indexing": 1, "ready": 0, "failed": 5, "skipped": 0})
    );
    assert_eq!(
        (&told["total"], &told["is_finished"], &told["state"]),
        (&json!(20), &json!(false), &json!("accepted"))
    );
    assert_eq!(
        told["stages"],
        json!({
            "fetch": {"tasks": 0, "done": 6, "done_bytes": 0, "total_bytes": 0},
            "validate": {"tasks": 0, "done": 6},
            "index": {"tasks": 1, "done": 5, "done_s": 15.0, "total_s": 60.0},
            "publish": {"tasks": 0, "done": 5},
        })
    );
    assert_eq!(
        told["in_hand"],
        json!([{"_id": claim.task, "filename": "5.mp4", "stage": "index", "fraction": 0.25}])
    );
    let faults = told["faults"].as_array().unwrap();
    assert_eq!((&faults[0]["code"], &faults[0]["count"]), (&json!("video_file_broken"), &json!(4)));
    assert_eq!((&faults[1]["code"], &faults[1]["count"]), (&json!("object_not_exists"), &json!(1)));
    assert!(faults[1]["remedy"].as_str().unwrap().starts_with("Check bucket and key"));
    // Five in fifty seconds, and 14.75 to go: about 148 s, told as a range.
    let (low, high) =
        (told["remain_seconds"]["low"].as_u64().unwrap(), told["remain_seconds"]["high"].as_u64().unwrap());
    assert!((100..148).contains(&low) && (148..300).contains(&high), "{low} to {high}");
}

#[tokio::test]
async fn a_transfer_that_is_finished_says_so() {
    let world = World::new().await;
    let id = world.submit(&json!([world.entry("one.mp4")])).await.unwrap().transfer.id;
    world.work(Event::Failed(Box::new(Fault::new(Code::ObjectNotExists))).into()).await;
    let board = ProgressBoard::default();
    let told =
        status_at(&*world.store, &board, world.clock.now(), world.workspace, id).await.unwrap().unwrap();
    assert!(told.is_finished && told.ended_at.is_some());
    assert_eq!((told.stages.fetch.done, told.stages.publish.done, told.remain_seconds), (1, 1, None));
}

#[tokio::test]
async fn another_workspace_sees_no_status() {
    let world = World::new().await;
    let id = world.submit(&json!([world.entry("one.mp4")])).await.unwrap().transfer.id;
    let stranger = telecine::ids::WorkspaceId::generate(world.clock.now());
    let board = ProgressBoard::default();
    assert_eq!(status_at(&*world.store, &board, world.clock.now(), stranger, id).await.unwrap(), None);
}
