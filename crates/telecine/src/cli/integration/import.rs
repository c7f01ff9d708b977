//! `telecine integration import`, `import-status` and `import-log`: the videos of a bucket into an index by one call, and
//! what became of them.

use clap::Args;
use serde_json::{Map, Value, json};

use super::name_of;
use crate::cli::client::Client;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::print_list;
use crate::cli::show::{self, say};
use crate::cli::transfer::follow_to_the_end;

/// Rows of a table that a person still reads.
const MOST_ROWS: usize = 20;

#[derive(Debug, Args)]
pub(in crate::cli) struct ImportArgs {
    /// The integration, by its bucket or id
    integration: String,
    /// The index that the videos shall enter, by its name or id
    #[arg(long)]
    index: String,
    /// Take every file, also those that the index has; they become second videos
    #[arg(long)]
    all: bool,
    /// Try files again that failed before
    #[arg(long)]
    retry_failed: bool,
    /// A field of your own for every video: a text, a number, true or false; may be given several times
    #[arg(long, value_name = "NAME=VALUE", value_parser = field)]
    metadata: Vec<(String, Value)>,
    /// Stay until all videos are ready or refused
    #[arg(long)]
    follow: bool,
}

/// `place=harbour`, `batch=5`, `public=true`; `batch="5"` is a text.
fn field(given: &str) -> Result<(String, Value), String> {
    let (name, value) = given.split_once('=').ok_or("write it as NAME=VALUE")?;
    if name.is_empty() {
        return Err("write it as NAME=VALUE".to_owned());
    }
    let typed = serde_json::from_str::<Value>(value).ok();
    let typed = typed.filter(|typed| typed.is_number() || typed.is_boolean() || typed.is_string());
    Ok((name.to_owned(), typed.unwrap_or_else(|| value.into())))
}

pub(super) async fn import(client: &Client, args: ImportArgs, json: bool) -> Outcome {
    let found = client.integration(&args.integration).await?;
    let mut body = json!({
        "index_id": client.index_id(&args.index).await?,
        "incremental_import": !args.all,
        "retry_failed": args.retry_failed,
    });
    if !args.metadata.is_empty() {
        body["user_metadata"] = args.metadata.into_iter().collect::<Map<_, _>>().into();
    }
    let answer: Value = client.post(&path(&found)?, &body).await?;
    let (videos, refused) = (rows(&answer["videos"]), rows(&answer["failed_files"]));
    if json && !args.follow {
        return show::print_json(&answer);
    }
    if !json {
        say!(
            "{}: {} on the way, {} refused.",
            name_of(&found),
            show::count(videos.len() as u64, "video"),
            refused.len()
        );
        print_failed(&refused);
    }
    let transfer = answer["transfer_id"].as_str().unwrap_or_default();
    if args.follow {
        return follow_to_the_end(client, transfer, json).await;
    }
    if !videos.is_empty() {
        eprintln!("Follow it with `telecine transfer status {transfer} --follow`.");
    }
    Ok(())
}

pub(super) async fn import_status(client: &Client, integration: &str, index: &str, json: bool) -> Outcome {
    let found = client.integration(integration).await?;
    let query = [("index_id", client.index_id(index).await?)];
    let told: Value = client.get(&format!("{}/status", path(&found)?), &query).await?;
    if json {
        return show::print_json(&told);
    }
    let groups = ["ready", "indexing", "queued", "pending", "validating", "failed", "not_imported"];
    let parts: Vec<String> = groups
        .iter()
        .map(|group| format!("{} {}", rows(&told[group]).len(), group.replace('_', " ")))
        .collect();
    say!("{}: {}", name_of(&found), parts.join(", "));
    print_failed(&rows(&told["failed"]));
    Ok(())
}

pub(super) async fn import_log(client: &Client, integration: &str, json: bool) -> Outcome {
    // A deleted integration is found by its id alone.
    let path = if integration.parse::<crate::ids::IntegrationId>().is_ok() {
        format!("/tasks/transfers/import/{integration}")
    } else {
        path(&client.integration(integration).await?)?
    };
    let told: Value = client.get(&format!("{path}/logs"), &[]).await?;
    if json {
        return show::print_json(&told);
    }
    let logs = rows(&told["data"]);
    let mut table =
        show::table(&["BEGUN", "ENDED", "INDEX", "TRANSFER", "READY", "FAILED", "REFUSED", "LEFT"]);
    for log in &logs {
        let of = |name: &str| log["video_status"][name].as_u64().unwrap_or(0);
        let left = of("validating") + of("pending") + of("queued") + of("indexing");
        let numbers = [of("ready"), of("failed"), log["refused"].as_u64().unwrap_or(0), left];
        let mut cells = vec![show::moment(&log["created_at"]), show::moment(&log["ended_at"])];
        cells.extend([show::text(&log["index_name"]), show::text(&log["transfer_id"])]);
        cells.extend(numbers.map(|number| number.to_string()));
        table.add_row(cells);
    }
    let remedy = "`telecine integration import` makes one";
    print_list(&table, logs.len(), logs.len() as u64, "import of this integration", remedy)
}

fn print_failed(failed: &[&Value]) {
    if failed.is_empty() {
        return;
    }
    let mut table = show::table(&["FILE", "WHY"]);
    for file in failed.iter().take(MOST_ROWS) {
        table.add_row(vec![show::text(&file["filename"]), show::text(&file["error_message"])]);
    }
    say!("");
    show::print_table(&table);
    if failed.len() > MOST_ROWS {
        say!("… and {} more; all of them with --json", failed.len() - MOST_ROWS);
    }
}

fn rows(list: &Value) -> Vec<&Value> {
    list.as_array().into_iter().flatten().collect()
}

fn path(integration: &Value) -> Outcome<String> {
    let id = integration["_id"].as_str();
    id.map(|id| format!("/tasks/transfers/import/{id}"))
        .ok_or_else(|| Failure::local("the server names no integration"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_as_what_they_look_like() {
        let read = |given| field(given).unwrap().1;
        assert_eq!(read("n=5"), json!(5));
        assert_eq!(read("n=9.5"), json!(9.5));
        assert_eq!(read("n=true"), json!(true));
        assert_eq!(read("n=\"5\""), json!("5"));
        assert_eq!(read("n=harbour at night"), json!("harbour at night"));
        assert_eq!(read("n=a=b"), json!("a=b"));
        assert_eq!(read("n=[1]"), json!("[1]"), "no lists: a text");
        assert_eq!(read("n="), json!(""));
        assert!(field("harbour").is_err() && field("=x").is_err());
    }
}
