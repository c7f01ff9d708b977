//! Multipart forms as SDKs really send them: text fields sent a second time as if they were files, dummy parts to force
//! multipart, repeated parts as lists, meaningless content types. Files go to disk or through a channel as they come;
//! no file is ever in memory.

use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use axum::body::BodyDataStream;
use axum::extract::Request;
use axum::http::header::CONTENT_TYPE;
use bytes::Bytes;
use futures::{Stream, StreamExt};
use multer::{Field, Multipart};
use percent_encoding::percent_decode_str;
use tempfile::TempPath;
use tokio::io::{AsyncRead, AsyncWriteExt};
use tokio_util::io::StreamReader;

use super::body::{BodyFault, broken, fault_within, too_large};
use super::params::{Params, media_type};
use crate::fault::{Error, Fault};
use crate::files::DataDir;

/// What may lie between two parts: boundary, headers, and what was read ahead. The parser would keep more in memory.
const BETWEEN_PARTS_BYTES: u64 = 1 << 20;

/// A form that is being read.
pub(super) struct FormReader {
    parts: Multipart<'static>,
    /// Bytes that may come before the next part begins; plenty while a part is read.
    allowance: Arc<AtomicU64>,
    file_names: &'static [&'static str],
    texts_left_bytes: u64,
    texts_limit_bytes: u64,
    params: Params,
}

/// A file on its way in.
#[derive(Debug)]
pub(super) struct Upload {
    /// The file's name at the client.
    pub(super) filename: String,
    /// Where it lies for now; removed when this is dropped, unless it was moved away.
    pub(super) path: TempPath,
}

/// The bound on a file, and the fault of exceeding it.
pub(super) type FileLimit<'a> = (u64, &'a (dyn Fn(u64) -> Fault + Sync));

impl FormReader {
    /// A reader of the form in this request. Parts of `file_names` are files; all others are texts, which may have
    /// `texts_limit_bytes` together.
    pub(super) fn open(
        request: Request,
        file_names: &'static [&'static str],
        texts_limit_bytes: u64,
    ) -> Result<Self, Fault> {
        if media_type(request.headers()) != "multipart/form-data" {
            let given = media_type(request.headers());
            return Err(Fault::parameter("The body must be a multipart form.")
                .value(if given.is_empty() { "no content type".to_owned() } else { given })
                .rule("the content type is multipart/form-data with a boundary"));
        }
        let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let boundary =
            content_type.and_then(|value| multer::parse_boundary(value).ok()).ok_or_else(|| {
                Fault::parameter("The header content-type names no boundary.")
                    .rule("multipart/form-data; boundary=…")
            })?;
        let allowance = Arc::new(AtomicU64::new(BETWEEN_PARTS_BYTES));
        let parts = request.into_body().into_data_stream();
        let bounded = Bounded { parts, allowance: Arc::clone(&allowance), rests: false };
        let parts = Multipart::new(bounded, boundary);
        let params = Params::default();
        Ok(Self {
            parts,
            allowance,
            file_names,
            texts_left_bytes: texts_limit_bytes,
            texts_limit_bytes,
            params,
        })
    }

    /// The texts read so far.
    pub(super) fn params(&self) -> &Params {
        &self.params
    }

    /// All texts.
    pub(super) fn into_params(self) -> Params {
        self.params
    }

    /// Reads all texts of a form in which no file is wanted; of files only the names are kept.
    pub(super) async fn read_texts(mut self) -> Result<Params, Fault> {
        while let Some(file) = self.next_file().await? {
            let (name, filename) = (file.name.clone(), file.filename.clone());
            file.skip().await?;
            self.params.add(&name, filename);
        }
        Ok(self.params)
    }

    /// Reads texts up to the next file; none at the end of the form.
    pub(super) async fn next_file(&mut self) -> Result<Option<FilePart>, Fault> {
        loop {
            self.allowance.store(BETWEEN_PARTS_BYTES, Ordering::Relaxed);
            let Some(field) = self.parts.next_field().await.map_err(|error| fault_of(&error))? else {
                return Ok(None);
            };
            self.allowance.store(u64::MAX, Ordering::Relaxed);
            let name = field.name().unwrap_or_default().to_owned();
            if !self.file_names.contains(&name.as_str()) {
                let text = read_text(field, self.texts_limit_bytes, self.texts_left_bytes).await?;
                self.texts_left_bytes -= text.len() as u64;
                self.params.add(&name, String::from_utf8_lossy(&text).into_owned());
                continue;
            }
            let has_filename = field.file_name().is_some();
            let mut part = FilePart { name, filename: filename(&field), field, first: None };
            part.first = part.next_chunk().await?;
            // An empty field without a name is an SDK's way to say that there is no file.
            if part.first.is_some() || has_filename {
                return Ok(Some(part));
            }
        }
    }
}

/// A file that is being read.
pub(super) struct FilePart {
    field: Field<'static>,
    /// The part's name.
    pub(super) name: String,
    /// The file's name at the client.
    pub(super) filename: String,
    first: Option<Bytes>,
}

impl FilePart {
    /// The next bytes; none at the file's end. A form that breaks off is an error, never an end.
    pub(super) async fn next_chunk(&mut self) -> Result<Option<Bytes>, Fault> {
        if let Some(first) = self.first.take() {
            return Ok(Some(first));
        }
        loop {
            match self.field.chunk().await.map_err(|error| fault_of(&error))? {
                Some(chunk) if chunk.is_empty() => {}
                chunk => return Ok(chunk),
            }
        }
    }

