//! Look: a cheap glance at every frame, which finds shots, picks the pictures of each that are worth an engine's time,
//! and says which frames should be read. Runs no engine.

use std::sync::Arc;

use anyhow::{Context, anyhow};
use telecine_media::changed::ChangeDetector;
use telecine_media::shots::{Shot, ShotConfig, ShotDetector};
use telecine_media::{Frame, FrameReceiver, MediaTime, TimeRange, pixels};
use tokio::sync::mpsc;

use super::SEE_SIDE_PX;
use crate::pipeline::cpu;
use crate::pipeline::job::Job;
use crate::pipeline::stop::Stop;

/// Pictures of a shot that are seen, at most.
pub(super) const MAX_PICTURES: usize = 8;
/// Pictures of the present shot that are kept, at most; of more, every second one is dropped.
const MAX_HELD: usize = 16;
/// Mean difference in brightness (0 to 255) below which a picture shows nothing new.
const SAME: u32 = 4;
/// The grid through which that is looked at.
const GRID: (u32, u32) = (32, 18);

/// A shot and its pictures, never none.
#[derive(Debug, Clone)]
pub(super) struct Pictured {
    pub(super) range: TimeRange,
    /// In order of time. The moment lies in the range, even where the picture came before and stayed on.
    pub(super) pictures: Vec<(MediaTime, Arc<Frame>)>,
}

/// Where what was found goes.
#[derive(Debug)]
pub(super) struct Outlets {
    pub(super) shots: mpsc::Sender<Pictured>,
    pub(super) reads: mpsc::Sender<Frame>,
}

/// Takes all frames. The outlets close when it is done.
pub(super) async fn look(
    job: &Job,
    mut frames: FrameReceiver,
    mut looker: Looker,
    end: MediaTime,
    outlets: Outlets,
) -> Result<(), Stop> {
    let gone = || Stop::Internal(anyhow!("nobody takes what is found in frames"));
    while let Some(frame) = job.unless_cancelled(frames.recv()).await? {
        // What is seen and read lies only a few frames behind, for the outlets are narrow.
        let at_s = frame.pts.as_secs_f64();
        job.progress(|progress| progress.indexed_s = at_s);
        let glance = move || {
            let found = cpu::measured("look", || looker.push(frame));
            (looker, found)
        };
        let found;
        (looker, found) = tokio::task::spawn_blocking(glance).await.context("looking at a frame")?;
        if let Some(frame) = found.read {
            outlets.reads.send(frame).await.map_err(|_| gone())?;
        }
        for shot in found.shots {
            outlets.shots.send(shot).await.map_err(|_| gone())?;
        }
    }
    for shot in looker.finish(end) {
        outlets.shots.send(shot).await.map_err(|_| gone())?;
    }
    Ok(())
}

/// What a frame brought.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Shots that ended.
    pub(super) shots: Vec<Pictured>,
    /// The frame, if it should be read.
    pub(super) read: Option<Frame>,
}

/// Remembers the pictures of the present shot.
#[derive(Debug)]
pub(super) struct Looker {
    shots: ShotDetector,
    changes: Option<ChangeDetector>,
    held: Vec<Held>,
    last: Option<Arc<Frame>>,
}

#[derive(Debug)]
struct Held {
    frame: Arc<Frame>,
    grid: Vec<u8>,
}

impl Looker {
    /// With what finds changes of text, if text is asked for.
    pub(super) fn new(changes: Option<ChangeDetector>) -> Self {
        let shots = ShotDetector::new(ShotConfig::default());
        Self { shots, changes, held: Vec::new(), last: None }
    }

    /// The next frame.
    pub(super) fn push(&mut self, frame: Frame) -> Found {
        let is_changed = self.changes.as_mut().is_some_and(|changes| changes.changed(&frame));
        let (width, height) = pixels::fit(frame.width, frame.height, SEE_SIDE_PX);
        // Pictures to be seen wait in numbers, so that they are small; those to be read have all their pixels.
        let small = Arc::new(pixels::downscale(&frame, width, height));
        let ended = self.shots.push(&small);
        let shots = self.picture(&ended);
        self.hold(&small);
        self.last = Some(small);
        Found { shots, read: is_changed.then_some(frame) }
    }

    /// What is left when the video ends.
    pub(super) fn finish(mut self, end: MediaTime) -> Vec<Pictured> {
        let last = self.last.as_ref().map_or(MediaTime::ZERO, |last| last.pts);
        let shots = std::mem::replace(&mut self.shots, ShotDetector::new(ShotConfig::default()));
        let ended = shots.finish(end.max(last + MediaTime::from_millis(1)));
        self.picture(&ended)
    }

