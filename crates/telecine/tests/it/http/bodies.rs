//! The bodies of the contract, per version. A change of one shows up as a change of its snapshot.

use reqwest::Method;
use serde_json::{Value, json};

use super::lab::{Answer, Lab, id_of, tidy};
use telecine::fault::{Code, Fault};
use telecine::ids::IndexId;
use telecine::pipeline::TaskProgress;
use telecine::time::Clock as _;
use telecine::transfer::{Duplicate, DuplicateBy, Event, Stage};

const VERSIONS: [&str; 3] = ["v1.1", "v1.2", "v1.3"];

/// Compares with the file `snapshots/<name>.snap`.
fn snapshot(lab: &Lab, name: &str, answers: &[(String, &Answer)]) {
    let shown: serde_json::Map<String, Value> = answers
        .iter()
        .map(|(request, answer)| {
            let body = if answer.text.is_empty() { Value::Null } else { tidy(lab, &answer.json()) };
            (request.clone(), json!({ "status": answer.status, "body": body }))
        })
        .collect();
    insta::with_settings!({ snapshot_path => "../snapshots", prepend_module_to_snapshot => false }, {
        insta::assert_json_snapshot!(format!("http_{name}"), shown);
    });
}

async fn ask_all(lab: &Lab, name: &str, path: &str) {
    let mut answers = Vec::new();
    for version in VERSIONS {
        let path = format!("/{version}{path}");
        answers.push((format!("GET /{version}"), lab.get(&path).await));
    }
    let at_root = lab.get(path).await;
    assert_eq!(at_root.json(), answers[2].1.json(), "the root is v1.3");
    let answers: Vec<_> = answers.iter().map(|(request, answer)| (request.clone(), answer)).collect();
    snapshot(lab, name, &answers);
}

#[tokio::test]
async fn an_index_is_made_in_the_names_of_each_version_and_told_in_those_of_any() {
    let lab = Lab::start().await;
    let both = json!(["visual", "conversation"]);
    let bodies = [
        (
            "v1.1",
            json!({
                "index_name": "flat", "engine_id": "marengo2.5", "index_options": both, "addons": ["thumbnail"],
            }),
        ),
        (
            "v1.2",
            json!({
                "index_name": "engines",
                "engines": [
                    {"engine_name": "marengo2.6", "engine_options": ["visual", "conversation", "text_in_video"]},
                    {"engine_name": "pegasus1.1", "engine_options": both},
                ],
                "addons": null,
            }),
        ),
        (
            "v1.3",
            json!({
                "index_name": "models",
                "models": [{"model_name": "marengo2.7", "model_options": ["visual", "audio"]}],
            }),
        ),
    ];
    for (version, body) in bodies {
        let made = lab.post(&format!("/{version}/indexes"), body.clone()).await;
        assert_eq!(made.status, 201, "{}", made.text);
        let id: IndexId = id_of(&made.json()["_id"]);
        let name = body["index_name"].as_str().unwrap();
        ask_all(&lab, &format!("index_{name}"), &format!("/indexes/{id}")).await;
        lab.tick();
    }
    ask_all(&lab, "index_list", "/indexes?page_limit=1").await;
    ask_all(&lab, "index_list_past_the_end", "/indexes?page=7").await;
    let total = async |query: &str| {
        lab.get(&format!("/indexes?{query}")).await.json()["page_info"]["total_results"].clone()
    };
    for (query, expected) in [
        ("index_name=flat", 1),
        ("engine_options=visual,text_in_video", 2),
        ("engine_options=visual&model_options=audio", 3),
        ("model_family=pegasus", 1),
        ("created_at=2024-03-01T09:00:01Z", 2),
        ("created_at[gte]=2024-03-01T09:00:01Z&created_at[lte]=2024-03-01T09:00:01Z", 1),
        ("createdAt%5Blte%5D=2024-03-01T09:00:00Z", 1),
        ("index_name=nobody", 0),
    ] {
        assert_eq!(total(query).await, expected, "{query}");
    }
}

#[tokio::test]
async fn an_index_is_renamed_and_deleted_with_nothing_to_show() {
    let lab = Lab::start().await;
    let id = lab.index("before").await;
    let path = format!("/v1.2/indexes/{id}");
    lab.tick();
    let renamed = lab.send(Method::PUT, &path, Some(json!({ "index_name": "after" }))).await;
    assert_eq!((renamed.status, renamed.text.as_str()), (204, ""));
    let shown = lab.get(&path).await.json();
    assert_eq!(shown["index_name"], "after");
    assert_eq!(shown["updated_at"], "2024-03-01T09:00:01.000Z");
    assert_eq!(lab.send(Method::DELETE, &path, None).await.status, 204);
    assert_eq!(lab.send(Method::DELETE, &path, None).await.refusal(), (404, "resource_not_exists".into()));
}

