//! Why work on a task ended before its video was published. Says what happened; what follows from it is decided by
//! the runner.

use std::time::Duration;

use telecine_engines::EngineError;

use crate::fault::{Code, Error, Fault};
use crate::queue::Stale;
use crate::source::SourceError;
use crate::transfer::{Duplicate, ObjectStamp};

/// Until a service of ours that is away is asked again.
const AWAY: Duration = Duration::from_secs(15);

/// The end of an attempt that did not publish.
#[derive(Debug)]
pub(super) enum Stop {
    /// The claim is no longer ours: write nothing.
    Stale,
    /// The token was cancelled: the claim went stale, or the server stops.
    Cancelled,
    /// The video cannot enter.
    Fault(Box<Fault>),
    /// The index has the content already. The version of the object that was looked at, so that the ledger knows it.
    Duplicate(Duplicate, Option<ObjectStamp>),
    /// Another task must end first.
    Wait {
        /// Until it is looked at again.
        delay: Duration,
        /// What is waited for, as a sentence for users.
        reason: String,
    },
    /// A store failed in a way that may pass.
    Unavailable(SourceError),
    /// An engine failed.
    Engine(anyhow::Error),
    /// This machine failed: disk, database, a bug.
    Internal(anyhow::Error),
}

impl From<Stale> for Stop {
    fn from(_: Stale) -> Self {
        Self::Stale
    }
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(Box::new(fault))
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        match error {
            // Ours, and away: it is waited for, however long that takes.
            Error::Fault(fault) if fault.code == Code::ServiceUnavailable => {
                Self::Wait { delay: AWAY, reason: fault.message }
            }
            Error::Fault(fault) => Self::Fault(fault),
            Error::Internal(error) => Self::Internal(error),
        }
    }
}

impl From<anyhow::Error> for Stop {
    fn from(error: anyhow::Error) -> Self {
        Self::Internal(error)
    }
}

impl From<EngineError> for Stop {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Cancelled => Self::Cancelled,
            EngineError::LanguageNotSupported { language, supported } => {
                language_not_supported(&language, &supported).into()
            }
            other => Self::Engine(other.into()),
        }
    }
}

/// Speech in a language that no loaded model knows.
pub(super) fn language_not_supported(language: &str, supported: &[String]) -> Fault {
    Fault::new(Code::LanguageNotSupported)
        .value(language)
        .rule(format!("languages that are heard: {}", supported.join(", ")))
}
