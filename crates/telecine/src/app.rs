//! The handles of a running server, built once.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use telecine_engines::write::Writer;
use telecine_media::MediaTools;
use tokio_util::sync::CancellationToken;

use crate::asset;
use crate::config::{Config, EnginesConfig};
use crate::embedding;
use crate::fault::Result;
use crate::files::DataDir;
use crate::integration::keeper::Keeper;
use crate::pipeline::{self, Engines, ProgressBoard};
use crate::queue::{Queue, TableQueue};
use crate::search::Searcher;
use crate::source::{Opener, Sources};
use crate::store::Store;
use crate::store::sqlite::SqliteStore;
use crate::time::{Clock, SystemClock, Timestamp};
use crate::vault::Vault;

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
    /// Seals secrets.
    pub vault: Arc<Vault>,
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
    /// Wakes the background work on integrations.
    pub keeper: Keeper,
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

impl App {
    /// Opens everything that a server needs, in the order in which it is most quickly told what is missing.
    ///
    /// # Errors
    /// Another server on the same folder, a missing model (with the command that fetches it), a missing tool, a
    /// database that cannot be opened.
    pub async fn open(config: Config) -> Result<Arc<Self>> {
        let files = DataDir::new(&config.server.data_dir);
        make_private(files.path())?;
        let lock = take_lock(&files)?;
        let media = MediaTools::discover(config.media.clone()).await.map_err(anyhow::Error::new)?;
        tell_sandbox(&media);
        let mut engines = load_engines(&config.engines).await?;
        engines.write = pipeline::open_writer(&config).map_err(anyhow::Error::new)?;
        tell_writer(engines.write.as_deref());
        let store = open_store(&files).await?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        tidy_up(&files, &*store, clock.now()).await?;
        let search = Searcher::new(Arc::clone(&store), engines.clone(), Arc::clone(&clock), files.clone());
        let vault = Arc::new(open_vault(&config, &files)?);
        let sources = Opener::new(&config, Arc::clone(&vault), Arc::clone(&clock));
        Ok(Arc::new(Self {
            queue: Arc::new(TableQueue::new(Arc::clone(&store))),
            sources: Arc::new(sources),
            vault,
            search: Arc::new(search),
            progress: Arc::new(ProgressBoard::default()),
            keeper: Keeper::default(),
            stopping: CancellationToken::new(),
            lock: Some(lock),
            config,
            store,
            clock,
            media,
            engines,
            files,
        }))
    }
}

/// The vault whose key the settings name.
///
/// # Errors
/// When the key cannot be read or made.
pub fn open_vault(config: &Config, files: &DataDir) -> Result<Vault> {
    let file = config.secrets.key_file.clone().unwrap_or_else(|| files.secrets_key());
    Ok(Vault::open(&file)?)
}

/// The store of a data folder, made and migrated as needed; a server may be running on it.
///
/// # Errors
/// When the folder cannot be made or the database cannot be opened.
pub async fn open_store(files: &DataDir) -> Result<Arc<dyn Store>> {
    make_private(files.path())?;
    let store = SqliteStore::open(files.database()).await?;
    Ok(Arc::new(store))
}

/// Operators should know which walls stand around the decoder on their kernel.
fn tell_sandbox(media: &MediaTools) {
    let sandbox = media.sandbox_status();
    if sandbox.is_complete() {
        tracing::info!(%sandbox, ffmpeg = media.version(), "files are decoded in a sandbox");
    } else {
        tracing::warn!(%sandbox, ffmpeg = media.version(), "this kernel lacks a part of the sandbox around the decoder");
    }
}

/// Operators should know what writes, and that nothing does.
fn tell_writer(writer: Option<&dyn Writer>) {
    match writer {
        Some(writer) => tracing::info!(model = writer.model_id(), "text about videos can be asked for"),
        None => tracing::info!("text about videos cannot be asked for: there is no writer"),
    }
}

/// Makes a folder that only its owner may enter; one that is there keeps its mode.
fn make_private(path: &Path) -> Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    Ok(made.with_context(|| format!("cannot make the folder {}", path.display()))?)
}

fn take_lock(files: &DataDir) -> Result<FolderLock> {
    let folder = files.path().display();
    match FolderLock::take(files) {
        Ok(lock) => Ok(lock),
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Err(anyhow::anyhow!(
            "another server works on the data folder {folder}; stop it first, or name another folder with --data-dir"
        )
        .into()),
        Err(error) => Err(anyhow::Error::new(error).context(format!("cannot lock the data folder {folder}")).into()),
    }
}

/// Loading takes seconds of computing: not on a thread that others wait for.
async fn load_engines(config: &EnginesConfig) -> Result<Engines> {
    let config = config.clone();
    let loaded = tokio::task::spawn_blocking(move || Engines::load(&config)).await;
    Ok(loaded.map_err(anyhow::Error::new)?.map_err(anyhow::Error::new)?)
}

/// What a crash may have left: claims of workers that are gone, manifests and uploads that never became tasks, folders
/// of tasks that need none.
async fn tidy_up(files: &DataDir, store: &dyn Store, now: Timestamp) -> Result<()> {
    let broken = store.break_claims(now).await?;
    store.break_sync_claims().await?;
    embedding::tidy_up(files, store).await?;
    let discarded = store.discard_unfinished_transfers().await?;
    store.discard_unfinished_imports().await?;
    store.lose_requests().await?;
    store.forget_sessions(now).await?;
    store.break_asset_claims(now).await?;
    store.break_delivery_claims(now).await?;
    if broken + discarded > 0 {
        tracing::info!(
            tasks = broken,
            transfers = discarded,
            "tidied up after the last run; its tasks go on"
        );
    }
    let incoming = files.incoming();
    match std::fs::remove_dir_all(&incoming) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(anyhow::Error::new(error)
                .context(format!("cannot empty {}", incoming.display()))
                .into());
        }
        _ => {}
    }
    make_private(&incoming)?;
    make_private(&files.work())?;
    make_private(&files.assets())?;
    asset::remove_orphans(files, store).await?;
    pipeline::remove_orphans(files, store, now).await
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("data", &self.files.path()).finish_non_exhaustive()
    }
}
