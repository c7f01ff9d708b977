//! What no installable server enforces, on an account made of documents.

use std::sync::Arc;

use serde_json::json;
use telecine::config::Config;
use telecine::fault::Code;
use telecine::integration::{Fix, FixBy, Integration, NewIntegration, Provider, S3Access};
use telecine::source::{Opener, RetryPolicy};

use super::{Row, apply_here, conclude, fix_of};
use crate::integration::{Desk, failed};
use crate::support::account::{Account, AccountStub};
use crate::support::stub::{Reply, Stub};
use crate::support::vaults::vault;

struct Case {
    name: &'static str,
    breaks: fn(&mut Account),
    wanted: (&'static str, Code),
    set: fn(&mut Config),
}

fn case(name: &'static str, wanted: (&'static str, Code), breaks: fn(&mut Account)) -> Case {
    Case { name, breaks, wanted, set: |_| () }
}

fn cases() -> Vec<Case> {
    vec![
        case("objects with a KMS key that the policy does not name", ("kms", Code::KmsDenied), |a| {
            a.is_encrypted = true
        }),
        case("a KMS key whose own policy keeps the role out", ("kms", Code::KmsDenied), |a| {
            a.is_encrypted = true;
            a.key_policy = json!({"Statement": []});
        }),
        case("a KMS key that is switched off", ("kms", Code::KmsDenied), |a| {
            a.is_encrypted = true;
            a.key_is_enabled = false;
            a.role_policy["Statement"].as_array_mut().expect("statements").push(json!({
                "Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*",
            }));
        }),
        Case {
            set: |config| config.integrations.allow_requester_pays = true,
            ..case("requester pays", ("list", Code::RequesterPays), |a| a.requester_pays = true)
        },
        case("another region, told by no header", ("list", Code::BucketElsewhere), |a| {
            a.checks_region = true;
            a.tells_region = false;
        }),
        case("the bucket belongs to another account", ("list", Code::BucketOtherOwner), |a| {
            a.owner = "222222222222"
        }),
        case("clocks differ by an hour, seen by S3", ("clock", Code::ClockSkewed), |a| {
            a.clock_is_off_at = Some("s3")
        }),
        case("clocks differ, seen by STS", ("identity", Code::ClockSkewed), |a| {
            a.clock_is_off_at = Some("sts")
        }),
        case("sessions end at once", ("list", Code::SessionExpired), |a| a.sessions_are_revoked = true),
        case(
            "a service control policy that allows nothing of S3",
            ("list", Code::BlockedByOrganization),
            |a| {
                a.organization = json!({"Statement": []});
            },
        ),
        case("a service control policy that denies", ("list", Code::BlockedByOrganization), |a| {
            a.organization_denies = true;
        }),
        case("a resource control policy that denies", ("list", Code::BlockedByOrganization), |a| {
            a.organization_denies = true;
            a.is_resource_control = true;
        }),
        case("a VPC endpoint that lets other buckets pass", ("list", Code::BlockedByEndpointPolicy), |a| {
            a.endpoint_policy = json!({"Statement": [{
                "Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::other*",
            }]});
        }),
        case("a permissions boundary", ("list", Code::BlockedByBoundary), |a| a.has_boundary = true),
        case("a bucket of another account than the role's", ("list", Code::ListDenied), |a| {
            a.is_cross_account = true
        }),
        case("the store asks to go slower", ("list", Code::StoreThrottles), |a| a.throttles = true),
        case("the role allows sessions of half an hour", ("assume_role", Code::RoleNotAssumable), |a| {
            a.max_session_s = 1800;
        }),
        case("STS is off in the region", ("assume_role", Code::RoleNotAssumable), |a| {
            a.sts_is_off_in = Some("eu-west-1");
        }),
        case("the server's own key is unknown", ("identity", Code::ServerHasNoIdentity), |a| {
            a.good_key = "another-key";
        }),
        case("the trust policy has another external id", ("assume_role", Code::RoleNotAssumable), |a| {
            a.external_id = "another".to_owned();
        }),
    ]
}

async fn desk(url: &str, set: fn(&mut Config)) -> Desk {
    let mut config = Config::default();
    config.aws.endpoint_url = Some(url.to_owned());
    config.aws.region = Some("eu-west-1".to_owned());
    config.aws.propagation_wait_s = 0;
    set(&mut config);
    Desk::new(config, |opener| opener.credentials("base-key", "secret")).await
}

/// Settings are read at start.
fn reopen(desk: &mut Desk, key: &str) {
    let hasty = RetryPolicy { attempts: 1, ..RetryPolicy::default() };
    desk.sources =
        Opener::new(&desk.config, vault(), Arc::clone(&desk.clock)).credentials(key, "secret").retry(hasty);
}

async fn made(desk: &Desk) -> Integration {
    let new = NewIntegration {
        bucket: "films".to_owned(),
        account_id: Some("123456789012".to_owned()),
        region: Some("us-east-1".to_owned()),
        ..NewIntegration::default()
    };
    desk.integrations().create(desk.workspace, new).await.expect("it is made")
}

/// The account's people, the operator and the user do what is said.
async fn apply(desk: &mut Desk, stub: &AccountStub, integration: &Integration, fix: &Fix) {
    stub.account().apply(fix);
    if apply_here(desk, integration, fix).await {
        reopen(desk, "base-key");
    }
    if fix.wrong.contains("AWS credentials of its own") {
        // The operator gives the server the key that there is.
        let key = stub.account().good_key;
        reopen(desk, key);
    }
    if fix.who == FixBy::Time {
        stub.account().throttles = false;
    }
    if fix.wrong.contains("the bucket's owner is the account 123456789012") {
        // The bucket was given back, as the line asks: no statement and no setting of this account could do it.
        stub.account().owner = "123456789012";
    }
}

