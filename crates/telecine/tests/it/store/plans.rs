//! That PostgreSQL serves what is asked often by its indexes: with 100,000 tasks, segments and vectors, whatever workers and
//! lists ask reads no table from its start to its end. What the server itself counted is looked at, and not a plan.

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _};
use telecine::ids::{IndexId, TransferId};
use telecine::store::postgres::PostgresStore;
use telecine::store::{
    Paging, SearchStore as _, SortBy, SystemStore as _, TaskFilter, TaskStore as _, Within, WordQuery,
};
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
    // A few that failed among very many.
    let fail = "UPDATE task SET status = 'failed', due_at = NULL, fault_code = 'x', \
                fault = '{\"code\":\"video_file_broken\",\"message\":\"It is broken.\"}' WHERE seq % 1000 = 7 AND due_at IS NOT NULL";
    sqlx::query(fail).execute(&mut *connection).await.unwrap();
    let measure = "UPDATE task SET duration_s = seq / 4.0, width = CASE WHEN seq % 1000 = 7 THEN 7680 ELSE 1920 END, height = 1080";
    sqlx::query(measure).execute(&mut *connection).await.unwrap();
    let admit = "UPDATE task SET status = 'pending' WHERE seq % 2 = 0 AND due_at IS NOT NULL";
    sqlx::query(admit).execute(&mut *connection).await.unwrap();
    // Many indexes of few tasks: the planner thinks that this one has few, too.
    for number in 0..30 {
        lab.task(lab.index(&format!("small {number}")).await, "single.mp4").await;
    }
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

/// Scans of whole tables since the statistics were emptied, of the large ones. What a connection counted is seen when it has
/// ended.
async fn whole_scans(connection: &mut PgConnection) -> Vec<(String, i64)> {
    let others = "SELECT count(*) FROM pg_stat_activity \
                  WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'";
    while sqlx::query_scalar::<_, i64>(others).fetch_one(&mut *connection).await.unwrap() > 0 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let read = "SELECT coalesce(sum(idx_scan), 0)::bigint FROM pg_stat_user_tables";
    assert!(
        sqlx::query_scalar::<_, i64>(read).fetch_one(&mut *connection).await.unwrap() > 0,
        "the counters are seen"
    );
    sqlx::query_as(
        "SELECT relname::text, seq_scan FROM pg_stat_user_tables \
         WHERE relname IN ('task', 'segment', 'segment_vector') AND seq_scan > 0",
    )
    .fetch_all(connection)
    .await
    .unwrap()
}

/// Entries of an index that were read since the statistics were emptied.
async fn read_of(index: &str, connection: &mut PgConnection) -> i64 {
    whole_scans(connection).await;
    let read = "SELECT idx_tup_read FROM pg_stat_user_indexes WHERE indexrelname = $1";
    sqlx::query_scalar(read).bind(index).fetch_one(connection).await.unwrap()
}

