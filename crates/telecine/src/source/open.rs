//! From an integration to its source: one client per integration, kept with its session. The one place that knows every
//! kind of source.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use async_trait::async_trait;
use aws_credential_types::Credentials;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::SharedHttpClient;
use tokio::sync::OnceCell;
use uuid::Uuid;

use super::aws::{Aws, ExternalId, Eyes, Place, Probe, RoleSession, Target};
use super::http::Links;
use super::queue::SqsQueue;
use super::session::Session;
use super::{
    AzureSource, ChangeQueue, Count, Endpoint, EndpointPath, FolderSource, GcsSource, Guard, Retry,
    RetryPolicy, S3Source, Scoped, Source, SourceError, SourceErrorKind, Sources, UrlListSource, Web,
    guarded_client,
};
use crate::config::Config;
use crate::fault::Error;
use crate::ids::IntegrationId;
use crate::integration::{
    AzureCredentials, GcsCredentials, Integration, Provider, Role, S3Access, S3Credentials,
};
use crate::time::Clock;
use crate::vault::{Sealed, Secret, Vault};

/// Opens what integrations point to.
pub struct Opener {
    config: Config,
    vault: Arc<Vault>,
    credentials: Option<Credentials>,
    retry: RetryPolicy,
    clock: Arc<dyn Clock>,
    guard: Guard,
    aws: OnceCell<Aws>,
    /// For stores whose endpoint a user named.
    guarded: OnceLock<SharedHttpClient>,
    web: OnceLock<Web>,
    opened: Mutex<HashMap<IntegrationId, Opened>>,
    queues: Mutex<HashMap<IntegrationId, OpenedQueue>>,
}

/// An open source, and what of the integration it was made of.
struct Opened {
    from: Origin,
    source: Arc<dyn Source>,
}

/// An open queue, and what it was made of.
#[derive(Clone)]
struct OpenedQueue {
    from: Origin,
    url: String,
    queue: Arc<dyn ChangeQueue>,
}

/// What of an integration decides about its source.
#[derive(Clone)]
struct Origin {
    provider: Provider,
    secret: Option<Sealed>,
    bucket: String,
    prefix: String,
    region: Option<String>,
}

impl Origin {
    fn of(integration: &Integration) -> Self {
        let Integration { provider, secret, bucket, prefix, region, .. } = integration.clone();
        Self { provider, secret, bucket, prefix, region }
    }

    /// Whether it is still so; without taking copies, for this is asked for each object.
    fn is_of(&self, integration: &Integration) -> bool {
        let Self { provider, secret, bucket, prefix, region } = self;
        *provider == integration.provider
            && *secret == integration.secret
            && *bucket == integration.bucket
            && *prefix == integration.prefix
            && *region == integration.region
    }
}

impl Opener {
    /// Asks nothing of any network before it is needed.
    pub fn new(config: &Config, vault: Arc<Vault>, clock: Arc<dyn Clock>) -> Self {
        Self {
            config: config.clone(),
            vault,
            credentials: None,
            retry: RetryPolicy::default(),
            clock,
            guard: Guard::new(&config.urls),
            aws: OnceCell::new(),
            guarded: OnceLock::new(),
            web: OnceLock::new(),
            opened: Mutex::default(),
            queues: Mutex::default(),
        }
    }

    /// With another policy of retries.
    #[must_use]
    pub fn retry(self, retry: RetryPolicy) -> Self {
        Self { retry, ..self }
    }

    /// With base credentials other than those that AWS tools find.
    #[must_use]
    pub fn credentials(self, access_key_id: &str, secret_access_key: &str) -> Self {
        let credentials = Credentials::new(access_key_id, secret_access_key, None, None, "given");
        Self { credentials: Some(credentials), ..self }
    }

    /// With another rule about hosts than that of the configuration.
    #[must_use]
    pub fn guard(self, guard: Guard) -> Self {
        Self { guard, ..self }
    }

