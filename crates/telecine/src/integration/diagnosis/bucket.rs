//! The bucket: why it cannot be found, listed or read.

use serde_json::json;

use super::denial::{Decider, Denial};
use super::{Finding, Scene, access, finding, reach};
use crate::fault::Code;
use crate::integration::apply::quoted;
use crate::integration::fix::{Fix, FixBy};
use crate::integration::{Provider, S3Access, S3Credentials};
use crate::source::{SourceError, SourceErrorKind, StoreWords};

/// What was tried beside, to tell causes apart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::integration) struct Clues {
    /// Whether the region may be asked for, which a policy for this bucket allows.
    pub(in crate::integration) may_locate: Option<bool>,
    /// Whether it works when nobody asks whose the bucket is.
    pub(in crate::integration) works_for_any_owner: bool,
    /// Whether it works when this server's account pays.
    pub(in crate::integration) works_when_paid: bool,
}

/// What a refusal of the bucket means, where `denied` is the code of what may not be done and `action` what IAM calls it.
pub(in crate::integration) fn bucket(
    scene: &Scene<'_>,
    (denied, action): (Code, &str),
    error: &SourceError,
    clues: Clues,
) -> Finding {
    let words = StoreWords::parse(&error.detail);
    if let Some(found) = access::kms(scene, &words) {
        return found;
    }
    if let Some(found) = reach::finding_of(scene, error, &words) {
        return found;
    }
    match error.kind {
        SourceErrorKind::Credentials if error.operation == "AssumeRole" => super::role::role(scene, error),
        SourceErrorKind::Credentials => credentials(scene, &words),
        SourceErrorKind::NotFound => not_there(scene, &words),
        SourceErrorKind::Unsupported => elsewhere(scene, &words),
        SourceErrorKind::Archived => archived(scene, &words.message, &[]),
        SourceErrorKind::Changed | SourceErrorKind::Throttled | SourceErrorKind::Unavailable => {
            let fix = Fix::new(
                FixBy::Time,
                "The store's answers do not fit together.",
                "the store",
                &scene.again(),
            );
            finding(Code::SourceUnavailable, &words, fix)
        }
        SourceErrorKind::Denied => refused(scene, (denied, action), &words, clues),
    }
}

fn refused(scene: &Scene<'_>, (denied, action): (Code, &str), words: &StoreWords, clues: Clues) -> Finding {
    let again = scene.again();
    if words.status.is_none() && words.message.contains("integrations.own_credentials_for") {
        let scheme = scene.integration.provider.scheme().as_str();
        let address = format!("{scheme}://{}", scene.integration.bucket);
        let cause = format!("The operator does not lend the server's own credentials to {address} any more.");
        let fix =
            Fix::new(FixBy::Operator, cause, "integrations.own_credentials_for names the bucket", &again)
                .setting("integrations.own_credentials_for", vec![address]);
        return finding(Code::OwnCredentialsNotAllowed, words, fix);
    }
    if clues.works_for_any_owner {
        return other_owner(scene, words);
    }
    if clues.works_when_paid {
        let cause = "The bucket makes whoever asks pay for it (requester pays), and the integration does not say that \
                     this server's account may.";
        let fix = Fix::new(FixBy::You, cause, "requester_pays of the integration", &again)
            .change(json!({"requester_pays": true}));
        return finding(Code::RequesterPays, words, fix);
    }
    let denial = Denial::parse(&words.message);
    match (denial.by, denial.is_explicit) {
        (Some(Decider::Boundary), _) => access::boundary(scene, words, &denial, action),
        (Some(Decider::ServiceControl | Decider::ResourceControl), _) => {
            access::organization(scene, words, &denial, action)
        }
        (Some(Decider::Endpoint), _) => access::endpoint(scene, words, &denial, action),
        (Some(Decider::Resource), true) => access::bucket_policy_denies(scene, words, &denial, action),
        (Some(Decider::Identity), true) => access::own_policy_denies(scene, words, &denial, action),
        (Some(Decider::Resource), false) => access::bucket_policy_silent(scene, words, denied, action),
        _ => access::missing(scene, words, &denial, (denied, action), clues),
    }
}

fn other_owner(scene: &Scene<'_>, words: &StoreWords) -> Finding {
    let owner = match &scene.integration.provider {
        Provider::S3(S3Access { owner: Some(owner), .. }) => owner.as_str(),
        _ => "",
    };
    let bucket = &scene.integration.bucket;
    let cause = format!(
        "The bucket {bucket} belongs to another account than {owner}: the name was mistyped, or it was given up and taken \
         by somebody else."
    );
    let wrong = format!("the bucket's owner is the account {owner}");
    let fix = Fix::new(FixBy::You, cause, wrong, &scene.again()).commands([
        format!("aws s3api head-bucket --bucket {} --expected-bucket-owner {owner}", quoted(bucket)),
        format!("telecine integration add {} --account-id THE_OWNERS_ACCOUNT", quoted(bucket)),
    ]);
    finding(Code::BucketOtherOwner, words, fix)
}

