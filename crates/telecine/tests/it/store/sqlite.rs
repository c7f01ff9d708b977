//! What only the store in a file must do: two processes on one file, crashes, callers that go away, other versions.

use std::path::Path;
use std::time::Duration;

use telecine::store::sqlite::SqliteStore;
use telecine::store::{KeyStore as _, Store, TaskStore as _, VideoFilter, VideoStore as _};
use telecine::time::Timestamp;
use telecine::transfer::{Counts, NewTask};

use super::lab::{FIRST_PAGE, Lab, publication};

fn moment() -> Timestamp {
    "2024-03-01T09:00:00Z".parse().unwrap()
}

async fn open(folder: &Path) -> SqliteStore {
    SqliteStore::open(folder.join("telecine.db")).await.unwrap()
}

#[tokio::test]
async fn two_processes_see_what_the_other_wrote() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (open(folder.path()).await, open(folder.path()).await);
    let workspace = one.default_workspace(moment()).await.unwrap();
    assert_eq!(other.default_workspace(moment()).await.unwrap(), workspace);
    // Writes of both at once wait for each other.
    let write = |store: SqliteStore| async move {
        for _ in 0..20 {
            store
                .begin_transfer(workspace, telecine::ids::TransferId::generate(moment()), moment())
                .await
                .unwrap();
        }
    };
    tokio::join!(write(one.clone()), write(other.clone()));
    assert_eq!(one.discard_unfinished_transfers().await.unwrap(), 40);
    assert_eq!(other.discard_unfinished_transfers().await.unwrap(), 0);
}

#[tokio::test]
async fn a_new_file_can_be_opened_by_many_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let opened = futures::future::join_all((0..8).map(|_| open(folder.path()))).await;
    let asked = futures::future::join_all(opened.iter().map(|store| store.default_workspace(moment()))).await;
    let mut workspaces: Vec<_> = asked.into_iter().map(Result::unwrap).collect();
    workspaces.dedup();
    assert_eq!(workspaces.len(), 1);
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_crash() {
    let lab = Lab::sqlite().await;
    let index = lab.index("films").await;
    let ready = lab.published(index, "a.mp4").await;
    let (transfer, tasks) = lab.transfer(index, &["b.mp4", "c.mp4"]).await;
    let claim = lab.claim_of(tasks[0]).await;
    let half = lab.receiving().await;
    lab.store.add_tasks(half, &[lab.new_task(index, "d.mp4")], lab.now()).await.unwrap();

    // The files as a kill leaves them: the log beside the database is not folded in.
    let after = tempfile::tempdir().unwrap();
    for name in ["telecine.db", "telecine.db-wal"] {
        std::fs::copy(lab.folder.path().join(name), after.path().join(name)).unwrap();
    }
    let store = open(after.path()).await;
    assert_eq!(store.discard_unfinished_transfers().await.unwrap(), 1);
    assert_eq!(store.break_claims(lab.now()).await.unwrap(), 1);
    assert!(store.video(lab.workspace, index, ready.into()).await.unwrap().is_some());
    let told = store.transfer(lab.workspace, transfer).await.unwrap().unwrap();
    assert_eq!(told.counts, Counts { validating: 2, ..Counts::default() });
    assert!(store.claimed_task(&claim).await.unwrap().is_err());
    let again = store.claim_next(lab.now(), Duration::from_secs(60)).await.unwrap().unwrap();
    assert_eq!(again.task, tasks[0]);
}

#[tokio::test]
async fn a_caller_that_goes_away_leaves_nothing_half_done() {
    let lab = Lab::sqlite().await;
    let index = lab.index("films").await;
    let mut outcomes = [0, 0];
    for patience_us in (0..6_000).step_by(150) {
        let id = lab.receiving().await;
        let tasks: Vec<NewTask> = (0..300).map(|number| lab.new_task(index, &number.to_string())).collect();
        let add = lab.store.add_tasks(id, &tasks, lab.now());
        let in_time = tokio::time::timeout(Duration::from_micros(patience_us), add).await.is_ok();
        let accepted = lab.store.accept_transfer(id, lab.now()).await.unwrap();
        let stored = lab.store.tasks_after(id, None, 1_000).await.unwrap().len() as u64;
        assert_eq!(accepted.counts.total(), stored);
        assert!(stored == 300 || (stored == 0 && !in_time), "all or nothing: {stored}");
        outcomes[usize::from(in_time)] += 1;
    }
    assert!(outcomes[0] > 0, "some went away: {outcomes:?}");
}

#[tokio::test]
async fn large_changes_reach_their_end_without_the_caller() {
    let lab = Lab::sqlite().await;
    let index = lab.index("films").await;
    let id = lab.receiving().await;
    let tasks: Vec<NewTask> = (0..12_000).map(|number| lab.new_task(index, &number.to_string())).collect();
    lab.store.add_tasks(id, &tasks, lab.now()).await.unwrap();
    lab.store.accept_transfer(id, lab.now()).await.unwrap();
    let patience = Duration::from_millis(2);
    let cancel = lab.store.cancel_transfer(lab.workspace, id, lab.now());
    tokio::time::timeout(patience, cancel).await.expect_err("it takes longer");
    while lab.transfer_now(id).await.ended_at.is_none() {
        tokio::time::sleep(patience).await;
    }
    assert_eq!(lab.transfer_now(id).await.counts, Counts { failed: 12_000, ..Counts::default() });
    let delete = lab.store.delete_index(lab.workspace, index);
    tokio::time::timeout(patience, delete).await.expect_err("it takes longer");
    while lab.transfer_now(id).await.counts.total() > 0 {
        tokio::time::sleep(patience).await;
    }
}

