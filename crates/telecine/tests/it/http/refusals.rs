//! Bad input → status, code and what is said about it.

use reqwest::Method;
use serde_json::{Value, json};

use super::lab::Lab;

struct Row {
    method: Method,
    path: &'static str,
    body: Value,
    expected: (u16, &'static str, &'static str),
}

fn row(method: Method, path: &'static str, body: Value, expected: (u16, &'static str, &'static str)) -> Row {
    Row { method, path, body, expected }
}

#[tokio::test]
async fn bad_input_is_refused_with_a_code_and_a_message() {
    let lab = Lab::start().await;
    lab.index("taken").await;
    let engines = |name: &str, options: Value| json!([{ "engine_name": name, "engine_options": options }]);
    let good = engines("marengo2.6", json!(["visual"]));
    let invalid = |message| (400, "parameter_invalid", message);
    let missing = |message| (400, "parameter_not_provided", message);
    use Method as M;
    let some = "/tasks/000000000000000000000000";
    let table = [
        row(M::POST, "/indexes", json!({}), missing("The index_name parameter is required.")),
        row(M::POST, "/indexes", json!({ "index_name": "a" }), missing("The engines parameter is required.")),
        row(
            M::POST,
            "/indexes",
            json!({ "index_name": "a", "engine_id": "marengo2.6" }),
            missing("The index_options parameter is required."),
        ),
        row(
            M::POST,
            "/indexes",
            json!({ "index_name": 5 }),
            invalid("The index_name parameter must be a text."),
        ),
        row(
            M::POST,
            "/indexes",
            json!({ "index_name": "taken", "engines": good }),
            (400, "index_name_already_exists", "There is an index of this name already."),
        ),
        row(
            M::POST,
            "/indexes",
            json!({ "index_name": "a", "engines": "marengo2.6" }),
            invalid("The engines parameter is malformed."),
        ),
        row(
            M::POST,
            "/indexes",
            json!({ "index_name": "a", "engines": engines("marengo2.6", json!(["logo"])) }),
            invalid("Logos cannot be recognised here."),
        ),
        row(
            M::POST,
            "/indexes",
            json!({ "index_name": "a", "engines": engines("gpt4", json!(["visual"])) }),
            invalid("There is no such engine."),
        ),
        row(
            M::POST,
            "/indexes",
            json!({ "index_name": "a", "engines": good, "addons": ["hologram"] }),
            invalid("The addons parameter is not one that is known."),
        ),
        row(M::POST, "/indexes", json!(["a"]), invalid("The body must be a JSON object.")),
        row(
            M::GET,
            "/indexes?page_limit=51",
            Value::Null,
            invalid("The page_limit parameter is out of range."),
        ),
        row(
            M::GET,
            "/indexes?page_limit=0",
            Value::Null,
            invalid("The page_limit parameter is out of range."),
        ),
        row(M::GET, "/indexes?page=0", Value::Null, invalid("The page parameter is out of range.")),
        row(
            M::GET,
            "/indexes?created_at=soon",
            Value::Null,
            invalid("The created_at parameter must be a moment."),
        ),
        row(M::GET, "/indexes/harbour", Value::Null, invalid("The index_id parameter is malformed.")),
        row(
            M::GET,
            "/indexes/000000000000000000000000",
            Value::Null,
            (404, "resource_not_exists", "There is no such index."),
        ),
        row(
            M::PUT,
            "/indexes/000000000000000000000000",
            json!({ "index_name": "a", "engines": good }),
            (400, "index_engine_cannot_be_changed", "The engines of an index cannot be changed."),
        ),
        row(
            M::PUT,
            "/indexes/000000000000000000000000",
            json!({ "index_name": "a" }),
            (404, "resource_not_exists", "There is no such index."),
        ),
        row(M::GET, some, Value::Null, (404, "resource_not_exists", "There is no such task.")),
        row(M::GET, "/tasks/status", Value::Null, missing("The index_id parameter is required.")),
        row(M::GET, "/tasks?status=done", Value::Null, invalid("There is no such status.")),
        row(M::GET, "/tasks?width=wide", Value::Null, invalid("The width parameter must be a number.")),
        row(M::POST, "/tasks", json!({}), missing("The index_id parameter is required.")),
        row(
            M::POST,
            "/tasks",
            json!({ "index_id": "000000000000000000000000" }),
            missing("The video_file parameter is required."),
        ),
        row(M::POST, "/tasks/transfers", json!([]), invalid("The body must be a multipart form.")),
        row(
            M::GET,
            "/transfers/000000000000000000000000",
            Value::Null,
            (404, "resource_not_exists", "There is no such transfer."),
        ),
        row(
            M::GET,
            "/transfers/000000000000000000000000/report",
            Value::Null,
            (404, "resource_not_exists", "There is no such transfer."),
        ),
        row(
            M::GET,
            "/transfers/000000000000000000000000/report?format=xml",
            Value::Null,
            invalid("The format parameter is not one that is known."),
        ),
        row(
            M::POST,
            "/transfers/000000000000000000000000/retry",
            json!({ "code": "bad_luck" }),
            invalid("The code parameter is not a code that tasks fail with."),
        ),
        row(M::POST, "/integrations", json!({}), missing("The bucket parameter is required.")),
        row(
            M::GET,
            "/integrations/000000000000000000000000",
            Value::Null,
            (404, "resource_not_exists", "There is no such integration."),
        ),
        row(
            M::GET,
            "/integrations/000000000000000000000000/manifest",
            Value::Null,
            missing("The index_id parameter is required."),
        ),
        row(M::POST, "/keys", json!({}), missing("The name parameter is required.")),
    ];
    for Row { method, path, body, expected } in table {
        let sent = (!body.is_null()).then(|| body.clone());
        let answer = lab.send(method.clone(), path, sent).await;
        let told = answer.json();
        let found = (answer.status, told["code"].as_str().unwrap(), told["message"].as_str().unwrap());
        assert_eq!(found, expected, "{method} {path} {body}");
        assert_eq!(told["request_id"].as_str(), answer.headers["x-request-id"].to_str().ok(), "{path}");
    }
}

