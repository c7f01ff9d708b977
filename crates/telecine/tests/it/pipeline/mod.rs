//! The pipeline on real media, with real models and the real store; only the bucket is one that can misbehave.

mod duplicates;
mod failures;
mod fetching;
mod house;
mod indexing;
mod media;
mod places;
mod refusals;
mod stopping;
