//! The playlist of a stream (RFC 8216, version 7): segments as ranges of bytes of one file.

use std::fmt::Write;
use std::time::Duration;

use super::fragments::{Fragment, Fragments};

/// A segment ends with the fragment with which it is at least so long, if the next one is independent.
const LONG_ENOUGH: Duration = Duration::from_secs(4);

/// The playlist of a stream that lies at `uri`, as seen from the playlist.
pub fn playlist(fragments: &Fragments, uri: &str) -> String {
    let segments = segments(fragments);
    // Whole seconds, rounded up: no segment may be longer.
    let longest = segments.iter().map(|segment| segment.duration).max().unwrap_or_default();
    let target_s = longest.as_secs() + u64::from(longest.subsec_nanos() > 0);
    let mut text = format!(
        "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:{}\n#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:VOD\n",
        target_s.max(1)
    );
    if segments.iter().all(|segment| segment.is_independent) {
        text.push_str("#EXT-X-INDEPENDENT-SEGMENTS\n");
    }
    let mut at = fragments.header_bytes;
    let mut line = |line: std::fmt::Arguments<'_>| {
        text.write_fmt(line).expect("memory takes all that is written");
        text.push('\n');
    };
    line(format_args!("#EXT-X-MAP:URI=\"{uri}\",BYTERANGE=\"{at}@0\""));
    for Fragment { bytes, duration, .. } in segments {
        line(format_args!("#EXTINF:{:.6},", duration.as_secs_f64()));
        line(format_args!("#EXT-X-BYTERANGE:{bytes}@{at}"));
        line(format_args!("{uri}"));
        at += bytes;
    }
    line(format_args!("#EXT-X-ENDLIST"));
    text
}

/// Fragments that follow each other, joined until they are long enough.
fn segments(fragments: &Fragments) -> Vec<Fragment> {
    let mut joined: Vec<Fragment> = Vec::new();
    for fragment in &fragments.all {
        match joined.last_mut() {
            Some(open) if open.duration < LONG_ENOUGH || !fragment.is_independent => {
                open.bytes += fragment.bytes;
                open.duration += fragment.duration;
            }
            _ => joined.push(*fragment),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fragments(all: &[(u64, u64, bool)]) -> Fragments {
        let all = all.iter().map(|&(bytes, ms, is_independent)| Fragment {
            bytes,
            duration: Duration::from_millis(ms),
            is_independent,
        });
        Fragments { header_bytes: 1000, all: all.collect() }
    }

    #[test]
    fn segments_are_joined_to_four_seconds_and_begin_where_one_can_begin() {
        let fragments =
            fragments(&[(10, 2000, true), (20, 2500, true), (30, 10_000, true), (40, 5000, false)]);
        let expected = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:15\n#EXT-X-MEDIA-SEQUENCE:0\n\
            #EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-INDEPENDENT-SEGMENTS\n\
            #EXT-X-MAP:URI=\"s.mp4\",BYTERANGE=\"1000@0\"\n\
            #EXTINF:4.500000,\n#EXT-X-BYTERANGE:30@1000\ns.mp4\n\
            #EXTINF:15.000000,\n#EXT-X-BYTERANGE:70@1030\ns.mp4\n#EXT-X-ENDLIST\n";
        assert_eq!(playlist(&fragments, "s.mp4"), expected);
    }

    #[test]
    fn every_byte_after_the_header_is_in_a_segment() {
        let fragments = fragments(&[(7, 900, true), (11, 1100, false), (13, 100, true)]);
        let text = playlist(&fragments, "x");
        let ranges: Vec<u64> = text
            .lines()
            .filter_map(|line| line.strip_prefix("#EXT-X-BYTERANGE:")?.split('@').next()?.parse().ok())
            .collect();
        assert_eq!(ranges.iter().sum::<u64>(), 31);
    }
}
