//! The `Source` seam: one suite, run on every kind of store; what is particular to each beside it.

mod answers;
pub(crate) mod azure;
mod conformance;
mod endpoint;
mod folder;
mod gcs;
mod http;
mod listing;
mod open;
mod private;
mod s3;
mod urls;
