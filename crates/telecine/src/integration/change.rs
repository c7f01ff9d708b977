//! What may be changed of an integration after it was made: its secret, what is encrypted and paid for, which objects are
//! taken, when it is listed. Where it leads to never changes: that would be another integration.

use super::bucket::{is_region, parse_kms_key};
use super::create::{NewIntegration, check_text, checked_secret, consent_to_pay};
use super::given::Given;
use super::{AzureCredentials, Filters, GcsCredentials, Integration, Provider, S3Credentials, Schedule};
use crate::config::Config;
use crate::fault::Fault;
use crate::vault::Secret;

/// Names of what can be changed.
pub const CHANGES: [&str; 11] = [
    "access_key_id",
    "secret_access_key",
    "service_account_key",
    "shared_key",
    "sas_token",
    "client_secret",
    "kms_key_arn",
    "requester_pays",
    "region",
    "filters",
    "schedule",
];

/// A change; what is not given stays.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct IntegrationChange {
    /// The public half of another access key.
    pub access_key_id: Option<String>,
    /// Its secret half.
    pub secret_access_key: Option<Secret>,
    /// Another key of the same service account.
    pub service_account_key: Option<Secret>,
    /// Another key of the storage account.
    pub shared_key: Option<Secret>,
    /// Another signature.
    pub sas_token: Option<Secret>,
    /// Another secret of the application.
    pub client_secret: Option<Secret>,
    /// The key that encrypts the objects.
    pub kms_key_arn: Option<String>,
    /// Whether this server's account pays for requests.
    pub requester_pays: Option<bool>,
    /// The bucket's region, as a hint.
    pub region: Option<String>,
    /// Which objects are taken for videos to index.
    pub filters: Option<Filters>,
    /// When it is synchronized by itself.
    pub schedule: Option<Schedule>,
}

/// Makes the change; gives the new secret, if there is one, for the vault.
pub(super) fn apply(
    integration: &mut Integration,
    change: &IntegrationChange,
    config: &Config,
) -> Result<Option<Secret>, Fault> {
    let secret = secret(integration, change)?;
    if let Some(filters) = &change.filters {
        filters.check()?;
        integration.filters = filters.clone();
    }
    if let Some(schedule) = &change.schedule {
        schedule.check()?;
        integration.schedule = schedule.clone();
    }
    if let Some(region) = &change.region {
        if !is_region(region) {
            let message = "The parameter `region` is not the name of a region, such as `us-west-2`.";
            return Err(Fault::parameter(message).value(region.chars().take(60).collect::<String>()));
        }
        match &mut integration.provider {
            Provider::S3(access) => match &mut access.endpoint {
                Some(endpoint) => endpoint.region.clone_from(region),
                None => integration.region = Some(region.clone()),
            },
            _ => return Err(belongs_to_s3("region")),
        }
    }
    if let Some(pays) = change.requester_pays {
        let Provider::S3(access) = &mut integration.provider else {
            return Err(belongs_to_s3("requester_pays"));
        };
        if pays {
            consent_to_pay(config)?;
        }
        access.requester_pays = pays;
    }
    if let Some(key) = &change.kms_key_arn {
        let Provider::S3(access) = &mut integration.provider else {
            return Err(belongs_to_s3("kms_key_arn"));
        };
        access.kms_key_arn = Some(parse_kms_key(key)?);
    }
    Ok(secret)
}

fn belongs_to_s3(name: &str) -> Fault {
    Fault::parameter(format!("The parameter `{name}` belongs to buckets of S3."))
}

fn secret(integration: &mut Integration, change: &IntegrationChange) -> Result<Option<Secret>, Fault> {
    let secrets = [
        ("secret_access_key", &change.secret_access_key),
        ("service_account_key", &change.service_account_key),
        ("shared_key", &change.shared_key),
        ("sas_token", &change.sas_token),
        ("client_secret", &change.client_secret),
    ];
    let wanted = match &integration.provider {
        Provider::S3(access) if matches!(access.credentials, S3Credentials::Keys { .. }) => {
            "secret_access_key"
        }
        Provider::Gcs(access) if matches!(access.credentials, GcsCredentials::ServiceAccount { .. }) => {
            "service_account_key"
        }
        Provider::Azure(access) => match access.credentials {
            AzureCredentials::SharedKey => "shared_key",
            AzureCredentials::Sas => "sas_token",
            AzureCredentials::ClientSecret { .. } => "client_secret",
            AzureCredentials::Instance | AzureCredentials::Anonymous => "",
        },
        _ => "",
    };
    if let Some((name, _)) = secrets.iter().find(|(name, given)| given.is_some() && *name != wanted) {
        return Err(Fault::parameter(format!(
            "The parameter `{name}` is not what this integration is reached with."
        ))
        .rule("the kind of credentials stays; connect the bucket anew to change it"));
    }
    let given = Given::of(&NewIntegration::default());
    if let Some(id) = &change.access_key_id {
        let Provider::S3(access) = &mut integration.provider else {
            return Err(belongs_to_s3("access_key_id"));
        };
        let S3Credentials::Keys { access_key_id } = &mut access.credentials else {
            return Err(Fault::parameter(
                "The parameter `access_key_id` is not what this integration is reached with.",
            ));
        };
        check_text("access_key_id", id, 128)?;
        // One half of another pair would leave nothing that works.
        checked_secret("secret_access_key", change.secret_access_key.as_ref(), &given)?;
        access_key_id.clone_from(id);
    }
    let found = secrets.into_iter().find(|(name, given)| given.is_some() && *name == wanted);
    found.map(|(name, secret)| checked_secret(name, secret.as_ref(), &given)).transpose()
}
