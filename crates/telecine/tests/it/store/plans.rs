//! That PostgreSQL serves what is asked often by its indexes: with 100,000 tasks, segments and vectors, whatever workers and
//! lists ask reads no table from its start to its end. What the server itself counted is looked at, and not a plan.

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _};
use telecine::ids::{IndexId, TransferId};
use telecine::store::postgres::PostgresStore;
use telecine::store::{SearchStore as _, SystemStore as _, TaskFilter, TaskStore as _, WordQuery};
use telecine::transfer::Status;
use telecine::video::SegmentKind;

use super::lab::{FIRST_PAGE, LEASE, Lab};
use crate::support::postgres::PostgresDatabase;

const ROWS: usize = 100_000;
const PART: usize = 5_000;

async fn seed(lab: &Lab, connection: &mut PgConnection) -> (IndexId, TransferId) {
    let films = lab.index("films").await;
    lab.published(films, "film.mp4").await;
    let transfer = lab.receiving().await;
    for part in 0..ROWS / PART {
        let tasks: Vec<_> =
            (0..PART).map(|task| lab.new_task(films, &format!("{part}/{task}.mp4"))).collect();
        lab.store.add_tasks(transfer, &tasks, lab.now()).await.unwrap();
    }
    lab.store.accept_transfer(transfer, lab.now()).await.unwrap();
    lab.task(films, "single.mp4").await;
    // Other spaces than that of the index have most of the segments, as with many customers.
    let more = [
        format!(
            "INSERT INTO segment (video_id, space, kind, start_us, end_us, text, score, words) \
             SELECT v.id, 1000 + n % 50, 'speech', n, n + 1, 'word' || n || ' common', 1.0, \
             ('''space ' || (1000 + n % 50) || ''' ''word' || n || ''':1 ''common'':2')::tsvector \
             FROM video v, generate_series(1, {ROWS}) n"
        ),
        "INSERT INTO segment_vector (space, segment_id, at_us, value) \
         SELECT space, id, start_us, '[1,0,0,0]'::halfvec FROM segment WHERE space >= 1000"
            .to_owned(),
    ];
    for statement in more {
        sqlx::query(AssertSqlSafe(statement)).execute(&mut *connection).await.unwrap();
    }
    (films, transfer)
}

/// Scans of whole tables since the statistics were emptied, of the large ones.
async fn whole_scans(connection: &mut PgConnection) -> Vec<(String, i64)> {
    sqlx::query_as(
        "SELECT relname::text, seq_scan FROM pg_stat_user_tables \
         WHERE relname IN ('task', 'segment', 'segment_vector') AND seq_scan > 0",
    )
    .fetch_all(connection)
    .await
    .unwrap()
}

#[tokio::test]
async fn a_hundred_thousand_rows_are_read_by_indexes_on_postgresql() {
    let database = PostgresDatabase::create().await;
    let mut raw = PgConnection::connect(database.url()).await.unwrap();
    let open = async || PostgresStore::open(database.url()).await.unwrap();
    let (first, folder) = (open().await, tempfile::tempdir().unwrap());
    let lab = Lab::with(std::sync::Arc::new(first.clone()), folder, None).await;
    let (index, transfer) = seed(&lab, &mut raw).await;
    // A connection tells what it counted when it ends.
    first.close().await;
    for statement in ["VACUUM ANALYZE", "SELECT pg_stat_reset()"] {
        sqlx::raw_sql(statement).execute(&mut raw).await.unwrap();
    }
    let store = open().await;
    let workspace = lab.workspace;
    let of_transfer = TaskFilter { transfer: Some(transfer), ..TaskFilter::default() };
    for filter in [
        TaskFilter::default(),
        of_transfer.clone(),
        TaskFilter { statuses: vec![Status::Ready], ..of_transfer.clone() },
        TaskFilter { statuses: vec![Status::Failed], code: Some("x".into()), ..of_transfer },
    ] {
        store.tasks(workspace, &filter, FIRST_PAGE).await.unwrap();
    }
    let now = lab.now();
    let claim = store.claim_next(now, LEASE).await.unwrap().expect("a task is due");
    assert!(store.claimed_task(&claim).await.unwrap().is_ok());
    assert!(store.extend_claim(&claim, now.after(LEASE)).await.unwrap().is_ok());
    store.queue_state(now).await.unwrap();
    let kind = SegmentKind::Speech;
    for phrases in [vec![vec!["word77".to_owned()]], vec![vec!["word".to_owned(), "one".to_owned()]]] {
        store.match_words(index, kind, &WordQuery { phrases, all: true }, 300).await.unwrap();
    }
    store.vector_extent(index, kind).await.unwrap();
    store.close().await;
    let mut scans = whole_scans(&mut raw).await;
    // What an ended connection counted takes a moment to be seen; what is not seen after this long is not there.
    for _ in 0..10 {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        scans = whole_scans(&mut raw).await;
    }
    let told: i64 = sqlx::query_scalar("SELECT idx_scan FROM pg_stat_user_tables WHERE relname = 'task'")
        .fetch_one(&mut raw)
        .await
        .unwrap();
    assert!(told > 0, "the counters are seen");
    assert_eq!(scans, []);
}
