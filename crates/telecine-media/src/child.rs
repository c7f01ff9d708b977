//! Running one tool as a confined child: spawn, capped reading of its messages, waiting with a wall clock, and the
//! verdict on how it ended. It knows nothing of what the tool prints.

mod lasting;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, ChildStdout, Command};
use tokio::task::JoinHandle;

use crate::error::Limit;
use crate::sandbox::Policy;
use crate::{Limits, MediaError};

/// Protocols a tool may use: the input file and inherited descriptors.
pub(crate) const PROTOCOLS: &str = "file,pipe";

/// How long the messages of a child that has ended may take to be read.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// A running child. Dropping it kills its whole process group.
#[derive(Debug)]
pub(crate) struct Running {
    tool: &'static str,
    child: Child,
    group: Option<libc::pid_t>,
    stdout: Option<ChildStdout>,
    stderr: JoinHandle<Vec<u8>>,
    clock: Clock,
    cpu_s: u64,
    threads: u64,
}

/// Wall-clock time spent waiting for the child, against its budget.
#[derive(Debug)]
struct Clock {
    spent: Duration,
    budget: Duration,
}

/// How a child ended, and its last words.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) tool: &'static str,
    pub(crate) status: ExitStatus,
    pub(crate) stderr: String,
    /// Whether so much time passed that the CPU limit is the likely cause of a kill.
    may_have_used_its_cpu: bool,
}

/// What to run.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) tool: &'static str,
    pub(crate) args: Vec<OsString>,
    pub(crate) policy: Policy,
    pub(crate) wall_s: u64,
}

impl Running {
    pub(crate) fn spawn(job: Job, limits: &Limits) -> Result<Self, MediaError> {
        let Job { tool, args, policy, wall_s } = job;
        let cpu_s = policy.cpu_s;
        let program: PathBuf = policy.program.clone();
        let mut command = std::process::Command::new(&program);
        command.args(args).env_clear().env("LC_ALL", "C").env("AV_LOG_FORCE_NOCOLOR", "1");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // The tool must not start in a folder that it could not read anyway.
        command.current_dir("/");
        lasting::die_with_this_process(&mut command);
        policy.confine(&mut command)?;
        let mut command = Command::from(command);
        command.kill_on_drop(true);
        let runtime = tokio::runtime::Handle::current();
        let spawned = lasting::on_lasting_thread(move || {
            let _context = runtime.enter();
            command.spawn()
        });
        let mut child = spawned.map_err(|error| {
            ended(tool, "not_started");
            cannot_start(tool, &program, error)
        })?;
        let stderr = child.stderr.take().expect("stderr was piped");
        Ok(Self {
            tool,
            group: child.id().and_then(|pid| libc::pid_t::try_from(pid).ok()),
            stdout: child.stdout.take(),
            stderr: tokio::spawn(last_words(stderr, limits.stderr_bytes)),
            child,
            clock: Clock { spent: Duration::ZERO, budget: Duration::from_secs(wall_s) },
            cpu_s,
            threads: u64::from(limits.threads.max(1)),
        })
    }

    /// The child's standard output. To be taken once.
    pub(crate) fn take_stdout(&mut self) -> ChildStdout {
        self.stdout.take().expect("stdout is taken once")
    }

    /// Awaits something that the child is to produce; only this time counts against its wall clock.
    pub(crate) async fn awaiting<T>(&mut self, work: impl Future<Output = T>) -> Result<T, MediaError> {
        let left = self.clock.budget.saturating_sub(self.clock.spent);
        let started = Instant::now();
        let done = tokio::time::timeout(left, work).await;
        self.clock.spent += started.elapsed();
        done.map_err(|_| self.timed_out())
    }

    fn timed_out(&self) -> MediaError {
        ended(self.tool, "timeout");
        MediaError::Timeout { tool: self.tool, limit_s: self.clock.budget.as_secs() }
    }

    /// Waits for the child to end by itself.
    pub(crate) async fn end(mut self) -> Result<Ended, MediaError> {
        let left = self.clock.budget.saturating_sub(self.clock.spent);
        let started = Instant::now();
        let status = tokio::time::timeout(left, self.child.wait())
            .await
            .map_err(|_| self.timed_out())?
            .map_err(MediaError::io(format!("waiting for {}", self.tool)))?;
        // Reaped: the number may soon name somebody else's group.
        self.group = None;
        self.clock.spent += started.elapsed();
        // Nothing is left that could write, unless a kernel without seccomp let the child start something.
        let stderr = tokio::time::timeout(LAST_WORDS, &mut self.stderr).await;
        let stderr = stderr.ok().and_then(Result::ok).unwrap_or_default();
        let end = Ended {
            tool: self.tool,
            status,
            stderr: String::from_utf8_lossy(&stderr).trim().to_owned(),
            may_have_used_its_cpu: self.clock.spent.as_secs() * self.threads + 1 >= self.cpu_s,
        };
        ended(
            self.tool,
            match end.within_limits() {
                Err(_) => "limit",
                Ok(()) if status.success() => "ok",
                Ok(()) => "failed",
            },
        );
        Ok(end)
    }

    /// Runs to the end and returns what was printed, at most `max_bytes` of it.
    pub(crate) async fn output(mut self, max_bytes: u64) -> Result<(Vec<u8>, Ended), MediaError> {
        let tool = self.tool;
        let mut stdout = self.take_stdout().take(max_bytes.saturating_add(1));
        let mut printed = Vec::new();
        self.awaiting(stdout.read_to_end(&mut printed))
            .await?
            .map_err(MediaError::io(format!("reading from {tool}")))?;
        if printed.len() as u64 > max_bytes {
            let value = printed.len() as u64;
            return Err(MediaError::TooLarge { what: "the tool's output (bytes)", value, limit: max_bytes });
        }
        Ok((printed, self.end().await?))
    }
}

