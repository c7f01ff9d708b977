//! Start and stop of a server, as a process.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::routing::get;
use serde_json::{Value, json};
use telecine::store::TaskStore;
use telecine::store::sqlite::SqliteStore;
use telecine::time::{Clock, SystemClock};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::program::{Server, models, ran, run, telecine};

#[test]
fn the_first_start_shows_an_admin_key_once_and_the_key_works() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), &[]);
    let key = server.key();
    let listed = run(home.path(), &["index", "list", "--url", &server.url, "--key", &key]);
    assert_eq!(listed.status, 0, "{listed:?}");
    assert_eq!(listed.stdout, "There is no index yet; `telecine index create NAME` makes one.\n");
    let place = format!("The dashboard is at {}/dashboard/;", server.url);
    assert!(server.greeting.contains(&place), "{}", server.greeting);
    let link = format!("{}/dashboard/#code=tlc_", server.url);
    assert!(server.greeting.lines().any(|line| line.trim().starts_with(&link)), "{}", server.greeting);
    server.signal("TERM");
    assert_eq!(server.ended(), (0, String::new()));

    let again = Server::start(home.path(), &[]);
    assert!(!again.greeting.contains("tlk_") && !again.greeting.contains("#code="), "{}", again.greeting);
    let log = std::fs::read_to_string(home.path().join("server.log")).unwrap();
    assert!(!log.contains(&key), "no secret in the log");
}

#[test]
fn the_admin_key_can_go_into_a_file_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("admin.key");
    std::fs::write(&file, "an old one that others could read").unwrap();
    let server = Server::start(home.path(), &["--admin-key-file", "admin.key"]);
    assert!(!server.greeting.contains("tlk_") && !server.greeting.contains("#code="), "{}", server.greeting);
    let key = std::fs::read_to_string(&file).unwrap();
    assert!(key.starts_with("tlk_") && key.ends_with('\n') && key.len() == 57, "{key}");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let listed = run(home.path(), &["task", "list", "--url", &server.url, "--key", key.trim()]);
    assert_eq!(listed.status, 0, "{listed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_dashboard_prints_a_link_that_signs_a_browser_in_once() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), &[]);
    let key = server.key();
    let printed = run(home.path(), &["dashboard", "--url", &server.url, "--key", &key]);
    assert_eq!(printed.status, 0, "{printed:?}");
    assert!(printed.stderr.contains("within ten minutes"), "{}", printed.stderr);
    let link = printed.stdout.trim_end();
    let (page, code) = link.split_once("#code=").expect("a code");
    assert_eq!(page, format!("{}/dashboard/", server.url));
    let greeted = server.greeting.lines().find_map(|line| line.split_once("#code=")).unwrap().1.to_owned();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let page = client.get(page).header("accept", "text/html").send().await.unwrap();
    assert_eq!(page.status(), 200);
    assert!(page.headers()["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"));
    for code in [code, &greeted] {
        let sign_in = async || {
            let request = client.post(format!("{}/session", server.url)).json(&json!({ "code": code }));
            request.send().await.unwrap()
        };
        let begun = sign_in().await;
        let cookie = begun.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        let indexes = client.get(format!("{}/v1.3/indexes", server.url)).header("cookie", cookie);
        assert_eq!(indexes.send().await.unwrap().status(), 200);
        assert_eq!(sign_in().await.status(), 401);
    }
    let made = run(home.path(), &["dashboard", "--url", &server.url, "--key", &key, "--json"]);
    let made: Value = serde_json::from_str(&made.stdout).unwrap();
    assert!(made["url"].as_str().unwrap().ends_with(made["code"].as_str().unwrap()));
    let refused = run(home.path(), &["dashboard", "--url", &server.url, "--key", "tlk_WRONG"]);
    assert_eq!((refused.status, refused.stdout.as_str()), (3, ""));
}

#[test]
fn keys_are_made_and_revoked_while_the_server_runs() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), &[]);
    let made: Value =
        serde_json::from_str(&run(home.path(), &["key", "create", "another", "--json"]).stdout).unwrap();
    let (id, key) = (made["id"].as_str().unwrap(), made["key"].as_str().unwrap());
    let list = ["index", "list", "--url", &server.url, "--key", key];
    assert_eq!(run(home.path(), &list).status, 0);
    assert_eq!(run(home.path(), &["key", "revoke", id]).status, 0);
    assert_eq!(run(home.path(), &list).status, 3);
}

