//! The ledger of what lies in connected buckets, and the synchronizations that keep it.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;
use telecine::fault::{Code, Fault};
use telecine::ids::{IndexId, IntegrationId, SyncId, TaskId};
use telecine::integration::{
    Decision, ExcludedCount, Filters, IndexShare, InventoryItem, KeyRange, KeyTold, ObjectFilter,
    ObjectState, QueueNote, Statistics, SyncClaim, SyncEnd, SyncFound, SyncReport, SyncRun, SyncState,
    SyncTrigger,
};
use telecine::queue::Stale;
use telecine::source::ObjectInfo;
use telecine::store::{Merge, ObjectPage, TaskChange};
use telecine::transfer::{Duplicate, DuplicateBy, Event, NewTask, ObjectRef, Scheme, TaskSource};

use super::integrations::connected;
use super::lab::{FIRST_PAGE, LEASE, Lab, failed, publication, stamp};

super::conformance!(
    a_listing_reports_what_is_new_changed_and_gone,
    a_listing_in_no_order_reports_the_same,
    a_listing_that_proves_to_have_no_order_starts_over,
    what_is_gone_from_a_wide_range_is_found_whatever_its_number,
    odd_keys_are_kept_exactly,
    one_synchronization_goes_on_at_a_time,
    a_claim_that_is_lost_changes_nothing,
    a_synchronization_that_was_cut_short_goes_on_where_it_was,
    one_that_can_only_begin_anew_counts_nothing_twice,
    a_no_change_listing_leaves_the_rows_alone,
    other_filters_are_other_decisions,
    what_a_queue_tells_late_or_twice_changes_nothing,
    what_a_queue_tells_during_a_listing_is_newer_than_its_pages,
    videos_of_the_inventory_are_walked_in_order_of_their_keys,
    statistics_tell_what_is_indexed,
    every_number_is_that_of_the_list_behind_it,
    lists_are_paged_by_number_and_by_key,
    what_an_index_has_is_left_out,
);

pub(super) fn item(key: &str, etag: &str) -> InventoryItem {
    let object = ObjectInfo {
        key: key.to_owned(),
        size_bytes: stamp(etag).size_bytes,
        etag: etag.to_owned(),
        modified_at: Some("2024-01-01".parse().unwrap()),
        storage_class: "STANDARD".to_owned(),
        is_archived: false,
    };
    InventoryItem::of(object, &Filters::default().rules().unwrap())
}

fn items(pairs: &[(&str, &str)]) -> Vec<InventoryItem> {
    let mut items: Vec<InventoryItem> = pairs.iter().map(|(key, etag)| item(key, etag)).collect();
    items.sort_by(|one, other| one.key.cmp(&other.key));
    items
}

async fn begun(lab: &Lab, id: IntegrationId) -> SyncClaim {
    let (run, _) = lab.store.begin_sync(id, SyncTrigger::Manual, lab.now()).await.unwrap();
    claimed(lab, run.id).await.0
}

async fn claimed(lab: &Lab, run: SyncId) -> (SyncClaim, SyncRun) {
    lab.store.claim_sync(run, lab.now(), lab.now().after(LEASE)).await.unwrap().expect("nobody works on it")
}

async fn merge(lab: &Lab, claim: &SyncClaim, found: Vec<SyncFound>, left: Option<Vec<KeyRange>>) {
    let part = Merge { found, left, requests: 1 };
    assert_eq!(lab.store.merge(claim, &part, lab.now()).await.unwrap(), Ok(()));
}

async fn done(lab: &Lab, claim: &SyncClaim) -> SyncReport {
    let ended = lab.store.end_sync(claim, &SyncEnd::Done, lab.now()).await.unwrap().unwrap();
    assert_eq!((ended.state, ended.ended_at), (SyncState::Done, Some(lab.now())));
    ended.report()
}

/// Everything at once.
fn whole(pairs: &[(&str, &str)]) -> SyncFound {
    SyncFound::Range { range: KeyRange::default(), items: items(pairs) }
}

/// What lies after one key and up to another.
fn part(after: Option<&str>, until: Option<&str>, pairs: &[(&str, &str)]) -> SyncFound {
    let key = |key: &str| key.to_owned();
    SyncFound::Range { range: KeyRange { after: after.map(key), until: until.map(key) }, items: items(pairs) }
}

pub(super) async fn list(lab: &Lab, id: IntegrationId, pairs: &[(&str, &str)]) -> SyncReport {
    let claim = begun(lab, id).await;
    merge(lab, &claim, vec![whole(pairs)], Some(Vec::new())).await;
    done(lab, &claim).await
}

async fn list_in_no_order(lab: &Lab, id: IntegrationId, pairs: &[(&str, &str)]) -> SyncReport {
    let claim = begun(lab, id).await;
    let found = pairs.iter().rev().map(|(key, etag)| SyncFound::Some(vec![item(key, etag)])).collect();
    merge(lab, &claim, found, None).await;
    done(lab, &claim).await
}

