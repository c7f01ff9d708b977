//! Integrations and the inventories of their buckets.

use telecine::fault::{Code, Fault};
use telecine::ids::{IndexId, IntegrationId, TaskId};
use telecine::integration::{
    Check, CheckOutcome, Filters, Integration, IntegrationStatus, InventoryItem, Provider, Role, Schedule,
    Statistics, SyncReport,
};
use telecine::store::TaskChange;
use telecine::transfer::{Duplicate, DuplicateBy, Event, NewTask, ObjectRef, Scheme, TaskSource};
use telecine::vault::Sealed;

use super::lab::{Lab, publication, stamp};

super::conformance!(
    an_integration_is_told_back_as_it_was_made,
    a_bucket_is_connected_once,
    an_integration_is_updated_and_deleted,
    a_listing_reports_what_is_new_changed_and_gone,
    a_listing_that_was_cut_short_is_made_good_by_the_next,
    videos_of_the_inventory_are_walked_in_order_of_their_keys,
    statistics_tell_what_is_indexed,
    what_an_index_has_is_left_out,
);

fn s3(lab: &Lab, bucket: &str) -> Integration {
    let id = IntegrationId::generate(lab.now());
    let role = Role {
        account_id: "123456789012".to_owned(),
        arn: "arn:aws:iam::123456789012:role/TelecineIntegrationRole".to_owned(),
        external_id: format!("external {id}"),
    };
    Integration { id, ..Integration::new(lab.workspace, Provider::aws_role(role), bucket, lab.now()) }
}

async fn connected(lab: &Lab, bucket: &str) -> IntegrationId {
    let integration = s3(lab, bucket);
    lab.store.insert_integration(&integration).await.unwrap();
    integration.id
}

fn item(key: &str, etag: &str) -> InventoryItem {
    InventoryItem {
        key: key.to_owned(),
        size_bytes: stamp(etag).size_bytes,
        etag: etag.to_owned(),
        modified_at: Some("2024-01-01".parse().unwrap()),
        storage_class: "STANDARD".to_owned(),
        is_video: key.ends_with(".mp4"),
    }
}

async fn list(lab: &Lab, id: IntegrationId, items: &[(&str, &str)]) -> SyncReport {
    let sync = lab.store.begin_sync(id, lab.now()).await.unwrap();
    let items: Vec<InventoryItem> = items.iter().map(|(key, etag)| item(key, etag)).collect();
    lab.store.add_inventory(id, sync, &items).await.unwrap();
    lab.store.end_sync(id, sync, lab.now()).await.unwrap()
}