    /// The clients of stores that are not S3.
    fn web(&self) -> Result<Web, SourceError> {
        if let Some(web) = self.web.get() {
            return Ok(web.clone());
        }
        let web = Web::new(self.guard.clone()).map_err(|error| SourceError {
            kind: SourceErrorKind::Unavailable,
            operation: "OPEN",
            address: String::new(),
            detail: format!("no TLS: {error:#}"),
        })?;
        Ok(self.web.get_or_init(|| web).clone())
    }

    async fn aws(&self) -> &Aws {
        let load = || Aws::load(&self.config.aws, self.credentials.clone(), self.clock.clone());
        self.aws.get_or_init(load).await
    }

    fn kept(&self, wanted: &Integration) -> Option<Arc<dyn Source>> {
        let opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = opened.get(&wanted.id)?;
        kept.from.is_of(wanted).then(|| kept.source.clone())
    }

    async fn make(&self, integration: &Integration) -> Result<Arc<dyn Source>, SourceError> {
        match &integration.provider {
            Provider::S3(access) => {
                let (client, session) = self.client(integration, access).await?;
                let mut source = S3Source::new(client, &integration.bucket);
                if let Some(owner) = &access.owner {
                    source = source.owned_by(owner);
                }
                if let Some(session) = session {
                    source = source.with_session(session);
                }
                Ok(self.wrapped(integration, source.requester_pays(access.requester_pays), "s3"))
            }
            Provider::Folder { path } => {
                let source = self.folder(integration, path)?;
                Ok(self.wrapped(integration, source, "folder"))
            }
            Provider::Gcs(access) => {
                if access.credentials == GcsCredentials::Instance {
                    self.require_own_credentials_for(integration)?;
                }
                let secret = self.secret(integration)?;
                let source = GcsSource::new(&integration.bucket, access, secret.as_ref(), self.web()?)?;
                Ok(self.wrapped(integration, source, "gcs"))
            }
            Provider::Azure(access) => {
                if access.credentials == AzureCredentials::Instance {
                    self.require_own_credentials_for(integration)?;
                }
                let secret = self.secret(integration)?;
                let source = AzureSource::new(&integration.bucket, access, secret.as_ref(), self.web()?)?;
                Ok(self.wrapped(integration, source, "azure"))
            }
            Provider::Urls { urls } => {
                let links = Links::over(self.web()?).retry(self.retry);
                let source = UrlListSource::new(&integration.bucket, links, urls.clone())?;
                Ok(self.wrapped(integration, source, "urls"))
            }
        }
    }

    fn wrapped(
        &self,
        integration: &Integration,
        source: impl Source + 'static,
        kind: &'static str,
    ) -> Arc<dyn Source> {
        let source = Retry::new(Count::new(source, kind), self.retry);
        match integration.prefix.as_str() {
            "" => Arc::new(source),
            prefix => Arc::new(Scoped::new(source, prefix)),
        }
    }

    fn folder(&self, integration: &Integration, path: &Path) -> Result<FolderSource, SourceError> {
        FolderSource::open(&integration.bucket, path, &self.config.folders.roots)
    }

    /// A client that sees the bucket as the integration says, with the role's session if there is one.
    async fn client(
        &self,
        integration: &Integration,
        access: &S3Access,
    ) -> Result<(Client, Option<Arc<Session>>), SourceError> {
        let through = self.way(integration, access)?;
        let aws = self.aws().await;
        let (endpoint, region) = (access.endpoint.as_ref(), integration.region.as_deref());
        let target = Target { endpoint, region, through };
        let eyes = self.eyes(integration, access).await?;
        let session = match &eyes {
            Eyes::Session(session) => Some(session.clone()),
            _ => None,
        };
        Ok((aws.client(target, eyes), session))
    }

