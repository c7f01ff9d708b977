//! `telecine integration sync`: lists a bucket anew.

use serde_json::{Value, json};

use super::{name_of, path_of};
use crate::cli::client::Client;
use crate::cli::failure::Outcome;
use crate::cli::show::{self, say};

pub(super) async fn sync(client: &Client, integration: &str, json: bool) -> Outcome {
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
