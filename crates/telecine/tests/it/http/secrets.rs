//! Secrets of integrations: sealed in the database, told by no answer, written to no log, replaced but never read.

use reqwest::Method;
use serde_json::{Value, json};
use telecine::integration::{IntegrationChange, NewIntegration};
use telecine::vault::Secret;

use super::lab::Lab;
use crate::support::account::{Account, AccountStub};
use crate::support::log::Log;

const SECRETS: [&str; 8] = [
    "wJalrXUtnFEMI-first",
    "wJalrXUtnFEMI-second",
    "MIIEvQIBADANBgkq-private",
    "sharedkey-c2hhcmVk",
    "sig%3Dsas-token",
    "client-secret-Q8~",
    "session-secret-of-sts",
    "session-token-of-sts",
];

#[track_caller]
fn keeps_quiet(place: &str, text: &str) {
    for secret in SECRETS {
        assert!(!text.contains(secret), "{place} tells a secret: {text}");
    }
}

fn bodies(endpoint: &str) -> Vec<Value> {
    let key = json!({
        "type": "service_account", "client_email": "reader@films.iam.gserviceaccount.com",
        "private_key": SECRETS[2], "token_uri": "https://oauth2.googleapis.com/token",
    });
    let azure = |bucket: &str, name: &str, value: &str| json!({"provider": "azure_blob", "bucket": bucket, "account": "films", name: value});
    let mut entra = azure("entra", "client_secret", SECRETS[5]);
    entra["tenant_id"] = "11111111-1111-1111-1111-111111111111".into();
    entra["client_id"] = "22222222-2222-2222-2222-222222222222".into();
    vec![
        json!({
            "provider": "s3_compatible", "bucket": "keys", "endpoint_url": endpoint, "access_key_id": "AKIAFILMS",
            "secret_access_key": SECRETS[0],
        }),
        json!({"bucket": "films", "account_id": "123456789012"}),
        json!({"provider": "gcs", "bucket": "films", "service_account_key": key}),
        json!({"provider": "gcs", "bucket": "films2", "service_account_key": key.to_string()}),
        azure("shared", "shared_key", SECRETS[3]),
        azure("signed", "sas_token", SECRETS[4]),
        entra,
    ]
}

