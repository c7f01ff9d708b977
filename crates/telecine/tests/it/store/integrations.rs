//! Integrations. What lies in their buckets is in `inventory`.

use std::time::Duration;

use telecine::fault::{Code, Fault};
use telecine::ids::IntegrationId;
use telecine::integration::{
    Check, CheckOutcome, DeletionPlan, Filters, Fix, FixBy, IndexedVideos, Integration, IntegrationStatus,
    Provider, Role, Schedule,
};
use telecine::queue::Stale;
use telecine::transfer::{Event, Status};
use telecine::vault::Sealed;

use super::inventory::{indexed, list, task_of};
use super::lab::Lab;

super::conformance!(
    an_integration_is_told_back_as_it_was_made,
    a_bucket_is_connected_once,
    an_integration_is_updated_and_deleted,
    verifications_are_recorded_and_come_up_again,
    what_is_not_fetched_ends_with_its_integration,
);

pub(super) fn s3(lab: &Lab, bucket: &str) -> Integration {
    let id = IntegrationId::generate(lab.now());
    let role = Role {
        account_id: "123456789012".to_owned(),
        arn: "arn:aws:iam::123456789012:role/TelecineIntegrationRole".to_owned(),
        external_id: format!("external {id}"),
    };
    Integration { id, ..Integration::new(lab.workspace, Provider::aws_role(role), bucket, lab.now()) }
}

pub(super) async fn connected(lab: &Lab, bucket: &str) -> IntegrationId {
    let integration = s3(lab, bucket);
    lab.store.insert_integration(&integration).await.unwrap();
    integration.id
}

async fn an_integration_is_told_back_as_it_was_made(lab: &Lab) {
    let folder = Integration {
        provider: Provider::Folder { path: "media/ünïcode".into() },
        secret: Some(Sealed::from_bytes(vec![0, 1, 255])),
        prefix: "2024/".to_owned(),
        region: Some("eu-central-1".to_owned()),
        status: IntegrationStatus::Failed,
        checked_at: Some(lab.now()),
        well_at: Some(lab.now()),
        drift: Some("It could be listed before.".to_owned()),
        filters: Filters { include: vec!["**/*.mp4".to_owned()], max_bytes: Some(7), ..Filters::default() },
        schedule: Schedule { every_s: Some(3600), queue_url: Some("https://queue".to_owned()) },
        checks: vec![Check {
            name: "list".to_owned(),
            title: "List the bucket".to_owned(),
            outcome: CheckOutcome::Failed,
            detail: "AccessDenied".to_owned(),
            fault: Some(Fault::new(Code::ListDenied)),
            fix: Some(Fix {
                cause: "It is not allowed.".to_owned(),
                wrong: "s3:ListBucket".to_owned(),
                who: FixBy::Owner,
                documents: vec![],
                commands: vec!["aws".to_owned()],
                settings: serde_json::Map::new(),
                change: None,
                again: "telecine".to_owned(),
            }),
        }],
        ..s3(lab, "films")
    };
    let bucket = s3(lab, "films");
    for integration in [&folder, &bucket] {
        lab.store.insert_integration(integration).await.unwrap();
        let told = lab.store.integration(lab.workspace, integration.id).await.unwrap();
        assert_eq!(told.as_ref(), Some(integration));
        assert_eq!(lab.store.integration_by_id(integration.id).await.unwrap(), told);
        assert_eq!(lab.store.integration(lab.stranger(), integration.id).await.unwrap(), None);
    }
    assert_eq!(lab.store.integrations(lab.workspace).await.unwrap(), [folder, bucket]);
    assert_eq!(lab.store.integrations(lab.stranger()).await.unwrap(), []);
}

async fn a_bucket_is_connected_once(lab: &Lab) {
    let id = connected(lab, "films").await;
    let error = lab.store.insert_integration(&s3(lab, "films")).await.unwrap_err();
    assert_eq!(error.as_fault().unwrap().code, Code::IntegrationAlreadyExists);
    assert!(lab.store.delete_integration(lab.workspace, id, lab.now()).await.unwrap());
    connected(lab, "films").await;
}

async fn verifications_are_recorded_and_come_up_again(lab: &Lab) {
    let due = async |active, others| {
        let due = lab.store.integrations_to_check(active, others, 10).await.unwrap();
        due.into_iter().map(|one| one.bucket).collect::<Vec<_>>()
    };
    for (bucket, status) in [
        ("new", IntegrationStatus::Pending),
        ("well", IntegrationStatus::Active),
        ("half", IntegrationStatus::Degraded),
        ("bad", IntegrationStatus::Failed),
    ] {
        let mut integration = s3(lab, bucket);
        lab.store.insert_integration(&integration).await.unwrap();
        // What is not part of a verification was changed meanwhile.
        let mut changed = integration.clone();
        changed.schedule.every_s = Some(60);
        lab.store.update_integration(&changed).await.unwrap();
        integration.status = status;
        integration.checked_at = (status != IntegrationStatus::Pending).then(|| lab.tick());
        integration.well_at = integration.checked_at;
        lab.store.record_checks(&integration).await.unwrap();
        let told = lab.store.integration_by_id(integration.id).await.unwrap().unwrap();
        assert_eq!((told.status, told.well_at), (status, integration.well_at));
        assert_eq!(told.schedule.every_s, Some(60), "it stays");
    }
    let (long_ago, now) = (lab.now().before(std::time::Duration::from_secs(3600)), lab.tick());
    assert_eq!(due(now, now).await, ["well", "half", "bad"]);
    assert_eq!(due(now, long_ago).await, ["well"]);
    assert_eq!(due(long_ago, now).await, ["half", "bad"]);
    assert_eq!(due(long_ago, long_ago).await, Vec::<String>::new());
}

