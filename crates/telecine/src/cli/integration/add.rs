//! `telecine integration add` and `edit`: connects a bucket and says what its owner has to do; changes what may be
//! changed later. Secrets come from files or standard input, never from the command line, which others can see.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::{name_of, path_of, setup};
use crate::cli::client::Client;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::show::{self, say};

#[derive(Debug, Args)]
pub(in crate::cli) struct AddArgs {
    /// The bucket: its name, s3:// address, ARN or console URL, perhaps with a prefix; with --folder or --urls, any name
    /// to call it by
    bucket: String,
    /// The kind of store
    #[arg(long, value_enum, default_value_t = Store::S3, hide_default_value = true)]
    provider: Store,
    /// Only keys that begin with this
    #[arg(long, value_name = "PREFIX")]
    prefix: Option<String>,
    /// The 12-digit AWS account that owns the bucket
    #[arg(long, value_name = "ACCOUNT")]
    account_id: Option<String>,
    /// Name of the role in that account
    #[arg(long, value_name = "NAME", conflicts_with = "role_arn")]
    role_name: Option<String>,
    /// ARN of the role, in place of account and name
    #[arg(long, value_name = "ARN")]
    role_arn: Option<String>,
    /// ARN of the KMS key that encrypts the objects
    #[arg(long, value_name = "ARN")]
    kms_key_arn: Option<String>,
    /// The server's account pays for requests, where the bucket asks for it and the operator allows it
    #[arg(long)]
    requester_pays: bool,
    /// The bucket's region, as a hint
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// Another store that speaks like S3, GCS or Azure
    #[arg(long, value_name = "URL")]
    endpoint_url: Option<String>,
    /// Whether that store has the bucket in the path (true) or in the host (false)
    #[arg(long, value_name = "BOOL")]
    path_style: Option<bool>,
    /// What the bucket is read with, where it is not clear: role, keys, instance, anonymous, service_account,
    /// shared_key, sas, client_secret
    #[arg(long, value_name = "KIND")]
    credentials: Option<String>,
    /// An access key, in place of a role; its secret is read from --secret-file
    #[arg(long, value_name = "ID")]
    access_key_id: Option<String>,
    /// File with the secret: of the access key, the key file of a service account, a SAS token, … (- for standard input)
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// The storage account, at Azure
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
    /// The directory of an Entra application
    #[arg(long, value_name = "ID")]
    tenant_id: Option<String>,
    /// The Entra application
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// The project that pays, at Google
    #[arg(long, value_name = "PROJECT")]
    user_project: Option<String>,
    /// Connect a folder on the server's machine instead of a bucket; it must lie below one of the server's
    /// `folders.roots`
    #[arg(long, value_name = "PATH", conflicts_with_all = ["account_id", "role_name", "urls"])]
    folder: Option<String>,
    /// Connect a list of links, one a line in this file
    #[arg(long, value_name = "FILE")]
    urls: Option<PathBuf>,
    /// Also write policy.json and trust.json into this folder
    #[arg(long, value_name = "FOLDER")]
    save: Option<PathBuf>,
}

/// Kinds of stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Store {
    /// AWS, or what speaks like it
    S3,
    /// Google Cloud Storage
    Gcs,
    /// Azure Blob Storage
    Azure,
}

impl AddArgs {
    fn body(&self) -> Outcome<Value> {
        let provider = match (self.provider, &self.folder, &self.urls, &self.endpoint_url) {
            (_, Some(_), ..) => "folder",
            (_, _, Some(_), _) => "url_list",
            (Store::S3, .., Some(_)) => "s3_compatible",
            (Store::S3, ..) => "aws_s3",
            (Store::Gcs, ..) => "gcs",
            (Store::Azure, ..) => "azure_blob",
        };
        let mut body = json!({
            "provider": provider,
            "bucket": self.bucket,
            "prefix": self.prefix,
            "account_id": self.account_id,
            "role_name": self.role_name,
            "role_arn": self.role_arn,
            "kms_key_arn": self.kms_key_arn,
            "region": self.region,
            "endpoint_url": self.endpoint_url,
            "path_style": self.path_style,
            "credentials": self.credentials,
            "access_key_id": self.access_key_id,
            "account": self.account,
            "tenant_id": self.tenant_id,
            "client_id": self.client_id,
            "user_project": self.user_project,
            "path": self.folder,
        });
        if self.requester_pays {
            body["requester_pays"] = true.into();
        }
        if let Some(file) = &self.urls {
            let text = fs::read_to_string(file)?;
            body["urls"] = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        }
        if let Some(file) = &self.secret_file {
            let name = match (self.provider, self.credentials.as_deref()) {
                (Store::S3, _) => "secret_access_key",
                (Store::Gcs, _) => "service_account_key",
                (Store::Azure, kind) => secret_of_azure(kind, self.client_id.is_some()),
            };
            body[name] = secret(file)?.into();
        }
        if let Some(fields) = body.as_object_mut() {
            fields.retain(|_, value| !value.is_null());
        }
        Ok(body)
    }
}

fn secret_of_azure(kind: Option<&str>, has_client: bool) -> &'static str {
    match kind {
        Some("shared_key") => "shared_key",
        Some("client_secret") => "client_secret",
        None if has_client => "client_secret",
        _ => "sas_token",
    }
}

