//! What processes that share a database tell each other: that they are there, which duty is whose, what each has in hand
//! that nobody but it can finish; and facts of the installation that all must agree on.

use async_trait::async_trait;

use crate::fault::Result;
use crate::ids::WorkspaceId;
use crate::time::Timestamp;

/// A process, as it tells the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its id; another one after each start.
    pub id: String,
    /// What it does, such as `all`.
    pub role: String,
    /// Its version.
    pub version: String,
    /// When it began.
    pub started_at: Timestamp,
}

/// What a process may leave that must be ended by others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum InHand {
    /// A request with a key of its own.
    Request,
    /// An import that is being prepared.
    Import,
}

impl InHand {
    /// The name in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Import => "import",
        }
    }

    /// What has this name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Request, Self::Import].into_iter().find(|kind| kind.as_str() == name)
    }
}

/// Processes that share the database.
#[async_trait]
pub trait ProcessStore: Send + Sync {
    /// Tells that the process is there, until the moment. Those gone for long are forgotten.
    async fn keep_alive(&self, process: &Process, until: Timestamp, now: Timestamp) -> Result<()>;
    /// Processes that are there, longest first.
    async fn processes(&self, now: Timestamp) -> Result<Vec<Process>>;
    /// The process ends in order: others need not wait for its duties.
    async fn end_process(&self, id: &str) -> Result<()>;
    /// Takes a duty until the moment, or for longer; whether it is this process's now.
    async fn take_duty(&self, name: &str, process: &str, until: Timestamp, now: Timestamp) -> Result<bool>;
    /// Takes note that the process has something in hand.
    async fn take_in_hand(&self, kind: InHand, id: &str, process: &str) -> Result<()>;
    /// That it has no longer.
    async fn let_go(&self, kind: InHand, id: &str, process: &str) -> Result<()>;
    /// What only processes have in hand that are no longer there: kind, id and process.
    async fn left_in_hand(&self, now: Timestamp, limit: u32) -> Result<Vec<(InHand, String, String)>>;
    /// Takes note that a request was ended while it was carried out. It may be begun again.
    async fn lose_request(&self, workspace: WorkspaceId, key: &str) -> Result<()>;
    /// Discards transfers whose manifest has been being received since before the moment. How many.
    async fn discard_transfers_begun(&self, before: Timestamp) -> Result<u64>;
    /// Goes on with removals and cancellations of very many rows that were cut short; harmless beside whoever does it.
    async fn go_on_with_removals(&self) -> Result<()>;
    /// A fact of the installation, which is as proposed where there was none.
    async fn fact(&self, name: &str, proposed: &str) -> Result<String>;
    /// The same, if there is one.
    async fn known_fact(&self, name: &str) -> Result<Option<String>>;
}
