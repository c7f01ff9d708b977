//! Finding the tools and proving at start that they run inside the sandbox. The handle that the other files' methods
//! hang on; it holds no state of any file.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::child::{Job, Running};
use crate::sandbox::{Policy, SandboxConfig, SandboxStatus};
use crate::{Limits, MediaError, MediaTime};

/// The oldest version whose options we use (`-fps_mode` came with 5.1).
const OLDEST: (u32, u32) = (5, 1);

/// Which tools to use and how far to trust them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MediaConfig {
    /// Path of `ffmpeg` (default: the first one on `PATH`).
    pub ffmpeg: Option<PathBuf>,
    /// Path of `ffprobe` (default: the first one on `PATH`).
    pub ffprobe: Option<PathBuf>,
    /// Bounds on each child.
    pub limits: Limits,
    /// The walls around each child.
    pub sandbox: SandboxConfig,
}

/// Tools that were found, checked and tried. Cheap to clone.
#[derive(Debug, Clone)]
pub struct MediaTools {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    ffmpeg: PathBuf,
    ffprobe: PathBuf,
    version: String,
    limits: Limits,
    sandbox: SandboxConfig,
    status: SandboxStatus,
}

/// One of the two programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tool {
    Ffmpeg,
    Ffprobe,
}

impl Tool {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ffmpeg => "ffmpeg",
            Self::Ffprobe => "ffprobe",
        }
    }
}

impl MediaTools {
    /// Finds both tools, runs each once inside the sandbox and checks its version.
    ///
    /// # Errors
    /// [`MediaError::ToolMissing`] says what to install; [`MediaError::Sandbox`] what the kernel lacks, when the
    /// configuration requires it.
    pub async fn discover(config: MediaConfig) -> Result<Self, MediaError> {
        let status = SandboxStatus::of_this_machine();
        if config.sandbox.require && !status.is_complete() {
            let detail =
                format!("this kernel offers {status}; landlock and seccomp are required by configuration");
            return Err(MediaError::Sandbox { detail });
        }
        let mut tools = Inner {
            ffmpeg: locate(Tool::Ffmpeg, config.ffmpeg.as_deref())?,
            ffprobe: locate(Tool::Ffprobe, config.ffprobe.as_deref())?,
            version: String::new(),
            limits: config.limits,
            sandbox: config.sandbox,
            status,
        };
        tools.version_of(Tool::Ffprobe).await?;
        tools.version = tools.version_of(Tool::Ffmpeg).await?;
        Ok(Self { inner: Arc::new(tools) })
    }

    /// The version of ffmpeg, as it tells it.
    pub fn version(&self) -> &str {
        &self.inner.version
    }

    /// What the kernel enforces on each child.
    pub fn sandbox_status(&self) -> SandboxStatus {
        self.inner.status
    }

    /// The bounds on each child.
    pub fn limits(&self) -> &Limits {
        &self.inner.limits
    }

    /// Starts a tool on one input file, with budgets fit for this much media.
    pub(crate) fn start(&self, tool: Tool, run: Run) -> Result<Running, MediaError> {
        self.inner.start(tool, run)
    }
}

/// One run of a tool.
#[derive(Debug, Default)]
pub(crate) struct Run {
    pub(crate) args: Vec<OsString>,
    /// The only file of the user's that it may read.
    pub(crate) input: Option<PathBuf>,
    pub(crate) inherit: Vec<std::os::fd::OwnedFd>,
    /// Largest file that it may write through an inherited descriptor.
    pub(crate) file_bytes: u64,
    pub(crate) cpu_s: u64,
    pub(crate) wall_s: u64,
}

impl Run {
    /// A run with the budgets for a look at the headers.
    pub(crate) fn brief(limits: &Limits) -> Self {
        Self { cpu_s: limits.probe_cpu_s, wall_s: limits.probe_wall_s, ..Self::default() }
    }

    /// A run with the budgets for a pass over the whole file.
    pub(crate) fn whole(limits: &Limits, media: MediaTime) -> Self {
        Self { cpu_s: limits.cpu_s(media), wall_s: limits.wall_s(media), ..Self::default() }
    }

