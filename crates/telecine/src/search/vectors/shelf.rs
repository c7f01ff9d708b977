//! All vector indexes of a server, each kept in step with the store's rows. Rows are read when a query comes and found
//! at once; graphs grow behind the scenes, are saved aside, and are made again when their files, their model or too
//! many deleted rows make them useless. Knows no segment and no score but the dot product.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::thread;
use std::time::Instant;

use anyhow::Context;
use half::f16;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tracing::{debug, error, info, warn};

use super::file::GraphFile;
use super::hnsw::MAX_THREADS;
use super::layers::Layers;
use super::owners::Owners;
use super::{Distribution, Exact, Hnsw, Neighbour, VectorIndex};
use crate::fault::Result;
use crate::files::DataDir;
use crate::ids::{IndexId, VideoId};
use crate::index::ModelRef;
use crate::store::Store;
use crate::video::SegmentKind;

/// Rows read from the store in one go.
const BATCH_ROWS: u32 = 4_096;
/// Vectors of the sample, for kinds whose scores are told against chance.
const SAMPLE: usize = 512;
/// Room that a new graph gets at least, and that a full one gets more of, in parts of what it has.
const GROWTH: usize = 2;
/// Where there are many rows, a count of them rests for so many times as long as it took.
const COUNT_RESTS: u32 = 20;
/// Rows whose videos are read from the store in one go.
const OWNED_ROWS: u32 = 65_536;

/// Bounds of a shelf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShelfConfig {
    /// Memory of all indexes together; those not asked for the longest are dropped first.
    pub max_bytes: usize,
    /// Rows outside of a graph that make it worth one: fewer are scanned.
    pub min_graph_rows: usize,
    /// Memory of the rows of one index that wait for its graph; beyond it a query waits too.
    pub max_waiting_bytes: usize,
    /// Threads that build a graph.
    pub threads: usize,
    /// So many rows are counted with each query. More are counted behind the scenes, and that many were deleted is found out later.
    pub counted_rows: u64,
    /// Videos of a filter whose rows the store is asked for; with the first filter of more, it is learnt of all rows of the
    /// index whose they are, which is quicker from then on.
    pub few_videos: usize,
}

impl Default for ShelfConfig {
    fn default() -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self {
            max_bytes: 2 << 30,
            min_graph_rows: 10_000,
            max_waiting_bytes: 256 << 20,
            threads: (cores / 2).max(1),
            counted_rows: 50_000,
            few_videos: 8,
        }
    }
}

/// Which vectors to look among, and for how many.
#[derive(Debug)]
pub struct Nearest<'a> {
    /// The index.
    pub index: IndexId,
    /// The kind of segments.
    pub kind: SegmentKind,
    /// The model that made the vectors, and the query.
    pub model: &'a ModelRef,
    /// Of unit length.
    pub query: Arc<[f32]>,
    /// Only those of these videos.
    pub among: Option<&'a [VideoId]>,
    /// At most this many.
    pub count: usize,
}

/// What a shelf has in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ShelfStats {
    /// Vector indexes.
    pub indexes: usize,
    /// Their rows.
    pub rows: usize,
    /// Of them, those that are in no graph and are scanned.
    pub waiting_rows: usize,
    /// Memory.
    pub bytes: usize,
    /// Whether a graph is being built or saved.
    pub is_building: bool,
}

/// The vector indexes of a server.
#[derive(Debug)]
pub struct Shelf {
    store: Arc<dyn Store>,
    files: DataDir,
    config: ShelfConfig,
    slots: Mutex<HashMap<(IndexId, SegmentKind), Arc<Slot>>>,
    uses: AtomicU64,
    /// usearch refuses more threads than it has contexts; some are left to those that build.
    searches: Semaphore,
    is_closed: Arc<AtomicBool>,
}

impl Shelf {
    /// An empty shelf; indexes come onto it as they are asked for.
    pub fn new(store: Arc<dyn Store>, files: DataDir, config: ShelfConfig) -> Self {
        let threads = config.threads.clamp(1, MAX_THREADS / 2);
        Self {
            store,
            files,
            config: ShelfConfig { threads, ..config },
            slots: Mutex::default(),
            uses: AtomicU64::new(0),
            searches: Semaphore::new(MAX_THREADS / 2),
            is_closed: Arc::default(),
        }
    }

