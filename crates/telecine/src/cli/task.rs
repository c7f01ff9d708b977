//! `telecine task`: single videos on their way into an index.

use clap::Subcommand;
use serde_json::{Value, json};

use super::client::{Client, ServerArgs, segment};
use super::failure::Outcome;
use super::show::{self, say};

#[derive(Debug, Subcommand)]
pub(super) enum TaskCommand {
    /// List tasks, newest first
    List {
        /// Only of this index, by its name or id
        #[arg(long)]
        index: Option<String>,
        /// Only in these states, separated by commas, such as failed or indexing
        #[arg(long, value_delimiter = ',')]
        status: Vec<String>,
        /// At most so many
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// Show a task, and why it failed or waits
    Show {
        /// The task
        task: String,
    },
    /// Try a task that failed again
    Retry {
        /// The task
        task: String,
    },
    /// Remove a task that is ready or failed; of a ready one, remove its video first
    Rm {
        /// The task
        task: String,
    },
}

/// Runs the command.
pub(super) async fn run(command: TaskCommand, server: &ServerArgs) -> Outcome {
    let client = Client::new(server)?;
    let json = server.json;
    match command {
        TaskCommand::List { index, status, limit } => list(&client, index, status, limit, json).await,
        TaskCommand::Show { task } => show_one(&client, &task, json).await,
        TaskCommand::Retry { task } => retry(&client, &task, json).await,
        TaskCommand::Rm { task } => client.delete(&format!("/tasks/{}", segment(&task))).await,
    }
}

async fn list(
    client: &Client,
    index: Option<String>,
    status: Vec<String>,
    limit: usize,
    json: bool,
) -> Outcome {
    let mut query = Vec::new();
    if let Some(index) = index {
        query.push(("index_id", client.index_id(&index).await?));
    }
    query.extend(status.into_iter().map(|status| ("status", status)));
    let (rows, total) = client.list("/tasks", &query, limit).await?;
    if json {
        return show::print_json(&json!({ "data": rows }));
    }
    let mut table = show::table(&["VIDEO", "TASK", "STATUS", "MADE", "WHY"]);
    for row in &rows {
        table.add_row(vec![
            name_of(row).into(),
            show::text(&row["_id"]).into(),
            show::status(&state_of(row)),
            show::moment(&row["created_at"]).into(),
            why(row).into(),
        ]);
    }
    super::print_list(&table, rows.len(), total, "task", "`telecine transfer MANIFEST` makes some")
}

fn name_of(task: &Value) -> String {
    match task["metadata"]["filename"].as_str() {
        Some(name) => name.to_owned(),
        None => show::text(&task["object"]),
    }
}

/// The contract knows no `skipped`: its clients see such a task as ready.
fn state_of(task: &Value) -> String {
    if task["skipped"].is_object() { "skipped".to_owned() } else { show::text(&task["status"]) }
}

fn why(task: &Value) -> String {
    if let Some(fault) = task["error"].as_object() {
        let part = |name: &str| fault.get(name).and_then(Value::as_str);
        let value = part("value").map_or_else(String::new, |value| format!(" Found: {value}."));
        return format!(
            "{}: {}{value}",
            part("code").unwrap_or_default(),
            part("message").unwrap_or_default()
        );
    }
    if let Some(video) = task["skipped"]["video_id"].as_str() {
        return format!("same content as video {video}");
    }
    task["waiting_for"].as_str().unwrap_or_default().to_owned()
}

async fn retry(client: &Client, task: &str, json: bool) -> Outcome {
    let told: Value = client.post(&format!("/tasks/{}/retry", segment(task)), &json!({})).await?;
    if json {
        return show::print_json(&told);
    }
    say!("Trying {} again.", name_of(&told));
    Ok(())
}

async fn show_one(client: &Client, task: &str, json: bool) -> Outcome {
    let task: Value = client.get(&format!("/tasks/{}", segment(task)), &[]).await?;
    if json {
        return show::print_json(&task);
    }
    say!("{} ({}): {}", name_of(&task), show::text(&task["_id"]), state_of(&task));
    let lines = [
        ("index", show::text(&task["index_id"])),
        ("object", show::text(&task["object"])),
        ("transfer", show::text(&task["transfer_id"])),
        ("made", show::moment(&task["created_at"])),
        ("changed", show::moment(&task["updated_at"])),
    ];
    for (label, text) in lines.iter().filter(|(_, text)| text != "–") {
        say!("  {label:<8} {text}");
    }
    let meta = &task["metadata"];
    if let (Some(width), Some(height)) = (meta["width"].as_u64(), meta["height"].as_u64()) {
        let length = show::length(meta["duration"].as_f64().unwrap_or(0.0));
        say!("  {:<8} {width}×{height}, {length}", "video");
    }
    let why = why(&task);
    if !why.is_empty() {
        say!("  {:<8} {why}", "why");
    }
    for (label, name) in [("rule", "rule"), ("next", "remedy")] {
        if let Some(text) = task["error"][name].as_str() {
            say!("  {label:<8} {text}");
        }
    }
    Ok(())
}
