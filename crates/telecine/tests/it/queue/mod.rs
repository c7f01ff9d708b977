//! What every queue must do: one suite, written against `dyn Queue`, run on each of them; and what the stream's does besides.

mod conformance;
pub(crate) mod house;
mod jetstream;
mod tls;
