//! `telecine integration objects`: what lies in a bucket, and why each object is or is not taken.

use clap::Args;
use serde_json::{Value, json};

use super::narrow::NarrowArgs;
use super::path_of;
use crate::cli::client::Client;
use crate::cli::failure::Outcome;
use crate::cli::print_list;
use crate::cli::show::{self, say};

#[derive(Debug, Args)]
pub(in crate::cli) struct ObjectsArgs {
    /// The integration, by its bucket or id
    integration: String,
    /// This object only: all that is known of it
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// present (default), removed, any, videos, taken, excluded, indexed, not_indexed, changed, failed, in_progress or
    /// indexed_then_deleted
    #[arg(long, value_name = "STATE")]
    state: Option<String>,
    /// Whose state in this index counts, by its name or id
    #[arg(long, value_name = "INDEX")]
    index: Option<String>,
    /// Only what failed with this code
    #[arg(long, value_name = "CODE")]
    code: Option<String>,
    /// Only what was left out for this reason, such as archived
    #[arg(long, value_name = "REASON")]
    reason: Option<String>,
    #[command(flatten)]
    narrow: NarrowArgs,
    /// How many to show
    #[arg(long, default_value_t = 50, value_name = "NUMBER")]
    limit: usize,
}

pub(super) async fn objects(client: &Client, args: ObjectsArgs, json: bool) -> Outcome {
    let path = path_of(&client.integration(&args.integration).await?)?;
    let mut query = Vec::new();
    let index = match &args.index {
        Some(index) => Some(client.index_id(index).await?),
        None => None,
    };
    let is_one = args.key.is_some();
    let given = [
        ("key", args.key),
        ("state", args.state),
        ("index_id", index),
        ("code", args.code),
        ("reason", args.reason),
    ];
    query.extend(given.into_iter().filter_map(|(name, value)| Some((name, value?))));
    args.narrow.add_to(&mut query);
    let (rows, total) = client.list(&format!("{path}/objects"), &query, args.limit).await?;
    if json {
        return show::print_json(&json!({ "data": rows }));
    }
    if let Some(row) = rows.first().filter(|_| is_one) {
        tell(row);
        return Ok(());
    }
    let mut table = show::table(&["KEY", "SIZE", "STATE", "WHY"]);
    for row in &rows {
        let (state, why) = state(row);
        table.add_row(vec![
            show::text(&row["key"]).into(),
            show::size(row["size_bytes"].as_u64().unwrap_or(0)).into(),
            show::status(&state),
            why.into(),
        ]);
    }
    print_list(&table, rows.len(), total, "object", "`telecine integration sync` looks anew")
}

/// A word for an object, and why.
fn state(object: &Value) -> (String, String) {
    if object["removed_at"].is_string() {
        return ("removed".to_owned(), show::moment(&object["removed_at"]));
    }
    if object["decision"] == "excluded" {
        return (show::text(&object["reason"]), show::text(&object["reason_message"]));
    }
    let indexes: Vec<&Value> = object["indexes"].as_array().into_iter().flatten().collect();
    for word in ["failed", "in_progress", "changed", "indexed"] {
        if let Some(index) = indexes.iter().find(|index| index["state"] == word) {
            let why = index["error"]["message"].as_str().unwrap_or_default();
            return (word.to_owned(), why.to_owned());
        }
    }
    ("not_indexed".to_owned(), String::new())
}

fn tell(object: &Value) {
    let text = |name: &str| show::text(&object[name]);
    let (state, why) = state(object);
    say!("{}: {state}{}", text("object"), if why.is_empty() { why } else { format!(" – {why}") });
    say!("  {}, {}", show::size(object["size_bytes"].as_u64().unwrap_or(0)), text("storage_class"));
    say!("  etag {}, written {}", text("etag"), show::moment(&object["modified_at"]));
    say!("  first seen {}", show::moment(&object["first_seen_at"]));
    if object["header"].is_object() {
        say!("  header {}", object["header"]);
    }
    for index in object["indexes"].as_array().into_iter().flatten() {
        say!(
            "  index {}: {}, task {}",
            show::text(&index["index_id"]),
            show::text(&index["state"]),
            show::text(&index["task_id"]),
        );
        if let Some(message) = index["error"]["message"].as_str() {
            say!("    {}: {message}", show::text(&index["error"]["code"]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_has_one_word_and_a_reason() {
        let failed = json!({"state": "failed", "error": {"code": "x", "message": "It is broken."}});
        let table = [
            (json!({"decision": "taken", "indexes": []}), "not_indexed", ""),
            (
                json!({"decision": "taken", "indexes": [{"state": "indexed"}, failed]}),
                "failed",
                "It is broken.",
            ),
            (
                json!({"decision": "excluded", "reason": "empty", "reason_message": "No bytes."}),
                "empty",
                "No bytes.",
            ),
        ];
        for (object, word, why) in table {
            assert_eq!(state(&object), (word.to_owned(), why.to_owned()));
        }
    }
}
