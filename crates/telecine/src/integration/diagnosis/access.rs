//! What is not allowed: which policy it is, and the statement that is missing in it or wrong.

use serde_json::{Value, json};

use super::bucket::Clues;
use super::denial::{Decider, Denial};
use super::{Finding, Scene, finding};
use crate::fault::Code;
use crate::integration::apply::{grant_text, quoted};
use crate::integration::documents::policy_document;
use crate::integration::fix::{Fix, FixBy, Paste, PasteKind};
use crate::integration::{Integration, POLICY_NAME, Provider, ROLE_NAME};
use crate::source::StoreWords;

/// The policy lacks it, or is not there: the whole policy mends either.
pub(super) fn missing(
    scene: &Scene<'_>,
    words: &StoreWords,
    denial: &Denial,
    (denied, action): (Code, &str),
    clues: Clues,
) -> Finding {
    let bucket = &scene.integration.bucket;
    let resource = resource_of(scene, action);
    let wrong = format!("{action} on {resource}");
    let Some(setup) = &scene.setup else {
        return missing_without_role(scene, words, denial, (denied, action));
    };
    let name = &setup.policy_name;
    let cause = match (action, clues.may_locate) {
        ("s3:ListBucket", Some(true)) if scene.integration.prefix.is_empty() => format!(
            "The role's policy knows the bucket {bucket}, but does not allow to list all of it: s3:ListBucket is missing, \
             or is allowed only below a prefix."
        ),
        ("s3:ListBucket", Some(true)) => format!(
            "The role's policy knows the bucket {bucket}, but does not allow to list it below {}: s3:ListBucket is \
             missing, or is allowed only below another prefix.",
            scene.integration.prefix
        ),
        ("s3:ListBucket", _) => format!(
            "No policy of the role is for the bucket {bucket}: {name} is not attached to the role, or names another \
             bucket; or the bucket belongs to another account than {}.",
            setup.account_id
        ),
        (action, _) => {
            format!(
                "The role's policy does not allow {action} on the objects of {bucket}, or only on others."
            )
        }
    };
    let fix = Fix::new(FixBy::Owner, cause, wrong, &scene.again())
        .paste(scene.policy_paste(setup))
        .commands(setup.policy_commands());
    finding(denied, words, fix)
}

fn missing_without_role(
    scene: &Scene<'_>,
    words: &StoreWords,
    denial: &Denial,
    (denied, action): (Code, &str),
) -> Finding {
    let wrong = format!("{action} on {}", resource_of(scene, action));
    let (who, cause) = match &scene.integration.provider {
        Provider::Folder { .. } => (
            FixBy::Operator,
            "The server's user may not read the folder, or it lies outside of those that the settings allow."
                .to_owned(),
        ),
        Provider::Urls { .. } => (FixBy::Owner, "The links are refused to this server.".to_owned()),
        _ => (
            FixBy::Owner,
            format!("The credentials of the integration may not do this with {}.", scene.integration.bucket),
        ),
    };
    let mut fix = Fix::new(who, cause, wrong, &scene.again());
    if let Provider::Folder { path } = &scene.integration.provider {
        fix = fix.setting("folders.roots", vec![path.display().to_string()]);
    }
    let policy = policy_document(scene.integration);
    if policy.is_object() {
        let user = denial.user_name();
        if let Some(user) = user {
            fix = fix.commands([format!(
                "aws iam put-user-policy --user-name {} --policy-name {POLICY_NAME} --policy-document {}",
                quoted(user),
                quoted(&policy.to_string()),
            )]);
        }
        fix = fix.paste(Paste {
            kind: PasteKind::Policy,
            name: POLICY_NAME.to_owned(),
            place: format!(
                "the policy of the user {} at the store; at AWS: IAM, Users, the user, Add permissions, Create inline \
                 policy, JSON",
                user.unwrap_or("whose key it is")
            ),
            url: None,
            document: policy,
            replaces: true,
        });
    } else {
        fix.cause =
            format!("{} {}", fix.cause, grant_text(scene.integration).lines().next().unwrap_or_default());
    }
    finding(denied, words, fix)
}

