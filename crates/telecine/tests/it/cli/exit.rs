//! Exit statuses, and what is said with them.

use std::net::TcpListener;
use std::process::Stdio;

use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;

use super::program::{Ran, ran, run, telecine};

/// A port of this machine where nobody listens.
fn nobody() -> String {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    format!("http://127.0.0.1:{port}")
}

/// Lists indexes at something that answers every request like this.
async fn list_indexes_at(status: StatusCode, body: serde_json::Value) -> Ran {
    let answer = move || async move { (status, [("x-request-id", "7f3a")], Json(body)) };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server =
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(get(answer))).await });
    let listed = tokio::task::spawn_blocking(move || {
        let home = tempfile::tempdir().unwrap();
        run(home.path(), &["index", "list", "--url", &url, "--key", "tlk_X"])
    });
    let listed = listed.await.unwrap();
    server.abort();
    listed
}

#[test]
fn a_command_line_that_is_not_right_has_the_status_2() {
    let home = tempfile::tempdir().unwrap();
    for args in [&["serve", "--liste"][..], &["index"], &["transfer"], &["search", "films"]] {
        assert_eq!(run(home.path(), args).status, 2, "{args:?}");
    }
    let keyless = run(home.path(), &["index", "list"]);
    assert_eq!(keyless.status, 2);
    assert!(keyless.stderr.contains("TELECINE_API_KEY") && keyless.stderr.contains("telecine key create"));
    let typo = run(home.path(), &["transfer", "statis", "--key", "x"]);
    assert_eq!(typo.status, 2);
    assert!(typo.stderr.contains("did you mean `telecine transfer status`?"), "{}", typo.stderr);
}

#[test]
fn settings_that_are_not_right_have_the_status_2() {
    let home = tempfile::tempdir().unwrap();
    let refused = run(home.path(), &["serve", "--set", "pipeline.task=2"]);
    assert_eq!(refused.status, 2);
    assert_eq!(
        refused.stderr,
        "error: --set: there is no setting `pipeline.task`; did you mean `pipeline.tasks`?\n"
    );
}

#[test]
fn a_server_that_is_not_there_has_the_status_3_and_the_command_that_starts_one() {
    let home = tempfile::tempdir().unwrap();
    let url = nobody();
    let refused = run(home.path(), &["index", "list", "--url", &url, "--key", "tlk_X"]);
    assert_eq!(refused.status, 3);
    assert_eq!(
        refused.stderr,
        format!(
            "error: no Telecine server answers at {url}: connection refused\n  Is it running? Start it with `telecine \
             serve`, or name another one with --url or TELECINE_URL.\n"
        )
    );
}

#[tokio::test]
async fn a_key_that_is_not_accepted_has_the_status_3() {
    let body =
        json!({"code": "api_key_invalid", "message": "The API key is unknown.", "rule": "a valid key"});
    let refused = list_indexes_at(StatusCode::UNAUTHORIZED, body).await;
    assert_eq!(refused.status, 3);
    assert_eq!(
        refused.stderr,
        "error: The API key is unknown.\n  rule     a valid key\n  request  7f3a\n  code     api_key_invalid\n"
    );
}

#[tokio::test]
async fn a_request_that_is_refused_has_the_status_1() {
    let body = json!({"code": "parameter_invalid", "message": "No.", "request_id": "9"});
    let refused = list_indexes_at(StatusCode::BAD_REQUEST, body).await;
    assert_eq!((refused.status, refused.stdout.as_str()), (1, ""));
    assert_eq!(refused.stderr, "error: No.\n  request  9\n  code     parameter_invalid\n");
}

#[tokio::test]
async fn another_server_at_the_address_is_recognised() {
    let refused = list_indexes_at(StatusCode::BAD_GATEWAY, json!("oops")).await;
    assert_eq!(refused.status, 3);
    assert!(refused.stderr.contains("no Telecine server (status 502 Bad Gateway"), "{}", refused.stderr);
}

#[test]
fn a_reader_that_leaves_early_is_no_reason_to_panic() {
    let home = tempfile::tempdir().unwrap();
    let mut child = telecine(home.path())
        .args(["models", "list"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let left = ran(child.wait_with_output().unwrap());
    assert_eq!(left.stderr, "");
}

#[test]
fn completions_name_every_command() {
    let home = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let printed = run(home.path(), &["completions", shell]);
        assert_eq!(printed.status, 0);
        for command in ["serve", "transfer", "search", "integration"] {
            assert!(printed.stdout.contains(command), "{shell} knows no {command}");
        }
    }
}