#[test]
fn a_second_server_on_the_same_folder_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let _first = Server::start(home.path(), &[]);
    let second = telecine(home.path())
        .env("TELECINE_MODELS", models())
        .args(["serve", "--listen", "127.0.0.1:0"])
        .output()
        .unwrap();
    let second = ran(second);
    assert_eq!(second.status, 1);
    assert_eq!(
        second.stderr,
        "error: another server works on the data folder telecine-data; stop it first, or name another folder with \
         --data-dir\n"
    );
}

#[test]
fn an_address_that_is_taken_is_told() {
    let home = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let refused = run(home.path(), &["serve", "--listen", &address]);
    assert_eq!(refused.status, 1);
    let expected = format!("error: cannot listen on {address}: Address already in use");
    assert!(refused.stderr.starts_with(&expected), "{}", refused.stderr);
}

#[test]
fn a_missing_model_is_told_with_the_command_that_fetches_it() {
    let home = tempfile::tempdir().unwrap();
    let refused = run(home.path(), &["serve", "--listen", "127.0.0.1:0", "--models-dir", "nowhere"]);
    assert_eq!(refused.status, 1);
    assert!(refused.stderr.contains("telecine models fetch"), "{}", refused.stderr);
    assert!(refused.stderr.contains("nowhere/"), "{}", refused.stderr);
}

/// A link to a video that never ends.
async fn endless_link() -> String {
    let endless = || async {
        let drops = futures::stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            Some((Ok::<_, Infallible>(Bytes::from_static(&[0; 64])), ()))
        });
        ([("content-length", "1000000")], Body::from_stream(drops))
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/film.mp4", get(endless))).await });
    format!("http://{address}/film.mp4")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_gives_the_tasks_in_hand_back() {
    let home = tempfile::tempdir().unwrap();
    let link = endless_link().await;
    let host = link.split('/').nth(2).unwrap();
    let server = Server::start(home.path(), &["--set", &format!("urls.allow_private_hosts={host}")]);
    let key = server.key();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let index = json!({"index_name": "films", "engines": [{"engine_name": "marengo2.6", "engine_options": ["visual"]}]});
    let request = client.post(format!("{}/v1.2/indexes", server.url)).header("x-api-key", &key).json(&index);
    let index: Value = request.send().await.unwrap().json().await.unwrap();
    let form = reqwest::multipart::Form::new()
        .text("index_id", index["_id"].as_str().unwrap().to_owned())
        .text("video_url", link);
    let request = client.post(format!("{}/v1.2/tasks", server.url)).header("x-api-key", &key).multipart(form);
    let task: Value = request.send().await.unwrap().json().await.unwrap();
    let task: telecine::ids::TaskId = task["_id"].as_str().unwrap().parse().unwrap();

    let store = SqliteStore::open(home.path().join("telecine-data/telecine.db")).await.unwrap();
    let claimable = async || store.claim_next(SystemClock.now(), Duration::from_millis(1)).await.unwrap();
    let fetched = home.path().join("telecine-data/work").join(task.to_string()).join("fetched");
    let begun = Instant::now();
    while !fetched.exists() {
        assert!(begun.elapsed() < Duration::from_secs(20), "the server takes the task");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(claimable().await, None, "the server has it in hand");

    let stopped = Instant::now();
    server.signal("TERM");
    assert_eq!(server.ended().0, 0);
    assert!(stopped.elapsed() < Duration::from_secs(15), "{:?}", stopped.elapsed());
    let claim = claimable().await.expect("nobody has to wait for a lease to end");
    assert_eq!(claim.task, task);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_at_once() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), &[]);
    // A request that never ends keeps the first stop waiting.
    let (host, _) =
        server.url.trim_start_matches("http://").split_once('/').unwrap_or((&server.url[7..], ""));
    let mut stuck = tokio::net::TcpStream::connect(host).await.unwrap();
    let head = format!(
        "POST /v1.2/indexes HTTP/1.1\r\nhost: x\r\nx-api-key: {}\r\ncontent-type: application/json\r\ncontent-length: 9\r\nexpect: 100-continue\r\n\r\n",
        server.key()
    );
    stuck.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 25];
    stuck.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, *b"HTTP/1.1 100 Continue\r\n\r\n", "it waits for the body");
    server.signal("INT");
    let begun = Instant::now();
    while !std::fs::read_to_string(home.path().join("server.log"))
        .unwrap()
        .contains("a second signal ends at once")
    {
        assert!(begun.elapsed() < Duration::from_secs(20), "the first signal is told");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let stopped = Instant::now();
    server.signal("INT");
    assert_eq!(server.ended().0, 130);
    assert!(stopped.elapsed() < Duration::from_secs(5), "{:?}", stopped.elapsed());
}