    /// With whose eyes the integration's owner lets us see.
    async fn eyes(&self, integration: &Integration, access: &S3Access) -> Result<Eyes, SourceError> {
        Ok(match &access.credentials {
            S3Credentials::Role(role) => {
                let name = session_name(integration);
                let session = self.aws().await.session(session_of(integration, role, &name)).await;
                Eyes::Session(Arc::new(session))
            }
            S3Credentials::Keys { access_key_id } => {
                let secret = self.unsealed(integration)?;
                Eyes::Keys(Credentials::new(access_key_id, secret.reveal(), None, None, "integration"))
            }
            S3Credentials::Instance => {
                self.require_own_credentials_for(integration)?;
                Eyes::Own
            }
            S3Credentials::Anonymous => Eyes::Nobody,
        })
    }

    async fn make_queue(&self, integration: &Integration, url: &str) -> Result<SqsQueue, SourceError> {
        let Provider::S3(access @ S3Access { endpoint: None, .. }) = &integration.provider else {
            return Err(refused(integration, "only buckets of AWS tell their changes to a queue of SQS"));
        };
        let eyes = match self.eyes(integration, access).await? {
            Eyes::Nobody => {
                return Err(refused(integration, "a queue is not read by nobody: it needs credentials"));
            }
            // A queue's messages are deleted when they are read: it is the operator's to say whose queues these are.
            Eyes::Own => {
                self.require_listed(integration, url)?;
                Eyes::Own
            }
            eyes => eyes,
        };
        Ok(SqsQueue::new(self.aws().await.queue_client(url, eyes), url))
    }

    /// How an endpoint of a user's is reached; those of the configuration are not this server's users' to choose.
    fn way(
        &self,
        integration: &Integration,
        access: &S3Access,
    ) -> Result<Option<&SharedHttpClient>, SourceError> {
        let Some(endpoint) = &access.endpoint else { return Ok(None) };
        Endpoint::parse(&endpoint.url, EndpointPath::Refused, &self.guard)?;
        if matches!(access.credentials, S3Credentials::Role(_) | S3Credentials::Instance) {
            let detail =
                "sessions and this server's own credentials are not sent to an endpoint that a user names";
            return Err(SourceError { kind: SourceErrorKind::Denied, ..refused(integration, detail) });
        }
        Ok(Some(self.guarded.get_or_init(|| guarded_client(&self.guard))))
    }

    /// The integration's secret, where it has to have one.
    fn secret(&self, integration: &Integration) -> Result<Option<Secret>, SourceError> {
        integration.provider.needs_secret().then(|| self.unsealed(integration)).transpose()
    }

    /// The integration's secret in the clear.
    fn unsealed(&self, integration: &Integration) -> Result<Secret, SourceError> {
        let fail = |detail: String| SourceError {
            kind: SourceErrorKind::Credentials,
            operation: "OPEN",
            address: integration.bucket.clone(),
            detail,
        };
        let sealed = integration.secret.as_ref();
        let sealed = sealed.ok_or_else(|| fail("the integration has no secret any more".to_owned()))?;
        self.vault.unseal(&integration.id.to_string(), sealed).map_err(|error| match error {
            Error::Fault(fault) => fail(fault.sentence()),
            Error::Internal(error) => fail(format!("{error:#}")),
        })
    }

    /// What this server sees, not everybody who may connect a bucket may see.
    fn require_own_credentials_for(&self, integration: &Integration) -> Result<(), SourceError> {
        let address = format!("{}://{}", integration.provider.scheme().as_str(), integration.bucket);
        self.require_listed(integration, &address)
    }

    fn require_listed(&self, integration: &Integration, address: &str) -> Result<(), SourceError> {
        if self.config.integrations.own_credentials_for.iter().any(|listed| listed == address) {
            return Ok(());
        }
        let detail = format!("the operator has not listed {address} in integrations.own_credentials_for");
        Err(SourceError { kind: SourceErrorKind::Denied, ..refused(integration, &detail) })
    }
}

/// What a session of the role is to be.
fn session_of<'a>(integration: &'a Integration, role: &'a Role, name: &'a str) -> RoleSession<'a> {
    RoleSession {
        arn: &role.arn,
        external_id: Some(&role.external_id),
        name,
        bucket: &integration.bucket,
        prefix: &integration.prefix,
        queue_url: integration.schedule.queue_url.as_deref(),
    }
}

