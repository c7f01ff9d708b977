//! Integrations, with the documents that the owner of the bucket applies.

use serde_json::{Value, json};

use crate::fault::Fault;
use crate::integration::{Integration, POLICY_NAME, Provider, policy_document};

/// An integration. The trust document names this server, which may not know its own name: then the fault is shown in its
/// place.
pub(in crate::http) fn integration(integration: &Integration, trust: &Result<Value, Fault>) -> Value {
    let mut shown = json!({
        "_id": integration.id,
        "bucket": integration.bucket,
        "region": integration.region,
        "status": integration.status,
        "checks": integration.checks,
        "created_at": integration.created_at,
        "updated_at": integration.updated_at,
        "synchronized_at": integration.synchronized_at,
    });
    match &integration.provider {
        Provider::AwsS3 { account_id, role_arn, external_id } => {
            shown["provider"] = "aws_s3".into();
            shown["account_id"] = account_id.as_str().into();
            shown["external_id"] = external_id.as_str().into();
            shown["role_arn"] = role_arn.as_str().into();
            shown["role_name"] = role_arn.rsplit('/').next().into();
            shown["policy_name"] = POLICY_NAME.into();
            shown["policy_document"] = policy_document(integration);
            match trust {
                Ok(document) => shown["trust_document"] = document.clone(),
                Err(fault) => {
                    shown["trust_document"] = Value::Null;
                    shown["trust_document_error"] = json!(fault);
                }
            }
        }
        Provider::Folder { path } => {
            shown["provider"] = "folder".into();
            shown["path"] = path.to_string_lossy().into();
        }
    }
    shown
}
