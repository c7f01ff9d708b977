//! Terraform: resources for policy, role and attachment.

use serde_json::Value;

use super::RoleSetup;

pub(super) fn text(setup: &RoleSetup) -> String {
    let RoleSetup { policy_name, role_name, role_path, bucket, .. } = setup;
    let label = label(role_name);
    format!(
        "# Lets Telecine read the bucket {bucket}.\n\
         resource \"aws_iam_policy\" \"{label}\" {{\n\
         \x20 name   = \"{policy_name}\"\n\
         \x20 policy = <<EOT\n{policy}\nEOT\n\
         }}\n\n\
         resource \"aws_iam_role\" \"{label}\" {{\n\
         \x20 name               = \"{role_name}\"\n\
         \x20 path               = \"{role_path}\"\n\
         \x20 assume_role_policy = <<EOT\n{trust}\nEOT\n\
         }}\n\n\
         resource \"aws_iam_role_policy_attachment\" \"{label}\" {{\n\
         \x20 role       = aws_iam_role.{label}.name\n\
         \x20 policy_arn = aws_iam_policy.{label}.arn\n\
         }}\n",
        policy = heredoc(&setup.policy),
        trust = heredoc(&setup.trust),
    )
}

/// JSON in a heredoc, where `${` and `%{` would begin a template.
fn heredoc(document: &Value) -> String {
    format!("{document:#}").replace("${", "$${").replace("%{", "%%{")
}

/// `TelecineIntegrationRole` → `telecine`, anything else as a name of Terraform's.
fn label(role_name: &str) -> String {
    let suffix = role_name.strip_prefix(super::ROLE_NAME).unwrap_or(role_name);
    let suffix: String = suffix
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' })
        .collect();
    match suffix.trim_matches('_') {
        "" => "telecine".to_owned(),
        suffix => format!("telecine_{suffix}"),
    }
}
