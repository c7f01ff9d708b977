//! `telecine transfer`: posts a manifest and follows it; looks at transfers and steers them.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use futures::StreamExt;
use serde::Deserialize;
use serde_json::{Value, json};

use super::client::{Client, ServerArgs, segment};
use super::failure::{Failure, Outcome};
use super::output::Output;
use super::progress::{Display, TransferStatus};
use super::show::{self, say};

const POLL: Duration = Duration::from_millis(500);
/// How long a server may be away (being restarted) before following it is given up.
const PATIENCE: Duration = Duration::from_secs(60);
/// Rows of a table that a person still reads.
const MOST_ROWS: usize = 1_000;

// No doc comments on these types: clap would take them for the description of the command.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(super) struct TransferArgs {
    /// The manifest, a JSON file; - reads it from standard input
    #[arg(required = true)]
    manifest: Option<PathBuf>,
    /// Say what would be taken, skipped and refused, and why; move nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not wait until all videos are ready or refused
    #[arg(long, conflicts_with = "dry_run")]
    detach: bool,
    #[command(subcommand)]
    command: Option<TransferCommand>,
}

#[derive(Debug, Subcommand)]
enum TransferCommand {
    /// Show how a transfer stands
    Status {
        /// The transfer; without it, the newest one
        transfer: Option<String>,
        /// Stay until it is finished
        #[arg(long)]
        follow: bool,
    },
    /// Tell what became of every video of a transfer
    Report {
        /// The transfer
        transfer: String,
        /// A table for people, or all fields as JSON, JSON lines or CSV
        #[arg(long, value_enum, default_value_t = Format::Table)]
        format: Format,
        /// Write into this file instead of standard output
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Try the failed videos of a transfer again
    Retry {
        /// The transfer
        transfer: String,
        /// Only those that failed with this code, such as object_access_denied
        #[arg(long)]
        code: Option<String>,
    },
    /// Begin no further video of a transfer; what is in hand goes on to its end
    Pause {
        /// The transfer
        transfer: String,
    },
    /// Go on with a transfer that is paused
    Resume {
        /// The transfer
        transfer: String,
    },
    /// Give up all videos of a transfer that are not ready yet
    Cancel {
        /// The transfer
        transfer: String,
    },
    /// List transfers, newest first
    List {
        /// At most so many
        #[arg(long, default_value_t = 20)]
        limit: usize,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Table,
    Json,
    Jsonl,
    Csv,
}

/// Runs the command.
pub(super) async fn run(args: TransferArgs, server: &ServerArgs) -> Outcome {
    let client = Client::new(server)?;
    let json = server.json;
    match (args.command, args.manifest) {
        (Some(TransferCommand::Status { transfer, follow }), _) => {
            let id = match transfer {
                Some(id) => id,
                None => newest(&client).await?,
            };
            if follow {
                follow_to_the_end(&client, &id, json).await
            } else {
                status(&client, &id, json).await
            }
        }
        (Some(TransferCommand::Report { transfer, format, output }), _) => {
            let format = if json && format == Format::Table { Format::Json } else { format };
            report(&client, &transfer, format, output.as_deref()).await
        }
        (Some(TransferCommand::Retry { transfer, code }), _) => {
            retry(&client, &transfer, code.as_deref(), json).await
        }
        (Some(TransferCommand::Pause { transfer }), _) => pause(&client, &transfer, json).await,
        (Some(TransferCommand::Resume { transfer }), _) => resume(&client, &transfer, json).await,
        (Some(TransferCommand::Cancel { transfer }), _) => cancel(&client, &transfer, json).await,
        (Some(TransferCommand::List { limit }), _) => list(&client, limit, json).await,
        (None, Some(manifest)) if args.dry_run => dry_run(&client, &manifest, json).await,
        (None, Some(manifest)) => submit(&client, &manifest, args.detach, json).await,
        (None, None) => Err(Failure::Usage("name a manifest, or see `telecine transfer --help`".to_owned())),
    }
}

/// The form with the manifest, streamed from the file.
async fn form(manifest: &Path) -> Outcome<reqwest::multipart::Form> {
    use reqwest::multipart::{Form, Part};
    if manifest == Path::new("-") {
        let stdin = tokio::fs::File::open("/dev/stdin").await?;
        let body = reqwest::Body::wrap_stream(tokio_util::io::ReaderStream::new(stdin));
        let part = Part::stream(body).file_name("manifest.json");
        return Ok(Form::new().part("file", part));
    }
    let unreadable = |error: std::io::Error| {
        let hint = match manifest.to_str().and_then(meant) {
            Some(name) => format!("; did you mean `telecine transfer {name}`?"),
            None => String::new(),
        };
        Failure::Usage(format!("cannot read the manifest {}: {error}{hint}", manifest.display()))
    };
    let file = tokio::fs::File::open(manifest).await.map_err(unreadable)?;
    let length = file.metadata().await.map_err(unreadable)?.len();
    let body = reqwest::Body::wrap_stream(tokio_util::io::ReaderStream::new(file));
    let name = manifest.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let part = Part::stream_with_length(body, length).file_name(name).mime_str("application/json");
    Ok(Form::new().part("file", part.map_err(|error| Failure::Local(error.into()))?))
}

/// The subcommand that a mistyped one looks like.
fn meant(given: &str) -> Option<&'static str> {
    ["status", "report", "retry", "pause", "resume", "cancel", "list"]
        .into_iter()
        .find(|name| strsim::levenshtein(given, name) <= 2)
}

async fn submit(client: &Client, manifest: &Path, detach: bool, json: bool) -> Outcome {
    let answer: Value = client.post_form("/tasks/transfers", &[], form(manifest).await?).await?;
    if detach && json {
        return show::print_json(&answer);
    }
    let id = answer["transfer_id"].as_str().ok_or_else(|| Failure::local("the server names no transfer"))?;
    let summary = &answer["summary"];
    let (accepted, repeated) =
        (summary["accepted"].as_u64().unwrap_or(0), summary["repeated"].as_u64().unwrap_or(0));
    let twice = match repeated {
        0 => String::new(),
        number => format!(" ({} that repeat others left out)", show::count(number, "entry")),
    };
    eprintln!("Transfer {id}: {} accepted{twice}.", show::count(accepted, "video"));
    if detach {
        say!("{id}");
        eprintln!("Follow it with `telecine transfer status {id} --follow`.");
        return Ok(());
    }
    follow_to_the_end(client, id, json).await
}

/// Shows a transfer until it is finished; fails when videos failed.
pub(super) async fn follow_to_the_end(client: &Client, id: &str, json: bool) -> Outcome {
    let mut display = Display::new();
    let followed = tokio::select! {
        followed = follow(client, id, &mut display) => followed,
        _ = tokio::signal::ctrl_c() => Err(Failure::Interrupted),
    };
    display.finish();
    let status = match followed {
        Err(Failure::Interrupted) => {
            eprintln!(
                "\nThe transfer goes on in the server. Follow it with `telecine transfer status {id} --follow`."
            );
            return Err(Failure::Interrupted);
        }
        other => other?,
    };
    if json {
        let raw: Value = client.get(&path(id), &[]).await?;
        show::print_json(&raw)?;
    } else {
        sum_up(client, id, &status).await?;
    }
    if status.counts.failed > 0 { Err(Failure::Told) } else { Ok(()) }
}

async fn follow(client: &Client, id: &str, display: &mut Display) -> Outcome<TransferStatus> {
    let mut away_since: Option<tokio::time::Instant> = None;
    loop {
        match client.get::<TransferStatus>(&path(id), &[]).await {
            Ok(status) => {
                away_since = None;
                display.update(&status);
                if status.is_finished {
                    return Ok(status);
                }
            }
            Err(failure @ Failure::Unreachable { .. }) => {
                let since = *away_since.get_or_insert_with(tokio::time::Instant::now);
                if since.elapsed() > PATIENCE {
                    return Err(failure);
                }
                if since.elapsed() < POLL {
                    display
                        .say("The server does not answer; trying again. The transfer itself loses nothing.");
                }
            }
            Err(other) => return Err(other),
        }
        tokio::time::sleep(POLL).await;
    }
}

/// After the end: what became of the videos that are not ready.
async fn sum_up(client: &Client, id: &str, status: &TransferStatus) -> Outcome {
    let rows = report_rows(client, id).await?;
    let others: Vec<&Row> = rows.iter().filter(|row| row.status != "ready").collect();
    say!("{}", status.counts_line());
    if !others.is_empty() {
        say!("");
        print_rows(others.into_iter().take(20))?;
        let untold = (status.counts.failed + status.counts.skipped).saturating_sub(20);
        if untold > 0 {
            say!("… and {untold} more");
        }
        say!("\nMore with `telecine transfer report {id}`; another try with `telecine transfer retry {id}`.");
    }
    Ok(())
}

/// A line of a report.
#[derive(Debug, Deserialize)]
struct Row {
    object: String,
    status: String,
    error: Option<super::failure::Refusal>,
    duplicate_of: Option<String>,
}

impl Row {
    fn why(&self) -> String {
        match (&self.error, &self.duplicate_of) {
            (Some(fault), _) => {
                let value =
                    fault.value.as_ref().map_or_else(String::new, |value| format!(" Found: {value}."));
                format!("{}: {}{value}", fault.code, fault.message)
            }
            (None, Some(video)) => format!("same content as video {video}"),
            (None, None) => String::new(),
        }
    }
}

/// The first rows of a report.
async fn report_rows(client: &Client, id: &str) -> Outcome<Vec<Row>> {
    let query = [("format", "jsonl".to_owned())];
    let mut stream = client.stream(&format!("{}/report", path(id)), &query).await?;
    let (mut rows, mut rest) = (Vec::new(), Vec::new());
    while let Some(chunk) = stream.next().await {
        rest.extend_from_slice(&chunk?);
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = rest.drain(..=end).collect();
            rows.push(serde_json::from_slice(&line)?);
            if rows.len() == MOST_ROWS {
                return Ok(rows);
            }
        }
    }
    Ok(rows)
}

