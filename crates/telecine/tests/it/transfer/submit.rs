//! What a submission stores, and that it stores nothing when anything is wrong.

use std::time::Duration;

use serde_json::{Value, json};
use telecine::fault::Code;
use telecine::ids::WorkspaceId;
use telecine::integration::{Integration, IntegrationStatus, Provider, Role};
use telecine::time::Clock;
use telecine::transfer::{Status, TaskSource, Transcription, TransferState};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::World;

#[tokio::test]
async fn a_manifest_becomes_a_transfer_with_a_task_for_each_entry() {
    let world = World::new().await;
    let mut captioned = world.entry("a/pier.mp4");
    captioned["transcription"] = json!("folder://harbour/a/pier.srt");
    captioned["language"] = json!("fr");
    let submission = world.submit(&json!([world.entry("one.mp4"), captioned])).await.unwrap();

    assert_eq!((submission.entries, submission.transfer.repeated), (2, 0));
    assert_eq!(submission.transfer.state, TransferState::Accepted);
    assert_eq!(submission.transfer.counts.validating, 2);
    let tasks = world.tasks(submission.transfer.id).await;
    assert_eq!(tasks[0].source.address(), "folder://harbour/one.mp4");
    assert_eq!((tasks[0].language.as_str(), tasks[0].status), ("en", Status::Validating));
    let TaskSource::Object(object) = &tasks[1].source else { panic!("an object") };
    assert_eq!((object.integration, object.key.as_str()), (world.harbour.id, "a/pier.mp4"));
    let Some(Transcription::Object(captions)) = &tasks[1].transcription else { panic!("captions") };
    assert_eq!(captions.address(), "folder://harbour/a/pier.srt");
    assert_eq!(tasks[1].language, "fr");
    let named = tasks.iter().map(|task| (task.id, task.index, task.source.address()));
    assert_eq!(submission.first_tasks, named.collect::<Vec<_>>());
    assert_eq!(world.transfers().await, [submission.transfer]);
}

#[tokio::test]
async fn workers_are_woken_and_find_the_tasks() {
    let world = World::new().await;
    let queue = world.queue.clone();
    let worker = tokio::spawn(async move { queue.wait().await });
    tokio::task::yield_now().await;
    world.submit(&json!([world.entry("one.mp4")])).await.unwrap();
    tokio::time::timeout(Duration::from_secs(5), worker).await.expect("woken").unwrap();
    let claim = world.queue.claim(world.clock.now(), Duration::from_secs(60)).await.unwrap();
    assert!(claim.is_some());
}

#[tokio::test]
async fn an_entry_that_repeats_another_makes_no_task_and_is_counted() {
    let world = World::new().await;
    let mut elsewhere = world.entry("one.mp4");
    elsewhere["index_id"] = json!(world.other_index);
    let manifest = json!([world.entry("one.mp4"), world.entry("two.mp4"), world.entry("one.mp4"), elsewhere]);
    let submission = world.submit(&manifest).await.unwrap();
    assert_eq!((submission.entries, submission.transfer.repeated), (4, 1));
    assert_eq!(submission.transfer.counts.total(), 3);
    assert_eq!(submission.first_tasks.len(), 3);
}

#[tokio::test]
async fn an_unknown_index_rejects_the_whole_manifest_and_names_entry_line_and_id() {
    let world = World::new().await;
    let mut bad = world.entry("two.mp4");
    bad["index_id"] = json!("65f0c1d2e3a4b5c6d7e8f901");
    let text = format!("[{},\n{}]", world.entry("one.mp4"), bad);
    let error = world.submit_text(&text).await.unwrap_err();
    let fault = error.as_fault().unwrap();
    assert_eq!(fault.code, Code::ResourceNotExists);
    assert_eq!(fault.message, "Manifest, entry 1 (line 2): `index_id` names no index of this workspace.");
    assert_eq!(fault.value.as_deref(), Some("65f0c1d2e3a4b5c6d7e8f901"));
    world.assert_nothing_is_stored().await;
}

#[tokio::test]
async fn an_index_of_another_workspace_is_as_if_it_did_not_exist() {
    let world = World::new().await;
    let stranger = WorkspaceId::generate(world.clock.now());
    let manifest = json!([world.entry("one.mp4")]).to_string();
    let error = world.reception().receive(stranger, std::io::Cursor::new(manifest)).await.unwrap_err();
    assert_eq!(error.as_fault().unwrap().code, Code::ResourceNotExists);
}

