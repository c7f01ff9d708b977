//! Who this server is at AWS (or at what speaks like it): base credentials, STS, the clients of sessions. Knows no
//! object.

mod failure;
mod heard;

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use aws_config::meta::region::RegionProviderChain;
use aws_config::sts::AssumeRoleProvider;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    Builder, IdentityCache, RequestChecksumCalculation, ResponseChecksumValidation, SharedHttpClient,
    StalledStreamProtectionConfig,
};
use aws_sdk_s3::types::RequestPayer;
use serde_json::{Value, json};

use crate::config::AwsConfig;
use crate::integration::{S3Access, S3Endpoint};
use crate::source::policy::{literal, queue_arn};
use crate::source::session::Session;
use crate::source::{SourceError, SourceErrorKind};
use crate::time::Clock;

use self::failure::credentials_failure;
pub(super) use self::failure::{causes, chain, failure};
use self::heard::Heard;
pub(super) use self::heard::parse_date;

/// An answer's head must be there after this; bodies have a limit of their own.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
const STS_LIMIT: Duration = Duration::from_secs(10);
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// An hour is what every role allows, also where our own credentials are a role's.
const SESSION_LENGTH: Duration = Duration::from_secs(3600);

/// What is said about the external id when a role is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExternalId {
    /// The integration's.
    Right,
    /// None.
    Missing,
    /// One that nobody was given.
    Wrong,
}

/// What is asked beside, to tell causes of a refusal apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probe {
    /// Where the bucket lies: a policy for this bucket allows that.
    Location,
    /// The bucket, without asking whose it is.
    AnyOwner,
    /// One key of the list, paid by this server's account.
    Paying,
}

/// Where a bucket lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Its region, where the store tells one.
    pub region: Option<String>,
    /// Seconds that our clock is ahead of the store's; negative when it is behind.
    pub clock_ahead_s: Option<i64>,
}

/// A session of a role in another account.
#[derive(Debug, Clone, Copy)]
pub(in crate::source) struct RoleSession<'a> {
    pub(in crate::source) arn: &'a str,
    pub(in crate::source) external_id: Option<&'a str>,
    /// Told to the role's owner, in the logs of their account.
    pub(in crate::source) name: &'a str,
    /// The one bucket that the session may touch, whatever the role allows.
    pub(in crate::source) bucket: &'a str,
    /// And of it only these keys.
    pub(in crate::source) prefix: &'a str,
    /// The one queue that it may read.
    pub(in crate::source) queue_url: Option<&'a str>,
}

/// With whose eyes a bucket is seen.
pub(in crate::source) enum Eyes {
    /// Those of a role.
    Session(Arc<Session>),
    /// Those of an access key.
    Keys(Credentials),
    /// This server's own.
    Own,
    /// Nobody's.
    Nobody,
}

/// Where a bucket is asked for.
#[derive(Debug, Clone, Copy)]
pub(in crate::source) struct Target<'a> {
    /// Another store than the one of the settings.
    pub(in crate::source) endpoint: Option<&'a S3Endpoint>,
    /// The bucket's region, where it is known.
    pub(in crate::source) region: Option<&'a str>,
    /// The client by which it is reached, if not by the usual one.
    pub(in crate::source) through: Option<&'a SharedHttpClient>,
}

/// Base credentials and endpoints.
#[derive(Debug)]
pub(in crate::source) struct Aws {
    base: SdkConfig,
    endpoint: Option<String>,
    region: String,
    clock: Arc<dyn Clock>,
}

