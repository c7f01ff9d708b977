//! What the database knows of itself and of the work that is left.

use async_trait::async_trait;

use super::Finding;
use crate::fault::Result;
use crate::system::{Database, QueueState};
use crate::time::Timestamp;

/// A pool of connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connections {
    /// Such as `writer`.
    pub pool: &'static str,
    /// Those that there are.
    pub open: u32,
    /// Of them, those that nobody uses.
    pub idle: u32,
    /// As many as there may be.
    pub limit: u32,
}

/// For those who run the server. However much there is, answers come at once.
#[async_trait]
pub trait SystemStore: Send + Sync {
    /// The database itself.
    async fn database(&self) -> Result<Database>;
    /// The tasks of all workspaces that are not final; what is in hand in which stage is not known here.
    async fn queue_state(&self, now: Timestamp) -> Result<QueueState>;
    /// Bytes of streams, and of the files of assets. This one looks at every row.
    async fn media_bytes(&self) -> Result<(u64, u64)>;
    /// What is wrong with the database, if anything is. Changes nothing, and takes its time.
    async fn examine(&self) -> Result<Vec<Finding>>;
    /// The connections to the database that this process has now, by pool.
    fn connections(&self) -> Vec<Connections> {
        Vec::new()
    }
}
