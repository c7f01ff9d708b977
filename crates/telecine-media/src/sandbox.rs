//! The walls around a child that reads hostile bytes: landlock, seccomp, rlimits, no capabilities, its own process
//! group. It decides what a child may touch; it does not know what ffmpeg is.
//!
//! The child may read system libraries, the one input file and what the operator adds; it may execute only itself
//! (and its ELF loader); it may write nothing but the descriptors it inherits. It cannot open sockets, start
//! processes, signal or trace others, or change any file's mode or owner. When memory runs out, the kernel takes it before
//! others.

mod elf;
mod syscalls;

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreated,
    RulesetCreatedAttr, Scope,
};
use seccompiler::BpfProgram;
use serde::{Deserialize, Serialize};

use crate::MediaError;

/// The landlock version whose rights are asked for; an older kernel enforces those it knows.
const WANTED_ABI: ABI = ABI::V6;

/// What every dynamically linked program needs to read; missing ones are skipped.
const SYSTEM_READ: &[&str] = &[
    "/lib",
    "/lib32",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/nix/store",
    "/etc/ld.so.cache",
    "/dev/null",
    "/dev/zero",
    "/dev/urandom",
    "/sys/devices/system/cpu",
];

/// How strict the operator wants the sandbox to be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SandboxConfig {
    /// Refuse to work where the kernel lacks landlock or seccomp (default: work with what is there and say so).
    pub require: bool,
    /// Further files and folders that children may read, for libraries in unusual places.
    pub extra_read: Vec<PathBuf>,
}

/// What this machine's kernel can enforce; for the log at start and for the readiness report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct SandboxStatus {
    /// Landlock's version; 0 when the kernel has none. Files need 1, TCP needs 4, signals need 6.
    pub landlock_abi: u32,
    /// Whether system calls can be filtered.
    pub seccomp: bool,
}

impl SandboxStatus {
    /// Asks the running kernel.
    pub fn of_this_machine() -> Self {
        Self { landlock_abi: landlock_abi(), seccomp: seccomp_is_available() }
    }

    /// Whether files and system calls are both walled off.
    pub fn is_complete(&self) -> bool {
        self.landlock_abi >= 1 && self.seccomp
    }
}

impl std::fmt::Display for SandboxStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.landlock_abi {
            0 => write!(f, "no landlock")?,
            abi => write!(f, "landlock {abi}")?,
        }
        write!(f, ", {}", if self.seccomp { "seccomp" } else { "no seccomp" })
    }
}

/// What one child may do. Built per child, for each reads another file.
#[derive(Debug)]
pub struct Policy {
    /// Absolute path of the program, the only one that may be executed.
    pub program: PathBuf,
    /// Files and folders that may be read besides system libraries.
    pub read: Vec<PathBuf>,
    /// Open descriptors handed down under their present numbers; all others are closed.
    pub inherit: Vec<OwnedFd>,
    /// CPU seconds.
    pub cpu_s: u64,
    /// Address space.
    pub address_space_bytes: u64,
    /// Largest file it may write through an inherited descriptor.
    pub file_bytes: u64,
    /// Open descriptors.
    pub open_files: u64,
}

impl Policy {
    /// Arms the command: the walls go up in the child between fork and exec. What the kernel lacks is left out, as
    /// [`SandboxStatus`] tells; what it has and refuses makes the spawn fail.
    #[expect(unsafe_code, reason = "pre_exec runs between fork and exec")]
    pub fn confine(self, command: &mut Command) -> Result<(), MediaError> {
        let status = SandboxStatus::of_this_machine();
        let mut ruleset = match status.landlock_abi {
            0 => None,
            _ => Some(self.ruleset().map_err(|e| MediaError::Sandbox { detail: format!("landlock: {e}") })?),
        };
        let filters = if status.seccomp { syscalls::filters()? } else { Vec::new() };
        let limits = self.rlimits();
        let inherit = self.inherit;
        command.process_group(0);
        let walls = move || {
            keep_only(&inherit)?;
            drop_capabilities();
            be_first_to_go();
            for (resource, soft, hard) in limits {
                set_rlimit(resource, soft, hard)?;
            }
            if let Some(ruleset) = ruleset.take() {
                ruleset.restrict_self().map_err(|_| io::Error::last_os_error())?;
            }
            install(&filters)
        };
        // SAFETY: the closure only makes system calls on memory prepared before the fork; it takes no lock and does
        // not allocate. (Dropping the ruleset closes one descriptor.)
        unsafe { command.pre_exec(walls) };
        Ok(())
    }

    /// Rules as open descriptors, made before the fork.
    fn ruleset(&self) -> Result<RulesetCreated, landlock::RulesetError> {
        let read: BitFlags<AccessFs> = AccessFs::ReadFile | AccessFs::ReadDir;
        let run: BitFlags<AccessFs> = AccessFs::ReadFile | AccessFs::Execute;
        let mut rules = Ruleset::default()
            .handle_access(AccessFs::from_all(WANTED_ABI))?
            .handle_access(AccessNet::from_all(WANTED_ABI))?
            .scope(Scope::from_all(WANTED_ABI))?
            .create()?;
        let loader = elf::interpreter(&self.program);
        let readable = SYSTEM_READ.iter().map(Path::new).chain(self.read.iter().map(PathBuf::as_path));
        let executable = [Some(self.program.as_path()), loader.as_deref()];
        let grants =
            readable.map(|path| (path, read)).chain(executable.into_iter().flatten().map(|path| (path, run)));
        for (path, access) in grants {
            // A path that does not exist needs no permission.
            let Ok(fd) = PathFd::new(path) else { continue };
            let access = if path.is_dir() { access } else { access & !AccessFs::ReadDir };
            rules = rules.add_rule(PathBeneath::new(fd, access))?;
        }
        if let Ok(null) = PathFd::new("/dev/null") {
            rules = rules.add_rule(PathBeneath::new(null, AccessFs::WriteFile))?;
        }
        Ok(rules)
    }

