//! That SQLite serves what is asked often by its indexes.

use sqlx::AssertSqlSafe;

use super::SqliteStore;
use super::sql::claims::{NEXT_DUE, TASK_DUE};
use super::sql::filters::Sql;
use super::sql::offers::{LANES_TO_OFFER, STANDING, TASKS_TO_OFFER};
use super::sql::system::{IN_HAND, OPEN, SINGLE, WAITS_SINCE};
use super::sql::tasks::conditions;
use super::sql::transfers::IN_HAND_OF;
use super::sql::turns::{LANES_IN_TURN, TRANSFER_HAD_ITS_TURN, TRANSFER_IN_TURN, WORKSPACE_HAD_ITS_TURN};
use crate::ids::{TransferId, WorkspaceId};
use crate::store::{TaskFilter, Within};
use crate::time::Timestamp;
use crate::transfer::Status;

/// With a million tasks waiting, neither a claim nor an offer may walk them or sort them.
#[tokio::test]
async fn claims_and_offers_are_served_by_indexes() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("telecine.db")).await.unwrap();
    let finding =
        [LANES_IN_TURN, TRANSFER_IN_TURN, TASK_DUE, NEXT_DUE, LANES_TO_OFFER, TASKS_TO_OFFER, STANDING];
    for statement in finding.into_iter().chain([TRANSFER_HAD_ITS_TURN, WORKSPACE_HAD_ITS_TURN]) {
        let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"));
        let steps: Vec<(i64, i64, i64, String)> =
            sqlx::query_as(explain).fetch_all(&store.readers).await.unwrap();
        let plan: Vec<&str> = steps.iter().map(|(.., step)| step.as_str()).collect();
        let is_by_turn =
            |step: &str| step.contains("INDEX workspace_turn") || step.contains("INDEX lane_turn");
        let is_walk =
            |step: &&&str| step.contains("TEMP B-TREE") || (step.contains("SCAN") && !is_by_turn(step));
        assert_eq!(plan.iter().find(is_walk), None, "{statement}: {plan:?}");
        let is_served =
            plan.iter().any(|step| step.contains("INDEX task_due") || step.contains("INDEX task_offered"));
        assert!(!finding.contains(&statement) || is_served, "{statement}: {plan:?}");
    }
}

/// With very many tasks, a list is read in its order, and counted without reading a row.
#[tokio::test]
async fn lists_are_served_by_indexes() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("telecine.db")).await.unwrap();
    let now = Timestamp::from_millis(1);
    let (workspace, id) = (WorkspaceId::generate(now), TransferId::generate(now));
    let of_transfer = TaskFilter { transfer: Some(id), ..TaskFilter::default() };
    let failed =
        TaskFilter { code: Some("x".into()), statuses: vec![Status::Failed], ..TaskFilter::default() };
    let all = TaskFilter::default();
    for (filter, order, index) in [
        (TaskFilter { statuses: vec![Status::Ready], ..of_transfer.clone() }, "seq", "task_of_transfer"),
        (of_transfer, "seq", "task_of_transfer"),
        (failed, "created_at", "task_of_workspace"),
        (all, "created_at", "task_of_workspace"),
    ] {
        for what in ["t.id", "count(*)"] {
            let mut sql = Sql::new(format!("EXPLAIN QUERY PLAN SELECT {what} FROM task t"));
            conditions(&mut sql, workspace, &filter);
            if what == "t.id" {
                sql.push(format_args!(" ORDER BY t.{order} DESC, t.rowid DESC LIMIT 10"));
            }
            let steps: Vec<(i64, i64, i64, String)> =
                sql.build_query_as().fetch_all(&store.readers).await.unwrap();
            let plan: Vec<&str> = steps.iter().map(|(.., step)| step.as_str()).collect();
            // Which index counts does not matter: it has all that is asked for.
            let served = match what {
                "t.id" => format!("SEARCH t USING INDEX {index}"),
                _ => "SEARCH t USING COVERING INDEX ".to_owned(),
            };
            assert!(plan.iter().any(|step| step.starts_with(&served)), "{served}: {plan:?}");
            assert!(!plan.iter().any(|step| step.contains("TEMP B-TREE")), "{plan:?}");
        }
    }
}

