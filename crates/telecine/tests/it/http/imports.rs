//! The import API over a bucket in a folder, with a pipeline that really works on it.

use std::sync::Arc;

use reqwest::Method;
use serde_json::{Value, json};
use telecine::ids::{ImportId, IntegrationId, TaskId, TransferId};
use telecine::integration::import::{Import, ImportRequest, Refusal};
use telecine::integration::{Integration, IntegrationStatus, Provider};
use telecine::transfer::{NewTask, TaskSource};

use super::front::Front;
use super::lab::{Answer, Lab};
use crate::pipeline::media;

const GROUPS: [&str; 7] = ["not_imported", "validating", "pending", "queued", "indexing", "ready", "failed"];
const NOBODY: &str = "65f0c1d2e3a4b5c6d7e8f9aa";

struct Office {
    front: Front,
    integration: String,
    index: String,
}

impl Office {
    /// A connected bucket and an index; nobody works yet.
    async fn open() -> Self {
        let front = Front::idle().await;
        let integration = front.house.integration().to_string();
        let index = front.index("films").await;
        Self { front, integration, index }
    }

    fn path(&self) -> String {
        format!("/v1.2/tasks/transfers/import/{}", self.integration)
    }

    async fn import(&self, options: Value) -> Value {
        let mut body = json!({ "index_id": self.index });
        body.as_object_mut().unwrap().extend(options.as_object().unwrap().clone());
        let answer = self.front.post(&self.path(), body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()
    }

    /// The groups, after a look at whether each file is in exactly one.
    async fn status(&self) -> Value {
        let told = self.front.get(&format!("{}/status?index_id={}", self.path(), self.index)).await;
        let groups = told.as_object().unwrap();
        assert_eq!(
            groups.keys().map(String::as_str).collect::<std::collections::BTreeSet<_>>(),
            GROUPS.into()
        );
        let mut all: Vec<String> = GROUPS.iter().flat_map(|group| names(&told[group])).collect();
        all.sort();
        let mut files: Vec<String> = std::fs::read_dir(self.front.house.path(""))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.ends_with(".mp4"))
            .collect();
        files.sort();
        assert_eq!(all, files, "each file is in exactly one group: {told:#}");
        told
    }

    async fn logs(&self) -> Vec<Value> {
        let told = self.front.get(&format!("{}/logs", self.path())).await;
        told["data"].as_array().unwrap().clone()
    }

    /// The last import's log, when it has ended.
    async fn ended(&self) -> Value {
        let is_over = |told: &Value| !told["data"].as_array().unwrap().last().unwrap()["ended_at"].is_null();
        let told = self.front.until(&format!("{}/logs", self.path()), is_over).await;
        let log = told["data"].as_array().unwrap().last().unwrap().clone();
        let of = |name: &str| log["video_status"][name].as_u64().unwrap();
        assert_eq!(
            log["failed_files"].as_array().unwrap().len() as u64,
            of("failed") + log["refused"].as_u64().unwrap(),
            "{log:#}"
        );
        assert_eq!(of("validating") + of("pending") + of("queued") + of("indexing"), 0);
        log
    }
}

