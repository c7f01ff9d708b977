//! Vector indexes keep in step with the store's rows, whatever happens to their files, their model or the rows.

use std::collections::HashSet;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use telecine::ids::{IndexId, VideoId};
use telecine::index::{IndexModels, ModelOption, ModelRef};
use telecine::search::vectors::{Nearest, Shelf, ShelfConfig};
use telecine::video::SegmentKind;

use super::delete;
use super::library::{Library, range, segment};
use super::synthetic::{Random, Topics};

const DIM: usize = 24;
const KIND: SegmentKind = SegmentKind::Shot;
/// Vectors of a video.
const FRAMES: usize = 60;

struct Scene {
    library: Library,
    index: IndexId,
    random: Random,
    topics: Topics,
}

fn model(id: &str) -> ModelRef {
    ModelRef { id: id.to_owned(), dim: DIM }
}

fn models() -> IndexModels {
    let text = |id: &str| ModelRef { id: id.to_owned(), dim: 0 };
    IndexModels { see: model("m"), hear: text("h"), read: text("r"), words: model("w") }
}

impl Scene {
    async fn new() -> Self {
        let library = Library::new().await;
        let mut random = Random(11);
        let topics = Topics::new(&mut random, 40, DIM, 0.3);
        let index = library.index("marengo2.6", &[ModelOption::Visual], models()).await;
        Self { library, index, random, topics }
    }

    /// Videos of one topic each.
    async fn publish(&mut self, topics: std::ops::Range<usize>) -> Vec<VideoId> {
        let mut videos = Vec::new();
        for topic in topics {
            let vectors = (0..FRAMES).map(|_| self.topics.vector(&mut self.random, topic)).collect();
            let shot = segment(KIND, range(0.0, 10.0), "", vectors);
            videos.push(self.library.publish(self.index, &format!("{topic}.mp4"), vec![shot]).await);
        }
        videos
    }

    fn shelf(&self, config: ShelfConfig) -> Shelf {
        Shelf::new(Arc::clone(&self.library.store), self.library.files(), config)
    }

    /// The ten rows nearest to a topic.
    async fn nearest(&mut self, shelf: &Shelf, topic: usize) -> Vec<i64> {
        let query = Arc::from(self.topics.vector(&mut self.random, topic));
        rows(shelf, self.index, query, 10).await
    }

    /// How many of the ten vectors nearest to a topic are of this video.
    async fn found(&mut self, shelf: &Shelf, topic: usize, video: VideoId) -> usize {
        let rows = self.nearest(shelf, topic).await;
        let segments = self.library.store.segments_of_vectors(&rows).await.unwrap();
        segments.iter().filter(|(_, _, segment)| segment.video == video).count()
    }

    fn file(&self, extension: &str) -> PathBuf {
        self.library.files().vectors().join(format!("{}-shot.{extension}", self.index))
    }
}

async fn rows(shelf: &Shelf, index: IndexId, query: Arc<[f32]>, count: usize) -> Vec<i64> {
    rows_among(shelf, index, query, None, count).await
}

async fn rows_among(
    shelf: &Shelf,
    index: IndexId,
    query: Arc<[f32]>,
    among: Option<&[VideoId]>,
    count: usize,
) -> Vec<i64> {
    let model = model("m");
    let wanted = Nearest { index, kind: KIND, model: &model, query, among, count };
    let (neighbours, _) = shelf.nearest(wanted).await.unwrap();
    neighbours.iter().map(|neighbour| neighbour.row).collect()
}

/// A graph as soon as there are 100 rows.
fn small() -> ShelfConfig {
    ShelfConfig { min_graph_rows: 100, ..ShelfConfig::default() }
}

/// No graph is begun or grown, so that what is in one was loaded.
fn scanning() -> ShelfConfig {
    ShelfConfig { min_graph_rows: usize::MAX, ..ShelfConfig::default() }
}

