//! A bucket in another account, behind a role: what is handed out is applied as it is, then broken in one place at a
//! time.

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use serde_json::{Value, json};
use telecine::config::Config;
use telecine::fault::Code;
use telecine::ids::{IndexId, WorkspaceId};
use telecine::integration::{
    CheckOutcome, Integration, IntegrationStatus, NewIntegration, POLICY_NAME, ROLE_NAME, Role, SyncReport,
    SyncTrigger, policy_document,
};
use telecine::source::Sources;
use telecine::time::Timestamp;

use super::{Desk, failed, lines};
use crate::support::servers::{Accounts, CUSTOMER_ACCOUNT, Servers};

pub(super) const BUCKET: &str = "films";

pub(super) fn new(bucket: &str) -> NewIntegration {
    let account_id = Some(CUSTOMER_ACCOUNT.to_owned());
    NewIntegration { bucket: bucket.to_owned(), account_id, ..NewIntegration::default() }
}

pub(super) async fn put(client: &Client, key: &str, text: &'static str) {
    let put = client.put_object().bucket(BUCKET).key(key).body(ByteStream::from_static(text.as_bytes()));
    put.send().await.expect("it is put");
}

pub(super) async fn desk(accounts: &Accounts) -> Desk {
    let mut config = Config::default();
    config.aws.endpoint_url = Some(accounts.endpoint.clone());
    config.aws.region = Some("us-west-2".to_owned());
    config.aws.propagation_wait_s = 0;
    let key = accounts.credentials("platform");
    Desk::new(config, |opener| opener.credentials(key.access_key_id(), key.secret_access_key())).await
}

/// Policy and trust document as they are handed out.
pub(super) async fn documents(desk: &Desk, integration: &Integration) -> (Value, Value) {
    let trust = desk.integrations().trust_document(integration).await.expect("a trust document");
    (policy_document(integration), trust)
}