const REPORTS: [SyncReport; 4] = [
    SyncReport { items: 3, videos: 2, added: 3, changed: 0, removed: 0 },
    SyncReport { items: 3, videos: 3, added: 1, changed: 1, removed: 1 },
    SyncReport { items: 3, videos: 3, added: 0, changed: 0, removed: 0 },
    SyncReport { items: 1, videos: 0, added: 1, changed: 0, removed: 3 },
];
const LISTINGS: [&[(&str, &str)]; 4] = [
    &[("a.mp4", "1"), ("b.mp4", "1"), ("c.txt", "1")],
    &[("a.mp4", "1"), ("b.mp4", "2"), ("d.mp4", "1")],
    &[("a.mp4", "1"), ("b.mp4", "2"), ("d.mp4", "1")],
    // It was there before.
    &[("c.txt", "1")],
];

async fn a_listing_reports_what_is_new_changed_and_gone(lab: &Lab) {
    let id = connected(lab, "films").await;
    for (pairs, report) in LISTINGS.into_iter().zip(REPORTS) {
        lab.tick();
        assert_eq!(list(lab, id, pairs).await, report);
        assert_eq!(
            there(lab, id).await,
            pairs.iter().map(|(key, etag)| (key.to_string(), etag.to_string())).collect()
        );
        let integration = lab.store.integration_by_id(id).await.unwrap().unwrap();
        assert_eq!(integration.synchronized_at, Some(lab.now()));
    }
    assert_eq!(lab.store.inventory_item(id, "b.mp4").await.unwrap(), None);
}

async fn a_listing_in_no_order_reports_the_same(lab: &Lab) {
    let id = connected(lab, "films").await;
    for (pairs, report) in LISTINGS.into_iter().zip(REPORTS) {
        assert_eq!(list_in_no_order(lab, id, pairs).await, report);
        assert_eq!(
            there(lab, id).await,
            pairs.iter().map(|(key, etag)| (key.to_string(), etag.to_string())).collect()
        );
    }
    let next = lab.store.begin_sync(id, SyncTrigger::Schedule, lab.now()).await.unwrap().0;
    assert!(!next.is_ordered, "it is not tried for an order again");
}

async fn a_listing_that_proves_to_have_no_order_starts_over(lab: &Lab) {
    let id = connected(lab, "films").await;
    list(lab, id, &[("a.mp4", "1"), ("b.mp4", "1"), ("c.mp4", "1")]).await;
    let claim = begun(lab, id).await;
    // The store seemed to have nothing but these, in order.
    merge(lab, &claim, vec![part(None, Some("c.mp4"), &[("c.mp4", "2")])], Some(vec![KeyRange::default()]))
        .await;
    assert_eq!(there(lab, id).await.len(), 1);
    let found = vec![
        SyncFound::StartsOver,
        SyncFound::Some(vec![item("c.mp4", "2"), item("a.mp4", "1"), item("a.mp4", "1")]),
    ];
    merge(lab, &claim, found, None).await;
    let report = done(lab, &claim).await;
    assert_eq!(report, SyncReport { items: 2, videos: 2, added: 0, changed: 1, removed: 1 });
}

async fn what_is_gone_from_a_wide_range_is_found_whatever_its_number(lab: &Lab) {
    let id = connected(lab, "films").await;
    let keys: Vec<String> = (0..4_500).map(|number| format!("{number:05}.mp4")).collect();
    let pairs: Vec<(&str, &str)> = keys.iter().map(|key| (key.as_str(), "1")).collect();
    assert_eq!(list(lab, id, &pairs).await.added, 4_500);
    let some = [pairs[1_999], pairs[2_000], pairs[4_499]];
    let report = list(lab, id, &some).await;
    assert_eq!(report, SyncReport { items: 3, videos: 3, added: 0, changed: 0, removed: 4_497 });
    assert_eq!(there(lab, id).await.len(), 3);
}