async fn an_integration_is_updated_and_deleted(lab: &Lab) {
    let mut integration = s3(lab, "films");
    lab.store.insert_integration(&integration).await.unwrap();
    integration.status = IntegrationStatus::Active;
    integration.region = Some("eu-west-1".to_owned());
    integration.updated_at = lab.tick();
    lab.store.update_integration(&integration).await.unwrap();
    let told = lab.store.integration_by_id(integration.id).await.unwrap().unwrap();
    assert_eq!(told.status, IntegrationStatus::Pending, "what was found is recorded by verifications alone");
    lab.store.record_checks(&integration).await.unwrap();
    assert_eq!(lab.store.integration_by_id(integration.id).await.unwrap(), Some(integration.clone()));

    list(lab, integration.id, &[("a.mp4", "1")]).await;
    assert!(!lab.store.delete_integration(lab.stranger(), integration.id, lab.now()).await.unwrap());
    assert!(lab.store.delete_integration(lab.workspace, integration.id, lab.now()).await.unwrap());
    assert!(!lab.store.delete_integration(lab.workspace, integration.id, lab.now()).await.unwrap());
    assert_eq!(lab.store.integration_by_id(integration.id).await.unwrap(), None);
    // A verification that was under way changes nothing any more.
    lab.store.update_integration(&integration).await.unwrap();
    let known = lab.store.known_integration(lab.workspace, integration.id).await.unwrap().unwrap();
    let (deleted_at, updated_at) = (Some(lab.now()), lab.now());
    assert_eq!(
        known,
        Integration { deleted_at, updated_at, synchronized_at: known.synchronized_at, ..integration }
    );
    assert_eq!(lab.store.known_integration(lab.stranger(), known.id).await.unwrap(), None);
    let deleted = async |since| lab.store.deleted_integrations(lab.workspace, since).await.unwrap();
    assert_eq!(deleted(lab.now()).await, std::slice::from_ref(&known));
    assert_eq!(deleted(lab.now().after(Duration::from_millis(1))).await, []);
    assert!(lab.store.inventory_item(known.id, "a.mp4").await.unwrap().is_some(), "not forgotten yet");

    // What is forgotten is what was deleted before, in steps.
    assert_eq!(lab.store.forget_deleted(lab.now(), 10).await.unwrap(), 0);
    let later = lab.tick();
    let mut removed = 0;
    loop {
        match lab.store.forget_deleted(later, 1).await.unwrap() {
            0 => break,
            some => removed += some,
        }
    }
    assert_eq!(removed, 2, "the file and the synchronization");
    assert_eq!(lab.store.inventory_item(known.id, "a.mp4").await.unwrap(), None);
    let back = Integration { status: IntegrationStatus::Pending, deleted_at: None, ..known };
    lab.store.restore_integration(&back).await.unwrap();
    assert_eq!(
        lab.store.integration_by_id(back.id).await.unwrap().unwrap().status,
        IntegrationStatus::Pending
    );
}

async fn what_is_not_fetched_ends_with_its_integration(lab: &Lab) {
    let id = connected(lab, "films").await;
    let index = lab.index("films").await;
    list(lab, id, &[("a.mp4", "1"), ("b.mp4", "1")]).await;
    let postponed = task_of(lab, index, id, "postponed.mp4").await;
    let claim = lab.claim_of(postponed).await;
    let until = lab.now().after(Duration::from_secs(60));
    lab.happens(&claim, Event::Postponed { until, reason: "busy".to_owned() }).await;
    let (fetching, probing) =
        (task_of(lab, index, id, "fetching.mp4").await, task_of(lab, index, id, "probing.mp4").await);
    let fetching_claim = lab.claim_of(fetching).await;
    let probing_claim = lab.claim_of(probing).await;
    let indexing = task_of(lab, index, id, "indexing.mp4").await;
    let indexing_claim = lab.claim_of(indexing).await;
    lab.happens(&indexing_claim, Event::Admitted).await;
    let ready = indexed(lab, index, id, "ready.mp4", "1").await;
    let waiting = task_of(lab, index, id, "waiting.mp4").await;
    // Of another integration: none of this one's concern.
    let other = task_of(lab, index, connected(lab, "other").await, "waiting.mp4").await;

    let plan = lab.store.deletion_plan(id).await.unwrap();
    let videos = IndexedVideos { index, name: "films".to_owned(), videos: 1 };
    let expected = DeletionPlan {
        indexes: vec![videos],
        tasks_final: 1,
        tasks_fetched: 1,
        tasks_unfetched: 4,
        files: 2,
        ..DeletionPlan::default()
    };
    assert_eq!(plan, expected);
    assert!(lab.store.delete_integration(lab.workspace, id, lab.now()).await.unwrap());
    let failed = lab.store.fail_unfetched(id, &[probing], lab.now()).await.unwrap();
    assert_eq!(failed, 3);
    for task in [waiting, postponed, fetching] {
        let task = lab.task_now(task).await;
        assert_eq!(task.fault.map(|fault| fault.code), Some(Code::IntegrationDeleted), "{:?}", task.source);
    }
    assert_eq!(lab.store.claimed_task(&fetching_claim).await.unwrap(), Err(Stale));
    assert!(lab.store.claimed_task(&probing_claim).await.unwrap().is_ok());
    assert!(lab.store.claimed_task(&indexing_claim).await.unwrap().is_ok());
    assert_eq!(lab.status(ready).await, Status::Ready);
    assert_eq!(lab.status(other).await, Status::Validating);
    assert_eq!(lab.store.fail_unfetched(id, &[probing], lab.now()).await.unwrap(), 0);
}
