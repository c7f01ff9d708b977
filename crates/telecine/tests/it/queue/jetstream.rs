//! What the stream's queue does beyond what every queue does: it does without NATS, heals what NATS loses, and believes
//! nothing that is in the stream.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use async_nats::jetstream;
use futures::StreamExt as _;
use telecine::fault::Code;
use telecine::ids::{TaskId, WorkspaceId};
use telecine::queue::JetStreamOptions;
use telecine::queue::jetstream::{Finding, Level, check};
use telecine::store::OfferClass;
use telecine::transfer::Event;

use super::house::{House, Kind, options};
use crate::store::lab::{LEASE, Lab, failed};
use crate::support::nats::Nats;

async fn house(nats: &Nats) -> House {
    House::new(Lab::sqlite().await, Kind::Stream(options(&nats.endpoints())), None).await
}

async fn transfer(house: &House, number: usize) -> Vec<TaskId> {
    static TRANSFERS: AtomicU32 = AtomicU32::new(0);
    let index = house.lab.index(&format!("of transfer {}", TRANSFERS.fetch_add(1, Ordering::Relaxed))).await;
    let keys: Vec<String> = (0..number).map(|key| format!("{key}.mp4")).collect();
    house.lab.transfer(index, &keys.iter().map(String::as_str).collect::<Vec<_>>()).await.1
}

/// Claims and ends tasks until so many are done, letting the house's clock go on as the machine's does.
async fn work(house: &House, number: usize, limit: Duration) -> Vec<TaskId> {
    let began = Instant::now();
    let mut told_until = began;
    let mut done = Vec::new();
    while done.len() < number {
        assert!(began.elapsed() < limit, "{} of {number} were done", done.len());
        match house.claim().await {
            Some(claim) => {
                house.ends(&claim, failed(Code::VideoFileBroken)).await;
                done.push(claim.task);
            }
            None => {
                tokio::time::sleep(Duration::from_millis(20)).await;
                house.lab.clock.advance(told_until.elapsed());
                told_until = Instant::now();
            }
        }
    }
    done
}

async fn stream_of(nats: &Nats) -> jetstream::stream::Stream {
    let client = async_nats::connect(nats.endpoints()).await.unwrap();
    jetstream::new(client).get_stream("TELECINE_TASKS").await.unwrap()
}