async fn odd_keys_are_kept_exactly(lab: &Lab) {
    let id = connected(lab, "films").await;
    let keys = [
        "",
        "/",
        "//",
        "a//b.mp4",
        "./a.mp4",
        "../a.mp4",
        "a\\b.mp4",
        "100%.mp4",
        "a%2Fb.mp4",
        "a+b c.mp4",
        "\u{1}.mp4",
        "nul\0.mp4",
        "nul\0\0.mp4",
        "line\nbreak.mp4",
        "folder/",
        "é.mp4",
        "e\u{301}.mp4",
        "\u{1f3ac}.mp4",
        "\u{ffff}.mp4",
        "'quoted\".mp4",
        "\u{7f}.mp4",
    ];
    let pairs = keys.map(|key| (key, "1"));
    assert_eq!(list(lab, id, &pairs).await.added, keys.len() as u64);
    let other = connected(lab, "other").await;
    assert_eq!(list_in_no_order(lab, other, &pairs).await.added, keys.len() as u64);
    let known = SyncReport { items: keys.len() as u64, videos: 17, ..SyncReport::default() };
    assert_eq!([list(lab, id, &pairs).await, list_in_no_order(lab, other, &pairs).await], [known; 2]);
    let mut left = pairs.to_vec();
    for key in keys {
        assert_eq!(lab.store.inventory_item(id, key).await.unwrap(), Some(item(key, "1")), "{key:?}");
        left.retain(|(other, _)| *other != key);
        assert_eq!(list(lab, id, &left).await.removed, 1, "{key:?} and no other is gone");
        assert_eq!(lab.store.inventory_item(id, key).await.unwrap(), None, "{key:?}");
    }
}

async fn one_synchronization_goes_on_at_a_time(lab: &Lab) {
    let id = connected(lab, "films").await;
    let begin = async |trigger| lab.store.begin_sync(id, trigger, lab.now()).await.unwrap();
    let (first, is_new) = begin(SyncTrigger::Schedule).await;
    assert!(is_new);
    assert_eq!(
        (first.state, first.trigger, first.left.clone()),
        (SyncState::Running, SyncTrigger::Schedule, None)
    );
    assert_eq!(begin(SyncTrigger::Manual).await, (first.clone(), false), "who asks meanwhile joins it");
    assert_eq!(lab.store.idle_syncs(lab.now()).await.unwrap(), std::slice::from_ref(&first));
    let (claim, _) = claimed(lab, first.id).await;
    assert_eq!(lab.store.claim_sync(first.id, lab.now(), lab.now().after(LEASE)).await.unwrap(), None);
    assert_eq!(lab.store.idle_syncs(lab.now()).await.unwrap(), []);

    let why = Fault::new(Code::ListDenied);
    let failed =
        lab.store.end_sync(&claim, &SyncEnd::Failed(why.clone()), lab.tick()).await.unwrap().unwrap();
    assert_eq!((failed.state, failed.fault.as_ref()), (SyncState::Failed, Some(&why)));
    let (second, is_new) = begin(SyncTrigger::Manual).await;
    assert!(is_new && second.id != first.id);
    lab.tick();
    assert!(lab.store.cancel_sync(id, second.id, lab.now()).await.unwrap());
    assert!(!lab.store.cancel_sync(id, second.id, lab.now()).await.unwrap(), "it has ended");
    let told = lab.store.sync_runs(id, FIRST_PAGE).await.unwrap();
    assert_eq!(told.total, 2);
    assert_eq!(told.rows[0], failed);
    assert_eq!(told.rows[1].state, SyncState::Cancelled);
    assert_eq!(lab.store.sync_run(id, second.id).await.unwrap().as_ref(), Some(&told.rows[1]));
    let other = connected(lab, "other").await;
    assert_eq!(lab.store.sync_run(other, second.id).await.unwrap(), None, "it is another's");
    assert!(!lab.store.cancel_sync(other, second.id, lab.now()).await.unwrap());
}

async fn a_claim_that_is_lost_changes_nothing(lab: &Lab) {
    let id = connected(lab, "films").await;
    let old = begun(lab, id).await;
    lab.clock.advance(LEASE);
    let (new, _) = claimed(lab, old.run).await;
    let refused = async |claim: &SyncClaim| {
        let part = Merge { found: vec![whole(&[("a.mp4", "1")])], ..Merge::default() };
        assert_eq!(lab.store.merge(claim, &part, lab.now()).await.unwrap(), Err(Stale));
        assert_eq!(lab.store.extend_sync(claim, lab.now()).await.unwrap(), Err(Stale));
        assert_eq!(lab.store.end_sync(claim, &SyncEnd::Done, lab.now()).await.unwrap(), Err(Stale));
        assert!(there(lab, id).await.is_empty());
    };
    refused(&old).await;
    assert_eq!(lab.store.extend_sync(&new, lab.now().after(LEASE)).await.unwrap(), Ok(()));
    lab.store.cancel_sync(id, new.run, lab.now()).await.unwrap();
    refused(&new).await;
    assert_eq!(lab.store.claim_sync(new.run, lab.now(), lab.now().after(LEASE)).await.unwrap(), None);
}