    /// The nearest vectors among all that the store has now, and what the query scores by chance.
    pub async fn nearest(&self, wanted: Nearest<'_>) -> Result<(Vec<Neighbour>, Distribution)> {
        let slot = self.slot(wanted.index, wanted.kind, wanted.model);
        self.catch_up(&slot).await?;
        let among = match wanted.among {
            Some(videos) => Some(self.rows_of(&slot, videos).await?),
            None => None,
        };
        let _permit = self.searches.acquire().await.context("the semaphore is never closed")?;
        let Nearest { query, count, .. } = wanted;
        let search = move || -> anyhow::Result<_> {
            let layers = slot.read();
            Ok((layers.nearest(&query, among.as_deref(), count)?, layers.distribution(&query)))
        };
        Ok(spawn_blocking(search).await.context("search vectors")??)
    }

    /// The rows of these videos, in their order.
    async fn rows_of(&self, slot: &Arc<Slot>, videos: &[VideoId]) -> Result<Vec<i64>> {
        let is_known = slot.owners.try_lock().is_ok_and(|owners| owners.last_row() > 0);
        if videos.len() <= self.config.few_videos && !is_known {
            return self.store.vectors_of_videos(slot.index, slot.kind, videos).await;
        }
        // Up to the last row that was read here, and not further: rows before it that are seen only later make both useless.
        let last_row = slot.read().last_row();
        let mut owners = Arc::clone(&slot.owners).lock_owned().await;
        while owners.last_row() < last_row {
            let numbers = owners.last_row() + 1..=last_row;
            let some = self.store.vectors_by_video(slot.index, slot.kind, numbers, OWNED_ROWS).await?;
            let read: usize = some.iter().map(|(_, rows)| rows.len()).sum();
            let greatest = some.iter().flat_map(|(_, rows)| rows).max().copied();
            let is_all = read < OWNED_ROWS as usize;
            owners.learn(some, greatest.filter(|_| !is_all).unwrap_or(last_row));
        }
        let videos = videos.to_vec();
        let rows = spawn_blocking(move || owners.rows_of(&videos)).await;
        Ok(rows.context("look for the rows of videos")?)
    }

    /// These rows are no longer in the store.
    pub async fn forget(&self, index: IndexId, kind: SegmentKind, rows: Vec<i64>) -> Result<()> {
        let Some(slot) = self.lock().get(&(index, kind)).cloned() else { return Ok(()) };
        Ok(spawn_blocking(move || slot.forget(&rows)).await.context("forget vectors")??)
    }

    /// Brings the index in step with the store. Cheap when nothing changed.
    async fn catch_up(&self, slot: &Arc<Slot>) -> Result<()> {
        let mut is_open = slot.catching_up.lock().await;
        if !*is_open {
            let opening = Arc::clone(slot);
            spawn_blocking(move || opening.open()).await.context("open a vector index")?;
            *is_open = true;
        }
        let last_row = if slot.read().len() as u64 > self.config.counted_rows {
            self.count_behind_the_scenes(slot);
            self.store.last_vector(slot.index, slot.kind).await?
        } else {
            let held = slot.held();
            let (count, last_row) = self.store.vector_extent(slot.index, slot.kind).await?;
            if held.is_useless(count, last_row) {
                slot.make_anew(count).await?;
            }
            last_row
        };
        if slot.read().last_row() >= last_row {
            return Ok(());
        }
        self.read_rows(slot, last_row).await?;
        if slot.read().chunked() >= self.config.min_graph_rows {
            self.absorb_behind_the_scenes(slot);
        }
        drop(is_open);
        self.make_room(slot);
        Ok(())
    }

