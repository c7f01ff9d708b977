//! From what a user gives to an integration: which store, with whose eyes, which part of it. Says of every parameter that
//! does not fit why it does not. Asks nothing of any network; what only the operator may allow is looked up in the
//! settings.

use url::Url;
use uuid::Uuid;

use super::bucket::{
    is_region, parse_account, parse_bucket, parse_folder_name, parse_kms_key, parse_other_bucket,
    parse_prefix, parse_role, parse_role_arn,
};
use super::given::Given;
use super::{
    AzureAccess, AzureCredentials, Filters, GcsAccess, GcsCredentials, Provider, ROLE_NAME, Role, S3Access,
    S3Credentials, S3Endpoint, Schedule,
};
use crate::config::Config;
use crate::fault::Fault;
use crate::source::http::Links;
use crate::source::{self, Endpoint, EndpointPath, Guard, UrlListSource};
use crate::vault::Secret;

/// Links of a list.
const MAX_URLS: usize = 10_000;
/// Bytes of a secret; the key file of a service account has some 2,300.
const MAX_SECRET_BYTES: usize = 16 << 10;

/// What a user gives to connect a bucket. There is no external id: those are ours.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NewIntegration {
    /// `aws_s3` (also when empty), `s3_compatible`, `gcs`, `azure_blob`, `folder` or `url_list`.
    pub provider: String,
    /// The bucket: its name, `s3://…`, ARN or URL, perhaps with a prefix. For folders and lists, what they are called in
    /// addresses.
    pub bucket: String,
    /// Only keys that begin with this.
    pub prefix: Option<String>,
    /// `role`, `keys`, `instance` or `anonymous`; mostly clear from what else is given.
    pub credentials: Option<String>,
    /// The bucket's region, as a hint.
    pub region: Option<String>,
    /// The owner's 12-digit account.
    pub account_id: Option<String>,
    /// The role's name, if not the usual one.
    pub role_name: Option<String>,
    /// The role's ARN, in place of account and name.
    pub role_arn: Option<String>,
    /// The key that encrypts the objects.
    pub kms_key_arn: Option<String>,
    /// Whether this server's account pays for requests.
    pub requester_pays: Option<bool>,
    /// Another store than AWS, Google's or Azure's own.
    pub endpoint_url: Option<String>,
    /// Whether the bucket stands in the path of that store's addresses.
    pub path_style: Option<bool>,
    /// The public half of an access key.
    pub access_key_id: Option<String>,
    /// The other half.
    pub secret_access_key: Option<Secret>,
    /// The key file of a service account of Google's, JSON.
    pub service_account_key: Option<Secret>,
    /// The project that pays, at Google.
    pub user_project: Option<String>,
    /// The storage account, at Azure.
    pub account: Option<String>,
    /// Its key.
    pub shared_key: Option<Secret>,
    /// A shared access signature.
    pub sas_token: Option<Secret>,
    /// The directory of an application of Entra.
    pub tenant_id: Option<String>,
    /// The application.
    pub client_id: Option<String>,
    /// Its secret.
    pub client_secret: Option<Secret>,
    /// Where a folder lies.
    pub path: Option<String>,
    /// The links of a list.
    pub urls: Vec<String>,
    /// Which objects are taken for videos to index.
    pub filters: Filters,
    /// When it is synchronized by itself.
    pub schedule: Schedule,
}

/// What comes of it.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) provider: Provider,
    pub(super) bucket: String,
    pub(super) prefix: String,
    pub(super) region: Option<String>,
    pub(super) secret: Option<Secret>,
    /// Whether the role has the usual name because none was given.
    pub(super) is_usual_role: bool,
}

/// Reads what was given.
pub(super) fn draft(new: &NewIntegration, config: &Config) -> Result<Draft, Fault> {
    let given = Given::of(new);
    let draft = match new.provider.as_str() {
        "" | "aws_s3" => s3(new, &given, config)?,
        "s3_compatible" => {
            given.require("endpoint_url", new.endpoint_url.as_ref())?;
            s3(new, &given, config)?
        }
        "gcs" => gcs(new, &given, config)?,
        "azure_blob" => azure(new, &given, config)?,
        "folder" => folder(new, &given)?,
        "url_list" => url_list(new, &given, config)?,
        other => {
            return Err(Fault::parameter("The parameter `provider` is not one that is known.")
                .value(other.chars().take(60).collect::<String>())
                .rule("one of `aws_s3`, `s3_compatible`, `gcs`, `azure_blob`, `folder`, `url_list`"));
        }
    };
    new.filters.check()?;
    new.schedule.check()?;
    require_consent(&draft, config)?;
    Ok(draft)
}