async fn a_synchronization_that_was_cut_short_goes_on_where_it_was(lab: &Lab) {
    let id = connected(lab, "films").await;
    list(lab, id, &[("a.mp4", "1"), ("b.mp4", "1"), ("x.mp4", "1"), ("y.mp4", "1")]).await;
    let claim = begun(lab, id).await;
    let left = vec![KeyRange { after: Some("m".to_owned()), until: None }];
    let found = vec![part(None, Some("m"), &[("a.mp4", "2"), ("c.mp4", "1")])];
    merge(lab, &claim, found, Some(left.clone())).await;
    assert_eq!(lab.store.idle_syncs(lab.now()).await.unwrap(), []);
    assert_eq!(lab.store.break_sync_claims().await.unwrap(), 1, "the server starts anew");
    let idle = lab.store.idle_syncs(lab.now()).await.unwrap();
    assert_eq!(idle.iter().map(|run| run.id).collect::<Vec<_>>(), [claim.run]);
    let (claim, run) = claimed(lab, claim.run).await;
    assert_eq!((run.left, run.listed, run.requests), (Some(left), 2, 1));
    merge(lab, &claim, vec![part(Some("m"), None, &[("x.mp4", "1")])], Some(Vec::new())).await;
    let report = done(lab, &claim).await;
    assert_eq!(report, SyncReport { items: 3, videos: 3, added: 1, changed: 1, removed: 2 });
}

async fn one_that_can_only_begin_anew_counts_nothing_twice(lab: &Lab) {
    let id = connected(lab, "films").await;
    list_in_no_order(lab, id, &[("a.mp4", "1"), ("b.mp4", "1"), ("c.mp4", "1")]).await;
    let claim = begun(lab, id).await;
    let page = SyncFound::Some(vec![item("a.mp4", "2"), item("new.mp4", "1"), item("passing.mp4", "1")]);
    merge(lab, &claim, vec![page], None).await;
    lab.store.break_sync_claims().await.unwrap();
    let (claim, run) = claimed(lab, claim.run).await;
    assert_eq!((run.left, run.listed), (None, 0));
    let all = SyncFound::Some(vec![item("new.mp4", "1"), item("a.mp4", "2"), item("b.mp4", "1")]);
    merge(lab, &claim, vec![all], None).await;
    let report = done(lab, &claim).await;
    assert_eq!(report, SyncReport { items: 3, videos: 3, added: 2, changed: 1, removed: 2 });
}

async fn a_no_change_listing_leaves_the_rows_alone(lab: &Lab) {
    let id = connected(lab, "films").await;
    let pairs = [("a.mp4", "1"), ("b.mp4", "1"), ("c.txt", "1")];
    list(lab, id, &pairs).await;
    // Whoever writes a row of the inventory from now on fails.
    lab.forbid_writes("inventory").await;
    let report = list(lab, id, &pairs).await;
    assert_eq!(report, SyncReport { items: 3, videos: 2, ..SyncReport::default() });
}

async fn other_filters_are_other_decisions(lab: &Lab) {
    let id = connected(lab, "films").await;
    list(lab, id, &[("a.mp4", "1"), ("b.mov", "1"), ("c.txt", "1")]).await;
    let filters = Filters { exclude: vec!["*.mov".to_owned()], ..Filters::default() };
    assert_eq!(lab.store.decide_anew(id, &filters.rules().unwrap()).await.unwrap(), 1);
    let taken = async || {
        let rows = lab.store.inventory_after(id, None, None, 10).await.unwrap();
        rows.into_iter().map(|row| row.key).collect::<Vec<_>>()
    };
    assert_eq!(taken().await, ["a.mp4"]);
    assert_eq!(lab.store.decide_anew(id, &Filters::default().rules().unwrap()).await.unwrap(), 1);
    assert_eq!(taken().await, ["a.mp4", "b.mov"]);
}

fn told(key: &str, etag: Option<&str>, sequencer: &str) -> KeyTold {
    let item = etag.map(|etag| InventoryItem { modified_at: None, ..item(key, etag) });
    KeyTold { key: key.to_owned(), item, sequencer: Some(sequencer.to_owned()), at: None }
}

async fn tell(lab: &Lab, id: IntegrationId, told: &[KeyTold]) -> u64 {
    lab.store.tell(id, told, &QueueNote::default(), lab.now()).await.unwrap()
}

