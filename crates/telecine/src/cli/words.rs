//! `telecine analyze` and `telecine summarize`: asks for text about a video and prints it.

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::client::{Client, ServerArgs};
use super::failure::Outcome;
use super::show::{self, say};

#[derive(Debug, Args)]
pub(super) struct AnalyzeArgs {
    /// The video's id
    video: String,
    /// The question
    prompt: String,
    /// Only from here, in seconds
    #[arg(long, value_name = "SECONDS")]
    from: Option<f64>,
    /// Only up to here, in seconds
    #[arg(long, value_name = "SECONDS")]
    to: Option<f64>,
    /// Longest answer
    #[arg(long, value_name = "TOKENS")]
    max_tokens: Option<u32>,
}

#[derive(Debug, Args)]
pub(super) struct SummarizeArgs {
    /// The video's id
    video: String,
    /// What to make of it
    #[arg(long = "as", value_enum, default_value_t = Kind::Summary, value_name = "KIND")]
    kind: Kind,
    /// What matters in it
    #[arg(long, value_name = "TEXT")]
    prompt: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    /// A text
    Summary,
    /// Parts that cover the video
    Chapter,
    /// Moments worth seeing
    Highlight,
    /// Title, topics and hashtags
    Gist,
}

/// Runs `telecine analyze`.
pub(super) async fn analyze(args: AnalyzeArgs, server: &ServerArgs) -> Outcome {
    let client = Client::new(server)?;
    let body = json!({
        "video_id": args.video, "prompt": args.prompt, "stream": false,
        "start_time": args.from, "end_time": args.to, "max_tokens": args.max_tokens,
    });
    let answer: Value = client.post("/analyze", &body).await?;
    if server.json {
        return show::print_json(&answer);
    }
    say!("{}", show::text(&answer["data"]));
    if answer["finish_reason"] == "length" {
        say!("… cut here; a longer answer with --max-tokens");
    }
    Ok(())
}

/// Runs `telecine summarize`.
pub(super) async fn summarize(args: SummarizeArgs, server: &ServerArgs) -> Outcome {
    let client = Client::new(server)?;
    let kind = match args.kind {
        Kind::Summary => "summary",
        Kind::Chapter => "chapter",
        Kind::Highlight => "highlight",
        Kind::Gist => return gist(&client, &args.video, server).await,
    };
    let body = json!({ "video_id": args.video, "type": kind, "prompt": args.prompt });
    let answer: Value = client.post("/summarize", &body).await?;
    if server.json {
        return show::print_json(&answer);
    }
    match args.kind {
        Kind::Chapter => print_parts(&answer["chapters"], "chapter_title", "chapter_summary"),
        Kind::Highlight => print_parts(&answer["highlights"], "highlight", "highlight_summary"),
        Kind::Summary | Kind::Gist => say!("{}", show::text(&answer["summary"])),
    }
    tell_author(&answer);
    Ok(())
}

async fn gist(client: &Client, video: &str, server: &ServerArgs) -> Outcome {
    let body = json!({ "video_id": video, "types": ["title", "topic", "hashtag"] });
    let answer: Value = client.post("/gist", &body).await?;
    if server.json {
        return show::print_json(&answer);
    }
    let list = |name: &str, sign: &str| {
        let all = answer[name].as_array().into_iter().flatten().filter_map(Value::as_str);
        all.map(|text| format!("{sign}{text}")).collect::<Vec<_>>().join(", ")
    };
    say!("{}\n{}\n{}", show::text(&answer["title"]), list("topics", ""), list("hashtags", "#"));
    tell_author(&answer);
    Ok(())
}

fn print_parts(parts: &Value, title: &str, summary: &str) {
    let mut table = show::table(&["FROM – TO", "TITLE", "WHAT HAPPENS"]);
    for part in parts.as_array().into_iter().flatten() {
        let seconds = |name: &str| part[name].as_f64().unwrap_or(0.0);
        table.add_row(vec![
            format!("{} – {}", show::place(seconds("start_sec")), show::place(seconds("end_sec"))),
            show::text(&part[title]),
            show::text(&part[summary]),
        ]);
    }
    show::print_table(&table);
}

fn tell_author(answer: &Value) {
    if answer["written_by"] == "extract" {
        say!("\nIn the video's own words: the model's could not be right.");
    }
}