fn session_name(integration: &Integration) -> String {
    format!("telecine-{}-{}", integration.workspace, integration.id)
}

fn refused(integration: &Integration, detail: &str) -> SourceError {
    SourceError {
        kind: SourceErrorKind::Unsupported,
        operation: "OPEN",
        address: integration.bucket.clone(),
        detail: detail.to_owned(),
    }
}

#[async_trait]
impl Sources for Opener {
    async fn open(&self, integration: &Integration) -> Result<Arc<dyn Source>, SourceError> {
        match self.kept(integration) {
            Some(source) => Ok(source),
            None => self.open_anew(integration).await,
        }
    }

    async fn open_anew(&self, integration: &Integration) -> Result<Arc<dyn Source>, SourceError> {
        let source = self.make(integration).await?;
        let opened = Opened { from: Origin::of(integration), source: source.clone() };
        self.opened.lock().unwrap_or_else(PoisonError::into_inner).insert(integration.id, opened);
        Ok(source)
    }

    async fn queue(&self, integration: &Integration) -> Result<Arc<dyn ChangeQueue>, SourceError> {
        let url = integration.schedule.queue_url.clone();
        let url = url.ok_or_else(|| refused(integration, "the integration has no queue"))?;
        let kept = self.queues.lock().unwrap_or_else(PoisonError::into_inner).get(&integration.id).cloned();
        if let Some(kept) = kept.filter(|kept| kept.url == url && kept.from.is_of(integration)) {
            return Ok(kept.queue);
        }
        let queue: Arc<dyn ChangeQueue> = Arc::new(self.make_queue(integration, &url).await?);
        let opened = OpenedQueue { from: Origin::of(integration), url, queue: queue.clone() };
        self.queues.lock().unwrap_or_else(PoisonError::into_inner).insert(integration.id, opened);
        Ok(queue)
    }

    fn forget(&self, integration: IntegrationId) {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner).remove(&integration);
        self.opened.lock().unwrap_or_else(PoisonError::into_inner).remove(&integration);
    }

    async fn principal(&self) -> Result<String, SourceError> {
        match &self.config.aws.principal_arn {
            Some(arn) => Ok(arn.clone()),
            None => self.aws().await.principal().await,
        }
    }

    async fn assume_role(&self, integration: &Integration, with: ExternalId) -> Result<(), SourceError> {
        let role = integration.provider.role();
        let role = role.ok_or_else(|| refused(integration, "this integration takes no role"))?;
        let (name, nobodys) = (session_name(integration), Uuid::new_v4().to_string());
        let session = session_of(integration, role, &name);
        let external_id = match with {
            ExternalId::Right => session.external_id,
            ExternalId::Missing => None,
            ExternalId::Wrong => Some(nobodys.as_str()),
        };
        self.aws().await.try_assume(RoleSession { external_id, ..session }).await
    }

    async fn store_name(&self) -> Option<String> {
        self.aws().await.store_name().await
    }

    async fn probe(&self, integration: &Integration, probe: Probe) -> Result<(), SourceError> {
        let Provider::S3(access) = &integration.provider else {
            return Err(refused(integration, "there is nothing to tell apart at this kind of store"));
        };
        let (client, _) = self.client(integration, access).await?;
        self.aws().await.probe(&client, &integration.bucket, access, probe).await
    }

    async fn locate(&self, integration: &Integration) -> Result<Place, SourceError> {
        let Provider::S3(access) = &integration.provider else {
            return Err(refused(integration, "this kind of store knows no regions"));
        };
        let (client, _) = self.client(integration, access).await?;
        self.aws().await.locate(&client, &integration.bucket, access).await
    }
}

impl fmt::Debug for Opener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opener").field("aws", &self.config.aws).finish_non_exhaustive()
    }
}
