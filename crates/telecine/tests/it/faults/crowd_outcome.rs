//! What a transfer came to on PostgreSQL, in a form that does not depend on ids, times, or which of two equal videos came first;
//! and what must hold of any database, whatever happened to those who worked on it.

use std::collections::BTreeMap;

use serde_json::Value;
use sqlx::{Connection as _, PgConnection};

use super::bucket::{Bucket, Indexes};

/// The name of an index, and the content.
type Place = (String, String);

/// Everything that a user could tell apart.
#[derive(Debug, PartialEq)]
pub(super) struct CrowdOutcome {
    /// How the tasks on each content ended, in order: status and code.
    tasks: BTreeMap<Place, Vec<(String, Option<String>)>>,
    /// What is kept of each video, a line for each thing.
    videos: BTreeMap<Place, Vec<String>>,
}

impl CrowdOutcome {
    /// From the report of the transfer and the database at this address.
    pub(super) async fn of(report: &[Value], bucket: &Bucket, indexes: &Indexes, url: &str) -> Self {
        let mut database = PgConnection::connect(url).await.unwrap();
        assert_sound(&mut database).await;
        let rows: Vec<(String, String, String)> = sqlx::query_as(
            "SELECT v.id, i.name, v.content_hash FROM video v JOIN video_index i ON i.id = v.index_id",
        )
        .fetch_all(&mut database)
        .await
        .unwrap();
        let ids: BTreeMap<String, Place> =
            rows.into_iter().map(|(id, index, content)| (id, (index, content))).collect();
        let mut tasks: BTreeMap<Place, Vec<_>> = BTreeMap::new();
        for task in report {
            let index = if task["index_id"] == *indexes.seen { "seen" } else { "heard" };
            let place = (index.to_owned(), bucket.content(task["object"].as_str().unwrap()));
            if let Some(video) = task["duplicate_of"].as_str() {
                assert_eq!(ids[video], place, "a copy equals its video");
            }
            let code = task["error"]["code"].as_str().map(str::to_owned);
            tasks.entry(place).or_default().push((task["status"].as_str().unwrap().to_owned(), code));
        }
        tasks.values_mut().for_each(|ends| ends.sort());
        let mut videos = BTreeMap::new();
        for (id, place) in ids {
            videos.insert(place, lines(&mut database, &id).await);
        }
        Self { tasks, videos }
    }
}

/// Nothing is orphaned, or there twice.
async fn assert_sound(database: &mut PgConnection) {
    let nothing = [
        "SELECT count(*) FROM segment WHERE video_id NOT IN (SELECT id FROM video)",
        "SELECT count(*) FROM segment_vector WHERE segment_id NOT IN (SELECT id FROM segment)",
        "SELECT count(*) FROM thumbnail WHERE video_id NOT IN (SELECT id FROM video)",
        "SELECT count(*) FROM content WHERE task_id NOT IN (SELECT id FROM task WHERE status <> 'skipped')",
        "SELECT count(*) FROM task WHERE status NOT IN ('ready', 'failed', 'skipped')",
        "SELECT count(*) FROM task WHERE (status = 'ready') <> (id IN (SELECT id FROM video))",
        "SELECT count(*) - count(DISTINCT index_id || content_hash) FROM video",
        "SELECT count(*) - count(DISTINCT video_id || kind || start_us || ':' || end_us || text) FROM segment",
        "SELECT count(*) - count(DISTINCT segment_id || ':' || at_us) FROM segment_vector",
    ];
    for question in nothing {
        let count: i64 = sqlx::query_scalar(question).fetch_one(&mut *database).await.unwrap();
        assert_eq!(count, 0, "{question}");
    }
}

async fn lines(database: &mut PgConnection, video: &str) -> Vec<String> {
    let questions = [
        "SELECT format('%sx%s, %s s, %s bytes', width, height, round(duration_s::numeric, 3), size_bytes) \
         FROM video WHERE id = $1",
        "SELECT format('%s %s-%s %s: %s', s.kind, s.start_us, s.end_us, s.text, (SELECT string_agg(v.at_us::text, ',' \
         ORDER BY v.at_us) FROM segment_vector v WHERE v.segment_id = s.id)) FROM segment s WHERE s.video_id = $1 \
         ORDER BY s.kind, s.start_us, s.text",
        "SELECT format('picture %s', at_us) FROM thumbnail WHERE video_id = $1 ORDER BY at_us",
    ];
    let mut all = Vec::new();
    for question in questions {
        let told: Vec<String> =
            sqlx::query_scalar(question).bind(video).fetch_all(&mut *database).await.unwrap();
        all.extend(told);
    }
    all
}
