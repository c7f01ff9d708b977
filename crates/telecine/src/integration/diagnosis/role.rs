//! Taking the role: who this server is, why the role is refused, and what it means when it is not refused enough.

use super::denial::{Decider, Denial};
use super::{Finding, Scene, finding, reach};
use crate::fault::Code;
use crate::integration::apply::RoleSetup;
use crate::integration::fix::{Fix, FixBy};
use crate::source::{SourceError, StoreWords};

/// Stores that read an external id and never compare it, by what they call themselves.
const IGNORING_IDS: [&str; 3] = ["seaweedfs", "ceph", "radosgw"];

/// This server does not know who it is.
pub(in crate::integration) fn identity(scene: &Scene<'_>, error: &SourceError) -> Finding {
    let words = StoreWords::parse(&error.detail);
    if let Some(found) = reach::finding_of(scene, error, &words) {
        return found;
    }
    let again = scene.again();
    // Ceph's answer to what it does not know has no code that clients find.
    if !scene.is_aws() && matches!(words.status, Some(405 | 501)) {
        let cause = "The store at aws.endpoint_url does not tell who its callers are.";
        let wrong = "the setting aws.principal_arn says whom trust policies name";
        let fix = Fix::new(FixBy::Operator, cause, wrong, &again)
            .setting("aws.principal_arn", "arn:aws:iam::THE_SERVERS_ACCOUNT:user/THE_SERVERS_USER");
        return finding(Code::ServerHasNoIdentity, &words, fix);
    }
    let cause = match words.code.as_deref() {
        Some(
            "InvalidClientTokenId"
            | "InvalidAccessKeyId"
            | "SignatureDoesNotMatch"
            | "UnrecognizedClientException",
        ) => {
            "The server's own AWS credentials are refused: the key is unknown, inactive, or its secret is another one."
        }
        Some("ExpiredToken" | "ExpiredTokenException") => "The server's own AWS session has ended.",
        Some("AccessDenied") => "The server's own identity may not even ask who it is.",
        _ => "The server has no AWS credentials of its own, or they do not work.",
    };
    let wrong =
        "the server needs AWS credentials of its own to take roles (environment, profile or instance role)";
    let fix = Fix::new(FixBy::Operator, cause, wrong, &again)
        .commands(["aws sts get-caller-identity   # as the server's user: it must answer".to_owned()]);
    finding(Code::ServerHasNoIdentity, &words, fix)
}

/// The role is refused with the right external id.
pub(in crate::integration) fn role(scene: &Scene<'_>, error: &SourceError) -> Finding {
    let words = StoreWords::parse(&error.detail);
    if let Some(found) = reach::finding_of(scene, error, &words) {
        return found;
    }
    let (again, role) = (scene.again(), scene.role());
    let arn = role.map_or("", |role| role.arn.as_str());
    let denial = Denial::parse(&words.message);
    match words.code.as_deref() {
        Some("RegionDisabledException") => {
            let cause = "STS is not switched on in the region that this server asks.";
            let fix = Fix::new(
                FixBy::Operator,
                cause,
                "the setting aws.region names a region whose STS is on",
                &again,
            )
            .setting("aws.region", "us-east-1");
            return finding(Code::RoleNotAssumable, &words, fix);
        }
        Some(
            "ExpiredToken" | "ExpiredTokenException" | "InvalidClientTokenId" | "UnrecognizedClientException",
        ) => {
            return identity(scene, error);
        }
        Some("ValidationError") if words.message.contains("MaxSessionDuration") => {
            let cause = format!("The role {arn} does not allow sessions of an hour.");
            let name = scene.setup.as_ref().map_or("", |setup| setup.role_name.as_str());
            let fix = Fix::new(
                FixBy::Owner,
                cause,
                "MaxSessionDuration of the role is at least 3600 seconds",
                &again,
            )
            .commands([format!("aws iam update-role --role-name {name} --max-session-duration 3600")]);
            return finding(Code::RoleNotAssumable, &words, fix);
        }
        _ => {}
    }
    if denial.by == Some(Decider::Identity) || (denial.is_explicit && denial.by != Some(Decider::RoleTrust)) {
        return may_not_assume(scene, &words, &denial, arn);
    }
    let Some(setup) = &scene.setup else {
        let fix = Fix::new(FixBy::Owner, "The role is refused.", "the role's trust policy", &again);
        return finding(Code::RoleNotAssumable, &words, fix);
    };
    if ignores_ids(scene) {
        return without_condition(scene, setup, &words);
    }
    let name = &setup.role_name;
    let cause = if scene.was_well() {
        format!(
            "The role {name} could be taken before and cannot any more: it was deleted or renamed, or its trust policy \
             was changed."
        )
    } else {
        format!(
            "The role {arn} is not there yet, or has another name or path; or its trust policy names another principal \
             than {} or another external id than {} (AWS does not tell which).",
            setup.principal_arn, setup.external_id,
        )
    };
    let wrong = format!("the role {name} exists in account {} with this trust policy", setup.account_id);
    let fix = Fix::new(FixBy::Owner, cause, wrong, &again)
        .paste(scene.trust_paste(setup))
        .paste(scene.policy_paste(setup))
        .commands(setup.commands());
    finding(Code::RoleNotAssumable, &words, fix)
}

