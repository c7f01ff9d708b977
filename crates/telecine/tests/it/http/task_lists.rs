//! Lists of tasks as people narrow them, all at once, and another try of a single one.

use std::time::Duration;

use serde_json::{Value, json};
use telecine::fault::{Code, Fault};
use telecine::ids::{IndexId, TaskId, TransferId};
use telecine::transfer::{Event, NewTask, TaskSource};

use super::lab::Lab;

/// A transfer of these files, of which each that is named with a code has failed.
async fn transfer(lab: &Lab, index: IndexId, files: &[(&str, Option<Code>)]) -> TransferId {
    let (store, now) = (&lab.app.store, lab.app.clock.now());
    let id = TransferId::generate(now);
    store.begin_transfer(lab.workspace, id, now).await.unwrap();
    let task = |name: &str| NewTask {
        id: TaskId::generate(now),
        index,
        source: TaskSource::Url { url: format!("https://films.test/2024/{name}") },
        transcription: None,
        language: "en".to_owned(),
        user_metadata: None,
        allows_duplicate: false,
        without_stream: false,
    };
    let tasks: Vec<NewTask> = files.iter().map(|(name, _)| task(name)).collect();
    store.add_tasks(id, &tasks, now).await.unwrap();
    store.accept_transfer(id, now).await.unwrap();
    for (_, code) in files {
        let claim = store.claim_next(now, Duration::from_secs(60)).await.unwrap().expect("due");
        let event = code.map_or(Event::Released, |code| Event::Failed(Box::new(Fault::new(code))));
        store.change_task(&claim, &event.into(), now).await.unwrap().unwrap();
    }
    id
}

