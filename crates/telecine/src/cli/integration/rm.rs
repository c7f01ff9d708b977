//! `telecine integration rm` and `restore`: parting from buckets, told in words, and the way back.

use serde_json::{Value, json};

use super::verify::print_checks;
use super::{name_of, path_of};
use crate::cli::client::Client;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::print_list;
use crate::cli::show::{self, say};

pub(super) async fn rm(client: &Client, integrations: &[String], is_dry: bool, json: bool) -> Outcome {
    let mut ids = Vec::new();
    for name in integrations {
        ids.push(show::text(&client.integration(name).await?["_id"]));
    }
    let query = [("ids", ids.join(",")), ("dry_run", is_dry.to_string())];
    let told: Value = client.delete_told("/integrations", &query).await?;
    if json {
        return show::print_json(&told);
    }
    for deletion in told["data"].as_array().into_iter().flatten() {
        print_deletion(deletion, is_dry);
    }
    Ok(())
}

fn print_deletion(deletion: &Value, is_dry: bool) {
    let of = |group: &str, name: &str| deletion[group][name].as_u64().unwrap_or(0);
    let name = name_of(deletion);
    say!("{name}: {}", if is_dry { "would be deleted" } else { "deleted" });
    let indexes: Vec<String> = deletion["stays"]["indexes"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|index| format!("{} in {}", show::text(&index["videos"]), show::text(&index["index_name"])))
        .collect();
    let where_they_are =
        if indexes.is_empty() { String::new() } else { format!(" ({})", indexes.join(", ")) };
    say!(
        "  stays  {}{where_they_are}, the history of {} and {}",
        show::count(of("stays", "videos"), "video"),
        show::count(of("stays", "tasks"), "task"),
        show::count(of("stays", "imports"), "import"),
    );
    if of("goes_on", "tasks") > 0 {
        say!("  on     {}: the files are here already", show::count(of("goes_on", "tasks"), "task"));
    }
    let mut ends = vec![format!("{} not fetched yet", show::count(of("ends", "tasks"), "task"))];
    ends.push(show::count(of("ends", "imports"), "import"));
    ends.push(show::count(of("ends", "synchronizations"), "synchronization"));
    say!("  ends   {}", ends.join(", "));
    let secret = if deletion["goes"]["secret"] == true { "its secret, at once; " } else { "" };
    let until = show::moment(&deletion["restorable_until"]);
    say!("  goes   {secret}what is known of {}, after {until}", files(of("goes", "inventory_files")));
    if !is_dry {
        say!("Until then: telecine integration restore {}", show::text(&deletion["bucket"]));
    }
}

fn files(number: u64) -> String {
    show::count(number, "file")
}

pub(super) async fn restore(client: &Client, integration: &str, json: bool) -> Outcome {
    let found = deleted(client, integration).await?;
    let restored: Value = client.post(&format!("{}/restore", path_of(&found)?), &json!({})).await?;
    if json {
        return show::print_json(&restored);
    }
    say!("{} is back: {}", name_of(&restored), show::text(&restored["status"]));
    if restored["status"] != "active" {
        print_checks(&restored);
    }
    Ok(())
}

pub(super) async fn restorable(client: &Client, json: bool) -> Outcome {
    let all = all_deleted(client).await?;
    if json {
        return show::print_json(&all);
    }
    let rows: Vec<&Value> = all["data"].as_array().into_iter().flatten().collect();
    let mut table = show::table(&["BUCKET", "INTEGRATION", "DELETED", "CAN BE RESTORED UNTIL"]);
    for row in &rows {
        table.add_row(vec![
            name_of(row),
            show::text(&row["_id"]),
            show::moment(&row["deleted_at"]),
            show::moment(&row["restorable_until"]),
        ]);
    }
    let total = rows.len() as u64;
    print_list(&table, rows.len(), total, "deleted integration", "`telecine integration rm` makes one")
}

async fn all_deleted(client: &Client) -> Outcome<Value> {
    client.get("/integrations", &[("deleted", "true".to_owned())]).await
}

/// The deleted integration that a person means by its id or the name of its bucket; the newest of several.
async fn deleted(client: &Client, given: &str) -> Outcome<Value> {
    if given.parse::<crate::ids::IntegrationId>().is_ok() {
        return Ok(json!({ "_id": given }));
    }
    let all = all_deleted(client).await?;
    let mut rows = all["data"].as_array().into_iter().flatten();
    let found = rows.rfind(|one| name_of(one) == given || one["bucket"] == given);
    found.cloned().ok_or_else(|| {
        Failure::local(format!(
            "no deleted integration of `{given}` can be restored; `telecine integration restore` lists those that can"
        ))
    })
}
