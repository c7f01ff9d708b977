//! The database of each released shape, as SQL: today's code opens it and reads everything that is in it.
//!
//! `golden/v3.snap` is what this version writes, `v1` and `v2` what earlier ones wrote. When the shape changes by a migration
//! after a release, they stay as they are, the writer goes on to `v4`, and the reader reads all. Until a version is released,
//! its snapshots may be renewed (`INSTA_UPDATE=always cargo nextest run -p telecine -E 'test(golden)'`, twice: the second
//! reads what the first wrote).

use std::fmt::{Debug, Write as _};
use std::str::FromStr;
use std::sync::Arc;

use serde_json::json;
use sqlx::{AssertSqlSafe, SqlitePool};
use telecine::fault::{Code, Fault};
use telecine::ids::{KeyId, WorkspaceId};
use telecine::integration::import::{Import, ImportRequest, Refusal};
use telecine::integration::{
    Integration, IntegrationStatus, KeyRange, ObjectFilter, ObjectState, Provider, Role, SyncEnd, SyncFound,
    SyncTrigger,
};
use telecine::keys::ApiKey;
use telecine::store::sqlite::SqliteStore;
use telecine::store::{
    IndexFilter, Merge, ObjectPage, Store, TaskChange, TaskFilter, VideoFilter, WordQuery,
};
use telecine::transfer::{Duplicate, DuplicateBy, Event, NewTask, TaskSource, Transcription};
use telecine::video::SegmentKind;

use super::inventory::item;
use super::lab::{FIRST_PAGE, LEASE, Lab, failed, object, publication, stamp};

const V1: &str = include_str!("golden/v1.snap");
const V2: &str = include_str!("golden/v2.snap");
const V3: &str = include_str!("golden/v3.snap");

/// Stands for the workspace's id, which is random.
const WORKSPACE: &str = "650000000000000000000000";

/// Stands for the id of the synchronization.
const RUN: &str = "650000000000000000000001";

/// A fixed id.
fn id<T: FromStr<Err: Debug>>(number: u8) -> T {
    format!("65e1970f00000000000000{number:02x}").parse().unwrap()
}

#[tokio::test]
async fn golden_database_is_what_this_version_writes() {
    let lab = Lab::sqlite().await;
    write_everything(&lab).await;
    let run: String =
        sqlx::query_scalar("SELECT id FROM sync_run").fetch_one(&lab.raw().await).await.unwrap();
    let dump = dump(&lab.raw().await).await.replace(&lab.workspace.to_string(), WORKSPACE).replace(&run, RUN);
    settings().bind(|| insta::assert_snapshot!("v3", dump));
}

#[tokio::test]
async fn golden_database_of_v1_is_read_in_full() {
    let told = read_golden(V1).await;
    settings().bind(|| insta::assert_snapshot!("v1_read", told));
}

#[tokio::test]
async fn golden_database_of_v3_is_read_in_full() {
    let told = read_golden(V3).await;
    settings().bind(|| insta::assert_snapshot!("v3_read", told));
}

#[tokio::test]
async fn golden_database_of_v2_is_read_in_full() {
    let told = read_golden(V2).await;
    settings().bind(|| insta::assert_snapshot!("v2_read", told));
}

async fn read_golden(snapshot: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("telecine.db");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path).create_if_missing(true);
    let pool = SqlitePool::connect_with(options.foreign_keys(false)).await.unwrap();
    let dump = snapshot.splitn(3, "---\n").nth(2).expect("a snapshot has a head");
    sqlx::raw_sql(AssertSqlSafe(dump)).execute(&pool).await.unwrap();
    pool.close().await;
    let store = SqliteStore::open(&path).await.unwrap();
    read_everything(&(Arc::new(store) as Arc<dyn Store>)).await
}

fn settings() -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("golden");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings
}

