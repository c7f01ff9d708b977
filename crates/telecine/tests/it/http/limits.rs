//! Rate limits: off by default; per key and class when set; told in headers; refused with 429.

use reqwest::Method;
use serde_json::{Value, json};

use super::lab::{Answer, Lab};

fn told(answer: &Answer) -> [Option<i64>; 4] {
    ["limit", "remaining", "used", "reset"].map(|name| {
        let value = answer.headers.get(format!("x-ratelimit-{name}"))?;
        value.to_str().ok()?.parse().ok()
    })
}

async fn search(lab: &Lab) -> Answer {
    lab.post("/v1.2/search", json!({})).await
}

#[tokio::test]
async fn nothing_is_limited_unless_it_is_said() {
    let lab = Lab::start().await;
    let answer = search(&lab).await;
    assert_eq!((answer.status, told(&answer)), (400, [None; 4]));
}

#[tokio::test]
async fn searches_beyond_the_limit_are_refused_until_the_minute_is_over() {
    let lab = Lab::with(|config| config.rate_limits.search_per_minute = Some(2)).await;
    let minute_ends = lab.clock_s() / 60 * 60 + 60;
    // What cannot be understood counts as well: it was asked.
    assert_eq!(told(&search(&lab).await), [Some(2), Some(1), Some(1), Some(minute_ends)]);
    assert_eq!(told(&search(&lab).await), [Some(2), Some(0), Some(2), Some(minute_ends)]);
    let refused = search(&lab).await;
    assert_eq!(refused.refusal(), (429, "too_many_requests".into()));
    assert_eq!(told(&refused), [Some(2), Some(0), Some(2), Some(minute_ends)]);
    let retry_after: i64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert_eq!(retry_after, minute_ends - lab.clock_s());
    assert_eq!(refused.headers["content-type"], "application/json");
    let other = lab.get("/v1.2/indexes").await;
    assert_eq!((other.status, told(&other)), (200, [None; 4]), "other requests have limits of their own");

    lab.clock.advance(std::time::Duration::from_secs(retry_after.unsigned_abs()));
    assert_eq!(search(&lab).await.status, 400);
}

#[tokio::test]
async fn a_key_has_limits_of_its_own_and_cannot_lift_them() {
    let lab = Lab::with(|config| config.rate_limits.other_per_day = Some(1_000)).await;
    let made = lab.post("/keys", json!({ "name": "guest", "rate_limits": { "other_per_minute": 3 } })).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let made = made.json();
    assert_eq!(made["rate_limits"]["other_per_minute"], 3);
    let guest = async |method: Method, path: &str, body: Option<Value>| {
        let mut request = lab.client.request(method, format!("{}{path}", lab.url));
        request = request.header("x-api-key", made["key"].as_str().unwrap());
        if let Some(body) = body {
            request = request.json(&body);
        }
        Answer::of(request.send().await.unwrap()).await
    };
    let path = format!("/keys/{}", made["_id"].as_str().unwrap());
    let lifted = guest(Method::PATCH, &path, Some(json!({ "rate_limits": null }))).await;
    assert_eq!(lifted.refusal(), (403, "unauthorized".into()));
    let another = guest(Method::POST, "/keys", Some(json!({ "name": "free" }))).await;
    assert_eq!(another.refusal(), (403, "unauthorized".into()));
    assert_eq!(told(&guest(Method::GET, "/indexes", None).await)[..2], [Some(3), Some(0)]);
    assert_eq!(guest(Method::GET, "/indexes", None).await.status, 429);

    let raised =
        lab.send(Method::PATCH, &path, Some(json!({ "rate_limits": { "other_per_minute": 9 } }))).await;
    assert_eq!(raised.status, 204, "{}", raised.text);
    assert_eq!(told(&guest(Method::GET, "/indexes", None).await)[..2], [Some(9), Some(5)]);
    for wrong in [json!({ "find_per_day": 1 }), json!({ "search_per_day": -1 }), json!(7)] {
        let refused = lab.send(Method::PATCH, &path, Some(json!({ "rate_limits": wrong }))).await;
        assert_eq!(refused.refusal(), (400, "parameter_invalid".into()), "{}", refused.text);
    }
    let nothing = lab.send(Method::PATCH, &path, Some(json!({}))).await;
    assert_eq!(nothing.refusal(), (400, "parameter_not_provided".into()));
}