    fn picture(&mut self, ended: &[Shot]) -> Vec<Pictured> {
        ended.iter().filter_map(|shot| self.pictures_of(shot.range)).collect()
    }

    /// The shot's own pictures, spread over it; where it has none, the one that stayed on from before.
    fn pictures_of(&mut self, range: TimeRange) -> Option<Pictured> {
        let own = self.held.iter().take_while(|held| held.frame.pts < range.end()).count();
        let own: Vec<_> = self.held.drain(..own).map(|held| (held.frame.pts, held.frame)).collect();
        let pictures = if own.is_empty() {
            vec![(range.start(), Arc::clone(self.last.as_ref()?))]
        } else {
            spread(own, MAX_PICTURES)
        };
        Some(Pictured { range, pictures })
    }

    fn hold(&mut self, frame: &Arc<Frame>) {
        let grid = pixels::luma_grid(frame, GRID.0, GRID.1);
        if self.held.last().is_some_and(|held| is_same(&held.grid, &grid)) {
            return;
        }
        if self.held.len() >= MAX_HELD {
            let mut n = 0;
            self.held.retain(|_| {
                n += 1;
                n % 2 == 1
            });
        }
        self.held.push(Held { frame: Arc::clone(frame), grid });
    }
}

fn is_same(a: &[u8], b: &[u8]) -> bool {
    let levels: u32 = a.iter().zip(b).map(|(a, b)| u32::from(a.abs_diff(*b))).sum();
    a.len() == b.len() && levels < SAME * a.len() as u32
}

/// At most `most` of them, at even distances, the first always.
fn spread<T>(all: Vec<T>, most: usize) -> Vec<T> {
    let count = all.len();
    let is_taken = |n: usize| n == 0 || n * most / count != (n - 1) * most / count;
    all.into_iter().enumerate().filter(|(n, _)| count <= most || is_taken(*n)).map(|(_, it)| it).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(at_s: f64, paint: impl Fn(u32, u32) -> u8) -> Frame {
        let (width, height) = (64, 36);
        let rgb = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        let rgb = rgb.flat_map(|(x, y)| [paint(x, y); 3]).collect();
        Frame { pts: MediaTime::from_secs_f64(at_s), width, height, rgb }
    }

    fn run(frames: impl IntoIterator<Item = Frame>, end_s: f64) -> Vec<Pictured> {
        let mut looker = Looker::new(None);
        let mut shots: Vec<_> = frames.into_iter().flat_map(|frame| looker.push(frame).shots).collect();
        shots.extend(looker.finish(MediaTime::from_secs_f64(end_s)));
        shots
    }

    fn times(shot: &Pictured) -> Vec<f64> {
        shot.pictures.iter().map(|(at, _)| at.as_secs_f64()).collect()
    }

    #[test]
    fn a_still_shot_has_one_picture_and_a_moving_one_several_but_never_too_many() {
        let still = run((0..9).map(|s| frame(f64::from(s), |x, _| x as u8)), 9.0);
        assert_eq!(still.iter().map(times).collect::<Vec<_>>(), [vec![0.0]]);
        let moving = run((0..40).map(|n| frame(f64::from(n) / 4.0, |x, _| (x + n * 5) as u8)), 10.0);
        let [shot] = &moving[..] else { panic!("one shot: {moving:?}") };
        assert!((2..=MAX_PICTURES).contains(&shot.pictures.len()), "{:?}", times(shot));
    }

    #[test]
    fn pictures_belong_to_their_own_shot() {
        let shots = run((0..8).map(|s| frame(f64::from(s), |x, _| if s < 4 { x as u8 } else { 255 })), 8.0);
        assert_eq!(shots.iter().map(times).collect::<Vec<_>>(), [vec![0.0], vec![4.0]]);
    }

    #[test]
    fn a_picture_that_stays_on_stands_for_every_shot_that_its_age_is_cut_into() {
        let shots = run([frame(0.0, |x, _| x as u8)], 25.0);
        assert_eq!(shots.iter().map(times).collect::<Vec<_>>(), [vec![0.0], vec![10.0], vec![20.0]]);
    }

    #[test]
    fn a_video_that_ends_before_its_last_frame_says_still_has_that_shot() {
        assert_eq!(run([frame(5.0, |x, _| x as u8)], 1.0).len(), 1);
        assert!(run([], 1.0).is_empty());
    }

    #[test]
    fn what_is_spread_is_even_and_begins_with_the_first() {
        assert_eq!(spread((0..16).collect(), 8), [0, 2, 4, 6, 8, 10, 12, 14]);
        assert_eq!(spread((0..3).collect(), 8), [0, 1, 2]);
        assert_eq!(spread((0..9).collect(), 8).len(), 8);
    }
}