async fn write_everything(lab: &Lab) {
    let store = &lab.store;
    let key = ApiKey {
        id: id::<KeyId>(1),
        workspace: Some(lab.workspace),
        name: "admin".to_owned(),
        prefix: "tlk_GOLDEN".to_owned(),
        created_at: lab.now(),
        revoked_at: None,
        rate_limits: None,
    };
    store.insert_key(&key, lab.workspace, [1; 32]).await.unwrap();
    store.insert_key(&ApiKey { id: id(2), ..key }, lab.workspace, [2; 32]).await.unwrap();
    store.revoke_key(lab.workspace, id(2), lab.tick()).await.unwrap();

    let index = telecine::index::Index { id: id(3), ..lab.index_named("films") };
    store.insert_index(&index).await.unwrap();
    write_integration(lab).await;
    write_import(lab).await;
    write_tasks(lab).await;
    let until = lab.now().after(LEASE);
    store.keep_results(lab.workspace, "token", b"results", until, lab.now()).await.unwrap();
}

async fn write_integration(lab: &Lab) {
    let role = Role {
        account_id: "123456789012".to_owned(),
        arn: "arn:aws:iam::123456789012:role/TelecineIntegrationRole".to_owned(),
        external_id: "an external id".to_owned(),
    };
    let integration = Integration {
        id: object("").integration,
        region: Some("eu-central-1".to_owned()),
        status: IntegrationStatus::Active,
        ..Integration::new(lab.workspace, Provider::aws_role(role), "archive", lab.now())
    };
    lab.store.insert_integration(&integration).await.unwrap();
    let folder = Integration {
        id: id(4),
        provider: Provider::Folder { path: "media".into() },
        status: IntegrationStatus::Pending,
        region: None,
        ..integration.clone()
    };
    lab.store.insert_integration(&folder).await.unwrap();
    let items = [item("new.mp4", "v1"), item("notes.txt", "v1"), item("ready.mp4", "v1")];
    let (run, _) = lab.store.begin_sync(integration.id, SyncTrigger::Manual, lab.now()).await.unwrap();
    let until = lab.now().after(LEASE);
    let (claim, _) = lab.store.claim_sync(run.id, lab.now(), until).await.unwrap().unwrap();
    let found = vec![SyncFound::Range { range: KeyRange::default(), items: items.to_vec() }];
    let part = Merge { found, left: Some(Vec::new()), requests: 1 };
    lab.store.merge(&claim, &part, lab.now()).await.unwrap().unwrap();
    lab.store.end_sync(&claim, &SyncEnd::Done, lab.now()).await.unwrap().unwrap();
}

/// An import that refused a file, carried out by the transfer of the tasks.
async fn write_import(lab: &Lab) {
    let import = Import {
        id: id(8),
        workspace: lab.workspace,
        integration: object("").integration,
        address: "s3://archive/".to_owned(),
        request: ImportRequest {
            index: id(3),
            is_incremental: true,
            retries_failed: false,
            user_metadata: json!({ "batch": 5 }).as_object().cloned(),
        },
        index_name: "films".to_owned(),
        transfer: id(5),
        created_at: lab.now(),
    };
    assert_eq!(lab.store.begin_import(&import).await.unwrap(), None);
    let fault = Fault { message: "As v1 told it.".to_owned(), ..Fault::new(Code::ObjectArchived) };
    lab.store.add_refusals(import.id, &[Refusal { key: "cold.mp4".to_owned(), fault }]).await.unwrap();
}

