//! The JSON shapes of the contract, per version. Pure: what is shown is what is given.

pub(super) mod analysis;
pub(super) mod asset;
pub(super) mod connection;
pub(super) mod embed;
pub(super) mod generate;
pub(super) mod hls;
pub(super) mod index;
pub(super) mod integration;
pub(super) mod inventory;
pub(super) mod search;
pub(super) mod task;
pub(super) mod video;
