//! The boxes that an MP4 or QuickTime file is made of, at its top level (ISO/IEC 14496-12, 4.2). Pure; believes no size.

/// Bytes that tell a box.
pub const HEADER_BYTES: u64 = 16;

/// A box.
#[derive(Debug, PartialEq, Eq)]
pub struct Found {
    /// Its four letters.
    pub name: [u8; 4],
    /// Bytes of its header.
    pub header: u64,
    /// Bytes with its header; not more than what is left of the file.
    pub bytes: u64,
}

impl Found {
    /// Whether it is the index of the whole file.
    pub fn is_index(&self) -> bool {
        self.name == *b"moov"
    }
}

/// Whether a file that begins like this is made of boxes.
pub fn begins(bytes: &[u8]) -> bool {
    const FIRST: [&[u8]; 8] = [b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp"];
    bytes.get(4..8).is_some_and(|name| FIRST.contains(&name))
}

/// The box that begins here, with so many bytes left of the file.
///
/// # Errors
/// What is wrong with its size, or that it goes beyond the end.
pub fn parse(bytes: &[u8], left: u64) -> Result<Found, String> {
    let short = || format!("there is no room for a box in the last {left} bytes");
    let (size, rest) = bytes.split_first_chunk::<4>().ok_or_else(short)?;
    let (name, rest) = rest.split_first_chunk::<4>().ok_or_else(short)?;
    let (header, size) = match u32::from_be_bytes(*size) {
        // It goes on to the end.
        0 => (8, left),
        1 => (16, u64::from_be_bytes(*rest.first_chunk::<8>().ok_or_else(short)?)),
        size => (8, u64::from(size)),
    };
    let shown = name.escape_ascii();
    if size < header {
        return Err(format!("the box `{shown}` says that it has {size} bytes, less than its own header"));
    }
    if size > left {
        return Err(format!("the box `{shown}` has {size} bytes, but the file ends after {left}"));
    }
    Ok(Found { name: *name, header, bytes: size })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sized(size: u32, name: &[u8; 4], rest: &[u8]) -> Vec<u8> {
        [&size.to_be_bytes(), &name[..], rest].concat()
    }

    #[test]
    fn sizes_are_read_as_they_are_written() {
        let found = |name: &[u8; 4], header, bytes| Ok(Found { name: *name, header, bytes });
        assert_eq!(parse(&sized(24, b"ftyp", &[]), 100), found(b"ftyp", 8, 24));
        assert_eq!(parse(&sized(0, b"moov", &[]), 100), found(b"moov", 8, 100));
        let large = sized(1, b"mdat", &(1_u64 << 40).to_be_bytes());
        assert_eq!(parse(&large, 1 << 41), found(b"mdat", 16, 1 << 40));
    }

    #[test]
    fn sizes_that_cannot_be_are_refused() {
        for size in 2..8 {
            assert!(parse(&sized(size, b"free", &[0; 8]), 100).is_err(), "{size}");
        }
        assert!(parse(&sized(101, b"mdat", &[0; 8]), 100).unwrap_err().contains("ends after 100"));
        for size in [0, 15, 101, u64::MAX] {
            assert!(parse(&sized(1, b"mdat", &size.to_be_bytes()), 100).is_err(), "{size}");
        }
        assert!(parse(&sized(1, b"mdat", &[0; 4]), 12).is_err());
        assert!(parse(b"\0\0", 2).is_err());
    }

    proptest! {
        #[test]
        fn a_walk_always_goes_on_within_the_file(bytes in prop::collection::vec(any::<u8>(), 0..32), left: u64) {
            if let Ok(found) = parse(&bytes, left) {
                prop_assert!(found.bytes >= 8 && found.bytes <= left || left < 8);
            }
        }
    }
}
