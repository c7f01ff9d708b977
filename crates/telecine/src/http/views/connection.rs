//! Integrations as the contract's data connectors, and imports through them.

use serde::Serialize;
use utoipa::ToSchema;

use crate::asset::AssetStatus;
use crate::asset::import::{AssetImport, ImportItem};
use crate::fault::Fault;
use crate::ids::{AssetId, AssetImportId, IntegrationId};
use crate::integration::{Integration, IntegrationStatus};
use crate::time::Timestamp;
use crate::transfer::Scheme;

/// The name of a kind of store among the contract's providers.
pub(in crate::http) fn provider(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::S3 => "aws_s3",
        Scheme::Gcs => "gcs",
        Scheme::Azure => "azure_blob",
        Scheme::Folder => "folder",
        Scheme::Urls => "url_list",
    }
}

/// An integration as a connection.
#[derive(Serialize, ToSchema)]
#[schema(as = Connection)]
pub(in crate::http) struct ConnectionView {
    #[serde(rename = "_id")]
    id: IntegrationId,
    #[schema(value_type = String)]
    provider: &'static str,
    /// `active`; `pending` until it is verified; `failed`.
    #[schema(value_type = String)]
    status: &'static str,
    account: AccountView,
    #[schema(value_type = Vec<String>)]
    scopes: [&'static str; 1],
    connected_at: Timestamp,
    last_used_at: Option<Timestamp>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = ConnectionAccount)]
struct AccountView {
    external_id: String,
    display_name: String,
}

/// An integration as a connection: it is active while objects may be read through it.
pub(in crate::http) fn connection(it: &Integration) -> ConnectionView {
    let status = match it.status {
        IntegrationStatus::Active | IntegrationStatus::Degraded => "active",
        IntegrationStatus::Pending => "pending",
        IntegrationStatus::Failed => "failed",
    };
    let address = format!("{}://{}/{}", it.provider.scheme().as_str(), it.bucket, it.prefix);
    ConnectionView {
        id: it.id,
        provider: it.provider.name(),
        status,
        account: AccountView { external_id: it.bucket.clone(), display_name: address },
        scopes: ["read"],
        connected_at: it.created_at,
        last_used_at: it.synchronized_at,
    }
}

/// An import in a list.
#[derive(Serialize, ToSchema)]
#[schema(as = AssetImport)]
pub(in crate::http) struct ImportView {
    #[serde(rename = "_id")]
    id: AssetImportId,
    connection_id: IntegrationId,
    provider: String,
    item_count: u64,
    created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    has_failures: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    items: Option<Vec<ItemView>>,
}

/// What became of an object.
#[derive(Serialize, ToSchema)]
#[schema(as = AssetImportItem)]
struct ItemView {
    source_id: String,
    /// `created`, `skipped`, `retried` or `rejected`.
    #[schema(value_type = String)]
    action: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    asset_id: Option<AssetId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<AssetStatus>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Fault>,
}

/// An import in a list.
pub(in crate::http) fn import(it: &AssetImport) -> ImportView {
    ImportView {
        id: it.id,
        connection_id: it.integration,
        provider: it.provider.clone(),
        item_count: it.item_count,
        created_at: it.created_at,
        has_failures: None,
        items: None,
    }
}

/// An import with what became of its objects.
pub(in crate::http) fn import_detail(it: &AssetImport, items: &[ImportItem]) -> ImportView {
    let item = |item: &ImportItem| ItemView {
        source_id: item.source_id.clone(),
        action: item.action.as_str(),
        asset_id: item.asset.map(|(id, _)| id),
        status: item.asset.map(|(_, status)| status),
        error: item.fault.clone(),
    };
    let has_failures = items.iter().any(|item| item.fault.is_some());
    ImportView {
        has_failures: Some(has_failures),
        items: Some(items.iter().map(item).collect()),
        ..import(it)
    }
}
