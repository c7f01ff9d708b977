//! How a store is reached: which kind it is, where it lies, with whose eyes it is seen. Holds no secret: those are sealed
//! beside it ([`crate::vault`]).

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::transfer::Scheme;

/// A kind of store and what is needed to reach one bucket of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "store", rename_all = "snake_case")]
pub enum Provider {
    /// S3 of AWS, or a store that speaks like it.
    S3(S3Access),
    /// Google Cloud Storage.
    Gcs(GcsAccess),
    /// Azure Blob Storage.
    Azure(AzureAccess),
    /// A folder on this machine; only below roots that the operator's configuration allows.
    Folder {
        /// The folder.
        path: PathBuf,
    },
    /// A list of links.
    Urls {
        /// The links, each of which is a key.
        urls: Vec<String>,
    },
}

impl Provider {
    /// A bucket of AWS that is seen by a role of its owner.
    pub fn aws_role(role: Role) -> Self {
        Self::S3(S3Access {
            owner: Some(role.account_id.clone()),
            credentials: S3Credentials::Role(role),
            endpoint: None,
            requester_pays: false,
            kms_key_arn: None,
        })
    }

    /// The name in the API.
    pub fn name(&self) -> &'static str {
        match self {
            Self::S3(S3Access { endpoint: None, .. }) => "aws_s3",
            Self::S3(S3Access { endpoint: Some(_), .. }) => "s3_compatible",
            Self::Gcs(_) => "gcs",
            Self::Azure(_) => "azure_blob",
            Self::Folder { .. } => "folder",
            Self::Urls { .. } => "url_list",
        }
    }

    /// How addresses of its objects begin.
    pub fn scheme(&self) -> Scheme {
        match self {
            Self::S3(_) => Scheme::S3,
            Self::Gcs(_) => Scheme::Gcs,
            Self::Azure(_) => Scheme::Azure,
            Self::Folder { .. } => Scheme::Folder,
            Self::Urls { .. } => Scheme::Urls,
        }
    }

    /// The role in the owner's account, where one is taken.
    pub fn role(&self) -> Option<&Role> {
        match self {
            Self::S3(S3Access { credentials: S3Credentials::Role(role), .. }) => Some(role),
            _ => None,
        }
    }

    /// Whether it cannot be reached without a sealed secret.
    pub fn needs_secret(&self) -> bool {
        match self {
            Self::S3(access) => matches!(access.credentials, S3Credentials::Keys { .. }),
            Self::Gcs(access) => matches!(access.credentials, GcsCredentials::ServiceAccount { .. }),
            Self::Azure(access) => matches!(
                access.credentials,
                AzureCredentials::SharedKey | AzureCredentials::Sas | AzureCredentials::ClientSecret { .. }
            ),
            Self::Folder { .. } | Self::Urls { .. } => false,
        }
    }
}

/// How a bucket of S3 is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct S3Access {
    /// With whose eyes.
    pub credentials: S3Credentials,
    /// The 12-digit account that must own the bucket, where it is known: a bucket that was given up and taken by
    /// another is refused.
    #[serde(default)]
    pub owner: Option<String>,
    /// Another store than AWS (or the one that the server's configuration names).
    #[serde(default)]
    pub endpoint: Option<S3Endpoint>,
    /// Whether this server's account pays for requests and bytes, with the owner's and the operator's consent.
    #[serde(default)]
    pub requester_pays: bool,
    /// The key that encrypts the objects: the policy document then allows to decrypt with it.
    #[serde(default)]
    pub kms_key_arn: Option<String>,
}

/// A store that speaks like S3.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct S3Endpoint {
    /// Its URL.
    pub url: String,
    /// Whether the bucket stands in the path (the rule) or in the host.
    pub path_style: bool,
    /// The region that requests are signed for; many stores take any.
    pub region: String,
}

/// With whose eyes a bucket of S3 is seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum S3Credentials {
    /// A role in the owner's account.
    Role(Role),
    /// An access key; its secret is sealed.
    Keys {
        /// The public half.
        access_key_id: String,
    },
    /// This server's own credentials, for buckets that the operator allows.
    Instance,
    /// Nobody's, for public buckets.
    Anonymous,
}

/// A role in the account of the bucket's owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Role {
    /// The owner's 12-digit account.
    pub account_id: String,
    /// The role to assume.
    pub arn: String,
    /// Random, ours, one per integration, never taken from a client.
    pub external_id: String,
}

/// How a bucket of Google Cloud Storage is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GcsAccess {
    /// With whose eyes.
    pub credentials: GcsCredentials,
    /// Another endpoint than Google's.
    #[serde(default)]
    pub endpoint: Option<String>,
    /// The project that pays, for buckets whose requester does.
    #[serde(default)]
    pub user_project: Option<String>,
}

/// With whose eyes a bucket of Google Cloud Storage is seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum GcsCredentials {
    /// A service account; its key file is sealed.
    ServiceAccount {
        /// Whom the owner lets read.
        client_email: String,
    },
    /// This server's own, for buckets that the operator allows.
    Instance,
    /// Nobody's, for public buckets.
    Anonymous,
}

/// How a container of Azure Blob Storage is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AzureAccess {
    /// The storage account.
    pub account: String,
    /// With whose eyes.
    pub credentials: AzureCredentials,
    /// Another endpoint than Azure's.
    #[serde(default)]
    pub endpoint: Option<String>,
}

/// With whose eyes a container of Azure Blob Storage is seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum AzureCredentials {
    /// The account's key, sealed.
    SharedKey,
    /// A shared access signature, sealed.
    Sas,
    /// An application of Entra; its secret is sealed.
    ClientSecret {
        /// The directory.
        tenant_id: String,
        /// The application.
        client_id: String,
    },
    /// This server's own identity, for containers that the operator allows.
    Instance,
    /// Nobody's, for public containers.
    Anonymous,
}