async fn what_a_queue_tells_late_or_twice_changes_nothing(lab: &Lab) {
    let id = connected(lab, "films").await;
    let etag = async || there(lab, id).await.get("a.mp4").cloned();
    assert_eq!(tell(lab, id, &[told("a.mp4", Some("1"), "0A"), told("a.mp4", Some("2"), "0B")]).await, 2);
    assert_eq!(etag().await.as_deref(), Some("2"));
    assert_eq!(tell(lab, id, &[told("a.mp4", Some("2"), "0B"), told("a.mp4", Some("1"), "0A")]).await, 0);
    assert_eq!(etag().await.as_deref(), Some("2"));
    assert_eq!(tell(lab, id, &[told("a.mp4", None, "0C"), told("a.mp4", Some("3"), "0B5")]).await, 1);
    assert_eq!(etag().await, None, "what comes late does not bring it back");
    assert_eq!(tell(lab, id, &[told("b.mp4", None, "0B"), told("b.mp4", Some("1"), "0A")]).await, 1);
    assert!(there(lab, id).await.is_empty(), "also what was never seen before");
    assert_eq!(tell(lab, id, &[told("a.mp4", Some("4"), "0D")]).await, 1);
    // A listing saw a later version than an event that comes now.
    list(lab, id, &[("a.mp4", "5")]).await;
    let late = KeyTold { at: Some("2023-12-31".parse().unwrap()), ..told("a.mp4", Some("4b"), "0E") };
    assert_eq!(tell(lab, id, &[late]).await, 0);
    assert_eq!(etag().await.as_deref(), Some("5"));
    let note = QueueNote { ignored: 2, malformed: 1 };
    lab.store.tell(id, &[], &note, lab.tick()).await.unwrap();
    let log = lab.store.queue_log(id).await.unwrap().unwrap();
    assert_eq!((log.applied, log.late, log.ignored, log.malformed), (5, 5, 2, 1));
    assert_eq!((log.read_at, log.failures), (Some(lab.now()), 0));
    let why = Fault::new(Code::QueueUnreadable);
    lab.store.note_queue_failure(id, &why, lab.now()).await.unwrap();
    lab.store.note_queue_failure(id, &why, lab.tick()).await.unwrap();
    let log = lab.store.queue_log(id).await.unwrap().unwrap();
    assert_eq!((log.failures, log.failed_at, log.fault), (2, Some(lab.now()), Some(why)));
    let statistics = lab.store.statistics(id, &ObjectFilter::default()).await.unwrap();
    assert_eq!(statistics.queue, lab.store.queue_log(id).await.unwrap());
}

async fn what_a_queue_tells_during_a_listing_is_newer_than_its_pages(lab: &Lab) {
    let id = connected(lab, "films").await;
    list(lab, id, &[("a.mp4", "1"), ("b.mp4", "1"), ("c.mp4", "1")]).await;
    for is_ordered in [true, false] {
        let claim = begun(lab, id).await;
        // The page was given before, and is merged after.
        let sequencer = if is_ordered { "0A" } else { "0B" };
        let news = [
            told("a.mp4", Some(sequencer), sequencer),
            told("b.mp4", None, sequencer),
            told("new.mp4", Some("1"), sequencer),
        ];
        tell(lab, id, &news).await;
        let old = [("a.mp4", "1"), ("b.mp4", "1"), ("c.mp4", "1")];
        let found = if is_ordered { whole(&old) } else { SyncFound::Some(items(&old)) };
        merge(lab, &claim, vec![found], None).await;
        done(lab, &claim).await;
        let expected = [("a.mp4", sequencer), ("c.mp4", "1"), ("new.mp4", "1")];
        let expected: BTreeMap<String, String> =
            expected.iter().map(|(key, etag)| (key.to_string(), etag.to_string())).collect();
        assert_eq!(there(lab, id).await, expected);
    }
    // The next listing is believed again.
    let claim = begun(lab, id).await;
    merge(lab, &claim, vec![SyncFound::Some(items(&[("b.mp4", "1")]))], None).await;
    assert_eq!(done(lab, &claim).await.removed, 3);
    assert_eq!(there(lab, id).await.len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// However late and often events come: in the end, each key is as its last one says.
    #[test]
    fn events_in_any_order_come_to_the_same(
        life in prop::collection::vec(("[ab]", prop::option::of("[1-3]")), 1..12),
        order in prop::collection::vec(any::<prop::sample::Index>(), 0..30),
    ) {
        let events: Vec<KeyTold> = life.iter().enumerate()
            .map(|(number, (key, etag))| told(&format!("{key}.mp4"), etag.as_deref(), &format!("{number:04X}")))
            .collect();
        let mut expected = BTreeMap::new();
        for (key, etag) in &life {
            match etag {
                Some(etag) => expected.insert(format!("{key}.mp4"), etag.clone()),
                None => expected.remove(&format!("{key}.mp4")),
            };
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let lab = Lab::sqlite().await;
            let id = connected(&lab, "films").await;
            let shuffled: Vec<KeyTold> = order.iter().map(|index| index.get(&events).clone()).collect();
            tell(&lab, id, &shuffled).await;
            // Each comes at least once.
            let mut all = events.clone();
            all.rotate_left(order.len() % events.len());
            tell(&lab, id, &all).await;
            assert_eq!(there(&lab, id).await, expected);
        });
    }
}

