//! Pairs raw pictures from stdout with their times from the other pipe and delivers them. It also keeps the promise
//! that the last frame comes: of the frames selected near the end only the newest is held back and sent.

use std::fs::File;

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::unix::pipe;
use tokio::process::ChildStdout;

use super::filters::TICK_SLACK;
use crate::child::Running;
use crate::frames::{Frame, FrameSender};
use crate::{MediaError, MediaTime};

/// What was delivered.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) frames: u64,
    pub(super) first: Option<MediaTime>,
    pub(super) last: Option<MediaTime>,
    pub(super) longest_gap: MediaTime,
}

pub(super) struct FrameReader {
    pixels: ChildStdout,
    times: BufReader<pipe::Receiver>,
    width: u32,
    height: u32,
    fps: f64,
    /// The tick of the newest frame that was sent for its tick.
    tick: Option<f64>,
    held: Option<Frame>,
    tally: Tally,
}

impl FrameReader {
    pub(super) fn new(
        pixels: ChildStdout,
        times: File,
        width: u32,
        height: u32,
        fps: f64,
    ) -> std::io::Result<Self> {
        let times = BufReader::new(pipe::Receiver::from_file(times)?);
        Ok(Self { pixels, times, width, height, fps, tick: None, held: None, tally: Tally::default() })
    }

    /// Delivers until the child closes its output. Only waiting for the child counts against its clock.
    pub(super) async fn deliver(
        &mut self,
        child: &mut Running,
        sink: &FrameSender,
    ) -> Result<Tally, MediaError> {
        while let Some(frame) =
            child.awaiting(self.next()).await?.map_err(MediaError::io("reading frames"))?
        {
            let tick = (frame.pts.as_secs_f64() * self.fps + TICK_SLACK).floor();
            if self.tick.is_none_or(|sent| tick > sent) {
                self.tick = Some(tick);
                self.held = None;
                self.send(frame, sink).await?;
            } else if self.tally.last.is_none_or(|sent| frame.pts > sent) {
                self.held = Some(frame);
            }
            // What comes at a time that is over already, as clocks of broken files tell, is not shown again.
        }
        if let Some(last) = self.held.take() {
            self.send(last, sink).await?;
        }
        Ok(std::mem::take(&mut self.tally))
    }

    async fn send(&mut self, frame: Frame, sink: &FrameSender) -> Result<(), MediaError> {
        let pts = frame.pts;
        sink.send(frame).await.map_err(|_| MediaError::ReceiverGone)?;
        let tally = &mut self.tally;
        tally.frames += 1;
        tally.first.get_or_insert(pts);
        let gap = tally.last.map_or(MediaTime::ZERO, |last| pts - last);
        tally.longest_gap = tally.longest_gap.max(gap);
        tally.last = Some(pts);
        Ok(())
    }

    /// The next picture with its time; none at the end, or when the last picture was cut off.
    async fn next(&mut self) -> std::io::Result<Option<Frame>> {
        let mut rgb = vec![0; self.width as usize * self.height as usize * 3];
        match self.pixels.read_exact(&mut rgb).await {
            Ok(_) => {}
            Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(e) => return Err(e),
        }
        let pts = self.next_time().await?;
        Ok(pts.map(|pts| Frame { pts, width: self.width, height: self.height, rgb }))
    }

    /// The next record's time: `frame:7    pts:2000000 pts_time:2`, followed by `t=1`.
    async fn next_time(&mut self) -> std::io::Result<Option<MediaTime>> {
        while let Some(line) = next_line(&mut self.times).await? {
            if let Some(rest) = line.strip_prefix("frame:") {
                return Ok(Some(pts(rest).unwrap_or_else(|| self.guess())));
            }
        }
        Ok(None)
    }

    /// A frame without a time of its own (`NOPTS`) follows the one before by one tick.
    fn guess(&self) -> MediaTime {
        let before = self.held.as_ref().map(|frame| frame.pts).or(self.tally.last);
        before.map_or(MediaTime::ZERO, |pts| pts + MediaTime::from_secs_f64(1.0 / self.fps))
    }
}

/// A record's line is shorter; a child that was taken over could write one without end.
const MAX_LINE_BYTES: u64 = 512;

/// A line without its end, as far as it fits; none when there is no more.
async fn next_line(lines: &mut (impl AsyncBufRead + Unpin)) -> std::io::Result<Option<String>> {
    let mut line = Vec::new();
    lines.take(MAX_LINE_BYTES).read_until(b'\n', &mut line).await?;
    Ok((!line.is_empty()).then(|| String::from_utf8_lossy(&line).trim_end().to_owned()))
}

fn pts(record: &str) -> Option<MediaTime> {
    let field = record.split_whitespace().find_map(|field| field.strip_prefix("pts:"))?;
    field.parse().ok().map(MediaTime::from_micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_is_read_in_microseconds_and_not_from_the_rounded_field() {
        assert_eq!(pts("12   pts:3600033333 pts_time:3600.03"), Some(MediaTime::from_micros(3_600_033_333)));
        assert_eq!(pts("12   pts:NOPTS   pts_time:NOPTS"), None);
    }

    #[tokio::test]
    async fn lines_are_read_piece_by_piece_when_they_have_no_end() {
        let endless = [b"short\n".as_slice(), &[b'x'; 600], b"\nlast"].concat();
        let mut lines = endless.as_slice();
        let mut lengths = Vec::new();
        while let Some(line) = next_line(&mut lines).await.unwrap() {
            lengths.push(line.len());
        }
        assert_eq!(lengths, [5, 512, 88, 4]);
    }
}
