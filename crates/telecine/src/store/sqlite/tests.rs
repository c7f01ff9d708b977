//! That SQLite serves what is asked often by its indexes.

use sqlx::AssertSqlSafe;

use super::SqliteStore;
use super::sql::claims::{LANE_HAD_ITS_TURN, LANES_IN_TURN, NEXT_DUE, TASK_DUE};
use super::sql::filters::Sql;
use super::sql::system::{IN_HAND, OPEN, SINGLE, WAITS_SINCE};
use super::sql::tasks::conditions;
use crate::ids::{TransferId, WorkspaceId};
use crate::store::TaskFilter;
use crate::time::Timestamp;
use crate::transfer::Status;

/// With a million tasks waiting, a claim must neither walk them nor sort them.
#[tokio::test]
async fn claims_are_served_by_indexes() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("telecine.db")).await.unwrap();
    for statement in [LANES_IN_TURN, LANE_HAD_ITS_TURN, TASK_DUE, NEXT_DUE] {
        let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"));
        let steps: Vec<(i64, i64, i64, String)> =
            sqlx::query_as(explain).fetch_all(&store.readers).await.unwrap();
        let plan: Vec<&str> = steps.iter().map(|(.., step)| step.as_str()).collect();
        let is_walk = |step: &&&str| {
            step.contains("TEMP B-TREE") || (step.contains("SCAN") && !step.contains("INDEX lane_turn"))
        };
        assert_eq!(plan.iter().find(is_walk), None, "{statement}: {plan:?}");
        assert!(
            plan.iter().any(|step| step.contains("INDEX task_due") || statement == LANE_HAD_ITS_TURN)
        );
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
            let kind = if what == "t.id" { "INDEX" } else { "COVERING INDEX" };
            let served = format!("SEARCH t USING {kind} {index}");
            assert!(plan.iter().any(|step| step.starts_with(&served)), "{served}: {plan:?}");
            assert!(!plan.iter().any(|step| step.contains("TEMP B-TREE")), "{plan:?}");
        }
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