    fn rlimits(&self) -> [(Resource, u64, u64); 6] {
        // The limit counts all of the user's threads, so that it is told from all that there are. Root has none.
        let threads = running_threads().saturating_add(MORE_THREADS);
        // A tool that catches the soft CPU limit gets two seconds to end by itself.
        [
            (libc::RLIMIT_NPROC, threads, threads),
            (libc::RLIMIT_CPU, self.cpu_s, self.cpu_s.saturating_add(2)),
            (libc::RLIMIT_AS, self.address_space_bytes, self.address_space_bytes),
            (libc::RLIMIT_FSIZE, self.file_bytes, self.file_bytes),
            (libc::RLIMIT_NOFILE, self.open_files, self.open_files),
            (libc::RLIMIT_CORE, 0, 0),
        ]
    }
}

#[cfg(target_env = "gnu")]
type Resource = libc::__rlimit_resource_t;
#[cfg(not(target_env = "gnu"))]
type Resource = libc::c_int;

/// Marks every descriptor above stderr close-on-exec, except those that are handed down.
#[expect(unsafe_code, reason = "plain system calls on descriptor numbers")]
fn keep_only(inherit: &[OwnedFd]) -> io::Result<()> {
    // SAFETY: changes flags of this process's descriptors only. An old kernel without close_range leaves what Rust
    // opened, which is close-on-exec already.
    unsafe { libc::syscall(libc::SYS_close_range, 3u32, u32::MAX, libc::CLOSE_RANGE_CLOEXEC) };
    for fd in inherit {
        let fd: RawFd = fd.as_raw_fd();
        // SAFETY: clears the close-on-exec flag of a descriptor that this process owns.
        if unsafe { libc::fcntl(fd, libc::F_SETFD, 0) } == -1 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

/// Empties every set of capabilities, so that exec gives none: neither root's child, nor that of a service which was started
/// with a few.
#[expect(unsafe_code, reason = "prctl and capset")]
fn drop_capabilities() {
    const VERSION_3: u32 = 0x2008_0522;
    let head = [VERSION_3, 0];
    let none = [0u32; 6];
    for capability in 0..64 {
        // SAFETY: takes plain integers; an unknown capability is an error without effect.
        unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) };
    }
    // SAFETY: the call reads two words of `head` and six of `none`, which outlive it.
    unsafe {
        libc::prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
        libc::syscall(libc::SYS_capset, head.as_ptr(), none.as_ptr());
    }
}

/// Tells the kernel which process to end when memory runs out: this one, and not the server.
#[expect(unsafe_code, reason = "plain system calls, as nothing may be allocated between fork and exec")]
fn be_first_to_go() {
    let score = b"1000";
    // SAFETY: a terminated path, and as many bytes as there are. Where it fails, nothing is lost.
    unsafe {
        let fd = libc::open(c"/proc/self/oom_score_adj".as_ptr(), libc::O_WRONLY | libc::O_CLOEXEC);
        if fd >= 0 {
            libc::write(fd, score.as_ptr().cast(), score.len());
            libc::close(fd);
        }
    }
}

/// Threads that children may start beyond those that run on this machine already.
const MORE_THREADS: u64 = 1_024;

/// All threads of this machine, of whichever user: `0.00 0.01 0.05 1/234 5678` has them behind the slash.
fn running_threads() -> u64 {
    let told = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let threads = told.split_once('/').and_then(|(_, rest)| rest.split_whitespace().next()?.parse().ok());
    threads.unwrap_or(1 << 16)
}

/// Lowers a limit, never beyond what the process may ask for.
#[expect(unsafe_code, reason = "getrlimit and setrlimit")]
fn set_rlimit(resource: Resource, soft: u64, hard: u64) -> io::Result<()> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is a valid, writable rlimit for both calls.
    unsafe {
        if libc::getrlimit(resource, &raw mut limit) == -1 {
            return Err(io::Error::last_os_error());
        }
        limit.rlim_max = limit.rlim_max.min(hard);
        limit.rlim_cur = limit.rlim_max.min(soft);
        if libc::setrlimit(resource, &raw const limit) == -1 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

fn install(filters: &[BpfProgram]) -> io::Result<()> {
    for filter in filters {
        seccompiler::apply_filter(filter).map_err(|_| io::Error::last_os_error())?;
    }
    Ok(())
}

#[expect(unsafe_code, reason = "landlock's version is told by a raw system call")]
fn landlock_abi() -> u32 {
    const VERSION: u32 = 1;
    let none: *const libc::c_void = std::ptr::null();
    // SAFETY: with a null attribute, size 0 and this flag the call only returns the version.
    let abi = unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, none, 0usize, VERSION) };
    u32::try_from(abi).unwrap_or(0)
}

#[expect(unsafe_code, reason = "seccomp's abilities are told by a raw system call")]
fn seccomp_is_available() -> bool {
    let action: u32 = libc::SECCOMP_RET_ERRNO;
    // SAFETY: reads four bytes from `action`, which outlives the call.
    let rc =
        unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_GET_ACTION_AVAIL, 0u32, &raw const action) };
    rc == 0
}

/// A pipe for the parent to read and the child to write to, by the number of its descriptor.
pub(crate) fn pipe_to_parent() -> io::Result<(File, OwnedFd)> {
    let (reader, writer) = io::pipe()?;
    Ok((File::from(OwnedFd::from(reader)), OwnedFd::from(writer)))
}
