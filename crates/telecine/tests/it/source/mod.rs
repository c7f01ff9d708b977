//! The `Source` seam: one suite, run on every kind of store; what is particular to each beside it.

mod conformance;
mod folder;
mod s3;
