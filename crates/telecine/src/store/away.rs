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
        Fault::because(Code::ServiceUnavailable, why).into()
    }
}

/// Why the database cannot be used for the moment; none where the failure is another one.
fn passing(error: &sqlx::Error) -> Option<&'static str> {
    const AWAY: &str = "The database cannot be reached.";
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
