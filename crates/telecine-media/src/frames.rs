//! Decoded frames and the channel that carries them, bounded by bytes: a 4K frame weighs what a hundred small ones do.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::MediaTime;

/// One decoded picture at its true presentation time.
#[derive(Clone, PartialEq, Eq)]
pub struct Frame {
    /// When a player shows it first.
    pub pts: MediaTime,
    /// Pixels per row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// `width * height * 3` bytes: rows from the top, red, green, blue.
    pub rgb: Vec<u8>,
}

impl Frame {
    /// The three bytes of the pixel in column `x`, row `y`.
    ///
    /// # Panics
    /// When the pixel lies outside of the frame.
    pub fn pixel(&self, x: u32, y: u32) -> [u8; 3] {
        let at = (y as usize * self.width as usize + x as usize) * 3;
        [self.rgb[at], self.rgb[at + 1], self.rgb[at + 2]]
    }
}

impl std::fmt::Debug for Frame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Frame({} {}×{})", self.pts, self.width, self.height)
    }
}

/// Frames that may wait whatever their size; bytes are the real bound.
const MAX_WAITING_FRAMES: usize = 256;
/// One permit stands for this many bytes, so that budgets beyond 4 GiB fit the semaphore.
const BYTES_PER_PERMIT: usize = 1024;

/// A channel in which at most `max_bytes` of pixels wait (one frame may always pass, however large).
pub fn frame_channel(max_bytes: usize) -> (FrameSender, FrameReceiver) {
    let (sender, receiver) = mpsc::channel(MAX_WAITING_FRAMES);
    let permits = u32::try_from(max_bytes / BYTES_PER_PERMIT).unwrap_or(u32::MAX).max(1);
    let room = Arc::new(Semaphore::new(permits as usize));
    (FrameSender { sender, room, permits }, FrameReceiver { receiver })
}

/// Where the decoder puts frames.
#[derive(Debug, Clone)]
pub struct FrameSender {
    sender: mpsc::Sender<(Frame, OwnedSemaphorePermit)>,
    room: Arc<Semaphore>,
    permits: u32,
}

/// Where the consumer takes frames. Dropping it stops the decode.
#[derive(Debug)]
pub struct FrameReceiver {
    receiver: mpsc::Receiver<(Frame, OwnedSemaphorePermit)>,
}

/// The receiver was dropped: nobody wants the frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the receiver of the frames has gone away")]
pub struct ReceiverGone;

impl FrameSender {
    /// Sends the frame, waiting until there is room for its bytes.
    pub async fn send(&self, frame: Frame) -> Result<(), ReceiverGone> {
        let wanted = u32::try_from(frame.rgb.len().div_ceil(BYTES_PER_PERMIT)).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room).acquire_many_owned(wanted.clamp(1, self.permits));
        let permit = tokio::select! {
            permit = room => permit.map_err(|_| ReceiverGone)?,
            () = self.sender.closed() => return Err(ReceiverGone),
        };
        self.sender.send((frame, permit)).await.map_err(|_| ReceiverGone)
    }
}

impl FrameReceiver {
    /// The next frame, in order of presentation; none after the last.
    pub async fn recv(&mut self) -> Option<Frame> {
        self.receiver.recv().await.map(|(frame, _room)| frame)
    }

    /// [`recv`](Self::recv) for a thread outside of the async runtime.
    pub fn blocking_recv(&mut self) -> Option<Frame> {
        self.receiver.blocking_recv().map(|(frame, _room)| frame)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn frame(bytes: usize) -> Frame {
        Frame { pts: MediaTime::ZERO, width: 1, height: 1, rgb: vec![0; bytes] }
    }

    async fn is_stuck(send: impl Future<Output = Result<(), ReceiverGone>>) -> bool {
        tokio::time::timeout(Duration::from_millis(20), send).await.is_err()
    }

    #[tokio::test]
    async fn a_full_channel_makes_the_sender_wait_until_bytes_are_taken() {
        let (sender, mut receiver) = frame_channel(10 << 10);
        sender.send(frame(6 << 10)).await.unwrap();
        sender.send(frame(4 << 10)).await.unwrap();
        assert!(is_stuck(sender.send(frame(1))).await);
        receiver.recv().await.unwrap();
        sender.send(frame(6 << 10)).await.unwrap();
    }

    #[tokio::test]
    async fn a_frame_larger_than_the_budget_passes_alone() {
        let (sender, mut receiver) = frame_channel(1 << 10);
        sender.send(frame(1 << 20)).await.unwrap();
        assert!(is_stuck(sender.send(frame(1))).await);
        assert_eq!(receiver.recv().await.unwrap().rgb.len(), 1 << 20);
        sender.send(frame(1)).await.unwrap();
    }

    #[tokio::test]
    async fn a_waiting_sender_learns_that_the_receiver_has_gone() {
        let (sender, receiver) = frame_channel(1 << 10);
        sender.send(frame(1 << 10)).await.unwrap();
        let waiting = tokio::spawn(async move { sender.send(frame(1 << 10)).await });
        tokio::task::yield_now().await;
        drop(receiver);
        assert_eq!(waiting.await.unwrap(), Err(ReceiverGone));
    }
}