impl Aws {
    /// Looks where AWS tools look: environment, profile, instance role. Nothing is asked of a network before it is
    /// needed.
    pub(in crate::source) async fn load(
        config: &AwsConfig,
        credentials: Option<Credentials>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let given = config.region.clone().map(Region::new);
        let region = RegionProviderChain::first_try(given).or_default_provider().or_else("us-east-1");
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_LIMIT)
            .operation_attempt_timeout(ANSWER_LIMIT)
            .build();
        let mut loader =
            aws_config::defaults(BehaviorVersion::latest()).region(region).timeout_config(timeouts);
        if let Some(credentials) = credentials {
            loader = loader.credentials_provider(credentials);
        }
        let base = loader.load().await;
        let endpoint = config.endpoint_url.clone().or_else(|| base.endpoint_url().map(str::to_owned));
        let region = base.region().map_or_else(|| "us-east-1".to_owned(), ToString::to_string);
        Self { base, endpoint, region, clock }
    }

    fn sts_config(&self) -> SdkConfig {
        let mut config = self.base.to_builder();
        config.set_endpoint_url(self.endpoint.clone());
        // Small requests, for which people wait.
        let timeouts =
            TimeoutConfig::builder().connect_timeout(CONNECT_LIMIT).operation_attempt_timeout(STS_LIMIT);
        config.set_timeout_config(Some(timeouts.build()));
        config.set_retry_config(Some(RetryConfig::standard().with_max_attempts(2)));
        config.build()
    }

    /// The ARN of whoever holds our base credentials; a session of a role counts as the role.
    pub(in crate::source) async fn principal(&self) -> Result<String, SourceError> {
        let sts = aws_sdk_sts::Client::new(&self.sts_config());
        let caller = sts.get_caller_identity().send().await;
        let caller = caller.map_err(|error| failure("GetCallerIdentity", "sts".to_owned(), &error))?;
        let arn = caller.arn().unwrap_or_default();
        Ok(role_of_session(arn).unwrap_or_else(|| arn.to_owned()))
    }

    /// What the store of roles calls itself, whatever it answers.
    pub(in crate::source) async fn store_name(&self) -> Option<String> {
        let sts = aws_sdk_sts::Client::new(&self.sts_config());
        let heard = Heard::default();
        // What it answers is no matter: only its name is.
        let _ = sts.get_caller_identity().customize().interceptor(heard.clone()).send().await;
        let heard = heard.0.lock().unwrap_or_else(PoisonError::into_inner);
        heard.server.clone()
    }

    async fn provider(&self, role: RoleSession<'_>) -> AssumeRoleProvider {
        let mut builder = AssumeRoleProvider::builder(role.arn)
            .configure(&self.sts_config())
            .session_name(role.name)
            .session_length(SESSION_LENGTH)
            .policy(self.session_policy(&role));
        if let Some(id) = role.external_id {
            builder = builder.external_id(id);
        }
        builder.build().await
    }

    /// The owner's policy may allow less than this; what it allows beyond is lost.
    fn session_policy(&self, role: &RoleSession<'_>) -> String {
        let mut statements = session_statements(role);
        // For buckets with a KMS key, where the owner's policy lets the role use it. Other stores know no such action, and
        // some (Ceph) refuse the whole policy for it.
        if self.endpoint.is_none() {
            statements.push(json!({"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*",
                "Condition": {"StringLike": {"kms:ViaService": "s3.*.amazonaws.com*"}}}));
        }
        json!({"Version": "2012-10-17", "Statement": statements}).to_string()
    }

    /// A session of the role, not yet begun.
    pub(in crate::source) async fn session(&self, role: RoleSession<'_>) -> Session {
        Session::new(self.provider(role).await, self.clock.clone())
    }

    /// Takes the role once.
    pub(in crate::source) async fn try_assume(&self, role: RoleSession<'_>) -> Result<(), SourceError> {
        let taken = self.provider(role).await.provide_credentials().await;
        taken.map(drop).map_err(|error| credentials_failure("AssumeRole", role.arn.to_owned(), &error))
    }

    /// A client for buckets of a region.
    pub(in crate::source) fn client(&self, target: Target<'_>, eyes: Eyes) -> Client {
        let own_region = || target.endpoint.map_or(self.region.as_str(), |endpoint| &endpoint.region);
        let region = Region::new(target.region.unwrap_or_else(own_region).to_owned());
        let mut config = client_config(&self.base, self.endpoint.as_deref(), region);
        if let Some(S3Endpoint { url, path_style, .. }) = target.endpoint {
            config = speaks_like_s3(config, url).force_path_style(*path_style);
        }
        if let Some(through) = target.through {
            config = config.http_client(through.clone());
        }
        let credentials = match eyes {
            Eyes::Session(session) => {
                let session: Arc<dyn ProvideCredentials> = session;
                Some(SharedCredentialsProvider::from(session))
            }
            Eyes::Keys(keys) => Some(SharedCredentialsProvider::new(keys)),
            Eyes::Own => self.base.credentials_provider(),
            Eyes::Nobody => {
                config = config.allow_no_auth();
                None
            }
        };
        config.set_credentials_provider(credentials);
        Client::from_conf(config.build())
    }

    /// A client for a queue. It asks the endpoint of the queue's region, or of the settings; never a host of the URL.
    pub(in crate::source) fn queue_client(&self, url: &str, eyes: Eyes) -> aws_sdk_sqs::Client {
        let host = url::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned));
        let region = host.as_deref().and_then(|host| host.strip_prefix("sqs.")?.split('.').next());
        let mut config = aws_sdk_sqs::config::Builder::from(&self.base)
            .region(Region::new(region.unwrap_or(&self.region).to_owned()))
            .identity_cache(IdentityCache::no_cache())
            .retry_config(RetryConfig::disabled())
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(CONNECT_LIMIT)
                    .operation_attempt_timeout(ANSWER_LIMIT)
                    .build(),
            );
        config.set_endpoint_url(self.endpoint.clone());
        let credentials = match eyes {
            Eyes::Session(session) => {
                let session: Arc<dyn ProvideCredentials> = session;
                Some(SharedCredentialsProvider::from(session))
            }
            Eyes::Keys(keys) => Some(SharedCredentialsProvider::new(keys)),
            Eyes::Own | Eyes::Nobody => self.base.credentials_provider(),
        };
        config.set_credentials_provider(credentials);
        aws_sdk_sqs::Client::from_conf(config.build())
    }

    /// See [`Probe`].
    pub(in crate::source) async fn probe(
        &self,
        client: &Client,
        bucket: &str,
        access: &S3Access,
        probe: Probe,
    ) -> Result<(), SourceError> {
        let address = || format!("s3://{bucket}");
        let owner = access.owner.clone();
        match probe {
            Probe::Location => {
                let asked =
                    client.get_bucket_location().bucket(bucket).set_expected_bucket_owner(owner).send();
                asked.await.map(drop).map_err(|error| failure("LOCATION", address(), &error))
            }
            Probe::AnyOwner => {
                let asked = client.head_bucket().bucket(bucket).send();
                asked.await.map(drop).map_err(|error| failure("HEAD", address(), &error))
            }
            Probe::Paying => {
                let asked =
                    client.list_objects_v2().bucket(bucket).set_expected_bucket_owner(owner).max_keys(1);
                let asked = asked.request_payer(RequestPayer::Requester).send();
                asked.await.map(drop).map_err(|error| failure("LIST", address(), &error))
            }
        }
    }

    /// Where the bucket lies: also a refusal tells.
    pub(in crate::source) async fn locate(
        &self,
        client: &Client,
        bucket: &str,
        access: &S3Access,
    ) -> Result<Place, SourceError> {
        let heard = Heard::default();
        let request = client.head_bucket().bucket(bucket).set_expected_bucket_owner(access.owner.clone());
        let answer = request.customize().interceptor(heard.clone()).send().await;
        let headers = heard.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let clock_ahead_s = headers.date.as_deref().and_then(parse_date).map(|theirs| {
            let ours = self.clock.now();
            let behind = i64::try_from(theirs.since(ours).as_secs()).unwrap_or(i64::MAX);
            i64::try_from(ours.since(theirs).as_secs()).unwrap_or(i64::MAX) - behind
        });
        match answer {
            Ok(_) => Ok(Place { region: headers.region, clock_ahead_s }),
            // A refusal that names the region is an answer: what may be done there is seen by the next requests.
            Err(error) => match failure("HEAD", format!("s3://{bucket}"), &error) {
                refused
                    if refused.kind != SourceErrorKind::NotFound
                        && (headers.region.is_some() || clock_ahead_s.is_some_and(is_refused_for)) =>
                {
                    Ok(Place { region: headers.region, clock_ahead_s })
                }
                refused => Err(refused),
            },
        }
    }
}

