//! What an intruder would try. Each attempt leaves things as they were where it succeeds, as it does outside of the walls.
#![expect(unsafe_code, reason = "most attempts are raw system calls")]

use std::fs::{self, File, OpenOptions};
use std::io;
use std::net::{TcpListener, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;

use libc::{c_int, c_long};

type Attempt = (&'static str, io::Result<()>);

/// All of them; the folder of the input holds `other`, `victim` and the like to play with.
pub(super) fn all(input: &Path) -> Vec<Attempt> {
    let folder = input.parent().expect("a folder");
    let mut all = harmless(input);
    all.extend(files(input, folder));
    all.extend(sockets());
    all.extend(processes());
    all.extend(signals_and_schedules());
    all.extend(kernel());
    all.extend(remains(folder));
    all
}

/// What a system call answered.
fn call(number: c_long, args: [c_long; 6]) -> io::Result<c_long> {
    let [a, b, c, d, e, f] = args;
    // SAFETY: pointers among the arguments are null, or point to what outlives the call.
    let answer = unsafe { libc::syscall(number, a, b, c, d, e, f) };
    if answer == -1 { Err(io::Error::last_os_error()) } else { Ok(answer) }
}

fn plain(number: c_long, a: c_long, b: c_long, c: c_long) -> io::Result<()> {
    call(number, [a, b, c, 0, 0, 0]).map(drop)
}

fn parent() -> c_long {
    c_long::from(std::os::unix::process::parent_id().cast_signed())
}

fn harmless(input: &Path) -> Vec<Attempt> {
    let thread = std::thread::Builder::new().spawn(|| ());
    vec![
        ("read the input", fs::read(input).map(drop)),
        ("start a thread", thread.map(|thread| thread.join().expect("it ends"))),
    ]
}

fn files(input: &Path, folder: &Path) -> Vec<Attempt> {
    let at = |name: &str| folder.join(name);
    let mode = fs::Permissions::from_mode(0o600);
    let open = |path: &str| File::open(path).map(drop);
    let write = |path: &Path| OpenOptions::new().write(true).open(path).map(drop);
    let name = std::ffi::CString::new(input.to_str().expect("a readable path")).expect("no zero");
    let pointer = name.as_ptr() as c_long;
    let times = File::open(input).and_then(|file| file.set_modified(std::time::SystemTime::UNIX_EPOCH));
    vec![
        ("read another file", open(at("other").to_str().expect("a readable path"))),
        ("read passwd", open("/etc/passwd")),
        ("read the server's environment", open(&format!("/proc/{}/environ", parent()))),
        ("read the server's memory", open(&format!("/proc/{}/mem", parent()))),
        ("look at other processes", fs::read_dir("/proc").map(drop)),
        ("list the root", fs::read_dir("/").map(drop)),
        ("write the input", write(input)),
        ("write settings of the kernel", write(Path::new("/proc/self/oom_score_adj"))),
        ("make a file", fs::write(at("made"), "x").and_then(|()| fs::remove_file(at("made")))),
        ("make a folder", fs::create_dir(at("folder")).and_then(|()| fs::remove_dir(at("folder")))),
        ("make a link", fs::hard_link(input, at("link")).and_then(|()| fs::remove_file(at("link")))),
        (
            "make a symbolic link",
            std::os::unix::fs::symlink(input, at("sym")).and_then(|()| fs::remove_file(at("sym"))),
        ),
        ("rename a file", fs::rename(at("moved"), at("away"))),
        ("remove a file", fs::remove_file(at("victim"))),
        ("change a mode", fs::set_permissions(input, mode)),
        ("change an owner", std::os::unix::fs::chown(input, Some(0), Some(0))),
        ("change times", times),
        ("cut a file short", plain(libc::SYS_truncate, pointer, 4_096, 0)),
        ("watch for others' work", plain(libc::SYS_inotify_init1, 0, 0, 0)),
        ("change the root", plain(libc::SYS_chroot, c"/".as_ptr() as c_long, 0, 0)),
    ]
}

fn sockets() -> Vec<Attempt> {
    let socket = |family: c_int, kind: c_int| plain(libc::SYS_socket, family.into(), kind.into(), 0);
    vec![
        ("listen by TCP", TcpListener::bind("127.0.0.1:0").map(drop)),
        ("open a UDP socket", UdpSocket::bind("127.0.0.1:0").map(drop)),
        ("open a raw socket", socket(libc::AF_INET, libc::SOCK_RAW)),
        ("open a local socket", socket(libc::AF_UNIX, libc::SOCK_STREAM)),
        ("open a pair of sockets", UnixStream::pair().map(drop)),
        ("talk to the kernel by netlink", socket(libc::AF_NETLINK, libc::SOCK_RAW)),
        ("listen to packets", socket(libc::AF_PACKET, libc::SOCK_RAW)),
        ("open a socket to the host", socket(libc::AF_VSOCK, libc::SOCK_STREAM)),
        ("use rings instead of calls", {
            let params = [0u64; 15];
            plain(libc::SYS_io_uring_setup, 1, params.as_ptr() as c_long, 0)
        }),
    ]
}

fn processes() -> Vec<Attempt> {
    let fork = || {
        // SAFETY: the child leaves at once.
        match unsafe { libc::fork() } {
            -1 => Err(io::Error::last_os_error()),
            0 => unsafe { libc::_exit(0) },
            child => {
                // SAFETY: waits for the child and wants to know nothing.
                unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) };
                Ok(())
            }
        }
    };
    let memory = || {
        let mut byte = 0u8;
        let local = libc::iovec { iov_base: (&raw mut byte).cast(), iov_len: 1 };
        let there = libc::iovec { iov_base: std::ptr::dangling_mut::<u8>().cast(), iov_len: 1 };
        let (local, there) = (&raw const local as c_long, &raw const there as c_long);
        let read = call(libc::SYS_process_vm_readv, [parent(), local, 1, there, 1, 0]);
        // There is nothing at that address; to be told so means that one may look.
        read.map(drop)
            .or_else(|error| if error.raw_os_error() == Some(libc::EFAULT) { Ok(()) } else { Err(error) })
    };
    vec![
        ("fork", fork()),
        ("start a program", Command::new("/bin/true").status().map(drop)),
        ("run a program from memory", plain(libc::SYS_memfd_create, c"x".as_ptr() as c_long, 0, 0)),
        ("trace the server", {
            let seized = call(libc::SYS_ptrace, [0x4206, parent(), 0, 0, 0, 0]).map(drop);
            if seized.is_ok() {
                let _ = call(libc::SYS_ptrace, [17, parent(), 0, 0, 0, 0]);
            }
            seized
        }),
        ("read the server's memory by call", memory()),
        ("hold the server by a descriptor", plain(libc::SYS_pidfd_open, parent(), 0, 0)),
        ("compare with the server", plain(libc::SYS_kcmp, parent(), parent(), 2)),
        ("leave the group", {
            let left = plain(libc::SYS_setpgid, 0, 0, 0);
            // Back again: the leader of a group cannot begin a session.
            left.and_then(|()| call(libc::SYS_getpgid, [parent(), 0, 0, 0, 0, 0]))
                .and_then(|group| plain(libc::SYS_setpgid, 0, group, 0))
        }),
        ("outlive the server", plain(libc::SYS_prctl, 1, 0, 0)),
        ("use a descriptor of the server", {
            let is_open = |fd: c_int| unsafe { libc::fcntl(fd, libc::F_GETFD) } != -1;
            if (3..1_024).any(is_open) { Ok(()) } else { Err(io::ErrorKind::NotFound.into()) }
        }),
        ("have a capability", {
            let head = [0x2008_0522u32, 0];
            let mut sets = [0u32; 6];
            // SAFETY: the call writes six words, which is what there is.
            unsafe { libc::syscall(libc::SYS_capget, head.as_ptr(), sets.as_mut_ptr()) };
            if sets.iter().any(|set| *set != 0) { Ok(()) } else { Err(io::ErrorKind::NotFound.into()) }
        }),
    ]
}