fn credentials(scene: &Scene<'_>, words: &StoreWords) -> Finding {
    let again = scene.again();
    if words.message.contains("secret") && words.status.is_none() {
        let cause = "The stored secret of the integration cannot be read, or is gone.";
        let fix = Fix::new(FixBy::You, cause, "the secret of the integration", &again).commands([format!(
            "telecine integration edit {} --secret-file -",
            quoted(&scene.integration.bucket)
        )]);
        return finding(Code::SecretUnreadable, words, fix);
    }
    let is_of_a_key = match &scene.integration.provider {
        Provider::S3(access) => matches!(access.credentials, S3Credentials::Keys { .. }),
        _ => true,
    };
    if is_of_a_key {
        let cause = match words.code.as_deref() {
            Some("InvalidAccessKeyId" | "InvalidClientTokenId") => {
                "The access key is unknown to the store: it was deleted, switched off or mistyped."
            }
            Some("SignatureDoesNotMatch") => "The secret does not belong to the access key.",
            _ => "The store refuses the credentials of the integration.",
        };
        let fix =
            Fix::new(FixBy::You, cause, "access_key_id and secret_access_key of the integration", &again)
                .commands([format!(
                    "telecine integration edit {} --access-key-id ID --secret-file -",
                    quoted(&scene.integration.bucket)
                )]);
        return finding(Code::KeysRefused, words, fix);
    }
    let cause = "The store says that a session which was just begun has ended: its clock is wrong, or the role's sessions \
                 were revoked a moment ago.";
    let wrong = "the clock of the store; sessions of the role that are not revoked (AWSRevokeOlderSessions)";
    let mut fix = Fix::new(FixBy::Owner, cause, wrong, &again);
    if let Some(setup) = &scene.setup {
        fix = fix.commands([format!(
            "aws iam delete-role-policy --role-name {} --policy-name AWSRevokeOlderSessions",
            quoted(&setup.role_name)
        )]);
    }
    finding(Code::SessionExpired, words, fix)
}

fn not_there(scene: &Scene<'_>, words: &StoreWords) -> Finding {
    let bucket = &scene.integration.bucket;
    let cause = match (&scene.integration.provider, scene.was_well()) {
        (Provider::Folder { path }, _) => format!("There is no folder {}.", path.display()),
        (_, true) => format!("The bucket {bucket} was there before and is not any more: it was deleted."),
        (_, false) => format!("There is no bucket {bucket}: the name is mistyped, or it is not made yet."),
    };
    let mut fix = Fix::new(FixBy::Owner, cause, format!("a bucket of the name {bucket}"), &scene.again());
    if matches!(scene.integration.provider, Provider::S3(_)) {
        let region = scene.integration.region.as_deref().unwrap_or("us-east-1");
        let place = match region {
            "us-east-1" => String::new(),
            region => format!(" --create-bucket-configuration LocationConstraint={region}"),
        };
        fix = fix.commands([format!(
            "aws s3api create-bucket --bucket {} --region {region}{place}",
            quoted(bucket)
        )]);
    }
    finding(Code::BucketNotExists, words, fix)
}

fn elsewhere(scene: &Scene<'_>, words: &StoreWords) -> Finding {
    let again = scene.again();
    let is_elsewhere = matches!(words.status, Some(301 | 307))
        || matches!(
            words.code.as_deref(),
            Some("AuthorizationHeaderMalformed" | "PermanentRedirect" | "IllegalLocationConstraintException")
        );
    if is_elsewhere {
        let region = words.region.as_deref();
        let cause = format!(
            "The bucket lies in {}, and was asked for in {}.",
            region.unwrap_or("another region"),
            scene.integration.region.as_deref().unwrap_or("another one"),
        );
        let mut fix = Fix::new(FixBy::You, cause, "region of the integration", &again);
        if let Some(region) = region {
            fix = fix.change(json!({"region": region}));
        } else {
            let bucket = quoted(&scene.integration.bucket);
            fix = fix.commands([format!("aws s3api get-bucket-location --bucket {bucket}")]);
        }
        return finding(Code::BucketElsewhere, words, fix);
    }
    if words.status.is_some() {
        return reach::not_s3(scene, words);
    }
    let cause = format!("This server cannot reach the bucket as it is connected: {}.", words.message);
    let fix = Fix::new(FixBy::Operator, cause, "what the integration was made with", &again);
    finding(Code::SourceUnavailable, words, fix)
}

/// Nothing of what was looked at can be read before it is restored.
pub(in crate::integration) fn archived(scene: &Scene<'_>, detail: &str, keys: &[&str]) -> Finding {
    let words = StoreWords { message: detail.to_owned(), ..StoreWords::default() };
    let cause = "The objects are archived: they must be restored before anybody can read them.";
    let wrong = "the storage class of the objects (GLACIER, DEEP_ARCHIVE, or an archive tier)";
    let request = r#"'{"Days": 14, "GlacierJobParameters": {"Tier": "Standard"}}'"#;
    let bucket = quoted(&scene.integration.bucket);
    let commands = keys.iter().take(3).map(|key| {
        format!(
            "aws s3api restore-object --bucket {bucket} --key {} --restore-request {request}",
            quoted(key)
        )
    });
    let fix = Fix::new(FixBy::Owner, cause, wrong, &scene.again()).commands(commands);
    finding(Code::ObjectsArchived, &words, fix)
}

/// The clocks differ by so much.
pub(in crate::integration) fn clock(scene: &Scene<'_>, detail: &str) -> Finding {
    let words = StoreWords { message: detail.to_owned(), ..StoreWords::default() };
    reach::clock(scene, &words)
}
