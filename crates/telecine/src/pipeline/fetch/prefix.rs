//! The beginning of a file that is being fetched: bytes are appended in order, hashed on the way, and what is on disk
//! for sure is noted from time to time. Knows no network.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use tokio_util::sync::CancellationToken;

use super::state::FetchState;
use crate::pipeline::cpu;

/// Bytes after which the state is noted anew: what a crash may cost.
const NOTE_EVERY_BYTES: u64 = 32 << 20;

/// A file's beginning, with the hash so far.
#[derive(Debug)]
pub(crate) struct Prefix {
    file: File,
    hasher: blake3::Hasher,
    written: u64,
    state: FetchState,
    state_path: PathBuf,
}

impl Prefix {
    /// Takes up what an earlier attempt left, hashing it anew, or starts the file. Blocks.
    pub(crate) fn open(
        path: &Path,
        mut state: FetchState,
        state_path: PathBuf,
        cancel: &CancellationToken,
    ) -> io::Result<Self> {
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        if file.metadata()?.len() < state.done_bytes {
            state.done_bytes = 0;
        }
        file.set_len(state.done_bytes)?;
        let mut hasher = blake3::Hasher::new();
        hash_file(&mut file, &mut hasher, cancel)?;
        Ok(Self { file, hasher, written: state.done_bytes, state, state_path })
    }

    /// Bytes so far.
    pub(crate) fn written(&self) -> u64 {
        self.written
    }

    /// The next bytes. Blocks.
    pub(crate) fn append(&mut self, chunks: &[Bytes]) -> io::Result<()> {
        cpu::measured("hash", || {
            for chunk in chunks {
                self.hasher.update(chunk);
                self.file.write_all(chunk)?;
                self.written += chunk.len() as u64;
            }
            io::Result::Ok(())
        })?;
        if self.written - self.state.done_bytes >= NOTE_EVERY_BYTES {
            self.note()?;
        }
        Ok(())
    }

    /// Puts what was written on disk and notes it. Blocks.
    pub(crate) fn note(&mut self) -> io::Result<()> {
        self.file.sync_data()?;
        self.state.done_bytes = self.written;
        self.state.save(&self.state_path)
    }

    /// The file is whole: its hash, noted. Blocks.
    pub(crate) fn finish(&mut self) -> io::Result<String> {
        let hash = self.hasher.finalize().to_hex().to_string();
        self.state.content_hash = Some(hash.clone());
        self.note()?;
        Ok(hash)
    }
}

/// Hashes from where the file stands to its end.
pub(crate) fn hash_file(
    file: &mut File,
    hasher: &mut blake3::Hasher,
    cancel: &CancellationToken,
) -> io::Result<()> {
    let mut buffer = vec![0; 1 << 20];
    loop {
        if cancel.is_cancelled() {
            return Err(io::Error::from(io::ErrorKind::Interrupted));
        }
        match file.read(&mut buffer)? {
            0 => return Ok(()),
            read => hasher.update(&buffer[..read]),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transfer::ObjectStamp;

    #[test]
    fn a_prefix_that_is_taken_up_gives_the_hash_of_the_whole() {
        let folder = tempfile::tempdir().unwrap();
        let (path, state_path) = (folder.path().join("fetched"), folder.path().join("fetch.json"));
        let stamp = ObjectStamp { etag: "one".into(), size_bytes: 11 };
        let open = || {
            let state = FetchState::load(&state_path, "s3://b/k".into(), stamp.clone());
            Prefix::open(&path, state, state_path.clone(), &CancellationToken::new()).unwrap()
        };
        let mut prefix = open();
        prefix.append(&[Bytes::from_static(b"hello ")]).unwrap();
        prefix.note().unwrap();
        prefix.append(&[Bytes::from_static(b"lost")]).unwrap();
        drop(prefix);
        let mut again = open();
        assert_eq!(again.written(), 6, "what was not noted is not trusted");
        again.append(&[Bytes::from_static(b"world")]).unwrap();
        assert_eq!(again.finish().unwrap(), blake3::hash(b"hello world").to_hex().to_string());
        assert_eq!(std::fs::read(&path).unwrap(), b"hello world");
    }
}
