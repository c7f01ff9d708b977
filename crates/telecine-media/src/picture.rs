//! One still picture, JPEG or PNG, decoded in the same sandbox as videos: a picture that somebody sends is as hostile as a
//! film. Looks at the first bytes itself, and at nothing else.

use std::io::Read;
use std::path::Path;

use crate::child::PROTOCOLS;
use crate::frames::Frame;
use crate::tools::{Run, Tool};
use crate::{MediaError, MediaTime, MediaTools};

/// What ffprobe says of a picture is a line.
const MAX_HEAD_BYTES: u64 = 64 << 10;
/// The head of a PPM before its pixels, at most.
const MAX_PPM_HEAD: u64 = 64;

/// A decoded picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StillPicture {
    /// Its pixels, scaled down to what was asked for; shown at time zero.
    pub frame: Frame,
    /// Pixels per row in the file.
    pub width: u32,
    /// Rows in the file.
    pub height: u32,
}

/// The demuxer of a file by its first bytes; none when it is neither JPEG nor PNG.
fn demuxer(path: &Path) -> Result<Option<&'static str>, MediaError> {
    let mut head = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(8).read_to_end(&mut head));
    read.map_err(MediaError::opening(path))?;
    Ok(match head[..] {
        [0xff, 0xd8, 0xff, ..] => Some("jpeg_pipe"),
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n'] => Some("png_pipe"),
        _ => None,
    })
}

impl MediaTools {
    /// Decodes a local file, scaled down so that its longest side has at most `max_side` pixels.
    ///
    /// # Errors
    /// [`MediaError::NotMedia`] for what is neither JPEG nor PNG, [`MediaError::TooLarge`] for more pixels than the limits
    /// allow, [`MediaError::Broken`] for what cannot be decoded; the limits' errors.
    pub async fn decode_picture(&self, path: &Path, max_side: u32) -> Result<StillPicture, MediaError> {
        let demuxer = demuxer(path)?
            .ok_or_else(|| MediaError::NotMedia { detail: "it is neither JPEG nor PNG".to_owned() })?;
        let (width, height) = self.size_of_picture(path, demuxer).await?;
        let pixels = u64::from(width) * u64::from(height);
        let limit = self.limits().max_pixels;
        if pixels > limit {
            return Err(MediaError::TooLarge { what: "the picture (pixels)", value: pixels, limit });
        }
        let mut run = Run::brief(self.limits());
        run.args(["-hide_banner", "-nostdin", "-nostats", "-v", "error"]).args(self.picture_options(demuxer));
        run.input(path)?;
        // A PPM tells its size, which a turn that the file asks for may have changed.
        let scale = format!(
            "scale='min({max_side},iw)':'min({max_side},ih)':force_original_aspect_ratio=decrease:flags=bicubic"
        );
        run.args(["-map", "0:v:0", "-frames:v", "1", "-vf", &scale, "-pix_fmt", "rgb24"]);
        run.args(["-f", "image2pipe", "-c:v", "ppm", "pipe:1"]);
        let bytes = u64::from(max_side) * u64::from(max_side) * 3 + MAX_PPM_HEAD;
        let (printed, ended) = self.start(Tool::Ffmpeg, run)?.output(bytes).await?;
        ended.within_limits()?;
        let frame = read_ppm(&printed).ok_or_else(|| MediaError::Broken { detail: ended.detail() })?;
        Ok(StillPicture { frame, width, height })
    }

    async fn size_of_picture(&self, path: &Path, demuxer: &str) -> Result<(u32, u32), MediaError> {
        let mut run = Run::brief(self.limits());
        run.args(["-hide_banner", "-v", "error", "-of", "csv=p=0", "-show_entries", "stream=width,height"]);
        run.args(self.picture_options(demuxer));
        run.input(path)?;
        let (printed, ended) = self.start(Tool::Ffprobe, run)?.output(MAX_HEAD_BYTES).await?;
        ended.within_limits()?;
        let told = String::from_utf8_lossy(&printed);
        let mut numbers = told.lines().next().unwrap_or_default().split(',');
        let mut number = || numbers.next()?.trim().parse::<u32>().ok().filter(|number| *number > 0);
        match (number(), number()) {
            (Some(width), Some(height)) => Ok((width, height)),
            _ => match crate::probe::refused_size(&ended.stderr) {
                Some(value) => {
                    let limit = self.limits().max_pixels;
                    Err(MediaError::TooLarge { what: "the picture (pixels)", value, limit })
                }
                None => Err(MediaError::Broken { detail: ended.detail() }),
            },
        }
    }

    /// Only the demuxer that the first bytes name, and a bound on the pixels.
    fn picture_options(&self, demuxer: &str) -> Vec<String> {
        let options = [
            ("-protocol_whitelist", PROTOCOLS.to_owned()),
            ("-format_whitelist", demuxer.to_owned()),
            ("-max_pixels", self.limits().max_pixels.to_string()),
            ("-threads", self.limits().threads.to_string()),
            ("-f", demuxer.to_owned()),
        ];
        options.into_iter().flat_map(|(name, value)| [name.to_owned(), value]).collect()
    }
}

/// `P6 WIDTH HEIGHT 255` and the pixels, all of them.
fn read_ppm(bytes: &[u8]) -> Option<Frame> {
    let mut rest = bytes;
    let mut word = || {
        let end = rest.iter().position(u8::is_ascii_whitespace)?;
        let (word, after) = rest.split_at(end);
        rest = &after[1..];
        std::str::from_utf8(word).ok()
    };
    let (kind, width, height, depth) = (word()?, word()?, word()?, word()?);
    if kind != "P6" || depth != "255" {
        return None;
    }
    let (width, height): (u32, u32) = (width.parse().ok()?, height.parse().ok()?);
    let bytes = u64::from(width) * u64::from(height) * 3;
    let is_whole = bytes > 0 && rest.len() as u64 == bytes;
    is_whole.then(|| Frame { pts: MediaTime::ZERO, width, height, rgb: rest.to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ppm_is_read_if_all_of_its_pixels_are_there() {
        let frame = read_ppm(b"P6\n2 1\n255\nabcdef").unwrap();
        assert_eq!((frame.width, frame.height, frame.rgb.as_slice()), (2, 1, &b"abcdef"[..]));
        for bad in [
            &b"P6\n2 1\n255\nabcde"[..],
            b"P6\n2 1\n255\nabcdefg",
            b"P5\n2 1\n255\nabcdef",
            b"P6\n0 1\n255\n",
            b"",
        ] {
            assert_eq!(read_ppm(bad), None);
        }
    }
}
