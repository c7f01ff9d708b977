//! The flags about settings, shared by the commands that work on this machine.

use std::path::PathBuf;

use clap::Args;

use super::failure::{Failure, Outcome};
use crate::config::Flags;

// No doc comments on these structs: clap would take them for the description of the command.

/// Flag and key of a folder.
const DATA_DIR: (&str, &str) = ("--data-dir", "server.data_dir");
const MODELS_DIR: (&str, &str) = ("--models-dir", "engines.models_dir");

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Settings")]
pub(super) struct FileArgs {
    /// Settings file [env: TELECINE_CONFIG] [default: ./telecine.toml, if it is there]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Settings")]
pub(super) struct DataArgs {
    /// Folder in which everything is kept [env: TELECINE_DATA_DIR] [default: telecine-data]
    #[arg(long, global = true, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
}

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Settings")]
pub(super) struct DatabaseArgs {
    /// PostgreSQL database that several servers share [env: TELECINE_DATABASE] [default: SQLite in the data folder]
    #[arg(long, global = true, value_name = "URL")]
    database: Option<String>,
}

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Settings")]
pub(super) struct SharedArgs {
    /// NATS server that tells workers of tasks [env: TELECINE_QUEUE] [default: they are claimed from the database]
    #[arg(long, value_name = "URL")]
    queue: Option<String>,
    /// Bucket (s3://…, gs://…, azure://…) or folder for streams, assets and uploads [env: TELECINE_MEDIA] [default: the data
    /// folder]
    #[arg(long, value_name = "PLACE")]
    media: Option<String>,
}

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Settings")]
pub(super) struct ModelsDirArgs {
    /// Folder of the models [env: TELECINE_MODELS] [default: ~/.cache/telecine/models]
    #[arg(long, global = true, value_name = "FOLDER")]
    models_dir: Option<PathBuf>,
}

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Settings")]
pub(super) struct SetArgs {
    /// Any other setting, such as `--set pipeline.tasks=2`; can be given more than once
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
}

impl FileArgs {
    pub(super) fn flags(&self) -> Flags {
        Flags { file: self.config.clone(), values: Vec::new() }
    }
}

impl DataArgs {
    pub(super) fn add_to(&self, flags: &mut Flags) {
        flags.set(DATA_DIR.0, DATA_DIR.1, self.data_dir.as_ref().map(|path| path.to_string_lossy()));
    }
}

impl DatabaseArgs {
    pub(super) fn add_to(&self, flags: &mut Flags) {
        flags.set("--database", "database.url", self.database.as_ref());
    }
}

impl SharedArgs {
    pub(super) fn add_to(&self, flags: &mut Flags) {
        flags.set("--queue", "queue.url", self.queue.as_ref());
        flags.set("--media", "media_store.url", self.media.as_ref());
    }
}

impl ModelsDirArgs {
    pub(super) fn add_to(&self, flags: &mut Flags) {
        flags.set(MODELS_DIR.0, MODELS_DIR.1, self.models_dir.as_ref().map(|path| path.to_string_lossy()));
    }
}

impl SetArgs {
    pub(super) fn add_to(&self, flags: &mut Flags) -> Outcome {
        for given in &self.set {
            let (key, value) = given.split_once('=').ok_or_else(|| {
                Failure::Usage(format!("`--set {given}` is not KEY=VALUE, such as `--set pipeline.tasks=2`"))
            })?;
            flags.set("--set", key.trim(), Some(value.trim()));
        }
        Ok(())
    }
}
