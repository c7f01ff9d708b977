//! Who may ask what: keys, workspaces, routes that are not there.

use reqwest::Method;

use super::lab::{Answer, Lab};
use telecine::ids::{IndexId, TaskId};

/// Every route that needs a key.
const ROUTES: [(&str, &str); 55] = [
    ("GET", "/engines"),
    ("GET", "/engines/{id}"),
    ("GET", "/indexes"),
    ("POST", "/indexes"),
    ("GET", "/indexes/{id}"),
    ("PUT", "/indexes/{id}"),
    ("DELETE", "/indexes/{id}"),
    ("GET", "/indexes/{id}/videos"),
    ("GET", "/indexes/{id}/videos/{id}"),
    ("PUT", "/indexes/{id}/videos/{id}"),
    ("PATCH", "/indexes/{id}/videos/{id}"),
    ("DELETE", "/indexes/{id}/videos/{id}"),
    ("GET", "/indexes/{id}/videos/{id}/transcription"),
    ("GET", "/indexes/{id}/videos/{id}/text-in-video"),
    ("GET", "/indexes/{id}/videos/{id}/thumbnail"),
    ("GET", "/tasks"),
    ("POST", "/tasks"),
    ("GET", "/tasks/status"),
    ("GET", "/tasks/{id}"),
    ("DELETE", "/tasks/{id}"),
    ("POST", "/tasks/transfers"),
    ("POST", "/indexes/tasks/transfers"),
    ("POST", "/tasks/transfers/import/{id}"),
    ("GET", "/tasks/transfers/import/{id}/status"),
    ("GET", "/tasks/transfers/import/{id}/logs"),
    ("POST", "/search"),
    ("GET", "/search/{id}"),
    ("POST", "/search-v2"),
    ("GET", "/search-v2/{id}"),
    ("GET", "/search/combined/{id}"),
    ("GET", "/transfers"),
    ("GET", "/transfers/{id}"),
    ("GET", "/transfers/{id}/report"),
    ("POST", "/transfers/{id}/retry"),
    ("POST", "/transfers/{id}/cancel"),
    ("GET", "/integrations"),
    ("POST", "/integrations"),
    ("DELETE", "/integrations"),
    ("GET", "/integrations/{id}"),
    ("DELETE", "/integrations/{id}"),
    ("PATCH", "/integrations/{id}"),
    ("GET", "/integrations/{id}/setup"),
    ("POST", "/integrations/{id}/restore"),
    ("POST", "/integrations/{id}/verify"),
    ("POST", "/integrations/{id}/synchronize"),
    ("GET", "/integrations/{id}/synchronizations"),
    ("GET", "/integrations/{id}/synchronizations/{id}"),
    ("POST", "/integrations/{id}/synchronizations/{id}/cancel"),
    ("GET", "/integrations/{id}/statistics"),
    ("GET", "/integrations/{id}/objects"),
    ("POST", "/integrations/{id}/objects/probe"),
    ("GET", "/integrations/{id}/manifest"),
    ("GET", "/keys"),
    ("POST", "/keys"),
    ("DELETE", "/keys/{id}"),
];

/// The routes of the router, read off its source: `(method, path)`.
pub(crate) fn routes() -> Vec<(String, String)> {
    let source = include_str!("../../../src/http/router.rs");
    let source = source.replace('\n', " ");
    let mut routes = Vec::new();
    for entry in source.split(".route(").skip(1) {
        let path = entry.split('"').nth(1).expect("a path").to_owned();
        let handlers = &entry[entry.find(',').expect("handlers")..];
        for method in ["get", "post", "put", "patch", "delete"] {
            let call = format!("{method}(");
            let is_there =
                handlers.match_indices(&call).any(|(at, _)| matches!(&handlers[at - 1..at], " " | "."));
            if is_there {
                routes.push((method.to_ascii_uppercase(), path.clone()));
            }
        }
    }
    routes
}

fn with_ids(path: &str, id: &str) -> String {
    path.split('/').map(|part| if part.starts_with('{') { id } else { part }).collect::<Vec<_>>().join("/")
}

#[test]
fn the_table_of_routes_is_that_of_the_router() {
    let open = ["/healthz", "/readyz", "/metrics", "/pictures/{video_id}/{name}"];
    let mut of_router: Vec<(String, String)> = routes()
        .into_iter()
        .filter(|(_, path)| !open.contains(&path.as_str()))
        .map(|(method, path)| (method, with_ids(&path, "{id}")))
        .collect();
    let mut table: Vec<_> = ROUTES.iter().map(|(m, p)| ((*m).to_owned(), (*p).to_owned())).collect();
    of_router.sort();
    table.sort();
    assert_eq!(of_router, table);
}

#[tokio::test]
async fn no_route_answers_without_a_key_that_works() {
    let lab = Lab::start().await;
    let id = TaskId::generate(telecine::time::Timestamp::from_millis(0)).to_string();
    for (method, path) in ROUTES {
        for prefix in ["", "/v1.1", "/v1.2", "/v1.3"] {
            let url = format!("{}{prefix}{}", lab.url, with_ids(path, &id));
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
    for path in
        ["/", "/v1/indexes", "/v1.2/classify", "/v1.3/assets", "/embed", "/v1.2/indexes/a/b/c", "/v1.2/x%ff"]
    {
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
