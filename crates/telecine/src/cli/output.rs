//! Where a command's data go: standard output, or a file that appears whole or not at all.

use std::fs::File;
use std::io::{self, BufWriter, Stdout, Write};
use std::path::{Path, PathBuf};

/// An open place for data.
#[derive(Debug)]
pub(super) enum Output {
    /// Standard output.
    Standard(Stdout),
    /// A file, written aside.
    File {
        /// Its content.
        writer: BufWriter<File>,
        /// Its name while it is not whole.
        aside: PathBuf,
        /// Its name.
        path: PathBuf,
    },
}

impl Output {
    /// The file, or standard output for none and for `-`.
    pub(super) fn open(path: Option<&Path>) -> io::Result<Self> {
        match path {
            None => Ok(Self::Standard(io::stdout())),
            Some(path) if path == Path::new("-") => Ok(Self::Standard(io::stdout())),
            Some(path) => {
                let aside = path.with_added_extension("partial");
                let writer = BufWriter::new(File::create(&aside)?);
                Ok(Self::File { writer, aside, path: path.to_owned() })
            }
        }
    }

    /// Gives the file its name.
    pub(super) fn finish(self) -> io::Result<()> {
        match self {
            Self::Standard(mut out) => out.flush(),
            Self::File { mut writer, aside, path } => {
                writer.flush()?;
                std::fs::rename(aside, path)
            }
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Standard(out) => out.write(bytes),
            Self::File { writer, .. } => writer.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Standard(out) => out.flush(),
            Self::File { writer, .. } => writer.flush(),
        }
    }
}
