//! `Idempotency-Key`: what was carried out once is not carried out again.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use telecine::store::{KeyedRequest, Repetition};
use telecine::time::Clock;

use super::lab::{Answer, Lab};

fn index(name: &str) -> Value {
    json!({ "index_name": name, "models": [{ "model_name": "marengo2.7", "model_options": ["visual"] }] })
}

async fn post(lab: &Lab, path: &str, key: &str, body: &Value) -> Answer {
    let request = lab.request(Method::POST, path).header("idempotency-key", key).json(body);
    Answer::of(request.send().await.unwrap()).await
}

async fn indexes(lab: &Lab) -> u64 {
    lab.get("/indexes").await.json()["page_info"]["total_results"].as_u64().unwrap()
}

#[tokio::test]
async fn a_request_that_is_sent_again_makes_nothing_new_and_is_answered_alike() {
    let lab = Lab::start().await;
    let first = post(&lab, "/indexes", "k1", &index("films")).await;
    assert_eq!(first.status, 201, "{}", first.text);
    let again = post(&lab, "/indexes", "k1", &index("films")).await;
    assert_eq!((again.status, &again.text), (201, &first.text));
    assert_eq!(again.headers["idempotent-replayed"], "true");
    assert!(!first.headers.contains_key("idempotent-replayed"));
    assert_eq!(indexes(&lab).await, 1);
    let without = lab.post("/indexes", index("films")).await;
    assert_eq!(without.refusal(), (400, "index_name_already_exists".into()));
}

/// A server with a connected folder, and a manifest of it.
async fn a_manifest() -> (Lab, String) {
    let lab = Lab::start().await;
    std::fs::create_dir_all(lab.folder.path().join("films")).unwrap();
    let index = lab.index("films").await;
    let folder = json!({ "provider": "folder", "bucket": "films", "path": lab.folder.path().join("films") });
    let made = lab.post("/integrations", folder).await;
    let id = made.json()["_id"].as_str().unwrap().to_owned();
    lab.send(Method::POST, &format!("/integrations/{id}/verify"), None).await;
    let manifest =
        json!([{ "index_id": index, "language": "en", "object": "folder://films/a.mp4" }]).to_string();
    (lab, manifest)
}

async fn send(lab: &Lab, manifest: &str) -> Answer {
    let form = Form::new().part("file", Part::text(manifest.to_owned()).file_name("m.json"));
    let request =
        lab.request(Method::POST, "/tasks/transfers").header("idempotency-key", "t").multipart(form);
    Answer::of(request.send().await.unwrap()).await
}

#[tokio::test]
async fn a_manifest_that_is_sent_again_is_one_transfer_though_the_forms_boundary_differs() {
    let (lab, manifest) = a_manifest().await;
    let mut answers = Vec::new();
    for _ in 0..3 {
        answers.push(send(&lab, &manifest).await);
    }
    assert_eq!(answers[0].status, 200, "{}", answers[0].text);
    assert!(answers.iter().all(|answer| answer.text == answers[0].text));
    assert_eq!(lab.get("/transfers").await.json()["page_info"]["total_results"], 1);
}

#[tokio::test]
async fn a_key_stands_for_one_request_of_one_workspace() {
    let lab = Lab::start().await;
    post(&lab, "/indexes", "k", &index("a")).await;
    let other_body = post(&lab, "/indexes", "k", &index("b")).await;
    assert_eq!(other_body.refusal(), (422, "idempotency_key_reused".into()));
    let other_path = post(&lab, "/keys", "k", &json!({ "name": "x" })).await;
    assert_eq!(other_path.refusal(), (422, "idempotency_key_reused".into()));
    let stranger = lab.stranger().await;
    let request = lab.client.request(Method::POST, format!("{}/indexes", lab.url));
    let request = request.header("x-api-key", stranger).header("idempotency-key", "k").json(&index("b"));
    assert_eq!(request.send().await.unwrap().status(), 201);
    for bad in ["", "a b", &"k".repeat(256)] {
        assert_eq!(
            post(&lab, "/indexes", bad, &index("c")).await.refusal(),
            (400, "parameter_invalid".into())
        );
    }
}

#[tokio::test]
async fn what_came_to_nothing_leaves_its_key_free() {
    let lab = Lab::start().await;
    assert_eq!(post(&lab, "/indexes", "k", &json!({ "index_name": "x" })).await.status, 400);
    assert_eq!(post(&lab, "/indexes", "k", &index("x")).await.status, 201);
}

#[tokio::test]
async fn of_many_at_the_same_moment_one_is_carried_out_and_all_are_answered_alike() {
    let lab = Arc::new(Lab::start().await);
    let tries = (0..8).map(|_| {
        let lab = Arc::clone(&lab);
        tokio::spawn(async move { post(&lab, "/indexes", "k", &index("films")).await.text })
    });
    let answers = futures::future::join_all(tries).await;
    let texts: std::collections::HashSet<String> = answers.into_iter().map(Result::unwrap).collect();
    assert_eq!(texts.len(), 1, "{texts:?}");
    assert_eq!(indexes(&lab).await, 1);
}