#[tokio::test]
async fn a_bucket_of_another_account_is_connected_verified_listed_and_its_manifest_written() {
    let servers = Servers::start(&["ministack"]);
    let accounts = Accounts::create(&servers, BUCKET);
    let customer = accounts.client("customer");
    let desk = desk(&accounts).await;
    let integrations = desk.integrations();

    let made = integrations.create(desk.workspace, new("s3://films/")).await.expect("it is made");
    let Role { arn: role_arn, external_id, .. } = made.provider.role().expect("it takes a role");
    assert_eq!((made.bucket.as_str(), made.status), (BUCKET, IntegrationStatus::Pending));
    assert_eq!(role_arn, &format!("arn:aws:iam::{CUSTOMER_ACCOUNT}:role/{ROLE_NAME}"));
    let version = uuid_version(external_id);
    assert_eq!(version, Some('4'), "{external_id}");
    let (policy, trust) = documents(&desk, &made).await;
    insta::assert_json_snapshot!("policy", policy);
    insta::assert_json_snapshot!("trust", trust, {
        ".Statement[].Condition.StringEquals[\"sts:ExternalId\"]" => "[the integration's]"
    });
    let statement = &trust["Statement"][0];
    assert_eq!(statement["Principal"]["AWS"], accounts.platform_arn());
    assert_eq!(statement["Condition"]["StringEquals"]["sts:ExternalId"], external_id.as_str());

    let early = desk.verify(&made).await;
    assert_eq!(failed(&early), ("assume_role", Some(Code::RoleNotAssumable)));
    assert_eq!(lines(&early).len(), 2, "nothing after it is tried");
    assert_eq!(early.status, IntegrationStatus::Failed);

    accounts.apply(&policy, &trust, POLICY_NAME, ROLE_NAME);
    let empty = desk.verify(&made).await;
    assert_eq!(lines(&empty)[7], ("read", CheckOutcome::NotNeeded), "{empty:#?}");
    assert_eq!(empty.status, IntegrationStatus::Active, "an empty bucket is well");

    put(&customer, "a b+c%.mp4", "a").await;
    put(&customer, "deep//b.mov", "b").await;
    put(&customer, "notes.txt", "notes").await;
    let verified = desk.verify(&made).await;
    assert_eq!(
        lines(&verified),
        [
            ("identity", CheckOutcome::Ok),
            ("assume_role", CheckOutcome::Ok),
            ("without_external_id", CheckOutcome::Ok),
            ("wrong_external_id", CheckOutcome::Ok),
            ("region", CheckOutcome::Ok),
            ("list", CheckOutcome::Ok),
            ("owner", CheckOutcome::Ok),
            ("read", CheckOutcome::Ok),
            ("head", CheckOutcome::Ok),
            ("kms", CheckOutcome::NotNeeded),
            ("archived", CheckOutcome::Ok),
            ("requester_pays", CheckOutcome::NotNeeded),
            ("clock", CheckOutcome::Ok),
        ],
        "{verified:#?}"
    );
    assert_eq!((verified.status, verified.region.as_deref()), (IntegrationStatus::Active, Some("us-west-2")));

    let sync = async || {
        let report = desk.integrations().synchronize(desk.workspace, made.id, SyncTrigger::Manual).await;
        report.expect("a listing").expect("it is there")
    };
    assert_eq!(sync().await, SyncReport { items: 3, videos: 2, added: 3, changed: 0, removed: 0 });
    assert_eq!(sync().await, SyncReport { items: 3, videos: 2, added: 0, changed: 0, removed: 0 });
    let index = IndexId::generate(Timestamp::from_millis(0));
    let (text, objects) = desk.manifest(&verified, index).await;
    assert_eq!(objects, ["s3://films/a b+c%.mp4", "s3://films/deep//b.mov"]);
    assert_eq!(text.lines().count(), 4, "a line for each, for those who edit it:\n{text}");

    put(&customer, "deep//b.mov", "another b").await;
    put(&customer, "new.webm", "c").await;
    put(&customer, "new.srt", "c").await;
    customer.delete_object().bucket(BUCKET).key("a b+c%.mp4").send().await.expect("it is removed");
    assert_eq!(sync().await, SyncReport { items: 4, videos: 2, added: 2, changed: 1, removed: 1 });
    let (_, objects) = desk.manifest(&verified, index).await;
    assert_eq!(objects, ["s3://films/deep//b.mov", "s3://films/new.webm"]);

    let stranger = WorkspaceId::generate(desk.clock.now());
    let theirs = integrations.verify(stranger, made.id, None).await.expect("no failure");
    assert_eq!(theirs, None, "another workspace does not see it");
    let second = integrations.create(desk.workspace, new(BUCKET)).await.expect_err("it is connected");
    assert_eq!(second.as_fault().map(|fault| fault.code), Some(Code::IntegrationAlreadyExists));
}

fn uuid_version(text: &str) -> Option<char> {
    let is_uuid = text.len() == 36 && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    text.chars().nth(14).filter(|_| is_uuid)
}

type Change = fn(&mut Value, &mut Value);

