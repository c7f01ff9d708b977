//! `telecine integration manifest`: the list of a bucket's videos.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use futures::StreamExt;

use super::path_of;
use crate::cli::client::Client;
use crate::cli::failure::Outcome;
use crate::cli::output::Output;

#[derive(Debug, Args)]
pub(in crate::cli) struct ManifestArgs {
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

pub(super) async fn manifest(client: &Client, args: ManifestArgs) -> Outcome {
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
