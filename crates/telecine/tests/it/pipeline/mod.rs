//! The pipeline on real media, with real models and the real store; only the bucket is one that can misbehave.

mod codes;
mod duplicates;
mod failures;
mod fetching;
pub(crate) mod house;
mod indexing;
pub(crate) mod media;
mod places;
mod refusals;
mod stopping;
mod streams;
