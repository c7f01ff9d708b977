//! Why a command did not do what it was asked to, how people are told, and the exit status that scripts see.

use std::fmt;
use std::process::ExitCode;

use serde::Deserialize;

use crate::config::ConfigError;
use crate::fault::{Code, Error, Fault};

/// What a command gives.
pub(super) type Outcome<T = ()> = Result<T, Failure>;

/// Why a command failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// The command line or the settings are not right.
    Usage(String),
    /// Something is wrong that the user can mend.
    Refused(Box<Refusal>),
    /// Nobody answers, or not as a Telecine server does.
    Unreachable {
        /// Where it was looked for.
        url: String,
        /// What the network said.
        problem: String,
    },
    /// Anything else that went wrong on this side.
    Local(anyhow::Error),
    /// What there is to say was said already, such as a table of failed tasks.
    Told,
    /// Ctrl-C.
    Interrupted,
}

/// What a server (or this side) says about a request that it does not fulfil.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Refusal {
    /// The machine's word for it.
    pub(super) code: String,
    /// What happened.
    pub(super) message: String,
    /// What was given.
    pub(super) value: Option<String>,
    /// What is allowed.
    pub(super) rule: Option<String>,
    /// What to do next.
    pub(super) remedy: Option<String>,
    /// To be found in the server's log.
    pub(super) request_id: Option<String>,
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        let Fault { code, message, value, rule, remedy } = fault;
        Self { code: code.to_string(), message, value, rule, remedy, request_id: None }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.message)?;
        let lines = [
            ("found", &self.value),
            ("rule", &self.rule),
            ("next", &self.remedy),
            ("request", &self.request_id),
        ];
        for (label, text) in lines {
            if let Some(text) = text {
                write!(f, "\n  {label:<8} {text}")?;
            }
        }
        write!(f, "\n  {:<8} {}", "code", self.code)
    }
}

impl Failure {
    /// With a sentence of its own.
    pub(super) fn local(message: impl fmt::Display) -> Self {
        Self::Local(anyhow::anyhow!("{message}"))
    }

    /// Exit status: 1 something failed, 2 usage or settings, 3 server not reachable or key not accepted, 130 Ctrl-C.
    pub(super) fn status(&self) -> u8 {
        match self {
            Self::Refused(refusal) if refusal.code == Code::ApiKeyInvalid.as_str() => 3,
            Self::Refused(_) | Self::Local(_) | Self::Told => 1,
            Self::Usage(_) => 2,
            Self::Unreachable { .. } => 3,
            Self::Interrupted => 130,
        }
    }

    /// Tells the person, on standard error, and gives the exit status.
    pub(super) fn tell(&self) -> ExitCode {
        match self {
            Self::Told | Self::Interrupted => {}
            other => eprintln!("error: {other}"),
        }
        ExitCode::from(self.status())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(text) => f.write_str(text),
            Self::Refused(refusal) => refusal.fmt(f),
            Self::Unreachable { url, problem } => write!(
                f,
                "no Telecine server answers at {url}: {problem}\n  Is it running? Start it with `telecine serve`, or \
                 name another one with --url or TELECINE_URL."
            ),
            // The chain of causes, in one line.
            Self::Local(error) => write!(f, "{error:#}"),
            Self::Told => Ok(()),
            Self::Interrupted => f.write_str("interrupted"),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Fault(fault) => Self::Refused(Box::new((*fault).into())),
            Error::Internal(error) => Self::Local(error),
        }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::Usage(error.to_string())
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Local(error.into())
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::Local(anyhow::Error::new(error).context("the server's answer is not what this version expects"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_what_was_found_the_rule_and_what_to_do_next() {
        let fault = Fault::new(Code::VideoResolutionTooLow).value("320x180 pixels");
        let refusal = Refusal { request_id: Some("7f3a".into()), ..fault.into() };
        assert_eq!(
            refusal.to_string(),
            "The video's resolution is too low.\n  found    320x180 pixels\n  rule     the shorter side must have \
             at least 360 pixels\n  next     Take a version of at least 360p.\n  request  7f3a\n  code     \
             video_resolution_too_low"
        );
    }

    #[test]
    fn a_key_that_is_not_accepted_has_the_status_of_a_server_that_is_not_there() {
        assert_eq!(Failure::from(Error::from(Fault::new(Code::ApiKeyInvalid))).status(), 3);
        assert_eq!(Failure::from(Error::from(Fault::new(Code::ResourceNotExists))).status(), 1);
    }
}