async fn an_integration_is_told_back_as_it_was_made(lab: &Lab) {
    let folder = Integration {
        provider: Provider::Folder { path: "media/ünïcode".into() },
        secret: Some(Sealed::from_bytes(vec![0, 1, 255])),
        prefix: "2024/".to_owned(),
        region: Some("eu-central-1".to_owned()),
        status: IntegrationStatus::Failed,
        checked_at: Some(lab.now()),
        drift: Some("It could be listed before.".to_owned()),
        filters: Filters { include: vec!["**/*.mp4".to_owned()], max_bytes: Some(7), ..Filters::default() },
        schedule: Schedule { every_s: Some(3600), queue_url: Some("https://queue".to_owned()) },
        checks: vec![Check {
            name: "list".to_owned(),
            title: "List the bucket".to_owned(),
            outcome: CheckOutcome::Failed,
            detail: "AccessDenied".to_owned(),
            fault: Some(Fault::new(Code::ListDenied)),
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
    assert!(lab.store.delete_integration(lab.workspace, id).await.unwrap());
    connected(lab, "films").await;
}

async fn an_integration_is_updated_and_deleted(lab: &Lab) {
    let mut integration = s3(lab, "films");
    lab.store.insert_integration(&integration).await.unwrap();
    integration.status = IntegrationStatus::Active;
    integration.region = Some("eu-west-1".to_owned());
    integration.updated_at = lab.tick();
    lab.store.update_integration(&integration).await.unwrap();
    assert_eq!(lab.store.integration_by_id(integration.id).await.unwrap(), Some(integration.clone()));

    list(lab, integration.id, &[("a.mp4", "1")]).await;
    assert!(!lab.store.delete_integration(lab.stranger(), integration.id).await.unwrap());
    assert!(lab.store.delete_integration(lab.workspace, integration.id).await.unwrap());
    assert!(!lab.store.delete_integration(lab.workspace, integration.id).await.unwrap());
    assert_eq!(lab.store.integration_by_id(integration.id).await.unwrap(), None);
    assert_eq!(lab.store.inventory_item(integration.id, "a.mp4").await.unwrap(), None);
}

async fn a_listing_reports_what_is_new_changed_and_gone(lab: &Lab) {
    let id = connected(lab, "films").await;
    let first = list(lab, id, &[("a.mp4", "1"), ("b.mp4", "1"), ("c.txt", "1")]).await;
    assert_eq!(first, SyncReport { items: 3, videos: 2, added: 3, changed: 0, removed: 0 });
    lab.tick();
    let second = list(lab, id, &[("a.mp4", "1"), ("b.mp4", "2"), ("d.mp4", "1")]).await;
    assert_eq!(second, SyncReport { items: 3, videos: 3, added: 1, changed: 1, removed: 1 });
    let integration = lab.store.integration_by_id(id).await.unwrap().unwrap();
    assert_eq!(integration.synchronized_at, Some(lab.now()));
    let third = list(lab, id, &[("a.mp4", "1"), ("b.mp4", "2"), ("d.mp4", "1")]).await;
    assert_eq!(third, SyncReport { items: 3, videos: 3, added: 0, changed: 0, removed: 0 });
    assert_eq!(lab.store.inventory_item(id, "b.mp4").await.unwrap(), Some(item("b.mp4", "2")));
    assert_eq!(lab.store.inventory_item(id, "c.txt").await.unwrap(), None);
}

async fn a_listing_that_was_cut_short_is_made_good_by_the_next(lab: &Lab) {
    let id = connected(lab, "films").await;
    list(lab, id, &[("a.mp4", "1"), ("b.mp4", "1"), ("c.mp4", "1")]).await;
    let cut_short = lab.store.begin_sync(id, lab.now()).await.unwrap();
    let page = [item("a.mp4", "2"), item("new.mp4", "1"), item("passing.mp4", "1"), item("b.mp4", "1")];
    assert_eq!(lab.store.add_inventory(id, cut_short, &page).await.unwrap(), (2, 1));
    assert_eq!(lab.store.add_inventory(id, cut_short, &page).await.unwrap(), (0, 0), "a page may come twice");

    let report = list(lab, id, &[("a.mp4", "2"), ("b.mp4", "1"), ("new.mp4", "1")]).await;
    assert_eq!(report, SyncReport { items: 3, videos: 3, added: 1, changed: 1, removed: 1 });
}

async fn videos_of_the_inventory_are_walked_in_order_of_their_keys(lab: &Lab) {
    let id = connected(lab, "films").await;
    let keys = ["Z.mp4", "a.mp4", "a/b.mp4", "a\u{0301}.mp4", "é.mp4", "\u{1F3AC}.mp4", "note.txt"];
    list(lab, id, &keys.map(|key| (key, "1"))).await;
    let mut expected: Vec<&str> = keys.into_iter().filter(|key| key.ends_with(".mp4")).collect();
    expected.sort_unstable();
    let mut walked: Vec<String> = Vec::new();
    loop {
        let after = walked.last().map(String::as_str);
        let some = lab.store.inventory_after(id, after, None, 2).await.unwrap();
        if some.is_empty() {
            break;
        }
        walked.extend(some.into_iter().map(|item| item.key));
    }
    assert_eq!(walked, expected);
}

/// A task of this object on its way into an index, told in `change` to have had a version.
async fn task_of(lab: &Lab, index: IndexId, id: IntegrationId, key: &str) -> TaskId {
    let (scheme, bucket) = (Scheme::S3, "films".to_owned());
    let source = TaskSource::Object(ObjectRef { scheme, integration: id, bucket, key: key.to_owned() });
    let new = NewTask { source, ..lab.new_task(index, key) };
    lab.store.insert_task(lab.workspace, &new, lab.now()).await.unwrap();
    new.id
}

async fn indexed(lab: &Lab, index: IndexId, id: IntegrationId, key: &str, etag: &str) -> TaskId {
    let task = task_of(lab, index, id, key).await;
    let claim = lab.claim_of(task).await;
    lab.changes(&claim, TaskChange { stamp: Some(stamp(etag)), ..Event::Admitted.into() }).await;
    lab.publish(&claim, &publication(task, key)).await;
    task
}

async fn statistics_tell_what_is_indexed(lab: &Lab) {
    let id = connected(lab, "films").await;
    assert_eq!(lab.store.statistics(id).await.unwrap(), Statistics::default());
    list(lab, id, &[("a.mp4", "1"), ("b.mp4", "1"), ("c.mp4", "1"), ("gone.mp4", "1"), ("x.txt", "1")]).await;
    let (films, other) = (lab.index("films").await, lab.index("other").await);
    // In two indexes, and still one video of the bucket.
    let video = indexed(lab, films, id, "a.mp4", "1").await;
    indexed(lab, other, id, "a.mp4", "1").await;
    indexed(lab, films, id, "b.mp4", "0").await;
    indexed(lab, films, id, "gone.mp4", "1").await;
    let copy = lab.claim_of(task_of(lab, films, id, "c.mp4").await).await;
    let skipped = Event::Duplicate(Duplicate { video: video.into(), by: DuplicateBy::Content });
    lab.changes(&copy, TaskChange { stamp: Some(stamp("1")), ..skipped.into() }).await;
    list(lab, id, &[("a.mp4", "1"), ("b.mp4", "1"), ("c.mp4", "1"), ("x.txt", "1")]).await;
    let expected =
        Statistics { items: 4, videos: 3, bytes: 4_000, indexed: 2, not_indexed: 1, indexed_then_deleted: 1 };
    assert_eq!(lab.store.statistics(id).await.unwrap(), expected);
}

async fn what_an_index_has_is_left_out(lab: &Lab) {
    let id = connected(lab, "films").await;
    list(lab, id, &[("a.mp4", "1"), ("b.mp4", "2"), ("c.mp4", "1")]).await;
    let (films, other) = (lab.index("films").await, lab.index("other").await);
    let video = indexed(lab, films, id, "a.mp4", "1").await;
    indexed(lab, films, id, "b.mp4", "1").await;
    let left = async |index| {
        let items = lab.store.inventory_after(id, None, index, 10).await.unwrap();
        items.into_iter().map(|item| item.key).collect::<Vec<_>>()
    };
    assert_eq!(left(None).await, ["a.mp4", "b.mp4", "c.mp4"]);
    assert_eq!(left(Some(films)).await, ["b.mp4", "c.mp4"], "b.mp4 has changed since");
    assert_eq!(left(Some(other)).await, ["a.mp4", "b.mp4", "c.mp4"]);
    lab.store.delete_video(lab.workspace, films, video.into()).await.unwrap();
    assert_eq!(left(Some(films)).await, ["a.mp4", "b.mp4", "c.mp4"]);
}