/// Keys and etags of what is there.
async fn there(lab: &Lab, id: IntegrationId) -> BTreeMap<String, String> {
    let filter = ObjectFilter { state: ObjectState::Present, ..ObjectFilter::default() };
    let page = ObjectPage::After { key: None, limit: 10_000 };
    let found = lab.store.objects(id, &filter, &page).await.unwrap();
    found.rows.into_iter().map(|row| (row.item.key, row.item.etag)).collect()
}

/// What is in a bucket at each of several listings, and where each listing is cut.
fn lives() -> impl Strategy<Value = Vec<(BTreeMap<String, String>, Vec<String>)>> {
    let key = "[ab/é\u{1}]{1,3}";
    let bucket = prop::collection::btree_map(key, "[12]", 0..12);
    prop::collection::vec((bucket, prop::collection::vec(key, 0..4)), 1..5)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn the_ledger_is_the_bucket_however_the_listing_is_cut(lives in lives()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let lab = Lab::sqlite().await;
            let id = connected(&lab, "films").await;
            let mut before = BTreeMap::new();
            for (bucket, mut cuts) in lives {
                cuts.sort();
                cuts.dedup();
                let claim = begun(&lab, id).await;
                let ends = cuts.iter().map(Some).chain([None]);
                let starts = [None].into_iter().chain(cuts.iter().map(Some));
                let mut found: Vec<SyncFound> = starts.zip(ends).map(|(after, until)| {
                    let within = |key: &String| after.is_none_or(|after| key > after) && until.is_none_or(|until| key <= until);
                    let pairs: Vec<(&str, &str)> = bucket.iter().filter(|(key, _)| within(key))
                        .map(|(key, etag)| (key.as_str(), etag.as_str())).collect();
                    part(after.map(String::as_str), until.map(String::as_str), &pairs)
                }).collect();
                // Ranges come in whatever order.
                found.reverse();
                for piece in found {
                    merge(&lab, &claim, vec![piece], Some(Vec::new())).await;
                }
                let report = done(&lab, &claim).await;
                assert_eq!(there(&lab, id).await, bucket);
                let new = bucket.keys().filter(|key| !before.contains_key(*key)).count() as u64;
                let gone = before.keys().filter(|key| !bucket.contains_key(*key)).count() as u64;
                let changed = bucket.iter().filter(|(key, etag)| before.get(*key).is_some_and(|old| old != *etag)).count() as u64;
                assert_eq!((report.added, report.changed, report.removed), (new, changed, gone));
                assert_eq!(report.items, bucket.len() as u64);
                before = bucket;
            }
        });
    }
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
pub(super) async fn task_of(lab: &Lab, index: IndexId, id: IntegrationId, key: &str) -> TaskId {
    let (scheme, bucket) = (Scheme::S3, "films".to_owned());
    let source = TaskSource::Object(ObjectRef { scheme, integration: id, bucket, key: key.to_owned() });
    let new = NewTask { source, ..lab.new_task(index, key) };
    lab.store.insert_task(lab.workspace, &new, lab.now()).await.unwrap();
    new.id
}

pub(super) async fn indexed(lab: &Lab, index: IndexId, id: IntegrationId, key: &str, etag: &str) -> TaskId {
    let task = task_of(lab, index, id, key).await;
    let claim = lab.claim_of(task).await;
    lab.changes(&claim, TaskChange { stamp: Some(stamp(etag)), ..Event::Admitted.into() }).await;
    lab.publish(&claim, &publication(task, key)).await;
    task
}

/// A bucket in which everything has happened, and two indexes.
async fn eventful(lab: &Lab) -> (IntegrationId, [IndexId; 2]) {
    let id = connected(lab, "films").await;
    let all = ["a", "b", "c", "gone", "lost", "busy", "never"].map(|stem| format!("{stem}.mp4"));
    let mut pairs: Vec<(&str, &str)> = all.iter().map(|key| (key.as_str(), "1")).collect();
    pairs.extend([("x.txt", "1"), ("folder/", "1"), ("a.srt", "1")]);
    list(lab, id, &pairs).await;
    let (films, other) = (lab.index("films").await, lab.index("other").await);
    // In two indexes, and still one video of the bucket.
    let video = indexed(lab, films, id, "a.mp4", "1").await;
    indexed(lab, other, id, "a.mp4", "1").await;
    indexed(lab, films, id, "b.mp4", "0").await;
    indexed(lab, films, id, "gone.mp4", "1").await;
    let copy = lab.claim_of(task_of(lab, films, id, "c.mp4").await).await;
    let skipped = Event::Duplicate(Duplicate { video: video.into(), by: DuplicateBy::Content });
    lab.changes(&copy, TaskChange { stamp: Some(stamp("1")), ..skipped.into() }).await;
    let broken = lab.claim_of(task_of(lab, films, id, "lost.mp4").await).await;
    lab.happens(&broken, failed(Code::VideoFileBroken)).await;
    // It failed before, which is of no interest any more.
    let mended = lab.claim_of(task_of(lab, other, id, "b.mp4").await).await;
    lab.happens(&mended, failed(Code::ObjectNotExists)).await;
    indexed(lab, other, id, "b.mp4", "1").await;
    task_of(lab, films, id, "busy.mp4").await;
    pairs.retain(|(key, _)| *key != "gone.mp4" && *key != "folder/");
    list(lab, id, &pairs).await;
    (id, [films, other])
}

