//! What is done with integrations, in the server's hands: connect, verify, synchronize, write a manifest.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;
use tokio::sync::mpsc;

use super::create::draft;
use super::documents::trust_document_for;
use super::manifest::{self, ManifestCount, ManifestRequest};
use super::verify::{Patience, Progress, Verdict};
use super::{
    Integration, IntegrationChange, NewIntegration, Provider, Role, S3Access, S3Credentials, SyncReport,
    SyncRun, SyncTrigger, sync,
};
use crate::app::App;
use crate::config::Config;
use crate::fault::{Code, Error, Fault, Result};
use crate::ids::{IntegrationId, SyncId, WorkspaceId};
use crate::source::{SourceError, SourceErrorKind, Sources};
use crate::store::Store;
use crate::time::Clock;
use crate::vault::Vault;

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
        let draft = draft(&new, self.config)?;
        let mut integration = Integration::new(workspace, draft.provider, draft.bucket, now);
        integration.prefix = draft.prefix;
        integration.region = draft.region;
        integration.filters = new.filters;
        integration.schedule = new.schedule;
        if let Some(secret) = &draft.secret {
            integration.secret = Some(self.vault.seal(&integration.id.to_string(), secret)?);
        }
        self.give_a_role_of_its_own(&mut integration, draft.is_usual_role).await?;
        if matches!(integration.provider, Provider::Folder { .. }) {
            // Whether a folder may be read is the operator's to say, and can be told at once.
            self.sources.open(&integration).await.map_err(|error| folder_fault(&error))?;
        }
        self.store.insert_integration(&integration).await?;
        Ok(integration)
    }

    /// A trust policy names the external id of one integration: the second one in an account has a role of another name.
    async fn give_a_role_of_its_own(&self, integration: &mut Integration, is_usual: bool) -> Result<()> {
        let Some(Role { arn, .. }) = integration.provider.role() else { return Ok(()) };
        let others = self.store.integrations(integration.workspace).await?;
        let same = |other: &&Integration| other.provider.role().is_some_and(|role| role.arn == *arn);
        let Some(other) = others.iter().find(same) else { return Ok(()) };
        let is_twice = other.bucket == integration.bucket && other.prefix == integration.prefix;
        if is_twice {
            return Err(Fault::new(Code::IntegrationAlreadyExists).value(&integration.bucket).into());
        }
        if !is_usual {
            return Err(Fault::parameter("The role belongs to another integration.")
                .value(arn.clone())
                .rule("every integration has a role of its own, for its trust policy names one external id")
                .remedy(format!("Name another role; {} has this one.", other.bucket))
                .into());
        }
        let id = integration.id.to_string();
        if let Provider::S3(S3Access { credentials: S3Credentials::Role(role), .. }) =
            &mut integration.provider
        {
            role.arn = format!("{}-{}", role.arn, &id[id.len() - 6..]);
        }
        Ok(())
    }

    /// See [`change`].
    pub async fn change(
        &self,
        workspace: WorkspaceId,
        id: IntegrationId,
        change: &IntegrationChange,
    ) -> Result<Option<Integration>> {
        let Some(mut integration) = self.store.integration(workspace, id).await? else { return Ok(None) };
        let secret = super::change::apply(&mut integration, change, self.config)?;
        if let Some(secret) = &secret {
            integration.secret = Some(self.vault.seal(&id.to_string(), secret)?);
        }
        integration.updated_at = self.clock.now();
        self.store.update_integration(&integration).await?;
        if change.filters.is_some() {
            self.store.decide_anew(id, &integration.filters.rules()?).await?;
        }
        Ok(Some(integration))
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

    /// See [`verify`]; tells each line as it begins and ends.
    pub async fn verify(
        &self,
        workspace: WorkspaceId,
        id: IntegrationId,
        tell: Option<&mpsc::Sender<Progress>>,
    ) -> Result<Option<Integration>> {
        let Some(integration) = self.store.integration(workspace, id).await? else { return Ok(None) };
        let verdict = super::verify::run(self, &integration, Patience::WhereLikely, tell).await;
        self.conclude(&integration, verdict).await
    }

    /// Stores what a verification found.
    pub(super) async fn conclude(
        &self,
        before: &Integration,
        verdict: Verdict,
    ) -> Result<Option<Integration>> {
        // It took a while: what else has changed meanwhile stays.
        let found = self.store.integration(before.workspace, before.id).await?;
        let Some(mut integration) = found else { return Ok(None) };
        super::recheck::conclude(&mut integration, verdict, self.clock.now(), self.config);
        self.store.record_checks(&integration).await?;
        Ok(Some(integration))
    }

    /// See [`recheck`].
    pub async fn recheck(&self) -> Result<usize> {
        super::recheck::due(self, self.clock.now()).await
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

    /// Takes over what the integration's queue tells, waiting this long for the first message; how many changes were news.
    /// A queue that cannot be read is told in its log.
    ///
    /// # Errors
    /// The store's.
    pub async fn read_queue(&self, integration: &Integration, wait: std::time::Duration) -> Result<u64> {
        super::queue::read_queue(self, integration, wait).await
    }

    /// See [`count_manifest`].
    pub async fn count_manifest(
        &self,
        workspace: WorkspaceId,
        id: IntegrationId,
        request: &ManifestRequest,
    ) -> Result<ManifestCount> {
        let integration = self.store.integration(workspace, id).await?;
        let integration = integration.ok_or_else(|| not_there("integration", &id.to_string()))?;
        require_active(&integration)?;
        manifest::count(self.store, &integration, request).await
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

/// Changes what may be changed of an integration. None when there is no such integration.
///
/// # Errors
/// `parameter_invalid`, `parameter_not_provided`.
pub async fn change(
    app: &Arc<App>,
    workspace: WorkspaceId,
    id: IntegrationId,
    change: &IntegrationChange,
) -> Result<Option<Integration>> {
    Integrations::of(app).change(workspace, id, change).await
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
    Integrations::of(app).verify(workspace, id, None).await
}

/// As [`verify`], telling each line as it begins and as it ends.
///
/// # Errors
/// As [`verify`].
pub async fn verify_aloud(
    app: &Arc<App>,
    workspace: WorkspaceId,
    id: IntegrationId,
    tell: mpsc::Sender<Progress>,
) -> Result<Option<Integration>> {
    Integrations::of(app).verify(workspace, id, Some(&tell)).await
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

/// Looks again at integrations that are due; how many they were. A duty of the keeper.
///
/// # Errors
/// The store's.
pub async fn recheck(app: &Arc<App>) -> Result<usize> {
    Integrations::of(app).recheck().await
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

/// What the manifest would hold.
///
/// # Errors
/// As [`write_manifest`].
pub async fn count_manifest(
    app: &Arc<App>,
    workspace: WorkspaceId,
    id: IntegrationId,
    request: &ManifestRequest,
) -> Result<ManifestCount> {
    Integrations::of(app).count_manifest(workspace, id, request).await
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
