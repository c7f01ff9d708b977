//! Folders as buckets.

use std::fs;

use telecine::config::Config;
use telecine::fault::Code;
use telecine::ids::IndexId;
use telecine::integration::{
    CheckOutcome, IntegrationStatus, NewIntegration, SyncReport, SyncTrigger, policy_document,
};
use telecine::time::Timestamp;
use tempfile::TempDir;

use super::{Desk, failed, lines};

fn new(bucket: &str, path: &std::path::Path) -> NewIntegration {
    let path = Some(path.display().to_string());
    NewIntegration {
        provider: "folder".to_owned(),
        bucket: bucket.to_owned(),
        path,
        ..NewIntegration::default()
    }
}

#[tokio::test]
async fn a_folder_is_connected_verified_listed_and_its_manifest_written() {
    let (root, outside) = (TempDir::new().expect("a folder"), TempDir::new().expect("a folder"));
    let films = root.path().join("films");
    fs::create_dir_all(films.join("deep")).expect("a folder");
    fs::write(films.join("a \"quoted\".mp4"), "a").expect("a file");
    fs::write(films.join("deep/b.MOV"), "b").expect("a file");
    fs::write(films.join("notes.txt"), "notes").expect("a file");
    let mut config = Config::default();
    config.folders.roots = vec![root.path().to_owned()];
    config.aws.propagation_wait_s = 0;
    let desk = Desk::new(config, |opener| opener).await;
    let integrations = desk.integrations();

    let refused = integrations.create(desk.workspace, new("films", outside.path())).await;
    let error = refused.expect_err("it lies outside of the roots");
    assert_eq!(error.as_fault().map(|fault| fault.code), Some(Code::ParameterInvalid));

    let made = integrations.create(desk.workspace, new("films", &films)).await.expect("it is made");
    assert_eq!(made.status, IntegrationStatus::Pending);
    assert!(policy_document(&made).is_null());
    assert!(integrations.trust_document(&made).await.expect("none").is_null());
    let early = integrations
        .synchronize(desk.workspace, made.id, SyncTrigger::Manual)
        .await
        .expect_err("it is not verified");
    assert_eq!(early.as_fault().map(|fault| fault.code), Some(Code::IntegrationNotActive));
    let again = integrations.create(desk.workspace, new("films", &films)).await.expect_err("it is there");
    assert_eq!(again.as_fault().map(|fault| fault.code), Some(Code::IntegrationAlreadyExists));

    let verified = desk.verify(&made).await;
    assert_eq!(
        lines(&verified),
        [("list", CheckOutcome::Ok), ("read", CheckOutcome::Ok), ("head", CheckOutcome::Ok)]
    );
    assert_eq!(verified.status, IntegrationStatus::Active);

    let report = integrations
        .synchronize(desk.workspace, made.id, SyncTrigger::Manual)
        .await
        .expect("a listing")
        .expect("it is there");
    assert_eq!(report, SyncReport { items: 3, videos: 2, added: 3, changed: 0, removed: 0 });
    let (_, objects) = desk.manifest(&made, IndexId::generate(Timestamp::from_millis(0))).await;
    assert_eq!(objects, ["folder://films/a \"quoted\".mp4", "folder://films/deep/b.MOV"]);

    fs::remove_dir_all(&films).expect("it goes away");
    let verified = desk.verify(&made).await;
    assert_eq!(failed(&verified), ("list", Some(Code::BucketNotExists)));
    assert_eq!(verified.status, IntegrationStatus::Failed);
}
