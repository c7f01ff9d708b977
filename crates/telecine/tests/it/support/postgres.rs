//! Databases on PostgreSQL for tests: one server for a whole run of tests, an empty database of the present shape for each
//! test, both gone when they end.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use telecine::store::postgres::PostgresStore;

use super::servers::script;

/// Ends the server when the process does whose number comes first.
const GUARD: &str = r#"watched=$1; shift; "$@" & child=$!; while kill -0 $watched 2>/dev/null; do sleep 0.3; done
    kill -TERM $child; wait $child; rm -rf "$FOLDER""#;
const START_LIMIT: Duration = Duration::from_secs(60);
/// A database with tables and nothing in them.
const TEMPLATE: &str = "telecine_template";

/// An empty database with the tables of the present version.
#[derive(Debug)]
pub(crate) struct PostgresDatabase {
    url: String,
    psql: PathBuf,
    name: String,
}

impl PostgresDatabase {
    /// One without tables.
    pub(crate) async fn create_empty() -> Self {
        let name = format!("test_{}", uuid::Uuid::new_v4().simple());
        let server = tokio::task::spawn_blocking(server).await.expect("a server");
        let mut admin = PgConnection::connect(&server.endpoint).await.expect("the server answers");
        sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name}")))
            .execute(&mut admin)
            .await
            .expect("a database");
        Self { url: on(&server.endpoint, &name), psql: server.psql(), name }
    }

    /// Makes it, on the server of this run.
    pub(crate) async fn create() -> Self {
        let name = format!("test_{}", uuid::Uuid::new_v4().simple());
        let (server, _alone) = tokio::task::spawn_blocking(|| {
            let server = server();
            let alone = server.lock();
            (server, alone)
        })
        .await
        .expect("a server");
        let url = |database: &str| on(&server.endpoint, database);
        let mut admin = PgConnection::connect(&server.endpoint).await.expect("the server answers");
        let is_new =
            sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {TEMPLATE}"))).execute(&mut admin).await;
        if is_new.is_ok() {
            PostgresStore::open(&url(TEMPLATE)).await.expect("the tables are made").close().await;
        }
        // A connection that was just closed may still be ending.
        for _ in 0..50 {
            let copy = format!("CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY FILE_COPY");
            match sqlx::query(AssertSqlSafe(copy)).execute(&mut admin).await {
                Ok(_) => return Self { url: url(&name), psql: server.psql(), name },
                Err(error) if error.to_string().contains("being accessed") => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                Err(error) => panic!("{error}"),
            }
        }
        panic!("the template is in use")
    }

    /// A program of the server's version, such as `pg_dump`.
    pub(crate) fn program(&self, name: &str) -> Command {
        Command::new(self.psql.with_file_name(name))
    }

    /// For [`PostgresStore::open`].
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

/// Nobody waits until it is gone. The server would wait for all who are about to say their password, for up to a minute
/// (`authentication_timeout`): one of them may be a connection of this very test, whose thread would wait here.
impl Drop for PostgresDatabase {
    fn drop(&mut self) {
        let admin = on(&self.url, "telecine");
        let statement = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        let mut psql = Command::new(&self.psql);
        psql.args([&admin, "-XAqc", &statement]).stdin(Stdio::null()).stdout(Stdio::null());
        let _ = psql.stderr(Stdio::null()).spawn();
    }
}

/// The URL of another database on the same server.
fn on(url: &str, database: &str) -> String {
    let (server, _) = url.rsplit_once('/').expect("a URL with a database");
    format!("{server}/{database}")
}

/// A server that others use, too.
struct Server {
    folder: PathBuf,
    endpoint: String,
    programs: PathBuf,
}

impl Server {
    fn psql(&self) -> PathBuf {
        self.programs.join("psql")
    }

    /// Held by one test at a time, of all processes.
    fn lock(&self) -> File {
        lock(&self.folder)
    }
}

fn lock(folder: &Path) -> File {
    let file = File::create(folder.join("lock")).expect("a lock");
    file.lock().expect("the lock");
    file
}

/// The server of this run of tests, started by the test that comes first. nextest runs each test in a process of its own and
/// outlives them all; without it, all tests are threads of this process.
fn server() -> Server {
    let (run, watched) = match std::env::var("NEXTEST_RUN_ID") {
        Ok(run) => (run, std::os::unix::process::parent_id()),
        Err(_) => (std::process::id().to_string(), std::process::id()),
    };
    let folder = std::env::temp_dir().join(format!("telecine-test-postgres-{run}"));
    fs::create_dir_all(&folder).expect("a folder");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o711)).expect("the folder is ours");
    let _alone = lock(&folder);
    let told = folder.join("told.json");
    if !told.exists() {
        start(&folder, &told, watched);
    }
    let facts: Value = serde_json::from_slice(&fs::read(&told).expect("facts")).expect("facts in JSON");
    let fact = |name: &str| facts["postgres-fast"][name].as_str().expect("a fact").to_owned();
    Server { endpoint: fact("endpoint"), programs: fact("bin").into(), folder }
}

#[expect(
    clippy::zombie_processes,
    reason = "it outlives the test that starts it, and is awaited by whoever comes after"
)]
fn start(folder: &Path, told: &Path, watched: u32) {
    let said = folder.join("said");
    let log = File::create(&said).expect("a file");
    let script = script("testservers.py");
    Command::new("sh")
        .args(["-c", GUARD, "guard", &watched.to_string()])
        .arg(script.get_program())
        .args(script.get_args())
        .args(["run", "postgres-fast", "--json", "--dir"])
        .arg(folder)
        .env("FOLDER", folder)
        .stdin(Stdio::null())
        .stderr(log.try_clone().expect("a file"))
        .stdout(log)
        .process_group(0)
        .spawn()
        .expect("sh can be started");
    let began = Instant::now();
    loop {
        let text = fs::read_to_string(&said).expect("what was said");
        if let Some(line) = text.lines().find(|line| line.starts_with('{') && text.ends_with('\n')) {
            fs::write(told, line).expect("the folder can be written");
            return;
        }
        assert!(began.elapsed() < START_LIMIT, "PostgreSQL does not start: {text}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[tokio::test]
async fn a_test_does_not_wait_for_its_database_to_go_while_others_are_about_to_connect() {
    let server = tokio::task::spawn_blocking(server).await.expect("a server");
    let (_, address) = server.endpoint.rsplit_once('@').expect("a URL with a password");
    let (address, _) = address.split_once('/').expect("a URL with a database");
    let database = PostgresDatabase::create().await;
    let name = database.name.clone();
    let mut about_to_connect = std::net::TcpStream::connect(address).expect("the server listens");
    about_to_connect.write_all(b"\0\0\0\x17\0\x03\0\0user\0telecine\0\0").expect("a greeting");
    about_to_connect.read_exact(&mut [0; 9]).expect("it asks for the password");
    let began = Instant::now();
    drop(database);
    assert!(began.elapsed() < Duration::from_secs(5), "waited for {:?}", began.elapsed());
    drop(about_to_connect);
    let mut admin = PgConnection::connect(&server.endpoint).await.expect("the server answers");
    let is_there = "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)";
    while sqlx::query_scalar(is_there).bind(&name).fetch_one(&mut admin).await.expect("an answer") {
        assert!(began.elapsed() < Duration::from_secs(30), "{name} goes");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
