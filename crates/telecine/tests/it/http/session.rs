//! Signing in with a browser: the cookie, what it opens, to which pages, and when it ends.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use telecine::keys;
use telecine::time::Clock;

use super::contract::check;
use super::lab::{Answer, Lab};

const DAY: Duration = Duration::from_hours(24);

/// Sends a request with these headers and no key.
async fn send(
    lab: &Lab,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: Option<Value>,
) -> Answer {
    let mut request = lab.client.request(method.clone(), format!("{}{path}", lab.url));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    if let Some(body) = body {
        request = request.json(&body);
    }
    let answer = Answer::of(request.send().await.unwrap()).await;
    check(method.as_str(), path, &answer);
    answer
}

async fn sign_in(lab: &Lab, by: Value) -> Answer {
    send(lab, Method::POST, "/session", &[], Some(by)).await
}

/// The cookie of a browser that signed in: `name=value`.
fn cookie(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.text);
    let set = answer.headers["set-cookie"].to_str().unwrap();
    set.split(';').next().unwrap().to_owned()
}

async fn signed_in(lab: &Lab) -> String {
    cookie(&sign_in(lab, json!({ "key": lab.key })).await)
}

async fn get(lab: &Lab, path: &str, cookie: &str) -> Answer {
    send(lab, Method::GET, path, &[("cookie", cookie)], None).await
}

/// A code, as a program with the key gets it.
async fn code(lab: &Lab) -> Value {
    let made = lab.send(Method::POST, "/session/codes", None).await;
    assert_eq!((made.status, made.headers["cache-control"].as_bytes()), (201, b"no-store".as_slice()));
    made.json()
}

fn index(name: &str) -> Value {
    json!({ "index_name": name, "models": [{ "model_name": "marengo2.7", "model_options": ["visual"] }] })
}

#[tokio::test]
async fn a_key_becomes_a_cookie_that_says_who_is_signed_in() {
    let lab = Lab::start().await;
    let begun = sign_in(&lab, json!({ "key": format!(" {}\n", lab.key) })).await;
    let cookie = cookie(&begun);
    let secret = cookie.strip_prefix("telecine_session=").unwrap();
    assert!(secret.starts_with("tls_") && secret.len() == 56, "{secret}");
    let told = begun.headers["set-cookie"].to_str().unwrap();
    let expected = format!("telecine_session={secret}; Path=/; Max-Age=2592000; HttpOnly; SameSite=Strict");
    assert_eq!(told, expected);
    assert_eq!(begun.headers["cache-control"], "no-store");
    assert!(!begun.text.contains(secret) && !begun.text.contains(&lab.key), "no secret in the answer");

    let who = begun.json();
    let key = &lab.app.store.keys(lab.workspace).await.unwrap()[0];
    let expected = json!({
        "key_id": key.id,
        "key_name": "test",
        "workspace_id": lab.workspace,
        "expires_at": lab.clock.now().after(30 * DAY),
        "version": env!("CARGO_PKG_VERSION"),
    });
    assert_eq!(who, expected);
    let again = get(&lab, "/session", &cookie).await;
    assert_eq!((again.status, again.json()), (200, expected));
    assert!(!again.headers.contains_key("set-cookie"), "nothing to renew yet");
    assert_eq!(get(&lab, "/v1.2/indexes", &cookie).await.status, 200);
}

#[tokio::test]
async fn behind_tls_the_cookie_is_secure() {
    let lab = Lab::with(|config| config.server.public_url = Some("https://films.test".into())).await;
    let begun = sign_in(&lab, json!({ "key": lab.key })).await;
    let told = begun.headers["set-cookie"].to_str().unwrap().to_owned();
    assert!(told.ends_with("; Path=/; Max-Age=2592000; HttpOnly; SameSite=Strict; Secure"), "{told}");
    let url = code(&lab).await["url"].as_str().unwrap().to_owned();
    assert!(url.starts_with("https://films.test/dashboard/#code=tlc_"), "{url}");
    let make = async |origin: &str, name: &str| {
        let headers = [("cookie", cookie(&begun)), ("origin", origin.to_owned())];
        let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
        send(&lab, Method::POST, "/indexes", &headers, Some(index(name))).await
    };
    assert_eq!(make("https://films.test", "a").await.status, 201);
    assert_eq!(make("http://films.test", "b").await.refusal(), (403, "origin_not_allowed".into()));
}

