//! A server's inside for one test: data folder, store, models, and a bucket that counts and can misbehave.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use telecine::app::App;
use telecine::config::{Config, EnginesConfig};
use telecine::files::DataDir;
use telecine::ids::{IndexId, IntegrationId, TaskId, TransferId, VideoId, WorkspaceId};
use telecine::index::{EngineSpec, Index, ModelOption};
use telecine::integration::keeper::Keeper;
use telecine::integration::{Integration, IntegrationStatus, Provider};
use telecine::pipeline::{self, Engines, ProgressBoard};
use telecine::queue::TableQueue;
use telecine::search::Searcher;
use telecine::source::{
    ByteStream, FolderSource, ObjectInfo, Page, Retry, RetryPolicy, Source, SourceError, SourceErrorKind,
    Sources,
};
use telecine::store::Store;
use telecine::store::sqlite::SqliteStore;
use telecine::time::{Clock, SystemClock};
use telecine::transfer::{NewTask, ObjectRef, Scheme, Status, Task, TaskSource, Transcription};
use telecine::vault::Vault;
use telecine::video::{Segment, SegmentKind};
use telecine_media::MediaTools;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How long a test waits for a task.
const PATIENCE: Duration = Duration::from_secs(120);

/// Bytes of a chunk.
pub(crate) const PIECE: usize = 16 << 10;

/// Everything that a test of the pipeline needs.
pub(crate) struct House {
    pub(crate) app: Arc<App>,
    pub(crate) bucket: Arc<Spy>,
    workspace: WorkspaceId,
    integration: IntegrationId,
    running: Option<JoinHandle<()>>,
    folder: Arc<tempfile::TempDir>,
}

/// Settings with which tests need not wait.
pub(crate) fn quick() -> Config {
    let mut config = Config::default();
    config.pipeline.retry_base_s = 0;
    config.pipeline.range_bytes = 64 << 10;
    config
}

/// The models of this machine, without Whisper, which takes its time to load.
pub(crate) async fn load_engines() -> Engines {
    let config = EnginesConfig { whisper: Some(false), ..EnginesConfig::default() };
    let loaded = tokio::task::spawn_blocking(move || Engines::load(&config)).await.unwrap();
    loaded.expect("run `telecine models fetch`")
}

impl House {
    /// An empty house where work has begun.
    pub(crate) async fn open() -> Self {
        Self::with(quick()).await
    }

    /// An empty house with these settings, where work has begun.
    pub(crate) async fn with(config: Config) -> Self {
        let mut house = Self::idle(config).await;
        house.start();
        house
    }

    /// An empty house where nobody works yet.
    pub(crate) async fn idle(config: Config) -> Self {
        Self::over(config, None).await
    }

    /// The same, with this source instead of the bucket in a folder.
    pub(crate) async fn over(config: Config, source: Option<Arc<dyn Source>>) -> Self {
        Self::furnished(config, source, load_engines().await).await
    }

    /// The same, with these engines.
    pub(crate) async fn furnished(config: Config, source: Option<Arc<dyn Source>>, engines: Engines) -> Self {
        let folder = Arc::new(tempfile::tempdir().expect("a temporary folder"));
        std::fs::create_dir_all(folder.path().join("bucket")).expect("a bucket");
        std::fs::create_dir_all(folder.path().join("data")).expect("a data folder");
        let bucket = Arc::new(Spy::new(&folder.path().join("bucket")));
        let sources = Arc::new(OneBucket { spy: Arc::clone(&bucket), instead: source });
        let app = build(config, folder.path(), sources, engines).await;
        let workspace = app.store.default_workspace(app.clock.now()).await.unwrap();
        let integration = integration(&app, workspace).await;
        Self { app, bucket, workspace, integration, running: None, folder }
    }

