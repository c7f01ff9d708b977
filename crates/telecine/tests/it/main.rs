//! Integration tests: one binary, folders as in `src`.

mod house;
mod source;
mod store;
mod support;
mod transfer;