#[tokio::test]
async fn what_does_not_sign_in_is_refused_with_what_to_do() {
    let lab = Lab::start().await;
    let known = code(&lab).await["code"].as_str().unwrap().to_owned();
    for (by, refusal) in [
        (json!({ "key": "tlk_WRONG" }), (401, "api_key_invalid")),
        (json!({ "key": known }), (401, "api_key_invalid")),
        (json!({ "code": "tlc_WRONG" }), (401, "api_key_invalid")),
        (json!({ "code": lab.key }), (401, "api_key_invalid")),
        (json!({}), (400, "parameter_not_provided")),
        (json!({ "key": lab.key, "code": known }), (400, "parameter_not_provided")),
        (json!({ "key": 7 }), (400, "parameter_invalid")),
    ] {
        let begun = std::time::Instant::now();
        let refused = sign_in(&lab, by.clone()).await;
        assert_eq!(refused.refusal(), (refusal.0, refusal.1.to_owned()), "{by}");
        assert!(begun.elapsed() >= Duration::from_millis(500), "failing takes a while");
        assert!(!refused.headers.contains_key("set-cookie"));
    }
    assert!(sign_in(&lab, json!({ "code": known })).await.status == 200, "what failed used nothing up");
    for cookie in ["telecine_session=tls_WRONG", "telecine_session=", "other=x"] {
        let refused = get(&lab, "/session", cookie).await;
        assert_eq!(refused.refusal(), (401, "api_key_invalid".into()), "{cookie}");
        assert!(refused.json()["remedy"].as_str().unwrap().contains("telecine dashboard"), "{cookie}");
        assert_eq!(get(&lab, "/indexes", cookie).await.refusal(), (401, "api_key_invalid".into()));
    }
    let key_as_cookie = format!("telecine_session={}", lab.key);
    assert_eq!(get(&lab, "/indexes", &key_as_cookie).await.status, 401);
}

#[tokio::test]
async fn a_right_key_is_let_in_at_once_while_many_wrong_ones_are_tried() {
    let lab = std::sync::Arc::new(Lab::start().await);
    let tries = (0..40).map(|_| {
        let lab = std::sync::Arc::clone(&lab);
        tokio::spawn(async move { sign_in(&lab, json!({ "key": "tlk_WRONG" })).await })
    });
    let tries: Vec<_> = tries.collect();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(sign_in(&lab, json!({ "key": lab.key })).await.status, 200);
    let mut statuses = Vec::new();
    for tried in tries {
        let answer = tried.await.unwrap();
        if answer.status == 429 {
            assert_eq!(answer.refusal().1, "too_many_requests");
            assert!(answer.headers.contains_key("retry-after"));
        }
        statuses.push(answer.status);
    }
    assert!(statuses.iter().all(|status| [401, 429].contains(status)), "{statuses:?}");
    assert!(statuses.contains(&401) && statuses.contains(&429), "{statuses:?}");
}

