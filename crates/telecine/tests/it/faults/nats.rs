//! NATS fails in every way while several processes work: a leader is killed and comes back, ways are cut, silent and slow, all
//! disks are lost. Tasks go on by themselves, each ends once, none is lost.
//!
//! What happens when comes from a seed that is printed; `TELECINE_FAULT_SEED` plays it again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_nats::jetstream;
use telecine::fault::Code;
use telecine::ids::{IndexId, TaskId, TransferId};
use telecine::queue::{Claim, JetStreamOptions, JetStreamQueue, Queue};
use telecine::time::{Clock as _, SystemClock};
use telecine::transfer::{Event, Status};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::seed::{random_faults, within};
use crate::queue::house::options;
use crate::search::synthetic::Random;
use crate::store::lab::{Lab, failed};
use crate::support::nats::Nats;
use crate::support::proxy::Proxy;

const LEASE: Duration = Duration::from_millis(1_500);
const PROCESSES: usize = 3;
const WORKERS: usize = 4;
/// No call of a queue may take longer, whatever is broken.
const LONGEST_CALL: Duration = Duration::from_secs(12);

/// Several processes with workers, over one store.
struct Crew {
    lab: Arc<Lab>,
    index: IndexId,
    transfers: Vec<(TransferId, usize)>,
    ends: Arc<Mutex<HashMap<TaskId, u32>>>,
    stopping: CancellationToken,
    hands: Vec<AbortOnDropHandle<()>>,
    queues: Vec<Arc<dyn Queue>>,
}

impl Crew {
    /// One process for each of these endpoints.
    async fn hire(lab: Lab, endpoints: &[String], replicas: usize, random: &mut Random) -> Self {
        let lab = Arc::new(lab);
        let index = lab.index("films").await;
        let stopping = CancellationToken::new();
        let ends = Arc::<Mutex<HashMap<TaskId, u32>>>::default();
        let (mut hands, mut queues) = (Vec::new(), Vec::new());
        for endpoints in endpoints {
            let options = JetStreamOptions {
                replicas,
                lapse: Duration::from_secs(20),
                patience: Duration::from_secs(1),
                ..options(endpoints)
            };
            let queue = JetStreamQueue::open(options, lab.store.clone(), Arc::new(SystemClock));
            let queue: Arc<dyn Queue> = Arc::new(queue.await.unwrap());
            queues.push(queue.clone());
            for _ in 0..WORKERS {
                let worker = Worker {
                    lab: lab.clone(),
                    queue: queue.clone(),
                    ends: ends.clone(),
                    random: Random(random.next()),
                };
                hands.push(AbortOnDropHandle::new(tokio::spawn(worker.run(stopping.clone()))));
            }
        }
        Self { lab, index, transfers: Vec::new(), ends, stopping, hands, queues }
    }

    /// Brings more work.
    async fn bring(&mut self, number: usize) {
        let keys: Vec<String> =
            (0..number).map(|key| format!("{}-{key}.mp4", self.transfers.len())).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let (transfer, _) = self.lab.transfer(self.index, &keys).await;
        self.transfers.push((transfer, number));
        self.queues[0].wake();
    }

    fn done(&self) -> usize {
        self.ends.lock().unwrap().len()
    }