/// KMS said no, or the key is no good.
pub(super) fn kms(scene: &Scene<'_>, words: &StoreWords) -> Option<Finding> {
    let said = words.message.to_ascii_lowercase();
    let code = words.code.as_deref().unwrap_or_default();
    let is_kms =
        code.starts_with("KMS.") || said.contains("kms:") || said.contains("ciphertext refers to a customer");
    if !is_kms {
        return None;
    }
    let key = key_in(&words.message);
    let named = key.as_deref().unwrap_or("of the objects");
    let again = scene.again();
    if code.starts_with("KMS.") && (said.contains("disabled") || said.contains("pending deletion")) {
        let cause = format!(
            "The key {named} is switched off or about to be deleted: nobody can read what it encrypts."
        );
        let mut fix = Fix::new(FixBy::Owner, cause, format!("the state of the key {named}"), &again);
        if let Some(key) = &key {
            let region = key.split(':').nth(3).unwrap_or_default();
            fix = fix.commands([format!("aws kms enable-key --region {region} --key-id {key}")]);
        }
        return Some(finding(Code::KmsDenied, words, fix));
    }
    let Some(setup) = &scene.setup else {
        let cause = format!("The credentials may not decrypt with the key {named}.");
        let fix = Fix::new(FixBy::Owner, cause, format!("kms:Decrypt on {named}"), &again);
        return Some(finding(Code::KmsDenied, words, fix));
    };
    let denial = Denial::parse(&words.message);
    let cause = match denial.by {
        Some(Decider::Resource) => {
            format!("The policy of the key {named} does not let the role decrypt what it encrypts.")
        }
        _ => format!(
            "The objects are encrypted with the key {named}, and the role's policy does not allow kms:Decrypt on it."
        ),
    };
    let mut fix =
        Fix::new(FixBy::Owner, cause, format!("kms:Decrypt on {named} for {}", setup.role_arn), &again);
    let Some(key) = key else { return Some(finding(Code::KmsDenied, words, fix)) };
    // The policy that will be handed out once the integration knows its key.
    let mut with_key = Integration::clone(scene.integration);
    if let Provider::S3(access) = &mut with_key.provider {
        access.kms_key_arn = Some(key.clone());
    }
    let mut setup = setup.clone();
    setup.policy = policy_document(&with_key);
    fix = fix.paste(scene.policy_paste(&setup)).commands(setup.policy_commands());
    fix = fix.change(json!({"kms_key_arn": key}));
    let is_key_policy =
        denial.by == Some(Decider::Resource) || key.split(':').nth(4) != Some(setup.account_id.as_str());
    if is_key_policy {
        let statement = json!({
            "Sid": "TelecineDecrypts",
            "Effect": "Allow",
            "Principal": {"AWS": setup.role_arn},
            "Action": "kms:Decrypt",
            "Resource": "*",
        });
        let region = key.split(':').nth(3).unwrap_or_default();
        fix = fix.commands([format!(
            "KEY_POLICY=$(aws kms get-key-policy --region {region} --key-id {key} --policy-name default --query Policy \
             --output text | jq -c --argjson add {} '.Statement |= map(select(.Sid != \"TelecineDecrypts\")) + [$add]') &&\n\
             aws kms put-key-policy --region {region} --key-id {key} --policy-name default --policy \"$KEY_POLICY\"",
            quoted(&statement.to_string())
        )]);
        fix = fix.paste(Paste {
            kind: PasteKind::KeyPolicy,
            name: key.clone(),
            place: "KMS, Customer managed keys, the key, Key policy, Switch to policy view, Edit".to_owned(),
            url: None,
            document: statement,
            replaces: false,
        });
    }
    Some(finding(Code::KmsDenied, words, fix))
}

/// `arn:aws:kms:…:key/…` in a sentence.
fn key_in(message: &str) -> Option<String> {
    let at = message.find("arn:aws").filter(|_| message.contains(":kms:"))?;
    let arns = message[at..].split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',' | ')'));
    arns.map(|word| word.trim_end_matches('.')).find(|word| word.contains(":kms:")).map(str::to_owned)
}

pub(super) fn boundary(scene: &Scene<'_>, words: &StoreWords, _: &Denial, action: &str) -> Finding {
    let name = scene.setup.as_ref().map_or("", |setup| setup.role_name.as_str());
    let cause = format!(
        "The permissions boundary of the role {name} does not allow {action}, whatever its policy says."
    );
    let fix = Fix::new(
        FixBy::Owner,
        cause,
        format!("{action} in the permissions boundary of {name}, or no boundary"),
        &scene.again(),
    )
    .commands([format!("aws iam delete-role-permissions-boundary --role-name {}", quoted(name))]);
    finding(Code::BlockedByBoundary, words, fix)
}

