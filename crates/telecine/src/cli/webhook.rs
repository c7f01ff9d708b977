//! `telecine webhook`: where a server tells of what happened.

use clap::Subcommand;
use serde_json::{Value, json};

use super::client::{Client, ServerArgs};
use super::failure::{Failure, Outcome};
use super::show::{self, say};

#[derive(Debug, Subcommand)]
pub(super) enum WebhookCommand {
    /// Have events sent to a URL; the secret that signs them is shown once
    Add {
        /// An https address that answers with 2xx
        // Not `url`: that is the server's, and one would be taken for the other.
        #[arg(value_name = "URL")]
        receiver: String,
        /// Events, separated by commas, such as index.task.ready [default: those of tasks]
        #[arg(long, value_delimiter = ',', value_name = "EVENT")]
        events: Vec<String>,
        /// Shape of what is sent: v1.1, v1.2 or v1.3
        #[arg(long, default_value = "v1.3", value_name = "VERSION")]
        payload: String,
        /// What to call it
        #[arg(long, default_value = "")]
        description: String,
    },
    /// List webhooks
    List,
    /// Remove a webhook with its log
    Rm {
        /// Its id
        webhook: String,
    },
    /// Send a test event at once, and show how it was answered
    Test {
        /// Its id
        webhook: String,
    },
    /// Show what was sent and how it was answered, newest first
    Log {
        /// Its id
        webhook: String,
        /// Only what is pending, delivered or dead
        #[arg(long)]
        state: Option<String>,
        /// At most so many
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// Send an event of the log again, under the same id
    Replay {
        /// The webhook's id
        webhook: String,
        /// The delivery's id, as the log shows it
        delivery: String,
    },
}

/// Runs the command.
pub(super) async fn run(command: WebhookCommand, server: &ServerArgs) -> Outcome {
    let client = Client::new(server)?;
    let json = server.json;
    match command {
        WebhookCommand::Add { receiver, events, payload, description } => {
            let body = json!({ "url": receiver, "events": events, "api_version": payload, "description": description });
            add(&client, &body, json).await
        }
        WebhookCommand::List => list(&client, json).await,
        WebhookCommand::Rm { webhook } => client.delete(&path(&webhook)).await,
        WebhookCommand::Test { webhook } => test(&client, &webhook, json).await,
        WebhookCommand::Log { webhook, state, limit } => log(&client, &webhook, state, limit, json).await,
        WebhookCommand::Replay { webhook, delivery } => {
            let path = format!("{}/deliveries/{}/replay", path(&webhook), super::client::segment(&delivery));
            let replayed: Value = client.post(&path, &json!({})).await?;
            if json { show::print_json(&replayed) } else { Ok(()) }
        }
    }
}

fn path(webhook: &str) -> String {
    format!("/webhooks/{}", super::client::segment(webhook))
}

async fn add(client: &Client, body: &Value, json: bool) -> Outcome {
    let made: Value = client.post("/webhooks", body).await?;
    if json {
        return show::print_json(&made);
    }
    say!("{}", show::text(&made["_id"]));
    say!("{}", show::text(&made["secret"]));
    eprintln!("The second line is the secret that signs events. Keep it: it cannot be shown again.");
    Ok(())
}

async fn list(client: &Client, json: bool) -> Outcome {
    let all: Value = client.get("/webhooks", &[]).await?;
    if json {
        return show::print_json(&all);
    }
    let rows = all["data"].as_array().cloned().unwrap_or_default();
    let mut table = show::table(&["WEBHOOK", "URL", "EVENTS", "SHAPE", "ENABLED"]);
    for row in &rows {
        let events: Vec<&str> =
            row["events"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        table.add_row([
            show::text(&row["_id"]),
            show::text(&row["url"]),
            events.join(", "),
            show::text(&row["api_version"]),
            show::text(&row["enabled"]),
        ]);
    }
    super::print_list(
        &table,
        rows.len(),
        rows.len() as u64,
        "webhook",
        "`telecine webhook add URL` makes one",
    )
}

async fn test(client: &Client, webhook: &str, json: bool) -> Outcome {
    let sent: Value = client.post(&format!("{}/test", path(webhook)), &json!({})).await?;
    if json {
        show::print_json(&sent)?;
    } else {
        say!("{}: {}", show::text(&sent["state"]), answer(&sent));
    }
    if sent["state"] == "delivered" {
        return Ok(());
    }
    Err(Failure::local("the test was not answered with success".to_owned()))
}

fn answer(delivery: &Value) -> String {
    match (delivery["response_status"].as_u64(), delivery["error"].as_str()) {
        (Some(status), _) => status.to_string(),
        (None, Some(why)) => why.to_owned(),
        (None, None) => String::new(),
    }
}

async fn log(client: &Client, webhook: &str, state: Option<String>, limit: usize, json: bool) -> Outcome {
    let query: Vec<(&str, String)> = state.map(|state| ("state", state)).into_iter().collect();
    let (rows, total) = client.list(&format!("{}/deliveries", path(webhook)), &query, limit).await?;
    if json {
        return show::print_json(&json!({ "data": rows }));
    }
    let mut table = show::table(&["DELIVERY", "EVENT", "HAPPENED", "STATE", "TRIES", "ANSWER"]);
    for row in &rows {
        table.add_row([
            show::text(&row["_id"]),
            show::text(&row["event"]),
            show::moment(&row["created_at"]),
            show::text(&row["state"]),
            show::text(&row["attempts"]),
            answer(row),
        ]);
    }
    super::print_list(&table, rows.len(), total, "delivery", "events come when tasks become ready or fail")
}
