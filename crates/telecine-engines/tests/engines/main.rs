//! The engines on their real models and on real media. A model that is missing fails its tests, with the command that
//! fetches it.

mod clip;
mod fetch;
mod fixtures;
mod hear;
mod onnx;
mod read;
mod runtime;
mod see;
mod whisper;
mod words;
