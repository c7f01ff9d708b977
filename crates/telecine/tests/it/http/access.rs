//! Who may ask what: keys, workspaces, routes that are not there.

use reqwest::Method;
use serde_json::Value;

use super::lab::{Answer, Lab};
use telecine::ids::{IndexId, TaskId};

/// Routes that answer without a key; all others must not.
const OPEN: [&str; 9] = [
    "/healthz",
    "/readyz",
    "/metrics",
    "/openapi.json",
    "/docs",
    "/session",
    "/pictures/{video_id}/{name}",
    "/assets/multipart-uploads/{upload_id}/chunks/{number}",
    "/streams/{video_id}/{signature}/{name}",
];

/// The routes of the router, of which its document is made: `(method, path)`.
pub(crate) fn routes() -> Vec<(String, String)> {
    let document = telecine::http::openapi();
    let paths = document["paths"].as_object().expect("paths");
    let methods = |item: &Value| item.as_object().expect("operations").keys().cloned().collect::<Vec<_>>();
    let of = |(path, item): (&String, &Value)| {
        methods(item)
            .into_iter()
            .map(|method| (method.to_ascii_uppercase(), path.clone()))
            .collect::<Vec<_>>()
    };
    paths.iter().flat_map(of).collect()
}

fn with_ids(path: &str, id: &str) -> String {
    path.split('/').map(|part| if part.starts_with('{') { id } else { part }).collect::<Vec<_>>().join("/")
}

#[test]
fn the_document_says_which_routes_need_a_key() {
    let document = telecine::http::openapi();
    for (method, path) in routes() {
        let security = &document["paths"][&path][method.to_ascii_lowercase()]["security"];
        let is_open = security.as_array().expect("security").is_empty();
        assert_eq!(is_open, OPEN.contains(&path.as_str()), "{method} {path}");
    }
}

#[tokio::test]
async fn no_route_answers_without_a_key_that_works() {
    let lab = Lab::start().await;
    let id = TaskId::generate(telecine::time::Timestamp::from_millis(0)).to_string();
    for (method, path) in routes().into_iter().filter(|(_, path)| !OPEN.contains(&path.as_str())) {
        for prefix in ["", "/v1.1", "/v1.2", "/v1.3"] {
            let url = format!("{}{prefix}{}", lab.url, with_ids(&path, &id));
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            for key in [None, Some(""), Some("tlk_WRONG"), Some("\u{e9}")] {
                let mut request = lab.client.request(method.clone(), &url);
                if let Some(key) = key {
                    request = request.header("x-api-key", key.as_bytes());
                }
                let answer = Answer::of(request.send().await.unwrap()).await;
                assert_eq!(answer.refusal(), (401, "api_key_invalid".into()), "{method} {url} with {key:?}");
            }
        }
    }
}

#[tokio::test]
async fn what_is_not_there_is_told_as_json_under_every_prefix() {
    let lab = Lab::start().await;
    for path in [
        "/",
        "/v1/indexes",
        "/v1.2/classify",
        "/v1.3/entity-collections",
        "/embeddings",
        "/v1.2/indexes/a/b/c",
        "/v1.2/x%ff",
    ] {
        for method in [Method::GET, Method::POST] {
            let answer = lab.send(method, path, None).await;
            assert_eq!(answer.refusal(), (404, "endpoint_not_exists".into()), "{path}");
            assert_eq!(answer.headers["content-type"], "application/json", "{path}");
        }
    }
    let wrong_method = lab.send(Method::PATCH, "/v1.2/indexes", None).await;
    assert_eq!(wrong_method.refusal(), (404, "endpoint_not_exists".into()));
    assert_eq!(wrong_method.json()["value"], "PATCH /indexes");
    let slash = lab.get("/v1.2/indexes/").await;
    assert_eq!(slash.status, 200, "a slash at the end is no redirect");
}

#[tokio::test]
async fn what_belongs_to_another_workspace_is_not_there() {
    let lab = Lab::start().await;
    let index: IndexId = lab.index("mine").await;
    let video = lab.video(index, "pier.mp4").await;
    let key = lab.stranger().await;
    let paths = [
        (Method::GET, format!("/indexes/{index}")),
        (Method::DELETE, format!("/indexes/{index}")),
        (Method::GET, format!("/indexes/{index}/videos")),
        (Method::GET, format!("/indexes/{index}/videos/{video}")),
        (Method::DELETE, format!("/indexes/{index}/videos/{video}")),
        (Method::GET, format!("/indexes/{index}/videos/{video}/transcription")),
        (Method::GET, format!("/indexes/{index}/videos/{video}/thumbnail")),
        (Method::GET, format!("/tasks/{video}")),
        (Method::DELETE, format!("/tasks/{video}")),
        (Method::GET, format!("/tasks/status?index_id={index}")),
    ];
    for (method, path) in paths {
        let request = lab.client.request(method.clone(), format!("{}{path}", lab.url));
        let answer = Answer::of(request.header("x-api-key", &key).send().await.unwrap()).await;
        assert_eq!(answer.refusal(), (404, "resource_not_exists".into()), "{method} {path}");
    }
    let lists = ["/indexes", "/tasks", "/transfers"];
    for path in lists {
        let request = lab.client.get(format!("{}{path}", lab.url)).header("x-api-key", &key);
        let answer = Answer::of(request.send().await.unwrap()).await;
        assert_eq!(answer.json()["data"].as_array().unwrap().len(), 0, "{path}");
    }
    assert_eq!(lab.get(&format!("/indexes/{index}")).await.status, 200, "its owner still has it");
}