    /// Counts the many rows of the store, when that was not done for a while, and makes the index anew if it is useless.
    fn count_behind_the_scenes(&self, slot: &Arc<Slot>) {
        let Ok(mut rests_until) = Arc::clone(&slot.counting).try_lock_owned() else { return };
        if rests_until.is_some_and(|until| Instant::now() < until) {
            return;
        }
        let (store, slot) = (Arc::clone(&self.store), Arc::clone(slot));
        tokio::spawn(async move {
            let began = Instant::now();
            if let Err(problem) = slot.count(&*store).await {
                warn!(index = %slot.index, kind = slot.kind.as_str(), "cannot count vectors: {problem}");
            }
            *rests_until = Some(Instant::now() + began.elapsed() * COUNT_RESTS);
        });
    }

    async fn read_rows(&self, slot: &Arc<Slot>, last_row: i64) -> Result<()> {
        let mut after = slot.read().last_row();
        while after < last_row {
            let rows = self.store.vectors_after(slot.index, slot.kind, after, BATCH_ROWS).await?;
            let Some(last) = rows.last() else { break };
            after = last.id;
            let growing = Arc::clone(slot);
            spawn_blocking(move || growing.write().push(&rows)).await.context("take vectors")??;
            let waiting_bytes = slot.read().chunked() * slot.model.dim * size_of::<f16>();
            if waiting_bytes > self.config.max_waiting_bytes {
                let (slot, threads, is_closed) = self.for_absorbing(slot);
                spawn_blocking(move || slot.absorb(threads, &is_closed)).await.context("build a graph")??;
            }
        }
        slot.write().pass(last_row);
        Ok(())
    }

    fn absorb_behind_the_scenes(&self, slot: &Arc<Slot>) {
        let (slot, threads, is_closed) = self.for_absorbing(slot);
        spawn_blocking(move || {
            if let Err(problem) = slot.absorb(threads, &is_closed) {
                error!(index = %slot.index, kind = slot.kind.as_str(), "cannot build a graph: {problem:#}");
            }
        });
    }

    fn for_absorbing(&self, slot: &Arc<Slot>) -> (Arc<Slot>, usize, Arc<AtomicBool>) {
        (Arc::clone(slot), self.config.threads, Arc::clone(&self.is_closed))
    }

    /// Loads what was saved and reads what came since, so that the first query need not. Files of indexes that are
    /// gone are removed.
    pub async fn warm(&self, models: impl Fn(SegmentKind) -> ModelRef) -> Result<()> {
        let saved = GraphFile::list(&self.files.vectors()).context("list saved graphs")?;
        for (index, kind) in saved {
            if self.store.last_vector(index, kind).await? == 0 {
                GraphFile::new(&self.files.vectors(), index, kind).remove().context("remove a graph")?;
                continue;
            }
            let slot = self.slot(index, kind, &models(kind));
            self.catch_up(&slot).await?;
        }
        Ok(())
    }

    /// Stops building graphs and saves what was built: for the end of the server. Later queries still work.
    pub async fn close(&self) -> Result<()> {
        self.is_closed.store(true, Ordering::Relaxed);
        let slots: Vec<_> = self.lock().values().cloned().collect();
        let save = move || slots.iter().try_for_each(|slot| slot.save());
        Ok(spawn_blocking(save).await.context("save vector indexes")??)
    }

    /// What is in memory now.
    pub fn stats(&self) -> ShelfStats {
        let slots = self.lock();
        let mut stats = ShelfStats { indexes: slots.len(), ..ShelfStats::default() };
        for slot in slots.values() {
            let layers = slot.read();
            stats.rows += layers.len();
            stats.waiting_rows += layers.chunked();
            stats.bytes += layers.bytes() + slot.owners_bytes();
            stats.is_building |= slot.absorbing.try_lock().is_err();
        }
        stats
    }