// One thread: what is logged anywhere in the server is logged here.
#[tokio::test]
async fn secrets_are_in_no_answer_no_log_and_not_in_the_clear_in_the_database() {
    let log = Log::default();
    let _logging = tracing::subscriber::set_default(log.subscriber(tracing::Level::TRACE));

    let stub = AccountStub::start(Account::default()).await;
    let (endpoint, host) = (stub.url(), stub.url().trim_start_matches("http://").to_owned());
    let lab = Lab::with(|config| {
        config.urls.allow_private_hosts = vec![host];
        config.aws.endpoint_url = Some(stub.url());
        config.aws.principal_arn = Some("arn:aws:iam::999999999999:user/telecine".to_owned());
        config.aws.propagation_wait_s = 0;
    })
    .await;
    stub.account().clock = lab.clock.clone();
    let mut answers = String::new();
    let mut first = None;
    for body in bodies(&endpoint) {
        let made = lab.post("/v1.2/integrations", body).await;
        assert_eq!(made.status, 201, "{}", made.text);
        let path = format!("/v1.2/integrations/{}", made.json()["_id"].as_str().unwrap());
        answers.push_str(&made.text);
        answers.push_str(&lab.get(&path).await.text);
        answers.push_str(&lab.get(&format!("{path}/setup")).await.text);
        if made.json()["credentials"] == "role" {
            stub.account().external_id = made.json()["external_id"].as_str().unwrap().to_owned();
            stub.account().role_policy = made.json()["policy_document"].clone();
            let verified = lab.post(&format!("{path}/verify"), json!({})).await;
            assert_eq!(verified.json()["status"], "active", "its session was used: {}", verified.text);
            answers.push_str(&verified.text);
        }
        if made.json()["provider"] == "s3_compatible" {
            // The others would ask Google and Microsoft.
            answers.push_str(&lab.post(&format!("{path}/verify"), json!({})).await.text);
            answers.push_str(&lab.post(&format!("{path}/verify?stream=true"), json!({})).await.text);
            first = Some(path);
        }
    }
    let first = first.expect("one of S3");
    let change = json!({"access_key_id": "AKIAOTHER", "secret_access_key": SECRETS[1]});
    let changed = lab.send(Method::PATCH, &first, Some(change)).await;
    assert_eq!(
        (changed.status, changed.json()["access_key_id"].as_str()),
        (200, Some("AKIAOTHER")),
        "{}",
        changed.text
    );
    answers.push_str(&changed.text);
    answers.push_str(&lab.post(&format!("{first}/verify"), json!({})).await.text);
    answers.push_str(&lab.get("/v1.2/integrations").await.text);
    // Refusals tell what was given, but no secret.
    for wrong in [
        json!({"secret_access_key": SECRETS[0], "access_key_id": "has space"}),
        json!({"sas_token": SECRETS[4]}),
        json!({"secret_acces_key": SECRETS[0]}),
        json!({"service_account_key": {"private_key": SECRETS[2]}}),
    ] {
        let refused = lab.send(Method::PATCH, &first, Some(wrong)).await;
        assert_eq!(refused.status, 400, "{}", refused.text);
        answers.push_str(&refused.text);
    }
    keeps_quiet("an answer", &answers);
    for token in ["AKIAFILMS", "AKIAOTHER", "reader@films"] {
        assert!(answers.contains(token), "what is no secret is shown: {token}");
    }
    let logged = log.text();
    assert!(logged.len() > 10_000, "something was logged: {} bytes", logged.len());
    keeps_quiet("the log", &logged);
    for entry in std::fs::read_dir(lab.app.files.database().parent().unwrap()).unwrap().flatten() {
        if entry.path().is_file() {
            let bytes = std::fs::read(entry.path()).unwrap();
            keeps_quiet(&entry.path().display().to_string(), &String::from_utf8_lossy(&bytes));
        }
    }
}

#[test]
fn what_holds_a_secret_does_not_print_it() {
    let new =
        NewIntegration { secret_access_key: Some(Secret::new(SECRETS[0])), ..NewIntegration::default() };
    let change =
        IntegrationChange { sas_token: Some(Secret::new(SECRETS[4])), ..IntegrationChange::default() };
    keeps_quiet("Debug", &format!("{new:?} {change:?}"));
}

#[tokio::test]
async fn a_sealed_secret_that_was_moved_to_another_integration_does_not_open() {
    let stub = AccountStub::start(Account::default()).await;
    let (endpoint, host) = (stub.url(), stub.url().trim_start_matches("http://").to_owned());
    let lab = Lab::with(|config| {
        config.urls.allow_private_hosts = vec![host];
        config.aws.propagation_wait_s = 0;
    })
    .await;
    let connect = async |bucket: &str, secret: &str| {
        let body = json!({
            "bucket": bucket, "provider": "s3_compatible", "endpoint_url": endpoint, "access_key_id": "AKIA",
            "secret_access_key": secret,
        });
        lab.post("/v1.2/integrations", body).await.json()["_id"].as_str().unwrap().to_owned()
    };
    let (theirs, mine) = (connect("films", SECRETS[0]).await, connect("other", "mine").await);
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(lab.app.files.database());
    let mut database = sqlx::ConnectOptions::connect(&options).await.unwrap();
    let copy = "UPDATE integration SET secret = (SELECT secret FROM integration WHERE id = ?) WHERE id = ?";
    sqlx::query(copy).bind(&theirs).bind(&mine).execute(&mut database).await.unwrap();
    let verified = lab.post(&format!("/v1.2/integrations/{mine}/verify"), json!({})).await.json();
    assert_eq!(verified["status"], "failed", "{verified:#}");
    let last = verified["checks"].as_array().and_then(|checks| checks.last()).expect("a line");
    assert_eq!(last["fault"]["code"], "secret_unreadable", "{last:#}");
    assert!(stub.asked().is_empty(), "nothing was asked with it");
}
