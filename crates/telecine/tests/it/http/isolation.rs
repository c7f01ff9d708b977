//! Workspaces are apart: whatever one tries with what belongs to another is answered as if it did not exist, and nothing
//! changes.

use std::fs;

use reqwest::Method;
use serde_json::{Value, json};
use telecine::integration::policy_document;

use super::lab::{Answer, Lab};
use crate::support::account::{Account, AccountStub};

/// What is sent.
#[derive(Debug, Clone)]
enum Body {
    None,
    Json(Value),
    /// A manifest, as the part `file` of a form.
    Manifest(Value),
    /// A form of texts.
    Form(Vec<(&'static str, String)>),
}

/// The names of things that belong to the other one, or to nobody.
#[derive(Debug, Clone)]
struct Names {
    index: String,
    video: String,
    task: String,
    transfer: String,
    integration: String,
    synchronization: String,
    key: String,
    token: String,
    bucket: String,
}

type Attempt = (&'static str, Method, String, Body);

/// Every route that takes the name of something, and every body that does. `own` is the attacker's own index.
fn attempts(of: &Names, own: &str) -> Vec<Attempt> {
    use Body::{Form, Json, Manifest, None};
    let Names { index, video, task, transfer, integration, synchronization, key, token, bucket } = of;
    let (get, post, put, patch, delete) =
        (Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE);
    let at = |method: &Method, name, path: String, body| (name, method.clone(), path, body);
    let in_index = format!("/indexes/{index}/videos/{video}");
    let in_own = format!("/indexes/{own}/videos/{video}");
    let of_integration = format!("/integrations/{integration}");
    let entry =
        |index: &str, object: String| json!([{"index_id": index, "language": "en", "object": object}]);
    let transcript = json!({"data": [{"start": 0, "end": 1, "value": "mine"}]});
    let engine = json!({"index_id": index, "query": "car", "search_options": ["visual"]});
    vec![
        at(&get, "read an index", format!("/indexes/{index}"), None),
        at(&put, "rename an index", format!("/indexes/{index}"), Json(json!({"index_name": "mine"}))),
        at(&delete, "delete an index", format!("/indexes/{index}"), None),
        at(&get, "list videos", format!("/indexes/{index}/videos"), None),
        at(&get, "read a video", in_index.clone(), None),
        at(&get, "read a video with what is said", format!("{in_index}?transcription=true"), None),
        at(&put, "change a video", in_index.clone(), Json(json!({"user_metadata": {"a": 1}}))),
        at(&patch, "change some of a video", in_index.clone(), Json(json!({"user_metadata": {"a": 1}}))),
        at(&delete, "delete a video", in_index.clone(), None),
        at(&get, "read what is said", format!("{in_index}/transcription"), None),
        at(&put, "change what is said", format!("{in_index}/transcription"), Json(transcript.clone())),
        at(&put, "change it through an own index", format!("{in_own}/transcription"), Json(transcript)),
        at(&delete, "take a change of it back", format!("{in_index}/transcription"), None),
        at(&get, "read what is written", format!("{in_index}/text-in-video"), None),
        at(&get, "read a thumbnail", format!("{in_index}/thumbnail"), None),
        at(&get, "read a video through an own index", in_own.clone(), None),
        at(&delete, "delete a video through an own index", in_own.clone(), None),
        at(&get, "hear a video through an own index", format!("{in_own}/transcription"), None),
        at(&get, "read a task", format!("/tasks/{task}"), None),
        at(&post, "try a task again", format!("/tasks/{task}/retry"), Json(json!({}))),
        at(&delete, "delete a task", format!("/tasks/{task}"), None),
        at(&get, "count tasks of an index", format!("/tasks/status?index_id={index}"), None),
        at(
            &post,
            "put a video into an index",
            "/tasks".to_owned(),
            Form(vec![("index_id", index.clone()), ("video_url", "https://films.test/a.mp4".to_owned())]),
        ),
        at(&get, "read a transfer", format!("/transfers/{transfer}"), None),
        at(&get, "read the report of a transfer", format!("/transfers/{transfer}/report"), None),
        at(&get, "read it as CSV", format!("/transfers/{transfer}/report?format=csv"), None),
        at(&get, "listen to a transfer", format!("/transfers/{transfer}/events"), None),
        at(&post, "pause a transfer", format!("/transfers/{transfer}/pause"), Json(json!({}))),
        at(&post, "resume a transfer", format!("/transfers/{transfer}/resume"), Json(json!({}))),
        at(&post, "retry a transfer", format!("/transfers/{transfer}/retry"), Json(json!({}))),
        at(&post, "cancel a transfer", format!("/transfers/{transfer}/cancel"), Json(json!({}))),
        at(
            &post,
            "replay a manifest into the other's index",
            "/tasks/transfers".to_owned(),
            Manifest(entry(index, format!("folder://{bucket}/a.mp4"))),
        ),
        at(
            &post,
            "replay a manifest into an own index",
            "/tasks/transfers".to_owned(),
            Manifest(entry(own, format!("folder://{bucket}/a.mp4"))),
        ),
        at(
            &post,
            "plan with another's bucket",
            "/tasks/transfers?dry_run=true".to_owned(),
            Manifest(entry(own, format!("folder://{bucket}/a.mp4"))),
        ),
        at(
            &post,
            "take captions of another's bucket",
            "/tasks/transfers".to_owned(),
            Manifest(json!([{
                "index_id": own, "language": "en", "object": "folder://own/a.mp4",
                "transcription": format!("folder://{bucket}/a.srt"),
            }])),
        ),
        at(
            &post,
            "climb out of an own bucket into another's",
            "/tasks/transfers".to_owned(),
            Manifest(entry(own, format!("folder://{bucket}/../{bucket}/a.mp4"))),
        ),
        at(&post, "search an index", "/search".to_owned(), Json(engine.clone())),
        at(&post, "search it the other way", "/search-v2".to_owned(), Json(engine)),
        at(&get, "turn a page of a search", format!("/search/{token}"), None),
        at(&get, "turn it at another path", format!("/search-v2/{token}"), None),
        at(&get, "turn it at a third", format!("/search/combined/{token}"), None),
        at(&get, "read an integration", of_integration.clone(), None),
        at(&delete, "delete an integration", of_integration.clone(), None),
        at(
            &patch,
            "change an integration",
            of_integration.clone(),
            Json(json!({"schedule": {"every_s": 60}})),
        ),
        at(&patch, "change its secret", of_integration.clone(), Json(json!({"secret_access_key": "mine"}))),
        at(&get, "read how to set it up", format!("{of_integration}/setup?format=cli"), None),
        at(&post, "verify an integration", format!("{of_integration}/verify"), Json(json!({}))),
        at(&post, "verify it aloud", format!("{of_integration}/verify?stream=true"), Json(json!({}))),
        at(&post, "synchronize a bucket", format!("{of_integration}/synchronize"), Json(json!({}))),
        at(&get, "list synchronizations", format!("{of_integration}/synchronizations"), None),
        at(
            &get,
            "read a synchronization",
            format!("{of_integration}/synchronizations/{synchronization}"),
            None,
        ),
        at(
            &post,
            "cancel a synchronization",
            format!("{of_integration}/synchronizations/{synchronization}/cancel"),
            Json(json!({})),
        ),
        at(&get, "count what is in a bucket", format!("{of_integration}/statistics"), None),
        at(&get, "download a manifest", format!("{of_integration}/manifest?index_id={index}"), None),
        at(&get, "download it for an own index", format!("{of_integration}/manifest?index_id={own}"), None),
        at(&get, "list what is in a bucket", format!("{of_integration}/objects"), None),
        at(
            &post,
            "import another's bucket into an own index",
            format!("/tasks/transfers/import/{integration}"),
            Json(json!({"index_id": own})),
        ),
        at(
            &post,
            "import into another's index",
            format!("/tasks/transfers/import/{integration}"),
            Json(json!({"index_id": index})),
        ),
        at(
            &get,
            "see how imports stand",
            format!("/tasks/transfers/import/{integration}/status?index_id={index}"),
            None,
        ),
        at(&get, "read the log of imports", format!("/tasks/transfers/import/{integration}/logs"), None),
        at(&delete, "revoke a key", format!("/keys/{key}"), None),
    ]
}

async fn send(lab: &Lab, key: &str, (_, method, path, body): &Attempt) -> Answer {
    let request =
        lab.client.request(method.clone(), format!("{}/v1.2{path}", lab.url)).header("x-api-key", key);
    let request = match body {
        Body::None => request,
        Body::Json(value) => request.json(value),
        Body::Manifest(entries) => {
            let part = reqwest::multipart::Part::text(entries.to_string()).file_name("manifest.json");
            request.multipart(reqwest::multipart::Form::new().part("file", part))
        }
        Body::Form(texts) => {
            let mut form = reqwest::multipart::Form::new();
            for (name, value) in texts {
                form = form.text(*name, value.clone());
            }
            request.multipart(form)
        }
    };
    Answer::of(request.send().await.unwrap()).await
}

/// Status and body with the names in it made alike.
fn told(answer: &Answer, names: &Names) -> (u16, String) {
    let mut text = answer.text.clone();
    if let Ok(mut body) = serde_json::from_str::<Value>(&text) {
        body["request_id"] = Value::Null;
        text = body.to_string();
    }
    let Names { index, video, task, transfer, integration, synchronization, key, token, bucket } = names;
    for name in [index, video, task, transfer, integration, synchronization, key, token, bucket] {
        text = text.replace(name.as_str(), "[name]");
    }
    (answer.status, text)
}

/// What the other one sees of all that they have.
async fn everything(lab: &Lab, names: &Names) -> Vec<String> {
    let Names { index, video, task, transfer, integration, .. } = names;
    let mut seen = Vec::new();
    for path in [
        "/indexes".to_owned(),
        format!("/indexes/{index}/videos/{video}?transcription=true"),
        "/tasks".to_owned(),
        format!("/tasks/{task}"),
        "/transfers".to_owned(),
        format!("/transfers/{transfer}"),
        format!("/transfers/{transfer}/report"),
        format!("/integrations/{integration}"),
        format!("/integrations/{integration}/synchronizations"),
        format!("/integrations/{integration}/statistics"),
        "/keys".to_owned(),
    ] {
        let answer = lab.get(&format!("/v1.2{path}")).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        seen.push(answer.text);
    }
    seen
}

async fn connect_folder(lab: &Lab, key: &str, name: &str) -> String {
    let path = lab.folder.path().join(name);
    fs::create_dir_all(&path).unwrap();
    fs::write(path.join("a.mp4"), "film").unwrap();
    let new = json!({"provider": "folder", "bucket": name, "path": path});
    let attempt = |path: String, body: Value| ("set up", Method::POST, path, Body::Json(body));
    let made = send(lab, key, &attempt("/integrations".to_owned(), new)).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let id = made.json()["_id"].as_str().unwrap().to_owned();
    let verified = send(lab, key, &attempt(format!("/integrations/{id}/verify"), json!({}))).await;
    assert_eq!(verified.json()["status"], "active", "{}", verified.text);
    let synchronized = send(lab, key, &attempt(format!("/integrations/{id}/synchronize"), json!({}))).await;
    assert!(synchronized.status < 300, "{}", synchronized.text);
    id
}

/// The other one's things, one of every kind.
async fn belongings(lab: &Lab) -> Names {
    let index = lab.index("theirs").await;
    let (video, _) = (lab.video(index, "a.mp4").await, lab.video(index, "b.mp4").await);
    let integration = connect_folder(lab, &lab.key, "films").await;
    let manifest = json!([{"index_id": index, "language": "en", "object": "folder://films/a.mp4"}]);
    let attempt = ("set up", Method::POST, "/tasks/transfers".to_owned(), Body::Manifest(manifest));
    let transfer = send(lab, &lab.key, &attempt).await;
    assert!(transfer.status < 300, "{}", transfer.text);
    let transfers = lab.get("/v1.2/transfers").await.json();
    let syncs = lab.get(&format!("/v1.2/integrations/{integration}/synchronizations")).await.json();
    let query = json!({"index_id": index, "query": "car", "search_options": ["visual"], "page_limit": 1});
    let found = lab.post("/v1.2/search", query).await.json();
    let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("a text: {value}")).to_owned();
    let keys = lab.get("/v1.2/keys").await.json();
    Names {
        index: index.to_string(),
        video: video.to_string(),
        task: video.to_string(),
        transfer: text(&transfers["data"][0]["_id"]),
        integration,
        synchronization: text(&syncs["data"][0]["_id"]),
        key: text(&keys["data"][0]["_id"]),
        token: text(&found["page_info"]["next_page_token"]),
        bucket: "films".to_owned(),
    }
}

/// Names of the same form that nobody has.
fn phantoms() -> Names {
    let id = |digit: char| std::iter::repeat_n(digit, 24).collect::<String>();
    Names {
        index: id('1'),
        video: id('2'),
        task: id('2'),
        transfer: id('3'),
        integration: id('4'),
        synchronization: id('5'),
        key: id('6'),
        token: "ffffffff-1111-4111-8111-ffffffffffff-1".to_owned(),
        bucket: "phantom".to_owned(),
    }
}

#[tokio::test]
async fn what_belongs_to_another_workspace_does_not_exist() {
    let lab = Lab::start().await;
    let theirs = belongings(&lab).await;
    let stranger = lab.stranger().await;
    connect_folder(&lab, &stranger, "own").await;
    let engines = json!([{"engine_name": "marengo2.6", "engine_options": ["visual"]}]);
    let own = Body::Json(json!({"index_name": "own", "engines": engines}));
    let own = send(&lab, &stranger, &("set up", Method::POST, "/indexes".to_owned(), own)).await.json();
    let own = own["_id"].as_str().expect("an index").to_owned();

    let before = everything(&lab, &theirs).await;
    let nobodys = phantoms();
    let (mut count, mut leaks) = (0, Vec::new());
    for (attempt, phantom) in attempts(&theirs, &own).iter().zip(attempts(&nobodys, &own)) {
        let found = told(&send(&lab, &stranger, attempt).await, &theirs);
        let wanted = told(&send(&lab, &stranger, &phantom).await, &nobodys);
        // Where a dry run answers, it answers that nothing can be read.
        let is_refused = found.0 >= 400 || attempt.0.starts_with("plan");
        if found != wanted || !is_refused {
            leaks.push((attempt.0, found, wanted));
        }
        count += 1;
    }
    println!("{count} attempts on {} kinds of things", 9);
    assert!(count >= 40, "{count}");
    assert!(leaks.is_empty(), "{leaks:#?}");
    assert_eq!(everything(&lab, &theirs).await, before, "nothing has changed");
}

/// What must not be connected at all.
#[tokio::test]
async fn no_integration_leads_to_what_is_not_the_callers_to_read() {
    let lab = Lab::start().await;
    let stranger = lab.stranger().await;
    let outside = tempfile::tempdir().unwrap();
    let key = json!({
        "type": "service_account", "client_email": "a@b.example", "private_key": "k",
        "token_uri": "http://169.254.169.254/computeMetadata/v1/token",
    });
    let s3 = |more: Value| {
        let mut body = json!({"bucket": "films", "access_key_id": "AKIA", "secret_access_key": "s"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let table = [
        (
            "an external id of one's choice",
            json!({"bucket": "films", "account_id": "123456789012", "external_id": "x"}),
        ),
        ("the server's own credentials at S3", json!({"bucket": "films", "credentials": "instance"})),
        ("the server's own at GCS", json!({"provider": "gcs", "bucket": "films", "credentials": "instance"})),
        (
            "the server's own at Azure",
            json!({"provider": "azure_blob", "bucket": "films", "account": "films", "credentials": "instance"}),
        ),
        ("the server's money", s3(json!({"requester_pays": true}))),
        (
            "the server's roles at an own endpoint",
            json!({
                "bucket": "films", "account_id": "123456789012", "endpoint_url": "https://s3.example.com",
            }),
        ),
        (
            "the server's credentials at an own endpoint",
            json!({
                "bucket": "films", "credentials": "instance", "endpoint_url": "https://s3.example.com",
            }),
        ),
        ("the metadata address", s3(json!({"endpoint_url": "https://169.254.169.254"}))),
        ("the metadata address in plain", s3(json!({"endpoint_url": "http://169.254.169.254/latest"}))),
        ("this machine", s3(json!({"endpoint_url": "https://127.0.0.1:9000"}))),
        ("this machine by its number", s3(json!({"endpoint_url": "https://2130706433"}))),
        ("this machine in IPv6", s3(json!({"endpoint_url": "https://[::ffff:127.0.0.1]"}))),
        ("a private network", s3(json!({"endpoint_url": "https://10.0.0.8"}))),
        ("a file", s3(json!({"endpoint_url": "file:///etc/passwd"}))),
        (
            "a private endpoint of GCS",
            json!({
                "provider": "gcs", "bucket": "films", "credentials": "anonymous", "endpoint_url": "https://192.168.0.1",
            }),
        ),
        (
            "a private endpoint of Azure",
            json!({
                "provider": "azure_blob", "bucket": "films", "account": "films", "sas_token": "s",
                "endpoint_url": "https://172.16.0.1/films",
            }),
        ),
        (
            "tokens from the metadata address",
            json!({"provider": "gcs", "bucket": "films", "service_account_key": key}),
        ),
        (
            "a folder outside of the roots",
            json!({"provider": "folder", "bucket": "f", "path": outside.path()}),
        ),
        (
            "the folder of the database",
            json!({
                "provider": "folder", "bucket": "f", "path": lab.folder.path().join("../../../etc"),
            }),
        ),
        (
            "links to this machine",
            json!({"provider": "url_list", "bucket": "l", "urls": ["https://127.0.0.1/a.mp4"]}),
        ),
        (
            "links to the metadata address",
            json!({
                "provider": "url_list", "bucket": "l", "urls": ["http://169.254.169.254/latest/meta-data/"],
            }),
        ),
        ("links to files", json!({"provider": "url_list", "bucket": "l", "urls": ["file:///etc/passwd"]})),
    ];
    let count = table.len();
    for (name, body) in table {
        let attempt = (name, Method::POST, "/integrations".to_owned(), Body::Json(body));
        let answer = send(&lab, &stranger, &attempt).await;
        assert_eq!(answer.status, 400, "{name}: {}", answer.text);
    }
    println!("{count} ways to connect what is not one's own");
    let list = ("list", Method::GET, "/integrations".to_owned(), Body::None);
    assert_eq!(send(&lab, &stranger, &list).await.json()["data"], json!([]), "nothing was made");
}

/// Everybody can name a role and a bucket; the external id is what opens them.
#[tokio::test]
async fn the_same_role_and_bucket_open_for_the_one_whose_external_id_the_owner_trusts() {
    let stub = AccountStub::start(Account::default()).await;
    let url = stub.url();
    let lab = Lab::with(|config| {
        config.aws.endpoint_url = Some(url);
        config.aws.principal_arn = Some("arn:aws:iam::999999999999:user/telecine".to_owned());
        config.aws.propagation_wait_s = 0;
    })
    .await;
    stub.account().clock = lab.clock.clone();
    let stranger = lab.stranger().await;
    let connect = async |key: &str| {
        let body =
            json!({"bucket": "films", "role_arn": "arn:aws:iam::123456789012:role/TelecineIntegrationRole"});
        let attempt = ("connect", Method::POST, "/integrations".to_owned(), Body::Json(body));
        let made = send(&lab, key, &attempt).await;
        assert_eq!(made.status, 201, "{}", made.text);
        made.json()
    };
    let (mine, theirs) = (connect(&lab.key).await, connect(&stranger).await);
    assert_ne!(mine["external_id"], theirs["external_id"]);
    let id = mine["_id"].as_str().unwrap().parse().unwrap();
    let integration = lab.app.store.integration_by_id(id).await.unwrap().unwrap();
    {
        let mut account = stub.account();
        account.external_id = mine["external_id"].as_str().unwrap().to_owned();
        account.role_policy = policy_document(&integration);
    }
    let verify = async |key: &str, made: &Value| {
        let path = format!("/integrations/{}/verify", made["_id"].as_str().unwrap());
        send(&lab, key, &("verify", Method::POST, path, Body::None)).await.json()
    };
    let let_in = verify(&lab.key, &mine).await;
    assert_eq!(let_in["status"], "active", "{let_in:#}");
    let read = || stub.asked().iter().filter(|asked| asked.head.starts_with("GET")).count();
    let read_before = read();
    assert!(read_before > 0);
    let refused = verify(&stranger, &theirs).await;
    assert_eq!(refused["status"], "failed");
    let last = refused["checks"].as_array().and_then(|checks| checks.last()).expect("a line");
    assert_eq!(
        (&last["name"], &last["fault"]["code"]),
        (&json!("assume_role"), &json!("role_not_assumable"))
    );
    assert!(
        !refused.to_string().contains(mine["external_id"].as_str().unwrap()),
        "the other id is told nowhere"
    );
    assert_eq!(read(), read_before, "nothing was read");
}
