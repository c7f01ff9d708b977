//! Integrations, with the documents that the owner of the bucket applies.

use serde_json::{Value, json};

use crate::fault::Fault;
use crate::integration::{Integration, POLICY_NAME, Provider, policy_document};

/// An integration. The trust document names this server, which may not know its own name: then the fault is shown in its
/// place.
pub(in crate::http) fn integration(integration: &Integration, trust: &Result<Value, Fault>) -> Value {
    let mut shown = json!({
        "_id": integration.id,
        "provider": integration.provider.name(),
        "bucket": integration.bucket,
        "prefix": integration.prefix,
        "region": integration.region,
        "status": integration.status,
        "drift": integration.drift,
        "checks": integration.checks,
        "checked_at": integration.checked_at,
        "filters": integration.filters,
        "schedule": integration.schedule,
        "created_at": integration.created_at,
        "updated_at": integration.updated_at,
        "synchronized_at": integration.synchronized_at,
    });
    if let Some(role) = integration.provider.role() {
        shown["account_id"] = role.account_id.as_str().into();
        shown["external_id"] = role.external_id.as_str().into();
        shown["role_arn"] = role.arn.as_str().into();
        shown["role_name"] = role.arn.rsplit('/').next().into();
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
    if let Provider::Folder { path } = &integration.provider {
        shown["path"] = path.to_string_lossy().into();
    }
    shown
}
