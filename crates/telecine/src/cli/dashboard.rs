//! `telecine dashboard`: a link that opens the dashboard signed in, once.

use std::process::{Command, Stdio};

use clap::Args;
use serde_json::{Value, json};

use super::client::{Client, ServerArgs};
use super::failure::{Failure, Outcome};
use super::show::{self, say};

#[derive(Debug, Args)]
pub(super) struct DashboardArgs {
    /// Open the link in this machine's browser as well
    #[arg(long)]
    open: bool,
}

/// Runs the command.
pub(super) async fn run(args: DashboardArgs, server: &ServerArgs) -> Outcome {
    let client = Client::new(server)?;
    let made: Value = client.post("/session/codes", &json!({})).await?;
    let url = made["url"].as_str().unwrap_or_default();
    if server.json {
        show::print_json(&made)?;
    } else {
        say!("{url}");
        eprintln!(
            "This link signs one browser in, within ten minutes. Whoever has it has your key's rights."
        );
    }
    if args.open { open(url) } else { Ok(()) }
}

fn open(url: &str) -> Outcome {
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let mut command = Command::new(opener);
    command.arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        _ => Err(Failure::local(format!("`{opener}` does not open a browser here; open the link yourself"))),
    }
}
