//! Logs, traces and the catalogue of metrics: set up once, for the process. Knows nothing of what is told.

pub(crate) mod measures;
pub(crate) mod traces;

use std::io::{IsTerminal, stderr};

use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

use crate::config::{Config, LogFormat};

/// What was set up; to be ended when the process stops.
#[derive(Debug)]
#[must_use = "spans that were not sent yet are sent at the end"]
pub struct Telemetry(Option<traces::Exporting>);

/// Begins to log to standard error, and to send traces where the settings say where to. A second call changes nothing.
/// To be called within the runtime.
///
/// # Errors
/// Says what is wrong with the filter or the collector's address.
pub fn init(config: &Config) -> Result<Telemetry, String> {
    let filter = EnvFilter::try_new(&config.log.filter).map_err(|problem| {
        format!(
            "`{}` is not valid for `log.filter`: {problem}; write it as `info,telecine=debug`",
            config.log.filter
        )
    })?;
    let to_stderr = tracing_subscriber::fmt::layer().with_writer(stderr);
    let to_stderr = match config.log.format {
        LogFormat::Text => {
            let is_coloured =
                stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
            to_stderr.with_ansi(is_coloured).with_filter(filter).boxed()
        }
        LogFormat::Json => to_stderr.json().flatten_event(true).with_filter(filter).boxed(),
    };
    let traces = traces::begin(&config.telemetry)?;
    let (layer, exporting) = traces.unzip();
    // A second set-up in one process (tests) keeps the first.
    let _ = tracing_subscriber::registry().with(to_stderr).with(layer).try_init();
    Ok(Telemetry(exporting))
}

impl Telemetry {
    /// Sends what is left, for a few seconds at most.
    pub async fn end(self) {
        if let Some(exporting) = self.0 {
            exporting.end().await;
        }
    }
}
