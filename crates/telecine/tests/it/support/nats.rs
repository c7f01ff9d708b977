//! NATS servers that tests end without notice, start again and rob of their disks.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::servers::Servers;

/// The servers of `nats`, `nats-small` (one) or `nats-cluster` (three).
#[derive(Debug)]
pub(crate) struct Nats {
    nodes: Vec<Node>,
    _servers: Servers,
}

#[derive(Debug)]
struct Node {
    /// `host:port`.
    address: String,
    program: PathBuf,
    folder: PathBuf,
    /// Started again by the test.
    again: Option<Child>,
}

impl Nats {
    #[track_caller]
    pub(crate) fn start(name: &str) -> Self {
        let servers = Servers::start(&[name]);
        let fact = |key: &str| servers.fact(name, key);
        let places = match name {
            "nats-cluster" => {
                (0..3).map(|node| (format!("endpoint_{node}"), format!("folder_{node}"))).collect()
            }
            _ => vec![("endpoint".to_owned(), "folder".to_owned())],
        };
        let nodes = places.iter().map(|(endpoint, folder)| Node {
            address: fact(endpoint).trim_start_matches("nats://").to_owned(),
            program: fact("program").into(),
            folder: fact(folder).into(),
            again: None,
        });
        Self { nodes: nodes.collect(), _servers: servers }
    }

    /// `host:port` of each.
    pub(crate) fn addresses(&self) -> Vec<String> {
        self.nodes.iter().map(|node| node.address.clone()).collect()
    }

    /// All of them, with commas between.
    pub(crate) fn endpoints(&self) -> String {
        let endpoints: Vec<String> =
            self.nodes.iter().map(|node| format!("nats://{}", node.address)).collect();
        endpoints.join(",")
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self, node: usize) {
        let node = &mut self.nodes[node];
        match node.again.take() {
            Some(mut child) => {
                child.kill().expect("it runs");
                child.wait().expect("it ends");
            }
            None => {
                let pid = std::fs::read_to_string(node.folder.join("pid")).expect("it wrote its number");
                let killed = Command::new("kill").args(["-9", pid.trim()]).status().expect("kill is there");
                assert!(killed.success(), "{pid} runs");
                let began = Instant::now();
                while is_running(pid.trim()) {
                    assert!(began.elapsed() < Duration::from_secs(10), "{pid} ends");
                    std::thread::sleep(Duration::from_millis(5));
                }
            }
        }
    }

    /// Starts one that was ended, where it was.
    pub(crate) fn restart(&mut self, node: usize) {
        let node = &mut self.nodes[node];
        let log =
            std::fs::File::options().append(true).create(true).open(node.folder.join("log")).expect("a log");
        let child = Command::new(&node.program)
            .args(["-c", "nats.conf"])
            .current_dir(&node.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        node.again = Some(child.expect("the server can be started"));
    }

    /// Removes all that one kept, which must not run.
    pub(crate) fn lose_disk(&self, node: usize) {
        std::fs::remove_dir_all(self.nodes[node].folder.join("data")).expect("it had kept something");
    }
}

fn is_running(pid: &str) -> bool {
    let stat = std::fs::read_to_string(Path::new("/proc").join(pid).join("stat")).unwrap_or_default();
    // One that has ended may wait for its parent to look.
    stat.rsplit(')').next().is_some_and(|rest| !rest.trim().is_empty() && !rest.trim_start().starts_with('Z'))
}

impl Drop for Nats {
    fn drop(&mut self) {
        for child in self.nodes.iter_mut().filter_map(|node| node.again.as_mut()) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
