//! The checklist over HTTP: whole, or line by line as it goes.

use serde_json::{Value, json};

use super::lab::Lab;
use crate::support::account::{Account, AccountStub};

#[tokio::test]
async fn a_verification_is_told_line_by_line_and_stored() {
    let stub = AccountStub::start(Account::default()).await;
    let lab = Lab::with(|config| {
        config.aws.endpoint_url = Some(stub.url());
        config.aws.propagation_wait_s = 0;
    })
    .await;
    stub.account().clock = lab.clock.clone();
    let new = json!({"bucket": "films", "account_id": "123456789012", "region": "eu-west-1"});
    let made = lab.post("/v1.2/integrations", new).await.json();
    let path = format!("/v1.2/integrations/{}", made["_id"].as_str().unwrap());
    assert!(made["setup"]["cli"].as_str().is_some_and(|cli| cli.contains("aws iam create-role")), "{made:#}");
    for (format, kind, sign) in [
        ("console", "text/plain; charset=utf-8", "Create the policy"),
        ("cli", "text/x-shellscript; charset=utf-8", "aws iam attach-role-policy"),
        ("cloudformation", "application/json", "AWS::IAM::ManagedPolicy"),
        ("terraform", "text/plain; charset=utf-8", "aws_iam_role_policy_attachment"),
    ] {
        let answer = lab.get(&format!("{path}/setup?format={format}")).await;
        assert_eq!((answer.status, answer.headers["content-type"].to_str().unwrap()), (200, kind));
        assert!(answer.text.contains(sign), "{format}: {}", answer.text);
    }
    assert_eq!(lab.get(&format!("{path}/setup?format=ansible")).await.status, 400);

    stub.account().external_id = made["external_id"].as_str().unwrap().to_owned();
    stub.account().role_policy = made["policy_document"].clone();
    let answer = lab.post(&format!("{path}/verify?stream=true"), json!({})).await;
    assert_eq!(answer.headers["content-type"], "application/x-ndjson");
    let mut lines: Vec<Value> =
        answer.text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let last = lines.pop().expect("a last line");
    assert_eq!((&last["event"], &last["integration"]["status"]), (&json!("integration"), &json!("active")));
    let checks: Vec<&Value> = lines.iter().filter(|line| line["event"] == "check").collect();
    assert_eq!(checks.len(), last["integration"]["checks"].as_array().unwrap().len());
    for (told, stored) in checks.iter().zip(last["integration"]["checks"].as_array().unwrap()) {
        assert_eq!((&told["name"], &told["outcome"]), (&stored["name"], &stored["outcome"]));
    }
    let began: Vec<&str> = lines
        .iter()
        .filter(|line| line["event"] == "began")
        .filter_map(|line| line["name"].as_str())
        .collect();
    assert!(began.starts_with(&["identity", "assume_role", "without_external_id"]), "{began:?}");
    let at = |name: &str, event: &str| {
        lines.iter().position(|line| line["event"] == event && line["name"] == name)
    };
    assert!(at("list", "began") < at("list", "check"), "a line begins before it ends");

    let stored = lab.get(&path).await.json();
    assert_eq!((&stored["status"], &stored["checks"]), (&json!("active"), &last["integration"]["checks"]));
    let accepted = lab
        .request(reqwest::Method::POST, &format!("{path}/verify"))
        .header("accept", "application/x-ndjson")
        .send()
        .await
        .unwrap();
    assert_eq!(accepted.headers()["content-type"], "application/x-ndjson");

    stub.account().role_policy = json!({"Statement": []});
    let whole = lab.post(&format!("{path}/verify"), json!({})).await.json();
    let last = whole["checks"].as_array().and_then(|checks| checks.last()).expect("a line");
    assert_eq!((&whole["status"], &last["fault"]["code"]), (&json!("failed"), &json!("list_denied")));
    assert_eq!(last["fix"]["who"], "owner");
    assert_eq!(last["fix"]["documents"][0]["document"], made["policy_document"]);
    assert!(
        last["fix"]["commands"][0].as_str().is_some_and(|command| command.contains("aws iam create-policy"))
    );
    assert!(whole["drift"].as_str().is_some_and(|drift| drift.contains("well until")), "{whole:#}");
}
