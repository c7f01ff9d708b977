//! The work on a task: fetch → probe → validate → decode once → see, hear, read → publish. One file per stage and the
//! runner that claims tasks. Every stage can be repeated; a restart at any point goes on. Knows neither HTTP nor SQL.

mod cpu;
mod engines;
pub(crate) mod fetch;
mod index;
mod job;
mod lease;
mod measures;
mod progress;
mod publish;
mod runner;
mod stop;
mod stream;
mod tidy;
mod transcription;
mod validate;
mod workshop;
mod writer;

pub(crate) use index::{check_complete, speech_segments};

pub(crate) use engines::default_models_dir;
pub use engines::{Engines, LoadError};
pub use progress::{ProgressBoard, TaskProgress, WorkClass};
pub use runner::run;
pub use stream::{remove_stray_streams, remove_stream};
pub use tidy::{needs_uploads, remove_orphans};
pub use validate::media_fault;
pub use writer::open_writer;
