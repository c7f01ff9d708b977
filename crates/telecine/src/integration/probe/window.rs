//! The parts of an object that were read, in a local file. Counts what is read, and refuses
//! to read more than is allowed.

use std::ops::Range;
use std::path::Path;

use anyhow::Context as _;
use futures::StreamExt;
use tempfile::TempPath;
use tokio::io::{AsyncSeekExt, AsyncWriteExt};

use super::{HeaderLimits, object_fault, too_much};
use crate::fault::Result;
use crate::source::{ObjectInfo, Source};

pub(super) struct Window<'a> {
    source: &'a dyn Source,
    info: &'a ObjectInfo,
    limits: &'a HeaderLimits,
    file: tokio::fs::File,
    path: TempPath,
    bytes_read: u64,
    requests: u32,
}

impl<'a> Window<'a> {
    /// A file without anything in it.
    pub(super) async fn open(
        source: &'a dyn Source,
        info: &'a ObjectInfo,
        limits: &'a HeaderLimits,
        folder: &Path,
    ) -> Result<Self> {
        let file = tempfile::Builder::new().prefix("header-").tempfile_in(folder);
        let (file, path) = file.context("cannot make a file for a header")?.into_parts();
        let file = tokio::fs::File::from_std(file);
        Ok(Self { source, info, limits, file, path, bytes_read: 0, requests: 0 })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn size(&self) -> u64 {
        self.info.size_bytes
    }

    pub(super) fn has_ranges(&self) -> bool {
        self.source.has_ranges()
    }

    pub(super) fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    pub(super) fn requests(&self) -> u32 {
        self.requests
    }

    /// Makes the file as long as the object; what was not read takes no room.
    pub(super) async fn stretch(&mut self) -> Result<()> {
        Ok(self.file.set_len(self.size()).await.context("cannot make room for a header")?)
    }

    /// Gets a range, as far as the object has it.
    pub(super) async fn copy(&mut self, range: Range<u64>) -> Result<()> {
        let at = range.start;
        self.get(range, at, |_| {}).await
    }

    /// Gets the end of the object, and puts it behind what is in the file.
    pub(super) async fn append(&mut self, range: Range<u64>, at: u64) -> Result<()> {
        self.get(range, at, |_| {}).await
    }

    /// Gets a range, as far as the object has it, and gives it.
    pub(super) async fn bytes(&mut self, range: Range<u64>) -> Result<Vec<u8>> {
        let (mut bytes, at) = (Vec::new(), range.start);
        self.get(range, at, |chunk| bytes.extend_from_slice(chunk)).await?;
        Ok(bytes)
    }

    async fn get(&mut self, range: Range<u64>, at: u64, mut each: impl FnMut(&[u8])) -> Result<()> {
        let range = range.start..range.end.min(self.size());
        if range.is_empty() {
            return Ok(());
        }
        let bytes = range.end - range.start;
        if self.requests == self.limits.requests {
            let what = format!("{} requests did not find its index", self.requests);
            return Err(too_much(self.limits, what).into());
        }
        if bytes > self.limits.bytes.saturating_sub(self.bytes_read) {
            let what = format!("{bytes} bytes are to be read after {}", self.bytes_read);
            return Err(too_much(self.limits, what).into());
        }
        self.requests += 1;
        self.file.seek(std::io::SeekFrom::Start(at)).await.context("cannot write a header")?;
        let told = |error| object_fault(&error);
        let mut body = self.source.read(&self.info.key, Some(&self.info.etag), range).await.map_err(told)?;
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(told)?;
            self.bytes_read += chunk.len() as u64;
            each(&chunk);
            self.file.write_all(&chunk).await.context("cannot write a header")?;
        }
        self.file.flush().await.context("cannot write a header")?;
        Ok(())
    }
}
