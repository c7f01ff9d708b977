//! Re-checks in the background: what became worse is told with when it was well, and what is mended is well again.

use std::sync::Arc;
use std::time::Duration;

use telecine::config::Config;
use telecine::integration::{Integration, IntegrationStatus, NewIntegration, policy_document};
use telecine::source::{Opener, RetryPolicy};
use telecine::store::IntegrationStore as _;
use telecine::time::{Clock, ManualClock, SystemClock};

use super::Desk;
use crate::support::account::{Account, AccountStub};
use crate::support::vaults::vault;

const HOUR: Duration = Duration::from_secs(3600);

struct Bench {
    desk: Desk,
    stub: AccountStub,
    clock: Arc<ManualClock>,
    id: telecine::ids::IntegrationId,
}

impl Bench {
    async fn set() -> Self {
        let clock = Arc::new(ManualClock::at(SystemClock.now()));
        let stub = AccountStub::start(Account { clock: clock.clone(), ..Account::default() }).await;
        let mut config = Config::default();
        config.aws.endpoint_url = Some(stub.url());
        config.aws.region = Some("eu-west-1".to_owned());
        // Whoever waited for something would wait for a minute.
        config.aws.propagation_wait_s = 60;
        let mut desk = Desk::new(config, |opener| opener).await;
        desk.clock = clock.clone();
        let hasty = RetryPolicy { attempts: 1, ..RetryPolicy::default() };
        desk.sources =
            Opener::new(&desk.config, vault(), clock.clone()).credentials("base-key", "secret").retry(hasty);
        let new = NewIntegration {
            bucket: "films".to_owned(),
            account_id: Some("123456789012".to_owned()),
            ..NewIntegration::default()
        };
        let made = desk.integrations().create(desk.workspace, new).await.expect("it is made");
        {
            let mut account = stub.account();
            account.external_id.clone_from(&made.provider.role().expect("a role").external_id);
            account.role_policy = policy_document(&made);
        }
        assert_eq!(desk.verify(&made).await.status, IntegrationStatus::Active);
        Self { desk, stub, clock, id: made.id }
    }

    /// How many are looked at after this long.
    async fn after(&self, time: Duration) -> usize {
        self.clock.advance(time);
        self.desk.integrations().recheck().await.expect("a round")
    }

    async fn now(&self) -> Integration {
        self.desk.store.integration_by_id(self.id).await.expect("it is read").expect("it is there")
    }
}

#[tokio::test]
async fn what_became_worse_is_told_with_when_it_was_well() {
    let bench = Bench::set().await;
    assert_eq!(bench.after(HOUR / 2).await, 0, "it is not due");
    assert_eq!(bench.after(HOUR).await, 1);
    let well = bench.now().await;
    assert_eq!((well.status, well.drift.as_deref()), (IntegrationStatus::Active, None));
    let well_at = well.well_at.expect("it is well");
    assert_eq!(well_at, bench.clock.now());

    let policy =
        std::mem::replace(&mut bench.stub.account().role_policy, serde_json::json!({"Statement": []}));
    let begun = std::time::Instant::now();
    assert_eq!(bench.after(HOUR * 2).await, 1);
    assert!(begun.elapsed() < Duration::from_secs(30), "nothing is waited for");
    let failed = bench.now().await;
    assert_eq!((failed.status, failed.well_at), (IntegrationStatus::Failed, Some(well_at)));
    let drift = failed.drift.clone().expect("it says what changed");
    assert!(
        drift.starts_with(&format!("List the bucket: well until {well_at}, not since (list_denied).")),
        "{drift}"
    );

    assert_eq!(bench.after(HOUR / 5).await, 0);
    assert_eq!(bench.after(HOUR / 10).await, 1, "what is not well is looked at sooner");
    assert_eq!(bench.now().await.drift, Some(drift), "the same is not told as something new");

    bench.stub.account().role_policy = policy;
    assert_eq!(bench.after(HOUR).await, 1);
    let mended = bench.now().await;
    assert_eq!((mended.status, mended.drift), (IntegrationStatus::Active, None));
    assert_eq!(mended.well_at, Some(bench.clock.now()));
}

#[tokio::test]
async fn a_store_that_cannot_be_reached_for_a_while_is_no_reason_to_give_up() {
    let bench = Bench::set().await;
    bench.stub.account().throttles = true;
    assert_eq!(bench.after(HOUR + HOUR / 2).await, 1);
    let passing = bench.now().await;
    assert_eq!(passing.status, IntegrationStatus::Degraded, "{passing:#?}");
    assert!(passing.drift.is_some_and(|drift| drift.contains("store_throttles")));
    assert_eq!(bench.after(HOUR).await, 1);
    assert_eq!(bench.now().await.status, IntegrationStatus::Degraded);
    assert_eq!(bench.after(HOUR).await, 1);
    assert_eq!(bench.now().await.status, IntegrationStatus::Failed, "three times in a row is no mood");
    bench.stub.account().throttles = false;
    assert_eq!(bench.after(HOUR).await, 1);
    assert_eq!(bench.now().await.status, IntegrationStatus::Active);
}

#[tokio::test]
async fn who_wants_no_re_checks_has_none() {
    let mut bench = Bench::set().await;
    bench.desk.config.integrations.recheck_every_s = 0;
    assert_eq!(bench.after(HOUR * 24).await, 0);
}
