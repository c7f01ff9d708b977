//! `telecine integration`: connected buckets, from the documents that their owners apply to the manifest of their
//! videos. One file per command.

mod add;
mod import;
mod manifest;
mod narrow;
mod objects;
mod rm;
mod setup;
mod show;
mod sync;
mod verify;

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::Value;

use self::add::{AddArgs, EditArgs};
use self::import::ImportArgs;
use self::manifest::ManifestArgs;
use self::objects::ObjectsArgs;
use self::setup::Way;
use self::sync::SyncArgs;
use super::client::{Client, ServerArgs};
use super::failure::{Failure, Outcome};
use super::show as shown;

#[derive(Debug, Subcommand)]
pub(super) enum IntegrationCommand {
    /// Connect a bucket: prints the policy and the role that its owner has to create
    Add(Box<AddArgs>),
    /// Show what the owner of the bucket has to do: steps, commands, a template
    Setup {
        /// The integration, by its bucket or id
        integration: String,
        /// The way
        #[arg(long = "as", value_enum, default_value_t = Way::Console)]
        way: Way,
    },
    /// Print the CloudFormation template for all integrations, to be put into a public bucket for quick-create links
    Template,
    /// Change the secret, filters, schedule, key, payer or region of an integration
    Edit(Box<EditArgs>),
    /// Check, step by step, that the bucket can be read, and by us alone
    Verify {
        /// The integration, by its bucket or id
        integration: String,
    },
    /// List the bucket anew, to learn of added, changed and removed files
    Sync(SyncArgs),
    /// Write the list of videos in the bucket as a manifest for `telecine transfer`
    Manifest(ManifestArgs),
    /// List what lies in the bucket: why each object is or is not taken, and what became of it
    Objects(ObjectsArgs),
    /// Bring the videos of the bucket into an index: lists the bucket and takes what the index does not have
    Import(ImportArgs),
    /// Show where every video of the bucket stands with an index
    ImportStatus {
        /// The integration, by its bucket or id
        integration: String,
        /// The index, by its name or id
        #[arg(long)]
        index: String,
    },
    /// List the imports of an integration, oldest first
    ImportLog {
        /// The integration, by its bucket or id; a deleted one by its id
        integration: String,
    },
    /// List integrations
    List,
    /// Show an integration, its checks and how much of its bucket is indexed
    Show {
        /// The integration, by its bucket or id
        integration: String,
        /// Write policy.json and trust.json into this folder
        #[arg(long, value_name = "FOLDER")]
        save: Option<PathBuf>,
    },
    /// Delete integrations; videos that were indexed stay, and nothing in the buckets changes
    Rm {
        /// The integrations, by their buckets or ids
        #[arg(required = true)]
        integrations: Vec<String>,
        /// Say what would stay, end and go; delete nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Bring a deleted integration back; without a name, list those that can be
    Restore {
        /// The integration, by its bucket or id
        integration: Option<String>,
    },
}

/// Runs the command.
pub(super) async fn run(command: IntegrationCommand, server: &ServerArgs) -> Outcome {
    if matches!(command, IntegrationCommand::Template) {
        // The same for everybody: no server is asked.
        return shown::print_json(&crate::integration::general_template());
    }
    let client = Client::new(server)?;
    let json = server.json;
    match command {
        IntegrationCommand::Add(args) => add::add(&client, *args, json).await,
        IntegrationCommand::Setup { integration, way } => setup::setup(&client, &integration, way).await,
        IntegrationCommand::Template => Ok(()),
        IntegrationCommand::Edit(args) => add::edit(&client, *args, json).await,
        IntegrationCommand::Verify { integration } => verify::verify(&client, &integration, json).await,
        IntegrationCommand::Sync(args) => sync::sync(&client, args, json).await,
        IntegrationCommand::Manifest(args) => manifest::manifest(&client, args, json).await,
        IntegrationCommand::Objects(args) => objects::objects(&client, args, json).await,
        IntegrationCommand::Import(args) => import::import(&client, args, json).await,
        IntegrationCommand::ImportStatus { integration, index } => {
            import::import_status(&client, &integration, &index, json).await
        }
        IntegrationCommand::ImportLog { integration } => {
            import::import_log(&client, &integration, json).await
        }
        IntegrationCommand::List => show::list(&client, json).await,
        IntegrationCommand::Show { integration, save } => {
            show::show_one(&client, &integration, save.as_deref(), json).await
        }
        IntegrationCommand::Rm { integrations, dry_run } => {
            rm::rm(&client, &integrations, dry_run, json).await
        }
        IntegrationCommand::Restore { integration: Some(integration) } => {
            rm::restore(&client, &integration, json).await
        }
        IntegrationCommand::Restore { integration: None } => rm::restorable(&client, json).await,
    }
}

fn path_of(integration: &Value) -> Outcome<String> {
    let id = integration["_id"].as_str();
    id.map(|id| format!("/integrations/{id}"))
        .ok_or_else(|| Failure::local("the server names no integration"))
}

fn name_of(integration: &Value) -> String {
    let (bucket, prefix) =
        (shown::text(&integration["bucket"]), integration["prefix"].as_str().unwrap_or_default());
    let scheme = match integration["provider"].as_str() {
        Some("aws_s3" | "s3_compatible") => "s3://",
        Some("gcs") => "gs://",
        Some("azure_blob") => "az://",
        _ => return bucket,
    };
    let slash = if prefix.is_empty() { "" } else { "/" };
    format!("{scheme}{bucket}{slash}{prefix}")
}