/// The names in a list: of strings, or of things that have one.
fn names(list: &Value) -> Vec<String> {
    let name = |entry: &Value| entry.as_str().or(entry["filename"].as_str()).unwrap().to_owned();
    let mut names: Vec<String> = list.as_array().unwrap().iter().map(name).collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_brings_the_videos_of_a_bucket_into_an_index_and_tells_what_became_of_each() {
    let mut office = Office::open().await;
    let house = &office.front.house;
    media::silent(&house.path("good.mp4"), "640x360", 5);
    media::silent(&house.path("small.mp4"), "320x180", 5);
    std::fs::write(house.path("empty.mp4"), "").unwrap();
    std::fs::File::create(house.path("huge.mp4")).unwrap().set_len((2 << 30) + 1).unwrap();
    std::fs::write(house.path("notes.txt"), "not a video").unwrap();

    // As SDKs send it: what is not set is null.
    let options = json!({ "incremental_import": null, "retry_failed": null,
        "user_metadata": { "batch": 5, "place": "harbour", "rating": 9.5, "public": true } });
    let answer = office.import(options).await;
    assert_eq!(names(&answer["videos"]), ["good.mp4", "small.mp4"]);
    assert_eq!(names(&answer["failed_files"]), ["empty.mp4", "huge.mp4"]);
    for refused in answer["failed_files"].as_array().unwrap() {
        let (name, message) = (&refused["filename"], refused["error_message"].as_str().unwrap());
        assert!(message.contains(if *name == "empty.mp4" { "empty" } else { "2 GB" }), "{refused}");
    }
    let status = office.status().await;
    assert_eq!(names(&status["validating"]), ["good.mp4", "small.mp4"]);
    assert_eq!(names(&status["failed"]), ["empty.mp4", "huge.mp4"]);
    let log = office.logs().await.pop().unwrap();
    assert_eq!((&log["index_name"], &log["ended_at"]), (&json!("films"), &Value::Null));
    assert_eq!(log["video_status"]["validating"], 2);

    office.front.house.start();
    let log = office.ended().await;
    let expected =
        json!({ "ready": 1, "validating": 0, "queued": 0, "pending": 0, "indexing": 0, "failed": 1 });
    assert_eq!(log["video_status"], expected);
    assert_eq!(names(&log["failed_files"]), ["empty.mp4", "huge.mp4", "small.mp4"]);
    let status = office.status().await;
    assert_eq!(names(&status["ready"]), ["good.mp4"]);
    assert_eq!(names(&status["failed"]), ["empty.mp4", "huge.mp4", "small.mp4"]);
    for entry in ["ready", "failed"].iter().flat_map(|group| status[group].as_array().unwrap()) {
        let at = entry["created_at"].as_str().unwrap();
        at.parse::<telecine::time::Timestamp>().unwrap();
    }
    let small = status["failed"].as_array().unwrap().iter().find(|file| file["filename"] == "small.mp4");
    assert!(small.unwrap()["error_message"].as_str().unwrap().contains("320x180"));

    // The id is that of a task and of a video.
    let id = status["ready"][0]["video_id"].as_str().unwrap();
    assert!(answer["videos"].as_array().unwrap().iter().any(|video| video["video_id"] == id));
    assert_eq!(office.front.get(&format!("/v1.3/tasks/{id}")).await["status"], "ready");
    let video = office.front.get(&format!("/v1.3/indexes/{}/videos/{id}", office.index)).await;
    assert_eq!(
        video["user_metadata"],
        json!({ "batch": 5, "place": "harbour", "rating": 9.5, "public": true })
    );

    // What is there is not taken again, what failed is left, what is new is taken.
    std::fs::copy(office.front.house.path("good.mp4"), office.front.house.path("copy.mp4")).unwrap();
    assert_eq!(names(&office.status_after_sync().await["not_imported"]), ["copy.mp4"]);
    let again = office.import(json!({})).await;
    assert_eq!(names(&again["videos"]), ["copy.mp4"]);
    let log = office.ended().await;
    assert_eq!(log["video_status"]["ready"], 1, "the same content is told as ready");
    let status = office.status().await;
    assert_eq!(names(&status["ready"]), ["copy.mp4", "good.mp4"]);
    assert_eq!(status["ready"][0]["video_id"], status["ready"][1]["video_id"], "one video of one content");
    assert_eq!(names(&status["failed"]), ["empty.mp4", "huge.mp4", "small.mp4"]);

    let retried = office.import(json!({ "retry_failed": true })).await;
    assert_eq!(names(&retried["videos"]), ["small.mp4"]);
    office.ended().await;
    let logs = office.logs().await;
    let begun: Vec<&Value> = logs.iter().map(|log| &log["created_at"]).collect();
    assert_eq!(logs.len(), 3);
    assert!(begun.is_sorted_by_key(|at| at.as_str()), "oldest first: {begun:?}");
    let nothing = office.import(json!({})).await;
    assert_eq!(nothing["videos"], json!([]), "nothing is new");
    office.ended().await;
}

impl Office {
    /// The groups after the bucket was listed anew.
    async fn status_after_sync(&self) -> Value {
        let path = format!("/integrations/{}/synchronize", self.integration);
        let done = self.front.post(&path, json!({})).await;
        assert!(done.status < 300, "{}", done.text);
        self.front.until(&format!("/integrations/{}/statistics", self.integration), |_| true).await;
        self.status().await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn importing_everything_twice_gives_two_videos_of_each_and_then_nothing_is_new() {
    let mut office = Office::open().await;
    media::silent(&office.front.house.path("a.mp4"), "640x360", 5);
    std::fs::copy(office.front.house.path("a.mp4"), office.front.house.path("copy.mp4")).unwrap();
    office.front.house.start();
    let everything = json!({ "incremental_import": false });
    let mut videos = Vec::new();
    for times in 1..=2 {
        let answer = office.import(everything.clone()).await;
        assert_eq!(names(&answer["videos"]), ["a.mp4", "copy.mp4"]);
        assert_eq!(office.ended().await["video_status"]["ready"], 2);
        let listed = office.front.get(&format!("/v1.3/indexes/{}/videos", office.index)).await;
        videos = listed["data"].as_array().unwrap().clone();
        assert_eq!(videos.len(), 2 * times);
    }
    let hash = &videos[0]["content_hash"];
    assert_eq!(hash.as_str().unwrap().len(), 64, "told as it is");
    assert!(videos.iter().all(|video| video["content_hash"] == *hash));

    let later = office.import(json!({})).await;
    assert_eq!(later["videos"], json!([]));
    // Known by its content alone.
    std::fs::copy(office.front.house.path("a.mp4"), office.front.house.path("third.mp4")).unwrap();
    let third = office.import(json!({})).await;
    assert_eq!(names(&third["videos"]), ["third.mp4"]);
    office.ended().await;
    let id = third["videos"][0]["video_id"].as_str().unwrap();
    let task = office.front.get(&format!("/v1.2/tasks/{id}")).await;
    assert_eq!((&task["status"], &task["skipped"]["by"]), (&json!("ready"), &json!("content")));
    let listed = office.front.get(&format!("/v1.3/indexes/{}/videos", office.index)).await;
    assert_eq!(listed["page_info"]["total_results"], 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_import_of_an_integration_at_a_time_and_several_integrations_at_once() {
    let office = Office::open().await;
    std::fs::write(office.front.house.path("a.mp4"), "a").unwrap();
    // All at once: one of them begins, and the others change nothing.
    let body = json!({ "index_id": office.index });
    let path = office.path();
    let all = (0..8).map(|_| office.front.post(&path, body.clone()));
    let answers = futures::future::join_all(all).await;
    let begun = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(begun, 1, "{answers:?}");
    for refused in answers.iter().filter(|answer| answer.status != 200) {
        assert_eq!(refused.refusal(), (400, "import_in_progress".to_owned()));
        let told = refused.json();
        assert!(told["value"].as_str().unwrap().contains("films"), "{told}");
        assert!(told["remedy"].as_str().unwrap().contains("transfer"), "{told}");
    }
    let logs = office.logs().await;
    assert_eq!(logs.len(), 1);
    assert_eq!(office.front.get("/tasks").await["page_info"]["total_results"], 1);
    assert_eq!(office.front.get("/transfers").await["page_info"]["total_results"], 1);

    let other =
        Office { integration: second_integration(&office).await, index: office.index.clone(), ..office };
    assert_eq!(names(&other.import(json!({})).await["videos"]), ["a.mp4"]);
    let office = Office { integration: other.front.house.integration().to_string(), ..other };

    // Cancelled, it is over.
    let transfer = logs[0]["transfer_id"].as_str().unwrap();
    let cancelled = office.front.post(&format!("/transfers/{transfer}/cancel"), json!({})).await;
    assert_eq!(cancelled.json()["cancelled"], 1);
    let log = office.ended().await;
    assert!(log["failed_files"][0]["error_message"].as_str().unwrap().contains("cancelled"));
    let again = office.import(json!({ "retry_failed": true })).await;
    assert_eq!(names(&again["videos"]), ["a.mp4"]);
}

/// Another integration of the workspace.
async fn second_integration(office: &Office) -> String {
    let app = &office.front.house.app;
    let workspace = app.store.default_workspace(app.clock.now()).await.unwrap();
    let provider = Provider::Folder { path: "elsewhere".into() };
    let made = Integration::new(workspace, provider, "second", app.clock.now());
    let made = Integration { status: IntegrationStatus::Active, ..made };
    app.store.insert_integration(&made).await.unwrap();
    made.id.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_a_crash_cut_short_was_never_there_and_an_accepted_one_stays() {
    let office = Office::open().await;
    let app = Arc::clone(&office.front.house.app);
    let (store, now) = (&app.store, app.clock.now());
    std::fs::write(office.front.house.path("a.mp4"), "a").unwrap();
    let workspace = store.default_workspace(now).await.unwrap();
    let integration: IntegrationId = office.integration.parse().unwrap();
    let import = || Import {
        id: ImportId::generate(now),
        workspace,
        integration,
        address: "folder://bucket/".to_owned(),
        request: ImportRequest {
            index: office.index.parse().unwrap(),
            is_incremental: true,
            retries_failed: false,
            user_metadata: None,
        },
        index_name: "films".to_owned(),
        transfer: TransferId::generate(now),
        created_at: now,
    };
    let fault = telecine::fault::Fault::new(telecine::fault::Code::ObjectArchived);
    let task = || NewTask {
        id: TaskId::generate(now),
        index: office.index.parse().unwrap(),
        source: TaskSource::Object(office.front.house.object("a.mp4")),
        transcription: None,
        language: "en".to_owned(),
        user_metadata: None,
        allows_duplicate: false,
        without_stream: false,
    };
    // Killed at each step, from the first row to the last before the acceptance.
    for steps in 0..4 {
        let import = import();
        assert_eq!(store.begin_import(&import).await.unwrap(), None);
        let refusal = Refusal { key: "b.mp4".to_owned(), fault: fault.clone() };
        if steps > 0 {
            store.begin_transfer(workspace, import.transfer, now).await.unwrap();
        }
        if steps > 1 {
            store.add_tasks(import.transfer, &[task()], now).await.unwrap();
        }
        if steps > 2 {
            store.add_refusals(import.id, &[refusal]).await.unwrap();
        }
        assert_eq!(store.begin_import(&import).await.unwrap(), Some(import.clone()), "it is under way");
        assert_eq!(office.logs().await, Vec::<Value>::new(), "and cannot be seen");
        store.discard_unfinished_transfers().await.unwrap();
        assert_eq!(store.discard_unfinished_imports().await.unwrap(), 1);
        assert_eq!(store.refusals_after(import.id, None, 10).await.unwrap(), []);
        assert_eq!(office.front.get("/tasks").await["page_info"]["total_results"], 0);
    }
    assert_eq!(names(&office.import(json!({})).await["videos"]), ["a.mp4"]);
    store.discard_unfinished_transfers().await.unwrap();
    assert_eq!(store.discard_unfinished_imports().await.unwrap(), 0);
    assert_eq!(office.logs().await.len(), 1);
}

#[tokio::test]
async fn a_bucket_that_cannot_be_listed_leaves_no_import() {
    let lab = Lab::start().await;
    let films = lab.folder.path().join("films");
    std::fs::create_dir_all(&films).unwrap();
    let made =
        lab.post("/integrations", json!({ "provider": "folder", "bucket": "films", "path": films })).await;
    let id = made.json()["_id"].as_str().unwrap().to_owned();
    let path = format!("/v1.2/tasks/transfers/import/{id}");
    let body = json!({ "index_id": lab.index("films").await });
    let refused = lab.post(&path, body.clone()).await;
    assert_eq!(refused.refusal(), (400, "integration_not_active".to_owned()), "it was never verified");
    lab.post(&format!("/integrations/{id}/verify"), json!({})).await;
    std::fs::remove_dir(&films).unwrap();
    // What was opened before would still be read.
    lab.app.sources.forget(id.parse().unwrap());
    let refused = lab.post(&path, body.clone()).await;
    assert_eq!(refused.status, 400, "{}", refused.text);
    assert_eq!(lab.get(&format!("{path}/logs")).await.json(), json!({ "data": [] }));
    assert_eq!(lab.get("/transfers").await.json()["page_info"]["total_results"], 0);
    std::fs::create_dir(&films).unwrap();
    let begun = lab.post(&path, body).await;
    assert_eq!((begun.status, begun.json()["videos"].clone()), (200, json!([])), "the next is not kept out");

    let stranger = lab.stranger().await;
    for (method, path) in [
        (Method::POST, path.clone()),
        (Method::GET, format!("{path}/logs")),
        (Method::GET, format!("{path}/status?index_id={NOBODY}")),
    ] {
        let request = lab.client.request(method, format!("{}{path}", lab.url)).header("x-api-key", &stranger);
        let answer = Answer::of(request.json(&json!({ "index_id": NOBODY })).send().await.unwrap()).await;
        assert_eq!(answer.refusal(), (404, "resource_not_exists".to_owned()), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_wrongly_is_refused_and_changes_nothing() {
    let office = Office::open().await;
    let (integration, index) = (office.integration.clone(), office.index.clone());
    let import = |id: &str| format!("/v1.3/tasks/transfers/import/{id}");
    let table = [
        (NOBODY, json!({ "index_id": index }), (404, "resource_not_exists")),
        ("x", json!({ "index_id": index }), (400, "parameter_invalid")),
        (&integration, json!({ "index_id": NOBODY }), (404, "resource_not_exists")),
        (&integration, json!({ "index_id": "x" }), (400, "parameter_invalid")),
        (&integration, json!({ "index_id": null }), (400, "parameter_not_provided")),
        (&integration, json!([]), (400, "parameter_invalid")),
        (
            &integration,
            json!({ "index_id": index, "incremental_import": "maybe" }),
            (400, "parameter_invalid"),
        ),
        (
            &integration,
            json!({ "index_id": index, "user_metadata": { "width": 1 } }),
            (400, "parameter_invalid"),
        ),
        (
            &integration,
            json!({ "index_id": index, "user_metadata": { "a": [1] } }),
            (400, "parameter_invalid"),
        ),
        (&integration, json!({ "index_id": index, "user_metadata": [] }), (400, "parameter_invalid")),
    ];
    for (id, body, (status, code)) in table {
        let refused = office.front.post(&import(id), body.clone()).await;
        assert_eq!(refused.refusal(), (status, code.to_owned()), "{body}");
    }
    // Some SDKs send no body at all.
    let refused = office.front.send(Method::POST, &import(&integration), None).await;
    assert_eq!(refused.refusal(), (400, "parameter_not_provided".to_owned()));
    assert!(refused.text.contains("index_id"));
    for (path, code) in [
        (format!("{}/status", import(&integration)), "parameter_not_provided"),
        (format!("{}/status?index_id={NOBODY}", import(&integration)), "resource_not_exists"),
        (format!("{}/status?index_id={index}", import(NOBODY)), "resource_not_exists"),
        (format!("{}/logs", import(NOBODY)), "resource_not_exists"),
    ] {
        let refused = office.front.send(Method::GET, &path, None).await;
        assert_eq!(refused.refusal().1, code, "{path}");
    }
    // The index may stand in a body, though it is a GET.
    let path = format!("{}/status", import(&integration));
    let told = office.front.send(Method::GET, &path, Some(json!({ "index_id": index }))).await;
    assert_eq!(told.status, 200, "{}", told.text);
    assert_eq!(office.logs().await, Vec::<Value>::new());

    for (prefix, status) in [("/v1.1", 200), ("/v1.2", 200), ("/v1.3", 201), ("", 201)] {
        let path = format!("{prefix}/tasks/transfers/import/{integration}");
        let begun = office.front.post(&path, json!({ "index_id": index })).await;
        assert_eq!((begun.status, begun.json()["videos"].clone()), (status, json!([])), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_bucket_is_told_in_full() {
    let office = Office::open().await;
    for number in 0..4_000 {
        let name = format!("{number:05}-{}.mp4", "a-name-of-some-length".repeat(3));
        std::fs::write(office.front.house.path(&name), "").unwrap();
    }
    let status = office.status_after_sync().await;
    assert_eq!(status["not_imported"].as_array().unwrap().len(), 4_000);
    // Nothing is left of the files in which the groups waited.
    let left = std::fs::read_dir(office.front.house.app.files.incoming()).unwrap().count();
    assert_eq!(left, 0);
    let answer = office.import(json!({})).await;
    assert_eq!(answer["failed_files"].as_array().unwrap().len(), 4_000);
    assert_eq!(office.status().await["failed"].as_array().unwrap().len(), 4_000);
    assert_eq!(office.ended().await["refused"], 4_000);
}
