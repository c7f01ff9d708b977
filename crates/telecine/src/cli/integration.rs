//! `telecine integration`: connected buckets, from the documents that their owners apply to the manifest of their
//! videos.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use futures::StreamExt;
use serde_json::{Value, json};

use super::client::{Client, ServerArgs};
use super::failure::{Failure, Outcome};
use super::output::Output;
use super::show::{self, say};

#[derive(Debug, Subcommand)]
pub(super) enum IntegrationCommand {
    /// Connect a bucket: prints the policy and the role that its owner has to create
    Add(AddArgs),
    /// Check, step by step, that the bucket can be read, and by us alone
    Verify {
        /// The integration, by its bucket or id
        integration: String,
    },
    /// List the bucket anew, to learn of added, changed and removed files
    Sync {
        /// The integration, by its bucket or id
        integration: String,
    },
    /// Write the list of videos in the bucket as a manifest for `telecine transfer`
    Manifest(ManifestArgs),
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
    /// Forget an integration; videos that were indexed stay, and nothing in the bucket changes
    Rm {
        /// The integration, by its bucket or id
        integration: String,
    },
}

#[derive(Debug, Args)]
pub(super) struct AddArgs {
    /// Name of the bucket; with --folder, any name to call the folder by
    bucket: String,
    /// The 12-digit AWS account that owns the bucket
    #[arg(long, value_name = "ACCOUNT", required_unless_present = "folder")]
    account_id: Option<String>,
    /// Name of the role in that account
    #[arg(long, value_name = "NAME", conflicts_with = "folder")]
    role_name: Option<String>,
    /// Connect a folder on the server's machine instead of a bucket; it must lie below one of the server's
    /// `folders.roots`
    #[arg(long, value_name = "PATH", conflicts_with = "account_id")]
    folder: Option<String>,
    /// Also write policy.json and trust.json into this folder
    #[arg(long, value_name = "FOLDER")]
    save: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct ManifestArgs {
    /// The integration, by its bucket or id
    integration: String,
    /// The index that the videos shall enter, by its name or id
    #[arg(long)]
    index: String,
    /// What is spoken in the videos
    #[arg(long, default_value = "en", value_name = "TAG")]
    language: String,
    /// Only videos that the index does not have yet
    #[arg(long)]
    new_only: bool,
    /// Go by the last listing instead of listing the bucket anew
    #[arg(long)]
    no_sync: bool,
    /// Write into this file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Runs the command.
pub(super) async fn run(command: IntegrationCommand, server: &ServerArgs) -> Outcome {
    let client = Client::new(server)?;
    let json = server.json;
    match command {
        IntegrationCommand::Add(args) => add(&client, args, json).await,
        IntegrationCommand::Verify { integration } => verify(&client, &integration, json).await,
        IntegrationCommand::Sync { integration } => sync(&client, &integration, json).await,
        IntegrationCommand::Manifest(args) => manifest(&client, args).await,
        IntegrationCommand::List => list(&client, json).await,
        IntegrationCommand::Show { integration, save } => {
            show_one(&client, &integration, save.as_deref(), json).await
        }
        IntegrationCommand::Rm { integration } => {
            let path = path_of(&client.integration(&integration).await?)?;
            client.delete(&path).await
        }
    }
}

fn path_of(integration: &Value) -> Outcome<String> {
    let id = integration["_id"].as_str();
    id.map(|id| format!("/integrations/{id}"))
        .ok_or_else(|| Failure::local("the server names no integration"))
}

async fn add(client: &Client, args: AddArgs, json: bool) -> Outcome {
    let bucket = args.bucket.trim_start_matches("s3://").trim_end_matches('/');
    let mut body = match &args.folder {
        Some(path) => json!({ "provider": "folder", "bucket": bucket, "path": path }),
        None => json!({ "provider": "aws_s3", "bucket": bucket, "account_id": args.account_id }),
    };
    if let Some(role) = args.role_name {
        body["role_name"] = json!(role);
    }
    let made: Value = client.post("/integrations", &body).await?;
    if let Some(folder) = &args.save {
        save(&made, folder)?;
    }
    if json {
        return show::print_json(&made);
    }
    if args.folder.is_some() {
        say!("Integration {} for the folder is made.", show::text(&made["_id"]));
        say!("Check it with `telecine integration verify {bucket}`.");
        return Ok(());
    }
    say!("Integration {} for s3://{bucket} is made.", show::text(&made["_id"]));
    print_documents(&made, args.save.as_deref());
    say!("\nThen check it: telecine integration verify {bucket}");
    Ok(())
}

/// What the owner of the bucket has to do.
fn print_documents(integration: &Value, saved: Option<&Path>) {
    let text = |name: &str| show::text(&integration[name]);
    let (policy, role, account) = (text("policy_name"), text("role_name"), text("account_id"));
    say!("\nIn the AWS account {account}, the owner of the bucket creates");
    say!("\n1. the policy {policy}:\n\n{:#}", integration["policy_document"]);
    say!("\n2. the role {role} with this trust policy:\n\n{:#}", integration["trust_document"]);
    say!("\n3. and attaches the policy to the role. With the AWS command line:\n");
    let folder = saved.map_or_else(String::new, |folder| format!("{}/", folder.display()));
    say!("  aws iam create-policy --policy-name {policy} --policy-document file://{folder}policy.json");
    say!("  aws iam create-role --role-name {role} --assume-role-policy-document file://{folder}trust.json");
    say!("  aws iam attach-role-policy --role-name {role} \\");
    say!("      --policy-arn arn:aws:iam::{account}:policy/{policy}");
    if saved.is_none() {
        say!("\nThe two files: telecine integration show {} --save .", text("bucket"));
    }
}

fn save(integration: &Value, folder: &Path) -> Outcome {
    fs::create_dir_all(folder)?;
    for (name, key) in [("policy.json", "policy_document"), ("trust.json", "trust_document")] {
        if integration[key].is_object() {
            fs::write(folder.join(name), format!("{:#}\n", integration[key]))?;
        }
    }
    Ok(())
}

async fn verify(client: &Client, integration: &str, json: bool) -> Outcome {
    let path = path_of(&client.integration(integration).await?)?;
    let verified: Value = client.post(&format!("{path}/verify"), &json!({})).await?;
    let is_active = verified["status"] == "active";
    if json {
        show::print_json(&verified)?;
    } else {
        print_checks(&verified)?;
        if is_active {
            say!("\n{} is active: its files can be read.", name_of(&verified));
        }
    }
    if is_active { Ok(()) } else { Err(Failure::Told) }
}

fn name_of(integration: &Value) -> String {
    let bucket = show::text(&integration["bucket"]);
    if integration["provider"] == "aws_s3" { format!("s3://{bucket}") } else { bucket }
}

fn print_checks(integration: &Value) -> Outcome {
    let mut table = show::table(&["CHECK", "OUTCOME", "FOUND"]);
    let checks: Vec<&Value> = integration["checks"].as_array().into_iter().flatten().collect();
    for check in &checks {
        table.add_row(vec![
            show::text(&check["title"]).into(),
            show::status(check["outcome"].as_str().unwrap_or_default()),
            show::text(&check["detail"]).into(),
        ]);
    }
    show::print_table(&table);
    for fault in checks.iter().map(|check| &check["fault"]).filter(|fault| fault.is_object()) {
        say!("\n{}: {}", show::text(&fault["code"]), show::text(&fault["message"]));
        for (label, name) in [("found", "value"), ("rule", "rule"), ("next", "remedy")] {
            if let Some(text) = fault[name].as_str() {
                say!("  {label:<6} {text}");
            }
        }
    }
    Ok(())
}

async fn sync(client: &Client, integration: &str, json: bool) -> Outcome {
    let found = client.integration(integration).await?;
    let report: Value = client.post(&format!("{}/synchronize", path_of(&found)?), &json!({})).await?;
    if json {
        return show::print_json(&report);
    }
    let of = |name: &str| report[name].as_u64().unwrap_or(0);
    say!(
        "{} holds {}, {} of them videos by their names: {} new, {} changed, {} gone since last time.",
        name_of(&found),
        show::count(of("items"), "file"),
        of("videos"),
        of("added"),
        of("changed"),
        of("removed"),
    );
    Ok(())
}

async fn manifest(client: &Client, args: ManifestArgs) -> Outcome {
    let path = path_of(&client.integration(&args.integration).await?)?;
    let query = [
        ("index_id", client.index_id(&args.index).await?),
        ("language", args.language),
        ("only_not_indexed", args.new_only.to_string()),
        ("synchronize", (!args.no_sync).to_string()),
    ];
    let mut stream = client.stream(&format!("{path}/manifest"), &query).await?;
    let mut out = Output::open(args.output.as_deref())?;
    while let Some(chunk) = stream.next().await {
        out.write_all(&chunk?)?;
    }
    out.finish()?;
    if let Some(file) = &args.output {
        eprintln!("Written to {}. Next: telecine transfer {}", file.display(), file.display());
    }
    Ok(())
}

async fn list(client: &Client, json: bool) -> Outcome {
    let all: Value = client.get("/integrations", &[]).await?;
    if json {
        return show::print_json(&all);
    }
    let rows: Vec<&Value> = all["data"].as_array().into_iter().flatten().collect();
    let mut table = show::table(&["BUCKET", "INTEGRATION", "STATUS", "REGION", "LAST LISTED"]);
    for row in &rows {
        table.add_row(vec![
            name_of(row).into(),
            show::text(&row["_id"]).into(),
            show::status(row["status"].as_str().unwrap_or_default()),
            show::text(&row["region"]).into(),
            show::moment(&row["synchronized_at"]).into(),
        ]);
    }
    let total = rows.len() as u64;
    super::print_list(&table, rows.len(), total, "integration", "`telecine integration add BUCKET` makes one")
}

async fn show_one(client: &Client, integration: &str, folder: Option<&Path>, json: bool) -> Outcome {
    let found = client.integration(integration).await?;
    if let Some(folder) = folder {
        save(&found, folder)?;
    }
    if json {
        return show::print_json(&found);
    }
    say!("{} ({}): {}", name_of(&found), show::text(&found["_id"]), show::text(&found["status"]));
    if found["checks"].as_array().is_some_and(|checks| !checks.is_empty()) {
        say!("");
        print_checks(&found)?;
    }
    if found["status"] != "active" && found["policy_document"].is_object() {
        print_documents(&found, folder);
    }
    if found["synchronized_at"].is_string() {
        let statistics: Value = client.get(&format!("{}/statistics", path_of(&found)?), &[]).await?;
        let of = |name: &str| statistics[name].as_u64().unwrap_or(0);
        say!(
            "\nAs of {}: {} ({}), {} of them videos; {} indexed, {} not.",
            show::moment(&found["synchronized_at"]),
            show::count(of("items"), "file"),
            show::size(of("bytes")),
            of("videos"),
            of("indexed"),
            of("not_indexed"),
        );
    }
    Ok(())
}
