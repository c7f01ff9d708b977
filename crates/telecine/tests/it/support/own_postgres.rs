//! A PostgreSQL server of one test, which it may end without notice and start again.

use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sqlx::{Connection as _, PgConnection};

use super::servers::Servers;

const PATIENCE: Duration = Duration::from_secs(30);

/// `postgres` or `postgres-small`, which cannot be started again.
#[derive(Debug)]
pub(crate) struct OwnPostgres {
    url: String,
    folder: PathBuf,
    command: Vec<String>,
    user: Option<u32>,
    /// Started again by the test.
    again: Option<Child>,
    servers: Servers,
}

impl OwnPostgres {
    #[track_caller]
    pub(crate) fn start(name: &str) -> Self {
        let servers = Servers::start(&[name]);
        let fact = |key: &str| servers.fact(name, key);
        Self {
            url: fact("endpoint"),
            folder: fact("folder").into(),
            command: serde_json::from_str(&fact("command")).expect("a command in JSON"),
            user: fact("user").parse().ok(),
            again: None,
            servers,
        }
    }

    /// Straight to it.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// `host:port`.
    pub(crate) fn address(&self) -> &str {
        let (_, rest) = self.url.rsplit_once('@').expect("a URL with a password");
        rest.split('/').next().expect("a host")
    }

    /// To it by another way.
    pub(crate) fn url_by(&self, address: &str) -> String {
        self.url.replace(self.address(), address)
    }

    pub(crate) async fn connect(&self) -> PgConnection {
        PgConnection::connect(&self.url).await.expect("the server answers")
    }

    /// One of its processes is killed: it ends all others, throws away what it has in memory, and recovers.
    pub(crate) async fn crash(&self) {
        let mut connection = self.connect().await;
        let victim: i32 =
            sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut connection).await.unwrap();
        signal("KILL", &victim.to_string());
    }

    /// It ends at once, as at a power cut but for what the kernel still writes.
    pub(crate) fn stop_at_once(&mut self) {
        let file = self.folder.join("data/postmaster.pid");
        let pid = fs::read_to_string(&file).expect("it runs").lines().next().unwrap_or_default().to_owned();
        signal("QUIT", &pid);
        if let Some(mut child) = self.again.take() {
            child.wait().expect("it ends");
        }
        let began = Instant::now();
        while is_running(&pid) {
            assert!(began.elapsed() < PATIENCE, "{pid} ends");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The end of what it says.
    pub(crate) fn log(&self) -> String {
        let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }

    /// Takes all room on the disk of the write-ahead log of `postgres-small`.
    pub(crate) fn fill_wal_disk(&self) {
        let mut ballast = File::create(self.wal_ballast()).expect("the disk is there");
        let full = std::io::copy(&mut std::io::repeat(0), &mut ballast).expect_err("it is small");
        assert_eq!(full.kind(), std::io::ErrorKind::StorageFull, "{full}");
    }

    /// And gives it back.
    pub(crate) fn clear_wal_disk(&self) {
        fs::remove_file(self.wal_ballast()).expect("it was taken");
    }

    fn wal_ballast(&self) -> PathBuf {
        PathBuf::from(self.servers.fact("postgres-small", "wal_disk")).join("ballast")
    }

    /// Starts it where it was; it need not be ready yet.
    pub(crate) fn start_again(&mut self) {
        let log = File::options().append(true).open(self.folder.join("log")).expect("a log");
        let mut command = Command::new(&self.command[0]);
        command.args(&self.command[1..]).current_dir(&self.folder);
        command.stdin(Stdio::null()).stdout(log.try_clone().expect("a log")).stderr(log);
        if let Some(user) = self.user {
            command.uid(user).gid(user);
        }
        self.again = Some(command.spawn().expect("the server can be started"));
    }
}

#[track_caller]
fn signal(name: &str, pid: &str) {
    let sent = Command::new("kill").args([&format!("-{name}"), pid]).status().expect("kill is there");
    assert!(sent.success(), "{pid} runs");
}

fn is_running(pid: &str) -> bool {
    let stat = fs::read_to_string(Path::new("/proc").join(pid).join("stat")).unwrap_or_default();
    // One that has ended may wait for its parent to look.
    stat.rsplit(')').next().is_some_and(|rest| !rest.trim().is_empty() && !rest.trim_start().starts_with('Z'))
}

impl Drop for OwnPostgres {
    fn drop(&mut self) {
        if let Some(mut child) = self.again.take() {
            // SIGKILL would leave its children behind.
            let _ = Command::new("kill").args(["-QUIT", &child.id().to_string()]).status();
            let _ = child.wait();
        }
    }
}
