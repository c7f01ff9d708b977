//! Engines crate.