    /// Reads it to its end and forgets it.
    async fn skip(mut self) -> Result<(), Fault> {
        while self.next_chunk().await?.is_some() {}
        Ok(())
    }

    /// The file as it comes in. What goes wrong is an `io::Error` around a [`crate::fault::Error`].
    pub(super) fn into_reader(self) -> impl AsyncRead + Send + Unpin + 'static {
        let chunks = futures::stream::try_unfold(self, |mut part| async {
            let next = part.next_chunk().await.map_err(|fault| io::Error::other(Error::from(fault)))?;
            Ok::<_, io::Error>(next.map(|chunk| (chunk, part)))
        });
        StreamReader::new(Box::pin(chunks))
    }

    /// Writes it to disk.
    pub(super) async fn store(mut self, files: &DataDir, limit: FileLimit<'_>) -> Result<Upload, Error> {
        let (limit_bytes, fault) = limit;
        let (file, path) = new_file(&files.incoming()).await?;
        let mut file = tokio::io::BufWriter::with_capacity(1 << 20, tokio::fs::File::from_std(file));
        let mut size_bytes = 0;
        while let Some(chunk) = self.next_chunk().await? {
            size_bytes += chunk.len() as u64;
            if size_bytes > limit_bytes {
                return Err(fault(size_bytes).into());
            }
            file.write_all(&chunk).await.map_err(anyhow::Error::from)?;
        }
        file.flush().await.map_err(anyhow::Error::from)?;
        Ok(Upload { filename: self.filename, path })
    }
}

/// A new file in the folder, which is made if it is not there.
async fn new_file(folder: &Path) -> Result<(std::fs::File, TempPath), Error> {
    let folder: PathBuf = folder.to_owned();
    let made = tokio::task::spawn_blocking(move || {
        std::fs::create_dir_all(&folder)?;
        tempfile::NamedTempFile::new_in(&folder).map(tempfile::NamedTempFile::into_parts)
    });
    let made = made.await.map_err(anyhow::Error::from)?;
    Ok(made.map_err(anyhow::Error::from)?)
}

/// The body, one part a poll: the parser takes all that it can get at once into memory, and before a part begins it
/// would do so without end.
struct Bounded {
    parts: BodyDataStream,
    allowance: Arc<AtomicU64>,
    rests: bool,
}

impl Stream for Bounded {
    type Item = Result<Bytes, BodyFault>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if std::mem::take(&mut self.rests) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let Some(part) = ready!(self.parts.poll_next_unpin(context)) else { return Poll::Ready(None) };
        self.rests = true;
        Poll::Ready(Some(part.map_err(|error| BodyFault(broken(&error))).and_then(|part| self.admit(part))))
    }
}

impl Bounded {
    fn admit(&self, part: Bytes) -> Result<Bytes, BodyFault> {
        let left = self.allowance.load(Ordering::Relaxed);
        if left == u64::MAX {
            return Ok(part);
        }
        let left = left.checked_sub(part.len() as u64).ok_or_else(|| {
            BodyFault(
                Fault::parameter("The multipart form has no part where one should begin.")
                    .rule(format!("at most {BETWEEN_PARTS_BYTES} bytes lie between two parts")),
            )
        })?;
        self.allowance.store(left, Ordering::Relaxed);
        Ok(part)
    }
}

async fn read_text(mut field: Field<'static>, limit_bytes: u64, left_bytes: u64) -> Result<Vec<u8>, Fault> {
    let mut text = Vec::new();
    while let Some(chunk) = field.chunk().await.map_err(|error| fault_of(&error))? {
        if (text.len() + chunk.len()) as u64 > left_bytes {
            return Err(too_large(limit_bytes).value("the text fields of the form"));
        }
        text.extend_from_slice(&chunk);
    }
    Ok(text)
}

/// The name of a file, as the client wrote it.
fn filename(field: &Field<'static>) -> String {
    let disposition = field.headers().get("content-disposition");
    let disposition = disposition.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let extended = disposition.as_deref().and_then(extended_filename);
    extended.or_else(|| field.file_name().map(str::to_owned)).unwrap_or_default()
}

/// `filename*=UTF-8''…` (RFC 5987), as some clients write names that are not ASCII.
fn extended_filename(disposition: &str) -> Option<String> {
    let (_, rest) = disposition.split_once("filename*=")?;
    let value = rest.split(';').next()?.trim();
    let mut parts = value.splitn(3, '\'');
    let (charset, _, encoded) = (parts.next()?, parts.next()?, parts.next()?);
    let is_utf8 = charset.eq_ignore_ascii_case("utf-8");
    is_utf8.then(|| percent_decode_str(encoded).decode_utf8_lossy().into_owned())
}

/// What is wrong with a form that cannot be read.
fn fault_of(error: &multer::Error) -> Fault {
    fault_within(error)
        .unwrap_or_else(|| Fault::parameter("The multipart form is broken.").value(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_not_ascii_are_read_in_their_extended_form() {
        let name = |disposition| extended_filename(disposition);
        assert_eq!(
            name("form-data; name=\"file\"; filename*=utf-8''m%C3%BCller.mp4").as_deref(),
            Some("müller.mp4")
        );
        assert_eq!(name("form-data; name=\"file\"; filename=\"a.mp4\""), None);
    }
}
