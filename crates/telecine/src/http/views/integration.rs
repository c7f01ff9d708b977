//! Integrations, with the documents that the owner of the bucket applies.

use serde_json::{Value, json};

use crate::fault::Fault;
use crate::integration::{
    AzureCredentials, Deletion, GcsCredentials, Integration, Provider, RoleSetup, S3Credentials, Schedule,
    policy_document, queue_notification, queue_policy, setup,
};

/// An integration. The trust document names this server, which may not know its own name: then the fault is shown in its
/// place.
pub(in crate::http) fn integration(
    integration: &Integration,
    trust: &Result<Value, Fault>,
    template_url: Option<&str>,
) -> Value {
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
        "well_at": integration.well_at,
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
        shown["policy_name"] = RoleSetup::of(integration, &Value::Null).map(|setup| setup.policy_name).into();
        shown["policy_document"] = policy_document(integration);
        match trust {
            Ok(document) => shown["trust_document"] = document.clone(),
            Err(fault) => {
                shown["trust_document"] = Value::Null;
                shown["trust_document_error"] = json!(fault);
            }
        }
    }
    for (name, value) in reached(&integration.provider) {
        shown[name] = value;
    }
    if integration.schedule.queue_url.is_some() {
        // What the owner applies so that the bucket tells its changes.
        shown["queue_policy"] = queue_policy(integration);
        shown["queue_notification"] = queue_notification(integration);
    }
    shown["setup"] = setup(integration, trust, template_url);
    shown
}

/// How the store is reached, as far as it is no secret.
fn reached(provider: &Provider) -> Vec<(&'static str, Value)> {
    match provider {
        Provider::S3(access) => {
            let mut shown = vec![
                ("credentials", kind_of_s3(&access.credentials).into()),
                ("requester_pays", access.requester_pays.into()),
                ("kms_key_arn", json!(access.kms_key_arn)),
            ];
            if let Some(owner) = &access.owner {
                shown.push(("account_id", owner.as_str().into()));
            }
            if let Some(endpoint) = &access.endpoint {
                shown.push(("endpoint_url", endpoint.url.as_str().into()));
                shown.push(("path_style", endpoint.path_style.into()));
            }
            if let S3Credentials::Keys { access_key_id } = &access.credentials {
                shown.push(("access_key_id", access_key_id.as_str().into()));
            }
            shown
        }
        Provider::Gcs(access) => {
            let mut shown =
                vec![("endpoint_url", json!(access.endpoint)), ("user_project", json!(access.user_project))];
            match &access.credentials {
                GcsCredentials::ServiceAccount { client_email } => {
                    shown.push(("credentials", "service_account".into()));
                    shown.push(("client_email", client_email.as_str().into()));
                }
                GcsCredentials::Instance => shown.push(("credentials", "instance".into())),
                GcsCredentials::Anonymous => shown.push(("credentials", "anonymous".into())),
            }
            shown
        }
        Provider::Azure(access) => {
            let mut shown =
                vec![("account", access.account.as_str().into()), ("endpoint_url", json!(access.endpoint))];
            let kind = match &access.credentials {
                AzureCredentials::SharedKey => "shared_key",
                AzureCredentials::Sas => "sas",
                AzureCredentials::ClientSecret { tenant_id, client_id } => {
                    shown.push(("tenant_id", tenant_id.as_str().into()));
                    shown.push(("client_id", client_id.as_str().into()));
                    "client_secret"
                }
                AzureCredentials::Instance => "instance",
                AzureCredentials::Anonymous => "anonymous",
            };
            shown.push(("credentials", kind.into()));
            shown
        }
        Provider::Folder { path } => vec![("path", path.to_string_lossy().into())],
        // As many as ten thousand: they are listed by synchronizing.
        Provider::Urls { urls } => vec![("url_count", urls.len().into())],
    }
}

fn kind_of_s3(credentials: &S3Credentials) -> &'static str {
    match credentials {
        S3Credentials::Role(_) => "role",
        S3Credentials::Keys { .. } => "keys",
        S3Credentials::Instance => "instance",
        S3Credentials::Anonymous => "anonymous",
    }
}

/// What deleting an integration does.
pub(in crate::http) fn deletion(deletion: &Deletion) -> Value {
    let Deletion { integration, plan, restorable_until } = deletion;
    let indexes: Vec<Value> = plan
        .indexes
        .iter()
        .map(|of| json!({ "index_id": of.index, "index_name": of.name, "videos": of.videos }))
        .collect();
    json!({
        "_id": integration.id,
        "provider": integration.provider.name(),
        "bucket": integration.bucket,
        "prefix": integration.prefix,
        "deleted_at": integration.deleted_at,
        "restorable_until": restorable_until,
        "stays": {
            "videos": plan.indexes.iter().map(|of| of.videos).sum::<u64>(),
            "indexes": indexes,
            "tasks": plan.tasks_final,
            "imports": plan.imports,
        },
        "goes_on": { "tasks": plan.tasks_fetched },
        "ends": {
            "imports": plan.imports_running,
            "tasks": plan.tasks_unfetched,
            "synchronizations": u64::from(plan.is_synchronizing),
            "schedule": integration.schedule != Schedule::default(),
        },
        "goes": {
            "secret": plan.has_secret,
            "inventory_files": plan.files,
        },
    })
}
