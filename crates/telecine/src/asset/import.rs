//! Imports of objects as assets: a connected bucket as the contract's data connectors see it. What is asked is looked at
//! before it is taken; the bytes come in the background. An object that was imported before is not imported again.

use std::collections::HashSet;
use std::sync::Arc;

use futures::{FutureExt as _, StreamExt as _, stream};

use super::create::{asset, check_room};
use super::limits::{check_size, file_type_of, kind_of_type};
use super::{Asset, AssetStatus, NewAsset, Origin};
use crate::app::App;
use crate::fault::{Code, Fault, Result};
use crate::ids::{AssetId, AssetImportId, IntegrationId, WorkspaceId};
use crate::integration::Integration;
use crate::source::{Source, SourceError, SourceErrorKind};
use crate::time::Timestamp;
use crate::transfer::{ObjectRef, last_part};

/// Objects that one import may name.
pub const MAX_ITEMS: usize = 100;
/// Objects that are looked at at once.
const AT_ONCE: usize = 8;

/// What became of the wish to import an object; it does not change any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// A new asset is made of it.
    Created,
    /// It is an asset already.
    Skipped,
    /// It failed to become one before, and is tried again.
    Retried,
    /// It cannot become one.
    Rejected,
}

impl Action {
    /// The name in the store and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Skipped => "skipped",
            Self::Retried => "retried",
            Self::Rejected => "rejected",
        }
    }

    /// The action of this name.
    pub fn parse(name: &str) -> Option<Self> {
        let all = [Self::Created, Self::Skipped, Self::Retried, Self::Rejected];
        all.into_iter().find(|action| action.as_str() == name)
    }
}

/// An import of objects as assets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssetImport {
    /// Its id.
    pub id: AssetImportId,
    /// Whose it is.
    pub workspace: WorkspaceId,
    /// The integration, which may be gone.
    pub integration: IntegrationId,
    /// The kind of its store, as it was.
    pub provider: String,
    /// How many objects were named.
    pub item_count: u64,
    /// When it was asked for.
    pub created_at: Timestamp,
}

/// An object that is to be imported.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    /// As the client named it.
    pub source_id: String,
    /// What would be made of it, or why nothing can be.
    pub asset: Result<Asset, Fault>,
}

/// What became of an object.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportItem {
    /// As the client named it.
    pub source_id: String,
    /// What was done.
    pub action: Action,
    /// The asset, and where it stands; none when it was rejected.
    pub asset: Option<(AssetId, AssetStatus)>,
    /// Why it was rejected.
    pub fault: Option<Fault>,
}

/// Imports objects, named by their keys or their whole addresses. When it returns, what is imported is stored.
///
/// # Errors
/// `resource_not_exists`, `connection_not_active`, `parameter_invalid`, `usage_limit_exceeded`; what is wrong with one
/// object is told of it.
pub async fn import(
    app: &App,
    workspace: WorkspaceId,
    id: IntegrationId,
    source_ids: &[String],
) -> Result<(AssetImport, Vec<ImportItem>)> {
    let integration = connection(app, workspace, id).await?;
    if !integration.status.is_usable() {
        return Err(Fault::new(Code::ConnectionNotActive).value(integration.status.as_str()).into());
    }
    check_items(source_ids)?;
    let source = app.sources.open(&integration).await.map_err(|error| refusal(&error))?;
    let looks: Vec<_> =
        source_ids.iter().map(|it| look(app, &integration, &source, it.clone()).boxed()).collect();
    let wanted: Vec<Wanted> = stream::iter(looks).buffered(AT_ONCE).collect().await;
    let bytes = wanted.iter().filter_map(|it| it.asset.as_ref().ok()).map(|asset| asset.size_bytes).sum();
    check_room(app, workspace, bytes).await?;
    let now = app.clock.now();
    let import = AssetImport {
        id: AssetImportId::generate(now),
        workspace,
        integration: id,
        provider: integration.provider.name().to_owned(),
        item_count: wanted.len() as u64,
        created_at: now,
    };
    let items = app.store.insert_asset_import(&import, &wanted).await?;
    app.keeper.wake();
    Ok((import, items))
}

/// The integration behind a connection.
///
/// # Errors
/// `resource_not_exists`.
pub async fn connection(app: &App, workspace: WorkspaceId, id: IntegrationId) -> Result<Integration> {
    let absent =
        || Fault::because(Code::ResourceNotExists, "There is no such connection.").value(id.to_string());
    Ok(app.store.integration(workspace, id).await?.ok_or_else(absent)?)
}

fn check_items(source_ids: &[String]) -> Result<(), Fault> {
    let distinct: HashSet<&String> = source_ids.iter().collect();
    if source_ids.is_empty() || source_ids.len() > MAX_ITEMS || distinct.len() < source_ids.len() {
        return Err(Fault::parameter("The parameter items does not name what can be imported at once.")
            .value(format!("{} items, {} of them distinct", source_ids.len(), distinct.len()))
            .rule(format!("1 to {MAX_ITEMS} items with distinct source_ids")));
    }
    Ok(())
}

async fn look(app: &App, integration: &Integration, source: &Arc<dyn Source>, source_id: String) -> Wanted {
    let asset = look_at(app, integration, source, &source_id).await;
    Wanted { source_id, asset }
}

async fn look_at(
    app: &App,
    integration: &Integration,
    source: &Arc<dyn Source>,
    source_id: &str,
) -> Result<Asset, Fault> {
    let scheme = integration.provider.scheme();
    let whole = format!("{}://{}/", scheme.as_str(), integration.bucket);
    let key = source_id.strip_prefix(&whole).unwrap_or(source_id);
    if key.is_empty() || !integration.has(key) {
        let fault = Fault::new(Code::SourceNotAuthorized).value(source_id);
        return Err(fault.rule(format!("keys of {whole}{}", integration.prefix)));
    }
    let name = last_part(key.split(['?', '#']).next().unwrap_or(key));
    let kind = file_type_of(name).and_then(kind_of_type);
    if kind.is_none() {
        return Err(Fault::new(Code::UnsupportedMediaType).value(name));
    }
    let info = source.head(key).await.map_err(|error| refusal(&error))?;
    if info.is_archived {
        let why = format!("{source_id} lies in an archive ({})", info.storage_class);
        return Err(Fault::new(Code::SourceUnavailable)
            .value(why)
            .remedy("Restore it, then import it again."));
    }
    let bucket = integration.bucket.clone();
    let object = ObjectRef { scheme, integration: integration.id, bucket, key: key.to_owned() };
    let mut asset = asset(app, integration.workspace, NewAsset::default(), name, Origin::Connector(object))?;
    asset.size_bytes = info.size_bytes;
    check_size(&app.config.assets, &asset.origin, kind, info.size_bytes)?;
    Ok(asset)
}

/// What a store's refusal is among the contract's codes.
fn refusal(error: &SourceError) -> Fault {
    let code = match error.kind {
        SourceErrorKind::Denied | SourceErrorKind::Credentials => Code::SourceNotAuthorized,
        _ => Code::SourceUnavailable,
    };
    let fault = Fault::new(code).value(format!("{}: {}", error.address, error.detail));
    match error.kind {
        SourceErrorKind::NotFound => fault.remedy("Check the key; the object may have been removed."),
        _ => fault,
    }
}
