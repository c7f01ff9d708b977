//! Reports of a transfer with tasks of every kind.

use std::time::Duration;

use serde_json::{Value, json};
use telecine::fault::{Code, Fault};
use telecine::ids::TransferId;
use telecine::store::TaskChange;
use telecine::time::Clock;
use telecine::transfer::report::{ReportFormat, write_report_of};
use telecine::transfer::{Duplicate, DuplicateBy, Event, ObjectStamp, VideoMeta};
use tokio::sync::mpsc;

use super::World;

impl World {
    async fn report(&self, id: TransferId, format: ReportFormat) -> Option<String> {
        let (out, mut parts) = mpsc::channel::<bytes::Bytes>(2);
        let collect = async {
            let mut text = Vec::new();
            while let Some(part) = parts.recv().await {
                text.extend_from_slice(&part);
            }
            String::from_utf8(text).unwrap()
        };
        let (found, text) =
            tokio::join!(write_report_of(&*self.store, self.workspace, id, format, out), collect);
        found.unwrap().then_some(text)
    }

    /// Claims the next task and makes the change.
    pub(super) async fn work(&self, change: TaskChange) {
        let now = self.clock.now();
        let claim =
            self.store.claim_next(now, Duration::from_secs(60)).await.unwrap().expect("a task is due");
        self.store.change_task(&claim, &change, now).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn every_task_is_in_every_format_with_its_reason() {
    let world = World::new().await;
    let keys = ["=cmd|' calc'!A0.mp4", "two, \"quoted\".mp4", "three.mp4"];
    let manifest = Value::Array(keys.iter().map(|key| world.entry(key)).collect());
    let id = world.submit(&manifest).await.unwrap().transfer.id;
    let fault = Fault::new(Code::VideoResolutionTooLow).value("512x288 pixels");
    let meta = VideoMeta {
        filename: "x".into(),
        duration_s: 61.5,
        fps: 25.0,
        width: 512,
        height: 288,
        size_bytes: 7,
    };
    world
        .work(TaskChange {
            event: Event::Failed(Box::new(fault.clone())),
            stamp: Some(ObjectStamp { etag: "e".into(), size_bytes: 7 }),
            content_hash: None,
            meta: Some(meta),
        })
        .await;
    let equal = telecine::ids::VideoId::generate(world.clock.now());
    world.work(Event::Duplicate(Duplicate { video: equal, by: DuplicateBy::Object }).into()).await;

    let json: Value = serde_json::from_str(&world.report(id, ReportFormat::Json).await.unwrap()).unwrap();
    let rows = json.as_array().unwrap();
    assert_eq!(rows.len(), 3);
    assert_eq!(rows[0]["object"], json!(format!("folder://harbour/{}", keys[0])));
    assert_eq!(rows[0]["error"], serde_json::to_value(&fault).unwrap());
    assert_eq!((&rows[0]["size_bytes"], &rows[0]["duration"]), (&json!(7), &json!(61.5)));
    assert_eq!((&rows[1]["status"], &rows[1]["duplicate_of"]), (&json!("skipped"), &json!(equal)));
    assert_eq!((&rows[2]["status"], &rows[2]["attempts"]), (&json!("validating"), &json!(0)));

    let lines = world.report(id, ReportFormat::Jsonl).await.unwrap();
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(&lines, rows);

    let csv = world.report(id, ReportFormat::Csv).await.unwrap();
    let mut lines = csv.split("\r\n");
    assert!(lines.next().unwrap().starts_with("_id,index_id,object,filename,status,attempts,error_code,"));
    let first = lines.next().unwrap();
    assert!(first.contains(",'=cmd|' calc'!A0.mp4,failed,1,video_resolution_too_low,"), "{first}");
    assert!(lines.next().unwrap().contains(",\"two, \"\"quoted\"\".mp4\",skipped,"));
    assert_eq!(csv.matches("\r\n").count(), 4);
}

#[tokio::test]
async fn a_long_report_is_whole_and_in_order() {
    let world = World::new().await;
    let manifest = Value::Array((0..1_234).map(|n| world.entry(&format!("{n}.mp4"))).collect());
    let id = world.submit(&manifest).await.unwrap().transfer.id;
    let json: Vec<Value> =
        serde_json::from_str(&world.report(id, ReportFormat::Json).await.unwrap()).unwrap();
    assert_eq!(json.len(), 1_234);
    assert!(json.iter().enumerate().all(|(n, row)| row["filename"] == format!("{n}.mp4")));
}

#[tokio::test]
async fn there_is_no_report_of_a_transfer_that_is_not_there() {
    let world = World::new().await;
    let id = TransferId::generate(world.clock.now());
    for format in [ReportFormat::Json, ReportFormat::Jsonl, ReportFormat::Csv] {
        assert_eq!(world.report(id, format).await, None);
    }
}
