//! `telecine search`: asks an index and shows where in which video the answer lies, and why.

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::client::{Client, ServerArgs, segment};
use super::failure::{Failure, Outcome};
use super::show::{self, say};

#[derive(Debug, Args)]
pub(super) struct SearchArgs {
    /// The index, by its name or id
    index: String,
    /// What to look for, in words
    #[arg(required_unless_present = "page")]
    query: Option<String>,
    /// What to go by, separated by commas; without it, all that the index has
    #[arg(long, value_enum, value_delimiter = ',', value_name = "OPTION")]
    by: Vec<By>,
    /// Whether a moment must match by any of the options or by all of them
    #[arg(long, value_enum, default_value_t = Operator::Or)]
    operator: Operator,
    /// Leave out what is less sure than this
    #[arg(long, value_enum, default_value_t = Threshold::Low)]
    threshold: Threshold,
    /// Look for the very words that are said, in their order
    #[arg(long)]
    exact: bool,
    /// List moments, or videos with their moments
    #[arg(long, value_enum, default_value_t = Group::Clip, value_name = "CLIP|VIDEO", hide_possible_values = true)]
    group_by: Group,
    /// Rows on a page, 1 to 50
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=50))]
    limit: u32,
    /// Show another page of an earlier search, by its token
    #[arg(long, value_name = "TOKEN", conflicts_with = "query")]
    page: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum By {
    /// What is seen
    #[value(alias = "seen")]
    Visual,
    /// What is said
    #[value(alias = "said")]
    Conversation,
    /// What is written in the picture
    #[value(name = "text_in_video", alias = "written")]
    TextInVideo,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Operator {
    Or,
    And,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Threshold {
    High,
    Medium,
    Low,
    None,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Group {
    Clip,
    Video,
}

/// The name of a value in the contract: as on the command line.
fn name(value: impl ValueEnum) -> String {
    value.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
}

/// Runs the command.
pub(super) async fn run(args: SearchArgs, server: &ServerArgs) -> Outcome {
    let client = Client::new(server)?;
    let index = client.index_id(&args.index).await?;
    let answer: Value = match &args.page {
        Some(token) => client.get(&format!("/search/{}", segment(token)), &[]).await?,
        None => client.post("/search", &request(&client, &index, &args).await?).await?,
    };
    if server.json {
        return show::print_json(&answer);
    }
    let hits = hits_of(&answer);
    if hits.is_empty() {
        say!("Nothing found. {}", advice(&args));
        return Ok(());
    }
    let names = client.video_names(&index, hits.iter().map(|hit| hit.video)).await;
    let mut table = show::table(&["VIDEO", "FROM – TO", "SCORE", "WHY"]);
    for hit in &hits {
        let clip = hit.clip;
        let number = |name: &str| clip[name].as_f64().unwrap_or(0.0);
        table.add_row(vec![
            names.get(hit.video).cloned().unwrap_or_else(|| hit.video.to_owned()),
            format!("{} – {}", show::place(number("start")), show::place(number("end"))),
            format!("{:.0}", number("score")),
            why(clip),
        ]);
    }
    show::print_table(&table);
    let info = &answer["page_info"];
    if let Some(total) = info["total_results"].as_u64() {
        let noun = if matches!(args.group_by, Group::Video) { "video" } else { "moment" };
        say!("\n{} found", show::count(total, noun));
    }
    if let Some(token) = info["next_page_token"].as_str() {
        say!("Next page: telecine search {} --page {token}", args.index);
    }
    Ok(())
}

async fn request(client: &Client, index: &str, args: &SearchArgs) -> Outcome<Value> {
    let options: Vec<String> = if args.by.is_empty() {
        search_options(client, index).await?
    } else {
        args.by.iter().map(|option| name(*option)).collect()
    };
    Ok(json!({
        "index_id": index,
        "query": args.query,
        "search_options": options,
        "operator": name(args.operator),
        "threshold": name(args.threshold),
        "conversation_option": if args.exact { "exact_match" } else { "semantic" },
        "group_by": name(args.group_by),
        "page_limit": args.limit,
    }))
}

/// All options by which an index can be searched.
async fn search_options(client: &Client, index: &str) -> Outcome<Vec<String>> {
    let index: Value = client.get(&format!("/indexes/{index}"), &[]).await?;
    let engines = index["engines"].as_array().into_iter().flatten();
    let searching = engines
        .filter(|engine| engine["engine_name"].as_str().is_some_and(|name| name.starts_with("marengo")));
    let options = searching.flat_map(|engine| engine["engine_options"].as_array().into_iter().flatten());
    let options: Vec<String> = options.filter_map(Value::as_str).map(str::to_owned).collect();
    if options.is_empty() {
        return Err(Failure::local("this index has no engine that searches; make one with a marengo engine"));
    }
    Ok(options)
}

struct Hit<'a> {
    video: &'a str,
    clip: &'a Value,
}

/// The clips of a page, grouped or not.
fn hits_of(answer: &Value) -> Vec<Hit<'_>> {
    let items = answer["data"].as_array().into_iter().flatten();
    items
        .flat_map(|item| {
            let clips = match item["clips"].as_array() {
                Some(clips) => clips.iter().collect(),
                None => vec![item],
            };
            let owner = item["id"].as_str();
            clips
                .into_iter()
                .map(move |clip| Hit { video: owner.or(clip["video_id"].as_str()).unwrap_or_default(), clip })
        })
        .collect()
}

/// `seen (high), said (medium): “Good morning, meadow!”`.
fn why(clip: &Value) -> String {
    let modules: Vec<&Value> = clip["modules"].as_array().into_iter().flatten().collect();
    let sure = |option: &str| {
        let module = modules.iter().find(|module| module["type"] == option)?;
        module["confidence"].as_str()
    };
    let matches = clip["metadata"].as_array().into_iter().flatten().map(|found| {
        let option = found["type"].as_str().unwrap_or_default();
        let word = match option {
            "visual" => "seen",
            "conversation" | "audio" => "said",
            "text_in_video" => "written",
            other => other,
        };
        let sure = sure(option).map_or_else(String::new, |sure| format!(" ({sure})"));
        let text = found["text"].as_str().map_or_else(String::new, |text| format!(": “{}”", shortened(text)));
        format!("{word}{sure}{text}")
    });
    matches.collect::<Vec<_>>().join(", ")
}

fn shortened(text: &str) -> String {
    const MOST: usize = 80;
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.chars().count() <= MOST {
        return text;
    }
    let cut: String = text.chars().take(MOST - 1).collect();
    format!("{}…", cut.trim_end())
}

/// What could be asked instead.
fn advice(args: &SearchArgs) -> &'static str {
    if args.exact {
        "Without --exact, the meaning of the words counts."
    } else if matches!(args.operator, Operator::And) {
        "With `--operator or`, one matching option is enough."
    } else if !matches!(args.threshold, Threshold::None) {
        "With `--threshold none`, less certain matches are shown too."
    } else {
        "Videos that are not ready yet cannot be found: see `telecine task list`."
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hit_says_by_what_it_was_found_and_with_which_words() {
        let clip = json!({
            "metadata": [{"type": "conversation", "text": "Good  morning,\nmeadow!"}, {"type": "visual"}],
            "modules": [{"type": "conversation", "confidence": "high"}, {"type": "visual", "confidence": "low"}],
        });
        assert_eq!(why(&clip), "said (high): “Good morning, meadow!”, seen (low)");
    }

    #[test]
    fn clips_are_found_in_both_forms_of_an_answer() {
        let flat = json!({"data": [{"video_id": "v", "start": 1.0}]});
        let grouped = json!({"data": [{"id": "v", "clips": [{"start": 1.0}, {"start": 2.0}]}]});
        assert_eq!(hits_of(&flat).iter().map(|hit| hit.video).collect::<Vec<_>>(), ["v"]);
        assert_eq!(hits_of(&grouped).iter().map(|hit| hit.video).collect::<Vec<_>>(), ["v", "v"]);
    }
}