#[tokio::test]
async fn with_a_cookie_changes_are_taken_from_our_own_pages_only() {
    let lab = Lab::start().await;
    let cookie = signed_in(&lab).await;
    let own = lab.url.clone();
    let mut number = 0;
    let mut make = async |headers: &[(&str, &str)]| {
        number += 1;
        let headers = [&[("cookie", cookie.as_str())], headers].concat();
        send(&lab, Method::POST, "/indexes", &headers, Some(index(&format!("i{number}")))).await
    };
    let refused = [
        vec![],
        vec![("origin", "https://evil.test")],
        vec![("origin", "null")],
        vec![("origin", "http://127.0.0.1:1")],
        vec![("sec-fetch-site", "same-origin")],
        vec![("origin", "https://evil.test"), ("sec-fetch-site", "same-origin")],
    ];
    for headers in refused {
        let answer = make(&headers).await;
        assert_eq!(answer.refusal(), (403, "origin_not_allowed".into()), "{headers:?}");
        assert!(answer.json()["remedy"].as_str().unwrap().contains("x-api-key"));
    }
    assert_eq!(make(&[("origin", &own)]).await.status, 201);
    assert_eq!(make(&[("origin", &own), ("sec-fetch-site", "same-origin")]).await.status, 201);
    assert_eq!(
        make(&[("origin", "https://evil.test"), ("x-api-key", &lab.key)]).await.status,
        201,
        "a key wins"
    );
    assert_eq!(make(&[("origin", &own), ("x-api-key", "tlk_WRONG")]).await.status, 401, "a wrong key, too");
    let listed = get(&lab, "/indexes", &cookie).await.json();
    assert_eq!(listed["page_info"]["total_results"], 3);
    for method in [Method::DELETE, Method::PUT, Method::PATCH] {
        let id = listed["data"][0]["_id"].as_str().unwrap();
        let path = format!("/indexes/{id}");
        let headers = [("cookie", cookie.as_str()), ("origin", "https://evil.test")];
        let answer = lab.client.request(method.clone(), format!("{}{path}", lab.url));
        let answer = headers.iter().fold(answer, |request, (name, value)| request.header(*name, *value));
        let status = answer.send().await.unwrap().status().as_u16();
        // There is no PATCH of an index.
        assert_eq!(status, if method == Method::PATCH { 404 } else { 403 }, "{method}");
    }
    assert_eq!(get(&lab, "/indexes", &cookie).await.json()["page_info"]["total_results"], 3);
}