#[tokio::test]
async fn a_task_is_told_through_its_life() {
    let lab = Lab::start().await;
    let index = lab.index("harbour").await;
    let store = &lab.app.store;
    let lease = std::time::Duration::from_secs(600);

    let first = lab.video(index, "pier.mp4").await;
    ask_all(&lab, "task_ready", &format!("/tasks/{first}")).await;

    lab.tick();
    let waiting = lab.task(index, "gulls.mp4").await;
    ask_all(&lab, "task_waiting", &format!("/tasks/{waiting}")).await;

    let claim = store.claim_next(lab.clock.now(), lease).await.unwrap().unwrap();
    for event in [Event::Admitted, Event::IndexingStarted] {
        store.change_task(&claim, &event.into(), lab.clock.now()).await.unwrap().unwrap();
    }
    let progress = TaskProgress {
        stage: Stage::Index,
        fetched_bytes: 10,
        size_bytes: 10,
        indexed_s: 15.0,
        duration_s: 60.0,
        transfer: None,
    };
    lab.app.progress.set(waiting, progress);
    lab.clock.advance(std::time::Duration::from_secs(10));
    ask_all(&lab, "task_indexing", &format!("/tasks/{waiting}")).await;

    let duplicate = Duplicate { video: first.into(), by: DuplicateBy::Content };
    let skipped = Event::Duplicate(duplicate).into();
    store.change_task(&claim, &skipped, lab.clock.now()).await.unwrap().unwrap();
    lab.app.progress.clear(waiting);
    ask_all(&lab, "task_skipped", &format!("/tasks/{waiting}")).await;

    let refused = lab.task(index, "tiny.mp4").await;
    let claim = store.claim_next(lab.clock.now(), lease).await.unwrap().unwrap();
    let fault = Fault::new(Code::VideoResolutionTooLow).value("320x240 pixels");
    let failed = Event::Failed(Box::new(fault)).into();
    store.change_task(&claim, &failed, lab.clock.now()).await.unwrap().unwrap();
    ask_all(&lab, "task_failed", &format!("/tasks/{refused}")).await;

    ask_all(&lab, "task_counts", &format!("/tasks/status?index_id={index}")).await;
    ask_all(&lab, "task_list", &format!("/tasks?index_id={index}&page_limit=2")).await;
    let total = async |query: &str| {
        lab.get(&format!("/tasks?{query}")).await.json()["page_info"]["total_results"].clone()
    };
    for (query, expected) in [
        ("status=ready&status=failed", 3),
        ("status=ready,failed", 3),
        ("status=ready", 2),
        ("status=validating", 0),
        ("filename=tiny.mp4", 1),
        ("code=video_resolution_too_low", 1),
        ("width[gte]=640&height[lte]=360", 1),
        ("duration=12.5", 1),
        ("_id=000000000000000000000000", 0),
        ("page=99", 3),
    ] {
        assert_eq!(total(query).await, expected, "{query}");
    }

    let path = format!("/tasks/{first}");
    assert_eq!(lab.send(Method::DELETE, &path, None).await.refusal(), (400, "task_cannot_be_deleted".into()));
    assert_eq!(lab.send(Method::DELETE, &format!("/indexes/{index}/videos/{first}"), None).await.status, 204);
    assert_eq!(lab.send(Method::DELETE, &path, None).await.status, 204);
    assert_eq!(lab.get(&path).await.refusal(), (404, "resource_not_exists".into()));
}