fn signals_and_schedules() -> Vec<Attempt> {
    // SAFETY: plain integers.
    let owner = |command: c_int| match unsafe { libc::fcntl(1, command, parent() as c_int) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    };
    // Its code says that another process queued it.
    let info = [0, 0xffff_ffff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0u64];
    let mask = [u64::MAX; 16];
    vec![
        ("signal the server", plain(libc::SYS_kill, parent(), 0, 0)),
        ("signal everybody", plain(libc::SYS_kill, -1, 0, 0)),
        ("signal a thread of the server", plain(libc::SYS_tgkill, parent(), parent(), 0)),
        ("signal the server the old way", plain(libc::SYS_tkill, parent(), 0, 0)),
        ("queue a signal for the server", {
            plain(libc::SYS_rt_sigqueueinfo, parent(), 0, info.as_ptr() as c_long)
        }),
        ("have the server signalled", owner(libc::F_SETOWN)),
        ("slow the server down", plain(libc::SYS_setpriority, 0, parent(), 0)),
        ("bind the server to a core", {
            plain(libc::SYS_sched_setaffinity, parent(), 128, mask.as_ptr() as c_long)
        }),
        ("limit the server", {
            let mut limit = [0u64; 2];
            call(libc::SYS_prlimit64, [parent(), 7, 0, limit.as_mut_ptr() as c_long, 0, 0]).map(drop)
        }),
        ("put the server's disk work last", plain(libc::SYS_ioprio_set, 1, parent(), 2 << 13 | 4)),
    ]
}