#[tokio::test]
async fn keys_are_forgotten_after_a_day_and_what_a_crash_ended_is_begun_again_as_it_was() {
    let lab = Lab::start().await;
    let (store, now) = (&lab.app.store, lab.clock.now());
    let request = KeyedRequest { workspace: lab.workspace, key: "k".into(), fingerprint: [1; 32] };
    let later = now.after(Duration::from_millis(1));
    assert_eq!(store.take_request_key(&request, now, now).await.unwrap(), Repetition::Begin(now));
    assert_eq!(store.take_request_key(&request, later, now).await.unwrap(), Repetition::InProgress);
    store.lose_requests().await.unwrap();
    let other = KeyedRequest { fingerprint: [2; 32], ..request.clone() };
    assert_eq!(store.take_request_key(&other, later, now).await.unwrap(), Repetition::Other);
    assert_eq!(store.take_request_key(&request, later, now).await.unwrap(), Repetition::Begin(now));
    assert_eq!(store.take_request_key(&request, later, now).await.unwrap(), Repetition::InProgress);
    assert_eq!(store.take_request_key(&request, later, later).await.unwrap(), Repetition::Begin(later));
}

#[tokio::test]
async fn a_secret_is_told_once_and_kept_nowhere() {
    let lab = Lab::start().await;
    let ask = json!({ "name": "for the archive" });
    let made = post(&lab, "/keys", "k", &ask).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let secret = made.json()["key"].as_str().unwrap().to_owned();
    let again = post(&lab, "/keys", "k", &ask).await;
    assert_eq!(again.refusal(), (422, "idempotency_key_reused".into()));
    assert!(!again.text.contains(&secret));
    let keys = lab.get("/keys").await.json()["data"].as_array().unwrap().len();
    assert_eq!(keys, 2, "the one of the test, and the one that was made once");
    let webhook = json!({ "url": "https://hooks.example.test/x" });
    let hook = post(&lab, "/webhooks", "w", &webhook).await;
    let signing = hook.json()["secret"].as_str().unwrap_or_else(|| panic!("{}", hook.text)).to_owned();
    assert_eq!(post(&lab, "/webhooks", "w", &webhook).await.status, 422);
    let mut stored = Vec::new();
    for file in std::fs::read_dir(&lab.app.config.server.data_dir).unwrap() {
        let file = file.unwrap().path();
        if file.is_file() {
            stored.extend(std::fs::read(file).unwrap());
        }
    }
    for secret in [secret, signing] {
        let is_there = stored.windows(secret.len()).any(|bytes| bytes == secret.as_bytes());
        assert!(!is_there, "a secret lies in the data folder as it is");
    }
}

#[tokio::test]
async fn a_key_belongs_to_the_version_that_it_was_used_in() {
    let lab = Lab::start().await;
    post(&lab, "/v1.3/indexes", "k", &index("a")).await;
    let other = post(&lab, "/v1.2/indexes", "k", &index("a")).await;
    assert_eq!(other.refusal(), (422, "idempotency_key_reused".into()));
    assert_eq!(post(&lab, "/indexes", "k", &index("a")).await.status, 201, "the root is v1.3");
}

#[tokio::test]
async fn a_large_body_is_taken_with_a_key_as_it_is_without() {
    let lab = Lab::with(|config| config.server.max_body_bytes = 200).await;
    let ask = json!({
        "input_type": "text", "model_name": "marengo3.0",
        "text": { "input_text": "a car" }, "custom_id": "x".repeat(400),
    });
    let without = lab.post("/embed-v2", ask.clone()).await;
    assert_eq!(without.status, 200, "{}", without.text);
    let with = post(&lab, "/embed-v2", "k", &ask).await;
    assert_eq!((with.status, with.json()), (200, without.json()));
    assert_eq!(post(&lab, "/embed-v2", "k", &ask).await.headers["idempotent-replayed"], "true");
}

#[tokio::test]
async fn a_manifest_that_was_accepted_before_a_crash_could_tell_is_one_transfer_still() {
    let (lab, manifest) = a_manifest().await;
    let first = send(&lab, &manifest).await;
    // As a kill leaves it between the acceptance and the note of the answer.
    let database = lab.app.files.database();
    let pool = sqlx::SqlitePool::connect(&format!("sqlite://{}", database.display())).await.unwrap();
    sqlx::query("UPDATE idempotent_request SET status = NULL, body = NULL").execute(&pool).await.unwrap();
    lab.app.store.lose_requests().await.unwrap();
    let again = send(&lab, &manifest).await;
    assert_eq!((again.status, again.json()), (200, first.json()));
    assert_eq!(lab.get("/transfers").await.json()["page_info"]["total_results"], 1);
}

#[tokio::test]
async fn an_answer_that_is_made_while_it_is_sent_is_told_whole_and_again() {
    let lab = Lab::start().await;
    let films = lab.folder.path().join("films");
    std::fs::create_dir_all(&films).unwrap();
    std::fs::write(films.join("a.mp4"), "film").unwrap();
    let index = lab.index("films").await;
    let folder = json!({ "provider": "folder", "bucket": "films", "path": films });
    let id = lab.post("/integrations", folder).await.json()["_id"].as_str().unwrap().to_owned();
    lab.post(&format!("/integrations/{id}/verify"), json!({})).await;
    let path = format!("/tasks/transfers/import/{id}");
    let first = post(&lab, &path, "i1", &json!({ "index_id": index })).await;
    assert!((200..300).contains(&first.status), "{}", first.text);
    assert!(first.json().is_object(), "{}", first.text);
    let again = post(&lab, &path, "i1", &json!({ "index_id": index })).await;
    assert_eq!((again.status, &again.text), (first.status, &first.text));
    assert_eq!(again.headers["idempotent-replayed"], "true");
    assert_eq!(lab.get("/transfers").await.json()["page_info"]["total_results"], 1);
}