impl Drop for Running {
    #[expect(unsafe_code, reason = "the standard library cannot signal a process group")]
    fn drop(&mut self) {
        if let Some(group) = self.group {
            // SAFETY: sends a signal to the group that the child, not yet reaped, leads.
            unsafe { libc::killpg(group, libc::SIGKILL) };
        }
        self.stderr.abort();
    }
}

impl Ended {
    /// An error if a limit stopped the child; whether it succeeded otherwise is the caller's to judge.
    pub(crate) fn within_limits(&self) -> Result<(), MediaError> {
        use std::os::unix::process::ExitStatusExt;
        let ran_out_of_memory = self.stderr.contains("Cannot allocate memory");
        let limit = match (self.status.signal(), self.status.code()) {
            (Some(libc::SIGXCPU), _) => Limit::Cpu,
            (Some(libc::SIGXFSZ), _) => Limit::Output,
            (Some(libc::SIGKILL), _) if self.may_have_used_its_cpu => Limit::Cpu,
            (Some(libc::SIGKILL), _) => Limit::Unknown,
            // ffmpeg catches the CPU signal and leaves with this code; nobody else signals it.
            (None, Some(255)) if self.tool == "ffmpeg" => Limit::Cpu,
            (None, Some(code)) if code != 0 && ran_out_of_memory => Limit::Memory,
            _ => return Ok(()),
        };
        Err(MediaError::Killed { tool: self.tool, limit, detail: self.detail() })
    }

    /// The tool's last words without addresses, cut to a readable length; what ended it when it said nothing.
    pub(crate) fn detail(&self) -> String {
        if self.stderr.is_empty() { self.status.to_string() } else { summary(&self.stderr) }
    }
}

/// The last few lines, without the object addresses that differ from run to run and without our folders.
fn summary(stderr: &str) -> String {
    const LINES: usize = 4;
    const CHARS: usize = 500;
    let lines: Vec<String> =
        stderr.lines().map(without_address).map(without_path).filter(|line| !line.is_empty()).collect();
    let text = lines[lines.len().saturating_sub(LINES)..].join("; ");
    // Files can put words into the tool's mouth; a terminal or a log must not obey them.
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(CHARS).collect()
}

/// `[mov @ 0x55…] moov atom not found` → `[mov] moov atom not found`.
fn without_address(line: &str) -> String {
    match (line.find(" @ 0x"), line.find(']')) {
        (Some(at), Some(close)) if at < close => format!("{}{}", &line[..at], &line[close..]),
        _ => line.to_owned(),
    }
}

/// `file:/var/…/fetched: Invalid data` → `the file: Invalid data`: users are told of it, and folders are not theirs.
fn without_path(line: String) -> String {
    let Some(start) = line.find("file:/") else { return line };
    let rest = &line[start..];
    let end =
        rest.find(": ").or_else(|| rest.find(['\'', '"'])).unwrap_or(rest.trim_end_matches(['.', ':']).len());
    format!("{}the file{}", &line[..start], without_path(rest[end..].to_owned()))
}

/// Reads everything, so that the child never blocks on its messages, and keeps the newest `keep` bytes.
async fn last_words(mut stderr: impl AsyncRead + Unpin, keep: usize) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut chunk = [0; 4096];
    while let Ok(n @ 1..) = stderr.read(&mut chunk).await {
        kept.extend_from_slice(&chunk[..n]);
        kept.drain(..kept.len().saturating_sub(keep));
    }
    kept
}

/// Counts how a child ended.
fn ended(tool: &'static str, outcome: &'static str) {
    metrics::counter!("telecine_child_processes_total", "tool" => tool, "outcome" => outcome).increment(1);
}

fn cannot_start(tool: &'static str, program: &Path, error: std::io::Error) -> MediaError {
    let detail = format!("starting {} failed: {error}", program.display());
    match error.kind() {
        std::io::ErrorKind::NotFound | std::io::ErrorKind::PermissionDenied => {
            MediaError::ToolMissing { tool, detail }
        }
        _ => MediaError::Io { what: format!("starting {}", program.display()), source: error },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_keeps_the_last_lines_and_drops_addresses() {
        let stderr = "one\ntwo\n[mov,mp4 @ 0x55d0c8] moov atom not found\nfile:x: Invalid data\nlast";
        assert_eq!(summary(stderr), "two; [mov,mp4] moov atom not found; file:x: Invalid data; last");
    }

    #[test]
    fn a_summary_names_no_folder_of_ours() {
        let cases = [
            ("file:/srv/my data/work/1/fetched: Invalid data found", "the file: Invalid data found"),
            ("Error opening input file file:/srv/data/fetched.", "Error opening input file the file."),
            ("cannot open 'file:/srv/data/fetched'", "cannot open 'the file'"),
            ("file:/a/b", "the file"),
        ];
        for (said, told) in cases {
            assert_eq!(summary(said), told);
        }
    }

    #[test]
    fn a_summary_has_nothing_that_a_terminal_would_obey() {
        assert_eq!(summary("a\u{1b}[2J\rb\u{7}"), "a [2J b ");
    }

    #[tokio::test]
    async fn only_the_newest_messages_are_kept() {
        let long = [vec![b'a'; 10_000], b"the end".to_vec()].concat();
        assert_eq!(last_words(long.as_slice(), 7).await, b"the end");
    }
}
