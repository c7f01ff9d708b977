//! Manifests: in all formats, with captions, of a bucket of any size.

use bytes::Bytes;
use serde_json::{Value, json};
use telecine::fault::Code;
use telecine::ids::IndexId;
use telecine::integration::{
    Filters, ManifestCount, ManifestFormat, ManifestRequest, ObjectFilter, ObjectState,
};
use telecine::time::Timestamp;
use tokio::sync::mpsc;

use super::sync::{Bucket, Desk, Objects};
use crate::support::vaults::vault;

fn index() -> IndexId {
    IndexId::generate(Timestamp::from_millis(0))
}

async fn written(desk: &Desk, request: &ManifestRequest) -> (String, usize) {
    let (out, mut pieces) = mpsc::channel::<Bytes>(1);
    let vault = vault();
    let integrations = desk.integrations(&vault);
    let reading = async {
        let (mut text, mut largest) = (Vec::new(), 0);
        while let Some(piece) = pieces.recv().await {
            largest = largest.max(piece.len());
            text.extend_from_slice(&piece);
        }
        (String::from_utf8(text).expect("text"), largest)
    };
    let writing = integrations.write_manifest(desk.workspace, desk.id, request, out);
    let (done, read) = tokio::join!(writing, reading);
    done.expect("a manifest");
    read
}

async fn desk(keys: &[&str]) -> Desk {
    let objects: Objects = keys.iter().map(|key| (key.to_string(), "1".to_owned())).collect();
    let desk = Desk::new(Bucket::new(1000, true, objects)).await;
    desk.synchronize().await.expect("a listing");
    desk
}

#[tokio::test]
async fn captions_beside_videos_go_with_them() {
    let desk = desk(&[
        "a-b.mp4",
        "a-b.srt",
        "a.mp4",
        "a.vtt",
        "a/x.mp4",
        "b.de.srt",
        "b.mp4",
        "c.en-US.vtt",
        "c.mov",
        "c.srt",
        "d.mp4",
        "deep/d.srt",
        "notes.txt",
        "\"q\", r.mp4",
    ])
    .await;
    let request = ManifestRequest::new(index(), "en");
    let (text, _) = written(&desk, &request).await;
    let entries: Vec<Value> = serde_json::from_str(&text).expect("JSON");
    let address = |key: &str| format!("folder://simulated/{key}");
    let pairs = [
        ("\"q\", r.mp4", None),
        ("a-b.mp4", Some("a-b.srt")),
        ("a.mp4", Some("a.vtt")),
        ("a/x.mp4", None),
        ("b.mp4", None),
        ("c.mov", Some("c.en-US.vtt")),
        ("d.mp4", None),
    ];
    let expected: Vec<Value> = pairs
        .iter()
        .map(|(video, captions)| {
            let mut entry = json!({"index_id": request.index, "language": "en", "object": address(video)});
            if let Some(captions) = captions {
                entry["transcription"] = address(captions).into();
            }
            entry
        })
        .collect();
    assert_eq!(entries, expected);
    assert_eq!(text.lines().count(), 9, "a line for each, for those who edit it");

    let lines = ManifestRequest { format: ManifestFormat::Jsonl, ..request.clone() };
    let (text, _) = written(&desk, &lines).await;
    let told: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(told, expected);

    let table = ManifestRequest { format: ManifestFormat::Csv, ..request.clone() };
    let (text, _) = written(&desk, &table).await;
    let rows: Vec<&str> = text.split_terminator("\r\n").collect();
    assert_eq!(rows[0], "index_id,language,object,transcription");
    assert_eq!(rows[1], format!("{},en,\"folder://simulated/\"\"q\"\", r.mp4\",", request.index));
    assert_eq!(rows[3], format!("{},en,folder://simulated/a.mp4,folder://simulated/a.vtt", request.index));
    assert_eq!(rows.len(), 8);

    let vault = vault();
    let count = desk.integrations(&vault).count_manifest(desk.workspace, desk.id, &request).await;
    assert_eq!(count.unwrap(), ManifestCount { count: 7, with_transcription: 3, bytes: 7_000 });
    let without = ManifestRequest { captions: false, ..request };
    assert!(!written(&desk, &without).await.0.contains("transcription"));
}

#[tokio::test]
async fn filters_and_states_choose_the_videos() {
    let desk = desk(&["a/1.mp4", "a/2.mov", "b/1.mp4", "b/1.srt"]).await;
    let of = async |objects: ObjectFilter| {
        let request = ManifestRequest { objects, ..ManifestRequest::new(index(), "en") };
        let entries: Vec<Value> = serde_json::from_str(&written(&desk, &request).await.0).expect("JSON");
        entries.iter().map(|entry| entry["object"].as_str().unwrap()[19..].to_owned()).collect::<Vec<_>>()
    };
    let globs = Filters { include: vec!["**/*.mp4".to_owned()], ..Filters::default() };
    let rules = Some(globs.rules().unwrap());
    assert_eq!(of(ObjectFilter { rules, ..ObjectFilter::default() }).await, ["a/1.mp4", "b/1.mp4"]);
    let prefix = Some("a/".to_owned());
    assert_eq!(of(ObjectFilter { prefix, ..ObjectFilter::default() }).await, ["a/1.mp4", "a/2.mov"]);
    assert!(of(ObjectFilter { state: ObjectState::Indexed, ..ObjectFilter::default() }).await.is_empty());
    let none: Vec<String> =
        of(ObjectFilter { prefix: Some("z".to_owned()), ..ObjectFilter::default() }).await;
    assert!(none.is_empty(), "and it is an empty array");

    let vault = vault();
    let (out, _pieces) = mpsc::channel::<Bytes>(1);
    let odd = ManifestRequest::new(index(), "English, please");
    let error =
        desk.integrations(&vault).write_manifest(desk.workspace, desk.id, &odd, out).await.unwrap_err();
    assert_eq!(error.as_fault().map(|fault| fault.code), Some(Code::ParameterInvalid));
}

#[tokio::test]
async fn a_manifest_comes_in_pieces_however_long_it_is() {
    let keys: Vec<String> = (0..4_000)
        .flat_map(|number| {
            [format!("{number:05}.mp4"), format!("{number:05}.en.srt"), format!("{number:05}.de.srt")]
        })
        .collect();
    let desk = desk(&keys.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let (text, largest) = written(&desk, &ManifestRequest::new(index(), "en")).await;
    let entries: Vec<Value> = serde_json::from_str(&text).expect("JSON");
    assert_eq!(entries.len(), 4_000);
    let is_paired =
        |entry: &Value| entry["transcription"].as_str().is_some_and(|key| key.ends_with(".en.srt"));
    assert!(entries.iter().all(is_paired), "beyond one page of captions too");
    assert!(largest < text.len() / 3, "{largest} of {} bytes at once", text.len());
}
