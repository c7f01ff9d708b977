//! `telecine integration list` and `show`.

use std::path::Path;

use serde_json::Value;

use super::add::save;
use super::setup::print_what_to_do;
use super::verify::print_checks;
use super::{name_of, path_of};
use crate::cli::client::Client;
use crate::cli::failure::Outcome;
use crate::cli::print_list;
use crate::cli::show::{self, say};

pub(super) async fn list(client: &Client, json: bool) -> Outcome {
    let all: Value = client.get("/integrations", &[]).await?;
    if json {
        return show::print_json(&all);
    }
    let rows: Vec<&Value> = all["data"].as_array().into_iter().flatten().collect();
    let mut table = show::table(&["BUCKET", "INTEGRATION", "STATUS", "REGION", "LAST LISTED"]);
    for row in &rows {
        table.add_row(vec![
            name_of(row).into(),
            show::text(&row["_id"]).into(),
            show::status(row["status"].as_str().unwrap_or_default()),
            show::text(&row["region"]).into(),
            show::moment(&row["synchronized_at"]).into(),
        ]);
    }
    let total = rows.len() as u64;
    print_list(&table, rows.len(), total, "integration", "`telecine integration add BUCKET` makes one")
}

pub(super) async fn show_one(
    client: &Client,
    integration: &str,
    folder: Option<&Path>,
    json: bool,
) -> Outcome {
    let found = client.integration(integration).await?;
    if let Some(folder) = folder {
        save(&found, folder)?;
    }
    if json {
        return show::print_json(&found);
    }
    say!("{} ({}): {}", name_of(&found), show::text(&found["_id"]), show::text(&found["status"]));
    if let Some(drift) = found["drift"].as_str() {
        say!("\n{drift}");
    }
    if found["checks"].as_array().is_some_and(|checks| !checks.is_empty()) {
        say!("");
        print_checks(&found);
    }
    if found["status"] != "active" && found["policy_document"].is_object() {
        print_what_to_do(client, &found, folder).await?;
    }
    if found["synchronized_at"].is_string() {
        let statistics: Value = client.get(&format!("{}/statistics", path_of(&found)?), &[]).await?;
        let of = |name: &str| statistics[name].as_u64().unwrap_or(0);
        say!(
            "\nAs of {}: {} ({}), {} of them videos; {} indexed, {} not.",
            show::moment(&found["synchronized_at"]),
            show::count(of("items"), "file"),
            show::size(of("bytes")),
            of("videos"),
            of("indexed"),
            of("not_indexed"),
        );
        print_numbers(&statistics);
    }
    Ok(())
}

/// What is worth a look, each with the command that lists it.
fn print_numbers(statistics: &Value) {
    let of = |name: &str| statistics[name].as_u64().unwrap_or(0);
    if of("hours_known_of") > 0 {
        let hours = statistics["hours"].as_f64().unwrap_or(0.0);
        say!("{} of {}", show::length(hours * 3600.0), show::count(of("hours_known_of"), "video"));
    }
    let lines = [
        ("changed_since_indexed", "changed since indexed", "changed"),
        ("indexed_then_deleted", "indexed, then deleted from the bucket", "indexed_then_deleted"),
        ("failed", "failed", "failed"),
    ];
    for (name, words, state) in lines.into_iter().filter(|(name, ..)| of(name) > 0) {
        say!("{:>8} {words} (integration objects --state {state})", of(name));
    }
    for failed in statistics["failed_by_code"].as_array().into_iter().flatten() {
        say!("{:>8} {}: {}", failed["count"], show::text(&failed["code"]), show::text(&failed["message"]));
    }
    for left_out in statistics["excluded_by_reason"].as_array().into_iter().flatten() {
        say!("{:>8} left out, {}", left_out["count"], show::text(&left_out["reason"]));
    }
    for index in statistics["indexes"].as_array().into_iter().flatten() {
        say!(
            "{:>8} in the index {}, {} not, {} failed",
            index["indexed"],
            show::text(&index["index_name"]),
            index["not_indexed"],
            index["failed"],
        );
    }
}