#[tokio::test]
async fn a_bucket_without_an_active_integration_rejects_the_whole_manifest_and_is_named() {
    let world = World::new().await;
    let entry = |address: &str| json!({"index_id": world.index, "object": address});
    let unknown = world.refusal(&json!([world.entry("one.mp4"), entry("s3://elsewhere/two.mp4")])).await;
    assert_eq!(unknown.code, Code::IntegrationNotActive);
    assert_eq!(
        unknown.message,
        "Manifest, entry 1 (line 1): no integration owns `object`'s bucket elsewhere."
    );
    assert_eq!(unknown.value.as_deref(), Some("s3://elsewhere/two.mp4"));
    let pending = world.refusal(&json!([entry("folder://attic/one.mp4")])).await;
    assert!(pending.message.ends_with("the integration of `object`'s bucket attic is pending."));
    assert!(pending.remedy.unwrap().starts_with("Verify it"));
    // The same name under another scheme is another bucket.
    let other_scheme = world.refusal(&json!([entry("s3://harbour/one.mp4")])).await;
    assert_eq!(other_scheme.code, Code::IntegrationNotActive);
    let mut captioned = world.entry("one.mp4");
    captioned["transcription"] = json!("s3://elsewhere/one.srt");
    let captions = world.refusal(&json!([captioned])).await;
    assert!(captions.message.contains("`transcription`'s bucket elsewhere"));
}

#[tokio::test]
async fn of_two_integrations_of_a_bucket_the_active_one_reads() {
    let world = World::new().await;
    let s3 = |prefix: &str, status| Integration {
        id: telecine::ids::IntegrationId::generate(world.clock.now()),
        provider: Provider::aws_role(Role {
            account_id: "123456789012".into(),
            arn: "arn:aws:iam::123456789012:role/TelecineIntegrationRole".into(),
            external_id: "external".into(),
        }),
        bucket: "harbour".into(),
        prefix: prefix.to_owned(),
        status,
        ..world.harbour.clone()
    };
    let active = s3("", IntegrationStatus::Active);
    world.store.insert_integration(&active).await.unwrap();
    let manifest = json!([{"index_id": world.index, "object": "s3://harbour/k"}, world.entry("k")]);
    let submission = world.submit(&manifest).await.unwrap();
    let readers: Vec<_> = world
        .tasks(submission.transfer.id)
        .await
        .into_iter()
        .map(|task| match task.source {
            TaskSource::Object(object) => (object.integration, object.address()),
            other => panic!("{other:?}"),
        })
        .collect();
    let expected =
        [(active.id, "s3://harbour/k".to_owned()), (world.harbour.id, "folder://harbour/k".to_owned())];
    assert_eq!(readers, expected);
}

#[tokio::test]
async fn a_language_that_nobody_hears_needs_captions() {
    let world = World::new().await;
    let with = |language: &str, captions: Option<&str>| {
        let mut entry = world.entry("one.mp4");
        entry["language"] = json!(language);
        entry["transcription"] = captions.map_or(Value::Null, |key| json!(format!("folder://harbour/{key}")));
        json!([entry])
    };
    let fault = world.refusal(&with("fr", None)).await;
    assert_eq!(fault.code, Code::ParameterInvalid);
    assert!(fault.message.starts_with("Manifest, entry 0 (line 1): `language`"), "{}", fault.message);
    assert_eq!(fault.value.as_deref(), Some("fr"));
    assert!(fault.rule.unwrap().contains("one of de, en"));
    for (language, captions) in [("fr", Some("one.srt")), ("de-AT", None), ("en", None), ("EN-gb", None)] {
        world.submit(&with(language, captions)).await.unwrap();
    }
}

#[tokio::test]
async fn a_bad_entry_at_the_end_of_a_large_manifest_leaves_nothing_behind() {
    let world = World::new().await;
    let mut entries: Vec<Value> = (0..25_000).map(|n| world.entry(&format!("{n}.mp4"))).collect();
    entries.push(json!({"index_id": world.index, "object": "ftp://harbour/x.mp4"}));
    let text = entries.iter().map(Value::to_string).collect::<Vec<_>>().join(",\n");
    let error = world.submit_text(&format!("[{text}]")).await.unwrap_err();
    let message = &error.as_fault().unwrap().message;
    assert!(message.starts_with("Manifest, entry 25000 (line 25001, column "), "{message}");
    world.assert_nothing_is_stored().await;
    // The same entries without the bad one are taken: nothing of the refused manifest stands in their way.
    entries.pop();
    let submission = world.submit(&Value::Array(entries)).await.unwrap();
    assert_eq!((submission.transfer.counts.total(), submission.first_tasks.len()), (25_000, 1_000));
}