async fn keys_of(lab: &Lab, id: IntegrationId, filter: &ObjectFilter) -> Vec<String> {
    let page = ObjectPage::Number { page: 1, limit: 50 };
    let found = lab.store.objects(id, filter, &page).await.unwrap();
    assert_eq!(found.total, found.rows.len() as u64);
    let first = ObjectPage::After { key: None, limit: 50 };
    assert_eq!(lab.store.objects(id, filter, &first).await.unwrap().rows, found.rows);
    found.rows.into_iter().map(|row| row.item.key).collect()
}

async fn statistics_tell_what_is_indexed(lab: &Lab) {
    let none = connected(lab, "none").await;
    let told = async |id| lab.store.statistics(id, &ObjectFilter::default()).await.unwrap();
    assert_eq!(told(none).await, Statistics::default());
    let (id, [films, other]) = eventful(lab).await;
    let share =
        |index, name: &str, indexed, not_indexed, changed, failed, indexed_then_deleted, indexed_s| {
            IndexShare {
                index,
                name: name.to_owned(),
                indexed,
                not_indexed,
                changed,
                failed,
                indexed_then_deleted,
                indexed_s,
            }
        };
    let expected = Statistics {
        items: 8,
        videos: 6,
        bytes: 8_000,
        taken: 6,
        taken_bytes: 6_000,
        known_s: 37.5,
        known_of: 3,
        indexed: 3,
        not_indexed: 3,
        changed: 0,
        failed: 1,
        indexed_then_deleted: 1,
        failed_by_code: vec![("video_file_broken".to_owned(), 1)],
        excluded: [Decision::SidecarCaptions, Decision::NotAVideo]
            .map(|decision| ExcludedCount { decision, items: 1, bytes: 1_000 })
            .to_vec(),
        indexes: vec![share(films, "films", 2, 4, 1, 1, 1, 25.0), share(other, "other", 2, 4, 0, 0, 0, 25.0)],
        queue: None,
    };
    assert_eq!(told(id).await, expected);
    // A header that was read tells the time of what is not indexed.
    assert!(lab.store.set_header(id, "never.mp4", "1", &json!({"duration_s": 2.5})).await.unwrap());
    assert!(!lab.store.set_header(id, "never.mp4", "0", &json!({"duration_s": 9.5})).await.unwrap());
    assert!(lab.store.set_header(id, "a.mp4", "1", &json!({"duration_s": 12.5})).await.unwrap());
    let told = told(id).await;
    assert_eq!((told.known_s, told.known_of), (40.0, 4));
    let narrow = ObjectFilter { prefix: Some("b".to_owned()), ..ObjectFilter::default() };
    let told = lab.store.statistics(id, &narrow).await.unwrap();
    assert_eq!((told.items, told.indexed, told.not_indexed, told.failed), (2, 1, 1, 0));
}

