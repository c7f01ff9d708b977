//! What a dry run says of each entry, and that it changes nothing.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};
use telecine::fault::{Code, Result};
use telecine::integration::Integration;
use telecine::source::{ByteStream, ObjectInfo, Page, Source, SourceError, SourceErrorKind, Sources};
use telecine::transfer::plan::{PlanEntry, PlanSummary, Planner, Verdict};
use tokio::sync::mpsc;

use super::World;

impl World {
    fn planner(&self, sources: Arc<dyn Sources>) -> Planner {
        Planner {
            store: self.store.clone(),
            sources,
            languages: vec!["en".to_owned()],
            max_bytes: 64 << 20,
            scratch: self.files.incoming(),
        }
    }

    async fn plan(&self, manifest: &Value) -> Result<(Vec<PlanEntry>, PlanSummary)> {
        plan(&self.planner(self.sources.clone()), self, manifest).await
    }
}

async fn plan(planner: &Planner, world: &World, manifest: &Value) -> Result<(Vec<PlanEntry>, PlanSummary)> {
    let (out, mut planned) = mpsc::channel(4);
    let manifest = std::io::Cursor::new(manifest.to_string());
    let collect = async {
        let mut entries = Vec::new();
        while let Some(entry) = planned.recv().await {
            entries.push(entry);
        }
        entries
    };
    let (summary, entries) = tokio::join!(planner.plan(world.workspace, manifest, out), collect);
    if summary.is_err() {
        assert_eq!(entries, [], "nothing is sent of a manifest that is refused");
    }
    Ok((entries, summary?))
}

#[tokio::test]
async fn each_entry_gets_its_verdict_in_order_and_nothing_is_stored() {
    let world = World::new().await;
    for n in 0..40 {
        world.put(&format!("{n}.mp4"), &vec![b'x'; 100 + n]);
    }
    let huge = std::fs::File::create(world.bucket.join("huge.mp4")).unwrap();
    huge.set_len((2 << 30) + 1).unwrap();
    world.put("words.srt", b"1\n00:00:00,000 --> 00:00:01,000\nHello.\n");
    let mut entries: Vec<Value> = (0..40).map(|n| world.entry(&format!("{n}.mp4"))).collect();
    entries.push(world.entry("gone.mp4"));
    entries.push(world.entry("huge.mp4"));
    entries.push(world.entry("3.mp4"));
    let captioned = |captions: &str| {
        let mut entry = world.entry("1.mp4");
        entry["transcription"] = json!(format!("folder://harbour/{captions}"));
        entry
    };
    entries.push(captioned("words.srt"));
    entries.push(captioned("gone.srt"));

    let (plan, summary) = world.plan(&Value::Array(entries)).await.unwrap();
    assert!(plan.iter().enumerate().all(|(n, entry)| entry.entry == n as u64), "in order");
    for (n, entry) in plan.iter().take(40).enumerate() {
        assert_eq!((entry.verdict, entry.size_bytes), (Verdict::Taken, Some(100 + n as u64)));
        assert_eq!((&entry.fault, &entry.duplicate), (&None, &None));
    }
    let code = |n: usize| plan[n].fault.as_ref().map(|fault| fault.code);
    assert_eq!((plan[40].verdict, code(40)), (Verdict::Refused, Some(Code::ObjectNotExists)));
    assert!(
        plan[40].fault.as_ref().unwrap().value.as_ref().unwrap().starts_with("folder://harbour/gone.mp4")
    );
    assert_eq!((plan[41].verdict, code(41)), (Verdict::Refused, Some(Code::VideoFilesizeTooLarge)));
    assert_eq!(plan[41].size_bytes, Some((2 << 30) + 1));
    assert_eq!((plan[42].verdict, code(42)), (Verdict::Skipped, Some(Code::VideoAlreadyIndexed)));
    assert_eq!(plan[42].fault.as_ref().unwrap().message, "The entry repeats entry 3.");
    assert_eq!(plan[43].verdict, Verdict::Taken);
    assert_eq!((plan[44].verdict, code(44)), (Verdict::Refused, Some(Code::TranscriptionNotExists)));
    let bytes = (0..40).map(|n| 100 + n).sum::<u64>() + 101;
    assert_eq!(
        summary,
        PlanSummary { entries: 45, taken: 41, skipped: 1, refused: 3, bytes, ..PlanSummary::default() }
    );

    world.assert_nothing_is_stored().await;
    assert_eq!(std::fs::read_dir(world.files.incoming()).unwrap().count(), 0, "no scratch file is left");
}

