//! What a transfer came to, in a form that does not depend on ids, times, or which of two equal videos came first; and
//! what must hold of any data folder, whatever happened to it.

use std::collections::BTreeMap;

use serde_json::Value;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Row};
use telecine::files::DataDir;

use super::bucket::{Bucket, Indexes};

/// Everything that a user could tell apart.
#[derive(Debug, PartialEq)]
pub(super) struct Outcome {
    /// How the tasks on each content ended, in order.
    tasks: BTreeMap<Place, Vec<End>>,
    videos: BTreeMap<Place, Video>,
}

/// The name of an index, and the content.
type Place = (String, String);
/// Status and code.
type End = (String, Option<String>);

/// What is kept of a video.
#[derive(Debug, PartialEq)]
struct Video {
    shape: String,
    /// Kind, start and end in microseconds, words, moments of its vectors.
    segments: Vec<(String, i64, i64, String, Vec<i64>)>,
    thumbnails: Vec<i64>,
}

impl Outcome {
    /// From the report of the transfer and the database of a server that no longer runs.
    pub(super) async fn of(report: &[Value], bucket: &Bucket, indexes: &Indexes, files: &DataDir) -> Self {
        let mut database = open(files).await;
        assert_sound(&mut database).await;
        let videos = videos(&mut database).await;
        let ids = video_ids(&mut database).await;
        let mut tasks: BTreeMap<Place, Vec<End>> = BTreeMap::new();
        for task in report {
            let index = if task["index_id"] == *indexes.seen { "seen" } else { "heard" };
            let place = (index.to_owned(), bucket.content(task["object"].as_str().unwrap()));
            if let Some(video) = task["duplicate_of"].as_str() {
                assert_eq!(ids[video], place, "a copy equals its video");
            }
            let code = task["error"]["code"].as_str().map(str::to_owned);
            let status = task["status"].as_str().unwrap().to_owned();
            tasks.entry(place).or_default().push((status, code));
        }
        tasks.values_mut().for_each(|ends| ends.sort());
        Self { tasks, videos }
    }
}

async fn open(files: &DataDir) -> SqliteConnection {
    SqliteConnectOptions::new().filename(files.database()).connect().await.unwrap()
}

/// Nothing is damaged, orphaned, or there twice.
async fn assert_sound(database: &mut SqliteConnection) {
    let damage: Vec<String> =
        sqlx::query_scalar("PRAGMA integrity_check").fetch_all(&mut *database).await.unwrap();
    assert_eq!(damage, ["ok"]);
    let dangling = sqlx::query("PRAGMA foreign_key_check").fetch_all(&mut *database).await.unwrap();
    assert_eq!(dangling.len(), 0);
    sqlx::query("INSERT INTO words (words, rank) VALUES ('integrity-check', 1)")
        .execute(&mut *database)
        .await
        .expect("the index over words is that of the segments");
    let nothing = [
        "SELECT count(*) FROM segment WHERE video_id NOT IN (SELECT id FROM video)",
        "SELECT count(*) FROM segment_vector WHERE segment_id NOT IN (SELECT id FROM segment)",
        "SELECT count(*) FROM thumbnail WHERE video_id NOT IN (SELECT id FROM video)",
        "SELECT count(*) FROM content WHERE task_id NOT IN (SELECT id FROM task WHERE status <> 'skipped')",
        "SELECT count(*) FROM task WHERE status NOT IN ('ready', 'failed', 'skipped')",
        "SELECT count(*) FROM task WHERE (status = 'ready') <> (id IN (SELECT id FROM video))",
        "SELECT count(*) - count(DISTINCT index_id || content_hash) FROM video",
        "SELECT count(*) FROM video_stream WHERE status = 'PROCESSING'",
        "SELECT count(*) - count(DISTINCT video_id || kind || start_us || ':' || end_us || text) FROM segment",
        "SELECT count(*) - count(DISTINCT segment_id || ':' || at_us) FROM segment_vector",
    ];
    for question in nothing {
        let count: i64 = sqlx::query_scalar(question).fetch_one(&mut *database).await.unwrap();
        assert_eq!(count, 0, "{question}");
    }
}

async fn video_ids(database: &mut SqliteConnection) -> BTreeMap<String, Place> {
    let rows = sqlx::query(
        "SELECT v.id, i.name, v.content_hash FROM video v JOIN video_index i ON i.id = v.index_id",
    );
    let rows = rows.fetch_all(database).await.unwrap();
    rows.iter().map(|row| (row.get(0), (row.get(1), row.get(2)))).collect()
}

async fn videos(database: &mut SqliteConnection) -> BTreeMap<Place, Video> {
    let mut videos = BTreeMap::new();
    for (id, place) in video_ids(database).await {
        let shape = sqlx::query_scalar(
            "SELECT format('%dx%d, %.3f s, %.2f fps, %d bytes', width, height, duration_s, fps, size_bytes) \
             FROM video WHERE id = ?",
        );
        let shape = shape.bind(&id).fetch_one(&mut *database).await.unwrap();
        let segments = sqlx::query(
            "SELECT s.kind, s.start_us, s.end_us, s.text, \
             (SELECT group_concat(at_us) FROM (SELECT at_us FROM segment_vector WHERE segment_id = s.id ORDER BY at_us)) \
             FROM segment s WHERE s.video_id = ? ORDER BY s.kind, s.start_us, s.text",
        );
        let segments = segments.bind(&id).fetch_all(&mut *database).await.unwrap();
        let moments = |list: Option<String>| {
            list.iter().flat_map(|list| list.split(',')).map(|moment| moment.parse().unwrap()).collect()
        };
        let segments =
            segments.iter().map(|row| (row.get(0), row.get(1), row.get(2), row.get(3), moments(row.get(4))));
        let segments = segments.collect();
        let thumbnails = sqlx::query_scalar("SELECT at_us FROM thumbnail WHERE video_id = ? ORDER BY at_us");
        let thumbnails = thumbnails.bind(&id).fetch_all(&mut *database).await.unwrap();
        videos.insert(place, Video { shape, segments, thumbnails });
    }
    videos
}
