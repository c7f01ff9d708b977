//! Totals of lists are exact, whatever happened to tasks, and pages have the rows that walking would find. The truth is told
//! by a filter that no counter knows (`updated_at`), and by counting the table.

use telecine::fault::Code;
use telecine::ids::{IndexId, TransferId};
use telecine::queue::Claim;
use telecine::store::postgres::{Move, PostgresStore};
use telecine::store::{ContentHolder, Paging, SortBy, TaskFilter, TaskStore as _, Within};
use telecine::time::Timestamp;
use telecine::transfer::{Duplicate, DuplicateBy, Event, Status, Task};

use super::lab::{FIRST_PAGE, Lab, failed, publication};
use crate::support::postgres::PostgresDatabase;

super::conformance!(
    totals_are_exact_whatever_happened,
    totals_are_exact_when_many_work_at_once,
    a_time_that_cuts_through_a_transfer_is_counted_exactly,
);

/// Numbers that are the same for a seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % end as u64) as usize
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> Option<T> {
        if all.is_empty() { None } else { Some(all[self.below(all.len())]) }
    }
}

/// What the test knows of a store that people and workers use.
struct World<'a> {
    lab: &'a Lab,
    dice: Dice,
    indexes: Vec<IndexId>,
    transfers: Vec<TransferId>,
    claims: Vec<Claim>,
    made: usize,
}

