//! Integration tests: one binary, folders as in `src`.

mod cli;
mod corpora;
mod faults;
mod generate;
mod house;
mod http;
mod integration;
mod media_store;
mod pipeline;
mod queue;
mod search;
mod source;
mod store;
mod support;
mod transfer;