#[tokio::test]
async fn readers_do_not_wait_for_a_writer() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let workspace = store.default_workspace(moment()).await.unwrap();
    let elsewhere = sqlx::SqlitePool::connect_with(
        sqlx::sqlite::SqliteConnectOptions::new().filename(folder.path().join("telecine.db")),
    )
    .await
    .unwrap();
    let held = elsewhere.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let read = tokio::time::timeout(Duration::from_secs(5), store.keys(workspace)).await;
    assert_eq!(read.expect("no wait").unwrap(), []);
    held.rollback().await.unwrap();
    store.ping().await.unwrap();
}

#[tokio::test]
async fn a_file_of_a_later_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("telecine.db");
    open(folder.path()).await.close().await;
    let pool = sqlx::SqlitePool::connect_with(sqlx::sqlite::SqliteConnectOptions::new().filename(&path));
    let pool = pool.await.unwrap();
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES (9999, 'later', 1, x'00', 0)",
    )
    .execute(&pool)
    .await
    .unwrap();
    pool.close().await;
    let error = SqliteStore::open(&path).await.unwrap_err();
    let text = format!("{error:#}");
    assert!(text.contains("telecine.db"), "{text}");
    assert!(format!("{error:?}").contains("later version"), "{error:?}");
}

#[tokio::test]
async fn what_is_not_a_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("telecine.db"), "this is a text and no database at all".repeat(100))
        .unwrap();
    SqliteStore::open(folder.path().join("telecine.db")).await.unwrap_err();
    SqliteStore::open(folder.path().join("no/such/folder/telecine.db")).await.unwrap_err();
}

#[tokio::test]
async fn a_deletion_that_was_cut_short_is_finished_at_the_next_start() {
    let lab = Lab::sqlite().await;
    let index = lab.index("films").await;
    for key in ["a.mp4", "b.mp4"] {
        lab.published(index, key).await;
    }
    lab.transfer(index, &["c.mp4"]).await;
    // The first thing that a deletion does, and then the crash.
    let pool = lab.raw().await;
    sqlx::query("UPDATE video_index SET deleted_at = 1").execute(&pool).await.unwrap();
    let videos = lab.store.videos(lab.workspace, index, &VideoFilter::default(), FIRST_PAGE).await.unwrap();
    assert_eq!(videos.total, 0, "it is hidden at once");
    assert_eq!(lab.store.discard_unfinished_transfers().await.unwrap(), 0);
    for table in
        ["task", "video", "segment", "segment_vector", "content", "space", "thumbnail", "video_index"]
    {
        let count = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
        let left: i64 = sqlx::query_scalar(count).fetch_one(&pool).await.unwrap();
        assert_eq!(left, 0, "{table}");
    }
}

#[tokio::test]
async fn a_cancellation_that_was_cut_short_is_finished_at_the_next_start() {
    let lab = Lab::sqlite().await;
    let index = lab.index("films").await;
    let (id, _) = lab.transfer(index, &["a.mp4", "b.mp4"]).await;
    let pool = lab.raw().await;
    sqlx::query("UPDATE transfer SET state = 'cancelled'").execute(&pool).await.unwrap();
    sqlx::query("UPDATE lane SET is_open = 0").execute(&pool).await.unwrap();
    assert_eq!(lab.claim().await, None);
    lab.store.discard_unfinished_transfers().await.unwrap();
    let transfer = lab.transfer_now(id).await;
    assert_eq!(transfer.counts, Counts { failed: 2, ..Counts::default() });
    assert!(transfer.ended_at.is_some());
}

#[tokio::test]
async fn the_database_is_sound_after_much_coming_and_going() {
    let lab = Lab::sqlite().await;
    let index = lab.index("films").await;
    for round in 0..10 {
        let task = lab.task(index, &format!("{round}.mp4")).await;
        let claim = lab.claim_of(task).await;
        lab.publish(&claim, &publication(task, &format!("{round}.mp4"))).await;
        if round % 2 == 0 {
            lab.store.delete_video(lab.workspace, index, task.into()).await.unwrap();
        }
    }
    let pool = lab.raw().await;
    let sound: String = sqlx::query_scalar("PRAGMA integrity_check").fetch_one(&pool).await.unwrap();
    assert_eq!(sound, "ok");
    let astray: Vec<sqlx::sqlite::SqliteRow> =
        sqlx::query("PRAGMA foreign_key_check").fetch_all(&pool).await.unwrap();
    assert!(astray.is_empty());
    // The index over words holds exactly the words that there are.
    sqlx::query("INSERT INTO words (words, rank) VALUES ('integrity-check', 1)")
        .execute(&pool)
        .await
        .unwrap();
}