#[tokio::test]
async fn what_only_aws_enforces_is_told_by_its_name_and_mended_by_what_is_said() {
    let mut rows = Vec::new();
    for case in cases() {
        let stub = AccountStub::start(Account::default()).await;
        let mut desk = desk(&stub.url(), case.set).await;
        reopen(&mut desk, "base-key");
        let integration = made(&desk).await;
        {
            let mut account = stub.account();
            let role = integration.provider.role().expect("a role");
            account.external_id.clone_from(&role.external_id);
            account.role_policy = telecine::integration::policy_document(&integration);
        }
        let before = desk.verify(&integration).await;
        assert_eq!(failed(&before), ("none", None), "{}: all is well at first: {before:#?}", case.name);
        (case.breaks)(&mut stub.account());
        if case.name.contains("told by no header") {
            // As if the verification before had not been.
            let mut fresh = before.clone();
            fresh.region = Some("us-east-1".to_owned());
            use telecine::store::IntegrationStore as _;
            desk.store.update_integration(&fresh).await.expect("it is stored");
        }
        let broken = desk.verify(&integration).await;
        let (line, code) = failed(&broken);
        let fix = fix_of(&broken);
        apply(&mut desk, &stub, &broken, &fix).await;
        let after = desk.verify(&integration).await;
        let (left, what) = failed(&after);
        let left = format!("{left} {}", what.map_or("-", Code::as_str));
        rows.push(Row {
            name: case.name,
            wanted: case.wanted,
            found: (line.to_owned(), code),
            after: after.status,
            left,
        });
    }
    rows.extend(places().await);
    conclude(&rows);
}

/// Endpoints that are not what they should be: the operator gives the right one, as the line says.
async fn places() -> Vec<Row> {
    let good = AccountStub::start(Account::default()).await;
    let page = Stub::start(|_, asked| match asked.body.contains("Action=") {
        _ if asked.head.starts_with("HEAD") => Reply::new("200 OK", &[], ""),
        _ => Reply::new(
            "200 OK",
            &[("content-type", "text/html")],
            "<!doctype html><html><body>Console</body></html>",
        ),
    })
    .await;
    let silent = { Stub::start(|_, _| Reply::raw("")).await.url() };
    let table = [
        ("a web page where S3 should be", page.url(), Code::EndpointNotS3),
        ("nothing listens", silent, Code::EndpointUnreachable),
        ("no TLS where there should be", speaks_no_tls().await, Code::EndpointNoTls),
    ];
    let mut rows = Vec::new();
    for (name, url, code) in table {
        let mut desk = desk(&url, |_| ()).await;
        reopen(&mut desk, "base-key");
        let integration = made(&desk).await;
        let broken = desk.verify(&integration).await;
        let (line, found) = failed(&broken);
        let (line, fix) = (line.to_owned(), fix_of(&broken));
        assert!(fix.who == FixBy::Operator && fix.wrong.contains("aws.endpoint_url"), "{fix:#?}");
        desk.config.aws.endpoint_url = Some(good.url());
        reopen(&mut desk, "base-key");
        {
            let mut account = good.account();
            account.external_id.clone_from(&integration.provider.role().expect("a role").external_id);
            account.role_policy = telecine::integration::policy_document(&integration);
        }
        let after = desk.verify(&integration).await;
        let left = format!("{:?}", failed(&after));
        rows.push(Row { name, wanted: ("identity", code), found: (line, found), after: after.status, left });
    }
    rows
}

/// A server that answers a TLS greeting as servers of plain HTTP do.
async fn speaks_no_tls() -> String {
    use tokio::io::AsyncWriteExt;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("https://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            // Who goes away is the client's business.
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await;
        }
    });
    url
}

#[tokio::test]
async fn a_region_that_is_told_is_followed_without_a_word() {
    let stub = AccountStub::start(Account { checks_region: true, ..Account::default() }).await;
    let mut desk = desk(&stub.url(), |_| ()).await;
    reopen(&mut desk, "base-key");
    let integration = made(&desk).await;
    {
        let mut account = stub.account();
        account.external_id.clone_from(&integration.provider.role().expect("a role").external_id);
        account.role_policy = telecine::integration::policy_document(&integration);
    }
    let verified = desk.verify(&integration).await;
    assert_eq!(failed(&verified), ("none", None), "{verified:#?}");
    assert_eq!(verified.region.as_deref(), Some("eu-west-1"));
    // Every request names the account that must own the bucket, and the two probes were made without and with a wrong id.
    let asked = stub.asked();
    let of_s3 = asked.iter().filter(|asked| !asked.body.contains("Action="));
    assert!(of_s3.clone().count() >= 4);
    assert!(of_s3.clone().all(|asked| asked.header("x-amz-expected-bucket-owner") == Some("123456789012")));
    let Provider::S3(S3Access { owner, .. }) = &verified.provider else { panic!("a bucket of S3") };
    assert_eq!(owner.as_deref(), Some("123456789012"));
    let assumed: Vec<_> = asked.iter().filter(|asked| asked.body.contains("Action=AssumeRole")).collect();
    assert!(assumed.iter().any(|asked| !asked.body.contains("ExternalId=")), "once without an id");
}
