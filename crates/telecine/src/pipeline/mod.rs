//! The work on a task: fetch → probe → validate → decode once → see, hear, read → publish. One file per stage and the
//! runner that claims tasks. Every stage can be repeated; a restart at any point goes on. Knows neither HTTP nor SQL.

mod engines;
mod progress;

pub use engines::Engines;
pub use progress::{ProgressBoard, TaskProgress};
