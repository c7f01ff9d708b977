//! What those who run the server want to see of it: version, database, disk, queue, workers, models, settings. Tells only
//! what is known, and asks for nothing that takes long. Knows neither HTTP nor SQL.

mod models;
mod usage;

use serde::Serialize;
use tokio::task::spawn_blocking;
use utoipa::ToSchema;

use crate::app::App;
use crate::config::{Setting, settings};
use crate::fault::{Code, Fault, Result};
use crate::keys::Caller;
use crate::pipeline::WorkClass;
use crate::search::vectors::Vectors;
use crate::time::Timestamp;
use crate::transfer::Stage;

pub use models::{ModelSetState, ModelState, RunningModels};
pub use usage::{Disk, Usage};

/// The server, as it is now.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct System {
    /// Of Telecine.
    pub version: &'static str,
    /// When this process began to serve.
    pub started_at: Timestamp,
    /// The server's clock.
    pub now: Timestamp,
    /// Whether it is about to stop.
    pub is_stopping: bool,
    /// The database.
    pub database: Database,
    /// The disk that the data folder is on.
    pub disk: Disk,
    /// Tasks of all workspaces that are not final.
    pub queue: QueueState,
    /// Classes of work, each with its places; empty where this process works on no tasks.
    pub workers: Vec<WorkClass>,
    /// Vector indexes in memory.
    pub search: SearchState,
    /// What each engine runs.
    pub running: RunningModels,
    /// Sets of models that can be had.
    pub models: Vec<ModelSetState>,
    /// How ffmpeg is confined.
    pub media_sandbox: String,
    /// All settings, as they are in force; none of them is a secret.
    pub settings: Vec<Setting>,
}

/// The database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Database {
    /// `sqlite`.
    #[schema(value_type = String)]
    pub kind: &'static str,
    /// Of the database program.
    pub version: String,
    /// Bytes, without its log of writes.
    pub size_bytes: u64,
}

/// Tasks of all workspaces that are not final.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct QueueState {
    /// By status.
    pub validating: u64,
    /// By status.
    pub pending: u64,
    /// By status.
    pub queued: u64,
    /// By status.
    pub indexing: u64,
    /// Of them, those that a worker has; the others wait.
    pub in_hand: u64,
    /// Of them, those of transfers that are paused, in hand or not.
    pub paused: u64,
    /// Whether there are more single tasks (of no transfer) than were counted.
    pub is_more: bool,
    /// Transfers that are not over.
    pub open_transfers: u64,
    /// Of them, those that are paused.
    pub paused_transfers: u64,
    /// Since when the task that waits longest could have been begun; nothing where none could.
    pub waits_since: Option<Timestamp>,
    /// What is in hand in this process, by stage.
    pub stages: StagesInHand,
}

/// Tasks in hand by stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, ToSchema)]
pub struct StagesInHand {
    /// Moving bytes.
    pub fetch: u64,
    /// Being probed and checked.
    pub validate: u64,
    /// Being seen, heard and read.
    pub index: u64,
    /// Being written.
    pub publish: u64,
}

/// What vectors are searched with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct SearchState {
    /// Whether the database searches them; else this server's memory does.
    pub is_in_database: bool,
    /// Indexes in memory, or graphs that the database has over them.
    pub indexes: u64,
    /// Vectors in memory, or in the database (about).
    pub vectors: u64,
    /// Of them, those that are scanned until they are put into a graph.
    pub waiting_vectors: u64,
    /// Of memory, or of the database's graphs.
    pub bytes: u64,
    /// Whether a graph is being built or saved.
    pub is_building: bool,
}

/// What is looked at, and what is known already of it.
#[derive(Debug)]
pub struct Desk {
    started_at: Timestamp,
    usage: Usage,
}

impl Desk {
    /// Of a server that begins to serve.
    pub fn new(started_at: Timestamp) -> Self {
        Self { started_at, usage: Usage::default() }
    }
}

/// Whether the caller runs the server: whoever has a key of its first workspace, and one without limits of its own.
///
/// # Errors
/// `unauthorized`.
pub async fn only_for_operators(app: &App, caller: Caller) -> Result<()> {
    let first = app.store.default_workspace(app.clock.now()).await?;
    if caller.workspace == first && caller.rate_limits.is_none() {
        return Ok(());
    }
    Err(Fault::because(Code::Unauthorized, "This key does not see how the server is set up.")
        .rule("a key of the server's first workspace, without limits of its own")
        .remedy(
            "Use the key that the server made at its first start, or one made with `telecine key create`.",
        )
        .into())
}

/// Looks at the server.
///
/// # Errors
/// The store's.
pub async fn look(app: &App, desk: &Desk) -> Result<System> {
    let now = app.clock.now();
    let database = app.store.database().await?;
    let (folder, running) = (models::folder(app), models::running(&app.engines));
    let loaded = running.clone();
    let sets = spawn_blocking(move || models::sets(&folder, &loaded)).await.map_err(anyhow::Error::from)?;
    let search = search(app).await?;
    Ok(System {
        version: env!("CARGO_PKG_VERSION"),
        started_at: desk.started_at,
        now,
        is_stopping: app.stopping.is_cancelled(),
        disk: desk.usage.disk(app, database.size_bytes).await?,
        queue: QueueState { stages: stages(app), ..app.store.queue_state(now).await? },
        database,
        workers: app.progress.classes(),
        search,
        running,
        models: sets,
        media_sandbox: app.media.sandbox_status().to_string(),
        settings: settings(&app.config),
    })
}

async fn search(app: &App) -> Result<SearchState> {
    if let (Vectors::Database(_), Some(database)) = (app.search.vectors(), app.store.nearest()) {
        let stats = database.nearest_stats().await?;
        return Ok(SearchState {
            is_in_database: true,
            indexes: stats.graphs,
            vectors: stats.vectors,
            waiting_vectors: 0,
            bytes: stats.bytes,
            is_building: stats.is_building,
        });
    }
    let shelf = app.search.vectors().stats();
    Ok(SearchState {
        is_in_database: false,
        indexes: shelf.indexes as u64,
        vectors: shelf.rows as u64,
        waiting_vectors: shelf.waiting_rows as u64,
        bytes: shelf.bytes as u64,
        is_building: shelf.is_building,
    })
}

fn stages(app: &App) -> StagesInHand {
    let mut stages = StagesInHand::default();
    for stage in app.progress.stages() {
        *match stage {
            Stage::Fetch => &mut stages.fetch,
            Stage::Validate => &mut stages.validate,
            Stage::Index => &mut stages.index,
            Stage::Publish => &mut stages.publish,
        } += 1;
    }
    stages
}
