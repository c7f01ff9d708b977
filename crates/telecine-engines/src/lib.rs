//! Models and the engines that run them: see what images show, hear speech, read text in images, understand words, write text. Knows nothing of the service: no bucket, no
//! database, no task. Engines block their thread; the caller decides on which one they run.

mod error;
pub mod hear;
mod image;
pub mod models;
pub mod onnx;
pub mod read;
pub mod runtime;
pub mod see;
pub mod vector;
pub mod weights;
pub mod words;
pub mod write;

pub use error::EngineError;
pub use image::Image;
