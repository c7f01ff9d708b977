//! Starts the servers that tests talk to and ends them with the test, however it ends. How each is started is known to
//! `scripts/testservers.py` alone, and what the two AWS accounts are to `scripts/aws_accounts.py`.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use serde_json::Value;
use tempfile::TempDir;

/// Ends with its standard input, which ends with the test's process even if that is killed: the child is told to stop
/// first, so that it can stop its own children. Has no output of its own: that of a child that did not start ends.
const GUARD: &str = r#""$@" </dev/null & child=$!; exec >&-; cat >/dev/null; kill -TERM $child; wait $child"#;

/// The account of the bucket's owner, as in `scripts/aws_accounts.py`.
pub(crate) const CUSTOMER_ACCOUNT: &str = "123456789012";

/// The repository's root.
pub(crate) fn repository() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
    root.expect("the crate lies in crates/telecine").to_owned()
}

/// A program of the virtual environment that `scripts/setup.sh` makes.
pub(crate) fn venv_program(name: &str) -> PathBuf {
    let venv = std::env::var_os("TELECINE_VENV").map_or_else(|| repository().join(".venv"), PathBuf::from);
    let program = venv.join("bin").join(name);
    assert!(program.exists(), "{} is missing; run scripts/setup.sh", program.display());
    program
}

/// A script of the repository, ready to be given arguments.
pub(crate) fn script(name: &str) -> Command {
    let mut command = Command::new(venv_program("python"));
    command.arg(repository().join("scripts").join(name));
    command
}

/// Runs a script to its end and gives the JSON that it prints.
#[track_caller]
pub(crate) fn run_script<A: AsRef<OsStr>>(name: &str, arguments: impl IntoIterator<Item = A>) -> Value {
    let output = script(name).args(arguments).output().expect("the script can be started");
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("the script prints JSON")
}

/// Servers that run until this is dropped.
#[derive(Debug)]
pub(crate) struct Servers {
    guard: Child,
    facts: Value,
    folder: TempDir,
}

impl Servers {
    /// Starts servers by their names in `scripts/testservers.py` on free ports, and waits until they are ready.
    #[track_caller]
    pub(crate) fn start(names: &[&str]) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let script = script("testservers.py");
        let mut guard = Command::new("sh")
            .args(["-c", GUARD, "guard"])
            .arg(script.get_program())
            .args(script.get_args())
            .arg("run")
            .args(names)
            .arg("--json")
            .arg("--dir")
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // In a group of its own, so that what ends the test's group leaves the guard alive to do its work.
            .process_group(0)
            .spawn()
            .expect("sh can be started");
        let mut line = String::new();
        let said = guard.stdout.take().expect("it is piped");
        BufReader::new(said).read_line(&mut line).expect("the servers' facts");
        let facts = serde_json::from_str(&line).unwrap_or(Value::Null);
        let servers = Self { guard, facts, folder };
        assert!(servers.facts.is_object(), "{names:?} did not start; see above");
        servers
    }

    /// What is to be known of a server, such as its `endpoint`.
    #[track_caller]
    pub(crate) fn fact(&self, server: &str, name: &str) -> String {
        self.facts[server][name].as_str().unwrap_or_else(|| panic!("{server} tells its {name}")).to_owned()
    }

    /// Where the servers keep their files; for the test's own too.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}

/// The platform's and the customer's account on a ministack, with the customer's bucket.
#[derive(Debug)]
pub(crate) struct Accounts {
    pub(crate) endpoint: String,
    facts: Value,
    folder: PathBuf,
}

impl Accounts {
    /// Makes users, keys and the bucket.
    pub(crate) fn create(servers: &Servers, bucket: &str) -> Self {
        let endpoint = servers.fact("ministack", "endpoint");
        let facts = run_script("aws_accounts.py", ["create", "--endpoint", &endpoint, "--bucket", bucket]);
        let folder = servers.folder().to_owned();
        let accounts = Self { endpoint, facts, folder };
        std::fs::write(accounts.file(), accounts.facts.to_string()).expect("the folder can be written");
        accounts
    }

    /// Has the customer do something; see the script.
    #[track_caller]
    pub(crate) fn customer(&self, action: &str, arguments: &[&str]) -> Value {
        let file = self.file().display().to_string();
        run_script("aws_accounts.py", [&[action, "--accounts", file.as_str()], arguments].concat())
    }

    /// Has the customer's bucket tell its changes to a queue, by these documents as they are.
    #[track_caller]
    pub(crate) fn notify(&self, url: &str, policy: &Value, notification: &Value) {
        let write = |name: &str, document: &Value| {
            let file = self.folder.join(name);
            std::fs::write(&file, document.to_string()).expect("the folder can be written");
            file.display().to_string()
        };
        let (policy, notification) = (write("queue.json", policy), write("notification.json", notification));
        self.customer("notify", &["--url", url, "--policy", &policy, "--notification", &notification]);
    }

    fn file(&self) -> PathBuf {
        self.folder.join("accounts.json")
    }

    /// The key of `platform` or `customer`.
    pub(crate) fn credentials(&self, who: &str) -> Credentials {
        let text = |name: &str| self.facts[who][name].as_str().expect("a key").to_owned();
        Credentials::new(text("access_key_id"), text("secret_access_key"), None, None, "test")
    }

    /// The ARN of the platform's user.
    pub(crate) fn platform_arn(&self) -> String {
        self.facts["platform"]["user_arn"].as_str().expect("an ARN").to_owned()
    }

    /// A client of `platform` or `customer`.
    pub(crate) fn client(&self, who: &str) -> Client {
        client(&self.endpoint, self.credentials(who))
    }

    /// Applies the documents to the customer's account, byte by byte as they are, under these names.
    #[track_caller]
    pub(crate) fn apply(&self, policy: &Value, trust: &Value, policy_name: &str, role_name: &str) {
        let (policy_file, trust_file) = (self.folder.join("policy.json"), self.folder.join("trust.json"));
        std::fs::write(&policy_file, policy.to_string()).expect("the folder can be written");
        std::fs::write(&trust_file, trust.to_string()).expect("the folder can be written");
        let mut arguments: Vec<PathBuf> = vec!["apply".into(), "--accounts".into(), self.file()];
        arguments.extend(["--policy".into(), policy_file, "--trust".into(), trust_file]);
        arguments.extend(["--policy-name".into(), policy_name.into()]);
        arguments.extend(["--role-name".into(), role_name.into()]);
        run_script("aws_accounts.py", arguments);
    }
}

/// A client of a test server's S3.
pub(crate) fn client(endpoint: &str, credentials: Credentials) -> Client {
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(endpoint)
        .region(Region::new("us-west-2"))
        .credentials_provider(credentials)
        .force_path_style(true)
        .retry_config(aws_sdk_s3::config::retry::RetryConfig::disabled())
        .build();
    Client::from_conf(config)
}