async fn every_number_is_that_of_the_list_behind_it(lab: &Lab) {
    let (id, indexes) = eventful(lab).await;
    let told = lab.store.statistics(id, &ObjectFilter::default()).await.unwrap();
    let keys = async |filter: ObjectFilter| keys_of(lab, id, &filter).await;
    let in_state = |state| ObjectFilter { state, ..ObjectFilter::default() };
    use ObjectState::*;
    for (state, number, expected) in [
        (Present, told.items, "a.mp4 a.srt b.mp4 busy.mp4 c.mp4 lost.mp4 never.mp4 x.txt"),
        (Videos, told.videos, "a.mp4 b.mp4 busy.mp4 c.mp4 lost.mp4 never.mp4"),
        (Taken, told.taken, "a.mp4 b.mp4 busy.mp4 c.mp4 lost.mp4 never.mp4"),
        (Excluded, told.items - told.taken, "a.srt x.txt"),
        (Indexed, told.indexed, "a.mp4 b.mp4 c.mp4"),
        (NotIndexed, told.not_indexed, "busy.mp4 lost.mp4 never.mp4"),
        (Changed, told.changed, ""),
        (Failed, told.failed, "lost.mp4"),
        (InProgress, 1, "busy.mp4"),
        (IndexedThenDeleted, told.indexed_then_deleted, "gone.mp4"),
        (Removed, 2, "folder/ gone.mp4"),
        (Any, 10, "a.mp4 a.srt b.mp4 busy.mp4 c.mp4 folder/ gone.mp4 lost.mp4 never.mp4 x.txt"),
    ] {
        let found = keys(in_state(state)).await;
        assert_eq!((found.join(" ").as_str(), found.len() as u64), (expected, number), "{state:?}");
    }
    for share in &told.indexes {
        let listed = async |state| {
            keys(ObjectFilter { index: Some(share.index), ..in_state(state) }).await.len() as u64
        };
        assert_eq!(listed(Indexed).await, share.indexed);
        assert_eq!(listed(NotIndexed).await, share.not_indexed);
        assert_eq!(listed(Changed).await, share.changed);
        assert_eq!(listed(Failed).await, share.failed);
        assert_eq!(listed(IndexedThenDeleted).await, share.indexed_then_deleted);
    }
    for excluded in &told.excluded {
        let filter = ObjectFilter { decision: Some(excluded.decision), ..in_state(Excluded) };
        assert_eq!(keys(filter).await.len() as u64, excluded.items);
    }
    let coded = |code: &str| ObjectFilter { code: Some(code.to_owned()), ..in_state(Failed) };
    assert_eq!(keys(coded("video_file_broken")).await, ["lost.mp4"]);
    assert!(keys(coded("object_not_exists")).await.is_empty());

    let named = ObjectFilter { key: Some("b.mp4".to_owned()), ..in_state(Any) };
    let page = ObjectPage::Number { page: 1, limit: 10 };
    let object = lab.store.objects(id, &named, &page).await.unwrap().rows.remove(0);
    assert_eq!((object.first_seen_at, object.removed_at), (Some(lab.now()), None));
    let mut tasks = object.tasks;
    tasks.sort_by_key(|task| indexes.iter().position(|index| *index == task.index));
    assert_eq!(tasks.iter().map(|task| task.is_present_version).collect::<Vec<_>>(), [false, true]);
    assert!(tasks.iter().all(|task| task.video.is_some() && task.fault.is_none()));
    let gone = ObjectFilter { key: Some("gone.mp4".to_owned()), ..in_state(Any) };
    let object = lab.store.objects(id, &gone, &page).await.unwrap().rows.remove(0);
    assert_eq!(object.removed_at, Some(lab.now()));
}

async fn lists_are_paged_by_number_and_by_key(lab: &Lab) {
    let id = connected(lab, "films").await;
    let keys: Vec<String> = (0..25).map(|number| format!("{number:02}.mp4")).collect();
    let pairs: Vec<(&str, &str)> = keys.iter().map(|key| (key.as_str(), "1")).collect();
    list(lab, id, &pairs).await;
    let all = ObjectFilter::default();
    let (mut by_number, mut by_key) = (Vec::new(), Vec::new());
    for page in 1..=4 {
        let page = ObjectPage::Number { page, limit: 10 };
        let found = lab.store.objects(id, &all, &page).await.unwrap();
        assert_eq!(found.total, 25);
        by_number.extend(found.rows.into_iter().map(|row| row.item.key));
        let page = ObjectPage::After { key: by_key.last().cloned(), limit: 10 };
        let found = lab.store.objects(id, &all, &page).await.unwrap();
        by_key.extend(found.rows.into_iter().map(|row| row.item.key));
    }
    assert_eq!((by_number, by_key), (keys.clone(), keys));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]

    /// What the database lists by a filter is what the filter decides in memory.
    #[test]
    fn filters_mean_the_same_in_the_database_and_in_memory(
        keys in prop::collection::btree_set("[a-c/.\u{1}é]{0,4}\\.mp4", 1..12),
        include in prop::collection::vec("[a-c*?/{}\\[\\]!.,é]{0,5}", 0..3),
        exclude in prop::collection::vec("[a-c*?/.]{1,4}", 0..2),
        min_bytes in prop::option::of(900_u64..1_100),
        prefix in "[a-cé/]{0,2}",
    ) {
        let filters = Filters { include, exclude, min_bytes, ..Filters::default() };
        let Ok(rules) = filters.rules() else { return Ok(()) };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let lab = Lab::sqlite().await;
            let id = connected(&lab, "films").await;
            let pairs: Vec<(&str, &str)> = keys.iter().map(|key| (key.as_str(), "1")).collect();
            list(&lab, id, &pairs).await;
            let filter = ObjectFilter { rules: Some(rules.clone()), prefix: Some(prefix.clone()), ..ObjectFilter::default() };
            let found = keys_of(&lab, id, &filter).await;
            lab.store.decide_anew(id, &rules).await.unwrap();
            let taken = ObjectFilter { state: ObjectState::Taken, prefix: Some(prefix), ..ObjectFilter::default() };
            let videos: Vec<String> = found.into_iter().filter(|key| item(key, "1").is_video).collect();
            assert_eq!(keys_of(&lab, id, &taken).await, videos, "{filters:?}");
        });
    }
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
