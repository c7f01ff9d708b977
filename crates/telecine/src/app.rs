//! The handles of a running server, built once.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use telecine_engines::write::Writer;
use telecine_media::MediaTools;
use tokio_util::sync::CancellationToken;

use crate::cluster;
use crate::config::{Config, EnginesConfig, VectorPlace};
use crate::fault::Result;
use crate::files::DataDir;
use crate::integration::keeper::Keeper;
use crate::media_store::{self, MediaStore};
use crate::pipeline::{self, Engines, ProgressBoard};
use crate::queue::{JetStreamQueue, Queue, TableQueue};
use crate::search::Searcher;
use crate::source::{Opener, Sources};
use crate::startup;
use crate::store::Store;
use crate::store::postgres::PostgresStore;
use crate::store::sqlite::SqliteStore;
use crate::time::{Clock, SystemClock};
use crate::vault::Vault;

/// How long the lock of a data folder is waited for, and how often it is tried.
const LOCK_PATIENCE: Duration = Duration::from_secs(2);
const LOCK_AGAIN: Duration = Duration::from_millis(50);

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
    /// Files that all hosts must see.
    pub media_store: Arc<dyn MediaStore>,
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

/// What a process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Role {
    /// Everything.
    All,
    /// Requests and what is done in the background, but no work on videos.
    Api,
    /// Work on videos alone.
    #[value(skip)]
    Worker,
}

impl Role {
    /// What the others are told.
    pub fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Api => "api",
            Self::Worker => "worker",
        }
    }

    /// Whether it answers requests.
    pub fn answers(self) -> bool {
        self != Self::Worker
    }

    /// Whether it works on videos.
    pub fn works(self) -> bool {
        self != Self::Api
    }
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
    /// Opens everything that a process of this role needs, in the order in which it is most quickly told what is missing.
    ///
    /// # Errors
    /// Another server on the same folder, a missing model (with the command that fetches it), a missing tool, a
    /// database that cannot be opened.
    pub async fn open(config: Config, role: Role) -> Result<Arc<Self>> {
        let files = DataDir::new(&config.server.data_dir);
        make_private(files.path())?;
        let lock = take_lock(&files).await?;
        let media = MediaTools::discover(config.media.clone()).await.map_err(anyhow::Error::new)?;
        tell_sandbox(&media);
        let mut engines = load_engines(&config.engines).await?;
        if role.answers() {
            engines.write = pipeline::open_writer(&config).map_err(anyhow::Error::new)?;
            tell_writer(engines.write.as_deref());
        }
        let store = open_store(&config).await?;
        store.watch(Duration::from_secs(config.database.silent_after_s));
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let media_store = media_store::open(&config, &files)?;
        startup::tidy_up(&config, &files, &*store, &*media_store, clock.now()).await?;
        let (at, by) = (Arc::clone(&store), Arc::clone(&clock));
        let is_in_memory = match config.search.vectors {
            VectorPlace::Auto => at.nearest().is_none(),
            VectorPlace::Memory => true,
            VectorPlace::Database => false,
        };
        let search = if is_in_memory {
            Searcher::new(at, engines.clone(), by, files.clone())
        } else {
            Searcher::in_database(at, engines.clone(), by)?
        };
        let vault = Arc::new(open_vault(&config, &files, &*store).await?);
        let sources = Opener::new(&config, Arc::clone(&vault), Arc::clone(&clock));
        let app = Arc::new(Self {
            queue: open_queue(&config, &store, &clock).await?,
            sources: Arc::new(sources),
            vault,
            search: Arc::new(search),
            progress: Arc::new(ProgressBoard::default()),
            keeper: Keeper::of(role.name(), clock.now()),
            stopping: CancellationToken::new(),
            lock: Some(lock),
            config,
            store,
            clock,
            media,
            engines,
            media_store,
            files,
        });
        cluster::appear(&app).await?;
        Ok(app)
    }
}

/// The vault whose key the settings name.
///
/// # Errors
/// When the key cannot be read or made.
pub async fn open_vault(config: &Config, files: &DataDir, store: &dyn Store) -> Result<Vault> {
    let file = config.secrets.key_file.clone().unwrap_or_else(|| files.secrets_key());
    match config.is_shared() {
        true => cluster::open_vault(store, &file, files).await,
        false => Ok(Vault::open(&file)?),
    }
}

/// The store that the settings name, made and migrated as needed; servers may be running on it.
///
/// # Errors
/// When the folder cannot be made or the database cannot be opened.
pub async fn open_store(config: &Config) -> Result<Arc<dyn Store>> {
    let files = DataDir::new(&config.server.data_dir);
    make_private(files.path())?;
    match &config.database.url {
        None => Ok(Arc::new(SqliteStore::open(files.database()).await?)),
        Some(url) => Ok(Arc::new(PostgresStore::open(url.reveal()).await?)),
    }
}

/// The store as it is, of which nothing is made or changed; none where there is none yet.
///
/// # Errors
/// When it cannot be read.
pub async fn open_store_as_it_is(config: &Config) -> Result<Option<Arc<dyn Store>>> {
    let file = DataDir::new(&config.server.data_dir).database();
    match &config.database.url {
        None if !file.exists() => Ok(None),
        None => Ok(Some(Arc::new(SqliteStore::open_as_it_is(file).await?))),
        Some(url) => Ok(Some(Arc::new(PostgresStore::open_as_it_is(url.reveal())?))),
    }
}

/// The queue that the settings name.
///
/// # Errors
/// When a file that it needs cannot be read. That nobody answers yet is none.
async fn open_queue(
    config: &Config,
    store: &Arc<dyn Store>,
    clock: &Arc<dyn Clock>,
) -> Result<Arc<dyn Queue>> {
    match config.queue.stream() {
        None => Ok(Arc::new(TableQueue::new(Arc::clone(store)))),
        Some(options) => {
            let queue = JetStreamQueue::open(options, Arc::clone(store), Arc::clone(clock)).await?;
            Ok(Arc::new(queue))
        }
    }
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
pub(crate) fn make_private(path: &Path) -> Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    Ok(made.with_context(|| format!("cannot make the folder {}", path.display()))?)
}

/// Of a server that was killed, a child that was just being started has the lock until it runs its own program.
async fn take_lock(files: &DataDir) -> Result<FolderLock> {
    let folder = files.path().display();
    let mut waited = Duration::ZERO;
    loop {
        match FolderLock::take(files) {
            Ok(lock) => return Ok(lock),
            Err(error) if error.kind() != std::io::ErrorKind::WouldBlock => {
                return Err(anyhow::Error::new(error)
                    .context(format!("cannot lock the data folder {folder}"))
                    .into());
            }
            Err(_) if waited >= LOCK_PATIENCE => {
                return Err(anyhow::anyhow!(
                    "another server works on the data folder {folder}; stop it first, or name another folder with --data-dir"
                )
                .into());
            }
            Err(_) => tokio::time::sleep(LOCK_AGAIN).await,
        }
        waited += LOCK_AGAIN;
    }
}

/// Loading takes seconds of computing: not on a thread that others wait for.
async fn load_engines(config: &EnginesConfig) -> Result<Engines> {
    let config = config.clone();
    let loaded = tokio::task::spawn_blocking(move || Engines::load(&config)).await;
    Ok(loaded.map_err(anyhow::Error::new)?.map_err(anyhow::Error::new)?)
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("data", &self.files.path()).finish_non_exhaustive()
    }
}
