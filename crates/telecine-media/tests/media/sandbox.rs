//! Breaking out: a decoder that was taken over (`examples/hostile_decoder`) stands where ffmpeg and ffprobe do, behind the
//! very same walls, and tries what an intruder would.

use std::collections::BTreeMap;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::Command;

use telecine_media::{Limits, MediaConfig, MediaError, MediaTools, SandboxConfig, SandboxStatus};

use crate::zoo::Zoo;

/// The walls that the suite is about; without them it has nothing to say.
pub(crate) fn has_walls() -> bool {
    let status = SandboxStatus::of_this_machine();
    if !status.is_complete() {
        eprintln!("skipped: this kernel offers {status}");
    }
    status.is_complete()
}

/// A copy of the hostile program in the zoo, under a name that no other process has.
pub(crate) fn hostile_program(zoo: &Zoo) -> PathBuf {
    let built = std::env::current_exe().unwrap();
    let built = built.parent().and_then(Path::parent).unwrap().join("examples/hostile_decoder");
    assert!(built.is_file(), "cargo builds it with the tests, unless told not to: {}", built.display());
    let here = zoo.path("hostile");
    std::fs::copy(built, &here).unwrap();
    here.canonicalize().unwrap()
}

/// Tools of which both are the hostile program.
pub(crate) async fn hostile_tools(zoo: &Zoo, limits: Limits) -> MediaTools {
    let program = hostile_program(zoo);
    let config = MediaConfig {
        ffmpeg: Some(program.clone()),
        ffprobe: Some(program),
        limits,
        sandbox: SandboxConfig::default(),
    };
    MediaTools::discover(config).await.unwrap()
}

/// Attempts by name, and what became of them: `done`, or the error's number.
fn read(told: &str) -> BTreeMap<String, String> {
    let attempts = told.split(';').map(|attempt| attempt.split_once('=').expect("name=outcome"));
    attempts.map(|(name, outcome)| (name.to_owned(), outcome.to_owned())).collect()
}

fn playground(zoo: &Zoo) -> PathBuf {
    for name in ["other", "victim", "moved"] {
        zoo.write(name, &[b'x'; 4_096]);
    }
    ordering(zoo, &format!("{:4095}", "attempts "))
}

/// The file that the hostile program reads. Its NUL keeps it from being refused at sight, as text is.
pub(crate) fn ordering(zoo: &Zoo, order: &str) -> PathBuf {
    zoo.write("input", format!("{order}\0").as_bytes())
}

/// A descriptor that children inherit, as one that somebody forgot to close would be.
#[expect(unsafe_code, reason = "the standard library opens nothing that children inherit")]
fn forgotten() -> OwnedFd {
    let file = std::fs::File::open("/etc/passwd").unwrap();
    // SAFETY: a new descriptor of a file that is open, owned by nobody else.
    unsafe { OwnedFd::from_raw_fd(libc::dup(file.as_raw_fd())) }
}

#[tokio::test]
async fn a_decoder_that_was_taken_over_can_read_its_input_and_compute_and_nothing_else() {
    if !has_walls() {
        return;
    }
    let _forgotten = forgotten();
    let zoo = Zoo::new();
    let tools = hostile_tools(&zoo, Limits::default()).await;
    let told = tools.probe(&playground(&zoo)).await.unwrap().container;
    let confined = read(&told);
    let done: Vec<&str> =
        confined.iter().filter(|(_, outcome)| *outcome == "done").map(|(name, _)| name.as_str()).collect();
    assert_eq!(done, ["read the input", "start a thread"], "{confined:#?}");
    assert!(!zoo.path("made").exists() && zoo.path("victim").exists() && zoo.path("moved").exists());
    // Refused by the walls, and not for want of something to attack.
    let walls =
        [libc::EPERM, libc::EACCES, libc::ENOSYS, libc::ENOMEM, libc::EXDEV, 0].map(|code| code.to_string());
    for (name, outcome) in &confined {
        assert!(outcome == "done" || walls.contains(outcome), "{name}: error {outcome}");
    }
}

/// The suite itself: what is refused behind the walls works outside of them. A few attempts need more than this machine may
/// allow anybody, such as a container without some system call; they are named.
#[test]
fn outside_of_the_walls_the_same_attempts_succeed() {
    let zoo = Zoo::new();
    let _forgotten = forgotten();
    let mut command = Command::new(hostile_program(&zoo));
    command.args(["-show_entries", "x", "-i"]).arg(playground(&zoo));
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let told = text.split("\"format_name\":\"").nth(1).and_then(|rest| rest.split('"').next());
    let free = read(told.unwrap_or_else(|| panic!("{text} {}", String::from_utf8_lossy(&output.stderr))));
    assert!(free.len() >= 60, "{} attempts", free.len());
    const MAY_BE_FORBIDDEN: &[&str] = &[
        "become another user",
        "change an owner",
        "change the root",
        "compare with the server",
        "count events",
        "enter a namespace",
        "handle faults",
        "have a capability",
        "listen to packets",
        "load a program into the kernel",
        "make a call of a newer kernel",
        "make calls by other numbers",
        "make namespaces",
        "mount",
        "name the machine",
        "open a queue of messages",
        "open a raw socket",
        "open a socket to the host",
        "read the server's memory",
        "read the server's memory by call",
        "trace the server",
        "use rings instead of calls",
        "use the kernel's keys",
        "write settings of the kernel",
    ];
    let failed = free.iter().filter(|(_, outcome)| *outcome != "done");
    let (known, unknown): (Vec<_>, Vec<_>) =
        failed.partition(|(name, _)| MAY_BE_FORBIDDEN.contains(&name.as_str()));
    println!("of {} attempts, not possible here in any case: {known:?}", free.len());
    assert!(unknown.is_empty(), "these should work without walls: {unknown:?}");
}

#[tokio::test]
async fn it_cannot_become_another_program() {
    if !has_walls() {
        return;
    }
    let zoo = Zoo::new();
    let tools = hostile_tools(&zoo, Limits::default()).await;
    let told = tools.probe(&ordering(&zoo, "exec")).await.unwrap().container;
    assert_eq!(told, libc::EACCES.to_string());
}

#[tokio::test]
async fn a_required_sandbox_is_refused_where_the_kernel_has_none_and_given_where_it_has() {
    let sandbox = SandboxConfig { require: true, ..SandboxConfig::default() };
    let found = MediaTools::discover(MediaConfig { sandbox, ..MediaConfig::default() }).await;
    assert_eq!(found.is_ok(), SandboxStatus::of_this_machine().is_complete(), "{found:?}");
    assert!(found.is_ok() || matches!(found, Err(MediaError::Sandbox { .. })));
}
