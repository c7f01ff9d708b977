//! From an integration to its source: one client per integration, kept with its session. The one place that knows every
//! kind of source.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use aws_credential_types::Credentials;
use aws_sdk_s3::Client;
use tokio::sync::OnceCell;
use uuid::Uuid;

use super::aws::{Aws, ExternalId, Place, Role};
use super::session::Session;
use super::{
    Count, FolderSource, Retry, RetryPolicy, S3Source, Source, SourceError, SourceErrorKind, Sources,
};
use crate::config::{AwsConfig, FolderConfig};
use crate::ids::IntegrationId;
use crate::integration::{Integration, Provider};
use crate::time::Clock;

/// Opens what integrations point to.
pub struct Opener {
    config: AwsConfig,
    roots: Vec<PathBuf>,
    credentials: Option<Credentials>,
    retry: RetryPolicy,
    clock: Arc<dyn Clock>,
    aws: OnceCell<Aws>,
    opened: Mutex<HashMap<IntegrationId, Opened>>,
}

/// An open source, and what of the integration it was made of.
struct Opened {
    provider: Provider,
    bucket: String,
    region: Option<String>,
    source: Arc<dyn Source>,
}

impl Opener {
    /// Asks nothing of any network before it is needed.
    pub fn new(aws: &AwsConfig, folders: &FolderConfig, clock: Arc<dyn Clock>) -> Self {
        Self {
            config: aws.clone(),
            roots: folders.roots.clone(),
            credentials: None,
            retry: RetryPolicy::default(),
            clock,
            aws: OnceCell::new(),
            opened: Mutex::default(),
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

    async fn aws(&self) -> &Aws {
        self.aws.get_or_init(|| Aws::load(&self.config, self.credentials.clone(), self.clock.clone())).await
    }

    fn kept(&self, wanted: &Integration) -> Option<Arc<dyn Source>> {
        let opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = opened.get(&wanted.id)?;
        let is_same =
            kept.provider == wanted.provider && kept.bucket == wanted.bucket && kept.region == wanted.region;
        is_same.then(|| kept.source.clone())
    }

    async fn client(&self, integration: &Integration, s3: &Bucket<'_>) -> (Client, Arc<Session>) {
        let aws = self.aws().await;
        let session = Arc::new(aws.session(s3.role(&session_name(integration))).await);
        (aws.client(integration.region.as_deref(), &session), session)
    }

    async fn make(&self, integration: &Integration) -> Result<Arc<dyn Source>, SourceError> {
        match Bucket::of(integration) {
            Some(s3) => {
                let (client, session) = self.client(integration, &s3).await;
                let source = S3Source::new(client, s3.bucket).owned_by(s3.account_id).with_session(session);
                Ok(Arc::new(Retry::new(Count::new(source, "s3"), self.retry)))
            }
            None => {
                let Provider::Folder { path } = &integration.provider else {
                    return Err(no_role(integration));
                };
                let source = FolderSource::open(&integration.bucket, path, &self.roots)?;
                Ok(Arc::new(Retry::new(Count::new(source, "folder"), self.retry)))
            }
        }
    }
}

/// What an integration of S3 says.
struct Bucket<'a> {
    bucket: &'a str,
    account_id: &'a str,
    role_arn: &'a str,
    external_id: &'a str,
}

impl<'a> Bucket<'a> {
    fn of(integration: &'a Integration) -> Option<Self> {
        match &integration.provider {
            Provider::AwsS3 { account_id, role_arn, external_id } => {
                Some(Self { bucket: &integration.bucket, account_id, role_arn, external_id })
            }
            Provider::Folder { .. } => None,
        }
    }

    fn role<'b>(&self, session_name: &'b str) -> Role<'b>
    where
        'a: 'b,
    {
        Role { arn: self.role_arn, external_id: Some(self.external_id), session_name, bucket: self.bucket }
    }
}

fn session_name(integration: &Integration) -> String {
    format!("telecine-{}-{}", integration.workspace, integration.id)
}

fn no_role(integration: &Integration) -> SourceError {
    SourceError {
        kind: SourceErrorKind::Unsupported,
        operation: "OPEN",
        address: integration.bucket.clone(),
        detail: "this kind of store knows no roles".to_owned(),
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
        let opened = Opened {
            provider: integration.provider.clone(),
            bucket: integration.bucket.clone(),
            region: integration.region.clone(),
            source: source.clone(),
        };
        self.opened.lock().unwrap_or_else(PoisonError::into_inner).insert(integration.id, opened);
        Ok(source)
    }

    async fn principal(&self) -> Result<String, SourceError> {
        match &self.config.principal_arn {
            Some(arn) => Ok(arn.clone()),
            None => self.aws().await.principal().await,
        }
    }

    async fn assume_role(&self, integration: &Integration, with: ExternalId) -> Result<(), SourceError> {
        let s3 = Bucket::of(integration).ok_or_else(|| no_role(integration))?;
        let (name, nobodys) = (session_name(integration), Uuid::new_v4().to_string());
        let role = s3.role(&name);
        let external_id = match with {
            ExternalId::Right => role.external_id,
            ExternalId::Missing => None,
            ExternalId::Wrong => Some(nobodys.as_str()),
        };
        self.aws().await.try_assume(Role { external_id, ..role }).await
    }

    async fn locate(&self, integration: &Integration) -> Result<Place, SourceError> {
        let s3 = Bucket::of(integration).ok_or_else(|| no_role(integration))?;
        let (client, _) = self.client(integration, &s3).await;
        self.aws().await.locate(&client, s3.bucket, s3.account_id).await
    }
}

impl fmt::Debug for Opener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opener")
            .field("aws", &self.config)
            .field("roots", &self.roots)
            .finish_non_exhaustive()
    }
}
