//! Processes that share a database.

use std::time::Duration;

use telecine::cluster::{end_what_was_left, open_vault};
use telecine::files::DataDir;
use telecine::store::{InHand, KeyedRequest, Process, Repetition};
use telecine::time::Timestamp;

use super::lab::Lab;

super::conformance!(
    processes_are_there_for_as_long_as_they_say_so,
    a_duty_is_one_process_s_at_a_time,
    what_a_process_left_is_ended_once_it_is_gone,
    a_manifest_that_is_no_longer_received_is_discarded,
    all_agree_on_a_fact,
    a_server_with_another_key_is_refused,
);

const MINUTE: Duration = Duration::from_secs(60);

fn process(id: &str, started_at: Timestamp) -> Process {
    Process { id: id.to_owned(), role: "api".to_owned(), version: "0".to_owned(), started_at }
}

/// Tells that it is there, for a minute.
async fn alive(lab: &Lab, id: &str) -> Process {
    let process = process(id, lab.now());
    lab.store.keep_alive(&process, lab.now().after(MINUTE), lab.now()).await.unwrap();
    process
}

async fn processes_are_there_for_as_long_as_they_say_so(lab: &Lab) {
    let first = alive(lab, "first").await;
    lab.clock.advance(MINUTE / 2);
    let second = alive(lab, "second").await;
    let there = async || lab.store.processes(lab.now()).await.unwrap();
    assert_eq!(there().await, [first.clone(), second.clone()]);
    lab.clock.advance(MINUTE / 2);
    assert_eq!(there().await, [second], "the first has said nothing for a minute");
    lab.store.keep_alive(&first, lab.now().after(MINUTE), lab.now()).await.unwrap();
    lab.store.end_process("second").await.unwrap();
    assert_eq!(there().await, [first]);
}

async fn a_duty_is_one_process_s_at_a_time(lab: &Lab) {
    let take = async |name: &str, process: &str| {
        lab.store.take_duty(name, process, lab.now().after(MINUTE), lab.now()).await.unwrap()
    };
    assert!(take("recheck", "first").await && take("recheck", "first").await, "for longer");
    assert!(!take("recheck", "second").await && take("mend", "second").await, "each has its own");
    lab.clock.advance(MINUTE);
    assert!(take("recheck", "second").await && !take("recheck", "first").await, "it was let lapse");
    lab.store.end_process("second").await.unwrap();
    assert!(take("recheck", "first").await, "a process that ends in order leaves nothing");
}

async fn what_a_process_left_is_ended_once_it_is_gone(lab: &Lab) {
    alive(lab, "server").await;
    let request = KeyedRequest { workspace: lab.workspace, key: "k/1".to_owned(), fingerprint: [7; 32] };
    let id = format!("{}/k/1", lab.workspace);
    let ask =
        async || lab.store.take_request_key(&request, lab.now(), Timestamp::from_millis(0)).await.unwrap();
    lab.store.take_in_hand(InHand::Request, &id, "server").await.unwrap();
    let begun_at = lab.now();
    assert_eq!(ask().await, Repetition::Begin(begun_at));
    assert_eq!(end_what_was_left(&*lab.store, lab.now()).await.unwrap(), 0, "it is at work");
    assert_eq!(ask().await, Repetition::InProgress);
    lab.clock.advance(MINUTE);
    alive(lab, "another").await;
    lab.store.take_in_hand(InHand::Request, &id, "another").await.unwrap();
    assert_eq!(end_what_was_left(&*lab.store, lab.now()).await.unwrap(), 0, "somebody has it in hand");
    lab.store.let_go(InHand::Request, &id, "another").await.unwrap();
    assert_eq!(end_what_was_left(&*lab.store, lab.now()).await.unwrap(), 1);
    assert_eq!(ask().await, Repetition::Begin(begun_at), "it may be begun again, under the same id");
    assert_eq!(end_what_was_left(&*lab.store, lab.now()).await.unwrap(), 0, "once");
}

async fn a_manifest_that_is_no_longer_received_is_discarded(lab: &Lab) {
    let old = telecine::ids::TransferId::generate(lab.now());
    lab.store.begin_transfer(lab.workspace, old, lab.now()).await.unwrap();
    lab.clock.advance(MINUTE);
    let (between, new) = (lab.now(), telecine::ids::TransferId::generate(lab.now()));
    lab.tick();
    lab.store.begin_transfer(lab.workspace, new, lab.now()).await.unwrap();
    assert_eq!(lab.store.discard_transfers_begun(between).await.unwrap(), 1);
    assert!(lab.store.accept_transfer(old, lab.now()).await.is_err(), "it is gone");
    lab.store.accept_transfer(new, lab.now()).await.unwrap();
    assert_eq!(lab.store.discard_transfers_begun(lab.now()).await.unwrap(), 0, "what was accepted stays");
    lab.store.go_on_with_removals().await.unwrap();
}

async fn all_agree_on_a_fact(lab: &Lab) {
    assert_eq!(lab.store.known_fact("key").await.unwrap(), None);
    let (one, two) = tokio::join!(lab.store.fact("key", "one"), lab.store.fact("key", "two"));
    let (one, two) = (one.unwrap(), two.unwrap());
    assert!(one == two && ["one", "two"].contains(&one.as_str()), "{one} {two}");
    assert_eq!(lab.store.known_fact("key").await.unwrap(), Some(one));
}

async fn a_server_with_another_key_is_refused(lab: &Lab) {
    let files = DataDir::new(lab.folder.path());
    let (first, second) = (lab.folder.path().join("first.key"), lab.folder.path().join("second.key"));
    let made = open_vault(&*lab.store, &first, &files).await.unwrap();
    let told = format!("{:#}", open_vault(&*lab.store, &second, &files).await.unwrap_err());
    assert!(told.contains("is not here") && told.contains("secrets.key_file"), "{told}");
    assert!(!second.exists(), "none is made where there is one");
    std::fs::write(&second, [9; 32]).unwrap();
    let told = format!("{:#}", open_vault(&*lab.store, &second, &files).await.unwrap_err());
    assert!(told.contains("second.key is not the key of this installation's secrets"), "{told}");
    std::fs::copy(&first, &second).unwrap();
    assert_eq!(open_vault(&*lab.store, &second, &files).await.unwrap().mark(), made.mark());
}
