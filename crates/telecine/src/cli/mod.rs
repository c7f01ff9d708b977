//! The command line: one clap enum, one file per command. Talks to a server over HTTP, except where it starts one or
//! works on what lies on this machine.

mod client;
mod completions;
mod dashboard;
mod doctor;
mod failure;
mod index;
mod integration;
mod key;
mod migrate;
mod models;
mod output;
mod process;
mod progress;
mod search;
mod serve;
mod settings;
mod show;
mod task;
mod transfer;
mod webhook;
mod words;
mod worker;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use client::ServerArgs;
use failure::{Failure, Outcome};
use show::say;

const EXIT_CODES: &str = "Exit status:
  0    all is well
  1    something failed: the server refused a request, or videos of a transfer failed
  2    the command line or the settings are not right
  3    the server cannot be reached, or does not accept the key
  130  ended by Ctrl-C

Start with `telecine models fetch` and `telecine serve`; `make demo` shows the whole way.";

/// Turns a bucket of videos into a searchable index with one call
///
/// Self-hosted and compatible with the Twelve Labs API (not affiliated with it): videos are found by what is seen,
/// said and written in them.
#[derive(Debug, Parser)]
#[command(name = "telecine", version, after_help = EXIT_CODES, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
#[command(subcommand_help_heading = "Commands")]
enum Command {
    /// Start the server
    ///
    /// The first start makes the data folder and an admin key, which is shown once. Logs go to standard error.
    /// SIGTERM or Ctrl-C stops the server in order: requests are finished and tasks given back; a second one ends it
    /// at once.
    Serve(serve::ServeArgs),
    /// Work on videos, beside servers that share a PostgreSQL database
    ///
    /// Takes tasks from the database, or as the queue tells of them, and answers no requests. SIGTERM or Ctrl-C gives the
    /// tasks in hand back at once, so that others go on with them; a second one ends it at once.
    Worker(worker::WorkerArgs),
    /// Say what is wrong with everything that a server stands on, and what to do
    ///
    /// Looks at this host (data folder, models, ffmpeg and its sandbox), the database, the queue and the store of media, as
    /// the settings name them. Changes nothing; the exit status is 1 where a server would not work.
    Doctor(doctor::DoctorArgs),
    /// Bring the database to the shape of this version, or move a SQLite one into PostgreSQL
    ///
    /// Servers do the first by themselves when they start. A move goes on where it was when it is cut short, and ends with
    /// comparing every row; stop the server on the old data folder before, and start others on the new database after.
    Migrate(migrate::MigrateArgs),
    /// Print a link that opens the server's dashboard, signed in
    ///
    /// The link works once, within ten minutes, for the key that the command uses.
    Dashboard {
        #[command(flatten)]
        args: dashboard::DashboardArgs,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Make, list and revoke API keys in the data folder, whether a server runs on it or not
    Key(key::KeyArgs),
    /// Fetch, check and list the models that see, hear and read
    Models(models::ModelsArgs),
    /// Connect buckets and list what is in them
    Integration {
        #[command(subcommand)]
        command: integration::IntegrationCommand,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Move the videos of a manifest from their buckets into an index, and follow how they get on
    ///
    /// The manifest is a JSON array of {"index_id", "language", "object", "transcription"}, the last one optional, as
    /// `telecine integration manifest` writes it. A manifest that is named like one of the commands below can be given
    /// as ./NAME.
    Transfer {
        #[command(flatten)]
        args: transfer::TransferArgs,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Make, look at and remove indexes
    Index {
        #[command(subcommand)]
        command: index::IndexCommand,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Look at single videos on their way into an index
    Task {
        #[command(subcommand)]
        command: task::TaskCommand,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Find moments in the videos of an index by what is seen, said and written
    Search {
        #[command(flatten)]
        args: search::SearchArgs,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Have a server tell of what happened, and look at what it told
    Webhook {
        #[command(subcommand)]
        command: webhook::WebhookCommand,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Ask a question about a video
    Analyze {
        #[command(flatten)]
        args: words::AnalyzeArgs,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Summarize a video: as a text, chapters, highlights, or title and topics
    Summarize {
        #[command(flatten)]
        args: words::SummarizeArgs,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Print completions for a shell
    ///
    /// For bash: telecine completions bash > ~/.local/share/bash-completion/completions/telecine
    Completions(completions::CompletionsArgs),
}

/// Runs the program with the arguments of this process.
pub fn main() -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return Failure::from(error).tell(),
    };
    match runtime.block_on(run(Cli::parse())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.tell(),
    }
}

/// The command line as it is described to people; for tests of its texts.
pub fn command() -> clap::Command {
    Cli::command()
}

async fn run(cli: Cli) -> Outcome {
    match cli.command {
        Command::Serve(args) => serve::run(args).await,
        Command::Worker(args) => worker::run(args).await,
        Command::Doctor(args) => doctor::run(args).await,
        Command::Migrate(args) => migrate::run(args).await,
        Command::Dashboard { args, server } => dashboard::run(args, &server).await,
        Command::Key(args) => key::run(args).await,
        Command::Models(args) => tokio::task::block_in_place(|| models::run(args)),
        Command::Integration { command, server } => integration::run(command, &server).await,
        Command::Transfer { args, server } => transfer::run(args, &server).await,
        Command::Index { command, server } => index::run(command, &server).await,
        Command::Task { command, server } => task::run(command, &server).await,
        Command::Search { args, server } => search::run(args, &server).await,
        Command::Webhook { command, server } => webhook::run(command, &server).await,
        Command::Analyze { args, server } => words::analyze(args, &server).await,
        Command::Summarize { args, server } => words::summarize(args, &server).await,
        Command::Completions(args) => {
            completions::run(&args);
            Ok(())
        }
    }
}

/// Prints the table of a list, or what to do where it is empty.
fn print_list(table: &comfy_table::Table, shown: usize, total: u64, noun: &str, remedy: &str) -> Outcome {
    if shown == 0 {
        say!("There is no {noun} yet; {remedy}.");
        return Ok(());
    }
    show::print_table(table);
    if total > shown as u64 {
        say!("… {shown} of {total}; more with --limit");
    }
    Ok(())
}