    /// The same data folder after `kill -9`: what ran is gone, what is on disk stays.
    pub(crate) async fn after_a_crash(mut self) -> Self {
        if let Some(running) = self.running.take() {
            running.abort();
            let _ = running.await;
            // Tasks that it had spawned end at their next breath.
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let sources = Arc::clone(&self.app.sources);
        Self {
            app: build(self.app.config.clone(), self.folder.path(), sources, self.app.engines.clone()).await,
            bucket: Arc::clone(&self.bucket),
            workspace: self.workspace,
            integration: self.integration,
            running: None,
            folder: Arc::clone(&self.folder),
        }
    }

    pub(crate) fn integration(&self) -> IntegrationId {
        self.integration
    }

    /// Begins to work.
    pub(crate) fn start(&mut self) {
        self.running = Some(tokio::spawn(pipeline::run(Arc::clone(&self.app))));
    }

    /// Stops as a server stops, and returns when the pipeline has.
    pub(crate) async fn stop(&mut self) {
        self.app.stopping.cancel();
        self.running.take().expect("it runs").await.expect("it ends well");
    }

    /// Where the objects lie.
    pub(crate) fn path(&self, key: &str) -> PathBuf {
        self.folder.path().join("bucket").join(key)
    }

    /// A new index with these options of a searching engine.
    pub(crate) async fn index(&self, name: &str, options: &[ModelOption]) -> IndexId {
        let now = self.app.clock.now();
        let engine = EngineSpec {
            name: "marengo2.6".into(),
            options: options.iter().copied().collect::<BTreeSet<_>>(),
        };
        let index = Index {
            id: IndexId::generate(now),
            workspace: self.workspace,
            name: name.into(),
            engines: vec![engine],
            addons: Vec::new(),
            models: self.app.engines.models(),
            created_at: now,
            updated_at: now,
        };
        self.app.store.insert_index(&index).await.unwrap();
        index.id
    }

    pub(crate) fn object(&self, key: &str) -> ObjectRef {
        let (scheme, bucket) = (Scheme::Folder, "bucket".to_owned());
        ObjectRef { scheme, integration: self.integration, bucket, key: key.into() }
    }

    /// What is needed for a task on an object.
    pub(crate) fn new_task(&self, index: IndexId, key: &str) -> NewTask {
        NewTask {
            id: TaskId::generate(self.app.clock.now()),
            index,
            source: TaskSource::Object(self.object(key)),
            transcription: None,
            language: "en".into(),
            user_metadata: None,
            allows_duplicate: false,
            without_stream: false,
        }
    }

    /// A task on an object.
    pub(crate) async fn submit(&self, index: IndexId, key: &str) -> TaskId {
        self.insert(self.new_task(index, key)).await
    }

    /// A task on an object that comes with captions.
    pub(crate) async fn submit_with(&self, index: IndexId, key: &str, captions: &str) -> TaskId {
        let transcription = Some(Transcription::Object(self.object(captions)));
        self.insert(NewTask { transcription, ..self.new_task(index, key) }).await
    }

    pub(crate) async fn insert(&self, task: NewTask) -> TaskId {
        self.app.store.insert_task(self.workspace, &task, self.app.clock.now()).await.unwrap();
        self.app.queue.wake();
        task.id
    }

    /// A transfer of these tasks.
    pub(crate) async fn transfer(&self, tasks: &[NewTask]) -> TransferId {
        let (store, now) = (&self.app.store, self.app.clock.now());
        let id = TransferId::generate(now);
        store.begin_transfer(self.workspace, id, now).await.unwrap();
        store.add_tasks(id, tasks, now).await.unwrap();
        store.accept_transfer(id, now).await.unwrap();
        self.app.queue.wake();
        id
    }

    pub(crate) async fn cancel(&self, transfer: TransferId) -> Option<u64> {
        self.app.store.cancel_transfer(self.workspace, transfer, self.app.clock.now()).await.unwrap()
    }

    pub(crate) async fn task(&self, id: TaskId) -> Task {
        self.app.store.task(self.workspace, id).await.unwrap().expect("the task is there")
    }

    /// The task when it is final.
    pub(crate) async fn done(&self, id: TaskId) -> Task {
        self.until(id, |task| task.status.is_final()).await
    }

    /// The video of a task that becomes ready.
    pub(crate) async fn ready(&self, id: TaskId) -> VideoId {
        let task = self.done(id).await;
        assert_eq!(task.status, Status::Ready, "{:?}", task.fault);
        id.into()
    }

    /// The task when this is true of it.
    pub(crate) async fn until(&self, id: TaskId, is_so: impl Fn(&Task) -> bool) -> Task {
        let began = Instant::now();
        loop {
            let task = self.task(id).await;
            if is_so(&task) {
                return task;
            }
            assert!(began.elapsed() < PATIENCE, "waited too long: {task:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub(crate) async fn segments(&self, video: VideoId, kind: SegmentKind) -> Vec<Segment> {
        self.app.store.segments(video, kind).await.unwrap()
    }

    pub(crate) async fn texts(&self, video: VideoId, kind: SegmentKind) -> Vec<String> {
        self.segments(video, kind).await.into_iter().map(|segment| segment.text).collect()
    }

    pub(crate) async fn video(&self, index: IndexId, id: VideoId) -> Option<telecine::video::Video> {
        self.app.store.video(self.workspace, index, id).await.unwrap()
    }

    /// Waits until the pipeline is no longer at work on the task.
    pub(crate) async fn let_go(&self, id: TaskId) {
        let began = Instant::now();
        while self.app.progress.get(id).is_some() {
            assert!(began.elapsed() < PATIENCE, "the task is still in hand");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.app.stopping.cancel();
    }
}

async fn build(config: Config, folder: &Path, sources: Arc<dyn Sources>, engines: Engines) -> Arc<App> {
    let files = DataDir::new(folder.join("data"));
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(files.database()).await.unwrap());
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    // As a server does when it opens.
    store.break_claims(clock.now()).await.unwrap();
    let media_store = telecine::media_store::open(&config, &files).unwrap();
    pipeline::remove_orphans(&files, &*store, &*media_store, clock.now()).await.unwrap();
    pipeline::remove_stray_streams(&*media_store, &*store).await.unwrap();
    let search = Searcher::new(Arc::clone(&store), engines.clone(), Arc::clone(&clock), files.clone());
    Arc::new(App {
        queue: Arc::new(TableQueue::new(Arc::clone(&store))),
        sources,
        vault: Arc::new(Vault::with_key(&[7; 32]).unwrap()),
        media: MediaTools::discover(config.media.clone()).await.unwrap(),
        search: Arc::new(search),
        progress: Arc::new(ProgressBoard::default()),
        keeper: Keeper::default(),
        stopping: CancellationToken::new(),
        lock: None,
        media_store,
        config,
        store,
        clock,
        engines,
        files,
    })
}

async fn integration(app: &App, workspace: WorkspaceId) -> IntegrationId {
    let now = app.clock.now();
    let provider = Provider::Folder { path: "anywhere".into() };
    let integration = Integration {
        status: IntegrationStatus::Active,
        ..Integration::new(workspace, provider, "bucket", now)
    };
    app.store.insert_integration(&integration).await.unwrap();
    integration.id
}

/// Every integration leads to the one bucket, through the retries that real sources have.
struct OneBucket {
    spy: Arc<Spy>,
    instead: Option<Arc<dyn Source>>,
}

#[async_trait]
impl Sources for OneBucket {
    async fn open(&self, _: &Integration) -> Result<Arc<dyn Source>, SourceError> {
        if let Some(source) = &self.instead {
            return Ok(Arc::clone(source));
        }
        let base = Duration::from_millis(1);
        let policy = RetryPolicy { attempts: 3, base, ..RetryPolicy::default() };
        Ok(Arc::new(Retry::new(Through(Arc::clone(&self.spy)), policy)))
    }
}

/// Changes what a head tells.
type Disguise = fn(ObjectInfo) -> ObjectInfo;

/// A bucket in a folder that counts what is read, and breaks off when it is told to.
#[derive(Debug)]
pub(crate) struct Spy {
    folder: FolderSource,
    read: Mutex<HashMap<String, u64>>,
    disguises: Mutex<HashMap<String, Disguise>>,
    /// Bytes until the next break, and how many breaks there will be.
    breaks: Mutex<(u64, u32)>,
    /// Bytes from one break to the next.
    every: AtomicU64,
    /// Milliseconds before each chunk.
    delay_ms: AtomicU64,
}

impl Spy {
    fn new(folder: &Path) -> Self {
        Self {
            folder: FolderSource::open("bucket", folder, &[folder.to_owned()]).expect("a folder"),
            read: Mutex::default(),
            disguises: Mutex::default(),
            breaks: Mutex::default(),
            every: AtomicU64::new(0),
            delay_ms: AtomicU64::new(0),
        }
    }

    /// Bytes of this object that were read.
    pub(crate) fn bytes_of(&self, key: &str) -> u64 {
        self.read.lock().unwrap().get(key).copied().unwrap_or(0)
    }

    /// From now on, what is told of this object is changed.
    pub(crate) fn disguise(&self, key: &str, disguise: Disguise) {
        self.disguises.lock().unwrap().insert(key.into(), disguise);
    }

    /// Connections break after every so many bytes, so many times.
    pub(crate) fn break_after(&self, bytes: u64, times: u32) {
        *self.breaks.lock().unwrap() = (bytes, times);
        self.every.store(bytes, Ordering::SeqCst);
    }

    /// Each chunk takes this long.
    pub(crate) fn slow_down(&self, delay: Duration) {
        self.delay_ms.store(delay.as_millis() as u64, Ordering::SeqCst);
    }

    /// Counts a chunk; an error if the connection breaks now.
    fn pass(&self, key: &str, chunk: Bytes) -> Result<Bytes, SourceError> {
        let mut breaks = self.breaks.lock().unwrap();
        let (left, times) = &mut *breaks;
        if *times > 0 {
            match left.checked_sub(chunk.len() as u64) {
                Some(rest) => *left = rest,
                None => {
                    *times -= 1;
                    *left = self.every.load(Ordering::SeqCst);
                    let (operation, address) = ("GET", self.folder.address(key));
                    let detail = "connection reset".to_owned();
                    return Err(SourceError {
                        kind: SourceErrorKind::Unavailable,
                        operation,
                        address,
                        detail,
                    });
                }
            }
        }
        *self.read.lock().unwrap().entry(key.into()).or_default() += chunk.len() as u64;
        Ok(chunk)
    }
}

#[derive(Debug)]
struct Through(Arc<Spy>);

#[async_trait]
impl Source for Through {
    fn address(&self, key: &str) -> String {
        self.0.folder.address(key)
    }

    async fn list(&self, prefix: &str, from: Option<&str>, limit: u32) -> Result<Page, SourceError> {
        self.0.folder.list(prefix, from, limit).await
    }

    fn lists_from_any_key(&self) -> bool {
        self.0.folder.lists_from_any_key()
    }

    async fn list_after(&self, prefix: &str, after: &str, limit: u32) -> Result<Page, SourceError> {
        self.0.folder.list_after(prefix, after, limit).await
    }

    async fn head(&self, key: &str) -> Result<ObjectInfo, SourceError> {
        let info = self.0.folder.head(key).await?;
        let disguise = self.0.disguises.lock().unwrap().get(key).copied();
        Ok(disguise.map_or(info.clone(), |disguise| disguise(info)))
    }

    async fn read(
        &self,
        key: &str,
        etag: Option<&str>,
        range: Range<u64>,
    ) -> Result<ByteStream, SourceError> {
        let body = self.0.folder.read(key, etag, range).await?;
        let (spy, key) = (Arc::clone(&self.0), key.to_owned());
        // Small chunks, so that a break falls inside of a range.
        let pieces = body.flat_map(|chunk| {
            futures::stream::iter(match chunk {
                Ok(chunk) => chunk.chunks(PIECE).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect(),
                Err(error) => vec![Err(error)],
            })
        });
        let passed = pieces.then(move |chunk| {
            let (spy, key) = (Arc::clone(&spy), key.clone());
            async move {
                let delay = spy.delay_ms.load(Ordering::SeqCst);
                if delay > 0 {
                    tokio::time::sleep(Duration::from_millis(delay)).await;
                }
                chunk.and_then(|chunk| spy.pass(&key, chunk))
            }
        });
        Ok(passed.boxed())
    }
}
