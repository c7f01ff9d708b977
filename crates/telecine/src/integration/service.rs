//! What is done with integrations, in the server's hands: connect, verify, synchronize, write a manifest.

use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::mpsc;
use uuid::Uuid;

use super::bucket::{parse_account, parse_bucket, parse_folder_name, parse_role};
use super::documents::trust_document_for;
use super::{Integration, Provider, ROLE_NAME, Role, SyncReport, SyncRun, SyncTrigger, manifest, sync};
use crate::app::App;
use crate::config::Config;
use crate::fault::{Code, Error, Fault, Result};
use crate::ids::{IndexId, IntegrationId, SyncId, WorkspaceId};
use crate::source::{self, SourceError, SourceErrorKind, Sources};
use crate::store::Store;
use crate::time::Clock;
use crate::vault::Vault;

/// What a user gives to connect a bucket.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NewIntegration {
    /// `aws_s3` (also when empty) or `folder`.
    pub provider: String,
    /// The bucket: its name, `s3://…`, ARN or URL. For a folder, what it is called in addresses.
    pub bucket: String,
    /// For S3: the owner's 12-digit account.
    pub account_id: Option<String>,
    /// For S3: the role's name, if not the usual one.
    pub role_name: Option<String>,
    /// For a folder: where it lies.
    pub path: Option<String>,
}

/// What a manifest is to say of every video.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestRequest {
    /// The index to enter.
    pub index: IndexId,
    /// BCP 47 tag of what is spoken.
    pub language: String,
    /// Only videos whose present version is not in the index yet.
    pub only_not_indexed: bool,
}

/// What work on integrations needs of a server.
#[derive(Clone, Copy)]
pub struct Integrations<'a> {
    /// Where they are kept.
    pub store: &'a dyn Store,
    /// What they lead to.
    pub sources: &'a dyn Sources,
    /// Seals secrets.
    pub vault: &'a Vault,
    /// The time.
    pub clock: &'a dyn Clock,
    /// Settings.
    pub config: &'a Config,
}

impl<'a> Integrations<'a> {
    /// With a server's handles.
    pub fn of(app: &'a App) -> Self {
        Self {
            store: &*app.store,
            sources: &*app.sources,
            vault: &app.vault,
            clock: &*app.clock,
            config: &app.config,
        }
    }

    /// See [`create`].
    pub async fn create(&self, workspace: WorkspaceId, new: NewIntegration) -> Result<Integration> {
        let now = self.clock.now();
        let (provider, bucket) = match new.provider.as_str() {
            "" | "aws_s3" => self.new_s3(&new)?,
            "folder" => new_folder(&new)?,
            other => {
                let message = "The parameter `provider` is not known: it is `aws_s3` or `folder`.";
                return Err(Fault::parameter(message).value(other).into());
            }
        };
        let integration = Integration::new(workspace, provider, bucket, now);
        if matches!(integration.provider, Provider::Folder { .. }) {
            // Whether a folder may be read is the operator's to say, and can be told at once.
            self.sources.open(&integration).await.map_err(|error| folder_fault(&error))?;
        }
        self.store.insert_integration(&integration).await?;
        Ok(integration)
    }

    fn new_s3(&self, new: &NewIntegration) -> Result<(Provider, String)> {
        refuse_given(new.path.as_deref(), "path", "folders")?;
        let bucket = parse_bucket(&new.bucket)?;
        let account_id = parse_account(&required(new.account_id.as_deref(), "account_id")?)?;
        let role_name = parse_role(new.role_name.as_deref().unwrap_or(ROLE_NAME))?;
        let region = self.config.aws.region.as_deref().unwrap_or_default();
        let partition = bucket.partition.as_deref().unwrap_or_else(|| source::partition(region));
        let provider = Provider::aws_role(Role {
            arn: format!("arn:{partition}:iam::{account_id}:role/{role_name}"),
            account_id,
            // 122 random bits, ours: the only lock on a role whose name everybody knows.
            external_id: Uuid::new_v4().to_string(),
        });
        Ok((provider, bucket.name))
    }

