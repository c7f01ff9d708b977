//! Logs: set up once, for the process. Knows nothing of what is logged.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::EnvFilter;

use crate::config::{LogConfig, LogFormat};

/// Begins to log to standard error. A second call changes nothing.
///
/// # Errors
/// Says what is wrong with the filter.
pub fn init(config: &LogConfig) -> Result<(), String> {
    let filter = EnvFilter::try_new(&config.filter).map_err(|problem| {
        format!(
            "`{}` is not valid for `log.filter`: {problem}; write it as `info,telecine=debug`",
            config.filter
        )
    })?;
    let to_stderr = tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr);
    // A second set-up in one process (tests) keeps the first.
    let _ = match config.format {
        LogFormat::Text => {
            let is_coloured =
                stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
            to_stderr.with_ansi(is_coloured).try_init()
        }
        LogFormat::Json => to_stderr.json().flatten_event(true).try_init(),
    };
    Ok(())
}