/// The one way in which all clients of S3 are set up; without credentials.
pub(in crate::source) fn client_config(base: &SdkConfig, endpoint: Option<&str>, region: Region) -> Builder {
    let config = Builder::from(base)
        .region(region)
        // The session renews itself; a second cache would hold on to what it dropped.
        .identity_cache(IdentityCache::no_cache())
        // `Retry` is the one place that tries again, within bounds that hold for bodies too.
        .retry_config(RetryConfig::disabled())
        // It takes a reader that waits for a store that stalls; `S3Source` has a limit for idle bodies.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(CONNECT_LIMIT)
                .operation_attempt_timeout(ANSWER_LIMIT)
                .build(),
        );
    match endpoint {
        Some(endpoint) => speaks_like_s3(config, endpoint),
        None => config,
    }
}

/// Stores other than AWS's: buckets in the path, and no checksums that not all of them know.
fn speaks_like_s3(config: Builder, endpoint: &str) -> Builder {
    config
        .endpoint_url(endpoint)
        .force_path_style(true)
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
}

/// Whether a store refuses requests for such a difference of clocks, in seconds.
fn is_refused_for(ahead_s: i64) -> bool {
    ahead_s.unsigned_abs() >= 900
}

/// The partition of a region: ARNs begin with it.
pub fn partition(region: &str) -> &'static str {
    match region {
        _ if region.starts_with("cn-") => "aws-cn",
        _ if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    }
}

