//! What is looked at beyond this host, or shared with others: the database, the queue, the store of media.

use std::time::Duration;

use super::{Check, State};
use crate::app::open_store_as_it_is;
use crate::config::Config;
use crate::fault::Error;
use crate::files::DataDir;
use crate::media_store;
use crate::queue::jetstream;
use crate::store::Finding;

/// How long one of them may take to answer.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) async fn examine(config: &Config) -> Vec<Check> {
    let mut checks = database(config).await;
    checks.extend(queue(config).await);
    checks.push(media_store(config).await);
    checks
}

async fn database(config: &Config) -> Vec<Check> {
    let name = "database";
    let remedy = match &config.database.url {
        Some(_) => {
            "Check the URL, that PostgreSQL runs there and lets this host in (pg_hba.conf), and the password."
        }
        None => "Check the data folder; restore it from a backup if the file is damaged.",
    };
    let examined = tokio::time::timeout(PATIENCE, async {
        match open_store_as_it_is(config).await? {
            Some(store) => store.examine().await.map(Some),
            None => Ok(None),
        }
    });
    match examined.await {
        Err(_) => vec![Check::failed(name, format!("no answer within {} s", PATIENCE.as_secs()), remedy)],
        Ok(Err(error)) => vec![Check::failed(name, told_by(&error), remedy)],
        Ok(Ok(None)) => vec![Check::ok(name, "SQLite; there is none yet, the first start makes it")],
        Ok(Ok(Some(findings))) => findings.into_iter().map(told).collect(),
    }
}

/// What happened, without what a client of a server would be told to do.
fn told_by(error: &Error) -> String {
    error.as_fault().map_or_else(|| format!("{error:#}"), |fault| fault.message.clone())
}

fn told(finding: Finding) -> Check {
    let name = format!("database: {}", finding.what);
    match (finding.remedy, finding.is_fatal) {
        (None, _) => Check::ok(name, finding.found),
        (Some(remedy), true) => Check::failed(name, finding.found, remedy),
        (Some(remedy), false) => Check::warning(name, finding.found, remedy),
    }
}

/// Nothing where tasks are claimed from the database.
async fn queue(config: &Config) -> Vec<Check> {
    let Some(options) = config.queue.stream() else { return Vec::new() };
    let told = |finding: jetstream::Finding| Check {
        name: format!("queue: {}", finding.name),
        state: match finding.level {
            jetstream::Level::Ok => State::Ok,
            jetstream::Level::Warning => State::Warning,
            jetstream::Level::Failed => State::Failed,
        },
        found: finding.found,
        remedy: finding.remedy,
    };
    jetstream::check(&options).await.into_iter().map(told).collect()
}

async fn media_store(config: &Config) -> Check {
    let name = "media store";
    let files = DataDir::new(&config.server.data_dir);
    let remedy = "Check its address and keys (media_store in the settings); they must allow reading, writing and removing.";
    let store = match media_store::open(config, &files) {
        Ok(store) => store,
        Err(error) => return Check::failed(name, told_by(&error), remedy),
    };
    if config.is_shared() && config.media_store.url.is_none() {
        let remedy = "Name a bucket or folder that all hosts see, with --media or TELECINE_MEDIA.";
        return Check::warning(name, "in the data folder, which other hosts do not see", remedy);
    }
    // The data folder may not be there yet.
    let aside = if files.path().exists() { files.path().to_owned() } else { std::env::temp_dir() };
    match tokio::time::timeout(PATIENCE, media_store::probe(&*store, &aside)).await {
        Err(_) => Check::failed(
            name,
            format!("{}: no answer within {} s", store.place(), PATIENCE.as_secs()),
            remedy,
        ),
        Ok(Err(error)) => Check::failed(name, format!("{}: {}", store.place(), told_by(&error)), remedy),
        Ok(Ok(())) => Check::ok(name, format!("{}: written, read and removed", store.place())),
    }
}
