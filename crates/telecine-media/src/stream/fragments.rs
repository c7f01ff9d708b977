//! Where the fragments of a fragmented MP4 lie and how long each is shown, read off its `sidx` boxes. Reads a few bytes
//! of each box, whatever the file's size, and trusts no number in it.

use std::io::{self, Read, Seek, SeekFrom};
use std::time::Duration;

/// The track of the pictures: it is mapped first.
const VIDEO_TRACK: u32 = 1;
/// Most boxes at the top of a file: four of each fragment, of which four hours have at most 14,400.
const MAX_BOXES: usize = 200_000;
/// Bytes of a `sidx` that are read; ours name one fragment each.
const SIDX_BYTES: usize = 64;

/// The parts of a fragmented MP4.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fragments {
    /// Bytes before the first fragment: what a player needs to understand any of them.
    pub header_bytes: u64,
    /// In order, one right after the other.
    pub all: Vec<Fragment>,
}

/// A fragment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fragment {
    /// Bytes of it.
    pub bytes: u64,
    /// How long its pictures are shown.
    pub duration: Duration,
    /// Whether its first picture can be decoded without those before it.
    pub is_independent: bool,
}

/// Reads where the fragments are.
///
/// # Errors
/// When it is not a file of fragments, or cannot be read.
pub fn read_fragments(file: &mut (impl Read + Seek)) -> io::Result<Fragments> {
    let mut begun: Vec<(u64, Duration, bool)> = Vec::new();
    let size = file.seek(SeekFrom::End(0))?;
    let mut at = 0;
    for _ in 0..MAX_BOXES {
        if at >= size {
            return fragments(&begun, size);
        }
        file.seek(SeekFrom::Start(at))?;
        let (kind, head, bytes) = read_head(file)?;
        if bytes < head || at.checked_add(bytes).is_none_or(|end| end > size) {
            return Err(malformed("a box is longer than the file"));
        }
        if &kind == b"sidx" {
            let mut body = Vec::with_capacity(SIDX_BYTES);
            file.by_ref().take((bytes - head).min(SIDX_BYTES as u64)).read_to_end(&mut body)?;
            let index = read_sidx(&body).ok_or_else(|| malformed("a sidx box is too short"))?;
            if index.track == VIDEO_TRACK {
                begun.push((at, index.duration, index.is_independent));
            }
        }
        at += bytes;
    }
    Err(malformed("there are too many boxes"))
}

/// Kind, bytes of the head, bytes of all.
fn read_head(file: &mut impl Read) -> io::Result<([u8; 4], u64, u64)> {
    let mut head = [0; 8];
    file.read_exact(&mut head)?;
    let [a, b, c, d, kind @ ..] = head;
    match u32::from_be_bytes([a, b, c, d]) {
        0 => Err(malformed("a box does not tell its length")),
        1 => {
            let mut long = [0; 8];
            file.read_exact(&mut long)?;
            Ok((kind, 16, u64::from_be_bytes(long)))
        }
        bytes => Ok((kind, 8, u64::from(bytes))),
    }
}

struct Index {
    track: u32,
    duration: Duration,
    is_independent: bool,
}

/// A `sidx` after its head: the first of the fragments that it names.
fn read_sidx(body: &[u8]) -> Option<Index> {
    let word = |at: usize| Some(u32::from_be_bytes(body.get(at..at + 4)?.try_into().ok()?));
    let version = *body.first()?;
    let (track, ticks_per_second) = (word(4)?, word(8)?);
    let references = if version == 0 { 20 } else { 28 };
    let (ticks, flags) = (word(references + 8)?, word(references + 12)?);
    let nanos = u64::from(ticks).checked_mul(1_000_000_000)?.checked_div(u64::from(ticks_per_second))?;
    Some(Index { track, duration: Duration::from_nanos(nanos), is_independent: flags >> 31 == 1 })
}

fn fragments(begun: &[(u64, Duration, bool)], size: u64) -> io::Result<Fragments> {
    let (header_bytes, ..) = *begun.first().ok_or_else(|| malformed("it has no fragments"))?;
    let ends = begun.iter().skip(1).map(|(at, ..)| *at).chain([size]);
    let all = begun.iter().zip(ends).map(|(&(at, duration, is_independent), end)| Fragment {
        bytes: end - at,
        duration,
        is_independent,
    });
    Ok(Fragments { header_bytes, all: all.collect() })
}

fn malformed(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;

    fn boxed(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
        let bytes = u32::try_from(8 + body.len()).unwrap();
        [&bytes.to_be_bytes()[..], kind, body].concat()
    }

    /// As ffmpeg writes it: version 1, one reference.
    fn sidx(track: u32, ticks: u32, is_independent: bool) -> Vec<u8> {
        let flags = u32::from(is_independent) << 31;
        let mut body = vec![1, 0, 0, 0];
        body.extend(
            [track, 1000, 0, 0, 0, 0, 1, 400, ticks, flags].iter().flat_map(|word| word.to_be_bytes()),
        );
        boxed(b"sidx", &body)
    }

    #[test]
    fn fragments_are_told_by_the_index_boxes_of_the_pictures() {
        let parts = [
            boxed(b"ftyp", &[0; 20]),
            boxed(b"moov", &[0; 92]),
            sidx(1, 2000, true),
            sidx(2, 1990, true),
            boxed(b"moof", &[0; 12]),
            boxed(b"mdat", &[0; 92]),
            sidx(1, 500, false),
            boxed(b"moof", &[0; 12]),
            boxed(b"mdat", &[0; 2]),
        ];
        let found = read_fragments(&mut Cursor::new(parts.concat())).unwrap();
        let first =
            Fragment { bytes: 52 * 2 + 20 + 100, duration: Duration::from_secs(2), is_independent: true };
        let second =
            Fragment { bytes: 52 + 20 + 10, duration: Duration::from_millis(500), is_independent: false };
        assert_eq!(found, Fragments { header_bytes: 128, all: vec![first, second] });
    }

    #[test]
    fn what_has_no_fragments_or_ends_too_early_is_refused() {
        for bytes in [
            Vec::new(),
            boxed(b"ftyp", &[0; 20]),
            [0, 0, 0, 200].iter().copied().chain(*b"moov").collect(),
            [0, 0, 0, 0].iter().copied().chain(*b"moov").collect(),
            boxed(b"sidx", &[1, 0, 0]),
            vec![1, 2, 3],
        ] {
            assert!(read_fragments(&mut Cursor::new(&bytes)).is_err(), "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_and_what_it_finds_lies_in_the_file(
            parts in prop::collection::vec((any::<[u8; 4]>(), prop::collection::vec(any::<u8>(), 0..80)), 0..6),
            cut in 0usize..40,
        ) {
            let mut bytes: Vec<u8> = parts.iter().flat_map(|(kind, body)| {
                boxed(if kind[0] < 128 { b"sidx" } else { kind }, body)
            }).collect();
            bytes.truncate(bytes.len().saturating_sub(cut));
            if let Ok(found) = read_fragments(&mut Cursor::new(&bytes)) {
                let all: u64 = found.all.iter().map(|fragment| fragment.bytes).sum();
                prop_assert_eq!(found.header_bytes + all, bytes.len() as u64);
            }
        }
    }
}
