//! What can go wrong with a media file and whose fault it is. Knows no HTTP status and no task state.

use std::path::PathBuf;

/// Why a file could not be probed or decoded. `detail` carries the tool's own last words, cut to a few lines.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MediaError {
    /// Not a media container at all (the file's fault).
    #[error("not a media file: {detail}")]
    NotMedia {
        /// What was found instead.
        detail: String,
    },
    /// A media container, but damaged or cut off (the file's fault).
    #[error("the media file is broken: {detail}")]
    Broken {
        /// What the demuxer or decoder said.
        detail: String,
    },
    /// A container that is not on the whitelist, such as a playlist that would open other files.
    #[error("media of format `{format}` is not accepted; accepted are: {}", crate::limits::ALLOWED_FORMATS)]
    FormatNotAllowed {
        /// The demuxer that recognised the file.
        format: String,
    },
    /// More than the [limits](crate::Limits) allow (the file's fault, or a limit to raise).
    #[error("too large: {what} is {value}, the limit is {limit}")]
    TooLarge {
        /// What is too large, with its unit.
        what: &'static str,
        /// What the file has or declares.
        value: u64,
        /// What is allowed.
        limit: u64,
    },
    /// The file has no stream of the wanted kind.
    #[error("the file has no {wanted} stream")]
    NoSuchStream {
        /// What was asked for.
        wanted: String,
    },
    /// Players in browsers do not know the codec of the pictures, and they may not be encoded anew.
    #[error("pictures of codec `{codec}` would have to be encoded anew to be streamed")]
    NotStreamable {
        /// ffmpeg's name of the codec.
        codec: String,
    },
    /// The child was given up on after this many seconds of waiting for it.
    #[error("{tool} did not finish within {limit_s} s; if the file is sound, raise the wall-clock limit")]
    Timeout {
        /// `ffmpeg` or `ffprobe`.
        tool: &'static str,
        /// Seconds allowed.
        limit_s: u64,
    },
    /// The child ran into a resource limit.
    #[error("{tool} was stopped at its {limit} limit: {detail}")]
    Killed {
        /// `ffmpeg` or `ffprobe`.
        tool: &'static str,
        /// Which limit.
        limit: Limit,
        /// The tool's last words, if any.
        detail: String,
    },
    /// A tool is not installed, too old, or cannot run here (the operator's fault).
    #[error("{tool} cannot be used: {detail}")]
    ToolMissing {
        /// `ffmpeg` or `ffprobe`.
        tool: &'static str,
        /// What was tried, and what to install.
        detail: String,
    },
    /// The sandbox is required, and this machine cannot give it (the operator's fault).
    #[error("the media sandbox cannot be set up: {detail}")]
    Sandbox {
        /// What is missing.
        detail: String,
    },
    /// Nobody takes the frames any more; the decode was stopped.
    #[error("the receiver of the frames has gone away")]
    ReceiverGone,
    /// This machine failed us: disk, pipes, process table.
    #[error("{what}: {source}")]
    Io {
        /// What was being done.
        what: String,
        /// What the system said.
        source: std::io::Error,
    },
}

/// A resource limit that stopped a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Limit {
    /// CPU seconds.
    Cpu,
    /// Address space.
    Memory,
    /// Bytes written.
    Output,
    /// Killed from outside: most often the kernel's out-of-memory killer.
    Unknown,
}

impl std::fmt::Display for Limit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Cpu => "CPU time",
            Self::Memory => "memory",
            Self::Output => "output size",
            Self::Unknown => "system's own (killed from outside)",
        })
    }
}

impl MediaError {
    /// For `map_err`: an I/O failure with what was being done.
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }

    pub(crate) fn opening(path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self {
        Self::io(format!("opening {}", PathBuf::from(path).display()))
    }
}
