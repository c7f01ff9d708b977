//! `telecine integration verify`: the checklist, line by line.

use serde_json::{Value, json};

use super::{name_of, path_of};
use crate::cli::client::Client;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::show::{self, say};

pub(super) async fn verify(client: &Client, integration: &str, json: bool) -> Outcome {
    let path = path_of(&client.integration(integration).await?)?;
    let verified: Value = client.post(&format!("{path}/verify"), &json!({})).await?;
    let is_active = verified["status"] == "active";
    if json {
        show::print_json(&verified)?;
    } else {
        print_checks(&verified)?;
        if is_active {
            say!("\n{} is active: its files can be read.", name_of(&verified));
        }
    }
    if is_active { Ok(()) } else { Err(Failure::Told) }
}

pub(super) fn print_checks(integration: &Value) -> Outcome {
    let mut table = show::table(&["CHECK", "OUTCOME", "FOUND"]);
    let checks: Vec<&Value> = integration["checks"].as_array().into_iter().flatten().collect();
    for check in &checks {
        table.add_row(vec![
            show::text(&check["title"]).into(),
            show::status(check["outcome"].as_str().unwrap_or_default()),
            show::text(&check["detail"]).into(),
        ]);
    }
    show::print_table(&table);
    for fault in checks.iter().map(|check| &check["fault"]).filter(|fault| fault.is_object()) {
        say!("\n{}: {}", show::text(&fault["code"]), show::text(&fault["message"]));
        for (label, name) in [("found", "value"), ("rule", "rule"), ("next", "remedy")] {
            if let Some(text) = fault[name].as_str() {
                say!("  {label:<6} {text}");
            }
        }
    }
    Ok(())
}
