//! Media crate.