async fn settle(shelf: &Shelf) {
    for _ in 0..3_000 {
        let stats = shelf.stats();
        if !stats.is_building && stats.waiting_rows < 100 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("still building: {:?}", shelf.stats());
}

/// Ten videos, all in a graph that is saved.
async fn saved() -> (Scene, Vec<VideoId>) {
    let mut scene = Scene::new().await;
    let videos = scene.publish(0..10).await;
    let shelf = scene.shelf(small());
    assert_eq!(scene.found(&shelf, 3, videos[3]).await, 10);
    settle(&shelf).await;
    shelf.close().await.unwrap();
    assert!(scene.file("usearch").is_file() && scene.file("json").is_file());
    (scene, videos)
}

#[tokio::test]
async fn what_was_published_is_found_by_the_next_query() {
    let mut scene = Scene::new().await;
    let shelf = scene.shelf(small());
    for topic in 0..6 {
        let videos = scene.publish(topic..topic + 1).await;
        assert_eq!(scene.found(&shelf, topic, videos[0]).await, 10);
    }
    settle(&shelf).await;
    assert_eq!(shelf.stats().rows, 6 * FRAMES);
}

#[tokio::test]
async fn after_a_restart_the_saved_graph_and_what_came_since_are_found() {
    let (mut scene, old) = saved().await;
    let new = scene.publish(10..12).await;
    let shelf = scene.shelf(scanning());
    shelf.warm(|_| model("m")).await.unwrap();
    let stats = shelf.stats();
    assert_eq!((stats.rows, stats.waiting_rows), (12 * FRAMES, 2 * FRAMES), "the rest is in the graph");
    assert_eq!(scene.found(&shelf, 3, old[3]).await, 10);
    assert_eq!(scene.found(&shelf, 11, new[1]).await, 10);
}

#[tokio::test]
async fn what_is_not_saved_when_the_server_dies_is_read_again() {
    let mut scene = Scene::new().await;
    let videos = scene.publish(0..3).await;
    for _server in 0..2 {
        let shelf = scene.shelf(scanning());
        assert_eq!(scene.found(&shelf, 1, videos[1]).await, 10);
        assert_eq!(shelf.stats().waiting_rows, 3 * FRAMES);
    }
}

#[tokio::test]
async fn a_file_that_is_damaged_is_dropped_and_made_again() {
    let (mut scene, videos) = saved().await;
    let (whole, label) = (fs::read(scene.file("usearch")).unwrap(), fs::read(scene.file("json")).unwrap());
    let middle = whole.len() / 2;
    let flipped = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x40;
        bytes
    };
    let damaged = [flipped(0), flipped(middle), whole[..middle].to_vec(), Vec::new()];
    let cases = damaged.iter().map(|bytes| (bytes.as_slice(), label.as_slice()));
    for (case, (graph, label)) in cases.chain([(whole.as_slice(), b"{}".as_slice())]).enumerate() {
        fs::write(scene.file("usearch"), graph).unwrap();
        fs::write(scene.file("json"), label).unwrap();
        let shelf = scene.shelf(scanning());
        assert_eq!(scene.found(&shelf, 3, videos[3]).await, 10, "case {case}");
        assert_eq!(shelf.stats().waiting_rows, 10 * FRAMES, "case {case}: nothing of it is used");
        assert!(!scene.file("usearch").exists(), "case {case}");
    }
    let shelf = scene.shelf(small());
    assert_eq!(scene.found(&shelf, 3, videos[3]).await, 10);
    settle(&shelf).await;
    shelf.close().await.unwrap();
    let shelf = scene.shelf(scanning());
    assert_eq!(scene.found(&shelf, 3, videos[3]).await, 10);
    assert_eq!(shelf.stats().waiting_rows, 0, "it was saved anew");
}