fn kernel() -> Vec<Attempt> {
    let removed =
        |made: io::Result<c_long>, remove: c_long| made.map(|id| drop(call(remove, [id, 0, 0, 0, 0, 0])));
    let events = [0u64; 16];
    vec![
        ("load a program into the kernel", plain(libc::SYS_bpf, 0, 0, 0)),
        ("count events", plain(libc::SYS_perf_event_open, events.as_ptr() as c_long, 0, -1)),
        ("handle faults", plain(libc::SYS_userfaultfd, 1, 0, 0)),
        ("use the kernel's keys", plain(libc::SYS_keyctl, 0, -3, 0)),
        ("mount", {
            let none = c"none".as_ptr() as c_long;
            call(libc::SYS_mount, [none, c"/nowhere".as_ptr() as c_long, none, 0, 0, 0]).map(drop)
        }),
        ("make namespaces", plain(libc::SYS_unshare, libc::CLONE_NEWUTS.into(), 0, 0)),
        ("enter a namespace", plain(libc::SYS_setns, -1, 0, 0)),
        ("change the personality", plain(libc::SYS_personality, 0xffff_ffff, 0, 0)),
        ("name the machine", {
            let mut name = [0u8; 65];
            // SAFETY: writes at most the length of the buffer.
            unsafe { libc::gethostname(name.as_mut_ptr().cast(), 64) };
            let length = name.iter().position(|byte| *byte == 0).unwrap_or(0);
            plain(libc::SYS_sethostname, name.as_ptr() as c_long, length as c_long, 0)
        }),
        ("make calls by other numbers", plain(0x4000_0000 | libc::SYS_getpid, 0, 0, 0)),
        ("make a call of a newer kernel", plain(457, 0, 0, 0)),
        ("share memory", { removed(call(libc::SYS_shmget, [0, 4_096, 0o1600, 0, 0, 0]), libc::SYS_shmctl) }),
        ("leave messages", removed(call(libc::SYS_msgget, [0, 0o1600, 0, 0, 0, 0]), libc::SYS_msgctl)),
        ("leave semaphores", removed(call(libc::SYS_semget, [0, 1, 0o1600, 0, 0, 0]), libc::SYS_semctl)),
        ("open a queue of messages", {
            let name = c"telecine-test".as_ptr() as c_long;
            let opened = call(libc::SYS_mq_open, [name, 0o102, 0o600, 0, 0, 0]);
            opened.map(|_| drop(plain(libc::SYS_mq_unlink, name, 0, 0)))
        }),
    ]
}

/// These come last, for those that succeed change what may be done.
fn remains(folder: &Path) -> Vec<Attempt> {
    let _ = fs::remove_file(folder.join("away"));
    vec![
        ("take much memory", {
            let taken = Vec::<u8>::new().try_reserve_exact(6 << 30);
            taken.map_err(|_| io::ErrorKind::OutOfMemory.into())
        }),
        ("begin a session", plain(libc::SYS_setsid, 0, 0, 0)),
        ("become another user", plain(libc::SYS_setresuid, 65_534, 65_534, 65_534)),
    ]
}
