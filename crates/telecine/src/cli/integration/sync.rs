//! `telecine integration sync`: lists a bucket anew, and shows how far that has come. It goes on when it is left.

use std::io::{IsTerminal as _, stderr};
use std::time::{Duration, Instant};

use clap::Args;
use indicatif::ProgressBar;
use serde_json::{Value, json};

use super::{name_of, path_of};
use crate::cli::client::Client;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::show::{self, say};

/// How often the server is asked, and how often a log gets a line.
const ASK_EVERY: Duration = Duration::from_millis(300);
const TELL_EVERY: Duration = Duration::from_secs(5);

#[derive(Debug, Args)]
pub(in crate::cli) struct SyncArgs {
    /// The integration, by its bucket or id
    integration: String,
    /// Begin, and do not wait for the end
    #[arg(long)]
    no_wait: bool,
    /// Give up the synchronization that goes on; what it found stays
    #[arg(long, conflicts_with = "no_wait")]
    cancel: bool,
}

pub(super) async fn sync(client: &Client, args: SyncArgs, json: bool) -> Outcome {
    let integration = client.integration(&args.integration).await?;
    let path = path_of(&integration)?;
    if args.cancel {
        return cancel(client, &path, json).await;
    }
    let begun: Value = client.post(&format!("{path}/synchronize?wait=false"), &json!({})).await?;
    let run_path = format!("{path}/synchronizations/{}", show::text(&begun["_id"]));
    if args.no_wait {
        if json {
            return show::print_json(&begun);
        }
        say!("{} is being listed.", name_of(&integration));
        eprintln!("See how far it has come, or wait for it: telecine integration sync {}", args.integration);
        return Ok(());
    }
    let ended = tokio::select! {
        ended = follow(client, &run_path) => ended?,
        _ = tokio::signal::ctrl_c() => {
            eprintln!("\nIt goes on; give it up with `telecine integration sync --cancel {}`.", args.integration);
            return Err(Failure::Interrupted);
        }
    };
    if json {
        show::print_json(&ended)?;
        return if ended["state"] == "done" { Ok(()) } else { Err(Failure::Told) };
    }
    tell(&integration, &ended)
}

fn tell(integration: &Value, run: &Value) -> Outcome {
    let of = |name: &str| run[name].as_u64().unwrap_or(0);
    let found = format!("{} new, {} changed, {} gone", of("added"), of("changed"), of("removed"));
    match run["state"].as_str() {
        Some("done") => {
            say!(
                "{} holds {}, {} of them videos by their names: {found} since last time.",
                name_of(integration),
                show::count(of("items"), "file"),
                of("videos"),
            );
            Ok(())
        }
        Some("failed") => {
            let fault = &run["fault"];
            eprintln!("The listing failed after {}: {found}.", show::count(of("listed"), "file"));
            for name in ["message", "value", "remedy"] {
                if let Some(text) = fault[name].as_str() {
                    eprintln!("  {text}");
                }
            }
            Err(Failure::Told)
        }
        _ => {
            eprintln!("The listing was given up after {}: {found}.", show::count(of("listed"), "file"));
            Err(Failure::Told)
        }
    }
}

async fn follow(client: &Client, path: &str) -> Outcome<Value> {
    let line = stderr().is_terminal().then(ProgressBar::new_spinner);
    let mut told = Instant::now();
    loop {
        let run: Value = client.get(path, &[]).await?;
        if run["state"] != "running" {
            if let Some(line) = line {
                line.finish_and_clear();
            }
            return Ok(run);
        }
        match &line {
            Some(line) => {
                line.set_message(progress(&run));
                line.tick();
            }
            None if told.elapsed() >= TELL_EVERY => {
                eprintln!("{}", progress(&run));
                told = Instant::now();
            }
            None => {}
        }
        tokio::time::sleep(ASK_EVERY).await;
    }
}

/// `120000 files listed, 15200 a second; 3 new, 0 changed, 1 gone`.
fn progress(run: &Value) -> String {
    let of = |name: &str| run[name].as_u64().unwrap_or(0);
    let speed = run["keys_per_second"].as_f64().unwrap_or(0.0);
    format!(
        "{} listed, {speed:.0} a second; {} new, {} changed, {} gone",
        show::count(of("listed"), "file"),
        of("added"),
        of("changed"),
        of("removed"),
    )
}

async fn cancel(client: &Client, path: &str, json: bool) -> Outcome {
    let (runs, _) = client.list(&format!("{path}/synchronizations"), &[], 1).await?;
    let Some(run) = runs.first().filter(|run| run["state"] == "running") else {
        return Err(Failure::local("no synchronization goes on"));
    };
    let id = show::text(&run["_id"]);
    let ended: Value = client.post(&format!("{path}/synchronizations/{id}/cancel"), &json!({})).await?;
    if json {
        return show::print_json(&ended);
    }
    say!("Given up: {}.", progress(&ended));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_told_in_one_line() {
        let run =
            json!({"listed": 120_000, "keys_per_second": 15_200.4, "added": 3, "changed": 0, "removed": 1});
        assert_eq!(progress(&run), "120000 files listed, 15200 a second; 3 new, 0 changed, 1 gone");
    }
}
