//! What may become of an animal of the zoo.

use std::ops::RangeInclusive;

use super::FPS;

/// What is right for a file.
pub(crate) enum Verdict {
    /// It is taken, and this is seen and heard.
    Shows(Box<Shows>),
    /// It is refused with one of these.
    Refused(&'static [Kind]),
    /// Whatever its bits say: nothing but what [`Kind`] has, and in bounds.
    Bounded,
}

/// Whose fault and what for: everything that a hostile file may lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    NotMedia,
    Broken,
    NotAllowed,
    TooLarge,
    NoVideo,
    OverCpu,
    OverMemory,
    OverTime,
}

/// What is seen and heard of a file.
pub(crate) struct Shows {
    /// When the frame of this number is shown, in seconds.
    pub(crate) truth: fn(u32) -> f64,
    /// Whether all of it may be shifted by as much as this, for the start is not known.
    pub(crate) shift_s: f64,
    /// How far a frame may be from the truth.
    pub(crate) off_s: f64,
    /// How many frames may be elsewhere, for the damage is in them.
    pub(crate) spoilt: usize,
    /// How many frames are delivered.
    pub(crate) frames: RangeInclusive<usize>,
    /// As shown.
    pub(crate) size: (u32, u32),
    /// Where the first bar of the number is.
    pub(crate) first_bar: Side,
    pub(crate) sounds: usize,
    /// When the burst of sound is heard; none where nothing is.
    pub(crate) burst_s: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Left,
    Top,
    Right,
    Bottom,
    /// There are no bars.
    Nowhere,
}

/// Three seconds of the base: all frames, the burst at two.
pub(crate) fn shows() -> Shows {
    Shows {
        truth: |n| f64::from(n) / FPS,
        shift_s: 0.0,
        off_s: 1.0 / FPS,
        spoilt: 0,
        frames: 90..=90,
        size: (160, 48),
        first_bar: Side::Left,
        sounds: 1,
        burst_s: Some(2.0),
    }
}

impl Shows {
    pub(crate) fn truth(self, truth: fn(u32) -> f64) -> Self {
        Self { truth, ..self }
    }

    pub(crate) fn shift(self, shift_s: f64) -> Self {
        Self { shift_s, ..self }
    }

    pub(crate) fn off(self, off_s: f64) -> Self {
        Self { off_s, ..self }
    }

    pub(crate) fn spoilt(self, spoilt: usize) -> Self {
        Self { spoilt, ..self }
    }

    pub(crate) fn frames(self, frames: RangeInclusive<usize>) -> Self {
        Self { frames, ..self }
    }

    pub(crate) fn size(self, width: u32, height: u32) -> Self {
        Self { size: (width, height), ..self }
    }

    pub(crate) fn bars(self, first_bar: Side) -> Self {
        Self { first_bar, ..self }
    }

    pub(crate) fn sounds(self, sounds: usize) -> Self {
        Self { sounds, ..self }
    }

    pub(crate) fn burst(self, burst_s: f64) -> Self {
        Self { burst_s: Some(burst_s), ..self }
    }

    pub(crate) fn silent(self) -> Self {
        Self { burst_s: None, ..self }
    }

    pub(crate) fn mute(self) -> Self {
        Self { sounds: 0, burst_s: None, ..self }
    }
}

impl From<Shows> for Verdict {
    fn from(shows: Shows) -> Self {
        Self::Shows(Box::new(shows))
    }
}

impl From<&'static [Kind]> for Verdict {
    fn from(kinds: &'static [Kind]) -> Self {
        Self::Refused(kinds)
    }
}