async fn listed(lab: &Lab, query: &str) -> (Vec<String>, u64) {
    let answer = lab.get(&format!("/v1.2/tasks?page_limit=50&sort_option=asc&{query}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let body = answer.json();
    let names = body["data"].as_array().unwrap().iter();
    let names = names.map(|task| task["metadata"]["filename"].as_str().unwrap().to_owned()).collect();
    (names, body["page_info"]["total_results"].as_u64().unwrap())
}

#[tokio::test]
async fn tasks_are_narrowed_by_everything_at_once() {
    let lab = Lab::start().await;
    let (harbour, other) = (lab.index("harbour").await, lab.index("other").await);
    let (broken, denied) = (Some(Code::VideoFileBroken), Some(Code::ObjectAccessDenied));
    let first =
        transfer(&lab, harbour, &[("pier-1.mp4", broken), ("pier-2.mp4", denied), ("gulls.mov", broken)])
            .await;
    lab.clock.advance(Duration::from_secs(3_600));
    let second = transfer(&lab, other, &[("pier-3.mp4", broken)]).await;
    let table = [
        (format!("transfer_id={first}"), vec!["pier-1.mp4", "pier-2.mp4", "gulls.mov"]),
        (format!("transfer_id={first}&code=video_file_broken"), vec!["pier-1.mp4", "gulls.mov"]),
        (format!("transfer_id={first}&code=video_file_broken&name=pier"), vec!["pier-1.mp4"]),
        (format!("transfer_id={first}&state=failed&name=*.mov&index_id={harbour}"), vec!["gulls.mov"]),
        (format!("transfer_id={first}&index_id={other}"), vec![]),
        (
            format!("transfer_id={second}&status=failed&created_at[gte]=2024-03-01T09:30:00Z"),
            vec!["pier-3.mp4"],
        ),
        (format!("transfer_id={first}&status=failed&created_at[gte]=2024-03-01T09:30:00Z"), vec![]),
        ("name=PIER&created_at[lte]=2024-03-01T09:30:00Z".to_owned(), vec!["pier-1.mp4", "pier-2.mp4"]),
        (format!("index_id={harbour}&name=2024/gulls"), vec!["gulls.mov"]),
        ("state=skipped,ready".to_owned(), vec![]),
        ("code=object_access_denied".to_owned(), vec!["pier-2.mp4"]),
    ];
    for (query, expected) in table {
        let total = expected.len() as u64;
        let expected: Vec<String> = expected.into_iter().map(str::to_owned).collect();
        assert_eq!(listed(&lab, &query).await, (expected, total), "{query}");
    }
    let page =
        lab.get(&format!("/tasks?transfer_id={first}&page=2&page_limit=2&sort_option=asc")).await.json();
    assert_eq!(page["data"].as_array().map(Vec::len), Some(1));
    assert_eq!(page["page_info"]["total_page"], 2);
    let wrong = lab.get("/tasks?state=done").await;
    assert_eq!(wrong.refusal(), (400, "parameter_invalid".into()));
    assert!(wrong.json()["rule"].as_str().unwrap().contains("skipped"));
}

#[tokio::test]
async fn a_list_by_name_has_pages_whose_total_is_that_of_all() {
    let lab = Lab::start().await;
    let harbour = lab.index("harbour").await;
    transfer(&lab, harbour, &[("pier-1.mp4", None), ("gulls.mov", None)]).await;
    transfer(&lab, harbour, &[("pier-2.mp4", None), ("pier-3.mp4", None)]).await;
    for (page, expected) in [(1, vec!["pier-1.mp4", "pier-2.mp4"]), (2, vec!["pier-3.mp4"]), (3, vec![])] {
        let answer =
            lab.get(&format!("/v1.2/tasks?sort_option=asc&name=pier&page_limit=2&page={page}")).await.json();
        let names: Vec<&str> = answer["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|task| task["metadata"]["filename"].as_str().unwrap())
            .collect();
        let info = &answer["page_info"];
        assert_eq!(
            (names, &info["total_results"], &info["total_page"]),
            (expected, &json!(3), &json!(2)),
            "page {page}"
        );
    }
}

#[tokio::test]
async fn skipped_tasks_are_ready_to_the_contract_and_a_state_of_their_own_here() {
    let lab = Lab::start().await;
    let index = lab.index("harbour").await;
    let video = lab.video(index, "pier.mp4").await;
    let copy = lab.task(index, "copy.mp4").await;
    let claim =
        lab.app.store.claim_next(lab.app.clock.now(), Duration::from_secs(60)).await.unwrap().unwrap();
    assert_eq!(claim.task, copy);
    let duplicate =
        telecine::transfer::Duplicate { video: video.into(), by: telecine::transfer::DuplicateBy::Content };
    let change = Event::Duplicate(duplicate).into();
    lab.app.store.change_task(&claim, &change, lab.app.clock.now()).await.unwrap().unwrap();
    assert_eq!(listed(&lab, "status=ready").await.1, 2);
    assert_eq!(listed(&lab, "state=ready").await.1, 1);
    assert_eq!(listed(&lab, "state=skipped").await.1, 1);
    assert_eq!(listed(&lab, "state=ready,skipped").await.1, 2);
}

#[tokio::test]
async fn a_task_that_failed_is_tried_again_and_any_other_is_not() {
    let lab = Lab::start().await;
    let index = lab.index("harbour").await;
    let id = transfer(&lab, index, &[("pier.mp4", Some(Code::VideoFileBroken))]).await;
    let task = lab.get(&format!("/tasks?transfer_id={id}")).await.json()["data"][0]["_id"].clone();
    let path = format!("/v1.2/tasks/{}/retry", task.as_str().unwrap());
    let retried = lab.post(&path, json!({})).await;
    assert_eq!(retried.status, 200, "{}", retried.text);
    let told = retried.json();
    assert_eq!((&told["_id"], &told["status"], &told["error"]), (&task, &json!("validating"), &Value::Null));
    let again = lab.post(&path, json!({})).await;
    assert_eq!(again.refusal(), (409, "task_not_failed".into()));
    assert_eq!(again.json()["value"], "validating");
    let unknown = lab.post("/tasks/65f0c1d2e3a4b5c6d7e8f901/retry", json!({})).await;
    assert_eq!(unknown.refusal(), (404, "resource_not_exists".into()));
    let counts = lab.get(&format!("/transfers/{id}")).await.json()["counts"].clone();
    assert_eq!((&counts["validating"], &counts["failed"]), (&json!(1), &json!(0)));
}