/// A task of each kind, in each status.
async fn write_tasks(lab: &Lab) {
    let (store, index) = (&lab.store, id(3));
    let task = |number, key: &str| NewTask { id: id(number), ..lab.new_task(index, key) };
    let rich = NewTask {
        transcription: Some(Transcription::Object(object("ready.srt"))),
        user_metadata: json!({ "title": "Ünïcode", "year": 2001 }).as_object().cloned(),
        ..task(0x10, "ready.mp4")
    };
    let accepted = id(5);
    store.begin_transfer(lab.workspace, accepted, lab.now()).await.unwrap();
    let tasks = [
        rich,
        task(0x11, "broken.mp4"),
        task(0x12, "copy.mp4"),
        task(0x13, "busy.mp4"),
        task(0x14, "busy.mp4"),
    ];
    store.add_tasks(accepted, &tasks, lab.now()).await.unwrap();
    store.accept_transfer(accepted, lab.tick()).await.unwrap();

    let claim = lab.claim_of(id(0x10)).await;
    lab.changes(&claim, TaskChange { stamp: Some(stamp("v1")), ..Event::Admitted.into() }).await;
    lab.happens(&claim, Event::IndexingStarted).await;
    lab.tick();
    lab.publish(&claim, &publication(id(0x10), "ready.mp4")).await;
    let claim = lab.claim_of(id(0x11)).await;
    lab.happens(&claim, failed(Code::VideoFileBroken)).await;
    let claim = lab.claim_of(id(0x12)).await;
    let duplicate = Duplicate { video: id(0x10), by: DuplicateBy::Content };
    let skipped = TaskChange {
        stamp: Some(stamp("v1")),
        content_hash: Some("hash of ready.mp4".to_owned()),
        ..Event::Duplicate(duplicate).into()
    };
    lab.changes(&claim, skipped).await;
    let claim = lab.claim_of(id(0x13)).await;
    let until = lab.now().after(LEASE);
    lab.happens(&claim, Event::Postponed { until, reason: "The store asks to go slower.".to_owned() }).await;

    let upload = TaskSource::Upload { filename: "holiday.mov".to_owned() };
    let link = TaskSource::Url { url: "https://example.org/film.mp4".to_owned() };
    for (number, source, transcription) in [(0x20, upload, Some(Transcription::Upload)), (0x21, link, None)] {
        let task = NewTask { source, transcription, ..task(number, "") };
        store.insert_task(lab.workspace, &task, lab.tick()).await.unwrap();
    }
    let claim = lab.claim_of(id(0x20)).await;
    lab.happens(&claim, Event::Admitted).await;

    let cancelled = id(6);
    store.begin_transfer(lab.workspace, cancelled, lab.now()).await.unwrap();
    store.add_tasks(cancelled, &[task(0x30, "cancelled.mp4")], lab.now()).await.unwrap();
    store.accept_transfer(cancelled, lab.now()).await.unwrap();
    store.cancel_transfer(lab.workspace, cancelled, lab.tick()).await.unwrap();
    let cut_short = id(7);
    store.begin_transfer(lab.workspace, cut_short, lab.tick()).await.unwrap();
    store.add_tasks(cut_short, &[task(0x31, "never.mp4")], lab.now()).await.unwrap();
}

/// Every row of every table as SQL, in an order in which it can be read back; words are left out, for they come with
/// the segments, and counts, for they come with the tasks.
async fn dump(pool: &SqlitePool) -> String {
    const OURS: &str = "name NOT LIKE 'words\\_%' ESCAPE '\\' AND name NOT LIKE 'task\\_name\\__%' ESCAPE '\\' \
        AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' OR name IN ('task_name_removed', 'task_name_changed')";
    // Its rows do not tell the numbers of their tasks.
    const NAMES: &str = "INSERT INTO task_name (rowid, name) SELECT seq, CASE WHEN instr(locator, filename) > 0 THEN locator \
        ELSE locator || char(10) || filename END FROM task;\n";
    let schema = format!("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND ({OURS}) ORDER BY rowid");
    let schema: Vec<String> = sqlx::query_scalar(AssertSqlSafe(schema)).fetch_all(pool).await.unwrap();
    let mut sql = schema.iter().fold(String::new(), |sql, statement| format!("{sql}{statement};\n"));
    let tables = format!(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT IN ('words', 'task_name') AND ({OURS}) ORDER BY rowid"
    );
    let tables: Vec<String> = sqlx::query_scalar(AssertSqlSafe(tables)).fetch_all(pool).await.unwrap();
    for table in tables.iter().map(String::as_str).chain(["sqlite_sequence"]) {
        for row in dump_rows(pool, table).await {
            writeln!(sql, "INSERT INTO {table} VALUES ({row});").unwrap();
        }
    }
    sql + NAMES
}