    fn slot(&self, index: IndexId, kind: SegmentKind, model: &ModelRef) -> Arc<Slot> {
        let mut slots = self.lock();
        let slot = slots.entry((index, kind)).or_insert_with(|| {
            let file = GraphFile::new(&self.files.vectors(), index, kind);
            Arc::new(Slot::new(index, kind, model.clone(), file))
        });
        slot.used.store(self.uses.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
        Arc::clone(slot)
    }

    /// Drops the indexes that were not asked for the longest until the rest fits; `keep` stays.
    fn make_room(&self, keep: &Arc<Slot>) {
        let mut slots = self.lock();
        let mut bytes: usize = slots.values().map(|slot| slot.bytes()).sum();
        while bytes > self.config.max_bytes {
            let others =
                slots.values().filter(|slot| !Arc::ptr_eq(slot, keep) && slot.absorbing.try_lock().is_ok());
            let Some(oldest) = others.min_by_key(|slot| slot.used.load(Ordering::Relaxed)).cloned() else {
                return;
            };
            slots.remove(&(oldest.index, oldest.kind));
            bytes -= oldest.bytes().min(bytes);
            debug!(index = %oldest.index, kind = oldest.kind.as_str(), "a vector index leaves memory");
            spawn_blocking(move || {
                if let Err(problem) = oldest.save() {
                    warn!(index = %oldest.index, "cannot save a vector index: {problem:#}");
                }
            });
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(IndexId, SegmentKind), Arc<Slot>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Shelf {
    fn drop(&mut self) {
        self.is_closed.store(true, Ordering::Relaxed);
    }
}

/// What an index held at a moment.
#[derive(Debug, Clone, Copy)]
struct Held {
    rows: usize,
    removed: usize,
    last_row: i64,
}

impl Held {
    /// Whether rows were missing that should have been in, or more than a fifth of what was in is no longer in the store, which
    /// was counted after that moment: rows that were forgotten meanwhile are not missing.
    fn is_useless(self, count: u64, last_row: i64) -> bool {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let lacks_rows = self.last_row >= last_row && self.rows < count;
        let places = self.rows + self.removed;
        lacks_rows || places.saturating_sub(count) > places / 5
    }
}

/// One index on the shelf. Methods that do not wait block.
#[derive(Debug)]
struct Slot {
    index: IndexId,
    kind: SegmentKind,
    model: ModelRef,
    file: GraphFile,
    layers: RwLock<Layers>,
    owners: Arc<tokio::sync::Mutex<Owners>>,
    /// Held by the one who reads rows; whether the file was looked at.
    catching_up: tokio::sync::Mutex<bool>,
    /// Held by the one who counts many rows; until when they need not be counted again.
    counting: Arc<tokio::sync::Mutex<Option<Instant>>>,
    /// Held by the one who changes or saves the graph.
    absorbing: Mutex<()>,
    /// Entries of the saved graph.
    saved: AtomicUsize,
    used: AtomicU64,
}

impl Slot {
    fn new(index: IndexId, kind: SegmentKind, model: ModelRef, file: GraphFile) -> Self {
        let layers = RwLock::new(Layers::new(model.dim, sample_of(kind)));
        Self {
            index,
            kind,
            model,
            file,
            layers,
            owners: Arc::default(),
            counting: Arc::default(),
            catching_up: tokio::sync::Mutex::default(),
            absorbing: Mutex::default(),
            saved: AtomicUsize::new(0),
            used: AtomicU64::new(0),
        }
    }

    fn bytes(&self) -> usize {
        self.read().bytes() + self.owners_bytes()
    }

    /// Nothing while they are being learnt.
    fn owners_bytes(&self) -> usize {
        self.owners.try_lock().map_or(0, |owners| owners.bytes())
    }

    fn open(&self) {
        match self.file.load(&self.model) {
            Ok(None) => {}
            Ok(Some((graph, label))) => {
                self.saved.store(graph.len(), Ordering::Relaxed);
                *self.write() = Layers::of_graph(self.model.dim, sample_of(self.kind), graph, &label);
            }
            Err(problem) => {
                warn!(index = %self.index, kind = self.kind.as_str(), "a saved graph is dropped: {problem:#}");
                self.reset();
            }
        }
    }

    fn held(&self) -> Held {
        let layers = self.read();
        Held { rows: layers.len(), removed: layers.removed(), last_row: layers.last_row() }
    }

    /// Holds it against the store, and makes it anew if it is useless.
    async fn count(self: &Arc<Self>, store: &dyn Store) -> Result<()> {
        let held = self.held();
        let (count, last_row) = store.vector_extent(self.index, self.kind).await?;
        if held.is_useless(count, last_row) {
            let _is_open = self.catching_up.lock().await;
            self.make_anew(count).await?;
        }
        Ok(())
    }

    /// Empties it, for the store has `count` rows, which will be read. Whoever asks for that holds `catching_up`.
    async fn make_anew(self: &Arc<Self>, count: u64) -> Result<()> {
        info!(index = %self.index, kind = self.kind.as_str(), count, "a vector index is made anew");
        let useless = Arc::clone(self);
        Ok(spawn_blocking(move || useless.reset()).await.context("drop a vector index")?)
    }

    /// Empties it, in memory and on disk. Whoever builds the old graph finds out and stops.
    fn reset(&self) {
        *self.write() = Layers::new(self.model.dim, sample_of(self.kind));
        *self.owners.blocking_lock() = Owners::default();
        self.saved.store(0, Ordering::Relaxed);
        if let Err(problem) = self.file.remove() {
            warn!(index = %self.index, "cannot remove a saved graph: {problem}");
        }
    }

    /// Puts all chunks into the graph, oldest first, and saves it when it has grown much.
    fn absorb(&self, threads: usize, is_closed: &AtomicBool) -> anyhow::Result<()> {
        let Ok(_alone) = self.absorbing.try_lock() else { return Ok(()) };
        while let Some(chunk) = self.oldest_chunk() {
            if is_closed.load(Ordering::Relaxed) {
                return Ok(());
            }
            let graph = self.graph_with_room(chunk.len())?;
            let entries: Vec<(i64, &[f16])> = chunk.entries().collect();
            graph.add(&entries, threads)?;
            self.write().absorbed(&chunk);
        }
        let held = self.read().graph().map_or(0, |(graph, _)| graph.len());
        let saved = self.saved.load(Ordering::Relaxed);
        if held > saved + saved / 5 { self.save_alone() } else { Ok(()) }
    }

    /// A function of its own, for a lock taken in the head of a loop is held through its body.
    fn oldest_chunk(&self) -> Option<Arc<Exact>> {
        self.read().oldest_chunk()
    }

    /// Nobody searches while the graph gets more room.
    fn graph_with_room(&self, entries: usize) -> anyhow::Result<Arc<Hnsw>> {
        let mut layers = self.write();
        let graph = layers.begin_graph()?;
        if graph.room() < entries {
            graph.reserve((graph.len() * GROWTH).max(graph.len() + entries))?;
        }
        Ok(graph)
    }

    fn save(&self) -> anyhow::Result<()> {
        let _alone = self.absorbing.lock().unwrap_or_else(PoisonError::into_inner);
        self.save_alone()
    }

    /// Searches go on meanwhile, and rows are read; the graph is changed by nobody but the holder of the lock.
    fn save_alone(&self) -> anyhow::Result<()> {
        let (graph, sample) = {
            let layers = self.read();
            (layers.graph(), layers.sample_of_graph())
        };
        let saved = self.saved.load(Ordering::Relaxed);
        let Some((graph, last_row)) = graph.filter(|(graph, _)| graph.len() != saved) else { return Ok(()) };
        self.file.save(&graph, &self.model, last_row, sample)?;
        self.saved.store(graph.len(), Ordering::Relaxed);
        Ok(())
    }

    /// A graph that is being built is left alone: what is gone from the store is found out about again.
    fn forget(&self, rows: &[i64]) -> anyhow::Result<()> {
        let Ok(_alone) = self.absorbing.try_lock() else { return Ok(()) };
        self.write().forget(rows)
    }

    fn read(&self) -> RwLockReadGuard<'_, Layers> {
        self.layers.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Layers> {
        self.layers.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Vectors of the sample of a kind.
pub(super) fn sample_of(kind: SegmentKind) -> usize {
    match kind {
        SegmentKind::Shot => SAMPLE,
        SegmentKind::Speech | SegmentKind::Text => 0,
    }
}