/// What is acknowledged is gone in a moment.
async fn assert_empty(stream: &mut jetstream::stream::Stream) {
    let began = Instant::now();
    while stream.info().await.unwrap().state.messages > 0 {
        assert!(began.elapsed() < Duration::from_secs(3), "{:?}", stream.cached_info().state);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_few_tasks_wait_in_the_stream_and_the_rest_in_the_database() {
    let nats = Nats::start("nats");
    let house = house(&nats).await;
    let tasks = transfer(&house, 500).await;
    assert_eq!(house.next().await.task, tasks[0]);
    let state = stream_of(&nats).await.cached_info().state.clone();
    assert!((1..=16).contains(&state.messages), "{state:?}");
    // The more are taken, the more are offered at once; never more than the settings say.
    work(&house, 400, Duration::from_secs(60)).await;
    let standing = house.lab.store.standing_offers(OfferClass::Bulk, house.lab.now()).await.unwrap();
    assert!(standing <= 256, "{standing}");
}

/// By its place among four.
fn lane_of(workspace: WorkspaceId) -> u8 {
    blake3::hash(workspace.to_string().as_bytes()).as_bytes()[0] % 4
}

#[tokio::test]
async fn workspaces_in_lanes_side_by_side_with_empty_ones_behind_take_turns() {
    let nats = Nats::start("nats");
    let house = house(&nats).await;
    let first = house.lab.index_of_another("first").await;
    let second = loop {
        let other = house.lab.index_of_another("second").await;
        if lane_of(other.workspace) == (lane_of(first.workspace) + 1) % 4 {
            break other;
        }
    };
    let keys: Vec<String> = (0..30).map(|number| format!("{number}.mp4")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    for index in [&first, &second] {
        house.lab.transfer_of(index.workspace, index.id, &keys).await;
    }
    house.told().await;
    let mut turns = Vec::new();
    while turns.len() < 40 {
        let task = house.next().await.task;
        let is_there = house.lab.store.task(second.workspace, task).await.unwrap().is_some();
        // What was put into the stream before both were there.
        if is_there || !turns.is_empty() {
            turns.push(is_there);
        }
    }
    let [alike, others] =
        [true, false].map(|is| turns.windows(2).filter(|two| (two[0] == two[1]) == is).count());
    assert!(alike <= others / 4, "{turns:?}");
}

#[tokio::test]
async fn the_queue_is_opened_and_tasks_are_claimed_from_the_table_while_nobody_answers() {
    let nobody = options("nats://127.0.0.1:1");
    let house = House::new(Lab::sqlite().await, Kind::Stream(nobody), None).await;
    let tasks = transfer(&house, 3).await;
    assert_eq!(house.claim().await, None, "it may come in a moment");
    let began = Instant::now();
    house.queue.wake();
    assert!(began.elapsed() < Duration::from_millis(50), "who tells of work does not wait");
    let done = work(&house, 3, Duration::from_secs(10)).await;
    assert_eq!(done, tasks);
    house.queue.close().await;
}

#[tokio::test]
async fn work_goes_on_when_the_server_goes_and_comes_back_with_an_empty_disk() {
    let mut nats = Nats::start("nats");
    let house = house(&nats).await;
    let tasks = transfer(&house, 60).await;
    let mut done = work(&house, 10, Duration::from_secs(10)).await;
    let standing = house.lab.store.standing_offers(OfferClass::Bulk, house.lab.now()).await.unwrap();
    assert!(standing > 0, "some will be lost");
    nats.kill(0);
    done.extend(work(&house, 20, Duration::from_secs(20)).await);
    nats.lose_disk(0);
    nats.restart(0);
    done.extend(work(&house, 30, Duration::from_secs(30)).await);
    assert_eq!(done.len(), 60, "none twice");
    assert_eq!(done.into_iter().collect::<HashSet<_>>(), tasks.into_iter().collect());
    // And it is the stream again through which tasks come, as soon as there is a connection.
    let began = Instant::now();
    loop {
        transfer(&house, 3).await;
        work(&house, 1, Duration::from_secs(10)).await;
        if house.lab.store.standing_offers(OfferClass::Bulk, house.lab.now()).await.unwrap() > 0 {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "tasks are offered again");
        work(&house, 2, Duration::from_secs(10)).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test]
async fn what_the_stream_lost_is_offered_anew_within_seconds() {
    let nats = Nats::start("nats");
    let house = house(&nats).await;
    let tasks = transfer(&house, 6).await;
    let mut done = work(&house, 1, Duration::from_secs(10)).await;
    stream_of(&nats).await.purge().await.unwrap();
    assert_eq!(house.claim().await, None, "they are offered, but nowhere");
    let began = Instant::now();
    done.extend(work(&house, 5, Duration::from_secs(20)).await);
    assert!(began.elapsed() < Duration::from_secs(10), "long before the offers lapse");
    assert_eq!(done, tasks);
}

#[tokio::test]
async fn a_disk_that_is_full_keeps_nobody_from_work() {
    let nats = Nats::start("nats-small");
    let house = house(&nats).await;
    // Something else has filled it.
    let client = async_nats::connect(nats.endpoints()).await.unwrap();
    let context = jetstream::new(client);
    let config = jetstream::stream::Config {
        name: "OTHERS".to_owned(),
        subjects: vec!["others".to_owned()],
        ..Default::default()
    };
    context.create_stream(config).await.unwrap();
    while let Ok(sent) = context.publish("others", vec![0; 4_096].into()).await {
        if sent.await.is_err() {
            break;
        }
    }
    let tasks = transfer(&house, 40).await;
    let mut done = work(&house, 20, Duration::from_secs(20)).await;
    // It is emptied, and all is as before.
    context.delete_stream("OTHERS").await.unwrap();
    done.extend(work(&house, 20, Duration::from_secs(20)).await);
    assert_eq!(done.into_iter().collect::<HashSet<_>>(), tasks.into_iter().collect());
}

#[tokio::test]
async fn a_worker_that_says_that_it_is_at_work_keeps_its_message() {
    let nats = Nats::start("nats");
    let house = house(&nats).await;
    transfer(&house, 1).await;
    let claim = house.next().await;
    let mut stream = stream_of(&nats).await;
    // Twice as long as the stream waits for a word of it.
    for _ in 0..8 {
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!(house.queue.extend(&claim, house.lab.now().after(LEASE)).await.unwrap(), Ok(()));
    }
    assert_eq!(house.claim().await, None);
    let mut redelivered = 0;
    let mut consumers = stream.consumers();
    while let Some(consumer) = consumers.next().await {
        redelivered += consumer.unwrap().num_redelivered;
    }
    assert_eq!(redelivered, 0);
    house.ends(&claim, failed(Code::VideoFileBroken)).await;
    house.queue.close().await;
    assert_empty(&mut stream).await;
}

#[tokio::test]
async fn what_is_released_comes_to_another_process_at_once() {
    let nats = Nats::start("nats");
    let house = house(&nats).await;
    let other = house.another_queue().await;
    let tasks = transfer(&house, 1).await;
    let claim = house.next().await;
    let waiting = tokio::spawn({
        let (other, clock) = (other.clone(), house.lab.clock.clone());
        async move {
            loop {
                if let Some(claim) = other.claim(telecine::time::Clock::now(&*clock), LEASE).await.unwrap() {
                    return claim.task;
                }
                other.wait().await;
            }
        }
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    house.ends(&claim, Event::Released).await;
    let task = tokio::time::timeout(Duration::from_millis(700), waiting).await;
    assert_eq!(task.expect("it need not look by itself").unwrap(), tasks[0]);
}

#[tokio::test]
async fn whoever_waits_in_another_process_is_told_of_work() {
    let nats = Nats::start("nats");
    let house = house(&nats).await;
    let other = house.another_queue().await;
    let waiting = tokio::spawn({
        let other = other.clone();
        async move { other.wait().await }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    transfer(&house, 1).await;
    house.queue.wake();
    tokio::time::timeout(Duration::from_millis(700), waiting).await.expect("it is told").unwrap();
    assert!(other.claim(house.lab.now(), LEASE).await.unwrap().is_some());
}

#[tokio::test]
async fn messages_that_are_not_ours_or_of_nothing_are_passed_over() {
    let nats = Nats::start("nats");
    let house = house(&nats).await;
    let tasks = transfer(&house, 3).await;
    let context = jetstream::new(async_nats::connect(nats.endpoints()).await.unwrap());
    let gone = format!("65e0f0f0f0f0f0f0f0f0f0f0 {}", house.lab.now().as_millis());
    let early = format!("{} 1", tasks[2]);
    for lane in 0..4 {
        for text in ["", "not ours", gone.as_str(), early.as_str(), early.as_str()] {
            context
                .publish(format!("telecine.tasks.bulk.{lane}"), text.to_owned().into())
                .await
                .unwrap()
                .await
                .unwrap();
        }
    }
    let done: HashSet<TaskId> = work(&house, 3, Duration::from_secs(10)).await.into_iter().collect();
    assert_eq!(done, tasks.into_iter().collect());
    assert_eq!(house.claim().await, None);
    house.queue.close().await;
    assert_empty(&mut stream_of(&nats).await).await;
}

#[tokio::test]
async fn processes_with_other_numbers_of_lanes_lose_nothing() {
    let nats = Nats::start("nats");
    let lab = Lab::sqlite().await;
    let with = |lanes| Kind::Stream(JetStreamOptions { lanes, ..options(&nats.endpoints()) });
    let many = House::new(lab, with(16), None).await;
    let tasks = transfer(&many, 40).await;
    let mut done = work(&many, 5, Duration::from_secs(10)).await;
    let few = House::new(many.lab, with(1), None).await;
    // What waits in lanes that the other does not know is offered anew when it lapses.
    while done.len() < 40 {
        match few.claim().await {
            Some(claim) => {
                few.ends(&claim, failed(Code::VideoFileBroken)).await;
                done.push(claim.task);
            }
            None => few.lab.clock.advance(Duration::from_secs(30)),
        }
    }
    assert_eq!(done.into_iter().collect::<HashSet<_>>(), tasks.into_iter().collect());
}

#[tokio::test]
async fn many_relays_at_once_offer_each_task_once() {
    let nats = Nats::start("nats");
    let house = house(&nats).await;
    transfer(&house, 300).await;
    let store = house.lab.store.clone();
    let now = house.lab.now();
    let rounds = (0..8).map(|relay| {
        let store = Arc::clone(&store);
        let until = now.after(Duration::from_secs(300 + relay));
        async move { store.offer_tasks(OfferClass::Bulk, 100, now, until).await.unwrap() }
    });
    let offers = futures::future::join_all(rounds).await.concat();
    let offered: HashSet<TaskId> = offers.iter().map(|offer| offer.task).collect();
    assert_eq!(offers.len(), offered.len(), "none twice");
    // The queue's own relay may have offered some as well.
    let standing = store.standing_offers(OfferClass::Bulk, now).await.unwrap();
    assert!(standing == 100 && offers.len() <= 100, "{standing} stand");
}

#[tokio::test]
async fn what_is_to_be_said_of_a_server_and_its_stream_is_said() {
    let nats = Nats::start("nats");
    let options = options(&nats.endpoints());
    let said = |findings: Vec<Finding>| -> Vec<(&str, Level, String)> {
        findings.into_iter().map(|finding| (finding.name, finding.level, finding.found)).collect()
    };
    let before = said(check(&options).await);
    assert_eq!(before.iter().map(|(name, ..)| *name).collect::<Vec<_>>(), ["nats", "jetstream", "stream"]);
    assert!(before.iter().all(|(_, level, _)| *level == Level::Ok), "{before:?}");
    assert_eq!(before[2].2, "TELECINE_TASKS will be made");
    let _house = house(&nats).await;
    let after = said(check(&JetStreamOptions { replicas: 3, ..options }).await);
    assert_eq!(
        after[2],
        ("stream", Level::Warning, "TELECINE_TASKS has 1 replicas and 0 messages".to_owned())
    );
}
