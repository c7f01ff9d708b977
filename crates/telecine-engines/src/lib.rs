//! Models and the engines that run them: hear speech, read text in images. Knows nothing of the service: no bucket, no
//! database, no task. Engines block their thread; the caller decides on which one they run.

mod error;
pub mod hear;
mod image;
pub mod onnx;
pub mod read;
pub mod runtime;

pub use error::EngineError;
pub use image::Image;