fn prefix(new: &NewIntegration, of_address: &str) -> Result<String, Fault> {
    match (new.prefix.as_deref().unwrap_or_default(), of_address) {
        ("", of_address) => parse_prefix(of_address),
        (given, "") => parse_prefix(given),
        (given, of_address) if given == of_address => parse_prefix(given),
        (given, of_address) => Err(Fault::parameter(
            "The parameter `prefix` is another one than stands in the address of the bucket.",
        )
        .value(format!("{given} and {of_address}"))),
    }
}

fn s3(new: &NewIntegration, given: &Given, config: &Config) -> Result<Draft, Fault> {
    given.refuse_all_but(
        "a bucket of S3",
        &[
            "account_id",
            "role_name",
            "role_arn",
            "kms_key_arn",
            "requester_pays",
            "endpoint_url",
            "path_style",
            "access_key_id",
            "secret_access_key",
            "region",
            "prefix",
            "credentials",
        ],
    )?;
    let bucket = parse_bucket(&new.bucket)?;
    let prefix = prefix(new, &bucket.prefix)?;
    let region = region(new, bucket.region)?;
    let endpoint = new.endpoint_url.as_deref().map(|url| s3_endpoint(new, url, config)).transpose()?;
    if endpoint.is_none() && new.path_style.is_some() {
        return Err(Fault::parameter("The parameter `path_style` belongs to stores with an `endpoint_url`."));
    }
    let has_key = new.access_key_id.is_some() || new.secret_access_key.is_some();
    let kind =
        given.kind(&["role", "keys", "instance", "anonymous"], if has_key { "keys" } else { "role" })?;
    if kind != "role" {
        given.refuse(&["role_name", "role_arn"], &format!("roles, and `credentials` is `{kind}`"))?;
    }
    if kind != "keys" {
        given.refuse(
            &["access_key_id", "secret_access_key"],
            &format!("access keys, and `credentials` is `{kind}`"),
        )?;
    }
    if endpoint.is_some() && matches!(kind, "role" | "instance") {
        return Err(own_credentials_stay_here(new.endpoint_url.as_deref().unwrap_or_default()));
    }
    let (mut secret, mut is_usual_role) = (None, false);
    let mut owner = new.account_id.as_deref().map(parse_account).transpose()?;
    let credentials = match kind {
        "role" => {
            let role = role(new, bucket.partition.as_deref(), region.as_deref(), given, config)?;
            is_usual_role = new.role_name.is_none() && new.role_arn.is_none();
            // A role may lie in another account than the bucket; then the account is the bucket's.
            owner = owner.or_else(|| Some(role.account_id.clone()));
            S3Credentials::Role(role)
        }
        "keys" => {
            let access_key_id = given.require("access_key_id", new.access_key_id.as_ref())?.clone();
            check_text("access_key_id", &access_key_id, 128)?;
            secret = Some(checked_secret("secret_access_key", new.secret_access_key.as_ref(), given)?);
            S3Credentials::Keys { access_key_id }
        }
        "instance" => S3Credentials::Instance,
        _ => S3Credentials::Anonymous,
    };
    let access = S3Access {
        credentials,
        owner,
        endpoint,
        requester_pays: new.requester_pays.unwrap_or(false),
        kms_key_arn: new.kms_key_arn.as_deref().map(parse_kms_key).transpose()?,
    };
    let region = if access.endpoint.is_some() { None } else { region };
    Ok(Draft { provider: Provider::S3(access), bucket: bucket.name, prefix, region, secret, is_usual_role })
}

