//! A real store that reads external ids and never compares them: that is found out and said, and only the operator can
//! accept it.

use aws_sdk_s3::config::Credentials;
use aws_sdk_s3::primitives::ByteStream;
use telecine::config::Config;
use telecine::fault::Code;
use telecine::integration::{CheckOutcome, FixBy, IntegrationStatus, NewIntegration, PasteKind};

use super::{Desk, failed, lines};
use crate::support::servers::{Servers, client};

#[tokio::test]
async fn a_store_that_ignores_external_ids_is_told_and_only_the_operator_accepts_it() {
    const SERVER: &str = "seaweedfs-roles";
    let servers = Servers::start(&[SERVER]);
    let fact = |name: &str| servers.fact(SERVER, name);
    let (endpoint, id, secret) = (fact("endpoint"), fact("access_key_id"), fact("secret_access_key"));
    let owner = client(&endpoint, Credentials::new(&id, &secret, None, None, "test"));
    owner.create_bucket().bucket("films").send().await.expect("a bucket");
    let put = owner.put_object().bucket("films").key("film.mp4").body(ByteStream::from_static(b"film"));
    put.send().await.expect("an object");
    let mut config = Config::default();
    config.aws.endpoint_url = Some(endpoint);
    config.aws.propagation_wait_s = 0;
    let mut desk = Desk::new(config, |opener| opener.credentials(&id, &secret)).await;
    let new = |bucket: &str, role: &str| NewIntegration {
        bucket: bucket.to_owned(),
        role_arn: Some(fact(role)),
        ..NewIntegration::default()
    };

    let open = desk.integrations().create(desk.workspace, new("films", "open_role")).await.expect("made");
    let verified = desk.verify(&open).await;
    assert_eq!(failed(&verified), ("without_external_id", Some(Code::ExternalIdIgnored)), "{verified:#?}");
    assert_eq!(verified.status, IntegrationStatus::Failed, "unsafe is not half safe");
    let fix = verified.checks.last().and_then(|check| check.fix.clone()).expect("a fix");
    assert_eq!(fix.who, FixBy::Operator);
    assert!(fix.cause.contains("SeaweedFS"), "{fix:#?}");
    assert_eq!(fix.settings["integrations.insecure_roles"][0], fact("open_role"));

    desk.config.integrations.insecure_roles = vec![fact("open_role")];
    let accepted = desk.verify(&open).await;
    assert_eq!(accepted.status, IntegrationStatus::Degraded, "{accepted:#?}");
    let all = lines(&accepted);
    assert!(all.contains(&("without_external_id", CheckOutcome::Warning)), "it is still said: {all:?}");
    assert!(all.contains(&("read", CheckOutcome::Ok)), "{all:?}");

    // With the condition of our trust policy, the store lets nobody in, us included.
    let closed =
        desk.integrations().create(desk.workspace, new("films/2024/", "closed_role")).await.expect("made");
    let verified = desk.verify(&closed).await;
    assert_eq!(failed(&verified), ("assume_role", Some(Code::ExternalIdIgnored)), "{verified:#?}");
    let fix = verified.checks.last().and_then(|check| check.fix.clone()).expect("a fix");
    let trust =
        fix.documents.iter().find(|paste| paste.kind == PasteKind::TrustPolicy).expect("a trust policy");
    assert!(trust.document["Statement"][0]["Condition"].is_null(), "{trust:#?}");
}
