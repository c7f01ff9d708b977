//! Media time as a type: microseconds on the timeline that a player shows. Never a bare number, never wall-clock.

use std::fmt;
use std::ops::{Add, AddAssign, Sub, SubAssign};

use serde::{Deserialize, Serialize};

/// A point on a media timeline, or a distance on it, in microseconds. May be negative. Arithmetic saturates, for
/// the numbers come from hostile files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MediaTime(i64);

impl MediaTime {
    /// The start of the timeline.
    pub const ZERO: Self = Self(0);
    /// The latest point that can be told.
    pub const MAX: Self = Self(i64::MAX);

    /// From microseconds.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// From milliseconds.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(1_000))
    }

    /// From seconds, rounded to the nearest microsecond. Not a number becomes zero; what does not fit saturates.
    pub fn from_secs_f64(seconds: f64) -> Self {
        Self((seconds * 1e6).round() as i64)
    }

    /// Microseconds.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Milliseconds, rounded down.
    pub const fn as_millis(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    /// Seconds.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }
}

impl Add for MediaTime {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for MediaTime {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl AddAssign for MediaTime {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl SubAssign for MediaTime {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl fmt::Display for MediaTime {
    /// `h:mm:ss.mmm`, rounded down to the millisecond.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let ms = self.0.unsigned_abs() / 1_000;
        let (h, m, s) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60);
        write!(f, "{sign}{h}:{m:02}:{s:02}.{:03}", ms % 1_000)
    }
}

/// A stretch of the timeline, from `start` up to and without `end`; `start <= end` always holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Ends", into = "Ends")]
pub struct TimeRange {
    start: MediaTime,
    end: MediaTime,
}

/// What [`TimeRange`] looks like in JSON, before it is checked.
#[derive(Serialize, Deserialize)]
struct Ends {
    start: MediaTime,
    end: MediaTime,
}

/// A range that would end before it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a time range cannot end ({end}) before it starts ({start})")]
pub struct InvertedRange {
    /// The start that was given.
    pub start: MediaTime,
    /// The end that was given.
    pub end: MediaTime,
}

impl TimeRange {
    /// The range `start..end`; an error if it would end before it starts.
    pub fn new(start: MediaTime, end: MediaTime) -> Result<Self, InvertedRange> {
        if start <= end { Ok(Self { start, end }) } else { Err(InvertedRange { start, end }) }
    }

    /// The first moment in the range.
    pub const fn start(&self) -> MediaTime {
        self.start
    }

    /// The first moment after the range.
    pub const fn end(&self) -> MediaTime {
        self.end
    }

    /// `end - start`.
    pub fn duration(&self) -> MediaTime {
        self.end - self.start
    }

    /// Whether the moment lies in the range (`end` does not).
    pub fn contains(&self, at: MediaTime) -> bool {
        self.start <= at && at < self.end
    }

    /// Whether the two share more than an edge.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.start < other.end && other.start < self.end
    }

    /// The stretch that both cover, if they [overlap](Self::overlaps).
    pub fn intersection(&self, other: &Self) -> Option<Self> {
        self.overlaps(other)
            .then(|| Self { start: self.start.max(other.start), end: self.end.min(other.end) })
    }

    /// The smallest range that covers both, the gap between them included.
    pub fn union(&self, other: &Self) -> Self {
        Self { start: self.start.min(other.start), end: self.end.max(other.end) }
    }
}

impl TryFrom<Ends> for TimeRange {
    type Error = InvertedRange;
    fn try_from(ends: Ends) -> Result<Self, InvertedRange> {
        Self::new(ends.start, ends.end)
    }
}

impl From<TimeRange> for Ends {
    fn from(range: TimeRange) -> Self {
        Self { start: range.start, end: range.end }
    }
}

impl fmt::Display for TimeRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}–{}", self.start, self.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(start: i64, end: i64) -> TimeRange {
        TimeRange::new(MediaTime::from_micros(start), MediaTime::from_micros(end)).unwrap()
    }

    #[test]
    fn time_is_shown_as_hours_minutes_seconds_and_milliseconds() {
        assert_eq!(MediaTime::from_secs_f64(3723.0045).to_string(), "1:02:03.004");
        assert_eq!(MediaTime::from_millis(-1_500).to_string(), "-0:00:01.500");
    }

    #[test]
    fn hostile_numbers_saturate_instead_of_wrapping() {
        assert_eq!(MediaTime::from_secs_f64(f64::NAN), MediaTime::ZERO);
        assert_eq!(MediaTime::from_secs_f64(1e300), MediaTime::MAX);
        assert_eq!(MediaTime::MAX + MediaTime::from_micros(1), MediaTime::MAX);
    }

    #[test]
    fn ranges_that_only_touch_do_not_overlap() {
        assert!(!range(0, 5).overlaps(&range(5, 9)));
        assert_eq!(range(0, 6).intersection(&range(5, 9)), Some(range(5, 6)));
        assert_eq!(range(0, 2).intersection(&range(5, 9)), None);
        assert_eq!(range(0, 2).union(&range(5, 9)), range(0, 9));
        assert!(range(0, 2).contains(MediaTime::ZERO) && !range(0, 2).contains(MediaTime::from_micros(2)));
    }

    #[test]
    fn an_inverted_range_is_refused_by_constructor_and_by_json() {
        assert!(TimeRange::new(MediaTime::from_micros(2), MediaTime::ZERO).is_err());
        assert!(serde_json::from_str::<TimeRange>(r#"{"start":2,"end":1}"#).is_err());
        let json = serde_json::to_string(&range(1, 2)).unwrap();
        assert_eq!(json, r#"{"start":1,"end":2}"#);
        assert_eq!(serde_json::from_str::<TimeRange>(&json).unwrap(), range(1, 2));
    }
}
