//! The two documents that the owner of a bucket applies: what the role may do, and who may take it. Pure.

use serde_json::{Value, json};

use super::Integration;

/// What the role may do: list this bucket, find its region, read its objects. Null for what needs no policy.
pub fn policy_document(integration: &Integration) -> Value {
    let Some(role) = integration.provider.role() else { return Value::Null };
    let partition = role.arn.split(':').nth(1).unwrap_or("aws");
    let bucket = format!("arn:{partition}:s3:::{}", integration.bucket);
    json!({
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "TelecineListsTheBucket",
                "Effect": "Allow",
                "Action": ["s3:ListBucket", "s3:GetBucketLocation"],
                "Resource": bucket,
            },
            {
                "Sid": "TelecineReadsItsObjects",
                "Effect": "Allow",
                "Action": ["s3:GetObject", "s3:GetObjectVersion"],
                "Resource": format!("{bucket}/*"),
            },
        ],
    })
}

/// Who may take the role: this server alone, and only with the integration's external id. Null for what needs no role.
pub(super) fn trust_document_for(integration: &Integration, principal_arn: &str) -> Value {
    let Some(role) = integration.provider.role() else { return Value::Null };
    json!({
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "TelecineTakesTheRole",
                "Effect": "Allow",
                "Principal": {"AWS": principal_arn},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"sts:ExternalId": role.external_id}},
            },
        ],
    })
}