async fn dump_rows(pool: &SqlitePool, table: &str) -> Vec<String> {
    let columns: Vec<String> = sqlx::query_scalar("SELECT name FROM pragma_table_info(?)")
        .bind(table)
        .fetch_all(pool)
        .await
        .unwrap();
    // When and how fast a migration ran is of no interest, nor are the words of today's faults.
    let value = |column: &String| match column.as_str() {
        "installed_on" => "quote('2024-03-01 09:00:00')".to_owned(),
        "execution_time" => "'0'".to_owned(),
        "fault" if table == "task" => {
            "iif(fault IS NULL, 'NULL', quote(json_object('code', fault_code, 'message', 'As v1 told it.')))"
                .to_owned()
        }
        other => format!("quote({other})"),
    };
    let values: Vec<String> = columns.iter().map(value).collect();
    let rows = format!("SELECT {} FROM {table}", values.join(" || ', ' || "));
    sqlx::query_scalar(AssertSqlSafe(rows)).fetch_all(pool).await.unwrap()
}

async fn read_everything(store: &Arc<dyn Store>) -> String {
    let mut told = String::new();
    let mut tell = |what: &str, value: &dyn Debug| writeln!(told, "{what}: {value:#?}").unwrap();
    let workspace: WorkspaceId = WORKSPACE.parse().unwrap();
    let (index, ready) = (id(3), id(0x10));
    let now = "2024-03-01T09:00:30Z".parse().unwrap();
    assert_eq!(store.default_workspace(now).await.unwrap(), workspace);
    tell("keys", &store.keys(workspace).await.unwrap());
    tell("caller", &[store.caller([1; 32]).await.unwrap(), store.caller([2; 32]).await.unwrap()]);
    tell("indexes", &store.indexes(workspace, &IndexFilter::default(), FIRST_PAGE).await.unwrap());
    tell("tasks", &store.tasks(workspace, &TaskFilter::default(), FIRST_PAGE).await.unwrap());
    let named = TaskFilter { name: Some("LIDAY.m".to_owned()), ..TaskFilter::default() };
    let named = store.tasks(workspace, &named, FIRST_PAGE).await.unwrap();
    tell("tasks of a name", &named.rows.iter().map(|task| task.source.filename()).collect::<Vec<_>>());
    tell("transfers", &store.transfers(workspace, FIRST_PAGE).await.unwrap());
    tell("videos", &store.videos(workspace, index, &VideoFilter::default(), FIRST_PAGE).await.unwrap());
    tell("picture", &store.thumbnail(ready, None).await.unwrap());
    for kind in SegmentKind::ALL {
        tell("segments", &store.segments(ready, kind).await.unwrap());
        tell("vectors", &store.vectors_after(index, kind, 0, 100).await.unwrap());
    }
    let query = WordQuery { phrases: vec![vec!["red".to_owned(), "car".to_owned()]], all: true };
    let found = store.match_words(index, SegmentKind::Speech, &query, 10).await.unwrap();
    tell("found by words", &found.iter().map(|found| &found.segment.text).collect::<Vec<_>>());
    let object = object("ready.mp4");
    tell("video of an object", &store.video_of_object(index, &object, &stamp("v1")).await.unwrap());
    tell("integrations", &store.integrations(workspace).await.unwrap());
    tell("inventory", &store.inventory_after(object.integration, None, None, 10).await.unwrap());
    let runs = store.sync_runs(object.integration, FIRST_PAGE).await.unwrap();
    let filter = ObjectFilter { state: ObjectState::Any, ..ObjectFilter::default() };
    let first = ObjectPage::After { key: None, limit: 10 };
    tell("objects", &store.objects(object.integration, &filter, &first).await.unwrap().rows);
    tell("synchronizations", &runs.rows.iter().map(|run| (run.state, run.report())).collect::<Vec<_>>());
    tell("statistics", &store.statistics(object.integration, &ObjectFilter::default()).await.unwrap());
    let workspace_imports = store.imports_after(workspace, object.integration, None, 10).await.unwrap();
    for log in &workspace_imports {
        tell("refusals", &store.refusals_after(log.import.id, None, 10).await.unwrap());
    }
    tell("imports", &workspace_imports);
    tell("files", &store.files_after(object.integration, index, None, 10).await.unwrap());
    tell("results", &store.kept_results(workspace, "token", now).await.unwrap());
    // And it can be worked on.
    tell("discarded", &store.discard_unfinished_transfers().await.unwrap());
    tell("broken claims", &store.break_claims(now).await.unwrap());
    tell("next due", &store.next_due().await.unwrap());
    tell("claim", &store.claim_next(now, LEASE).await.unwrap());
    told
}
