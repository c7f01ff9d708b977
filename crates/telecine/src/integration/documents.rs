//! The two documents that the owner of a bucket applies: what may be done with the bucket, and who may take the role.
//! Pure.

use serde_json::{Value, json};

use super::{Integration, Provider, S3Access, S3Credentials};
use crate::source::policy::{literal, queue_arn};

/// The partition of an integration's ARNs.
pub(super) fn partition(integration: &Integration) -> String {
    let told = integration.provider.role().and_then(|role| role.arn.split(':').nth(1).map(str::to_owned));
    told.unwrap_or_else(|| {
        crate::source::partition(integration.region.as_deref().unwrap_or_default()).to_owned()
    })
}

/// What may be done: list this bucket (below the prefix), find its region, read its objects; decrypt with its key and
/// read its queue where there are such. Null for what needs no policy.
pub fn policy_document(integration: &Integration) -> Value {
    let Provider::S3(access) = &integration.provider else { return Value::Null };
    if access.credentials == S3Credentials::Anonymous {
        return Value::Null;
    }
    let statements = statements(integration, access);
    json!({"Version": "2012-10-17", "Statement": statements})
}

fn statements(integration: &Integration, access: &S3Access) -> Vec<Value> {
    let partition = partition(integration);
    let bucket = format!("arn:{partition}:s3:::{}", integration.bucket);
    let prefix = literal(&integration.prefix);
    let mut list = json!({
        "Sid": "TelecineListsTheBucket",
        "Effect": "Allow",
        "Action": ["s3:ListBucket", "s3:GetBucketLocation"],
        "Resource": bucket,
    });
    let mut statements = Vec::new();
    if !prefix.is_empty() {
        // The condition is about listings; asking for the region names no prefix.
        list["Action"] = json!("s3:ListBucket");
        list["Condition"] = json!({"StringLike": {"s3:prefix": format!("{prefix}*")}});
        statements.push(json!({
            "Sid": "TelecineFindsTheRegion",
            "Effect": "Allow",
            "Action": "s3:GetBucketLocation",
            "Resource": bucket,
        }));
    }
    statements.insert(0, list);
    statements.push(json!({
        "Sid": "TelecineReadsItsObjects",
        "Effect": "Allow",
        "Action": ["s3:GetObject", "s3:GetObjectVersion"],
        "Resource": format!("{bucket}/{prefix}*"),
    }));
    if let Some(key) = &access.kms_key_arn {
        statements.push(json!({
            "Sid": "TelecineDecryptsThem",
            "Effect": "Allow",
            "Action": "kms:Decrypt",
            "Resource": key,
            "Condition": {"StringLike": {"kms:ViaService": "s3.*.amazonaws.com*"}},
        }));
    }
    if let Some(queue) = integration.schedule.queue_url.as_deref().and_then(|url| queue_arn(&partition, url))
    {
        statements.push(json!({
            "Sid": "TelecineHearsOfChanges",
            "Effect": "Allow",
            "Action": ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
            "Resource": queue,
        }));
    }
    statements
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

/// The bucket's notification configuration: what it tells to the queue. Null where there is no queue.
pub fn queue_notification(integration: &Integration) -> Value {
    let Some(queue) = queue_of(integration) else { return Value::Null };
    let mut told = json!({
        "Id": "TelecineChanges",
        "QueueArn": queue,
        "Events": [
            "s3:ObjectCreated:*",
            "s3:ObjectRemoved:*",
            "s3:LifecycleExpiration:*",
            "s3:ObjectRestore:Completed",
            "s3:ObjectRestore:Delete",
        ],
    });
    if !integration.prefix.is_empty() {
        let rule = json!({"Name": "prefix", "Value": integration.prefix});
        told["Filter"] = json!({"Key": {"FilterRules": [rule]}});
    }
    json!({"QueueConfigurations": [told]})
}

/// The queue's policy: who may put messages into it. Null where there is no queue.
pub fn queue_policy(integration: &Integration) -> Value {
    let Some(queue) = queue_of(integration) else { return Value::Null };
    let bucket = format!("arn:{}:s3:::{}", partition(integration), integration.bucket);
    let mut condition = json!({"ArnLike": {"aws:SourceArn": bucket}});
    if let Some(role) = integration.provider.role() {
        condition["StringEquals"] = json!({"aws:SourceAccount": role.account_id});
    }
    json!({
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "TheBucketTellsItsChanges",
                "Effect": "Allow",
                "Principal": {"Service": "s3.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": queue,
                "Condition": condition,
            },
        ],
    })
}

/// The queue's ARN. Where its URL does not tell the region, it is the bucket's: they must lie in the same one.
fn queue_of(integration: &Integration) -> Option<String> {
    let arn = queue_arn(&partition(integration), integration.schedule.queue_url.as_deref()?)?;
    Some(match &integration.region {
        Some(region) => arn.replacen(":sqs:*:", &format!(":sqs:{region}:"), 1),
        None => arn,
    })
}
