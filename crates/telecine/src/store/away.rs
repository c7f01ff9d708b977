//! Which failures of a database pass by themselves: whoever asked is told to come again, and nothing is wrong with what
//! was asked.

use sqlx::error::DatabaseError;

use crate::fault::{Code, Error, Fault};

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        let Some(why) = passing(&error) else {
            return Self::Internal(anyhow::Error::new(error).context("the database failed"));
        };
        tracing::warn!(%error, "the database could not be used; whoever asked is told to come again");
        lost(why).into()
    }
}

const AWAY: &str = "The database cannot be reached.";
/// Where an answer is lost, nobody knows what became of the question.
const UNKNOWN: &str = "Try again after the time in the header Retry-After. Whether a change was made is not known: look for what \
    it was to make before sending it again. A manifest that is sent again with the same Idempotency-Key makes no second transfer.";

fn lost(why: &str) -> Fault {
    Fault::because(Code::ServiceUnavailable, why).remedy(UNKNOWN)
}

/// What is told of work that was given up because the database went away in the middle of it.
pub fn gone() -> Fault {
    lost(AWAY)
}

/// What is told of work that was not begun because the database is away.
pub fn unasked() -> Fault {
    Fault::because(Code::ServiceUnavailable, "The database cannot be reached; nothing was begun.")
}

/// Why the database cannot be used for the moment; none where the failure is another one.
fn passing(error: &sqlx::Error) -> Option<&'static str> {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => Some(AWAY),
        sqlx::Error::Database(error) => passing_on_server(&**error),
        _ => None,
    }
}

/// By the SQLSTATE, which has five characters (<https://www.postgresql.org/docs/current/errcodes-appendix.html>); SQLite's
/// codes are numbers.
fn passing_on_server(error: &dyn DatabaseError) -> Option<&'static str> {
    let code = error.code()?;
    if code.len() != 5 {
        return None;
    }
    match (&code[..2], &*code) {
        ("08", _) | ("57", "57P01" | "57P02" | "57P03" | "57P05") => {
            Some("The database is not there for the moment.")
        }
        ("25", "25006") => {
            Some("The database takes no changes for the moment: it is a standby, or is being moved.")
        }
        ("40", _) | ("55", "55P03") | ("57", "57014") => {
            Some("The database was too busy with other changes.")
        }
        ("53", "53100") => Some("The disk of the database is full."),
        ("53", _) => Some("The database has no connections or memory left."),
        _ => None,
    }
}