#[tokio::test]
async fn a_graph_of_another_model_is_not_used() {
    let (mut scene, videos) = saved().await;
    let (graph, label) =
        (fs::read(scene.file("usearch")).unwrap(), fs::read_to_string(scene.file("json")).unwrap());
    for other in
        [label.replace("\"id\": \"m\"", "\"id\": \"n\""), label.replace("\"dim\": 24", "\"dim\": 25")]
    {
        assert_ne!(other, label);
        fs::write(scene.file("usearch"), &graph).unwrap();
        fs::write(scene.file("json"), other).unwrap();
        let shelf = scene.shelf(scanning());
        assert_eq!(scene.found(&shelf, 3, videos[3]).await, 10);
        assert_eq!(shelf.stats().waiting_rows, 10 * FRAMES);
    }
}

#[tokio::test]
async fn many_deleted_rows_make_an_index_new() {
    let (mut scene, videos) = saved().await;
    let shelf = scene.shelf(small());
    delete(&scene.library, scene.index, videos[0]).await;
    assert_eq!(scene.found(&shelf, 3, videos[3]).await, 10);
    assert_eq!(shelf.stats().rows, 10 * FRAMES, "a tenth is borne");
    for video in &videos[1..3] {
        delete(&scene.library, scene.index, *video).await;
    }
    assert_eq!(scene.found(&shelf, 3, videos[3]).await, 10);
    assert_eq!(shelf.stats().rows, 7 * FRAMES);
}

#[tokio::test]
async fn rows_that_are_gone_can_be_forgotten() {
    for is_in_graph in [true, false] {
        let (mut scene, videos) = saved().await;
        if !is_in_graph {
            fs::remove_file(scene.file("json")).unwrap();
        }
        let shelf = scene.shelf(scanning());
        assert_eq!(scene.found(&shelf, 3, videos[3]).await, 10);
        let gone = scene.library.store.vectors_of_videos(scene.index, KIND, &videos[3..4]).await.unwrap();
        delete(&scene.library, scene.index, videos[3]).await;
        assert!(scene.nearest(&shelf, 3).await.iter().all(|row| gone.contains(row)), "not known yet");
        shelf.forget(scene.index, KIND, gone.clone()).await.unwrap();
        let found = scene.nearest(&shelf, 3).await;
        assert!(found.len() == 10 && found.iter().all(|row| !gone.contains(row)));
        assert_eq!(shelf.stats().rows, 9 * FRAMES);
    }
}

