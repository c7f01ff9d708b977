//! A SQLite database moved into PostgreSQL: everything is there, a move that was cut short goes on, and what is not the same
//! is found.

use std::path::PathBuf;

use sqlx::{Connection as _, PgConnection};
use telecine::store::postgres::{Move, PostgresStore};
use telecine::store::{
    SearchStore as _, TaskFilter, TaskStore as _, VideoFilter, VideoStore as _, WordQuery,
};
use telecine::video::SegmentKind;

use super::integrations::connected;
use super::inventory::list;
use super::lab::{FIRST_PAGE, Lab, failed};
use crate::support::postgres::PostgresDatabase;

/// A database with something of most kinds in it.
async fn lived_in() -> Lab {
    let lab = Lab::sqlite().await;
    let index = lab.index("films \u{1f3ac} with 'quotes', \\ and\ttabs").await;
    lab.published(index, "a.mp4").await;
    lab.published(index, "one \u{1}.mp4").await;
    let (_, tasks) = lab.transfer(index, &["b.mp4", "c.mp4", "d\n.mp4"]).await;
    let claim = lab.claim_of(tasks[0]).await;
    lab.happens(&claim, failed(telecine::fault::Code::SourceUnavailable)).await;
    let integration = connected(&lab, "films").await;
    list(&lab, integration, &[("a.mp4", "1"), ("nul\0.mp4", "2")]).await;
    lab
}

fn file(lab: &Lab) -> PathBuf {
    lab.folder.path().join("telecine.db")
}

#[tokio::test]
async fn everything_is_there_after_a_move() {
    let (old, database) = (lived_in().await, PostgresDatabase::create_empty().await);
    let moving = Move::begin(&file(&old), database.url()).await.unwrap();
    let too_early = PostgresStore::open(database.url()).await.unwrap_err();
    assert!(format!("{too_early:#}").contains("has not ended"), "{too_early:#}");
    let mut told = Vec::new();
    moving.run(|moved| told.push((moved.table.to_owned(), moved.rows))).await.unwrap();
    assert!(told.contains(&("task".to_owned(), 5)), "{told:?}");
    assert!(moving.verify(|_| ()).await.unwrap() > 30);

    let new = PostgresStore::open(database.url()).await.unwrap();
    let filter = TaskFilter::default();
    let tasks = new.tasks(old.workspace, &filter, FIRST_PAGE).await.unwrap();
    assert_eq!(tasks, old.store.tasks(old.workspace, &filter, FIRST_PAGE).await.unwrap());
    let index = tasks.rows[0].index;
    let videos = new.videos(old.workspace, index, &VideoFilter::default(), FIRST_PAGE).await.unwrap();
    assert_eq!(videos.total, 2);
    assert_eq!(
        videos,
        old.store.videos(old.workspace, index, &VideoFilter::default(), FIRST_PAGE).await.unwrap()
    );
    for kind in [SegmentKind::Shot, SegmentKind::Speech] {
        let vectors = new.vectors_after(index, kind, 0, 100).await.unwrap();
        assert_eq!(vectors, old.store.vectors_after(index, kind, 0, 100).await.unwrap());
    }
    let query = WordQuery { phrases: vec![vec!["red".to_owned(), "car".to_owned()]], all: true };
    assert_eq!(new.match_words(index, SegmentKind::Speech, &query, 10).await.unwrap().len(), 2);
    // What is made from now on gets numbers of its own.
    let claim = new.claim_next(old.now(), super::lab::LEASE).await.unwrap().expect("a task is due");
    assert!(tasks.rows.iter().any(|task| task.id == claim.task));
    let more = old.new_task(index, "more.mp4");
    new.insert_task(old.workspace, &more, old.now()).await.unwrap();
    assert_eq!(new.tasks(old.workspace, &filter, FIRST_PAGE).await.unwrap().total, 6);
}

#[tokio::test]
async fn a_move_that_was_cut_short_goes_on() {
    let (old, database) = (lived_in().await, PostgresDatabase::create_empty().await);
    let first = Move::begin(&file(&old), database.url()).await.unwrap();
    first.run(|_| ()).await.unwrap();
    drop(first);
    // As if it had ended in the middle of a table.
    let mut raw = PgConnection::connect(database.url()).await.unwrap();
    for statement in [
        "DELETE FROM task WHERE seq > 3",
        "DELETE FROM move_progress WHERE name IN ('video_stream', 'webhook')",
    ] {
        sqlx::query(statement).execute(&mut raw).await.unwrap();
    }
    sqlx::query("UPDATE move_progress SET after = '[{\"Whole\":3}]', number = 3 WHERE name = 'task'")
        .execute(&mut raw)
        .await
        .unwrap();
    let second = Move::begin(&file(&old), database.url()).await.unwrap();
    second.run(|_| ()).await.unwrap();
    assert!(second.verify(|_| ()).await.unwrap() > 30);
    PostgresStore::open(database.url()).await.unwrap();
}

#[tokio::test]
async fn what_is_not_the_same_is_found() {
    let (old, database) = (lived_in().await, PostgresDatabase::create_empty().await);
    let moving = Move::begin(&file(&old), database.url()).await.unwrap();
    moving.run(|_| ()).await.unwrap();
    let mut raw = PgConnection::connect(database.url()).await.unwrap();
    sqlx::query("UPDATE segment SET text = text || '!' WHERE id = 2").execute(&mut raw).await.unwrap();
    let error = format!("{:#}", moving.verify(|_| ()).await.unwrap_err());
    assert!(error.contains("`segment`") && error.contains("Whole(2)"), "{error}");
}

#[tokio::test]
async fn a_database_with_something_in_it_is_refused() {
    let (old, other) = (lived_in().await, Lab::postgres().await);
    let url = other.database_url().expect("it is on PostgreSQL");
    let error = format!("{:#}", Move::begin(&file(&old), url).await.unwrap_err());
    assert!(error.contains("something in the new database") && error.contains("`workspace`"), "{error}");
}

#[tokio::test]
async fn a_database_without_fsync_is_told() {
    let lab = Lab::postgres().await;
    let found = lab.store.examine().await.unwrap();
    let of = |what: &str| found.iter().find(|finding| finding.what == what).expect(what);
    assert!(of("fsync").remedy.as_ref().is_some_and(|remedy| remedy.contains("fsync = on")), "{found:#?}");
    assert!(of("full_page_writes").remedy.is_some() && of("synchronous_commit").remedy.is_some());
    for well in ["engine", "shape", "pgvector", "encoding", "role", "connections", "clock"] {
        assert_eq!(of(well).remedy, None, "{well}: {}", of(well).found);
    }
    assert!(found.iter().all(|finding| !finding.is_fatal));
}
