//! Breaking out: this very test program is run as a confined child, and tries what an intruder would.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use telecine_media::{MediaConfig, MediaTools, Policy, SandboxConfig, SandboxStatus};

use crate::zoo::Zoo;

/// Set for the child; it names the folder with the files that it plays with.
const FOLDER: &str = "TELECINE_TEST_ESCAPE_FOLDER";

/// Not a test by itself: the child. Without its folder it does nothing.
#[test]
#[ignore = "run as a child by the tests below"]
fn child() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    for (name, succeeded) in attempts(&folder) {
        println!("attempt {name}={succeeded}");
    }
}

#[expect(unsafe_code, reason = "some attempts are raw system calls")]
fn attempts(folder: &Path) -> Vec<(&'static str, bool)> {
    use std::net::{TcpListener, UdpSocket};
    use std::os::unix::fs::PermissionsExt;
    let input = folder.join("input");
    let mode = std::fs::Permissions::from_mode(0o600);
    // SAFETY: all calls take plain integers or literals and touch no memory of ours.
    let (kill, memfd) = unsafe {
        let memfd = libc::syscall(libc::SYS_memfd_create, c"x".as_ptr(), 0);
        (libc::kill(libc::getppid(), 0) == 0, memfd >= 0)
    };
    vec![
        ("read the input", std::fs::read(&input).is_ok()),
        (
            "start a thread",
            std::thread::Builder::new().spawn(|| ()).is_ok_and(|thread| thread.join().is_ok()),
        ),
        ("read another file", std::fs::read(folder.join("other")).is_ok()),
        ("read passwd", std::fs::read("/etc/passwd").is_ok()),
        ("list the root", std::fs::read_dir("/").is_ok()),
        ("write the input", std::fs::OpenOptions::new().write(true).open(&input).is_ok()),
        ("make a file", std::fs::write(folder.join("made"), "x").is_ok()),
        ("remove a file", std::fs::remove_file(folder.join("victim")).is_ok()),
        ("change a mode", std::fs::set_permissions(&input, mode).is_ok()),
        ("open a TCP socket", TcpListener::bind("127.0.0.1:0").is_ok()),
        ("open a UDP socket", UdpSocket::bind("127.0.0.1:0").is_ok()),
        ("open a local socket", std::os::unix::net::UnixStream::pair().is_ok()),
        ("start a program", Command::new("/bin/true").status().is_ok()),
        ("signal the parent", kill),
        ("make a file in memory", memfd),
        ("take much memory", Vec::<u8>::new().try_reserve_exact(6 << 30).is_ok()),
    ]
}

/// Runs the child, confined or not, and returns what succeeded.
fn run_child(zoo: &Zoo, confined: bool) -> BTreeMap<String, bool> {
    let me = std::env::current_exe().unwrap().canonicalize().unwrap();
    for name in ["input", "other", "victim"] {
        zoo.write(name, b"x");
    }
    let mut command = Command::new(&me);
    command.args(["--ignored", "--exact", "sandbox::child", "--nocapture", "--test-threads=1"]);
    command.env(FOLDER, zoo.path(""));
    if confined {
        let policy = Policy {
            program: me,
            read: vec![zoo.path("input")],
            inherit: Vec::new(),
            cpu_s: 20,
            address_space_bytes: 4 << 30,
            file_bytes: 0,
            open_files: 64,
        };
        policy.confine(&mut command).unwrap();
    }
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let told = text.lines().filter_map(|line| line.split("attempt ").nth(1)?.split_once('='));
    let told: BTreeMap<String, bool> = told.map(|(name, ok)| (name.to_owned(), ok == "true")).collect();
    assert!(told.len() > 10, "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    told
}

#[test]
fn a_confined_child_can_read_its_input_and_compute_and_nothing_else() {
    let status = SandboxStatus::of_this_machine();
    if !status.is_complete() {
        eprintln!("skipped: this kernel offers {status}");
        return;
    }
    let zoo = Zoo::new();
    let free = run_child(&zoo, false);
    let refused: Vec<_> = free.iter().filter(|(_, succeeded)| !**succeeded).collect();
    assert!(refused.is_empty(), "without the sandbox everything works, but {refused:?} did not");

    let zoo = Zoo::new();
    let confined = run_child(&zoo, true);
    let succeeded: Vec<&str> =
        confined.iter().filter(|(_, ok)| **ok).map(|(name, _)| name.as_str()).collect();
    assert_eq!(succeeded, ["read the input", "start a thread"]);
    assert!(!zoo.path("made").exists() && zoo.path("victim").exists());
}

#[tokio::test]
async fn a_required_sandbox_is_refused_where_the_kernel_has_none_and_given_where_it_has() {
    let sandbox = SandboxConfig { require: true, ..SandboxConfig::default() };
    let found = MediaTools::discover(MediaConfig { sandbox, ..MediaConfig::default() }).await;
    assert_eq!(found.is_ok(), SandboxStatus::of_this_machine().is_complete(), "{found:?}");
}