fn print_rows<'a>(rows: impl Iterator<Item = &'a Row>) -> Outcome {
    let mut table = show::table(&["VIDEO", "STATUS", "WHY"]);
    for row in rows {
        table.add_row(vec![row.object.as_str().into(), show::status(&row.status), row.why().into()]);
    }
    show::print_table(&table);
    Ok(())
}

async fn report(client: &Client, id: &str, format: Format, output: Option<&Path>) -> Outcome {
    let name = match format {
        Format::Table => {
            let rows = report_rows(client, id).await?;
            print_rows(rows.iter())?;
            if rows.len() == MOST_ROWS {
                say!("… these are the first {MOST_ROWS}; all of them with `--format csv`");
            }
            return Ok(());
        }
        Format::Json => "json",
        Format::Jsonl => "jsonl",
        Format::Csv => "csv",
    };
    let query = [("format", name.to_owned())];
    let mut stream = client.stream(&format!("{}/report", path(id)), &query).await?;
    let mut out = Output::open(output)?;
    while let Some(chunk) = stream.next().await {
        out.write_all(&chunk?)?;
    }
    out.finish()?;
    Ok(())
}

async fn status(client: &Client, id: &str, json: bool) -> Outcome {
    let raw: Value = client.get(&path(id), &[]).await?;
    if json {
        return show::print_json(&raw);
    }
    let status: TransferStatus = serde_json::from_value(raw)?;
    let end = if status.is_finished {
        format!(", ended {}", show::moment(&status.ended_at))
    } else {
        String::new()
    };
    say!("Transfer {}: {}, begun {}{end}", status.id, state_of(&status), show::moment(&status.created_at));
    say!("{}", status.counts_line());
    if status.repeated > 0 {
        say!("{} in the manifest that repeat others left out", show::count(status.repeated, "entry"));
    }
    if !status.is_finished {
        say!("");
        for (name, share, numbers) in status.stage_lines() {
            say!("{name:<8}  {:>3.0} %  {numbers}", share * 100.0);
        }
        say!("{}", status.remain_line().unwrap_or_default());
        for task in status.in_hand.iter().take(10) {
            let share = task.fraction.map_or_else(String::new, |share| format!(", {:.0} %", share * 100.0));
            say!("  {}: {}{share}", task.filename, task.stage);
        }
    }
    for fault in &status.faults {
        say!("\n{} × {}: {}", fault.count, fault.code, fault.message.as_deref().unwrap_or_default());
        if let Some(remedy) = &fault.remedy {
            say!("    {remedy}");
        }
    }
    Ok(())
}

