//! `telecine index`: what videos go into and are searched in.

use clap::{Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::client::{Client, ServerArgs};
use super::failure::Outcome;
use super::show::{self, say};

#[derive(Debug, Subcommand)]
pub(super) enum IndexCommand {
    /// Make an index
    Create {
        /// Its name, unique on the server
        name: String,
        /// The engine, by its name in the Twelve Labs API; `pegasus…` engines take videos of 30 s to 30 min
        #[arg(long, default_value = "marengo2.6")]
        engine: String,
        /// What it can be searched by, separated by commas; fixed once it is made. `conversation` (what is said)
        /// takes only videos with an audio track
        #[arg(long, value_enum, value_delimiter = ',', value_name = "OPTION", default_values_t = IndexOption::value_variants().to_vec())]
        options: Vec<IndexOption>,
        /// Keep a picture of every shot
        #[arg(long)]
        thumbnails: bool,
    },
    /// List indexes, newest first
    List {
        /// At most so many
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// Show an index, what is in it and the models behind it
    Show {
        /// The index, by its name or id
        index: String,
    },
    /// Give an index another name
    Rename {
        /// The index, by its name or id
        index: String,
        /// The new name
        name: String,
    },
    /// Remove an index with all its videos; there is no way back
    Rm {
        /// The index, by its name or id
        index: String,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum IndexOption {
    /// What is seen
    Visual,
    /// What is said
    Conversation,
    /// What is written in the picture
    #[value(name = "text_in_video")]
    TextInVideo,
}

/// Runs the command.
pub(super) async fn run(command: IndexCommand, server: &ServerArgs) -> Outcome {
    let client = Client::new(server)?;
    let json = server.json;
    match command {
        IndexCommand::Create { name, engine, options, thumbnails } => {
            create(&client, &name, &engine, &options, thumbnails, json).await
        }
        IndexCommand::List { limit } => list(&client, limit, json).await,
        IndexCommand::Show { index } => show(&client, &index, json).await,
        IndexCommand::Rename { index, name } => {
            let id = client.index_id(&index).await?;
            client.put(&format!("/indexes/{id}"), &json!({ "index_name": name })).await
        }
        IndexCommand::Rm { index } => {
            let id = client.index_id(&index).await?;
            client.delete(&format!("/indexes/{id}")).await
        }
    }
}

async fn create(
    client: &Client,
    name: &str,
    engine: &str,
    options: &[IndexOption],
    thumbnails: bool,
    json: bool,
) -> Outcome {
    let options: Vec<String> = options
        .iter()
        .filter_map(|option| option.to_possible_value())
        .map(|value| value.get_name().to_owned())
        .collect();
    let mut body = json!({
        "index_name": name,
        "engines": [{ "engine_name": engine, "engine_options": options }],
    });
    if thumbnails {
        body["addons"] = json!(["thumbnail"]);
    }
    let answer: Value = client.post("/indexes", &body).await?;
    if json {
        return show::print_json(&answer);
    }
    say!("{}", show::text(&answer["_id"]));
    Ok(())
}

async fn list(client: &Client, limit: usize, json: bool) -> Outcome {
    let (rows, total) = client.list("/indexes", &[], limit).await?;
    if json {
        return show::print_json(&json!({ "data": rows }));
    }
    let mut table = show::table(&["NAME", "INDEX", "VIDEOS", "LENGTH", "OPTIONS"]);
    for row in &rows {
        table.add_row(vec![
            show::text(&row["index_name"]),
            show::text(&row["_id"]),
            show::text(&row["video_count"]),
            show::length(row["total_duration"].as_f64().unwrap_or(0.0)),
            options_of(row),
        ]);
    }
    super::print_list(&table, rows.len(), total, "index", "`telecine index create NAME` makes one")
}

fn options_of(index: &Value) -> String {
    let engines = index["engines"].as_array().into_iter().flatten();
    let options = engines.flat_map(|engine| engine["engine_options"].as_array().into_iter().flatten());
    let mut options: Vec<&str> = options.filter_map(Value::as_str).collect();
    options.sort_unstable();
    options.dedup();
    options.join(", ")
}

async fn show(client: &Client, index: &str, json: bool) -> Outcome {
    let id = client.index_id(index).await?;
    let found: Value = client.get(&format!("/indexes/{id}"), &[]).await?;
    if json {
        return show::print_json(&found);
    }
    let counts: Value = client.get("/tasks/status", &[("index_id", id)]).await?;
    say!("{} ({})", show::text(&found["index_name"]), show::text(&found["_id"]));
    say!(
        "{}, {} together; made {}, changed {}",
        show::count(found["video_count"].as_u64().unwrap_or(0), "video"),
        show::length(found["total_duration"].as_f64().unwrap_or(0.0)),
        show::moment(&found["created_at"]),
        show::moment(&found["updated_at"]),
    );
    for engine in found["engines"].as_array().into_iter().flatten() {
        let options: Vec<&str> =
            engine["engine_options"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        say!("engine {}: {}", show::text(&engine["engine_name"]), options.join(", "));
    }
    if let Some(models) = found["served_by"].as_object() {
        for (role, model) in models {
            say!("  {role:<6} {}", show::text(model.get("id").unwrap_or(model)));
        }
    }
    let words = ["ready", "failed", "validating", "pending", "queued", "indexing"];
    let counts: Vec<String> = words
        .iter()
        .filter_map(|word| {
            counts[word].as_u64().filter(|number| *number > 0).map(|number| format!("{number} {word}"))
        })
        .collect();
    if !counts.is_empty() {
        say!("tasks: {}", counts.join(", "));
    }
    Ok(())
}
