//! What a look at a database finds, for `telecine doctor`.

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it is, such as `fsync`.
    pub what: &'static str,
    /// How it is.
    pub found: String,
    /// What to do; none when all is well.
    pub remedy: Option<String>,
    /// Whether a server would not work.
    pub is_fatal: bool,
}

impl Finding {
    /// As it should be.
    pub fn well(what: &'static str, found: impl Into<String>) -> Self {
        Self { what, found: found.into(), remedy: None, is_fatal: false }
    }

    /// It works, but something may be lost or slow.
    pub fn risk(what: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { what, found: found.into(), remedy: Some(remedy.into()), is_fatal: false }
    }

    /// It does not work.
    pub fn fatal(what: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { what, found: found.into(), remedy: Some(remedy.into()), is_fatal: true }
    }

    /// The shape of the database, by the migrations that were applied and those that this version knows.
    pub fn shape(applied: Option<i64>, known: i64) -> Self {
        const WHAT: &str = "shape";
        match applied {
            None => Self::well(WHAT, "empty; the first start makes its tables"),
            Some(applied) if applied < known => {
                Self::well(WHAT, format!("{applied}; the next start of this version brings it to {known}"))
            }
            Some(applied) if applied > known => Self::fatal(
                WHAT,
                format!("{applied}, of a later version; this one knows {known}"),
                "Start the version that made it, or a later one.",
            ),
            Some(applied) => Self::well(WHAT, applied.to_string()),
        }
    }
}