#[tokio::test]
async fn each_thing_that_is_not_as_it_should_be_is_told_by_its_name() {
    let servers = Servers::start(&["ministack"]);
    let accounts = Accounts::create(&servers, BUCKET);
    put(&accounts.client("customer"), "film.mp4", "film").await;
    let desk = desk(&accounts).await;
    let made = desk.integrations().create(desk.workspace, new(BUCKET)).await.expect("it is made");
    let (policy, trust) = documents(&desk, &made).await;

    let table: [(&str, Change, (&str, Code)); 8] = [
        (
            "no condition on the external id",
            |_, trust| {
                trust["Statement"][0].as_object_mut().expect("an object").remove("Condition");
            },
            ("without_external_id", Code::InsecureTrustPolicy),
        ),
        (
            "any external id will do",
            |_, trust| {
                trust["Statement"][0]["Condition"] = json!({"StringLike": {"sts:ExternalId": "*"}});
            },
            ("wrong_external_id", Code::InsecureTrustPolicy),
        ),
        (
            "another external id",
            |_, trust| {
                trust["Statement"][0]["Condition"] = json!({"StringEquals": {"sts:ExternalId": "another"}});
            },
            ("assume_role", Code::RoleNotAssumable),
        ),
        (
            "another principal",
            |_, trust| {
                trust["Statement"][0]["Principal"]["AWS"] = "arn:aws:iam::999999999999:user/another".into();
            },
            ("assume_role", Code::RoleNotAssumable),
        ),
        (
            "no s3:ListBucket",
            |policy, _| policy["Statement"][0]["Action"] = json!(["s3:GetBucketLocation"]),
            ("list", Code::ListDenied),
        ),
        (
            "no s3:GetObject",
            |policy, _| policy["Statement"][1]["Action"] = json!(["s3:GetObjectVersion"]),
            ("read", Code::GetDenied),
        ),
        (
            "another bucket",
            |policy, _| {
                *policy =
                    serde_json::from_str(&policy.to_string().replace(":::films", ":::other")).expect("JSON");
            },
            ("list", Code::ListDenied),
        ),
        (
            "a policy that denies",
            |policy, _| {
                let deny =
                    json!({"Effect": "Deny", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::films/*"});
                policy["Statement"].as_array_mut().expect("an array").push(deny);
            },
            ("read", Code::ExplicitlyDenied),
        ),
    ];
    for (name, change, (line, code)) in table {
        let (mut policy, mut trust) = (policy.clone(), trust.clone());
        change(&mut policy, &mut trust);
        accounts.apply(&policy, &trust, POLICY_NAME, ROLE_NAME);
        let verified = desk.verify(&made).await;
        assert_eq!(failed(&verified), (line, Some(code)), "{name}: {verified:#?}");
        assert_eq!(verified.status, IntegrationStatus::Failed, "{name}");
        let fault = verified.checks.last().and_then(|check| check.fault.as_ref()).expect("a fault");
        assert!(fault.remedy.is_some() && fault.value.is_some(), "{name}: {fault}");
    }
    accounts.apply(&policy, &trust, POLICY_NAME, ROLE_NAME);
    let mended = desk.verify(&made).await;
    assert_eq!(mended.status, IntegrationStatus::Active, "{mended:#?}");

    // A source that is open goes on with its session; what is forbidden meanwhile is refused at once.
    let source = desk.sources.open(&mended).await.expect("a source");
    source.head("film.mp4").await.expect("it may be read");

    let unknown_role = NewIntegration { role_name: Some("NoSuchRole".to_owned()), ..new("other-films") };
    let made = desk.integrations().create(desk.workspace, unknown_role).await.expect("it is made");
    let verified = desk.verify(&made).await;
    assert_eq!(failed(&verified), ("assume_role", Some(Code::RoleNotAssumable)));

    let made = desk.integrations().create(desk.workspace, new("no-such-bucket")).await.expect("it is made");
    let (policy, trust) = documents(&desk, &made).await;
    let role_name = made.provider.role().and_then(|role| role.arn.rsplit('/').next()).expect("a role");
    assert_ne!(
        role_name, ROLE_NAME,
        "a trust policy is for one external id: the second integration has its own role"
    );
    accounts.apply(&policy, &trust, "another-policy", role_name);
    let verified = desk.verify(&made).await;
    assert_eq!(failed(&verified), ("region", Some(Code::BucketNotExists)), "{verified:#?}");
}

#[tokio::test]
async fn a_verification_waits_until_new_roles_are_known() {
    let servers = Servers::start(&["ministack"]);
    let accounts = Accounts::create(&servers, BUCKET);
    let mut desk = desk(&accounts).await;
    desk.config.aws.propagation_wait_s = 30;
    let made = desk.integrations().create(desk.workspace, new(BUCKET)).await.expect("it is made");
    let (policy, trust) = documents(&desk, &made).await;
    let applying = tokio::task::spawn_blocking(move || {
        std::thread::sleep(Duration::from_secs(1));
        accounts.apply(&policy, &trust, POLICY_NAME, ROLE_NAME);
    });
    let verified = desk.verify(&made).await;
    applying.await.expect("it was applied");
    assert_eq!(verified.status, IntegrationStatus::Active, "{verified:#?}");
}