    /// Goes on bringing work for so long. How many tasks ended meanwhile.
    async fn go_on(&mut self, duration: Duration) -> usize {
        let (began, before) = (Instant::now(), self.done());
        while began.elapsed() < duration {
            self.bring(40).await;
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        self.done() - before
    }

    /// Waits until all is done, and looks at what became of it.
    async fn finish(mut self) {
        let total: usize = self.transfers.iter().map(|(_, number)| number).sum();
        let began = Instant::now();
        while self.done() < total {
            assert!(began.elapsed() < Duration::from_secs(90), "stuck: {} of {total} are done", self.done());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        self.stopping.cancel();
        for hand in self.hands.drain(..) {
            hand.await.expect("no worker failed");
        }
        let ends = self.ends.lock().unwrap().clone();
        assert!(ends.values().all(|times| *times == 1), "each task ends once");
        assert_eq!(ends.len(), total, "no other task ends");
        for (transfer, number) in &self.transfers {
            let transfer = self.lab.transfer_now(*transfer).await;
            assert_eq!((transfer.counts.failed, transfer.counts.total()), (*number as u64, *number as u64));
            assert!(transfer.is_over());
        }
        let now = SystemClock.now();
        let claim = self.lab.store.claim_next(now.after(Duration::from_secs(3_600)), LEASE).await.unwrap();
        assert_eq!(claim, None, "nothing is left");
        println!("{total} tasks, each once");
    }
}

struct Worker {
    lab: Arc<Lab>,
    queue: Arc<dyn Queue>,
    ends: Arc<Mutex<HashMap<TaskId, u32>>>,
    random: Random,
}

impl Worker {
    async fn run(mut self, stopping: CancellationToken) {
        while !stopping.is_cancelled() {
            let claimed = self.queue.claim(SystemClock.now(), LEASE);
            let claimed = tokio::time::timeout(LONGEST_CALL, claimed).await.expect("a claim does not hang");
            match claimed.unwrap() {
                Some(claim) => self.work(claim).await,
                None => {
                    let _ = tokio::time::timeout(Duration::from_millis(50), self.queue.wait()).await;
                }
            }
        }
    }

    async fn work(&mut self, mut claim: Claim) {
        match self.random.next() % 40 {
            // It is killed.
            0 => return,
            // It is held up for so long that somebody else has begun, or may.
            1 => tokio::time::sleep(LEASE * 3 / 2).await,
            // It is slow, but says that it is at work.
            2 => {
                for _ in 0..4 {
                    tokio::time::sleep(LEASE / 2).await;
                    let until = SystemClock.now().after(LEASE);
                    if self.queue.extend(&claim, until).await.unwrap().is_err() {
                        return self.queue.done(&claim).await;
                    }
                    claim.lease_until = until;
                }
            }
            // It is stopped.
            3 => return self.ends_with(&claim, Event::Released).await,
            // It is told to come later.
            4 => {
                let until = SystemClock.now().after(within(&mut self.random, 50, 500));
                return self.ends_with(&claim, Event::Postponed { until, reason: "busy".to_owned() }).await;
            }
            _ => tokio::time::sleep(within(&mut self.random, 5, 60)).await,
        }
        self.ends_with(&claim, failed(Code::VideoFileBroken)).await;
    }

    async fn ends_with(&self, claim: &Claim, event: Event) {
        let is_final = matches!(event, Event::Failed(_));
        let is_released = event == Event::Released;
        let told = self.lab.store.change_task(claim, &event.into(), SystemClock.now()).await.unwrap();
        if is_final && told.is_ok() {
            *self.ends.lock().unwrap().entry(claim.task).or_default() += 1;
        }
        if is_released {
            self.queue.give_back(claim).await;
        } else {
            self.queue.done(claim).await;
        }
    }
}

/// The node that leads the stream, as soon as one does.
async fn leader(nats: &Nats) -> usize {
    let began = Instant::now();
    loop {
        let asked = async {
            let client = async_nats::connect(nats.endpoints().split(',').collect::<Vec<_>>()).await.ok()?;
            let stream = jetstream::new(client).get_stream("TELECINE_TASKS").await.ok()?;
            let leader = stream.cached_info().cluster.as_ref()?.leader.clone()?;
            leader.strip_prefix("node-")?.parse().ok()
        };
        if let Ok(Some(node)) = tokio::time::timeout(Duration::from_secs(5), asked).await {
            return node;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "a leader is elected");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_leader_is_killed_and_comes_back_again_and_again() {
    let mut random = random_faults();
    let mut nats = Nats::start("nats-cluster");
    let endpoints = vec![nats.endpoints(); PROCESSES];
    let mut crew = Crew::hire(Lab::sqlite().await, &endpoints, 3, &mut random).await;
    crew.go_on(Duration::from_secs(1)).await;
    for round in 0..3 {
        let node = leader(&nats).await;
        nats.kill(node);
        let done = crew.go_on(within(&mut random, 3_000, 5_000)).await;
        println!("round {round}: {done} tasks ended while node {node} was away");
        assert!(done > 0, "work goes on without node {node}");
        nats.restart(node);
        crew.go_on(within(&mut random, 500, 2_000)).await;
    }
    crew.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ways_to_the_nodes_are_cut_silent_and_slow() {
    let mut random = random_faults();
    let nats = Nats::start("nats-cluster");
    let mut ways: Vec<Vec<Proxy>> = Vec::new();
    for _ in 0..PROCESSES {
        let mut own = Vec::new();
        for address in nats.addresses() {
            own.push(Proxy::to(&address).await);
        }
        ways.push(own);
    }
    let endpoints: Vec<String> = ways
        .iter()
        .map(|own| own.iter().map(|way| format!("nats://{}", way.address())).collect::<Vec<_>>().join(","))
        .collect();
    let mut crew = Crew::hire(Lab::postgres().await, &endpoints, 3, &mut random).await;
    for round in 0..8 {
        // All ways of some processes.
        let mut what = Vec::new();
        for own in &ways {
            let fault = random.next() % 4;
            let delay = within(&mut random, 20, 300);
            for way in own {
                match fault {
                    0 => way.cut(),
                    1 => way.silence(),
                    2 => way.delay(delay),
                    _ => way.mend(),
                }
            }
            what.push(["cut", "silent", "slow", "well"][usize::try_from(fault).unwrap()]);
        }
        // Three seconds until a request into silence ends, and one of patience, before the table is asked.
        let least = if what.iter().all(|fault| *fault == "silent") { 5_000 } else { 1_500 };
        let done = crew.go_on(within(&mut random, least, least + 2_500)).await;
        println!("round {round}: ways are {what:?}, {done} tasks ended");
        assert!(done > 0, "work goes on");
    }
    ways.iter().flatten().for_each(Proxy::mend);
    crew.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_nodes_go_and_come_back_without_their_disks() {
    let mut random = random_faults();
    let mut nats = Nats::start("nats-cluster");
    let endpoints = vec![nats.endpoints(); PROCESSES];
    let mut crew = Crew::hire(Lab::sqlite().await, &endpoints, 3, &mut random).await;
    crew.go_on(Duration::from_secs(1)).await;
    (0..3).for_each(|node| nats.kill(node));
    let done = crew.go_on(Duration::from_secs(4)).await;
    println!("{done} tasks ended without NATS");
    assert!(done > 0, "from the table");
    for node in 0..3 {
        nats.lose_disk(node);
        nats.restart(node);
    }
    // The stream is made anew, by whoever comes first.
    let began = Instant::now();
    leader(&nats).await;
    println!("the stream is there again after {:?}", began.elapsed());
    crew.go_on(Duration::from_secs(3)).await;
    let now = SystemClock.now();
    let standing = crew.lab.store.standing_offers(telecine::store::OfferClass::Bulk, now).await.unwrap();
    println!("{standing} offers stand");
    crew.finish().await;
}

/// What was left behind in earnest is told by the status, too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_faults_every_task_of_many_workers_ends_once() {
    let mut random = random_faults();
    let nats = Nats::start("nats");
    let endpoints = vec![nats.endpoints(); PROCESSES];
    let mut crew = Crew::hire(Lab::postgres().await, &endpoints, 1, &mut random).await;
    crew.go_on(Duration::from_secs(3)).await;
    let (lab, transfer) = (crew.lab.clone(), crew.transfers[0].0);
    crew.finish().await;
    let tasks = lab.store.tasks_after(transfer, None, 100).await.unwrap();
    assert!(tasks.iter().all(|task| task.status == Status::Failed && task.waiting_for.is_none()));
}