fn role(
    new: &NewIntegration,
    partition: Option<&str>,
    region: Option<&str>,
    given: &Given,
    config: &Config,
) -> Result<Role, Fault> {
    // 122 random bits, ours: the only lock on a role whose name everybody knows.
    let external_id = Uuid::new_v4().to_string();
    if let Some(arn) = &new.role_arn {
        given.refuse(&["role_name"], "roles without a `role_arn`")?;
        let role = parse_role_arn(arn)?;
        return Ok(Role { account_id: role.account_id, arn: arn.clone(), external_id });
    }
    let account_id = parse_account(given.require("account_id", new.account_id.as_ref())?)?;
    let name = parse_role(new.role_name.as_deref().unwrap_or(ROLE_NAME))?;
    let region = region.or(config.aws.region.as_deref()).unwrap_or_default();
    let partition = partition.unwrap_or_else(|| source::partition(region));
    let arn = format!("arn:{partition}:iam::{account_id}:role/{name}");
    Ok(Role { account_id, arn, external_id })
}

fn region(new: &NewIntegration, of_address: Option<String>) -> Result<Option<String>, Fault> {
    let Some(region) = new.region.clone().or(of_address) else { return Ok(None) };
    if is_region(&region) {
        return Ok(Some(region));
    }
    Err(Fault::parameter("The parameter `region` is not the name of a region, such as `us-west-2`.")
        .value(region.chars().take(60).collect::<String>()))
}

fn s3_endpoint(new: &NewIntegration, url: &str, config: &Config) -> Result<S3Endpoint, Fault> {
    Ok(S3Endpoint {
        url: endpoint(url, EndpointPath::Refused, config)?,
        path_style: new.path_style.unwrap_or(true),
        region: region(new, None)?.unwrap_or_else(|| "us-east-1".to_owned()),
    })
}

/// The one place where endpoints of users come in.
fn endpoint(url: &str, path: EndpointPath, config: &Config) -> Result<String, Fault> {
    let checked = Endpoint::parse(url, path, &Guard::new(&config.urls));
    checked.map(|endpoint| endpoint.as_str().to_owned()).map_err(|error| {
        Fault::parameter("The parameter `endpoint_url` is not the address of a store that this server asks.")
            .value(error.detail)
            .rule("https and a public host, without path, query and credentials")
            .remedy("Stores in private networks are for the operator to allow, in urls.allow_private_hosts.")
    })
}

fn gcs(new: &NewIntegration, given: &Given, config: &Config) -> Result<Draft, Fault> {
    given.refuse_all_but(
        "a bucket of Google Cloud Storage",
        &["service_account_key", "user_project", "endpoint_url", "prefix", "credentials"],
    )?;
    let (bucket, of_address) = parse_other_bucket(&new.bucket, "gs://")?;
    let prefix = prefix(new, &of_address)?;
    let usual = if new.service_account_key.is_some() { "service_account" } else { "" };
    let endpoint =
        new.endpoint_url.as_deref().map(|url| endpoint(url, EndpointPath::Refused, config)).transpose()?;
    let kind = given.kind(&["service_account", "instance", "anonymous"], usual)?;
    let mut secret = None;
    let credentials = match kind {
        "service_account" => {
            let key = checked_secret("service_account_key", new.service_account_key.as_ref(), given)?;
            let client_email = service_account(&key, config)?;
            secret = Some(key);
            GcsCredentials::ServiceAccount { client_email }
        }
        "instance" if endpoint.is_some() => {
            return Err(own_credentials_stay_here(new.endpoint_url.as_deref().unwrap_or_default()));
        }
        "instance" => GcsCredentials::Instance,
        _ => GcsCredentials::Anonymous,
    };
    if kind != "service_account" {
        given
            .refuse(&["service_account_key"], &format!("service accounts, and `credentials` is `{kind}`"))?;
    }
    if let Some(project) = &new.user_project {
        check_text("user_project", project, 63)?;
    }
    let user_project = new.user_project.clone();
    let provider = Provider::Gcs(GcsAccess { credentials, endpoint, user_project });
    Ok(Draft { provider, bucket, prefix, region: None, secret, is_usual_role: false })
}

