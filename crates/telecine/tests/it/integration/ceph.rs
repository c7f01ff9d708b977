//! Another real store that reads external ids and never compares them, and that does not say its name.

use std::process::Command;

use aws_sdk_s3::config::Credentials;
use aws_sdk_s3::primitives::ByteStream;
use serde_json::Value;
use telecine::config::Config;
use telecine::fault::Code;
use telecine::integration::{IntegrationStatus, NewIntegration};

use super::{Desk, failed};
use crate::support::servers::{Servers, client, venv_program};

/// Two roles of the customer's that name the platform: one that is open, one with a condition on the external id.
const ROLES: &str = r#"
import json, sys, boto3
endpoint, key, secret = sys.argv[1:]
iam = boto3.client("iam", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id=key, aws_secret_access_key=secret)
# A space would come as a plus sign, which it does not decode.
compact = lambda document: json.dumps(document, separators=(",", ":"))
policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:ListBucket", "s3:GetObject"],
    "Resource": ["arn:aws:s3:::films", "arn:aws:s3:::films/*"]}]}
for name, condition in (("Open", {}), ("Closed", {"Condition": {"StringEquals": {"sts:ExternalId": "id"}}})):
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"AWS": "arn:aws:iam::999999999999:user/platform"}, **condition}]}
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=compact(trust))
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=compact(policy))
"#;

#[tokio::test]
async fn ceph_is_told_to_ignore_external_ids_and_not_to_know_its_callers() {
    let servers = Servers::start(&["ceph"]);
    let fact = |name: &str| servers.fact("ceph", name);
    let endpoint = fact("endpoint");
    let (key, secret) = (fact("customer_access_key_id"), fact("customer_secret_access_key"));
    let owner = client(&endpoint, Credentials::new(&key, &secret, None, None, "test"));
    owner.create_bucket().bucket("films").send().await.expect("a bucket");
    let put = owner.put_object().bucket("films").key("film.mp4").body(ByteStream::from_static(b"film"));
    put.send().await.expect("an object");
    let mut roles = Command::new(venv_program("python"));
    let made = roles.args(["-c", ROLES, &endpoint, &key, &secret]).output().expect("Python runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));

    let platform = (fact("platform_access_key_id"), fact("platform_secret_access_key"));
    let role = |name: &str| format!("arn:aws:iam::123456789012:role/{name}");
    let new = |bucket: &str, name: &str| NewIntegration {
        bucket: bucket.to_owned(),
        role_arn: Some(role(name)),
        ..NewIntegration::default()
    };
    let mut config = Config::default();
    config.aws.endpoint_url = Some(endpoint);
    config.aws.propagation_wait_s = 0;
    let desk = Desk::new(config.clone(), |opener| opener.credentials(&platform.0, &platform.1)).await;
    let nameless = desk.integrations().create(desk.workspace, new("films", "Open")).await.expect("made");
    let verified = desk.verify(&nameless).await;
    assert_eq!(failed(&verified), ("identity", Some(Code::ServerHasNoIdentity)), "{verified:#?}");
    let fix = verified.checks.last().and_then(|check| check.fix.clone()).expect("a fix");
    assert!(matches!(fix.settings.get("aws.principal_arn"), Some(Value::String(_))), "{fix:#?}");

    // As the fix says.
    config.aws.principal_arn = Some("arn:aws:iam::999999999999:user/platform".to_owned());
    let mut desk = Desk::new(config, |opener| opener.credentials(&platform.0, &platform.1)).await;
    let open = desk.integrations().create(desk.workspace, new("films", "Open")).await.expect("made");
    let verified = desk.verify(&open).await;
    assert_eq!(failed(&verified), ("without_external_id", Some(Code::ExternalIdIgnored)), "{verified:#?}");
    let closed =
        desk.integrations().create(desk.workspace, new("films/2024/", "Closed")).await.expect("made");
    let verified = desk.verify(&closed).await;
    assert_eq!(failed(&verified), ("assume_role", Some(Code::ExternalIdIgnored)), "{verified:#?}");

    desk.config.integrations.insecure_roles = vec![role("Open")];
    let accepted = desk.verify(&open).await;
    assert_eq!(accepted.status, IntegrationStatus::Degraded, "{accepted:#?}");
}
