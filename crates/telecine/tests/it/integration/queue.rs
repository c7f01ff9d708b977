//! A bucket that tells its changes to a queue, on a ministack: what the owner has to do is done by the documents that are
//! handed out.

use std::time::Duration;

use serde_json::json;
use telecine::fault::Code;
use telecine::integration::{
    InventoryItem, POLICY_NAME, ROLE_NAME, SyncTrigger, queue_notification, queue_policy,
};
use telecine::store::{IntegrationStore as _, InventoryStore as _, Paging, SortBy};

use super::aws::{BUCKET, desk, documents, new, put};
use crate::support::servers::{Accounts, CUSTOMER_ACCOUNT, Servers};

#[tokio::test]
async fn changes_are_known_without_a_listing() {
    let servers = Servers::start(&["ministack"]);
    let accounts = Accounts::create(&servers, BUCKET);
    let customer = accounts.client("customer");
    let desk = desk(&accounts).await;
    let queue = accounts.customer("queue", &["--name", "changes"]);
    let url = queue["url"].as_str().expect("a URL");
    let mut made = desk.integrations().create(desk.workspace, new(BUCKET)).await.expect("it is made");
    made.schedule.queue_url = Some(url.to_owned());
    made.schedule.check().expect("it is the URL of a queue");
    desk.store.update_integration(&made).await.expect("it is kept");
    let (policy, trust) = documents(&desk, &made).await;
    let mut policy_without = policy.clone();
    policy_without["Statement"].as_array_mut().expect("statements").retain(|statement| {
        !statement["Resource"].as_str().is_some_and(|resource| resource.contains(":sqs:"))
    });
    assert_ne!(policy, policy_without, "the policy lets the queue be read");
    accounts.apply(&policy, &trust, POLICY_NAME, ROLE_NAME);
    let made = desk.verify(&made).await;
    let arn = format!("arn:aws:sqs:us-west-2:{CUSTOMER_ACCOUNT}:changes");
    assert_eq!(queue_notification(&made)["QueueConfigurations"][0]["QueueArn"], arn);
    accounts.notify(url, &queue_policy(&made), &queue_notification(&made));

    put(&customer, "old.mp4", "old").await;
    let integrations = desk.integrations();
    integrations.synchronize(desk.workspace, made.id, SyncTrigger::Manual).await.expect("a listing");
    let read = async || {
        let (mut applied, patience) = (0, tokio::time::Instant::now() + Duration::from_secs(30));
        while applied == 0 {
            assert!(tokio::time::Instant::now() < patience, "nothing is told");
            applied =
                desk.integrations().read_queue(&made, Duration::from_secs(1)).await.expect("it is read");
        }
        applied
    };
    let item = async |key: &str| desk.store.inventory_item(made.id, key).await.expect("the store answers");

    put(&customer, "deep/a b+c%\u{e9}.mp4", "first").await;
    read().await;
    let found: InventoryItem = item("deep/a b+c%\u{e9}.mp4").await.expect("it is there");
    let head =
        customer.head_object().bucket(BUCKET).key("deep/a b+c%\u{e9}.mp4").send().await.expect("a head");
    assert_eq!(
        (found.size_bytes, Some(found.etag.as_str())),
        (5, head.e_tag().map(|tag| tag.trim_matches('"')))
    );
    put(&customer, "deep/a b+c%\u{e9}.mp4", "second").await;
    read().await;
    let changed = item("deep/a b+c%\u{e9}.mp4").await.expect("it is there");
    assert!(changed.size_bytes == 6 && changed.etag != found.etag);
    for key in ["deep/a b+c%\u{e9}.mp4", "old.mp4"] {
        customer.delete_object().bucket(BUCKET).key(key).send().await.expect("it is removed");
    }
    while item("old.mp4").await.is_some() {
        read().await;
    }
    assert_eq!(item("deep/a b+c%\u{e9}.mp4").await, None);

    // What cannot be understood stays for the queue's own rule; what is no concern of ours goes.
    let other = json!({"Records": [{"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "other"},
        "object": {"key": "x.mp4", "size": 1, "eTag": "e", "sequencer": "1"}}}]});
    for body in ["not JSON", &other.to_string()] {
        accounts.customer("send", &["--url", url, "--body", body]);
    }
    let log = loop {
        desk.integrations().read_queue(&made, Duration::from_secs(1)).await.expect("it is read");
        let log = desk.store.queue_log(made.id).await.expect("the store answers").expect("a log");
        if log.malformed > 0 && log.ignored > 0 {
            break log;
        }
    };
    assert_eq!((log.failures, log.fault), (0, None));
    assert!(log.applied >= 4 && log.told_at.is_some());
    assert_eq!(accounts.customer("waiting", &["--url", url])["messages"], 1, "only what is not understood");
    let newest = Paging { page: 1, limit: 10, sort_by: SortBy::CreatedAt, descending: true };
    let runs = desk.store.sync_runs(made.id, newest).await.expect("the store answers");
    assert_eq!((runs.total, runs.rows[0].requests), (1, 1), "one page was listed, before all of it");
    let quiet = integrations.synchronize(desk.workspace, made.id, SyncTrigger::Events).await;
    let quiet = quiet.expect("a listing").expect("it is there");
    assert_eq!((quiet.added, quiet.changed, quiet.removed), (0, 0, 0), "the queue has told everything");

    // A queue that may not be read is told.
    accounts.apply(&policy_without, &trust, POLICY_NAME, ROLE_NAME);
    desk.integrations().read_queue(&made, Duration::from_secs(1)).await.expect("that is no failure of ours");
    let log = desk.store.queue_log(made.id).await.expect("the store answers").expect("a log");
    assert_eq!((log.failures, log.fault.map(|fault| fault.code)), (1, Some(Code::QueueUnreadable)));
}