pub(super) fn organization(scene: &Scene<'_>, words: &StoreWords, denial: &Denial, action: &str) -> Finding {
    let kind = match denial.by {
        Some(Decider::ResourceControl) => "resource control policy",
        _ => "service control policy",
    };
    let role = scene.role().map_or("", |role| role.arn.as_str());
    let how = if denial.is_explicit { "forbids" } else { "does not allow" };
    let cause = format!(
        "A {kind} of the owner's AWS organization {how} {action}: nothing in the account itself can change that."
    );
    let document = if denial.is_explicit {
        json!({"Condition": {"ArnNotEquals": {"aws:PrincipalArn": role}}})
    } else {
        json!({"Sid": "TelecineReads", "Effect": "Allow", "Action": actions(), "Resource": "*"})
    };
    let place = if denial.is_explicit {
        format!(
            "AWS Organizations, Policies, the {kind} whose statement denies {action}: add this condition to it"
        )
    } else {
        format!("AWS Organizations, Policies, the {kind} of the account: add this statement")
    };
    let fix =
        Fix::new(FixBy::Organization, cause, format!("{action} for {role} in the {kind}"), &scene.again())
            .paste(Paste {
                kind: PasteKind::OrganizationPolicy,
                name: kind.to_owned(),
                place,
                url: Some("https://console.aws.amazon.com/organizations/v2/home/policies".to_owned()),
                document,
                replaces: false,
            });
    finding(Code::BlockedByOrganization, words, fix)
}

pub(super) fn endpoint(scene: &Scene<'_>, words: &StoreWords, _: &Denial, action: &str) -> Finding {
    let bucket = scene.bucket_arn();
    let cause = format!(
        "The VPC endpoint through which this server reaches S3 does not let {action} on this bucket pass."
    );
    let statement = json!({
        "Sid": "TelecineReads", "Effect": "Allow", "Principal": "*", "Action": actions(),
        "Resource": [bucket, format!("{bucket}/*")],
    });
    let fix = Fix::new(
        FixBy::Operator,
        cause,
        format!("{action} on {bucket} in the policy of the VPC endpoint"),
        &scene.again(),
    )
    .paste(Paste {
        kind: PasteKind::EndpointPolicy,
        name: "of S3".to_owned(),
        place: "VPC, Endpoints, the endpoint of S3, Policy, Edit policy: add this statement".to_owned(),
        url: Some("https://console.aws.amazon.com/vpcconsole/home#Endpoints".to_owned()),
        document: statement,
        replaces: false,
    });
    finding(Code::BlockedByEndpointPolicy, words, fix)
}

fn actions() -> Value {
    json!(["s3:ListBucket", "s3:GetBucketLocation", "s3:GetObject", "s3:GetObjectVersion"])
}

/// A statement of the bucket's own policy forbids it: the role becomes an exception of that statement, and of no other.
pub(super) fn bucket_policy_denies(
    scene: &Scene<'_>,
    words: &StoreWords,
    denial: &Denial,
    action: &str,
) -> Finding {
    let (bucket, action) = (&scene.integration.bucket, denial.action.as_deref().unwrap_or(action));
    let who = exempt(scene, denial);
    let cause = format!(
        "A statement of the policy of the bucket {bucket} forbids {action}, which no other policy can allow."
    );
    let exception = json!({"Condition": {"ArnNotEquals": {"aws:PrincipalArn": who}}});
    // Statements that ask for encrypted connections stay as they are.
    let filter = concat!(
        r#".Statement |= map(if .Effect == "Deny" and (.Condition.Bool["aws:SecureTransport"]? == null) and "#,
        r#"([.Action] | flatten | any(. as $p | $p != null and ($action | test("^" + ($p | gsub("[*]"; ".*")) + "$"; "i")))) "#,
        r#"then .Condition.ArnNotEquals["aws:PrincipalArn"] |= ([.] | flatten | map(select(. != null)) + $who | unique) "#,
        r#"else . end)"#,
    );
    let name = quoted(bucket);
    let command = format!(
        "BUCKET_POLICY=$(aws s3api get-bucket-policy --bucket {name} --query Policy --output text |\n\
         jq -c --argjson who {} --arg action {action} {}) &&\n\
         aws s3api put-bucket-policy --bucket {name} --policy \"$BUCKET_POLICY\"",
        quoted(&json!(who).to_string()),
        quoted(filter),
    );
    let fix = Fix::new(FixBy::Owner, cause, format!("the statement with Effect Deny for {action} in the policy of {bucket}"), &scene.again())
        .paste(Paste {
            kind: PasteKind::BucketPolicy,
            name: bucket.clone(),
            place: format!(
                "S3, Buckets, {bucket}, Permissions, Bucket policy, Edit: in the statement that denies {action}, add this \
                 condition"
            ),
            url: Some(format!("https://console.aws.amazon.com/s3/buckets/{bucket}?tab=permissions")),
            document: exception,
            replaces: false,
        })
        .commands([command]);
    finding(Code::ExplicitlyDenied, words, fix)
}

