//! Media on a leash: probing and decoding of hostile files in limited, sandboxed `ffmpeg`/`ffprobe` children,
//! captions, shot boundaries and thumbnails. This crate knows nothing of the service: no tasks, no HTTP, no SQL.
//!
//! The journey: [`MediaTools::discover`] once, then per file [`MediaTools::probe`] → [`MediaTools::decode`] (one
//! pass, frames through [`frame_channel`], audio into a file) → [`shots`], [`changed`], [`thumbnail`] on the frames. A still
//! picture goes through [`MediaTools::decode_picture`].

pub mod boxes;
pub mod captions;
pub mod changed;
mod child;
mod decode;
mod error;
mod frames;
mod limits;
mod picture;
pub mod pixels;
mod probe;
mod sandbox;
pub mod shots;
mod sight;
pub mod stream;
pub mod thumbnail;
mod time;
mod tools;

pub use decode::{AUDIO_HZ, AudioPlan, DecodePlan, DecodeSummary, FramePlan, Profile};
pub use error::{Limit, MediaError};
pub use frames::{Frame, FrameReceiver, FrameSender, ReceiverGone, frame_channel};
pub use limits::Limits;
pub use picture::StillPicture;
pub use probe::{AudioStream, Probe, SubtitleStream, VideoStream};
pub use sandbox::{Policy, SandboxConfig, SandboxStatus};
pub use time::{InvertedRange, MediaTime, TimeRange};
pub use tools::{MediaConfig, MediaTools};