#[tokio::test]
async fn many_rows_are_counted_now_and_then_and_those_that_were_deleted_leave_in_the_end() {
    let (mut scene, videos) = saved().await;
    let shelf = scene.shelf(ShelfConfig { counted_rows: 0, ..small() });
    assert_eq!(scene.found(&shelf, 3, videos[3]).await, 10);
    for video in &videos[..3] {
        delete(&scene.library, scene.index, *video).await;
    }
    let more = scene.publish(10..11).await;
    assert_eq!(scene.found(&shelf, 10, more[0]).await, 10, "what comes is found at once");
    for _ in 0..1_000 {
        assert_eq!(scene.found(&shelf, 3, videos[3]).await, 10);
        if shelf.stats().rows == 8 * FRAMES {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("still there: {:?}", shelf.stats());
}

#[tokio::test]
async fn rows_that_are_forgotten_while_they_are_counted_are_not_missed() {
    let (mut scene, videos) = saved().await;
    let shelf = scene.shelf(ShelfConfig { counted_rows: 0, ..scanning() });
    assert_eq!(scene.found(&shelf, 3, videos[3]).await, 10);
    for video in &videos[..2] {
        let gone = scene.library.store.vectors_of_videos(scene.index, KIND, &[*video]).await.unwrap();
        delete(&scene.library, scene.index, *video).await;
        for rows in gone.chunks(6) {
            shelf.forget(scene.index, KIND, rows.to_vec()).await.unwrap();
            assert_eq!(scene.found(&shelf, 3, videos[3]).await, 10);
        }
    }
    assert_eq!((shelf.stats().rows, shelf.stats().waiting_rows), (8 * FRAMES, 0), "the graph is kept");
}

#[tokio::test]
async fn a_filter_of_many_videos_finds_what_one_of_few_finds() {
    let (mut scene, mut videos) = saved().await;
    let [asked, known] = [usize::MAX, 0].map(|few_videos| ShelfConfig { few_videos, ..scanning() });
    let (asked, known) = (scene.shelf(asked), scene.shelf(known));
    for round in 0..4 {
        let query: Arc<[f32]> = Arc::from(scene.topics.vector(&mut scene.random, round));
        let among: Vec<VideoId> = videos.iter().copied().skip(round % 2).step_by(2).collect();
        let store = &scene.library.store;
        let theirs = store.vectors_of_videos(scene.index, KIND, &among).await.unwrap();
        let each = [&asked, &known]
            .map(|shelf| rows_among(shelf, scene.index, Arc::clone(&query), Some(&among), usize::MAX));
        let [from_store, from_memory] = futures::future::join_all(each).await.try_into().unwrap();
        assert_eq!(from_store, from_memory, "round {round}");
        assert_eq!(from_store.into_iter().collect::<HashSet<_>>(), theirs.into_iter().collect());
        // Some come, and in the end so many go that the index is made anew.
        videos.extend(scene.publish(10 + round..11 + round).await);
        for video in videos.drain(..round * 2) {
            delete(&scene.library, scene.index, video).await;
        }
    }
}

#[tokio::test]
async fn indexes_that_nobody_asks_for_leave_memory_and_come_back() {
    let mut scene = Scene::new().await;
    let videos = scene.publish(0..4).await;
    let first = scene.index;
    let second = scene.library.index("marengo2.6", &[ModelOption::Visual], models()).await;
    let shelf = scene.shelf(ShelfConfig { max_bytes: 30_000, ..scanning() });
    assert_eq!(scene.found(&shelf, 1, videos[1]).await, 10);
    scene.index = second;
    let others = scene.publish(4..8).await;
    assert_eq!(scene.found(&shelf, 5, others[1]).await, 10);
    assert_eq!(shelf.stats().indexes, 1);
    scene.index = first;
    assert_eq!(scene.found(&shelf, 1, videos[1]).await, 10);
    assert_eq!(shelf.stats().indexes, 1);
}

#[tokio::test]
async fn graphs_of_indexes_that_are_gone_are_removed_at_start() {
    let (scene, _) = saved().await;
    assert!(scene.library.store.delete_index(scene.library.workspace, scene.index).await.unwrap());
    let shelf = scene.shelf(small());
    shelf.warm(|_| model("m")).await.unwrap();
    assert!(!scene.file("usearch").exists() && !scene.file("json").exists());
    assert_eq!(shelf.stats().indexes, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queries_are_answered_while_videos_come_and_graphs_grow() {
    let mut scene = Scene::new().await;
    let shelf = Arc::new(scene.shelf(small()));
    let videos = scene.publish(0..2).await;
    let mut searches = Vec::new();
    for topic in 2..30 {
        scene.publish(topic..topic + 1).await;
        for _ in 0..3 {
            let query = Arc::from(scene.topics.vector(&mut scene.random, 0));
            let (shelf, index) = (Arc::clone(&shelf), scene.index);
            searches.push(tokio::spawn(async move { rows(&shelf, index, query, FRAMES).await }));
        }
    }
    let store = &scene.library.store;
    let expected: HashSet<i64> =
        store.vectors_of_videos(scene.index, KIND, &videos[..1]).await.unwrap().into_iter().collect();
    for search in searches {
        let rows = search.await.unwrap();
        let distinct: HashSet<i64> = rows.iter().copied().collect();
        assert_eq!((rows.len(), distinct.len()), (FRAMES, FRAMES), "each row once");
        let kept = distinct.intersection(&expected).count();
        assert!(kept >= FRAMES - 3, "{kept} of {FRAMES}");
    }
}
