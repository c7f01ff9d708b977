//! The commands as people and scripts meet them: settings, texts, exit statuses, keys, start and stop of a server.

mod config;
mod doctor;
mod exit;
mod help;
mod hosts;
mod keys;
mod migrate;
pub(crate) mod program;
mod serve;
mod transfer;
mod webhook;