/// Whom the exception is for: the role, and its sessions for stores that compare those.
fn exempt(scene: &Scene<'_>, denial: &Denial) -> Vec<String> {
    let Some(setup) = &scene.setup else { return denial.user.iter().cloned().collect() };
    let sessions =
        format!("arn:{}:sts::{}:assumed-role/{}/*", setup.partition, setup.account_id, setup.role_name);
    vec![setup.role_arn.clone(), sessions]
}

/// The bucket lies in another account than the role, and its own policy says nothing of the role.
pub(super) fn bucket_policy_silent(
    scene: &Scene<'_>,
    words: &StoreWords,
    denied: Code,
    action: &str,
) -> Finding {
    let (bucket, arn) = (&scene.integration.bucket, scene.bucket_arn());
    let role = scene.role().map_or_else(String::new, |role| role.arn.clone());
    let cause = format!(
        "The bucket {bucket} lies in another account than the role, and its own policy does not let the role in."
    );
    let statement = json!({
        "Sid": "TelecineReads", "Effect": "Allow", "Principal": {"AWS": role}, "Action": actions(),
        "Resource": [arn, format!("{arn}/*")],
    });
    let name = quoted(bucket);
    let command = format!(
        "BUCKET_POLICY=$( (aws s3api get-bucket-policy --bucket {name} --query Policy --output text || echo \
         '{{\"Version\":\"2012-10-17\",\"Statement\":[]}}') |\n\
         jq -c --argjson add {} '.Statement |= map(select(.Sid != \"TelecineReads\")) + [$add]') &&\n\
         aws s3api put-bucket-policy --bucket {name} --policy \"$BUCKET_POLICY\"",
        quoted(&statement.to_string())
    );
    let fix = Fix::new(
        FixBy::Owner,
        cause,
        format!("{action} for {role} in the policy of the bucket"),
        &scene.again(),
    )
    .paste(Paste {
        kind: PasteKind::BucketPolicy,
        name: bucket.clone(),
        place: format!("S3, Buckets, {bucket}, Permissions, Bucket policy, Edit: add this statement"),
        url: Some(format!("https://console.aws.amazon.com/s3/buckets/{bucket}?tab=permissions")),
        document: statement,
        replaces: false,
    })
    .commands([command]);
    finding(denied, words, fix)
}

/// A policy of the role itself forbids it. The usual role is Telecine's alone, so what else is attached can go.
pub(super) fn own_policy_denies(
    scene: &Scene<'_>,
    words: &StoreWords,
    denial: &Denial,
    action: &str,
) -> Finding {
    let action = denial.action.as_deref().unwrap_or(action);
    let cause = format!(
        "A statement in a policy of the role itself forbids {action}, which no other policy can allow."
    );
    let wrong = format!("a statement with Effect Deny for {action} in a policy of the role");
    let mut fix = Fix::new(FixBy::Owner, cause, wrong, &scene.again());
    let Some(setup) = &scene.setup else { return finding(Code::ExplicitlyDenied, words, fix) };
    let (role, own) = (quoted(&setup.role_name), setup.policy_arn());
    fix = fix.paste(scene.policy_paste(setup)).commands(setup.policy_commands());
    if setup.role_name.starts_with(ROLE_NAME) {
        fix = fix.commands([
            format!(
                "aws iam list-attached-role-policies --role-name {role} --output text \\\n\
                 \x20 --query \"AttachedPolicies[?PolicyArn!='{own}'].[PolicyArn]\" | while read -r arn; do\n\
                 \x20 aws iam detach-role-policy --role-name {role} --policy-arn \"$arn\"\ndone"
            ),
            format!(
                "aws iam list-role-policies --role-name {role} --output text --query 'PolicyNames[].[@]' | while read -r \
                 name; do\n\x20 aws iam delete-role-policy --role-name {role} --policy-name \"$name\"\ndone"
            ),
        ]);
    } else {
        fix = fix.commands([
            format!(
                "aws iam list-attached-role-policies --role-name {role}   # which of them denies {action}?"
            ),
            format!("aws iam list-role-policies --role-name {role}"),
        ]);
    }
    finding(Code::ExplicitlyDenied, words, fix)
}

fn resource_of(scene: &Scene<'_>, action: &str) -> String {
    match scene.integration.provider {
        Provider::S3(_) if action == "s3:ListBucket" => scene.bucket_arn(),
        Provider::S3(_) => format!("{}/{}*", scene.bucket_arn(), scene.integration.prefix),
        _ => scene.integration.bucket.clone(),
    }
}