impl World<'_> {
    fn key(&mut self) -> String {
        self.made += 1;
        format!("films/{}.mp4", self.made)
    }

    async fn new_index(&mut self) {
        self.made += 1;
        let index = self.lab.index(&format!("index {}", self.made)).await;
        self.indexes.push(index);
    }

    /// Entries of two indexes, some of them twice; sometimes never accepted.
    async fn submit(&mut self) {
        let id = self.lab.receiving().await;
        for _ in 0..1 + self.dice.below(2) {
            let mut tasks = Vec::new();
            for _ in 0..1 + self.dice.below(5) {
                let (index, key) = (self.dice.one_of(&self.indexes).unwrap(), self.key());
                tasks.push(self.lab.new_task(index, &key));
                if self.dice.below(4) == 0 {
                    tasks.push(self.lab.new_task(index, &key));
                }
            }
            self.lab.store.add_tasks(id, &tasks, self.lab.now()).await.unwrap();
            self.lab.tick();
        }
        match self.dice.below(5) {
            0 => self.lab.store.discard_transfer(id).await.unwrap(),
            1 => self.transfers.push(id),
            _ => {
                self.lab.store.accept_transfer(id, self.lab.now()).await.unwrap();
                self.transfers.push(id);
            }
        }
    }

    async fn work(&mut self) {
        let Some(place) = (!self.claims.is_empty()).then(|| self.dice.below(self.claims.len())) else {
            return;
        };
        let claim = self.claims.swap_remove(place);
        let Ok(task) = self.lab.store.claimed_task(&claim).await.unwrap() else { return };
        let now = self.lab.now();
        let end = match (self.dice.below(6), task.status) {
            (0 | 1, Status::Validating | Status::Pending) => Event::Admitted,
            (0, Status::Queued) => Event::IndexingStarted,
            (1 | 2, _) => {
                let code = [Code::ObjectNotExists, Code::VideoFileBroken, Code::SourceUnavailable];
                failed(self.dice.one_of(&code).unwrap())
            }
            (3, Status::Validating) => {
                Event::Duplicate(Duplicate { video: task.id.into(), by: DuplicateBy::Content })
            }
            (4, Status::Validating) => Event::Postponed { until: now, reason: "later".to_owned() },
            (_, Status::Indexing) => return self.publish(&claim, &task).await,
            _ => Event::Released,
        };
        if end == Event::Admitted || end == Event::IndexingStarted {
            self.claims.push(claim);
        }
        let told = self.lab.store.change_task(&claim, &end.into(), now).await.unwrap();
        assert_eq!(told, Ok(()));
    }

    async fn publish(&self, claim: &Claim, task: &Task) {
        let publication = publication(task.id, task.source.filename());
        let held = self.lab.store.hold_content(claim, &publication.content_hash).await.unwrap();
        if held == Ok(ContentHolder::Mine) {
            self.lab.store.publish(claim, &publication, self.lab.now()).await.unwrap().unwrap();
        }
    }

    async fn step(&mut self) {
        let (store, workspace, now) = (self.lab.store.clone(), self.lab.workspace, self.lab.tick());
        match self.dice.below(24) {
            0 | 1 => {
                let (index, key) = (self.dice.one_of(&self.indexes).unwrap(), self.key());
                self.lab.task(index, &key).await;
            }
            2..=4 => self.submit().await,
            5..=10 => self.claims.extend(self.lab.claim().await),
            11..=16 => self.work().await,
            17 => {
                let Some(id) = self.dice.one_of(&self.transfers) else { return };
                let code = [None, Some(Code::VideoFileBroken.as_str())][self.dice.below(2)];
                store.retry_transfer(workspace, id, code, now).await.unwrap();
            }
            18 => {
                let Some(id) = self.dice.one_of(&self.transfers) else { return };
                store.cancel_transfer(workspace, id, now).await.unwrap();
            }
            19 | 20 => {
                let ended = TaskFilter {
                    statuses: vec![Status::Failed, Status::Skipped, Status::Ready],
                    ..TaskFilter::default()
                };
                let tasks = store.tasks(workspace, &ended, FIRST_PAGE).await.unwrap().rows;
                let Some(task) = self.dice.one_of(&(0..tasks.len()).collect::<Vec<_>>()) else { return };
                let task = &tasks[task];
                if self.dice.below(2) == 0 {
                    // Whose video is there is told to stay.
                    let _ = store.delete_task(workspace, task.id).await;
                } else if task.status == Status::Failed {
                    store.retry_task(workspace, task.id, now).await.unwrap();
                }
            }
            21 => {
                let place = self.dice.below(self.indexes.len());
                let index = self.indexes.swap_remove(place);
                store.delete_index(workspace, index).await.unwrap();
                self.new_index().await;
            }
            22 => {
                store.break_claims(now).await.unwrap();
            }
            _ => self.lab.skip_numbers(self.dice.below(16_384) as i64).await,
        }
    }

    /// Every filter that counters know, alone and together.
    fn filters(&self) -> Vec<TaskFilter> {
        let statuses = [vec![], vec![Status::Failed], vec![Status::Validating, Status::Ready]];
        let codes = [None, Some(Code::VideoFileBroken), Some(Code::TaskCancelled)];
        let mut transfers = vec![None];
        transfers.extend(self.transfers.iter().rev().take(3).copied().map(Some));
        let mut filters = Vec::new();
        for transfer in transfers {
            for index in [None, Some(self.indexes[0])] {
                for (statuses, code) in statuses.iter().zip(codes) {
                    let code = code.map(|code| code.as_str().to_owned());
                    let plain = TaskFilter { transfer, index, ..TaskFilter::default() };
                    filters.push(TaskFilter { statuses: statuses.clone(), ..plain.clone() });
                    filters.push(TaskFilter { code, ..plain });
                }
            }
        }
        filters
    }

    async fn check(&self, seed: u64) {
        assert_eq!(self.lab.miscounted().await, 0, "seed {seed}");
        assert_eq!(self.lab.misnamed().await, 0, "seed {seed}");
        for filter in self.filters() {
            for sort_by in [SortBy::CreatedAt, SortBy::UpdatedAt] {
                for (page, descending) in [(1, false), (2, true), (3, false)] {
                    let paging = Paging { page, limit: 4, sort_by, descending };
                    check_page(self.lab, &filter, paging, &format!("seed {seed}")).await;
                }
            }
        }
        for index in &self.indexes {
            let counts = self.lab.store.task_counts(self.lab.workspace, *index).await.unwrap();
            let filter = TaskFilter { index: Some(*index), ..TaskFilter::default() };
            let all = self.lab.store.tasks(self.lab.workspace, &filter, FIRST_PAGE).await.unwrap();
            assert_eq!(counts.total(), all.total, "seed {seed}");
        }
        for id in self.transfers.iter().rev().take(5) {
            let faults = self.lab.store.fault_counts(*id).await.unwrap();
            let failed: u64 = faults.iter().map(|(_, number)| number).sum();
            if let Some(transfer) = self.lab.store.transfer(self.lab.workspace, *id).await.unwrap() {
                assert_eq!(failed, transfer.counts.failed, "seed {seed}: {faults:?}");
            }
        }
    }
}

async fn check_page(lab: &Lab, filter: &TaskFilter, paging: Paging, what: &str) {
    let listed = lab.store.tasks(lab.workspace, filter, paging).await.unwrap();
    let ever = Within { min: Some(Timestamp::from_millis(0)), max: None };
    let looked_at = TaskFilter { updated_at: ever, ..filter.clone() };
    let walked = lab.store.tasks(lab.workspace, &looked_at, paging).await.unwrap();
    assert_eq!(listed.total, walked.total, "{what}, {filter:?}");
    let ids = |tasks: &[Task]| tasks.iter().map(|task| task.id).collect::<Vec<_>>();
    assert_eq!(ids(&listed.rows), ids(&walked.rows), "{what}, {filter:?}, {paging:?}");
}

