//! `telecine integration manifest`: the list of a bucket's videos.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use futures::StreamExt;
use serde_json::Value;

use super::narrow::NarrowArgs;
use super::path_of;
use crate::cli::client::Client;
use crate::cli::failure::Outcome;
use crate::cli::output::Output;
use crate::cli::show::{self, say};

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
    /// Only videos in this state: not_indexed, indexed, changed, failed or in_progress
    #[arg(long, value_name = "STATE", conflicts_with = "new_only")]
    state: Option<String>,
    #[command(flatten)]
    narrow: NarrowArgs,
    /// Leave out captions that lie beside the videos (name.srt, name.en.vtt)
    #[arg(long)]
    no_captions: bool,
    /// Go by the last listing instead of listing the bucket anew
    #[arg(long)]
    no_sync: bool,
    /// `json` is what `telecine transfer` takes
    #[arg(long, value_enum, default_value = "json")]
    format: Format,
    /// Only count the videos
    #[arg(long)]
    count: bool,
    /// Write into this file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Json,
    Jsonl,
    Csv,
}

pub(super) async fn manifest(client: &Client, args: ManifestArgs, json: bool) -> Outcome {
    let path = format!("{}/manifest", path_of(&client.integration(&args.integration).await?)?);
    let format = match args.format {
        Format::Json => "json",
        Format::Jsonl => "jsonl",
        Format::Csv => "csv",
    };
    let mut query = vec![
        ("index_id", client.index_id(&args.index).await?),
        ("language", args.language),
        ("only_not_indexed", args.new_only.to_string()),
        ("captions", (!args.no_captions).to_string()),
        ("synchronize", (!args.no_sync).to_string()),
        ("format", format.to_owned()),
    ];
    query.extend(args.state.map(|state| ("state", state)));
    args.narrow.add_to(&mut query);
    if args.count {
        query.push(("count", "true".to_owned()));
        let count: Value = client.get(&path, &query).await?;
        if json {
            return show::print_json(&count);
        }
        let of = |name: &str| count[name].as_u64().unwrap_or(0);
        say!(
            "{} ({}), {} with captions.",
            show::count(of("count"), "video"),
            show::size(of("bytes")),
            of("with_transcription"),
        );
        return Ok(());
    }
    let mut stream = client.stream(&path, &query).await?;
    let mut out = Output::open(args.output.as_deref())?;
    while let Some(chunk) = stream.next().await {
        out.write_all(&chunk?)?;
    }
    out.finish()?;
    if let Some(file) = args.output.as_ref().filter(|_| args.format == Format::Json) {
        eprintln!("Written to {}. Next: telecine transfer {}", file.display(), file.display());
    }
    Ok(())
}
