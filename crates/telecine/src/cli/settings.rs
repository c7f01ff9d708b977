//! The flags about settings, shared by the commands that work on this machine.

use std::path::PathBuf;

use clap::Args;

use super::failure::{Failure, Outcome};
use crate::config::{Config, Flags, load};

/// Where settings come from; see docs/OPERATING.md.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Settings")]
pub(super) struct SettingsArgs {
    /// Settings file [env: TELECINE_CONFIG] [default: ./telecine.toml, if it is there]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder in which everything is kept [env: TELECINE_DATA_DIR] [default: telecine-data]
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
    /// Folder of the models [env: TELECINE_MODELS] [default: ~/.cache/telecine/models]
    #[arg(long, value_name = "FOLDER")]
    models_dir: Option<PathBuf>,
    /// Any other setting, such as `--set pipeline.tasks=2`; can be given more than once
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
}

impl SettingsArgs {
    /// The flags, for [`load`].
    pub(super) fn flags(&self) -> Outcome<Flags> {
        let mut flags = Flags { file: self.config.clone(), values: Vec::new() };
        for (flag, key, folder) in [
            ("--data-dir", "server.data_dir", &self.data_dir),
            ("--models-dir", "engines.models_dir", &self.models_dir),
        ] {
            flags.set(flag, key, folder.as_ref().map(|path| path.to_string_lossy()));
        }
        for given in &self.set {
            let (key, value) = given.split_once('=').ok_or_else(|| {
                Failure::Usage(format!("`--set {given}` is not KEY=VALUE, such as `--set pipeline.tasks=2`"))
            })?;
            flags.set("--set", key.trim(), Some(value.trim()));
        }
        Ok(flags)
    }

    /// The settings of this command.
    pub(super) fn load(&self) -> Outcome<Config> {
        Ok(load(&self.flags()?)?)
    }
}