#[tokio::test]
async fn with_a_cookie_reading_is_for_our_own_pages_and_no_answer_lets_others_use_it() {
    let lab = Lab::start().await;
    let cookie = signed_in(&lab).await;
    for (site, status) in [("same-origin", 200), ("none", 200), ("same-site", 403), ("cross-site", 403)] {
        for path in ["/indexes", "/session"] {
            let headers = [("cookie", cookie.as_str()), ("sec-fetch-site", site)];
            let answer = send(&lab, Method::GET, path, &headers, None).await;
            assert_eq!(answer.status, status, "{site} {path}");
        }
    }
    let by_key = [("x-api-key", lab.key.as_str()), ("sec-fetch-site", "cross-site")];
    assert_eq!(send(&lab, Method::GET, "/indexes", &by_key, None).await.status, 200);
    for method in [Method::GET, Method::POST, Method::OPTIONS] {
        for path in ["/indexes", "/session", "/pictures/x/1.jpg", "/streams/x/1-a/index.m3u8"] {
            let request = lab.client.request(method.clone(), format!("{}{path}", lab.url));
            let request = request.header("origin", "https://evil.test").header("cookie", &cookie);
            let request = request.header("access-control-request-method", "POST");
            let answer = Answer::of(request.send().await.unwrap()).await;
            let allows =
                |name: &str| answer.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
            assert_eq!(allows("access-control-allow-credentials"), None, "{method} {path}");
            let is_signed = path.starts_with("/pictures/") || path.starts_with("/streams/");
            let expected = is_signed.then(|| "*".to_owned());
            assert_eq!(allows("access-control-allow-origin"), expected, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn no_page_of_another_address_signs_a_browser_in() {
    let lab = Lab::start().await;
    for (origin, status) in [("https://evil.test", 403), ("null", 403), (lab.url.as_str(), 200)] {
        let by = json!({ "key": lab.key });
        let answer = send(&lab, Method::POST, "/session", &[("origin", origin)], Some(by)).await;
        assert_eq!(answer.status, status, "{origin}");
        assert_eq!(answer.headers.contains_key("set-cookie"), status == 200);
    }
}

#[tokio::test]
async fn a_code_signs_in_once_and_in_time() {
    let lab = Lab::start().await;
    let made = code(&lab).await;
    let text = made["code"].as_str().unwrap();
    assert_eq!(made["url"], format!("{}/dashboard/#code={text}", lab.url));
    assert_eq!(made["expires_at"], json!(lab.clock.now().after(Duration::from_mins(10))));
    let by = json!({ "code": text });
    let cookie = cookie(&sign_in(&lab, by.clone()).await);
    assert_eq!(get(&lab, "/session", &cookie).await.json()["key_name"], "test");
    assert_eq!(sign_in(&lab, by).await.refusal(), (401, "api_key_invalid".into()), "used");

    let late = code(&lab).await;
    lab.clock.advance(Duration::from_mins(10));
    assert_eq!(sign_in(&lab, json!({ "code": late["code"] })).await.status, 401, "late");
    let in_time = code(&lab).await;
    lab.clock.advance(Duration::from_mins(10) - Duration::from_millis(1));
    assert_eq!(sign_in(&lab, json!({ "code": in_time["code"] })).await.status, 200);
}

#[tokio::test]
async fn of_many_who_use_a_code_at_the_same_moment_one_is_signed_in() {
    let lab = Lab::start().await;
    let by = json!({ "code": code(&lab).await["code"] });
    let tries = (0..8).map(|_| sign_in(&lab, by.clone()));
    let answers = futures::future::join_all(tries).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    assert_eq!(answers.iter().filter(|answer| answer.status == 401).count(), 7);
}

#[tokio::test]
async fn a_revoked_key_takes_its_sessions_and_codes_along() {
    let lab = Lab::start().await;
    let made = lab.post("/keys", json!({ "name": "browser" })).await.json();
    let cookie = cookie(&sign_in(&lab, json!({ "key": made["key"] })).await);
    let headers = [("cookie", cookie.as_str()), ("origin", lab.url.as_str())];
    let code = send(&lab, Method::POST, "/session/codes", &headers, None).await.json();
    let id = made["_id"].as_str().unwrap();
    assert_eq!(get(&lab, "/session", &cookie).await.json()["key_id"], id);
    assert_eq!(lab.send(Method::DELETE, &format!("/keys/{id}"), None).await.status, 204);
    for path in ["/session", "/indexes"] {
        assert_eq!(get(&lab, path, &cookie).await.refusal(), (401, "api_key_invalid".into()), "{path}");
    }
    assert_eq!(sign_in(&lab, json!({ "code": code["code"] })).await.status, 401);
}

#[tokio::test]
async fn a_session_ends_thirty_days_after_it_was_last_looked_at() {
    let lab = Lab::start().await;
    let (kept, left) = (signed_in(&lab).await, signed_in(&lab).await);
    lab.clock.advance(DAY - Duration::from_millis(1));
    assert!(!get(&lab, "/session", &kept).await.headers.contains_key("set-cookie"));
    lab.clock.advance(20 * DAY);
    let renewed = get(&lab, "/session", &kept).await;
    let told = renewed.headers["set-cookie"].to_str().unwrap();
    assert_eq!(told, format!("{kept}; Path=/; Max-Age=2592000; HttpOnly; SameSite=Strict"));
    assert_eq!(renewed.json()["expires_at"], json!(lab.clock.now().after(30 * DAY)));
    lab.clock.advance(9 * DAY + Duration::from_millis(1));
    assert_eq!(get(&lab, "/session", &left).await.refusal(), (401, "api_key_invalid".into()));
    assert_eq!(get(&lab, "/indexes", &left).await.status, 401);
    assert_eq!(get(&lab, "/indexes", &kept).await.status, 200);
    lab.clock.advance(21 * DAY);
    assert_eq!(get(&lab, "/indexes", &kept).await.status, 401);
}

#[tokio::test]
async fn signing_out_ends_the_session_and_can_be_repeated() {
    let lab = Lab::start().await;
    let (one, other) = (signed_in(&lab).await, signed_in(&lab).await);
    let own = lab.url.clone();
    let leave = async |headers: &[(&str, &str)]| send(&lab, Method::DELETE, "/session", headers, None).await;
    let from_elsewhere = leave(&[("cookie", &one), ("origin", "https://evil.test")]).await;
    assert_eq!(from_elsewhere.refusal(), (403, "origin_not_allowed".into()));
    assert_eq!(get(&lab, "/session", &one).await.status, 200);
    for _ in 0..2 {
        let left = leave(&[("cookie", &one), ("origin", &own)]).await;
        let told = left.headers["set-cookie"].to_str().unwrap();
        assert_eq!(
            (left.status, told),
            (204, "telecine_session=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict")
        );
        assert_eq!(get(&lab, "/session", &one).await.status, 401);
    }
    assert_eq!(leave(&[]).await.status, 204);
    assert_eq!(get(&lab, "/session", &other).await.status, 200, "the other browser stays signed in");
}

#[tokio::test]
async fn signing_out_everywhere_ends_all_sessions_of_the_key_and_of_no_other() {
    let lab = Lab::start().await;
    let (one, other) = (signed_in(&lab).await, signed_in(&lab).await);
    let code = code(&lab).await;
    let stranger = cookie(&sign_in(&lab, json!({ "key": lab.stranger().await })).await);
    let own = lab.url.clone();
    let leave = async |cookie: &str| {
        let headers = [("cookie", cookie), ("origin", own.as_str())];
        send(&lab, Method::DELETE, "/session?everywhere=true", &headers, None).await.status
    };
    assert_eq!(leave("telecine_session=tls_WRONG").await, 204);
    assert_eq!(get(&lab, "/session", &one).await.status, 200, "whom a wrong cookie means is nobody");
    assert_eq!(leave(&one).await, 204);
    for gone in [&one, &other] {
        assert_eq!(get(&lab, "/session", gone).await.status, 401);
    }
    assert_eq!(sign_in(&lab, json!({ "code": code["code"] })).await.status, 401);
    assert_eq!(get(&lab, "/session", &stranger).await.status, 200);
    assert_eq!(lab.get("/indexes").await.status, 200, "the key itself works");
}

#[tokio::test]
async fn a_session_opens_the_workspace_of_its_key_and_no_other() {
    let lab = Lab::start().await;
    let index = lab.index("mine").await;
    let stranger = lab.stranger().await;
    let cookie = cookie(&sign_in(&lab, json!({ "key": stranger })).await);
    assert_eq!(get(&lab, "/indexes", &cookie).await.json()["page_info"]["total_results"], 0);
    let path = format!("/indexes/{index}");
    assert_eq!(get(&lab, &path, &cookie).await.refusal(), (404, "resource_not_exists".into()));
    let headers = [("cookie", cookie.as_str()), ("origin", lab.url.as_str())];
    assert_eq!(send(&lab, Method::DELETE, &path, &headers, None).await.status, 404);
    assert_eq!(lab.get(&path).await.status, 200);
}

#[tokio::test]
async fn sessions_outlive_a_restart_and_secrets_are_kept_nowhere() {
    let lab = Lab::start().await;
    let cookie = signed_in(&lab).await;
    let code = code(&lab).await["code"].as_str().unwrap().to_owned();
    let store = telecine::store::sqlite::SqliteStore::open(lab.app.files.database()).await.unwrap();
    let secret = cookie.strip_prefix("telecine_session=").unwrap();
    let found = keys::session::find(&store, &*lab.clock, secret).await.unwrap();
    assert_eq!((found.caller.workspace, found.key_name.as_str()), (lab.workspace, "test"));
    assert!(keys::session::use_code(&store, &*lab.clock, &code).await.is_ok());
    let mut stored = Vec::new();
    for file in std::fs::read_dir(&lab.app.config.server.data_dir).unwrap() {
        let file = file.unwrap().path();
        if file.is_file() {
            stored.extend(std::fs::read(file).unwrap());
        }
    }
    for secret in [secret, &code] {
        assert!(!stored.windows(secret.len()).any(|bytes| bytes == secret.as_bytes()));
    }
}

#[tokio::test]
async fn a_key_has_so_many_sessions_and_codes_and_what_is_over_is_forgotten() {
    let lab = Lab::start().await;
    let store = &*lab.app.store;
    let key = store.keys(lab.workspace).await.unwrap()[0].id;
    let first = keys::session::begin(store, &*lab.clock, key).await.unwrap();
    let first_code = keys::session::make_code(store, &*lab.clock, key).await.unwrap();
    let mut newest = Vec::new();
    for _ in 0..32 {
        lab.tick();
        newest.push(keys::session::begin(store, &*lab.clock, key).await.unwrap());
        keys::session::make_code(store, &*lab.clock, key).await.unwrap();
    }
    assert!(keys::session::find(store, &*lab.clock, &first.secret).await.is_err(), "the oldest gave way");
    assert!(keys::session::use_code(store, &*lab.clock, &first_code.secret).await.is_err());
    for session in &newest {
        assert!(keys::session::find(store, &*lab.clock, &session.secret).await.is_ok());
    }
    let database = format!("sqlite://{}", lab.app.files.database().display());
    let pool = sqlx::SqlitePool::connect(&database).await.unwrap();
    let count = async || -> (i64, i64) {
        let count = "SELECT (SELECT count(*) FROM session), (SELECT count(*) FROM sign_in_code)";
        sqlx::query_as(count).fetch_one(&pool).await.unwrap()
    };
    assert_eq!(count().await, (32, 32));
    lab.clock.advance(Duration::from_mins(11));
    store.forget_sessions(lab.clock.now()).await.unwrap();
    assert_eq!(count().await, (32, 0));
    lab.clock.advance(31 * DAY);
    keys::session::begin(store, &*lab.clock, key).await.unwrap();
    assert_eq!(count().await, (1, 0), "a sign-in forgets what is over");
    keys::revoke(store, &*lab.clock, lab.workspace, key).await.unwrap();
    store.forget_sessions(lab.clock.now()).await.unwrap();
    assert_eq!(count().await, (0, 0));
}

#[tokio::test]
async fn with_an_idempotency_key_a_code_is_told_once() {
    let lab = Lab::start().await;
    let cookie = signed_in(&lab).await;
    let ask = async |origin: &str| {
        let headers = [("cookie", cookie.as_str()), ("origin", origin), ("idempotency-key", "k")];
        send(&lab, Method::POST, "/session/codes", &headers, None).await
    };
    assert_eq!(ask("https://evil.test").await.status, 403);
    assert_eq!(ask(&lab.url).await.status, 201);
    assert_eq!(ask(&lab.url).await.refusal(), (422, "idempotency_key_reused".into()));
}

#[tokio::test]
async fn the_dashboard_is_at_its_own_path_and_the_root_leads_browsers_there() {
    let lab = Lab::start().await;
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let ask = async |method: Method, path: &str, accept: &str| {
        let request = client.request(method, format!("{}{path}", lab.url)).header("accept", accept);
        Answer::of(request.send().await.unwrap()).await
    };
    let browser = "text/html,application/xhtml+xml,*/*;q=0.8";
    for method in [Method::GET, Method::HEAD] {
        let root = ask(method, "/", browser).await;
        assert_eq!((root.status, root.headers["location"].as_bytes()), (303, b"/dashboard/".as_slice()));
    }
    assert_eq!(ask(Method::GET, "/", "*/*").await.refusal(), (404, "endpoint_not_exists".into()));
    assert_eq!(ask(Method::POST, "/", browser).await.refusal(), (404, "endpoint_not_exists".into()));
    for path in ["/dashboard", "/dashboard/", "/dashboard/indexes"] {
        let page = ask(Method::GET, path, "*/*").await;
        assert_eq!(
            (page.status, page.headers["x-content-type-options"].as_bytes()),
            (200, b"nosniff".as_slice())
        );
        assert!(page.headers.contains_key("x-request-id"), "{path}");
    }
    for path in ["/v1.3/dashboard", "/v1.2/dashboard/", "/dashboards", "/v1.3"] {
        assert_eq!(
            ask(Method::GET, path, browser).await.refusal(),
            (404, "endpoint_not_exists".into()),
            "{path}"
        );
    }
}