fn state_of(status: &TransferStatus) -> &str {
    match (status.state.as_str(), status.is_finished) {
        ("cancelled", _) => "cancelled",
        (_, true) => "finished",
        (_, false) if status.is_paused() => "paused",
        (_, false) => "going on",
    }
}

async fn newest(client: &Client) -> Outcome<String> {
    let (rows, _) = client.list("/transfers", &[], 1).await?;
    let id = rows.first().and_then(|transfer| transfer["_id"].as_str());
    id.map(str::to_owned)
        .ok_or_else(|| Failure::local("there is no transfer yet; `telecine transfer MANIFEST` makes one"))
}

async fn retry(client: &Client, id: &str, code: Option<&str>, json: bool) -> Outcome {
    let body = code.map_or_else(|| json!({}), |code| json!({ "code": code }));
    let answer: Value = client.post(&format!("{}/retry", path(id)), &body).await?;
    if json {
        return show::print_json(&answer);
    }
    match answer["retried"].as_u64().unwrap_or(0) {
        0 => say!(
            "No video of this transfer failed{}.",
            code.map_or(String::new(), |code| format!(" with {code}"))
        ),
        number => {
            say!("Trying {} again.", show::count(number, "video"));
            eprintln!("Follow it with `telecine transfer status {id} --follow`.");
        }
    }
    Ok(())
}

