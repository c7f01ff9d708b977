//! `telecine integration add`: connects a bucket and says what its owner has to do.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use crate::cli::client::Client;
use crate::cli::failure::Outcome;
use crate::cli::show::{self, say};

#[derive(Debug, Args)]
pub(in crate::cli) struct AddArgs {
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

pub(super) async fn add(client: &Client, args: AddArgs, json: bool) -> Outcome {
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
pub(super) fn print_documents(integration: &Value, saved: Option<&Path>) {
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

pub(super) fn save(integration: &Value, folder: &Path) -> Outcome {
    fs::create_dir_all(folder)?;
    for (name, key) in [("policy.json", "policy_document"), ("trust.json", "trust_document")] {
        if integration[key].is_object() {
            fs::write(folder.join(name), format!("{:#}\n", integration[key]))?;
        }
    }
    Ok(())
}
