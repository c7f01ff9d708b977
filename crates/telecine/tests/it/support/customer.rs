//! The owner of a bucket, who runs what is printed, with the real AWS CLI; see `tests/aws/customer.py`.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use aws_sdk_s3::config::Credentials;
use serde::Deserialize;
use serde_json::{Value, json};

use super::servers::{repository, venv_program};

/// What a script did.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Ran {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs scripts until it is dropped.
#[derive(Debug)]
pub(crate) struct Customer {
    child: Child,
    scripts: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Customer {
    /// With this key, at this endpoint.
    #[track_caller]
    pub(crate) fn start(endpoint: &str, key: &Credentials) -> Self {
        let mut child = python("customer.py")
            .env("AWS_ENDPOINT_URL", endpoint)
            .env("AWS_DEFAULT_REGION", "us-west-2")
            .env("AWS_ACCESS_KEY_ID", key.access_key_id())
            .env("AWS_SECRET_ACCESS_KEY", key.secret_access_key())
            .env("AWS_PAGER", "")
            .env("NO_PROXY", "127.0.0.1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Python can be started");
        let scripts = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().expect("it is piped"));
        Self { child, scripts, answers }
    }

    /// Runs a script to its end.
    #[track_caller]
    pub(crate) fn run(&mut self, script: &str) -> Ran {
        let scripts = self.scripts.as_mut().expect("it runs");
        writeln!(scripts, "{}", json!(script)).and_then(|()| scripts.flush()).expect("it reads");
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("it answers");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }

    /// Runs a script that must work.
    #[track_caller]
    pub(crate) fn must(&mut self, script: &str) -> String {
        let Ran { status, stdout, stderr } = self.run(script);
        assert_eq!(status, 0, "{script}\n{stdout}\n{stderr}");
        stdout
    }
}

impl Drop for Customer {
    fn drop(&mut self) {
        drop(self.scripts.take());
        let _ = self.child.wait();
    }
}

/// Terraform as JSON.
#[track_caller]
pub(crate) fn parse_terraform(text: &str) -> Value {
    let mut child =
        python("hcl.py").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("Python can be started");
    child.stdin.take().expect("it is piped").write_all(text.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "no Terraform:\n{text}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// A script of `tests/aws`, in the environment that `scripts/setup.sh aws` makes.
fn python(name: &str) -> Command {
    let venv = venv_program("python");
    let venv = venv.ancestors().nth(2).expect("a folder").to_owned();
    let mut beside = venv.into_os_string();
    beside.push("-aws");
    let program = PathBuf::from(beside).join("bin/python");
    assert!(program.exists(), "{} is missing; run scripts/setup.sh aws", program.display());
    let mut command = Command::new(program);
    command.arg(repository().join("tests/aws").join(name));
    command
}
