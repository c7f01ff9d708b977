//! Embedding tasks: who may work on one, what is kept of it, and for how long.

use std::collections::BTreeSet;
use std::time::Duration;

use telecine::embedding::{EmbedEnd, EmbedSource, EmbedState, EmbedTask, Embedded, Plan, Scope};
use telecine::fault::{Code, Fault};
use telecine::ids::{EmbedTaskId, WorkspaceId};
use telecine::queue::Stale;
use telecine::store::EmbedFilter;
use telecine::time::{MediaTime, TimeRange};

use super::conformance;
use super::lab::{FIRST_PAGE, LEASE, Lab};

conformance![
    a_task_is_worked_on_by_one_at_a_time_and_by_the_next_when_the_lease_is_over,
    vectors_and_state_become_visible_together_and_only_under_the_claim,
    what_is_to_be_tried_again_waits_until_its_time,
    tasks_are_forgotten_when_their_time_has_come,
];

fn task(lab: &Lab) -> EmbedTask {
    let now = lab.now();
    EmbedTask {
        id: EmbedTaskId::generate(now),
        workspace: lab.workspace,
        model_name: "marengo3.0".to_owned(),
        served_by: "by-table".to_owned(),
        source: EmbedSource::Url { url: "https://films.test/a.mp4".to_owned() },
        plan: Plan {
            clip_length: MediaTime::from_millis(6_000),
            scopes: BTreeSet::from([Scope::Clip, Scope::Video]),
            start: MediaTime::ZERO,
            end: Some(MediaTime::from_millis(9_000)),
        },
        state: EmbedState::Processing,
        fault: None,
        duration: None,
        attempts: 0,
        created_at: now,
        updated_at: now,
        expires_at: now.after(Duration::from_secs(3_600)),
    }
}

async fn a_task_is_worked_on_by_one_at_a_time_and_by_the_next_when_the_lease_is_over(lab: &Lab) {
    let store = &lab.store;
    let task = task(lab);
    store.insert_embed_task(&task).await.unwrap();
    assert_eq!(store.embed_task(lab.workspace, task.id).await.unwrap().as_ref(), Some(&task));
    let (first, claimed) = store.claim_embed_task(lab.now(), lab.now().after(LEASE)).await.unwrap().unwrap();
    assert_eq!(claimed, EmbedTask { attempts: 1, ..task.clone() });
    assert_eq!(store.claim_embed_task(lab.now(), lab.now().after(LEASE)).await.unwrap(), None);
    let later = lab.now().after(LEASE);
    let (second, claimed) = store.claim_embed_task(later, later.after(LEASE)).await.unwrap().unwrap();
    assert_eq!((second.task, claimed.attempts), (task.id, 2));
    assert_eq!(store.extend_embed_claim(&first, later).await.unwrap(), Err(Stale));
    assert_eq!(store.extend_embed_claim(&second, later.after(LEASE)).await.unwrap(), Ok(()));
    assert_eq!(store.break_embed_claims().await.unwrap(), [task.id]);
    assert_eq!(
        store.extend_embed_claim(&second, later).await.unwrap(),
        Err(Stale),
        "a restart ends all claims"
    );
    assert!(store.claim_embed_task(later, later.after(LEASE)).await.unwrap().is_some());
}

async fn vectors_and_state_become_visible_together_and_only_under_the_claim(lab: &Lab) {
    let store = &lab.store;
    let task = task(lab);
    store.insert_embed_task(&task).await.unwrap();
    let (stale, _) = store.claim_embed_task(lab.now(), lab.now()).await.unwrap().unwrap();
    let (claim, _) = store.claim_embed_task(lab.now(), lab.now().after(LEASE)).await.unwrap().unwrap();
    let range = TimeRange::new(MediaTime::ZERO, MediaTime::from_millis(6_000)).unwrap();
    let vectors = vec![
        Embedded { range, scope: Scope::Clip, values: vec![0.6, 0.8] },
        Embedded { range, scope: Scope::Video, values: vec![-1.0, f32::MIN_POSITIVE] },
    ];
    let end = EmbedEnd::Ready(MediaTime::from_millis(9_000), vectors.clone());
    assert_eq!(store.end_embed_task(&stale, &end, lab.now()).await.unwrap(), Err(Stale));
    assert_eq!(store.embedded(lab.workspace, task.id).await.unwrap(), []);
    assert_eq!(store.end_embed_task(&claim, &end, lab.now()).await.unwrap(), Ok(()));
    assert_eq!(store.end_embed_task(&claim, &end, lab.now()).await.unwrap(), Err(Stale), "once");
    assert_eq!(store.embedded(lab.workspace, task.id).await.unwrap(), vectors, "to the last bit");
    let stranger = WorkspaceId::generate(lab.now());
    assert_eq!(store.embedded(stranger, task.id).await.unwrap(), []);
    assert_eq!(store.embed_task(stranger, task.id).await.unwrap(), None);
    let found = store.embed_task(lab.workspace, task.id).await.unwrap().unwrap();
    assert_eq!((found.state, found.duration), (EmbedState::Ready, Some(MediaTime::from_millis(9_000))));
    let ready = EmbedFilter { state: Some(EmbedState::Ready), ..EmbedFilter::default() };
    assert_eq!(store.embed_tasks(lab.workspace, &ready, FIRST_PAGE).await.unwrap().rows, [found]);
    let failed = EmbedFilter { state: Some(EmbedState::Failed), ..EmbedFilter::default() };
    assert_eq!(store.embed_tasks(lab.workspace, &failed, FIRST_PAGE).await.unwrap().total, 0);
}

async fn what_is_to_be_tried_again_waits_until_its_time(lab: &Lab) {
    let store = &lab.store;
    store.insert_embed_task(&task(lab)).await.unwrap();
    let (claim, _) = store.claim_embed_task(lab.now(), lab.now().after(LEASE)).await.unwrap().unwrap();
    let due = lab.now().after(Duration::from_secs(5));
    store.end_embed_task(&claim, &EmbedEnd::Again(due), lab.now()).await.unwrap().unwrap();
    assert_eq!(store.claim_embed_task(lab.now(), due).await.unwrap(), None);
    let (claim, _) = store.claim_embed_task(due, due.after(LEASE)).await.unwrap().expect("its time has come");
    let fault = Fault::new(Code::VideoFileBroken).value("it ends early");
    store.end_embed_task(&claim, &EmbedEnd::Failed(Box::new(fault.clone())), due).await.unwrap().unwrap();
    let found = store.embed_task(lab.workspace, claim.task).await.unwrap().unwrap();
    assert_eq!((found.state, found.fault), (EmbedState::Failed, Some(fault)));
    assert_eq!(store.claim_embed_task(due.after(LEASE), due).await.unwrap(), None, "failed is final");
}

async fn tasks_are_forgotten_when_their_time_has_come(lab: &Lab) {
    let store = &lab.store;
    let (old, young) =
        (task(lab), EmbedTask { expires_at: lab.now().after(Duration::from_secs(7_200)), ..task(lab) });
    store.insert_embed_task(&old).await.unwrap();
    store.insert_embed_task(&young).await.unwrap();
    assert_eq!(store.forget_embed_tasks(lab.now()).await.unwrap(), []);
    assert_eq!(store.forget_embed_tasks(old.expires_at).await.unwrap(), [old.id]);
    assert_eq!(store.embed_task(lab.workspace, old.id).await.unwrap(), None);
    assert!(store.embed_task(lab.workspace, young.id).await.unwrap().is_some());
}
