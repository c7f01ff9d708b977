//! The header `Range` (RFC 9110, 14.2): which bytes of something a request asks for. Pure. What cannot be understood, or
//! asks for several ranges, is no range at all: the whole is always a right answer.

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// All of it.
    Whole,
    /// From the first to the last of these bytes, both included, both within the length.
    Part {
        /// The first byte.
        first: u64,
        /// The last byte; not before the first.
        last: u64,
    },
    /// Bytes that are not there.
    Nothing,
}

/// Reads the header for something of this length.
pub fn parse_range(header: &str, length: u64) -> Wanted {
    let Some((unit, ranges)) = header.split_once('=') else { return Wanted::Whole };
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return Wanted::Whole;
    }
    // Empty members of a list count as nothing.
    let mut ranges =
        ranges.split(',').map(|range| range.trim_matches([' ', '\t'])).filter(|range| !range.is_empty());
    let (Some(range), None) = (ranges.next(), ranges.next()) else { return Wanted::Whole };
    let Some((first, last)) = range.split_once('-') else { return Wanted::Whole };
    match (number(first), number(last)) {
        (Some(Some(first)), Some(last)) => {
            let last = last.unwrap_or(u64::MAX);
            if last < first {
                return Wanted::Whole;
            }
            if first >= length {
                return Wanted::Nothing;
            }
            Wanted::Part { first, last: last.min(length - 1) }
        }
        (Some(None), Some(Some(suffix))) => {
            if suffix == 0 || length == 0 {
                return Wanted::Nothing;
            }
            Wanted::Part { first: length.saturating_sub(suffix), last: length - 1 }
        }
        _ => Wanted::Whole,
    }
}

/// Digits, or nothing at all; a number too large for any file is as large as can be.
fn number(text: &str) -> Option<Option<u64>> {
    if text.is_empty() {
        return Some(None);
    }
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| Some(text.parse().unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn part(first: u64, last: u64) -> Wanted {
        Wanted::Part { first, last }
    }

    #[test]
    fn ranges_are_read_as_browsers_and_players_write_them() {
        let table = [
            ("bytes=0-", part(0, 99)),
            ("bytes=0-0", part(0, 0)),
            ("bytes=10-19", part(10, 19)),
            ("bytes=10-1000", part(10, 99)),
            ("bytes=-5", part(95, 99)),
            ("bytes=-500", part(0, 99)),
            ("Bytes = 1-2", part(1, 2)),
            ("bytes=, 1-2 ,", part(1, 2)),
            ("bytes=99-", part(99, 99)),
            ("bytes=0-99999999999999999999999999", part(0, 99)),
            ("bytes=100-", Wanted::Nothing),
            ("bytes=99999999999999999999999999-", Wanted::Nothing),
            ("bytes=-0", Wanted::Nothing),
            ("bytes=5-2", Wanted::Whole),
            ("bytes=1-2,4-5", Wanted::Whole),
            ("bytes=-", Wanted::Whole),
            ("bytes=a-b", Wanted::Whole),
            ("bytes=+1-2", Wanted::Whole),
            ("bytes=1", Wanted::Whole),
            ("bytes", Wanted::Whole),
            ("items=0-1", Wanted::Whole),
            ("", Wanted::Whole),
        ];
        for (header, wanted) in table {
            assert_eq!(parse_range(header, 100), wanted, "{header}");
        }
        assert_eq!(parse_range("bytes=0-", 0), Wanted::Nothing);
        assert_eq!(parse_range("bytes=-1", 0), Wanted::Nothing);
    }

    proptest! {
        #[test]
        fn a_part_always_lies_within_the_length(header in "(bytes=)?[0-9 ,=-]{0,30}|.*", length in any::<u64>()) {
            if let Wanted::Part { first, last } = parse_range(&header, length) {
                prop_assert!(first <= last && last < length);
            }
        }

        #[test]
        fn a_range_within_the_length_is_taken_as_it_is(first in 0u64..1000, more in 0u64..1000, after in 1u64..1000) {
            let last = first + more;
            prop_assert_eq!(parse_range(&format!("bytes={first}-{last}"), last + after), part(first, last));
        }
    }
}