#[tokio::test]
async fn a_connection_that_is_cut_stores_nothing() {
    let world = World::new().await;
    let entries: Vec<Value> = (0..15_000).map(|n| world.entry(&format!("{n}.mp4"))).collect();
    let manifest = Value::Array(entries).to_string();
    // The client sends all but the last byte, and goes away.
    let (mut client, server) = tokio::io::duplex(64 << 10);
    let receiving = tokio::spawn(world.reception().receive(world.workspace, server));
    client.write_all(&manifest.as_bytes()[..manifest.len() - 1]).await.unwrap();
    drop(client);
    let error = receiving.await.unwrap().unwrap_err();
    assert!(error.as_fault().unwrap().message.contains("ends too early"));
    world.assert_nothing_is_stored().await;
}

#[tokio::test]
async fn a_request_that_is_dropped_in_the_middle_stores_nothing() {
    let world = World::new().await;
    let entries: Vec<Value> = (0..15_000).map(|n| world.entry(&format!("{n}.mp4"))).collect();
    let manifest = Value::Array(entries).to_string();
    let (mut client, server) = tokio::io::duplex(64 << 10);
    let receiving = tokio::spawn(world.reception().receive(world.workspace, server));
    client.write_all(&manifest.as_bytes()[..manifest.len() - 1]).await.unwrap();
    // Users see nothing of it yet, but rows of it lie there.
    world.wait_for_rows(|rows| rows > 1).await;
    assert_eq!(world.transfers().await, []);
    receiving.abort();
    assert!(receiving.await.unwrap_err().is_cancelled());
    // What runs on tidies up by itself.
    world.wait_for_rows(|rows| rows == 0).await;
    world.assert_nothing_is_stored().await;
}

impl World {
    /// Waits until the number of rows of tasks and transfers, seen or not, is as it should be.
    async fn wait_for_rows(&self, is_right: impl Fn(i64) -> bool) {
        const COUNT: &str = "SELECT (SELECT count(*) FROM task) + (SELECT count(*) FROM transfer)";
        let options =
            sqlx::sqlite::SqliteConnectOptions::new().filename(self.files.database()).read_only(true);
        let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
        let deadline = std::time::Instant::now() + Duration::from_secs(30);
        loop {
            let rows: i64 = sqlx::query_scalar(COUNT).fetch_one(&pool).await.unwrap();
            if is_right(rows) {
                break;
            }
            assert!(std::time::Instant::now() < deadline, "there are {rows} rows");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

#[tokio::test]
async fn a_client_that_is_still_sending_gets_to_hear_what_is_wrong() {
    let world = World::new().await;
    let (mut client, server) = tokio::io::duplex(1 << 10);
    let receiving = tokio::spawn(world.reception().receive(world.workspace, server));
    client.write_all(b"[{\"index_id\": 7},").await.unwrap();
    // Far more than all buffers on the way hold.
    let rest = vec![b' '; 4 << 20];
    client.write_all(&rest).await.expect("the rest is taken");
    client.shutdown().await.unwrap();
    let error = receiving.await.unwrap().unwrap_err();
    assert!(error.as_fault().unwrap().message.contains("`index_id` must be a text"));
    assert_eq!(client.read(&mut [0; 1]).await.unwrap(), 0);
}

#[tokio::test]
async fn a_manifest_over_the_limit_is_refused() {
    let world = World::new().await;
    let manifest = json!([world.entry("one.mp4"), world.entry("two.mp4")]).to_string();
    let mut reception = world.reception();
    reception.max_bytes = manifest.len() as u64 - 1;
    let error = reception.receive(world.workspace, std::io::Cursor::new(manifest)).await.unwrap_err();
    assert_eq!(error.as_fault().unwrap().code, Code::RequestTooLarge);
    world.assert_nothing_is_stored().await;
}

#[tokio::test]
async fn a_fault_of_whoever_reads_the_body_comes_through() {
    let world = World::new().await;
    let fault = telecine::fault::Fault::new(Code::RequestTimedOut);
    let broken = std::io::Error::other(telecine::fault::Error::from(fault.clone()));
    let body = tokio_util::io::StreamReader::new(futures::stream::iter([
        Ok(bytes::Bytes::from_static(b"[")),
        Err(broken),
    ]));
    let error = world.reception().receive(world.workspace, body).await.unwrap_err();
    assert_eq!(error.as_fault(), Some(&fault));
    world.assert_nothing_is_stored().await;
}

#[tokio::test]
async fn ids_of_tasks_follow_the_manifest() {
    let world = World::new().await;
    let entries: Vec<Value> = (0..3_000).map(|n| world.entry(&format!("{n}.mp4"))).collect();
    let submission = world.submit(&Value::Array(entries)).await.unwrap();
    let tasks = world.tasks(submission.transfer.id).await;
    assert!(tasks.iter().enumerate().all(|(n, task)| task.source.filename() == format!("{n}.mp4")));
}
