//! Runs the program with an environment of its own.

use std::fs::File;
use std::io::{BufRead, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

/// The program, with nothing of this environment but what tools need, and a home folder of its own.
pub(crate) fn telecine(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_telecine"));
    command.env_clear().current_dir(home).env("HOME", home);
    for name in ["PATH", "LD_LIBRARY_PATH", "TMPDIR"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command
}

/// What a run of the program gave.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) status: i32,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

/// Runs the program to its end.
#[track_caller]
pub(super) fn run(home: &Path, args: &[&str]) -> Ran {
    ran(telecine(home).args(args).output().expect("the program starts"))
}

pub(super) fn ran(output: Output) -> Ran {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("output is UTF-8");
    Ran {
        status: output.status.code().expect("the program ends by itself"),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    }
}

/// A server of this test, on a port of its own; killed when dropped.
#[derive(Debug)]
pub(super) struct Server {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    /// What it printed before it was ready.
    pub(super) greeting: String,
    /// Its address.
    pub(super) url: String,
}

impl Server {
    /// Starts `telecine serve` with these further arguments and waits until it is ready.
    #[track_caller]
    pub(super) fn start(home: &Path, args: &[&str]) -> Self {
        let log = File::create(home.join("server.log")).unwrap();
        let mut child = telecine(home)
            .env("TELECINE_MODELS", models())
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("the program starts");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut greeting = String::new();
        for line in &mut lines {
            let line = line.unwrap();
            greeting.push_str(&line);
            greeting.push('\n');
            if let Some((_, url)) = line.split_once(" is ready at ") {
                return Self { child, lines, greeting, url: url.to_owned() };
            }
        }
        let log = std::fs::read_to_string(home.join("server.log")).unwrap();
        panic!("the server ended with {:?}:\n{greeting}{log}", child.wait());
    }

    /// The admin key that the first start showed.
    #[track_caller]
    pub(super) fn key(&self) -> String {
        let key = self.greeting.lines().map(str::trim).find(|line| line.starts_with("tlk_"));
        key.expect("the first start shows a key").to_owned()
    }

    /// Sends a signal, such as `TERM`.
    pub(super) fn signal(&self, name: &str) {
        signal(self.child.id(), name);
    }

    /// Waits until it has ended; gives its status and what it printed since it was ready.
    pub(super) fn ended(mut self) -> (i32, String) {
        let rest = self.lines.by_ref().map(|line| line.unwrap() + "\n").collect();
        (self.child.wait().unwrap().code().expect("it ended by itself"), rest)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where this machine has its models.
pub(crate) fn models() -> PathBuf {
    let set = |name: &str| std::env::var_os(name).map(PathBuf::from);
    set("TELECINE_MODELS").unwrap_or_else(|| {
        let home = || set("HOME").unwrap_or_default().join(".cache/telecine");
        set("TELECINE_CACHE").unwrap_or_else(home).join("models")
    })
}

/// Sends a signal to a process that was started here.
pub(crate) fn signal(process: u32, name: &str) {
    let kill = format!("kill -{name} {process}");
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
}
