//! Brings a manifest from the network to the parser: bytes come asynchronously, the parser blocks, and both ends are
//! bounded. Knows what a dropped connection looks like; knows nothing of what entries mean.

use std::io::{self, Read};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::Entry;
use super::manifest::{cut_off, parse};
use crate::fault::{Code, Fault, Result};

/// Bytes that are read at once.
const PART_BYTES: usize = 64 << 10;
/// Parts on their way to the parser.
const PARTS: usize = 8;
/// Entries that are handed on at once.
const BATCH: usize = 1_000;
/// Batches on their way from the parser.
const BATCHES: usize = 8;

/// A part of the body, or the word that it is complete: without it, a dropped connection would look like the end.
enum Part {
    Bytes(Bytes),
    End,
}

/// Where the body goes in.
pub(super) struct Inlet {
    parts: mpsc::Sender<Part>,
}

/// Where the entries come out.
pub(super) struct Outlet {
    batches: mpsc::Receiver<Vec<Entry>>,
    parsing: JoinHandle<Result<u64>>,
}

/// Starts a parser for what comes over the network.
pub(super) fn open() -> (Inlet, Outlet) {
    let (parts, body) = mpsc::channel(PARTS);
    (Inlet { parts }, start(Body { parts: body, part: Bytes::new(), has_ended: false }))
}

/// Starts a parser for a file.
pub(super) fn open_file(file: std::fs::File) -> Outlet {
    start(file)
}

fn start(manifest: impl Read + Send + 'static) -> Outlet {
    let (to, batches) = mpsc::channel(BATCHES);
    Outlet { batches, parsing: tokio::task::spawn_blocking(move || hand_on(manifest, &to)) }
}

/// Parses and sends batches on, until the end or until nobody takes them.
fn hand_on(manifest: impl Read, to: &mpsc::Sender<Vec<Entry>>) -> Result<u64> {
    let mut batch = Vec::with_capacity(BATCH);
    let entries = parse(manifest, |entry| {
        batch.push(entry);
        batch.len() < BATCH
            || to.blocking_send(std::mem::replace(&mut batch, Vec::with_capacity(BATCH))).is_ok()
    })?;
    // Whoever does not take the last batch knows why.
    let _ = to.blocking_send(batch);
    Ok(entries)
}

impl Inlet {
    /// Moves the whole body to the parser. When the parser has seen enough, the rest is read and thrown away, so that
    /// a client that is still sending gets to hear why.
    ///
    /// # Errors
    /// `request_too_large`, or what the body fails with.
    pub(super) async fn fill(self, body: impl AsyncRead + Unpin, max_bytes: u64) -> Result<()> {
        let mut is_wanted = true;
        let mut reading = Reading { body, total: 0, max_bytes };
        while let Some(part) = reading.next().await? {
            is_wanted = is_wanted && self.parts.send(Part::Bytes(part)).await.is_ok();
        }
        let _ = self.parts.send(Part::End).await;
        Ok(())
    }
}

/// Writes the whole body to a file.
///
/// # Errors
/// `request_too_large`, or what the body fails with.
pub(super) async fn copy_all(
    body: impl AsyncRead + Unpin,
    file: &mut tokio::fs::File,
    max_bytes: u64,
) -> Result<()> {
    let mut reading = Reading { body, total: 0, max_bytes };
    while let Some(part) = reading.next().await? {
        file.write_all(&part).await.map_err(anyhow::Error::from)?;
    }
    Ok(())
}

/// A body that is read part by part, up to a bound.
struct Reading<B> {
    body: B,
    total: u64,
    max_bytes: u64,
}

impl<B: AsyncRead + Unpin> Reading<B> {
    async fn next(&mut self) -> Result<Option<Bytes>> {
        let mut part = BytesMut::with_capacity(PART_BYTES);
        let got = self.body.read_buf(&mut part).await.map_err(cut_off)?;
        self.total += got as u64;
        if self.total > self.max_bytes {
            let rule = format!("a manifest has at most {} bytes (server.max_manifest_bytes)", self.max_bytes);
            return Err(Fault::new(Code::RequestTooLarge).rule(rule).into());
        }
        Ok((got > 0).then(|| part.freeze()))
    }
}

impl Outlet {
    /// The next entries, or none when the parser has ended; [`Outlet::end`] tells how.
    pub(super) async fn next(&mut self) -> Option<Vec<Entry>> {
        self.batches.recv().await
    }

    /// How parsing ended: the number of entries, or what is wrong.
    pub(super) async fn end(self) -> Result<u64> {
        drop(self.batches);
        self.parsing.await.map_err(|error| anyhow::anyhow!("the manifest's parser ended: {error}"))?
    }
}

/// The body as the parser reads it.
struct Body {
    parts: mpsc::Receiver<Part>,
    part: Bytes,
    has_ended: bool,
}

impl Read for Body {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.part.is_empty() && !self.has_ended {
            match self.parts.blocking_recv() {
                Some(Part::Bytes(part)) => self.part = part,
                Some(Part::End) => self.has_ended = true,
                None => {
                    return Err(io::Error::new(io::ErrorKind::ConnectionAborted, "the connection was cut"));
                }
            }
        }
        let count = out.len().min(self.part.len());
        self.part.copy_to_slice(&mut out[..count]);
        Ok(count)
    }
}
