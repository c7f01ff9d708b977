//! Stores without roles: the least that the owner has to grant, in the words of the store.

use serde_json::{Value, json};

use super::called;
use super::cli::quoted;
use crate::integration::documents::policy_document;
use crate::integration::{
    AzureAccess, AzureCredentials, GcsAccess, GcsCredentials, Integration, Provider, S3Access, S3Credentials,
};

/// What to grant: a sentence, commands, a document where there is one.
pub(super) fn grant(integration: &Integration) -> Value {
    let (text, commands) = match &integration.provider {
        Provider::S3(access) => s3(integration, access),
        Provider::Gcs(access) => gcs(integration, access),
        Provider::Azure(access) => azure(integration, access),
        Provider::Folder { path } => (
            format!(
                "The server's user must be able to read {}, and the operator must have listed it or a folder above it \
                 in folders.roots.",
                path.display()
            ),
            Vec::new(),
        ),
        Provider::Urls { .. } => {
            ("The links must be readable by everybody who has them, over https.".to_owned(), Vec::new())
        }
    };
    let mut grant = json!({
        "text": text,
        "commands": commands,
        "again": format!("telecine integration verify {}", quoted(&called(integration))),
    });
    let policy = policy_document(integration);
    if policy.is_object() {
        grant["policy_document"] = policy;
    }
    grant
}

fn s3(integration: &Integration, access: &S3Access) -> (String, Vec<String>) {
    let policy = quoted(&policy_document(integration).to_string());
    let bucket = &integration.bucket;
    match &access.credentials {
        S3Credentials::Keys { access_key_id } if access.endpoint.is_none() => (
            format!(
                "The user of the access key {access_key_id} needs the policy below and nothing more. A role would be \
                 safer: it has no secret."
            ),
            vec![
                format!(
                    "USER=$(aws iam get-access-key-last-used --access-key-id {access_key_id} --query UserName --output text)"
                ),
                format!(
                    "aws iam put-user-policy --user-name \"$USER\" --policy-name {} --policy-document {policy}",
                    crate::integration::POLICY_NAME
                ),
            ],
        ),
        S3Credentials::Keys { access_key_id } => (
            format!(
                "The access key {access_key_id} must be able to list the bucket {bucket} and to read its objects, and \
                 should be able to do nothing more: a store that takes policies takes the one below."
            ),
            Vec::new(),
        ),
        S3Credentials::Instance => (
            format!(
                "The server's own identity needs the policy below, and the operator must list s3://{bucket} in \
                 integrations.own_credentials_for."
            ),
            Vec::new(),
        ),
        S3Credentials::Anonymous => (
            format!("Everybody must be able to list the bucket {bucket} and to read its objects."),
            Vec::new(),
        ),
        S3Credentials::Role(_) => (String::new(), Vec::new()),
    }
}

fn gcs(integration: &Integration, access: &GcsAccess) -> (String, Vec<String>) {
    let bucket = &integration.bucket;
    let bind = |member: &str| {
        let mut command = format!(
            "gcloud storage buckets add-iam-policy-binding gs://{bucket} --member={} --role=roles/storage.objectViewer",
            quoted(member)
        );
        if !integration.prefix.is_empty() {
            // A listing is a request to the bucket, whose name has no prefix: it must stay allowed.
            let objects = format!("projects/_/buckets/{bucket}/objects/{}", integration.prefix);
            let expression = format!(
                "resource.type == 'storage.googleapis.com/Bucket' || resource.name.startsWith({})",
                serde_json::Value::from(objects)
            );
            command.push_str(&format!(
                " --condition={}",
                quoted(&format!("title=telecine,expression={expression}"))
            ));
        }
        vec![command]
    };
    let needs = "storage.objects.get and storage.objects.list on the bucket: the role Storage Object Viewer, on this \
                 bucket alone";
    match &access.credentials {
        GcsCredentials::ServiceAccount { client_email } => (
            format!("The service account {client_email} needs {needs}."),
            bind(&format!("serviceAccount:{client_email}")),
        ),
        GcsCredentials::Instance => (
            format!(
                "The server's own service account needs {needs}; and the operator must list gs://{bucket} in \
                 integrations.own_credentials_for."
            ),
            bind("serviceAccount:THE_SERVERS_OWN"),
        ),
        GcsCredentials::Anonymous => (format!("Everybody needs {needs}."), bind("allUsers")),
    }
}

fn azure(integration: &Integration, access: &AzureAccess) -> (String, Vec<String>) {
    let (container, account) = (&integration.bucket, &access.account);
    let assign = |who: &str| {
        vec![format!(
            "az role assignment create --role 'Storage Blob Data Reader' --assignee {} --scope \"$(az storage account \
             show --name {account} --query id --output tsv)/blobServices/default/containers/{container}\"",
            quoted(who)
        )]
    };
    match &access.credentials {
        AzureCredentials::Sas => (
            format!(
                "The signature must allow to read and to list (`rl`) the container {container}, and nothing more. One that \
                 belongs to a stored access policy can be revoked."
            ),
            vec![format!(
                "az storage container generate-sas --account-name {account} --name {container} --permissions rl \
                 --https-only --expiry \"$(date -u -d '+1 year' +%Y-%m-%dT%H:%MZ)\" --output tsv"
            )],
        ),
        AzureCredentials::SharedKey => (
            format!(
                "The key opens all of the storage account {account}. A shared access signature for the container \
                 {container} alone is safer."
            ),
            Vec::new(),
        ),
        AzureCredentials::ClientSecret { client_id, .. } => (
            format!(
                "The application {client_id} needs the role Storage Blob Data Reader on the container {container} alone."
            ),
            assign(client_id),
        ),
        AzureCredentials::Instance => (
            format!(
                "The server's own identity needs the role Storage Blob Data Reader on the container {container} alone, and \
                 the operator must list az://{container} in integrations.own_credentials_for."
            ),
            assign("THE_SERVERS_OWN"),
        ),
        AzureCredentials::Anonymous => (
            format!("The container {container} must allow anonymous access to container and blobs."),
            Vec::new(),
        ),
    }
}

pub(super) fn text(grant: &Value) -> String {
    let mut text = format!("{}\n", grant["text"].as_str().unwrap_or_default());
    if grant["policy_document"].is_object() {
        text.push_str(&format!("\n{:#}\n", grant["policy_document"]));
    }
    for command in grant["commands"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        text.push_str(&format!("\n{command}\n"));
    }
    text.push_str(&format!("\nThen check it: {}\n", grant["again"].as_str().unwrap_or_default()));
    text
}
