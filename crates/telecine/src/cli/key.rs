//! `telecine key`: keys are made, listed and revoked in the data folder itself, whether a server runs on it or not.

use clap::{Args, Subcommand};
use serde_json::json;

use super::failure::{Failure, Outcome};
use super::settings::{DataArgs, DatabaseArgs, FileArgs};
use super::show::{self, say};
use crate::app::open_store;
use crate::config::load;
use crate::fault::Fault;
use crate::files::DataDir;
use crate::ids::{KeyId, WorkspaceId};
use crate::keys::{self, RateLimits};
use crate::store::Store;
use crate::time::{Clock, SystemClock};

#[derive(Debug, Args)]
pub(super) struct KeyArgs {
    #[command(subcommand)]
    command: KeyCommand,
    /// Print JSON instead of text for people
    #[arg(long, global = true)]
    json: bool,
    #[command(flatten)]
    file: FileArgs,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Debug, Subcommand)]
enum KeyCommand {
    /// Make a key; it is shown once and cannot be had again
    Create {
        /// What to call it, such as the program that uses it
        name: String,
        /// How often it may ask, such as search=3000/day; classes are search, create_task, generate, embed and other, per
        /// minute or day (default: what the settings say)
        #[arg(long = "rate-limit", value_name = "CLASS=NUMBER/PER")]
        rate_limits: Vec<String>,
    },
    /// List keys; of each, only its first characters are known
    List,
    /// Make a key stop working, from its next request on
    Revoke {
        /// Its id, as `telecine key list` shows it
        key: KeyId,
    },
}

/// Runs the command.
pub(super) async fn run(args: KeyArgs) -> Outcome {
    let mut flags = args.file.flags();
    args.data.add_to(&mut flags);
    args.database.add_to(&mut flags);
    let config = load(&flags)?;
    let files = DataDir::new(&config.server.data_dir);
    let is_creating = matches!(args.command, KeyCommand::Create { .. });
    if !is_creating && !config.is_shared() && !files.database().exists() {
        return Err(Failure::Usage(format!(
            "there is no data in {}; name another folder with --data-dir or TELECINE_DATA_DIR",
            files.path().display()
        )));
    }
    let store = open_store(&config).await?;
    let clock = SystemClock;
    let workspace = store.default_workspace(clock.now()).await?;
    match args.command {
        KeyCommand::Create { name, rate_limits } => {
            let limits = limits(&rate_limits)?;
            let (mut key, secret) = keys::create(&*store, &clock, workspace, &name).await?;
            if limits.is_some() {
                keys::limit(&*store, workspace, key.id, limits).await?;
                key.rate_limits = limits;
            }
            if args.json {
                let mut shown = serde_json::to_value(&key)?;
                shown["key"] = json!(secret);
                return show::print_json(&shown);
            }
            say!("{secret}");
            eprintln!("This is the key `{}`. Keep it: it cannot be shown again.", key.name);
            Ok(())
        }
        KeyCommand::List => list(&*store, workspace, args.json).await,
        KeyCommand::Revoke { key } => {
            keys::revoke(&*store, &clock, workspace, key).await?;
            eprintln!("Revoked. Requests with this key are refused from now on.");
            Ok(())
        }
    }
}

fn limits(given: &[String]) -> Result<Option<RateLimits>, Failure> {
    let mut all = None;
    for limit in given {
        let limit: RateLimits = limit.parse().map_err(|fault: Fault| Failure::Usage(fault.sentence()))?;
        all = Some(limit.or(all.unwrap_or_default()));
    }
    Ok(all)
}

async fn list(store: &dyn Store, workspace: WorkspaceId, json: bool) -> Outcome {
    let keys = store.keys(workspace).await?;
    if json {
        return show::print_json(&json!({ "data": keys }));
    }
    let mut table = show::table(&["NAME", "KEY", "BEGINS WITH", "MADE", "REVOKED"]);
    for key in &keys {
        let revoked = key.revoked_at.map(|moment| json!(moment)).unwrap_or_default();
        table.add_row([
            key.name.clone(),
            key.id.to_string(),
            format!("{}…", key.prefix),
            show::moment(&json!(key.created_at)),
            show::moment(&revoked),
        ]);
    }
    super::print_list(&table, keys.len(), keys.len() as u64, "key", "`telecine key create NAME` makes one")
}