/// What is asked of the store in one go.
async fn ask(what: &str, store: &PostgresStore, lab: &Lab, index: IndexId, transfer: TransferId) {
    let (now, kind) = (lab.now(), SegmentKind::Speech);
    let of_transfer = TaskFilter { transfer: Some(transfer), ..TaskFilter::default() };
    let list =
        async |filter: TaskFilter| drop(store.tasks(lab.workspace, &filter, FIRST_PAGE).await.unwrap());
    let find = async |words: &[&str]| {
        let phrases = vec![words.iter().map(|word| (*word).to_owned()).collect()];
        store.match_words(index, kind, &WordQuery { phrases, all: true }, 300).await.unwrap();
    };
    match what {
        "a page of waiting tasks" => {
            list(TaskFilter { statuses: vec![Status::Validating], ..of_transfer }).await
        }
        "a page of failed tasks" => {
            list(TaskFilter { statuses: vec![Status::Failed], code: Some("x".into()), ..of_transfer }).await;
        }
        "few among many" => {
            let failed = TaskFilter { statuses: vec![Status::Failed], ..TaskFilter::default() };
            let listed = store.tasks(lab.workspace, &failed, FIRST_PAGE).await.unwrap();
            assert_eq!((listed.total, listed.rows.len()), (100, 50));
        }
        "a page in the middle" => {
            for sort_by in [SortBy::CreatedAt, SortBy::UpdatedAt] {
                let middle = Paging { page: 1_000, sort_by, ..FIRST_PAGE };
                let index = TaskFilter { index: Some(index), ..TaskFilter::default() };
                for filter in [TaskFilter::default(), index, of_transfer.clone()] {
                    let listed = store.tasks(lab.workspace, &filter, middle).await.unwrap();
                    assert!(listed.total >= ROWS as u64 && listed.rows.len() == 50);
                }
            }
        }
        "a kind in the middle" => {
            let middle = Paging { page: 500, sort_by: SortBy::UpdatedAt, ..FIRST_PAGE };
            let pending = vec![Status::Pending];
            let filter = TaskFilter { index: Some(index), statuses: pending, ..TaskFilter::default() };
            let listed = store.tasks(lab.workspace, &filter, middle).await.unwrap();
            assert!(listed.total >= ROWS as u64 / 2 && listed.rows.len() == 50);
        }
        "a name" => {
            let named = TaskFilter { filename: Some("77.mp4".to_owned()), ..TaskFilter::default() };
            assert_eq!(store.tasks(lab.workspace, &named, FIRST_PAGE).await.unwrap().total, 20);
        }
        "a part of a name" => {
            let part = |name: &str| TaskFilter { name: Some(name.to_owned()), ..TaskFilter::default() };
            let few = store.tasks(lab.workspace, &part("19/77"), FIRST_PAGE).await.unwrap();
            assert_eq!((few.total, few.is_at_least), (11, false));
            let many = store.tasks(lab.workspace, &part(".mp4"), FIRST_PAGE).await.unwrap();
            assert_eq!((many.total, many.is_at_least, many.rows.len()), (1_000, true, 50));
        }
        "measures" => {
            let exactly = |measure| Within { min: Some(measure), max: Some(measure) };
            let wide = TaskFilter { width: exactly(7_680.0), ..TaskFilter::default() };
            let long = TaskFilter { duration_s: exactly(77.25), ..TaskFilter::default() };
            let changed = Within { min: Some(now.after(LEASE)), max: None };
            let changed = TaskFilter { updated_at: changed, ..TaskFilter::default() };
            for (filter, total) in [(wide, 100), (long, 1), (changed, 0)] {
                let listed = store.tasks(lab.workspace, &filter, FIRST_PAGE).await.unwrap();
                assert_eq!((listed.total, listed.is_at_least), (total, false), "{filter:?}");
            }
            let usual = TaskFilter { width: exactly(1_920.0), ..TaskFilter::default() };
            let listed = store.tasks(lab.workspace, &usual, FIRST_PAGE).await.unwrap();
            assert_eq!((listed.total, listed.is_at_least, listed.rows.len()), (1_000, true, 50));
        }
        "a claim" => {
            let claim = store.claim_next(now, LEASE).await.unwrap().expect("a task is due");
            assert!(store.claimed_task(&claim).await.unwrap().is_ok());
            assert!(store.extend_claim(&claim, now.after(LEASE)).await.unwrap().is_ok());
        }
        "the queue" => drop(store.queue_state(now).await.unwrap()),
        "a word" => find(&["word77"]).await,
        "a phrase" => find(&["word", "one"]).await,
        "the extent of vectors" => drop(store.vector_extent(index, kind).await.unwrap()),
        other => panic!("{other} is not asked"),
    }
}

const ASKED: [&str; 13] = [
    "a page of waiting tasks",
    "a page of failed tasks",
    "few among many",
    "a page in the middle",
    "a kind in the middle",
    "a name",
    "a part of a name",
    "measures",
    "a claim",
    "the queue",
    "a word",
    "a phrase",
    "the extent of vectors",
];

#[tokio::test]
async fn a_hundred_thousand_rows_are_read_by_indexes_on_postgresql() {
    let database = PostgresDatabase::create().await;
    let mut raw = PgConnection::connect(database.url()).await.unwrap();
    let open = async || PostgresStore::open(database.url()).await.unwrap();
    let (first, folder) = (open().await, tempfile::tempdir().unwrap());
    let lab = Lab::with(std::sync::Arc::new(first.clone()), folder, None).await;
    let (index, transfer) = seed(&lab, &mut raw).await;
    first.close().await;
    sqlx::raw_sql("VACUUM ANALYZE").execute(&mut raw).await.unwrap();
    let mut scanned = Vec::new();
    for what in ASKED {
        sqlx::raw_sql("SELECT pg_stat_reset()").execute(&mut raw).await.unwrap();
        let store = open().await;
        ask(what, &store, &lab, index, transfer).await;
        store.close().await;
        if what == "a kind in the middle" {
            let read = read_of("task_of_kind", &mut raw).await;
            assert_eq!(read, 0, "it is walked to, and not gathered and sorted");
        }
        scanned.extend(whole_scans(&mut raw).await.into_iter().map(|scan| (what, scan)));
    }
    assert_eq!(scanned, []);
}
