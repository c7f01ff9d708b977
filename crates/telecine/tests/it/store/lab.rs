//! A store with a workspace, and short words for what tests do with it.

use std::sync::Arc;
use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection as _};
use telecine::fault::{Code, Fault};
use telecine::ids::{IndexId, IntegrationId, TaskId, TransferId, WorkspaceId};
use telecine::index::{EngineSpec, Index, IndexModels, ModelOption, ModelRef};
use telecine::queue::Claim;
use telecine::store::postgres::PostgresStore;
use telecine::store::sqlite::SqliteStore;
use telecine::store::{ContentHolder, Paging, SortBy, Store, TaskChange};
use telecine::time::{Clock as _, ManualClock, MediaTime, TimeRange, Timestamp};
use telecine::transfer::{
    Event, NewTask, ObjectRef, ObjectStamp, Scheme, Status, Task, TaskSource, Transfer, VideoMeta,
};
use telecine::video::{NewSegment, NewThumbnail, NewVector, Publication, SegmentKind};

use crate::support::postgres::PostgresDatabase;

pub(crate) const LEASE: Duration = Duration::from_secs(60);
/// The first page, oldest first.
pub(crate) const FIRST_PAGE: Paging =
    Paging { page: 1, limit: 50, sort_by: SortBy::CreatedAt, descending: false };

pub(crate) struct Lab {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) workspace: WorkspaceId,
    /// What the store lies in, or what belongs to it.
    pub(crate) folder: tempfile::TempDir,
    /// The database, of a store that is on a server.
    database: Option<PostgresDatabase>,
}

