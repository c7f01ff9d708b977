//! What a picture's header says: format and size. Reads a bounded beginning of the file, in plain Rust; decodes nothing.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Bytes that are looked at: a JPEG may have large metadata before its size.
const HEAD_BYTES: u64 = 1 << 20;

/// A picture's format and size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Picture {
    /// Such as `jpeg`.
    pub(super) format: &'static str,
    /// MIME type.
    pub(super) file_type: &'static str,
    /// Pixels per row.
    pub(super) width: u32,
    /// Rows.
    pub(super) height: u32,
}

/// The picture in this file; none when it is none. Blocks.
pub(super) fn read(path: &Path) -> io::Result<Option<Picture>> {
    let mut head = Vec::new();
    File::open(path)?.take(HEAD_BYTES).read_to_end(&mut head)?;
    Ok(of_head(&head))
}

fn of_head(head: &[u8]) -> Option<Picture> {
    png(head).or_else(|| jpeg(head)).or_else(|| gif(head)).or_else(|| webp(head))
}

fn be16(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?).into())
}

fn le16(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?).into())
}

fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn le24(bytes: &[u8], at: usize) -> Option<u32> {
    let three = bytes.get(at..at + 3)?;
    Some(u32::from(three[0]) | u32::from(three[1]) << 8 | u32::from(three[2]) << 16)
}

fn some(format: &'static str, file_type: &'static str, width: u32, height: u32) -> Option<Picture> {
    (width > 0 && height > 0).then_some(Picture { format, file_type, width, height })
}

fn png(head: &[u8]) -> Option<Picture> {
    head.strip_prefix(b"\x89PNG\r\n\x1a\n").filter(|rest| rest.get(4..8) == Some(b"IHDR"))?;
    some("png", "image/png", be32(head, 16)?, be32(head, 20)?)
}

fn gif(head: &[u8]) -> Option<Picture> {
    let is_gif = head.starts_with(b"GIF87a") || head.starts_with(b"GIF89a");
    if is_gif { some("gif", "image/gif", le16(head, 6)?, le16(head, 8)?) } else { None }
}

fn webp(head: &[u8]) -> Option<Picture> {
    if head.get(..4)? != b"RIFF" || head.get(8..12)? != b"WEBP" {
        return None;
    }
    let (width, height) = match head.get(12..16)? {
        b"VP8X" => (le24(head, 24)? + 1, le24(head, 27)? + 1),
        b"VP8L" => {
            let bits = u32::from_le_bytes(head.get(21..25)?.try_into().ok()?);
            ((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1)
        }
        b"VP8 " => (le16(head, 26)? & 0x3fff, le16(head, 28)? & 0x3fff),
        _ => return None,
    };
    some("webp", "image/webp", width, height)
}

/// Walks the segments to the one that starts a frame.
fn jpeg(head: &[u8]) -> Option<Picture> {
    head.strip_prefix(b"\xff\xd8\xff")?;
    let mut at = 2;
    loop {
        if *head.get(at)? != 0xff {
            return None;
        }
        let marker = *head.get(at + 1)?;
        match marker {
            0xff => at += 1,
            0x01 | 0xd0..=0xd8 => at += 2,
            // Frames of all codings but the three markers among them that are none.
            0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                return some("jpeg", "image/jpeg", be16(head, at + 7)?, be16(head, at + 5)?);
            }
            0xd9 | 0xda => return None,
            _ => at += 2 + usize::try_from(be16(head, at + 2)?.max(2)).ok()?,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn size(head: &[u8]) -> Option<(&'static str, u32, u32)> {
        of_head(head).map(|it| (it.format, it.width, it.height))
    }

    #[test]
    fn the_size_of_each_format_is_read() {
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x02\x80\0\0\x01\x68\x08\x02\0\0\0";
        assert_eq!(size(png), Some(("png", 640, 360)));
        let jpeg = b"\xff\xd8\xff\xe0\0\x04ab\xff\xc4\0\x02\xff\xc2\0\x11\x08\x01\x68\x02\x80\x03";
        assert_eq!(size(jpeg), Some(("jpeg", 640, 360)));
        assert_eq!(size(b"GIF89a\x80\x02\x68\x01\0"), Some(("gif", 640, 360)));
        let webp = b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x7f\x02\0\x67\x01\0";
        assert_eq!(size(webp), Some(("webp", 640, 360)));
    }

    #[test]
    fn what_is_cut_or_no_picture_is_none() {
        for head in
            [&b""[..], b"\xff\xd8\xff", b"\xff\xd8\xff\xe0\0\0", b"\x89PNG\r\n\x1a\n", b"\0\0\0\x18ftypmp42"]
        {
            assert_eq!(size(head), None);
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(start in 0..4usize, rest: Vec<u8>) {
            let starts: [&[u8]; 4] = [b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"RIFF\0\0\0\0WEBPVP8L"];
            let _ = of_head(&[starts[start], &rest].concat());
        }
    }
}