    pub(crate) fn arg(&mut self, arg: impl AsRef<OsStr>) -> &mut Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    pub(crate) fn args<A: AsRef<OsStr>>(&mut self, args: impl IntoIterator<Item = A>) -> &mut Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Names the input: as an absolute path behind `file:`, for a name may look like an option or a protocol.
    pub(crate) fn input(&mut self, path: &Path) -> Result<&mut Self, MediaError> {
        let path = path.canonicalize().map_err(MediaError::opening(path))?;
        let mut url = OsString::from("file:");
        url.push(&path);
        self.args.extend([OsString::from("-i"), url]);
        self.input = Some(path);
        Ok(self)
    }
}

impl Inner {
    fn start(&self, tool: Tool, run: Run) -> Result<Running, MediaError> {
        let program = match tool {
            Tool::Ffmpeg => self.ffmpeg.clone(),
            Tool::Ffprobe => self.ffprobe.clone(),
        };
        let mut read = self.sandbox.extra_read.clone();
        read.extend(run.input);
        let policy = Policy {
            program,
            read,
            inherit: run.inherit,
            cpu_s: run.cpu_s,
            address_space_bytes: self.limits.address_space_bytes,
            file_bytes: run.file_bytes,
            open_files: self.limits.open_files,
        };
        let job = Job { tool: tool.name(), args: run.args, policy, wall_s: run.wall_s };
        Running::spawn(job, &self.limits)
    }

    /// The first line of `-version`, checked against [`OLDEST`].
    async fn version_of(&self, tool: Tool) -> Result<String, MediaError> {
        let mut run = Run::brief(&self.limits);
        run.arg("-version");
        let (printed, ended) = self.start(tool, run)?.output(64 << 10).await?;
        let refuse = |detail| MediaError::ToolMissing { tool: tool.name(), detail };
        if !ended.status.success() {
            let detail = format!(
                "it does not run in the sandbox: {}; {}",
                ended.detail(),
                "libraries in unusual \
                places can be allowed by `extra_read`"
            );
            return Err(refuse(detail));
        }
        let text = String::from_utf8_lossy(&printed);
        let version = text.split_whitespace().nth(2).unwrap_or("unknown").to_owned();
        match parse_version(&version) {
            Some(found) if found < OLDEST => {
                let (major, minor) = OLDEST;
                Err(refuse(format!("version {version} is too old; install ffmpeg {major}.{minor} or newer")))
            }
            _ => Ok(version),
        }
    }
}

/// `5.1.9-0+deb12u1` → (5, 1). A build from a development tree has no such number and is trusted.
fn parse_version(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.trim_start_matches('n').split(|c: char| !c.is_ascii_digit());
    let major = numbers.next()?.parse().ok()?;
    let minor = numbers.next().and_then(|n| n.parse().ok()).unwrap_or(0);
    Some((major, minor))
}

fn locate(tool: Tool, configured: Option<&Path>) -> Result<PathBuf, MediaError> {
    let name = tool.name();
    let refuse = |detail: String| MediaError::ToolMissing { tool: name, detail };
    if let Some(path) = configured {
        return path
            .canonicalize()
            .map_err(|e| refuse(format!("{} is configured, but: {e}", path.display())));
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .filter_map(|folder| folder.join(name).canonicalize().ok())
        .find(|file| file.is_file())
        .ok_or_else(|| {
            refuse("not found on PATH; install ffmpeg 5.1 or newer (Debian: apt install ffmpeg)".into())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_distributions_and_of_source_trees_are_understood() {
        assert_eq!(parse_version("5.1.9-0+deb12u1"), Some((5, 1)));
        assert_eq!(parse_version("n7.0"), Some((7, 0)));
        assert_eq!(parse_version("8"), Some((8, 0)));
        assert_eq!(parse_version("git-2024-01-01"), None);
        assert!(parse_version("4.4.2").unwrap() < OLDEST);
    }

    #[tokio::test]
    async fn a_missing_tool_is_named_with_its_path() {
        let config = MediaConfig { ffmpeg: Some("/nowhere/ffmpeg".into()), ..MediaConfig::default() };
        let error = MediaTools::discover(config).await.unwrap_err().to_string();
        assert!(error.contains("ffmpeg") && error.contains("/nowhere/ffmpeg"), "{error}");
    }
}
