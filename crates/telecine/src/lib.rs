//! Telecine: turns a bucket of videos into a searchable index with one API call.
//!
//! The house (docs/ARCHITECTURE.md): `cli` and `http` call `integration`, `transfer`, `index`, `video`, `search` and
//! `keys`; those call `pipeline` and `queue`; those call `source`, `store`, `telecine-media` and `telecine-engines`.

pub mod app;
pub mod asset;
pub mod cli;
pub mod cluster;
pub mod config;
pub mod doctor;
pub mod embedding;
pub mod fault;
pub mod files;
pub mod generate;
pub mod http;
pub mod ids;
pub mod index;
pub mod integration;
pub mod keys;
pub mod media_store;
pub mod orphans;
pub mod picture;
pub mod pipeline;
pub mod queue;
pub mod search;
pub mod source;
mod startup;
pub mod store;
pub mod system;
pub mod telemetry;
pub mod time;
pub mod transfer;
pub mod vault;
pub mod video;
pub mod webhook;