async fn totals_are_exact_whatever_happened(lab: &Lab) {
    let seed = std::env::var("TELECINE_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(6);
    println!("TELECINE_SEED={seed}");
    let mut world = World {
        lab,
        dice: Dice(seed),
        indexes: Vec::new(),
        transfers: Vec::new(),
        claims: Vec::new(),
        made: 0,
    };
    world.new_index().await;
    world.new_index().await;
    for round in 0..8 {
        for _ in 0..40 {
            world.step().await;
        }
        assert_eq!(lab.miscounted().await, 0, "seed {seed}, round {round}");
    }
    world.check(seed).await;
    lab.store.discard_unfinished_transfers().await.unwrap();
    world.check(seed).await;
    let Ok(file) = std::fs::metadata(lab.folder.path().join("telecine.db")) else { return };
    assert!(file.len() > 0);
    // The same on the other side of a move.
    let database = PostgresDatabase::create_empty().await;
    let moving = Move::begin(&lab.folder.path().join("telecine.db"), database.url()).await.unwrap();
    moving.run(|_| ()).await.unwrap();
    moving.verify(|_| ()).await.unwrap();
    assert_eq!(super::lab::miscounted_in(database.url()).await, 0, "seed {seed}");
    assert_eq!(super::lab::misnamed_in(database.url()).await, 0, "seed {seed}");
    let new = PostgresStore::open(database.url()).await.unwrap();
    for filter in world.filters() {
        let told = new.tasks(lab.workspace, &filter, FIRST_PAGE).await.unwrap();
        assert_eq!(told, lab.store.tasks(lab.workspace, &filter, FIRST_PAGE).await.unwrap(), "seed {seed}");
    }
}

/// Single tasks of one index, whose counters all of them change, beside those of a transfer.
async fn totals_are_exact_when_many_work_at_once(lab: &Lab) {
    let index = lab.index("films").await;
    lab.transfer(index, &["a.mp4", "b.mp4", "c.mp4", "d.mp4"]).await;
    let hand = async |hand: usize| {
        for task in 0..8 {
            lab.task(index, &format!("{hand}/{task}.mp4")).await;
            let claim = lab.claim().await.expect("there are as many tasks as claims");
            lab.happens(&claim, Event::Admitted).await;
            let ends = [Event::Released, failed(Code::VideoFileBroken), failed(Code::ObjectNotExists)];
            lab.happens(&claim, ends[(hand + task) % 3].clone()).await;
        }
    };
    futures::future::join_all((0..8).map(hand)).await;
    assert_eq!(lab.miscounted().await, 0);
    let all = TaskFilter { index: Some(index), ..TaskFilter::default() };
    assert_eq!(lab.store.tasks(lab.workspace, &all, FIRST_PAGE).await.unwrap().total, 68);
}

/// A transfer is received over some seconds, and lies in two parts.
async fn a_time_that_cuts_through_a_transfer_is_counted_exactly(lab: &Lab) {
    let index = lab.index("films").await;
    lab.task(index, "first.mp4").await;
    lab.skip_numbers(16_379).await;
    let id = lab.receiving().await;
    let mut moments = Vec::new();
    for second in 0..9 {
        moments.push(lab.tick());
        let tasks = [0, 1].map(|twin| lab.new_task(index, &format!("{second}-{twin}.mp4")));
        lab.store.add_tasks(id, &tasks, lab.now()).await.unwrap();
    }
    lab.store.accept_transfer(id, lab.now()).await.unwrap();
    for (min, max) in [(0, 8), (2, 2), (2, 7), (8, 8), (4, 3)] {
        for transfer in [None, Some(id)] {
            let created_at = Within { min: Some(moments[min]), max: Some(moments[max]) };
            let filter = TaskFilter { created_at, transfer, ..TaskFilter::default() };
            for page in 1..=4 {
                for descending in [false, true] {
                    let paging = Paging { page, limit: 5, descending, ..FIRST_PAGE };
                    check_page(lab, &filter, paging, "a transfer of two parts").await;
                }
            }
            let listed = lab.store.tasks(lab.workspace, &filter, FIRST_PAGE).await.unwrap();
            let seconds = (max + 1).saturating_sub(min) as u64;
            assert_eq!(listed.total, 2 * seconds, "{min} to {max}");
        }
    }
}
