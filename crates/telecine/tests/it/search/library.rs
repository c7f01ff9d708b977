//! A data folder with a store in it, videos that are put there as the pipeline would, and engines that see and
//! understand words. Outlives searchers, as the folder outlives servers.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use telecine::files::DataDir;
use telecine::ids::{IndexId, TaskId, VideoId, WorkspaceId};
use telecine::index::{EngineSpec, Index, IndexModels, ModelOption};
use telecine::store::Store;
use telecine::store::sqlite::SqliteStore;
use telecine::time::{Clock as _, ManualClock, MediaTime, TimeRange};
use telecine::transfer::{Event, NewTask, TaskSource, VideoMeta};
use telecine::video::{NewSegment, NewVector, Publication, SegmentKind};

pub(crate) struct Library {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) workspace: WorkspaceId,
    folder: tempfile::TempDir,
}

impl Library {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(DataDir::new(folder.path()).database()).await.unwrap();
        Self::with(Arc::new(store), folder).await
    }

    /// In this store; what else is kept is in the folder.
    pub(crate) async fn with(store: Arc<dyn Store>, folder: tempfile::TempDir) -> Self {
        let clock = Arc::new(ManualClock::at("2024-03-01T09:00:00Z".parse().unwrap()));
        let workspace = store.default_workspace(clock.now()).await.unwrap();
        Self { store, clock, workspace, folder }
    }

    pub(crate) fn files(&self) -> DataDir {
        DataDir::new(self.folder.path())
    }

    /// An index of one engine.
    pub(crate) async fn index(&self, engine: &str, options: &[ModelOption], models: IndexModels) -> IndexId {
        let now = self.clock.now();
        let id = IndexId::generate(now);
        let options = options.iter().copied().collect();
        let index = Index {
            id,
            workspace: self.workspace,
            name: id.to_string(),
            engines: vec![EngineSpec { name: engine.to_owned(), options }],
            addons: Vec::new(),
            models,
            created_at: now,
            updated_at: now,
        };
        self.store.insert_index(&index).await.unwrap();
        id
    }

    /// A video of 10 seconds with these segments.
    pub(crate) async fn publish(&self, index: IndexId, name: &str, segments: Vec<NewSegment>) -> VideoId {
        self.clock.advance(Duration::from_millis(1));
        let now = self.clock.now();
        let id = TaskId::generate(now);
        let task = NewTask {
            id,
            index,
            source: TaskSource::Upload { filename: name.to_owned() },
            transcription: None,
            language: "en".to_owned(),
            user_metadata: None,
            allows_duplicate: false,
            without_stream: false,
        };
        self.store.insert_task(self.workspace, &task, now).await.unwrap();
        let claim = self.store.claim_next(now, Duration::from_secs(60)).await.unwrap().expect("it is due");
        assert_eq!(claim.task, id);
        for event in [Event::Admitted, Event::IndexingStarted] {
            self.store.change_task(&claim, &event.into(), now).await.unwrap().unwrap();
        }
        let content_hash = id.to_string();
        self.store.hold_content(&claim, &content_hash).await.unwrap().unwrap();
        let meta = VideoMeta {
            filename: name.to_owned(),
            duration_s: 10.0,
            fps: 25.0,
            width: 640,
            height: 360,
            size_bytes: 1_000,
        };
        let thumbnails = Vec::new();
        let publication = Publication { task: id, content_hash, meta, segments, thumbnails };
        self.store.publish(&claim, &publication, now).await.unwrap().unwrap();
        id.into()
    }
}

pub(crate) fn range(start_s: f64, end_s: f64) -> TimeRange {
    TimeRange::new(MediaTime::from_secs_f64(start_s), MediaTime::from_secs_f64(end_s)).unwrap()
}

pub(crate) fn segment(kind: SegmentKind, range: TimeRange, text: &str, vectors: Vec<Vec<f32>>) -> NewSegment {
    let vectors = vectors.into_iter().map(|values| NewVector { at: range.start(), values });
    NewSegment { kind, range, text: text.to_owned(), score: 1.0, vectors: vectors.collect() }
}

/// Where `scripts/setup.sh` puts models and media.
pub(crate) fn cache() -> PathBuf {
    let default = || PathBuf::from(std::env::var_os("HOME").expect("HOME is set")).join(".cache/telecine");
    std::env::var_os("TELECINE_CACHE").map_or_else(default, PathBuf::from)
}
