//! The handles of a running server, built once.

use std::sync::Arc;

use telecine_media::MediaTools;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::files::DataDir;
use crate::pipeline::{Engines, ProgressBoard};
use crate::queue::Queue;
use crate::search::Searcher;
use crate::source::Sources;
use crate::store::Store;
use crate::time::Clock;

/// The handles. Shared as `Arc<App>`.
pub struct App {
    /// Settings.
    pub config: Config,
    /// The truth.
    pub store: Arc<dyn Store>,
    /// Who runs a task next.
    pub queue: Arc<dyn Queue>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Connected buckets.
    pub sources: Arc<dyn Sources>,
    /// ffmpeg on a leash.
    pub media: MediaTools,
    /// Models.
    pub engines: Engines,
    /// Search.
    pub search: Arc<Searcher>,
    /// Names in the data folder.
    pub files: DataDir,
    /// How far the tasks in hand have come.
    pub progress: Arc<ProgressBoard>,
    /// Cancelled when the server stops.
    pub stopping: CancellationToken,
    /// Keeps other servers off the data folder; none in tests that build an `App` by hand.
    pub lock: Option<FolderLock>,
}

/// The exclusive lock on a data folder, held as long as this lives.
#[derive(Debug)]
pub struct FolderLock(#[expect(dead_code, reason = "closing the file ends the lock")] std::fs::File);

impl FolderLock {
    /// Takes the lock, if no other process has it.
    ///
    /// # Errors
    /// When the file cannot be made, or another process holds the lock (`WouldBlock`).
    pub fn take(files: &DataDir) -> std::io::Result<Self> {
        let file = std::fs::File::options().create(true).truncate(false).write(true).open(files.lock())?;
        file.try_lock()?;
        Ok(Self(file))
    }
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("data", &self.files.path()).finish_non_exhaustive()
    }
}