/// Names and measures are looked up, where SQLite would read all tasks of the workspace.
#[tokio::test]
async fn sought_tasks_are_served_by_indexes() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("telecine.db")).await.unwrap();
    for (column, index) in [
        ("filename", "task_named"),
        ("duration_s", "task_of_length"),
        ("width", "task_of_width"),
        ("height", "task_of_height"),
        ("updated_at", "task_changed_of_workspace"),
    ] {
        for range in ["t.{} >= 1", "t.{} <= 1", "t.{} >= 1 AND t.{} <= 2"] {
            let range = range.replace("{}", column);
            let explain = format!(
                "EXPLAIN QUERY PLAN SELECT t.seq FROM task t WHERE t.workspace_id = 'w' AND {range} LIMIT 9"
            );
            let steps: Vec<(i64, i64, i64, String)> =
                sqlx::query_as(AssertSqlSafe(explain)).fetch_all(&store.readers).await.unwrap();
            let served = format!("SEARCH t USING COVERING INDEX {index} (workspace_id=? AND {column}");
            assert!(steps.iter().any(|(.., step)| step.starts_with(&served)), "{served}: {steps:?}");
        }
    }
    // Where they are many, the list is read in its order.
    let workspace = WorkspaceId::generate(Timestamp::from_millis(1));
    let (from, now) = (Within { min: Some(1.0), max: None }, Timestamp::from_millis(1));
    for filter in [
        TaskFilter { filename: Some("film.mp4".into()), ..TaskFilter::default() },
        TaskFilter { duration_s: from, ..TaskFilter::default() },
        TaskFilter { width: from, ..TaskFilter::default() },
        TaskFilter { height: from, ..TaskFilter::default() },
        TaskFilter { updated_at: Within { min: Some(now), max: None }, ..TaskFilter::default() },
    ] {
        let mut sql = Sql::new("EXPLAIN QUERY PLAN SELECT t.id FROM task t".to_owned());
        conditions(&mut sql, workspace, &filter);
        sql.push(" ORDER BY t.created_at DESC, t.seq DESC LIMIT 10");
        let steps: Vec<(i64, i64, i64, String)> =
            sql.build_query_as().fetch_all(&store.readers).await.unwrap();
        let is_in_order =
            |(.., step): &(i64, i64, i64, String)| step.starts_with("SEARCH t USING INDEX task_of_workspace");
        assert!(steps.iter().any(is_in_order), "{filter:?}: {steps:?}");
        assert!(!steps.iter().any(|(.., step)| step.contains("TEMP B-TREE")), "{filter:?}: {steps:?}");
    }
}

/// With a million tasks waiting, or as many transfers that are over, nothing of it is walked.
#[tokio::test]
async fn what_is_left_is_counted_by_indexes() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("telecine.db")).await.unwrap();
    for (statement, index) in [
        (OPEN, "INDEX transfer_open"),
        (SINGLE, "INDEX task_due"),
        (IN_HAND, "INDEX task_claimed"),
        (WAITS_SINCE, "INDEX task_due"),
        (IN_HAND_OF, "INDEX task_claimed"),
    ] {
        let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"));
        let steps: Vec<(i64, i64, i64, String)> =
            sqlx::query_as(explain).fetch_all(&store.readers).await.unwrap();
        let plan: Vec<&str> = steps.iter().map(|(.., step)| step.as_str()).collect();
        assert!(plan.iter().any(|step| step.contains(index)), "{statement}: {plan:?}");
        let walks = |step: &str| step.contains("SCAN task") || step.contains("SCAN t ");
        assert!(index == "INDEX task_claimed" || !plan.iter().any(|step| walks(step)), "{plan:?}");
    }
}