pub(super) async fn add(client: &Client, args: AddArgs, json: bool) -> Outcome {
    let made: Value = client.post("/integrations", &args.body()?).await?;
    if let Some(folder) = &args.save {
        save(&made, folder)?;
    }
    if json {
        return show::print_json(&made);
    }
    say!("Integration {} for {} is made.", show::text(&made["_id"]), name_of(&made));
    setup::print_what_to_do(client, &made, args.save.as_deref()).await
}

#[derive(Debug, Args)]
pub(in crate::cli) struct EditArgs {
    /// The integration, by its bucket or id
    integration: String,
    /// Another access key; its secret is read from --secret-file
    #[arg(long, value_name = "ID", requires = "secret_file")]
    access_key_id: Option<String>,
    /// File with the new secret (- for standard input)
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// ARN of the KMS key that encrypts the objects
    #[arg(long, value_name = "ARN")]
    kms_key_arn: Option<String>,
    /// Whether the server's account pays for requests
    #[arg(long, value_name = "BOOL")]
    requester_pays: Option<bool>,
    /// The bucket's region, as a hint
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    #[command(flatten)]
    filters: FilterArgs,
    #[command(flatten)]
    schedule: ScheduleArgs,
}

/// Given together they replace the filters that are there.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Which videos are taken")]
pub(in crate::cli) struct FilterArgs {
    /// Only keys that match one of these (`*` stays within a folder, `**` does not); may be repeated
    #[arg(long, value_name = "GLOB")]
    include: Vec<String>,
    /// No keys that match one of these; may be repeated
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<String>,
    /// At least so many bytes
    #[arg(long, value_name = "BYTES")]
    min_bytes: Option<u64>,
    /// At most so many bytes
    #[arg(long, value_name = "BYTES")]
    max_bytes: Option<u64>,
    /// Take every video again
    #[arg(long, conflicts_with_all = ["include", "exclude", "min_bytes", "max_bytes"])]
    no_filters: bool,
}

impl FilterArgs {
    /// What the API takes; null where nothing is to change.
    fn body(&self) -> Value {
        let Self { include, exclude, min_bytes, max_bytes, no_filters } = self;
        let is_given = !include.is_empty() || !exclude.is_empty() || min_bytes.or(*max_bytes).is_some();
        match is_given || *no_filters {
            false => Value::Null,
            true => json!({
                "include": include, "exclude": exclude, "min_bytes": min_bytes, "max_bytes": max_bytes,
            }),
        }
    }
}

/// Given together they replace the schedule that is there.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "When it is listed by itself")]
pub(in crate::cli) struct ScheduleArgs {
    /// Seconds between two listings (at least 60)
    #[arg(long, value_name = "SECONDS")]
    every_s: Option<u64>,
    /// A queue of SQS to which the bucket tells its changes
    #[arg(long, value_name = "URL")]
    queue_url: Option<String>,
    /// Only when asked to
    #[arg(long, conflicts_with_all = ["every_s", "queue_url"])]
    no_schedule: bool,
}

impl ScheduleArgs {
    /// What the API takes; null where nothing is to change.
    fn body(&self) -> Value {
        let Self { every_s, queue_url, no_schedule } = self;
        match every_s.is_some() || queue_url.is_some() || *no_schedule {
            false => Value::Null,
            true => json!({ "every_s": every_s, "queue_url": queue_url }),
        }
    }
}

pub(super) async fn edit(client: &Client, args: EditArgs, json: bool) -> Outcome {
    let found = client.integration(&args.integration).await?;
    let mut body = json!({
        "access_key_id": args.access_key_id,
        "kms_key_arn": args.kms_key_arn,
        "requester_pays": args.requester_pays,
        "region": args.region,
        "filters": args.filters.body(),
        "schedule": args.schedule.body(),
    });
    if let Some(file) = &args.secret_file {
        let name = match found["credentials"].as_str().unwrap_or_default() {
            "service_account" => "service_account_key",
            "shared_key" => "shared_key",
            "sas" => "sas_token",
            "client_secret" => "client_secret",
            _ => "secret_access_key",
        };
        body[name] = secret(file)?.into();
    }
    if let Some(fields) = body.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
        if fields.is_empty() {
            return Err(Failure::Usage("nothing to change was given; see --help".to_owned()));
        }
    }
    let changed: Value = client.patch(&path_of(&found)?, &body).await?;
    if json {
        return show::print_json(&changed);
    }
    say!("{} is changed. Check it: telecine integration verify {}", name_of(&changed), args.integration);
    Ok(())
}

fn secret(file: &Path) -> Outcome<String> {
    let mut text = String::new();
    if file == Path::new("-") {
        std::io::stdin().read_to_string(&mut text)?;
    } else {
        text = fs::read_to_string(file)?;
    }
    Ok(text.trim().to_owned())
}

pub(super) fn save(integration: &Value, folder: &Path) -> Outcome {
    fs::create_dir_all(folder)?;
    for (name, key) in [("policy.json", "policy_document"), ("trust.json", "trust_document")] {
        if integration[key].is_object() {
            fs::write(folder.join(name), format!("{:#}\n", integration[key]))?;
        }
    }
    Ok(())
}