    /// See [`trust_document`].
    pub async fn trust_document(&self, integration: &Integration) -> Result<Value> {
        if integration.provider.role().is_none() {
            return Ok(Value::Null);
        }
        let principal = self.sources.principal().await.map_err(|error| {
            Error::from(
                Fault::because(Code::ServiceUnavailable, "This server does not know who it is at AWS.")
                    .value(error.to_string())
                    .remedy(
                        "Give the server AWS credentials (environment, profile or instance role), or set \
                         aws.principal_arn.",
                    ),
            )
        })?;
        Ok(trust_document_for(integration, &principal))
    }

    /// See [`verify`].
    pub async fn verify(&self, workspace: WorkspaceId, id: IntegrationId) -> Result<Option<Integration>> {
        let Some(integration) = self.store.integration(workspace, id).await? else { return Ok(None) };
        let verdict = super::verify::run(self, &integration).await;
        // It took a while: what else has changed meanwhile stays.
        let Some(mut integration) = self.store.integration(workspace, id).await? else { return Ok(None) };
        integration.status = verdict.status();
        integration.checked_at = Some(self.clock.now());
        integration.region = verdict.region.or(integration.region);
        integration.checks = verdict.checks;
        integration.updated_at = self.clock.now();
        self.store.update_integration(&integration).await?;
        Ok(Some(integration))
    }

    /// See [`synchronize`].
    pub async fn synchronize(
        &self,
        workspace: WorkspaceId,
        id: IntegrationId,
        trigger: SyncTrigger,
    ) -> Result<Option<SyncReport>> {
        let Some(integration) = self.store.integration(workspace, id).await? else { return Ok(None) };
        require_active(&integration)?;
        let run = sync::synchronize(self, &integration, trigger).await?;
        Ok(Some(run.report()))
    }

    /// See [`write_manifest`]; whether the index is there is the caller's to know.
    pub async fn write_manifest(
        &self,
        workspace: WorkspaceId,
        id: IntegrationId,
        request: &ManifestRequest,
        out: mpsc::Sender<Bytes>,
    ) -> Result<()> {
        let integration = self.store.integration(workspace, id).await?;
        let integration = integration.ok_or_else(|| not_there("integration", &id.to_string()))?;
        require_active(&integration)?;
        manifest::write(self.store, &integration, request, out).await
    }
}

/// Connects a bucket: from now on it has an external id and documents to apply. Nothing is asked of the bucket yet.
///
/// # Errors
/// `parameter_invalid`, `parameter_not_provided`, `integration_already_exists`.
pub async fn create(app: &Arc<App>, workspace: WorkspaceId, new: NewIntegration) -> Result<Integration> {
    Integrations::of(app).create(workspace, new).await
}

/// The trust document of the role, which names this server's own principal.
///
/// # Errors
/// `service_unavailable` when the server has no AWS credentials to find itself by.
pub async fn trust_document(app: &Arc<App>, integration: &Integration) -> Result<Value> {
    Integrations::of(app).trust_document(integration).await
}

/// Checks everything that an integration needs, line by line, and stores what was found. None when there is no such
/// integration.
///
/// # Errors
/// The store's; what is wrong with the integration is in its checks.
pub async fn verify(
    app: &Arc<App>,
    workspace: WorkspaceId,
    id: IntegrationId,
) -> Result<Option<Integration>> {
    Integrations::of(app).verify(workspace, id).await
}

/// Begins to list the bucket into the inventory, or joins who does already. It goes on in the background, whatever
/// becomes of who asked for it. None when there is no such integration.
///
/// # Errors
/// `integration_not_active`.
pub async fn begin_synchronization(
    app: &Arc<App>,
    workspace: WorkspaceId,
    id: IntegrationId,
    trigger: SyncTrigger,
) -> Result<Option<SyncRun>> {
    let Some(integration) = app.store.integration(workspace, id).await? else { return Ok(None) };
    require_active(&integration)?;
    let (run, _) = app.store.begin_sync(id, trigger, app.clock.now()).await?;
    go_on_with(app, run.id);
    Ok(Some(run))
}

