//! Files of which a glance tells that no demuxer will take them: text, and MP4 without an index. Most of what lies among
//! videos and is none is of these kinds, and starting `ffprobe` costs more than all else that is done about it. Where there
//! is any doubt, `ffprobe` is asked.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::MediaError;
use crate::boxes;

/// What must be text for the whole to be taken for text.
const TEXT_BYTES: u64 = 64 << 10;

/// Boxes that are looked at: a file without an index has a handful.
const MAX_BOXES: usize = 64;

/// How text begins that makes a demuxer open other files, and the demuxer's name.
const PLAYLISTS: [(&str, &str); 3] = [("#EXTM3U", "hls"), ("ffconcat version", "concat"), ("<MPD", "dash")];

/// # Errors
/// [`MediaError::NotMedia`], [`MediaError::FormatNotAllowed`] and [`MediaError::Broken`] are the file's fault;
/// [`MediaError::Io`] is not.
pub(crate) async fn refuse(path: &Path) -> Result<(), MediaError> {
    let path = PathBuf::from(path);
    let looked = tokio::task::spawn_blocking(move || look(&path)).await;
    looked.map_err(|error| MediaError::Io {
        what: "looking at a file".to_owned(),
        source: io::Error::other(error),
    })?
}

fn look(path: &Path) -> Result<(), MediaError> {
    let file = File::open(path).map_err(MediaError::opening(path))?;
    let size = file.metadata().map_err(MediaError::opening(path))?.len();
    let reading = |error| MediaError::io(format!("reading {}", path.display()))(error);
    let begin = read(&file, 0, TEXT_BYTES.min(size)).map_err(reading)?;
    if let Some(text) = text(&begin) {
        return Err(refusal_of(text));
    }
    let is_mp4 = begin.get(4..8) == Some(b"ftyp");
    let missing = if is_mp4 { index_is_missing(&file, size).map_err(reading)? } else { None };
    missing.map_or(Ok(()), |detail| Err(MediaError::Broken { detail }))
}

fn refusal_of(text: &str) -> MediaError {
    let text = text.trim_start_matches(['\u{feff}', ' ', '\n']);
    match PLAYLISTS.iter().find(|(begin, _)| text.starts_with(begin)) {
        Some((_, format)) => MediaError::FormatNotAllowed { format: (*format).to_owned() },
        None => MediaError::NotMedia { detail: "it is text".into() },
    }
}

/// What is nothing but text, in UTF-8. All containers that are [allowed](crate::limits::ALLOWED_FORMATS) have bytes in their
/// headers that text does not have.
fn text(bytes: &[u8]) -> Option<&str> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        // A letter is cut in two.
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&bytes[..error.valid_up_to()]).ok()?
        }
        Err(_) => return None,
    };
    let is_text = |c: char| !c.is_control() || matches!(c, '\t' | '\n' | '\r' | '\u{c}');
    (!text.is_empty() && text.chars().all(is_text)).then_some(text)
}

/// What is wrong with an MP4 that consists of known boxes to its end, none of which can have its index.
fn index_is_missing(file: &File, size: u64) -> io::Result<Option<String>> {
    let mut at = 0;
    for _ in 0..MAX_BOXES {
        if size - at < 8 {
            return Ok(Some("it ends before its index (`moov`)".to_owned()));
        }
        let head = read(file, at, boxes::HEADER_BYTES.min(size - at))?;
        if !is_no_index(&head) {
            return Ok(None);
        }
        match boxes::parse(&head, size - at) {
            Ok(found) => at += found.bytes,
            Err(what) if at > 0 => return Ok(Some(format!("at byte {at}: {what}"))),
            Err(_) => return Ok(None),
        }
    }
    Ok(None)
}

/// Whether a box that begins so neither is an index nor can be taken for one: ffmpeg looks for lost ones in `free`.
fn is_no_index(head: &[u8]) -> bool {
    const PLAIN: [&[u8]; 10] =
        [b"ftyp", b"styp", b"mdat", b"skip", b"wide", b"sidx", b"moof", b"mfra", b"emsg", b"prft"];
    let name = &head[4..8];
    let inner = head.get(12..16);
    PLAIN.contains(&name) || name == b"free" && inner != Some(b"mvhd") && inner != Some(b"cmov")
}

fn read(file: &File, at: u64, bytes: u64) -> io::Result<Vec<u8>> {
    let mut buffer = vec![0; usize::try_from(bytes).map_err(io::Error::other)?];
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(&mut buffer[filled..], at + filled as u64)? {
            0 => break,
            some => filled += some,
        }
    }
    buffer.truncate(filled);
    Ok(buffer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looked(bytes: &[u8]) -> Result<(), MediaError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, bytes).unwrap();
        look(&path)
    }

    fn boxed(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
        [&(body.len() as u32 + 8).to_be_bytes(), &name[..], body].concat()
    }

    #[test]
    fn text_is_no_media_in_any_script() {
        for text in ["A letter.\r\n\tYours", "\u{feff}Письмо", "手紙".repeat(40_000).as_str()] {
            let told = looked(text.as_bytes());
            assert!(matches!(&told, Err(MediaError::NotMedia { .. })), "{told:?}");
        }
        let told = looked(b"#EXTM3U\n#EXTINF:9,\nfile:///etc/passwd\n");
        assert!(matches!(&told, Err(MediaError::FormatNotAllowed { format }) if format == "hls"), "{told:?}");
    }

    #[test]
    fn what_may_be_media_is_left_to_the_prober() {
        let ftyp = boxed(b"ftyp", b"isom\0\0\0\0");
        let moov = boxed(b"moov", b"");
        let may_be: [&[u8]; 10] = [
            b"",
            b"text with a NUL\0",
            b"Latin-1: \xe9t\xe9.",
            b"\x1b[2Jescapes",
            &ftyp[..6],
            &[&ftyp[..], &moov].concat(),
            &[&ftyp[..], &boxed(b"mdat", &[0; 99]), &moov].concat(),
            &[&ftyp[..], &boxed(b"meta", &[0; 99])].concat(),
            &[&ftyp[..], &boxed(b"free", b"\0\0\0\x6cmvhd\0\0\0\0")].concat(),
            &[&ftyp[..], &boxed(b"free", b"").repeat(1_000)].concat(),
        ];
        for bytes in may_be {
            assert!(looked(bytes).is_ok(), "{}", bytes[..bytes.len().min(40)].escape_ascii());
        }
    }

    #[test]
    fn an_mp4_that_has_no_index_is_broken() {
        let ftyp = boxed(b"ftyp", b"isom\0\0\0\0");
        let mdat = boxed(b"mdat", &[7; 99]);
        for (bytes, what) in [
            ([&ftyp[..], &boxed(b"free", b""), &mdat].concat(), "ends before its index (`moov`)"),
            ([&ftyp[..], &mdat, b"\0\0"].concat(), "ends before its index (`moov`)"),
            (
                [&ftyp[..], &mdat[..50]].concat(),
                "at byte 16: the box `mdat` has 107 bytes, but the file ends after 50",
            ),
            ([&ftyp[..], b"\0\0\0\0mdat", &[9; 40]].concat(), "ends before its index (`moov`)"),
        ] {
            let Err(MediaError::Broken { detail }) = looked(&bytes) else { panic!("{what}") };
            assert!(detail.contains(what), "{detail}");
        }
    }
}