async fn pause(client: &Client, id: &str, json: bool) -> Outcome {
    let answer: Value = client.post(&format!("{}/pause", path(id)), &json!({})).await?;
    if json {
        return show::print_json(&answer);
    }
    let in_hand = answer["in_hand"].as_array().map_or(0, |tasks| tasks.len() as u64);
    match in_hand {
        0 => say!("Paused; nothing is in hand."),
        number => say!("Paused. {} in hand will be finished.", show::count(number, "video")),
    }
    eprintln!("Go on with `telecine transfer resume {id}`.");
    Ok(())
}

async fn resume(client: &Client, id: &str, json: bool) -> Outcome {
    let answer: Value = client.post(&format!("{}/resume", path(id)), &json!({})).await?;
    if json {
        return show::print_json(&answer);
    }
    say!("The transfer goes on.");
    eprintln!("Follow it with `telecine transfer status {id} --follow`.");
    Ok(())
}

async fn cancel(client: &Client, id: &str, json: bool) -> Outcome {
    let answer: Value = client.post(&format!("{}/cancel", path(id)), &json!({})).await?;
    if json {
        return show::print_json(&answer);
    }
    match answer["cancelled"].as_u64().unwrap_or(0) {
        0 => say!("Nothing was left to cancel."),
        number => say!("Gave up {}. Videos that are ready stay.", show::count(number, "video")),
    }
    Ok(())
}

async fn list(client: &Client, limit: usize, json: bool) -> Outcome {
    let (rows, total) = client.list("/transfers", &[], limit).await?;
    if json {
        return show::print_json(&json!({ "data": rows }));
    }
    let mut table = show::table(&["TRANSFER", "BEGUN", "VIDEOS", "READY", "FAILED", "SKIPPED", "LEFT"]);
    for row in &rows {
        let of = |name: &str| row["counts"][name].as_u64().unwrap_or(0);
        let left = of("validating") + of("pending") + of("queued") + of("indexing");
        let all = left + of("ready") + of("failed") + of("skipped");
        let numbers = [all, of("ready"), of("failed"), of("skipped"), left];
        let mut cells = vec![show::text(&row["_id"]), show::moment(&row["created_at"])];
        cells.extend(numbers.map(|number| number.to_string()));
        table.add_row(cells);
    }
    super::print_list(&table, rows.len(), total, "transfer", "`telecine transfer MANIFEST` makes one")
}

async fn dry_run(client: &Client, manifest: &Path, json: bool) -> Outcome {
    let query = [("dry_run", "true".to_owned())];
    let plan: Value = client.post_form("/tasks/transfers", &query, form(manifest).await?).await?;
    let summary = &plan["summary"];
    let of = |name: &str| summary[name].as_u64().unwrap_or(0);
    if json {
        show::print_json(&plan)?;
    } else {
        let entries: Vec<PlanEntry> = serde_json::from_value(plan["entries"].clone())?;
        let mut table = show::table(&["VIDEO", "SIZE", "WOULD BE", "WHY"]);
        for entry in entries.iter().take(MOST_ROWS) {
            let size = entry.size_bytes.map_or_else(|| "–".to_owned(), show::size);
            table.add_row(vec![
                entry.object.as_str().into(),
                size.into(),
                show::status(&entry.verdict),
                entry.why().into(),
            ]);
        }
        show::print_table(&table);
        if entries.len() > MOST_ROWS {
            say!("… and {} more; all of them with --json", entries.len() - MOST_ROWS);
        }
        say!(
            "\n{}: {} would be taken ({}), {} skipped, {} refused. Nothing was moved.",
            show::count(of("entries"), "entry"),
            of("taken"),
            show::size(of("bytes")),
            of("skipped"),
            of("refused"),
        );
    }
    if of("refused") > 0 { Err(Failure::Told) } else { Ok(()) }
}

/// A line of a dry run.
#[derive(Debug, Deserialize)]
struct PlanEntry {
    object: String,
    verdict: String,
    size_bytes: Option<u64>,
    fault: Option<super::failure::Refusal>,
    duplicate: Option<Value>,
}

impl PlanEntry {
    fn why(&self) -> String {
        match (&self.fault, &self.duplicate) {
            (Some(fault), _) => format!("{}: {}", fault.code, fault.message),
            (None, Some(duplicate)) => {
                format!("the index has it as video {}", show::text(&duplicate["video"]))
            }
            (None, None) => String::new(),
        }
    }
}

fn path(id: &str) -> String {
    format!("/transfers/{}", segment(id))
}
