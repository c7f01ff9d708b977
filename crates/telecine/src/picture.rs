//! Pictures that people send, to search by or to have embedded: where they come from, what they must be, and their pixels.
//! Decoding is done by a sandboxed child (`telecine-media`), fetching by the guarded client; nothing of a picture is parsed
//! in this process. Knows neither search nor embeddings.

use std::fmt;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use telecine_media::MediaError;
use tokio::sync::Semaphore;

use crate::app::App;
use crate::fault::{Code, Fault, Result};
use crate::source::http::Links;

/// Bytes of a picture on v1.2 and before.
pub const MAX_BYTES: u64 = 5 << 20;
/// Bytes of a picture on v1.3.
pub const MAX_BYTES_V1_3: u64 = 32 << 20;
/// Pixels on each side, at least.
const MIN_SIDE_PX: u32 = 64;
/// Pictures that are decoded at once; the others wait.
static PLACES: Semaphore = Semaphore::const_new(4);
/// Larger pictures are scaled down: every engine looks at fewer pixels.
const MAX_SIDE_PX: u32 = 480;

/// The pixels of a picture: 8-bit RGB, row by row. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    /// Pixels per row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// `width * height * 3` bytes.
    pub rgb: Arc<[u8]>,
}

impl fmt::Debug for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Picture({}×{})", self.width, self.height)
    }
}

/// Where a picture is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PictureInput {
    /// Behind a direct link.
    Url(String),
    /// Uploaded, on this machine's disk.
    File(PathBuf),
    /// Sent along.
    Bytes(Vec<u8>),
}

/// Fetches and decodes a picture of at most `max_bytes`. `parameter` is what faults name.
///
/// # Errors
/// `image_url_not_accessible`; `parameter_invalid` for what is no picture that is taken.
pub async fn read(app: &App, parameter: &str, input: &PictureInput, max_bytes: u64) -> Result<Picture> {
    match input {
        PictureInput::File(path) => {
            let size = tokio::fs::metadata(path).await.context("look at an uploaded picture")?.len();
            check_size(parameter, size, max_bytes)?;
            decode(app, parameter, path).await
        }
        PictureInput::Bytes(bytes) => {
            check_size(parameter, bytes.len() as u64, max_bytes)?;
            decode_bytes(app, parameter, bytes.clone().into()).await
        }
        PictureInput::Url(url) => {
            let links = Links::new(&app.config.urls)?;
            let limit = usize::try_from(max_bytes).unwrap_or(usize::MAX);
            let bytes = links.fetch(url, limit).await.map_err(|error| {
                let value = format!("{}: {}", error.address, error.detail);
                Fault::new(Code::ImageUrlNotAccessible).value(value.chars().take(2_000).collect::<String>())
            })?;
            decode_bytes(app, parameter, bytes).await
        }
    }
}

/// The fault of a file that is too large, from its size alone.
///
/// # Errors
/// `parameter_invalid`.
pub fn check_size(parameter: &str, size_bytes: u64, max_bytes: u64) -> Result<(), Fault> {
    if size_bytes <= max_bytes {
        return Ok(());
    }
    Err(Fault::parameter(format!("The picture in {parameter} is too large."))
        .value(format!("{size_bytes} bytes"))
        .rule(format!("at most {max_bytes} bytes ({} MB)", max_bytes >> 20)))
}

async fn decode_bytes(app: &App, parameter: &str, bytes: bytes::Bytes) -> Result<Picture> {
    let folder = app.files.incoming();
    let written = tokio::task::spawn_blocking(move || {
        std::fs::create_dir_all(&folder)?;
        let mut file = tempfile::NamedTempFile::new_in(&folder)?;
        file.write_all(&bytes)?;
        file.flush()?;
        Ok::<_, std::io::Error>(file.into_temp_path())
    });
    let path = written.await.context("write a picture")?.context("write a picture")?;
    decode(app, parameter, &path).await
}

async fn decode(app: &App, parameter: &str, path: &Path) -> Result<Picture> {
    let _place = PLACES.acquire().await.context("wait for a decoder")?;
    let still = match app.media.decode_picture(path, MAX_SIDE_PX).await {
        Ok(still) => still,
        Err(error) => return Err(refusal(parameter, error)?.into()),
    };
    if still.width.min(still.height) < MIN_SIDE_PX {
        return Err(Fault::parameter(format!("The picture in {parameter} is too small."))
            .value(format!("{}x{} pixels", still.width, still.height))
            .rule(format!("at least {MIN_SIDE_PX}x{MIN_SIDE_PX} pixels"))
            .into());
    }
    let frame = still.frame;
    Ok(Picture { width: frame.width, height: frame.height, rgb: frame.rgb.into() })
}

/// What is wrong with a picture; an error where it is not the picture's fault.
fn refusal(parameter: &str, error: MediaError) -> Result<Fault> {
    let what = match &error {
        MediaError::NotMedia { .. } => "is none",
        MediaError::TooLarge { .. } => "has too many pixels",
        MediaError::Broken { .. } => "is broken",
        MediaError::Timeout { .. } | MediaError::Killed { .. } => "takes too much to decode",
        _ => return Err(anyhow::Error::new(error).context("decode a picture").into()),
    };
    Ok(Fault::parameter(format!("The picture in {parameter} {what}."))
        .value(error.to_string())
        .rule("a JPEG or PNG file"))
}