/// Works on a synchronization in the background, if nobody does.
pub(super) fn go_on_with(app: &Arc<App>, run: SyncId) {
    let app = Arc::clone(app);
    tokio::spawn(async move {
        let integrations = Integrations::of(&app);
        let worked = tokio::select! {
            // The row says what is left.
            () = app.stopping.cancelled() => Ok(()),
            worked = sync::work(&integrations, run) => worked,
        };
        if let Err(error) = worked {
            tracing::error!(
                error = format!("{error:#}"),
                "a synchronization was interrupted and will go on later"
            );
        }
    });
}

/// As [`begin_synchronization`], and waits for its end.
///
/// # Errors
/// `integration_not_active`, and what the store of the videos says.
pub async fn synchronize(
    app: &Arc<App>,
    workspace: WorkspaceId,
    id: IntegrationId,
    trigger: SyncTrigger,
) -> Result<Option<SyncReport>> {
    let Some(run) = begin_synchronization(app, workspace, id, trigger).await? else { return Ok(None) };
    let ended = sync::ended(&Integrations::of(app), id, run.id).await?;
    Ok(Some(ended.report()))
}

/// Writes the manifest of the inventory's videos: a JSON array of `{index_id, language, object}`, in pieces. Ends
/// quietly when nobody reads any more.
///
/// # Errors
/// `resource_not_exists`, `integration_not_active`, `parameter_invalid`; all of them before the first piece.
pub async fn write_manifest(
    app: &Arc<App>,
    workspace: WorkspaceId,
    id: IntegrationId,
    request: ManifestRequest,
    out: mpsc::Sender<Bytes>,
) -> Result<()> {
    if app.store.index(workspace, request.index).await?.is_none() {
        return Err(not_there("index", &request.index.to_string()));
    }
    Integrations::of(app).write_manifest(workspace, id, &request, out).await
}

pub(super) fn not_there(what: &str, id: &str) -> Error {
    Fault::because(Code::ResourceNotExists, format!("There is no such {what}.")).value(id).into()
}

pub(super) fn require_active(integration: &Integration) -> Result<()> {
    if integration.status.is_usable() {
        return Ok(());
    }
    let status = integration.status.as_str();
    Err(Fault::because(Code::IntegrationNotActive, "The integration is not active.")
        .value(format!("{} ({status})", integration.bucket))
        .rule("a bucket is read only through an integration whose last verification found all well")
        .remedy("Verify it with `telecine integration verify`, and mend what it finds.")
        .into())
}

fn new_folder(new: &NewIntegration) -> Result<(Provider, String)> {
    refuse_given(new.account_id.as_deref(), "account_id", "buckets of S3")?;
    refuse_given(new.role_name.as_deref(), "role_name", "buckets of S3")?;
    let name = parse_folder_name(&new.bucket)?;
    let path = required(new.path.as_deref(), "path")?;
    Ok((Provider::Folder { path: path.into() }, name))
}

fn required(given: Option<&str>, name: &str) -> Result<String> {
    given.filter(|given| !given.is_empty()).map(str::to_owned).ok_or_else(|| {
        let message = format!("The required parameter `{name}` is missing.");
        Fault::because(Code::ParameterNotProvided, message).into()
    })
}

fn refuse_given(given: Option<&str>, name: &str, others: &str) -> Result<()> {
    match given {
        None => Ok(()),
        Some(value) => {
            let message = format!("The parameter `{name}` belongs to {others}.");
            Err(Fault::parameter(message).value(value).into())
        }
    }
}

fn folder_fault(error: &SourceError) -> Fault {
    let fault = Fault::parameter("The parameter `path` does not name a folder that this server may read.")
        .value(error.detail.clone());
    match error.kind {
        SourceErrorKind::Denied => fault
            .rule("folders lie below those that the server's configuration allows")
            .remedy("Let the operator add the folder to folders.roots."),
        _ => fault,
    }
}
