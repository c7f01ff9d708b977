//! `telecine integration setup` and `template`: what the owner of a bucket has to do, in the way that suits them.

use std::path::Path;

use clap::ValueEnum;
use futures::StreamExt;
use serde_json::Value;

use super::path_of;
use crate::cli::client::Client;
use crate::cli::failure::Outcome;
use crate::cli::show::{self, say};

/// Equal ways to set a role up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Way {
    /// Steps in the AWS console
    Console,
    /// Commands of the AWS CLI, as a script
    Cli,
    /// A CloudFormation template
    Cloudformation,
    /// Terraform
    Terraform,
}

pub(super) async fn setup(client: &Client, integration: &str, way: Way) -> Outcome {
    let found = client.integration(integration).await?;
    say!("{}", text(client, &found, way).await?.trim_end());
    Ok(())
}

/// For those who just connected a bucket.
pub(super) async fn print_what_to_do(client: &Client, made: &Value, saved: Option<&Path>) -> Outcome {
    say!("\n{}", text(client, made, Way::Console).await?.trim_end());
    let id = show::text(&made["_id"]);
    if made["policy_document"].is_object() && made["role_arn"].is_string() {
        say!("\nThe same as commands, as a CloudFormation template or for Terraform:\n");
        for way in ["cli", "cloudformation", "terraform"] {
            say!("  telecine integration setup {id} --as {way}");
        }
        if let Some(url) = made["setup"]["cloudformation"]["quick_create_url"].as_str() {
            say!("\nOr with one click: {url}");
        }
    }
    if let Some(folder) = saved {
        say!("\nThe documents are in {}.", folder.display());
    }
    Ok(())
}

async fn text(client: &Client, integration: &Value, way: Way) -> Outcome<String> {
    let format = match way {
        Way::Console => "console",
        Way::Cli => "cli",
        Way::Cloudformation => "cloudformation",
        Way::Terraform => "terraform",
    };
    let path = format!("{}/setup", path_of(integration)?);
    let mut parts = client.stream(&path, &[("format", format.to_owned())]).await?;
    let mut bytes = Vec::new();
    while let Some(part) = parts.next().await {
        bytes.extend_from_slice(&part?);
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