impl Lab {
    pub(crate) async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store: Arc<dyn Store> =
            Arc::new(SqliteStore::open(folder.path().join("telecine.db")).await.unwrap());
        Self::with(store, folder, None).await
    }

    pub(crate) async fn postgres() -> Self {
        let database = PostgresDatabase::create().await;
        let store: Arc<dyn Store> = Arc::new(PostgresStore::open(database.url()).await.unwrap());
        Self::with(store, tempfile::tempdir().unwrap(), Some(database)).await
    }

    pub(crate) async fn with(
        store: Arc<dyn Store>,
        folder: tempfile::TempDir,
        database: Option<PostgresDatabase>,
    ) -> Self {
        let clock = Arc::new(ManualClock::at("2024-03-01T09:00:00Z".parse().unwrap()));
        let workspace = store.default_workspace(clock.now()).await.unwrap();
        Self { store, clock, workspace, folder, database }
    }

    /// The database behind the store's back.
    pub(crate) async fn raw(&self) -> sqlx::SqlitePool {
        let path = self.folder.path().join("telecine.db");
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path).foreign_keys(true);
        sqlx::SqlitePool::connect_with(options).await.unwrap()
    }

    /// Where the database is, if it is on PostgreSQL.
    pub(crate) fn database_url(&self) -> Option<&str> {
        self.database.as_ref().map(PostgresDatabase::url)
    }

    /// From now on nobody can write to the table.
    pub(crate) async fn forbid_writes(&self, table: &str) {
        if let Some(database) = &self.database {
            let rule =
                |event| format!("CREATE RULE no_{event} AS ON {event} TO {table} DO INSTEAD SELECT 1 / 0");
            let mut connection = sqlx::PgConnection::connect(database.url()).await.unwrap();
            for event in ["INSERT", "UPDATE"] {
                sqlx::query(AssertSqlSafe(rule(event))).execute(&mut connection).await.unwrap();
            }
            return;
        }
        let raw = self.raw().await;
        for event in ["INSERT", "UPDATE"] {
            let trigger = format!(
                "CREATE TRIGGER no_{event} BEFORE {event} ON {table} BEGIN SELECT RAISE(ABORT, 'written'); END"
            );
            sqlx::query(AssertSqlSafe(trigger)).execute(&raw).await.unwrap();
        }
    }

    /// New tasks get numbers from so many more on: one more is made that has the number before, of an index that is there.
    pub(crate) async fn skip_numbers(&self, more: i64) {
        let insert = "INSERT INTO task (seq, id, workspace_id, index_id, lane, source, locator, filename, language, due_at, \
             created_at, updated_at) SELECT (SELECT max(seq) FROM task) + $1, $2, workspace_id, index_id, lane, 'url', \
             'https://example.org/', 'skipped', 'en', created_at, created_at, updated_at \
             FROM task t WHERE transfer_id IS NULL AND EXISTS \
             (SELECT 1 FROM video_index i WHERE i.id = t.index_id AND i.deleted_at IS NULL) LIMIT 1";
        let id = TaskId::generate(self.now()).to_string();
        match &self.database {
            None => {
                let raw = self.raw().await;
                let made = sqlx::query(insert).bind(more + 1).bind(id).execute(&raw).await.unwrap();
                // There, the store counts what it inserts.
                let count = "INSERT INTO task_count SELECT workspace_id, lane, index_id, status, '', seq / 16384, 1, \
                     created_at, created_at FROM task WHERE seq = (SELECT max(seq) FROM task) \
                     ON CONFLICT DO UPDATE SET number = number + 1, \
                     first_at = min(first_at, excluded.first_at), last_at = max(last_at, excluded.last_at)";
                let name = "INSERT INTO task_name (rowid, name) SELECT seq, locator || char(10) || filename \
                     FROM task WHERE seq = (SELECT max(seq) FROM task)";
                if made.rows_affected() > 0 {
                    for statement in [count, name] {
                        sqlx::query(statement).execute(&raw).await.unwrap();
                    }
                }
            }
            Some(database) => {
                let mut raw = sqlx::PgConnection::connect(database.url()).await.unwrap();
                sqlx::query(insert).bind(more + 1).bind(id).execute(&mut raw).await.unwrap();
                let set = "SELECT setval(pg_get_serial_sequence('task', 'seq'), max(seq)) FROM task";
                sqlx::query(set).execute(&mut raw).await.unwrap();
            }
        }
    }

    /// How many counters of tasks are not what counting tells.
    pub(crate) async fn miscounted(&self) -> i64 {
        match &self.database {
            None => sqlx::query_scalar(MISCOUNTED).fetch_one(&self.raw().await).await.unwrap(),
            Some(database) => miscounted_in(database.url()).await,
        }
    }

    /// How many tasks have no name that is found by its letters, or another than theirs, or have left one.
    pub(crate) async fn misnamed(&self) -> i64 {
        match &self.database {
            None => {
                let mut raw = self.raw().await.acquire().await.unwrap();
                for statement in LETTERS {
                    sqlx::query(statement).execute(&mut *raw).await.unwrap();
                }
                sqlx::query_scalar(MISLETTERED).fetch_one(&mut *raw).await.unwrap()
            }
            Some(database) => misnamed_in(database.url()).await,
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Lets a second pass.
    pub(crate) fn tick(&self) -> Timestamp {
        self.clock.advance(Duration::from_secs(1));
        self.now()
    }

    pub(crate) fn index_named(&self, name: &str) -> Index {
        let model = |id: &str, dim| ModelRef { id: id.to_owned(), dim };
        let engine = |name: &str, options: &[ModelOption]| EngineSpec {
            name: name.to_owned(),
            options: options.iter().copied().collect(),
        };
        Index {
            id: IndexId::generate(self.now()),
            workspace: self.workspace,
            name: name.to_owned(),
            engines: vec![engine("marengo2.6", &ModelOption::ALL)],
            addons: vec!["thumbnail".to_owned()],
            models: IndexModels {
                see: model("see", 4),
                hear: model("hear", 0),
                read: model("read", 0),
                words: model("words", 3),
            },
            created_at: self.now(),
            updated_at: self.now(),
        }
    }

    pub(crate) async fn index(&self, name: &str) -> IndexId {
        let index = self.index_named(name);
        self.store.insert_index(&index).await.unwrap();
        index.id
    }

    /// An index of another workspace than the lab's own.
    pub(crate) async fn index_of_another(&self, name: &str) -> Index {
        let workspace = self.stranger();
        let insert = "INSERT INTO workspace (id, is_default, created_at) VALUES ($1, $2, 0)";
        match &self.database {
            None => {
                let insert = sqlx::query(insert).bind(workspace.to_string()).bind(false);
                insert.execute(&self.raw().await).await.unwrap();
            }
            Some(database) => {
                let mut raw = sqlx::PgConnection::connect(database.url()).await.unwrap();
                sqlx::query(insert).bind(workspace.to_string()).bind(false).execute(&mut raw).await.unwrap();
            }
        }
        let index = Index { workspace, ..self.index_named(name) };
        self.store.insert_index(&index).await.unwrap();
        index
    }

    pub(crate) fn new_task(&self, index: IndexId, key: &str) -> NewTask {
        NewTask {
            id: TaskId::generate(self.now()),
            index,
            source: TaskSource::Object(object(key)),
            transcription: None,
            language: "en".to_owned(),
            user_metadata: None,
            allows_duplicate: false,
            without_stream: false,
        }
    }

    /// A single task.
    pub(crate) async fn task(&self, index: IndexId, key: &str) -> TaskId {
        let task = self.new_task(index, key);
        self.store.insert_task(self.workspace, &task, self.now()).await.unwrap();
        task.id
    }

    /// An accepted transfer of these keys, and its tasks.
    pub(crate) async fn transfer(&self, index: IndexId, keys: &[&str]) -> (TransferId, Vec<TaskId>) {
        self.transfer_of(self.workspace, index, keys).await
    }

    /// The same of any workspace.
    pub(crate) async fn transfer_of(
        &self,
        workspace: WorkspaceId,
        index: IndexId,
        keys: &[&str],
    ) -> (TransferId, Vec<TaskId>) {
        let id = TransferId::generate(self.now());
        self.store.begin_transfer(workspace, id, self.now()).await.unwrap();
        let tasks: Vec<NewTask> = keys.iter().map(|key| self.new_task(index, key)).collect();
        self.store.add_tasks(id, &tasks, self.now()).await.unwrap();
        self.store.accept_transfer(id, self.now()).await.unwrap();
        (id, tasks.iter().map(|task| task.id).collect())
    }

    /// A transfer that is being received.
    pub(crate) async fn receiving(&self) -> TransferId {
        let id = TransferId::generate(self.now());
        self.store.begin_transfer(self.workspace, id, self.now()).await.unwrap();
        id
    }

    pub(crate) async fn transfer_now(&self, id: TransferId) -> Transfer {
        self.store.transfer(self.workspace, id).await.unwrap().expect("the transfer is there")
    }

    pub(crate) async fn task_now(&self, id: TaskId) -> Task {
        self.store.task(self.workspace, id).await.unwrap().expect("the task is there")
    }

    pub(crate) async fn status(&self, id: TaskId) -> Status {
        self.task_now(id).await.status
    }

    pub(crate) async fn claim(&self) -> Option<Claim> {
        self.store.claim_next(self.now(), LEASE).await.unwrap()
    }

    /// Claims the only task that is due.
    pub(crate) async fn claim_of(&self, task: TaskId) -> Claim {
        let claim = self.claim().await.expect("a task is due");
        assert_eq!(claim.task, task);
        claim
    }

    /// Claims until nothing is due; the tasks in the order of their claims.
    pub(crate) async fn claim_all(&self) -> Vec<TaskId> {
        let mut tasks = Vec::new();
        while let Some(claim) = self.claim().await {
            tasks.push(claim.task);
        }
        tasks
    }

    /// Tells an event under a claim that is fresh.
    pub(crate) async fn happens(&self, claim: &Claim, event: Event) {
        self.changes(claim, event.into()).await;
    }

    /// The same, with what was learnt.
    pub(crate) async fn changes(&self, claim: &Claim, change: TaskChange) {
        assert_eq!(self.store.change_task(claim, &change, self.now()).await.unwrap(), Ok(()));
    }

    /// Whether others may have taken the task since.
    pub(crate) async fn is_stale(&self, claim: &Claim) -> bool {
        let until = claim.lease_until;
        let answers = [
            self.store.claimed_task(claim).await.unwrap().is_err(),
            self.store.extend_claim(claim, until).await.unwrap().is_err(),
            self.store.change_task(claim, &Event::Admitted.into(), self.now()).await.unwrap().is_err(),
            self.store.hold_content(claim, "anything").await.unwrap().is_err(),
        ];
        assert!(answers.iter().all(|answer| *answer == answers[0]), "all say the same: {answers:?}");
        answers[0]
    }

    /// Somebody of another workspace.
    pub(crate) fn stranger(&self) -> WorkspaceId {
        WorkspaceId::generate(self.now())
    }

    /// A video of one shot, one sentence and one line of text, published in a whole life of a task.
    pub(crate) async fn published(&self, index: IndexId, key: &str) -> TaskId {
        let task = self.task(index, key).await;
        let claim = self.claim_of(task).await;
        self.publish(&claim, &publication(task, key)).await;
        task
    }

    pub(crate) async fn publish(&self, claim: &Claim, publication: &Publication) {
        let held = self.store.hold_content(claim, &publication.content_hash).await.unwrap();
        assert_eq!(held, Ok(ContentHolder::Mine));
        assert_eq!(self.store.publish(claim, publication, self.now()).await.unwrap(), Ok(()));
    }
}

const MISCOUNTED: &str = "SELECT count(*) FROM (SELECT workspace_id, lane, index_id, status, coalesce(fault_code, '') AS code, \
    seq / 16384 AS part, count(*) AS number, min(created_at) AS first_at, max(created_at) AS last_at FROM task \
    GROUP BY 1, 2, 3, 4, 5, 6) t FULL JOIN (SELECT * FROM task_count WHERE number <> 0) c ON c.workspace_id = t.workspace_id \
    AND c.lane = t.lane AND c.index_id = t.index_id AND c.status = t.status AND c.fault_code = t.code AND c.part = t.part \
    WHERE c.number IS NULL OR t.number IS NULL OR c.number <> t.number OR c.first_at > t.first_at OR c.last_at < t.last_at";

/// What SQLite's index over letters should hold, and what it does: it keeps no names, so each three letters of each task are compared.
const LETTERS: [&str; 4] = [
    "CREATE VIRTUAL TABLE temp.named USING fts5(name, detail = none, tokenize = 'trigram')",
    "INSERT INTO temp.named (rowid, name) SELECT seq, CASE WHEN instr(locator, filename) > 0 THEN locator \
     ELSE locator || char(10) || filename END FROM task",
    "CREATE VIRTUAL TABLE temp.wanted USING fts5vocab(temp, named, instance)",
    "CREATE VIRTUAL TABLE temp.held USING fts5vocab(main, task_name, instance)",
];
const MISLETTERED: &str = "SELECT (SELECT count(*) FROM (SELECT term, doc FROM wanted EXCEPT SELECT term, doc FROM held)) \
    + (SELECT count(*) FROM (SELECT term, doc FROM held EXCEPT SELECT term, doc FROM wanted))";
const MISNAMED: &str = "SELECT count(*) FROM task t FULL JOIN task_name n ON n.seq = t.seq WHERE t.seq IS NULL OR n.seq IS NULL \
    OR n.name <> CASE WHEN strpos(t.locator, t.filename) > 0 THEN t.locator ELSE t.locator || chr(10) || t.filename END";

/// [`Lab::misnamed`] in any PostgreSQL database.
pub(crate) async fn misnamed_in(url: &str) -> i64 {
    let mut raw = sqlx::PgConnection::connect(url).await.unwrap();
    sqlx::query_scalar(MISNAMED).fetch_one(&mut raw).await.unwrap()
}

/// [`Lab::miscounted`] in any PostgreSQL database.
pub(crate) async fn miscounted_in(url: &str) -> i64 {
    let mut raw = sqlx::PgConnection::connect(url).await.unwrap();
    sqlx::query_scalar(MISCOUNTED).fetch_one(&mut raw).await.unwrap()
}

pub(crate) fn object(key: &str) -> ObjectRef {
    let integration: IntegrationId = "65e0f0f0f0f0f0f0f0f0f0f0".parse().unwrap();
    ObjectRef { scheme: Scheme::S3, integration, bucket: "archive".to_owned(), key: key.to_owned() }
}

pub(crate) fn stamp(etag: &str) -> ObjectStamp {
    ObjectStamp { etag: etag.to_owned(), size_bytes: 1_000 }
}

pub(crate) fn failed(code: Code) -> Event {
    Event::Failed(Box::new(Fault::new(code)))
}

pub(crate) fn range(start_ms: i64, end_ms: i64) -> TimeRange {
    TimeRange::new(MediaTime::from_millis(start_ms), MediaTime::from_millis(end_ms)).unwrap()
}

pub(crate) fn meta(filename: &str) -> VideoMeta {
    VideoMeta {
        filename: filename.to_owned(),
        duration_s: 12.5,
        fps: 25.0,
        width: 640,
        height: 360,
        size_bytes: 1_000,
    }
}

pub(crate) fn segment(kind: SegmentKind, start_ms: i64, text: &str, vectors: &[[f32; 2]]) -> NewSegment {
    let vector =
        |values: &[f32; 2]| NewVector { at: MediaTime::from_millis(start_ms), values: values.to_vec() };
    NewSegment {
        kind,
        range: range(start_ms, start_ms + 1_000),
        text: text.to_owned(),
        score: 0.75,
        vectors: vectors.iter().map(vector).collect(),
    }
}

pub(crate) fn publication(task: TaskId, key: &str) -> Publication {
    Publication {
        task,
        content_hash: format!("hash of {key}"),
        meta: meta(key),
        segments: vec![
            segment(SegmentKind::Shot, 0, "", &[[1.0, 0.0], [0.0, 1.0]]),
            segment(SegmentKind::Speech, 2_000, "A red car drives away", &[[0.6, 0.8]]),
            segment(SegmentKind::Text, 4_000, "EXIT", &[[0.8, 0.6]]),
        ],
        thumbnails: vec![
            NewThumbnail { at: MediaTime::from_millis(500), jpeg: b"first".to_vec() },
            NewThumbnail { at: MediaTime::from_millis(6_000), jpeg: b"middle".to_vec() },
        ],
    }
}
