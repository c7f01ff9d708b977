//! What a ministack enforces. The customer breaks the set-up with the AWS CLI and mends it by what the line says.

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::StorageClass;
use serde_json::{Value, json};
use telecine::config::Config;
use telecine::fault::Code;
use telecine::integration::{
    Fix, FixBy, Integration, IntegrationChange, IntegrationStatus, NewIntegration, RoleSetup, SetupFormat,
    setup_text,
};
use telecine::vault::Secret;

use super::{Row, apply_here, conclude, fix_of};
use crate::integration::{Desk, failed};
use crate::support::customer::Customer;
use crate::support::servers::{Accounts, CUSTOMER_ACCOUNT, Servers};

const BUCKET: &str = "films";

/// How a set-up is broken: another policy or trust policy, or what a script does.
enum Break {
    Policy(fn(&mut Value)),
    Trust(fn(&mut Value)),
    Script(&'static str),
    Platform(&'static str),
    Archive,
}

fn cases() -> Vec<(&'static str, Break, (&'static str, Code))> {
    use Break::{Archive, Platform, Policy, Script, Trust};
    let refused = ("assume_role", Code::RoleNotAssumable);
    vec![
        ("no role at all", Script(DELETE_ROLE), refused),
        ("the role was renamed", Script(RENAME_ROLE), refused),
        ("another principal", Trust(|t| principal(t, "arn:aws:iam::111111111111:root")), refused),
        (
            "another user of the right account",
            Trust(|t| principal(t, "arn:aws:iam::999999999999:user/another")),
            refused,
        ),
        (
            "another external id",
            Trust(|t| condition(t, json!({"StringEquals": {"sts:ExternalId": "another"}}))),
            refused,
        ),
        (
            "the id in another case of letters",
            Trust(|t| {
                let id = t["Statement"][0]["Condition"]["StringEquals"]["sts:ExternalId"]
                    .as_str()
                    .unwrap_or_default();
                let id = id.to_ascii_uppercase() + "X";
                condition(t, json!({"StringEquals": {"sts:ExternalId": id}}));
            }),
            refused,
        ),
        (
            "a trust policy for another action",
            Trust(|t| t["Statement"][0]["Action"] = "sts:AssumeRoleWithSAML".into()),
            refused,
        ),
        (
            "a trust policy that denies",
            Trust(|t| {
                let mut deny = t["Statement"][0].clone();
                deny["Effect"] = "Deny".into();
                deny["Sid"] = "No".into();
                t["Statement"].as_array_mut().expect("statements").push(deny);
            }),
            refused,
        ),
        (
            "no condition on the external id",
            Trust(|t| {
                t["Statement"][0].as_object_mut().expect("a statement").remove("Condition");
            }),
            ("without_external_id", Code::InsecureTrustPolicy),
        ),
        (
            "the id is required only if it is given",
            Trust(|t| {
                let id = t["Statement"][0]["Condition"]["StringEquals"]["sts:ExternalId"].clone();
                condition(t, json!({"StringEqualsIfExists": {"sts:ExternalId": id}}));
            }),
            ("without_external_id", Code::InsecureTrustPolicy),
        ),
        (
            "any external id will do",
            Trust(|t| condition(t, json!({"StringLike": {"sts:ExternalId": "*"}}))),
            ("wrong_external_id", Code::InsecureTrustPolicy),
        ),
        (
            "the policy is not attached",
            Script("aws iam detach-role-policy --role-name $ROLE --policy-arn $POLICY"),
            ("list", Code::ListDenied),
        ),
        (
            "no s3:ListBucket",
            Policy(|p| p["Statement"][0]["Action"] = "s3:GetBucketLocation".into()),
            ("list", Code::ListDenied),
        ),
        (
            "no s3:GetObject",
            Policy(|p| p["Statement"][1]["Action"] = "s3:GetObjectVersion".into()),
            ("read", Code::GetDenied),
        ),
        (
            "a policy for another bucket",
            Policy(|p| rewrite(p, ":::films", ":::other")),
            ("list", Code::ListDenied),
        ),
        (
            "a bucket with almost the same name",
            Policy(|p| rewrite(p, ":::films", ":::film")),
            ("list", Code::ListDenied),
        ),
        (
            "objects of another bucket",
            Policy(|p| p["Statement"][1]["Resource"] = "arn:aws:s3:::other/*".into()),
            ("read", Code::GetDenied),
        ),
        (
            "objects named as the bucket",
            Policy(|p| p["Statement"][1]["Resource"] = "arn:aws:s3:::films".into()),
            ("read", Code::GetDenied),
        ),
        (
            "listing below a prefix only",
            Policy(|p| {
                p["Statement"][0]["Condition"] = json!({"StringLike": {"s3:prefix": "2023/*"}});
            }),
            ("list", Code::ListDenied),
        ),
        (
            "reading below a prefix only",
            Policy(|p| p["Statement"][1]["Resource"] = "arn:aws:s3:::films/2023/*".into()),
            ("read", Code::GetDenied),
        ),
        (
            "a policy that denies reading",
            Policy(|p| {
                let deny =
                    json!({"Effect": "Deny", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::films/*"});
                p["Statement"].as_array_mut().expect("statements").push(deny);
            }),
            ("read", Code::ExplicitlyDenied),
        ),
        (
            "another policy of the role that denies",
            Script(
                "aws iam put-role-policy --role-name $ROLE --policy-name Guard --policy-document \
             '{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Deny\",\"Action\":\"s3:*\",\"Resource\":\"*\"}]}'",
            ),
            ("list", Code::ExplicitlyDenied),
        ),
        (
            "a bucket policy that denies listing",
            Script(
                "aws s3api put-bucket-policy --bucket $BUCKET --policy '{\"Version\":\"2012-10-17\",\"Statement\":[{\"Sid\":\
             \"Guard\",\"Effect\":\"Deny\",\"Principal\":\"*\",\"Action\":\"s3:List*\",\"Resource\":\"arn:aws:s3:::films\",\
             \"Condition\":{\"ArnNotEquals\":{\"aws:PrincipalArn\":[\"arn:aws:iam::123456789012:user/admin\"]}}}]}'",
            ),
            ("list", Code::ExplicitlyDenied),
        ),
        (
            "a bucket policy that denies reading",
            Script(
                "aws s3api put-bucket-policy --bucket $BUCKET --policy '{\"Version\":\"2012-10-17\",\"Statement\":[{\"Sid\":\
             \"Guard\",\"Effect\":\"Deny\",\"Principal\":\"*\",\"Action\":[\"s3:GetObject\"],\"Resource\":\
             \"arn:aws:s3:::films/*\",\"Condition\":{\"ArnNotEquals\":{\"aws:PrincipalArn\":\
             \"arn:aws:iam::123456789012:user/admin\"}}}]}'",
            ),
            ("read", Code::ExplicitlyDenied),
        ),
        (
            "this server may take no roles",
            Platform(
                "aws iam put-user-policy --user-name telecine --policy-name demo --policy-document \
             '{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"s3:*\",\"Resource\":\"*\"}]}'",
            ),
            ("assume_role", Code::ServerMayNotAssume),
        ),
        ("all objects are archived", Archive, ("archived", Code::ObjectsArchived)),
        (
            "the bucket was deleted",
            Script(
                "aws s3 rm s3://$BUCKET --recursive >/dev/null && aws s3api delete-bucket --bucket $BUCKET",
            ),
            ("region", Code::BucketNotExists),
        ),
    ]
}

const DELETE_ROLE: &str = "aws iam detach-role-policy --role-name $ROLE --policy-arn $POLICY && aws iam delete-role --role-name $ROLE";
/// Roles cannot be renamed: another one is made.
const RENAME_ROLE: &str = "TRUST=$(aws iam get-role --role-name $ROLE --query Role.AssumeRolePolicyDocument) && \
     aws iam create-role --role-name Renamed --assume-role-policy-document \"$TRUST\" && \
     aws iam attach-role-policy --role-name Renamed --policy-arn $POLICY && \
     aws iam detach-role-policy --role-name $ROLE --policy-arn $POLICY && aws iam delete-role --role-name $ROLE";

fn principal(trust: &mut Value, arn: &str) {
    trust["Statement"][0]["Principal"]["AWS"] = arn.into();
}

fn condition(trust: &mut Value, condition: Value) {
    trust["Statement"][0]["Condition"] = condition;
}

fn rewrite(document: &mut Value, from: &str, to: &str) {
    *document = serde_json::from_str(&document.to_string().replace(from, to)).expect("JSON");
}

struct Stage {
    accounts: Accounts,
    desk: Desk,
    customer: Customer,
    /// Who administers the account of this server.
    platform: Customer,
    films: Client,
}

impl Stage {
    async fn set() -> (Self, Servers) {
        let servers = Servers::start(&["ministack"]);
        let accounts = Accounts::create(&servers, BUCKET);
        let mut config = Config::default();
        config.aws.endpoint_url = Some(accounts.endpoint.clone());
        config.aws.region = Some("us-west-2".to_owned());
        config.aws.propagation_wait_s = 0;
        let host = accounts.endpoint.trim_start_matches("http://").to_owned();
        config.urls.allow_private_hosts = vec![host];
        let key = accounts.credentials("platform");
        let desk =
            Desk::new(config, |opener| opener.credentials(key.access_key_id(), key.secret_access_key()))
                .await;
        let customer = Customer::start(&accounts.endpoint, &accounts.credentials("customer"));
        // On ministack an access key of twelve digits is the account's root.
        let root = aws_sdk_s3::config::Credentials::new("999999999999", "root", None, None, "test");
        let platform = Customer::start(&accounts.endpoint, &root);
        let films = accounts.client("customer");
        (Self { accounts, desk, customer, platform, films }, servers)
    }

    async fn put(&self, class: StorageClass) {
        let body = ByteStream::from_static(b"film");
        let put = self.films.put_object().bucket(BUCKET).key("film.mp4").body(body).storage_class(class);
        put.send().await.expect("it is put");
    }

    /// What was archived takes a while, here two seconds, at AWS hours.
    async fn wait_until_restored(&self) {
        for _ in 0..50 {
            let head = self.films.head_object().bucket(BUCKET).key("film.mp4").send().await.expect("a head");
            if head.restore().is_some_and(|told| told.contains("ongoing-request=\"false\"")) {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
        panic!("it was not restored");
    }

    async fn setup(&self, integration: &Integration) -> RoleSetup {
        let trust = self.desk.integrations().trust_document(integration).await.expect("a trust document");
        RoleSetup::of(integration, &trust).expect("it takes a role")
    }

    async fn break_by(&mut self, broken: &Break, setup: &RoleSetup) {
        let mut changed = setup.clone();
        match broken {
            Break::Policy(change) => change(&mut changed.policy),
            Break::Trust(change) => change(&mut changed.trust),
            Break::Archive => return self.put(StorageClass::Glacier).await,
            Break::Script(script) => {
                let names = format!("ROLE={} POLICY={} BUCKET={BUCKET}", setup.role_name, setup.policy_arn());
                self.customer.must(&format!("set -e; {}; {script}", names.replace(' ', "; ")));
                return;
            }
            Break::Platform(script) => {
                self.platform.must(script);
                return;
            }
        }
        // The policy, the role, and that one goes with the other: only what changes is written.
        let at = usize::from(matches!(broken, Break::Trust(_)));
        self.customer.must(&changed.commands()[at]);
    }

    /// Those whom it concerns do what the line says, and nothing else.
    async fn apply(&mut self, integration: &Integration, fix: &Fix) {
        apply_here(&mut self.desk, integration, fix).await;
        let who = if fix.who == FixBy::Operator { &mut self.platform } else { &mut self.customer };
        for command in &fix.commands {
            who.must(command);
        }
    }

    async fn run(
        &mut self,
        integration: &Integration,
        case: (&'static str, Break, (&'static str, Code)),
    ) -> Row {
        let (name, broken, wanted) = case;
        let setup = self.setup(integration).await;
        self.break_by(&broken, &setup).await;
        let verified = self.desk.verify(integration).await;
        assert_ne!(verified.status, IntegrationStatus::Active, "{name}: nothing is noticed");
        let (line, code) = failed(&verified);
        let (found, fix) = ((line.to_owned(), code), fix_of(&verified));
        self.apply(&verified, &fix).await;
        if found.1 == Some(Code::ObjectsArchived) {
            self.wait_until_restored().await;
        }
        let after = self.desk.verify(integration).await;
        let left = format!("{:?}", failed(&after));
        Row { name, wanted, found, after: after.status, left }
    }
}

/// Two halves, which run beside each other.
#[tokio::test]
async fn what_is_wrong_with_who_may_take_the_role_is_told_by_its_name_and_mended_by_what_is_said() {
    let (stage, _servers) = Stage::set().await;
    run(stage, cases().drain(..11).collect(), false).await;
}

#[tokio::test]
async fn what_is_wrong_with_what_it_may_do_is_told_by_its_name_and_mended_by_what_is_said() {
    let (stage, _servers) = Stage::set().await;
    run(stage, cases().drain(11..).collect(), true).await;
}

async fn run(mut stage: Stage, cases: Vec<(&'static str, Break, (&'static str, Code))>, with_keys: bool) {
    stage.put(StorageClass::Standard).await;
    let new = NewIntegration {
        bucket: BUCKET.to_owned(),
        account_id: Some(CUSTOMER_ACCOUNT.to_owned()),
        ..NewIntegration::default()
    };
    let integration = stage.desk.integrations().create(stage.desk.workspace, new).await.expect("it is made");
    let script = setup_text(&stage.setup(&integration).await, SetupFormat::Cli).0;
    let mut rows = Vec::new();
    for case in cases {
        // Every case begins where all is well. Mostly the remedy of the one before has seen to that.
        if rows.last().is_none_or(|row: &Row| !row.is_green()) {
            let script = format!("{script}\naws s3api delete-bucket-policy --bucket {BUCKET} || true");
            stage.customer.must(&script);
            let before = stage.desk.verify(&integration).await;
            assert_eq!(before.status, IntegrationStatus::Active, "before `{}`: {before:#?}", case.0);
        }
        rows.push(stage.run(&integration, case).await);
    }
    if with_keys {
        rows.extend(keys(&mut stage).await);
    }
    conclude(&rows);
}

/// Access keys in place of a role.
async fn keys(stage: &mut Stage) -> Vec<Row> {
    stage.customer.run(
        "aws s3api create-bucket --bucket films --create-bucket-configuration LocationConstraint=us-west-2",
    );
    stage.put(StorageClass::Standard).await;
    stage.customer.must("aws iam create-user --user-name alice");
    let text = stage.customer.must("aws iam create-access-key --user-name alice --output json");
    let key: Value = serde_json::from_str(&text).expect("JSON");
    let key = |name: &str| key["AccessKey"][name].as_str().expect("a text").to_owned();
    let (id, secret) = (key("AccessKeyId"), key("SecretAccessKey"));
    let good = IntegrationChange {
        access_key_id: Some(id.clone()),
        secret_access_key: Some(Secret::new(&secret)),
        ..IntegrationChange::default()
    };
    let table = [
        ("a key of a user without a policy", id.clone(), secret.clone(), ("list", Code::ListDenied)),
        (
            "a key that is unknown",
            "AKIAUNKNOWNUNKNOWN00".to_owned(),
            secret.clone(),
            ("list", Code::KeysRefused),
        ),
        ("a secret of another key", id.clone(), "another".to_owned(), ("list", Code::KeysRefused)),
        ("a key that was switched off", id.clone(), secret.clone(), ("list", Code::KeysRefused)),
    ];
    let mut rows = Vec::new();
    for (number, (name, access_key_id, secret, wanted)) in table.into_iter().enumerate() {
        let new = NewIntegration {
            provider: "s3_compatible".to_owned(),
            bucket: format!("{BUCKET}/{}", ["f", "fi", "fil", "film"][number]),
            endpoint_url: Some(stage.accounts.endpoint.clone()),
            region: Some("us-west-2".to_owned()),
            access_key_id: Some(access_key_id),
            secret_access_key: Some(Secret::new(secret)),
            ..NewIntegration::default()
        };
        let desk = &stage.desk;
        let integration = desk.integrations().create(desk.workspace, new).await.expect("it is made");
        let switch = |to: &str| {
            format!("aws iam update-access-key --user-name alice --access-key-id {id} --status {to}")
        };
        if name.contains("switched off") {
            stage.customer.must(&switch("Inactive"));
        }
        let verified = stage.desk.verify(&integration).await;
        let (line, code) = failed(&verified);
        let (found, fix) = ((line.to_owned(), code), fix_of(&verified));
        if fix.wrong.contains("access_key_id and secret_access_key") {
            // Another key of the same user, as the line asks: here it is the same one, switched on.
            stage.customer.must(&switch("Active"));
            let desk = &stage.desk;
            desk.integrations().change(desk.workspace, integration.id, &good).await.expect("a change");
        } else {
            stage.apply(&verified, &fix).await;
        }
        let after = stage.desk.verify(&integration).await;
        let left = format!("{:?}", failed(&after));
        rows.push(Row { name, wanted, found, after: after.status, left });
    }
    rows
}
