//! The line above a caption that says when it is shown.

use crate::{MediaTime, TimeRange};

/// Whether the line is meant as a time range: it has the arrow, and a digit in front of it.
pub(super) fn looks_like_one(line: &str) -> bool {
    line.split_once("-->").is_some_and(|(before, _)| before.contains(|c: char| c.is_ascii_digit()))
}

/// `01:02:03,400 --> 01:02:05.600 position:10%`: hours optional, comma or point, settings ignored. None when it
/// cannot be read, is inverted or empty, or ends after `max_time`.
pub(super) fn parse(line: &str, max_time: MediaTime) -> Option<TimeRange> {
    let (start, rest) = line.split_once("-->")?;
    let end = rest.split_whitespace().next()?;
    let range = TimeRange::new(timestamp(start.trim())?, timestamp(end)?).ok()?;
    (range.duration() > MediaTime::ZERO && range.end() <= max_time).then_some(range)
}

/// `hh:mm:ss,mmm` or `mm:ss.mmm`, the fraction of any length or missing.
fn timestamp(text: &str) -> Option<MediaTime> {
    let (clock, fraction) = text.split_once([',', '.']).unwrap_or((text, ""));
    let parts: Vec<&str> = clock.split(':').collect();
    let (hours, minutes, seconds) = match parts[..] {
        [h, m, s] => (number(h)?, number(m)?, number(s)?),
        [m, s] => (0, number(m)?, number(s)?),
        _ => return None,
    };
    if minutes > 59 || seconds > 59 {
        return None;
    }
    let whole = hours * 3_600_000_000 + minutes * 60_000_000 + seconds * 1_000_000;
    Some(MediaTime::from_micros(whole + micros(fraction)?))
}

/// At most nine digits: no overflow, and more years than any film has.
fn number(text: &str) -> Option<i64> {
    let text = text.trim();
    let is_plain = (1..=9).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if is_plain { text.parse().ok() } else { None }
}

/// Digits after the comma, as microseconds; further digits are dropped.
fn micros(fraction: &str) -> Option<i64> {
    if !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let digits = fraction.bytes().chain(std::iter::repeat(b'0')).take(6);
    Some(digits.fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0')))
}