/// Whom the key file is of. Where tokens are had is not the user's to say.
fn service_account(key: &Secret, config: &Config) -> Result<String, Fault> {
    // Nothing of the file is told, not even where it is wrong: it is a secret.
    let wrong = |why: &str| {
        Fault::parameter("The parameter `service_account_key` is not the key file of a service account.")
            .rule(why)
    };
    let file: serde_json::Value =
        serde_json::from_str(key.reveal()).map_err(|_| wrong("it is JSON, as Google gives it"))?;
    let text = |name: &str| file[name].as_str().filter(|text| !text.is_empty());
    if text("type") != Some("service_account") || text("private_key").is_none() {
        return Err(wrong("its `type` is `service_account`, and it has a `private_key`"));
    }
    if let Some(token_uri) = text("token_uri") {
        let url = Url::parse(token_uri).map_err(|_| wrong("its `token_uri` is a URL"))?;
        let is_googles =
            url.scheme() == "https" && url.host_str().is_some_and(|host| host.ends_with(".googleapis.com"));
        let origin = url.origin().ascii_serialization();
        let is_allowed = config
            .urls
            .allow_private_hosts
            .iter()
            .any(|host| url.host_str() == Some(host) || origin.strip_prefix("http://") == Some(host));
        if !is_googles && !is_allowed {
            return Err(wrong("its `token_uri` is one of Google's"));
        }
    }
    let email = text("client_email").ok_or_else(|| wrong("it names a `client_email`"))?;
    check_text("service_account_key", email, 254)?;
    Ok(email.to_owned())
}

fn azure(new: &NewIntegration, given: &Given, config: &Config) -> Result<Draft, Fault> {
    given.refuse_all_but(
        "a container of Azure",
        &[
            "account",
            "shared_key",
            "sas_token",
            "tenant_id",
            "client_id",
            "client_secret",
            "endpoint_url",
            "prefix",
            "credentials",
        ],
    )?;
    let (bucket, of_address) = parse_other_bucket(&new.bucket, "az://")?;
    let prefix = prefix(new, &of_address)?;
    let account = given.require("account", new.account.as_ref())?.clone();
    let is_account = (3..=24).contains(&account.len())
        && account.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    if !is_account {
        let message = "The parameter `account` is not the name of a storage account: 3 to 24 lowercase letters and digits.";
        return Err(Fault::parameter(message).value(account.chars().take(60).collect::<String>()));
    }
    let endpoint =
        new.endpoint_url.as_deref().map(|url| endpoint(url, EndpointPath::OnePart, config)).transpose()?;
    let usual = match (&new.shared_key, &new.sas_token, &new.client_secret) {
        (Some(_), ..) => "shared_key",
        (_, Some(_), _) => "sas",
        (_, _, Some(_)) => "client_secret",
        _ => "",
    };
    let kind = given.kind(&["shared_key", "sas", "client_secret", "instance", "anonymous"], usual)?;
    for (name, of) in [
        ("shared_key", "shared_key"),
        ("sas_token", "sas"),
        ("client_secret", "client_secret"),
        ("tenant_id", "client_secret"),
        ("client_id", "client_secret"),
    ] {
        if of != kind {
            given.refuse(&[name], &format!("`credentials` of the kind `{of}`, and they are `{kind}`"))?;
        }
    }
    let mut secret = None;
    let credentials = match kind {
        "shared_key" => {
            secret = Some(checked_secret("shared_key", new.shared_key.as_ref(), given)?);
            AzureCredentials::SharedKey
        }
        "sas" => {
            secret = Some(checked_secret("sas_token", new.sas_token.as_ref(), given)?);
            AzureCredentials::Sas
        }
        "client_secret" => {
            secret = Some(checked_secret("client_secret", new.client_secret.as_ref(), given)?);
            let tenant_id = given.require("tenant_id", new.tenant_id.as_ref())?.clone();
            let client_id = given.require("client_id", new.client_id.as_ref())?.clone();
            check_text("tenant_id", &tenant_id, 100)?;
            check_text("client_id", &client_id, 100)?;
            AzureCredentials::ClientSecret { tenant_id, client_id }
        }
        "instance" if endpoint.is_some() => {
            return Err(own_credentials_stay_here(new.endpoint_url.as_deref().unwrap_or_default()));
        }
        "instance" => AzureCredentials::Instance,
        _ => AzureCredentials::Anonymous,
    };
    let provider = Provider::Azure(AzureAccess { account, credentials, endpoint });
    Ok(Draft { provider, bucket, prefix, region: None, secret, is_usual_role: false })
}

fn folder(new: &NewIntegration, given: &Given) -> Result<Draft, Fault> {
    given.refuse_all_but("a folder", &["path", "prefix"])?;
    let bucket = parse_folder_name(&new.bucket)?;
    let path = given.require("path", new.path.as_ref())?;
    let provider = Provider::Folder { path: path.into() };
    Ok(Draft { provider, bucket, prefix: prefix(new, "")?, region: None, secret: None, is_usual_role: false })
}