#[tokio::test]
async fn what_a_submission_refuses_the_dry_run_refuses_with_the_same_words() {
    let world = World::new().await;
    let unknown = json!({"index_id": "65f0c1d2e3a4b5c6d7e8f901", "object": "folder://harbour/a"});
    let manifests = [
        json!([]),
        json!([world.entry("a"), {"index_id": world.index}]),
        json!([world.entry("a"), unknown]),
        json!([world.entry("a"), {"index_id": world.index, "object": "s3://elsewhere/a"}]),
        json!([{"index_id": world.index, "object": "folder://harbour/a", "language": "fr"}]),
    ];
    for manifest in manifests {
        let refused = world.plan(&manifest).await.unwrap_err();
        let mut reception = world.reception();
        reception.languages = vec!["en".to_owned()];
        let body = std::io::Cursor::new(manifest.to_string());
        let expected = reception.receive(world.workspace, body).await.unwrap_err();
        assert_eq!(refused.as_fault().unwrap(), expected.as_fault().unwrap());
    }
}

/// A store that answers each key as its name says.
#[derive(Debug)]
struct Moody;

#[async_trait]
impl Sources for Moody {
    async fn open(&self, _: &Integration) -> Result<Arc<dyn Source>, SourceError> {
        Ok(Arc::new(Moody))
    }
}

#[async_trait]
impl Source for Moody {
    fn address(&self, key: &str) -> String {
        format!("s3://moody/{key}")
    }

    async fn list(&self, _: &str, _: Option<&str>, _: u32) -> Result<Page, SourceError> {
        unreachable!("a dry run lists nothing")
    }

    async fn head(&self, key: &str) -> Result<ObjectInfo, SourceError> {
        let kind = match key {
            "denied" => SourceErrorKind::Denied,
            "away" => SourceErrorKind::Unavailable,
            "no-role" => SourceErrorKind::Credentials,
            _ => {
                return Ok(ObjectInfo {
                    key: key.to_owned(),
                    size_bytes: 10,
                    etag: "e".to_owned(),
                    modified_at: None,
                    storage_class: "DEEP_ARCHIVE".to_owned(),
                    is_archived: key == "archived",
                });
            }
        };
        Err(SourceError {
            kind,
            operation: "HEAD",
            address: self.address(key),
            detail: "403 Forbidden".to_owned(),
        })
    }

    async fn read(
        &self,
        _: &str,
        _: Option<&str>,
        _: std::ops::Range<u64>,
    ) -> Result<ByteStream, SourceError> {
        unreachable!("a dry run moves no bytes")
    }
}

#[tokio::test]
async fn what_a_store_says_becomes_the_fault_that_the_pipeline_would_tell() {
    let world = World::new().await;
    let keys = ["denied", "away", "no-role", "archived", "fine"];
    let manifest = Value::Array(keys.iter().map(|key| world.entry(key)).collect());
    let (plan, _) = plan(&world.planner(Arc::new(Moody)), &world, &manifest).await.unwrap();
    let told: Vec<_> = plan.iter().map(|entry| entry.fault.as_ref().map(|fault| fault.code)).collect();
    let expected = [
        Some(Code::ObjectAccessDenied),
        Some(Code::SourceUnavailable),
        Some(Code::RoleNotAssumable),
        Some(Code::ObjectArchived),
        None,
    ];
    assert_eq!(told, expected);
    let archived = plan[3].fault.as_ref().unwrap();
    assert_eq!(archived.value.as_deref(), Some("storage class DEEP_ARCHIVE"));
}

#[tokio::test]
async fn a_dry_run_ends_when_nobody_listens() {
    let world = World::new().await;
    let manifest = Value::Array((0..500).map(|n| world.entry(&n.to_string())).collect());
    let (out, planned) = mpsc::channel(1);
    drop(planned);
    let planner = world.planner(world.sources.clone());
    let summary =
        planner.plan(world.workspace, std::io::Cursor::new(manifest.to_string()), out).await.unwrap();
    assert_eq!(summary.entries, 1, "the first entry could not be sent");
}