/// `arn:aws:sts::1:assumed-role/Name/session` → `arn:aws:iam::1:role/Name`. A path of the role is not told by STS;
/// who has one sets `aws.principal_arn`.
pub(in crate::source) fn role_of_session(arn: &str) -> Option<String> {
    let mut parts = arn.splitn(6, ':');
    let (Some("arn"), Some(partition), Some("sts")) = (parts.next(), parts.next(), parts.next()) else {
        return None;
    };
    let account = parts.nth(1)?;
    let name = parts.next()?.strip_prefix("assumed-role/")?.split('/').next()?;
    Some(format!("arn:{partition}:iam::{account}:role/{name}"))
}

/// What a session may do at most: read this bucket below its prefix, and its queue.
fn session_statements(role: &RoleSession<'_>) -> Vec<Value> {
    let partition = role.arn.split(':').nth(1).unwrap_or("aws");
    let bucket = format!("arn:{partition}:s3:::{}", role.bucket);
    let objects = format!("{bucket}/{}*", literal(role.prefix));
    let mut statements = vec![
        json!({"Effect": "Allow", "Action": ["s3:ListBucket", "s3:GetBucketLocation"], "Resource": bucket}),
        json!({"Effect": "Allow", "Action": ["s3:GetObject", "s3:GetObjectVersion"], "Resource": objects}),
    ];
    if let Some(queue) = role.queue_url.and_then(|url| queue_arn(partition, url)) {
        let actions = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"];
        statements.push(json!({"Effect": "Allow", "Action": actions, "Resource": queue}));
    }
    statements
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_of_a_role_counts_as_the_role() {
        let role = role_of_session("arn:aws-cn:sts::123456789012:assumed-role/Telecine/i-0abc");
        assert_eq!(role.as_deref(), Some("arn:aws-cn:iam::123456789012:role/Telecine"));
        assert_eq!(role_of_session("arn:aws:iam::123456789012:user/telecine"), None);
        assert_eq!(role_of_session("arn:aws:iam::123456789012:root"), None);
    }

    #[test]
    fn what_a_session_may_do_ends_at_the_prefix_and_the_queue() {
        let role = RoleSession {
            arn: "arn:aws-cn:iam::1:role/R",
            external_id: None,
            name: "n",
            bucket: "films",
            prefix: "2024*/",
            queue_url: Some("https://sqs.cn-north-1.amazonaws.com.cn/1/changes"),
        };
        let policy = Value::from(session_statements(&role)).to_string();
        assert!(policy.contains("\"arn:aws-cn:s3:::films/2024${*}/*\""), "{policy}");
        assert!(policy.contains("\"arn:aws-cn:sqs:cn-north-1:1:changes\""), "{policy}");
    }

    #[test]
    fn regions_have_partitions() {
        assert_eq!(partition("us-west-2"), "aws");
        assert_eq!(partition("cn-north-1"), "aws-cn");
        assert_eq!(partition("us-gov-east-1"), "aws-us-gov");
    }
}