/// Our own side forbids it.
fn may_not_assume(scene: &Scene<'_>, words: &StoreWords, denial: &Denial, arn: &str) -> Finding {
    let again = scene.again();
    let whose = match denial.by {
        Some(Decider::ServiceControl | Decider::ResourceControl) => "A policy of an organization",
        Some(Decider::Boundary) => "The permissions boundary of the server's own identity",
        Some(Decider::Endpoint) => "The policy of the server's VPC endpoint for STS",
        _ => "The server's own identity",
    };
    let how = if denial.is_explicit { "forbids" } else { "does not allow" };
    let cause = format!("{whose} {how} to take the role {arn}: the role itself was not even asked.");
    let statement = serde_json::json!({"Version": "2012-10-17", "Statement": [{
        "Sid": "TelecineTakesRoles", "Effect": "Allow", "Action": "sts:AssumeRole", "Resource": arn,
    }]});
    let mut fix =
        Fix::new(FixBy::Operator, cause, format!("sts:AssumeRole on {arn} for this server"), &again).paste(
            crate::integration::fix::Paste {
                kind: crate::integration::fix::PasteKind::Policy,
                name: "TelecineTakesRoles".to_owned(),
                place: "IAM, the user or role of the server, Add permissions, Create inline policy, JSON"
                    .to_owned(),
                url: None,
                document: statement.clone(),
                replaces: false,
            },
        );
    if let Some(user) = denial.user_name() {
        let document = crate::integration::apply::quoted(&statement.to_string());
        let command = format!(
            "aws iam put-user-policy --user-name {user} --policy-name TelecineTakesRoles --policy-document {document}"
        );
        fix = fix.commands([command]);
    }
    finding(Code::ServerMayNotAssume, words, fix)
}

fn ignores_ids(scene: &Scene<'_>) -> bool {
    let name = scene.store_name.as_deref().unwrap_or_default().to_ascii_lowercase();
    !scene.is_aws() && IGNORING_IDS.iter().any(|known| name.contains(known))
}

/// The store compares no external ids, so a condition on one is never met.
fn without_condition(scene: &Scene<'_>, setup: &RoleSetup, words: &StoreWords) -> Finding {
    let mut trust = setup.trust.clone();
    if let Some(statement) = trust["Statement"][0].as_object_mut() {
        statement.remove("Condition");
    }
    let store = scene.store_name.as_deref().unwrap_or_default();
    let cause = format!(
        "This store ({store}) compares no external ids: a trust policy with a condition on one is never met, and one \
         without it lets every customer of this server in. Or the role is not there."
    );
    let wrong = "the trust policy has no condition, and the operator answers for the role";
    let mut paste = scene.trust_paste(setup);
    paste.document = trust;
    let fix = Fix::new(FixBy::Operator, cause, wrong, &scene.again())
        .paste(paste)
        .setting("integrations.insecure_roles", vec![setup.role_arn.clone()]);
    finding(Code::ExternalIdIgnored, words, fix)
}

/// The role was taken without the right external id. `is_any` when with a wrong one too.
pub(in crate::integration) fn insecure(scene: &Scene<'_>, detail: &str) -> Finding {
    let words = StoreWords { message: detail.to_owned(), ..StoreWords::default() };
    let again = scene.again();
    let arn = scene.role().map_or("", |role| role.arn.as_str());
    if ignores_ids(scene) {
        let store = scene.store_name.as_deref().unwrap_or_default();
        let cause = format!(
            "This store ({store}) does not compare external ids: whoever has an API key of this server and knows the \
             role's name can have it taken."
        );
        let wrong = "the operator answers for the role, or this store is reached by an access key of its own";
        let fix = Fix::new(FixBy::Operator, cause, wrong, &again)
            .setting("integrations.insecure_roles", vec![arn.to_owned()]);
        return finding(Code::ExternalIdIgnored, &words, fix);
    }
    let cause = format!(
        "The trust policy of {arn} does not require the external id: every customer of this server who knows the \
         account's number could read the bucket."
    );
    let wrong = "Condition.StringEquals.\"sts:ExternalId\" of the trust policy is this integration's id";
    let mut fix = Fix::new(FixBy::Owner, cause, wrong, &again);
    if let Some(setup) = &scene.setup {
        fix = fix.paste(scene.trust_paste(setup)).commands(setup.trust_commands());
    }
    finding(Code::InsecureTrustPolicy, &words, fix)
}
