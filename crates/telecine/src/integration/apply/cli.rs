//! The AWS command line: commands that create what is missing and bring up to date what is there, without files.

use serde_json::Value;

use super::RoleSetup;

/// The whole as a script.
pub(super) fn script(setup: &RoleSetup) -> String {
    let mut text = format!(
        "#!/bin/sh\n# Lets Telecine read s3://{}/{}. Run it with administrator's credentials of the account {}.\n\
         # It may be run again: what is there already is brought up to date.\nset -e\n",
        setup.bucket,
        setup.prefix.escape_debug(),
        setup.account_id,
    );
    for command in setup.commands() {
        text.push('\n');
        text.push_str(&command);
        text.push('\n');
    }
    text
}

/// AWS keeps five versions of a policy: old ones make room.
pub(super) fn policy(setup: &RoleSetup) -> Vec<String> {
    let (name, arn, document) =
        (quoted(&setup.policy_name), quoted(&setup.policy_arn()), compact(&setup.policy));
    vec![format!(
        "POLICY={document}\n\
         aws iam create-policy --policy-name {name} --policy-document \"$POLICY\" ||\n\
         aws iam create-policy-version --set-as-default --policy-arn {arn} --policy-document \"$POLICY\" || {{\n\
         \x20 aws iam list-policy-versions --policy-arn {arn} --output text \\\n\
         \x20   --query 'Versions[?!IsDefaultVersion].[VersionId]' | while read -r version; do\n\
         \x20   aws iam delete-policy-version --policy-arn {arn} --version-id \"$version\"\n\
         \x20 done\n\
         \x20 aws iam create-policy-version --set-as-default --policy-arn {arn} --policy-document \"$POLICY\"\n\
         }}"
    )]
}

/// The role with its trust policy.
pub(super) fn role(setup: &RoleSetup) -> Vec<String> {
    let (name, path) = (quoted(&setup.role_name), quoted(&setup.role_path));
    let path = if setup.role_path == "/" { String::new() } else { format!(" --path {path}") };
    vec![format!(
        "TRUST={}\n\
         aws iam create-role --role-name {name}{path} --assume-role-policy-document \"$TRUST\" ||\n\
         aws iam update-assume-role-policy --role-name {name} --policy-document \"$TRUST\"",
        compact(&setup.trust),
    )]
}

/// The trust policy of a role that is there.
pub(super) fn trust(setup: &RoleSetup) -> String {
    let name = quoted(&setup.role_name);
    format!(
        "aws iam update-assume-role-policy --role-name {name} --policy-document {}",
        compact(&setup.trust)
    )
}

/// Policy to role; doing it twice does no harm.
pub(super) fn attach(setup: &RoleSetup) -> Vec<String> {
    let (name, arn) = (quoted(&setup.role_name), quoted(&setup.policy_arn()));
    vec![format!("aws iam attach-role-policy --role-name {name} --policy-arn {arn}")]
}

fn compact(document: &Value) -> String {
    quoted(&document.to_string())
}

/// A text as one word of a shell.
pub(in crate::integration) fn quoted(text: &str) -> String {
    let is_plain = |byte: u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b':' | b'.' | b'-' | b'_' | b'@' | b'+')
    };
    if !text.is_empty() && text.bytes().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}