fn url_list(new: &NewIntegration, given: &Given, config: &Config) -> Result<Draft, Fault> {
    given.refuse_all_but("a list of links", &["urls"])?;
    let bucket = parse_folder_name(&new.bucket)?;
    let wrong = |message: String| Fault::parameter(message);
    if new.urls.is_empty() {
        return Err(given.missing("urls"));
    }
    if new.urls.len() > MAX_URLS {
        let message = format!(
            "The parameter `urls` has {} links, of which at most {MAX_URLS} are taken.",
            new.urls.len()
        );
        return Err(wrong(message));
    }
    let links = Links::new(&config.urls)
        .map_err(|error| wrong(format!("Links cannot be read by this server: {error:#}.")))?;
    UrlListSource::new(&bucket, links, new.urls.clone()).map_err(|error| {
        wrong("The parameter `urls` has a link that this server does not read.".to_owned())
            .value(format!("{}: {}", error.address, error.detail))
            .remedy("Hosts in private networks are for the operator to allow, in urls.allow_private_hosts.")
    })?;
    let provider = Provider::Urls { urls: new.urls.clone() };
    Ok(Draft { provider, bucket, prefix: String::new(), region: None, secret: None, is_usual_role: false })
}

/// What is the operator's to allow.
fn require_consent(draft: &Draft, config: &Config) -> Result<(), Fault> {
    let is_own = match &draft.provider {
        Provider::S3(access) => access.credentials == S3Credentials::Instance,
        Provider::Gcs(access) => access.credentials == GcsCredentials::Instance,
        Provider::Azure(access) => access.credentials == AzureCredentials::Instance,
        Provider::Folder { .. } | Provider::Urls { .. } => false,
    };
    let address = format!("{}://{}", draft.provider.scheme().as_str(), draft.bucket);
    if is_own && !config.integrations.own_credentials_for.contains(&address) {
        return Err(Fault::parameter("This server's own credentials are not for this bucket.")
            .value(address.clone())
            .rule(
                "whoever may connect a bucket would see what the server sees: the operator lists what may be",
            )
            .remedy(format!("Let the operator add \"{address}\" to integrations.own_credentials_for.")));
    }
    match &draft.provider {
        Provider::S3(access) if access.requester_pays => consent_to_pay(config),
        _ => Ok(()),
    }
}

/// Whether the server's account may pay for requests.
pub(super) fn consent_to_pay(config: &Config) -> Result<(), Fault> {
    if config.integrations.allow_requester_pays {
        return Ok(());
    }
    Err(Fault::parameter("The parameter `requester_pays` is not allowed on this server.")
        .value("true")
        .rule("the server's account would pay for requests and bytes: the operator must agree")
        .remedy("Let the operator set integrations.allow_requester_pays = true."))
}

fn own_credentials_stay_here(endpoint: &str) -> Fault {
    Fault::parameter("At an endpoint of your own, this server's credentials are not used: give an access key.")
        .value(endpoint.chars().take(120).collect::<String>())
        .rule("the server's own credentials, and so roles, are for AWS and for the store in the setting aws.endpoint_url")
        .remedy("Give `access_key_id` and `secret_access_key` of a user that may read this bucket and nothing more.")
}

/// A secret that was given and has a length that secrets have.
pub(super) fn checked_secret(name: &str, secret: Option<&Secret>, given: &Given) -> Result<Secret, Fault> {
    let secret = secret.filter(|secret| !secret.reveal().is_empty()).ok_or_else(|| given.missing(name))?;
    if secret.reveal().len() > MAX_SECRET_BYTES {
        return Err(Fault::parameter(format!("The parameter `{name}` is longer than any such secret.")));
    }
    Ok(secret.clone())
}

/// A text that ends up in requests: of a length, and without spaces and control characters.
pub(super) fn check_text(name: &str, text: &str, most: usize) -> Result<(), Fault> {
    let is_good = (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    if is_good {
        return Ok(());
    }
    Err(Fault::parameter(format!(
        "The parameter `{name}` has spaces, control characters or too many letters."
    ))
    .value(text.chars().take(60).collect::<String>()))
}