#[tokio::test]
async fn a_video_is_told_with_its_words_and_a_picture() {
    let lab = Lab::start().await;
    let index = lab.index("harbour").await;
    let video = lab.video(index, "pier.mp4").await;
    lab.tick();
    lab.video(index, "gulls.mp4").await;
    let path = format!("/indexes/{index}/videos/{video}");
    ask_all(&lab, "video", &path).await;
    ask_all(&lab, "video_with_words", &format!("{path}?transcription=true")).await;
    ask_all(&lab, "video_transcription", &format!("{path}/transcription")).await;
    ask_all(&lab, "video_text", &format!("{path}/text-in-video?start=0&end=100")).await;
    ask_all(&lab, "video_list", &format!("/indexes/{index}/videos?page_limit=1")).await;
    let outside = lab.get(&format!("{path}/transcription?start=4")).await.json();
    assert_eq!(outside["data"], Value::Null);

    let total = async |query: &str| {
        let path = format!("/indexes/{index}/videos?{query}");
        lab.get(&path).await.json()["page_info"]["total_results"].clone()
    };
    for (query, expected) in [
        ("filename=pier.mp4", 1),
        ("category=pier.mp4", 1),
        ("category=nobody", 0),
        ("metadata=%7B%27category%27%3A%20%27pier.mp4%27%7D", 1),
        ("user_metadata=%7B%22category%22%3A%22gulls.mp4%22%7D", 1),
        ("user_metadata[category]=gulls.mp4", 1),
        ("metadata=[object%20Object]", 2),
        ("width=640&height[gte]=360&size=1000&fps=25", 2),
        ("duration[gt]=1", 2),
        ("page=3", 2),
    ] {
        assert_eq!(total(query).await, expected, "{query}");
    }

    for (query, jpeg) in [("?time=0.4", "first"), ("", "middle"), ("?time=[object%20Object]", "middle")] {
        let answer = lab.get(&format!("/v1.2{path}/thumbnail{query}")).await;
        let link = answer.json()["thumbnail"].as_str().unwrap().to_owned();
        let picture = Answer::of(lab.client.get(&link).send().await.unwrap()).await;
        assert_eq!((picture.status, picture.text.as_str()), (200, jpeg), "{link}");
        assert_eq!(picture.headers["content-type"], "image/jpeg");
        let forged = link.replace("signature=", "signature=0");
        assert_eq!(lab.client.get(forged).send().await.unwrap().status().as_u16(), 404);
        lab.clock.advance(std::time::Duration::from_secs(3_600));
        let late = Answer::of(lab.client.get(&link).send().await.unwrap()).await;
        assert_eq!(late.refusal(), (404, "resource_not_exists".into()));
    }
}

#[tokio::test]
async fn the_users_own_fields_are_replaced_merged_and_removed() {
    let lab = Lab::start().await;
    let index = lab.index("harbour").await;
    let video = lab.video(index, "pier.mp4").await;
    let path = format!("/indexes/{index}/videos/{video}");
    let own = async || lab.get(&path).await.json()["user_metadata"].clone();
    assert_eq!(own().await, json!({ "category": "pier.mp4" }));
    let steps = [
        (Method::PATCH, json!({ "user_metadata": { "n": 5 } }), json!({ "category": "pier.mp4", "n": 5 })),
        (Method::PATCH, json!({ "user_metadata": { "category": null } }), json!({ "n": 5 })),
        (Method::PUT, json!({ "metadata": { "b": true } }), json!({ "b": true })),
    ];
    for (method, body, expected) in steps {
        assert_eq!(lab.send(method, &path, Some(body.clone())).await.status, 204, "{body}");
        assert_eq!(own().await, expected);
    }
    for body in
        [json!({}), json!({ "user_metadata": { "width": 1 } }), json!({ "user_metadata": { "a": [] } })]
    {
        assert_eq!(lab.send(Method::PUT, &path, Some(body.clone())).await.status, 400, "{body}");
    }
}

#[tokio::test]
async fn engines_and_keys_are_listed() {
    let lab = Lab::start().await;
    let engine = lab.get("/v1.2/engines/marengo2.6").await;
    let engines = lab.get("/v1.2/engines").await;
    let unknown = lab.get("/v1.2/engines/gpt4").await;
    let made = lab.post("/keys", json!({ "name": "second" })).await;
    let secret = made.json()["key"].as_str().unwrap().to_owned();
    let listed = lab.get("/keys").await;
    assert!(!listed.text.contains(&secret), "a secret is told once");
    assert_eq!(unknown.refusal(), (404, "resource_not_exists".into()));
    assert_eq!(engines.json()["data"].as_array().unwrap().len(), 6);
    snapshot(&lab, "engine", &[("GET /v1.2/engines/marengo2.6".into(), &engine)]);
    let names: Vec<_> =
        listed.json()["data"].as_array().unwrap().iter().map(|key| key["name"].clone()).collect();
    assert_eq!(names, ["test", "second"]);

    let with_second = lab.client.get(format!("{}/indexes", lab.url)).header("x-api-key", &secret);
    assert_eq!(with_second.try_clone().unwrap().send().await.unwrap().status().as_u16(), 200);
    let path = format!("/keys/{}", made.json()["_id"].as_str().unwrap());
    assert_eq!(lab.send(Method::DELETE, &path, None).await.status, 204);
    assert_eq!(with_second.send().await.unwrap().status().as_u16(), 401);
    assert_eq!(lab.send(Method::DELETE, &path, None).await.refusal(), (404, "resource_not_exists".into()));
}
