//! Bytes of one version of an object, from the source to memory. Sources try again by themselves; here nothing is
//! repeated, and nothing written.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;

use crate::source::{ByteStream, Source, SourceError, SourceErrorKind};

/// What is read.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) source: Arc<dyn Source>,
    pub(crate) key: String,
    /// The version, if the store tells one.
    pub(crate) etag: Option<String>,
}

impl Wanted {
    /// Whether parts that are read one by one are sure to be parts of one thing.
    pub(crate) fn has_parts(&self) -> bool {
        self.etag.is_some() && self.source.has_ranges()
    }

    /// The range as a stream.
    pub(crate) async fn open(&self, range: Range<u64>) -> Result<ByteStream, SourceError> {
        self.source.read(&self.key, self.etag.as_deref(), range).await
    }

    /// The range in memory: exactly as many bytes as asked for.
    pub(crate) async fn read(&self, range: Range<u64>) -> Result<Vec<Bytes>, SourceError> {
        let mut stream = self.open(range.clone()).await?;
        let mut chunks = Vec::new();
        let mut left = range.end - range.start;
        while left > 0 {
            let chunk = self.next(&mut stream, &mut left).await?;
            chunks.push(chunk);
        }
        Ok(chunks)
    }

    /// The next bytes of a stream that has `left` to come.
    pub(crate) async fn next(&self, stream: &mut ByteStream, left: &mut u64) -> Result<Bytes, SourceError> {
        let broken = |detail: String| SourceError {
            kind: SourceErrorKind::Unavailable,
            operation: "GET",
            address: self.source.address(&self.key),
            detail,
        };
        let chunk = stream.next().await.ok_or_else(|| broken(format!("{left} bytes are missing")))??;
        *left = left
            .checked_sub(chunk.len() as u64)
            .ok_or_else(|| broken("the answer is longer than what was asked for".to_owned()))?;
        Ok(chunk)
    }
}
