//! Where models come from and how they lie in their folder: the manifest, fetching and checking. Knows no engine but
//! the converters that make ONNX files out of plain weights.

mod convert;
mod fetch;
mod folder;
mod hub;
mod manifest;
mod record;
mod verify;
mod wheel;

pub use self::{
    fetch::{FetchError, FetchOptions, Progress, Selection, SourceOrder, fetch},
    folder::{ModelFolder, OcrSize},
    manifest::{Conversion, MadeFiles, Manifest, ModelFile, ModelSet, Wheel, WheelPart},
    verify::{Presence, Problem, Report, presence, verify},
};