#[tokio::test]
async fn a_refusal_tells_value_rule_and_remedy() {
    let lab = Lab::start().await;
    let mut told = lab.get("/v1.2/indexes?page_limit=500").await.json();
    told["request_id"] = "r".into();
    assert_eq!(
        told,
        json!({
            "code": "parameter_invalid",
            "message": "The page_limit parameter is out of range.",
            "value": "500",
            "rule": "a whole number from 1 to 50",
            "request_id": "r",
        })
    );
    let told = lab.get("/v1.2/indexes/000000000000000000000000").await.json();
    assert_eq!(told["remedy"], "Check the id; it may have been deleted, or belong to another workspace.");
    assert_eq!(told["value"], "000000000000000000000000");
}

#[tokio::test]
async fn a_body_that_is_too_large_or_broken_is_refused_and_never_in_memory() {
    let lab = Lab::with(|config| config.server.max_body_bytes = 1_000).await;
    let large = lab.post("/indexes", json!({ "index_name": "x".repeat(2_000) })).await;
    assert_eq!(large.refusal(), (413, "request_too_large".into()));
    assert_eq!(large.json()["rule"], "at most 1000 bytes");

    // Chunked: nothing announces how much will come.
    let chunks = futures::stream::iter((0..100).map(|_| Ok::<_, std::io::Error>(vec![b' '; 100])));
    let request = lab.request(Method::POST, "/indexes").body(reqwest::Body::wrap_stream(chunks));
    let answer = super::lab::Answer::of(request.send().await.unwrap()).await;
    assert_eq!(answer.refusal(), (413, "request_too_large".into()));

    let request = lab.request(Method::POST, "/indexes").body("{\"index_name\": ");
    let answer = super::lab::Answer::of(request.send().await.unwrap()).await;
    assert_eq!(answer.refusal(), (400, "parameter_invalid".into()));
    assert_eq!(answer.json()["message"], "The body is not valid JSON.");
}
