//! `telecine doctor`: what is wrong with everything that a server stands on, and what to do. Needs no server.

use clap::Args;
use serde_json::json;

use super::failure::{Failure, Outcome};
use super::settings::{DataArgs, DatabaseArgs, FileArgs, ModelsDirArgs, SetArgs, SharedArgs};
use super::show::{self, say};
use crate::config::load;
use crate::doctor::{Check, State, examine};

#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    /// Print JSON instead of text for people
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    file: FileArgs,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    shared: SharedArgs,
    #[command(flatten)]
    models: ModelsDirArgs,
    #[command(flatten)]
    set: SetArgs,
}

/// Runs the command.
pub(super) async fn run(args: DoctorArgs) -> Outcome {
    let mut flags = args.file.flags();
    args.data.add_to(&mut flags);
    args.database.add_to(&mut flags);
    args.shared.add_to(&mut flags);
    args.models.add_to(&mut flags);
    args.set.add_to(&mut flags)?;
    let config = load(&flags)?;
    let checks = examine(&config).await;
    let worst = checks.iter().map(|check| check.state).max().unwrap_or(State::Ok);
    if args.json {
        show::print_json(&json!({ "state": worst, "checks": checks }))?;
    } else {
        tell(&checks);
    }
    if worst == State::Failed { Err(Failure::Told) } else { Ok(()) }
}

fn tell(checks: &[Check]) {
    let width = checks.iter().map(|check| check.name.chars().count()).max().unwrap_or_default();
    for check in checks {
        let mark = match check.state {
            State::Ok => "ok     ",
            State::Warning => "warning",
            State::Failed => "FAILED ",
        };
        say!("{mark}  {:width$}  {}", check.name, check.found);
        if let Some(remedy) = &check.remedy {
            say!("{:9}{:width$}  → {remedy}", "", "");
        }
    }
    let count = |state| checks.iter().filter(|check| check.state == state).count();
    say!("");
    match (count(State::Failed), count(State::Warning)) {
        (0, 0) => say!("All is well."),
        (0, warnings) => say!("A server works with this; {warnings} to be looked at."),
        (failed, warnings) => {
            say!("{failed} to be mended before a server works; {warnings} more to be looked at.")
        }
    }
}
